/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */
#include "config.h"

#include "base/json-scan.h"

#include "base/memory.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define ESCAPE 6 /* bytes in \uHHHH */

void cs_json_scan_clear(struct cs_json_scan *scan)
{
    cs_memory_wipe(scan->buffer);
    *scan = (struct cs_json_scan){0};
}

/* ---- UTF-8 ------------------------------------------------------------- */

static size_t skip_ascii(const char *bytes, size_t n)
{
    size_t i = 0;
    for (uint64_t word; n - i >= sizeof(word); i += sizeof(word)) {
        memcpy(&word, bytes + i, sizeof(word));
        if (word & UINT64_C(0x8080808080808080)) {
            break;
        }
    }
    while (i < n && !((unsigned char)bytes[i] & 0x80)) {
        i++;
    }
    return i;
}

/* The first byte of a longer character.  The bounds on the second byte keep
 * out overlong forms, surrogates and what lies beyond U+10FFFF. */
static bool lead(struct cs_json_scan *scan, unsigned char byte)
{
    scan->low = 0x80;
    scan->high = 0xBF;
    if (byte >= 0xC2 && byte <= 0xDF) {
        scan->left = 1;
    } else if (byte >= 0xE0 && byte <= 0xEF) {
        scan->left = 2;
        scan->low = byte == 0xE0 ? 0xA0 : 0x80;
        scan->high = byte == 0xED ? 0x9F : 0xBF;
    } else if (byte >= 0xF0 && byte <= 0xF4) {
        scan->left = 3;
        scan->low = byte == 0xF0 ? 0x90 : 0x80;
        scan->high = byte == 0xF4 ? 0x8F : 0xBF;
    }
    return scan->left > 0;
}

size_t cs_json_scan_utf8(struct cs_json_scan *scan, const char *bytes, size_t n)
{
    size_t i = 0;
    while (i < n) {
        if (scan->left == 0) {
            i += skip_ascii(bytes + i, n - i);
            if (i == n) {
                break;
            }
            if (!lead(scan, (unsigned char)bytes[i])) {
                return i;
            }
        } else {
            unsigned char byte = (unsigned char)bytes[i];
            if (byte < scan->low || byte > scan->high) {
                return i;
            }
            scan->left--;
            scan->low = 0x80;
            scan->high = 0xBF;
        }
        i++;
    }
    return n;
}

/* ---- Escapes ----------------------------------------------------------- */

/* The code unit of a whole escape \uHHHH; -1: it is none. */
static long code_unit(const char *escape)
{
    long unit = 0;
    for (int i = 2; i < ESCAPE; i++) {
        int digit = (unsigned char)escape[i];
        if (digit >= '0' && digit <= '9') {
            digit -= '0';
        } else if ((digit | 0x20) >= 'a' && (digit | 0x20) <= 'f') {
            digit = (digit | 0x20) - 'a' + 10;
        } else {
            return -1;
        }
        unit = unit * 16 + digit;
    }
    return unit;
}

static bool is_high(long unit)
{
    return unit >= 0xD800 && unit <= 0xDBFF;
}

static bool is_low(long unit)
{
    return unit >= 0xDC00 && unit <= 0xDFFF;
}

enum verdict { KEEP, LONE, MORE };

/* Judges the escape at the start of n > 0 bytes: how long it is, and whether
 * it is a lone surrogate or cannot be judged before more bytes are there. */
static enum verdict judge(const char *escape, size_t n, size_t *length)
{
    *length = 2;
    if (n < 2) {
        return MORE;
    }
    if (escape[1] != 'u') {
        return KEEP;
    }
    if (n < ESCAPE) {
        return MORE;
    }
    long unit = code_unit(escape);
    if (unit < 0) {
        return KEEP; /* for the tokenizer to refuse */
    }
    *length = ESCAPE;
    if (!is_high(unit)) {
        return is_low(unit) ? LONE : KEEP;
    }
    const char *next = escape + ESCAPE;
    size_t left = n - ESCAPE;
    if ((left > 0 && next[0] != '\\') || (left > 1 && next[1] != 'u')) {
        return LONE;
    }
    if (left < ESCAPE) {
        return MORE;
    }
    if (!is_low(code_unit(next))) {
        return LONE;
    }
    *length = 2 * ESCAPE;
    return KEEP;
}

/* Makes the chunk ours to change, behind what was held back; gives it. */
static char *take_over(struct cs_json_scan *scan, const char *bytes, size_t n)
{
    if (scan->space < scan->nheld + n) {
        scan->space = scan->nheld + n;
        scan->buffer = cs_memory_grow_wiped(scan->buffer, scan->space);
    }
    memcpy(scan->buffer, scan->held, scan->nheld);
    memcpy(scan->buffer + scan->nheld, bytes, n);
    scan->nheld = 0;
    return scan->buffer;
}

void cs_json_scan_escapes(struct cs_json_scan *scan, const char **bytes,
                          size_t *n)
{
    size_t size = *n + scan->nheld;
    const char *chunk = *bytes;
    char *ours = NULL;

    if (scan->nheld > 0) {
        chunk = ours = take_over(scan, *bytes, *n);
    }
    for (size_t at = 0; at < size;) {
        const char *escape = memchr(chunk + at, '\\', size - at);
        if (!escape) {
            break;
        }
        at = (size_t)(escape - chunk);
        size_t length;
        enum verdict verdict = judge(escape, size - at, &length);
        if (verdict == MORE) {
            scan->nheld = size - at;
            memcpy(scan->held, escape, scan->nheld);
            size = at;
            break;
        }
        if (verdict == LONE) {
            if (!ours) {
                chunk = ours = take_over(scan, *bytes, *n);
            }
            memcpy(ours + at, "\\u0000", ESCAPE);
        }
        at += length;
    }
    *bytes = chunk;
    *n = size;
}
