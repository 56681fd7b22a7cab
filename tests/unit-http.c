/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* The HTTP client against a server that answers as told.  The clock is turned,
 * so nothing waits; how long it would have waited is read from the times at
 * which requests arrived. */
#include "config.h"

#include "http/http.h"
#include "http/http-budget.h"
#include "http/http-reply.h"
#include "http/http-retry.h"
#include "http-server.h"
#include "http/http-target.h"
#include "base/memory.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include <cmocka.h>

#define NOON INT64_C(1800000000000000) /* an instant, in microseconds */
#define PAGE                                                           \
    "{\"data\":[{\"data\":{\"id\":\"1\"}},{\"data\":{\"id\":\"2\"}}]," \
    "\"links\":[]}"

/* ---- A client, a server, and one exchange at a time -------------------- */

struct bench {
    struct http_server *server;
    struct cs_http_client *client;
    struct cs_cancel *cancel;
    struct cs_http_lender *lender;
    struct cs_http_reply *reply;
    struct cs_http http;
    struct cs_error error;
    size_t nrows;
    enum cs_rc each; /* what each() answers */
    bool link_local, once;
};

static const struct cs_http_policy usual = {
    .timeout_ms = 20000,
    .max_body = 100000,
    .attempts = 5,
    .backoff_base = 2,
    .respect_retry_after = true,
};

static void set_up_with(struct bench *b, const struct cs_http_policy *policy,
                        SSL_CTX *tls, const struct http_answer *answers,
                        size_t n)
{
    *b = (struct bench){0};
    cs_clock_turn(NOON);
    b->server = http_server_start(answers, n, tls);
    b->client = cs_http_client_new(policy);
}

static void set_up(struct bench *b, const struct http_answer *answers, size_t n)
{
    set_up_with(b, &usual, NULL, answers, n);
}

static void set_up_one(struct bench *b, struct http_answer answer)
{
    set_up(b, &answer, 1);
}

static void tear_down(struct bench *b)
{
    json_decref(b->http.reply);
    cs_http_reply_free(b->reply);
    cs_http_client_free(b->client);
    http_server_stop(b->server);
    cs_cancel_free(b->cancel);
}

static enum cs_rc count_row(void *arg, json_t *stolen)
{
    struct bench *b = arg;

    b->nrows++;
    json_decref(stolen);
    return b->each;
}

static void read_rows(struct bench *b)
{
    static const char *const reads[] = {"id", NULL};

    b->http.rows = "data[].data";
    b->http.reads = reads;
    b->http.each = count_row;
    b->http.arg = b;
}

static enum cs_rc get_url(struct bench *b, const char *url)
{
    struct cs_log_context context = {0};
    struct cs_http_call call = {
        .exchange = &b->http,
        .lender = b->lender,
        .cancel = b->cancel,
        .context = &context,
        .reply = &b->reply,
        .link_local = b->link_local,
        .once = b->once,
    };

    json_decref(b->http.reply);
    b->http.size = sizeof(b->http);
    b->http.url = url;
    b->error = (struct cs_error){0};
    b->nrows = 0;
    enum cs_rc rc = cs_http_perform(b->client, &call, &b->error);
    b->http.url = NULL;
    assert_int_equal(
        b->error.text[0] && rc != CS_OK ? (int)b->error.rc : (int)rc, rc);
    return rc;
}

static enum cs_rc get_from(struct bench *b, const char *start)
{
    char url[128];

    snprintf(url, sizeof(url), "%s:%u/v3.0/schools?limit=1&x=secret", start,
             http_server_port(b->server));
    return get_url(b, url);
}

static enum cs_rc get(struct bench *b)
{
    return get_from(b, "http://127.0.0.1");
}

/* "GET 127.0.0.1:PORT/v3.0/schools REST" */
static void assert_says(const struct bench *b, const char *rest)
{
    char text[512];

    snprintf(text, sizeof(text), "GET 127.0.0.1:%u/v3.0/schools %s",
             http_server_port(b->server), rest);
    assert_string_equal(b->error.text, text);
}

static double waited(struct bench *b, unsigned i) /* before request i */
{
    return (double)(http_server_seen(b->server, i).time -
                    http_server_seen(b->server, i - 1).time) /
           CS_SECOND;
}

static void assert_waited(struct bench *b, unsigned i, double least,
                          double most)
{
    double seconds = waited(b, i);

    if (seconds < least || seconds > most) {
        fail_msg("waited %f s before request %u, not %f to %f", seconds, i,
                 least, most);
    }
}

/* ---- Answers ----------------------------------------------------------- */

static void reads_json(void **state)
{
    struct bench b;

    (void)state;
    set_up_one(&b, http_answer(200, "X-Some-Thing:  a b\r\nETag: \"x\"\r\n",
                               "{\"a\":[1]}"));
    assert_int_equal(get(&b), CS_OK);
    assert_int_equal(b.http.status, 200);
    assert_int_equal(json_array_size(json_object_get(b.http.reply, "a")), 1);
    assert_null(b.http.text);
    assert_string_equal(b.http.header(&b.http, "x-some-thing"), "a b");
    assert_string_equal(b.http.header(&b.http, "ETAG"), "\"x\"");
    assert_null(b.http.header(&b.http, "X-Some"));
    struct http_request_seen seen = http_server_seen(b.server, 0);
    assert_memory_equal(seen.text, "GET /v3.0/schools?limit=1&x=secret ", 35);
    assert_non_null(strstr(seen.text, "\r\nAccept-Encoding: gzip\r\n"));
    assert_non_null(strstr(seen.text, "\r\nUser-Agent: cleversync/"));
    assert_null(strstr(seen.text, "Authorization"));
    tear_down(&b);
}

static void reads_rows(void **state)
{
    struct bench b;

    (void)state;
    set_up_one(&b, http_answer(200, "", PAGE));
    read_rows(&b);
    assert_int_equal(get(&b), CS_OK);
    assert_int_equal(b.nrows, 2);
    assert_non_null(json_object_get(b.http.reply, "links"));
    assert_null(json_object_get(b.http.reply, "data"));
    tear_down(&b);
}

