/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

#include "config.h"

#include "daemon/runs.h"

#include "database/forget.h"
#include "base/gate.h"
#include "base/json.h"
#include "base/log.h"
#include "base/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Who supervises a run comes by after this much at the latest: while it waits
 * for schools, and while it works with the session database, whose sink has
 * deadlines of its own. */
#define SOON (60 * CS_SECOND)
#define LATER (600 * CS_SECOND)

struct school {
    char *id, *district, *prefix;
    json_t *result; /* when it is done */
};

struct entry {
    struct entry *next; /* an older one */
    struct cs_runs *runs;
    char id[CS_RUN_ID];
    enum cs_runs_cause cause;
    char *district, *school;
    bool full, shared;
    int64_t since; /* if shared */
    struct cs_app *app;
    struct cs_session *session; /* the thread's, and its workers' */
    pthread_t thread;
    struct cs_run run; /* the thread's */
    _Atomic int64_t due;
    /* Under the gate. */
    bool running, whole;
    const struct cs_run *live; /* its atomic members may be read */
    struct school *schools;
    size_t n, done;
    int64_t begun, ended;
    int status_code;
    char *message;
};

struct cs_runs {
    struct cs_generations *generations;
    struct cs_run_observer observer;
    struct cs_cancel *enough;
    struct cs_turns turns;
    struct cs_gate gate; /* guards all below */
    struct entry *newest;
    size_t active;
    bool stopping, abandoned;
};

struct cs_runs *cs_runs_new(struct cs_generations *generations,
                            const struct cs_run_observer *observer)
{
    struct cs_runs *runs = cs_memory_new(sizeof(*runs));

    runs->generations = generations;
    if (observer != NULL)
        runs->observer = *observer;
    runs->enough = cs_cancel_new(NULL, 0);
    cs_turns_init(&runs->turns);
    cs_gate_init(&runs->gate);
    return runs;
}

static void free_entry(struct entry *entry)
{
    for (size_t i = 0; i < entry->n; i++) {
        free(entry->schools[i].id);
        free(entry->schools[i].district);
        free(entry->schools[i].prefix);
        json_decref(entry->schools[i].result);
    }
    free(entry->schools);
    free(entry->district);
    free(entry->school);
    free(entry->message);
    free(entry);
}

void cs_runs_free(struct cs_runs *runs)
{
    if (runs == NULL)
        return;
    while (runs->newest != NULL) {
        struct entry *entry = runs->newest;

        runs->newest = entry->next;
        pthread_join(entry->thread, NULL);
        free_entry(entry);
    }
    cs_gate_clear(&runs->gate);
    cs_turns_clear(&runs->turns);
    cs_cancel_free(runs->enough);
    free(runs);
}

/* ---- As others see it --------------------------------------------------- */

static json_t *text_or_null(const char *text)
{
    return text != NULL && text[0] != '\0' ? json_string(text) : json_null();
}

static json_t *show_entity(const struct cs_sync_entity *entity)
{
    const struct cs_pass_result *result = &entity->result;

    return json_pack(
        "{s:s, s:s?, s:s?, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:o}",
        "entity", entity->label, "type", entity->type, "status", entity->status,
        "read", (json_int_t)result->read, "inserted",
        (json_int_t)result->inserted, "updated", (json_int_t)result->updated,
        "restored", (json_int_t)result->restored, "deactivated",
        (json_int_t)result->deactivated, "deleted", (json_int_t)result->deleted,
        "rejected", (json_int_t)result->rejected, "held",
        (json_int_t)result->held, "message", text_or_null(entity->message));
}

