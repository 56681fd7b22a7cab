/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* Schools, runs and the schedule: for the page, and for programs. */

#include "config.h"

#include "web/web-inside.h"

#include "base/json.h"
#include "base/log.h"
#include "base/memory.h"
#include "daemon/runs.h"
#include "daemon/schedule.h"

#include <stdlib.h>
#include <string.h>

static const char *text_of(const json_t *object, const char *member)
{
    const char *text = json_string_value(json_object_get(object, member));

    return text != NULL ? text : "";
}

/* ---- Beginning a run ---------------------------------------------------- */

static const json_t *find(const json_t *array, const char *member,
                          const char *value)
{
    const json_t *one;
    size_t i;

    json_array_foreach(array, i, one)
    {
        if (strcmp(text_of(one, member), value) == 0)
            return one;
    }
    return NULL;
}

static bool is_active(const json_t *school)
{
    return json_is_true(json_object_get(school, "active"));
}

static bool any_active(const struct cs_web_picture *picture,
                       const char *district)
{
    const json_t *school;
    size_t i;

    json_array_foreach(picture->schools, i, school)
    {
        if (strcmp(text_of(school, "district_id"), district) == 0 &&
            is_active(school))
            return true;
    }
    return false;
}

/* Why these cannot be synced; NULL: they can. */
static const char *refuse(const struct cs_web_picture *picture,
                          const struct cs_runs_request *run)
{
    const json_t *school;

    if (run->school != NULL) {
        school = find(picture->schools, "school_id", run->school);
        if (school == NULL)
            return "there is no school with this id";
        return is_active(school) ? NULL : "this school is not active";
    }
    if (find(picture->districts, "district_id", run->district) == NULL)
        return "there is no district with this id";
    return any_active(picture, run->district)
               ? NULL
               : "this district has no active school";
}

/* Whom a request names has to be there now: a run of everything is never meant
 * by an id that nobody knows. */
static bool check_scope(struct cs_web *web, const struct cs_runs_request *run,
                        struct cs_web_reply *reply)
{
    struct cs_web_picture *picture;
    struct cs_error error;
    const char *reason;

    if (run->school == NULL && run->district == NULL)
        return true;
    if (cs_web_data_look_anew(web->data, &picture, &error) != CS_OK) {
        cs_web_reply_away(reply, false, &error);
        return false;
    }
    reason = refuse(picture, run);
    cs_web_data_return(web->data, picture);
    if (reason != NULL)
        cs_web_reply_error(reply, 400, "%s", reason);
    return reason == NULL;
}

static void start(struct cs_web *web, const struct cs_web_request *request,
                  const struct cs_runs_request *run, struct cs_web_reply *reply)
{
    struct cs_error error = {.rc = CS_OK};
    char id[CS_RUN_ID];

    switch (cs_runs_start(web->parts.runs, run, id, &error)) {
    case CS_OK:
        cs_log_write(CS_LOG_INFO, &(struct cs_log_context){.run = id},
                     "a run is begun by the %s, from %s",
                     request->who == CS_WEB_PERSON ? "page" : "API",
                     request->address);
        cs_web_reply_json(reply, 202, json_pack("{ss}", "run_id", id));
        return;
    case CS_E_BUSY:
        cs_web_reply_error(reply, 409, "%s", error.text);
        return;
    default:
        cs_web_reply_away(reply, false, &error);
    }
}

void cs_web_api_sync(struct cs_web *web, const struct cs_web_request *request,
                     struct cs_web_reply *reply)
{
    const char *full = cs_web_request_value(request, "full");
    const struct cs_runs_request run = {
        .cause = request->who == CS_WEB_PERSON ? CS_RUNS_PAGE : CS_RUNS_API,
        .school = cs_web_request_value(request, "schoolId"),
        .district = cs_web_request_value(request, "districtId"),
        .full = full != NULL && strcmp(full, "true") == 0,
    };

    if (full != NULL && !run.full && strcmp(full, "false") != 0)
        cs_web_reply_error(reply, 400, "full must be true or false");
    else if (run.school != NULL && run.district != NULL)
        cs_web_reply_error(reply, 400,
                           "schoolId and districtId exclude each other");
    else if (check_scope(web, &run, reply))
        start(web, request, &run, reply);
}

/* ---- Showing runs ------------------------------------------------------- */

void cs_web_api_runs(struct cs_web *web, const struct cs_web_request *request,
                     struct cs_web_reply *reply)
{
    (void)request;
    cs_web_reply_json(reply, 200,
                      json_pack("{so}", "runs", cs_runs_list(web->parts.runs)));
}

