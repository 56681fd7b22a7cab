/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* One look at one dependency, through a plugin's instance that is kept while it
 * is of use: what it takes to connect is not what it takes to answer. */
#ifndef CS_HEALTH_PROBE_H
#define CS_HEALTH_PROBE_H

#include "daemon/generations.h"
#include "plugin/instance.h"
#include "database/registry.h"

#include <pthread.h>

enum cs_health_kind {
    CS_HEALTH_SESSION,
    CS_HEALTH_STORE,
    CS_HEALTH_CLEVER,
    CS_HEALTH_FEED
};

struct cs_health_target { /* strings are the owner's of the probe */
    enum cs_health_kind kind;
    const char *section;           /* "source.clever-data" */
    const char *district, *prefix; /* sources; else NULL */
};

/* By one thread at a time. */
struct cs_health_probe {
    struct cs_health_target target;
    struct cs_app *app;           /* borrowed while there is an instance */
    struct cs_instance *instance; /* kept from look to look; or NULL */
};

struct cs_health_finding {
    enum cs_rc rc;
    bool late;       /* it did not come back before its deadline */
    int64_t latency; /* microseconds, of the call that decided */
    struct cs_error error;
    struct cs_registry registry; /* of a session database that is well; to be
                         cleared */
};

void cs_health_probe_init(struct cs_health_probe *probe,
                          const struct cs_health_target *target);
void cs_health_probe_clear(struct cs_health_probe *probe,
                           struct cs_generations *generations);

/* Looks, and once more where a connection that was kept is lost or where a new
 * one took longer than `slow`. */
void cs_health_probe_look(struct cs_health_probe *probe,
                          struct cs_generations *generations,
                          struct cs_cancel *cancel, int64_t slow,
                          struct cs_health_finding *finding);

#endif
