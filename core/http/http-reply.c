/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */
#include "config.h"

#include "http/http-reply.h"

#include "base/memory.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const char *header(const struct cs_http *exchange, const char *name)
{
    return cs_http_reply_header(exchange->core, name);
}

struct cs_http_reply *cs_http_reply_new(struct cs_http *exchange)
{
    struct cs_http_reply *reply = cs_memory_new(sizeof(*reply));

    exchange->core = reply;
    exchange->header = header;
    return reply;
}

void cs_http_reply_free(struct cs_http_reply *reply)
{
    if (!reply) {
        return;
    }
    cs_memory_wipe(reply->headers.bytes);
    cs_memory_wipe(reply->body.bytes);
    free(reply);
}

void cs_http_reply_reset(struct cs_http_reply *reply)
{
    reply->headers.length = 0;
    reply->body.length = 0;
}

static void append(struct cs_http_bytes *to, const char *bytes, size_t n)
{
    if (to->space < to->length + n + 1) {
        to->space = 2 * (to->length + n + 1);
        to->bytes = cs_memory_grow_wiped(to->bytes, to->space);
    }
    memcpy(to->bytes + to->length, bytes, n);
    to->length += n;
    to->bytes[to->length] = '\0';
}

void cs_http_reply_add_body(struct cs_http_reply *reply, const char *bytes,
                            size_t n)
{
    append(&reply->body, bytes, n);
}

void cs_http_reply_forget_body(struct cs_http_reply *reply)
{
    cs_memory_wipe(reply->body.bytes);
    reply->body = (struct cs_http_bytes){0};
}

bool cs_http_reply_add_line(struct cs_http_reply *reply, const char *line,
                            size_t n)
{
    struct cs_http_bytes *headers = &reply->headers;

    while (n > 0 && (line[n - 1] == '\r' || line[n - 1] == '\n')) {
        n--;
    }
    if (n == 0) {
        return true;
    }
    if (n >= 5 && memcmp(line, "HTTP/", 5) == 0) {
        headers->length = 0; /* those before were of an interim reply */
        return true;
    }
    if (headers->length + n + 1 > CS_HTTP_HEADERS) {
        return false;
    }
    append(headers, line, n);
    headers->length++; /* each line keeps its NUL */
    return true;
}

const char *cs_http_reply_header(const struct cs_http_reply *reply,
                                 const char *name)
{
    const struct cs_http_bytes *headers = &reply->headers;
    size_t length = strlen(name);

    for (size_t at = 0; at < headers->length;) {
        const char *line = headers->bytes + at;
        if (strncasecmp(line, name, length) == 0 && line[length] == ':') {
            const char *value = line + length + 1;
            return value + strspn(value, " \t");
        }
        at += strlen(line) + 1;
    }
    return NULL;
}
