/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* Rows: reading them as a stream, and writing batches. */
#include "oneroster.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- Cells --------------------------------------------------------------- */

static bool oneroster_is_text(enum cs_type type)
{
    return type == CS_TEXT || type == CS_TIME;
}

static json_t *oneroster_value(enum cs_type type, const struct cs_value *cell)
{
    if (cell->state != CS_SET)
        return json_null();
    if (oneroster_is_text(type))
        return json_string(cell->as.text); /* NULL: not UTF-8 */
    return type == CS_BOOL ? json_boolean(cell->as.boolean)
                           : json_integer(cell->as.integer);
}

static void oneroster_read(enum cs_type type, const json_t *value,
                           struct cs_value *cell)
{
    *cell = (struct cs_value){.state = CS_NULL};
    if (value == NULL || json_is_null(value))
        return;
    cell->state = CS_SET;
    if (oneroster_is_text(type))
        cell->as.text = json_string_value(value);
    else if (type == CS_BOOL)
        cell->as.boolean = json_is_true(value);
    else
        cell->as.integer = json_integer_value(value);
}

/* As many UTF-16 units as SQL Server would count: two for what takes four
 * bytes of UTF-8. */
static size_t oneroster_units(const char *text)
{
    size_t units = 0;
    for (; *text != '\0'; text++) {
        unsigned char byte = (unsigned char)*text;
        units += (byte & 0xC0) != 0x80;
        units += byte >= 0xF0;
    }
    return units;
}

/* "2026-01-31T02:03:04.567Z" and "...04Z" in order: the end of a whole second
 * is no digit. */
static int oneroster_order_times(const char *a, const char *b)
{
    size_t i = 0;
    while (a[i] != '\0' && a[i] == b[i])
        i++;
    int left = a[i] >= '0' && a[i] <= '9' ? a[i] : '0';
    int right = b[i] >= '0' && b[i] <= '9' ? b[i] : '0';
    return left - right;
}

/* Both are set. */
static int oneroster_order(enum cs_type type, const struct cs_value *a,
                           const struct cs_value *b)
{
    switch (type) {
    case CS_BOOL:
        return (int)a->as.boolean - (int)b->as.boolean;
    case CS_INT:
        return (a->as.integer > b->as.integer) -
               (a->as.integer < b->as.integer);
    case CS_TIME:
        return oneroster_order_times(a->as.text, b->as.text);
    case CS_TEXT:
        break;
    }
    return strcmp(a->as.text, b->as.text);
}

/* ---- Where a value is ---------------------------------------------------- */

/* "TABLE.COLUMN" -> value as text -> number of a row, for columns whose values
 * are all different; made when it is first asked for. */
static json_t *oneroster_index(struct oneroster *self, const char *table,
                               const char *column)
{
    json_t *rows = json_object_get(oneroster_table(self, table), "rows"), *row;
    char name[512];
    const char *number;
    if (snprintf(name, sizeof name, "%s.%s", table, column) >= (int)sizeof name)
        return NULL;
    json_t *index = json_object_get(self->index, name);
    if (index != NULL)
        return index;
    index = json_object();
    json_object_foreach(rows, number, row)
    {
        const char *text = json_string_value(json_object_get(row, column));
        if (text != NULL)
            json_object_set_new(index, text, json_string(number));
    }
    return json_object_set_new(self->index, name, index) == 0 ? index : NULL;
}

static const char *oneroster_find(struct oneroster *self, const char *table,
                                  const char *column, const char *text)
{
    return json_string_value(
        json_object_get(oneroster_index(self, table, column), text));
}

/* ---- Scans --------------------------------------------------------------- */

static size_t oneroster_flagged(const struct cs_entity *entity, unsigned flag)
{
    size_t i = 0;
    while (i < entity->ncolumns && !(entity->columns[i].flags & flag))
        i++;
    return i;
}

