/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

#include "config.h"

#include "fake-sink.h"

#include "sync/cell.h"
#include "base/memory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#undef fail /* cmocka's; struct cs_host has a member of this name */

struct fake_sink fake_sink;

static void copy_value(struct cs_value *to, const struct cs_value *from,
                       enum cs_type type)
{
    *to = *from;
    if (from->state == CS_SET && (type == CS_TEXT || type == CS_TIME))
        to->as.text = cs_memory_text(from->as.text);
}

static void clear_value(struct cs_value *value, enum cs_type type)
{
    if (value->state == CS_SET && (type == CS_TEXT || type == CS_TIME))
        free((char *)value->as.text);
    *value = (struct cs_value){.state = CS_NULL};
}

static void clear_base(struct fake_base *base)
{
    for (size_t t = 0; t < base->n; t++)
        for (size_t r = 0; r < base->tables[t].n; r++)
            for (size_t c = 0; c < base->tables[t].entity->ncolumns; c++)
                clear_value(&base->tables[t].rows[r].cells[c],
                            base->tables[t].entity->columns[c].type);
    base->n = 0;
}

static void copy_table(struct fake_table *to, const struct fake_table *from)
{
    to->entity = from->entity;
    to->n = from->n;
    to->identity = from->identity;
    for (size_t r = 0; r < to->n; r++)
        for (size_t c = 0; c < to->entity->ncolumns; c++)
            copy_value(&to->rows[r].cells[c], &from->rows[r].cells[c],
                       to->entity->columns[c].type);
}

static void copy_base(struct fake_base *to, const struct fake_base *from)
{
    clear_base(to);
    to->n = from->n;
    for (size_t t = 0; t < to->n; t++)
        copy_table(&to->tables[t], &from->tables[t]);
}

void fake_sink_clear(void)
{
    clear_base(&fake_sink.now);
    clear_base(&fake_sink.before);
    memset(&fake_sink, 0, sizeof(fake_sink));
}

void fake_sink_fail(size_t nth, size_t times)
{
    fake_sink.calls = fake_sink.locks = 0;
    fake_sink.fail_at = nth;
    fake_sink.failures = times;
}

struct fake_table *fake_sink_table(const struct cs_entity *entity)
{
    for (size_t t = 0; t < fake_sink.now.n; t++)
        if (strcmp(fake_sink.now.tables[t].entity->table, entity->table) == 0)
            return &fake_sink.now.tables[t];
    return NULL;
}

static void undo(void)
{
    if (fake_sink.open)
        copy_base(&fake_sink.now, &fake_sink.before);
    fake_sink.open = false;
}

static enum cs_rc may_fail(void)
{
    fake_sink.calls++;
    if (fake_sink.fail_at == 0 || fake_sink.calls < fake_sink.fail_at ||
        fake_sink.failures == 0)
        return CS_OK;
    fake_sink.failures--;
    if (fake_sink.cut) {
        undo();
        fake_sink.lock[0] = fake_sink.schema_lock[0] = '\0';
    }
    return cs_fail(fake_sink.host,
                   fake_sink.rc != CS_OK ? fake_sink.rc : CS_E_RETRY,
                   "the database is out for tea");
}

static enum cs_rc sink_open(const struct cs_host *host, void **self)
{
    fake_sink.host = host;
    *self = &fake_sink;
    return CS_OK;
}

static void sink_close(void *self)
{
    (void)self;
    assert_false(fake_sink.open);
}

static bool has_column(const struct fake_table *table, const char *name)
{
    for (size_t c = 0; c < table->entity->ncolumns; c++)
        if (strcmp(table->entity->columns[c].name, name) == 0)
            return true;
    return false;
}

static enum cs_rc sink_inspect(void *self, const struct cs_entity *entity,
                               unsigned *lengths)
{
    const struct fake_table *table = fake_sink_table(entity);

    (void)self;
    if (lengths != NULL)
        memset(lengths, 0, entity->ncolumns * sizeof(*lengths));
    if (table == NULL)
        return cs_fail(fake_sink.host, CS_E_NOT_HERE, "no table");
    for (size_t c = 0; c < entity->ncolumns; c++)
        if (!has_column(table, entity->columns[c].name))
            return cs_fail(fake_sink.host, CS_E_CONFIG, "no column %s",
                           entity->columns[c].name);
    return may_fail();
}

/* A table that grows at its end has all of its columns with the first one. */
static void widen(struct fake_table *table, const struct cs_entity *entity)
{
    for (size_t r = 0; r < table->n; r++)
        for (size_t c = table->entity->ncolumns; c < entity->ncolumns; c++)
            table->rows[r].cells[c].state = CS_NULL;
    table->entity = entity;
}

