/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

#include "config.h"

#include "command/cmd.h"

#include "command/desk.h"
#include "database/import.h"
#include "command/table.h"

#include <stdio.h>
#include <string.h>

/* Are all of these options given? */
static int require(const struct cs_arguments *arguments, const char *command,
                   const char *const *names)
{
    for (; *names != NULL; names++)
        if (cs_arguments_text(arguments, *names) == NULL)
            return cs_cli_misuse(arguments, "%s needs --%s", command, *names);
    return CS_EXIT_OK;
}

static void print_added(const struct cs_arguments *arguments, const char *what,
                        bool added)
{
    const char *id = cs_arguments_text(arguments, "id");

    if (cs_arguments_json(arguments))
        cs_cli_print(json_pack("{s+s sb}", what, "_id", id, "added", added));
    else if (added)
        printf("%s %s is registered\n", what, id);
    else
        printf("%s %s is there already: nothing changed\n", what, id);
}

/* ---- district add, district list ---------------------------------------- */

const struct cs_cli_option cs_cmd_district_add_options[] = {
    {"id", 0, "ID", "Clever's id of the district"},
    {"name", 0, "NAME", "what people call it"},
    {"prefix", 0, "PREFIX", "its part in the names of secrets: A-Z, 0-9, -"},
    {.name = NULL},
};

static enum cs_rc district_add(struct cs_desk *desk, struct cs_error *error)
{
    const struct cs_arguments *arguments = desk->arguments;
    enum cs_rc rc = cs_registry_add_district(
        desk->session, cs_arguments_text(arguments, "id"),
        cs_arguments_text(arguments, "name"),
        cs_arguments_text(arguments, "prefix"), error);

    if (rc >= CS_OK)
        print_added(arguments, "district", rc == CS_OK);
    return rc;
}

int cs_cmd_district_add(const struct cs_arguments *arguments)
{
    static const char *const needed[] = {"id", "name", "prefix", NULL};
    int status = require(arguments, "district add", needed);

    return status != CS_EXIT_OK ? status : cs_desk_run(arguments, district_add);
}

const struct cs_cli_option cs_cmd_district_list_options[] = {{.name = NULL}};

static enum cs_rc district_list(struct cs_desk *desk, struct cs_error *error)
{
    static const struct cs_table_column columns[] = {
        {"ID", "district_id", false},
        {"NAME", "name", false},
        {"PREFIX", "district", false},
        {"SCHOOLS", "schools", true},
        {.title = NULL},
    };
    const struct cs_registry *registry = &desk->registry;
    struct cs_table *table = cs_table_new(columns);

    (void)error;
    for (size_t i = 0; i < registry->ndistricts; i++) {
        const struct cs_district *district = &registry->districts[i];
        int64_t schools = 0;

        for (size_t j = 0; j < registry->nschools; j++)
            schools += registry->schools[j].district == district;
        cs_table_text(table, district->clever_id);
        cs_table_text(table, district->name);
        cs_table_text(table, district->prefix);
        cs_table_number(table, schools);
    }
    cs_desk_print(
        desk->arguments, "districts", table,
        "no districts yet: \"cleversync district add\" registers one");
    return CS_OK;
}

int cs_cmd_district_list(const struct cs_arguments *arguments)
{
    return cs_desk_run(arguments, district_list);
}

/* ---- school add, school list -------------------------------------------- */

const struct cs_cli_option cs_cmd_school_add_options[] = {
    {"id", 0, "ID", "Clever's id of the school"},
    {"district", 0, "ID", "Clever's id of its district"},
    {"name", 0, "NAME", "what people call it"},
    {"prefix", 0, "PREFIX", "its part in the names of secrets: A-Z, 0-9, -"},
    {"database", 0, "NAME", "name of its database (the prefix)"},
    {.name = NULL},
};

static enum cs_rc school_add(struct cs_desk *desk, struct cs_error *error)
{
    const struct cs_arguments *arguments = desk->arguments;
    struct cs_school_new school = {
        .clever_id = cs_arguments_text(arguments, "id"),
        .district_clever_id = cs_arguments_text(arguments, "district"),
        .name = cs_arguments_text(arguments, "name"),
        .prefix = cs_arguments_text(arguments, "prefix"),
        .database_name = cs_arguments_text(arguments, "database"),
        .active = true,
    };
    enum cs_rc rc = cs_registry_add_schools(desk->session, &school, 1, error);

    if (rc >= CS_OK)
        print_added(arguments, "school", rc == CS_OK);
    return rc;
}

int cs_cmd_school_add(const struct cs_arguments *arguments)
{
    static const char *const needed[] = {"id", "district", "name", "prefix",
                                         NULL};
    int status = require(arguments, "school add", needed);

    return status != CS_EXIT_OK ? status : cs_desk_run(arguments, school_add);
}

const struct cs_cli_option cs_cmd_school_list_options[] = {
    {"district", 0, "ID", "only schools of this district"},
    {.name = NULL},
};

static enum cs_rc school_list(struct cs_desk *desk, struct cs_error *error)
{
    static const struct cs_table_column columns[] = {
        {"ID", "school_id", false},           {"NAME", "name", false},
        {"PREFIX", "school", false},          {"DATABASE", "database", false},
        {"DISTRICT", "district_id", false},   {"ACTIVE", "active", false},
        {"FULL DUE", "requires_full", false}, {.title = NULL},
    };
    const char *id = cs_arguments_text(desk->arguments, "district");
    const struct cs_registry *registry = &desk->registry;
    const struct cs_district *district = NULL;
    struct cs_table *table;

