/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* The session database: registry, history, rejects and locks over a sink that
 * lives in memory and fails when it is told to. */
#include "config.h"

#include "sync/cell.h"
#include "fake-sink.h"
#include "database/history.h"
#include "base/memory.h"
#include "metrics/counters.h"
#include "database/reject.h"
#include "database/schema.h"
#include "database/session.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- The program around it ----------------------------------------------- */

static char section[] = "sink.session";
static struct cs_part part = {
    .section = section, .name = "session", .module = &fake_sink_module};
static struct cs_app app;
static struct cs_session *session;
static struct cs_error error;

#define NOW INT64_C(1767225600000000) /* 2026-01-01 */
#define DAY (86400 * CS_SECOND)

/* Nothing is set: all defaults. */
static void read_settings(void)
{
    char dir[] = "/tmp/cleversync-test.XXXXXX", *file;
    struct cs_settings_request request = {0};
    struct cs_problems problems = {0};

    assert_non_null(mkdtemp(dir));
    file = cs_memory_format("%s/empty.conf", dir);
    fclose(fopen(file, "w"));
    request.file = file;
    cs_settings_read(&app.settings, &request, &problems);
    assert_int_equal(problems.n, 0);
    unlink(file);
    rmdir(dir);
    free(file);
}

static int open_app(void **state)
{
    (void)state;
    cs_clock_turn(NOW);
    read_settings();
    app.wiring.session = &part;
    app.cancel = cs_cancel_new(NULL, 0);
    error = (struct cs_error){0};
    return 0;
}

static int close_app(void **state)
{
    (void)state;
    cs_session_close(session);
    session = NULL;
    cs_cancel_free(app.cancel);
    cs_settings_free(app.settings);
    app = (struct cs_app){0};
    fake_sink_clear();
    return 0;
}

static int open_session(void **state)
{
    size_t made;

    open_app(state);
    assert_int_equal(cs_session_init(&app, &made, &error), CS_OK);
    assert_int_equal(cs_session_open(&session, &app, &error), CS_OK);
    return 0;
}

#define assert_ok(CALL) assert_int_equal((CALL), CS_OK)
#define assert_error(CALL, RC, TEXT)             \
    do {                                         \
        assert_int_equal((CALL), (RC));          \
        assert_string_equal(error.text, (TEXT)); \
    } while (0)

static void add_lincoln(void)
{
    struct cs_school_new schools[] = {
        {.clever_id = "s2",
         .district_clever_id = "d1",
         .name = "Lincoln Elementary",
         .prefix = "Lincoln-Elementary",
         .active = true},
        {.clever_id = "s1",
         .district_clever_id = "d1",
         .name = "Adams",
         .database_name = "School_Adams_Db",
         .prefix = "Adams"},
    };

    assert_ok(cs_registry_add_district(session, "d1", "Lab", "Lab", &error));
    assert_ok(cs_registry_add_schools(session, schools, 2, &error));
}

/* ---- Opening ------------------------------------------------------------- */

static void tables_are_made_once(void **state)
{
    size_t made;

    (void)state;
    assert_ok(cs_session_init(&app, &made, &error));
    assert_int_equal(made, 8);
    assert_ok(cs_session_init(&app, &made, &error));
    assert_int_equal(made, 0);
}

static void making_tables_is_all_or_nothing(void **state)
{
    size_t made;

    (void)state;
    fake_sink_fail(4, SIZE_MAX); /* the second table */
    assert_error(cs_session_init(&app, &made, &error), CS_E_RETRY,
                 "sink.session: the database is out for tea");
    assert_int_equal(fake_sink.now.n, 0);
    fake_sink_fail(4, 2);
    assert_ok(cs_session_init(&app, &made, &error));
    assert_int_equal(made, 8);
}

static void missing_tables_are_told(void **state)
{
    (void)state;
    assert_error(cs_session_open(&session, &app, &error), CS_E_CONFIG,
                 "the session database has no table Districts: run "
                 "\"cleversync db init\" first");
    assert_null(session);
    app.wiring.session = NULL;
    assert_int_equal(cs_session_open(&session, &app, &error), CS_E_CONFIG);
}

/* ---- Registry ------------------------------------------------------------ */

