/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* The connection to a database.
 *
 * Threads: unixODBC does no locking of its own for a driver unless odbcinst.ini
 * says Threading = 1, 2 or 3; the default, 0, is right here, because an
 * instance is used by one thread at a time and both drivers are safe to use for
 * several connections at once.  With 1 and 2 everything still works; with 3
 * all connections of the process wait for each other, and SQLCancel() waits
 * for the statement that it is to end.  Each instance has an environment of its
 * own, so that nothing but the driver manager is shared between two. */
#include "config.h"

#include "mssql-odbc.h"

#include <ctype.h>
#include <errno.h>
#include <odbcinst.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MSSQL_ODBC_LOGIN_SECONDS = 15, MSSQL_ODBC_MOST_SECONDS = 3600 };

/* ---- Where to ----------------------------------------------------------- */

/* The secret may be missing; the host has said why then. */
static enum cs_rc mssql_odbc_find_target(struct mssql_odbc *self,
                                         struct mssql_odbc_target *target)
{
    const struct cs_host *host = self->host;
    const char *text = host->secret(host, "connection");
    if (text == NULL)
        return host->remaining_ms(host) == 0 ? CS_E_CANCELLED : CS_E_AUTH;
    enum cs_rc rc = mssql_odbc_target_read(host, text, target);
    if (rc != CS_OK)
        return rc;
    char *where;
    if (asprintf(&where, "%s%s%s%s%s", target->server,
                 target->instance ? "\\" : "",
                 target->instance ? target->instance : "",
                 target->database ? "/" : "",
                 target->database ? target->database : "") < 0)
        return mssql_odbc_out_of_memory(self);
    free(self->where);
    self->where = where;
    self->query_seconds = target->query_seconds > 0
                              ? target->query_seconds
                              : host->number(host, "query_timeout_seconds");
    if (self->query_seconds > MSSQL_ODBC_MOST_SECONDS)
        self->query_seconds = MSSQL_ODBC_MOST_SECONDS;
    return CS_OK;
}

/* ---- The driver manager -------------------------------------------------- */

/* What odbcinst.ini says, as the driver manager reads it. */
static void mssql_odbc_setting(const char *section, const char *key,
                               char value[32])
{
    if (SQLGetPrivateProfileString(section, key, "0", value, 32,
                                   "odbcinst.ini") < 0)
        *value = '\0';
}

/* A connection that goes back to a pool is not ended: its session lives on,
 * with its locks and a transaction that was not finished. */
static enum cs_rc mssql_odbc_refuse_pooling(const struct mssql_odbc *self)
{
    const char *driver = self->host->text(self->host, "driver");
    char pooling[32], timeout[32];
    mssql_odbc_setting("ODBC", "Pooling", pooling);
    mssql_odbc_setting(driver, "CPTimeout", timeout);
    int first = toupper((unsigned char)*pooling);
    bool pools = first == '1' || first == 'Y' ||
                 (first == 'O' && toupper((unsigned char)pooling[1]) == 'N');
    if (pools && strtol(timeout, NULL, 10) > 0)
        return cs_fail(self->host, CS_E_CONFIG,
                       "driver \"%s\": odbcinst.ini pools its connections, and "
                       "one in a pool keeps its locks; take Pooling out of "
                       "[ODBC] there, or CPTimeout out of the driver's section",
                       driver);
    return CS_OK;
}

static enum cs_rc mssql_odbc_make_environment(struct mssql_odbc *self)
{
    if (self->environment != NULL)
        return CS_OK;
    if (!SQL_SUCCEEDED(SQLAllocHandle(SQL_HANDLE_ENV, SQL_NULL_HANDLE,
                                      &self->environment))) {
        self->environment = NULL;
        return mssql_odbc_out_of_memory(self);
    }
    SQLSetEnvAttr(self->environment, SQL_ATTR_ODBC_VERSION,
                  (SQLPOINTER)SQL_OV_ODBC3, 0);
    return CS_OK;
}

/* With its first look at odbcinst.ini each of unixODBC's two libraries notes
 * in variables without a lock where that is (odbcinst/_odbcinst_SystemINI.c of
 * 2.3.11).  Both look here, so that here one thread at a time does. */
