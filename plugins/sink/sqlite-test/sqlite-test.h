/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* What the files of this plugin share: one instance, its connection, and the
 * text of statements. */
#ifndef SQLITE_TEST_H
#define SQLITE_TEST_H

#include <cleversync/plugin.h>

#include <sqlite3.h>
#include <sys/types.h>

enum { SQLITE_TEST_STATEMENTS = 16, SQLITE_TEST_COLUMNS = 64 };

struct sqlite_test {
    const struct cs_host *host;
    char *path;  /* of the database; never a name special to SQLite */
    sqlite3 *db; /* NULL: not connected yet */
    bool ready;  /* connected to write */
    sqlite3_stmt *statements[SQLITE_TEST_STATEMENTS]; /* by their SQL */
    size_t next;                                      /* to be replaced */
    size_t selects, read, written; /* statements and rows, for the log */

    char *lock_path;
    int lock_file; /* -1: not open yet */
    off_t *locks;  /* places of the locks that this instance holds */
    size_t nlocks;
};

/* ---- connect.c ---------------------------------------------------------- */

/* Connects, unless that was done.  For reading, a file that does not exist is
 * CS_E_NOT_HERE and stays so; for writing it is made. */
enum cs_rc sqlite_test_connect(struct sqlite_test *self, bool write);
enum cs_rc sqlite_test_writable(struct sqlite_test *self); /* connected */
void sqlite_test_disconnect(struct sqlite_test *self);
/* Describes the fault of the last call to SQLite, in our words: SQLite's may
 * quote data.  table: with what it happened; or NULL. */
enum cs_rc sqlite_test_fail(struct sqlite_test *self, const char *table);
enum cs_rc sqlite_test_out_of_memory(struct sqlite_test *self);
/* The system refuses `path`; number: an errno. */
enum cs_rc sqlite_test_refused(struct sqlite_test *self, const char *path,
                               int number);
/* Runs statements without data. */
enum cs_rc sqlite_test_run(struct sqlite_test *self, const char *sql);
/* A group of changes, all or none: a transaction or, inside of one, a
 * savepoint.  leave() undoes them unless rc is CS_OK, and returns rc or its
 * own failure. */
enum cs_rc sqlite_test_enter(struct sqlite_test *self, bool *outer);
enum cs_rc sqlite_test_leave(struct sqlite_test *self, bool outer,
                             enum cs_rc rc);

/* ---- sql.c -------------------------------------------------------------- */

/* Each returns text for sqlite3_free(), or NULL when memory is out.  The
 * parameter for column i is ?(i+1); a mask has bit i for column i. */
char *sqlite_test_sql_insert(const struct cs_entity *entity, uint64_t mask);
char *sqlite_test_sql_update(const struct cs_entity *entity, uint64_t mask,
                             size_t key);
char *sqlite_test_sql_delete(const struct cs_entity *entity, size_t key);
/* The parameters are nin values, then the bound of `below`. */
char *sqlite_test_sql_select(const struct cs_entity *entity,
                             const struct cs_filter *filter, size_t nin,
                             size_t identity);
char *sqlite_test_sql_type(const struct cs_column *column);
char *sqlite_test_sql_step(const struct cs_step *step);

/* ---- schema.c ----------------------------------------------------------- */

/* The column with this flag; ncolumns: there is none. */
size_t sqlite_test_column(const struct cs_entity *entity, unsigned flag);
enum cs_rc sqlite_test_inspect(void *self, const struct cs_entity *entity,
                               unsigned *lengths); /* or NULL */
enum cs_rc sqlite_test_alter(void *arg, const struct cs_step *step,
                             cs_sql_fn *show, void *show_arg);

/* ---- rows.c ------------------------------------------------------------- */

enum cs_rc sqlite_test_scan(void *arg, const struct cs_entity *entity,
                            const struct cs_filter *filter, cs_row_fn *each,
                            void *each_arg);
enum cs_rc sqlite_test_apply(void *self, struct cs_batch *batch);

/* ---- lock.c ------------------------------------------------------------- */

enum cs_rc sqlite_test_lock(void *self, const char *name, long wait_ms);
enum cs_rc sqlite_test_holds(void *self, const char *name);
void sqlite_test_unlock(void *self, const char *name);

#endif
