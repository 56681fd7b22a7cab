/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* Telling others: what they get, what a slow or failing one costs (nobody but
 * itself), and how it ends.  The notifiers are played here. */
#include "config.h"

#include "folder.h"
#include "base/memory.h"
#include "notify/notify.h"
#include "metrics/tally.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#undef fail /* cmocka's; struct cs_host has a member of this name */

/* ---- Two notifiers ------------------------------------------------------ */

enum { MOST = 4000 };

static struct player {
    /* Set by the test. */
    enum cs_rc opens;      /* of the next open, which then is CS_OK again */
    enum cs_rc results[8]; /* of the next calls; then CS_OK */
    size_t again;          /* with a result that is no CS_OK: only this one */
    bool blocks;           /* until it is told not to */
    bool heeds_cancel;
    /* What happened. */
    size_t calls, inside, n;
    bool closed;
    char *events[MOST]; /* "MEMBER of event" */
} players[2];
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;

static enum cs_rc play_open(const struct cs_host *host, void **self)
{
    struct player *player = &players[strcmp(host->text(host, "who"), "b") == 0];
    enum cs_rc rc = player->opens;

    player->opens = CS_OK;
    *self = player;
    return rc == CS_OK ? rc : cs_fail(host, rc, "closed today");
}

static void play_cancel(void *self)
{
    struct player *player = self;

    pthread_mutex_lock(&mutex);
    if (player->heeds_cancel)
        player->blocks = false;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&mutex);
}

static void play_close(void *self)
{
    struct player *player = self;

    player->closed = true;
}

static enum cs_rc play_notify(void *self, struct cs_news *news)
{
    struct player *player = self;
    enum cs_rc rc;

    pthread_mutex_lock(&mutex);
    player->inside++;
    pthread_cond_broadcast(&changed);
    while (player->blocks)
        pthread_cond_wait(&changed, &mutex);
    rc = player->results[player->calls < 8 ? player->calls : 7];
    player->calls++;
    for (size_t i = 0; i < news->n && player->n < MOST; i++)
        player->events[player->n++] =
            json_dumps(news->events[i], JSON_COMPACT | JSON_SORT_KEYS);
    if (rc != CS_OK && player->again > 0)
        news->again[player->again] = true;
    player->inside--;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&mutex);
    return rc;
}

static const struct cs_option options_a[] = {
    {"who", CS_OPT_TEXT, "a", NULL, ""}, {.name = NULL}};
static const struct cs_option options_b[] = {
    {"who", CS_OPT_TEXT, "b", NULL, ""}, {.name = NULL}};
#define PLAYED                                       \
    .ops.notifier = {.life = {.open = play_open,     \
                              .cancel = play_cancel, \
                              .close = play_close},  \
                     .notify = play_notify}
static const struct cs_module module_a = {
    .kind = CS_NOTIFIER, .plugin = {.name = "a", .options = options_a}, PLAYED};
static const struct cs_module module_b = {
    .kind = CS_NOTIFIER, .plugin = {.name = "b", .options = options_b}, PLAYED};
static char sections[][16] = {"notifier.a", "notifier.b"};
static const struct cs_part part_a = {sections[0], "a", &module_a};
static const struct cs_part part_b = {sections[1], "b", &module_b};

/* ---- The room under test ------------------------------------------------ */

static struct cs_app app;
static const struct cs_part *notifiers[] = {&part_a, &part_b};
static struct cs_notify *notify;

static void begin(const char *settings)
{
    struct cs_problems problems = {NULL, 0};
    struct cs_settings_request request;

    folder_new();
    request = (struct cs_settings_request){
        .file = folder_text("cleversync.conf", settings)};
    app = (struct cs_app){.settings = NULL};
    cs_settings_read(&app.settings, &request, &problems);
    assert_int_equal(problems.n, 0);
    app.wiring.notifiers = notifiers;
    app.wiring.nnotifiers = 2;
    notify = cs_notify_new(&app);
}

static int setup(void **state)
{
    (void)state;
    memset(players, 0, sizeof(players));
    begin("[retry]\nclever_api_backoff_base = 0\n");
    return 0;
}

