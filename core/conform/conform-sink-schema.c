/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* Looking at tables and changing them.  What is made here stays, so each case
 * has tables of its own. */

#include "config.h"

#include "conform/sink-probe.h"

#include <stdio.h>
#include <string.h>

/* An entity whose columns are an array of that name. */
#define ENTITY(NAME, TABLE, COLUMNS)                                    \
    static const struct cs_entity NAME = {.name = "thing",              \
                                          .collection = "things",       \
                                          .table = TABLE,               \
                                          .columns = COLUMNS,           \
                                          .ncolumns = sizeof(COLUMNS) / \
                                                      sizeof(*(COLUMNS))}
#define IDENTITY                                       \
    {                                                  \
        .name = "Id", .type = CS_INT, .flags = CS_AUTO \
    }
#define KEY(NAME)                                                      \
    {                                                                  \
        .name = (NAME), .type = CS_TEXT, .length = 50, .flags = CS_KEY \
    }
#define WORD(NAME, LENGTH)                                  \
    {                                                       \
        .name = (NAME), .type = CS_TEXT, .length = (LENGTH) \
    }

/* Where these columns stand in the tables below. */
enum { ID, THING, FIRST, MOST_COLUMNS = 16 };

static void inspect(struct cs_probe *probe, const struct cs_entity *entity,
                    enum cs_rc want, unsigned *lengths)
{
    if (lengths != NULL)
        memset(lengths, 0xFF, MOST_COLUMNS * sizeof(*lengths));
    if (!cs_conform_over(probe->conform))
        cs_probe_wants(
            probe, "inspect",
            cs_sink_inspect(probe->sink, entity, lengths, &probe->error), want);
}

static void expect_length(struct cs_probe *probe,
                          const struct cs_entity *entity, size_t column,
                          unsigned want)
{
    unsigned lengths[MOST_COLUMNS];

    inspect(probe, entity, CS_OK, lengths);
    if (lengths[column] != want)
        cs_conform_fail(probe->conform,
                        "length of column %s: expected %u, got %u",
                        entity->columns[column].name, want, lengths[column]);
}

static void put(struct cs_probe *probe, const struct cs_entity *entity,
                enum cs_op op, const struct cs_value *row)
{
    cs_probe_apply(probe, probe->sink, BATCH(op, entity, &row, 1), 1);
}

static void only(struct cs_probe *probe, const struct cs_entity *entity,
                 const struct cs_value *row)
{
    cs_probe_scan(probe, probe->sink, entity, NULL, &row, 1);
}

/* ---- Looking ------------------------------------------------------------- */

static void check(struct cs_probe *probe)
{
    cs_probe_wants(probe, "check",
                   cs_instance_check(probe->sink, &probe->error), CS_OK);
}

static void lengths(struct cs_probe *probe)
{
    for (size_t i = 0; i < PERSON_COLUMNS; i++) {
        const struct cs_column *column = &cs_probe_person.columns[i];

        expect_length(probe, &cs_probe_person, i,
                      column->type == CS_TEXT ? column->length : 0);
    }
}

static const struct cs_column none_columns[] = {IDENTITY, KEY("Thing"),
                                                WORD("First", 10)};
ENTITY(none, "ConformNone", none_columns);

static enum cs_rc pass_over(void *arg, const struct cs_value *row)
{
    (void)arg;
    (void)row;
    return CS_OK;
}

static void missing_table(struct cs_probe *probe)
{
    const struct cs_value row[] = {[THING] = TEXT("k"), [FIRST] = NIL};
    const struct cs_value *rows = row;
    struct cs_batch batch = BATCH(CS_INSERT, &none, &rows, 1);
    unsigned ignored[MOST_COLUMNS];

    inspect(probe, &none, CS_E_NOT_HERE, ignored);
    if (cs_conform_over(probe->conform))
        return;
    cs_probe_wants(
        probe, "scan",
        cs_sink_scan(probe->sink, &none, NULL, pass_over, NULL, &probe->error),
        CS_E_NOT_HERE);
    cs_probe_wants(probe, "insert",
                   cs_sink_apply(probe->sink, &batch, &probe->error),
                   CS_E_NOT_HERE);
}

