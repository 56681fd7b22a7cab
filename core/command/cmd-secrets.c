/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* Tries every secret that a run would need, and says which store holds it. */

#include "config.h"

#include "command/cmd.h"

#include "database/session.h"
#include "secret/store.h"
#include "command/table.h"

#include <stdlib.h>
#include <string.h>

const struct cs_cli_option cs_cmd_secrets_test_options[] = {
    {"district", 0, "ID", "only what this district needs (Clever's id)"},
    {"school", 0, "ID", "only what this school needs (Clever's id)"},
    {.name = NULL},
};

static const struct cs_table_column columns[] = {
    {"SECRET", "name", false},
    {"STORE", "store", false},
    {"OUTCOME", "outcome", false},
    {"FOR", "part", false},
    {NULL, "option", false},
    {"DISTRICT", "district_id", false},
    {"SCHOOL", "school_id", false},
    {"REASON", "reason", false},
    {.title = NULL},
};

struct trial {
    const struct cs_arguments *arguments;
    struct cs_app app;
    struct cs_session *session;
    struct cs_registry registry;
    struct cs_table *table;
    int status; /* the exit code that what was found asks for */
};

/* Who needs a secret, and what for. */
struct need {
    const struct cs_part *part; /* NULL: somebody asked by name */
    const struct cs_option *option;
    struct cs_whom whom;
    size_t stores;
    const char *old_name; /* as in struct cs_secrets_request */
};

static void add_row(struct trial *trial, const struct need *need,
                    const char *name, const char *store,
                    const struct cs_error *error)
{
    struct cs_table *table = trial->table;

    cs_table_text(table, name);
    cs_table_text(table, store);
    cs_table_text(table, cs_store_outcome(error->rc));
    cs_table_text(table, need->part ? need->part->section : NULL);
    cs_table_text(table, need->option ? need->option->name : NULL);
    cs_table_text(table, need->whom.district_id);
    cs_table_text(table, need->whom.school_id);
    cs_table_text(table, error->rc == CS_OK ? NULL : error->text);
}

static void try_names(struct trial *trial, const struct need *need,
                      const char *names)
{
    const struct cs_secrets_request request = {
        .names = names,
        .old_name = need->old_name,
        .whom = need->whom,
        .stores = need->stores,
        .cancel = trial->app.cancel,
    };
    bool optional = need->option && need->option->type & CS_OPT_OPTIONAL;
    struct cs_error error = {.rc = CS_OK};
    struct cs_loan *loan;
    enum cs_rc rc =
        cs_secrets_borrow(trial->app.secrets, &request, &loan, &error);

    if (rc == CS_E_NOT_HERE && optional)
        return;
    if (rc == CS_OK) {
        add_row(trial, need, cs_secrets_name(loan), cs_secrets_store(loan),
                &error);
        cs_secrets_return(trial->app.secrets, loan);
        return;
    }
    add_row(trial, need, names, NULL, &error);
    trial->status = cs_error_worst(trial->status, cs_error_exit(&error));
}

static void try_option(struct trial *trial, struct need *need)
{
    const struct cs_settings *settings = trial->app.settings;
    const char *raw = cs_wiring_value(settings, need->part, need->option->name);
    struct cs_error error = {.rc = CS_OK};
    char *filled;

    if (!raw || !*raw)
        return;
    if (!(need->option->type & CS_OPT_TEMPLATE)) {
        try_names(trial, need, raw);
        return;
    }
    if (need->part->module->kind == CS_SINK)
        need->old_name = cs_scope_old_name(raw, &need->whom);
    filled = cs_scope_fill(
        raw, &need->whom,
        cs_settings_text(settings, "cleversync", "secret_prefix"), &error);
    if (filled) {
        try_names(trial, need, filled);
    } else if (!(need->option->type & CS_OPT_OPTIONAL)) {
        add_row(trial, need, raw, NULL, &error);
        trial->status = cs_error_worst(trial->status, cs_error_exit(&error));
    }
    free(filled);
}

static void try_part(struct trial *trial, const struct cs_part *part,
                     const struct cs_whom *whom, size_t stores)
{
    struct need need = {.part = part, .whom = *whom, .stores = stores};

    need.option = part->module->plugin.options;
    for (; need.option && need.option->name; need.option++)
        if ((need.option->type & 0xff) == CS_OPT_SECRET)
            try_option(trial, &need);
}

/* ---- Who needs what ------------------------------------------------------ */

static bool reads_for_pipeline(const struct cs_wiring *wiring,
                               const struct cs_part *part)
{
    for (size_t i = 0; i < wiring->npipelines; i++)
        if (wiring->pipelines[i].source == part ||
            wiring->pipelines[i].delta == part)
            return true;
    return false;
}

static bool writes_for_pipeline(const struct cs_wiring *wiring,
                                const struct cs_part *part)
{
    for (size_t i = 0; i < wiring->npipelines; i++)
        if (wiring->pipelines[i].sink == part)
            return true;
    return false;
}

