/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* The lab's life, and the one file that knows the HTTP server. */
#include "config.h"
#include "lab/inside.h"

#include <errno.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/memory.h"

/* An idle connection is closed after that many seconds. */
#define IDLE_SECONDS 120
#define MAX_CONNECTIONS 500
#define MAX_PEOPLE 2000000ULL

/* A longer body is nothing for us: what exceeds it is passed over. */
#define MAX_BODY 65536

/* A request on its way: the address as it came, the body, then the answer. */
struct call {
    char *uri;
    struct cs_lab_buffer body;
    bool begun;
};

static void *note_uri(void *lab, const char *uri,
                      struct MHD_Connection *connection)
{
    struct call *call = cs_memory_new(sizeof *call);

    (void)lab;
    (void)connection;
    call->uri = cs_memory_text(uri);
    return call;
}

static void forget_call(void *lab, struct MHD_Connection *connection,
                        void **place, enum MHD_RequestTerminationCode code)
{
    struct call *call = *place;

    (void)lab;
    (void)connection;
    (void)code;
    if (call) {
        free(call->uri);
        cs_lab_buffer_clear(&call->body);
    }
    free(call);
    *place = NULL;
}

/* Waits until the time is over, the client has left or the lab stops; every
 * connection has a thread of its own, so nobody else waits.  False: nobody is
 * there to be answered. */
static bool wait_for(const struct cs_lab *lab,
                     struct MHD_Connection *connection, int milliseconds)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    struct pollfd ends[2] = {
        {.fd = info->connect_fd, .events = POLLRDHUP},
        {.fd = lab->stop[0], .events = POLLIN},
    };

    return poll(ends, 2, milliseconds) == 0;
}

/* Half of a body, and then the end of the connection. */
struct half {
    size_t length;
    char text[];
};

static ssize_t read_half(void *context, uint64_t at, char *out, size_t max)
{
    const struct half *half = context;
    size_t left;

    if (at >= half->length)
        return MHD_CONTENT_READER_END_WITH_ERROR;
    left = half->length - (size_t)at;
    if (left > max)
        left = max;
    memcpy(out, half->text + at, left);
    return (ssize_t)left;
}

static struct MHD_Response *half_response(const struct cs_lab_buffer *body)
{
    size_t length = body->length / 2;
    struct half *half = cs_memory_new(sizeof *half + length);

    half->length = length;
    if (length > 0)
        memcpy(half->text, body->text, length);
    return MHD_create_response_from_callback(body->length + 1, 16384, read_half,
                                             half, free);
}

/* Takes the body over. */
static struct MHD_Response *make_response(struct cs_lab_reply *reply)
{
    struct MHD_Response *response;

    if (reply->cut) {
        response = half_response(&reply->body);
        cs_lab_buffer_clear(&reply->body);
    } else {
        response = MHD_create_response_from_buffer(
            reply->body.length, reply->body.text, MHD_RESPMEM_MUST_FREE);
    }
    if (!response)
        return NULL;
    MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE,
                            reply->type ? reply->type
                                        : "application/json; charset=utf-8");
    for (size_t i = 0; i < reply->header_count; i++)
        MHD_add_response_header(response, reply->headers[i].name,
                                reply->headers[i].value);
    return response;
}

static enum MHD_Result send_reply(const struct cs_lab *lab,
                                  struct MHD_Connection *connection,
                                  struct cs_lab_reply *reply)
{
    struct MHD_Response *response;
    enum MHD_Result result;

    if ((reply->wait != 0 && !wait_for(lab, connection, reply->wait)) ||
        reply->drop) {
        cs_lab_buffer_clear(&reply->body);
        return MHD_NO;
    }
    response = make_response(reply);
    if (!response)
        return MHD_NO;
    result = MHD_queue_response(connection, reply->status, response);
    MHD_destroy_response(response);
    return result;
}

static const char *header_of(struct MHD_Connection *connection,
                             const char *name)
{
    return MHD_lookup_connection_value(connection, MHD_HEADER_KIND, name);
}

static enum MHD_Result handle(void *context, struct MHD_Connection *connection,
                              const char *path, const char *method,
                              const char *version, const char *upload,
                              size_t *upload_size, void **place)
{
    struct cs_lab *lab = context;
    struct call *call = *place;
    struct cs_lab_request request;
    struct cs_lab_reply reply = {0};

    (void)path;
    (void)version;
    if (!call->begun) { /* only the head has been read */
        call->begun = true;
        return MHD_YES;
    }
    if (*upload_size > 0) {
        if (*upload_size <= MAX_BODY - call->body.length)
            cs_lab_buffer_add(&call->body, upload, *upload_size);
        *upload_size = 0;
        return MHD_YES;
    }
    if (cs_lab_request_parse(&request, method, call->uri,
                             header_of(connection, "Authorization"))) {
        cs_lab_buffer_add(&call->body, "", 1); /* its end, as text */
        request.body = call->body.text;
        request.body_length = call->body.length - 1;
        request.type = header_of(connection, "Content-Type");
        request.encoding = header_of(connection, "Content-Encoding");
        request.signature = header_of(connection, "X-Cleversync-Signature");
        request.metadata = header_of(connection, "Metadata");
        request.proof = header_of(connection, "X-IDENTITY-HEADER");
        cs_lab_answer(lab, &request, &reply);
    } else {
        cs_lab_reply_error(&reply, 400, "the query cannot be read");
    }
    cs_lab_request_clear(&request);
    return send_reply(lab, connection, &reply);
}

