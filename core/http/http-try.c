/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */
#include "config.h"

#include "http/http-try.h"

#include "base/json.h"
#include "base/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CONNECT_MS 30000L
#define LONGEST_MS (24 * 3600 * 1000L) /* libcurl takes no LONG_MAX */
#define BUFFER_SIZE (128 * 1024L)

struct transfer {
    struct cs_http_try *try;
    struct cs_json *json; /* reads the rows of a 2xx reply as they arrive */
    size_t received;      /* bytes of the body, decompressed */
    enum cs_rc rc;        /* why we ended it ourselves */
    bool over;            /* the body goes beyond the cap */
    bool begun;           /* the headers came to their end */
};

#define SAY(try, ...) snprintf((try)->what, sizeof((try)->what), __VA_ARGS__)

static bool is_good(long status)
{
    return status >= 200 && status <= 299;
}

/* ---- While the reply arrives ------------------------------------------- */

static long status_of(const struct cs_http_try *try)
{
    long status = 0;

    curl_easy_getinfo(try->curl, CURLINFO_RESPONSE_CODE, &status);
    return status;
}

static void bad_body(struct cs_http_try *try, const struct cs_error *why)
{
    SAY(try, "answered %ld, but the body %.150s", try->exchange->status,
        why->text);
}

/* CS_E_DATA is the JSON reader's word for a text that no repetition heals. */
static enum cs_rc feed_rows(struct transfer *transfer, const char *bytes,
                            size_t n)
{
    struct cs_error error = {0};
    enum cs_rc rc = cs_json_feed(transfer->json, bytes, n, &error);

    if (rc != CS_OK && error.text[0]) {
        bad_body(transfer->try, &error);
        return CS_E_FATAL;
    }
    return rc;
}

static void begin_rows(struct transfer *transfer)
{
    const struct cs_http *exchange = transfer->try->exchange;
    struct cs_json_rows rows = {exchange->rows, exchange->reads, exchange->each,
                                exchange->arg};

    transfer->json = cs_json_new(&rows);
}

static size_t on_body(char *bytes, size_t one, size_t n, void *arg)
{
    struct transfer *transfer = arg;
    struct cs_http_try *try = transfer->try;

    (void)one;
    try->exchange->status = status_of(try);
    transfer->received += n;
    if (transfer->received > try->policy->max_body) {
        transfer->over = true;
        return 0;
    }
    if (!try->exchange->rows || !is_good(try->exchange->status)) {
        cs_http_reply_add_body(try->reply, bytes, n);
        return n;
    }
    if (!transfer->json) {
        begin_rows(transfer);
    }
    transfer->rc = feed_rows(transfer, bytes, n);
    return transfer->rc == CS_OK ? n : 0;
}

static size_t on_header(char *line, size_t one, size_t n, void *arg)
{
    struct transfer *transfer = arg;

    (void)one;
    if (n >= 5 && memcmp(line, "HTTP/", 5) == 0) {
        transfer->begun = false; /* interim replies have headers, too */
    } else if (line[0] == '\r' || line[0] == '\n') {
        transfer->begun = true;
    }
    if (cs_http_reply_add_line(transfer->try->reply, line, n)) {
        return n;
    }
    transfer->rc = CS_E_FATAL;
    SAY(transfer->try, "answered with more than %d bytes of headers",
        CS_HTTP_HEADERS);
    return 0;
}

static int on_progress(void *arg, curl_off_t down, curl_off_t downloaded,
                       curl_off_t up, curl_off_t uploaded)
{
    struct transfer *transfer = arg;

    (void)down, (void)downloaded, (void)up, (void)uploaded;
    return cs_cancel_remaining_ms(transfer->try->cancel) == 0;
}

/* Plain http: whatever a name led to, the peer itself has to be local. */
static curl_socket_t on_socket(void *arg, curlsocktype purpose,
                               struct curl_sockaddr *peer)
{
    struct transfer *transfer = arg;

    (void)purpose;
    if (!cs_http_target_permits(transfer->try->target, &peer->addr)) {
        return CURL_SOCKET_BAD;
    }
    return socket(peer->family, peer->socktype | SOCK_CLOEXEC, peer->protocol);
}

/* ---- The request ------------------------------------------------------- */

static long time_limit(const struct cs_http_try *try)
{
    long limit = try->exchange->timeout_ms > 0 ? try->exchange->timeout_ms
                                               : try->policy->timeout_ms;
    long left = cs_cancel_remaining_ms(try->cancel);

    if (limit <= 0 || limit > LONGEST_MS) {
        limit = LONGEST_MS;
    }
    return left < limit ? left : limit;
}

