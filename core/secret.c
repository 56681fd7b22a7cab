/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* One gate guards everything here.  A static function is called with it locked,
 * and opens it only while a plugin works and while it waits.
 *
 * A cached secret is one name, asked for one district of so many stores: the
 * same name can mean different tokens for different districts, and a plugin's
 * own secrets come from fewer stores than others'. */

#include "config.h"

#include "secret.h"

#include "app.h"
#include "gate.h"
#include "log.h"
#include "memory.h"
#include "store.h"
#include "text.h"

#include <stdlib.h>
#include <string.h>

/* How long an absent secret, or one that could not be refreshed, is left
 * alone: otherwise each request would ask a far-away store again. */
#define QUIET (300 * CS_SECOND)

/* How often one asker accepts that a token is replaced while it is verified. */
enum { VERIFICATIONS = 3 };

/* ---- The room ------------------------------------------------------------ */

/* Work that one asker does for all who need its result. */
struct flight {
    bool under_way;
    unsigned long landed;
    struct cs_error result; /* of the last one */
};

/* A secret that was fetched. */
struct cs_loan {
    struct slot *slot;
    const struct cs_part *store;
    size_t index; /* of the store, in the chain */
    char *bytes;
    int64_t expires; /* 0: never */
    int64_t refresh; /* when to look for a new one */
    bool verified;
    size_t users; /* each borrower, and the slot while it is current */
};

/* A cached secret. */
struct slot {
    struct slot *next;
    char *name, *district; /* the key, with nstores; district "": none */
    size_t nstores;
    struct cs_loan *current; /* or NULL */
    struct flight fetch, verification;
    int64_t absent;    /* known not to be there until this steady time */
    bool *passed_over; /* for each store: gave what was refused */
};

struct cs_secrets {
    struct cs_app *app;
    struct cs_stores *stores;
    struct cs_gate gate;
    struct slot *slots;
};

struct cs_secrets *cs_secrets_new(struct cs_app *app)
{
    struct cs_secrets *secrets = cs_memory_new(sizeof(*secrets));

    secrets->app = app;
    secrets->stores = cs_store_new(app);
    cs_gate_init(&secrets->gate);
    return secrets;
}

static void give_up(struct cs_loan *loan)
{
    if (--loan->users > 0)
        return;
    cs_secrets_wipe(loan->bytes);
    free(loan);
}

static void forget(struct slot *slot)
{
    if (slot->current)
        give_up(slot->current);
    slot->current = NULL;
}

void cs_secrets_free(struct cs_secrets *secrets)
{
    if (!secrets)
        return;
    cs_store_free(secrets->stores);
    while (secrets->slots) {
        struct slot *slot = secrets->slots;

        secrets->slots = slot->next;
        forget(slot);
        free(slot->name);
        free(slot->district);
        free(slot->passed_over);
        free(slot);
    }
    cs_gate_clear(&secrets->gate);
    free(secrets);
}

static enum cs_rc cancelled(const char *name, struct cs_error *error)
{
    return cs_error_set(error, CS_E_CANCELLED,
                        "the wait for the secret %s was cut short", name);
}

/* True: nobody was at it, now the caller is, and lands it.  False: somebody
 * was, and *rc and error are what came of it. */
static bool board(struct cs_secrets *secrets, const struct slot *slot,
                  struct flight *flight, struct cs_cancel *cancel,
                  enum cs_rc *rc, struct cs_error *error)
{
    unsigned long landed = flight->landed;

    if (!flight->under_way) {
        flight->under_way = true;
        return true;
    }
    while (flight->landed == landed) {
        if (!cs_gate_wait(&secrets->gate, cancel)) {
            *rc = cancelled(slot->name, error);
            return false;
        }
    }
    *rc = flight->result.rc;
    if (*rc == CS_E_CANCELLED)
        *rc = CS_OK; /* only the other asker was: this one looks again */
    if (*rc != CS_OK)
        *error = flight->result;
    return false;
}

static void land(struct cs_secrets *secrets, struct flight *flight,
                 enum cs_rc rc, const struct cs_error *error)
{
    flight->under_way = false;
    flight->landed++;
    flight->result = (struct cs_error){.rc = CS_OK};
    if (rc != CS_OK)
        flight->result = *error;
    cs_gate_changed(&secrets->gate);
}

/* ---- The chain ----------------------------------------------------------- */

/* Absent, unreachable, denied: the next store is asked, and if nobody answers
 * the worst counts.  Anything else ends the search. */
static int badness(enum cs_rc rc)
{
    switch (rc) {
    case CS_E_NOT_HERE:
        return 1;
    case CS_E_RETRY:
        return 2;
    case CS_E_AUTH:
        return 3;
    default:
        return 0;
    }
}

static void keep_worst(struct cs_error *worst, const struct cs_error *error)
{
    if (badness(error->rc) > badness(worst->rc))
        *worst = *error;
}

