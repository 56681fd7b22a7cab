/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* jsonfile: a database in a file of JSON, to learn from and for small schools.
 *
 *     {"Devices": {"columns": {"Serial": {"type": 3, "length": 40}, ...},
 *                  "next": 3,
 *                  "rows": [{"DeviceId": 1, "Serial": "C02"}, ...]}}
 *
 * A transaction is changed in memory, and rename() makes it the file: others
 * see all of it or nothing, and readers never wait.  Locks are bytes of
 * PATH.lock, which the system frees when a process dies. */
#define _GNU_SOURCE 1 /* F_OFD_SETLK */

#include <cleversync/plugin.h>

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    JSONFILE_PATH = 4096,
    JSONFILE_MOST = 256 * 1024 * 1024, /* bytes in the file */
    JSONFILE_TURN = 64,                /* rows between looks at the clock */
    JSONFILE_POLL_MS = 10,
};
#define JSONFILE_WRITER "" /* the lock of who changes the file */

struct jsonfile_db {
    const struct cs_host *host;
    char path[JSONFILE_PATH], made[JSONFILE_PATH + 8];
    char lock_path[JSONFILE_PATH + 8];
    int locks;       /* PATH.lock, or -1 */
    json_t *held;    /* names of locks: {"NAME": true} */
    json_t *changed; /* the transaction's data, or NULL */
};

static enum cs_rc jsonfile_no_memory(const struct jsonfile_db *self)
{
    return cs_fail(self->host, CS_E_FATAL, "out of memory");
}

static enum cs_rc jsonfile_fault(const struct jsonfile_db *self,
                                 const char *path, int error)
{
    return cs_fail(self->host,
                   error == ENOSPC || error == EIO ? CS_E_RETRY : CS_E_CONFIG,
                   "%s cannot be used: %s", path, strerror(error));
}

static enum cs_rc jsonfile_late(const struct jsonfile_db *self)
{
    if (self->host->remaining_ms(self->host) > 0)
        return CS_OK;
    return cs_fail(self->host, CS_E_CANCELLED, "%s: there is no time left",
                   self->path);
}

/* ---- Locks --------------------------------------------------------------- */

/* FNV-1a; positive, and with room for a byte behind it. */
static off_t jsonfile_place(const char *name)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);

    for (; *name != '\0'; name++)
        hash = (hash ^ (unsigned char)*name) * UINT64_C(0x100000001b3);
    return (off_t)(hash >> 2);
}

/* 0, or the errno.  The lock is the open file's, not the process's: another
 * instance here is kept out, too. */
static int jsonfile_set_lock(const struct jsonfile_db *self, const char *name,
                             short type)
{
    struct flock lock = {.l_type = type,
                         .l_whence = SEEK_SET,
                         .l_start = jsonfile_place(name),
                         .l_len = 1};

    return fcntl(self->locks, F_OFD_SETLK, &lock) == 0 ? 0 : errno;
}

/* Does who opens PATH.lock now find the same file? */
static bool jsonfile_lock_is_there(const struct jsonfile_db *self)
{
    struct stat status;

    return fstat(self->locks, &status) == 0 && status.st_nlink > 0;
}

static enum cs_rc jsonfile_wait(struct jsonfile_db *self, const char *name,
                                long wait_ms)
{
    enum cs_rc rc = CS_OK;
    int error;

    while (rc == CS_OK &&
           (error = jsonfile_set_lock(self, name, F_WRLCK)) != 0) {
        if (error != EAGAIN && error != EACCES && error != EINTR)
            return jsonfile_fault(self, self->lock_path, error);
        if (wait_ms <= 0)
            return cs_fail(self->host, CS_E_BUSY, "%s: somebody holds the lock",
                           self->path);
        poll(NULL, 0, JSONFILE_POLL_MS);
        wait_ms -= JSONFILE_POLL_MS;
        rc = jsonfile_late(self);
    }
    return rc;
}

