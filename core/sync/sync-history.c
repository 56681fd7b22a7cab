/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

#include "config.h"

#include "sync/sync-inside.h"

#include "base/log.h"
#include "base/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum cs_rc cs_sync_begin_history(struct cs_syncing *syncing,
                                 struct cs_error *error)
{
    struct cs_history **rows = cs_memory_array(syncing->n, sizeof(*rows));
    size_t swept = 0;
    enum cs_rc rc = cs_history_sweep(syncing->session, syncing->school->id,
                                     syncing->options->run, &swept, error);

    if (swept > 0)
        cs_log_write(CS_LOG_WARN, &syncing->context,
                     "%zu rows of history that a run left open are closed as "
                     "Failed",
                     swept);
    for (size_t i = 0; i < syncing->n; i++) {
        struct cs_lane *lane = &syncing->lanes[i];

        rows[i] = &lane->history;
        lane->history_key =
            cs_memory_format("%s/%s/%s", syncing->options->run,
                             syncing->school->clever_id, lane->pipeline->name);
        lane->history = (struct cs_history){.school = syncing->school->id,
                                            .key = lane->history_key,
                                            .run = syncing->options->run,
                                            .entity = lane->schema->label,
                                            .type = cs_sync_type(lane),
                                            .status = CS_HISTORY_IN_PROGRESS,
                                            .start = syncing->started};
    }
    if (rc == CS_OK)
        rc = cs_history_begin_all(syncing->session, rows, syncing->n, error);
    for (size_t i = 0; i < syncing->n; i++)
        syncing->lanes[i].open_history = rc == CS_OK;
    free(rows);
    return rc;
}

void cs_sync_end_history(struct cs_syncing *syncing, struct cs_lane *lane)
{
    const struct cs_sync_entity *entity = lane->entity;
    const struct cs_pass_result *result = &entity->result;
    bool failed = strcmp(entity->status, CS_HISTORY_FAILED) == 0;
    struct cs_error error = {0};

    if (!lane->open_history)
        return;
    lane->open_history = false;
    lane->history.type = entity->type;
    lane->history.status = entity->status;
    lane->history.end = cs_clock_now();
    lane->history.processed = (int64_t)result->read;
    lane->history.inserted = (int64_t)result->inserted;
    lane->history.deleted = (int64_t)result->deleted;
    lane->history.updated = (int64_t)(result->inserted + result->updated +
                                      result->restored + result->deactivated);
    lane->history.failed = (int64_t)result->rejected;
    lane->history.message = entity->message[0] ? entity->message : NULL;
    lane->history.last_sync = failed ? 0 : syncing->started;
    lane->history.last_event = failed ? NULL : lane->next_cursor;
    if (cs_history_end(syncing->session, &lane->history, &error) == CS_OK)
        return;
    cs_log_write(CS_LOG_ERROR, &syncing->context,
                 "the history could not be written: %s", error.text);
    lane->entity->status_code =
        cs_error_worst(lane->entity->status_code, cs_error_exit(&error));
}

/* ---- Done by another run ------------------------------------------------- */

struct finishing {
    const struct cs_syncing *syncing;
    const struct cs_sync_wanted *wanted;
    bool *lanes; /* which of them have such a row */
    char *run;   /* the last one's */
};

static enum cs_rc look(void *arg, const struct cs_history *row)
{
    struct finishing *finishing = arg;
    const struct cs_syncing *syncing = finishing->syncing;
    const struct cs_sync_wanted *wanted = finishing->wanted;

    if (row->run == NULL)
        return CS_OK; /* of the system that was here before */
    if (row->id <= wanted->above || row->start < wanted->since ||
        (wanted->others && strcmp(row->run, syncing->options->run) == 0) ||
        (wanted->full && strcmp(row->type, "Full") != 0) ||
        (strcmp(row->status, CS_HISTORY_SUCCESS) != 0 &&
         strcmp(row->status, CS_HISTORY_PARTIAL) != 0))
        return CS_OK;
    for (size_t i = 0; i < syncing->n; i++) {
        if (strcmp(syncing->lanes[i].schema->label, row->entity) == 0) {
            finishing->lanes[i] = true;
            snprintf(finishing->run, CS_SYNC_RUN, "%s", row->run);
        }
    }
    return CS_OK;
}

enum cs_rc cs_sync_finished(const struct cs_syncing *syncing,
                            const struct cs_sync_wanted *wanted, bool *all,
                            char run[CS_SYNC_RUN], struct cs_error *error)
{
    struct finishing finishing = {
        .syncing = syncing,
        .wanted = wanted,
        .lanes = cs_memory_array(syncing->n, sizeof(*finishing.lanes)),
        .run = run};
    enum cs_rc rc = cs_history_each(syncing->session, syncing->school->id,
                                    wanted->rows, look, &finishing, error);

    *all = rc == CS_OK;
    for (size_t i = 0; i < syncing->n; i++)
        *all = *all && finishing.lanes[i];
    free(finishing.lanes);
    return rc;
}

bool cs_sync_done_elsewhere(struct cs_syncing *syncing)
{
    struct cs_sync_wanted wanted = {.rows = 8 * (syncing->n + 1),
                                    .above = syncing->options->since,
                                    .others = true,
                                    .full = syncing->options->full ||
                                            syncing->school->requires_full};
    struct cs_error error = {0};
    char run[CS_SYNC_RUN];
    bool done;

    if (syncing->options->dry ||
        cs_sync_finished(syncing, &wanted, &done, run, &error) != CS_OK ||
        !done)
        return false;
    cs_log_write(CS_LOG_INFO, &syncing->context, "already synced by run %s",
                 run);
    snprintf(syncing->result->message, sizeof(syncing->result->message),
             "already synced by run %s", run);
    return true;
}

/* A row that was never in progress. */
static void note(struct cs_syncing *syncing, struct cs_history *row)
{
    struct cs_error error = {0};
    char *key = cs_memory_format("%s/%s/%s", syncing->options->run,
                                 syncing->school->clever_id, row->entity);

    row->school = syncing->school->id;
    row->key = key;
    row->run = syncing->options->run;
    row->start = row->last_sync = syncing->started;
    row->end = cs_clock_now();
    row->status = CS_HISTORY_SUCCESS;
    if (cs_history_begin(syncing->session, row, &error) != CS_OK)
        cs_log_write(CS_LOG_ERROR, &syncing->context,
                     "the row %s of the history could not be written: %s",
                     row->entity, error.text);
    free(key);
}

static bool any_failed(const struct cs_syncing *syncing)
{
    for (size_t i = 0; i < syncing->n; i++) {
        if (strcmp(syncing->lanes[i].entity->status, CS_HISTORY_FAILED) == 0)
            return true;
    }
    return false;
}

void cs_sync_note_cursor(struct cs_syncing *syncing)
{
    struct cs_history baseline = {.entity = CS_HISTORY_BASELINE,
                                  .type = "Full",
                                  .last_event = syncing->baseline};
    struct cs_history event = {.entity = CS_HISTORY_EVENT,
                               .type = "Incremental"};

    if (any_failed(syncing))
        return;
    if (!syncing->baseline)
        baseline.message = "events are not available; runs go by the data";
    if (syncing->full && syncing->has_delta)
        note(syncing, &baseline);
    for (size_t i = 0; i < syncing->n; i++) {
        const struct cs_lane *lane = &syncing->lanes[i];

        if (!lane->feed)
            continue;
        event.last_event = lane->feed->end;
        event.processed = (int64_t)lane->entity->result.read;
    }
    if (event.last_event)
        note(syncing, &event);
}
