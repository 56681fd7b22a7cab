/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* Rows as a stream.
 *
 * The driver fills blocks of rows in buffers that hold the longest text that
 * each column can have.  A table with a column of long or endless texts is
 * read row by row instead, each text in as many pieces as it takes.  Both ways
 * end in the same buffers. */
#define _GNU_SOURCE 1 /* asprintf() */

#include "mssql-odbc.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    MSSQL_ODBC_CHUNK = 500, /* values of an in-list, each a parameter ... */
    MSSQL_ODBC_JSON_CHUNK = 10000, /* ... or all of them one */
    MSSQL_ODBC_LONG = 2000,        /* longer texts are read in pieces */
    MSSQL_ODBC_PIECE = 4096,       /* bytes, to begin with */
    MSSQL_ODBC_CELL = 16 << 20,    /* bytes of a text, at most */
    MSSQL_ODBC_BLOCK = 256 << 10,  /* bytes of a block */
    MSSQL_ODBC_BLOCK_ROWS = 1000,
};

/* Where the driver puts a column. */
struct mssql_odbc_buffer {
    SQLSMALLINT type;
    size_t size; /* of one cell, in bytes */
    char *cells;
    SQLLEN *lengths;
    char *text; /* of the row that is being handed on */
};

struct mssql_odbc_reader {
    struct mssql_odbc *self;
    const struct mssql_odbc_table *table;
    SQLHSTMT handle;
    struct mssql_odbc_buffer buffers[MSSQL_ODBC_COLUMNS];
    bool pieces;
    size_t block; /* rows */
    SQLUSMALLINT *status;
    SQLULEN fetched;
    bool outgrown; /* a text was longer than its column had been */
    cs_row_fn *each;
    void *arg;
};

static const struct cs_column *
mssql_odbc_said(const struct mssql_odbc_reader *reader, size_t column)
{
    return &reader->table->entity->columns[column];
}

/* ---- Buffers ------------------------------------------------------------ */

static void mssql_odbc_measure(struct mssql_odbc_reader *reader)
{
    size_t row = 0;
    for (size_t i = 0; i < reader->table->entity->ncolumns; i++) {
        struct mssql_odbc_buffer *buffer = &reader->buffers[i];
        unsigned length = reader->table->columns[i].length;
        switch (mssql_odbc_said(reader, i)->type) {
        case CS_BOOL:
            buffer->type = SQL_C_BIT;
            buffer->size = sizeof(SQLCHAR);
            break;
        case CS_INT:
            buffer->type = SQL_C_SBIGINT;
            buffer->size = sizeof(SQLBIGINT);
            break;
        case CS_TEXT:
            if (length == 0 || length > MSSQL_ODBC_LONG)
                reader->pieces = true;
            buffer->type = SQL_C_WCHAR;
            buffer->size = (length + 1) * sizeof(SQLWCHAR);
            break;
        case CS_TIME:
            buffer->type = SQL_C_TYPE_TIMESTAMP;
            buffer->size = sizeof(SQL_TIMESTAMP_STRUCT);
            break;
        }
        row += buffer->size + sizeof *buffer->lengths;
    }
    /* cppcheck-suppress zerodiv ; an entity has a column, at least */
    reader->block = MSSQL_ODBC_BLOCK / row;
    if (reader->block > MSSQL_ODBC_BLOCK_ROWS)
        reader->block = MSSQL_ODBC_BLOCK_ROWS;
    if (reader->block == 0 || reader->pieces)
        reader->block = 1;
}

static enum cs_rc mssql_odbc_allocate(struct mssql_odbc_reader *reader)
{
    bool whole = true;
    for (size_t i = 0; i < reader->table->entity->ncolumns; i++) {
        struct mssql_odbc_buffer *buffer = &reader->buffers[i];
        if (reader->pieces && buffer->type == SQL_C_WCHAR)
            buffer->size = MSSQL_ODBC_PIECE;
        buffer->cells = calloc(reader->block, buffer->size);
        buffer->lengths = calloc(reader->block, sizeof *buffer->lengths);
        whole = whole && buffer->cells != NULL && buffer->lengths != NULL;
    }
    reader->status = calloc(reader->block, sizeof *reader->status);
    whole = whole && reader->status != NULL;
    return whole ? CS_OK : mssql_odbc_out_of_memory(reader->self);
}

