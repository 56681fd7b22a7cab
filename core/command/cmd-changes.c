/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

#include "config.h"

#include "command/cmd.h"

#include "database/changes.h"
#include "command/desk.h"
#include "config/prefix.h"
#include "command/table.h"
#include "base/text.h"
#include "base/when.h"

#include <stdio.h>
#include <stdlib.h>

const struct cs_cli_option cs_cmd_changes_options[] = {
    {"school", 0, "ID", "only this school"},
    {"id", 0, "CLEVERID", "only this person, by Clever's id"},
    {"since", 0, "WHEN", "from then on: 7d, 12h, 2026-01-31, or a time in UTC"},
    {"limit", 0, "N", "at most so many of the newest (100)"},
    {.name = NULL},
};

struct listing {
    const struct cs_registry *registry;
    struct cs_table *table;
};

static enum cs_rc add(void *arg, const struct cs_changes_entry *entry)
{
    struct listing *listing = arg;
    struct cs_table *table = listing->table;

    cs_table_time(table, entry->at);
    cs_desk_school(table,
                   cs_registry_school_at(listing->registry, entry->school));
    cs_table_text(table, entry->entity);
    cs_table_text(table, entry->clever_id);
    cs_table_text(table, entry->what);
    cs_table_text(table, entry->why);
    cs_table_text(table, entry->run);
    cs_table_text(table, entry->columns);
    return CS_OK;
}

/* For programs the names of the columns are a list. */
static json_t *as_json(const struct cs_table *table)
{
    json_t *rows = cs_table_json(table), *row;
    size_t i;

    json_array_foreach(rows, i, row)
    {
        const char *text = json_string_value(json_object_get(row, "columns"));
        char **names = cs_text_words(text != NULL ? text : "");
        json_t *list = json_array();

        for (char **name = names; *name != NULL; name++)
            json_array_append_new(list, json_string(*name));
        json_object_set_new(row, "columns", list);
        free(names);
    }
    return rows;
}

static void print(const struct cs_arguments *arguments,
                  const struct cs_table *table, bool more)
{
    if (cs_arguments_json(arguments)) {
        cs_cli_print(
            json_pack("{so sb}", "changes", as_json(table), "more", more));
        return;
    }
    if (cs_table_rows(table) == 0)
        puts("no change is known");
    else
        cs_table_print(table, stdout);
    if (more)
        fputs("cleversync: there are older ones: --limit shows more\n", stderr);
}

static enum cs_rc changes(struct cs_desk *desk, struct cs_error *error)
{
    static const struct cs_table_column columns[] = {
        {"TIME", "time", false},
        {"SCHOOL", "name", false},
        {NULL, "school", false},
        {NULL, "school_id", false},
        {"ENTITY", "entity", false},
        {"CLEVER ID", "clever_id", false},
        {"CHANGE", "change", false},
        {"WHY", "why", false},
        {"RUN", "run_id", false},
        {"COLUMNS", "columns", false},
        {.title = NULL},
    };
    const struct cs_arguments *arguments = desk->arguments;
    const char *id = cs_arguments_text(arguments, "school");
    const char *since = cs_arguments_text(arguments, "since");
    struct listing listing = {.registry = &desk->registry};
    struct cs_changes_query query = {
        .clever_id = cs_arguments_text(arguments, "id"),
        .most = (size_t)cs_arguments_number(arguments, "limit", 100)};
    bool more;
    enum cs_rc rc;

    if (since != NULL)
        cs_when_parse(since, &query.since);
    if (id != NULL) {
        const struct cs_school *school =
            cs_registry_find_school(&desk->registry, id, error);

        if (school == NULL)
            return error->rc;
        query.school = school->id;
    }
    listing.table = cs_table_new(columns);
    rc = cs_changes_each(desk->session, &query, add, &listing, &more, error);
    if (rc == CS_OK)
        print(arguments, listing.table, more);
    cs_table_free(listing.table);
    return rc;
}

/* What was typed is not repeated: it could be a name. */
int cs_cmd_changes(const struct cs_arguments *arguments)
{
    const char *id = cs_arguments_text(arguments, "id");
    const char *since = cs_arguments_text(arguments, "since");
    int64_t time;

    if (id != NULL && cs_prefix_fault_id(id) != NULL)
        return cs_cli_misuse(arguments, "--id is no Clever id: it %s",
                             cs_prefix_fault_id(id));
    if (since != NULL && !cs_when_parse(since, &time))
        return cs_cli_misuse(arguments,
                             "--since takes so long ago (7d, 12h), a day "
                             "(2026-01-31) or a time (2026-01-31T02:03:04Z)");
    return cs_desk_run(arguments, changes);
}
