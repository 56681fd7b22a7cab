/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* Cells on their way to the database.  They are checked here because drivers
 * cut what is too long and turn 30 February into 2 March. */
#include "mssql-odbc.h"

#include <stdio.h>
#include <string.h>

/* Units of a text that goes as JSON. */
enum { MSSQL_ODBC_JSON_TEXT = 4000 };

/* ---- Numbers ------------------------------------------------------------ */

static const struct mssql_odbc_numbers {
    const char *type;
    int64_t least, most;
} mssql_odbc_numbers[] = {
    {"bit", 0, 1},
    {"tinyint", 0, UINT8_MAX},
    {"smallint", INT16_MIN, INT16_MAX},
    {"int", INT32_MIN, INT32_MAX},
};

static bool mssql_odbc_number_fits(const char *type, int64_t number)
{
    size_t n = sizeof mssql_odbc_numbers / sizeof *mssql_odbc_numbers;
    for (size_t i = 0; i < n; i++)
        if (strcmp(mssql_odbc_numbers[i].type, type) == 0)
            return number >= mssql_odbc_numbers[i].least &&
                   number <= mssql_odbc_numbers[i].most;
    return true;
}

/* ---- Times -------------------------------------------------------------- */

static bool mssql_odbc_digits(const char **at, int n, unsigned *number)
{
    *number = 0;
    for (; n > 0; n--, (*at)++) {
        if (**at < '0' || **at > '9')
            return false;
        *number = *number * 10 + (unsigned)(**at - '0');
    }
    return true;
}

/* n digits and, unless it is 0, the character after them. */
static bool mssql_odbc_field(const char **at, int n, char end, unsigned *number)
{
    return mssql_odbc_digits(at, n, number) && (end == '\0' || *(*at)++ == end);
}

static unsigned mssql_odbc_month_days(unsigned year, unsigned month)
{
    static const unsigned days[] = {31, 28, 31, 30, 31, 30,
                                    31, 31, 30, 31, 30, 31};
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    return days[month - 1] + (month == 2 && leap);
}

/* A fraction of at most seven digits, and what may follow it. */
static bool mssql_odbc_fraction(const char *at)
{
    if (*at == '.') {
        size_t n = strspn(++at, "0123456789");
        if (n == 0 || n > 7)
            return false;
        at += n;
    }
    return *at == '\0' || strcmp(at, "Z") == 0;
}

/* Reads "2026-01-31T02:03:04.567Z"; date: 20260131. */
static bool mssql_odbc_time(const char *at, unsigned *date)
{
    unsigned year, month, day, hour, minute, second;
    if (!mssql_odbc_field(&at, 4, '-', &year) ||
        !mssql_odbc_field(&at, 2, '-', &month) ||
        !mssql_odbc_field(&at, 2, 'T', &day) ||
        !mssql_odbc_field(&at, 2, ':', &hour) ||
        !mssql_odbc_field(&at, 2, ':', &minute) ||
        !mssql_odbc_field(&at, 2, '\0', &second) || !mssql_odbc_fraction(at))
        return false;
    *date = year * 10000 + month * 100 + day;
    return year > 0 && month >= 1 && month <= 12 && day >= 1 &&
           day <= mssql_odbc_month_days(year, month) && hour < 24 &&
           minute < 60 && second < 60;
}

static bool mssql_odbc_time_fits(const char *type, const char *text)
{
    unsigned date;
    if (!mssql_odbc_time(text, &date))
        return false;
    if (strcmp(type, "datetime") == 0)
        return date >= 17530101;
    if (strcmp(type, "smalldatetime") == 0)
        return date >= 19000101 && date <= 20790606;
    return true;
}

/* ---- Cells -------------------------------------------------------------- */

/* In a code page that is not UTF-8 only ASCII is safe. */
static bool mssql_odbc_text_keeps(const struct mssql_odbc_column *real,
                                  const char *text)
{
    if (!mssql_odbc_is_narrow(real) || mssql_odbc_is_utf8(real))
        return true;
    while (*text != '\0' && (unsigned char)*text < 0x80)
        text++;
    return *text == '\0';
}