static enum cs_rc jsonfile_lock(void *arg, const char *name, long wait_ms)
{
    struct jsonfile_db *self = arg;
    enum cs_rc rc;

    if (json_object_get(self->held, name) != NULL)
        return cs_fail(self->host, CS_E_BUSY, "%s: we hold the lock already",
                       self->path);
    if (self->locks >= 0 && !jsonfile_lock_is_there(self) &&
        json_object_size(self->held) == 0) {
        close(self->locks);
        self->locks = -1;
    }
    if (self->locks < 0)
        self->locks = open(self->lock_path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (self->locks < 0)
        return jsonfile_fault(self, self->lock_path, errno);
    rc = jsonfile_wait(self, name, wait_ms);
    if (rc == CS_OK &&
        json_object_set_new(self->held, name, json_true()) != 0) {
        jsonfile_set_lock(self, name, F_UNLCK);
        rc = jsonfile_no_memory(self);
    }
    return rc;
}

static enum cs_rc jsonfile_holds(void *arg, const char *name)
{
    const struct jsonfile_db *self = arg;

    if (json_object_get(self->held, name) != NULL &&
        jsonfile_lock_is_there(self))
        return CS_OK;
    return cs_fail(self->host, CS_E_BUSY, "%s: the lock is not held",
                   self->path);
}

static void jsonfile_unlock(void *arg, const char *name)
{
    struct jsonfile_db *self = arg;

    if (json_object_del(self->held, name) == 0)
        jsonfile_set_lock(self, name, F_UNLCK);
}

/* ---- The file ------------------------------------------------------------ */

/* What the transaction has made, or what the file holds; yours.  Without a file
 * there is a database without tables. */
static enum cs_rc jsonfile_load(struct jsonfile_db *self, json_t **data)
{
    struct stat status;
    FILE *file;

    *data = json_incref(self->changed);
    if (*data != NULL)
        return CS_OK;
    file = fopen(self->path, "re");
    if (file == NULL && errno == ENOENT) {
        *data = json_object();
        return *data != NULL ? CS_OK : jsonfile_no_memory(self);
    }
    if (file == NULL)
        return jsonfile_fault(self, self->path, errno);
    if (fstat(fileno(file), &status) == 0 && status.st_size <= JSONFILE_MOST)
        *data = json_loadf(file, 0, NULL);
    fclose(file);
    if (json_is_object(*data))
        return CS_OK;
    json_decref(*data);
    return cs_fail(self->host, CS_E_CONFIG,
                   "%s is too large or no database of this plugin's",
                   self->path);
}

static enum cs_rc jsonfile_store(struct jsonfile_db *self)
{
    int fd = open(self->made, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    FILE *file = fd >= 0 ? fdopen(fd, "w") : NULL;
    bool good = file != NULL &&
                json_dumpf(self->changed, file, JSON_COMPACT) == 0 &&
                fflush(file) == 0 && fsync(fd) == 0;
    int error = errno;

    if (file != NULL)
        fclose(file);
    else if (fd >= 0)
        close(fd);
    if (good && rename(self->made, self->path) != 0) {
        error = errno;
        good = false;
    }
    return good ? CS_OK : jsonfile_fault(self, self->made, error);
}

static void jsonfile_rollback(void *arg)
{
    struct jsonfile_db *self = arg;

    json_decref(self->changed);
    self->changed = NULL;
    jsonfile_unlock(self, JSONFILE_WRITER);
}

static enum cs_rc jsonfile_begin(void *arg)
{
    struct jsonfile_db *self = arg;
    json_t *data;
    enum cs_rc rc;

    if (self->changed != NULL)
        return cs_fail(self->host, CS_E_FATAL,
                       "%s: a transaction is open already", self->path);
    rc = jsonfile_lock(self, JSONFILE_WRITER, LONG_MAX);
    if (rc != CS_OK)
        return rc;
    rc = jsonfile_load(self, &data);
    if (rc == CS_OK)
        self->changed = data;
    else
        jsonfile_unlock(self, JSONFILE_WRITER);
    return rc;
}

static enum cs_rc jsonfile_commit(void *arg)
{
    struct jsonfile_db *self = arg;
    enum cs_rc rc;