static void mssql_odbc_release(struct mssql_odbc_reader *reader)
{
    for (size_t i = 0; i < MSSQL_ODBC_COLUMNS; i++) {
        free(reader->buffers[i].cells);
        free(reader->buffers[i].lengths);
    }
    free(reader->status);
}

static enum cs_rc mssql_odbc_refused(const struct mssql_odbc_reader *reader)
{
    return mssql_odbc_fail(reader->self, SQL_HANDLE_STMT, reader->handle,
                           reader->table->entity->table);
}

static enum cs_rc mssql_odbc_bind(struct mssql_odbc_reader *reader)
{
    const char *table = reader->table->entity->table;
    SQLHSTMT handle = reader->handle;
    if (reader->pieces)
        return CS_OK;
    enum cs_rc rc =
        mssql_odbc_attribute(reader->self, handle, SQL_ATTR_ROW_ARRAY_SIZE,
                             (void *)(uintptr_t)reader->block, table);
    if (rc == CS_OK)
        rc = mssql_odbc_attribute(reader->self, handle, SQL_ATTR_ROW_STATUS_PTR,
                                  reader->status, table);
    if (rc == CS_OK)
        rc = mssql_odbc_attribute(reader->self, handle,
                                  SQL_ATTR_ROWS_FETCHED_PTR, &reader->fetched,
                                  table);
    for (size_t i = 0; rc == CS_OK && i < reader->table->entity->ncolumns;
         i++) {
        struct mssql_odbc_buffer *buffer = &reader->buffers[i];
        if (!SQL_SUCCEEDED(SQLBindCol(reader->handle, (SQLUSMALLINT)(i + 1),
                                      buffer->type, buffer->cells,
                                      (SQLLEN)buffer->size, buffer->lengths)))
            rc = mssql_odbc_refused(reader);
    }
    return rc;
}

/* ---- Pieces ------------------------------------------------------------- */

static enum cs_rc mssql_odbc_grow(struct mssql_odbc_reader *reader,
                                  size_t column, size_t size)
{
    struct mssql_odbc_buffer *buffer = &reader->buffers[column];
    if (size > MSSQL_ODBC_CELL)
        return cs_fail(reader->self->host, CS_E_DATA,
                       "%s, table %s: a text in column %s is longer than the "
                       "%d MB that can be read",
                       reader->self->where, reader->table->entity->table,
                       mssql_odbc_said(reader, column)->name,
                       MSSQL_ODBC_CELL >> 20);
    char *grown = realloc(buffer->cells, size);
    if (grown == NULL)
        return mssql_odbc_out_of_memory(reader->self);
    buffer->cells = grown;
    buffer->size = size;
    return CS_OK;
}

/* Reads one cell, in as many pieces as it has. */
static enum cs_rc mssql_odbc_get(struct mssql_odbc_reader *reader,
                                 size_t column)
{
    struct mssql_odbc_buffer *buffer = &reader->buffers[column];
    size_t had = 0;
    for (;;) {
        SQLLEN rest = 0;
        size_t room = buffer->size - had;
        SQLRETURN code =
            SQLGetData(reader->handle, (SQLUSMALLINT)(column + 1), buffer->type,
                       buffer->cells + had, (SQLLEN)room, &rest);
        if (!SQL_SUCCEEDED(code))
            return mssql_odbc_refused(reader);
        if (buffer->type != SQL_C_WCHAR || rest == SQL_NULL_DATA) {
            buffer->lengths[0] = rest;
            return CS_OK;
        }
        if (rest >= 0 && (size_t)rest <= room - sizeof(SQLWCHAR)) {
            buffer->lengths[0] = (SQLLEN)had + rest;
            return CS_OK;
        }
        had = buffer->size - sizeof(SQLWCHAR); /* of the 0 at the end */
        enum cs_rc rc = mssql_odbc_grow(reader, column, buffer->size * 2);
        if (rc != CS_OK)
            return rc;
    }
}

/* ---- Cells -------------------------------------------------------------- */