static void each_ends_the_reading(void **state)
{
    struct bench b;

    (void)state;
    set_up_one(&b, http_answer(200, "", PAGE));
    read_rows(&b);
    b.each = CS_E_DATA;
    assert_int_equal(get(&b), CS_E_DATA);
    assert_int_equal(b.nrows, 1);
    assert_string_equal(b.error.text, "");
    assert_int_equal(http_server_requests(b.server), 1);
    tear_down(&b);
}

static void text_is_no_error_without_rows(void **state)
{
    static const char *const bodies[] = {"", "<html>", "plain", "\"cut"};
    struct bench b;

    (void)state;
    for (size_t i = 0; i < 4; i++) {
        set_up_one(&b, http_answer(200, "", bodies[i]));
        assert_int_equal(get(&b), CS_OK);
        assert_null(b.http.reply);
        assert_string_equal(b.http.text, bodies[i]);
        tear_down(&b);
    }
}

static void posts(void **state)
{
    struct bench b;
    const char *const headers[] = {"Metadata: true", NULL};

    (void)state;
    set_up_one(&b, http_answer(201, "", "{}"));
    b.http.method = "POST";
    b.http.body = "a=b&c";
    b.http.body_size = 5;
    b.http.headers = headers;
    assert_int_equal(get(&b), CS_OK);
    assert_int_equal(b.http.status, 201);
    struct http_request_seen seen = http_server_seen(b.server, 0);
    assert_memory_equal(seen.text, "POST /", 6);
    assert_non_null(strstr(seen.text, "\r\nMetadata: true\r\n"));
    assert_non_null(strstr(seen.text, "\r\n\r\na=b&c"));
    assert_null(strstr(seen.text, "Content-Type"));
    b.http.content_type = "application/json";
    b.http.method = "PUT";
    assert_int_equal(get(&b), CS_OK);
    seen = http_server_seen(b.server, 1);
    assert_memory_equal(seen.text, "PUT /", 5);
    assert_non_null(strstr(seen.text, "\r\nContent-Type: application/json\r"));
    b.http.method = "POST";
    b.http.body = NULL;
    b.http.body_size = 0;
    assert_int_equal(get(&b), CS_OK);
    seen = http_server_seen(b.server, 2);
    assert_non_null(strstr(seen.text, "\r\nContent-Length: 0\r\n"));
    tear_down(&b);
}

static void not_the_json_it_should_be(void **state)
{
    static const struct {
        const char *body, *says;
    } cases[] = {
        {"<html>Sam</html>", "answered 200, but the body is not JSON: "
                             "unexpected token at byte 1"},
        {"{}", "answered 200, but the body lacks the array data"},
        {"{\"data\":null}", "answered 200, but the body lacks the array data"},
        {PAGE "x", "answered 200, but the body is not JSON: unexpected token "
                   "at byte 62"},
    };
    struct bench b;

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        set_up_one(&b, http_answer(200, "", cases[i].body));
        read_rows(&b);
        assert_int_equal(get(&b), CS_E_FATAL);
        assert_says(&b, cases[i].says);
        assert_int_equal(http_server_requests(b.server), 1);
        assert_null(b.http.reply);
        tear_down(&b);
    }
}

static void statuses(void **state)
{
    static const struct {
        int status;
        enum cs_rc rc;
        const char *says;
    } cases[] = {
        {400, CS_E_FATAL, "answered 400"},
        {403, CS_E_AUTH, "answered 403"},
        {401, CS_E_AUTH, "answered 401"},
        {404, CS_E_NOT_HERE, "answered 404"},
        {410, CS_E_NOT_HERE, "answered 410"},
        {413, CS_E_FATAL, "answered 413"},
        {501, CS_E_FATAL, "answered 501"},
        {302, CS_E_FATAL, "answered 302: redirects are not followed"},
        {304, CS_E_FATAL, "answered 304: redirects are not followed"},
    };
    struct bench b;

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        bool bare = cases[i].status == 304;
        set_up_one(&b, http_answer(cases[i].status,
                                   "Location: http://127.0.0.1:1/\r\n",
                                   bare ? "" : "{\"message\":\"Sam\"}"));
        read_rows(&b);
        assert_int_equal(get(&b), cases[i].rc);
        assert_int_equal(b.http.status, cases[i].status);
        assert_says(&b, cases[i].says);
        assert_int_equal(!b.http.reply, bare);
        assert_int_equal(http_server_requests(b.server), 1);
        tear_down(&b);
    }
}

/* ---- Repetition -------------------------------------------------------- */

static void repeats_five_times(void **state)
{
    static const int statuses[] = {500, 502, 503, 504, 408};
    struct bench b;

    (void)state;
    for (size_t i = 0; i < 5; i++) {
        char says[64];
        set_up_one(&b, http_answer(statuses[i], "", "<html>Sam"));
        assert_int_equal(get(&b), CS_E_RETRY);
        snprintf(says, sizeof(says), "answered %d (6 tries)", statuses[i]);
        assert_says(&b, says);
        assert_int_equal(http_server_requests(b.server), 6);
        for (unsigned n = 0; n < 5; n++) {
            assert_waited(&b, n + 1, 2 << n, (2 << n) * 1.25);
        }
        tear_down(&b);
    }
}

static void heals(void **state)
{
    struct http_answer answers[] = {
        http_answer(500, "X-Is: bad\r\n", "{\"message\":1}"),
        http_answer(200, "X-Was: good\r\n", PAGE),
    };
    struct bench b;

    (void)state;
    set_up(&b, answers, 2);
    read_rows(&b);
    assert_int_equal(get(&b), CS_OK);
    assert_int_equal(b.nrows, 2);
    assert_string_equal(b.http.header(&b.http, "X-Was"), "good");
    assert_null(b.http.header(&b.http, "X-Is"));
    assert_int_equal(http_server_requests(b.server), 2);
    assert_int_equal(http_server_accepts(b.server), 1);
    tear_down(&b);
}

