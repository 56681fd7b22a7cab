/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* Text: what is blank, UTF-8, lengths, words; and templates. */
#include "config.h"

#include "base/error.h"
#include "config/scope.h"
#include "base/text.h"
#include "config/value.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

static void trims(const char *text, const char *want)
{
    struct cs_span span = cs_text_trim(text);

    assert_int_equal(span.length, strlen(want));
    assert_memory_equal(span.start, want, span.length);
}

static void white_space_is_taken_off(void **state)
{
    (void)state;
    trims("", "");
    trims(" \t\r\n\v\f", "");
    trims("  a b\t", "a b");
    trims("\xC2\x85\xC2\xA0x\xC2\xA0", "x"); /* NEL, NBSP */
    trims("\xE1\x9A\x80x\xE3\x80\x80", "x"); /* U+1680, U+3000 */
    trims("\xE2\x80\x80\xE2\x80\x8Ax\xE2\x80\xAF", "x");
    trims("\xE2\x80\xA8\xE2\x80\xA9x\xE2\x81\x9F", "x");
    trims("\xE2\x80\x8Bx", "\xE2\x80\x8Bx"); /* zero width: text */
    trims("\xEF\xBB\xBFx", "\xEF\xBB\xBFx");
    trims("\xC3\xA0", "\xC3\xA0"); /* ends like NBSP, but is a letter */
    trims(" \xE0\xA0\x85 ", "\xE0\xA0\x85");
}

static void only_sound_utf8_is_valid(void **state)
{
    static const char *const bad[] = {
        "\x80",
        "\xC3",
        "\xC0\xAF",
        "\xE0\x80\xAF",
        "\xED\xA0\x80", /* a surrogate */
        "\xF0\x80\x80\x80",
        "\xF4\x90\x80\x80",
        "\xF5\x80\x80\x80",
        "\xE2\x82",
        "a\xFFz",
        "\xC3\x28",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        assert_false(cs_text_valid(bad[i], strlen(bad[i])));
    assert_true(cs_text_valid("", 0));
    assert_true(cs_text_valid("a\0b", 3));
    assert_true(cs_text_valid("\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80", 9));
    assert_true(cs_text_valid("\xF4\x8F\xBF\xBF\xED\x9F\xBF", 7));
}

static void lengths_are_utf16(void **state)
{
    const char *text = "a\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80z"; /* 6 units */

    (void)state;
    assert_int_equal(cs_text_units(text, strlen(text)), 6);
    assert_int_equal(cs_text_prefix(text, strlen(text), 6), strlen(text));
    assert_int_equal(cs_text_prefix(text, strlen(text), 5), 10);
    assert_int_equal(cs_text_prefix(text, strlen(text), 4), 6);
    assert_int_equal(cs_text_prefix(text, strlen(text), 3), 6);
    assert_int_equal(cs_text_prefix(text, strlen(text), 2), 3);
    assert_int_equal(cs_text_prefix(text, strlen(text), 0), 0);
}

static void the_nearest_word_is_found(void **state)
{
    static const char *const known[] = {"student",       "teacher", "page_size",
                                        "page_size_max", "env",     NULL};
    char longest[200];

    (void)state;
    assert_string_equal(cs_text_nearest("studnet", known), "student");
    assert_string_equal(cs_text_nearest("page_sise", known), "page_size");
    assert_string_equal(cs_text_nearest("teachers", known), "teacher");
    assert_string_equal(cs_text_nearest("student", known), "student");
    assert_string_equal(cs_text_nearest("nev", known), "env");
    assert_null(cs_text_nearest("parent", known));
    assert_null(cs_text_nearest("", known));
    memset(longest, 'x', sizeof(longest) - 1);
    longest[sizeof(longest) - 1] = '\0';
    assert_null(cs_text_nearest(longest, known));
}

static void words_are_split_at_blanks(void **state)
{
    static const char *const texts[] = {"env file", "  env\t file ", "e f"};

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
        char **words = cs_text_words(texts[i]);

        assert_int_equal(words[0][0], 'e');
        assert_int_equal(words[1][0], 'f');
        assert_null(words[2]);
        free(words);
    }
    for (size_t i = 0; i < 2; i++) {
        char **words = cs_text_words(i ? "  " : "");

        assert_null(words[0]);
        free(words);
    }
}

