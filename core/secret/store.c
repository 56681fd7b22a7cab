/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

#include "config.h"

#include "secret/store.h"

#include "app.h"
#include "metrics/counters.h"
#include "base/gate.h"
#include "plugin/instance.h"
#include "base/log.h"
#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

/* A store that could not be reached is left alone for a while, so that not each
 * secret waits for it: the first time for so long, then twice as long each
 * time.  A brief outage is soon over; a long one costs little. */
#define FIRST_REST (5 * CS_SECOND)
#define LONGEST_REST (60 * CS_SECOND)

/* How long it may take to show that it is back. */
#define PATIENCE (5 * CS_SECOND)

/* A credential plugin, open for one district. */
struct holder {
    struct holder *next;
    const struct cs_part *store;
    char *district, *prefix; /* "" and NULL: for none */
    struct cs_instance *instance;
    bool busy;
    int64_t rest;  /* how long it is left alone; 0: it can be reached */
    int64_t until; /* ... and until when */
};

struct cs_stores {
    struct cs_app *app;
    struct cs_gate gate;
    struct holder *holders; /* under the gate */
};

/* A count that first appears as 1 has not risen, for who watches it. */
static void begin_counts(const struct cs_app *app)
{
    static const enum cs_rc answers[] = {CS_OK, CS_E_NOT_HERE, CS_E_AUTH,
                                         CS_E_RETRY, CS_E_FATAL};

    for (size_t i = 0; i < app->wiring.ncredentials; i++)
        for (size_t k = 0; k < sizeof(answers) / sizeof(answers[0]); k++)
            cs_counters_add(CS_COUNTER_SECRETS,
                            app->wiring.credentials[i]->section,
                            cs_store_outcome(answers[k]), 0);
}

struct cs_stores *cs_store_new(struct cs_app *app)
{
    struct cs_stores *stores = cs_memory_new(sizeof(*stores));

    stores->app = app;
    cs_gate_init(&stores->gate);
    begin_counts(app);
    return stores;
}

void cs_store_free(struct cs_stores *stores)
{
    while (stores->holders) {
        struct holder *holder = stores->holders;

        stores->holders = holder->next;
        cs_instance_close(holder->instance);
        free(holder->district);
        free(holder->prefix);
        free(holder);
    }
    cs_gate_clear(&stores->gate);
    free(stores);
}

enum cs_rc cs_secrets_reveal(struct cs_secret *secret, const void *bytes,
                             size_t size, int64_t expires)
{
    secret->fault = NULL;
    if (size == 0)
        secret->fault = "is empty";
    else if (size > CS_SECRET_SIZE)
        secret->fault = "is longer than 64 KiB";
    else if (memchr(bytes, '\0', size))
        secret->fault = "holds a zero byte";
    if (secret->fault)
        return CS_E_CONFIG;
    cs_secrets_wipe(secret->copy);
    secret->copy = cs_secrets_copy(bytes, size);
    secret->expires = expires;
    if (!secret->copy)
        secret->fault = "does not fit into the memory for secrets";
    return secret->copy ? CS_OK : CS_E_FATAL;
}

/* ---- One store ----------------------------------------------------------- */

static struct holder *holder_of(struct cs_stores *stores,
                                const struct cs_part *store,
                                const struct cs_whom *whom)
{
    const char *district = whom->district_id ? whom->district_id : "";
    struct holder *holder = stores->holders;

    while (holder &&
           (holder->store != store || strcmp(holder->district, district) != 0))
        holder = holder->next;
    if (holder)
        return holder;
    holder = cs_memory_new(sizeof(*holder));
    holder->store = store;
    holder->district = cs_memory_text(district);
    holder->prefix = cs_memory_text(whom->district_prefix);
    holder->next = stores->holders;
    stores->holders = holder;
    return holder;
}

