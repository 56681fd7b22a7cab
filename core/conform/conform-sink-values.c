/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* Values that must come back as they went in. */

#include "config.h"

#include "conform/sink-probe.h"

#include "base/memory.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

/* ---- Text ---------------------------------------------------------------- */

/* Each text by an insert, and by an update, in a column with a limit and in
 * one without. */
static void texts(struct cs_probe *probe, const char *const *list)
{
    static const struct cs_value other[PERSON_COLUMNS] = {
        [PERSON_KEY] = TEXT("k"),
        [PERSON_NAME] = TEXT("other"),
        [PERSON_NOTE] = TEXT("other")};

    for (size_t i = 0; list[i]; i++) {
        const struct cs_value row[PERSON_COLUMNS] = {
            [PERSON_KEY] = TEXT("k"),
            [PERSON_NAME] = TEXT(list[i]),
            [PERSON_NOTE] = TEXT(list[i])};

        cs_conform_about(probe->conform, "text %zu, inserted", i + 1);
        cs_probe_put(probe, CS_INSERT, row);
        cs_probe_person_is(probe, row);
        cs_conform_about(probe->conform, "text %zu, updated", i + 1);
        cs_probe_put(probe, CS_UPDATE, other);
        cs_probe_put(probe, CS_UPDATE, row);
        cs_probe_person_is(probe, row);
        cs_probe_put(probe, CS_DELETE, row);
    }
}

static void unicode(struct cs_probe *probe)
{
    static const char *const list[] = {
        "Zo\xC3\xAB Fran\xC3\xA7ois \xC5\x81ukasz \xC3\x9Fi\xC4\x9F\xC4\xB1",
        "\xE6\x9D\x8E\xE5\xB0\x8F\xE9\xBE\x99 \xEA\xB9\x80\xED\x98\x84\xEC\x9A"
        "\xB0",
        "\xD7\xA9\xD7\x9C\xD7\x95\xD7\x9D \xD9\x85\xD8\xAD\xD9\x85\xD8\xAF",
        "\xE2\x80\x8F\xE2\x80\xAE bidi",
        "\xF0\x9F\x91\xA9\xE2\x80\x8D\xF0\x9F\x91\xA9\xE2\x80\x8D\xF0\x9F\x91"
        "\xA7 \xF0\x9F\x8F\xB4\xF3\xA0\x81\xA7\xF3\xA0\x81\xA2",
        "\xF0\xA0\xAE\xB7 \xF4\x8F\xBF\xBD",
        "\xC3\xA9",
        "e\xCC\x81",
        "\xEF\xAC\x81 \xEF\xBC\xA1",
        "\xE0\xA4\x95\xE0\xA5\x8D\xE0\xA4\xB7\xE0\xA4\xBF",
        NULL,
    };

    texts(probe, list);
}

static void blanks(struct cs_probe *probe)
{
    static const char *const list[] = {
        " leading",
        "trailing ",
        "   ",
        " ",
        "\t",
        "line\nbreak\r\n",
        "\xC2\xA0no\xC2\xA0",
        "\xE3\x80\x80wide",
        "\xE2\x80\x8Bzero\xE2\x80\x8B",
        NULL,
    };

    texts(probe, list);
}

static void empty_is_not_null(struct cs_probe *probe)
{
    struct cs_value row[PERSON_COLUMNS] = {[PERSON_KEY] = TEXT("k"),
                                           [PERSON_NAME] = TEXT(""),
                                           [PERSON_MAIL] = TEXT(""),
                                           [PERSON_NOTE] = NIL};

    cs_probe_put(probe, CS_INSERT, row);
    cs_probe_person_is(probe, row);
    row[PERSON_MAIL] = (struct cs_value)NIL;
    row[PERSON_NOTE] = (struct cs_value)TEXT("");
    cs_probe_put(probe, CS_UPDATE, row);
    cs_probe_person_is(probe, row);
}

