/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* Tables: looking at them, and changing them step by step. */
#include "oneroster.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- Looking ------------------------------------------------------------- */

enum cs_rc oneroster_inspect(void *arg, const struct cs_entity *entity,
                             unsigned *lengths)
{
    struct oneroster *self = arg;
    enum cs_rc rc = oneroster_load(self);
    if (rc != CS_OK)
        return rc;
    const json_t *table = oneroster_table(self, entity->table);
    if (table == NULL)
        return cs_fail(self->host, CS_E_NOT_HERE, "%s has no table %s",
                       self->folder, entity->table);
    for (size_t i = 0; i < entity->ncolumns; i++) {
        const struct cs_column *column = &entity->columns[i];
        const json_t *found =
            json_object_get(json_object_get(table, "columns"), column->name);
        json_int_t type = json_integer_value(json_object_get(found, "type"));
        if (found == NULL)
            return cs_fail(self->host, CS_E_CONFIG,
                           "table %s in %s has no column %s", entity->table,
                           self->folder, column->name);
        if (lengths != NULL && type != (json_int_t)column->type)
            return cs_fail(self->host, CS_E_CONFIG,
                           "column %s of table %s in %s is of another type",
                           column->name, entity->table, self->folder);
        if (lengths != NULL)
            lengths[i] =
                (unsigned)json_integer_value(json_object_get(found, "length"));
    }
    return CS_OK;
}

/* ---- Changing ------------------------------------------------------------ */

static json_t *oneroster_column(const struct cs_column *column)
{
    return json_pack("{s:i, s:I, s:b, s:b, s:b, s:s?, s:s?}", "type",
                     (int)column->type, "length",
                     column->type == CS_TEXT ? (json_int_t)column->length
                                             : (json_int_t)0,
                     "key", (column->flags & CS_KEY) != 0, "notnull",
                     (column->flags & (CS_NOT_NULL | CS_KEY)) != 0, "identity",
                     (column->flags & CS_AUTO) != 0, "references",
                     column->references, "fallback", column->fallback);
}

json_t *oneroster_default(const json_t *column)
{
    const char *text = json_string_value(json_object_get(column, "fallback"));
    json_int_t type = json_integer_value(json_object_get(column, "type"));
    bool needed = json_is_true(json_object_get(column, "notnull")) &&
                  !json_is_true(json_object_get(column, "key"));
    if (text == NULL && !needed)
        return json_null();
    if (type == CS_BOOL)
        return json_boolean(text != NULL && atoi(text) != 0);
    if (type == CS_INT)
        return json_integer(text ? strtoll(text, NULL, 10) : 0);
    return json_string(text ? text : "");
}

/* What a row says that was there before the column: nothing for a key, which
 * nobody can make up, and where it would refer to another row. */
static json_t *oneroster_filled(const struct cs_column *column,
                                const json_t *made)
{
    if (column->flags & CS_KEY || column->references != NULL)
        return json_null();
    return oneroster_default(made);
}

static enum cs_rc oneroster_create(struct oneroster *self,
                                   const struct cs_entity *entity)
{
    if (oneroster_table(self, entity->table) != NULL)
        return CS_OK;
    json_t *columns = json_object();
    for (size_t i = 0; i < entity->ncolumns; i++)
        if (json_object_set_new(columns, entity->columns[i].name,
                                oneroster_column(&entity->columns[i])) != 0) {
            json_decref(columns);
            return oneroster_no_memory(self);
        }
    json_t *table = json_pack("{s:o, s:I, s:{}}", "columns", columns, "last",
                              (json_int_t)0, "rows");
    if (json_object_set_new(self->tables, entity->table, table) != 0)
        return oneroster_no_memory(self);
    return CS_OK;
}

static enum cs_rc oneroster_add(struct oneroster *self, json_t *table,
                                const struct cs_column *column)
{
    json_t *columns = json_object_get(table, "columns"), *row;
    const char *number;
    if (json_object_get(columns, column->name) != NULL)
        return CS_OK;
    json_t *made = oneroster_column(column);
    /* Old rows have no key here, so it cannot be asked of every row. */
    if (column->flags & CS_KEY)
        json_object_set_new(made, "notnull", json_false());
    if (json_object_set_new(columns, column->name, made) != 0)
        return oneroster_no_memory(self);
    json_object_foreach(json_object_get(table, "rows"), number, row)
    {
        json_t *value = oneroster_filled(column, made);
        if (json_object_set_new(row, column->name, value) != 0)
            return oneroster_no_memory(self);
    }
    return CS_OK;
}

static enum cs_rc oneroster_widen(struct oneroster *self, json_t *table,
                                  const struct cs_column *column)
{
    json_t *found =
        json_object_get(json_object_get(table, "columns"), column->name);
    json_int_t length = json_integer_value(json_object_get(found, "length"));
    if (found == NULL || length == 0 ||
        (column->length > 0 && length >= (json_int_t)column->length))
        return CS_OK;
    if (json_object_set_new(found, "length",
                            json_integer((json_int_t)column->length)) != 0)
        return oneroster_no_memory(self);
    return CS_OK;
}

static enum cs_rc oneroster_step(struct oneroster *self,
                                 const struct cs_step *step)
{
    const struct cs_column *column = &step->entity->columns[step->column];
    json_t *table = oneroster_table(self, step->entity->table);
    if (step->change == CS_CREATE_TABLE)
        return oneroster_create(self, step->entity);
    if (table == NULL)
        return cs_fail(self->host, CS_E_NOT_HERE, "%s has no table %s",
                       self->folder, step->entity->table);
    if (step->change == CS_ADD_COLUMN)
        return oneroster_add(self, table, column);
    if (step->change == CS_WIDEN_COLUMN)
        return oneroster_widen(self, table, column);
    return CS_OK; /* all of it is in memory: no index is worth its place */
}

/* There is no SQL here: a sentence for whoever wants to know. */
static void oneroster_show(const struct cs_step *step, cs_sql_fn *show,
                           void *arg)
{
    static const char *const what[] = {
        [CS_CREATE_TABLE] = "create the table",
        [CS_ADD_COLUMN] = "add a column to",
        [CS_WIDEN_COLUMN] = "widen a column of",
        [CS_ADD_INDEX] = "index a column of (nothing to do)",
    };
    char line[512];
    snprintf(line, sizeof line, "-- records.json: %s %s%s%s\n",
             what[step->change], step->entity->table,
             step->change == CS_CREATE_TABLE ? "" : ": ",
             step->change == CS_CREATE_TABLE
                 ? ""
                 : step->entity->columns[step->column].name);
    show(arg, line);
}

enum cs_rc oneroster_alter(void *arg, const struct cs_step *step,
                           cs_sql_fn *show, void *show_arg)
{
    struct oneroster *self = arg;
    bool outer;
    if (show != NULL) {
        oneroster_show(step, show, show_arg);
        return CS_OK;
    }
    enum cs_rc rc = oneroster_enter(self, &outer);
    if (rc != CS_OK)
        return rc;
    return oneroster_leave(self, outer, oneroster_step(self, step));
}
