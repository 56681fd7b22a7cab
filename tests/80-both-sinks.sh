#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: 2026 the cleversync authors

# One district, two configurations that differ in the sink alone: sqlite-test
# and mssql-odbc.  The same commands with both end alike, report alike, and
# leave tables that are alike row by row.
#
# What cannot be alike is put aside: names of runs count by their order, times
# of a clock by whether they were written by the command in question.  Which
# identities new people get is the database's affair: a server may take some of
# a batch before others, and does not give again what was undone.

. "${srcdir:-.}/tests/lib.sh"
. "$srcdir/tests/mssql-lib.sh"
requires curl sqlite3
[ -f "$CLEVERSYNC_PLUGIN_DIR/sink/sqlite-test.la" ] ||
    skip_all "the sink sqlite-test is not built"
requires_mssql

start_lab --schools 3 --students 24 --teachers 6 --seed 80
set -- $(prefixes)
one=$1 two=$2 three=$3
one_id=$(school_id "$one")
two_id=$(school_id "$two")
three_id=$(school_id "$three")
one_alone="--school $one_id"

# ---- Two configurations --------------------------------------------------------

on_lite() {
    config=$dir/lite.conf
}

on_server() {
    config=$dir/server.conf
}

on_lite
write_config <<'END'
[sync]
full_sync_day =
[concurrency]
max_schools_in_parallel = 1
END
mssql_config Both--Session 'Both--{school_prefix}' \
    <"$config" >"$dir/server.conf"

for name in session "$one" "$two" "$three"; do
    new_database || skip_all "the server makes no databases"
    echo "$name $mssql_database" >>"$dir/databases"
    mssql_secret "Both--$name"
done
mssql_secret Both--Session "$(awk '$1 == "session" { print $2 }' \
    "$dir/databases")"

database() { # NAME: what it is called on the server
    awk -v name="$1" '$1 == name { print $2 }' "$dir/databases"
}

sql_both() { # NAME SQL [SQL for the server]: behind the program's back
    sqlite3 -cmd '.timeout 5000' "$dir/$1.db" "$2" >/dev/null &&
        mssql "${3:-$2}" "$(database "$1")" >/dev/null ||
        note "this cannot be done to $1"
}

# ---- What is compared ------------------------------------------------------------

session_tables="Districts Schools SyncHistory SyncReject SyncHold SchemaVersion"
school_tables="Students Teachers SyncState SchemaVersion"
compared="$one $two" # the schools whose databases are

columns() { # TABLE: "=" marks text, "@" times of a clock, "~" other times
    case $1 in
    Districts) echo DistrictId CleverDistrictId= Name= DistrictPrefix= \
        KeyVaultSecretPrefix= CreatedAt@ UpdatedAt@ ;;
    Schools) echo SchoolId DistrictId CleverSchoolId= Name= DatabaseName= \
        SchoolPrefix= KeyVaultConnectionStringSecretName= IsActive \
        CreatedAt@ UpdatedAt@ RequiresFullSync ;;
    SyncHistory) echo SyncId SchoolId EntityType= SyncType= SyncStartTime@ \
        SyncEndTime@ Status= RecordsProcessed RecordsUpdated RecordsFailed \
        ErrorMessage= LastSyncTimestamp@ LastEventId= RunId= \
        RecordsInserted RecordsDeleted SyncKey= ;;
    SyncReject) echo RejectKey= SchoolId EntityType= CleverId= Reason= \
        RunId= FirstSeen@ LastSeen@ ;;
    SyncHold) echo HoldKey= SchoolId EntityType= SetHash= Keys= RowsHeld \
        RowsTotal CreatedAt@ ExpiresAt@ ApprovedAt@ ApprovedBy= UsedAt@ ;;
    SchemaVersion) echo Version= Checksum= AppliedAt@ AppliedBy= ;;
    Students) echo CleverStudentId= FirstName= LastName= Email= \
        Grade= StudentNumber= LastModifiedInClever~ IsActive \
        DeactivatedAt@ CreatedAt@ UpdatedAt@ ;;
    Teachers) echo CleverTeacherId= FirstName= LastName= Email= \
        Title= LastModifiedInClever~ IsActive DeactivatedAt@ CreatedAt@ \
        UpdatedAt@ ;;
    SyncState) echo Entity= CleverSchoolId= Cursor= LastSyncTimestamp@ \
        RunId= SyncId ;;
    esac
}

