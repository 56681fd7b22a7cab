/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */
#include "config.h"

#include "http/http.h"

#include "metrics/counters.h"
#include "http/http-auth.h"
#include "http/http-budget.h"
#include "http/http-retry.h"
#include "http/http-try.h"
#include "base/memory.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST_WAITS 10           /* answers 429 that one exchange sits out */
#define STAGGER (CS_SECOND / 4) /* so that not all who wait go at once */

/* ---- The client: handles that keep their connections ------------------- */

struct cs_http_client {
    struct cs_http_policy policy;
    struct cs_http_budget *budget;
    pthread_mutex_t mutex;
    CURL **idle; /* the last one put back is taken first: it is warm */
    size_t nidle, space;
};

struct cs_http_client *cs_http_client_new(const struct cs_http_policy *policy)
{
    struct cs_http_client *client = cs_memory_new(sizeof(*client));

    curl_global_init_mem(CURL_GLOBAL_DEFAULT, malloc, cs_memory_wipe,
                         cs_memory_grow_wiped, strdup, calloc);
    client->policy = *policy;
    client->policy.ca_file = cs_memory_text(policy->ca_file);
    client->policy.proxy = cs_memory_text(policy->proxy);
    client->budget = cs_http_budget_new(policy->requests_per_minute);
    pthread_mutex_init(&client->mutex, NULL);
    return client;
}

void cs_http_client_free(struct cs_http_client *client)
{
    if (!client) {
        return;
    }
    for (size_t i = 0; i < client->nidle; i++) {
        curl_easy_cleanup(client->idle[i]);
    }
    free(client->idle);
    pthread_mutex_destroy(&client->mutex);
    cs_http_budget_free(client->budget);
    free((char *)client->policy.ca_file);
    free((char *)client->policy.proxy);
    free(client);
    curl_global_cleanup();
}

static CURL *take_handle(struct cs_http_client *client)
{
    CURL *curl = NULL;

    pthread_mutex_lock(&client->mutex);
    if (client->nidle > 0) {
        curl = client->idle[--client->nidle];
    }
    pthread_mutex_unlock(&client->mutex);
    if (!curl) {
        curl = curl_easy_init();
    }
    if (!curl) {
        abort(); /* as all of cs_memory does */
    }
    return curl;
}

static void put_handle(struct cs_http_client *client, CURL *curl)
{
    pthread_mutex_lock(&client->mutex);
    if (client->nidle == client->space) {
        client->space += 8;
        client->idle =
            cs_memory_grow(client->idle, client->space, sizeof(*client->idle));
    }
    client->idle[client->nidle++] = curl;
    pthread_mutex_unlock(&client->mutex);
}

/* ---- One exchange ------------------------------------------------------ */

struct exchange {
    struct cs_http_client *client;
    const struct cs_http_call *call;
    struct cs_http_target target;
    struct cs_http_try try;
    struct cs_http_auth auth;
    struct cs_http_key key; /* of the token, or whatever stands for one */
    enum cs_rc rc;          /* of the last try */
    unsigned tries;         /* requests sent */
    unsigned failures;      /* of them: repeated after a back-off */
    unsigned waits;         /* of them: sat out after a 429 */
    int64_t waited;         /* in all */
    bool renewed;           /* the one renewal of a secret was had */
};

static const char *method(const struct exchange *x)
{
    const char *given = x->call->exchange->method;
    return given ? given : "GET";
}

static void count(const struct exchange *x, enum cs_counter counter,
                  const char *how, double n)
{
    const struct cs_log_context *context = x->call->context;

    cs_counters_add(counter,
                    context && context->instance ? context->instance : "core",
                    how, n);
}

static void count_request(const struct exchange *x)
{
    long status = x->call->exchange->status;
    char how[24] = "none";

    if (status != 0) {
        snprintf(how, sizeof(how), "%ld", status);
    }
    count(x, CS_COUNTER_REQUESTS, how, 1);
}

/* "GET host/path answered 503 (6 tries)" */
static enum cs_rc fail(const struct exchange *x, struct cs_error *error)
{
    char tries[32] = "";

    if (!x->try.what[0]) {
        return x->rc; /* each() ended it, and its author has said why */
    }
    if (x->tries > 1) {
        snprintf(tries, sizeof(tries), " (%u tries)", x->tries);
    }
    return cs_error_set(error, x->rc, "%s %s %s%s", method(x), x->target.name,
                        x->try.what, tries);
}

