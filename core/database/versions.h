/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* What a database should be, as versions that build on one another: those of
 * the core's own tables are written here and never change; the versions of a
 * mapped table are counted by the database, one for each declaration that it
 * has seen. */
#ifndef CS_VERSIONS_H
#define CS_VERSIONS_H

#include "base/digest.h"
#include "database/schema.h"

struct cs_versions_frozen {
    const struct cs_step *steps;
    size_t n;
};

struct cs_versions {
    const char *name; /* "session": its versions are "session-1", ... */
    const struct cs_entity *const *tables; /* as they are to be in the end */
    size_t ntables;
    const struct cs_versions_frozen *frozen; /* [0] is version 1 */
    size_t nfrozen;                          /* 0: a mapped table */
};

extern const struct cs_versions cs_versions_session; /* the session database */
extern const struct cs_versions cs_versions_school;  /* beside people's rows */
/* Of a mapped table, as it is stored; *entity outlives it. */
struct cs_versions cs_versions_mapped(const struct cs_entity *const *entity);

/* All steps that a version may need, in their order; free() the array.  Behind
 * that which makes a table come those which add its columns, for a table that
 * is there may lack any of them. */
size_t cs_versions_steps(const struct cs_versions *versions, size_t number,
                         struct cs_step **steps);
/* Of all that makes a difference in the database. */
void cs_versions_checksum(const struct cs_versions *versions, size_t number,
                          char checksum[CS_DIGEST]);

#endif