/* --- life --- */

struct cs_lab_options cs_lab_defaults(void)
{
    return (struct cs_lab_options){
        .districts = 1,
        .schools = 3,
        .students = 100,
        .teachers = 10,
        .seed = 1,
        .client_id = "lab-client",
        .client_secret = "lab-secret",
    };
}

/* "Basic " and the base64 of ID:SECRET. */
static char *basic_header(const char *id, const char *secret)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                 "abcdefghijklmnopqrstuvwxyz0123456789+/";
    char *plain = cs_memory_format("%s:%s", id, secret);
    size_t length = strlen(plain);
    char *header = cs_memory_new(strlen("Basic ") + length * 2 + 8), *to;

    to = header + sprintf(header, "Basic ");
    for (size_t i = 0; i < length; i += 3) {
        size_t have = length - i < 3 ? length - i : 3;
        unsigned bits = 0;

        for (size_t j = 0; j < 3; j++)
            bits = bits << 8 | (j < have ? (unsigned char)plain[i + j] : 0U);
        for (size_t j = 0; j < 4; j++)
            *to++ = j <= have ? digits[bits >> (18 - 6 * j) & 63] : '=';
    }
    free(plain);
    return header;
}

static bool in_range(const struct cs_lab_options *options, char *error,
                     size_t size)
{
    unsigned long long people =
        (unsigned long long)options->districts * options->schools;

    if (options->districts == 0 || options->schools == 0 || people > 100000) {
        snprintf(error, size,
                 "there must be a district and a school, and at "
                 "most 100000 schools in all");
        return false;
    }
    people *= (unsigned long long)options->students + options->teachers;
    if (people > MAX_PEOPLE) {
        snprintf(error, size, "%llu people are too many; at most %llu fit",
                 people, MAX_PEOPLE);
        return false;
    }
    return true;
}

struct cs_lab *cs_lab_new(const struct cs_lab_options *options, char *error,
                          size_t size)
{
    struct cs_lab *lab;

    if (!in_range(options, error, size))
        return NULL;
    lab = cs_memory_new(sizeof *lab);
    lab->stop[0] = lab->stop[1] = -1;
    lab->rate_limit = options->rate_limit;
    lab->port = options->port;
    pthread_mutex_init(&lab->lock, NULL);
    for (const char *const *fault = options->faults; fault && *fault; fault++)
        if (!cs_lab_faults_add(&lab->faults, *fault, error, size)) {
            cs_lab_free(lab);
            return NULL;
        }
    if (options->vault) {
        lab->vault = cs_lab_vault_new(options->vault, options->client_id,
                                      options->client_secret, error, size);
        if (!lab->vault) {
            cs_lab_free(lab);
            return NULL;
        }
    }
    lab->basic = basic_header(options->client_id, options->client_secret);
    lab->windows = cs_memory_array(options->districts, sizeof *lab->windows);
    cs_lab_model_init(&lab->model, options);
    return lab;
}

bool cs_lab_serve(struct cs_lab *lab, char *error, size_t size)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET,
        .sin_port = htons((uint16_t)lab->port),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
    };
    const union MHD_DaemonInfo *info;

    if (pipe(lab->stop) != 0) {
        snprintf(error, size, "no pipe can be made: %s", strerror(errno));
        return false;
    }
    lab->daemon = MHD_start_daemon(
        MHD_USE_THREAD_PER_CONNECTION | MHD_USE_INTERNAL_POLLING_THREAD |
            MHD_USE_POLL | MHD_USE_ITC,
        0, NULL, NULL, handle, lab, MHD_OPTION_SOCK_ADDR,
        (struct sockaddr *)&address, MHD_OPTION_URI_LOG_CALLBACK, note_uri, lab,
        MHD_OPTION_NOTIFY_COMPLETED, forget_call, lab,
        MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)IDLE_SECONDS,
        MHD_OPTION_CONNECTION_LIMIT, (unsigned)MAX_CONNECTIONS, MHD_OPTION_END);
    info = lab->daemon
               ? MHD_get_daemon_info(lab->daemon, MHD_DAEMON_INFO_BIND_PORT)
               : NULL;
    if (!info) {
        snprintf(error, size, "127.0.0.1 port %u cannot be listened on: %s",
                 lab->port, strerror(errno));
        return false;
    }
    lab->port = info->port;
    snprintf(lab->url, sizeof lab->url, "http://127.0.0.1:%u", lab->port);
    return true;
}

const char *cs_lab_url(const struct cs_lab *lab)
{
    return lab->url;
}

void cs_lab_free(struct cs_lab *lab)
{
    if (!lab)
        return;
    if (lab->stop[1] >= 0)
        close(lab->stop[1]); /* wakes whoever waits */
    if (lab->daemon)
        MHD_stop_daemon(lab->daemon);
    if (lab->stop[0] >= 0)
        close(lab->stop[0]);
    for (size_t i = 0; i < lab->log_count; i++)
        free(lab->log[i]);
    free(lab->log);
    cs_lab_telemetry_clear(&lab->telemetry);
    cs_lab_vault_free(lab->vault);
    free(lab->windows);
    free(lab->basic);
    cs_lab_faults_clear(&lab->faults);
    cs_lab_model_clear(&lab->model);
    pthread_mutex_destroy(&lab->lock);
    free(lab);
}
