/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* Tables for people and programs, and prefixes made from names. */
#include "config.h"

#include "config/prefix.h"
#include "command/table.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

static const struct cs_table_column columns[] = {
    {"NAME", "name", false}, {"ROWS", "rows", true}, {NULL, "hidden", false},
    {"OK", "ok", false},     {.title = NULL},
};

static struct cs_table *sample(void)
{
    struct cs_table *table = cs_table_new(columns);

    cs_table_text(table, "Zo\xC3\xAB"); /* composed */
    cs_table_number(table, 7);
    cs_table_text(table, "x");
    cs_table_flag(table, true);
    cs_table_text(table, "Zoe\xCC\x88 long"); /* with a combining mark */
    cs_table_number(table, 12345);
    cs_table_text(table, NULL);
    cs_table_flag(table, false);
    return table;
}

static char *printed(const struct cs_table *table)
{
    char *text;
    size_t size;
    FILE *file = open_memstream(&text, &size);

    assert_non_null(file);
    cs_table_print(table, file);
    fclose(file);
    return text;
}

static void columns_line_up(void **state)
{
    struct cs_table *table = sample();
    char *text = printed(table);

    (void)state;
    assert_int_equal(cs_table_rows(table), 2);
    assert_string_equal(text, "NAME       ROWS  OK\n"
                              "Zo\xC3\xAB           7  yes\n"
                              "Zoe\xCC\x88 long  12345  no\n");
    free(text);
    cs_table_free(table);
}

static void programs_get_objects(void **state)
{
    struct cs_table *table = sample();
    json_t *array = cs_table_json(table);
    char *text = json_dumps(array, JSON_COMPACT);

    (void)state;
    assert_string_equal(
        text, "[{\"name\":\"Zo\xC3\xAB\",\"rows\":7,\"hidden\":\"x\","
              "\"ok\":true},{\"name\":\"Zoe\xCC\x88 long\",\"rows\":12345,"
              "\"hidden\":null,\"ok\":false}]");
    free(text);
    json_decref(array);
    cs_table_free(table);
}

static void control_characters_stay_out(void **state)
{
    static const struct cs_table_column one[] = {{"A", "a", false},
                                                 {.title = NULL}};
    struct cs_table *table = cs_table_new(one);
    char *text;

    (void)state;
    cs_table_text(table, "a\033[2J\n\xC2\x9B\x7F");
    cs_table_text(table, "cut \xE2\x82"); /* not UTF-8 any more */
    text = printed(table);
    assert_string_equal(text, "A\na?[2J???\ncut ??\n");
    free(text);
    cs_table_free(table);
}

static void empty_tables_are_titles(void **state)
{
    struct cs_table *table = cs_table_new(columns);
    json_t *array = cs_table_json(table);
    char *text = printed(table);

    (void)state;
    assert_int_equal(cs_table_rows(table), 0);
    assert_string_equal(text, "NAME  ROWS  OK\n");
    assert_int_equal(json_array_size(array), 0);
    free(text);
    json_decref(array);
    cs_table_free(table);
}

/* ---- Prefixes ------------------------------------------------------------ */

static void check_made(const char *name, unsigned n, const char *wanted)
{
    char *made = cs_prefix_make(name, n);

    assert_string_equal(made, wanted);
    assert_null(cs_prefix_fault(made));
    free(made);
}

static void prefixes_are_made_from_names(void **state)
{
    char text[1001], *made;

    (void)state;
    check_made("Lincoln Elementary", 0, "Lincoln-Elementary");
    check_made("St. Mary's  (K-8)", 0, "St-Marys-K-8");
    check_made("\xC3\x89"
               "cole Bl\xC3\xA9riot",
               0, "Ecole-Bleriot");
    check_made("Zoe\xCC\x88 \xC5\x81\xC3\xB3"
               "d\xC5\xBA",
               0, "Zoe-Lodz");
    check_made("O\xE2\x80\x99Neil", 2, "ONeil-2");
    check_made("\xE5\xAD\xA6\xE6\xA0\xA1", 0, "School");
    check_made("---", 3, "School-3");
    check_made("clever", 0, "clever-School");
    memset(text, 'a', 1000);
    text[1000] = '\0';
    made = cs_prefix_make(text, 4000000000);
    assert_null(cs_prefix_fault(made));
    assert_string_equal(made + strlen(made) - 12, "a-4000000000");
    free(made);
}

static void rules_of_prefixes(void **state)
{
    char text[CS_PREFIX_MOST + 2];

    (void)state;
    assert_null(cs_prefix_fault("Lincoln-Elementary-2"));
    assert_null(cs_prefix_fault("7"));
    assert_non_null(cs_prefix_fault(""));
    assert_non_null(cs_prefix_fault("a--b"));
    assert_non_null(cs_prefix_fault("-a"));
    assert_non_null(cs_prefix_fault("a-"));
    assert_non_null(cs_prefix_fault("a_b"));
    assert_non_null(cs_prefix_fault("a/b"));
    assert_non_null(cs_prefix_fault("\xC3\xA9"));
    assert_non_null(cs_prefix_fault("clever"));
    assert_non_null(cs_prefix_fault("SESSIONDB"));
    assert_non_null(cs_prefix_fault("AdminPortal"));
    memset(text, 'a', sizeof(text));
    text[CS_PREFIX_MOST] = '\0';
    assert_null(cs_prefix_fault(text));
    text[CS_PREFIX_MOST] = 'a';
    text[CS_PREFIX_MOST + 1] = '\0';
    assert_non_null(cs_prefix_fault(text));
}

static void rules_of_ids_and_names(void **state)
{
    char text[202];

    (void)state;
    assert_null(cs_prefix_fault_id("58da8c43cc70ab00017a1a87"));
    assert_non_null(cs_prefix_fault_id(""));
    assert_non_null(cs_prefix_fault_id("a b"));
    assert_non_null(cs_prefix_fault_id("../x"));
    assert_null(cs_prefix_fault_name("St. Mary's \xC3\xA9 \xF0\x9F\x8F\xAB"));
    assert_non_null(cs_prefix_fault_name(" \xC2\xA0"));
    assert_non_null(cs_prefix_fault_name("a\nb"));
    assert_non_null(cs_prefix_fault_name("a\xC2\x85"));
    assert_non_null(cs_prefix_fault_name("a\xFF"));
    memset(text, 'a', sizeof(text));
    text[200] = '\0';
    assert_null(cs_prefix_fault_name(text));
    text[200] = 'a';
    text[201] = '\0';
    assert_non_null(cs_prefix_fault_name(text));
    text[51] = '\0';
    assert_non_null(cs_prefix_fault_id(text));
    text[50] = '\0';
    assert_null(cs_prefix_fault_id(text));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(columns_line_up),
        cmocka_unit_test(programs_get_objects),
        cmocka_unit_test(control_characters_stay_out),
        cmocka_unit_test(empty_tables_are_titles),
        cmocka_unit_test(prefixes_are_made_from_names),
        cmocka_unit_test(rules_of_prefixes),
        cmocka_unit_test(rules_of_ids_and_names),
    };

    return cmocka_run_group_tests_name("table", tests, NULL, NULL);
}
