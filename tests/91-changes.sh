#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: 2026 the cleversync authors

# The log of changes says what every sync did to whom and why, and never what
# is known of anybody; old rows of the session database are forgotten.

. "${srcdir:-.}/tests/lib.sh"
requires curl sqlite3 jq
start_lab --schools 2 --students 30 --teachers 4
write_config <<'END'
[sync]
full_sync_day =
batch_size = 7
END
register
one=$(prefixes | sed -n 1p)
other=$(prefixes | sed -n 2p)
one_id=$(school_id "$one")

latest() { # COLUMNS: of the latest run's changes in the first school
    sql session "SELECT $1 FROM SyncChange JOIN Schools USING (SchoolId)
        WHERE SchoolPrefix = '$one' AND RunId = (SELECT RunId FROM SyncHistory
            ORDER BY SyncId DESC LIMIT 1) ORDER BY ChangeId"
}

about() { # ID: what is said of this person, newest first
    cs changes --id "$1" -o json | jq -r '.changes[] |
        "\(.entity) \(.change) \(.why) \(.columns | join(","))"'
}

ok "nothing is known before the first run" cs changes
like "and it says so" "$out" '^no change is known$'
ok "the first run" cs run
is "notes each person of both schools once" "$(sql session "SELECT SchoolPrefix,
    EntityType, Change, Why, ChangedColumns, CleverId FROM SyncChange
    JOIN Schools USING (SchoolId)" | sort)" "$(for school in "$one" "$other"; do
    sql "$school" "SELECT '$school', 'Student', 'insert', 'listing', NULL,
        CleverStudentId FROM Students UNION ALL SELECT '$school', 'Teacher',
        'insert', 'listing', NULL, CleverTeacherId FROM Teachers"
done | sort)"
first=$(sql session 'SELECT count(*) FROM SyncChange')
is "which is more than a batch" "$((first > 60))" 1
is "with the run that the history has" "$(sql session "SELECT count(*)
    FROM SyncChange WHERE RunId NOT IN (SELECT RunId FROM SyncHistory)")" 0
ok "an unchanged run" cs run
is "notes nothing" "$(sql session 'SELECT count(*) FROM SyncChange')" "$first"

# ---- By events --------------------------------------------------------------

pupil=$(person "$one" student 1)
mover=$(person "$one" student 2)
gone=$(person "$one" student 3)
lost=$(person "$one" student 4)
post "/lab/change?id=$pupil&field=last&value=Canary" >"$out"
post "/lab/delete?id=$gone" >"$out"
post "/lab/move?id=$mover&school=$(school_id "$other")" >"$out"
ok "a run by events" cs run
is "notes who changed and who left" "$(latest 'CleverId, Change, Why,
    ChangedColumns' | sort)" "$(printf '%s\n' \
    "$pupil|update|feed|LastName" "$gone|deactivate|feed|" \
    "$mover|deactivate|feed|" | sort)"
is "and who came to the other school" "$(about "$mover" | sort)" \
    "$(printf '%s\n' 'Student deactivate feed ' 'Student insert feed ' \
    'Student insert listing ')"
post "/lab/restore?id=$gone" >"$out"
post "/lab/change?id=$gone&field=first&value=Canary" >"$out"
ok "somebody comes back, changed" cs run
is "which is a restoring" "$(about "$gone" | head -n 1)" \
    "Student restore feed FirstName"
is "after all that was before" "$(about "$gone" | sed 1d | tr '\n' ';')" \
    "Student deactivate feed ;Student insert listing ;"
right "all is right"

# ---- By listings ------------------------------------------------------------

post "/lab/delete?id=$lost" >"$out"
sqlite3 "$dir/$one.db" "UPDATE Students SET Grade = 'x', LastName = 'y'
    WHERE CleverStudentId = '$pupil'"
ok "a full sync that nobody asked for" cs run --set sync.default_mode=full
is "by the listing" "$(latest "CleverId || ' ' || Change || ' ' || Why || ' ' ||
    coalesce(ChangedColumns, '')" | sort)" "$(printf '%s\n' \
    "$lost deactivate listing " "$pupil update listing LastName Grade" | sort)"
ok "one that somebody asked for" cs run --full
is "deletes" "$(latest 'CleverId, Change, Why' | sort)" "$(printf '%s\n' \
    "$lost|delete|listing" "$mover|delete|listing" | sort)"
for n in $(seq 1 14); do
    person "$one" student "$n"
done >"$dir/leaving"
while read -r id; do
    post "/lab/delete?id=$id" >"$out"
done <"$dir/leaving"
exits 3 "what a guard holds" cs run --full
is "is not noted" "$(latest 'count(*)')" 0
cs approve "$(cs holds -o json | jq -r '.holds[0].hold')" --by Ada >"$out"
ok "what is approved" cs run --full
is "is, as that" "$(latest 'Change, Why, count(*)')" "delete|approval|14"
is "of exactly these" "$(latest CleverId | sort)" "$(sort "$dir/leaving")"

# A row that something else needs is deactivated instead.
needed=$(person "$one" student 1)
sqlite3 "$dir/$one.db" "CREATE TABLE Lockers (Id TEXT
    REFERENCES Students (CleverStudentId)); INSERT INTO Lockers VALUES ('$needed')"
post "/lab/delete?id=$needed" >"$out"
ok "what cannot be deleted" cs run --full
is "is noted as what it became" "$(latest 'CleverId, Change')" \
    "$needed|deactivate"

is "no value is anywhere in it" "$(sqlite3 -readonly "$dir/session.db" .dump |
    grep -c Canary)" 0

# ---- Asking -----------------------------------------------------------------

