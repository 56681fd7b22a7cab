/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* Writing what a comparison found, to a sink in memory that refuses rows and
 * fails at every call it is asked to: all is written once, or nothing is. */
#include "config.h"

#include "sync/cell.h"
#include "fake-sink.h"
#include "folder.h"
#include "base/memory.h"
#include "plugin/sink.h"
#include "sync/write.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#undef fail /* cmocka's; struct cs_host has a member of this name */

#define NOW INT64_C(1767225600000000) /* 2026-01-01 */
#define NOW_TEXT "2026-01-01T00:00:00.000Z"
#define TEA "sink.rows: the database is out for tea"

/* ---- The session database: tables that are there and a lock ------------- */

static struct {
    const struct cs_host *host;
    enum cs_rc rc;   /* what holds() says next */
    size_t failures; /* and how often, for lock() ends it */
    size_t taken;    /* how often lock() finds that somebody has it */
    const char *run; /* of the newest row of the history; NULL: none */
    int64_t sync_id;
    size_t locks, unlocks;
    bool holds; /* is it ours? */
} guard;

static enum cs_rc session_open(const struct cs_host *host, void **self)
{
    guard.host = host;
    *self = &guard;
    return CS_OK;
}

static void session_close(void *self)
{
    (void)self;
}

static enum cs_rc session_inspect(void *self, const struct cs_entity *entity,
                                  unsigned *lengths)
{
    (void)self;
    (void)entity;
    (void)lengths;
    return CS_OK;
}

static enum cs_rc session_scan(void *self, const struct cs_entity *entity,
                               const struct cs_filter *filter, cs_row_fn *each,
                               void *arg)
{
    struct cs_value row[CS_HISTORY_COLUMNS] = {0};

    (void)self;
    (void)filter;
    if (guard.run == NULL || entity != &cs_schema_history)
        return CS_OK;
    row[CS_HISTORY_ID] = cs_cell_of_integer(guard.sync_id);
    row[CS_HISTORY_SCHOOL] = cs_cell_of_integer(1);
    row[CS_HISTORY_RUN] = cs_cell_of_text(guard.run);
    return each(arg, row);
}

/* Asked when all is written and nothing is committed, and before what failed
 * begins anew. */
static enum cs_rc session_holds(void *self, const char *name)
{
    (void)self;
    assert_string_equal(name, "school/s1");
    if (guard.failures == 0)
        return CS_OK;
    guard.failures--;
    guard.holds = false;
    return cs_fail(guard.host, guard.rc, "the lock is lost");
}

static enum cs_rc session_lock(void *self, const char *name, long wait_ms)
{
    (void)self;
    assert_string_equal(name, "school/s1");
    assert_int_equal(wait_ms, 0);
    assert_false(guard.holds); /* it was given up before */
    assert_false(fake_sink.open);
    guard.locks++;
    if (guard.taken > 0) {
        guard.taken--;
        return cs_fail(guard.host, CS_E_BUSY, "taken");
    }
    guard.failures = 0;
    guard.holds = true;
    return CS_OK;
}

static void session_unlock(void *self, const char *name)
{
    (void)self;
    assert_string_equal(name, "school/s1");
    guard.unlocks++;
    guard.holds = false;
}

static const struct cs_module session_module = {
    .kind = CS_SINK,
    .ops.sink = {.life = {.open = session_open, .close = session_close},
                 .inspect = session_inspect,
                 .scan = session_scan,
                 .lock = session_lock,
                 .holds = session_holds,
                 .unlock = session_unlock},
};

/* ---- The program around it ----------------------------------------------- */

static char session_section[] = "sink.session", rows_section[] = "sink.rows";
static struct cs_part session_part = {
    .section = session_section, .name = "session", .module = &session_module};
static struct cs_part rows_part = {
    .section = rows_section, .name = "rows", .module = &fake_sink_module};

enum { KEY, FIRST, MAPPED };
static const struct cs_column pupil_columns[MAPPED] = {
    [KEY] = {"CleverPupilId", CS_TEXT, 10, CS_KEY | CS_NOT_NULL, NULL, NULL},
    [FIRST] = {"FirstName", CS_TEXT, 10, CS_NOT_NULL, NULL, NULL},
};
static const struct cs_entity pupil = {"pupil", "pupils", "Pupils",
                                       pupil_columns, MAPPED};

