/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* A host that plays the core for one plugin, so that a test can run the plugin
 * alone: options, secrets and replies over HTTP are given by the test, and
 * everything the plugin says is recorded.  Time passes when the test says so.
 *
 *     static const struct fake_pair options[] = {{"path", "x.db"}, {NULL}};
 *     struct fake_host fake;
 *     fake_host_init(&fake, &cleversync_plugin);
 *     fake.options = options;
 *     assert_int_equal(fake_host_open(&fake), CS_OK);
 *     ... ops->fetch(fake.self, ...) ...
 *     fake_host_clear(&fake);
 *
 * All of it is in this file, which needs the contract and Jansson; it is C, and
 * for one source file of a test. */
#ifndef FAKE_HOST_H
#define FAKE_HOST_H

#include <cleversync/plugin.h>

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct fake_pair { /* an array ends with a NULL name */
    const char *name, *value;
};

/* What one call of host->http() gives.  By default rc follows from status: 2xx
 * CS_OK, 401 and 403 CS_E_AUTH, 404 and 410 CS_E_NOT_HERE, 408, 429, 5xx and 0
 * CS_E_RETRY, else CS_E_FATAL. */
struct fake_reply {
    long status;
    const char *body;                /* JSON, else text; NULL: none */
    const struct fake_pair *headers; /* or NULL */
    enum cs_rc rc;                   /* not CS_OK: this, after all rows */
};

enum { FAKE_REQUESTS = 64, FAKE_TEXT = 4096 };

struct fake_host {
    struct cs_host host; /* first */

    /* Before open: what the test sets.  init() gives everything empty. */
    struct cs_scope scope;
    const struct fake_pair *options;  /* else the fallback of the plugin's
                     table; templates are not filled in */
    const struct fake_pair *secrets;  /* by option name; the bytes */
    const struct fake_reply *replies; /* used up in order */
    size_t nreplies;
    int64_t now;    /* 2026-01-31T00:00:00Z unless set */
    long remaining; /* what remaining_ms() says: 60000 unless set; 0: the test
                     cancels, or it is too late */

    /* Afterwards: what the plugin did. */
    void *self;
    enum cs_rc rc; /* of the last cs_fail(), and its sentence */
    char error[FAKE_TEXT];
    char log[FAKE_TEXT]; /* "LEVEL text\n" lines; the newest are kept */
    size_t asked;        /* requests over HTTP */
    char *requests[FAKE_REQUESTS];        /* "GET URL" */
    const char *bearer, *user, *password; /* option names of the last one */
    char *body;                           /* of the last one; NUL-terminated */
    size_t body_size;                     /* without that NUL */
    char *headers; /* of the last one: "Name: value\n" lines */
    bool direct;   /* the last one */
    long timeout_ms, backoff_ms;
    unsigned tries;
    const int *retry;

    const struct cs_plugin *plugin;
    bool open;
};

static inline void fake_host_init(struct fake_host *fake,
                                  const struct cs_plugin *plugin);
static inline enum cs_rc fake_host_open(struct fake_host *fake);
static inline void fake_host_close(struct fake_host *fake); /* if it is open */
static inline void fake_host_clear(struct fake_host *fake); /* closes first */

/* Where a credential plugin puts bytes. */
struct cs_secret {
    char *bytes; /* NUL-terminated; NULL: nothing was revealed */
    size_t size;
    int64_t expires;
};
static inline void fake_secret_clear(struct cs_secret *secret);

/* Where a source puts records; start from a zeroed one. */
struct cs_page {
    size_t want;
    json_t *records; /* array of {"op": 1, "cursor": "x", "record": {...}} */
    bool next, done;
    char *cursor;      /* given with next or done; NULL: none */
    enum cs_rc refuse; /* what emit() returns; CS_OK: it takes everything */
};
static inline void fake_page_clear(struct cs_page *page);

/* For tests without a framework: prints a line of TAP, "ok 1 - WHAT".  Wrapped
 * up by fake_end_of_tests(), which prints the plan and gives main()'s
 * result. */
static inline bool fake_ok(bool right, const char *what);
static inline int fake_end_of_tests(void);

