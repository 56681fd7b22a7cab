/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* Students: a user of Clever with the role `student` becomes a row of the
 * table Students. */
#include "../user.h"

enum {
    STUDENT_KEY,
    STUDENT_FIRST,
    STUDENT_LAST,
    STUDENT_EMAIL,
    STUDENT_GRADE,
    STUDENT_NUMBER,
    STUDENT_MODIFIED,
    STUDENT_COLUMNS
};

static const struct cs_column student_columns[STUDENT_COLUMNS] = {
    [STUDENT_KEY] = {.name = "CleverStudentId",
                     .type = CS_TEXT,
                     .length = USER_KEY_LENGTH,
                     .flags = CS_KEY | CS_NOT_NULL},
    [STUDENT_FIRST] = {.name = "FirstName",
                       .type = CS_TEXT,
                       .length = 100,
                       .flags = CS_NOT_NULL | CS_CUT},
    [STUDENT_LAST] = {.name = "LastName",
                      .type = CS_TEXT,
                      .length = 100,
                      .flags = CS_NOT_NULL | CS_CUT},
    [STUDENT_EMAIL] = {.name = "Email", .type = CS_TEXT, .length = 200},
    [STUDENT_GRADE] = {.name = "Grade",
                       .type = CS_TEXT,
                       .length = 32,
                       .flags = CS_CUT},
    [STUDENT_NUMBER] = {.name = "StudentNumber", .type = CS_TEXT, .length = 50},
    [STUDENT_MODIFIED] = {.name = "LastModifiedInClever",
                          .type = CS_TIME,
                          .flags = CS_QUIET},
};

static const struct cs_entity student_entity = {
    .name = "student",
    .collection = "students",
    .table = "Students",
    .columns = student_columns,
    .ncolumns = STUDENT_COLUMNS,
};

/* Each fills the column of the same index, but for the last. */
static const char *const student_reads[] = {
    [STUDENT_KEY] = "id",
    [STUDENT_FIRST] = "name.first",
    [STUDENT_LAST] = "name.last",
    [STUDENT_EMAIL] = "email",
    [STUDENT_GRADE] = "roles.student.grade",
    [STUDENT_NUMBER] = "roles.student.student_number",
    [STUDENT_MODIFIED] = "last_modified",
    [STUDENT_COLUMNS] = "roles.student.schools",
    NULL,
};

static enum cs_rc student_map(const struct cs_host *host, const json_t *record,
                              struct cs_value *row)
{
    static const struct user_role role = {"student", student_reads,
                                          STUDENT_COLUMNS};
    return user_map(host, &role, record, row);
}

static const struct cs_mapper_ops student_ops = {
    .entity = &student_entity,
    .reads = student_reads,
    .map = student_map,
};

CS_MAPPER_PLUGIN("student", student_ops, .version = "1.0",
                 .summary = "students, as Clever's users with that role");
