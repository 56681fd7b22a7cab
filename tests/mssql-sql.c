/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* mssql-sql DATABASE: runs the SQL of standard input as one batch there and
 * prints all rows, columns joined by tabs, null as NULL.  For tests: the
 * server is the connection string in CLEVERSYNC_TEST_MSSQL, the ODBC driver
 * CLEVERSYNC_TEST_MSSQL_DRIVER, or FreeTDS; any certificate will do. */
#include "config.h"

#include "fake-host.h"
#include "../plugins/sink/mssql-odbc/mssql-odbc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SQL_MOST = 1 << 20, CELL_MOST = 1 << 20, LOGIN_SECONDS = 15 };

static void give_up(SQLSMALLINT type, SQLHANDLE handle, const char *what)
{
    SQLWCHAR state[6] = {0}, text[512];
    SQLINTEGER native = 0;
    SQLSMALLINT length;

    SQLGetDiagRecW(type, handle, 1, state, &native, text, 512, &length);
    fprintf(stderr, "mssql-sql: %s: ", what);
    for (size_t i = 0; i < 5; i++)
        fputc(state[i] < 0x80 ? (int)state[i] : '?', stderr);
    fprintf(stderr, "/%ld\n", (long)native);
    exit(1);
}

static void must(SQLRETURN result, SQLSMALLINT type, SQLHANDLE handle,
                 const char *what)
{
    if (!SQL_SUCCEEDED(result) && result != SQL_NO_DATA)
        give_up(type, handle, what);
}

/* ---- Connecting ---------------------------------------------------------- */

static char *connection_text(const char *database)
{
    static const struct mssql_odbc_security security = {.encrypt = true};
    const char *server = getenv("CLEVERSYNC_TEST_MSSQL");
    const char *driver = getenv("CLEVERSYNC_TEST_MSSQL_DRIVER");
    struct mssql_odbc_target target = {.server = NULL};
    struct fake_host fake;
    char *given, *text = NULL;
    enum cs_rc rc;

    if (asprintf(&given, "%s;Database=%s", server ? server : "", database) < 0)
        exit(1);
    fake_host_init(&fake, NULL);
    rc = mssql_odbc_target_read(&fake.host, given, &target);
    if (rc == CS_OK)
        rc = mssql_odbc_driver_text(&fake.host, driver ? driver : "FreeTDS",
                                    &target, &security, &text);
    free(given);
    mssql_odbc_target_clear(&fake.host, &target);
    if (rc != CS_OK) {
        fprintf(stderr, "mssql-sql: %s\n", fake.error);
        exit(1);
    }
    return text;
}

static SQLHDBC open_database(SQLHENV environment, const char *database)
{
    char *text = connection_text(database);
    size_t units;
    SQLWCHAR *wide = mssql_odbc_utf16(text, &units);
    SQLHDBC connection;

    must(SQLAllocHandle(SQL_HANDLE_DBC, environment, &connection),
         SQL_HANDLE_ENV, environment, "no connection");
    SQLSetConnectAttr(connection, SQL_ATTR_LOGIN_TIMEOUT,
                      (SQLPOINTER)(intptr_t)LOGIN_SECONDS, 0);
    must(SQLDriverConnectW(connection, NULL, wide, (SQLSMALLINT)units, NULL, 0,
                           NULL, SQL_DRIVER_NOPROMPT),
         SQL_HANDLE_DBC, connection, "cannot connect");
    free(wide);
    free(text);
    return connection;
}

/* ---- Running ------------------------------------------------------------- */

static void print_cell(SQLHSTMT statement, SQLUSMALLINT column)
{
    static SQLWCHAR cell[CELL_MOST];
    SQLLEN length = 0;
    SQLRETURN result =
        SQLGetData(statement, column, SQL_C_WCHAR, cell, sizeof(cell), &length);
    char *text;

    must(result, SQL_HANDLE_STMT, statement, "a cell cannot be read");
    if (length == SQL_NULL_DATA) {
        fputs("NULL", stdout);
        return;
    }
    text = length >= 0 && (size_t)length < sizeof(cell)
               ? mssql_odbc_utf8(cell, (size_t)length / sizeof(*cell))
               : NULL;
    if (!text) {
        fputs("mssql-sql: a cell is too long or no Unicode\n", stderr);
        exit(1);
    }
    fputs(text, stdout);
    free(text);
}

static void print_rows(SQLHSTMT statement)
{
    SQLSMALLINT columns = 0;
    SQLRETURN result;

    must(SQLNumResultCols(statement, &columns), SQL_HANDLE_STMT, statement,
         "no columns");
    if (columns == 0)
        return;
    while ((result = SQLFetch(statement)) != SQL_NO_DATA) {
        must(result, SQL_HANDLE_STMT, statement, "a row cannot be read");
        for (SQLSMALLINT i = 1; i <= columns; i++) {
            if (i > 1)
                putchar('\t');
            print_cell(statement, (SQLUSMALLINT)i);
        }
        putchar('\n');
    }
}

static void run(SQLHDBC connection, const char *sql)
{
    size_t units;
    SQLWCHAR *wide = mssql_odbc_utf16(sql, &units);
    SQLHSTMT statement;
    SQLRETURN result;

    if (!wide) {
        fputs("mssql-sql: the SQL is not UTF-8\n", stderr);
        exit(1);
    }
    must(SQLAllocHandle(SQL_HANDLE_STMT, connection, &statement),
         SQL_HANDLE_DBC, connection, "no statement");
    result = SQLExecDirectW(statement, wide, (SQLINTEGER)units);
    must(result, SQL_HANDLE_STMT, statement, "the SQL fails");
    do {
        print_rows(statement);
        result = SQLMoreResults(statement);
        must(result, SQL_HANDLE_STMT, statement, "the SQL fails");
    } while (result != SQL_NO_DATA);
    SQLFreeHandle(SQL_HANDLE_STMT, statement);
    free(wide);
}

int main(int argc, char *argv[])
{
    static char sql[SQL_MOST + 1];
    SQLHENV environment;
    SQLHDBC connection;

    if (argc != 2) {
        fputs("usage: mssql-sql DATABASE <SQL\n", stderr);
        return 2;
    }
    if (fread(sql, 1, SQL_MOST, stdin) == SQL_MOST) {
        fputs("mssql-sql: the SQL is too long\n", stderr);
        return 1;
    }
    if (!SQL_SUCCEEDED(
            SQLAllocHandle(SQL_HANDLE_ENV, SQL_NULL_HANDLE, &environment)))
        return 1;
    SQLSetEnvAttr(environment, SQL_ATTR_ODBC_VERSION,
                  (SQLPOINTER)(intptr_t)SQL_OV_ODBC3, 0);
    connection = open_database(environment, argv[1]);
    run(connection, sql);
    SQLDisconnect(connection);
    SQLFreeHandle(SQL_HANDLE_DBC, connection);
    SQLFreeHandle(SQL_HANDLE_ENV, environment);
    return fflush(stdout) == 0 ? 0 : 1;
}
