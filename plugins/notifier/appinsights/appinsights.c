/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* Events as telemetry of Azure Application Insights.  Each event is one item,
 * so that what the service says of an item is said of an event. */

#include "config.h"

#include "appinsights.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define INSIGHTS_PATH "/v2.1/track"
/* The service refuses what is older. */
#define INSIGHTS_OLDEST (48 * 3600 * INT64_C(1000000))

enum { INSIGHTS_TIMEOUT_MS = 10000, INSIGHTS_HOPS = 5, INSIGHTS_URL = 512 };

struct insights {
    const struct cs_host *host;
    char instance[65];         /* this machine's name */
    char origin[INSIGHTS_URL]; /* where the string's endpoint has sent us, */
    char moved[INSIGHTS_URL];  /* and to which address; "": nowhere */
};

/* ---- What is sent ------------------------------------------------------- */

/* Microseconds since 1970 of "2026-01-31T02:03:04.567Z"; 0: it is no time. */
static int64_t insights_time(const char *text)
{
    int year, month, day, hour, minute, second;
    long long days, shifted;

    if (sscanf(text, "%4d-%2d-%2dT%2d:%2d:%2d", &year, &month, &day, &hour,
               &minute, &second) != 6)
        return 0;
    /* Days since 1970, years beginning with March. */
    shifted = month > 2 ? year : year - 1;
    days = 365 * shifted + shifted / 4 - shifted / 100 + shifted / 400 +
           (153 * ((month + 9) % 12) + 2) / 5 + day - 1 - 719468;
    return ((days * 24 + hour) * 60 + minute) * INT64_C(60000000) +
           second * INT64_C(1000000);
}

static bool insights_is_old(const struct cs_host *host, const json_t *event)
{
    const char *time = json_string_value(json_object_get(event, "time"));

    return host->now(host) - insights_time(time) > INSIGHTS_OLDEST;
}

static void insights_fill(const struct insights *self,
                          const struct insights_connection *connection,
                          const struct cs_news *news,
                          struct insights_batch *batch)
{
    const struct insights_sender sender = {.key = connection->key,
                                           .role = "cleversync",
                                           .instance = self->instance};
    const struct cs_host *host = self->host;
    size_t old = 0, large = 0;

    for (size_t i = 0; i < news->n; i++) {
        json_t *envelope;

        if (insights_is_old(host, news->events[i])) {
            old++;
            continue;
        }
        envelope = insights_envelope(&sender, news->events[i]);
        large += !envelope || !insights_batch_add(batch, envelope, i);
        json_decref(envelope);
    }
    if (old > 0)
        cs_log(host, CS_LOG_WARN,
               "%zu events are left out: they are older than 48 hours", old);
    if (large > 0)
        cs_log(host, CS_LOG_WARN,
               "%zu events are left out: each is larger than %d bytes", large,
               INSIGHTS_ITEM);
}

/* ---- What is answered --------------------------------------------------- */

static bool insights_may_heal(json_int_t status)
{
    static const int healing[] = {401, 403, 408, 429, 500, 502, 503, 504};

    for (size_t i = 0; i < sizeof(healing) / sizeof(*healing); i++)
        if (healing[i] == status)
            return true;
    return false;
}

/* How many items were refused in a way that heals, or does not; the last one's
 * status; mark: those of the events, or NULL. */
static size_t insights_refused(const json_t *reply,
                               const struct insights_batch *batch, bool heals,
                               bool *mark, json_int_t *last)
{
    json_int_t index, status;
    size_t n = 0, i;
    json_t *item;

    json_array_foreach(json_object_get(reply, "errors"), i, item)
    {
        if (json_unpack(item, "{s:I, s:I}", "index", &index, "statusCode",
                        &status) != 0 ||
            index < 0 || (size_t)index >= batch->n ||
            insights_may_heal(status) != heals)
            continue;
        n++;
        *last = status;
        if (mark)
            mark[batch->index[index]] = true;
    }
    return n;
}

#define INSIGHTS_REFUSED \
    "%zu of %zu events were refused for good, the last one with status %lld"

/* Some items may have been refused, each with a status of its own. */
static enum cs_rc insights_read(const struct cs_host *host, const json_t *reply,
                                const struct insights_batch *batch,
                                struct cs_news *news)
{
    json_int_t again_status = 0, lost_status = 0;
    size_t again =
        insights_refused(reply, batch, true, news->again, &again_status);
    size_t lost = insights_refused(
        reply, batch, false, again > 0 ? NULL : news->again, &lost_status);

    if (again > 0 && lost > 0)
        cs_log(host, CS_LOG_WARN, INSIGHTS_REFUSED, lost, batch->n,
               (long long)lost_status);
    if (again > 0)
        return cs_fail(host, CS_E_RETRY,
                       "%zu of %zu events were not accepted, the last one "
                       "with status %lld",
                       again, batch->n, (long long)again_status);
    if (lost > 0)
        return cs_fail(host, CS_E_DATA, INSIGHTS_REFUSED, lost, batch->n,
                       (long long)lost_status);
    return CS_OK;
}

/* Follows a redirect to another host, which is asked from now on; false: there
 * is none that could be followed. */
