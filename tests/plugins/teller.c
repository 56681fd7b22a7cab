/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* A notifier as it should be. */
#include "plain.h"

static enum cs_rc teller_notify(void *self, struct cs_news *news)
{
    (void)self;
    (void)news;
    return CS_OK;
}

static const struct cs_notifier_ops ops = {
    .life = {.open = plain_open, .close = plain_close},
    .notify = teller_notify,
};
CS_NOTIFIER_PLUGIN("teller", ops, .version = "1.0", .summary = "news");
