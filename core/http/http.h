/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* The HTTP client: one for the process, over libcurl.  Connections are reused
 * by whoever comes next; policy is that of struct cs_http in plugin.h. */
#ifndef CS_HTTP_H
#define CS_HTTP_H

#include "base/cancel.h"
#include "base/error.h"
#include "base/log.h"

/* The longest that one exchange waits in all, for its token's budget, after a
 * 429 and before repetitions; a deadline may end it earlier.  A wait that would
 * go beyond is not begun: the exchange fails with CS_E_RETRY. */
#define CS_HTTP_LONGEST_WAIT (300 * CS_SECOND)

struct cs_http_client;

struct cs_http_policy {
    long timeout_ms;             /* for one attempt */
    size_t max_body;             /* bytes after decompression */
    const char *ca_file, *proxy; /* NULL: the system's */
    unsigned attempts;           /* repetitions after the first try */
    double backoff_base;         /* seconds: base x 1, 2, 4, ... plus jitter */
    bool respect_retry_after;
    unsigned requests_per_minute; /* for each token; 0: no budget */
};

/* Strings of the policy are copied.  On the main thread, before others. */
struct cs_http_client *cs_http_client_new(const struct cs_http_policy *policy);
void cs_http_client_free(struct cs_http_client *client);

/* Who lends secrets to an exchange.  lend() gives bytes that stay valid until
 * release(); refused() says that the server answered 401 to them.  NULL bytes:
 * send none.  A result other than CS_OK has set error and lends nothing; it is
 * CS_E_AUTH when nobody holds the secret (CS_E_NOT_HERE would say 404). */
struct cs_http_lender {
    enum cs_rc (*lend)(void *arg, const char *option, const char **bytes,
                       void **loan, struct cs_error *error);
    void (*refused)(void *arg, void *loan);
    void (*release)(void *arg, void *loan);
    void *arg;
};

/* What the core keeps of a reply for the plugin: headers, and text. */
struct cs_http_reply;
void cs_http_reply_free(struct cs_http_reply *reply); /* NULL: nothing */

struct cs_http_call {
    struct cs_http *exchange;
    const struct cs_http_lender *lender; /* NULL: no secrets needed */
    struct cs_cancel *cancel;            /* may be NULL */
    const struct cs_log_context *context;
    struct cs_http_reply **reply; /* starts as NULL; the next exchange of the
                         same instance replaces it; the last one is freed with
                         cs_http_reply_free().  exchange->text and header()
                         live as long */
    bool link_local;              /* plain http to 169.254/16 is allowed, too */
    bool once;                    /* what fails is not repeated; to wait for a
                         limit of requests and to renew a token is not that */
};

/* Performs the exchange with all retries.  Results as for cs_host.http; error
 * holds the sentence (method, host and path without query, status; never a
 * body).  When exchange->each() ends the reading, its result is returned and
 * error is left alone: whoever wrote each() has said why. */
enum cs_rc cs_http_perform(struct cs_http_client *client,
                           struct cs_http_call *call, struct cs_error *error);

/* How long to wait before repetition n (0: the first), in microseconds: base x
 * 2^n seconds plus up to a quarter of jitter.  Also for databases. */
int64_t cs_http_backoff(double base, unsigned n);

#endif
