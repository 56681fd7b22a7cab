/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* The one file that knows the HTTP library. */

#include "config.h"

#include "web/web-server.h"

#include "base/memory.h"
#include "web/web-patience.h"

#include <arpa/inet.h>
#include <errno.h>
#include <microhttpd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define HEADERS ((size_t)64 * 1024) /* most bytes of all of them */
#define IDLE_SECONDS 10             /* then a connection is closed */

struct cs_web_server {
    struct MHD_Daemon *daemon;
    struct cs_web_patience *patience;
    void (*answer)(struct cs_web *web, struct cs_web_request *request,
                   struct cs_web_reply *reply);
    struct cs_web *web;
    bool tls;
    char url[INET6_ADDRSTRLEN + sizeof("https://[]:65535")];
};

/* A connection.  The library never says what became of a request whose head it
 * cannot read, so the target is kept here until it can. */
struct line {
    struct cs_web_wait *wait;
    char *target;
};

/* A request on its way. */
struct call {
    char *target;
    char *body;
    size_t size;
};

/* ---- The request -------------------------------------------------------- */

static struct line *line_of(struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

    return info->socket_context;
}

static void *note_target(void *arg, const char *target,
                         struct MHD_Connection *connection)
{
    struct line *line = line_of(connection);

    (void)arg;
    free(line->target);
    line->target = cs_memory_text(target);
    return NULL;
}

static struct call *make_call(struct MHD_Connection *connection)
{
    struct line *line = line_of(connection);
    struct call *call = cs_memory_new(sizeof(*call));

    call->target = line->target;
    line->target = NULL;
    return call;
}

static void forget_call(void *arg, struct MHD_Connection *connection,
                        void **place, enum MHD_RequestTerminationCode code)
{
    const struct cs_web_server *server = arg;
    struct call *call = *place;

    (void)code;
    if (call == NULL)
        return;
    free(call->target);
    cs_memory_wipe(call->body); /* it may have held a password */
    free(call);
    *place = NULL;
    cs_web_patience_begin(server->patience, line_of(connection)->wait);
}

static void note_connection(void *arg, struct MHD_Connection *connection,
                            void **place,
                            enum MHD_ConnectionNotificationCode code)
{
    const struct cs_web_server *server = arg;
    const union MHD_ConnectionInfo *info;
    struct line *line = *place;

    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        info = MHD_get_connection_info(connection,
                                       MHD_CONNECTION_INFO_CONNECTION_FD);
        line = cs_memory_new(sizeof(*line));
        line->wait = cs_web_patience_add(server->patience, info->connect_fd);
        *place = line;
    } else {
        cs_web_patience_remove(server->patience, line->wait);
        free(line->target);
        free(line);
    }
}

static const char *field(struct MHD_Connection *connection, const char *name)
{
    return MHD_lookup_connection_value(connection, MHD_HEADER_KIND, name);
}

static void write_address(struct MHD_Connection *connection,
                          char text[INET6_ADDRSTRLEN])
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);

    cs_web_address_host(info->client_addr, text);
}

static void read_request(const struct cs_web_server *server,
                         struct MHD_Connection *connection, const char *method,
                         const struct call *call,
                         struct cs_web_request *request)
{
    *request = (struct cs_web_request){
        .method = method,
        .authorization = field(connection, "Authorization"),
        .session = MHD_lookup_connection_value(connection, MHD_COOKIE_KIND,
                                               server->tls ? "__Host-cleversync"
                                                           : "cleversync"),
        .csrf = field(connection, "X-CSRF-Token"),
        .idle = field(connection, "X-Idle"),
        .host = field(connection, "Host"),
        .origin = field(connection, "Origin"),
        .fetch_site = field(connection, "Sec-Fetch-Site"),
        .type = field(connection, "Content-Type"),
        .accept = field(connection, "Accept"),
        .body = call->body != NULL ? call->body : "",
        .body_size = call->size,
    };
    write_address(connection, request->address);
    cs_web_request_target(request, call->target);
}

/* ---- The reply ---------------------------------------------------------- */

