/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* The sink sqlite-test, alone with a host that plays the core. */
#include "config.h"

#include "fake-host.h"
#include "../plugins/sink/sqlite-test/sqlite-test.h"

#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* ---- Two tables --------------------------------------------------------- */

enum { GROUP_ID, GROUP_KEY, GROUP_COLUMNS };
static const struct cs_column group_columns[GROUP_COLUMNS] = {
    [GROUP_ID] = {.name = "GroupId", .type = CS_INT, .flags = CS_AUTO},
    [GROUP_KEY] = {.name = "Name \"x\"",
                   .type = CS_TEXT,
                   .length = 10,
                   .flags = CS_KEY},
};
static const struct cs_entity group = {
    .name = "group",
    .table = "Groups; \"a\" [b]",
    .columns = group_columns,
    .ncolumns = GROUP_COLUMNS,
};

enum { ID, KEY, FIRST, MAIL, AGE, ACTIVE, SEEN, GROUP, COLUMNS };
static const struct cs_column columns[COLUMNS] = {
    [ID] = {.name = "PersonId", .type = CS_INT, .flags = CS_AUTO},
    [KEY] = {.name = "Key", .type = CS_TEXT, .length = 50, .flags = CS_KEY},
    [FIRST] = {.name = "First",
               .type = CS_TEXT,
               .length = 100,
               .flags = CS_NOT_NULL | CS_CUT},
    [MAIL] = {.name = "Mail", .type = CS_TEXT, .length = 200},
    [AGE] = {.name = "Age", .type = CS_INT, .fallback = "7"},
    [ACTIVE] = {.name = "IsActive",
                .type = CS_BOOL,
                .flags = CS_NOT_NULL,
                .fallback = "1"},
    [SEEN] = {.name = "Seen", .type = CS_TIME},
    [GROUP] = {.name = "GroupId",
               .type = CS_INT,
               .flags = CS_INDEX,
               .references = "Groups; \"a\" [b].GroupId"},
};
static const struct cs_entity person = {
    .name = "person",
    .table = "People",
    .columns = columns,
    .ncolumns = COLUMNS,
};

static struct cs_value text(const char *value)
{
    return (struct cs_value){.state = CS_SET, .as.text = value};
}

static struct cs_value integer(int64_t value)
{
    return (struct cs_value){.state = CS_SET, .as.integer = value};
}

static const struct cs_value null = {.state = CS_NULL};

/* ---- A database in a folder of its own ---------------------------------- */

extern const struct cs_plugin cleversync_plugin;
static const struct cs_sink_ops *ops; /* the plugin's */

struct lab {
    char folder[64], path[128];
    struct fake_pair options[2];
    struct fake_host fake;
    void *sink;
    const struct cs_value *rows[2048]; /* of the next batch */
};

static void join(struct lab *lab, struct fake_host *fake)
{
    fake_host_init(fake, &cleversync_plugin);
    fake->options = lab->options;
    assert_int_equal(fake_host_open(fake), CS_OK);
}

static int setup(void **state)
{
    struct lab *lab = calloc(1, sizeof *lab);
    const char *tmp = getenv("TMPDIR");
    ops = cleversync_plugin.ops;
    assert_non_null(lab);
    snprintf(lab->folder, sizeof lab->folder, "%s/unit-sqlite-XXXXXX",
             tmp && strlen(tmp) < 40 ? tmp : "/tmp");
    assert_non_null(mkdtemp(lab->folder));
    snprintf(lab->path, sizeof lab->path, "%s/people.db", lab->folder);
    lab->options[0] = (struct fake_pair){"path", lab->path};
    join(lab, &lab->fake);
    lab->sink = lab->fake.self;
    *state = lab;
    return 0;
}

/* The names in the folder, each followed by a blank; removes them if asked. */
static const char *names(const char *folder, char *list, size_t size,
                         bool clean)
{
    DIR *entries = opendir(folder);
    const struct dirent *entry;
    assert_non_null(entries);
    *list = '\0';
    while ((entry = readdir(entries)) != NULL) {
        size_t used = strlen(list);
        if (entry->d_name[0] == '.')
            continue;
        snprintf(list + used, size - used, "%s ", entry->d_name);
        if (clean)
            unlinkat(dirfd(entries), entry->d_name, 0);
    }
    closedir(entries);
    return list;
}

static int teardown(void **state)
{
    struct lab *lab = *state;
    char list[512];
    fake_host_clear(&lab->fake);
    names(lab->folder, list, sizeof list, true);
    rmdir(lab->folder);
    free(lab);
    return 0;
}

static enum cs_rc make(void *sink, const struct cs_entity *entity)
{
    struct cs_step step = {
        .size = sizeof step, .change = CS_CREATE_TABLE, .entity = entity};
    return ops->alter(sink, &step, NULL, NULL);
}

static void make_both(struct lab *lab)
{
    assert_int_equal(make(lab->sink, &group), CS_OK);
    assert_int_equal(make(lab->sink, &person), CS_OK);
}

static enum cs_rc apply(void *sink, enum cs_op op,
                        const struct cs_value *const *rows, size_t n,
                        size_t *affected)
{
    struct cs_batch batch = {.size = sizeof batch,
                             .entity = &person,
                             .op = op,
                             .rows = rows,
                             .nrows = n,
                             .affected = 99};
    enum cs_rc rc = ops->apply(sink, &batch);
    if (affected != NULL)
        *affected = batch.affected;
    return rc;
}

static enum cs_rc put(void *sink, enum cs_op op, const struct cs_value *row)
{
    return apply(sink, op, &row, 1, NULL);
}

static enum cs_rc put_key(void *sink, enum cs_op op, const char *key,
                          const char *first)
{
    struct cs_value row[COLUMNS] = {[KEY] = text(key)};
    if (first != NULL)
        row[FIRST] = text(first);
    return put(sink, op, row);
}

/* ---- What is stored, as text -------------------------------------------- */

struct dump {
    char text[65536];
    size_t rows;
    size_t stop; /* answer CS_LEFT at this row; 0: never */
};

