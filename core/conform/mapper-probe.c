/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

#include "config.h"

#include "conform/mapper-probe.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SCHOOL "5f00000000000000000000aa"
#define TIME "2026-01-31T02:03:04.567Z"

/* What no mapper writes by itself: a cell with it is untouched. */
static const struct cs_value untouched = {.state = (enum cs_cell)7};

/* ---- Records ------------------------------------------------------------- */

/* So that it can be told which one came where. */
static void name_path(size_t path, char text[32])
{
    snprintf(text, 32, "Quill-%zu", path);
}

static json_t *shaped(const struct cs_sketch *sketch, size_t path)
{
    char text[32];

    name_path(path, text);
    switch (sketch->shapes[path]) {
    case CS_SHAPE_SCHOOL:
        return json_string(SCHOOL);
    case CS_SHAPE_SCHOOLS:
        return json_pack("[s]", SCHOOL);
    case CS_SHAPE_TIME:
        return json_string(TIME);
    case CS_SHAPE_NUMBER:
        return json_integer(1000 + (json_int_t)path);
    case CS_SHAPE_FLAG:
        return json_true();
    case CS_SHAPE_TEXTS:
        return json_pack("[s]", text);
    case CS_SHAPE_OBJECT:
        return json_object();
    case CS_SHAPE_TEXT:
    default:
        return json_string(text);
    }
}

/* The object that the path's last name is a member of, made if it is missing;
 * NULL: something else is in the way. */
static json_t *parent(json_t *record, const char *path, const char **last)
{
    json_t *object = record;

    for (const char *dot; object && (dot = strchr(path, '.')); path = dot + 1) {
        size_t length = (size_t)(dot - path);
        json_t *next = json_object_getn(object, path, length);

        if (!next) {
            next = json_object();
            json_object_setn_new(object, path, length, next);
        }
        object = json_is_object(next) ? next : NULL;
    }
    *last = path;
    return object;
}

void cs_sketch_put(json_t *record, const char *path, json_t *stolen)
{
    const char *last;
    json_t *object = parent(record, path, &last);

    if (!object)
        json_decref(stolen);
    else if (stolen)
        json_object_set_new(object, last, stolen);
    else
        json_object_del(object, last);
}

json_t *cs_sketch_record(const struct cs_sketch *sketch)
{
    json_t *record = json_object();

    for (size_t i = 0; i < sketch->npaths; i++)
        cs_sketch_put(record, sketch->ops->reads[i], shaped(sketch, i));
    return record;
}

json_t *cs_sketch_bare(const struct cs_sketch *sketch)
{
    json_t *record = json_object();

    cs_sketch_put(record, sketch->ops->reads[sketch->key],
                  shaped(sketch, sketch->key));
    return record;
}

json_t *cs_sketch_with(const struct cs_sketch *sketch, size_t path,
                       json_t *stolen)
{
    json_t *record = cs_sketch_record(sketch);

    cs_sketch_put(record, sketch->ops->reads[path], stolen);
    return record;
}

/* ---- Mapping ------------------------------------------------------------- */

enum cs_rc cs_sketch_map(struct cs_sketch *sketch, json_t *stolen)
{
    struct cs_instance *mapper = sketch->mapper;
    enum cs_rc rc = CS_OK;

    /* The cells of the record before point into what is gone. */
    memset(sketch->row, 0, sizeof(sketch->row));
    if (!cs_conform_over(sketch->probe->conform)) {
        for (size_t i = sketch->ops->entity->ncolumns; i < 2 * CS_SKETCH_CELLS;
             i++)
            sketch->row[i] = untouched;
        sketch->probe->error = (struct cs_error){.rc = CS_OK};
        cs_instance_enter(mapper);
        rc = sketch->ops->map(&mapper->host, stolen, sketch->row);
        rc = cs_instance_leave(mapper, rc, &sketch->probe->error);
    }
    json_decref(stolen);
    return rc;
}

static json_t *cell(enum cs_type type, const struct cs_value *value)
{
    if (value->state != CS_SET)
        return json_integer(value->state);
    if (type == CS_BOOL)
        return json_pack("[b]", value->as.boolean);
    if (type == CS_INT)
        return json_pack("[I]", (json_int_t)value->as.integer);
    return json_pack("[o]", value->as.text
                                ? json_stringn_nocheck(value->as.text,
                                                       strlen(value->as.text))
                                : json_null());
}

json_t *cs_sketch_result(struct cs_sketch *sketch, json_t *stolen)
{
    const struct cs_entity *entity = sketch->ops->entity;
    json_t *kept = json_incref(stolen), *cells = json_array();
    enum cs_rc rc = cs_sketch_map(sketch, stolen);

    for (size_t i = 0; i < entity->ncolumns; i++)
        json_array_append_new(cells,
                              cell(entity->columns[i].type, &sketch->row[i]));
    json_decref(kept); /* cells may have pointed into it */
    return json_pack("[i, s, o]", (int)rc,
                     rc < CS_OK ? sketch->probe->error.text : "", cells);
}