static void repeats_what_the_plugin_names(void **state)
{
    static const int more[] = {404, 410, 0};
    struct http_answer answers[] = {
        http_answer(404, "", ""),
        http_answer(410, "", ""),
        http_answer(200, "", "{}"),
    };
    struct bench b;

    (void)state;
    set_up(&b, answers, 3);
    b.http.retry = more;
    assert_int_equal(get(&b), CS_OK);
    assert_int_equal(http_server_requests(b.server), 3);
    tear_down(&b);
}

/* The exchange's own number and pause go before the policy's. */
static void repeats_as_the_plugin_wants(void **state)
{
    struct http_answer answers[] = {
        http_answer(503, "", ""),
        http_answer(429, "", ""),
        http_answer(503, "", ""),
        http_answer(200, "", "{}"),
    };
    struct bench b;

    (void)state;
    set_up_one(&b, http_answer(503, "", ""));
    b.http.tries = 4;
    b.http.backoff_ms = 500;
    assert_int_equal(get(&b), CS_E_RETRY);
    assert_says(&b, "answered 503 (4 tries)");
    for (unsigned n = 0; n < 3; n++) {
        assert_waited(&b, n + 1, 0.5 * (1 << n), 0.5 * (1 << n) * 1.25);
    }
    b.http.tries = 1; /* a glance */
    assert_int_equal(get(&b), CS_E_RETRY);
    assert_says(&b, "answered 503");
    b.http.tries = 9; /* more than the policy allows */
    assert_int_equal(get(&b), CS_E_RETRY);
    assert_says(&b, "answered 503 (9 tries)");
    tear_down(&b);

    set_up(&b, answers, 4); /* what a 429 asks for counts as well */
    b.http.tries = 3;
    assert_int_equal(get(&b), CS_E_RETRY);
    assert_int_equal(http_server_requests(b.server), 3);
    tear_down(&b);
    set_up_one(&b, http_answer(429, "", ""));
    b.http.tries = 3;
    b.http.backoff_ms = 4000;
    assert_int_equal(get(&b), CS_E_RETRY);
    assert_int_equal(http_server_requests(b.server), 3);
    assert_waited(&b, 1, 4, 5.25);
    assert_waited(&b, 2, 8, 10.25);
    tear_down(&b);
}

static void once(void **state)
{
    struct http_answer answers[] = {
        http_answer(429, "Retry-After: 2\r\n", ""),
        http_answer(503, "", ""),
    };
    struct bench b;

    (void)state;
    set_up(&b, answers, 2);
    b.once = true;
    assert_int_equal(get(&b), CS_E_RETRY);
    assert_says(&b, "answered 503 (2 tries)");
    assert_int_equal(http_server_requests(b.server), 2);
    tear_down(&b);
}

static void no_connection(void **state)
{
    struct bench b;
    char url[64];

    (void)state;
    set_up_one(&b, http_answer(200, "", "{}"));
    snprintf(url, sizeof(url), "http://127.0.0.1:%u/",
             http_server_port(b.server));
    http_server_stop(b.server);
    assert_int_equal(get_url(&b, url), CS_E_RETRY);
    assert_int_equal(b.http.status, 0);
    assert_non_null(strstr(b.error.text, "failed: no connection (6 tries)"));
    assert_true(cs_clock_now() >= NOON + 62 * CS_SECOND);
    struct http_answer answer = http_answer(200, "", "{}");
    b.server = http_server_start(&answer, 1, NULL);
    tear_down(&b);
}

static void backoff_is_bounded(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 100; i++) {
        int64_t wait = cs_http_backoff(0.5, 3);
        assert_in_range(wait, 4 * CS_SECOND, 5 * CS_SECOND);
    }
    assert_in_range(cs_http_backoff(2, 1000), 1, 4500 * CS_SECOND);
    assert_int_equal(cs_http_backoff(0, 4), 0);
}

/* ---- 429 --------------------------------------------------------------- */

static void asked_waits(void **state)
{
    static const struct {
        const char *retry_after, *reset;
        double seconds; /* negative: not said */
    } cases[] = {
        {"7", NULL, 7},
        {"0", "1800000050", 0},
        {" 3", NULL, -1},
        {"7 ", NULL, 7},
        {NULL, "1800000050", 50},
        {"rubbish", "1800000050", 50},
        {"Fri, 15 Jan 2027 08:00:09 GMT", NULL, 9},
        {"Fri, 15 Jan 2027 07:00:09 GMT", NULL, 0},
        {"Fri, 15 Jan 2027 09:00:09 GMT", NULL, 120},
        {"99999999999999999999", NULL, -1},
        {"999999", NULL, 120},
        {NULL, "0", 0},
        {NULL, "999999999999999", -1},
        {NULL, "9999999999", 120},
        {NULL, "-5", -1},
        {"", "", -1},
        {NULL, NULL, -1},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        int64_t wait =
            cs_http_retry_asked(cases[i].retry_after, cases[i].reset, NOON);
        if (wait != (cases[i].seconds < 0
                         ? -1
                         : (int64_t)(cases[i].seconds * CS_SECOND))) {
            fail_msg("case %zu: %lld", i, (long long)wait);
        }
    }
}

static void waits_as_asked(void **state)
{
    struct http_answer answers[] = {
        http_answer(429, "Retry-After: 7\r\n", ""),
        http_answer(429, "X-RateLimit-Reset: 1800000050\r\n", ""),
        http_answer(429, "Retry-After: soon\r\n", ""),
        http_answer(503, "", ""),
        http_answer(200, "", "{}"),
    };
    struct bench b;

    (void)state;
    set_up(&b, answers, 5);
    assert_int_equal(get(&b), CS_OK);
    assert_int_equal(http_server_requests(b.server), 5);
    assert_waited(&b, 1, 7, 7.25);
    assert_waited(&b, 2, 42.7, 43.25); /* until the 50th second */
    assert_waited(&b, 3, 8, 10.25);    /* third wait: base x 4 */
    assert_waited(&b, 4, 2, 2.5);      /* the first error */
    tear_down(&b);
}

