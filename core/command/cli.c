/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

#include "config.h"

#include "command/cli.h"

#include "base/error.h"
#include "base/memory.h"
#include "base/text.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const struct cs_cli_option cs_cli_common[] = {
    {"output", 'o', "text|json", "print for people or for programs (text)"},
    {"set", 0, "SECTION.KEY=VALUE...", "a setting for this time only"},
    {"config", 0, "FILE", "read this file, and the conf.d beside it"},
    {"help", 'h', NULL, "print this and exit"},
    {.name = NULL},
};

struct cs_arguments {
    const struct cs_command *commands, *command;
    struct cs_cli_option *options; /* the command's, then the common ones */
    size_t noptions;
    const char ***values; /* for each option: what was given, NULL-terminated;
                             NULL: it was not given */
    const char **operands;
    size_t noperands;
    bool json;
};

/* ---- Saying what is wrong ---------------------------------------------- */

void cs_cli_print(json_t *stolen)
{
    json_t *document = json_pack("{si}", "schema_version", 1);

    json_object_update(document, stolen);
    json_dumpf(document, stdout, JSON_INDENT(2));
    putchar('\n');
    json_decref(document);
    json_decref(stolen);
}

int cs_cli_fail(bool json, int status, const char *text, json_t *details)
{
    json_t *object;

    if (!json) {
        fprintf(stderr, "cleversync: %s\n", text);
        json_decref(details);
        return status;
    }
    /* A path in the sentence need not be UTF-8; JSON has to be. */
    if (!cs_text_valid(text, strlen(text)))
        text = "the sentence is not UTF-8: ask again without -o json";
    object =
        json_pack("{ss si ss ss}", "message_type", "exit_error", "code", status,
                  "result", cs_error_word(status), "message", text);
    if (details != NULL) {
        json_object_update(object, details);
        json_decref(details);
    }
    cs_cli_print(object);
    return status;
}

int cs_cli_misuse(const struct cs_arguments *arguments, const char *format, ...)
{
    struct cs_error error;
    va_list list;

    va_start(list, format);
    cs_error_vset(&error, CS_E_FATAL, format, list);
    va_end(list);
    return cs_cli_fail(arguments->json, CS_EXIT_USAGE, error.text, NULL);
}

/* A word of the command line as it may be printed. */
static const char *safe(const char *word)
{
    size_t length = strlen(word);

    if (length > 64 || !cs_text_valid(word, length))
        return "(unreadable)";
    for (const char *c = word; *c != '\0'; c++)
        if ((unsigned char)*c < ' ' || *c == 0x7F)
            return "(unreadable)";
    return word;
}

/* Whether JSON was asked for, as far as that can be told from a command line
 * that is not understood otherwise. */
static bool wants_json(int argc, char *argv[])
{
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "-ojson") == 0 ||
            strcmp(argv[i], "--output=json") == 0)
            return true;
        if (i + 1 < argc && strcmp(argv[i + 1], "json") == 0 &&
            (strcmp(argv[i], "-o") == 0 || strcmp(argv[i], "--output") == 0))
            return true;
    }
    return false;
}

/* ---- Usage -------------------------------------------------------------- */

static bool in_group(const struct cs_command *command, const char *group)
{
    size_t length = strlen(group);

    return strncmp(command->name, group, length) == 0 &&
           command->name[length] == ' ';
}

/* All commands, or those of one group. */
static void list_commands(const struct cs_command *commands, const char *group,
                          FILE *file)
{
    fprintf(file,
            "Usage: cleversync [--config FILE] %s%sCOMMAND [OPTION...]\n"
            "\nCommands:\n",
            group != NULL ? group : "", group != NULL ? " " : "");
    for (; commands->name != NULL; commands++)
        if (group == NULL || in_group(commands, group))
            fprintf(file, "  %-16s %s\n", commands->name, commands->summary);
    fprintf(file, "\n\"cleversync %s%sCOMMAND --help\" says more.\n",
            group != NULL ? group : "", group != NULL ? " " : "");
}