static char school_id[] = "s1";
static char district_id[] = "d1";
static const struct cs_district district = {.clever_id = district_id};
static const struct cs_school school = {
    .id = 1, .district = &district, .clever_id = school_id};
static struct cs_app app;
static struct cs_session *session;
static struct cs_instance *sink;
static struct cs_schema *schema;
static struct cs_diff diff;
static struct cs_state_new state_new;
static struct cs_write request;
static struct cs_write_result result;
static struct cs_error error;

#define assert_ok(CALL) assert_int_equal((CALL), CS_OK)
#define assert_error(CALL, RC, TEXT)             \
    do {                                         \
        assert_int_equal((CALL), (RC));          \
        assert_string_equal(error.text, (TEXT)); \
    } while (0)

/* Nothing is wrong any more; the base stays. */
static void heal(void)
{
    fake_sink_fail(0, 0);
    fake_sink.rc = CS_OK;
    fake_sink.after_commit = fake_sink.cut = fake_sink.taken = false;
    fake_sink.refuses = NULL;
    guard.failures = guard.taken = guard.locks = guard.unlocks = 0;
    guard.run = NULL;
    guard.holds = true;
}

static int open_with(size_t batch_size)
{
    struct cs_settings_request file = {0};
    struct cs_problems problems = {0};
    char *text;

    cs_clock_turn(NOW);
    text = cs_memory_format("[sync]\nbatch_size = %zu\n", batch_size);
    folder_new();
    file.file = folder_text("cleversync.conf", text);
    free(text);
    cs_settings_read(&app.settings, &file, &problems);
    assert_int_equal(problems.n, 0);
    folder_remove();
    app.wiring.session = &session_part;
    app.cancel = cs_cancel_new(NULL, 0);
    assert_ok(cs_session_open(&session, &app, &error));
    assert_ok(cs_instance_open(
        &sink, &app, &(struct cs_instance_request){.part = &rows_part},
        &error));
    schema = cs_schema_new(&pupil);
    cs_diff_init(&diff, schema, NULL, NULL, NULL);
    state_new = (struct cs_state_new){.entity = "Pupil",
                                      .school_id = school_id,
                                      .run = "r0",
                                      .cursor = "c0",
                                      .last_sync = NOW,
                                      .sync_id = 7};
    request = (struct cs_write){.settings = app.settings,
                                .session = session,
                                .school = &school,
                                .sink = sink,
                                .diff = &diff,
                                .leavers = CS_WRITE_DEACTIVATE,
                                .state = &state_new,
                                .most_rejects = 1000,
                                .cancel = app.cancel};
    return 0;
}

static int open_app(void **state)
{
    (void)state;
    return open_with(2);
}

static int close_app(void **state)
{
    (void)state;
    cs_write_clear(&result);
    cs_diff_clear(&diff);
    cs_instance_close(sink);
    fake_sink_clear();
    cs_schema_free(schema);
    cs_session_close(session);
    cs_cancel_free(app.cancel);
    cs_settings_free(app.settings);
    app = (struct cs_app){0};
    heal();
    return 0;
}

static void reopen(size_t batch_size)
{
    close_app(NULL);
    open_with(batch_size);
}

/* ---- What is there and what comes ---------------------------------------- */

static enum cs_rc stored(void *arg, const struct cs_value *row)
{
    cs_diff_stored(arg, row);
    return CS_OK;
}

/* A new comparison with what is stored now. */
static void next_run(const char *run)
{
    cs_diff_clear(&diff);
    cs_diff_init(&diff, schema, NULL, NULL, NULL);
    if (fake_sink_table(&schema->entity))
        assert_ok(
            cs_sink_scan(sink, &schema->entity, NULL, stored, &diff, &error));
    cs_diff_page(&diff);
    state_new.run = run;
    heal();
}

static void arrive(const char *key, const char *first)
{
    struct cs_value row[MAPPED] = {cs_cell_of_text(key),
                                   cs_cell_of_text(first)};

    cs_diff_arrived(&diff, CS_OK, row, NULL);
}

