#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: 2026 the cleversync authors

# SQL Server: what inserting in batches gains over one row at a time, and what
# a school costs in which nothing changed.  CLEVERSYNC_TEST_MSSQL says where a
# server is; see mssql-lib.sh.

. "${srcdir:-.}/tests/bench-lib.sh"
. "$srcdir/tests/mssql-lib.sh"
if ! has_mssql || [ ! -x "$builddir/tests/bench-mssql" ]; then
    echo "skipped: CLEVERSYNC_TEST_MSSQL names no server, or the sink" \
        "mssql-odbc is not built"
    exit 0
fi

# ---- 10,000 rows for the first time ----------------------------------------

# CONNECTION: three turns, each in a database of its own, because none finds
# what another left behind; sets $ratio.
measure() {
    : >"$dir/sink"
    : >"$dir/row"
    : >"$dir/ratio"
    for _ in 1 2 3; do
        new_database || exit 1
        "$builddir/tests/bench-mssql" "$1;Database=$mssql_database" \
            "$CLEVERSYNC_TEST_MSSQL_DRIVER" 10000 >"$out" || exit 1
        read -r sink row <"$out"
        echo "$sink" >>"$dir/sink"
        echo "$row" >>"$dir/row"
        echo "$(calc "$sink / $row")" >>"$dir/ratio"
    done
    echo "rows/s of 10,000 with $CLEVERSYNC_TEST_MSSQL_DRIVER, $2: in batches" \
        "of 1,000 $(median <"$dir/sink"), prepared one at a time" \
        "$(median <"$dir/row") (medians of 3), ratio $(median <"$dir/ratio")"
}

# tcp:ADDRESS,PORT in the connection string; a relay stands for the network
# that is between a program and its server.
server=$(printf '%s\n' "$CLEVERSYNC_TEST_MSSQL" |
    sed -n 's/.*[Ss]erver=tcp:\([0-9.]*\),\([0-9]*\).*/\1 \2/p')
measure "$CLEVERSYNC_TEST_MSSQL" "as it is reached"
if [ -n "$server" ]; then
    "$builddir/tests/relay" $server 1 >"$dir/relay" &
    relay=$!
    until [ -s "$dir/relay" ]; do
        kill -0 "$relay" || exit 1
    done
    measure "$(printf '%s\n' "$CLEVERSYNC_TEST_MSSQL" |
        sed "s/,${server#* }/,$(cat "$dir/relay")/")" "1 ms farther away"
    kill "$relay"
fi
at_least "rows/s in batches over one at a time" "$(median <"$dir/ratio")" 10

# ---- A school in which nothing changed ---------------------------------------

students=1000
start_lab --schools 1 --students "$students" --teachers 100 --seed 81
quiet_config <<'END'
[sync]
full_sync_day =
END
mssql_config Bench--Session Bench--School <"$config" >"$dir/server.conf"
config=$dir/server.conf
new_database && mssql_secret Bench--Session || exit 1
new_database && mssql_secret Bench--School || exit 1
register
seconds cs run
stored=$(mssql "SELECT COUNT(*) FROM Students")

# Each statement that writes to people, even to none of them, is counted.
mssql "CREATE TABLE Counted (Id INT IDENTITY PRIMARY KEY, Name NVARCHAR(9))"
for table in Students Teachers; do
    mssql "CREATE TRIGGER Count$table ON $table AFTER INSERT, UPDATE, DELETE
        AS INSERT INTO Counted (Name) VALUES (N'$table')"
done
mssql "UPDATE Students SET Grade = Grade WHERE 1 = 0"
[ "$(mssql "SELECT COUNT(*) FROM Counted")" -eq 1 ] || {
    echo "MISSED: the server does not count statements"
    missed=1
}
mssql "DELETE FROM Counted"

for mode in full incremental; do
    cs run --set sync.default_mode=$mode --set logging.level=debug 2>&1 |
        grep 'SELECT statements' >"$dir/counted"
    read -r selects rows writes <<END
$(sed -n 's/.*entity=Student.*: \([0-9]*\) SELECT.* read \([0-9]*\) rows, \([0-9]*\) .*/\1 \2 \3/p' "$dir/counted")
END
    echo "an unchanged school of $stored students, $mode run:" \
        "$selects SELECT statements read $rows rows, $writes wrote," \
        "those for SyncState and SchemaVersion among them"
    case $mode in
    full) most=1 ;;
    incremental) most=0 ;;
    esac
    # What is read of the small tables is a few rows.
    at_most "scans of the students, $mode run" $((rows / stored)) $most
    at_most "rows read besides" $((rows % stored)) 20
    at_most "statements that wrote to people" \
        "$(mssql "SELECT COUNT(*) FROM Counted")" 0
    at_most "statements that wrote at all: the state" "$writes" 1
done
exit $missed
