/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* What a feed of changes amounts to, beside what is stored. */
#include "config.h"

#include "sync/cell.h"
#include "sync/delta.h"
#include "base/memory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#undef fail /* cmocka's; struct cs_host has a member of this name */

enum { KEY, NAME, EMAIL, CHANGED_AT, MAPPED };

static const struct cs_column columns[MAPPED] = {
    [KEY] = {"CleverPupilId", CS_TEXT, 10, CS_KEY | CS_NOT_NULL, NULL, NULL},
    [NAME] = {"Name", CS_TEXT, 20, CS_NOT_NULL | CS_CUT, NULL, NULL},
    [EMAIL] = {"Email", CS_TEXT, 20, 0, NULL, NULL},
    [CHANGED_AT] = {"ChangedAt", CS_TIME, 0, CS_QUIET, NULL, NULL},
};
static const struct cs_entity pupil = {"pupil", "pupils", "Pupils", columns,
                                       MAPPED};

/* ---- A mapper, a feed's order, a sink ------------------------------------ */

static enum cs_rc plain_open(const struct cs_host *host, void **self)
{
    *self = (void *)(uintptr_t)host;
    return CS_OK;
}

static void plain_close(void *self)
{
    (void)self;
}

static void cell(const json_t *record, const char *name, struct cs_value *value)
{
    const json_t *member = json_object_get(record, name);

    if (!member)
        return;
    value->state = json_is_null(member) ? CS_NULL : CS_SET;
    value->as.text = json_string_value(member);
}

/* The record's member `says` is what the mapper says; without it, maybe. */
static enum cs_rc map(const struct cs_host *host, const json_t *record,
                      struct cs_value *row)
{
    const char *says = json_string_value(json_object_get(record, "says"));

    cell(record, "id", &row[KEY]);
    cell(record, "name", &row[NAME]);
    cell(record, "email", &row[EMAIL]);
    cell(record, "at", &row[CHANGED_AT]);
    if (!says)
        return CS_MAYBE;
    switch (*says) {
    case 'h':
        return CS_OK;
    case 'l':
        return CS_LEFT;
    case 's':
        return CS_SKIP;
    case 'f':
        return cs_fail(host, CS_E_FATAL, "the mapper is broken");
    default:
        return cs_fail(host, CS_E_DATA, "it is poison");
    }
}

static struct { /* the sink's rows */
    struct stored {
        const char *key, *name, *email;
        bool active;
    } const *rows;
    size_t n;
    size_t scans, most; /* how often, and the most keys asked for at once */
    enum cs_rc rc;
} base;

static bool is_asked_for(const struct cs_filter *filter, const char *key)
{
    for (size_t i = 0; i < filter->nin; i++) {
        if (strcmp(filter->in[i].as.text, key) == 0)
            return true;
    }
    return false;
}

static enum cs_rc scan(void *self, const struct cs_entity *entity,
                       const struct cs_filter *filter, cs_row_fn *each,
                       void *arg)
{
    enum cs_rc rc = base.rc;

    (void)self;
    base.scans++;
    base.most = filter->nin > base.most ? filter->nin : base.most;
    for (size_t i = 0; rc == CS_OK && i < base.n; i++) {
        const struct stored *stored = &base.rows[i];
        struct cs_value *row;

        if (!is_asked_for(filter, stored->key))
            continue;
        row = cs_memory_array(entity->ncolumns, sizeof(*row));
        row[1 + KEY] = cs_cell_of_text(stored->key);
        row[1 + NAME] = cs_cell_of_text(stored->name);
        row[1 + EMAIL] = cs_cell_of_text(stored->email);
        row[1 + MAPPED].state = CS_SET; /* IsActive comes first */
        row[1 + MAPPED].as.boolean = stored->active;
        rc = each(arg, row);
        free(row);
    }
    return rc;
}