ok "the log is a table" cs changes --id "$pupil"
like "newest first" "$out" "$one_id|$pupil +update +listing .* LastName Grade"
ok "as much as is asked for" cs changes --limit 3 -o json
is "and it says that there is more" "$(jq -c '[(.changes | length), .more]' \
    "$out")" '[3,true]'
ok "a person sees that, too" cs changes --limit 3
like "on standard error" "$err" '^cleversync: there are older ones: --limit'
ok "one school" cs changes --school "$one_id" --limit 500 -o json
is "is that alone" "$(jq -c '[([.changes[].school_id] | unique), .more]' \
    "$out")" "[[\"$one_id\"],false]"
is "all of it" "$(jq '.changes | length' "$out")" "$(sql session \
    "SELECT count(*) FROM SyncChange WHERE SchoolId = (SELECT SchoolId
    FROM Schools WHERE SchoolPrefix = '$one')")"
day=$(date -u -d '10 days ago' +%Y-%m-%d)
sqlite3 "$dir/session.db" "UPDATE SyncChange SET ChangedAt =
    '${day}T04:05:06.789Z' WHERE ChangeId <= $first"
all=$(sql session 'SELECT count(*) FROM SyncChange')
for since in 1d 24h "$(date -u +%Y-%m-%d)" "${day}T04:05:06.790Z"; do
    is "since $since" "$(cs changes --since "$since" --limit 500 -o json |
        jq '.changes | length')" $((all - first))
done
for since in 11d "$day" "$day 04:05:06.789"; do
    is "since $since" "$(cs changes --since "$since" --limit 500 -o json |
        jq '.changes | length')" "$all"
done
for since in yesterday 0d 99999d 1w 2026-13-01 2026-02 ''; do
    exits 2 "since \"$since\" is nothing" cs changes --since "$since"
done
exits 2 "a name is no id" cs changes --id 'Jane Doe'
unlike "and is not repeated" "$err" Jane
exits 2 "a school has to be one" cs changes --school nope
ok "of nobody there is nothing" cs changes --id nobody
like "which is said" "$out" '^no change is known$'

# ---- When it cannot be written ------------------------------------------------

sqlite3 "$dir/session.db" "CREATE TRIGGER no BEFORE INSERT ON SyncChange
    BEGIN SELECT RAISE(ABORT, 'no'); END"
post "/lab/change?id=$(person "$one" student 5)&field=last&value=New" >"$out"
before=$(sql session 'SELECT count(*) FROM SyncChange')
ok "without its log a sync is as good" cs run
like "but it is said" "$err" \
    'school=.* entity=Student: 1 changes were made, but could not be logged'
right "all is right" "$other"
sqlite3 "$dir/session.db" 'DROP TRIGGER no'
ok "the next run" cs run
is "does not know of it any more" "$(sql session 'SELECT count(*)
    FROM SyncChange')" "$before"

# ---- Forgetting -------------------------------------------------------------

exits 78 "history has to be kept for a day" cs run \
    --set history.retention_days=0
ok "a run" cs run
is "leaves what is not too old" "$(sql session "SELECT count(*) = $before
    FROM SyncChange")" 1
sqlite3 "$dir/session.db" "
    UPDATE SyncChange SET ChangedAt = '2020-02-03T04:05:06.789Z'
        WHERE ChangeId <= $first;
    UPDATE SyncHistory SET SyncStartTime = '2020-02-03T04:05:06.789Z';
    INSERT INTO SyncReject VALUES ('a', 1, 'Student', 'p1', 'x', 'r',
        '2020-01-01T00:00:00.000Z', '2020-01-02T00:00:00.000Z'), ('b', 1,
        'Student', 'p2', 'x', 'r', '2020-01-01T00:00:00.000Z',
        strftime('%Y-%m-%dT%H:%M:%fZ', 'now'));
    UPDATE SyncHold SET ExpiresAt = '2020-01-01T00:00:00.000Z'"
newest=$(sql session 'SELECT max(SyncId) FROM SyncHistory
    GROUP BY SchoolId, EntityType ORDER BY 1')
sql session 'SELECT * FROM SyncHold' >"$dir/holds"
is "there was a hold" "$(wc -l <"$dir/holds")" 1
keep_rows
state=$(for school in "$one" "$other"; do
    sql "$school" 'SELECT Entity, Cursor IS NULL FROM SyncState'
done)
ok "a run of the other school" cs run --school "$(school_id "$other")"
is "forgets changes that are too old" "$(sql session "SELECT count(*)
    FROM SyncChange WHERE ChangedAt < '2021'")" 0
is "and only these" "$(sql session 'SELECT count(*) FROM SyncChange')" \
    $((before - first))
is "of the history all but the newest of each kind that nothing succeeds" \
    "$(sql session "SELECT count(*) FROM SyncHistory WHERE SyncStartTime < '2021'
    AND SyncId NOT IN ($(echo $newest | tr ' ' ','))")" 0
is "which stay" "$(sql session "SELECT count(*) FROM SyncHistory
    WHERE SyncStartTime < '2021' AND SchoolId = (SELECT SchoolId FROM Schools
    WHERE SchoolPrefix = '$one')")" 4
is "rejects that no run has met since" "$(sql session "SELECT
    group_concat(RejectKey) FROM SyncReject")" b
is "holds that are long past" "$(sql session 'SELECT count(*)
    FROM SyncHold')" 0
kept "nobody's row is touched"
is "nor any state" "$(for school in "$one" "$other"; do
    sql "$school" 'SELECT Entity, Cursor IS NULL FROM SyncState'
done)" "$state"
finish
