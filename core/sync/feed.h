/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* The feeds of changes, each read once in a run for all schools and entities
 * of its district.
 *
 * The first who asks reads, from the oldest cursor that anybody is known to
 * need; the others wait and share what was read. */
#ifndef CS_FEED_H
#define CS_FEED_H

#include "app.h"
#include "plugin/instance.h"

struct cs_feed_record {
    char *cursor;
    enum cs_op op;
    json_t *record; /* shared by threads: only to be looked at */
};

struct cs_feed { /* one reading; lives until cs_feed_free_all() */
    struct cs_feed *older;
    char *start; /* it holds what came after this */
    char *end;   /* where it continues next time */
    struct cs_feed_record *records;
    size_t n;
};

struct cs_feeds;

struct cs_feeds *cs_feed_new_all(struct cs_app *app);
void cs_feed_free_all(struct cs_feeds *feeds); /* NULL: nothing */

/* Before reading begins: somebody in this district continues from here. */
void cs_feed_hint(struct cs_feeds *feeds, const char *district_id,
                  const char *cursor);

/* A reading that holds everything after `cursor`.  CS_E_CURSOR: it is no
 * longer served; CS_E_NOT_HERE: there is no such feed.  An error is given to
 * all who ask, without asking the service again. */
enum cs_rc cs_feed_read(struct cs_feeds *feeds, const struct cs_part *delta,
                        const struct cs_whom *whom, const char *cursor,
                        const struct cs_feed **feed, struct cs_error *error);

/* Which of two cursors of this feed is the older one; as strcmp. */
int cs_feed_order(const struct cs_part *delta, const char *cursor,
                  const char *other);

#endif
