/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */
#include "config.h"

#include "http-server.h"

#include "base/clock.h"
#include "base/memory.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#define CONNECTIONS 256

struct connection {
    struct http_server *server;
    pthread_t thread;
    int socket;
    SSL *ssl;
    char request[2048];
    size_t length;
};

struct http_server {
    struct http_answer *answers;
    size_t n;
    SSL_CTX *tls;
    int socket, stop[2]; /* a pipe: readable once we stop */
    unsigned port;
    pthread_t thread;
    pthread_mutex_t mutex; /* of what follows */
    pthread_cond_t came;
    struct connection *connections[CONNECTIONS];
    unsigned accepts, requests;
    struct http_request_seen seen[HTTP_SERVER_SEEN];
};

/* ---- Answers ----------------------------------------------------------- */

struct http_answer http_answer_sized(int status, const char *headers,
                                     const void *body, size_t size)
{
    char *head = cs_memory_format("HTTP/1.1 %d Some words\r\n"
                                  "Content-Length: %zu\r\n%s\r\n",
                                  status, size, headers);
    size_t length = strlen(head);

    head = cs_memory_grow(head, length + size + 1, 1);
    memcpy(head + length, body, size);
    return (struct http_answer){.bytes = head, .size = length + size};
}

struct http_answer http_answer(int status, const char *headers,
                               const char *body)
{
    return http_answer_sized(status, headers, body, strlen(body));
}

struct http_answer http_answer_cut(struct http_answer answer, size_t size)
{
    answer.size = size;
    answer.close = true;
    return answer;
}

/* ---- One connection ---------------------------------------------------- */

/* False: the server stops, or the peer is gone. */
static bool receive(struct connection *c)
{
    struct pollfd wait[2] = {{.fd = c->socket, .events = POLLIN},
                             {.fd = c->server->stop[0], .events = POLLIN}};
    size_t space = sizeof(c->request) - 1 - c->length;
    char spill[4096];
    void *to = space > 0 ? c->request + c->length : spill;
    int most = (int)(space > 0 ? space : sizeof(spill));

    if (!c->ssl || SSL_pending(c->ssl) == 0) {
        if (poll(wait, 2, -1) < 1 || wait[1].revents) {
            return false;
        }
    }
    ssize_t n = c->ssl ? SSL_read(c->ssl, to, most)
                       : recv(c->socket, to, (size_t)most, 0);
    if (n <= 0) {
        return false;
    }
    c->length += space > 0 ? (size_t)n : 0;
    c->request[c->length] = '\0';
    return true;
}

/* Bodies of requests are short here: they have to fit, head and all. */
static bool read_request(struct connection *c)
{
    const char *end;

    c->length = 0;
    c->request[0] = '\0';
    while (!(end = strstr(c->request, "\r\n\r\n"))) {
        if (!receive(c)) {
            return false;
        }
    }
    const char *size = strcasestr(c->request, "\r\nContent-Length:");
    size_t whole = (size_t)(end + 4 - c->request);
    if (size && size < end) {
        whole += strtoul(size + 17, NULL, 10);
    }
    while (c->length < whole) {
        if (!receive(c)) {
            return false;
        }
    }
    return true;
}

static const struct http_answer *note_request(struct connection *c)
{
    struct http_server *server = c->server;

    pthread_mutex_lock(&server->mutex);
    unsigned i = server->requests++;
    if (i < HTTP_SERVER_SEEN) {
        server->seen[i].time = cs_clock_steady();
        memcpy(server->seen[i].text, c->request, sizeof(c->request));
    }
    pthread_cond_broadcast(&server->came);
    pthread_mutex_unlock(&server->mutex);
    return &server->answers[i < server->n ? i : server->n - 1];
}

static bool send_all(struct connection *c, const char *bytes, size_t n)
{
    while (n > 0) {
        ssize_t sent = c->ssl ? SSL_write(c->ssl, bytes, (int)n)
                              : send(c->socket, bytes, n, MSG_NOSIGNAL);
        if (sent <= 0) {
            return false;
        }
        bytes += sent;
        n -= (size_t)sent;
    }
    return true;
}

