/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

#include "config.h"

#include "signals.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

/* Signals belong to the process, and so does this. */
static struct {
    pthread_t thread;
    bool running;
    struct cs_cancel *cancel;
    atomic_int caught;
    atomic_bool stop;
} watch;

/* SIGUSR2 is how stop() wakes the thread. */
static void wanted(sigset_t *set)
{
    sigemptyset(set);
    sigaddset(set, SIGINT);
    sigaddset(set, SIGTERM);
    sigaddset(set, SIGUSR2);
}

static void *wait_for_signals(void *unused)
{
    sigset_t set;
    int signal;

    wanted(&set);
    while (sigwait(&set, &signal) == 0 && !atomic_load(&watch.stop)) {
        if (signal == SIGUSR2)
            continue;
        if (atomic_load(&watch.caught) != 0)
            _exit(128 + signal);
        atomic_store(&watch.caught, signal);
        cs_cancel_now(watch.cancel);
    }
    return unused;
}

void cs_signals_watch(struct cs_cancel *cancel)
{
    sigset_t set;

    wanted(&set);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    watch.cancel = cancel;
    atomic_store(&watch.stop, false);
    /* Without the thread the program could not be ended but by SIGKILL. */
    if (pthread_create(&watch.thread, NULL, wait_for_signals, NULL) != 0)
        abort();
    watch.running = true;
}

void cs_signals_stop(void)
{
    if (!watch.running)
        return;
    atomic_store(&watch.stop, true);
    pthread_kill(watch.thread, SIGUSR2);
    pthread_join(watch.thread, NULL);
    watch.running = false;
}

int cs_signals_caught(void)
{
    return atomic_load(&watch.caught);
}
