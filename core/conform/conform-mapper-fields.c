/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* Cases for mappers: what becomes of a field. */

#include "config.h"

#include "conform/mapper-probe.h"

#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

enum { LONG = 10000, MANY = 20000 };
#define LONGEST (10 * CS_SECOND)

/* The fields that some column has as they stand, other than the key. */
static bool is_plain(const struct cs_sketch *sketch, size_t path)
{
    return sketch->columns[path] != CS_SKETCH_NONE && path != sketch->key;
}

static const struct cs_column *column_of(const struct cs_sketch *sketch,
                                         size_t path)
{
    return &sketch->ops->entity->columns[sketch->columns[path]];
}

static const struct cs_value *cell_of(const struct cs_sketch *sketch,
                                      size_t path)
{
    return &sketch->row[sketch->columns[path]];
}

/* The mapper on a full record with this in one place, which it takes. */
static bool taken(struct cs_sketch *sketch, size_t path, json_t *record)
{
    cs_conform_about(sketch->probe->conform, "%s", sketch->ops->reads[path]);
    return cs_sketch_takes(sketch, cs_sketch_map(sketch, json_incref(record)));
}

/* ---- Nothing in it ------------------------------------------------------- */

static void absent(struct cs_probe *probe)
{
    struct cs_sketch sketch;

    cs_sketch_begin(&sketch, probe);
    for (size_t i = 0; i < sketch.npaths; i++) {
        json_t *record = cs_sketch_with(&sketch, i, NULL);

        if (is_plain(&sketch, i) && taken(&sketch, i, record) &&
            cell_of(&sketch, i)->state != CS_ABSENT)
            cs_conform_fail(probe->conform,
                            "it is not there, but the cell is not absent: a "
                            "feed would clear the column");
        json_decref(record);
    }
}

static bool is_empty(const struct cs_value *cell)
{
    return cell->state == CS_NULL ||
           (cell->state == CS_SET && cell->as.text && !*cell->as.text);
}

static void null(struct cs_probe *probe)
{
    struct cs_sketch sketch;

    cs_sketch_begin(&sketch, probe);
    for (size_t i = 0; i < sketch.npaths; i++) {
        json_t *record = cs_sketch_with(&sketch, i, json_null());

        if (is_plain(&sketch, i) && taken(&sketch, i, record) &&
            !is_empty(cell_of(&sketch, i)))
            cs_conform_fail(probe->conform,
                            "it is null, but the cell is not: a feed could "
                            "not clear the column");
        json_decref(record);
    }
}

/* Neither is a text that a person has; the core makes null of both. */
static void blank(struct cs_probe *probe)
{
    static const char *const texts[] = {"", " ", "\xC2\xA0\t\n"};
    struct cs_sketch sketch;

    cs_sketch_begin(&sketch, probe);
    for (size_t i = 0; i < sketch.npaths; i++)
        for (size_t t = 0; t < sizeof(texts) / sizeof(*texts); t++) {
            json_t *record = cs_sketch_with(&sketch, i, json_string(texts[t]));

            if (is_plain(&sketch, i))
                taken(&sketch, i, record);
            json_decref(record);
        }
}

/* ---- Text ---------------------------------------------------------------- */

static bool is_text(const struct cs_sketch *sketch, size_t path)
{
    return is_plain(sketch, path) && column_of(sketch, path)->type == CS_TEXT;
}

static void expect_text(struct cs_sketch *sketch, size_t path, const char *text)
{
    json_t *record = cs_sketch_with(sketch, path, json_string(text));

    if (taken(sketch, path, record)) {
        const struct cs_value *cell = cell_of(sketch, path);

        if (cell->state != CS_SET || !cell->as.text ||
            strcmp(cell->as.text, text) != 0)
            cs_conform_fail(sketch->probe->conform,
                            "the cell does not have the text as it came");
    }
    json_decref(record);
}

