/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

#include "config.h"

#include "sync/write.h"

#include "sync/cell.h"
#include "database/history.h"
#include "base/log.h"
#include "base/memory.h"
#include "database/migrate.h"
#include "plugin/sink.h"

#include <stdlib.h>
#include <string.h>

/* One batch being filled. */
struct batch {
    struct cs_write *write;
    struct cs_write_result *result;
    enum cs_changes_what what; /* happens to these rows */
    struct cs_value *cells;
    struct cs_value **rows;
    const char **columns; /* of each row: names of what changes, or NULL */
    size_t n, most;
    struct cs_error *error;
    char now[CS_CLOCK_ISO];
};

static const struct cs_schema *schema_of(const struct batch *batch)
{
    return batch->write->diff->schema;
}

static void set_aside(struct cs_write_result *result, const char *key,
                      const char *why)
{
    result->rejects = cs_memory_grow(result->rejects, result->nrejects + 1,
                                     sizeof(*result->rejects));
    result->rejects[result->nrejects++] =
        (struct cs_diff_reject){key, cs_memory_text(why)};
}

/* Makes row a change that deactivates its person. */
static void make_inactive(const struct batch *batch, struct cs_value *row)
{
    const struct cs_schema *schema = schema_of(batch);

    row[schema->active] = cs_cell_of_flag(false);
    row[schema->deactivated] = cs_cell_of_text(batch->now);
    row[schema->updated] = cs_cell_of_text(batch->now);
}

static enum cs_op op_of(enum cs_changes_what what)
{
    switch (what) {
    case CS_CHANGES_INSERT:
        return CS_INSERT;
    case CS_CHANGES_DELETE:
        return CS_DELETE;
    default:
        return CS_UPDATE;
    }
}

/* n rows of the batch, from rows on, were written. */
static void count(struct batch *batch, enum cs_changes_what what,
                  struct cs_value **rows, size_t n)
{
    struct cs_write_result *result = batch->result;
    size_t *const counts[CS_CHANGES_KINDS] = {
        [CS_CHANGES_INSERT] = &result->inserted,
        [CS_CHANGES_UPDATE] = &result->updated,
        [CS_CHANGES_RESTORE] = &result->restored,
        [CS_CHANGES_DEACTIVATE] = &result->deactivated,
        [CS_CHANGES_DELETE] = &result->deleted,
    };
    const char **columns = batch->columns + (rows - batch->rows);

    *counts[what] += n;
    for (size_t i = 0; i < n; i++)
        cs_changes_add(&result->changes, what,
                       rows[i][schema_of(batch)->key].as.text, columns[i]);
}

static enum cs_rc apply(struct batch *batch, enum cs_changes_what what,
                        struct cs_value **rows, size_t n);

/* A single row that the database refuses: a person whom a foreign key keeps is
 * deactivated instead of deleted, any other row is set aside. */
static enum cs_rc refused(struct batch *batch, enum cs_changes_what what,
                          struct cs_value **row)
{
    if (what == CS_CHANGES_DELETE) {
        make_inactive(batch, *row);
        return apply(batch, CS_CHANGES_DEACTIVATE, row, 1);
    }
    set_aside(batch->result, (*row)[schema_of(batch)->key].as.text,
              batch->error->text);
    return CS_OK;
}

/* Rows that the sink refuses together are tried in halves, so that only the
 * bad ones stay behind. */
static enum cs_rc apply(struct batch *batch, enum cs_changes_what what,
                        struct cs_value **rows, size_t n)
{
    struct cs_batch request = {.size = sizeof(request),
                               .entity = &schema_of(batch)->entity,
                               .op = op_of(what),
                               .rows = (const struct cs_value *const *)rows,
                               .nrows = n};
    enum cs_rc rc;

    rc = cs_sink_apply(batch->write->sink, &request, batch->error);
    if (rc == CS_OK) {
        count(batch, what, rows, n);
        return rc;
    }
    if (rc != CS_E_DATA)
        return rc;
    if (n == 1)
        return refused(batch, what, rows);
    rc = apply(batch, what, rows, n / 2);
    return rc == CS_OK ? apply(batch, what, rows + n / 2, n - n / 2) : rc;
}

/* ---- Which columns change ----------------------------------------------- */

/* The names of columns, as cs_diff_columns() has them; NULL: of none. */
static const char *names_of(struct batch *batch, uint64_t columns)
{
    const struct cs_schema *schema = schema_of(batch);
    const char *kept = NULL;
    char *names = NULL;

    for (size_t i = 0; i < schema->mapped; i++) {
        const char *name = schema->entity.columns[schema->first + i].name;
        char *before = names;

        if (!(columns >> i & 1))
            continue;
        names = before ? cs_memory_format("%s %s", before, name)
                       : cs_memory_text(name);
        free(before);
    }
    if (names)
        kept = cs_changes_names(&batch->result->changes, names);
    free(names);
    return kept;
}

