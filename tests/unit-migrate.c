/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* Migrations of databases of the sink sqlite-test: each version is whole or
 * not there, and what somebody else made stays. */
#include "config.h"

#include "app.h"
#include "folder.h"
#include "base/memory.h"
#include "database/migrate.h"
#include "plugin/sink.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#undef fail /* cmocka's; struct cs_host has a member of this name */

#define NOW INT64_C(1767225600000000) /* 2026-01-01 */

/* ---- The sink, made to fail ---------------------------------------------- */

extern const struct cs_plugin cleversync_plugin;
static struct cs_sink_ops real;

static struct {
    size_t calls, fail_at; /* calls that write; 0: none fails */
    enum cs_rc rc;
    const char *unfit; /* a column whose type suits nothing; or NULL */
    const struct cs_host *host;
} trouble;

static enum cs_rc may_fail(void)
{
    if (++trouble.calls != trouble.fail_at)
        return CS_OK;
    return cs_fail(trouble.host, trouble.rc, "the disk is on fire");
}

static enum cs_rc open_sink(const struct cs_host *host, void **self)
{
    trouble.host = host;
    return real.life.open(host, self);
}

static enum cs_rc look(void *self, const struct cs_entity *entity,
                       unsigned *lengths)
{
    enum cs_rc rc = real.inspect(self, entity, lengths);

    for (size_t i = 0; rc == CS_OK && i < entity->ncolumns; i++)
        if (lengths != NULL && trouble.unfit != NULL &&
            strcmp(entity->columns[i].name, trouble.unfit) == 0)
            rc = cs_fail(trouble.host, CS_E_CONFIG,
                         "column %s has type lilac, which does not suit it",
                         trouble.unfit);
    return rc;
}

static enum cs_rc alter(void *self, const struct cs_step *step, cs_sql_fn *show,
                        void *arg)
{
    enum cs_rc rc = show ? CS_OK : may_fail();

    return rc == CS_OK ? real.alter(self, step, show, arg) : rc;
}

static enum cs_rc apply(void *self, struct cs_batch *batch)
{
    enum cs_rc rc = may_fail();

    return rc == CS_OK ? real.apply(self, batch) : rc;
}

static enum cs_rc commit(void *self)
{
    enum cs_rc rc = may_fail();

    return rc == CS_OK ? real.commit(self) : rc;
}

/* ---- A database ---------------------------------------------------------- */

static struct cs_module module;
static char section[] = "sink.a";
static struct cs_part part = {
    .section = section, .name = "a", .module = &module};
static struct cs_app app;
static struct cs_instance *sink;
static struct cs_migrate migrate;
static struct cs_error error;
static char *path;

#define assert_ok(CALL) assert_int_equal((CALL), CS_OK)

static int setup(void **state)
{
    const struct cs_instance_request request = {.part = &part};
    struct cs_settings_request file = {0};
    struct cs_problems problems = {0};
    char *text;

    (void)state;
    cs_clock_turn(NOW);
    memcpy(&real, cleversync_plugin.ops, sizeof(real));
    module = (struct cs_module){.kind = CS_SINK, .plugin = cleversync_plugin};
    module.ops.sink = real;
    module.ops.sink.life.open = open_sink;
    module.ops.sink.inspect = look;
    module.ops.sink.alter = alter;
    module.ops.sink.apply = apply;
    module.ops.sink.commit = commit;
    memset(&trouble, 0, sizeof(trouble));
    path = cs_memory_format("%s/a.db", folder_new());
    text =
        cs_memory_format("[sink.a]\nplugin = sqlite-test\npath = %s\n", path);
    file.file = folder_text("cleversync.conf", text);
    free(text);
    cs_settings_read(&app.settings, &file, &problems);
    assert_int_equal(problems.n, 0);
    assert_ok(cs_instance_open(&sink, &app, &request, &error));
    migrate =
        (struct cs_migrate){.versions = &cs_versions_session, .nversions = 1};
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    cs_migrate_clear(&migrate);
    cs_instance_close(sink);
    cs_settings_free(app.settings);
    app = (struct cs_app){0};
    free(path);
    folder_remove();
    return 0;
}