bool cs_sketch_takes(struct cs_sketch *sketch, enum cs_rc rc)
{
    if (rc != CS_OK && rc != CS_MAYBE)
        cs_probe_wants(sketch->probe, "map", rc, sketch->full);
    return !cs_conform_over(sketch->probe->conform);
}

/* ---- What it takes ------------------------------------------------------- */

/* The path that a sentence names; of several the longest. */
static size_t named(const struct cs_sketch *sketch, const char *sentence)
{
    size_t found = CS_SKETCH_NONE, longest = 0;

    for (size_t i = 0; i < sketch->npaths; i++) {
        size_t length = strlen(sketch->ops->reads[i]);

        if (length > longest && strstr(sentence, sketch->ops->reads[i])) {
            found = i;
            longest = length;
        }
    }
    return found;
}

/* True: there was something to change. */
static bool reshape(struct cs_sketch *sketch)
{
    size_t path = named(sketch, sketch->probe->error.text);

    if (path == CS_SKETCH_NONE || sketch->shapes[path] + 1 == CS_SHAPES)
        return false;
    sketch->shapes[path]++;
    return true;
}

static bool is_person(enum cs_rc rc)
{
    return rc == CS_OK || rc == CS_MAYBE;
}

/* Not refused, but not for this table: perhaps a field should look
 * otherwise. */
static void try_shapes(struct cs_sketch *sketch)
{
    for (size_t i = 0; i < sketch->npaths && !is_person(sketch->full); i++) {
        enum cs_shape before = sketch->shapes[i];

        for (sketch->shapes[i] = 0;
             sketch->shapes[i] < CS_SHAPES && !is_person(sketch->full);
             sketch->shapes[i]++)
            sketch->full = cs_sketch_map(sketch, cs_sketch_record(sketch));
        if (!is_person(sketch->full))
            sketch->shapes[i] = before;
        else
            sketch->shapes[i]--;
    }
}

static void find_shapes(struct cs_sketch *sketch)
{
    do
        sketch->full = cs_sketch_map(sketch, cs_sketch_record(sketch));
    while (sketch->full == CS_E_DATA && reshape(sketch));
    if (sketch->full == CS_E_DATA)
        cs_conform_fail(sketch->probe->conform,
                        "it sets all records aside that were made of the "
                        "paths it reads, or does not name the one that is at "
                        "fault (%s)",
                        sketch->probe->error.text);
    else if (sketch->full < CS_OK)
        cs_probe_wants(sketch->probe, "map", sketch->full, CS_OK);
    else
        try_shapes(sketch);
    if (!is_person(sketch->full))
        cs_conform_skip(sketch->probe->conform,
                        "no record could be made that is for this table");
}

/* Which column has a path's text as it stands. */
static size_t column_of(struct cs_sketch *sketch, size_t path)
{
    const struct cs_entity *entity = sketch->ops->entity;
    char text[32];

    name_path(path, text);
    for (size_t i = 0; i < entity->ncolumns; i++)
        if (entity->columns[i].type != CS_BOOL &&
            entity->columns[i].type != CS_INT &&
            sketch->row[i].state == CS_SET && sketch->row[i].as.text &&
            strcmp(sketch->row[i].as.text, text) == 0)
            return i;
    return CS_SKETCH_NONE;
}

static void find_columns(struct cs_sketch *sketch)
{
    json_t *record = cs_sketch_record(sketch);

    sketch->key = CS_SKETCH_NONE;
    cs_sketch_map(sketch, json_incref(record));
    for (size_t i = 0; i < sketch->npaths; i++) {
        sketch->columns[i] = column_of(sketch, i);
        if (sketch->columns[i] == sketch->key_column)
            sketch->key = i;
    }
    json_decref(record);
    for (size_t i = 0; i < sketch->npaths; i++)
        if (sketch->columns[i] != CS_SKETCH_NONE &&
            sketch->ops->entity->columns[sketch->columns[i]].type == CS_TIME)
            sketch->shapes[i] = CS_SHAPE_TIME;
}

void cs_sketch_reopen(struct cs_sketch *sketch)
{
    sketch->mapper = cs_probe_open(sketch->probe, 0);
}

void cs_sketch_begin(struct cs_sketch *sketch, struct cs_probe *probe)
{
    const struct cs_mapper_ops *ops = &probe->conform->part->module->ops.mapper;

    *sketch = (struct cs_sketch){.probe = probe, .ops = ops};
    probe->whom.school_id = SCHOOL;
    while (ops->reads[sketch->npaths] && sketch->npaths < CS_SKETCH_PATHS)
        sketch->npaths++;
    while (!(ops->entity->columns[sketch->key_column].flags & CS_KEY))
        sketch->key_column++;
    cs_sketch_reopen(sketch);
    if (!cs_conform_over(probe->conform))
        find_shapes(sketch);
    if (!cs_conform_over(probe->conform))
        find_columns(sketch);
}