static enum cs_rc dump_row(void *arg, const struct cs_value *row)
{
    struct dump *dump = arg;
    dump->rows++;
    for (size_t i = 0; i < COLUMNS; i++) {
        size_t used = strlen(dump->text), space = sizeof dump->text - used;
        if (space < 1024) /* rows are still counted */
            break;
        if (i > 0)
            strcat(dump->text, "|");
        used = strlen(dump->text);
        if (row[i].state == CS_NULL)
            strcat(dump->text, "-");
        else if (columns[i].type == CS_BOOL)
            strcat(dump->text, row[i].as.boolean ? "yes" : "no");
        else if (columns[i].type == CS_INT)
            snprintf(dump->text + used, space, "%lld",
                     (long long)row[i].as.integer);
        else
            snprintf(dump->text + used, space, "%s", row[i].as.text);
    }
    strcat(dump->text, "\n");
    return dump->rows == dump->stop ? CS_LEFT : CS_OK;
}

static void assert_stored(void *sink, const char *expected)
{
    static struct dump dump;
    dump = (struct dump){.rows = 0};
    assert_int_equal(ops->scan(sink, &person, NULL, dump_row, &dump), CS_OK);
    assert_string_equal(dump.text, expected);
}

static size_t count(void *sink)
{
    static struct dump dump;
    dump = (struct dump){.rows = 0};
    assert_int_equal(ops->scan(sink, &person, NULL, dump_row, &dump), CS_OK);
    return dump.rows;
}

/* People "00000", "00001", ..., to be freed. */
static struct cs_value *crowd(struct lab *lab, size_t n)
{
    struct cs_value *cells = calloc(n ? n * COLUMNS : 1, sizeof *cells);
    char(*keys)[24] = calloc(n ? n : 1, sizeof *keys);
    assert_non_null(cells);
    assert_non_null(keys);
    for (size_t i = 0; i < n; i++) {
        struct cs_value *row = &cells[i * COLUMNS];
        snprintf(keys[i], sizeof keys[i], "%05zu", i);
        row[KEY] = row[FIRST] = text(keys[i]);
        row[AGE] = integer((int64_t)i);
        lab->rows[i] = row;
    }
    cells[0].as.text = (const char *)keys; /* of the absent identity */
    return cells;
}

static void disperse(struct cs_value *cells)
{
    free((void *)cells[0].as.text);
    free(cells);
}

/* ---- Looking makes nothing ---------------------------------------------- */

static void keep_sql(void *arg, const char *sql)
{
    snprintf(arg, 4096, "%s", sql);
}

static void looking_makes_nothing(void **state)
{
    struct lab *lab = *state;
    unsigned lengths[COLUMNS];
    char list[512], sql[4096];
    struct cs_step step = {
        .size = sizeof step, .change = CS_CREATE_TABLE, .entity = &person};
    assert_int_equal(ops->life.check(lab->sink), CS_OK);
    assert_int_equal(ops->inspect(lab->sink, &person, lengths), CS_E_NOT_HERE);
    assert_non_null(strstr(lab->fake.error, "does not exist yet"));
    assert_int_equal(ops->scan(lab->sink, &person, NULL, dump_row, NULL),
                     CS_E_NOT_HERE);
    ops->rollback(lab->sink);
    assert_int_equal(ops->alter(lab->sink, &step, keep_sql, sql), CS_OK);
    assert_string_equal(sql,
                        "CREATE TABLE IF NOT EXISTS \"People\" (\n"
                        "  \"PersonId\" INTEGER PRIMARY KEY AUTOINCREMENT,\n"
                        "  \"Key\" NVARCHAR(50) NOT NULL UNIQUE,\n"
                        "  \"First\" NVARCHAR(100) NOT NULL DEFAULT '',\n"
                        "  \"Mail\" NVARCHAR(200),\n"
                        "  \"Age\" INTEGER DEFAULT 7,\n"
                        "  \"IsActive\" BOOLEAN NOT NULL DEFAULT 1,\n"
                        "  \"Seen\" TEXT,\n"
                        "  \"GroupId\" INTEGER REFERENCES "
                        "\"Groups; \"\"a\"\" [b]\" (\"GroupId\")\n"
                        ");\n"
                        "CREATE INDEX IF NOT EXISTS \"IX_People_GroupId\" "
                        "ON \"People\" (\"GroupId\");\n");
    assert_string_equal(names(lab->folder, list, sizeof list, false), "");
}

static void files_are_private(void **state)
{
    struct lab *lab = *state;
    static const char *const ends[] = {"", "-wal", "-shm", "-lock"};
    mode_t mask = umask(0);
    make_both(lab);
    assert_int_equal(ops->lock(lab->sink, "x", 0), CS_OK);
    umask(mask);
    for (size_t i = 0; i < 4; i++) {
        char path[160];
        struct stat found;
        snprintf(path, sizeof path, "%s%s", lab->path, ends[i]);
        assert_int_equal(stat(path, &found), 0);
        assert_int_equal(found.st_mode & 07777, 0600);
    }
}

/* Names that SQLite gives a meaning to are files to us. */
static void a_path_is_a_path(void **state)
{
    struct lab *lab = *state;
    static const char *const paths[] = {":memory:", "file:x?mode=memory", "y"};
    char list[512];
    int here = open(".", O_RDONLY | O_DIRECTORY);
    assert_true(here >= 0);
    assert_int_equal(chdir(lab->folder), 0);
    for (size_t i = 0; i < 3; i++) {
        struct fake_host fake;
        lab->options[0].value = paths[i];
        join(lab, &fake);
        assert_int_equal(make(fake.self, &group), CS_OK);
        fake_host_clear(&fake);
        struct stat found;
        assert_int_equal(stat(paths[i], &found), 0);
        assert_true(found.st_size > 0);
        unlink(paths[i]);
        assert_string_equal(names(lab->folder, list, sizeof list, false), "");
    }
    assert_int_equal(fchdir(here), 0);
    close(here);
}

/* ---- Rows --------------------------------------------------------------- */

static void batches_of_each_size(void **state)
{
    static const size_t sizes[] = {0, 1, 2, 999, 1000, 1001};
    struct lab *lab = *state;
    make_both(lab);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        size_t affected;
        struct cs_value *cells = crowd(lab, sizes[i]);
        assert_int_equal(
            apply(lab->sink, CS_INSERT, lab->rows, sizes[i], &affected), CS_OK);
        assert_int_equal(affected, sizes[i]);
        assert_int_equal(count(lab->sink), sizes[i]);
        assert_int_equal(
            apply(lab->sink, CS_UPDATE, lab->rows, sizes[i], &affected), CS_OK);
        assert_int_equal(affected, sizes[i]);
        assert_int_equal(
            apply(lab->sink, CS_DELETE, lab->rows, sizes[i], &affected), CS_OK);
        assert_int_equal(affected, sizes[i]);
        assert_int_equal(count(lab->sink), 0);
        disperse(cells);
    }
}