static enum cs_rc mssql_odbc_meet_manager(struct mssql_odbc *self)
{
    static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    pthread_mutex_lock(&mutex);
    enum cs_rc rc = mssql_odbc_refuse_pooling(self);
    if (rc == CS_OK)
        rc = mssql_odbc_make_environment(self);
    pthread_mutex_unlock(&mutex);
    return rc;
}

/* ---- Logging in --------------------------------------------------------- */

static enum cs_rc mssql_odbc_make_connection(struct mssql_odbc *self,
                                             long seconds)
{
    if (!SQL_SUCCEEDED(SQLAllocHandle(SQL_HANDLE_DBC, self->environment,
                                      &self->connection))) {
        self->connection = NULL;
        return mssql_odbc_out_of_memory(self);
    }
    SQLSetConnectAttr(self->connection, SQL_ATTR_LOGIN_TIMEOUT,
                      (SQLPOINTER)(uintptr_t)seconds, SQL_IS_UINTEGER);
    /* Says to Microsoft's driver how long the server may take to confirm that
     * a statement was given up (it waits twice, and two minutes unless it is
     * told).  Statements under way may take as long as they are given. */
    SQLSetConnectAttr(self->connection, SQL_ATTR_CONNECTION_TIMEOUT,
                      (SQLPOINTER)(uintptr_t)MSSQL_ODBC_CONFIRM_SECONDS,
                      SQL_IS_UINTEGER);
    return CS_OK;
}

static enum cs_rc mssql_odbc_connect_text(struct mssql_odbc *self,
                                          const char *text)
{
    size_t units;
    SQLWCHAR *wide = mssql_odbc_utf16(text, &units);
    if (wide == NULL && errno == EILSEQ)
        return cs_fail(self->host, CS_E_CONFIG,
                       "%s: the connection string is not valid UTF-8",
                       self->where);
    if (wide == NULL)
        return mssql_odbc_out_of_memory(self);
    SQLRETURN code = SQLDriverConnectW(self->connection, NULL, wide, SQL_NTS,
                                       NULL, 0, NULL, SQL_DRIVER_NOPROMPT);
    self->host->wipe(wide, units * sizeof *wide);
    free(wide);
    if (!SQL_SUCCEEDED(code))
        return mssql_odbc_fail(self, SQL_HANDLE_DBC, self->connection, NULL);
    return CS_OK;
}

static enum cs_rc mssql_odbc_log_in(struct mssql_odbc *self)
{
    const struct cs_host *host = self->host;
    const struct mssql_odbc_security security = {
        .encrypt = host->flag(host, "encrypt"),
        .verify_certificate = host->flag(host, "verify_certificate"),
        .ca_file = host->text(host, "ca_file"),
    };
    struct mssql_odbc_target target = {.server = NULL};
    char *text = NULL;
    enum cs_rc rc = mssql_odbc_meet_manager(self);
    if (rc == CS_OK)
        rc = mssql_odbc_find_target(self, &target);
    if (rc == CS_OK)
        rc = mssql_odbc_driver_text(host, host->text(host, "driver"), &target,
                                    &security, &text);
    long most = host->remaining_ms(host) / 1000 + 1;
    long seconds = target.login_seconds > 0 ? target.login_seconds
                                            : MSSQL_ODBC_LOGIN_SECONDS;
    self->encrypted = security.encrypt || target.encrypt > 0;
    mssql_odbc_target_clear(host, &target);
    if (rc == CS_OK)
        rc = mssql_odbc_make_connection(self, seconds < most ? seconds : most);
    if (rc == CS_OK)
        rc = mssql_odbc_connect_text(self, text);
    if (text != NULL)
        host->wipe(text, strlen(text));
    free(text);
    return rc;
}

/* ---- The session -------------------------------------------------------- */

/* What the drivers set differently, or a server's defaults might.  Filtered
 * indexes, which a key that was added has, want most of it; an error is to end
 * its statement and not the transaction. */
