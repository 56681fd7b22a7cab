/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* Metrics: what is counted and learnt, and that Prometheus finds no fault with
 * how it is told. */
#include "config.h"

#include "metrics/counters.h"
#include "fake-sink.h"
#include "folder.h"
#include "database/history.h"
#include "base/memory.h"
#include "metrics/metrics-text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define NOW INT64_C(1767225600000000) /* 2026-01-01 */
#define assert_ok(CALL) assert_int_equal((CALL), CS_OK)

/* ---- The program around it ----------------------------------------------- */

static const struct cs_entity student = {.name = "student"};
static const struct cs_module mapper_module = {
    .kind = CS_MAPPER, .ops.mapper = {.entity = &student}};
static char names[][16] = {"sink.session", "mapper.student", "sink.schools"};
static struct cs_part sink = {names[0], "session", &fake_sink_module},
                      mapper = {names[1], "student", &mapper_module},
                      schools_sink = {names[2], "schools", &fake_sink_module};
static struct cs_pipeline pipeline = {
    .name = "student", .mapper = &mapper, .sink = &schools_sink};
static struct cs_app app;
static struct cs_session *session;
static struct cs_metrics *metrics;
static struct cs_registry registry;
static struct cs_error error;

static int setup(void **state)
{
    struct cs_school_new schools[] = {
        {.clever_id = "s1",
         .district_clever_id = "d1",
         .name = "Adams",
         .active = true},
        {.clever_id = "s2", .district_clever_id = "d1", .name = "Baker"}};
    struct cs_settings_request request = {0};
    struct cs_problems problems = {0};
    size_t made;

    (void)state;
    cs_clock_turn(NOW);
    folder_new();
    request.file = folder_text("cleversync.conf", "");
    app = (struct cs_app){0};
    cs_settings_read(&app.settings, &request, &problems);
    app.wiring.session = &sink;
    app.wiring.pipelines = &pipeline;
    app.wiring.npipelines = 1;
    app.cancel = cs_cancel_new(NULL, 0);
    assert_ok(cs_session_init(&app, &made, &error));
    assert_ok(cs_session_open(&session, &app, &error));
    assert_ok(cs_registry_add_district(session, "d1", "Lab", "Lab", &error));
    assert_ok(cs_registry_add_schools(session, schools, 2, &error));
    assert_ok(cs_registry_load(session, &registry, &error));
    metrics = cs_metrics_new();
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    cs_metrics_free(metrics);
    cs_registry_clear(&registry);
    cs_session_close(session);
    cs_cancel_free(app.cancel);
    cs_settings_free(app.settings);
    fake_sink_clear();
    folder_remove();
    return 0;
}

size_t cs_runs_active(struct cs_runs *runs)
{
    (void)runs;
    return 2;
}

static char *text_of(enum cs_metrics_format format)
{
    static const struct cs_schedule_state schedule = {
        .next = NOW + CS_SECOND, .skipped = 3, .caught_up = 1};
    const struct cs_metrics_rooms rooms = {.runs = (struct cs_runs *)&app,
                                           .schedule = &schedule};

    return cs_metrics_text(metrics, &rooms, format);
}

static bool tells(enum cs_metrics_format format, const char *line)
{
    char *text = text_of(format), *wanted = cs_memory_format("\n%s\n", line);
    bool found = strstr(text, wanted) != NULL;

    free(wanted);
    free(text);
    return found;
}

#define assert_tells(LINE) assert_true(tells(CS_METRICS_PROMETHEUS, LINE))

static void learn(void)
{
    assert_ok(cs_metrics_learn(metrics, session, &app.wiring, &error));
}

/* ---- The last success ---------------------------------------------------- */

static void write_history(int64_t school, const char *run, const char *status,
                          int64_t end)
{
    char *key = cs_memory_format("%s/%lld/Student", run, (long long)school);
    struct cs_history row = {.school = school,
                             .key = key,
                             .run = run,
                             .entity = "Student",
                             .type = "Full",
                             .status = status,
                             .start = end - CS_SECOND,
                             .end = end};

    assert_ok(cs_history_begin(session, &row, &error));
    free(key);
}

static int64_t id_of(const char *clever_id)
{
    return cs_registry_school(&registry, clever_id)->id;
}

#define LAST                                     \
    "cleversync_last_success_timestamp_seconds{" \
    "district=\"d1\",school=\"s1\",entity=\"Student\"} "

static void last_success_from_the_start(void **state)
{
    (void)state;
    learn();
    assert_tells(LAST "0");
    write_history(id_of("s1"), "r1", CS_HISTORY_SUCCESS, NOW - 60 * CS_SECOND);
    write_history(id_of("s1"), "r2", CS_HISTORY_PARTIAL, NOW - 30 * CS_SECOND);
    write_history(id_of("s2"), "r1", CS_HISTORY_SUCCESS, NOW);
    learn(); /* another process may have synced */
    assert_tells(LAST "1767225540");
}

