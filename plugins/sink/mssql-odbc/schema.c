/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* Tables: looking at them, and changing them step by step. */
#include "mssql-odbc.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

size_t mssql_odbc_column(const struct cs_entity *entity, unsigned flag)
{
    size_t i = 0;
    while (i < entity->ncolumns && !(entity->columns[i].flags & flag))
        i++;
    return i;
}

/* ---- Looking at a table ------------------------------------------------- */

enum { MSSQL_ODBC_NAME = 128 }; /* UTF-16 units of a name */

/* What the catalogue says of one column. */
struct mssql_odbc_entry {
    SQLWCHAR name[MSSQL_ODBC_NAME + 1];
    SQLWCHAR type[MSSQL_ODBC_NAME + 1];
    SQLWCHAR collation[MSSQL_ODBC_NAME + 1];
    SQLINTEGER bytes; /* -1: no limit */
    SQLLEN name_size, type_size, collation_size, bytes_size;
};

struct mssql_odbc_look { /* at a table */
    struct mssql_odbc *self;
    struct mssql_odbc_table *table;
    struct mssql_odbc_entry entry;
    bool any;       /* there is a column, and so there is a table */
    uint64_t found; /* bit i: column i of the entity */
};

static enum cs_rc mssql_odbc_bind(struct mssql_odbc_look *look, SQLHSTMT handle)
{
    struct mssql_odbc_entry *entry = &look->entry;
    const struct {
        SQLSMALLINT type;
        void *value;
        SQLLEN room;
        SQLLEN *size;
    } columns[] = {
        {SQL_C_WCHAR, entry->name, sizeof entry->name, &entry->name_size},
        {SQL_C_WCHAR, entry->type, sizeof entry->type, &entry->type_size},
        {SQL_C_SLONG, &entry->bytes, 0, &entry->bytes_size},
        {SQL_C_WCHAR, entry->collation, sizeof entry->collation,
         &entry->collation_size},
    };
    for (size_t i = 0; i < sizeof columns / sizeof *columns; i++)
        if (!SQL_SUCCEEDED(SQLBindCol(handle, (SQLUSMALLINT)(i + 1),
                                      columns[i].type, columns[i].value,
                                      columns[i].room, columns[i].size)))
            return mssql_odbc_fail(look->self, SQL_HANDLE_STMT, handle,
                                   look->table->entity->table);
    return CS_OK;
}

/* Copies a name into room.  One that is null, or too long to be any that is
 * known here, is empty. */
static enum cs_rc mssql_odbc_copy(struct mssql_odbc *self, SQLWCHAR *name,
                                  SQLLEN bytes, char *room, size_t size)
{
    size_t units = bytes > 0 ? (size_t)bytes / sizeof *name : 0;
    char *text = mssql_odbc_utf8(name, units);
    *room = '\0';
    if (text == NULL && errno != EILSEQ)
        return mssql_odbc_out_of_memory(self);
    if (text != NULL && strlen(text) < size)
        memcpy(room, text, strlen(text) + 1);
    free(text);
    return CS_OK;
}

static enum cs_rc mssql_odbc_describe(struct mssql_odbc_look *look,
                                      struct mssql_odbc_column *column)
{
    struct mssql_odbc_entry *entry = &look->entry;
    enum cs_rc rc = mssql_odbc_copy(look->self, entry->type, entry->type_size,
                                    column->type, sizeof column->type);
    if (rc == CS_OK)
        rc =
            mssql_odbc_copy(look->self, entry->collation, entry->collation_size,
                            column->collation, sizeof column->collation);
    column->length = 0;
    if (column->collation[0] != '\0' && entry->bytes > 0)
        column->length =
            (unsigned)entry->bytes / (column->type[0] == 'n' ? 2 : 1);
    return rc;
}

/* Names are compared as the catalogue of most databases compares them. */
static enum cs_rc mssql_odbc_enter_column(struct mssql_odbc_look *look)
{
    const struct cs_entity *entity = look->table->entity;
    char name[4 * MSSQL_ODBC_NAME + 1];
    enum cs_rc rc = mssql_odbc_copy(look->self, look->entry.name,
                                    look->entry.name_size, name, sizeof name);
    look->any = true;
    for (size_t i = 0; rc == CS_OK && i < entity->ncolumns; i++)
        if (strcasecmp(name, entity->columns[i].name) == 0) {
            look->found |= UINT64_C(1) << i;
            rc = mssql_odbc_describe(look, &look->table->columns[i]);
        }
    return rc;
}

