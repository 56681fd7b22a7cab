/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* An INI file: what is read keeps to its bounds, says the same when it is
 * written and read again, and no sentence depends on a value. */

#include "config.h"

#include "config/ini.h"

#include "base/memory.h"
#include "base/text.h"
#include "fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { NAME_MOST = 49, LINES_MOST = 10000 };

/* What was read, written as a file again, and what was said about it. */
struct reading {
    char *text;
    size_t size;
    FILE *out;
    unsigned line;
    bool sections;
    struct cs_problems problems;
};

static void name_holds(const char *name)
{
    FUZZ_HOLDS(*name != '\0' && strlen(name) <= NAME_MOST);
    FUZZ_HOLDS(cs_ini_storable(name));
}

static void each(void *arg, const char *section, const char *key,
                 const char *value, const char *file, unsigned line)
{
    struct reading *reading = arg;

    FUZZ_HOLDS(file != NULL && line > reading->line && line <= LINES_MOST);
    reading->line = line;
    name_holds(section);
    FUZZ_HOLDS(key != NULL ? value != NULL : value == NULL);
    FUZZ_HOLDS(key == NULL || reading->sections);
    reading->sections = true;
    if (key == NULL) {
        fprintf(reading->out, "[%s]\n", section);
        return;
    }
    name_holds(key);
    FUZZ_HOLDS(cs_text_trim(key).length == strlen(key));
    FUZZ_HOLDS(cs_ini_storable(value));
    FUZZ_HOLDS(cs_text_trim(value).length == strlen(value));
    fprintf(reading->out, "%s = %s\n", key, value);
}

static void read_back(struct reading *reading, const char *bytes, size_t size)
{
    static char path[64];
    static int file = -1;

    if (file < 0) {
        file = memfd_create("ini", MFD_CLOEXEC);
        snprintf(path, sizeof(path), "/proc/self/fd/%d", file);
    }
    FUZZ_HOLDS(ftruncate(file, 0) == 0);
    FUZZ_HOLDS(pwrite(file, bytes, size, 0) == (ssize_t)size);
    *reading = (struct reading){.line = 0};
    reading->out = open_memstream(&reading->text, &reading->size);
    cs_ini_read(path, each, reading, &reading->problems);
    fclose(reading->out);
}

static void reading_clear(struct reading *reading)
{
    free(reading->text);
    cs_problems_clear(&reading->problems);
}

/* The same file with other values of the same length, as far as they are
 * letters of ASCII.  What begins with a mark of byte order begins behind it. */
static void change_values(char *bytes, size_t size)
{
    char *at = bytes, *end = bytes + size;

    if (size >= 3 && memcmp(bytes, "\xEF\xBB\xBF", 3) == 0)
        at += 3;
    while (at < end) {
        char *stop = memchr(at, '\n', (size_t)(end - at));
        bool value = false;

        stop = stop != NULL ? stop : end;
        while (at < stop && (*at == ' ' || *at == '\t'))
            at++;
        if (at < stop && (*at == '[' || *at == '#' || *at == ';' || *at == ':'))
            at = stop;
        for (; at < stop && (value || *at != ':'); at++) {
            if (value && *at > ' ' && *at < 0x7F)
                *at = 'v';
            value = value || *at == '=';
        }
        at = stop + 1;
    }
}

static void sentences_hold(const struct reading *reading, const char *bytes,
                           size_t size)
{
    struct reading other;
    char *changed = malloc(size + 1);

    memcpy(changed, bytes, size);
    change_values(changed, size);
    read_back(&other, changed, size);
    FUZZ_HOLDS(other.problems.n == reading->problems.n);
    for (size_t i = 0; i < other.problems.n; i++)
        FUZZ_HOLDS(strcmp(other.problems.text[i], reading->problems.text[i]) ==
                   0);
    free(changed);
    reading_clear(&other);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct reading first, second;

    read_back(&first, (const char *)bytes, size);
    if (size > 0)
        sentences_hold(&first, (const char *)bytes, size);
    if (first.problems.n == 0 && first.line < LINES_MOST) {
        read_back(&second, first.text, first.size);
        FUZZ_HOLDS(second.problems.n == 0);
        FUZZ_HOLDS(first.size == second.size &&
                   memcmp(first.text, second.text, first.size) == 0);
        reading_clear(&second);
    }
    reading_clear(&first);
    return 0;
}
