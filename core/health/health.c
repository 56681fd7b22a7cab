/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* One thread watches over all; each look has a thread of its own, which ends
 * with it, so that one that hangs holds up nobody.  The gate is never held
 * while a plugin works. */

#include "config.h"

#include "health/health.h"

#include "app.h"
#include "health/health-inside.h"
#include "base/log.h"
#include "base/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The longest that a look may take. */
#define LONGEST (60 * CS_SECOND)
/* How often the configuration in force is asked for. */
#define GLANCE CS_SECOND

static const char late[] = "no answer in time";

/* ---- What to make of a look ---------------------------------------------- */

static const char *reason(enum cs_rc rc)
{
    switch (rc) {
    case CS_E_AUTH:
        return "refused";
    case CS_E_RETRY:
        return "unreachable";
    case CS_E_CANCELLED:
        return late;
    case CS_E_CONFIG:
        return "wrongly configured";
    case CS_E_NOT_HERE:
        return "not there";
    default:
        return "failed";
    }
}

/* Without a store others may hold the secret, and without events everything is
 * read. */
static struct cs_health_verdict judge(const struct cs_health_node *node,
                                      const struct cs_health_finding *finding)
{
    enum cs_health_kind kind = node->probe.target.kind;

    if (finding->late)
        return (struct cs_health_verdict){CS_HEALTH_DEGRADED, late};
    if (finding->rc == CS_OK && finding->latency > node->health->slow)
        return (struct cs_health_verdict){CS_HEALTH_DEGRADED, "slow"};
    if (finding->rc == CS_OK)
        return (struct cs_health_verdict){CS_HEALTH_HEALTHY, NULL};
    return (struct cs_health_verdict){
        kind == CS_HEALTH_STORE || kind == CS_HEALTH_FEED ? CS_HEALTH_DEGRADED
                                                          : CS_HEALTH_UNHEALTHY,
        reason(finding->rc)};
}

static void keep_sentence(struct cs_health_node *node,
                          const struct cs_health_finding *finding)
{
    free(node->sentence);
    node->sentence = NULL;
    if (finding->rc != CS_OK)
        node->sentence = cs_memory_text(finding->error.text);
}

static void keep(struct cs_health_node *node, struct cs_health_finding *finding)
{
    struct cs_health *health = node->health;
    enum cs_health_kind kind = node->probe.target.kind;

    node->known = true;
    node->found = judge(node, finding);
    node->failed = finding->rc != CS_OK || finding->late;
    node->landed = cs_clock_steady();
    node->latency = finding->latency;
    keep_sentence(node, finding);
    if (node->failed) {
        cs_registry_clear(&finding->registry);
        return;
    }
    health->success[kind] = cs_clock_now();
    if (kind == CS_HEALTH_SESSION) {
        cs_registry_clear(&health->registry);
        health->registry = finding->registry;
    }
}

/* ---- Looks --------------------------------------------------------------- */

static void land(struct cs_health_node *node)
{
    cs_gate_lock(&node->health->gate);
    node->stage = CS_HEALTH_LANDED;
    cs_gate_changed(&node->health->gate);
    cs_gate_unlock(&node->health->gate);
}

struct errand {
    struct cs_health_node *node;
    int64_t slow;
};

static void *look(void *arg)
{
    struct errand errand = *(struct errand *)arg;
    struct cs_health_node *node = errand.node;

    free(arg);
    cs_health_probe_look(&node->probe, node->health->generations, node->cancel,
                         errand.slow, &node->finding);
    land(node);
    return NULL;
}

static void *leave(void *arg)
{
    struct cs_health_node *node = arg;

    cs_health_probe_clear(&node->probe, node->health->generations);
    land(node);
    return NULL;
}

static void begin_look(struct cs_health_node *node)
{
    struct cs_health *health = node->health;
    struct errand *errand = cs_memory_new(sizeof(*errand));

    *errand = (struct errand){node, health->slow};
    node->limit = health->period < LONGEST ? health->period : LONGEST;
    if (node->limit < health->slow)
        node->limit = health->slow;
    node->cancel = cs_cancel_new(health->cancel, node->limit);
    node->begun = cs_clock_steady();
    node->interrupted = false;
    node->stage = CS_HEALTH_UNDER_WAY;
    if (pthread_create(&node->thread, NULL, look, errand) == 0)
        return;
    free(errand);
    cs_cancel_free(node->cancel);
    node->finding = (struct cs_health_finding){.rc = CS_E_FATAL};
    cs_error_set(&node->finding.error, CS_E_FATAL,
                 "no thread could be started to look at it");
    keep(node, &node->finding);
    node->stage = CS_HEALTH_IDLE;
}

