/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* One pass and the holds of its entity: what a person approved before, what
 * the guards hold now, and what becomes of it after the commit. */
#ifndef CS_APPROVAL_H
#define CS_APPROVAL_H

#include "database/hold.h"
#include "sync/judge.h"

struct cs_approval {
    struct cs_session *session;
    const struct cs_school *school;
    const char *entity;
    const struct cs_diff *diff;
    enum cs_judge_mode mode;
    struct cs_holds holds;             /* of the school, as they were before */
    struct cs_keys may[CS_HOLD_KINDS]; /* whose leaving, change is approved */
};

/* Needs the five members above; clear it in any case. */
enum cs_rc cs_approval_load(struct cs_approval *approval,
                            struct cs_error *error);
void cs_approval_clear(struct cs_approval *approval);

/* Is this hold an approval that counts in this pass?  It waits while nobody
 * leaves at all. */
bool cs_approval_counts(const struct cs_approval *approval,
                        const struct cs_verdict *verdict,
                        const struct cs_hold *hold);
/* How many of its people leave (change) now. */
size_t cs_approval_rows(const struct cs_approval *approval,
                        const struct cs_hold *hold);

/* Before the commit, which may move on past those who left: stores what the
 * verdict holds.  A name is "" when there is nothing of that kind. */
enum cs_rc cs_approval_keep(const struct cs_approval *approval,
                            const struct cs_verdict *verdict,
                            char names[CS_HOLD_KINDS][CS_HOLD_NAME],
                            struct cs_error *error);
/* After the commit: approvals that counted are used up, and what is no longer
 * held is no longer listed. */
enum cs_rc cs_approval_settle(const struct cs_approval *approval,
                              const struct cs_verdict *verdict,
                              struct cs_error *error);

#endif