static void add_fields(struct MHD_Response *response,
                       const struct cs_web_reply *reply)
{
    static const struct {
        const char *name, *value;
    } always[] = {
        {"Cache-Control", "no-store"},
        {"Content-Security-Policy",
         "default-src 'none'; script-src 'self'; style-src 'self'; "
         "connect-src 'self'; img-src 'self'; base-uri 'none'; "
         "form-action 'none'; frame-ancestors 'none'"},
        {"Cross-Origin-Opener-Policy", "same-origin"},
        {"Cross-Origin-Resource-Policy", "same-origin"},
        {"Referrer-Policy", "no-referrer"},
        {"X-Content-Type-Options", "nosniff"},
        {"X-Frame-Options", "DENY"},
    };
    char seconds[16];

    for (size_t i = 0; i < sizeof(always) / sizeof(*always); i++)
        MHD_add_response_header(response, always[i].name, always[i].value);
    MHD_add_response_header(
        response, "Content-Type",
        reply->type != NULL ? reply->type : "application/json; charset=utf-8");
    if (reply->allow != NULL)
        MHD_add_response_header(response, "Allow", reply->allow);
    if (reply->cookie != NULL)
        MHD_add_response_header(response, "Set-Cookie", reply->cookie);
    if (reply->challenge)
        MHD_add_response_header(response, "WWW-Authenticate",
                                "Bearer realm=\"cleversync\"");
    if (reply->retry_after > 0) {
        snprintf(seconds, sizeof(seconds), "%u", reply->retry_after);
        MHD_add_response_header(response, "Retry-After", seconds);
    }
}

static enum MHD_Result send_reply(struct MHD_Connection *connection,
                                  struct cs_web_reply *reply)
{
    struct MHD_Response *response;
    enum MHD_Result result;

    if (reply->fixed != NULL) {
        response = MHD_create_response_from_buffer(
            reply->size, (void *)(uintptr_t)reply->fixed,
            MHD_RESPMEM_PERSISTENT);
    } else {
        response = MHD_create_response_from_buffer(reply->size, reply->body,
                                                   MHD_RESPMEM_MUST_FREE);
        reply->body = response != NULL ? NULL : reply->body;
    }
    if (response == NULL)
        return MHD_NO;
    add_fields(response, reply);
    result = MHD_queue_response(connection, reply->status, response);
    MHD_destroy_response(response);
    return result;
}

/* ---- Between the two ---------------------------------------------------- */

static enum MHD_Result answer(const struct cs_web_server *server,
                              struct MHD_Connection *connection,
                              const char *method, const struct call *call)
{
    struct cs_web_reply reply = {.status = 0};
    struct cs_web_request request;
    enum MHD_Result result;

    cs_web_patience_rest(server->patience, line_of(connection)->wait);
    read_request(server, connection, method, call, &request);
    server->answer(server->web, &request, &reply);
    cs_web_request_clear(&request);
    cs_web_patience_begin(server->patience, line_of(connection)->wait);
    result = send_reply(connection, &reply);
    cs_web_reply_clear(&reply);
    return result;
}

/* The head is there.  A body that says how long it is can be refused now. */
static enum MHD_Result begin(struct MHD_Connection *connection)
{
    const char *length = field(connection, "Content-Length");
    struct cs_web_reply reply = {.status = 0};
    enum MHD_Result result;

    if (length == NULL || strtoull(length, NULL, 10) <= CS_WEB_BODY)
        return MHD_YES;
    cs_web_reply_error(&reply, 413, "the body is too long");
    result = send_reply(connection, &reply);
    cs_web_reply_clear(&reply);
    return result;
}

static enum MHD_Result handle(void *arg, struct MHD_Connection *connection,
                              const char *path, const char *method,
                              const char *version, const char *upload,
                              size_t *upload_size, void **place)
{
    const struct cs_web_server *server = arg;
    struct call *call = *place;

    (void)path;
    (void)version;
    if (call == NULL) {
        *place = make_call(connection);
        return begin(connection);
    }
    if (*upload_size == 0)
        return answer(server, connection, method, call);
    if (*upload_size > CS_WEB_BODY - call->size)
        return MHD_NO; /* it did not say how long it is: the end */
    call->body =
        cs_memory_grow_wiped(call->body, call->size + *upload_size + 1);
    memcpy(call->body + call->size, upload, *upload_size);
    call->size += *upload_size;
    call->body[call->size] = '\0';
    *upload_size = 0;
    return MHD_YES;
}

