#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: 2026 the cleversync authors

# What a run holds back because it looks like a mistake, to the row; what it
# says then, and with which exit code it ends.

. "${srcdir:-.}/tests/lib.sh"
requires curl sqlite3
start_lab --schools 1 --students 44 --teachers 12
write_config <<'END'
[sync]
default_mode = full
full_sync_day =
END
register
one=$(prefixes)
school=$(school_id "$one")

each() { # WHAT ROLE N [MORE]: tells the lab WHAT about N people, in one go
    people=$(person "$one" "$2" 1 >/dev/null
        sqlite3 :memory: "SELECT key FROM json_each(readfile('$dir/truth'))
            ORDER BY key LIMIT $3")
    tell "$1" "$4" $people
}

tell() { # WHAT MORE ID...
    local what=$1 more=$2 id
    shift 2
    for id in "$@"; do
        echo "url = \"$lab_url/lab/$what?id=$id$more\""
        echo "output = /dev/null"
    done >"$dir/told"
    curl -fsS -m 20 -X POST -K "$dir/told"
}

back() { # those whom `each` was about
    tell restore '' $people
}

active() { # TABLE
    sql "$one" "SELECT sum(IsActive) FROM $1"
}

told() { # of the latest run: status and what it says of an entity
    history 'Status, ErrorMessage' "EntityType = '$1'" |
        sed 's/; to let exactly these .*//' # see 60-holds.sh
}

ok "a school is filled" cs run
cp "$dir/$one.db" "$dir/full"

again() { # the school as it was filled first
    rm -f "$dir/$one".db*
    cp "$dir/full" "$dir/$one.db"
}

# ---- Nobody -------------------------------------------------------------------

keep_rows
fault empty-listing,role=student
exits 3 "a listing of nobody is held, the rest is not" cs run --full
kept "nobody goes"
is "it says how many were stored" "$(told Student)" "Partial|Clever lists \
nobody while 44 rows are stored: all are kept"
like "also to the user" "$out" "$one Student: Clever lists nobody"
like "with the number in the table" "$out" \
    "^$one +Student +Full +Partial( +0)+ +44 +0\$"
is "the other entity is right" "$(told Teacher)" "Success|"
fault empty-listing,path=/users
exits 20 "if all is held, the code says so" cs run --full
exits 20 "also of a run that nobody asked to be full" cs run
kept "nobody goes"
exits 20 "and no limit lets it through" \
    cs run --full --set guard.max_delete=100%
kept "nobody goes at all"
sqlite3 "$dir/$one.db" "UPDATE Students SET IsActive = 0"
keep_rows
exits 20 "a listing of nobody does not end those who are inactive" \
    cs run --full
kept "they stay"
sqlite3 "$dir/$one.db" "UPDATE Students SET IsActive = 1"
fault
ok "it heals by itself" cs run --full
like "without a change" "$out" 'nothing changed'

# ---- Too many leave -------------------------------------------------------------

# 10 % of 44 are 4, but 10 may always go; of 12 no more than half.
for n in 9 10; do
    each delete student $n
    ok "$n of 44 may go" cs run --full
    right "and are gone"
    back
    ok "and come back" cs run --full
done
each delete student 11
exits 3 "11 of 44 may not" cs run --full
is "the message says which limit, and how to go on" "$(told Student)" \
    "Partial|11 of 44 active rows would leave, more than max_delete allows \
(10): all are kept"
is "all are kept" "$(active Students)" 44
is "although the state moved on" "$(sql "$one" "SELECT count(*) FROM SyncState
    WHERE RunId = '$(history 'DISTINCT RunId')'")" 2
exits 3 "nor deactivated" cs run
is "all are kept" "$(active Students)" 44
new=$(post "/lab/add?school=$school&role=student")
exits 3 "while they are held" cs run --full
is "the rest is written" "$(active Students)" 45
ok "as it was said" cs run --full --set guard.max_delete=11
right "they go"
again
back
tell delete '' "$new"
each delete teacher 6
ok "6 of 12 may go" cs run --full
again
back
each delete teacher 7
exits 3 "7 of 12 may not" cs run --full
is "all are kept" "$(active Teachers)" 12
again
exits 3 "a limit may be smaller" cs run --full --set guard.max_delete=6
exits 3 "0 is none" cs run --full --set guard.max_delete=0
is "all are kept" "$(active Teachers)" 12
ok "a percentage may be larger" cs run --full --set guard.max_delete=60%
is "they go" "$(active Teachers)" 5
again
back

# ---- Too many change ------------------------------------------------------------

# 75 % of 44 are 33.
for n in 32 33; do
    again
    each change student $n "&field=last&value=Changed$n"
    ok "$n of 44 may change" cs run
done
again
sql "$one" "SELECT * FROM SyncState ORDER BY 1" >"$dir/state"
each change student 34 "&field=last&value=Changed"
keep_rows
exits 3 "34 of 44 may not" cs run
is "the message says which limit, and how to go on" "$(told Student)" \
    "Partial|34 of 44 active rows would change, more than max_update allows \
(33): nothing was written"
kept "nothing is written"
is "and the state stays" \
    "$(sql "$one" "SELECT * FROM SyncState WHERE Entity = 'Student'")" \
    "$(grep Student "$dir/state")"
ok "as it was said" cs run --set guard.max_update=34
right "they change"
again
ok "and a full run that was asked for" cs run --full
right "has no such limit"

# ---- Too many records are unusable -----------------------------------------------

rejects() {
    sql session 'SELECT count(*) FROM SyncReject'
}

# A fault hits the first record of a page: here are eleven pages.
pages="--set sync.page_size=4 --set sync.page_size_max=4"
for n in 9 10; do
    again
    fault number-for-text,role=student,times=$n
    exits 3 "$n unusable records of 44 are set aside" cs run $pages
    is "and kept apart" "$(rejects)" $n
done
keep_rows
fault number-for-text,role=student,times=11
exits 3 "11 are too many" cs run $pages
is "that is a failure" "$(history "Status, ErrorMessage LIKE '11 of 44 % more \
than max_rejects allows (10)%'" "EntityType = 'Student'")" "Failed|1"
kept "nothing is written"
fault number-for-text,role=student,times=11
exits 3 "a larger limit lets it through" \
    cs run $pages --set guard.max_rejects=25%
is "with its rejects" "$(rejects)" 11
fault
ok "it heals by itself" cs run
is "and no reject is left" "$(rejects)" 0
right "and all is right"

# ---- A record without a key --------------------------------------------------------

again
each delete student 2
fault no-id,role=student
exits 3 "a record without a key" cs run --full
is "holds all who would leave: it may be about one of them" \
    "$(told Student | sed 's/;.*//')" "Partial|3 rows would leave, but 1 \
records came without a usable key, so nobody can be missed for sure: all are \
kept"
is "nobody goes" "$(active Students)" 44
fault number-for-text,role=student
exits 3 "with a key" cs run --full
is "that person is kept and the others go" "$(active Students)" 42
fault
finish