/* Also what a plugin does at its end may hang. */
static void begin_end(struct cs_health_node *node)
{
    if (pthread_create(&node->thread, NULL, leave, node) != 0)
        return; /* the next time */
    node->leaving = true;
    node->stage = CS_HEALTH_UNDER_WAY;
}

static void begin_due(struct cs_health *health)
{
    int64_t now = cs_clock_steady();

    for (struct cs_health_node *node = health->nodes; node != NULL;
         node = node->next) {
        if (node->stage != CS_HEALTH_IDLE)
            continue;
        if (!node->wanted)
            begin_end(node);
        else if (node->begun == 0 || now >= node->begun + health->period)
            begin_look(node);
    }
}

/* Those that are home: what they found is kept, or they are gone. */
static void collect(struct cs_health *health)
{
    struct cs_health_node **place = &health->nodes;

    while (*place != NULL) {
        struct cs_health_node *node = *place;

        if (node->stage != CS_HEALTH_LANDED) {
            place = &node->next;
            continue;
        }
        pthread_join(node->thread, NULL); /* it is past its last lock */
        node->stage = CS_HEALTH_IDLE;
        if (node->leaving) {
            *place = node->next;
            cs_health_plan_forget(node);
        } else {
            cs_cancel_free(node->cancel);
            keep(node, &node->finding);
            place = &node->next;
        }
    }
}

/* ---- What is shown, and told --------------------------------------------- */

static bool has_gone_on(const struct cs_health_node *node, int64_t duration)
{
    return node->stage == CS_HEALTH_UNDER_WAY && !node->leaving &&
           cs_clock_steady() > node->begun + duration;
}

static void show(struct cs_health_node *node)
{
    struct cs_health_verdict now = node->found;

    if (has_gone_on(node, node->health->slow) &&
        (!node->known || now.state < CS_HEALTH_DEGRADED))
        now = (struct cs_health_verdict){CS_HEALTH_DEGRADED, "no answer yet"};
    if (now.state != node->shown.state)
        node->since = cs_clock_now();
    node->shown = now;
}

/* Slowness comes and goes; for that nobody should be woken. */
static enum cs_health_state worth_telling(const struct cs_health_node *node)
{
    enum cs_health_state state = node->told;

    if (node->known)
        state = node->failed ? node->found.state : CS_HEALTH_HEALTHY;
    if (has_gone_on(node, node->limit) && state < CS_HEALTH_DEGRADED)
        state = CS_HEALTH_DEGRADED;
    return state;
}

/* The sentence without the section's name, which the log adds. */
static const char *own_words(const struct cs_health_node *node)
{
    size_t length = strlen(node->section);

    if (strncmp(node->sentence, node->section, length) == 0 &&
        strncmp(node->sentence + length, ": ", 2) == 0)
        return node->sentence + length + 2;
    return node->sentence;
}

static void log_change(const struct cs_health_node *node,
                       enum cs_health_state state, const char *why)
{
    const struct cs_log_context context = {.instance = node->section,
                                           .district = node->district};

    if (state == CS_HEALTH_HEALTHY)
        cs_log_write(CS_LOG_INFO, &context, "Healthy: it answers again");
    else
        cs_log_write(CS_LOG_WARN, &context, "%s: %s", cs_health_word(state),
                     node->sentence != NULL ? own_words(node) : why);
}

/* The events that are due, to be raised when the gate is open. */
static void tell(struct cs_health_node *node, json_t *events)
{
    enum cs_health_state state = worth_telling(node);
    const char *why = NULL;

    if (state == node->told)
        return;
    if (state != CS_HEALTH_HEALTHY)
        why = node->failed && node->known ? node->found.why : late;
    log_change(node, state, why);
    json_array_append_new(
        events,
        json_pack("{ss, ss, ss, ss?, ss, ss, ss?}", "event", "health_changed",
                  "dependency", node->section, "kind",
                  cs_health_show_kind(node->probe.target.kind), "district",
                  node->district, "from", cs_health_word(node->told), "to",
                  cs_health_word(state), "reason", why));
    node->told = state;
}

static void notice(struct cs_health *health, json_t *events)
{
    for (struct cs_health_node *node = health->nodes; node != NULL;
         node = node->next) {
        show(node);
        if (node->wanted)
            tell(node, events);
    }
}

