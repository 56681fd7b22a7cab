#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: 2026 the cleversync authors

# The full sync: every school exactly as in Clever, nothing written twice, who
# left is gone, who is back is back; and which schools a run is about.

. "${srcdir:-.}/tests/lib.sh"
requires curl sqlite3
start_lab --schools 3 --students 45 --teachers 6
write_config <<'END'
[sync]
full_sync_day =
END
register
set -- $(prefixes)
one=$1 two=$2 three=$3
one_id=$(school_id "$one")
today=$(date -u +%A | tr '[:upper:]' '[:lower:]')

people() { # PREFIX: how many it stores, active and not
    sql "$1" "SELECT sum(IsActive), sum(NOT IsActive) FROM
        (SELECT IsActive FROM Students UNION ALL
         SELECT IsActive FROM Teachers)"
}

stored() { # PREFIX KEY: is this student active, 1 or 0; nothing: not there
    sql "$1" "SELECT IsActive FROM Students WHERE CleverStudentId = '$2'"
}

# ---- The first time -----------------------------------------------------------

ok "the first run is a full one" cs run
right "every school is exactly as in Clever"
is "the history has students, teachers and the baseline of each school" \
    "$(history "EntityType, SyncType, Status, RecordsProcessed,
        RecordsInserted, RecordsUpdated, RecordsFailed, RecordsDeleted" \
        "SchoolPrefix = '$one'")" "Student|Full|Success|45|45|45|0|0
Teacher|Full|Success|6|6|6|0|0
Baseline|Full|Success|0|0|0|0|0"
is "it tells beginning, end and no fault" "$(history 'count(*)' \
    "SyncEndTime >= SyncStartTime AND LastSyncTimestamp <= SyncStartTime
     AND ErrorMessage IS NULL")" 9
is "the baseline is an event of the feed" "$(history \
    'count(DISTINCT LastEventId)' "length(LastEventId) = 24")" 1
is "the state is in the school's own database, with its stamp" \
    "$(sql "$one" "SELECT Entity FROM SyncState WHERE
        CleverSchoolId = '$one_id' AND LastSyncTimestamp IS NOT NULL AND
        Cursor = '$(history 'DISTINCT LastEventId')' ORDER BY 1")" \
    "Student
Teacher"
is "state and history name the same sync" "$(sqlite3 "$dir/session.db" \
    "ATTACH '$dir/$one.db' AS school; SELECT count(*) FROM SyncHistory
     JOIN SyncState USING (SyncId, RunId) WHERE Entity = EntityType")" 2

# ---- The second time ------------------------------------------------------------

keep_rows
ok "a second full run" cs run --full
like "says that nothing changed" "$out" 'nothing changed'
kept "and leaves each row byte by byte"
is "it counts what was read and nothing as updated" \
    "$(history 'DISTINCT EntityType, SyncType, RecordsUpdated' \
        "EntityType <> 'Baseline'")" "Student|Full|0
Teacher|Full|0"

# ---- However it is cut up -------------------------------------------------------

contents() { # all but what is numbered or dated by the sync
    sql "$one" "SELECT CleverStudentId, FirstName, LastName, Email, Grade,
            StudentNumber, LastModifiedInClever, IsActive, DeactivatedAt
            FROM Students ORDER BY 1;
        SELECT CleverTeacherId, FirstName, LastName, Email, Title,
            LastModifiedInClever, IsActive, DeactivatedAt
            FROM Teachers ORDER BY 1"
}

contents >"$dir/contents"
for cut in "1 1" "7 7" "100 100" "10000 10000" "1 10000"; do
    for batch in 1 1000; do
        rm "$dir/$one".db*
        cs run --full --school "$one_id" --set "sync.page_size=${cut% *}" \
            --set "sync.page_size_max=${cut#* }" \
            --set "sync.batch_size=$batch" >"$out" 2>"$err"
        is "pages of $cut, batches of $batch make the same tables" \
            "$(contents)" "$(cat "$dir/contents")"
    done
done

# ---- Who left -------------------------------------------------------------------

ok "all are right before somebody leaves" cs run --full
gone=$(person "$one" student 3)
other=$(person "$one" student 4)
post "/lab/delete?id=$gone" >"$out"
ok "a full run that was asked for" cs run --full
is "deletes who left" "$(stored "$one" "$gone")" ""
right "and nobody else"
is "which is counted" "$(history 'RecordsDeleted, RecordsUpdated' \
    "SchoolPrefix = '$one' AND EntityType = 'Student'")" "1|0"

