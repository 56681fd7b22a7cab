/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* Tables of the core: those of the session database, the state beside each
 * school's rows, and the columns that the core adds to every mapped entity.
 * How they come into a database: versions.h and migrate.h. */
#ifndef CS_SCHEMA_H
#define CS_SCHEMA_H

#include "plugin/instance.h"

/* ---- A mapped entity as it is stored ----------------------------------- */

/* Columns: [0] the identity, then the mapper's in its order from `first` on,
 * then the core's.  The members are indexes into entity.columns. */
struct cs_schema {
    struct cs_entity entity;
    size_t first;  /* of the mapper's columns: 1 */
    size_t mapped; /* how many of them */
    size_t key, active, deactivated, created, updated;
    char *label; /* "Student": EntityType in the history */
};

/* The mapped entity must live as long as the schema. */
struct cs_schema *cs_schema_new(const struct cs_entity *mapped);
void cs_schema_free(struct cs_schema *schema); /* NULL: nothing */

/* "student" becomes "Student"; yours. */
char *cs_schema_label(const char *name);

/* ---- The core's own tables --------------------------------------------- */

/* Beside a school's rows, in its database: CleverSchoolId is the stamp. */
enum {
    CS_STATE_ENTITY,
    CS_STATE_SCHOOL,
    CS_STATE_CURSOR,
    CS_STATE_LAST_SYNC,
    CS_STATE_RUN,
    CS_STATE_SYNC,
    CS_STATE_COLUMNS
};
extern const struct cs_entity cs_schema_state;

enum {
    CS_DISTRICT_ID,
    CS_DISTRICT_CLEVER_ID,
    CS_DISTRICT_NAME,
    CS_DISTRICT_PREFIX,
    CS_DISTRICT_SECRET_PREFIX, /* deprecated, never written */
    CS_DISTRICT_CREATED,
    CS_DISTRICT_UPDATED,
    CS_DISTRICT_COLUMNS
};
extern const struct cs_entity cs_schema_district;

enum {
    CS_SCHOOL_ID,
    CS_SCHOOL_DISTRICT,
    CS_SCHOOL_CLEVER_ID,
    CS_SCHOOL_NAME,
    CS_SCHOOL_DATABASE,
    CS_SCHOOL_PREFIX,
    CS_SCHOOL_SECRET_NAME, /* deprecated, never written */
    CS_SCHOOL_ACTIVE,
    CS_SCHOOL_CREATED,
    CS_SCHOOL_UPDATED,
    CS_SCHOOL_REQUIRES_FULL,
    CS_SCHOOL_COLUMNS
};
extern const struct cs_entity cs_schema_school;
extern const struct cs_entity cs_schema_school_1; /* in session-1 */

enum {
    CS_HISTORY_ID,
    CS_HISTORY_SCHOOL,
    CS_HISTORY_ENTITY,
    CS_HISTORY_TYPE,
    CS_HISTORY_START,
    CS_HISTORY_END,
    CS_HISTORY_STATUS,
    CS_HISTORY_PROCESSED,
    CS_HISTORY_UPDATED,
    CS_HISTORY_ROWS_FAILED,
    CS_HISTORY_MESSAGE,
    CS_HISTORY_LAST_SYNC,
    CS_HISTORY_LAST_EVENT,
    CS_HISTORY_RUN,
    CS_HISTORY_INSERTED,
    CS_HISTORY_DELETED,
    CS_HISTORY_KEY,
    CS_HISTORY_COLUMNS
};
extern const struct cs_entity cs_schema_history;
extern const struct cs_entity cs_schema_history_1; /* in session-1 */

enum {
    CS_REJECT_KEY,
    CS_REJECT_SCHOOL,
    CS_REJECT_ENTITY,
    CS_REJECT_CLEVER_ID,
    CS_REJECT_REASON,
    CS_REJECT_RUN,
    CS_REJECT_FIRST_SEEN,
    CS_REJECT_LAST_SEEN,
    CS_REJECT_COLUMNS
};
extern const struct cs_entity cs_schema_reject;

/* What the guards held; see hold.h. */
enum {
    CS_HOLD_KEY,
    CS_HOLD_SCHOOL,
    CS_HOLD_ENTITY,
    CS_HOLD_SET, /* the kind, ':' and the SHA-256 of Keys */
    CS_HOLD_KEYS,
    CS_HOLD_ROWS,
    CS_HOLD_TOTAL,
    CS_HOLD_CREATED,
    CS_HOLD_EXPIRES,
    CS_HOLD_APPROVED,
    CS_HOLD_BY,
    CS_HOLD_USED,
    CS_HOLD_COLUMNS
};
extern const struct cs_entity cs_schema_hold;

/* What became of people's rows; see changes.h. */
enum {
    CS_CHANGES_ID,
    CS_CHANGES_KEY, /* SyncId/CleverId, or run/SchoolId/entity/CleverId; "#" and
                       a number for a key that is no Clever id */
    CS_CHANGES_SCHOOL,
    CS_CHANGES_ENTITY,
    CS_CHANGES_CLEVER_ID,
    CS_CHANGES_WHAT,
    CS_CHANGES_NAMES, /* of the columns that changed, a blank between two */
    CS_CHANGES_WHY,
    CS_CHANGES_RUN,
    CS_CHANGES_AT,
    CS_CHANGES_COLUMNS
};
extern const struct cs_entity cs_schema_changes;

/* What the schedule came to last; see schedule.h. */
enum {
    CS_SCHEDULE_KEY,
    CS_SCHEDULE_LAST_TICK,
    CS_SCHEDULE_LAST_RUN,
    CS_SCHEDULE_SINCE_SYNC,
    CS_SCHEDULE_SKIPPED,
    CS_SCHEDULE_CAUGHT_UP,
    CS_SCHEDULE_UPDATED,
    CS_SCHEDULE_COLUMNS
};
extern const struct cs_entity cs_schema_schedule;

/* Which migrations were applied; in each database. */
enum {
    CS_VERSION_NAME,
    CS_VERSION_CHECKSUM,
    CS_VERSION_AT,
    CS_VERSION_BY,
    CS_VERSION_COLUMNS
};
extern const struct cs_entity cs_schema_version;

#endif