static int add_row(void *arg, int n, char **cells, char **names)
{
    char **text = arg, *old;

    (void)names;
    for (int i = 0; i < n; i++) {
        old = *text;
        *text = cs_memory_format("%s%s|", old, cells[i] ? cells[i] : "NULL");
        free(old);
    }
    return 0;
}

/* Runs SQL on the database, past the sink; gives all cells, each with a '|'. */
static char *sql(const char *statement)
{
    char *text = cs_memory_text("");
    sqlite3 *db;

    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, statement, add_row, &text, NULL),
                     SQLITE_OK);
    sqlite3_close(db);
    return text;
}

static void run_sql(const char *statement)
{
    free(sql(statement));
}

#define assert_sql(STATEMENT, WANTED)        \
    do {                                     \
        char *got_ = sql(STATEMENT);         \
        assert_string_equal(got_, (WANTED)); \
        free(got_);                          \
    } while (0)

/* The whole schema, but for what a version says of itself. */
static char *schema(void)
{
    return sql("SELECT type, name, sql FROM sqlite_schema ORDER BY name");
}

/* "session-1 applied, session-2 pending" */
static void assert_versions(const char *wanted)
{
    char *text = cs_memory_text(""), *old;

    error.text[0] = '\0';
    assert_ok(cs_migrate_look(&migrate, sink, &error));
    for (size_t i = 0; i < migrate.n; i++) {
        old = text;
        text = cs_memory_format("%s%s%s %s", old, i ? ", " : "",
                                migrate.list[i].name,
                                cs_migrate_word(migrate.list[i].state));
        free(old);
    }
    assert_string_equal(text, wanted);
    free(text);
}

/* ---- The session database ------------------------------------------------ */

/* What was applied somewhere is never changed: add a version instead. */
static void the_cores_versions_are_frozen(void **state)
{
    static const struct {
        const struct cs_versions *versions;
        size_t number;
        const char *checksum;
    } known[] = {
        {&cs_versions_session, 1,
         "2cbd8797b87659a33b9ff3a38a8e578a964d22480400d8ee9d1b5719ea7b35ec"},
        {&cs_versions_session, 2,
         "47fcbc86792a0fbf3070b12b8d8964081eefb2d56daf6214324a4fe95555b9e3"},
        {&cs_versions_session, 3,
         "3de3e5cd65c60518a337dd6269488ab5fd2b3e91e551bfdd3632129c1c042664"},
        {&cs_versions_school, 1,
         "3be785615d22378cad0c871b29fc961d1a3e7eff444f0c73a88f99e84f583e0a"},
    };
    char checksum[CS_DIGEST];

    (void)state;
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        cs_versions_checksum(known[i].versions, known[i].number, checksum);
        assert_string_equal(checksum, known[i].checksum);
    }
    assert_int_equal(cs_versions_session.nfrozen, 3);
    assert_int_equal(cs_versions_school.nfrozen, 1);
}

static void each_version_is_applied_once(void **state)
{
    char *before, *after;

    (void)state;
    assert_versions("session-1 pending, session-2 pending, session-3 pending");
    assert_ok(cs_migrate_all(&migrate, sink, &error));
    assert_versions("session-1 applied, session-2 applied, session-3 applied");
    assert_int_equal(migrate.list[1].at, NOW);
    assert_string_equal(migrate.list[1].by, "cleversync " PACKAGE_VERSION);
    before = schema();
    trouble.calls = 0;
    assert_ok(cs_migrate_all(&migrate, sink, &error));
    assert_int_equal(trouble.calls, 0);
    after = schema();
    assert_string_equal(before, after);
    free(before);
    free(after);
}