static void last_success_of_long_ago(void **state)
{
    char run[16];

    (void)state;
    write_history(id_of("s1"), "r0", CS_HISTORY_SUCCESS,
                  NOW - 86400 * CS_SECOND);
    for (int i = 1; i <= 100; i++) {
        snprintf(run, sizeof(run), "r%d", i);
        write_history(id_of("s1"), run, CS_HISTORY_FAILED, NOW);
    }
    learn();
    assert_tells(LAST "1767139200");
}

static void none_of_the_inactive(void **state)
{
    static const bool no = false;
    const struct cs_school_change change = {.active = &no};
    char *text;

    (void)state;
    learn();
    assert_tells(LAST "0");
    assert_ok(cs_registry_set_school(
        session, cs_registry_school(&registry, "s1"), &change, &error));
    learn();
    text = text_of(CS_METRICS_PROMETHEUS);
    assert_null(strstr(text, "cleversync_last_success"));
    assert_null(strstr(text, "s2"));
    free(text);
}

static void away(void **state)
{
    (void)state;
    fake_sink_fail(1, SIZE_MAX);
    assert_int_equal(cs_metrics_learn(metrics, session, &app.wiring, &error),
                     CS_E_RETRY);
    assert_tells("cleversync_run_duration_seconds_count 0");
}

struct cs_app *cs_generations_borrow(struct cs_generations *generations)
{
    (void)generations;
    return &app;
}

void cs_generations_return(struct cs_generations *generations,
                           struct cs_app *returned)
{
    (void)generations, (void)returned;
}

static void await(const char *line)
{
    const struct timespec moment = {0, 1000000};

    while (!tells(CS_METRICS_PROMETHEUS, line))
        nanosleep(&moment, NULL);
}

static void follows_the_history(void **state)
{
    struct cs_metrics_follower *follower;

    (void)state;
    follower = cs_metrics_follow(metrics, (struct cs_generations *)&app);
    await(LAST "0");
    assert_tells("cleversync_database_repeats_total{section=\"sink.schools\"} "
                 "0");
    assert_true(cs_metrics_unfollow(follower, 3600 * CS_SECOND));
    write_history(id_of("s1"), "r1", CS_HISTORY_SUCCESS, NOW);
    follower = cs_metrics_follow(metrics, (struct cs_generations *)&app);
    await(LAST "1767225600");
    assert_true(cs_metrics_unfollow(follower, 3600 * CS_SECOND));
    assert_true(cs_metrics_unfollow(NULL, 0));
}

/* ---- Runs ---------------------------------------------------------------- */

static void sync_school(struct cs_run *run, int status_code)
{
    char label[] = "Student";
    struct cs_sync_entity entity = {.label = label,
                                    .status_code = status_code,
                                    .result = {.read = 10,
                                               .inserted = 1,
                                               .updated = 2,
                                               .restored = 3,
                                               .deactivated = 4,
                                               .deleted = 5,
                                               .rejected = 6,
                                               .held = 7}};
    struct cs_sync_school school = {.school = &registry.schools[0],
                                    .entities = &entity,
                                    .nentities = 1,
                                    .status_code = status_code,
                                    .started = 0,
                                    .ended = 2500000};

    cs_metrics_school(metrics, run, &school);
}

#define RECORDS                                                      \
    "cleversync_records_total{district=\"d1\",school=\"s1\",entity=" \
    "\"Student\","

static void syncs_are_counted(void **state)
{
    struct cs_run run = {.took = 3 * CS_SECOND, .status_code = CS_EXIT_PARTIAL};

    (void)state;
    learn();
    assert_tells(RECORDS "outcome=\"held\"} 0");
    sync_school(&run, CS_EXIT_OK);
    sync_school(&run, CS_EXIT_HELD);
    sync_school(&run, CS_EXIT_FAILED);
    cs_metrics_ended(metrics, &run);
    assert_tells(RECORDS "outcome=\"read\"} 30");
    assert_tells(RECORDS "outcome=\"inserted\"} 3");
    assert_tells(RECORDS "outcome=\"updated\"} 6");
    assert_tells(RECORDS "outcome=\"restored\"} 9");
    assert_tells(RECORDS "outcome=\"deactivated\"} 12");
    assert_tells(RECORDS "outcome=\"deleted\"} 15");
    assert_tells(RECORDS "outcome=\"rejected\"} 18");
    assert_tells(RECORDS "outcome=\"held\"} 21");
    assert_tells("cleversync_syncs_total{district=\"d1\",school=\"s1\","
                 "entity=\"Student\",result=\"partial\"} 1");
    assert_tells("cleversync_school_syncs_total{district=\"d1\","
                 "school=\"s1\",result=\"failed\"} 1");
    assert_tells("cleversync_school_sync_duration_seconds_sum{"
                 "district=\"d1\",school=\"s1\"} 7.5");
    assert_tells("cleversync_school_sync_duration_seconds_count{"
                 "district=\"d1\",school=\"s1\"} 3");
    assert_tells("cleversync_school_last_sync_duration_seconds{"
                 "district=\"d1\",school=\"s1\"} 2.5");
    assert_tells("cleversync_runs_total{result=\"partial\"} 1");
    assert_tells("cleversync_run_duration_seconds_sum 3");
    assert_tells(LAST "1767225600");
}