static void numbers_are_read_in_every_locale(void **state)
{
    double number;
    bool percent;

    (void)state;
    assert_true(cs_value_number("0.75", &number));
    assert_true(number > 0.7499 && number < 0.7501);
    assert_true(cs_value_number("-12", &number));
    assert_true(number < -11.9 && number > -12.1);
    assert_false(cs_value_number("", &number));
    assert_false(cs_value_number("1,5", &number));
    assert_false(cs_value_number("1.", &number));
    assert_false(cs_value_number(".5", &number));
    assert_false(cs_value_number("1e3", &number));
    assert_false(cs_value_number(" 1", &number));
    assert_false(cs_value_number("0x10", &number));
    assert_false(cs_value_number("1234567890123456", &number));
    assert_true(cs_value_limit("10%", &number, &percent));
    assert_true(percent);
    assert_int_equal(number, 10);
    assert_true(cs_value_limit("25", &number, &percent));
    assert_false(percent);
    assert_int_equal(number, 25);
    assert_false(cs_value_limit("101%", &number, &percent));
    assert_false(cs_value_limit("-1", &number, &percent));
    assert_false(cs_value_limit("2.5", &number, &percent));
    assert_false(cs_value_limit("%", &number, &percent));
    assert_false(cs_value_limit("", &number, &percent));
}

static void templates_are_filled(void **state)
{
    struct cs_whom whom = {.district_id = "d1", .school_prefix = "Lincoln-1"};
    struct cs_error error = {0};
    char *text;

    (void)state;
    text = cs_scope_fill("{secret_prefix}--{school_prefix}--X {district_id}}",
                         &whom, "Our", &error);
    assert_string_equal(text, "Our--Lincoln-1--X d1}");
    free(text);
    text = cs_scope_fill("", &whom, "Our", &error);
    assert_string_equal(text, "");
    free(text);
    assert_null(cs_scope_fill("a/{school_id}", &whom, "Our", &error));
    assert_int_equal(error.rc, CS_E_CONFIG);
    assert_non_null(strstr(error.text, "{school_id}"));
    assert_null(cs_scope_fill("a/{school}", &whom, "Our", &error));
    assert_null(cs_scope_fill("a/{school_prefix", &whom, "Our", &error));
    assert_null(cs_scope_unknown("{school_prefix}/{district_prefix}"));
    assert_string_equal(cs_scope_unknown("{school_id}/{pupil}"), "{pupil}");
    assert_string_equal(cs_scope_unknown("a{"), "{");
}

/* Values come from a database: none may lead out of its place. */
static void template_values_must_be_harmless(void **state)
{
    static const char *const bad[] = {"",    "../x",        "a b",
                                      "a.b", "{school_id}", "\xC3\xA9"};
    struct cs_error error;

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        struct cs_whom whom = {.school_id = bad[i]};

        error = (struct cs_error){0};
        assert_null(cs_scope_fill("/x/{school_id}.db", &whom, NULL, &error));
        assert_int_equal(error.rc, CS_E_CONFIG);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(white_space_is_taken_off),
        cmocka_unit_test(only_sound_utf8_is_valid),
        cmocka_unit_test(lengths_are_utf16),
        cmocka_unit_test(the_nearest_word_is_found),
        cmocka_unit_test(words_are_split_at_blanks),
        cmocka_unit_test(numbers_are_read_in_every_locale),
        cmocka_unit_test(templates_are_filled),
        cmocka_unit_test(template_values_must_be_harmless),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
