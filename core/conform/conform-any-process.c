/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* Cases for plugins of all kinds: what belongs to the process and is none of
 * their business. */

#include "config.h"

#include "conform/any.h"

#include "conform/process.h"

#include <dirent.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { ROUNDS = 32 };

/* A life from beginning to end. */
static void live(struct cs_probe *probe)
{
    struct cs_instance *instance = cs_probe_open(probe, 0);

    cs_probe_work(probe, instance);
    cs_probe_close(probe, instance);
}

/* ---- Output -------------------------------------------------------------- */

static void quiet(struct cs_probe *probe)
{
    const struct cs_conform *conform = probe->conform;
    int file = memfd_create("output", MFD_CLOEXEC);
    struct stat status;

    if (file < 0) {
        cs_conform_skip(probe->conform, "there is no memory for a file");
        return;
    }
    cs_process_hush(file);
    live(probe);
    cs_process_speak(conform->app, conform->output, conform->log);
    if (fstat(file, &status) == 0 && status.st_size > 0)
        cs_conform_fail(probe->conform, "it wrote %lld bytes",
                        (long long)status.st_size);
    close(file);
}

/* ---- What all share ------------------------------------------------------ */

static void shared(struct cs_probe *probe)
{
    const char *changed;

    live(probe);
    changed = cs_process_changed(probe->conform->process);
    if (changed)
        cs_conform_fail(probe->conform, "the plugin has changed %s", changed);
}

/* ---- What is left behind ------------------------------------------------- */

static size_t count(const char *folder)
{
    DIR *dir = opendir(folder);
    size_t n = 0;

    while (dir && readdir(dir))
        n++;
    if (dir)
        closedir(dir);
    return n;
}

/* The core keeps connections and threads for others, but not one for each
 * instance. */
static void leak(struct cs_probe *probe, const char *folder, const char *what)
{
    size_t before;

    live(probe);
    before = count(folder);
    for (int i = 0; i < ROUNDS; i++)
        live(probe);
    if (count(folder) >= before + ROUNDS)
        cs_conform_fail(probe->conform,
                        "after %d lives there are %zu more %s than before",
                        (int)ROUNDS, count(folder) - before, what);
}

static void descriptors(struct cs_probe *probe)
{
    leak(probe, "/proc/self/fd", "open files");
}

static void threads(struct cs_probe *probe)
{
    leak(probe, "/proc/self/task", "threads");
}

const struct cs_conform_case cs_conform_any_process[] = {
    {CS_CONFORM_SAFE, "process: nothing on standard output or error", quiet},
    {CS_CONFORM_SAFE,
     "process: locale, folder, environment, umask and signals stay", shared},
    {CS_CONFORM_FAST, "left behind: no open files", descriptors},
    {CS_CONFORM_FAST, "left behind: no threads", threads},
    {.name = NULL},
};
