#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: 2026 the cleversync authors

# A school that is taken out, one that got another number, and a database whose
# people are not in Clever any more but are the school's.

. "${srcdir:-.}/tests/lib.sh"
requires curl sqlite3 jq
start_lab --schools 2 --students 30 --teachers 6
write_config <<'END'
[sync]
full_sync_day =
batch_size = 7
END
register
one=$(prefixes | sed -n 1p)
other=$(prefixes | sed -n 2p)
one_id=$(school_id "$one")
other_id=$(school_id "$other")
district=$(district_ids)

stamps() {
    sql "$one" 'SELECT DISTINCT CleverSchoolId, Cursor, LastSyncTimestamp
        FROM SyncState'
}

everything() {
    sqlite3 -readonly "$dir/session.db" .dump
    sqlite3 -readonly "$dir/$one.db" .dump
}

untouched() { # DESCRIPTION: since `everything >$dir/before`
    everything >"$dir/after"
    is "$1" "$(diff "$dir/before" "$dir/after" | head -n 3)" ""
}

busy() {
    [ "$(sql session "SELECT count(*) FROM SyncHistory
        WHERE Status = 'InProgress'")" -gt 0 ]
}

ok "two schools are filled" cs run

# ---- While a run has it ---------------------------------------------------------

fault "hang,role=student,school=$one_id"
"$CLEVERSYNC" --config "$config" run --full --school "$one_id" \
    >"$dir/run" 2>&1 </dev/null &
pid=$!
wait_for busy
run=$(history 'DISTINCT RunId')
for what in remove restamp adopt; do
    exits 11 "a school that a run has: no $what" cs school $what "$one_id" --yes
    like "and whose it is" "$err" "$run is busy with this school"
done
kill -TERM $pid
wait $pid
fault
ok "afterwards the next run goes on" cs run
for what in remove restamp adopt; do
    exits 2 "$what wants a school" cs school $what
    exits 2 "that there is" cs school $what nope --yes
done

# ---- restamp ----------------------------------------------------------------------

everything >"$dir/before"
ok "nothing is done to a stamp that is right" cs school restamp "$one_id" --yes
like "which is said" "$out" "stamped as school $one_id already"
untouched "nothing is written"
sqlite3 "$dir/$one.db" "UPDATE SyncState SET CleverSchoolId = 'number1'"
post "/lab/delete?id=$(person "$one" student 1)" >"$out"
gone=$(sql "$one" "SELECT count(*) FROM Students")
keep_rows "$one"
exits 7 "a school with another number is not synced" cs run --school "$one_id"
like "and it is said what may help" "$out" '"cleversync school restamp"'
everything >"$dir/before"
exits 7 "adopting is for databases without a stamp" \
    cs school adopt "$one_id" --yes
like "which is said" "$err" "\"cleversync school restamp $one_id\""
ok "restamping says what it found" cs school restamp "$one_id"
like "and what it would do" "$out" 'was stamped as school number1; it would be'
like "but not without a word" "$out" '^nothing is done without --yes$'
untouched "nothing is written"
ok "with it" cs school restamp "$one_id" --yes -o json
is "it is done" "$(jq -c '[.stamp, .changed]' "$out")" '["number1",true]'
is "and only the stamp and the place are new" "$(stamps)" "$one_id||"
kept "nobody is touched" "$one"
ok "the next run" cs run
like "says so" "$err" "school=$one_id entity=Student: .* by a person's word"
is "reads everything" "$(history 'DISTINCT SyncType' "SchoolPrefix = '$one' AND
    EntityType = 'Student'")" Full
is "and removes nobody" "$(sql "$one" 'SELECT sum(IsActive) FROM Students')" \
    "$gone"
ok "the one after it does" cs run --set sync.default_mode=full
right "and all is right" "$one"

# ---- adopt ------------------------------------------------------------------------

sqlite3 "$dir/$one.db" "DROP TABLE SyncState;
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 60)
    INSERT INTO Students (CleverStudentId, FirstName, LastName, CreatedAt,
        UpdatedAt, IsActive) SELECT 'stranger' || i, 'A', 'B', '2020', '2020', 1
        FROM n"
keep_rows "$one"
exits 7 "too few are in Clever" cs run --school "$one_id"
like "and it is said what may help" "$out" '"cleversync school adopt"'
everything >"$dir/before"
exits 7 "restamping is for databases with a stamp" \
    cs school restamp "$one_id" --yes
