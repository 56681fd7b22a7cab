#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: 2026 the cleversync authors

# Killed, stopped, or started twice: each table is as it was before or as it is
# after a sync, and the next run goes on as if nothing had been.

. "${srcdir:-.}/tests/lib.sh"
requires curl sqlite3
start_lab --schools 2 --students 45 --teachers 6
write_config <<'END'
[sync]
default_mode = full
full_sync_day =
page_size = 20
page_size_max = 20
[concurrency]
max_schools_in_parallel = 1
END
register
set -- $(prefixes | sort) # as they are begun
one=$1 two=$2
one_id=$(school_id "$one")

start() { # WORD...: a run in the background; sets pid
    post /lab/log/clear >/dev/null
    "$CLEVERSYNC" --config "$config" run "$@" >"$out" 2>"$err" </dev/null &
    pid=$!
}

ends() { # CODE DESCRIPTION: the run that was started does
    wait "$pid" 2>/dev/null
    is "$2" $? "$1"
}

asked() { # TEXT N: has the lab been asked for this N times?
    [ "$(curl -fsS -m 20 "$lab_url/lab/log" | grep -c -e "$1")" -ge "$2" ]
}

table() { # PREFIX NAME: every byte of it
    sql "$1" "SELECT * FROM $2 ORDER BY 1"
}

unchanged() { # DESCRIPTION TABLE: since the changes in Clever
    table "$one" "$2" | diff "$dir/$2" - >"$dir/differs"
    is "$1" "$(head -n 5 "$dir/differs")" ""
}

student_written() {
    [ "$(sql "$one" "SELECT count(*) FROM Students
        WHERE LastName = 'R$round'")" = 3 ]
}

in_progress() {
    sql session "SELECT count(*) FROM SyncHistory WHERE Status = 'InProgress'"
}

round=0
changes() { # what makes the next sync differ from the last, in both tables
    round=$((round + 1))
    for n in 1 22 44; do
        post "/lab/change?id=$(person "$one" student $n)&field=last&value=R$round"
    done >/dev/null
    for n in 1 6; do
        post "/lab/change?id=$(person "$one" teacher $n)&field=last&value=R$round"
    done >/dev/null
    keep_rows "$one"
    table "$one" Students >"$dir/Students"
    table "$one" Teachers >"$dir/Teachers"
}

goes_on() { # WHAT: the next run, at once
    is "$1: the history was left open" "$(($(in_progress) > 0))" 1
    ok "$1: the next run goes on" cs run --school "$one_id"
    right "$1: all is right" "$one"
    is "$1: nothing is left open" "$(in_progress)" 0
    is "$1: what was open is closed as failed" "$(sql session "SELECT
        count(*) > 0 FROM SyncHistory WHERE Status = 'Failed' AND
        RunId = '$run' AND SyncEndTime IS NOT NULL AND
        ErrorMessage IS NOT NULL")" 1
}

shot() { # the run that was started, whose id it notes
    run=$(sql session "SELECT RunId FROM SyncHistory ORDER BY SyncId DESC
        LIMIT 1")
    kill -KILL "$pid"
    wait "$pid" 2>/dev/null
}

ok "the schools are filled" cs run

# ---- Killed while it reads ----------------------------------------------------------

for page in 1 2 3; do
    changes
    fault "hang,role=student,school=$one_id,page=$page"
    start --school "$one_id"
    wait_for asked role=student $page
    shot
    fault
    unchanged "killed at page $page: nothing is written" Students
    goes_on "killed at page $page"
done

# ---- Killed between two tables ------------------------------------------------------

changes
fault "hang,role=teacher,school=$one_id"
start --school "$one_id"
wait_for student_written
shot
fault
is "killed between tables: one is as after" \
    "$(tap_wrong_rows "$one" student Students CleverStudentId LastName)" ""
unchanged "killed between tables: one is as before" Teachers
goes_on "killed between tables"

# ---- Killed while it waits to write, and after it wrote -------------------------------

changes
hold "$one"
start --school "$one_id"
wait_for asked role=student 3
shot
let_go
kept "killed before the write: nothing is written" "$one"
goes_on "killed before the write"

changes
fault "slow,ms=300,role=student,page=3"
start --school "$one_id"
wait_for asked role=student 3
hold session
wait_for student_written
shot
let_go
fault
is "killed after the commit: the table is as after" \
    "$(tap_wrong_rows "$one" student Students CleverStudentId LastName)" ""
goes_on "killed after the commit"

# ---- Asked to stop --------------------------------------------------------------------

for signal in TERM INT; do
    changes
    fault "hang,role=student,school=$one_id,page=2" \
        "hang,role=teacher,school=$one_id"
    start
    wait_for asked role=student 2
    wait_for asked role=teacher 1
    kill -$signal "$pid"
    case $signal in TERM) code=143 ;; INT) code=130 ;; esac
    ends $code "SIG$signal: exit code $code"
    fault
    kept "SIG$signal: nothing is written" "$one"
    is "SIG$signal: nothing is left open" "$(in_progress)" 0
    is "SIG$signal: the history says failed" \
        "$(history 'DISTINCT Status, SchoolPrefix')" "Failed|$one"
    like "SIG$signal: and why" "$out" "^$one Student: .*(stopped|cancelled)"
    like "SIG$signal: the other school was not begun" "$out" \
        "^$two: not begun: the run was stopped"
    ok "SIG$signal: the next run goes on" cs run
    right "SIG$signal: all is right"
done

# ---- Twice at once ------------------------------------------------------------------------

changes
fault "hang,role=student,school=$one_id,times=1" \
    "hang,role=teacher,school=$one_id,times=1"
start --school "$one_id"
wait_for asked role=student 1
wait_for asked role=teacher 1
run=$(history 'DISTINCT RunId')
newest=$(sql session 'SELECT max(SyncId) FROM SyncHistory')
exits 11 "a school that another run has is busy" cs run --school "$one_id"
like "which run is told, and since when" "$out" "$run.* since "
is "nothing is written about it" \
    "$(sql session 'SELECT max(SyncId) FROM SyncHistory')" "$newest"
kept "nothing is written to it" "$one"
ok "a plan needs no lock" cs plan --school "$one_id"
"$CLEVERSYNC" --config "$config" run >"$dir/second" 2>&1 </dev/null &
second=$!
other_done() {
    [ "$(sql session "SELECT count(*) FROM SyncHistory JOIN Schools
        USING (SchoolId) WHERE SchoolPrefix = '$two' AND SyncId > $newest AND
        Status = 'Success' AND EntityType <> 'Baseline'")" = 2 ]
}
wait_for other_done
is "other schools go on beside it" $? 0
kept "and the busy one waits" "$one"
kill -TERM "$pid"
ends 143 "the first run ends"
wait "$second"
is "the second one goes on with the school then" $? 0
right "and all is right"
finish