/* By the one who made the holder busy. */
static enum cs_rc call(struct cs_stores *stores, struct holder *holder,
                       size_t index, const struct cs_secrets_request *request,
                       const char *name, struct cs_secret *secret,
                       struct cs_error *error)
{
    const struct cs_instance_request opening = {
        .part = holder->store,
        .whom = {.district_id = *holder->district ? holder->district : NULL,
                 .district_prefix = holder->prefix},
        .cancel = request->cancel,
        .stores = index,
        .quiet = request->quiet,
    };
    struct cs_instance *instance;
    enum cs_rc rc = CS_OK;

    if (!holder->instance)
        rc = cs_instance_open(&holder->instance, stores->app, &opening, error);
    if (rc != CS_OK)
        return rc;
    instance = holder->instance;
    instance->request.cancel = request->cancel; /* the asker's own deadline */
    instance->request.quiet = request->quiet;
    cs_instance_enter(instance);
    rc = instance->module->ops.credential.fetch(instance->self, name, secret);
    /* A plugin whose own secret could not be had is not told why. */
    if (rc == CS_E_NOT_HERE && instance->error.rc != CS_OK)
        rc = instance->error.rc;
    if (secret->fault) {
        rc = CS_E_CONFIG;
        cs_error_set(&instance->error, rc, "the secret %s %s", name,
                     secret->fault);
    }
    rc = cs_instance_leave(instance, rc, error);
    instance->request.cancel = NULL;
    if (rc == CS_OK && !secret->copy)
        rc = cs_error_set(error, CS_E_FATAL,
                          "%s: the plugin revealed nothing for %s",
                          holder->store->section, name);
    return rc;
}

const char *cs_store_outcome(enum cs_rc rc)
{
    switch (rc) {
    case CS_OK:
        return "found";
    case CS_E_NOT_HERE:
        return "absent";
    case CS_E_AUTH:
        return "denied";
    case CS_E_RETRY:
        return "unreachable";
    default:
        return "failed";
    }
}

/* The record of who read what.  Looking in vain is no reading, but a service
 * was told the name. */
static void log_outcome(const struct holder *holder,
                        const struct cs_secrets_request *request,
                        const char *name, enum cs_rc rc,
                        struct cs_secret *secret)
{
    const struct cs_whom *whom = &request->whom;
    const char *answer = cs_store_outcome(rc);
    struct cs_log_context context = {
        .instance = holder->store->section,
        .run = whom->run,
        .district = whom->district_id,
        .school = whom->school_id,
    };
    bool told = holder->instance && holder->instance->reply;

    secret->news =
        !request->quiet || !secret->known || strcmp(secret->known, answer) != 0;
    secret->known = answer;
    cs_log_write(secret->news && (rc != CS_E_NOT_HERE || told) ? CS_LOG_INFO
                                                               : CS_LOG_DEBUG,
                 &context, "secret %s: %s", name, answer);
}

/* ---- Stores that are away ------------------------------------------------ */

/* With the gate locked: whether it could not be reached for some district,
 * which may concern all of them or not. */
static bool is_doubted(const struct cs_stores *stores,
                       const struct cs_part *store)
{
    const struct holder *holder = stores->holders;

    while (holder && (holder->store != store || holder->rest == 0))
        holder = holder->next;
    return holder;
}

static void trust(struct cs_stores *stores, const struct cs_part *store)
{
    for (struct holder *holder = stores->holders; holder; holder = holder->next)
        if (holder->store == store)
            holder->rest = holder->until = 0;
}

/* One that lives on secrets of other stores is never left alone: its trouble
 * may be theirs, or that of a single name. */
static bool is_dependent(const struct cs_part *store)
{
    const struct cs_option *option = store->module->plugin.options;

    while (option && option->name && (option->type & 0xff) != CS_OPT_SECRET)
        option++;
    return option && option->name;
}

static void let_rest(struct holder *holder)
{
    holder->rest = holder->rest > 0 ? 2 * holder->rest : FIRST_REST;
    if (holder->rest > LONGEST_REST)
        holder->rest = LONGEST_REST;
    holder->until = cs_clock_steady() + holder->rest;
}

