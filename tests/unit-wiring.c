/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* Sections become instances of plugins, and pipelines join them. */
#include "config.h"

#include "folder.h"
#include "base/memory.h"
#include "config/wiring.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#define CHAIN "[cleversync]\ncredentials = vault\n"
#define STORE "[sink.schools]\nplugin = store\npath = /x/{school_prefix}.db\n"
#define PIPE                                                         \
    "[pipeline.p]\nsource = listing\ndelta = feed\nmapper = pupil\n" \
    "sink = schools\n"

static char *plugins;
static struct cs_settings *settings;
static struct cs_loader *loader;
static struct cs_wiring wiring;
static struct cs_problems problems;

static void forget(void)
{
    cs_wiring_clear(&wiring);
    cs_settings_free(settings);
    cs_problems_clear(&problems);
    settings = NULL;
}

static int setup(void **state)
{
    struct cs_error error = {0};

    (void)state;
    folder_new();
    assert_int_equal(cs_loader_new(&loader, plugins, &error), CS_OK);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    forget();
    cs_loader_free(loader);
    folder_remove();
    return 0;
}

static void make(const char *text, char **environment)
{
    struct cs_settings_request request = {.file = folder_text("c.conf", text),
                                          .environment = environment};

    forget();
    cs_settings_read(&settings, &request, &problems);
    cs_wiring_make(&wiring, settings, loader, &problems);
}

static void accepted(const char *text, char **environment)
{
    make(text, environment);
    if (problems.n > 0)
        fail_msg("%s", problems.text[0]);
}

static void refused(const char *text, const char *first, const char *second)
{
    make(text, NULL);
    if (problems.n != 1 || !strstr(problems.text[0], first) ||
        !strstr(problems.text[0], second))
        fail_msg("%zu problems, \"%s\" lacks \"%s\" or \"%s\"", problems.n,
                 problems.n ? problems.text[0] : "", first, second);
}

static void a_sound_configuration_is_wired(void **state)
{
    const struct cs_pipeline *pipeline;

    (void)state;
    accepted(CHAIN STORE PIPE "[session]\nsink = session\n"
                              "[sink.session]\nplugin = store\npath = /s\n"
                              "rows = 7\nlogin = A--{secret_prefix} B\n",
             NULL);
    assert_int_equal(wiring.ncredentials, 1);
    assert_string_equal(wiring.credentials[0]->section, "credential.vault");
    assert_string_equal(wiring.session->section, "sink.session");
    assert_int_equal(wiring.npipelines, 1);
    pipeline = &wiring.pipelines[0];
    assert_string_equal(pipeline->name, "p");
    assert_string_equal(pipeline->source->section, "source.listing");
    assert_string_equal(pipeline->delta->name, "feed");
    assert_string_equal(pipeline->mapper->module->plugin.name, "pupil");
    assert_string_equal(pipeline->sink->name, "schools");
    assert_string_equal(pipeline->sink->module->plugin.name, "store");
    assert_string_equal(cs_wiring_value(settings, pipeline->sink, "path"),
                        "/x/{school_prefix}.db");
    assert_string_equal(cs_wiring_value(settings, pipeline->sink, "rows"),
                        "10");
    assert_string_equal(cs_wiring_value(settings, wiring.session, "rows"), "7");
    assert_null(cs_wiring_value(settings, pipeline->sink, "login"));
    assert_null(cs_wiring_value(settings, pipeline->sink, "plugin"));
    assert_int_equal(wiring.nparts, 6);
}

static void a_file_without_pipelines_is_sound(void **state)
{
    (void)state;
    accepted(CHAIN, NULL);
    assert_int_equal(wiring.npipelines, 0);
    assert_null(wiring.session);
    accepted("[cleversync]\ncredentials = vault\n[source.listing]\n", NULL);
    assert_int_equal(wiring.nparts, 2);
}

static void plugins_that_are_lacking_are_said(void **state)
{
    (void)state;
    refused(CHAIN STORE "[pipeline.p]\nsource = listing\nmapper = pupli\n"
                        "sink = schools\n",
            "c.conf:8: ", "mean pupil?");
    refused(CHAIN STORE "[pipeline.p]\nsource = listing\nmapper = pupil\n"
                        "sink = schols\n",
            "c.conf:9: ", "mean schools?");
    refused(CHAIN "[sink.schools]\nplugin = stroe\n",
            "c.conf:4: ", "mean store?");
    refused(CHAIN "[sink.schools]\npath = /x\n",
            "c.conf:3: ", "names no plugin");
    refused("[cleversync]\ncredentials = vualt\n", "c.conf:2: ", "mean vault?");
    refused(CHAIN "[session]\nsink = no-commit\n", "c.conf:4: ", "rollback");
    refused("[cleversync]\ncredentials = vault vault\n", "c.conf:2: ", "twice");
    /* Said once, however many need it. */
    refused(CHAIN STORE PIPE
            "[pipeline.q]\nsource = nothing\nmapper = pupil\nsink = schools\n"
            "[pipeline.r]\nsource = nothing\nmapper = pupil\nsink = schools\n",
            "c.conf:12: ", "nothing");
}

