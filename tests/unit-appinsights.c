/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* The notifier plugin appinsights, alone against the fake host: what it sends,
 * in full, and what it makes of every answer. */
#include "config.h"

#include "fake-host.h"

#include "../plugins/notifier/appinsights/appinsights.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

extern const struct cs_plugin cleversync_plugin;

#define KEY "00000000-1111-2222-3333-444444444444"
#define STRING "InstrumentationKey=" KEY ";IngestionEndpoint=https://x.example/"
#define URL "POST https://x.example/v2.1/track"

static struct fake_host fake;
static struct fake_pair secrets[] = {{"connection", STRING}, {NULL, NULL}};
static const struct fake_reply good[] = {
    {.status = 200,
     .body = "{\"itemsReceived\":1,\"itemsAccepted\":1,\"errors\":[]}"}};
static bool again[8];

static int setup(void **state)
{
    (void)state;
    fake_host_init(&fake, &cleversync_plugin);
    secrets[0].value = STRING;
    fake.secrets = secrets;
    fake.replies = good;
    fake.nreplies = 1;
    return fake_host_open(&fake) == CS_OK ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    fake_host_clear(&fake);
    return 0;
}

/* Hands over n events that are stolen. */
static enum cs_rc notify_all(json_t *const *events, size_t n)
{
    const struct cs_notifier_ops *ops = cleversync_plugin.ops;
    struct cs_news news = {.size = sizeof(news),
                           .events = (const json_t *const *)events,
                           .n = n,
                           .again = again};
    enum cs_rc rc;

    memset(again, 0, sizeof(again));
    rc = ops->notify(fake.self, &news);
    for (size_t i = 0; i < n; i++)
        json_decref(events[i]);
    return rc;
}

static json_t *event(const char *more)
{
    json_t *one = json_loads(more, 0, NULL);

    assert_non_null(one);
    json_object_set_new(one, "id", json_string("e1"));
    if (!json_object_get(one, "time"))
        json_object_set_new(one, "time",
                            json_string("2026-01-30T23:59:58.125Z"));
    return one;
}

static enum cs_rc notify(const char *more)
{
    json_t *one = event(more);

    return notify_all(&one, 1);
}

/* n of the plainest ones. */
static enum cs_rc notify_many(size_t n)
{
    json_t *events[8];

    for (size_t i = 0; i < n; i++)
        events[i] = event("{\"event\":\"test\"}");
    return notify_all(events, n);
}

/* The body of the last request, decompressed: to be freed. */
static char *sent(void)
{
    z_stream stream = {.next_in = (Bytef *)fake.body,
                       .avail_in = (uInt)fake.body_size};
    size_t size = 1024 * 1024;
    char *text = calloc(1, size);

    assert_int_equal(inflateInit2(&stream, 15 + 16), Z_OK);
    stream.next_out = (Bytef *)text;
    stream.avail_out = (uInt)size - 1;
    assert_int_equal(inflate(&stream, Z_FINISH), Z_STREAM_END);
    inflateEnd(&stream);
    return text;
}

/* ---- Envelopes ---------------------------------------------------------- */

static void sends(const char *more, const char *name, const char *type,
                  const char *data)
{
    char machine[65] = "", wanted[4096], *got;

    assert_int_equal(gethostname(machine, sizeof(machine) - 1), 0);
    assert_int_equal(notify(more), CS_OK);
    got = sent();
    snprintf(wanted, sizeof(wanted),
             "{\"ver\":1,\"name\":\"Microsoft.ApplicationInsights.%s\","
             "\"time\":\"2026-01-30T23:59:58.125Z\",\"iKey\":\"" KEY "\","
             "\"sampleRate\":100,\"tags\":{\"ai.cloud.role\":\"cleversync\","
             "\"ai.cloud.roleInstance\":\"%s\",\"ai.application.ver\":"
             "\"" PACKAGE_VERSION "\",\"ai.internal.sdkVersion\":"
             "\"cleversync:" PACKAGE_VERSION "\",\"ai.operation.id\":\"r1\","
             "\"ai.operation.name\":\"run\"},\"data\":{\"baseType\":\"%s\","
             "\"baseData\":{\"ver\":2,%s}}}\n",
             name, machine, type, data);
    assert_string_equal(got, wanted);
    free(got);
}

