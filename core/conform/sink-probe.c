/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

#include "config.h"

#include "conform/sink-probe.h"

#include "base/memory.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- Tables and rows ----------------------------------------------------- */

static const struct cs_column group_columns[GROUP_COLUMNS] = {
    [GROUP_ID] = {.name = "GroupId", .type = CS_INT, .flags = CS_AUTO},
    [GROUP_KEY] = {.name = "GroupKey",
                   .type = CS_TEXT,
                   .length = 50,
                   .flags = CS_KEY},
    [GROUP_NAME] = {.name = "GroupName", .type = CS_TEXT, .length = 50},
};
const struct cs_entity cs_probe_group = {
    .name = "group",
    .collection = "groups",
    .table = "ConformGroups",
    .columns = group_columns,
    .ncolumns = GROUP_COLUMNS,
};

static const struct cs_column person_columns[PERSON_COLUMNS] = {
    [PERSON_ID] = {.name = "PersonId", .type = CS_INT, .flags = CS_AUTO},
    [PERSON_KEY] = {.name = "PersonKey",
                    .type = CS_TEXT,
                    .length = 50,
                    .flags = CS_KEY},
    [PERSON_NAME] = {.name = "PersonName",
                     .type = CS_TEXT,
                     .length = 100,
                     .flags = CS_NOT_NULL | CS_CUT},
    [PERSON_MAIL] = {.name = "Mail",
                     .type = CS_TEXT,
                     .length = PERSON_MAIL_UNITS},
    [PERSON_NOTE] = {.name = "Note", .type = CS_TEXT},
    [PERSON_AGE] = {.name = "Age", .type = CS_INT, .fallback = "7"},
    [PERSON_ACTIVE] = {.name = "IsActive",
                       .type = CS_BOOL,
                       .flags = CS_NOT_NULL,
                       .fallback = "1"},
    [PERSON_SEEN] = {.name = "Seen", .type = CS_TIME},
    [PERSON_GROUP] = {.name = "GroupId",
                      .type = CS_INT,
                      .flags = CS_INDEX,
                      .references = "ConformGroups.GroupId"},
};
const struct cs_entity cs_probe_person = {
    .name = "person",
    .collection = "people",
    .table = "ConformPeople",
    .columns = person_columns,
    .ncolumns = PERSON_COLUMNS,
};

void cs_crowd_make(struct cs_crowd *crowd, size_t n)
{
    crowd->n = n;
    crowd->rows = cs_memory_array(n, sizeof(*crowd->rows));
    crowd->cells = cs_memory_array(n, sizeof(*crowd->cells));
    crowd->keys = cs_memory_array(n, sizeof(*crowd->keys));
    for (size_t i = 0; i < n; i++) {
        struct cs_value *row = crowd->cells[i];

        snprintf(crowd->keys[i], sizeof(crowd->keys[i]), "%05u",
                 (unsigned)(i % 100000));
        row[PERSON_KEY] = (struct cs_value)TEXT(crowd->keys[i]);
        row[PERSON_NAME] = row[PERSON_KEY];
        row[PERSON_AGE] = (struct cs_value)NUMBER((int64_t)i);
        crowd->rows[i] = row;
    }
}

void cs_crowd_clear(struct cs_crowd *crowd)
{
    free(crowd->rows);
    free(crowd->cells);
    free(crowd->keys);
}

/* ---- Sentences ----------------------------------------------------------- */

enum { CELL_TEXT = 24, CELL_SPACE = 160 };

/* What was stored by a case, so that each byte can be told. */
static void describe_text(const char *value, char text[CELL_SPACE])
{
    size_t length = strlen(value), used = 1;

    text[0] = '"';
    for (size_t i = 0; i < length && i < CELL_TEXT; i++) {
        unsigned char byte = (unsigned char)value[i];
        bool plain = byte >= ' ' && byte < 0x7F && byte != '"' && byte != '\\';

        used += (size_t)snprintf(text + used, CELL_SPACE - used,
                                 plain ? "%c" : "\\x%02X", byte);
    }
    snprintf(text + used, CELL_SPACE - used, "%s\" (%zu bytes)",
             length > CELL_TEXT ? "..." : "", length);
}