static void does_not_wait_for_ever(void **state)
{
    struct bench b;

    (void)state;
    set_up_one(&b, http_answer(429, "Retry-After: 1\r\n", ""));
    assert_int_equal(get(&b), CS_E_RETRY);
    assert_says(&b, "answered 429 (11 tries)");
    tear_down(&b);
    set_up_one(&b, http_answer(429, "Retry-After: 60\r\n", ""));
    b.cancel = cs_cancel_new(NULL, 150 * CS_SECOND);
    assert_int_equal(get(&b), CS_E_CANCELLED);
    assert_says(&b, "was given up while waiting: the deadline passed or the "
                    "work was cancelled; before, it answered 429 (3 tries)");
    tear_down(&b);
}

static void waits_have_a_ceiling(void **state)
{
    struct cs_http_policy policy = usual;
    struct http_answer answer = http_answer(503, "", "");
    struct bench b;

    (void)state;
    set_up_one(&b, http_answer(429, "Retry-After: 110\r\n", ""));
    assert_int_equal(get(&b), CS_E_RETRY);
    assert_says(&b, "was given up while waiting: it would be more than 5 "
                    "minutes in all; before, it answered 429 (3 tries)");
    assert_waited(&b, 2, 110, 110.25);
    assert_true(cs_clock_now() < NOON + 221 * CS_SECOND); /* none in vain */
    tear_down(&b);
    policy.backoff_base = 60; /* 60, 120, and the next would be 240 */
    set_up_with(&b, &policy, NULL, &answer, 1);
    assert_int_equal(get(&b), CS_E_RETRY);
    assert_says(&b, "was given up while waiting: it would be more than 5 "
                    "minutes in all; before, it answered 503 (3 tries)");
    tear_down(&b);
}

static void may_ignore_retry_after(void **state)
{
    struct cs_http_policy policy = usual;
    struct http_answer answer = http_answer(429, "Retry-After: 100\r\n", "");
    struct bench b;

    (void)state;
    policy.respect_retry_after = false;
    set_up_with(&b, &policy, NULL, &answer, 1);
    assert_int_equal(get(&b), CS_E_RETRY);
    assert_int_equal(http_server_requests(b.server), 6);
    assert_waited(&b, 1, 2, 2.5);
    tear_down(&b);
}

/* ---- Secrets ----------------------------------------------------------- */

struct purse {
    const char *tokens[3]; /* NULL: nobody holds one */
    unsigned refused, lent, released;
    enum cs_rc rc;
};

static enum cs_rc lend(void *arg, const char *option, const char **bytes,
                       void **loan, struct cs_error *error)
{
    struct purse *purse = arg;

    if (purse->rc != CS_OK || !purse->tokens[purse->refused]) {
        return cs_error_set(error, purse->rc ? purse->rc : CS_E_AUTH,
                            "the secret is not to be had");
    }
    *bytes = strcmp(option, "password") == 0 ? "pass:word"
                                             : purse->tokens[purse->refused];
    *loan = purse;
    purse->lent++;
    return CS_OK;
}

static void refused(void *arg, void *loan)
{
    assert_ptr_equal(arg, loan);
    ((struct purse *)arg)->refused++;
}

static void release(void *arg, void *loan)
{
    assert_ptr_equal(arg, loan);
    ((struct purse *)arg)->released++;
}

static void give_purse(struct bench *b, struct cs_http_lender *lender,
                       struct purse *purse)
{
    *lender = (struct cs_http_lender){lend, refused, release, purse};
    b->lender = lender;
    b->http.bearer = "token";
}

static void renews_a_refused_token_once(void **state)
{
    struct http_answer answers[] = {
        http_answer(401, "", "{}"),
        http_answer(200, "", "{}"),
    };
    struct http_answer again[] = {
        http_answer(401, "", "{}"),
        http_answer(503, "", "{}"),
        http_answer(200, "", "{}"),
    };
    struct purse purse = {.tokens = {"one", "two", "three"}};
    struct cs_http_lender lender;
    struct bench b;

    (void)state;
    set_up(&b, answers, 2);
    give_purse(&b, &lender, &purse);
    assert_int_equal(get(&b), CS_OK);
    assert_non_null(strstr(http_server_seen(b.server, 0).text,
                           "\r\nAuthorization: Bearer one\r\n"));
    assert_non_null(strstr(http_server_seen(b.server, 1).text,
                           "\r\nAuthorization: Bearer two\r\n"));
    assert_int_equal(purse.refused, 1);
    assert_int_equal(purse.lent, 2);
    assert_int_equal(purse.released, 2);
    assert_true(cs_clock_now() == NOON);
    tear_down(&b);

    set_up_one(&b, http_answer(401, "", ""));
    purse = (struct purse){.tokens = {"one", "two", "three"}};
    give_purse(&b, &lender, &purse);
    assert_int_equal(get(&b), CS_E_AUTH);
    assert_says(&b, "answered 401 (2 tries)");
    assert_int_equal(http_server_requests(b.server), 2);
    assert_int_equal(purse.released, 2);
    tear_down(&b);

    set_up(&b, again, 3); /* it is none of the plugin's tries */
    purse = (struct purse){.tokens = {"one", "two", "three"}};
    give_purse(&b, &lender, &purse);
    b.http.tries = 2;
    assert_int_equal(get(&b), CS_OK);
    assert_int_equal(http_server_requests(b.server), 3);
    tear_down(&b);
}

static void tells_of_401_when_no_other_token_is_there(void **state)
{
    struct purse purse = {.tokens = {"one"}};
    struct cs_http_lender lender;
    struct bench b;

    (void)state;
    set_up_one(&b, http_answer(401, "", ""));
    give_purse(&b, &lender, &purse);
    assert_int_equal(get(&b), CS_E_AUTH);
    assert_says(&b, "answered 401");
    assert_int_equal(purse.released, 1);
    tear_down(&b);
}

static void passes_on_why_nothing_is_lent(void **state)
{
    struct purse purse = {.rc = CS_E_CONFIG};
    struct cs_http_lender lender;
    struct bench b;

    (void)state;
    set_up_one(&b, http_answer(200, "", "{}"));
    give_purse(&b, &lender, &purse);
    assert_int_equal(get(&b), CS_E_CONFIG);
    assert_string_equal(b.error.text, "the secret is not to be had");
    assert_int_equal(http_server_accepts(b.server), 0);
    tear_down(&b);
}