/* ---- Listening ---------------------------------------------------------- */

static void write_url(struct cs_web_server *server,
                      const struct cs_web_address *address, unsigned port)
{
    char host[INET6_ADDRSTRLEN];
    bool six;

    cs_web_address_host(&address->socket.any, host);
    six = strchr(host, ':') != NULL;
    snprintf(server->url, sizeof(server->url), "%s://%s%s%s:%u",
             server->tls ? "https" : "http", six ? "[" : "", host,
             six ? "]" : "", port);
}

static unsigned flags_for(const struct cs_web_address *address, bool tls)
{
    unsigned flags = MHD_USE_THREAD_PER_CONNECTION |
                     MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_POLL |
                     MHD_USE_ITC;

    if (address->socket.any.sa_family == AF_INET6)
        flags |= IN6_IS_ADDR_UNSPECIFIED(&address->socket.v6.sin6_addr)
                     ? MHD_USE_DUAL_STACK
                     : MHD_USE_IPv6;
    return tls ? flags | MHD_USE_TLS : flags;
}

static enum cs_rc listen_now(struct cs_web_server *server,
                             const struct cs_web_server_request *request,
                             struct cs_error *error)
{
    const struct MHD_OptionItem tls[] = {
        {MHD_OPTION_HTTPS_MEM_CERT, 0, (void *)(uintptr_t)request->certificate},
        {MHD_OPTION_HTTPS_MEM_KEY, 0, (void *)(uintptr_t)request->key},
        {MHD_OPTION_HTTPS_PRIORITIES, 0,
         (void *)(uintptr_t) "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2"},
        {MHD_OPTION_END, 0, NULL},
    };
    const struct MHD_OptionItem plain[] = {{MHD_OPTION_END, 0, NULL}};
    const union MHD_DaemonInfo *info = NULL;

    errno = 0;
    server->daemon = MHD_start_daemon(
        flags_for(&request->address, server->tls), 0, NULL, NULL, handle,
        server, MHD_OPTION_SOCK_ADDR, &request->address.socket.any,
        MHD_OPTION_URI_LOG_CALLBACK, note_target, server,
        MHD_OPTION_NOTIFY_COMPLETED, forget_call, server,
        MHD_OPTION_NOTIFY_CONNECTION, note_connection, server,
        MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)IDLE_SECONDS,
        /* Those that are ended still count for a moment. */
        MHD_OPTION_CONNECTION_LIMIT, 2U * CS_WEB_CONNECTIONS,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, HEADERS,
        MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_ARRAY,
        server->tls ? tls : plain, MHD_OPTION_END);
    if (server->daemon != NULL)
        info = MHD_get_daemon_info(server->daemon, MHD_DAEMON_INFO_BIND_PORT);
    if (info == NULL)
        return cs_error_set(error, CS_E_CONFIG,
                            "[health] listen: %s cannot be listened on%s%s",
                            request->listen, errno != 0 ? ": " : "",
                            errno != 0 ? strerror(errno) : "");
    write_url(server, &request->address, info->port);
    return CS_OK;
}

enum cs_rc cs_web_server_new(struct cs_web_server **server,
                             const struct cs_web_server_request *request,
                             struct cs_error *error)
{
    struct cs_web_server *new = cs_memory_new(sizeof(*new));
    enum cs_rc rc;

    new->answer = request->answer;
    new->web = request->web;
    new->tls = request->certificate != NULL;
    new->patience = cs_web_patience_new(CS_WEB_CONNECTIONS);
    rc = listen_now(new, request, error);
    if (rc != CS_OK) {
        cs_web_server_free(new);
        return rc;
    }
    *server = new;
    return CS_OK;
}

void cs_web_server_free(struct cs_web_server *server)
{
    if (server == NULL)
        return;
    if (server->daemon != NULL)
        MHD_stop_daemon(server->daemon);
    cs_web_patience_free(server->patience);
    free(server);
}

const char *cs_web_server_url(const struct cs_web_server *server)
{
    return server->url;
}