select_lite() { # NAME TABLE SINCE
    printf "SELECT '%s %s'" "$1" "$2"
    for column in $(columns "$2"); do
        cell=${column%[=@~]}
        case $column in
        *=) printf ", '=' || %s" "$cell" ;;
        *@) printf ", CASE WHEN %s >= '%s' THEN 'new' WHEN %s IS NOT NULL
            THEN 'old' END" "$cell" "$3" "$cell" ;;
        *~) printf ", replace(substr(%s, 1, 23), 'T', ' ')" "$cell" ;;
        *) printf ", %s" "$cell" ;;
        esac
    done
    echo " FROM $2 ORDER BY 2;"
}

select_server() { # NAME TABLE SINCE: the same for the other one
    printf "SELECT '%s %s'" "$1" "$2"
    for column in $(columns "$2"); do
        cell=${column%[=@~]}
        case $column in
        *=) printf ", N'=' + [%s]" "$cell" ;;
        *@) printf ", CASE WHEN [%s] >= '%s' THEN 'new' WHEN [%s] IS NOT NULL
            THEN 'old' END" "$cell" "${3%Z}" "$cell" ;;
        *~) printf ", CONVERT(NVARCHAR(23), CAST([%s] AS DATETIME2(3)), 121)" \
            "$cell" ;;
        *) printf ", [%s]" "$cell" ;;
        esac
    done
    echo " FROM [$(database "$1")].dbo.[$2] ORDER BY 2;"
}

each_table() { # FUNCTION [ARGUMENT]: of each NAME TABLE
    for table in $session_tables; do
        "$1" session "$table" "$2"
    done
    for name in $compared; do
        for table in $school_tables; do
            "$1" "$name" "$table" "$2"
        done
    done
}

tables_lite() { # SINCE
    each_table lite_table "$1"
}

lite_table() { # NAME TABLE SINCE
    sqlite3 -readonly -separator '	' -nullvalue NULL "$dir/$1.db" \
        "$(select_lite "$1" "$2" "$3")" 2>&1
}

tables_server() { # SINCE
    mssql "$(each_table select_server "$1")" master 2>&1
}

# Runs are numbered in the order in which the history has them, which comes
# before all that names them.  Zeros at a time's end are a matter of taste.
by_order() {
    awk '{
        while (match($0, /[0-9-]+T[0-9]+-[0-9a-f][0-9a-f]*/)) {
            run = substr($0, RSTART, RLENGTH)
            if (!(run in runs))
                runs[run] = ++n
            sub(run, "run " runs[run])
        }
        print
    }' | sed -E 's/(:[0-9]{2}(\.[0-9]*[1-9])?)\.?0*\t/\1\t/' |
        LC_ALL=C sort
}

plain_report() { # reads what a command says with -o json
    sed -E -e 's/[0-9]{4}-[0-9-]+T[0-9]+-[0-9a-f]{8}/RUN/g' \
        -e 's/[0-9]{4}-[0-9-]+T[0-9:.]+Z/TIME/g' \
        -e 's/("seconds": )[0-9.e-]+/\1N/' \
        -e 's/("database": ).*/\1D/'
}

plain_messages() { # likewise, where each sink speaks for itself
    plain_report | sed -E 's/("(message|reason)": ")([^"\\]|\\.)+/\1M/'
}

now() {
    date -u +%Y-%m-%dT%H:%M:%S.%3NZ
}

same() { # DESCRIPTION FILE FILE
    diff "$2" "$3" >"$dir/differs"
    is "$1" "$(head -n 10 "$dir/differs")" ""
}

command_on() { # lite|server WORD...: sets code
    side=$1
    shift
    "on_$side"
    now >"$dir/since.$side"
    cs "$@" >"$dir/out.$side" 2>"$dir/err.$side" </dev/null
    code=$?
    cat "$dir/err.$side" >>"$dir/said"
}

# A command with both sinks.  `faults` are set anew for each, so that one does
# not use up what is meant for the other.
both() { # CODE DESCRIPTION WORD...
    both_run "$@"
    same_tables "$2"
}

