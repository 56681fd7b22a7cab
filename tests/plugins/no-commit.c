/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* A sink that cannot end a transaction. */
#include "plain.h"

static const struct cs_sink_ops ops = {
    .life = {.open = plain_open, .close = plain_close},
    .inspect = plain_inspect,
    .alter = plain_alter,
    .lock = plain_lock,
    .holds = plain_holds,
    .unlock = plain_unlock,
    .scan = plain_scan,
    .begin = plain_begin,
    .apply = plain_apply,
};
CS_SINK_PLUGIN("no-commit", ops, .version = "1.0", .summary = "rows");
