/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */
#include "config.h"

#include "http/http-target.h"

#include "base/memory.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static bool is_loopback(const struct in_addr *address)
{
    return ntohl(address->s_addr) >> 24 == 127;
}

static bool is_link_local(const struct in_addr *address)
{
    return ntohl(address->s_addr) >> 16 == 0xA9FE; /* 169.254 */
}

bool cs_http_target_permits(const struct cs_http_target *target,
                            const struct sockaddr *peer)
{
    if (peer->sa_family == AF_INET6) {
        const struct sockaddr_in6 *six = (const void *)peer;
        return IN6_IS_ADDR_LOOPBACK(&six->sin6_addr);
    }
    if (peer->sa_family == AF_INET) {
        const struct in_addr *four =
            &((const struct sockaddr_in *)(const void *)peer)->sin_addr;
        return is_loopback(four) || (target->link_local && is_link_local(four));
    }
    return false;
}

/* By the letters of the host alone: nothing is resolved, so nobody on the way
 * can say that a far name is this machine. */
static bool is_local(const char *host, bool link_local)
{
    struct in_addr address;

    if (strcasecmp(host, "localhost") == 0 || strcmp(host, "[::1]") == 0) {
        return true;
    }
    return inet_pton(AF_INET, host, &address) == 1 &&
           (is_loopback(&address) || (link_local && is_link_local(&address)));
}

/* libcurl's parts are copied, so that free() releases all that we keep. */
static char *part(CURLU *url, CURLUPart which)
{
    char *curls, *text;

    if (curl_url_get(url, which, &curls, 0) != CURLUE_OK) {
        return NULL;
    }
    text = cs_memory_text(curls);
    curl_free(curls);
    return text;
}

static enum cs_rc check(struct cs_http_target *target, const char *scheme,
                        const char *host, struct cs_error *error)
{
    target->plain = strcmp(scheme, "http") == 0;
    target->local = is_local(host, target->link_local);
    if (!target->plain && strcmp(scheme, "https") != 0) {
        return cs_error_set(error, CS_E_CONFIG,
                            "a URL begins neither with https:// nor with "
                            "http://");
    }
    if (target->plain && !target->local) {
        return cs_error_set(error, CS_E_CONFIG,
                            "plain http is spoken only to this machine; use "
                            "https:// for %s",
                            host);
    }
    return CS_OK;
}

enum cs_rc cs_http_target_set(struct cs_http_target *target, const char *url,
                              bool link_local, struct cs_error *error)
{
    *target = (struct cs_http_target){
        .url = curl_url(),
        .link_local = link_local,
    };
    if (!url || curl_url_set(target->url, CURLUPART_URL, url,
                             CURLU_DISALLOW_USER | CURLU_NON_SUPPORT_SCHEME) !=
                    CURLUE_OK) {
        return cs_error_set(error, CS_E_CONFIG,
                            "a URL is not valid (https://HOST/PATH is "
                            "expected, without a user or password)");
    }
    char *scheme = part(target->url, CURLUPART_SCHEME);
    char *host = part(target->url, CURLUPART_HOST);
    char *port = part(target->url, CURLUPART_PORT);
    char *path = part(target->url, CURLUPART_PATH);
    enum cs_rc rc =
        check(target, scheme ? scheme : "", host ? host : "", error);
    if (rc == CS_OK) {
        target->authority =
            cs_memory_format("%s%s%s", host, port ? ":" : "", port ? port : "");
        target->name =
            cs_memory_format("%s%s", target->authority, path ? path : "/");
    }
    free(scheme);
    free(host);
    free(port);
    free(path);
    return rc;
}

void cs_http_target_clear(struct cs_http_target *target)
{
    curl_url_cleanup(target->url);
    free(target->authority);
    free(target->name);
    *target = (struct cs_http_target){0};
}
