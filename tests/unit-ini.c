/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* INI files, sound and otherwise. */
#include "config.h"

#include "folder.h"
#include "config/ini.h"
#include "base/memory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static char *seen; /* "[section]" and "key=value;" in order */
static struct cs_problems problems;

static void take(void *arg, const char *section, const char *key,
                 const char *value, const char *file, unsigned line)
{
    char *longer;

    assert_ptr_equal(arg, &seen);
    assert_non_null(file);
    assert_true(line > 0);
    longer = key ? cs_memory_format("%s%s=%s;", seen, key, value)
                 : cs_memory_format("%s[%s]", seen, section);
    free(seen);
    seen = longer;
}

static int setup(void **state)
{
    (void)state;
    folder_new();
    seen = cs_memory_text("");
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    free(seen);
    cs_problems_clear(&problems);
    folder_remove();
    return 0;
}

static void read_bytes(const char *text, size_t n)
{
    cs_problems_clear(&problems);
    free(seen);
    seen = cs_memory_text("");
    cs_ini_read(folder_file("x.conf", text, n), take, &seen, &problems);
}

/* One problem, at that line and with that word. */
static void refused(const char *text, unsigned line, const char *word)
{
    char *place = cs_memory_format("x.conf:%u: ", line);

    read_bytes(text, strlen(text));
    assert_int_equal(problems.n, 1);
    assert_non_null(strstr(problems.text[0], place));
    assert_non_null(strstr(problems.text[0], word));
    free(place);
}

static void accepted(const char *text, const char *want)
{
    read_bytes(text, strlen(text));
    assert_int_equal(problems.n, 0);
    assert_string_equal(seen, want);
}

static void sound_files_are_read(void **state)
{
    (void)state;
    accepted("", "");
    accepted("[a]\nk = v\n", "[a]k=v;");
    accepted("[a]\nk=v", "[a]k=v;");
    accepted("\xEF\xBB\xBF[a]\r\nk = v\r\n\r\n[b]\r\n", "[a]k=v;[b]");
    accepted("[empty]\n[a.b-c]\n; x = y\n# x = y\n  # z\nk =\n",
             "[empty][a.b-c]k=;");
    accepted("[a]\n  k = v\n\tl = w\n", "[a]k=v;l=w;"); /* not continued */
    accepted("[a]\nk = x ;y = \"q\" # z\n", "[a]k=x ;y = \"q\" # z;");
    accepted("[a]\nk = \xC3\xA9\n", "[a]k=\xC3\xA9;");
    accepted("[a]\nk = https://x/y?z=1:2\n", "[a]k=https://x/y?z=1:2;");
}

static void long_values_stay_whole(void **state)
{
    char text[8300] = "[a]\nk = ", want[8300] = "[a]k=";

    (void)state;
    for (size_t n = 190; n < 210; n++) { /* where libinih would cut */
        memset(text + 8, 'v', n);
        text[8 + n / 2] = '=';
        strcpy(text + 8 + n, "\n");
        memset(want + 5, 'v', n);
        want[5 + n / 2] = '=';
        strcpy(want + 5 + n, ";");
        accepted(text, want);
    }
    memset(text + 8, 'v', 8192 - 4); /* the longest line */
    strcpy(text + 4 + 8192, "\n");
    memset(want + 5, 'v', 8192 - 4);
    strcpy(want + 5 + 8192 - 4, ";");
    accepted(text, want);
    strcpy(text + 4 + 8192, "v\n");
    refused(text, 2, "longer");
}

static void faults_have_a_place(void **state)
{
    (void)state;
    refused("k = v\n", 1, "before the first");
    refused("[a]\nk\n", 2, "KEY = VALUE");
    refused("[a]\nbase: x=y\n", 2, "KEY = VALUE");
    refused("[a]\n= v\n", 2, "KEY = VALUE");
    refused("[a\n", 1, "[NAME]");
    refused("[]\n", 1, "[NAME]");
    refused("[a] x\n", 1, "[NAME]");
    refused("[a] ; x\n", 1, "[NAME]");
    refused("[a]\nk = 1\n\nk = 2\n", 4, "twice");
    refused("[a]\n[b]\n[a]\n", 3, "twice");
    refused("[a]\nk = a\x1B[1m\n", 2, "control character");
    refused("[a]\nk = a\rb\n", 2, "control character");
    refused("[a]\n\nk = \xFF\xFE\n", 3, "not UTF-8");
    refused("[a2345678901234567890123456789012345678901234567890]\n", 1,
            "longer than 49");
    refused("[a]\nk2345678901234567890123456789012345678901234567890 = 1\n", 2,
            "longer than 49");
    accepted("[a23456789012345678901234567890123456789012345678b]\n",
             "[a23456789012345678901234567890123456789012345678b]");
    accepted("[a]\nk234567890123456789012345678901234567890123456789   = 1\n",
             "[a]k234567890123456789012345678901234567890123456789=1;");
    accepted("[a]\nk                                                 = 1\n",
             "[a]k=1;");
    accepted("[a]\nk\u00A0= 1\n", "[a]k=1;");
}

static void values_are_never_quoted(void **state)
{
    static const char text[] = "k = s3cr3t\n[a]\ns3cr3t\nk = 1\nk = s3cr3t\n";

    (void)state;
    read_bytes(text, sizeof(text) - 1);
    assert_int_equal(problems.n, 3);
    for (size_t i = 0; i < problems.n; i++)
        assert_null(strstr(problems.text[i], "s3cr3t"));
}

static void what_is_no_text_is_said_once(void **state)
{
    static const char binary[] = "[a]\n\0\x01\n\xFF\n\0\n\xFE\n";
    char many[30001];

    (void)state;
    read_bytes(binary, sizeof(binary) - 1);
    assert_int_equal(problems.n, 1);
    assert_non_null(strstr(problems.text[0], "x.conf:2: this is not UTF-8"));
    read_bytes(NULL, 10 * 1024 * 1024);
    assert_int_equal(problems.n, 1);
    assert_non_null(strstr(problems.text[0], "x.conf: the file is larger"));
    memset(many, '\n', sizeof(many));
    read_bytes(many, sizeof(many));
    assert_int_equal(problems.n, 1);
    assert_non_null(strstr(problems.text[0], "more than 10000 lines"));
}

static void what_is_no_file_is_said(void **state)
{
    const char *path = folder_text("d/file", "");
    char *other = cs_memory_textn(path, strlen(path) - strlen("/file"));

    (void)state;
    cs_ini_read(other, take, &seen, &problems);
    assert_int_equal(problems.n, 1);
    assert_non_null(strstr(problems.text[0], "a directory"));
    free(other);
    other = cs_memory_format("%s.fifo", path);
    assert_int_equal(mkfifo(other, 0600), 0);
    cs_ini_read(other, take, &seen, &problems); /* and does not wait */
    assert_int_equal(problems.n, 2);
    assert_non_null(strstr(problems.text[1], "pipe"));
    free(other);
    other = cs_memory_format("%s.none", path);
    cs_ini_read(other, take, &seen, &problems);
    assert_int_equal(problems.n, 3);
    assert_non_null(strstr(problems.text[2], "No such file"));
    free(other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(sound_files_are_read, setup, teardown),
        cmocka_unit_test_setup_teardown(long_values_stay_whole, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(faults_have_a_place, setup, teardown),
        cmocka_unit_test_setup_teardown(values_are_never_quoted, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(what_is_no_text_is_said_once, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(what_is_no_file_is_said, setup,
                                        teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
