/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* The connection to a database, and its faults in our words. */
#define _GNU_SOURCE 1 /* strerrordesc_np() */

#include "sqlite-test.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

enum {
    SQLITE_TEST_BUSY_MS = 10000, /* wait at most so long for other writers */
    SQLITE_TEST_PAUSE_MS = 10,
    SQLITE_TEST_STEPS = 1000 /* of SQLite's machine between two looks at the
                                deadline; well under a millisecond */
};

/* ---- Faults ------------------------------------------------------------- */

/* Extended codes before those that they extend. */
static const struct sqlite_test_fault {
    int code;
    enum cs_rc rc;
    const char *sentence;
} sqlite_test_faults[] = {
    {SQLITE_CONSTRAINT_UNIQUE, CS_E_DATA,
     "another row has this value where each must be different"},
    {SQLITE_CONSTRAINT_PRIMARYKEY, CS_E_DATA,
     "another row has this value where each must be different"},
    {SQLITE_CONSTRAINT_FOREIGNKEY, CS_E_DATA,
     "the row refers to one that is not there, or one refers to it"},
    {SQLITE_CONSTRAINT_NOTNULL, CS_E_DATA,
     "a column that must not be null would become so"},
    {SQLITE_CONSTRAINT, CS_E_DATA, "the table's rules refuse the row"},
    {SQLITE_MISMATCH, CS_E_DATA, "a value does not fit its column's type"},
    {SQLITE_TOOBIG, CS_E_DATA, "a value is too long"},
    {SQLITE_BUSY, CS_E_RETRY, "another program is writing for too long"},
    {SQLITE_LOCKED, CS_E_RETRY, "another program is writing for too long"},
    {SQLITE_INTERRUPT, CS_E_CANCELLED, "cancelled, or out of time"},
    {SQLITE_FULL, CS_E_FATAL, "the disk is full"},
    {SQLITE_NOMEM, CS_E_FATAL, "out of memory"},
    {SQLITE_READONLY, CS_E_CONFIG, "the database may not be written"},
    {SQLITE_PERM, CS_E_CONFIG, "no permission to use the database"},
    {SQLITE_CANTOPEN, CS_E_CONFIG,
     "the database, or a file beside it, cannot be opened"},
    {SQLITE_NOTADB, CS_E_CONFIG, "this is not an SQLite database"},
    {SQLITE_CORRUPT, CS_E_CONFIG,
     "the database is damaged; restore it or move it away"},
    {SQLITE_IOERR_SHMSIZE, CS_E_FATAL, "the disk is full"},
    {SQLITE_IOERR, CS_E_FATAL, "reading or writing failed"},
};

enum cs_rc sqlite_test_fail(struct sqlite_test *self, const char *table)
{
    static const struct sqlite_test_fault unknown = {
        0, CS_E_FATAL, "SQLite refuses a statement"};
    const struct cs_host *host = self->host;
    size_t n = sizeof sqlite_test_faults / sizeof *sqlite_test_faults;
    const struct sqlite_test_fault *fault = &unknown;
    int code = sqlite3_extended_errcode(self->db);
    for (size_t i = 0; fault == &unknown && i < n; i++)
        if (sqlite_test_faults[i].code == code ||
            sqlite_test_faults[i].code == (code & 0xff))
            fault = &sqlite_test_faults[i];
    if (fault->rc == CS_E_RETRY && host->remaining_ms(host) == 0)
        return cs_fail(host, CS_E_CANCELLED, "%s: cancelled, or out of time",
                       self->path);
    return cs_fail(host, fault->rc, "%s%s%s: %s (SQLite code %d)", self->path,
                   table ? ", table " : "", table ? table : "", fault->sentence,
                   code);
}

enum cs_rc sqlite_test_out_of_memory(struct sqlite_test *self)
{
    return cs_fail(self->host, CS_E_FATAL, "%s: out of memory", self->path);
}

enum cs_rc sqlite_test_refused(struct sqlite_test *self, const char *path,
                               int number)
{
    const char *reason = strerrordesc_np(number);
    if (number == ENOENT)
        reason = "its folder does not exist";
    else if (number == ENOSPC || number == EDQUOT)
        return cs_fail(self->host, CS_E_FATAL, "%s: the disk is full", path);
    return cs_fail(self->host, CS_E_CONFIG, "%s cannot be opened: %s", path,
                   reason != NULL ? reason : "unknown reason");
}

/* ---- Waiting ------------------------------------------------------------ */

static int sqlite_test_late(void *arg)
{
    const struct sqlite_test *self = arg;
    return self->host->remaining_ms(self->host) == 0;
}

static int sqlite_test_busy(void *arg, int times)
{
    if (times >= SQLITE_TEST_BUSY_MS / SQLITE_TEST_PAUSE_MS ||
        sqlite_test_late(arg))
        return 0;
    sqlite3_sleep(SQLITE_TEST_PAUSE_MS);
    return 1;
}

