/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* Teachers: a user of Clever with the role `teacher` becomes a row of the
 * table Teachers. */
#include "../user.h"

enum {
    TEACHER_KEY,
    TEACHER_FIRST,
    TEACHER_LAST,
    TEACHER_EMAIL,
    TEACHER_TITLE,
    TEACHER_MODIFIED,
    TEACHER_COLUMNS
};

static const struct cs_column teacher_columns[TEACHER_COLUMNS] = {
    [TEACHER_KEY] = {.name = "CleverTeacherId",
                     .type = CS_TEXT,
                     .length = USER_KEY_LENGTH,
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

/* Each fills the column of the same index, but for the last. */
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

static enum cs_rc teacher_map(const struct cs_host *host, const json_t *record,
                              struct cs_value *row)
{
    static const struct user_role role = {"teacher", teacher_reads,
                                          TEACHER_COLUMNS};
    return user_map(host, &role, record, row);
}

static const struct cs_mapper_ops teacher_ops = {
    .entity = &teacher_entity,
    .reads = teacher_reads,
    .map = teacher_map,
};

CS_MAPPER_PLUGIN("teacher", teacher_ops, .version = "1.0",
                 .summary = "teachers, as Clever's users with that role");
