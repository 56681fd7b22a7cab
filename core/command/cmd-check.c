/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* plugins check: the conformance suite of a plugin's kind. */

#include "config.h"

#include "command/cmd.h"

#include "conform/conform.h"
#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

static const struct suite {
    enum cs_kind kind;
    cs_conform_suite *run;
} suites[] = {
    {CS_SINK, cs_conform_sink},
};

static const struct suite *suite_of(enum cs_kind kind)
{
    for (size_t i = 0; i < sizeof(suites) / sizeof(*suites); i++)
        if (suites[i].kind == kind)
            return &suites[i];
    return NULL;
}

/* The module that the word means; only to learn its kind and name. */
static int look_up(const struct cs_arguments *arguments, const char *word,
                   enum cs_kind *kind, char **set)
{
    const struct cs_module *module;
    struct cs_app app;
    int status = cs_app_find(&app, arguments, word, &module);

    if (status == CS_EXIT_OK && !suite_of(module->kind)) {
        status = cs_cli_misuse(arguments, "there are no cases for %s plugins",
                               cs_loader_kind(module->kind));
    } else if (status == CS_EXIT_OK) {
        *kind = module->kind;
        *set =
            cs_memory_format("%s.check.plugin=%s", cs_loader_kind(module->kind),
                             module->plugin.name);
    }
    cs_app_close(&app);
    return status;
}

/* The part [KIND.check], which is there because its plugin was set. */
static const struct cs_part *part_of(const struct cs_app *app,
                                     enum cs_kind kind)
{
    size_t i = 0;

    while (app->wiring.parts[i]->module->kind != kind ||
           strcmp(app->wiring.parts[i]->name, "check") != 0)
        i++;
    return app->wiring.parts[i];
}

const struct cs_cli_option cs_cmd_plugins_check_options[] = {{.name = NULL}};

int cs_cmd_plugins_check(const struct cs_arguments *arguments)
{
    const char *word = cs_arguments_operands(arguments)[0];
    struct cs_conform conform = {.app = NULL};
    struct cs_error error = {0};
    enum cs_kind kind = CS_SINK;
    struct cs_app app;
    char *set = NULL;
    int status = look_up(arguments, word, &kind, &set);

    if (status == CS_EXIT_OK)
        status = cs_app_open_with(&app, arguments, set);
    free(set);
    if (status != CS_EXIT_OK)
        return status;
    conform.app = &app;
    conform.part = part_of(&app, kind);
    if (cs_arguments_json(arguments))
        conform.cases = json_array();
    if (suite_of(kind)->run(&conform, &error) == CS_OK) {
        status = cs_conform_report(&conform);
    } else {
        json_decref(conform.cases);
        status = cs_app_fail(arguments, &error);
    }
    cs_app_close(&app);
    return status;
}
