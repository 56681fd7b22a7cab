/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* One pass: one entity of one school, read, compared, guarded, written. */
#ifndef CS_PASS_H
#define CS_PASS_H

#include "sync/feed.h"
#include "sync/judge.h"
#include "sync/plan.h"
#include "sync/read.h"
#include "database/session.h"
#include "database/state.h"

#include <pthread.h>

struct cs_pass {
    const struct cs_settings *settings;
    struct cs_session *session;
    const struct cs_school *school;
    const char *run;
    struct cs_cancel *cancel;
    struct cs_instance *source, *mapper, *sink;
    const struct cs_schema *schema;
    const struct cs_state *state; /* of the school's database */
    enum cs_judge_mode mode;
    bool dry, show_values;
    const struct cs_part *delta; /* by events: the feed, what was read of it, */
    const struct cs_feed *feed;  /* and how far we had come; else NULL */
    const char *feed_from;
    const char *cursor; /* to store with the rows; NULL: none */
    int64_t started;    /* the instant before the first request */
    int64_t sync_id;
    pthread_mutex_t *writing; /* held while this pass writes */
    _Atomic size_t *progress;
};

/* What came of it; counts are of what was committed (or would be, if dry). */
struct cs_pass_result {
    size_t read, inserted, updated, restored, deactivated, deleted;
    size_t rejected; /* records set aside */
    size_t held;     /* rows that a guard kept from being changed or removed */
    bool incomplete; /* only a full sync can tell about somebody */
    char message[512];   /* what was held or set aside; "": nothing */
    struct cs_plan plan; /* if dry */
};

enum cs_rc cs_pass_run(const struct cs_pass *pass,
                       struct cs_pass_result *result, struct cs_error *error);
void cs_pass_clear(struct cs_pass_result *result);

#endif
