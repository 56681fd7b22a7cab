/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* A district's feed is read once for all who ask, from the oldest cursor that
 * is known to be needed.  The source is played here. */
#include "config.h"

#include "sync/feed.h"
#include "base/memory.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#undef fail /* cmocka's; struct cs_host has a member of this name */

/* ---- A feed -------------------------------------------------------------- */

enum { PAGE = 3 };

static const char *const all_events[] = {"e1", "e2", "e3", "e4",
                                         "e5", "e6", "e7", "e8"};

static struct {
    size_t oldest, n;     /* events that are still there */
    enum cs_rc rc;        /* of every page */
    enum cs_rc broken;    /* of the second page, once, after one event */
    bool no_cursor;       /* events come without their place */
    atomic_uint readings; /* begun: instances that were opened */
    atomic_uint pages;
    atomic_uint awaited, asking; /* pages come when so many ask */
    char from[3];         /* the cursor of the last reading; "" without */
    const char *reads[8]; /* what it was asked for */
    char school[8];       /* in whose name */
} service;

static enum cs_rc feed_open(const struct cs_host *host, void **self)
{
    size_t n = 0;

    for (; n < 7 && host->reads[n]; n++)
        service.reads[n] = host->reads[n];
    service.reads[n] = NULL;
    snprintf(service.school, sizeof(service.school), "%s",
             host->scope->school ? host->scope->school : "");
    service.from[0] = '?';
    atomic_fetch_add(&service.readings, 1);
    *self = (void *)(uintptr_t)host;
    return CS_OK;
}

static void feed_close(void *self)
{
    (void)self;
}

static enum cs_rc feed_page(const struct cs_host *host, size_t first,
                            struct cs_page *page)
{
    size_t end = first + PAGE < service.n ? first + PAGE : service.n;

    for (size_t i = first; i < end; i++) {
        enum cs_rc rc =
            host->emit(page, CS_UPSERT,
                       service.no_cursor ? NULL : all_events[i], json_object());

        if (rc != CS_OK)
            return cs_fail(host, rc, "an event is not taken");
        if (first > 0 && service.broken != CS_OK) {
            rc = service.broken;
            service.broken = CS_OK;
            return cs_fail(host, rc, "the page broke off");
        }
    }
    return end < service.n ? host->next(page, all_events[end - 1])
                           : host->done(page, all_events[service.n - 1]);
}

/* All who are to ask at once are at it, but for what they do on the way. */
static void await_askers(void)
{
    const struct timespec moment = {0, 2000000};

    while (service.awaited > 0) {
        nanosleep(&moment, NULL);
        if (service.asking == service.awaited)
            break;
    }
}

static enum cs_rc feed_fetch(void *self, const struct cs_entity *entity,
                             const char *cursor, struct cs_page *page)
{
    const struct cs_host *host = self;
    size_t first = service.oldest;

    (void)entity;
    atomic_fetch_add(&service.pages, 1);
    if (service.from[0] == '?')
        snprintf(service.from, sizeof(service.from), "%s",
                 cursor ? cursor : "");
    await_askers();
    if (service.rc != CS_OK)
        return cs_fail(host, service.rc, "not today");
    if (service.oldest == service.n)
        return cursor ? cs_fail(host, CS_E_CURSOR, "the feed is empty")
                      : host->done(page, "");
    if (cursor && strcmp(all_events[first], cursor) > 0)
        return cs_fail(host, CS_E_CURSOR, "too old");
    while (cursor && first < service.n &&
           strcmp(all_events[first], cursor) <= 0)
        first++;
    return feed_page(host, first, page);
}

