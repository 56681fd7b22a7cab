/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

#include "config.h"

#include "command/table.h"

#include "base/clock.h"
#include "base/memory.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct cell {
    char *text;    /* as printed */
    json_t *value; /* as given to programs */
};

struct cs_table {
    const struct cs_table_column *columns;
    size_t ncolumns;
    struct cell *cells; /* row by row */
    size_t ncells;
};

struct cs_table *cs_table_new(const struct cs_table_column *columns)
{
    struct cs_table *table = cs_memory_new(sizeof(*table));

    table->columns = columns;
    while (columns[table->ncolumns].title != NULL ||
           columns[table->ncolumns].member != NULL)
        table->ncolumns++;
    return table;
}

void cs_table_free(struct cs_table *table)
{
    if (table == NULL)
        return;
    for (size_t i = 0; i < table->ncells; i++) {
        free(table->cells[i].text);
        json_decref(table->cells[i].value);
    }
    free(table->cells);
    free(table);
}

/* ---- Cells ------------------------------------------------------------- */

static void add(struct cs_table *table, char *stolen_text, json_t *stolen_value)
{
    size_t n = table->ncells;

    /* The array doubles whenever its length is a power of two. */
    if ((n & (n - 1)) == 0)
        table->cells = cs_memory_grow(table->cells, n == 0 ? 1 : 2 * n,
                                      sizeof(*table->cells));
    table->cells[table->ncells++] =
        (struct cell){.text = stolen_text, .value = stolen_value};
}

void cs_table_text(struct cs_table *table, const char *text)
{
    json_t *value = text != NULL ? json_string(text) : NULL;

    add(table, cs_memory_text(text != NULL ? text : "-"),
        value != NULL ? value : json_null());
}

void cs_table_number(struct cs_table *table, int64_t number)
{
    add(table, cs_memory_format("%" PRId64, number), json_integer(number));
}

void cs_table_time(struct cs_table *table, int64_t time)
{
    char text[CS_CLOCK_ISO];

    if (time != 0)
        cs_clock_format(time, text);
    cs_table_text(table, time != 0 ? text : NULL);
}

void cs_table_flag(struct cs_table *table, bool flag)
{
    add(table, cs_memory_text(flag ? "yes" : "no"), json_boolean(flag));
}

size_t cs_table_rows(const struct cs_table *table)
{
    return table->ncells / table->ncolumns;
}

/* ---- Printing ---------------------------------------------------------- */

#define BROKEN 0x7F /* for a byte that is no UTF-8; prints as a control does */

/* The code point at `text` and its length. */
static unsigned decode(const char *text, size_t *length)
{
    const unsigned char *bytes = (const unsigned char *)text;
    unsigned point = bytes[0];
    size_t more = point >= 0xF0 ? 3 : point >= 0xE0 ? 2 : point >= 0xC0;

    *length = 1;
    if (more == 0)
        return point < 0x80 ? point : BROKEN;
    point &= 0x3FU >> more;
    for (size_t i = 1; i <= more; i++) {
        if ((bytes[i] & 0xC0) != 0x80)
            return BROKEN;
        point = point << 6 | (bytes[i] & 0x3F);
    }
    *length = more + 1;
    return point;
}

static bool combines(unsigned point)
{
    return (point >= 0x0300 && point <= 0x036F) ||
           (point >= 0x1AB0 && point <= 0x1AFF) ||
           (point >= 0x1DC0 && point <= 0x1DFF) ||
           (point >= 0x20D0 && point <= 0x20FF) ||
           (point >= 0xFE20 && point <= 0xFE2F) || point == 0x200B ||
           point == 0x200D;
}

static bool control(unsigned point)
{
    return point < ' ' || (point >= 0x7F && point < 0xA0);
}

/* On a terminal: code points that are no combining marks. */
static size_t width_of(const char *text)
{
    size_t width = 0, length;

    for (; *text != '\0'; text += length)
        width += !combines(decode(text, &length));
    return width;
}

static void print_text(const char *text, FILE *file)
{
    size_t length;

    for (; *text != '\0'; text += length) {
        if (control(decode(text, &length)))
            putc('?', file);
        else
            fwrite(text, 1, length, file);
    }
}

/* The width of each column that is printed, 0 for one that is not. */
static size_t *measure(const struct cs_table *table)
{
    size_t *widths = cs_memory_array(table->ncolumns, sizeof(*widths));

    for (size_t i = 0; i < table->ncolumns; i++)
        if (table->columns[i].title != NULL)
            widths[i] = width_of(table->columns[i].title);
    for (size_t i = 0; i < cs_table_rows(table) * table->ncolumns; i++) {
        size_t column = i % table->ncolumns;
        size_t width = width_of(table->cells[i].text);

        if (table->columns[column].title != NULL && width > widths[column])
            widths[column] = width;
    }
    return widths;
}

static void print_row(const struct cs_table *table, const size_t *widths,
                      const struct cell *cells, FILE *file)
{
    size_t behind = 0; /* blanks owed before the next text: none at the end */

    for (size_t i = 0; i < table->ncolumns; i++) {
        const struct cs_table_column *column = &table->columns[i];
        const char *text = cells != NULL ? cells[i].text : column->title;
        size_t gap;

        if (column->title == NULL)
            continue;
        gap = widths[i] - width_of(text);
        fprintf(file, "%*s", (int)(behind + (column->right ? gap : 0)), "");
        print_text(text, file);
        behind = 2 + (column->right ? 0 : gap);
    }
    putc('\n', file);
}

void cs_table_print(const struct cs_table *table, FILE *file)
{
    size_t *widths = measure(table);

    print_row(table, widths, NULL, file);
    for (size_t i = 0; i < cs_table_rows(table); i++)
        print_row(table, widths, table->cells + i * table->ncolumns, file);
    free(widths);
}

json_t *cs_table_json(const struct cs_table *table)
{
    json_t *array = json_array();

    for (size_t row = 0; row < cs_table_rows(table); row++) {
        json_t *object = json_object();

        for (size_t i = 0; i < table->ncolumns; i++)
            if (table->columns[i].member != NULL)
                json_object_set(object, table->columns[i].member,
                                table->cells[row * table->ncolumns + i].value);
        json_array_append_new(array, object);
    }
    return array;
}