static bool oneroster_wanted(const struct cs_entity *entity,
                             const struct cs_filter *filter,
                             const struct cs_value *row)
{
    const struct cs_value *cell = &row[filter->column];
    enum cs_type type = entity->columns[filter->column].type;
    if (filter->below != NULL &&
        (cell->state != CS_SET ||
         oneroster_order(type, cell, filter->below) >= 0))
        return false;
    bool in = filter->in == NULL;
    for (size_t i = 0; !in && i < filter->nin; i++)
        in = cell->state == CS_SET && filter->in[i].state == CS_SET &&
             oneroster_order(type, cell, &filter->in[i]) == 0;
    return in;
}

struct oneroster_reading {
    struct oneroster *self;
    const struct cs_entity *entity;
    const struct cs_filter *filter;
    cs_row_fn *each;
    void *arg;
    struct cs_value *row;
};

static enum cs_rc oneroster_give(const struct oneroster_reading *reading,
                                 const json_t *row)
{
    const struct cs_entity *entity = reading->entity;
    const struct cs_host *host = reading->self->host;
    if (host->remaining_ms(host) == 0)
        return oneroster_late(reading->self);
    for (size_t i = 0; i < entity->ncolumns; i++)
        oneroster_read(entity->columns[i].type,
                       json_object_get(row, entity->columns[i].name),
                       &reading->row[i]);
    if (!oneroster_wanted(entity, reading->filter, reading->row))
        return CS_OK;
    return reading->each(reading->arg, reading->row);
}

/* Those of a list of keys, each found in the index. */
static enum cs_rc oneroster_listed(const struct oneroster_reading *reading,
                                   json_t *rows)
{
    const struct cs_filter *filter = reading->filter;
    const char *column = reading->entity->columns[filter->column].name;
    enum cs_rc rc = CS_OK;
    for (size_t i = 0; rc == CS_OK && i < filter->nin; i++) {
        const char *number = NULL;
        if (filter->in[i].state == CS_SET)
            number = oneroster_find(reading->self, reading->entity->table,
                                    column, filter->in[i].as.text);
        if (number != NULL)
            rc = oneroster_give(reading, json_object_get(rows, number));
    }
    return rc;
}

/* Rows are kept in the order in which they came. */
static enum cs_rc oneroster_newest(const struct oneroster_reading *reading,
                                   json_t *rows, json_int_t last)
{
    const struct cs_filter *filter = reading->filter;
    size_t given = 0;
    enum cs_rc rc = CS_OK;
    for (; rc == CS_OK && last > 0 && given < filter->newest; last--) {
        char number[24];
        snprintf(number, sizeof number, "%lld", (long long)last);
        const json_t *row = json_object_get(rows, number);
        if (row == NULL)
            continue;
        struct cs_value cell;
        const struct cs_column *column =
            &reading->entity->columns[filter->column];
        oneroster_read(column->type, json_object_get(row, column->name), &cell);
        reading->row[filter->column] = cell;
        given += oneroster_wanted(reading->entity, filter, reading->row);
        rc = oneroster_give(reading, row);
    }
    return rc;
}

static enum cs_rc oneroster_all(const struct oneroster_reading *reading,
                                json_t *rows)
{
    enum cs_rc rc = CS_OK;
    for (void *at = json_object_iter(rows); rc == CS_OK && at != NULL;
         at = json_object_iter_next(rows, at))
        rc = oneroster_give(reading, json_object_iter_value(at));
    return rc;
}

