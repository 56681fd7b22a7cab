#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: 2026 the cleversync authors

# What systemd is told, and what it thinks of our unit.

. "${srcdir:-.}/tests/lib.sh"
export CLEVERSYNC_HEALTH__LISTEN= # several daemons, and none is asked anything
listener=$builddir/tests/notify-listen
requires sqlite3 "$listener"
start_lab --schools 1 --students 10 --teachers 2
write_config </dev/null
register
notes=$dir/notes
: >"$notes"
"$listener" "$dir/notify" >>"$notes" &
wait_for test -S "$dir/notify"

told() { # REGEX [N]: there are N (1) such lines
    [ "$(grep -Ec -e "$1" "$notes")" -ge "${2:-1}" ]
}

heard() { # DESCRIPTION REGEX [N]
    wait_for told "$2" "${3:-1}"
    like "$1" "$notes" "$2"
}

run_daemon() { # VARIABLE=VALUE...
    env NOTIFY_SOCKET="$dir/notify" "$@" "$CLEVERSYNC" --config "$config" \
        daemon >"$out" 2>"$err" </dev/null &
    daemon=$!
}

before() { # DESCRIPTION REGEX REGEX: the first one stands above the other
    is "$1" "$(grep -E -e "$2|$3" "$notes" | head -n 1 | grep -Ec -e "$2")" 1
}

# ---- Its life -------------------------------------------------------------

run_daemon WATCHDOG_USEC=200000
heard "READY when it is ready" '^READY=1$'
heard "STATUS says what it does" '^STATUS=0 runs are on, the next is due: '
heard "WATCHDOG, again and again" '^WATCHDOG=1$' 5
unlike "nothing of RELOADING yet" "$notes" RELOADING

: >"$notes"
kill -HUP $daemon
heard "RELOADING with its time" '^MONOTONIC_USEC=[0-9]+$'
heard "and READY afterwards" '^READY=1$'
before "in this order" '^RELOADING=1$' '^READY=1$'
read -r uptime rest </proc/uptime
stamp=$(sed -n 's/^MONOTONIC_USEC=//p' "$notes")
is "the time is that of the steady clock" \
    "$((${uptime%.*} - stamp / 1000000 <= 60 &&
        stamp / 1000000 - ${uptime%.*} <= 60))" 1

: >"$notes"
echo 'nonsense = 1' >>"$config"
kill -HUP $daemon
heard "bad configuration: READY nevertheless" '^READY=1$'
heard "and STATUS says so" '^STATUS=the new configuration was refused'
sed -i '$d' "$config"
: >"$notes"
kill -HUP $daemon
heard "mended: STATUS is as before" '^STATUS=0 runs are on'

: >"$notes"
kill -TERM $daemon
heard "STOPPING" '^STOPPING=1$'
wait $daemon
is "it ends well" $? 0

: >"$notes"
run_daemon WATCHDOG_USEC=200000 WATCHDOG_PID=1
heard "READY again" '^READY=1$'
kill -TERM $daemon
wait $daemon
unlike "a watchdog of another process is not fed" "$notes" WATCHDOG

# ---- The unit -------------------------------------------------------------

is "every directory in the files for systemd is filled in" \
    "$(grep -rE '@[a-z]+@' "$builddir"/systemd/cleversync.service \
        "$builddir"/systemd/*.d)" ""
unit=$dir/cleversync.service
sed "s,^ExecStart=[^ ]*,ExecStart=$CLEVERSYNC," \
    "$builddir/systemd/cleversync.service" >"$unit"
like "functions are bound at the start" "$unit" '^Environment=LD_BIND_NOW=1$'
if command -v systemd-analyze >/dev/null; then
    ok "systemd-analyze verify finds no fault" \
        systemd-analyze verify --man=no "$unit"
    is "and has nothing to say" "$(cat "$err")" ""
    ok "exposure at most 2.0" \
        systemd-analyze security --offline=true --threshold=20 "$unit"
else
    skip "systemd-analyze is not installed" "systemd-analyze verify"
    skip "systemd-analyze is not installed" "systemd-analyze security"
fi
if command -v systemd-sysusers >/dev/null; then
    mkdir -p "$dir/root/etc"
    ok "the user is made" systemd-sysusers --root="$dir/root" \
        "$builddir/systemd/sysusers.d/cleversync.conf"
    like "without a shell" "$dir/root/etc/passwd" '^cleversync:.*/nologin$'
else
    skip "systemd-sysusers is not installed" "the user is made"
fi
finish
