#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: 2026 the cleversync authors

# Everything that Clever may do wrong, against a filled school: nothing is lost,
# the exit code and the history tell, and the next run is right again.

. "${srcdir:-.}/tests/lib.sh"
requires curl sqlite3
start_lab --schools 1 --students 45 --teachers 12
write_config <<'END'
[sync]
default_mode = full
full_sync_day =
page_size = 20
page_size_max = 20
[http]
timeout_seconds = 1
END
# Two repetitions, a hundredth of a second apart.
sed -i '/^\[retry\]/a clever_api_max_attempts = 2' "$config"
register
one=$(prefixes)
people=path=/users
first=$(person "$one" student 1)
far=$(person "$one" student 9)

told() { # QUERY: of the students' row in the history
    history "$1" "EntityType = 'Student'"
}

canary() { # what is found of it wherever something was written
    { cat "$out" "$err" && sqlite3 "$dir/session.db" .dump; } |
        grep -aiE 'quill|canary|somebody else|elsewhere\.invalid'
}

heals() { # FAULT
    fault
    ok "$1: without it a run is right" cs run
    is "$1: and no reject stays" \
        "$(sql session 'SELECT count(*) FROM SyncReject')" 0
    kept "$1: each row is as it was"
}

ok "a school is filled" cs run
keep_rows

# ---- The read fails ---------------------------------------------------------------

# Fault, exit code of the run, and what the message says.
while read -r name code said; do
    once=
    case $name in hang*) once="--set retry.clever_api_max_attempts=0" ;; esac
    fault "$name"
    exits "$code" "$name: exit code $code" cs run --full $once
    is "$name: the run failed" "$(told Status)" Failed
    like "$name: what is wrong is said" "$out" "$said"
    kept "$name: nothing is written"
    is "$name: nothing from outside is repeated" "$(canary)" ""
    heals "$name"
done <<END
status-400,$people 1 answered 400
status-401,$people 12 answered 401
status-403,$people 12 answered 403
status-404,$people 1 answered 404
status-500,$people 5 answered 500 \(3 tries\)
status-503,$people 5 answered 503 \(3 tries\)
storm-429,retry_after=0,$people 5 answered 429
html-200,$people 1 answered 200, but .* not JSON
empty-object,$people 1 data
data-null,$people 1 data
reset,$people 5 connection
hang,role=student 3 too long|time|late
cut-body,$people 5 body was cut short
cut-body,role=student,page=2 3 body was cut short
html-200,role=student,page=3 3 answered 200, but .* not JSON
repeat-page,$people 1 next page
backward-next,$people 1 next page
foreign-next,$people 1 next page
bad-utf8,$people 1 UTF-8
nul-byte,$people 1 not JSON
huge-string,$people 1 token longer than 1 MiB
deep,$people 1 deep|nest
missing-inner,$people 1 unusable, more than max_rejects
wrong-district 12 another district|other district
END

# ---- It can do without ---------------------------------------------------------------

while read -r name; do
    fault "$name"
    ok "$name: is no fault to us" cs run --full
    is "$name: all succeeds" "$(history 'DISTINCT Status')" Success
    kept "$name: nothing changes"
done <<END
status-500,$people,times=1
status-503,$people,times=2
storm-429,retry_after=0,$people,times=2
reset,$people,times=1
cut-body,$people,times=1
cut-body,$people,page=2,times=1
html-200,path=/events
status-500,path=/events
slow,ms=20
die-token,after=2
status-401,$people,times=1
short-page,rows=7,$people
bare-next,$people
duplicate-id,$people
END
fault empty-listing,$people
exits 20 "empty-listing: is held" cs run --full
kept "empty-listing: nothing is written"
heals empty-listing

# ---- One record is bad ------------------------------------------------------------

# Fault, records read, whose record it was, if that can be told, and what is said.
while read -r name count key said; do
    post "/lab/change?id=$far&field=last&value=Another" >"$out"
    fault "$name,role=student,page=1"
    exits 3 "$name: the record is set aside" cs run --full
    is "$name: and counted" "$(told 'Status, RecordsProcessed,
        RecordsFailed, RecordsUpdated')" "Partial|$count|1|1"
    is "$name: the rest is written" "$(sql "$one" "SELECT LastName
        FROM Students WHERE CleverStudentId = '$far'")" Another
    is "$name: nobody is lost" \
        "$(sql "$one" 'SELECT sum(IsActive) FROM Students')" 45
    is "$name: whose record it was is kept" "$(sql session \
        "SELECT EntityType, coalesce(CleverId, '-') FROM SyncReject")" \
        "Student|$key"
    sql session 'SELECT Reason FROM SyncReject' >"$dir/reason"
    like "$name: with the reason" "$dir/reason" "$said"
    is "$name: nothing from outside is repeated" "$(canary)" ""
    fault
    post "/lab/change?id=$far&field=last&value=Before" >"$out"
    ok "$name: without it a run is right" cs run
    is "$name: and no reject stays" \
        "$(sql session 'SELECT count(*) FROM SyncReject')" 0
    right "$name: each row is as in Clever"
done <<END
no-id 45 - id is missing
escaped-nul 45 $first U\+0000
lone-surrogate 45 $first surrogate
number-for-text 45 $first not text|no text
duplicate-differs 46 $first came twice
END
finish
