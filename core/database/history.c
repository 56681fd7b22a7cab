/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

#include "config.h"

#include "database/history.h"

#include "sync/cell.h"
#include "database/forget.h"
#include "base/memory.h"
#include "database/schema.h"
#include "database/session.h"
#include "plugin/sink.h"

#include <stdlib.h>
#include <string.h>

/* ---- Rows, to and from cells -------------------------------------------- */

/* Copies that outlive a scan, grown as rows arrive. */
struct rows {
    struct cs_history *row;
    size_t n;
};

static void clear(struct rows *rows)
{
    for (size_t i = 0; i < rows->n; i++) {
        struct cs_history *row = &rows->row[i];

        free((char *)row->key);
        free((char *)row->run);
        free((char *)row->entity);
        free((char *)row->type);
        free((char *)row->status);
        free((char *)row->message);
        free((char *)row->last_event);
    }
    free(rows->row);
    *rows = (struct rows){0};
}

static enum cs_rc keep(void *arg, const struct cs_value *cells)
{
    struct rows *rows = arg;
    struct cs_history row = {
        .id = cs_cell_integer(&cells[CS_HISTORY_ID]),
        .school = cs_cell_integer(&cells[CS_HISTORY_SCHOOL]),
        .start = cs_cell_time(&cells[CS_HISTORY_START]),
        .end = cs_cell_time(&cells[CS_HISTORY_END]),
        .processed = cs_cell_integer(&cells[CS_HISTORY_PROCESSED]),
        .updated = cs_cell_integer(&cells[CS_HISTORY_UPDATED]),
        .inserted = cs_cell_integer(&cells[CS_HISTORY_INSERTED]),
        .deleted = cs_cell_integer(&cells[CS_HISTORY_DELETED]),
        .failed = cs_cell_integer(&cells[CS_HISTORY_ROWS_FAILED]),
        .last_sync = cs_cell_time(&cells[CS_HISTORY_LAST_SYNC]),
    };
    const struct {
        const char **to;
        size_t column;
    } texts[] = {
        {&row.key, CS_HISTORY_KEY},
        {&row.run, CS_HISTORY_RUN},
        {&row.entity, CS_HISTORY_ENTITY},
        {&row.type, CS_HISTORY_TYPE},
        {&row.status, CS_HISTORY_STATUS},
        {&row.message, CS_HISTORY_MESSAGE},
        {&row.last_event, CS_HISTORY_LAST_EVENT},
    };

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        *texts[i].to = cs_memory_text(cs_cell_text(&cells[texts[i].column]));
    if ((rows->n & (rows->n - 1)) == 0) /* doubles at each power of two */
        rows->row = cs_memory_grow(rows->row, rows->n == 0 ? 1 : 2 * rows->n,
                                   sizeof(row));
    rows->row[rows->n++] = row;
    return CS_OK;
}

/* Every cell but the identity; times are kept in `room`. */
struct room {
    char start[CS_CLOCK_ISO], end[CS_CLOCK_ISO], last_sync[CS_CLOCK_ISO];
};

static void fill(const struct cs_history *row, struct room *room,
                 struct cs_value cells[CS_HISTORY_COLUMNS])
{
    cells[CS_HISTORY_ID] = (struct cs_value){.state = CS_ABSENT};
    cells[CS_HISTORY_SCHOOL] = cs_cell_of_integer(row->school);
    cells[CS_HISTORY_ENTITY] = cs_cell_of_text(row->entity);
    cells[CS_HISTORY_TYPE] = cs_cell_of_text(row->type);
    cells[CS_HISTORY_START] = cs_cell_of_time(row->start, room->start);
    cells[CS_HISTORY_END] = cs_cell_of_time(row->end, room->end);
    cells[CS_HISTORY_STATUS] = cs_cell_of_text(row->status);
    cells[CS_HISTORY_PROCESSED] = cs_cell_of_integer(row->processed);
    cells[CS_HISTORY_UPDATED] = cs_cell_of_integer(row->updated);
    cells[CS_HISTORY_ROWS_FAILED] = cs_cell_of_integer(row->failed);
    cells[CS_HISTORY_MESSAGE] = cs_cell_of_text(row->message);
    cells[CS_HISTORY_LAST_SYNC] =
        cs_cell_of_time(row->last_sync, room->last_sync);
    cells[CS_HISTORY_LAST_EVENT] = cs_cell_of_text(row->last_event);
    cells[CS_HISTORY_RUN] = cs_cell_of_text(row->run);
    cells[CS_HISTORY_INSERTED] = cs_cell_of_integer(row->inserted);
    cells[CS_HISTORY_DELETED] = cs_cell_of_integer(row->deleted);
    cells[CS_HISTORY_KEY] = cs_cell_of_text(row->key);
}

