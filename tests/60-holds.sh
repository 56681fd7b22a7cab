#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: 2026 the cleversync authors

# What the guards held is kept, shown, and let through by a person's word:
# exactly these people, once.

. "${srcdir:-.}/tests/lib.sh"
requires curl sqlite3
start_lab --schools 2 --students 44 --teachers 12
write_config <<'END_OF_CONFIG'
[sync]
full_sync_day =
END_OF_CONFIG
register
one=$(prefixes | sed -n 1p)

people() { # FROM TO: keys of students that the lab lists, in order
    tap_truth "$one" student
    sqlite3 :memory: "SELECT key FROM json_each(readfile('$dir/truth'))
        ORDER BY key LIMIT $2 - $1 + 1 OFFSET $1 - 1"
}

tell() { # WHAT MORE ID...: tells the lab WHAT about them, in one go
    local what=$1 more=$2 id
    shift 2
    for id in "$@"; do
        echo "url = \"$lab_url/lab/$what?id=$id$more\""
        echo "output = /dev/null"
    done >"$dir/told"
    curl -fsS -m 20 -X POST -K "$dir/told"
}

full() { # a full sync that nobody asked for
    cs run --set sync.default_mode=full "$@"
}

active() {
    sql "$one" 'SELECT sum(IsActive) FROM Students'
}

gone() { # ID...: how many of them are not active
    sql "$one" "SELECT count(*) FROM Students WHERE IsActive = 0 AND
        CleverStudentId IN ($(printf "'%s'," "$@")'')"
}

told() { # what the latest run says of the students
    history 'SyncType, Status, ErrorMessage' \
        "SchoolPrefix = '$one' AND EntityType = 'Student'"
}

listed() { # COLUMNS: of the holds that are shown
    cs holds -o json >"$dir/holds.json"
    sqlite3 :memory: "SELECT $1 FROM (SELECT
        json_extract(value, '\$.hold') AS hold,
        json_extract(value, '\$.school_id') AS school,
        json_extract(value, '\$.entity') AS entity,
        json_extract(value, '\$.kind') AS kind,
        json_extract(value, '\$.held') AS held,
        json_extract(value, '\$.total') AS total,
        json_extract(value, '\$.approved_by') AS approver
        FROM json_each(readfile('$dir/holds.json'), '\$.holds'))"
}

write_session() { # SQL: behind the program's back
    sqlite3 "$dir/session.db" "$1"
}

cursor() {
    sql "$one" "SELECT Cursor FROM SyncState WHERE Entity = 'Student'"
}

ok "two schools are filled" cs run
ok "nothing is held" cs holds
like "and it says so" "$out" '^nothing is held$'
set -- $(people 1 44)
everybody="$*"

some() { # FROM TO: of the 44, by number, whether they are listed or not
    echo $everybody | tr ' ' '\n' | sed -n "$1,$2p"
}

# ---- By a listing -----------------------------------------------------------------

tell delete '' $(some 1 15)
exits 3 "15 of 44 may not leave" full
is "all are kept" "$(active)" 44
is "they are one hold" "$(listed 'school, entity, kind, held, total, approver')" \
    "$(school_id "$one")|Student|delete|15|44|"
hold=$(listed hold)
like "whose name is easy to type" "$dir/holds.json" '"hold": *"[0-9a-f]{12}"'
is "the message says how to let them go" "$(told)" "Full|Partial|15 of 44 \
active rows would leave, more than max_delete allows (10): all are kept; to let exactly \
these go: cleversync approve $hold"
ok "it is shown as a table" cs holds
like "a line a hold" "$out" "^$hold +.* +Student +delete +15 +44 .* -\$"
ok "and by its keys" cs holds "$hold"
is "which are those who left" "$(sort "$out")" "$(some 1 15 | sort)"
ok "the status" cs status -o json
is "counts it" "$(sqlite3 :memory: "SELECT
    group_concat(json_extract(value, '\$.holds'), '')
    FROM json_each(readfile('$out'), '\$.schools')
    WHERE json_extract(value, '\$.school_id') = '$(school_id "$one")'")" 10