static void what_was_added_is_there(void **state)
{
    struct cs_registry registry;
    const struct cs_school *school;

    (void)state;
    add_lincoln();
    assert_ok(cs_registry_load(session, &registry, &error));
    assert_int_equal(registry.ndistricts, 1);
    assert_int_equal(registry.nschools, 2);
    assert_string_equal(registry.schools[0].name, "Adams"); /* by name */
    school = cs_registry_school(&registry, "s2");
    assert_ptr_equal(school->district, cs_registry_district(&registry, "d1"));
    assert_string_equal(school->database_name, "Lincoln-Elementary");
    assert_null(school->secret_name);
    assert_true(school->active);
    assert_false(school->requires_full);
    assert_false(registry.schools[0].active);
    assert_string_equal(registry.schools[0].database_name, "School_Adams_Db");
    assert_null(cs_registry_school(&registry, "S2"));
    assert_null(cs_registry_find_school(&registry, "s3", &error));
    assert_int_equal(cs_error_exit(&error), CS_EXIT_USAGE);
    cs_registry_clear(&registry);
}

static void adding_twice_changes_nothing(void **state)
{
    struct cs_school_new school = {.clever_id = "s2",
                                   .district_clever_id = "d1",
                                   .name = "Lincoln Elementary",
                                   .prefix = "Lincoln-Elementary",
                                   .added = true};

    (void)state;
    add_lincoln();
    assert_int_equal(
        cs_registry_add_district(session, "d1", "Lab", "Lab", &error), CS_SKIP);
    assert_error(cs_registry_add_district(session, "d1", "Lab", "Lob", &error),
                 CS_E_FATAL,
                 "district d1 is there already, with another name or prefix");
    assert_int_equal(cs_registry_add_schools(session, &school, 1, &error),
                     CS_SKIP);
    assert_false(school.added);
    school.name = "Lincoln";
    assert_error(cs_registry_add_schools(session, &school, 1, &error),
                 CS_E_FATAL,
                 "school s2 is there already, with another name, prefix or "
                 "database: \"cleversync school set\" changes them");
}

static void prefixes_are_unique(void **state)
{
    struct cs_school_new school = {.clever_id = "s3",
                                   .district_clever_id = "d1",
                                   .name = "Other",
                                   .prefix = "lincoln-ELEMENTARY"};
    const struct cs_school_change change = {.prefix = "ADAMS"};
    struct cs_registry registry;

    (void)state;
    add_lincoln();
    assert_error(cs_registry_add_schools(session, &school, 1, &error),
                 CS_E_FATAL,
                 "the prefix lincoln-ELEMENTARY is taken by school s2 (upper "
                 "and lower case are the same here)");
    school.prefix = "lab";
    assert_int_equal(cs_registry_add_schools(session, &school, 1, &error),
                     CS_E_FATAL);
    assert_int_equal(
        cs_registry_add_district(session, "d2", "Other", "ADAMS", &error),
        CS_E_FATAL);
    assert_ok(cs_registry_load(session, &registry, &error));
    assert_int_equal(registry.nschools, 2);
    assert_int_equal(cs_registry_set_school(session,
                                            cs_registry_school(&registry, "s2"),
                                            &change, &error),
                     CS_E_FATAL);
    assert_ok(cs_registry_set_school(session,
                                     cs_registry_school(&registry, "s1"),
                                     &change, &error)); /* its own one */
    cs_registry_clear(&registry);
}

static void rules_are_kept(void **state)
{
    struct cs_school_new school = {
        .clever_id = "s3", .district_clever_id = "d9", .name = "Other"};

    (void)state;
    assert_error(cs_registry_add_district(session, "d 1", "Lab", "Lab", &error),
                 CS_E_CONFIG,
                 "the id of a district has other characters than A-Z, a-z, "
                 "0-9, - and _");
    assert_int_equal(cs_error_exit(&error), CS_EXIT_USAGE);
    assert_int_equal(cs_registry_add_district(session, "d1", "", "Lab", &error),
                     CS_E_CONFIG);
    assert_int_equal(
        cs_registry_add_district(session, "d1", "Lab", "La--b", &error),
        CS_E_CONFIG);
    assert_int_equal(
        cs_registry_add_district(session, "d1", "Lab", "clever", &error),
        CS_E_CONFIG);
    assert_error(cs_registry_add_schools(session, &school, 1, &error),
                 CS_E_CONFIG,
                 "there is no district d9: \"cleversync district list\" lists "
                 "the districts there are");
}

