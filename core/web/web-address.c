/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

#include "config.h"

#include "web/web-address.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool read_port(const char *text, in_port_t *port)
{
    size_t n = strspn(text, "0123456789");
    unsigned long number = n > 0 && n <= 5 ? strtoul(text, NULL, 10) : 65536;

    if (text[n] != '\0' || number > 65535)
        return false;
    *port = htons((uint16_t)number);
    return true;
}

bool cs_web_address_parse(const char *text, struct cs_web_address *address)
{
    const char *colon = strrchr(text, ':');
    bool six = text[0] == '[';
    char host[INET6_ADDRSTRLEN];
    size_t n;
    in_port_t port;

    *address = (struct cs_web_address){.loopback = false};
    if (colon == NULL || !read_port(colon + 1, &port))
        return false;
    n = (size_t)(colon - text);
    if (six && (n < 2 || text[n - 1] != ']'))
        return false;
    n -= six ? 2 : 0;
    if (n >= sizeof(host))
        return false;
    memcpy(host, text + six, n);
    host[n] = '\0';
    if (six) {
        struct sockaddr_in6 *v6 = &address->socket.v6;

        v6->sin6_family = AF_INET6;
        v6->sin6_port = port;
        if (inet_pton(AF_INET6, host, &v6->sin6_addr) != 1)
            return false;
        address->loopback = IN6_IS_ADDR_LOOPBACK(&v6->sin6_addr);
    } else {
        struct sockaddr_in *v4 = &address->socket.v4;

        v4->sin_family = AF_INET;
        v4->sin_port = port;
        if (inet_pton(AF_INET, host, &v4->sin_addr) != 1)
            return false;
        address->loopback = ntohl(v4->sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
    }
    return true;
}

void cs_web_address_host(const struct sockaddr *address,
                         char text[INET6_ADDRSTRLEN])
{
    const struct sockaddr_in *v4 = (const void *)address;
    const struct sockaddr_in6 *v6 = (const void *)address;
    const void *bytes = &v4->sin_addr;
    int family = address->sa_family;

    if (family == AF_INET6) {
        bytes = &v6->sin6_addr;
        if (IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr)) {
            family = AF_INET;
            bytes = &v6->sin6_addr.s6_addr[12];
        }
    }
    if (inet_ntop(family, bytes, text, INET6_ADDRSTRLEN) == NULL)
        snprintf(text, INET6_ADDRSTRLEN, "unknown");
}
