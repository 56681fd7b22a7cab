/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

#include "config.h"

#include "fake-host.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* header() gets no host; the reply of this thread's last exchange. */
static _Thread_local const struct fake_reply *fake_last;

static struct fake_host *fake_of(const struct cs_host *host)
{
    return (struct fake_host *)host; /* its first member; tests own it */
}

static void *fake_need(void *memory)
{
    if (memory == NULL)
        abort();
    return memory;
}

static const char *fake_find(const struct fake_pair *pairs, const char *name)
{
    for (; pairs != NULL && pairs->name != NULL; pairs++)
        if (strcmp(pairs->name, name) == 0)
            return pairs->value;
    return NULL;
}

/* A plugin that asks for what it did not declare has a typing error. */
static const struct cs_option *fake_option(const struct fake_host *fake,
                                           const char *name)
{
    const struct cs_option *option = fake->plugin->options;
    for (; option != NULL && option->name != NULL; option++)
        if (strcmp(option->name, name) == 0)
            return option;
    fprintf(stderr, "# option %s is not in the plugin's table\n", name);
    abort();
}

CS_FORMAT static void fake_log(const struct cs_host *host, int level,
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

CS_FORMAT static enum cs_rc fake_fail(const struct cs_host *host, int rc,
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

static long fake_remaining(const struct cs_host *host)
{
    return fake_of(host)->remaining;
}

static int64_t fake_now(const struct cs_host *host)
{
    return fake_of(host)->now;
}

static const char *fake_text(const struct cs_host *host, const char *name)
{
    struct fake_host *fake = fake_of(host);
    const struct cs_option *option = fake_option(fake, name);
    const char *value = fake_find(fake->options, name);
    return value != NULL ? value : option->fallback;
}

static long fake_number(const struct cs_host *host, const char *name)
{
    const char *value = fake_text(host, name);
    return value != NULL ? strtol(value, NULL, 10) : 0;
}

static bool fake_flag(const struct cs_host *host, const char *name)
{
    const char *value = fake_text(host, name);
    return value != NULL &&
           (strcmp(value, "true") == 0 || strcmp(value, "yes") == 0 ||
            strcmp(value, "1") == 0);
}

static const char *fake_secret(const struct cs_host *host, const char *name)
{
    struct fake_host *fake = fake_of(host);
    const struct cs_option *option = fake_option(fake, name);
    const char *value = fake_find(fake->secrets, name);
    if (value == NULL && !(option->type & CS_OPT_OPTIONAL))
        fake_fail(host, CS_E_NOT_HERE, "no secret for %s", name);
    return value;
}

static const char *fake_header(const struct cs_http *http, const char *name)
{
    (void)http;
    const struct fake_pair *header = fake_last ? fake_last->headers : NULL;
    for (; header != NULL && header->name != NULL; header++)
        if (strcasecmp(header->name, name) == 0)
            return header->value;
    return NULL;
}

/* Hands over data[].data or data[], and leaves an empty array behind. */
static enum cs_rc fake_rows(struct cs_http *http)
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

static enum cs_rc fake_class(long status)
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

static void fake_record_headers(struct fake_host *fake,
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

static void fake_record(struct fake_host *fake, const struct cs_http *http)
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

static enum cs_rc fake_http(const struct cs_host *host, struct cs_http *http)
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

static size_t fake_want(const struct cs_page *page)
{
    return page->want;
}

static enum cs_rc fake_emit(struct cs_page *page, enum cs_op op,
                            const char *cursor, json_t *stolen)
{
    if (page->records == NULL)
        page->records = fake_need(json_array());
    json_t *entry = json_pack("{s:i, s:s?, s:o}", "op", (int)op, "cursor",
                              cursor, "record", stolen);
    json_array_append_new(page->records, fake_need(entry));
    return page->refuse;
}

static void fake_end(struct cs_page *page, const char *cursor)
{
    free(page->cursor);
    page->cursor = cursor != NULL ? fake_need(strdup(cursor)) : NULL;
}

static enum cs_rc fake_next(struct cs_page *page, const char *cursor)
{
    page->next = true;
    fake_end(page, cursor);
    return CS_OK;
}

static enum cs_rc fake_done(struct cs_page *page, const char *cursor)
{
    page->done = true;
    fake_end(page, cursor);
    return CS_OK;
}

static enum cs_rc fake_reveal(struct cs_secret *secret, const void *bytes,
                              size_t size, int64_t expires)
{
    fake_secret_clear(secret);
    secret->bytes = fake_need(calloc(1, size + 1));
    memcpy(secret->bytes, bytes, size);
    secret->size = size;
    secret->expires = expires;
    return CS_OK;
}

static void fake_wipe(void *bytes, size_t size)
{
    volatile char *byte = bytes;
    while (size-- > 0)
        *byte++ = 0;
}

void fake_host_init(struct fake_host *fake, const struct cs_plugin *plugin)
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
static const struct cs_life *fake_life(const struct fake_host *fake)
{
    return fake->plugin->ops;
}

enum cs_rc fake_host_open(struct fake_host *fake)
{
    enum cs_rc rc = fake_life(fake)->open(&fake->host, &fake->self);
    fake->open = rc == CS_OK;
    return rc;
}

void fake_host_close(struct fake_host *fake)
{
    if (fake->open)
        fake_life(fake)->close(fake->self);
    fake->open = false;
}

void fake_host_clear(struct fake_host *fake)
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

void fake_secret_clear(struct cs_secret *secret)
{
    free(secret->bytes);
    *secret = (struct cs_secret){0};
}

void fake_page_clear(struct cs_page *page)
{
    json_decref(page->records);
    free(page->cursor);
    *page = (struct cs_page){.want = page->want};
}
