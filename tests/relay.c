/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

#include "config.h"

/* relay ADDRESS PORT MILLISECONDS [WHAT N]: a network between clients on this
 * machine and a server on it.  Prints the port that it listens on; what a
 * client sends goes on so many milliseconds later, 64 KiB at a time, and what
 * the server answers at once, until it is ended.
 *
 * WHAT befalls the Nth message from any client (TDS packets up to the one that
 * says it is the last, or one TLS record), which is told by a line with "cut":
 *
 *     unsent   it does not go on, and the connection is reset
 *     lost     it goes on, and the connection is reset instead of an answer
 *     down     as lost, and all connections are; there will be no other
 *     stop     it does not go on, nor does anything else of its connection
 *     delay    it, and all else, goes on two seconds later
 *     pause    it, and all else, goes on after a line of standard input */

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { CONNECTIONS_MOST = 32, HEADER = 8, TLS_HEADER = 5 };
enum what { NOTHING, UNSENT, LOST, DOWN, STOP, DELAY, PAUSE };

struct connection {
    int client, server;
    unsigned char header[HEADER]; /* of the client's packet, as far as it is */
    size_t got;                   /* bytes of the header */
    size_t rest;                  /* bytes of the packet that are to come */
    bool inside;                  /* a message has begun, and has no end yet */
    bool cut;                     /* this is the one */
};

struct relay {
    struct sockaddr_in there;
    int listener;
    long milliseconds;
    enum what what;
    unsigned long n, seen; /* messages */
    struct connection all[CONNECTIONS_MOST];
    size_t count;
};

static _Noreturn void give_up(const char *what)
{
    perror(what);
    exit(1);
}

static void wait_ms(long milliseconds)
{
    struct timespec delay = {milliseconds / 1000,
                             milliseconds % 1000 * 1000000};
    nanosleep(&delay, NULL);
}

static enum what what_is(const char *word)
{
    static const char *const words[] = {
        [UNSENT] = "unsent", [LOST] = "lost",   [DOWN] = "down",
        [STOP] = "stop",     [DELAY] = "delay", [PAUSE] = "pause"};

    for (enum what what = UNSENT; what <= PAUSE; what++) {
        if (strcmp(word, words[what]) == 0)
            return what;
    }
    fprintf(stderr, "relay: there is no %s\n", word);
    exit(2);
}

/* ---- Sockets ------------------------------------------------------------- */

static struct sockaddr_in address(const char *host, const char *port)
{
    struct sockaddr_in at = {.sin_family = AF_INET,
                             .sin_port = htons((in_port_t)atoi(port))};

