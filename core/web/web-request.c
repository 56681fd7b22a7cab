/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

#include "config.h"

#include "web/web-request.h"

#include "base/memory.h"
#include "base/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* ---- The query ---------------------------------------------------------- */

static int digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Text without control characters; yours.  NULL: it is something else. */
static char *decode(const char *text, size_t length)
{
    char *plain = cs_memory_textn(text, length), *to = plain;
    const char *end = plain + length;

    for (const char *from = plain; from < end; from++) {
        char c = *from == '+' ? ' ' : *from;

        if (c == '%') {
            int high = end - from > 2 ? digit(from[1]) : -1;
            int low = end - from > 2 ? digit(from[2]) : -1;

            c = high < 0 || low < 0 ? '\0' : (char)(high << 4 | low);
            from += 2;
        }
        if ((unsigned char)c < ' ' || c == 0x7F) {
            free(plain);
            return NULL;
        }
        *to++ = c;
    }
    *to = '\0';
    if (cs_text_valid(plain, (size_t)(to - plain)))
        return plain;
    free(plain);
    return NULL;
}

static bool add_parameter(struct cs_web_request *request, const char *text,
                          size_t length)
{
    const char *equals = memchr(text, '=', length);
    struct cs_web_parameter parameter;

    if (equals == NULL)
        return false;
    parameter.name = decode(text, (size_t)(equals - text));
    parameter.value = decode(equals + 1, length - (size_t)(equals + 1 - text));
    if (parameter.name == NULL || parameter.value == NULL) {
        free(parameter.name);
        free(parameter.value);
        return false;
    }
    request->parameter =
        cs_memory_grow(request->parameter, request->nparameters + 1,
                       sizeof(*request->parameter));
    request->parameter[request->nparameters++] = parameter;
    return true;
}

void cs_web_request_target(struct cs_web_request *request, const char *target)
{
    size_t n = strcspn(target, "?");
    const char *query = target + n;

    request->path = cs_memory_textn(target, n);
    if (*query == '\0')
        return;
    for (bool more = true; more && !request->garbled;) {
        query++;
        n = strcspn(query, "&");
        request->garbled = !add_parameter(request, query, n);
        query += n;
        more = *query != '\0';
    }
}

void cs_web_request_clear(struct cs_web_request *request)
{
    for (size_t i = 0; i < request->nparameters; i++) {
        free(request->parameter[i].name);
        free(request->parameter[i].value);
    }
    free(request->parameter);
    free(request->path);
    free(request->name);
}

const char *cs_web_request_value(const struct cs_web_request *request,
                                 const char *name)
{
    for (size_t i = 0; i < request->nparameters; i++)
        if (strcmp(request->parameter[i].name, name) == 0)
            return request->parameter[i].value;
    return NULL;
}

static bool is_known(const char *names, const char *name)
{
    char **words = cs_text_words(names);
    bool known = false;

    for (char **word = words; *word != NULL; word++)
        known = known || strcmp(*word, name) == 0;
    free(words);
    return known;
}

const char *cs_web_request_fault(const struct cs_web_request *request,
                                 const char *names)
{
    if (request->garbled)
        return "the query cannot be read";
    for (size_t i = 0; i < request->nparameters; i++) {
        const struct cs_web_parameter *parameter = &request->parameter[i];

        if (!is_known(names, parameter->name))
            return "the query has a parameter that is not known here";
        if (parameter->value[0] == '\0')
            return "a parameter of the query has no value";
        if (cs_web_request_value(request, parameter->name) != parameter->value)
            return "a parameter of the query is given twice";
    }
    return NULL;
}

bool cs_web_request_ours(const struct cs_web_request *request, bool tls)
{
    const char *scheme = tls ? "https://" : "http://";
    size_t n = strlen(scheme);

    if (request->fetch_site != NULL)
        return strcmp(request->fetch_site, "same-origin") == 0;
    if (request->origin == NULL)
        return true;
    return request->host != NULL &&
           strncasecmp(request->origin, scheme, n) == 0 &&
           strcasecmp(request->origin + n, request->host) == 0;
}

/* ---- The reply ---------------------------------------------------------- */

void cs_web_reply_clear(struct cs_web_reply *reply)
{
    free(reply->body);
    free(reply->allow);
    free(reply->cookie);
    *reply = (struct cs_web_reply){.status = 0};
}

void cs_web_reply_json(struct cs_web_reply *reply, unsigned status,
                       json_t *stolen)
{
    free(reply->body);
    reply->status = status;
    reply->body = json_dumps(stolen, JSON_COMPACT | JSON_REAL_PRECISION(9));
    reply->size = reply->body != NULL ? strlen(reply->body) : 0;
    json_decref(stolen);
}

void cs_web_reply_error(struct cs_web_reply *reply, unsigned status,
                        const char *format, ...)
{
    char text[sizeof(((struct cs_error *)NULL)->text)];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    cs_web_reply_json(reply, status, json_pack("{ss}", "error", text));
}

void cs_web_reply_away(struct cs_web_reply *reply, bool begun,
                       const struct cs_error *error)
{
    cs_web_reply_error(reply, 503, "%s%s", error->text,
                       begun ? ": it may still do it" : "");
    reply->retry_after = 5;
}
