/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* What the files of this sink share.
 *
 * A school's folder holds what the core stores (records.json) and what is made
 * of it for others (users.csv, orgs.csv, manifest.csv).  records.json is read
 * into one JSON value, changed there, and replaced as a whole at a commit:
 *
 *     {"Students": {"columns": {"Grade": {"type": 3, "length": 50, ...}},
 *                   "last": 2,
 *                   "rows": {"1": {"Grade": "7", ...}, "2": {...}}}}
 *
 * Rows are called by a number of their own, which is the identity where the
 * table has one.  A row is never changed in place: a new one takes its place,
 * so that the old one can be put back. */
#ifndef ONEROSTER_H
#define ONEROSTER_H

#include <cleversync/plugin.h>

#include <stdio.h>
#include <sys/stat.h>

struct oneroster_lock {
    char *name;
    int file;
};

struct oneroster {
    const struct cs_host *host;
    char *folder;
    json_t *tables;   /* NULL: not read yet */
    json_t *index;    /* "TABLE.COLUMN" -> text -> number of the row */
    struct stat read; /* records.json as it was when read */
    int writing;      /* the file whose lock says that this one writes */
    bool transaction; /* begun */
    bool people;      /* it has changed somebody */
    json_t *undo;     /* of the batch: [rows, number, row or null] ... */
    struct oneroster_lock *locks;
    size_t nlocks;
};

/* ---- store.c: files, and tables in them ---------------------------------- */

enum { ONEROSTER_PATH = 4096 };

/* FOLDER/NAME; CS_E_CONFIG when that is too long. */
enum cs_rc oneroster_path(struct oneroster *self, const char *name,
                          char path[ONEROSTER_PATH]);
/* What errno says about it, as the core is to hear it. */
enum cs_rc oneroster_refused(struct oneroster *self, const char *path,
                             int number);
enum cs_rc oneroster_no_memory(struct oneroster *self);
enum cs_rc oneroster_late(struct oneroster *self);

/* Reads records.json unless it is what was read last.  CS_E_NOT_HERE: there is
 * none.  Within a transaction nothing is read. */
enum cs_rc oneroster_load(struct oneroster *self);
void oneroster_forget(struct oneroster *self);
/* The table, or NULL. */
json_t *oneroster_table(struct oneroster *self, const char *name);

/* One writer at a time; enter() waits for it, and opens a transaction unless
 * one is open (*outer: it was not).  leave() ends what enter() opened. */
enum cs_rc oneroster_begin(void *self);
enum cs_rc oneroster_commit(void *self);
void oneroster_rollback(void *self);
enum cs_rc oneroster_enter(struct oneroster *self, bool *outer);
enum cs_rc oneroster_leave(struct oneroster *self, bool outer, enum cs_rc rc);

/* Writes NAME.new for replace() to put in NAME's place. */
typedef bool oneroster_write_fn(struct oneroster *self, FILE *file);
enum cs_rc oneroster_prepare(struct oneroster *self, const char *name,
                             oneroster_write_fn *write);
enum cs_rc oneroster_replace(struct oneroster *self, const char *name);

/* ---- csv.c: the files of OneRoster --------------------------------------- */

enum cs_rc oneroster_csv_prepare(struct oneroster *self);
enum cs_rc oneroster_csv_replace(struct oneroster *self);
/* Are they made of this table? */
bool oneroster_csv_shows(const char *table);
/* Were they left behind half replaced? */
bool oneroster_csv_torn(struct oneroster *self);

/* ---- schema.c, rows.c, lock.c: the callbacks ----------------------------- */

enum cs_rc oneroster_inspect(void *self, const struct cs_entity *entity,
                             unsigned *lengths);
enum cs_rc oneroster_alter(void *self, const struct cs_step *step,
                           cs_sql_fn *show, void *arg);
/* What the column, as the table has it, says of a row that does not name it. */
json_t *oneroster_default(const json_t *column);
enum cs_rc oneroster_scan(void *self, const struct cs_entity *entity,
                          const struct cs_filter *filter, cs_row_fn *each,
                          void *arg);
enum cs_rc oneroster_apply(void *self, struct cs_batch *batch);
enum cs_rc oneroster_lock(void *self, const char *name, long wait_ms);
enum cs_rc oneroster_holds(void *self, const char *name);
void oneroster_unlock(void *self, const char *name);
void oneroster_unlock_all(struct oneroster *self);

/* Opens the file and locks it, waiting at most so long; CS_E_BUSY. */
enum cs_rc oneroster_lock_file(struct oneroster *self, const char *name,
                               long wait_ms, int *file);

#endif
