/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* What most commands have open while they work: the program, the session
 * database, and the districts and schools in it. */
#ifndef CS_DESK_H
#define CS_DESK_H

#include "database/session.h"
#include "command/table.h"

struct cs_desk {
    const struct cs_arguments *arguments;
    struct cs_app app;
    struct cs_session *session;
    struct cs_registry registry; /* as it was when the command began */
    int status; /* set by the work: the exit code if there is no error */
};

/* The command's work.  Errors are printed by cs_desk_run(). */
typedef enum cs_rc cs_desk_fn(struct cs_desk *desk, struct cs_error *error);

/* Opens, works, closes; gives the exit code. */
int cs_desk_run(const struct cs_arguments *arguments, cs_desk_fn *work);

/* Three cells: a school's name, prefix and Clever id; NULL: it is not known. */
void cs_desk_school(struct cs_table *table, const struct cs_school *school);
/* Shows a table and frees it: as JSON {member: rows}, or printed, or, when it
 * has no rows, the sentence `none`. */
void cs_desk_print(const struct cs_arguments *arguments, const char *member,
                   struct cs_table *table, const char *none);

#endif
