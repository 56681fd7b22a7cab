/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

#include "config.h"
#include "lab/listing.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/memory.h"

#define DEFAULT_LIMIT 100
#define MAX_LIMIT 10000
#define START "000000000000000000000000"

/* A window of rows, in order. */
struct page {
    size_t *rows;
    size_t count;
    bool before, after; /* a link leads on in that direction */
};

/* The first row whose id is not below `id`. */
static size_t lower_bound(const struct cs_lab_listing *listing, const char *id)
{
    size_t low = 0, high = listing->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (strcmp(listing->id(listing, middle), id) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* The first row behind the cursor. */
static size_t behind(const struct cs_lab_listing *listing, const char *cursor)
{
    size_t row = lower_bound(listing, cursor);

    if (row < listing->count && strcmp(listing->id(listing, row), cursor) == 0)
        row++;
    return row;
}

static void forward(const struct cs_lab_listing *listing, size_t start,
                    size_t limit, struct page *page)
{
    for (size_t row = start; row < listing->count; row++) {
        if (!listing->shown(listing, row))
            continue;
        if (page->count == limit) {
            page->after = true;
            return;
        }
        page->rows[page->count++] = row;
    }
}

/* As at Clever a next link follows even when nothing is behind it. */
static void backward(const struct cs_lab_listing *listing, size_t end,
                     size_t limit, struct page *page)
{
    for (size_t row = end; row-- > 0;) {
        if (!listing->shown(listing, row))
            continue;
        if (page->count == limit) {
            page->before = true;
            break;
        }
        page->rows[page->count++] = row;
    }
    for (size_t i = 0; i < page->count / 2; i++) {
        size_t other = page->count - 1 - i, row = page->rows[i];

        page->rows[i] = page->rows[other];
        page->rows[other] = row;
    }
    page->after = page->count > 0;
}

/* 0 when the parameter is none that Clever takes; then it is answered. */
static size_t limit_of(const struct cs_lab_request *request,
                       struct cs_lab_reply *reply)
{
    const char *text = cs_lab_request_param(request, "limit");
    unsigned long long limit = DEFAULT_LIMIT;

    if (text &&
        (!cs_lab_request_number(text, 1000000000, &limit) || limit == 0)) {
        cs_lab_reply_error(reply, 400, "limit must be a positive number");
        return 0;
    }
    if (limit > MAX_LIMIT) {
        cs_lab_reply_error(reply, 413, "limit must not be above 10000");
        return 0;
    }
    return (size_t)limit;
}

size_t cs_lab_listing_page(const struct cs_lab_listing *listing,
                           const struct cs_lab_request *request)
{
    const char *cursor = cs_lab_request_param(request, "starting_after");
    struct cs_lab_reply unused = {0};
    size_t limit = limit_of(request, &unused), passed = 0, start = 0;

    cs_lab_buffer_clear(&unused.body);
    if (cursor)
        start = behind(listing, cursor);
    for (size_t row = 0; row < start; row++)
        passed += listing->shown(listing, row);
    return limit == 0 ? 1 : (passed + limit - 1) / limit + 1;
}

/* --- rows --- */

static void add_row(const struct cs_lab_listing *listing, size_t row,
                    const struct cs_lab_buffer *record, bool hollow,
                    struct cs_lab_buffer *out)
{
    bool wrapped = listing->kind[0] != '\0';

    if (out->text[out->length - 1] != '[')
        cs_lab_buffer_text(out, ",");
    if (!wrapped) {
        cs_lab_buffer_add(out, record->text, record->length);
        return;
    }
    cs_lab_buffer_text(out, "{");
    if (!hollow) {
        cs_lab_buffer_text(out, "\"data\":");
        cs_lab_buffer_add(out, record->text, record->length);
        cs_lab_buffer_text(out, ",");
    }
    cs_lab_buffer_format(out, "\"uri\":\"%.5s/%s/%s\"}", listing->request->path,
                         listing->kind, listing->id(listing, row));
}

static void add_rows(const struct cs_lab_listing *listing,
                     const struct page *page, const struct cs_lab_hits *hits,
                     struct cs_lab_buffer *out)
{
    bool hollow = hits->on[CS_LAB_FAULT_MISSING_INNER];
    struct cs_lab_buffer record = {0};

    for (size_t i = 0; i < page->count; i++) {
        record.length = 0;
        listing->render(listing, page->rows[i], &record);
        if (i == 0)
            cs_lab_fault_bend(hits, &record);
        add_row(listing, page->rows[i], &record, hollow, out);
        if (i == 0 && hits->on[CS_LAB_FAULT_DUPLICATE_ID])
            add_row(listing, page->rows[i], &record, hollow, out);
        if (i == 0 && hits->on[CS_LAB_FAULT_DUPLICATE_DIFFERS]) {
            cs_lab_fault_rename(&record);
            add_row(listing, page->rows[i], &record, hollow, out);
        }
    }
    cs_lab_buffer_clear(&record);
}

/* --- links --- */

static void add_encoded(struct cs_lab_buffer *out, const char *text)
{
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;

        if ((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
            (c >= 'a' && c <= 'z') || c == '_' || c == '-' || c == '.')
            cs_lab_buffer_add(out, text, 1);
        else
            cs_lab_buffer_format(out, "%%%02X", c);
    }
}

/* A relative link that keeps what was asked for, but for the place. */
static void add_link(const struct cs_lab_request *request, const char *rel,
                     const char *host, const char *way, const char *cursor,
                     bool bare, struct cs_lab_buffer *out)
{
    struct cs_lab_buffer uri = {0};
    const char *mark = "?";

    cs_lab_buffer_text(&uri, host);
    cs_lab_buffer_text(&uri, request->path);
    for (size_t i = 0; !bare && i < request->param_count; i++) {
        const char *name = request->params[i].name;

        if (strcmp(name, "starting_after") == 0 ||
            strcmp(name, "ending_before") == 0)
            continue;
        cs_lab_buffer_text(&uri, mark);
        add_encoded(&uri, name);
        cs_lab_buffer_text(&uri, "=");
        add_encoded(&uri, request->params[i].value);
        mark = "&";
    }
    if (cursor)
        cs_lab_buffer_format(&uri, "%s%s=", mark, way);
    if (cursor)
        add_encoded(&uri, cursor);
    cs_lab_buffer_format(out, ",{\"rel\":\"%s\",\"uri\":", rel);
    cs_lab_buffer_quote(out, uri.text, uri.length);
    cs_lab_buffer_text(out, "}");
    cs_lab_buffer_clear(&uri);
}

static void add_next(const struct cs_lab_listing *listing,
                     const struct page *page,
                     const struct cs_lab_request *request,
                     const struct cs_lab_hits *hits, struct cs_lab_buffer *out)
{
    const char *way = "starting_after", *host = "", *cursor;
    bool after = page->after;

    cursor = page->count > 0 ? listing->id(listing, page->rows[page->count - 1])
                             : START;
    if (hits->on[CS_LAB_FAULT_REPEAT_PAGE]) {
        cursor = cs_lab_request_param(request, way);
        after = true;
    }
    if (hits->on[CS_LAB_FAULT_BACKWARD_NEXT]) {
        cursor = START;
        after = true;
    }
    if (hits->on[CS_LAB_FAULT_FOREIGN_NEXT]) {
        host = "http://elsewhere.invalid";
        after = true;
    }
    if (after)
        add_link(request, "next", host, way, cursor,
                 hits->on[CS_LAB_FAULT_BARE_NEXT], out);
}

static void add_links(const struct cs_lab_listing *listing,
                      const struct page *page,
                      const struct cs_lab_request *request,
                      const struct cs_lab_hits *hits, struct cs_lab_buffer *out)
{
    cs_lab_buffer_text(out, "],\"links\":[{\"rel\":\"self\",\"uri\":");
    cs_lab_buffer_quote(out, request->uri, strlen(request->uri));
    cs_lab_buffer_text(out, "}");
    add_next(listing, page, request, hits, out);
    if (page->before && page->count > 0)
        add_link(request, "prev", "", "ending_before",
                 listing->id(listing, page->rows[0]), false, out);
    cs_lab_buffer_text(out, "]}");
}

/* --- answers --- */

static void cut_page(const struct cs_lab_listing *listing,
                     const struct cs_lab_request *request, size_t limit,
                     struct page *page)
{
    const char *after = cs_lab_request_param(request, "starting_after");
    const char *before = cs_lab_request_param(request, "ending_before");

    if (before) {
        size_t end = strcmp(before, "last") == 0 ? listing->count
                                                 : lower_bound(listing, before);

        backward(listing, end, limit, page);
    } else {
        forward(listing, after ? behind(listing, after) : 0, limit, page);
        page->before = after != NULL;
    }
}

void cs_lab_listing_answer(const struct cs_lab_listing *listing,
                           const struct cs_lab_request *request,
                           const struct cs_lab_hits *hits,
                           struct cs_lab_reply *reply)
{
    size_t limit = limit_of(request, reply);
    struct page page = {0};

    if (limit == 0)
        return;
    if (cs_lab_request_param(request, "starting_after") &&
        cs_lab_request_param(request, "ending_before")) {
        cs_lab_reply_error(reply, 400,
                           "starting_after and ending_before exclude each "
                           "other");
        return;
    }
    if (hits->on[CS_LAB_FAULT_SHORT_PAGE] && (size_t)hits->rows < limit)
        limit = hits->rows > 0 ? (size_t)hits->rows : 1;
    page.rows = cs_memory_array(limit, sizeof *page.rows);
    if (!hits->on[CS_LAB_FAULT_EMPTY_LISTING])
        cut_page(listing, request, limit, &page);
    reply->status = 200;
    cs_lab_buffer_text(&reply->body, "{\"data\":[");
    add_rows(listing, &page, hits, &reply->body);
    add_links(listing, &page, request, hits, &reply->body);
    free(page.rows);
}

void cs_lab_listing_one(const struct cs_lab_listing *listing, const char *id,
                        const struct cs_lab_request *request,
                        struct cs_lab_reply *reply)
{
    size_t row = lower_bound(listing, id);

    if (row == listing->count || strcmp(listing->id(listing, row), id) != 0 ||
        !listing->shown(listing, row)) {
        cs_lab_reply_error(reply, 404, "Resource not found");
        return;
    }
    reply->status = 200;
    cs_lab_buffer_text(&reply->body, "{\"data\":");
    listing->render(listing, row, &reply->body);
    cs_lab_buffer_text(&reply->body, ",\"links\":[{\"rel\":\"self\",\"uri\":");
    cs_lab_buffer_quote(&reply->body, request->uri, strlen(request->uri));
    cs_lab_buffer_text(&reply->body, "}]}");
}
