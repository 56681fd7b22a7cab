/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

#include "config.h"

#include "database/schedule-row.h"

#include "sync/cell.h"
#include "database/schema.h"

#include <stdio.h>
#include <string.h>

#define LONGEST (31 * CS_SCHEDULE_ROW_DAY)
#define LATE (60 * CS_SECOND)
/* There is one schedule. */
#define KEY "sync"
/* In the place of a run's id, before there was any. */
#define NO_RUN "none"

enum { LOCK_WAIT_MS = 10000 };

/* ---- The rules ---------------------------------------------------------- */

struct cs_schedule_due cs_schedule_row_due(const struct cs_cron *cron,
                                           int64_t last, int64_t now)
{
    struct cs_schedule_due due = {0};
    int64_t tick;

    if (last < now - LONGEST)
        last = now - LONGEST;
    for (tick = cs_cron_next(cron, last); tick != 0 && tick <= now;
         tick = cs_cron_next(cron, tick)) {
        due.tick = tick;
        due.n++;
    }
    return due;
}

bool cs_schedule_row_late(const struct cs_schedule_due *due, int64_t now)
{
    return now - due->tick > LATE;
}

bool cs_schedule_row_claim(struct cs_schedule_row *row,
                           const struct cs_schedule_due *due, int64_t now,
                           int64_t newest)
{
    if (due->n == 0 || row->last >= due->tick)
        return false;
    /* A run that was cut short is made good by this one. */
    row->caught_up += row->open || cs_schedule_row_late(due, now);
    row->skipped += (int64_t)due->n - 1;
    row->last = due->tick;
    row->since = newest;
    row->open = true;
    return true;
}

bool cs_schedule_row_skip(struct cs_schedule_row *row,
                          const struct cs_schedule_due *due)
{
    if (due->n == 0 || row->last >= due->tick)
        return false;
    row->skipped += (int64_t)due->n;
    row->last = due->tick;
    return true;
}

bool cs_schedule_row_end(struct cs_schedule_row *row, const char *run,
                         int64_t since)
{
    if (!row->open || row->since != since)
        return false; /* another daemon was first, or is further */
    row->open = false;
    snprintf(row->run, sizeof(row->run), "%s", run);
    return true;
}

bool cs_schedule_row_begin(struct cs_schedule_row *row, int64_t now)
{
    if (row->last != 0 && row->last <= now + CS_SCHEDULE_ROW_DAY)
        return false;
    if (row->last == 0)
        snprintf(row->run, sizeof(row->run), NO_RUN);
    row->last = now;
    return true;
}

/* ---- In the session database -------------------------------------------- */

struct changing {
    cs_schedule_change *change;
    void *arg;
    struct cs_schedule_row row;
};

static enum cs_rc take(void *arg, const struct cs_value *cells)
{
    struct cs_schedule_row *row = arg;
    const char *run = cs_cell_text(&cells[CS_SCHEDULE_LAST_RUN]);

    *row = (struct cs_schedule_row){
        .last = cs_cell_time(&cells[CS_SCHEDULE_LAST_TICK]),
        .open = run == NULL,
        .since = cs_cell_integer(&cells[CS_SCHEDULE_SINCE_SYNC]),
        .skipped = cs_cell_integer(&cells[CS_SCHEDULE_SKIPPED]),
        .caught_up = cs_cell_integer(&cells[CS_SCHEDULE_CAUGHT_UP]),
    };
    snprintf(row->run, sizeof(row->run), "%s", run != NULL ? run : "");
    return CS_OK;
}

static enum cs_rc load(struct cs_schedule_row *row, struct cs_instance *sink,
                       struct cs_error *error)
{
    const struct cs_value key = cs_cell_of_text(KEY);
    const struct cs_filter filter = {
        .size = sizeof(filter),
        .column = CS_SCHEDULE_KEY,
        .in = &key,
        .nin = 1,
    };

    *row = (struct cs_schedule_row){0};
    return cs_sink_scan(sink, &cs_schema_schedule, &filter, take, row, error);
}

static enum cs_rc store(const struct cs_schedule_row *row, bool new,
                        struct cs_instance *sink, struct cs_error *error)
{
    struct cs_value cells[CS_SCHEDULE_COLUMNS];
    char last[CS_CLOCK_ISO], now[CS_CLOCK_ISO];

    cells[CS_SCHEDULE_KEY] = cs_cell_of_text(KEY);
    cells[CS_SCHEDULE_LAST_TICK] = cs_cell_of_time(row->last, last);
    cells[CS_SCHEDULE_LAST_RUN] = cs_cell_of_text(row->open ? NULL : row->run);
    cells[CS_SCHEDULE_SINCE_SYNC] = cs_cell_of_integer(row->since);
    cells[CS_SCHEDULE_SKIPPED] = cs_cell_of_integer(row->skipped);
    cells[CS_SCHEDULE_CAUGHT_UP] = cs_cell_of_integer(row->caught_up);
    cells[CS_SCHEDULE_UPDATED] = cs_cell_of_time(cs_clock_now(), now);
    return cs_sink_put(sink, &cs_schema_schedule, new ? CS_INSERT : CS_UPDATE,
                       cells, error);
}

static enum cs_rc change_locked(struct changing *changing,
                                struct cs_instance *sink,
                                struct cs_error *error)
{
    enum cs_rc rc = load(&changing->row, sink, error);
    bool new = changing->row.last == 0;

    if (rc != CS_OK || !changing->change(changing->arg, &changing->row))
        return rc;
    return store(&changing->row, new, sink, error);
}

static enum cs_rc change_row(void *arg, struct cs_instance *sink,
                             struct cs_error *error)
{
    enum cs_rc rc = cs_sink_lock(sink, "schedule", LOCK_WAIT_MS, error);

    if (rc != CS_OK)
        return rc;
    rc = change_locked(arg, sink, error);
    cs_sink_unlock(sink, "schedule");
    return rc;
}

enum cs_rc cs_schedule_row_change(struct cs_session *session,
                                  cs_schedule_change *change, void *arg,
                                  struct cs_schedule_row *row,
                                  struct cs_error *error)
{
    struct changing changing = {.change = change, .arg = arg};
    enum cs_rc rc = cs_session_use(session, change_row, &changing, error);

    if (rc == CS_OK)
        *row = changing.row;
    return rc;
}
