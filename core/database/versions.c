/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

#include "config.h"

#include "database/versions.h"

#include "base/memory.h"

#include <stdlib.h>

#define LENGTH(ARRAY) (sizeof(ARRAY) / sizeof((ARRAY)[0]))

/* ---- The core's own ----------------------------------------------------- */

/* What was applied anywhere is never changed again; a test knows the checksums.
 * The day a column becomes another one, its table's former declaration has to
 * be kept for the versions before. */

#define STEP(CHANGE, ENTITY, COLUMN)                                         \
    {                                                                        \
        .size = sizeof(struct cs_step), .change = CHANGE, .entity = &ENTITY, \
        .column = COLUMN                                                     \
    }

/* The tables of the system that may be there already, without our columns. */
static const struct cs_step session_1[] = {
    STEP(CS_CREATE_TABLE, cs_schema_district, 0),
    STEP(CS_CREATE_TABLE, cs_schema_school_1, 0),
    STEP(CS_CREATE_TABLE, cs_schema_history_1, 0),
};

static const struct cs_step session_2[] = {
    STEP(CS_ADD_COLUMN, cs_schema_school, CS_SCHOOL_REQUIRES_FULL),
    STEP(CS_ADD_COLUMN, cs_schema_history, CS_HISTORY_RUN),
    STEP(CS_ADD_COLUMN, cs_schema_history, CS_HISTORY_INSERTED),
    STEP(CS_ADD_COLUMN, cs_schema_history, CS_HISTORY_DELETED),
    STEP(CS_ADD_COLUMN, cs_schema_history, CS_HISTORY_KEY),
    STEP(CS_CREATE_TABLE, cs_schema_reject, 0),
    STEP(CS_CREATE_TABLE, cs_schema_hold, 0),
};

static const struct cs_step session_3[] = {
    STEP(CS_CREATE_TABLE, cs_schema_changes, 0),
    STEP(CS_CREATE_TABLE, cs_schema_schedule, 0),
};

static const struct cs_versions_frozen session[] = {
    {session_1, LENGTH(session_1)},
    {session_2, LENGTH(session_2)},
    {session_3, LENGTH(session_3)},
};

static const struct cs_entity *const session_tables[] = {
    &cs_schema_district, &cs_schema_school, &cs_schema_history,
    &cs_schema_reject,   &cs_schema_hold,   &cs_schema_changes,
    &cs_schema_schedule,
};

const struct cs_versions cs_versions_session = {
    .name = "session",
    .tables = session_tables,
    .ntables = LENGTH(session_tables),
    .frozen = session,
    .nfrozen = LENGTH(session),
};

static const struct cs_step school_1[] = {
    STEP(CS_CREATE_TABLE, cs_schema_state, 0),
};

static const struct cs_versions_frozen school[] = {
    {school_1, LENGTH(school_1)},
};

static const struct cs_entity *const school_tables[] = {&cs_schema_state};

const struct cs_versions cs_versions_school = {
    .name = "school",
    .tables = school_tables,
    .ntables = LENGTH(school_tables),
    .frozen = school,
    .nfrozen = LENGTH(school),
};

/* ---- Mapped tables ------------------------------------------------------ */

struct cs_versions cs_versions_mapped(const struct cs_entity *const *entity)
{
    return (struct cs_versions){
        .name = (*entity)->table,
        .tables = entity,
        .ntables = 1,
    };
}

/* ---- Steps -------------------------------------------------------------- */

struct steps {
    struct cs_step *step;
    size_t n;
};

static void take(struct steps *steps, struct cs_step step)
{
    steps->step =
        cs_memory_grow(steps->step, steps->n + 1, sizeof(*steps->step));
    steps->step[steps->n++] = step;
}

/* The table, or what it lacks: lengths stay, the shorter one wins. */
static void take_table(struct steps *steps, const struct cs_entity *entity)
{
    struct cs_step step = STEP(CS_CREATE_TABLE, *entity, 0);

    take(steps, step);
    step.change = CS_ADD_COLUMN;
    for (; step.column < entity->ncolumns; step.column++)
        take(steps, step);
}

static void take_indexes(struct steps *steps, const struct cs_entity *entity)
{
    struct cs_step step = STEP(CS_ADD_INDEX, *entity, 0);

    for (; step.column < entity->ncolumns; step.column++)
        if (entity->columns[step.column].flags & CS_INDEX)
            take(steps, step);
}

size_t cs_versions_steps(const struct cs_versions *versions, size_t number,
                         struct cs_step **list)
{
    struct steps steps = {0};

    if (versions->nfrozen == 0) {
        take_table(&steps, versions->tables[0]);
        take_indexes(&steps, versions->tables[0]);
    } else {
        const struct cs_versions_frozen *frozen = &versions->frozen[number - 1];

        for (size_t i = 0; i < frozen->n; i++)
            if (frozen->steps[i].change == CS_CREATE_TABLE)
                take_table(&steps, frozen->steps[i].entity);
            else
                take(&steps, frozen->steps[i]);
    }
    *list = steps.step;
    return steps.n;
}

/* ---- Checksums ---------------------------------------------------------- */

/* Of the flags only those that a table is made of. */
enum { MADE_OF = CS_KEY | CS_NOT_NULL | CS_AUTO | CS_INDEX };

static void add(char **text, char *more) /* takes `more` */
{
    char *whole = cs_memory_format("%s%s", *text, more);

    free(more);
    free(*text);
    *text = whole;
}

static void add_column(char **text, const struct cs_column *column)
{
    add(text, cs_memory_format(
                  "column %s %d %u %u %s %s\n", column->name, (int)column->type,
                  column->length, column->flags & MADE_OF,
                  column->references != NULL ? column->references : "-",
                  column->fallback != NULL ? column->fallback : "-"));
}

static void add_table(char **text, const struct cs_entity *entity)
{
    add(text, cs_memory_format("table %s\n", entity->table));
    for (size_t i = 0; i < entity->ncolumns; i++)
        add_column(text, &entity->columns[i]);
}

static void add_step(char **text, const struct cs_step *step)
{
    if (step->change == CS_CREATE_TABLE) {
        add_table(text, step->entity);
    } else {
        add(text, cs_memory_format("change %d of table %s\n", (int)step->change,
                                   step->entity->table));
        add_column(text, &step->entity->columns[step->column]);
    }
}

void cs_versions_checksum(const struct cs_versions *versions, size_t number,
                          char checksum[CS_DIGEST])
{
    char *text = cs_memory_text("");

    if (versions->nfrozen == 0) {
        add_table(&text, versions->tables[0]);
    } else {
        const struct cs_versions_frozen *frozen = &versions->frozen[number - 1];

        for (size_t i = 0; i < frozen->n; i++)
            add_step(&text, &frozen->steps[i]);
    }
    cs_digest_text(text, checksum);
    free(text);
}