    if (self->changed == NULL)
        return cs_fail(self->host, CS_E_FATAL, "%s: no transaction is open",
                       self->path);
    rc = jsonfile_store(self);
    jsonfile_rollback(self); /* there is nothing to undo any more */
    return rc;
}

/* Outside a transaction a change is one of its own. */
static enum cs_rc jsonfile_enter(struct jsonfile_db *self, bool *own)
{
    *own = self->changed == NULL;
    return *own ? jsonfile_begin(self) : CS_OK;
}

static enum cs_rc jsonfile_leave(struct jsonfile_db *self, bool own,
                                 enum cs_rc rc)
{
    if (own && rc == CS_OK)
        return jsonfile_commit(self);
    if (own)
        jsonfile_rollback(self);
    return rc;
}

/* ---- Tables and columns -------------------------------------------------- */

static enum cs_rc jsonfile_table(struct jsonfile_db *self, json_t *data,
                                 const struct cs_entity *entity, json_t **table)
{
    *table = json_object_get(data, entity->table);
    if (*table != NULL)
        return CS_OK;
    return cs_fail(self->host, CS_E_NOT_HERE, "%s has no table %s", self->path,
                   entity->table);
}

static json_t *jsonfile_column(const json_t *table, const char *name)
{
    return json_object_get(json_object_get(table, "columns"), name);
}

static json_int_t jsonfile_number(const json_t *object, const char *name)
{
    return json_integer_value(json_object_get(object, name));
}

/* All columns that the entity names are there. */
static enum cs_rc jsonfile_columns(struct jsonfile_db *self,
                                   const json_t *table,
                                   const struct cs_entity *entity)
{
    for (size_t i = 0; i < entity->ncolumns; i++)
        if (jsonfile_column(table, entity->columns[i].name) == NULL)
            return cs_fail(self->host, CS_E_CONFIG,
                           "table %s in %s has no column %s", entity->table,
                           self->path, entity->columns[i].name);
    return CS_OK;
}

static enum cs_rc jsonfile_inspect(void *arg, const struct cs_entity *entity,
                                   unsigned *lengths)
{
    struct jsonfile_db *self = arg;
    json_t *data, *table;
    enum cs_rc rc = jsonfile_load(self, &data);

    if (rc != CS_OK)
        return rc;
    rc = jsonfile_table(self, data, entity, &table);
    if (rc == CS_OK)
        rc = jsonfile_columns(self, table, entity);
    for (size_t i = 0; rc == CS_OK && lengths && i < entity->ncolumns; i++) {
        const struct cs_column *column = &entity->columns[i];
        const json_t *stored = jsonfile_column(table, column->name);

        lengths[i] = (unsigned)jsonfile_number(stored, "length");
        if (jsonfile_number(stored, "type") != (json_int_t)column->type)
            rc = cs_fail(self->host, CS_E_CONFIG,
                         "column %s of table %s in %s is of another type",
                         column->name, entity->table, self->path);
    }
    json_decref(data);
    return rc;
}

/* What a row holds that does not say; yours. */
static json_t *jsonfile_fallback(const struct cs_column *column)
{
    const char *text = column->fallback;

    if (text == NULL &&
        (!(column->flags & CS_NOT_NULL) || column->flags & (CS_KEY | CS_AUTO)))
        return json_null();
    if (column->type == CS_BOOL)
        return json_boolean(text != NULL && strcmp(text, "0") != 0);
    if (column->type == CS_INT)
        return json_integer(text != NULL ? strtoll(text, NULL, 10) : 0);
    return json_string(text != NULL ? text : "");
}

static json_t *jsonfile_describe(const struct cs_column *column)
{
    return json_pack("{s:i, s:i, s:i, s:s?, s:o}", "type", (int)column->type,
                     "length", (int)column->length, "flags", (int)column->flags,
                     "references", column->references, "fallback",
                     jsonfile_fallback(column));
}

static enum cs_rc jsonfile_create(struct jsonfile_db *self,
                                  const struct cs_entity *entity)
{
    json_t *columns = json_object();
    int fault = 0;

    for (size_t i = 0; i < entity->ncolumns; i++)
        fault |= json_object_set_new(columns, entity->columns[i].name,
                                     jsonfile_describe(&entity->columns[i]));
    fault |= json_object_set_new(
        self->changed, entity->table,
        json_pack("{s:o, s:i, s:[]}", "columns", columns, "next", 1, "rows"));
    return fault == 0 ? CS_OK : jsonfile_no_memory(self);
}

static enum cs_rc jsonfile_add(struct jsonfile_db *self, const json_t *table,
                               const struct cs_column *column)
{
    json_t *fallback = jsonfile_fallback(column), *row;
    int fault = json_object_set_new(json_object_get(table, "columns"),
                                    column->name, jsonfile_describe(column));
    size_t i;

    json_array_foreach(json_object_get(table, "rows"), i, row)
    {
        fault |= json_object_set(row, column->name, fallback);
    }
    json_decref(fallback);
    return fault == 0 ? CS_OK : jsonfile_no_memory(self);
}

static void jsonfile_widen(json_t *stored, unsigned length)
{
    json_int_t old = jsonfile_number(stored, "length");

    if (old > 0 && (length == 0 || length > old))
        json_integer_set(json_object_get(stored, "length"), length);
}

static enum cs_rc jsonfile_step(struct jsonfile_db *self,
                                const struct cs_step *step)
{
    const struct cs_column *column = &step->entity->columns[step->column];
    json_t *table = json_object_get(self->changed, step->entity->table);
    json_t *stored = jsonfile_column(table, column->name);

    if (step->change == CS_CREATE_TABLE)
        return table != NULL ? CS_OK : jsonfile_create(self, step->entity);
    if (table == NULL)
        return jsonfile_table(self, self->changed, step->entity, &table);
    if (step->change == CS_ADD_COLUMN && stored == NULL)
        return jsonfile_add(self, table, column);
    if (step->change == CS_WIDEN_COLUMN)
        jsonfile_widen(stored, column->length);
    return CS_OK; /* rows are few, so no index is needed */
}

static enum cs_rc jsonfile_alter(void *arg, const struct cs_step *step,
                                 cs_sql_fn *show, void *show_arg)
{
    struct jsonfile_db *self = arg;
    bool own;
    enum cs_rc rc;

    if (show != NULL) {
        show(show_arg, "-- a file of JSON knows no SQL: leave this step to "
                       "cleversync\n");
        return CS_OK;
    }
    rc = jsonfile_enter(self, &own);
    if (rc != CS_OK)
        return rc;
    return jsonfile_leave(self, own, jsonfile_step(self, step));
}

/* ---- Reading ------------------------------------------------------------- */

/* Times may have fractions of a second or not, so Z is no character. */
static bool jsonfile_is_below(const json_t *value, const struct cs_value *limit,
                              enum cs_type type)
{
    const char *text = json_string_value(value);
    size_t length;

