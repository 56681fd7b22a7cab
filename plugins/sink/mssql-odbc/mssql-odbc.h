/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* What the files of this plugin share: where to connect, one instance and its
 * connection, statements and their text.
 *
 * Text is UTF-8 everywhere but at the driver, which gets UTF-16. */
#ifndef MSSQL_ODBC_H
#define MSSQL_ODBC_H

#include <cleversync/plugin.h>

#include <pthread.h>
#include <sql.h>
#include <sqlext.h>

/* ---- Where to connect: target.c, driver.c ------------------------------- */

enum mssql_odbc_driver {
    MSSQL_ODBC_MICROSOFT = 1, /* Microsoft ODBC Driver 17 or 18 */
    MSSQL_ODBC_FREETDS,
};

/* A connection string, read.  Texts are the target's own; NULL: not said. */
struct mssql_odbc_target {
    char *server;   /* host name or address, without "tcp:" and port */
    char *instance; /* of "host\instance" */
    unsigned port;  /* 0: not said */
    char *database;
    char *user, *password;
    char *authentication; /* as Microsoft's ODBC driver names it */
    char *host_in_certificate;
    char *application;
    int encrypt; /* 1: yes, 2: strict, 0: no, -1: not said */
    int trust;   /* TrustServerCertificate: 1, 0, -1: not said */
    long login_seconds, query_seconds; /* 0: not said */
};

/* Reads an ADO.NET or an ODBC connection string.  CS_E_CONFIG: the sentence
 * names the keyword and never a value. */
enum cs_rc mssql_odbc_target_read(const struct cs_host *host, const char *text,
                                  struct mssql_odbc_target *target);
/* Wipes; harmless on a zeroed one. */
void mssql_odbc_target_clear(const struct cs_host *host,
                             struct mssql_odbc_target *target);

/* Which of the two a driver is, by its name in odbcinst.ini or by its path. */
enum cs_rc mssql_odbc_driver_find(const struct cs_host *host, const char *name,
                                  enum mssql_odbc_driver *driver);

struct mssql_odbc_security { /* the options of the section */
    bool encrypt;            /* false: switched off by name */
    bool verify_certificate; /* false: switched off by name */
    const char *ca_file;     /* FreeTDS only; or NULL */
};
/* The connection string for SQLDriverConnect(); to be wiped and freed.  What
 * this driver cannot do for this target is CS_E_CONFIG.  For FreeTDS to check
 * a certificate, the file that the environment's FREETDSCONF names must have a
 * section of the server's name, with its host and this ca_file. */
enum cs_rc mssql_odbc_driver_text(const struct cs_host *host,
                                  const char *driver_name,
                                  const struct mssql_odbc_target *target,
                                  const struct mssql_odbc_security *security,
                                  char **text);

/* ---- An instance -------------------------------------------------------- */

enum {
    MSSQL_ODBC_COLUMNS = 64,
    MSSQL_ODBC_TABLES = 16,
    MSSQL_ODBC_CONFIRM_SECONDS = 2 /* that a statement was given up */
};

/* A column as the database has it. */
struct mssql_odbc_column {
    char type[32];       /* "nvarchar", "int", "datetime2", ... */
    unsigned length;     /* text: UTF-16 units, of varchar bytes; 0: no limit,
                            or no text */
    char collation[129]; /* of text; "" of others */
};
struct mssql_odbc_table {
    const struct cs_entity *entity; /* NULL: this place is free */
    struct mssql_odbc_column columns[MSSQL_ODBC_COLUMNS];
};

struct mssql_odbc {
    const struct cs_host *host;
    enum mssql_odbc_driver driver;
    char *where; /* "host/database" for sentences */
    long query_seconds;
    bool encrypted; /* the connection is to be */
    SQLHENV environment;
    SQLHDBC connection; /* NULL: not connected */
    bool openjson;      /* the server has OPENJSON */
    bool transaction;   /* begun and neither committed nor undone; still set
                           after its connection was lost, until rollback() */
    bool broken;        /* it failed; the server may have ended it */
    bool doubtful;      /* the connection is to be dropped after the statement
                           under way */
    struct mssql_odbc_table *tables[MSSQL_ODBC_TABLES];
    size_t next_table; /* to be replaced */
    char **locks;      /* names of those that this connection holds */
    size_t nlocks;
    size_t selects, read, written; /* statements and rows, for the log */

