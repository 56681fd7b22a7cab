#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: 2026 the cleversync authors

# Databases of the system that was here before, of an older program and of a
# newer one: what they lack is said, shown and added when asked, and what is
# there stays.

. "${srcdir:-.}/tests/lib.sh"
requires curl sqlite3
start_lab --schools 3 --students 6 --teachers 2
write_config </dev/null
set -- $(prefixes)
one=$1 two=$2 three=$3
one_id=$(school_id "$one")
two_id=$(school_id "$two")
three_id=$(school_id "$three")
district=$(district_ids)

all_bytes() { # of these databases' tables
    for name; do
        sqlite3 -readonly "$dir/$name.db" .dump 2>&1
    done
}

versions() { # DATABASE: what is noted there
    sql "$1" "SELECT group_concat(Version) FROM (SELECT Version
        FROM SchemaVersion ORDER BY Version)"
}

states() { # of the last status: "session-1 applied,..." of one database
    awk -v name="$1" '$1 == name { printf "%s %s,", $3, $4 }' "$out"
}

# ---- As the system before left it ----------------------------------------------

sqlite3 "$dir/session.db" "PRAGMA journal_mode = WAL;
CREATE TABLE Districts (DistrictId INTEGER PRIMARY KEY AUTOINCREMENT,
    CleverDistrictId NVARCHAR(50) NOT NULL UNIQUE, Name NVARCHAR(200) NOT NULL,
    DistrictPrefix NVARCHAR(100) NOT NULL,
    CreatedAt TEXT NOT NULL, UpdatedAt TEXT NOT NULL);
CREATE TABLE Schools (SchoolId INTEGER PRIMARY KEY AUTOINCREMENT,
    DistrictId INTEGER NOT NULL REFERENCES Districts (DistrictId),
    CleverSchoolId NVARCHAR(50) NOT NULL UNIQUE, Name NVARCHAR(200) NOT NULL,
    DatabaseName NVARCHAR(100) NOT NULL, SchoolPrefix NVARCHAR(100) NOT NULL,
    KeyVaultConnectionStringSecretName NVARCHAR(200),
    IsActive BOOLEAN NOT NULL, CreatedAt TEXT NOT NULL, UpdatedAt TEXT NOT NULL,
    Motto TEXT);
CREATE TABLE SyncHistory (SyncId INTEGER PRIMARY KEY AUTOINCREMENT,
    SchoolId INTEGER NOT NULL REFERENCES Schools (SchoolId),
    EntityType NVARCHAR(50) NOT NULL, SyncType NVARCHAR(20) NOT NULL,
    SyncStartTime TEXT NOT NULL, SyncEndTime TEXT,
    Status NVARCHAR(20) NOT NULL, RecordsProcessed INTEGER NOT NULL,
    RecordsUpdated INTEGER NOT NULL, RecordsFailed INTEGER NOT NULL,
    ErrorMessage TEXT, LastSyncTimestamp TEXT);
INSERT INTO Districts (CleverDistrictId, Name, DistrictPrefix, CreatedAt,
    UpdatedAt) VALUES ('$district', 'Lab', 'Lab', '2025-01-01', '2025-01-01');
INSERT INTO Schools (DistrictId, CleverSchoolId, Name, DatabaseName,
    SchoolPrefix, IsActive, CreatedAt, UpdatedAt, Motto) VALUES
    (1, '$one_id', 'One', 'One', '$one', 1, '2025-01-01', '2025-01-01', 'On'),
    (1, '$two_id', 'Two', 'Two', '$two', 1, '2025-01-01', '2025-01-01', 'Up'),
    (1, '$three_id', 'Three', 'Three', '$three', 0, '2025-01-01',
        '2025-01-01', 'In');
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 40)
INSERT INTO SyncHistory (SchoolId, EntityType, SyncType, SyncStartTime, Status,
    RecordsProcessed, RecordsUpdated, RecordsFailed)
    SELECT 1 + i % 2, iif(i % 4 < 2, 'Student', 'Teacher'),
    iif(i % 3, 'Full', 'Incremental'),
    iif(i < 20, '2025-03-01T00:00:00.000Z',
        strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
    iif(i > 36, 'InProgress', 'Success'), 6, 6, 0 FROM n" >/dev/null
sqlite3 "$dir/$one.db" "CREATE TABLE Students (StudentId INTEGER PRIMARY KEY,
    CleverStudentId NVARCHAR(50) NOT NULL UNIQUE,
    FirstName NVARCHAR(100) NOT NULL, LastName NVARCHAR(60) NOT NULL,
    Email NVARCHAR(200), Grade NVARCHAR(32), StudentNumber NVARCHAR(50),
    LastModifiedInClever TEXT, CreatedAt TEXT, UpdatedAt TEXT,
    Locker INTEGER DEFAULT 7);
INSERT INTO Students (CleverStudentId, FirstName, LastName) VALUES
    ('$(person "$one" student 1)', 'A', 'B'),
    ('$(person "$one" student 2)', 'C', 'D')"
all_bytes session "$one" >"$dir/before"

