/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

#include "config.h"

#include "base/memory.h"

#include <jansson.h>
#include <malloc.h>
#include <openssl/crypto.h>
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

/* ---- Secrets ------------------------------------------------------------- */

void cs_memory_wipe(void *memory)
{
    if (memory)
        explicit_bzero(memory, malloc_usable_size(memory));
    free(memory);
}

void *cs_memory_grow_wiped(void *old, size_t size)
{
    size_t had = old ? malloc_usable_size(old) : 0;
    void *new;

    if (old && size <= had)
        return old;
    new = checked(malloc(size ? size : 1));
    if (old)
        memcpy(new, old, had);
    cs_memory_wipe(old);
    return new;
}

static void *crypto_new(size_t size, const char *file, int line)
{
    (void)file;
    (void)line;
    return malloc(size);
}

static void *crypto_grow(void *old, size_t size, const char *file, int line)
{
    (void)file;
    (void)line;
    return cs_memory_grow_wiped(old, size);
}

static void crypto_free(void *memory, const char *file, int line)
{
    (void)file;
    (void)line;
    cs_memory_wipe(memory);
}

void cs_memory_guard(void)
{
    json_set_alloc_funcs(malloc, cs_memory_wipe);
    CRYPTO_set_mem_functions(crypto_new, crypto_grow, crypto_free);
}