/* Whatever fails, there are only whole versions, and the next try goes on. */
static void a_version_is_whole_or_not_there(void **state)
{
    size_t calls, first, second;
    char *whole[4]; /* schemas with so many versions */

    (void)state;
    whole[0] = schema();
    assert_ok(cs_migrate_all(&migrate, sink, &error));
    whole[3] = schema();
    calls = trouble.calls;
    first = 1 + 3 + 1 + 1; /* SchemaVersion, three tables, the row, commit */
    second = first + 7 + 1 + 1;
    assert_int_equal(calls, second + 2 + 1 + 1);
    for (size_t k = 1; k <= calls; k++) {
        size_t versions = (k > first) + (k > second);
        char *now;

        teardown(NULL);
        setup(NULL);
        trouble.fail_at = k;
        trouble.rc = k % 2 ? CS_E_FATAL : CS_E_RETRY;
        assert_int_equal(cs_migrate_all(&migrate, sink, &error), trouble.rc);
        assert_string_equal(error.text, "sink.a: the disk is on fire");
        now = schema();
        if (k == first + 1 || k == second + 1)
            whole[versions] = cs_memory_text(now);
        assert_string_equal(now, whole[versions]);
        free(now);
        if (versions)
            assert_sql("SELECT Version FROM SchemaVersion ORDER BY 1",
                       versions == 1 ? "session-1|" : "session-1|session-2|");
        assert_ok(cs_migrate_all(&migrate, sink, &error));
        now = schema();
        assert_string_equal(now, whole[3]);
        free(now);
    }
    for (size_t i = 0; i < 4; i++)
        free(whole[i]);
}

static void another_programs_tables_get_what_they_lack(void **state)
{
    (void)state;
    run_sql("CREATE TABLE Districts (DistrictId INTEGER PRIMARY KEY,"
            " CleverDistrictId NVARCHAR(50), Name NVARCHAR(200),"
            " DistrictPrefix NVARCHAR(100), KeyVaultSecretPrefix TEXT,"
            " CreatedAt TEXT, UpdatedAt TEXT, Motto TEXT);"
            "INSERT INTO Districts (CleverDistrictId, Motto)"
            " VALUES ('d1', 'Onward')");
    assert_ok(cs_migrate_all(&migrate, sink, &error));
    assert_versions("session-1 applied, session-2 applied, session-3 applied");
    assert_sql("SELECT * FROM Districts", "1|d1|NULL|NULL|NULL|NULL|NULL|"
                                          "Onward|");
}

/* Whatever is missing in tables of the system before can be added. */
static void no_column_is_left_out(void **state)
{
    (void)state;
    run_sql("CREATE TABLE Schools (SchoolId INTEGER PRIMARY KEY, Name TEXT);"
            "CREATE TABLE SyncReject (RejectKey TEXT);"
            "INSERT INTO Schools (Name) VALUES ('One')");
    assert_ok(cs_migrate_all(&migrate, sink, &error));
    assert_versions("session-1 applied, session-2 applied, session-3 applied");
    assert_sql("SELECT Name, CleverSchoolId, IsActive, RequiresFullSync "
               "FROM Schools",
               "One|NULL|1|0|");
    run_sql("ALTER TABLE Schools DROP COLUMN IsActive;"
            "ALTER TABLE SyncHold DROP COLUMN Keys");
    assert_versions("session-1 lost, session-2 lost, session-3 lost");
    assert_ok(cs_migrate_all(&migrate, sink, &error));
    assert_versions("session-1 applied, session-2 applied, session-3 applied");
}

/* Applied, and gone: it is made anew, with the same note. */
static void what_was_lost_is_made_anew(void **state)
{
    (void)state;
    assert_ok(cs_migrate_all(&migrate, sink, &error));
    run_sql("DROP TABLE SyncHold; ALTER TABLE Schools DROP COLUMN "
            "RequiresFullSync; UPDATE SchemaVersion SET AppliedBy = 'me'");
    assert_versions("session-1 lost, session-2 lost, session-3 lost");
    assert_ok(cs_migrate_script(&migrate, sink, &error));
    assert_string_equal(migrate.list[0].sql, "");
    assert_non_null(strstr(migrate.list[1].sql, "ADD COLUMN"));
    assert_null(strstr(migrate.list[1].sql, "INSERT INTO SchemaVersion"));
    assert_ok(cs_migrate_all(&migrate, sink, &error));
    assert_versions("session-1 applied, session-2 applied, session-3 applied");
    assert_sql("SELECT DISTINCT AppliedBy FROM SchemaVersion", "me|");
    assert_sql("SELECT count(*) FROM SyncHold", "0|");
}

