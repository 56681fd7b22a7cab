/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* completion: the shells' scripts, and the words that these ask for. */

#include "config.h"

#include "command/cmd.h"

#include "app.h"
#include "command/completion.h"

#include <stdio.h>
#include <string.h>

static void print_plugin(void *arg, enum cs_kind kind, const char *name,
                         const struct cs_module *module,
                         const struct cs_error *error)
{
    (void)arg;
    (void)error;
    if (module)
        printf("%s/%s\n", cs_loader_kind(kind), name);
}

static int print_plugins(const struct cs_arguments *arguments)
{
    struct cs_problems problems = {0};
    struct cs_app app;

    cs_app_read(&app, arguments, &problems);
    if (app.loader)
        cs_loader_each(app.loader, print_plugin, NULL);
    cs_problems_clear(&problems);
    cs_app_close(&app);
    return CS_EXIT_OK;
}

const struct cs_cli_option cs_cmd_completion_options[] = {{.name = NULL}};

int cs_cmd_completion(const struct cs_arguments *arguments)
{
    static const struct {
        const char *shell;
        void (*print)(const struct cs_command *commands);
    } scripts[] = {
        {"bash", cs_completion_bash},
        {"fish", cs_completion_fish},
        {"zsh", cs_completion_zsh},
    };
    const char *word = cs_arguments_operands(arguments)[0];

    for (size_t i = 0; i < sizeof(scripts) / sizeof(scripts[0]); i++)
        if (strcmp(word, scripts[i].shell) == 0) {
            scripts[i].print(cs_arguments_commands(arguments));
            return CS_EXIT_OK;
        }
    if (strcmp(word, "plugins") == 0)
        return print_plugins(arguments);
    if (strcmp(word, "available") == 0)
        return cs_cmd_plugins_names(arguments, false);
    if (strcmp(word, "enabled") == 0)
        return cs_cmd_plugins_names(arguments, true);
    return cs_cli_misuse(arguments, "completion takes bash, zsh, fish, "
                                    "plugins, available or enabled");
}