static void leave(void)
{
    for (size_t i = 0; i < 2; i++)
        for (size_t j = 0; j < players[i].n; j++)
            free(players[i].events[j]);
    cs_settings_free(app.settings);
    folder_remove();
}

static void end(void)
{
    assert_true(cs_notify_free(notify, 10 * CS_SECOND));
    notify = NULL;
}

static int teardown(void **state)
{
    (void)state;
    if (notify)
        end();
    leave();
    return 0;
}

static void raise_numbers(int from, int n)
{
    for (int i = from; i < from + n; i++)
        cs_notify_raise(notify,
                        json_pack("{s:s, s:i}", "event", "held", "held", i));
}

/* Until the player was handed so many events in all. */
static void await_events(struct player *player, size_t n)
{
    pthread_mutex_lock(&mutex);
    while (player->n < n)
        pthread_cond_wait(&changed, &mutex);
    pthread_mutex_unlock(&mutex);
}

static void await_inside(struct player *player)
{
    pthread_mutex_lock(&mutex);
    while (player->inside == 0)
        pthread_cond_wait(&changed, &mutex);
    pthread_mutex_unlock(&mutex);
}

static void block(struct player *player, bool blocks)
{
    pthread_mutex_lock(&mutex);
    player->blocks = blocks;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&mutex);
}

/* The member of an event that a player was handed. */
static double number_at(const struct player *player, size_t i,
                        const char *member)
{
    json_t *event = json_loads(player->events[i], 0, NULL);
    double number = json_number_value(json_object_get(event, member));

    json_decref(event);
    return number;
}

static struct cs_notify_state state_of(size_t i)
{
    struct cs_notify_state state;

    assert_true(cs_notify_state(notify, i, &state));
    return state;
}

/* A player has an event a moment before it is counted as sent. */
static void await_waiting(size_t n)
{
    while (state_of(0).waiting > n)
        sched_yield();
    assert_int_equal(state_of(0).waiting, n);
}

/* ---- Events ------------------------------------------------------------- */

static void everybody_gets_each_event_in_order(void **state)
{
    (void)state;
    raise_numbers(0, 300);
    end();
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(players[i].n, 300);
        assert_true(players[i].closed);
        for (size_t j = 0; j < 300; j++)
            assert_int_equal(number_at(&players[i], j, "held"), j);
    }
}

static void an_event_has_an_id_a_time_and_a_level(void **state)
{
    json_t *one, *two;
    const char *id, *other, *time, *level;

    (void)state;
    raise_numbers(0, 2);
    end();
    one = json_loads(players[0].events[0], 0, NULL);
    two = json_loads(players[0].events[1], 0, NULL);
    assert_int_equal(json_unpack(one, "{s:s, s:s, s:s}", "id", &id, "time",
                                 &time, "level", &level),
                     0);
    assert_int_equal(json_unpack(two, "{s:s}", "id", &other), 0);
    assert_int_equal(strlen(id), 32);
    assert_string_not_equal(id, other);
    assert_true(cs_clock_is_format(time));
    assert_string_equal(level, "warning");
    assert_int_equal(json_object_size(one), 5);
    json_decref(one);
    json_decref(two);
    /* The same event, whoever gets it. */
    assert_string_equal(players[0].events[0], players[1].events[0]);
}

static void what_is_known_is_not_overwritten(void **state)
{
    json_t *event;

    (void)state;
    cs_notify_raise(notify,
                    json_pack("{s:s, s:s, s:s}", "event", "held", "level",
                              "error", "time", "2026-01-31T00:00:00.000Z"));
    end();
    event = json_loads(players[0].events[0], 0, NULL);
    assert_string_equal(json_string_value(json_object_get(event, "level")),
                        "error");
    assert_string_equal(json_string_value(json_object_get(event, "time")),
                        "2026-01-31T00:00:00.000Z");
    json_decref(event);
}

/* ---- Slow ones ---------------------------------------------------------- */