static enum cs_rc mssql_odbc_text_check(struct mssql_odbc *self,
                                        const struct mssql_odbc_table *table,
                                        size_t column, const char *text)
{
    const struct cs_entity *entity = table->entity;
    const struct mssql_odbc_column *real = &table->columns[column];
    size_t units = mssql_odbc_units(text);
    size_t size = mssql_odbc_is_narrow(real) ? strlen(text) : units;
    if (units == SIZE_MAX)
        return cs_fail(self->host, CS_E_DATA,
                       "%s, table %s: the text for column %s is not UTF-8",
                       self->where, entity->table,
                       entity->columns[column].name);
    if (!mssql_odbc_text_keeps(real, text))
        return cs_fail(self->host, CS_E_DATA,
                       "%s, table %s: the text for column %s has letters that "
                       "its type %s may not keep",
                       self->where, entity->table, entity->columns[column].name,
                       real->type);
    if (real->length > 0 && size > real->length)
        return cs_fail(self->host, CS_E_DATA,
                       "%s, table %s: the text for column %s is longer than "
                       "its %u %s",
                       self->where, entity->table, entity->columns[column].name,
                       real->length,
                       mssql_odbc_is_narrow(real) ? "bytes" : "characters");
    return CS_OK;
}

enum cs_rc mssql_odbc_value_check(struct mssql_odbc *self,
                                  const struct mssql_odbc_table *table,
                                  size_t column, const struct cs_value *cell)
{
    const struct cs_entity *entity = table->entity;
    const char *type = table->columns[column].type;
    bool fits = true;
    if (cell->state != CS_SET)
        return CS_OK;
    switch (entity->columns[column].type) {
    case CS_BOOL:
        break;
    case CS_INT:
        fits = mssql_odbc_number_fits(type, cell->as.integer);
        break;
    case CS_TEXT:
        return mssql_odbc_text_check(self, table, column, cell->as.text);
    case CS_TIME:
        fits = mssql_odbc_time_fits(type, cell->as.text);
        break;
    }
    if (fits)
        return CS_OK;
    return cs_fail(self->host, CS_E_DATA,
                   "%s, table %s: the value for column %s is none of type %s",
                   self->where, entity->table, entity->columns[column].name,
                   type);
}

const char *mssql_odbc_value_text(enum cs_type type,
                                  const struct cs_value *cell,
                                  char room[MSSQL_ODBC_VALUE])
{
    if (cell->state != CS_SET)
        return NULL;
    switch (type) {
    case CS_BOOL:
        return cell->as.boolean ? "1" : "0";
    case CS_INT:
        snprintf(room, MSSQL_ODBC_VALUE, "%lld", (long long)cell->as.integer);
        return room;
    case CS_TIME:
        /* The server reads the letter as an offset, which only one of its
         * types for times has. */
        snprintf(room, MSSQL_ODBC_VALUE, "%.*s",
                 (int)strnlen(cell->as.text, MSSQL_ODBC_VALUE - 1),
                 cell->as.text);
        room[strcspn(room, "Z")] = '\0';
        return room;
    case CS_TEXT:
        break;
    }
    return cell->as.text;
}

/* Babelfish (4.3 was tried) takes what JSON escapes as it stands, backslashes
 * and all, and cuts or refuses text of more than 4,000 units.  SQL Server does
 * neither, but what it is that one is connected to must not matter. */
bool mssql_odbc_value_fits_json(enum cs_type type, const struct cs_value *cell)
{
    if (cell->state != CS_SET || type != CS_TEXT)
        return true;
    for (const char *at = cell->as.text; *at != '\0'; at++)
        if ((unsigned char)*at < ' ' || *at == '"' || *at == '\\')
            return false;
    return mssql_odbc_units(cell->as.text) <= MSSQL_ODBC_JSON_TEXT;
}

json_t *mssql_odbc_value_json(enum cs_type type, const struct cs_value *cell)
{
    char room[MSSQL_ODBC_VALUE];
    if (cell->state != CS_SET)
        return json_null();
    if (type == CS_BOOL)
        return json_boolean(cell->as.boolean);
    if (type == CS_INT)
        return json_integer(cell->as.integer);
    return json_string_nocheck(mssql_odbc_value_text(type, cell, room));
}