static void an_event_is_one(void **state)
{
    (void)state;
    sends("{\"event\":\"alert\",\"run\":\"r1\",\"school\":\"s1\","
          "\"failures\":3,\"seconds\":1.5}",
          "Event", "EventData",
          "\"name\":\"alert\",\"properties\":{\"run\":\"r1\","
          "\"school\":\"s1\"},\"measurements\":{\"failures\":3,"
          "\"seconds\":1.5}");
    assert_string_equal(fake.requests[0], URL);
    assert_string_equal(fake.headers, "Content-Encoding: gzip\n");
    assert_int_equal(fake.tries, 1);
}

static void a_metric_is_one(void **state)
{
    (void)state;
    sends("{\"event\":\"metric\",\"run\":\"r1\",\"name\":\"rows\","
          "\"value\":8.0,\"count\":2,\"min\":2.0,\"max\":6.0,"
          "\"deviation\":2.0,\"entity\":\"Student\"}",
          "Metric", "MetricData",
          "\"metrics\":[{\"name\":\"rows\",\"value\":8.0,"
          "\"kind\":\"Aggregation\",\"count\":2,\"min\":2.0,\"max\":6.0,"
          "\"stdDev\":2.0}],\"properties\":{\"run\":\"r1\","
          "\"entity\":\"Student\"}");
}

static void a_request_is_one(void **state)
{
    (void)state;
    sends("{\"event\":\"request\",\"run\":\"r1\",\"name\":\"run\","
          "\"seconds\":93784.25,\"code\":3,\"success\":false}",
          "Request", "RequestData",
          "\"id\":\"e1\",\"name\":\"run\",\"duration\":\"01.02:03:04.250000\","
          "\"responseCode\":\"3\",\"success\":false,\"properties\":"
          "{\"run\":\"r1\",\"success\":\"false\"},\"measurements\":"
          "{\"seconds\":93784.25,\"code\":3}");
}

static void a_dependency_is_one(void **state)
{
    (void)state;
    sends("{\"event\":\"dependency\",\"run\":\"r1\",\"school\":\"s1\","
          "\"name\":\"sync\",\"seconds\":0.25,\"code\":0,\"success\":true}",
          "RemoteDependency", "RemoteDependencyData",
          "\"id\":\"e1\",\"name\":\"sync\",\"target\":\"s1\","
          "\"type\":\"cleversync\",\"duration\":\"00.00:00:00.250000\","
          "\"resultCode\":\"0\",\"success\":true,\"properties\":"
          "{\"run\":\"r1\",\"school\":\"s1\",\"success\":\"true\"},"
          "\"measurements\":{\"seconds\":0.25,\"code\":0}");
}

static void an_exception_is_one(void **state)
{
    (void)state;
    sends("{\"event\":\"exception\",\"run\":\"r1\",\"entity\":\"Student\","
          "\"code\":5,\"result\":\"transient\"}",
          "Exception", "ExceptionData",
          "\"exceptions\":[{\"typeName\":\"cleversync.transient\","
          "\"message\":\"Student failed: transient (exit code 5)\","
          "\"hasFullStack\":false}],\"severityLevel\":\"Error\","
          "\"properties\":{\"run\":\"r1\",\"entity\":\"Student\","
          "\"result\":\"transient\"},\"measurements\":{\"code\":5}");
}

static void many_are_lines(void **state)
{
    char *text;
    size_t lines = 0;

    (void)state;
    assert_int_equal(notify_many(3), CS_OK);
    text = sent();
    for (const char *c = text; *c; c++)
        lines += *c == '\n';
    assert_int_equal(lines, 3);
    assert_int_equal(fake.asked, 1);
    free(text);
}

static void what_is_too_old_is_left_out(void **state)
{
    json_t *events[2] = {
        event("{\"event\":\"test\",\"time\":\"2026-01-28T23:59:59.999Z\"}"),
        event("{\"event\":\"held\",\"time\":\"2026-01-29T00:00:00.000Z\"}")};
    char *text;

    (void)state; /* it is 2026-01-31T00:00:00Z */
    assert_int_equal(notify_all(events, 2), CS_OK);
    text = sent();
    assert_null(strstr(text, "\"name\":\"test\""));
    assert_non_null(strstr(text, "\"name\":\"held\""));
    assert_non_null(strstr(fake.log, "1 events are left out: they are older"));
    free(text);
    assert_int_equal(
        notify("{\"event\":\"test\",\"time\":\"2025-12-31T00:00:00.000Z\"}"),
        CS_OK);
    assert_int_equal(fake.asked, 1); /* nothing was left to say */
}

