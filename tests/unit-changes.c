/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* The log of changes in a session database that fails when told to, and points
 * in time as people type them. */
#include "config.h"

#include "sync/cell.h"
#include "database/changes.h"
#include "fake-sink.h"
#include "folder.h"
#include "database/forget.h"
#include "base/memory.h"
#include "database/schema.h"
#include "database/session.h"
#include "base/when.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NOW INT64_C(1767225600000000) /* 2026-01-01 */
#define DAY (86400 * CS_SECOND)

static char section[] = "sink.session";
static struct cs_part part = {
    .section = section, .name = "session", .module = &fake_sink_module};
static struct cs_app app;
static struct cs_session *session;
static struct cs_changes changes;
static struct cs_error error;

static char school_id[] = "s1";
static const struct cs_school school = {.id = 1, .clever_id = school_id};
static const struct cs_changes_source source = {
    .school = &school, .entity = "Student", .run = "r1", .sync = 7};

#define assert_ok(CALL) assert_int_equal((CALL), CS_OK)

static int setup(void **state)
{
    struct cs_settings_request request = {0};
    struct cs_problems problems = {0};
    size_t made;

    (void)state;
    cs_clock_turn(NOW);
    folder_new();
    request.file = folder_text("cleversync.conf", "[sync]\nbatch_size = 4\n"
                                                  "[sink.session]\n"
                                                  "plugin = fake\n");
    cs_settings_read(&app.settings, &request, &problems);
    cs_problems_clear(&problems);
    app.wiring.session = &part;
    app.cancel = cs_cancel_new(NULL, 0);
    assert_ok(cs_session_init(&app, &made, &error));
    assert_ok(cs_session_open(&session, &app, &error));
    fake_sink.calls = 0;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    cs_changes_clear(&changes);
    cs_session_close(session);
    fake_sink_fail(0, 0);
    fake_sink_clear();
    cs_cancel_free(app.cancel);
    cs_settings_free(app.settings);
    app = (struct cs_app){0};
    folder_remove();
    return 0;
}

static void add(size_t n)
{
    static char keys[20][8];

    for (size_t i = 0; i < n; i++) {
        snprintf(keys[i], sizeof(keys[i]), "p%zu", i);
        cs_changes_add(&changes, CS_CHANGES_INSERT, keys[i], NULL);
    }
}

static const struct fake_table *log_table(void)
{
    return fake_sink_table(&cs_schema_changes);
}

static const char *text(size_t row, size_t column)
{
    const char *cell = cs_cell_text(&log_table()->rows[row].cells[column]);

    return cell != NULL ? cell : "-";
}

/* ---- Writing ------------------------------------------------------------ */

static void each_change_has_a_row(void **state)
{
    (void)state;
    add(9); /* two batches and a bit */
    assert_ok(cs_changes_log(session, &source, &changes, &error));
    assert_int_equal(log_table()->n, 9);
    for (size_t i = 0; i < 9; i++)
        assert_string_equal(text(i, CS_CHANGES_CLEVER_ID), changes.row[i].key);
    assert_string_equal(text(0, CS_CHANGES_KEY), "7/p0");
    assert_string_equal(text(0, CS_CHANGES_WHAT), "insert");
    assert_string_equal(text(0, CS_CHANGES_WHY), "listing");
    assert_string_equal(text(0, CS_CHANGES_NAMES), "-");
    assert_string_equal(text(0, CS_CHANGES_RUN), "r1");
    assert_string_equal(text(0, CS_CHANGES_AT), "2026-01-01T00:00:00.000Z");
}

static void nothing_is_no_call(void **state)
{
    (void)state;
    assert_ok(cs_changes_log(session, &source, &changes, &error));
    assert_int_equal(fake_sink.calls, 0);
}

/* All or none, whatever call fails for as often as it is repeated; and once,
 * when it was only the commit's answer that was lost. */