static void *serve(void *arg)
{
    struct connection *c = arg;
    bool open = true;

    if (c->server->tls) {
        c->ssl = SSL_new(c->server->tls);
        SSL_set_fd(c->ssl, c->socket);
        open = SSL_accept(c->ssl) == 1;
    }
    while (open && read_request(c)) {
        const struct http_answer *answer = note_request(c);
        open = send_all(c, answer->bytes, answer->size) && !answer->close;
        if (answer->hang) {
            struct pollfd stop = {c->server->stop[0], POLLIN, 0};
            poll(&stop, 1, -1);
            open = false;
        }
    }
    if (c->ssl && open) {
        SSL_shutdown(c->ssl);
    }
    shutdown(c->socket, SHUT_RDWR);
    return NULL;
}

/* ---- The server -------------------------------------------------------- */

static void *accept_all(void *arg)
{
    struct http_server *server = arg;
    struct pollfd wait[2] = {{.fd = server->socket, .events = POLLIN},
                             {.fd = server->stop[0], .events = POLLIN}};

    while (poll(wait, 2, -1) > 0 && !wait[1].revents) {
        int socket = accept(server->socket, NULL, NULL);
        if (socket < 0 || server->accepts == CONNECTIONS) {
            break;
        }
        setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
        struct connection *c = cs_memory_new(sizeof(*c));
        c->server = server;
        c->socket = socket;
        pthread_mutex_lock(&server->mutex);
        server->connections[server->accepts++] = c;
        pthread_mutex_unlock(&server->mutex);
        pthread_create(&c->thread, NULL, serve, c);
    }
    return NULL;
}

struct http_server *http_server_start(const struct http_answer *answers,
                                      size_t n, SSL_CTX *tls)
{
    struct http_server *server = cs_memory_new(sizeof(*server));
    struct sockaddr_in address = {
        .sin_family = AF_INET,
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
    };
    socklen_t size = sizeof(address);

    server->answers = cs_memory_array(n, sizeof(*answers));
    memcpy(server->answers, answers, n * sizeof(*answers));
    server->n = n;
    server->tls = tls;
    pthread_mutex_init(&server->mutex, NULL);
    pthread_cond_init(&server->came, NULL);
    server->socket = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (pipe(server->stop) != 0 ||
        bind(server->socket, (struct sockaddr *)&address, size) != 0 ||
        listen(server->socket, 64) != 0 ||
        getsockname(server->socket, (struct sockaddr *)&address, &size) != 0) {
        abort();
    }
    server->port = ntohs(address.sin_port);
    pthread_create(&server->thread, NULL, accept_all, server);
    return server;
}

void http_server_stop(struct http_server *server)
{
    close(server->stop[1]);
    pthread_join(server->thread, NULL);
    for (unsigned i = 0; i < server->accepts; i++) {
        struct connection *c = server->connections[i];
        pthread_join(c->thread, NULL);
        SSL_free(c->ssl);
        close(c->socket);
        free(c);
    }
    close(server->stop[0]);
    close(server->socket);
    for (size_t i = 0; i < server->n; i++) {
        free(server->answers[i].bytes);
    }
    free(server->answers);
    pthread_cond_destroy(&server->came);
    pthread_mutex_destroy(&server->mutex);
    free(server);
}

unsigned http_server_port(const struct http_server *server)
{
    return server->port;
}

unsigned http_server_accepts(struct http_server *server)
{
    pthread_mutex_lock(&server->mutex);
    unsigned accepts = server->accepts;
    pthread_mutex_unlock(&server->mutex);
    return accepts;
}

unsigned http_server_requests(struct http_server *server)
{
    pthread_mutex_lock(&server->mutex);
    unsigned requests = server->requests;
    pthread_mutex_unlock(&server->mutex);
    return requests;
}

void http_server_await(struct http_server *server, unsigned requests)
{
    pthread_mutex_lock(&server->mutex);
    while (server->requests < requests) {
        pthread_cond_wait(&server->came, &server->mutex);
    }
    pthread_mutex_unlock(&server->mutex);
}

struct http_request_seen http_server_seen(struct http_server *server,
                                          unsigned i)
{
    pthread_mutex_lock(&server->mutex);
    struct http_request_seen seen = server->seen[i];
    pthread_mutex_unlock(&server->mutex);
    return seen;
}
