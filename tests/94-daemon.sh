#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: 2026 the cleversync authors

# The daemon, on a clock that is turned: a tick comes when we set it.

. "${srcdir:-.}/tests/lib.sh"
export CLEVERSYNC_HEALTH__LISTEN= # several daemons, and none is asked anything
requires curl sqlite3
start_lab --schools 2 --students 20 --teachers 3
write_config <<'END'
[sync]
page_size = 10
page_size_max = 10
full_sync_day =
[schedule]
cron_expression = 0 0 * * * *
END
set -- $(prefixes)
one=$1
log=$dir/log

# ---- The clock, and the daemon ----------------------------------------------

clock=$dir/clock
hour=$(($(date +%s) / 3600))
turn() { # HOURS: the daemons' clock is set to so many full hours on
    hour=$((hour + $1))
    echo "$((hour * 3600 + 2 - $(date +%s)))" >"$clock.new"
    mv "$clock.new" "$clock"
}
turn 0

tick() { # how the log calls this hour
    date -u -d "@$((hour * 3600))" +%Y-%m-%dT%H:00:00.000Z
}

daemon() { # one more; sets $daemon.  Its log is $log.
    CLEVERSYNC_TEST_CLOCK_OFFSET=$clock "$CLEVERSYNC" --config "$config" \
        daemon >>"$log" 2>&1 </dev/null &
    daemon=$!
}

said() { # REGEX [N]: N lines (1) of the log, and no more
    [ "$(grep -Ec -e "$1" "$log")" -eq "${2:-1}" ]
}

says() { # DESCRIPTION REGEX [N]: soon, and just as often
    wait_for said "$2" "${3:-1}"
    is "$1" "$(grep -Ec -e "$2" "$log")" "${3:-1}" || tail -n 20 "$log" |
        sed 's/^/#   /'
}

ends() { # DESCRIPTION STATUS [PID]
    wait "${3:-$daemon}"
    is "$1" $? "$2"
}

row() { # COLUMN
    sql session "SELECT $1 FROM SyncSchedule"
}

finished() {
    [ -n "$(row LastRunId)" ]
}

runs() { # how many runs have synced something
    sql session "SELECT count(DISTINCT RunId) FROM SyncHistory"
}

# ---- The first tick ------------------------------------------------------------

: >"$log"
daemon
says "it comes up without a session database" 'the daemon is ready'
says "and says what it lacks" 'error: the schedule cannot be looked up.*db init'
register
says "it goes on when that is there" 'the schedule can be looked up again'
wait_for test -n "$(row LastTick)"
is "nothing was due" "$(runs)" 0
turn 1
says "the tick" "tick $(tick) is there: run "
says "its run ends well" 'run .* ended: ok, 2 of 2 schools done'
right "the schools are right"
wait_for finished
is "it is noted" "$(row "LastTick || ' ' || Skipped || ' ' || CaughtUp")" \
    "$(tick) 0 0"
is "with its run" "$(row LastRunId)" \
    "$(sql session 'SELECT max(RunId) FROM SyncHistory')"

# ---- The clock is set ----------------------------------------------------------

: >"$log"
turn 5
says "missed: the newest is run" "tick $(tick) is there: run "
says "and the others are skipped" '4 ticks were missed and are skipped'
wait_for finished
is "and counted" "$(row "Skipped || ' ' || CaughtUp")" "4 0"
: >"$log"
turn -2
turn 1
turn 1
turn 1
says "what comes again is not run again; what is new is" \
    "tick $(tick) is there: run "
says "once" 'tick '
wait_for finished
is "nothing more is counted" "$(row "Skipped || ' ' || CaughtUp")" "4 0"
: >"$log"
turn 100000 # somebody's mistake
says "years ahead: one tick" "tick $(tick) is there: run "
wait_for finished
turn -100000
says "and back: it goes on from there" 'was more than a day ahead of the clock'
turn 1
says "so the next tick comes" "tick $(tick) is there: run "
wait_for finished

# Late: nobody was there at its time.
kill -TERM $daemon
wait $daemon
hour=$((hour + 1))
echo "$((hour * 3600 + 1800 - $(date +%s)))" >"$clock"
: >"$log"
daemon
says "after a restart it is caught up" "tick $(tick) was missed and is caught up"
wait_for finished
is "and counted" "$(row CaughtUp)" 1

# ---- While a run is on ------------------------------------------------------------

: >"$log"
fault "hang,path=/users,school=$(school_id "$one")"
post "/lab/change?id=$(person "$one" student 3)&field=last&value=New" >"$out"
sed -i 's/^full_sync_day =.*/default_mode = full/' "$config"
kill -HUP $daemon
says "a reload" 'the configuration was reloaded'
turn 1
says "a run that takes long" "tick $(tick) is there: run "
skipped=$(row Skipped)
turn 1
says "the next tick is skipped" "tick $(tick) is skipped: a run is on"
is "and counted" "$(row Skipped)" $((skipped + 1))

# A reload leaves it alone.
kill -HUP $daemon
says "a reload meanwhile" 'the configuration was reloaded' 2
unlike "does not touch the run" "$log" 'run .* ended'

