/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* What is kept of a reply: its headers and its body, each within a cap. */
#ifndef CS_HTTP_REPLY_H
#define CS_HTTP_REPLY_H

#include "http/http.h"

#define CS_HTTP_HEADERS (64 * 1024)

struct cs_http_bytes {
    char *bytes; /* owned; ends with a NUL beyond its length, once in use */
    size_t length, space;
};

struct cs_http_reply {
    struct cs_http_bytes headers; /* "Name: value\0Name: value\0" */
    struct cs_http_bytes body;
};

/* The exchange's header() looks into it. */
struct cs_http_reply *cs_http_reply_new(struct cs_http *exchange);
/* Forgets headers and body, for another try. */
void cs_http_reply_reset(struct cs_http_reply *reply);
void cs_http_reply_add_body(struct cs_http_reply *reply, const char *bytes,
                            size_t n);
/* It has been read, and may hold a secret. */
void cs_http_reply_forget_body(struct cs_http_reply *reply);
/* One line of a header, as it came; false: beyond the cap. */
bool cs_http_reply_add_line(struct cs_http_reply *reply, const char *line,
                            size_t n);
/* The value, or NULL. */
const char *cs_http_reply_header(const struct cs_http_reply *reply,
                                 const char *name);

#endif
