/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* The session database: registry, history, rejects and locks over a sink that
 * lives in memory and fails when it is told to. */
#include "config.h"

#include "cell.h"
#include "history.h"
#include "memory.h"
#include "reject.h"
#include "schema.h"
#include "session.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#undef fail /* cmocka's; struct cs_host has a member of this name */

/* ---- A sink in memory ---------------------------------------------------- */

enum { MOST_COLUMNS = 20, MOST_ROWS = 400, MOST_TABLES = 8 };

struct row {
    struct cs_value cells[MOST_COLUMNS]; /* texts are owned */
};
struct table {
    const struct cs_entity *entity;
    struct row rows[MOST_ROWS];
    size_t n;
    int64_t identity;
};
struct base {
    struct table tables[MOST_TABLES];
    size_t n;
};

static struct {
    struct base now, before; /* before: the transaction */
    const struct cs_host *host;
    bool open;         /* a transaction is */
    size_t calls;      /* that could have failed */
    size_t fail_at;    /* the call that fails for a while; 0: none */
    size_t failures;   /* how often, from there on */
    bool after_commit; /* the failing commit does commit */
    bool locked;
    char lock[100];
} memory;

static void copy_value(struct cs_value *to, const struct cs_value *from,
                       enum cs_type type)
{
    *to = *from;
    if (from->state == CS_SET && (type == CS_TEXT || type == CS_TIME))
        to->as.text = cs_memory_text(from->as.text);
}

static void clear_value(struct cs_value *value, enum cs_type type)
{
    if (value->state == CS_SET && (type == CS_TEXT || type == CS_TIME))
        free((char *)value->as.text);
    *value = (struct cs_value){.state = CS_NULL};
}

static void clear_base(struct base *base)
{
    for (size_t t = 0; t < base->n; t++)
        for (size_t r = 0; r < base->tables[t].n; r++)
            for (size_t c = 0; c < base->tables[t].entity->ncolumns; c++)
                clear_value(&base->tables[t].rows[r].cells[c],
                            base->tables[t].entity->columns[c].type);
    memset(base, 0, sizeof(*base));
}

static void copy_base(struct base *to, const struct base *from)
{
    clear_base(to);
    *to = *from;
    for (size_t t = 0; t < to->n; t++)
        for (size_t r = 0; r < to->tables[t].n; r++)
            for (size_t c = 0; c < to->tables[t].entity->ncolumns; c++)
                copy_value(&to->tables[t].rows[r].cells[c],
                           &from->tables[t].rows[r].cells[c],
                           to->tables[t].entity->columns[c].type);
}

static struct table *find_table(const struct cs_entity *entity)
{
    for (size_t t = 0; t < memory.now.n; t++)
        if (strcmp(memory.now.tables[t].entity->table, entity->table) == 0)
            return &memory.now.tables[t];
    return NULL;
}

static enum cs_rc may_fail(void)
{
    memory.calls++;
    if (memory.fail_at == 0 || memory.calls < memory.fail_at ||
        memory.failures == 0)
        return CS_OK;
    memory.failures--;
    return cs_fail(memory.host, CS_E_RETRY, "the database is out for tea");
}

static enum cs_rc sink_open(const struct cs_host *host, void **self)
{
    memory.host = host;
    *self = &memory;
    return CS_OK;
}

static void sink_close(void *self)
{
    (void)self;
    assert_false(memory.open);
}

static enum cs_rc sink_inspect(void *self, const struct cs_entity *entity,
                               unsigned *lengths)
{
    (void)self;
    memset(lengths, 0, entity->ncolumns * sizeof(*lengths));
    if (find_table(entity) == NULL)
        return cs_fail(memory.host, CS_E_NOT_HERE, "no table");
    return may_fail();
}

static enum cs_rc sink_alter(void *self, const struct cs_step *step,
                             cs_sql_fn *show, void *arg)
{
    (void)self;
    (void)show;
    (void)arg;
    assert_true(memory.open);
    assert_int_equal(step->change, CS_CREATE_TABLE);
    assert_null(find_table(step->entity));
    for (size_t c = 0; c < step->entity->ncolumns; c++) {
        const char *to = step->entity->columns[c].references;
        bool found = to == NULL;

        for (size_t t = 0; t < memory.now.n && !found; t++) {
            const char *name = memory.now.tables[t].entity->table;

            found = strncmp(to, name, strlen(name)) == 0;
        }
        assert_true(found); /* what it refers to is there already */
    }
    memory.now.tables[memory.now.n++].entity = step->entity;
    return may_fail();
}

