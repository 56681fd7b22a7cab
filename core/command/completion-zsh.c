/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

#include "config.h"

#include "command/completion.h"

#include <stdio.h>
#include <string.h>

#define MARKED "\\[]:"
#define QUOTE "'\\''"

static const char head[] =
    "#compdef cleversync\n"
    "# Completion of cleversync for zsh, by \"cleversync completion zsh\".\n"
    "\n"
    "_cleversync_ask() # ... WORD: what the program knows\n"
    "{\n"
    "    local -a found\n"
    "    [[ $argv[-1] == plugins && $PREFIX == [./]* ]] && _files && return\n"
    "    found=(${(f)\"$(_call_program cleversync cleversync completion "
    "$argv[-1] 2>/dev/null)\"})\n"
    "    compadd \"${(@)argv[1,-2]}\" -a found\n"
    "}\n"
    "\n"
    "_cleversync()\n"
    "{\n"
    "    local curcontext=$curcontext command=\n"
    "    local -a choices\n"
    "    integer at=2\n"
    "\n"
    "    while ((at < CURRENT)); do\n"
    "        case $words[at] in\n"
    "        --config) ((at++)) ;;\n"
    "        -*) ;;\n"
    "        *)\n"
    "            command=$words[at]\n"
    "            break\n"
    "            ;;\n"
    "        esac\n"
    "        ((at++))\n"
    "    done\n"
    "    case $command in\n";

static const char middle[] =
    "        if ((at + 1 < CURRENT)); then\n"
    "            ((at++))\n"
    "            command+=\" $words[at]\"\n"
    "        fi\n"
    "        ;;\n"
    "    esac\n"
    "    if [[ -n $command ]]; then\n"
    "        words=(\"$words[1]\" \"${(@)words[at + 1,-1]}\")\n"
    "        ((CURRENT -= at - 1))\n"
    "    fi\n"
    "    case $command in\n";

/* Zsh reads the file at the first completion, as the function's body. */
static const char tail[] = "    esac\n"
                           "}\n"
                           "\n"
                           "if [[ $funcstack[1] == _cleversync ]]; then\n"
                           "    _cleversync \"$@\"\n"
                           "else\n"
                           "    compdef _cleversync cleversync\n"
                           "fi\n";

static void describe_word(const char *word, size_t length, const char *text)
{
    printf("            '%.*s:", (int)length, word);
    cs_completion_text(text, MARKED, QUOTE);
    printf("'\n");
}

/* What _arguments() wants behind the name of what it is about. */
static void print_values(const char *name, const char *values)
{
    printf(":");
    cs_completion_text(name, MARKED, QUOTE);
    if (strcmp(values, "FILE") == 0) {
        printf(":_files");
    } else if (strcmp(values, "DIRECTORY") == 0) {
        printf(":_files -/");
    } else if (*values == '@') {
        printf(":_cleversync_ask %s", values + 1);
    } else if (*values != '\0') {
        printf(":(");
        for (; *values != '\0'; values++)
            putchar(*values == '|' ? ' ' : *values);
        printf(")");
    } else {
        printf(":");
    }
}

static void print_option(const struct cs_command *command,
                         const struct cs_cli_option *option)
{
    size_t length = option->argument != NULL ? strlen(option->argument) : 0;
    bool many = length > 3 && strcmp(option->argument + length - 3, "...") == 0;

    printf(" \\\n            %s", many ? "\\*" : "");
    if (option->letter != 0 && !many)
        printf("'(-%c --%s)'", option->letter, option->name);
    if (option->letter != 0)
        printf("{-%c%s,--%s%s}", option->letter,
               option->argument != NULL ? "+" : "", option->name,
               option->argument != NULL ? "=" : "");
    else
        printf("--%s%s", option->name, option->argument != NULL ? "=" : "");
    printf("'[");
    cs_completion_text(option->help, MARKED, QUOTE);
    printf("]");
    if (option->argument != NULL)
        print_values(option->argument, cs_completion_values(command, option));
    printf("'");
}

static void print_command(const struct cs_command *command)
{
    const char *values = cs_completion_values(command, NULL);
    const struct cs_cli_option *option;

    printf("    '%s')\n        _arguments -s", command->name);
    for (size_t i = 0; (option = cs_completion_option(command, i)) != NULL; i++)
        print_option(command, option);
    if (command->operands != NULL) {
        printf(" \\\n            '%s",
               strstr(command->operands, "...") != NULL ? "*" : "");
        print_values(command->operands, values);
        printf("'");
    }
    printf("\n        ;;\n");
}

static void print_group(const struct cs_command *command)
{
    size_t length = cs_completion_group(command);
    const char *group = command->name;

    printf("    '%.*s')\n        choices=(\n", (int)length, group);
    for (; command->name != NULL; command++)
        if (cs_completion_group(command) == length &&
            strncmp(command->name, group, length) == 0)
            describe_word(command->name + length + 1,
                          strlen(command->name) - length - 1, command->summary);
    printf("        )\n        _describe command choices\n        ;;\n");
}

static void print_top(const struct cs_command *commands)
{
    printf("    '')\n        choices=(\n");
    for (const struct cs_command *command = commands; command->name != NULL;
         command++) {
        size_t group = cs_completion_group(command);

        if (group == 0)
            describe_word(command->name, strlen(command->name),
                          command->summary);
        else if (cs_completion_first(commands, command))
            printf("            %.*s\n", (int)group, command->name);
    }
    printf("        )\n"
           "        _arguments -s \\\n"
           "            --config='[read this file, and the conf.d beside "
           "it]:FILE:_files' \\\n"
           "            '(-h --help)'{-h,--help}'[list the commands]' \\\n"
           "            --version'[print the version]' \\\n"
           "            ':command:{_describe command choices}'\n"
           "        ;;\n");
}

void cs_completion_zsh(const struct cs_command *commands)
{
    fputs(head, stdout);
    printf("    ");
    cs_completion_words(commands, true, " | ");
    printf(")\n");
    fputs(middle, stdout);
    print_top(commands);
    for (const struct cs_command *command = commands; command->name != NULL;
         command++) {
        if (cs_completion_group(command) > 0 &&
            cs_completion_first(commands, command))
            print_group(command);
        print_command(command);
    }
    fputs(tail, stdout);
}
