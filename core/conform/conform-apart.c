/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

#include "config.h"

#include "conform/conform.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

/* What the plugin did to the process. */
static void describe(int status, char *text, size_t size)
{
    if (WIFSIGNALED(status))
        snprintf(text, size, "the plugin crashed (signal %d, %s)",
                 WTERMSIG(status), strsignal(WTERMSIG(status)));
    else
        snprintf(text, size, "the plugin ended the program (exit code %d)",
                 WEXITSTATUS(status));
}

/* Behind the report, when all is closed and unloaded. */
static int tell_late(const char *what)
{
    fprintf(stderr, "cleversync: %s behind the last case\n", what);
    return CS_EXIT_FAILED;
}

static int tell(struct cs_conform_report *report, int status)
{
    char what[128], why[sizeof(report->about) + sizeof(what) + 64];

    if (WIFEXITED(status) && report->over)
        return WEXITSTATUS(status);
    describe(status, what, sizeof(what));
    if (report->over)
        return tell_late(what);
    snprintf(why, sizeof(why), "%s%s%s; no case after this one was tried",
             report->about, *report->about ? ": " : "", what);
    cs_conform_tell(report, CS_CONFORM_FAILED, why);
    return cs_conform_end(report);
}

static int fail(const struct cs_arguments *arguments)
{
    struct cs_error error = {0};

    cs_error_set(&error, CS_E_FATAL, "there is no process to be had: %s",
                 strerror(errno));
    return cs_app_fail(arguments, &error);
}

static int fork_and_wait(const struct cs_arguments *arguments,
                         int (*check)(const struct cs_arguments *arguments,
                                      struct cs_conform_report *report),
                         struct cs_conform_report *report)
{
    pid_t child = fork();
    int status;

    if (child < 0)
        return fail(arguments);
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGTERM); /* who ends us means both */
        status = check(arguments, report);
        report->over = true;
        return status;
    }
    while (waitpid(child, &status, 0) < 0)
        if (errno != EINTR)
            return fail(arguments);
    return tell(report, status);
}

int cs_conform_apart(const struct cs_arguments *arguments,
                     int (*check)(const struct cs_arguments *arguments,
                                  struct cs_conform_report *report))
{
    static const struct cs_conform_case loading = {CS_CONFORM_WORKS,
                                                   "plugin: is loaded", NULL};
    struct cs_conform_report *report =
        mmap(NULL, sizeof(*report), PROT_READ | PROT_WRITE,
             MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    int status;

    if (report == MAP_FAILED)
        return fail(arguments);
    cs_conform_turn_to(report, &loading);
    status = fork_and_wait(arguments, check, report);
    munmap(report, sizeof(*report));
    return status;
}
