#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: 2026 the cleversync authors

# Stories of state: where in the feed a school stands, and what it has.  The
# list of all stories and their tests is in 70-stories-source.sh.

. "${srcdir:-.}/tests/lib.sh"
requires curl sqlite3
start_lab --schools 2 --students 45 --teachers 6
write_config <<'END'
[sync]
full_sync_day =
page_size = 20
page_size_max = 20
END
register
set -- $(prefixes)
one=$1 two=$2
one_id=$(school_id "$one")

start() { # WORD...: a run in the background; sets pid
    post /lab/log/clear >/dev/null
    "$CLEVERSYNC" --config "$config" run "$@" >"$out" 2>"$err" </dev/null &
    pid=$!
}

asked() { # TEXT N: has the lab been asked for this N times?
    [ "$(curl -fsS -m 20 "$lab_url/lab/log" | grep -c -e "$1")" -ge "$2" ]
}

shot() { # the run that was started
    kill -KILL "$pid"
    wait "$pid" 2>/dev/null
}

state() { # where the first school's entities stand
    sql "$one" 'SELECT Entity, Cursor, LastSyncTimestamp FROM SyncState
        ORDER BY 1'
}

types() { # how the latest run went about the people of the first school
    history 'DISTINCT SyncType' "SchoolPrefix = '$one' AND
        EntityType IN ('Student', 'Teacher')"
}

counts() { # [ENTITY]: records read, rows inserted and updated by the latest run
    history 'sum(RecordsProcessed), sum(RecordsInserted), sum(RecordsUpdated)' \
        "SchoolPrefix = '$one' AND EntityType IN ('${1:-Student}', \
            '${1:-Teacher}')"
}

change() { # NUMBER FIELD VALUE: of a student of the first school
    post "/lab/change?id=$(person "$one" student "$1")&field=$2&value=$3" \
        >"$out"
}

leaves() { # NUMBER: a student of the first school
    post "/lab/delete?id=$(person "$one" student "$1")" >"$out"
}

# ---- 9: what happens while the first sync reads ----------------------------------

fault "slow,ms=300,role=student,page=3,school=$one_id"
start
wait_for asked "$one_id.*role=student" 3
change 1 last Meanwhile # both of the first page, which was read
leaves 2
wait "$pid"
is "story 9: the first sync ends well" $? 0
fault
is "story 9: what changed meanwhile is not in it" "$(sql "$one" "SELECT count(*)
    FROM Students WHERE LastName = 'Meanwhile'")" 0
ok "story 9: the next run" cs run
is "story 9: goes by events" "$(types)" Incremental
right "story 9: and brings what had been missed"
stand=$(sql "$one" 'SELECT max(Cursor) FROM SyncState')
post /lab/log/clear >/dev/null
ok "story 9: the one after it" cs run
is "story 9: begins where all stand, not where they stood" \
    "$(curl -fsS -m 20 "$lab_url/lab/log" | grep -o 'starting_after=[^"&]*')" \
    "starting_after=$stand"

# ---- 10: the feed does not reach back -----------------------------------------------

for keep in 1 0; do
    change 3 last "Keep$keep"
    leaves 4
    change 5 last "Later$keep"
    post "/lab/events?keep=$keep" >"$out"
    ok "story 10: of the feed $keep events are left" cs run
    is "story 10: so it is a full sync" "$(types)" Full
    like "story 10: as the log says" "$err" 'a full sync: '
    is "story 10: and the history" "$(history 'count(*)' "EntityType = 'Student'
        AND ErrorMessage LIKE 'a full sync: %feed%'")" 2
    right "story 10: nothing is missed"
done
change 6 last Newest # so that there is a feed again
ok "a run" cs run
leaves 7
ok "story 10: the last success is 26 days old" env \
    CLEVERSYNC_TEST_CLOCK_OFFSET=$((26 * 86400)) \
    "$CLEVERSYNC" --config "$config" run
is "story 10: that is too long, too" "$(types)" Full
right "story 10: nothing is missed"
is "story 10: who left by such a sync is kept, inactive" "$(sql "$one" \
    'SELECT count(*) FROM Students WHERE IsActive = 0')" 4
ok "a run by a clock that is right again" cs run

# ---- 11: the history is purged ----------------------------------------------------------

