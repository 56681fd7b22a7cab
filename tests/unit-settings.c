/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* The layers of the configuration, and its own sections' tables. */
#include "config.h"

#include "folder.h"
#include "config/settings.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

static struct cs_settings *settings;
static struct cs_problems problems;

static int setup(void **state)
{
    (void)state;
    folder_new();
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    cs_settings_free(settings);
    settings = NULL;
    cs_problems_clear(&problems);
    folder_remove();
    return 0;
}

static void read_layers(const char *text, char **environment,
                        const char *const *sets)
{
    const struct cs_settings_request request = {
        .file = folder_text("main.conf", text),
        .environment = environment,
        .sets = sets,
    };

    cs_settings_free(settings);
    cs_problems_clear(&problems);
    cs_settings_read(&settings, &request, &problems);
}

static void accepted(const char *text)
{
    read_layers(text, NULL, NULL);
    if (problems.n > 0)
        print_message("%s\n", problems.text[0]);
    assert_int_equal(problems.n, 0);
}

/* Exactly one problem, which has all these words. */
static void one_problem(const char *first, const char *second)
{
    assert_int_equal(problems.n, 1);
    if (!strstr(problems.text[0], first) || !strstr(problems.text[0], second))
        fail_msg("\"%s\" lacks \"%s\" or \"%s\"", problems.text[0], first,
                 second);
}

static void refused(const char *text, const char *first, const char *second)
{
    read_layers(text, NULL, NULL);
    one_problem(first, second);
}

static void defaults_speak(void **state)
{
    bool percent;

    (void)state;
    accepted("");
    assert_int_equal(cs_settings_number(settings, "sync", "page_size"), 100);
    assert_string_equal(cs_settings_text(settings, "sync", "full_sync_day"),
                        "sunday");
    assert_true(cs_settings_decimal(settings, "secrets",
                                    "token_refresh_threshold") > 0.74);
    assert_true(cs_settings_limit(settings, "guard", "max_update", &percent) >
                74);
    assert_true(percent);
    assert_true(
        cs_settings_flag(settings, "retry", "rate_limit_respect_retry_after"));
    assert_null(cs_settings_text(settings, "session", "sink"));
    assert_null(cs_settings_find(settings, "sync", "page_size"));
}

/* Every default is one that a file may hold as well. */
static void defaults_are_sound(void **state)
{
    (void)state;
    for (const struct cs_settings_table *table = cs_settings_tables;
         table->section; table++)
        for (const struct cs_option *option = table->options; option->name;
             option++) {
            struct cs_setting setting = {(char *)table->section,
                                         (char *)option->name,
                                         (char *)option->fallback, NULL, 0};

            assert_non_null(option->help);
            assert_true(option->fallback || option->type & CS_OPT_OPTIONAL);
            if (option->fallback)
                assert_true(cs_settings_check(option, &setting, &problems));
        }
}

