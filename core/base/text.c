/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

#include "config.h"

#include "base/text.h"

#include "base/memory.h"

#include <string.h>

/* ---- Blank and not ----------------------------------------------------- */

/* White_Space beyond ASCII, in UTF-8: U+0085, U+00A0, U+1680, U+2000 to
 * U+200A, U+2028, U+2029, U+202F, U+205F, U+3000. */
static bool wide_blank(const unsigned char *at, size_t length)
{
    if (length == 2)
        return at[0] == 0xC2 && (at[1] == 0x85 || at[1] == 0xA0);
    switch (at[0] << 16 | at[1] << 8 | at[2]) {
    case 0xE19A80:
    case 0xE280A8:
    case 0xE280A9:
    case 0xE280AF:
    case 0xE2819F:
    case 0xE38080:
        return true;
    default:
        return at[0] == 0xE2 && at[1] == 0x80 && at[2] >= 0x80 && at[2] <= 0x8A;
    }
}

static bool narrow_blank(unsigned char byte)
{
    return byte == ' ' || (byte >= '\t' && byte <= '\r');
}

/* Bytes of the white space that `text` begins with; 0: none. */
static size_t blank_first(const unsigned char *text, size_t length)
{
    if (length == 0)
        return 0;
    if (text[0] < 0x80)
        return narrow_blank(text[0]) ? 1 : 0;
    for (size_t n = 2; n <= 3 && n <= length; n++)
        if (wide_blank(text, n))
            return n;
    return 0;
}

static size_t blank_last(const unsigned char *text, size_t length)
{
    if (length == 0)
        return 0;
    if (text[length - 1] < 0x80)
        return narrow_blank(text[length - 1]) ? 1 : 0;
    for (size_t n = 2; n <= 3 && n <= length; n++)
        if (wide_blank(text + length - n, n))
            return n;
    return 0;
}

struct cs_span cs_text_trim(const char *text)
{
    const unsigned char *at = (const unsigned char *)text;
    size_t length = strlen(text), n;

    while ((n = blank_first(at, length)) > 0) {
        at += n;
        length -= n;
    }
    while ((n = blank_last(at, length)) > 0)
        length -= n;
    return (struct cs_span){(const char *)at, length};
}

/* ---- UTF-8 ------------------------------------------------------------- */

/* Bytes of the character at `at`, or 0 when it is not well-formed (Unicode's
 * table 3-7: nothing overlong, no surrogates, nothing above U+10FFFF). */
static size_t character(const unsigned char *at, size_t length)
{
    unsigned char low = 0x80, high = 0xBF; /* bounds of the second byte */
    size_t size;

    if (at[0] < 0x80)
        return 1;
    if (at[0] >= 0xC2 && at[0] <= 0xDF)
        size = 2;
    else if (at[0] >= 0xE0 && at[0] <= 0xEF)
        size = 3;
    else if (at[0] >= 0xF0 && at[0] <= 0xF4)
        size = 4;
    else
        return 0;
    if (size > length)
        return 0;
    if (at[0] == 0xE0)
        low = 0xA0;
    else if (at[0] == 0xED)
        high = 0x9F;
    else if (at[0] == 0xF0)
        low = 0x90;
    else if (at[0] == 0xF4)
        high = 0x8F;
    if (at[1] < low || at[1] > high)
        return 0;
    for (size_t i = 2; i < size; i++)
        if ((at[i] & 0xC0) != 0x80)
            return 0;
    return size;
}

bool cs_text_valid(const char *text, size_t length)
{
    const unsigned char *at = (const unsigned char *)text;

    while (length > 0) {
        size_t size = *at < 0x80 ? 1 : character(at, length);

        if (size == 0)
            return false;
        at += size;
        length -= size;
    }
    return true;
}

/* UTF-16 units that a byte adds to its character: what UTF-8 writes in four
 * bytes takes a pair, continuation bytes take nothing. */
static size_t units_of(char byte)
{
    unsigned char b = (unsigned char)byte;

    if ((b & 0xC0) == 0x80)
        return 0;
    return b >= 0xF0 ? 2 : 1;
}

size_t cs_text_units(const char *text, size_t length)
{
    size_t units = 0;

    for (size_t i = 0; i < length; i++)
        units += units_of(text[i]);
    return units;
}

size_t cs_text_prefix(const char *text, size_t length, size_t units)
{
    size_t used = 0;

    for (size_t i = 0; i < length; i++) {
        used += units_of(text[i]);
        if (used > units)
            return i; /* a first byte: only those add units */
    }
    return length;
}

/* ---- Words ------------------------------------------------------------- */

enum { NEAR_LENGTH = 64 }; /* longer words are near to nothing */

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* How many letters were mistyped, left out, added, or swapped with their
 * neighbour. */
static size_t distance(const char *a, const char *b)
{
    size_t rows[3][NEAR_LENGTH + 1], n = strlen(b);
    size_t *before = rows[0], *above = rows[1], *row = rows[2];

    for (size_t j = 0; j <= n; j++)
        above[j] = j;
    for (size_t i = 1; a[i - 1]; i++) {
        size_t *oldest = before;

        row[0] = i;
        for (size_t j = 1; j <= n; j++) {
            row[j] = above[j - 1] + (a[i - 1] != b[j - 1]);
            row[j] = least(row[j], least(above[j], row[j - 1]) + 1);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                row[j] = least(row[j], before[j - 2] + 1);
        }
        before = above;
        above = row;
        row = oldest;
    }
    return above[n];
}

const char *cs_text_nearest(const char *word, const char *const *known)
{
    size_t length = strlen(word), best = (size_t)-1;
    const char *nearest = NULL;

    if (length > NEAR_LENGTH)
        return NULL;
    for (; *known; known++) {
        size_t other = strlen(*known), far;

        if (other > NEAR_LENGTH)
            continue;
        far = distance(word, *known);
        /* A third of the letters wrong is a slip; more is another word. */
        if (far < best && far * 3 <= (length > other ? length : other)) {
            best = far;
            nearest = *known;
        }
    }
    return nearest;
}

char **cs_text_words(const char *text)
{
    size_t length = strlen(text), n = 0;
    char **words, *copy;

    /* Every word but the last has a blank behind it. */
    words = cs_memory_new((length / 2 + 2) * sizeof(*words) + length + 1);
    copy = (char *)(words + length / 2 + 2);
    memcpy(copy, text, length + 1);
    for (char *at = copy; *at;) {
        at += strspn(at, " \t");
        if (!*at)
            break;
        words[n++] = at;
        at += strcspn(at, " \t");
        if (*at)
            *at++ = '\0';
    }
    return words;
}
