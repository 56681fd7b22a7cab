#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: 2026 the cleversync authors

# Who has been inactive for long can be deleted for good: shown first, nobody
# else, all of a table or nothing.

. "${srcdir:-.}/tests/lib.sh"
requires curl sqlite3 jq
start_lab --schools 2 --students 30 --teachers 6
write_config <<'END'
[sync]
full_sync_day =
batch_size = 3
END
register
one=$(prefixes | sed -n 1p)
other=$(prefixes | sed -n 2p)
one_id=$(school_id "$one")

age() { # PREFIX TABLE FROM COUNT DATE: these rows are inactive since
    sqlite3 "$dir/$1.db" "UPDATE $2 SET IsActive = 0, DeactivatedAt = $5
        WHERE rowid IN (SELECT rowid FROM $2 ORDER BY rowid LIMIT $4 OFFSET $3 - 1)"
}

keys() { # PREFIX TABLE CONDITION
    sql "$1" "SELECT Clever${2%s}Id FROM $2 WHERE $3 ORDER BY 1"
}

purge() {
    cs purge --older-than 365d "$@"
}

exits 2 "it has to be said how old" cs purge
for days in 0 99999 x 1h '' -1; do
    exits 2 "\"$days\" days are none" cs purge --older-than="$days"
done
exits 2 "a school has to be one" purge --school nope
ok "before the first run there is nobody" purge
is "and no database is made" "$(ls "$dir" | grep -c "^$one")" 0
ok "the schools are filled" cs run
ok "nobody is inactive" purge --yes
age "$one" Students 1 7 "'2024-01-31T02:03:04.567Z'"
age "$one" Students 8 3 "strftime('%Y-%m-%dT%H:%M:%fZ', 'now', '-364 days')"
age "$one" Students 11 2 NULL
age "$other" Students 1 1 "'2024-01-31T02:03:04.567Z'"
age "$one" Teachers 1 1 "'2024-01-31T02:03:04.567Z'"
sqlite3 "$dir/$one.db" "UPDATE Students SET IsActive = 1 WHERE rowid = (SELECT
    rowid FROM Students ORDER BY rowid LIMIT 1 OFFSET 6)"
old=$(keys "$one" Students "IsActive = 0 AND DeactivatedAt < '2025'")
is "six are inactive for years" "$(echo "$old" | wc -l)" 6
total=$(sql "$one" 'SELECT count(*) FROM Students')

# ---- Shown --------------------------------------------------------------------

keep_rows
changes=$(sql session 'SELECT count(*) FROM SyncChange')
ok "they are shown first" purge
like "with how many there are" "$out" "^$one Student: 6 of $total rows\$"
is "by their keys" "$(sed -n "/^$one Student/,/^[^ ]/s/^  //p" "$out" | sort)" \
    "$old"
like "and that nothing was done" "$out" '^nothing is deleted without --yes$'
ok "for programs, too" purge -o json
is "with keys" "$(jq -r '.tables[] | select(.school_id == "'"$one_id"'" and
    .entity == "Student") | .keys[]' "$out" | sort)" "$old"
is "and what was done" "$(jq -c '[.purged, .code,
    ([.tables[].deleted] | add)]' "$out")" '[false,0,0]'
kept "nobody is deleted by looking"

# ---- Deleted --------------------------------------------------------------------

ok "one school's are deleted" purge --school "$one_id" --yes
like "and counted" "$out" "^$one Student: 6 of $total rows deleted\$"
is "they are gone" "$(sql "$one" 'SELECT count(*) FROM Students')" \
    $((total - 6))
is "all of them" "$(keys "$one" Students \
    "IsActive = 0 AND DeactivatedAt < '2025'")" ''
is "teachers, too" "$(keys "$one" Teachers 'IsActive = 0')" ''
is "who is inactive for less stays, as does who is for nobody knows how long" \
    "$(sql "$one" 'SELECT count(*) FROM Students WHERE IsActive = 0')" 5
is "and the other school" "$(sql "$other" 'SELECT count(*) FROM Students
    WHERE IsActive = 0')" 1