static void a_slow_one_holds_up_nobody(void **state)
{
    (void)state;
    block(&players[0], true);
    for (int i = 0; i < 3000; i += 500) {
        raise_numbers(i, 500); /* returns, or this test never ends */
        await_events(&players[1], (size_t)i + 500);
    }
    assert_int_equal(state_of(1).lost, 0);
    assert_int_equal(players[0].n, 0);
    block(&players[0], false);
}

static void a_full_queue_loses_the_oldest(void **state)
{
    struct player *slow = &players[0];

    (void)state;
    block(slow, true);
    raise_numbers(0, 1);
    await_inside(slow);
    raise_numbers(1, CS_NOTIFY_QUEUE + 7);
    assert_int_equal(state_of(0).lost, 7);
    assert_int_equal(state_of(0).waiting, CS_NOTIFY_QUEUE + 1);
    block(slow, false);
    await_events(slow, CS_NOTIFY_QUEUE + 1);
    assert_int_equal(number_at(slow, 0, "held"), 0);
    assert_int_equal(number_at(slow, 1, "held"), 8);
    assert_int_equal(number_at(slow, CS_NOTIFY_QUEUE, "held"),
                     CS_NOTIFY_QUEUE + 7);
    end();
    assert_int_equal(slow->n, CS_NOTIFY_QUEUE + 1);
}

/* ---- Failing ones ------------------------------------------------------- */

static void what_was_not_delivered_comes_again(void **state)
{
    (void)state;
    players[0].results[0] = CS_E_RETRY;
    players[0].results[1] = CS_E_AUTH;
    raise_numbers(7, 1);
    await_events(&players[0], 3);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(number_at(&players[0], i, "held"), 7);
    end();
    assert_int_equal(players[0].n, 3);
    assert_int_equal(players[1].n, 1);
}

static void of_a_part_only_the_rest_comes_again(void **state)
{
    struct player *player = &players[0];

    (void)state;
    block(player, true);
    raise_numbers(0, 1);
    await_inside(player);
    raise_numbers(1, 5); /* these are one batch now */
    player->results[1] = CS_E_RETRY;
    player->again = 3;
    block(player, false);
    await_events(player, 7);
    assert_int_equal(number_at(player, 6, "held"), 4);
    end();
    assert_int_equal(player->n, 7);
}

static void other_errors_lose_what_was_handed_over(void **state)
{
    (void)state;
    players[0].results[0] = CS_E_FATAL;
    raise_numbers(0, 1);
    await_events(&players[0], 1);
    raise_numbers(1, 1);
    await_events(&players[0], 2);
    await_waiting(0);
    assert_int_equal(state_of(0).lost, 1);
    assert_int_equal(state_of(0).sent, 1);
    assert_int_equal(number_at(&players[0], 1, "held"), 1);
}

static void of_a_part_only_the_rest_is_lost(void **state)
{
    struct player *player = &players[0];

    (void)state;
    block(player, true);
    raise_numbers(0, 1);
    await_inside(player);
    raise_numbers(1, 5);
    player->results[1] = CS_E_DATA;
    player->again = 3;
    block(player, false);
    await_events(player, 6);
    await_waiting(0);
    assert_int_equal(state_of(0).lost, 1);
    assert_int_equal(state_of(0).sent, 5);
}

static void one_that_cannot_be_opened_is_tried_again(void **state)
{
    (void)state;
    players[0].opens = CS_E_AUTH; /* its secrets are out of reach */
    raise_numbers(3, 1);
    await_events(&players[0], 1);
    assert_int_equal(number_at(&players[0], 0, "held"), 3);
}

/* ---- Metrics ------------------------------------------------------------ */

static void raise_metric(const char *name, const char *school, double value)
{
    cs_notify_raise(notify,
                    json_pack("{s:s, s:s, s:s, s:f}", "event", "metric", "name",
                              name, "school", school, "value", value));
}