static void imported_schools_get_prefixes(void **state)
{
    struct cs_school_new schools[] = {
        {.clever_id = "a", .district_clever_id = "d1", .name = "Adams"},
        {.clever_id = "b", .district_clever_id = "d1", .name = "ADAMS!"},
        {.clever_id = "s2", .district_clever_id = "d1", .name = "Renamed"},
    };
    struct cs_registry registry;

    (void)state;
    add_lincoln();
    assert_ok(cs_registry_add_schools(session, schools, 3, &error));
    assert_true(schools[0].added);
    assert_false(schools[2].added);
    assert_ok(cs_registry_load(session, &registry, &error));
    assert_string_equal(cs_registry_school(&registry, "a")->prefix, "Adams-2");
    assert_string_equal(cs_registry_school(&registry, "b")->prefix, "ADAMS-3");
    assert_string_equal(cs_registry_school(&registry, "s2")->name,
                        "Lincoln Elementary");
    cs_registry_clear(&registry);
}

static void one_bad_school_adds_none(void **state)
{
    struct cs_school_new schools[] = {
        {.clever_id = "a", .district_clever_id = "d1", .name = "A"},
        {.clever_id = "b", .district_clever_id = "d2", .name = "B"},
    };
    struct cs_registry registry;

    (void)state;
    add_lincoln();
    assert_int_equal(cs_registry_add_schools(session, schools, 2, &error),
                     CS_E_CONFIG);
    assert_ok(cs_registry_load(session, &registry, &error));
    assert_int_equal(registry.nschools, 2);
    cs_registry_clear(&registry);
}

static void a_school_is_changed(void **state)
{
    const bool yes = true, no = false;
    const struct cs_school_change change = {
        .name = "Adams High", .active = &yes, .requires_full = &yes};
    const struct cs_school_change back = {.requires_full = &no};
    struct cs_registry registry;
    const struct cs_school *school;

    (void)state;
    add_lincoln();
    assert_ok(cs_registry_load(session, &registry, &error));
    school = cs_registry_school(&registry, "s1");
    assert_ok(cs_registry_set_school(session, school, &change, &error));
    cs_registry_clear(&registry);
    assert_ok(cs_registry_load(session, &registry, &error));
    school = cs_registry_school(&registry, "s1");
    assert_string_equal(school->name, "Adams High");
    assert_string_equal(school->prefix, "Adams");
    assert_true(school->active);
    assert_true(school->requires_full);
    assert_ok(cs_registry_set_school(session, school, &back, &error));
    cs_registry_clear(&registry);
    assert_ok(cs_registry_load(session, &registry, &error));
    assert_false(cs_registry_school(&registry, "s1")->requires_full);
    cs_registry_clear(&registry);
}

static void note_count(void *arg, const char *who, const char *how, double n)
{
    (void)how;
    if (strcmp(who, "sink.session") == 0)
        *(double *)arg = n;
}

static void transient_errors_are_repeated(void **state)
{
    struct cs_registry registry;
    double counted = 0, more = 0;
    int64_t before;

    (void)state;
    add_lincoln();
    for (size_t nth = 1; nth <= 2; nth++) {
        fake_sink_fail(nth, 2);
        before = cs_clock_steady();
        assert_ok(cs_registry_load(session, &registry, &error));
        assert_int_equal(registry.nschools, 2); /* not read double */
        assert_true(cs_clock_steady() - before >= 3 * CS_SECOND); /* 1 + 2 */
        cs_registry_clear(&registry);
    }
    cs_counters_each(CS_COUNTER_DATABASE, note_count, &counted);
    fake_sink_fail(1, 4); /* three repetitions */
    assert_error(cs_registry_load(session, &registry, &error), CS_E_RETRY,
                 "sink.session: the database is out for tea");
    cs_counters_each(CS_COUNTER_DATABASE, note_count, &more);
    assert_true(more == counted + 3);
}