static void what_is_too_large_is_left_out(void **state)
{
    json_t *large = event("{\"event\":\"test\"}");
    char *text = malloc(INSIGHTS_ITEM + 1);

    (void)state;
    memset(text, 'x', INSIGHTS_ITEM);
    text[INSIGHTS_ITEM] = '\0';
    json_object_set_new(large, "text", json_string(text));
    free(text);
    assert_int_equal(notify_all(&large, 1), CS_OK);
    assert_int_equal(fake.asked, 0);
    assert_non_null(strstr(fake.log, "larger than 65536 bytes"));
}

/* ---- Connection strings ------------------------------------------------- */

static void connection_strings(void **state)
{
    static const struct {
        const char *string, *asked; /* NULL: refused */
    } cases[] = {
        {"InstrumentationKey=" KEY,
         "POST https://dc.services.visualstudio.com/v2.1/track"},
        {" instrumentationkey = " KEY " ; EndpointSuffix=ai.example.us ;",
         "POST https://dc.ai.example.us/v2.1/track"},
        {"IngestionEndpoint=https://a.example//;EndpointSuffix=b.example;"
         "INSTRUMENTATIONKEY=" KEY ";ApplicationId=1;Authorization=ikey;;",
         "POST https://a.example/v2.1/track"},
        {"IngestionEndpoint=https://a.example", NULL},
        {"InstrumentationKey=;IngestionEndpoint=https://a.example", NULL},
        {"InstrumentationKey=not-a-key", NULL},
        {"InstrumentationKey=" KEY ";Authorization=aad", NULL},
        {"", NULL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        fake_host_clear(&fake);
        setup(NULL);
        secrets[0].value = cases[i].string;
        assert_int_equal(notify_many(1), cases[i].asked ? CS_OK : CS_E_CONFIG);
        assert_int_equal(fake.asked, cases[i].asked ? 1 : 0);
        if (cases[i].asked)
            assert_string_equal(fake.requests[0], cases[i].asked);
        else
            assert_null(strstr(fake.error, "not-a-key"));
    }
}

static void a_long_connection_string_is_refused(void **state)
{
    char *string = malloc(5000);

    (void)state;
    memset(string, ';', 4999);
    string[4999] = '\0';
    memcpy(string, STRING, strlen(STRING));
    secrets[0].value = string;
    assert_int_equal(notify_many(1), CS_E_CONFIG);
    free(string);
}

static void without_its_secret_nothing_is_sent(void **state)
{
    (void)state;
    fake.secrets = NULL;
    assert_int_equal(notify_many(1), CS_E_AUTH);
    assert_int_equal(fake.asked, 0);
}

/* ---- Answers ------------------------------------------------------------ */

static void of_a_part_only_what_can_heal_comes_again(void **state)
{
    static const struct fake_reply partial[] = {
        {.status = 206,
         .body = "{\"itemsReceived\":6,\"itemsAccepted\":2,\"errors\":["
                 "{\"index\":1,\"statusCode\":500,\"message\":\"Quill\"},"
                 "{\"index\":2,\"statusCode\":400,\"message\":\"Quill\"},"
                 "{\"index\":4,\"statusCode\":429},"
                 "{\"index\":6,\"statusCode\":500},"
                 "{\"index\":-1,\"statusCode\":500},"
                 "{\"index\":\"0\",\"statusCode\":500},17]}"}};

    (void)state;
    fake.replies = partial;
    assert_int_equal(notify_many(6), CS_E_RETRY);
    for (size_t i = 0; i < 6; i++)
        assert_int_equal(again[i], i == 1 || i == 4);
    assert_non_null(strstr(fake.log, "1 of 6 events were refused for good"));
    assert_null(strstr(fake.log, "Quill"));
    assert_null(strstr(fake.error, "Quill"));
}

static void the_index_is_that_of_what_was_sent(void **state)
{
    static const struct fake_reply partial[] = {
        {.status = 206,
         .body = "{\"errors\":[{\"index\":0,\"statusCode\":503}]}"}};
    json_t *events[2] = {
        event("{\"event\":\"test\",\"time\":\"2025-01-28T23:59:59.999Z\"}"),
        event("{\"event\":\"held\"}")};

    (void)state;
    fake.replies = partial;
    assert_int_equal(notify_all(events, 2), CS_E_RETRY);
    assert_false(again[0]);
    assert_true(again[1]);
}

static void what_is_refused_for_good_does_not_come_again(void **state)
{
    static const struct fake_reply refused[] = {
        {.status = 206,
         .body = "{\"errors\":[{\"index\":0,\"statusCode\":400}]}"}};

    (void)state;
    fake.replies = refused;
    assert_int_equal(notify_many(3), CS_E_DATA);
    assert_true(again[0]); /* the error is about this one */
    assert_false(again[1] || again[2]);
    assert_non_null(strstr(fake.error, "1 of 3 events were refused for good"));
}

static void answers_have_their_class(void **state)
{
    static const struct {
        long status;
        enum cs_rc rc;
    } cases[] = {{402, CS_E_FATAL},  {439, CS_E_FATAL}, {400, CS_E_FATAL},
                 {401, CS_E_AUTH},   {403, CS_E_AUTH},  {408, CS_E_RETRY},
                 {429, CS_E_RETRY},  {500, CS_E_RETRY}, {503, CS_E_RETRY},
                 {404, CS_E_CONFIG}, {308, CS_E_FATAL}};

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        const struct fake_reply reply[] = {{.status = cases[i].status}};

        fake_host_clear(&fake);
        setup(NULL);
        fake.replies = reply;
        assert_int_equal(notify_many(2), cases[i].rc);
        assert_int_equal(fake.asked, 1);
        assert_false(again[0] || again[1]); /* so: both of them, or none */
    }
}

