/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* How a process that lives on is: what it depends on is looked at in the
 * background, every [health] cache_duration_seconds, and whoever asks is
 * answered from what was found last.
 *
 * A dependency is Healthy when it answered within timeout_milliseconds,
 * Degraded when it was slower, when it has not answered yet, or when it failed
 * and the program can do without it for now, else Unhealthy.  No second look
 * begins at one that has not come back from the first. */
#ifndef CS_HEALTH_H
#define CS_HEALTH_H

#include "daemon/generations.h"

struct cs_health;

enum cs_health_state { /* from good to bad */
                       CS_HEALTH_HEALTHY,
                       CS_HEALTH_DEGRADED,
                       CS_HEALTH_UNHEALTHY
};
const char *cs_health_word(enum cs_health_state state); /* "Healthy", ... */

/* Who lives with it; every member may be NULL. */
struct cs_health_watcher {
    /* From any thread: do the process's loops move? */
    bool (*alive)(void *arg);
    /* A dependency fails, or is well again; not when it is merely slow.  On a
     * thread of this room.  The event fits cs_notify_raise(): "event":
     * "health_changed", "dependency", "kind", "district" (or null), "from",
     * "to" (words), "reason" (or null). */
    void (*changed)(void *arg, json_t *stolen);
    void *arg;
};

/* Begins to look at once; the generations live longer. */
struct cs_health *cs_health_new(struct cs_generations *generations,
                                const struct cs_health_watcher *watcher);
/* Ends what it can within so many microseconds.  False: a plugin hangs, so
 * nothing that it may use can be freed, and the process has to end by _exit().
 * NULL: nothing, true. */
bool cs_health_free(struct cs_health *health, int64_t limit);

/* ---- Asking: from any thread; never waits for a look --------------------- */

enum cs_health_which {
    CS_HEALTH_CLEVER_AUTH, /* session database, stores of secrets, Clever */
    CS_HEALTH_EVENTS,      /* the feeds of events */
    CS_HEALTH_LIVE,        /* the process's own loops */
    CS_HEALTH_READY        /* the session database is there */
};

/* {"status": "Healthy|Degraded|Unhealthy", "timestamp"}; the first two also
 * have, unless include_dependency_checks is off,
 *  "last_success": time or null, "error": class words or null,
 *  "dependencies": [{"name": section, "kind": "session_database|
 *    credential_store|clever|events", "district": id or null,
 *    "state": as above, "error": class words or null,
 *    "age_seconds": of the last look that ended, or null, "latency_ms": of that
 *    look, or null, "since": when it got into this state}]
 * Yours; state: what "status" says. */
json_t *cs_health_show(struct cs_health *health, enum cs_health_which which,
                       enum cs_health_state *state);

/* Each dependency, for metrics.  Strings die with the call, which must not ask
 * anything here. */
struct cs_health_dependency {
    const char *name, *kind, *district; /* district "": of none */
    enum cs_health_state state;
    double latency; /* seconds; below 0: not known yet */
};
typedef void cs_health_fn(void *arg, const struct cs_health_dependency *);
void cs_health_each(struct cs_health *health, cs_health_fn *each, void *arg);

#endif