change 8 last Purged
sqlite3 "$dir/session.db" 'DELETE FROM SyncHistory'
ok "story 11: a run when all history is gone" cs run
is "story 11: knows where it was" "$(types)" Incremental
right "story 11: and goes on from there"

# ---- 12: the rows and the place in the feed are one --------------------------------------

keep_rows "$one"
state >"$dir/state"
change 9 last Together
leaves 10
hold "$one"
start --school "$one_id"
wait_for asked /events 1
shot
let_go
kept "story 12: killed before the commit: no row is written" "$one"
is "story 12: nor does the cursor advance" "$(state)" "$(cat "$dir/state")"
ok "story 12: the next run" cs run
right "story 12: brings the rows"
is "story 12: with the cursor" "$(state | diff - "$dir/state" |
    grep -c '^<')" 2

# ---- 13: committed, but nobody heard of it --------------------------------------------------

change 11 last Unheard
post "/lab/change?id=$(person "$one" teacher 2)&field=last&value=Unheard" >"$out"
state >"$dir/state"
fault slow,ms=200,path=/events # between the history's beginning and its end
start --school "$one_id"
wait_for asked /events 1
hold session
committed() { # an entity, the other one waits to tell the session database
    state | diff "$dir/state" - | sed -n 's/^> \([A-Za-z]*\).*/\1/p' |
        head -n 1 | grep .
}
wait_for committed
shot
let_go
fault
entity=$(committed)
sql "$one" "SELECT * FROM ${entity}s ORDER BY 1" >"$dir/rows"
like "story 13: killed after the commit: the rows are there" "$dir/rows" Unheard
is "story 13: but the history does not say so" "$(history Status \
    "EntityType = '$entity'")" InProgress
ok "story 13: the next run" cs run
is "story 13: finds nothing to do" "$(counts "$entity")" "0|0|0"
is "story 13: and writes nothing twice" "$(sql "$one" "SELECT *
    FROM ${entity}s ORDER BY 1" | diff "$dir/rows" -)" ""
right "story 13: and all is right"

# ---- 14: events again, and in any order ----------------------------------------------------

start_of_feed=$(sql "$one" "SELECT Cursor FROM SyncState LIMIT 1")
back=$(person "$one" student 12)
post "/lab/delete?id=$back" >"$out"
post "/lab/restore?id=$back" >"$out"
new=$(post "/lab/add?school=$one_id&role=student")
post "/lab/delete?id=$new" >"$out"
moved=$(person "$one" student 13)
post "/lab/move?id=$moved&school=$(school_id "$two")" >"$out"
post "/lab/move?id=$moved&school=$one_id" >"$out"
away=$(person "$one" student 14)
post "/lab/move?id=$away&school=$(school_id "$two")" >"$out"
ok "story 14: deleted and created, created and deleted, moved" cs run
right "story 14: the end counts, in both schools"
keep_rows
for _ in 1 2; do
    sqlite3 "$dir/$one.db" "UPDATE SyncState SET Cursor = '$start_of_feed'"
    sqlite3 "$dir/$two.db" "UPDATE SyncState SET Cursor = '$start_of_feed'"
    ok "story 14: the same events again" cs run
    is "story 14: are read" "$(counts | sed 's/|.*//')" 14
    kept "story 14: and change nothing"
done

# ---- 31, 34: what is no difference, and what is one, once -------------------------------------

change 15 first 'Rene%C3%A9'
ok "a name with a letter of one piece" cs run
change 15 first 'Renee%CC%81'
for mode in '' --full; do
    ok "story 31: the same of two${mode:+, again}" cs run $mode
    right "story 31: is stored as it came" "$one"
done
is "story 31: once" "$(counts | sed 's/^[0-9]*|//')" "0|0"

change 16 email '' # first to nothing
ok "an e-mail goes" cs run
keep_rows "$one"
for blank in '%20' '' '%E2%80%83%09'; do
    change 16 email "$blank"
    ok "story 34: another kind of nothing" cs run
    kept "story 34: is no change" "$one"
done
post "/lab/change?id=$(person "$one" student 16)&field=email" >"$out"
for mode in '' --full --full; do
    ok "story 34: null" cs run $mode
    kept "story 34: is none either" "$one"
done
finish