static enum cs_rc write_all(void)
{
    cs_write_clear(&result);
    return cs_write_all(&request, &result, &error);
}

static void write_well(void)
{
    assert_ok(write_all());
    cs_write_clear(&result);
}

/* The keys "a", "b", ... of `keys`, each with this name. */
static void arrive_all(const char *keys, const char *first)
{
    for (; *keys; keys++)
        arrive((char[]){*keys, '\0'}, first);
}

static bool refuses_h(enum cs_op op, const char *key)
{
    (void)op;
    return strcmp(key, "h") == 0;
}

/* A run where each kind of change is due: a stays, b and c change, d leaves,
 * g is back, e and f are new, and h is refused. */
static void a_day(void)
{
    next_run("r0");
    arrive_all("abcdg", "Ann");
    write_well();
    next_run("r1");
    arrive_all("abcd", "Ann");
    write_well();
    next_run("r2");
    arrive_all("aefg", "Ann");
    arrive_all("bc", "Bob");
    arrive("h", "Eve");
    fake_sink.refuses = refuses_h;
}

/* A run where everything is new, and there are no tables. */
static void the_first_day(void)
{
    next_run("r2");
    arrive_all("abcefg", "Ann");
    arrive("h", "Eve");
    fake_sink.refuses = refuses_h;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(a, b);
}

enum { LINE = 100 };

/* "KEY NAME" of each pupil, in order, inactive ones with a '-'; gives how many
 * there are. */
static size_t list_pupils(char list[FAKE_ROWS][LINE])
{
    const struct fake_table *table = fake_sink_table(&schema->entity);
    size_t n = table ? table->n : 0;

    for (size_t r = 0; r < n; r++) {
        const struct cs_value *cells = table->rows[r].cells;
        bool active = cs_cell_flag(&cells[schema->active], false);

        assert_int_equal(cells[schema->deactivated].state,
                         active ? CS_NULL : CS_SET);
        assert_non_null(cs_cell_text(&cells[schema->created]));
        assert_non_null(cs_cell_text(&cells[schema->updated]));
        snprintf(list[r], LINE, "%s %s%s;",
                 cs_cell_text(&cells[schema->first + KEY]),
                 cs_cell_text(&cells[schema->first + FIRST]),
                 active ? "" : " -");
    }
    qsort(list, n, LINE, by_text);
    return n;
}

static void assert_pupils(const char *wanted)
{
    static char list[FAKE_ROWS][LINE], all[FAKE_ROWS * LINE];
    size_t n = list_pupils(list);

    all[0] = '\0';
    for (size_t i = 0; i < n; i++)
        strcat(all, list[i]);
    assert_string_equal(all, wanted);
}

/* run NULL: there is no state. */
static void assert_state(const char *run)
{
    struct fake_table *table = fake_sink_table(&cs_schema_state);

    if (!run) {
        assert_true(!table || table->n == 0);
        return;
    }
    assert_non_null(table);
    assert_int_equal(table->n, 1);
    assert_string_equal(cs_cell_text(&table->rows[0].cells[CS_STATE_RUN]), run);
}

static void assert_counts(size_t inserted, size_t updated, size_t restored,
                          size_t deactivated, size_t deleted, size_t rejects)
{
    assert_int_equal(result.inserted, inserted);
    assert_int_equal(result.updated, updated);
    assert_int_equal(result.restored, restored);
    assert_int_equal(result.deactivated, deactivated);
    assert_int_equal(result.deleted, deleted);
    assert_int_equal(result.nrejects, rejects);
}

static void assert_at_rest(void)
{
    assert_false(fake_sink.open);
    assert_string_equal(fake_sink.lock, "");
}

#define DAY_BEFORE "a Ann;b Ann;c Ann;d Ann;g Ann -;"
#define DAY_AFTER "a Ann;b Bob;c Bob;d Ann -;e Ann;f Ann;g Ann;"

