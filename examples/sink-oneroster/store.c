/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* records.json: read as a whole, replaced as a whole. */
#define _GNU_SOURCE 1 /* strerrordesc_np() */

#include "oneroster.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char oneroster_records[] = "records.json";

enum {
    ONEROSTER_WRITER_MS = 10000, /* wait at most so long for other writers */
    ONEROSTER_MOST = 512 << 20   /* bytes of records.json */
};

/* ---- Faults -------------------------------------------------------------- */

enum cs_rc oneroster_no_memory(struct oneroster *self)
{
    return cs_fail(self->host, CS_E_FATAL, "%s: out of memory", self->folder);
}

enum cs_rc oneroster_late(struct oneroster *self)
{
    return cs_fail(self->host, CS_E_CANCELLED, "%s: cancelled, or out of time",
                   self->folder);
}

enum cs_rc oneroster_refused(struct oneroster *self, const char *path,
                             int number)
{
    const char *reason = strerrordesc_np(number);
    if (number == ENOSPC || number == EDQUOT)
        return cs_fail(self->host, CS_E_FATAL, "%s: the disk is full", path);
    return cs_fail(self->host, CS_E_CONFIG, "%s cannot be used: %s", path,
                   reason != NULL ? reason : "unknown reason");
}

enum cs_rc oneroster_path(struct oneroster *self, const char *name,
                          char path[ONEROSTER_PATH])
{
    int length = snprintf(path, ONEROSTER_PATH, "%s/%s", self->folder, name);
    if (length < 0 || length >= ONEROSTER_PATH)
        return cs_fail(self->host, CS_E_CONFIG,
                       "the folder's path is too "
                       "long");
    return CS_OK;
}

/* ---- Reading ------------------------------------------------------------- */

void oneroster_forget(struct oneroster *self)
{
    json_decref(self->tables);
    json_decref(self->index);
    self->tables = self->index = NULL;
}

static bool oneroster_same(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino &&
           a->st_size == b->st_size && a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
           a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

static enum cs_rc oneroster_parse(struct oneroster *self, const char *path,
                                  FILE *file)
{
    struct stat found;
    if (fstat(fileno(file), &found) != 0)
        return oneroster_refused(self, path, errno);
    if (self->tables != NULL && oneroster_same(&found, &self->read))
        return CS_OK;
    if (found.st_size > ONEROSTER_MOST)
        return cs_fail(self->host, CS_E_CONFIG, "%s is larger than %d MiB",
                       path, ONEROSTER_MOST >> 20);
    oneroster_forget(self);
    self->read = found;
    self->tables = json_loadf(file, JSON_REJECT_DUPLICATES, NULL);
    self->index = json_object();
    if (self->tables == NULL || self->index == NULL)
        return cs_fail(self->host, CS_E_CONFIG,
                       "%s is not what was written; restore it or move it away",
                       path);
    return CS_OK;
}

enum cs_rc oneroster_load(struct oneroster *self)
{
    char path[ONEROSTER_PATH];
    if (self->transaction)
        return CS_OK;
    enum cs_rc rc = oneroster_path(self, oneroster_records, path);
    if (rc != CS_OK)
        return rc;
    FILE *file = fopen(path, "re");
    if (file == NULL && errno == ENOENT) {
        oneroster_forget(self);
        return cs_fail(self->host, CS_E_NOT_HERE, "%s does not exist yet",
                       path);
    }
    if (file == NULL)
        return oneroster_refused(self, path, errno);
    rc = oneroster_parse(self, path, file);
    fclose(file);
    return rc;
}

json_t *oneroster_table(struct oneroster *self, const char *name)
{
    return json_object_get(self->tables, name);
}

/* ---- Replacing ----------------------------------------------------------- */

static enum cs_rc oneroster_new(struct oneroster *self, const char *name,
                                char path[ONEROSTER_PATH])
{
    char made[ONEROSTER_PATH / 2];
    snprintf(made, sizeof made, "%s.new", name);
    return oneroster_path(self, made, path);
}

enum cs_rc oneroster_prepare(struct oneroster *self, const char *name,
                             oneroster_write_fn *write)
{
    char path[ONEROSTER_PATH];
    enum cs_rc rc = oneroster_new(self, name, path);
    if (rc != CS_OK)
        return rc;
    int number =
        open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, S_IRUSR | S_IWUSR);
    FILE *file = number >= 0 ? fdopen(number, "w") : NULL;
    if (file == NULL)
        return oneroster_refused(self, path, errno);
    bool written = write(self, file) && fflush(file) == 0 && fsync(number) == 0;
    int fault = written ? 0 : errno;
    if (fclose(file) != 0 && fault == 0)
        fault = errno;
    return fault == 0 ? CS_OK : oneroster_refused(self, path, fault);
}

