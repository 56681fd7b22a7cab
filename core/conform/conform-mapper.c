/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

#include "config.h"

#include "conform/mapper-probe.h"

static const struct cs_conform_case *const topics[] = {
    cs_conform_mapper_records,
    cs_conform_mapper_fields,
    NULL,
};

/* A record that says nothing is set aside, or not for this table. */
static enum cs_rc work(struct cs_probe *probe, struct cs_instance *mapper,
                       struct cs_error *error)
{
    struct cs_value row[CS_SKETCH_CELLS] = {{.state = CS_ABSENT}};
    json_t *record = json_object();
    enum cs_rc rc;

    (void)probe;
    cs_instance_enter(mapper);
    rc = mapper->module->ops.mapper.map(&mapper->host, record, row);
    rc = cs_instance_leave(mapper, rc, error);
    json_decref(record);
    return rc;
}

const struct cs_conform_kind cs_conform_mapper = {
    .kind = CS_MAPPER,
    .most = 30 * CS_SECOND,
    .work = work,
    .topics = topics,
};
