/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* Cases for sources of all sorts: pages, cursors, records. */

#include "config.h"

#include "conform/source-probe.h"

#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

/* ---- Pages --------------------------------------------------------------- */

static void to_the_end(struct cs_probe *probe)
{
    struct cs_reading reading;

    cs_reading_begin(&reading, probe);
    cs_reading_whole(&reading, NULL);
    for (size_t i = 0; i < reading.ncursors; i++)
        for (size_t j = 0; j < i; j++)
            if (strcmp(reading.cursors[i], reading.cursors[j]) == 0)
                cs_conform_fail(probe->conform,
                                "page %zu ends where page %zu did", i + 1,
                                j + 1);
    cs_reading_end(&reading);
}

static void end_once(struct cs_probe *probe)
{
    struct cs_reading reading;
    char *cursor = NULL;
    bool more = true;

    cs_reading_begin(&reading, probe);
    for (int i = 0; i < CS_READING_PAGES && more; i++) {
        enum cs_rc rc = cs_reading_page(&reading, cursor);

        if (rc == CS_OK && reading.ends != 1)
            cs_conform_fail(probe->conform, "a page has %zu ends",
                            reading.ends);
        if (rc == CS_OK && reading.late > 0)
            cs_conform_fail(probe->conform, "something follows a page's end");
        more = rc == CS_OK && reading.page.end == CS_PAGE_NEXT;
        free(cursor);
        cursor = cs_memory_text(reading.page.cursor);
    }
    free(cursor);
    cs_reading_end(&reading);
}

/* What was read before, and what is read now. */
static void expect_same(struct cs_reading *reading, const json_t *want)
{
    if (cs_conform_over(reading->probe->conform))
        return;
    if (json_array_size(reading->records) != json_array_size(want))
        cs_conform_fail(reading->probe->conform, "%zu records, not %zu",
                        json_array_size(reading->records),
                        json_array_size(want));
    else if (!json_equal(reading->records, want))
        cs_conform_fail(reading->probe->conform,
                        "other records, or in another order");
}

static void the_same_again(struct cs_probe *probe)
{
    struct cs_reading reading;
    json_t *want;

    cs_reading_begin(&reading, probe);
    cs_reading_whole(&reading, NULL);
    want = json_deep_copy(reading.records);
    cs_reading_again(&reading);
    cs_reading_whole(&reading, NULL);
    expect_same(&reading, want);
    json_decref(want);
    cs_reading_end(&reading);
}

static void any_size(struct cs_probe *probe)
{
    static const size_t sizes[] = {1, 2, 100, 10000};
    struct cs_reading reading;
    json_t *want;

    cs_reading_begin(&reading, probe);
    cs_reading_whole(&reading, NULL);
    want = json_deep_copy(reading.records);
    for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
        cs_conform_about(probe->conform, "pages of %zu", sizes[i]);
        reading.want = sizes[i];
        cs_reading_again(&reading);
        cs_reading_whole(&reading, NULL);
        expect_same(&reading, want);
    }
    json_decref(want);
    cs_reading_end(&reading);
}

/* What is read from the i-th cursor on is the end of the whole. */
static void resume_at(struct cs_reading *reading, const json_t *whole,
                      const char *cursor)
{
    size_t all = json_array_size(whole), rest;

    cs_reading_again(reading);
    cs_reading_whole(reading, cursor);
    rest = json_array_size(reading->records);
    if (!cs_conform_over(reading->probe->conform) && rest > all)
        cs_conform_fail(reading->probe->conform,
                        "%zu records, which are more than the whole", rest);
    for (size_t i = 0; i < rest && !cs_conform_over(reading->probe->conform);
         i++)
        if (!json_equal(json_array_get(reading->records, i),
                        json_array_get(whole, all - rest + i)))
            cs_conform_fail(reading->probe->conform,
                            "other records than the last ones of the whole");
}

static void from_cursors(struct cs_probe *probe)
{
    struct cs_reading reading, whole;

    cs_reading_begin(&whole, probe);
    cs_reading_whole(&whole, NULL);
    cs_reading_begin(&reading, probe);
    for (size_t i = 0; i < whole.ncursors; i++) {
        size_t rest;

        cs_conform_about(probe->conform, "from page %zu on", i + 2);
        resume_at(&reading, whole.records, whole.cursors[i]);
        rest = json_array_size(reading.records);
        if (!cs_conform_over(probe->conform) &&
            rest + (i + 1) * whole.want < json_array_size(whole.records))
            cs_conform_fail(probe->conform, "some records are lost");
    }
    cs_reading_end(&reading);
    cs_reading_end(&whole);
}

