/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

#include "config.h"

#include "conform/conform.h"

#include "base/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const char passed[] = "passed";
static const char failed[] = "failed";
static const char skipped[] = "skipped";

/* ---- A case -------------------------------------------------------------- */

void cs_conform_begin(struct cs_conform *conform, const char *name)
{
    conform->name = name;
    conform->outcome = passed;
    conform->about[0] = '\0';
    conform->why = (struct cs_error){.rc = CS_OK};
}

bool cs_conform_over(const struct cs_conform *conform)
{
    return conform->outcome != passed;
}

void cs_conform_about(struct cs_conform *conform, const char *format, ...)
{
    va_list arguments;

    if (cs_conform_over(conform))
        return;
    va_start(arguments, format);
    vsnprintf(conform->about, sizeof(conform->about), format, arguments);
    va_end(arguments);
}

void cs_conform_fail(struct cs_conform *conform, const char *format, ...)
{
    struct cs_error sentence;
    va_list arguments;

    if (cs_conform_over(conform))
        return;
    va_start(arguments, format);
    cs_error_vset(&sentence, CS_E_FATAL, format, arguments);
    va_end(arguments);
    conform->outcome = failed;
    cs_error_set(&conform->why, CS_E_FATAL, "%s%s%s", conform->about,
                 conform->about[0] ? ": " : "", sentence.text);
}

void cs_conform_skip(struct cs_conform *conform, const char *why)
{
    if (cs_conform_over(conform))
        return;
    conform->outcome = skipped;
    cs_error_set(&conform->why, CS_E_FATAL, "%s", why);
}

/* ---- The report ---------------------------------------------------------- */

static void print_tap(const struct cs_conform *conform, size_t number)
{
    printf("%sok %zu - %s%s%s\n", conform->outcome == failed ? "not " : "",
           number, conform->name, conform->outcome == skipped ? " # SKIP " : "",
           conform->outcome == skipped ? conform->why.text : "");
    if (conform->outcome == failed)
        printf("# %s\n", conform->why.text);
    fflush(stdout); /* somebody may be watching */
}

static void keep_json(const struct cs_conform *conform)
{
    const char *why = conform->why.text;

    /* A path in the sentence need not be UTF-8; JSON has to be. */
    if (!cs_text_valid(why, strlen(why)))
        why = "the sentence is not UTF-8: ask again without -o json";
    json_array_append_new(conform->cases,
                          json_pack("{ss ss ss?}", "name", conform->name,
                                    "outcome", conform->outcome, "reason",
                                    *why ? why : NULL));
}

void cs_conform_end(struct cs_conform *conform)
{
    if (conform->outcome == failed)
        conform->failed++;
    else if (conform->outcome == skipped)
        conform->skipped++;
    else
        conform->passed++;
    if (conform->cases)
        keep_json(conform);
    else
        print_tap(conform,
                  conform->passed + conform->failed + conform->skipped);
}

int cs_conform_report(struct cs_conform *conform)
{
    size_t n = conform->passed + conform->failed + conform->skipped;

    if (conform->cases)
        cs_cli_print(json_pack("{so sI sI sI}", "cases", conform->cases, passed,
                               (json_int_t)conform->passed, failed,
                               (json_int_t)conform->failed, skipped,
                               (json_int_t)conform->skipped));
    else
        printf("1..%zu\n# %zu passed, %zu failed, %zu skipped\n", n,
               conform->passed, conform->failed, conform->skipped);
    conform->cases = NULL;
    return conform->failed > 0 ? CS_EXIT_FAILED : CS_EXIT_OK;
}