static void basic_login(void **state)
{
    struct purse purse = {.tokens = {"user"}};
    struct cs_http_lender lender;
    struct bench b;

    (void)state;
    set_up_one(&b, http_answer(200, "", "{}"));
    give_purse(&b, &lender, &purse);
    b.http.bearer = NULL;
    b.http.user = "user";
    b.http.password = "password";
    assert_int_equal(get(&b), CS_OK);
    assert_non_null(strstr(http_server_seen(b.server, 0).text,
                           "\r\nAuthorization: Basic "
                           "dXNlcjpwYXNzOndvcmQ=\r\n"));
    assert_int_equal(purse.lent, 2);
    assert_int_equal(purse.released, 2);
    tear_down(&b);
}

/* ---- The budget of a token --------------------------------------------- */

static void budget_spreads_requests(void **state)
{
    struct cs_http_policy policy = usual;
    struct http_answer answer = http_answer(200, "", "{}");
    struct purse purse = {.tokens = {"one"}};
    struct cs_http_lender lender;
    struct bench b;

    (void)state;
    policy.requests_per_minute = 3;
    set_up_with(&b, &policy, NULL, &answer, 1);
    give_purse(&b, &lender, &purse);
    for (int i = 0; i < 7; i++) {
        assert_int_equal(get(&b), CS_OK);
    }
    for (unsigned i = 1; i < 7; i++) {
        assert_waited(&b, i, i % 3 ? 0 : 60, i % 3 ? 0 : 60.25);
    }
    purse.tokens[0] = "two"; /* has a budget of its own */
    int64_t now = cs_clock_now();
    assert_int_equal(get(&b), CS_OK);
    assert_true(cs_clock_now() == now);
    assert_int_equal(purse.lent, purse.released);
    tear_down(&b);
}

static void budget_forgets_idle_tokens(void **state)
{
    struct cs_http_budget *budget = cs_http_budget_new(2);
    struct cs_http_key a = cs_http_budget_key("a");
    struct cs_http_key b = cs_http_budget_key("b");

    (void)state;
    cs_clock_turn(NOON);
    assert_int_equal(cs_http_budget_take(budget, &a, true), 0);
    assert_int_equal(cs_http_budget_take(budget, &a, true), 0);
    assert_int_equal(cs_http_budget_take(budget, &a, true), 60 * CS_SECOND);
    assert_int_equal(cs_http_budget_take(budget, &a, false), 0);
    cs_http_budget_hold(budget, &a, 90 * CS_SECOND);
    cs_http_budget_hold(budget, &a, 9 * CS_SECOND);
    assert_int_equal(cs_http_budget_take(budget, &a, false), 90 * CS_SECOND);
    cs_clock_turn(NOON + 70 * CS_SECOND);
    assert_int_equal(cs_http_budget_take(budget, &b, true), 0);
    assert_int_equal(cs_http_budget_take(budget, &a, true), 20 * CS_SECOND);
    cs_clock_turn(NOON + 100 * CS_SECOND); /* b may take the place of a */
    b = cs_http_budget_key("c");
    assert_int_equal(cs_http_budget_take(budget, &b, true), 0);
    assert_int_equal(cs_http_budget_take(budget, &b, true), 0);
    assert_int_equal(cs_http_budget_take(budget, &b, true), 60 * CS_SECOND);
    assert_int_equal(cs_http_budget_take(budget, &a, true), 0);
    cs_http_budget_free(budget);
}

static void *get_in_thread(void *arg)
{
    return get(arg) == CS_OK ? arg : NULL;
}

static void wait_is_shared(void **state)
{
    struct http_answer answers[] = {
        http_answer(429, "Retry-After: 30\r\n", ""),
        http_answer(200, "", "{}"),
    };
    struct cs_http_policy policy = usual;
    struct purse purses[3] = {
        {.tokens = {"one"}}, {.tokens = {"one"}}, {.tokens = {"other"}}};
    struct cs_http_lender lenders[3];
    struct bench b, others[2];
    pthread_t threads[2];

    (void)state;
    /* One gives up over the 429 at once, the others come later. */
    policy.attempts = 0;
    set_up_with(&b, &policy, NULL, answers, 2);
    b.cancel = cs_cancel_new(NULL, CS_SECOND);
    give_purse(&b, &lenders[0], &purses[0]);
    assert_int_equal(get(&b), CS_E_CANCELLED);
    for (int i = 0; i < 2; i++) {
        others[i] = (struct bench){.server = b.server, .client = b.client};
        give_purse(&others[i], &lenders[1], &purses[1]);
    }
    struct bench stranger = others[0];
    give_purse(&stranger, &lenders[2], &purses[2]);
    assert_int_equal(get(&stranger), CS_OK);
    assert_waited(&b, 1, 1, 1);
    for (int i = 0; i < 2; i++) {
        struct cs_http_lender *lender = cs_memory_new(sizeof(*lender));
        struct purse *purse = cs_memory_new(sizeof(*purse));
        purse->tokens[0] = "one";
        give_purse(&others[i], lender, purse);
        pthread_create(&threads[i], NULL, get_in_thread, &others[i]);
    }
    for (int i = 0; i < 2; i++) {
        void *result;
        pthread_join(threads[i], &result);
        assert_non_null(result);
    }
    for (unsigned i = 2; i < 4; i++) {
        assert_true(http_server_seen(b.server, i).time >=
                    NOON + 30 * CS_SECOND);
    }
    for (int i = 0; i < 2; i++) {
        free(others[i].lender->arg);
        free(others[i].lender);
        json_decref(others[i].http.reply);
        cs_http_reply_free(others[i].reply);
    }
    json_decref(stranger.http.reply);
    cs_http_reply_free(stranger.reply);
    tear_down(&b);
}

/* ---- Bodies that are cut, or too long ---------------------------------- */

