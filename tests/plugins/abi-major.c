/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* A mapper for an interface to come. */
#include "plain.h"

static const struct cs_mapper_ops ops = {&plain_entity, plain_reads, plain_map};
PLAIN_DESCRIPTOR(.abi_major = CS_ABI_MAJOR + 1, .abi_minor = 0,
                 .size = sizeof(struct cs_plugin),
                 .ops_size = sizeof(struct cs_mapper_ops), .kind = CS_MAPPER,
                 .name = "abi-major", .version = "1.0", .summary = "pupils",
                 .ops = &ops);