static void values_come_back_as_they_were(void **state)
{
    static const char *const texts[] = {
        "",
        " ",
        "  lead",
        "trail ",
        "'",
        "\"",
        "''; DROP TABLE People; --",
        "\\",
        "%",
        "_",
        "[x]",
        ";",
        "a\nb\r\n",
        "\t",
        "?1",
        ":a",
        "@b",
        "$c",
        "e\xcc\x81",
        "\xc3\xa9",
        "\xd7\xa9\xd7\x9c",
        "\xf0\x9f\x98\x80",
        "\xe2\x80\x83",
        "NULL",
        "0",
        "1e3",
        "0x10",
        "007",
        "2026-01-31",
        "\x01\x7f",
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"};
    struct lab *lab = *state;
    char expected[256];
    make_both(lab);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct cs_value row[COLUMNS] = {[KEY] = text(texts[i]),
                                        [FIRST] = text(texts[i]),
                                        [MAIL] = text(texts[i]),
                                        [SEEN] = text(texts[i]),
                                        [AGE] = null};
        assert_int_equal(put(lab->sink, CS_INSERT, row), CS_OK);
        snprintf(expected, sizeof expected, "%zu|%s|%s|%s|-|yes|%s|-\n", i + 1,
                 texts[i], texts[i], texts[i], texts[i]);
        assert_stored(lab->sink, expected);
        assert_int_equal(put(lab->sink, CS_DELETE, row), CS_OK);
        assert_stored(lab->sink, "");
    }
}

static void numbers_and_flags(void **state)
{
    struct lab *lab = *state;
    static const int64_t ages[] = {0, -1, INT32_MIN, INT64_MAX, INT64_MIN};
    char expected[128];
    make_both(lab);
    for (size_t i = 0; i < sizeof ages / sizeof *ages; i++) {
        struct cs_value row[COLUMNS] = {
            [KEY] = text("k"),
            [FIRST] = text("f"),
            [AGE] = integer(ages[i]),
            [ACTIVE] = {.state = CS_SET, .as.boolean = i % 2},
            [SEEN] = text("9999-12-31T23:59:59.999Z")};
        assert_int_equal(put(lab->sink, CS_INSERT, row), CS_OK);
        snprintf(expected, sizeof expected,
                 "%zu|k|f|-|%lld|%s|9999-12-31T23:59:59.999Z|-\n", i + 1,
                 (long long)ages[i], i % 2 ? "yes" : "no");
        assert_stored(lab->sink, expected);
        assert_int_equal(put(lab->sink, CS_DELETE, row), CS_OK);
    }
}

/* What a row does not say: an insert takes the default, an update keeps. */
static void absent_is_not_null(void **state)
{
    struct lab *lab = *state;
    struct cs_value row[COLUMNS] = {[KEY] = text("k")};
    struct cs_value mail[COLUMNS] = {[KEY] = text("k"), [MAIL] = text("m")};
    struct cs_value none[COLUMNS] = {
        [KEY] = text("k"), [MAIL] = null, [AGE] = null};
    make_both(lab);
    assert_int_equal(put(lab->sink, CS_INSERT, row), CS_OK);
    assert_stored(lab->sink, "1|k||-|7|yes|-|-\n");
    assert_int_equal(put(lab->sink, CS_UPDATE, mail), CS_OK);
    assert_stored(lab->sink, "1|k||m|7|yes|-|-\n");
    assert_int_equal(put(lab->sink, CS_UPDATE, none), CS_OK);
    assert_stored(lab->sink, "1|k||-|-|yes|-|-\n");

    /* Rows of one batch may say different things. */
    struct cs_value age[COLUMNS] = {[KEY] = text("k"), [AGE] = integer(8)};
    const struct cs_value *rows[] = {mail, row, age, none, mail};
    size_t affected;
    assert_int_equal(apply(lab->sink, CS_UPDATE, rows, 5, &affected), CS_OK);
    assert_int_equal(affected, 4); /* nothing to write in one of them */
    assert_stored(lab->sink, "1|k||m|-|yes|-|-\n");

    /* More sets of columns than statements are kept. */
    for (unsigned set = 1; set < 64; set++) {
        struct cs_value some[COLUMNS] = {[KEY] = text("k")};
        for (size_t i = 0; i < 6; i++)
            if (set >> i & 1 && i + FIRST != ACTIVE && i + FIRST != GROUP)
                some[i + FIRST] = i + FIRST == AGE ? integer(3) : text("z");
        assert_int_equal(put(lab->sink, CS_UPDATE, some), CS_OK);
    }
    assert_stored(lab->sink, "1|k|z|z|3|yes|z|-\n");
}

static void existing_and_missing_rows(void **state)
{
    struct lab *lab = *state;
    struct cs_value row[COLUMNS] = {
        [KEY] = text("nobody"), [MAIL] = text("secret@example.edu")};
    const struct cs_value *rows = row;
    size_t affected;
    make_both(lab);
    assert_int_equal(apply(lab->sink, CS_UPDATE, &rows, 1, &affected), CS_OK);
    assert_int_equal(affected, 0);
    assert_int_equal(apply(lab->sink, CS_DELETE, &rows, 1, &affected), CS_OK);
    assert_int_equal(affected, 0);
    assert_int_equal(put(lab->sink, CS_INSERT, row), CS_OK);
    assert_int_equal(apply(lab->sink, CS_INSERT, &rows, 1, &affected),
                     CS_E_DATA);
    assert_int_equal(affected, 0);
    assert_non_null(strstr(lab->fake.error, "table People: another row"));
    assert_null(strstr(lab->fake.error, "nobody"));
    assert_null(strstr(lab->fake.error, "secret"));
    assert_stored(lab->sink, "1|nobody||secret@example.edu|7|yes|-|-\n");
    row[KEY] = null;
    assert_int_equal(put(lab->sink, CS_INSERT, row), CS_E_DATA);
    row[KEY].state = CS_ABSENT;
    assert_int_equal(put(lab->sink, CS_DELETE, row), CS_E_DATA);
}

