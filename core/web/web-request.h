/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* A request and its reply as the rooms behind the HTTP server see them. */
#ifndef CS_WEB_REQUEST_H
#define CS_WEB_REQUEST_H

#include "base/error.h"

#include <jansson.h>
#include <netinet/in.h>
#include <stdbool.h>

#define CS_WEB_BODY ((size_t)64 * 1024) /* most bytes of a request's */

struct cs_web_parameter { /* of the query; decoded */
    char *name, *value;
};

enum cs_web_who {
    CS_WEB_ANYBODY,
    CS_WEB_KEY,    /* who has the API key */
    CS_WEB_PERSON, /* signed in at the page */
};

struct cs_web_request {
    const char *method;
    char *path;
    struct cs_web_parameter *parameter;
    size_t nparameters;
    bool garbled; /* the query cannot be read */
    /* Header fields, NULL when there is none; session: the cookie's value. */
    const char *authorization, *session, *csrf, *idle;
    const char *host, *origin, *fetch_site, *type, *accept;
    const char *body; /* body_size bytes and a NUL */
    size_t body_size;
    char address[INET6_ADDRSTRLEN]; /* who asks */
    /* What the router finds out. */
    enum cs_web_who who;
    char *name; /* what stands for {} in the route's path */
};

/* target: path and query as they came. */
void cs_web_request_target(struct cs_web_request *request, const char *target);
void cs_web_request_clear(struct cs_web_request *request);
/* The value of a parameter, or NULL. */
const char *cs_web_request_value(const struct cs_web_request *request,
                                 const char *name);
/* What is wrong with the query, when only these parameters (a blank between
 * two) may be there, once and with a value; NULL: nothing. */
const char *cs_web_request_fault(const struct cs_web_request *request,
                                 const char *names);
/* Did a page of ours send it?  Also true of programs, which do not say. */
bool cs_web_request_ours(const struct cs_web_request *request, bool tls);

struct cs_web_reply {
    unsigned status;
    const char *type;  /* NULL: JSON */
    const void *fixed; /* the body lives for ever; or NULL */
    char *body;        /* else: owned */
    size_t size;
    char *allow, *cookie; /* header fields; owned; or NULL */
    bool challenge;       /* 401 for programs */
    unsigned retry_after; /* seconds; 0: not said */
};

void cs_web_reply_clear(struct cs_web_reply *reply);
void cs_web_reply_json(struct cs_web_reply *reply, unsigned status,
                       json_t *stolen);
/* {"error": SENTENCE} */
void cs_web_reply_error(struct cs_web_reply *reply, unsigned status,
                        const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* 503: what it takes is away; come again.  begun: it may still be done. */
void cs_web_reply_away(struct cs_web_reply *reply, bool begun,
                       const struct cs_error *error);

#endif