static void list_options(const struct cs_arguments *arguments, FILE *file)
{
    for (size_t i = 0; i < arguments->noptions; i++) {
        const struct cs_cli_option *option = &arguments->options[i];
        char letter[8] = "    ", *left;

        if (option->letter != 0)
            snprintf(letter, sizeof(letter), "-%c, ", option->letter);
        left =
            cs_memory_format("%s--%s%s%s", letter, option->name,
                             option->argument != NULL ? " " : "",
                             option->argument != NULL ? option->argument : "");
        if (strlen(left) > 28)
            fprintf(file, "  %s\n  %-28s %s\n", left, "", option->help);
        else
            fprintf(file, "  %-28s %s\n", left, option->help);
        free(left);
    }
}

static void command_help(const struct cs_arguments *arguments, FILE *file)
{
    const struct cs_command *command = arguments->command;

    fprintf(file,
            "Usage: cleversync [--config FILE] %s [OPTION...]%s%s\n\n"
            "%s.\n\nOptions:\n",
            command->name, command->operands != NULL ? " " : "",
            command->operands != NULL ? command->operands : "",
            command->summary);
    list_options(arguments, file);
}

/* ---- Options ------------------------------------------------------------ */

static size_t count_options(const struct cs_cli_option *options)
{
    size_t n = 0;

    while (options != NULL && options[n].name != NULL)
        n++;
    return n;
}

static bool has_option(const struct cs_cli_option *options, size_t n,
                       const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(options[i].name, name) == 0)
            return true;
    return false;
}

static void merge_options(struct cs_arguments *arguments)
{
    size_t own = count_options(arguments->command->options);

    arguments->options = cs_memory_array(own + count_options(cs_cli_common),
                                         sizeof(*arguments->options));
    if (own > 0)
        memcpy(arguments->options, arguments->command->options,
               own * sizeof(*arguments->options));
    arguments->noptions = own;
    for (const struct cs_cli_option *option = cs_cli_common;
         option->name != NULL; option++)
        if (!has_option(arguments->options, own, option->name))
            arguments->options[arguments->noptions++] = *option;
    arguments->values =
        cs_memory_array(arguments->noptions, sizeof(*arguments->values));
}

static bool repeatable(const struct cs_cli_option *option)
{
    size_t length = option->argument != NULL ? strlen(option->argument) : 0;

    return length > 3 && strcmp(option->argument + length - 3, "...") == 0;
}

static bool one_of(const char *words, const char *value)
{
    size_t length = strlen(value);

    for (const char *word = words;; word++) {
        size_t n = strcspn(word, "|");

        if (n == length && strncmp(word, value, n) == 0)
            return true;
        word += n;
        if (*word == '\0')
            return false;
    }
}

static bool whole_number(const char *text, long *number)
{
    char *end;

    if (*text < '0' || *text > '9')
        return false;
    errno = 0;
    *number = strtol(text, &end, 10);
    return *end == '\0' && errno == 0 && *number >= 1;
}

/* Keeps a value (flags: "") for option i. */
static int keep(struct cs_arguments *arguments, size_t i, const char *value)
{
    const struct cs_cli_option *option = &arguments->options[i];
    const char ***values = &arguments->values[i];
    size_t n = 0;
    long number;

    while (*values != NULL && (*values)[n] != NULL)
        n++;
    if (n > 0 && option->argument != NULL && !repeatable(option))
        return cs_cli_misuse(arguments, "--%s is given twice", option->name);
    if (option->argument != NULL) {
        if (*value == '\0')
            return cs_cli_misuse(arguments, "--%s needs %s", option->name,
                                 option->argument);
        if (strchr(option->argument, '|') != NULL &&
            !one_of(option->argument, value))
            return cs_cli_misuse(arguments, "--%s takes %s, not \"%s\"",
                                 option->name, option->argument, safe(value));
        if (strcmp(option->argument, "N") == 0 && !whole_number(value, &number))
            return cs_cli_misuse(
                arguments, "--%s takes a whole number from 1 on, not \"%s\"",
                option->name, safe(value));
    }
    *values = cs_memory_grow(*values, n + 2, sizeof(**values));
    (*values)[n] = value;
    (*values)[n + 1] = NULL;
    return 0;
}