exits 3 "the same again" full
is "is the same hold" "$(listed 'hold, held')" "$hold|15"
ok "a dry run" cs plan --set sync.default_mode=full --set guard.max_delete=16
tell delete '' $(some 16 16)
exits 3 "of whatever is held" cs plan --set sync.default_mode=full
is "keeps nothing" "$(listed 'hold, held')" "$hold|15"
tell restore '' $(some 16 16)
is "only keys are kept" "$(sql session 'SELECT Keys FROM SyncHold')" \
    "$(echo $(some 1 15))"

exits 2 "a hold that is not there cannot be approved" \
    cs approve "${hold%?}$(echo "${hold#???????????}" | tr 0-9a-f 1-9a-f0)"
like "the nearest is named" "$err" "did you mean $hold"
exits 2 "nor be rejected" cs reject 123
exits 2 "a name has to be one" cs approve "$hold" --by ' '
ok "one that is there can" cs approve "$hold" --by 'Ada L.'
like "and it says what will be" "$out" "the next run of .* its 15 rows go"
is "who and when is noted" "$(sql session "SELECT ApprovedBy, ApprovedAt > '2'
    FROM SyncHold")" "Ada L.|1"
ok "twice is no more" cs approve "$hold" --by Bob -o json
is "nor anybody else's" "$(listed approver)" "Ada L."

# One of them comes back, and twelve others leave, before the next run.
tell restore '' $(some 1 1)
tell delete '' $(some 20 31)
exits 3 "a dry run says what would be" cs plan
like "exactly these" "$out" "14 rows would leave by the approval of $hold by Ada"
is "by its lines" "$(grep -c ' deactivate$' "$out")" 14
is "which changes nothing" "$(active)" 44
exits 3 "the next run" cs run
is "is a full one for that school" "$(history 'SchoolPrefix = '"'$one'"', SyncType' \
    "EntityType = 'Student'")" "1|Full
0|Incremental"
is "who was approved and is still absent is gone" "$(gone $(some 2 15))" 14
is "nobody else is" "$(active)" 30
is "gone is not deleted" "$(sql "$one" 'SELECT count(*) FROM Students')" 44
is "it is said" "$(told | sed 's/.*14 rows/14 rows/')" \
    "14 rows left by the approval of $hold by Ada L."
is "the others are a new hold" "$(listed 'kind, held, total, approver')" \
    "delete|12|44|"
exits 7 "an approval works once" cs approve "$hold"
like "which is said" "$err" 'works once'
new=$(listed hold)
exits 3 "and the same people" cs run --set sync.default_mode=full
is "are not let through again" "$(active)" 30
ok "nobody's word is needed when they come back" tell restore '' $(some 20 31)
ok "to a full sync" full
is "then nothing is held" "$(listed hold)" ''
exits 2 "and nothing is to be approved" cs approve "$new"
tell restore '' $(some 2 15)
ok "all are there" full
right "and right"
is "once more" "$(active)" 44

# ---- Rejected, expired --------------------------------------------------------------

tell delete '' $(some 1 15)
exits 3 "the same 15 leave again" full
is "they are the same hold, begun anew" "$(listed 'hold, approver')" "$hold|"
ok "it can be rejected" cs reject "$hold"
is "then it is not listed" "$(listed hold)" ''
ok "a run by events has nothing to do" cs run
is "all are kept" "$(active)" 44
exits 3 "a full sync holds them again" full
is "as they are still absent" "$(listed hold)" "$hold"
ok "approved" cs approve "$hold"
write_session "UPDATE SyncHold SET ExpiresAt = '2026-01-01T00:00:00.000Z'"
is "and expired, it is not listed" "$(listed hold)" ''
ok "nor does it count" cs run
is "all are kept" "$(active)" 44
exits 3 "not even in a full sync" full
is "all are kept" "$(active)" 44
is "which holds them anew, without a word" "$(listed 'hold, approver')" "$hold|"
write_session "UPDATE SyncHold SET ExpiresAt = '2026-01-01T00:00:00.000Z'"
exits 7 "what is expired cannot be approved" cs approve "$hold"
exits 3 "but when it is held again" full
ok "it can" cs approve "$hold" --by Ada
ok "and a run that is asked to be full" cs run --full
is "deletes" "$(sql "$one" 'SELECT count(*) FROM Students')" 29
is "which is said" "$(told)" \
    "Full|Success|15 rows left by the approval of $hold by Ada"
tell restore '' $(some 1 15)
ok "all come back" full

# ---- By events ------------------------------------------------------------------------

ok "up to date" cs run
for what in INSERT UPDATE; do
    write_session "CREATE TRIGGER no_$what BEFORE $what ON SyncHold
        BEGIN SELECT RAISE(ABORT, 'no'); END"
done
tell delete '' $(some 1 15)
before=$(cursor)
exits 3 "what cannot be kept" cs run
is "fails the school" "$(told | cut -d'|' -f1,2)" "Incremental|Failed"
is "which does not move on" "$(cursor)" "$before"
write_session "DROP TRIGGER no_INSERT; DROP TRIGGER no_UPDATE"
exits 3 "else" cs run
is "it is held" "$(told | cut -c1-52)" \
    "Incremental|Partial|15 of 44 active rows would leave"
is "and moves on" "$([ "$(cursor)" != "$before" ] && echo yes)" yes
is "those who left are kept as a hold" "$(listed 'hold, held, total')" \
    "$hold|15|44"
ok "the next run does not hear of them" cs run
is "they are still held" "$(listed 'hold, held')" "$hold|15"
tell delete '' $(some 16 26)
exits 3 "more leave" cs run
is "nobody is forgotten" "$(listed 'held, total')" "26|44"
is "all are kept" "$(active)" 44
hold=$(listed hold)
tell restore '' $(some 26 26)
ok "one is back" cs run
ok "approved" cs approve "$hold"
ok "the next run" cs run
is "lets all go who are still absent" "$(told | sed 's/ by [^ ]*$//')" \
    "Full|Success|25 rows left by the approval of $hold"
right "and all is right"
ok "the next is by events" cs run
is "as before" "$(told)" "Incremental|Success|"
tell restore '' $(some 1 25)
ok "all come back" full

# ---- Nobody, and no key ------------------------------------------------------------------

fault empty-listing,role=student
exits 3 "a listing of nobody" cs run --set sync.default_mode=full
is "is held in both schools" "$(listed 'kind, held = total')" "delete|1
delete|1"
ok "one of them is rejected" cs reject "$(listed hold | sed -n 1p)"
fault
ok "it heals by itself" full
is "and nothing is held" "$(listed hold)" ''
tell delete '' $(some 1 2)
fault no-id,role=student
exits 3 "who cannot be missed for sure" full --school "$(school_id "$one")"
hold=$(listed hold)
is "is held" "$(listed 'kind, held, total')" "delete|3|44"
ok "and approved" cs approve "$hold"
fault
ok "goes" cs run
is "if absent still" "$(gone $(some 1 2)) $(active)" "2 42"
tell restore '' $(some 1 2)
ok "all come back" full

# ---- Too many change ---------------------------------------------------------------------

tell change '&field=last&value=Smythe-Canary' $(some 1 34)
exits 3 "34 of 44 may not change" full
is "they are a hold" "$(listed 'kind, held, total')" "update|34|44"
hold=$(listed hold)
is "the message says how to let them through" "$(told | sed 's/.*; //')" \
    "to let exactly these change: cleversync approve $hold"
ok "approved" cs approve "$hold"
tell change '&field=first&value=Smythe-Canary' $(some 35 36)
ok "they change" cs run
is "which is said" "$(told | sed 's/ by [^ ]*$//')" \
    "Full|Success|34 rows changed by the approval of $hold"
right "and so do the few others"
is "nothing is held" "$(listed hold)" ''
tell change '&field=last&value=Smith-Canary' $(some 1 34)
exits 3 "by events" cs run
is "they are a hold, too" "$(listed 'kind, held')" "update|34"
ok "and when a limit lets them through" cs run --set guard.max_update=34
is "nothing is held any more" "$(listed hold)" ''
unlike "nothing personal was kept" "$dir/session.db" 'Canary'
finish
