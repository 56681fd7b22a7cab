/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* Where to listen: "127.0.0.1:8480", "[::1]:8480", "0.0.0.0:443". */
#ifndef CS_WEB_ADDRESS_H
#define CS_WEB_ADDRESS_H

#include <netinet/in.h>
#include <stdbool.h>

struct cs_web_address {
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } socket;
    bool loopback; /* nobody else reaches it */
};

/* False: it is no such text.  Port 0: any that is free. */
bool cs_web_address_parse(const char *text, struct cs_web_address *address);
/* Whose it is, without the port; who comes by IPv4 has an address of IPv4,
 * whatever the socket. */
void cs_web_address_host(const struct sockaddr *address,
                         char text[INET6_ADDRSTRLEN]);

#endif
