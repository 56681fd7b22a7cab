/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

#include "config.h"

#include "sync/normal.h"

#include "base/clock.h"
#include "base/text.h"

#include <string.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

static const struct cs_value null_cell = {.state = CS_NULL};

/* What of a cell counts: its bytes, none for null and blank. */
static struct cs_span significant(const struct cs_column *column,
                                  const struct cs_value *cell)
{
    if (cell->state != CS_SET)
        return (struct cs_span){"", 0};
    switch (column->type) {
    case CS_BOOL:
        return (struct cs_span){(const char *)&cell->as.boolean,
                                sizeof(cell->as.boolean)};
    case CS_INT:
        return (struct cs_span){(const char *)&cell->as.integer,
                                sizeof(cell->as.integer)};
    case CS_TEXT:
    case CS_TIME:
        break;
    }
    return cs_text_trim(cell->as.text);
}

bool cs_normal_equal(const struct cs_column *column, const struct cs_value *a,
                     const struct cs_value *b)
{
    struct cs_span left = significant(column, a);
    struct cs_span right = significant(column, b);

    return left.length == right.length &&
           memcmp(left.start, right.start, left.length) == 0;
}

uint64_t cs_normal_fingerprint(const struct cs_normal *normal,
                               const struct cs_value *row)
{
    XXH3_state_t state;

    XXH3_INITSTATE(&state);
    XXH3_64bits_reset_withSeed(&state, normal->seed);
    for (size_t i = 0; i < normal->ncolumns; i++) {
        struct cs_span part;

        if (normal->columns[i].flags & CS_QUIET)
            continue;
        part = significant(&normal->columns[i], &row[i]);
        /* The length keeps neighbours apart: "a","bc" is not "ab","c". */
        XXH3_64bits_update(&state, &part.length, sizeof(part.length));
        XXH3_64bits_update(&state, part.start, part.length);
    }
    return XXH3_64bits_digest(&state);
}

static unsigned longest(const struct cs_normal *normal, size_t i)
{
    unsigned declared = normal->columns[i].length;
    unsigned real = normal->lengths ? normal->lengths[i] : 0;

    if (!real || !declared)
        return real ? real : declared;
    return real < declared ? real : declared;
}

bool cs_normal_key(const struct cs_normal *normal, const struct cs_value *key)
{
    unsigned most = longest(normal, normal->key);
    size_t length;

    if (key->state != CS_SET || !key->as.text[0])
        return false;
    length = strlen(key->as.text);
    for (size_t i = 0; i < length; i++) {
        unsigned char byte = (unsigned char)key->as.text[i];

        if (byte <= ' ' || byte == 0x7F)
            return false;
    }
    if (most && length > most && cs_text_units(key->as.text, length) > most)
        return false;
    return cs_text_trim(key->as.text).length == length;
}

/* A time in the one form that is stored. */
static bool normal_time(struct cs_value *cell, struct cs_span text,
                        struct cs_arena *scratch)
{
    char *stored;
    int64_t time;

    if (text.length == CS_CLOCK_ISO - 1 && !text.start[text.length] &&
        cs_clock_is_format(text.start)) {
        cell->as.text = text.start;
        return true;
    }
    if (text.length >= 40)
        return false;
    stored = cs_arena_take(scratch, 40);
    memcpy(stored, text.start, text.length);
    stored[text.length] = '\0';
    if (!cs_clock_parse(stored, &time))
        return false;
    cs_clock_format(time, stored);
    cell->as.text = stored;
    return true;
}

static void note(struct cs_normal_note **notes, struct cs_arena *scratch,
                 const struct cs_column *column, const char *what)
{
    struct cs_normal_note *new = cs_arena_take(scratch, sizeof(*new));

    *new = (struct cs_normal_note){*notes, column, what};
    *notes = new;
}

static void normal_text(const struct cs_normal *normal, size_t i,
                        struct cs_value *cell, struct cs_arena *scratch,
                        struct cs_normal_note **notes)
{
    const struct cs_column *column = &normal->columns[i];
    struct cs_span text = cs_text_trim(cell->as.text);
    unsigned most = longest(normal, i);

    if (column->type == CS_TIME && text.length > 0) {
        if (!normal_time(cell, text, scratch)) {
            note(notes, scratch, column, "is no time, left empty");
            *cell = null_cell;
        }
        return;
    }
    /* A text has at most as many units as bytes: mostly nothing to count. */
    if (most && text.length > most &&
        cs_text_units(text.start, text.length) > most) {
        if (column->flags & CS_CUT) {
            text.length = cs_text_prefix(text.start, text.length, most);
            note(notes, scratch, column, "is too long, cut");
        } else {
            text.length = 0;
            note(notes, scratch, column, "is too long, left empty");
        }
    }
    if (text.length == 0) {
        *cell = null_cell;
    } else if (text.start[text.length]) {
        char *copy = cs_arena_take(scratch, text.length + 1);

        memcpy(copy, text.start, text.length);
        copy[text.length] = '\0';
        cell->as.text = copy;
    } else {
        cell->as.text = text.start;
    }
}

static bool is_text(const struct cs_column *column)
{
    return column->type == CS_TEXT || column->type == CS_TIME;
}

/* What a column that takes no null gets instead. */
static struct cs_value zero_of(const struct cs_column *column)
{
    struct cs_value zero = {.state = CS_SET, .as.integer = 0};

    if (is_text(column))
        zero.as.text = "";
    return zero;
}

enum cs_rc cs_normal_row(const struct cs_normal *normal, struct cs_value *row,
                         struct cs_arena *scratch,
                         struct cs_normal_note **notes, struct cs_error *error)
{
    *notes = NULL;
    if (!cs_normal_key(normal, &row[normal->key]))
        return cs_error_set(error, CS_E_DATA,
                            "its key is missing, too long, or no plain text");
    for (size_t i = 0; i < normal->ncolumns; i++) {
        const struct cs_column *column = &normal->columns[i];

        if (i == normal->key)
            continue;
        if (row[i].state == CS_SET && is_text(column)) {
            if (!cs_text_valid(row[i].as.text, strlen(row[i].as.text)))
                return cs_error_set(error, CS_E_DATA,
                                    "its %s is not valid UTF-8", column->name);
            normal_text(normal, i, &row[i], scratch, notes);
        }
        if (row[i].state == CS_ABSENT && normal->listing)
            row[i].state = CS_NULL;
        if (row[i].state == CS_NULL && column->flags & CS_NOT_NULL)
            row[i] = zero_of(column);
    }
    return CS_OK;
}
