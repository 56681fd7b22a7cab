/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* Around a case: instances opened and closed, tables emptied. */

#include "config.h"

#include "conform/probe.h"

#include "base/memory.h"

#include <stdlib.h>

#define MOST (300 * CS_SECOND) /* that a case may take */

/* ---- Instances ----------------------------------------------------------- */

static struct cs_instance *open_one(struct cs_probe *probe,
                                    struct cs_cancel *cancel)
{
    const struct cs_instance_request request = {
        .part = probe->conform->part,
        .cancel = cancel,
    };
    struct cs_instance *instance;

    cs_probe_wants(probe, "open",
                   cs_instance_open(&instance, probe->conform->app, &request,
                                    &probe->error),
                   CS_OK);
    return instance;
}

struct cs_instance *cs_probe_open(struct cs_probe *probe, int64_t limit)
{
    size_t i = 0;

    if (cs_conform_over(probe->conform))
        return NULL;
    while (probe->other[i])
        i++;
    probe->limit[i] = cs_cancel_new(probe->cancel, limit);
    probe->other[i] = open_one(probe, probe->limit[i]);
    return probe->other[i];
}

static size_t place_of(const struct cs_probe *probe,
                       const struct cs_instance *other)
{
    size_t i = 0;

    while (probe->other[i] != other)
        i++;
    return i;
}

void cs_probe_close(struct cs_probe *probe, struct cs_instance *other)
{
    if (!cs_conform_over(probe->conform)) {
        size_t i = place_of(probe, other);

        cs_instance_close(other);
        cs_cancel_free(probe->limit[i]);
        probe->other[i] = NULL;
        probe->limit[i] = NULL;
    }
}

void cs_probe_stop(struct cs_probe *probe, struct cs_instance *other)
{
    if (!cs_conform_over(probe->conform))
        cs_cancel_now(probe->limit[place_of(probe, other)]);
}

/* ---- Around a case ------------------------------------------------------- */

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

void cs_probe_enter(struct cs_probe *probe)
{
    cs_conform_about(probe->conform, "emptying the tables before");
    probe->cancel = cs_cancel_new(probe->conform->app->cancel, MOST);
    probe->sink = open_one(probe, probe->cancel);
    cs_probe_alter(probe, CS_CREATE_TABLE, &cs_probe_group, 0);
    cs_probe_alter(probe, CS_CREATE_TABLE, &cs_probe_person, 0);
    empty_table(probe, &cs_probe_person);
    empty_table(probe, &cs_probe_group);
    cs_conform_about(probe->conform, "%s", "");
}

void cs_probe_leave(struct cs_probe *probe)
{
    for (size_t i = 0; i < CS_PROBE_OTHERS; i++) {
        cs_instance_close(probe->other[i]);
        if (probe->limit[i])
            cs_cancel_free(probe->limit[i]);
        probe->other[i] = NULL;
        probe->limit[i] = NULL;
    }
    cs_instance_close(probe->sink);
    probe->sink = NULL;
    cs_cancel_free(probe->cancel);
}
