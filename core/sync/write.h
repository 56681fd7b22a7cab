/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* Writing what the comparison found: one transaction for a school and entity,
 * with the new state beside the rows, repeated from its start when the
 * database says that it may work later. */
#ifndef CS_WRITE_H
#define CS_WRITE_H

#include "database/changes.h"
#include "sync/diff.h"
#include "database/session.h"
#include "database/state.h"

enum cs_write_leavers { /* what happens to who is not in Clever */
                        CS_WRITE_KEEP,
                        CS_WRITE_DEACTIVATE,
                        CS_WRITE_DELETE, /* inactive rows, too */
};

struct cs_write {
    const struct cs_settings *settings;
    struct cs_session *session;
    const struct cs_school *school;
    struct cs_instance *sink;
    struct cs_diff *diff;
    enum cs_write_leavers leavers;
    const struct cs_keys *only; /* not NULL: of the leavers, only these */
    const struct cs_state_new *state;
    size_t most_rejects; /* more refused rows than this fail the whole */
    struct cs_cancel *cancel;
};

struct cs_write_result {
    size_t inserted, updated, restored, deactivated, deleted;
    struct cs_changes changes;      /* each of these; keys live in the diff */
    struct cs_diff_reject *rejects; /* rows that the database refused */
    size_t nrejects;
};

/* The lock in a school's own database, for the write itself. */
#define CS_WRITE_LOCK "sync"

/* All or nothing; result counts what was committed; clear it in any case. */
enum cs_rc cs_write_all(struct cs_write *write, struct cs_write_result *result,
                        struct cs_error *error);
void cs_write_clear(struct cs_write_result *result);

/* Is this a row that goes, by the two members of struct cs_write? */
bool cs_write_goes(const struct cs_keys_entry *entry,
                   enum cs_write_leavers leavers, const struct cs_keys *only);

#endif
