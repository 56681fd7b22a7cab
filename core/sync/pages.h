/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* Reading page after page from a source, to its end or not at all. */
#ifndef CS_PAGES_H
#define CS_PAGES_H

#include "plugin/source.h"

struct cs_pages {
    const struct cs_settings *settings;
    struct cs_instance *source;
    const struct cs_entity *entity; /* NULL for a feed */
    struct cs_cancel *cancel;
    size_t most; /* records; more of them are an error; 0: no limit */

    /* The consumer.  begin(): what comes now is one page.  forget(): the page
     * broke off, so what take() got since begin() is void. */
    enum cs_rc (*take)(void *arg, enum cs_op op, const char *cursor,
                       json_t *stolen);
    void (*begin)(void *arg);
    void (*forget)(void *arg);
    void *arg;
};

/* From `cursor` (NULL: the start) until the source says that it was all.
 * Pages that broke off after some records are read again as [retry] says; the
 * HTTP client has repeated everything else.  Page sizes grow while answers are
 * quick.  end, unless NULL: where a feed continues; yours. */
enum cs_rc cs_pages_read(struct cs_pages *pages, const char *cursor, char **end,
                         struct cs_error *error);

#endif
