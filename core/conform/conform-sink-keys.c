/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* Keys are compared byte for byte.  A database that holds two of them equal
 * may refuse the second, but must never change the wrong row. */

#include "config.h"

#include "conform/sink-probe.h"

/* Beside a row with key `one` comes one with key `other`. */
static void twins(struct cs_probe *probe, const char *one, const char *other)
{
    const struct cs_value a[PERSON_COLUMNS] = {[PERSON_KEY] = TEXT(one),
                                               [PERSON_NAME] = TEXT("a"),
                                               [PERSON_AGE] = NUMBER(1)};
    struct cs_value b[PERSON_COLUMNS] = {[PERSON_KEY] = TEXT(other),
                                         [PERSON_NAME] = TEXT("b"),
                                         [PERSON_AGE] = NUMBER(2)};
    const struct cs_value *const rows[] = {a, b};
    size_t n = 1; /* rows that are stored */

    cs_conform_about(probe->conform, "beside another row");
    cs_probe_put(probe, CS_INSERT, a);
    if (cs_probe_try(probe, probe->sink, PEOPLE(CS_INSERT, rows + 1, 1)))
        n = 2;
    cs_probe_people(probe, probe->sink, rows, n);
    b[PERSON_NAME].as.text = "changed";
    cs_conform_about(probe->conform, "an update of the twin");
    cs_probe_apply(probe, probe->sink, PEOPLE(CS_UPDATE, rows + 1, 1), n - 1);
    cs_probe_people(probe, probe->sink, rows, n);
    cs_conform_about(probe->conform, "a delete of the twin");
    cs_probe_apply(probe, probe->sink, PEOPLE(CS_DELETE, rows + 1, 1), n - 1);
    cs_probe_people(probe, probe->sink, rows, 1);
    cs_conform_about(probe->conform, "the row itself");
    cs_probe_put(probe, CS_DELETE, a);
    cs_probe_nobody(probe, probe->sink);
}

static void by_case(struct cs_probe *probe)
{
    twins(probe, "a", "A");
    twins(probe, "5F9E", "5f9e");
    twins(probe, "\xC3\x89", "\xC3\xA9");
}

static void by_blanks(struct cs_probe *probe)
{
    twins(probe, "a", "a ");
    twins(probe, "a ", "a");
    twins(probe, "a", " a");
    twins(probe, "", " ");
}

static void by_accents(struct cs_probe *probe)
{
    twins(probe, "e", "\xC3\xA9");
    twins(probe, "e\xCC\x81", "\xC3\xA9");
    twins(probe, "ss", "\xC3\x9F");
    twins(probe, "\xEF\xBC\xA1", "A");
    twins(probe, "\xF0\x9F\x98\x80", "\xF0\x9F\x98\x81");
}

/* Several of them in one batch, with those that are not there. */
static void in_one_batch(struct cs_probe *probe)
{
    static const char *const keys[] = {"a", "B", "c ", "D"};
    static const char *const wrong[] = {"A", "b", "c", "d", "a ", "B "};
    struct cs_value cells[4][PERSON_COLUMNS] = {{{.state = CS_ABSENT}}};
    struct cs_value others[6][PERSON_COLUMNS] = {{{.state = CS_ABSENT}}};
    const struct cs_value *rows[10];

    for (size_t i = 0; i < 4; i++) {
        cells[i][PERSON_KEY] = (struct cs_value)TEXT(keys[i]);
        cells[i][PERSON_NAME] = (struct cs_value)TEXT("right");
        rows[i] = cells[i];
    }
    for (size_t i = 0; i < 6; i++) {
        others[i][PERSON_KEY] = (struct cs_value)TEXT(wrong[i]);
        others[i][PERSON_NAME] = (struct cs_value)TEXT("wrong");
        rows[4 + i] = others[i];
    }
    cs_probe_apply(probe, probe->sink, PEOPLE(CS_INSERT, rows, 4), 4);
    cs_probe_apply(probe, probe->sink, PEOPLE(CS_UPDATE, rows, 10), 4);
    cs_probe_people(probe, probe->sink, rows, 4);
    cs_probe_apply(probe, probe->sink, PEOPLE(CS_DELETE, rows + 4, 6), 0);
    cs_probe_people(probe, probe->sink, rows, 4);
    cs_probe_apply(probe, probe->sink, PEOPLE(CS_DELETE, rows, 10), 4);
    cs_probe_nobody(probe, probe->sink);
}

const struct cs_conform_case cs_conform_sink_keys[] = {
    {CS_CONFORM_WORKS, "keys: told apart by case", by_case},
    {CS_CONFORM_WORKS, "keys: told apart by blanks", by_blanks},
    {CS_CONFORM_WORKS, "keys: told apart by accents and width", by_accents},
    {CS_CONFORM_WORKS, "keys: told apart in one batch", in_one_batch},
    {.name = NULL},
};
