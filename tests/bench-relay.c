/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

#include "config.h"

/* bench-relay ADDRESS PORT MILLISECONDS: a network between a client on this
 * machine and a server on it.  Prints the port that it listens on; what a client
 * sends goes on so many milliseconds later, 64 KiB at a time, and what the
 * server answers at once.  One connection after another, until it is ended. */

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static _Noreturn void give_up(const char *what)
{
    perror(what);
    exit(1);
}

static struct sockaddr_in address(const char *host, const char *port)
{
    struct sockaddr_in at = {.sin_family = AF_INET,
                             .sin_port = htons((in_port_t)atoi(port))};

    if (inet_pton(AF_INET, host, &at.sin_addr) != 1) {
        fputs("bench-relay: the server's address is to be an IPv4 one\n",
              stderr);
        exit(2);
    }
    return at;
}

static int stream(void)
{
    int one = 1, made = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (made < 0 ||
        setsockopt(made, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)) != 0)
        give_up("socket");
    return made;
}

static void send_all(int to, const char *bytes, ssize_t n)
{
    for (ssize_t sent; n > 0; bytes += sent, n -= sent) {
        sent = send(to, bytes, (size_t)n, MSG_NOSIGNAL);
        if (sent <= 0)
            return; /* the next poll tells */
    }
}

/* false: that side is done. */
static int pass_on(int from, int to, long milliseconds)
{
    static char bytes[65536];
    struct timespec delay = {milliseconds / 1000,
                             milliseconds % 1000 * 1000000};
    ssize_t n = recv(from, bytes, sizeof(bytes), 0);

    if (n <= 0)
        return 0;
    if (milliseconds > 0)
        nanosleep(&delay, NULL);
    send_all(to, bytes, n);
    return 1;
}

static void relay(int client, int server, long milliseconds)
{
    struct pollfd both[] = {{client, POLLIN, 0}, {server, POLLIN, 0}};

    while (poll(both, 2, -1) > 0) {
        if (both[0].revents && !pass_on(client, server, milliseconds))
            return;
        if (both[1].revents && !pass_on(server, client, 0))
            return;
    }
}

int main(int argc, char *argv[])
{
    struct sockaddr_in here = {.sin_family = AF_INET,
                               .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(here);
    struct sockaddr_in there;
    int listener, one = 1;

    if (argc != 4) {
        fputs("usage: bench-relay ADDRESS PORT MILLISECONDS\n", stderr);
        return 2;
    }
    there = address(argv[1], argv[2]);
    listener = stream();
    if (bind(listener, (struct sockaddr *)&here, sizeof(here)) != 0 ||
        listen(listener, 1) != 0 ||
        getsockname(listener, (struct sockaddr *)&here, &size) != 0)
        give_up("listen");
    printf("%d\n", ntohs(here.sin_port));
    fflush(stdout);
    for (;;) {
        int server = stream(), client = accept(listener, NULL, NULL);

        if (client < 0)
            give_up("accept");
        setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
        if (connect(server, (struct sockaddr *)&there, sizeof(there)) == 0)
            relay(client, server, strtol(argv[3], NULL, 10));
        close(client);
        close(server);
    }
}
