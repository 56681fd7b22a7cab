#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: 2026 the cleversync authors

"""Sends what no client should, to web-abuse.py URL, and then asks for
/health/live, which has to be there."""

import random
import socket
import sys
import threading
import time
import urllib.parse

place = urllib.parse.urlsplit(sys.argv[1])
random.seed(7)


def connect():
    return socket.create_connection((place.hostname, place.port), timeout=15)


def send(*pieces):
    """What comes back, if anything does."""
    got = b""
    with connect() as client:
        try:
            for piece in pieces:
                client.sendall(piece)
            client.shutdown(socket.SHUT_WR)
            got = client.recv(4096)
        except OSError:
            pass
    return got


def live():
    head = b"GET /health/live HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    return send(head).startswith(b"HTTP/1.1 200")


def garbage():
    lines = [
        b"", b"\r\n", b"\0" * 1000, b"GET\r\n\r\n", b"GET /\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n", b"GET  / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n", b"GET /\xff\xfe HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999"
        b"\r\n\r\n",
        b"POST /sign-in HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n"
        b"Content-Length: 5\r\n\r\nzz\r\n",
        b"POST /sign-in HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n"
        b"\r\nffffffffffffffff\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\n" + b"a: b\r\n" * 20000 + b"\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nCookie: " + b"a=b; " * 5000 + b"\r\n\r\n",
        b"GET /api/runs/%s?%%00=%%zz&&& HTTP/1.1\r\nHost: x\r\n\r\n",
        b"BREW / HTTP/1.1\r\nHost: x\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\0" * 512,
    ]
    whole = (b"POST /api/sync?schoolId=1&full=true HTTP/1.1\r\nHost: x\r\n"
             b"Authorization: Bearer x\r\nCookie: cleversync=y\r\n"
             b"Content-Length: 3\r\n\r\nabc")
    for line in lines:
        send(line)
    for _ in range(300):
        broken = bytearray(whole)
        for _ in range(random.randrange(1, 8)):
            broken[random.randrange(len(broken))] = random.randrange(256)
        send(bytes(broken[:random.randrange(1, len(broken) + 1)]))


def long_bodies():
    head = (b"POST /sign-in HTTP/1.1\r\nHost: x\r\n"
            b"Content-Type: application/json\r\n")
    megabyte = b"x" * (1 << 20)
    send(head + b"Content-Length: 104857600\r\n\r\n", *[megabyte] * 100)
    send(head + b"Transfer-Encoding: chunked\r\n\r\n",
         *[b"100000\r\n" + megabyte + b"\r\n"] * 100)


def idle_ones():
    """More than there are places: others get through nevertheless."""
    crowd = []
    for _ in range(300):
        client = connect()
        client.sendall(b"GET /health/live HTTP/1.1\r\n")
        crowd.append(client)
    begun = time.monotonic()
    served = live()
    took = time.monotonic() - begun
    for client in crowd:
        client.close()
    return served and took < 8


def slow_one():
    """Byte by byte it may take no longer than ten seconds or so."""
    begun = time.monotonic()
    with connect() as client:
        try:
            while time.monotonic() - begun < 20:
                client.sendall(b"x")
                client.settimeout(0.25)
                try:
                    if client.recv(1) == b"":
                        break
                except socket.timeout:
                    pass
        except OSError:
            pass
    return time.monotonic() - begun < 15


def main():
    ends = []
    slow = threading.Thread(target=lambda: ends.append(slow_one()))
    slow.start()
    for attempt in (garbage, long_bodies):
        attempt()
        if not live():
            sys.exit(f"{attempt.__name__}: it did not live through it")
    if not idle_ones() or not live():
        sys.exit("a crowd keeps others out")
    slow.join()
    if ends != [True] or not live():
        sys.exit("a slow client stays for ever")


main()