static void broken_commits_are_repeated(void **state)
{
    struct cs_registry registry;

    (void)state;
    fake_sink.after_commit = true;
    /* begin, two scans, apply, and then the commit */
    fake_sink_fail(5, 1);
    assert_int_equal(
        cs_registry_add_district(session, "d1", "Lab", "Lab", &error), CS_SKIP);
    assert_ok(cs_registry_load(session, &registry, &error));
    assert_int_equal(registry.ndistricts, 1);
    cs_registry_clear(&registry);
}

/* ---- Locks --------------------------------------------------------------- */

static int64_t school_id(const char *clever_id)
{
    struct cs_registry registry;
    int64_t id;

    assert_ok(cs_registry_load(session, &registry, &error));
    id = cs_registry_school(&registry, clever_id)->id;
    cs_registry_clear(&registry);
    return id;
}

static struct cs_history sync_of(int64_t school, const char *run,
                                 const char *entity, const char *key)
{
    return (struct cs_history){.school = school,
                               .key = key,
                               .run = run,
                               .entity = entity,
                               .type = "Full",
                               .status = CS_HISTORY_IN_PROGRESS,
                               .start = cs_clock_now()};
}

static void locks_say_who(void **state)
{
    struct cs_registry registry;
    const struct cs_school *school;
    struct cs_history row;

    (void)state;
    add_lincoln();
    assert_ok(cs_registry_load(session, &registry, &error));
    school = cs_registry_school(&registry, "s1");
    assert_ok(cs_session_lock(session, school, &error));
    assert_string_equal(fake_sink.lock, "school/s1");
    assert_int_equal(fake_sink.wait_ms, 0);
    assert_ok(cs_session_holds(session, school, &error));
    cs_session_unlock(session, school);
    assert_int_equal(cs_session_holds(session, school, &error), CS_E_BUSY);
    assert_ok(cs_session_lock(session, school, &error));
    assert_ok(cs_session_relock(session, school, &error));
    assert_string_equal(fake_sink.lock, "school/s1");
    fake_sink_fail(1, 1); /* who repeats is the caller */
    assert_error(cs_session_relock(session, school, &error), CS_E_RETRY,
                 "sink.session: the database is out for tea");
    assert_int_equal(fake_sink.locks, 1);
    assert_string_equal(fake_sink.lock, "");
    assert_ok(cs_session_lock(session, school, &error));
    fake_sink.taken = true;
    assert_error(cs_session_relock(session, school, &error), CS_E_BUSY,
                 "sink.session: taken");
    assert_error(cs_session_lock(session, school, &error), CS_E_BUSY,
                 "another process is busy with this school");
    row = sync_of(school->id, "r7", "Student", "r7/s1/Student");
    assert_ok(cs_history_begin(session, &row, &error));
    assert_error(cs_session_lock(session, school, &error), CS_E_BUSY,
                 "run r7 is busy with this school since "
                 "2026-01-01T00:00:00.000Z");
    assert_int_equal(cs_error_exit(&error), CS_EXIT_BUSY);
    cs_registry_clear(&registry);
}

/* ---- History ------------------------------------------------------------- */

struct found {
    char text[2000];
};

static enum cs_rc note(void *arg, const struct cs_history *row)
{
    struct found *found = arg;
    size_t length = strlen(found->text);

    snprintf(found->text + length, sizeof(found->text) - length,
             "%d %s %s %d/%d/%d/%d/%d %s;", (int)row->id, row->key, row->status,
             (int)row->processed, (int)row->updated, (int)row->inserted,
             (int)row->deleted, (int)row->failed,
             row->message != NULL ? row->message : "-");
    return CS_OK;
}

static void assert_history(int64_t school, size_t most, const char *wanted)
{
    struct found found = {{0}};

    assert_ok(cs_history_each(session, school, most, note, &found, &error));
    assert_string_equal(found.text, wanted);
}

static void syncs_begin_and_end(void **state)
{
    struct cs_history row, other;

    (void)state;
    add_lincoln();
    row = sync_of(school_id("s1"), "r1", "Student", "k1");
    other = sync_of(school_id("s2"), "r1", "Student", "k2");
    assert_ok(cs_history_begin(session, &row, &error));
    assert_ok(cs_history_begin(session, &other, &error));
    assert_true(row.id > 0 && other.id > row.id);
    row.status = CS_HISTORY_PARTIAL;
    row.processed = 5;
    row.updated = 4;
    row.inserted = 3;
    row.deleted = 2;
    row.failed = 1;
    row.message = "held";
    row.end = row.last_sync = cs_clock_now();
    assert_ok(cs_history_end(session, &row, &error));
    assert_history(0, 0,
                   "2 k2 InProgress 0/0/0/0/0 -;1 k1 Partial 5/4/3/2/1 held;");
    assert_history(row.school, 0, "1 k1 Partial 5/4/3/2/1 held;");
    assert_history(0, 1, "2 k2 InProgress 0/0/0/0/0 -;");
    row.key = "gone";
    assert_int_equal(cs_history_end(session, &row, &error), CS_E_FATAL);
}

