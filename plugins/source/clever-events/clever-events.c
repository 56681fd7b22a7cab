/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* Clever's events API: what changed in a district, oldest first.
 *
 * A cursor is the id of an event; ids ascend.  The empty cursor is that of a
 * feed without events and older than all.  This version takes the mark before
 * a full sync; it does not read the feed, so that the core reads the data. */
#include <cleversync/plugin.h>

#include <stdio.h>
#include <string.h>

enum { CLEVER_EVENTS_URL = 2048, CLEVER_EVENTS_ID = 100 };

static const struct cs_option clever_events_options[] = {
    {.name = "base_url",
     .type = CS_OPT_TEXT,
     .fallback = "https://api.clever.com/v3.0",
     .help = "address of Clever's API, with its version"},
    {.name = "access_token",
     .type = CS_OPT_SECRET | CS_OPT_TEMPLATE,
     .fallback = "{secret_prefix}--{district_prefix}--AccessToken "
                 "{secret_prefix}--Clever--AccessToken",
     .help = "the district's access token"},
    {.name = NULL},
};

/* All that an instance knows is in its host. */
static enum cs_rc clever_events_open(const struct cs_host *host, void **self)
{
    *self = (void *)host;
    return CS_OK;
}

static void clever_events_close(void *self)
{
    (void)self;
}

/* The ids of a reply: how many, and the last one. */
struct clever_events_ids {
    size_t n, unfit;
    char last[CLEVER_EVENTS_ID + 1];
};

static enum cs_rc clever_events_id(void *arg, json_t *stolen)
{
    struct clever_events_ids *ids = arg;
    const json_t *value = json_object_get(stolen, "id");
    const char *id = json_string_value(value); /* NULL: not a string */
    size_t length = json_string_length(value);
    ids->n++;
    if (length == 0 || length > CLEVER_EVENTS_ID ||
        strspn(id, "0123456789_-abcdefghijklmnopqrstuvwxyz"
                   "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != length)
        ids->unfit++;
    else
        memcpy(ids->last, id, length + 1);
    json_decref(stolen);
    return CS_OK;
}

/* GET base_url/what for nothing but its ids; status: HTTP's, 0: none. */
static enum cs_rc clever_events_get(const struct cs_host *host,
                                    const char *what,
                                    struct clever_events_ids *ids, long *status)
{
    static const char *const reads[] = {"id", NULL};
    char url[CLEVER_EVENTS_URL];
    int length =
        snprintf(url, sizeof url, "%s/%s", host->text(host, "base_url"), what);
    *ids = (struct clever_events_ids){0};
    *status = 0;
    if (length >= (int)sizeof url)
        return cs_fail(host, CS_E_CONFIG, "base_url is too long");
    struct cs_http http = {
        .size = sizeof http,
        .url = url,
        .bearer = "access_token",
        .rows = "data[].data",
        .reads = reads,
        .each = clever_events_id,
        .arg = ids,
    };
    enum cs_rc rc = host->http(host, &http);
    json_decref(http.reply);
    *status = http.status;
    return rc;
}

static enum cs_rc clever_events_check(void *self)
{
    const struct cs_host *host = self;
    const char *district = host->scope->district;
    struct clever_events_ids ids;
    long status;
    enum cs_rc rc = clever_events_get(host, "districts", &ids, &status);
    if (rc != CS_OK)
        return rc;
    if (ids.n != 1 || district == NULL || strcmp(ids.last, district) != 0)
        return cs_fail(host, CS_E_AUTH,
                       "the access token belongs to another district");
    return CS_OK;
}

/* How Clever says that a district does not share events is not documented. */
static bool clever_events_closed(long status)
{
    return status == 400 || status == 403 || status == 404 || status == 410;
}

static enum cs_rc clever_events_mark(void *self, struct cs_page *page)
{
    const struct cs_host *host = self;
    struct clever_events_ids ids;
    long status;
    enum cs_rc rc = clever_events_get(host, "events?ending_before=last&limit=1",
                                      &ids, &status);
    if (clever_events_closed(status))
        return cs_fail(host, CS_E_NOT_HERE,
                       "events are not available for this district "
                       "(status %ld)",
                       status);
    if (rc != CS_OK)
        return rc;
    if (ids.unfit != 0)
        return cs_fail(host, CS_E_FATAL, "the newest event has no usable id");
    return host->done(page, ids.last);
}

static int clever_events_order(const char *cursor, const char *other)
{
    return strcmp(cursor, other);
}

static enum cs_rc clever_events_fetch(void *self,
                                      const struct cs_entity *entity,
                                      const char *cursor, struct cs_page *page)
{
    const struct cs_host *host = self;
    (void)entity;
    (void)cursor;
    (void)page;
    return cs_fail(host, CS_E_NOT_HERE,
                   "this version does not read events, it reads the data");
}

static const struct cs_source_ops clever_events_ops = {
    .life = {.open = clever_events_open,
             .check = clever_events_check,
             .close = clever_events_close},
    .delta = true,
    .mark = clever_events_mark,
    .order = clever_events_order,
    .fetch = clever_events_fetch,
};

CS_SOURCE_PLUGIN("clever-events", clever_events_ops, .version = "1.0",
                 .summary = "changes from Clever's events API",
                 .options = clever_events_options);