static enum cs_rc sink_alter(void *self, const struct cs_step *step,
                             cs_sql_fn *show, void *arg)
{
    struct fake_table *table;

    (void)self;
    (void)show;
    (void)arg;
    assert_true(fake_sink.open);
    assert_string_equal(fake_sink.schema_lock, "schema");
    if (step->change == CS_ADD_COLUMN) {
        widen(fake_sink_table(step->entity), step->entity);
        return may_fail();
    }
    assert_int_equal(step->change, CS_CREATE_TABLE);
    assert_null(fake_sink_table(step->entity));
    for (size_t c = 0; c < step->entity->ncolumns; c++) {
        const char *to = step->entity->columns[c].references;
        bool found = to == NULL;

        for (size_t t = 0; t < fake_sink.now.n && !found; t++) {
            const char *name = fake_sink.now.tables[t].entity->table;

            found = strncmp(to, name, strlen(name)) == 0;
        }
        assert_true(found); /* what it refers to is there already */
    }
    table = &fake_sink.now.tables[fake_sink.now.n++];
    table->entity = step->entity;
    table->n = 0;
    table->identity = 0;
    return may_fail();
}

/* Who changes tables may have a lock besides. */
static char *lock_of(const char *name)
{
    return strcmp(name, "schema") == 0 ? fake_sink.schema_lock : fake_sink.lock;
}

static enum cs_rc sink_lock(void *self, const char *name, long wait_ms)
{
    enum cs_rc rc = may_fail();

    (void)self;
    fake_sink.locks += lock_of(name) == fake_sink.lock;
    fake_sink.wait_ms = wait_ms;
    if (rc != CS_OK)
        return rc;
    if (fake_sink.taken)
        return cs_fail(fake_sink.host, CS_E_BUSY, "taken");
    assert_string_equal(lock_of(name), "");
    snprintf(lock_of(name), sizeof(fake_sink.lock), "%s", name);
    return CS_OK;
}

static enum cs_rc sink_holds(void *self, const char *name)
{
    (void)self;
    return strcmp(fake_sink.lock, name) == 0
               ? CS_OK
               : cs_fail(fake_sink.host, CS_E_BUSY, "lost");
}

static void sink_unlock(void *self, const char *name)
{
    (void)self;
    if (!fake_sink.cut)
        assert_string_equal(lock_of(name), name);
    lock_of(name)[0] = '\0';
}

static int order(const struct cs_value *a, const struct cs_value *b,
                 enum cs_type type)
{
    if (a->state != CS_SET || b->state != CS_SET)
        return a->state == b->state ? 0 : 1;
    if (type == CS_TEXT || type == CS_TIME)
        return strcmp(a->as.text, b->as.text);
    if (type == CS_BOOL)
        return a->as.boolean != b->as.boolean;
    return (a->as.integer > b->as.integer) - (a->as.integer < b->as.integer);
}

static bool wanted(const struct cs_filter *filter,
                   const struct fake_table *table, const struct fake_row *row)
{
    enum cs_type type = table->entity->columns[filter->column].type;
    const struct cs_value *cell = &row->cells[filter->column];
    bool in = filter->nin == 0;

    for (size_t i = 0; i < filter->nin; i++)
        in = in || order(cell, &filter->in[i], type) == 0;
    return in &&
           (filter->below == NULL || order(cell, filter->below, type) < 0);
}

/* Backwards, so that nobody relies on the order of insertion. */
static enum cs_rc sink_scan(void *self, const struct cs_entity *entity,
                            const struct cs_filter *filter, cs_row_fn *each,
                            void *arg)
{
    struct fake_table *table = fake_sink_table(entity);
    enum cs_rc rc = CS_OK;
    size_t given = 0;

    (void)self;
    if (table == NULL)
        return cs_fail(fake_sink.host, CS_E_NOT_HERE, "no table");
    for (size_t r = table->n; r-- > 0 && rc == CS_OK;)
        if (filter == NULL ||
            (wanted(filter, table, &table->rows[r]) &&
             (filter->newest == 0 || given < filter->newest))) {
            given++;
            rc = each(arg, table->rows[r].cells);
        }
    return rc != CS_OK ? rc : may_fail();
}

static enum cs_rc sink_begin(void *self)
{
    enum cs_rc rc = may_fail();

