/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* The rooms behind the HTTP server: what a query says, who is signed in and for
 * how long, how often one may guess, and a worker that hangs. */

#include "config.h"

#include "base/clock.h"
#include "web/web-address.h"
#include "web/web-limit.h"
#include "web/web-request.h"
#include "web/web-sign.h"
#include "web/web-worker.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <semaphore.h>
#include <stdio.h>

#define NOON (1767268800 * CS_SECOND)
#define MINUTE (60 * CS_SECOND)

/* ---- Queries and addresses ---------------------------------------------- */

static const char *fault_of(const char *target)
{
    static const char *fault;
    struct cs_web_request request = {.method = "GET"};

    cs_web_request_target(&request, target);
    fault = cs_web_request_fault(&request, "one two");
    cs_web_request_clear(&request);
    return fault;
}

static void queries(void **state)
{
    static const char *const bad[] = {
        "/?",         "/?&",       "/?one",          "/?one=",
        "/?one=1&",   "/?&one=1",  "/?one=1&&two=2", "/?one=1&one=1",
        "/?three=1",  "/?One=1",   "/?one=%",        "/?one=%4",
        "/?one=%4g",  "/?one=%00", "/?one=a%0a",     "/?one=%ff",
        "/?one=%7f",  "/?=1",      "/?one%00=1",     "/?one=1?two=2&x",
        "/?one=1#&x", "/?one=\x01"};
    struct cs_web_request request = {.method = "GET"};

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        assert_non_null(fault_of(bad[i]));
    assert_null(fault_of("/"));
    assert_null(fault_of("/?one=1"));
    assert_null(fault_of("/?two=2&one=1"));
    cs_web_request_target(&request, "/a/b?one=%41+%c3%A4%3d&two==");
    assert_string_equal(request.path, "/a/b");
    assert_string_equal(cs_web_request_value(&request, "one"), "A \xC3\xA4=");
    assert_string_equal(cs_web_request_value(&request, "two"), "=");
    assert_null(cs_web_request_value(&request, "three"));
    cs_web_request_clear(&request);
}

static bool ours(const char *site, const char *origin, bool tls)
{
    const struct cs_web_request request = {
        .fetch_site = site, .origin = origin, .host = "here:1"};

    return cs_web_request_ours(&request, tls);
}

static void origins(void **state)
{
    (void)state;
    assert_true(ours(NULL, NULL, false));
    assert_true(ours("same-origin", NULL, false));
    assert_true(ours(NULL, "http://here:1", false));
    assert_true(ours(NULL, "https://HERE:1", true));
    assert_false(ours(NULL, "http://here:1", true));
    assert_false(ours(NULL, "http://here:11", false));
    assert_false(ours(NULL, "http://there:1", false));
    assert_false(ours(NULL, "null", false));
    assert_false(ours("none", "http://here:1", false));
    assert_false(ours("same-site", "http://here:1", false));
    assert_false(ours("cross-site", NULL, false));
}

static void addresses(void **state)
{
    struct cs_web_address address;

    (void)state;
    assert_true(cs_web_address_parse("127.0.0.1:8480", &address));
    assert_true(address.loopback);
    assert_int_equal(ntohs(address.socket.v4.sin_port), 8480);
    assert_true(cs_web_address_parse("127.255.0.9:0", &address));
    assert_true(address.loopback);
    assert_true(cs_web_address_parse("[::1]:65535", &address));
    assert_true(address.loopback);
    assert_true(cs_web_address_parse("128.0.0.1:1", &address));
    assert_false(address.loopback);
    assert_true(cs_web_address_parse("0.0.0.0:1", &address));
    assert_false(address.loopback);
    assert_true(cs_web_address_parse("[::]:1", &address));
    assert_false(address.loopback);
    assert_true(cs_web_address_parse("[::ffff:127.0.0.1]:1", &address));
    assert_false(address.loopback);
    assert_false(cs_web_address_parse("", &address));
    assert_false(cs_web_address_parse("[]:1", &address));
    assert_false(cs_web_address_parse("[:1", &address));
    assert_false(cs_web_address_parse("localhost:1", &address));
    assert_false(cs_web_address_parse("127.0.0.1: 1", &address));
}

/* Who comes by IPv4 is the same one on every socket. */
static void hosts(void **state)
{
    static const struct {
        const char *text, *host;
    } cases[] = {
        {"127.0.0.2:1", "127.0.0.2"},
        {"[::1]:1", "::1"},
        {"[2001:db8::7]:1", "2001:db8::7"},
        {"[::ffff:192.0.2.1]:1", "192.0.2.1"},
    };
    struct cs_web_address address;
    char host[INET6_ADDRSTRLEN];

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        assert_true(cs_web_address_parse(cases[i].text, &address));
        cs_web_address_host(&address.socket.any, host);
        assert_string_equal(host, cases[i].host);
    }
}

/* ---- Who is signed in --------------------------------------------------- */

