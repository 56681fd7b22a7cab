#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: 2026 the cleversync authors

"""Sends what no client should: web-abuse.py URL PID KEY SCHOOL MIB.  All the
while the school is synced again and again, /health/live has to be there after
each kind, and at the end the process may be MIB larger than before."""

import json
import random
import socket
import sys
import threading
import time
import urllib.parse
import urllib.request

CROWD = 1000
SIGN_INS = 10000
AT_ONCE = 4      # clients that sign in
PATIENCE = 30    # seconds for a sync

url, pid, key, school, growth = sys.argv[1:]  # growth: MiB at most
place = urllib.parse.urlsplit(url)
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
    for _ in range(CROWD):
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


def strangers():
    """Wrong methods, paths and tokens: nobody gets anything."""
    paths = ["/../../etc/passwd", "/%2e%2e/%2e%2e/etc/passwd", "//etc/passwd",
             "/api/../metrics", "/api/%2e%2e/metrics", "/./metrics",
             "/metrics/", "/metrics%00", "/METRICS", "/api/schools/../schools",
             "http://x/metrics", "/api/runs/..%2f..%2f", "\\metrics"]
    methods = ["PUT", "DELETE", "PATCH", "TRACE", "CONNECT", "PROPFIND", "get"]
    tokens = ["", "Authorization: Bearer\r\n", "Authorization: Bearer x\r\n",
              f"Authorization: Basic {key}\r\n",
              f"Authorization: Bearer {key[:-1]}\r\n",
              f"Authorization: Bearer {key}x\r\n",
              f"Authorization: Bearer {key * 50}\r\n"]
    tries = [("GET", path, "") for path in paths]
    tries += [(method, "/api/schools", "") for method in methods]
    tries += [("GET", "/api/schools", token) for token in tokens]
    for method, path, token in tries:
        got = send(f"{method} {path} HTTP/1.1\r\nHost: x\r\n{token}"
                   "Connection: close\r\n\r\n".encode())
        if not got.startswith(b"HTTP/1.1 4"):
            sys.exit(f"{method} {path} {token!r}: it is let in")


def sign_ins():
    """Many in a row on each connection, without waiting for the answers."""
    body = b'{"password": "wrong wrong wrong"}'
    request = (b"POST /sign-in HTTP/1.1\r\nHost: x\r\n"
               b"Content-Type: application/json\r\n"
               b"Content-Length: %d\r\n\r\n" % len(body)) + body
    counts = []

    def one():
        refused = 0
        while refused < SIGN_INS // AT_ONCE:
            got, begun = b"", refused
            with connect() as client:
                many = min(100, SIGN_INS // AT_ONCE - refused)
                client.sendall(request * many)
                client.shutdown(socket.SHUT_WR)
                while piece := client.recv(1 << 16):
                    got += piece
            refused += got.count(b"HTTP/1.1 401 ")
            if refused == begun:
                break
        counts.append(refused)

    threads = [threading.Thread(target=one) for _ in range(AT_ONCE)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if sum(counts) != SIGN_INS:
        sys.exit(f"{sum(counts)} of {SIGN_INS} sign-ins were refused")


def ask(path, method="GET"):
    request = urllib.request.Request(
        url + path, method=method, headers={"Authorization": f"Bearer {key}"})
    with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
        return json.load(answer)


def sync():
    """How it ended, in a word."""
    end = time.monotonic() + PATIENCE
    run = ask(f"/api/sync?schoolId={school}", "POST")["run_id"]
    while time.monotonic() < end:
        state = ask(f"/api/runs/{run}")
        if state["state"] == "ended":
            return state["status"]
        time.sleep(0.05)
    return "late"


def sync_on(over, results):
    while not over.is_set():
        try:
            results.append(sync())
        except OSError as error:
            results.append(str(error))


def size():
    """Of the process, in MiB."""
    with open(f"/proc/{pid}/statm") as file:
        return int(file.read().split()[1]) / 256


def main():
    ends, results, over = [], [], threading.Event()
    sync()
    before = size()
    slow = threading.Thread(target=lambda: ends.append(slow_one()))
    slow.start()
    syncs = threading.Thread(target=sync_on, args=(over, results), daemon=True)
    syncs.start()
    for attempt in (garbage, long_bodies, strangers, sign_ins):
        begun = time.monotonic()
        attempt()
        print(f"# {attempt.__name__}: {time.monotonic() - begun:.1f} s")
        if not live():
            sys.exit(f"{attempt.__name__}: it did not live through it")
    if not idle_ones() or not live():
        sys.exit("a crowd keeps others out")
    slow.join()
    if ends != [True] or not live():
        sys.exit("a slow client stays for ever")
    over.set()
    syncs.join()
    print(f"# {len(results)} syncs, {before:.1f} to {size():.1f} MiB")
    if set(results) != {"ok"}:
        sys.exit(f"syncs were disturbed: {sorted(set(results))}")
    if size() - before > float(growth):
        sys.exit("it grows")


main()