#define MOVED_TO(PLACE)      \
    {                        \
        {"Location", PLACE}, \
        {                    \
            NULL, NULL       \
        }                    \
    }

static void a_move_is_followed_and_kept(void **state)
{
    static const struct fake_pair there[] =
        MOVED_TO("https://y.example/v2.1/track");
    static const struct fake_reply replies[] = {
        {.status = 308, .headers = there}, {.status = 200}, {.status = 200}};

    (void)state;
    fake.replies = replies;
    fake.nreplies = 3;
    assert_int_equal(notify_many(1), CS_OK);
    assert_int_equal(notify_many(1), CS_OK);
    assert_int_equal(fake.asked, 3);
    assert_string_equal(fake.requests[0], URL);
    assert_string_equal(fake.requests[1], "POST https://y.example/v2.1/track");
    assert_string_equal(fake.requests[2], "POST https://y.example/v2.1/track");
}

static void moving_has_an_end(void **state)
{
    static const struct fake_pair there[] =
        MOVED_TO("https://y.example/v2.1/track");
    static const struct fake_reply replies[] = {
        {.status = 307, .headers = there}, {.status = 307, .headers = there},
        {.status = 307, .headers = there}, {.status = 307, .headers = there},
        {.status = 307, .headers = there}, {.status = 307, .headers = there},
        {.status = 307, .headers = there}, {.status = 200}};

    (void)state;
    fake.replies = replies;
    fake.nreplies = 8;
    assert_int_equal(notify_many(1), CS_E_RETRY);
    assert_int_equal(fake.asked, 6);
}

static void nobody_moves_us_to_plain_http(void **state)
{
    static const struct fake_pair there[] =
        MOVED_TO("http://y.example/v2.1/track");
    static const struct fake_reply replies[] = {
        {.status = 308, .headers = there}, {.status = 200}};

    (void)state;
    fake.replies = replies;
    fake.nreplies = 2;
    assert_int_equal(notify_many(1), CS_E_FATAL);
    assert_int_equal(fake.asked, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_event_is_one),
        TEST(a_metric_is_one),
        TEST(a_request_is_one),
        TEST(a_dependency_is_one),
        TEST(an_exception_is_one),
        TEST(many_are_lines),
        TEST(what_is_too_old_is_left_out),
        TEST(what_is_too_large_is_left_out),
        TEST(connection_strings),
        TEST(a_long_connection_string_is_refused),
        TEST(without_its_secret_nothing_is_sent),
        TEST(of_a_part_only_what_can_heal_comes_again),
        TEST(the_index_is_that_of_what_was_sent),
        TEST(what_is_refused_for_good_does_not_come_again),
        TEST(answers_have_their_class),
        TEST(a_move_is_followed_and_kept),
        TEST(moving_has_an_end),
        TEST(nobody_moves_us_to_plain_http),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