    if (type == CS_INT)
        return json_is_integer(value) &&
               json_integer_value(value) < limit->as.integer;
    if (text == NULL || type == CS_BOOL)
        return false;
    length = type == CS_TIME ? strcspn(text, "Z") : strlen(text);
    if (type == CS_TIME && strncmp(text, limit->as.text, length) == 0)
        return limit->as.text[length] != 'Z' && limit->as.text[length] != '\0';
    return strcmp(text, limit->as.text) < 0;
}

/* The JSON of a cell, yours; NULL: out of memory, or no UTF-8. */
static json_t *jsonfile_value(const struct cs_value *cell, enum cs_type type)
{
    if (cell->state != CS_SET)
        return json_null();
    if (type == CS_BOOL)
        return json_boolean(cell->as.boolean);
    if (type == CS_INT)
        return json_integer(cell->as.integer);
    return json_string(cell->as.text);
}

/* Is it one of those that the filter lists? */
static bool jsonfile_is_in(const json_t *value, const json_t *listed)
{
    size_t i;
    json_t *one;

    json_array_foreach(listed, i, one)
    {
        if (json_equal(value, one))
            return true;
    }
    return false;
}

static bool jsonfile_matches(const struct cs_filter *filter,
                             const struct cs_column *column,
                             const json_t *listed, const json_t *row)
{
    const json_t *value = json_object_get(row, column->name);

    if (filter->in != NULL &&
        (json_is_null(value) || !jsonfile_is_in(value, listed)))
        return false;
    return filter->below == NULL ||
           jsonfile_is_below(value, filter->below, column->type);
}

/* Texts are those of the row. */
static void jsonfile_cells(const struct cs_entity *entity, const json_t *row,
                           struct cs_value *cells)
{
    for (size_t i = 0; i < entity->ncolumns; i++) {
        const json_t *value = json_object_get(row, entity->columns[i].name);
        struct cs_value *cell = &cells[i];

        cell->state = json_is_null(value) ? CS_NULL : CS_SET;
        if (json_is_string(value))
            cell->as.text = json_string_value(value);
        else if (json_is_integer(value))
            cell->as.integer = json_integer_value(value);
        else
            cell->as.boolean = json_is_true(value);
    }
}

static enum cs_rc jsonfile_each(struct jsonfile_db *self, const json_t *rows,
                                const struct cs_entity *entity,
                                const struct cs_filter *filter, cs_row_fn *each,
                                void *each_arg)
{
    const struct cs_column *column = &entity->columns[filter->column];
    struct cs_value *cells = calloc(entity->ncolumns, sizeof *cells);
    json_t *listed = json_array();
    size_t n = json_array_size(rows), left = filter->newest;
    enum cs_rc rc = cells && listed ? CS_OK : jsonfile_no_memory(self);

    for (size_t i = 0; i < filter->nin; i++)
        json_array_append_new(listed,
                              jsonfile_value(&filter->in[i], column->type));
    for (size_t i = 0; rc == CS_OK && i < n; i++) {
        /* Identities count up, so the newest row is the last one. */
        const json_t *row =
            json_array_get(rows, filter->newest > 0 ? n - 1 - i : i);

        if (i % JSONFILE_TURN == 0)
            rc = jsonfile_late(self);
        if (rc != CS_OK || !jsonfile_matches(filter, column, listed, row))
            continue;
        jsonfile_cells(entity, row, cells);
        rc = each(each_arg, cells);
        if (filter->newest > 0 && --left == 0)
            break;
    }
    json_decref(listed);
    free(cells);
    return rc;
}

static enum cs_rc jsonfile_scan(void *arg, const struct cs_entity *entity,
                                const struct cs_filter *filter, cs_row_fn *each,
                                void *each_arg)
{
    static const struct cs_filter all = {.size = sizeof all};
    struct jsonfile_db *self = arg;
    json_t *data, *table;
    enum cs_rc rc = jsonfile_load(self, &data);

    if (rc != CS_OK)
        return rc;
    rc = jsonfile_table(self, data, entity, &table);
    if (rc == CS_OK)
        rc = jsonfile_columns(self, table, entity);
    if (rc == CS_OK)
        rc = jsonfile_each(self, json_object_get(table, "rows"), entity,
                           filter != NULL ? filter : &all, each, each_arg);
    json_decref(data);
    return rc;
}

/* ---- Writing ------------------------------------------------------------- */

/* A batch under way. */
struct jsonfile_work {
    struct jsonfile_db *self;
    struct cs_batch *batch;
    size_t key;            /* the column that is */
    const json_t *columns; /* of the table */
    json_t *rows;          /* its rows */
    json_t *found;         /* {"COLUMN": {"TEXT": row}}: by unique columns */
    json_t *next;          /* the table's next identity */
};

static enum cs_rc jsonfile_bad(const struct jsonfile_work *work,
                               const char *column, const char *why)
{
    return cs_fail(work->self->host, CS_E_DATA, "column %s of a row of %s %s",
                   column, work->batch->entity->table, why);
}

/* From now on the row is found by its unique texts. */
static enum cs_rc jsonfile_note(struct jsonfile_work *work, json_t *row)
{
    const char *column;
    json_t *found;