    pthread_mutex_t mutex; /* around the next two */
    pthread_cond_t left;   /* running became NULL */
    SQLHSTMT running;      /* what cancel() cancels; or NULL */
    bool cancelled;        /* for good: what remains is to undo and close */
};

/* ---- mssql-odbc.c ------------------------------------------------------- */

/* For a call in a transaction that is broken. */
enum cs_rc mssql_odbc_failed_before(struct mssql_odbc *self);

/* ---- connect.c ---------------------------------------------------------- */

/* Connects, unless that was done and the connection is sound.  CS_E_RETRY: it
 * was lost in the middle of a transaction. */
enum cs_rc mssql_odbc_connect(struct mssql_odbc *self);
/* Drops the connection with its transaction and locks, without waiting for
 * the server longer than a moment. */
void mssql_odbc_disconnect(struct mssql_odbc *self);

/* ---- error.c ------------------------------------------------------------ */

/* Describes the last fault of a handle in our words, by native number first;
 * drivers' texts may quote data.  A connection that is in doubt afterwards is
 * marked so, and mssql_odbc_finish() drops it.  table: with what it happened;
 * or NULL.  type: SQL_HANDLE_STMT or SQL_HANDLE_DBC. */
enum cs_rc mssql_odbc_fail(struct mssql_odbc *self, SQLSMALLINT type,
                           SQLHANDLE handle, const char *table);
bool mssql_odbc_dead(const struct mssql_odbc *self); /* the driver knows it */
/* Is the deadline over, or was cancel() called?  And the sentence for it. */
bool mssql_odbc_late(struct mssql_odbc *self);
enum cs_rc mssql_odbc_cancelled(struct mssql_odbc *self);
enum cs_rc mssql_odbc_out_of_memory(struct mssql_odbc *self);

/* ---- unicode.c ---------------------------------------------------------- */

/* Yours to free; NULL: out of memory (ENOMEM) or not UTF-8 (EILSEQ).  units
 * does not count the 0 at the end. */
SQLWCHAR *mssql_odbc_utf16(const char *text, size_t *units);
/* Likewise; EILSEQ: a lone surrogate. */
char *mssql_odbc_utf8(const SQLWCHAR *text, size_t units);
/* UTF-16 units of a text, without building it; SIZE_MAX: not UTF-8. */
size_t mssql_odbc_units(const char *text);

/* ---- statement.c -------------------------------------------------------- */

/* A statement under way and the parameters that it points to. */
struct mssql_odbc_statement {
    SQLHSTMT handle;
    SQLWCHAR **parameters;
    SQLLEN *lengths;
    size_t nparameters;
};

/* Sets an attribute of a statement. */
enum cs_rc mssql_odbc_attribute(struct mssql_odbc *self, SQLHSTMT handle,
                                SQLINTEGER attribute, void *value,
                                const char *table);
/* A statement that is yet to get its parameters, connected and with a time
 * limit.  On CS_OK mssql_odbc_finish() must follow. */
enum cs_rc mssql_odbc_make(struct mssql_odbc *self,
                           struct mssql_odbc_statement *statement,
                           const char *table);
enum cs_rc mssql_odbc_execute(struct mssql_odbc *self,
                              struct mssql_odbc_statement *statement,
                              const char *sql, const char *table);
/* To the next result; CS_E_NOT_HERE: there is none. */
enum cs_rc mssql_odbc_more(struct mssql_odbc *self,
                           struct mssql_odbc_statement *statement,
                           const char *table);
/* Runs a statement; each parameter is text (or NULL) bound as NTEXT: the
 * statement says CAST(? AS NVARCHAR(MAX)).  On CS_OK rows may be fetched from
 * statement->handle, and mssql_odbc_finish() must follow. */
