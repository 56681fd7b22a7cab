/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* Statements, their parameters, and one result after another. */
#include "config.h"

#include "odbc-script.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- Parameters --------------------------------------------------------- */

DRIVER_EXPORT SQLRETURN SQL_API SQLBindParameter(
    SQLHSTMT arg, SQLUSMALLINT number, SQLSMALLINT direction,
    SQLSMALLINT c_type, SQLSMALLINT sql_type, SQLULEN column_size,
    SQLSMALLINT digits, SQLPOINTER value, SQLLEN size, SQLLEN *lengths)
{
    struct driver_statement *statement = arg;
    (void)digits;
    if (number < 1 || number > DRIVER_PARAMETERS)
        return driver_refuse(&statement->handle, "07009", 0);
    if (direction != SQL_PARAM_INPUT || c_type != SQL_C_WCHAR)
        return driver_refuse(&statement->handle, "HYC00", 0);
    statement->parameters[number - 1] =
        (struct driver_parameter){sql_type, column_size, value, size, lengths};
    return SQL_SUCCESS;
}

/* The marks for parameters: those outside of quotes. */
static size_t execute_marks(const char *text)
{
    size_t n = 0;
    char quote = '\0';
    for (; *text != '\0'; text++)
        if (quote != '\0')
            quote = *text == quote ? '\0' : quote;
        else if (*text == '\'' || *text == '"')
            quote = *text;
        else if (*text == '[')
            quote = ']';
        else if (*text == '?')
            n++;
    return n;
}

/* Column-wise, as arrays are bound by default. */
static bool execute_parameter(const struct driver_parameter *parameter,
                              size_t row, char **text)
{
    SQLLEN length = parameter->lengths ? parameter->lengths[row] : SQL_NTS;
    *text = NULL;
    if (length == SQL_NULL_DATA)
        return true;
    if (length < 0 && length != SQL_NTS)
        return false;
    const SQLWCHAR *value = (const SQLWCHAR *)((const char *)parameter->value +
                                               row * (size_t)parameter->size);
    if (length == SQL_NTS)
        for (length = 0; value[length] != 0;)
            length++;
    else
        length /= (SQLLEN)sizeof *value;
    *text = text_utf8(value, length);
    return *text != NULL && (SQLULEN)length <= parameter->column_size;
}

static char **execute_parameters(struct driver_statement *statement, size_t n,
                                 bool *good)
{
    size_t rows = statement->parameter_array;
    char **texts = text_need(calloc(n * rows + 1, sizeof *texts));
    *good = true;
    for (size_t i = 0; *good && i < n * rows; i++)
        *good =
            execute_parameter(&statement->parameters[i % n], i / n, &texts[i]);
    return texts;
}

/* ---- Results ------------------------------------------------------------ */

/* A row of numbers that are not the script's. */
static void execute_numbers(struct driver_statement *statement, size_t first,
                            size_t second)
{
    const size_t numbers[] = {first, second};
    for (size_t i = 0; i < 2; i++) {
        snprintf(statement->numbers[i], sizeof statement->numbers[i], "%zu",
                 numbers[i]);
        statement->own[i] = statement->numbers[i];
    }
    statement->result.cells = statement->own;
    statement->result.ncells = statement->result.columns;
}

/* A set of a row with 1 for each of n parameters. */
static void execute_each(struct driver_statement *statement, size_t n)
{
    execute_numbers(statement, 1, 0);
    statement->again = n - 1;
}

static SQLRETURN execute_bad(struct driver_statement *statement)
{
    size_t i = (size_t)statement->result.number;
    if (statement->parameter_status == NULL || i >= statement->parameter_array)
        return driver_refuse(&statement->handle, "HYC00", 0);
    statement->parameter_status[i] = SQL_PARAM_ERROR;
    driver_fault(&statement->handle, &statement->result);
    return SQL_SUCCESS_WITH_INFO;
}

/* The rows that a result has without the script saying so. */
static void execute_fill(struct driver_statement *statement)
{
    size_t open = (size_t)statement->connection->transactions;
    size_t array = statement->parameter_array;
    switch (statement->result.kind) {
    case SCRIPT_ELEMENTS:
        if (array > 1)
            execute_each(statement, array);
        else
            execute_numbers(statement, statement->nown, 0);
        break;
    case SCRIPT_TRANCOUNT:
        execute_numbers(statement, open, open > 0);
        break;
    case SCRIPT_BAD:
    case SCRIPT_LATE:
        if (array > 1)
            execute_each(statement, array - 1);
        break;
    default:
        break;
    }
}

