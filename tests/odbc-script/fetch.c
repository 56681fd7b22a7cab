/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* Rows: block by block into bound columns, or a cell at a time in parts. */
#include "config.h"

#include "odbc-script.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

DRIVER_EXPORT SQLRETURN SQL_API SQLNumResultCols(SQLHSTMT arg, SQLSMALLINT *n)
{
    const struct driver_statement *statement = arg;
    *n = statement->open ? (SQLSMALLINT)statement->result.columns : 0;
    return SQL_SUCCESS;
}

/* The name alone; only what the driver counts has one. */
DRIVER_EXPORT SQLRETURN SQL_API
SQLDescribeColW(SQLHSTMT arg, SQLUSMALLINT number, SQLWCHAR *name,
                SQLSMALLINT room, SQLSMALLINT *length, SQLSMALLINT *type,
                SQLULEN *size, SQLSMALLINT *digits, SQLSMALLINT *nullable)
{
    struct driver_statement *statement = arg;
    bool own = statement->result.cells == statement->own;
    size_t units;
    (void)type;
    (void)size;
    (void)digits;
    (void)nullable;
    if (!statement->open || number < 1 || number > statement->result.columns)
        return driver_refuse(&statement->handle, "07009", 0);
    SQLWCHAR *wide = text_utf16(own ? "cleversync_rows" : "", &units);
    if ((size_t)room > units)
        memcpy(name, wide, (units + 1) * sizeof *wide);
    *length = (SQLSMALLINT)units;
    free(wide);
    return SQL_SUCCESS;
}

DRIVER_EXPORT SQLRETURN SQL_API SQLBindCol(SQLHSTMT arg, SQLUSMALLINT number,
                                           SQLSMALLINT c_type, SQLPOINTER value,
                                           SQLLEN size, SQLLEN *lengths)
{
    struct driver_statement *statement = arg;
    if (number < 1 || number > DRIVER_COLUMNS)
        return driver_refuse(&statement->handle, "07009", 0);
    statement->columns[number - 1] =
        (struct driver_column){c_type, value, size, lengths};
    return SQL_SUCCESS;
}

/* ---- Cells -------------------------------------------------------------- */

/* Where and what is asked for. */
struct fetch_place {
    SQLSMALLINT c_type;
    char *value;
    SQLLEN size, *length;
};

/* The units of a text from *taken on, as many as fit with a 0 at the end. */
static SQLRETURN fetch_copy(struct driver_statement *statement,
                            const struct fetch_place *place,
                            const SQLWCHAR *text, size_t units, size_t *taken)
{
    size_t left = units - *taken, room = (size_t)place->size / sizeof *text;
    size_t n = left < room ? left : room > 0 ? room - 1 : 0;
    if (place->length != NULL)
        *place->length = n < left && statement->result.unknown
                             ? SQL_NO_TOTAL
                             : (SQLLEN)(left * sizeof *text);
    if (room > 0) {
        memcpy(place->value, text + *taken, n * sizeof *text);
        memset(place->value + n * sizeof *text, 0, sizeof *text);
    }
    *taken += n;
    if (n == left)
        return SQL_SUCCESS;
    driver_refuse(&statement->handle, "01004", 0);
    return SQL_SUCCESS_WITH_INFO;
}

/* The bytes of a value whose length is fixed; 0: they are not. */
static size_t fetch_size(SQLSMALLINT c_type)
{
    switch (c_type) {
    case SQL_C_BIT:
        return sizeof(SQLCHAR);
    case SQL_C_SLONG:
        return sizeof(SQLINTEGER);
    case SQL_C_SBIGINT:
        return sizeof(SQLBIGINT);
    case SQL_C_TYPE_TIMESTAMP:
        return sizeof(SQL_TIMESTAMP_STRUCT);
    default:
        return 0;
    }
}

/* "2026-01-31 02:03:04.1234567" */
static bool fetch_time(const char *cell, SQL_TIMESTAMP_STRUCT *time)
{
    char fraction[8] = "0000000";
    int n = 0;
    *time = (SQL_TIMESTAMP_STRUCT){0};
    if (sscanf(cell, "%hd-%hu-%hu%*1[ T]%hu:%hu:%hu%n", &time->year,
               &time->month, &time->day, &time->hour, &time->minute,
               &time->second, &n) != 6)
        return false;
    cell += n;
    if (*cell == '.' && strlen(cell) <= sizeof fraction)
        memcpy(fraction, cell + 1, strlen(cell + 1));
    time->fraction = (SQLUINTEGER)atol(fraction) * 100;
    return true;
}

static SQLRETURN fetch_fixed(struct driver_statement *statement,
                             const struct fetch_place *place, const char *cell)
{
    SQL_TIMESTAMP_STRUCT time;
    char *end;
    SQLBIGINT number = strtoll(cell, &end, 10);
    SQLINTEGER small = (SQLINTEGER)number;
    SQLCHAR bit = (SQLCHAR)number;
    const void *value = &number;
    bool good = end != cell && *end == '\0';
    if (place->c_type == SQL_C_TYPE_TIMESTAMP) {
        good = fetch_time(cell, &time);
        value = &time;
    } else if (place->c_type == SQL_C_BIT) {
        good = good && (number == 0 || number == 1);
        value = &bit;
    } else if (place->c_type == SQL_C_SLONG) {
        value = &small;
    }
    if (!good)
        return driver_refuse(&statement->handle, "22018", 0);
    memcpy(place->value, value, fetch_size(place->c_type));
    if (place->length != NULL)
        *place->length = (SQLLEN)fetch_size(place->c_type);
    return SQL_SUCCESS;
}

