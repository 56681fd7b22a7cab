/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* SQL Server and Azure SQL, through Microsoft's ODBC driver or FreeTDS.
 *
 * One connection per instance, made by the first call that needs it.  Drivers
 * see only autocommit; a transaction is begun and ended by statements, because
 * the two drivers understand SQLEndTran() differently. */
#include "config.h"

#include "mssql-odbc.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

/* How often cancel() tells the driver. */
enum {
    MSSQL_ODBC_AGAIN_NS = 50 * 1000 * 1000,
    MSSQL_ODBC_SECOND_NS = 1000000000
};

static const struct cs_option mssql_odbc_options[] = {
    {.name = "connection",
     .type = CS_OPT_SECRET | CS_OPT_TEMPLATE,
     .help = "the name of the secret that holds the connection string, such as "
             "{secret_prefix}--{school_prefix}--ConnectionString; the string "
             "as ADO.NET or ODBC write it"},
    {.name = "driver",
     .type = CS_OPT_TEXT,
     .fallback = "ODBC Driver 18 for SQL Server",
     .help = "the ODBC driver: Microsoft's or FreeTDS, by the name that "
             "\"odbcinst -q -d\" lists or by its path"},
    {.name = "encrypt",
     .type = CS_OPT_FLAG,
     .fallback = "true",
     .help = "false: the connection may be readable on its way, where the "
             "connection string does not ask for encryption"},
    {.name = "verify_certificate",
     .type = CS_OPT_FLAG,
     .fallback = "true",
     .help = "false: any certificate will do, so that anybody on the way can "
             "pretend to be the server"},
    {.name = "ca_file",
     .type = CS_OPT_TEXT | CS_OPT_OPTIONAL,
     .help = "certificates of the authorities to trust, in PEM; for FreeTDS, "
             "because Microsoft's driver uses the system's"},
    {.name = "query_timeout_seconds",
     .type = CS_OPT_NUMBER,
     .fallback = "60",
     .allowed = "1..3600",
     .help = "how long one statement may take; Command Timeout in the "
             "connection string wins"},
    {.name = NULL},
};

static void mssql_odbc_close(void *arg)
{
    struct mssql_odbc *self = arg;
    cs_log(self->host, CS_LOG_DEBUG,
           "%zu SELECT statements read %zu rows, %zu statements wrote",
           self->selects, self->read, self->written);
    mssql_odbc_disconnect(self); /* rolls back, frees all locks */
    if (self->environment != NULL)
        SQLFreeHandle(SQL_HANDLE_ENV, self->environment);
    pthread_cond_destroy(&self->left);
    pthread_mutex_destroy(&self->mutex);
    free(self->where);
    free(self);
}

/* Its clock is one that nobody sets. */
static void mssql_odbc_init_left(struct mssql_odbc *self)
{
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&self->left, &attributes);
    pthread_condattr_destroy(&attributes);
}

static enum cs_rc mssql_odbc_open(const struct cs_host *host, void **self)
{
    enum mssql_odbc_driver driver;
    enum cs_rc rc =
        mssql_odbc_driver_find(host, host->text(host, "driver"), &driver);
    if (rc != CS_OK)
        return rc;
    struct mssql_odbc *made = calloc(1, sizeof *made);
    if (made == NULL)
        return cs_fail(host, CS_E_FATAL, "out of memory");
    made->host = host;
    made->driver = driver;
    made->where = strdup("the database"); /* until its name is known */
    if (made->where == NULL) {
        free(made);
        return cs_fail(host, CS_E_FATAL, "out of memory");
    }
    pthread_mutex_init(&made->mutex, NULL);
    mssql_odbc_init_left(made);
    *self = made;
    return CS_OK;
}

static enum cs_rc mssql_odbc_check(void *arg)
{
    struct mssql_odbc *self = arg;
    int64_t one;
    return mssql_odbc_run(self, "SELECT 1", NULL, 0, NULL, &one, 1);
}