static enum cs_rc sink_lock(void *self, const char *name, long wait_ms)
{
    (void)self;
    assert_int_equal(wait_ms, 0);
    if (memory.locked)
        return cs_fail(memory.host, CS_E_BUSY, "taken");
    snprintf(memory.lock, sizeof(memory.lock), "%s", name);
    return CS_OK;
}

static enum cs_rc sink_holds(void *self, const char *name)
{
    (void)self;
    return strcmp(memory.lock, name) == 0
               ? CS_OK
               : cs_fail(memory.host, CS_E_BUSY, "lost");
}

static void sink_unlock(void *self, const char *name)
{
    (void)self;
    assert_string_equal(memory.lock, name);
    memory.lock[0] = '\0';
}

static int order(const struct cs_value *a, const struct cs_value *b,
                 enum cs_type type)
{
    if (a->state != CS_SET || b->state != CS_SET)
        return a->state == b->state ? 0 : 1;
    if (type == CS_TEXT || type == CS_TIME)
        return strcmp(a->as.text, b->as.text);
    if (type == CS_BOOL)
        return a->as.boolean != b->as.boolean;
    return (a->as.integer > b->as.integer) - (a->as.integer < b->as.integer);
}

static bool wanted(const struct cs_filter *filter, const struct table *table,
                   const struct row *row)
{
    enum cs_type type = table->entity->columns[filter->column].type;
    const struct cs_value *cell = &row->cells[filter->column];
    bool in = filter->nin == 0;

    for (size_t i = 0; i < filter->nin; i++)
        in = in || order(cell, &filter->in[i], type) == 0;
    return in &&
           (filter->below == NULL || order(cell, filter->below, type) < 0);
}

/* Backwards, so that nobody relies on the order of insertion. */
static enum cs_rc sink_scan(void *self, const struct cs_entity *entity,
                            const struct cs_filter *filter, cs_row_fn *each,
                            void *arg)
{
    struct table *table = find_table(entity);
    enum cs_rc rc = CS_OK;
    size_t given = 0;

    (void)self;
    assert_non_null(table);
    for (size_t r = table->n; r-- > 0 && rc == CS_OK;)
        if (filter == NULL ||
            (wanted(filter, table, &table->rows[r]) &&
             (filter->newest == 0 || given < filter->newest))) {
            given++;
            rc = each(arg, table->rows[r].cells);
        }
    return rc != CS_OK ? rc : may_fail();
}

static enum cs_rc sink_begin(void *self)
{
    enum cs_rc rc = may_fail();

    (void)self;
    assert_false(memory.open);
    memory.open = rc == CS_OK;
    copy_base(&memory.before, &memory.now);
    return rc;
}

static void sink_rollback(void *self)
{
    (void)self;
    if (memory.open)
        copy_base(&memory.now, &memory.before);
    memory.open = false;
}

static enum cs_rc sink_commit(void *self)
{
    enum cs_rc rc = may_fail();

    (void)self;
    assert_true(memory.open);
    if (rc == CS_OK || memory.after_commit)
        memory.open = false;
    return rc;
}

static size_t key_column(const struct cs_entity *entity)
{
    size_t c = 0;

    while (!(entity->columns[c].flags & CS_KEY))
        c++;
    return c;
}

static struct row *find_row(struct table *table, const struct cs_value *key)
{
    size_t column = key_column(table->entity);

    for (size_t r = 0; r < table->n; r++)
        if (order(&table->rows[r].cells[column], key, CS_TEXT) == 0)
            return &table->rows[r];
    return NULL;
}

static enum cs_rc insert(struct table *table, const struct cs_value *cells)
{
    const struct cs_entity *entity = table->entity;
    struct row *row = &table->rows[table->n];

    assert_true(table->n < MOST_ROWS);
    if (find_row(table, &cells[key_column(entity)]) != NULL)
        return cs_fail(memory.host, CS_E_DATA, "the key is there");
    for (size_t c = 0; c < entity->ncolumns; c++) {
        const struct cs_column *column = &entity->columns[c];
        bool automatic = column->flags & CS_AUTO;

        assert_true(!automatic || cells[c].state == CS_ABSENT);
        assert_true(!(column->flags & CS_NOT_NULL) || cells[c].state == CS_SET);
        copy_value(&row->cells[c], &cells[c], column->type);
        if (automatic)
            row->cells[c] = cs_cell_of_integer(++table->identity);
    }
    table->n++;
    return CS_OK;
}

