/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* A store whose option has a default that it does not allow. */
#include "plain.h"

static const struct cs_option options[] = {
    {"rows", CS_OPT_NUMBER, "ten", "1..100", "rows at once"},
    {NULL, 0, NULL, NULL, NULL},
};
static const struct cs_credential_ops ops = {
    .life = {.open = plain_open, .close = plain_close},
    .fetch = plain_secret,
};
CS_CREDENTIAL_PLUGIN("bad-option", ops, .version = "1.0", .summary = "secrets",
                     .options = options);
