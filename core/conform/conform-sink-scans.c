/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* Reading a part of a table, in an order, or until told to stop. */

#include "config.h"

#include "conform/sink-probe.h"

#include "base/memory.h"

#include <stdlib.h>

/* ---- Lists --------------------------------------------------------------- */

static void find(struct cs_probe *probe, size_t column,
                 const struct cs_value *in, size_t nin,
                 const struct cs_value *const *rows, size_t n)
{
    const struct cs_filter filter = {
        .size = sizeof(filter), .column = column, .in = in, .nin = nin};

    cs_probe_scan(probe, probe->sink, &cs_probe_person, &filter, rows, n);
}

static void lists(struct cs_probe *probe)
{
    static const size_t sizes[] = {0, 1, 2, 600, 1000};
    struct cs_crowd crowd;
    struct cs_value *in = cs_memory_array(1001, sizeof(*in));

    cs_crowd_make(&crowd, 1000);
    cs_probe_apply(probe, probe->sink, PEOPLE(CS_INSERT, crowd.rows, 1000),
                   1000);
    for (size_t i = 0; i < 1000; i++)
        in[i] = crowd.rows[i][PERSON_KEY];
    in[1000] = (struct cs_value)TEXT("nobody");
    for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
        cs_conform_about(probe->conform, "a list of %zu", sizes[i]);
        find(probe, PERSON_KEY, in, sizes[i], crowd.rows, sizes[i]);
    }
    find(probe, PERSON_KEY, in + 1000, 1, NULL, 0);
    find(probe, PERSON_KEY, in + 500, 501, crowd.rows + 500, 500);
    cs_crowd_clear(&crowd);
    free(in);
}

static void lists_of_numbers(struct cs_probe *probe)
{
    const struct cs_value in[] = {NUMBER(3), NUMBER(4), NUMBER(-1)};
    struct cs_crowd crowd;

    cs_crowd_make(&crowd, 10);
    cs_probe_apply(probe, probe->sink, PEOPLE(CS_INSERT, crowd.rows, 10), 10);
    find(probe, PERSON_AGE, in, 3, crowd.rows + 3, 2);
    cs_crowd_clear(&crowd);
}

/* Texts that a collation may hold equal, those of them that can be stored. */
static void by_bytes(struct cs_probe *probe, size_t column)
{
    static const char *const texts[] = {"a", "A",        "a ",       " a",
                                        "b", "\xC3\xA9", "e\xCC\x81"};
    enum { N = sizeof(texts) / sizeof(*texts) };
    static const char *const keys[N] = {"0", "1", "2", "3", "4", "5", "6"};
    struct cs_value cells[N][PERSON_COLUMNS] = {{{.state = CS_ABSENT}}};
    const struct cs_value *rows[N];
    bool stored[N];

    for (size_t i = 0; i < N; i++) {
        cells[i][PERSON_KEY] = (struct cs_value)TEXT(keys[i]);
        cells[i][column] = (struct cs_value)TEXT(texts[i]);
        rows[i] = cells[i];
        stored[i] =
            cs_probe_try(probe, probe->sink, PEOPLE(CS_INSERT, rows + i, 1));
    }
    for (size_t i = 0; i < N; i++) {
        cs_conform_about(probe->conform, "text %zu", i + 1);
        find(probe, column, &cells[i][column], 1, rows + i, stored[i]);
    }
}

static void keys_by_bytes(struct cs_probe *probe)
{
    by_bytes(probe, PERSON_KEY);
}

static void texts_by_bytes(struct cs_probe *probe)
{
    by_bytes(probe, PERSON_NAME);
}

/* ---- Order --------------------------------------------------------------- */

static void below(struct cs_probe *probe)
{
    const struct cs_value number = NUMBER(4);
    const struct cs_value time = TEXT("2026-01-31T02:03:04.567Z");
    struct cs_filter filter = {
        .size = sizeof(filter), .column = PERSON_AGE, .below = &number};
    struct cs_crowd crowd;

    cs_crowd_make(&crowd, 10);
    crowd.cells[0][PERSON_SEEN] = (struct cs_value)TEXT("1999-12-31T23:59:59Z");
    crowd.cells[1][PERSON_SEEN] =
        (struct cs_value)TEXT("2026-01-31T02:03:04.566Z");
    crowd.cells[2][PERSON_SEEN] = time;
    crowd.cells[3][PERSON_SEEN] =
        (struct cs_value)TEXT("2026-01-31T02:03:04.568Z");
    cs_probe_apply(probe, probe->sink, PEOPLE(CS_INSERT, crowd.rows, 10), 10);
    cs_conform_about(probe->conform, "a number");
    cs_probe_scan(probe, probe->sink, &cs_probe_person, &filter, crowd.rows, 4);
    cs_conform_about(probe->conform, "a time");
    filter.column = PERSON_SEEN;
    filter.below = &time;
    cs_probe_scan(probe, probe->sink, &cs_probe_person, &filter, crowd.rows, 2);
    cs_crowd_clear(&crowd);
}

struct newest { /* identities and ages in the order that they come */
    size_t n;
    int64_t id[16], age[16];
};

static enum cs_rc keep_newest(void *arg, const struct cs_value *row)
{
    struct newest *newest = arg;

    if (newest->n < 16) {
        newest->id[newest->n] = row[PERSON_ID].as.integer;
        newest->age[newest->n] = row[PERSON_AGE].as.integer;
    }
    newest->n++;
    return CS_OK;
}