struct scene {
    void (*set)(void);
    const char *before, *run, *after;
    size_t counts[5];
};
static const struct scene scenes[] = {
    {a_day, DAY_BEFORE, "r1", DAY_AFTER, {2, 2, 1, 1, 0}},
    {the_first_day,
     "",
     NULL,
     "a Ann;b Ann;c Ann;e Ann;f Ann;g Ann;",
     {6, 0, 0, 0, 0}},
};
enum { SCENES = sizeof(scenes) / sizeof(*scenes) };

static void assert_written(const struct scene *scene)
{
    const size_t *counts = scene->counts;

    assert_at_rest();
    assert_pupils(scene->after);
    assert_state("r2");
    assert_counts(counts[0], counts[1], counts[2], counts[3], counts[4], 1);
    assert_string_equal(result.rejects[0].key, "h");
    assert_string_equal(result.rejects[0].reason,
                        "sink.rows: the row is refused");
}

static void assert_nothing_written(const struct scene *scene)
{
    assert_at_rest();
    assert_pupils(scene->before);
    assert_state(scene->run);
    assert_counts(0, 0, 0, 0, 0, 0);
}

/* How many calls that can fail the scene takes; the last one is the commit. */
static size_t calls_of(const struct scene *scene)
{
    reopen(2);
    scene->set();
    fake_sink_fail(0, 0);
    assert_ok(write_all());
    assert_written(scene);
    return fake_sink.calls;
}

/* ---- Without trouble ----------------------------------------------------- */

static void a_day_is_written(void **state)
{
    static const size_t sizes[] = {1, 2, 7, 100};

    (void)state;
    for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
        for (size_t s = 0; s < SCENES; s++) {
            reopen(sizes[i]);
            scenes[s].set();
            assert_ok(write_all());
            assert_written(&scenes[s]);
        }
    }
}

static void the_state_says_how_far(void **state)
{
    const struct cs_value *cells;

    (void)state;
    a_day();
    state_new.cursor = "c2";
    state_new.sync_id = 9;
    assert_ok(write_all());
    cells = fake_sink_table(&cs_schema_state)->rows[0].cells;
    assert_string_equal(cs_cell_text(&cells[CS_STATE_ENTITY]), "Pupil");
    assert_string_equal(cs_cell_text(&cells[CS_STATE_SCHOOL]), "s1");
    assert_string_equal(cs_cell_text(&cells[CS_STATE_CURSOR]), "c2");
    assert_string_equal(cs_cell_text(&cells[CS_STATE_LAST_SYNC]), NOW_TEXT);
    assert_int_equal(cs_cell_integer(&cells[CS_STATE_SYNC]), 9);
    assert_int_equal(fake_sink.wait_ms, LONG_MAX); /* no deadline */
}

static void times_are_those_of_the_write(void **state)
{
    struct fake_table *table;
    const struct cs_value *cells;

    (void)state;
    a_day();
    cs_clock_turn(NOW + CS_SECOND);
    assert_ok(write_all());
    table = fake_sink_table(&schema->entity);
    cells = fake_sink_row(table, "a")->cells;
    assert_string_equal(cs_cell_text(&cells[schema->updated]), NOW_TEXT);
    cells = fake_sink_row(table, "b")->cells;
    assert_string_equal(cs_cell_text(&cells[schema->created]), NOW_TEXT);
    assert_string_equal(cs_cell_text(&cells[schema->updated]),
                        "2026-01-01T00:00:01.000Z");
    cells = fake_sink_row(table, "d")->cells;
    assert_string_equal(cs_cell_text(&cells[schema->deactivated]),
                        "2026-01-01T00:00:01.000Z");
    cells = fake_sink_row(table, "e")->cells;
    assert_string_equal(cs_cell_text(&cells[schema->created]),
                        "2026-01-01T00:00:01.000Z");
}