# Killed in the middle of it.
kill -KILL $daemon
wait $daemon
fault
is "it is not finished" "$(row 'LastRunId IS NULL')" 1
: >"$log"
daemon
says "killed: it goes on with it" \
    'tick .* was not finished and goes on: run '
says "and ends it" 'run .* ended: ok'
wait_for finished
right "the schools are right again"
like "what was done is not done again" "$log" 'already synced by run'

# ---- Reloading ------------------------------------------------------------------

sed -i 's/^cron_expression =.*/cron_expression = 1 0 * * * */' "$config"
cp "$config" "$dir/good"
: >"$log"
refused() { # DESCRIPTION REGEX: the configuration as it is now
    kill -HUP $daemon
    says "$1: the old one stays" 'was not reloaded: the old one stays'
    like "$1: it says why" "$log" "$2"
    cp "$dir/good" "$config"
    : >"$log"
}
echo 'nonsense = 1' >>"$config"
refused "an unknown key" 'has no key nonsense'
sed -i 's/^cron_expression =.*/cron_expression = 0 0 25 * * */' "$config"
refused "a bad schedule" 'cron_expression: '
sed -i 's/^\[sync\]/&\ntime_zone = Europe\/Paris/' "$config"
refused "another zone" 'time_zone was changed: restart needed'
sed -i 's/^credentials =.*/credentials = env file clever-oauth/' "$config"
refused "a plugin that is not loaded" 'file is not loaded yet: restart needed'
kill -HUP $daemon
says "none of these changed anything" 'the configuration was reloaded'
says "the new schedule" 'the schedule is "1 0 \* \* \* \*"; next: .*:00:01'
: >"$log"
turn 1
says "the new schedule counts" "tick .*:00:01.000Z is there: run "
wait_for finished

# ---- Several of them ---------------------------------------------------------------

first=$daemon
: >"$log"
daemon
second=$daemon
says "another one" 'the daemon is ready'
fault slow,ms=20
turn 1
says "one claims the tick" 'tick .* is there: run '
says "the other one shares it, or comes too late" \
    'tick .* (is shared with|was run by) another daemon'
wait_for finished
since=$(row SinceSyncId)
is "each school was synced once" "$(sql session "SELECT count(*)
    FROM SyncHistory WHERE SyncId > $since AND EntityType = 'Student'")" 2
is "nothing is skipped for it" "$(row Skipped)" $((skipped + 1))
fault
kill -TERM $second
ends "it stops" 0 $second
daemon=$first

# ---- Stopping ---------------------------------------------------------------------

: >"$log"
fault slow,ms=300
turn 1
says "a run" 'tick .* is there: run '
in_progress() {
    [ "$(sql session "SELECT count(*) FROM SyncHistory
        WHERE Status = 'InProgress'")" -eq 4 ]
}
wait_for in_progress
kill -TERM $daemon
ends "told to stop, it ends well" 0
like "it finished what it had begun" "$log" \
    'run .* ended: ok, 2 of 2 schools done'
right "and the schools are right"
is "the tick is done" "$(row 'LastRunId IS NULL')" 0

: >"$log"
fault hang,path=/users
daemon
turn 1
says "a run that hangs" 'tick .* is there: run '
wait_for in_progress
kill -TERM $daemon
says "told to stop, it waits" 'stopping: no school is begun any more'
kill -TERM $daemon
ends "told so again, it ends now" 143
fault
: >"$log"
daemon
says "the next one finishes the tick" 'run .* ended: ok'
wait_for finished
kill -INT $daemon
ends "SIGINT stops it, too" 0

turn 1
last=$(row LastTick)
exits 78 "its address is taken: it does not start" \
    env CLEVERSYNC_TEST_CLOCK_OFFSET="$clock" \
    CLEVERSYNC_HEALTH__LISTEN="${lab_url#http://}" \
    "$CLEVERSYNC" --config "$config" daemon
is "nor does it claim the tick" "$(row LastTick)" "$last"
turn -1

# ---- Without Clever ------------------------------------------------------------------

: >"$log"
kill $lab_pid
wait $lab_pid 2>"$err"
sed -i '/^\[retry\]/a clever_api_max_attempts = 0' "$config"
daemon
turn 1
says "Clever is away: the run fails" 'run .* ended: transient'
wait_for finished
turn 1
says "and the next one is tried" 'run .* ended: transient' 2
kill -0 $daemon
is "it stays up" $? 0
kill -TERM $daemon
ends "and stops" 0

# ---- The coming times, and what it does not begin with ----------------------------

ok "schedule next" cs schedule next -n 2 --set sync.time_zone=America/Chicago \
    --set "schedule.cron_expression=0 0 2 * * *"
is "as many as asked for" "$(grep -c ' 02:00:00 C[SD]T$' "$out")" 2
ok "as JSON" cs schedule next -o json
is "ten of them" "$(grep -c '"time"' "$out")" 10
exits 2 "a thousand, not more" cs schedule next -n 1001
like "which it says" "$err" 'at most 1000'
ok "no schedule" cs schedule next --set schedule.cron_expression=
like "says so" "$out" 'never comes to run'
exits 78 "a bad schedule" cs daemon --set schedule.cron_expression=noon
like "names the key" "$err" '\[schedule\] cron_expression: '
exits 78 "no session database" cs daemon --set session.sink=
like "names its key" "$err" '\[session\]'
finish