static enum cs_rc update(struct cs_instance *sink, const struct cs_history *row,
                         struct cs_error *error)
{
    struct cs_value cells[CS_HISTORY_COLUMNS];
    struct room room;

    fill(row, &room, cells);
    return cs_sink_put(sink, &cs_schema_history, CS_UPDATE, cells, error);
}

/* Rows without a key are of the system that was here before: they are read, and
 * left as they are. */

/* ---- A sync begins and ends --------------------------------------------- */

static enum cs_rc read_id(void *arg, const struct cs_value *cells)
{
    *(int64_t *)arg = cs_cell_integer(&cells[CS_HISTORY_ID]);
    return CS_OK;
}

static enum cs_rc find(struct cs_instance *sink, struct cs_history *row,
                       struct cs_error *error)
{
    const struct cs_value key = cs_cell_of_text(row->key);
    const struct cs_filter filter = {
        .size = sizeof(filter),
        .column = CS_HISTORY_KEY,
        .in = &key,
        .nin = 1,
    };

    return cs_sink_scan(sink, &cs_schema_history, &filter, read_id, &row->id,
                        error);
}

/* The identity is the database's to give: we find our row by its key.  It may
 * be there already, when an earlier try broke off behind its commit. */
static enum cs_rc begin(struct cs_history *row, struct cs_instance *sink,
                        struct cs_error *error)
{
    struct cs_value cells[CS_HISTORY_COLUMNS];
    struct room room;
    enum cs_rc rc;

    row->id = 0;
    rc = find(sink, row, error);
    if (rc != CS_OK || row->id != 0)
        return rc;
    fill(row, &room, cells);
    rc = cs_sink_put(sink, &cs_schema_history, CS_INSERT, cells, error);
    if (rc == CS_OK)
        rc = find(sink, row, error);
    if (rc == CS_OK && row->id == 0)
        rc = cs_error_set(error, CS_E_FATAL,
                          "the session database does not show the row of "
                          "SyncHistory that it was just given");
    return rc;
}

struct beginning {
    struct cs_history *const *rows;
    size_t n;
};

static enum cs_rc begin_all(void *arg, struct cs_instance *sink,
                            struct cs_error *error)
{
    const struct beginning *beginning = arg;
    enum cs_rc rc = CS_OK;

    for (size_t i = 0; i < beginning->n && rc == CS_OK; i++)
        rc = begin(beginning->rows[i], sink, error);
    return rc;
}

enum cs_rc cs_history_begin_all(struct cs_session *session,
                                struct cs_history *const *rows, size_t n,
                                struct cs_error *error)
{
    struct beginning beginning = {rows, n};

    return cs_session_change(session, begin_all, &beginning, error);
}

enum cs_rc cs_history_begin(struct cs_session *session, struct cs_history *row,
                            struct cs_error *error)
{
    return cs_history_begin_all(session, &row, 1, error);
}

static enum cs_rc end(void *arg, struct cs_instance *sink,
                      struct cs_error *error)
{
    return update(sink, arg, error);
}

enum cs_rc cs_history_end(struct cs_session *session,
                          const struct cs_history *row, struct cs_error *error)
{
    struct cs_history copy = *row;

    return cs_session_change(session, end, &copy, error);
}

/* ---- What a dead run left ----------------------------------------------- */

static enum cs_rc scan_in_progress(struct cs_instance *sink, struct rows *rows,
                                   struct cs_error *error)
{
    const struct cs_value status = cs_cell_of_text(CS_HISTORY_IN_PROGRESS);
    const struct cs_filter filter = {
        .size = sizeof(filter),
        .column = CS_HISTORY_STATUS,
        .in = &status,
        .nin = 1,
    };