static void update(const struct cs_entity *entity, struct row *row,
                   const struct cs_value *cells)
{
    for (size_t c = 0; c < entity->ncolumns; c++)
        if (cells[c].state != CS_ABSENT) {
            clear_value(&row->cells[c], entity->columns[c].type);
            copy_value(&row->cells[c], &cells[c], entity->columns[c].type);
        }
}

static void delete (struct table *table, struct row *row)
{
    for (size_t c = 0; c < table->entity->ncolumns; c++)
        clear_value(&row->cells[c], table->entity->columns[c].type);
    *row = table->rows[--table->n];
}

static enum cs_rc sink_apply(void *self, struct cs_batch *batch)
{
    struct table *table = find_table(batch->entity);

    (void)self;
    assert_true(memory.open);
    for (size_t i = 0; i < batch->nrows; i++) {
        const struct cs_value *cells = batch->rows[i];
        struct row *row = find_row(table, &cells[key_column(batch->entity)]);

        if (batch->op == CS_INSERT) {
            enum cs_rc rc = insert(table, cells);

            if (rc != CS_OK)
                return rc;
            batch->affected++;
        } else if (row != NULL) {
            batch->affected++;
            if (batch->op == CS_UPDATE)
                update(batch->entity, row, cells);
            else
                delete (table, row);
        }
    }
    return may_fail();
}

/* ---- The program around it ----------------------------------------------- */

static const struct cs_module module = {
    .kind = CS_SINK,
    .ops.sink = {.life = {.open = sink_open, .close = sink_close},
                 .inspect = sink_inspect,
                 .alter = sink_alter,
                 .lock = sink_lock,
                 .holds = sink_holds,
                 .unlock = sink_unlock,
                 .scan = sink_scan,
                 .begin = sink_begin,
                 .apply = sink_apply,
                 .commit = sink_commit,
                 .rollback = sink_rollback},
};
static char section[] = "sink.session";
static struct cs_part part = {
    .section = section, .name = "session", .module = &module};
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
    clear_base(&memory.now);
    clear_base(&memory.before);
    memset(&memory, 0, sizeof(memory));
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

/* The next `times` calls to the sink that can fail, from the nth on. */
static void fail_at(size_t nth, size_t times)
{
    memory.calls = 0;
    memory.fail_at = nth;
    memory.failures = times;
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
    assert_int_equal(made, 5);
    assert_ok(cs_session_init(&app, &made, &error));
    assert_int_equal(made, 0);
}

static void making_tables_is_all_or_nothing(void **state)
{
    size_t made;

    (void)state;
    fail_at(4, SIZE_MAX); /* the third table */
    assert_error(cs_session_init(&app, &made, &error), CS_E_RETRY,
                 "sink.session: the database is out for tea");
    assert_int_equal(memory.now.n, 0);
    fail_at(4, 2);
    assert_ok(cs_session_init(&app, &made, &error));
    assert_int_equal(made, 5);
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

static void transient_errors_are_repeated(void **state)
{
    struct cs_registry registry;
    int64_t before;

    (void)state;
    add_lincoln();
    for (size_t nth = 1; nth <= 2; nth++) {
        fail_at(nth, 2);
        before = cs_clock_steady();
        assert_ok(cs_registry_load(session, &registry, &error));
        assert_int_equal(registry.nschools, 2); /* not read double */
        assert_true(cs_clock_steady() - before >= 3 * CS_SECOND); /* 1 + 2 */
        cs_registry_clear(&registry);
    }
    fail_at(1, 4); /* three repetitions */
    assert_error(cs_registry_load(session, &registry, &error), CS_E_RETRY,
                 "sink.session: the database is out for tea");
}

static void broken_commits_are_repeated(void **state)
{
    struct cs_registry registry;

    (void)state;
    memory.after_commit = true;
    /* begin, two scans, apply, and then the commit */
    fail_at(5, 1);
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
    assert_string_equal(memory.lock, "school/s1");
    assert_ok(cs_session_holds(session, school, &error));
    cs_session_unlock(session, school);
    assert_int_equal(cs_session_holds(session, school, &error), CS_E_BUSY);
    memory.locked = true;
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
    memory.after_commit = true;
    fail_at(5, 1); /* begin, scan, apply, scan, and then the commit */
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

/* ---- Rejects ------------------------------------------------------------- */

static const struct row *reject_of(const char *key)
{
    const struct cs_value value = cs_cell_of_text(key);

    return find_row(find_table(&cs_schema_reject), &value);
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
    const struct table *table = find_table(&cs_schema_reject);
    int64_t school, other;
    const struct row *row;

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
        TEST(rejects_are_replaced),
    };

    return cmocka_run_group_tests_name("session", tests, NULL, NULL);
}