/* The ages that come, first to last. */
static void expect_newest(struct cs_probe *probe,
                          const struct cs_filter *filter, const int64_t *ages,
                          size_t n)
{
    struct newest newest = {.n = 0};

    if (cs_conform_over(probe->conform))
        return;
    cs_probe_wants(probe, "scan",
                   cs_sink_scan(probe->sink, &cs_probe_person, filter,
                                keep_newest, &newest, &probe->error),
                   CS_OK);
    if (newest.n != n)
        cs_conform_fail(probe->conform, "expected %zu rows, got %zu", n,
                        newest.n);
    for (size_t i = 0; i < n; i++)
        if (newest.age[i] != ages[i])
            cs_conform_fail(probe->conform,
                            "expected the row inserted as number %d in place "
                            "%zu, got number %d",
                            (int)ages[i], i + 1, (int)newest.age[i]);
        else if (i > 0 && newest.id[i] >= newest.id[i - 1])
            cs_conform_fail(probe->conform,
                            "identities do not go down in place %zu", i + 1);
}

static void history(struct cs_probe *probe)
{
    static const int64_t all[] = {9, 8, 7, 6, 5, 4, 3, 2, 1, 0};
    static const int64_t few[] = {6, 4, 2};
    const struct cs_value number = NUMBER(7);
    const struct cs_value in[] = {NUMBER(2), NUMBER(4), NUMBER(6), NUMBER(8)};
    struct cs_filter filter = {.size = sizeof(filter), .newest = 3};
    struct cs_crowd crowd;

    cs_crowd_make(&crowd, 10);
    for (size_t i = 0; i < 10; i++) /* keys in another order than rows */
        cs_probe_put(probe, CS_INSERT, crowd.rows[i]);
    cs_conform_about(probe->conform, "the newest 3");
    expect_newest(probe, &filter, all, 3);
    cs_conform_about(probe->conform, "more than there are");
    filter.newest = 5000;
    expect_newest(probe, &filter, all, 10);
    cs_conform_about(probe->conform, "the newest 3 below 7");
    filter = (struct cs_filter){.size = sizeof(filter),
                                .column = PERSON_AGE,
                                .below = &number,
                                .newest = 3};
    expect_newest(probe, &filter, all + 3, 3);
    cs_conform_about(probe->conform, "the newest 3 of a list, below 7");
    filter.in = in;
    filter.nin = 4;
    expect_newest(probe, &filter, few, 3);
    cs_crowd_clear(&crowd);
}

/* An identity is not given twice, so a deleted newest row leaves a gap. */
static void identities_count_up(struct cs_probe *probe)
{
    const struct cs_filter filter = {.size = sizeof(filter), .newest = 1};
    struct newest newest = {.n = 0};
    struct cs_crowd crowd;

    cs_crowd_make(&crowd, 3);
    for (size_t i = 0; i < 3; i++) {
        cs_probe_put(probe, CS_INSERT, crowd.rows[i]);
        if (!cs_conform_over(probe->conform))
            cs_probe_wants(probe, "scan",
                           cs_sink_scan(probe->sink, &cs_probe_person, &filter,
                                        keep_newest, &newest, &probe->error),
                           CS_OK);
        cs_probe_put(probe, CS_DELETE, crowd.rows[i]);
    }
    for (size_t i = 1; i < 3; i++)
        if (newest.id[i] <= newest.id[i - 1])
            cs_conform_fail(probe->conform,
                            "the identity of a later row is not above those "
                            "before it");
    cs_crowd_clear(&crowd);
}

/* ---- Stopping ------------------------------------------------------------ */

struct stop {
    size_t rows;
    enum cs_rc rc; /* for the third row */
};

static enum cs_rc stop_at_three(void *arg, const struct cs_value *row)
{
    struct stop *stop = arg;

    (void)row;
    return ++stop->rows >= 3 ? stop->rc : CS_OK;
}

static void stops(struct cs_probe *probe)
{
    static const enum cs_rc results[] = {CS_LEFT, CS_E_DATA, CS_E_FATAL};
    struct cs_crowd crowd;

    cs_crowd_make(&crowd, 1000);
    cs_probe_apply(probe, probe->sink, PEOPLE(CS_INSERT, crowd.rows, 1000),
                   1000);
    for (size_t i = 0; i < 3 && !cs_conform_over(probe->conform); i++) {
        struct stop stop = {0, results[i]};

        cs_probe_wants(probe, "a scan that was stopped",
                       cs_sink_scan(probe->sink, &cs_probe_person, NULL,
                                    stop_at_three, &stop, &probe->error),
                       results[i]);
        if (stop.rows != 3)
            cs_conform_fail(probe->conform,
                            "a scan was stopped at row 3 and gave %zu",
                            stop.rows);
        cs_probe_put(probe, CS_UPDATE, crowd.rows[i]);
    }
    cs_probe_people(probe, probe->sink, crowd.rows, 1000);
    cs_crowd_clear(&crowd);
}

const struct cs_conform_case cs_conform_sink_scans[] = {
    {CS_CONFORM_FAST, "scan: lists of 0, 1, 2, 600 and 1,000 keys", lists},
    {CS_CONFORM_WORKS, "scan: lists of numbers", lists_of_numbers},
    {CS_CONFORM_WORKS, "scan: keys byte for byte", keys_by_bytes},
    {CS_CONFORM_WORKS, "scan: other texts byte for byte", texts_by_bytes},
    {CS_CONFORM_WORKS, "scan: below a number and a time", below},
    {CS_CONFORM_WORKS, "scan: the newest first", history},
    {CS_CONFORM_WORKS, "scan: identities count up", identities_count_up},
    {CS_CONFORM_SAFE, "scan: stops when told, and the sink is usable", stops},
    {.name = NULL},
};
