/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* Tables: looking at them, and changing them step by step. */
#include "sqlite-test.h"

#include <stdlib.h>
#include <string.h>

size_t sqlite_test_column(const struct cs_entity *entity, unsigned flag)
{
    size_t i = 0;
    while (i < entity->ncolumns && !(entity->columns[i].flags & flag))
        i++;
    return i;
}

/* The length in a declared type, 100 in "nvarchar(100)"; 0: none. */
static unsigned sqlite_test_length(const char *type)
{
    const char *bracket = strchr(type, '(');
    if (sqlite3_strlike("%char%", type, 0) != 0 || bracket == NULL)
        return 0;
    unsigned long length = strtoul(bracket + 1, NULL, 10);
    return length <= INT32_MAX ? (unsigned)length : 0;
}

/* A statement notices what others changed; a look alone would not. */
static enum cs_rc sqlite_test_refresh(struct sqlite_test *self)
{
    return sqlite_test_run(self, "SELECT 1 FROM sqlite_schema");
}

/* Looks at one column, or with NULL at the table as such. */
static enum cs_rc sqlite_test_look(struct sqlite_test *self, const char *table,
                                   const char *column, bool *found,
                                   unsigned *length)
{
    const char *type = NULL;
    int code = sqlite3_table_column_metadata(self->db, "main", table, column,
                                             &type, NULL, NULL, NULL, NULL);
    if (code != SQLITE_OK && code != SQLITE_ERROR)
        return sqlite_test_fail(self, table);
    *found = code == SQLITE_OK;
    *length = type != NULL ? sqlite_test_length(type) : 0;
    return CS_OK;
}

static enum cs_rc sqlite_test_lacking(struct sqlite_test *self,
                                      const struct cs_entity *entity,
                                      const struct cs_column *column)
{
    char *type = sqlite_test_sql_type(column);
    if (type == NULL)
        return sqlite_test_out_of_memory(self);
    enum cs_rc rc = cs_fail(self->host, CS_E_CONFIG,
                            "table %s in %s has no column %s: add one of type "
                            "%s",
                            entity->table, self->path, column->name, type);
    sqlite3_free(type);
    return rc;
}

enum cs_rc sqlite_test_inspect(void *arg, const struct cs_entity *entity,
                               unsigned *lengths)
{
    struct sqlite_test *self = arg;
    unsigned length;
    bool found = false;
    enum cs_rc rc = sqlite_test_connect(self, false);
    if (rc == CS_OK)
        rc = sqlite_test_refresh(self);
    if (rc == CS_OK)
        rc = sqlite_test_look(self, entity->table, NULL, &found, &length);
    if (rc == CS_OK && !found)
        rc = cs_fail(self->host, CS_E_NOT_HERE, "%s has no table %s",
                     self->path, entity->table);
    for (size_t i = 0; rc == CS_OK && i < entity->ncolumns; i++) {
        const char *name = entity->columns[i].name;
        rc = sqlite_test_look(self, entity->table, name, &found, &length);
        if (rc == CS_OK && !found)
            rc = sqlite_test_lacking(self, entity, &entity->columns[i]);
        if (rc == CS_OK && lengths != NULL)
            lengths[i] = entity->columns[i].type == CS_TEXT ? length : 0;
    }
    return rc;
}

/* What SQLite cannot do, and what was done before. */
static enum cs_rc sqlite_test_settled(struct sqlite_test *self,
                                      const struct cs_step *step, bool *done)
{
    *done = false;
    if (step->change != CS_ADD_COLUMN && step->change != CS_WIDEN_COLUMN)
        return CS_OK;
    const struct cs_column *column = &step->entity->columns[step->column];
    unsigned length;
    bool found;
    enum cs_rc rc = sqlite_test_refresh(self);
    if (rc == CS_OK)
        rc = sqlite_test_look(self, step->entity->table, column->name, &found,
                              &length);
    if (rc != CS_OK)
        return rc;
    if (step->change == CS_ADD_COLUMN)
        *done = found;
    else
        *done = found && (length == 0 ||
                          (column->length > 0 && length >= column->length));
    if (*done)
        return CS_OK;
    if (column->flags & CS_AUTO ||
        (step->change == CS_WIDEN_COLUMN &&
         (column->flags & CS_KEY || column->references != NULL)))
        return cs_fail(self->host, CS_E_CONFIG,
                       "SQLite cannot %s column %s of table %s in %s; make "
                       "the table anew",
                       step->change == CS_ADD_COLUMN ? "add" : "widen",
                       column->name, step->entity->table, self->path);
    return CS_OK;
}

enum cs_rc sqlite_test_alter(void *arg, const struct cs_step *step,
                             cs_sql_fn *show, void *show_arg)
{
    struct sqlite_test *self = arg;
    char *sql = sqlite_test_sql_step(step);
    if (sql == NULL)
        return sqlite_test_out_of_memory(self);
    enum cs_rc rc = CS_OK;
    bool outer, done;
    if (show != NULL) {
        show(show_arg, sql);
        goto out;
    }
    rc = sqlite_test_connect(self, true);
    if (rc == CS_OK)
        rc = sqlite_test_enter(self, &outer);
    if (rc != CS_OK)
        goto out;
    rc = sqlite_test_settled(self, step, &done);
    if (rc == CS_OK && !done)
        rc = sqlite_test_run(self, sql);
    rc = sqlite_test_leave(self, outer, rc);
out:
    sqlite3_free(sql);
    return rc;
}
