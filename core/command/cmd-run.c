/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

#include "config.h"

#include "command/cmd.h"

#include "app.h"
#include "database/forget.h"
#include "notify/notify.h"
#include "sync/report.h"
#include "base/signals.h"

#include <stdio.h>
#include <unistd.h>

const struct cs_cli_option cs_cmd_run_options[] = {
    {"full", 0, NULL, "read everything, and delete who is not in Clever"},
    {"dry-run", 'n', NULL, "show what would change and write nothing"},
    {"district", 0, "ID", "only the schools of this district"},
    {"school", 0, "ID", "only this school"},
    {"show-values", 0, NULL,
     "with --dry-run: show the values too (they are people's data)"},
    {NULL, 0, NULL, NULL},
};

const struct cs_cli_option cs_cmd_plan_options[] = {
    {"full", 0, NULL, "as \"run --full\" would"},
    {"district", 0, "ID", "only the schools of this district"},
    {"school", 0, "ID", "only this school"},
    {"show-values", 0, NULL, "show the values too (they are people's data)"},
    {NULL, 0, NULL, NULL},
};

const struct cs_cli_option cs_cmd_verify_options[] = {
    {"district", 0, "ID", "only the schools of this district"},
    {"school", 0, "ID", "only this school"},
    {"show-values", 0, NULL, "show the values too (they are people's data)"},
    {NULL, 0, NULL, NULL},
};

static void report(const struct cs_arguments *arguments,
                   const struct cs_run *run)
{
    if (cs_arguments_json(arguments))
        cs_report_json(run);
    else
        cs_report_print(run);
    fflush(stdout);
}

/* Whoever starts a run from cron hears of it, too.  error: why there was none.
 * False: see cs_notify_free(). */
static bool notify(struct cs_app *app, struct cs_session *session,
                   const struct cs_run *run, const struct cs_error *error)
{
    struct cs_notify *told = cs_notify_new(app);

    if (error->rc == CS_OK)
        cs_notify_run(told, session, run);
    else
        cs_notify_no_run(told, run->id, error);
    return cs_notify_free(told, CS_NOTIFY_FLUSH);
}

static int run_with(const struct cs_arguments *arguments,
                    const struct cs_run_request *request)
{
    struct cs_app app;
    struct cs_session *session = NULL;
    struct cs_run run = {0};
    struct cs_error error = {0};
    int status = cs_app_open(&app, arguments);

    if (status != 0)
        return status;
    if (cs_session_open(&session, &app, &error) == CS_OK &&
        cs_run_all(&run, &app, session, request, &error) == CS_OK) {
        /* What was abandoned may hang in the session database. */
        if (!request->dry && !run.abandoned)
            cs_forget_after_run(session, run.id);
        report(arguments, &run);
        status = run.status_code;
        error = (struct cs_error){.rc = CS_OK};
    } else {
        status = cs_app_fail(arguments, &error);
    }
    if (run.abandoned && cs_signals_caught() != 0)
        status = 128 + cs_signals_caught();
    if (run.abandoned ||
        (!request->dry && !notify(&app, session, &run, &error))) {
        fflush(stdout);
        _exit(status); /* a plugin still runs: nothing may be freed */
    }
    cs_run_clear(&run);
    cs_session_close(session);
    cs_app_close(&app);
    return status;
}

int cs_cmd_run(const struct cs_arguments *arguments)
{
    struct cs_run_request request = {
        .district = cs_arguments_text(arguments, "district"),
        .school = cs_arguments_text(arguments, "school"),
        .full = cs_arguments_flag(arguments, "full"),
        .dry = cs_arguments_flag(arguments, "dry-run"),
        .show_values = cs_arguments_flag(arguments, "show-values")};

    if (request.show_values && !request.dry)
        return cs_cli_misuse(arguments, "--show-values goes with --dry-run: a "
                                        "run that writes shows no values");
    return run_with(arguments, &request);
}

int cs_cmd_plan(const struct cs_arguments *arguments)
{
    struct cs_run_request request = {
        .district = cs_arguments_text(arguments, "district"),
        .school = cs_arguments_text(arguments, "school"),
        .full = cs_arguments_flag(arguments, "full"),
        .dry = true,
        .show_values = cs_arguments_flag(arguments, "show-values")};

    return run_with(arguments, &request);
}

int cs_cmd_verify(const struct cs_arguments *arguments)
{
    struct cs_run_request request = {
        .district = cs_arguments_text(arguments, "district"),
        .school = cs_arguments_text(arguments, "school"),
        .dry = true,
        .verify = true,
        .show_values = cs_arguments_flag(arguments, "show-values")};

    return run_with(arguments, &request);
}
