/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* The mappers: records in, rows out.  Both have one contract, so each table
 * below is gone through with both. */
#include "config.h"

#include "fake-host.h"

#include "../plugins/mapper/user.c"
#define cleversync_plugin student_plugin
#include "../plugins/mapper/student/student.c"
#undef cleversync_plugin
#define cleversync_plugin teacher_plugin
#include "../plugins/mapper/teacher/teacher.c"
#undef cleversync_plugin

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define ID "5f0000000000000000000001"
#define SCHOOL "58da8a43cc70ab00017a1a87"

static const struct cs_plugin *const plugins[] = {&student_plugin,
                                                  &teacher_plugin};

/* In the records below ROLE stands for the plugin's word. */
static json_t *parse(const char *record, const char *role)
{
    char text[2048] = "";
    for (const char *at; (at = strstr(record, "ROLE")) != NULL;) {
        size_t used = strlen(text);
        snprintf(text + used, sizeof text - used, "%.*s%s", (int)(at - record),
                 record, role);
        record = at + 4;
    }
    strcat(text, record);
    json_t *value = json_loads(text, JSON_ALLOW_NUL | JSON_DECODE_ANY, NULL);
    if (value == NULL)
        print_error("no JSON: %s\n", text);
    assert_non_null(value);
    return value;
}

struct mapped {
    struct fake_host fake;
    struct cs_value row[8];
    enum cs_rc rc;
};

static void map(struct mapped *mapped, const struct cs_plugin *plugin,
                const json_t *record)
{
    const struct cs_mapper_ops *ops = plugin->ops;
    fake_host_init(&mapped->fake, plugin);
    mapped->fake.scope.school = SCHOOL;
    memset(mapped->row, 0, sizeof mapped->row);
    mapped->rc = ops->map(&mapped->fake.host, record, mapped->row);
}

/* Cells as text: "~" absent, "-" null. */
static const char *cells(const struct mapped *mapped, size_t n)
{
    static char text[1024];
    *text = '\0';
    for (size_t i = 0; i < n; i++) {
        const struct cs_value *cell = &mapped->row[i];
        size_t used = strlen(text);
        snprintf(text + used, sizeof text - used, "%s%s", i ? "|" : "",
                 cell->state == CS_ABSENT ? "~"
                 : cell->state == CS_NULL ? "-"
                                          : cell->as.text);
    }
    return text;
}

/* ---- Whole records ------------------------------------------------------ */

static const struct {
    const char *record, *student, *teacher;
} rows[] = {
    {"{\"id\":\"" ID "\",\"name\":{\"first\":\"A\",\"last\":\"B\"},"
     "\"email\":\"a@b\",\"last_modified\":\"2024-02-29T12:00:00.000Z\","
     "\"roles\":{\"ROLE\":{\"grade\":\"3\",\"student_number\":\"17\","
     "\"title\":\"Dr\",\"schools\":[\"x\",\"" SCHOOL "\"]}}}",
     ID "|A|B|a@b|3|17|2024-02-29T12:00:00.000Z",
     ID "|A|B|a@b|Dr|2024-02-29T12:00:00.000Z"},
    /* Null says nothing, absent does not say, text is taken as it is. */
    {"{\"id\":\"" ID "\",\"name\":{\"first\":null,\"last\":\"\"},"
     "\"email\":null,\"last_modified\":null,\"roles\":{\"ROLE\":{"
     "\"grade\":null,\"title\":\" \"}}}",
     ID "|-||-|-|~|-", ID "|-||-| |-"},
    {"{\"id\":\"" ID "\",\"name\":null,\"roles\":{\"ROLE\":{}}}",
     ID "|~|~|~|~|~|~", ID "|~|~|~|~|~"},
    {"{\"id\":\"" ID "\"}", ID "|~|~|~|~|~|~", ID "|~|~|~|~|~"},
    {"{\"id\":\"" ID "\",\"roles\":null,\"email\":\"n\"}", ID "|~|~|n|~|~|~",
     ID "|~|~|n|~|~"},
    {"{\"id\":\"" ID "\",\"roles\":{\"ROLE\":{\"schools\":null}}}",
     ID "|~|~|~|~|~|~", ID "|~|~|~|~|~"},
    /* Unicode, values outside Clever's lists, and more than we look at. */
    {"{\"id\":\"" ID "\",\"name\":{\"first\":\"e\\u0301\\u00e9\","
     "\"last\":\"\\u05e9\\ud83d\\ude00  \",\"middle\":7},\"dob\":1,"
     "\"roles\":{\"ROLE\":{\"grade\":\"Forty-second\",\"title\":\"%s\\n\","
     "\"graduation_year\":\"2031\"},\"staff\":null,\"contact\":5}}",
     ID "|e\xcc\x81\xc3\xa9|\xd7\xa9\xf0\x9f\x98\x80  |~|Forty-second|~|~",
     ID "|e\xcc\x81\xc3\xa9|\xd7\xa9\xf0\x9f\x98\x80  |~|%s\n|~"},
    {"{\"id\":\"!#$%&-_.~:/?@\"}", "!#$%&-_.~:/?@|~|~|~|~|~|~",
     "!#$%&-_.~:/?@|~|~|~|~|~"},
};

