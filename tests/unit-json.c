/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* The JSON reader: what it builds, what it refuses, and that it does not
 * matter in which pieces a text arrives. */
#include "config.h"

#include "base/json.h"
#include "base/memory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* ---- One reading, as text ---------------------------------------------- */

struct outcome {
    json_t *rows;
    json_t *reply;
    enum cs_rc rc;
    struct cs_error error;
    size_t stop_after; /* each() fails at this row; 0: never */
};

static enum cs_rc collect(void *arg, json_t *stolen)
{
    struct outcome *outcome = arg;

    json_array_append_new(outcome->rows, stolen);
    return json_array_size(outcome->rows) == outcome->stop_after ? CS_E_BUSY
                                                                 : CS_OK;
}

static const char *const no_reads[] = {NULL};
static const char *const student_reads[] = {
    "id", "name.first", "name.last", "roles.student.grade", "schools", NULL};

/* Reads `text` in pieces of `chunk` bytes after a first one of `first`. */
static void read_pieces(struct outcome *outcome, const char *path,
                        const char *const *reads, const char *text, size_t n,
                        size_t first, size_t chunk)
{
    struct cs_json_rows rows = {path, reads, collect, outcome};
    struct cs_json *json = cs_json_new(path ? &rows : NULL);
    size_t stop_after = outcome->stop_after;

    *outcome = (struct outcome){.rows = json_array(), .stop_after = stop_after};
    for (size_t at = 0, piece = first; at < n && outcome->rc == CS_OK;) {
        if (piece > n - at) {
            piece = n - at;
        }
        /* A copy of its own, so that a read beyond the piece is noticed. */
        char *copy = cs_memory_grow(NULL, piece, 1);
        memcpy(copy, text + at, piece);
        outcome->rc = cs_json_feed(json, copy, piece, &outcome->error);
        free(copy);
        at += piece;
        piece = chunk;
    }
    if (outcome->rc == CS_OK) {
        outcome->rc = cs_json_finish(json, &outcome->reply, &outcome->error);
    }
    assert_int_equal(cs_json_nrows(json), json_array_size(outcome->rows));
    cs_json_free(json);
}

static void clear(struct outcome *outcome)
{
    json_decref(outcome->rows);
    json_decref(outcome->reply);
}

static void assert_same(const struct outcome *a, const struct outcome *b)
{
    assert_int_equal(a->rc, b->rc);
    assert_string_equal(a->error.text, b->error.text);
    assert_true(json_equal(a->rows, b->rows));
    assert_int_equal(!a->reply, !b->reply);
    assert_true(!a->reply || json_equal(a->reply, b->reply));
}

/* Reads the text whole, then in every other way, which must not matter. */
static void read_n(struct outcome *outcome, const char *path,
                   const char *const *reads, const char *text, size_t n)
{
    struct outcome other = {.stop_after = outcome->stop_after};

    read_pieces(outcome, path, reads, text, n, n, n);
    for (size_t chunk = 1; chunk <= 13; chunk++) {
        read_pieces(&other, path, reads, text, n, chunk, chunk);
        assert_same(outcome, &other);
        clear(&other);
    }
    for (size_t first = 1; first < n && n < 400; first++) {
        read_pieces(&other, path, reads, text, n, first, n);
        assert_same(outcome, &other);
        clear(&other);
    }
}

static void assert_json(const json_t *value, const char *expected)
{
    char *text = value ? json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY |
                                               JSON_ENSURE_ASCII)
                       : NULL;

    assert_string_equal(text ? text : "(none)", expected);
    free(text);
}

static void assert_reads(const char *text, const char *rows, const char *reply)
{
    struct outcome outcome = {0};

    read_n(&outcome, "data[].data", student_reads, text, strlen(text));
    assert_string_equal(outcome.error.text, "");
    assert_int_equal(outcome.rc, CS_OK);
    assert_json(outcome.rows, rows);
    assert_json(outcome.reply, reply);
    clear(&outcome);
}

static void assert_whole(const char *text, const char *expected)
{
    struct outcome outcome = {0};

    read_n(&outcome, NULL, NULL, text, strlen(text));
    assert_string_equal(outcome.error.text, "");
    assert_json(outcome.reply, expected);
    clear(&outcome);
}

