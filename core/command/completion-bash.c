/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

#include "config.h"

#include "command/completion.h"

#include <stdio.h>
#include <string.h>

/* Bash takes --option=value for three words. */
static const char head[] =
    "# Completion of cleversync for bash, by \"cleversync completion bash\".\n"
    "\n"
    "_cleversync_values() # WHAT CURRENT: the words that it may be\n"
    "{\n"
    "    case $1 in\n"
    "    FILE) compgen -f -- \"$2\" ;;\n"
    "    DIRECTORY) compgen -d -- \"$2\" ;;\n"
    "    @*) compgen -W \"$(\"${COMP_WORDS[0]}\" completion \"${1#@}\" "
    "2>/dev/null)\" \\\n"
    "        -- \"$2\" ;;\n"
    "    *) compgen -W \"${1//|/ }\" -- \"$2\" ;;\n"
    "    esac\n"
    "}\n"
    "\n"
    "_cleversync()\n"
    "{\n"
    "    local current=${COMP_WORDS[COMP_CWORD]} before=${COMP_CWORD}\n"
    "    local command= at=1 previous offer offers words= options= what=\n"
    "\n"
    "    while ((at < COMP_CWORD)); do\n"
    "        case ${COMP_WORDS[at]} in\n"
    "        --config)\n"
    "            ((at++))\n"
    "            [[ ${COMP_WORDS[at]} == '=' ]] && ((at++))\n"
    "            ;;\n"
    "        -*) ;;\n"
    "        *)\n"
    "            command=${COMP_WORDS[at]}\n"
    "            break\n"
    "            ;;\n"
    "        esac\n"
    "        ((at++))\n"
    "    done\n"
    "    case $command in\n";

static const char middle[] =
    "        ((at + 1 < COMP_CWORD)) && command+=\" ${COMP_WORDS[at + 1]}\"\n"
    "        ;;\n"
    "    esac\n"
    "    case $command in\n";

static const char tail[] =
    "    *) offers= ;;\n"
    "    esac\n"
    "\n"
    "    if [[ $current == '=' ]]; then\n"
    "        current=\n"
    "    else\n"
    "        ((before--))\n"
    "    fi\n"
    "    [[ ${COMP_WORDS[before]} == '=' ]] && ((before--))\n"
    "    previous=${COMP_WORDS[before]}\n"
    "    for offer in $offers; do\n"
    "        case $offer in\n"
    "        \"$previous=\"*) what=value:${offer#*=} ;;\n"
    "        -*) options+=\" ${offer%%=*}\" ;;\n"
    "        *) words=$offer ;;\n"
    "        esac\n"
    "    done\n"
    "    if [[ -z $what ]]; then\n"
    "        what=value:$words\n"
    "        [[ $current == -* || -z $words ]] && what=value:${options// /|}\n"
    "    fi\n"
    "    what=${what#value:}\n"
    "    [[ $what == @plugins && $current == [./]* ]] && what=FILE\n"
    "    [[ $what == FILE || $what == DIRECTORY ]] &&\n"
    "        compopt -o filenames 2>/dev/null\n"
    "    mapfile -t COMPREPLY < <(_cleversync_values \"$what\" \"$current\")\n"
    "}\n"
    "\n"
    "complete -F _cleversync cleversync\n";

static void print_option(const struct cs_command *command,
                         const struct cs_cli_option *option)
{
    const char *values =
        option->argument != NULL ? cs_completion_values(command, option) : "";
    const char *equals = option->argument != NULL ? "=" : "";

    if (option->letter != 0)
        printf(" -%c%s%s", option->letter, equals, values);
    printf(" --%s%s%s", option->name, equals, values);
}

static void print_command(const struct cs_command *command)
{
    const struct cs_cli_option *option;

    printf("    '%s') offers='%s", command->name,
           cs_completion_values(command, NULL));
    for (size_t i = 0; (option = cs_completion_option(command, i)) != NULL; i++)
        print_option(command, option);
    printf("' ;;\n");
}

/* The second words that a first one can have. */
static void print_group(const struct cs_command *command)
{
    size_t length = cs_completion_group(command);
    const char *group = command->name, *between = "";

    printf("    '%.*s') offers='", (int)length, group);
    for (; command->name != NULL; command++) {
        if (cs_completion_group(command) != length ||
            strncmp(command->name, group, length) != 0)
            continue;
        printf("%s%s", between, command->name + length + 1);
        between = "|";
    }
    printf(" -h --help' ;;\n");
}

void cs_completion_bash(const struct cs_command *commands)
{
    fputs(head, stdout);
    printf("    ");
    cs_completion_words(commands, true, " | ");
    printf(")\n");
    fputs(middle, stdout);
    printf("    '') offers='");
    cs_completion_words(commands, false, "|");
    printf(" --config=FILE -h --help --version' ;;\n");
    for (const struct cs_command *command = commands; command->name != NULL;
         command++) {
        if (cs_completion_group(command) > 0 &&
            cs_completion_first(commands, command))
            print_group(command);
        print_command(command);
    }
    fputs(tail, stdout);
}
