/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

#include "config.h"

#include "sync.h"

#include "history.h"
#include "log.h"
#include "memory.h"
#include "source.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One pipeline at work for one school. */
struct lane {
    const struct cs_pipeline *pipeline;
    struct cs_schema *schema;
    struct cs_instance *source, *mapper;
    struct cs_instance *sink; /* an earlier lane's, when it has the same */
    bool owns_sink;
    struct cs_state state; /* with owns_sink; else see state_of() */
    struct cs_history history;
    char *history_key;
    bool open_history;
    struct cs_sync_entity *entity;
};

struct syncing {
    struct cs_app *app;
    struct cs_session *session;
    const struct cs_sync_options *options;
    struct cs_cancel *cancel;
    struct cs_sync_school *result;
    const struct cs_school *school;
    struct cs_log_context context;
    struct lane *lanes;
    size_t n;
    enum cs_pass_mode mode;
    int64_t started; /* wall clock, before the first request */
    char *baseline;  /* the feed's end before reading; NULL: no feed */
    bool has_delta;
};

static const char *type_of(enum cs_pass_mode mode)
{
    return mode == CS_PASS_INCREMENTAL ? "Incremental" : "Full";
}

static struct cs_whom whom_of(const struct syncing *syncing,
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

static enum cs_rc open_part(struct syncing *syncing, const struct lane *lane,
                            const struct cs_part *part,
                            struct cs_instance **instance,
                            struct cs_error *error)
{
    struct cs_instance_request request = {
        .part = part,
        .whom = whom_of(syncing, lane->pipeline),
        .cancel = syncing->cancel,
        .reads = lane->pipeline->mapper->module->ops.mapper.reads,
        .stores = syncing->app->wiring.ncredentials,
        .entity = lane->schema->label};

    atomic_store(&syncing->result->busy_with, part->section);
    return cs_instance_open(instance, syncing->app, &request, error);
}

/* The state of the database that a lane writes to. */
static const struct cs_state *state_of(const struct syncing *syncing,
                                       const struct lane *lane)
{
    for (size_t i = 0; i < syncing->n; i++) {
        if (syncing->lanes[i].owns_sink &&
            syncing->lanes[i].sink == lane->sink)
            return &syncing->lanes[i].state;
    }
    return &lane->state;
}

/* The school's database, opened once for all lanes that write to it. */
static enum cs_rc open_sink(struct syncing *syncing, struct lane *lane,
                            struct cs_error *error)
{
    enum cs_rc rc;

    for (struct lane *earlier = syncing->lanes; earlier < lane; earlier++) {
        if (earlier->pipeline->sink == lane->pipeline->sink) {
            lane->sink = earlier->sink;
            return CS_OK;
        }
    }
    rc = open_part(syncing, lane, lane->pipeline->sink, &lane->sink, error);
    if (rc != CS_OK)
        return rc;
    lane->owns_sink = true;
    return cs_state_load(&lane->state, lane->sink, syncing->school->clever_id,
                         error);
}

static enum cs_rc open_lanes(struct syncing *syncing, struct cs_error *error)
{
    for (size_t i = 0; i < syncing->n; i++) {
        struct lane *lane = &syncing->lanes[i];
        enum cs_rc rc = open_sink(syncing, lane, error);

        if (rc == CS_OK)
            rc = open_part(syncing, lane, lane->pipeline->mapper,
                           &lane->mapper, error);
        if (rc == CS_OK)
            rc = open_part(syncing, lane, lane->pipeline->source,
                           &lane->source, error);
        if (rc != CS_OK)
            return rc;
    }
    return CS_OK;
}

static void close_lanes(struct syncing *syncing)
{
    for (size_t i = syncing->n; i-- > 0;) {
        struct lane *lane = &syncing->lanes[i];

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

/* ---- Full or incremental ------------------------------------------------ */

struct full_today {
    int64_t since;
    bool found;
};

static enum cs_rc look_for_full(void *arg, const struct cs_history *row)
{
    struct full_today *today = arg;

    if (row->start >= today->since && strcmp(row->type, "Full") == 0 &&
        (strcmp(row->status, CS_HISTORY_SUCCESS) == 0 ||
         strcmp(row->status, CS_HISTORY_PARTIAL) == 0))
        today->found = true;
    return CS_OK;
}

static enum cs_rc decide_mode(struct syncing *syncing, struct cs_error *error)
{
    const struct cs_settings *settings = syncing->app->settings;
    struct full_today today = {.since = syncing->options->full_day};
    enum cs_rc rc = CS_OK;
    bool full = strcmp(cs_settings_text(settings, "sync", "default_mode"),
                       "full") == 0;

    for (size_t i = 0; i < syncing->n; i++) {
        struct lane *lane = &syncing->lanes[i];
        const struct cs_state_entry *entry = cs_state_find(
            state_of(syncing, lane), lane->schema->label);

        full = full || !entry || entry->last_sync == 0;
    }
    if (!full && today.since > 0) {
        rc = cs_history_each(syncing->session, syncing->school->id, 50,
                             look_for_full, &today, error);
        full = !today.found;
    }
    syncing->mode = full ? CS_PASS_FULL : CS_PASS_INCREMENTAL;
    if (syncing->options->full || syncing->school->requires_full)
        syncing->mode = CS_PASS_FULL_ASKED;
    return rc;
}

/* ---- The baseline ------------------------------------------------------- */

static const struct lane *lane_with_delta(const struct syncing *syncing)
{
    for (size_t i = 0; i < syncing->n; i++) {
        if (syncing->lanes[i].pipeline->delta)
            return &syncing->lanes[i];
    }
    return NULL;
}

static enum cs_rc mark(struct syncing *syncing, struct cs_instance *feed,
                       struct cs_error *error)
{
    struct cs_page page;
    enum cs_rc rc;

    cs_page_init(&page, 1);
    rc = cs_source_mark(feed, &page, error);
    if (rc == CS_OK)
        syncing->baseline = cs_memory_text(page.cursor);
    cs_page_clear(&page);
    return rc;
}

/* Where the feed stands now, before anything is read.  Without it the sync is
 * as good; only the next one cannot go by events. */
static enum cs_rc take_baseline(struct syncing *syncing,
                                struct cs_error *error)
{
    const struct lane *lane = lane_with_delta(syncing);
    struct cs_instance *feed = NULL;
    struct cs_error why = {0};
    enum cs_rc rc;

    if (!lane || syncing->mode == CS_PASS_INCREMENTAL)
        return CS_OK;
    syncing->has_delta = true;
    rc = open_part(syncing, lane, lane->pipeline->delta, &feed, &why);
    if (rc == CS_OK)
        rc = mark(syncing, feed, &why);
    cs_instance_close(feed);
    if (rc == CS_E_CANCELLED) {
        *error = why;
        return rc;
    }
    if (rc != CS_OK)
        cs_log_write(rc == CS_E_NOT_HERE ? CS_LOG_INFO : CS_LOG_WARN,
                     &syncing->context, "no baseline: %s", why.text);
    return CS_OK;
}

/* ---- History ------------------------------------------------------------ */

static enum cs_rc begin_history(struct syncing *syncing,
                                struct cs_error *error)
{
    size_t swept = 0;
    enum cs_rc rc = cs_history_sweep(syncing->session, syncing->school->id,
                                     syncing->options->run, &swept, error);

    if (swept > 0)
        cs_log_write(CS_LOG_WARN, &syncing->context,
                     "%zu rows of history that a run left open are closed as "
                     "Failed",
                     swept);
    for (size_t i = 0; rc == CS_OK && i < syncing->n; i++) {
        struct lane *lane = &syncing->lanes[i];

        lane->history_key =
            cs_memory_format("%s/%s/%s", syncing->options->run,
                             syncing->school->clever_id, lane->schema->label);
        lane->history = (struct cs_history){
            .school = syncing->school->id,
            .key = lane->history_key,
            .run = syncing->options->run,
            .entity = lane->schema->label,
            .type = type_of(syncing->mode),
            .status = CS_HISTORY_IN_PROGRESS,
            .start = syncing->started};
        rc = cs_history_begin(syncing->session, &lane->history, error);
        lane->open_history = rc == CS_OK;
    }
    return rc;
}

static void end_history(struct syncing *syncing, struct lane *lane)
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
    lane->history.updated =
        (int64_t)(result->inserted + result->updated + result->restored +
                  result->deactivated);
    lane->history.failed = (int64_t)result->rejected;
    lane->history.message = entity->message[0] ? entity->message : NULL;
    lane->history.last_sync = failed ? 0 : syncing->started;
    lane->history.last_event = failed ? NULL : syncing->baseline;
    if (cs_history_end(syncing->session, &lane->history, &error) != CS_OK)
        cs_log_write(CS_LOG_ERROR, &syncing->context,
                     "the history could not be written: %s", error.text);
}

/* The row that says from where events will count. */
static void write_baseline(struct syncing *syncing)
{
    struct cs_error error = {0};
    char *key = cs_memory_format("%s/%s/Baseline", syncing->options->run,
                                 syncing->school->clever_id);
    struct cs_history row = {.school = syncing->school->id,
                             .key = key,
                             .run = syncing->options->run,
                             .entity = "Baseline",
                             .type = type_of(syncing->mode),
                             .status = CS_HISTORY_IN_PROGRESS,
                             .start = syncing->started};
    enum cs_rc rc = cs_history_begin(syncing->session, &row, &error);

    row.status = CS_HISTORY_SUCCESS;
    row.end = cs_clock_now();
    row.last_sync = syncing->started;
    row.last_event = syncing->baseline;
    if (!syncing->baseline)
        row.message = "events are not available; runs go by the data";
    if (rc == CS_OK)
        rc = cs_history_end(syncing->session, &row, &error);
    if (rc != CS_OK)
        cs_log_write(CS_LOG_ERROR, &syncing->context,
                     "the baseline could not be written: %s", error.text);
    free(key);
}

/* ---- The passes ---------------------------------------------------------- */

static void fail_entity(struct syncing *syncing, struct lane *lane,
                        const struct cs_error *error)
{
    struct cs_sync_entity *entity = lane->entity;

    entity->type = type_of(syncing->mode);
    entity->status = CS_HISTORY_FAILED;
    entity->status_code = cs_error_exit(error);
    if (error->rc == CS_E_CANCELLED && cs_cancel_late(syncing->cancel))
        snprintf(entity->message, sizeof(entity->message),
                 "stopped at its deadline ([sync] timeout_minutes): %s",
                 error->text);
    else
        snprintf(entity->message, sizeof(entity->message), "%s", error->text);
    end_history(syncing, lane);
}

static void finish_entity(struct syncing *syncing, struct lane *lane)
{
    struct cs_sync_entity *entity = lane->entity;
    const struct cs_pass_result *result = &entity->result;

    entity->type = type_of(syncing->mode);
    entity->status = CS_HISTORY_SUCCESS;
    if (result->held > 0 || result->rejected > 0) {
        entity->status = CS_HISTORY_PARTIAL;
        entity->status_code =
            result->held > 0 ? CS_EXIT_HELD : CS_EXIT_PARTIAL;
        snprintf(entity->message, sizeof(entity->message), "%s",
                 result->message);
    }
    end_history(syncing, lane);
}

static void run_lane(struct syncing *syncing, struct lane *lane)
{
    const struct cs_state *state = state_of(syncing, lane);
    const struct cs_state_entry *entry =
        cs_state_find(state, lane->schema->label);
    struct cs_pass pass = {.settings = syncing->app->settings,
                           .session = syncing->session,
                           .school = syncing->school,
                           .run = syncing->options->run,
                           .cancel = syncing->cancel,
                           .source = lane->source,
                           .mapper = lane->mapper,
                           .sink = lane->sink,
                           .schema = lane->schema,
                           .state = state,
                           .mode = syncing->mode,
                           .dry = syncing->options->dry,
                           .show_values = syncing->options->show_values,
                           .cursor = syncing->baseline,
                           .started = syncing->started,
                           .sync_id = lane->history.id,
                           .progress = &syncing->result->progress};
    struct cs_error error = {0};

    /* A run by data does not learn who left, so the place in the feed from
     * which that is still to be learnt stays. */
    if (syncing->mode == CS_PASS_INCREMENTAL && entry)
        pass.cursor = entry->cursor;
    atomic_store(&syncing->result->busy_with, lane->pipeline->name);
    if (cs_pass_run(&pass, &lane->entity->result, &error) == CS_OK)
        finish_entity(syncing, lane);
    else
        fail_entity(syncing, lane, &error);
}

static bool all_have(const struct syncing *syncing, const char *status)
{
    for (size_t i = 0; i < syncing->n; i++) {
        if (strcmp(syncing->lanes[i].entity->status, status) != 0)
            return false;
    }
    return true;
}

static bool none_has(const struct syncing *syncing, const char *status)
{
    for (size_t i = 0; i < syncing->n; i++) {
        if (strcmp(syncing->lanes[i].entity->status, status) == 0)
            return false;
    }
    return true;
}

/* After the passes of a full sync. */
static void finish_full(struct syncing *syncing)
{
    static const bool no = false;
    struct cs_school_change change = {.requires_full = &no};
    struct cs_error error = {0};

    if (syncing->has_delta && none_has(syncing, CS_HISTORY_FAILED))
        write_baseline(syncing);
    if (syncing->school->requires_full &&
        all_have(syncing, CS_HISTORY_SUCCESS) &&
        cs_registry_set_school(syncing->session, syncing->school, &change,
                               &error) != CS_OK)
        cs_log_write(CS_LOG_ERROR, &syncing->context,
                     "RequiresFullSync could not be cleared: %s", error.text);
}

/* With the school's lock held. */
static void sync_locked(struct syncing *syncing)
{
    struct cs_error error = {0};
    enum cs_rc opened = open_lanes(syncing, &error);
    enum cs_rc rc = opened;

    if (rc == CS_OK)
        rc = decide_mode(syncing, &error);
    if (!syncing->options->dry) {
        struct cs_error why = {0};
        enum cs_rc begun = begin_history(syncing, &why);

        if (rc == CS_OK && begun != CS_OK) {
            rc = begun;
            error = why;
        }
    }
    if (rc == CS_OK)
        rc = take_baseline(syncing, &error);
    for (size_t i = 0; i < syncing->n; i++) {
        if (rc == CS_OK)
            run_lane(syncing, &syncing->lanes[i]);
        else
            fail_entity(syncing, &syncing->lanes[i], &error);
    }
    if (rc == CS_OK && !syncing->options->dry &&
        syncing->mode != CS_PASS_INCREMENTAL)
        finish_full(syncing);
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

static void make_lanes(struct syncing *syncing)
{
    const struct cs_wiring *wiring = &syncing->app->wiring;
    struct cs_sync_school *result = syncing->result;

    syncing->n = wiring->npipelines;
    syncing->lanes = cs_memory_array(syncing->n, sizeof(*syncing->lanes));
    result->nentities = syncing->n;
    result->entities = cs_memory_array(syncing->n, sizeof(*result->entities));
    for (size_t i = 0; i < syncing->n; i++) {
        struct lane *lane = &syncing->lanes[i];

        lane->pipeline = &wiring->pipelines[i];
        lane->schema = cs_schema_new(
            lane->pipeline->mapper->module->ops.mapper.entity);
        lane->entity = &result->entities[i];
        lane->entity->label = cs_memory_text(lane->schema->label);
    }
}

void cs_sync_school(struct cs_app *app, struct cs_session *session,
                    const struct cs_sync_options *options,
                    struct cs_cancel *cancel, struct cs_sync_school *result)
{
    struct syncing syncing = {
        .app = app,
        .session = session,
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
