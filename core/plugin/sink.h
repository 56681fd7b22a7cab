/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* Calls to a sink: each framed for its instance, each with its error. */
#ifndef CS_SINK_CALLS_H
#define CS_SINK_CALLS_H

#include "plugin/instance.h"

enum cs_rc cs_sink_inspect(struct cs_instance *sink,
                           const struct cs_entity *entity, unsigned *lengths,
                           struct cs_error *error);
enum cs_rc cs_sink_alter(struct cs_instance *sink, const struct cs_step *step,
                         cs_sql_fn *show, void *arg, struct cs_error *error);
enum cs_rc cs_sink_lock(struct cs_instance *sink, const char *name,
                        long wait_ms, struct cs_error *error);
enum cs_rc cs_sink_holds(struct cs_instance *sink, const char *name,
                         struct cs_error *error);
void cs_sink_unlock(struct cs_instance *sink, const char *name);
/* When each() stopped the scan, its own result is returned and error is as it
 * left it. */
enum cs_rc cs_sink_scan(struct cs_instance *sink,
                        const struct cs_entity *entity,
                        const struct cs_filter *filter, cs_row_fn *each,
                        void *arg, struct cs_error *error);
enum cs_rc cs_sink_begin(struct cs_instance *sink, struct cs_error *error);
enum cs_rc cs_sink_apply(struct cs_instance *sink, struct cs_batch *batch,
                         struct cs_error *error);
enum cs_rc cs_sink_commit(struct cs_instance *sink, struct cs_error *error);
void cs_sink_rollback(struct cs_instance *sink);

/* One row, one operation; CS_E_FATAL unless exactly one row changed. */
enum cs_rc cs_sink_put(struct cs_instance *sink, const struct cs_entity *entity,
                       enum cs_op op, const struct cs_value *row,
                       struct cs_error *error);

/* Some calls to a sink that belong together. */
typedef enum cs_rc cs_sink_fn(void *arg, struct cs_instance *sink,
                              struct cs_error *error);

/* After the n-th failure (from 0) in CS_E_RETRY of a sink's: waits as [retry]
 * database_* says.  False: it is not to be tried again. */
bool cs_sink_again(const struct cs_part *part,
                   const struct cs_settings *settings, struct cs_cancel *cancel,
                   unsigned n);
/* Runs `work`, and again after such a wait while it ends in CS_E_RETRY: it must
 * begin from nothing each time. */
typedef enum cs_rc cs_sink_work(void *arg, struct cs_error *error);
enum cs_rc cs_sink_repeat(const struct cs_part *part,
                          const struct cs_settings *settings,
                          struct cs_cancel *cancel, cs_sink_work *work,
                          void *arg, struct cs_error *error);

#endif
