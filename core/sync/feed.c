/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

#include "config.h"

#include "sync/feed.h"

#include "base/log.h"
#include "base/memory.h"
#include "sync/pages.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* More changes than this in 30 days are read as data, not as changes. */
#define MOST_RECORDS 1000000

struct hint {
    struct hint *next;
    char *district_id, *cursor;
};

struct district {
    struct district *next;
    const struct cs_part *delta;
    char *id;
    pthread_mutex_t mutex;    /* held while the feed is read */
    struct cs_feed *readings; /* newest first */
    struct cs_error error;    /* why it cannot be read; rc CS_OK: it can */
    char *lost; /* the newest cursor known to be served no more; or NULL */
};

struct cs_feeds {
    struct cs_app *app;
    pthread_mutex_t mutex; /* guards the list of districts */
    struct district *districts;
    struct hint *hints; /* complete before any reading */
};

struct cs_feeds *cs_feed_new_all(struct cs_app *app)
{
    struct cs_feeds *feeds = cs_memory_new(sizeof(*feeds));

    feeds->app = app;
    pthread_mutex_init(&feeds->mutex, NULL);
    return feeds;
}

static void forget_records(struct cs_feed *feed, size_t keep)
{
    for (; feed->n > keep; feed->n--) {
        free(feed->records[feed->n - 1].cursor);
        json_decref(feed->records[feed->n - 1].record);
    }
}

static void free_reading(struct cs_feed *feed)
{
    forget_records(feed, 0);
    free(feed->records);
    free(feed->start);
    free(feed->end);
    free(feed);
}

static void free_district(struct district *district)
{
    while (district->readings) {
        struct cs_feed *feed = district->readings;

        district->readings = feed->older;
        free_reading(feed);
    }
    pthread_mutex_destroy(&district->mutex);
    free(district->lost);
    free(district->id);
    free(district);
}

void cs_feed_free_all(struct cs_feeds *feeds)
{
    if (!feeds)
        return;
    while (feeds->districts) {
        struct district *district = feeds->districts;

        feeds->districts = district->next;
        free_district(district);
    }
    while (feeds->hints) {
        struct hint *hint = feeds->hints;

        feeds->hints = hint->next;
        free(hint->district_id);
        free(hint->cursor);
        free(hint);
    }
    pthread_mutex_destroy(&feeds->mutex);
    free(feeds);
}

void cs_feed_hint(struct cs_feeds *feeds, const char *district_id,
                  const char *cursor)
{
    struct hint *hint = cs_memory_new(sizeof(*hint));

    hint->district_id = cs_memory_text(district_id);
    hint->cursor = cs_memory_text(cursor);
    hint->next = feeds->hints;
    feeds->hints = hint;
}

int cs_feed_order(const struct cs_part *delta, const char *cursor,
                  const char *other)
{
    return delta->module->ops.source.order(cursor, other);
}

/* ---- Reading ------------------------------------------------------------- */

struct reading {
    struct cs_feed *feed;
    const char *section;
    size_t page; /* records before this page */
    struct cs_error *error;
};

static enum cs_rc take(void *arg, enum cs_op op, const char *cursor,
                       json_t *stolen)
{
    struct reading *reading = arg;
    struct cs_feed *feed = reading->feed;

    if (!cursor) {
        json_decref(stolen);
        return cs_error_set(reading->error, CS_E_FATAL,
                            "%s gave a change without its place in the feed",
                            reading->section);
    }
    if ((feed->n & (feed->n - 1)) == 0) /* full at powers of two */
        feed->records = cs_memory_grow(feed->records, feed->n ? feed->n * 2 : 1,
                                       sizeof(*feed->records));
    feed->records[feed->n++] =
        (struct cs_feed_record){cs_memory_text(cursor), op, stolen};
    return CS_OK;
}

static void begin_page(void *arg)
{
    struct reading *reading = arg;

    reading->page = reading->feed->n;
}

static void forget_page(void *arg)
{
    struct reading *reading = arg;

    forget_records(reading->feed, reading->page);
}

/* What the mappers of all pipelines with this feed look at. */
static const char **all_reads(const struct cs_wiring *wiring,
                              const struct cs_part *delta)
{
    const char **all = cs_memory_new(sizeof(*all));
    size_t n = 0;

    for (size_t i = 0; i < wiring->npipelines; i++) {
        const struct cs_pipeline *pipeline = &wiring->pipelines[i];
        const char *const *reads = pipeline->mapper->module->ops.mapper.reads;

        for (; pipeline->delta == delta && *reads; reads++) {
            all = cs_memory_grow(all, n + 2, sizeof(*all));
            all[n++] = *reads;
            all[n] = NULL;
        }
    }
    return all;
}

