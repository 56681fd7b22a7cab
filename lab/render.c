/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* Records as Clever shows them. */
#include "config.h"
#include "lab/model.h"

#include <string.h>
#include <time.h>

#include "lab/names.h"

static void text(struct cs_lab_buffer *out, const char *words)
{
    cs_lab_buffer_text(out, words);
}

void cs_lab_render_time(struct cs_lab_buffer *out, int64_t time)
{
    time_t seconds = (time_t)(time / 1000);
    struct tm tm;

    gmtime_r(&seconds, &tm);
    cs_lab_buffer_format(out, "\"%04d-%02d-%02dT%02d:%02d:%02d.%03dZ\"",
                         tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday,
                         tm.tm_hour, tm.tm_min, tm.tm_sec, (int)(time % 1000));
}

void cs_lab_render_value(struct cs_lab_buffer *out, const char *value)
{
    if (!value || value == cs_lab_null)
        text(out, "null");
    else
        cs_lab_buffer_quote(out, value, strlen(value));
}

/* ,"KEY":VALUE, or nothing for a field that is absent. */
static void field(struct cs_lab_buffer *out, const char *key, const char *value)
{
    if (value) {
        cs_lab_buffer_format(out, ",\"%s\":", key);
        cs_lab_render_value(out, value);
    }
}

static void dates(struct cs_lab_buffer *out, const struct cs_lab_user *user)
{
    text(out, "\"created\":");
    cs_lab_render_time(out, user->created);
    text(out, ",\"last_modified\":");
    cs_lab_render_time(out, user->modified);
}

void cs_lab_render_name(struct cs_lab_buffer *out,
                        const struct cs_lab_user *user)
{
    text(out, "{\"first\":");
    cs_lab_render_value(out, user->first);
    text(out, ",\"last\":");
    cs_lab_render_value(out, user->last);
    field(out, "middle", user->middle);
    text(out, "}");
}

void cs_lab_render_schools(struct cs_lab_buffer *out,
                           const struct cs_lab_district *district,
                           const struct cs_lab_user *user)
{
    const struct cs_lab_school *schools = district->schools;

    cs_lab_buffer_format(out, "\"school\":\"%s\",\"schools\":[\"%s\"",
                         schools[user->schools[0]].id,
                         schools[user->schools[0]].id);
    if (user->school_count == 2)
        cs_lab_buffer_format(out, ",\"%s\"", schools[user->schools[1]].id);
    text(out, "]");
}

static void enrollments(struct cs_lab_buffer *out,
                        const struct cs_lab_district *district,
                        const struct cs_lab_user *user)
{
    text(out, ",\"enrollments\":[");
    for (unsigned i = 0; i < user->school_count; i++)
        cs_lab_buffer_format(out,
                             "%s{\"school\":\"%s\",\"start_date\":"
                             "\"2025-08-01\",\"end_date\":null}",
                             i > 0 ? "," : "",
                             district->schools[user->schools[i]].id);
    text(out, "]");
}

static void student(struct cs_lab_buffer *out,
                    const struct cs_lab_district *district,
                    const struct cs_lab_user *user)
{
    static const char *const genders[] = {"M", "F", "X", ""};

    enrollments(out, district, user);
    field(out, "student_number", user->number);
    field(out, "grade", user->grade);
    cs_lab_buffer_format(out,
                         ",\"graduation_year\":\"%u\",\"dob\":\"%u/%u/%u\","
                         "\"gender\":\"%s\",\"state_id\":null,"
                         "\"ell_status\":\"\"",
                         2027 + user->serial % 12, 1 + user->serial % 12,
                         1 + user->serial % 28, 2008 + user->serial % 12,
                         genders[user->serial % 4]);
}

void cs_lab_render_role(struct cs_lab_buffer *out,
                        const struct cs_lab_district *district,
                        const struct cs_lab_user *user, enum cs_lab_role role)
{
    if (role == CS_LAB_STAFF) {
        cs_lab_buffer_format(out,
                             "{\"staff_id\":\"%u\",\"roles\":[],"
                             "\"title\":\"Coach\",\"department\":null,",
                             700000 + user->serial);
        cs_lab_render_schools(out, district, user);
        text(out, "}");
        return;
    }
    text(out, "{");
    dates(out, user);
    cs_lab_buffer_format(out,
                         ",\"legacy_id\":\"%.8s%s\",\"sis_id\":\"%u\","
                         "\"credentials\":{\"district_username\":\"u%u\"},"
                         "\"ext\":{\"touched\":\"%u\"},",
                         user->id + 16, user->id + 8, 900000 + user->serial,
                         user->serial, user->touched);
    cs_lab_render_schools(out, district, user);
    if (role == CS_LAB_STUDENT) {
        student(out, district, user);
    } else {
        field(out, "teacher_number", user->number);
        field(out, "title", user->title);
    }
    text(out, "}");
}

