/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* The tables of all databases: what they are, what they lack, and how they get
 * it. */

#include "config.h"

#include "command/cmd.h"

#include "base/memory.h"
#include "database/migrate.h"
#include "database/session.h"
#include "command/table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum job { STATUS, MIGRATE, SHOW };

struct work {
    const struct cs_arguments *arguments;
    enum job job;
    struct cs_app app;
    struct cs_session *session;
    struct cs_registry registry;
    struct cs_table *table;
    size_t n, good; /* databases */
    int worst;      /* exit code */
};

/* One database: the session's, or a school's behind a sink of its own. */
struct place {
    const char *name; /* "session", or the school's prefix */
    const char *school;
    const struct cs_part *part;
    struct cs_instance *sink; /* NULL: the session's */
    struct cs_migrate migrate;
};

static const struct cs_table_column columns[] = {
    {NULL, "sql", false}, /* only with --sql */
    {"DATABASE", "database", false},
    {NULL, "school_id", false},
    {"SINK", "sink", false},
    {"VERSION", "version", false},
    {"STATE", "state", false},
    {"APPLIED", "applied", false},
    {"BY", "by", false},
    {NULL, "message", false},
    {.title = NULL},
};

/* ---- What is said ------------------------------------------------------- */

static bool in_json(const struct work *work)
{
    return cs_arguments_json(work->arguments);
}

static void add_row(struct work *work, const struct place *place,
                    const struct cs_migrate_version *version,
                    const char *message)
{
    struct cs_table *table = work->table;

    if (work->job == SHOW)
        cs_table_text(table, version ? version->sql : NULL);
    cs_table_text(table, place->name);
    cs_table_text(table, place->school);
    cs_table_text(table, place->part->section);
    cs_table_text(table, version ? version->name : NULL);
    cs_table_text(table, version ? cs_migrate_word(version->state) : "failed");
    cs_table_time(table, version ? version->at : 0);
    cs_table_text(table, version ? version->by : NULL);
    cs_table_text(table, message);
}

static void add_failure(struct work *work, const struct place *place,
                        const struct cs_error *error)
{
    add_row(work, place, NULL, error->text);
    if (!in_json(work))
        fprintf(stderr, "cleversync: %s: %s\n", place->name, error->text);
}

static void print(struct work *work, int status)
{
    size_t n = cs_table_rows(work->table);

    if (in_json(work))
        cs_cli_print(json_pack("{so si ss}", "versions",
                               cs_table_json(work->table), "code", status,
                               "result", cs_error_word(status)));
    else if (work->job == SHOW && n == 0)
        puts("-- nothing is pending");
    else if (work->job == MIGRATE && n == 0)
        puts("everything is up to date");
    else if (work->job != SHOW) /* scripts are printed as they come */
        cs_table_print(work->table, stdout);
}

/* ---- One database ------------------------------------------------------- */

static enum cs_rc use(struct work *work, struct place *place, cs_sink_fn *fn,
                      struct cs_error *error)
{
    enum cs_rc rc;

    if (place->sink == NULL)
        return cs_session_use(work->session, fn, &place->migrate, error);
    rc = fn(&place->migrate, place->sink, error);
    for (unsigned n = 0; rc == CS_E_RETRY; n++) {
        if (!cs_sink_again(place->part, work->app.settings, work->app.cancel,
                           n))
            break;
        rc = fn(&place->migrate, place->sink, error);
    }
    return rc;
}

/* A row, and its part of the exit code. */
static void add_state(struct work *work, const struct place *place,
                      const struct cs_migrate_version *version, int *code)
{
    add_row(work, place, version, NULL);
    if (version->state != CS_MIGRATE_APPLIED)
        *code =
            cs_error_worst(*code, cs_migrate_due(version) ? CS_EXIT_DIFFERENT
                                                          : CS_EXIT_CONFIG);
}

static enum cs_rc status(struct work *work, struct place *place, int *code,
                         struct cs_error *error)
{
    enum cs_rc rc = use(work, place, cs_migrate_look, error);

    for (size_t i = 0; rc == CS_OK && i < place->migrate.n; i++)
        add_state(work, place, &place->migrate.list[i], code);
    return rc;
}

static void add_result(struct work *work, const struct place *place,
                       const struct cs_migrate_version *before, int *code)
{
    for (size_t i = 0; i < place->migrate.n; i++)
        if (cs_migrate_due(before) &&
            strcmp(place->migrate.list[i].name, before->name) == 0)
            add_state(work, place, &place->migrate.list[i], code);
}

/* What was due at the first look, as it is at the last one: another process may
 * have been faster, and an error may have come in between. */
