/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

#include "config.h"

#include "cmd.h"

#include "session.h"

#include <stdio.h>

const struct cs_cli_option cs_cmd_db_init_options[] = {{.name = NULL}};

int cs_cmd_db_init(const struct cs_arguments *arguments)
{
    struct cs_app app;
    struct cs_error error;
    size_t made;
    int status = cs_app_open(&app, arguments);

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
