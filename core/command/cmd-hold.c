/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

#include "config.h"

#include "command/cmd.h"

#include "command/desk.h"
#include "database/hold.h"
#include "base/memory.h"
#include "config/prefix.h"
#include "database/reject.h"
#include "command/table.h"
#include "base/text.h"

#include <inttypes.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *hold_operand(const struct cs_desk *desk)
{
    return cs_arguments_operands(desk->arguments)[0];
}

/* ---- holds -------------------------------------------------------------- */

const struct cs_cli_option cs_cmd_holds_options[] = {{.name = NULL}};

static void list_holds(const struct cs_desk *desk, const struct cs_holds *holds)
{
    static const struct cs_table_column columns[] = {
        {"HOLD", "hold", false},
        {"SCHOOL", "name", false},
        {NULL, "school", false},
        {NULL, "school_id", false},
        {"ENTITY", "entity", false},
        {"KIND", "kind", false},
        {"HELD", "held", true},
        {"OF", "total", true},
        {"SINCE", "since", false},
        {"EXPIRES", "expires", false},
        {NULL, "approved", false},
        {"APPROVED BY", "approved_by", false},
        {.title = NULL},
    };
    struct cs_table *table = cs_table_new(columns);

    for (size_t i = 0; i < holds->n; i++) {
        const struct cs_hold *hold = &holds->hold[i];

        if (!cs_hold_open(hold))
            continue;
        cs_table_text(table, hold->name);
        cs_desk_school(table,
                       cs_registry_school_at(&desk->registry, hold->school));
        cs_table_text(table, hold->entity);
        cs_table_text(table, cs_hold_word(hold->kind));
        cs_table_number(table, hold->rows);
        cs_table_number(table, hold->total);
        cs_table_time(table, hold->created);
        cs_table_time(table, hold->expires);
        cs_table_time(table, hold->approved);
        cs_table_text(table, hold->by);
    }
    cs_desk_print(desk->arguments, "holds", table, "nothing is held");
}

/* Whom it is about, by key. */
static void show_hold(const struct cs_desk *desk, const struct cs_hold *hold)
{
    char **keys = cs_text_words(hold->keys);
    json_t *list = json_array();

    for (char **key = keys; *key != NULL; key++) {
        if (cs_arguments_json(desk->arguments))
            json_array_append_new(list, json_string(*key));
        else
            puts(*key);
    }
    if (cs_arguments_json(desk->arguments))
        cs_cli_print(json_pack("{ss sO}", "hold", hold->name, "keys", list));
    json_decref(list);
    free(keys);
}

static enum cs_rc show_holds(struct cs_desk *desk, struct cs_error *error)
{
    const struct cs_hold *hold;
    struct cs_holds holds;
    enum cs_rc rc = cs_hold_load(desk->session, 0, &holds, error);

    if (rc == CS_OK && hold_operand(desk) == NULL) {
        list_holds(desk, &holds);
    } else if (rc == CS_OK) {
        hold = cs_hold_find(&holds, hold_operand(desk), error);
        if (hold != NULL)
            show_hold(desk, hold);
        else
            rc = error->rc;
    }
    cs_hold_clear(&holds);
    return rc;
}

int cs_cmd_holds(const struct cs_arguments *arguments)
{
    return cs_desk_run(arguments, show_holds);
}

/* ---- approve, reject ---------------------------------------------------- */

const struct cs_cli_option cs_cmd_approve_options[] = {
    {"by", 0, "NAME", "who says so (whoever calls the program)"},
    {.name = NULL},
};
const struct cs_cli_option cs_cmd_reject_options[] = {{.name = NULL}};

#define LONGEST 100 /* bytes of a name: ApprovedBy's length */

/* As the end of a sentence; NULL: it may stand as ApprovedBy. */
static const char *fault(const char *name)
{
    return strlen(name) > LONGEST ? "is too long" : cs_prefix_fault_name(name);
}

/* The person behind sudo, if any; yours. */
static char *caller(void)
{
    const char *sudo = getenv("SUDO_USER");
    const struct passwd *user = getpwuid(getuid());

    if (sudo != NULL && fault(sudo) == NULL)
        return cs_memory_text(sudo);
    if (user != NULL && fault(user->pw_name) == NULL)
        return cs_memory_text(user->pw_name);
    return cs_memory_format("user %ju", (uintmax_t)getuid());
}

static enum cs_rc find(struct cs_desk *desk, struct cs_holds *holds,
                       const struct cs_hold **hold, struct cs_error *error)
{
    enum cs_rc rc = cs_hold_load(desk->session, 0, holds, error);

    if (rc != CS_OK)
        return rc;
    *hold = cs_hold_find(holds, hold_operand(desk), error);
    return *hold != NULL ? CS_OK : error->rc;
}