static void raise_all(struct cs_health *health, json_t *events)
{
    size_t i;
    json_t *event;

    json_array_foreach(events, i, event)
    {
        if (health->watcher.changed != NULL)
            health->watcher.changed(health->watcher.arg, json_incref(event));
    }
    json_decref(events);
}

/* ---- The thread ---------------------------------------------------------- */

static void interrupt(struct cs_health *health)
{
    /* Only this thread takes nodes away, so the gate may stay open. */
    for (struct cs_health_node *node = health->nodes; node != NULL;
         node = node->next) {
        bool overdue;

        cs_gate_lock(&health->gate);
        overdue = node->stage == CS_HEALTH_UNDER_WAY && !node->leaving &&
                  !node->interrupted &&
                  (health->closing || has_gone_on(node, node->limit));
        node->interrupted = node->interrupted || overdue;
        cs_gate_unlock(&health->gate);
        if (overdue)
            cs_cancel_now(node->cancel);
    }
}

static bool has_landed(const struct cs_health *health)
{
    for (const struct cs_health_node *node = health->nodes; node != NULL;
         node = node->next)
        if (node->stage == CS_HEALTH_LANDED)
            return true;
    return false;
}

/* When there is something to do with this one; it may be long ago. */
static int64_t turn_of(const struct cs_health_node *node)
{
    if (node->stage == CS_HEALTH_IDLE)
        return node->begun + node->health->period;
    return node->begun + 1 +
           (has_gone_on(node, node->health->slow) ? node->limit
                                                  : node->health->slow);
}

/* When something is due again, whatever happens until then. */
static int64_t next_turn(const struct cs_health *health)
{
    int64_t now = cs_clock_steady(), next = now + GLANCE;

    if (health->closing && health->give_up < next)
        next = health->give_up;
    for (const struct cs_health_node *node = health->nodes; node != NULL;
         node = node->next) {
        int64_t turn = turn_of(node);

        if (node->wanted && turn > now && turn < next)
            next = turn;
    }
    return next;
}

/* The configuration in force. */
static void renew_app(struct cs_health *health)
{
    struct cs_app *old = health->app;

    health->app = cs_generations_borrow(health->generations);
    if (old != NULL)
        cs_generations_return(health->generations, old);
}

static bool is_over(const struct cs_health *health)
{
    return health->closing &&
           (health->nodes == NULL || cs_clock_steady() >= health->give_up);
}

static void *watch(void *arg)
{
    struct cs_health *health = arg;

    cs_gate_lock(&health->gate);
    while (!is_over(health)) {
        json_t *events = json_array();

        cs_gate_unlock(&health->gate);
        renew_app(health);
        cs_gate_lock(&health->gate);
        collect(health);
        cs_health_plan(health);
        begin_due(health);
        notice(health, events);
        cs_gate_unlock(&health->gate);
        interrupt(health);
        raise_all(health, events);
        cs_gate_lock(&health->gate);
        if (!has_landed(health) && !is_over(health))
            cs_gate_wait_until(&health->gate, next_turn(health));
    }
    collect(health);
    cs_gate_unlock(&health->gate);
    return NULL;
}

/* ---- Life ---------------------------------------------------------------- */

struct cs_health *cs_health_new(struct cs_generations *generations,
                                const struct cs_health_watcher *watcher)
{
    struct cs_health *health = cs_memory_new(sizeof(*health));

    health->generations = generations;
    health->watcher = *watcher;
    health->cancel = cs_cancel_new(NULL, 0);
    cs_gate_init(&health->gate);
    renew_app(health);
    cs_health_plan(health); /* so that nobody finds nothing to depend on */
    if (pthread_create(&health->thread, NULL, watch, health) != 0)
        abort(); /* without it, health would be told for ever as it is now */
    return health;
}

bool cs_health_free(struct cs_health *health, int64_t limit)
{
    if (health == NULL)
        return true;
    cs_gate_lock(&health->gate);
    health->closing = true;
    health->give_up = cs_clock_steady() + limit;
    cs_gate_changed(&health->gate);
    cs_gate_unlock(&health->gate);
    cs_cancel_now(health->cancel);
    pthread_join(health->thread, NULL);
    if (health->nodes != NULL) {
        cs_log_write(CS_LOG_ERROR, NULL,
                     "%s hangs past its deadline and is abandoned",
                     health->nodes->section);
        return false;
    }
    cs_generations_return(health->generations, health->app);
    cs_registry_clear(&health->registry);
    cs_cancel_free(health->cancel);
    cs_gate_clear(&health->gate);
    free(health);
    return true;
}