static void keys_are_compared_byte_for_byte(void **state)
{
    static const char *const keys[] = {"a",  "A",         "a ",
                                       " a", "e\xcc\x81", "\xc3\xa9"};
    struct lab *lab = *state;
    size_t n = sizeof keys / sizeof *keys;
    make_both(lab);
    for (size_t i = 0; i < n; i++)
        assert_int_equal(put_key(lab->sink, CS_INSERT, keys[i], "x"), CS_OK);
    assert_int_equal(put_key(lab->sink, CS_UPDATE, "A", "big"), CS_OK);
    for (size_t i = 0; i < n; i++)
        if (strcmp(keys[i], "A") != 0)
            assert_int_equal(put_key(lab->sink, CS_DELETE, keys[i], NULL),
                             CS_OK);
    assert_stored(lab->sink, "2|A|big|-|7|yes|-|-\n");
}

/* A refused batch leaves nothing of itself and the transaction usable. */
static void one_bad_row(void **state)
{
    struct lab *lab = *state;
    struct cs_value bad[COLUMNS] = {[KEY] = text("bad"), [FIRST] = null};
    struct cs_value *cells = crowd(lab, 20);
    make_both(lab);
    for (size_t place = 0; place < 20; place += 9) { /* first, middle, last */
        const struct cs_value *good = lab->rows[place];
        size_t affected;
        assert_int_equal(ops->begin(lab->sink), CS_OK);
        assert_int_equal(put_key(lab->sink, CS_INSERT, "before", "x"), CS_OK);
        lab->rows[place] = bad;
        assert_int_equal(apply(lab->sink, CS_INSERT, lab->rows, 19, &affected),
                         CS_E_DATA);
        assert_int_equal(affected, 0);
        assert_non_null(strstr(lab->fake.error, "must not be null"));
        assert_int_equal(count(lab->sink), 1);
        lab->rows[place] = good;
        assert_int_equal(apply(lab->sink, CS_INSERT, lab->rows, 19, &affected),
                         CS_OK);
        assert_int_equal(affected, 19);
        assert_int_equal(ops->commit(lab->sink), CS_OK);
        assert_int_equal(count(lab->sink), 20);
        assert_int_equal(apply(lab->sink, CS_DELETE, lab->rows, 19, NULL),
                         CS_OK);
        assert_int_equal(put_key(lab->sink, CS_DELETE, "before", NULL), CS_OK);
    }
    /* Outside a transaction a batch is one. */
    lab->rows[18] = bad;
    assert_int_equal(apply(lab->sink, CS_INSERT, lab->rows, 19, NULL),
                     CS_E_DATA);
    assert_int_equal(count(lab->sink), 0);
    assert_int_equal(ops->begin(lab->sink), CS_OK);
    ops->rollback(lab->sink);
    disperse(cells);
}

/* The rest of a batch must not go on without the transaction. */
static void a_trigger_undoes_the_transaction(void **state)
{
    struct lab *lab = *state;
    sqlite3 *db;
    make_both(lab);
    assert_int_equal(sqlite3_open(lab->path, &db), SQLITE_OK);
    assert_int_equal(
        sqlite3_exec(db,
                     "CREATE TRIGGER guard BEFORE INSERT ON People WHEN "
                     "NEW.Key = 'bad' BEGIN SELECT RAISE(ROLLBACK, 'no'); END",
                     NULL, NULL, NULL),
        SQLITE_OK);
    sqlite3_close(db);
    assert_int_equal(put_key(lab->sink, CS_INSERT, "bad", "x"), CS_E_DATA);
    assert_int_equal(ops->begin(lab->sink), CS_OK);
    assert_int_equal(put_key(lab->sink, CS_INSERT, "good", "x"), CS_OK);
    assert_int_equal(put_key(lab->sink, CS_INSERT, "bad", "x"), CS_E_FATAL);
    assert_non_null(strstr(lab->fake.error, "undid the whole transaction "
                                            "because of a row"));
    assert_int_equal(ops->commit(lab->sink), CS_E_FATAL);
    ops->rollback(lab->sink);
    assert_int_equal(count(lab->sink), 0);
}

static void foreign_keys_count(void **state)
{
    struct lab *lab = *state;
    struct cs_value a[GROUP_COLUMNS] = {[GROUP_KEY] = text("a")};
    const struct cs_value *rows = a;
    struct cs_batch batch = {.size = sizeof batch,
                             .entity = &group,
                             .op = CS_INSERT,
                             .rows = &rows,
                             .nrows = 1};
    struct cs_value row[COLUMNS] = {[KEY] = text("k"), [GROUP] = integer(1)};
    make_both(lab);
    assert_int_equal(put(lab->sink, CS_INSERT, row), CS_E_DATA);
    assert_non_null(strstr(lab->fake.error, "refers to"));
    assert_int_equal(ops->apply(lab->sink, &batch), CS_OK);
    assert_int_equal(put(lab->sink, CS_INSERT, row), CS_OK);
    batch.op = CS_DELETE;
    assert_int_equal(ops->apply(lab->sink, &batch), CS_E_DATA);
    assert_stored(lab->sink, "1|k||-|7|yes|-|1\n");
}

/* ---- Reading a part ----------------------------------------------------- */

static size_t found(void *sink, const struct cs_filter *filter,
                    struct dump *dump)
{
    *dump = (struct dump){.rows = 0};
    assert_int_equal(ops->scan(sink, &person, filter, dump_row, dump), CS_OK);
    return dump->rows;
}

static void filters(void **state)
{
    static const size_t sizes[] = {0, 1, 499, 500, 501, 999, 1000};
    static struct dump dump;
    struct lab *lab = *state;
    struct cs_value *cells = crowd(lab, 1000);
    struct cs_value *in = calloc(1001, sizeof *in);
    assert_non_null(in);
    make_both(lab);
    assert_int_equal(apply(lab->sink, CS_INSERT, lab->rows, 1000, NULL), CS_OK);
    struct cs_filter filter = {.size = sizeof filter, .column = KEY, .in = in};
    for (size_t i = 0; i < 1000; i++)
        in[i] = lab->rows[999 - i][KEY];
    in[1000] = text("nobody");
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        filter.nin = sizes[i];
        assert_int_equal(found(lab->sink, &filter, &dump), sizes[i]);
    }
    filter.nin = 1001;
    assert_int_equal(found(lab->sink, &filter, &dump), 1000);

    struct cs_value below = integer(10);
    filter = (struct cs_filter){
        .size = sizeof filter, .column = AGE, .below = &below};
    assert_int_equal(found(lab->sink, &filter, &dump), 10);
    filter.newest = 2;
    assert_int_equal(found(lab->sink, &filter, &dump), 2);
    assert_string_equal(dump.text, "10|00009|00009|-|9|yes|-|-\n"
                                   "9|00008|00008|-|8|yes|-|-\n");
    struct cs_value ages[] = {integer(3), integer(4), integer(12)};
    filter = (struct cs_filter){.size = sizeof filter,
                                .column = AGE,
                                .in = ages,
                                .nin = 3,
                                .below = &below,
                                .newest = 1};
    assert_int_equal(found(lab->sink, &filter, &dump), 1);
    assert_string_equal(dump.text, "5|00004|00004|-|4|yes|-|-\n");
    filter = (struct cs_filter){.size = sizeof filter, .newest = 5000};
    assert_int_equal(found(lab->sink, &filter, &dump), 1000);
    assert_memory_equal(dump.text, "1000|00999|", 11);
    free(in);
    disperse(cells);
}

