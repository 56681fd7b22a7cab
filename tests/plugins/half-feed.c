/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* A source of changes that cannot say where it is. */
#include "plain.h"

static const struct cs_source_ops ops = {
    .life = {.open = plain_open, .close = plain_close},
    .delta = true,
    .fetch = plain_source,
};
CS_SOURCE_PLUGIN("half-feed", ops, .version = "1.0", .summary = "changes");
