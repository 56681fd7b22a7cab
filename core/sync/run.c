/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

#include "config.h"

#include "sync/run.h"

#include "database/history.h"
#include "base/log.h"
#include "base/memory.h"
#include "sync/progress.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>
#include <time.h>

/* How long after a school's deadline its worker may take to notice. */
#define GRACE (30 * CS_SECOND)
/* The same after a signal: plugins have been told, and somebody waits. */
#define GRACE_STOPPED (5 * CS_SECOND)
/* How often the one who waits looks up: to draw, and for who hangs. */
#define TICK (CS_SECOND / 5)

/* How long to wait for a school that another run has, when we come again;
 * unless it works for the same purpose, which is waited for. */
#define LOOK_AGAIN (30 * CS_SECOND)
/* Rows of history to look through for cursors: some days' worth. */
#define ROWS_A_SCHOOL 20

enum job_state { WAITING, RUNNING, DONE, ABANDONED };

struct job {
    struct cs_sync_school *result;
    enum job_state state;
    bool again; /* another run had the school when we first came */
    struct cs_cancel *cancel; /* made by the worker, freed by running_free() */
    int64_t give_up;          /* steady clock */
    const char *why;          /* ABANDONED: for what */
};

struct running {
    struct cs_run *run;
    struct cs_app *app;
    struct cs_session *session;
    struct cs_feeds *feeds;
    struct cs_sync_options options;
    struct cs_turns *turns;
    size_t most; /* schools at once */
    struct cs_cancel *enough;
    struct cs_run_observer observer;
    bool observed, shared;
    int64_t timeout;
    pthread_mutex_t mutex; /* guards all below, and jobs */
    pthread_cond_t changed;
    struct job *jobs;
    size_t n;
    size_t workers;   /* that have not come home */
    bool was_stopped; /* the whole run, by a signal; no job is taken any more */
};

void cs_run_make_id(char id[CS_RUN_ID])
{
    char now[CS_CLOCK_ISO];
    unsigned char noise[4] = {0};
    ssize_t got = getrandom(noise, sizeof(noise), 0);

    (void)got; /* so few bytes never fail; the time alone would do as well */
    cs_clock_format(cs_clock_now(), now);
    snprintf(id, CS_RUN_ID, "%.10sT%.2s%.2s%.2s-%02x%02x%02x%02x", now,
             now + 11, now + 14, now + 17, noise[0], noise[1], noise[2],
             noise[3]);
}

/* When this day began in the configured zone, if it is the day of the weekly
 * full sync; else 0. */
static int64_t full_day(const struct cs_settings *settings)
{
    static const char *const days[] = {"sunday",    "monday",   "tuesday",
                                       "wednesday", "thursday", "friday",
                                       "saturday"};
    const char *wanted = cs_settings_text(settings, "sync", "full_sync_day");
    time_t now = (time_t)(cs_clock_now() / CS_SECOND);
    struct tm local;

    if (!localtime_r(&now, &local) ||
        strcasecmp(wanted, days[local.tm_wday]) != 0)
        return 0;
    local.tm_hour = local.tm_min = local.tm_sec = 0;
    local.tm_isdst = -1;
    return (int64_t)mktime(&local) * CS_SECOND;
}

static enum cs_rc keep_id(void *arg, const struct cs_history *row)
{
    int64_t *id = arg;

    *id = row->id;
    return CS_OK;
}

enum cs_rc cs_run_newest(struct cs_session *session, int64_t *id,
                         struct cs_error *error)
{
    *id = 0;
    return cs_history_each(session, 0, 1, keep_id, id, error);
}

/* ---- Which schools ------------------------------------------------------- */

static bool in_scope(const struct cs_school *school,
                     const struct cs_run_request *request)
{
    if (request->school && strcmp(school->clever_id, request->school) != 0)
        return false;
    if (request->district &&
        strcmp(school->district->clever_id, request->district) != 0)
        return false;
    return school->active;
}

static enum cs_rc choose_schools(struct cs_run *run,
                                 const struct cs_run_request *request,
                                 struct cs_error *error)
{
    struct cs_registry *registry = &run->registry;

    if (request->district &&
        !cs_registry_find_district(registry, request->district, error))
        return error->rc;
    if (request->school &&
        !cs_registry_find_school(registry, request->school, error))
        return error->rc;
    run->schools = cs_memory_array(registry->nschools, sizeof(*run->schools));
    for (size_t i = 0; i < registry->nschools; i++) {
        if (in_scope(&registry->schools[i], request))
            run->schools[run->n++].school = &registry->schools[i];
    }
    if (run->n == 0)
        return cs_error_set(error, CS_E_CONFIG,
                            "there is no active school to sync: register "
                            "some with \"cleversync school add\" or \"school "
                            "import\", or activate one with \"school set ID "
                            "--active yes\"");
    return CS_OK;
}

