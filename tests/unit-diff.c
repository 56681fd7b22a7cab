/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

#include "config.h"

#include "sync/diff.h"
#include "sync/guard.h"
#include "base/memory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { KEY, FIRST, EMAIL, SEEN_AT, MAPPED };
enum { ROW_ID, ROW_KEY, ROW_FIRST, ROW_EMAIL, ROW_SEEN_AT, ROW_ACTIVE, ROWS };

static const struct cs_column mapped_columns[MAPPED] = {
    [KEY] = {"CleverPupilId", CS_TEXT, 10, CS_KEY, NULL, NULL},
    [FIRST] = {"FirstName", CS_TEXT, 5, CS_NOT_NULL | CS_CUT, NULL, NULL},
    [EMAIL] = {"Email", CS_TEXT, 8, 0, NULL, NULL},
    [SEEN_AT] = {"LastModified", CS_TIME, 0, CS_QUIET, NULL, NULL},
};
static const struct cs_entity pupil = {"pupil", "pupils", "Pupils",
                                       mapped_columns, MAPPED};

struct fixture {
    struct cs_schema *schema;
    struct cs_diff diff;
    char warnings[256];
};

static void warn(void *arg, const char *key, const struct cs_normal_note *note)
{
    struct fixture *fixture = arg;
    size_t used = strlen(fixture->warnings);

    snprintf(fixture->warnings + used, sizeof(fixture->warnings) - used,
             "%s %s %s;", note->column->name, key, note->what);
}

static int set_up(void **state)
{
    struct fixture *fixture = cs_memory_new(sizeof(*fixture));

    fixture->schema = cs_schema_new(&pupil);
    cs_diff_init(&fixture->diff, fixture->schema, NULL, warn, fixture);
    cs_diff_page(&fixture->diff);
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;

    cs_diff_clear(&fixture->diff);
    cs_schema_free(fixture->schema);
    free(fixture);
    return 0;
}

static struct cs_value text(const char *value)
{
    struct cs_value cell = {.state = value ? CS_SET : CS_NULL};

    cell.as.text = value;
    return cell;
}

static void store(struct fixture *fixture, const char *key, const char *first,
                  const char *email, bool active)
{
    const struct cs_schema *schema = fixture->schema;
    struct cs_value *row =
        cs_memory_array(schema->entity.ncolumns, sizeof(*row));

    row[schema->key] = text(key);
    row[schema->first + FIRST] = text(first);
    row[schema->first + EMAIL] = text(email);
    row[schema->active].state = CS_SET;
    row[schema->active].as.boolean = active;
    cs_diff_stored(&fixture->diff, row);
    free(row);
}

static void arrive(struct fixture *fixture, const char *key, const char *first,
                   const char *email)
{
    struct cs_value row[MAPPED] = {text(key), text(first), text(email)};

    cs_diff_arrived(&fixture->diff, CS_OK, row, NULL);
}

static size_t changes(const struct fixture *fixture, enum cs_diff_kind kind)
{
    const struct cs_diff_change *position = NULL;
    struct cs_value row[MAPPED];
    size_t n = 0;

    while (cs_diff_next(&fixture->diff, kind, &position, row))
        n++;
    return n;
}

static void blank_null_and_white_space_are_no_change(void **state)
{
    static const char *const same[][2] = {
        {NULL, ""},       {"", " \t"},      {"a", " a"},
        {"a", "a\u2003"}, {NULL, "\u00a0"}, {"\u00e9", "\u00e9"},
    };

    for (size_t i = 0; i < sizeof(same) / sizeof(*same); i++) {
        for (int turn = 0; turn < 2; turn++) {
            struct fixture *fixture;

            tear_down(state);
            set_up(state);
            fixture = *state;
            store(fixture, "k", "Ann", same[i][turn], true);
            arrive(fixture, "k", "Ann", same[i][!turn]);
            assert_int_equal(changes(fixture, CS_DIFF_UPDATE), 0);
        }
    }
}

static void case_and_unicode_forms_are_a_change(void **state)
{
    struct fixture *fixture = *state;

    store(fixture, "1", "ann", NULL, true);
    store(fixture, "2", "e\u0301", NULL, true);
    store(fixture, "3", "ab", "c", true);
    arrive(fixture, "1", "Ann", NULL);
    arrive(fixture, "2", "\u00e9", NULL);
    arrive(fixture, "3", "a", "bc");
    assert_int_equal(changes(fixture, CS_DIFF_UPDATE), 3);
}

static void new_back_and_gone_are_told_apart(void **state)
{
    struct fixture *fixture = *state;
    struct cs_diff_totals totals;

    store(fixture, "stays", "A", NULL, true);
    store(fixture, "back", "B", NULL, false);
    store(fixture, "gone", "C", NULL, true);
    store(fixture, "long-gone", "D", NULL, false);
    arrive(fixture, "stays", "A", NULL);
    arrive(fixture, "back", "B", NULL);
    arrive(fixture, "new", "E", NULL);
    totals = cs_diff_totals(&fixture->diff);
    assert_int_equal(changes(fixture, CS_DIFF_INSERT), 1);
    assert_int_equal(changes(fixture, CS_DIFF_RESTORE), 1);
    assert_int_equal(changes(fixture, CS_DIFF_UPDATE), 0);
    assert_int_equal(totals.active, 2);
    assert_int_equal(totals.matched, 1);
    assert_int_equal(totals.leaving, 1);
    assert_int_equal(totals.inactive, 1);
}

