/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

#include "config.h"

#include "database/changes.h"

#include "sync/cell.h"
#include "base/memory.h"
#include "config/prefix.h"
#include "database/schema.h"
#include "database/session.h"
#include "plugin/sink.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const whats[CS_CHANGES_KINDS] = {
    [CS_CHANGES_INSERT] = "insert",   [CS_CHANGES_UPDATE] = "update",
    [CS_CHANGES_RESTORE] = "restore", [CS_CHANGES_DEACTIVATE] = "deactivate",
    [CS_CHANGES_DELETE] = "delete",
};
static const char *const whys[CS_CHANGES_REASONS] = {
    [CS_CHANGES_LISTING] = "listing",
    [CS_CHANGES_FEED] = "feed",
    [CS_CHANGES_APPROVAL] = "approval",
    [CS_CHANGES_PURGE] = "purge",
};

/* ---- What one commit did ------------------------------------------------ */

const char *cs_changes_names(struct cs_changes *changes, const char *columns)
{
    return cs_keys_put(&changes->columns, columns)->key;
}

void cs_changes_add(struct cs_changes *changes, enum cs_changes_what what,
                    const char *key, const char *columns)
{
    if ((changes->n & (changes->n - 1)) == 0) /* doubles at powers of two */
        changes->row =
            cs_memory_grow(changes->row, changes->n == 0 ? 1 : 2 * changes->n,
                           sizeof(*changes->row));
    changes->row[changes->n++] = (struct cs_changes_row){key, columns, what};
}

void cs_changes_clear(struct cs_changes *changes)
{
    free(changes->row);
    cs_keys_clear(&changes->columns);
    *changes = (struct cs_changes){0};
}

/* ---- Writing ------------------------------------------------------------ */

#define KEY 251 /* ChangeKey's length, and NUL */

/* Rows of one batch; their texts stand beside them. */
struct batch {
    const struct cs_changes_source *source;
    const struct cs_changes *changes;
    size_t most; /* rows handed over at once */
    struct cs_value (*cells)[CS_CHANGES_COLUMNS];
    const struct cs_value **rows;
    char (*keys)[KEY];
    char now[CS_CLOCK_ISO];
};

/* A key that is one; anything else could be a name. */
static const char *clever_id(const struct cs_changes_row *row)
{
    return cs_prefix_fault_id(row->key) == NULL ? row->key : NULL;
}

/* One key changes once in a sync, and once in a run, school and entity.  id
 * NULL: its number says which it is. */
static void make_key(const struct cs_changes_source *source, const char *id,
                     size_t number, char key[KEY])
{
    char other[24] = "";

    if (id == NULL)
        snprintf(other, sizeof(other), "#%zu", number + 1);
    if (source->sync != 0)
        snprintf(key, KEY, "%" PRId64 "/%s%s", source->sync,
                 id != NULL ? id : "", other);
    else
        snprintf(key, KEY, "%s/%" PRId64 "/%s/%s%s", source->run,
                 source->school->id, source->entity, id != NULL ? id : "",
                 other);
}

static bool approved(const struct cs_changes_source *source,
                     const struct cs_changes_row *row)
{
    const struct cs_keys *keys = NULL;

    if (row->what == CS_CHANGES_UPDATE)
        keys = source->may_change;
    else if (row->what == CS_CHANGES_DEACTIVATE ||
             row->what == CS_CHANGES_DELETE)
        keys = source->may_leave;
    return keys != NULL && keys->n > 0 && cs_keys_find(keys, row->key) != NULL;
}

static void fill(const struct batch *batch, size_t number,
                 struct cs_value cells[CS_CHANGES_COLUMNS], char key[KEY])
{
    const struct cs_changes_source *source = batch->source;
    const struct cs_changes_row *row = &batch->changes->row[number];
    const char *id = clever_id(row);

    make_key(source, id, number, key);
    cells[CS_CHANGES_ID] = (struct cs_value){.state = CS_ABSENT};
    cells[CS_CHANGES_KEY] = cs_cell_of_text(key);
    cells[CS_CHANGES_SCHOOL] = cs_cell_of_integer(source->school->id);
    cells[CS_CHANGES_ENTITY] = cs_cell_of_text(source->entity);
    cells[CS_CHANGES_CLEVER_ID] = cs_cell_of_text(id);
    cells[CS_CHANGES_WHAT] = cs_cell_of_text(whats[row->what]);
    cells[CS_CHANGES_NAMES] = cs_cell_of_text(row->columns);
    cells[CS_CHANGES_WHY] = cs_cell_of_text(
        whys[approved(source, row) ? CS_CHANGES_APPROVAL : source->why]);
    cells[CS_CHANGES_RUN] = cs_cell_of_text(source->run);
    cells[CS_CHANGES_AT] = cs_cell_of_text(batch->now);
}

static enum cs_rc note(void *arg, const struct cs_value *row)
{
    (void)row;
    *(bool *)arg = true;
    return CS_OK;
}

/* An earlier try whose commit did happen, but broke off behind it. */
static enum cs_rc is_there(const struct batch *batch, struct cs_instance *sink,
                           bool *there, struct cs_error *error)
{
    char text[KEY];
    struct cs_value key;
    const struct cs_filter filter = {
        .size = sizeof(filter), .column = CS_CHANGES_KEY, .in = &key, .nin = 1};

    *there = false;
    make_key(batch->source, clever_id(&batch->changes->row[0]), 0, text);
    key = cs_cell_of_text(text);
    return cs_sink_scan(sink, &cs_schema_changes, &filter, note, there, error);
}

static enum cs_rc write_all(void *arg, struct cs_instance *sink,
                            struct cs_error *error)
{
    const struct batch *batch = arg;
    size_t n = batch->changes->n;
    bool there;
    enum cs_rc rc = is_there(batch, sink, &there, error);