static void a_scan_stops_when_told(void **state)
{
    static struct dump dump;
    struct lab *lab = *state;
    struct cs_value *cells = crowd(lab, 10);
    make_both(lab);
    assert_int_equal(apply(lab->sink, CS_INSERT, lab->rows, 10, NULL), CS_OK);
    dump = (struct dump){.stop = 3};
    assert_int_equal(ops->scan(lab->sink, &person, NULL, dump_row, &dump),
                     CS_LEFT);
    assert_int_equal(dump.rows, 3);
    disperse(cells);
}

/* ---- Transactions ------------------------------------------------------- */

static void transactions(void **state)
{
    struct lab *lab = *state;
    struct fake_host other;
    make_both(lab);
    join(lab, &other);
    assert_int_equal(ops->commit(lab->sink), CS_E_FATAL);
    assert_int_equal(ops->begin(lab->sink), CS_OK);
    assert_int_equal(ops->begin(lab->sink), CS_E_FATAL);
    assert_int_equal(put_key(lab->sink, CS_INSERT, "a", "x"), CS_OK);
    assert_int_equal(count(lab->sink), 1);
    assert_int_equal(count(other.self), 0); /* reads do not wait */
    ops->rollback(lab->sink);
    ops->rollback(lab->sink);
    assert_int_equal(count(lab->sink), 0);

    assert_int_equal(ops->begin(lab->sink), CS_OK);
    assert_int_equal(put_key(lab->sink, CS_INSERT, "b", "x"), CS_OK);
    other.remaining = 0; /* a second writer waits no longer than it may */
    assert_int_equal(ops->begin(other.self), CS_E_CANCELLED);
    assert_int_equal(ops->commit(lab->sink), CS_OK);
    assert_int_equal(count(other.self), 1);
    other.remaining = 1;
    assert_int_equal(ops->begin(other.self), CS_OK);
    assert_int_equal(put_key(other.self, CS_INSERT, "c", "x"), CS_OK);
    fake_host_clear(&other); /* closed within a transaction */
    assert_int_equal(count(lab->sink), 1);
}

/* Runs fn in another process that says when it is ready and is then killed. */
static void in_a_child_that_dies(struct lab *lab,
                                 void (*fn)(struct fake_host *fake))
{
    int ready[2], status;
    char byte = 0;
    assert_int_equal(pipe(ready), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct fake_host fake;
        fake_host_init(&fake, &cleversync_plugin);
        fake.options = lab->options;
        if (fake_host_open(&fake) != CS_OK)
            _exit(1);
        fn(&fake);
        if (write(ready[1], "r", 1) != 1)
            _exit(2);
        for (;;)
            pause();
    }
    close(ready[1]);
    assert_int_equal(read(ready[0], &byte, 1), 1);
    close(ready[0]);
    kill(child, SIGKILL);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
}

static void write_without_commit(struct fake_host *fake)
{
    if (ops->begin(fake->self) != CS_OK ||
        put_key(fake->self, CS_INSERT, "lost", "x") != CS_OK)
        _exit(3);
}

static void killed_before_commit(void **state)
{
    struct lab *lab = *state;
    make_both(lab);
    assert_int_equal(put_key(lab->sink, CS_INSERT, "kept", "x"), CS_OK);
    fake_host_close(&lab->fake);
    in_a_child_that_dies(lab, write_without_commit);
    assert_int_equal(fake_host_open(&lab->fake), CS_OK);
    lab->sink = lab->fake.self;
    assert_stored(lab->sink, "1|kept|x|-|7|yes|-|-\n");
    assert_int_equal(put_key(lab->sink, CS_INSERT, "next", "x"), CS_OK);
}

static void the_deadline(void **state)
{
    struct lab *lab = *state;
    struct cs_value *cells = crowd(lab, 1000);
    static struct dump dump;
    make_both(lab);
    assert_int_equal(apply(lab->sink, CS_INSERT, lab->rows, 1000, NULL), CS_OK);
    lab->fake.remaining = 0;
    assert_int_equal(ops->scan(lab->sink, &person, NULL, dump_row, &dump),
                     CS_E_CANCELLED);
    lab->fake.remaining = 1000;
    assert_int_equal(ops->begin(lab->sink), CS_OK);
    lab->fake.remaining = 0;
    assert_int_equal(apply(lab->sink, CS_DELETE, lab->rows, 1000, NULL),
                     CS_E_CANCELLED);
    lab->fake.remaining = 1000;
    ops->rollback(lab->sink);
    assert_int_equal(count(lab->sink), 1000);
    disperse(cells);
}

/* ---- Schemas ------------------------------------------------------------ */