exits 78 "such a session database is not used" cs run
like "and it is said what is missing" "$err" \
    'Districts in .* has no column KeyVaultSecretPrefix'
like "and what to do" "$err" '"cleversync db migrate" adds .* --sql'
exits 78 "db init alters nothing" cs db init
like "and says the same" "$err" 'cleversync db migrate.*KeyVaultSecretPrefix'
exits 22 "db status shows what is pending" cs db status
is "of the session database" "$(states session)" \
    "session-1 pending,session-2 pending,session-3 pending,"
like "the schools wait for it" "$err" "schools' databases come when"
ok "the SQL is shown" cs db migrate --sql
like "that of what is missing" "$out" 'ADD COLUMN "RequiresFullSync"'
like "be it ours or not" "$out" 'ADD COLUMN "LastEventId"'
unlike "not of what is there" "$out" 'EXISTS "(Districts|Schools|SyncHistory)"'
is "and nothing was touched" "$(all_bytes session "$one")" \
    "$(cat "$dir/before")"
cp "$out" "$dir/script.sql"

# ---- Run by hand ------------------------------------------------------------

cp "$dir/session.db" "$dir/kept.db"
sed 's/^CREATE TABLE .*"SyncHold"/oops/' "$dir/script.sql" >"$dir/bad.sql"
exits 1 "a script of which a step fails" sqlite3 -bail "$dir/session.db" \
    ".read $dir/bad.sql"
is "leaves nothing of that version" "$(versions session) $(sql session "SELECT
    count(*) FROM pragma_table_info('Schools')
    WHERE name = 'RequiresFullSync'")" "session-1 0"
rm -f "$dir"/session.db*
cp "$dir/kept.db" "$dir/session.db"
ok "the script can be run by hand" sqlite3 -bail "$dir/session.db" \
    ".read $dir/script.sql"
all_bytes session >"$dir/once"
exits 1 "but once" sqlite3 -bail "$dir/session.db" ".read $dir/script.sql"
is "which harms nothing" "$(all_bytes session)" "$(cat "$dir/once")"
exits 22 "db status knows" cs db status
is "that it was" "$(states session)" \
    "session-1 applied,session-2 applied,session-3 applied,"
like "and by whom" "$out" 'session-2 .*by hand'
rm -f "$dir"/session.db*
mv "$dir/kept.db" "$dir/session.db"

# ---- Migrated ---------------------------------------------------------------

mkdir "$dir/$two.db"
exits 3 "a school that fails does not stop the others" cs db migrate
like "it is named" "$err" "^cleversync: $two: .* is a directory"
rmdir "$dir/$two.db"
is "the session database has all versions" "$(versions session)" \
    session-1,session-2,session-3
is "and the first school" "$(versions "$one")" Students-1,Teachers-1,school-1
is "an inactive school is left alone" "$(ls "$dir" | grep -c "^$three")" 0
is "what was there stays" "$(sql session "SELECT count(*), min(Motto),
    sum(RequiresFullSync) FROM Schools;
    SELECT count(*), count(SyncKey), sum(RecordsInserted) FROM SyncHistory")" \
    "3|In|0
40|0|0"
is "in a school, too" "$(sql "$one" "SELECT count(*), sum(Locker),
    sum(IsActive) FROM Students")" "2|14|2"
is "lengths are as they were" "$(sql "$one" "SELECT type FROM
    pragma_table_info('Students') WHERE name = 'LastName'")" "NVARCHAR(60)"
ok "the second school is migrated alone" cs db migrate --school "$two_id"
is "and nothing else" "$(awk 'NR > 1 { print $1 }' "$out" | sort -u)" "$two"
all_bytes session "$one" "$two" >"$dir/before"
ok "once more" cs db migrate
like "changes nothing" "$out" '^everything is up to date'
is "not a byte" "$(all_bytes session "$one" "$two")" "$(cat "$dir/before")"
ok "db status is content" cs db status
is "with the session database" "$(states session)" \
    "session-1 applied,session-2 applied,session-3 applied,"
is "and with a school" "$(states "$one")" \
    "school-1 applied,Students-1 applied,Teachers-1 applied,"
ok "also for programs" cs db status -o json
is "with types" "$(sqlite3 :memory: "SELECT json_extract(d, '\$.code'),
    json_array_length(d, '\$.versions'),
    json_extract(d, '\$.versions[3].school_id'),
    json_extract(d, '\$.versions[3].state')
    FROM (SELECT readfile('$out') AS d)")" "0|9|$one_id|applied"
exits 2 "a school that is not there is a mistake" cs db status --school nope

ok "scripts, too, are for programs" cs db migrate --sql -o json
is "even if there is nothing to run" "$(sqlite3 :memory: \
    "SELECT json_extract(readfile('$out'), '\$.code', '\$.versions')")" \
    '[0,[]]'

# Nothing is known of a table by whom it was made, and it has all columns.
sqlite3 "$dir/$two.db" 'DROP TABLE SchemaVersion'
ok "the first run with what was there" cs run
right "brings in all that is in Clever" "$one" "$two"
is "tables that were complete are not touched" "$(sql "$two" "SELECT count(*)
    FROM sqlite_schema WHERE name = 'SchemaVersion'")" 0