static enum cs_rc mssql_odbc_read_text(struct mssql_odbc_reader *reader,
                                       size_t column, const SQLWCHAR *text,
                                       SQLLEN length)
{
    struct mssql_odbc_buffer *buffer = &reader->buffers[column];
    size_t units = (size_t)length / sizeof(SQLWCHAR);
    errno = 0;
    buffer->text = mssql_odbc_utf8(text, units);
    if (buffer->text == NULL && errno != EILSEQ)
        return mssql_odbc_out_of_memory(reader->self);
    bool zero = false;
    for (size_t i = 0; i < units; i++)
        zero = zero || text[i] == 0;
    if (buffer->text != NULL && !zero)
        return CS_OK;
    return cs_fail(reader->self->host, CS_E_DATA,
                   "%s, table %s: a text in column %s holds a zero or half a "
                   "surrogate pair; mend it in the database",
                   reader->self->where, reader->table->entity->table,
                   mssql_odbc_said(reader, column)->name);
}

/* In ISO 8601: milliseconds unless there is more to say. */
static enum cs_rc mssql_odbc_read_time(struct mssql_odbc_reader *reader,
                                       size_t column,
                                       const SQL_TIMESTAMP_STRUCT *time)
{
    char fraction[16];
    if (time->fraction % 1000000 == 0)
        snprintf(fraction, sizeof fraction, "%03u",
                 (unsigned)time->fraction / 1000000);
    else
        snprintf(fraction, sizeof fraction, "%07u",
                 (unsigned)time->fraction / 100);
    if (asprintf(&reader->buffers[column].text,
                 "%04d-%02u-%02uT%02u:%02u:%02u.%sZ", time->year, time->month,
                 time->day, time->hour, time->minute, time->second,
                 fraction) >= 0)
        return CS_OK;
    reader->buffers[column].text = NULL;
    return mssql_odbc_out_of_memory(reader->self);
}

static enum cs_rc mssql_odbc_read(struct mssql_odbc_reader *reader, size_t n,
                                  size_t column, struct cs_value *cell)
{
    struct mssql_odbc_buffer *buffer = &reader->buffers[column];
    const void *data = buffer->cells + n * buffer->size;
    SQLLEN length = buffer->lengths[n];
    enum cs_rc rc = CS_OK;
    SQLBIGINT number;
    *cell = (struct cs_value){.state = CS_NULL};
    if (length == SQL_NULL_DATA)
        return CS_OK;
    cell->state = CS_SET;
    switch (mssql_odbc_said(reader, column)->type) {
    case CS_BOOL:
        cell->as.boolean = *(const SQLCHAR *)data != 0;
        return CS_OK;
    case CS_INT:
        memcpy(&number, data, sizeof number);
        cell->as.integer = number;
        return CS_OK;
    case CS_TEXT:
        rc = mssql_odbc_read_text(reader, column, data, length);
        break;
    case CS_TIME:
        rc = mssql_odbc_read_time(reader, column, data);
        break;
    }
    cell->as.text = buffer->text;
    return rc;
}

/* ---- Rows --------------------------------------------------------------- */

static enum cs_rc mssql_odbc_hand_on(struct mssql_odbc_reader *reader, size_t n)
{
    struct cs_value row[MSSQL_ODBC_COLUMNS];
    size_t ncolumns = reader->table->entity->ncolumns;
    enum cs_rc rc = CS_OK;
    reader->self->read++;
    for (size_t i = 0; rc == CS_OK && i < ncolumns; i++)
        rc = mssql_odbc_read(reader, n, i, &row[i]);
    if (rc == CS_OK)
        rc = reader->each(reader->arg, row);
    for (size_t i = 0; i < ncolumns; i++) {
        free(reader->buffers[i].text);
        reader->buffers[i].text = NULL;
    }
    return rc;
}

static enum cs_rc mssql_odbc_outgrown(struct mssql_odbc_reader *reader,
                                      size_t column)
{
    reader->outgrown = true;
    return cs_fail(reader->self->host, CS_E_RETRY,
                   "%s, table %s: column %s has become longer in the meantime",
                   reader->self->where, reader->table->entity->table,
                   mssql_odbc_said(reader, column)->name);
}

/* Is a row of a block whole?  Microsoft's driver calls it an error, FreeTDS a
 * warning, when a text was longer than its buffer. */