static void metrics_are_summed_up(void **state)
{
    (void)state;
    raise_metric("rows", "s1", 2);
    raise_metric("rows", "s1", 6);
    raise_metric("rows", "s2", 5);
    raise_numbers(0, 1);
    await_events(&players[0], 1); /* which did not wait for the metrics */
    await_waiting(2);
    end();
    assert_int_equal(players[0].n, 3);
    assert_true(number_at(&players[0], 1, "value") == 8);
    assert_true(number_at(&players[0], 1, "count") == 2);
    assert_true(number_at(&players[0], 1, "min") == 2);
    assert_true(number_at(&players[0], 1, "max") == 6);
    assert_true(number_at(&players[0], 1, "deviation") == 2);
    assert_null(strstr(players[0].events[1], "squares"));
    assert_true(number_at(&players[0], 2, "value") == 5);
    assert_true(number_at(&players[0], 2, "count") == 1);
    assert_true(number_at(&players[0], 2, "deviation") == 0);
}

static void sums_are_sent_after_the_interval(void **state)
{
    (void)state;
    end();
    leave();
    memset(players, 0, sizeof(players));
    begin("[monitoring]\nmetric_flush_interval_seconds = 1\n");
    raise_metric("rows", "s1", 2);
    await_events(&players[0], 1); /* without the end, or never */
    raise_metric("rows", "s1", 3);
    end();
    assert_true(number_at(&players[0], 1, "value") == 3); /* from 0 again */
}

static void there_is_an_end_to_names(void **state)
{
    struct cs_tally *tally = cs_tally_new();
    json_t *event = json_pack("{s:s, s:i}", "event", "metric", "value", 1);

    (void)state;
    for (int i = 0; i <= CS_TALLY_SERIES; i++) {
        char name[16];

        snprintf(name, sizeof(name), "n%d", i);
        json_object_set_new(event, "name", json_string(name));
        assert_int_equal(cs_tally_add(tally, event), i < CS_TALLY_SERIES);
    }
    json_object_set_new(event, "name", json_string("n0"));
    assert_true(cs_tally_add(tally, event)); /* a known one fits */
    json_decref(event);
    cs_tally_free(tally);
}

/* ---- The end ------------------------------------------------------------ */

static void the_end_does_not_wait_for_ever(void **state)
{
    int64_t start;

    (void)state;
    end();
    leave();
    memset(players, 0, sizeof(players));
    begin("[retry]\nclever_api_backoff_base = 60\n");
    for (size_t i = 0; i < 8; i++)
        players[0].results[i] = CS_E_RETRY;
    raise_numbers(0, 1);
    await_events(&players[0], 1);
    start = cs_clock_steady();
    end(); /* tries once more, and not a minute later */
    assert_true(cs_clock_steady() - start < 9 * CS_SECOND);
    assert_int_equal(players[0].n, 2);
}

static void one_that_can_be_cancelled_is(void **state)
{
    struct player *player = &players[0];

    (void)state;
    player->heeds_cancel = true;
    block(player, true);
    raise_numbers(0, 1);
    await_inside(player);
    assert_true(cs_notify_free(notify, 0));
    notify = NULL;
    assert_true(player->closed);
}

static void one_that_hangs_is_abandoned(void **state)
{
    struct player *player = &players[0];
    static struct cs_notify *abandoned; /* still in use: no leak */

    (void)state;
    block(player, true);
    raise_numbers(0, 1);
    await_inside(player);
    abandoned = notify;
    notify = NULL;
    assert_false(cs_notify_free(abandoned, 0));
    block(player, false);
    assert_true(cs_notify_free(abandoned, 10 * CS_SECOND));
}

static void a_flush_waits_for_what_waits(void **state)
{
    struct player *player = &players[0];

    (void)state;
    block(player, true);
    raise_numbers(0, 1);
    raise_metric("rows", "s1", 2); /* has its own time */
    await_inside(player);
    cs_notify_flush(notify, CS_SECOND / 20); /* no longer than that */
    assert_int_equal(state_of(0).sent, 0);
    block(player, false);
    cs_notify_flush(notify, 60 * CS_SECOND);
    assert_int_equal(state_of(0).sent, 1);
    assert_int_equal(state_of(1).sent, 1);
}

/* ---- A successor -------------------------------------------------------- */