is "history of before stays as it was" "$(sql session "SELECT count(*)
    FROM SyncHistory WHERE SyncKey IS NULL AND (Status = 'InProgress') =
    (SyncId > 36)")" 40
ok "history shows both" cs history --limit 100
is "all of it" "$(grep -c 'Success\|InProgress' "$out")" \
    "$(sql session 'SELECT count(*) FROM SyncHistory')"
ok "and so does status" cs status
ok "the next run" cs run
right "still has it right" "$one" "$two"
ok "migrating later" cs db migrate
is "only makes a note" "$(versions "$two")" Students-1,Teachers-1,school-1

sqlite3 "$dir/session.db" 'DELETE FROM SyncHistory WHERE SyncKey IS NOT NULL'
ok "on the day of the full sync" cs run --school "$one_id" \
    --set sync.full_sync_day="$(date +%A | tr '[:upper:]' '[:lower:]')"
is "that of the other system does not count" "$(history 'DISTINCT SyncType' \
    "EntityType <> 'Event'")" Full

# ---- During a sync ----------------------------------------------------------

ok "a new school" cs school set "$three_id" --active yes
ok "gets its tables with its first sync" cs run --school "$three_id"
like "which is in the log" "$err" 'had no table Students; it is made'
is "and noted" "$(versions "$three")" Students-1,Teachers-1,school-1
sqlite3 "$dir/$one.db" "ALTER TABLE Students DROP COLUMN Grade"
keep_rows "$one"
exits 78 "a table that lacks a column stops its school" \
    cs run --school "$one_id"
like "and says what to do" "$out" \
    "cleversync db migrate --school $one_id.*has no column Grade"
kept "nothing is altered" "$one"
exits 22 "db status shows it" cs db status --school "$one_id"
is "as lost" "$(states "$one")" \
    "school-1 applied,Students-1 lost,Teachers-1 applied,"
ok "db migrate adds it" cs db migrate --school "$one_id"
ok "and the next sync" cs run --school "$one_id" --full
right "fills it" "$one"

sqlite3 "$dir/$one.db" "INSERT INTO SchemaVersion VALUES ('school-2', 'x', '',
    'cleversync 9'), ('Students-2', 'y', '', 'cleversync 9')"
keep_rows "$one"
post "/lab/change?id=$(person "$one" student 1)&field=last&value=Later" >"$out"
exits 78 "a newer database is refused" cs run --school "$one_id"
like "with its version and who made it" "$out" \
    'version school-2, made by cleversync 9; this program is older'
kept "before anything is written" "$one"
exits 78 "db migrate refuses it" cs db migrate --school "$one_id"
exits 78 "and db status shows it" cs db status --school "$one_id"
is "as newer" "$(states "$one")" \
    "school-1 applied,school-2 newer,Students-2 newer,Teachers-1 applied,"
sqlite3 "$dir/$one.db" "DELETE FROM SchemaVersion WHERE AppliedBy LIKE '%9'"
ok "otherwise it is used" cs run --school "$one_id"

sqlite3 "$dir/session.db" \
    "INSERT INTO SchemaVersion VALUES ('session-4', 'x', '', 'cleversync 9')"
exits 78 "a newer session database is refused" cs school list
like "with its version" "$err" 'version session-4, made by cleversync 9'
sqlite3 "$dir/session.db" "DELETE FROM SchemaVersion
    WHERE Version = 'session-4';
    UPDATE SchemaVersion SET Checksum = 'x' WHERE Version = 'session-2'"
exits 78 "so is one of another making" cs db migrate
like "with its version" "$err" 'version session-2 is not what this program'

# ---- Two at once ------------------------------------------------------------

sqlite3 "$dir/session.db" "DELETE FROM SchemaVersion"
for name in "$one" "$two" "$three"; do
    sqlite3 "$dir/$name.db" "DELETE FROM SchemaVersion"
done
for turn in 1 2 3 4; do
    cs db migrate >"$dir/out.$turn" 2>&1 </dev/null &
    eval "pid$turn=\$!"
done
codes=
for turn in 1 2 3 4; do
    eval "wait \$pid$turn"
    codes="$codes $?"
done
is "four migrators at once end well" "$codes" " 0 0 0 0"
is "each version is noted once" "$(for name in session "$one" "$two" "$three"; do
    versions "$name"
done)" "session-1,session-2,session-3
Students-1,Teachers-1,school-1
Students-1,Teachers-1,school-1
Students-1,Teachers-1,school-1"
rm -f "$dir"/session.db*
for turn in 1 2; do
    cs db init >"$dir/out.$turn" 2>&1 </dev/null &
    eval "pid$turn=\$!"
done
# shellcheck disable=SC2154 # set by eval
wait "$pid1"
codes=$?
# shellcheck disable=SC2154
wait "$pid2"
is "so do two who begin from nothing" "$codes $?" "0 0"
is "with one result" "$(versions session)" \
    session-1,session-2,session-3
ok "which is whole" cs district list
finish