static void make_current(struct slot *slot, const struct cs_part *store,
                         size_t index, const struct cs_secret *secret,
                         double threshold)
{
    struct cs_loan *loan = cs_memory_new(sizeof(*loan));
    int64_t now = cs_clock_now();

    loan->slot = slot;
    loan->store = store;
    loan->index = index;
    loan->bytes = secret->copy;
    loan->expires = secret->expires;
    if (loan->expires)
        loan->refresh =
            now + (int64_t)((double)(loan->expires - now) * threshold);
    loan->users = 1;
    forget(slot);
    slot->current = loan;
}

static enum cs_rc ask_chain(struct cs_secrets *secrets, struct slot *slot,
                            const struct cs_secrets_request *request,
                            struct cs_error *error)
{
    struct cs_error worst = {.rc = CS_E_NOT_HERE};

    for (size_t i = 0; i < slot->nstores; i++) {
        struct cs_secret secret = {NULL, 0, NULL};
        enum cs_rc rc;

        if (slot->passed_over[i]) {
            cs_error_set(error, CS_E_AUTH,
                         "the service refused the secret %s of %s", slot->name,
                         secrets->app->wiring.credentials[i]->section);
            keep_worst(&worst, error);
            continue;
        }
        cs_gate_unlock(&secrets->gate);
        rc = cs_store_ask(secrets->stores, i, request, slot->name, &secret,
                          error);
        cs_gate_lock(&secrets->gate);
        if (rc == CS_OK) {
            make_current(slot, secrets->app->wiring.credentials[i], i, &secret,
                         cs_settings_decimal(secrets->app->settings, "secrets",
                                             "token_refresh_threshold"));
            return CS_OK;
        }
        cs_secrets_wipe(secret.copy);
        if (!badness(rc))
            return rc;
        if (rc != CS_E_NOT_HERE)
            keep_worst(&worst, error);
    }
    *error = worst;
    return worst.rc;
}

/* ---- The cache ----------------------------------------------------------- */

static struct slot *slot_of(struct cs_secrets *secrets, const char *name,
                            const struct cs_secrets_request *request)
{
    const char *district =
        request->whom.district_id ? request->whom.district_id : "";
    size_t nstores = request->stores < secrets->app->wiring.ncredentials
                         ? request->stores
                         : secrets->app->wiring.ncredentials;
    struct slot *slot = secrets->slots;

    while (slot && (slot->nstores != nstores || strcmp(slot->name, name) != 0 ||
                    strcmp(slot->district, district) != 0))
        slot = slot->next;
    if (slot)
        return slot;
    slot = cs_memory_new(sizeof(*slot));
    slot->name = cs_memory_text(name);
    slot->district = cs_memory_text(district);
    slot->nstores = nstores;
    slot->passed_over = cs_memory_array(nstores, sizeof(bool));
    slot->next = secrets->slots;
    secrets->slots = slot;
    return slot;
}

/* Fetches for all who wait.  As long as the old secret is good, a failure is
 * no error: it is kept, and left alone for a while. */
static enum cs_rc fetch(struct cs_secrets *secrets, struct slot *slot,
                        const struct cs_secrets_request *request,
                        struct cs_error *error)
{
    bool refreshing = slot->current;
    enum cs_rc rc = ask_chain(secrets, slot, request, error);

    if (rc == CS_E_NOT_HERE)
        slot->absent = cs_clock_steady() + QUIET;
    if (rc != CS_OK && refreshing && slot->current) {
        cs_log_write(CS_LOG_WARN, NULL,
                     "secret %s: not refreshed, the old one is used until it "
                     "expires",
                     slot->name);
        slot->current->refresh = cs_clock_now() + QUIET;
        rc = CS_OK;
    }
    land(secrets, &slot->fetch, rc, error);
    return rc;
}

/* Gives the slot's secret, fetching it where there is none.  While an asker
 * refreshes it, the others go on with the old one. */
static enum cs_rc take(struct cs_secrets *secrets, struct slot *slot,
                       const struct cs_secrets_request *request,
                       struct cs_loan **loan, struct cs_error *error)
{
    enum cs_rc rc;

    for (;;) {
        int64_t now = cs_clock_now();
        struct cs_loan *current = slot->current;

        if (current && current->expires && now >= current->expires) {
            forget(slot);
            continue;
        }
        if (current && (!current->expires || now < current->refresh ||
                        slot->fetch.under_way)) {
            current->users++;
            *loan = current;
            return CS_OK;
        }
        if (!current && cs_clock_steady() < slot->absent)
            return cs_error_set(error, CS_E_NOT_HERE, "absent");
        if (board(secrets, slot, &slot->fetch, request->cancel, &rc, error))
            rc = fetch(secrets, slot, request, error);
        if (rc != CS_OK)
            return rc;
    }
}

/* ---- Borrowing ----------------------------------------------------------- */

