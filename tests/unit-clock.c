/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

#include "config.h"

#include "base/cancel.h"

#include <limits.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

static void times_are_written_and_read(void **state)
{
    static const struct {
        const char *text;
        int64_t time;
        const char *again;
    } table[] = {
        {"1970-01-01T00:00:00.000Z", 0, "1970-01-01T00:00:00.000Z"},
        {"2026-02-28T23:59:59.999Z", 1772323199999000,
         "2026-02-28T23:59:59.999Z"},
        {"2024-02-29 12:00:00", 1709208000000000, "2024-02-29T12:00:00.000Z"},
        {"2024-02-29T12:00:00.1234567", 1709208000123456,
         "2024-02-29T12:00:00.123Z"},
    };
    static const char *const bad[] = {"",           "2026",
                                      "2026-01-01", "2026-01-01T00:00",
                                      "1/2/2026",   "2026-01-01T00:00:00.0Zx"};
    char text[CS_CLOCK_ISO];
    int64_t time;

    (void)state;
    for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
        assert_true(cs_clock_parse(table[i].text, &time));
        assert_int_equal(time, table[i].time);
        cs_clock_format(time, text);
        assert_string_equal(text, table[i].again);
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        assert_false(cs_clock_parse(bad[i], &time));
}

static void *cancel_soon(void *arg)
{
    cs_cancel_now(arg);
    return NULL;
}

static void a_wait_ends_when_cancelled(void **state)
{
    struct cs_cancel *cancel = cs_cancel_new(NULL, 0);
    struct cs_cancel *child = cs_cancel_new(cancel, 0);
    pthread_t thread;

    (void)state;
    assert_int_equal(cs_cancel_remaining_ms(child), LONG_MAX);
    assert_true(cs_cancel_wait(child, 1000));
    pthread_create(&thread, NULL, cancel_soon, cancel);
    assert_false(cs_cancel_wait(child, 3600 * CS_SECOND));
    pthread_join(thread, NULL);
    assert_int_equal(cs_cancel_remaining_ms(child), 0);
    assert_false(cs_cancel_late(child));
    cs_cancel_free(child);
    cs_cancel_free(cancel);
}

static void count(void *arg)
{
    ++*(int *)arg;
}

static void listeners_are_told_once(void **state)
{
    int told[4] = {0, 0, 0, 0};
    struct cs_listener listener[4];
    struct cs_cancel *parent = cs_cancel_new(NULL, 0);
    struct cs_cancel *child = cs_cancel_new(parent, 0);

    (void)state;
    for (int i = 0; i < 4; i++) {
        listener[i] = (struct cs_listener){.tell = count, .arg = &told[i]};
        if (i < 3)
            cs_cancel_listen(child, &listener[i]);
    }
    cs_cancel_unlisten(&listener[1]);
    cs_cancel_unlisten(&listener[1]);
    cs_cancel_now(parent);
    cs_cancel_listen(child, &listener[3]); /* too late for it */
    cs_cancel_now(child);
    cs_cancel_now(parent);
    assert_int_equal(told[0], 1);
    assert_int_equal(told[1], 0);
    assert_int_equal(told[2], 1);
    assert_int_equal(told[3], 0);
    for (int i = 0; i < 4; i++)
        cs_cancel_unlisten(&listener[i]);
    cs_cancel_free(child);
    cs_cancel_free(parent);
}

/* From here on the clock stands still: these tests come last. */
static void a_turned_clock_moves_by_waiting(void **state)
{
    struct cs_cancel *whole, *part;

    (void)state;
    cs_clock_turn(1000 * CS_SECOND);
    whole = cs_cancel_new(NULL, 10 * CS_SECOND);
    part = cs_cancel_new(whole, 60 * CS_SECOND);
    assert_int_equal(cs_cancel_remaining_ms(part), 10000);
    assert_true(cs_cancel_wait(part, 4 * CS_SECOND));
    assert_int_equal(cs_clock_now(), 1004 * CS_SECOND);
    assert_int_equal(cs_cancel_remaining_ms(part), 6000);
    assert_false(cs_cancel_wait(part, 7 * CS_SECOND));
    assert_int_equal(cs_clock_now(), 1010 * CS_SECOND);
    assert_true(cs_cancel_late(part));
    assert_int_equal(cs_cancel_remaining_ms(whole), 0);
    cs_cancel_free(part);
    cs_cancel_free(whole);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(times_are_written_and_read),
        cmocka_unit_test(a_wait_ends_when_cancelled),
        cmocka_unit_test(listeners_are_told_once),
        cmocka_unit_test(a_turned_clock_moves_by_waiting),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
