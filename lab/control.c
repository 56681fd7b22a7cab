/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* The /lab/ endpoints, by which tests and rehearsals make things happen. */
#include "config.h"
#include "lab/inside.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/text.h"
#include "lab/names.h"

#define MAX_DRIFT 100000
#define MAX_COUNT 1000000000

static void plain(struct cs_lab_reply *reply, unsigned status, const char *line)
{
    reply->status = status;
    reply->type = "text/plain; charset=utf-8";
    reply->body.length = 0;
    cs_lab_buffer_format(&reply->body, "%s\n", line);
}

static void bad(struct cs_lab_reply *reply, const char *sentence)
{
    plain(reply, 400, sentence);
}

/* What a control does; it has `ok` as its answer already. */
typedef void control(struct cs_lab *lab, const struct cs_lab_request *request,
                     struct cs_lab_reply *reply);

/* --- parameters; NULL or 0 means that the refusal is written --- */

static const char *text_param(const struct cs_lab_request *request,
                              const char *name, struct cs_lab_reply *reply)
{
    const char *value = cs_lab_request_param(request, name);

    if (!value) {
        plain(reply, 400, "a parameter is missing:");
        cs_lab_buffer_format(&reply->body, "%s\n", name);
    }
    return value;
}

static bool number_param(const struct cs_lab_request *request, const char *name,
                         unsigned long long max, unsigned long long *number,
                         struct cs_lab_reply *reply)
{
    const char *value = text_param(request, name, reply);

    if (!value)
        return false;
    if (!cs_lab_request_number(value, max, number)) {
        bad(reply, "a parameter is no whole number or too large");
        return false;
    }
    return true;
}

static struct cs_lab_user *user_param(struct cs_lab *lab,
                                      const struct cs_lab_request *request,
                                      struct cs_lab_district **district,
                                      struct cs_lab_reply *reply)
{
    const char *id = text_param(request, "id", reply);
    struct cs_lab_user *user = NULL;

    if (id) {
        user = cs_lab_model_user(&lab->model, id, district);
        if (!user)
            plain(reply, 404, "nobody has that id");
    }
    return user;
}

/* The index of the school in its district, or -1. */
static long school_param(struct cs_lab *lab,
                         const struct cs_lab_request *request,
                         struct cs_lab_district **district,
                         struct cs_lab_reply *reply)
{
    const char *id = text_param(request, "school", reply);
    struct cs_lab_school *school;

    if (!id)
        return -1;
    school = cs_lab_model_school(&lab->model, id, district);
    if (!school) {
        plain(reply, 404, "no school has that id");
        return -1;
    }
    return (long)(school - (*district)->schools);
}

static unsigned role_param(const struct cs_lab_request *request,
                           struct cs_lab_reply *reply)
{
    const char *name = text_param(request, "role", reply);
    unsigned role;

    if (!name)
        return 0;
    role = cs_lab_model_role(name);
    if (role != CS_LAB_STUDENT && role != CS_LAB_TEACHER) {
        bad(reply, "role is student or teacher");
        return 0;
    }
    return role;
}

static void done(bool happened, struct cs_lab_reply *reply)
{
    if (!happened)
        bad(reply, "that cannot happen to this person now");
}

/* --- people --- */

/* Without a value the field becomes null. */
static void change(struct cs_lab *lab, const struct cs_lab_request *request,
                   struct cs_lab_reply *reply)
{
    struct cs_lab_district *district;
    struct cs_lab_user *user = user_param(lab, request, &district, reply);
    const char *field = user ? text_param(request, "field", reply) : NULL;
    const char *value = cs_lab_request_param(request, "value");
    size_t i = 0;

    if (!field)
        return;
    while (cs_lab_field_names[i] && strcmp(cs_lab_field_names[i], field) != 0)
        i++;
    if (!cs_lab_field_names[i])
        bad(reply, "field is first, last, email, grade, title or "
                   "student_number");
    else if (value && !cs_text_valid(value, strlen(value)))
        bad(reply, "value is not UTF-8");
    else
        done(cs_lab_change_field(district, user, (enum cs_lab_field)i,
                                 value ? value : cs_lab_null),
             reply);
}

static void add(struct cs_lab *lab, const struct cs_lab_request *request,
                struct cs_lab_reply *reply)
{
    struct cs_lab_district *district;
    long school = school_param(lab, request, &district, reply);
    unsigned role = school < 0 ? 0 : role_param(request, reply);