is "it is in the log of changes" "$(sql session "SELECT CleverId FROM SyncChange
    WHERE Change = 'delete' AND Why = 'purge' AND EntityType = 'Student'
    ORDER BY 1")" "$old"
is "with nothing else" "$(sql session 'SELECT count(*) FROM SyncChange')" \
    $((changes + 7))
ok "once more" purge --school "$one_id" --yes
like "there is nobody" "$out" "^$one Student: 0 of "
ok "the next full sync" cs run --set sync.default_mode=full
right "brings back who is in Clever"

# ---- Guarded --------------------------------------------------------------------

half=$(sql "$one" 'SELECT count(*) / 2 + 1 FROM Students')
age "$one" Students 1 "$half" "'2024-01-31T02:03:04.567Z'"
keep_rows
ok "more than half of a table" purge --school "$one_id"
like "is said when it is only shown" "$out" \
    "^$one Student: $half of .* rows, more than half: only with --even-most$"
exits 20 "is too much" purge --school "$one_id" --yes -o json
is "which is said" "$(jq -c '[.purged, ([.tables[] | select(.guarded).entity]),
    ([.tables[] | select(.done).entity] | sort)]' "$out")" \
    '[false,["Student"],["Student","Teacher"]]'
kept "nobody is deleted"
age "$one" Teachers 1 1 "'2024-01-31T02:03:04.567Z'"
exits 20 "another table" purge --school "$one_id" --yes
like "is not held up" "$out" "^$one Teacher: 1 of .* rows deleted\$"
like "by the one that is" "$err" "^cleversync: $one: $half of .* more than half"
is "whose rows stay" "$(sql "$one" 'SELECT count(*) FROM Students
    WHERE IsActive = 0')" "$half"
exits 3 "another school's are deleted beside it" purge --yes
is "which is noted" "$(sql "$other" 'SELECT count(*) FROM Students
    WHERE IsActive = 0')" 0
needed=$(keys "$one" Students 'IsActive = 0' | sed -n 2p)
sqlite3 "$dir/$one.db" "CREATE TABLE Lockers (Id TEXT
    REFERENCES Students (CleverStudentId));
    INSERT INTO Lockers VALUES ('$needed')"
ok "with a word on it, it is done" purge --school "$one_id" --yes --even-most
is "but for who is needed" "$(keys "$one" Students 'IsActive = 0')" "$needed"
like "and that is said" "$out" \
    "$((half - 1)) of .* deleted, 1 kept because others need them"
sqlite3 "$dir/$one.db" 'DROP TABLE Lockers'

# All or nothing.
age "$one" Students 1 5 "'2024-01-31T02:03:04.567Z'"
last=$(keys "$one" Students 'IsActive = 0' | tail -n 1)
sqlite3 "$dir/$one.db" "CREATE TRIGGER trap AFTER DELETE ON Students
    WHEN old.CleverStudentId = '$last' BEGIN SELECT json('no'); END"
keep_rows
exits 1 "what breaks in the middle" purge --school "$one_id" --yes
kept "is undone"
sqlite3 "$dir/$one.db" 'DROP TRIGGER trap'

# ---- Whose it is ------------------------------------------------------------------

sqlite3 "$dir/$one.db" "UPDATE SyncState SET CleverSchoolId = 'stranger'"
exits 7 "another school's database is not touched" \
    purge --school "$one_id" --yes
sqlite3 "$dir/$one.db" 'DELETE FROM SyncState'
exits 7 "nor one without a stamp" purge --school "$one_id" --yes
like "which is said" "$err" 'carries no stamp for Student'
like "with what was left out" "$out" "^$one Teacher: nothing was done\$"
kept "nobody is deleted"

fault "hang,role=student,school=$(school_id "$other")"
"$CLEVERSYNC" --config "$config" run --full --school "$(school_id "$other")" \
    >"$dir/run" 2>&1 </dev/null &
pid=$!
busy() {
    [ "$(sql session "SELECT count(*) FROM SyncHistory
        WHERE Status = 'InProgress'")" -gt 0 ]
}
wait_for busy
exits 11 "a school that a run has is busy" \
    purge --school "$(school_id "$other")" --yes
ok "but can be looked at" purge --school "$(school_id "$other")"
kill -TERM $pid
wait $pid
finish