static enum cs_rc mssql_odbc_look(struct mssql_odbc_look *look)
{
    const char *name = look->table->entity->table;
    struct mssql_odbc_statement statement;
    if (look->table->entity->ncolumns > MSSQL_ODBC_COLUMNS)
        return cs_fail(look->self->host, CS_E_FATAL,
                       "table %s has more than %d columns", name,
                       MSSQL_ODBC_COLUMNS);
    char *sql = mssql_odbc_sql_columns(name);
    if (sql == NULL)
        return mssql_odbc_out_of_memory(look->self);
    enum cs_rc rc =
        mssql_odbc_start(look->self, &statement, sql, NULL, 0, name);
    free(sql);
    if (rc != CS_OK)
        return rc;
    rc = mssql_odbc_rows(look->self, &statement, name);
    if (rc == CS_OK)
        rc = mssql_odbc_bind(look, statement.handle);
    while (rc == CS_OK) {
        rc = mssql_odbc_fetch(look->self, &statement, name);
        if (rc == CS_OK)
            rc = mssql_odbc_enter_column(look);
    }
    if (rc == CS_E_NOT_HERE) /* that was the last column */
        rc = CS_OK;
    return mssql_odbc_finish(look->self, &statement, name, rc);
}

/* ---- Is it as it must be? ----------------------------------------------- */

bool mssql_odbc_is_narrow(const struct mssql_odbc_column *column)
{
    return strcasecmp(column->type, "varchar") == 0 ||
           strcasecmp(column->type, "char") == 0;
}

bool mssql_odbc_is_utf8(const struct mssql_odbc_column *column)
{
    static const char end[] = "_UTF8";
    size_t length = strlen(column->collation), tail = strlen(end);
    return mssql_odbc_is_narrow(column) && length >= tail &&
           strcasecmp(column->collation + length - tail, end) == 0;
}

static bool mssql_odbc_suits(const struct cs_column *column, const char *type)
{
    static const char *const types[][4] = {
        [CS_BOOL] = {"bit"},
        [CS_INT] = {"int", "bigint", "smallint", "tinyint"},
        [CS_TEXT] = {"nvarchar", "varchar", "nchar", "char"},
        [CS_TIME] = {"datetime2", "datetime", "datetimeoffset",
                     "smalldatetime"},
    };
    /* The database fills nchar and char with blanks: no key comes back. */
    bool key = column->type == CS_TEXT && column->flags & CS_KEY;
    for (size_t i = 0; i < (key ? 2 : 4); i++) {
        const char *one = types[column->type][i];
        if (one != NULL && strcasecmp(one, type) == 0)
            return true;
    }
    return false;
}

/* A code page turns letters that it lacks into others, or into "?".  Keys are
 * Clever's identifiers and have none of those. */
static bool mssql_odbc_keeps(const struct cs_column *column,
                             const struct mssql_odbc_column *real)
{
    return column->type != CS_TEXT || column->flags & CS_KEY ||
           !mssql_odbc_is_narrow(real) || mssql_odbc_is_utf8(real);
}

/* type: what the column is instead; NULL: there is no such column. */
static enum cs_rc mssql_odbc_lacking(struct mssql_odbc *self,
                                     const struct cs_entity *entity,
                                     const struct cs_column *column,
                                     const char *type)
{
    enum cs_rc rc;
    char *right = mssql_odbc_sql_type(column);
    if (right == NULL)
        rc = mssql_odbc_out_of_memory(self);
    else if (type == NULL)
        rc = cs_fail(self->host, CS_E_CONFIG,
                     "table %s in %s has no column %s: add one of type %s",
                     entity->table, self->where, column->name, right);
    else
        rc = cs_fail(self->host, CS_E_CONFIG,
                     "column %s of table %s in %s has type %s, which does not "
                     "suit it: make it %s",
                     column->name, entity->table, self->where,
                     *type != '\0' ? type : "unknown", right);
    free(right);
    return rc;
}

static enum cs_rc mssql_odbc_judge(const struct mssql_odbc_look *look,
                                   bool types)
{
    const struct cs_entity *entity = look->table->entity;
    struct mssql_odbc *self = look->self;
    if (!look->any)
        return cs_fail(self->host, CS_E_NOT_HERE, "%s has no table %s",
                       self->where, entity->table);
    for (size_t i = 0; i < entity->ncolumns; i++) {
        const struct cs_column *column = &entity->columns[i];
        const char *type = look->table->columns[i].type;
        if (!(look->found >> i & 1))
            return mssql_odbc_lacking(self, entity, column, NULL);
        if (types && !mssql_odbc_suits(column, type))
            return mssql_odbc_lacking(self, entity, column, type);
        if (types && !mssql_odbc_keeps(column, &look->table->columns[i]))
            return cs_fail(self->host, CS_E_CONFIG,
                           "column %s of table %s in %s has type %s, which "
                           "spoils names with letters that its code page "
                           "lacks: change it with ALTER TABLE to nvarchar, as "
                           "long as it is now",
                           column->name, entity->table, self->where, type);
    }
    return CS_OK;
}

/* ---- What is known ------------------------------------------------------ */

void mssql_odbc_forget(struct mssql_odbc *self)
{
    for (size_t i = 0; i < MSSQL_ODBC_TABLES; i++) {
        free(self->tables[i]);
        self->tables[i] = NULL;
    }
}

