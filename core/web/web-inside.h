/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* What the files of the HTTP server share. */
#ifndef CS_WEB_INSIDE_H
#define CS_WEB_INSIDE_H

#include "web/web.h"
#include "web/web-data.h"
#include "web/web-limit.h"
#include "web/web-request.h"
#include "web/web-secret.h"
#include "web/web-sign.h"

#include <stdatomic.h>

struct cs_web {
    struct cs_web_parts parts;
    bool loopback, tls;
    struct cs_web_data *data;
    struct cs_web_secret *secret;
    struct cs_web_sign *sign;
    struct cs_web_limit *limit;
    atomic_int signing_in;    /* who waits for the answer to a password */
    struct cs_cancel *cancel; /* switched when the server is to end */
    struct cs_web_server *server;
};

/* A page of our own. */
struct cs_web_file {
    const char *path, *type;
    const unsigned char *bytes;
    size_t size;
};
extern const struct cs_web_file cs_web_files[]; /* path NULL ends */

/* web-route.c: finds who answers, lets in who may, and has it answered. */
void cs_web_route(struct cs_web *web, struct cs_web_request *request,
                  struct cs_web_reply *reply);

/* Those who answer. */
typedef void cs_web_handler(struct cs_web *web,
                            const struct cs_web_request *request,
                            struct cs_web_reply *reply);

/* web-health.c */
cs_web_handler cs_web_health, cs_web_health_live, cs_web_health_ready,
    cs_web_health_events, cs_web_metrics;
/* web-page.c */
cs_web_handler cs_web_page, cs_web_page_state, cs_web_page_sign_in,
    cs_web_page_sign_out;
/* web-api.c */
cs_web_handler cs_web_api_sync, cs_web_api_runs, cs_web_api_run,
    cs_web_api_schools, cs_web_api_require_full, cs_web_api_schedule;
/* web-holds.c */
cs_web_handler cs_web_holds, cs_web_holds_keys, cs_web_holds_approve,
    cs_web_holds_reject, cs_web_holds_rejects;

#endif