static enum cs_rc found(void *arg, const struct cs_value *stored)
{
    struct batch *batch = arg;
    const struct cs_diff *diff = batch->write->diff;
    size_t first = diff->schema->first;
    const struct cs_value *key = &stored[diff->schema->key];
    const struct cs_keys_entry *entry =
        key->state == CS_SET ? cs_keys_find(&diff->keys, key->as.text) : NULL;

    if (entry && entry->number < batch->n)
        batch->columns[entry->number] =
            names_of(batch, cs_diff_columns(&diff->normal,
                                            batch->rows[entry->number] + first,
                                            stored + first));
    return CS_OK;
}

/* Beside the rows as they are stored now, for the log of changes.  Nothing is
 * read any more, so an entry's number is free to say which row it is. */
static enum cs_rc look_up(struct batch *batch)
{
    const struct cs_schema *schema = schema_of(batch);
    struct cs_value *keys = cs_memory_array(batch->n, sizeof(*keys));
    const struct cs_filter filter = {.size = sizeof(filter),
                                     .column = schema->key,
                                     .in = keys,
                                     .nin = batch->n};
    enum cs_rc rc;

    for (size_t i = 0; i < batch->n; i++) {
        keys[i] = batch->rows[i][schema->key];
        cs_keys_find(&batch->write->diff->keys, keys[i].as.text)->number =
            (uint32_t)i;
    }
    rc = cs_sink_scan(batch->write->sink, &schema->entity, &filter, found,
                      batch, batch->error);
    free(keys);
    return rc;
}

/* ---- Batches ------------------------------------------------------------ */

/* Is there a row of which nobody knows what changes? */
static bool lacks_columns(const struct batch *batch)
{
    size_t i = 0;

    if (batch->what != CS_CHANGES_UPDATE && batch->what != CS_CHANGES_RESTORE)
        return false;
    while (i < batch->n && batch->columns[i])
        i++;
    return i < batch->n;
}

static enum cs_rc flush(struct batch *batch)
{
    enum cs_rc rc = lacks_columns(batch) ? look_up(batch) : CS_OK;
    size_t n = batch->n;

    batch->n = 0;
    return n > 0 && rc == CS_OK ? apply(batch, batch->what, batch->rows, n)
                                : rc;
}

/* The next row of the batch, all absent; flushes a full one first. */
static enum cs_rc next_row(struct batch *batch, struct cs_value **row)
{
    enum cs_rc rc = batch->n == batch->most ? flush(batch) : CS_OK;

    batch->columns[batch->n] = NULL;
    *row = batch->rows[batch->n++];
    memset(*row, 0, schema_of(batch)->entity.ncolumns * sizeof(**row));
    return rc;
}

static enum cs_rc write_changes(struct batch *batch, enum cs_diff_kind kind,
                                enum cs_changes_what what)
{
    const struct cs_schema *schema = schema_of(batch);
    const struct cs_diff *diff = batch->write->diff;
    const struct cs_diff_change *position = NULL;
    struct cs_value *mapped = cs_memory_array(schema->mapped, sizeof(*mapped));
    enum cs_rc rc = CS_OK;

    batch->what = what;
    while (rc == CS_OK && cs_diff_next(diff, kind, &position, mapped)) {
        struct cs_value *row;

        rc = next_row(batch, &row);
        batch->columns[batch->n - 1] =
            names_of(batch, cs_diff_change_columns(position));
        memcpy(row + schema->first, mapped, schema->mapped * sizeof(*row));
        row[schema->updated] = cs_cell_of_text(batch->now);
        if (kind == CS_DIFF_INSERT)
            row[schema->created] = cs_cell_of_text(batch->now);
        if (kind != CS_DIFF_UPDATE) {
            row[schema->active] = cs_cell_of_flag(true);
            row[schema->deactivated].state = CS_NULL;
        }
    }
    free(mapped);
    return rc == CS_OK ? flush(batch) : rc;
}

bool cs_write_goes(const struct cs_keys_entry *entry,
                   enum cs_write_leavers leavers, const struct cs_keys *only)
{
    if (leavers == CS_WRITE_KEEP)
        return false;
    if (only)
        return cs_diff_leaves(entry) && cs_keys_find(only, entry->key);
    return cs_diff_leaves(entry) ||
           (leavers == CS_WRITE_DELETE && cs_diff_inactive(entry));
}

