/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* The runs of a process that lives on: each has a thread, a session database
 * connection and a configuration of its own.  What came of the last hundred is
 * kept in memory.
 *
 * Every function may be called from any thread; none waits for a run. */
#ifndef CS_RUNS_H
#define CS_RUNS_H

#include "daemon/generations.h"
#include "sync/run.h"

#define CS_RUNS_AT_ONCE 8
#define CS_RUNS_KEPT 100

struct cs_runs;

enum cs_runs_cause { CS_RUNS_SCHEDULE, CS_RUNS_API, CS_RUNS_PAGE };

struct cs_runs_request {
    enum cs_runs_cause cause;
    const char *district, *school; /* Clever's ids, one of them or none: all */
    bool full;
    const int64_t *since; /* as in struct cs_run_request */
};

/* observer: is told what happens in every run, on the run's threads; may be
 * NULL, else copied. */
struct cs_runs *cs_runs_new(struct cs_generations *generations,
                            const struct cs_run_observer *observer);
/* When none is left, or not at all (see cs_runs_abandoned()). */
void cs_runs_free(struct cs_runs *runs); /* NULL: nothing */

/* Begins a run and gives its id; whether there is such a school or district
 * only the run finds out.  CS_E_BUSY: a run of the same or of a wider scope is
 * on, and not done with all of that (one of a narrower scope holds up nobody:
 * its schools come last).  CS_E_RETRY: CS_RUNS_AT_ONCE are on, or the process
 * is stopping. */
enum cs_rc cs_runs_start(struct cs_runs *runs,
                         const struct cs_runs_request *request,
                         char id[CS_RUN_ID], struct cs_error *error);

/* Whether it would begin now. */
enum cs_rc cs_runs_check(struct cs_runs *runs,
                         const struct cs_runs_request *request,
                         struct cs_error *error);

/* ---- What they do, and what came of them -------------------------------- */

/* {"id", "cause": "schedule|api|page", "district", "school": or null, "full",
 *  "state": "running|ended", "begun", "ended": times or null,
 *  "status": null or the word of its exit code ("ok", "partial", ...),
 *  "status_code", "message": why it could not begin, or null,
 *  "schools_total", "schools_done",
 *  "schools": [{"id", "district", "prefix", "state": "waiting|running|done",
 *    "part": what is at work, or null, "records": read so far,
 *    "status": as above, "status_code", "message": or null,
 *    "seconds", "entities": [{"entity", "type", "status", "read", "inserted",
 *      "updated", "restored", "deactivated", "deleted", "rejected", "held",
 *      "message": or null}]}]}
 * Yours; NULL: no run of that id is known. */
json_t *cs_runs_show(struct cs_runs *runs, const char *id);
/* An array of the same objects without "schools", newest first; yours. */
json_t *cs_runs_list(struct cs_runs *runs);

struct cs_runs_state {
    bool running;
    bool whole;      /* it has ended, and every school had its turn */
    int status_code; /* when it has ended */
};
bool cs_runs_state(struct cs_runs *runs, const char *id,
                   struct cs_runs_state *state); /* false: not known */
size_t cs_runs_active(struct cs_runs *runs);

/* ---- Ending -------------------------------------------------------------- */

/* No run begins any more, and none of those that are on begins another
 * school. */
void cs_runs_stop(struct cs_runs *runs);
/* Until none is on, or so many microseconds have passed: false. */
bool cs_runs_wait(struct cs_runs *runs, int64_t limit);
/* A plugin hangs in a run that is over: nothing it may use can be freed, so
 * the process has to end by _exit(). */
bool cs_runs_abandoned(struct cs_runs *runs);
/* Those who supervise runs come by as often as they should. */
bool cs_runs_alive(struct cs_runs *runs);

#endif
