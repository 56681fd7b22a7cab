#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: 2026 the cleversync authors

# Stories of sources that fail, each told where they are best seen end to end;
# see also 70-stories-state.sh and 70-stories-run.sh.
#
# 1   partial fetch, then mass delete      here; killed instead: 55
# 2   an empty source                      51 (nobody, and row by row)
# 3   success without rows                 51 (the message has both counts)
# 4   a school that is no longer shared    here; 52 (status-404)
# 5   the same id twice                    52 (duplicate-...), unit-diff
# 6   one child in two schools             here
# 7   a new id for the same person         here
# 8   clocks that differ                   here
# 9   a baseline taken after the read      70-stories-state
# 10  a cursor that is too old             70-stories-state, unit-feed
# 11  a cursor purged with the history     70-stories-state
# 12  cursor advanced, rows not written    70-stories-state; 55
# 13  committed, but nobody heard of it    70-stories-state; 55, unit-session
# 14  events replayed or out of order      70-stories-state, unit-delta
# 17  two runs at once                     55, 59; of one school: 70-stories-run
# 18  a lock left by a crash               55; 70-stories-run
# 19  the older run finishes last          70-stories-run
# 22  HTML with status 200                 52, 56, unit-http
# 23  {} or null for data                  52, unit-sources
# 24  a body that is cut                   52, unit-http (at every byte)
# 25  Content-Length of packed bodies      unit-http
# 26  a link that leads back or out        52, unit-sources
# 27  the listing ends early               here; 51, unit-sources (no links)
# 28  a token that dies in the middle      here; 52, unit-http, unit-secret
# 29  a connection that dies in a write    unit-session; each sink's own tests
# 30  too many requests                    here; 52, unit-http
# 31  Unicode in two forms                 70-stories-state, unit-diff
# 34  null, empty and blank                70-stories-state, unit-diff
# 39  poison that is retried for ever      70-stories-run; 61, unit-delta
# 40  a batch lost for one row             70-stories-run
# 47  another school's database            53
# 52  a first run on people who are there  53

. "${srcdir:-.}/tests/lib.sh"
requires curl sqlite3
start_lab --schools 3 --students 45 --teachers 6
write_config <<'END'
[sync]
full_sync_day =
page_size = 20
page_size_max = 20
END
sed -i '/^\[retry\]/a clever_api_max_attempts = 1' "$config"
register
set -- $(prefixes)
one=$1 two=$2 three=$3
one_id=$(school_id "$one") two_id=$(school_id "$two")

student() { # PREFIX KEY: is this one stored as active?  Nothing: not at all
    sql "$1" "SELECT IsActive FROM Students WHERE CleverStudentId = '$2'"
}

types() { # how the latest run went about it
    history 'DISTINCT SyncType' "EntityType IN ('Student', 'Teacher')"
}

ok "the schools are filled" cs run

# ---- 1, 4, 27: less comes than there is -----------------------------------------

gone=$(person "$one" student 3)
post "/lab/delete?id=$gone" >"$out"
keep_rows "$one"
for page in 1 2 3; do
    fault "reset,role=student,page=$page,school=$one_id"
    exits 3 "story 1: the connection breaks at page $page" cs run --full
    kept "story 1: and nobody is deleted, not even who did leave" "$one"
done
fault "status-404,school=$one_id"
exits 3 "story 4: a school that is not shared any more" cs run --full
kept "story 4: is not one without people" "$one"
exits 1 "story 4: nor if it is all of them" cs run --full --school "$one_id"
kept "story 4: and nobody goes" "$one"
fault "empty-listing,role=student,page=2,school=$one_id"
exits 3 "story 27: a listing that ends after a page" cs run --full
kept "story 27: is too short to be believed" "$one"
is "story 27: which is said" "$(history "ErrorMessage LIKE
    '25 of 45 active rows would leave, more than max_delete%'" \
    "SchoolPrefix = '$one' AND EntityType = 'Student'")" 1
fault
ok "without all that, it is believed" cs run --full
is "who left is gone" "$(student "$one" "$gone")" ""
right "and nobody else"

# ---- 6: one child, two schools ---------------------------------------------------

# The lab's first student and first teacher are in the first two schools.
both() { # TABLE KEY
    sqlite3 -readonly "$dir/$one.db" "ATTACH '$dir/$two.db' AS other;
        SELECT $2 FROM main.$1 AS a JOIN other.$1 AS b USING ($2)
        WHERE a.IsActive AND b.IsActive ORDER BY 1 LIMIT 1"
}

teacher() { # PREFIX KEY: is this one stored as active?
    sql "$1" "SELECT IsActive FROM Teachers WHERE CleverTeacherId = '$2'"
}

child=$(both Students CleverStudentId)
is "story 6: a child of two schools is in both" \
    "$(student "$one" "$child")$(student "$two" "$child")" 11
post "/lab/move?id=$child&school=$two_id" >"$out"
ok "story 6: it leaves one of them" cs run
is "story 6: and stays in the other" \
    "$(student "$one" "$child")$(student "$two" "$child")" 01
child=$(both Teachers CleverTeacherId)
post "/lab/move?id=$child&school=$one_id" >"$out"
ok "story 6: also by listings" cs run --full
is "story 6: who leaves is deleted there, and stays in the other" \
    "$(teacher "$one" "$child")-$(teacher "$two" "$child")" 1-
right "story 6: and all is right"

# ---- 7: the same person by a new id ------------------------------------------------

old=$(person "$one" student 5)
new=$(post "/lab/add?school=$one_id&role=student")
for column in first:FirstName last:LastName email:Email \
    student_number:StudentNumber grade:Grade; do
    value=$(sql "$one" "SELECT ${column#*:} FROM Students
        WHERE CleverStudentId = '$old'")
    curl -fsS -m 20 -G -X POST -o "$out" "$lab_url/lab/change" \
        -d "id=$new" -d "field=${column%:*}" --data-urlencode "value=$value"
done
post "/lab/delete?id=$old" >"$out"
ok "story 7: a person comes back under a new id" cs run
is "story 7: the old one is inactive, the new one active" \
    "$(student "$one" "$old")$(student "$one" "$new")" 01
right "story 7: and all is right"

# ---- 8: our clock is wrong -----------------------------------------------------------

for days in -20 -1 1 20; do
    post "/lab/change?id=$new&field=last&value=Day$days" >"$out"
    post "/lab/delete?id=$(person "$one" student 6)" >"$out"
    ok "story 8: our clock is $days days ahead" \
        env CLEVERSYNC_TEST_CLOCK_OFFSET=$((days * 86400)) \
        "$CLEVERSYNC" --config "$config" run
    is "story 8: the run goes by events" "$(types)" Incremental
    right "story 8: and misses none" "$one"
done
is "story 8: the clock was turned" "$(sql "$one" \
    "SELECT julianday(LastSyncTimestamp) - julianday('now') > 19
     FROM SyncState WHERE Entity = 'Student'")" 1

# ---- 28, 30: tokens that die, limits ---------------------------------------------------

for trouble in die-token,path=/events die-token,path=/users \
    storm-429,retry_after=0,path=/events,times=1 \
    storm-429,retry_after=0,path=/users,times=1; do
    post "/lab/delete?id=$(person "$two" student 7)" >"$out"
    post "/lab/change?id=$(person "$three" teacher 1)&field=title&value=$trouble" \
        >"$out"
    fault "$trouble"
    mode= story=28
    case $trouble in storm*) story=30 ;; esac
    case $trouble in *users*) mode=--full ;; esac
    ok "story $story: $trouble" cs run $mode
    right "story $story: nobody is lost, none missed"
done
finish