/* How much of an answer is its head. */
static size_t head_size(const struct http_answer *answer)
{
    for (size_t i = 0; i + 4 <= answer->size; i++) {
        if (memcmp(answer->bytes + i, "\r\n\r\n", 4) == 0) {
            return i + 4;
        }
    }
    abort();
}

static size_t rows_within(const char *body, size_t size)
{
    size_t rows = 0;

    for (size_t i = 2; i <= size; i++) {
        rows += memcmp(body + i - 2, "}}", 2) == 0;
    }
    return rows;
}

/* Cut anywhere: repeated, unless rows had been handed over. */
static void cut_at(struct http_answer whole, size_t size, bool rows)
{
    struct http_answer answers[] = {http_answer_cut(whole, size),
                                    http_answer(200, "", PAGE)};
    size_t head = head_size(&whole);
    size_t had = size > head ? rows_within(whole.bytes + head, size - head) : 0;
    struct bench b;

    set_up(&b, answers, 2);
    if (rows) {
        read_rows(&b);
    }
    enum cs_rc rc = get(&b);
    if (rows && had > 0) {
        assert_int_equal(rc, CS_E_RETRY);
        assert_int_equal(b.nrows, had);
        assert_int_equal(http_server_requests(b.server), 1);
    } else {
        assert_int_equal(rc, CS_OK);
        assert_non_null(json_object_get(b.http.reply, "links"));
        assert_int_equal(http_server_requests(b.server), 2);
    }
    tear_down(&b);
}

static void cut_with_length(void **state)
{
    struct http_answer whole = http_answer(200, "", PAGE);

    (void)state;
    for (size_t size = 0; size < whole.size; size++) {
        cut_at(http_answer(200, "", PAGE), size, false);
        cut_at(http_answer(200, "", PAGE), size, true);
    }
    free(whole.bytes);
}

static struct http_answer chunked(void)
{
    struct http_answer answer = {0};

    answer.bytes =
        cs_memory_format("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                         "%zx\r\n" PAGE "\r\n0\r\n\r\n",
                         strlen(PAGE));
    answer.size = strlen(answer.bytes);
    return answer;
}

static void cut_chunked(void **state)
{
    struct http_answer whole = chunked();

    (void)state;
    /* Without its last line end a reply is whole for libcurl. */
    for (size_t size = 0; size + 2 < whole.size; size++) {
        cut_at(chunked(), size, false);
        cut_at(chunked(), size, true);
    }
    free(whole.bytes);
}

/* A body that ends with the connection has no length to compare with. */
static void cut_without_length(void **state)
{
    static const char head[] = "HTTP/1.0 200 OK\r\n\r\n";

    (void)state;
    for (size_t n = 1; n < strlen(PAGE); n++) {
        for (int rows = 0; rows < 2; rows++) {
            struct http_answer whole = {
                .bytes = cs_memory_format("%s" PAGE, head),
            };
            whole.size = strlen(whole.bytes);
            cut_at(whole, strlen(head) + n, rows);
        }
    }
}