/* ---- How it works -------------------------------------------------------- */

/* header() gets no host; the reply of this thread's last exchange. */
static _Thread_local const struct fake_reply *fake_last;

static inline struct fake_host *fake_of(const struct cs_host *host)
{
    return (struct fake_host *)host; /* its first member; tests own it */
}

static inline void *fake_need(void *memory)
{
    if (memory == NULL)
        abort();
    return memory;
}

static inline char *fake_copy(const char *text)
{
    size_t size = strlen(text) + 1;
    return memcpy(fake_need(malloc(size)), text, size);
}

static inline const char *fake_find(const struct fake_pair *pairs,
                                    const char *name)
{
    for (; pairs != NULL && pairs->name != NULL; pairs++)
        if (strcmp(pairs->name, name) == 0)
            return pairs->value;
    return NULL;
}

/* A plugin that asks for what it did not declare has a typing error. */
static inline const struct cs_option *fake_option(const struct fake_host *fake,
                                                  const char *name)
{
    const struct cs_option *option = fake->plugin->options;
    for (; option != NULL && option->name != NULL; option++)
        if (strcmp(option->name, name) == 0)
            return option;
    fprintf(stderr, "# option %s is not in the plugin's table\n", name);
    abort();
}

CS_FORMAT static inline void fake_log(const struct cs_host *host, int level,
                                      const char *format, ...)
{
    static const char *const words[] = {"?", "error", "warn", "info", "debug"};
    struct fake_host *fake = fake_of(host);
    char text[1024];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    size_t used = strlen(fake->log);
    if (used + strlen(text) + 16 > sizeof fake->log)
        used = 0;
    snprintf(fake->log + used, sizeof fake->log - used, "%s %s\n",
             level >= CS_LOG_ERROR && level <= CS_LOG_DEBUG ? words[level]
                                                            : words[0],
             text);
}

CS_FORMAT static inline enum cs_rc fake_fail(const struct cs_host *host, int rc,
                                             const char *format, ...)
{
    struct fake_host *fake = fake_of(host);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(fake->error, sizeof fake->error, format, arguments);
    va_end(arguments);
    fake->rc = rc;
    return rc;
}

static inline long fake_remaining(const struct cs_host *host)
{
    return fake_of(host)->remaining;
}

static inline int64_t fake_now(const struct cs_host *host)
{
    return fake_of(host)->now;
}

static inline const char *fake_text(const struct cs_host *host,
                                    const char *name)
{
    struct fake_host *fake = fake_of(host);
    const struct cs_option *option = fake_option(fake, name);
    const char *value = fake_find(fake->options, name);
    return value != NULL ? value : option->fallback;
}

static inline long fake_number(const struct cs_host *host, const char *name)
{
    const char *value = fake_text(host, name);
    return value != NULL ? strtol(value, NULL, 10) : 0;
}

static inline bool fake_flag(const struct cs_host *host, const char *name)
{
    const char *value = fake_text(host, name);
    return value != NULL &&
           (strcmp(value, "true") == 0 || strcmp(value, "yes") == 0 ||
            strcmp(value, "1") == 0);
}

static inline const char *fake_secret(const struct cs_host *host,
                                      const char *name)
{
    struct fake_host *fake = fake_of(host);
    const struct cs_option *option = fake_option(fake, name);
    const char *value = fake_find(fake->secrets, name);
    if (value == NULL && !(option->type & CS_OPT_OPTIONAL))
        fake_fail(host, CS_E_NOT_HERE, "no secret for %s", name);
    return value;
}

/* As HTTP has it: letters of either case. */
static inline bool fake_same_name(const char *name, const char *other)
{
    while (*name != '\0' &&
           tolower((unsigned char)*name) == tolower((unsigned char)*other)) {
        name++;
        other++;
    }
    return *name == *other;
}

static inline const char *fake_header(const struct cs_http *http,
                                      const char *name)
{
    (void)http;
    const struct fake_pair *header = fake_last ? fake_last->headers : NULL;
    for (; header != NULL && header->name != NULL; header++)
        if (fake_same_name(header->name, name))
            return header->value;
    return NULL;
}

