/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

#include "config.h"

#include "command/cmd.h"

#include "command/desk.h"
#include "database/history.h"
#include "database/hold.h"
#include "database/reject.h"
#include "database/schema.h"
#include "command/table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The counts of one row, in the order that both tables have. */
static void add_counts(struct cs_table *table, const struct cs_history *row)
{
    cs_table_number(table, row->processed);
    cs_table_number(table, row->inserted);
    cs_table_number(table, row->updated - row->inserted);
    cs_table_number(table, row->deleted);
    cs_table_number(table, row->failed);
}

/* ---- history ------------------------------------------------------------ */

const struct cs_cli_option cs_cmd_history_options[] = {
    {"school", 0, "ID", "only this school"},
    {"limit", 0, "N", "at most so many of the newest (20)"},
    {.name = NULL},
};

struct listing {
    const struct cs_registry *registry;
    struct cs_table *table;
};

static enum cs_rc add_history(void *arg, const struct cs_history *row)
{
    struct listing *listing = arg;
    struct cs_table *table = listing->table;

    cs_table_number(table, row->id);
    cs_table_time(table, row->start);
    cs_table_time(table, row->end);
    cs_desk_school(table,
                   cs_registry_school_at(listing->registry, row->school));
    cs_table_text(table, row->entity);
    cs_table_text(table, row->type);
    cs_table_text(table, row->status);
    add_counts(table, row);
    cs_table_text(table, row->run);
    cs_table_text(table, row->message);
    return CS_OK;
}

static enum cs_rc history(struct cs_desk *desk, struct cs_error *error)
{
    static const struct cs_table_column columns[] = {
        {"SYNC", "sync_id", true},
        {"STARTED", "start", false},
        {NULL, "end", false},
        {"SCHOOL", "name", false},
        {NULL, "school", false},
        {NULL, "school_id", false},
        {"ENTITY", "entity", false},
        {"TYPE", "type", false},
        {"RESULT", "status", false},
        {"READ", "read", true},
        {"NEW", "inserted", true},
        {"CHANGED", "changed", true},
        {"DELETED", "deleted", true},
        {"FAILED", "failed", true},
        {NULL, "run_id", false},
        {"REASON", "message", false},
        {.title = NULL},
    };
    const char *id = cs_arguments_text(desk->arguments, "school");
    struct listing listing = {.registry = &desk->registry};
    size_t most = (size_t)cs_arguments_number(desk->arguments, "limit", 20);
    const struct cs_school *school = NULL;
    enum cs_rc rc;

    if (id != NULL) {
        school = cs_registry_find_school(&desk->registry, id, error);
        if (school == NULL)
            return error->rc;
    }
    listing.table = cs_table_new(columns);
    rc = cs_history_each(desk->session, school != NULL ? school->id : 0, most,
                         add_history, &listing, error);
    if (rc == CS_OK && cs_arguments_json(desk->arguments))
        cs_cli_print(
            json_pack("{so}", "history", cs_table_json(listing.table)));
    else if (rc == CS_OK && cs_table_rows(listing.table) == 0)
        puts("no syncs yet: \"cleversync run\" starts one");
    else if (rc == CS_OK)
        cs_table_print(listing.table, stdout);
    cs_table_free(listing.table);
    return rc;
}

int cs_cmd_history(const struct cs_arguments *arguments)
{
    return cs_desk_run(arguments, history);
}

/* ---- status ------------------------------------------------------------- */

const struct cs_cli_option cs_cmd_status_options[] = {{.name = NULL}};

/* A run leaves a row for each entity and one or two more; among the newest so
 * many are the last of each entity. */
enum { LOOK_BACK = 100 };

/* An option of the sink, filled in for the school; yours, or NULL. */
static char *filled(const struct cs_desk *desk, const struct cs_part *sink,
                    const char *option, const struct cs_school *school)
{
    const struct cs_settings *settings = desk->app.settings;
    const char *value = cs_wiring_value(settings, sink, option);
    const struct cs_whom whom = {
        .district_id = school->district->clever_id,
        .district_prefix = school->district->prefix,
        .school_id = school->clever_id,
        .school_prefix = school->prefix,
    };

    if (value == NULL)
        return NULL;
    return cs_scope_fill(
        value, &whom, cs_settings_text(settings, "cleversync", "secret_prefix"),
        NULL);
}

/* Where the pipeline's sink keeps this school: the path of a file, else the
 * name of the secret that says it.  Yours, or NULL. */
static char *location(const struct cs_desk *desk, const struct cs_part *sink,
                      const struct cs_school *school)
{
    const struct cs_option *option = sink->module->plugin.options;
    char *path = filled(desk, sink, "path", school);

    if (path != NULL)
        return path;
    for (; option != NULL && option->name != NULL; option++)
        if ((option->type & 0xFF) == CS_OPT_SECRET)
            return filled(desk, sink, option->name, school);
    return NULL;
}

