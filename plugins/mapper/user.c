/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

#include "user.h"

#include <string.h>

/* An id is printable ASCII without blanks: it goes into logs and URLs. */
static const char *user_key(const json_t *value)
{
    const char *text = json_string_value(value); /* NULL: not a string */
    size_t length = json_string_length(value);
    if (length == 0 || length > USER_KEY_LENGTH)
        return NULL;
    for (size_t i = 0; i < length; i++)
        if (text[i] <= ' ' || text[i] > '~')
            return NULL;
    return text;
}

/* CS_MAYBE for a record that does not say: a feed may show less than all. */
static enum cs_rc user_belongs(const struct cs_host *host, const char *name,
                               const json_t *record)
{
    const json_t *roles = json_object_get(record, "roles");
    if (roles == NULL || json_is_null(roles))
        return CS_MAYBE;
    const json_t *role = json_object_get(roles, name);
    if (json_is_object(roles) && (role == NULL || json_is_null(role)))
        return CS_LEFT;
    if (!json_is_object(role))
        return cs_fail(host, CS_E_DATA, "roles.%s is not an object", name);

    const json_t *schools = json_object_get(role, "schools");
    if (host->scope->school == NULL)
        return CS_OK; /* for a whole district, the role decides */
    if (schools == NULL || json_is_null(schools))
        return CS_MAYBE;
    bool here = false, texts = json_is_array(schools);
    for (size_t i = 0; i < json_array_size(schools); i++) {
        const char *id = json_string_value(json_array_get(schools, i));
        texts = texts && id != NULL;
        here = here || (id != NULL && strcmp(id, host->scope->school) == 0);
    }
    if (!texts)
        return cs_fail(host, CS_E_DATA,
                       "roles.%s.schools is not an array of texts", name);
    return here ? CS_OK : CS_LEFT;
}

static enum cs_rc user_cell(const struct cs_host *host, const json_t *record,
                            const char *path, struct cs_value *cell)
{
    const json_t *value = record;
    const char *name = path;
    while (*name != '\0' && json_is_object(value)) {
        size_t length = strcspn(name, ".");
        value = json_object_getn(value, name, length);
        name += length;
        name += *name == '.';
    }
    if (value == NULL)
        return CS_OK;
    if (json_is_null(value)) { /* on the way to the path: it does not say */
        cell->state = *name == '\0' ? CS_NULL : CS_ABSENT;
        return CS_OK;
    }
    if (*name != '\0' || !json_is_string(value))
        return cs_fail(host, CS_E_DATA, "%s is not text", path);
    cell->state = CS_SET;
    cell->as.text = json_string_value(value);
    return CS_OK;
}

enum cs_rc user_map(const struct cs_host *host, const struct user_role *role,
                    const json_t *record, struct cs_value *row)
{
    const char *id = user_key(json_object_get(record, "id"));
    if (id == NULL)
        return cs_fail(host, CS_E_DATA,
                       "id is missing or not a text of 1 to %d printable "
                       "ASCII characters",
                       USER_KEY_LENGTH);
    row[0] = (struct cs_value){.state = CS_SET, .as.text = id};
    enum cs_rc belongs = user_belongs(host, role->name, record);
    if (belongs != CS_OK && belongs != CS_MAYBE)
        return belongs;
    enum cs_rc rc = CS_OK;
    for (size_t i = 1; rc == CS_OK && i < role->ncolumns; i++)
        rc = user_cell(host, record, role->reads[i], &row[i]);
    return rc == CS_OK ? belongs : rc;
}