static void they_are_written_once(void **state)
{
    size_t calls;

    (void)state;
    add(9);
    assert_ok(cs_changes_log(session, &source, &changes, &error));
    calls = fake_sink.calls;
    assert_true(calls >= 1 + 1 + 3 + 1); /* begin, scan, 3 batches, commit */
    for (size_t nth = 1; nth <= calls; nth++) {
        for (int lost = 0; lost <= (nth == calls ? 1 : 0); lost++) {
            teardown(NULL);
            setup(NULL);
            add(9);
            fake_sink.after_commit = lost;
            fake_sink_fail(nth, 2);
            assert_ok(cs_changes_log(session, &source, &changes, &error));
            assert_int_equal(log_table()->n, 9);
            fake_sink.after_commit = false;
        }
        teardown(NULL);
        setup(NULL);
        add(9);
        fake_sink_fail(nth, SIZE_MAX);
        assert_int_equal(cs_changes_log(session, &source, &changes, &error),
                         CS_E_RETRY);
        assert_int_equal(log_table()->n, 0);
    }
}

static void what_is_no_id_is_not_stored(void **state)
{
    struct cs_changes_source purge = source;

    (void)state;
    cs_changes_add(&changes, CS_CHANGES_DELETE, "Jane Doe", NULL);
    cs_changes_add(&changes, CS_CHANGES_DELETE, "jane@school", NULL);
    assert_ok(cs_changes_log(session, &source, &changes, &error));
    purge.sync = 0;
    purge.why = CS_CHANGES_PURGE;
    assert_ok(cs_changes_log(session, &purge, &changes, &error));
    assert_int_equal(log_table()->n, 4);
    for (size_t i = 0; i < 4; i++)
        assert_string_equal(text(i, CS_CHANGES_CLEVER_ID), "-");
    assert_string_equal(text(1, CS_CHANGES_KEY), "7/#2");
    assert_string_equal(text(3, CS_CHANGES_KEY), "r1/1/Student/#2");
    assert_string_equal(text(3, CS_CHANGES_WHY), "purge");
}

/* An approval to leave is none to change, and neither lets anybody in. */
static void an_approval_is_why(void **state)
{
    static const struct {
        enum cs_changes_what what;
        const char *key, *why;
    } rows[] = {
        {CS_CHANGES_INSERT, "leaves", "feed"},
        {CS_CHANGES_UPDATE, "leaves", "feed"},
        {CS_CHANGES_DELETE, "leaves", "approval"},
        {CS_CHANGES_DEACTIVATE, "leaves", "approval"},
        {CS_CHANGES_UPDATE, "changes", "approval"},
        {CS_CHANGES_RESTORE, "changes", "feed"},
        {CS_CHANGES_DEACTIVATE, "changes", "feed"},
        {CS_CHANGES_DELETE, "nobody", "feed"},
    };
    struct cs_keys leave = {0}, change = {0};
    struct cs_changes_source approved = source;

    (void)state;
    cs_keys_put(&leave, "leaves");
    cs_keys_put(&change, "changes");
    approved.why = CS_CHANGES_FEED;
    approved.may_leave = &leave;
    approved.may_change = &change;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        cs_changes_clear(&changes);
        cs_changes_add(&changes, rows[i].what, rows[i].key, NULL);
        approved.sync = 10 + (int64_t)i;
        assert_ok(cs_changes_log(session, &approved, &changes, &error));
        assert_string_equal(text(i, CS_CHANGES_WHY), rows[i].why);
    }
    cs_keys_clear(&leave);
    cs_keys_clear(&change);
}

static void the_same_names_are_kept_once(void **state)
{
    char names[] = "FirstName Grade";
    const char *first = cs_changes_names(&changes, names);

    (void)state;
    assert_ptr_not_equal(first, names);
    assert_ptr_equal(cs_changes_names(&changes, "FirstName Grade"), first);
    assert_ptr_not_equal(cs_changes_names(&changes, "FirstName"), first);
    cs_changes_add(&changes, CS_CHANGES_UPDATE, "p1", first);
    assert_ok(cs_changes_log(session, &source, &changes, &error));
    assert_string_equal(text(0, CS_CHANGES_NAMES), "FirstName Grade");
}