static const char *const reads[] = {"id", NULL};
static const struct cs_module mapper_module = {
    .kind = CS_MAPPER,
    .plugin = {.name = "mapper"},
    .ops.mapper = {.entity = &pupil, .reads = reads, .map = map},
};
static const struct cs_module feed_module = {
    .kind = CS_SOURCE,
    .plugin = {.name = "feed"},
    .ops.source = {.delta = true, .order = strcmp},
};
static const struct cs_module sink_module = {
    .kind = CS_SINK,
    .plugin = {.name = "sink"},
    .ops.sink = {.life = {.open = plain_open, .close = plain_close},
                 .scan = scan},
};
static char sections[][10] = {"mapper.m", "source.f", "sink.k"};
static const struct cs_part mapper_part = {sections[0], "m", &mapper_module};
static const struct cs_part feed_part = {sections[1], "f", &feed_module};
static const struct cs_part sink_part = {sections[2], "k", &sink_module};

/* ---- The room under test ------------------------------------------------- */

static struct cs_app app;
static struct cs_error error;
static struct cs_schema *schema;
static struct cs_diff diff;
static struct cs_delta delta;
static struct cs_delta_result result;

static int setup(void **state)
{
    struct cs_instance_request mapper = {.part = &mapper_part};
    struct cs_instance_request sink = {.part = &sink_part};

    (void)state;
    memset(&base, 0, sizeof(base));
    schema = cs_schema_new(&pupil);
    cs_diff_init(&diff, schema, NULL, NULL, NULL);
    delta = (struct cs_delta){.part = &feed_part, .cursor = "", .diff = &diff};
    if (cs_instance_open(&delta.mapper, &app, &mapper, &error) != CS_OK ||
        cs_instance_open(&delta.sink, &app, &sink, &error) != CS_OK)
        return -1;
    return schema->active == 1 + MAPPED ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    cs_instance_close(delta.mapper);
    cs_instance_close(delta.sink);
    cs_diff_clear(&diff);
    cs_schema_free(schema);
    return 0;
}

static enum cs_rc merge(const struct cs_feed_record *records, size_t n)
{
    struct cs_feed feed = {.n = n};
    enum cs_rc rc;

    feed.records = cs_memory_array(n, sizeof(*feed.records));
    memcpy(feed.records, records, n * sizeof(*records));
    delta.feed = &feed;
    rc = cs_delta_merge(&delta, &result, &error);
    free(feed.records);
    return rc;
}

/* ---- What comes of it, as a line ----------------------------------------- */

static char line[512];

__attribute__((format(printf, 1, 2))) static void say(const char *format, ...)
{
    size_t used = strlen(line);
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(line + used, sizeof(line) - used, format, arguments);
    va_end(arguments);
}

static const char *shown(const struct cs_value *value)
{
    if (value->state == CS_SET)
        return value->as.text;
    return value->state == CS_NULL ? "null" : "_";
}

/* "+KEY NAME EMAIL" is new, "*" changed, "^" back, each ended by ';'; "-KEY"
 * leaves; "!KEY" is set aside; null and _ (absent) are cells. */
static const char *outcome(void)
{
    static const char kinds[] = {[CS_DIFF_INSERT] = '+',
                                 [CS_DIFF_UPDATE] = '*',
                                 [CS_DIFF_RESTORE] = '^'};
    struct cs_value row[MAPPED];

    line[0] = '\0';
    for (int kind = CS_DIFF_INSERT; kind <= CS_DIFF_RESTORE; kind++) {
        const struct cs_diff_change *position = NULL;

        while (cs_diff_next(&diff, (enum cs_diff_kind)kind, &position, row))
            say("%c%s %s %s;", kinds[kind], shown(&row[KEY]), shown(&row[NAME]),
                shown(&row[EMAIL]));
    }
    for (size_t i = 0; i < diff.keys.n; i++) {
        const struct cs_keys_entry *entry = cs_keys_at(&diff.keys, i);

        if (cs_diff_leaves(entry))
            say("-%s;", entry->key);
    }
    for (size_t i = 0; i < diff.counts.rejected; i++)
        say("!%s;", diff.rejects[i].key ? diff.rejects[i].key : "?");
    return line;
}

/* ---- Stories ------------------------------------------------------------- */

