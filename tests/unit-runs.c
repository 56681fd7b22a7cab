/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* The runs of a daemon, against a Clever that takes requests and never answers:
 * a run is on until it is cancelled. */
#include "config.h"

#include "daemon/runs.h"

#include "daemon-frame.h"
#include "database/session.h"
#include "folder.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#define assert_ok(CALL) assert_int_equal(CALL, CS_OK)

static struct cs_cancel *cancel;
static struct cs_generations *generations;
static struct cs_runs *runs;
static struct cs_error error;

/* ---- A configuration, two schools, and a Clever that hangs --------------- */

static const char *write_config(const char *folder, unsigned port)
{
    char text[2048];

    snprintf(text, sizeof(text),
             "[cleversync]\ncredentials = env\n"
             "[session]\nsink = session\n"
             "[sink.session]\nplugin = sqlite-test\npath = %s/session.db\n"
             "[sink.schools]\nplugin = sqlite-test\n"
             "path = %s/{school_prefix}.db\n"
             "[source.clever-data]\nbase_url = http://127.0.0.1:%u/v3.0\n"
             "[pipeline.student]\nsource = clever-data\nmapper = student\n"
             "sink = schools\n[concurrency]\n"
             "max_schools_in_parallel = 1\n[logging]\nlevel = error\n",
             folder, folder, port);
    return folder_text("cleversync.conf", text);
}

static void register_schools(void)
{
    struct cs_app *app = cs_generations_borrow(generations);
    struct cs_school_new schools[] = {
        {.clever_id = "a1",
         .district_clever_id = "d1",
         .name = "A",
         .active = true},
        {.clever_id = "b1",
         .district_clever_id = "d1",
         .name = "B",
         .active = true},
    };
    struct cs_session *session;
    size_t made;

    assert_ok(cs_session_init(app, &made, &error));
    assert_ok(cs_session_open(&session, app, &error));
    assert_ok(cs_registry_add_district(session, "d1", "Lab", "Lab", &error));
    assert_ok(cs_registry_add_schools(session, schools, 2, &error));
    cs_session_close(session);
    cs_generations_return(generations, app);
}

/* ---- Asking -------------------------------------------------------------- */

static struct cs_runs_request of(const char *district, const char *school)
{
    return (struct cs_runs_request){
        .cause = CS_RUNS_API, .district = district, .school = school};
}

static int may(const char *district, const char *school)
{
    struct cs_runs_request request = of(district, school);

    return cs_runs_check(runs, &request, &error);
}

static json_t *seen(const char *id)
{
    json_t *shown = cs_runs_show(runs, id);

    assert_non_null(shown);
    return shown;
}

static void is_text(const json_t *object, const char *member, const char *text)
{
    assert_string_equal(json_string_value(json_object_get(object, member)),
                        text);
}

static void is_null(const json_t *object, const char *member)
{
    assert_true(json_is_null(json_object_get(object, member)));
}

static void is_number(const json_t *object, const char *member, int number)
{
    assert_int_equal(json_integer_value(json_object_get(object, member)),
                     number);
}

/* So many schools of a run are in that state. */
static size_t count(const char *id, const char *state)
{
    json_t *shown = seen(id), *schools = json_object_get(shown, "schools");
    size_t n = 0;

    for (size_t i = 0; i < json_array_size(schools); i++)
        n += strcmp(json_string_value(
                        json_object_get(json_array_get(schools, i), "state")),
                    state) == 0;
    json_decref(shown);
    return n;
}

static void wait_for(const char *id, const char *state, size_t n)
{
    for (int turn = 0; turn < 2000 && count(id, state) != n; turn++)
        cs_cancel_wait(NULL, CS_SECOND / 100);
    assert_int_equal(count(id, state), n);
}

/* ---- Tests --------------------------------------------------------------- */