static void assert_refused_n(const char *text, size_t n, enum cs_rc rc,
                             const char *expected)
{
    struct outcome outcome = {0};

    read_n(&outcome, NULL, NULL, text, n);
    assert_int_equal(outcome.rc, rc);
    assert_string_equal(outcome.error.text, expected);
    assert_null(outcome.reply);
    clear(&outcome);
}

static void assert_refused(const char *text, enum cs_rc rc,
                           const char *expected)
{
    assert_refused_n(text, strlen(text), rc, expected);
}

/* ---- What is built ----------------------------------------------------- */

static void builds_what_is_read(void **state)
{
    (void)state;
    assert_reads(
        "{\"data\":[{\"data\":{\"id\":\"a\",\"dob\":\"1/2/2010\","
        "\"name\":{\"first\":\"F\",\"middle\":\"M\",\"last\":\"L\"},"
        "\"roles\":{\"teacher\":{\"grade\":\"no\"},"
        "\"student\":{\"grade\":\"9\",\"x\":[[{}]]}},"
        "\"schools\":[\"s\",{\"t\":[1]}]},\"uri\":\"/u\"},"
        "{\"uri\":\"/v\",\"data\":{\"id\":\"b\"}}],"
        "\"links\":[{\"rel\":\"next\",\"uri\":\"/n?a=1\"}],\"count\":2}",
        "[{\"id\":\"a\",\"name\":{\"first\":\"F\",\"last\":\"L\"},"
        "\"roles\":{\"student\":{\"grade\":\"9\"}},"
        "\"schools\":[\"s\",{\"t\":[1]}]},{\"id\":\"b\"}]",
        "{\"links\":[{\"rel\":\"next\",\"uri\":\"/n?a=1\"}],\"count\":2}");
}

static void keeps_what_is_no_object(void **state)
{
    (void)state;
    assert_reads("{\"data\":[{\"data\":{\"name\":null,\"roles\":7,"
                 "\"schools\":null,\"id\":false}}]}",
                 "[{\"name\":null,\"roles\":7,\"schools\":null,"
                 "\"id\":false}]",
                 "{}");
    assert_reads("{\"data\":[{\"data\":{\"name\":[{\"first\":1,\"x\":2},3]}}]}",
                 "[{\"name\":[{\"first\":1},3]}]", "{}");
}

static void odd_elements_are_empty_rows(void **state)
{
    (void)state;
    assert_reads("{\"data\":[1,null,\"x\",[{\"data\":{\"id\":1}}],{},"
                 "{\"data\":[{\"id\":1}]},{\"data\":null},{\"uri\":\"/\"},"
                 "{\"data\":{\"id\":\"z\"}}]}",
                 "[{},{},{},{},{},{},{},{},{\"id\":\"z\"}]", "{}");
}

static void last_of_two_members_wins(void **state)
{
    (void)state;
    assert_reads("{\"a\":1,\"data\":[{\"data\":{\"id\":\"0\"},\"data\":"
                 "{\"id\":\"1\",\"id\":\"2\",\"name\":{\"first\":\"x\"},"
                 "\"name\":{\"last\":\"y\"}}}],\"a\":{\"b\":2}}",
                 "[{\"id\":\"2\",\"name\":{\"last\":\"y\"}}]",
                 "{\"a\":{\"b\":2}}");
    assert_reads("{\"data\":[{\"data\":{\"id\":\"0\"},\"data\":null}]}", "[{}]",
                 "{}");
}

static void rows_may_be_bare(void **state)
{
    struct outcome outcome = {0};
    const char *text = "{\"value\":[{\"id\":1,\"data\":2},7,{}],\"v\":[]}";

    (void)state;
    read_n(&outcome, "value[]", student_reads, text, strlen(text));
    assert_json(outcome.rows, "[{\"id\":1},{},{}]");
    assert_json(outcome.reply, "{\"v\":[]}");
    clear(&outcome);
    read_n(&outcome, "value[]", NULL, text, strlen(text));
    assert_json(outcome.rows, "[{\"id\":1,\"data\":2},{},{}]");
    clear(&outcome);
    read_n(&outcome, "value[]", no_reads, text, strlen(text));
    assert_json(outcome.rows, "[{},{},{}]");
    clear(&outcome);
}

static void shorter_path_wins(void **state)
{
    static const char *const reads[] = {"a.b.c", "a.b", "a.x", NULL};
    struct outcome outcome = {0};
    const char *text = "{\"data\":[{\"a\":{\"b\":{\"c\":1,\"d\":2},\"x\":3,"
                       "\"y\":4}}]}";

    (void)state;
    read_n(&outcome, "data[]", reads, text, strlen(text));
    assert_json(outcome.rows, "[{\"a\":{\"b\":{\"c\":1,\"d\":2},\"x\":3}}]");
    clear(&outcome);
}

