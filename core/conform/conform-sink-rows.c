/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* Batches of each size, what they count, and cells that do not say. */

#include "config.h"

#include "conform/sink-probe.h"

/* ---- Sizes --------------------------------------------------------------- */

/* Insert, update, delete: each whole, and what is stored afterwards. */
static void at_once(struct cs_probe *probe, size_t n)
{
    struct cs_crowd crowd;

    cs_crowd_make(&crowd, n);
    cs_probe_apply(probe, probe->sink, PEOPLE(CS_INSERT, crowd.rows, n), n);
    cs_probe_people(probe, probe->sink, crowd.rows, n);
    for (size_t i = 0; i < n; i++)
        crowd.cells[i][PERSON_NAME] = (struct cs_value)TEXT("changed");
    cs_probe_apply(probe, probe->sink, PEOPLE(CS_UPDATE, crowd.rows, n), n);
    cs_probe_people(probe, probe->sink, crowd.rows, n);
    cs_probe_apply(probe, probe->sink, PEOPLE(CS_DELETE, crowd.rows, n), n);
    cs_probe_nobody(probe, probe->sink);
    cs_crowd_clear(&crowd);
}

static void none_at_once(struct cs_probe *probe)
{
    const struct cs_value *none = NULL;

    cs_probe_apply(probe, probe->sink, PEOPLE(CS_INSERT, &none, 0), 0);
    cs_probe_apply(probe, probe->sink, PEOPLE(CS_UPDATE, &none, 0), 0);
    cs_probe_apply(probe, probe->sink, PEOPLE(CS_DELETE, &none, 0), 0);
    cs_probe_nobody(probe, probe->sink);
}

static void one_at_once(struct cs_probe *probe)
{
    at_once(probe, 1);
}

static void fewer_than_1000(struct cs_probe *probe)
{
    at_once(probe, 999);
}

static void exactly_1000(struct cs_probe *probe)
{
    at_once(probe, 1000);
}

static void ten_thousand(struct cs_probe *probe)
{
    at_once(probe, 10000);
}

/* ---- Counts -------------------------------------------------------------- */

static void not_there(struct cs_probe *probe)
{
    struct cs_crowd crowd;
    const struct cs_value *stored;

    cs_crowd_make(&crowd, 20);
    stored = crowd.rows[7];
    cs_probe_apply(probe, probe->sink, PEOPLE(CS_UPDATE, crowd.rows, 20), 0);
    cs_probe_apply(probe, probe->sink, PEOPLE(CS_DELETE, crowd.rows, 20), 0);
    cs_probe_nobody(probe, probe->sink);
    cs_probe_put(probe, CS_INSERT, stored);
    cs_probe_apply(probe, probe->sink, PEOPLE(CS_UPDATE, crowd.rows, 20), 1);
    cs_probe_person_is(probe, stored);
    cs_probe_apply(probe, probe->sink, PEOPLE(CS_DELETE, crowd.rows, 20), 1);
    cs_probe_nobody(probe, probe->sink);
    cs_crowd_clear(&crowd);
}

/* An update that changes nothing is an update all the same. */
static void the_same_again(struct cs_probe *probe)
{
    struct cs_crowd crowd;

    cs_crowd_make(&crowd, 20);
    cs_probe_apply(probe, probe->sink, PEOPLE(CS_INSERT, crowd.rows, 20), 20);
    cs_probe_apply(probe, probe->sink, PEOPLE(CS_UPDATE, crowd.rows, 20), 20);
    cs_probe_people(probe, probe->sink, crowd.rows, 20);
    cs_crowd_clear(&crowd);
}

/* ---- Cells that do not say ----------------------------------------------- */

static void absent_in_insert(struct cs_probe *probe)
{
    const struct cs_value row[PERSON_COLUMNS] = {[PERSON_KEY] = TEXT("k")};
    const struct cs_value stored[PERSON_COLUMNS] = {
        [PERSON_KEY] = TEXT("k"), [PERSON_NAME] = TEXT(""),
        [PERSON_MAIL] = NIL,      [PERSON_NOTE] = NIL,
        [PERSON_AGE] = NUMBER(7), [PERSON_ACTIVE] = FLAG(true),
        [PERSON_SEEN] = NIL,      [PERSON_GROUP] = NIL,
    };

    cs_probe_put(probe, CS_INSERT, row);
    cs_probe_person_is(probe, stored);
}

static void null_in_insert(struct cs_probe *probe)
{
    const struct cs_value row[PERSON_COLUMNS] = {
        [PERSON_KEY] = TEXT("k"), [PERSON_NAME] = TEXT("n"),
        [PERSON_MAIL] = NIL,      [PERSON_NOTE] = NIL,
        [PERSON_AGE] = NIL,       [PERSON_ACTIVE] = FLAG(false),
        [PERSON_SEEN] = NIL,      [PERSON_GROUP] = NIL,
    };

    cs_probe_put(probe, CS_INSERT, row);
    cs_probe_person_is(probe, row);
}

static void absent_in_update(struct cs_probe *probe)
{
    struct cs_value stored[PERSON_COLUMNS] = {
        [PERSON_KEY] = TEXT("k"),
        [PERSON_NAME] = TEXT("n"),
        [PERSON_MAIL] = TEXT("m"),
        [PERSON_NOTE] = TEXT("o"),
        [PERSON_AGE] = NUMBER(8),
        [PERSON_ACTIVE] = FLAG(false),
        [PERSON_SEEN] = TEXT("2026-01-31T02:03:04.567Z"),
        [PERSON_GROUP] = NIL,
    };
    const struct cs_value some[PERSON_COLUMNS] = {
        [PERSON_KEY] = TEXT("k"), [PERSON_MAIL] = NIL, [PERSON_SEEN] = NIL};
    const struct cs_value other[PERSON_COLUMNS] = {
        [PERSON_KEY] = TEXT("k"), [PERSON_MAIL] = TEXT("x")};

    cs_probe_put(probe, CS_INSERT, stored);
    cs_probe_put(probe, CS_UPDATE, some);
    stored[PERSON_MAIL].state = stored[PERSON_SEEN].state = CS_NULL;
    cs_probe_person_is(probe, stored);
    cs_probe_put(probe, CS_UPDATE, other);
    stored[PERSON_MAIL] = other[PERSON_MAIL];
    cs_probe_person_is(probe, stored);
}