static void signing(void **state)
{
    struct cs_web_sign *sign = cs_web_sign_new();
    char cookie[CS_WEB_SIGN_WORD], csrf[CS_WEB_SIGN_WORD];
    char other[CS_WEB_SIGN_WORD], word[CS_WEB_SIGN_WORD];
    int64_t now = NOON;

    (void)state;
    cs_clock_turn(now);
    assert_false(cs_web_sign_look(sign, "", true, NULL));
    assert_true(cs_web_sign_in(sign, cookie, csrf));
    assert_true(cs_web_sign_in(sign, other, word));
    assert_string_not_equal(cookie, other);
    assert_string_not_equal(cookie, csrf);
    assert_true(cs_web_sign_csrf(sign, cookie, csrf));
    assert_false(cs_web_sign_csrf(sign, cookie, word));
    assert_false(cs_web_sign_csrf(sign, cookie, ""));
    assert_false(cs_web_sign_csrf(sign, csrf, csrf));
    assert_true(cs_web_sign_look(sign, other, true, word));
    cs_web_sign_out(sign, other);
    assert_false(cs_web_sign_look(sign, other, true, NULL));
    /* Looking on is not being busy. */
    cs_clock_move(now += 29 * MINUTE);
    assert_true(cs_web_sign_look(sign, cookie, false, NULL));
    cs_clock_move(now += 2 * MINUTE);
    assert_false(cs_web_sign_look(sign, cookie, true, NULL));
    /* Who is busy is signed in for twelve hours, and no longer. */
    assert_true(cs_web_sign_in(sign, cookie, csrf));
    for (int i = 0; i < 24; i++) {
        cs_clock_move(now += 30 * MINUTE);
        assert_true(cs_web_sign_look(sign, cookie, true, NULL));
    }
    cs_clock_move(now += MINUTE);
    assert_false(cs_web_sign_look(sign, cookie, true, NULL));
    /* The eldest makes room. */
    assert_true(cs_web_sign_in(sign, cookie, csrf));
    for (int i = 0; i < CS_WEB_SIGN_MOST; i++) {
        cs_clock_move(++now);
        assert_true(cs_web_sign_in(sign, other, word));
    }
    assert_false(cs_web_sign_look(sign, cookie, true, NULL));
    assert_true(cs_web_sign_look(sign, other, true, NULL));
    cs_web_sign_free(sign);
}

/* ---- How often one may guess -------------------------------------------- */

static void guessing(void **state)
{
    struct cs_web_limit *limit = cs_web_limit_new();
    char address[16];
    int64_t wait, before = 0, now = NOON + 24 * 3600 * CS_SECOND;

    (void)state;
    cs_clock_turn(now);
    for (int i = 0; i < CS_WEB_LIMIT_ONE; i++) {
        assert_true(cs_web_limit_try(limit, "192.0.2.1", &wait));
        assert_true(wait > before);
        before = wait;
    }
    assert_true(wait <= 4 * CS_SECOND);
    assert_false(cs_web_limit_try(limit, "192.0.2.1", &wait));
    assert_int_equal(wait, 0);
    assert_true(cs_web_limit_tell(limit));
    assert_false(cs_web_limit_tell(limit));
    assert_true(cs_web_limit_try(limit, "192.0.2.2", &wait));
    cs_web_limit_good(limit, "192.0.2.2");
    assert_false(cs_web_limit_try(limit, "192.0.2.1", &wait));
    cs_clock_move(now += MINUTE);
    assert_true(cs_web_limit_tell(limit));
    assert_true(cs_web_limit_try(limit, "192.0.2.1", &wait));
    /* Neighbours in IPv6 are one and the same. */
    cs_clock_move(now += 2 * MINUTE);
    for (int i = 0; i < CS_WEB_LIMIT_ONE; i++)
        assert_true(cs_web_limit_try(limit, "2001:db8::1", &wait));
    assert_false(cs_web_limit_try(limit, "2001:db8::2", &wait));
    assert_true(cs_web_limit_try(limit, "2001:db8:0:1::2", &wait));
    /* Many together have no more than so many. */
    cs_clock_move(now += 2 * MINUTE);
    for (int i = 0; i < 1000; i++) {
        snprintf(address, sizeof(address), "10.0.%d.%d", i / 250, i % 250);
        assert_int_equal(cs_web_limit_try(limit, address, &wait),
                         i < CS_WEB_LIMIT_ALL);
    }
    cs_web_limit_free(limit);
}

/* ---- Work that takes long ----------------------------------------------- */

struct work {
    sem_t begun, go, released;
    int done;
};

static void quick(void *arg)
{
    ((struct work *)arg)->done++;
}

static void slow(void *arg)
{
    struct work *work = arg;

    sem_post(&work->begun);
    sem_wait(&work->go);
    work->done++;
}

static void release(void *arg)
{
    sem_post(&((struct work *)arg)->released);
}

static void working(void **state)
{
    struct cs_web_worker *worker = cs_web_worker_new(NULL, NULL);
    struct work one = {.done = 0}, two = {.done = 0};

    (void)state;
    sem_init(&one.begun, 0, 0);
    sem_init(&one.go, 0, 0);
    sem_init(&one.released, 0, 0);
    assert_int_equal(
        cs_web_worker_do(worker, quick, &two, NULL, 10 * CS_SECOND),
        CS_WEB_DONE);
    assert_int_equal(two.done, 1);
    assert_true(cs_web_worker_post(worker, slow, &one, release));
    sem_wait(&one.begun);
    /* Behind one that hangs: never begun, so never done. */
    assert_int_equal(cs_web_worker_do(worker, quick, &two, NULL, 1000),
                     CS_WEB_LEFT);
    assert_false(cs_web_worker_free(worker, 1000));
    assert_int_equal(
        cs_web_worker_do(worker, quick, &two, NULL, 10 * CS_SECOND),
        CS_WEB_LEFT);
    sem_post(&one.go);
    sem_wait(&one.released);
    assert_true(cs_web_worker_free(worker, 10 * CS_SECOND));
    assert_int_equal(one.done, 1);
    assert_int_equal(two.done, 1);
    sem_destroy(&one.begun);
    sem_destroy(&one.go);
    sem_destroy(&one.released);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(queries),   cmocka_unit_test(origins),
        cmocka_unit_test(addresses), cmocka_unit_test(hosts),
        cmocka_unit_test(working),   cmocka_unit_test(signing),
        cmocka_unit_test(guessing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