enum cs_rc mssql_odbc_start(struct mssql_odbc *self,
                            struct mssql_odbc_statement *statement,
                            const char *sql, const char *const *parameters,
                            size_t n, const char *table);
/* Moves to the first result that has columns; CS_E_NOT_HERE: there is none. */
enum cs_rc mssql_odbc_rows(struct mssql_odbc *self,
                           struct mssql_odbc_statement *statement,
                           const char *table);
/* To the next row; CS_E_NOT_HERE: there is none. */
enum cs_rc mssql_odbc_fetch(struct mssql_odbc *self,
                            struct mssql_odbc_statement *statement,
                            const char *table);
/* Reads all other results to their end, so that no error stays unseen, and
 * frees.  Returns rc, or when rc is CS_OK the first error found. */
enum cs_rc mssql_odbc_finish(struct mssql_odbc *self,
                             struct mssql_odbc_statement *statement,
                             const char *table, enum cs_rc rc);
/* Start, read the integers of the first row of the last result with rows into
 * values (when nvalues is not 0; a null is -1), finish. */
enum cs_rc mssql_odbc_run(struct mssql_odbc *self, const char *sql,
                          const char *const *parameters, size_t n,
                          const char *table, int64_t *values, size_t nvalues);

/* ---- sql.c -------------------------------------------------------------- */

/* Each returns text to be freed, or NULL when memory is out.  A mask has bit i
 * for column i. */

#define MSSQL_ODBC_COUNT "cleversync_rows" /* the column of a count */

/* A batch as JSON: the one parameter is an array of rows, a row an array of
 * the columns of `mask` in order.  The last result is one row with the count
 * of rows that changed.
 *
 * UPDATE: the key is element 0, a number whose bit i says that column i is
 * meant is element 1, the columns of `mask` (the key not among them) follow;
 * columns of `always` are meant in each row. */
char *mssql_odbc_sql_insert_json(const struct mssql_odbc_table *table,
                                 uint64_t mask);
char *mssql_odbc_sql_update_json(const struct mssql_odbc_table *table,
                                 uint64_t mask, uint64_t always, size_t key);
/* A row is the key alone, not in an array. */
char *mssql_odbc_sql_delete_json(const struct mssql_odbc_table *table,
                                 size_t key);
/* One row as parameters: one a column, bound as text, in the order of the mask;
 * UPDATE and DELETE end in the key, twice.  Each row of an array of parameters
 * has a result of its own with its count, behind those of triggers. */
char *mssql_odbc_sql_insert(const struct mssql_odbc_table *table,
                            uint64_t mask);
char *mssql_odbc_sql_update(const struct mssql_odbc_table *table, uint64_t mask,
                            size_t key);
char *mssql_odbc_sql_delete(const struct mssql_odbc_table *table, size_t key);
/* All columns of the entity.  With json the values of an in-list are one
 * parameter, a JSON array; else nin parameters.  The bound of `below` is the
 * last one. */
char *mssql_odbc_sql_select(const struct mssql_odbc_table *table,
                            const struct cs_filter *filter, size_t nin,
                            bool json);
/* Name, type, length in bytes (-1: no limit) and collation of each column. */
char *mssql_odbc_sql_columns(const char *table);
/* The type of a new column. */
char *mssql_odbc_sql_type(const struct cs_column *column);
char *mssql_odbc_sql_step(const struct cs_step *step);
extern const char mssql_odbc_sql_begin[]; /* around steps run by hand */
extern const char mssql_odbc_sql_end[];
/* "[dbo].[Students]", quoted as it must be. */
char *mssql_odbc_sql_table(const char *table);

/* ---- schema.c ----------------------------------------------------------- */

/* The column with this flag; ncolumns: there is none. */
size_t mssql_odbc_column(const struct cs_entity *entity, unsigned flag);
/* What the database has; looked up once and kept until the connection or the
 * schema changes.  CS_E_NOT_HERE: no such table; CS_E_CONFIG: a column is
 * missing or of a type that cannot hold what it must. */