/* For a moment, or until no statement is under way. */
static void mssql_odbc_pause(struct mssql_odbc *self)
{
    struct timespec end;
    clock_gettime(CLOCK_MONOTONIC, &end);
    end.tv_nsec += MSSQL_ODBC_AGAIN_NS;
    end.tv_sec += end.tv_nsec / MSSQL_ODBC_SECOND_NS;
    end.tv_nsec %= MSSQL_ODBC_SECOND_NS;
    pthread_cond_timedwait(&self->left, &self->mutex, &end);
}

/* The mutex keeps the statement from being freed under SQLCancel().  That does
 * nothing to one that the driver has not begun, so it is said until the call
 * ends; Microsoft's waits for the statement when the network is away. */
static void mssql_odbc_cancel(void *arg)
{
    struct mssql_odbc *self = arg;
    pthread_mutex_lock(&self->mutex);
    self->cancelled = true;
    while (self->running != NULL) {
        SQLCancel(self->running);
        mssql_odbc_pause(self);
    }
    pthread_mutex_unlock(&self->mutex);
}

static enum cs_rc mssql_odbc_begin(void *arg)
{
    struct mssql_odbc *self = arg;
    enum cs_rc rc = mssql_odbc_connect(self);
    if (rc != CS_OK)
        return rc;
    if (self->transaction)
        return cs_fail(self->host, CS_E_FATAL,
                       "%s: a transaction is open already", self->where);
    rc = mssql_odbc_run(self, "BEGIN TRANSACTION", NULL, 0, NULL, NULL, 0);
    self->transaction = rc == CS_OK;
    self->broken = false;
    return rc;
}

enum cs_rc mssql_odbc_failed_before(struct mssql_odbc *self)
{
    return cs_fail(
        self->host, CS_E_RETRY,
        "%s: the transaction failed before this; it has to be undone",
        self->where);
}

static enum cs_rc mssql_odbc_commit(void *arg)
{
    struct mssql_odbc *self = arg;
    if (!self->transaction)
        return cs_fail(self->host, CS_E_FATAL,
                       "%s: no transaction is open; a failure may have undone "
                       "it",
                       self->where);
    if (self->broken)
        return mssql_odbc_failed_before(self);
    bool sent = self->connection != NULL;
    enum cs_rc rc =
        mssql_odbc_run(self, "COMMIT TRANSACTION", NULL, 0, NULL, NULL, 0);
    if (rc == CS_OK)
        self->transaction = false;
    else if (rc == CS_E_RETRY && sent && self->connection == NULL)
        rc = cs_fail(self->host, CS_E_RETRY,
                     "%s: the connection was lost during the commit; it may "
                     "have been done",
                     self->where);
    return rc;
}

static void mssql_odbc_rollback(void *arg)
{
    struct mssql_odbc *self = arg;
    if (!self->transaction)
        return;
    /* The server may have undone it by itself. */
    if (mssql_odbc_run(self, "IF @@TRANCOUNT > 0 ROLLBACK TRANSACTION", NULL, 0,
                       NULL, NULL, 0) != CS_OK)
        mssql_odbc_disconnect(self);
    self->transaction = false;
}

static const struct cs_sink_ops mssql_odbc_ops = {
    .life = {.open = mssql_odbc_open,
             .check = mssql_odbc_check,
             .cancel = mssql_odbc_cancel,
             .close = mssql_odbc_close},
    .inspect = mssql_odbc_inspect,
    .alter = mssql_odbc_alter,
    .lock = mssql_odbc_lock,
    .holds = mssql_odbc_holds,
    .unlock = mssql_odbc_unlock,
    .scan = mssql_odbc_scan,
    .begin = mssql_odbc_begin,
    .apply = mssql_odbc_apply,
    .commit = mssql_odbc_commit,
    .rollback = mssql_odbc_rollback,
    .script_begin = mssql_odbc_sql_begin,
    .script_end = mssql_odbc_sql_end,
};

CS_SINK_PLUGIN("mssql-odbc", mssql_odbc_ops, .version = "1.0",
               .summary = "SQL Server and Azure SQL, through ODBC",
               .options = mssql_odbc_options);
