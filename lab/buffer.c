/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

#include "config.h"
#include "lab/buffer.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/memory.h"

/* Room for `more` bytes behind the text; gives where they go. */
static char *room(struct cs_lab_buffer *buffer, size_t more)
{
    size_t need = buffer->length + more;

    if (need > buffer->size) {
        buffer->size = need < 256 ? 512 : need * 2;
        buffer->text = cs_memory_grow(buffer->text, buffer->size, 1);
    }
    return buffer->text + buffer->length;
}

void cs_lab_buffer_add(struct cs_lab_buffer *buffer, const void *bytes,
                       size_t length)
{
    if (length > 0) {
        memcpy(room(buffer, length), bytes, length);
        buffer->length += length;
    }
}

void cs_lab_buffer_text(struct cs_lab_buffer *buffer, const char *text)
{
    cs_lab_buffer_add(buffer, text, strlen(text));
}

void cs_lab_buffer_format(struct cs_lab_buffer *buffer, const char *format, ...)
{
    va_list arguments, again;
    int length;

    va_start(arguments, format);
    va_copy(again, arguments);
    room(buffer, 256); /* enough nearly always */
    length = vsnprintf(buffer->text + buffer->length,
                       buffer->size - buffer->length, format, arguments);
    va_end(arguments);
    if (length > 0 && (size_t)length >= buffer->size - buffer->length) {
        room(buffer, (size_t)length + 1);
        vsnprintf(buffer->text + buffer->length, (size_t)length + 1, format,
                  again);
    }
    va_end(again);
    if (length > 0)
        buffer->length += (size_t)length;
}

void cs_lab_buffer_fill(struct cs_lab_buffer *buffer, int byte, size_t n)
{
    memset(room(buffer, n), byte, n);
    buffer->length += n;
}

void cs_lab_buffer_quote(struct cs_lab_buffer *buffer, const char *text,
                         size_t length)
{
    size_t plain = 0;

    cs_lab_buffer_add(buffer, "\"", 1);
    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)text[i];

        if (c >= 0x20 && c != '"' && c != '\\')
            continue;
        cs_lab_buffer_add(buffer, text + plain, i - plain);
        if (c < 0x20)
            cs_lab_buffer_format(buffer, "\\u%04x", c);
        else
            cs_lab_buffer_format(buffer, "\\%c", c);
        plain = i + 1;
    }
    cs_lab_buffer_add(buffer, text + plain, length - plain);
    cs_lab_buffer_add(buffer, "\"", 1);
}

void cs_lab_buffer_replace(struct cs_lab_buffer *buffer, size_t at, size_t old,
                           const void *bytes, size_t length)
{
    size_t tail = buffer->length - at - old;

    if (length > old)
        room(buffer, length - old);
    memmove(buffer->text + at + length, buffer->text + at + old, tail);
    if (length > 0)
        memcpy(buffer->text + at, bytes, length);
    buffer->length = at + length + tail;
}

void cs_lab_buffer_clear(struct cs_lab_buffer *buffer)
{
    free(buffer->text);
    *buffer = (struct cs_lab_buffer){0};
}