/* The newest row of an entity becomes cells of the table. */
struct last {
    const char *entity, *database;
    int64_t holds, rejects; /* that are open */
    struct cs_table *table;
    bool found;
};

static enum cs_rc add_last(void *arg, const struct cs_history *row)
{
    struct last *last = arg;

    if (last->found || row->entity == NULL ||
        strcmp(row->entity, last->entity) != 0)
        return CS_OK;
    last->found = true;
    cs_table_text(last->table, row->status);
    cs_table_text(last->table, row->type);
    cs_table_time(last->table, row->start);
    add_counts(last->table, row);
    cs_table_number(last->table, last->holds);
    cs_table_number(last->table, last->rejects);
    cs_table_text(last->table, last->database);
    cs_table_text(last->table, row->message);
    return CS_OK;
}

static enum cs_rc count_reject(void *arg, const struct cs_reject *reject)
{
    struct last *last = arg;

    last->rejects +=
        reject->entity != NULL && strcmp(reject->entity, last->entity) == 0;
    return CS_OK;
}

/* What waits for a person. */
static enum cs_rc count_waiting(struct cs_desk *desk, int64_t school,
                                struct last *last, struct cs_error *error)
{
    struct cs_holds holds;
    enum cs_rc rc = cs_hold_load(desk->session, school, &holds, error);

    for (size_t i = 0; i < holds.n; i++)
        last->holds += cs_hold_open(&holds.hold[i]) &&
                       strcmp(holds.hold[i].entity, last->entity) == 0;
    cs_hold_clear(&holds);
    return rc == CS_OK ? cs_reject_each(desk->session, school, count_reject,
                                        last, error)
                       : rc;
}

static enum cs_rc add_status(struct cs_desk *desk, struct cs_table *table,
                             const struct cs_school *school,
                             const struct cs_pipeline *pipeline,
                             struct cs_error *error)
{
    const struct cs_entity *entity =
        pipeline->mapper->module->ops.mapper.entity;
    char *label = cs_schema_label(entity->name);
    char *where = location(desk, pipeline->sink, school);
    const struct cs_history never = {.entity = label, .status = "never"};
    struct last last = {.entity = label, .database = where, .table = table};
    enum cs_rc rc;

    cs_desk_school(table, school);
    cs_table_flag(table, school->active);
    cs_table_flag(table, school->requires_full);
    cs_table_text(table, label);
    rc = count_waiting(desk, school->id, &last, error);
    if (rc == CS_OK)
        rc = cs_history_each(desk->session, school->id, LOOK_BACK, add_last,
                             &last, error);
    if (rc == CS_OK && !last.found)
        add_last(&last, &never);
    free(where);
    free(label);
    return rc;
}

static enum cs_rc status(struct cs_desk *desk, struct cs_error *error)
{
    static const struct cs_table_column columns[] = {
        {"SCHOOL", "name", false},
        {NULL, "school", false},
        {NULL, "school_id", false},
        {"ACTIVE", "active", false},
        {NULL, "requires_full", false},
        {"ENTITY", "entity", false},
        {"RESULT", "status", false},
        {NULL, "type", false},
        {"STARTED", "start", false},
        {"READ", "read", true},
        {"NEW", "inserted", true},
        {"CHANGED", "changed", true},
        {"DELETED", "deleted", true},
        {"FAILED", "failed", true},
        {"HOLDS", "holds", true},
        {"REJECTS", "rejects", true},
        {"DATABASE", "database", false},
        {"REASON", "message", false},
        {.title = NULL},
    };
    const struct cs_wiring *wiring = &desk->app.wiring;
    struct cs_table *table = cs_table_new(columns);
    enum cs_rc rc = CS_OK;

    for (size_t i = 0; i < desk->registry.nschools && rc == CS_OK; i++)
        for (size_t j = 0; j < wiring->npipelines && rc == CS_OK; j++)
            rc = add_status(desk, table, &desk->registry.schools[i],
                            &wiring->pipelines[j], error);
    if (rc == CS_OK && cs_arguments_json(desk->arguments))
        cs_cli_print(json_pack("{so}", "schools", cs_table_json(table)));
    else if (rc == CS_OK && cs_table_rows(table) == 0)
        puts("no schools yet: \"cleversync school add\" or \"cleversync "
             "school import\" register some");
    else if (rc == CS_OK)
        cs_table_print(table, stdout);
    cs_table_free(table);
    return rc;
}

int cs_cmd_status(const struct cs_arguments *arguments)
{
    return cs_desk_run(arguments, status);
}
