/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* Writing with arrays of parameters: what a JSON text cannot take to the
 * server.  Drivers go on after a row that is refused, or do not, and tell so in
 * an array of states, in a result, or in both: each is looked at. */
#define _GNU_SOURCE 1 /* asprintf() */

#include "mssql-odbc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    MSSQL_ODBC_ARRAY = 1000,          /* rows */
    MSSQL_ODBC_ARRAY_BYTES = 4 << 20, /* of their texts */
    MSSQL_ODBC_SHORT = 4000,          /* units that nvarchar(n) can have */
};

/* A column of parameters. */
struct mssql_odbc_texts {
    size_t column; /* of the entity */
    size_t widest; /* text in it, in units */
    SQLWCHAR *cells;
    SQLLEN *lengths;
};

struct mssql_odbc_writer {
    struct mssql_odbc *self;
    const struct mssql_odbc_table *table;
    const struct mssql_odbc_part *part;
    char *sql;
    struct mssql_odbc_texts texts[MSSQL_ODBC_COLUMNS];
    size_t ntexts;
    size_t first, n; /* rows of one execution */
    SQLUSMALLINT status[MSSQL_ODBC_ARRAY];
    SQLULEN processed;
};

static const char *mssql_odbc_name(const struct mssql_odbc_writer *writer)
{
    return writer->table->entity->table;
}

/* ---- Parameters --------------------------------------------------------- */

static const char *mssql_odbc_cell(const struct mssql_odbc_writer *writer,
                                   size_t row, size_t column,
                                   char room[MSSQL_ODBC_VALUE])
{
    return mssql_odbc_value_text(writer->table->entity->columns[column].type,
                                 &writer->part->rows[row][column], room);
}

/* In the order of the statement's parameters: the key is the last one of an
 * update or a deletion. */
static void mssql_odbc_choose(struct mssql_odbc_writer *writer)
{
    const struct mssql_odbc_part *part = writer->part;
    for (size_t i = 0; i < writer->table->entity->ncolumns; i++)
        if (part->op != CS_DELETE && part->mask >> i & 1)
            writer->texts[writer->ntexts++].column = i;
    if (part->op != CS_INSERT)
        writer->texts[writer->ntexts++].column = part->key;
}

/* Takes one more row into the next execution, unless that would be too much:
 * each text has as much room as the longest of its column. */
static bool mssql_odbc_widen(struct mssql_odbc_writer *writer)
{
    size_t widest[MSSQL_ODBC_COLUMNS], width = 0;
    for (size_t i = 0; i < writer->ntexts; i++) {
        const struct mssql_odbc_texts *texts = &writer->texts[i];
        char room[MSSQL_ODBC_VALUE];
        const char *text = mssql_odbc_cell(writer, writer->first + writer->n,
                                           texts->column, room);
        size_t units = text != NULL ? mssql_odbc_units(text) : 0;
        widest[i] = units > texts->widest ? units : texts->widest;
        width += (widest[i] + 1) * sizeof(SQLWCHAR);
    }
    if (writer->n > 0 && (writer->n + 1) * width > MSSQL_ODBC_ARRAY_BYTES)
        return false;
    for (size_t i = 0; i < writer->ntexts; i++)
        writer->texts[i].widest = widest[i];
    writer->n++;
    return true;
}

/* The rows from `first` on that one execution writes. */
static void mssql_odbc_block(struct mssql_odbc_writer *writer, size_t first)
{
    writer->first = first;
    writer->n = 0;
    for (size_t i = 0; i < writer->ntexts; i++)
        writer->texts[i].widest = 0;
    while (writer->n < MSSQL_ODBC_ARRAY &&
           first + writer->n < writer->part->nrows && mssql_odbc_widen(writer))
        continue;
}

static void mssql_odbc_empty(struct mssql_odbc_writer *writer)
{
    for (size_t i = 0; i < writer->ntexts; i++) {
        free(writer->texts[i].cells);
        free(writer->texts[i].lengths);
        writer->texts[i].cells = NULL;
        writer->texts[i].lengths = NULL;
    }
}

static enum cs_rc mssql_odbc_fill(const struct mssql_odbc_writer *writer,
                                  struct mssql_odbc_texts *texts)
{
    texts->cells =
        calloc(writer->n, (texts->widest + 1) * sizeof *texts->cells);
    texts->lengths = calloc(writer->n, sizeof *texts->lengths);
    if (texts->cells == NULL || texts->lengths == NULL)
        return mssql_odbc_out_of_memory(writer->self);
    for (size_t i = 0; i < writer->n; i++) {
        char room[MSSQL_ODBC_VALUE];
        const char *text =
            mssql_odbc_cell(writer, writer->first + i, texts->column, room);
        size_t units = 0;
        texts->lengths[i] = SQL_NULL_DATA;
        if (text == NULL)
            continue;
        SQLWCHAR *wide = mssql_odbc_utf16(text, &units);
        if (wide == NULL)
            return mssql_odbc_out_of_memory(writer->self);
        memcpy(texts->cells + i * (texts->widest + 1), wide,
               units * sizeof *wide);
        texts->lengths[i] = (SQLLEN)(units * sizeof *wide);
        free(wide);
    }
    return CS_OK;
}