static void try_district(struct trial *trial,
                         const struct cs_district *district)
{
    const struct cs_wiring *wiring = &trial->app.wiring;
    const struct cs_whom whom = {
        .district_id = district->clever_id,
        .district_prefix = district->prefix,
    };

    for (size_t i = 0; i < wiring->ncredentials; i++)
        try_part(trial, wiring->credentials[i], &whom, i);
    for (size_t i = 0; i < wiring->nparts; i++)
        if (reads_for_pipeline(wiring, wiring->parts[i]))
            try_part(trial, wiring->parts[i], &whom, wiring->ncredentials);
}

static void try_school(struct trial *trial, const struct cs_school *school)
{
    const struct cs_wiring *wiring = &trial->app.wiring;
    const struct cs_whom whom = {
        .district_id = school->district->clever_id,
        .district_prefix = school->district->prefix,
        .school_id = school->clever_id,
        .school_prefix = school->prefix,
        .school_secret = school->secret_name,
    };

    for (size_t i = 0; i < wiring->nparts; i++)
        if (writes_for_pipeline(wiring, wiring->parts[i]))
            try_part(trial, wiring->parts[i], &whom, wiring->ncredentials);
}

/* Whom the options name: a school brings its district along. */
static enum cs_rc choose(const struct trial *trial,
                         const struct cs_district **district,
                         const struct cs_school **school,
                         struct cs_error *error)
{
    const char *district_id = cs_arguments_text(trial->arguments, "district");
    const char *school_id = cs_arguments_text(trial->arguments, "school");

    *district = NULL;
    *school = NULL;
    if (school_id) {
        *school = cs_registry_find_school(&trial->registry, school_id, error);
        if (!*school)
            return error->rc;
        *district = (*school)->district;
    }
    if (!district_id)
        return CS_OK;
    *district = cs_registry_find_district(&trial->registry, district_id, error);
    if (!*district)
        return error->rc;
    if (*school && (*school)->district != *district)
        return cs_error_set(error, CS_E_CONFIG,
                            "school %s is not in district %s", school_id,
                            district_id);
    return CS_OK;
}

static void try_all(struct trial *trial, const struct cs_district *district,
                    const struct cs_school *school)
{
    const struct cs_registry *registry = &trial->registry;

    for (size_t i = 0; i < registry->ndistricts; i++)
        if (!district || district == &registry->districts[i])
            try_district(trial, &registry->districts[i]);
    for (size_t i = 0; i < registry->nschools; i++) {
        const struct cs_school *one = &registry->schools[i];

        if (school ? school == one
                   : one->active && (!district || district == one->district))
            try_school(trial, one);
    }
}

static void try_name(struct trial *trial, const char *name,
                     const struct cs_district *district,
                     const struct cs_school *school)
{
    struct need need = {.stores = trial->app.wiring.ncredentials};

    if (district) {
        need.whom.district_id = district->clever_id;
        need.whom.district_prefix = district->prefix;
    }
    if (school) {
        need.whom.school_id = school->clever_id;
        need.whom.school_prefix = school->prefix;
    }
    try_names(trial, &need, name);
}

static enum cs_rc work(struct trial *trial, struct cs_error *error)
{
    const struct cs_whom nobody = {.run = NULL};
    const struct cs_wiring *wiring = &trial->app.wiring;
    const char *name = cs_arguments_operands(trial->arguments)[0];
    const struct cs_district *district = NULL;
    const struct cs_school *school = NULL;
    bool scoped = cs_arguments_text(trial->arguments, "district") ||
                  cs_arguments_text(trial->arguments, "school");
    enum cs_rc rc;

    if (name && !scoped) { /* works without a session database */
        try_name(trial, name, NULL, NULL);
        return CS_OK;
    }
    if (!name && wiring->session)
        try_part(trial, wiring->session, &nobody, wiring->ncredentials);
    for (size_t i = 0; !name && i < wiring->nnotifiers; i++)
        try_part(trial, wiring->notifiers[i], &nobody, wiring->ncredentials);
    rc = cs_session_open(&trial->session, &trial->app, error);
    if (rc == CS_OK)
        rc = cs_registry_load(trial->session, &trial->registry, error);
    if (rc == CS_OK)
        rc = choose(trial, &district, &school, error);
    if (rc != CS_OK)
        return rc;
    if (name)
        try_name(trial, name, district, school);
    else
        try_all(trial, district, school);
    return CS_OK;
}

int cs_cmd_secrets_test(const struct cs_arguments *arguments)
{
    struct trial trial = {.arguments = arguments};
    struct cs_error error = {.rc = CS_OK};
    int status = cs_app_open(&trial.app, arguments);
    enum cs_rc rc;

    if (status != CS_EXIT_OK)
        return status;
    trial.table = cs_table_new(columns);
    rc = work(&trial, &error);
    if (cs_arguments_json(arguments))
        cs_cli_print(json_pack("{so}", "secrets", cs_table_json(trial.table)));
    else if (cs_table_rows(trial.table) > 0)
        cs_table_print(trial.table, stdout);
    else if (rc == CS_OK)
        puts("nothing that is configured needs a secret");
    status = rc == CS_OK ? trial.status : cs_app_fail(arguments, &error);
    cs_table_free(trial.table);
    cs_registry_clear(&trial.registry);
    cs_session_close(trial.session);
    cs_app_close(&trial.app);
    return status;
}
