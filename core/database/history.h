/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* The history of every sync: a row for each school, entity and run. */
#ifndef CS_HISTORY_H
#define CS_HISTORY_H

#include "base/error.h"

struct cs_session;

#define CS_HISTORY_IN_PROGRESS "InProgress"
#define CS_HISTORY_SUCCESS "Success"
#define CS_HISTORY_PARTIAL "Partial"
#define CS_HISTORY_FAILED "Failed"
/* The message of a row that a later run had to close. */
#define CS_HISTORY_DIED "the process that ran this sync ended in the middle"
/* In the place of an entity: rows that say from where events will count. */
#define CS_HISTORY_BASELINE "Baseline"
#define CS_HISTORY_EVENT "Event"

struct cs_history {
    int64_t id; /* SyncId; 0 until read back */
    int64_t school;
    const char *key; /* run/school/entity: our own handle, unique */
    const char *run, *entity, *type, *status; /* "Student", "Full", ... */
    int64_t start, end;                       /* microseconds; end 0: not yet */
    int64_t processed, updated, inserted, deleted, failed;
    const char *message;    /* ErrorMessage, or NULL */
    int64_t last_sync;      /* LastSyncTimestamp; 0: NULL */
    const char *last_event; /* LastEventId, or NULL */
};

/* Inserts the row and sets its id. */
enum cs_rc cs_history_begin(struct cs_session *session, struct cs_history *row,
                            struct cs_error *error);
/* Several at once, all or none. */
enum cs_rc cs_history_begin_all(struct cs_session *session,
                                struct cs_history *const *rows, size_t n,
                                struct cs_error *error);
/* Stores the row as it is now; found by its key. */
enum cs_rc cs_history_end(struct cs_session *session,
                          const struct cs_history *row, struct cs_error *error);

/* Closes what a dead run left InProgress for this school, as Failed.  Only for
 * who holds the school's lock; rows of `run` itself are left alone. */
enum cs_rc cs_history_sweep(struct cs_session *session, int64_t school,
                            const char *run, size_t *closed,
                            struct cs_error *error);

/* Newest first; school 0: all; at most `most`, 0: all.  Strings die with the
 * call.  each() runs after the rows were read, so it may use the session. */
typedef enum cs_rc cs_history_fn(void *arg, const struct cs_history *row);
enum cs_rc cs_history_each(struct cs_session *session, int64_t school,
                           size_t most, cs_history_fn *each, void *arg,
                           struct cs_error *error);

/* Adds to an error that says "busy" which run has this school, and since when,
 * when the history knows. */
void cs_history_blame(struct cs_session *session, int64_t school,
                      struct cs_error *error);

/* Deletes closed rows older than retention_days, but never the newest closed
 * row of a school and entity; batch_size of them in a transaction. */
enum cs_rc cs_history_purge(struct cs_session *session, struct cs_error *error);

#endif
