/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* What a school's database says of itself: whose it is (the stamp), and how
 * far each entity has come. */
#ifndef CS_STATE_H
#define CS_STATE_H

#include "database/schema.h"

struct cs_state_entry {
    char *entity;      /* "Student" */
    char *cursor;      /* NULL: none was to be had */
    char *run;         /* the run that wrote it */
    int64_t last_sync; /* LastSyncTimestamp; 0: a person said whose the
                          database is (stamp.h), and nothing was synced yet */
};
struct cs_state {
    char *stamp; /* Clever's id of the school; NULL: no stamp yet */
    struct cs_state_entry *entries;
    size_t n;
};

/* A database without the table has no state.  CS_E_FATAL with the exit code
 * for "needs a person" when the stamp is another school's; school_id NULL: it
 * may be anybody's. */
enum cs_rc cs_state_load(struct cs_state *state, struct cs_instance *sink,
                         const char *school_id, struct cs_error *error);
void cs_state_clear(struct cs_state *state);
const struct cs_state_entry *cs_state_find(const struct cs_state *state,
                                           const char *entity);

struct cs_state_new {
    const char *entity, *school_id, *run;
    const char *cursor; /* NULL: none */
    int64_t last_sync, sync_id;
};
/* Within the transaction that the rows are written in. */
enum cs_rc cs_state_store(const struct cs_state *state,
                          struct cs_instance *sink,
                          const struct cs_state_new *entry,
                          struct cs_error *error);

#endif
