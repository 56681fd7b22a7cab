/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* One gate guards everything here.  A static function is called with it locked,
 * and opens it only while a plugin works and while it waits. */

#include "config.h"

#include "secret/secret.h"

#include "app.h"
#include "base/gate.h"
#include "base/log.h"
#include "base/memory.h"
#include "secret/slot.h"
#include "base/text.h"

#include <stdlib.h>
#include <string.h>

/* The longest that one renewal in the background takes: others wait for it.
 * Longer than the update of a virtual machine's metadata, of 70 seconds, which
 * keyvault sees through. */
#define RENEWAL (120 * CS_SECOND)

/* How often one asker accepts that a token is replaced while it is verified. */
enum { VERIFICATIONS = 3 };

/* ---- The room ------------------------------------------------------------ */

struct cs_secrets {
    struct cs_app *app;
    struct cs_stores *stores;
    struct cs_gate gate;
    struct cs_slot *slots;
    pthread_t renewer; /* once a secret that expires is there */
    bool renewing, closing;
    struct cs_cancel *cancel; /* of what the renewer does */
};

struct cs_secrets *cs_secrets_new(struct cs_app *app)
{
    struct cs_secrets *secrets = cs_memory_new(sizeof(*secrets));

    secrets->app = app;
    secrets->stores = cs_store_new(app);
    cs_gate_init(&secrets->gate);
    secrets->cancel = cs_cancel_new(app->cancel, 0);
    return secrets;
}

static void stop_renewer(struct cs_secrets *secrets)
{
    bool running;

    cs_gate_lock(&secrets->gate);
    running = secrets->renewing;
    secrets->closing = true;
    cs_gate_changed(&secrets->gate);
    cs_gate_unlock(&secrets->gate);
    cs_cancel_now(secrets->cancel);
    if (running)
        pthread_join(secrets->renewer, NULL);
}