static bool insights_move(struct insights *self, const struct cs_http *http)
{
    const char *location = http->header(http, "Location");
    bool plain = strncmp(http->url, "http:", 5) == 0;

    if ((http->status != 307 && http->status != 308) || !location ||
        strlen(location) >= sizeof(self->moved))
        return false;
    /* Never to a way that is less safe; where plain http may go the core
     * knows. */
    if (strncmp(location, "https://", 8) != 0 &&
        !(plain && strncmp(location, "http://", 7) == 0))
        return false;
    strcpy(self->moved, location);
    return true;
}

static enum cs_rc insights_explain(const struct cs_host *host, long status,
                                   size_t n, enum cs_rc rc)
{
    switch (status) {
    case 402:
    case 439:
        return cs_fail(host, CS_E_FATAL,
                       "the resource's quota is used up (status %ld): %zu "
                       "events are left out",
                       status, n);
    case 404:
    case 410:
        return cs_fail(host, CS_E_CONFIG,
                       "there is nothing at the endpoint of the connection "
                       "string (status %ld): is it right?",
                       status);
    default:
        return rc;
    }
}

/* ---- The exchange ------------------------------------------------------- */

static enum cs_rc insights_post(struct insights *self, const char *url,
                                const struct insights_batch *batch,
                                struct cs_news *news, bool *moved)
{
    static const char *const headers[] = {"Content-Encoding: gzip", NULL};
    const struct cs_host *host = self->host;
    struct cs_http http = {
        .size = sizeof(http),
        .method = "POST",
        .url = url,
        .content_type = "application/x-json-stream",
        .body = batch->packed,
        .body_size = batch->packed_size,
        .headers = headers,
        .timeout_ms = INSIGHTS_TIMEOUT_MS,
        .tries = 1, /* the core hands the events over again */
    };
    enum cs_rc rc = host->http(host, &http);

    *moved = false;
    if (rc == CS_OK)
        rc = insights_read(host, http.reply, batch, news);
    else if (insights_move(self, &http))
        *moved = true;
    else
        rc = insights_explain(host, http.status, batch->n, rc);
    json_decref(http.reply);
    return rc;
}

static enum cs_rc insights_send(struct insights *self,
                                const struct insights_connection *connection,
                                const struct insights_batch *batch,
                                struct cs_news *news)
{
    char url[INSIGHTS_URL + sizeof(INSIGHTS_PATH)];
    bool moved = true;
    enum cs_rc rc = CS_OK;

    /* Where we were sent counts for the endpoint that has sent us. */
    if (strcmp(self->origin, connection->endpoint) != 0)
        self->moved[0] = '\0';
    snprintf(self->origin, sizeof(self->origin), "%s", connection->endpoint);
    for (int hop = 0; moved && hop <= INSIGHTS_HOPS; hop++) {
        if (self->moved[0])
            snprintf(url, sizeof(url), "%s", self->moved);
        else
            snprintf(url, sizeof(url), "%s" INSIGHTS_PATH, self->origin);
        rc = insights_post(self, url, batch, news, &moved);
    }
    if (!moved && (rc == CS_OK || !self->moved[0]))
        return rc;
    self->moved[0] = '\0'; /* next time from the start */
    if (moved)
        return cs_fail(self->host, CS_E_RETRY,
                       "the service has sent us on more than %d times",
                       (int)INSIGHTS_HOPS);
    return rc;
}

static enum cs_rc insights_notify(void *context, struct cs_news *news)
{
    struct insights *self = context;
    const struct cs_host *host = self->host;
    const char *string = host->secret(host, "connection");
    struct insights_connection connection;
    struct insights_batch batch = {0};
    enum cs_rc rc;

    if (!string)
        return CS_E_AUTH;
    rc = insights_connect(host, string, &connection);
    if (rc != CS_OK)
        return rc;
    insights_fill(self, &connection, news, &batch);
    if (batch.n > 0 && !insights_batch_pack(&batch))
        rc = cs_fail(host, CS_E_FATAL, "the events could not be compressed");
    if (batch.n > 0 && rc == CS_OK)
        rc = insights_send(self, &connection, &batch, news);
    insights_batch_clear(&batch);
    return rc;
}

/* ---- The plugin --------------------------------------------------------- */

static enum cs_rc insights_open(const struct cs_host *host, void **context)
{
    struct insights *self = calloc(1, sizeof(*self));

    if (!self)
        return cs_fail(host, CS_E_FATAL, "out of memory");
    self->host = host;
    if (gethostname(self->instance, sizeof(self->instance) - 1) != 0)
        self->instance[0] = '\0';
    *context = self;
    return CS_OK;
}

static void insights_close(void *context)
{
    free(context);
}

static const struct cs_option insights_options[] = {
    {"connection", CS_OPT_SECRET | CS_OPT_TEMPLATE,
     "{secret_prefix}--ApplicationInsights--ConnectionString", NULL,
     "the connection string of the resource"},
    {.name = NULL},
};

static const struct cs_notifier_ops insights_ops = {
    .life = {.open = insights_open, .close = insights_close},
    .notify = insights_notify,
};

CS_NOTIFIER_PLUGIN("appinsights", insights_ops, .version = "1.0",
                   .summary = "telemetry to Azure Application Insights",
                   .options = insights_options);
