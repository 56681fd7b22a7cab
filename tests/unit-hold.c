/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* What the guards held, in a session database made by the sink sqlite-test:
 * how a hold is named, replaced and merged, and how it ends. */
#include "config.h"

#include "folder.h"
#include "database/hold.h"
#include "base/memory.h"
#include "base/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NOW INT64_C(1767225600000000) /* 2026-01-01 */
#define DAY (86400 * CS_SECOND)

extern const struct cs_plugin cleversync_plugin;

static struct cs_module module;
static char section[] = "sink.session";
static struct cs_part part = {
    .section = section, .name = "session", .module = &module};
static struct cs_app app;
static struct cs_session *session;
static struct cs_holds holds; /* as they were last looked at */
static struct cs_error error;

#define assert_ok(CALL) assert_int_equal((CALL), CS_OK)

static int setup(void **state)
{
    struct cs_settings_request request = {0};
    struct cs_problems problems = {0};
    struct cs_school_new schools[] = {{.clever_id = "s1",
                                       .district_clever_id = "d1",
                                       .name = "Adams",
                                       .active = true},
                                      {.clever_id = "s2",
                                       .district_clever_id = "d1",
                                       .name = "Baker",
                                       .active = true}};
    size_t made;
    char *text;

    (void)state;
    cs_clock_turn(NOW);
    module = (struct cs_module){.kind = CS_SINK, .plugin = cleversync_plugin};
    memcpy(&module.ops.sink, cleversync_plugin.ops, sizeof(module.ops.sink));
    text = cs_memory_format("[sink.session]\nplugin = sqlite-test\n"
                            "path = %s/session.db\n",
                            folder_new());
    request.file = folder_text("cleversync.conf", text);
    free(text);
    cs_settings_read(&app.settings, &request, &problems);
    assert_int_equal(problems.n, 0);
    app.wiring.session = &part;
    app.cancel = cs_cancel_new(NULL, 0);
    assert_ok(cs_session_init(&app, &made, &error));
    assert_ok(cs_session_open(&session, &app, &error));
    assert_ok(cs_registry_add_district(session, "d1", "Lab", "Lab", &error));
    assert_ok(cs_registry_add_schools(session, schools, 2, &error));
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    cs_hold_clear(&holds);
    cs_session_close(session);
    cs_cancel_free(app.cancel);
    cs_settings_free(app.settings);
    app = (struct cs_app){0};
    folder_remove();
    return 0;
}

/* Keeps these keys for the school 1 or 2; gives the name. */
static const char *keep_as(int64_t school, enum cs_hold_kind kind, bool partial,
                           const char *words)
{
    static char name[CS_HOLD_NAME];
    struct cs_keys keys;
    const struct cs_hold_new hold = {.school = school,
                                     .school_id = school == 1 ? "s1" : "s2",
                                     .entity = "Student",
                                     .kind = kind,
                                     .keys = &keys,
                                     .total = 44,
                                     .partial = partial};
    char **word, **list = cs_text_words(words);

    cs_keys_init(&keys, 1);
    for (word = list; *word != NULL; word++)
        cs_keys_put(&keys, *word);
    assert_ok(cs_hold_keep(session, &hold, name, &error));
    cs_keys_clear(&keys);
    free(list);
    return name;
}

static const char *keep(const char *words)
{
    return keep_as(1, CS_HOLD_DELETE, false, words);
}

static size_t look(void)
{
    cs_hold_clear(&holds);
    assert_ok(cs_hold_load(session, 0, &holds, &error));
    return holds.n;
}

static const struct cs_hold *only(void)
{
    assert_int_equal(look(), 1);
    return holds.hold;
}

/* ---- Keeping ------------------------------------------------------------ */