/* "no secret A or B in env, file" */
static enum cs_rc nobody(const struct cs_secrets *secrets, char *const *names,
                         size_t nstores, struct cs_error *error)
{
    char *asked = cs_memory_text(*names ? *names : ""), *stores = NULL;
    char *old;

    for (names += *names ? 1 : 0; *names; names++) {
        old = asked;
        asked = cs_memory_format("%s or %s", old, *names);
        free(old);
    }
    for (size_t i = 0; i < nstores; i++) {
        const char *name = secrets->app->wiring.credentials[i]->name;

        old = stores;
        stores =
            old ? cs_memory_format("%s, %s", old, name) : cs_memory_text(name);
        free(old);
    }
    cs_error_set(error, CS_E_NOT_HERE, "no secret %s in %s", asked,
                 stores ? stores : "any store, for none may be asked");
    if (error)
        error->status = CS_EXIT_SECRET;
    free(asked);
    free(stores);
    return CS_E_NOT_HERE;
}

/* The first of the names that any store holds. */
static enum cs_rc take_any(struct cs_secrets *secrets,
                           const struct cs_secrets_request *request,
                           char *const *names, struct cs_loan **loan,
                           struct cs_error *error)
{
    struct cs_error worst = {.rc = CS_E_NOT_HERE};
    size_t nstores = 0;

    for (size_t i = 0; names[i]; i++) {
        struct slot *slot = slot_of(secrets, names[i], request);
        enum cs_rc rc = take(secrets, slot, request, loan, error);

        if (!badness(rc))
            return rc; /* CS_OK among them */
        keep_worst(&worst, error);
        nstores = slot->nstores;
    }
    if (worst.rc == CS_E_NOT_HERE)
        return nobody(secrets, names, nstores, error);
    *error = worst;
    return worst.rc;
}

/* Shows the secret to the service, once for all who wait.  CS_OK may also mean
 * that it is no longer the current one: the caller looks again. */
static enum cs_rc verify(struct cs_secrets *secrets,
                         const struct cs_secrets_request *request,
                         struct cs_loan *loan, struct cs_error *error)
{
    struct slot *slot = loan->slot;
    enum cs_rc rc;

    if (!board(secrets, slot, &slot->verification, request->cancel, &rc, error))
        return rc;
    cs_gate_unlock(&secrets->gate);
    rc = request->verify(request->arg, error);
    cs_gate_lock(&secrets->gate);
    if (rc == CS_OK && slot->current == loan)
        loan->verified = true;
    land(secrets, &slot->verification, rc, error);
    return rc;
}

static enum cs_rc take_verified(struct cs_secrets *secrets,
                                const struct cs_secrets_request *request,
                                char *const *names, struct cs_loan **loan,
                                struct cs_error *error)
{
    enum cs_rc rc;

    for (int i = 0; i <= VERIFICATIONS; i++) {
        rc = take_any(secrets, request, names, loan, error);
        if (rc != CS_OK || !request->verify || (*loan)->verified)
            return rc;
        rc = verify(secrets, request, *loan, error);
        if (rc == CS_OK && (*loan)->verified)
            return rc;
        give_up(*loan);
        if (rc != CS_OK)
            return rc;
    }
    return cs_error_set(error, CS_E_AUTH,
                        "the service refuses each token for district %s "
                        "as soon as it is there",
                        request->whom.district_id);
}

enum cs_rc cs_secrets_borrow(struct cs_secrets *secrets,
                             const struct cs_secrets_request *request,
                             struct cs_loan **loan, struct cs_error *error)
{
    char **names = cs_text_words(request->names);
    struct cs_error why = {.rc = CS_OK};
    enum cs_rc rc;

    *loan = NULL;
    cs_gate_lock(&secrets->gate);
    rc = take_verified(secrets, request, names, loan, &why);
    cs_gate_unlock(&secrets->gate);
    free(names);
    if (rc != CS_OK) {
        *loan = NULL;
        if (error)
            *error = why;
    }
    return rc;
}

const char *cs_secrets_bytes(const struct cs_loan *loan)
{
    return loan->bytes;
}

const char *cs_secrets_name(const struct cs_loan *loan)
{
    return loan->slot->name;
}

const char *cs_secrets_store(const struct cs_loan *loan)
{
    return loan->store->section;
}

void cs_secrets_return(struct cs_secrets *secrets, struct cs_loan *loan)
{
    cs_gate_lock(&secrets->gate);
    give_up(loan);
    cs_gate_unlock(&secrets->gate);
}

void cs_secrets_refused(struct cs_secrets *secrets, struct cs_loan *loan)
{
    struct cs_log_context context = {
        .instance = loan->store->section,
        .district = *loan->slot->district ? loan->slot->district : NULL,
    };
    bool mine;

    cs_gate_lock(&secrets->gate);
    mine = loan->slot->current == loan; /* else it was renewed meanwhile */
    if (mine) {
        if (!loan->expires)
            loan->slot->passed_over[loan->index] = true;
        forget(loan->slot);
    }
    cs_gate_unlock(&secrets->gate);
    if (mine)
        cs_log_write(CS_LOG_WARN, &context, "secret %s: refused by the service",
                     loan->slot->name);
}