/* A store that cannot be reached makes the program poorer, not wrong. */
static void note_reach(struct cs_stores *stores, struct holder *holder,
                       enum cs_rc rc)
{
    struct cs_log_context context = {.instance = holder->store->section};
    bool doubted = is_doubted(stores, holder->store);

    if (rc == CS_E_CANCELLED || is_dependent(holder->store))
        return; /* who knows */
    if (rc == CS_E_RETRY)
        let_rest(holder);
    else
        trust(stores, holder->store);
    if (rc == CS_E_RETRY && !doubted)
        cs_log_write(CS_LOG_WARN, &context,
                     "Degraded: it gives no secrets for now; it is asked again "
                     "now and then, briefly");
    if (rc != CS_E_RETRY && doubted)
        cs_log_write(CS_LOG_INFO, &context, "Healthy: it answers again");
}

/* Asks one that was away, and does not wait for long. */
static enum cs_rc call_briefly(struct cs_stores *stores, struct holder *holder,
                               size_t index,
                               const struct cs_secrets_request *request,
                               const char *name, struct cs_secret *secret,
                               struct cs_error *error)
{
    struct cs_secrets_request brief = *request;
    enum cs_rc rc;

    brief.cancel = cs_cancel_new(request->cancel, PATIENCE);
    rc = call(stores, holder, index, &brief, name, secret, error);
    if (rc == CS_E_CANCELLED && cs_cancel_remaining_ms(request->cancel) > 0)
        rc = cs_error_set(error, CS_E_RETRY, "%s: it is still away",
                          holder->store->section);
    cs_cancel_free(brief.cancel);
    return rc;
}

bool cs_store_away(struct cs_stores *stores, size_t index)
{
    bool away;

    cs_gate_lock(&stores->gate);
    away = is_doubted(stores, stores->app->wiring.credentials[index]);
    cs_gate_unlock(&stores->gate);
    return away;
}

/* ---- Asking -------------------------------------------------------------- */

/* With the gate locked.  CS_OK: the holder is the caller's. */
static enum cs_rc get_holder(struct cs_stores *stores, struct holder *holder,
                             struct cs_cancel *cancel, struct cs_secret *secret,
                             struct cs_error *error)
{
    const char *section = holder->store->section;

    while (holder->busy && cs_gate_wait(&stores->gate, cancel))
        ;
    if (holder->busy)
        return cs_error_set(error, CS_E_CANCELLED,
                            "the wait for %s was cut short", section);
    secret->unasked = cs_clock_steady() < holder->until;
    if (secret->unasked)
        return cs_error_set(error, CS_E_RETRY,
                            "%s could not be reached a moment ago", section);
    holder->busy = true;
    return CS_OK;
}

enum cs_rc cs_store_ask(struct cs_stores *stores, size_t index,
                        const struct cs_secrets_request *request,
                        const char *name, struct cs_secret *secret,
                        struct cs_error *error)
{
    const struct cs_part *store = stores->app->wiring.credentials[index];
    struct holder *holder;
    bool doubted;
    enum cs_rc rc;

    cs_gate_lock(&stores->gate);
    holder = holder_of(stores, store, &request->whom);
    rc = get_holder(stores, holder, request->cancel, secret, error);
    doubted = is_doubted(stores, store);
    cs_gate_unlock(&stores->gate);
    if (rc != CS_OK)
        return rc;

    rc = (doubted ? call_briefly : call)(stores, holder, index, request, name,
                                         secret, error);
    log_outcome(holder, request, name, rc, secret);
    cs_counters_add(CS_COUNTER_SECRETS, store->section, cs_store_outcome(rc),
                    1);
    cs_gate_lock(&stores->gate);
    note_reach(stores, holder, rc);
    holder->busy = false;
    cs_gate_changed(&stores->gate);
    cs_gate_unlock(&stores->gate);
    return rc;
}
