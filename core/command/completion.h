/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* Scripts with which a shell completes the program's command line.  They are
 * made of the table of commands, and ask "cleversync completion WORD" for what
 * only the machine knows. */
#ifndef CS_COMPLETION_H
#define CS_COMPLETION_H

#include "command/cli.h"

void cs_completion_bash(const struct cs_command *commands);
void cs_completion_fish(const struct cs_command *commands);
void cs_completion_zsh(const struct cs_command *commands);

/* ---- What the three of them ask about the table -------------------------- */

/* The i-th option that a command knows, its own first; NULL: no more. */
const struct cs_cli_option *
cs_completion_option(const struct cs_command *command, size_t i);
/* What the argument of an option, or an operand (option NULL), may be: "a|b"
 * one of these words, "FILE" or "DIRECTORY" a path, "@WORD" what "cleversync
 * completion WORD" prints, and "@plugins" also a path, which begins with . or /
 * as no plugin does; "": nobody knows. */
const char *cs_completion_values(const struct cs_command *command,
                                 const struct cs_cli_option *option);
/* The length of the first word of a command that has two; 0: it has one. */
size_t cs_completion_group(const struct cs_command *command);
/* No command before it in the table has the same first word. */
bool cs_completion_first(const struct cs_command *commands,
                         const struct cs_command *command);
/* A word for each, with `between` in between: the commands' first words, or
 * those of them that need a second one. */
void cs_completion_words(const struct cs_command *commands, bool groups,
                         const char *between);
/* Prints text: each character that is among `marked` comes after a backslash,
 * and a single quote as `quote` says. */
void cs_completion_text(const char *text, const char *marked,
                        const char *quote);

#endif
