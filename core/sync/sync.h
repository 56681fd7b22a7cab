/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* One school, one run: lock, open, decide, and a pass for each entity.
 *
 * Everything that can go wrong here is this school's alone. */
#ifndef CS_SYNC_H
#define CS_SYNC_H

#include "sync/pass.h"

#include <stdatomic.h>

struct cs_sync_options {
    const char *run; /* the run's id */
    bool full;       /* asked for */
    bool dry, show_values;
    bool verify;       /* only compare; dry */
    int64_t since;     /* SyncIds above it were begun after this run */
    int64_t lock_wait; /* for a school that another run has; microseconds */
    /* The day of the weekly full sync began then; 0: today is another day. */
    int64_t full_day;
};

struct cs_sync_entity { /* one line of the report */
    char *label;        /* "Student"; owned */
    const char *type;   /* "Full", "Incremental" */
    const char *status; /* as in the history */
    int status_code;    /* exit code that it asks for */
    bool cursor_lost;   /* its place in the feed is no longer served */
    struct cs_pass_result result;
    char message[600]; /* what failed or was held; "": nothing */
};

struct cs_sync_school {
    const struct cs_school *school;
    struct cs_sync_entity *entities;
    size_t nentities;
    int status_code;        /* of the school as a whole */
    bool busy;              /* another run had it, so nothing was done */
    char message[512];      /* why nothing was done at all; "": it was */
    int64_t started, ended; /* steady clock */
    /* For who watches: records read so far, and the part that is at work. */
    _Atomic size_t progress;
    _Atomic(const char *) busy_with;
};

/* feeds: of the run, shared by its schools. */
void cs_sync_school(struct cs_app *app, struct cs_session *session,
                    struct cs_feeds *feeds,
                    const struct cs_sync_options *options,
                    struct cs_cancel *cancel, struct cs_sync_school *result);
void cs_sync_clear(struct cs_sync_school *result);

#endif