enum cs_rc mssql_odbc_find(struct mssql_odbc *self,
                           const struct cs_entity *entity,
                           const struct mssql_odbc_table **table);
void mssql_odbc_forget(struct mssql_odbc *self); /* all tables */
enum cs_rc mssql_odbc_inspect(void *self, const struct cs_entity *entity,
                              unsigned *lengths); /* or NULL */
enum cs_rc mssql_odbc_alter(void *arg, const struct cs_step *step,
                            cs_sql_fn *show, void *show_arg);

/* varchar or char, which keep text in a code page; if that is UTF-8, all of
 * it. */
bool mssql_odbc_is_narrow(const struct mssql_odbc_column *column);
bool mssql_odbc_is_utf8(const struct mssql_odbc_column *column);

/* ---- value.c ------------------------------------------------------------ */

enum { MSSQL_ODBC_VALUE = 32 };

/* Can the database's column hold what the cell says?  CS_E_DATA names the
 * column and says nothing of the value. */
enum cs_rc mssql_odbc_value_check(struct mssql_odbc *self,
                                  const struct mssql_odbc_table *table,
                                  size_t column, const struct cs_value *cell);
/* A cell as a text parameter, in room unless it is text; NULL for null. */
const char *mssql_odbc_value_text(enum cs_type type,
                                  const struct cs_value *cell,
                                  char room[MSSQL_ODBC_VALUE]);
/* Can it go as JSON, to all servers? */
bool mssql_odbc_value_fits_json(enum cs_type type, const struct cs_value *cell);
/* A cell in JSON; NULL: out of memory.  Its text has been checked. */
json_t *mssql_odbc_value_json(enum cs_type type, const struct cs_value *cell);

/* ---- batch.c ------------------------------------------------------------ */

/* Rows of a batch that one statement can write; each has another key. */
struct mssql_odbc_part {
    enum cs_op op;
    bool json; /* as JSON; else all rows say the same columns */
    const struct cs_value *const *rows;
    size_t nrows;
    size_t key;      /* the column that is it */
    uint64_t mask;   /* columns that a row says */
    uint64_t always; /* columns that every row says */
};

struct mssql_odbc_row;
struct mssql_odbc_parts { /* a batch being taken apart */
    const struct cs_batch *batch;
    size_t key;
    struct mssql_odbc_row *rows;    /* of the batch */
    const struct cs_value **chosen; /* of a part */
    size_t first, end;              /* the rows that parts are made of now */
};

/* json: the server has OPENJSON.  ENOMEM as false; clear() is to follow when it
 * is true. */
bool mssql_odbc_parts_start(struct mssql_odbc_parts *parts,
                            const struct cs_batch *batch, size_t key,
                            bool json);
/* false: that was all. */
bool mssql_odbc_parts_next(struct mssql_odbc_parts *parts,
                           struct mssql_odbc_part *part);
void mssql_odbc_parts_clear(struct mssql_odbc_parts *parts);
/* The one parameter of a part that goes as JSON; NULL: out of memory.  For
 * free().  entity: the batch's. */
char *mssql_odbc_part_json(const struct mssql_odbc_part *part,
                           const struct cs_entity *entity);

/* ---- scan.c, apply.c, array.c, lock.c ----------------------------------- */

enum cs_rc mssql_odbc_scan(void *arg, const struct cs_entity *entity,
                           const struct cs_filter *filter, cs_row_fn *each,
                           void *each_arg);
enum cs_rc mssql_odbc_apply(void *self, struct cs_batch *batch);
/* Writes a part that does not go as JSON; inside a transaction.  Adds the rows
 * that changed to affected. */
enum cs_rc mssql_odbc_array(struct mssql_odbc *self,
                            const struct mssql_odbc_table *table,
                            const struct mssql_odbc_part *part,
                            size_t *affected);
enum cs_rc mssql_odbc_lock(void *self, const char *name, long wait_ms);
enum cs_rc mssql_odbc_holds(void *self, const char *name);
void mssql_odbc_unlock(void *self, const char *name);

#endif
