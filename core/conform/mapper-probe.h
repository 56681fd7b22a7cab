/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* What the conformance cases for mappers share: records that are made from what
 * the mapper declares to read.
 *
 * Of a path only its name is known.  What has to be there is found by trying:
 * while the mapper sets the record aside, the field that it names is given
 * another shape. */
#ifndef CS_MAPPER_PROBE_H
#define CS_MAPPER_PROBE_H

#include "conform/probe.h"

enum { CS_SKETCH_PATHS = 64, CS_SKETCH_CELLS = 64, CS_SKETCH_NONE = 1000 };

enum cs_shape { /* in the order in which they are tried */
                CS_SHAPE_TEXT,
                CS_SHAPE_SCHOOL,  /* the scope's school */
                CS_SHAPE_SCHOOLS, /* an array with it */
                CS_SHAPE_TIME,
                CS_SHAPE_NUMBER,
                CS_SHAPE_FLAG,
                CS_SHAPE_TEXTS, /* an array of another text */
                CS_SHAPE_OBJECT,
                CS_SHAPES
};

struct cs_sketch {
    struct cs_probe *probe;
    struct cs_instance *mapper;
    const struct cs_mapper_ops *ops;
    size_t npaths;
    enum cs_shape shapes[CS_SKETCH_PATHS];
    size_t columns[CS_SKETCH_PATHS]; /* which one a path fills as it stands, or
                                   CS_SKETCH_NONE */
    size_t key; /* the path of the key, or CS_SKETCH_NONE */
    size_t key_column;
    enum cs_rc full; /* what the whole record comes to */
    /* What the last record became, and what lies behind it. */
    struct cs_value row[2 * CS_SKETCH_CELLS];
};

/* Opens the mapper and finds out what it takes.  Without a record that becomes
 * a row the case is over. */
void cs_sketch_begin(struct cs_sketch *sketch, struct cs_probe *probe);
/* Another mapper for the same sketch, from now on. */
void cs_sketch_reopen(struct cs_sketch *sketch);

/* A record with all that is read, yours. */
json_t *cs_sketch_record(const struct cs_sketch *sketch);
/* Only the key. */
json_t *cs_sketch_bare(const struct cs_sketch *sketch);
/* Sets what a path leads to; stolen NULL: takes it away. */
void cs_sketch_put(json_t *record, const char *path, json_t *stolen);
/* A full record with this in one place. */
json_t *cs_sketch_with(const struct cs_sketch *sketch, size_t path,
                       json_t *stolen);

/* Fills row; probe->error has the error.  Steals the record. */
enum cs_rc cs_sketch_map(struct cs_sketch *sketch, json_t *stolen);
/* The same, and what came of it as JSON, yours: result, error and cells. */
json_t *cs_sketch_result(struct cs_sketch *sketch, json_t *stolen);
/* Is it CS_OK or CS_MAYBE?  The case is over otherwise. */
bool cs_sketch_takes(struct cs_sketch *sketch, enum cs_rc rc);

/* The topics of the suite. */
extern const struct cs_conform_case cs_conform_mapper_records[];
extern const struct cs_conform_case cs_conform_mapper_fields[];

#endif
