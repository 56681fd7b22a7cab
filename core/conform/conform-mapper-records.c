/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* Cases for mappers: what becomes of a record. */

#include "config.h"

#include "conform/mapper-probe.h"

#include "base/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- Rows ---------------------------------------------------------------- */

static void check_cell(struct cs_probe *probe, const struct cs_column *column,
                       const struct cs_value *cell)
{
    const char *text = cell->as.text;
    int64_t time;

    cs_conform_about(probe->conform, "column %s", column->name);
    if (cell->state != CS_ABSENT && cell->state != CS_NULL &&
        cell->state != CS_SET)
        cs_conform_fail(probe->conform, "its cell is in no state that there "
                                        "is");
    if (cell->state != CS_SET ||
        (column->type != CS_TEXT && column->type != CS_TIME))
        return;
    if (!text)
        cs_conform_fail(probe->conform, "its cell is set to a null pointer");
    else if (!cs_text_valid(text, strlen(text)))
        cs_conform_fail(probe->conform, "its cell is not UTF-8");
    else if (column->type == CS_TIME && !cs_clock_parse(text, &time))
        cs_conform_fail(probe->conform, "its cell is no time");
}

static void full(struct cs_probe *probe)
{
    struct cs_sketch sketch;
    const struct cs_entity *entity;
    json_t *record;

    cs_sketch_begin(&sketch, probe);
    if (cs_conform_over(probe->conform))
        return;
    entity = sketch.ops->entity;
    record = cs_sketch_record(&sketch);
    cs_sketch_map(&sketch, json_incref(record));
    for (size_t i = 0; i < entity->ncolumns; i++)
        check_cell(probe, &entity->columns[i], &sketch.row[i]);
    cs_conform_about(probe->conform, "%s", "");
    if (sketch.row[sketch.key_column].state != CS_SET)
        cs_conform_fail(probe->conform, "the row has no key");
    json_decref(record);
}

/* Rows are as long as the entity says. */
static void own_columns(struct cs_probe *probe)
{
    struct cs_sketch sketch;

    cs_sketch_begin(&sketch, probe);
    if (cs_conform_over(probe->conform))
        return;
    cs_sketch_map(&sketch, cs_sketch_record(&sketch));
    for (size_t i = sketch.ops->entity->ncolumns; i < 2 * CS_SKETCH_CELLS; i++)
        if (sketch.row[i].state <= CS_SET)
            cs_conform_fail(probe->conform,
                            "it writes a cell behind the last column");
}

/* ---- The key ------------------------------------------------------------- */

static bool has_key_path(struct cs_sketch *sketch)
{
    if (!cs_conform_over(sketch->probe->conform) &&
        sketch->key == CS_SKETCH_NONE)
        cs_conform_skip(sketch->probe->conform,
                        "no path of those it reads is the key as it stands");
    return !cs_conform_over(sketch->probe->conform);
}

static void refuses(struct cs_sketch *sketch, json_t *stolen)
{
    const char *path = sketch->ops->reads[sketch->key];
    enum cs_rc rc = cs_sketch_map(sketch, stolen);

    if (rc == CS_SKIP || cs_conform_over(sketch->probe->conform))
        return;
    cs_probe_wants(sketch->probe, "map", rc, CS_E_DATA);
    if (!strstr(sketch->probe->error.text, path))
        cs_conform_fail(sketch->probe->conform,
                        "its sentence does not name the field %s", path);
}

static void without_key(struct cs_probe *probe)
{
    struct cs_sketch sketch;

    cs_sketch_begin(&sketch, probe);
    if (!has_key_path(&sketch))
        return;
    cs_conform_about(probe->conform, "a record without its key");
    refuses(&sketch, cs_sketch_with(&sketch, sketch.key, NULL));
    cs_conform_about(probe->conform, "a key that is null");
    refuses(&sketch, cs_sketch_with(&sketch, sketch.key, json_null()));
    cs_conform_about(probe->conform, "a key that is empty");
    refuses(&sketch, cs_sketch_with(&sketch, sketch.key, json_string("")));
    cs_conform_about(probe->conform, "a key that is an object");
    refuses(&sketch, cs_sketch_with(&sketch, sketch.key, json_object()));
}

enum { STRANGE = 6, OFTEN = 50 };

/* A value that no field expects, with what must not be repeated. */
static json_t *strange(size_t i)
{
    switch (i) {
    case 0:
        return json_pack("{s:s}", "Quill", "Quill-Canary");
    case 1:
        return json_pack("[i, s, n]", 7, "Quill-Canary");
    case 2:
        return json_integer(8423947);
    case 3:
        return json_real(84239.47);
    case 4:
        return json_true();
    default:
        return json_string("Quill-Canary");
    }
}

/* Each path in each strange way. */
static void each_strange(struct cs_sketch *sketch,
                         void (*look)(struct cs_sketch *, size_t path,
                                      enum cs_rc rc))
{
    struct cs_conform *conform = sketch->probe->conform;

    for (size_t path = 0; path < sketch->npaths; path++)
        for (size_t i = 0; i < STRANGE; i++) {
            json_t *record = cs_sketch_with(sketch, path, strange(i));

            cs_conform_about(conform, "%s", sketch->ops->reads[path]);
            look(sketch, path, cs_sketch_map(sketch, json_incref(record)));
            json_decref(record);
        }
}

/* A reject without a key holds all deletes of its listing. */
static void has_key(struct cs_sketch *sketch, size_t path, enum cs_rc rc)
{
    if (path != sketch->key && rc == CS_E_DATA &&
        sketch->row[sketch->key_column].state != CS_SET)
        cs_conform_fail(sketch->probe->conform,
                        "the record is set aside without its key");
}

