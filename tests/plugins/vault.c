/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* A store of secrets as it should be. */
#include "plain.h"

static const struct cs_credential_ops ops = {
    .life = {.open = plain_open, .close = plain_close},
    .fetch = plain_secret,
};
CS_CREDENTIAL_PLUGIN("vault", ops, .version = "1.0", .summary = "secrets");