/* Enters the result in statement->result. */
static SQLRETURN execute_enter(struct driver_statement *statement)
{
    struct driver_connection *connection = statement->connection;
    const struct script_result *result = &statement->result;
    if (result->undone)
        connection->transactions = 0;
    connection->dead |= result->dead;
    connection->lost |= result->lost;
    statement->open = result->columns > 0;
    statement->row = statement->got = statement->taken = statement->again = 0;
    execute_fill(statement);
    switch (result->kind) {
    case SCRIPT_NONE:
        return SQL_NO_DATA;
    case SCRIPT_ERROR:
        return driver_fault(&statement->handle, result);
    case SCRIPT_BAD:
        return execute_bad(statement);
    case SCRIPT_STALL:
    case SCRIPT_EARLY:
    case SCRIPT_HANG:
    case SCRIPT_TIMEOUT:
        return driver_stall(statement, result->kind);
    default:
        return SQL_SUCCESS;
    }
}

/* BEGIN TRANSACTION, COMMIT and ROLLBACK, but not to a savepoint. */
static void execute_count(struct driver_connection *connection,
                          const char *text)
{
    const char *end;
    while (*(text += strcspn(text, "BCR")) != '\0')
        if (strncmp(text, "BEGIN TRAN", 10) == 0) {
            connection->transactions++;
            text += 10;
        } else if (strncmp(text, "COMMIT", 6) == 0) {
            connection->transactions -= connection->transactions > 0;
            text += 6;
        } else if (strncmp(text, "ROLLBACK TRANSACTION", 20) == 0) {
            end = text + 20 + strspn(text + 20, " ");
            if (*end == '\0' || *end == ';')
                connection->transactions = 0;
            text = end;
        } else {
            text++;
        }
}

/* What the server says to what needs a transaction; 0: nothing. */
static int execute_lacks(const struct driver_connection *connection,
                         const char *text)
{
    if (connection->transactions > 0 || strstr(text, "BEGIN TRAN") != NULL)
        return 0;
    return strstr(text, "COMMIT TRANSACTION") != NULL ? 3902
           : strstr(text, "SAVE TRANSACTION") != NULL ? 628
                                                      : 0;
}

static size_t execute_elements(const char *json)
{
    json_t *array = json != NULL ? json_loads(json, 0, NULL) : NULL;
    size_t n = json_array_size(array);
    json_decref(array);
    return n;
}

/* ---- Statements --------------------------------------------------------- */

static void execute_note(struct driver_statement *statement, char *text,
                         char *const *parameters, size_t n)
{
    for (char *end = text; (end = strchr(end, '\n')) != NULL;)
        *end = ' ';
    driver_note(statement->connection,
                "execute %s\n  transactions %d\n  timeout %lu\n", text,
                statement->connection->transactions,
                (unsigned long)statement->seconds);
    if (statement->parameter_array > 1)
        driver_note(statement->connection, "  array %lu\n",
                    (unsigned long)statement->parameter_array);
    for (size_t i = 0; i < n; i++)
        driver_note(statement->connection, "  parameter %s\n",
                    parameters[i] != NULL ? parameters[i] : "(null)");
}

/* Not the connection's state: what an error in the program would be. */
static SQLRETURN execute_misuse(struct driver_statement *statement,
                                size_t marks)
{
    struct driver_connection *connection = statement->connection;
    if (connection->busy != NULL)
        return driver_refuse(&statement->handle, "24000", 0);
    for (size_t i = 0; i < DRIVER_PARAMETERS; i++)
        if ((i < marks) != (statement->parameters[i].value != NULL ||
                            statement->parameters[i].lengths != NULL))
            return driver_refuse(&statement->handle, "07002", 0);
        else if (i < marks &&
                 statement->parameters[i].sql_type != SQL_WLONGVARCHAR &&
                 statement->parameters[i].sql_type != SQL_WVARCHAR)
            return driver_refuse(&statement->handle, "HY004", 0);
    return SQL_SUCCESS;
}

