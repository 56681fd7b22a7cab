/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* The schedule's rules: each tick is claimed by one, or counted as skipped. */
#include "config.h"

#include "database/schedule-row.h"

#include "base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#define HOUR (3600 * CS_SECOND)

static int64_t at(const char *text)
{
    int64_t time;

    assert_true(cs_clock_parse(text, &time));
    return time;
}

static struct cs_cron cron_of(const char *text)
{
    struct cs_cron cron;

    assert_int_equal(cs_cron_parse(&cron, text, NULL), CS_OK);
    return cron;
}

static void is_due(const char *expression, const char *last, const char *now,
                   size_t n, const char *tick)
{
    struct cs_cron cron = cron_of(expression);
    struct cs_schedule_due due = cs_schedule_row_due(&cron, at(last), at(now));

    assert_int_equal(due.n, n);
    assert_int_equal(due.tick, tick ? at(tick) : 0);
}

static void test_due(void **state)
{
    (void)state;
    is_due("0 0 2 * * *", "2026-11-23T02:00:00Z", "2026-11-24T01:59:59Z", 0,
           NULL);
    is_due("0 0 2 * * *", "2026-11-23T02:00:00Z", "2026-11-24T02:00:00Z", 1,
           "2026-11-24T02:00:00Z");
    is_due("0 0 2 * * *", "2026-11-23T02:00:00Z", "2026-11-26T12:00:00Z", 3,
           "2026-11-26T02:00:00Z");
    /* The clock was set back. */
    is_due("0 0 2 * * *", "2026-11-23T02:00:00Z", "2026-11-20T12:00:00Z", 0,
           NULL);
    /* A year of every minute is not counted. */
    is_due("0 * * * * *", "2025-11-23T00:00:00Z", "2026-11-23T00:00:00Z",
           31 * 24 * 60, "2026-11-23T00:00:00Z");
    is_due("0 0 0 31 2 *", "2025-11-23T00:00:00Z", "2026-11-23T00:00:00Z", 0,
           NULL);
}

static void test_claim(void **state)
{
    int64_t two = at("2026-11-23T02:00:00Z");
    struct cs_schedule_row row = {.last = two - 24 * HOUR, .since = 5};
    struct cs_schedule_due due = {two, 1};
    struct cs_schedule_row other;

    (void)state;
    assert_true(cs_schedule_row_claim(&row, &due, two, 9));
    assert_int_equal(row.last, two);
    assert_int_equal(row.since, 9);
    assert_true(row.open);
    assert_int_equal(row.skipped, 0);
    assert_int_equal(row.caught_up, 0);
    /* The same tick again, for another daemon or behind a jump of the clock. */
    other = row;
    assert_false(cs_schedule_row_claim(&other, &due, two + HOUR, 77));
    assert_memory_equal(&other, &row, sizeof(row));
    /* Its run ends; that of another claim does not end it. */
    assert_false(cs_schedule_row_end(&row, "run-0", 8));
    assert_true(row.open);
    assert_true(cs_schedule_row_end(&row, "run-1", 9));
    assert_false(row.open);
    assert_string_equal(row.run, "run-1");
    assert_false(cs_schedule_row_end(&row, "run-2", 9));
    assert_string_equal(row.run, "run-1");
}

static void test_missed(void **state)
{
    int64_t two = at("2026-11-23T02:00:00Z");
    struct cs_schedule_row row = {.last = two - 72 * HOUR};
    struct cs_schedule_due due = {two, 3};

    (void)state;
    /* Three while nobody was there: the newest is run, late. */
    assert_true(cs_schedule_row_claim(&row, &due, two + 5 * HOUR, 1));
    assert_int_equal(row.skipped, 2);
    assert_int_equal(row.caught_up, 1);
    /* Its run was cut short, so the next one makes it good. */
    due = (struct cs_schedule_due){two + 24 * HOUR, 1};
    assert_true(cs_schedule_row_claim(&row, &due, two + 24 * HOUR, 1));
    assert_int_equal(row.skipped, 2);
    assert_int_equal(row.caught_up, 2);
    assert_true(cs_schedule_row_end(&row, "run", 1));
    due = (struct cs_schedule_due){two + 48 * HOUR, 1};
    assert_true(cs_schedule_row_claim(&row, &due, two + 48 * HOUR, 1));
    assert_int_equal(row.caught_up, 2);
}

static void test_skip(void **state)
{
    int64_t two = at("2026-11-23T02:00:00Z");
    struct cs_schedule_row row = {.last = two - HOUR, .open = true, .since = 4};
    struct cs_schedule_due due = {two, 2};

    (void)state;
    assert_true(cs_schedule_row_skip(&row, &due));
    assert_int_equal(row.last, two);
    assert_int_equal(row.skipped, 2);
    assert_true(row.open); /* the run that is on */
    assert_int_equal(row.since, 4);
    assert_false(cs_schedule_row_skip(&row, &due));
    assert_int_equal(row.skipped, 2);
    assert_true(cs_schedule_row_end(&row, "run", 4));
}

static void test_begin(void **state)
{
    int64_t now = at("2026-11-23T02:00:00Z");
    struct cs_schedule_row row = {0};

    (void)state;
    assert_true(cs_schedule_row_begin(&row, now));
    assert_int_equal(row.last, now);
    assert_false(row.open);
    assert_string_not_equal(row.run, ""); /* else it would be open */
    assert_false(cs_schedule_row_begin(&row, now + HOUR));
    /* Back by up to a day: wait.  By more: that was no time. */
    assert_false(cs_schedule_row_begin(&row, now - 24 * HOUR));
    assert_int_equal(row.last, now);
    assert_true(cs_schedule_row_begin(&row, now - 25 * HOUR));
    assert_int_equal(row.last, now - 25 * HOUR);
}

/* A week of two daemons that come and go, with a clock that is set: each tick
 * is claimed once or skipped once. */
static void test_week(void **state)
{
    struct cs_cron cron = cron_of("0 0 */6 * * *");
    int64_t start = at("2026-11-23T00:00:00Z"), now = start, highest = start;
    struct cs_schedule_row row = {0};
    int64_t lasts[2] = {start, start};
    unsigned dice = 1;
    size_t claims = 0;

    (void)state;
    assert_true(cs_schedule_row_begin(&row, start));
    while (highest < start + 7 * 24 * HOUR) {
        int64_t *last;
        struct cs_schedule_due due;

        dice = dice * 1103515245 + 12345;
        /* From six hours back to eighteen on. */
        now += ((int64_t)(dice >> 16) % 25 - 6) * HOUR;
        if (now < start)
            now = start;
        if (now > highest)
            highest = now;
        last = &lasts[dice >> 30 & 1];
        due = cs_schedule_row_due(&cron, *last, now);
        if (due.n == 0)
            continue;
        /* There is something to do; how much, the row knows. */
        due = cs_schedule_row_due(&cron, row.last, now);
        if (dice & 1 << 20)
            cs_schedule_row_skip(&row, &due);
        else
            claims += cs_schedule_row_claim(&row, &due, now, 0);
        *last = row.last;
    }
    assert_int_equal(claims + (size_t)row.skipped,
                     cs_schedule_row_due(&cron, start, row.last).n);
    assert_true(claims > 5);
    assert_true(row.skipped > 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_due),    cmocka_unit_test(test_claim),
        cmocka_unit_test(test_missed), cmocka_unit_test(test_skip),
        cmocka_unit_test(test_begin),  cmocka_unit_test(test_week),
    };

    setenv("TZ", "UTC", 1);
    tzset();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