static void later_layers_win(void **state)
{
    char variable[] = "CLEVERSYNC_SYNC__PAGE_SIZE=4",
         over[] = "CLEVERSYNC_SYNC__BATCH_SIZE=4",
         other[] = "CLEVERSYNC_PLUGIN_DIR=/x",
         testing[] = "CLEVERSYNC_TEST_A__B=x",
         secret[] = "CLEVERSYNCSOS__CLEVER__CLIENTID=x";
    char *environment[] = {variable, over, other, testing, secret, NULL};
    const char *const sets[] = {"sync.batch_size=5", NULL};
    const struct cs_setting *setting;

    (void)state;
    folder_text("conf.d/20-b.conf", "[sync]\npage_size = 3\n");
    folder_text("conf.d/10-a.conf",
                "[sync]\npage_size = 2\ntimeout_minutes = 2\n"
                "[source.x]\n");
    folder_text("conf.d/30-c.conf.dpkg-old", "[nonsense\n");
    folder_text("conf.d/30-c.conf~", "[nonsense\n");
    folder_text("conf.d/.30-c.conf", "[nonsense\n");
    folder_text("conf.d/30-c.rpmnew", "[nonsense\n");
    read_layers("[sync]\npage_size = 1\ntimeout_minutes = 1\n"
                "delete = soft\nbatch_size = 1\n",
                environment, sets);
    assert_int_equal(problems.n, 0);
    cs_settings_unclaimed(settings, &problems);
    assert_int_equal(problems.n, 0);
    assert_int_equal(cs_settings_number(settings, "sync", "page_size"), 4);
    assert_int_equal(cs_settings_number(settings, "sync", "timeout_minutes"),
                     2);
    assert_int_equal(cs_settings_number(settings, "sync", "batch_size"), 5);
    assert_string_equal(cs_settings_text(settings, "sync", "delete"), "soft");
    setting = cs_settings_find(settings, "sync", "page_size");
    assert_string_equal(setting->file,
                        "environment CLEVERSYNC_SYNC__PAGE_SIZE");
    setting = cs_settings_find(settings, "sync", "timeout_minutes");
    assert_non_null(strstr(setting->file, "conf.d/10-a.conf"));
    assert_int_equal(setting->line, 3);
    assert_string_equal(cs_settings_sections(settings)[0], "source.x");
    assert_string_equal(cs_settings_sections(settings)[1], "sync");
    assert_null(cs_settings_sections(settings)[2]);
    assert_int_equal(cs_settings_count(settings), 4);
}

static void unknown_names_have_a_neighbour(void **state)
{
    (void)state;
    refused("[sync]\npage_sise = 1\n", "main.conf:2: ", "mean page_size?");
    refused("\n[sycn]\npage_size = 1\n", "main.conf:2: ", "mean [sync]?");
    refused("[sorce.x]\nbase = 1\n", "main.conf:1: ", "mean [source.x]?");
    refused("[sink]\n", "main.conf:1: ", "[sink.NAME]");
    refused("[sink.A B]\n", "main.conf:1: ", "small letters");
    refused("[altogether-different]\n", "main.conf:1: ", "no section");
    refused("[pipeline.x]\nsorce = y\n", "main.conf:2: ", "mean source?");
}

static void values_are_checked(void **state)
{
    (void)state;
    refused("[sync]\npage_size = ten\n", "main.conf:2: ", "not \"ten\"");
    refused("[sync]\npage_size = 0\n", "from 1 to 10000", "not \"0\"");
    refused("[sync]\npage_size = 10001\n", "whole number", "10001");
    refused("[sync]\npage_size = 1.5\n", "whole number", "1.5");
    refused("[sync]\npage_size =\n", "must not be empty", "page_size");
    refused("[sync]\npage_size_max = 50\n", "main.conf:2: ", "less than");
    refused("[sync]\npage_size_max = 50\npage_size = 51\n", ":2: ", "less");
    accepted("[sync]\npage_size_max = 50\npage_size = 50\n");
    refused("[sync]\ndefault_mode = Full\n", "incremental or full", "Full");
    refused("[sync]\nfull_sync_day = funday\n", "sunday", "funday");
    accepted("[sync]\nfull_sync_day =\n");
    assert_string_equal(cs_settings_text(settings, "sync", "full_sync_day"),
                        "");
    refused("[sync]\ntime_zone = Mars/Olympus\n", ":2: ", "time_zone");
    refused("[sync]\ntime_zone = ../../../etc/passwd\n", ":2: ", "time_zone");
    refused("[sync]\ntime_zone = Etc/../UTC\n", ":2: ", "time_zone");
    refused("[sync]\ntime_zone = America\n", ":2: ", "time_zone");
    accepted("[sync]\ntime_zone = UTC\n");
    refused("[secrets]\ntoken_refresh_threshold = 1\n", "0.999", "\"1\"");
    refused("[secrets]\ntoken_refresh_threshold = 0\n", "0.001", "\"0\"");
    accepted("[retry]\nclever_api_backoff_base = 0.01\n");
    refused("[retry]\nrate_limit_respect_retry_after = yes\n", "true or false",
            "yes");
    refused("[guard]\nmax_delete = 110%\n", "percentage", "110%");
    accepted("[guard]\nmax_delete = 25\n");
    refused("[logging]\nsanitize_secrets = false\n", "must be true", ":2:");
    refused("[cleversync]\nsecret_prefix = A--B\n", "secret_prefix", ":2:");
}