static SQLRETURN execute_run(struct driver_statement *statement,
                             const char *text, char *const *parameters,
                             size_t n)
{
    static const struct script_result nothing = {.kind = SCRIPT_DONE};
    struct driver_connection *connection = statement->connection;
    if (connection->dead)
        return driver_refuse(&statement->handle, "08S01", 0);
    if (connection->lost) { /* so says FreeTDS */
        connection->dead = true;
        return driver_refuse(&statement->handle, "HY000", 0);
    }
    const struct script_rule *rule = script_find(&connection->script, text);
    bool more = rule != NULL && rule->nresults > 0;
    statement->rule = rule;
    statement->next = 1;
    statement->nown = n > 0 ? execute_elements(parameters[0]) : 0;
    statement->result = more ? rule->results[0] : nothing;
    int lacks = execute_lacks(connection, text);
    if (lacks != 0)
        return driver_refuse(&statement->handle, "25000", lacks);
    if (statement->parameters_done != NULL)
        *statement->parameters_done = statement->parameter_array;
    for (size_t i = 0;
         statement->parameter_status != NULL && i < statement->parameter_array;
         i++)
        statement->parameter_status[i] = SQL_PARAM_SUCCESS;
    if (statement->result.kind != SCRIPT_ERROR)
        execute_count(connection, text);
    SQLRETURN rc = execute_enter(statement);
    if (rc != SQL_ERROR)
        connection->busy = statement;
    return rc;
}

DRIVER_EXPORT SQLRETURN SQL_API SQLExecDirectW(SQLHSTMT arg, SQLWCHAR *wide,
                                               SQLINTEGER length)
{
    struct driver_statement *statement = arg;
    bool good;
    statement->handle.nfaults = 0;
    char *text = text_utf8(wide, length);
    if (text == NULL)
        return driver_refuse(&statement->handle, "HY000", 2402);
    size_t marks = execute_marks(text);
    size_t n = marks * statement->parameter_array;
    SQLRETURN rc = execute_misuse(statement, marks);
    if (rc != SQL_SUCCESS) {
        driver_note(statement->connection, "misuse %s\n", text);
        free(text);
        return rc;
    }
    char **parameters = execute_parameters(statement, marks, &good);
    if (!good) {
        rc = driver_refuse(&statement->handle, "HY000", 2402);
    } else {
        execute_note(statement, text, parameters, n);
        rc = execute_run(statement, text, parameters, n);
    }
    for (size_t i = 0; i < n; i++)
        free(parameters[i]);
    free(parameters);
    free(text);
    return rc;
}

DRIVER_EXPORT SQLRETURN SQL_API SQLMoreResults(SQLHSTMT arg)
{
    struct driver_statement *statement = arg;
    statement->handle.nfaults = 0;
    if (statement->connection->busy != statement)
        return SQL_NO_DATA;
    if (statement->again > 0) {
        statement->again--;
        statement->row = statement->got = statement->taken = 0;
        return SQL_SUCCESS;
    }
    if (statement->rule != NULL &&
        statement->next < statement->rule->nresults) {
        statement->result = statement->rule->results[statement->next++];
        return execute_enter(statement);
    }
    if (statement->result.kind == SCRIPT_LATE)
        execute_bad(statement);
    driver_close(statement);
    return SQL_NO_DATA;
}

DRIVER_EXPORT SQLRETURN SQL_API SQLCancel(SQLHSTMT arg)
{
    struct driver_statement *statement = arg;
    pthread_mutex_lock(&statement->mutex);
    while (statement->stalled && statement->deaf)
        pthread_cond_wait(&statement->change, &statement->mutex);
    statement->cancelled = statement->stalled && !statement->early;
    statement->early = false;
    pthread_cond_broadcast(&statement->change);
    pthread_mutex_unlock(&statement->mutex);
    return SQL_SUCCESS;
}

void driver_close(struct driver_statement *statement)
{
    statement->open = false;
    if (statement->connection->busy == statement)
        statement->connection->busy = NULL;
}

DRIVER_EXPORT SQLRETURN SQL_API SQLFreeStmt(SQLHSTMT arg, SQLUSMALLINT what)
{
    struct driver_statement *statement = arg;
    if (what == SQL_CLOSE)
        driver_close(statement);
    else if (what == SQL_UNBIND)
        memset(statement->columns, 0, sizeof statement->columns);
    else if (what == SQL_RESET_PARAMS)
        memset(statement->parameters, 0, sizeof statement->parameters);
    return SQL_SUCCESS;
}