    (void)self;
    assert_false(fake_sink.open);
    fake_sink.open = rc == CS_OK;
    copy_base(&fake_sink.before, &fake_sink.now);
    return rc;
}

static void sink_rollback(void *self)
{
    (void)self;
    undo();
}

static enum cs_rc sink_commit(void *self)
{
    enum cs_rc rc;

    (void)self;
    assert_true(fake_sink.open);
    if (fake_sink.after_commit)
        fake_sink.open = false;
    rc = may_fail();
    if (rc == CS_OK)
        fake_sink.open = false;
    return rc;
}

static size_t key_column(const struct cs_entity *entity)
{
    size_t c = 0;

    while (!(entity->columns[c].flags & CS_KEY))
        c++;
    return c;
}

static struct fake_row *find_row(struct fake_table *table,
                                 const struct cs_value *key)
{
    size_t column = key_column(table->entity);

    for (size_t r = 0; r < table->n; r++)
        if (order(&table->rows[r].cells[column], key, CS_TEXT) == 0)
            return &table->rows[r];
    return NULL;
}

struct fake_row *fake_sink_row(struct fake_table *table, const char *key)
{
    const struct cs_value value = cs_cell_of_text(key);

    return find_row(table, &value);
}

static void insert(struct fake_table *table, const struct cs_value *cells)
{
    const struct cs_entity *entity = table->entity;
    struct fake_row *row = &table->rows[table->n];

    assert_true(table->n < FAKE_ROWS);
    for (size_t c = 0; c < entity->ncolumns; c++) {
        const struct cs_column *column = &entity->columns[c];
        bool automatic = column->flags & CS_AUTO;

        assert_true(!automatic || cells[c].state == CS_ABSENT);
        assert_true(!(column->flags & CS_NOT_NULL) || cells[c].state == CS_SET);
        copy_value(&row->cells[c], &cells[c], column->type);
        if (automatic)
            row->cells[c] = cs_cell_of_integer(++table->identity);
    }
    table->n++;
}

static void update(const struct cs_entity *entity, struct fake_row *row,
                   const struct cs_value *cells)
{
    for (size_t c = 0; c < entity->ncolumns; c++)
        if (cells[c].state != CS_ABSENT) {
            clear_value(&row->cells[c], entity->columns[c].type);
            copy_value(&row->cells[c], &cells[c], entity->columns[c].type);
        }
}

static void delete (struct fake_table *table, struct fake_row *row)
{
    for (size_t c = 0; c < table->entity->ncolumns; c++)
        clear_value(&row->cells[c], table->entity->columns[c].type);
    *row = table->rows[--table->n];
}

/* Looked at before anything is changed: a batch is all or nothing. */
static enum cs_rc look(const struct cs_batch *batch, struct fake_table *table)
{
    size_t column = key_column(batch->entity);

    for (size_t i = 0; i < batch->nrows; i++) {
        const struct cs_value *key = &batch->rows[i][column];

        if (fake_sink.refuses && fake_sink.refuses(batch->op, key->as.text))
            return cs_fail(fake_sink.host, CS_E_DATA, "the row is refused");
        if (batch->op == CS_INSERT && find_row(table, key) != NULL)
            return cs_fail(fake_sink.host, CS_E_DATA, "the key is there");
    }
    return CS_OK;
}

static enum cs_rc sink_apply(void *self, struct cs_batch *batch)
{
    struct fake_table *table = fake_sink_table(batch->entity);
    enum cs_rc rc = look(batch, table);

    (void)self;
    assert_true(fake_sink.open);
    if (rc != CS_OK)
        return rc;
    for (size_t i = 0; i < batch->nrows; i++) {
        const struct cs_value *cells = batch->rows[i];
        struct fake_row *row =
            find_row(table, &cells[key_column(batch->entity)]);

        if (batch->op == CS_INSERT) {
            insert(table, cells);
            batch->affected++;
        } else if (row != NULL) {
            batch->affected++;
            if (batch->op == CS_UPDATE)
                update(batch->entity, row, cells);
            else
                delete (table, row);
        }
    }
    return may_fail();
}

const struct cs_module fake_sink_module = {
    .kind = CS_SINK,
    .ops.sink = {.life = {.open = sink_open, .close = sink_close},
                 .inspect = sink_inspect,
                 .alter = sink_alter,
                 .lock = sink_lock,
                 .holds = sink_holds,
                 .unlock = sink_unlock,
                 .scan = sink_scan,
                 .begin = sink_begin,
                 .apply = sink_apply,
                 .commit = sink_commit,
                 .rollback = sink_rollback},
};
