/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* A person's word on whose a school's database is.
 *
 * The stamp is written for every entity, without a place in the feed and
 * without a time: the next run reads everything, and removes nobody. */
#ifndef CS_STAMP_H
#define CS_STAMP_H

#include "database/visit.h"

struct cs_stamp {
    char *found;   /* the stamp that is there; NULL: none; owned */
    size_t active; /* people, in all tables */
    bool foreign;  /* it is not (or not everywhere) this school's */
};

/* Over all databases of the school.  When two carry different stamps, found is
 * one that is not this school's. */
enum cs_rc cs_stamp_look(struct cs_stamp *stamp, const struct cs_visit *visit,
                         struct cs_error *error);
void cs_stamp_clear(struct cs_stamp *stamp);

/* With the school's lock held: makes all of them this school's.  CS_E_FATAL
 * with the exit code for "needs a person" when a stamp there is neither the one
 * that was found nor this school's: somebody else was at work since. */
enum cs_rc cs_stamp_put(const struct cs_stamp *found,
                        const struct cs_visit *visit, struct cs_error *error);

#endif