static enum cs_rc migrate(struct work *work, struct place *place, int *code,
                          struct cs_error *error)
{
    struct cs_migrate before;
    enum cs_rc rc = use(work, place, cs_migrate_look, error), looked;

    if (rc != CS_OK)
        return rc;
    before = place->migrate;
    place->migrate.list = NULL;
    place->migrate.n = 0;
    rc = use(work, place, cs_migrate_all, error);
    looked = use(work, place, cs_migrate_look, rc == CS_OK ? error : NULL);
    for (size_t i = 0; looked == CS_OK && i < before.n; i++)
        add_result(work, place, &before.list[i], code);
    cs_migrate_clear(&before);
    return rc == CS_OK ? looked : rc;
}

static enum cs_rc show(struct work *work, struct place *place,
                       struct cs_error *error)
{
    enum cs_rc rc = use(work, place, cs_migrate_script, error);

    for (size_t i = 0; rc == CS_OK && i < place->migrate.n; i++) {
        const struct cs_migrate_version *version = &place->migrate.list[i];

        if (!cs_migrate_due(version))
            continue;
        add_row(work, place, version, NULL);
        if (!in_json(work))
            printf("-- database %s (%s), version %s\n%s\n", place->name,
                   place->part->section, version->name, version->sql);
    }
    return rc;
}

/* opened: what came of connecting to it, with its error. */
static void visit(struct work *work, struct place *place, enum cs_rc opened,
                  struct cs_error *error)
{
    int code = CS_EXIT_OK;
    enum cs_rc rc = opened;

    if (rc == CS_OK && work->job == STATUS)
        rc = status(work, place, &code, error);
    else if (rc == CS_OK && work->job == MIGRATE)
        rc = migrate(work, place, &code, error);
    else if (rc == CS_OK)
        rc = show(work, place, error);
    if (rc != CS_OK) {
        add_failure(work, place, error);
        code = cs_error_exit(error);
    }
    work->n++;
    work->good += code == CS_EXIT_OK;
    work->worst = cs_error_worst(work->worst, code);
    cs_migrate_clear(&place->migrate);
}

static void visit_session(struct work *work)
{
    struct place place = {
        .name = "session",
        .part = work->app.wiring.session,
        .migrate = {.versions = &cs_versions_session,
                    .nversions = 1,
                    .wait_ms = CS_MIGRATE_WAIT},
    };
    struct cs_error error = {0};

    visit(work, &place, CS_OK, &error);
}

/* ---- A school's --------------------------------------------------------- */

/* The tables that pipelines write to behind one sink. */
struct tables {
    struct cs_schema **schemas;
    const struct cs_entity **entities;
    struct cs_versions *versions;
    size_t n; /* of versions: one more than of the others */
};

static void collect(struct tables *tables, const struct cs_wiring *wiring,
                    const struct cs_part *sink)
{
    size_t most = wiring->npipelines;

    tables->schemas = cs_memory_array(most, sizeof(*tables->schemas));
    tables->entities = cs_memory_array(most, sizeof(*tables->entities));
    tables->versions = cs_memory_array(most + 1, sizeof(*tables->versions));
    tables->versions[0] = cs_versions_school;
    tables->n = 1;
    for (size_t i = 0; i < most; i++) {
        const struct cs_pipeline *pipeline = &wiring->pipelines[i];
        size_t at = tables->n - 1;

        if (pipeline->sink != sink)
            continue;
        tables->schemas[at] =
            cs_schema_new(pipeline->mapper->module->ops.mapper.entity);
        tables->entities[at] = &tables->schemas[at]->entity;
        tables->versions[tables->n++] =
            cs_versions_mapped(&tables->entities[at]);
    }
}

static void drop(struct tables *tables)
{
    for (size_t i = 0; i + 1 < tables->n; i++)
        cs_schema_free(tables->schemas[i]);
    free(tables->schemas);
    free(tables->entities);
    free(tables->versions);
}

static void visit_sink(struct work *work, const struct cs_school *school,
                       const struct cs_part *sink)
{
    const struct cs_instance_request request = {
        .part = sink,
        .whom = {.district_id = school->district->clever_id,
                 .district_prefix = school->district->prefix,
                 .school_id = school->clever_id,
                 .school_prefix = school->prefix,
                 .school_secret = school->secret_name},
        .cancel = work->app.cancel,
        .stores = work->app.wiring.ncredentials,
    };
    struct cs_error error = {0};
    struct tables tables;
    struct place place = {
        .name = school->prefix,
        .school = school->clever_id,
        .part = sink,
        .migrate = {.wait_ms = CS_MIGRATE_WAIT},
    };
    enum cs_rc opened =
        cs_instance_open(&place.sink, &work->app, &request, &error);

    collect(&tables, &work->app.wiring, sink);
    place.migrate.versions = tables.versions;
    place.migrate.nversions = tables.n;
    visit(work, &place, opened, &error);
    cs_instance_close(place.sink);
    drop(&tables);
}

