/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

#include "config.h"

#include "fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void fuzz_broken(const char *file, int line, const char *condition)
{
    fprintf(stderr, "%s:%d: this does not hold: %s\n", file, line, condition);
    abort();
}

static char *copy(const char *from, size_t size)
{
    char *to = malloc(size + 1);

    if (to == NULL)
        abort();
    memcpy(to, from, size);
    to[size] = '\0';
    return to;
}

char *fuzz_line(struct fuzz_input *input)
{
    const char *end =
        input->size > 0 ? memchr(input->at, '\n', input->size) : NULL;
    size_t size = end != NULL ? (size_t)(end - input->at) : input->size;
    char *line = copy(size > 0 ? input->at : "", size);

    size += end != NULL;
    input->at += size;
    input->size -= size;
    return line;
}

char *fuzz_rest(struct fuzz_input *input)
{
    char *text = copy(input->size > 0 ? input->at : "", input->size);

    input->size = 0;
    return text;
}

unsigned long fuzz_number(struct fuzz_input *input, unsigned long most)
{
    char *line = fuzz_line(input);
    unsigned long number = 0;

    for (const char *c = line; *c >= '0' && *c <= '9'; c++)
        number =
            number > most / 10 ? most : number * 10 + (unsigned long)(*c - '0');
    free(line);
    return number < most ? number : most;
}

unsigned fuzz_random(unsigned *seed, unsigned below)
{
    *seed = *seed * 1103515245U + 12345U;
    return (*seed >> 16) % below;
}