static int unknown_option(const struct cs_arguments *arguments,
                          const char *name)
{
    const char **known =
        cs_memory_array(arguments->noptions + 1, sizeof(*known));
    const char *nearest;
    int status;

    for (size_t i = 0; i < arguments->noptions; i++)
        known[i] = arguments->options[i].name;
    nearest = cs_text_nearest(name, known);
    if (nearest != NULL)
        status = cs_cli_misuse(arguments,
                               "%s has no option --%s (did you mean --%s?)",
                               arguments->command->name, safe(name), nearest);
    else
        status = cs_cli_misuse(arguments, "%s has no option --%s",
                               arguments->command->name, safe(name));
    free(known);
    return status;
}

/* "--name", "--name=value" or "--name value"; *at moves past what was used. */
static int long_option(struct cs_arguments *arguments, char *argv[], int argc,
                       int *at)
{
    char *name = cs_memory_textn(argv[*at] + 2, strcspn(argv[*at] + 2, "="));
    const char *equals = strchr(argv[*at], '=');
    const char *value = equals != NULL ? equals + 1 : NULL;
    const struct cs_cli_option *option;
    size_t i = 0;
    int status;

    while (i < arguments->noptions &&
           strcmp(arguments->options[i].name, name) != 0)
        i++;
    if (i == arguments->noptions) {
        status = unknown_option(arguments, name);
        free(name);
        return status;
    }
    free(name);
    option = &arguments->options[i];
    if (option->argument == NULL) {
        if (value != NULL)
            return cs_cli_misuse(arguments, "--%s takes no value",
                                 option->name);
        return keep(arguments, i, "");
    }
    if (value == NULL) {
        /* An option is never taken for the value of the one before it. */
        if (*at + 1 >= argc || strncmp(argv[*at + 1], "--", 2) == 0)
            return cs_cli_misuse(arguments, "--%s needs %s", option->name,
                                 option->argument);
        value = argv[++*at];
    }
    return keep(arguments, i, value);
}

/* "-o", "-o value" or "-ovalue". */
static int short_option(struct cs_arguments *arguments, char *argv[], int argc,
                        int *at)
{
    const char *word = argv[*at];
    const struct cs_cli_option *option;
    size_t i = 0;

    while (i < arguments->noptions && arguments->options[i].letter != word[1])
        i++;
    if (i == arguments->noptions)
        return cs_cli_misuse(arguments, "%s has no option \"%s\"",
                             arguments->command->name, safe(word));
    option = &arguments->options[i];
    if (option->argument == NULL) {
        if (word[2] != '\0')
            return cs_cli_misuse(arguments, "-%c takes no value",
                                 option->letter);
        return keep(arguments, i, "");
    }
    if (word[2] != '\0')
        return keep(arguments, i, word + 2);
    if (*at + 1 >= argc)
        return cs_cli_misuse(arguments, "-%c needs %s", option->letter,
                             option->argument);
    return keep(arguments, i, argv[++*at]);
}

static int parse(struct cs_arguments *arguments, char *argv[], int argc, int at)
{
    bool options = true;
    int status = 0;

    for (; at < argc && status == 0; at++) {
        const char *word = argv[at];

        if (options && strcmp(word, "--") == 0)
            options = false;
        else if (options && strncmp(word, "--", 2) == 0)
            status = long_option(arguments, argv, argc, &at);
        else if (options && word[0] == '-' && word[1] != '\0')
            status = short_option(arguments, argv, argc, &at);
        else
            arguments->operands[arguments->noperands++] = word;
    }
    return status;
}