static void give_up_waiting(struct exchange *x, enum cs_rc rc, const char *why)
{
    char last[60];

    snprintf(last, sizeof(last), "%.59s", x->try.what);
    snprintf(x->try.what, sizeof(x->try.what),
             "was given up while waiting: %s%s%s", why,
             last[0] ? "; before, it " : "", last);
    x->rc = rc;
}

static bool wait_for(struct exchange *x, int64_t duration)
{
    if (x->waited + duration > CS_HTTP_LONGEST_WAIT) {
        give_up_waiting(x, CS_E_RETRY,
                        "it would be more than 5 minutes in all");
        return false;
    }
    if (!cs_cancel_wait(x->call->cancel, duration)) {
        give_up_waiting(x, CS_E_CANCELLED,
                        "the deadline passed or the work was cancelled");
        return false;
    }
    x->waited += duration;
    return true;
}

/* Borrows the secrets and waits until they may be used.  They are not kept
 * meanwhile: a token may be renewed while we wait. */
static enum cs_rc get_ready(struct exchange *x, struct cs_error *error)
{
    for (;;) {
        enum cs_rc rc = cs_http_auth_take(&x->auth, x->call, error);
        if (rc != CS_OK) {
            return rc;
        }
        x->key = cs_http_budget_key(x->auth.line ? x->auth.line
                                                 : x->target.authority);
        int64_t wait = cs_http_budget_take(x->client->budget, &x->key,
                                           x->call->exchange->bearer);
        if (wait == 0) {
            return CS_OK;
        }
        cs_http_auth_return(&x->auth, x->call->lender);
        wait += cs_http_retry_jitter(STAGGER);
        count(x, CS_COUNTER_WAITS, NULL, 1);
        if (!wait_for(x, wait)) {
            return fail(x, error);
        }
        count(x, CS_COUNTER_WAITED, NULL, (double)wait / CS_SECOND);
    }
}

static void send_once(struct exchange *x)
{
    int64_t start = cs_clock_steady();

    x->try.authorization = x->auth.line;
    x->try.curl = take_handle(x->client);
    x->rc = cs_http_try_run(&x->try);
    put_handle(x->client, x->try.curl);
    x->tries++;
    count_request(x);
    cs_log_write(CS_LOG_DEBUG, x->call->context,
                 "%s %s: status %ld after %lld ms (try %u)", method(x),
                 x->target.name, x->call->exchange->status,
                 (long long)(cs_clock_steady() - start) / 1000, x->tries);
}

/* ---- What to make of an answer ----------------------------------------- */

enum next { DONE, REPEAT, SIT_OUT, RENEW };

static bool may_heal(const struct cs_http *exchange)
{
    long status = exchange->status;

    for (const int *more = exchange->retry; more && *more; more++) {
        if (status == *more) {
            return true;
        }
    }
    return status == 408 || status == 429 ||
           (status >= 500 && status <= 599 && status != 501);
}

static enum cs_rc status_class(long status)
{
    switch (status) {
    case 401:
    case 403:
        return CS_E_AUTH;
    case 404:
    case 410:
        return CS_E_NOT_HERE;
    default:
        return CS_E_FATAL;
    }
}

/* The server answered with something other than 2xx. */
static enum next judge_status(struct exchange *x)
{
    const struct cs_http *exchange = x->call->exchange;

    snprintf(x->try.what, sizeof(x->try.what), "answered %ld%s",
             exchange->status,
             exchange->status < 400 ? ": redirects are not followed" : "");
    if (exchange->status == 401 && x->auth.nloans > 0 && !x->renewed) {
        return RENEW;
    }
    if (!may_heal(exchange)) {
        x->rc = status_class(exchange->status);
        return DONE;
    }
    x->rc = CS_E_RETRY;
    return exchange->status == 429 && x->client->policy.respect_retry_after
               ? SIT_OUT
               : REPEAT;
}

static enum next judge(struct exchange *x)
{
    long status = x->call->exchange->status;

    if (x->rc == CS_OK && (status < 200 || status > 299)) {
        return judge_status(x);
    }
    /* Rows that were handed over cannot be taken back here. */
    return x->rc == CS_E_RETRY && x->try.nrows == 0 ? REPEAT : DONE;
}

