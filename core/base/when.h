/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* Points in time as people type them; all in UTC. */
#ifndef CS_WHEN_H
#define CS_WHEN_H

#include <stdbool.h>
#include <stdint.h>

/* "90d" or "90": so many days, from 1 on. */
bool cs_when_days(const char *text, long *days);
/* "90d", "12h": so long ago; "2026-01-31"; or a time as cs_clock_parse() takes
 * it. */
bool cs_when_parse(const char *text, int64_t *time);

#endif
