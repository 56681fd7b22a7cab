/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* Which request is answered by whom, and who may ask. */

#include "config.h"

#include "web/web-inside.h"

#include "base/memory.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum access {
    OPEN,   /* to everybody */
    PROBED, /* to everybody on this machine, if nobody else can connect */
    INSIDE, /* to who has the API key or is signed in */
};

struct route {
    const char *method, *path; /* "{}": a part that is not fixed */
    enum access access;
    cs_web_handler *handler;
    const char *parameters; /* NULL: none */
    bool body;              /* it reads one */
};

static const struct route routes[] = {
    {"GET", "/health/clever-auth", PROBED, cs_web_health, NULL, false},
    {"GET", "/health/live", OPEN, cs_web_health_live, NULL, false},
    {"GET", "/health/ready", OPEN, cs_web_health_ready, NULL, false},
    {"GET", "/health/events", PROBED, cs_web_health_events, NULL, false},
    {"GET", "/metrics", PROBED, cs_web_metrics, NULL, false},
    {"POST", "/api/sync", INSIDE, cs_web_api_sync, "schoolId districtId full",
     false},
    {"GET", "/api/runs", INSIDE, cs_web_api_runs, NULL, false},
    {"GET", "/api/runs/{}", INSIDE, cs_web_api_run, NULL, false},
    {"GET", "/api/schools", INSIDE, cs_web_api_schools, NULL, false},
    {"POST", "/api/schools/{}/require-full", INSIDE, cs_web_api_require_full,
     NULL, false},
    {"GET", "/api/schedule", INSIDE, cs_web_api_schedule, NULL, false},
    {"GET", "/api/holds", INSIDE, cs_web_holds, NULL, false},
    {"GET", "/api/holds/{}", INSIDE, cs_web_holds_keys, NULL, false},
    {"POST", "/api/holds/{}/approve", INSIDE, cs_web_holds_approve, NULL,
     false},
    {"POST", "/api/holds/{}/reject", INSIDE, cs_web_holds_reject, NULL, false},
    {"GET", "/api/rejects", INSIDE, cs_web_holds_rejects, "schoolId", false},
    {"GET", "/sign-in", OPEN, cs_web_page_state, NULL, false},
    {"POST", "/sign-in", OPEN, cs_web_page_sign_in, NULL, true},
    {"POST", "/sign-out", INSIDE, cs_web_page_sign_out, NULL, false},
};
enum { ROUTES = sizeof(routes) / sizeof(*routes) };

/* ---- Finding the route -------------------------------------------------- */

/* What stands for {}: ids and names of ours are made of these. */
static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                              "abcdefghijklmnopqrstuvwxyz0123456789-_";

static bool matches(const char *pattern, const char *path, const char **name,
                    size_t *length)
{
    const char *gap = strstr(pattern, "{}");
    size_t n = gap != NULL ? (size_t)(gap - pattern) : 0;

    if (gap == NULL)
        return strcmp(pattern, path) == 0;
    if (strncmp(pattern, path, n) != 0)
        return false;
    *name = path + n;
    *length = strspn(*name, letters);
    return *length > 0 && strcmp(gap + 2, *name + *length) == 0;
}

/* HEAD is GET without a body, which the server leaves out. */
static const char *method_of(const struct cs_web_request *request)
{
    return strcmp(request->method, "HEAD") == 0 ? "GET" : request->method;
}

/* NULL: the reply says why there is none. */
static const struct route *find(struct cs_web_request *request,
                                struct cs_web_reply *reply)
{
    char *allow = NULL;