/* The first delivery is to be tried again, but only in a minute. */
static void begin_waiting(void)
{
    end();
    leave();
    memset(players, 0, sizeof(players));
    begin("[retry]\nclever_api_backoff_base = 60\n");
    players[0].results[0] = CS_E_RETRY;
    raise_numbers(0, 1);
    await_events(&players[0], 1);
}

static void what_waits_is_handed_on(void **state)
{
    struct player *player = &players[0];
    struct cs_notify *old;

    (void)state;
    begin_waiting();
    raise_numbers(1, 4);
    raise_metric("rows", "s1", 2);
    raise_metric("rows", "s1", 5);
    old = notify;
    app.wiring.nnotifiers = 1; /* the other one is not wanted any more */
    notify = cs_notify_new(&app);
    assert_true(cs_notify_replace(old, notify, 10 * CS_SECOND));
    await_events(player, 1 + 6);
    for (size_t i = 0; i < 5; i++)
        assert_int_equal(number_at(player, 1 + i, "held"), i);
    assert_true(number_at(player, 6, "value") == 7);
    assert_int_equal(players[1].n, 6); /* it had its time */
    assert_int_equal(state_of(0).lost, 0);
    end();
    assert_int_equal(player->n, 1 + 6);
}

static void what_is_handed_on_is_the_oldest(void **state)
{
    struct player *player = &players[0];
    struct cs_notify *old;

    (void)state;
    begin_waiting();
    raise_numbers(1, CS_NOTIFY_QUEUE - 1);
    old = notify;
    notify = cs_notify_new(&app);
    block(player, true);
    raise_numbers(5000, 1);
    await_inside(player);
    raise_numbers(5001, 3);
    assert_true(cs_notify_replace(old, notify, 10 * CS_SECOND));
    assert_int_equal(state_of(0).lost, 3);
    assert_int_equal(state_of(0).waiting, 1 + CS_NOTIFY_QUEUE);
    block(player, false);
    await_events(player, 1 + 1 + CS_NOTIFY_QUEUE);
    assert_int_equal(number_at(player, 2, "held"), 3);
    assert_int_equal(number_at(player, 1 + CS_NOTIFY_QUEUE, "held"), 5003);
}

/* ---- A test ------------------------------------------------------------- */

static void a_test_is_sent_at_once(void **state)
{
    struct cs_error error = {0};

    (void)state;
    assert_int_equal(cs_notify_test(&app, &part_b, &error), CS_OK);
    assert_int_equal(players[1].n, 1);
    assert_non_null(strstr(players[1].events[0], "\"event\":\"test\""));
    assert_int_equal(players[0].n, 0);
    players[1].results[1] = CS_E_AUTH;
    assert_int_equal(cs_notify_test(&app, &part_b, &error), CS_E_AUTH);
    players[1].opens = CS_E_CONFIG;
    assert_int_equal(cs_notify_test(&app, &part_b, &error), CS_E_CONFIG);
    assert_string_equal(error.text, "notifier.b: closed today");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(everybody_gets_each_event_in_order),
        TEST(an_event_has_an_id_a_time_and_a_level),
        TEST(what_is_known_is_not_overwritten),
        TEST(a_slow_one_holds_up_nobody),
        TEST(a_full_queue_loses_the_oldest),
        TEST(what_was_not_delivered_comes_again),
        TEST(of_a_part_only_the_rest_comes_again),
        TEST(of_a_part_only_the_rest_is_lost),
        TEST(other_errors_lose_what_was_handed_over),
        TEST(one_that_cannot_be_opened_is_tried_again),
        TEST(metrics_are_summed_up),
        TEST(sums_are_sent_after_the_interval),
        TEST(there_is_an_end_to_names),
        TEST(the_end_does_not_wait_for_ever),
        TEST(one_that_can_be_cancelled_is),
        TEST(one_that_hangs_is_abandoned),
        TEST(a_flush_waits_for_what_waits),
        TEST(what_waits_is_handed_on),
        TEST(what_is_handed_on_is_the_oldest),
        TEST(a_test_is_sent_at_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