static void looks_like_something_else(struct cs_probe *probe)
{
    static const char *const list[] = {
        "'",
        "\"",
        "''; DROP TABLE ConformPeople; --",
        "\\",
        "\\u0041\\n",
        "%",
        "_",
        "[x]",
        "{x}",
        "{\"a\": [1]}",
        "$[0]",
        "a, b",
        ";",
        "?",
        "?1",
        ":a",
        "@b",
        "$c",
        "NULL",
        "null",
        "true",
        "0",
        "007",
        "1e3",
        "0x10",
        "2026-01-31",
        "\x01\x1B\x7F",
        "<&>",
        "--",
        "/* */",
        NULL,
    };

    texts(probe, list);
}

/* Two texts that a collation may hold equal: the update is stored. */
static void change(struct cs_probe *probe, const char *from, const char *to)
{
    struct cs_value row[PERSON_COLUMNS] = {[PERSON_KEY] = TEXT("k"),
                                           [PERSON_NAME] = TEXT(from),
                                           [PERSON_NOTE] = TEXT(from)};

    cs_probe_put(probe, CS_INSERT, row);
    row[PERSON_NAME].as.text = row[PERSON_NOTE].as.text = to;
    cs_probe_put(probe, CS_UPDATE, row);
    cs_probe_person_is(probe, row);
    cs_probe_put(probe, CS_DELETE, row);
}

static void case_only(struct cs_probe *probe)
{
    change(probe, "mcdonald", "McDonald");
    change(probe, "\xC3\x89MILE", "\xC3\xA9mile");
}

static void trailing_blank_only(struct cs_probe *probe)
{
    change(probe, "a", "a ");
    change(probe, "a  ", "a");
    change(probe, "", " ");
}

static void accent_only(struct cs_probe *probe)
{
    change(probe, "Zoe", "Zo\xC3\xAB");
    change(probe, "e\xCC\x81", "\xC3\xA9");
}

/* ---- Lengths ------------------------------------------------------------- */

/* A text that is too long: refused, or stored whole where the database knows
 * no lengths; never cut. */
static void too_long(struct cs_probe *probe, const char *text)
{
    static const struct cs_value fits[PERSON_COLUMNS] = {
        [PERSON_KEY] = TEXT("k"), [PERSON_MAIL] = TEXT("fits")};
    const struct cs_value row[PERSON_COLUMNS] = {
        [PERSON_KEY] = TEXT("k"), [PERSON_MAIL] = TEXT(text)};
    const struct cs_value *rows = row;

    if (cs_probe_try(probe, probe->sink, PEOPLE(CS_INSERT, &rows, 1))) {
        cs_probe_person_is(probe, row);
        cs_probe_put(probe, CS_DELETE, row);
    } else {
        cs_probe_nobody(probe, probe->sink);
    }
    cs_probe_put(probe, CS_INSERT, fits);
    if (cs_probe_try(probe, probe->sink, PEOPLE(CS_UPDATE, &rows, 1)))
        cs_probe_person_is(probe, row);
    else
        cs_probe_person_is(probe, fits);
    cs_probe_put(probe, CS_DELETE, fits);
}

static void just_fits(struct cs_probe *probe, const char *text)
{
    const struct cs_value row[PERSON_COLUMNS] = {
        [PERSON_KEY] = TEXT("k"), [PERSON_MAIL] = TEXT(text)};

    cs_probe_put(probe, CS_INSERT, row);
    cs_probe_person_is(probe, row);
    cs_probe_put(probe, CS_DELETE, row);
}

#define FIVE(TEXT) TEXT TEXT TEXT TEXT TEXT
#define TEN(TEXT) FIVE(TEXT) FIVE(TEXT)
#define EMOJI "\xF0\x9F\x98\x80" /* two units */

static void at_the_limit(struct cs_probe *probe)
{
    just_fits(probe, TEN("ab"));
    just_fits(probe, TEN("\xE6\x9D\x8E\xC3\xA9"));
    just_fits(probe, TEN("a "));
    too_long(probe, TEN("ab") "c");
    too_long(probe, TEN("\xE6\x9D\x8E\xC3\xA9") "\xC3\xA9");
    too_long(probe, TEN(TEN("ab")) "c");
}