static void visit_school(struct work *work, const struct cs_school *school)
{
    const struct cs_wiring *wiring = &work->app.wiring;

    for (size_t i = 0; i < wiring->npipelines; i++) {
        size_t first = 0;

        while (wiring->pipelines[first].sink != wiring->pipelines[i].sink)
            first++;
        if (first == i)
            visit_sink(work, school, wiring->pipelines[i].sink);
    }
}

/* ---- All of them -------------------------------------------------------- */

static enum cs_rc visit_schools(struct work *work, const char *id,
                                struct cs_error *error)
{
    const struct cs_school *only = NULL;
    enum cs_rc rc = cs_registry_load(work->session, &work->registry, error);

    if (rc != CS_OK)
        return rc;
    if (id != NULL)
        only = cs_registry_find_school(&work->registry, id, error);
    if (id != NULL && only == NULL)
        return error->rc;
    for (size_t i = 0; i < work->registry.nschools; i++) {
        const struct cs_school *school = &work->registry.schools[i];

        if (only != NULL ? school == only : school->active)
            visit_school(work, school);
    }
    return CS_OK;
}

/* The schools are known only to a session database that is as it should be. */
static enum cs_rc visit_all(struct work *work, struct cs_error *error)
{
    const char *id = cs_arguments_text(work->arguments, "school");
    enum cs_rc rc = cs_session_connect(&work->session, &work->app, error);

    if (rc != CS_OK)
        return rc;
    if (id == NULL)
        visit_session(work);
    rc = cs_session_look(work->session, error);
    if (rc == CS_OK)
        return visit_schools(work, id, error);
    if (id != NULL)
        return rc;
    fputs("cleversync: the schools' databases come when the session database "
          "is up to date\n",
          stderr);
    return CS_OK;
}

static enum cs_rc visit_session_only(struct work *work, struct cs_error *error)
{
    enum cs_rc rc = cs_session_connect(&work->session, &work->app, error);

    if (rc == CS_OK)
        visit_session(work);
    return rc;
}

static int run(const struct cs_arguments *arguments, enum job job,
               enum cs_rc (*visits)(struct work *, struct cs_error *))
{
    struct work work = {.arguments = arguments, .job = job};
    struct cs_error error = {0};
    int status = cs_app_open(&work.app, arguments);

    if (status != CS_EXIT_OK)
        return status;
    work.table = cs_table_new(columns + (job != SHOW));
    if (visits(&work, &error) == CS_OK) {
        status = cs_error_sum(work.good, work.n, work.worst);
        print(&work, status);
    } else {
        status = cs_app_fail(arguments, &error);
    }
    cs_table_free(work.table);
    cs_registry_clear(&work.registry);
    cs_session_close(work.session);
    cs_app_close(&work.app);
    return status;
}

/* ---- The commands ------------------------------------------------------- */

const struct cs_cli_option cs_cmd_db_init_options[] = {
    {"sql", 0, NULL, "only print the SQL that would be run"},
    {.name = NULL},
};

int cs_cmd_db_init(const struct cs_arguments *arguments)
{
    struct cs_app app;
    struct cs_error error;
    size_t made;
    int status;

    if (cs_arguments_flag(arguments, "sql"))
        return run(arguments, SHOW, visit_session_only);
    status = cs_app_open(&app, arguments);
    if (status != CS_EXIT_OK)
        return status;
    if (cs_session_init(&app, &made, &error) != CS_OK)
        status = cs_app_fail(arguments, &error);
    else if (cs_arguments_json(arguments))
        cs_cli_print(json_pack("{sI}", "made", (json_int_t)made));
    else if (made > 0)
        printf("%zu table%s made in the session database\n", made,
               made == 1 ? "" : "s");
    else
        puts("all tables of the session database are there");
    cs_app_close(&app);
    return status;
}

const struct cs_cli_option cs_cmd_db_migrate_options[] = {
    {"school", 0, "ID", "only this school's database (Clever's id)"},
    {"sql", 0, NULL, "only print the SQL that would be run"},
    {.name = NULL},
};

int cs_cmd_db_migrate(const struct cs_arguments *arguments)
{
    return run(arguments, cs_arguments_flag(arguments, "sql") ? SHOW : MIGRATE,
               visit_all);
}

const struct cs_cli_option cs_cmd_db_status_options[] = {
    {"school", 0, "ID", "only this school's database (Clever's id)"},
    {.name = NULL},
};

int cs_cmd_db_status(const struct cs_arguments *arguments)
{
    return run(arguments, STATUS, visit_all);
}
