/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* Statements: their parameters, their time, their results. */
#include "config.h"

#include "mssql-odbc.h"

#include <errno.h>
#include <stdlib.h>

enum { MSSQL_ODBC_FAULTS = 64 }; /* of one text that are passed over */

/* ---- What cancel() may interrupt ---------------------------------------- */

/* Before and after a call that waits for the server; false: cancelled. */
static bool mssql_odbc_enter(struct mssql_odbc *self, SQLHSTMT handle)
{
    pthread_mutex_lock(&self->mutex);
    bool cancelled = self->cancelled;
    if (!cancelled)
        self->running = handle;
    pthread_mutex_unlock(&self->mutex);
    return !cancelled;
}

static void mssql_odbc_leave(struct mssql_odbc *self)
{
    pthread_mutex_lock(&self->mutex);
    self->running = NULL;
    pthread_cond_signal(&self->left);
    pthread_mutex_unlock(&self->mutex);
}

/* ---- Making a statement ------------------------------------------------- */

/* To free a statement that has rows left is to wait until the server knows, so
 * in doubt it goes with its connection. */
static void mssql_odbc_release(struct mssql_odbc *self,
                               struct mssql_odbc_statement *statement,
                               enum cs_rc rc)
{
    if (rc == CS_E_CANCELLED || self->doubtful || mssql_odbc_dead(self))
        mssql_odbc_disconnect(self);
    else if (statement->handle != NULL)
        SQLFreeHandle(SQL_HANDLE_STMT, statement->handle);
    for (size_t i = 0; i < statement->nparameters; i++)
        free(statement->parameters[i]);
    free(statement->parameters);
    free(statement->lengths);
    *statement = (struct mssql_odbc_statement){.handle = NULL};
}

/* How long a statement may take.  It ends later when the server does not
 * confirm that: FreeTDS waits as long again, Microsoft's driver twice as long
 * as it was told when connecting. */
static long mssql_odbc_seconds(const struct mssql_odbc *self)
{
    long left = self->host->remaining_ms(self->host);
    left = self->driver == MSSQL_ODBC_FREETDS
               ? left / 2
               : left - 2 * 1000 * MSSQL_ODBC_CONFIRM_SECONDS;
    long seconds = left > 0 ? left / 1000 + (left % 1000 != 0) : 1;
    return seconds < self->query_seconds ? seconds : self->query_seconds;
}

/* SQL Server's ntext: the other types are cut at 4,000 units by FreeTDS, and
 * so is any text by a ColumnSize that is too small. */
static enum cs_rc mssql_odbc_bind(struct mssql_odbc *self,
                                  struct mssql_odbc_statement *statement,
                                  size_t i, const char *text, const char *table)
{
    size_t units = 0;
    if (text != NULL) {
        statement->parameters[i] = mssql_odbc_utf16(text, &units);
        if (statement->parameters[i] == NULL && errno == EILSEQ)
            return cs_fail(self->host, CS_E_DATA,
                           "%s%s%s: a text is not valid UTF-8", self->where,
                           table ? ", table " : "", table ? table : "");
        if (statement->parameters[i] == NULL)
            return mssql_odbc_out_of_memory(self);
    }
    SQLLEN bytes = (SQLLEN)(units * sizeof(SQLWCHAR));
    statement->lengths[i] = text != NULL ? bytes : SQL_NULL_DATA;
    SQLRETURN code = SQLBindParameter(
        statement->handle, (SQLUSMALLINT)(i + 1), SQL_PARAM_INPUT, SQL_C_WCHAR,
        SQL_WLONGVARCHAR, units > 0 ? units : 1, 0, statement->parameters[i],
        bytes, &statement->lengths[i]);
    if (!SQL_SUCCEEDED(code))
        return mssql_odbc_fail(self, SQL_HANDLE_STMT, statement->handle, table);
    return CS_OK;
}

enum cs_rc mssql_odbc_attribute(struct mssql_odbc *self, SQLHSTMT handle,
                                SQLINTEGER attribute, void *value,
                                const char *table)
{
    if (SQL_SUCCEEDED(SQLSetStmtAttr(handle, attribute, value, 0)))
        return CS_OK;
    return mssql_odbc_fail(self, SQL_HANDLE_STMT, handle, table);
}