static enum cs_rc write_leavers(struct batch *batch)
{
    const struct cs_schema *schema = schema_of(batch);
    const struct cs_keys *keys = &batch->write->diff->keys;
    bool delete = batch->write->leavers == CS_WRITE_DELETE;
    enum cs_rc rc = CS_OK;

    batch->what = delete ? CS_CHANGES_DELETE : CS_CHANGES_DEACTIVATE;
    for (size_t i = 0; rc == CS_OK && i < keys->n; i++) {
        const struct cs_keys_entry *entry = cs_keys_at(keys, i);
        struct cs_value *row;

        if (!cs_write_goes(entry, batch->write->leavers, batch->write->only))
            continue;
        rc = next_row(batch, &row);
        row[schema->key] = cs_cell_of_text(entry->key);
        if (!delete)
            make_inactive(batch, row);
    }
    return rc == CS_OK ? flush(batch) : rc;
}

static enum cs_rc write_rows(struct cs_write *write,
                             struct cs_write_result *result,
                             struct cs_error *error)
{
    size_t ncolumns = write->diff->schema->entity.ncolumns;
    struct batch batch = {.write = write,
                          .result = result,
                          .most = (size_t)cs_settings_number(
                              write->settings, "sync", "batch_size"),
                          .error = error};
    enum cs_rc rc;

    cs_clock_format(cs_clock_now(), batch.now);
    batch.cells = cs_memory_array(batch.most * ncolumns, sizeof(*batch.cells));
    batch.rows = cs_memory_array(batch.most, sizeof(*batch.rows));
    batch.columns = cs_memory_array(batch.most, sizeof(*batch.columns));
    for (size_t i = 0; i < batch.most; i++)
        batch.rows[i] = batch.cells + i * ncolumns;

    rc = write_changes(&batch, CS_DIFF_UPDATE, CS_CHANGES_UPDATE);
    if (rc == CS_OK)
        rc = write_changes(&batch, CS_DIFF_RESTORE, CS_CHANGES_RESTORE);
    if (rc == CS_OK)
        rc = write_changes(&batch, CS_DIFF_INSERT, CS_CHANGES_INSERT);
    if (rc == CS_OK)
        rc = write_leavers(&batch);
    free(batch.columns);
    free(batch.rows);
    free(batch.cells);
    return rc;
}

/* A commit whose answer was lost shows here: it is this run's state. */
static bool committed_before(const struct cs_state *state,
                             const struct cs_state_new *entry)
{
    const struct cs_state_entry *old = cs_state_find(state, entry->entity);

    return old && old->run && strcmp(old->run, entry->run) == 0;
}

/* A lock that is not ours any more can be had again. */
static enum cs_rc may_commit(const struct cs_write *write,
                             struct cs_error *error)
{
    enum cs_rc rc = cs_session_holds(write->session, write->school, error);

    return rc == CS_E_BUSY
               ? cs_error_set(error, CS_E_RETRY,
                              "this school's lock was lost with the "
                              "connection to the session database; nothing "
                              "was written")
               : rc;
}

/* Between begin and commit.  CS_SKIP: it was all committed before. */
static enum cs_rc write_transaction(struct cs_write *write,
                                    struct cs_write_result *result,
                                    struct cs_error *error)
{
    struct cs_state state;
    enum cs_rc rc =
        cs_state_load(&state, write->sink, write->school->clever_id, error);

    if (rc != CS_OK)
        return rc;
    if (committed_before(&state, write->state))
        rc = CS_SKIP;
    if (rc == CS_OK)
        rc = write_rows(write, result, error);
    if (rc == CS_OK && result->nrejects > write->most_rejects)
        rc = cs_error_set(error, CS_E_FATAL,
                          "the database refuses %zu rows, more than "
                          "max_rejects allows; nothing was written",
                          result->nrejects);
    if (rc == CS_OK)
        rc = cs_state_store(&state, write->sink, write->state, error);
    if (rc == CS_OK)
        rc = may_commit(write, error);
    cs_state_clear(&state);
    return rc;
}

/* From begin to commit.  result is kept even when the commit fails, because it
 * may be its answer alone that was lost.  CS_SKIP: all was committed before. */
static enum cs_rc write_and_commit(struct cs_write *write,
                                   struct cs_write_result *result,
                                   struct cs_error *error)
{
    struct cs_write_result attempt = {0};
    enum cs_rc rc = cs_sink_begin(write->sink, error);

    if (rc != CS_OK)
        return rc;
    rc = write_transaction(write, &attempt, error);
    if (rc == CS_OK) {
        cs_write_clear(result);
        *result = attempt;
        rc = cs_sink_commit(write->sink, error);
    } else {
        cs_write_clear(&attempt);
    }
    if (rc != CS_OK)
        cs_sink_rollback(write->sink);
    return rc;
}

