/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* Cases for plugins of all kinds: what belongs to the process and is none of
 * their business. */

#include "config.h"

#include "conform/any.h"

#include "base/log.h"
#include "base/memory.h"

#include <dirent.h>
#include <limits.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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

/* Standard output and error lead into the file while the plugin lives; the log,
 * which goes there, too, is silent. */
static void live_into(struct cs_probe *probe, int file)
{
    int output, error;

    fflush(NULL);
    output = dup(STDOUT_FILENO);
    error = dup(STDERR_FILENO);
    cs_log_setup((enum cs_level)0, CS_LOG_TEXT);
    dup2(file, STDOUT_FILENO);
    dup2(file, STDERR_FILENO);
    live(probe);
    fflush(NULL);
    dup2(output, STDOUT_FILENO);
    dup2(error, STDERR_FILENO);
    close(output);
    close(error);
    cs_app_setup_log(probe->conform->app);
}

static void quiet(struct cs_probe *probe)
{
    int file = memfd_create("output", MFD_CLOEXEC);
    struct stat status;

    if (file < 0) {
        cs_conform_skip(probe->conform, "there is no memory for a file");
        return;
    }
    live_into(probe, file);
    if (fstat(file, &status) == 0 && status.st_size > 0)
        cs_conform_fail(probe->conform, "it wrote %lld bytes",
                        (long long)status.st_size);
    close(file);
}

/* ---- What all share ------------------------------------------------------ */

struct process {
    char *locale, *folder, *environment;
    mode_t mask;
    void (*handlers[NSIG])(int);
};

static char *environment_text(void)
{
    char *text = cs_memory_text("");

    for (char **one = environ; *one; one++) {
        char *longer = cs_memory_format("%s%s\n", text, *one);

        free(text);
        text = longer;
    }
    return text;
}

static void look(struct process *process)
{
    process->locale = cs_memory_text(setlocale(LC_ALL, NULL));
    process->folder = getcwd(NULL, 0);
    process->environment = environment_text();
    process->mask = umask(0);
    umask(process->mask);
    for (int i = 1; i < NSIG; i++) {
        struct sigaction action;

        process->handlers[i] =
            sigaction(i, NULL, &action) == 0 ? action.sa_handler : NULL;
    }
}

static void forget(struct process *process)
{
    free(process->locale);
    free(process->folder);
    cs_memory_wipe(process->environment); /* there may be secrets in it */
}

static void compare(struct cs_probe *probe, const struct process *before,
                    const struct process *after)
{
    if (strcmp(before->locale, after->locale) != 0)
        cs_conform_fail(probe->conform, "it changes the locale");
    if (strcmp(before->folder ? before->folder : "",
               after->folder ? after->folder : "") != 0)
        cs_conform_fail(probe->conform, "it changes the current folder");
    if (strcmp(before->environment, after->environment) != 0)
        cs_conform_fail(probe->conform, "it changes the environment");
    if (before->mask != after->mask)
        cs_conform_fail(probe->conform, "it changes the umask");
    for (int i = 1; i < NSIG; i++)
        if (before->handlers[i] != after->handlers[i])
            cs_conform_fail(probe->conform, "it handles signal %d", i);
}

static void shared(struct cs_probe *probe)
{
    struct process before, after;

    look(&before);
    live(probe);
    look(&after);
    compare(probe, &before, &after);
    forget(&before);
    forget(&after);
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
