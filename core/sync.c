/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

#include "config.h"

#include "sync-inside.h"

#include "log.h"
#include "memory.h"
#include "sink.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct cs_whom cs_sync_whom(const struct cs_syncing *syncing,
                            const struct cs_pipeline *pipeline)
{
    const struct cs_school *school = syncing->school;

    return (struct cs_whom){.run = syncing->options->run,
                            .pipeline = pipeline->name,
                            .district_id = school->district->clever_id,
                            .district_prefix = school->district->prefix,
                            .school_id = school->clever_id,
                            .school_prefix = school->prefix};
}

enum cs_rc cs_sync_open_part(struct cs_syncing *syncing,
                             const struct cs_lane *lane,
                             const struct cs_part *part,
                             struct cs_instance **instance,
                             struct cs_error *error)
{
    struct cs_instance_request request = {
        .part = part,
        .whom = cs_sync_whom(syncing, lane->pipeline),
        .cancel = syncing->cancel,
        .reads = lane->pipeline->mapper->module->ops.mapper.reads,
        .stores = syncing->app->wiring.ncredentials,
        .entity = lane->schema->label};

    atomic_store(&syncing->result->busy_with, part->section);
    return cs_instance_open(instance, syncing->app, &request, error);
}

const struct cs_state *cs_sync_state(const struct cs_syncing *syncing,
                                     const struct cs_lane *lane)
{
    for (size_t i = 0; i < syncing->n; i++) {
        if (syncing->lanes[i].owns_sink &&
            syncing->lanes[i].sink == lane->sink)
            return &syncing->lanes[i].state;
    }
    return &lane->state;
}

/* The school's database, opened once for all lanes that write to it. */
static enum cs_rc open_sink(struct cs_syncing *syncing, struct cs_lane *lane,
                            struct cs_error *error)
{
    enum cs_rc rc;

    for (struct cs_lane *earlier = syncing->lanes; earlier < lane; earlier++) {
        if (earlier->pipeline->sink == lane->pipeline->sink) {
            lane->sink = earlier->sink;
            return CS_OK;
        }
    }
    rc = cs_sync_open_part(syncing, lane, lane->pipeline->sink, &lane->sink, error);
    if (rc != CS_OK)
        return rc;
    lane->owns_sink = true;
    return cs_state_load(&lane->state, lane->sink, syncing->school->clever_id,
                         error);
}

static enum cs_rc open_lanes(struct cs_syncing *syncing, struct cs_error *error)
{
    for (size_t i = 0; i < syncing->n; i++) {
        struct cs_lane *lane = &syncing->lanes[i];
        enum cs_rc rc = open_sink(syncing, lane, error);

        if (rc == CS_OK)
            rc = cs_sync_open_part(syncing, lane, lane->pipeline->mapper,
                           &lane->mapper, error);
        if (rc == CS_OK)
            rc = cs_sync_open_part(syncing, lane, lane->pipeline->source,
                           &lane->source, error);
        if (rc != CS_OK)
            return rc;
    }
    return CS_OK;
}

static void close_lanes(struct cs_syncing *syncing)
{
    for (size_t i = syncing->n; i-- > 0;) {
        struct cs_lane *lane = &syncing->lanes[i];

        cs_instance_close(lane->source);
        cs_instance_close(lane->mapper);
        if (lane->owns_sink)
            cs_instance_close(lane->sink);
        cs_state_clear(&lane->state);
        cs_schema_free(lane->schema);
        free(lane->history_key);
    }
    free(syncing->lanes);
    free(syncing->baseline);
}

/* ---- The passes ---------------------------------------------------------- */

static void fail_entity(struct cs_syncing *syncing, struct cs_lane *lane,
                        const struct cs_error *error)
{
    struct cs_sync_entity *entity = lane->entity;

    entity->type = cs_sync_type(lane);
    entity->status = CS_HISTORY_FAILED;
    entity->status_code = cs_error_exit(error);
    if (error->rc == CS_E_CANCELLED && cs_cancel_late(syncing->cancel))
        snprintf(entity->message, sizeof(entity->message),
                 "stopped at its deadline ([sync] timeout_minutes): %s",
                 error->text);
    else
        snprintf(entity->message, sizeof(entity->message), "%s", error->text);
    cs_sync_end_history(syncing, lane);
}

static void finish_entity(struct cs_syncing *syncing, struct cs_lane *lane)
{
    struct cs_sync_entity *entity = lane->entity;
    const struct cs_pass_result *result = &entity->result;

    entity->type = cs_sync_type(lane);
    entity->status = CS_HISTORY_SUCCESS;
    snprintf(entity->message, sizeof(entity->message), "%s", lane->note);
    if (result->held > 0 || result->rejected > 0) {
        entity->status = CS_HISTORY_PARTIAL;
        entity->status_code =
            result->held > 0 ? CS_EXIT_HELD : CS_EXIT_PARTIAL;
        snprintf(entity->message, sizeof(entity->message), "%s",
                 result->message);
    }
    cs_sync_end_history(syncing, lane);
}

static void run_lane(struct cs_syncing *syncing, struct cs_lane *lane,
                     struct cs_error *error)
{
    struct cs_pass pass = {.settings = syncing->app->settings,
                           .session = syncing->session,
                           .school = syncing->school,
                           .run = syncing->options->run,
                           .cancel = syncing->cancel,
                           .source = lane->source,
                           .mapper = lane->mapper,
                           .sink = lane->sink,
                           .schema = lane->schema,
                           .state = cs_sync_state(syncing, lane),
                           .mode = lane->mode,
                           .delta = lane->pipeline->delta,
                           .feed = lane->feed,
                           .feed_from = lane->cursor,
                           .dry = syncing->options->dry,
                           .show_values = syncing->options->show_values,
                           .cursor = lane->next_cursor,
                           .started = syncing->started,
                           .sync_id = lane->history.id,
                           .progress = &syncing->result->progress};