    json_object_foreach(work->found, column, found)
    {
        const char *text = json_string_value(json_object_get(row, column));

        if (text == NULL)
            continue;
        if (json_object_get(found, text) != NULL)
            return jsonfile_bad(work, column, "is what another one has");
        if (json_object_set(found, text, row) != 0)
            return jsonfile_no_memory(work->self);
    }
    return CS_OK;
}

static void jsonfile_forget(struct jsonfile_work *work, const json_t *row)
{
    const char *column;
    json_t *found;

    json_object_foreach(work->found, column, found)
    {
        json_object_del(found, json_string_value(json_object_get(row, column)));
    }
}

/* Is there a row with this value in this column? */
static bool jsonfile_has(const json_t *table, const char *column,
                         const json_t *value)
{
    size_t i;
    json_t *row;

    json_array_foreach(json_object_get(table, "rows"), i, row)
    {
        if (json_equal(json_object_get(row, column), value))
            return true;
    }
    return false;
}

/* The column of the table that "Table.Column" refers to. */
static const char *jsonfile_referred(const char *references, size_t *length)
{
    const char *dot = strrchr(references, '.');

    *length = (size_t)(dot - references);
    return dot + 1;
}

static bool jsonfile_refers(const struct jsonfile_work *work,
                            const char *references, const json_t *value)
{
    size_t length;
    const char *column = jsonfile_referred(references, &length);

    return jsonfile_has(
        json_object_getn(work->self->changed, references, length), column,
        value);
}

/* In UTF-16 units, as columns have it; 0 for what is no text. */
static json_int_t jsonfile_length(const json_t *value)
{
    const char *text = json_string_value(value);
    json_int_t n = 0;

    for (; text != NULL && *text != '\0'; text++) {
        unsigned char byte = (unsigned char)*text;

        n += (byte & 0xC0) != 0x80; /* a character begins */
        n += byte >= 0xF0;          /* that takes two */
    }
    return n;
}

/* Writes a cell into a row that is ours. */
static enum cs_rc jsonfile_set(struct jsonfile_work *work, json_t *row,
                               const struct cs_column *column,
                               const struct cs_value *cell)
{
    const json_t *stored = json_object_get(work->columns, column->name);
    json_int_t length = jsonfile_number(stored, "length");
    const char *references =
        json_string_value(json_object_get(stored, "references"));
    json_t *value = cell->state == CS_ABSENT
                        ? json_incref(json_object_get(stored, "fallback"))
                        : jsonfile_value(cell, column->type);
    enum cs_rc rc = CS_OK;

    if (value == NULL)
        return jsonfile_bad(work, column->name, "is no UTF-8");
    if (json_is_null(value) && jsonfile_number(stored, "flags") & CS_NOT_NULL)
        rc = jsonfile_bad(work, column->name, "must not be null");
    else if (length > 0 && jsonfile_length(value) > length)
        rc = jsonfile_bad(work, column->name, "is too long");
    else if (references != NULL && !json_is_null(value) &&
             !jsonfile_refers(work, references, value))
        rc = jsonfile_bad(work, column->name, "refers to no row");
    else if (json_object_set(row, column->name, value) != 0)
        rc = jsonfile_no_memory(work->self);
    json_decref(value);
    return rc;
}

/* The cells that the operation writes: an insert all but the identity, which
 * is ours to give, an update those that say something. */
static enum cs_rc jsonfile_fill(struct jsonfile_work *work, json_t *row,
                                const struct cs_value *cells)
{
    const struct cs_entity *entity = work->batch->entity;
    enum cs_rc rc = CS_OK;

    for (size_t i = 0; rc == CS_OK && i < entity->ncolumns; i++) {
        const struct cs_column *column = &entity->columns[i];

        if (column->flags & CS_AUTO ||
            (work->batch->op == CS_UPDATE && cells[i].state == CS_ABSENT))
            continue;
        rc = jsonfile_set(work, row, column, &cells[i]);
    }
    return rc;
}

/* A new row of the stored columns, each with its fallback. */
static json_t *jsonfile_blank(struct jsonfile_work *work)
{
    json_t *row = json_object(), *column;
    const char *name;

    json_object_foreach((json_t *)work->columns, name, column)
    {
        if (jsonfile_number(column, "flags") & CS_AUTO)
            json_object_set_new(row, name, json_copy(work->next));
        else
            json_object_set(row, name, json_object_get(column, "fallback"));
    }
    json_integer_set(work->next, json_integer_value(work->next) + 1);
    json_array_append_new(work->rows, row);
    return row;
}

/* A row that others refer to stays. */
static enum cs_rc jsonfile_drop(struct jsonfile_work *work, const json_t *row)
{
    const char *ours = work->batch->entity->table, *other, *name;
    json_t *table, *column;
    size_t length, place = 0;

