/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* An ODBC driver that answers from a script, so that a program's ODBC calls can
 * be tested without a server, with every fault that a server can have.
 *
 * The variable ODBC_SCRIPT names a folder.  A connection to DATABASE reads the
 * file DATABASE.script there once, and appends what it is told to do to
 * DATABASE.journal.  When a statement stalls, a byte is written to the FIFO
 * DATABASE.stalled if there is one.
 *
 * A script is a list of rules; for each statement the first one that fits
 * counts.  A statement that none fits is just done.  Blanks
 * around lines, empty lines and lines with # do not count.
 *
 *     connect            instead of a statement: what connecting gives
 *     on TEXT            the statement contains TEXT
 *     at N               only its Nth fitting statement on this connection
 *     after TEXT         only behind a statement of this connection that
 *                        contains TEXT
 *
 * Results follow, one line each, of which SQLMoreResults() gives the second and
 * later ones:
 *
 *     done               success, no set of rows
 *     none               SQL_NO_DATA, as under NOCOUNT
 *     rows N             a set of rows with N columns; its rows follow
 *     row A|B|\N         a row; \N is null
 *     elements           a row: the elements of the JSON array in the first
 *                        parameter; of an array of parameters so many sets
 *                        of a row with 1; in a column cleversync_rows
 *     trancount          a row: @@TRANCOUNT, by the BEGIN TRANSACTION and so
 *                        on that were seen, and XACT_STATE()
 *     error STATE NATIVE
 *     bad I STATE NATIVE the same, but the Ith parameters are refused
 *     late I STATE NATIVE
 *                        the same, but said when no result is left
 *     stall              no answer until SQLCancel() or the query timeout
 *     early              the same, but the first SQLCancel() comes too early
 *                        and does nothing
 *     hang               no answer until the query timeout, nor from
 *                        SQLCancel(): so does Microsoft's driver
 *     timeout            the query or login timeout has passed already
 *
 * A COMMIT or SAVE TRANSACTION without a transaction fails, too.  Here is what
 * more there is to say about the last one:
 *
 *     also STATE NATIVE  a further record of the error
 *     fetch error STATE NATIVE, fetch stall, fetch timeout
 *                        this after the rows
 *     unknown            lengths of what does not fit are SQL_NO_TOTAL
 *     dead               the connection is lost, and the driver knows
 *     lost               ... but knows only when the next statement fails
 *     undone             the server has undone the transaction
 *
 * Messages always quote "Wilhelmina", whom nobody must hear of. */
#ifndef ODBC_SCRIPT_H
#define ODBC_SCRIPT_H

#include <pthread.h>
#include <sql.h>
#include <sqlext.h>
#include <stdbool.h>
#include <stddef.h>

/* ---- Scripts: script.c -------------------------------------------------- */

enum { SCRIPT_FAULTS = 3 };

struct script_fault {
    char state[6];
    int native;
};
enum script_kind {
    SCRIPT_DONE, /* what a statement gives that no rule fits */
    SCRIPT_NONE,
    SCRIPT_ROWS,
    SCRIPT_ELEMENTS,
    SCRIPT_TRANCOUNT,
    SCRIPT_ERROR,
    SCRIPT_BAD,
    SCRIPT_LATE,
    SCRIPT_STALL,
    SCRIPT_EARLY,
    SCRIPT_HANG,
    SCRIPT_TIMEOUT,
};
struct script_result {
    enum script_kind kind;
    enum script_kind fetch; /* after the rows: DONE is nothing */
    struct script_fault faults[SCRIPT_FAULTS];
    size_t nfaults;
    long number;    /* index of parameters */
    size_t columns; /* 0: no set of rows */
    char **cells;   /* row by row; NULL is null */
    size_t ncells;
    bool unknown, dead, lost, undone;
};
struct script_rule {
    char *text;  /* NULL: connecting */
    char *after; /* NULL: at any time */
    bool waits;  /* what it comes after was not seen yet */
    long at, seen;
    struct script_result *results;
    size_t nresults;
};
struct script {
    struct script_rule *rules;
    size_t nrules;
};

/* false: there is no such file, or a line is no good (said on stderr). */
bool script_read(struct script *script, const char *path);
void script_clear(struct script *script);
/* statement NULL: connecting.  NULL: none fits. */
const struct script_rule *script_find(struct script *script,
                                      const char *statement);

/* ---- Text: text.c ------------------------------------------------------- */

/* Yours to free; memory never runs out here.  length: units or SQL_NTS. */
char *text_utf8(const SQLWCHAR *text, SQLLEN length); /* NULL: no UTF-16 */
SQLWCHAR *text_utf16(const char *text, size_t *units);
void *text_need(void *memory); /* stops the program when memory is out */

/* ---- Handles: handle.c, connect.c, execute.c, fetch.c ------------------- */

enum { DRIVER_PARAMETERS = 2100, DRIVER_COLUMNS = 64 };

struct driver_handle { /* first in each */
    SQLSMALLINT type;
    struct script_fault faults[SCRIPT_FAULTS];
    size_t nfaults;
};
struct driver_connection {
    struct driver_handle handle;
    struct script script;
    char *database;
    int journal; /* -1: not connected */
    long login_seconds;
    bool dead, lost;
    int transactions;                    /* BEGIN TRANSACTION less COMMIT */
    struct driver_statement *statements; /* all of them */
    struct driver_statement *busy; /* its results are not read to the end */
};
struct driver_parameter {
    SQLSMALLINT sql_type;
    SQLULEN column_size; /* FreeTDS cuts what is longer, without a word */
    const void *value;
    SQLLEN size, *lengths;
};
struct driver_column {
    SQLSMALLINT c_type;
    void *value; /* NULL: not bound */
    SQLLEN size, *lengths;
};
struct driver_statement {
    struct driver_handle handle;
    struct driver_connection *connection;
    struct driver_statement *next_statement;

    SQLULEN seconds; /* query timeout */
    SQLULEN row_array, *rows_fetched;
    SQLUSMALLINT *row_status;
    SQLULEN parameter_array, *parameters_done;
    SQLUSMALLINT *parameter_status;
    struct driver_parameter parameters[DRIVER_PARAMETERS];
    struct driver_column columns[DRIVER_COLUMNS];

    const struct script_rule *rule; /* NULL: none fits */
    size_t next;                    /* result */
    struct script_result result;    /* of now; its cells are `own` or the
                                       rule's */
    char *own[2], numbers[2][24];
    size_t nown;       /* elements of the JSON parameter */
    size_t again;      /* so many sets of a row like the result follow */
    bool open;         /* result is a set of rows */
    size_t row;        /* of the next fetch */
    size_t got, taken; /* SQLGetData(): column, and units given already */

    pthread_mutex_t mutex; /* around the next ones */
    pthread_cond_t change;
    bool stalled, early, deaf, cancelled;
};

/* Both return SQL_ERROR. */
SQLRETURN driver_refuse(struct driver_handle *handle, const char *state,
                        int native);
SQLRETURN driver_fault(struct driver_handle *handle,
                       const struct script_result *result);
void driver_note(struct driver_connection *connection, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void driver_close(struct driver_statement *statement); /* its results */
void driver_free(struct driver_statement *statement);
/* Does nothing for `seconds`; 0: without end.  Returns SQL_ERROR. */
SQLRETURN driver_stall(struct driver_statement *statement,
                       enum script_kind kind);

#define DRIVER_EXPORT __attribute__((visibility("default")))

#endif
