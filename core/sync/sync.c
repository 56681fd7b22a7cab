/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

#include "config.h"

#include "sync/sync-inside.h"

#include "base/log.h"
#include "base/memory.h"
#include "database/migrate.h"
#include "plugin/sink.h"

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
                            .school_prefix = school->prefix,
                            .school_secret = school->secret_name};
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

/* Is the school's database one that this program knows?  Then its state. */
static enum cs_rc load_state(struct cs_syncing *syncing, struct cs_lane *lane,
                             struct cs_error *error)
{
    const struct cs_entity *mapped = &lane->schema->entity;
    const struct cs_versions versions[] = {cs_versions_school,
                                           cs_versions_mapped(&mapped)};
    const char *school = syncing->school->clever_id;
    enum cs_rc rc = cs_migrate_check(versions, 2, lane->sink, error);

    if (rc != CS_OK)
        return rc;
    rc = cs_state_load(&lane->state, lane->sink, school, error);
    return rc == CS_OK ? rc
                       : cs_migrate_explain(lane->sink, &cs_schema_state,
                                            school, error);
}

static enum cs_rc repeat(const struct cs_syncing *syncing,
                         const struct cs_lane *lane, cs_sink_work *work,
                         void *arg, struct cs_error *error)
{
    return cs_sink_repeat(lane->pipeline->sink, syncing->app->settings,
                          syncing->cancel, work, arg, error);
}

struct opening {
    struct cs_syncing *syncing;
    struct cs_lane *lane;
};

static enum cs_rc open_database(void *arg, struct cs_error *error)
{
    const struct opening *opening = arg;
    struct cs_lane *lane = opening->lane;
    enum cs_rc rc;

    cs_instance_close(lane->sink);
    lane->sink = NULL;
    rc = cs_sync_open_part(opening->syncing, lane, lane->pipeline->sink,
                           &lane->sink, error);
    return rc == CS_OK ? load_state(opening->syncing, lane, error) : rc;
}

static enum cs_rc open_lanes(struct cs_syncing *syncing, struct cs_error *error)
{
    for (size_t i = 0; i < syncing->n; i++) {
        struct cs_lane *lane = &syncing->lanes[i];
        const struct cs_pipeline *pipeline = lane->pipeline;
        struct opening opening = {syncing, lane};
        enum cs_rc rc = repeat(syncing, lane, open_database, &opening, error);

        if (rc == CS_OK)
            rc = cs_sync_open_part(syncing, lane, pipeline->mapper,
                                   &lane->mapper, error);
        if (rc == CS_OK)
            rc = cs_sync_open_part(syncing, lane, pipeline->source,
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
        cs_instance_close(lane->sink);
        cs_state_clear(&lane->state);
        cs_schema_free(lane->schema);
        free(lane->history_key);
    }
    pthread_mutex_destroy(&syncing->writing);
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
    if (lane->mode == CS_JUDGE_VERIFY && result->inserted + result->updated +
                                                 result->restored +
                                                 result->deactivated >
                                             0) {
        entity->status = "Different";
        entity->status_code = CS_EXIT_DIFFERENT;
    }
    snprintf(entity->message, sizeof(entity->message), "%s",
             result->message[0] ? result->message : lane->note);
    if (entity->status_code == CS_EXIT_OK &&
        (result->held > 0 || result->rejected > 0)) {
        entity->status = CS_HISTORY_PARTIAL;
        entity->status_code = result->held > 0 ? CS_EXIT_HELD : CS_EXIT_PARTIAL;
    }
    cs_sync_end_history(syncing, lane);
}

static enum cs_rc pass(struct cs_syncing *syncing, struct cs_lane *lane,
                       bool dry, struct cs_error *error)
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
                           .state = &lane->state,
                           .mode = lane->mode,
                           .delta = lane->pipeline->delta,
                           .feed = lane->feed,
                           .feed_from = lane->cursor,
                           .dry = dry,
                           .show_values = syncing->options->show_values,
                           .cursor = lane->next_cursor,
                           .started = syncing->started,
                           .sync_id = lane->history.id,
                           .writing = &syncing->writing,
                           .progress = &syncing->result->progress};

    atomic_store(&syncing->result->busy_with, lane->pipeline->name);
    return cs_pass_run(&pass, &lane->entity->result, error);
}

struct lane_work {
    struct cs_syncing *syncing;
    struct cs_lane *lane;
    pthread_t thread;
    bool threaded;
};

static void *run_lane(void *arg)
{
    struct lane_work *work = arg;
    struct cs_error error = {0};

    if (pass(work->syncing, work->lane, work->syncing->options->dry, &error) ==
        CS_OK)
        finish_entity(work->syncing, work->lane);
    else
        fail_entity(work->syncing, work->lane, &error);
    return NULL;
}

/* The entities at the same time: what they wait for is mostly the wire.  Each
 * has connections of its own; only their writing is one after the other. */
static void run_lanes(struct cs_syncing *syncing)
{
    struct lane_work *work = cs_memory_array(syncing->n, sizeof(*work));

    for (size_t i = 0; i < syncing->n; i++) {
        work[i].syncing = syncing;
        work[i].lane = &syncing->lanes[i];
        /* The last one here; so does one for which there is no thread. */
        work[i].threaded =
            i + 1 < syncing->n &&
            pthread_create(&work[i].thread, NULL, run_lane, &work[i]) == 0;
        if (!work[i].threaded)
            run_lane(&work[i]);
    }
    for (size_t i = 0; i < syncing->n; i++) {
        if (work[i].threaded)
            pthread_join(work[i].thread, NULL);
    }
    free(work);
}