static void rows_are_only_the_outer_array(void **state)
{
    (void)state;
    assert_reads("{\"x\":{\"data\":[{\"data\":{\"id\":1}}]},\"data\":[],"
                 "\"data2\":[1]}",
                 "[]",
                 "{\"x\":{\"data\":[{\"data\":{\"id\":1}}]},"
                 "\"data2\":[1]}");
}

static void numbers(void **state)
{
    (void)state;
    assert_whole("[0,-0,1,-1,999999999999999999,9223372036854775807,"
                 "-9223372036854775808,0.5,-1.5e2,1E2]",
                 "[0,0,1,-1,999999999999999999,9223372036854775807,"
                 "-9223372036854775808,0.5,-150.0,100.0]");
    assert_whole("[9223372036854775808]", "[9.2233720368547758e18]");
    assert_whole("[-9223372036854775809]", "[-9.2233720368547758e18]");
    assert_whole(" 12 ", "12");
    assert_refused("[1e999]", CS_E_DATA,
                   "holds a number out of range at byte 6");
}

/* ---- Faults ------------------------------------------------------------ */

static void refuses_what_is_no_json(void **state)
{
    (void)state;
    assert_refused("<html></html>", CS_E_DATA,
                   "is not JSON: unexpected token at byte 1");
    assert_refused("\xEF\xBB\xBF{}", CS_E_DATA,
                   "is not JSON: unexpected token at byte 1");
    assert_refused_n("{\"a\":\"b\0c\"}", 11, CS_E_DATA,
                     "is not JSON: unexpected token at byte 7");
    assert_refused_n("{}\0", 3, CS_E_DATA,
                     "is not JSON: unexpected token at byte 3");
}

/* Where the tokenizer puts its finger depends on it; that it does so at the
 * same place in every way of arriving is what read_n() asserts. */
static void refuses_other_faults(void **state)
{
    static const char *const texts[] = {
        "{} {}",
        "{}x",
        "[1,]",
        "{}\"x",
        "{} tru",
        "{\"a\":\"b\"}\"",
        "[]\n\\",
        "1\"x",
        "{\"a\" 1}",
        "[01]",
        "[\"a\nb\"]",
        "[\"\\q\"]",
        "{,}",
        "[\"\\u12x4\"]",
        "[1}",
        "{\"a\":1,}",
        "[+1]",
        "[.5]",
        "['a']",
        "[NaN]",
        "[truth]",
        "[1] \\",
        "\\",
        "{1:2}",
        "[\"\\u\"]",
        "/* c */ []",
        "[1 2]",
        "]",
        "[-]",
        "[\"\\uD83\"]",
        "[\"\\uD83Dxx\\uZZZZ\"]",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
        struct outcome outcome = {0};
        read_n(&outcome, NULL, NULL, texts[i], strlen(texts[i]));
        assert_int_equal(outcome.rc, CS_E_DATA);
        assert_memory_equal(outcome.error.text, "is not JSON: ", 13);
        clear(&outcome);
    }
}

static void tells_an_early_end(void **state)
{
    const char *text = "{\"data\":[{\"data\":{\"id\":\"\\uD83D\\uDE00 \xC3"
                       "\xA9\",\"n\":-1.5e3,\"t\":true}}],\"links\":[]}";
    size_t n = strlen(text);

    (void)state;
    for (size_t end = 0; end < n; end++) {
        char expected[64];
        snprintf(expected, sizeof(expected),
                 "ends in the middle of its JSON at byte %zu", end);
        assert_refused_n(text, end, CS_E_RETRY, expected);
    }
}