static void a_hold_is_kept(void **state)
{
    const struct cs_hold *hold;

    (void)state;
    keep("b a c");
    hold = only();
    assert_int_equal(hold->school, 1);
    assert_string_equal(hold->entity, "Student");
    assert_int_equal(hold->kind, CS_HOLD_DELETE);
    assert_string_equal(hold->keys, "a b c");
    assert_int_equal(hold->rows, 3);
    assert_int_equal(hold->total, 44);
    assert_int_equal(hold->created, NOW);
    assert_int_equal(hold->expires, NOW + 7 * DAY);
    assert_int_equal(hold->approved, 0);
    assert_int_equal(hold->used, 0);
    assert_null(hold->by);
    /* The beginning of the SHA-256 of "s1/Student/delete:" and the SHA-256 of
     * "a b c". */
    assert_string_equal(hold->name, "97532abe26bb");
}

static void the_same_people_make_the_same_hold(void **state)
{
    (void)state;
    keep("a b c");
    cs_clock_turn(NOW + DAY);
    keep("c b a");
    assert_int_equal(only()->created, NOW);
    assert_int_equal(only()->expires, NOW + 8 * DAY);
}

static void others_replace_it(void **state)
{
    (void)state;
    keep("a b c");
    keep("a b");
    assert_string_equal(only()->keys, "a b");
}

static void parts_add_up(void **state)
{
    (void)state;
    keep("a b c");
    keep_as(1, CS_HOLD_DELETE, true, "d b");
    assert_string_equal(only()->keys, "a b c d");
    keep_as(1, CS_HOLD_DELETE, true, "a");
    assert_string_equal(only()->keys, "a b c d");
    cs_clock_turn(NOW + 8 * DAY); /* nobody is forgotten */
    keep_as(1, CS_HOLD_DELETE, true, "e");
    assert_string_equal(only()->keys, "a b c d e");
    keep("f");
    assert_string_equal(only()->keys, "f");
}

static void each_to_its_own(void **state)
{
    (void)state;
    keep("a");
    keep_as(1, CS_HOLD_UPDATE, false, "a");
    keep_as(2, CS_HOLD_DELETE, true, "a");
    assert_int_equal(look(), 3);
    for (size_t i = 0; i < 3; i++)
        for (size_t j = 0; j < i; j++)
            assert_string_not_equal(holds.hold[i].name, holds.hold[j].name);
    cs_hold_clear(&holds);
    assert_ok(cs_hold_load(session, 2, &holds, &error));
    assert_int_equal(holds.n, 1);
    assert_int_equal(holds.hold[0].school, 2);
}

static void an_approval_stays(void **state)
{
    const char *name = keep("a b");

    (void)state;
    assert_ok(cs_hold_approve(session, name, "Ada", &error));
    assert_int_equal(only()->approved, NOW);
    assert_string_equal(only()->by, "Ada");
    assert_int_equal(cs_hold_approve(session, name, "Bob", &error), CS_SKIP);
    assert_string_equal(only()->by, "Ada");
    keep("b a");
    assert_string_equal(only()->by, "Ada");
    keep("c");
    assert_int_equal(look(), 2);
    keep_as(1, CS_HOLD_DELETE, true, "d");
    assert_int_equal(look(), 2);
    assert_string_equal(holds.hold[holds.hold[0].approved != 0].keys, "c d");
}

static void it_works_once(void **state)
{
    const char *name = keep("a b");

    (void)state;
    assert_ok(cs_hold_approve(session, name, "Ada", &error));
    assert_true(cs_hold_open(only()));
    assert_ok(cs_hold_use(session, name, &error));
    assert_false(cs_hold_open(only()));
    assert_int_equal(only()->used, NOW);
    assert_string_equal(only()->by, "Ada");
    assert_int_equal(cs_hold_approve(session, name, "Ada", &error), CS_E_FATAL);
    assert_int_equal(cs_error_exit(&error), CS_EXIT_PERSON);
    assert_non_null(strstr(error.text, "was used"));
    /* The same people again: another decision. */
    cs_clock_turn(NOW + DAY);
    assert_string_equal(keep("a b"), only()->name);
    assert_true(cs_hold_open(only()));
    assert_int_equal(only()->created, NOW + DAY);
    assert_int_equal(only()->approved, 0);
    assert_null(only()->by);
}