static void records_become_rows(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        for (size_t p = 0; p < 2; p++) {
            struct mapped mapped;
            json_t *record = parse(rows[i].record, plugins[p]->name);
            map(&mapped, plugins[p], record);
            /* Only the first one says where. */
            if (mapped.rc != (i == 0 ? CS_OK : CS_MAYBE))
                print_error("row %zu: %s\n", i, mapped.fake.error);
            assert_int_equal(mapped.rc, i == 0 ? CS_OK : CS_MAYBE);
            assert_string_equal(cells(&mapped, p == 0 ? 7 : 6),
                                p == 0 ? rows[i].student : rows[i].teacher);
            json_decref(record);
        }
}

/* ---- Who is here, who has left ------------------------------------------ */

static const struct {
    const char *roles;
    enum cs_rc rc;
} places[] = {
    {"{\"ROLE\":{\"schools\":[\"" SCHOOL "\"]}}", CS_OK},
    {"{\"ROLE\":{\"schools\":[\"a\",\"" SCHOOL "\",\"b\"]}}", CS_OK},
    {"{\"ROLE\":{\"schools\":[\"a\"]}}", CS_LEFT},
    {"{\"ROLE\":{\"schools\":[]}}", CS_LEFT},
    {"{\"ROLE\":{\"schools\":[\"" SCHOOL "0\"]}}", CS_LEFT},
    {"{\"ROLE\":null}", CS_LEFT},
    {"{}", CS_LEFT},
    {"{\"staff\":{\"schools\":[\"" SCHOOL "\"]}}", CS_LEFT},
    {"{\"ROLE\":{\"school\":\"a\"}}", CS_MAYBE}, /* not where, just firstly */
    {"{\"ROLE\":{}}", CS_MAYBE},
    {"null", CS_MAYBE},
    {"[]", CS_E_DATA},
    {"\"ROLE\"", CS_E_DATA},
    {"{\"ROLE\":true}", CS_E_DATA},
    {"{\"ROLE\":[]}", CS_E_DATA},
    {"{\"ROLE\":{\"schools\":\"" SCHOOL "\"}}", CS_E_DATA},
    {"{\"ROLE\":{\"schools\":{}}}", CS_E_DATA},
    {"{\"ROLE\":{\"schools\":[\"" SCHOOL "\",5]}}", CS_E_DATA},
};

static void roles_and_schools(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof places / sizeof *places; i++)
        for (size_t p = 0; p < 2; p++) {
            char text[256];
            struct mapped mapped;
            snprintf(text, sizeof text,
                     "{\"id\":\"" ID "\",\"email\":\"zoe@x\",\"roles\":%s}",
                     places[i].roles);
            json_t *record = parse(text, plugins[p]->name);
            map(&mapped, plugins[p], record);
            if (mapped.rc != places[i].rc)
                print_error("%s: %d\n", places[i].roles, mapped.rc);
            assert_int_equal(mapped.rc, places[i].rc);
            assert_int_equal(mapped.row[0].state, CS_SET);
            assert_string_equal(mapped.row[0].as.text, ID);
            assert_null(strstr(mapped.fake.error, "zoe"));
            json_decref(record);
        }
}