    json_object_foreach(work->self->changed, other, table)
    {
        json_object_foreach(json_object_get(table, "columns"), name, column)
        {
            const char *to =
                json_string_value(json_object_get(column, "references"));
            const char *referred =
                to != NULL ? jsonfile_referred(to, &length) : NULL;

            if (referred != NULL && strlen(ours) == length &&
                strncmp(to, ours, length) == 0 &&
                jsonfile_has(table, name, json_object_get(row, referred)))
                return jsonfile_bad(work, referred, "is referred to");
        }
    }
    while (json_array_get(work->rows, place) != row)
        place++;
    json_array_remove(work->rows, place);
    return CS_OK;
}

static enum cs_rc jsonfile_row(struct jsonfile_work *work,
                               const struct cs_value *cells)
{
    const struct cs_value *key = &cells[work->key];
    const char *name = work->batch->entity->columns[work->key].name;
    json_t *row;
    enum cs_rc rc;

    if (key->state != CS_SET)
        return jsonfile_bad(work, name, "is the key, and not set");
    if (work->batch->op == CS_INSERT)
        row = jsonfile_blank(work);
    else
        row = json_object_get(json_object_get(work->found, name), key->as.text);
    if (row == NULL)
        return CS_OK; /* it does not count, and is no error */
    work->batch->affected++;
    if (work->batch->op != CS_INSERT)
        jsonfile_forget(work, row);
    if (work->batch->op == CS_DELETE)
        return jsonfile_drop(work, row);
    rc = jsonfile_fill(work, row, cells);
    return rc == CS_OK ? jsonfile_note(work, row) : rc;
}

static enum cs_rc jsonfile_rows(struct jsonfile_work *work, json_t *table)
{
    const struct cs_batch *batch = work->batch;
    enum cs_rc rc = jsonfile_columns(work->self, table, batch->entity);
    const char *name;
    json_t *one;
    size_t i;