static void at_the_limit_in_units(struct cs_probe *probe)
{
    just_fits(probe, TEN(EMOJI));
    too_long(probe, TEN(EMOJI) "a");
    too_long(probe, FIVE(EMOJI EMOJI) EMOJI);
    too_long(probe, "a" TEN(EMOJI));
}

/* Servers cut silently here what a column compares equal without. */
static void blanks_over_the_limit(struct cs_probe *probe)
{
    too_long(probe, TEN("ab") " ");
    too_long(probe, TEN("ab") "     ");
}

static void long_text(struct cs_probe *probe)
{
    static const char piece[] = "0123456789 \"\\\n\xC3\xA9\xE6\x9D\x8E" EMOJI;
    const size_t length = sizeof(piece) - 1, n = 1024 * 1024 / length;
    char *text = cs_memory_new(n * length + 1);
    const struct cs_value row[PERSON_COLUMNS] = {
        [PERSON_KEY] = TEXT("k"), [PERSON_NOTE] = TEXT(text)};

    for (size_t i = 0; i < n; i++)
        memcpy(text + i * length, piece, length);
    cs_probe_put(probe, CS_INSERT, row);
    cs_probe_person_is(probe, row);
    cs_probe_put(probe, CS_UPDATE, row);
    cs_probe_person_is(probe, row);
    free(text);
}

/* ---- Times --------------------------------------------------------------- */

static void times(struct cs_probe *probe)
{
    static const char *const list[] = {
        "0001-01-01T00:00:00.000Z", "1752-12-31T23:59:59.999Z",
        "1753-01-01T00:00:00.000Z", "1899-12-31T00:00:00.000Z",
        "1969-12-31T23:59:59.999Z", "1970-01-01T00:00:00.000Z",
        "2000-02-29T12:00:00.001Z", "2026-01-31T02:03:04.567Z",
        "2026-03-29T02:30:00.000Z", "2026-01-31T02:03:04Z",
        "2026-01-31T02:03:04.5Z",   "2026-01-31T02:03:04.123456Z",
        "2038-01-19T03:14:08.000Z", "2079-06-07T00:00:00.000Z",
        "9999-12-31T23:59:59.999Z",
    };

    for (size_t i = 0; i < sizeof(list) / sizeof(*list); i++) {
        const struct cs_value row[PERSON_COLUMNS] = {
            [PERSON_KEY] = TEXT("k"), [PERSON_SEEN] = TEXT(list[i])};
        const struct cs_value other[PERSON_COLUMNS] = {
            [PERSON_KEY] = TEXT("k"), [PERSON_SEEN] = NIL};

        cs_conform_about(probe->conform, "%s", list[i]);
        cs_probe_put(probe, CS_INSERT, row);
        cs_probe_person_is(probe, row);
        cs_probe_put(probe, CS_UPDATE, other);
        cs_probe_put(probe, CS_UPDATE, row);
        cs_probe_person_is(probe, row);
        cs_probe_put(probe, CS_DELETE, row);
    }
}

/* Compares bytes: another instant may be written in many ways. */
static enum cs_rc same_text(void *arg, const struct cs_value *row)
{
    const char **given = arg;

    if (row[PERSON_SEEN].state == CS_SET &&
        strcmp(row[PERSON_SEEN].as.text, *given) == 0)
        *given = NULL;
    return CS_OK;
}

static void no_times(struct cs_probe *probe)
{
    static const char *const list[] = {
        "2026-02-30T00:00:00.000Z",
        "2026-13-01T00:00:00.000Z",
        "2026-01-31T25:00:00.000Z",
        "2026-01-31T00:60:00.000Z",
        "0000-01-01T00:00:00.000Z",
        "yesterday",
        "",
    };

    for (size_t i = 0; i < sizeof(list) / sizeof(*list); i++) {
        const struct cs_value row[PERSON_COLUMNS] = {
            [PERSON_KEY] = TEXT("k"), [PERSON_SEEN] = TEXT(list[i])};
        const struct cs_value *rows = row;
        const char *given = list[i];

        cs_conform_about(probe->conform, "\"%s\"", list[i]);
        if (!cs_probe_try(probe, probe->sink, PEOPLE(CS_INSERT, &rows, 1))) {
            cs_probe_nobody(probe, probe->sink);
            continue;
        }
        cs_probe_wants(probe, "scan",
                       cs_sink_scan(probe->sink, &cs_probe_person, NULL,
                                    same_text, &given, &probe->error),
                       CS_OK);
        if (given)
            cs_conform_fail(probe->conform, "expected that it is refused or "
                                            "stored as it is, got another "
                                            "time");
        cs_probe_put(probe, CS_DELETE, row);
    }
}

