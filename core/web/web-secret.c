/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

#include "config.h"

#include "web/web-secret.h"

#include "base/digest.h"
#include "base/log.h"
#include "base/memory.h"
#include "secret/password.h"
#include "web/web-worker.h"

#include <openssl/crypto.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* How long a request waits for the stores. */
#define PATIENCE CS_SECOND
#define PATIENCE_PASSWORD (5 * CS_SECOND)
/* How long a fetch may take that nobody waits for. */
#define FETCH (30 * CS_SECOND)
/* A key that is older is fetched anew while the old one still counts, and one
 * that is much older before it counts.  One that does not fit was perhaps
 * changed, if it is not quite new. */
#define FRESH (60 * CS_SECOND)
#define STALE (300 * CS_SECOND)
#define NEW (10 * CS_SECOND)

struct cs_web_secret {
    struct cs_generations *generations;
    struct cs_web_worker *worker;
    pthread_mutex_t mutex;  /* around all below */
    char digest[CS_DIGEST]; /* of the API key; "": none is known */
    int64_t at;             /* when it was fetched; 0: never */
    int64_t since;          /* when the fetch that is on began; 0: none is */
};

/* ---- Fetching, on the worker -------------------------------------------- */

typedef enum cs_rc use_fn(void *arg, const char *bytes, struct cs_error *error);

static enum cs_rc borrow(const struct cs_app *app, const char *name,
                         use_fn *use, void *arg, struct cs_error *error)
{
    char *whole = cs_memory_format(
        "%s--%s",
        cs_settings_text(app->settings, "cleversync", "secret_prefix"), name);
    struct cs_cancel *cancel = cs_cancel_new(app->cancel, FETCH);
    const struct cs_secrets_request request = {
        .names = whole,
        .stores = app->wiring.ncredentials,
        .cancel = cancel,
    };
    struct cs_loan *loan;
    enum cs_rc rc = cs_secrets_borrow(app->secrets, &request, &loan, error);

    if (rc == CS_OK) {
        rc = use(arg, cs_secrets_bytes(loan), error);
        cs_secrets_return(app->secrets, loan);
    }
    if (rc != CS_OK && rc != CS_E_AUTH)
        cs_log_write(CS_LOG_WARN, NULL, "nobody is let in by %s: %s", whole,
                     error->text);
    cs_cancel_free(cancel);
    free(whole);
    return rc;
}

static enum cs_rc with_secret(struct cs_generations *generations,
                              const char *name, use_fn *use, void *arg,
                              struct cs_error *error)
{
    struct cs_app *app = cs_generations_borrow(generations);
    enum cs_rc rc = borrow(app, name, use, arg, error);

    cs_generations_return(generations, app);
    return rc;
}

/* ---- The API key -------------------------------------------------------- */

static enum cs_rc digest_key(void *arg, const char *bytes,
                             struct cs_error *error)
{
    if (bytes[0] == '\0')
        return cs_error_set(error, CS_E_CONFIG, "it is empty");
    cs_digest_text(bytes, arg);
    return CS_OK;
}

static void fetch_key(void *arg)
{
    struct cs_web_secret *secret = arg;
    char digest[CS_DIGEST] = "";
    struct cs_error error = {.rc = CS_OK};
    enum cs_rc rc = with_secret(secret->generations, "Api--Key", digest_key,
                                digest, &error);

    pthread_mutex_lock(&secret->mutex);
    if (rc == CS_OK || rc == CS_E_NOT_HERE || rc == CS_E_CONFIG) {
        memcpy(secret->digest, digest, CS_DIGEST);
        secret->at = cs_clock_steady();
    }
    secret->since = 0;
    pthread_mutex_unlock(&secret->mutex);
}

static bool fits(const struct cs_web_secret *secret, const char *digest)
{
    return secret->digest[0] != '\0' &&
           CRYPTO_memcmp(secret->digest, digest, CS_DIGEST) == 0;
}

enum need { NOTHING, SOON, NOW };