static void leavers_go_as_asked(void **state)
{
    struct cs_keys only;

    (void)state;
    a_day();
    request.leavers = CS_WRITE_KEEP;
    assert_ok(write_all());
    assert_counts(2, 2, 1, 0, 0, 1);
    next_run("r3");
    arrive_all("ab", "Ann");
    request.leavers = CS_WRITE_DEACTIVATE;
    request.only = &only;
    cs_keys_init(&only, 1);
    cs_keys_put(&only, "d");
    cs_keys_put(&only, "z");
    assert_ok(write_all());
    assert_pupils("a Ann;b Ann;c Bob;d Ann -;e Ann;f Ann;g Ann;");
    next_run("r4");
    arrive_all("ab", "Ann");
    request.leavers = CS_WRITE_DELETE;
    cs_keys_put(&only, "e"); /* d is inactive and none of the active ones */
    assert_ok(write_all());
    assert_counts(0, 0, 0, 0, 1, 0);
    assert_pupils("a Ann;b Ann;c Bob;d Ann -;f Ann;g Ann;");
    next_run("r5");
    arrive_all("ab", "Ann");
    request.only = NULL;
    assert_ok(write_all());
    assert_counts(0, 0, 0, 0, 4, 0);
    assert_pupils("a Ann;b Ann;");
    cs_keys_clear(&only);
}

/* ---- The database may work later ----------------------------------------- */

/* After `times` pauses, each up to a quarter longer than its measure. */
static void assert_pauses(int64_t since, size_t times)
{
    int64_t took = cs_clock_steady() - since;
    int64_t least = ((INT64_C(1) << times) - 1) * CS_SECOND; /* 1 + 2 + 4 */

    assert_true(took >= least);
    assert_true(took <= least + least / 4);
}

/* Each call in turn fails, and then as many attempts as `times` says. */
static void each_call_fails(const struct scene *scene, bool cut, size_t times)
{
    size_t calls = calls_of(scene);

    for (size_t nth = 1; nth <= calls; nth++) {
        reopen(2);
        scene->set();
        fake_sink.cut = cut;
        fake_sink_fail(nth, times);
        if (times > 3) {
            assert_error(write_all(), CS_E_RETRY, TEA);
            assert_nothing_written(scene);
            assert_int_equal(fake_sink.locks, 1 + 3);
            assert_pauses(NOW, 3);
        } else {
            assert_ok(write_all());
            assert_written(scene);
            assert_int_equal(fake_sink.locks, 1 + times);
            assert_pauses(NOW, times);
        }
    }
}

static void transient_errors_are_repeated(void **state)
{
    (void)state;
    for (size_t s = 0; s < SCENES; s++)
        for (size_t times = 1; times <= 4; times++)
            each_call_fails(&scenes[s], false, times);
}

static void lost_connections_are_made_anew(void **state)
{
    (void)state;
    for (size_t s = 0; s < SCENES; s++)
        for (size_t times = 1; times <= 4; times++)
            each_call_fails(&scenes[s], true, times);
}

/* It is committed, and the program does not know: not even when the attempts
 * after it do not come far. */
static void lost_answers_change_nothing(void **state)
{
    (void)state;
    for (size_t s = 0; s < SCENES; s++) {
        size_t commit = calls_of(&scenes[s]);

        for (int cut = 0; cut < 2; cut++)
            for (size_t times = 1; times <= 3; times++) {
                reopen(2);
                scenes[s].set();
                fake_sink.cut = cut;
                fake_sink.after_commit = true;
                fake_sink_fail(commit, times);
                assert_ok(write_all());
                assert_written(&scenes[s]);
                assert_int_equal(fake_sink.locks, 1 + times);
            }
    }
}

/* When no attempt after it gets through, the error says so, and the next run
 * finds what is there. */
static void answers_lost_for_good_are_errors(void **state)
{
    size_t commit = calls_of(&scenes[0]);

    (void)state;
    reopen(2);
    a_day();
    fake_sink.after_commit = true;
    fake_sink_fail(commit, 4);
    assert_error(write_all(), CS_E_RETRY, TEA);
    assert_at_rest();
    assert_pupils(DAY_AFTER);
    assert_state("r2");
    assert_counts(0, 0, 0, 0, 0, 0);
    next_run("r3");
    arrive_all("aefg", "Ann");
    arrive_all("bc", "Bob");
    assert_ok(write_all());
    assert_counts(0, 0, 0, 0, 0, 0);
    assert_pupils(DAY_AFTER);
}

