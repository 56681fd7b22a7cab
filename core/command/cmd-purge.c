/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

#include "config.h"

#include "command/cmd.h"

#include "command/desk.h"
#include "config/prefix.h"
#include "database/purge.h"
#include "sync/run.h"
#include "base/when.h"

#include <stdio.h>

const struct cs_cli_option cs_cmd_purge_options[] = {
    {"older-than", 0, "DAYS", "who has been inactive for longer: 365 or 365d"},
    {"school", 0, "ID", "only this school"},
    {"even-most", 0, NULL, "even more than half of a table's rows"},
    {"yes", 0, NULL, "delete them; without it, only show them"},
    {.name = NULL},
};

struct work {
    struct cs_desk *desk;
    struct cs_purge purge;
    char run[CS_RUN_ID];
    json_t *tables, *failures;
    size_t n, good; /* schools */
    size_t deleted; /* rows */
    int worst;      /* exit code */
};

static bool in_json(const struct work *work)
{
    return cs_arguments_json(work->desk->arguments);
}

/* ---- What is said ------------------------------------------------------- */

/* A key that is no Clever id could be anything. */
static json_t *keys_of(const struct cs_keys *keys)
{
    json_t *list = json_array();

    for (size_t i = 0; i < keys->n; i++) {
        const char *key = cs_keys_at(keys, i)->key;

        json_array_append_new(list, cs_prefix_fault_id(key) == NULL
                                        ? json_string(key)
                                        : json_null());
    }
    return list;
}

static void print_table(const struct work *work, const struct cs_school *school,
                        const struct cs_purge_table *table)
{
    if (!table->done) {
        printf("%s %s: nothing was done\n", school->prefix, table->label);
        return;
    }
    if (!work->purge.dry) {
        printf("%s %s: %zu of %zu rows deleted", school->prefix, table->label,
               table->deleted, table->total);
        if (table->kept > 0)
            printf(", %zu kept because others need them", table->kept);
        putchar('\n');
        return;
    }
    printf("%s %s: %zu of %zu rows%s\n", school->prefix, table->label,
           table->keys.n, table->total,
           table->guarded ? ", more than half: only with --even-most" : "");
    for (size_t i = 0; i < table->keys.n; i++) {
        const char *key = cs_keys_at(&table->keys, i)->key;

        printf("  %s\n",
               cs_prefix_fault_id(key) == NULL ? key : "(no Clever id)");
    }
}

static void tell_table(struct work *work, const struct cs_school *school,
                       const struct cs_purge_table *table)
{
    if (in_json(work))
        json_array_append_new(
            work->tables,
            json_pack("{ss ss ss sb sb sI sI sI so}", "school_id",
                      school->clever_id, "school", school->prefix, "entity",
                      table->label, "done", table->done, "guarded",
                      table->guarded, "rows", (json_int_t)table->total,
                      "deleted", (json_int_t)table->deleted, "kept",
                      (json_int_t)table->kept, "keys", keys_of(&table->keys)));
    else
        print_table(work, school, table);
}

static void tell_failure(struct work *work, const struct cs_school *school,
                         const struct cs_error *error)
{
    if (in_json(work))
        json_array_append_new(
            work->failures, json_pack("{ss ss}", "school_id", school->clever_id,
                                      "message", error->text));
    else
        fprintf(stderr, "cleversync: %s: %s\n", school->prefix, error->text);
}

static void tell_end(const struct work *work, int status)
{
    if (in_json(work))
        cs_cli_print(json_pack("{sb sO sO si ss}", "purged", work->deleted > 0,
                               "tables", work->tables, "failures",
                               work->failures, "code", status, "result",
                               cs_error_word(status)));
    else if (work->purge.dry)
        puts("nothing is deleted without --yes");
}

/* ---- The work ----------------------------------------------------------- */

static enum cs_rc purge_school(struct work *work,
                               const struct cs_school *school,
                               struct cs_error *error)
{
    const struct cs_visit visit = {.app = &work->desk->app,
                                   .session = work->desk->session,
                                   .school = school,
                                   .run = work->run};
    enum cs_rc rc;

    if (work->purge.dry)
        return cs_purge_school(&work->purge, &visit, error);
    rc = cs_session_lock(visit.session, school, error);
    if (rc != CS_OK)
        return rc;
    rc = cs_purge_school(&work->purge, &visit, error);
    cs_session_unlock(visit.session, school);
    return rc;
}

static void visit_school(struct work *work, const struct cs_school *school)
{
    struct cs_error error = {0};
    enum cs_rc rc = purge_school(work, school, &error);
    int code = rc == CS_OK ? CS_EXIT_OK : cs_error_exit(&error);

    for (size_t i = 0; i < work->purge.ntables; i++) {
        tell_table(work, school, &work->purge.tables[i]);
        work->deleted += work->purge.tables[i].deleted;
    }
    if (rc != CS_OK)
        tell_failure(work, school, &error);
    cs_purge_clear(&work->purge);
    work->n++;
    work->good += rc == CS_OK;
    work->worst = cs_error_worst(work->worst, code);
}

static enum cs_rc visit_all(struct work *work, struct cs_error *error)
{
    const struct cs_registry *registry = &work->desk->registry;
    const char *id = cs_arguments_text(work->desk->arguments, "school");
    const struct cs_school *only = NULL;

    if (id != NULL) {
        only = cs_registry_find_school(registry, id, error);
        if (only == NULL)
            return error->rc;
    }
    for (size_t i = 0; i < registry->nschools; i++) {
        const struct cs_school *school = &registry->schools[i];

        if (only != NULL ? school == only : school->active)
            visit_school(work, school);
    }
    return CS_OK;
}

static enum cs_rc purge(struct cs_desk *desk, struct cs_error *error)
{
    const struct cs_arguments *arguments = desk->arguments;
    struct work work = {
        .desk = desk,
        .purge = {.dry = !cs_arguments_flag(arguments, "yes"),
                  .any = cs_arguments_flag(arguments, "even-most")},
        .tables = json_array(),
        .failures = json_array()};
    long days;
    enum cs_rc rc;

    cs_when_days(cs_arguments_text(arguments, "older-than"), &days);
    work.purge.before = cs_clock_now() - days * 86400 * CS_SECOND;
    cs_run_make_id(work.run);
    rc = visit_all(&work, error);
    if (rc == CS_OK) {
        desk->status = cs_error_sum(work.good, work.n, work.worst);
        tell_end(&work, desk->status);
    }
    json_decref(work.tables);
    json_decref(work.failures);
    return rc;
}

int cs_cmd_purge(const struct cs_arguments *arguments)
{
    const char *days = cs_arguments_text(arguments, "older-than");
    long number;

    if (days == NULL)
        return cs_cli_misuse(arguments, "purge needs --older-than");
    if (!cs_when_days(days, &number))
        return cs_cli_misuse(arguments,
                             "--older-than takes days, from 1 to 36500: 365 "
                             "or 365d");
    return cs_desk_run(arguments, purge);
}
