/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* What a person decides about a school as a whole: that it goes, and whose its
 * database is.  All of it is shown first, and done with --yes. */

#include "config.h"

#include "command/cmd.h"

#include "command/desk.h"
#include "config/prefix.h"
#include "sync/run.h"
#include "database/stamp.h"

#include <stdio.h>
#include <string.h>

typedef enum cs_rc school_fn(struct cs_desk *desk,
                             const struct cs_school *school,
                             struct cs_error *error);

/* With the school's lock: what a run is busy with is not taken from it. */
static enum cs_rc with_school(struct cs_desk *desk, school_fn *work,
                              struct cs_error *error)
{
    const char *id = cs_arguments_operands(desk->arguments)[0];
    const struct cs_school *school =
        cs_registry_find_school(&desk->registry, id, error);
    enum cs_rc rc;

    if (school == NULL)
        return error->rc;
    rc = cs_session_lock(desk->session, school, error);
    if (rc != CS_OK)
        return rc;
    rc = work(desk, school, error);
    cs_session_unlock(desk->session, school);
    return rc;
}

static bool confirmed(const struct cs_desk *desk)
{
    return cs_arguments_flag(desk->arguments, "yes");
}

/* ---- school remove ------------------------------------------------------ */

const struct cs_cli_option cs_cmd_school_remove_options[] = {
    {"yes", 0, NULL, "do it; without it, only say what would be done"},
    {.name = NULL},
};

static void print_removed(const struct cs_desk *desk,
                          const struct cs_school *school,
                          const struct cs_registry_rows *rows)
{
    bool done = confirmed(desk);

    if (cs_arguments_json(desk->arguments)) {
        cs_cli_print(json_pack(
            "{ss sb sI sI sI sI}", "school_id", school->clever_id, "removed",
            done, "history", (json_int_t)rows->history, "changes",
            (json_int_t)rows->changes, "rejects", (json_int_t)rows->rejects,
            "holds", (json_int_t)rows->holds));
        return;
    }
    printf("school %s (%s, %s) %s, and with it %zu rows of history, %zu of "
           "the log of changes, %zu rejects and %zu holds; its database is "
           "not touched\n",
           school->clever_id, school->prefix, school->name,
           done ? "is removed" : "would be removed", rows->history,
           rows->changes, rows->rejects, rows->holds);
    if (!done)
        printf("nothing is done without --yes; \"cleversync school set %s "
               "--active no\" keeps all of it and ends its syncs\n",
               school->clever_id);
}

static enum cs_rc remove_school(struct cs_desk *desk,
                                const struct cs_school *school,
                                struct cs_error *error)
{
    struct cs_registry_rows rows;
    enum cs_rc rc = cs_registry_count(desk->session, school, &rows, error);

    if (rc == CS_OK && rows.foreign > 0) {
        rc = cs_error_set(error, CS_E_FATAL,
                          "the history has %zu rows of school %s that another "
                          "system made: they stay, so the school does; "
                          "\"cleversync school set %s --active no\" ends its "
                          "syncs",
                          rows.foreign, school->clever_id, school->clever_id);
        error->status = CS_EXIT_PERSON;
    }
    if (rc == CS_OK && confirmed(desk))
        rc = cs_registry_remove_school(desk->session, school, error);
    if (rc == CS_OK)
        print_removed(desk, school, &rows);
    return rc;
}

static enum cs_rc school_remove(struct cs_desk *desk, struct cs_error *error)
{
    return with_school(desk, remove_school, error);
}

int cs_cmd_school_remove(const struct cs_arguments *arguments)
{
    return cs_desk_run(arguments, school_remove);
}

/* ---- school restamp, school adopt --------------------------------------- */

const struct cs_cli_option cs_cmd_school_restamp_options[] = {
    {"yes", 0, NULL, "do it; without it, only say what would be done"},
    {.name = NULL},
};
const struct cs_cli_option cs_cmd_school_adopt_options[] = {
    {"yes", 0, NULL, "do it; without it, only say what would be done"},
    {.name = NULL},
};

