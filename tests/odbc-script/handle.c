/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* Handles, their attributes, and the records of what went wrong. */
#include "config.h"

#include "odbc-script.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- Faults ------------------------------------------------------------- */

SQLRETURN driver_refuse(struct driver_handle *handle, const char *state,
                        int native)
{
    struct script_fault *fault = &handle->faults[0];
    snprintf(fault->state, sizeof fault->state, "%s", state);
    fault->native = native;
    handle->nfaults = 1;
    return SQL_ERROR;
}

SQLRETURN driver_fault(struct driver_handle *handle,
                       const struct script_result *result)
{
    memcpy(handle->faults, result->faults, sizeof handle->faults);
    handle->nfaults = result->nfaults;
    return SQL_ERROR;
}

/* As much of a text as there is room for; size counts bytes. */
static SQLRETURN driver_text(const char *text, SQLWCHAR *to, size_t size,
                             size_t *length)
{
    size_t units, room = size / sizeof *to;
    SQLWCHAR *wide = text_utf16(text, &units);
    *length = units * sizeof *wide;
    if (to != NULL && room > 0) {
        size_t n = units < room ? units : room - 1;
        memcpy(to, wide, n * sizeof *to);
        to[n] = 0;
    }
    free(wide);
    return to != NULL && units >= room ? SQL_SUCCESS_WITH_INFO : SQL_SUCCESS;
}

DRIVER_EXPORT SQLRETURN SQL_API
SQLGetDiagRecW(SQLSMALLINT type, SQLHANDLE arg, SQLSMALLINT record,
               SQLWCHAR *state, SQLINTEGER *native, SQLWCHAR *message,
               SQLSMALLINT units, SQLSMALLINT *needed)
{
    const struct driver_handle *handle = arg;
    char text[128];
    size_t length;
    if (record < 1 || handle->type != type)
        return SQL_ERROR;
    if ((size_t)record > handle->nfaults)
        return SQL_NO_DATA;
    const struct script_fault *fault = &handle->faults[record - 1];
    if (state != NULL)
        driver_text(fault->state, state, 6 * sizeof *state, &length);
    if (native != NULL)
        *native = fault->native;
    snprintf(text, sizeof text,
             "[script] Cannot handle Wilhelmina, Password=open sesame");
    SQLRETURN rc =
        driver_text(text, message, (size_t)units * sizeof *message, &length);
    if (needed != NULL)
        *needed = (SQLSMALLINT)(length / sizeof *message);
    return rc;
}

DRIVER_EXPORT SQLRETURN SQL_API SQLGetDiagFieldW(
    SQLSMALLINT type, SQLHANDLE arg, SQLSMALLINT record, SQLSMALLINT field,
    SQLPOINTER value, SQLSMALLINT size, SQLSMALLINT *needed)
{
    const struct driver_handle *handle = arg;
    (void)type;
    (void)size;
    (void)needed;
    if (field == SQL_DIAG_NUMBER) {
        *(SQLINTEGER *)value = (SQLINTEGER)handle->nfaults;
        return SQL_SUCCESS;
    }
    if (record < 1 || (size_t)record > handle->nfaults)
        return SQL_NO_DATA;
    if (field != SQL_DIAG_NATIVE)
        return SQL_ERROR;
    *(SQLINTEGER *)value = handle->faults[record - 1].native;
    return SQL_SUCCESS;
}

/* ---- Handles ------------------------------------------------------------ */

static struct driver_handle *driver_new_environment(void)
{
    return text_need(calloc(1, sizeof(struct driver_handle)));
}

static struct driver_handle *driver_new_connection(void)
{
    struct driver_connection *made = text_need(calloc(1, sizeof *made));
    made->journal = -1;
    return &made->handle;
}

static struct driver_handle *
driver_new_statement(struct driver_connection *connection)
{
    struct driver_statement *made = text_need(calloc(1, sizeof *made));
    pthread_condattr_t attribute;
    made->connection = connection;
    made->next_statement = connection->statements;
    connection->statements = made;
    made->row_array = made->parameter_array = 1;
    pthread_mutex_init(&made->mutex, NULL);
    pthread_condattr_init(&attribute);
    pthread_condattr_setclock(&attribute, CLOCK_MONOTONIC);
    pthread_cond_init(&made->change, &attribute);
    pthread_condattr_destroy(&attribute);
    return &made->handle;
}

DRIVER_EXPORT SQLRETURN SQL_API SQLAllocHandle(SQLSMALLINT type,
                                               SQLHANDLE parent,
                                               SQLHANDLE *made)
{
    struct driver_handle *handle = NULL;
    if (type == SQL_HANDLE_ENV)
        handle = driver_new_environment();
    else if (type == SQL_HANDLE_DBC)
        handle = driver_new_connection();
    else if (type == SQL_HANDLE_STMT)
        handle = driver_new_statement(parent);
    else
        return SQL_ERROR;
    handle->type = type;
    *made = handle;
    return SQL_SUCCESS;
}