/* ---- Connecting --------------------------------------------------------- */

/* Is there a file?  To write, there is one afterwards, for nobody else to read
 * from its first moment on.  It is made without opening it: closing a
 * descriptor of a database drops the locks that SQLite holds on it elsewhere
 * in this process. */
static enum cs_rc sqlite_test_find(struct sqlite_test *self, bool write)
{
    struct stat found;
    if (stat(self->path, &found) == 0) {
        if (S_ISREG(found.st_mode))
            return CS_OK;
        return cs_fail(self->host, CS_E_CONFIG, "%s is %s", self->path,
                       S_ISDIR(found.st_mode) ? "a directory"
                                              : "not a regular file");
    }
    if (errno != ENOENT)
        return sqlite_test_refused(self, self->path, errno);
    if (!write)
        return cs_fail(self->host, CS_E_NOT_HERE, "%s does not exist yet",
                       self->path);
    if (mknod(self->path, S_IFREG | S_IRUSR | S_IWUSR, 0) != 0 &&
        errno != EEXIST)
        return sqlite_test_refused(self, self->path, errno);
    return CS_OK;
}

static enum cs_rc sqlite_test_open_file(struct sqlite_test *self)
{
    /* What people are called is not spilled into temporary files; the last
     * statement is the first to read the file. */
    static const char sql[] = "PRAGMA foreign_keys = ON;"
                              "PRAGMA temp_store = MEMORY;"
                              "PRAGMA synchronous = FULL;"
                              "SELECT 1 FROM sqlite_schema";
    int code =
        sqlite3_open_v2(self->path, &self->db,
                        SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
    if (self->db == NULL)
        return sqlite_test_out_of_memory(self);
    /* Otherwise a column that is not there is a text of that name. */
    sqlite3_db_config(self->db, SQLITE_DBCONFIG_DQS_DML, 0, NULL);
    sqlite3_db_config(self->db, SQLITE_DBCONFIG_DQS_DDL, 0, NULL);
    sqlite3_busy_handler(self->db, sqlite_test_busy, self);
    sqlite3_progress_handler(self->db, SQLITE_TEST_STEPS, sqlite_test_late,
                             self);
    enum cs_rc rc = code == SQLITE_OK ? sqlite_test_run(self, sql)
                                      : sqlite_test_fail(self, NULL);
    if (rc != CS_OK)
        sqlite_test_disconnect(self);
    return rc;
}

/* SQLite opens what it may not write, and even begins a transaction there. */
enum cs_rc sqlite_test_writable(struct sqlite_test *self)
{
    if (sqlite3_db_readonly(self->db, "main") == 0)
        return CS_OK;
    return cs_fail(self->host, CS_E_CONFIG, "no permission to write %s",
                   self->path);
}

enum cs_rc sqlite_test_connect(struct sqlite_test *self, bool write)
{
    enum cs_rc rc = CS_OK;
    if (self->db == NULL)
        rc = sqlite_test_find(self, write);
    if (rc == CS_OK && self->db == NULL)
        rc = sqlite_test_open_file(self);
    if (rc == CS_OK && write && !self->ready) {
        rc = sqlite_test_writable(self);
        if (rc == CS_OK)
            rc = sqlite_test_run(self, "PRAGMA journal_mode = WAL");
        self->ready = rc == CS_OK;
    }
    return rc;
}

void sqlite_test_disconnect(struct sqlite_test *self)
{
    for (size_t i = 0; i < SQLITE_TEST_STATEMENTS; i++) {
        sqlite3_finalize(self->statements[i]);
        self->statements[i] = NULL;
    }
    sqlite3_close(self->db);
    self->db = NULL;
    self->ready = false;
}

/* ---- Running ------------------------------------------------------------ */

enum cs_rc sqlite_test_run(struct sqlite_test *self, const char *sql)
{
    if (sqlite3_exec(self->db, sql, NULL, NULL, NULL) != SQLITE_OK)
        return sqlite_test_fail(self, NULL);
    return CS_OK;
}

enum cs_rc sqlite_test_enter(struct sqlite_test *self, bool *outer)
{
    *outer = sqlite3_get_autocommit(self->db);
    return sqlite_test_run(self,
                           *outer ? "BEGIN IMMEDIATE" : "SAVEPOINT cleversync");
}

enum cs_rc sqlite_test_leave(struct sqlite_test *self, bool outer,
                             enum cs_rc rc)
{
    if (rc == CS_OK)
        rc = sqlite_test_run(self, outer ? "COMMIT" : "RELEASE cleversync");
    /* Some faults make SQLite undo the whole transaction by itself. */
    if (rc != CS_OK && !sqlite3_get_autocommit(self->db))
        sqlite3_exec(self->db,
                     outer ? "ROLLBACK"
                           : "ROLLBACK TO cleversync; RELEASE cleversync",
                     NULL, NULL, NULL);
    return rc;
}
