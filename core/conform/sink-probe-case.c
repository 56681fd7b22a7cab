/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

#include "config.h"

#include "conform/sink-probe.h"

#include "base/memory.h"

#include <stdlib.h>

struct keys { /* of one table; the texts are copies */
    size_t columns, key, n;
    const struct cs_value **rows;
};

static enum cs_rc keep_key(void *arg, const struct cs_value *row)
{
    struct keys *keys = arg;
    struct cs_value *kept = cs_memory_array(keys->columns, sizeof(*kept));

    kept[keys->key].state = CS_SET;
    kept[keys->key].as.text = cs_memory_text(row[keys->key].as.text);
    keys->rows = cs_memory_grow(keys->rows, keys->n + 1, sizeof(*keys->rows));
    keys->rows[keys->n++] = kept;
    return CS_OK;
}

/* How many rows a delete affects is a case's business, and that none are left
 * is what all cases build on. */
static void empty_table(struct cs_probe *probe, const struct cs_entity *entity)
{
    struct keys keys = {.columns = entity->ncolumns,
                        .key = cs_probe_key(entity)};

    if (cs_conform_over(probe->conform))
        return;
    cs_probe_wants(
        probe, "scan",
        cs_sink_scan(probe->sink, entity, NULL, keep_key, &keys, &probe->error),
        CS_OK);
    if (keys.n > 0) {
        cs_probe_try(probe, probe->sink,
                     BATCH(CS_DELETE, entity, keys.rows, keys.n));
        cs_probe_scan(probe, probe->sink, entity, NULL, NULL, 0);
    }
    for (size_t i = 0; i < keys.n; i++) {
        free((char *)(uintptr_t)keys.rows[i][keys.key].as.text);
        free((struct cs_value *)(uintptr_t)keys.rows[i]);
    }
    free(keys.rows);
}

void cs_probe_enter_sink(struct cs_probe *probe)
{
    cs_conform_about(probe->conform, "emptying the tables before");
    probe->sink = cs_probe_open(probe, 0);
    cs_probe_alter(probe, CS_CREATE_TABLE, &cs_probe_group, 0);
    cs_probe_alter(probe, CS_CREATE_TABLE, &cs_probe_person, 0);
    empty_table(probe, &cs_probe_person);
    empty_table(probe, &cs_probe_group);
    cs_conform_about(probe->conform, "%s", "");
}