    work->columns = json_object_get(table, "columns");
    work->rows = json_object_get(table, "rows");
    work->next = json_object_get(table, "next");
    json_object_foreach((json_t *)work->columns, name, one)
    {
        if (jsonfile_number(one, "flags") & CS_KEY)
            json_object_set_new(work->found, name, json_object());
    }
    json_array_foreach(work->rows, i, one)
    {
        if (rc == CS_OK)
            rc = jsonfile_note(work, one);
    }
    for (i = 0; rc == CS_OK && i < batch->nrows; i++) {
        if (i % JSONFILE_TURN == 0)
            rc = jsonfile_late(work->self);
        if (rc == CS_OK)
            rc = jsonfile_row(work, batch->rows[i]);
    }
    return rc;
}

/* All of a batch or none: a copy takes the place of a table that was changed in
 * part. */
static enum cs_rc jsonfile_whole(struct jsonfile_work *work)
{
    json_t *data = work->self->changed, *table, *before;
    const struct cs_entity *entity = work->batch->entity;
    enum cs_rc rc = jsonfile_table(work->self, data, entity, &table);

    if (rc != CS_OK)
        return rc;
    before = json_deep_copy(table);
    work->found = json_object();
    if (before == NULL || work->found == NULL)
        rc = jsonfile_no_memory(work->self);
    else
        rc = jsonfile_rows(work, table);
    if (rc != CS_OK) {
        work->batch->affected = 0;
        json_object_set(data, entity->table, before);
    }
    json_decref(before);
    json_decref(work->found);
    return rc;
}

static enum cs_rc jsonfile_apply(void *arg, struct cs_batch *batch)
{
    struct jsonfile_work work = {.self = arg, .batch = batch};
    bool own;
    enum cs_rc rc = jsonfile_enter(arg, &own);

