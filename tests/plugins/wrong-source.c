/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* A source of 25 records in memory, a listing or with WRONG_FEED a feed (1; -1:
 * with cursors that it takes for descending), with a fault that is chosen by an
 * option: each must be found by the conformance cases.  A cursor is the number
 * of the record that it is behind, "r07". */
#include "plain.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WRONG_RECORDS = 25 };

struct wrong {
    const struct cs_host *host;
    bool fetched;
};

static bool wrong_is(const struct cs_host *host, const char *fault)
{
    return strcmp(host->text(host, "fault"), fault) == 0;
}

static enum cs_rc wrong_open(const struct cs_host *host, void **out)
{
    struct wrong *self = calloc(1, sizeof *self);
    self->host = host;
    *out = self;
    return CS_OK;
}

static void wrong_close(void *arg)
{
    free(arg);
}

/* ---- Cursors ------------------------------------------------------------ */

struct wrong_cursor {
    char text[8];
};

static struct wrong_cursor wrong_cursor(int place)
{
    struct wrong_cursor cursor;
    snprintf(cursor.text, sizeof cursor.text, "r%02d", place % 100);
    return cursor;
}

static int wrong_place(const char *cursor) /* -1: it is none */
{
    int place;
    char more;
    if (cursor == NULL)
        return 0;
    return sscanf(cursor, "r%2d%c", &place, &more) == 1 ? place : -1;
}

#ifdef WRONG_FEED
static int wrong_order(const char *cursor, const char *other)
{
    return WRONG_FEED * strcmp(cursor, other);
}

static enum cs_rc wrong_mark(void *arg, struct cs_page *page)
{
    const struct wrong *self = arg;
    int place = WRONG_RECORDS - 2 * wrong_is(self->host, "mark");
    return self->host->done(page, wrong_cursor(place).text);
}
#endif

/* ---- Pages -------------------------------------------------------------- */

static bool wrong_lists(const struct wrong *self,
                        const struct cs_entity *entity)
{
    return entity == NULL || strcmp(entity->collection, "students") == 0 ||
           strcmp(entity->collection, "teachers") == 0 ||
           wrong_is(self->host, "generous");
}

static enum cs_rc wrong_emit(const struct wrong *self, struct cs_page *page,
                             const struct cs_entity *entity, int place)
{
    struct wrong_cursor cursor = wrong_cursor(place);
    bool told = entity == NULL || wrong_is(self->host, "cursors");
    return self->host->emit(page, CS_UPSERT, told ? cursor.text : NULL,
                            json_pack("{s:s}", "id", cursor.text));
}

/* Behind the page that ends with `place`. */
static enum cs_rc wrong_end(const struct wrong *self, struct cs_page *page,
                            const struct cs_entity *entity, int place)
{
    const struct cs_host *host = self->host;
    enum cs_rc rc;
    if (place < WRONG_RECORDS) {
        rc = host->next(page, wrong_cursor(place).text);
    } else {
        int last = WRONG_RECORDS - 2 * wrong_is(host, "early");
        rc = host->done(page, entity ? NULL : wrong_cursor(last).text);
    }
    if (wrong_is(host, "twice"))
        host->done(page, NULL);
    return rc;
}

static enum cs_rc wrong_fetch(void *arg, const struct cs_entity *entity,
                              const char *cursor, struct cs_page *page)
{
    struct wrong *self = arg;
    const struct cs_host *host = self->host;
    int place = wrong_place(cursor), want = (int)host->want(page);
    if (place < 0 && !wrong_is(host, "trusts"))
        return cs_fail(host, CS_E_CURSOR, "the cursor is none");
    if (!wrong_lists(self, entity))
        return cs_fail(host, CS_E_CONFIG, "there is no such collection");
    if (place < 0)
        place = 0;
    if (wrong_is(host, "loses") && !self->fetched && cursor != NULL)
        place++;
    if (wrong_is(host, "greedy") && want == 2)
        place++;
    self->fetched = true;
    for (int i = 0; i < want && place < WRONG_RECORDS; i++) {
        enum cs_rc rc = wrong_emit(self, page, entity, ++place);
        if (rc != CS_OK && !wrong_is(host, "deaf"))
            return rc;
    }
    return wrong_end(self, page, entity, place);
}

static const struct cs_option wrong_options[] = {
    {"fault", CS_OPT_TEXT, "none", NULL, "what goes wrong"},
    {NULL, 0, NULL, NULL, NULL},
};

static const struct cs_source_ops wrong_ops = {
    .life = {.open = wrong_open, .close = wrong_close},
#ifdef WRONG_FEED
    .delta = true,
    .mark = wrong_mark,
    .order = wrong_order,
#endif
    .fetch = wrong_fetch,
};

CS_SOURCE_PLUGIN(WRONG_SOURCE, wrong_ops, .version = "1.0",
                 .summary = "a source with a fault", .options = wrong_options);