/* Hands over data[].data or data[], and leaves an empty array behind. */
static inline enum cs_rc fake_rows(struct cs_http *http)
{
    json_t *data = json_object_get(http->reply, "data"), *element;
    size_t i;
    if (!json_is_array(data))
        return CS_E_FATAL;
    bool inner = strcmp(http->rows, "data[].data") == 0;
    enum cs_rc rc = CS_OK;
    json_array_foreach(data, i, element)
    {
        json_t *row = inner ? json_object_get(element, "data") : element;
        row = json_is_object(row) ? json_deep_copy(row) : json_object();
        rc = http->each(http->arg, fake_need(row));
        if (rc != CS_OK)
            break;
    }
    json_array_clear(data);
    return rc;
}

static inline enum cs_rc fake_class(long status)
{
    if (status >= 200 && status < 300)
        return CS_OK;
    if (status == 401 || status == 403)
        return CS_E_AUTH;
    if (status == 404 || status == 410)
        return CS_E_NOT_HERE;
    if (status == 0 || status == 408 || status == 429 || status >= 500)
        return CS_E_RETRY;
    return CS_E_FATAL;
}

static inline void fake_record_headers(struct fake_host *fake,
                                       const char *const *headers)
{
    size_t size = 1;
    for (size_t i = 0; headers != NULL && headers[i] != NULL; i++)
        size += strlen(headers[i]) + 1;
    free(fake->headers);
    fake->headers = fake_need(calloc(1, size));
    for (size_t i = 0; headers != NULL && headers[i] != NULL; i++) {
        strcat(fake->headers, headers[i]);
        strcat(fake->headers, "\n");
    }
}

static inline void fake_record(struct fake_host *fake,
                               const struct cs_http *http)
{
    if (http->size != sizeof *http || fake->asked >= FAKE_REQUESTS)
        abort();
    const char *method = http->method ? http->method : "GET";
    size_t size = strlen(method) + strlen(http->url) + 2;
    char *request = fake_need(malloc(size));
    snprintf(request, size, "%s %s", method, http->url);
    fake->requests[fake->asked] = request;
    fake->bearer = http->bearer;
    fake->user = http->user;
    fake->password = http->password;
    free(fake->body);
    fake->body = fake_need(calloc(1, http->body_size + 1));
    fake->body_size = http->body_size;
    if (http->body_size > 0)
        memcpy(fake->body, http->body, http->body_size);
    fake->direct = http->direct;
    fake->timeout_ms = http->timeout_ms;
    fake->backoff_ms = http->backoff_ms;
    fake->tries = http->tries;
    fake->retry = http->retry;
    fake_record_headers(fake, http->headers);
}

static inline enum cs_rc fake_http(const struct cs_host *host,
                                   struct cs_http *http)
{
    struct fake_host *fake = fake_of(host);
    fake_record(fake, http);
    size_t n = fake->asked++;
    if (n >= fake->nreplies) {
        fprintf(stderr, "# no reply is left for %s\n", fake->requests[n]);
        return fake_fail(host, CS_E_FATAL, "the script is over");
    }
    const struct fake_reply *reply = fake_last = &fake->replies[n];
    enum cs_rc rc = fake_class(reply->status);
    http->status = reply->status;
    http->header = fake_header;
    http->reply = NULL;
    http->text = NULL;
    if (reply->body != NULL) {
        http->reply = json_loads(reply->body, JSON_ALLOW_NUL, NULL);
        if (http->reply == NULL)
            http->text = reply->body;
    }
    if (rc == CS_OK && http->rows != NULL)
        rc = fake_rows(http);
    if (reply->rc != CS_OK)
        rc = reply->rc;
    if (rc != CS_OK)
        fake_fail(host, rc, "HTTP status %ld", reply->status);
    return rc;
}

static inline size_t fake_want(const struct cs_page *page)
{
    return page->want;
}