    if (id != NULL) {
        district = cs_registry_find_district(registry, id, error);
        if (district == NULL)
            return error->rc;
    }
    table = cs_table_new(columns);
    for (size_t i = 0; i < registry->nschools; i++) {
        const struct cs_school *school = &registry->schools[i];

        if (district != NULL && school->district != district)
            continue;
        cs_table_text(table, school->clever_id);
        cs_table_text(table, school->name);
        cs_table_text(table, school->prefix);
        cs_table_text(table, school->database_name);
        cs_table_text(table, school->district->clever_id);
        cs_table_flag(table, school->active);
        cs_table_flag(table, school->requires_full);
    }
    cs_desk_print(desk->arguments, "schools", table,
                  "no schools yet: \"cleversync school add\" or \"cleversync "
                  "school import\" register some");
    return CS_OK;
}

int cs_cmd_school_list(const struct cs_arguments *arguments)
{
    return cs_desk_run(arguments, school_list);
}

/* ---- school set --------------------------------------------------------- */

const struct cs_cli_option cs_cmd_school_set_options[] = {
    {"name", 0, "NAME", "what people call it"},
    {"prefix", 0, "PREFIX", "its part in the names of secrets: A-Z, 0-9, -"},
    {"database", 0, "NAME", "name of its database"},
    {"active", 0, "yes|no", "whether runs sync it"},
    {"require-full", 0, "yes|no", "whether its next sync is a full one"},
    {.name = NULL},
};

static bool given(const struct cs_arguments *arguments, const char *name,
                  bool *flag)
{
    const char *text = cs_arguments_text(arguments, name);

    *flag = text != NULL && strcmp(text, "yes") == 0;
    return text != NULL;
}

static enum cs_rc school_set(struct cs_desk *desk, struct cs_error *error)
{
    const struct cs_arguments *arguments = desk->arguments;
    const char *id = cs_arguments_operands(arguments)[0];
    const struct cs_school *school =
        cs_registry_find_school(&desk->registry, id, error);
    struct cs_school_change change = {
        .name = cs_arguments_text(arguments, "name"),
        .prefix = cs_arguments_text(arguments, "prefix"),
        .database_name = cs_arguments_text(arguments, "database"),
    };
    bool active, requires_full;
    enum cs_rc rc;

    if (school == NULL)
        return error->rc;
    if (given(arguments, "active", &active))
        change.active = &active;
    if (given(arguments, "require-full", &requires_full))
        change.requires_full = &requires_full;
    rc = cs_registry_set_school(desk->session, school, &change, error);
    if (rc != CS_OK)
        return rc;
    if (cs_arguments_json(arguments))
        cs_cli_print(json_pack("{ss sb}", "school_id", id, "changed", true));
    else
        printf("school %s is changed\n", id);
    return CS_OK;
}

int cs_cmd_school_set(const struct cs_arguments *arguments)
{
    const struct cs_cli_option *option = cs_cmd_school_set_options;

    while (option->name != NULL &&
           cs_arguments_text(arguments, option->name) == NULL)
        option++;
    if (option->name == NULL)
        return cs_cli_misuse(arguments,
                             "school set needs at least one of --name, "
                             "--prefix, --database, --active, --require-full");
    return cs_desk_run(arguments, school_set);
}

/* ---- school import ------------------------------------------------------ */

const struct cs_cli_option cs_cmd_school_import_options[] = {
    {"district", 0, "ID", "Clever's id of the district"},
    {"active", 0, NULL, "the new schools are synced from now on"},
    {.name = NULL},
};

static void print_imported(const struct cs_desk *desk,
                           const struct cs_registry *registry,
                           const struct cs_import *import)
{
    static const struct cs_table_column columns[] = {
        {"ID", "school_id", false},  {"NAME", "name", false},
        {"PREFIX", "school", false}, {"ACTIVE", "active", false},
        {"NEW", "added", false},     {.title = NULL},
    };
    struct cs_table *table = cs_table_new(columns);

    for (size_t i = 0; i < import->n; i++) {
        const struct cs_school *school =
            cs_registry_school(registry, import->schools[i].clever_id);

        if (school == NULL)
            continue; /* somebody took it away again */
        cs_table_text(table, school->clever_id);
        cs_table_text(table, school->name);
        cs_table_text(table, school->prefix);
        cs_table_flag(table, school->active);
        cs_table_flag(table, import->schools[i].added);
    }
    cs_desk_print(desk->arguments, "schools", table,
                  "Clever lists no schools in this district");
    if (import->unusable > 0)
        fprintf(stderr,
                "cleversync: %zu record%s of a school without a proper id or "
                "name left out\n",
                import->unusable, import->unusable == 1 ? "" : "s");
}

static enum cs_rc school_import(struct cs_desk *desk, struct cs_error *error)
{
    const struct cs_arguments *arguments = desk->arguments;
    const struct cs_district *district = cs_registry_find_district(
        &desk->registry, cs_arguments_text(arguments, "district"), error);
    struct cs_registry registry = {0};
    struct cs_import import;
    enum cs_rc rc;

    if (district == NULL)
        return error->rc;
    rc = cs_import_read(&import, &desk->app, district, error);
    for (size_t i = 0; i < import.n; i++)
        import.schools[i].active = cs_arguments_flag(arguments, "active");
    if (rc == CS_OK)
        rc = cs_registry_add_schools(desk->session, import.schools, import.n,
                                     error);
    if (rc >= CS_OK)
        rc = cs_registry_load(desk->session, &registry, error);
    if (rc == CS_OK)
        print_imported(desk, &registry, &import);
    cs_registry_clear(&registry);
    cs_import_clear(&import);
    return rc;
}

int cs_cmd_school_import(const struct cs_arguments *arguments)
{
    static const char *const needed[] = {"district", NULL};
    int status = require(arguments, "school import", needed);

    return status != CS_EXIT_OK ? status
                                : cs_desk_run(arguments, school_import);
}
