/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* What is known of the dependencies, for who asks. */

#include "config.h"

#include "health/health-inside.h"
#include "base/json.h"
#include "base/memory.h"

#include <stdlib.h>

const char *cs_health_word(enum cs_health_state state)
{
    static const char *const words[] = {
        [CS_HEALTH_HEALTHY] = "Healthy",
        [CS_HEALTH_DEGRADED] = "Degraded",
        [CS_HEALTH_UNHEALTHY] = "Unhealthy",
    };

    return words[state];
}

const char *cs_health_show_kind(enum cs_health_kind kind)
{
    static const char *const words[] = {
        [CS_HEALTH_SESSION] = "session_database",
        [CS_HEALTH_STORE] = "credential_store",
        [CS_HEALTH_CLEVER] = "clever",
        [CS_HEALTH_FEED] = "events",
    };

    return words[kind];
}

/* ---- A list of dependencies ---------------------------------------------- */

static json_t *seconds_since(int64_t then)
{
    int64_t age = cs_clock_steady() - then;

    return json_real((double)(age / 1000) / 1000);
}

static json_t *show_node(const struct cs_health_node *node)
{
    json_t *age = node->known ? seconds_since(node->landed) : json_null();
    json_t *latency =
        node->known ? json_real((double)node->latency / 1000) : json_null();

    return json_pack("{ss, ss, ss?, ss, ss?, so, so, so}", "name",
                     node->section, "kind",
                     cs_health_show_kind(node->probe.target.kind), "district",
                     node->district, "state", cs_health_word(node->shown.state),
                     "error", node->shown.why, "age_seconds", age, "latency_ms",
                     latency, "since", cs_json_time(node->since));
}

/* The one that is worst off is what the error is about. */
struct sum {
    const struct cs_health_node *worst; /* NULL: all are well */
    json_t *dependencies;
};

static void add(struct sum *sum, const struct cs_health_node *node)
{
    enum cs_health_state worst =
        sum->worst != NULL ? sum->worst->shown.state : CS_HEALTH_HEALTHY;

    if (node->shown.state > worst)
        sum->worst = node;
    json_array_append_new(sum->dependencies, show_node(node));
}

static bool is_about(enum cs_health_which which,
                     const struct cs_health_node *node)
{
    bool feed = node->probe.target.kind == CS_HEALTH_FEED;

    return node->wanted && feed == (which == CS_HEALTH_EVENTS);
}

static void add_dependencies(const struct cs_health *health,
                             enum cs_health_which which, json_t *answer,
                             enum cs_health_state *state)
{
    struct sum sum = {NULL, json_array()};
    enum cs_health_kind kind =
        which == CS_HEALTH_EVENTS ? CS_HEALTH_FEED : CS_HEALTH_CLEVER;
    char *error = NULL;

    for (const struct cs_health_node *node = health->nodes; node != NULL;
         node = node->next)
        if (is_about(which, node))
            add(&sum, node);
    if (sum.worst != NULL) {
        *state = sum.worst->shown.state;
        error = cs_memory_format("%s: %s", sum.worst->section,
                                 sum.worst->shown.why);
    }
    json_object_set_new(answer, "last_success",
                        cs_json_time(health->success[kind]));
    json_object_set_new(answer, "error",
                        error != NULL ? json_string(error) : json_null());
    json_object_set_new(answer, "dependencies", sum.dependencies);
    free(error);
}

/* ---- The answers --------------------------------------------------------- */

/* Slow is good enough; what is not known yet is not. */
static enum cs_health_state readiness(const struct cs_health *health)
{
    const struct cs_health_node *node = health->nodes;

    if (!health->dependencies)
        return CS_HEALTH_HEALTHY;
    while (node != NULL &&
           (!node->wanted || node->probe.target.kind != CS_HEALTH_SESSION))
        node = node->next;
    return node != NULL && node->known ? node->shown.state
                                       : CS_HEALTH_UNHEALTHY;
}

static enum cs_health_state liveness(const struct cs_health_watcher *watcher)
{
    return watcher->alive == NULL || watcher->alive(watcher->arg)
               ? CS_HEALTH_HEALTHY
               : CS_HEALTH_UNHEALTHY;
}

json_t *cs_health_show(struct cs_health *health, enum cs_health_which which,
                       enum cs_health_state *state)
{
    json_t *answer = json_object();

    *state = CS_HEALTH_HEALTHY;
    if (which == CS_HEALTH_LIVE)
        *state = liveness(&health->watcher);
    json_object_set_new(answer, "status", json_null()); /* stands first */
    cs_gate_lock(&health->gate);
    if (which == CS_HEALTH_READY)
        *state = readiness(health);
    else if (which != CS_HEALTH_LIVE && health->dependencies)
        add_dependencies(health, which, answer, state);
    cs_gate_unlock(&health->gate);
    json_object_set_new(answer, "status", json_string(cs_health_word(*state)));
    json_object_set_new(answer, "timestamp", cs_json_time(cs_clock_now()));
    return answer;
}

void cs_health_each(struct cs_health *health, cs_health_fn *each, void *arg)
{
    cs_gate_lock(&health->gate);
    for (const struct cs_health_node *node = health->nodes; node != NULL;
         node = node->next) {
        struct cs_health_dependency dependency = {
            .name = node->section,
            .kind = cs_health_show_kind(node->probe.target.kind),
            .district = node->district != NULL ? node->district : "",
            .state = node->shown.state,
            .latency = node->known ? (double)node->latency / CS_SECOND : -1,
        };

        if (node->wanted)
            each(arg, &dependency);
    }
    cs_gate_unlock(&health->gate);
}
