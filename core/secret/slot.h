/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* A cached secret: what a store gave, what is to replace it, and when to ask
 * again.  Nothing here locks or waits; whoever calls holds the gate of
 * secret.c.  All times are on the steady clock. */
#ifndef CS_SLOT_H
#define CS_SLOT_H

#include "secret/store.h"
#include "config/wiring.h"

#define CS_SLOT_NEVER INT64_MAX

/* How long what is absent, refused or fixed is left alone: otherwise each
 * request would ask a far-away store again. */
#define CS_SLOT_QUIET (300 * CS_SECOND)

struct cs_loan { /* a secret that was fetched */
    struct cs_slot *slot;
    const struct cs_part *store;
    size_t index; /* of the store, in the chain */
    char *bytes;
    int64_t expires; /* CS_SLOT_NEVER: it is fixed */
    int64_t refresh; /* when to ask again */
    bool verified;
    size_t users; /* each borrower, and the slot while it holds it */
};

struct cs_flight { /* work that one asker does for all who need its result */
    bool under_way;
    unsigned long landed;
    struct cs_error result; /* of the last one */
};

/* One name, asked for one district of so many stores: the same name can mean
 * different tokens for different districts, and a plugin's own secrets come
 * from fewer stores than others'. */
struct cs_slot {
    struct cs_slot *next;
    char *name, *district; /* the key, with nstores; district "": none */
    char *prefix;          /* the district's, or NULL */
    size_t nstores;
    struct cs_loan *current; /* or NULL */
    struct cs_loan *renewed; /* waits to be verified before it replaces a
                     current one that was; or NULL */
    struct cs_flight fetch, verification;
    unsigned failures;    /* renewals that failed, in a row */
    int64_t absent;       /* known not to be there until then; 0: not known */
    int64_t *passed_over; /* each store: not asked until then */
    char *told; /* the last run that was told of the old name; or NULL */
    /* What the log knows: each store's last answer, NULL: none; and that the
       service refuses what is there. */
    const char **answers;
    bool refused;
};

struct cs_slot *cs_slot_new(const char *name, const struct cs_whom *whom,
                            size_t nstores);
void cs_slot_free(struct cs_slot *slot);

/* What came last; NULL: nothing is there. */
struct cs_loan *cs_slot_newest(const struct cs_slot *slot);
/* Forgets what has expired. */
void cs_slot_tidy(struct cs_slot *slot);

/* Keeps what store `index` gave, and takes secret->copy.  The same bytes again
 * are the same secret, with a longer life.  threshold: the part of its life
 * after which to ask again. */
void cs_slot_put(struct cs_slot *slot, const struct cs_part *store,
                 size_t index, const struct cs_secret *secret,
                 double threshold);
/* The newest was verified: it is the current one. */
void cs_slot_accept(struct cs_slot *slot);
/* It is of no use; false: it had been replaced before. */
bool cs_slot_drop(struct cs_slot *slot, struct cs_loan *loan);
/* What is there could not be renewed: it is left alone for a while.  True: for
 * the first time in a row. */
bool cs_slot_postpone(struct cs_slot *slot);
/* What is absent or was refused need not be left alone any longer. */
void cs_slot_ask_anew(struct cs_slot *slot);

void cs_slot_return(struct cs_loan *loan); /* one user less */

#endif