    if (inet_pton(AF_INET, host, &at.sin_addr) != 1) {
        fputs("relay: the server's address is to be an IPv4 one\n", stderr);
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

static int listening(void)
{
    struct sockaddr_in here = {.sin_family = AF_INET,
                               .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(here);
    int listener = stream();

    if (bind(listener, (struct sockaddr *)&here, sizeof(here)) != 0 ||
        listen(listener, CONNECTIONS_MOST) != 0 ||
        getsockname(listener, (struct sockaddr *)&here, &size) != 0)
        give_up("listen");
    printf("%d\n", ntohs(here.sin_port));
    fflush(stdout);
    return listener;
}

/* So that what is still under way is thrown away. */
static void close_hard(int made)
{
    struct linger now = {.l_onoff = 1};

    setsockopt(made, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
    close(made);
}

static void send_all(int to, const char *bytes, size_t n)
{
    for (ssize_t sent; n > 0; bytes += sent, n -= (size_t)sent) {
        sent = send(to, bytes, n, MSG_NOSIGNAL);
        if (sent <= 0)
            return; /* the next poll tells */
    }
}

/* ---- Connections --------------------------------------------------------- */

static void begin(struct relay *relay)
{
    struct connection *c = &relay->all[relay->count];
    int one = 1;

    *c = (struct connection){.server = stream()};
    c->client = accept(relay->listener, NULL, NULL);
    if (c->client < 0)
        give_up("accept");
    setsockopt(c->client, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    if (connect(c->server, (struct sockaddr *)&relay->there,
                sizeof(relay->there)) == 0) {
        relay->count++;
        return;
    }
    close(c->client);
    close(c->server);
}

static void end(struct relay *relay, struct connection *c, void how(int made))
{
    how(c->client);
    how(c->server);
    *c = relay->all[--relay->count];
}

static void close_soft(int made)
{
    close(made);
}

static void end_all(struct relay *relay)
{
    while (relay->count > 0)
        end(relay, relay->all, close_hard);
    close(relay->listener);
    relay->listener = -1;
}

/* ---- Messages ------------------------------------------------------------ */

/* As soon as a packet's header is complete.  TLS records begin with types that
 * TDS does not have. */
static void header_read(struct connection *c)
{
    bool tls = c->header[0] >= 0x14 && c->header[0] <= 0x17;
    size_t size = tls ? TLS_HEADER : HEADER;
    const unsigned char *length = c->header + (tls ? 3 : 2);

    if (c->got < size)
        return;
    c->rest = (size_t)length[0] << 8 | length[1];
    if (!tls)
        c->rest = c->rest > size ? c->rest - size : 0;
    c->inside = !tls && !(c->header[1] & 1);
    c->got = 0;
}

/* How many of these bytes come before the message with which it happens. */
static size_t count(struct relay *relay, struct connection *c,
                    const char *bytes, size_t n)
{
    for (size_t i = 0; i < n;) {
        if (c->rest > 0) {
            size_t skipped = c->rest < n - i ? c->rest : n - i;
            c->rest -= skipped;
            i += skipped;
            continue;
        }
        if (c->got == 0 && !c->inside && ++relay->seen == relay->n) {
            c->cut = true;
            return i;
        }
        c->header[c->got++] = (unsigned char)bytes[i++];
        header_read(c);
    }
    return n;
}

/* The client's message number N begins with these bytes; false: the connection
 * has ended. */
static bool cut(struct relay *relay, struct connection *c, const char *bytes,
                size_t n)
{
    puts("cut");
    fflush(stdout);
    switch (relay->what) {
    case UNSENT:
        end(relay, c, close_hard);
        return false;
    case STOP:
        return true;
    case DELAY:
        wait_ms(2000);
        break;
    case PAUSE:
        while (getchar() != '\n' && !feof(stdin))
            continue;
        break;
    default: /* the answer will tell */
        break;
    }
    send_all(c->server, bytes, n);
    return true;
}

static bool from_client(struct relay *relay, struct connection *c)
{
    static char bytes[65536];
    ssize_t n = recv(c->client, bytes, sizeof(bytes), 0);
    bool was_cut = c->cut;
    size_t before;

    if (n <= 0) {
        end(relay, c, close_soft);
        return false;
    }
    wait_ms(relay->milliseconds);
    before = was_cut ? (size_t)n : count(relay, c, bytes, (size_t)n);
    send_all(c->server, bytes, before);
    if (was_cut || !c->cut)
        return true;
    return cut(relay, c, bytes + before, (size_t)n - before);
}

static bool from_server(struct relay *relay, struct connection *c)
{
    static char bytes[65536];
    ssize_t n = recv(c->server, bytes, sizeof(bytes), 0);

    if (c->cut && relay->what == DOWN) {
        end_all(relay);
        return false;
    }
    if (n <= 0 || (c->cut && relay->what == LOST)) {
        end(relay, c, n <= 0 ? close_soft : close_hard);
        return false;
    }
    send_all(c->client, bytes, (size_t)n);
    return true;
}

/* ---- All of them --------------------------------------------------------- */

/* One turn; ending a connection moves another one to its place, for which the
 * next turn will do. */
static void turn(struct relay *relay)
{
    struct pollfd fds[1 + 2 * CONNECTIONS_MOST];
    bool full = relay->count == CONNECTIONS_MOST;

    fds[0] = (struct pollfd){full ? -1 : relay->listener, POLLIN, 0};
    for (size_t i = 0; i < relay->count; i++) {
        const struct connection *c = &relay->all[i];
        bool dead = c->cut && relay->what == STOP;
        fds[1 + 2 * i] = (struct pollfd){dead ? -1 : c->client, POLLIN, 0};
        fds[2 + 2 * i] = (struct pollfd){dead ? -1 : c->server, POLLIN, 0};
    }
    if (poll(fds, 1 + 2 * relay->count, -1) < 0)
        give_up("poll");
    for (size_t i = 0; i < relay->count; i++) {
        if (fds[1 + 2 * i].revents && !from_client(relay, &relay->all[i]))
            return;
        if (fds[2 + 2 * i].revents && !from_server(relay, &relay->all[i]))
            return;
    }
    if (fds[0].revents)
        begin(relay);
}

int main(int argc, char *argv[])
{
    static struct relay relay;

    if (argc != 4 && argc != 6) {
        fputs("usage: relay ADDRESS PORT MILLISECONDS [WHAT N]\n", stderr);
        return 2;
    }
    relay.there = address(argv[1], argv[2]);
    relay.milliseconds = strtol(argv[3], NULL, 10);
    if (argc == 6) {
        relay.what = what_is(argv[4]);
        relay.n = strtoul(argv[5], NULL, 10);
    }
    relay.listener = listening();
    for (;;)
        turn(&relay);
}