/* ---- The feeds ----------------------------------------------------------- */

struct hinting {
    struct cs_feeds *feeds;
    const struct cs_run *run;
    char **seen; /* "school/entity" of the rows met */
    size_t n;
};

static bool seen(struct hinting *hinting, const struct cs_history *row)
{
    char *key =
        cs_memory_format("%lld/%s", (long long)row->school, row->entity);

    for (size_t i = 0; i < hinting->n; i++) {
        if (strcmp(hinting->seen[i], key) == 0) {
            free(key);
            return true;
        }
    }
    hinting->seen =
        cs_memory_grow(hinting->seen, hinting->n + 1, sizeof(*hinting->seen));
    hinting->seen[hinting->n++] = key;
    return false;
}

/* The newest cursor of each school and entity; what truly counts is in the
 * school's own database. */
static enum cs_rc hint(void *arg, const struct cs_history *row)
{
    struct hinting *hinting = arg;

    /* Rows that are about no entity repeat what those of entities say. */
    if (!row->last_event || strcmp(row->entity, CS_HISTORY_BASELINE) == 0 ||
        strcmp(row->entity, CS_HISTORY_EVENT) == 0 || seen(hinting, row))
        return CS_OK;
    for (size_t i = 0; i < hinting->run->n; i++) {
        const struct cs_school *school = hinting->run->schools[i].school;

        if (school->id == row->school)
            cs_feed_hint(hinting->feeds, school->district->clever_id,
                         row->last_event);
    }
    return CS_OK;
}

/* Reading a district's feed once for all takes knowing who is furthest behind.
 * That is only a hint: a school behind all hints reads again for itself. */
static enum cs_rc give_hints(struct running *running, struct cs_error *error)
{
    struct hinting hinting = {running->feeds, running->run, NULL, 0};
    enum cs_rc rc = cs_history_each(
        running->session, 0, ROWS_A_SCHOOL * running->n, hint, &hinting, error);

    for (size_t i = 0; i < hinting.n; i++)
        free(hinting.seen[i]);
    free(hinting.seen);
    return rc;
}

/* ---- Workers ------------------------------------------------------------- */

/* The next school; those that another run had come last. */
static struct job *next_job(struct running *running)
{
    for (int again = 0; again < 2; again++) {
        for (size_t i = 0; i < running->n; i++) {
            struct job *job = &running->jobs[i];

            if (job->state == WAITING && job->again == again)
                return job;
        }
    }
    return NULL;
}

static bool may_go_on(const struct running *running)
{
    return cs_cancel_remaining_ms(running->app->cancel) > 0 &&
           cs_cancel_remaining_ms(running->enough) > 0;
}

static struct job *take_job(struct running *running)
{
    struct job *job = NULL;

    pthread_mutex_lock(&running->mutex);
    if (may_go_on(running))
        job = next_job(running);
    if (job) {
        job->state = RUNNING;
        cs_cancel_free(job->cancel);
        job->cancel = cs_cancel_new(running->app->cancel, running->timeout);
        job->give_up = cs_clock_steady() + running->timeout + GRACE;
        job->why = "hung past its deadline";
    }
    pthread_mutex_unlock(&running->mutex);
    return job;
}

/* A school that another run has is looked at again when the rest is finished,
 * and then waited for a little: mostly the other run is done with it soon. */
static void put_back(struct running *running, struct job *job)
{
    if (job->result->busy && !job->again &&
        (running->n > 1 || running->shared)) {
        job->again = true;
        job->state = WAITING;
    } else {
        job->state = DONE;
    }
}

/* The next school, and the turn for it. */
static struct job *begin_job(struct running *running)
{
    struct job *job;

    if (!cs_turns_take(running->turns, running->most, running->app->cancel,
                       running->enough))
        return NULL;
    job = take_job(running);
    if (job == NULL)
        cs_turns_give(running->turns);
    return job;
}

static void *work(void *arg)
{
    struct running *running = arg;
    struct job *job;
    bool abandoned, done;

    while ((job = begin_job(running)) != NULL) {
        struct cs_sync_options options = running->options;

        if (job->again)
            options.lock_wait = running->shared ? running->timeout : LOOK_AGAIN;
        cs_sync_school(running->app, running->session, running->feeds, &options,
                       job->cancel, job->result);
        pthread_mutex_lock(&running->mutex);
        abandoned = job->state == ABANDONED;
        if (!abandoned)
            put_back(running, job);
        done = job->state == DONE;
        pthread_mutex_unlock(&running->mutex);
        if (abandoned)
            return NULL; /* somebody else works in this one's place */
        cs_turns_give(running->turns);
        if (done && running->observer.school != NULL)
            running->observer.school(running->observer.arg, running->run,
                                     job->result);
    }
    pthread_mutex_lock(&running->mutex);
    running->workers--;
    pthread_cond_signal(&running->changed);
    pthread_mutex_unlock(&running->mutex);
    return NULL;
}

