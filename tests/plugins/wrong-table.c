/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* A store whose table of options promises what it does not keep, and whose
 * summary is a story. */
#include "plain.h"

static const struct cs_option wrong_options[] = {
    {"path", CS_OPT_TEXT, "/srv/{school_prefix}", NULL, "no template"},
    {NULL, 0, NULL, NULL, NULL},
};

static const struct cs_credential_ops wrong_ops = {
    .life = {.open = plain_open, .close = plain_close},
    .fetch = plain_secret,
};

CS_CREDENTIAL_PLUGIN("wrong-table", wrong_ops, .version = "1.0",
                     .summary = "a store\nof secrets",
                     .options = wrong_options);