static void each_text(struct cs_probe *probe, const char *const *texts,
                      size_t n)
{
    struct cs_sketch sketch;
    bool any = false;

    cs_sketch_begin(&sketch, probe);
    for (size_t i = 0; i < sketch.npaths; i++)
        for (size_t t = 0; is_text(&sketch, i) && t < n; t++) {
            any = true;
            expect_text(&sketch, i, texts[t]);
        }
    if (!any)
        cs_conform_skip(probe->conform,
                        "no column has a field's text as it stands");
}

/* Composed or not, from right to left, beyond 16 bits, joined, and what looks
 * like something else. */
static void scripts(struct cs_probe *probe)
{
    static const char *const texts[] = {
        "Ren\xC3\xA9",
        "Rene\xCC\x81",
        "\xD7\xA9\xD7\x9C\xD7\x95\xD7\x9D",
        "\xD9\x85\xD8\xAD\xD9\x85\xD8\xAF",
        "\xE6\x9D\x8E\xE6\x98\x8E",
        "\xF0\x9F\x98\x80",
        "\xF0\x9F\x91\xA9\xE2\x80\x8D\xF0\x9F\x8E\x93",
        "\xF0\xA0\x9C\x8E",
        "O'Brien \"%s\" <b>&amp; \\ ; -- null",
    };

    each_text(probe, texts, sizeof(texts) / sizeof(*texts));
}

/* What is too long is cut by the core, which knows the real column. */
static void overlong(struct cs_probe *probe)
{
    char *text = cs_memory_array(LONG + 1, 1);
    const char *const texts[] = {text};

    memset(text, 'x', LONG);
    each_text(probe, texts, 1);
    free(text);
}

/* ---- Times --------------------------------------------------------------- */

static void expect_time(struct cs_sketch *sketch, size_t path, const char *text)
{
    json_t *record = cs_sketch_with(sketch, path, json_string(text));
    int64_t want = 0, got = 0;

    if (taken(sketch, path, record)) {
        const struct cs_value *cell = cell_of(sketch, path);

        cs_clock_parse(text, &want);
        if (cell->state != CS_SET || !cell->as.text ||
            !cs_clock_parse(cell->as.text, &got) || got != want)
            cs_conform_fail(sketch->probe->conform,
                            "the cell does not have the time %s", text);
    }
    json_decref(record);
}

static void times(struct cs_probe *probe)
{
    static const char *const texts[] = {
        "2024-02-29T23:59:59.999Z",
        "2025-12-31T23:59:59.999Z",
        "1969-12-31T00:00:00.000Z",
    };
    struct cs_sketch sketch;
    bool any = false;

    cs_sketch_begin(&sketch, probe);
    for (size_t i = 0; i < sketch.npaths; i++)
        for (size_t t = 0; t < sizeof(texts) / sizeof(*texts); t++)
            if (is_plain(&sketch, i) &&
                column_of(&sketch, i)->type == CS_TIME) {
                any = true;
                expect_time(&sketch, i, texts[t]);
            }
    if (!any)
        cs_conform_skip(probe->conform,
                        "no column has a field's time as it stands");
}

/* ---- What is read -------------------------------------------------------- */

/* The same path, or one below it. */
static bool is_within(const char *path, const char *outer)
{
    size_t length = strlen(outer);

    return strncmp(path, outer, length) == 0 &&
           (path[length] == '\0' || path[length] == '.');
}

/* Fields of Clever's that somebody might look at without saying so. */
static void add_others(const struct cs_sketch *sketch, json_t *record)
{
    static const char *const others[] = {
        "id",
        "email",
        "name.first",
        "name.middle",
        "name.last",
        "last_modified",
        "created",
        "district",
        "school",
        "schools",
        "grade",
        "sis_id",
        "title",
        "roles.student.grade",
        "roles.student.sis_id",
        "roles.student.schools",
        "roles.student.dob",
        "roles.student.gender",
        "roles.student.email",
        "roles.student.student_number",
        "roles.student.home_language",
        "roles.student.location.address",
        "roles.teacher.schools",
        "roles.teacher.title",
        "roles.teacher.teacher_number",
        "roles.teacher.sis_id",
        "roles.staff.title",
        "subject",
        "period",
        "teacher",
        "students",
        "course",
        "term_id",
        "section_number",
        "dob",
        "gender",
        "phone",
    };

    for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++) {
        bool read = false;

        for (size_t j = 0; j < sketch->npaths; j++)
            read = read || is_within(others[i], sketch->ops->reads[j]) ||
                   is_within(sketch->ops->reads[j], others[i]);
        if (!read)
            cs_sketch_put(record, others[i], json_string("Quill-Canary"));
    }
}

