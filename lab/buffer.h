/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* Text that grows: replies are written straight into it, because a page of
 * 10,000 records is made faster this way than as a tree of JSON values. */
#ifndef CS_LAB_BUFFER_H
#define CS_LAB_BUFFER_H

#include <stddef.h>

/* Zeroed is empty.  `text` is free()d by whoever has it last. */
struct cs_lab_buffer {
    char *text; /* not terminated; NULL while empty */
    size_t length;
    size_t size;
};

void cs_lab_buffer_add(struct cs_lab_buffer *buffer, const void *bytes,
                       size_t length);
void cs_lab_buffer_text(struct cs_lab_buffer *buffer, const char *text);
void cs_lab_buffer_format(struct cs_lab_buffer *buffer, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* `n` times the byte `byte`. */
void cs_lab_buffer_fill(struct cs_lab_buffer *buffer, int byte, size_t n);
/* A JSON string of `length` bytes of UTF-8, quotes included. */
void cs_lab_buffer_quote(struct cs_lab_buffer *buffer, const char *text,
                         size_t length);
/* Puts `length` bytes where `old` bytes were. */
void cs_lab_buffer_replace(struct cs_lab_buffer *buffer, size_t at, size_t old,
                           const void *bytes, size_t length);
void cs_lab_buffer_clear(struct cs_lab_buffer *buffer); /* frees */

#endif
