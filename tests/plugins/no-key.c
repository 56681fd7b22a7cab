/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* A mapper whose table has no key. */
#include "plain.h"

static const struct cs_column columns[] = {
    {"FirstName", CS_TEXT, 100, CS_CUT, NULL, NULL},
};
static const struct cs_entity entity = {"pupil", "students", "Pupils", columns,
                                        1};
static const struct cs_mapper_ops ops = {&entity, plain_reads, plain_map};
CS_MAPPER_PLUGIN("no-key", ops, .version = "1.0", .summary = "pupils");
