/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* The session database: one sink, opened once, used from every thread.
 *
 * What it holds has a room of its own each: districts and schools registry.h
 * (cs_registry_*), syncs history.h (cs_history_*), records set aside reject.h
 * (cs_reject_*).  Any sink can hold it; SQL is the sink's.
 *
 * One mutex serialises the sink.  Its transient errors are repeated here as
 * [retry] database_* says. */
#ifndef CS_SESSION_H
#define CS_SESSION_H

#include "app.h"
#include "database/registry.h"
#include "plugin/sink.h"

struct cs_session;

/* Opens the sink that [session] names; CS_E_CONFIG when none is named or when
 * its tables are not as they should be: missing, without a column, or newer
 * than this program. */
enum cs_rc cs_session_open(struct cs_session **session, struct cs_app *app,
                           struct cs_error *error);
void cs_session_close(struct cs_session *session); /* NULL: nothing */

/* The two halves of it, for who migrates in between. */
enum cs_rc cs_session_connect(struct cs_session **session, struct cs_app *app,
                              struct cs_error *error);
enum cs_rc cs_session_look(struct cs_session *session, struct cs_error *error);

/* Makes the tables that are missing (`db init`); made: how many.  CS_E_CONFIG
 * when one that is there lacks a column. */
enum cs_rc cs_session_init(struct cs_app *app, size_t *made,
                           struct cs_error *error);

/* ---- The lock of a school ---------------------------------------------- */

/* CS_E_BUSY at once when somebody else has it; the sentence says which run. */
enum cs_rc cs_session_lock(struct cs_session *session,
                           const struct cs_school *school,
                           struct cs_error *error);
/* Both ask once, for who repeats them with what the lock is about.  holds():
 * other than CS_OK it may be lost; relock(): gives it up and takes it anew, so
 * somebody may have had it in between. */
enum cs_rc cs_session_holds(struct cs_session *session,
                            const struct cs_school *school,
                            struct cs_error *error);
enum cs_rc cs_session_relock(struct cs_session *session,
                             const struct cs_school *school,
                             struct cs_error *error);
void cs_session_unlock(struct cs_session *session,
                       const struct cs_school *school);

/* ---- For the rooms on top ---------------------------------------------- */

typedef cs_sink_fn cs_session_fn;

/* Runs `work` with the sink to itself, and again from its start, after a
 * pause, while it ends in CS_E_RETRY: it must begin from nothing each time. */
enum cs_rc cs_session_use(struct cs_session *session, cs_session_fn *work,
                          void *arg, struct cs_error *error);
/* The same within one transaction, committed when `work` gives CS_OK and
 * rolled back otherwise. */
enum cs_rc cs_session_change(struct cs_session *session, cs_session_fn *work,
                             void *arg, struct cs_error *error);

const struct cs_settings *cs_session_settings(const struct cs_session *);

#endif
