/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* Allocation that cannot fail: out of memory ends the process with one
 * sentence, which a sync survives because nothing is written before the
 * commit.  Everything is released with free(). */
#ifndef CS_MEMORY_H
#define CS_MEMORY_H

#include <stddef.h>

void *cs_memory_new(size_t size);                       /* zeroed */
void *cs_memory_array(size_t n, size_t size);           /* zeroed, checked */
void *cs_memory_grow(void *old, size_t n, size_t size); /* realloc, checked */
char *cs_memory_text(const char *text);                 /* strdup; NULL: NULL */
char *cs_memory_textn(const char *text, size_t length);
char *cs_memory_format(const char *format, ...)
    __attribute__((format(printf, 1, 2))); /* asprintf */

/* For what may hold a secret.  The second one is realloc() that leaves no copy
 * behind. */
void cs_memory_wipe(void *memory); /* zeroed, then freed; NULL: nothing */
void *cs_memory_grow_wiped(void *old, size_t size);
/* From now on, Jansson and OpenSSL do the same with all that they free.  At the
 * program's start: neither may hold any memory yet. */
void cs_memory_guard(void);

#endif