/* took: it was at work, and its entities may be read. */
static json_t *show_done(const struct school *school,
                         const struct cs_sync_school *result, bool took)
{
    json_t *entities = json_array();

    for (size_t i = 0; took && i < result->nentities; i++)
        json_array_append_new(entities, show_entity(&result->entities[i]));
    return json_pack(
        "{s:s, s:s, s:s, s:s, s:n, s:I, s:s, s:i, s:o, s:f, s:o}", "id",
        school->id, "district", school->district, "prefix", school->prefix,
        "state", "done", "part", "records",
        (json_int_t)atomic_load(&result->progress), "status",
        cs_error_word(result->status_code), "status_code", result->status_code,
        "message", text_or_null(result->message), "seconds",
        took ? (double)(result->ended - result->started) / (double)CS_SECOND
             : 0.0,
        "entities", entities);
}

static json_t *show_live(const struct school *school,
                         const struct cs_sync_school *live)
{
    const char *part = atomic_load(&live->busy_with);

    return json_pack(
        "{s:s, s:s, s:s, s:s, s:s?, s:I, s:n, s:n, s:n, s:n, s:[]}", "id",
        school->id, "district", school->district, "prefix", school->prefix,
        "state", part != NULL ? "running" : "waiting", "part", part, "records",
        (json_int_t)atomic_load(&live->progress), "status", "status_code",
        "message", "seconds", "entities");
}

static json_t *show_schools(const struct entry *entry)
{
    json_t *schools = json_array();

    for (size_t i = 0; i < entry->n; i++) {
        const struct school *school = &entry->schools[i];

        json_array_append_new(
            schools, school->result != NULL
                         ? json_deep_copy(school->result)
                         : show_live(school, &entry->live->schools[i]));
    }
    return schools;
}

static json_t *show(const struct entry *entry, bool schools)
{
    static const char *const causes[] = {
        [CS_RUNS_SCHEDULE] = "schedule",
        [CS_RUNS_API] = "api",
        [CS_RUNS_PAGE] = "page",
    };
    json_t *object = json_pack(
        "{s:s, s:s, s:s?, s:s?, s:b, s:s, s:o, s:o, s:s?, s:o, s:s?, s:I, s:I}",
        "id", entry->id, "cause", causes[entry->cause], "district",
        entry->district, "school", entry->school, "full", (int)entry->full,
        "state", entry->running ? "running" : "ended", "begun",
        cs_json_time(entry->begun), "ended", cs_json_time(entry->ended),
        "status", entry->running ? NULL : cs_error_word(entry->status_code),
        "status_code",
        entry->running ? json_null() : json_integer(entry->status_code),
        "message", entry->message, "schools_total", (json_int_t)entry->n,
        "schools_done", (json_int_t)entry->done);

    if (schools)
        json_object_set_new(object, "schools", show_schools(entry));
    return object;
}

static struct entry *find(const struct cs_runs *runs, const char *id)
{
    struct entry *entry = runs->newest;

    while (entry != NULL && strcmp(entry->id, id) != 0)
        entry = entry->next;
    return entry;
}

json_t *cs_runs_show(struct cs_runs *runs, const char *id)
{
    const struct entry *entry;
    json_t *object;

    cs_gate_lock(&runs->gate);
    entry = find(runs, id);
    object = entry != NULL ? show(entry, true) : NULL;
    cs_gate_unlock(&runs->gate);
    return object;
}

json_t *cs_runs_list(struct cs_runs *runs)
{
    json_t *array = json_array();

    cs_gate_lock(&runs->gate);
    for (const struct entry *entry = runs->newest; entry; entry = entry->next)
        json_array_append_new(array, show(entry, false));
    cs_gate_unlock(&runs->gate);
    return array;
}

bool cs_runs_state(struct cs_runs *runs, const char *id,
                   struct cs_runs_state *state)
{
    const struct entry *entry;

    cs_gate_lock(&runs->gate);
    entry = find(runs, id);
    if (entry != NULL)
        *state = (struct cs_runs_state){entry->running, entry->whole,
                                        entry->status_code};
    cs_gate_unlock(&runs->gate);
    return entry != NULL;
}

size_t cs_runs_active(struct cs_runs *runs)
{
    size_t active;

    cs_gate_lock(&runs->gate);
    active = runs->active;
    cs_gate_unlock(&runs->gate);
    return active;
}

