/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

#include "config.h"

#include "plugin/sink.h"

#include "http/http.h"
#include "metrics/counters.h"

/* A call of the plugin behind `sink`, with all that belongs around it. */
#define FRAMED(call) \
    (cs_instance_enter(sink), cs_instance_leave(sink, (call), error))

static const struct cs_sink_ops *ops(const struct cs_instance *sink)
{
    return &sink->module->ops.sink;
}

enum cs_rc cs_sink_inspect(struct cs_instance *sink,
                           const struct cs_entity *entity, unsigned *lengths,
                           struct cs_error *error)
{
    return FRAMED(ops(sink)->inspect(sink->self, entity, lengths));
}

enum cs_rc cs_sink_alter(struct cs_instance *sink, const struct cs_step *step,
                         cs_sql_fn *show, void *arg, struct cs_error *error)
{
    return FRAMED(ops(sink)->alter(sink->self, step, show, arg));
}

enum cs_rc cs_sink_lock(struct cs_instance *sink, const char *name,
                        long wait_ms, struct cs_error *error)
{
    return FRAMED(ops(sink)->lock(sink->self, name, wait_ms));
}

enum cs_rc cs_sink_holds(struct cs_instance *sink, const char *name,
                         struct cs_error *error)
{
    return FRAMED(ops(sink)->holds(sink->self, name));
}

void cs_sink_unlock(struct cs_instance *sink, const char *name)
{
    cs_instance_enter(sink);
    ops(sink)->unlock(sink->self, name);
    cs_instance_leave(sink, CS_OK, NULL);
}

/* Remembers whether it was the reader of the rows who stopped a scan. */
struct reader {
    cs_row_fn *each;
    void *arg;
    enum cs_rc rc;
};

static enum cs_rc read_row(void *arg, const struct cs_value *row)
{
    struct reader *reader = arg;

    reader->rc = reader->each(reader->arg, row);
    return reader->rc;
}

enum cs_rc cs_sink_scan(struct cs_instance *sink,
                        const struct cs_entity *entity,
                        const struct cs_filter *filter, cs_row_fn *each,
                        void *arg, struct cs_error *error)
{
    struct reader reader = {each, arg, CS_OK};
    enum cs_rc rc;

    cs_instance_enter(sink);
    rc = ops(sink)->scan(sink->self, entity, filter, read_row, &reader);
    if (reader.rc != CS_OK) {
        cs_instance_leave(sink, rc, NULL);
        return reader.rc;
    }
    return cs_instance_leave(sink, rc, error);
}

enum cs_rc cs_sink_begin(struct cs_instance *sink, struct cs_error *error)
{
    return FRAMED(ops(sink)->begin(sink->self));
}

enum cs_rc cs_sink_apply(struct cs_instance *sink, struct cs_batch *batch,
                         struct cs_error *error)
{
    batch->affected = 0;
    return FRAMED(ops(sink)->apply(sink->self, batch));
}

enum cs_rc cs_sink_commit(struct cs_instance *sink, struct cs_error *error)
{
    cs_instance_enter_undisturbed(sink);
    return cs_instance_leave(sink, ops(sink)->commit(sink->self), error);
}

void cs_sink_rollback(struct cs_instance *sink)
{
    cs_instance_enter(sink);
    ops(sink)->rollback(sink->self);
    cs_instance_leave(sink, CS_OK, NULL);
}

enum cs_rc cs_sink_put(struct cs_instance *sink, const struct cs_entity *entity,
                       enum cs_op op, const struct cs_value *row,
                       struct cs_error *error)
{
    struct cs_batch batch = {
        .size = sizeof(batch),
        .entity = entity,
        .op = op,
        .rows = &row,
        .nrows = 1,
    };
    enum cs_rc rc = cs_sink_apply(sink, &batch, error);

    if (rc != CS_OK || batch.affected == 1)
        return rc;
    return cs_error_set(
        error, CS_E_FATAL, "%s: one row of %s was to change and %zu did",
        sink->request.part->section, entity->table, batch.affected);
}

bool cs_sink_again(const struct cs_part *part,
                   const struct cs_settings *settings, struct cs_cancel *cancel,
                   unsigned n)
{
    long attempts =
        cs_settings_number(settings, "retry", "database_max_attempts");
    double base =
        cs_settings_decimal(settings, "retry", "database_backoff_base");

    if (n >= attempts || !cs_cancel_wait(cancel, cs_http_backoff(base, n)))
        return false;
    cs_counters_add(CS_COUNTER_DATABASE, part->section, NULL, 1);
    return true;
}

enum cs_rc cs_sink_repeat(const struct cs_part *part,
                          const struct cs_settings *settings,
                          struct cs_cancel *cancel, cs_sink_work *work,
                          void *arg, struct cs_error *error)
{
    enum cs_rc rc = work(arg, error);

    for (unsigned n = 0; rc == CS_E_RETRY; n++) {
        if (!cs_sink_again(part, settings, cancel, n))
            break;
        rc = work(arg, error);
    }
    if (rc == CS_E_RETRY && cs_cancel_remaining_ms(cancel) == 0)
        return cs_error_set(error, CS_E_CANCELLED,
                            "the deadline passed while the database was to be "
                            "tried again");
    return rc;
}
