/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* The page for people: its files, and signing in. */

#include "config.h"

#include "web/web-inside.h"

#include "base/log.h"
#include "base/memory.h"
#include "secret/password.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* So many may wait for the answer to a password; more are refused at once. */
enum { SIGNING_IN = 8 };

void cs_web_page(struct cs_web *web, const struct cs_web_request *request,
                 struct cs_web_reply *reply)
{
    const struct cs_web_file *file = cs_web_files;

    (void)web;
    while (strcmp(file->path, request->path) != 0)
        file++;
    reply->status = 200;
    reply->type = file->type;
    reply->fixed = file->bytes;
    reply->size = file->size;
}

void cs_web_page_state(struct cs_web *web, const struct cs_web_request *request,
                       struct cs_web_reply *reply)
{
    char csrf[CS_WEB_SIGN_WORD];
    bool in = request->session != NULL &&
              cs_web_sign_look(web->sign, request->session,
                               request->idle == NULL, csrf);

    cs_web_reply_json(
        reply, 200,
        json_pack("{sb ss?}", "signed_in", in, "csrf", in ? csrf : NULL));
}

/* ---- Signing in --------------------------------------------------------- */

/* A browser gets this one over plain HTTP only from loopback. */
static char *cookie_field(const struct cs_web *web, const char *value,
                          long seconds)
{
    return cs_memory_format("%scleversync=%s; Path=/; Max-Age=%ld; HttpOnly; "
                            "SameSite=Strict%s",
                            web->tls ? "__Host-" : "", value, seconds,
                            web->tls ? "; Secure" : "");
}

/* {"password": TEXT}; NULL: it is something else.  The document lives on. */
static const char *read_password(const struct cs_web_request *request,
                                 json_t **document)
{
    const char *text;

    *document = json_loadb(request->body, request->body_size,
                           JSON_REJECT_DUPLICATES, NULL);
    text = json_string_value(json_object_get(*document, "password"));
    return text != NULL && strlen(text) <= CS_PASSWORD_MOST ? text : NULL;
}

/* One sentence, whatever the reason, so that nobody learns which it was. */
static void refuse(struct cs_web_reply *reply)
{
    cs_web_reply_error(reply, 401,
                       "the password is wrong; after too many wrong ones none "
                       "is looked at for a minute");
}

static void welcome(struct cs_web *web, const struct cs_web_request *request,
                    struct cs_web_reply *reply)
{
    char cookie[CS_WEB_SIGN_WORD], csrf[CS_WEB_SIGN_WORD];

    cs_web_limit_good(web->limit, request->address);
    if (!cs_web_sign_in(web->sign, cookie, csrf)) {
        cs_web_reply_error(reply, 503, "the system gives no random numbers");
        return;
    }
    cs_log_write(CS_LOG_INFO, NULL, "somebody signed in at the page, from %s",
                 request->address);
    reply->cookie =
        cookie_field(web, cookie, (long)(CS_WEB_SIGN_LIFE / CS_SECOND));
    cs_web_reply_json(reply, 200,
                      json_pack("{sb ss}", "signed_in", 1, "csrf", csrf));
}

static void try_password(struct cs_web *web,
                         const struct cs_web_request *request,
                         const char *password, struct cs_web_reply *reply)
{
    struct cs_error error = {.rc = CS_OK};
    enum cs_rc rc = CS_E_AUTH;
    int64_t wait;

    if (cs_web_limit_try(web->limit, request->address, &wait)) {
        rc = cs_web_secret_password(web->secret, password, &error);
        if (rc == CS_E_AUTH)
            cs_log_write(CS_LOG_WARN, NULL,
                         "a wrong password for the page, from %s",
                         request->address);
    } else if (cs_web_limit_tell(web->limit)) {
        cs_log_write(CS_LOG_WARN, NULL,
                     "too many wrong passwords for the page: one from %s was "
                     "not looked at",
                     request->address);
    }
    if (rc == CS_OK) {
        welcome(web, request, reply);
    } else if (rc == CS_E_RETRY) {
        cs_web_reply_away(reply, false, &error);
    } else {
        cs_cancel_wait(web->cancel, wait);
        refuse(reply);
    }
}

void cs_web_page_sign_in(struct cs_web *web,
                         const struct cs_web_request *request,
                         struct cs_web_reply *reply)
{
    const char *type = request->type != NULL ? request->type : "";
    const char *password;
    json_t *document;

    /* Other sites cannot send this type without being asked first whether
     * they may. */
    if (strncasecmp(type, "application/json", strlen("application/json")) !=
            0 ||
        !cs_web_request_ours(request, web->tls)) {
        cs_web_reply_error(reply, 403,
                           "the request did not come from the page of this "
                           "server: load it anew");
        return;
    }
    password = read_password(request, &document);
    if (password == NULL)
        cs_web_reply_error(reply, 400, "there is no password in the request");
    else if (atomic_fetch_add(&web->signing_in, 1) >= SIGNING_IN)
        refuse(reply);
    else
        try_password(web, request, password, reply);
    if (password != NULL)
        atomic_fetch_sub(&web->signing_in, 1);
    json_decref(document);
}

void cs_web_page_sign_out(struct cs_web *web,
                          const struct cs_web_request *request,
                          struct cs_web_reply *reply)
{
    if (request->session != NULL)
        cs_web_sign_out(web->sign, request->session);
    reply->cookie = cookie_field(web, "", 0);
    cs_web_reply_json(reply, 200, json_pack("{sb}", "signed_in", 0));
}
