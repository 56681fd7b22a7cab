#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: 2026 the cleversync authors

# The conformance suite: the sinks that come along pass it, and each of a row
# of faults fails the cases that are about it, and no others.

. "${srcdir:-.}/tests/lib.sh"
. "$srcdir/tests/conform-lib.sh"
. "$srcdir/tests/mssql-lib.sh"
. "$srcdir/tests/odbc-lib.sh"
: >"$config"
[ -f "$CLEVERSYNC_PLUGIN_DIR/sink/sqlite-test.la" ] ||
    skip_all "the sink sqlite-test is not built"
check="plugins check sqlite-test --set sink.check.path"

# ---- The command -------------------------------------------------------------

ok "sqlite-test passes" cs $check="$dir/check.db"
like "a case has a line" "$out" '^ok [0-9]+ - rows: 1,000 at once$'
is "the plan is as long as the list" "$(sed -n 's/^1\.\.//p' "$out")" \
    "$(grep -c '^ok' "$out")"
like "what cannot be tried is said" "$out" \
    '^ok [0-9]* - a bad row: overlong text # SKIP .*in full'
like "the end is a sum" "$out" '^# [0-9]{2,} passed, 0 failed, 1 skipped$'
exits 78 "a used database is refused" cs $check="$dir/check.db"
like "which is said" "$err" 'a table ConformPeople already'
sqlite3 "$dir/check.db" "DROP TABLE ConformPeople; DROP TABLE ConformGroups" \
    2>/dev/null
exits 78 "so is one with any of its tables" cs $check="$dir/check.db"
like "which is said" "$err" 'table Conform[A-Z]'

ok "as JSON" cs $check="$dir/json.db" -o json
like "JSON has the cases" "$out" '"name": "rows: 1,000 at once"'
like "and their outcomes" "$out" '"outcome": "passed"'
like "and the sum" "$out" '"failed": 0'


ok "the first level" cs $check="$dir/one.db" --level 1
like "has what must work" "$out" 'transactions: commit$'
unlike "and nothing of the second" "$out" 'a bad row:'
ok "the second level" cs $check="$dir/two.db" --level 2
like "has what must be safe" "$out" 'a bad row: a key twice$'
unlike "and nothing of the third" "$out" 'left behind:|10,000'
exits 2 "there is no fourth" cs $check="$dir/four.db" --level 4
exits 2 "a plugin that is not there" cs plugins check sqlite-tset
like "its neighbour is named" "$err" 'did you mean sqlite-test'
exits 78 "a sink without its options" cs plugins check sqlite-test
like "which is said" "$err" '\[sink.check\] path must be set'
ok "the command says which plugin it is" cs $check="$dir/other.db" \
    --set sink.check.plugin=student

# ---- Faults ------------------------------------------------------------------

begin_wrong() { # FAULT
    start_check "$1" "$builddir/tests/wrong/sink/.libs/wrong.so" \
        --set sink.check.path="$dir/$1.db" --set sink.check.fault="$1"
}

start_wrong() { # FAULT...: all at once, for most of it is waiting
    local fault pids=
    for fault in "$@"; do
        begin_wrong "$fault"
        pids="$pids $!"
    done
    wait $pids
}

if [ -f "$builddir/tests/wrong/sink/wrong.la" ]; then
    begin_wrong stuck # for half a minute; it is looked at last
    start_wrong none counts cuts trims empties folds seconds narrows halves \
        deaf oldest keeps shares late bytes does crashes
    wrong none
    wrong crashes "plugin: a first call"
    wrong counts \
        "rows: those that are not there do not count" \
        "keys: told apart in one batch"
    wrong cuts \
        "a bad row: overlong text" \
        "text: at the limit and over it" \
        "text: blanks over the limit"
    like "a failure is said in a sentence" "$dir/cuts.tap" \
        '^# column Mail: expected "twenty-one characters" \(21 bytes\), got "tw'
    wrong trims \
        "text: blanks of all kinds" \
        "text: a change of trailing blanks alone" \
        "text: at the limit and over it" \
        "text: blanks over the limit" \
        "keys: told apart by blanks" \
        "keys: told apart in one batch" \
        "scan: other texts byte for byte"
    wrong empties \
        "text: empty is not null" \
        "text: a change of trailing blanks alone" \
        "times: what is none is not stored changed"
    wrong folds \
        "keys: told apart by case" \
        "keys: told apart in one batch"
    wrong seconds \
        "times: from year 1 to 9999" \
        "times: what is none is not stored changed" \
        "scan: below a number and a time" \
        "schema: columns added to rows"
    wrong narrows \
        "numbers: beyond 32 bits are refused or exact"
    wrong halves \
        "a bad row: a key that is stored" \
        "a bad row: a key twice" \
        "a bad row: no key" \
        "a bad row: refers to nothing" \
        "a bad row: in an update"
    wrong deaf \
        "scan: stops when told, and the sink is usable"
    wrong oldest \
        "scan: the newest first"
    wrong keeps \
        "a bad row: a key that is stored" \
        "transactions: rollback undoes" \
        "transactions: state goes along with rows" \
        "locks: they outlive transactions"
    wrong shares \
        "locks: one holder" \
        "locks: other names are free" \
        "locks: the holder cannot take it again" \
        "locks: a wait in vain ends in time" \
        "locks: who is refused may ask again and again" \
        "locks: a wait ends when the lock is free" \
        "locks: they outlive transactions"
    wrong late \
        "deadlines: a scan without time left" \
        "deadlines: a scan that is cancelled"
    wrong bytes \
        "schema: lengths of columns" \
        "schema: showing does nothing" \
        "schema: columns added to rows" \
        "schema: a column widened" \
        "schema: odd names"
    wrong does \
        "schema: showing does nothing"
    exits 1 "a case that fails is exit 1" cs plugins check \
        "$builddir/tests/wrong/sink/.libs/wrong.so" \
        --set sink.check.path="$dir/again.db" --set sink.check.fault=does