static void key_first(struct cs_probe *probe)
{
    struct cs_sketch sketch;

    cs_sketch_begin(&sketch, probe);
    if (has_key_path(&sketch))
        each_strange(&sketch, has_key);
}

/* ---- Rejects ------------------------------------------------------------- */

static void is_reject(struct cs_sketch *sketch, size_t path, enum cs_rc rc)
{
    (void)path;
    if (rc < CS_OK)
        cs_probe_wants(sketch->probe, "map", rc, CS_E_DATA);
}

static void strange_types(struct cs_probe *probe)
{
    struct cs_sketch sketch;

    cs_sketch_begin(&sketch, probe);
    if (!cs_conform_over(probe->conform))
        each_strange(&sketch, is_reject);
}

static void names_field(struct cs_sketch *sketch, size_t path, enum cs_rc rc)
{
    static const char *const values[] = {"Quill", "8423947", "84239.47"};
    const char *said = sketch->probe->error.text;

    if (rc >= CS_OK || cs_conform_over(sketch->probe->conform))
        return;
    for (size_t i = 0; i < sizeof(values) / sizeof(*values); i++)
        if (strstr(said, values[i]) || cs_probe_heard(sketch->probe, values[i]))
            cs_conform_fail(sketch->probe->conform,
                            "what was said of it quotes the record");
    if (!strstr(said, sketch->ops->reads[path]))
        cs_conform_fail(sketch->probe->conform,
                        "its sentence does not name the field");
}

static void sentences(struct cs_probe *probe)
{
    struct cs_sketch sketch;

    cs_sketch_begin(&sketch, probe);
    if (!cs_conform_over(probe->conform))
        each_strange(&sketch, names_field);
}

/* ---- Purity -------------------------------------------------------------- */

static void same(struct cs_sketch *sketch, const json_t *want, json_t *stolen)
{
    if (!cs_conform_over(sketch->probe->conform) && !json_equal(want, stolen))
        cs_conform_fail(sketch->probe->conform,
                        "the same record becomes another row");
    json_decref(stolen);
}

static void nothing(struct cs_sketch *sketch, size_t path, enum cs_rc rc)
{
    (void)sketch;
    (void)path;
    (void)rc;
}

static void pure(struct cs_probe *probe)
{
    struct cs_sketch sketch;
    json_t *record, *before, *want;

    cs_sketch_begin(&sketch, probe);
    record = cs_sketch_record(&sketch);
    before = json_deep_copy(record);
    want = cs_sketch_result(&sketch, json_incref(record));
    if (!json_equal(record, before))
        cs_conform_fail(probe->conform, "it changes the record");
    cs_conform_about(probe->conform, "again");
    for (int i = 0; i < OFTEN; i++)
        same(&sketch, want, cs_sketch_result(&sketch, json_incref(record)));
    cs_conform_about(probe->conform, "after others");
    if (!cs_conform_over(probe->conform))
        each_strange(&sketch, nothing);
    cs_conform_about(probe->conform, "after others");
    same(&sketch, want, cs_sketch_result(&sketch, json_incref(record)));
    cs_conform_about(probe->conform, "in another instance");
    cs_sketch_reopen(&sketch);
    same(&sketch, want, cs_sketch_result(&sketch, json_incref(record)));
    json_decref(record);
    json_decref(before);
    json_decref(want);
}

/* ---- Who belongs here ---------------------------------------------------- */

/* Does it look at the school at all? */
static bool minds_school(struct cs_sketch *sketch)
{
    sketch->probe->whom.school_id = "5f00000000000000000000bb";
    cs_sketch_reopen(sketch);
    if (cs_sketch_map(sketch, cs_sketch_record(sketch)) == sketch->full)
        cs_conform_skip(sketch->probe->conform,
                        "it is the same to it which school it works for");
    return !cs_conform_over(sketch->probe->conform);
}

static void elsewhere(struct cs_probe *probe)
{
    struct cs_sketch sketch;

    cs_sketch_begin(&sketch, probe);
    if (cs_conform_over(probe->conform) || !minds_school(&sketch))
        return;
    cs_conform_about(probe->conform, "a record of another school's");
    cs_probe_wants(probe, "map",
                   cs_sketch_map(&sketch, cs_sketch_record(&sketch)), CS_LEFT);
    if (sketch.row[sketch.key_column].state != CS_SET)
        cs_conform_fail(probe->conform, "the row has no key");
}

static void silent(struct cs_probe *probe)
{
    struct cs_sketch sketch;

    cs_sketch_begin(&sketch, probe);
    if (!has_key_path(&sketch) || !minds_school(&sketch))
        return;
    cs_conform_about(probe->conform, "a record with nothing but its key");
    cs_probe_wants(probe, "map",
                   cs_sketch_map(&sketch, cs_sketch_bare(&sketch)), CS_MAYBE);
}

const struct cs_conform_case cs_conform_mapper_records[] = {
    {CS_CONFORM_WORKS, "records: a full one becomes a row", full},
    {CS_CONFORM_WORKS, "records: one without a key is set aside", without_key},
    {CS_CONFORM_WORKS, "records: who is elsewhere has left", elsewhere},
    {CS_CONFORM_WORKS, "records: one that does not say is CS_MAYBE", silent},
    {CS_CONFORM_SAFE, "records: the key is set first", key_first},
    {CS_CONFORM_SAFE, "records: strange types are at most rejects",
     strange_types},
    {CS_CONFORM_SAFE, "records: a reject names the field, not its value",
     sentences},
    {CS_CONFORM_SAFE, "records: the same one becomes the same row", pure},
    {CS_CONFORM_SAFE, "records: only declared columns are written",
     own_columns},
    {.name = NULL},
};
