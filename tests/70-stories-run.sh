#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: 2026 the cleversync authors

# Stories of runs: two at once, dead ones, late ones, and rows that cannot be
# written.  The list of all stories and their tests is in 70-stories-source.sh.

. "${srcdir:-.}/tests/lib.sh"
requires curl sqlite3
start_lab --schools 2 --students 30 --teachers 4
write_config <<'END'
[sync]
full_sync_day =
batch_size = 6
END
register
set -- $(prefixes)
one=$1
one_id=$(school_id "$one")

start() { # WORD...: a run in the background; sets pid
    post /lab/log/clear >/dev/null
    "$CLEVERSYNC" --config "$config" run "$@" >"$dir/run" 2>&1 </dev/null &
    pid=$!
}

asked() { # TEXT N: has the lab been asked for this N times?
    [ "$(curl -fsS -m 20 "$lab_url/lab/log" | grep -c -e "$1")" -ge "$2" ]
}

in_progress() {
    sql session "SELECT count(*) FROM SyncHistory WHERE Status = 'InProgress'"
}

last_names() { # VALUE: how many students of the first school have it
    sql "$one" "SELECT count(*) FROM Students WHERE LastName = '$1'"
}

change() { # NUMBER VALUE: the last name of a student of the first school
    post "/lab/change?id=$(person "$one" student "$1")&field=last&value=$2" \
        >"$out"
}

ok "the schools are filled" cs run

# ---- 17: two runs, one school, by events ------------------------------------------

change 1 Once
change 2 Once
fault slow,ms=100,path=/events
start
first=$pid
start
wait "$first"
is "story 17: two runs at once: the first ends well" $? 0
wait "$pid"
is "story 17: and the second" $? 0
fault
is "story 17: both know both schools" \
    "$(sql session "SELECT count(DISTINCT SchoolId) FROM SyncHistory")" 2
is "story 17: what changed is written once" "$(sql session "SELECT
    sum(RecordsUpdated) FROM SyncHistory JOIN Schools USING (SchoolId)
    WHERE SyncType = 'Incremental' AND EntityType = 'Student' AND
    SchoolPrefix = '$one'")" 2
right "story 17: and all is right"

# ---- 18: a dead run leaves nothing behind that others wait for ----------------------

for what in /events role=student role=teacher; do
    change 3 "Dead"
    mode=
    [ "$what" = /events ] || mode=--full
    fault "hang,path=$what"
    start $mode
    wait_for asked "$what" 1
    kill -KILL "$pid"
    wait "$pid" 2>/dev/null
    fault
    is "story 18: killed at $what: the history is open" \
        "$(($(in_progress) > 0))" 1
    ok "story 18: killed at $what: the next run begins at once" cs run
    is "story 18: killed at $what: nothing is open" "$(in_progress)" 0
    right "story 18: killed at $what: all is right"
done

# ---- 19: the older run finishes last ---------------------------------------------------

# It is stopped when it has read; its lock is lost, as a connection's would be.
change 4 Older
fault "slow,ms=300,role=student,school=$one_id" \
    "slow,ms=300,role=teacher,school=$one_id"
start --full --school "$one_id"
wait_for asked role=student 1
wait_for asked role=teacher 1
kill -STOP "$pid"
rm -f "$dir"/*.db-lock
fault
change 4 Newer
ok "story 19: a newer run passes the older one" cs run --school "$one_id"
keep_rows "$one"
kill -CONT "$pid"
wait "$pid"
is "story 19: the older one fails" "$(($? != 0))" 1
kept "story 19: and does not write over the newer one" "$one"
is "story 19: whose rows are there" "$(last_names Newer)" 1
ok "story 19: the next run" cs run
right "story 19: and all is right"

# ---- 39: poison in the feed --------------------------------------------------------------

rejects() {
    sql session "SELECT EntityType, CleverId FROM SyncReject"
}

poisoned=$(person "$one" student 5)
post "/lab/change?id=$poisoned&field=first&value=Mended" >"$out"
change 6 Behind
fault number-for-text,path=/events
exits 3 "story 39: the first event of several cannot be used" cs run
fault
is "story 39: it is set aside" "$(rejects)" "Student|$poisoned"
is "story 39: and does not hide the next ones" "$(last_names Behind)" 1
ok "story 39: the next run" cs run
is "story 39: does not meet it again" "$(history 'sum(RecordsFailed)')" 0
is "story 39: it stays listed" "$(rejects)" "Student|$poisoned"
post "/lab/touch?id=$poisoned" >"$out"
ok "story 39: until its record comes once more" cs run
is "story 39: then it is not" "$(rejects)" ""
right "story 39: and all is right"

# ---- 40: one row that the database refuses --------------------------------------------------

refuse() { # KEY: the first school's database does not take this student
    sqlite3 "$dir/$one.db" "DROP TRIGGER IF EXISTS refuse;
        CREATE TRIGGER refuse BEFORE ${2:-UPDATE} ON Students
        WHEN NEW.CleverStudentId = '$1'
        BEGIN SELECT raise(ABORT, 'Quill is refused'); END"
}

tap_truth "$one" student
set -- $(sqlite3 :memory: "SELECT key FROM json_each(readfile('$dir/truth'))
    ORDER BY key LIMIT 7") # a batch of six, and one more
turn=0
for key in "$@"; do
    turn=$((turn + 1))
    for id in "$@"; do
        echo "url = \"$lab_url/lab/change?id=$id&field=last&value=Turn$turn\""
        echo "output = /dev/null"
    done >"$dir/told"
    curl -fsS -m 20 -X POST -K "$dir/told"
    refuse "$key"
    exits 3 "story 40: row $turn is refused" cs run
    is "story 40: the other six are written" "$(last_names "Turn$turn")" 6
    is "story 40: and it is set aside" "$(rejects)" "Student|$key"
done
sqlite3 "$dir/$one.db" 'DROP TRIGGER refuse'
unlike "story 40: what the database said is not repeated" "$err" Quill
ok "story 40: a full run" cs run --full
right "story 40: brings the last one, too"
is "story 40: nothing is set aside" "$(rejects)" ""
finish