static void refuses_bad_utf8(void **state)
{
    static const char *const texts[] = {
        "[\"\x80\"]",
        "[\"\xC3(\"]",
        "[\"\xC0\xAF\"]",
        "[\"\xE0\x80\xAF\"]",
        "[\"\xED\xA0\x80\"]",
        "[\"\xED\xBF\xBF\"]",
        "[\"\xFF\"]",
        "[\"\xF0\x8F\xBF\xBF\"]",
        "[\"\xF4\x90\x80\x80\"]",
        "[\"\xF5\x80\x80\x80\"]",
        "[\"\xE2\x82\"]",
        "[\"12345678\\u0041\xC1\x81\"]",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
        struct outcome outcome = {0};
        read_n(&outcome, NULL, NULL, texts[i], strlen(texts[i]));
        assert_int_equal(outcome.rc, CS_E_DATA);
        assert_memory_equal(outcome.error.text, "is not JSON: invalid UTF-8",
                            26);
        clear(&outcome);
    }
    assert_whole("[\"\xC2\x80\xDF\xBF\xE0\xA0\x80\xED\x9F\xBF\xEE\x80\x80"
                 "\xF0\x90\x80\x80\xF4\x8F\xBF\xBF\"]",
                 "[\"\\u0080\\u07FF\\u0800\\uD7FF\\uE000\\uD800\\uDC00"
                 "\\uDBFF\\uDFFF\"]");
}

/* Bad bytes where nobody looks are bad bytes all the same. */
static void skipped_parts_are_checked(void **state)
{
    struct outcome outcome = {0};
    const char *text = "{\"data\":[{\"data\":{\"dob\":\"\xED\xA0\x80\"}}]}";

    (void)state;
    read_n(&outcome, "data[].data", student_reads, text, strlen(text));
    assert_string_equal(outcome.error.text,
                        "is not JSON: invalid UTF-8 at byte 27");
    clear(&outcome);
}

static void lone_surrogates_become_nul(void **state)
{
    (void)state;
    assert_whole("[\"\\uD83D\\uDE00\"]", "[\"\\uD83D\\uDE00\"]");
    assert_whole("[\"a\\uD83Db\"]", "[\"a\\u0000b\"]");
    assert_whole("[\"\\ud83d\"]", "[\"\\u0000\"]");
    assert_whole("[\"\\uDE00\"]", "[\"\\u0000\"]");
    assert_whole("[\"\\uDE00\\uD83D\"]", "[\"\\u0000\\u0000\"]");
    assert_whole("[\"\\uD83D\\uD83D\\uDE00\"]", "[\"\\u0000\\uD83D\\uDE00\"]");
    assert_whole("[\"\\uD83D\\u0041\"]", "[\"\\u0000A\"]");
    assert_whole("[\"\\uD83D\\n\"]", "[\"\\u0000\\n\"]");
    assert_whole("[\"\\uDBFF\\uDFFF\\uDC00\"]", "[\"\\uDBFF\\uDFFF\\u0000\"]");
    assert_whole("[\"\\\\uD83D\"]", "[\"\\\\uD83D\"]");
    assert_whole("[\"\\\\\\uD83D\\\\\"]", "[\"\\\\\\u0000\\\\\"]");
    assert_whole("{\"\\u00e9\\/\\\"\\b\\f\\t\\r\":\"\\uFFFF\"}",
                 "{\"\\u00E9/\\\"\\b\\f\\t\\r\":\"\\uFFFF\"}");
}

static void names_may_be_empty(void **state)
{
    (void)state;
    assert_whole("{\"\":1}", "{\"\":1}");
    assert_whole("[{\"\":{\"\":[]}}]", "[{\"\":{\"\":[]}}]");
}

static void names_hold_no_nul(void **state)
{
    (void)state;
    assert_refused("{\"a\\u0000\":1}", CS_E_DATA,
                   "has U+0000 in a member's name at byte 10");
    assert_refused("{\"\\uD800\":1}", CS_E_DATA,
                   "has U+0000 in a member's name at byte 9");
}

static void rows_must_be_there(void **state)
{
    static const char *const texts[] = {"{}",
                                        "{\"data\":null}",
                                        "{\"data\":{}}",
                                        "{\"data\":\"x\"}",
                                        "[{\"data\":[]}]",
                                        "7",
                                        "{\"x\":{\"data\":[]}}"};

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
        struct outcome outcome = {0};
        read_n(&outcome, "data[].data", student_reads, texts[i],
               strlen(texts[i]));
        assert_int_equal(outcome.rc, CS_E_DATA);
        assert_string_equal(outcome.error.text, "lacks the array data");
        clear(&outcome);
    }
    struct outcome twice = {0};
    const char *text = "{\"data\":[],\"data\":[]}";
    read_n(&twice, "data[].data", student_reads, text, strlen(text));
    assert_string_equal(twice.error.text, "has its rows twice at byte 19");
    clear(&twice);
}

