/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* What waits for a person: holds, and records that were set aside. */

#include "config.h"

#include "web/web-inside.h"

#include "base/log.h"
#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

static void fail(struct cs_web_reply *reply, enum cs_rc rc, bool begun,
                 const struct cs_error *error)
{
    if (rc == CS_E_NOT_HERE)
        cs_web_reply_error(reply, 404, "%s", error->text);
    else if (rc == CS_E_DATA)
        cs_web_reply_error(reply, 409, "%s", error->text);
    else
        cs_web_reply_away(reply, begun, error);
}

/* ---- Lists -------------------------------------------------------------- */

void cs_web_holds(struct cs_web *web, const struct cs_web_request *request,
                  struct cs_web_reply *reply)
{
    struct cs_web_picture *picture;
    struct cs_error error;
    enum cs_rc rc = cs_web_data_look(web->data, &picture, &error);

    (void)request;
    if (rc != CS_OK) {
        fail(reply, rc, false, &error);
        return;
    }
    cs_web_reply_json(reply, 200, json_pack("{sO}", "holds", picture->holds));
    cs_web_data_return(web->data, picture);
}

static json_t *of_school(const json_t *rejects, const char *school)
{
    json_t *some = json_array(), *reject;
    size_t i;

    json_array_foreach(rejects, i, reject)
    {
        if (school == NULL ||
            strcmp(json_string_value(json_object_get(reject, "school_id")),
                   school) == 0)
            json_array_append(some, reject);
    }
    return some;
}

void cs_web_holds_rejects(struct cs_web *web,
                          const struct cs_web_request *request,
                          struct cs_web_reply *reply)
{
    const char *school = cs_web_request_value(request, "schoolId");
    struct cs_web_picture *picture;
    struct cs_error error;
    enum cs_rc rc = cs_web_data_look(web->data, &picture, &error);

    if (rc != CS_OK) {
        fail(reply, rc, false, &error);
        return;
    }
    cs_web_reply_json(reply, 200,
                      json_pack("{so sI}", "rejects",
                                of_school(picture->rejects, school), "total",
                                (json_int_t)picture->nrejects));
    cs_web_data_return(web->data, picture);
}

/* ---- One hold ----------------------------------------------------------- */

void cs_web_holds_keys(struct cs_web *web, const struct cs_web_request *request,
                       struct cs_web_reply *reply)
{
    struct cs_web_change_request change = {.what = CS_WEB_KEYS,
                                           .id = request->name};
    struct cs_error error = {.rc = CS_OK};
    enum cs_rc rc = cs_web_data_change(web->data, &change, &error);

    if (rc == CS_OK)
        cs_web_reply_json(
            reply, 200,
            json_pack("{ss so}", "hold", request->name, "keys", change.result));
    else
        fail(reply, rc, false, &error);
}

static void log_word(const struct cs_web_request *request, const char *word)
{
    cs_log_write(
        CS_LOG_INFO, NULL, "hold %s is %s by the %s, from %s", request->name,
        word, request->who == CS_WEB_PERSON ? "page" : "API", request->address);
}

void cs_web_holds_approve(struct cs_web *web,
                          const struct cs_web_request *request,
                          struct cs_web_reply *reply)
{
    char *by = cs_memory_format("%s, %s",
                                request->who == CS_WEB_PERSON ? "page" : "API",
                                request->address);
    struct cs_web_change_request change = {
        .what = CS_WEB_APPROVE, .id = request->name, .by = by};
    struct cs_error error = {.rc = CS_OK};
    enum cs_rc rc = cs_web_data_change(web->data, &change, &error);

    if (rc == CS_OK)
        log_word(request, "approved");
    if (rc == CS_OK || rc == CS_SKIP)
        cs_web_reply_json(reply, 200,
                          json_pack("{ss sb}", "hold", request->name, "already",
                                    rc == CS_SKIP));
    else
        fail(reply, rc, change.begun, &error);
    free(by);
}

void cs_web_holds_reject(struct cs_web *web,
                         const struct cs_web_request *request,
                         struct cs_web_reply *reply)
{
    struct cs_web_change_request change = {.what = CS_WEB_REJECT,
                                           .id = request->name};
    struct cs_error error = {.rc = CS_OK};
    enum cs_rc rc = cs_web_data_change(web->data, &change, &error);

    if (rc != CS_OK) {
        fail(reply, rc, change.begun, &error);
        return;
    }
    log_word(request, "rejected");
    cs_web_reply_json(reply, 200,
                      json_pack("{ss sb}", "hold", request->name, "open", 0));
}