/* Under the mutex: must the key be fetched?  The fetch counts as begun then. */
static enum need look(struct cs_web_secret *secret, const char *digest,
                      bool *fit)
{
    int64_t now = cs_clock_steady();
    int64_t age = secret->at != 0 ? now - secret->at : INT64_MAX;
    enum need need = NOTHING;

    *fit = fits(secret, digest);
    if (age > STALE || (!*fit && age > NEW))
        need = NOW;
    else if (age > FRESH)
        need = SOON;
    if (need == NOTHING)
        return need;
    if (secret->since != 0) /* one that has kept us waiting keeps no other */
        return need == NOW && now - secret->since < PATIENCE ? NOW : NOTHING;
    secret->since = now;
    return need;
}

static void forget_fetch(struct cs_web_secret *secret)
{
    pthread_mutex_lock(&secret->mutex);
    secret->since = 0;
    pthread_mutex_unlock(&secret->mutex);
}

enum cs_rc cs_web_secret_key(struct cs_web_secret *secret, const char *key,
                             struct cs_error *error)
{
    enum cs_web_done done = CS_WEB_DONE;
    char digest[CS_DIGEST];
    enum need need;
    bool fit, known;

    cs_digest_text(key, digest);
    pthread_mutex_lock(&secret->mutex);
    need = look(secret, digest, &fit);
    pthread_mutex_unlock(&secret->mutex);
    if (need == NOW)
        done =
            cs_web_worker_do(secret->worker, fetch_key, secret, NULL, PATIENCE);
    else if (need == SOON &&
             !cs_web_worker_post(secret->worker, fetch_key, secret, NULL))
        done = CS_WEB_LEFT;
    if (done == CS_WEB_LEFT)
        forget_fetch(secret);
    pthread_mutex_lock(&secret->mutex);
    fit = fits(secret, digest);
    known = secret->at != 0;
    pthread_mutex_unlock(&secret->mutex);
    if (fit)
        return CS_OK;
    if (!known)
        return cs_error_set(error, CS_E_RETRY,
                            "the API key cannot be had at the moment");
    return cs_error_set(error, CS_E_AUTH, "the API key is missing or wrong");
}

/* ---- The password ------------------------------------------------------- */

struct trial {
    struct cs_generations *generations;
    char *password; /* wiped at the end */
    enum cs_rc rc;
    struct cs_error error;
};

static enum cs_rc check_password(void *arg, const char *bytes,
                                 struct cs_error *error)
{
    const struct trial *trial = arg;

    return cs_password_check(bytes, trial->password, error);
}

static void try_password(void *arg)
{
    struct trial *trial = arg;

    trial->rc =
        with_secret(trial->generations, "AdminPortal--SuperAdminPassword",
                    check_password, trial, &trial->error);
}

static void free_trial(void *arg)
{
    struct trial *trial = arg;

    cs_memory_wipe(trial->password);
    free(trial);
}

enum cs_rc cs_web_secret_password(struct cs_web_secret *secret,
                                  const char *password, struct cs_error *error)
{
    struct trial *trial = cs_memory_new(sizeof(*trial));
    enum cs_web_done done;
    enum cs_rc rc = CS_E_RETRY;

    trial->generations = secret->generations;
    trial->password = cs_memory_text(password);
    done = cs_web_worker_do(secret->worker, try_password, trial, free_trial,
                            PATIENCE_PASSWORD);
    if (done == CS_WEB_DONE)
        rc = trial->rc;
    if (done != CS_WEB_LATE)
        free_trial(trial);
    if (rc == CS_OK)
        return rc;
    if (rc == CS_E_AUTH || rc == CS_E_NOT_HERE || rc == CS_E_CONFIG)
        return cs_error_set(error, CS_E_AUTH, "nobody has this password");
    return cs_error_set(error, CS_E_RETRY,
                        "the password cannot be checked at the moment");
}

/* ---- Life --------------------------------------------------------------- */

struct cs_web_secret *cs_web_secret_new(struct cs_generations *generations)
{
    struct cs_web_secret *secret = cs_memory_new(sizeof(*secret));

    secret->generations = generations;
    pthread_mutex_init(&secret->mutex, NULL);
    secret->worker = cs_web_worker_new(NULL, NULL);
    return secret;
}

void cs_web_secret_stop(struct cs_web_secret *secret)
{
    cs_web_worker_stop(secret->worker);
}

bool cs_web_secret_free(struct cs_web_secret *secret, int64_t limit)
{
    if (!cs_web_worker_free(secret->worker, limit))
        return false;
    pthread_mutex_destroy(&secret->mutex);
    free(secret);
    return true;
}