/* ---- What a run tells --------------------------------------------------- */

static void pulse(struct entry *entry, int64_t limit)
{
    atomic_store(&entry->due, cs_clock_steady() + limit);
}

static void tick(void *arg)
{
    pulse(arg, SOON);
}

static void begun(void *arg, const struct cs_run *run)
{
    struct entry *entry = arg;
    const struct cs_run_observer *observer = &entry->runs->observer;

    cs_gate_lock(&entry->runs->gate);
    entry->schools = cs_memory_array(run->n, sizeof(*entry->schools));
    entry->n = run->n;
    for (size_t i = 0; i < run->n; i++) {
        const struct cs_school *from = run->schools[i].school;

        entry->schools[i].id = cs_memory_text(from->clever_id);
        entry->schools[i].district = cs_memory_text(from->district->clever_id);
        entry->schools[i].prefix = cs_memory_text(from->prefix);
    }
    entry->live = run;
    cs_gate_unlock(&entry->runs->gate);
    if (observer->begun != NULL)
        observer->begun(observer->arg, run);
}

static void school_done(void *arg, const struct cs_run *run,
                        const struct cs_sync_school *result)
{
    struct entry *entry = arg;
    const struct cs_run_observer *observer = &entry->runs->observer;
    struct school *school = &entry->schools[result - run->schools];

    cs_gate_lock(&entry->runs->gate);
    school->result = show_done(school, result, true);
    entry->done++;
    cs_gate_unlock(&entry->runs->gate);
    cs_notify_school(cs_generations_notify(entry->app), entry->session, run->id,
                     result);
    if (observer->school != NULL)
        observer->school(observer->arg, run, result);
}

static void ended(void *arg, const struct cs_run *run)
{
    struct entry *entry = arg;
    const struct cs_run_observer *observer = &entry->runs->observer;
    struct cs_notify *notify = cs_generations_notify(entry->app);
    const struct cs_sync_school **untold =
        cs_memory_array(entry->n, sizeof(*untold));
    size_t n = 0;

    pulse(entry, LATER);
    cs_gate_lock(&entry->runs->gate);
    for (size_t i = 0; i < entry->n; i++) {
        struct school *school = &entry->schools[i];

        if (school->result != NULL)
            continue;
        school->result = show_done(school, &run->schools[i], false);
        untold[n++] = &run->schools[i];
    }
    /* One that hangs has had its turn, too. */
    entry->whole = (entry->done == entry->n || !entry->runs->stopping) &&
                   cs_cancel_remaining_ms(entry->app->cancel) > 0;
    entry->live = NULL;
    cs_gate_unlock(&entry->runs->gate);
    for (size_t i = 0; i < n; i++)
        cs_notify_school(notify, entry->session, run->id, untold[i]);
    free(untold);
    cs_notify_end(notify, run);
    if (observer->ended != NULL)
        observer->ended(observer->arg, run);
}

/* ---- A run's thread ----------------------------------------------------- */

static enum cs_rc sync(struct entry *entry, struct cs_error *error)
{
    const struct cs_run_observer observer = {.begun = begun,
                                             .tick = tick,
                                             .school = school_done,
                                             .ended = ended,
                                             .arg = entry};
    const struct cs_run_request request = {
        .id = entry->id,
        .district = entry->district,
        .school = entry->school,
        .full = entry->full,
        .since = entry->shared ? &entry->since : NULL,
        .turns = &entry->runs->turns,
        .enough = entry->runs->enough,
        .observer = &observer};
    enum cs_rc rc =
        cs_run_all(&entry->run, entry->app, entry->session, &request, error);

    if (!entry->run.abandoned)
        cs_forget_after_run(entry->session, entry->id);
    return rc;
}