    return cs_sink_scan(sink, &cs_schema_history, &filter, keep, rows, error);
}

struct sweep {
    int64_t school;
    const char *run;
    size_t closed;
};

static enum cs_rc sweep(void *arg, struct cs_instance *sink,
                        struct cs_error *error)
{
    struct sweep *request = arg;
    struct rows rows = {0};
    enum cs_rc rc = scan_in_progress(sink, &rows, error);

    request->closed = 0;
    for (size_t i = 0; i < rows.n && rc == CS_OK; i++) {
        struct cs_history row = rows.row[i];

        if (row.school != request->school || row.key == NULL ||
            (row.run != NULL && strcmp(row.run, request->run) == 0))
            continue;
        row.status = CS_HISTORY_FAILED;
        row.end = cs_clock_now();
        row.message = CS_HISTORY_DIED;
        rc = update(sink, &row, error);
        request->closed += rc == CS_OK;
    }
    clear(&rows);
    return rc;
}

enum cs_rc cs_history_sweep(struct cs_session *session, int64_t school,
                            const char *run, size_t *closed,
                            struct cs_error *error)
{
    struct sweep request = {.school = school, .run = run};
    enum cs_rc rc = cs_session_change(session, sweep, &request, error);

    *closed = rc == CS_OK ? request.closed : 0;
    return rc;
}

static enum cs_rc in_progress(void *arg, struct cs_instance *sink,
                              struct cs_error *error)
{
    clear(arg);
    return scan_in_progress(sink, arg, error);
}

void cs_history_blame(struct cs_session *session, int64_t school,
                      struct cs_error *error)
{
    const struct cs_history *newest = NULL;
    struct rows rows = {0};
    char since[CS_CLOCK_ISO];

    cs_session_use(session, in_progress, &rows, NULL);
    for (size_t i = 0; i < rows.n; i++)
        if (rows.row[i].school == school &&
            (newest == NULL || rows.row[i].id > newest->id))
            newest = &rows.row[i];
    if (newest != NULL && newest->run != NULL) {
        cs_clock_format(newest->start, since);
        cs_error_set(error, CS_E_BUSY,
                     "run %s is busy with this school since %s", newest->run,
                     since);
    } else {
        cs_error_set(error, CS_E_BUSY,
                     "another process is busy with this school");
    }
    clear(&rows);
}

/* ---- Reading ------------------------------------------------------------ */

struct reading {
    int64_t school;
    size_t most;
    struct rows rows;
};

static int newest_first(const void *left, const void *right)
{
    const struct cs_history *a = left, *b = right;

    return (a->id < b->id) - (a->id > b->id);
}

static enum cs_rc read_rows(void *arg, struct cs_instance *sink,
                            struct cs_error *error)
{
    struct reading *reading = arg;
    const struct cs_value school = cs_cell_of_integer(reading->school);
    const struct cs_filter filter = {
        .size = sizeof(filter),
        .column = CS_HISTORY_SCHOOL,
        .in = reading->school != 0 ? &school : NULL,
        .nin = reading->school != 0,
        .newest = reading->most,
    };
    enum cs_rc rc;

    clear(&reading->rows);
    rc = cs_sink_scan(sink, &cs_schema_history, &filter, keep, &reading->rows,
                      error);
    if (rc == CS_OK && reading->rows.n > 0)
        qsort(reading->rows.row, reading->rows.n, sizeof(*reading->rows.row),
              newest_first);
    return rc;
}

enum cs_rc cs_history_each(struct cs_session *session, int64_t school,
                           size_t most, cs_history_fn *each, void *arg,
                           struct cs_error *error)
{
    struct reading reading = {.school = school, .most = most};
    enum cs_rc rc = cs_session_use(session, read_rows, &reading, error);

    for (size_t i = 0; i < reading.rows.n && rc == CS_OK; i++)
        rc = each(arg, &reading.rows.row[i]);
    clear(&reading.rows);
    return rc;
}

/* ---- Forgetting --------------------------------------------------------- */

/* So many of a school's newest rows are looked at for one that makes an old
 * row dispensable; where they show none, the old one stays. */
enum { LOOK_BACK = 64 };

static bool closed(const struct cs_history *row)
{
    return row->status != NULL &&
           strcmp(row->status, CS_HISTORY_IN_PROGRESS) != 0;
}

