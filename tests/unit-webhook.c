/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* The notifier plugin webhook, alone against the fake host. */
#include "config.h"

#include "fake-host.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

extern const struct cs_plugin cleversync_plugin;

static struct fake_host fake;
static const struct fake_pair options[] = {
    {"url", "https://pager.example.edu/cleversync"}, {NULL, NULL}};
static const struct fake_pair secrets[] = {{"secret", "hook-key"},
                                           {NULL, NULL}};
static const struct fake_reply good[] = {{.status = 200, .body = "{}"}};

static int setup(void **state)
{
    (void)state;
    fake_host_init(&fake, &cleversync_plugin);
    fake.options = options;
    fake.secrets = secrets;
    fake.replies = good;
    fake.nreplies = 1;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    fake_host_clear(&fake);
    return 0;
}

/* Hands over these events, JSON texts; NULL ends. */
static enum cs_rc notify(const char *first, ...)
{
    const struct cs_notifier_ops *ops = cleversync_plugin.ops;
    const json_t *events[8];
    bool again[8] = {false};
    struct cs_news news = {
        .size = sizeof(news), .events = events, .again = again};
    enum cs_rc rc;
    va_list more;

    if (!fake.open && fake_host_open(&fake) != CS_OK)
        return fake.rc;
    va_start(more, first);
    for (const char *text = first; text; text = va_arg(more, const char *)) {
        events[news.n] = json_loads(text, 0, NULL);
        assert_non_null(events[news.n++]);
    }
    va_end(more);
    rc = ops->notify(fake.self, &news);
    for (size_t i = 0; i < news.n; i++) {
        assert_false(again[i]);
        json_decref((json_t *)(uintptr_t)events[i]);
    }
    return rc;
}

#define ALERT "{\"event\":\"alert\",\"id\":\"1\",\"failures\":3}"
#define TEST_EVENT "{\"event\":\"test\",\"id\":\"2\"}"
#define METRIC "{\"event\":\"metric\",\"id\":\"3\",\"value\":1.5}"

/* What printf '1769817600.{...}' | openssl dgst -sha256 -hmac hook-key says. */
#define SIGNATURE                      \
    "783f82b7f8937efee61bca904e67653c" \
    "e159f3ce418647269aa6ff43a11041d0"

static void events_are_posted_and_signed(void **state)
{
    (void)state;
    assert_int_equal(notify(ALERT, TEST_EVENT, NULL), CS_OK);
    assert_int_equal(fake.asked, 1);
    assert_string_equal(fake.requests[0],
                        "POST https://pager.example.edu/cleversync");
    assert_string_equal(fake.body, "{\"events\":[" ALERT "," TEST_EVENT "]}");
    assert_string_equal(fake.headers, "X-Cleversync-Signature: "
                                      "t=1769817600,v1=" SIGNATURE "\n");
    assert_int_equal(fake.tries, 1); /* repeating is the core's */
    assert_int_equal(fake.timeout_ms, 10000);
}

static void only_what_is_wanted_is_posted(void **state)
{
    static const struct fake_pair some[] = {
        {"url", "https://pager.example.edu/"},
        {"events", " recovered  metric "},
        {NULL, NULL}};

    (void)state;
    assert_int_equal(notify(METRIC, NULL), CS_OK);
    assert_int_equal(fake.asked, 0); /* nothing was left to say */
    fake_host_close(&fake);
    fake.options = some;
    assert_int_equal(notify(METRIC, ALERT, TEST_EVENT, NULL), CS_OK);
    assert_string_equal(fake.body, "{\"events\":[" METRIC "," TEST_EVENT "]}");
}

static void an_unknown_event_is_a_fault(void **state)
{
    static const struct fake_pair odd[] = {
        {"url", "https://pager.example.edu/"},
        {"events", "alert alerts"},
        {NULL, NULL}};

    (void)state;
    fake.options = odd;
    assert_int_equal(fake_host_open(&fake), CS_E_CONFIG);
    assert_non_null(strstr(fake.error, "there is no event alerts; there are "));
}

static void without_its_secret_nothing_is_posted(void **state)
{
    (void)state;
    fake.secrets = NULL;
    assert_int_equal(notify(ALERT, NULL), CS_E_AUTH);
    assert_int_equal(fake.asked, 0);
}

static void answers_have_their_class(void **state)
{
    static const struct {
        long status;
        enum cs_rc rc;
    } cases[] = {{204, CS_OK},      {503, CS_E_RETRY},  {429, CS_E_RETRY},
                 {401, CS_E_AUTH},  {404, CS_E_CONFIG}, {410, CS_E_CONFIG},
                 {400, CS_E_FATAL}, {308, CS_E_FATAL}};

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        const struct fake_reply reply[] = {{.status = cases[i].status}};

        fake_host_clear(&fake);
        setup(NULL);
        fake.replies = reply;
        assert_int_equal(notify(ALERT, NULL), cases[i].rc);
        assert_int_equal(fake.asked, 1);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(events_are_posted_and_signed),
        TEST(only_what_is_wanted_is_posted),
        TEST(an_unknown_event_is_a_fault),
        TEST(without_its_secret_nothing_is_posted),
        TEST(answers_have_their_class),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