static const struct cs_column lacking_columns[] = {
    {.name = "GroupId", .type = CS_INT, .flags = CS_AUTO},
    KEY("GroupKey"),
    WORD("NoSuchColumn", 10),
};
ENTITY(lacking, "ConformGroups", lacking_columns);

static const struct cs_column other_columns[] = {
    {.name = "GroupId", .type = CS_INT, .flags = CS_AUTO},
    {.name = "GroupKey", .type = CS_TIME},
};
ENTITY(other, "ConformGroups", other_columns);

static void missing_column(struct cs_probe *probe)
{
    unsigned ignored[MOST_COLUMNS];

    inspect(probe, &none, CS_E_NOT_HERE, NULL);
    inspect(probe, &lacking, CS_E_CONFIG, NULL);
    inspect(probe, &other, CS_OK, NULL);
    inspect(probe, &lacking, CS_E_CONFIG, ignored);
    if (!cs_conform_over(probe->conform))
        cs_probe_wants(probe, "scan",
                       cs_sink_scan(probe->sink, &lacking, NULL, pass_over,
                                    NULL, &probe->error),
                       CS_E_CONFIG);
}

/* ---- Making -------------------------------------------------------------- */

static void create_twice(struct cs_probe *probe)
{
    const struct cs_value row[PERSON_COLUMNS] = {[PERSON_KEY] = TEXT("k")};

    cs_probe_put(probe, CS_INSERT, row);
    cs_probe_alter(probe, CS_CREATE_TABLE, &cs_probe_person, 0);
    cs_probe_person_is(probe, row);
}

static const struct cs_column shown_columns[] = {
    IDENTITY, KEY("Thing"), WORD("First", 10), WORD("Second", 10)};
ENTITY(shown, "ConformShown", shown_columns);
static const struct cs_entity shown_before = {
    .name = "thing",
    .collection = "things",
    .table = "ConformShown",
    .columns = shown_columns,
    .ncolumns = 3,
};

static void count_sql(void *arg, const char *sql)
{
    *(size_t *)arg += strlen(sql);
}

static void expect_sql(struct cs_probe *probe, enum cs_change change,
                       size_t column)
{
    const struct cs_step step = {.size = sizeof(step),
                                 .change = change,
                                 .entity = &shown,
                                 .column = column};
    size_t length = 0;

    if (cs_conform_over(probe->conform))
        return;
    cs_probe_wants(
        probe, "alter that only shows",
        cs_sink_alter(probe->sink, &step, count_sql, &length, &probe->error),
        CS_OK);
    if (length == 0)
        cs_conform_fail(probe->conform, "alter showed no SQL");
}

static void show(struct cs_probe *probe)
{
    unsigned ignored[MOST_COLUMNS];

    expect_sql(probe, CS_CREATE_TABLE, 0);
    inspect(probe, &shown, CS_E_NOT_HERE, ignored);
    cs_probe_alter(probe, CS_CREATE_TABLE, &shown_before, 0);
    expect_sql(probe, CS_ADD_COLUMN, 3);
    inspect(probe, &shown, CS_E_CONFIG, ignored);
    expect_sql(probe, CS_ADD_INDEX, FIRST);
    expect_sql(probe, CS_WIDEN_COLUMN, FIRST);
    expect_length(probe, &shown_before, FIRST, 10);
}

/* ---- Growing ------------------------------------------------------------- */