both_run() { # CODE DESCRIPTION WORD...
    local want=$1 what=$2 side
    shift 2
    for side in lite server; do
        fault $faults
        command_on $side "$@"
        is "$what: exit code with $side" "$code" "$want" ||
            tail -n 5 "$dir/out.$side" "$dir/err.$side" | sed 's/^/#   /'
        $report <"$dir/out.$side" >"$dir/report.$side"
    done
    [ -z "$faults" ] || fault
    same "$what: what is reported" "$dir/report.lite" "$dir/report.server"
}

both_say() { # CODE DESCRIPTION WORD...: where each sink has words of its own
    report=plain_messages
    both_run "$@"
    report=plain_report
    sql_both session "UPDATE SyncHistory SET ErrorMessage = 'said'
        WHERE ErrorMessage <> 'said'; UPDATE SyncReject SET Reason = 'said'"
    same_tables "$2"
}

same_tables() { # DESCRIPTION
    local side
    for side in lite server; do
        tables_$side "$(cat "$dir/since.$side")" | by_order >"$dir/tables.$side"
    done
    same "$1: the tables" "$dir/tables.lite" "$dir/tables.server"
}

faults=
report=plain_report
json="-o json"

# ---- Telling the lab -----------------------------------------------------------

change() { # ID FIELD VALUE
    curl -fsS -m 20 -G -X POST -o /dev/null --data-urlencode "value=$3" \
        "$lab_url/lab/change?id=$1&field=$2" || note "no change of $2"
}

tell() { # WHAT ID...
    local what=$1 id
    shift
    for id in "$@"; do
        post "/lab/$what?id=$id" >/dev/null || note "no $what"
    done
}

some() { # PREFIX ROLE FROM TO: keys of people that Clever lists now
    tap_truth "$1" "$2"
    sqlite3 :memory: "SELECT key FROM json_each(readfile('$dir/truth'))
        ORDER BY key LIMIT $4 - $3 + 1 OFFSET $3 - 1"
}

all_right() { # DESCRIPTION [PREFIX]: what is alike is also as in Clever
    right "$1: as in Clever" ${2:-$compared}
}

# ---- Registration ----------------------------------------------------------------

for side in lite server; do
    "on_$side"
    now >"$dir/since.$side"
    register
    cs school set "$three_id" --active no >"$out" 2>&1 ||
        note "the third school is not switched off"
done
compared=
same_tables "registration"
both 0 "the list of schools" school list $json

# What a trigger selects is no count of rows, nor with a name that cannot go as
# JSON.
mssql "CREATE TRIGGER dbo.Told ON dbo.Schools AFTER UPDATE AS
    SELECT 7, N'told'" "$(database session)" || note "no trigger"
both 0 "a school's name in quotes" \
    school set "$one_id" --name 'The "Quoted" \School'
mssql "DROP TRIGGER dbo.Told" "$(database session)"

# ---- Nothing, something, nothing -------------------------------------------------

compared="$one $two"
both 0 "a first run" run $json
all_right "a first run"
both 0 "a full run again" run --full $json
both 0 "a run without events" run $one_alone $json
both 0 "verification" verify $one_alone $json
both 0 "the state of the databases" db status $json

identities() { # that the server gave
    mssql "SELECT StudentId, CleverStudentId FROM Students ORDER BY StudentId" \
        "$(database "$one")"
}
first_identities=$(identities)

# ---- Texts -----------------------------------------------------------------------

# One person each, first by events and then by a listing.
all_may_change="--set guard.max_update=100%"
long=$(printf 'x%.0s' $(seq 99))
texts() { # TEXT...: the names of these students
    local n=1 key text
    some "$one" student 1 24 >"$dir/keys"
    for text in "$@"; do
        key=$(sed -n "${n}p" "$dir/keys")
        change "$key" last "$text"
        change "$key" first "$text"
        n=$((n + 1))
    done
}

texts 'Canary' ' Canary ' 'Canary"Q\uote' "Canary'; --" 'Canary[]%_' \
    'Canary ẞßſıİ' 'Canary 👩‍👩‍👧 𝒳' 'Canary é é' 'アｱ あ' 'Canary	tab' \
    'Canary
