/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* A mapper whose descriptor ends too early. */
#include "plain.h"

static const struct cs_mapper_ops ops = {&plain_entity, plain_reads, plain_map};
PLAIN_DESCRIPTOR(.abi_major = CS_ABI_MAJOR, .abi_minor = CS_ABI_MINOR,
                 .size = 16, .ops_size = sizeof(struct cs_mapper_ops),
                 .kind = CS_MAPPER, .name = "small", .version = "1.0",
                 .summary = "pupils", .ops = &ops);