static void print_approved(const struct cs_desk *desk,
                           const struct cs_hold *hold, const char *by,
                           bool already)
{
    const struct cs_school *school =
        cs_registry_school_at(&desk->registry, hold->school);

    if (cs_arguments_json(desk->arguments))
        cs_cli_print(json_pack("{ss ss sb}", "hold", hold->name, "approved_by",
                               already ? hold->by : by, "already", already));
    else if (already)
        printf("hold %s is approved already, by %s\n", hold->name, hold->by);
    else
        printf("hold %s is approved: the next run of %s lets those of its "
               "%" PRId64 " rows %s for which it is still so\n",
               hold->name, school != NULL ? school->name : "its school",
               hold->rows, hold->kind == CS_HOLD_DELETE ? "go" : "change");
}

static enum cs_rc approve(struct cs_desk *desk, struct cs_error *error)
{
    const char *name = cs_arguments_text(desk->arguments, "by");
    char *by = name != NULL ? cs_memory_text(name) : caller();
    const struct cs_hold *hold = NULL;
    struct cs_holds holds;
    enum cs_rc rc = find(desk, &holds, &hold, error);

    if (rc == CS_OK)
        rc = cs_hold_approve(desk->session, hold->name, by, error);
    if (rc == CS_OK || rc == CS_SKIP)
        print_approved(desk, hold, by, rc == CS_SKIP);
    cs_hold_clear(&holds);
    free(by);
    return rc;
}

int cs_cmd_approve(const struct cs_arguments *arguments)
{
    const char *by = cs_arguments_text(arguments, "by");

    if (by != NULL && fault(by) != NULL)
        return cs_cli_misuse(arguments, "the name in --by %s", fault(by));
    return cs_desk_run(arguments, approve);
}

static enum cs_rc reject(struct cs_desk *desk, struct cs_error *error)
{
    const struct cs_hold *hold = NULL;
    struct cs_holds holds;
    enum cs_rc rc = find(desk, &holds, &hold, error);

    if (rc == CS_OK)
        rc = cs_hold_remove(desk->session, hold->name, error);
    if (rc == CS_OK && cs_arguments_json(desk->arguments))
        cs_cli_print(json_pack("{ss sb}", "hold", hold->name, "open", false));
    else if (rc == CS_OK)
        printf("hold %s is closed: its rows stay; a full sync holds them "
               "again if it is still so\n",
               hold->name);
    cs_hold_clear(&holds);
    return rc;
}

int cs_cmd_reject(const struct cs_arguments *arguments)
{
    return cs_desk_run(arguments, reject);
}

/* ---- rejects ------------------------------------------------------------ */

const struct cs_cli_option cs_cmd_rejects_options[] = {
    {"school", 0, "ID", "only this school"},
    {.name = NULL},
};

struct listing {
    const struct cs_desk *desk;
    struct cs_table *table;
};

static enum cs_rc add_reject(void *arg, const struct cs_reject *reject)
{
    const struct listing *listing = arg;

    cs_desk_school(
        listing->table,
        cs_registry_school_at(&listing->desk->registry, reject->school));
    cs_table_text(listing->table, reject->entity);
    cs_table_text(listing->table, reject->clever_id);
    cs_table_time(listing->table, reject->first_seen);
    cs_table_time(listing->table, reject->last_seen);
    cs_table_text(listing->table, reject->run);
    cs_table_text(listing->table, reject->reason);
    return CS_OK;
}

static enum cs_rc rejects(struct cs_desk *desk, struct cs_error *error)
{
    static const struct cs_table_column columns[] = {
        {"SCHOOL", "name", false},         {NULL, "school", false},
        {NULL, "school_id", false},        {"ENTITY", "entity", false},
        {"CLEVER ID", "clever_id", false}, {"FIRST SEEN", "first_seen", false},
        {"LAST SEEN", "last_seen", false}, {NULL, "run_id", false},
        {"REASON", "reason", false},       {.title = NULL},
    };
    const char *id = cs_arguments_text(desk->arguments, "school");
    struct listing listing = {.desk = desk};
    const struct cs_school *school = NULL;
    enum cs_rc rc;

    if (id != NULL) {
        school = cs_registry_find_school(&desk->registry, id, error);
        if (school == NULL)
            return error->rc;
    }
    listing.table = cs_table_new(columns);
    rc = cs_reject_each(desk->session, school != NULL ? school->id : 0,
                        add_reject, &listing, error);
    if (rc == CS_OK)
        cs_desk_print(desk->arguments, "rejects", listing.table,
                      "no record is set aside");
    else
        cs_table_free(listing.table);
    return rc;
}

int cs_cmd_rejects(const struct cs_arguments *arguments)
{
    return cs_desk_run(arguments, rejects);
}