line' "${long}xyz" "${long}😀" 'שָׁלוֹם Canary' 'NULL' '{"Canary":[1]}'
set -- $(some "$one" student 17 24)
change "$1" email '   '
change "$2" email "$long$long@example.edu"
change "$3" email "Canary@EXAMPLE.edu"
change "$4" grade "Grade $long"
change "$5" grade ' 07 '
change "$6" student_number "0$long"
change "$7" student_number '1e5'
change "$8" last '  '
tell touch "$1" "$8"
both 0 "odd texts by events" run $one_alone $all_may_change $json
all_right "odd texts by events" "$one"
texts 'canary' 'Canary ' 'Canary"q\uote' "CANARY'; --" 'CANARY[]%_' \
    'Canary ßẞSİı' 'Canary 👩‍👩‍👦 𝒴' 'Canary é é' 'ｱア ア' 'Canary tab' \
    'Canary line' "${long}y" "${long}😁" 'שלום Canary' 'null' '{"Canary":[2]}'
post "/lab/change?id=$1&field=first" >/dev/null # null
post "/lab/change?id=$3&field=email" >/dev/null
change "$8" last 'Ａ'
both 0 "odd texts by a listing" run --full $one_alone $json
all_right "odd texts by a listing" "$one"

is "an update leaves identities" "$(identities)" "$first_identities"

# ---- Events ----------------------------------------------------------------------

set -- $(some "$one" student 2 8)
tell delete "$1"
tell narrow "$2"
post "/lab/move?id=$3&school=$two_id" >/dev/null || note "no move"
change "$4" last Canary-One
change "$4" last Canary-Two
post "/lab/add?school=$two_id&role=student" >/dev/null
post "/lab/add?school=$one_id&role=teacher" >/dev/null
for n in 1 2 3 4 5 6; do # some have no second role
    post "/lab/drop-role?id=$(person "$one" teacher $n)&role=teacher" && break
done >/dev/null 2>&1
post /lab/noise >/dev/null
both 0 "a day of events" run $json
all_right "a day of events"
both 0 "events heard before" run $one_alone $json
tell restore "$1"
post "/lab/move?id=$3&school=$one_id" >/dev/null || note "no move"
post "/lab/drift?seed=7&n=40" >/dev/null
both 0 "who is back, and forty changes" run $json
all_right "who is back, and forty changes"
post "/lab/add?school=$one_id&role=student" >/dev/null
tell delete "$(person "$two" student 3)"
post '/lab/events?keep=1' >/dev/null
post /lab/noise >/dev/null
both 0 "a feed that does not reach back" run $json
all_right "a feed that does not reach back"
post '/lab/events?enabled=0' >/dev/null
change "$(person "$one" student 4)" last Canary-Data
tell delete "$(person "$one" student 5)"
both 0 "without events" run $one_alone $json
post '/lab/events?enabled=1' >/dev/null
post /lab/noise >/dev/null
both 0 "with events again" run $one_alone $json
all_right "with events again" "$one"

# ---- Who leaves ------------------------------------------------------------------

set -- $(some "$one" student 3 6)
tell delete "$1" "$2"
both 0 "leavers are deactivated" \
    run --full $one_alone --set sync.delete=soft $json
tell delete "$3"
both 0 "leavers are deleted" run --full $one_alone $json
tell restore "$1" "$2" "$3"
both 0 "who is back by a listing" run --full $one_alone $json
change "$4" last Canary-Dry
tell delete "$1"
on_lite
keep_rows "$one"
both 0 "a plan" plan --full $one_alone $json
both 0 "a dry run" run --dry-run $one_alone $json
kept "neither writes" "$one"
both 22 "verification that finds something" verify $one_alone $json
both 0 "what was planned" run --full $one_alone $json
all_right "who leaves" "$one"

# ---- Guards ----------------------------------------------------------------------

hold() { # the one that is listed
    on_lite
    cs holds $json | sed -n 's/.*"hold": "\([0-9a-f]*\)".*/\1/p'
}

leavers=$(some "$one" student 2 13)
tell delete $leavers
both 3 "too many leave" run --full $one_alone $json
both 0 "the hold is listed" holds $json
both 0 "a hold is approved" approve "$(hold)" --by Canary
both 0 "and they go" run $one_alone $json
all_right "an approved hold" "$one"
tell restore $leavers
both 0 "they are back" run --full $one_alone $json
for n in 1 2 3; do
    change "$(person "$one" student $n)" last Canary-Held
