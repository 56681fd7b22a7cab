/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* Telling others: events go to every notifier that [monitoring] names.
 *
 * Each notifier has a queue and a thread of its own, so a slow one holds up
 * neither a sync nor another one.  A queue holds so much and no more: the
 * oldest events make room, and are counted.  cleversync-plugin(7) lists the
 * events and their members. */
#ifndef CS_NOTIFY_H
#define CS_NOTIFY_H

#include "app.h"

#define CS_NOTIFY_QUEUE 1000 /* events that wait for a notifier */
#define CS_NOTIFY_BATCH 100  /* events handed over at once */
/* How long a program that ends waits for what is not yet delivered. */
#define CS_NOTIFY_FLUSH (5 * CS_SECOND)

struct cs_notify;
struct cs_session;
struct cs_run;
struct cs_sync_school;

/* Starts the threads.  The app has to live longer. */
struct cs_notify *cs_notify_new(struct cs_app *app);
/* Delivers what it can within so many microseconds.  False: a plugin hangs, so
 * the app must not be closed, and the process has to end by _exit().  NULL:
 * nothing, true. */
bool cs_notify_free(struct cs_notify *notify, int64_t limit);
/* The same, when another one takes its place: what is not yet delivered is
 * handed to the notifier of the same section there, and is only lost where
 * there is none. */
bool cs_notify_replace(struct cs_notify *notify, struct cs_notify *heir,
                       int64_t limit);

/* Waits until no event waits any more, no longer than so many microseconds;
 * sums of metrics may. */
void cs_notify_flush(struct cs_notify *notify, int64_t limit);

/* From any thread; never waits.  The event needs its member "event"; "id",
 * "time" and "level" are added.  Metrics are summed up, and delivered every
 * metric_flush_interval_seconds. */
void cs_notify_raise(struct cs_notify *notify, json_t *stolen);

/* What became of the events for the i-th notifier in the configuration's
 * order; false: there are not so many. */
struct cs_notify_state {
    const char *section; /* "notifier.webhook" */
    size_t waiting;      /* events that are not yet delivered */
    uint64_t sent, lost; /* events, since the start */
    unsigned failures;   /* deliveries that failed, in a row */
};
bool cs_notify_state(struct cs_notify *notify, size_t i,
                     struct cs_notify_state *state);

/* Sends one event, "test", through a notifier, here and now. */
enum cs_rc cs_notify_test(struct cs_app *app, const struct cs_part *part,
                          struct cs_error *error);

/* ---- Events of runs (notify-run.c) -------------------------------------- */

/* All that a school's sync gives reason for; alerts and recoveries by what the
 * history says, so that each comes once, whichever process ran.  Also writes
 * them to the log.  For a school that is done, from any thread. */
void cs_notify_school(struct cs_notify *notify, struct cs_session *session,
                      const char *run, const struct cs_sync_school *school);
/* The run as a whole, after its schools. */
void cs_notify_end(struct cs_notify *notify, const struct cs_run *run);
/* Both, for who has not listened meanwhile.  A dry run gives no reason. */
void cs_notify_run(struct cs_notify *notify, struct cs_session *session,
                   const struct cs_run *run);
/* A run that could not begin; run: its id, "" if it has none yet. */
void cs_notify_no_run(struct cs_notify *notify, const char *run,
                      const struct cs_error *error);

#endif
