/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

#include "config.h"

#include "database/purge.h"

#include "sync/cell.h"
#include "database/changes.h"
#include "base/log.h"
#include "base/memory.h"
#include "database/migrate.h"
#include "plugin/sink.h"
#include "database/state.h"

#include <stdlib.h>

/* One table at work. */
struct work {
    struct cs_purge *purge;
    const struct cs_visit *visit;
    const struct cs_schema *schema;
    struct cs_purge_table *table;
    struct cs_changes changes; /* what was deleted */
    struct cs_value *cells;    /* of a batch of rows that have only keys */
    const struct cs_value **rows;
    size_t most;
};

void cs_purge_clear(struct cs_purge *purge)
{
    for (size_t i = 0; i < purge->ntables; i++) {
        free(purge->tables[i].label);
        cs_keys_clear(&purge->tables[i].keys);
    }
    free(purge->tables);
    purge->tables = NULL;
    purge->ntables = 0;
}

/* ---- Looking ------------------------------------------------------------ */

/* Columns that are read: no name of anybody. */
enum { KEY, ACTIVE, DEACTIVATED, READ };

static enum cs_rc look_at(void *arg, const struct cs_value *row)
{
    struct work *work = arg;
    int64_t since = cs_cell_time(&row[DEACTIVATED]);
    const char *key = cs_cell_text(&row[KEY]);

    work->table->total++;
    if (key != NULL && !cs_cell_flag(&row[ACTIVE], true) && since != 0 &&
        since < work->purge->before)
        cs_keys_put(&work->table->keys, key);
    return CS_OK;
}

static enum cs_rc look(struct work *work, struct cs_instance *sink,
                       struct cs_error *error)
{
    const struct cs_schema *schema = work->schema;
    const struct cs_column columns[READ] = {
        [KEY] = schema->entity.columns[schema->key],
        [ACTIVE] = schema->entity.columns[schema->active],
        [DEACTIVATED] = schema->entity.columns[schema->deactivated]};
    struct cs_entity entity = schema->entity;
    enum cs_rc rc;

    entity.columns = columns;
    entity.ncolumns = READ;
    cs_keys_clear(&work->table->keys);
    work->table->total = 0;
    rc = cs_sink_scan(sink, &entity, NULL, look_at, work, error);
    if (rc == CS_E_NOT_HERE)
        return CS_OK;
    return rc == CS_OK
               ? rc
               : cs_migrate_explain(sink, &schema->entity,
                                    work->visit->school->clever_id, error);
}

/* Rows of which no state speaks may be another school's. */
static enum cs_rc check_stamp(struct work *work, struct cs_instance *sink,
                              struct cs_error *error)
{
    struct cs_state state;
    enum cs_rc rc =
        cs_state_load(&state, sink, work->visit->school->clever_id, error);

    if (rc == CS_OK && work->table->keys.n > 0 &&
        cs_state_find(&state, work->table->label) == NULL) {
        rc = cs_error_set(error, CS_E_FATAL,
                          "the database carries no stamp for %s, so it is not "
                          "known to be this school's: a run makes it so",
                          work->table->label);
        error->status = CS_EXIT_PERSON;
    }
    cs_state_clear(&state);
    return rc;
}

/* After a look. */
static void guard(struct work *work)
{
    struct cs_purge_table *table = work->table;

    table->guarded = !work->purge->any && table->keys.n * 2 > table->total;
}

/* ---- Deleting ----------------------------------------------------------- */

/* What is refused together is tried in halves; a row that something else in
 * the database needs stays, inactive as it is. */
static enum cs_rc delete_rows(struct work *work, const struct cs_value **rows,
                              size_t n, struct cs_instance *sink,
                              struct cs_error *error)
{
    struct cs_batch batch = {.size = sizeof(batch),
                             .entity = &work->schema->entity,
                             .op = CS_DELETE,
                             .rows = rows,
                             .nrows = n};
    enum cs_rc rc = cs_sink_apply(sink, &batch, error);

    if (rc == CS_OK) {
        for (size_t i = 0; i < n; i++)
            cs_changes_add(&work->changes, CS_CHANGES_DELETE,
                           rows[i][work->schema->key].as.text, NULL);
        return CS_OK;
    }
    if (rc != CS_E_DATA)
        return rc;
    if (n == 1) {
        work->table->kept++;
        return CS_OK;
    }
    rc = delete_rows(work, rows, n / 2, sink, error);
    return rc == CS_OK ? delete_rows(work, rows + n / 2, n - n / 2, sink, error)
                       : rc;
}

static enum cs_rc delete_all(struct work *work, struct cs_instance *sink,
                             struct cs_error *error)
{
    const struct cs_schema *schema = work->schema;
    size_t n = work->table->keys.n;
    enum cs_rc rc = CS_OK;

    for (size_t i = 0; i < n && rc == CS_OK; i += work->most) {
        size_t rows = n - i < work->most ? n - i : work->most;

        for (size_t j = 0; j < rows; j++) {
            struct cs_value *row = work->cells + j * schema->entity.ncolumns;

            row[schema->key] =
                cs_cell_of_text(cs_keys_at(&work->table->keys, i + j)->key);
            work->rows[j] = row;
        }
        rc = delete_rows(work, work->rows, rows, sink, error);
    }
    return rc;
}

