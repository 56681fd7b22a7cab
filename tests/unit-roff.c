/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* A table of options as a manual page has it: what the shipped plugins have is
 * held by tests/22-manual.sh, this is what others may come up with. */
#include "config.h"

#include "command/roff.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* What is printed of one option. */
static const char *printed(const struct cs_option *option)
{
    static char text[4096];
    const struct cs_option table[] = {*option, {.name = NULL}};
    FILE *file = tmpfile();
    int saved;
    size_t size;

    assert_non_null(file);
    fflush(stdout);
    saved = dup(STDOUT_FILENO);
    assert_true(dup2(fileno(file), STDOUT_FILENO) >= 0);
    cs_roff_options(table);
    fflush(stdout);
    assert_true(dup2(saved, STDOUT_FILENO) >= 0);
    close(saved);
    rewind(file);
    size = fread(text, 1, sizeof(text) - 1, file);
    text[size] = '\0';
    fclose(file);
    return text;
}

#define IN_LIST(TEXT) ".Bl -tag -width Ds\n" TEXT ".El\n"

static void test_a_range(void **state)
{
    const struct cs_option option = {"part", CS_OPT_NUMBER, "0.75",
                                     "0.001..0.999", "the part"};

    (void)state;
    assert_string_equal(printed(&option),
                        IN_LIST(".It Ic part No = Ar number\nThe part.\n"
                                "Default:\n.Li 0.75 .\n"
                                "Allowed:\n.Li 0.001 No to Li 0.999 .\n"));
}

static void test_words(void **state)
{
    const struct cs_option option = {"api", CS_OPT_TEXT | CS_OPT_OPTIONAL, NULL,
                                     "v1.0 v2-beta", "v1.0: old"};

    (void)state;
    assert_string_equal(printed(&option),
                        IN_LIST(".It Ic api No = Ar text\nv1.0: old.\n"
                                "Allowed:\n.Li v1.0 , v2\\-beta .\n"));
}

static void test_what_roff_would_take_for_its_own(void **state)
{
    const struct cs_option option = {
        "path", CS_OPT_SECRET | CS_OPT_TEMPLATE, NULL, NULL,
        ".rc, 'x' or \"a\\b\", see -v --well-known"};

    (void)state;
    assert_string_equal(
        printed(&option),
        IN_LIST(".It Ic path No = Ar secret\\-name\n"
                "\\&.rc, 'x' or \\(dqa\\eb\\(dq, see \\-v \\-\\-well-known.\n"
                "It must be set.\nTemplates are filled in.\n"));
}

static void test_a_line_does_not_begin_with_a_control(void **state)
{
    const struct cs_option option = {
        "x", CS_OPT_FLAG, "true", NULL,
        "a text of just that many words and letters that the next begins "
        "another .line"};

    (void)state;
    assert_non_null(strstr(printed(&option), "\n\\&.line.\n"));
}

static void test_no_words(void **state)
{
    const struct cs_option option = {"x", CS_OPT_FLAG, "true", NULL, ""};

    (void)state;
    assert_string_equal(printed(&option),
                        IN_LIST(".It Ic x No = Cm true | false\n"
                                "Default:\n.Li true .\n"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_range),
        cmocka_unit_test(test_words),
        cmocka_unit_test(test_what_roff_would_take_for_its_own),
        cmocka_unit_test(test_a_line_does_not_begin_with_a_control),
        cmocka_unit_test(test_no_words),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
