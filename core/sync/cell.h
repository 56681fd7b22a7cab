/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* Cells of rows, to and from what the core computes with. */
#ifndef CS_CELL_H
#define CS_CELL_H

#include "base/clock.h"

#include <cleversync/plugin.h>

struct cs_value cs_cell_of_text(const char *text); /* borrowed; NULL: null */
struct cs_value cs_cell_of_integer(int64_t integer);
struct cs_value cs_cell_of_flag(bool flag);
/* The text is kept in `room`; time 0: null. */
struct cs_value cs_cell_of_time(int64_t time, char room[CS_CLOCK_ISO]);

const char *cs_cell_text(const struct cs_value *cell); /* NULL when not set */
int64_t cs_cell_integer(const struct cs_value *cell);  /* 0 when not set */
bool cs_cell_flag(const struct cs_value *cell, bool otherwise);
int64_t cs_cell_time(const struct cs_value *cell); /* 0: not set, no time */

#endif
