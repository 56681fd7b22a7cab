/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* A JSON text read as a stream: yajl finds the tokens, Jansson values are built
 * only for what somebody wants.
 *
 * Faults (syntax, UTF-8, depth beyond 64, a token beyond 1 MiB) fail the whole
 * text.  A lone surrogate becomes U+0000 in place, so that both kinds of text
 * that no database should get are found by cs_json_has_nul(). */
#ifndef CS_JSON_H
#define CS_JSON_H

#include "base/error.h"

#define CS_JSON_DEPTH 64
#define CS_JSON_TOKEN (1024 * 1024)

struct cs_json;
struct cs_json_rows { /* which array to hand over row by row */
    const char *path; /* "data[].data": member `data` of each element of the
                         top-level array `data`; "data[]": the elements */
    const char *const *reads; /* paths to build in a row; NULL: all of it */
    enum cs_rc (*each)(void *arg, json_t *stolen); /* an element without the
                         inner member, or that is no object, comes as {} */
    void *arg;
};

struct cs_json *cs_json_new(const struct cs_json_rows *rows); /* or NULL */
void cs_json_free(struct cs_json *json);
/* A result of each() other than CS_OK stops the reading and is returned. */
enum cs_rc cs_json_feed(struct cs_json *json, const char *bytes, size_t n,
                        struct cs_error *error);
/* The end: CS_E_DATA unless the text was complete, and had the rows' array.
 * reply: all but the rows; yours. */
enum cs_rc cs_json_finish(struct cs_json *json, json_t **reply,
                          struct cs_error *error);
size_t cs_json_nrows(const struct cs_json *json); /* handed over so far */

/* Does a string anywhere inside hold U+0000? */
bool cs_json_has_nul(const json_t *value);

/* An instant as cs_clock_format() writes it; 0: null.  Yours. */
json_t *cs_json_time(int64_t time);

#endif
