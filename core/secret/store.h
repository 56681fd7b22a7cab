/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* The stores of the chain: credential plugins, each opened when it is first
 * asked, one instance per district, asked by one at a time. */
#ifndef CS_STORE_H
#define CS_STORE_H

#include "secret/secret.h"

struct cs_stores;

struct cs_secret {     /* what a plugin reveals while it is asked */
    char *copy;        /* cs_secrets_wipe() it; NULL: nothing */
    int64_t expires;   /* as cs_clock_now(); 0: never */
    const char *fault; /* why it is of no use, or NULL */
    bool unasked;      /* the store was away a moment ago, and left alone */
    const char *known; /* to the log: the store's last answer; or NULL */
    bool news;         /* this one differs, or is to be told in any case */
};

struct cs_stores *cs_store_new(struct cs_app *app);
void cs_store_free(struct cs_stores *stores);

/* Asks store `index` of the chain for a name, for request->whom's district;
 * logs the outcome.  CS_OK: secret->copy is there, and yours.  A store that
 * could not be reached is not asked again at once: that is CS_E_RETRY, too. */
enum cs_rc cs_store_ask(struct cs_stores *stores, size_t index,
                        const struct cs_secrets_request *request,
                        const char *name, struct cs_secret *secret,
                        struct cs_error *error);

/* Could it not be reached when it was asked last? */
bool cs_store_away(struct cs_stores *stores, size_t index);

/* One word for what asking a store came to: "found", "absent", ... */
const char *cs_store_outcome(enum cs_rc rc);

#endif
