/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

#include "config.h"

#include "read.h"

#include "http.h"
#include "json.h"
#include "memory.h"
#include "source.h"

#include <stdlib.h>
#include <string.h>

/* A page that took less is no strain, one that took more is. */
#define QUICK (CS_SECOND)
#define SLOW (5 * CS_SECOND)

struct reading {
    struct cs_read *read;
    const struct cs_mapper_ops *mapper;
    struct cs_value *row;
    size_t ncolumns;
    struct cs_error *error;
};

/* The mapper's key is a C string: is it the whole of the record's text?  (A
 * text with U+0000 inside would pass for its first part.) */
static bool whole_text(const json_t *value, const char *text)
{
    const char *key;
    json_t *member;
    size_t i;

    if (json_is_string(value))
        return json_string_value(value) != text ||
               json_string_length(value) == strlen(text);
    json_object_foreach((json_t *)value, key, member) {
        if (!whole_text(member, text))
            return false;
    }
    json_array_foreach(value, i, member) {
        if (!whole_text(member, text))
            return false;
    }
    return true;
}

static enum cs_rc map(struct reading *reading, const json_t *record)
{
    struct cs_instance *mapper = reading->read->mapper;
    enum cs_rc rc;

    memset(reading->row, 0, reading->ncolumns * sizeof(*reading->row));
    cs_instance_enter(mapper);
    rc = reading->mapper->map(&mapper->host, record, reading->row);
    return cs_instance_leave(mapper, rc, reading->error);
}

static enum cs_rc take(void *arg, enum cs_op op, const char *cursor,
                       json_t *record)
{
    static const char odd[] = "it holds U+0000 or half a surrogate pair";
    struct reading *reading = arg;
    struct cs_diff *diff = reading->read->diff;
    const struct cs_value *key = &reading->row[diff->normal.key];
    enum cs_rc rc = map(reading, record);
    const char *why = reading->error->text;

    (void)op; /* a listing only knows what is there */
    (void)cursor;
    if (rc < 0 && rc != CS_E_DATA) {
        json_decref(record);
        return rc;
    }
    if (cs_json_has_nul(record)) {
        rc = CS_E_DATA;
        why = odd;
    }
    if (why == odd && (key->state != CS_SET ||
                       !whole_text(record, key->as.text)))
        cs_diff_unkeyed(diff, why);
    else
        cs_diff_arrived(diff, rc, reading->row, why);
    json_decref(record);
    if (reading->read->progress)
        atomic_store(reading->read->progress, diff->counts.read);
    return CS_OK;
}

/* One page, as often as it takes.  The HTTP client has repeated what it could;
 * here are only those that broke off in the middle of their records. */
static enum cs_rc read_page(struct reading *reading, const char *cursor,
                            struct cs_page *page, struct cs_error *error)
{
    struct cs_read *read = reading->read;
    long attempts = cs_settings_number(read->settings, "retry",
                                       "clever_api_max_attempts");
    double base = cs_settings_decimal(read->settings, "retry",
                                      "clever_api_backoff_base");
    size_t want = page->want;
    enum cs_rc rc;

    for (unsigned n = 0;; n++) {
        cs_page_clear(page);
        cs_page_init(page, want);
        page->take = take;
        page->arg = reading;
        cs_diff_page(read->diff);
        rc = cs_source_fetch(read->source,
                             read->mapper->module->ops.mapper.entity, cursor,
                             page, error);
        if (rc == CS_OK)
            return rc;
        cs_diff_forget_page(read->diff);
        if (rc != CS_E_RETRY || page->emitted == 0 || n >= attempts)
            return rc;
        if (!cs_cancel_wait(read->cancel, cs_http_backoff(base, n)))
            return cs_error_set(error, CS_E_CANCELLED,
                                "the deadline passed while a page was to be "
                                "read again");
    }
}

/* Larger pages while answers are quick, smaller ones when they are not. */
static size_t next_size(const struct cs_settings *settings, size_t size,
                        int64_t took)
{
    size_t least = (size_t)cs_settings_number(settings, "sync", "page_size");
    size_t most = (size_t)cs_settings_number(settings, "sync",
                                             "page_size_max");

    if (took < QUICK)
        return size * 2 < most ? size * 2 : most;
    if (took > SLOW)
        return size / 2 > least ? size / 2 : least;
    return size;
}

/* The end of a page, judged: CS_SKIP means that more follow. */
static enum cs_rc judge_end(const struct cs_instance *source,
                            const struct cs_page *page, const char *cursor,
                            struct cs_error *error)
{
    const char *section = source->request.part->section;

    if (page->end == CS_PAGE_DONE)
        return CS_OK;
    if (page->end == CS_PAGE_CUT)
        return cs_error_set(error, CS_E_FATAL,
                            "%s ended a page without saying whether more "
                            "follow; nothing is concluded from it",
                            section);
    if (!page->cursor || (cursor && strcmp(page->cursor, cursor) == 0))
        return cs_error_set(error, CS_E_FATAL,
                            "%s leads back to the page it came from", section);
    return CS_SKIP;
}

enum cs_rc cs_read_listing(struct cs_read *read, struct cs_error *error)
{
    const struct cs_mapper_ops *mapper = &read->mapper->module->ops.mapper;
    struct reading reading = {.read = read,
                              .mapper = mapper,
                              .ncolumns = mapper->entity->ncolumns,
                              .error = error};
    struct cs_page page;
    char *cursor = NULL;
    size_t size =
        (size_t)cs_settings_number(read->settings, "sync", "page_size");
    enum cs_rc rc;

    reading.row = cs_memory_array(reading.ncolumns, sizeof(*reading.row));
    cs_page_init(&page, size);
    do {
        int64_t start = cs_clock_steady();

        page.want = size;
        rc = read_page(&reading, cursor, &page, error);
        if (rc == CS_OK)
            rc = judge_end(read->source, &page, cursor, error);
        free(cursor);
        cursor = cs_memory_text(page.cursor);
        size = next_size(read->settings, size, cs_clock_steady() - start);
    } while (rc == CS_SKIP);
    cs_page_clear(&page);
    free(cursor);
    free(reading.row);
    return rc;
}