    if (role != 0)
        plain(reply, 200,
              cs_lab_change_add(district, (unsigned)school, role)->id);
}

static void move(struct cs_lab *lab, const struct cs_lab_request *request,
                 struct cs_lab_reply *reply)
{
    struct cs_lab_district *from, *to;
    struct cs_lab_user *user = user_param(lab, request, &from, reply);
    long school = user ? school_param(lab, request, &to, reply) : -1;

    if (school < 0)
        return;
    if (from != to)
        bad(reply, "the school is in another district");
    else
        done(cs_lab_change_move(from, user, (unsigned)school), reply);
}

static void drop_role(struct cs_lab *lab, const struct cs_lab_request *request,
                      struct cs_lab_reply *reply)
{
    struct cs_lab_district *district;
    struct cs_lab_user *user = user_param(lab, request, &district, reply);
    unsigned role = user ? role_param(request, reply) : 0;

    if (role != 0)
        done(cs_lab_change_drop_role(district, user, role), reply);
}

static void delete (struct cs_lab *lab, const struct cs_lab_request *request,
                    struct cs_lab_reply *reply)
{
    struct cs_lab_district *district;
    struct cs_lab_user *user = user_param(lab, request, &district, reply);

    if (user)
        done(cs_lab_change_delete(district, user), reply);
}

static void restore(struct cs_lab *lab, const struct cs_lab_request *request,
                    struct cs_lab_reply *reply)
{
    struct cs_lab_district *district;
    struct cs_lab_user *user = user_param(lab, request, &district, reply);

    if (user)
        done(cs_lab_change_restore(district, user), reply);
}

static void touch(struct cs_lab *lab, const struct cs_lab_request *request,
                  struct cs_lab_reply *reply)
{
    struct cs_lab_district *district;
    struct cs_lab_user *user = user_param(lab, request, &district, reply);

    if (user)
        done(cs_lab_change_touch(district, user), reply);
}

static void narrow(struct cs_lab *lab, const struct cs_lab_request *request,
                   struct cs_lab_reply *reply)
{
    struct cs_lab_district *district;
    struct cs_lab_user *user = user_param(lab, request, &district, reply);

    if (user)
        done(cs_lab_change_narrow(district, user), reply);
}

/* --- the district --- */

static void noise(struct cs_lab *lab, const struct cs_lab_request *request,
                  struct cs_lab_reply *reply)
{
    (void)request;
    (void)reply;
    for (size_t i = 0; i < lab->model.district_count; i++)
        cs_lab_change_noise(&lab->model.districts[i]);
}

static void drift(struct cs_lab *lab, const struct cs_lab_request *request,
                  struct cs_lab_reply *reply)
{
    unsigned long long seed, n;

    if (number_param(request, "seed", MAX_COUNT, &seed, reply) &&
        number_param(request, "n", MAX_DRIFT, &n, reply))
        cs_lab_change_drift(&lab->model, seed, (size_t)n);
}

/* enabled=0 or 1 switches the feed; keep=N drops its oldest events. */
static void events(struct cs_lab *lab, const struct cs_lab_request *request,
                   struct cs_lab_reply *reply)
{
    unsigned long long number;

    if (cs_lab_request_param(request, "keep")) {
        if (!number_param(request, "keep", MAX_COUNT, &number, reply))
            return;
        for (size_t i = 0; i < lab->model.district_count; i++)
            cs_lab_change_forget(&lab->model.districts[i], (size_t)number);
    } else if (number_param(request, "enabled", 1, &number, reply)) {
        lab->model.events_enabled = number == 1;
    }
}

static void token(struct cs_lab *lab, const struct cs_lab_request *request,
                  struct cs_lab_reply *reply)
{
    const char *id = text_param(request, "district", reply);
    struct cs_lab_district *district =
        id ? cs_lab_model_district(&lab->model, id) : NULL;

    if (district) {
        cs_lab_model_new_token(district);
        plain(reply, 200, district->token);
    } else if (id) {
        plain(reply, 404, "no district has that id");
    }
}

static void truth(struct cs_lab *lab, const struct cs_lab_request *request,
                  struct cs_lab_reply *reply)
{
    struct cs_lab_district *district;
    long school = school_param(lab, request, &district, reply);
    unsigned role = school < 0 ? 0 : role_param(request, reply);

    if (role == 0)
        return;
    reply->type = NULL;
    reply->body.length = 0;
    cs_lab_truth(&reply->body, district, (unsigned)school, role);
}

/* --- faults and the log of requests --- */

