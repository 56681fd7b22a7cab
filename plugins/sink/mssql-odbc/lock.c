/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* Locks that die with the connection: application locks of its session.  The
 * server compares their names byte for byte. */
#include "config.h"

#include "mssql-odbc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    MSSQL_ODBC_SLICE_MS = 2000, /* between two looks at the deadline */
    MSSQL_ODBC_LEAST_MS = 250,
    MSSQL_ODBC_LOCK_NAME = 255 /* UTF-16 units; the server cuts the rest */
};

/* What sp_getapplock returns; 1: after waiting. */
enum {
    MSSQL_ODBC_GRANTED = 0,
    MSSQL_ODBC_TIMEOUT = -1,
    MSSQL_ODBC_CANCELLED = -2,
    MSSQL_ODBC_DEADLOCK = -3
};

static size_t mssql_odbc_lock_index(const struct mssql_odbc *self,
                                    const char *name)
{
    size_t i = 0;
    while (i < self->nlocks && strcmp(self->locks[i], name) != 0)
        i++;
    return i;
}

/* Babelfish refuses a wait of 0, and keeps the error of each refusal until the
 * session catches another one; the sixth that is kept takes the whole server
 * down, and a school that another process has is asked for again and again.
 * Caught after sp_getapplock, it would cost the session its user. */
static enum cs_rc mssql_odbc_lock_try(struct mssql_odbc *self, const char *name,
                                      long ms, int64_t *result)
{
    static const char sql[] =
        "DECLARE @name NVARCHAR(255) = CAST(? AS NVARCHAR(MAX)), "
        "@wait INT = CAST(CAST(? AS NVARCHAR(MAX)) AS INT), @result INT; "
        "IF @@VERSION LIKE 'Babelfish%' BEGIN "
        "BEGIN TRY RAISERROR('forget', 16, 1); END TRY "
        "BEGIN CATCH IF @wait = 0 SET @wait = 1; END CATCH; END; "
        "EXEC @result = sp_getapplock @Resource = @name, "
        "@LockMode = 'Exclusive', @LockOwner = 'Session', "
        "@LockTimeout = @wait; SELECT @result";
    char wait[24];
    snprintf(wait, sizeof wait, "%ld", ms);
    const char *const parameters[] = {name, wait};
    return mssql_odbc_run(self, sql, parameters, 2, NULL, result, 1);
}

/* How long to wait in one statement: so that a cancellation is seen, and well
 * within the time that the statement has. */
static long mssql_odbc_slice(const struct mssql_odbc *self, long wait_ms)
{
    long slice = self->host->remaining_ms(self->host) / 4;
    if (slice > MSSQL_ODBC_SLICE_MS)
        slice = MSSQL_ODBC_SLICE_MS;
    if (slice > self->query_seconds * 500)
        slice = self->query_seconds * 500;
    if (slice < MSSQL_ODBC_LEAST_MS)
        slice = MSSQL_ODBC_LEAST_MS;
    if (slice > wait_ms)
        slice = wait_ms;
    return slice;
}

static enum cs_rc mssql_odbc_lock_wait(struct mssql_odbc *self,
                                       const char *name, long wait_ms)
{
    const struct cs_host *host = self->host;
    for (;;) {
        int64_t result;
        long slice = mssql_odbc_slice(self, wait_ms);
        enum cs_rc rc = mssql_odbc_lock_try(self, name, slice, &result);
        if (rc != CS_OK || result >= MSSQL_ODBC_GRANTED)
            return rc;
        if (result == MSSQL_ODBC_DEADLOCK)
            return cs_fail(host, CS_E_RETRY,
                           "%s: the server ended a deadlock by refusing the "
                           "lock %s",
                           self->where, name);
        if (result != MSSQL_ODBC_TIMEOUT && result != MSSQL_ODBC_CANCELLED)
            return cs_fail(host, CS_E_FATAL,
                           "%s: sp_getapplock refuses the lock %s (%ld)",
                           self->where, name, (long)result);
        wait_ms -= slice;
        if (wait_ms <= 0)
            return cs_fail(host, CS_E_BUSY,
                           "%s: another process holds the lock %s", self->where,
                           name);
    }
}

enum cs_rc mssql_odbc_lock(void *arg, const char *name, long wait_ms)
{
    struct mssql_odbc *self = arg;
    enum cs_rc rc = mssql_odbc_connect(self);
    if (rc != CS_OK)
        return rc;
    if (mssql_odbc_units(name) > MSSQL_ODBC_LOCK_NAME)
        return cs_fail(self->host, CS_E_FATAL,
                       "%s: the name of a lock is too long or not UTF-8",
                       self->where);
    if (mssql_odbc_lock_index(self, name) < self->nlocks)
        return cs_fail(self->host, CS_E_BUSY,
                       "%s: this process holds the lock %s already",
                       self->where, name);
    rc = mssql_odbc_lock_wait(self, name, wait_ms > 0 ? wait_ms : 0);
    if (rc != CS_OK)
        return rc;
    char **locks = realloc(self->locks, (self->nlocks + 1) * sizeof *locks);
    if (locks != NULL)
        self->locks = locks;
    if (locks == NULL || (locks[self->nlocks] = strdup(name)) == NULL) {
        mssql_odbc_disconnect(self); /* which frees it */
        return mssql_odbc_out_of_memory(self);
    }
    self->nlocks++;
    return CS_OK;
}

/* The connection may have been renewed meanwhile, and with it went the lock:
 * only the server knows. */
enum cs_rc mssql_odbc_holds(void *arg, const char *name)
{
    static const char sql[] =
        "SELECT CASE APPLOCK_MODE('public', CAST(CAST(? AS NVARCHAR(MAX)) AS "
        "NVARCHAR(255)), 'Session') WHEN 'Exclusive' THEN 1 ELSE 0 END";
    struct mssql_odbc *self = arg;
    int64_t held = 0;
    if (self->doubtful)
        mssql_odbc_disconnect(self);
    if (mssql_odbc_lock_index(self, name) == self->nlocks)
        return cs_fail(self->host, CS_E_BUSY,
                       "%s: the lock %s is not held: it never was, or its "
                       "connection was lost",
                       self->where, name);
    enum cs_rc rc = mssql_odbc_run(self, sql, &name, 1, NULL, &held, 1);
    if (rc == CS_OK && held == 0)
        rc = cs_fail(self->host, CS_E_BUSY,
                     "%s: the lock %s is not held any more", self->where, name);
    return rc;
}

void mssql_odbc_unlock(void *arg, const char *name)
{
    static const char sql[] =
        "DECLARE @name NVARCHAR(255) = CAST(? AS NVARCHAR(MAX)), "
        "@result INT; EXEC @result = sp_releaseapplock @Resource = @name, "
        "@LockOwner = 'Session'; SELECT @result";
    struct mssql_odbc *self = arg;
    size_t i = mssql_odbc_lock_index(self, name);
    int64_t result;
    if (i == self->nlocks)
        return;
    if (mssql_odbc_run(self, sql, &name, 1, NULL, &result, 1) != CS_OK ||
        result < 0) {
        mssql_odbc_disconnect(self); /* which frees it in any case */
        return;
    }
    free(self->locks[i]);
    self->locks[i] = self->locks[--self->nlocks];
}
