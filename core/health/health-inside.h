/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* What the files of health share: the dependencies, and what is known of
 * them. */
#ifndef CS_HEALTH_INSIDE_H
#define CS_HEALTH_INSIDE_H

#include "base/gate.h"
#include "health/health-probe.h"
#include "health/health.h"

enum cs_health_stage { CS_HEALTH_IDLE, CS_HEALTH_UNDER_WAY, CS_HEALTH_LANDED };

struct cs_health_verdict {
    enum cs_health_state state;
    const char *why; /* class words; NULL: all is well */
};

struct cs_health_node { /* one dependency */
    struct cs_health_node *next;
    struct cs_health *health;
    char *section, *district, *prefix; /* of the probe's target */
    struct cs_health_probe probe; /* of the thread, while one is under way */
    bool wanted;                  /* by the configuration that is in force */

    enum cs_health_stage stage;
    bool leaving;     /* what is under way is its end */
    bool interrupted; /* it was told to come back */
    pthread_t thread;
    struct cs_cancel *cancel;
    int64_t begun, limit; /* of the last look, on the steady clock */
    struct cs_health_finding finding; /* once it has landed */

    bool known;                     /* a look has landed */
    struct cs_health_verdict found; /* by the last one */
    bool failed;                    /* the last one: it was not merely slow */
    int64_t landed, latency;
    char *sentence; /* for the log: why it failed; or NULL */

    struct cs_health_verdict shown;
    int64_t since; /* of its state; since 1970 */
    enum cs_health_state told;
};

struct cs_health {
    struct cs_generations *generations;
    struct cs_health_watcher watcher;
    pthread_t thread;
    struct cs_cancel *cancel; /* of all that is under way */
    struct cs_app *app;       /* borrowed: what is in force, for the thread */

    struct cs_gate gate;          /* guards all below, and the nodes */
    struct cs_health_node *nodes; /* in the order that they are shown */
    struct cs_registry registry;  /* as it was read last */
    bool dependencies;            /* include_dependency_checks */
    int64_t period, slow; /* cache_duration_seconds, timeout_milliseconds */
    int64_t success[CS_HEALTH_FEED + 1]; /* by kind, since 1970; 0: never */
    bool closing;
    int64_t give_up; /* when closing, on the steady clock */
};

/* health-plan.c, with the gate locked: which dependencies there should be.
 * Those that are new are added; others are no longer wanted. */
void cs_health_plan(struct cs_health *health);
void cs_health_plan_forget(struct cs_health_node *node); /* frees it */

const char *cs_health_show_kind(enum cs_health_kind kind); /* health-show.c */

#endif