static void user_roles(struct cs_lab_buffer *out,
                       const struct cs_lab_district *district,
                       const struct cs_lab_user *user)
{
    const char *comma = "";

    text(out, "\"roles\":{");
    for (unsigned role = CS_LAB_STUDENT; role <= CS_LAB_ADMIN; role *= 2) {
        if (!((user->roles | user->null_roles) & role))
            continue;
        cs_lab_buffer_format(out, "%s\"%s\":", comma,
                             cs_lab_model_role_name(role));
        comma = ",";
        if (user->roles & role)
            cs_lab_render_role(out, district, user, role);
        else
            text(out, "null");
    }
    text(out, "}");
}

/* The id comes first (faults count on it); the name before the roles or
 * behind, for Clever promises no order. */
void cs_lab_render_user(struct cs_lab_buffer *out,
                        const struct cs_lab_district *district,
                        const struct cs_lab_user *user)
{
    bool name_first = user->serial % 2 == 0;

    cs_lab_buffer_format(out, "{\"id\":\"%s\",\"district\":\"%s\",", user->id,
                         district->id);
    dates(out, user);
    if (name_first) {
        text(out, ",\"name\":");
        cs_lab_render_name(out, user);
    }
    text(out, ",");
    user_roles(out, district, user);
    field(out, "email", user->email);
    if (!name_first) {
        text(out, ",\"name\":");
        cs_lab_render_name(out, user);
    }
    text(out, ",\"x_unknown_field\":{\"deep\":[1,{\"a\":null}]}}");
}

/* The first few students of the school: enough to show that a roster is
 * there. */
static void section_students(struct cs_lab_buffer *out,
                             const struct cs_lab_district *district,
                             const struct cs_lab_user *teacher)
{
    size_t n = 0;

    text(out, ",\"students\":[");
    for (size_t i = 0; i < district->user_count && n < 3; i++) {
        const struct cs_lab_user *user = &district->users[i];

        if (user->gone || !(user->roles & CS_LAB_STUDENT) ||
            !cs_lab_model_enrolled(user, teacher->schools[0]))
            continue;
        cs_lab_buffer_format(out, "%s\"%s\"", n > 0 ? "," : "", user->id);
        n++;
    }
    text(out, "]");
}

void cs_lab_render_section(struct cs_lab_buffer *out,
                           const struct cs_lab_district *district,
                           const struct cs_lab_user *teacher)
{
    static const char *const subjects[] = {"math", "english/language arts",
                                           "science", ""};
    unsigned serial = teacher->serial;

    cs_lab_buffer_format(out,
                         "{\"id\":\"%s\",\"district\":\"%s\","
                         "\"school\":\"%s\",",
                         teacher->section, district->id,
                         district->schools[teacher->schools[0]].id);
    dates(out, teacher);
    cs_lab_buffer_format(out,
                         ",\"name\":\"Class %u\",\"sis_id\":\"%u\","
                         "\"section_number\":\"%u\",\"period\":\"%u\","
                         "\"grade\":\"%s\",\"subject\":\"%s\","
                         "\"course\":null,\"term_id\":null,"
                         "\"teacher\":\"%s\",\"teachers\":[\"%s\"]",
                         serial, 800000 + serial, serial % 7 + 1,
                         (serial + teacher->touched) % 8 + 1,
                         cs_lab_names_grade(serial), subjects[serial % 4],
                         teacher->id, teacher->id);
    section_students(out, district, teacher);
    text(out, "}");
}

void cs_lab_render_school(struct cs_lab_buffer *out,
                          const struct cs_lab_district *district,
                          const struct cs_lab_school *school)
{
    long number = (long)(school - district->schools) + 1;

    cs_lab_buffer_format(out,
                         "{\"id\":\"%s\",\"district\":\"%s\",\"name\":\"%s\","
                         "\"sis_id\":\"%ld\",\"school_number\":\"%ld\","
                         "\"created\":\"2025-07-01T00:00:00.000Z\","
                         "\"last_modified\":\"2025-07-01T00:00:00.000Z\","
                         "\"state_id\":null,\"principal\":{\"name\":\"\"},"
                         "\"ext\":{}}",
                         school->id, district->id, school->name, number,
                         number);
}

void cs_lab_render_district(struct cs_lab_buffer *out,
                            const struct cs_lab_district *district)
{
    cs_lab_buffer_format(out,
                         "{\"id\":\"%s\",\"name\":\"%s\",\"state\":\"running\","
                         "\"sis_type\":\"lab\",\"launch_date\":\"2025-07-01\","
                         "\"login_methods\":[],\"error\":null,"
                         "\"last_sync\":null}",
                         district->id, district->name);
}