static size_t gzip(const char *text, size_t n, unsigned char *out, size_t space)
{
    z_stream z = {0};

    deflateInit2(&z, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
    z.next_in = (unsigned char *)text;
    z.avail_in = (unsigned)n;
    z.next_out = out;
    z.avail_out = (unsigned)space;
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    deflateEnd(&z);
    return z.total_out;
}

/* The length on the wire is right; only the gzip stream ends early. */
static void cut_gzip(void **state)
{
    unsigned char packed[256];
    size_t n = gzip(PAGE, strlen(PAGE), packed, sizeof(packed));

    (void)state;
    for (size_t size = 1; size <= n; size++) {
        struct http_answer answers[] = {
            http_answer_sized(200, "Content-Encoding: gzip\r\n", packed, size),
            http_answer(200, "", PAGE),
        };
        struct bench b;
        set_up(&b, answers, 2);
        read_rows(&b);
        enum cs_rc rc = get(&b);
        /* With CS_OK never less than all rows. */
        assert_true(rc == CS_OK ? b.nrows == 2 : rc == CS_E_RETRY);
        assert_true(size > n / 2 || http_server_requests(b.server) == 2);
        assert_true(size < n || http_server_requests(b.server) == 1);
        tear_down(&b);
    }
}

static void damaged_gzip(void **state)
{
    unsigned char packed[256];
    size_t n = gzip(PAGE, strlen(PAGE), packed, sizeof(packed));
    struct bench b;

    (void)state;
    packed[n - 8] ^= 1; /* its checksum */
    struct http_answer answers[] = {
        http_answer_sized(200, "Content-Encoding: gzip\r\n", packed, n),
        http_answer(200, "", "{}"),
    };
    set_up(&b, answers, 2);
    assert_int_equal(get(&b), CS_OK);
    assert_int_equal(http_server_requests(b.server), 2);
    tear_down(&b);
}

static void caps_the_body(void **state)
{
    struct bench b;
    char says[128];
    char *text = cs_memory_new(usual.max_body + 2);
    unsigned char *packed = cs_memory_new(usual.max_body);

    (void)state;
    memset(text, ' ', usual.max_body + 1);
    memcpy(text, PAGE, strlen(PAGE));
    snprintf(says, sizeof(says),
             "answered 200 with a body beyond the cap of %zu bytes",
             usual.max_body);
    for (int more = -1; more <= 1; more++) {
        for (int variant = 0; variant < 4; variant++) {
            size_t size = usual.max_body + (size_t)more;
            size_t n = gzip(text, size, packed, usual.max_body);
            set_up_one(&b, variant & 1
                               ? http_answer_sized(200,
                                                   "Content-Encoding: gzip\r\n",
                                                   packed, n)
                               : http_answer_sized(200, "", text, size));
            if (variant & 2) {
                read_rows(&b);
            }
            assert_int_equal(get(&b), more == 1 ? CS_E_FATAL : CS_OK);
            assert_int_equal(http_server_requests(b.server), 1);
            if (more == 1) {
                assert_says(&b, says);
            }
            tear_down(&b);
        }
    }
    text[usual.max_body + 1] = '\0';
    set_up_one(&b, http_answer(404, "", text));
    assert_int_equal(get(&b), CS_E_NOT_HERE);
    tear_down(&b);
    free(packed);
    free(text);
}

static void caps_the_headers(void **state)
{
    char *header = cs_memory_new(CS_HTTP_HEADERS + 16);
    struct bench b;

    (void)state;
    for (size_t i = 0; i + 8 < CS_HTTP_HEADERS; i += 1000) {
        memset(header + i, 'x', 998);
        memcpy(header + i, "A: ", 3);
        memcpy(header + i + 998, "\r\n", 3);
        if (i + 2000 > CS_HTTP_HEADERS) {
            break;
        }
    }
    set_up_one(&b, http_answer(200, header, "{}"));
    assert_int_equal(get(&b), CS_OK);
    tear_down(&b);
    char *more = cs_memory_format("%s%.998s\r\n", header, header);
    set_up_one(&b, http_answer(200, more, "{}"));
    assert_int_equal(get(&b), CS_E_FATAL);
    assert_says(&b, "answered with more than 65536 bytes of headers");
    tear_down(&b);
    free(more);
    free(header);
}

/* ---- Deadlines --------------------------------------------------------- */

static void *cancel_once_asked(void *arg)
{
    struct bench *b = arg;

    http_server_await(b->server, 1);
    cs_cancel_now(b->cancel);
    return NULL;
}

static void cancel_ends_a_hang(void **state)
{
    struct http_answer hang = http_answer_cut(http_answer(200, "", PAGE), 60);
    struct bench b;
    pthread_t thread;
    time_t start = time(NULL);

    (void)state;
    hang.close = false;
    hang.hang = true;
    set_up_one(&b, hang);
    b.cancel = cs_cancel_new(NULL, 0);
    pthread_create(&thread, NULL, cancel_once_asked, &b);
    assert_int_equal(get(&b), CS_E_CANCELLED);
    assert_true(time(NULL) - start < 5);
    pthread_join(thread, NULL);
    assert_int_equal(http_server_requests(b.server), 1);
    /* Nothing is sent any more. */
    assert_int_equal(get(&b), CS_E_CANCELLED);
    assert_int_equal(http_server_requests(b.server), 1);
    tear_down(&b);
}

static void time_is_limited(void **state)
{
    struct http_answer hang = {.hang = true};
    struct cs_http_policy policy = usual;
    struct bench b;

    (void)state;
    policy.attempts = 1;
    set_up_with(&b, &policy, NULL, &hang, 1);
    b.http.timeout_ms = 30;
    assert_int_equal(get(&b), CS_E_RETRY);
    assert_says(&b, "failed: no whole answer in time (2 tries)");
    tear_down(&b);
}

/* ---- Connections, addresses and TLS ------------------------------------ */

static void connections_are_reused(void **state)
{
    struct bench b;

    (void)state;
    set_up_one(&b, http_answer(200, "", PAGE));
    for (int i = 0; i < 10; i++) {
        assert_int_equal(get(&b), CS_OK);
    }
    assert_int_equal(http_server_requests(b.server), 10);
    assert_int_equal(http_server_accepts(b.server), 1);
    tear_down(&b);
}

static void plain_http_stays_here(void **state)
{
    static const char *const refused_urls[] = {
        "http://example.invalid/",
        "http://192.0.2.1/",
        "http://[::2]/",
        "http://169.254.169.254/metadata",
        "http://localhost.invalid/",
        "http://127.0.0.1.invalid/",
        "http://128.0.0.1/",
        "ftp://127.0.0.1/",
        "file:///etc/passwd",
        "127.0.0.1/",
        "http://user@127.0.0.1/",
        "",
        "http://127.0.0.1:99999/",
        "//127.0.0.1/",
    };
    struct bench b;

    (void)state;
    set_up_one(&b, http_answer(200, "", "{}"));
    for (size_t i = 0; i < sizeof(refused_urls) / sizeof(char *); i++) {
        assert_int_equal(get_url(&b, refused_urls[i]), CS_E_CONFIG);
    }
    assert_int_equal(get_url(&b, NULL), CS_E_CONFIG);
    b.link_local = true;
    assert_int_equal(get_url(&b, "http://169.253.0.1/"), CS_E_CONFIG);
    assert_int_equal(get_from(&b, "http://localhost"), CS_OK);
    assert_int_equal(get_from(&b, "http://127.1"), CS_OK);
    assert_int_equal(http_server_requests(b.server), 2);
    tear_down(&b);
}

/* Should a permitted name ever lead elsewhere, the socket is refused. */
static void peers_are_checked(void **state)
{
    static const struct {
        const char *address;
        bool here, link_local;
    } cases[] = {
        {"127.0.0.1", true, true},        {"127.255.0.9", true, true},
        {"169.254.169.254", false, true}, {"169.253.0.1", false, false},
        {"10.0.0.1", false, false},       {"0.0.0.0", false, false},
    };
    struct cs_http_target target = {0};
    struct sockaddr_in6 six = {.sin6_family = AF_INET6,
                               .sin6_addr = IN6ADDR_LOOPBACK_INIT};

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct sockaddr_in four = {.sin_family = AF_INET};
        inet_pton(AF_INET, cases[i].address, &four.sin_addr);
        target.link_local = false;
        assert_int_equal(
            cs_http_target_permits(&target, (struct sockaddr *)&four),
            cases[i].here);
        target.link_local = true;
        assert_int_equal(
            cs_http_target_permits(&target, (struct sockaddr *)&four),
            cases[i].link_local);
    }
    assert_true(cs_http_target_permits(&target, (struct sockaddr *)&six));
    six.sin6_addr.s6_addr[15] = 2;
    assert_false(cs_http_target_permits(&target, (struct sockaddr *)&six));
}

/* A proxy in the environment is not for this machine. */
static void no_proxy_for_loopback(void **state)
{
    struct bench b;

    (void)state;
    setenv("http_proxy", "http://127.0.0.1:1", 1);
    setenv("ALL_PROXY", "http://127.0.0.1:1", 1);
    set_up_one(&b, http_answer(200, "", "{}"));
    assert_int_equal(get(&b), CS_OK);
    unsetenv("http_proxy");
    unsetenv("ALL_PROXY");
    tear_down(&b);
}

