/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* A request taken apart, and the reply to it; neither knows the server. */
#ifndef CS_LAB_REQUEST_H
#define CS_LAB_REQUEST_H

#include <stdbool.h>
#include <stddef.h>

#include "lab/buffer.h"

#define CS_LAB_MAX_PARAMS 32
#define CS_LAB_MAX_HEADERS 6

struct cs_lab_request {
    const char *method;
    const char *uri;              /* as it came, with the query */
    const char *authorization;    /* the header; NULL: none */
    const char *metadata, *proof; /* Metadata and X-IDENTITY-HEADER, likewise */
    const char *type, *encoding;  /* of the body; headers, likewise */
    const char *signature;        /* X-Cleversync-Signature, likewise */
    const char *body;             /* NULL: none; ends with a NUL */
    size_t body_length;
    char *path; /* owns all that follows */
    struct {
        const char *name;
        const char *value;
    } params[CS_LAB_MAX_PARAMS];
    size_t param_count;
};

/* False: the query is no valid one, or has too many parameters.  Texts are
 * borrowed; cs_lab_request_clear() in either case. */
bool cs_lab_request_parse(struct cs_lab_request *request, const char *method,
                          const char *uri, const char *authorization);
void cs_lab_request_clear(struct cs_lab_request *request);

/* The first parameter of that name, or NULL. */
const char *cs_lab_request_param(const struct cs_lab_request *request,
                                 const char *name);

/* A number in [0, max], nothing else. */
bool cs_lab_request_number(const char *text, unsigned long long max,
                           unsigned long long *number);

struct cs_lab_reply {
    unsigned status;
    const char *type; /* of the content; NULL: JSON */
    struct cs_lab_buffer body;
    struct {
        const char *name;
        char value[256];
    } headers[CS_LAB_MAX_HEADERS];
    size_t header_count;
    int wait;  /* milliseconds before it is sent; -1: for good */
    bool cut;  /* the body stops half-way */
    bool drop; /* no answer, the connection is closed */
};

void cs_lab_reply_header(struct cs_lab_reply *reply, const char *name,
                         long long value);
/* A longer value is cut. */
void cs_lab_reply_text(struct cs_lab_reply *reply, const char *name,
                       const char *value);
/* Replaces the body by {"message":...}. */
void cs_lab_reply_error(struct cs_lab_reply *reply, unsigned status,
                        const char *message);

#endif