static void a_broken_begin_makes_one_row(void **state)
{
    struct cs_history row;

    (void)state;
    add_lincoln();
    row = sync_of(school_id("s1"), "r1", "Student", "k1");
    fake_sink.after_commit = true;
    fake_sink_fail(5, 1); /* begin, scan, apply, scan, and then the commit */
    assert_ok(cs_history_begin(session, &row, &error));
    assert_int_equal(row.id, 1);
    assert_history(0, 0, "1 k1 InProgress 0/0/0/0/0 -;");
}

static void dead_runs_are_closed(void **state)
{
    struct cs_history rows[3];
    size_t closed;

    (void)state;
    add_lincoln();
    rows[0] = sync_of(school_id("s1"), "dead", "Student", "k1");
    rows[1] = sync_of(school_id("s2"), "dead", "Student", "k2");
    rows[2] = sync_of(school_id("s1"), "mine", "Student", "k3");
    for (size_t i = 0; i < 3; i++)
        assert_ok(cs_history_begin(session, &rows[i], &error));
    assert_ok(
        cs_history_sweep(session, rows[0].school, "mine", &closed, &error));
    assert_int_equal(closed, 1);
    assert_history(0, 0,
                   "3 k3 InProgress 0/0/0/0/0 -;2 k2 InProgress 0/0/0/0/0 -;"
                   "1 k1 Failed 0/0/0/0/0 the process that ran this sync ended "
                   "in the middle;");
}

static void add_closed(const char *school, const char *entity, const char *key,
                       const char *status)
{
    struct cs_history row = sync_of(school_id(school), "r", entity, key);

    assert_ok(cs_history_begin(session, &row, &error));
    row.status = status;
    assert_ok(cs_history_end(session, &row, &error));
}

static void old_history_is_purged(void **state)
{
    (void)state;
    add_lincoln();
    cs_clock_turn(NOW - 100 * DAY);
    add_closed("s1", "Student", "old1", CS_HISTORY_SUCCESS);
    add_closed("s1", "Student", "old2", CS_HISTORY_FAILED);
    add_closed("s1", "Teacher", "last1", CS_HISTORY_SUCCESS);
    add_closed("s1", "Teacher", "open", CS_HISTORY_IN_PROGRESS);
    add_closed("s2", "Student", "old3", CS_HISTORY_SUCCESS);
    add_closed("s2", "Student", "last2", CS_HISTORY_SUCCESS);
    cs_clock_turn(NOW - 89 * DAY);
    add_closed("s1", "Student", "recent", CS_HISTORY_SUCCESS);
    cs_clock_turn(NOW);
    assert_ok(cs_history_purge(session, &error));
    assert_history(0, 0,
                   "7 recent Success 0/0/0/0/0 -;6 last2 Success 0/0/0/0/0 -;"
                   "4 open InProgress 0/0/0/0/0 -;"
                   "3 last1 Success 0/0/0/0/0 -;");
}

/* As rows of the system that was here before: nobody can change them. */
static void history_of_others_stays(void **state)
{
    static const char *const keys[] = {"old", "open"};
    size_t closed;

    (void)state;
    add_lincoln();
    cs_clock_turn(NOW - 100 * DAY);
    add_closed("s1", "Student", keys[0], CS_HISTORY_SUCCESS);
    add_closed("s1", "Student", keys[1], CS_HISTORY_IN_PROGRESS);
    cs_clock_turn(NOW);
    add_closed("s1", "Student", "new", CS_HISTORY_SUCCESS);
    for (size_t i = 0; i < 2; i++) {
        struct fake_row *row =
            fake_sink_row(fake_sink_table(&cs_schema_history), keys[i]);

        free((char *)row->cells[CS_HISTORY_KEY].as.text);
        row->cells[CS_HISTORY_KEY] = cs_cell_of_text(NULL);
        free((char *)row->cells[CS_HISTORY_RUN].as.text);
        row->cells[CS_HISTORY_RUN] = cs_cell_of_text(NULL);
    }
    assert_ok(cs_history_purge(session, &error));
    assert_ok(
        cs_history_sweep(session, school_id("s1"), "r9", &closed, &error));
    assert_int_equal(closed, 0);
    assert_int_equal(fake_sink_table(&cs_schema_history)->n, 3);
}

