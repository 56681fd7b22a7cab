/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* A mapper with more callbacks than its interface has. */
#include "plain.h"

static const struct {
    struct cs_mapper_ops ops;
    void (*more)(void);
} more = {{&plain_entity, plain_reads, plain_map}, NULL};
PLAIN_DESCRIPTOR(.abi_major = CS_ABI_MAJOR, .abi_minor = CS_ABI_MINOR,
                 .size = sizeof(struct cs_plugin), .ops_size = sizeof(more),
                 .kind = CS_MAPPER, .name = "many-ops", .version = "1.0",
                 .summary = "pupils", .ops = &more);