enum cs_rc oneroster_scan(void *arg, const struct cs_entity *entity,
                          const struct cs_filter *filter, cs_row_fn *each,
                          void *each_arg)
{
    static const struct cs_filter all = {.size = sizeof all};
    struct oneroster *self = arg;
    enum cs_rc rc = oneroster_inspect(self, entity, NULL);
    if (rc != CS_OK)
        return rc;
    if (filter == NULL)
        filter = &all;
    json_t *table = json_incref(oneroster_table(self, entity->table));
    json_t *rows = json_object_get(table, "rows");
    struct oneroster_reading reading = {
        self, entity,   filter,
        each, each_arg, calloc(entity->ncolumns, sizeof *reading.row)};
    if (reading.row == NULL)
        rc = oneroster_no_memory(self);
    else if (filter->newest > 0)
        rc = oneroster_newest(
            &reading, rows, json_integer_value(json_object_get(table, "last")));
    else if (filter->in != NULL &&
             entity->columns[filter->column].flags & CS_KEY)
        rc = oneroster_listed(&reading, rows);
    else
        rc = oneroster_all(&reading, rows);
    free(reading.row);
    json_decref(table);
    return rc;
}

/* ---- What a row has to be ------------------------------------------------ */

static enum cs_rc oneroster_bad(struct oneroster *self, const char *table,
                                const char *column, const char *why)
{
    return cs_fail(self->host, CS_E_DATA, "%s, table %s, column %s: %s",
                   self->folder, table, column, why);
}

/* Is a row with this value in that column of the table? */
static bool oneroster_is_there(struct oneroster *self, const char *table,
                               const char *column, const json_t *value)
{
    json_t *rows = json_object_get(oneroster_table(self, table), "rows"), *row;
    const char *number;
    json_object_foreach(
        rows, number,
        row) if (json_equal(json_object_get(row, column), value)) return true;
    return false;
}

static enum cs_rc oneroster_fits(struct oneroster *self, const char *table,
                                 const char *number, const char *name,
                                 const json_t *column, const json_t *value)
{
    const char *to = json_string_value(json_object_get(column, "references"));
    json_int_t most = json_integer_value(json_object_get(column, "length"));
    const char *text = json_string_value(value);
    if (json_is_null(value)) {
        if (json_is_true(json_object_get(column, "notnull")))
            return oneroster_bad(self, table, name, "null is not allowed");
        return CS_OK;
    }
    if (most > 0 && oneroster_units(text) > (size_t)most)
        return oneroster_bad(self, table, name, "the text is too long");
    if (json_is_true(json_object_get(column, "key"))) {
        const char *other = oneroster_find(self, table, name, text);
        if (other != NULL && strcmp(other, number) != 0)
            return oneroster_bad(self, table, name,
                                 "another row has this value where each must "
                                 "be different");
    }
    if (to != NULL) {
        char target[256];
        size_t dot = strrchr(to, '.') ? (size_t)(strrchr(to, '.') - to) : 0;
        snprintf(target, sizeof target, "%.*s", (int)dot, to);
        if (!oneroster_is_there(self, target, to + dot + 1, value))
            return oneroster_bad(self, table, name,
                                 "the row refers to one that is not there");
    }
    return CS_OK;
}

static enum cs_rc oneroster_all_fit(struct oneroster *self, const char *name,
                                    const char *number, const json_t *row)
{
    json_t *columns = json_object_get(oneroster_table(self, name), "columns");
    json_t *column;
    const char *called;
    json_object_foreach(columns, called, column)
    {
        enum cs_rc rc = oneroster_fits(self, name, number, called, column,
                                       json_object_get(row, called));
        if (rc != CS_OK)
            return rc;
    }
    return CS_OK;
}

/* Does a row of some table refer to this one? */
static enum cs_rc oneroster_is_free(struct oneroster *self, const char *name,
                                    const json_t *row)
{
    json_t *table, *column;
    const char *other, *called;
    json_object_foreach(self->tables, other, table)
        json_object_foreach(json_object_get(table, "columns"), called, column)
    {
        const char *to =
            json_string_value(json_object_get(column, "references"));
        size_t length = strlen(name);
        if (to == NULL || strncmp(to, name, length) != 0 || to[length] != '.')
            continue;
        if (oneroster_is_there(self, other, called,
                               json_object_get(row, to + length + 1)))
            return oneroster_bad(self, other, called,
                                 "a row refers to one that would go");
    }
    return CS_OK;
}

