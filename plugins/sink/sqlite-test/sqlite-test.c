/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* SQLite databases: the sink for tests and for developers.
 *
 * A database is a file that is made by the first write and never by a look.
 * One connection per instance; WAL, so that readers do not wait.  Locks are
 * kept in the file PATH-lock beside it.  A deadline or a cancellation is seen
 * by SQLite's progress handler, so there is no cancel(). */
#define _GNU_SOURCE 1 /* asprintf() */

#include "sqlite-test.h"

#include <errno.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct cs_option sqlite_test_options[] = {
    {.name = "path",
     .type = CS_OPT_TEXT | CS_OPT_TEMPLATE,
     .help = "the database's file, such as "
             "/var/lib/cleversync/{school_prefix}.db"},
    {.name = NULL},
};

static void sqlite_test_close(void *arg)
{
    struct sqlite_test *self = arg;
    cs_log(self->host, CS_LOG_DEBUG,
           "%zu SELECT statements read %zu rows, %zu statements wrote",
           self->selects, self->read, self->written);
    sqlite_test_disconnect(self); /* rolls back */
    if (self->lock_file >= 0)
        close(self->lock_file); /* frees all locks */
    free(self->locks);
    free(self->lock_path);
    free(self->path);
    free(self);
}

static enum cs_rc sqlite_test_open(const struct cs_host *host, void **self)
{
    const char *path = host->text(host, "path");
    struct sqlite_test *made = calloc(1, sizeof *made);
    if (made == NULL)
        return cs_fail(host, CS_E_FATAL, "out of memory");
    made->host = host;
    made->lock_file = -1;
    /* SQLite gives meanings to "", ":memory:" and "file:x", but none to a
     * path with a slash at or near its start. */
    if (asprintf(&made->path, "%s%s", *path == '/' ? "" : "./", path) < 0)
        made->path = NULL;
    if (made->path == NULL ||
        asprintf(&made->lock_path, "%s-lock", made->path) < 0) {
        made->lock_path = NULL;
        sqlite_test_close(made);
        return cs_fail(host, CS_E_FATAL, "out of memory");
    }
    *self = made;
    return CS_OK;
}

/* Could the database be made? */
static enum cs_rc sqlite_test_check_folder(struct sqlite_test *self)
{
    char *copy = strdup(self->path);
    if (copy == NULL)
        return sqlite_test_out_of_memory(self);
    int fault = access(dirname(copy), W_OK | X_OK) == 0 ? 0 : errno;
    free(copy);
    return fault == 0 ? CS_OK : sqlite_test_refused(self, self->path, fault);
}

/* What is written into a file that has no name any more, nobody ever reads. */
static enum cs_rc sqlite_test_check_name(struct sqlite_test *self)
{
    int moved = 0;
    sqlite3_file_control(self->db, "main", SQLITE_FCNTL_HAS_MOVED, &moved);
    if (!moved)
        return CS_OK;
    return cs_fail(self->host, CS_E_RETRY,
                   "%s was removed or replaced while it was open", self->path);
}

static enum cs_rc sqlite_test_check(void *arg)
{
    struct sqlite_test *self = arg;
    enum cs_rc rc = sqlite_test_connect(self, false);
    if (rc == CS_E_NOT_HERE)
        return sqlite_test_check_folder(self);
    if (rc == CS_OK)
        rc = sqlite_test_check_name(self);
    return rc == CS_OK ? sqlite_test_writable(self) : rc;
}

static enum cs_rc sqlite_test_begin(void *arg)
{
    struct sqlite_test *self = arg;
    enum cs_rc rc = sqlite_test_connect(self, true);
    if (rc != CS_OK)
        return rc;
    if (!sqlite3_get_autocommit(self->db))
        return cs_fail(self->host, CS_E_FATAL,
                       "%s: a transaction is open already", self->path);
    return sqlite_test_run(self, "BEGIN IMMEDIATE");
}

static enum cs_rc sqlite_test_commit(void *arg)
{
    struct sqlite_test *self = arg;
    if (self->db == NULL || sqlite3_get_autocommit(self->db))
        return cs_fail(self->host, CS_E_FATAL,
                       "%s: no transaction is open; a failure may have undone "
                       "it",
                       self->path);
    return sqlite_test_run(self, "COMMIT");
}

static void sqlite_test_rollback(void *arg)
{
    struct sqlite_test *self = arg;
    if (self->db != NULL && !sqlite3_get_autocommit(self->db))
        sqlite3_exec(self->db, "ROLLBACK", NULL, NULL, NULL);
}

static const struct cs_sink_ops sqlite_test_ops = {
    .life = {.open = sqlite_test_open,
             .check = sqlite_test_check,
             .close = sqlite_test_close},
    .one_writer = true,
    .inspect = sqlite_test_inspect,
    .alter = sqlite_test_alter,
    .lock = sqlite_test_lock,
    .holds = sqlite_test_holds,
    .unlock = sqlite_test_unlock,
    .scan = sqlite_test_scan,
    .begin = sqlite_test_begin,
    .apply = sqlite_test_apply,
    .commit = sqlite_test_commit,
    .rollback = sqlite_test_rollback,
    /* The shell goes on after a failure, and would commit what is left. */
    .script_begin = "-- to be run by \"sqlite3 -bail\": a step that fails must "
                    "end it\n"
                    "BEGIN IMMEDIATE;\n",
    .script_end = "COMMIT;\n",
};

CS_SINK_PLUGIN("sqlite-test", sqlite_test_ops, .version = "1.0",
               .summary = "SQLite databases, for tests and development",
               .options = sqlite_test_options);