static void what_is_unknown_is_refused(void **state)
{
    char *before, *after;

    (void)state;
    assert_ok(cs_migrate_all(&migrate, sink, &error));
    assert_ok(cs_migrate_check(&cs_versions_session, 1, sink, &error));
    run_sql("INSERT INTO SchemaVersion VALUES ('session-12', 'x', '', 'Zoë');"
            "INSERT INTO SchemaVersion VALUES ('session-', 'x', '', '');"
            "INSERT INTO SchemaVersion VALUES ('session-3x', 'x', '', '');"
            "INSERT INTO SchemaVersion VALUES ('session', 'x', '', '');"
            "DROP TABLE SyncHold");
    assert_versions("session-1 lost, session-2 lost, session-3 lost, "
                    "session-12 newer");
    before = schema();
    assert_int_equal(cs_migrate_all(&migrate, sink, &error), CS_E_CONFIG);
    assert_string_equal(error.text,
                        "sink.a: the database has version session-12, made by "
                        "Zoë; this program is older: use a newer one");
    assert_int_equal(cs_migrate_script(&migrate, sink, &error), CS_E_CONFIG);
    assert_int_equal(cs_migrate_check(&cs_versions_session, 1, sink, &error),
                     CS_E_CONFIG);
    run_sql("DELETE FROM SchemaVersion WHERE Version LIKE 'session-1_';"
            "UPDATE SchemaVersion SET Checksum = 'y' WHERE Version = "
            "'session-2'");
    assert_versions("session-1 lost, session-2 changed, session-3 lost");
    assert_int_equal(cs_migrate_all(&migrate, sink, &error), CS_E_CONFIG);
    assert_non_null(strstr(error.text, "session-2 is not what this program"));
    after = schema();
    assert_string_equal(before, after);
    free(before);
    free(after);
}

/* ---- Mapped tables ------------------------------------------------------- */

static const struct cs_column first_columns[] = {
    {"PupilId", CS_INT, 0, CS_AUTO, NULL, NULL},
    {"Key", CS_TEXT, 50, CS_KEY | CS_NOT_NULL, NULL, NULL},
    {"Name", CS_TEXT, 100, CS_CUT, NULL, NULL},
};
static const struct cs_entity first = {"pupil", "pupils", "Pupils",
                                       first_columns, 3};
static const struct cs_entity *const first_table = &first;

static const struct cs_column second_columns[] = {
    {"PupilId", CS_INT, 0, CS_AUTO, NULL, NULL},
    {"Key", CS_TEXT, 50, CS_KEY | CS_NOT_NULL, NULL, NULL},
    {"Name", CS_TEXT, 200, CS_INDEX, NULL, NULL},
    {"House", CS_TEXT, 20, CS_NOT_NULL, NULL, "none"},
};
static const struct cs_entity second = {"pupil", "pupils", "Pupils",
                                        second_columns, 4};
static const struct cs_entity *const second_table = &second;

/* What it only does with values makes no version. */
static void a_checksum_is_of_the_table(void **state)
{
    struct cs_column columns[3];
    struct cs_entity entity = first;
    const struct cs_entity *const table = &entity;
    struct cs_versions one = cs_versions_mapped(&first_table);
    struct cs_versions other;
    char old[CS_DIGEST], new[CS_DIGEST];

    (void)state;
    memcpy(columns, first_columns, sizeof(columns));
    entity.columns = columns;
    columns[2].flags = CS_QUIET;
    other = cs_versions_mapped(&table);
    cs_versions_checksum(&one, 1, old);
    cs_versions_checksum(&other, 1, new);
    assert_string_equal(old, new);
    columns[2].length = 101;
    cs_versions_checksum(&other, 1, new);
    assert_string_not_equal(old, new);
}