/* Under the mutex. */
static int start_worker(struct running *running, pthread_t *worker)
{
    int code = pthread_create(worker, NULL, work, running);

    running->workers += code == 0;
    return code;
}

/* After a signal nobody waits for deadlines: a driver may be deaf to cancel()
 * for as long as the network is away. */
static void look_for_signal(struct running *running)
{
    int64_t latest = cs_clock_steady() + GRACE_STOPPED;

    if (running->was_stopped ||
        cs_cancel_remaining_ms(running->app->cancel) > 0)
        return;
    running->was_stopped = true;
    for (size_t i = 0; i < running->n; i++) {
        struct job *job = &running->jobs[i];

        if (job->state != RUNNING || job->give_up <= latest)
            continue;
        job->give_up = latest;
        job->why = "did not end in time after the signal";
    }
}

/* A worker that does not come back from a plugin: its school is given up, and
 * so is cleaning up after the run; another takes its place. */
static void look_for_hanging(struct running *running)
{
    int64_t now = cs_clock_steady();
    pthread_t replacement;

    for (size_t i = 0; i < running->n; i++) {
        struct job *job = &running->jobs[i];
        struct cs_log_context context = {
            .run = running->run->id,
            .district = job->result->school->district->clever_id,
            .school = job->result->school->clever_id,
            .instance = atomic_load(&job->result->busy_with)};

        if (job->state != RUNNING || now < job->give_up)
            continue;
        cs_log_write(CS_LOG_ERROR, &context, "%s and is abandoned", job->why);
        job->state = ABANDONED;
        running->run->abandoned = true;
        running->workers--;
        cs_turns_give(running->turns);
        start_worker(running, &replacement);
    }
}

/* Until every worker is home, or given up. */
static void wait_for_workers(struct running *running,
                             struct cs_progress *progress)
{
    pthread_mutex_lock(&running->mutex);
    while (running->workers > 0) {
        int64_t until = cs_clock_steady() + TICK;
        struct timespec time = {(time_t)(until / CS_SECOND),
                                (long)(until % CS_SECOND * 1000)};

        pthread_cond_timedwait(&running->changed, &running->mutex, &time);
        look_for_signal(running);
        look_for_hanging(running);
        pthread_mutex_unlock(&running->mutex);
        cs_progress_draw(progress);
        if (running->observer.tick != NULL)
            running->observer.tick(running->observer.arg);
        pthread_mutex_lock(&running->mutex);
    }
    pthread_mutex_unlock(&running->mutex);
}

static size_t start_workers(struct running *running, pthread_t *workers,
                            size_t most, struct cs_error *error)
{
    for (size_t i = 0; i < most; i++) {
        int code;

        pthread_mutex_lock(&running->mutex);
        code = start_worker(running, &workers[i]);
        pthread_mutex_unlock(&running->mutex);
        if (code != 0) {
            cs_error_set(error, CS_E_FATAL, "no thread could be started: %s",
                         strerror(code));
            return i;
        }
    }
    return most;
}

static void running_init(struct running *running)
{
    pthread_condattr_t attributes;

    pthread_mutex_init(&running->mutex, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&running->changed, &attributes);
    pthread_condattr_destroy(&attributes);
    running->feeds = cs_feed_new_all(running->app);
    running->jobs = cs_memory_array(running->n, sizeof(*running->jobs));
    for (size_t i = 0; i < running->n; i++)
        running->jobs[i].result = &running->run->schools[i];
}

static void running_free(struct running *running)
{
    for (size_t i = 0; i < running->n; i++)
        cs_cancel_free(running->jobs[i].cancel);
    free(running->jobs);
    cs_feed_free_all(running->feeds);
    pthread_cond_destroy(&running->changed);
    pthread_mutex_destroy(&running->mutex);
}

static enum cs_rc work_all(struct running *running, struct cs_error *error)
{
    size_t most = running->most;
    pthread_t *workers;
    size_t started;
    struct cs_progress *progress = NULL;

    if (most > running->n)
        most = running->n;
    workers = cs_memory_array(most, sizeof(*workers));
    if (!running->observed)
        progress = cs_progress_new(running->run->schools, running->n);
    started = start_workers(running, workers, most, error);
    if (started > 0)
        wait_for_workers(running, progress);
    cs_progress_free(progress);
    for (size_t i = 0; i < started && !running->run->abandoned; i++)
        pthread_join(workers[i], NULL);
    free(workers);
    return started > 0 ? CS_OK : error->rc;
}

