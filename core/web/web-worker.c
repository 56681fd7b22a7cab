/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

#include "config.h"

#include "web/web-worker.h"

#include "base/gate.h"
#include "base/memory.h"

#include <stdlib.h>

#define IDLE (60 * CS_SECOND)

enum { MOST = 64 }; /* jobs that wait */

struct job {
    struct job *next;
    cs_web_work *work, *release;
    void *arg;
    bool on, done;
    bool alone; /* nobody waits for it */
};

struct cs_web_worker {
    cs_web_work *idle;
    void *arg;
    pthread_t thread;
    struct cs_gate gate; /* around all below */
    struct job *first;
    unsigned n;
    bool stopping, ended;
};

/* ---- The thread --------------------------------------------------------- */

static struct job *take(struct cs_web_worker *worker)
{
    struct job *job = worker->first;

    worker->first = job->next;
    worker->n--;
    job->on = true;
    return job;
}

static void finish(struct cs_web_worker *worker, struct job *job)
{
    job->done = true;
    if (!job->alone) {
        cs_gate_changed(&worker->gate);
        return;
    }
    if (job->release != NULL)
        job->release(job->arg);
    free(job);
}

static void rest(struct cs_web_worker *worker)
{
    cs_gate_unlock(&worker->gate);
    if (worker->idle != NULL)
        worker->idle(worker->arg);
    cs_gate_lock(&worker->gate);
}

static void *serve(void *arg)
{
    struct cs_web_worker *worker = arg;
    int64_t until = INT64_MAX; /* when there is a rest, without work */

    cs_gate_lock(&worker->gate);
    while (!worker->stopping) {
        if (worker->first != NULL) {
            struct job *job = take(worker);

            cs_gate_unlock(&worker->gate);
            job->work(job->arg);
            cs_gate_lock(&worker->gate);
            finish(worker, job);
            until = cs_clock_steady() + IDLE;
        } else if (cs_clock_steady() < until) {
            cs_gate_wait_until(&worker->gate, until);
        } else {
            rest(worker);
            until = INT64_MAX;
        }
    }
    rest(worker);
    worker->ended = true;
    cs_gate_changed(&worker->gate);
    cs_gate_unlock(&worker->gate);
    return NULL;
}

/* ---- Its life ----------------------------------------------------------- */

struct cs_web_worker *cs_web_worker_new(cs_web_work *idle, void *arg)
{
    struct cs_web_worker *worker = cs_memory_new(sizeof(*worker));

    worker->idle = idle;
    worker->arg = arg;
    cs_gate_init(&worker->gate);
    /* Without it nothing would ever be answered. */
    if (pthread_create(&worker->thread, NULL, serve, worker) != 0)
        abort();
    return worker;
}

void cs_web_worker_stop(struct cs_web_worker *worker)
{
    cs_gate_lock(&worker->gate);
    worker->stopping = true;
    cs_gate_changed(&worker->gate);
    cs_gate_unlock(&worker->gate);
}

bool cs_web_worker_free(struct cs_web_worker *worker, int64_t limit)
{
    int64_t until = cs_clock_steady() + limit;
    bool ended;

    cs_web_worker_stop(worker);
    cs_gate_lock(&worker->gate);
    while (!worker->ended && cs_clock_steady() < until)
        cs_gate_wait_until(&worker->gate, until);
    ended = worker->ended;
    cs_gate_unlock(&worker->gate);
    if (!ended)
        return false;
    pthread_join(worker->thread, NULL);
    while (worker->first != NULL) /* posted, and never begun */
        finish(worker, take(worker));
    cs_gate_clear(&worker->gate);
    free(worker);
    return true;
}

/* ---- Work --------------------------------------------------------------- */

/* NULL: there is too much to do already. */
static struct job *add(struct cs_web_worker *worker, const struct job *new)
{
    struct job **end = &worker->first;

    if (worker->stopping || worker->n == MOST)
        return NULL;
    while (*end != NULL)
        end = &(*end)->next;
    *end = cs_memory_new(sizeof(**end));
    **end = *new;
    worker->n++;
    cs_gate_changed(&worker->gate);
    return *end;
}

static void drop(struct cs_web_worker *worker, struct job *job)
{
    struct job **at = &worker->first;

    while (*at != job)
        at = &(*at)->next;
    *at = job->next;
    worker->n--;
    free(job);
}

enum cs_web_done cs_web_worker_do(struct cs_web_worker *worker,
                                  cs_web_work *work, void *arg,
                                  cs_web_work *release, int64_t limit)
{
    const struct job new = {.work = work, .release = release, .arg = arg};
    int64_t until = cs_clock_steady() + limit;
    enum cs_web_done done = CS_WEB_LEFT;
    struct job *job;

    cs_gate_lock(&worker->gate);
    job = add(worker, &new);
    while (job != NULL && !job->done && !worker->stopping &&
           cs_clock_steady() < until)
        cs_gate_wait_until(&worker->gate, until);
    if (job != NULL && job->done) {
        done = CS_WEB_DONE;
        free(job);
    } else if (job != NULL && job->on) {
        done = CS_WEB_LATE;
        job->alone = true;
    } else if (job != NULL) {
        drop(worker, job);
    }
    cs_gate_unlock(&worker->gate);
    return done;
}

bool cs_web_worker_post(struct cs_web_worker *worker, cs_web_work *work,
                        void *arg, cs_web_work *release)
{
    const struct job new = {
        .work = work, .release = release, .arg = arg, .alone = true};
    bool added;

    cs_gate_lock(&worker->gate);
    added = add(worker, &new) != NULL;
    cs_gate_unlock(&worker->gate);
    return added;
}
