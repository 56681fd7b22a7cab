/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

#include "config.h"

#include "sync/page.h"

#include "base/memory.h"

#include <stdlib.h>

void cs_page_init(struct cs_page *page, size_t want)
{
    *page = (struct cs_page){.want = want};
}

void cs_page_clear(struct cs_page *page)
{
    free(page->cursor);
    page->cursor = NULL;
}

size_t cs_page_want(const struct cs_page *page)
{
    return page->want;
}

enum cs_rc cs_page_emit(struct cs_page *page, enum cs_op op, const char *cursor,
                        json_t *stolen)
{
    if (!stolen || !page->take || page->refused != CS_OK ||
        page->end != CS_PAGE_CUT) {
        json_decref(stolen);
        return CS_E_FATAL; /* what follows the end is on no page */
    }
    page->emitted++;
    page->refused = page->take(page->arg, op, cursor, stolen);
    return page->refused;
}

static enum cs_rc end(struct cs_page *page, enum cs_page_end how,
                      const char *cursor)
{
    if (page->end != CS_PAGE_CUT)
        return CS_E_FATAL; /* a page ends once */
    page->end = how;
    page->cursor = cs_memory_text(cursor);
    return CS_OK;
}

enum cs_rc cs_page_next(struct cs_page *page, const char *cursor)
{
    return cursor ? end(page, CS_PAGE_NEXT, cursor) : CS_E_FATAL;
}

enum cs_rc cs_page_done(struct cs_page *page, const char *cursor)
{
    return end(page, CS_PAGE_DONE, cursor);
}
