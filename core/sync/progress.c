/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

#include "config.h"

#include "sync/progress.h"

#include "base/log.h"
#include "base/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define MOST_LINES 8

struct cs_progress {
    const struct cs_sync_school *schools;
    size_t n;
    size_t drawn; /* lines on the terminal now */
};

static void clear(void *arg)
{
    struct cs_progress *progress = arg;

    for (; progress->drawn > 0; progress->drawn--)
        fputs("\033[A\033[2K", stderr);
}

static void draw(void *arg)
{
    struct cs_progress *progress = arg;

    for (size_t i = 0; i < progress->n && progress->drawn < MOST_LINES; i++) {
        const struct cs_sync_school *school = &progress->schools[i];
        const char *part = atomic_load(&school->busy_with);

        if (!part)
            continue;
        /* Cut, not wrapped: a wrapped line could not be taken back. */
        fprintf(stderr, "%-24.24s %-24.24s %8zu records\n",
                school->school->prefix, part, atomic_load(&school->progress));
        progress->drawn++;
    }
}

struct cs_progress *cs_progress_new(const struct cs_sync_school *schools,
                                    size_t n)
{
    struct cs_progress *progress;

    if (!isatty(STDERR_FILENO))
        return NULL;
    progress = cs_memory_new(sizeof(*progress));
    progress->schools = schools;
    progress->n = n;
    cs_log_screen(&(struct cs_log_screen){clear, draw, progress});
    return progress;
}

void cs_progress_draw(struct cs_progress *progress)
{
    if (progress)
        cs_log_redraw();
}

void cs_progress_free(struct cs_progress *progress)
{
    if (!progress)
        return;
    cs_log_redraw();
    cs_log_screen(NULL);
    clear(progress);
    free(progress);
}
