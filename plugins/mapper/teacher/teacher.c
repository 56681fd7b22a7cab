/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* Teachers: a user of Clever with the role `teacher` becomes a row of the
 * table Teachers.
 *
 * The core builds objects on the way to a path that is read, so `roles` is
 * there, perhaps empty, whenever the record shows it. */
#include <cleversync/plugin.h>

#include <string.h>

enum {
    TEACHER_KEY,
    TEACHER_FIRST,
    TEACHER_LAST,
    TEACHER_EMAIL,
    TEACHER_TITLE,
    TEACHER_MODIFIED,
    TEACHER_COLUMNS
};

enum { TEACHER_KEY_LENGTH = 50 };

static const struct cs_column teacher_columns[TEACHER_COLUMNS] = {
    [TEACHER_KEY] = {.name = "CleverTeacherId",
                     .type = CS_TEXT,
                     .length = TEACHER_KEY_LENGTH,
                     .flags = CS_KEY | CS_NOT_NULL},
    [TEACHER_FIRST] = {.name = "FirstName",
                       .type = CS_TEXT,
                       .length = 100,
                       .flags = CS_NOT_NULL | CS_CUT},
    [TEACHER_LAST] = {.name = "LastName",
                      .type = CS_TEXT,
                      .length = 100,
                      .flags = CS_NOT_NULL | CS_CUT},
    [TEACHER_EMAIL] = {.name = "Email",
                       .type = CS_TEXT,
                       .length = 200,
                       .flags = CS_NOT_NULL},
    [TEACHER_TITLE] = {.name = "Title",
                       .type = CS_TEXT,
                       .length = 100,
                       .flags = CS_CUT},
    [TEACHER_MODIFIED] = {.name = "LastModifiedInClever",
                          .type = CS_TIME,
                          .flags = CS_QUIET},
};

static const struct cs_entity teacher_entity = {
    .name = "teacher",
    .collection = "teachers",
    .table = "Teachers",
    .columns = teacher_columns,
    .ncolumns = TEACHER_COLUMNS,
};

/* The first ones fill the column of the same index. */
static const char *const teacher_reads[] = {
    [TEACHER_KEY] = "id",
    [TEACHER_FIRST] = "name.first",
    [TEACHER_LAST] = "name.last",
    [TEACHER_EMAIL] = "email",
    [TEACHER_TITLE] = "roles.teacher.title",
    [TEACHER_MODIFIED] = "last_modified",
    [TEACHER_COLUMNS] = "roles.teacher.schools",
    NULL,
};

/* An id is printable ASCII without blanks: it goes into logs and URLs. */
static const char *teacher_key(const json_t *value)
{
    const char *text = json_string_value(value); /* NULL: not a string */
    size_t length = json_string_length(value);
    if (length == 0 || length > TEACHER_KEY_LENGTH)
        return NULL;
    for (size_t i = 0; i < length; i++)
        if (text[i] <= ' ' || text[i] > '~')
            return NULL;
    return text;
}

/* CS_MAYBE for a record that does not say: a feed may show less than all. */
static enum cs_rc teacher_belongs(const struct cs_host *host,
                                  const json_t *record)
{
    const json_t *roles = json_object_get(record, "roles");
    if (roles == NULL || json_is_null(roles))
        return CS_MAYBE;
    const json_t *role = json_object_get(roles, "teacher");
    if (json_is_object(roles) && (role == NULL || json_is_null(role)))
        return CS_LEFT;
    if (!json_is_object(role))
        return cs_fail(host, CS_E_DATA, "roles.teacher is not an object");

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
                       "roles.teacher.schools is not an array of texts");
    return here ? CS_OK : CS_LEFT;
}

static enum cs_rc teacher_cell(const struct cs_host *host, const json_t *record,
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

static enum cs_rc teacher_map(const struct cs_host *host, const json_t *record,
                              struct cs_value *row)
{
    const char *id = teacher_key(json_object_get(record, "id"));
    if (id == NULL)
        return cs_fail(host, CS_E_DATA,
                       "id is missing or not a text of 1 to %d printable "
                       "ASCII characters",
                       TEACHER_KEY_LENGTH);
    row[TEACHER_KEY] = (struct cs_value){.state = CS_SET, .as.text = id};
    enum cs_rc belongs = teacher_belongs(host, record);
    if (belongs != CS_OK && belongs != CS_MAYBE)
        return belongs;
    enum cs_rc rc = CS_OK;
    for (size_t i = TEACHER_KEY + 1; rc == CS_OK && i < TEACHER_COLUMNS; i++)
        rc = teacher_cell(host, record, teacher_reads[i], &row[i]);
    return rc == CS_OK ? belongs : rc;
}

static const struct cs_mapper_ops teacher_ops = {
    .entity = &teacher_entity,
    .reads = teacher_reads,
    .map = teacher_map,
};

CS_MAPPER_PLUGIN("teacher", teacher_ops, .version = "1.0",
                 .summary = "teachers, as Clever's users with that role");
