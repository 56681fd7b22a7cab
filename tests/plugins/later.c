/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* A mapper of the next minor number: it is built with tests/abi/grow.awk's
 * header, in which its kind has one more callback. */
#include "plain.h"

static enum cs_rc later_do(void *self)
{
    (void)self;
    return CS_OK;
}

static const struct cs_mapper_ops ops = {
    .entity = &plain_entity,
    .reads = plain_reads,
    .map = plain_map,
    .later = later_do,
};
CS_MAPPER_PLUGIN("later", ops, .version = "1.0", .summary = "pupils");