static void without_a_school_the_role_decides(void **state)
{
    (void)state;
    for (size_t p = 0; p < 2; p++) {
        const struct cs_mapper_ops *ops = plugins[p]->ops;
        struct fake_host fake;
        struct cs_value row[8] = {{0}};
        json_t *record = parse("{\"id\":\"1\",\"roles\":{\"ROLE\":{"
                               "\"schools\":[]}}}",
                               plugins[p]->name);
        fake_host_init(&fake, plugins[p]);
        assert_int_equal(ops->map(&fake.host, record, row), CS_OK);
        json_decref(record);
    }
}

/* ---- Unusable records --------------------------------------------------- */

static const char *const without_key[] = {
    "{}",
    "[]",
    "{\"id\":null}",
    "{\"id\":5}",
    "{\"id\":{}}",
    "{\"id\":true}",
    "{\"id\":\"\"}",
    "{\"id\":\" \"}",
    "{\"id\":\"a b\"}",
    "{\"id\":\"a\\u0000\"}",
    "{\"id\":\"\\u0000\"}",
    "{\"id\":\"a\\n\"}",
    "{\"id\":\"a\\u007f\"}",
    "{\"id\":\"\\u00a0\"}",
    "{\"id\":\"\\u00e9\"}",
    "{\"id\":\"012345678901234567890123456789012345678901234567890\"}",
};

static void no_key(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof without_key / sizeof *without_key; i++)
        for (size_t p = 0; p < 2; p++) {
            struct mapped mapped;
            json_t *record = parse(without_key[i], plugins[p]->name);
            map(&mapped, plugins[p], record);
            if (mapped.rc != CS_E_DATA)
                print_error("%s\n", without_key[i]);
            assert_int_equal(mapped.rc, CS_E_DATA);
            assert_int_equal(mapped.row[0].state, CS_ABSENT);
            assert_non_null(strstr(mapped.fake.error, "id is missing"));
            json_decref(record);
        }
}

static void the_longest_key(void **state)
{
    (void)state;
    struct mapped mapped;
    json_t *record = parse(
        "{\"id\":\"01234567890123456789012345678901234567890123456789\"}", "");
    map(&mapped, plugins[0], record);
    assert_int_equal(mapped.rc, CS_MAYBE);
    json_decref(record);
}

static const struct {
    const char *fields, *path;
} wrong[] = {
    {"\"email\":5", "email"},
    {"\"email\":false", "email"},
    {"\"email\":[\"a\"]", "email"},
    {"\"email\":{}", "email"},
    {"\"last_modified\":17", "last_modified"},
    {"\"name\":\"zoe\"", "name.first"},
    {"\"name\":[]", "name.first"},
    {"\"name\":{\"first\":5}", "name.first"},
    {"\"name\":{\"last\":{\"first\":\"zoe\"}}", "name.last"},
    {"\"roles\":{\"student\":{\"grade\":3},\"teacher\":{\"title\":3}}",
     "roles."},
    {"\"roles\":{\"student\":{\"student_number\":17},\"teacher\":"
     "{\"title\":[]}}",
     "roles."},
};

static void wrong_types(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        for (size_t p = 0; p < 2; p++) {
            char text[256];
            struct mapped mapped;
            snprintf(text, sizeof text, "{\"id\":\"" ID "\",%s}",
                     wrong[i].fields);
            json_t *record = parse(text, plugins[p]->name);
            map(&mapped, plugins[p], record);
            if (mapped.rc != CS_E_DATA)
                print_error("%s\n", wrong[i].fields);
            assert_int_equal(mapped.rc, CS_E_DATA);
            assert_string_equal(mapped.row[0].as.text, ID);
            assert_memory_equal(mapped.fake.error, wrong[i].path,
                                strlen(wrong[i].path));
            assert_null(strstr(mapped.fake.error, "zoe"));
            json_decref(record);
        }
}