static void what_was_not_done_is_not_counted(void **state)
{
    struct cs_run run = {.dry = true};
    struct cs_sync_school busy = {.school = &registry.schools[0],
                                  .busy = true,
                                  .status_code = CS_EXIT_BUSY};
    struct cs_sync_school elsewhere = {.school = &registry.schools[0]};
    struct cs_sync_school failed = {.school = &registry.schools[0],
                                    .status_code = CS_EXIT_TRANSIENT};

    (void)state;
    sync_school(&run, CS_EXIT_OK);
    cs_metrics_ended(metrics, &run);
    run.dry = false;
    cs_metrics_school(metrics, &run, &busy);
    cs_metrics_school(metrics, &run, &elsewhere);
    assert_false(tells(CS_METRICS_PROMETHEUS, LAST "1767225600"));
    assert_tells("cleversync_run_duration_seconds_count 0");
    cs_metrics_school(metrics, &run, &failed); /* before any entity */
    assert_tells("cleversync_school_syncs_total{district=\"d1\","
                 "school=\"s1\",result=\"failed\"} 1");
    assert_tells("cleversync_school_syncs_total{district=\"d1\","
                 "school=\"s1\",result=\"success\"} 0");
}

/* ---- What others count --------------------------------------------------- */

static void counters(void **state)
{
    (void)state;
    cs_counters_add(CS_COUNTER_REQUESTS, "source.x", "200", 1);
    cs_counters_add(CS_COUNTER_REQUESTS, "source.x", "200", 1);
    cs_counters_add(CS_COUNTER_REQUESTS, "source.x", "none", 1);
    cs_counters_add(CS_COUNTER_WAITED, "source.x", NULL, 0.25);
    cs_counters_add(CS_COUNTER_SECRETS, "credential.env", "found", 1);
    assert_tells("cleversync_http_requests_total{section=\"source.x\","
                 "status=\"200\"} 2");
    assert_tells("cleversync_http_requests_total{section=\"source.x\","
                 "status=\"none\"} 1");
    assert_tells("cleversync_http_limit_wait_seconds_total{"
                 "section=\"source.x\"} 0.25");
    assert_tells("cleversync_secret_reads_total{store=\"credential.env\","
                 "outcome=\"found\"} 1");
    cs_counters_add(CS_COUNTER_DATABASE, "sink.x", NULL, 2);
    assert_tells("cleversync_database_repeats_total{section=\"sink.x\"} 2");
    assert_tells("cleversync_runs_active 2");
    assert_tells("cleversync_schedule_skipped_ticks_total 3");
    assert_tells("cleversync_schedule_next_timestamp_seconds 1767225601");
}

static void process(void **state)
{
    static const char *const families[] = {"process_cpu_seconds_total",
                                           "process_resident_memory_bytes",
                                           "process_virtual_memory_bytes",
                                           "process_open_fds",
                                           "process_max_fds",
                                           "process_start_time_seconds"};
    char *text = text_of(CS_METRICS_PROMETHEUS);

    (void)state;
    for (size_t i = 0; i < sizeof(families) / sizeof(families[0]); i++) {
        char *line = cs_memory_format("\n%s ", families[i]);
        const char *found = strstr(text, line);

        assert_non_null(found);
        assert_true(strtod(found + strlen(line), NULL) >= 0);
        free(line);
    }
    free(text);
}

/* ---- The formats --------------------------------------------------------- */