static enum cs_rc mssql_odbc_look(struct mssql_odbc_reader *reader, size_t n)
{
    for (size_t i = 0; i < reader->table->entity->ncolumns; i++) {
        const struct mssql_odbc_buffer *buffer = &reader->buffers[i];
        SQLLEN length = buffer->lengths[n];
        if (buffer->type == SQL_C_WCHAR && length != SQL_NULL_DATA &&
            (length < 0 || (size_t)length > buffer->size - sizeof(SQLWCHAR)))
            return mssql_odbc_outgrown(reader, i);
    }
    if (reader->status[n] != SQL_ROW_SUCCESS &&
        reader->status[n] != SQL_ROW_SUCCESS_WITH_INFO)
        return mssql_odbc_refused(reader);
    return CS_OK;
}

/* Hands on what a fetch has brought. */
static enum cs_rc mssql_odbc_block(struct mssql_odbc_reader *reader)
{
    enum cs_rc rc = CS_OK;
    if (reader->pieces) {
        for (size_t i = 0; rc == CS_OK && i < reader->table->entity->ncolumns;
             i++)
            rc = mssql_odbc_get(reader, i);
        return rc == CS_OK ? mssql_odbc_hand_on(reader, 0) : rc;
    }
    for (size_t n = 0; rc == CS_OK && n < reader->fetched; n++)
        rc = mssql_odbc_look(reader, n);
    for (size_t n = 0; rc == CS_OK && n < reader->fetched; n++)
        rc = mssql_odbc_hand_on(reader, n);
    return rc;
}

static enum cs_rc mssql_odbc_stream(struct mssql_odbc_reader *reader,
                                    struct mssql_odbc_statement *statement)
{
    const char *table = reader->table->entity->table;
    enum cs_rc rc = mssql_odbc_rows(reader->self, statement, table);
    reader->handle = statement->handle;
    if (rc == CS_OK)
        rc = mssql_odbc_bind(reader);
    while (rc == CS_OK) {
        rc = mssql_odbc_fetch(reader->self, statement, table);
        if (rc == CS_E_NOT_HERE)
            return CS_OK;
        if (rc == CS_OK)
            rc = mssql_odbc_block(reader);
    }
    /* The rest of a big table is not read. */
    SQLFreeStmt(reader->handle, SQL_CLOSE);
    return rc;
}

/* ---- Statements --------------------------------------------------------- */

static enum cs_rc mssql_odbc_query(struct mssql_odbc_reader *reader,
                                   const char *sql,
                                   const char *const *parameters, size_t n)
{
    struct mssql_odbc *self = reader->self;
    const char *table = reader->table->entity->table;
    struct mssql_odbc_statement statement;
    self->selects++;
    enum cs_rc rc =
        mssql_odbc_start(self, &statement, sql, parameters, n, table);
    if (rc != CS_OK)
        return rc;
    rc = mssql_odbc_stream(reader, &statement);
    return mssql_odbc_finish(self, &statement, table, rc);
}

/* The values of an in-list as one parameter; for free(). */
static char *mssql_odbc_list(enum cs_type type, const struct cs_value *in,
                             size_t nin)
{
    json_t *list = json_array();
    int failed = list == NULL;
    for (size_t i = 0; !failed && i < nin; i++)
        failed =
            json_array_append_new(list, mssql_odbc_value_json(type, &in[i]));
    char *text = failed ? NULL : json_dumps(list, JSON_COMPACT);
    json_decref(list);
    return text;
}

/* The parameters of a statement. */
struct mssql_odbc_values {
    char *list; /* JSON; or NULL */
    const char *texts[MSSQL_ODBC_CHUNK + 1];
    char room[MSSQL_ODBC_CHUNK + 1][MSSQL_ODBC_VALUE];
    size_t n;
};

static void mssql_odbc_value(struct mssql_odbc_values *values,
                             enum cs_type type, const struct cs_value *cell)
{
    values->texts[values->n] =
        mssql_odbc_value_text(type, cell, values->room[values->n]);
    values->n++;
}

static bool mssql_odbc_values(struct mssql_odbc_values *values,
                              const struct cs_filter *filter, enum cs_type type,
                              const struct cs_value *in, size_t nin, bool json)
{
    if (nin > 0 && json) {
        values->list = mssql_odbc_list(type, in, nin);
        values->texts[values->n++] = values->list;
        if (values->list == NULL)
            return false;
    }
    for (size_t i = 0; !json && i < nin; i++)
        mssql_odbc_value(values, type, &in[i]);
    if (filter->below != NULL)
        mssql_odbc_value(values, type, filter->below);
    return true;
}