void cs_web_api_run(struct cs_web *web, const struct cs_web_request *request,
                    struct cs_web_reply *reply)
{
    json_t *run = cs_runs_show(web->parts.runs, request->name);

    if (run != NULL)
        cs_web_reply_json(reply, 200, run);
    else
        cs_web_reply_error(reply, 404, "no run of this id is known");
}

/* ---- Schools ------------------------------------------------------------ */

/* Which run of this process has each school: {school id: run id}. */
static void add_running(json_t *running, const json_t *run)
{
    const json_t *school;
    size_t i;

    json_array_foreach(json_object_get(run, "schools"), i, school)
    {
        if (strcmp(text_of(school, "state"), "done") != 0)
            json_object_set(running, text_of(school, "id"),
                            json_object_get(run, "id"));
    }
}

static json_t *find_running(struct cs_web *web)
{
    json_t *runs = cs_runs_list(web->parts.runs), *running = json_object();
    const json_t *run;
    size_t i;

    json_array_foreach(runs, i, run)
    {
        json_t *whole = NULL;

        if (strcmp(text_of(run, "state"), "running") == 0)
            whole = cs_runs_show(web->parts.runs, text_of(run, "id"));
        add_running(running, whole);
        json_decref(whole);
    }
    json_decref(runs);
    return running;
}

static json_t *with_runs(const json_t *schools, const json_t *running)
{
    json_t *copies = json_array(), *school;
    size_t i;

    json_array_foreach(schools, i, school)
    {
        json_t *copy = json_copy(school);
        json_t *run = json_object_get(running, text_of(school, "school_id"));

        json_object_set_new(copy, "running",
                            run != NULL ? json_incref(run) : json_null());
        json_array_append_new(copies, copy);
    }
    return copies;
}

void cs_web_api_schools(struct cs_web *web,
                        const struct cs_web_request *request,
                        struct cs_web_reply *reply)
{
    struct cs_web_picture *picture;
    char time[CS_CLOCK_ISO];
    struct cs_error error;
    json_t *running;

    (void)request;
    if (cs_web_data_look(web->data, &picture, &error) != CS_OK) {
        cs_web_reply_away(reply, false, &error);
        return;
    }
    running = find_running(web);
    cs_clock_format(picture->time, time);
    cs_web_reply_json(reply, 200,
                      json_pack("{ss sO so}", "as_of", time, "districts",
                                picture->districts, "schools",
                                with_runs(picture->schools, running)));
    json_decref(running);
    cs_web_data_return(web->data, picture);
}

void cs_web_api_require_full(struct cs_web *web,
                             const struct cs_web_request *request,
                             struct cs_web_reply *reply)
{
    struct cs_web_change_request change = {.what = CS_WEB_REQUIRE_FULL,
                                           .id = request->name};
    struct cs_error error = {.rc = CS_OK};

    switch (cs_web_data_change(web->data, &change, &error)) {
    case CS_OK:
    case CS_SKIP:
        cs_log_write(CS_LOG_INFO,
                     &(struct cs_log_context){.school = request->name},
                     "a full sync is required, from %s", request->address);
        cs_web_reply_json(reply, 200,
                          json_pack("{ss sb}", "school_id", request->name,
                                    "requires_full", 1));
        return;
    case CS_E_NOT_HERE:
        cs_web_reply_error(reply, 404, "there is no school with this id");
        return;
    default:
        cs_web_reply_away(reply, change.begun, &error);
    }
}

/* ---- The schedule ------------------------------------------------------- */

void cs_web_api_schedule(struct cs_web *web,
                         const struct cs_web_request *request,
                         struct cs_web_reply *reply)
{
    struct cs_app *app = cs_generations_borrow(web->parts.generations);
    struct cs_schedule_state state;

    (void)request;
    cs_schedule_look(web->parts.schedule, &state);
    cs_web_reply_json(
        reply, 200,
        json_pack(
            "{ss ss so so sI sI sb}", "cron_expression",
            cs_settings_text(app->settings, "schedule", "cron_expression"),
            "time_zone", cs_settings_text(app->settings, "sync", "time_zone"),
            "next", cs_json_time(state.next), "last", cs_json_time(state.last),
            "skipped", (json_int_t)state.skipped, "caught_up",
            (json_int_t)state.caught_up, "session_database_away", state.away));
    cs_generations_return(web->parts.generations, app);
}