/* Each row of a batch says what it says. */
static void different_cells(struct cs_probe *probe)
{
    const struct cs_value a[PERSON_COLUMNS] = {
        [PERSON_KEY] = TEXT("a"), [PERSON_MAIL] = TEXT("a@x")};
    const struct cs_value b[PERSON_COLUMNS] = {
        [PERSON_KEY] = TEXT("b"), [PERSON_AGE] = NIL};
    const struct cs_value c[PERSON_COLUMNS] = {
        [PERSON_KEY] = TEXT("c"),
        [PERSON_AGE] = NUMBER(9),
        [PERSON_SEEN] = TEXT("2026-01-31T02:03:04.567Z")};
    const struct cs_value *const in[] = {a, b, c};
    const struct cs_value new_a[PERSON_COLUMNS] = {
        [PERSON_KEY] = TEXT("a"), [PERSON_AGE] = NUMBER(1)};
    const struct cs_value new_b[PERSON_COLUMNS] = {
        [PERSON_KEY] = TEXT("b"), [PERSON_MAIL] = TEXT("b@x")};
    const struct cs_value new_c[PERSON_COLUMNS] = {
        [PERSON_KEY] = TEXT("c"), [PERSON_SEEN] = NIL, [PERSON_MAIL] = NIL};
    const struct cs_value *const up[] = {new_a, new_b, new_c};
    const struct cs_value end_a[PERSON_COLUMNS] = {[PERSON_KEY] = TEXT("a"),
                                                   [PERSON_MAIL] = TEXT("a@x"),
                                                   [PERSON_AGE] = NUMBER(1),
                                                   [PERSON_SEEN] = NIL};
    const struct cs_value end_b[PERSON_COLUMNS] = {[PERSON_KEY] = TEXT("b"),
                                                   [PERSON_MAIL] = TEXT("b@x"),
                                                   [PERSON_AGE] = NIL,
                                                   [PERSON_SEEN] = NIL};
    const struct cs_value end_c[PERSON_COLUMNS] = {[PERSON_KEY] = TEXT("c"),
                                                   [PERSON_MAIL] = NIL,
                                                   [PERSON_AGE] = NUMBER(9),
                                                   [PERSON_SEEN] = NIL};
    const struct cs_value *const end[] = {end_a, end_b, end_c};

    cs_probe_apply(probe, probe->sink, PEOPLE(CS_INSERT, in, 3), 3);
    cs_probe_apply(probe, probe->sink, PEOPLE(CS_UPDATE, up, 3), 3);
    cs_probe_people(probe, probe->sink, end, 3);
}

/* Refused, or what the column holds instead: an empty text, 0. */
static void null_where_none_may_be(struct cs_probe *probe)
{
    const struct cs_value row[PERSON_COLUMNS] = {
        [PERSON_KEY] = TEXT("k"), [PERSON_NAME] = NIL, [PERSON_ACTIVE] = NIL};
    const struct cs_value *rows = row;
    const struct cs_value full[PERSON_COLUMNS] = {[PERSON_KEY] = TEXT("k"),
                                                  [PERSON_NAME] = TEXT("n"),
                                                  [PERSON_ACTIVE] = FLAG(true)};
    const struct cs_value empty[PERSON_COLUMNS] = {[PERSON_KEY] = TEXT("k"),
                                                   [PERSON_NAME] = TEXT(""),
                                                   [PERSON_ACTIVE] =
                                                       FLAG(false)};

    if (cs_probe_try(probe, probe->sink, PEOPLE(CS_INSERT, &rows, 1))) {
        cs_probe_person_is(probe, empty);
        cs_probe_put(probe, CS_DELETE, full);
    }
    cs_probe_put(probe, CS_INSERT, full);
    if (cs_probe_try(probe, probe->sink, PEOPLE(CS_UPDATE, &rows, 1)))
        cs_probe_person_is(probe, empty);
    else
        cs_probe_person_is(probe, full);
}

const struct cs_conform_case cs_conform_sink_rows[] = {
    {CS_CONFORM_WORKS, "rows: none at once", none_at_once},
    {CS_CONFORM_WORKS, "rows: 1 at once", one_at_once},
    {CS_CONFORM_WORKS, "rows: 999 at once", fewer_than_1000},
    {CS_CONFORM_WORKS, "rows: 1,000 at once", exactly_1000},
    {CS_CONFORM_FAST, "rows: 10,000 at once", ten_thousand},
    {CS_CONFORM_WORKS, "rows: those that are not there do not count",
     not_there},
    {CS_CONFORM_WORKS, "rows: an update with the same values counts",
     the_same_again},
    {CS_CONFORM_WORKS, "cells: absent in an insert", absent_in_insert},
    {CS_CONFORM_WORKS, "cells: null in an insert", null_in_insert},
    {CS_CONFORM_WORKS, "cells: absent and null in an update", absent_in_update},
    {CS_CONFORM_WORKS, "cells: others in each row of a batch", different_cells},
    {CS_CONFORM_WORKS, "cells: null where none may be", null_where_none_may_be},
    {.name = NULL},
};
