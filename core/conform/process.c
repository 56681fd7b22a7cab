/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

#include "config.h"

#include "conform/process.h"

#include "app.h"
#include "base/log.h"
#include "base/memory.h"

#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct cs_process {
    char *locale, *folder, *environment;
    mode_t mask;
    void (*handlers[NSIG])(int);
};

static char *environment_text(void)
{
    char *text = cs_memory_text("");

    for (char **one = environ; *one; one++) {
        char *longer = cs_memory_format("%s%s\n", text, *one);

        cs_memory_wipe(text); /* there may be secrets in it */
        text = longer;
    }
    return text;
}

struct cs_process *cs_process_look(void)
{
    struct cs_process *process = cs_memory_new(sizeof(*process));

    process->locale = cs_memory_text(setlocale(LC_ALL, NULL));
    process->folder = getcwd(NULL, 0);
    process->environment = environment_text();
    process->mask = umask(0);
    umask(process->mask);
    for (int i = 1; i < NSIG; i++) {
        struct sigaction action;

        if (sigaction(i, NULL, &action) == 0)
            process->handlers[i] = action.sa_handler;
    }
    return process;
}

void cs_process_free(struct cs_process *process)
{
    free(process->locale);
    free(process->folder);
    cs_memory_wipe(process->environment);
    free(process);
}

static bool differ(const char *one, const char *other)
{
    return one && other ? strcmp(one, other) != 0 : one != other;
}

static const char *difference(const struct cs_process *before,
                              const struct cs_process *after)
{
    if (differ(before->locale, after->locale))
        return "the locale";
    if (differ(before->folder, after->folder))
        return "the current folder";
    if (differ(before->environment, after->environment))
        return "the environment";
    if (before->mask != after->mask)
        return "the umask";
    for (int i = 1; i < NSIG; i++)
        if (before->handlers[i] != after->handlers[i])
            return "how a signal is handled";
    return NULL;
}

const char *cs_process_changed(const struct cs_process *before)
{
    struct cs_process *after = cs_process_look();
    const char *what = difference(before, after);

    cs_process_free(after);
    return what;
}

void cs_process_hush(int file)
{
    fflush(NULL);
    cs_log_setup((enum cs_level)0, CS_LOG_TEXT);
    dup2(file, STDOUT_FILENO);
    dup2(file, STDERR_FILENO);
}

void cs_process_speak(const struct cs_app *app, int output, int log)
{
    fflush(NULL);
    dup2(output, STDOUT_FILENO);
    dup2(log, STDERR_FILENO);
    cs_app_setup_log(app);
}