static void accept(void **state)
{
    static const struct {
        const char *accept;
        enum cs_metrics_format format;
    } cases[] = {
        {NULL, CS_METRICS_PROMETHEUS},
        {"", CS_METRICS_PROMETHEUS},
        {"*/*", CS_METRICS_PROMETHEUS},
        {"text/plain", CS_METRICS_PROMETHEUS},
        {"application/openmetrics-text", CS_METRICS_OPENMETRICS},
        {"Application/OpenMetrics-Text; version=\"1.0.0\"",
         CS_METRICS_OPENMETRICS},
        {"application/openmetrics-text;version=0.0.1", CS_METRICS_PROMETHEUS},
        {"application/openmetrics-textual", CS_METRICS_PROMETHEUS},
        {"application/openmetrics-text;q=0", CS_METRICS_PROMETHEUS},
        {"application/openmetrics-text;version=1.0.0;q=0.5,"
         "application/openmetrics-text;version=0.0.1;q=0.4,"
         "text/plain;version=0.0.4;q=0.3,*/*;q=0.2",
         CS_METRICS_OPENMETRICS},
        {"text/plain, application/openmetrics-text ; q=0.5",
         CS_METRICS_PROMETHEUS},
        {",;q=, ,application/openmetrics-text;;", CS_METRICS_OPENMETRICS},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_int_equal(cs_metrics_choose(cases[i].accept), cases[i].format);
    assert_string_equal(cs_metrics_type(CS_METRICS_PROMETHEUS),
                        "text/plain; version=0.0.4; charset=utf-8");
    assert_string_equal(
        cs_metrics_type(CS_METRICS_OPENMETRICS),
        "application/openmetrics-text; version=1.0.0; charset=utf-8");
}

static void labels_are_escaped(void **state)
{
    static const struct cs_metrics_family counter = {"a", CS_METRICS_COUNTER,
                                                     "Help."},
                                          none = {"b", CS_METRICS_GAUGE,
                                                  "Help."};
    const struct cs_metrics_label labels[] = {{"x", "\\ \" \n {"},
                                              {NULL, NULL}};
    struct cs_metrics_text text = {.format = CS_METRICS_OPENMETRICS};
    char *bytes;
    size_t size;

    (void)state;
    text.out = open_memstream(&bytes, &size);
    cs_metrics_text_family(&text, &none);
    cs_metrics_text_family(&text, &counter);
    cs_metrics_text_sample(&text, labels, 1.5);
    cs_metrics_text_end(&text);
    fclose(text.out);
    assert_string_equal(bytes, "# HELP a Help.\n# TYPE a counter\n"
                               "a_total{x=\"\\\\ \\\" \\n {\"} 1.5\n# EOF\n");
    free(bytes);
}

static void both_formats(void **state)
{
    (void)state;
    assert_true(tells(CS_METRICS_PROMETHEUS,
                      "# TYPE cleversync_records_total counter") ==
                false); /* nothing is there yet */
    learn();
    assert_true(tells(CS_METRICS_PROMETHEUS,
                      "# TYPE cleversync_records_total counter"));
    assert_true(
        tells(CS_METRICS_OPENMETRICS, "# TYPE cleversync_records counter"));
    assert_true(tells(CS_METRICS_OPENMETRICS, RECORDS "outcome=\"read\"} 0"));
    assert_true(tells(CS_METRICS_OPENMETRICS, "# EOF") == true);
    assert_false(tells(CS_METRICS_PROMETHEUS, "# EOF"));
}

static void prometheus_finds_no_fault(void **state)
{
    struct cs_run run = {.took = 1};
    char *text, *command;
    FILE *promtool;

    (void)state;
    if (system("command -v promtool >/dev/null 2>&1") != 0)
        skip();
    learn();
    sync_school(&run, CS_EXIT_OK);
    cs_metrics_ended(metrics, &run);
    text = text_of(CS_METRICS_PROMETHEUS);
    command = cs_memory_format("promtool check metrics >'%s' 2>&1",
                               folder_text("said", ""));
    promtool = popen(command, "w");
    assert_non_null(promtool);
    assert_true(fputs(text, promtool) >= 0);
    assert_int_equal(pclose(promtool), 0);
    free(command);
    free(text);
}

static void alerts_are_sound(void **state)
{
    const char *srcdir = getenv("srcdir");
    char *command;

    (void)state;
    if (srcdir == NULL || system("command -v promtool >/dev/null 2>&1") != 0)
        skip();
    command = cs_memory_format(
        "promtool check rules '%s/docs/prometheus-alerts.yml' >'%s' 2>&1",
        srcdir, folder_text("said", ""));
    assert_int_equal(system(command), 0);
    free(command);
}

int main(void)
{
#define TEST(function) \
    cmocka_unit_test_setup_teardown(function, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(last_success_from_the_start),
        TEST(last_success_of_long_ago),
        TEST(none_of_the_inactive),
        TEST(away),
        TEST(follows_the_history),
        TEST(syncs_are_counted),
        TEST(what_was_not_done_is_not_counted),
        TEST(counters),
        TEST(process),
        TEST(accept),
        TEST(labels_are_escaped),
        TEST(both_formats),
        TEST(prometheus_finds_no_fault),
        TEST(alerts_are_sound),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
