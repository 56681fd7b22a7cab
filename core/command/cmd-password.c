/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* secrets hash-password: from a password to what the secret is to hold. */

#include "config.h"

#include "command/cmd.h"

#include "app.h"
#include "secret/password.h"

#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

const struct cs_cli_option cs_cmd_secrets_hash_password_options[] = {
    {.name = NULL},
};

/* A line without its end; what is longer than a password may be is one more
 * byte than that.  Unbuffered, so that no copy is left behind. */
static bool read_line(int file, char line[CS_PASSWORD_MOST + 2])
{
    size_t n = 0;
    ssize_t got;
    char c;

    while ((got = read(file, &c, 1)) == 1 && c != '\n')
        if (n <= CS_PASSWORD_MOST)
            line[n++] = c;
    if (n > 0 && line[n - 1] == '\r')
        n--;
    line[n] = '\0';
    return got == 1 || n > 0;
}

/* Without an echo.  Keys that would end the program are part of the line then,
 * which is refused for them, so that the terminal is always as it was. */
static bool ask(int terminal, const char *question,
                char line[CS_PASSWORD_MOST + 2])
{
    struct termios before, quiet;
    bool got;

    if (tcgetattr(terminal, &before) != 0)
        return false;
    quiet = before;
    quiet.c_lflag &= ~(tcflag_t)(ECHO | ISIG);
    tcsetattr(terminal, TCSAFLUSH, &quiet);
    fputs(question, stderr);
    got = read_line(terminal, line);
    tcsetattr(terminal, TCSAFLUSH, &before);
    fputc('\n', stderr);
    return got;
}

static const char *read_password(char line[CS_PASSWORD_MOST + 2])
{
    char again[CS_PASSWORD_MOST + 2] = "";
    const char *fault;

    if (!isatty(STDIN_FILENO))
        return read_line(STDIN_FILENO, line) ? cs_password_fault(line)
                                             : "is missing";
    if (!ask(STDIN_FILENO, "Password: ", line))
        return "is missing";
    fault = cs_password_fault(line);
    if (fault == NULL && (!ask(STDIN_FILENO, "The same again: ", again) ||
                          strcmp(line, again) != 0))
        fault = "is not the same the second time";
    explicit_bzero(again, sizeof(again));
    return fault;
}

int cs_cmd_secrets_hash_password(const struct cs_arguments *arguments)
{
    char line[CS_PASSWORD_MOST + 2] = "", text[CS_PASSWORD_HASH];
    const char *fault = read_password(line);
    struct cs_error error = {.rc = CS_OK};
    enum cs_rc rc = CS_OK;

    if (fault == NULL) {
        rc = cs_password_hash(line, text, &error);
    } else {
        rc = cs_error_set(&error, CS_E_CONFIG, "the password %s", fault);
        error.status = CS_EXIT_USAGE;
    }
    explicit_bzero(line, sizeof(line));
    if (rc != CS_OK)
        return cs_app_fail(arguments, &error);
    if (cs_arguments_json(arguments))
        cs_cli_print(json_pack("{ss}", "hash", text));
    else
        puts(text);
    return CS_EXIT_OK;
}
