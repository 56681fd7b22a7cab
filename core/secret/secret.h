/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* Secrets: the chain of credential plugins, a cache of what they gave, and
 * memory that is locked, kept out of core dumps and wiped (OpenSSL's secure
 * heap).
 *
 * A secret that expires is renewed by a thread of this room when that part of
 * its life is over which token_refresh_threshold says; until the new one is
 * there and verified, and when it cannot be had, the old one is lent as long as
 * it lives.  A fixed one is asked for again when it is needed and five minutes
 * have passed, so that a store may change it; if the store does not answer, the
 * old one stays. */
#ifndef CS_SECRET_H
#define CS_SECRET_H

#include "base/cancel.h"
#include "base/error.h"
#include "config/scope.h"

#define CS_SECRET_SIZE ((size_t)64 * 1024) /* most bytes of one */

struct cs_app;
struct cs_secrets;
struct cs_loan; /* a secret in use */

/* Opens nothing yet: a credential plugin is opened when first asked, one
 * instance per district. */
struct cs_secrets *cs_secrets_new(struct cs_app *app);
void cs_secrets_free(struct cs_secrets *secrets); /* NULL: nothing */

struct cs_secrets_request {
    const char *names;    /* one or several, separated by blanks; the first that
                          any store holds wins */
    const char *old_name; /* deprecated: asked for when no store holds any of
                             them; or NULL */
    struct cs_whom whom;
    size_t stores; /* ask only the first so many of the chain */
    bool quiet; /* one who looks again and again: the log is told only what it
                   does not know */
    struct cs_cancel *cancel;
    /* Before a token is first used for whom->district: shows it to the
     * service, which borrows it in turn, without `verify`; NULL: not such a
     * secret. */
    enum cs_rc (*verify)(void *arg, struct cs_error *error);
    void *arg;
};

/* CS_OK: a loan, to be given back.  CS_E_NOT_HERE: no store holds any of the
 * names (the error's exit code is that of secrets); CS_E_AUTH, CS_E_RETRY: the
 * worst that stores said; CS_E_CONFIG: what an operator has to change.  Many
 * who ask for the same secret at once share one fetch and one verification. */
enum cs_rc cs_secrets_borrow(struct cs_secrets *secrets,
                             const struct cs_secrets_request *request,
                             struct cs_loan **loan, struct cs_error *error);
const char *cs_secrets_bytes(const struct cs_loan *loan); /* NUL-terminated */
const char *cs_secrets_name(const struct cs_loan *loan);
const char *cs_secrets_store(const struct cs_loan *loan); /* "credential.env" */
void cs_secrets_return(struct cs_secrets *secrets, struct cs_loan *loan);
/* The service refused it (401): forget it.  A secret that expires is fetched
 * anew; one that does not is not taken from that store for five minutes, unless
 * somebody begins anew.  Nothing happens when it was replaced meanwhile, so
 * that many who are refused at once cause one renewal.  The loan is still to be
 * given back.  quiet: as in a request. */
void cs_secrets_refused(struct cs_secrets *secrets, struct cs_loan *loan,
                        bool quiet);

/* Somebody begins anew, and what he finds must not hang on what others met: for
 * this district (NULL: for all), what is absent or was refused is asked for
 * again as soon as it is needed. */
void cs_secrets_ask_anew(struct cs_secrets *secrets, const char *district);

/* Store `index` of the chain gave nothing when it was asked last, a moment
 * ago. */
bool cs_secrets_away(struct cs_secrets *secrets, size_t index);

/* For the host table. */
enum cs_rc cs_secrets_reveal(struct cs_secret *secret, const void *bytes,
                             size_t size, int64_t expires);

/* A copy in secure memory with a NUL behind it, wiped by cs_secrets_wipe().
 * NULL: memory is out. */
char *cs_secrets_copy(const void *bytes, size_t size);
void cs_secrets_wipe(char *copy); /* NULL: nothing */

#endif