enum { COUNT = 3, NAMED, FLAGGED, WHEN, GROUP, GROWN_COLUMNS };
static const struct cs_column grown_columns[GROWN_COLUMNS] = {
    [ID] = IDENTITY,
    [THING] = KEY("Thing"),
    [FIRST] = WORD("First", 10),
    [COUNT] = {.name = "Count",
               .type = CS_INT,
               .flags = CS_INDEX,
               .fallback = "7"},
    [NAMED] = {.name = "Named",
               .type = CS_TEXT,
               .length = 30,
               .flags = CS_NOT_NULL},
    [FLAGGED] = {.name = "Flagged",
                 .type = CS_BOOL,
                 .flags = CS_NOT_NULL,
                 .fallback = "1"},
    [WHEN] = {.name = "When", .type = CS_TIME},
    [GROUP] = {.name = "GroupId",
               .type = CS_INT,
               .references = "ConformGroups.GroupId"},
};
ENTITY(grown, "ConformGrown", grown_columns);
static const struct cs_entity grown_before = {
    .name = "thing",
    .collection = "things",
    .table = "ConformGrown",
    .columns = grown_columns,
    .ncolumns = COUNT,
};

static void add_columns(struct cs_probe *probe)
{
    const struct cs_value old[] = {[THING] = TEXT("old"), [FIRST] = TEXT("1")};
    const struct cs_value old_now[GROWN_COLUMNS] = {
        [THING] = TEXT("old"),  [FIRST] = TEXT("1"), [NAMED] = TEXT(""),
        [FLAGGED] = FLAG(true), [WHEN] = NIL,        [GROUP] = NIL};
    const struct cs_value new[GROWN_COLUMNS] = {
        [THING] = TEXT("new"),
        [FIRST] = NIL,
        [COUNT] = NUMBER(8),
        [NAMED] = TEXT("n"),
        [FLAGGED] = FLAG(false),
        [WHEN] = TEXT("2026-01-31T02:03:04.567Z"),
        [GROUP] = NIL};
    const struct cs_value lost[GROWN_COLUMNS] = {
        [THING] = TEXT("lost"), [GROUP] = NUMBER(2000000000)};
    const struct cs_value *const rows[] = {old_now, new, lost};

    cs_probe_alter(probe, CS_CREATE_TABLE, &grown_before, 0);
    put(probe, &grown_before, CS_INSERT, old);
    for (int turn = 0; turn < 2; turn++) /* again is harmless */
        for (size_t i = COUNT; i < GROWN_COLUMNS; i++) {
            cs_conform_about(probe->conform, "column %s",
                             grown_columns[i].name);
            cs_probe_alter(probe, CS_ADD_COLUMN, &grown, i);
        }
    cs_conform_about(probe->conform, "afterwards");
    expect_length(probe, &grown, NAMED, 30);
    only(probe, &grown, old_now);
    put(probe, &grown, CS_INSERT, new);
    cs_probe_scan(probe, probe->sink, &grown, NULL, rows, 2);
    cs_probe_refuse(probe, probe->sink, BATCH(CS_INSERT, &grown, rows + 2, 1));
}

/* The same table, seen with its old key, with both columns, with its new. */
static const struct cs_column keyed_old[] = {IDENTITY, KEY("OldKey"),
                                             WORD("First", 10)};
static const struct cs_column keyed_both[] = {
    IDENTITY, KEY("OldKey"), WORD("First", 10), WORD("NewKey", 50)};
static const struct cs_column keyed_new[] = {IDENTITY, KEY("NewKey"),
                                             WORD("First", 10)};
ENTITY(with_old, "ConformKeyed", keyed_old);
ENTITY(with_both, "ConformKeyed", keyed_both);
ENTITY(with_new, "ConformKeyed", keyed_new);

