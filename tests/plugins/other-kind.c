/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* A source among the mappers. */
#include "plain.h"

static const struct cs_source_ops ops = {
    .life = {.open = plain_open, .close = plain_close},
    .fetch = plain_source,
};
CS_SOURCE_PLUGIN("other-kind", ops, .version = "1.0", .summary = "listings");
