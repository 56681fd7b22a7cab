/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* A run: which schools, how many at once, and what came of it all. */
#ifndef CS_RUN_H
#define CS_RUN_H

#include "sync.h"

struct cs_run_request {
    const char *district, *school; /* Clever's ids; NULL: all */
    bool full, dry, show_values;
    bool verify; /* only compare; dry */
};

struct cs_run {
    char id[40];
    struct cs_registry registry;
    struct cs_sync_school *schools; /* in the registry's order */
    size_t n;
    bool dry;
    bool abandoned;  /* a plugin hangs: do not clean up, call _exit() */
    int status_code; /* of the run */
    int64_t took;    /* microseconds */
};

/* Syncs every active school in scope; failures of schools are in their
 * results.  An error: the run could not begin. */
enum cs_rc cs_run_all(struct cs_run *run, struct cs_app *app,
                      struct cs_session *session,
                      const struct cs_run_request *request,
                      struct cs_error *error);
void cs_run_clear(struct cs_run *run);

#endif
