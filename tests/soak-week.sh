#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: 2026 the cleversync authors

# A week of the daemon on a clock that is turned: it is stopped, killed and
# started anew at any time, sometimes two of them are there, the clock is set
# forward and back, Clever and the session database go away and come back.  At
# the end every tick of the schedule has happened exactly once, or is one of
# those that are accounted for as skipped.
#
# SOAK_STEPS and SOAK_SEED may be set.

. "${srcdir:-.}/tests/lib.sh"
export CLEVERSYNC_HEALTH__LISTEN= # several daemons, and none is asked anything
requires curl sqlite3
steps=${SOAK_STEPS:-250} seed=${SOAK_SEED:-$(($(date +%s) % 1000000))}
note "SOAK_SEED=$seed SOAK_STEPS=$steps"

dice=$((seed * 2 + 1)) # never 0
roll() { # N: sets $rolled to one of 0 .. N-1
    dice=$((dice ^ (dice << 13 & 4294967295)))
    dice=$((dice ^ dice >> 17))
    dice=$((dice ^ (dice << 5 & 4294967295)))
    rolled=$((dice / 16 % $1))
}

start_lab --schools 2 --students 20 --teachers 3
write_config <<'END'
[schedule]
cron_expression = 0 0 * * * *
END
register
log=$dir/log
: >"$log"

# ---- The clock -------------------------------------------------------------

clock=$dir/clock
begun=$(($(date +%s) / 3600 * 3600 + 1800)) # half past some hour
now=$begun
highest=$now
set_clock() { # TIME
    now=$1
    [ "$now" -le "$highest" ] || highest=$now
    echo "$((now - $(date +%s)))" >"$clock.new"
    mv "$clock.new" "$clock"
}
set_clock "$now"

# ---- The daemons -------------------------------------------------------------

one= two=
start() { # one | two
    CLEVERSYNC_TEST_CLOCK_OFFSET=$clock "$CLEVERSYNC" --config "$config" \
        daemon >>"$log" 2>&1 </dev/null &
    eval "$1=$!"
}

end() { # one | two, SIGNAL
    eval "pid=\$$1"
    [ -n "$pid" ] || return 0
    kill "-$2" "$pid"
    wait "$pid" 2>"$err"
    eval "$1="
}

toggle() { # one | two
    if eval "[ -z \"\$$1\" ]"; then
        start "$1"
        return
    fi
    roll 2
    if [ "$rolled" -eq 0 ]; then
        end "$1" TERM
    else
        end "$1" KILL
    fi
}

pause() { # up to a second
    roll 100
    sleep "$((rolled / 100)).$(printf %02d $((rolled % 100)))"
}

# ---- The week ------------------------------------------------------------------

start one
wait_for test -n "$(sql session 'SELECT LastTick FROM SyncSchedule')"
first=$(sql session 'SELECT LastTick FROM SyncSchedule')
step=0
while [ "$step" -lt "$steps" ] || [ $((now - begun)) -lt 604800 ]; do
    step=$((step + 1))
    roll 16
    case $rolled in
    [0-7]) set_clock $((now / 3600 * 3600 + 3600 + 1)) ;;
    8) roll 6 && set_clock $((now + rolled * 3600 + 1700)) ;;
    9) roll 6 && set_clock $((now - rolled * 3600)) ;;
    10 | 11) toggle one ;;
    12) toggle two ;;
    13) kill -HUP $one $two 2>"$err" ;;
    14) fault slow,ms=150 ;;
    15)
        fault
        sqlite3 "$dir/session.db" 'BEGIN EXCLUSIVE' '.shell sleep 2' COMMIT \
            >"$out" 2>"$err" &
        ;;
    esac
    pause
done

# ---- What came of it --------------------------------------------------------

fault
end one TERM
end two TERM
start one
set_clock $((highest / 3600 * 3600 + 3600 + 2))
done_with() {
    sql session "SELECT LastTick || ' ' || (LastRunId IS NOT NULL)
        FROM SyncSchedule" | grep -q "^$1 1$"
}
last=$(date -u -d "@$((highest / 3600 * 3600))" +%Y-%m-%dT%H:00:00.000Z)
ok "the last tick is done" wait_for done_with "$last"
end one TERM
right "the schools are right"

# A claim is a line that says so; one whose daemon was killed before it could
# is the one that somebody went on with.
claims=$(sed -n 's/.* tick \([^ ]*\) \(is there\|was missed\|was not finished\|is shared\|has to wait\).*/\1/p' \
    "$log" | sort -u)
begins=$(sed -n 's/.* tick \([^ ]*\) \(is there\|was missed\).*/\1/p' "$log" |
    sort)
is "no tick was claimed twice" "$(echo "$begins" | uniq -d)" ""
total=$(sql session "SELECT CAST(round((julianday(LastTick) -
    julianday('$first')) * 24 + 0.49) AS INTEGER) FROM SyncSchedule")
claimed=$(echo "$claims" | grep -c T)
skipped=$(sql session 'SELECT Skipped FROM SyncSchedule')
is "each tick was run, or is accounted for as skipped" \
    "$((claimed + skipped))" "$total"
is "no sync was left open" "$(sql session "SELECT count(*) FROM SyncHistory
    WHERE Status = 'InProgress'")" 0
note "$total ticks: $claimed run, of which" \
    "$(sql session 'SELECT CaughtUp FROM SyncSchedule') caught up;" \
    "$skipped skipped; $(grep -c 'was not finished' "$log") went on"
finish
