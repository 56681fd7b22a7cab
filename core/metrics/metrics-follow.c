/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* Who asks the history again and again. */

#include "config.h"

#include "base/gate.h"
#include "base/log.h"
#include "base/memory.h"
#include "metrics/counters.h"
#include "metrics/metrics.h"
#include "database/session.h"

#include <stdlib.h>

struct cs_metrics_follower {
    struct cs_metrics *metrics;
    struct cs_generations *generations;
    pthread_t thread;
    struct cs_gate gate; /* guards what is below */
    bool closing, home;
};

/* With a connection of its own, which others would have to wait for. */
static enum cs_rc learn(struct cs_metrics_follower *follower,
                        struct cs_app *app, struct cs_error *error)
{
    struct cs_session *session;
    enum cs_rc rc = cs_session_open(&session, app, error);

    if (rc != CS_OK)
        return rc;
    rc = cs_metrics_learn(follower->metrics, session, &app->wiring, error);
    cs_session_close(session);
    return rc;
}

/* A count that first appears as 1 has not risen, for who watches it. */
static void begin_counts(const struct cs_wiring *wiring)
{
    cs_counters_add(CS_COUNTER_DATABASE, wiring->session->section, NULL, 0);
    for (size_t i = 0; i < wiring->npipelines; i++)
        cs_counters_add(CS_COUNTER_DATABASE, wiring->pipelines[i].sink->section,
                        NULL, 0);
}

/* Gives how long to wait until the next time. */
static int64_t learn_once(struct cs_metrics_follower *follower)
{
    struct cs_app *app = cs_generations_borrow(follower->generations);
    int64_t pause = cs_settings_number(app->settings, "monitoring",
                                       "metric_flush_interval_seconds") *
                    CS_SECOND;
    struct cs_error error = {0};

    begin_counts(&app->wiring);
    /* That the database is away is for health to tell. */
    if (learn(follower, app, &error) != CS_OK)
        cs_log_write(CS_LOG_DEBUG, NULL, "metrics know no last success: %s",
                     error.text);
    cs_generations_return(follower->generations, app);
    return pause;
}

static void *follow(void *arg)
{
    struct cs_metrics_follower *follower = arg;

    cs_gate_lock(&follower->gate);
    while (!follower->closing) {
        int64_t next;

        cs_gate_unlock(&follower->gate);
        next = cs_clock_steady() + learn_once(follower);
        cs_gate_lock(&follower->gate);
        while (!follower->closing && cs_clock_steady() < next)
            cs_gate_wait_until(&follower->gate, next);
    }
    follower->home = true;
    cs_gate_changed(&follower->gate);
    cs_gate_unlock(&follower->gate);
    return NULL;
}

struct cs_metrics_follower *
cs_metrics_follow(struct cs_metrics *metrics,
                  struct cs_generations *generations)
{
    struct cs_metrics_follower *follower = cs_memory_new(sizeof(*follower));

    follower->metrics = metrics;
    follower->generations = generations;
    cs_gate_init(&follower->gate);
    if (pthread_create(&follower->thread, NULL, follow, follower) != 0)
        abort(); /* without it, no last success would ever be known */
    return follower;
}

bool cs_metrics_unfollow(struct cs_metrics_follower *follower, int64_t limit)
{
    int64_t until = cs_clock_steady() + limit;
    bool home;

    if (follower == NULL)
        return true;
    cs_gate_lock(&follower->gate);
    follower->closing = true;
    cs_gate_changed(&follower->gate);
    while (!follower->home && cs_clock_steady() < until)
        cs_gate_wait_until(&follower->gate, until);
    home = follower->home;
    cs_gate_unlock(&follower->gate);
    if (!home)
        return false;
    pthread_join(follower->thread, NULL);
    cs_gate_clear(&follower->gate);
    free(follower);
    return true;
}
