/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* Whom an instance works for: fills {templates}, and the scope plugins see. */
#ifndef CS_SCOPE_H
#define CS_SCOPE_H

struct cs_error;

/* Clever's ids and our prefixes; NULL where there is none.  Borrowed from the
 * registry of districts and schools, which outlives every instance. */
struct cs_whom {
    const char *run, *pipeline;
    const char *district_id, *district_prefix;
    const char *school_id, *school_prefix;
    const char *school_secret; /* deprecated name of its sink's secret */
};

/* The text with {school_prefix}, {school_id}, {district_prefix}, {district_id}
 * and {secret_prefix} filled in; yours to free().  NULL when one of them has
 * no value here or is unknown (error says which). */
char *cs_scope_fill(const char *text, const struct cs_whom *whom,
                    const char *secret_prefix, struct cs_error *error);

/* Where a secret's name holds {school_prefix}: the one that it had before, if
 * the school has such a name and it can be one; else NULL. */
const char *cs_scope_old_name(const char *text, const struct cs_whom *whom);

/* Which {word} of `text` is no template that we know; NULL: all are known. */
const char *cs_scope_unknown(const char *text);

#endif
