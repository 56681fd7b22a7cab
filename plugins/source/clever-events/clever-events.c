/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* Clever's events API: what changed in a district, oldest first.
 *
 * A cursor is the id of an event; ids ascend.  The empty cursor is that of a
 * feed without events and older than all.  Clever keeps events for 30 days and
 * does not say what it answers to an older cursor, so a cursor counts as served
 * only while the oldest event that is still there is not newer. */
#include <cleversync/plugin.h>

#include <stdio.h>
#include <stdlib.h>
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

struct clever_events {
    const struct cs_host *host;
    char **reads; /* what is built of an event; owned, NULL ends */
    bool served;  /* the cursor of the first page was looked at */
};

static void clever_events_close(void *arg)
{
    struct clever_events *self = arg;
    for (size_t i = 0; self->reads != NULL && self->reads[i] != NULL; i++)
        free(self->reads[i]);
    free(self->reads);
    free(self);
}

/* Of an event: its id, its type, and of the record that changed what the
 * mappers look at. */
static bool clever_events_reads(struct clever_events *self)
{
    const char *const *paths = self->host->reads;
    size_t n = 0;
    while (paths != NULL && paths[n] != NULL)
        n++;
    self->reads = calloc(n + 3, sizeof *self->reads);
    if (self->reads == NULL)
        return false;
    self->reads[0] = strdup("id");
    self->reads[1] = strdup("type");
    for (size_t i = 0; i < n; i++) {
        static const char object[] = "data.object.";
        size_t size = sizeof object + strlen(paths[i]);
        char *path = self->reads[i + 2] = malloc(size);
        if (path != NULL)
            snprintf(path, size, "%s%s", object, paths[i]);
    }
    for (size_t i = 0; i < n + 2; i++)
        if (self->reads[i] == NULL)
            return false;
    return true;
}

static enum cs_rc clever_events_open(const struct cs_host *host, void **arg)
{
    struct clever_events *self = calloc(1, sizeof *self);
    if (self == NULL)
        return cs_fail(host, CS_E_FATAL, "out of memory");
    self->host = host;
    if (!clever_events_reads(self)) {
        clever_events_close(self);
        return cs_fail(host, CS_E_FATAL, "out of memory");
    }
    *arg = self;
    return CS_OK;
}