/* ---- Trying again: true when there is something to try ----------------- */

static void forget_reply(struct exchange *x)
{
    json_decref(x->call->exchange->reply);
    x->call->exchange->reply = NULL;
}

/* Whether so many requests were sent as the plugin wants at most.  The one
 * that a renewal repeated does not count. */
static bool is_spent(const struct exchange *x)
{
    unsigned tries = x->call->exchange->tries;

    return tries > 0 && x->failures + x->waits + 1 >= tries;
}

static int64_t backoff(const struct exchange *x, unsigned n)
{
    long own = x->call->exchange->backoff_ms;

    return cs_http_backoff(
        own > 0 ? (double)own / 1000 : x->client->policy.backoff_base, n);
}

static bool repeat(struct exchange *x)
{
    unsigned tries = x->call->exchange->tries;
    unsigned most = tries > 0 ? tries - 1 : x->client->policy.attempts;

    if (x->call->once || is_spent(x) || x->failures >= most) {
        return false;
    }
    count(x, CS_COUNTER_REPEATS, NULL, 1);
    int64_t wait = backoff(x, x->failures++);
    cs_log_write(CS_LOG_WARN, x->call->context,
                 "%s %s %s; repeating it in %.1f s (%u of %u)", method(x),
                 x->target.name, x->try.what, (double)wait / CS_SECOND,
                 x->failures, most);
    return wait_for(x, wait);
}

/* Everybody who uses the token waits, us included: in get_ready(). */
static bool sit_out(struct exchange *x)
{
    const struct cs_http_reply *reply = x->try.reply;

    if (is_spent(x) || x->waits == MOST_WAITS) {
        return false;
    }
    int64_t wait = cs_http_retry_asked(
        cs_http_reply_header(reply, "Retry-After"),
        cs_http_reply_header(reply, "X-RateLimit-Reset"), cs_clock_now());
    if (wait < 0) {
        wait = backoff(x, x->waits);
    }
    x->waits++;
    cs_log_write(CS_LOG_WARN, x->call->context,
                 "%s %s %s; waiting %.1f s, with all that use the same token",
                 method(x), x->target.name, x->try.what,
                 (double)wait / CS_SECOND);
    cs_http_budget_hold(x->client->budget, &x->key, wait);
    return true;
}

static bool renew(struct exchange *x)
{
    x->renewed = true;
    cs_http_auth_refused(&x->auth, x->call->lender);
    return true;
}

static bool try_again(struct exchange *x, enum next next)
{
    switch (next) {
    case REPEAT:
        return repeat(x);
    case SIT_OUT:
        return sit_out(x);
    case RENEW:
        return renew(x);
    case DONE:
        break;
    }
    return false;
}

static enum cs_rc perform(struct exchange *x, struct cs_error *error)
{
    for (bool again = true; again;) {
        enum cs_rc rc = get_ready(x, error);
        if (rc == CS_E_AUTH && x->renewed) {
            x->rc = rc; /* there is no other secret: the 401 is the news */
            return fail(x, error);
        }
        if (rc != CS_OK) {
            return rc;
        }
        send_once(x);
        again = try_again(x, judge(x));
        cs_http_auth_return(&x->auth, x->call->lender);
        if (again) {
            forget_reply(x);
        }
    }
    return x->rc == CS_OK ? CS_OK : fail(x, error);
}

enum cs_rc cs_http_perform(struct cs_http_client *client,
                           struct cs_http_call *call, struct cs_error *error)
{
    struct cs_http *exchange = call->exchange;
    struct exchange x = {.client = client, .call = call};

    exchange->status = 0;
    exchange->reply = NULL;
    exchange->text = NULL;
    cs_http_reply_free(*call->reply);
    *call->reply = cs_http_reply_new(exchange);
    enum cs_rc rc =
        cs_http_target_set(&x.target, exchange->url, call->link_local, error);
    if (rc == CS_OK) {
        x.try = (struct cs_http_try){
            .policy = &client->policy,
            .target = &x.target,
            .exchange = exchange,
            .reply = *call->reply,
            .cancel = call->cancel,
        };
        rc = perform(&x, error);
    }
    cs_http_target_clear(&x.target);
    return rc;
}
