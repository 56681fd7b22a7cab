/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* A source that calls what nobody has. */
#include "plain.h"

enum cs_rc unbound_nowhere(void *self);

static enum cs_rc unbound_fetch(void *self, const struct cs_entity *entity,
                                const char *cursor, struct cs_page *page)
{
    (void)entity;
    (void)cursor;
    (void)page;
    return unbound_nowhere(self);
}

static const struct cs_source_ops ops = {
    .life = {.open = plain_open, .close = plain_close},
    .fetch = unbound_fetch,
};
CS_SOURCE_PLUGIN("unbound", ops, .version = "1.0", .summary = "nothing");