/* ---- Putting a row in its place ------------------------------------------ */

/* Takes `row` over; NULL: away with it.  Keeps the indexes right. */
static bool oneroster_put(struct oneroster *self, const char *name,
                          const char *number, json_t *row)
{
    json_t *table = oneroster_table(self, name), *column;
    json_t *rows = json_object_get(table, "rows");
    json_t *old = json_incref(json_object_get(rows, number));
    const char *called;
    bool well = row == NULL ? old == NULL || json_object_del(rows, number) == 0
                            : json_object_set(rows, number, row) == 0;
    json_object_foreach(json_object_get(table, "columns"), called, column)
    {
        if (!json_is_true(json_object_get(column, "key")))
            continue;
        json_t *index = oneroster_index(self, name, called);
        const char *was = json_string_value(json_object_get(old, called));
        const char *is = json_string_value(json_object_get(row, called));
        if (was != NULL)
            json_object_del(index, was);
        if (is != NULL)
            well = json_object_set_new(index, is, json_string(number)) == 0 &&
                   well;
    }
    json_decref(old);
    json_decref(row);
    return well;
}

/* As put(), and notes how to take it back. */
static enum cs_rc oneroster_change(struct oneroster *self, const char *name,
                                   const char *number, json_t *row)
{
    const json_t *rows = json_object_get(oneroster_table(self, name), "rows");
    json_t *old = json_object_get(rows, number);
    json_t *note = json_pack("[s, s, O?]", name, number, old);
    if (json_array_append_new(self->undo, note) != 0) {
        json_decref(row);
        return oneroster_no_memory(self);
    }
    return oneroster_put(self, name, number, row) ? CS_OK
                                                  : oneroster_no_memory(self);
}

static void oneroster_take_back(struct oneroster *self)
{
    for (size_t i = json_array_size(self->undo); i-- > 0;) {
        const json_t *note = json_array_get(self->undo, i);
        json_t *old = json_array_get(note, 2);
        oneroster_put(self, json_string_value(json_array_get(note, 0)),
                      json_string_value(json_array_get(note, 1)),
                      json_is_null(old) ? NULL : json_incref(old));
    }
}

/* ---- Batches ------------------------------------------------------------- */

/* Writes the cells of a row that say something; gives the column whose value
 * is none, or NULL. */
static const char *oneroster_fill(const struct cs_entity *entity,
                                  const struct cs_value *cells, bool update,
                                  json_t *row)
{
    unsigned never = CS_AUTO | (update ? CS_KEY : 0u);
    for (size_t i = 0; i < entity->ncolumns; i++) {
        const struct cs_column *column = &entity->columns[i];
        if (cells[i].state == CS_ABSENT || column->flags & never)
            continue;
        if (json_object_set_new(row, column->name,
                                oneroster_value(column->type, &cells[i])) != 0)
            return column->name;
    }
    return NULL;
}

/* What the table says for columns that a new row does not name. */
static void oneroster_defaults(const json_t *table, json_int_t number,
                               json_t *row)
{
    json_t *column;
    const char *name;
    json_object_foreach(json_object_get(table, "columns"), name, column)
    {
        bool identity = json_is_true(json_object_get(column, "identity"));
        json_t *value =
            identity ? json_integer(number) : oneroster_default(column);
        json_object_set_new(row, name, value);
    }
}

static enum cs_rc oneroster_checked(struct oneroster *self, const char *name,
                                    const char *number, const char *wrong,
                                    json_t *row)
{
    enum cs_rc rc = wrong == NULL
                        ? oneroster_all_fit(self, name, number, row)
                        : oneroster_bad(self, name, wrong, "not UTF-8 text");
    if (rc == CS_OK)
        return oneroster_change(self, name, number, row);
    json_decref(row);
    return rc;
}