static void permanent_errors_are_not(void **state)
{
    static const enum cs_rc classes[] = {CS_E_CONFIG, CS_E_AUTH, CS_E_BUSY,
                                         CS_E_CANCELLED, CS_E_FATAL};

    (void)state;
    for (size_t s = 0; s < SCENES; s++) {
        size_t calls = calls_of(&scenes[s]);

        for (size_t c = 0; c < sizeof(classes) / sizeof(*classes); c++)
            for (size_t nth = 1; nth <= calls; nth++) {
                reopen(2);
                scenes[s].set();
                fake_sink.rc = classes[c];
                fake_sink_fail(nth, 1);
                assert_error(write_all(), classes[c], TEA);
                assert_nothing_written(&scenes[s]);
                assert_int_equal(fake_sink.calls, nth);
                assert_int_equal(cs_clock_steady(), NOW);
            }
    }
}

static void a_lock_that_is_taken_is_not_waited_for_again(void **state)
{
    (void)state;
    a_day();
    fake_sink.taken = true;
    assert_error(write_all(), CS_E_BUSY, "sink.rows: taken");
    assert_nothing_written(&scenes[0]);
    assert_int_equal(fake_sink.locks, 1);
}

/* ---- Rows that are refused ----------------------------------------------- */

static size_t bad_first, bad_last; /* the keys "k000" and on */

static bool refuses_some(enum cs_op op, const char *key)
{
    size_t i = strtoul(key + 1, NULL, 10);

    (void)op;
    return key[0] == 'k' && i >= bad_first && i <= bad_last;
}

static void arrive_numbered(size_t n, const char *first)
{
    char key[24];

    for (size_t i = 0; i < n; i++) {
        snprintf(key, sizeof(key), "k%03zu", i);
        arrive(key, first);
    }
}

/* A whole batch and a row, where the rows from `first` to `last` are bad. */
static void some_are_bad(size_t size, bool update, size_t first, size_t last)
{
    static char list[FAKE_ROWS][LINE];
    size_t n = size + 1, bad = last - first + 1, named = 0, good = 0, there;

    reopen(size);
    if (update) {
        next_run("r1");
        arrive_numbered(n, "Ann");
        write_well();
    }
    next_run("r2");
    arrive_numbered(n, "Bob");
    bad_first = first;
    bad_last = last;
    fake_sink.refuses = refuses_some;
    assert_ok(write_all());
    assert_counts(update ? 0 : n - bad, update ? n - bad : 0, 0, 0, 0, bad);
    for (size_t i = 0; i < bad; i++)
        named += refuses_some(CS_INSERT, result.rejects[i].key);
    assert_int_equal(named, bad);
    there = list_pupils(list);
    assert_int_equal(there, update ? n : n - bad);
    for (size_t i = 0; i < there; i++)
        good += strstr(list[i], "Bob") != NULL;
    assert_int_equal(good, n - bad);
    for (size_t i = 0; !update && i < there; i++)
        assert_int_equal(strtoul(list[i] + 1, NULL, 10),
                         i < first ? i : i + bad);
    assert_state("r2");
}

static void bad_rows_are_set_aside(void **state)
{
    static const size_t sizes[] = {1, 2, 7, 100};

    (void)state;
    for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
        for (int update = 0; update < 2; update++) {
            size_t size = sizes[i];

            for (size_t bad = 0; bad <= size; bad += size > 7 ? 33 : 1)
                some_are_bad(size, update, bad, bad);
            some_are_bad(size, update, size - 1, size - 1);
            some_are_bad(size, update, 0, size - 1); /* the whole batch */
            some_are_bad(size, update, 0, size);     /* the next one, too */
        }
    }
}

static bool refuses_delete(enum cs_op op, const char *key)
{
    return op == CS_DELETE && strchr("bd", key[0]);
}

static bool refuses_delete_and_update(enum cs_op op, const char *key)
{
    return refuses_delete(op, key) || (op == CS_UPDATE && key[0] == 'd');
}

static void who_cannot_be_deleted_is_deactivated(void **state)
{
    static const size_t sizes[] = {1, 2, 7, 100};

    (void)state;
    for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
        reopen(sizes[i]);
        next_run("r1");
        arrive_all("abcde", "Ann");
        write_well();
        next_run("r2");
        arrive("a", "Ann");
        request.leavers = CS_WRITE_DELETE;
        fake_sink.refuses = refuses_delete;
        assert_ok(write_all());
        assert_counts(0, 0, 0, 2, 2, 0);
        assert_pupils("a Ann;b Ann -;d Ann -;");
    }
}

