/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* A run: which schools, how many at once, and what came of it all. */
#ifndef CS_RUN_H
#define CS_RUN_H

#include "sync/sync.h"
#include "daemon/turns.h"

#define CS_RUN_ID 40 /* bytes of a run's id, with its NUL */

struct cs_run;

/* Who wants to know; every member may be NULL.  school() is called by the
 * threads that sync, the others by the caller's.  A school's entities are to be
 * read only from school() and ended(), the atomic members at any time between
 * begun() and the end of ended(). */
struct cs_run_observer {
    void (*begun)(void *arg, const struct cs_run *run);
    void (*tick)(void *arg); /* several times a second: it goes on */
    void (*school)(void *arg, const struct cs_run *run,
                   const struct cs_sync_school *school);
    void (*ended)(void *arg, const struct cs_run *run);
    /* It could not begin.  Only told of by runs.h. */
    void (*none)(void *arg, const char *id, const struct cs_error *error);
    void *arg;
};

struct cs_run_request {
    const char *id;                /* NULL: one is made */
    const char *district, *school; /* Clever's ids; NULL: all */
    bool full, dry, show_values;
    bool verify; /* only compare; dry */
    /* What has been synced with a SyncId above it is done; NULL: those count
     * that were begun after this run. */
    const int64_t *since;
    struct cs_turns *turns; /* max_schools_in_parallel counts for all runs that
                       share them; NULL: this run is alone */
    struct cs_cancel *enough; /* once switched, no school is begun; or NULL */
    const struct cs_run_observer *observer; /* or NULL */
};

struct cs_run {
    char id[CS_RUN_ID];
    struct cs_registry registry;
    struct cs_sync_school *schools; /* in the registry's order */
    size_t n;
    bool dry;
    bool abandoned;  /* a plugin hangs: do not clean up, call _exit() */
    int status_code; /* of the run */
    int64_t took;    /* microseconds */
};

void cs_run_make_id(char id[CS_RUN_ID]);
/* The newest SyncId there is, or 0. */
enum cs_rc cs_run_newest(struct cs_session *session, int64_t *id,
                         struct cs_error *error);

/* Syncs every active school in scope; failures of schools are in their
 * results.  An error: the run could not begin. */
enum cs_rc cs_run_all(struct cs_run *run, struct cs_app *app,
                      struct cs_session *session,
                      const struct cs_run_request *request,
                      struct cs_error *error);
void cs_run_clear(struct cs_run *run);

#endif