static void a_change_keeps_what_is_to_be_written(void **state)
{
    struct fixture *fixture = *state;
    const struct cs_diff_change *position = NULL;
    struct cs_value row[MAPPED] = {text("k"), text(" Ann "), text(""),
                                   text("2026-01-31T02:03:04Z")};

    cs_diff_arrived(&fixture->diff, CS_OK, row, NULL);
    memset(row, 0, sizeof(row));
    assert_true(cs_diff_next(&fixture->diff, CS_DIFF_INSERT, &position, row));
    assert_string_equal(row[KEY].as.text, "k");
    assert_string_equal(row[FIRST].as.text, "Ann");
    assert_int_equal(row[EMAIL].state, CS_NULL);
    assert_string_equal(row[SEEN_AT].as.text, "2026-01-31T02:03:04.000Z");
}

static void overlong_text_is_cut_emptied_or_refused(void **state)
{
    struct fixture *fixture = *state;
    const struct cs_diff_change *position = NULL;
    struct cs_value row[MAPPED];

    /* Four units, then a character of two: it does not fit into five. */
    arrive(fixture, "k1", "abcd\U0001F600", "a@b.c.d.e");
    assert_true(cs_diff_next(&fixture->diff, CS_DIFF_INSERT, &position, row));
    assert_string_equal(row[FIRST].as.text, "abcd");
    assert_int_equal(row[EMAIL].state, CS_NULL);
    assert_string_equal(fixture->warnings, "Email k1 is too long, left empty;"
                                           "FirstName k1 is too long, cut;");
    arrive(fixture, "key-of-eleven", "A", NULL);
    assert_int_equal(fixture->diff.counts.unkeyed, 1);
}

static void what_is_not_written_is_not_told(void **state)
{
    struct fixture *fixture = *state;

    store(fixture, "k1", "abcde", NULL, true);
    arrive(fixture, "k1", "abcdefg", "a@b.c.d.e");
    assert_int_equal(changes(fixture, CS_DIFF_UPDATE), 0);
    assert_string_equal(fixture->warnings, "");
}

static void a_key_is_plain_text(void **state)
{
    static const char *const bad[] = {"",    " ",     "a b",   "a ",
                                      "a\n", "a\x7f", "\u00a0"};
    struct fixture *fixture = *state;

    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        arrive(fixture, bad[i], "A", NULL);
    assert_int_equal(fixture->diff.counts.unkeyed, 7);
    assert_int_equal(fixture->diff.counts.rejected, 7);
    assert_int_equal(changes(fixture, CS_DIFF_INSERT), 0);
}

static void a_rejected_person_is_kept(void **state)
{
    struct fixture *fixture = *state;
    struct cs_value row[MAPPED] = {text("k")};

    store(fixture, "k", "A", NULL, true);
    cs_diff_arrived(&fixture->diff, CS_E_DATA, row, "its grade is a number");
    assert_int_equal(fixture->diff.counts.rejected, 1);
    assert_int_equal(fixture->diff.counts.unkeyed, 0);
    assert_string_equal(fixture->diff.rejects[0].key, "k");
    assert_int_equal(cs_diff_totals(&fixture->diff).leaving, 0);
}

static void who_left_by_the_record_leaves(void **state)
{
    struct fixture *fixture = *state;
    struct cs_value row[MAPPED] = {text("k")};

    store(fixture, "k", "A", NULL, true);
    cs_diff_arrived(&fixture->diff, CS_LEFT, row, NULL);
    assert_int_equal(cs_diff_totals(&fixture->diff).leaving, 1);
}

static void a_skipped_record_counts_as_seen(void **state)
{
    struct fixture *fixture = *state;
    struct cs_value row[MAPPED] = {text("k")};

    store(fixture, "k", "A", NULL, true);
    cs_diff_arrived(&fixture->diff, CS_SKIP, row, NULL);
    assert_int_equal(cs_diff_totals(&fixture->diff).leaving, 0);
    assert_int_equal(fixture->diff.counts.skipped, 1);
}

static void twice_the_same_is_once_twice_different_is_neither(void **state)
{
    struct fixture *fixture = *state;

    arrive(fixture, "same", "A", NULL);
    arrive(fixture, "same", "A", NULL);
    arrive(fixture, "other", "A", NULL);
    arrive(fixture, "other", "B", NULL);
    arrive(fixture, "other", "C", NULL);
    assert_int_equal(changes(fixture, CS_DIFF_INSERT), 1);
    assert_int_equal(fixture->diff.counts.rejected, 1);
    assert_string_equal(fixture->diff.rejects[0].key, "other");
}

