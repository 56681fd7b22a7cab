/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* One record through a mapper, and what only the core can see about it. */
#ifndef CS_MAP_H
#define CS_MAP_H

#include "plugin/instance.h"

struct cs_map {
    struct cs_instance *mapper;
    size_t key;           /* which of the mapper's columns is the key */
    struct cs_value *row; /* what the last record became; owned */
    const char *why;      /* with CS_E_DATA */
    struct cs_error error;
};

void cs_map_init(struct cs_map *map, struct cs_instance *mapper);
void cs_map_clear(struct cs_map *map);

/* What the mapper says (CS_OK, CS_SKIP, CS_LEFT, CS_MAYBE), CS_E_DATA for a
 * record to be set aside, or another error, which ends the reading.  Cells may
 * point into the record.  keyed: the key in row can be trusted. */
enum cs_rc cs_map_record(struct cs_map *map, const json_t *record, bool *keyed);

#endif