static struct curl_slist *add(struct curl_slist *list, const char *line)
{
    struct curl_slist *longer = curl_slist_append(list, line);

    if (!longer) {
        abort(); /* as all of cs_memory does */
    }
    return longer;
}

/* All headers but the authorization, which must not be copied. */
static struct curl_slist *make_headers(const struct cs_http *exchange)
{
    struct curl_slist *list = add(NULL, "Expect:"); /* no round trip more */
    char *type =
        cs_memory_format("Content-Type:%s%s", exchange->content_type ? " " : "",
                         exchange->content_type ? exchange->content_type : "");

    list = add(list, type);
    free(type);
    for (const char *const *h = exchange->headers; h && *h; h++) {
        list = add(list, *h);
    }
    return list;
}

static void set_method(CURL *curl, const struct cs_http *exchange)
{
    const char *method = exchange->method ? exchange->method : "GET";

    if (exchange->body || strcmp(method, "POST") == 0) {
        curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE,
                         (curl_off_t)exchange->body_size);
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS,
                         exchange->body ? exchange->body : "");
    }
    if (strcmp(method, "HEAD") == 0) {
        curl_easy_setopt(curl, CURLOPT_NOBODY, 1L);
    } else {
        curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, method);
    }
}

static void set_route(struct transfer *transfer)
{
    const struct cs_http_try *try = transfer->try;
    CURL *curl = try->curl;

    curl_easy_setopt(curl, CURLOPT_CURLU, try->target->url);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR,
                     try->target->plain ? "http" : "https");
    curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(curl, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    if (try->policy->ca_file) {
        curl_easy_setopt(curl, CURLOPT_CAINFO, try->policy->ca_file);
    }
    if (try->target->local || try->exchange->direct) {
        curl_easy_setopt(curl, CURLOPT_PROXY, ""); /* nor the environment's */
    } else if (try->policy->proxy) {
        curl_easy_setopt(curl, CURLOPT_PROXY, try->policy->proxy);
    }
    if (try->target->plain) {
        curl_easy_setopt(curl, CURLOPT_OPENSOCKETFUNCTION, on_socket);
        curl_easy_setopt(curl, CURLOPT_OPENSOCKETDATA, transfer);
    }
}

static void set_transport(struct transfer *transfer, long limit)
{
    CURL *curl = transfer->try->curl;

    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, limit);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS,
                     limit < CONNECT_MS ? limit : CONNECT_MS);
    curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(curl, CURLOPT_ACCEPT_ENCODING, "gzip");
    curl_easy_setopt(curl, CURLOPT_USERAGENT, "cleversync/" PACKAGE_VERSION);
    curl_easy_setopt(curl, CURLOPT_BUFFERSIZE, BUFFER_SIZE);
    curl_easy_setopt(curl, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, transfer);
    curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(curl, CURLOPT_HEADERDATA, transfer);
    curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, on_progress);
    curl_easy_setopt(curl, CURLOPT_XFERINFODATA, transfer);
    curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
}

/* The authorization stands before the list in a node of our own: libcurl only
 * reads it.  What libcurl and the list copy is wiped when it is freed. */
static CURLcode send_and_receive(struct transfer *transfer, long limit)
{
    struct cs_http_try *try = transfer->try;
    struct curl_slist *list = make_headers(try->exchange);
    struct curl_slist first = {(char *)try->authorization, list};

    set_method(try->curl, try->exchange);
    set_route(transfer);
    set_transport(transfer, limit);
    curl_easy_setopt(try->curl, CURLOPT_HTTPHEADER,
                     try->authorization ? &first : list);
    CURLcode code = curl_easy_perform(try->curl);
    try->exchange->status = status_of(try);
    curl_easy_reset(try->curl); /* keeps connections, forgets pointers */
    curl_slist_free_all(list);
    return code;
}

/* ---- The verdict ------------------------------------------------------- */

static const char *fault(CURLcode code)
{
    switch (code) {
    case CURLE_COULDNT_RESOLVE_HOST:
        return "failed: the name of the host is not known";
    case CURLE_COULDNT_RESOLVE_PROXY:
        return "failed: the name of the proxy is not known";
    case CURLE_COULDNT_CONNECT:
        return "failed: no connection";
    case CURLE_OPERATION_TIMEDOUT:
        return "failed: no whole answer in time";
    case CURLE_PARTIAL_FILE:
    case CURLE_BAD_CONTENT_ENCODING:
        return "failed: the body was cut short or damaged";
    case CURLE_GOT_NOTHING:
    case CURLE_RECV_ERROR:
    case CURLE_SEND_ERROR:
        return "failed: the connection broke";
    case CURLE_SSL_CONNECT_ERROR:
        return "failed: TLS 1.2 or later could not be agreed";
    default:
        return NULL;
    }
}