static void fault(struct cs_lab *lab, const struct cs_lab_request *request,
                  struct cs_lab_reply *reply)
{
    const char *spec = text_param(request, "spec", reply);
    char error[200];

    if (spec && !cs_lab_faults_add(&lab->faults, spec, error, sizeof error))
        bad(reply, error);
}

static void secret(struct cs_lab *lab, const struct cs_lab_request *request,
                   struct cs_lab_reply *reply)
{
    const char *name = text_param(request, "name", reply);
    const char *value = name ? text_param(request, "value", reply) : NULL;
    const char *state = cs_lab_request_param(request, "state");

    if (!lab->vault)
        bad(reply, "there is no vault: start the lab with --vault");
    else if (value &&
             !cs_lab_vault_put(lab->vault, name, value, state ? state : ""))
        bad(reply, "state is disabled, deleted, expired or early");
}

static void faults_clear(struct cs_lab *lab,
                         const struct cs_lab_request *request,
                         struct cs_lab_reply *reply)
{
    (void)request;
    (void)reply;
    cs_lab_faults_clear(&lab->faults);
}

static void read_log(struct cs_lab *lab, const struct cs_lab_request *request,
                     struct cs_lab_reply *reply)
{
    (void)request;
    if (lab->log_full) {
        plain(reply, 507, "the log is full: POST /lab/log/clear");
        return;
    }
    reply->type = NULL;
    reply->body.length = 0;
    cs_lab_buffer_text(&reply->body, "[");
    for (size_t i = 0; i < lab->log_count; i++) {
        cs_lab_buffer_text(&reply->body, i > 0 ? ",\n" : "\n");
        cs_lab_buffer_quote(&reply->body, lab->log[i], strlen(lab->log[i]));
    }
    cs_lab_buffer_text(&reply->body, "\n]\n");
}

static void log_clear(struct cs_lab *lab, const struct cs_lab_request *request,
                      struct cs_lab_reply *reply)
{
    (void)request;
    (void)reply;
    for (size_t i = 0; i < lab->log_count; i++)
        free(lab->log[i]);
    lab->log_count = 0;
    lab->log_full = false;
}

static void read_telemetry(struct cs_lab *lab,
                           const struct cs_lab_request *request,
                           struct cs_lab_reply *reply)
{
    (void)request;
    if (lab->telemetry.full) {
        plain(reply, 507, "it is full: POST /lab/telemetry/clear");
        return;
    }
    reply->type = NULL;
    reply->body.length = 0;
    cs_lab_telemetry_show(&lab->telemetry, &reply->body);
}

static void telemetry_clear(struct cs_lab *lab,
                            const struct cs_lab_request *request,
                            struct cs_lab_reply *reply)
{
    (void)request;
    (void)reply;
    cs_lab_telemetry_clear(&lab->telemetry);
}

static const struct {
    const char *method;
    const char *path;
    control *run;
} controls[] = {
    {"POST", "/lab/change", change},
    {"POST", "/lab/add", add},
    {"POST", "/lab/move", move},
    {"POST", "/lab/drop-role", drop_role},
    {"POST", "/lab/delete", delete},
    {"POST", "/lab/restore", restore},
    {"POST", "/lab/touch", touch},
    {"POST", "/lab/narrow", narrow},
    {"POST", "/lab/noise", noise},
    {"POST", "/lab/drift", drift},
    {"POST", "/lab/events", events},
    {"POST", "/lab/token", token},
    {"POST", "/lab/secret", secret},
    {"POST", "/lab/fault", fault},
    {"POST", "/lab/faults/clear", faults_clear},
    {"POST", "/lab/log/clear", log_clear},
    {"POST", "/lab/telemetry/clear", telemetry_clear},
    {"GET", "/lab/telemetry", read_telemetry},
    {"GET", "/lab/log", read_log},
    {"GET", "/lab/truth", truth},
};

void cs_lab_control(struct cs_lab *lab, const struct cs_lab_request *request,
                    struct cs_lab_reply *reply)
{
    for (size_t i = 0; i < sizeof controls / sizeof controls[0]; i++) {
        if (strcmp(controls[i].path, request->path) != 0)
            continue;
        if (strcmp(controls[i].method, request->method) != 0) {
            plain(reply, 405, "this needs the other method, GET or POST");
            return;
        }
        plain(reply, 200, "ok");
        controls[i].run(lab, request, reply);
        return;
    }
    plain(reply, 404, "the lab has no such control");
}