/* ---- The sum ------------------------------------------------------------- */

/* Schools that were never begun, or never finished. */
static void mark_undone(struct running *running)
{
    for (size_t i = 0; i < running->n; i++) {
        struct cs_sync_school *result = &running->run->schools[i];

        if (running->jobs[i].state == WAITING)
            snprintf(result->message, sizeof(result->message),
                     "not begun: the run was stopped");
        else if (running->jobs[i].state == ABANDONED)
            snprintf(result->message, sizeof(result->message),
                     "%s and was abandoned", running->jobs[i].why);
        else
            continue;
        result->status_code = CS_EXIT_FAILED;
    }
}

static int sum_up(const struct cs_run *run)
{
    size_t good = 0;
    int worst = CS_EXIT_OK;

    for (size_t i = 0; i < run->n; i++) {
        good += run->schools[i].status_code == CS_EXIT_OK;
        worst = cs_error_worst(worst, run->schools[i].status_code);
    }
    return cs_error_sum(good, run->n, worst);
}

static enum cs_rc begin(struct running *running,
                        const struct cs_run_request *request,
                        struct cs_error *error)
{
    struct cs_run *run = running->run;
    enum cs_rc rc;

    if (running->app->wiring.npipelines == 0)
        return cs_error_set(error, CS_E_CONFIG,
                            "no pipeline is configured: enable some with "
                            "\"cleversync plugins enable NAME\"");
    rc = cs_registry_load(running->session, &run->registry, error);
    if (rc == CS_OK)
        rc = choose_schools(run, request, error);
    if (rc != CS_OK)
        return rc;
    running->n = run->n;
    running->options =
        (struct cs_sync_options){.run = run->id,
                                 .full = request->full,
                                 .dry = request->dry,
                                 .show_values = request->show_values,
                                 .verify = request->verify,
                                 .full_day = full_day(running->app->settings)};
    cs_secrets_ask_anew(running->app->secrets, NULL);
    if (request->since == NULL)
        return cs_run_newest(running->session, &running->options.since, error);
    running->options.since = *request->since;
    return CS_OK;
}

static void tell(const struct running *running,
                 void (*what)(void *arg, const struct cs_run *run))
{
    if (what != NULL)
        what(running->observer.arg, running->run);
}

static enum cs_rc run_all(struct running *running, struct cs_error *error)
{
    int64_t start = cs_clock_steady();
    struct cs_run *run = running->run;
    enum cs_rc rc;

    running_init(running);
    rc = give_hints(running, error);
    if (rc != CS_OK)
        return rc;
    tell(running, running->observer.begun);
    rc = work_all(running, error);
    mark_undone(running);
    run->status_code = sum_up(run);
    run->took = cs_clock_steady() - start;
    tell(running, running->observer.ended);
    return rc;
}

static struct running *make_running(struct cs_run *run, struct cs_app *app,
                                    struct cs_session *session,
                                    const struct cs_run_request *request)
{
    struct running *running = cs_memory_new(sizeof(*running));

    running->run = run;
    running->app = app;
    running->session = session;
    running->turns = request->turns;
    running->most = (size_t)cs_settings_number(app->settings, "concurrency",
                                               "max_schools_in_parallel");
    running->enough = request->enough;
    running->shared = request->since != NULL;
    running->observed = request->observer != NULL;
    if (running->observed)
        running->observer = *request->observer;
    running->timeout =
        cs_settings_number(app->settings, "sync", "timeout_minutes") * 60 *
        CS_SECOND;
    return running;
}

enum cs_rc cs_run_all(struct cs_run *run, struct cs_app *app,
                      struct cs_session *session,
                      const struct cs_run_request *request,
                      struct cs_error *error)
{
    struct running *running = make_running(run, app, session, request);
    enum cs_rc rc;

    *run = (struct cs_run){.dry = request->dry};
    if (request->id != NULL)
        snprintf(run->id, sizeof(run->id), "%s", request->id);
    else
        cs_run_make_id(run->id);
    rc = begin(running, request, error);
    if (rc == CS_OK) {
        rc = run_all(running, error);
        /* A worker that hangs may come back to it when this call is over. */
        if (run->abandoned)
            return rc;
        running_free(running);
    }
    free(running);
    return rc;
}

void cs_run_clear(struct cs_run *run)
{
    for (size_t i = 0; i < run->n; i++)
        cs_sync_clear(&run->schools[i]);
    free(run->schools);
    cs_registry_clear(&run->registry);
}
