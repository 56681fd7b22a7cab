/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

#include "config.h"

#include "conform/conform.h"

#include "base/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const words[CS_CONFORM_OUTCOMES] = {
    [CS_CONFORM_PASSED] = "passed",
    [CS_CONFORM_FAILED] = "failed",
    [CS_CONFORM_SKIPPED] = "skipped",
};

void cs_conform_turn_to(struct cs_conform_report *report,
                        const struct cs_conform_case *one)
{
    report->now = one;
    report->about[0] = '\0';
}

static void print_tap(const struct cs_conform_result *result, size_t number)
{
    bool skipped = result->outcome == CS_CONFORM_SKIPPED;
    bool failed = result->outcome == CS_CONFORM_FAILED;

    printf("%sok %zu - %s%s%s\n", failed ? "not " : "", number,
           result->one->name, skipped ? " # SKIP " : "",
           skipped ? result->why : "");
    if (failed)
        printf("# %s\n", result->why);
    fflush(stdout); /* somebody may be watching */
}

void cs_conform_tell(struct cs_conform_report *report,
                     enum cs_conform_outcome outcome, const char *why)
{
    struct cs_conform_result *result = &report->results[report->n];

    if (report->n == sizeof(report->results) / sizeof(*report->results))
        abort(); /* there are more cases than were thought of */
    result->one = report->now;
    result->outcome = outcome;
    snprintf(result->why, sizeof(result->why), "%s", why);
    report->n++;
    report->count[outcome]++;
    if (!report->json)
        print_tap(result, report->n);
}

static json_t *json_of(const struct cs_conform_result *result)
{
    const char *why = result->why;

    /* A path in the sentence need not be UTF-8; JSON has to be. */
    if (!cs_text_valid(why, strlen(why)))
        why = "the sentence is not UTF-8: ask again without -o json";
    return json_pack("{ss si ss ss?}", "name", result->one->name, "level",
                     (int)result->one->level, "outcome", words[result->outcome],
                     "reason", *why ? why : NULL);
}

static void print_json(const struct cs_conform_report *report)
{
    json_t *cases = json_array(), *all = json_pack("{sO}", "cases", cases);

    for (size_t i = 0; i < report->n; i++)
        json_array_append_new(cases, json_of(&report->results[i]));
    for (int i = 0; i < CS_CONFORM_OUTCOMES; i++)
        json_object_set_new(all, words[i],
                            json_integer((json_int_t)report->count[i]));
    json_decref(cases);
    cs_cli_print(all);
}

int cs_conform_end(struct cs_conform_report *report)
{
    if (report->json)
        print_json(report);
    else
        printf("1..%zu\n# %zu passed, %zu failed, %zu skipped\n", report->n,
               report->count[CS_CONFORM_PASSED],
               report->count[CS_CONFORM_FAILED],
               report->count[CS_CONFORM_SKIPPED]);
    fflush(stdout); /* the plugin may still end the process */
    report->over = true;
    return report->count[CS_CONFORM_FAILED] > 0 ? CS_EXIT_FAILED : CS_EXIT_OK;
}
