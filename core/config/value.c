/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

#include "config.h"

#include "config/value.h"

#include "base/memory.h"
#include "config/scope.h"
#include "config/settings.h"
#include "base/text.h"

#include <stdlib.h>
#include <string.h>

#define DIGITS "0123456789"

/* ---- Numbers ------------------------------------------------------------- */

static bool number_of(const char *text, size_t length, double *number)
{
    bool negative = length > 0 && text[0] == '-';
    const char *at = text + (negative ? 1 : 0), *end = text + length;
    size_t whole = strspn(at, DIGITS), behind;
    double scale = 1;

    if (whole < 1 || whole > 15)
        return false;
    for (*number = 0; whole > 0 && at < end; whole--)
        *number = *number * 10 + (*at++ - '0');
    if (at < end && *at == '.') {
        at++;
        behind = strspn(at, DIGITS);
        if (behind < 1 || behind > 9)
            return false;
        for (; behind > 0 && at < end; behind--) {
            *number = *number * 10 + (*at++ - '0');
            scale *= 10;
        }
    }
    *number = (negative ? -*number : *number) / scale;
    return at == end;
}

bool cs_value_number(const char *text, double *number)
{
    return number_of(text, strlen(text), number);
}

bool cs_value_limit(const char *text, double *limit, bool *percent)
{
    size_t length = strlen(text);

    *percent = length > 0 && text[length - 1] == '%';
    if (!number_of(text, *percent ? length - 1 : length, limit) || *limit < 0)
        return false;
    return *percent ? *limit <= 100 : !strchr(text, '.');
}

/* ---- What is expected ---------------------------------------------------- */

/* allowed: "1..10000"; NULL: any number. */
static char *fault_number(const char *allowed, bool decimal, const char *value)
{
    const char *kind = decimal ? "number" : "whole number";
    const char *dots = allowed ? strstr(allowed, "..") : NULL;
    double number, least, most;
    bool sound =
        cs_value_number(value, &number) && (decimal || !strchr(value, '.'));

    if (!dots)
        return sound ? NULL : cs_memory_format("must be a %s", kind);
    if (sound && number_of(allowed, (size_t)(dots - allowed), &least) &&
        cs_value_number(dots + 2, &most) && number >= least && number <= most)
        return NULL;
    return cs_memory_format("must be a %s from %.*s to %s", kind,
                            (int)(dots - allowed), allowed, dots + 2);
}

/* "a, b or c" */
static char *choices(char *const *words)
{
    char *text = cs_memory_text(words[0]);

    for (size_t i = 1; words[i]; i++) {
        char *longer = cs_memory_format("%s%s%s", text,
                                        words[i + 1] ? ", " : " or ", words[i]);

        free(text);
        text = longer;
    }
    return text;
}

static char *fault_word(const char *allowed, const char *value)
{
    char **words = cs_text_words(allowed), *list, *fault;

    for (size_t i = 0; words[i]; i++)
        if (strcmp(words[i], value) == 0) {
            free(words);
            return NULL;
        }
    list = choices(words);
    fault = cs_memory_format("must be %s", list);
    free(list);
    free(words);
    return fault;
}

/* Secrets are named, never written down: what cannot be a name may be one. */
static char *fault_secret(const char *value)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyz"
                                  "ABCDEFGHIJKLMNOPQRSTUVWXYZ" DIGITS "-_{} \t";

    if (value[strspn(value, allowed)])
        return cs_memory_text("must be the name of a secret (letters, digits "
                              "and -), not the secret itself");
    return NULL;
}

static char *fault_template(const char *value)
{
    const char *unknown = cs_scope_unknown(value);

    if (!unknown)
        return NULL;
    return cs_memory_format(
        "holds %.*s, but templates are {school_prefix}, {school_id}, "
        "{district_prefix}, {district_id} and {secret_prefix}",
        (int)strspn(unknown, "{abcdefghijklmnopqrstuvwxyz_}"), unknown);
}

static char *fault_type(const struct cs_option *option, const char *value)
{
    double number;
    bool percent;

    switch (option->type & 0xFF) {
    case CS_OPT_NUMBER:
        return fault_number(option->allowed, false, value);
    case CS_OPT_DECIMAL:
        return fault_number(option->allowed, true, value);
    case CS_OPT_LIMIT:
        return cs_value_limit(value, &number, &percent)
                   ? NULL
                   : cs_memory_text("must be a percentage such as 10% or a "
                                    "number such as 25");
    case CS_OPT_FLAG:
        return fault_word(option->allowed ? option->allowed : "true false",
                          value);
    case CS_OPT_SECRET:
        return fault_secret(value);
    default:
        return option->allowed ? fault_word(option->allowed, value) : NULL;
    }
}

char *cs_value_fault(const struct cs_option *option, const char *value)
{
    char *fault;

    if (!value[0] && option->fallback && !option->fallback[0])
        return NULL; /* empty is what it is anyhow */
    if (!value[0])
        return option->type & CS_OPT_OPTIONAL
                   ? NULL
                   : cs_memory_text("must not be empty");
    fault = fault_type(option, value);
    if (!fault && option->type & CS_OPT_TEMPLATE)
        fault = fault_template(value);
    return fault;
}
