/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

#include "config.h"

#include "folder.h"

#include "base/memory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char *folder;
static char *paths[128]; /* handed out; freed with the folder */
static size_t npaths;

const char *folder_new(void)
{
    const char *base = getenv("TMPDIR");

    folder =
        cs_memory_format("%s/cleversync-test.XXXXXX", base ? base : "/tmp");
    assert_non_null(mkdtemp(folder));
    return folder;
}

const char *folder_file(const char *name, const char *text, size_t n)
{
    char *path = cs_memory_format("%s/%s", folder, name);
    char *slash = strrchr(path, '/');
    FILE *file;

    *slash = '\0'; /* one level of folders is made as needed */
    mkdir(path, 0755);
    *slash = '/';
    file = fopen(path, "we");
    assert_non_null(file);
    for (size_t i = 0; i < n; i++)
        fputc(text ? text[i] : 'x', file);
    fclose(file);
    assert_true(npaths < sizeof(paths) / sizeof(*paths));
    paths[npaths++] = path;
    return path;
}

const char *folder_text(const char *name, const char *text)
{
    return folder_file(name, text, strlen(text));
}

static int remove_one(const char *path, const struct stat *status, int flag,
                      struct FTW *at)
{
    (void)status;
    (void)flag;
    (void)at;
    return remove(path);
}

void folder_remove(void)
{
    nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    free(folder);
    while (npaths > 0)
        free(paths[--npaths]);
}