static int by_text(const char *a, const char *b)
{
    return strcmp(a != NULL ? a : "", b != NULL ? b : "");
}

static bool same_series(const struct cs_history *a, const struct cs_history *b)
{
    return a->school == b->school && by_text(a->entity, b->entity) == 0;
}

/* Series by series, each newest first. */
static int by_series(const void *left, const void *right)
{
    const struct cs_history *a = left, *b = right;
    int order = (a->school > b->school) - (a->school < b->school);

    if (order == 0)
        order = by_text(a->entity, b->entity);
    return order != 0 ? order : newest_first(a, b);
}

/* Is there a closed row of the same series that is newer? */
static enum cs_rc is_succeeded(struct cs_instance *sink,
                               const struct cs_history *row, bool *succeeded,
                               struct cs_error *error)
{
    struct reading recent = {.school = row->school, .most = LOOK_BACK};
    enum cs_rc rc = read_rows(&recent, sink, error);

    *succeeded = false;
    for (size_t i = 0; i < recent.rows.n && rc == CS_OK; i++)
        if (recent.rows.row[i].id > row->id && closed(&recent.rows.row[i]) &&
            same_series(row, &recent.rows.row[i]))
            *succeeded = true;
    clear(&recent.rows);
    return rc;
}

/* Which of the old rows may go: keys; texts are borrowed from them. */
struct purge {
    const struct cs_value *before;
    struct rows old;
    struct cs_value *keys;
    size_t n;
};

static enum cs_rc choose(struct purge *purge, struct cs_instance *sink,
                         struct cs_error *error)
{
    const struct cs_history *last = NULL; /* the closed one before this one */
    enum cs_rc rc = CS_OK;

    for (size_t i = 0; i < purge->old.n && rc == CS_OK; i++) {
        const struct cs_history *row = &purge->old.row[i];
        bool succeeded = true;

        if (!closed(row))
            continue;
        if (last == NULL || !same_series(row, last))
            rc = is_succeeded(sink, row, &succeeded, error);
        if (rc == CS_OK && succeeded && row->key != NULL)
            purge->keys[purge->n++] = cs_cell_of_text(row->key);
        last = row;
    }
    return rc;
}

static void clear_purge(struct purge *purge)
{
    clear(&purge->old);
    free(purge->keys);
    purge->keys = NULL;
    purge->n = 0;
}

static enum cs_rc find_old(void *arg, struct cs_instance *sink,
                           struct cs_error *error)
{
    struct purge *purge = arg;
    const struct cs_filter filter = {
        .size = sizeof(filter),
        .column = CS_HISTORY_START,
        .below = purge->before,
    };
    enum cs_rc rc;

    clear_purge(purge);
    rc = cs_sink_scan(sink, &cs_schema_history, &filter, keep, &purge->old,
                      error);
    if (rc != CS_OK || purge->old.n == 0)
        return rc;
    qsort(purge->old.row, purge->old.n, sizeof(*purge->old.row), by_series);
    purge->keys = cs_memory_array(purge->old.n, sizeof(*purge->keys));
    return choose(purge, sink, error);
}

/* What makes a row dispensable is newer than it and closed, so it stays so,
 * whoever else purges meanwhile. */
enum cs_rc cs_history_purge(struct cs_session *session, struct cs_error *error)
{
    long days = cs_settings_number(cs_session_settings(session), "history",
                                   "retention_days");
    char room[CS_CLOCK_ISO];
    const struct cs_value before =
        cs_cell_of_time(cs_clock_now() - days * 86400 * CS_SECOND, room);
    struct purge purge = {.before = &before};
    struct cs_filter filter = {.size = sizeof(filter),
                               .column = CS_HISTORY_KEY};
    size_t most = (size_t)cs_settings_number(cs_session_settings(session),
                                             "sync", "batch_size");
    enum cs_rc rc = cs_session_use(session, find_old, &purge, error);

    for (size_t i = 0; rc == CS_OK && i < purge.n; i += most) {
        filter.in = purge.keys + i;
        filter.nin = purge.n - i < most ? purge.n - i : most;
        rc = cs_forget_rows(session, &cs_schema_history, &filter, NULL, error);
    }
    clear_purge(&purge);
    return rc;
}