/* Tables that are not there at all; one that is there is never altered. */
static enum cs_rc make_tables(struct cs_write *write, struct cs_error *error)
{
    const struct cs_log_context context = {
        .run = write->state->run,
        .district = write->school->district->clever_id,
        .school = write->school->clever_id,
        .entity = write->state->entity,
    };
    const struct cs_entity *mapped = &write->diff->schema->entity;
    const struct cs_versions versions[] = {cs_versions_mapped(&mapped),
                                           cs_versions_school};
    enum cs_rc rc = CS_OK;

    for (size_t i = 0; i < 2 && rc == CS_OK; i++) {
        bool made;

        rc =
            cs_migrate_make(&versions[i], cs_cancel_remaining_ms(write->cancel),
                            write->sink, &made, error);
        if (rc == CS_OK && made)
            cs_log_write(CS_LOG_INFO, &context,
                         "the school's database had no table %s; it is made",
                         versions[i].tables[0]->table);
    }
    return rc;
}

static enum cs_rc write_once(struct cs_write *write,
                             struct cs_write_result *result,
                             struct cs_error *error)
{
    enum cs_rc rc;

    rc = cs_sink_lock(write->sink, CS_WRITE_LOCK,
                      cs_cancel_remaining_ms(write->cancel), error);
    if (rc != CS_OK)
        return rc;
    rc = make_tables(write, error);
    if (rc == CS_OK)
        rc = write_and_commit(write, result, error);
    cs_sink_unlock(write->sink, CS_WRITE_LOCK);
    return rc;
}

/* ---- The school's lock, lost with its connection ------------------------ */

struct overtaking {
    const struct cs_write *write;
    struct cs_error *error;
};

/* The newest row of the school's history: is it of a run that came later? */
static enum cs_rc look_for_another(void *arg, const struct cs_history *row)
{
    const struct overtaking *overtaking = arg;
    const struct cs_state_new *own = overtaking->write->state;

    if (row->id <= own->sync_id ||
        (row->run && strcmp(row->run, own->run) == 0))
        return CS_OK;
    return cs_error_set(overtaking->error, CS_E_BUSY,
                        "run %s began with this school when its lock was lost "
                        "with the connection to the session database; the "
                        "school is left to it",
                        row->run ? row->run : "(of another program)");
}

/* What was compared counts only if nobody came in between. */
static enum cs_rc regain_lock(struct cs_write *write, struct cs_error *error)
{
    struct overtaking overtaking = {write, error};
    enum cs_rc locked = cs_session_relock(write->session, write->school, error);
    enum cs_rc rc;

    if (locked != CS_OK && locked != CS_E_BUSY)
        return locked;
    rc = cs_history_each(write->session, write->school->id, 1, look_for_another,
                         &overtaking, error);
    if (rc != CS_OK && locked == CS_OK)
        cs_session_unlock(write->session, write->school);
    if (rc == CS_OK && locked == CS_E_BUSY) /* perhaps still our own */
        rc = cs_error_set(error, CS_E_RETRY,
                          "this school's lock was lost with the connection to "
                          "the session database, and somebody has it now");
    return rc;
}

/* ---- Again and again, as the settings say -------------------------------- */

struct writing {
    struct cs_write *write;
    struct cs_write_result *result;
    bool again;
};

static enum cs_rc attempt(void *arg, struct cs_error *error)
{
    struct writing *writing = arg;
    struct cs_write *write = writing->write;
    enum cs_rc rc = CS_OK;

    if (writing->again &&
        cs_session_holds(write->session, write->school, error) != CS_OK)
        rc = regain_lock(write, error);
    writing->again = true;
    return rc == CS_OK ? write_once(write, writing->result, error) : rc;
}

enum cs_rc cs_write_all(struct cs_write *write, struct cs_write_result *result,
                        struct cs_error *error)
{
    struct writing writing = {.write = write, .result = result};
    enum cs_rc rc;

    *result = (struct cs_write_result){0};
    rc = cs_sink_repeat(write->sink->request.part, write->settings,
                        write->cancel, attempt, &writing, error);
    if (rc == CS_SKIP) /* an attempt before was committed, its counts stand */
        return CS_OK;
    if (rc != CS_OK)
        cs_write_clear(result);
    return rc;
}

void cs_write_clear(struct cs_write_result *result)
{
    for (size_t i = 0; i < result->nrejects; i++)
        free(result->rejects[i].reason);
    free(result->rejects);
    cs_changes_clear(&result->changes);
    *result = (struct cs_write_result){0};
}