static enum cs_rc broken(struct cs_http_try *try, CURLcode code)
{
    const char *words = fault(code);

    switch (code) {
    case CURLE_PEER_FAILED_VERIFICATION:
        SAY(try, "failed: the server's certificate cannot be verified (a "
                 "school's own authority belongs into ca_file)");
        return CS_E_CONFIG;
    case CURLE_SSL_CACERT_BADFILE:
        SAY(try, "failed: ca_file cannot be read");
        return CS_E_CONFIG;
    default:
        break;
    }
    if (words) {
        SAY(try, "%s", words);
    } else {
        SAY(try, "failed: libcurl's error %d", (int)code);
    }
    return CS_E_RETRY;
}

static enum cs_rc finish_rows(struct transfer *transfer)
{
    struct cs_http_try *try = transfer->try;
    struct cs_error error = {0};

    if (!transfer->json) { /* not one byte came */
        begin_rows(transfer);
    }
    enum cs_rc rc =
        cs_json_finish(transfer->json, &try->exchange->reply, &error);
    if (rc != CS_OK && error.text[0]) {
        bad_body(try, &error);
    }
    return rc == CS_E_DATA ? CS_E_FATAL : rc;
}

/* JSON becomes the reply, anything else is text.  What begins as JSON and ends
 * early was cut; libcurl does not notice that of a gzip stream. */
static enum cs_rc finish_text(struct cs_http_try *try)
{
    const struct cs_http_bytes *body = &try->reply->body;
    const char *text = body->length > 0 ? body->bytes : "";
    struct cs_json *json = cs_json_new(NULL);
    struct cs_error error = {0};
    enum cs_rc rc = cs_json_feed(json, text, body->length, &error);

    if (rc == CS_OK) {
        rc = cs_json_finish(json, &try->exchange->reply, &error);
    }
    cs_json_free(json);
    if (rc == CS_E_RETRY && is_good(try->exchange->status)) {
        char first = text[strspn(text, " \t\r\n")];
        if (first == '{' || first == '[') {
            bad_body(try, &error);
            return CS_E_RETRY;
        }
    }
    if (rc == CS_OK) {
        cs_http_reply_forget_body(try->reply);
    } else {
        try->exchange->text = text;
    }
    return CS_OK;
}

/* A status other than 2xx says enough, however its body ended. */
static enum cs_rc conclude(struct transfer *transfer, CURLcode code)
{
    struct cs_http_try *try = transfer->try;
    long status = try->exchange->status;

    if (cs_cancel_remaining_ms(try->cancel) == 0 && code != CURLE_OK) {
        SAY(try, "was given up at the deadline or because the work was "
                 "cancelled");
        return CS_E_CANCELLED;
    }
    if (transfer->rc != CS_OK) {
        return transfer->rc;
    }
    if (status >= 300) {
        return code == CURLE_OK ? finish_text(try) : CS_OK;
    }
    if (transfer->over) {
        SAY(try, "answered %ld with a body beyond the cap of %zu bytes", status,
            try->policy->max_body);
        return CS_E_FATAL;
    }
    if (code == CURLE_OK && !transfer->begun) {
        code = CURLE_GOT_NOTHING; /* libcurl takes cut headers for a reply */
    }
    if (code != CURLE_OK) {
        return broken(try, code);
    }
    return try->exchange->rows ? finish_rows(transfer) : finish_text(try);
}

enum cs_rc cs_http_try_run(struct cs_http_try *try)
{
    struct transfer transfer = {.try = try};
    long limit = time_limit(try);

    cs_http_reply_reset(try->reply);
    try->exchange->status = 0;
    try->exchange->text = NULL;
    try->exchange->reply = NULL;
    try->what[0] = '\0';
    if (limit == 0) {
        SAY(try, "was not sent: the deadline passed or the work was "
                 "cancelled");
        return CS_E_CANCELLED;
    }
    CURLcode code = send_and_receive(&transfer, limit);
    enum cs_rc rc = conclude(&transfer, code);
    try->nrows = transfer.json ? cs_json_nrows(transfer.json) : 0;
    cs_json_free(transfer.json);
    return rc;
}
