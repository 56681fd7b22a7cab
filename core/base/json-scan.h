/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* What has to be done to bytes before a JSON tokenizer may see them, chunk by
 * chunk: strict UTF-8, and lone surrogate escapes made U+0000 (yajl turns them
 * into something else without a word). */
#ifndef CS_JSON_SCAN_H
#define CS_JSON_SCAN_H

#include <stdbool.h>
#include <stddef.h>

struct cs_json_scan {        /* starts zeroed */
    unsigned char left;      /* continuation bytes still to come */
    unsigned char low, high; /* what the next one may be */
    char held[12]; /* the start of an escape whose end is still to come */
    size_t nheld;
    char *buffer; /* owned: a chunk that had to be put together or changed */
    size_t space;
};
void cs_json_scan_clear(struct cs_json_scan *scan);

/* How many of the bytes continue well-formed UTF-8: n, or the offset of the
 * first one that does not. */
size_t cs_json_scan_utf8(struct cs_json_scan *scan, const char *bytes,
                         size_t n);

/* Gives what to feed now instead of the bytes.  Up to 11 bytes may stay behind
 * and come with the next chunk; none do at the end of a whole JSON text. */
void cs_json_scan_escapes(struct cs_json_scan *scan, const char **bytes,
                          size_t *n);

#endif
