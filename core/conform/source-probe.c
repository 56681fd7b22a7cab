/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

#include "config.h"

#include "conform/source-probe.h"

#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

/* ---- What the plugin calls ----------------------------------------------- */

static struct cs_reading *reading_of(struct cs_page *page)
{
    return (struct cs_reading *)page; /* it is the first member */
}

static void count(struct cs_page *page)
{
    struct cs_reading *reading = reading_of(page);

    reading->late += page->end != CS_PAGE_CUT || page->refused != CS_OK;
}

static enum cs_rc emit(struct cs_page *page, enum cs_op op, const char *cursor,
                       json_t *stolen)
{
    count(page);
    return cs_page_emit(page, op, cursor, stolen);
}

static enum cs_rc next(struct cs_page *page, const char *cursor)
{
    count(page);
    reading_of(page)->ends++;
    return cs_page_next(page, cursor);
}

static enum cs_rc done(struct cs_page *page, const char *cursor)
{
    count(page);
    reading_of(page)->ends++;
    return cs_page_done(page, cursor);
}

static void offer(struct cs_host *host)
{
    host->emit = emit;
    host->next = next;
    host->done = done;
}

/* ---- Reading ------------------------------------------------------------- */

static enum cs_rc take(void *arg, enum cs_op op, const char *cursor,
                       json_t *stolen)
{
    struct cs_reading *reading = arg;

    if (reading->stop > 0 &&
        json_array_size(reading->records) >= reading->stop) {
        json_decref(stolen);
        return CS_E_CANCELLED;
    }
    json_array_append_new(reading->records,
                          json_pack("{s:i, s:s?, s:o}", "op", (int)op, "cursor",
                                    cursor, "record", stolen));
    return CS_OK;
}

static void begin_page(struct cs_reading *reading)
{
    cs_page_clear(&reading->page);
    cs_page_init(&reading->page, reading->want);
    reading->page.take = take;
    reading->page.arg = reading;
}

enum cs_rc cs_reading_page(struct cs_reading *reading, const char *cursor)
{
    struct cs_probe *probe = reading->probe;

    begin_page(reading);
    if (cs_conform_over(probe->conform))
        return CS_E_FATAL;
    reading->ends = 0;
    return cs_source_fetch(reading->source, reading->entity, cursor,
                           &reading->page, &probe->error);
}

static void keep_cursor(struct cs_reading *reading)
{
    reading->cursors = cs_memory_grow(reading->cursors, reading->ncursors + 1,
                                      sizeof(*reading->cursors));
    reading->cursors[reading->ncursors++] =
        cs_memory_text(reading->page.cursor);
}

enum cs_rc cs_reading_all(struct cs_reading *reading, const char *cursor)
{
    for (int i = 0; i < CS_READING_PAGES; i++) {
        enum cs_rc rc = cs_reading_page(reading, cursor);

        if (rc != CS_OK)
            return rc;
        if (reading->page.end == CS_PAGE_CUT)
            return cs_error_set(&reading->probe->error, CS_E_RETRY,
                                "a page has no end");
        if (reading->page.end == CS_PAGE_DONE) {
            free(reading->last);
            reading->last = cs_memory_text(reading->page.cursor);
            return CS_OK;
        }
        keep_cursor(reading);
        cursor = reading->cursors[reading->ncursors - 1];
    }
    return cs_error_set(&reading->probe->error, CS_E_FATAL,
                        "there is no end after %d pages", CS_READING_PAGES);
}

void cs_reading_whole(struct cs_reading *reading, const char *cursor)
{
    if (!cs_conform_over(reading->probe->conform))
        cs_probe_wants(reading->probe, "reading to the end",
                       cs_reading_all(reading, cursor), CS_OK);
}

char *cs_reading_mark(struct cs_reading *reading)
{
    struct cs_probe *probe = reading->probe;

    begin_page(reading);
    if (cs_conform_over(probe->conform))
        return NULL;
    cs_probe_wants(
        probe, "mark",
        cs_source_mark(reading->source, &reading->page, &probe->error), CS_OK);
    if (!cs_conform_over(probe->conform) && !reading->page.cursor)
        cs_conform_fail(probe->conform, "mark gives no cursor");
    return cs_conform_over(probe->conform)
               ? NULL
               : cs_memory_text(reading->page.cursor);
}

/* ---- Beginning and end --------------------------------------------------- */

static bool is_feed(const struct cs_probe *probe)
{
    return probe->conform->part->module->ops.source.delta;
}

static void forget(struct cs_reading *reading)
{
    json_array_clear(reading->records);
    for (size_t i = 0; i < reading->ncursors; i++)
        free(reading->cursors[i]);
    reading->ncursors = 0;
    reading->late = 0;
}

void cs_reading_again(struct cs_reading *reading)
{
    forget(reading);
    if (reading->source)
        cs_probe_close(reading->probe, reading->source);
    reading->source = cs_probe_open(reading->probe, 0);
}

/* The i-th sample; false: its collection is not served. */
static bool serves(struct cs_reading *reading, size_t i)
{
    struct cs_probe *probe = reading->probe;

    probe->reads = probe->conform->reads[i];
    reading->entity = is_feed(probe) ? NULL : probe->conform->samples[i];
    cs_reading_again(reading);
    return cs_reading_page(reading, NULL) == CS_OK;
}

void cs_reading_begin(struct cs_reading *reading, struct cs_probe *probe)
{
    size_t i = 0;

    *reading = (struct cs_reading){
        .probe = probe,
        .records = json_array(),
        .want = 7,
    };
    while (probe->conform->samples[i] && !serves(reading, i))
        i++;
    if (!cs_conform_over(probe->conform) && !probe->conform->samples[i]) {
        char *why = cs_memory_format(
            "it gives no collection of the mappers that there are (%s)",
            i > 0 ? probe->error.text : "there are none");

        cs_conform_skip(probe->conform, why);
        free(why);
    }
    forget(reading);
}

void cs_reading_end(struct cs_reading *reading)
{
    cs_page_clear(&reading->page);
    forget(reading);
    free(reading->cursors);
    free(reading->last);
    json_decref(reading->records);
}

/* ---- The kind ------------------------------------------------------------ */

static const struct cs_conform_case *const topics[] = {
    cs_conform_source_pages,
    cs_conform_source_feed,
    cs_conform_source_clever,
    NULL,
};

/* Clever's cases are about what has the address of an interface like it. */
static bool concerns(const struct cs_conform *conform,
                     const struct cs_conform_case *topic)
{
    const struct cs_module *module = conform->part->module;

    if (topic == cs_conform_source_feed)
        return module->ops.source.delta;
    if (topic == cs_conform_source_clever)
        return cs_settings_option(module->plugin.options, "base_url");
    return true;
}

/* The first page of the first collection, or why there is none. */
static enum cs_rc work(struct cs_probe *probe, struct cs_instance *source,
                       struct cs_error *error)
{
    struct cs_reading reading = {
        .probe = probe,
        .records = json_array(),
        .entity = is_feed(probe) ? NULL : probe->conform->samples[0],
        .want = 5,
    };
    enum cs_rc rc = CS_OK;

    begin_page(&reading);
    if (probe->conform->samples[0])
        rc =
            cs_source_fetch(source, reading.entity, NULL, &reading.page, error);
    cs_reading_end(&reading);
    return rc;
}

const struct cs_conform_kind cs_conform_source = {
    .kind = CS_SOURCE,
    .most = 30 * CS_SECOND,
    .work = work,
    .topics = topics,
    .concerns = concerns,
    .offer = offer,
};
