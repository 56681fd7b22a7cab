/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* Metrics summed up: of all values with the same name, district, school and
 * entity one event is left, with their sum, count, least, greatest and standard
 * deviation.  Nothing here locks. */
#ifndef CS_TALLY_H
#define CS_TALLY_H

#include <jansson.h>
#include <stdbool.h>

#define CS_TALLY_SERIES 10000

struct cs_tally;
struct cs_tally *cs_tally_new(void);
void cs_tally_free(struct cs_tally *tally);

/* An event with name and value; false: there are too many names already. */
bool cs_tally_add(struct cs_tally *tally, const json_t *event);
size_t cs_tally_count(const struct cs_tally *tally);
/* One of those left, yours; NULL: there are none. */
json_t *cs_tally_take(struct cs_tally *tally);

#endif