static char *nested(size_t depth)
{
    char *text = cs_memory_new(2 * depth + 1);

    memset(text, '[', depth);
    memset(text + depth, ']', depth);
    return text;
}

static void caps_the_depth(void **state)
{
    char *text = nested(CS_JSON_DEPTH);
    struct outcome outcome = {0};

    (void)state;
    assert_whole(text, text);
    free(text);
    text = nested(CS_JSON_DEPTH + 1);
    assert_refused(text, CS_E_DATA, "nests deeper than 64 levels at byte 65");
    free(text);
    char *deep = nested(10000);
    text = cs_memory_format("{\"data\":[{\"x\":%s}]}", deep);
    read_pieces(&outcome, "data[].data", student_reads, text, strlen(text), 100,
                100);
    assert_string_equal(outcome.error.text,
                        "nests deeper than 64 levels at byte 76");
    clear(&outcome);
    free(deep);
    free(text);
}

static void read_string(struct outcome *outcome, size_t length, const char *end,
                        size_t chunk)
{
    size_t n = length + 2 + strlen(end);
    char *text = cs_memory_new(n + 1);

    memcpy(text, "[\"", 2);
    memset(text + 2, 'x', length);
    strcpy(text + 2 + length, end);
    read_pieces(outcome, NULL, NULL, text, n, chunk, chunk);
    free(text);
}

static void caps_a_token(void **state)
{
    static const size_t chunks[] = {1 << 12, 1 << 14, 1 << 30};
    struct outcome outcome = {0};

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        read_string(&outcome, CS_JSON_TOKEN - 2, "\"]", chunks[i]);
        assert_int_equal(outcome.rc, CS_OK);
        clear(&outcome);
        read_string(&outcome, CS_JSON_TOKEN - 1, "\"]", chunks[i]);
        assert_int_equal(outcome.rc, CS_E_DATA);
        assert_string_equal(outcome.error.text, "holds a token longer than 1 "
                                                "MiB at byte 1048578");
        clear(&outcome);
        /* One that never ends is not gathered for ever. */
        read_string(&outcome, 10 * CS_JSON_TOKEN, "", chunks[i]);
        assert_int_equal(outcome.rc, CS_E_DATA);
        assert_non_null(strstr(outcome.error.text, "longer than 1 MiB"));
        clear(&outcome);
    }
}

static void each_can_stop(void **state)
{
    struct outcome outcome = {.stop_after = 2};
    const char *text = "{\"data\":[{},{},{},{}]}";

    (void)state;
    read_n(&outcome, "data[]", NULL, text, strlen(text));
    assert_int_equal(outcome.rc, CS_E_BUSY);
    assert_string_equal(outcome.error.text, "");
    assert_json(outcome.rows, "[{},{}]");
    clear(&outcome);
}

static void finds_nul(void **state)
{
    static const struct {
        const char *text;
        bool has;
    } cases[] = {
        {"{\"a\":[1,null,true,{\"b\":\"x\\u0000\"}]}", true},
        {"\"\\u0000\"", true},
        {"[\"\",\"a\",{\"b\":[\"c\"]},1.5]", false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct outcome outcome = {0};
        read_n(&outcome, NULL, NULL, cases[i].text, strlen(cases[i].text));
        assert_int_equal(cs_json_has_nul(outcome.reply), cases[i].has);
        clear(&outcome);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(builds_what_is_read),
        cmocka_unit_test(keeps_what_is_no_object),
        cmocka_unit_test(odd_elements_are_empty_rows),
        cmocka_unit_test(last_of_two_members_wins),
        cmocka_unit_test(rows_may_be_bare),
        cmocka_unit_test(shorter_path_wins),
        cmocka_unit_test(rows_are_only_the_outer_array),
        cmocka_unit_test(numbers),
        cmocka_unit_test(refuses_what_is_no_json),
        cmocka_unit_test(refuses_other_faults),
        cmocka_unit_test(tells_an_early_end),
        cmocka_unit_test(refuses_bad_utf8),
        cmocka_unit_test(skipped_parts_are_checked),
        cmocka_unit_test(lone_surrogates_become_nul),
        cmocka_unit_test(names_may_be_empty),
        cmocka_unit_test(names_hold_no_nul),
        cmocka_unit_test(rows_must_be_there),
        cmocka_unit_test(caps_the_depth),
        cmocka_unit_test(caps_a_token),
        cmocka_unit_test(each_can_stop),
        cmocka_unit_test(finds_nul),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