static void test_scopes(void **state)
{
    struct cs_runs_request request = of(NULL, "a1");
    char one[CS_RUN_ID], all[CS_RUN_ID];
    json_t *shown, *list, *school;

    (void)state;
    assert_int_equal(cs_runs_active(runs), 0);
    assert_ok(cs_runs_start(runs, &request, one, &error));
    assert_int_equal(may(NULL, "a1"), CS_E_BUSY); /* before it has looked */
    wait_for(one, "running", 1);
    /* The same school: busy; others, and wider scopes: not. */
    assert_int_equal(may(NULL, "a1"), CS_E_BUSY);
    assert_non_null(strstr(error.text, one));
    assert_int_equal(may(NULL, "b1"), CS_OK);
    assert_int_equal(may("d1", NULL), CS_OK);
    request = of(NULL, NULL);
    assert_ok(cs_runs_start(runs, &request, all, &error));
    wait_for(all, "waiting", 2);
    assert_int_equal(may(NULL, NULL), CS_E_BUSY);
    assert_int_equal(may("d1", NULL), CS_E_BUSY);
    assert_int_equal(may(NULL, "b1"), CS_E_BUSY);
    assert_int_equal(may("d2", NULL), CS_OK); /* nothing of it is in there */
    assert_int_equal(cs_runs_active(runs), 2);

    shown = seen(one);
    is_text(shown, "id", one);
    is_text(shown, "cause", "api");
    is_text(shown, "school", "a1");
    is_null(shown, "district");
    is_text(shown, "state", "running");
    is_null(shown, "ended");
    is_null(shown, "status");
    is_number(shown, "schools_total", 1);
    is_number(shown, "schools_done", 0);
    school = json_array_get(json_object_get(shown, "schools"), 0);
    is_text(school, "id", "a1");
    is_text(school, "district", "d1");
    is_text(school, "state", "running");
    assert_true(json_is_string(json_object_get(school, "part")));
    is_null(school, "status");
    json_decref(shown);

    list = cs_runs_list(runs);
    assert_int_equal(json_array_size(list), 2);
    is_text(json_array_get(list, 0), "id", all); /* newest first */
    assert_null(json_object_get(json_array_get(list, 0), "schools"));
    json_decref(list);
    assert_null(cs_runs_show(runs, "nothing"));
    assert_true(cs_runs_alive(runs));
    /* One school at once, in all runs together. */
    cs_cancel_wait(NULL, CS_SECOND / 5);
    assert_int_equal(count(one, "running"), 1);
    assert_int_equal(count(all, "waiting"), 2);
}

/* A reload does not touch the runs that are on. */
static void test_reload(void **state)
{
    struct cs_app *before = cs_generations_borrow(generations), *after;
    struct cs_problems problems = {0};

    (void)state;
    assert_true(cs_generations_reload(generations, &problems));
    assert_int_equal(problems.n, 0);
    after = cs_generations_borrow(generations);
    assert_ptr_not_equal(before, after);
    assert_string_equal(cs_settings_text(before->settings, "session", "sink"),
                        "session"); /* it is still there */
    cs_generations_return(generations, before);
    cs_generations_return(generations, after);
    assert_int_equal(cs_runs_active(runs), 2);
}

static void test_unknown(void **state)
{
    struct cs_runs_request request = of(NULL, "c1");
    struct cs_runs_state what = {.running = true};
    char id[CS_RUN_ID];
    json_t *shown;

    (void)state;
    assert_ok(cs_runs_start(runs, &request, id, &error));
    while (cs_runs_state(runs, id, &what) && what.running)
        cs_cancel_wait(NULL, CS_SECOND / 100);
    assert_int_equal(what.status_code, CS_EXIT_USAGE);
    assert_false(what.whole);
    shown = seen(id);
    is_text(shown, "state", "ended");
    assert_true(json_is_string(json_object_get(shown, "ended")));
    assert_non_null(
        strstr(json_string_value(json_object_get(shown, "message")), "c1"));
    assert_int_equal(json_array_size(json_object_get(shown, "schools")), 0);
    json_decref(shown);
}

static void test_stop(void **state)
{
    struct cs_runs_state what;
    json_t *list, *shown, *schools;

    (void)state;
    cs_runs_stop(runs);
    assert_int_equal(may(NULL, "c1"), CS_E_RETRY);
    assert_false(cs_runs_wait(runs, CS_SECOND / 10));
    cs_cancel_now(cancel);
    assert_true(cs_runs_wait(runs, 20 * CS_SECOND));
    assert_int_equal(cs_runs_active(runs), 0);
    assert_false(cs_runs_abandoned(runs));
    list = cs_runs_list(runs);
    assert_int_equal(json_array_size(list), 3);
    shown =
        seen(json_string_value(json_object_get(json_array_get(list, 1), "id")));
    is_text(shown, "state", "ended");
    is_number(shown, "schools_total", 2);
    schools = json_object_get(shown, "schools");
    for (size_t i = 0; i < json_array_size(schools); i++) {
        const json_t *school = json_array_get(schools, i);

        is_text(school, "state", "done");
        is_number(school, "status_code", CS_EXIT_FAILED); /* not begun */
        is_null(school, "part");
    }
    assert_true(cs_runs_state(
        runs, json_string_value(json_object_get(shown, "id")), &what));
    assert_false(what.whole);
    json_decref(shown);
    json_decref(list);
}

/* ---- Around them --------------------------------------------------------- */

static int run_all_tests(struct cs_generations *of, struct cs_cancel *with)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_scopes),
        cmocka_unit_test(test_reload),
        cmocka_unit_test(test_unknown),
        cmocka_unit_test(test_stop),
    };
    int failed;

    generations = of;
    cancel = with;
    register_schools();
    runs = cs_runs_new(generations, NULL);
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    if (failed == 0) /* else a run may still be on */
        cs_runs_free(runs);
    return failed;
}

int main(void)
{
    unsigned port;
    int server = daemon_frame_listen(&port); /* and nobody answers */
    char *folder = strdup(folder_new());
    int status;

    setenv("CLEVERSYNCSOS__CLEVER__ACCESSTOKEN", "token", 1);
    status = daemon_frame_run(write_config(folder, port), run_all_tests);
    close(server);
    free(folder);
    folder_remove();
    return status;
}
