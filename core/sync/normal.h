/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* The one place that says when two cells are equal and what is written.
 *
 * Null, empty and blank text are equal; white space around text does not
 * count; case does; Unicode is compared as received.  Text that is too long is
 * cut (CS_CUT), refused (a key) or becomes null (the rest). */
#ifndef CS_NORMAL_H
#define CS_NORMAL_H

#include "base/arena.h"
#include "base/error.h"

/* A cell that had to be cut or emptied. */
struct cs_normal_note {
    struct cs_normal_note *next;
    const struct cs_column *column;
    const char *what; /* "is too long, cut" */
};
/* For who wants to tell of it. */
typedef void cs_normal_fn(void *arg, const char *key,
                          const struct cs_normal_note *note);

struct cs_normal {
    const struct cs_column *columns; /* the mapper's, key first found by flag */
    size_t ncolumns;
    size_t key;
    const unsigned *lengths; /* the database's, UTF-16 units; 0: as declared */
    uint64_t seed;           /* of fingerprints */
    bool listing; /* a full listing: what a record does not say is null */
};

/* Makes a mapped row ready to be compared and written, in place; text that has
 * to change is copied into scratch, where the notes are, too.  CS_E_DATA: the
 * row cannot be stored. */
enum cs_rc cs_normal_row(const struct cs_normal *normal, struct cs_value *row,
                         struct cs_arena *scratch,
                         struct cs_normal_note **notes, struct cs_error *error);

/* Is the key one that can be a key: text, not blank, no control characters or
 * blanks, not too long? */
bool cs_normal_key(const struct cs_normal *normal, const struct cs_value *key);

/* A fingerprint of what counts in a row, stored or mapped; equal rows have
 * equal ones, different rows different ones but for a chance of 2^-64. */
uint64_t cs_normal_fingerprint(const struct cs_normal *normal,
                               const struct cs_value *row);

/* Do two cells count as equal? */
bool cs_normal_equal(const struct cs_column *column, const struct cs_value *a,
                     const struct cs_value *b);

#endif