static void who_cannot_even_be_deactivated_is_set_aside(void **state)
{
    (void)state;
    next_run("r1");
    arrive_all("abcde", "Ann");
    write_well();
    next_run("r2");
    arrive("a", "Ann");
    request.leavers = CS_WRITE_DELETE;
    fake_sink.refuses = refuses_delete_and_update;
    assert_ok(write_all());
    assert_counts(0, 0, 0, 1, 2, 1);
    assert_string_equal(result.rejects[0].key, "d");
    assert_pupils("a Ann;b Ann -;d Ann;");
}

static void too_many_refused_rows_fail_the_whole(void **state)
{
    (void)state;
    for (size_t most = 0; most <= 3; most++) {
        reopen(2);
        next_run("r1");
        arrive_numbered(5, "Ann");
        bad_first = 1;
        bad_last = 3;
        fake_sink.refuses = refuses_some;
        request.most_rejects = most;
        if (most == 3) {
            assert_ok(write_all());
            assert_counts(2, 0, 0, 0, 0, 3);
            continue;
        }
        assert_error(write_all(), CS_E_FATAL,
                     "the database refuses 3 rows, more than max_rejects "
                     "allows; nothing was written");
        assert_at_rest();
        assert_pupils("");
        assert_state(NULL);
        assert_counts(0, 0, 0, 0, 0, 0);
        assert_int_equal(fake_sink.locks, 1);
    }
}

/* ---- When it must not be written ----------------------------------------- */

static void a_wrong_stamp_stops(void **state)
{
    struct fake_row *row;
    struct cs_value *stamp;

    (void)state;
    a_day();
    row = fake_sink_row(fake_sink_table(&cs_schema_state), "Pupil");
    stamp = &row->cells[CS_STATE_SCHOOL];
    free((char *)stamp->as.text);
    stamp->as.text = cs_memory_text("s2");
    assert_error(write_all(), CS_E_FATAL,
                 "the database belongs to school s2, not to s1: nothing was "
                 "written; give each school a database of its own, or, if "
                 "this one was renumbered, use \"cleversync school restamp\"");
    assert_int_equal(cs_error_exit(&error), CS_EXIT_PERSON);
    assert_int_equal(fake_sink.locks, 1);
    assert_nothing_written(&scenes[0]);
}

/* The lock goes with its connection: it is taken anew, and all is written. */
static void a_lock_that_is_lost_is_taken_again(void **state)
{
    static const enum cs_rc classes[] = {CS_E_BUSY, CS_E_RETRY};

    (void)state;
    for (size_t c = 0; c < 2; c++)
        for (size_t taken = 0; taken < 3; taken++) {
            reopen(2);
            a_day();
            guard.rc = classes[c];
            guard.failures = SIZE_MAX;
            guard.taken = taken; /* the server has not missed us yet */
            guard.run = "r2";
            guard.sync_id = 8; /* of another entity */
            assert_ok(write_all());
            assert_written(&scenes[0]);
            assert_int_equal(fake_sink.locks, 2);
            assert_int_equal(guard.locks, taken + 1);
            assert_true(guard.holds);
            assert_pauses(NOW, taken + 1);
        }
    /* It may be back, or never have been away. */
    reopen(2);
    a_day();
    guard.failures = 1;
    assert_ok(write_all());
    assert_written(&scenes[0]);
    assert_int_equal(guard.locks, 0);
}

static void a_lock_that_stays_lost_is_an_error(void **state)
{
    (void)state;
    a_day();
    guard.rc = CS_E_RETRY;
    guard.failures = SIZE_MAX;
    guard.taken = SIZE_MAX;
    assert_error(write_all(), CS_E_RETRY,
                 "this school's lock was lost with the connection to the "
                 "session database, and somebody has it now");
    assert_int_equal(cs_error_exit(&error), CS_EXIT_TRANSIENT);
    assert_nothing_written(&scenes[0]);
    assert_int_equal(guard.locks, 3);
    assert_pauses(NOW, 3);
}