    batch->affected = 0;
    if (rc != CS_OK)
        return rc;
    while (!(batch->entity->columns[work.key].flags & CS_KEY))
        work.key++; /* each entity has one */
    return jsonfile_leave(arg, own, jsonfile_whole(&work));
}

/* ---- Life ---------------------------------------------------------------- */

static void jsonfile_close(void *arg)
{
    struct jsonfile_db *self = arg;

    jsonfile_rollback(self);
    if (self->locks >= 0)
        close(self->locks); /* frees all locks */
    json_decref(self->held);
    free(self);
}

static enum cs_rc jsonfile_open(const struct cs_host *host, void **self)
{
    const char *path = host->text(host, "path");
    struct jsonfile_db *made = calloc(1, sizeof *made);

    if (made == NULL || (made->held = json_object()) == NULL) {
        free(made);
        return cs_fail(host, CS_E_FATAL, "out of memory");
    }
    made->host = host;
    made->locks = -1;
    if (strlen(path) >= sizeof made->path) {
        jsonfile_close(made);
        return cs_fail(host, CS_E_CONFIG, "path is too long");
    }
    snprintf(made->path, sizeof made->path, "%s", path);
    snprintf(made->made, sizeof made->made, "%s.new", path);
    snprintf(made->lock_path, sizeof made->lock_path, "%s.lock", path);
    *self = made;
    return CS_OK;
}

static enum cs_rc jsonfile_check(void *arg)
{
    struct jsonfile_db *self = arg;
    json_t *data;
    enum cs_rc rc = jsonfile_load(self, &data);

    if (rc == CS_OK)
        json_decref(data);
    return rc;
}

static const struct cs_option jsonfile_options[] = {
    {.name = "path",
     .type = CS_OPT_TEXT | CS_OPT_TEMPLATE,
     .help = "the database's file, such as "
             "/var/lib/cleversync/{school_prefix}.json"},
    {.name = NULL},
};

static const struct cs_sink_ops jsonfile_ops = {
    .life = {.open = jsonfile_open,
             .check = jsonfile_check,
             .close = jsonfile_close},
    .one_writer = true,
    .inspect = jsonfile_inspect,
    .alter = jsonfile_alter,
    .lock = jsonfile_lock,
    .holds = jsonfile_holds,
    .unlock = jsonfile_unlock,
    .scan = jsonfile_scan,
    .begin = jsonfile_begin,
    .apply = jsonfile_apply,
    .commit = jsonfile_commit,
    .rollback = jsonfile_rollback,
};

CS_SINK_PLUGIN("jsonfile", jsonfile_ops, .version = "1.0",
               .summary = "databases in files of JSON",
               .options = jsonfile_options);