#define HERE(ID, REST) "{\"id\":\"" ID "\",\"says\":\"here\"" REST "}"
#define MAYBE(ID, REST) "{\"id\":\"" ID "\"" REST "}"
#define LEFT(ID) "{\"id\":\"" ID "\",\"says\":\"left\"}"
#define POISON(ID) "{\"id\":\"" ID "\",\"says\":\"poison\"}"
#define NAMED(TEXT) ",\"name\":\"" TEXT "\""
#define MAIL(TEXT) ",\"email\":\"" TEXT "\""
#define NO_MAIL ",\"email\":null"
#define AT(TEXT) ",\"at\":\"" TEXT "\""
#define GONE "-" /* instead of a record: users.deleted, of which ANN is */

#define ANN NAMED("Ann") MAIL("a@x")

/* Stored are: a and g, active; i, inactive. */
static const struct stored three[] = {{"a", "Ann", "a@x", true},
                                      {"g", "Gil", NULL, true},
                                      {"i", "Ida", "i@x", false}};

static const struct {
    const char *what;
    const char *events[5];
    const char *outcome;
    bool incomplete;
} stories[] = {
    {"nothing happened", {NULL}, "", false},
    {"somebody new", {HERE("n", NAMED("New"))}, "+n New null;", false},
    {"somebody new, with an e-mail",
     {HERE("n", NAMED("New") MAIL("n@x"))},
     "+n New n@x;",
     false},
    {"a replay is silent", {HERE("a", ANN), HERE("a", ANN)}, "", false},
    {"absent cells stay", {HERE("a", NAMED("Eve"))}, "*a Eve _;", false},
    {"null clears", {HERE("a", NAMED("Ann") NO_MAIL)}, "*a Ann null;", false},
    {"null where nothing is", {HERE("g", NO_MAIL)}, "", false},
    {"blanks are no change",
     {HERE("a", NAMED(" Ann ") MAIL("a@x "))},
     "",
     false},
    {"quiet columns are no change",
     {HERE("a", ANN AT("2026-01-31T00:00:00.000Z"))},
     "",
     false},

    /* In the order of the feed, field by field. */
    {"a later partial event does not undo an earlier one",
     {HERE("a", NAMED("Eve")), MAYBE("a", MAIL("e@x"))},
     "*a Eve e@x;",
     false},
    {"nor the other way round",
     {MAYBE("a", MAIL("e@x")), HERE("a", NAMED("Eve"))},
     "*a Eve e@x;",
     false},
    {"the later one counts",
     {HERE("a", NAMED("Eve")), MAYBE("a", NAMED("Zoe"))},
     "*a Zoe _;",
     false},
    {"there and back again",
     {HERE("a", NAMED("Eve")), HERE("a", NAMED("Ann"))},
     "",
     false},
    {"new, then a partial event",
     {HERE("n", NAMED("New")), MAYBE("n", MAIL("n@x"))},
     "+n New n@x;",
     false},
    {"a partial event, then new",
     {MAYBE("n", MAIL("n@x")), HERE("n", NAMED("New"))},
     "+n New n@x;",
     false},
    {"people do not mix",
     {HERE("a", NAMED("Eve")), HERE("g", NAMED("Guy")), HERE("a", MAIL("e@x"))},
     "*a Eve e@x;*g Guy _;",
     false},

    /* Who is there, by the last word. */
    {"deleted", {GONE}, "-a;", false},
    {"deleted, then created", {GONE, HERE("a", ANN)}, "", false},
    {"deleted, then created otherwise",
     {GONE, HERE("a", NAMED("Eve"))},
     "*a Eve _;",
     false},
    {"changed, then deleted", {HERE("a", NAMED("Eve")), GONE}, "-a;", false},
    {"deleted, then a partial event",
     {GONE, MAYBE("a", MAIL("e@x"))},
     "-a;",
     false},
    {"created, then left", {HERE("n", NAMED("New")), LEFT("n")}, "", false},
    {"left, then created",
     {LEFT("n"), HERE("n", NAMED("New"))},
     "+n New null;",
     false},
    {"moved away", {LEFT("a")}, "-a;", false},
    {"moved away and back", {LEFT("a"), HERE("a", ANN)}, "", false},
    {"moved here and away", {HERE("a", NAMED("Eve")), LEFT("a")}, "-a;", false},
    {"who is not here leaves nothing", {LEFT("n"), LEFT("i")}, "", false},
    {"back", {HERE("i", NAMED("Ida"))}, "^i Ida _;", false},
    {"back with news", {HERE("i", NAMED("Ivy"))}, "^i Ivy _;", false},
    {"back and gone", {HERE("i", NAMED("Ida")), LEFT("i")}, "", false},

    /* Perhaps of this school. */
    {"maybe, of who is stored", {MAYBE("a", NAMED("Eve"))}, "*a Eve _;", false},
    {"maybe, of who is inactive", {MAYBE("i", NAMED("Ivy"))}, "", false},
    {"maybe, of nobody we know", {MAYBE("n", NAMED("New"))}, "", false},
    {"not for this entity", {"{\"id\":\"a\",\"says\":\"skip\"}"}, "", false},

    /* What cannot be stored. */
    {"somebody new without a name", {HERE("n", MAIL("n@x"))}, "!n;", true},
    {"a name that comes later",
     {HERE("n", MAIL("n@x")), MAYBE("n", NAMED("New"))},
     "+n New n@x;",
     false},
    {"poison does not hide the others",
     {POISON("p"), HERE("n", NAMED("New")), HERE("a", NAMED("Eve"))},
     "+n New null;*a Eve _;!p;",
     false},
    {"poison of who is stored", {POISON("a")}, "!a;", false},
    {"poison twice is one", {POISON("p"), POISON("p")}, "!p;", false},
    {"poison, then good",
     {POISON("n"), HERE("n", NAMED("New"))},
     "+n New null;",
     false},
    {"poison, then gone", {POISON("a"), LEFT("a")}, "-a;", false},
    {"poison, then a part of the truth",
     {POISON("a"), MAYBE("a", MAIL("e@x"))},
     "*a _ e@x;!a;",
     false},
    {"good, then poison",
     {HERE("a", NAMED("Eve")), POISON("a")},
     "*a Eve _;!a;",
     false},
    {"no key",
     {HERE("", NAMED("New")), "{\"says\":\"here\"}"},
     "!?;!?;",
     false},
    {"a key that is none", {HERE("a b", NAMED("New"))}, "!?;", false},
    {"U+0000", {HERE("a", NAMED("E\\u0000e"))}, "!a;", false},
    {"a name of nothing", {HERE("a", ",\"name\":null")}, "*a  _;", false},
};

