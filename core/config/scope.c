/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

#include "config.h"

#include "config/scope.h"

#include "base/error.h"
#include "base/memory.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

enum word {
    SCHOOL_PREFIX,
    SCHOOL_ID,
    DISTRICT_PREFIX,
    DISTRICT_ID,
    SECRET_PREFIX,
    NWORDS
};

static const char *const names[NWORDS] = {
    [SCHOOL_PREFIX] = "{school_prefix}",     [SCHOOL_ID] = "{school_id}",
    [DISTRICT_PREFIX] = "{district_prefix}", [DISTRICT_ID] = "{district_id}",
    [SECRET_PREFIX] = "{secret_prefix}",
};

/* Which template `at`, a brace, begins with; NWORDS: none of ours. */
static enum word word_at(const char *at)
{
    enum word word = 0;

    while (word < NWORDS && strncmp(at, names[word], strlen(names[word])) != 0)
        word++;
    return word;
}

const char *cs_scope_unknown(const char *text)
{
    while ((text = strchr(text, '{'))) {
        enum word word = word_at(text);

        if (word == NWORDS)
            return text;
        text += strlen(names[word]);
    }
    return NULL;
}

/* Values come from a database and end in paths, addresses and secret names:
 * none may reach out of the place that the operator gave it. */
static bool harmless(const char *value)
{
    size_t n = 0;

    while (isalnum((unsigned char)value[n]) || value[n] == '-' ||
           value[n] == '_')
        n++;
    return n > 0 && value[n] == '\0';
}

static void append(char **filled, size_t *used, const char *text, size_t n)
{
    *filled = cs_memory_grow(*filled, *used + n + 1, 1);
    memcpy(*filled + *used, text, n);
    *used += n;
    (*filled)[*used] = '\0';
}

char *cs_scope_fill(const char *text, const struct cs_whom *whom,
                    const char *secret_prefix, struct cs_error *error)
{
    const char *const values[NWORDS] = {
        [SCHOOL_PREFIX] = whom->school_prefix,
        [SCHOOL_ID] = whom->school_id,
        [DISTRICT_PREFIX] = whom->district_prefix,
        [DISTRICT_ID] = whom->district_id,
        [SECRET_PREFIX] = secret_prefix,
    };
    const char *brace;
    char *filled = NULL;
    size_t used = 0;

    while ((brace = strchr(text, '{'))) {
        enum word word = word_at(brace);

        if (word == NWORDS) {
            cs_error_set(error, CS_E_CONFIG,
                         "%.*s is no template that is known",
                         (int)strcspn(brace, "}") + 1, brace);
            goto fail;
        }
        if (!values[word]) {
            cs_error_set(error, CS_E_CONFIG, "%s has no value here",
                         names[word]);
            goto fail;
        }
        if (!harmless(values[word])) {
            cs_error_set(error, CS_E_CONFIG,
                         "the value of %s may only hold letters, digits, "
                         "- and _",
                         names[word]);
            goto fail;
        }
        append(&filled, &used, text, (size_t)(brace - text));
        append(&filled, &used, values[word], strlen(values[word]));
        text = brace + strlen(names[word]);
    }
    append(&filled, &used, text, strlen(text));
    return filled;

fail:
    free(filled);
    return NULL;
}

const char *cs_scope_old_name(const char *text, const struct cs_whom *whom)
{
    const char *old = whom->school_secret;

    return old && harmless(old) && strstr(text, names[SCHOOL_PREFIX]) ? old
                                                                      : NULL;
}
