/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* Where a request goes, and whether it may go there. */
#ifndef CS_HTTP_TARGET_H
#define CS_HTTP_TARGET_H

#include "base/error.h"

#include <curl/curl.h>
#include <stdbool.h>
#include <sys/socket.h>

struct cs_http_target {
    CURLU *url;
    char *authority; /* "api.clever.com", "127.0.0.1:8080" */
    char *name;      /* "api.clever.com/v3.0/schools": for people */
    bool plain;      /* http, not https */
    bool local;      /* this machine or the link-local service: no proxy */
    bool link_local; /* 169.254/16 is a permitted peer */
};

/* Refuses what is no URL, plain http beyond this machine (link_local: or
 * 169.254/16), and credentials inside the URL. */
enum cs_rc cs_http_target_set(struct cs_http_target *target, const char *url,
                              bool link_local, struct cs_error *error);
void cs_http_target_clear(struct cs_http_target *target);

/* Whether plain http may be spoken to this peer. */
bool cs_http_target_permits(const struct cs_http_target *target,
                            const struct sockaddr *peer);

#endif