done
both 3 "too many change" run $one_alone --set guard.max_update=2 $json
both 0 "a hold is rejected" reject "$(hold)"
both 0 "what was held comes in with a full run" run --full $one_alone $json
all_right "what was held" "$one"

# ---- Records that cannot be used -------------------------------------------------

faults="number-for-text,role=student,school=$one_id
    no-id,role=teacher,school=$one_id
    bad-utf8,role=student,school=$two_id
    escaped-nul,role=teacher,school=$two_id"
both 20 "unusable records" run --full $json
both 0 "they are listed" rejects $json
faults="duplicate-differs,role=student,school=$one_id"
both 3 "a record twice" run --full $one_alone $json
faults=
both 0 "all are usable" run --full $json
all_right "all are usable"

# Refused by the database.
sql_both "$one" "CREATE TRIGGER No BEFORE UPDATE ON Students
    WHEN NEW.LastName = 'Canary-No' BEGIN SELECT RAISE(ABORT, 'no'); END" \
    "ALTER TABLE Students ADD CONSTRAINT No CHECK (LastName <> 'Canary-No')"
change "$(person "$one" student 5)" last Canary-No
change "$(person "$one" student 6)" last Canary-Yes
both_say 3 "a row that the database refuses" run $one_alone $json
sql_both "$one" "DROP TRIGGER No" "ALTER TABLE Students DROP CONSTRAINT No"
both 0 "and takes later" run --full $one_alone $json
all_right "a row that the database refused" "$one"

# ---- Faults ----------------------------------------------------------------------

change "$(person "$one" student 7)" last Canary-Fault
change "$(person "$two" teacher 2)" last Canary-Other
pages="--set sync.page_size=3 --set sync.page_size_max=10"
faults="empty-listing,role=student,school=$one_id
    cut-body,page=2,role=teacher,school=$one_id
    html-200,role=student,school=$two_id"
both 20 "three of four listings are wrong" run --full $pages $json
faults="repeat-page,page=2,role=student,school=$one_id
    empty-object,role=teacher,school=$one_id
    status-500,page=2,role=student,school=$two_id
    data-null,role=teacher,school=$two_id"
both 5 "all listings are wrong" run --full $pages $json
faults=wrong-district
both 12 "another district's token" run $one_alone $json
faults="status-503,role=student,times=1 reset,role=teacher,page=2,times=1"
both 0 "faults that pass" run --full $pages $json
faults=
all_right "faults that pass"

# ---- However it is cut up --------------------------------------------------------

for cut in 1 100 1000; do
    sql_both "$one" \
        "DELETE FROM Students; DELETE FROM Teachers; DELETE FROM SyncState"
    both 0 "pages and batches of $cut" run --full $one_alone \
        --set sync.page_size=$cut --set sync.page_size_max=$cut \
        --set sync.batch_size=$cut $json
done
all_right "however it is cut up" "$one"

# ---- While it runs ---------------------------------------------------------------

asked() { # TEXT N: has the lab been asked for this N times?
    [ "$(curl -fsS -m 20 "$lab_url/lab/log" | grep -c -e "$1")" -ge "$2" ]
}

start_on() { # lite|server WORD...: sets pid
    local side=$1
    shift
    "on_$side"
    now >"$dir/since.$side"
    "$CLEVERSYNC" --config "$config" "$@" >"$dir/out.$side" \
        2>"$dir/err.$side" </dev/null &
    pid=$!
}

# What changes in Clever after it was read, while the second page is waited for.
fault "hang,role=student,school=$one_id,page=2"
post /lab/log/clear >/dev/null
wait_a_little="--set http.timeout_seconds=3"
start_on server run --full $one_alone $pages $wait_a_little $json
server_pid=$pid
wait_for asked 'role=student.*starting_after' 1
start_on lite run --full $one_alone $pages $wait_a_little $json
wait_for asked 'role=student.*starting_after' 2
change "$(person "$one" student 1)" last Canary-Late
fault
wait "$pid"
is "a change while it reads: exit code with lite" $? 0
wait "$server_pid"
is "a change while it reads: exit code with server" $? 0
same_tables "a change while it reads"
both 0 "the run after a change while it read" run $one_alone $json
all_right "a change while it reads" "$one"

