/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* A sink as it should be, with an option of each type. */
#include "plain.h"

static const struct cs_option options[] = {
    {"path", CS_OPT_TEXT | CS_OPT_TEMPLATE, NULL, NULL, "where rows go"},
    {"rows", CS_OPT_NUMBER, "10", "1..100", "rows at once"},
    {"sync", CS_OPT_FLAG, "true", NULL, "wait for the disk"},
    {"login", CS_OPT_SECRET | CS_OPT_TEMPLATE | CS_OPT_OPTIONAL, NULL, NULL,
     "who we are"},
    {"speed", CS_OPT_TEXT, "fast", "fast slow", "how fast"},
    {NULL, 0, NULL, NULL, NULL},
};
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
    .commit = plain_begin,
    .rollback = plain_close,
};
CS_SINK_PLUGIN("store", ops, .version = "1.0", .summary = "rows",
               .options = options);
