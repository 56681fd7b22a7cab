/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* Text: UTF-8, what counts as blank, lengths as SQL Server counts them, and
 * which known word somebody may have meant. */
#ifndef CS_TEXT_H
#define CS_TEXT_H

#include <stdbool.h>
#include <stddef.h>

/* The part of `text` without leading and trailing white space (Unicode's
 * White_Space, as .NET's Trim takes it off). */
struct cs_span {
    const char *start;
    size_t length;
};
struct cs_span cs_text_trim(const char *text);

bool cs_text_valid(const char *text, size_t length);   /* strict UTF-8 */
size_t cs_text_units(const char *text, size_t length); /* UTF-16 code units */
/* Bytes of the longest prefix with at most `units` UTF-16 units that ends
 * between characters. */
size_t cs_text_prefix(const char *text, size_t length, size_t units);

/* The known word nearest to `word`, or NULL when none is near.  `known` ends
 * with NULL. */
const char *cs_text_nearest(const char *word, const char *const *known);

/* Splits at blanks into a NULL-terminated array, one block: free() it. */
char **cs_text_words(const char *text);

#endif
