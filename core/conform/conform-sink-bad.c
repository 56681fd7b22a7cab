/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* One bad row in a batch: nothing of the batch is stored, the transaction goes
 * on, and halves of the batch can go in, which is how the core finds it. */

#include "config.h"

#include "conform/sink-probe.h"

#include <string.h>

enum { SIZE = 19 };

static const struct cs_value before[PERSON_COLUMNS] = {
    [PERSON_KEY] = TEXT("before"), [PERSON_NAME] = TEXT("x")};

/* Makes a row bad; the key is the one that it had. */
typedef void spoil_fn(struct cs_value *row);

/* The halves of the batch: the one without the bad row goes in. */
static void halves(struct cs_probe *probe, enum cs_op op,
                   const struct cs_crowd *crowd, size_t bad)
{
    const size_t half = SIZE / 2, start[] = {0, half}, end[] = {half, SIZE};

    for (size_t i = 0; i < 2; i++) {
        struct cs_batch batch =
            PEOPLE(op, crowd->rows + start[i], end[i] - start[i]);

        if (bad >= start[i] && bad < end[i])
            cs_probe_refuse(probe, probe->sink, batch);
        else
            cs_probe_apply(probe, probe->sink, batch, batch.nrows);
    }
}

/* The half without the bad row, which is what is there then, beside `before`;
 * gives how many rows these are. */
static size_t good_half(const struct cs_crowd *crowd, size_t bad,
                        const struct cs_value *rows[SIZE])
{
    size_t half = SIZE / 2, first = bad < half ? half : 0;
    size_t n = bad < half ? SIZE - half : half;

    rows[0] = before;
    memcpy(rows + 1, crowd->rows + first, n * sizeof(*rows));
    return n + 1;
}

static void one_bad_insert(struct cs_probe *probe, size_t bad, spoil_fn *spoil)
{
    const struct cs_value *good[SIZE];
    struct cs_crowd crowd;
    size_t n;

    cs_crowd_make(&crowd, SIZE);
    n = good_half(&crowd, bad, good);
    spoil(crowd.cells[bad]);
    cs_conform_about(probe->conform, "row %zu of %d is bad, by itself", bad + 1,
                     (int)SIZE);
    cs_probe_refuse(probe, probe->sink, PEOPLE(CS_INSERT, crowd.rows, SIZE));
    cs_probe_person_is(probe, before);
    cs_conform_about(probe->conform, "row %zu of %d is bad, in a transaction",
                     bad + 1, (int)SIZE);
    cs_probe_begin(probe, probe->sink);
    cs_probe_put(probe, CS_UPDATE, before);
    cs_probe_refuse(probe, probe->sink, PEOPLE(CS_INSERT, crowd.rows, SIZE));
    cs_probe_person_is(probe, before);
    halves(probe, CS_INSERT, &crowd, bad);
    cs_probe_commit(probe, probe->sink);
    cs_probe_people(probe, probe->sink, good, n);
    cs_probe_apply(probe, probe->sink, PEOPLE(CS_DELETE, good + 1, n - 1),
                   n - 1);
    cs_crowd_clear(&crowd);
}

static void bad_inserts(struct cs_probe *probe, spoil_fn *spoil)
{
    cs_probe_put(probe, CS_INSERT, before);
    one_bad_insert(probe, 0, spoil);
    one_bad_insert(probe, SIZE / 2, spoil);
    one_bad_insert(probe, SIZE - 1, spoil);
}

static void stored_key(struct cs_value *row)
{
    row[PERSON_KEY] = before[PERSON_KEY];
}

static void a_stored_key(struct cs_probe *probe)
{
    const struct cs_value *good[SIZE];
    struct cs_crowd crowd;

    cs_probe_put(probe, CS_INSERT, before);
    cs_crowd_make(&crowd, SIZE);
    for (size_t bad = 0; bad < SIZE; bad += SIZE / 2) {
        const struct cs_value kept = crowd.cells[bad][PERSON_KEY];
        size_t n = good_half(&crowd, bad, good);

        cs_conform_about(probe->conform, "row %zu of %d is bad", bad + 1,
                         (int)SIZE);
        stored_key(crowd.cells[bad]);
        cs_probe_begin(probe, probe->sink);
        cs_probe_refuse(probe, probe->sink,
                        PEOPLE(CS_INSERT, crowd.rows, SIZE));
        cs_probe_person_is(probe, before);
        halves(probe, CS_INSERT, &crowd, bad);
        cs_probe_people(probe, probe->sink, good, n);
        cs_probe_rollback(probe, probe->sink);
        cs_probe_person_is(probe, before);
        crowd.cells[bad][PERSON_KEY] = kept;
    }
    cs_crowd_clear(&crowd);
}

static void a_key_twice(struct cs_probe *probe)
{
    struct cs_crowd crowd;

    cs_crowd_make(&crowd, SIZE);
    crowd.cells[SIZE - 1][PERSON_KEY] = crowd.cells[0][PERSON_KEY];
    cs_probe_begin(probe, probe->sink);
    cs_probe_refuse(probe, probe->sink, PEOPLE(CS_INSERT, crowd.rows, SIZE));
    cs_probe_nobody(probe, probe->sink);
    cs_probe_apply(probe, probe->sink, PEOPLE(CS_INSERT, crowd.rows, SIZE - 1),
                   SIZE - 1);
    cs_probe_commit(probe, probe->sink);
    cs_probe_people(probe, probe->sink, crowd.rows, SIZE - 1);
    cs_crowd_clear(&crowd);
}

static void overlong(struct cs_value *row)
{
    row[PERSON_MAIL] = (struct cs_value)TEXT("twenty-one characters");
}

