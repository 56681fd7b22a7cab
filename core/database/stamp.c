/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

#include "config.h"

#include "database/stamp.h"

#include "sync/cell.h"
#include "base/memory.h"
#include "database/migrate.h"
#include "plugin/sink.h"
#include "database/state.h"

#include <stdlib.h>
#include <string.h>

/* ---- Looking ------------------------------------------------------------ */

static enum cs_rc count(void *arg, const struct cs_value *row)
{
    struct cs_stamp *stamp = arg;

    stamp->active += cs_cell_flag(&row[1], true);
    return CS_OK;
}

/* Reads keys and whether they are active, nothing else. */
static enum cs_rc count_people(struct cs_stamp *stamp,
                               const struct cs_visit *visit,
                               const struct cs_pipeline *pipeline,
                               struct cs_error *error)
{
    struct cs_schema *schema =
        cs_schema_new(pipeline->mapper->module->ops.mapper.entity);
    const struct cs_column columns[] = {schema->entity.columns[schema->key],
                                        schema->entity.columns[schema->active]};
    struct cs_entity entity = schema->entity;
    enum cs_rc rc;

    entity.columns = columns;
    entity.ncolumns = 2;
    rc = cs_sink_scan(visit->sink, &entity, NULL, count, stamp, error);
    if (rc != CS_OK && rc != CS_E_NOT_HERE)
        rc = cs_migrate_explain(visit->sink, &schema->entity,
                                visit->school->clever_id, error);
    cs_schema_free(schema);
    return rc == CS_E_NOT_HERE ? CS_OK : rc;
}

static void see_stamp(struct cs_stamp *stamp, const char *found,
                      const char *school)
{
    if (found == NULL || stamp->foreign)
        return;
    free(stamp->found);
    stamp->found = cs_memory_text(found);
    stamp->foreign = strcmp(found, school) != 0;
}

static enum cs_rc look_at(void *arg, const struct cs_visit *visit,
                          struct cs_error *error)
{
    const struct cs_wiring *wiring = &visit->app->wiring;
    struct cs_stamp *stamp = arg;
    struct cs_state state;
    enum cs_rc rc = cs_state_load(&state, visit->sink, NULL, error);

    if (rc != CS_OK)
        return rc;
    see_stamp(stamp, state.stamp, visit->school->clever_id);
    cs_state_clear(&state);
    for (size_t i = 0; i < wiring->npipelines && rc == CS_OK; i++)
        if (wiring->pipelines[i].sink == visit->part)
            rc = count_people(stamp, visit, &wiring->pipelines[i], error);
    return rc;
}

enum cs_rc cs_stamp_look(struct cs_stamp *stamp, const struct cs_visit *visit,
                         struct cs_error *error)
{
    *stamp = (struct cs_stamp){0};
    return cs_visit_sinks(visit, look_at, stamp, error);
}

void cs_stamp_clear(struct cs_stamp *stamp)
{
    free(stamp->found);
    *stamp = (struct cs_stamp){0};
}

/* ---- Writing ------------------------------------------------------------ */

struct putting {
    const struct cs_stamp *found;
    const struct cs_visit *visit;
};

static enum cs_rc put_entity(const struct putting *putting,
                             const struct cs_state *state, const char *entity,
                             struct cs_instance *sink, struct cs_error *error)
{
    const struct cs_state_new new = {
        .entity = entity, .school_id = putting->visit->school->clever_id};

    return cs_state_store(state, sink, &new, error);
}

/* Is it still as it was shown? */
static enum cs_rc check(const struct putting *putting,
                        const struct cs_state *state, struct cs_error *error)
{
    const char *shown = putting->found->found;

    if (state->stamp == NULL ||
        strcmp(state->stamp, putting->visit->school->clever_id) == 0 ||
        (shown != NULL && strcmp(state->stamp, shown) == 0))
        return CS_OK;
    cs_error_set(error, CS_E_FATAL,
                 "%s: another stamp came into the database in the meantime; "
                 "nothing was written there",
                 putting->visit->part->section);
    error->status = CS_EXIT_PERSON;
    return error->rc;
}

/* The entities that pipelines write there, and those of which a state is left
 * from other pipelines. */
static enum cs_rc put_all(void *arg, struct cs_instance *sink,
                          struct cs_error *error)
{
    const struct putting *putting = arg;
    const struct cs_visit *visit = putting->visit;
    const struct cs_wiring *wiring = &visit->app->wiring;
    struct cs_state state;
    enum cs_rc rc = cs_state_load(&state, sink, NULL, error);

    if (rc == CS_OK)
        rc = check(putting, &state, error);
    for (size_t i = 0; i < state.n && rc == CS_OK; i++)
        rc = put_entity(putting, &state, state.entries[i].entity, sink, error);
    for (size_t i = 0; i < wiring->npipelines && rc == CS_OK; i++) {
        const struct cs_pipeline *pipeline = &wiring->pipelines[i];
        char *label;

        if (pipeline->sink != visit->part)
            continue;
        label =
            cs_schema_label(pipeline->mapper->module->ops.mapper.entity->name);
        if (cs_state_find(&state, label) == NULL)
            rc = put_entity(putting, &state, label, sink, error);
        free(label);
    }
    cs_state_clear(&state);
    return rc;
}

static enum cs_rc put_in(void *arg, const struct cs_visit *visit,
                         struct cs_error *error)
{
    struct putting putting = {arg, visit};
    bool made;
    enum cs_rc rc = cs_migrate_make(&cs_versions_school, CS_MIGRATE_WAIT,
                                    visit->sink, &made, error);

    return rc == CS_OK ? cs_visit_change(visit, put_all, &putting, error) : rc;
}

enum cs_rc cs_stamp_put(const struct cs_stamp *found,
                        const struct cs_visit *visit, struct cs_error *error)
{
    struct cs_stamp shown = *found;

    return cs_visit_sinks(visit, put_in, &shown, error);
}