static void a_new_declaration_is_a_new_version(void **state)
{
    struct cs_versions one = cs_versions_mapped(&first_table);
    struct cs_versions two = cs_versions_mapped(&second_table);

    (void)state;
    migrate.versions = &one;
    assert_ok(cs_migrate_all(&migrate, sink, &error));
    assert_versions("Pupils-1 applied");
    run_sql("INSERT INTO Pupils (Key, Name) VALUES ('a', 'Ann')");

    migrate.versions = &two;
    assert_versions("Pupils-2 pending");
    assert_ok(cs_migrate_check(&two, 1, sink, &error));
    assert_ok(cs_migrate_all(&migrate, sink, &error));
    assert_versions("Pupils-2 applied");
    assert_sql("SELECT Key, Name, House FROM Pupils", "a|Ann|none|");
    assert_sql("SELECT type FROM pragma_table_info('Pupils') WHERE name = "
               "'Name'",
               "NVARCHAR(100)|"); /* the shorter length wins */
    assert_sql("SELECT count(*) FROM pragma_index_list('Pupils') WHERE name = "
               "'IX_Pupils_Name'",
               "1|");

    migrate.versions = &one; /* the plugin as it was before */
    assert_versions("Pupils-2 newer");
    assert_int_equal(cs_migrate_check(&one, 1, sink, &error), CS_E_CONFIG);
}

/* A type is not changed, and a version with a wrong one is not applied. */
static void a_wrong_type_is_not_missing(void **state)
{
    struct cs_versions two = cs_versions_mapped(&second_table);

    (void)state;
    run_sql("CREATE TABLE Pupils (PupilId INTEGER PRIMARY KEY, Key TEXT, "
            "Name INT)");
    migrate.versions = &two;
    trouble.unfit = "Name";
    assert_versions("Pupils-1 pending");
    assert_int_equal(cs_migrate_all(&migrate, sink, &error), CS_E_CONFIG);
    assert_string_equal(error.text, "sink.a: column Name has type lilac, which "
                                    "does not suit it");
    assert_sql("SELECT name FROM sqlite_schema", "Pupils|");
    assert_sql("SELECT count(*) FROM pragma_table_info('Pupils')", "3|");
    assert_int_equal(cs_migrate_script(&migrate, sink, &error), CS_E_CONFIG);
    trouble.unfit = NULL;
    assert_ok(cs_migrate_all(&migrate, sink, &error));
    trouble.unfit = "Name"; /* since then */
    assert_int_equal(cs_migrate_look(&migrate, sink, &error), CS_E_CONFIG);
    assert_non_null(strstr(error.text, "type lilac"));
    cs_error_set(&error, CS_E_DATA, "as it was");
    assert_int_equal(cs_migrate_explain(sink, &second, "s1", &error),
                     CS_E_DATA);
    assert_string_equal(error.text, "as it was");
}

/* As during a sync: only what is not there at all. */
static void a_sync_makes_and_never_alters(void **state)
{
    struct cs_versions one = cs_versions_mapped(&first_table);
    struct cs_versions two = cs_versions_mapped(&second_table);
    bool made;

    (void)state;
    run_sql("CREATE TABLE Pupils (PupilId INTEGER PRIMARY KEY, Key TEXT, "
            "Name TEXT)");
    assert_ok(cs_migrate_make(&one, 0, sink, &made, &error));
    assert_false(made);
    assert_sql("SELECT name FROM sqlite_schema", "Pupils|");
    assert_int_equal(cs_migrate_make(&two, 0, sink, &made, &error),
                     CS_E_CONFIG);
    assert_int_equal(cs_migrate_explain(sink, &second, "s1", &error),
                     CS_E_CONFIG);
    assert_non_null(strstr(error.text, "has no column House"));
    assert_non_null(strstr(error.text, "cleversync db migrate --school s1"));
    assert_sql("SELECT name FROM sqlite_schema", "Pupils|");
    run_sql("DROP TABLE Pupils");
    assert_ok(cs_migrate_make(&two, 0, sink, &made, &error));
    assert_true(made);
    assert_sql("SELECT Version FROM SchemaVersion", "Pupils-1|");
    assert_int_equal(trouble.calls, 4); /* a table, another, a row, commit */
}