enum cs_rc oneroster_replace(struct oneroster *self, const char *name)
{
    char made[ONEROSTER_PATH], path[ONEROSTER_PATH];
    enum cs_rc rc = oneroster_new(self, name, made);
    if (rc == CS_OK)
        rc = oneroster_path(self, name, path);
    if (rc == CS_OK && rename(made, path) != 0)
        rc = oneroster_refused(self, path, errno);
    return rc;
}

/* So that the names are on the disk, too. */
static enum cs_rc oneroster_settle(struct oneroster *self)
{
    int folder = open(self->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    enum cs_rc rc = CS_OK;
    if (folder < 0 || fsync(folder) != 0)
        rc = oneroster_refused(self, self->folder, errno);
    if (folder >= 0)
        close(folder);
    return rc;
}

static bool oneroster_dump(struct oneroster *self, FILE *file)
{
    return json_dumpf(self->tables, file, JSON_COMPACT) == 0;
}

/* The rename of records.json is the commit.  The CSV files follow; when they
 * do not get so far, the next writer makes them anew. */
static enum cs_rc oneroster_save(struct oneroster *self)
{
    enum cs_rc rc = oneroster_prepare(self, oneroster_records, oneroster_dump);
    if (rc == CS_OK && self->people)
        rc = oneroster_csv_prepare(self);
    if (rc == CS_OK)
        rc = oneroster_replace(self, oneroster_records);
    if (rc == CS_OK)
        rc = oneroster_settle(self);
    if (rc == CS_OK && self->people && oneroster_csv_replace(self) != CS_OK)
        cs_log(self->host, CS_LOG_WARN,
               "%s: the CSV files could not be replaced; the next sync that "
               "writes does it",
               self->folder);
    return rc;
}

/* ---- Transactions -------------------------------------------------------- */

static void oneroster_end(struct oneroster *self)
{
    if (self->writing >= 0)
        close(self->writing);
    self->writing = -1;
    self->transaction = false;
    self->people = false;
}

static enum cs_rc oneroster_start(struct oneroster *self)
{
    enum cs_rc rc = oneroster_load(self);
    if (rc == CS_E_NOT_HERE) {
        self->tables = json_object();
        self->index = json_object();
        rc = self->tables != NULL && self->index != NULL
                 ? CS_OK
                 : oneroster_no_memory(self);
    }
    self->transaction = rc == CS_OK;
    self->people = rc == CS_OK && oneroster_csv_torn(self);
    return rc;
}

enum cs_rc oneroster_begin(void *arg)
{
    struct oneroster *self = arg;
    if (self->transaction)
        return cs_fail(self->host, CS_E_FATAL,
                       "%s: a transaction is open already", self->folder);
    enum cs_rc rc =
        oneroster_lock_file(self, "write", ONEROSTER_WRITER_MS, &self->writing);
    if (rc == CS_E_BUSY)
        return cs_fail(self->host, CS_E_RETRY,
                       "%s: another program is writing for too long",
                       self->folder);
    if (rc == CS_OK)
        rc = oneroster_start(self);
    if (rc != CS_OK)
        oneroster_end(self);
    return rc;
}

enum cs_rc oneroster_commit(void *arg)
{
    struct oneroster *self = arg;
    if (!self->transaction)
        return cs_fail(self->host, CS_E_FATAL, "%s: no transaction is open",
                       self->folder);
    enum cs_rc rc = oneroster_save(self);
    if (rc != CS_OK)
        return rc; /* rollback() follows */
    oneroster_end(self);
    char path[ONEROSTER_PATH];
    /* What is in memory is what is there now; if not, it is read again. */
    if (oneroster_path(self, oneroster_records, path) != CS_OK ||
        stat(path, &self->read) != 0)
        oneroster_forget(self);
    return CS_OK;
}

void oneroster_rollback(void *arg)
{
    struct oneroster *self = arg;
    if (!self->transaction)
        return;
    oneroster_forget(self);
    oneroster_end(self);
}

enum cs_rc oneroster_enter(struct oneroster *self, bool *outer)
{
    *outer = !self->transaction;
    return *outer ? oneroster_begin(self) : CS_OK;
}

enum cs_rc oneroster_leave(struct oneroster *self, bool outer, enum cs_rc rc)
{
    if (!outer)
        return rc;
    if (rc == CS_OK)
        rc = oneroster_commit(self);
    if (rc != CS_OK)
        oneroster_rollback(self);
    return rc;
}