/* ---- What they declare -------------------------------------------------- */

/* A record with nothing but what is read gives the same row as a whole one,
 * and each path that is read matters. */
static void they_look_at_what_they_declare(void **state)
{
    (void)state;
    for (size_t p = 0; p < 2; p++) {
        const struct cs_mapper_ops *ops = plugins[p]->ops;
        size_t n = 0;
        while (ops->reads[n] != NULL)
            n++;
        assert_int_equal(n, ops->entity->ncolumns + 1);
        json_t *record = parse(rows[0].record, plugins[p]->name);
        struct mapped whole, part;
        map(&whole, plugins[p], record);
        for (size_t i = 0; i < n; i++) {
            char path[64];
            json_t *inner = record;
            snprintf(path, sizeof path, "%s", ops->reads[i]);
            char *name = path, *dot;
            while ((dot = strchr(name, '.')) != NULL) {
                *dot = '\0';
                inner = json_object_get(inner, name);
                name = dot + 1;
            }
            json_t *value = json_incref(json_object_get(inner, name));
            assert_non_null(value);
            json_object_set_new(inner, name, json_integer(5));
            map(&part, plugins[p], record);
            assert_int_equal(part.rc, CS_E_DATA);
            json_object_set_new(inner, name, value);
        }
        map(&part, plugins[p], record);
        assert_memory_equal(part.row, whole.row, sizeof part.row);
        json_decref(record);
    }
}

/* plan 2.1, with the core's identity and flags left to the core. */
static void the_tables(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        unsigned length, flags;
    } expected[2][7] = {
        {{"CleverStudentId", 50, CS_KEY | CS_NOT_NULL},
         {"FirstName", 100, CS_NOT_NULL | CS_CUT},
         {"LastName", 100, CS_NOT_NULL | CS_CUT},
         {"Email", 200, 0},
         {"Grade", 32, CS_CUT},
         {"StudentNumber", 50, 0},
         {"LastModifiedInClever", 0, CS_QUIET}},
        {{"CleverTeacherId", 50, CS_KEY | CS_NOT_NULL},
         {"FirstName", 100, CS_NOT_NULL | CS_CUT},
         {"LastName", 100, CS_NOT_NULL | CS_CUT},
         {"Email", 200, CS_NOT_NULL},
         {"Title", 100, CS_CUT},
         {"LastModifiedInClever", 0, CS_QUIET}},
    };
    static const char *const words[2][3] = {
        {"student", "students", "Students"},
        {"teacher", "teachers", "Teachers"}};
    for (size_t p = 0; p < 2; p++) {
        const struct cs_mapper_ops *ops = plugins[p]->ops;
        const struct cs_entity *entity = ops->entity;
        assert_int_equal(plugins[p]->kind, CS_MAPPER);
        assert_string_equal(plugins[p]->name, words[p][0]);
        assert_string_equal(entity->name, words[p][0]);
        assert_string_equal(entity->collection, words[p][1]);
        assert_string_equal(entity->table, words[p][2]);
        assert_int_equal(entity->ncolumns, p == 0 ? 7 : 6);
        for (size_t i = 0; i < entity->ncolumns; i++) {
            const struct cs_column *column = &entity->columns[i];
            assert_string_equal(column->name, expected[p][i].name);
            assert_int_equal(column->length, expected[p][i].length);
            assert_int_equal(column->flags, expected[p][i].flags);
            assert_int_equal(column->type,
                             expected[p][i].length ? CS_TEXT : CS_TIME);
        }
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(records_become_rows),
        cmocka_unit_test(roles_and_schools),
        cmocka_unit_test(without_a_school_the_role_decides),
        cmocka_unit_test(no_key),
        cmocka_unit_test(the_longest_key),
        cmocka_unit_test(wrong_types),
        cmocka_unit_test(they_look_at_what_they_declare),
        cmocka_unit_test(the_tables),
    };
    return cmocka_run_group_tests_name("mappers", tests, NULL, NULL);
}