    atomic_store(&syncing->result->busy_with, lane->pipeline->name);
    if (cs_pass_run(&pass, &lane->entity->result, error) == CS_OK)
        finish_entity(syncing, lane);
    else
        fail_entity(syncing, lane, error);
}

static bool all_have(const struct cs_syncing *syncing, const char *status)
{
    for (size_t i = 0; i < syncing->n; i++) {
        if (strcmp(syncing->lanes[i].entity->status, status) != 0)
            return false;
    }
    return true;
}

/* RequiresFullSync is cleared by a full sync that left nothing undone, and set
 * by an incremental one that met somebody it cannot store. */
static void note_need(struct cs_syncing *syncing)
{
    bool incomplete = false;
    struct cs_school_change change = {.requires_full = &incomplete};
    struct cs_error error = {0};

    for (size_t i = 0; i < syncing->n; i++)
        incomplete = incomplete || syncing->lanes[i].entity->result.incomplete;
    if (!incomplete && !(syncing->full && syncing->school->requires_full &&
                         all_have(syncing, CS_HISTORY_SUCCESS)))
        return;
    if (cs_registry_set_school(syncing->session, syncing->school, &change,
                               &error) != CS_OK)
        cs_log_write(CS_LOG_ERROR, &syncing->context,
                     "RequiresFullSync could not be set: %s", error.text);
}

/* With the school's lock held. */
static void sync_locked(struct cs_syncing *syncing)
{
    struct cs_error error = {0};
    enum cs_rc opened = open_lanes(syncing, &error);
    enum cs_rc rc = opened;

    if (rc == CS_OK)
        rc = cs_sync_decide(syncing, &error);
    if (!syncing->options->dry) {
        struct cs_error why = {0};
        enum cs_rc begun = cs_sync_begin_history(syncing, &why);

        if (rc == CS_OK && begun != CS_OK) {
            rc = begun;
            error = why;
        }
    }
    if (rc == CS_OK)
        rc = cs_sync_prepare(syncing, &error);
    for (size_t i = 0; i < syncing->n; i++) {
        if (rc == CS_OK)
            run_lane(syncing, &syncing->lanes[i], &error);
        else
            fail_entity(syncing, &syncing->lanes[i], &error);
        /* Nothing at all goes into a database that may be another's. */
        if (error.status == CS_EXIT_PERSON)
            rc = error.rc;
    }
    if (rc == CS_OK && !syncing->options->dry) {
        cs_sync_note_cursor(syncing);
        note_need(syncing);
    }
}

/* The school's own exit code, from those of its entities. */
static int sum_up(const struct cs_sync_school *result)
{
    size_t good = 0;
    int worst = 0;

    for (size_t i = 0; i < result->nentities; i++) {
        good += result->entities[i].status_code == CS_EXIT_OK;
        worst = cs_error_worst(worst, result->entities[i].status_code);
    }
    return good > 0 && good < result->nentities ? CS_EXIT_PARTIAL : worst;
}

static void make_lanes(struct cs_syncing *syncing)
{
    const struct cs_wiring *wiring = &syncing->app->wiring;
    struct cs_sync_school *result = syncing->result;

    syncing->n = wiring->npipelines;
    syncing->lanes = cs_memory_array(syncing->n, sizeof(*syncing->lanes));
    result->nentities = syncing->n;
    result->entities = cs_memory_array(syncing->n, sizeof(*result->entities));
    for (size_t i = 0; i < syncing->n; i++) {
        struct cs_lane *lane = &syncing->lanes[i];

        lane->pipeline = &wiring->pipelines[i];
        lane->schema = cs_schema_new(
            lane->pipeline->mapper->module->ops.mapper.entity);
        lane->entity = &result->entities[i];
        lane->entity->label = cs_memory_text(lane->schema->label);
    }
}

void cs_sync_school(struct cs_app *app, struct cs_session *session,
                    struct cs_feeds *feeds,
                    const struct cs_sync_options *options,
                    struct cs_cancel *cancel, struct cs_sync_school *result)
{
    struct cs_syncing syncing = {
        .app = app,
        .session = session,
        .feeds = feeds,
        .options = options,
        .cancel = cancel,
        .result = result,
        .school = result->school,
        .started = cs_clock_now(),
        .context = {.run = options->run,
                    .district = result->school->district->clever_id,
                    .school = result->school->clever_id}};
    struct cs_error error = {0};

    result->started = cs_clock_steady();
    if (!options->dry &&
        cs_session_lock(session, result->school, &error) != CS_OK) {
        result->status_code = cs_error_exit(&error);
        snprintf(result->message, sizeof(result->message), "%s", error.text);
    } else {
        make_lanes(&syncing);
        sync_locked(&syncing);
        close_lanes(&syncing);
        if (!options->dry)
            cs_session_unlock(session, result->school);
        result->status_code = sum_up(result);
    }
    atomic_store(&result->busy_with, NULL);
    result->ended = cs_clock_steady();
}

void cs_sync_clear(struct cs_sync_school *result)
{
    for (size_t i = 0; i < result->nentities; i++) {
        cs_pass_clear(&result->entities[i].result);
        free(result->entities[i].label);
    }
    free(result->entities);
    free(result->location);
}
