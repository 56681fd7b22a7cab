/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* A server on a free port of 127.0.0.1 that gives prepared answers, byte for
 * byte, the last one for ever. */
#ifndef HTTP_SERVER_H
#define HTTP_SERVER_H

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct http_answer {
    char *bytes; /* owned by the server once given to it; NULL: none */
    size_t size;
    bool close; /* and then the connection */
    bool hang;  /* and then nothing more until the server stops */
};

/* A whole reply with a Content-Length; headers: "Name: value\r\n" or "". */
struct http_answer http_answer(int status, const char *headers,
                               const char *body);
struct http_answer http_answer_sized(int status, const char *headers,
                                     const void *body, size_t size);
/* The same, but only the first `size` bytes; the connection is closed. */
struct http_answer http_answer_cut(struct http_answer answer, size_t size);

#define HTTP_SERVER_SEEN 64

struct http_request_seen {
    int64_t time;    /* on the steady clock */
    char text[2048]; /* head and body, cut */
};

struct http_server;
/* answers: n of them, copied.  tls may be NULL. */
struct http_server *http_server_start(const struct http_answer *answers,
                                      size_t n, SSL_CTX *tls);
void http_server_stop(struct http_server *server);
unsigned http_server_port(const struct http_server *server);
unsigned http_server_accepts(struct http_server *server);
unsigned http_server_requests(struct http_server *server);
/* Waits until so many requests have come. */
void http_server_await(struct http_server *server, unsigned requests);
/* The i-th, from 0. */
struct http_request_seen http_server_seen(struct http_server *server,
                                          unsigned i);

#endif
