/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

#include "config.h"

#include "sync/pages.h"

#include "http/http.h"
#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

/* A page that took less is no strain, one that took more is. */
#define QUICK (CS_SECOND)
#define SLOW (5 * CS_SECOND)

static enum cs_rc read_page(struct cs_pages *pages, const char *cursor,
                            size_t want, struct cs_page *page,
                            struct cs_error *error)
{
    long attempts =
        cs_settings_number(pages->settings, "retry", "clever_api_max_attempts");
    double base = cs_settings_decimal(pages->settings, "retry",
                                      "clever_api_backoff_base");
    enum cs_rc rc;

    for (unsigned n = 0;; n++) {
        cs_page_clear(page);
        cs_page_init(page, want);
        page->take = pages->take;
        page->arg = pages->arg;
        pages->begin(pages->arg);
        rc = cs_source_fetch(pages->source, pages->entity, cursor, page, error);
        if (rc == CS_OK)
            return rc;
        pages->forget(pages->arg);
        if (rc != CS_E_RETRY || page->emitted == 0 || n >= attempts)
            return rc;
        if (!cs_cancel_wait(pages->cancel, cs_http_backoff(base, n)))
            return cs_error_set(error, CS_E_CANCELLED,
                                "the deadline passed while a page was to be "
                                "read again");
    }
}

static size_t next_size(const struct cs_settings *settings, size_t size,
                        int64_t took)
{
    size_t least = (size_t)cs_settings_number(settings, "sync", "page_size");
    size_t most = (size_t)cs_settings_number(settings, "sync", "page_size_max");

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

enum cs_rc cs_pages_read(struct cs_pages *pages, const char *cursor, char **end,
                         struct cs_error *error)
{
    size_t size =
        (size_t)cs_settings_number(pages->settings, "sync", "page_size");
    char *at = cs_memory_text(cursor);
    size_t records = 0;
    struct cs_page page;
    enum cs_rc rc;

    cs_page_init(&page, size);
    do {
        int64_t start = cs_clock_steady();

        rc = read_page(pages, at, size, &page, error);
        if (rc == CS_OK)
            rc = judge_end(pages->source, &page, at, error);
        records += page.emitted;
        if (rc >= 0 && pages->most && records > pages->most)
            rc =
                cs_error_set(error, CS_E_FATAL,
                             "%s gives more than %zu records; that many are "
                             "not taken in",
                             pages->source->request.part->section, pages->most);
        free(at);
        at = cs_memory_text(page.cursor);
        size = next_size(pages->settings, size, cs_clock_steady() - start);
    } while (rc == CS_SKIP);
    cs_page_clear(&page);
    if (rc == CS_OK && end)
        *end = at;
    else
        free(at);
    return rc;
}
