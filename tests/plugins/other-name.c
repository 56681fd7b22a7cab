/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* A mapper whose file was renamed. */
#include "plain.h"

static const struct cs_mapper_ops ops = {&plain_entity, plain_reads, plain_map};
PLAIN_DESCRIPTOR(.abi_major = CS_ABI_MAJOR, .abi_minor = CS_ABI_MINOR,
                 .size = sizeof(struct cs_plugin),
                 .ops_size = sizeof(struct cs_mapper_ops), .kind = CS_MAPPER,
                 .name = "pupil", .version = "1.0", .summary = "pupils",
                 .ops = &ops);