/* ---- Statements --------------------------------------------------------- */

static char *mssql_odbc_change(const struct mssql_odbc_writer *writer)
{
    const struct mssql_odbc_part *part = writer->part;
    if (part->op == CS_INSERT)
        return mssql_odbc_sql_insert(writer->table, part->mask);
    if (part->op == CS_UPDATE)
        return mssql_odbc_sql_update(writer->table, part->mask, part->key);
    return mssql_odbc_sql_delete(writer->table, part->key);
}

/* The rows of an array are so many statements.  One that makes the server undo
 * the transaction (a deadlock, a trigger) does not keep it from running those
 * that follow, and they would be stored at once. */
static char *mssql_odbc_guarded(const struct mssql_odbc_writer *writer)
{
    char *sql, *change = mssql_odbc_change(writer);
    if (change == NULL || asprintf(&sql, "IF @@TRANCOUNT > 0\n%s", change) < 0)
        sql = NULL;
    free(change);
    return sql;
}

static enum cs_rc mssql_odbc_refused(const struct mssql_odbc_writer *writer,
                                     SQLHSTMT handle)
{
    return mssql_odbc_fail(writer->self, SQL_HANDLE_STMT, handle,
                           mssql_odbc_name(writer));
}

static enum cs_rc mssql_odbc_bind(const struct mssql_odbc_writer *writer,
                                  SQLHSTMT handle, size_t place,
                                  const struct mssql_odbc_texts *texts)
{
    bool brief = texts->widest <= MSSQL_ODBC_SHORT;
    if (SQL_SUCCEEDED(SQLBindParameter(
            handle, (SQLUSMALLINT)(place + 1), SQL_PARAM_INPUT, SQL_C_WCHAR,
            brief ? SQL_WVARCHAR : SQL_WLONGVARCHAR,
            brief ? MSSQL_ODBC_SHORT : texts->widest, 0, texts->cells,
            (SQLLEN)((texts->widest + 1) * sizeof *texts->cells),
            texts->lengths)))
        return CS_OK;
    return mssql_odbc_refused(writer, handle);
}

static enum cs_rc mssql_odbc_prepare(struct mssql_odbc_writer *writer,
                                     SQLHSTMT handle)
{
    struct mssql_odbc *self = writer->self;
    const char *table = mssql_odbc_name(writer);
    enum cs_rc rc = mssql_odbc_attribute(self, handle, SQL_ATTR_PARAMSET_SIZE,
                                         (void *)(uintptr_t)writer->n, table);
    if (rc == CS_OK)
        rc = mssql_odbc_attribute(self, handle, SQL_ATTR_PARAM_STATUS_PTR,
                                  writer->status, table);
    if (rc == CS_OK)
        rc = mssql_odbc_attribute(self, handle, SQL_ATTR_PARAMS_PROCESSED_PTR,
                                  &writer->processed, table);
    for (size_t i = 0; rc == CS_OK && i < writer->ntexts; i++) {
        rc = mssql_odbc_fill(writer, &writer->texts[i]);
        if (rc == CS_OK)
            rc = mssql_odbc_bind(writer, handle, i, &writer->texts[i]);
    }
    if (rc == CS_OK && writer->part->op != CS_INSERT) /* the key again */
        rc = mssql_odbc_bind(writer, handle, writer->ntexts,
                             &writer->texts[writer->ntexts - 1]);
    return rc;
}

/* What became of the rows.  A driver may stop at the first bad one, and then
 * the rest is none that was written.  Microsoft's does not take one row for an
 * array: it has no state, and its fault was one of the statement. */
static bool mssql_odbc_stored(const struct mssql_odbc_writer *writer)
{
    if (writer->n == 1)
        return writer->status[0] != SQL_PARAM_ERROR;
    if (writer->processed != writer->n)
        return false;
    for (size_t i = 0; i < writer->n; i++)
        if (writer->status[i] != SQL_PARAM_SUCCESS &&
            writer->status[i] != SQL_PARAM_SUCCESS_WITH_INFO)
            return false;
    return true;
}