void driver_free(struct driver_statement *statement)
{
    struct driver_statement **at = &statement->connection->statements;
    while (*at != statement)
        at = &(*at)->next_statement;
    *at = statement->next_statement;
    driver_close(statement);
    pthread_cond_destroy(&statement->change);
    pthread_mutex_destroy(&statement->mutex);
    free(statement);
}

DRIVER_EXPORT SQLRETURN SQL_API SQLFreeHandle(SQLSMALLINT type, SQLHANDLE arg)
{
    if (type == SQL_HANDLE_STMT)
        driver_free(arg);
    else
        free(arg);
    return SQL_SUCCESS;
}

/* ---- Attributes --------------------------------------------------------- */

DRIVER_EXPORT SQLRETURN SQL_API SQLSetEnvAttr(SQLHENV environment,
                                              SQLINTEGER attribute,
                                              SQLPOINTER value,
                                              SQLINTEGER length)
{
    (void)environment;
    (void)attribute;
    (void)value;
    (void)length;
    return SQL_SUCCESS;
}

DRIVER_EXPORT SQLRETURN SQL_API SQLSetConnectAttrW(SQLHDBC arg,
                                                   SQLINTEGER attribute,
                                                   SQLPOINTER value,
                                                   SQLINTEGER length)
{
    struct driver_connection *connection = arg;
    (void)length;
    if (attribute == SQL_ATTR_LOGIN_TIMEOUT)
        connection->login_seconds = (long)(SQLULEN)value;
    else if (attribute == SQL_ATTR_AUTOCOMMIT &&
             (SQLULEN)value != SQL_AUTOCOMMIT_ON)
        return driver_refuse(&connection->handle, "HYC00", 0);
    return SQL_SUCCESS;
}

DRIVER_EXPORT SQLRETURN SQL_API SQLGetConnectAttrW(SQLHDBC arg,
                                                   SQLINTEGER attribute,
                                                   SQLPOINTER value,
                                                   SQLINTEGER size,
                                                   SQLINTEGER *length)
{
    struct driver_connection *connection = arg;
    (void)size;
    (void)length;
    connection->handle.nfaults = 0;
    if (attribute != SQL_ATTR_CONNECTION_DEAD)
        return driver_refuse(&connection->handle, "HYC00", 0);
    *(SQLUINTEGER *)value = connection->dead ? SQL_CD_TRUE : SQL_CD_FALSE;
    return SQL_SUCCESS;
}

DRIVER_EXPORT SQLRETURN SQL_API SQLSetStmtAttrW(SQLHSTMT arg,
                                                SQLINTEGER attribute,
                                                SQLPOINTER value,
                                                SQLINTEGER length)
{
    struct driver_statement *statement = arg;
    (void)length;
    if (attribute == SQL_ATTR_QUERY_TIMEOUT)
        statement->seconds = (SQLULEN)value;
    else if (attribute == SQL_ATTR_ROW_ARRAY_SIZE)
        statement->row_array = (SQLULEN)value;
    else if (attribute == SQL_ATTR_ROWS_FETCHED_PTR)
        statement->rows_fetched = value;
    else if (attribute == SQL_ATTR_ROW_STATUS_PTR)
        statement->row_status = value;
    else if (attribute == SQL_ATTR_PARAMSET_SIZE)
        statement->parameter_array = (SQLULEN)value;
    else if (attribute == SQL_ATTR_PARAMS_PROCESSED_PTR)
        statement->parameters_done = value;
    else if (attribute == SQL_ATTR_PARAM_STATUS_PTR)
        statement->parameter_status = value;
    else
        return driver_refuse(&statement->handle, "HYC00", 0);
    return SQL_SUCCESS;
}

/* What the driver manager asks for when it has connected. */
DRIVER_EXPORT SQLRETURN SQL_API SQLGetInfoW(SQLHDBC connection,
                                            SQLUSMALLINT what, SQLPOINTER value,
                                            SQLSMALLINT size,
                                            SQLSMALLINT *needed)
{
    size_t length;
    (void)connection;
    if (what == SQL_CURSOR_COMMIT_BEHAVIOR ||
        what == SQL_CURSOR_ROLLBACK_BEHAVIOR) {
        *(SQLUSMALLINT *)value = SQL_CB_CLOSE;
        return SQL_SUCCESS;
    }
    if (what != SQL_DRIVER_ODBC_VER)
        return SQL_ERROR;
    driver_text("03.80", value, (size_t)size, &length);
    if (needed != NULL)
        *needed = (SQLSMALLINT)length;
    return SQL_SUCCESS;
}
