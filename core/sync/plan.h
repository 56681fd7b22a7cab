/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* What a dry run shows: the changes of one entity of one school, by key. */
#ifndef CS_PLAN_H
#define CS_PLAN_H

#include "sync/diff.h"
#include "sync/write.h"

struct cs_plan {
    char *text;      /* a line a change; owned */
    json_t *changes; /* an array; owned; never values */
};

/* Looks up the old values of what would be updated, to name the columns. */
enum cs_rc cs_plan_make(struct cs_plan *plan, const struct cs_diff *diff,
                        struct cs_instance *sink, enum cs_write_leavers leavers,
                        const struct cs_keys *only, bool show_values,
                        struct cs_error *error);
void cs_plan_clear(struct cs_plan *plan);

#endif
