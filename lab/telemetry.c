/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

#include "config.h"
#include "lab/telemetry.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "core/base/memory.h"
#include "core/base/text.h"

#define TRACK "/v2.1/track"
#define HOOK "/hook"

/* zlib expects a gzip header when 16 is added to the size of its window. */
#define GZIP_WINDOW (15 + 16)
#define LARGEST ((size_t)16 * 1024 * 1024)

/* --- what was told --- */

static bool is_gzip(const struct cs_lab_request *request)
{
    return request->encoding && strcmp(request->encoding, "gzip") == 0;
}

/* False: it is not whole, or too large. */
static bool unpack(const struct cs_lab_request *request,
                   struct cs_lab_buffer *out)
{
    z_stream stream = {.next_in = (Bytef *)(uintptr_t)request->body,
                       .avail_in = (uInt)request->body_length};
    unsigned char part[16384];
    int code = Z_OK;

    if (inflateInit2(&stream, GZIP_WINDOW) != Z_OK)
        return false;
    while (code == Z_OK && out->length <= LARGEST) {
        stream.next_out = part;
        stream.avail_out = sizeof part;
        code = inflate(&stream, Z_NO_FLUSH);
        cs_lab_buffer_add(out, part, sizeof part - stream.avail_out);
    }
    inflateEnd(&stream);
    return code == Z_STREAM_END;
}

/* The body as text; false: it is none. */
static bool read_body(const struct cs_lab_request *request,
                      struct cs_lab_buffer *text)
{
    if (!request->body)
        return false;
    if (!is_gzip(request))
        cs_lab_buffer_add(text, request->body, request->body_length);
    else if (!unpack(request, text))
        return false;
    return cs_text_valid(text->length > 0 ? text->text : "", text->length);
}

static void quote(struct cs_lab_buffer *out, const char *name, const char *text,
                  size_t length)
{
    cs_lab_buffer_format(out, "\"%s\":", name);
    if (text)
        cs_lab_buffer_quote(out, text, length);
    else
        cs_lab_buffer_text(out, "null");
    cs_lab_buffer_text(out, ",");
}

static void keep(struct cs_lab_telemetry *telemetry,
                 const struct cs_lab_request *request, unsigned status,
                 const struct cs_lab_buffer *body)
{
    const char *const headers[][2] = {{"path", request->path},
                                      {"type", request->type},
                                      {"encoding", request->encoding},
                                      {"signature", request->signature}};
    struct cs_lab_buffer out = {0};

    if (telemetry->count == CS_LAB_MAX_TELEMETRY) {
        telemetry->full = true;
        return;
    }
    cs_lab_buffer_text(&out, "{");
    for (size_t i = 0; i < sizeof headers / sizeof headers[0]; i++)
        quote(&out, headers[i][0], headers[i][1],
              headers[i][1] ? strlen(headers[i][1]) : 0);
    quote(&out, "body", body ? (body->length > 0 ? body->text : "") : NULL,
          body ? body->length : 0);
    cs_lab_buffer_format(&out, "\"status\":%u}", status);
    cs_lab_buffer_add(&out, "", 1);
    telemetry->told = cs_memory_grow(telemetry->told, telemetry->count + 1,
                                     sizeof *telemetry->told);
    telemetry->told[telemetry->count++] = out.text;
}

void cs_lab_telemetry_show(const struct cs_lab_telemetry *telemetry,
                           struct cs_lab_buffer *out)
{
    cs_lab_buffer_text(out, "[");
    for (size_t i = 0; i < telemetry->count; i++)
        cs_lab_buffer_format(out, "%s\n%s", i > 0 ? "," : "",
                             telemetry->told[i]);
    cs_lab_buffer_text(out, "\n]\n");
}

void cs_lab_telemetry_clear(struct cs_lab_telemetry *telemetry)
{
    for (size_t i = 0; i < telemetry->count; i++)
        free(telemetry->told[i]);
    free(telemetry->told);
    *telemetry = (struct cs_lab_telemetry){0};
}

/* --- what is answered --- */

static size_t count_lines(const struct cs_lab_buffer *text)
{
    size_t n = 0;

    for (size_t i = 0; i < text->length; i++)
        n += text->text[i] == '\n' || i + 1 == text->length;
    return n;
}

/* With the fault every second item is refused, in turn for now and for good. */
static void accept_items(const struct cs_lab_buffer *text, bool partial,
                         struct cs_lab_reply *reply)
{
    size_t n = count_lines(text), refused = partial ? n / 2 : 0;

    reply->status = refused > 0 ? 206 : 200;
    cs_lab_buffer_format(&reply->body,
                         "{\"itemsReceived\":%zu,\"itemsAccepted\":%zu,"
                         "\"errors\":[",
                         n, n - refused);
    for (size_t i = 0; i < refused; i++)
        cs_lab_buffer_format(&reply->body,
                             "%s{\"index\":%zu,\"statusCode\":%d,"
                             "\"message\":\"refused for Quill Canary\"}",
                             i > 0 ? "," : "", 2 * i + 1,
                             i % 2 == 0 ? 500 : 400);
    cs_lab_buffer_text(&reply->body, "]}");
}

static void answer(const char *url, const struct cs_lab_request *request,
                   const struct cs_lab_hits *hits,
                   const struct cs_lab_buffer *text, struct cs_lab_reply *reply)
{
    /* The same lab under its other name. */
    const char *port = strrchr(url, ':');
    char place[100];

    if (cs_lab_fault_answer(hits, reply))
        return;
    if (hits->on[CS_LAB_FAULT_REDIRECT]) {
        snprintf(place, sizeof place, "http://localhost%s%s", port,
                 request->path);
        cs_lab_reply_text(reply, "Location", place);
        cs_lab_reply_error(reply, 308, "moved");
    } else if (!text) {
        cs_lab_reply_error(reply, 400, "the body is no text");
    } else if (strcmp(request->path, TRACK) == 0) {
        accept_items(text, hits->on[CS_LAB_FAULT_PARTIAL], reply);
    } else {
        reply->status = 200;
        cs_lab_buffer_text(&reply->body, "{}");
    }
}

bool cs_lab_telemetry_answer(struct cs_lab_telemetry *telemetry,
                             const char *url,
                             const struct cs_lab_request *request,
                             const struct cs_lab_hits *hits,
                             struct cs_lab_reply *reply)
{
    struct cs_lab_buffer text = {0};
    bool readable;

    if (strcmp(request->path, TRACK) != 0 && strcmp(request->path, HOOK) != 0)
        return false;
    if (strcmp(request->method, "POST") != 0) {
        cs_lab_reply_error(reply, 405, "only POST is served");
        return true;
    }
    readable = read_body(request, &text);
    answer(url, request, hits, readable ? &text : NULL, reply);
    keep(telemetry, request, reply->drop ? 0 : reply->status,
         readable ? &text : NULL);
    cs_lab_buffer_clear(&text);
    return true;
}
