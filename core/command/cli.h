/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* The command line: a table of commands, each with a table of options, from
 * which parsing, --help and the shells' completion come. */
#ifndef CS_CLI_H
#define CS_CLI_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

/* The argument's spelling says what is accepted: "ID" any text but an empty
 * one, "yes|no" one of these words, "N" a whole number from 1 on; "ID..." may
 * be given several times, others once. */
struct cs_cli_option {
    const char *name;     /* "district" for --district; NULL ends the table */
    char letter;          /* 'o' for -o; 0: none */
    const char *argument; /* "ID"; NULL: a flag */
    const char *help;
};

struct cs_arguments; /* what was given */

struct cs_command {
    const char *name;     /* "run", "config show"; NULL ends the table */
    const char *operands; /* "[PLUGIN]", "NAME", "ID..."; NULL: none */
    const char *summary;
    const struct cs_cli_option *options;
    int (*run)(const struct cs_arguments *arguments); /* gives the exit code */
    int (*run_raw)(int argc, char *argv[]); /* instead of run: a raw command
                           parses its own arguments, and says here which */
};

/* What every command that is not raw knows beside its own table. */
extern const struct cs_cli_option cs_cli_common[];

/* Global options come before the command: --config FILE, --help, --version.
 * -o text|json, --set SECTION.KEY=VALUE, --config and --help are known to each
 * command that is not raw and need not be in its table.  Unknown words and
 * options are fatal (exit 2) and name the nearest known one.  A raw command
 * gets its own word as argv[0]. */
int cs_cli_main(const struct cs_command *commands, int argc, char *argv[]);

/* A fault in how the command was called: prints the sentence and gives
 * CS_EXIT_USAGE. */
int cs_cli_misuse(const struct cs_arguments *arguments, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* How the program says that it failed: "cleversync: SENTENCE" on standard
 * error, with `json` an object on standard output instead, which may carry
 * more members (details: stolen; NULL: none).  Gives status. */
int cs_cli_fail(bool json, int status, const char *text, json_t *details);
/* One JSON value on standard output. */
void cs_cli_print(json_t *stolen);

/* Values: NULL or false when not given.  Names without dashes. */
const char *cs_arguments_text(const struct cs_arguments *arguments,
                              const char *name);
bool cs_arguments_flag(const struct cs_arguments *arguments, const char *name);
long cs_arguments_number(const struct cs_arguments *arguments, const char *name,
                         long fallback);
const char *const *cs_arguments_list(const struct cs_arguments *arguments,
                                     const char *name); /* never NULL */
const char *const *cs_arguments_operands(const struct cs_arguments *arguments);
bool cs_arguments_json(const struct cs_arguments *arguments); /* -o json */
const char *cs_arguments_config(const struct cs_arguments *arguments);
/* The table that the command is in. */
const struct cs_command *
cs_arguments_commands(const struct cs_arguments *arguments);

#endif
