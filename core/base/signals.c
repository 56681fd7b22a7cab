/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

#include "config.h"

#include "base/signals.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

/* Signals belong to the process, and so does this. */
static struct {
    pthread_t thread;
    bool running;
    struct cs_signals signals;
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
    if (watch.signals.reload != NULL)
        sigaddset(set, SIGHUP);
}

static void *wait_for_signals(void *unused)
{
    sigset_t set;
    int signal;

    wanted(&set);
    while (sigwait(&set, &signal) == 0 && !atomic_load(&watch.stop)) {
        if (signal == SIGUSR2)
            continue;
        if (signal == SIGHUP) {
            watch.signals.reload(watch.signals.arg);
            continue;
        }
        if (atomic_load(&watch.caught) != 0)
            _exit(128 + signal);
        atomic_store(&watch.caught, signal);
        watch.signals.stop(watch.signals.arg);
    }
    return unused;
}

void cs_signals_watch(const struct cs_signals *signals)
{
    sigset_t set;

    watch.signals = *signals;
    wanted(&set);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
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
    return watch.signals.wanted ? 0 : atomic_load(&watch.caught);
}