static void a_forgotten_page_leaves_no_trace(void **state)
{
    struct fixture *fixture = *state;

    store(fixture, "a", "A", NULL, true);
    store(fixture, "b", "B", NULL, true);
    arrive(fixture, "a", "Changed", NULL);
    cs_diff_page(&fixture->diff);
    arrive(fixture, "b", "Half", NULL);
    arrive(fixture, "c", "C", NULL);
    arrive(fixture, "", "no key", NULL);
    cs_diff_forget_page(&fixture->diff);
    assert_int_equal(fixture->diff.counts.read, 1);
    assert_int_equal(fixture->diff.counts.rejected, 0);
    assert_int_equal(cs_diff_totals(&fixture->diff).leaving, 1);
    cs_diff_page(&fixture->diff);
    arrive(fixture, "b", "B", NULL);
    arrive(fixture, "c", "C2", NULL);
    assert_int_equal(changes(fixture, CS_DIFF_UPDATE), 1);
    assert_int_equal(changes(fixture, CS_DIFF_INSERT), 1);
    assert_int_equal(fixture->diff.counts.read, 3);
    assert_int_equal(cs_diff_totals(&fixture->diff).leaving, 0);
}

static void twins_are_no_changes(void **state)
{
    struct fixture *fixture = *state;

    store(fixture, "b", "B", NULL, true);
    arrive(fixture, "a", "A", NULL);
    arrive(fixture, "b", "Bee", NULL);
    cs_diff_page(&fixture->diff);
    for (int turn = 0; turn < 2; turn++) { /* the page is cut and read again */
        arrive(fixture, "a", "Ah", NULL);
        arrive(fixture, "b", "B", NULL);
        assert_int_equal(fixture->diff.counts.rejected, 2);
        assert_int_equal(fixture->diff.counts.changes[CS_DIFF_INSERT], 0);
        assert_int_equal(fixture->diff.counts.changes[CS_DIFF_UPDATE], 0);
        assert_int_equal(changes(fixture, CS_DIFF_INSERT), 0);
        assert_int_equal(changes(fixture, CS_DIFF_UPDATE), 0);
        cs_diff_forget_page(&fixture->diff);
        assert_int_equal(changes(fixture, CS_DIFF_INSERT), 1);
        assert_int_equal(changes(fixture, CS_DIFF_UPDATE), 1);
    }
}

static void many_keys_are_found_again(void **state)
{
    struct fixture *fixture = *state;
    char key[16];

    for (int turn = 0; turn < 2; turn++) {
        for (int i = 0; i < 20000; i++) {
            snprintf(key, sizeof(key), "%08x", i);
            if (turn == 0)
                store(fixture, key, "A", NULL, true);
            else
                arrive(fixture, key, "A", NULL);
        }
    }
    assert_int_equal(fixture->diff.keys.n, 20000);
    assert_int_equal(cs_diff_totals(&fixture->diff).matched, 20000);
    assert_null(cs_keys_find(&fixture->diff.keys, "zzz"));
}

static void guards_stand_at_their_limits(void **state)
{
    static const struct {
        struct cs_guard_limit limit;
        size_t rows, deletes, updates;
    } table[] = {
        {{10, true}, 0, 0, 10},      {{10, true}, 1, 0, 10},
        {{10, true}, 3, 1, 10},      {{10, true}, 19, 9, 10},
        {{10, true}, 20, 10, 10},    {{10, true}, 100, 10, 10},
        {{10, true}, 110, 11, 11},   {{10, true}, 30000, 3000, 3000},
        {{75, true}, 100, 75, 75},   {{100, true}, 3, 3, 10},
        {{25, false}, 1000, 25, 25}, {{0, false}, 1000, 0, 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
        struct cs_guard guard = {table[i].limit, table[i].limit,
                                 table[i].limit};

        assert_int_equal(cs_guard_deletes(&guard, table[i].rows),
                         table[i].deletes);
        assert_int_equal(cs_guard_updates(&guard, table[i].rows),
                         table[i].updates);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(NAME) cmocka_unit_test_setup_teardown(NAME, set_up, tear_down)
        TEST(blank_null_and_white_space_are_no_change),
        TEST(case_and_unicode_forms_are_a_change),
        TEST(new_back_and_gone_are_told_apart),
        TEST(a_change_keeps_what_is_to_be_written),
        TEST(overlong_text_is_cut_emptied_or_refused),
        TEST(what_is_not_written_is_not_told),
        TEST(a_key_is_plain_text),
        TEST(a_rejected_person_is_kept),
        TEST(who_left_by_the_record_leaves),
        TEST(a_skipped_record_counts_as_seen),
        TEST(twice_the_same_is_once_twice_different_is_neither),
        TEST(a_forgotten_page_leaves_no_trace),
        TEST(twins_are_no_changes),
        TEST(many_keys_are_found_again),
        cmocka_unit_test(guards_stand_at_their_limits),
#undef TEST
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