/* What was compared no longer counts when another run came in between. */
static void who_was_overtaken_does_not_write(void **state)
{
    (void)state;
    for (size_t taken = 0; taken < 2; taken++) {
        reopen(2);
        a_day();
        guard.rc = CS_E_BUSY;
        guard.failures = SIZE_MAX;
        guard.taken = taken;
        guard.run = "r9";
        guard.sync_id = 8;
        assert_error(write_all(), CS_E_BUSY,
                     "run r9 began with this school when its lock was lost "
                     "with the connection to the session database; the "
                     "school is left to it");
        assert_nothing_written(&scenes[0]);
        assert_int_equal(guard.locks, 1);
        assert_false(guard.holds);
        assert_pauses(NOW, 1);
    }
    /* One that was there before does not matter. */
    reopen(2);
    a_day();
    guard.rc = CS_E_BUSY;
    guard.failures = SIZE_MAX;
    guard.run = "r9";
    guard.sync_id = 6;
    assert_ok(write_all());
    assert_written(&scenes[0]);
}

/* Who repeats for another reason asks as well. */
static void the_lock_may_go_with_the_database(void **state)
{
    (void)state;
    a_day();
    fake_sink_fail(5, 1);
    guard.rc = CS_E_BUSY;
    guard.failures = SIZE_MAX;
    assert_ok(write_all());
    assert_written(&scenes[0]);
    assert_int_equal(fake_sink.locks, 2);
    assert_int_equal(guard.locks, 1);
}

static void who_is_cancelled_does_not_wait(void **state)
{
    (void)state;
    a_day();
    fake_sink_fail(1, 1);
    cs_cancel_now(app.cancel);
    assert_error(write_all(), CS_E_CANCELLED,
                 "the deadline passed while the database was to be tried "
                 "again");
    assert_nothing_written(&scenes[0]);
    assert_int_equal(fake_sink.locks, 1);
    assert_int_equal(fake_sink.wait_ms, 0);
    assert_int_equal(cs_clock_steady(), NOW);
}

static void a_deadline_ends_the_second_wait(void **state)
{
    const int64_t limit = 5 * CS_SECOND / 2; /* 1 to 1.25 s, then 2 or more */
    struct cs_cancel *deadline;

    (void)state;
    a_day();
    deadline = cs_cancel_new(NULL, limit);
    request.cancel = deadline;
    fake_sink_fail(5, SIZE_MAX);
    assert_error(write_all(), CS_E_CANCELLED,
                 "the deadline passed while the database was to be tried "
                 "again");
    assert_nothing_written(&scenes[0]);
    assert_int_equal(fake_sink.locks, 2);
    assert_in_range(fake_sink.wait_ms, 1250, 1500);
    assert_int_equal(cs_clock_steady(), NOW + limit);
    cs_cancel_free(deadline);
}

int main(void)
{
#define TEST(NAME) cmocka_unit_test_setup_teardown(NAME, open_app, close_app)
    const struct CMUnitTest tests[] = {
        TEST(a_day_is_written),
        TEST(the_state_says_how_far),
        TEST(times_are_those_of_the_write),
        TEST(leavers_go_as_asked),
        TEST(transient_errors_are_repeated),
        TEST(lost_connections_are_made_anew),
        TEST(lost_answers_change_nothing),
        TEST(answers_lost_for_good_are_errors),
        TEST(permanent_errors_are_not),
        TEST(a_lock_that_is_taken_is_not_waited_for_again),
        TEST(bad_rows_are_set_aside),
        TEST(who_cannot_be_deleted_is_deactivated),
        TEST(who_cannot_even_be_deactivated_is_set_aside),
        TEST(too_many_refused_rows_fail_the_whole),
        TEST(a_wrong_stamp_stops),
        TEST(a_lock_that_is_lost_is_taken_again),
        TEST(a_lock_that_stays_lost_is_an_error),
        TEST(who_was_overtaken_does_not_write),
        TEST(the_lock_may_go_with_the_database),
        TEST(who_is_cancelled_does_not_wait),
        TEST(a_deadline_ends_the_second_wait),
    };

    return cmocka_run_group_tests_name("write", tests, NULL, NULL);
}
