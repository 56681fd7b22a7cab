#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: 2026 the cleversync authors

# A dry run shows what would change, by key, and touches nothing; what it shows
# is what the next run does.

. "${srcdir:-.}/tests/lib.sh"
requires curl sqlite3
start_lab --schools 2 --students 30 --teachers 5
write_config <<'END'
[sync]
full_sync_day =
END
register
set -- $(prefixes)
one=$1 two=$2
one_id=$(school_id "$one")

files() { # what there is but for what tests themselves write, and its bytes
    find "$dir" -name '*.db*' ! -name '*-shm' ! -name '*-lock' -type f \
        -size +0 -exec sha256sum {} + | sort -k 2
}

json() { # QUERY: of the plan's rows op, school, entity, key, columns
    sqlite3 :memory: "SELECT $1 FROM (SELECT
        json_extract(p.value, '\$.school_id') AS school,
        json_extract(p.value, '\$.entity') AS entity,
        json_extract(c.value, '\$.op') AS op,
        json_extract(c.value, '\$.key') AS key,
        json_extract(c.value, '\$.columns') AS columns
        FROM json_each(readfile('$out'), '\$.plan') AS p,
        json_each(p.value, '\$.changes') AS c)"
}

# ---- Nothing is there yet -------------------------------------------------------

files >"$dir/files"
ok "a plan of the first sync" cs plan
is "makes no file and writes nothing" "$(files)" "$(cat "$dir/files")"
is "shows each person as an insert" "$(grep -c '^  + [0-9a-f]\{24\}$' "$out")" 72
like "and the sum" "$out" '72 rows would change \(dry run'
ok "run --dry-run" cs run --dry-run
is "is the same" "$(grep -c '^  + [0-9a-f]\{24\}$' "$out")" 72
is "makes no file and writes nothing" "$(files)" "$(cat "$dir/files")"
is "no database of a school is there" "$(ls "$dir" | grep -c "^$one")" 0
is "no history is" "$(sql session 'SELECT count(*) FROM SyncHistory')" 0
exits 2 "values are shown by a dry run only" cs run --show-values
like "which is said" "$err" 'show-values goes with --dry-run'
ok "for programs" cs run --dry-run -o json
is "there are the same inserts" "$(json "count(*), count(DISTINCT op),
    min(op), sum(columns IS NULL)")" "72|1|insert|72"
# Twins: neither is written, so neither is planned.
fault "duplicate-differs,role=student,school=$one_id"
exits 3 "a plan sees what a run would set aside" cs plan
like "and says so" "$out" "$one Student: 1 record was set aside"
is "without planning it" "$(grep -c '^  + [0-9a-f]\{24\}$' "$out")" 71
like "or counting it" "$out" '71 rows would change'
is "it leaves no reject behind" \
    "$(sql session 'SELECT count(*) FROM SyncReject')" 0
fault
ok "the run" cs run
like "does the same" "$out" '72 rows changed'

# ---- Changes ------------------------------------------------------------------

gone=$(person "$one" student 3)
changed=$(person "$one" student 4)
teacher=$(person "$two" teacher 2)
back=$(person "$two" student 5)
post "/lab/delete?id=$back" >"$out"
ok "somebody leaves" cs run --full --set sync.delete=soft
post "/lab/restore?id=$back" >"$out"
post "/lab/delete?id=$gone" >"$out"
post "/lab/change?id=$changed&field=first&value=Zaphod" >"$out"
post "/lab/change?id=$changed&field=grade&value=Ungraded" >"$out"
post "/lab/change?id=$teacher&field=title&value=Dr." >"$out"
new=$(post "/lab/add?school=$one_id&role=student")

files >"$dir/files"
ok "a plan of changes" cs plan --full
cat >"$dir/wanted" <<END
$one Student
  + $new
  * $changed FirstName Grade
  - $gone delete
$two Student
  ^ $back
$two Teacher
  * $teacher Title
END
sort "$dir/wanted" >"$dir/sorted"
is "names each and its columns, and no value" \
    "$(sed '/^SCHOOL/,$d' "$out" | sort)" "$(cat "$dir/sorted")"
like "says so in the sum" "$out" '5 rows would change \(dry run, nothing was'
unlike "shows no value" "$out" 'Zaphod|Ungraded|Dr\.'
is "writes nothing" "$(files)" "$(cat "$dir/files")"
ok "for programs" cs plan --full -o json --show-values
is "it is the same" "$(json "op, key, columns" | sort)" "delete|$gone|
insert|$new|
restore|$back|
update|$changed|[\"FirstName\",\"Grade\"]
update|$teacher|[\"Title\"]"
unlike "and has no values even if asked" "$out" 'Zaphod|Ungraded|Dr\.'
is "each is listed under its school" "$(json "school" | sort | uniq -c |
    sed 's/^ *//')" "3 $one_id
2 $(school_id "$two")"
ok "with values" cs plan --full --show-values
like "they are shown, old and new" "$out" "\\* $changed.*->\"Zaphod\""
like "of all columns that change" "$out" "\\* $changed.*->\"Ungraded\""
like "and of who is new" "$out" "\\+ $new.* LastName="
ok "run --dry-run --full" cs run --full --dry-run
is "is the plan" "$(sed '/^SCHOOL/,$d' "$out" | sort)" \
    "$(cat "$dir/sorted")"
ok "with delete = soft" cs plan --full --set sync.delete=soft
like "who leaves is deactivated" "$out" "^  - $gone deactivate"
ok "one school" cs plan --full --school "$one_id"
unlike "is planned alone" "$out" "$two|$back"
is "nothing was written by all of this" "$(files)" "$(cat "$dir/files")"

ok "a plan of changes" cs plan --full -o json
planned=$(json "sum(op = 'insert'), sum(op IN ('update', 'restore')),
    sum(op = 'delete')")
ok "the run" cs run --full
is "does what was planned" "$(history 'sum(RecordsInserted),
    sum(RecordsUpdated) - sum(RecordsInserted), sum(RecordsDeleted)')" \
    "$planned"
right "and all is right"
ok "then a plan" cs plan --full
like "is empty" "$out" 'nothing would change'

# ---- What would be held -----------------------------------------------------------

fault empty-listing,path=/users
exits 20 "a plan meets the guards" cs plan --full
like "and says what they hold" "$out" 'Clever lists nobody'
unlike "instead of planning it" "$out" ' delete$'
fault status-500,path=/users
exits 5 "a plan that cannot read" cs plan --full \
    --set retry.clever_api_max_attempts=0
is "writes no history" "$(history 'count(*)' "Status <> 'Success'")" 0
fault
finish