    for (size_t i = 0; i < ROUTES; i++) {
        const struct route *route = &routes[i];
        const char *name = NULL;
        size_t length = 0;
        char *more;

        if (!matches(route->path, request->path, &name, &length))
            continue;
        if (strcmp(route->method, method_of(request)) == 0) {
            free(allow);
            request->name = cs_memory_textn(name != NULL ? name : "", length);
            return route;
        }
        more = cs_memory_format("%s%s%s%s", allow != NULL ? allow : "",
                                allow != NULL ? ", " : "", route->method,
                                route->method[0] == 'G' ? ", HEAD" : "");
        free(allow);
        allow = more;
    }
    if (allow == NULL) {
        cs_web_reply_error(reply, 404, "there is nothing at this address");
        return NULL;
    }
    cs_web_reply_error(reply, 405, "this address is not for this method");
    reply->allow = allow;
    return NULL;
}

/* ---- Who may ------------------------------------------------------------ */

/* The token of "Bearer TOKEN", or NULL. */
static const char *bearer(const char *authorization)
{
    size_t n = strlen("Bearer ");

    if (authorization == NULL || strncasecmp(authorization, "Bearer ", n) != 0)
        return NULL;
    return authorization + n + strspn(authorization + n, " ");
}

static bool let_in_key(struct cs_web *web, struct cs_web_request *request,
                       struct cs_web_reply *reply)
{
    const char *key = bearer(request->authorization);
    struct cs_error error = {.rc = CS_OK};
    enum cs_rc rc = CS_E_AUTH;

    if (key != NULL)
        rc = cs_web_secret_key(web->secret, key, &error);
    if (rc == CS_OK) {
        request->who = CS_WEB_KEY;
        return true;
    }
    if (rc == CS_E_RETRY) {
        cs_web_reply_away(reply, false, &error);
        return false;
    }
    cs_web_reply_error(reply, 401, "the API key is missing or wrong");
    reply->challenge = true;
    return false;
}

/* What changes something has to come from a page of ours: it knows the second
 * word. */
static bool is_forged(struct cs_web *web, const struct cs_web_request *request)
{
    return strcmp(method_of(request), "GET") != 0 &&
           (!cs_web_request_ours(request, web->tls) || request->csrf == NULL ||
            !cs_web_sign_csrf(web->sign, request->session, request->csrf));
}

static bool let_in(struct cs_web *web, const struct route *route,
                   struct cs_web_request *request, struct cs_web_reply *reply)
{
    if (route->access == OPEN || (route->access == PROBED && web->loopback))
        return true;
    if (request->authorization != NULL || request->session == NULL ||
        !cs_web_sign_look(web->sign, request->session, request->idle == NULL,
                          NULL))
        return let_in_key(web, request, reply);
    if (is_forged(web, request)) {
        cs_web_reply_error(reply, 403,
                           "the request did not come from the page of this "
                           "server: load it anew");
        return false;
    }
    request->who = CS_WEB_PERSON;
    return true;
}

/* ---- Answering ---------------------------------------------------------- */

static bool is_page(const struct cs_web_request *request)
{
    for (const struct cs_web_file *file = cs_web_files; file->path; file++)
        if (strcmp(file->path, request->path) == 0)
            return true;
    return false;
}

static void answer_page(struct cs_web *web,
                        const struct cs_web_request *request,
                        struct cs_web_reply *reply)
{
    if (strcmp(method_of(request), "GET") == 0) {
        cs_web_page(web, request, reply);
        return;
    }
    cs_web_reply_error(reply, 405, "this address is not for this method");
    reply->allow = cs_memory_text("GET, HEAD");
}

void cs_web_route(struct cs_web *web, struct cs_web_request *request,
                  struct cs_web_reply *reply)
{
    const struct route *route;
    const char *fault;

    if (is_page(request)) {
        answer_page(web, request, reply);
        return;
    }
    route = find(request, reply);
    if (route == NULL || !let_in(web, route, request, reply))
        return;
    fault = cs_web_request_fault(
        request, route->parameters != NULL ? route->parameters : "");
    if (fault == NULL && !route->body && request->body_size > 0)
        fault = "a body is not read here: parameters belong into the query";
    if (fault != NULL)
        cs_web_reply_error(reply, 400, "%s", fault);
    else
        route->handler(web, request, reply);
}