static void it_expires(void **state)
{
    const char *name = keep("a b");

    (void)state;
    cs_clock_turn(NOW + 7 * DAY - 1000);
    assert_true(cs_hold_open(only()));
    cs_clock_turn(NOW + 7 * DAY);
    assert_false(cs_hold_open(only()));
    assert_int_equal(cs_hold_approve(session, name, "Ada", &error), CS_E_FATAL);
    assert_int_equal(cs_error_exit(&error), CS_EXIT_PERSON);
    assert_non_null(strstr(error.text, "is expired"));
    keep("a b");
    assert_ok(cs_hold_approve(session, name, "Ada", &error));
}

static void what_is_used_is_remembered_for_a_while(void **state)
{
    const char *name = keep("a b");

    (void)state;
    assert_ok(cs_hold_use(session, name, &error));
    cs_clock_turn(NOW + 97 * DAY);
    keep("c");
    assert_int_equal(look(), 2);
    cs_clock_turn(NOW + 98 * DAY);
    keep("c");
    assert_string_equal(only()->keys, "c");
}

static void a_hold_is_found_or_nearly(void **state)
{
    char *name, wrong[] = "97532abe26bb";

    (void)state;
    name = cs_memory_text(keep("a b c"));
    look();
    assert_non_null(cs_hold_find(&holds, name, &error));
    wrong[0] = '0';
    assert_null(cs_hold_find(&holds, wrong, &error));
    assert_int_equal(cs_error_exit(&error), CS_EXIT_USAGE);
    assert_non_null(strstr(error.text, name));
    assert_null(cs_hold_find(&holds, "Johnny", &error));
    assert_null(strstr(error.text, "Johnny"));
    assert_int_equal(cs_hold_approve(session, wrong, "Ada", &error),
                     CS_E_CONFIG);
    assert_ok(cs_hold_remove(session, name, &error));
    assert_int_equal(look(), 0);
    assert_ok(cs_hold_remove(session, name, &error));
    assert_ok(cs_hold_use(session, name, &error));
    free(name);
}

static void too_many_are_an_error(void **state)
{
    struct cs_keys keys;
    const struct cs_hold_new hold = {.school = 1,
                                     .school_id = "s1",
                                     .entity = "Student",
                                     .kind = CS_HOLD_DELETE,
                                     .keys = &keys,
                                     .total = 60000};
    char name[CS_HOLD_NAME];

    (void)state;
    cs_keys_init(&keys, 1);
    for (unsigned i = 0; i < 39999; i++) { /* 25 bytes each */
        char key[25];

        snprintf(key, sizeof(key), "%024u", i);
        cs_keys_put(&keys, key);
    }
    assert_ok(cs_hold_keep(session, &hold, name, &error));
    assert_int_equal(only()->rows, 39999);
    cs_keys_put(&keys, "one more than there is room for");
    assert_int_equal(cs_hold_keep(session, &hold, name, &error), CS_E_FATAL);
    assert_non_null(strstr(error.text, "more than a hold can keep"));
    assert_int_equal(only()->rows, 39999);
    cs_keys_clear(&keys);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(NAME) cmocka_unit_test_setup_teardown(NAME, setup, teardown)
        TEST(a_hold_is_kept),
        TEST(the_same_people_make_the_same_hold),
        TEST(others_replace_it),
        TEST(parts_add_up),
        TEST(each_to_its_own),
        TEST(an_approval_stays),
        TEST(it_works_once),
        TEST(it_expires),
        TEST(what_is_used_is_remembered_for_a_while),
        TEST(a_hold_is_found_or_nearly),
        TEST(too_many_are_an_error),
    };

    return cmocka_run_group_tests_name("hold", tests, NULL, NULL);
}