static SQLRETURN fetch_cell(struct driver_statement *statement,
                            const struct fetch_place *place, const char *cell,
                            size_t *taken)
{
    size_t units;
    if (cell == NULL) {
        if (place->length == NULL)
            return driver_refuse(&statement->handle, "22002", 0);
        *place->length = SQL_NULL_DATA;
        return SQL_SUCCESS;
    }
    if (fetch_size(place->c_type) > 0)
        return fetch_fixed(statement, place, cell);
    if (place->c_type != SQL_C_WCHAR)
        return driver_refuse(&statement->handle, "HY003", 0);
    SQLWCHAR *wide = text_utf16(cell, &units);
    SQLRETURN rc = fetch_copy(statement, place, wide, units, taken);
    free(wide);
    return rc;
}

/* ---- Rows --------------------------------------------------------------- */

static size_t fetch_rows(const struct driver_statement *statement)
{
    return statement->result.ncells / statement->result.columns;
}

/* Column i's place for row j of the block. */
static struct fetch_place fetch_place(const struct driver_statement *statement,
                                      size_t i, size_t j)
{
    const struct driver_column *column = &statement->columns[i];
    size_t fixed = fetch_size(column->c_type);
    size_t step = fixed > 0 ? fixed : (size_t)column->size;
    return (struct fetch_place){
        column->c_type, (char *)column->value + j * step, column->size,
        column->lengths != NULL ? column->lengths + j : NULL};
}

static SQLRETURN fetch_row(struct driver_statement *statement, size_t j)
{
    size_t n = statement->result.columns;
    char **cells = statement->result.cells + statement->row * n;
    SQLRETURN worst = SQL_SUCCESS;
    for (size_t i = 0; i < n && i < DRIVER_COLUMNS; i++) {
        struct fetch_place place = fetch_place(statement, i, j);
        size_t taken = 0;
        if (statement->columns[i].value == NULL)
            continue;
        SQLRETURN rc = fetch_cell(statement, &place, cells[i], &taken);
        if (rc == SQL_ERROR || worst == SQL_SUCCESS)
            worst = rc;
    }
    if (statement->row_status != NULL)
        statement->row_status[j] = worst == SQL_SUCCESS ? SQL_ROW_SUCCESS
                                   : worst == SQL_ERROR
                                       ? SQL_ROW_ERROR
                                       : SQL_ROW_SUCCESS_WITH_INFO;
    statement->row++;
    return worst;
}

static SQLRETURN fetch_end(struct driver_statement *statement)
{
    if (statement->result.fetch == SCRIPT_DONE)
        return SQL_NO_DATA;
    if (statement->result.fetch == SCRIPT_ERROR)
        return driver_fault(&statement->handle, &statement->result);
    return driver_stall(statement, statement->result.fetch);
}

DRIVER_EXPORT SQLRETURN SQL_API SQLFetch(SQLHSTMT arg)
{
    struct driver_statement *statement = arg;
    SQLRETURN worst = SQL_SUCCESS;
    size_t j = 0;
    statement->handle.nfaults = 0;
    statement->got = statement->taken = 0;
    if (!statement->open)
        return driver_refuse(&statement->handle, "24000", 0);
    if (statement->rows_fetched != NULL)
        *statement->rows_fetched = 0;
    if (statement->row == fetch_rows(statement))
        return fetch_end(statement);
    driver_note(statement->connection, "  fetch of %lu\n",
                (unsigned long)statement->row_array);
    while (j < statement->row_array && statement->row < fetch_rows(statement)) {
        SQLRETURN rc = fetch_row(statement, j++);
        if (rc != SQL_SUCCESS)
            worst = rc == SQL_ERROR && statement->row_array == 1
                        ? SQL_ERROR
                        : SQL_SUCCESS_WITH_INFO;
    }
    if (statement->rows_fetched != NULL)
        *statement->rows_fetched = j;
    for (; statement->row_status != NULL && j < statement->row_array; j++)
        statement->row_status[j] = SQL_ROW_NOROW;
    return worst;
}

DRIVER_EXPORT SQLRETURN SQL_API SQLGetData(SQLHSTMT arg, SQLUSMALLINT number,
                                           SQLSMALLINT c_type, SQLPOINTER value,
                                           SQLLEN size, SQLLEN *length)
{
    struct driver_statement *statement = arg;
    struct fetch_place place = {c_type, value, size, length};
    size_t n = statement->result.columns;
    statement->handle.nfaults = 0;
    if (!statement->open || statement->row == 0 || statement->row_array > 1)
        return driver_refuse(&statement->handle, "24000", 0);
    if (number < 1 || number > n)
        return driver_refuse(&statement->handle, "07009", 0);
    if (statement->got != number) {
        if (number < statement->got) /* in order only */
            return driver_refuse(&statement->handle, "07009", 0);
        statement->got = number;
        statement->taken = 0;
    } else if (statement->taken == SIZE_MAX) {
        return SQL_NO_DATA;
    }
    SQLRETURN rc = fetch_cell(
        statement, &place,
        statement->result.cells[(statement->row - 1) * n + number - 1],
        &statement->taken);
    if (rc == SQL_SUCCESS) /* all of it was given */
        statement->taken = SIZE_MAX;
    return rc;
}
