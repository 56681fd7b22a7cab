/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

#include "config.h"

#include "command/completion.h"

#include <stdio.h>
#include <string.h>

static bool has_own(const struct cs_command *command, const char *name)
{
    for (const struct cs_cli_option *option = command->options;
         option != NULL && option->name != NULL; option++)
        if (strcmp(option->name, name) == 0)
            return true;
    return false;
}

const struct cs_cli_option *
cs_completion_option(const struct cs_command *command, size_t i)
{
    const struct cs_cli_option *option = command->options;

    for (; option != NULL && option->name != NULL; option++, i--)
        if (i == 0)
            return option;
    if (command->run_raw != NULL)
        return NULL;
    for (option = cs_cli_common; option->name != NULL; option++)
        if (!has_own(command, option->name) && i-- == 0)
            return option;
    return NULL;
}

static const char *operand_values(const struct cs_command *command)
{
    if (strcmp(command->name, "plugins enable") == 0)
        return "@available";
    if (strcmp(command->name, "plugins disable") == 0)
        return "@enabled";
    if (strcmp(command->name, "plugins new") == 0)
        return "credential|source|mapper|sink|notifier";
    if (command->operands == NULL)
        return "";
    if (strchr(command->operands, '|') != NULL)
        return command->operands;
    return strstr(command->operands, "PLUGIN") != NULL ? "@plugins" : "";
}

const char *cs_completion_values(const struct cs_command *command,
                                 const struct cs_cli_option *option)
{
    const char *argument;

    if (option == NULL)
        return operand_values(command);
    argument = option->argument;
    if (strchr(argument, '|') != NULL || strcmp(argument, "FILE") == 0 ||
        strcmp(argument, "DIRECTORY") == 0)
        return argument;
    return "";
}

size_t cs_completion_group(const struct cs_command *command)
{
    const char *blank = strchr(command->name, ' ');

    return blank != NULL ? (size_t)(blank - command->name) : 0;
}

bool cs_completion_first(const struct cs_command *commands,
                         const struct cs_command *command)
{
    size_t length = strcspn(command->name, " ");

    for (; commands != command; commands++)
        if (strcspn(commands->name, " ") == length &&
            strncmp(commands->name, command->name, length) == 0)
            return false;
    return true;
}

void cs_completion_words(const struct cs_command *commands, bool groups,
                         const char *between)
{
    bool begun = false;

    for (const struct cs_command *command = commands; command->name != NULL;
         command++) {
        if (!cs_completion_first(commands, command) ||
            (groups && cs_completion_group(command) == 0))
            continue;
        printf("%s%.*s", begun ? between : "", (int)strcspn(command->name, " "),
               command->name);
        begun = true;
    }
}

void cs_completion_text(const char *text, const char *marked, const char *quote)
{
    for (; *text != '\0'; text++) {
        if (*text == '\'') {
            fputs(quote, stdout);
            continue;
        }
        if (strchr(marked, *text) != NULL)
            putchar('\\');
        putchar(*text);
    }
}
