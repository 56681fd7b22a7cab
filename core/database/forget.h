/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* Taking rows out of the session database, batch_size of them in a transaction
 * of their own, so that others get their turn in between. */
#ifndef CS_FORGET_H
#define CS_FORGET_H

#include "database/session.h"

/* Those that the filter shows; one without a key, of the system that was here
 * before, stays.  gone: how many; may be NULL. */
enum cs_rc cs_forget_rows(struct cs_session *session,
                          const struct cs_entity *entity,
                          const struct cs_filter *filter, size_t *gone,
                          struct cs_error *error);

/* What is older than retention_days: the history (cs_history_purge()), the log
 * of changes, holds that expired, records set aside that no run has met
 * since.  State is in the schools' databases and is not touched. */
enum cs_rc cs_forget_old(struct cs_session *session, struct cs_error *error);
/* The same when a run is over; a failure is none of the run's and is logged. */
void cs_forget_after_run(struct cs_session *session, const char *run);

#endif
