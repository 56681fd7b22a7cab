/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

#include "config.h"

#include "command/completion.h"

#include <stdio.h>
#include <string.h>

static const char head[] =
    "# Completion of cleversync for fish, by \"cleversync completion fish\".\n"
    "\n"
    "function __cleversync_at # COMMAND: it is what stands there so far\n"
    "    set -l words (commandline -opc)\n"
    "    set -l command\n"
    "    set -e words[1]\n"
    "    while set -q words[1]\n"
    "        switch $words[1]\n"
    "            case --config\n"
    "                set -q words[2]; and set -e words[1]\n"
    "            case '-*'\n"
    "            case '*'\n"
    "                set -a command $words[1]\n"
    "                if set -q command[2]; or not contains -- $words[1] ";

static const char tail[] =
    "\n"
    "                    break\n"
    "                end\n"
    "        end\n"
    "        set -e words[1]\n"
    "    end\n"
    "    test \"$command\" = \"$argv[1]\"\n"
    "end\n"
    "\n"
    "complete -c cleversync -f\n"
    "complete -c cleversync -n '__cleversync_at \"\"' -l config -r -F "
    "-d 'read this file, and the conf.d beside it'\n"
    "complete -c cleversync -n '__cleversync_at \"\"' -s h -l help "
    "-d 'list the commands and exit'\n"
    "complete -c cleversync -n '__cleversync_at \"\"' -l version "
    "-d 'print the version and exit'\n";

static void begin(const char *command, size_t length)
{
    printf("complete -c cleversync -n '__cleversync_at \"%.*s\"'", (int)length,
           command);
}

static void describe(const char *text)
{
    printf(" -d '");
    cs_completion_text(text, "\\", "\\'");
    printf("'\n");
}

/* Fish splits and runs what stands in these quotes when it is needed. */
static void print_values(const char *values)
{
    printf(" -a '");
    if (*values == '@')
        printf("(cleversync completion %s 2>/dev/null)", values + 1);
    else
        for (; *values != '\0'; values++)
            putchar(*values == '|' ? ' ' : *values);
    printf("'");
}

static void print_option(const struct cs_command *command,
                         const struct cs_cli_option *option)
{
    const char *values =
        option->argument != NULL ? cs_completion_values(command, option) : "";

    begin(command->name, strlen(command->name));
    if (option->letter != 0)
        printf(" -s %c", option->letter);
    printf(" -l %s", option->name);
    if (strcmp(values, "FILE") == 0)
        printf(" -r -F");
    else if (strcmp(values, "DIRECTORY") == 0)
        printf(" -x -a '(__fish_complete_directories)'");
    else if (option->argument != NULL)
        printf(" -x");
    if (strchr(values, '|') != NULL)
        print_values(values);
    describe(option->help);
}

static void print_command(const struct cs_command *commands,
                          const struct cs_command *command)
{
    size_t group = cs_completion_group(command);
    const char *values = cs_completion_values(command, NULL);
    const struct cs_cli_option *option;

    if (group > 0 && cs_completion_first(commands, command)) {
        begin("", 0);
        printf(" -a %.*s\n", (int)group, command->name);
    }
    begin(command->name, group);
    printf(" -a %s", command->name + group + (group > 0));
    describe(command->summary);
    if (*values != '\0') {
        begin(command->name, strlen(command->name));
        print_values(values);
        printf("\n");
    }
    if (strcmp(values, "@plugins") == 0)
        printf("complete -c cleversync -n '__cleversync_at \"%s\"; and "
               "string match -qr \"^[./]\" -- (commandline -ct)' -F\n",
               command->name);
    for (size_t i = 0; (option = cs_completion_option(command, i)) != NULL; i++)
        print_option(command, option);
}

void cs_completion_fish(const struct cs_command *commands)
{
    fputs(head, stdout);
    cs_completion_words(commands, true, " ");
    fputs(tail, stdout);
    for (const struct cs_command *command = commands; command->name != NULL;
         command++)
        print_command(commands, command);
}
