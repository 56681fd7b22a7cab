/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* Deleting for good who has been inactive for long.  Nobody active is touched,
 * nor anybody of whom it is not known since when. */
#ifndef CS_PURGE_H
#define CS_PURGE_H

#include "sync/keys.h"
#include "database/visit.h"

struct cs_purge_table {
    char *label;         /* "Student"; owned */
    struct cs_keys keys; /* of those who are to go */
    size_t total;        /* rows of the table, active or not */
    size_t deleted;      /* of the keys */
    size_t kept;         /* likewise: something else needs their rows */
    bool guarded;        /* more than half of the table, so they stay */
    bool done;           /* else: an error came first */
};
struct cs_purge {
    int64_t before;                /* deactivated before then */
    bool dry;                      /* only look */
    bool any;                      /* even more than half of a table */
    struct cs_purge_table *tables; /* one a pipeline; set by the call; clear */
    size_t ntables;                /* it in any case */
};

/* Looks into all tables of the school, then (with the school's lock held)
 * deletes, in one transaction for each, and logs what it deleted.  An error
 * leaves the tables as they are, from that one on; CS_E_FATAL with the exit
 * code for "needs a person" when a database is not known to be this school's.
 * A table that would lose more than half is left out, which at the end is
 * CS_E_FATAL with the exit code for "held", unless it only looks. */
enum cs_rc cs_purge_school(struct cs_purge *purge, const struct cs_visit *visit,
                           struct cs_error *error);
void cs_purge_clear(struct cs_purge *purge);

#endif
