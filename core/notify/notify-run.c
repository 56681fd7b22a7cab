/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* What a run gives reason to tell.  Events hold ids, counts and words of ours:
 * not even our own sentences, which may name a person's key. */

#include "config.h"

#include "notify/notify.h"

#include "database/history.h"
#include "base/log.h"
#include "base/memory.h"
#include "sync/run.h"
#include "database/session.h"

#include <stdlib.h>
#include <string.h>

/* Runs of a school that are looked at beyond those that make an alert: as many
 * may have died one after the other, without a chance to raise it. */
#define MORE_RUNS 16
#define ROWS_A_RUN 8 /* an entity each, and two more */

/* A school's sync that is being told about. */
struct telling {
    struct cs_notify *notify;
    struct cs_session *session;
    const char *run;
    const struct cs_sync_school *school;
};

/* ---- Events ------------------------------------------------------------- */

static json_t *event_of(const char *event, const char *run)
{
    return json_pack("{s:s, s:s*}", "event", event, "run", run[0] ? run : NULL);
}

static json_t *school_event(const struct telling *telling, const char *event)
{
    const struct cs_school *school = telling->school->school;
    json_t *json = event_of(event, telling->run);

    json_object_set_new(json, "district",
                        json_string(school->district->clever_id));
    json_object_set_new(json, "school", json_string(school->clever_id));
    return json;
}

static json_t *entity_event(const struct telling *telling, const char *event,
                            const struct cs_sync_entity *entity)
{
    json_t *json = school_event(telling, event);

    json_object_set_new(json, "entity", json_string(entity->label));
    return json;
}

static void set_number(json_t *json, const char *member, size_t number)
{
    json_object_set_new(json, member, json_integer((json_int_t)number));
}

static void set_outcome(json_t *json, int status)
{
    json_object_set_new(json, "code", json_integer(status));
    json_object_set_new(json, "result", json_string(cs_error_word(status)));
}

static void set_seconds(json_t *json, int64_t duration)
{
    json_object_set_new(json, "seconds",
                        json_real((double)duration / (double)CS_SECOND));
}

/* ---- Which outcome a school has ----------------------------------------- */

/* One that says why nothing was done, or that hangs and whose entities are not
 * to be touched. */
static bool has_entities(const struct cs_sync_school *school)
{
    return school->message[0] == '\0';
}

/* Never begun, or another run's: nothing that could be told. */
static bool is_nothing(const struct cs_sync_school *school)
{
    return school->started == 0 || school->busy ||
           (!has_entities(school) && school->status_code == CS_EXIT_OK);
}

static bool is_failed(const struct cs_sync_entity *entity)
{
    return entity->status && strcmp(entity->status, CS_HISTORY_FAILED) == 0;
}

static bool has_failed(const struct cs_sync_school *school)
{
    if (!has_entities(school))
        return school->status_code != CS_EXIT_OK;
    for (size_t i = 0; i < school->nentities; i++)
        if (is_failed(&school->entities[i]))
            return true;
    return false;
}

/* ---- Failures in a row -------------------------------------------------- */

/* What the history has of one run of a school. */
struct past {
    bool failed;
    bool died; /* it ended in the middle, so it could not tell anybody */
};

struct chronicle {
    const char *run;   /* ours; what is newer does not count */
    char current[64];  /* the run that is being read */
    struct past *past; /* newest, that is ours, first */
    size_t n;
};

static enum cs_rc add_row(void *arg, const struct cs_history *row)
{
    struct chronicle *chronicle = arg;
    struct past *past;

    if (!row->run || strlen(row->run) >= sizeof(chronicle->current) ||
        strcmp(row->entity, CS_HISTORY_BASELINE) == 0 ||
        strcmp(row->entity, CS_HISTORY_EVENT) == 0 ||
        (chronicle->n == 0 && strcmp(row->run, chronicle->run) != 0))
        return CS_OK;
    /* A school's rows of one run stand together: it has the lock. */
    if (strcmp(row->run, chronicle->current) != 0) {
        strcpy(chronicle->current, row->run);
        chronicle->past = cs_memory_grow(chronicle->past, chronicle->n + 1,
                                         sizeof(*chronicle->past));
        chronicle->past[chronicle->n++] = (struct past){0};
    }
    past = &chronicle->past[chronicle->n - 1];
    if (strcmp(row->status, CS_HISTORY_FAILED) == 0) {
        past->failed = true;
        past->died = past->died || (row->message &&
                                    strcmp(row->message, CS_HISTORY_DIED) == 0);
    }
    return CS_OK;
}

