/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

#include "config.h"

#include "conform/conform.h"

#include "conform/probe.h"

static const struct cs_probe_case *const topics[] = {
    cs_conform_sink_rows,   cs_conform_sink_bad,
    cs_conform_sink_values, cs_conform_sink_keys,
    cs_conform_sink_scans,  cs_conform_sink_transactions,
    cs_conform_sink_locks,  cs_conform_sink_deadlines,
    cs_conform_sink_schema,
};

/* Rows that were there before would spoil the cases, and be spoilt. */
static enum cs_rc refuse_a_used_database(struct cs_conform *conform,
                                         struct cs_error *error)
{
    const struct cs_instance_request request = {
        .part = conform->part,
        .cancel = conform->app->cancel,
    };
    struct cs_instance *sink;
    enum cs_rc rc = cs_instance_open(&sink, conform->app, &request, error);

    for (size_t i = 0; rc == CS_OK && cs_conform_sink_tables[i]; i++) {
        const struct cs_entity *entity = cs_conform_sink_tables[i];
        unsigned lengths[PERSON_COLUMNS];

        rc = cs_sink_inspect(sink, entity, lengths, error);
        if (rc == CS_E_NOT_HERE)
            rc = CS_OK;
        else if (rc == CS_OK)
            rc = cs_error_set(error, CS_E_CONFIG,
                              "%s: there is a table %s already: give an empty "
                              "database, one that may be thrown away",
                              conform->part->section, entity->table);
    }
    cs_instance_close(sink);
    return rc;
}

enum cs_rc cs_conform_sink(struct cs_conform *conform, struct cs_error *error)
{
    struct cs_probe probe = {.conform = conform};
    enum cs_rc rc = refuse_a_used_database(conform, error);

    for (size_t i = 0; rc == CS_OK && i < sizeof(topics) / sizeof(*topics); i++)
        for (const struct cs_probe_case *one = topics[i]; one->name; one++) {
            if (cs_cancel_remaining_ms(conform->app->cancel) == 0)
                return cs_error_set(error, CS_E_CANCELLED, "cancelled");
            cs_conform_begin(conform, one->name);
            cs_probe_enter(&probe);
            if (!cs_conform_over(conform))
                one->run(&probe);
            cs_probe_leave(&probe);
            cs_conform_end(conform);
        }
    return rc;
}
