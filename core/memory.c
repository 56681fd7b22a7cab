/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

#include "config.h"

#include "memory.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *checked(void *memory)
{
    if (!memory) {
        fputs("cleversync: out of memory\n", stderr);
        abort();
    }
    return memory;
}

void *cs_memory_new(size_t size)
{
    return checked(calloc(1, size ? size : 1));
}

void *cs_memory_array(size_t n, size_t size)
{
    return checked(calloc(n ? n : 1, size));
}

void *cs_memory_grow(void *old, size_t n, size_t size)
{
    return checked(reallocarray(old, n ? n : 1, size));
}

char *cs_memory_text(const char *text)
{
    return text ? checked(strdup(text)) : NULL;
}

char *cs_memory_textn(const char *text, size_t length)
{
    return checked(strndup(text, length));
}

char *cs_memory_format(const char *format, ...)
{
    va_list arguments;
    char *text;
    int n;

    va_start(arguments, format);
    n = vasprintf(&text, format, arguments);
    va_end(arguments);
    return checked(n < 0 ? NULL : text);
}
