/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

#include "config.h"
#include "lab/request.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/memory.h"

static int hex(char c)
{
    const char *digits = "0123456789abcdef";
    const char *at = c ? strchr(digits, tolower((unsigned char)c)) : NULL;

    return at ? (int)(at - digits) : -1;
}

/* In place.  A NUL would hide what follows it, so that is refused too. */
static bool percent_decode(char *text)
{
    char *to = text;

    for (char *c = text; *c; c++) {
        if (*c == '%') {
            int high = hex(c[1]), low = high < 0 ? -1 : hex(c[2]);

            if (low < 0 || (high == 0 && low == 0))
                return false;
            *to++ = (char)(high * 16 + low);
            c += 2;
        } else {
            *to++ = *c == '+' ? ' ' : *c;
        }
    }
    *to = '\0';
    return true;
}

static bool add_param(struct cs_lab_request *request, char *part)
{
    char *value = strchr(part, '=');

    if (request->param_count == CS_LAB_MAX_PARAMS)
        return false;
    if (value)
        *value++ = '\0';
    else
        value = part + strlen(part);
    request->params[request->param_count].name = part;
    request->params[request->param_count++].value = value;
    return percent_decode(part) && percent_decode(value);
}

bool cs_lab_request_parse(struct cs_lab_request *request, const char *method,
                          const char *uri, const char *authorization)
{
    char *query, *save = NULL;

    *request = (struct cs_lab_request){
        .method = method,
        .uri = uri,
        .authorization = authorization,
        .path = cs_memory_text(uri),
    };
    query = strchr(request->path, '?');
    if (!query)
        return true;
    *query++ = '\0';
    for (char *part = strtok_r(query, "&", &save); part;
         part = strtok_r(NULL, "&", &save))
        if (!add_param(request, part))
            return false;
    return true;
}

void cs_lab_request_clear(struct cs_lab_request *request)
{
    free(request->path);
    request->path = NULL;
}

const char *cs_lab_request_param(const struct cs_lab_request *request,
                                 const char *name)
{
    for (size_t i = 0; i < request->param_count; i++)
        if (strcmp(request->params[i].name, name) == 0)
            return request->params[i].value;
    return NULL;
}

bool cs_lab_request_number(const char *text, unsigned long long max,
                           unsigned long long *number)
{
    char *end;

    if (!text || !isdigit((unsigned char)text[0]))
        return false;
    errno = 0;
    *number = strtoull(text, &end, 10);
    return errno == 0 && *end == '\0' && *number <= max;
}

void cs_lab_reply_header(struct cs_lab_reply *reply, const char *name,
                         long long value)
{
    size_t i = reply->header_count++;

    reply->headers[i].name = name;
    snprintf(reply->headers[i].value, sizeof reply->headers[i].value, "%lld",
             value);
}

void cs_lab_reply_text(struct cs_lab_reply *reply, const char *name,
                       const char *value)
{
    size_t i = reply->header_count++;

    reply->headers[i].name = name;
    snprintf(reply->headers[i].value, sizeof reply->headers[i].value, "%s",
             value);
}

void cs_lab_reply_error(struct cs_lab_reply *reply, unsigned status,
                        const char *message)
{
    reply->status = status;
    reply->body.length = 0;
    cs_lab_buffer_text(&reply->body, "{\"message\":");
    cs_lab_buffer_quote(&reply->body, message, strlen(message));
    cs_lab_buffer_text(&reply->body, "}");
}