/* Between begin and commit, so it looks once more: at what is there now. */
static enum cs_rc purge_in_transaction(void *arg, struct cs_instance *sink,
                                       struct cs_error *error)
{
    struct work *work = arg;
    enum cs_rc rc;

    cs_changes_clear(&work->changes);
    work->table->kept = 0;
    rc = look(work, sink, error);
    if (rc == CS_OK)
        rc = check_stamp(work, sink, error);
    guard(work);
    return rc == CS_OK && !work->table->guarded ? delete_all(work, sink, error)
                                                : rc;
}

/* The rows are gone by now, so a failure here is only told. */
static void log_changes(const struct work *work)
{
    const struct cs_visit *visit = work->visit;
    const struct cs_log_context context = {
        .run = visit->run,
        .district = visit->school->district->clever_id,
        .school = visit->school->clever_id,
        .entity = work->table->label};
    const struct cs_changes_source source = {.school = visit->school,
                                             .entity = work->table->label,
                                             .run = visit->run,
                                             .why = CS_CHANGES_PURGE};
    struct cs_error error = {0};

    cs_log_write(CS_LOG_INFO, &context, "%zu long inactive rows are deleted",
                 work->changes.n);
    if (cs_changes_log(visit->session, &source, &work->changes, &error) !=
        CS_OK)
        cs_log_write(CS_LOG_ERROR, &context,
                     "%zu rows were deleted, but could not be logged: %s",
                     work->changes.n, error.text);
}

static enum cs_rc purge_table(struct work *work, struct cs_error *error)
{
    const struct cs_visit *visit = work->visit;
    const struct cs_entity *entity = &work->schema->entity;
    const struct cs_versions versions = cs_versions_mapped(&entity);
    enum cs_rc rc = cs_migrate_check(&versions, 1, visit->sink, error);

    if (rc == CS_OK)
        rc = look(work, visit->sink, error);
    if (rc == CS_OK)
        rc = check_stamp(work, visit->sink, error);
    guard(work);
    if (rc != CS_OK || work->purge->dry || work->table->guarded ||
        work->table->keys.n == 0)
        return rc;
    work->most =
        (size_t)cs_settings_number(visit->app->settings, "sync", "batch_size");
    work->cells = cs_memory_array(work->most * work->schema->entity.ncolumns,
                                  sizeof(*work->cells));
    work->rows = cs_memory_array(work->most, sizeof(*work->rows));
    rc = cs_visit_change(visit, purge_in_transaction, work, error);
    if (rc == CS_OK && !work->table->guarded) {
        work->table->deleted = work->changes.n;
        log_changes(work);
    }
    cs_changes_clear(&work->changes);
    free(work->rows);
    free(work->cells);
    return rc;
}

/* ---- A school ----------------------------------------------------------- */

static enum cs_rc purge_pipeline(struct cs_purge *purge,
                                 const struct cs_visit *visit, size_t i,
                                 struct cs_error *error)
{
    const struct cs_pipeline *pipeline = &visit->app->wiring.pipelines[i];
    struct cs_schema *schema =
        cs_schema_new(pipeline->mapper->module->ops.mapper.entity);
    struct work work = {.purge = purge,
                        .visit = visit,
                        .schema = schema,
                        .table = &purge->tables[i]};
    enum cs_rc rc = purge_table(&work, error);

    work.table->done = rc == CS_OK;
    if (!work.table->done) /* they may be another school's */
        cs_keys_clear(&work.table->keys);
    cs_schema_free(schema);
    return rc;
}

static enum cs_rc purge_sink(void *arg, const struct cs_visit *visit,
                             struct cs_error *error)
{
    const struct cs_wiring *wiring = &visit->app->wiring;
    enum cs_rc rc = CS_OK;

    for (size_t i = 0; i < wiring->npipelines && rc == CS_OK; i++)
        if (wiring->pipelines[i].sink == visit->part)
            rc = purge_pipeline(arg, visit, i, error);
    return rc;
}

static enum cs_rc tell_guarded(const struct cs_purge *purge,
                               struct cs_error *error)
{
    for (size_t i = 0; i < purge->ntables && !purge->dry; i++) {
        const struct cs_purge_table *table = &purge->tables[i];

        if (!table->guarded)
            continue;
        cs_error_set(error, CS_E_FATAL,
                     "%zu of %zu rows of %s would be deleted, more than half: "
                     "none of them was; --even-most lets them go",
                     table->keys.n, table->total, table->label);
        error->status = CS_EXIT_HELD;
        return error->rc;
    }
    return CS_OK;
}

enum cs_rc cs_purge_school(struct cs_purge *purge, const struct cs_visit *visit,
                           struct cs_error *error)
{
    const struct cs_wiring *wiring = &visit->app->wiring;
    enum cs_rc rc;

    purge->ntables = wiring->npipelines;
    purge->tables = cs_memory_array(purge->ntables, sizeof(*purge->tables));
    for (size_t i = 0; i < purge->ntables; i++)
        purge->tables[i].label = cs_schema_label(
            wiring->pipelines[i].mapper->module->ops.mapper.entity->name);
    rc = cs_visit_sinks(visit, purge_sink, purge, error);
    return rc == CS_OK ? tell_guarded(purge, error) : rc;
}