static enum cs_rc read_from(struct cs_feeds *feeds, struct district *district,
                            const struct cs_whom *whom, const char *start,
                            struct cs_error *error)
{
    const struct cs_settings *settings = feeds->app->settings;
    const char **reads = all_reads(&feeds->app->wiring, district->delta);
    struct cs_cancel *cancel =
        cs_cancel_new(feeds->app->cancel,
                      cs_settings_number(settings, "sync", "timeout_minutes") *
                          60 * CS_SECOND);
    struct cs_instance_request request = {.part = district->delta,
                                          .whom = *whom,
                                          .cancel = cancel,
                                          .reads = reads};
    struct reading reading = {.feed = cs_memory_new(sizeof(*reading.feed)),
                              .section = district->delta->section,
                              .error = error};
    struct cs_pages pages = {.settings = settings,
                             .cancel = cancel,
                             .most = MOST_RECORDS,
                             .take = take,
                             .begin = begin_page,
                             .forget = forget_page,
                             .arg = &reading};
    enum cs_rc rc;

    request.whom.school_id = request.whom.school_prefix = NULL;
    request.whom.pipeline = NULL;
    reading.feed->start = cs_memory_text(start);
    rc = cs_instance_open(&pages.source, feeds->app, &request, error);
    if (rc == CS_OK)
        rc = cs_pages_read(&pages, start, &reading.feed->end, error);
    cs_instance_close(pages.source);
    cs_cancel_free(cancel);
    free(reads);
    if (rc == CS_OK) {
        reading.feed->older = district->readings;
        district->readings = reading.feed;
    } else {
        free_reading(reading.feed);
    }
    return rc;
}

/* ---- Sharing ------------------------------------------------------------- */

static struct district *find(struct cs_feeds *feeds,
                             const struct cs_part *delta, const char *id)
{
    struct district *district;

    pthread_mutex_lock(&feeds->mutex);
    district = feeds->districts;
    while (district &&
           (district->delta != delta || strcmp(district->id, id) != 0))
        district = district->next;
    if (!district) {
        district = cs_memory_new(sizeof(*district));
        district->delta = delta;
        district->id = cs_memory_text(id);
        pthread_mutex_init(&district->mutex, NULL);
        district->next = feeds->districts;
        feeds->districts = district;
    }
    pthread_mutex_unlock(&feeds->mutex);
    return district;
}

static bool is_lost(const struct district *district, const char *cursor)
{
    return district->lost &&
           cs_feed_order(district->delta, cursor, district->lost) <= 0;
}

/* CS_SKIP: no reading begins early enough. */
static enum cs_rc look(const struct district *district, const char *cursor,
                       const struct cs_feed **feed, struct cs_error *error)
{
    if (is_lost(district, cursor))
        return cs_error_set(error, CS_E_CURSOR,
                            "the feed of changes no longer reaches back to "
                            "the last one that was read");
    for (*feed = district->readings; *feed; *feed = (*feed)->older) {
        if (cs_feed_order(district->delta, (*feed)->start, cursor) <= 0)
            return CS_OK;
    }
    return CS_SKIP;
}

static const char *oldest(const struct cs_feeds *feeds,
                          const struct district *district, const char *cursor)
{
    for (const struct hint *hint = feeds->hints; hint; hint = hint->next) {
        if (strcmp(hint->district_id, district->id) == 0 &&
            !is_lost(district, hint->cursor) &&
            cs_feed_order(district->delta, hint->cursor, cursor) < 0)
            cursor = hint->cursor;
    }
    return cursor;
}

/* What is no longer served from here is not served from before, either. */
static void lose(struct district *district, const char *cursor)
{
    if (is_lost(district, cursor))
        return;
    free(district->lost);
    district->lost = cs_memory_text(cursor);
}

static enum cs_rc read_for(struct cs_feeds *feeds, struct district *district,
                           const struct cs_whom *whom, const char *cursor,
                           struct cs_error *error)
{
    const char *start = oldest(feeds, district, cursor);
    struct cs_error first = {0};
    enum cs_rc rc = read_from(feeds, district, whom, start, &first);

    if (rc == CS_E_CURSOR && strcmp(start, cursor) != 0) {
        /* Somebody is too far behind; this one need not be. */
        lose(district, start);
        rc = read_from(feeds, district, whom, cursor, error);
    } else if (rc != CS_OK) {
        *error = first;
    }
    if (rc == CS_E_CURSOR)
        lose(district, cursor);
    return rc;
}

enum cs_rc cs_feed_read(struct cs_feeds *feeds, const struct cs_part *delta,
                        const struct cs_whom *whom, const char *cursor,
                        const struct cs_feed **feed, struct cs_error *error)
{
    struct district *district = find(feeds, delta, whom->district_id);
    enum cs_rc rc;

    pthread_mutex_lock(&district->mutex);
    rc = look(district, cursor, feed, error);
    if (rc == CS_SKIP && district->error.rc != CS_OK) {
        *error = district->error;
        rc = error->rc;
    } else if (rc == CS_SKIP) {
        rc = read_for(feeds, district, whom, cursor, error);
        if (rc == CS_OK)
            rc = look(district, cursor, feed, error);
        else if (rc != CS_E_CURSOR && rc != CS_E_CANCELLED)
            district->error = *error; /* the next one need not ask again */
    }
    pthread_mutex_unlock(&district->mutex);
    return rc;
}