/* A stamp that is no Clever id could be anything. */
static const char *printable(const char *stamp)
{
    return cs_prefix_fault_id(stamp) == NULL ? stamp : "(no Clever id)";
}

/* already: there was nothing to do. */
static void print_stamped(const struct cs_desk *desk,
                          const struct cs_school *school,
                          const struct cs_stamp *stamp, bool already)
{
    const char *old = stamp->found != NULL ? printable(stamp->found) : NULL;
    bool done = confirmed(desk) && !already;

    if (cs_arguments_json(desk->arguments)) {
        cs_cli_print(json_pack("{ss ss? sI sb}", "school_id", school->clever_id,
                               "stamp", old, "active",
                               (json_int_t)stamp->active, "changed", done));
    } else if (already && old != NULL) {
        printf("the database is stamped as school %s already: nothing is "
               "done\n",
               school->clever_id);
    } else if (already) {
        puts("there is nobody in the database: the next run fills it, and "
             "nothing is done");
    } else {
        printf("the database, with %zu active rows, %s%s; it %s stamped as "
               "school %s, and the next run reads everything and removes "
               "nobody\n",
               stamp->active,
               old != NULL ? "was stamped as school " : "had no stamp",
               old != NULL ? old : "", done ? "is now" : "would be",
               school->clever_id);
        if (!done)
            puts("nothing is done without --yes");
    }
}

static enum cs_rc put(struct cs_desk *desk, const struct cs_visit *visit,
                      const struct cs_stamp *stamp, struct cs_error *error)
{
    enum cs_rc rc = CS_OK;

    if (confirmed(desk))
        rc = cs_stamp_put(stamp, visit, error);
    if (rc == CS_OK)
        print_stamped(desk, visit->school, stamp, false);
    return rc;
}

/* needs: the other command, which is the right one here. */
static enum cs_rc refuse(const struct cs_school *school, const char *why,
                         const char *needs, struct cs_error *error)
{
    cs_error_set(error, CS_E_FATAL,
                 "%s: that is for \"cleversync school %s "
                 "%s\"; nothing was done",
                 why, needs, school->clever_id);
    error->status = CS_EXIT_PERSON;
    return error->rc;
}

static enum cs_rc stamp(struct cs_desk *desk, const struct cs_school *school,
                        bool adopt, struct cs_error *error)
{
    char run[CS_RUN_ID];
    const struct cs_visit visit = {.app = &desk->app,
                                   .session = desk->session,
                                   .school = school,
                                   .run = run};
    struct cs_stamp stamp;
    enum cs_rc rc;

    cs_run_make_id(run);
    rc = cs_stamp_look(&stamp, &visit, error);
    if (rc != CS_OK)
        ;
    else if (stamp.found != NULL && !stamp.foreign)
        print_stamped(desk, school, &stamp, true);
    else if (adopt && stamp.found != NULL)
        rc = refuse(school, "the database carries the stamp of another school",
                    "restamp", error);
    else if (!adopt && stamp.found == NULL)
        rc = refuse(school, "the database carries no stamp", "adopt", error);
    else if (adopt && stamp.active == 0)
        print_stamped(desk, school, &stamp, true);
    else
        rc = put(desk, &visit, &stamp, error);
    cs_stamp_clear(&stamp);
    return rc;
}

static enum cs_rc restamp_school(struct cs_desk *desk,
                                 const struct cs_school *school,
                                 struct cs_error *error)
{
    return stamp(desk, school, false, error);
}

static enum cs_rc adopt_school(struct cs_desk *desk,
                               const struct cs_school *school,
                               struct cs_error *error)
{
    return stamp(desk, school, true, error);
}

static enum cs_rc school_restamp(struct cs_desk *desk, struct cs_error *error)
{
    return with_school(desk, restamp_school, error);
}

static enum cs_rc school_adopt(struct cs_desk *desk, struct cs_error *error)
{
    return with_school(desk, adopt_school, error);
}

int cs_cmd_school_restamp(const struct cs_arguments *arguments)
{
    return cs_desk_run(arguments, school_restamp);
}

int cs_cmd_school_adopt(const struct cs_arguments *arguments)
{
    return cs_desk_run(arguments, school_adopt);
}