/* Run by hand it is as good. */
static void a_script_does_the_same(void **state)
{
    struct cs_versions both[2];
    char *script, *by_hand, *ours;

    (void)state;
    both[0] = cs_versions_school;
    both[1] = cs_versions_mapped(&second_table);
    migrate.versions = both;
    migrate.nversions = 2;
    assert_ok(cs_migrate_script(&migrate, sink, &error));
    assert_int_equal(trouble.calls, 0);
    script = cs_memory_format("%s%s", migrate.list[0].sql, migrate.list[1].sql);
    run_sql(script);
    assert_versions("school-1 applied, Pupils-1 applied");
    by_hand = schema();
    teardown(NULL);
    setup(NULL);
    migrate.versions = both;
    migrate.nversions = 2;
    assert_ok(cs_migrate_all(&migrate, sink, &error));
    ours = schema();
    assert_string_equal(by_hand, ours);
    free(script);
    free(by_hand);
    free(ours);
}

static bool runs(const char *script)
{
    sqlite3 *db;
    bool done;

    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    done = sqlite3_exec(db, script, NULL, NULL, NULL) == SQLITE_OK;
    sqlite3_close(db);
    return done;
}

/* A step that fails leaves neither the steps before it nor a note. */
static void a_script_is_run_whole_or_not_at_all(void **state)
{
    struct cs_versions two = cs_versions_mapped(&second_table);
    char *before, *after;

    (void)state;
    run_sql("CREATE TABLE Pupils (PupilId INTEGER PRIMARY KEY, Key TEXT, "
            "Name TEXT)");
    migrate.versions = &two;
    assert_ok(cs_migrate_script(&migrate, sink, &error));
    run_sql("ALTER TABLE Pupils RENAME TO Others");
    before = schema();
    assert_false(runs(migrate.list[0].sql));
    after = schema();
    run_sql("ALTER TABLE Others RENAME TO Pupils");
    assert_string_equal(before, after);
    free(before);
    free(after);
    assert_true(runs(migrate.list[0].sql));
    assert_sql("SELECT Version FROM SchemaVersion", "Pupils-1|");
}

/* What another one did meanwhile is no error, and is noted once. */
static void a_script_may_be_run_twice(void **state)
{
    (void)state;
    assert_ok(cs_migrate_script(&migrate, sink, &error));
    run_sql(migrate.list[0].sql);
    run_sql(migrate.list[0].sql);
    assert_sql("SELECT Version FROM SchemaVersion", "session-1|");
}

/* Its table is there, its note is not: nothing is shown but the note. */
static void what_is_there_is_only_noted(void **state)
{
    struct cs_versions one = cs_versions_mapped(&first_table);

    (void)state;
    run_sql("CREATE TABLE Pupils (PupilId INTEGER PRIMARY KEY, Key TEXT, "
            "Name TEXT)");
    migrate.versions = &one;
    assert_ok(cs_migrate_script(&migrate, sink, &error));
    assert_null(strstr(migrate.list[0].sql, "Pupils\""));
    assert_non_null(strstr(migrate.list[0].sql, "SELECT 'Pupils-1'"));
    assert_ok(cs_migrate_all(&migrate, sink, &error));
    assert_versions("Pupils-1 applied");
    assert_int_equal(trouble.calls, 3); /* SchemaVersion, its row, commit */
}

int main(void)
{
#define TEST(NAME) cmocka_unit_test_setup_teardown(NAME, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(the_cores_versions_are_frozen),
        TEST(each_version_is_applied_once),
        TEST(a_version_is_whole_or_not_there),
        TEST(another_programs_tables_get_what_they_lack),
        TEST(no_column_is_left_out),
        TEST(what_was_lost_is_made_anew),
        TEST(what_is_unknown_is_refused),
        TEST(a_checksum_is_of_the_table),
        TEST(a_new_declaration_is_a_new_version),
        TEST(a_wrong_type_is_not_missing),
        TEST(a_sync_makes_and_never_alters),
        TEST(a_script_does_the_same),
        TEST(a_script_is_run_whole_or_not_at_all),
        TEST(a_script_may_be_run_twice),
        TEST(what_is_there_is_only_noted),
    };

    return cmocka_run_group_tests_name("migrate", tests, NULL, NULL);
}
