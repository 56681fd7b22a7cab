# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: 2026 the cleversync authors

# Words for tests that need an SQL Server, to be read behind lib.sh:
#
#     . "$srcdir/tests/mssql-lib.sh"
#     requires_mssql
#     new_database && is "..." "$(mssql "SELECT 1")" 1
#
# Where it is says CLEVERSYNC_TEST_MSSQL, an ADO.NET or ODBC connection string
# without a database, such as
# "Server=tcp:127.0.0.1,1433;User ID=sa;Password=..."; the login must be allowed
# to make databases.  The ODBC driver is FreeTDS, or what
# CLEVERSYNC_TEST_MSSQL_DRIVER names.  Each database is dropped at the end.

: "${CLEVERSYNC_TEST_MSSQL_DRIVER:=FreeTDS}"
export CLEVERSYNC_TEST_MSSQL CLEVERSYNC_TEST_MSSQL_DRIVER
mssql_database= # the latest
tap_databases=

has_mssql() { # is there a server, and what is needed for it?
    [ -n "$CLEVERSYNC_TEST_MSSQL" ] && [ -x "${builddir:?}/tests/mssql-sql" ] &&
        [ -f "$CLEVERSYNC_PLUGIN_DIR/sink/mssql-odbc.la" ]
}

requires_mssql() {
    has_mssql || skip_all "CLEVERSYNC_TEST_MSSQL names no server, \
or the sink mssql-odbc is not built"
}

mssql() { # SQL [DATABASE]: rows, columns joined by tabs
    printf '%s\n' "$1" |
        "$builddir/tests/mssql-sql" "${2:-$mssql_database}"
}

new_database() { # with a name of its own; sets mssql_database
    mssql_database=cleversync_test_$$_$(date +%s)_$(set -- $tap_databases
        echo $#)
    mssql "CREATE DATABASE $mssql_database" master || return 1
    tap_databases="$tap_databases $mssql_database"
}

mssql_drop() {
    for mssql_database in $tap_databases; do
        mssql "DROP DATABASE $mssql_database" master ||
            note "$mssql_database could not be dropped"
    done
    tap_databases=
}
trap 'mssql_drop; tap_cleanup' EXIT

mssql_section() { # SECRET: the keys of a sink's section that uses it
    cat <<END
plugin = mssql-odbc
connection = $1
driver = $CLEVERSYNC_TEST_MSSQL_DRIVER
verify_certificate = false
END
}

mssql_secret() { # SECRET [DATABASE]: for the store env
    local name
    name=$(echo "$1" | tr a-z- A-Z_)
    export "$name=$CLEVERSYNC_TEST_MSSQL;Database=${2:-$mssql_database}"
}

# SESSION-SECRET SCHOOL-SECRET: the configuration that write_config writes, on
# stdin, with this sink in the place of sqlite-test.
mssql_config() {
    while read -r line; do
        case $line in
        'plugin = sqlite-test') ;;
        'path = '*/session.db) mssql_section "$1" ;;
        'path = '*) mssql_section "$2" ;;
        *) printf '%s\n' "$line" ;;
        esac
    done
}