static size_t read_events(const char *const *texts,
                          struct cs_feed_record *records)
{
    static const char *const cursors[] = {"e1", "e2", "e3", "e4", "e5"};
    size_t n = 0;

    for (; n < 5 && texts[n]; n++) {
        bool gone = *texts[n] == '-';
        const char *text = gone ? MAYBE("a", ANN) : texts[n];

        records[n] = (struct cs_feed_record){
            (char *)(uintptr_t)cursors[n], gone ? CS_DELETE : CS_UPSERT,
            json_loads(text, JSON_ALLOW_NUL, NULL)};
        assert_non_null(records[n].record);
    }
    return n;
}

static void drop_events(struct cs_feed_record *records, size_t n)
{
    while (n-- > 0)
        json_decref(records[n].record);
}

static void events_amount_to_changes(void **state)
{
    for (size_t i = 0; i < sizeof(stories) / sizeof(*stories); i++) {
        struct cs_feed_record records[5];
        size_t n = read_events(stories[i].events, records);

        teardown(state);
        setup(state);
        base.rows = three;
        base.n = 3;
        assert_int_equal(merge(records, n), CS_OK);
        if (strcmp(outcome(), stories[i].outcome) != 0)
            print_error("%s:\n", stories[i].what);
        assert_string_equal(outcome(), stories[i].outcome);
        assert_int_equal(result.incomplete, stories[i].incomplete);
        assert_int_equal(result.handed, n);
        drop_events(records, n);
    }
}

/* For the log of changes, without another look at the row. */
static void what_differs_is_known(void **state)
{
    static const char *const texts[] = {HERE("a", NAMED("Eve") MAIL("a@x")),
                                        HERE("g", NAMED("Guy") MAIL("g@x")),
                                        NULL};
    struct cs_feed_record records[5];
    size_t n = read_events(texts, records);
    const struct cs_diff_change *change = NULL;
    struct cs_value row[MAPPED];

    (void)state;
    base.rows = three;
    base.n = 3;
    assert_int_equal(merge(records, n), CS_OK);
    assert_true(cs_diff_next(&diff, CS_DIFF_UPDATE, &change, row));
    assert_int_equal(cs_diff_change_columns(change), 1 << NAME);
    assert_true(cs_diff_next(&diff, CS_DIFF_UPDATE, &change, row));
    assert_int_equal(cs_diff_change_columns(change), 1 << NAME | 1 << EMAIL);
    drop_events(records, n);
}

