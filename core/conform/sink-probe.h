/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* What the conformance cases for sinks share: two tables, a sink that is
 * opened anew for each case, and calls to it together with what must come of
 * them.  Once the case is over, these calls do nothing. */
#ifndef CS_SINK_PROBE_H
#define CS_SINK_PROBE_H

#include "conform/probe.h"
#include "plugin/sink.h"

/* ---- Tables and rows ----------------------------------------------------- */

enum { GROUP_ID, GROUP_KEY, GROUP_NAME, GROUP_COLUMNS };
extern const struct cs_entity cs_probe_group;

enum {
    PERSON_ID,
    PERSON_KEY,
    PERSON_NAME, /* not null, at most 100 */
    PERSON_MAIL, /* at most 20 */
    PERSON_NOTE, /* without a limit */
    PERSON_AGE,  /* 7 when a row does not say */
    PERSON_ACTIVE,
    PERSON_SEEN,
    PERSON_GROUP, /* refers to the group's identity */
    PERSON_COLUMNS
};
extern const struct cs_entity cs_probe_person;
#define PERSON_MAIL_UNITS 20

#define TEXT(VALUE)                         \
    {                                       \
        .state = CS_SET, .as.text = (VALUE) \
    }
#define NUMBER(VALUE)                          \
    {                                          \
        .state = CS_SET, .as.integer = (VALUE) \
    }
#define FLAG(VALUE)                            \
    {                                          \
        .state = CS_SET, .as.boolean = (VALUE) \
    }
#define NIL              \
    {                    \
        .state = CS_NULL \
    }

/* Rows that differ in their key ("00000", ...), name and age. */
struct cs_crowd {
    size_t n;
    const struct cs_value **rows;
    struct cs_value (*cells)[PERSON_COLUMNS];
    char (*keys)[8];
};
void cs_crowd_make(struct cs_crowd *crowd, size_t n);
void cs_crowd_clear(struct cs_crowd *crowd);

#define BATCH(OP, ENTITY, ROWS, N)                      \
    ((struct cs_batch){.size = sizeof(struct cs_batch), \
                       .op = (OP),                      \
                       .entity = (ENTITY),              \
                       .rows = (ROWS),                  \
                       .nrows = (N)})
#define PEOPLE(OP, ROWS, N) BATCH(OP, &cs_probe_person, ROWS, N)

/* ---- Around a case ------------------------------------------------------- */

/* Opens probe->sink and empties its tables. */
void cs_probe_enter_sink(struct cs_probe *probe);

/* ---- Calls and what must come of them ------------------------------------ */

size_t cs_probe_key(const struct cs_entity *entity); /* its key's column */

void cs_probe_begin(struct cs_probe *probe, struct cs_instance *sink);
void cs_probe_commit(struct cs_probe *probe, struct cs_instance *sink);
void cs_probe_rollback(struct cs_probe *probe, struct cs_instance *sink);

/* Goes in, and reports so many rows as affected. */
void cs_probe_apply(struct cs_probe *probe, struct cs_instance *sink,
                    struct cs_batch batch, size_t affected);
void cs_probe_refuse(struct cs_probe *probe, struct cs_instance *sink,
                     struct cs_batch batch); /* CS_E_DATA */
/* Either; true: it went in. */
bool cs_probe_try(struct cs_probe *probe, struct cs_instance *sink,
                  struct cs_batch batch);
/* One person, who is then affected. */
void cs_probe_put(struct cs_probe *probe, enum cs_op op,
                  const struct cs_value *row);

/* The scan gives exactly these rows, in any order.  Absent cells may be
 * anything; times are the same instant. */
void cs_probe_scan(struct cs_probe *probe, struct cs_instance *sink,
                   const struct cs_entity *entity,
                   const struct cs_filter *filter,
                   const struct cs_value *const *rows, size_t n);
void cs_probe_people(struct cs_probe *probe, struct cs_instance *sink,
                     const struct cs_value *const *rows, size_t n);
/* The same for one person, and for none. */
void cs_probe_person_is(struct cs_probe *probe, const struct cs_value *row);
void cs_probe_nobody(struct cs_probe *probe, struct cs_instance *sink);

void cs_probe_alter(struct cs_probe *probe, enum cs_change change,
                    const struct cs_entity *entity, size_t column);

/* The topics of the suite. */
extern const struct cs_conform_case cs_conform_sink_rows[];
extern const struct cs_conform_case cs_conform_sink_bad[];
extern const struct cs_conform_case cs_conform_sink_values[];
extern const struct cs_conform_case cs_conform_sink_keys[];
extern const struct cs_conform_case cs_conform_sink_scans[];
extern const struct cs_conform_case cs_conform_sink_transactions[];
extern const struct cs_conform_case cs_conform_sink_locks[];
extern const struct cs_conform_case cs_conform_sink_deadlines[];
extern const struct cs_conform_case cs_conform_sink_schema[];
/* All tables that the cases make; NULL ends. */
extern const struct cs_entity *const cs_conform_sink_tables[];

#endif
