/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

#include "config.h"

#include "command/cmd.h"

#include "app.h"
#include "daemon/cron.h"
#include "command/desk.h"

#include <time.h>

enum { MOST = 1000 }; /* times that are shown */

const struct cs_cli_option cs_cmd_schedule_next_options[] = {
    {"count", 'n', "N", "so many (10)"},
    {NULL, 0, NULL, NULL},
};

static const struct cs_table_column columns[] = {
    {"UTC", "time", false},
    {"TIME ZONE", "local", false},
    {NULL, NULL, false},
};

/* "Mon 2026-11-23 02:00:00 CST" */
static void add_local(struct cs_table *table, int64_t time)
{
    time_t seconds = (time_t)(time / CS_SECOND);
    struct tm local;
    char text[64] = "";

    if (localtime_r(&seconds, &local))
        strftime(text, sizeof(text), "%a %Y-%m-%d %H:%M:%S %Z", &local);
    cs_table_text(table, text);
}

static void print_next(const struct cs_arguments *arguments,
                       const struct cs_cron *cron, long count)
{
    struct cs_table *table = cs_table_new(columns);
    int64_t time = cs_clock_now();

    while (count-- > 0 && (time = cs_cron_next(cron, time)) != 0) {
        cs_table_time(table, time);
        add_local(table, time);
    }
    cs_desk_print(arguments, "ticks", table,
                  "The schedule never comes to run.");
}

int cs_cmd_schedule_next(const struct cs_arguments *arguments)
{
    long count = cs_arguments_number(arguments, "count", 10);
    struct cs_problems problems = {0};
    struct cs_cron cron = {0};
    const char *expression;
    struct cs_app app;
    int status = CS_EXIT_OK;

    if (count > MOST)
        return cs_cli_misuse(arguments, "--count takes at most %d", (int)MOST);
    cs_app_read(&app, arguments, &problems);
    if (problems.n > 0) {
        status = cs_app_problems(arguments, &problems);
    } else {
        cs_app_set_zone(&app);
        expression =
            cs_settings_text(app.settings, "schedule", "cron_expression");
        if (expression[0] != '\0')
            cs_cron_parse(&cron, expression, NULL); /* it was checked */
        print_next(arguments, &cron, count);
    }
    cs_problems_clear(&problems);
    cs_app_close(&app);
    return status;
}
