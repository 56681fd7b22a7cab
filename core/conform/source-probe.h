/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* What the conformance cases for sources share: reading, page by page, all that
 * a collection or a feed holds. */
#ifndef CS_SOURCE_PROBE_H
#define CS_SOURCE_PROBE_H

#include "conform/probe.h"
#include "plugin/source.h"

#define CS_READING_PAGES 1000 /* no collection of a case has more */

struct cs_reading {
    struct cs_page page; /* first: the host's services are told of it alone */
    struct cs_probe *probe;
    struct cs_instance *source;
    const struct cs_entity *entity; /* NULL: it is a feed */
    size_t want;                    /* of a page */
    size_t stop;     /* refuse the record after so many; 0: none */
    size_t ends;     /* how often the page was ended */
    size_t late;     /* what came after the end, or after a refusal */
    json_t *records; /* an array of {"op", "cursor", "record"} */
    char **cursors;  /* behind each page but the last */
    size_t ncursors;
    char *last; /* cursor with the last page; or NULL */
    enum cs_rc rc;
};

/* Opens the source on the first collection that it serves; without one the case
 * is skipped. */
void cs_reading_begin(struct cs_reading *reading, struct cs_probe *probe);
void cs_reading_end(struct cs_reading *reading);
/* Another instance, nothing read. */
void cs_reading_again(struct cs_reading *reading);

/* One page; reading->page.end says how it ended, probe->error why not. */
enum cs_rc cs_reading_page(struct cs_reading *reading, const char *cursor);
/* All from there to the end: CS_OK only with the last page. */
enum cs_rc cs_reading_all(struct cs_reading *reading, const char *cursor);
/* The same as must be; the case is over if not. */
void cs_reading_whole(struct cs_reading *reading, const char *cursor);

/* Where a feed stands, yours; NULL: the case is over. */
char *cs_reading_mark(struct cs_reading *reading);

/* The topics of the suite. */
extern const struct cs_conform_case cs_conform_source_pages[];
extern const struct cs_conform_case cs_conform_source_feed[];
extern const struct cs_conform_case cs_conform_source_clever[];

#endif
