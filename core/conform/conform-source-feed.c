/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* Cases for sources that are a feed of changes. */

#include "config.h"

#include "conform/source-probe.h"

#include <stdlib.h>
#include <string.h>

static int order(const struct cs_probe *probe, const char *one,
                 const char *other)
{
    return probe->conform->part->module->ops.source.order(one, other);
}

static const char *cursor_at(const struct cs_reading *reading, size_t i)
{
    return json_string_value(
        json_object_get(json_array_get(reading->records, i), "cursor"));
}

static bool has_changes(struct cs_reading *reading)
{
    if (json_array_size(reading->records) < 2)
        cs_conform_skip(reading->probe->conform,
                        "there are less than two changes in the feed");
    return !cs_conform_over(reading->probe->conform);
}

static void mark(struct cs_probe *probe)
{
    struct cs_reading reading;
    char *cursor;

    cs_reading_begin(&reading, probe);
    cursor = cs_reading_mark(&reading);
    if (cursor) {
        cs_reading_whole(&reading, cursor);
        if (json_array_size(reading.records) > 0)
            cs_conform_fail(probe->conform,
                            "behind the mark there are %zu changes",
                            json_array_size(reading.records));
    }
    free(cursor);
    cs_reading_end(&reading);
}

/* Where a feed continues later. */
static void ends_at_mark(struct cs_probe *probe)
{
    struct cs_reading reading;
    char *cursor;

    cs_reading_begin(&reading, probe);
    cursor = cs_reading_mark(&reading);
    cs_reading_whole(&reading, NULL);
    if (!cs_conform_over(probe->conform) && !reading.last)
        cs_conform_fail(probe->conform, "its end has no cursor");
    if (!cs_conform_over(probe->conform) &&
        order(probe, reading.last, cursor) < 0)
        cs_conform_fail(probe->conform, "it ends before its mark");
    free(cursor);
    cs_reading_end(&reading);
}

static void ordered(struct cs_probe *probe)
{
    struct cs_reading reading;
    size_t n;

    cs_reading_begin(&reading, probe);
    cs_reading_whole(&reading, NULL);
    n = json_array_size(reading.records);
    for (size_t i = 0; has_changes(&reading) && i < n; i++)
        for (size_t j = 0; j < n; j++) {
            const char *one = cursor_at(&reading, i);
            const char *other = cursor_at(&reading, j);
            int got = one && other ? order(probe, one, other) : 0;

            if ((i == j && got != 0) ||
                (one && other && strcmp(one, other) != 0 &&
                 (i < j ? got >= 0 : got <= 0)))
                cs_conform_fail(probe->conform,
                                "order() of change %zu and change %zu is not "
                                "that of the feed",
                                i + 1, j + 1);
        }
    cs_reading_end(&reading);
}

/* The same changes come again after each of them, and no others. */
static void from_changes(struct cs_probe *probe)
{
    struct cs_reading reading, whole;
    size_t n;

    cs_reading_begin(&whole, probe);
    cs_reading_whole(&whole, NULL);
    cs_reading_begin(&reading, probe);
    n = json_array_size(whole.records);
    for (size_t i = 0; has_changes(&whole) && i < n; i++) {
        const char *cursor = cursor_at(&whole, i);
        size_t rest = 0;

        while (rest < n && cursor_at(&whole, rest) &&
               order(probe, cursor_at(&whole, rest), cursor) <= 0)
            rest++;
        cs_conform_about(probe->conform, "after change %zu", i + 1);
        cs_reading_again(&reading);
        cs_reading_whole(&reading, cursor);
        if (json_array_size(reading.records) != n - rest)
            cs_conform_fail(probe->conform, "there are %zu changes, not %zu",
                            json_array_size(reading.records), n - rest);
    }
    cs_reading_end(&reading);
    cs_reading_end(&whole);
}

const struct cs_conform_case cs_conform_source_feed[] = {
    {CS_CONFORM_WORKS, "feed: nothing is behind its mark", mark},
    {CS_CONFORM_WORKS, "feed: it ends at its mark", ends_at_mark},
    {CS_CONFORM_WORKS, "feed: changes come in the order of their cursors",
     ordered},
    {CS_CONFORM_WORKS, "feed: from each change on", from_changes},
    {.name = NULL},
};
