/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* A mapper as it should be. */
#include "plain.h"

static const struct cs_mapper_ops ops = {&plain_entity, plain_reads, plain_map};
CS_MAPPER_PLUGIN("pupil", ops, .version = "1.2", .summary = "pupils");
