/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* Listening, and talking HTTP: the files behind it see requests and replies. */
#ifndef CS_WEB_SERVER_H
#define CS_WEB_SERVER_H

#include "web/web-address.h"
#include "web/web-request.h"

#define CS_WEB_CONNECTIONS 100 /* at once; then the idle ones are ended */

struct cs_web;
struct cs_web_server;

struct cs_web_server_request {
    struct cs_web_address address;
    const char *listen; /* it as text */
    /* PEM text, needed only for this call; or NULL: no TLS. */
    const char *certificate, *key;
    void (*answer)(struct cs_web *web, struct cs_web_request *request,
                   struct cs_web_reply *reply);
    struct cs_web *web;
};

enum cs_rc cs_web_server_new(struct cs_web_server **server,
                             const struct cs_web_server_request *request,
                             struct cs_error *error);
/* Waits for the answers that are under way. */
void cs_web_server_free(struct cs_web_server *server); /* NULL: nothing */
const char *cs_web_server_url(const struct cs_web_server *server);

#endif
