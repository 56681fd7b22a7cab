/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* Connecting, and the journal of what a connection is told. */
#include "config.h"

#include "odbc-script.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

/* The value of a keyword; yours to free. */
static char *connect_value(const char *text, const char *keyword)
{
    size_t n = strlen(keyword);
    for (; *text != '\0'; text += strcspn(text, ";"), text += *text == ';') {
        if (strncasecmp(text, keyword, n) != 0 || text[n] != '=')
            continue;
        text += n + 1;
        bool brace = *text == '{';
        text += brace;
        return text_need(strndup(text, strcspn(text, brace ? "}" : ";")));
    }
    return NULL;
}

static const char *connect_path(const struct driver_connection *connection,
                                const char *suffix, char *path)
{
    const char *folder = getenv("ODBC_SCRIPT");
    snprintf(path, PATH_MAX, "%s/%s.%s", folder != NULL ? folder : "",
             connection->database, suffix);
    return path;
}

/* One write, so that connections do not mix their lines. */
void driver_note(struct driver_connection *connection, const char *format, ...)
{
    va_list arguments;
    char *line = NULL;
    va_start(arguments, format);
    int n = vasprintf(&line, format, arguments);
    va_end(arguments);
    if (n < 0 || write(connection->journal, line, (size_t)n) != n)
        abort();
    free(line);
}

static void connect_release(struct driver_connection *connection)
{
    script_clear(&connection->script);
    free(connection->database);
    connection->database = NULL;
    if (connection->journal >= 0)
        close(connection->journal);
    connection->journal = -1;
}

static SQLRETURN connect_open(struct driver_connection *connection,
                              const char *text)
{
    char path[PATH_MAX];
    connection->database = connect_value(text, "DATABASE");
    if (connection->database == NULL ||
        !script_read(&connection->script,
                     connect_path(connection, "script", path)))
        return driver_refuse(&connection->handle, "42000", 4060);
    connection->journal = open(connect_path(connection, "journal", path),
                               O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    if (connection->journal < 0)
        abort();
    driver_note(connection, "connect %s\n  login timeout %ld\n", text,
                connection->login_seconds);
    const struct script_rule *rule = script_find(&connection->script, NULL);
    if (rule == NULL || rule->nresults == 0)
        return SQL_SUCCESS;
    /* Whoever sets no timeout waits longer than any test. */
    if (rule->results[0].kind == SCRIPT_TIMEOUT)
        return driver_refuse(&connection->handle,
                             connection->login_seconds > 0 ? "HYT00" : "HY000",
                             0);
    return driver_fault(&connection->handle, &rule->results[0]);
}

DRIVER_EXPORT SQLRETURN SQL_API
SQLDriverConnectW(SQLHDBC arg, SQLHWND window, SQLWCHAR *wide,
                  SQLSMALLINT length, SQLWCHAR *complete, SQLSMALLINT units,
                  SQLSMALLINT *needed, SQLUSMALLINT completion)
{
    struct driver_connection *connection = arg;
    (void)window;
    (void)completion;
    if (complete != NULL && units > 0)
        *complete = 0;
    if (needed != NULL)
        *needed = 0;
    connection->handle.nfaults = 0;
    connection->dead = connection->lost = false;
    connection->transactions = 0;
    char *text = text_utf8(wide, length);
    SQLRETURN rc = text == NULL
                       ? driver_refuse(&connection->handle, "HY000", 2402)
                       : connect_open(connection, text);
    if (rc == SQL_ERROR)
        connect_release(connection);
    free(text);
    return rc;
}

DRIVER_EXPORT SQLRETURN SQL_API SQLDisconnect(SQLHDBC arg)
{
    struct driver_connection *connection = arg;
    while (connection->statements != NULL)
        driver_free(connection->statements);
    driver_note(connection, "disconnect\n");
    connect_release(connection);
    return SQL_SUCCESS;
}

/* ---- Stalls ------------------------------------------------------------- */

static void connect_tell(const struct driver_connection *connection)
{
    char path[PATH_MAX];
    int fifo = open(connect_path(connection, "stalled", path),
                    O_WRONLY | O_NONBLOCK | O_CLOEXEC);
    if (fifo < 0)
        return;
    if (write(fifo, "", 1) != 1)
        abort();
    close(fifo);
}

SQLRETURN driver_stall(struct driver_statement *statement,
                       enum script_kind kind)
{
    struct timespec end;
    int rc = kind == SCRIPT_TIMEOUT ? ETIMEDOUT : 0;
    clock_gettime(CLOCK_MONOTONIC, &end);
    end.tv_sec += (time_t)statement->seconds;
    pthread_mutex_lock(&statement->mutex);
    statement->stalled = true;
    statement->cancelled = false;
    statement->early = kind == SCRIPT_EARLY;
    statement->deaf = kind == SCRIPT_HANG;
    connect_tell(statement->connection);
    while (rc == 0 && !statement->cancelled)
        if (statement->seconds > 0)
            rc = pthread_cond_timedwait(&statement->change, &statement->mutex,
                                        &end);
        else if (!statement->deaf)
            rc = pthread_cond_wait(&statement->change, &statement->mutex);
        else
            abort(); /* nothing could ever end it */
    statement->stalled = false;
    pthread_cond_broadcast(&statement->change);
    pthread_mutex_unlock(&statement->mutex);
    driver_note(statement->connection, "  %s\n",
                rc == 0 ? "cancelled" : "timed out");
    if (rc == 0) /* so says FreeTDS; ODBC has HY008 */
        return driver_refuse(&statement->handle, "HY000", 0);
    statement->connection->dead = true;
    return driver_refuse(&statement->handle, "HYT00", 0);
}
