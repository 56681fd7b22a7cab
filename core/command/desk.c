/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

#include "config.h"

#include "command/desk.h"

#include <stdio.h>

int cs_desk_run(const struct cs_arguments *arguments, cs_desk_fn *work)
{
    struct cs_desk desk = {.arguments = arguments};
    struct cs_error error = {0};
    enum cs_rc rc;
    int status = cs_app_open(&desk.app, arguments);

    if (status != CS_EXIT_OK)
        return status;
    rc = cs_session_open(&desk.session, &desk.app, &error);
    if (rc == CS_OK)
        rc = cs_registry_load(desk.session, &desk.registry, &error);
    if (rc == CS_OK)
        rc = work(&desk, &error);
    status = rc < CS_OK ? cs_app_fail(arguments, &error) : desk.status;
    cs_registry_clear(&desk.registry);
    cs_session_close(desk.session);
    cs_app_close(&desk.app);
    return status;
}

void cs_desk_school(struct cs_table *table, const struct cs_school *school)
{
    cs_table_text(table, school != NULL ? school->name : NULL);
    cs_table_text(table, school != NULL ? school->prefix : NULL);
    cs_table_text(table, school != NULL ? school->clever_id : NULL);
}

void cs_desk_print(const struct cs_arguments *arguments, const char *member,
                   struct cs_table *table, const char *none)
{
    if (cs_arguments_json(arguments))
        cs_cli_print(json_pack("{so}", member, cs_table_json(table)));
    else if (cs_table_rows(table) == 0)
        puts(none);
    else
        cs_table_print(table, stdout);
    cs_table_free(table);
}
