/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* One page of a source: what it emitted goes to a consumer at once. */
#ifndef CS_PAGE_H
#define CS_PAGE_H

#include "base/error.h"

enum cs_page_end { CS_PAGE_CUT = 0, CS_PAGE_NEXT, CS_PAGE_DONE };

struct cs_page {
    /* The consumer; a result other than CS_OK stops the source. */
    enum cs_rc (*take)(void *arg, enum cs_op op, const char *cursor,
                       json_t *stolen);
    void *arg;
    size_t want;
    size_t emitted;
    enum cs_rc refused;   /* what the consumer stopped with */
    enum cs_page_end end; /* what the source said */
    char *cursor;         /* with it; owned; NULL: none */
};

/* The consumer is set afterwards; mark() needs none. */
void cs_page_init(struct cs_page *page, size_t want);
void cs_page_clear(struct cs_page *page);

/* For the host table. */
size_t cs_page_want(const struct cs_page *page);
enum cs_rc cs_page_emit(struct cs_page *page, enum cs_op op, const char *cursor,
                        json_t *stolen);
enum cs_rc cs_page_next(struct cs_page *page, const char *cursor);
enum cs_rc cs_page_done(struct cs_page *page, const char *cursor);

#endif
