/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* One request and its reply over one libcurl handle, without any repetition. */
#ifndef CS_HTTP_TRY_H
#define CS_HTTP_TRY_H

#include "http/http-reply.h"
#include "http/http-target.h"

struct cs_http_try {
    CURL *curl;
    const struct cs_http_policy *policy;
    const struct cs_http_target *target;
    struct cs_http *exchange; /* gets status, reply and text */
    struct cs_http_reply *reply;
    struct cs_cancel *cancel;
    const char *authorization; /* a whole header line, or NULL */

    size_t nrows;   /* that each() got */
    char what[200]; /* the rest of a sentence that begins "GET host/path ";
                       empty when each() ended the reading */
};

/* CS_OK: the server answered, and what a 2xx reply brought is whole;
 * CS_E_RETRY: no answer, or not to its end; CS_E_CANCELLED, CS_E_CONFIG,
 * CS_E_FATAL: it would not help to try again; or what each() returned. */
enum cs_rc cs_http_try_run(struct cs_http_try *try);

#endif