static enum cs_rc oneroster_insert(struct oneroster *self,
                                   const struct cs_entity *entity,
                                   const struct cs_value *cells)
{
    json_t *table = oneroster_table(self, entity->table), *row = json_object();
    json_int_t last = json_integer_value(json_object_get(table, "last")) + 1;
    char number[24];
    snprintf(number, sizeof number, "%lld", (long long)last);
    json_object_set_new(table, "last", json_integer(last));
    oneroster_defaults(table, last, row);
    const char *wrong = oneroster_fill(entity, cells, false, row);
    return oneroster_checked(self, entity->table, number, wrong, row);
}

static enum cs_rc oneroster_update(struct oneroster *self,
                                   const struct cs_entity *entity,
                                   const struct cs_value *cells,
                                   const char *number)
{
    const json_t *table = oneroster_table(self, entity->table);
    json_t *row =
        json_copy(json_object_get(json_object_get(table, "rows"), number));
    const char *wrong = oneroster_fill(entity, cells, true, row);
    return oneroster_checked(self, entity->table, number, wrong, row);
}

static enum cs_rc oneroster_delete(struct oneroster *self, const char *name,
                                   const char *number)
{
    const json_t *table = oneroster_table(self, name);
    enum cs_rc rc = oneroster_is_free(
        self, name, json_object_get(json_object_get(table, "rows"), number));
    return rc == CS_OK ? oneroster_change(self, name, number, NULL) : rc;
}

static enum cs_rc oneroster_write(struct oneroster *self,
                                  struct cs_batch *batch, size_t key,
                                  const struct cs_value *cells)
{
    const struct cs_entity *entity = batch->entity;
    if (self->host->remaining_ms(self->host) == 0)
        return oneroster_late(self);
    if (cells[key].state != CS_SET)
        return oneroster_bad(self, entity->table, entity->columns[key].name,
                             "a row has no key");
    if (batch->op == CS_INSERT) {
        batch->affected++;
        return oneroster_insert(self, entity, cells);
    }
    const char *found = oneroster_find(
        self, entity->table, entity->columns[key].name, cells[key].as.text);
    if (found == NULL)
        return CS_OK; /* does not count */
    char number[24];  /* the index, which lends it, is about to change */
    snprintf(number, sizeof number, "%s", found);
    batch->affected++;
    return batch->op == CS_DELETE
               ? oneroster_delete(self, entity->table, number)
               : oneroster_update(self, entity, cells, number);
}

static enum cs_rc oneroster_rows(struct oneroster *self, struct cs_batch *batch)
{
    size_t key = oneroster_flagged(batch->entity, CS_KEY);
    enum cs_rc rc = oneroster_inspect(self, batch->entity, NULL);
    if (rc != CS_OK)
        return rc;
    self->undo = json_array();
    for (size_t i = 0; rc == CS_OK && i < batch->nrows; i++)
        rc = oneroster_write(self, batch, key, batch->rows[i]);
    if (rc != CS_OK)
        oneroster_take_back(self);
    self->people = self->people || oneroster_csv_shows(batch->entity->table);
    json_decref(self->undo);
    self->undo = NULL;
    return rc;
}

enum cs_rc oneroster_apply(void *arg, struct cs_batch *batch)
{
    struct oneroster *self = arg;
    bool outer;
    batch->affected = 0;
    if (oneroster_flagged(batch->entity, CS_KEY) == batch->entity->ncolumns)
        return cs_fail(self->host, CS_E_FATAL, "table %s has no key",
                       batch->entity->table);
    if (batch->nrows == 0)
        return CS_OK;
    enum cs_rc rc = oneroster_enter(self, &outer);
    if (rc != CS_OK)
        return rc;
    rc = oneroster_leave(self, outer, oneroster_rows(self, batch));
    if (rc != CS_OK)
        batch->affected = 0;
    return rc;
}