enum cs_rc mssql_odbc_make(struct mssql_odbc *self,
                           struct mssql_odbc_statement *statement,
                           const char *table)
{
    *statement = (struct mssql_odbc_statement){.handle = NULL};
    enum cs_rc rc = mssql_odbc_connect(self);
    if (rc != CS_OK)
        return rc;
    if (mssql_odbc_late(self))
        return mssql_odbc_cancelled(self);
    if (SQL_SUCCEEDED(SQLAllocHandle(SQL_HANDLE_STMT, self->connection,
                                     &statement->handle))) {
        rc = mssql_odbc_attribute(
            self, statement->handle, SQL_ATTR_QUERY_TIMEOUT,
            (void *)(uintptr_t)mssql_odbc_seconds(self), table);
    } else {
        statement->handle = NULL;
        rc = mssql_odbc_fail(self, SQL_HANDLE_DBC, self->connection, table);
    }
    if (rc != CS_OK)
        mssql_odbc_release(self, statement, rc);
    return rc;
}

static enum cs_rc mssql_odbc_give(struct mssql_odbc *self,
                                  struct mssql_odbc_statement *statement,
                                  const char *const *parameters, size_t n,
                                  const char *table)
{
    enum cs_rc rc = CS_OK;
    if (n == 0)
        return CS_OK;
    statement->parameters = calloc(n, sizeof *statement->parameters);
    statement->lengths = calloc(n, sizeof *statement->lengths);
    if (statement->parameters == NULL || statement->lengths == NULL)
        return mssql_odbc_out_of_memory(self);
    statement->nparameters = n;
    for (size_t i = 0; rc == CS_OK && i < n; i++)
        rc = mssql_odbc_bind(self, statement, i, parameters[i], table);
    return rc;
}

/* ---- Running ------------------------------------------------------------ */

/* After a fault the server goes on with the rest of the text; to leave it now
 * would cancel that somewhere. */
static void mssql_odbc_drain(struct mssql_odbc *self,
                             struct mssql_odbc_statement *statement)
{
    SQLRETURN code = SQL_SUCCESS;
    int faults = 0;
    while ((SQL_SUCCEEDED(code) || faults++ < MSSQL_ODBC_FAULTS) &&
           code != SQL_NO_DATA && !mssql_odbc_late(self) &&
           mssql_odbc_enter(self, statement->handle)) {
        code = SQLMoreResults(statement->handle);
        mssql_odbc_leave(self);
    }
}

static enum cs_rc mssql_odbc_refused(struct mssql_odbc *self,
                                     struct mssql_odbc_statement *statement,
                                     const char *table)
{
    enum cs_rc rc =
        mssql_odbc_fail(self, SQL_HANDLE_STMT, statement->handle, table);
    if (!self->doubtful)
        mssql_odbc_drain(self, statement);
    return rc;
}

enum cs_rc mssql_odbc_execute(struct mssql_odbc *self,
                              struct mssql_odbc_statement *statement,
                              const char *sql, const char *table)
{
    size_t units;
    SQLWCHAR *wide = mssql_odbc_utf16(sql, &units);
    if (wide == NULL)
        return mssql_odbc_out_of_memory(self);
    if (!mssql_odbc_enter(self, statement->handle)) {
        free(wide);
        return mssql_odbc_cancelled(self);
    }
    SQLRETURN code = SQLExecDirectW(statement->handle, wide, SQL_NTS);
    mssql_odbc_leave(self);
    free(wide);
    /* No data: a statement that changed no row, or none that is counted. */
    if (!SQL_SUCCEEDED(code) && code != SQL_NO_DATA)
        return mssql_odbc_refused(self, statement, table);
    return CS_OK;
}

enum cs_rc mssql_odbc_start(struct mssql_odbc *self,
                            struct mssql_odbc_statement *statement,
                            const char *sql, const char *const *parameters,
                            size_t n, const char *table)
{
    enum cs_rc rc = mssql_odbc_make(self, statement, table);
    if (rc != CS_OK)
        return rc;
    rc = mssql_odbc_give(self, statement, parameters, n, table);
    if (rc == CS_OK)
        rc = mssql_odbc_execute(self, statement, sql, table);
    if (rc != CS_OK)
        mssql_odbc_release(self, statement, rc);
    return rc;
}