static void describe(enum cs_type type, const struct cs_value *cell,
                     char text[CELL_SPACE])
{
    if (cell->state != CS_SET)
        snprintf(text, CELL_SPACE, cell->state == CS_NULL ? "null" : "nothing");
    else if (type == CS_BOOL)
        snprintf(text, CELL_SPACE, cell->as.boolean ? "true" : "false");
    else if (type == CS_INT)
        snprintf(text, CELL_SPACE, "%" PRId64, cell->as.integer);
    else if (!cell->as.text)
        snprintf(text, CELL_SPACE, "a null pointer");
    else
        describe_text(cell->as.text, text);
}

/* ---- Cells --------------------------------------------------------------- */

/* The same instant, to the microsecond, which servers may round. */
static bool same_time(const char *want, const char *got)
{
    size_t length = strlen(got);
    int64_t one, other;

    return length > 11 && got[10] == 'T' && got[length - 1] == 'Z' &&
           cs_clock_parse(want, &one) && cs_clock_parse(got, &other) &&
           one - other <= 1 && other - one <= 1;
}

static bool same(enum cs_type type, const struct cs_value *want,
                 const struct cs_value *got)
{
    if (want->state == CS_ABSENT)
        return true;
    if (got->state != want->state)
        return false;
    if (got->state == CS_NULL)
        return true;
    if (type == CS_BOOL)
        return got->as.boolean == want->as.boolean;
    if (type == CS_INT)
        return got->as.integer == want->as.integer;
    if (!got->as.text)
        return false;
    return type == CS_TIME ? same_time(want->as.text, got->as.text)
                           : strcmp(want->as.text, got->as.text) == 0;
}

static void compare(struct cs_probe *probe, const struct cs_entity *entity,
                    const struct cs_value *want, const struct cs_value *got)
{
    char expected[CELL_SPACE], found[CELL_SPACE];

    for (size_t i = 0; i < entity->ncolumns; i++) {
        enum cs_type type = entity->columns[i].type;

        if (same(type, &want[i], &got[i]))
            continue;
        describe(type, &want[i], expected);
        describe(type, &got[i], found);
        cs_conform_fail(probe->conform, "column %s: expected %s, got %s",
                        entity->columns[i].name, expected, found);
        return;
    }
}

/* ---- Calls --------------------------------------------------------------- */

size_t cs_probe_key(const struct cs_entity *entity)
{
    size_t i = 0;

    while (!(entity->columns[i].flags & CS_KEY))
        i++;
    return i;
}

void cs_probe_begin(struct cs_probe *probe, struct cs_instance *sink)
{
    if (!cs_conform_over(probe->conform))
        cs_probe_wants(probe, "begin", cs_sink_begin(sink, &probe->error),
                       CS_OK);
}

void cs_probe_commit(struct cs_probe *probe, struct cs_instance *sink)
{
    if (!cs_conform_over(probe->conform))
        cs_probe_wants(probe, "commit", cs_sink_commit(sink, &probe->error),
                       CS_OK);
}

void cs_probe_rollback(struct cs_probe *probe, struct cs_instance *sink)
{
    if (!cs_conform_over(probe->conform))
        cs_sink_rollback(sink);
}

static void name_call(const struct cs_batch *batch, char call[CELL_SPACE])
{
    snprintf(call, CELL_SPACE, "%s of %zu row%s",
             batch->op == CS_INSERT   ? "insert"
             : batch->op == CS_UPDATE ? "update"
                                      : "delete",
             batch->nrows, batch->nrows == 1 ? "" : "s");
}

/* In a batch of deletes only the keys are set. */
static enum cs_rc apply(struct cs_probe *probe, struct cs_instance *sink,
                        struct cs_batch *batch)
{
    size_t columns = batch->entity->ncolumns, key = cs_probe_key(batch->entity);
    const struct cs_value *const *rows = batch->rows;
    const struct cs_value **bare;
    struct cs_value *cells;
    enum cs_rc rc;

    if (batch->op != CS_DELETE)
        return cs_sink_apply(sink, batch, &probe->error);
    cells = cs_memory_array(batch->nrows * columns + 1, sizeof(*cells));
    bare = cs_memory_array(batch->nrows + 1, sizeof(*bare));
    for (size_t i = 0; i < batch->nrows; i++) {
        bare[i] = &cells[i * columns];
        cells[i * columns + key] = rows[i][key];
    }
    batch->rows = bare;
    rc = cs_sink_apply(sink, batch, &probe->error);
    batch->rows = rows;
    free(bare);
    free(cells);
    return rc;
}

