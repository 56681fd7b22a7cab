/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* A source that never comes back, and whose cancel() does not, either: as
 * drivers of databases are while the network is away. */
#include "plain.h"

#include <unistd.h>

static void stuck_stay(void)
{
    for (;;)
        pause();
}

static enum cs_rc stuck_fetch(void *self, const struct cs_entity *entity,
                              const char *cursor, struct cs_page *page)
{
    const struct cs_host *host = self;

    (void)entity;
    (void)cursor;
    (void)page;
    cs_log(host, CS_LOG_WARN, "stuck");
    stuck_stay();
    return CS_OK;
}

static enum cs_rc stuck_check(void *self)
{
    const struct cs_host *host = self;

    cs_log(host, CS_LOG_WARN, "stuck");
    stuck_stay();
    return CS_OK;
}

static void stuck_cancel(void *self)
{
    (void)self;
    stuck_stay();
}

static const struct cs_source_ops ops = {
    .life = {.open = plain_open,
             .check = stuck_check,
             .close = plain_close,
             .cancel = stuck_cancel},
    .fetch = stuck_fetch,
};
CS_SOURCE_PLUGIN("stuck", ops, .version = "1.0", .summary = "never ends");