else
    skip "the unit tests are not built" "faults are found"
fi

# ---- A driver that stores nothing ------------------------------------------------

# It answers from a script (odbc-script/), so only those cases can pass that are
# about what mssql-odbc refuses by itself, reads of the schema, or holds.

script_server() { # where there are the tables that a connection has made
    mkdir "$dir/odbc"
    printf '[FreeTDS]\nDriver = %s\n' "$driver" >"$dir/odbc/odbcinst.ini"
    {
        cat <<'END'
on c.object_id = OBJECT_ID(N'[dbo].[ConformGroups]')
after CREATE TABLE [dbo].[ConformGroups]
rows 4
row GroupId|int|4|\N
row GroupKey|nvarchar|100|Latin1_General_100_BIN2
row GroupName|nvarchar|100|Latin1_General_100_BIN2
on c.object_id = OBJECT_ID(N'[dbo].[ConformPeople]')
after CREATE TABLE [dbo].[ConformPeople]
rows 4
row PersonId|int|4|\N
row PersonKey|nvarchar|100|Latin1_General_100_BIN2
row PersonName|nvarchar|200|Latin1_General_100_BIN2
row Mail|nvarchar|40|Latin1_General_100_BIN2
row Note|nvarchar|-1|Latin1_General_100_BIN2
row Age|int|4|\N
row IsActive|bit|1|\N
row Seen|datetime2|8|\N
row GroupId|int|4|\N
on SELECT 1
rows 1
row 1
END
        well
        printf '%s\n' 'on SELECT' 'rows 9'
    } >"$dir/odbc/conform.script"
    cat >"$config" <<'END'
[sink.check]
plugin = mssql-odbc
connection = Conform-Script
driver = FreeTDS
verify_certificate = false
END
}

check_on_script() {
    ODBC_SCRIPT=$dir/odbc ODBCSYSINI=$dir/odbc CONFORM_SCRIPT="\
Server=db.example.org;User ID=sync;Password=Secret-43;Database=conform" \
        cs plugins check mssql-odbc
}

driver=$builddir/tests/odbc-script/.libs/odbc-script.so
if [ -f "$driver" ] && [ -f "$CLEVERSYNC_PLUGIN_DIR/sink/mssql-odbc.la" ]; then
    script_server
    exits 1 "mssql-odbc is checked on a driver that stores nothing" \
        check_on_script
    for name in "rows: none at once" \
        "a bad row: no key" \
        "times: what is none is not stored changed" \
        "numbers: beyond 32 bits are refused or exact" \
        "locks: the holder cannot take it again" \
        "schema: the check passes" \
        "schema: lengths of columns" \
        "schema: a missing table" \
        "schema: a missing column"; do
        like "there passes: $name" "$out" "^ok [0-9]+ - $name\$"
    done
    skip "it stores nothing" "the other cases on that driver"
else
    skip "the driver or mssql-odbc is not built" \
        "mssql-odbc is checked on a driver that stores nothing"
fi

# ---- Those that do not come back -----------------------------------------------

if [ -f "$builddir/tests/wrong/sink/wrong.la" ]; then
    wait
    wrong stuck "plugin: a first call"
    like "which is said" "$dir/stuck.tap" '^# a call .* did not come back when'
fi

# ---- SQL Server ----------------------------------------------------------------

# Babelfish cannot read ]] in a name.
failing_on_babelfish="schema: odd names"

if has_mssql && ok "a database is made" new_database; then
    {
        echo '[sink.check]'
        mssql_section Conform-Check
    } >"$config"
    mssql_secret Conform-Check
    case $(mssql "SELECT @@VERSION") in
    Babelfish*) expected=$failing_on_babelfish status=1 ;;
    *) expected= status=0 ;;
    esac
    exits $status "mssql-odbc is checked" cs plugins check mssql-odbc
    is "mssql-odbc: what fails on this server" "$(failed "$out")" "$expected" ||
        note "$(grep -A 1 '^not ok' "$out")"
else
    skip "CLEVERSYNC_TEST_MSSQL names no server" "mssql-odbc passes"
fi

finish