static enum cs_rc stop_at_first(void *arg, const struct cs_value *row)
{
    (void)arg;
    (void)row;
    return CS_SKIP;
}

static enum cs_rc look(void *arg, struct cs_error *error)
{
    const struct cs_lane *lane = arg;

    return cs_sink_scan(lane->sink, &lane->schema->entity, NULL, stop_at_first,
                        NULL, error);
}

enum cs_rc cs_sync_look(const struct cs_syncing *syncing, struct cs_lane *lane,
                        struct cs_error *error)
{
    enum cs_rc rc = repeat(syncing, lane, look, lane, error);

    if (rc != CS_OK && rc != CS_SKIP && rc != CS_E_NOT_HERE)
        return cs_migrate_explain(lane->sink, &lane->schema->entity,
                                  syncing->school->clever_id, error);
    lane->has_table = rc != CS_E_NOT_HERE;
    lane->has_rows = rc == CS_SKIP;
    return CS_OK;
}

/* A table with rows of which no state speaks may be another school's.  Before
 * anything at all is written to its database, every entity has to find that it
 * may be. */
static enum cs_rc rehearse(struct cs_syncing *syncing, struct cs_error *error)
{
    bool foreign = false;
    enum cs_rc rc = CS_OK;

    for (size_t i = 0; i < syncing->n; i++)
        foreign = foreign || (syncing->lanes[i].has_rows &&
                              syncing->lanes[i].last_sync == 0);
    for (size_t i = 0; rc == CS_OK && foreign && i < syncing->n; i++) {
        rc = pass(syncing, &syncing->lanes[i], true, error);
        cs_pass_clear(&syncing->lanes[i].entity->result);
    }
    return rc;
}

static bool all_have(const struct cs_syncing *syncing, const char *status)
{
    for (size_t i = 0; i < syncing->n; i++) {
        if (strcmp(syncing->lanes[i].entity->status, status) != 0)
            return false;
    }
    return true;
}

/* RequiresFullSync is cleared by a full sync that left nothing undone. */
static void clear_need(struct cs_syncing *syncing)
{
    static const bool no = false;
    struct cs_school_change change = {.requires_full = &no};
    struct cs_error error = {0};

    if (syncing->full && syncing->school->requires_full &&
        all_have(syncing, CS_HISTORY_SUCCESS) &&
        cs_registry_set_school(syncing->session, syncing->school, &change,
                               &error) != CS_OK)
        cs_log_write(CS_LOG_ERROR, &syncing->context,
                     "RequiresFullSync could not be cleared: %s", error.text);
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
    if (rc == CS_OK)
        rc = rehearse(syncing, &error);
    if (rc == CS_OK)
        run_lanes(syncing);
    for (size_t i = 0; rc != CS_OK && i < syncing->n; i++)
        fail_entity(syncing, &syncing->lanes[i], &error);
    if (rc == CS_OK && !syncing->options->dry) {
        cs_sync_note_cursor(syncing);
        clear_need(syncing);
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
    return cs_error_sum(good, result->nentities, worst);
}

static void make_lanes(struct cs_syncing *syncing)
{
    const struct cs_wiring *wiring = &syncing->app->wiring;
    struct cs_sync_school *result = syncing->result;

    syncing->n = wiring->npipelines;
    syncing->lanes = cs_memory_array(syncing->n, sizeof(*syncing->lanes));
    pthread_mutex_init(&syncing->writing, NULL);
    result->nentities = syncing->n;
    result->entities = cs_memory_array(syncing->n, sizeof(*result->entities));
    for (size_t i = 0; i < syncing->n; i++) {
        struct cs_lane *lane = &syncing->lanes[i];

        lane->pipeline = &wiring->pipelines[i];
        lane->schema =
            cs_schema_new(lane->pipeline->mapper->module->ops.mapper.entity);
        lane->entity = &result->entities[i];
        lane->entity->label = cs_memory_text(lane->schema->label);
    }
}

static void drop_entities(struct cs_sync_school *result)
{
    for (size_t i = 0; i < result->nentities; i++) {
        cs_pass_clear(&result->entities[i].result);
        free(result->entities[i].label);
    }
    free(result->entities);
    result->entities = NULL;
    result->nentities = 0;
}

/* The school's lock, with as much patience as the run has. */
static enum cs_rc lock(struct cs_syncing *syncing, struct cs_error *error)
{
    int64_t until = cs_clock_steady() + syncing->options->lock_wait;
    enum cs_rc rc;

    do {
        rc = cs_session_lock(syncing->session, syncing->school, error);
    } while (rc == CS_E_BUSY && cs_clock_steady() < until &&
             cs_cancel_wait(syncing->cancel, CS_SECOND / 10));
    return rc;
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
    enum cs_rc rc;

    result->started = cs_clock_steady();
    result->message[0] = '\0';
    rc = options->dry ? CS_OK : lock(&syncing, &error);
    result->busy = rc == CS_E_BUSY;
    if (rc == CS_OK) {
        make_lanes(&syncing);
        if (cs_sync_done_elsewhere(&syncing))
            drop_entities(result);
        else
            sync_locked(&syncing);
        close_lanes(&syncing);
        if (!options->dry)
            cs_session_unlock(session, result->school);
        result->status_code = sum_up(result);
    } else {
        result->status_code = cs_error_exit(&error);
        snprintf(result->message, sizeof(result->message), "%s", error.text);
    }
    atomic_store(&result->busy_with, NULL);
    result->ended = cs_clock_steady();
}

void cs_sync_clear(struct cs_sync_school *result)
{
    drop_entities(result);
}