enum cs_rc mssql_odbc_more(struct mssql_odbc *self,
                           struct mssql_odbc_statement *statement,
                           const char *table)
{
    if (!mssql_odbc_enter(self, statement->handle))
        return mssql_odbc_cancelled(self);
    SQLRETURN code = SQLMoreResults(statement->handle);
    mssql_odbc_leave(self);
    if (code == SQL_NO_DATA)
        return CS_E_NOT_HERE;
    if (!SQL_SUCCEEDED(code))
        return mssql_odbc_refused(self, statement, table);
    return CS_OK;
}

enum cs_rc mssql_odbc_rows(struct mssql_odbc *self,
                           struct mssql_odbc_statement *statement,
                           const char *table)
{
    for (;;) {
        SQLSMALLINT columns = 0;
        if (!SQL_SUCCEEDED(SQLNumResultCols(statement->handle, &columns)))
            return mssql_odbc_fail(self, SQL_HANDLE_STMT, statement->handle,
                                   table);
        if (columns > 0)
            return CS_OK;
        enum cs_rc rc = mssql_odbc_more(self, statement, table);
        if (rc != CS_OK)
            return rc;
    }
}

enum cs_rc mssql_odbc_fetch(struct mssql_odbc *self,
                            struct mssql_odbc_statement *statement,
                            const char *table)
{
    if (mssql_odbc_late(self))
        return mssql_odbc_cancelled(self);
    if (!mssql_odbc_enter(self, statement->handle))
        return mssql_odbc_cancelled(self);
    SQLRETURN code = SQLFetch(statement->handle);
    mssql_odbc_leave(self);
    if (code == SQL_NO_DATA)
        return CS_E_NOT_HERE;
    if (!SQL_SUCCEEDED(code))
        return mssql_odbc_fail(self, SQL_HANDLE_STMT, statement->handle, table);
    return CS_OK;
}

enum cs_rc mssql_odbc_finish(struct mssql_odbc *self,
                             struct mssql_odbc_statement *statement,
                             const char *table, enum cs_rc rc)
{
    enum cs_rc more = CS_OK;
    while (rc == CS_OK && more == CS_OK)
        more = mssql_odbc_more(self, statement, table);
    if (rc == CS_OK && more != CS_E_NOT_HERE)
        rc = more;
    mssql_odbc_release(self, statement, rc);
    return rc;
}

/* ---- Numbers ------------------------------------------------------------ */

/* false: they are no numbers, or fewer. */
static bool mssql_odbc_row(struct mssql_odbc_statement *statement,
                           int64_t *values, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        SQLBIGINT value = 0;
        SQLLEN length = 0;
        if (!SQL_SUCCEEDED(SQLGetData(statement->handle, (SQLUSMALLINT)(i + 1),
                                      SQL_C_SBIGINT, &value, sizeof value,
                                      &length)))
            return false;
        values[i] = length == SQL_NULL_DATA ? -1 : value;
    }
    return true;
}

/* A trigger's results, of whatever kind, come before the statement's own. */
static enum cs_rc mssql_odbc_numbers(struct mssql_odbc *self,
                                     struct mssql_odbc_statement *statement,
                                     const char *table, int64_t *values,
                                     size_t n)
{
    bool good = false;
    enum cs_rc rc = mssql_odbc_rows(self, statement, table);
    while (rc == CS_OK) {
        rc = mssql_odbc_fetch(self, statement, table);
        if (rc == CS_OK)
            good = mssql_odbc_row(statement, values, n);
        if (rc == CS_OK || rc == CS_E_NOT_HERE)
            rc = mssql_odbc_more(self, statement, table);
        if (rc == CS_OK)
            rc = mssql_odbc_rows(self, statement, table);
    }
    if (rc != CS_E_NOT_HERE)
        return rc;
    if (good)
        return CS_OK;
    return cs_fail(self->host, CS_E_FATAL,
                   "%s: the server does not answer a question about itself",
                   self->where);
}

enum cs_rc mssql_odbc_run(struct mssql_odbc *self, const char *sql,
                          const char *const *parameters, size_t n,
                          const char *table, int64_t *values, size_t nvalues)
{
    struct mssql_odbc_statement statement;
    enum cs_rc rc =
        mssql_odbc_start(self, &statement, sql, parameters, n, table);
    if (rc != CS_OK)
        return rc;
    if (nvalues > 0)
        rc = mssql_odbc_numbers(self, &statement, table, values, nvalues);
    return mssql_odbc_finish(self, &statement, table, rc);
}