static void add_key(struct cs_probe *probe)
{
    struct cs_value a[4] = {[THING] = TEXT("a"), [3] = TEXT("n")};
    struct cs_value b[4] = {[THING] = TEXT("b"), [3] = NIL};
    const struct cs_value *rows[] = {a, b};
    const struct cs_value found[3] = {
        [THING] = TEXT("n"), [FIRST] = TEXT("by new")};

    cs_probe_alter(probe, CS_CREATE_TABLE, &with_old, 0);
    cs_probe_apply(probe, probe->sink, BATCH(CS_INSERT, &with_old, rows, 2), 2);
    cs_probe_alter(probe, CS_ADD_COLUMN, &with_new, THING);
    cs_probe_alter(probe, CS_ADD_COLUMN, &with_new, THING);
    put(probe, &with_both, CS_UPDATE, a);
    cs_probe_scan(probe, probe->sink, &with_both, NULL, rows, 2);
    b[3] = a[3];
    cs_conform_about(probe->conform, "a second row with the new key");
    cs_probe_refuse(probe, probe->sink,
                    BATCH(CS_UPDATE, &with_both, rows + 1, 1));
    cs_conform_about(probe->conform, "by the new key");
    put(probe, &with_new, CS_UPDATE, found);
    b[3] = (struct cs_value)NIL;
    a[FIRST] = found[FIRST];
    cs_probe_scan(probe, probe->sink, &with_both, NULL, rows, 2);
}

static const struct cs_column narrow_columns[] = {IDENTITY, KEY("Thing"),
                                                  WORD("First", 10)};
static const struct cs_column wide_columns[] = {IDENTITY, KEY("Thing"),
                                                WORD("First", 40)};
static const struct cs_column open_columns[] = {IDENTITY, KEY("Thing"),
                                                WORD("First", 0)};
ENTITY(narrow, "ConformWidened", narrow_columns);
ENTITY(wide, "ConformWidened", wide_columns);
ENTITY(unlimited, "ConformWidened", open_columns);

static void widen(struct cs_probe *probe)
{
    struct cs_value row[] = {[THING] = TEXT("k"), [FIRST] = TEXT("0123456789")};

    cs_probe_alter(probe, CS_CREATE_TABLE, &narrow, 0);
    put(probe, &narrow, CS_INSERT, row);
    expect_length(probe, &narrow, FIRST, 10);
    cs_probe_alter(probe, CS_WIDEN_COLUMN, &wide, FIRST);
    expect_length(probe, &wide, FIRST, 40);
    only(probe, &wide, row);
    row[FIRST].as.text = "0123456789012345678901234567890123456789";
    put(probe, &wide, CS_UPDATE, row);
    cs_conform_about(probe->conform, "a column that is wide enough");
    cs_probe_alter(probe, CS_WIDEN_COLUMN, &wide, FIRST);
    cs_probe_alter(probe, CS_WIDEN_COLUMN, &narrow, FIRST);
    expect_length(probe, &wide, FIRST, 40);
    only(probe, &wide, row);
    cs_conform_about(probe->conform, "to no limit");
    cs_probe_alter(probe, CS_WIDEN_COLUMN, &unlimited, FIRST);
    expect_length(probe, &unlimited, FIRST, 0);
    only(probe, &unlimited, row);
}

static void add_index(struct cs_probe *probe)
{
    const struct cs_value row[PERSON_COLUMNS] = {[PERSON_KEY] = TEXT("k")};

    cs_probe_put(probe, CS_INSERT, row);
    cs_probe_alter(probe, CS_ADD_INDEX, &cs_probe_person, PERSON_AGE);
    cs_probe_alter(probe, CS_ADD_INDEX, &cs_probe_person, PERSON_AGE);
    cs_probe_alter(probe, CS_ADD_INDEX, &cs_probe_person, PERSON_GROUP);
    cs_probe_person_is(probe, row);
}

/* ---- Names --------------------------------------------------------------- */

static const struct cs_column odd_group_columns[] = {
    {.name = "Order", .type = CS_INT, .flags = CS_AUTO},
    KEY("Key \"x\"; [y]"),
};
ENTITY(odd_group, "Conform \"Order\"; [a]] b'c", odd_group_columns);