static const char *const pupil_reads[] = {"id", "name.first", NULL};
static const char *const tutor_reads[] = {"id", "roles.tutor", NULL};
static const struct cs_module feed_module = {
    .kind = CS_SOURCE,
    .plugin = {.name = "feed"},
    .ops.source = {.life = {.open = feed_open, .close = feed_close},
                   .delta = true,
                   .order = strcmp,
                   .fetch = feed_fetch},
};
static const struct cs_module pupil_module = {
    .kind = CS_MAPPER,
    .plugin = {.name = "pupil"},
    .ops.mapper = {.reads = pupil_reads},
};
static const struct cs_module tutor_module = {
    .kind = CS_MAPPER,
    .plugin = {.name = "tutor"},
    .ops.mapper = {.reads = tutor_reads},
};
static char sections[][10] = {"source.f", "mapper.p", "mapper.t"};
static const struct cs_part feed_part = {sections[0], "f", &feed_module};
static const struct cs_part pupil_part = {sections[1], "p", &pupil_module};
static const struct cs_part tutor_part = {sections[2], "t", &tutor_module};
static struct cs_pipeline pipelines[] = {
    {.name = "pupil", .delta = &feed_part, .mapper = &pupil_part},
    {.name = "tutor", .delta = &feed_part, .mapper = &tutor_part},
    {.name = "guest", .delta = NULL, .mapper = &tutor_part},
};

/* ---- The room under test ------------------------------------------------- */

static struct cs_app app;
static struct cs_error error;
static struct cs_feeds *feeds;

static int setup(void **state)
{
    char path[] = "/tmp/cleversync-unit-feed.XXXXXX";
    struct cs_settings_request request = {.file = path};
    struct cs_problems problems = {NULL, 0};
    int fd = mkstemp(path);

    (void)state;
    if (fd < 0)
        return -1;
    close(fd);
    app = (struct cs_app){.wiring = {.pipelines = pipelines, .npipelines = 3}};
    cs_settings_read(&app.settings, &request, &problems);
    unlink(path);
    cs_problems_clear(&problems);
    memset(&service, 0, sizeof(service));
    service.n = 8;
    cs_clock_turn(INT64_C(1767225600) * CS_SECOND); /* nobody waits */
    feeds = cs_feed_new_all(&app);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    cs_feed_free_all(feeds);
    cs_settings_free(app.settings);
    return 0;
}

static const struct cs_whom north = {.run = "r",
                                     .district_id = "d1",
                                     .district_prefix = "North",
                                     .school_id = "s1",
                                     .school_prefix = "Hill"};
static const struct cs_whom south = {
    .run = "r", .district_id = "d2", .district_prefix = "South"};

static const struct cs_feed *read_ok(const char *cursor)
{
    const struct cs_feed *feed = NULL;

    assert_int_equal(
        cs_feed_read(feeds, &feed_part, &north, cursor, &feed, &error), CS_OK);
    return feed;
}

static enum cs_rc read_rc(const struct cs_whom *whom, const char *cursor)
{
    const struct cs_feed *feed = NULL;

    return cs_feed_read(feeds, &feed_part, whom, cursor, &feed, &error);
}

/* ---- Once for all -------------------------------------------------------- */

static void all_that_came_after_is_read(void **state)
{
    const struct cs_feed *feed = read_ok("e2");

    (void)state;
    assert_int_equal(feed->n, 6);
    assert_string_equal(feed->records[0].cursor, "e3");
    assert_string_equal(feed->records[5].cursor, "e8");
    assert_string_equal(feed->start, "e2");
    assert_string_equal(feed->end, "e8");
}

static void it_is_the_districts_for_all_pipelines(void **state)
{
    (void)state;
    read_ok("e2");
    assert_string_equal(service.school, "");
    assert_string_equal(service.reads[0], "id");
    assert_string_equal(service.reads[1], "name.first");
    assert_string_equal(service.reads[2], "id");
    assert_string_equal(service.reads[3], "roles.tutor");
    assert_null(service.reads[4]); /* "guest" has no feed */
}

static void later_askers_share_it(void **state)
{
    const struct cs_feed *feed = read_ok("e2");

    (void)state;
    service.rc = CS_E_RETRY; /* nobody is to notice */
    assert_ptr_equal(read_ok("e2"), feed);
    assert_ptr_equal(read_ok("e5"), feed);
    assert_ptr_equal(read_ok("e8"), feed);
    assert_int_equal(service.readings, 1);
}