/* The core has had enough: the deadline, or too many rejects. */
static void stopped(struct cs_probe *probe)
{
    struct cs_reading reading;
    enum cs_rc rc;

    cs_reading_begin(&reading, probe);
    reading.want = 100;
    reading.stop = 2;
    rc = cs_reading_page(&reading, NULL);
    if (!cs_conform_over(probe->conform) && reading.page.refused == CS_OK)
        cs_conform_skip(probe->conform, "it has less than three records");
    if (rc == CS_OK)
        cs_conform_fail(probe->conform, "a page that was stopped ends well");
    if (reading.late > 0)
        cs_conform_fail(probe->conform,
                        "it goes on after emit() gave an error");
    cs_reading_end(&reading);
}

/* ---- Cursors and collections --------------------------------------------- */

static void no_cursor(struct cs_probe *probe)
{
    static const char *const cursors[] = {"no cursor /?&#", "../..", "\n",
                                          "\xF0\x9F\x98\x80"};
    struct cs_reading reading;

    cs_reading_begin(&reading, probe);
    for (size_t i = 0; i < sizeof(cursors) / sizeof(*cursors); i++) {
        cs_conform_about(probe->conform, "cursor %zu that is none", i + 1);
        if (!cs_conform_over(probe->conform))
            cs_probe_wants(probe, "fetch",
                           cs_reading_page(&reading, cursors[i]), CS_E_CURSOR);
    }
    cs_reading_end(&reading);
}

static void no_collection(struct cs_probe *probe)
{
    static const struct cs_column column = {
        .name = "NobodyId", .type = CS_TEXT, .length = 50, .flags = CS_KEY};
    static const struct cs_entity nobody = {
        .name = "nobody",
        .collection = "nobody_has_these",
        .table = "Nobody",
        .columns = &column,
        .ncolumns = 1,
    };
    struct cs_reading reading;
    enum cs_rc rc;

    cs_reading_begin(&reading, probe);
    if (!reading.entity)
        cs_conform_skip(probe->conform, "a feed has no collections");
    reading.entity = &nobody;
    rc = cs_reading_page(&reading, NULL);
    if (!cs_conform_over(probe->conform) && rc != CS_E_CONFIG)
        cs_probe_wants(probe, "fetch", rc, CS_E_NOT_HERE);
    cs_reading_end(&reading);
}

/* ---- Records ------------------------------------------------------------- */

static void records(struct cs_probe *probe)
{
    struct cs_reading reading;
    json_t *entry;
    size_t i;

    cs_reading_begin(&reading, probe);
    cs_reading_whole(&reading, NULL);
    json_array_foreach(reading.records, i, entry)
    {
        json_int_t op = json_integer_value(json_object_get(entry, "op"));
        const char *cursor =
            json_string_value(json_object_get(entry, "cursor"));

        cs_conform_about(probe->conform, "record %zu", i + 1);
        if (!json_is_object(json_object_get(entry, "record")))
            cs_conform_fail(probe->conform, "it is no object");
        if (reading.entity && (op != CS_UPSERT || cursor))
            cs_conform_fail(probe->conform,
                            "in a listing all are upserts without a cursor");
        if (!reading.entity &&
            ((op != CS_UPSERT && op != CS_DELETE) || !cursor))
            cs_conform_fail(probe->conform,
                            "in a feed each is an upsert or delete with its "
                            "cursor");
    }
    cs_reading_end(&reading);
}

const struct cs_conform_case cs_conform_source_pages[] = {
    {CS_CONFORM_WORKS, "pages: read to the end", to_the_end},
    {CS_CONFORM_WORKS, "pages: the same again", the_same_again},
    {CS_CONFORM_WORKS, "pages: of any size", any_size},
    {CS_CONFORM_WORKS, "pages: from each cursor on", from_cursors},
    {CS_CONFORM_WORKS, "records: objects, each with what belongs to it",
     records},
    {CS_CONFORM_WORKS, "collections: one that is not there", no_collection},
    {CS_CONFORM_SAFE, "pages: each ends once", end_once},
    {CS_CONFORM_SAFE, "pages: one that is stopped", stopped},
    {CS_CONFORM_SAFE, "cursors: one that is none is CS_E_CURSOR", no_cursor},
    {.name = NULL},
};