/* Failures in a row, from that run backwards. */
static size_t streak(const struct chronicle *chronicle, size_t from)
{
    size_t n = 0;

    while (from + n < chronicle->n && chronicle->past[from + n].failed)
        n++;
    return n;
}

/* Has a run before ours raised the alert for the streak that led to ours? */
static bool is_raised(const struct chronicle *chronicle, size_t limit)
{
    for (size_t i = 1; streak(chronicle, i) >= limit; i++)
        if (!chronicle->past[i].died)
            return true;
    return false;
}

static void say(const struct telling *telling, const char *event,
                size_t failures)
{
    const struct cs_school *school = telling->school->school;
    const struct cs_log_context context = {.run = telling->run,
                                           .district =
                                               school->district->clever_id,
                                           .school = school->clever_id};
    bool alert = strcmp(event, "alert") == 0;
    json_t *json = school_event(telling, event);

    set_number(json, "failures", failures);
    set_outcome(json, telling->school->status_code);
    cs_notify_raise(telling->notify, json);
    cs_log_write(alert ? CS_LOG_ERROR : CS_LOG_INFO, &context,
                 alert ? "alert: %zu runs in a row have failed"
                       : "recovered, after %zu failed runs in a row",
                 failures);
}

static void judge(const struct telling *telling,
                  const struct chronicle *chronicle, size_t limit)
{
    size_t before = streak(chronicle, 1);

    if (chronicle->n == 0)
        return; /* the history knows nothing of this run */
    if (has_failed(telling->school) && before + 1 >= limit &&
        !is_raised(chronicle, limit))
        say(telling, "alert", before + 1);
    else if (!has_failed(telling->school) && is_raised(chronicle, limit))
        say(telling, "recovered", before);
}

static void look_back(const struct telling *telling)
{
    const struct cs_settings *settings = cs_session_settings(telling->session);
    const struct cs_school *school = telling->school->school;
    size_t limit = (size_t)cs_settings_number(
        settings, "monitoring", "alert_after_consecutive_failures");
    size_t rows = (limit + MORE_RUNS) * ROWS_A_RUN;
    struct chronicle chronicle = {.run = telling->run};
    struct cs_error error = {0};

    if (cs_history_each(telling->session, school->id, rows, add_row, &chronicle,
                        &error) == CS_OK)
        judge(telling, &chronicle, limit);
    else
        cs_log_write(
            CS_LOG_WARN,
            &(struct cs_log_context){.run = telling->run,
                                     .district = school->district->clever_id,
                                     .school = school->clever_id},
            "whether to raise an alert is not known: %s", error.text);
    free(chronicle.past);
}

/* ---- A school ----------------------------------------------------------- */

static void tell_metrics(const struct telling *telling,
                         const struct cs_sync_entity *entity)
{
    const struct cs_pass_result *result = &entity->result;
    const struct {
        const char *name;
        size_t value;
    } metrics[] = {
        {"records_read", result->read},
        {"rows_inserted", result->inserted},
        {"rows_updated", result->updated},
        {"rows_restored", result->restored},
        {"rows_deactivated", result->deactivated},
        {"rows_deleted", result->deleted},
        {"rows_held", result->held},
        {"records_rejected", result->rejected},
    };

    for (size_t i = 0; i < sizeof(metrics) / sizeof(*metrics); i++) {
        json_t *metric;

        if (metrics[i].value == 0)
            continue;
        metric = entity_event(telling, "metric", entity);
        json_object_set_new(metric, "name", json_string(metrics[i].name));
        set_number(metric, "value", metrics[i].value);
        cs_notify_raise(telling->notify, metric);
    }
}

static void tell_entity(const struct telling *telling,
                        const struct cs_sync_entity *entity)
{
    json_t *json;

    if (entity->cursor_lost)
        cs_notify_raise(telling->notify,
                        entity_event(telling, "cursor_lost", entity));
    if (entity->result.held > 0) {
        json = entity_event(telling, "held", entity);
        set_number(json, "held", entity->result.held);
        cs_notify_raise(telling->notify, json);
    }
    if (is_failed(entity)) {
        json = entity_event(telling, "exception", entity);
        set_outcome(json, entity->status_code);
        cs_notify_raise(telling->notify, json);
    }
    tell_metrics(telling, entity);
}