post "/lab/delete?id=$other" >"$out"
ok "with delete = soft" cs run --full --set sync.delete=soft
is "who left is deactivated" "$(stored "$one" "$other")" 0
is "with the time" "$(sql "$one" "SELECT length(DeactivatedAt) > 10
    AND UpdatedAt = DeactivatedAt FROM Students
    WHERE CleverStudentId = '$other'")" 1
is "which is counted as updated" "$(history \
    'RecordsDeleted, RecordsUpdated' \
    "SchoolPrefix = '$one' AND EntityType = 'Student'")" "0|1"
right "and the others are active"
keep_rows "$one"
ok "again" cs run --full --set sync.delete=soft
kept "who is inactive already is not touched" "$one"

post "/lab/restore?id=$other" >"$out"
ok "who is back" cs run --full
is "is active again, as before" "$(sql "$one" "SELECT IsActive,
    DeactivatedAt IS NULL, CreatedAt < UpdatedAt FROM Students
    WHERE CleverStudentId = '$other'")" "1|1|1"
right "with what Clever has now"
is "and counted as updated, not as inserted" "$(history \
    'RecordsInserted, RecordsUpdated' \
    "SchoolPrefix = '$one' AND EntityType = 'Student'")" "0|1"

# The first run of the weekly day deactivates.  (Not by the clock: at midnight
# `today` would be yesterday, so the day before and after are no days to run.)
last=$(person "$one" student 5)
post "/lab/delete?id=$last" >"$out"
sqlite3 "$dir/session.db" "UPDATE SyncHistory SET
    SyncStartTime = '2020-01-01T00:00:00.000Z'"
ok "the first run of the weekly day" cs run --set "sync.full_sync_day=$today"
if [ "$(date -u +%A | tr '[:upper:]' '[:lower:]')" = "$today" ]; then
    is "is a full one" "$(history 'DISTINCT SyncType')" Full
    is "and deactivates who left, although delete = hard" \
        "$(stored "$one" "$last")" 0
    ok "the second" cs run --set "sync.full_sync_day=$today"
    is "is incremental" "$(history 'DISTINCT SyncType')" Incremental
fi

# ---- Changes --------------------------------------------------------------------

changed=$(person "$one" student 6)
post "/lab/change?id=$changed&field=last&value=%20Mc%E2%80%99Donald%20" >"$out"
post "/lab/change?id=$(person "$two" teacher 2)&field=title" >"$out"
post "/lab/add?school=$(school_id "$three")&role=teacher" >"$out"
ok "changes of every kind" cs run --full
right "arrive"
is "and are the only ones" "$(history \
    'SchoolPrefix, EntityType, RecordsInserted, RecordsUpdated,
        RecordsDeleted' \
    'RecordsUpdated + RecordsDeleted > 0')" "$one|Student|0|1|1
$two|Teacher|0|1|0
$three|Teacher|1|1|0"
post "/lab/change?id=$changed&field=last&value=Mc%E2%80%99Donald" >"$out"
ok "blanks at the ends" cs run --full
like "are no change" "$out" 'nothing changed'
post "/lab/change?id=$changed&field=last&value=mc%E2%80%99donald" >"$out"
ok "another case" cs run --full
right "is one"

# ---- RequiresFullSync -------------------------------------------------------------

flag() {
    sql session "SELECT RequiresFullSync FROM Schools
        WHERE SchoolPrefix = '$one'"
}

gone=$(person "$one" student 7)
ok "a full sync can be required" cs school set "$one_id" --require-full yes
fault status-403,path=role=teacher
post "/lab/delete?id=$gone" >"$out"
exits 3 "when a part of it fails" cs run --school "$one_id"
is "it stays required" "$(flag)" 1
fault
ok "when all of it succeeds" cs run --school "$one_id"
is "it was a full one" "$(history 'DISTINCT SyncType')" Full
is "and who left is deleted" "$(stored "$one" "$gone")" ""
is "and it is required no longer" "$(flag)" 0

# ---- Which schools ----------------------------------------------------------------

ran() { # the schools of the latest run
    history 'DISTINCT SchoolPrefix' | paste -sd ' ' -
}

ok "one school" cs run --school "$one_id"
is "is that one alone" "$(ran)" "$one"
ok "one district" cs run --district "$(district_ids)"
is "is all of its schools" "$(ran)" "$one $two $three"
ok "a school is switched off" cs school set "$(school_id "$two")" --active no
ok "and left out" cs run --full
is "while the others run" "$(ran)" "$one $three"
exits 78 "alone it is nothing to run" cs run --school "$(school_id "$two")"
like "which is said" "$err" 'active'
for scope in school district; do
    exits 2 "an unknown $scope is refused" cs run --$scope nobody
    like "and named, with what to do" "$err" "$scope.*nobody.*$scope list"
done
exits 2 "an option without its value is refused" cs run --school
finish