static X509 *make_certificate(EVP_PKEY *key)
{
    X509 *certificate = X509_new();
    X509_NAME *name = X509_get_subject_name(certificate);
    X509V3_CTX context;
    X509_EXTENSION *extension;

    X509_set_version(certificate, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate), -3600);
    X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                               (const unsigned char *)"test", -1, -1, 0);
    X509_set_issuer_name(certificate, name);
    X509_set_pubkey(certificate, key);
    X509V3_set_ctx(&context, certificate, certificate, NULL, NULL, 0);
    extension = X509V3_EXT_conf_nid(NULL, &context, NID_subject_alt_name,
                                    "IP:127.0.0.1");
    X509_add_ext(certificate, extension, -1);
    X509_EXTENSION_free(extension);
    X509_sign(certificate, key, EVP_sha256());
    return certificate;
}

/* A server's side of TLS; the certificate goes into the file, too. */
static SSL_CTX *make_tls(char *file)
{
    SSL_CTX *tls = SSL_CTX_new(TLS_server_method());
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *certificate = make_certificate(key);
    FILE *stream = fdopen(mkstemp(file), "w");

    PEM_write_X509(stream, certificate);
    fclose(stream);
    SSL_CTX_use_certificate(tls, certificate);
    SSL_CTX_use_PrivateKey(tls, key);
    X509_free(certificate);
    EVP_PKEY_free(key);
    return tls;
}

static void tls_is_verified(void **state)
{
    char file[] = "/tmp/cleversync-test-XXXXXX";
    SSL_CTX *tls = make_tls(file);
    struct cs_http_policy policy = usual;
    struct http_answer answer = http_answer(200, "", PAGE);
    struct bench b;

    (void)state;
    set_up_with(&b, &usual, tls, &answer, 1);
    assert_int_equal(get_from(&b, "https://127.0.0.1"), CS_E_CONFIG);
    assert_says(&b, "failed: the server's certificate cannot be verified (a "
                    "school's own authority belongs into ca_file)");
    assert_int_equal(http_server_accepts(b.server), 1);
    tear_down(&b);

    policy.ca_file = file;
    answer = http_answer(200, "", PAGE);
    set_up_with(&b, &policy, tls, &answer, 1);
    read_rows(&b);
    assert_int_equal(get_from(&b, "https://127.0.0.1"), CS_OK);
    assert_int_equal(get_from(&b, "https://127.0.0.1"), CS_OK);
    assert_int_equal(b.nrows, 2);
    assert_int_equal(http_server_accepts(b.server), 1);
    /* The certificate is for the address, not for the name. */
    assert_int_equal(get_from(&b, "https://localhost"), CS_E_CONFIG);
    tear_down(&b);

    policy.attempts = 0;
    answer = http_answer(200, "", PAGE);
    SSL_CTX_set_security_level(tls, 0);
    SSL_CTX_set_min_proto_version(tls, TLS1_VERSION);
    SSL_CTX_set_max_proto_version(tls, TLS1_1_VERSION);
    set_up_with(&b, &policy, tls, &answer, 1);
    assert_int_equal(get_from(&b, "https://127.0.0.1"), CS_E_RETRY);
    assert_says(&b, "failed: TLS 1.2 or later could not be agreed");
    tear_down(&b);

    policy.ca_file = "/nonexistent";
    answer = http_answer(200, "", PAGE);
    set_up_with(&b, &policy, NULL, &answer, 1);
    assert_int_equal(get_from(&b, "https://127.0.0.1"), CS_E_CONFIG);
    assert_says(&b, "failed: ca_file cannot be read");
    tear_down(&b);
    unlink(file);
    SSL_CTX_free(tls);
}

int main(void)
{
    signal(SIGPIPE, SIG_IGN); /* as in the program: peers hang up */
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(once),
        cmocka_unit_test(reads_json),
        cmocka_unit_test(reads_rows),
        cmocka_unit_test(each_ends_the_reading),
        cmocka_unit_test(text_is_no_error_without_rows),
        cmocka_unit_test(posts),
        cmocka_unit_test(not_the_json_it_should_be),
        cmocka_unit_test(statuses),
        cmocka_unit_test(repeats_five_times),
        cmocka_unit_test(heals),
        cmocka_unit_test(repeats_what_the_plugin_names),
        cmocka_unit_test(repeats_as_the_plugin_wants),
        cmocka_unit_test(no_connection),
        cmocka_unit_test(backoff_is_bounded),
        cmocka_unit_test(asked_waits),
        cmocka_unit_test(waits_as_asked),
        cmocka_unit_test(does_not_wait_for_ever),
        cmocka_unit_test(waits_have_a_ceiling),
        cmocka_unit_test(may_ignore_retry_after),
        cmocka_unit_test(renews_a_refused_token_once),
        cmocka_unit_test(tells_of_401_when_no_other_token_is_there),
        cmocka_unit_test(passes_on_why_nothing_is_lent),
        cmocka_unit_test(basic_login),
        cmocka_unit_test(budget_spreads_requests),
        cmocka_unit_test(budget_forgets_idle_tokens),
        cmocka_unit_test(wait_is_shared),
        cmocka_unit_test(cut_with_length),
        cmocka_unit_test(cut_chunked),
        cmocka_unit_test(cut_without_length),
        cmocka_unit_test(cut_gzip),
        cmocka_unit_test(damaged_gzip),
        cmocka_unit_test(caps_the_body),
        cmocka_unit_test(caps_the_headers),
        cmocka_unit_test(cancel_ends_a_hang),
        cmocka_unit_test(time_is_limited),
        cmocka_unit_test(connections_are_reused),
        cmocka_unit_test(plain_http_stays_here),
        cmocka_unit_test(peers_are_checked),
        cmocka_unit_test(no_proxy_for_loopback),
        cmocka_unit_test(tls_is_verified),
    };

    cs_log_setup(CS_LOG_ERROR, CS_LOG_TEXT);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