static void finish(struct entry *entry, const struct cs_error *error)
{
    struct cs_runs *runs = entry->runs;
    const struct cs_log_context context = {
        .run = entry->id, .district = entry->district, .school = entry->school};

    cs_gate_lock(&runs->gate);
    entry->status_code =
        error->rc == CS_OK ? entry->run.status_code : cs_error_exit(error);
    if (error->rc != CS_OK)
        entry->message = cs_memory_text(error->text);
    entry->ended = cs_clock_now();
    entry->running = false;
    runs->active--;
    runs->abandoned = runs->abandoned || entry->run.abandoned;
    cs_gate_changed(&runs->gate);
    cs_gate_unlock(&runs->gate);
    if (error->rc != CS_OK)
        cs_log_write(CS_LOG_ERROR, &context, "run %s could not begin: %s",
                     entry->id, error->text);
    else
        cs_log_write(CS_LOG_INFO, &context,
                     "run %s ended: %s, %zu of %zu schools done", entry->id,
                     cs_error_word(entry->run.status_code), entry->done,
                     entry->n);
}

static void tell_none(const struct entry *entry, const struct cs_error *error)
{
    const struct cs_run_observer *observer = &entry->runs->observer;

    cs_notify_no_run(cs_generations_notify(entry->app), entry->id, error);
    if (observer->none != NULL)
        observer->none(observer->arg, entry->id, error);
}

static void *supervise(void *arg)
{
    struct entry *entry = arg;
    struct cs_error error = {0};
    enum cs_rc rc = cs_session_open(&entry->session, entry->app, &error);

    if (rc == CS_OK)
        rc = sync(entry, &error);
    error.rc = rc;
    if (rc != CS_OK)
        tell_none(entry, &error);
    /* Where a plugin hangs, all it may come back to stays as it is. */
    if (!entry->run.abandoned) {
        cs_run_clear(&entry->run);
        cs_session_close(entry->session);
        cs_generations_return(entry->runs->generations, entry->app);
    }
    finish(entry, &error);
    return NULL;
}

/* ---- Starting ----------------------------------------------------------- */

static bool same(const char *one, const char *other)
{
    return one != NULL && other != NULL && strcmp(one, other) == 0;
}

/* All that is asked for is in its scope, as far as is known. */
static bool covers(const struct entry *entry,
                   const struct cs_runs_request *request)
{
    if (entry->school != NULL)
        return same(entry->school, request->school);
    if (entry->district == NULL)
        return true;
    return request->school != NULL || same(entry->district, request->district);
}

static bool has_to_do(const struct entry *entry,
                      const struct cs_runs_request *request)
{
    for (size_t i = 0; i < entry->n; i++) {
        const struct school *school = &entry->schools[i];

        if (school->result == NULL &&
            (request->school == NULL || same(request->school, school->id)) &&
            (request->district == NULL ||
             same(request->district, school->district)))
            return true;
    }
    return entry->schools == NULL; /* it has just begun */
}

static enum cs_rc refuse(struct cs_runs *runs,
                         const struct cs_runs_request *request,
                         struct cs_error *error)
{
    if (runs->stopping || runs->abandoned)
        return cs_error_set(error, CS_E_RETRY,
                            "the daemon is stopping: try again when it has "
                            "been started anew");
    for (const struct entry *entry = runs->newest; entry; entry = entry->next) {
        if (entry->running && covers(entry, request) &&
            has_to_do(entry, request))
            return cs_error_set(error, CS_E_BUSY,
                                "run %s is syncing that already", entry->id);
    }
    if (runs->active >= CS_RUNS_AT_ONCE)
        return cs_error_set(error, CS_E_RETRY,
                            "%d runs are on already: try again when one of "
                            "them has ended",
                            CS_RUNS_AT_ONCE);
    return CS_OK;
}

enum cs_rc cs_runs_check(struct cs_runs *runs,
                         const struct cs_runs_request *request,
                         struct cs_error *error)
{
    enum cs_rc rc;

    cs_gate_lock(&runs->gate);
    rc = refuse(runs, request, error);
    cs_gate_unlock(&runs->gate);
    return rc;
}