enum { SELECT = 2, QUOTE, BRACKET, DASHES, BLANK, ODD_COLUMNS };
static const struct cs_column odd_columns[ODD_COLUMNS] = {
    [ID] = {.name = "Group", .type = CS_INT, .flags = CS_AUTO},
    [THING] = KEY("Key"),
    [SELECT] = {.name = "Select",
                .type = CS_TEXT,
                .length = 10,
                .flags = CS_INDEX},
    [QUOTE] = WORD("it's \"b\"", 10),
    [BRACKET] = {.name = "c]]d[e]", .type = CS_INT, .fallback = "7"},
    [DASHES] = WORD("e;f--", 0),
    [BLANK] = {.name = "g h?",
               .type = CS_INT,
               .flags = CS_INDEX,
               .references = "Conform \"Order\"; [a]] b'c.Order"},
};
ENTITY(odd, "Conform Order]'s; DROP TABLE x --", odd_columns);

static void names(struct cs_probe *probe)
{
    struct cs_value row[ODD_COLUMNS] = {[THING] = TEXT("k"),
                                        [SELECT] = TEXT("s"),
                                        [QUOTE] = TEXT("q"),
                                        [DASHES] = TEXT("d"),
                                        [BLANK] = NIL};
    const struct cs_value group[] = {[THING] = TEXT("g")};
    const struct cs_filter filter = {.size = sizeof(filter),
                                     .column = SELECT,
                                     .in = &row[SELECT],
                                     .nin = 1,
                                     .newest = 1};
    const struct cs_value *rows = row;

    cs_probe_alter(probe, CS_CREATE_TABLE, &odd_group, 0);
    cs_probe_alter(probe, CS_CREATE_TABLE, &odd, 0);
    cs_probe_alter(probe, CS_CREATE_TABLE, &odd, 0);
    cs_probe_alter(probe, CS_ADD_INDEX, &odd, DASHES - 1);
    cs_probe_alter(probe, CS_WIDEN_COLUMN, &odd, QUOTE);
    expect_length(probe, &odd, QUOTE, 10);
    put(probe, &odd_group, CS_INSERT, group);
    only(probe, &odd_group, group);
    put(probe, &odd, CS_INSERT, row);
    row[BRACKET] = (struct cs_value)NUMBER(7);
    only(probe, &odd, row);
    row[QUOTE].as.text = "changed";
    row[BRACKET].as.integer = 8;
    put(probe, &odd, CS_UPDATE, row);
    cs_probe_scan(probe, probe->sink, &odd, &filter, &rows, 1);
    put(probe, &odd, CS_DELETE, row);
    cs_probe_scan(probe, probe->sink, &odd, NULL, NULL, 0);
}

const struct cs_conform_case cs_conform_sink_schema[] = {
    {CS_CONFORM_WORKS, "schema: the check passes", check},
    {CS_CONFORM_WORKS, "schema: lengths of columns", lengths},
    {CS_CONFORM_WORKS, "schema: a missing table", missing_table},
    {CS_CONFORM_WORKS, "schema: a missing column", missing_column},
    {CS_CONFORM_WORKS, "schema: a table made twice", create_twice},
    {CS_CONFORM_SAFE, "schema: showing does nothing", show},
    {CS_CONFORM_WORKS, "schema: columns added to rows", add_columns},
    {CS_CONFORM_WORKS, "schema: a key added to rows", add_key},
    {CS_CONFORM_WORKS, "schema: a column widened", widen},
    {CS_CONFORM_WORKS, "schema: an index added twice", add_index},
    {CS_CONFORM_SAFE, "schema: odd names", names},
    {.name = NULL},
};

const struct cs_entity *const cs_conform_sink_tables[] = {
    &cs_probe_person, &cs_probe_group, &none,      &shown, &grown,
    &with_old,        &narrow,         &odd_group, &odd,   NULL,
};
