#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: 2026 the cleversync authors

# Days on which the feed of events has gaps, or the session database does not
# take what it should: nobody is left behind, and nobody goes by mistake.

. "${srcdir:-.}/tests/lib.sh"
requires curl sqlite3
start_lab --schools 2 --students 44 --teachers 12
write_config <<'END'
[sync]
full_sync_day =
page_size = 1
page_size_max = 1000
END
register
one=$(prefixes | sed -n 1p)
one_id=$(school_id "$one")

change() { # NUMBER VALUE: of a student of the first school
    post "/lab/change?id=$(person "$one" student "$1")&field=last&value=$2" \
        >/dev/null
}

state() { # COLUMN of the first school's students
    sql "$one" "SELECT $1 FROM SyncState WHERE Entity = 'Student'"
}

types() {
    history 'DISTINCT SyncType' "EntityType = 'Student'"
}

flag() {
    sql session "SELECT RequiresFullSync FROM Schools
        WHERE CleverSchoolId = '$one_id'"
}

ok "the schools are filled" cs run

# ---- The feed is closed for a while -----------------------------------------

post '/lab/events?enabled=0' >/dev/null
post "/lab/delete?id=$(person "$one" student 3)" >/dev/null
ok "without events a run goes by the data" cs run
is "which is incremental" "$(types)" Incremental
is "and forgets its place in the feed" "$(state 'Cursor IS NULL')" 1
exits 22 "who left is still there" cs verify
post '/lab/events?enabled=1' >/dev/null
post /lab/noise >/dev/null
ok "when there are events again" cs run
is "the run is a full one" "$(types)" Full
ok "and who left has left" cs verify
ok "the next one" cs run
is "goes by events" "$(types)" Incremental

# ---- The baseline of a full sync cannot be had --------------------------------

was=$(state Cursor)
fault status-500,path=/events
ok "a full sync does without its baseline" cs run --full
fault
is "and keeps its place in the feed" "$(state Cursor)" "$was"
post "/lab/delete?id=$(person "$one" student 4)" >/dev/null
ok "so that the next run" cs run
is "goes by events" "$(types)" Incremental
ok "and misses nobody" cs verify

# ---- Many events are unusable --------------------------------------------------

for n in 2 3 4 5 6 7 8 9 10 11 12 13; do
    change "$n" "Poison$n"
done
change 30 Wholesome
fault escaped-nul,path=/events,times=12
exits 3 "a dozen of unusable events does not stop the district" cs run \
    --set sync.page_size_max=1
fault
like "the run says what follows" "$out" 'the next run of this school is a full'
is "the others are written" "$(sql "$one" "SELECT count(*) FROM Students
    WHERE LastName = 'Wholesome'")" 1
is "and the school needs a full sync" "$(flag)" 1
ok "which the next run is" cs run
is "but not the other one" "$(types | sort)" "Full
Incremental"
ok "then all is right" cs verify
is "and the need is over" "$(flag)" 0

# ---- The session database does not take the need --------------------------------

change 5 Again
fault escaped-nul,path=/events
sqlite3 "$dir/session.db" "CREATE TRIGGER refuse BEFORE UPDATE ON Schools
    BEGIN SELECT RAISE(ABORT, 'no'); END"
for n in 2 3 4 5 6 7 8 9 10 11 12 13; do
    change "$n" "Poison$n"
done
was=$(state Cursor)
"$CLEVERSYNC" --config "$config" run --set sync.page_size_max=1 >"$out" 2>"$err"
is "a need that cannot be noted stops the school" "$(history Status \
    "EntityType = 'Student' AND SchoolPrefix = '$one'")" Failed
is "whose place in the feed stays" "$(state Cursor)" "$was"
fault
sqlite3 "$dir/session.db" 'DROP TRIGGER refuse'
ok "so that the next run" cs run
ok "makes all right" cs verify

# ---- Holds ------------------------------------------------------------------------

sqlite3 "$dir/$one.db" "UPDATE Students SET LastName = 'Elsewhere'"
exits 3 "more than may change are held" cs run --set sync.default_mode=full
hold=$(sql session 'SELECT HoldKey FROM SyncHold')
change 9 Meanwhile
ok "a run by events that meets few of them" cs run
is "leaves the hold" "$(sql session 'SELECT HoldKey FROM SyncHold')" "$hold"
ok "a full sync that was asked for" cs run --full
ok "makes all right" cs verify
exits 2 "and leaves no hold" cs approve "$hold"

for n in 2 3 4 5 6 7 8 9 10 11 12 13; do
    id=$(person "$one" student 2)
    gone="$gone $id"
    post "/lab/delete?id=$id" >/dev/null
done
exits 3 "more than may leave are held" cs run --set sync.default_mode=full
hold=$(sql session 'SELECT HoldKey FROM SyncHold WHERE UsedAt IS NULL')
ok "and approved" cs approve "$hold"
for id in $gone; do
    post "/lab/restore?id=$id" >/dev/null
done
fault empty-listing,role=student
keep_rows "$one"
exits 3 "a listing of nobody lets nobody go by that" cs run
kept "all stay" "$one"
is "the approval is not used up" "$(sql session "SELECT count(*) FROM SyncHold
    WHERE HoldKey = '$hold' AND UsedAt IS NULL")" 1
fault
ok "it heals" cs run
ok "with all who are back" cs verify

# ---- Comparing ----------------------------------------------------------------------

change 7 Different
fault number-for-text,role=student,path="$one_id"
exits 22 "verify says different before it says partial" cs verify
fault
finish