like "which is said" "$err" "\"cleversync school adopt $one_id\""
ok "adopting says how many people there are" cs school adopt "$one_id"
like "and what it would do" "$out" \
    "with $(sql "$one" "SELECT (SELECT sum(IsActive) FROM Students) +
    (SELECT sum(IsActive) FROM Teachers)") active rows, had no stamp; it would"
untouched "nothing is written"
ok "with a word on it" cs school adopt "$one_id" --yes
is "it is done" "$(stamps)" "$one_id||"
kept "nobody is touched" "$one"
ok "the next run, though asked to delete," cs run --full --school "$one_id"
is "removes nobody" "$(sql "$one" "SELECT sum(IsActive) FROM Students
    WHERE CleverStudentId LIKE 'stranger%'")" 60
exits 3 "from then on the guards decide" cs run --full --school "$one_id"
ok "it is adopted by now" cs school adopt "$one_id" --yes
like "which is said" "$out" 'already: nothing is done'

third=$dir/$other.db
mv "$third" "$dir/aside"
ok "an empty place" cs school adopt "$other_id" --yes
like "needs nobody's word" "$out" 'the next run fills it'
rm -f "$third"*
mv "$dir/aside" "$third"

# ---- remove -----------------------------------------------------------------------

everything >"$dir/before"
rows=$(sql session "SELECT count(*) FROM SyncHistory JOIN Schools
    USING (SchoolId) WHERE SchoolPrefix = '$one'")
ok "what would go is shown first" cs school remove "$one_id"
like "by how much it is" "$out" \
    "^school $one_id \($one, .*\) would be removed, and with it $rows rows of h"
like "and what keeps it" "$out" "without --yes; .* set $one_id --active no"
ok "for programs, too" cs school remove "$one_id" -o json
is "in numbers" "$(jq -c '[.removed, .history, .holds]' "$out")" \
    "[false,$rows,1]"
untouched "nothing is written"
sqlite3 "$dir/session.db" "INSERT INTO SyncReject VALUES ('a', (SELECT SchoolId
    FROM Schools WHERE SchoolPrefix = '$one'), 'Student', 'p1', 'x', 'r',
    '2026-01-01', '2026-01-02')"
sqlite3 -readonly "$dir/$one.db" .dump >"$dir/own"
others=$(sql session "SELECT count(*) FROM SyncHistory JOIN Schools
    USING (SchoolId) WHERE SchoolPrefix = '$other'")
ok "with a word on it" cs school remove "$one_id" --yes
like "it is done" "$out" "\) is removed, and with it $rows rows of history"
is "nothing of it is left" "$(for table in SyncHistory SyncChange SyncReject \
    SyncHold; do
    sql session "SELECT '$table' FROM $table WHERE SchoolId NOT IN
        (SELECT SchoolId FROM Schools)"
done; sql session "SELECT * FROM Schools WHERE SchoolPrefix = '$one'")" ""
is "but its own database" "$(sqlite3 -readonly "$dir/$one.db" .dump)" \
    "$(cat "$dir/own")"
is "and of the other school all" "$(sql session 'SELECT count(*)
    FROM SyncHistory')" "$others"
exits 2 "it is not there any more" cs school remove "$one_id" --yes
ok "the other one is synced" cs run
ok "and this one can come back" cs school add --id "$one_id" \
    --district "$district" --name One --prefix "$one"
exits 3 "to where its database was" cs run --full --school "$one_id"
ok "what another system noted of a school" sqlite3 "$dir/session.db" \
    "PRAGMA writable_schema = ON;
    UPDATE sqlite_schema SET sql = replace(sql,
        '\"SyncKey\" NVARCHAR(200) NOT NULL', '\"SyncKey\" NVARCHAR(200)')
        WHERE name = 'SyncHistory';
    PRAGMA writable_schema = RESET;
    UPDATE SyncHistory SET SyncKey = NULL WHERE SyncId = (SELECT max(SyncId)
        FROM SyncHistory)"
is "(it did)" "$(sql session 'SELECT count(*) FROM SyncHistory
    WHERE SyncKey IS NULL')" 1
everything >"$dir/before"
exits 7 "keeps it" cs school remove "$one_id" --yes
like "and it is said why" "$err" 'has 1 rows .* another system made: they stay'
untouched "with all that it has"
finish