    if (rc != CS_OK || there)
        return rc;
    for (size_t i = 0; i < n && rc == CS_OK; i += batch->most) {
        struct cs_batch request = {.size = sizeof(request),
                                   .entity = &cs_schema_changes,
                                   .op = CS_INSERT,
                                   .rows = batch->rows,
                                   .nrows = n - i < batch->most ? n - i
                                                                : batch->most};

        for (size_t j = 0; j < request.nrows; j++)
            fill(batch, i + j, batch->cells[j], batch->keys[j]);
        rc = cs_sink_apply(sink, &request, error);
    }
    return rc;
}

enum cs_rc cs_changes_log(struct cs_session *session,
                          const struct cs_changes_source *source,
                          const struct cs_changes *changes,
                          struct cs_error *error)
{
    struct batch batch = {
        .source = source,
        .changes = changes,
        .most = (size_t)cs_settings_number(cs_session_settings(session), "sync",
                                           "batch_size")};
    enum cs_rc rc;

    if (changes->n == 0)
        return CS_OK;
    if (batch.most > changes->n)
        batch.most = changes->n;
    cs_clock_format(cs_clock_now(), batch.now);
    batch.cells = cs_memory_array(batch.most, sizeof(*batch.cells));
    batch.rows = cs_memory_array(batch.most, sizeof(*batch.rows));
    batch.keys = cs_memory_array(batch.most, sizeof(*batch.keys));
    for (size_t i = 0; i < batch.most; i++)
        batch.rows[i] = batch.cells[i];
    rc = cs_session_change(session, write_all, &batch, error);
    free(batch.keys);
    free(batch.rows);
    free(batch.cells);
    return rc;
}

/* ---- Reading ------------------------------------------------------------ */

struct reading {
    const struct cs_changes_query *query;
    struct cs_changes_entry *entry; /* texts are owned */
    size_t n;
};

static void clear(struct reading *reading)
{
    for (size_t i = 0; i < reading->n; i++) {
        free((char *)reading->entry[i].entity);
        free((char *)reading->entry[i].clever_id);
        free((char *)reading->entry[i].what);
        free((char *)reading->entry[i].columns);
        free((char *)reading->entry[i].why);
        free((char *)reading->entry[i].run);
    }
    free(reading->entry);
    reading->entry = NULL;
    reading->n = 0;
}

static enum cs_rc keep(void *arg, const struct cs_value *row)
{
    struct reading *reading = arg;
    const struct cs_changes_query *query = reading->query;
    int64_t school = cs_cell_integer(&row[CS_CHANGES_SCHOOL]);
    int64_t at = cs_cell_time(&row[CS_CHANGES_AT]);

    if ((query->school != 0 && school != query->school) || at < query->since)
        return CS_OK;
    if ((reading->n & (reading->n - 1)) == 0)
        reading->entry =
            cs_memory_grow(reading->entry, reading->n == 0 ? 1 : 2 * reading->n,
                           sizeof(*reading->entry));
    reading->entry[reading->n++] = (struct cs_changes_entry){
        .id = cs_cell_integer(&row[CS_CHANGES_ID]),
        .school = school,
        .at = at,
        .entity = cs_memory_text(cs_cell_text(&row[CS_CHANGES_ENTITY])),
        .clever_id = cs_memory_text(cs_cell_text(&row[CS_CHANGES_CLEVER_ID])),
        .what = cs_memory_text(cs_cell_text(&row[CS_CHANGES_WHAT])),
        .columns = cs_memory_text(cs_cell_text(&row[CS_CHANGES_NAMES])),
        .why = cs_memory_text(cs_cell_text(&row[CS_CHANGES_WHY])),
        .run = cs_memory_text(cs_cell_text(&row[CS_CHANGES_RUN])),
    };
    return CS_OK;
}

static int newest_first(const void *left, const void *right)
{
    const struct cs_changes_entry *a = left, *b = right;

    return (a->id < b->id) - (a->id > b->id);
}

/* One person has few rows: all of them are read.  Of a school, or of all, only
 * as many as are asked for, and one to know that there are more. */
static enum cs_rc read_all(void *arg, struct cs_instance *sink,
                           struct cs_error *error)
{
    struct reading *reading = arg;
    const struct cs_changes_query *query = reading->query;
    const bool of_one = query->clever_id != NULL;
    const bool of_some = of_one || query->school != 0;
    const struct cs_value wanted = of_one ? cs_cell_of_text(query->clever_id)
                                          : cs_cell_of_integer(query->school);
    const struct cs_filter filter = {
        .size = sizeof(filter),
        .column = of_one ? CS_CHANGES_CLEVER_ID : CS_CHANGES_SCHOOL,
        .in = of_some ? &wanted : NULL,
        .nin = of_some,
        .newest = of_one ? 0 : query->most + 1,
    };
    enum cs_rc rc;

    clear(reading);
    rc = cs_sink_scan(sink, &cs_schema_changes, &filter, keep, reading, error);
    if (rc == CS_OK && reading->n > 0)
        qsort(reading->entry, reading->n, sizeof(*reading->entry),
              newest_first);
    return rc;
}

enum cs_rc cs_changes_each(struct cs_session *session,
                           const struct cs_changes_query *query,
                           cs_changes_fn *each, void *arg, bool *more,
                           struct cs_error *error)
{
    struct reading reading = {.query = query};
    enum cs_rc rc = cs_session_use(session, read_all, &reading, error);

    *more = reading.n > query->most;
    for (size_t i = 0; i < reading.n && i < query->most && rc == CS_OK; i++)
        rc = each(arg, &reading.entry[i]);
    clear(&reading);
    return rc;
}
