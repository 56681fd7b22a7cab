/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* Events as JSON to an address, signed: for pagers, and for whatever passes
 * them on to a chat. */

#include "config.h"

#include <cleversync/plugin.h>

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WEBHOOK_TIMEOUT_MS = 10000 };

/* Those that can be chosen; "test" always comes. */
#define WEBHOOK_EVENTS                                             \
    "run_finished school_failed alert recovered held cursor_lost " \
    "health_changed"
#define WEBHOOK_TELEMETRY "metric request dependency exception"

/* ---- Which events ------------------------------------------------------- */

static bool webhook_has_word(const char *words, const char *word, size_t length)
{
    while (*words) {
        size_t n = strcspn(words, " ");

        if (n == length && memcmp(words, word, n) == 0)
            return true;
        words += n + strspn(words + n, " ");
    }
    return false;
}

static bool webhook_wants(const struct cs_host *host, const json_t *event)
{
    const char *kind = json_string_value(json_object_get(event, "event"));

    return strcmp(kind, "test") == 0 ||
           webhook_has_word(host->text(host, "events"), kind, strlen(kind));
}

static enum cs_rc webhook_open(const struct cs_host *host, void **self)
{
    const char *word = host->text(host, "events");

    *self = (void *)(uintptr_t)host; /* all it needs; handed back as const */
    for (word += strspn(word, " "); *word; word += strspn(word, " ")) {
        size_t n = strcspn(word, " ");

        if (!webhook_has_word(WEBHOOK_EVENTS " " WEBHOOK_TELEMETRY, word, n))
            return cs_fail(host, CS_E_CONFIG,
                           "events: there is no event %.*s; there are "
                           "%s %s",
                           n < 40 ? (int)n : 40, word, WEBHOOK_EVENTS,
                           WEBHOOK_TELEMETRY);
        word += n;
    }
    return CS_OK;
}

static void webhook_close(void *self)
{
    (void)self;
}

/* ---- The request -------------------------------------------------------- */

/* {"events": [...]}, to be freed; NULL: none of them is wanted. */
static char *webhook_body(const struct cs_host *host,
                          const struct cs_news *news)
{
    json_t *events = json_array(), *body;
    char *text = NULL;

    for (size_t i = 0; i < news->n; i++)
        if (webhook_wants(host, news->events[i]))
            json_array_append_new(events, json_deep_copy(news->events[i]));
    if (json_array_size(events) > 0) {
        body = json_pack("{s:O}", "events", events);
        text = json_dumps(body, JSON_COMPACT);
        json_decref(body);
    }
    json_decref(events);
    return text;
}

#define WEBHOOK_HEADER "X-Cleversync-Signature: "
enum { WEBHOOK_HEADER_SIZE = sizeof(WEBHOOK_HEADER) + 128 };

/* "t=SECONDS,v1=HEX" over "SECONDS.BODY", so that what somebody recorded cannot
 * be played again much later. */
static enum cs_rc webhook_sign(const struct cs_host *host, const char *body,
                               char header[WEBHOOK_HEADER_SIZE])
{
    const char *secret = host->secret(host, "secret");
    long long seconds = (long long)(host->now(host) / 1000000);
    unsigned char mac[EVP_MAX_MD_SIZE];
    unsigned length = 0;
    char *text = NULL;
    int at;

    if (!secret)
        return CS_E_AUTH;
    if (asprintf(&text, "%lld.%s", seconds, body) < 0)
        return cs_fail(host, CS_E_FATAL, "out of memory");
    HMAC(EVP_sha256(), secret, (int)strlen(secret), (unsigned char *)text,
         strlen(text), mac, &length);
    free(text);
    at = snprintf(header, WEBHOOK_HEADER_SIZE,
                  WEBHOOK_HEADER "t=%lld,v1=", seconds);
    for (unsigned i = 0; i < length; i++)
        at += snprintf(header + at, 3, "%02x", mac[i]);
    return CS_OK;
}

static enum cs_rc webhook_post(const struct cs_host *host, const char *body)
{
    char signature[WEBHOOK_HEADER_SIZE];
    const char *const headers[] = {signature, NULL};
    struct cs_http http = {
        .size = sizeof(http),
        .method = "POST",
        .url = host->text(host, "url"),
        .content_type = "application/json",
        .body = body,
        .body_size = strlen(body),
        .headers = headers,
        .timeout_ms = WEBHOOK_TIMEOUT_MS,
        .tries = 1, /* the core hands the events over again */
    };
    enum cs_rc rc = webhook_sign(host, body, signature);

    if (rc != CS_OK)
        return rc;
    rc = host->http(host, &http);
    json_decref(http.reply);
    if (rc == CS_E_NOT_HERE)
        rc = cs_fail(host, CS_E_CONFIG,
                     "there is nothing at url (status %ld): is the address "
                     "right?",
                     http.status);
    return rc;
}

static enum cs_rc webhook_notify(void *self, struct cs_news *news)
{
    const struct cs_host *host = self;
    char *body = webhook_body(host, news);
    enum cs_rc rc = body ? webhook_post(host, body) : CS_OK;

    free(body);
    return rc;
}

/* ---- The plugin --------------------------------------------------------- */

static const struct cs_option webhook_options[] = {
    {"url", CS_OPT_TEXT, NULL, NULL,
     "where events are posted to; not for an address that is a secret"},
    {"secret", CS_OPT_SECRET | CS_OPT_TEMPLATE,
     "{secret_prefix}--Webhook--Secret", NULL, "the key of the signature"},
    {"events", CS_OPT_TEXT, WEBHOOK_EVENTS, NULL, "which events are sent"},
    {.name = NULL},
};

static const struct cs_notifier_ops webhook_ops = {
    .life = {.open = webhook_open, .close = webhook_close},
    .notify = webhook_notify,
};

CS_NOTIFIER_PLUGIN("webhook", webhook_ops, .version = "1.0",
                   .summary = "signed JSON to an address of yours",
                   .options = webhook_options);