static void sections_are_checked_by_their_plugins_table(void **state)
{
    (void)state;
    refused(CHAIN STORE "pth = /x\n", "c.conf:6: ", "mean path?");
    refused(CHAIN STORE "rows = 101\n", "c.conf:6: ", "from 1 to 100");
    refused(CHAIN STORE "sync = yes\n", "c.conf:6: ", "true or false");
    refused(CHAIN STORE "speed = medium\n", "c.conf:6: ", "fast or slow");
    refused(CHAIN "[sink.a]\nplugin = store\n",
            "c.conf:3: ", "[sink.a] path must be set");
    refused(CHAIN "[sink.a]\nplugin = store\npath =\n", "c.conf:5: ", "empty");
    refused(CHAIN "[sink.a]\nplugin = store\npath = /{school}.db\n",
            "c.conf:5: ", "{school}");
    refused(CHAIN "[pipeline.p]\nsource = listing\nmapper = pupil\n"
                  "sink = store\n",
            "c.conf:6: ", "[sink.store] path must be set");
}

/* What may be a secret itself is not shown. */
static void secrets_are_not_quoted(void **state)
{
    (void)state;
    refused(CHAIN STORE "login = s3cr3t!\n", "c.conf:6: ", "name of a secret");
    assert_null(strstr(problems.text[0], "s3cr3t"));
}

static void pipelines_are_checked(void **state)
{
    (void)state;
    refused(CHAIN STORE "[pipeline.p]\nsource = feed\nmapper = pupil\n"
                        "sink = schools\n",
            "c.conf:7: ", "a feed of changes, not full listings");
    refused(CHAIN STORE "[pipeline.p]\nsource = listing\ndelta = listing\n"
                        "mapper = pupil\nsink = schools\n",
            "c.conf:8: ", "full listings, not a feed of changes");
    refused(CHAIN STORE "[pipeline.p]\nsource = listing\nsink = schools\n",
            "c.conf:6: ", "[pipeline.p] mapper must be set");
    refused(CHAIN STORE PIPE "[pipeline.q]\nsource = listing\n"
                             "mapper = pupil\nsink = schools\n",
            "c.conf:14: ", "[pipeline.q] and [pipeline.p] both write Pupils");
    accepted(CHAIN STORE PIPE
             "[sink.other]\nplugin = store\npath = /y\n"
             "[pipeline.q]\nsource = listing\nmapper = pupil\nsink = other\n",
             NULL);
    accepted(CHAIN STORE "[pipeline.p]\nsource = listing\ndelta =\n"
                         "mapper = pupil\nsink = schools\n",
             NULL);
}

static void variables_reach_plugins(void **state)
{
    char rows[] = "CLEVERSYNC_SINK_SCHOOLS__ROWS=9",
         plugin[] = "CLEVERSYNC_SINK_SCHOOLS__PLUGIN=store",
         path[] = "CLEVERSYNC_SINK_SCHOOLS__PATH=/e",
         source[] = "CLEVERSYNC_PIPELINE_P__DELTA=",
         wrong[] = "CLEVERSYNC_SINK_SCHOOLS__ROSW=9",
         value[] = "CLEVERSYNC_SINK_SCHOOLS__ROWS=nine";
    char *some[] = {rows, plugin, path, source, NULL}, *bad[] = {wrong, NULL},
         *worse[] = {value, NULL};

    (void)state;
    accepted(CHAIN PIPE, some); /* without any section for the sink */
    assert_string_equal(
        cs_wiring_value(settings, wiring.pipelines[0].sink, "rows"), "9");
    assert_string_equal(
        cs_wiring_value(settings, wiring.pipelines[0].sink, "path"), "/e");
    assert_null(wiring.pipelines[0].delta);
    make(CHAIN STORE PIPE, bad);
    assert_int_equal(problems.n, 1);
    assert_non_null(
        strstr(problems.text[0], "mean CLEVERSYNC_SINK_SCHOOLS__ROWS?"));
    make(CHAIN STORE PIPE, worse);
    assert_int_equal(problems.n, 1);
    assert_non_null(strstr(problems.text[0],
                           "environment CLEVERSYNC_SINK_SCHOOLS__ROWS: "));
}

#define TEST(NAME) cmocka_unit_test_setup_teardown(NAME, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_sound_configuration_is_wired),
        TEST(a_file_without_pipelines_is_sound),
        TEST(plugins_that_are_lacking_are_said),
        TEST(sections_are_checked_by_their_plugins_table),
        TEST(secrets_are_not_quoted),
        TEST(pipelines_are_checked),
        TEST(variables_reach_plugins),
    };
    const char *build = getenv("builddir");
    int status;

    plugins = cs_memory_format("%s/tests/plugins", build ? build : ".");
    status = cmocka_run_group_tests(tests, NULL, NULL);
    free(plugins);
    return status;
}