static void undeclared(struct cs_probe *probe)
{
    struct cs_sketch sketch;
    json_t *record, *want, *got;

    cs_sketch_begin(&sketch, probe);
    if (cs_conform_over(probe->conform))
        return;
    record = cs_sketch_record(&sketch);
    want = cs_sketch_result(&sketch, json_incref(record));
    add_others(&sketch, record);
    got = cs_sketch_result(&sketch, record);
    if (!json_equal(want, got))
        cs_conform_fail(probe->conform,
                        "a field that it does not declare to read makes "
                        "another row: it will never be there");
    json_decref(want);
    json_decref(got);
}

/* Does anything in that place make a difference? */
static bool matters(struct cs_sketch *sketch, size_t path)
{
    json_t *const values[] = {
        NULL,
        json_string("another"),
        json_object(),
        json_integer(7),
        json_pack("[s]", "5f00000000000000000000cc"),
    };
    json_t *want = cs_sketch_result(sketch, cs_sketch_record(sketch));
    bool other = false;

    for (size_t i = 0; i < sizeof(values) / sizeof(*values); i++) {
        json_t *got =
            cs_sketch_result(sketch, cs_sketch_with(sketch, path, values[i]));

        other = other || !json_equal(want, got);
        json_decref(got);
    }
    json_decref(want);
    return other;
}

static void unread(struct cs_probe *probe)
{
    struct cs_sketch sketch;

    cs_sketch_begin(&sketch, probe);
    for (size_t i = 0; i < sketch.npaths; i++)
        if (!cs_conform_over(probe->conform) && !matters(&sketch, i))
            cs_conform_fail(probe->conform,
                            "it declares to read %s and never looks at it",
                            sketch.ops->reads[i]);
}

/* ---- Speed --------------------------------------------------------------- */

/* A district has so many people. */
static void many(struct cs_probe *probe)
{
    struct cs_sketch sketch;
    json_t *record;
    int64_t begin;

    cs_sketch_begin(&sketch, probe);
    record = cs_sketch_record(&sketch);
    begin = cs_clock_steady();
    for (int i = 0; i < MANY && !cs_conform_over(probe->conform); i++) {
        cs_sketch_map(&sketch, json_incref(record));
        if (cs_clock_steady() - begin > LONGEST)
            cs_conform_fail(probe->conform,
                            "%d records take more than %d seconds", i + 1,
                            (int)(LONGEST / CS_SECOND));
    }
    json_decref(record);
}

const struct cs_conform_case cs_conform_mapper_fields[] = {
    {CS_CONFORM_WORKS, "fields: absent is not null", absent},
    {CS_CONFORM_WORKS, "fields: null is not absent", null},
    {CS_CONFORM_WORKS, "fields: empty and blank are no reason to reject",
     blank},
    {CS_CONFORM_WORKS, "fields: all scripts, as they came", scripts},
    {CS_CONFORM_WORKS, "fields: times, leap days and ends of years", times},
    {CS_CONFORM_SAFE, "fields: overlong text is not cut", overlong},
    {CS_CONFORM_SAFE, "fields: only declared ones are read", undeclared},
    {CS_CONFORM_SAFE, "fields: declared ones are read", unread},
    {CS_CONFORM_FAST, "fields: 20,000 records in 10 seconds", many},
    {.name = NULL},
};
