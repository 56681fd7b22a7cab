/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

#include "config.h"

#include "base/error.h"

#include "base/memory.h"
#include "base/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum cs_rc cs_error_vset(struct cs_error *error, int rc, const char *format,
                         va_list arguments)
{
    int n;

    if (!error)
        return (enum cs_rc)rc;
    error->rc = (enum cs_rc)rc;
    error->status = 0;
    n = vsnprintf(error->text, sizeof(error->text), format, arguments);
    if (n >= (int)sizeof(error->text)) {
        size_t end = strlen(error->text);

        while (end > 0 && !cs_text_valid(error->text, end))
            end--; /* not in the middle of a character */
        error->text[end] = '\0';
    }
    return (enum cs_rc)rc;
}

enum cs_rc cs_error_set(struct cs_error *error, int rc, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    cs_error_vset(error, rc, format, arguments);
    va_end(arguments);
    return (enum cs_rc)rc;
}

int cs_error_exit(const struct cs_error *error)
{
    if (error->status)
        return error->status;
    switch (error->rc) {
    case CS_OK:
    case CS_SKIP:
    case CS_LEFT:
    case CS_MAYBE:
        return CS_EXIT_OK;
    case CS_E_CONFIG:
        return CS_EXIT_CONFIG;
    case CS_E_AUTH:
        return CS_EXIT_SECRET;
    case CS_E_RETRY:
        return CS_EXIT_TRANSIENT;
    case CS_E_BUSY:
        return CS_EXIT_BUSY;
    case CS_E_DATA:
    case CS_E_CURSOR:
    case CS_E_NOT_HERE:
    case CS_E_CANCELLED:
    case CS_E_FATAL:
        break;
    }
    return CS_EXIT_FAILED;
}

static int severity(int status)
{
    static const int order[] = {
        CS_EXIT_OK,        CS_EXIT_DIFFERENT, CS_EXIT_BUSY, CS_EXIT_FAILED,
        CS_EXIT_TRANSIENT, CS_EXIT_PARTIAL,   CS_EXIT_HELD, CS_EXIT_SECRET,
        CS_EXIT_PERSON,    CS_EXIT_CONFIG};
    int n = (int)(sizeof(order) / sizeof(*order));

    for (int i = 0; i < n; i++) {
        if (order[i] == status)
            return i;
    }
    return n; /* a signal */
}

int cs_error_worst(int one, int other)
{
    return severity(one) >= severity(other) ? one : other;
}

int cs_error_sum(size_t good, size_t n, int worst)
{
    if (worst == CS_EXIT_DIFFERENT)
        return worst;
    return good > 0 && good < n ? CS_EXIT_PARTIAL : worst;
}

const char *cs_error_word(int status)
{
    switch (status) {
    case CS_EXIT_OK:
        return "ok";
    case CS_EXIT_USAGE:
        return "usage";
    case CS_EXIT_PARTIAL:
        return "partial";
    case CS_EXIT_TRANSIENT:
        return "transient";
    case CS_EXIT_PERSON:
        return "needs-a-person";
    case CS_EXIT_BUSY:
        return "busy";
    case CS_EXIT_SECRET:
        return "secret";
    case CS_EXIT_HELD:
        return "held";
    case CS_EXIT_DIFFERENT:
        return "different";
    case CS_EXIT_CONFIG:
        return "configuration";
    default:
        return status > 128 ? "signal" : "failed";
    }
}

void cs_problems_add(struct cs_problems *problems, const char *file,
                     unsigned line, const char *format, ...)
{
    va_list arguments;
    char sentence[768];

    va_start(arguments, format);
    vsnprintf(sentence, sizeof(sentence), format, arguments);
    va_end(arguments);
    problems->text = cs_memory_grow(problems->text, problems->n + 1,
                                    sizeof(*problems->text));
    if (file && line > 0)
        problems->text[problems->n++] =
            cs_memory_format("%s:%u: %s", file, line, sentence);
    else if (file)
        problems->text[problems->n++] =
            cs_memory_format("%s: %s", file, sentence);
    else
        problems->text[problems->n++] = cs_memory_text(sentence);
}

void cs_problems_clear(struct cs_problems *problems)
{
    for (size_t i = 0; i < problems->n; i++)
        free(problems->text[i]);
    free(problems->text);
    *problems = (struct cs_problems){NULL, 0};
}