/* ---- Rejects ------------------------------------------------------------- */

static const struct fake_row *reject_of(const char *key)
{
    return fake_sink_row(fake_sink_table(&cs_schema_reject), key);
}

static void rejects_are_replaced(void **state)
{
    struct cs_reject rejects[] = {
        {.school_id = "s1", .clever_id = "c1", .reason = "a", .run = "r1"},
        {.school_id = "s1", .clever_id = "c2", .reason = "b", .run = "r1"},
        {.school_id = "s1", .clever_id = "c1", .reason = "too", .run = "r1"},
        {.school_id = "s1", .clever_id = "Zoe Doe", .reason = "c", .run = "r1"},
        {.school_id = "s1", .reason = "d", .run = "r1"},
    };
    const struct cs_reject elsewhere = {
        .school_id = "s2", .clever_id = "c1", .reason = "e", .run = "r1"};
    const struct fake_table *table = fake_sink_table(&cs_schema_reject);
    int64_t school, other;
    const struct fake_row *row;

    (void)state;
    add_lincoln();
    school = school_id("s1");
    other = school_id("s2");
    assert_ok(cs_reject_replace(session, other, "Student", &elsewhere, 1, NULL,
                                &error));
    assert_ok(cs_reject_replace(session, school, "Teacher", rejects, 1, NULL,
                                &error));
    assert_ok(cs_reject_replace(session, school, "Student", rejects, 5, NULL,
                                &error));
    assert_int_equal(table->n, 1 + 1 + 4); /* c1 once */
    assert_non_null(reject_of("r1/s1/Student/c2"));
    row = reject_of("r1/s1/Student/#4"); /* what is no id is not kept */
    assert_non_null(row);
    assert_null(cs_cell_text(&row->cells[CS_REJECT_CLEVER_ID]));

    cs_clock_turn(NOW + DAY);
    rejects[0].run = "r2";
    assert_ok(cs_reject_replace(session, school, "Student", rejects, 1, NULL,
                                &error));
    assert_int_equal(table->n, 1 + 1 + 1);
    row = reject_of("r2/s1/Student/c1");
    assert_non_null(row);
    assert_int_equal(cs_cell_time(&row->cells[CS_REJECT_FIRST_SEEN]), NOW);
    assert_int_equal(cs_cell_time(&row->cells[CS_REJECT_LAST_SEEN]), NOW + DAY);
    assert_ok(
        cs_reject_replace(session, school, "Student", NULL, 0, NULL, &error));
    assert_int_equal(table->n, 1 + 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(tables_are_made_once, open_app,
                                        close_app),
        cmocka_unit_test_setup_teardown(making_tables_is_all_or_nothing,
                                        open_app, close_app),
        cmocka_unit_test_setup_teardown(missing_tables_are_told, open_app,
                                        close_app),
#define TEST(NAME) \
    cmocka_unit_test_setup_teardown(NAME, open_session, close_app)
        TEST(what_was_added_is_there),
        TEST(adding_twice_changes_nothing),
        TEST(prefixes_are_unique),
        TEST(rules_are_kept),
        TEST(imported_schools_get_prefixes),
        TEST(one_bad_school_adds_none),
        TEST(a_school_is_changed),
        TEST(transient_errors_are_repeated),
        TEST(broken_commits_are_repeated),
        TEST(locks_say_who),
        TEST(syncs_begin_and_end),
        TEST(a_broken_begin_makes_one_row),
        TEST(dead_runs_are_closed),
        TEST(old_history_is_purged),
        TEST(history_of_others_stays),
        TEST(rejects_are_replaced),
    };

    return cmocka_run_group_tests_name("session", tests, NULL, NULL);
}