/* ---- Numbers and flags --------------------------------------------------- */

static void numbers(struct cs_probe *probe)
{
    static const int64_t list[] = {0,         1,        -1,        INT16_MAX,
                                   INT16_MIN, 16777217, INT32_MAX, INT32_MIN};

    for (size_t i = 0; i < sizeof(list) / sizeof(*list); i++) {
        const struct cs_value row[PERSON_COLUMNS] = {
            [PERSON_KEY] = TEXT("k"), [PERSON_AGE] = NUMBER(list[i])};

        cs_probe_put(probe, CS_INSERT, row);
        cs_probe_person_is(probe, row);
        cs_probe_put(probe, CS_DELETE, row);
    }
}

/* The column may be one of 32 bits: refused or exact. */
static void large_numbers(struct cs_probe *probe)
{
    static const int64_t list[] = {INT64_C(2147483648), INT64_C(-2147483649),
                                   INT64_C(9007199254740993), INT64_MAX,
                                   INT64_MIN};

    for (size_t i = 0; i < sizeof(list) / sizeof(*list); i++) {
        const struct cs_value row[PERSON_COLUMNS] = {
            [PERSON_KEY] = TEXT("k"), [PERSON_AGE] = NUMBER(list[i])};
        const struct cs_value *rows = row;

        if (cs_probe_try(probe, probe->sink, PEOPLE(CS_INSERT, &rows, 1))) {
            cs_probe_person_is(probe, row);
            cs_probe_put(probe, CS_DELETE, row);
        } else {
            cs_probe_nobody(probe, probe->sink);
        }
    }
}

static void flags(struct cs_probe *probe)
{
    struct cs_value row[PERSON_COLUMNS] = {
        [PERSON_KEY] = TEXT("k"), [PERSON_ACTIVE] = FLAG(false)};

    cs_probe_put(probe, CS_INSERT, row);
    cs_probe_person_is(probe, row);
    row[PERSON_ACTIVE].as.boolean = true;
    cs_probe_put(probe, CS_UPDATE, row);
    cs_probe_person_is(probe, row);
}

const struct cs_conform_case cs_conform_sink_values[] = {
    {CS_CONFORM_WORKS, "text: accents, scripts, emoji, composed or not",
     unicode},
    {CS_CONFORM_WORKS, "text: blanks of all kinds", blanks},
    {CS_CONFORM_WORKS, "text: empty is not null", empty_is_not_null},
    {CS_CONFORM_SAFE, "text: what looks like SQL, JSON or a number",
     looks_like_something_else},
    {CS_CONFORM_WORKS, "text: a change of case alone", case_only},
    {CS_CONFORM_WORKS, "text: a change of trailing blanks alone",
     trailing_blank_only},
    {CS_CONFORM_WORKS, "text: a change of accents alone", accent_only},
    {CS_CONFORM_SAFE, "text: at the limit and over it", at_the_limit},
    {CS_CONFORM_SAFE, "text: four-byte characters at the limit",
     at_the_limit_in_units},
    {CS_CONFORM_SAFE, "text: blanks over the limit", blanks_over_the_limit},
    {CS_CONFORM_FAST, "text: a megabyte", long_text},
    {CS_CONFORM_WORKS, "times: from year 1 to 9999", times},
    {CS_CONFORM_SAFE, "times: what is none is not stored changed", no_times},
    {CS_CONFORM_WORKS, "numbers: to the edges of 32 bits", numbers},
    {CS_CONFORM_SAFE, "numbers: beyond 32 bits are refused or exact",
     large_numbers},
    {CS_CONFORM_WORKS, "flags: both ways", flags},
    {.name = NULL},
};