/* ---- Forgetting --------------------------------------------------------- */

/* What was deleted before something fails stays deleted: batch by batch. */
static void old_ones_go_batch_by_batch(void **state)
{
    bool partly = false;
    size_t calls;

    (void)state;
    add(9);
    assert_ok(cs_changes_log(session, &source, &changes, &error));
    cs_clock_turn(NOW + 90 * DAY);
    assert_ok(cs_forget_old(session, &error));
    assert_int_equal(log_table()->n, 9); /* not older than retention_days */
    cs_clock_turn(NOW + 90 * DAY + CS_SECOND);
    calls = fake_sink.calls;
    assert_ok(cs_forget_old(session, &error));
    assert_int_equal(log_table()->n, 0);
    calls = fake_sink.calls - calls;
    for (size_t nth = 1; nth <= calls; nth++) {
        size_t left;

        teardown(NULL);
        setup(NULL);
        add(9);
        assert_ok(cs_changes_log(session, &source, &changes, &error));
        cs_clock_turn(NOW + 91 * DAY);
        fake_sink.calls = 0;
        fake_sink_fail(nth, SIZE_MAX);
        assert_int_equal(cs_forget_old(session, &error), CS_E_RETRY);
        left = log_table()->n;
        assert_true(left == 9 || left == 5 || left == 1 || left == 0);
        partly = partly || left == 5;
        fake_sink_fail(0, 0);
        assert_ok(cs_forget_old(session, &error));
        assert_int_equal(log_table()->n, 0);
    }
    assert_true(partly);
}

/* ---- When --------------------------------------------------------------- */

static void times_are_what_people_type(void **state)
{
    static const struct {
        const char *text;
        int64_t time;
    } good[] = {
        {"1d", NOW - DAY},
        {"36500d", NOW - 36500 * DAY},
        {"12h", NOW - DAY / 2},
        {"2026-01-02", NOW + DAY},
        {"2026-01-02T00:00:01Z", NOW + DAY + CS_SECOND},
        {"2026-01-02 00:00:01.5", NOW + DAY + CS_SECOND * 3 / 2},
    };
    static const char *const bad[] = {
        "",           "d",          "0d",
        "0h",         "-1d",        "36501d",
        "1w",         "1dd",        "2026-01",
        "2026-02-32", "1000000h",   "yesterday",
        "7",          "7 d",        "١d",
        "2026-1-1",   "20260101d",  "2026-01-02T25:00:00Z",
        "2026-02-29", "2026-04-31", "2026-02-30T00:00:00Z",
    };
    int64_t time;

    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        assert_true(cs_when_parse(good[i].text, &time));
        assert_int_equal(time, good[i].time);
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_false(cs_when_parse(bad[i], &time));
}

static void days_are_days(void **state)
{
    static const char *const bad[] = {"",    "d",     "0",          "0d",
                                      "-1",  "+1",    "h",          "1h",
                                      "1.5", "36501", "99999999999"};
    long days;

    (void)state;
    assert_true(cs_when_days("1", &days));
    assert_int_equal(days, 1);
    assert_true(cs_when_days("365d", &days));
    assert_int_equal(days, 365);
    assert_true(cs_when_days("36500", &days));
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_false(cs_when_days(bad[i], &days));
}

#define TEST(NAME) cmocka_unit_test_setup_teardown(NAME, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(each_change_has_a_row),
        TEST(nothing_is_no_call),
        TEST(they_are_written_once),
        TEST(what_is_no_id_is_not_stored),
        TEST(an_approval_is_why),
        TEST(the_same_names_are_kept_once),
        TEST(old_ones_go_batch_by_batch),
        TEST(times_are_what_people_type),
        TEST(days_are_days),
    };

    return cmocka_run_group_tests_name("changes", tests, NULL, NULL);
}
