/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

#include "config.h"

#include "conform/conform-lab.h"

#include "base/memory.h"
#include "lab/inside.h"

#include <stdlib.h>
#include <string.h>

enum {
    STUDENTS = 23, /* several pages, if they are small */
    TEACHERS = 3,
    LARGE = 25000,
};

struct cs_conform_lab {
    struct cs_lab *lab;
};

/* What the cases for stores of secrets ask for. */
static void fill_vault(struct cs_conform_lab *lab)
{
    char large[LARGE + 1] = "";
    char *path;

    memset(large, 'x', LARGE);
    path = cs_memory_format("/lab/secret?name=" CS_CONFORM_LARGE "&value=%send",
                            large);
    cs_conform_lab_post(lab, path);
    free(path);
    cs_conform_lab_post(lab, "/lab/secret?name=" CS_CONFORM_VALUE
                             "&value=canary-of-the-lab-1");
    cs_conform_lab_post(lab, "/lab/secret?name=" CS_CONFORM_EMPTY "&value=");
}

enum cs_rc cs_conform_lab_new(struct cs_conform_lab **lab,
                              struct cs_error *error)
{
    struct cs_lab_options options = cs_lab_defaults();
    char why[200];

    options.schools = 2;
    options.students = STUDENTS;
    options.teachers = TEACHERS;
    options.vault = "";
    *lab = cs_memory_new(sizeof(**lab));
    (*lab)->lab = cs_lab_new(&options, why, sizeof(why));
    if ((*lab)->lab && cs_lab_serve((*lab)->lab, why, sizeof(why))) {
        fill_vault(*lab);
        cs_conform_lab_post(*lab, "/lab/drift?seed=7&n=12"); /* events */
        return CS_OK;
    }
    cs_conform_lab_free(*lab);
    *lab = NULL;
    return cs_error_set(error, CS_E_FATAL, "there is no lab: %s", why);
}

void cs_conform_lab_free(struct cs_conform_lab *lab)
{
    if (lab)
        cs_lab_free(lab->lab);
    free(lab);
}

const char *cs_conform_lab_url(const struct cs_conform_lab *lab)
{
    return cs_lab_url(lab->lab);
}

struct cs_whom cs_conform_lab_whom(const struct cs_conform_lab *lab)
{
    const struct cs_lab_district *district = &lab->lab->model.districts[0];

    return (struct cs_whom){
        .run = "check",
        .pipeline = "check",
        .district_id = district->id,
        .district_prefix = district->prefix,
        .school_id = district->schools[0].id,
        .school_prefix = district->schools[0].prefix,
    };
}

static bool ask(struct cs_conform_lab *lab, const char *method,
                const char *path, struct cs_lab_reply *reply)
{
    struct cs_lab_request request;

    *reply = (struct cs_lab_reply){0};
    if (cs_lab_request_parse(&request, method, path, NULL))
        cs_lab_answer(lab->lab, &request, reply);
    cs_lab_request_clear(&request);
    return reply->status == 200;
}

bool cs_conform_lab_post(struct cs_conform_lab *lab, const char *path)
{
    struct cs_lab_reply reply;
    bool done = ask(lab, "POST", path, &reply);

    cs_lab_buffer_clear(&reply.body);
    return done;
}

json_t *cs_conform_lab_get(struct cs_conform_lab *lab, const char *path)
{
    struct cs_lab_reply reply;
    json_t *value = NULL;

    if (ask(lab, "GET", path, &reply))
        value = json_loadb(reply.body.text, reply.body.length, 0, NULL);
    cs_lab_buffer_clear(&reply.body);
    return value;
}