void cs_probe_apply(struct cs_probe *probe, struct cs_instance *sink,
                    struct cs_batch batch, size_t affected)
{
    char call[CELL_SPACE];

    if (cs_conform_over(probe->conform))
        return;
    name_call(&batch, call);
    cs_probe_wants(probe, call, apply(probe, sink, &batch), CS_OK);
    if (batch.affected != affected)
        cs_conform_fail(probe->conform, "%s: expected %zu affected, got %zu",
                        call, affected, batch.affected);
}

void cs_probe_refuse(struct cs_probe *probe, struct cs_instance *sink,
                     struct cs_batch batch)
{
    char call[CELL_SPACE];

    if (cs_conform_over(probe->conform))
        return;
    name_call(&batch, call);
    cs_probe_wants(probe, call, apply(probe, sink, &batch), CS_E_DATA);
}

bool cs_probe_try(struct cs_probe *probe, struct cs_instance *sink,
                  struct cs_batch batch)
{
    char call[CELL_SPACE];
    enum cs_rc rc;

    if (cs_conform_over(probe->conform))
        return false;
    rc = apply(probe, sink, &batch);
    if (rc == CS_OK)
        return true;
    name_call(&batch, call);
    cs_probe_wants(probe, call, rc, CS_E_DATA);
    return false;
}

void cs_probe_put(struct cs_probe *probe, enum cs_op op,
                  const struct cs_value *row)
{
    cs_probe_apply(probe, probe->sink, PEOPLE(op, &row, 1), 1);
}

/* ---- What is stored ------------------------------------------------------ */

struct expected {
    struct cs_probe *probe;
    const struct cs_entity *entity;
    const struct cs_value *const *rows;
    size_t n, found;
    size_t next; /* rows often come in the order that they went in */
    bool *seen;
};

static enum cs_rc expect_row(void *arg, const struct cs_value *row)
{
    struct expected *all = arg;
    const struct cs_value *got = &row[cs_probe_key(all->entity)];
    char key[CELL_SPACE];

    for (size_t i = 0; i < all->n; i++) {
        size_t at = (all->next + i) % all->n;
        const struct cs_value *want = &all->rows[at][cs_probe_key(all->entity)];

        if (all->seen[at] || !same(CS_TEXT, want, got))
            continue;
        all->seen[at] = true;
        all->next = at + 1;
        all->found++;
        compare(all->probe, all->entity, all->rows[at], row);
        return CS_OK;
    }
    describe(CS_TEXT, got, key);
    cs_conform_fail(all->probe->conform,
                    "a scan gave a row too many, with key %s", key);
    return CS_OK;
}

void cs_probe_scan(struct cs_probe *probe, struct cs_instance *sink,
                   const struct cs_entity *entity,
                   const struct cs_filter *filter,
                   const struct cs_value *const *rows, size_t n)
{
    struct expected all = {
        .probe = probe, .entity = entity, .rows = rows, .n = n};

    if (cs_conform_over(probe->conform))
        return;
    all.seen = cs_memory_array(n + 1, sizeof(*all.seen));
    cs_probe_wants(
        probe, "scan",
        cs_sink_scan(sink, entity, filter, expect_row, &all, &probe->error),
        CS_OK);
    if (all.found != n)
        cs_conform_fail(probe->conform, "scan: expected %zu rows, got %zu", n,
                        all.found);
    free(all.seen);
}

void cs_probe_people(struct cs_probe *probe, struct cs_instance *sink,
                     const struct cs_value *const *rows, size_t n)
{
    cs_probe_scan(probe, sink, &cs_probe_person, NULL, rows, n);
}

void cs_probe_person_is(struct cs_probe *probe, const struct cs_value *row)
{
    cs_probe_people(probe, probe->sink, &row, 1);
}

void cs_probe_nobody(struct cs_probe *probe, struct cs_instance *sink)
{
    cs_probe_people(probe, sink, NULL, 0);
}

/* ---- Schema -------------------------------------------------------------- */

void cs_probe_alter(struct cs_probe *probe, enum cs_change change,
                    const struct cs_entity *entity, size_t column)
{
    const struct cs_step step = {.size = sizeof(step),
                                 .change = change,
                                 .entity = entity,
                                 .column = column};

    if (!cs_conform_over(probe->conform))
        cs_probe_wants(
            probe, "alter",
            cs_sink_alter(probe->sink, &step, NULL, NULL, &probe->error),
            CS_OK);
}