/* Its sync, as something that a run called and waited for. */
static void tell_sync(const struct telling *telling)
{
    const struct cs_sync_school *school = telling->school;
    int64_t took = has_entities(school) ? school->ended - school->started : 0;
    json_t *json = school_event(telling, "dependency");

    json_object_set_new(json, "name", json_string("sync"));
    json_object_set_new(json, "success", json_boolean(!has_failed(school)));
    set_outcome(json, school->status_code);
    set_seconds(json, took);
    cs_notify_raise(telling->notify, json);
    json = school_event(telling, "metric");
    json_object_set_new(json, "name", json_string("sync_seconds"));
    json_object_set_new(json, "value",
                        json_real((double)took / (double)CS_SECOND));
    cs_notify_raise(telling->notify, json);
    if (!has_failed(school))
        return;
    json = school_event(telling, "school_failed");
    set_outcome(json, school->status_code);
    set_seconds(json, took);
    cs_notify_raise(telling->notify, json);
}

void cs_notify_school(struct cs_notify *notify, struct cs_session *session,
                      const char *run, const struct cs_sync_school *school)
{
    const struct telling telling = {notify, session, run, school};

    if (is_nothing(school))
        return;
    tell_sync(&telling);
    for (size_t i = 0; has_entities(school) && i < school->nentities; i++)
        tell_entity(&telling, &school->entities[i]);
    look_back(&telling);
}

/* ---- A run -------------------------------------------------------------- */

static bool any_failed(const struct cs_run *run)
{
    for (size_t i = 0; i < run->n; i++)
        if (!is_nothing(&run->schools[i]) && has_failed(&run->schools[i]))
            return true;
    return false;
}

static void raise_end(struct cs_notify *notify, json_t *end, int status,
                      bool failed)
{
    const char *level = failed                 ? "error"
                        : status != CS_EXIT_OK ? "warning"
                                               : "information";

    json_object_set_new(end, "level", json_string(level));
    set_outcome(end, status);
    cs_notify_raise(notify, end);
}

static void add_counts(json_t *json, const struct cs_run *run)
{
    struct cs_pass_result sum = {0};
    size_t right = 0;

    for (size_t i = 0; i < run->n; i++) {
        const struct cs_sync_school *school = &run->schools[i];

        right += school->status_code == CS_EXIT_OK;
        for (size_t j = 0; has_entities(school) && j < school->nentities; j++) {
            const struct cs_pass_result *result = &school->entities[j].result;

            sum.read += result->read;
            sum.inserted += result->inserted;
            sum.updated += result->updated;
            sum.restored += result->restored;
            sum.deactivated += result->deactivated;
            sum.deleted += result->deleted;
            sum.held += result->held;
            sum.rejected += result->rejected;
        }
    }
    set_number(json, "schools", run->n);
    set_number(json, "right", right);
    set_number(json, "read", sum.read);
    set_number(json, "inserted", sum.inserted);
    set_number(json, "updated", sum.updated);
    set_number(json, "restored", sum.restored);
    set_number(json, "deactivated", sum.deactivated);
    set_number(json, "deleted", sum.deleted);
    set_number(json, "held", sum.held);
    set_number(json, "rejected", sum.rejected);
}

void cs_notify_end(struct cs_notify *notify, const struct cs_run *run)
{
    json_t *end = event_of("run_finished", run->id);
    json_t *request = event_of("request", run->id);

    add_counts(end, run);
    set_seconds(end, run->took);
    raise_end(notify, end, run->status_code, any_failed(run));
    json_object_set_new(request, "name", json_string("run"));
    json_object_set_new(request, "success", json_boolean(!any_failed(run)));
    set_outcome(request, run->status_code);
    set_seconds(request, run->took);
    cs_notify_raise(notify, request);
}

void cs_notify_run(struct cs_notify *notify, struct cs_session *session,
                   const struct cs_run *run)
{
    if (run->dry)
        return;
    for (size_t i = 0; i < run->n; i++)
        cs_notify_school(notify, session, run->id, &run->schools[i]);
    cs_notify_end(notify, run);
}

void cs_notify_no_run(struct cs_notify *notify, const char *run,
                      const struct cs_error *error)
{
    json_t *end = event_of("run_finished", run);

    set_number(end, "schools", 0);
    raise_end(notify, end, cs_error_exit(error), true);
}
