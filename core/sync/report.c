/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

#include "config.h"

#include "sync/report.h"

#include "command/table.h"

#include <stdlib.h>
#include <string.h>

static const struct cs_table_column columns[] = {
    {"SCHOOL", "school", false},
    {NULL, "school_id", false},
    {NULL, "district_id", false},
    {"ENTITY", "entity", false},
    {"SYNC", "type", false},
    {"RESULT", "status", false},
    {"READ", "fetched", true},
    {NULL, "unchanged", true},
    {"NEW", "inserted", true},
    {"CHANGED", "updated", true},
    {"BACK", "restored", true},
    {"LEFT", "deactivated", true},
    {"DELETED", "deleted", true},
    {"HELD", "held", true},
    {"SET ASIDE", "rejected", true},
    {NULL, "message", false},
    {NULL, NULL, false},
};

static void add_entity(struct cs_table *table,
                       const struct cs_sync_school *school,
                       const struct cs_sync_entity *entity)
{
    const struct cs_pass_result *result = &entity->result;
    size_t changed = result->inserted + result->updated + result->restored +
                     result->rejected;

    cs_table_text(table, school->school->prefix);
    cs_table_text(table, school->school->clever_id);
    cs_table_text(table, school->school->district->clever_id);
    cs_table_text(table, entity->label);
    cs_table_text(table, entity->type);
    cs_table_text(table, entity->status);
    cs_table_number(table, (int64_t)result->read);
    cs_table_number(
        table, result->read > changed ? (int64_t)(result->read - changed) : 0);
    cs_table_number(table, (int64_t)result->inserted);
    cs_table_number(table, (int64_t)result->updated);
    cs_table_number(table, (int64_t)result->restored);
    cs_table_number(table, (int64_t)result->deactivated);
    cs_table_number(table, (int64_t)result->deleted);
    cs_table_number(table, (int64_t)result->held);
    cs_table_number(table, (int64_t)result->rejected);
    cs_table_text(table, entity->message[0] ? entity->message : NULL);
}

static struct cs_table *make_table(const struct cs_run *run)
{
    struct cs_table *table = cs_table_new(columns);

    for (size_t i = 0; i < run->n; i++) {
        for (size_t j = 0; j < run->schools[i].nentities; j++)
            add_entity(table, &run->schools[i], &run->schools[i].entities[j]);
    }
    return table;
}

static void print_plan(const struct cs_sync_school *school)
{
    for (size_t i = 0; i < school->nentities; i++) {
        const struct cs_plan *plan = &school->entities[i].result.plan;

        if (plan->text && plan->text[0])
            printf("%s %s\n%s", school->school->prefix,
                   school->entities[i].label, plan->text);
    }
}

/* Each different sentence of a school once. */
static void print_messages(const struct cs_sync_school *school)
{
    const char *last = "";

    if (school->message[0])
        printf("%s: %s\n", school->school->prefix, school->message);
    for (size_t i = 0; i < school->nentities; i++) {
        const struct cs_sync_entity *entity = &school->entities[i];

        if (entity->message[0] && strcmp(entity->message, last) != 0)
            printf("%s %s: %s\n", school->school->prefix, entity->label,
                   entity->message);
        last = entity->message;
    }
}

static size_t count_good(const struct cs_run *run)
{
    size_t good = 0;

    for (size_t i = 0; i < run->n; i++)
        good += run->schools[i].status_code == CS_EXIT_OK;
    return good;
}

static size_t count_changes(const struct cs_run *run)
{
    size_t changes = 0;

    for (size_t i = 0; i < run->n; i++) {
        for (size_t j = 0; j < run->schools[i].nentities; j++) {
            const struct cs_pass_result *result =
                &run->schools[i].entities[j].result;

            changes += result->inserted + result->updated + result->restored +
                       result->deactivated + result->deleted;
        }
    }
    return changes;
}

void cs_report_print(const struct cs_run *run)
{
    struct cs_table *table = make_table(run);
    size_t changes = count_changes(run);

    for (size_t i = 0; run->dry && i < run->n; i++)
        print_plan(&run->schools[i]);
    cs_table_print(table, stdout);
    cs_table_free(table);
    for (size_t i = 0; i < run->n; i++)
        print_messages(&run->schools[i]);
    printf("%zu of %zu schools are right", count_good(run), run->n);
    if (changes == 0)
        printf("; nothing %s", run->dry ? "would change" : "changed");
    else
        printf("; %zu %s %s", changes, changes == 1 ? "row" : "rows",
               run->dry ? "would change (dry run, nothing was written)"
                        : "changed");
    printf(" (run %s, %.1f s)\n", run->id,
           (double)run->took / (double)CS_SECOND);
}

static json_t *plans_json(const struct cs_run *run)
{
    json_t *plans = json_array();

    for (size_t i = 0; i < run->n; i++) {
        const struct cs_sync_school *school = &run->schools[i];

        for (size_t j = 0; j < school->nentities; j++) {
            const struct cs_sync_entity *entity = &school->entities[j];

            if (entity->result.plan.changes)
                json_array_append_new(
                    plans, json_pack("{s:s, s:s, s:O}", "school_id",
                                     school->school->clever_id, "entity",
                                     entity->label, "changes",
                                     entity->result.plan.changes));
        }
    }
    return plans;
}

static json_t *schools_json(const struct cs_run *run)
{
    json_t *schools = json_array();

    for (size_t i = 0; i < run->n; i++) {
        const struct cs_sync_school *school = &run->schools[i];

        json_array_append_new(
            schools,
            json_pack("{s:s, s:s, s:i, s:s, s:s*, s:f}", "school",
                      school->school->prefix, "school_id",
                      school->school->clever_id, "code", school->status_code,
                      "result", cs_error_word(school->status_code), "message",
                      school->message[0] ? school->message : NULL, "seconds",
                      (double)(school->ended - school->started) /
                          (double)CS_SECOND));
    }
    return schools;
}

void cs_report_json(const struct cs_run *run)
{
    struct cs_table *table = make_table(run);
    json_t *report = json_pack(
        "{s:i, s:s, s:b, s:i, s:s, s:I, s:f, s:o, s:o}", "schema_version", 1,
        "run_id", run->id, "dry_run", run->dry, "code", run->status_code,
        "result", cs_error_word(run->status_code), "changes",
        (json_int_t)count_changes(run), "seconds",
        (double)run->took / (double)CS_SECOND, "schools", schools_json(run),
        "entities", cs_table_json(table));

    if (run->dry)
        json_object_set_new(report, "plan", plans_json(run));
    json_dumpf(report, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(6));
    putchar('\n');
    json_decref(report);
    cs_table_free(table);
}