/* Another program at work. */
static void aside(const struct lab *lab, const char *sql)
{
    sqlite3 *db;
    assert_int_equal(sqlite3_open(lab->path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
}

static void inspecting(void **state)
{
    struct lab *lab = *state;
    unsigned lengths[COLUMNS];
    static const unsigned expected[COLUMNS] = {
        [KEY] = 50, [FIRST] = 100, [MAIL] = 200};
    make_both(lab);
    assert_int_equal(ops->inspect(lab->sink, &person, lengths), CS_OK);
    assert_memory_equal(lengths, expected, sizeof lengths);
    assert_int_equal(make(lab->sink, &person), CS_OK); /* once more */

    aside(lab, "DROP TABLE People");
    assert_int_equal(ops->inspect(lab->sink, &person, lengths), CS_E_NOT_HERE);
    assert_int_equal(ops->scan(lab->sink, &person, NULL, dump_row, NULL),
                     CS_E_NOT_HERE);
    assert_int_equal(put_key(lab->sink, CS_INSERT, "k", "x"), CS_E_NOT_HERE);
    assert_non_null(strstr(lab->fake.error, "no table People"));

    /* Extra columns do not matter, lengths are the real ones. */
    aside(lab, "CREATE TABLE people (extra BLOB DEFAULT 5, personid INTEGER"
               " PRIMARY KEY, \"KEY\" varchar ( 40 ) UNIQUE, First text,"
               " Mail nvarchar, Age int, IsActive bit DEFAULT 1, Seen"
               " datetime2, GroupId int)");
    assert_int_equal(ops->inspect(lab->sink, &person, lengths), CS_OK);
    assert_int_equal(lengths[KEY], 40);
    assert_int_equal(lengths[FIRST], 0);
    assert_int_equal(lengths[MAIL], 0);
    assert_int_equal(put_key(lab->sink, CS_INSERT, "k", "x"), CS_OK);
    assert_stored(lab->sink, "1|k|x|-|-|yes|-|-\n");

    aside(lab, "ALTER TABLE people DROP COLUMN Mail");
    assert_int_equal(ops->inspect(lab->sink, &person, lengths), CS_E_CONFIG);
    assert_non_null(strstr(lab->fake.error, "no column Mail"));
    assert_non_null(strstr(lab->fake.error, lab->path));
    assert_non_null(strstr(lab->fake.error, "add one of type "));
    assert_int_equal(ops->scan(lab->sink, &person, NULL, dump_row, NULL),
                     CS_E_CONFIG);
    assert_non_null(strstr(lab->fake.error, "no column Mail"));
}

static enum cs_rc change(struct lab *lab, enum cs_change what,
                         const struct cs_entity *entity, size_t column)
{
    struct cs_step step = {.size = sizeof step,
                           .change = what,
                           .entity = entity,
                           .column = column};
    return ops->alter(lab->sink, &step, NULL, NULL);
}

static void changing(void **state)
{
    struct lab *lab = *state;
    unsigned lengths[COLUMNS];
    struct cs_column wide[COLUMNS];
    struct cs_entity wider = person;
    make_both(lab);
    aside(lab, "DROP TABLE People; CREATE TABLE People (PersonId INTEGER"
               " PRIMARY KEY, Key nvarchar(50) UNIQUE, Mail nvarchar(20),"
               " Age int); INSERT INTO People (Key, Mail) VALUES ('k', 'm')");
    for (int again = 0; again < 2; again++) {
        assert_int_equal(change(lab, CS_ADD_COLUMN, &person, FIRST), CS_OK);
        assert_int_equal(change(lab, CS_ADD_COLUMN, &person, ACTIVE), CS_OK);
        assert_int_equal(change(lab, CS_ADD_COLUMN, &person, SEEN), CS_OK);
        assert_int_equal(change(lab, CS_ADD_COLUMN, &person, GROUP), CS_OK);
        assert_int_equal(change(lab, CS_ADD_INDEX, &person, AGE), CS_OK);
        assert_int_equal(change(lab, CS_WIDEN_COLUMN, &person, MAIL), CS_OK);
    }
    assert_int_equal(ops->inspect(lab->sink, &person, lengths), CS_OK);
    assert_int_equal(lengths[MAIL], 200);
    assert_stored(lab->sink, "1|k||m|-|yes|-|-\n");

    /* Inside a transaction, and undone with it; an index is kept. */
    memcpy(wide, columns, sizeof wide);
    wide[FIRST].length = 0;
    wide[FIRST].flags |= CS_INDEX;
    wider.columns = wide;
    assert_int_equal(change(lab, CS_ADD_INDEX, &wider, FIRST), CS_OK);
    for (int again = 0; again < 2; again++) {
        assert_int_equal(ops->begin(lab->sink), CS_OK);
        assert_int_equal(change(lab, CS_WIDEN_COLUMN, &wider, FIRST), CS_OK);
        if (again)
            assert_int_equal(ops->commit(lab->sink), CS_OK);
        else
            ops->rollback(lab->sink);
        assert_int_equal(ops->inspect(lab->sink, &person, lengths), CS_OK);
        assert_int_equal(lengths[FIRST], again ? 0 : 100);
    }
    assert_stored(lab->sink, "1|k||m|-|yes|-|-\n");
    aside(lab, "DROP INDEX IX_People_First; DROP INDEX IX_People_Age;"
               "DROP INDEX IX_People_GroupId");

    wide[KEY].length = 60;
    assert_int_equal(change(lab, CS_WIDEN_COLUMN, &wider, KEY), CS_E_CONFIG);
    assert_non_null(strstr(lab->fake.error, "cannot widen column Key"));
    aside(lab, "DROP TABLE People; CREATE TABLE People (x)");
    assert_int_equal(change(lab, CS_ADD_COLUMN, &person, ID), CS_E_CONFIG);
    assert_int_equal(change(lab, CS_ADD_COLUMN, &person, KEY), CS_OK);
    aside(lab, "DROP INDEX IX_People_Key");
}

/* ---- Files that are no databases, and full disks ------------------------- */

static void assert_refused(struct lab *lab, const char *reason)
{
    unsigned lengths[COLUMNS];
    assert_int_equal(ops->begin(lab->sink), CS_E_CONFIG);
    assert_non_null(strstr(lab->fake.error, lab->path));
    assert_non_null(strstr(lab->fake.error, reason));
    lab->fake.error[0] = '\0';
    assert_int_equal(ops->life.check(lab->sink), CS_E_CONFIG);
    assert_non_null(strstr(lab->fake.error, reason));
    assert_int_not_equal(ops->inspect(lab->sink, &person, lengths), CS_OK);
    ops->rollback(lab->sink);
}

static void write_file(const char *path, const char *text_of_it, size_t size)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(text_of_it, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

static void moved(void **state)
{
    struct lab *lab = *state;
    char elsewhere[200];

    snprintf(elsewhere, sizeof elsewhere, "%s-elsewhere", lab->path);
    make_both(lab);
    assert_int_equal(ops->life.check(lab->sink), CS_OK);
    assert_int_equal(rename(lab->path, elsewhere), 0);
    assert_int_equal(ops->life.check(lab->sink), CS_E_RETRY);
    assert_non_null(strstr(lab->fake.error, "removed or replaced"));
    assert_int_equal(rename(elsewhere, lab->path), 0);
    assert_int_equal(ops->life.check(lab->sink), CS_OK);
}

static void no_database(void **state)
{
    struct lab *lab = *state;
    static const char prose[] =
        "Dear diary, today Mary Kowalski came to see the principal about "
        "something that must not be quoted in any message at all.";
    assert_int_equal(mkdir(lab->path, 0700), 0);
    assert_refused(lab, "a directory");
    assert_int_equal(rmdir(lab->path), 0);
    assert_int_equal(mkfifo(lab->path, 0600), 0);
    assert_refused(lab, "not a regular file");
    assert_int_equal(unlink(lab->path), 0);
    write_file(lab->path, prose, sizeof prose);
    assert_refused(lab, "not an SQLite database");
    assert_null(strstr(lab->fake.error, "Mary"));

    /* Empty is as good as new. */
    unsigned lengths[COLUMNS];
    write_file(lab->path, "", 0);
    assert_int_equal(ops->inspect(lab->sink, &person, lengths), CS_E_NOT_HERE);
    make_both(lab);
    fake_host_close(&lab->fake);

    /* A schema page of garbage. */
    FILE *file = fopen(lab->path, "r+");
    assert_non_null(file);
    fseek(file, 100, SEEK_SET);
    for (size_t i = 0; i < 3000; i++)
        fputc(0xa5, file);
    fclose(file);
    assert_int_equal(fake_host_open(&lab->fake), CS_OK);
    lab->sink = lab->fake.self;
    assert_refused(lab, "damaged");
}

static void no_folder(void **state)
{
    struct lab *lab = *state;
    size_t end = strlen(lab->folder);
    fake_host_close(&lab->fake);
    snprintf(lab->path + end, sizeof lab->path - end, "/no/people.db");
    assert_int_equal(fake_host_open(&lab->fake), CS_OK);
    lab->sink = lab->fake.self;
    assert_refused(lab, "folder does not exist");
    assert_int_equal(ops->lock(lab->sink, "x", 0), CS_E_CONFIG);

    char file[128];
    snprintf(file, sizeof file, "%s/no", lab->folder);
    write_file(file, "x", 1);
    assert_refused(lab, "Not a directory");
}

/* Root may write everywhere, so a child becomes nobody. */
static bool as_nobody(struct lab *lab, bool (*fn)(struct fake_host *fake))
{
    int status;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        bool right = geteuid() != 0 || setuid(65534) == 0;
        right = right && fake_host_open(&lab->fake) == CS_OK && fn(&lab->fake);
        fake_host_clear(&lab->fake);
        _exit(right ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    return status == 0;
}

static bool cannot_write_the_file(struct fake_host *fake)
{
    return ops->begin(fake->self) == CS_E_CONFIG &&
           strstr(fake->error, "no permission to write") != NULL &&
           ops->life.check(fake->self) == CS_E_CONFIG &&
           strstr(fake->error, "no permission to write") != NULL;
}

static bool cannot_write_the_folder(struct fake_host *fake)
{
    return ops->begin(fake->self) == CS_E_CONFIG &&
           ops->life.check(fake->self) == CS_E_CONFIG &&
           ops->lock(fake->self, "x", 0) == CS_E_CONFIG &&
           strstr(fake->error, "Permission denied") != NULL;
}

static void no_permission(void **state)
{
    struct lab *lab = *state;
    make_both(lab);
    fake_host_close(&lab->fake);
    assert_int_equal(chmod(lab->path, 0444), 0);
    assert_int_equal(chmod(lab->folder, 0777), 0);
    bool file = as_nobody(lab, cannot_write_the_file);
    assert_int_equal(chmod(lab->folder, 0555), 0);
    bool folder = as_nobody(lab, cannot_write_the_folder);
    assert_int_equal(chmod(lab->folder, 0755), 0);
    assert_int_equal(unlink(lab->path), 0);
    assert_int_equal(chmod(lab->folder, 0555), 0);
    bool missing = as_nobody(lab, cannot_write_the_folder);
    assert_int_equal(chmod(lab->folder, 0755), 0);
    assert_true(file);
    assert_true(folder);
    assert_true(missing);
}

static void the_disk_is_full(void **state)
{
    struct lab *lab = *state;
    struct cs_value *cells = crowd(lab, 1000);
    make_both(lab);
    assert_int_equal(put_key(lab->sink, CS_INSERT, "kept", "x"), CS_OK);
    struct sqlite_test *self = lab->sink;
    sqlite3_exec(self->db, "PRAGMA max_page_count = 9", NULL, NULL, NULL);
    assert_int_equal(ops->begin(lab->sink), CS_OK);
    assert_int_equal(apply(lab->sink, CS_INSERT, lab->rows, 1000, NULL),
                     CS_E_FATAL);
    assert_non_null(strstr(lab->fake.error, "the disk is full"));
    assert_non_null(strstr(lab->fake.error, lab->path));
    ops->rollback(lab->sink);
    assert_int_equal(count(lab->sink), 1);
    disperse(cells);
}

/* The system writes no further than this: not in this process, for others. */
static void a_write_fails(void **state)
{
    struct lab *lab = *state;
    int status;
    make_both(lab);
    assert_int_equal(put_key(lab->sink, CS_INSERT, "kept", "x"), CS_OK);
    fake_host_close(&lab->fake);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        const struct rlimit limit = {32768, 32768};
        signal(SIGXFSZ, SIG_IGN);
        struct cs_value *cells = crowd(lab, 1000);
        bool right = setrlimit(RLIMIT_FSIZE, &limit) == 0 &&
                     fake_host_open(&lab->fake) == CS_OK &&
                     apply(lab->fake.self, CS_INSERT, lab->rows, 1000, NULL) ==
                         CS_E_FATAL &&
                     strstr(lab->fake.error, "failed") != NULL;
        disperse(cells);
        fake_host_clear(&lab->fake);
        _exit(right ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_int_equal(fake_host_open(&lab->fake), CS_OK);
    lab->sink = lab->fake.self;
    assert_stored(lab->sink, "1|kept|x|-|7|yes|-|-\n");
}

/* ---- Locks -------------------------------------------------------------- */

static void locks(void **state)
{
    struct lab *lab = *state;
    struct fake_host other;
    join(lab, &other);
    void *a = lab->sink, *b = other.self;
    assert_int_equal(ops->holds(a, "one"), CS_E_BUSY);
    ops->unlock(a, "one");
    assert_int_equal(ops->lock(a, "one", 0), CS_OK);
    assert_int_equal(ops->lock(a, "two", 0), CS_OK);
    assert_int_equal(ops->lock(a, "one", 0), CS_E_BUSY);
    assert_int_equal(ops->holds(a, "one"), CS_OK);
    assert_int_equal(ops->holds(a, "two"), CS_OK);
    assert_int_equal(ops->lock(b, "one", 0), CS_E_BUSY);
    assert_non_null(strstr(other.error, "holds the lock one"));
    assert_int_equal(ops->lock(b, "one", 50), CS_E_BUSY); /* waits in vain */
    assert_int_equal(ops->holds(b, "one"), CS_E_BUSY);
    assert_int_equal(ops->lock(b, "three", 0), CS_OK);
    other.remaining = 0;
    assert_int_equal(ops->lock(b, "two", 60000), CS_E_CANCELLED);
    ops->unlock(b, "one"); /* not b's */
    assert_int_equal(ops->holds(a, "one"), CS_OK);
    ops->unlock(a, "one");
    assert_int_equal(ops->holds(a, "one"), CS_E_BUSY);
    assert_int_equal(ops->lock(b, "one", 0), CS_OK);
    assert_int_equal(ops->lock(a, "three", 0), CS_E_BUSY);
    fake_host_clear(&other);
    assert_int_equal(ops->lock(a, "three", 0), CS_OK);
    assert_int_equal(ops->lock(a, "one", 0), CS_OK);
    assert_int_equal(access(lab->path, F_OK), -1); /* no database for a lock */
}

static void *unlock_soon(void *sink)
{
    ops->unlock(sink, "one");
    return NULL;
}

static void a_wait_ends_when_the_lock_is_free(void **state)
{
    struct lab *lab = *state;
    struct fake_host other;
    pthread_t thread;
    join(lab, &other);
    assert_int_equal(ops->lock(other.self, "one", 0), CS_OK);
    assert_int_equal(ops->lock(lab->sink, "one", 0), CS_E_BUSY);
    assert_int_equal(pthread_create(&thread, NULL, unlock_soon, other.self), 0);
    assert_int_equal(ops->lock(lab->sink, "one", 60000), CS_OK);
    pthread_join(thread, NULL);
    fake_host_clear(&other);
}

static void take_a_lock(struct fake_host *fake)
{
    if (ops->lock(fake->self, "one", 0) != CS_OK)
        _exit(3);
}

static void a_lock_dies_with_its_process(void **state)
{
    struct lab *lab = *state;
    in_a_child_that_dies(lab, take_a_lock);
    assert_int_equal(ops->lock(lab->sink, "one", 0), CS_OK);
}

static void a_lock_file_that_is_gone(void **state)
{
    struct lab *lab = *state;
    struct fake_host other;
    char path[160];
    snprintf(path, sizeof path, "%s-lock", lab->path);
    join(lab, &other);
    assert_int_equal(ops->lock(lab->sink, "one", 0), CS_OK);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(ops->holds(lab->sink, "one"), CS_E_BUSY);
    assert_int_equal(ops->lock(lab->sink, "two", 0), CS_E_RETRY);
    assert_int_equal(ops->lock(other.self, "one", 0), CS_OK);
    assert_int_equal(ops->holds(lab->sink, "one"), CS_E_BUSY);
    ops->unlock(lab->sink, "one");
    assert_int_equal(ops->lock(lab->sink, "one", 0), CS_E_BUSY);
    assert_int_equal(ops->lock(lab->sink, "two", 0), CS_OK);
    fake_host_clear(&other);
}

/* ---- Several at once ---------------------------------------------------- */

struct worker {
    pthread_t thread;
    struct fake_host fake;
    struct fake_pair options[2];
    char path[160], first[16];
    enum cs_rc rc;
};

static void *work(void *arg)
{
    struct worker *worker = arg;
    enum cs_rc rc = make(worker->fake.self, &group);
    if (rc == CS_OK)
        rc = make(worker->fake.self, &person);
    for (int i = 0; rc == CS_OK && i < 50; i++) {
        char key[32];
        snprintf(key, sizeof key, "%s-%d", worker->first, i);
        rc = put_key(worker->fake.self, CS_INSERT, key, worker->first);
    }
    worker->rc = rc;
    return NULL;
}

/* Four databases at once, then four writers on one. */
static void several_at_once(void **state)
{
    struct lab *lab = *state;
    static struct worker workers[8];
    memset(workers, 0, sizeof workers);
    for (size_t i = 0; i < 8; i++) {
        struct worker *worker = &workers[i];
        snprintf(worker->path, sizeof worker->path, "%s.%zu", lab->path,
                 i < 4 ? i : 4);
        snprintf(worker->first, sizeof worker->first, "w%zu", i);
        worker->options[0] = (struct fake_pair){"path", worker->path};
        fake_host_init(&worker->fake, &cleversync_plugin);
        worker->fake.options = worker->options;
        assert_int_equal(fake_host_open(&worker->fake), CS_OK);
    }
    for (size_t i = 0; i < 8; i++)
        assert_int_equal(
            pthread_create(&workers[i].thread, NULL, work, &workers[i]), 0);
    for (size_t i = 0; i < 8; i++)
        pthread_join(workers[i].thread, NULL);
    for (size_t i = 0; i < 8; i++) {
        if (workers[i].rc != CS_OK)
            print_error("worker %zu: %s\n", i, workers[i].fake.error);
        assert_int_equal(workers[i].rc, CS_OK);
        assert_int_equal(count(workers[i].fake.self), i < 4 ? 50 : 200);
        fake_host_clear(&workers[i].fake);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
#define TEST(NAME) cmocka_unit_test_setup_teardown(NAME, setup, teardown)
        TEST(looking_makes_nothing),
        TEST(files_are_private),
        TEST(a_path_is_a_path),
        TEST(batches_of_each_size),
        TEST(values_come_back_as_they_were),
        TEST(numbers_and_flags),
        TEST(absent_is_not_null),
        TEST(existing_and_missing_rows),
        TEST(keys_are_compared_byte_for_byte),
        TEST(one_bad_row),
        TEST(a_trigger_undoes_the_transaction),
        TEST(foreign_keys_count),
        TEST(filters),
        TEST(a_scan_stops_when_told),
        TEST(transactions),
        TEST(killed_before_commit),
        TEST(the_deadline),
        TEST(inspecting),
        TEST(changing),
        TEST(moved),
        TEST(no_database),
        TEST(no_folder),
        TEST(no_permission),
        TEST(the_disk_is_full),
        TEST(a_write_fails),
        TEST(locks),
        TEST(a_wait_ends_when_the_lock_is_free),
        TEST(a_lock_dies_with_its_process),
        TEST(a_lock_file_that_is_gone),
        TEST(several_at_once),
    };
    return cmocka_run_group_tests_name("sqlite-test", tests, NULL, NULL);
}
