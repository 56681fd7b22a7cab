#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: 2026 the cleversync authors

# Records that were set aside are listed, by key and reason, until they sync.

. "${srcdir:-.}/tests/lib.sh"
requires curl sqlite3
start_lab --schools 2 --students 44 --teachers 12
write_config <<'END'
[sync]
full_sync_day =
default_mode = full
END
register
one=$(prefixes | sed -n 1p)
school=$(school_id "$one")

listed() { # COLUMNS, a member each
    sqlite3 :memory: "SELECT $1 FROM (SELECT
        json_extract(value, '\$.school_id') AS school,
        json_extract(value, '\$.entity') AS entity,
        json_extract(value, '\$.clever_id') AS id,
        json_extract(value, '\$.reason') AS reason,
        json_extract(value, '\$.first_seen') AS first_seen,
        json_extract(value, '\$.last_seen') AS last_seen
        FROM json_each(readfile('$out'), '\$.rejects'))"
}

ok "before any run" cs rejects
like "none is listed" "$out" '^no record is set aside$'
ok "two schools are filled" cs run
ok "after a good run" cs rejects -o json
is "none is listed" "$(listed 'count(*)')" 0

fault number-for-text,role=student
exits 3 "a record cannot be used" cs run --school "$school"
ok "it is listed" cs rejects -o json
is "with school, entity and key" "$(listed 'school, entity')" "$school|Student"
id=$(listed id)
is "which is a student's of that school" "$(sql "$one" "SELECT count(*)
    FROM Students WHERE CleverStudentId = '$id'")" 1
is "and a reason" "$(listed 'length(reason) > 10')" 1
first=$(listed first_seen)
ok "the status" cs status -o json
is "counts it" "$(sqlite3 :memory: "SELECT
    sum(json_extract(value, '\$.rejects'))
    FROM json_each(readfile('$out'), '\$.schools')")" 1
ok "also as a table" cs rejects
like "a line a record" "$out" " Student +$id +$first +$first +[a-z]"
ok "of one school" cs rejects --school "$school"
like "too" "$out" "$id"
ok "of another" cs rejects --school "$(school_id "$(prefixes | sed -n 2p)")"
like "none" "$out" '^no record is set aside$'
exits 2 "a school that is not there has none" \
    cs rejects --school 5f0000000000000000000000

# The same record again: when it was first seen stays.
fault number-for-text,role=student
exits 3 "it is still so" cs run --school "$school"
ok "it is listed" cs rejects -o json
is "once, as old as it is" "$(listed 'id, first_seen, last_seen > first_seen')" \
    "$id|$first|1"
fault no-id,role=teacher
exits 3 "a record without a key" cs run --school "$school"
ok "is listed" cs rejects -o json
is "without one, and who synced is not" "$(listed 'entity, id')" "Teacher|"
ok "in the table, too" cs rejects
like "with a dash" "$out" " Teacher +- "
fault
ok "when all is well" cs run
ok "nothing" cs rejects -o json
is "is listed" "$(listed 'count(*)')" 0

# By events a record is heard of once.
by_events="--set sync.default_mode=incremental"
ok "the feed is read" cs run $by_events
id=$(person "$one" student 7)
post "/lab/change?id=$id&field=last&value=Canary" >/dev/null
fault number-for-text,path=/events
exits 3 "an event cannot be used" cs run $by_events
fault
ok "it is listed" cs rejects -o json
is "with entity and key" "$(listed 'entity, id')" "Student|$id"
ok "when the next run does not hear of it" cs run $by_events
ok "it is listed" cs rejects -o json
is "as before" "$(listed 'entity, id')" "Student|$id"
post "/lab/change?id=$id&field=last&value=Canary-Two" >/dev/null
ok "when it changes again, and well" cs run $by_events
ok "nothing" cs rejects -o json
is "is listed" "$(listed 'count(*)')" 0
right "all is right"
finish