# A school that another run has.
for side in lite server; do
    fault "hang,path=/users,school=$one_id"
    post /lab/log/clear >/dev/null
    start_on $side run --full $one_alone $json
    mv "$dir/since.$side" "$dir/began"
    wait_for asked role=student 1
    wait_for asked role=teacher 1
    command_on $side run $one_alone $json
    is "a busy school: exit code with $side" "$code" 11
    plain_report <"$dir/out.$side" >"$dir/report.$side"
    kill -TERM "$pid"
    wait "$pid"
    is "a run that is stopped: exit code with $side" $? 143
    mv "$dir/began" "$dir/since.$side"
    fault
done
same "a busy school: what is reported" "$dir/report.lite" "$dir/report.server"
same_tables "a run that is stopped"

# ---- Killed in the middle of a write ---------------------------------------------

# A trigger that does not end keeps the write from ending.  SQLite dies with
# the program; the server is told when to go on.  The teachers are being read
# meanwhile, because it would be chance whether they were written before.
stuck=$(person "$one" student 9)
sql_both "$one" "CREATE VIEW Forever AS WITH RECURSIVE n(i) AS (SELECT 1
        UNION ALL SELECT i + 1 FROM n) SELECT max(i) AS i FROM n;
    CREATE TRIGGER Stuck AFTER UPDATE ON Students
        WHEN NEW.CleverStudentId = '$stuck' BEGIN SELECT i FROM Forever; END" \
    "CREATE TABLE dbo.GoOn (Id INT)"
mssql "CREATE TRIGGER dbo.Stuck ON dbo.Students AFTER UPDATE AS BEGIN
    DECLARE @turn INT = 0
    IF EXISTS (SELECT 1 FROM inserted WHERE CleverStudentId = '$stuck')
    BEGIN
        EXEC sp_getapplock @Resource = 'stuck-$$', @LockMode = 'Exclusive',
            @LockOwner = 'Session', @LockTimeout = 0
        WHILE NOT EXISTS (SELECT 1 FROM dbo.GoOn) SET @turn = 0
    END
END" "$(database "$one")" || note "no trigger"

stuck_lite() { # somebody writes and does not end
    ! sqlite3 "$dir/$one.db" "BEGIN IMMEDIATE; ROLLBACK"
}

stuck_server() {
    [ "$(mssql "SELECT APPLOCK_TEST('public', 'stuck-$$', 'Exclusive',
        'Session')" "$(database "$one")")" = 0 ]
}

for n in 3 6 9 12; do
    change "$(person "$one" student $n)" last Canary-Killed
done
for side in lite server; do
    fault "hang,role=teacher,school=$one_id"
    post /lab/log/clear >/dev/null
    start_on $side run --full $one_alone --set sync.batch_size=1
    wait_for asked role=teacher 1 && wait_for stuck_$side
    is "$side is in the middle of a write, and killed" $? 0
    kill -KILL "$pid"
    wait "$pid" 2>/dev/null
    fault
done
sql_both "$one" "DROP TRIGGER Stuck; DROP VIEW Forever" \
    "INSERT INTO dbo.GoOn VALUES (1)"
unstuck() {
    ! stuck_server
}
wait_for unstuck || note "the server still holds the lock"
mssql "DROP TRIGGER dbo.Stuck; DROP TABLE dbo.GoOn" "$(database "$one")"
same_tables "killed in the middle of a write"
is "killed in the middle of a write: nothing of it is there" "$(sql "$one" \
    "SELECT count(*) FROM Students WHERE LastName = 'Canary-Killed'")" 0
both 0 "the next run goes on" run $one_alone $json
all_right "the next run" "$one"

# ---- Databases of others ---------------------------------------------------------

# One school's database cannot be had, the other's is another school's.
sql_both "$two" "UPDATE SyncState SET CleverSchoolId = '$one_id'"
compared=$two
mv "$dir/$one.db" "$dir/aside"
mkdir "$dir/$one.db"
mssql_secret "Both--$one" "$(database "$one")_not"
both_say 78 "databases that are not the schools'" run $json
rmdir "$dir/$one.db"
mv "$dir/aside" "$dir/$one.db"
mssql_secret "Both--$one" "$(database "$one")"
sql_both "$two" "UPDATE SyncState SET CleverSchoolId = '$two_id'"
compared="$one $two"
both 0 "with their own again" run $json
all_right "with their own again"