static void reasons_are_kept(void **state)
{
    static const char *const events[] = {POISON("p"), HERE("n", ""), NULL};
    struct cs_feed_record records[5];
    size_t n = read_events(events, records);

    (void)state;
    assert_int_equal(merge(records, n), CS_OK);
    drop_events(records, n);
    assert_non_null(strstr(diff.rejects[0].reason, "it is poison"));
    assert_non_null(strstr(diff.rejects[1].reason, "without a name"));
}

/* Two schools share a reading; each takes what comes after its own cursor. */
static void each_has_a_cursor_of_its_own(void **state)
{
    static const char *const events[] = {HERE("x", NAMED("X")),
                                         HERE("y", NAMED("Y")),
                                         HERE("z", NAMED("Z")), NULL};
    static const char *const expected[][2] = {
        {"", "+x X null;+y Y null;+z Z null;"},
        {"e1", "+y Y null;+z Z null;"},
        {"e15", "+y Y null;+z Z null;"},
        {"e2", "+z Z null;"},
        {"e3", ""},
        {"e9", ""}};
    struct cs_feed_record records[5];
    size_t n = read_events(events, records);

    for (size_t i = 0; i < sizeof(expected) / sizeof(*expected); i++) {
        teardown(state);
        setup(state);
        delta.cursor = expected[i][0];
        assert_int_equal(merge(records, n), CS_OK);
        assert_string_equal(outcome(), expected[i][1]);
    }
    assert_int_equal(result.handed, 0);
    assert_int_equal(base.scans, 0);
    drop_events(records, n);
}

/* Only the persons concerned, some hundreds at once. */
static void many_are_looked_up(void **state)
{
    enum { MANY = 1201 };
    struct cs_feed_record *records = cs_memory_array(MANY, sizeof(*records));

    (void)state;
    base.rows = three;
    base.n = 3;
    for (size_t i = 0; i < MANY; i++) {
        char key[16];

        snprintf(key, sizeof(key), "k%zu", i);
        records[i] = (struct cs_feed_record){
            (char *)(uintptr_t) "e", CS_UPSERT,
            json_pack("{s:s,s:s,s:s}", "id", i == MANY - 1 ? "a" : key, "says",
                      "here", "name", "Eve")};
    }
    assert_int_equal(merge(records, MANY), CS_OK);
    assert_int_equal(result.handed, MANY);
    assert_int_equal(diff.counts.changes[CS_DIFF_INSERT], MANY - 1);
    assert_int_equal(diff.counts.changes[CS_DIFF_UPDATE], 1);
    assert_in_range(base.scans, 2, 6);
    assert_in_range(base.most, 200, 600);
    drop_events(records, MANY);
    free(records);
}

static void what_fails_is_told(void **state)
{
    static const char *const events[] = {HERE("a", NAMED("Eve")), NULL};
    static const char *const broken[] = {"{\"id\":\"a\",\"says\":\"fatal\"}",
                                         NULL};
    struct cs_feed_record records[5];
    size_t n = read_events(events, records);

    (void)state;
    base.rc = CS_E_RETRY;
    assert_int_equal(merge(records, n), CS_E_RETRY);
    assert_non_null(strstr(error.text, "sink.k"));
    drop_events(records, n);
    n = read_events(broken, records);
    assert_int_equal(merge(records, n), CS_E_FATAL);
    assert_string_equal(error.text, "mapper.m: the mapper is broken");
    drop_events(records, n);
}

#define TEST(NAME) cmocka_unit_test_setup_teardown(NAME, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(events_amount_to_changes), TEST(what_differs_is_known),
        TEST(reasons_are_kept),         TEST(each_has_a_cursor_of_its_own),
        TEST(many_are_looked_up),       TEST(what_fails_is_told),
    };

    return cmocka_run_group_tests_name("delta", tests, NULL, NULL);
}
