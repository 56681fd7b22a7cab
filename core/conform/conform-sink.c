/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

#include "config.h"

#include "conform/sink-probe.h"

static const struct cs_conform_case *const topics[] = {
    cs_conform_sink_rows,   cs_conform_sink_bad,
    cs_conform_sink_values, cs_conform_sink_keys,
    cs_conform_sink_scans,  cs_conform_sink_transactions,
    cs_conform_sink_locks,  cs_conform_sink_deadlines,
    cs_conform_sink_schema, NULL,
};

/* Rows that were there before would spoil the cases, and be spoilt. */
static enum cs_rc refuse_a_used_database(struct cs_probe *probe,
                                         struct cs_error *error)
{
    struct cs_instance *sink = cs_probe_try_open(probe, 0);
    enum cs_rc rc = CS_OK;

    if (!sink) {
        *error = probe->error;
        return error->rc;
    }
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
                              probe->conform->part->section, entity->table);
    }
    cs_probe_close(probe, sink);
    return rc;
}

/* The table may be there or not. */
static enum cs_rc work(struct cs_probe *probe, struct cs_instance *sink,
                       struct cs_error *error)
{
    unsigned lengths[GROUP_COLUMNS];
    enum cs_rc rc = cs_sink_inspect(sink, &cs_probe_group, lengths, error);

    (void)probe;
    return rc == CS_E_NOT_HERE ? CS_OK : rc;
}

const struct cs_conform_kind cs_conform_sink = {
    .kind = CS_SINK,
    .most = 300 * CS_SECOND,
    .work = work,
    .topics = topics,
    .ready = refuse_a_used_database,
    .enter = cs_probe_enter_sink,
};