void cs_secrets_free(struct cs_secrets *secrets)
{
    if (!secrets)
        return;
    stop_renewer(secrets);
    cs_store_free(secrets->stores);
    while (secrets->slots) {
        struct cs_slot *slot = secrets->slots;

        secrets->slots = slot->next;
        cs_slot_free(slot);
    }
    cs_cancel_free(secrets->cancel);
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
static bool board(struct cs_secrets *secrets, const struct cs_slot *slot,
                  struct cs_flight *flight, struct cs_cancel *cancel,
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

static void land(struct cs_secrets *secrets, struct cs_flight *flight,
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

static void log_trouble(const struct cs_slot *slot, const struct cs_whom *whom,
                        bool news, const struct cs_error *error)
{
    struct cs_log_context context = {
        .run = whom->run,
        .district = whom->district_id,
        .school = whom->school_id,
    };

    /* In a row of failed renewals once is enough. */
    cs_log_write(news && slot->failures == 0 ? CS_LOG_WARN : CS_LOG_DEBUG,
                 &context, "secret %s: %s", slot->name, error->text);
}

bool cs_secrets_away(struct cs_secrets *secrets, size_t index)
{
    return cs_store_away(secrets->stores, index);
}

/* Store `i` of the chain, unless it gave what was refused. */
static enum cs_rc ask(struct cs_secrets *secrets, struct cs_slot *slot,
                      size_t i, const struct cs_secrets_request *request,
                      struct cs_secret *secret, struct cs_error *error)
{
    const char *section = secrets->app->wiring.credentials[i]->section;
    enum cs_rc rc;

    if (cs_clock_steady() < slot->passed_over[i])
        return cs_error_set(error, CS_E_AUTH,
                            "the service refused the secret %s of %s",
                            slot->name, section);
    secret->known = slot->answers[i];
    cs_gate_unlock(&secrets->gate);
    rc = cs_store_ask(secrets->stores, i, request, slot->name, secret, error);
    cs_gate_lock(&secrets->gate);
    slot->answers[i] = secret->known;
    if (rc == CS_OK && secret->expires && secret->expires <= cs_clock_now())
        rc = cs_error_set(error, CS_E_AUTH,
                          "%s: the secret %s had expired when it came: is this "
                          "machine's clock right?",
                          section, slot->name);
    if (rc == CS_E_AUTH || (rc == CS_E_RETRY && !secret->unasked))
        log_trouble(slot, &request->whom, secret->news, error);
    return rc;
}

/* Asks store `i` and keeps what it gives. */
static enum cs_rc ask_and_keep(struct cs_secrets *secrets, struct cs_slot *slot,
                               size_t i,
                               const struct cs_secrets_request *request,
                               struct cs_error *error)
{
    struct cs_secret secret = {.copy = NULL};
    enum cs_rc rc = ask(secrets, slot, i, request, &secret, error);

    if (rc == CS_OK)
        cs_slot_put(slot, secrets->app->wiring.credentials[i], i, &secret,
                    cs_settings_decimal(secrets->app->settings, "secrets",
                                        "token_refresh_threshold"));
    else
        cs_secrets_wipe(secret.copy);
    return rc;
}

static enum cs_rc ask_chain(struct cs_secrets *secrets, struct cs_slot *slot,
                            const struct cs_secrets_request *request,
                            struct cs_error *error)
{
    struct cs_error worst = {.rc = CS_E_NOT_HERE};

    for (size_t i = 0; i < slot->nstores; i++) {
        enum cs_rc rc = ask_and_keep(secrets, slot, i, request, error);

        if (!badness(rc))
            return rc; /* CS_OK among them */
        if (rc != CS_E_NOT_HERE)
            keep_worst(&worst, error);
    }
    *error = worst;
    return worst.rc;
}

/* ---- Fetching ------------------------------------------------------------ */

static void start_renewer(struct cs_secrets *secrets);

/* What is there is still good, and is not what was hoped for. */
static void postpone(struct cs_secrets *secrets, struct cs_slot *slot,
                     const struct cs_error *why)
{
    const struct cs_log_context context = {
        .district = *slot->district ? slot->district : NULL};
    bool first = cs_slot_postpone(slot);

    if (cs_cancel_remaining_ms(secrets->cancel) == 0)
        return; /* the program ends */
    cs_log_write(first ? CS_LOG_WARN : CS_LOG_DEBUG, &context,
                 "secret %s: not renewed, the old one is used as long as it "
                 "is good: %s",
                 slot->name,
                 why->text[0] ? why->text : "no store holds it any more");
}

/* Nothing is there; whether that lasts.  An outage does not make of what was
 * absent something to wait for. */
static enum cs_rc note_absence(struct cs_slot *slot, enum cs_rc rc,
                               struct cs_error *error)
{
    bool known = slot->absent != 0;

    if (rc != CS_E_NOT_HERE && !(known && rc == CS_E_RETRY))
        return rc;
    slot->absent = cs_clock_steady() + CS_SLOT_QUIET;
    return cs_error_set(error, CS_E_NOT_HERE, "absent");
}

/* Fetches for all who wait, by the one who is at it.  As long as the old secret
 * is good, a failure is no error. */
static enum cs_rc fetch(struct cs_secrets *secrets, struct cs_slot *slot,
                        const struct cs_secrets_request *request,
                        struct cs_error *error)
{
    enum cs_rc rc = ask_chain(secrets, slot, request, error);

    if (rc != CS_OK && cs_slot_newest(slot)) {
        postpone(secrets, slot, error);
        rc = CS_OK;
    } else if (rc != CS_OK) {
        rc = note_absence(slot, rc, error);
    }
    land(secrets, &slot->fetch, rc, error);
    start_renewer(secrets);
    return rc;
}

/* ---- In the background --------------------------------------------------- */

/* The one to be renewed next, if any.  Those that are fixed are asked for again
 * only by who needs them. */
static struct cs_slot *next_due(const struct cs_secrets *secrets)
{
    struct cs_slot *next = NULL;

    for (struct cs_slot *slot = secrets->slots; slot; slot = slot->next) {
        const struct cs_loan *loan;

        cs_slot_tidy(slot);
        loan = cs_slot_newest(slot);
        if (loan && loan->expires != CS_SLOT_NEVER && !slot->fetch.under_way &&
            (!next || loan->refresh < cs_slot_newest(next)->refresh))
            next = slot;
    }
    return next;
}

static void renew(struct cs_secrets *secrets, struct cs_slot *slot)
{
    struct cs_cancel *cancel = cs_cancel_new(secrets->cancel, RENEWAL);
    const struct cs_secrets_request request = {
        .names = slot->name,
        .whom = {.district_id = *slot->district ? slot->district : NULL,
                 .district_prefix = slot->prefix},
        .stores = slot->nstores,
        .cancel = cancel,
    };
    struct cs_error error;

    slot->fetch.under_way = true;
    fetch(secrets, slot, &request, &error);
    cs_cancel_free(cancel);
}

static void *renew_in_time(void *arg)
{
    struct cs_secrets *secrets = arg;

    cs_gate_lock(&secrets->gate);
    while (!secrets->closing) {
        struct cs_slot *slot = next_due(secrets);
        int64_t due = slot ? cs_slot_newest(slot)->refresh : CS_SLOT_NEVER;

        if (due <= cs_clock_steady())
            renew(secrets, slot);
        else
            cs_gate_wait_until(&secrets->gate, due);
    }
    cs_gate_unlock(&secrets->gate);
    return NULL;
}

static void start_renewer(struct cs_secrets *secrets)
{
    if (secrets->renewing || secrets->closing || !next_due(secrets))
        return;
    secrets->renewing =
        pthread_create(&secrets->renewer, NULL, renew_in_time, secrets) == 0;
    if (!secrets->renewing)
        cs_log_write(CS_LOG_WARN, NULL,
                     "no thread could be started: secrets are renewed when "
                     "they have expired, and not before");
}

/* ---- The cache ----------------------------------------------------------- */

static struct cs_slot *slot_of(struct cs_secrets *secrets, const char *name,
                               const struct cs_secrets_request *request)
{
    const char *district =
        request->whom.district_id ? request->whom.district_id : "";
    size_t nstores = request->stores < secrets->app->wiring.ncredentials
                         ? request->stores
                         : secrets->app->wiring.ncredentials;
    struct cs_slot *slot = secrets->slots;

    while (slot && (slot->nstores != nstores || strcmp(slot->name, name) != 0 ||
                    strcmp(slot->district, district) != 0))
        slot = slot->next;
    if (slot)
        return slot;
    slot = cs_slot_new(name, &request->whom, nstores);
    slot->next = secrets->slots;
    secrets->slots = slot;
    return slot;
}

/* Fixed, and asked for long ago: perhaps there is another now.  One asker
 * looks, the others go on with what is there. */
static bool is_stale(const struct cs_slot *slot)
{
    const struct cs_loan *loan = cs_slot_newest(slot);

    return loan->expires == CS_SLOT_NEVER && !slot->fetch.under_way &&
           cs_clock_steady() >= loan->refresh;
}

/* Gives the slot's secret, fetching it where there is none.  What waits to be
 * verified goes only to who verifies it. */
static enum cs_rc take(struct cs_secrets *secrets, struct cs_slot *slot,
                       const struct cs_secrets_request *request,
                       struct cs_loan **loan, struct cs_error *error)
{
    enum cs_rc rc;

    for (;;) {
        cs_slot_tidy(slot);
        if (slot->current && !is_stale(slot)) {
            *loan = request->verify ? slot->current : cs_slot_newest(slot);
            (*loan)->users++;
            return CS_OK;
        }
        if (!slot->current && cs_clock_steady() < slot->absent)
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
        struct cs_slot *slot = slot_of(secrets, names[i], request);
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

/* Shows the newest secret to the service, once for all who wait.  CS_OK may
 * also mean that it was replaced meanwhile: the caller looks again. */
static enum cs_rc verify(struct cs_secrets *secrets,
                         const struct cs_secrets_request *request,
                         struct cs_slot *slot, struct cs_error *error)
{
    struct cs_loan *shown;
    enum cs_rc rc;

    if (!board(secrets, slot, &slot->verification, request->cancel, &rc, error))
        return rc;
    shown = cs_slot_newest(slot);
    shown->users++;
    cs_gate_unlock(&secrets->gate);
    rc = request->verify(request->arg, error);
    cs_gate_lock(&secrets->gate);
    if (rc == CS_OK && shown == cs_slot_newest(slot)) {
        cs_slot_accept(slot);
    } else if (rc != CS_E_CANCELLED && shown == slot->renewed) {
        cs_slot_drop(slot, shown);
        postpone(secrets, slot, error);
    }
    cs_slot_return(shown);
    land(secrets, &slot->verification, rc, error);
    return rc;
}

/* As long as one that was verified is there, it is lent, whatever becomes of
 * the one that is to replace it. */
static enum cs_rc take_verified(struct cs_secrets *secrets,
                                const struct cs_secrets_request *request,
                                char *const *names, struct cs_loan **loan,
                                struct cs_error *error)
{
    for (int i = 0; i <= VERIFICATIONS; i++) {
        enum cs_rc rc = take_any(secrets, request, names, loan, error);
        struct cs_slot *slot;

        if (rc != CS_OK || !request->verify)
            return rc;
        slot = (*loan)->slot;
        if (!(*loan)->verified ||
            (slot->renewed && !slot->verification.under_way))
            rc = verify(secrets, request, slot, error);
        if ((*loan)->verified)
            return CS_OK;
        cs_slot_return(*loan);
        if (rc != CS_OK)
            return rc;
    }
    return cs_error_set(error, CS_E_AUTH,
                        "the service refuses each token for district %s "
                        "as soon as it is there",
                        request->whom.district_id);
}

/* Once for each run and name. */
static void tell_old(struct cs_secrets *secrets, const char *name,
                     const struct cs_secrets_request *request)
{
    struct cs_slot *slot = slot_of(secrets, name, request);
    const struct cs_log_context context = {
        .run = request->whom.run,
        .district = request->whom.district_id,
        .school = request->whom.school_id,
    };
    const char *run = context.run ? context.run : "";

    if (slot->told && strcmp(slot->told, run) == 0)
        return;
    free(slot->told);
    slot->told = cs_memory_text(run);
    cs_log_write(CS_LOG_WARN, &context,
                 "no store holds the secret %s; %s is used, the name that the "
                 "school had before, which is deprecated: rename the secret",
                 name, request->old_name);
}

/* That it is not there either is not worth a word. */
static enum cs_rc take_old(struct cs_secrets *secrets,
                           const struct cs_secrets_request *request,
                           const char *name, struct cs_loan **loan,
                           struct cs_error *error)
{
    char *old[] = {cs_memory_text(request->old_name), NULL};
    struct cs_error why = {.rc = CS_OK};
    enum cs_rc rc = take_verified(secrets, request, old, loan, &why);

    if (rc == CS_OK)
        tell_old(secrets, name, request);
    else if (rc != CS_E_NOT_HERE)
        *error = why;
    free(old[0]);
    return rc;
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
    if (rc == CS_E_NOT_HERE && request->old_name)
        rc = take_old(secrets, request, names[0], loan, &why);
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
    cs_slot_return(loan);
    cs_gate_unlock(&secrets->gate);
}

/* False: it was replaced meanwhile, and what is there now is not its fault.
 * *known: the log has been told that it is refused. */
static bool refuse(struct cs_secrets *secrets, struct cs_loan *loan,
                   bool *known)
{
    struct cs_slot *slot = loan->slot;
    bool pending = loan == slot->renewed;

    if (!cs_slot_drop(slot, loan))
        return false;
    if (loan->expires == CS_SLOT_NEVER)
        slot->passed_over[loan->index] = cs_clock_steady() + CS_SLOT_QUIET;
    if (pending)
        cs_slot_postpone(slot);
    *known = slot->refused;
    slot->refused = true;
    cs_gate_changed(&secrets->gate);
    return true;
}

void cs_secrets_refused(struct cs_secrets *secrets, struct cs_loan *loan,
                        bool quiet)
{
    struct cs_log_context context = {
        .instance = loan->store->section,
        .district = *loan->slot->district ? loan->slot->district : NULL,
    };
    bool mine, known = false;

    cs_gate_lock(&secrets->gate);
    mine = refuse(secrets, loan, &known);
    cs_gate_unlock(&secrets->gate);
    if (mine)
        cs_log_write(quiet && known ? CS_LOG_DEBUG : CS_LOG_WARN, &context,
                     "secret %s: refused by the service", loan->slot->name);
}

void cs_secrets_ask_anew(struct cs_secrets *secrets, const char *district)
{
    cs_gate_lock(&secrets->gate);
    for (struct cs_slot *slot = secrets->slots; slot; slot = slot->next)
        if (!district || strcmp(slot->district, district) == 0)
            cs_slot_ask_anew(slot);
    cs_gate_unlock(&secrets->gate);
}
