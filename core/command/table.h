/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* Rows for a person or for a program: gathered once, printed as an aligned
 * table or given as JSON objects. */
#ifndef CS_TABLE_H
#define CS_TABLE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct cs_table_column {
    const char *title;  /* NULL: not in the printed table */
    const char *member; /* of the JSON object; NULL for both ends the list */
    bool right;         /* flush right, for numbers */
};

struct cs_table;
struct cs_table *cs_table_new(const struct cs_table_column *columns);
void cs_table_free(struct cs_table *table);

/* The next cell, row by row; copied.  Text NULL prints as "-", is null. */
void cs_table_text(struct cs_table *table, const char *text);
void cs_table_number(struct cs_table *table, int64_t number);
void cs_table_time(struct cs_table *table, int64_t time); /* 0: none */
void cs_table_flag(struct cs_table *table, bool flag);    /* "yes", "no" */

size_t cs_table_rows(const struct cs_table *table); /* complete ones */
/* Control characters print as '?': cells may come from a database. */
void cs_table_print(const struct cs_table *table, FILE *file);
json_t *cs_table_json(const struct cs_table *table); /* an array; yours */

#endif