/* Are there as many operands as "NAME [OTHER]" wants? */
static int check_operands(const struct cs_arguments *arguments)
{
    const struct cs_command *command = arguments->command;
    char **words =
        cs_text_words(command->operands != NULL ? command->operands : "");
    size_t given = arguments->noperands, n = 0;
    bool many = false;
    int status = 0;

    /* cppcheck-suppress arrayIndexThenCheck ; NULL is what ends words */
    while (words[n] != NULL && (n < given || words[n][0] == '[')) {
        many = strstr(words[n], "...") != NULL;
        n++;
    }
    if (words[n] != NULL)
        status =
            cs_cli_misuse(arguments, "%s needs %s", command->name, words[n]);
    else if (given > n && !many)
        status = cs_cli_misuse(arguments, "%s does not take \"%s\"",
                               command->name, safe(arguments->operands[n]));
    free(words);
    return status;
}

/* ---- What commands ask -------------------------------------------------- */

static const char *const *find_values(const struct cs_arguments *arguments,
                                      const char *name)
{
    for (size_t i = 0; i < arguments->noptions; i++)
        if (strcmp(arguments->options[i].name, name) == 0)
            return arguments->values[i];
    return NULL;
}

const char *cs_arguments_text(const struct cs_arguments *arguments,
                              const char *name)
{
    const char *const *values = find_values(arguments, name);

    return values != NULL ? values[0] : NULL;
}

bool cs_arguments_flag(const struct cs_arguments *arguments, const char *name)
{
    return find_values(arguments, name) != NULL;
}

long cs_arguments_number(const struct cs_arguments *arguments, const char *name,
                         long fallback)
{
    const char *text = cs_arguments_text(arguments, name);
    long number;

    return text != NULL && whole_number(text, &number) ? number : fallback;
}

const char *const *cs_arguments_list(const struct cs_arguments *arguments,
                                     const char *name)
{
    static const char *const none[] = {NULL};
    const char *const *values = find_values(arguments, name);

    return values != NULL ? values : none;
}

const char *const *cs_arguments_operands(const struct cs_arguments *arguments)
{
    return arguments->operands;
}

bool cs_arguments_json(const struct cs_arguments *arguments)
{
    return arguments->json;
}

const char *cs_arguments_config(const struct cs_arguments *arguments)
{
    return cs_arguments_text(arguments, "config");
}

const struct cs_command *
cs_arguments_commands(const struct cs_arguments *arguments)
{
    return arguments->commands;
}

/* ---- The command line --------------------------------------------------- */

static int run_command(const struct cs_command *commands,
                       const struct cs_command *command, const char *config,
                       int argc, char *argv[], int at)
{
    struct cs_arguments arguments = {.commands = commands,
                                     .command = command,
                                     .json = wants_json(argc, argv)};
    int status;

    if (command->run_raw != NULL) {
        if (config != NULL)
            return cs_cli_misuse(&arguments,
                                 "%s reads no configuration: "
                                 "leave out --config",
                                 command->name);
        return command->run_raw(argc - at + 1, argv + at - 1);
    }
    merge_options(&arguments);
    arguments.operands =
        cs_memory_array((size_t)argc + 1, sizeof(*arguments.operands));
    status = 0;
    for (size_t i = 0; config != NULL && i < arguments.noptions; i++)
        if (strcmp(arguments.options[i].name, "config") == 0)
            status = keep(&arguments, i, config);
    if (status == 0)
        status = parse(&arguments, argv, argc, at);
    if (status == 0 && cs_arguments_flag(&arguments, "help")) {
        command_help(&arguments, stdout);
    } else if (status == 0) {
        const char *output = cs_arguments_text(&arguments, "output");

        arguments.json = output != NULL && strcmp(output, "json") == 0;
        status = check_operands(&arguments);
        if (status == 0)
            status = command->run(&arguments);
    }
    for (size_t i = 0; i < arguments.noptions; i++)
        free(arguments.values[i]);
    free(arguments.values);
    free(arguments.options);
    free(arguments.operands);
    return status;
}