static void who_is_behind_is_thought_of(void **state)
{
    const struct cs_feed *feed;

    (void)state;
    cs_feed_hint(feeds, "d1", "e4");
    cs_feed_hint(feeds, "d1", "e2");
    cs_feed_hint(feeds, "d1", "e6");
    cs_feed_hint(feeds, "d2", "e1"); /* somebody else's district */
    feed = read_ok("e5");
    assert_string_equal(service.from, "e2");
    assert_ptr_equal(read_ok("e2"), feed);
    assert_ptr_equal(read_ok("e6"), feed);
    assert_int_equal(service.readings, 1);
}

static void who_is_behind_all_reads_again(void **state)
{
    const struct cs_feed *first = read_ok("e5"), *second = read_ok("e3");

    (void)state;
    assert_ptr_not_equal(first, second);
    assert_string_equal(service.from, "e3");
    assert_int_equal(first->n, 3); /* it is still there for who has it */
    assert_ptr_equal(read_ok("e4"), second);
    assert_ptr_equal(read_ok("e7"), second);
    assert_int_equal(service.readings, 2);
}

static void districts_have_their_own(void **state)
{
    const struct cs_feed *feed = read_ok("e5"), *other = NULL;

    (void)state;
    assert_int_equal(
        cs_feed_read(feeds, &feed_part, &south, "e5", &other, &error), CS_OK);
    assert_ptr_not_equal(feed, other);
    assert_int_equal(service.readings, 2);
}

static void nothing_new_is_a_reading_too(void **state)
{
    const struct cs_feed *feed = read_ok("e8");

    (void)state;
    assert_int_equal(feed->n, 0);
    assert_string_equal(feed->end, "e8");
    assert_ptr_equal(read_ok("e8"), feed);
    assert_int_equal(service.readings, 1);
}

/* ---- At the same time ---------------------------------------------------- */

enum { ASKERS = 12 };

struct asker {
    pthread_t thread;
    const char *cursor;
    enum cs_rc rc;
    const struct cs_feed *feed;
    size_t seen; /* records after its cursor, each looked at */
};

static void *ask(void *arg)
{
    struct asker *asker = arg;
    struct cs_error why;

    atomic_fetch_add(&service.asking, 1);
    asker->rc = cs_feed_read(feeds, &feed_part, &north, asker->cursor,
                             &asker->feed, &why);
    for (size_t i = 0; asker->rc == CS_OK && i < asker->feed->n; i++) {
        const struct cs_feed_record *record = &asker->feed->records[i];

        if (cs_feed_order(&feed_part, record->cursor, asker->cursor) > 0)
            asker->seen += json_object_size(record->record) == 0;
    }
    return NULL;
}

static void many_ask_at_once(void **state)
{
    struct asker askers[ASKERS];

    (void)state;
    cs_feed_hint(feeds, "d1", "e1");
    service.awaited = ASKERS;
    memset(askers, 0, sizeof(askers));
    for (size_t i = 0; i < ASKERS; i++) {
        askers[i].cursor = all_events[i % 8];
        assert_int_equal(
            pthread_create(&askers[i].thread, NULL, ask, &askers[i]), 0);
    }
    for (size_t i = 0; i < ASKERS; i++) {
        assert_int_equal(pthread_join(askers[i].thread, NULL), 0);
        assert_int_equal(askers[i].rc, CS_OK);
        assert_ptr_equal(askers[i].feed, askers[0].feed);
        assert_int_equal(askers[i].seen, 7 - i % 8);
    }
    assert_int_equal(service.readings, 1);
}

/* ---- What is no longer there --------------------------------------------- */

static void a_cursor_may_be_too_old(void **state)
{
    (void)state;
    service.oldest = 3; /* e4 */
    assert_int_equal(read_rc(&north, "e3"), CS_E_CURSOR);
    assert_non_null(strstr(error.text, "too old"));
    assert_int_equal(read_rc(&north, "e1"), CS_E_CURSOR);
    assert_non_null(strstr(error.text, "no longer reaches back"));
    assert_int_equal(service.readings, 1); /* e1 is older still */
}