static bool clever_events_is_id(const char *id)
{
    size_t length = strlen(id);
    return length > 0 && length <= CLEVER_EVENTS_ID &&
           strspn(id, "0123456789_-abcdefghijklmnopqrstuvwxyz"
                      "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == length;
}

/* The id of a record, if it has one that is whole and fit for a URL. */
static const char *clever_events_id_of(const json_t *record)
{
    const json_t *value = json_object_get(record, "id");
    const char *id = json_string_value(value); /* NULL: not a string */
    if (id == NULL || strlen(id) != json_string_length(value))
        return NULL;
    return clever_events_is_id(id) ? id : NULL;
}

/* The ids of a reply: how many, and the last one. */
struct clever_events_ids {
    size_t n, unfit;
    char last[CLEVER_EVENTS_ID + 1];
};

static enum cs_rc clever_events_id(void *arg, json_t *stolen)
{
    struct clever_events_ids *ids = arg;
    const char *id = clever_events_id_of(stolen);
    ids->n++;
    if (id == NULL)
        ids->unfit++;
    else
        snprintf(ids->last, sizeof ids->last, "%s", id);
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

static enum cs_rc clever_events_check(void *arg)
{
    const struct clever_events *self = arg;
    const struct cs_host *host = self->host;
    const char *district = host->scope->district;
    struct clever_events_ids ids;
    long status;
    enum cs_rc rc = clever_events_get(host, "districts", &ids, &status);
    if (rc != CS_OK)
        return rc;
    if (ids.n != 1 || ids.unfit != 0)
        return cs_fail(host, CS_E_FATAL,
                       "Clever does not say whose the access token is: one "
                       "district with an id is expected from %s/districts",
                       host->text(host, "base_url"));
    if (district == NULL || strcmp(ids.last, district) != 0)
        return cs_fail(host, CS_E_AUTH,
                       "the access token belongs to another district");
    return CS_OK;
}

/* How Clever says that a district does not share events is not documented. */
static bool clever_events_closed(long status)
{
    return status == 400 || status == 403 || status == 404 || status == 410;
}

static enum cs_rc clever_events_not_here(const struct cs_host *host,
                                         long status)
{
    return cs_fail(host, CS_E_NOT_HERE,
                   "events are not available for this district (status %ld)",
                   status);
}

static enum cs_rc clever_events_mark(void *arg, struct cs_page *page)
{
    const struct clever_events *self = arg;
    const struct cs_host *host = self->host;
    struct clever_events_ids ids;
    long status;
    enum cs_rc rc = clever_events_get(host, "events?ending_before=last&limit=1",
                                      &ids, &status);
    if (clever_events_closed(status))
        return clever_events_not_here(host, status);
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

/* ---- Reading ------------------------------------------------------------- */

/* Is everything since the cursor still there? */
static enum cs_rc clever_events_serves(struct clever_events *self,
                                       const char *cursor)
{
    const struct cs_host *host = self->host;
    struct clever_events_ids ids;
    long status;
    enum cs_rc rc = clever_events_get(host, "events?limit=1", &ids, &status);
    if (clever_events_closed(status))
        return clever_events_not_here(host, status);
    if (rc != CS_OK)
        return rc;
    if (ids.n == 0)
        return cs_fail(host, CS_E_CURSOR, "the feed of events is empty");
    if (strcmp(ids.last, cursor) > 0)
        return cs_fail(host, CS_E_CURSOR,
                       "the feed of events begins after the last one that was "
                       "read");
    self->served = true;
    return CS_OK;
}

struct clever_events_page {
    struct clever_events *self;
    struct cs_page *page;
    size_t n, foreign;
    char last[CLEVER_EVENTS_ID + 1];
};

/* What a type of event says about a person; 0: it is about something else. */
static enum cs_op clever_events_op(const char *type)
{
    if (type == NULL)
        return 0;
    if (strcmp(type, "users.created") == 0 ||
        strcmp(type, "users.updated") == 0)
        return CS_UPSERT;
    return strcmp(type, "users.deleted") == 0 ? CS_DELETE : 0;
}

static enum cs_rc clever_events_event(void *arg, json_t *stolen)
{
    struct clever_events_page *to = arg;
    const struct cs_host *host = to->self->host;
    const char *id = clever_events_id_of(stolen);
    enum cs_op op =
        clever_events_op(json_string_value(json_object_get(stolen, "type")));
    enum cs_rc rc = CS_OK;
    if (id == NULL || strcmp(id, to->last) <= 0) {
        rc = cs_fail(host, CS_E_FATAL,
                     "an event has no id that comes after the one before");
    } else {
        snprintf(to->last, sizeof to->last, "%s", id);
        to->n++;
        to->foreign += op == 0;
    }
    if (rc == CS_OK && op != 0) {
        json_t *object =
            json_object_get(json_object_get(stolen, "data"), "object");
        rc = host->emit(to->page, op, id,
                        json_is_object(object) ? json_incref(object)
                                               : json_object());
    }
    json_decref(stolen);
    return rc;
}

static bool clever_events_more(const json_t *links)
{
    for (size_t i = 0; i < json_array_size(links); i++) {
        const char *rel =
            json_string_value(json_object_get(json_array_get(links, i), "rel"));
        if (rel != NULL && strcmp(rel, "next") == 0)
            return true;
    }
    return false;
}

/* The place of the last event is the cursor, so the next page's address is
 * made from it; the link only says that there is one. */
static enum cs_rc clever_events_end(const struct clever_events_page *from,
                                    const json_t *reply)
{
    const struct cs_host *host = from->self->host;
    const json_t *links = json_object_get(reply, "links");
    if (from->foreign > 0)
        cs_log(host, CS_LOG_DEBUG,
               "%zu of %zu events are about other things than people",
               from->foreign, from->n);
    if (!json_is_array(links))
        return cs_fail(host, CS_E_FATAL,
                       "a page without links does not say whether more "
                       "follow");
    if (from->n > 0 && clever_events_more(links))
        return host->next(from->page, from->last);
    return host->done(from->page, from->last);
}

static enum cs_rc clever_events_fetch(void *arg, const struct cs_entity *entity,
                                      const char *cursor, struct cs_page *page)
{
    struct clever_events *self = arg;
    const struct cs_host *host = self->host;
    struct clever_events_page to = {.self = self, .page = page};
    char url[CLEVER_EVENTS_URL];
    bool from_start = cursor == NULL || *cursor == '\0';
    (void)entity; /* a feed is the district's */
    if (!from_start && !clever_events_is_id(cursor))
        return cs_fail(host, CS_E_CURSOR, "the cursor is not an id");
    if (!from_start)
        snprintf(to.last, sizeof to.last, "%s", cursor);
    int length = snprintf(url, sizeof url, "%s/events?limit=%zu%s%s",
                          host->text(host, "base_url"), host->want(page),
                          from_start ? "" : "&starting_after=", to.last);
    if (length >= (int)sizeof url)
        return cs_fail(host, CS_E_CONFIG, "base_url is too long");
    struct cs_http http = {
        .size = sizeof http,
        .url = url,
        .bearer = "access_token",
        .rows = "data[].data",
        .reads = (const char *const *)self->reads,
        .each = clever_events_event,
        .arg = &to,
    };
    enum cs_rc rc = host->http(host, &http);
    /* Looked at after reading, so that nothing can be dropped in between. */
    if (rc == CS_OK && !from_start && !self->served)
        rc = clever_events_serves(self, cursor);
    if (rc == CS_OK)
        rc = clever_events_end(&to, http.reply);
    else if (clever_events_closed(http.status))
        rc = clever_events_not_here(host, http.status);
    json_decref(http.reply);
    return rc;
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
