/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

#include "config.h"

#include "command/roff.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define WIDTH 72 /* some more with roff's escapes */

/* Text as roff wants it.  A hyphen within a word may stay one, unless the text
 * is something to type. */
static void put(const char *text, size_t length, bool typed)
{
    for (size_t i = 0; i < length; i++)
        if (text[i] == '\\')
            fputs("\\e", stdout);
        else if (text[i] == '"')
            fputs("\\(dq", stdout);
        else if (text[i] == '-' &&
                 (typed || i == 0 || text[i - 1] == '-' || text[i + 1] == '-'))
            fputs("\\-", stdout);
        else
            putchar(text[i]);
}

/* Words, as a sentence in lines of its own.  "false: ..." begins with a value,
 * which stays as it is. */
static void sentence(const char *text)
{
    size_t length, column = 0;

    text += strspn(text, " ");
    length = strcspn(text, " ");
    if (length == 0)
        return;
    if (islower((unsigned char)*text) && text[length - 1] != ':') {
        putchar(toupper((unsigned char)*text++));
        length--;
        column = 1;
    }
    for (;;) {
        if (column == 0 && (*text == '.' || *text == '\''))
            fputs("\\&", stdout); /* no control of roff's */
        put(text, length, false);
        column += length;
        text += length;
        text += strspn(text, " ");
        if (*text == '\0')
            break;
        length = strcspn(text, " ");
        putchar(column + 1 + length > WIDTH ? '\n' : ' ');
        column = column + 1 + length > WIDTH ? 0 : column + 1;
    }
    puts(".");
}

/* "1..5" is "1 to 5", "a b" is "a, b". */
static void allowed(const char *text)
{
    const char *range = strstr(text, "..");

    printf("Allowed:\n.Li ");
    if (range) {
        put(text, (size_t)(range - text), true);
        printf(" No to Li ");
        text = range + 2;
    }
    for (;;) {
        size_t length = strcspn(text, " ");

        put(text, length, true);
        text += length;
        text += strspn(text, " ");
        if (*text == '\0')
            break;
        printf(" , ");
    }
    puts(" .");
}

static const char *type_of(unsigned type)
{
    switch (type & 0xFF) {
    case CS_OPT_NUMBER:
        return "Ar number";
    case CS_OPT_FLAG:
        return "Cm true | false";
    case CS_OPT_SECRET:
        return "Ar secret\\-name";
    default:
        return "Ar text";
    }
}

static void print_option(const struct cs_option *option)
{
    printf(".It Ic %s No = %s\n", option->name, type_of(option->type));
    sentence(option->help);
    if (option->fallback && option->fallback[0]) {
        printf("Default:\n.Li ");
        put(option->fallback, strlen(option->fallback), true);
        printf(" .\n");
    } else if (!option->fallback && !(option->type & CS_OPT_OPTIONAL)) {
        puts("It must be set.");
    }
    if (option->allowed)
        allowed(option->allowed);
    if (option->type & CS_OPT_TEMPLATE)
        puts("Templates are filled in.");
}

void cs_roff_options(const struct cs_option *options)
{
    if (!options || !options->name) {
        puts("There are none.");
        return;
    }
    puts(".Bl -tag -width Ds");
    for (; options->name; options++)
        print_option(options);
    puts(".El");
}

void cs_roff_mapper(const struct cs_mapper_ops *mapper)
{
    static const char *const types[] = {
        [CS_BOOL] = "flag",
        [CS_INT] = "number",
        [CS_TEXT] = "text",
        [CS_TIME] = "time",
    };
    const struct cs_entity *entity = mapper->entity;

    puts(".Pp\nOf a record it reads");
    for (size_t i = 0; mapper->reads[i]; i++)
        printf(".Va %s%s\n", mapper->reads[i],
               mapper->reads[i + 1] ? " ," : "");
    printf("and nothing else; it writes the table\n.Va %s :\n", entity->table);
    puts(".Bl -column -offset indent \"LastModifiedInClever\" \"text\" "
         "\"length\"");
    puts(".It Em column Ta Em type Ta Em length");
    for (size_t i = 0; i < entity->ncolumns; i++) {
        const struct cs_column *column = &entity->columns[i];

        printf(".It Va %s Ta %s Ta", column->name, types[column->type]);
        if (column->length > 0)
            printf(" %u", (unsigned)column->length);
        puts(column->flags & CS_KEY ? ", the key" : "");
    }
    puts(".El");
}