/* The look may lose the connection, and with it all that is known. */
static enum cs_rc mssql_odbc_learn(struct mssql_odbc *self,
                                   const struct cs_entity *entity,
                                   const struct mssql_odbc_table **table)
{
    struct mssql_odbc_look look = {.self = self};
    look.table = calloc(1, sizeof *look.table);
    if (look.table == NULL)
        return mssql_odbc_out_of_memory(self);
    look.table->entity = entity;
    enum cs_rc rc = mssql_odbc_look(&look);
    if (rc == CS_OK)
        rc = mssql_odbc_judge(&look, true);
    if (rc != CS_OK) {
        free(look.table);
        return rc;
    }
    struct mssql_odbc_table **place = &self->tables[self->next_table];
    self->next_table = (self->next_table + 1) % MSSQL_ODBC_TABLES;
    free(*place);
    *place = look.table;
    *table = look.table;
    return CS_OK;
}

enum cs_rc mssql_odbc_find(struct mssql_odbc *self,
                           const struct cs_entity *entity,
                           const struct mssql_odbc_table **table)
{
    for (size_t i = 0; i < MSSQL_ODBC_TABLES; i++)
        if (self->tables[i] != NULL && self->tables[i]->entity == entity) {
            *table = self->tables[i];
            return CS_OK;
        }
    return mssql_odbc_learn(self, entity, table);
}

/* Is all there, whatever its types are?  This is not kept: such a table is not
 * to be used. */
static enum cs_rc mssql_odbc_is_there(struct mssql_odbc *self,
                                      const struct cs_entity *entity)
{
    struct mssql_odbc_table table = {.entity = entity};
    struct mssql_odbc_look look = {.self = self, .table = &table};
    enum cs_rc rc = mssql_odbc_look(&look);
    return rc == CS_OK ? mssql_odbc_judge(&look, false) : rc;
}

/* Others may have changed the table: what is known does not count. */
enum cs_rc mssql_odbc_inspect(void *arg, const struct cs_entity *entity,
                              unsigned *lengths)
{
    struct mssql_odbc *self = arg;
    const struct mssql_odbc_table *table = NULL;
    enum cs_rc rc = mssql_odbc_connect(self);
    mssql_odbc_forget(self);
    if (rc == CS_OK)
        rc = lengths != NULL ? mssql_odbc_find(self, entity, &table)
                             : mssql_odbc_is_there(self, entity);
    for (size_t i = 0; rc == CS_OK && lengths != NULL && i < entity->ncolumns;
         i++)
        lengths[i] = table->columns[i].length;
    return rc;
}

/* ---- Changing ----------------------------------------------------------- */

/* A step is done or not: in a transaction of its own or, inside of one, after
 * a savepoint. */
static enum cs_rc mssql_odbc_enter(struct mssql_odbc *self, bool *inside)
{
    *inside = self->transaction;
    enum cs_rc rc = mssql_odbc_run(self,
                                   *inside ? "SAVE TRANSACTION cleversync_step"
                                           : "BEGIN TRANSACTION",
                                   NULL, 0, NULL, NULL, 0);
    self->transaction = *inside || rc == CS_OK;
    return rc;
}

/* Without a connection the server undoes everything by itself, and it may have
 * done so because of the failure. */
static void mssql_odbc_undo(struct mssql_odbc *self, bool inside)
{
    static const char step[] =
        "IF XACT_STATE() = 1 ROLLBACK TRANSACTION cleversync_step\n"
        "ELSE IF @@TRANCOUNT > 0 ROLLBACK TRANSACTION;\n"
        "SELECT @@TRANCOUNT";
    static const char all[] = "IF @@TRANCOUNT > 0 ROLLBACK TRANSACTION;\n"
                              "SELECT @@TRANCOUNT";
    int64_t open = 0;
    if (self->connection == NULL)
        return;
    if (mssql_odbc_run(self, inside ? step : all, NULL, 0, NULL, &open, 1) ==
        CS_OK)
        self->transaction = open > 0;
    else
        mssql_odbc_disconnect(self);
}

static enum cs_rc mssql_odbc_leave(struct mssql_odbc *self, bool inside,
                                   enum cs_rc rc)
{
    if (rc == CS_OK && !inside)
        rc = mssql_odbc_run(self, "COMMIT TRANSACTION", NULL, 0, NULL, NULL, 0);
    if (rc != CS_OK)
        mssql_odbc_undo(self, inside);
    if (!inside)
        self->transaction = false;
    return rc;
}

enum cs_rc mssql_odbc_alter(void *arg, const struct cs_step *step,
                            cs_sql_fn *show, void *show_arg)
{
    struct mssql_odbc *self = arg;
    char *sql = mssql_odbc_sql_step(step);
    if (sql == NULL)
        return mssql_odbc_out_of_memory(self);
    enum cs_rc rc = CS_OK;
    bool inside;
    if (show != NULL) {
        show(show_arg, sql);
        goto out;
    }
    rc = mssql_odbc_connect(self);
    if (rc == CS_OK)
        rc = mssql_odbc_enter(self, &inside);
    if (rc != CS_OK)
        goto out;
    rc = mssql_odbc_run(self, sql, NULL, 0, step->entity->table, NULL, 0);
    rc = mssql_odbc_leave(self, inside, rc);
    mssql_odbc_forget(self);
out:
    free(sql);
    return rc;
}