/* One statement, for nin values from `in` on. */
static enum cs_rc mssql_odbc_select(struct mssql_odbc_reader *reader,
                                    const struct cs_filter *filter,
                                    const struct cs_value *in, size_t nin,
                                    bool json)
{
    struct mssql_odbc *self = reader->self;
    enum cs_type type = mssql_odbc_said(reader, filter->column)->type;
    struct mssql_odbc_values *values = calloc(1, sizeof *values);
    char *sql = mssql_odbc_sql_select(reader->table, filter, nin, json);
    enum cs_rc rc;
    if (values == NULL || sql == NULL ||
        !mssql_odbc_values(values, filter, type, in, nin, json))
        rc = mssql_odbc_out_of_memory(self);
    else
        rc = mssql_odbc_query(reader, sql, values->texts, values->n);
    if (values != NULL)
        free(values->list);
    free(values);
    free(sql);
    return rc;
}

/* How many of nin values are for one statement.  A value that cannot go as JSON
 * ends a chunk, or when that would be a small one makes it one of
 * parameters. */
static size_t mssql_odbc_chunk(const struct mssql_odbc_reader *reader,
                               enum cs_type type, const struct cs_value *in,
                               size_t nin, bool *json)
{
    size_t n = 0;
    while (reader->self->openjson && n < nin && n < MSSQL_ODBC_JSON_CHUNK &&
           mssql_odbc_value_fits_json(type, &in[n]))
        n++;
    *json = n == nin || n >= MSSQL_ODBC_CHUNK;
    if (*json)
        return n;
    return nin < MSSQL_ODBC_CHUNK ? nin : MSSQL_ODBC_CHUNK;
}

/* An in-list in chunks, or everything. */
static enum cs_rc mssql_odbc_selects(struct mssql_odbc_reader *reader,
                                     const struct cs_filter *filter)
{
    const struct cs_entity *entity = reader->table->entity;
    const struct cs_host *host = reader->self->host;
    enum cs_type type = mssql_odbc_said(reader, filter->column)->type;
    enum cs_rc rc = CS_OK;
    if (filter->newest > 0 &&
        mssql_odbc_column(entity, CS_AUTO) == entity->ncolumns)
        return cs_fail(host, CS_E_FATAL,
                       "table %s has no identity to tell the newest by",
                       entity->table);
    if (filter->in == NULL)
        return mssql_odbc_select(reader, filter, NULL, 0, false);
    if (filter->newest > 0 && filter->nin > MSSQL_ODBC_CHUNK)
        return cs_fail(host, CS_E_FATAL,
                       "the newest rows are found among at most %d values",
                       MSSQL_ODBC_CHUNK);
    for (size_t i = 0, n; rc == CS_OK && i < filter->nin; i += n) {
        const struct cs_value *in = filter->in + i;
        bool json;
        n = mssql_odbc_chunk(reader, type, in, filter->nin - i, &json);
        rc = mssql_odbc_select(reader, filter, in, n, json);
    }
    return rc;
}

enum cs_rc mssql_odbc_scan(void *arg, const struct cs_entity *entity,
                           const struct cs_filter *filter, cs_row_fn *each,
                           void *each_arg)
{
    static const struct cs_filter all = {.size = sizeof all};
    struct mssql_odbc *self = arg;
    struct mssql_odbc_reader reader = {
        .self = self, .each = each, .arg = each_arg};
    if (entity->ncolumns > MSSQL_ODBC_COLUMNS)
        return cs_fail(self->host, CS_E_FATAL,
                       "table %s has more than %d columns", entity->table,
                       MSSQL_ODBC_COLUMNS);
    enum cs_rc rc = mssql_odbc_connect(self);
    if (rc == CS_OK)
        rc = mssql_odbc_find(self, entity, &reader.table);
    if (rc != CS_OK)
        return rc;
    mssql_odbc_measure(&reader);
    rc = mssql_odbc_allocate(&reader);
    if (rc == CS_OK)
        rc = mssql_odbc_selects(&reader, filter != NULL ? filter : &all);
    mssql_odbc_release(&reader);
    if (reader.outgrown)
        mssql_odbc_forget(self);
    return rc;
}
