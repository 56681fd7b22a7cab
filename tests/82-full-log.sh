#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: 2026 the cleversync authors

# What the program makes of an SQL Server whose log is full.  No server for
# tests can be made to have that, so here the servers of the schools are a
# driver that answers from scripts (odbc-script/) and stores nothing.

. "${srcdir:-.}/tests/lib.sh"
. "$srcdir/tests/odbc-lib.sh"
requires curl sqlite3
for plugin in sqlite-test mssql-odbc; do
    [ -f "$CLEVERSYNC_PLUGIN_DIR/sink/$plugin.la" ] ||
        skip_all "the sink $plugin is not built"
done
driver=$builddir/tests/odbc-script/.libs/odbc-script.so
[ -f "$driver" ] || skip_all "the unit tests are not built"

start_lab --schools 2 --students 4 --teachers 2 --seed 82
set -- $(prefixes)
one=$1 two=$2

# ---- Servers -------------------------------------------------------------------

mkdir "$dir/odbc"
export ODBC_SCRIPT="$dir/odbc" ODBCSYSINI="$dir/odbc"
printf '[FreeTDS]\nDriver = %s\n' "$driver" >"$dir/odbc/odbcinst.ini"

write_config </dev/null
sed "/^path = .*school_prefix/c\\
connection = Full--{school_prefix}\\
driver = FreeTDS\\
verify_certificate = false
/^\[sink.schools\]/,/^plugin/s/sqlite-test/mssql-odbc/" "$config" \
    >"$dir/scripts.conf"
mv "$dir/scripts.conf" "$config"

for name in "$one" "$two"; do
    export "$(echo "Full--$name" | tr a-z- A-Z_)=Server=db.example.org;\
User ID=sync;Password=Secret-82;Database=$name"
done

table() { # NAME COLUMN:TYPE...: as sys.columns has it
    echo "on c.object_id = OBJECT_ID(N'[dbo].[$1]')"
    echo "rows 4"
    shift
    for column in "$@"; do
        case $column in
        *:*) echo "row ${column%:*}|${column#*:}|8|\\N" ;;
        *) echo "row $column|nvarchar|400|Latin1_General_100_BIN2" ;;
        esac
    done
}

# Whatever else is selected from is empty, and what else is asked for is done.
{
    table Students StudentId:int CleverStudentId FirstName LastName Email \
        Grade StudentNumber LastModifiedInClever:datetime2 IsActive:bit \
        DeactivatedAt:datetime2 CreatedAt:datetime2 UpdatedAt:datetime2
    table Teachers TeacherId:int CleverTeacherId FirstName LastName Email \
        Title LastModifiedInClever:datetime2 IsActive:bit \
        DeactivatedAt:datetime2 CreatedAt:datetime2 UpdatedAt:datetime2
    table SyncState Entity CleverSchoolId Cursor LastSyncTimestamp:datetime2 \
        RunId SyncId:int
    table SchemaVersion Version Checksum AppliedAt:datetime2 AppliedBy
    well
    printf '%s\n' 'on SELECT' 'rows 12'
} >"$dir/sound"

server() { # NAME [RULE...]: from now on, these rules before all others
    name=$1
    shift
    rm -f "$dir/odbc/$name.journal"
    {
        [ $# -eq 0 ] || printf '%s\n' "$@"
        cat "$dir/sound"
    } >"$dir/odbc/$name.script"
}

heard() { # NAME REGEX: how often the server was told to do this
    grep -E '^(execute|  parameter) ' "$dir/odbc/$1.journal" | grep -cE "$2"
}

runs() { # CODE DESCRIPTION [WORD...]: with all of Clever
    local code=$1 what=$2
    shift 2
    exits "$code" "$what: exit code" cs run --full "$@"
    cat "$out" "$err" >>"$dir/said"
}

of_students() { # COLUMN: what the latest run's history says
    history "$1" "CleverSchoolId = '$(school_id "$one")' AND
        EntityType = 'Student'"
}

register
insert='INSERT INTO \[dbo\]\.\[Students\]'
state='\[\["Student"'
full="the database or its log is full \(SQLSTATE 42000, native 9002\)"

# ---- Sound -----------------------------------------------------------------------

server "$one"
server "$two"
runs 0 "servers that are sound"
is "each batch is sent once" "$(heard "$one" "$insert")" 1
is "with the state" "$(heard "$one" "$state")" 1

# ---- Full ------------------------------------------------------------------------

server "$one" 'on INSERT INTO [dbo].[Students]' 'error 42000 9002'
server "$two"
runs 3 "a log that is full" -o json
like "it is said" "$out" "\"message\": \".*table Students: $full\""
is "it is not tried again" "$(heard "$one" "$insert")" 1
is "it is undone" "$(heard "$one" '@@TRANCOUNT > 0 ROLLBACK TRANSACTION$')" 1
is "no state is written" "$(heard "$one" "$state")" 0
is "the teachers are" "$(heard "$one" 'execute COMMIT')" 1
is "the other school is" "$(heard "$two" 'execute COMMIT')" 2
is "the history says so" "$(of_students Status)" Failed
of_students ErrorMessage >"$dir/message"
like "and why" "$dir/message" "$full"

server "$one" 'on COMMIT TRANSACTION' 'error 42000 9002'
runs 3 "full when committing" -o json
like "it is said" "$out" "\"message\": \".*: $full\""
is "it is not tried again" "$(heard "$one" 'execute COMMIT')" 2
is "it is undone" "$(heard "$one" '@@TRANCOUNT > 0 ROLLBACK TRANSACTION$')" 2

# ---- What heals by itself ----------------------------------------------------------

server "$one" 'on INSERT INTO [dbo].[Students]' 'at 1' 'error 40001 1205' \
    'undone'
runs 0 "a deadlock"
is "it is tried again" "$(heard "$one" "$insert")" 2
is "from the start" "$(heard "$one" 'execute BEGIN TRANSACTION')" 3

server "$one"
runs 0 "a log that is not full any more"
is "the history says so" "$(of_students Status)" Success

unlike "no name is in any log" "$dir/said" \
    'Canary-|example\.edu|Secret-|Wilhelmina'
finish
