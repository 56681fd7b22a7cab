/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* A mapper with a fault that is chosen by an option: each must be found by the
 * conformance cases. */
#include "config.h"

#include "plain.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { WRONG_KEY, WRONG_NAME, WRONG_TIME, WRONG_COLUMNS };

static const struct cs_column wrong_columns[WRONG_COLUMNS + 1] = {
    [WRONG_KEY] = {"CleverWrongId", CS_TEXT, 50, CS_KEY, NULL, NULL},
    [WRONG_NAME] = {"FirstName", CS_TEXT, 100, CS_CUT, NULL, NULL},
    [WRONG_TIME] = {"LastModified", CS_TIME, 0, CS_QUIET, NULL, NULL},
};
static const struct cs_entity wrong_entity = {"wrong", "students", "Wrongs",
                                              wrong_columns, WRONG_COLUMNS};
static const char *const wrong_reads[] = {
    "id", "name.first", "last_modified", "roles.student.schools", "phone", NULL,
};

static bool wrong_is(const struct cs_host *host, const char *fault)
{
    return strcmp(host->text(host, "fault"), fault) == 0;
}

/* ---- Fields ------------------------------------------------------------- */

static const json_t *wrong_at(const json_t *record, const char *one,
                              const char *other)
{
    return json_object_get(json_object_get(record, one), other);
}

static enum cs_rc wrong_refuse(const struct cs_host *host, const char *path,
                               const json_t *value)
{
    if (wrong_is(host, "quotes") && json_is_string(value))
        return cs_fail(host, CS_E_DATA, "%s is %s", path,
                       json_string_value(value));
    if (json_is_object(value) && wrong_is(host, "crashes"))
        abort();
    if (json_is_object(value) && wrong_is(host, "dies"))
        return cs_fail(host, CS_E_FATAL, "%s is not as expected", path);
    return cs_fail(host, CS_E_DATA, "%s is not as expected",
                   wrong_is(host, "vague") && strcmp(path, "name.first") == 0
                       ? "something"
                       : path);
}

static enum cs_rc wrong_text(const struct cs_host *host, const json_t *value,
                             const char *path, struct cs_value *cell)
{
    if (value == NULL) {
        cell->state = wrong_is(host, "clears") ? CS_NULL : CS_ABSENT;
        return CS_OK;
    }
    if (json_is_null(value)) {
        cell->state = wrong_is(host, "keeps") ? CS_ABSENT : CS_NULL;
        return CS_OK;
    }
    if (!json_is_string(value))
        return wrong_refuse(host, path, value);
    if (wrong_is(host, "picky") && json_string_length(value) == 0)
        return wrong_refuse(host, path, value);
    cell->state = CS_SET;
    cell->as.text = json_string_value(value);
    return CS_OK;
}

/* The text must not change in the record, and a mapper has no memory. */
static void wrong_change(const struct cs_host *host, struct cs_value *cell)
{
    static const char upper[] = "REN\xC3\x89";
    if (cell->state != CS_SET)
        return;
    if (wrong_is(host, "shouts") && strcmp(cell->as.text, "Ren\xC3\xA9") == 0)
        cell->as.text = upper;
    if (wrong_is(host, "cuts") && strlen(cell->as.text) > 100)
        cell->as.text = "too long";
}

/* ---- Who belongs here --------------------------------------------------- */

static enum cs_rc wrong_belongs(const struct cs_host *host,
                                const json_t *record)
{
    const json_t *schools =
        json_object_get(wrong_at(record, "roles", "student"), "schools");
    if (schools == NULL || json_is_null(schools))
        return wrong_is(host, "guesses") ? CS_OK : CS_MAYBE;
    if (!json_is_array(schools))
        return wrong_refuse(host, "roles.student.schools", schools);
    for (size_t i = 0; i < json_array_size(schools); i++) {
        const char *id = json_string_value(json_array_get(schools, i));
        if (id == NULL)
            return wrong_refuse(host, "roles.student.schools", NULL);
        if (strcmp(id, host->scope->school) == 0)
            return CS_OK;
    }
    return wrong_is(host, "skips") ? CS_SKIP : CS_LEFT;
}

/* ---- The row ------------------------------------------------------------ */

static enum cs_rc wrong_fields(const struct cs_host *host, const json_t *record,
                               struct cs_value *row)
{
    enum cs_rc rc = wrong_text(host, wrong_at(record, "name", "first"),
                               "name.first", &row[WRONG_NAME]);
    if (rc == CS_OK)
        rc = wrong_text(host, json_object_get(record, "last_modified"),
                        "last_modified", &row[WRONG_TIME]);
    if (rc == CS_OK && !wrong_is(host, "idle"))
        rc = wrong_text(host, json_object_get(record, "phone"), "phone",
                        &(struct cs_value){.state = CS_ABSENT});
    return rc;
}

static void wrong_harm(const struct cs_host *host, const json_t *record,
                       struct cs_value *row)
{
    static _Atomic unsigned calls;
    if (wrong_is(host, "spills"))
        row[WRONG_COLUMNS].state = CS_NULL;
    if (wrong_is(host, "peeks") && json_object_get(record, "email") != NULL)
        row[WRONG_NAME].state = CS_NULL;
    if (wrong_is(host, "counts") && ++calls % 7 == 0)
        row[WRONG_NAME].as.text = "every seventh";
    if (wrong_is(host, "local"))
        row[WRONG_TIME].as.text = "31.01.2026";
    if (wrong_is(host, "slow"))
        usleep(1000);
}

static enum cs_rc wrong_map(const struct cs_host *host, const json_t *record,
                            struct cs_value *row)
{
    const char *id = json_string_value(json_object_get(record, "id"));
    struct cs_value key = {.state = CS_SET, .as.text = id};
    if (id == NULL || *id == '\0')
        return wrong_is(host, "keyless") && id != NULL
                   ? CS_OK
                   : wrong_refuse(host, "id", NULL);
    if (!wrong_is(host, "late"))
        row[WRONG_KEY] = key;
    enum cs_rc belongs = wrong_belongs(host, record);
    if (belongs != CS_OK && belongs != CS_MAYBE) {
        if (belongs == CS_LEFT)
            row[WRONG_KEY] = key;
        return belongs;
    }
    enum cs_rc rc = wrong_fields(host, record, row);
    if (rc != CS_OK)
        return rc;
    row[WRONG_KEY] = key;
    wrong_change(host, &row[WRONG_NAME]);
    wrong_harm(host, record, row);
    return belongs;
}

static const struct cs_option wrong_options[] = {
    {"fault", CS_OPT_TEXT, "none", NULL, "what goes wrong"},
    {NULL, 0, NULL, NULL, NULL},
};

static const struct cs_mapper_ops wrong_ops = {&wrong_entity, wrong_reads,
                                               wrong_map};
CS_MAPPER_PLUGIN("wrong", wrong_ops, .version = "1.0",
                 .summary = "a mapper with a fault", .options = wrong_options);