static enum cs_rc mssql_odbc_prepare(struct mssql_odbc *self)
{
    static const char settings[] =
        "SET NOCOUNT OFF; SET XACT_ABORT OFF; SET IMPLICIT_TRANSACTIONS OFF; "
        "SET TRANSACTION ISOLATION LEVEL READ COMMITTED; "
        "SET LOCK_TIMEOUT 10000; SET TEXTSIZE 2147483647; "
        "SET ANSI_NULLS ON; SET ANSI_PADDING ON; SET ANSI_WARNINGS ON; "
        "SET ARITHABORT ON; SET CONCAT_NULL_YIELDS_NULL ON; "
        "SET QUOTED_IDENTIFIER ON; SET NUMERIC_ROUNDABORT OFF";
    return mssql_odbc_run(self, settings, NULL, 0, NULL, NULL, 0);
}

/* A question that failed, and by no answer of the server's to it. */
static bool mssql_odbc_says_nothing(const struct mssql_odbc *self,
                                    enum cs_rc rc)
{
    return self->connection == NULL || rc == CS_E_CANCELLED || rc == CS_E_RETRY;
}

/* A compatibility level below 130 hides it; only a try tells for certain. */
static enum cs_rc mssql_odbc_look_for_openjson(struct mssql_odbc *self)
{
    static const char sql[] =
        "SELECT COUNT(*) FROM OPENJSON(N'[[1]]') WITH (n INT '$[0]')";
    int64_t rows;
    enum cs_rc rc = mssql_odbc_run(self, sql, NULL, 0, NULL, &rows, 1);
    self->openjson = rc == CS_OK;
    return mssql_odbc_says_nothing(self, rc) ? rc : CS_OK;
}

/* A driver that does not know the word for encryption in its connection string
 * passes over it without a sound. */
static enum cs_rc mssql_odbc_look_at_encryption(struct mssql_odbc *self)
{
    static const char sql[] =
        "SELECT (SELECT CASE encrypt_option WHEN 'TRUE' THEN 1 ELSE 0 END "
        "FROM sys.dm_exec_connections WHERE session_id = @@SPID)";
    int64_t encrypted = -1;
    enum cs_rc rc = mssql_odbc_run(self, sql, NULL, 0, NULL, &encrypted, 1);
    if (mssql_odbc_says_nothing(self, rc))
        return rc;
    if (rc != CS_OK || encrypted == -1)
        cs_log(self->host, CS_LOG_WARN,
               "%s: this login may not see whether the connection is "
               "encrypted; it is to be",
               self->where);
    else if (encrypted == 0)
        return cs_fail(self->host, CS_E_CONFIG,
                       "%s: the connection is not encrypted, though the option "
                       "encrypt or the connection string says so",
                       self->where);
    return CS_OK;
}

enum cs_rc mssql_odbc_connect(struct mssql_odbc *self)
{
    if (self->doubtful)
        mssql_odbc_disconnect(self);
    if (self->connection != NULL)
        return CS_OK;
    if (self->transaction)
        return cs_fail(self->host, CS_E_RETRY,
                       "%s: the connection was lost in the middle of a "
                       "transaction",
                       self->where);
    if (mssql_odbc_late(self))
        return mssql_odbc_cancelled(self);
    enum cs_rc rc = mssql_odbc_log_in(self);
    if (rc == CS_OK)
        rc = mssql_odbc_prepare(self);
    if (rc == CS_OK)
        rc = mssql_odbc_look_for_openjson(self);
    if (rc == CS_OK && self->encrypted)
        rc = mssql_odbc_look_at_encryption(self);
    if (rc != CS_OK)
        mssql_odbc_disconnect(self);
    return rc;
}

void mssql_odbc_disconnect(struct mssql_odbc *self)
{
    if (self->connection != NULL) {
        /* Neither driver asks the server. */
        SQLDisconnect(self->connection);
        SQLFreeHandle(SQL_HANDLE_DBC, self->connection);
    }
    self->connection = NULL;
    self->doubtful = false;
    self->openjson = false;
    while (self->nlocks > 0)
        free(self->locks[--self->nlocks]);
    free(self->locks);
    self->locks = NULL;
    mssql_odbc_forget(self);
}