# Complete tables with rows of unknown origin.
sql_both "$two" "DROP TABLE SyncState; DROP TABLE SchemaVersion;
    UPDATE Students SET FirstName = 'Canary'
        WHERE CleverStudentId < '$(person "$two" student 5)'"
school_tables="Students Teachers SyncState"
both 0 "tables that somebody filled" run --full --school "$two_id" $json
all_right "tables that somebody filled"

# Tables as the system before made them.
set -- $(some "$three" student 1 2)
sql_both "$three" "CREATE TABLE Students (
        StudentId INTEGER PRIMARY KEY AUTOINCREMENT,
        CleverStudentId NVARCHAR(50) NOT NULL UNIQUE,
        FirstName NVARCHAR(100) NOT NULL, LastName NVARCHAR(100) NOT NULL,
        Email NVARCHAR(200), Grade NVARCHAR(20), StudentNumber NVARCHAR(50),
        LastModifiedInClever TEXT, CreatedAt TEXT NOT NULL,
        UpdatedAt TEXT NOT NULL);
    CREATE TABLE Teachers (TeacherId INTEGER PRIMARY KEY AUTOINCREMENT,
        CleverTeacherId NVARCHAR(50) NOT NULL UNIQUE,
        FirstName NVARCHAR(100) NOT NULL, LastName NVARCHAR(100) NOT NULL,
        Email NVARCHAR(200) NOT NULL, Title NVARCHAR(100),
        LastModifiedInClever TEXT, CreatedAt TEXT NOT NULL,
        UpdatedAt TEXT NOT NULL)" \
    "CREATE TABLE Students (StudentId INT IDENTITY PRIMARY KEY,
        CleverStudentId NVARCHAR(50) NOT NULL UNIQUE,
        FirstName NVARCHAR(100) NOT NULL, LastName NVARCHAR(100) NOT NULL,
        Email NVARCHAR(200), Grade NVARCHAR(20), StudentNumber NVARCHAR(50),
        LastModifiedInClever DATETIME2, CreatedAt DATETIME2 NOT NULL,
        UpdatedAt DATETIME2 NOT NULL);
    CREATE TABLE Teachers (TeacherId INT IDENTITY PRIMARY KEY,
        CleverTeacherId NVARCHAR(50) NOT NULL UNIQUE,
        FirstName NVARCHAR(100) NOT NULL, LastName NVARCHAR(100) NOT NULL,
        Email NVARCHAR(200) NOT NULL, Title NVARCHAR(100),
        LastModifiedInClever DATETIME2, CreatedAt DATETIME2 NOT NULL,
        UpdatedAt DATETIME2 NOT NULL)"
for key in "$1" "$2" someone-else; do
    sql_both "$three" "INSERT INTO Students (CleverStudentId, FirstName,
        LastName, CreatedAt, UpdatedAt) VALUES ('$key', 'Canary', 'Canary',
        '2025-01-01T00:00:00.000', '2025-01-01T00:00:00.000')"
done
change "$2" grade 'A grade of many, many units'
both 0 "a school is switched on" school set "$three_id" --active yes
both_say 78 "a school with fewer columns" run --school "$three_id" $json
both 22 "what it lacks" db status $json
school_tables="Students Teachers SyncState SchemaVersion"
both 0 "is added" db migrate --school "$three_id" $json
compared=$three
both 0 "and filled" run --full --school "$three_id" $json
both 0 "and a second time" run --full --school "$three_id" $json

# ---- Two at once -----------------------------------------------------------------

two_at_once() {
    both 0 "a school is switched off" school set "$three_id" --active no
    change "$(person "$one" student 2)" last Canary-Both
    for side in lite server; do
        start_on $side run --full $json
        first=$pid
        start_on $side run --full $json
        wait "$first"
        code=$?
        wait "$pid"
        is "two runs at once: exit codes with $side" "$code $?" "0 0"
    done
    session_tables= # who did what is chance
    school_tables="Students Teachers"
    compared="$one $two"
    same_tables "two runs at once"
    all_right "two runs at once"
}

two_at_once

# ---- What was said ---------------------------------------------------------------

unlike "no name is in any log" "$dir/said" 'Canary-|example\.edu|Secret-'
finish