static void that_is_nobody_elses_trouble(void **state)
{
    const struct cs_feed *feed;

    (void)state;
    service.oldest = 3;
    cs_feed_hint(feeds, "d1", "e1");
    feed = read_ok("e5"); /* after e1 was refused */
    assert_string_equal(feed->start, "e5");
    assert_int_equal(read_rc(&north, "e1"), CS_E_CURSOR);
    assert_ptr_equal(read_ok("e7"), feed);
    assert_int_equal(service.readings, 2);
    assert_string_equal(read_ok("e4")->start, "e4"); /* the oldest one */
    assert_int_equal(read_rc(&north, "e3"), CS_E_CURSOR);
    assert_int_equal(service.readings, 4);
}

static void an_empty_feed_tells_nothing(void **state)
{
    (void)state;
    service.oldest = service.n;
    assert_int_equal(read_rc(&north, "e5"), CS_E_CURSOR);
    assert_int_equal(read_rc(&north, "e8"), CS_E_CURSOR);
    assert_int_equal(service.readings, 2);
}

/* ---- What fails ---------------------------------------------------------- */

static void a_failure_is_shared(void **state)
{
    static const enum cs_rc codes[] = {CS_E_NOT_HERE, CS_E_FATAL, CS_E_AUTH,
                                       CS_E_RETRY};

    for (size_t i = 0; i < sizeof(codes) / sizeof(*codes); i++) {
        teardown(state);
        setup(state);
        service.rc = codes[i];
        for (int turn = 0; turn < 3; turn++) {
            error = (struct cs_error){.rc = CS_OK};
            assert_int_equal(read_rc(&north, "e5"), codes[i]);
            assert_string_equal(error.text, "source.f: not today");
        }
        assert_int_equal(service.readings, 1);
        assert_int_equal(read_rc(&south, "e5"), codes[i]);
        assert_int_equal(service.readings, 2);
    }
}

static void a_page_that_broke_off_is_read_again(void **state)
{
    const struct cs_feed *feed;

    (void)state;
    service.broken = CS_E_RETRY;
    feed = read_ok("e1");
    assert_int_equal(feed->n, 7); /* nobody twice */
    for (size_t i = 0; i < feed->n; i++)
        assert_string_equal(feed->records[i].cursor, all_events[i + 1]);
    assert_int_equal(service.pages, 4);
}

static void a_page_that_failed_ends_it(void **state)
{
    (void)state;
    service.broken = CS_E_FATAL;
    assert_int_equal(read_rc(&north, "e1"), CS_E_FATAL);
    assert_string_equal(error.text, "source.f: the page broke off");
    assert_int_equal(read_rc(&north, "e7"), CS_E_FATAL);
    assert_int_equal(service.readings, 1);
}

static void every_event_has_its_place(void **state)
{
    (void)state;
    service.no_cursor = true;
    for (int turn = 0; turn < 2; turn++) {
        assert_int_equal(read_rc(&north, "e1"), CS_E_FATAL);
        assert_non_null(strstr(error.text, "source.f gave a change without"));
    }
}

#define TEST(NAME) cmocka_unit_test_setup_teardown(NAME, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(all_that_came_after_is_read),
        TEST(it_is_the_districts_for_all_pipelines),
        TEST(later_askers_share_it),
        TEST(who_is_behind_is_thought_of),
        TEST(who_is_behind_all_reads_again),
        TEST(districts_have_their_own),
        TEST(nothing_new_is_a_reading_too),
        TEST(many_ask_at_once),
        TEST(a_cursor_may_be_too_old),
        TEST(that_is_nobody_elses_trouble),
        TEST(an_empty_feed_tells_nothing),
        TEST(a_failure_is_shared),
        TEST(a_page_that_broke_off_is_read_again),
        TEST(a_page_that_failed_ends_it),
        TEST(every_event_has_its_place),
    };

    return cmocka_run_group_tests_name("feed", tests, NULL, NULL);
}