/* The oldest of those that have ended, when they are too many. */
static struct entry *take_oldest(struct cs_runs *runs)
{
    struct entry **oldest = NULL, *taken;
    size_t n = 0;

    for (struct entry **at = &runs->newest; *at; at = &(*at)->next) {
        n++;
        if (!(*at)->running)
            oldest = at;
    }
    if (n <= CS_RUNS_KEPT || oldest == NULL)
        return NULL;
    taken = *oldest;
    *oldest = taken->next;
    return taken;
}

static struct entry *make_entry(struct cs_runs *runs,
                                const struct cs_runs_request *request)
{
    struct entry *entry = cs_memory_new(sizeof(*entry));

    entry->runs = runs;
    cs_run_make_id(entry->id);
    entry->cause = request->cause;
    entry->district = cs_memory_text(request->district);
    entry->school = cs_memory_text(request->school);
    entry->full = request->full;
    entry->shared = request->since != NULL;
    entry->since = entry->shared ? *request->since : 0;
    entry->running = true;
    entry->begun = cs_clock_now();
    pulse(entry, LATER);
    return entry;
}

/* Under the gate. */
static enum cs_rc start(struct cs_runs *runs,
                        const struct cs_runs_request *request,
                        struct entry **made, struct cs_error *error)
{
    struct entry *entry;
    enum cs_rc rc = refuse(runs, request, error);
    int code;

    if (rc != CS_OK)
        return rc;
    entry = make_entry(runs, request);
    entry->app = cs_generations_borrow(runs->generations);
    code = pthread_create(&entry->thread, NULL, supervise, entry);
    if (code != 0) {
        cs_generations_return(runs->generations, entry->app);
        free_entry(entry);
        return cs_error_set(error, CS_E_RETRY, "no thread could be started: %s",
                            strerror(code));
    }
    entry->next = runs->newest;
    runs->newest = entry;
    runs->active++;
    *made = entry;
    return CS_OK;
}

enum cs_rc cs_runs_start(struct cs_runs *runs,
                         const struct cs_runs_request *request,
                         char id[CS_RUN_ID], struct cs_error *error)
{
    struct entry *made = NULL, *old = NULL;
    enum cs_rc rc;

    cs_gate_lock(&runs->gate);
    rc = start(runs, request, &made, error);
    if (rc == CS_OK) {
        snprintf(id, CS_RUN_ID, "%s", made->id);
        old = take_oldest(runs);
    }
    cs_gate_unlock(&runs->gate);
    if (old != NULL) {
        pthread_join(old->thread, NULL);
        free_entry(old);
    }
    return rc;
}

/* ---- Ending ------------------------------------------------------------- */

void cs_runs_stop(struct cs_runs *runs)
{
    cs_gate_lock(&runs->gate);
    runs->stopping = true;
    cs_gate_unlock(&runs->gate);
    cs_cancel_now(runs->enough);
}

bool cs_runs_wait(struct cs_runs *runs, int64_t limit)
{
    int64_t until = cs_clock_steady() + limit;
    bool none;

    cs_gate_lock(&runs->gate);
    while (runs->active > 0 && cs_clock_steady() < until)
        cs_gate_wait_until(&runs->gate, until);
    none = runs->active == 0;
    cs_gate_unlock(&runs->gate);
    return none;
}

bool cs_runs_abandoned(struct cs_runs *runs)
{
    bool abandoned;

    cs_gate_lock(&runs->gate);
    abandoned = runs->abandoned;
    cs_gate_unlock(&runs->gate);
    return abandoned;
}

bool cs_runs_alive(struct cs_runs *runs)
{
    int64_t now = cs_clock_steady();
    bool alive = true;

    cs_gate_lock(&runs->gate);
    for (const struct entry *entry = runs->newest; entry; entry = entry->next)
        alive = alive && (!entry->running || now < atomic_load(&entry->due));
    cs_gate_unlock(&runs->gate);
    return alive;
}
