/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* Cases for plugins of all kinds: errors, secrets, cancelling, threads. */

#include "config.h"

#include "conform/any.h"

#include <stdio.h>

/* How long a call may take that has no time. */
#define AT_ONCE (10 * CS_SECOND)

enum { ROUNDS = 25, SIDE_BY_SIDE = 4 };

/* ---- Errors -------------------------------------------------------------- */

/* Calls that fail, if any can be made to. */
static void provoke(struct cs_probe *probe)
{
    struct cs_instance *instance;

    instance = cs_probe_try_open(probe, 0);
    if (instance) {
        cs_probe_work(probe, instance);
        cs_instance_check(instance, &probe->error);
        cs_probe_close(probe, instance);
    }
    probe->no_secrets = true;
    instance = cs_probe_try_open(probe, 0);
    if (instance) {
        cs_probe_work(probe, instance);
        cs_probe_close(probe, instance);
    }
    probe->no_secrets = false;
}

static void sentences(struct cs_probe *probe)
{
    provoke(probe);
    if (probe->unsound)
        cs_conform_fail(probe->conform, "a sentence of cs_fail() %s",
                        probe->unsound);
}

static void secrets(struct cs_probe *probe)
{
    provoke(probe);
    if (probe->conform->lab) {
        cs_probe_fault(probe, "status-400");
        provoke(probe);
    }
    cs_probe_no_secret_heard(probe);
}

/* ---- Cancelling ---------------------------------------------------------- */

static void no_time(struct cs_probe *probe)
{
    struct cs_instance *instance = cs_probe_open(probe, 0);

    cs_probe_stop(probe, instance);
    cs_conform_about(probe->conform, "a call without time left");
    cs_conform_patience(probe->conform, AT_ONCE);
    cs_probe_work(probe, instance);
}

struct caller {
    struct cs_probe *probe;
    struct cs_instance *instance;
    size_t rounds;
    enum cs_rc want, got;
    struct cs_error error;
    pthread_t thread;
};

static void *call(void *arg)
{
    struct caller *caller = arg;
    struct cs_probe *probe = caller->probe;

    for (size_t i = 0; i < caller->rounds && caller->got == caller->want; i++)
        caller->got =
            probe->kind->work(probe, caller->instance, &caller->error);
    return NULL;
}

static void cancelled(struct cs_probe *probe)
{
    struct cs_instance *instance = cs_probe_open(probe, 0);
    struct caller caller = {.probe = probe, .instance = instance, .rounds = 1};

    cs_conform_about(probe->conform, "a call that is cancelled");
    if (probe->conform->lab)
        cs_probe_fault(probe, "hang");
    if (cs_conform_over(probe->conform) ||
        pthread_create(&caller.thread, NULL, call, &caller) != 0)
        return;
    /* Somewhere in the middle, wherever that is. */
    cs_cancel_wait(probe->cancel, CS_SECOND / 5);
    cs_conform_patience(probe->conform, AT_ONCE);
    cs_probe_stop(probe, instance);
    pthread_join(caller.thread, NULL);
}

/* ---- Threads ------------------------------------------------------------- */

static void start(struct cs_probe *probe, struct caller *caller,
                  struct cs_instance *instance, size_t rounds, enum cs_rc want)
{
    *caller = (struct caller){
        .probe = probe,
        .instance = instance,
        .rounds = rounds,
        .want = want,
        .got = want,
    };
    if (pthread_create(&caller->thread, NULL, call, caller) != 0)
        cs_conform_fail(probe->conform, "there is no thread to be had");
}

static void finish(struct cs_probe *probe, struct caller *caller)
{
    pthread_join(caller->thread, NULL);
    probe->error = caller->error;
    cs_probe_wants(probe, "a call", caller->got, caller->want);
}

static void in_turn(struct cs_probe *probe)
{
    struct cs_instance *instance = cs_probe_open(probe, 0);
    enum cs_rc rc = cs_probe_work(probe, instance);

    for (int i = 0; i < SIDE_BY_SIDE && !cs_conform_over(probe->conform); i++) {
        struct caller caller;

        start(probe, &caller, instance, 1, rc);
        if (!cs_conform_over(probe->conform))
            finish(probe, &caller);
    }
}

static void side_by_side(struct cs_probe *probe)
{
    struct cs_instance *instances[SIDE_BY_SIDE];
    struct caller callers[SIDE_BY_SIDE];
    enum cs_rc rc = CS_OK;
    int n = 0;

    for (int i = 0; i < SIDE_BY_SIDE; i++) {
        instances[i] = cs_probe_open(probe, 0);
        rc = cs_probe_work(probe, instances[i]);
    }
    while (n < SIDE_BY_SIDE && !cs_conform_over(probe->conform)) {
        start(probe, &callers[n], instances[n], ROUNDS, rc);
        n += !cs_conform_over(probe->conform);
    }
    while (n > 0)
        finish(probe, &callers[--n]);
}

/* ---- Versions ------------------------------------------------------------ */

/* A later minor version of the core has a longer host; what is behind the end
 * that the plugin knows does not exist for it. */
static void longer_host(struct cs_probe *probe)
{
    struct cs_instance *instance = cs_probe_open(probe, 0);
    enum cs_rc rc = cs_probe_work(probe, instance);

    cs_probe_close(probe, instance);
    probe->longer = true;
    cs_conform_about(probe->conform, "with a longer host");
    instance = cs_probe_open(probe, 0);
    cs_probe_wants(probe, "a call", cs_probe_work(probe, instance), rc);
}

const struct cs_conform_case cs_conform_any_calls[] = {
    {CS_CONFORM_SAFE, "errors: a class and one sentence", sentences},
    {CS_CONFORM_SAFE, "errors: no secret in them or in the log", secrets},
    {CS_CONFORM_SAFE, "cancel: a call without time left", no_time},
    {CS_CONFORM_SAFE, "cancel: a call under way", cancelled},
    {CS_CONFORM_SAFE, "threads: called from several, in turn", in_turn},
    {CS_CONFORM_SAFE, "threads: instances side by side", side_by_side},
    {CS_CONFORM_SAFE, "host: one that has grown", longer_host},
    {.name = NULL},
};