static void long_values_are_not_quoted(void **state)
{
    (void)state;
    refused("[sync]\npage_size = aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n",
            ":2: ", "page_size");
    assert_null(strstr(problems.text[0], "aaaa"));
}

static void set_is_checked(void **state)
{
    static const char *const bad[] = {"x",      "sync.page_size", "=5", "a=5",
                                      ".key=1", "sync.=1",        NULL};
    const char *const unknown[] = {"sync.page_sise=5", NULL};
    const char *const dotted[] = {"sink.schools.path=a.b=c", NULL};

    (void)state;
    read_layers("", NULL, bad);
    assert_int_equal(problems.n, 6);
    read_layers("", NULL, unknown);
    one_problem("--set: ", "page_size?");
    read_layers("", NULL, dotted);
    assert_int_equal(problems.n, 0);
    assert_string_equal(
        cs_settings_find(settings, "sink.schools", "path")->value, "a.b=c");
}

static void variables_that_nobody_knows_are_said(void **state)
{
    char wrong[] = "CLEVERSYNC_SYNC__PAGE_SISE=4",
         odd[] = "CLEVERSYNC_SYNC__DELETE=\x1B[1m";
    char *environment[] = {wrong, NULL}, *other[] = {odd, NULL};

    (void)state;
    read_layers("", environment, NULL);
    assert_int_equal(problems.n, 0);
    cs_settings_unclaimed(settings, &problems);
    one_problem("CLEVERSYNC_SYNC__PAGE_SISE",
                "mean CLEVERSYNC_SYNC__PAGE_SIZE");
    read_layers("", other, NULL);
    one_problem("environment", "CLEVERSYNC_");
}

/* Two sections may look alike in the environment. */
static void a_variable_with_two_meanings_is_said(void **state)
{
    static const struct cs_option options[] = {
        {"path", CS_OPT_TEXT, NULL, NULL, "where"},
        {NULL, 0, NULL, NULL, NULL},
    };
    char variable[] = "CLEVERSYNC_SINK_A_B__PATH=x";
    char *environment[] = {variable, NULL};

    (void)state;
    read_layers("[sink.a-b]\n[sink.a_b]\n", environment, NULL);
    cs_settings_know(settings, "sink.a-b", options, NULL, &problems);
    assert_int_equal(problems.n, 0);
    assert_string_equal(cs_settings_find(settings, "sink.a-b", "path")->value,
                        "x");
    cs_settings_know(settings, "sink.a_b", options, NULL, &problems);
    one_problem("[sink.a-b] path", "[sink.a_b] path");
}

static void a_lacking_file_is_said(void **state)
{
    const struct cs_settings_request request = {.file = "/nonexistent/x.conf"};

    (void)state;
    cs_settings_read(&settings, &request, &problems);
    one_problem("/nonexistent/x.conf: ", "No such file");
    assert_string_equal(cs_settings_dropins(settings), "/nonexistent/conf.d");
}

#define TEST(NAME) cmocka_unit_test_setup_teardown(NAME, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(defaults_speak),
        TEST(defaults_are_sound),
        TEST(later_layers_win),
        TEST(unknown_names_have_a_neighbour),
        TEST(values_are_checked),
        TEST(long_values_are_not_quoted),
        TEST(set_is_checked),
        TEST(variables_that_nobody_knows_are_said),
        TEST(a_variable_with_two_meanings_is_said),
        TEST(a_lacking_file_is_said),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
