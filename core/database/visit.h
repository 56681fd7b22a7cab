/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* A command at work in one school's databases: each sink that pipelines write
 * the school's rows to, and changes there with the same frame as a sync's. */
#ifndef CS_VISIT_H
#define CS_VISIT_H

#include "database/session.h"

struct cs_visit {
    struct cs_app *app;
    struct cs_session *session;
    const struct cs_school *school;
    const char *run;
    const struct cs_part *part; /* the sink's section; set by the visit */
    struct cs_instance *sink;   /* open; likewise */
};

/* Each sink once; stops at the first error. */
typedef enum cs_rc cs_visit_fn(void *arg, const struct cs_visit *visit,
                               struct cs_error *error);
enum cs_rc cs_visit_sinks(const struct cs_visit *visit, cs_visit_fn *each,
                          void *arg, struct cs_error *error);

/* Runs `work` in a transaction, under the lock of who writes there, while the
 * school's own lock is still held; and again from its start, after a pause,
 * while it ends in CS_E_RETRY. */
enum cs_rc cs_visit_change(const struct cs_visit *visit, cs_sink_fn *work,
                           void *arg, struct cs_error *error);

#endif
