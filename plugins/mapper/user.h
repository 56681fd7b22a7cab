/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* A user of Clever as a row: what the mappers of its roles have in common.
 *
 * The core builds objects on the way to a path that is read, so `roles` is
 * there, perhaps empty, whenever the record shows it. */
#ifndef MAPPER_USER_H
#define MAPPER_USER_H

#include <cleversync/plugin.h>

enum { USER_KEY_LENGTH = 50 }; /* of the key's column, in characters */

struct user_role {
    const char *name;         /* below `roles` in the record */
    const char *const *reads; /* the mapper's: first "id", then a text for each
                                 further column, then the role's schools */
    size_t ncolumns;          /* the key is the first */
};

/* As a mapper's map() is to be, for a record with this role. */
enum cs_rc user_map(const struct cs_host *host, const struct user_role *role,
                    const json_t *record, struct cs_value *row);

#endif