/* As in the core, nothing follows the end of a page. */
static inline enum cs_rc fake_emit(struct cs_page *page, enum cs_op op,
                                   const char *cursor, json_t *stolen)
{
    if (page->next || page->done || stolen == NULL) {
        json_decref(stolen);
        return CS_E_FATAL;
    }
    if (page->records == NULL)
        page->records = fake_need(json_array());
    json_t *entry = json_pack("{s:i, s:s?, s:o}", "op", (int)op, "cursor",
                              cursor, "record", stolen);
    json_array_append_new(page->records, fake_need(entry));
    return page->refuse;
}

static inline enum cs_rc fake_end(struct cs_page *page, bool *how,
                                  const char *cursor)
{
    if (page->next || page->done)
        return CS_E_FATAL;
    *how = true;
    page->cursor = cursor != NULL ? fake_copy(cursor) : NULL;
    return CS_OK;
}

static inline enum cs_rc fake_next(struct cs_page *page, const char *cursor)
{
    return cursor != NULL ? fake_end(page, &page->next, cursor) : CS_E_FATAL;
}

static inline enum cs_rc fake_done(struct cs_page *page, const char *cursor)
{
    return fake_end(page, &page->done, cursor);
}

static inline enum cs_rc fake_reveal(struct cs_secret *secret,
                                     const void *bytes, size_t size,
                                     int64_t expires)
{
    fake_secret_clear(secret);
    secret->bytes = fake_need(calloc(1, size + 1));
    memcpy(secret->bytes, bytes, size);
    secret->size = size;
    secret->expires = expires;
    return CS_OK;
}

static inline void fake_wipe(void *bytes, size_t size)
{
    volatile char *byte = bytes;
    while (size-- > 0)
        *byte++ = 0;
}

static inline void fake_host_init(struct fake_host *fake,
                                  const struct cs_plugin *plugin)
{
    *fake = (struct fake_host){
        .host = {.size = sizeof fake->host,
                 .scope = &fake->scope,
                 .log = fake_log,
                 .fail = fake_fail,
                 .remaining_ms = fake_remaining,
                 .now = fake_now,
                 .text = fake_text,
                 .number = fake_number,
                 .flag = fake_flag,
                 .secret = fake_secret,
                 .http = fake_http,
                 .want = fake_want,
                 .emit = fake_emit,
                 .next = fake_next,
                 .done = fake_done,
                 .reveal = fake_reveal,
                 .wipe = fake_wipe},
        .scope = {.size = sizeof fake->scope},
        .now = INT64_C(1769817600) * 1000000,
        .remaining = 60000,
        .plugin = plugin,
    };
}

/* All kinds but the mapper have it first. */
static inline const struct cs_life *fake_life(const struct fake_host *fake)
{
    return fake->plugin->ops;
}

static inline enum cs_rc fake_host_open(struct fake_host *fake)
{
    enum cs_rc rc = fake_life(fake)->open(&fake->host, &fake->self);
    fake->open = rc == CS_OK;
    return rc;
}

static inline void fake_host_close(struct fake_host *fake)
{
    if (fake->open)
        fake_life(fake)->close(fake->self);
    fake->open = false;
}

static inline void fake_host_clear(struct fake_host *fake)
{
    fake_host_close(fake);
    for (size_t i = 0; i < fake->asked; i++)
        free(fake->requests[i]);
    free(fake->body);
    fake->body = NULL;
    free(fake->headers);
    fake->headers = NULL;
    fake->asked = 0;
}

static inline void fake_secret_clear(struct cs_secret *secret)
{
    free(secret->bytes);
    *secret = (struct cs_secret){0};
}

static inline void fake_page_clear(struct cs_page *page)
{
    json_decref(page->records);
    free(page->cursor);
    *page = (struct cs_page){.want = page->want};
}

static struct fake_count {
    unsigned tests, failures;
} fake_count;

static inline bool fake_ok(bool right, const char *what)
{
    printf("%sok %u - %s\n", right ? "" : "not ", ++fake_count.tests, what);
    fake_count.failures += !right;
    return right;
}

static inline int fake_end_of_tests(void)
{
    printf("1..%u\n", fake_count.tests);
    return fake_count.failures == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

#endif
