/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* To be preloaded: when the program ends, says on standard error how often its
 * memory holds each of the words in SCAN_FOR, "drow,txet", which are written
 * backwards so that to know them is not to hold them.  The variables in
 * SCAN_WITHOUT are emptied before: what came in the environment is there from
 * the start, whatever the program does. */

#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct word { /* backwards */
    const char *text;
    size_t length;
};

/* Compared where it lies: a copy would be found later. */
static size_t count(const char *start, const char *end, struct word word)
{
    size_t found = 0;

    if ((size_t)(end - start) < word.length)
        return 0;
    for (const char *at = start; at <= end - word.length; at++) {
        size_t n = 0;

        while (n < word.length && at[n] == word.text[word.length - 1 - n])
            n++;
        found += n == word.length;
    }
    return found;
}

/* All that can be read and written: data, heaps, stacks, what is mapped. */
static size_t count_everywhere(struct word word)
{
    FILE *maps = fopen("/proc/self/maps", "re");
    char line[512];
    size_t found = 0;

    while (maps && fgets(line, sizeof(line), maps)) {
        uintptr_t start, end;
        char rights[5];

        if (sscanf(line, "%" SCNxPTR "-%" SCNxPTR " %4s", &start, &end,
                   rights) == 3 &&
            strncmp(rights, "rw", 2) == 0)
            found += count((const char *)start, (const char *)end, word);
    }
    if (maps)
        fclose(maps);
    return found;
}

static void empty_variables(char *names)
{
    char *rest;

    for (char *name = strtok_r(names, ",", &rest); name;
         name = strtok_r(NULL, ",", &rest)) {
        char *value = getenv(name);

        if (value)
            explicit_bzero(value, strlen(value));
    }
}

__attribute__((destructor)) static void scan(void)
{
    char *words = getenv("SCAN_FOR"), *without = getenv("SCAN_WITHOUT");
    char *rest;

    if (!words)
        return;
    if (without)
        empty_variables(without);
    for (char *text = strtok_r(words, ",", &rest); text;
         text = strtok_r(NULL, ",", &rest))
        fprintf(stderr, "scan: %s %zu\n", text,
                count_everywhere((struct word){text, strlen(text)}));
}