/* Nothing is called `word`: at the top, or within a group. */
static int unknown_command(const struct cs_command *commands,
                           const struct cs_arguments *arguments,
                           const char *group, const char *word)
{
    const char **known;
    const char *nearest;
    char **firsts;
    size_t n = 0;
    int status;

    while (commands[n].name != NULL)
        n++;
    known = cs_memory_array(n + 1, sizeof(*known));
    firsts = cs_memory_array(n + 1, sizeof(*firsts));
    n = 0;
    for (; commands->name != NULL; commands++) {
        if (group == NULL)
            firsts[n] =
                cs_memory_textn(commands->name, strcspn(commands->name, " "));
        else if (in_group(commands, group))
            firsts[n] = cs_memory_text(commands->name + strlen(group) + 1);
        else
            continue;
        known[n] = firsts[n];
        n++;
    }
    nearest = cs_text_nearest(word, known);
    status = cs_cli_misuse(
        arguments, "there is no command \"%s%s%s\"%s%s%s%s%s",
        group != NULL ? group : "", group != NULL ? " " : "", safe(word),
        nearest != NULL ? " (did you mean \"" : "",
        nearest != NULL && group != NULL ? group : "",
        nearest != NULL && group != NULL ? " " : "",
        nearest != NULL ? nearest : "", nearest != NULL ? "\"?)" : "");
    for (size_t i = 0; i < n; i++)
        free(firsts[i]);
    free(firsts);
    free(known);
    return status;
}

static bool is_help(const char *word)
{
    return strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0;
}

/* argv[at] is the first word of several commands. */
static int run_group(const struct cs_command *commands, const char *config,
                     int argc, char *argv[], int at)
{
    const struct cs_arguments arguments = {.json = wants_json(argc, argv)};
    const char *group = argv[at], *word = argv[at + 1];

    if (word == NULL) {
        list_commands(commands, group, stderr);
        return CS_EXIT_USAGE;
    }
    if (is_help(word)) {
        list_commands(commands, group, stdout);
        return CS_EXIT_OK;
    }
    for (size_t i = 0; commands[i].name != NULL; i++)
        if (in_group(&commands[i], group) &&
            strcmp(commands[i].name + strlen(group) + 1, word) == 0)
            return run_command(commands, &commands[i], config, argc, argv,
                               at + 2);
    return unknown_command(commands, &arguments, group, word);
}

/* What comes before the command; *at moves to it.  0: go on; else the program
 * ends with *status. */
static int global_options(const struct cs_command *commands, int argc,
                          char *argv[], int *at, const char **config,
                          int *status)
{
    const struct cs_arguments arguments = {.json = wants_json(argc, argv)};

    *status = CS_EXIT_OK;
    for (; *at < argc && argv[*at][0] == '-'; ++*at) {
        const char *word = argv[*at];

        if (is_help(word)) {
            list_commands(commands, NULL, stdout);
            return 1;
        }
        if (strcmp(word, "--version") == 0) {
            printf("cleversync %s\n", PACKAGE_VERSION);
            return 1;
        }
        if (strncmp(word, "--config=", 9) == 0 && word[9] != '\0') {
            *config = word + 9;
        } else if (strcmp(word, "--config") == 0 && *at + 1 < argc) {
            *config = argv[++*at];
        } else if (strncmp(word, "--config", 8) == 0 &&
                   (word[8] == '\0' || word[8] == '=')) {
            *status = cs_cli_misuse(&arguments, "--config needs FILE");
            return 1;
        } else {
            *status = cs_cli_misuse(&arguments,
                                    "\"%s\" is no option here: before the "
                                    "command there are --config, --help and "
                                    "--version",
                                    safe(word));
            return 1;
        }
    }
    return 0;
}

int cs_cli_main(const struct cs_command *commands, int argc, char *argv[])
{
    const struct cs_arguments arguments = {.json = wants_json(argc, argv)};
    const char *config = NULL;
    int at = 1, status;

    if (global_options(commands, argc, argv, &at, &config, &status) != 0)
        return status;
    if (at >= argc) {
        list_commands(commands, NULL, stderr);
        return CS_EXIT_USAGE;
    }
    for (size_t i = 0; commands[i].name != NULL; i++) {
        if (strcmp(commands[i].name, argv[at]) == 0)
            return run_command(commands, &commands[i], config, argc, argv,
                               at + 1);
        if (in_group(&commands[i], argv[at]))
            return run_group(commands, config, argc, argv, at);
    }
    return unknown_command(commands, &arguments, NULL, argv[at]);
}