/* Some databases know no lengths: then nothing of this can be bad. */
static bool stores_overlong(struct cs_probe *probe)
{
    struct cs_value row[PERSON_COLUMNS] = {[PERSON_KEY] = TEXT("k")};
    const struct cs_value *rows = row;

    overlong(row);
    if (!cs_probe_try(probe, probe->sink, PEOPLE(CS_INSERT, &rows, 1)))
        return false;
    cs_probe_person_is(probe, row);
    cs_conform_skip(probe->conform, "overlong text is stored, in full");
    return true;
}

static void overlong_text(struct cs_probe *probe)
{
    if (!stores_overlong(probe))
        bad_inserts(probe, overlong);
}

static void no_such_group(struct cs_value *row)
{
    row[PERSON_GROUP] = (struct cs_value)NUMBER(2000000000);
}

static void missing_group(struct cs_probe *probe)
{
    bad_inserts(probe, no_such_group);
}

static void null_key(struct cs_value *row)
{
    row[PERSON_KEY] = (struct cs_value)NIL;
}

static void no_key(struct cs_probe *probe)
{
    struct cs_crowd crowd;

    cs_crowd_make(&crowd, SIZE);
    null_key(crowd.cells[SIZE / 2]);
    cs_probe_refuse(probe, probe->sink, PEOPLE(CS_INSERT, crowd.rows, SIZE));
    cs_probe_nobody(probe, probe->sink);
    cs_crowd_clear(&crowd);
}

static void bad_update(struct cs_probe *probe)
{
    struct cs_crowd old, crowd;

    cs_crowd_make(&old, SIZE);
    cs_crowd_make(&crowd, SIZE);
    cs_probe_apply(probe, probe->sink, PEOPLE(CS_INSERT, old.rows, SIZE), SIZE);
    for (size_t i = 0; i < SIZE; i++)
        crowd.cells[i][PERSON_NAME] = (struct cs_value)TEXT("changed");
    for (size_t bad = 0; bad < SIZE; bad += SIZE / 2) {
        cs_conform_about(probe->conform, "row %zu of %d is bad", bad + 1,
                         (int)SIZE);
        no_such_group(crowd.cells[bad]);
        cs_probe_begin(probe, probe->sink);
        cs_probe_refuse(probe, probe->sink,
                        PEOPLE(CS_UPDATE, crowd.rows, SIZE));
        cs_probe_people(probe, probe->sink, old.rows, SIZE);
        halves(probe, CS_UPDATE, &crowd, bad);
        cs_probe_commit(probe, probe->sink);
        cs_probe_apply(probe, probe->sink, PEOPLE(CS_UPDATE, old.rows, SIZE),
                       SIZE);
        crowd.cells[bad][PERSON_GROUP].state = CS_ABSENT;
    }
    cs_crowd_clear(&old);
    cs_crowd_clear(&crowd);
}

/* ---- Foreign keys -------------------------------------------------------- */

static enum cs_rc keep_group(void *arg, const struct cs_value *row)
{
    *(int64_t *)arg = row[GROUP_ID].as.integer;
    return CS_OK;
}

/* A group that somebody is in cannot be deleted, nor what goes with it. */
static void delete_is_refused(struct cs_probe *probe)
{
    const struct cs_value a[GROUP_COLUMNS] = {[GROUP_KEY] = TEXT("a")};
    const struct cs_value b[GROUP_COLUMNS] = {[GROUP_KEY] = TEXT("b")};
    const struct cs_value *rows[] = {a, b};
    struct cs_value person[PERSON_COLUMNS] = {[PERSON_KEY] = TEXT("k")};
    int64_t group = 0;

    cs_probe_apply(probe, probe->sink,
                   BATCH(CS_INSERT, &cs_probe_group, rows, 1), 1);
    if (cs_conform_over(probe->conform))
        return;
    cs_probe_wants(probe, "scan",
                   cs_sink_scan(probe->sink, &cs_probe_group, NULL, keep_group,
                                &group, &probe->error),
                   CS_OK);
    person[PERSON_GROUP] = (struct cs_value)NUMBER(group);
    cs_probe_put(probe, CS_INSERT, person);
    cs_probe_person_is(probe, person);
    cs_probe_apply(probe, probe->sink,
                   BATCH(CS_INSERT, &cs_probe_group, rows + 1, 1), 1);
    cs_probe_begin(probe, probe->sink);
    cs_probe_refuse(probe, probe->sink,
                    BATCH(CS_DELETE, &cs_probe_group, rows, 2));
    cs_probe_scan(probe, probe->sink, &cs_probe_group, NULL, rows, 2);
    cs_probe_apply(probe, probe->sink,
                   BATCH(CS_DELETE, &cs_probe_group, rows + 1, 1), 1);
    cs_probe_commit(probe, probe->sink);
    cs_probe_scan(probe, probe->sink, &cs_probe_group, NULL, rows, 1);
    cs_probe_person_is(probe, person);
}

const struct cs_conform_case cs_conform_sink_bad[] = {
    {CS_CONFORM_SAFE, "a bad row: a key that is stored", a_stored_key},
    {CS_CONFORM_SAFE, "a bad row: a key twice", a_key_twice},
    {CS_CONFORM_SAFE, "a bad row: no key", no_key},
    {CS_CONFORM_SAFE, "a bad row: overlong text", overlong_text},
    {CS_CONFORM_SAFE, "a bad row: refers to nothing", missing_group},
    {CS_CONFORM_SAFE, "a bad row: in an update", bad_update},
    {CS_CONFORM_SAFE, "a bad row: a delete that a foreign key refuses",
     delete_is_refused},
    {.name = NULL},
};
