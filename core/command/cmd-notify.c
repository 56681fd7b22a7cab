/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* notify test: does a notifier deliver? */

#include "config.h"

#include "command/cmd.h"

#include "notify/notify.h"
#include "command/table.h"

#include <stdio.h>
#include <string.h>

const struct cs_cli_option cs_cmd_notify_test_options[] = {{.name = NULL}};

static const struct cs_table_column columns[] = {
    {"NOTIFIER", "notifier", false},
    {"RESULT", "result", false},
    {NULL, "code", true},
    {"REASON", "message", false},
    {.title = NULL},
};

struct trial {
    struct cs_app app;
    struct cs_table *table;
    size_t n, good;
    int worst; /* exit code */
};

static void try_part(struct trial *trial, const struct cs_part *part)
{
    struct cs_error error = {0};
    enum cs_rc rc = cs_notify_test(&trial->app, part, &error);
    int status = rc == CS_OK ? CS_EXIT_OK : cs_error_exit(&error);

    cs_table_text(trial->table, part->section);
    cs_table_text(trial->table, cs_error_word(status));
    cs_table_number(trial->table, status);
    cs_table_text(trial->table, rc == CS_OK ? NULL : error.text);
    trial->n++;
    trial->good += rc == CS_OK;
    trial->worst = cs_error_worst(trial->worst, status);
}

/* One that is in no list may be tried, too, if its section is there. */
static void try_named(struct trial *trial, const char *name)
{
    const struct cs_wiring *wiring = &trial->app.wiring;

    for (size_t i = 0; i < wiring->nparts; i++)
        if (wiring->parts[i]->module->kind == CS_NOTIFIER &&
            strcmp(wiring->parts[i]->name, name) == 0)
            try_part(trial, wiring->parts[i]);
}

static int no_notifier(const struct cs_arguments *arguments, const char *name)
{
    struct cs_error error;

    if (name)
        return cs_cli_misuse(arguments, "there is no section [notifier.%s]",
                             name);
    cs_error_set(&error, CS_E_CONFIG,
                 "no notifier is configured: name some in [monitoring] "
                 "notifiers");
    return cs_app_fail(arguments, &error);
}

static void show(const struct cs_arguments *arguments, struct trial *trial)
{
    if (cs_arguments_json(arguments))
        cs_cli_print(
            json_pack("{so}", "notifiers", cs_table_json(trial->table)));
    else
        cs_table_print(trial->table, stdout);
}

int cs_cmd_notify_test(const struct cs_arguments *arguments)
{
    const char *name = cs_arguments_operands(arguments)[0];
    struct trial trial = {.n = 0};
    int status = cs_app_open(&trial.app, arguments);

    if (status != CS_EXIT_OK)
        return status;
    trial.table = cs_table_new(columns);
    for (size_t i = 0; !name && i < trial.app.wiring.nnotifiers; i++)
        try_part(&trial, trial.app.wiring.notifiers[i]);
    if (name)
        try_named(&trial, name);
    if (trial.n == 0) {
        status = no_notifier(arguments, name);
    } else {
        show(arguments, &trial);
        status = cs_error_sum(trial.good, trial.n, trial.worst);
    }
    cs_table_free(trial.table);
    cs_app_close(&trial.app);
    return status;
}