/* Was a row refused, and is it said why?  FreeTDS marks some rows before it
 * comes to their fault. */
static bool mssql_odbc_bad(const struct mssql_odbc_writer *writer,
                           SQLHSTMT handle)
{
    SQLINTEGER records = 0;
    for (size_t i = 0; i < writer->n; i++)
        if (writer->status[i] == SQL_PARAM_ERROR)
            return SQL_SUCCEEDED(SQLGetDiagField(SQL_HANDLE_STMT, handle, 0,
                                                 SQL_DIAG_NUMBER, &records, 0,
                                                 NULL)) &&
                   records > 0;
    return false;
}

/* ---- Running ------------------------------------------------------------ */

/* A result: the one that counts is one row with the number of rows changed, a
 * trigger may have others, and one without columns is what the driver thinks of
 * that. */
static enum cs_rc mssql_odbc_count(const struct mssql_odbc_writer *writer,
                                   SQLHSTMT handle, size_t *affected)
{
    SQLSMALLINT columns = 0, name_length = 0;
    SQLCHAR name[sizeof MSSQL_ODBC_COUNT + 1] = ""; /* room to differ */
    SQLBIGINT changed = 0;
    SQLLEN length = 0;
    if (!SQL_SUCCEEDED(SQLNumResultCols(handle, &columns)))
        return mssql_odbc_refused(writer, handle);
    if (columns > 0 &&
        !SQL_SUCCEEDED(SQLDescribeCol(handle, 1, name, sizeof name,
                                      &name_length, NULL, NULL, NULL, NULL)))
        return mssql_odbc_refused(writer, handle);
    if (strcmp((const char *)name, MSSQL_ODBC_COUNT) != 0)
        return CS_OK;
    if (!SQL_SUCCEEDED(SQLFetch(handle)) ||
        !SQL_SUCCEEDED(SQLGetData(handle, 1, SQL_C_SBIGINT, &changed,
                                  sizeof changed, &length)))
        return mssql_odbc_refused(writer, handle);
    if (changed > 0)
        *affected += (size_t)changed;
    return CS_OK;
}

/* Runs the statement for the rows of a block. */
static enum cs_rc mssql_odbc_run_block(struct mssql_odbc_writer *writer,
                                       struct mssql_odbc_statement *statement,
                                       size_t *affected)
{
    const char *table = mssql_odbc_name(writer);
    for (size_t i = 0; i < writer->n; i++)
        writer->status[i] = SQL_PARAM_UNUSED;
    writer->processed = 0;
    enum cs_rc rc =
        mssql_odbc_execute(writer->self, statement, writer->sql, table);
    while (rc == CS_OK) {
        if (mssql_odbc_bad(writer, statement->handle))
            return mssql_odbc_refused(writer, statement->handle);
        rc = mssql_odbc_count(writer, statement->handle, affected);
        if (rc == CS_OK)
            rc = mssql_odbc_more(writer->self, statement, table);
    }
    if (rc != CS_E_NOT_HERE)
        return rc;
    if (mssql_odbc_stored(writer))
        return CS_OK;
    return cs_fail(writer->self->host, CS_E_DATA,
                   "%s, table %s: the driver did not write all rows",
                   writer->self->where, table);
}

static enum cs_rc mssql_odbc_block_write(struct mssql_odbc_writer *writer,
                                         size_t *affected)
{
    struct mssql_odbc *self = writer->self;
    const char *table = mssql_odbc_name(writer);
    struct mssql_odbc_statement statement;
    enum cs_rc rc = mssql_odbc_make(self, &statement, table);
    if (rc != CS_OK)
        return rc;
    self->written++;
    rc = mssql_odbc_prepare(writer, statement.handle);
    if (rc == CS_OK)
        rc = mssql_odbc_run_block(writer, &statement, affected);
    rc = mssql_odbc_finish(self, &statement, table, rc);
    mssql_odbc_empty(writer);
    return rc;
}

enum cs_rc mssql_odbc_array(struct mssql_odbc *self,
                            const struct mssql_odbc_table *table,
                            const struct mssql_odbc_part *part,
                            size_t *affected)
{
    struct mssql_odbc_writer writer = {
        .self = self, .table = table, .part = part};
    mssql_odbc_choose(&writer);
    writer.sql = mssql_odbc_guarded(&writer);
    enum cs_rc rc = writer.sql != NULL ? CS_OK : mssql_odbc_out_of_memory(self);
    for (size_t i = 0; rc == CS_OK && i < part->nrows; i += writer.n) {
        mssql_odbc_block(&writer, i);
        rc = mssql_odbc_block_write(&writer, affected);
    }
    free(writer.sql);
    return rc;
}
