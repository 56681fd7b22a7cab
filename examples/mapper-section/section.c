/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* Sections: a class of a school, as Clever's collection `sections` lists it,
 * becomes a row of the table Sections.
 *
 * One record is one row.  Who is in the class (`students`, `teachers`) is many
 * rows for one record, which a mapper cannot make; the one teacher whom Clever
 * names as responsible is a column. */
#include <cleversync/plugin.h>

#include <string.h>

enum {
    SECTION_KEY,
    SECTION_NAME,
    SECTION_NUMBER,
    SECTION_PERIOD,
    SECTION_GRADE,
    SECTION_SUBJECT,
    SECTION_COURSE,
    SECTION_TERM,
    SECTION_TEACHER,
    SECTION_MODIFIED,
    SECTION_COLUMNS
};

enum { SECTION_ID_LENGTH = 50 };

static const struct cs_column section_columns[SECTION_COLUMNS] = {
    [SECTION_KEY] = {.name = "CleverSectionId",
                     .type = CS_TEXT,
                     .length = SECTION_ID_LENGTH,
                     .flags = CS_KEY | CS_NOT_NULL},
    [SECTION_NAME] = {.name = "Name",
                      .type = CS_TEXT,
                      .length = 200,
                      .flags = CS_NOT_NULL | CS_CUT},
    [SECTION_NUMBER] = {.name = "SectionNumber", .type = CS_TEXT, .length = 50},
    [SECTION_PERIOD] = {.name = "Period", .type = CS_TEXT, .length = 50},
    [SECTION_GRADE] = {.name = "Grade", .type = CS_TEXT, .length = 50},
    [SECTION_SUBJECT] = {.name = "Subject", .type = CS_TEXT, .length = 100},
    [SECTION_COURSE] = {.name = "CleverCourseId",
                        .type = CS_TEXT,
                        .length = SECTION_ID_LENGTH},
    [SECTION_TERM] = {.name = "CleverTermId",
                      .type = CS_TEXT,
                      .length = SECTION_ID_LENGTH},
    [SECTION_TEACHER] = {.name = "CleverTeacherId",
                         .type = CS_TEXT,
                         .length = SECTION_ID_LENGTH,
                         .flags = CS_INDEX},
    [SECTION_MODIFIED] = {.name = "LastModifiedInClever",
                          .type = CS_TIME,
                          .flags = CS_QUIET},
};

static const struct cs_entity section_entity = {
    .name = "section",
    .collection = "sections",
    .table = "Sections",
    .columns = section_columns,
    .ncolumns = SECTION_COLUMNS,
};

/* The first ones fill the column of the same index. */
static const char *const section_reads[] = {
    [SECTION_KEY] = "id",
    [SECTION_NAME] = "name",
    [SECTION_NUMBER] = "section_number",
    [SECTION_PERIOD] = "period",
    [SECTION_GRADE] = "grade",
    [SECTION_SUBJECT] = "subject",
    [SECTION_COURSE] = "course",
    [SECTION_TERM] = "term_id",
    [SECTION_TEACHER] = "teacher",
    [SECTION_MODIFIED] = "last_modified",
    [SECTION_COLUMNS] = "school",
    NULL,
};

/* An id is printable ASCII without blanks: it goes into logs and URLs. */
static const char *section_key(const json_t *value)
{
    const char *text = json_string_value(value); /* NULL: not a string */
    size_t length = json_string_length(value);
    if (length == 0 || length > SECTION_ID_LENGTH)
        return NULL;
    for (size_t i = 0; i < length; i++)
        if (text[i] <= ' ' || text[i] > '~')
            return NULL;
    return text;
}

/* A section has one school.  CS_MAYBE for a record that does not name it. */
static enum cs_rc section_belongs(const struct cs_host *host,
                                  const json_t *record)
{
    const json_t *school = json_object_get(record, "school");
    if (host->scope->school == NULL)
        return CS_OK; /* for a whole district, all belong */
    if (school == NULL || json_is_null(school))
        return CS_MAYBE;
    if (!json_is_string(school))
        return cs_fail(host, CS_E_DATA, "school is not text");
    if (strcmp(json_string_value(school), host->scope->school) != 0)
        return CS_LEFT;
    return CS_OK;
}

static enum cs_rc section_cell(const struct cs_host *host, const json_t *record,
                               const char *name, struct cs_value *cell)
{
    const json_t *value = json_object_get(record, name);
    if (value == NULL)
        return CS_OK; /* absent, as it arrived */
    if (json_is_null(value)) {
        cell->state = CS_NULL;
        return CS_OK;
    }
    if (!json_is_string(value))
        return cs_fail(host, CS_E_DATA, "%s is not text", name);
    *cell =
        (struct cs_value){.state = CS_SET, .as.text = json_string_value(value)};
    return CS_OK;
}

static enum cs_rc section_map(const struct cs_host *host, const json_t *record,
                              struct cs_value *row)
{
    const char *id = section_key(json_object_get(record, "id"));
    if (id == NULL)
        return cs_fail(host, CS_E_DATA,
                       "id is missing or not a text of 1 to %d printable "
                       "ASCII characters",
                       SECTION_ID_LENGTH);
    row[SECTION_KEY] = (struct cs_value){.state = CS_SET, .as.text = id};
    enum cs_rc belongs = section_belongs(host, record);
    if (belongs != CS_OK && belongs != CS_MAYBE)
        return belongs;
    enum cs_rc rc = CS_OK;
    for (size_t i = SECTION_KEY + 1; rc == CS_OK && i < SECTION_COLUMNS; i++)
        rc = section_cell(host, record, section_reads[i], &row[i]);
    return rc == CS_OK ? belongs : rc;
}

static const struct cs_mapper_ops section_ops = {
    .entity = &section_entity,
    .reads = section_reads,
    .map = section_map,
};

CS_MAPPER_PLUGIN("section", section_ops, .version = "1.0",
                 .summary = "sections (classes) of a school");
