/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* Rows: reading them as a stream, and writing batches. */
#include "sqlite-test.h"

#include <stdlib.h>
#include <string.h>

enum { SQLITE_TEST_CHUNK = 500 }; /* values of an in-list per statement */

/* ---- Statements --------------------------------------------------------- */

/* A statement that cannot be prepared: most likely the table is not as the
 * entity says. */
static enum cs_rc sqlite_test_unprepared(struct sqlite_test *self,
                                         const struct cs_entity *entity)
{
    bool refused = sqlite3_errcode(self->db) == SQLITE_ERROR;
    enum cs_rc rc = sqlite_test_fail(self, entity->table), found = CS_OK;
    if (refused)
        found = sqlite_test_inspect(self, entity, NULL);
    return found != CS_OK ? found : rc;
}

static enum cs_rc sqlite_test_prepare(struct sqlite_test *self,
                                      const struct cs_entity *entity,
                                      const char *sql, unsigned flags,
                                      sqlite3_stmt **statement)
{
    if (sqlite3_prepare_v3(self->db, sql, -1, flags, statement, NULL) !=
        SQLITE_OK)
        return sqlite_test_unprepared(self, entity);
    return CS_OK;
}

/* Takes sql over.  The statement stays the cache's. */
static enum cs_rc sqlite_test_cached(struct sqlite_test *self,
                                     const struct cs_entity *entity, char *sql,
                                     sqlite3_stmt **statement)
{
    enum cs_rc rc = CS_OK;
    *statement = NULL;
    if (sql == NULL)
        return sqlite_test_out_of_memory(self);
    for (size_t i = 0; i < SQLITE_TEST_STATEMENTS; i++)
        if (self->statements[i] != NULL &&
            strcmp(sqlite3_sql(self->statements[i]), sql) == 0)
            *statement = self->statements[i];
    if (*statement == NULL) {
        sqlite3_stmt **place = &self->statements[self->next];
        self->next = (self->next + 1) % SQLITE_TEST_STATEMENTS;
        sqlite3_finalize(*place);
        *place = NULL;
        rc = sqlite_test_prepare(self, entity, sql, SQLITE_PREPARE_PERSISTENT,
                                 place);
        *statement = *place;
    }
    sqlite3_free(sql);
    return rc;
}

/* ---- Cells -------------------------------------------------------------- */

/* Text is not copied: it lives as long as the row. */
static int sqlite_test_bind(sqlite3_stmt *statement, int place,
                            enum cs_type type, const struct cs_value *cell)
{
    if (cell->state != CS_SET)
        return sqlite3_bind_null(statement, place);
    switch (type) {
    case CS_BOOL:
        return sqlite3_bind_int(statement, place, cell->as.boolean);
    case CS_INT:
        return sqlite3_bind_int64(statement, place, cell->as.integer);
    case CS_TEXT:
    case CS_TIME:
        break;
    }
    return sqlite3_bind_text(statement, place, cell->as.text, -1,
                             SQLITE_STATIC);
}

static int sqlite_test_read(sqlite3_stmt *statement, int place,
                            enum cs_type type, struct cs_value *cell)
{
    *cell = (struct cs_value){.state = CS_NULL};
    if (sqlite3_column_type(statement, place) == SQLITE_NULL)
        return SQLITE_OK;
    cell->state = CS_SET;
    switch (type) {
    case CS_BOOL:
        cell->as.boolean = sqlite3_column_int(statement, place) != 0;
        return SQLITE_OK;
    case CS_INT:
        cell->as.integer = sqlite3_column_int64(statement, place);
        return SQLITE_OK;
    case CS_TEXT:
    case CS_TIME:
        break;
    }
    cell->as.text = (const char *)sqlite3_column_text(statement, place);
    return cell->as.text != NULL ? SQLITE_OK : SQLITE_NOMEM;
}

/* ---- Reading ------------------------------------------------------------ */

static enum cs_rc sqlite_test_stream(struct sqlite_test *self,
                                     const struct cs_entity *entity,
                                     sqlite3_stmt *statement, cs_row_fn *each,
                                     void *arg)
{
    struct cs_value *row = calloc(entity->ncolumns, sizeof *row);
    enum cs_rc rc = CS_OK;
    int code = SQLITE_ROW;
    if (row == NULL)
        return sqlite_test_out_of_memory(self);
    self->selects++;
    while (rc == CS_OK && (code = sqlite3_step(statement)) == SQLITE_ROW) {
        self->read++;
        for (size_t i = 0; rc == CS_OK && i < entity->ncolumns; i++)
            if (sqlite_test_read(statement, (int)i, entity->columns[i].type,
                                 &row[i]) != SQLITE_OK)
                rc = sqlite_test_out_of_memory(self);
        if (rc == CS_OK)
            rc = each(arg, row);
    }
    if (code != SQLITE_ROW && code != SQLITE_DONE)
        rc = sqlite_test_fail(self, entity->table);
    free(row);
    return rc;
}

/* One statement, for nin values from `in` on. */
static enum cs_rc sqlite_test_select(struct sqlite_test *self,
                                     const struct cs_entity *entity,
                                     const struct cs_filter *filter,
                                     const struct cs_value *in, size_t nin,
                                     cs_row_fn *each, void *arg)
{
    size_t identity = sqlite_test_column(entity, CS_AUTO);
    if (filter->newest > 0 && identity == entity->ncolumns)
        return cs_fail(self->host, CS_E_FATAL,
                       "table %s has no identity to tell the newest by",
                       entity->table);
    enum cs_type type = entity->columns[filter->column].type;
    sqlite3_stmt *statement = NULL;
    char *sql = sqlite_test_sql_select(entity, filter, nin, identity);
    if (sql == NULL)
        return sqlite_test_out_of_memory(self);
    enum cs_rc rc = sqlite_test_prepare(self, entity, sql, 0, &statement);
    sqlite3_free(sql);
    int code = SQLITE_OK;
    for (size_t i = 0; rc == CS_OK && code == SQLITE_OK && i < nin; i++)
        code = sqlite_test_bind(statement, (int)i + 1, type, &in[i]);
    if (rc == CS_OK && code == SQLITE_OK && filter->below != NULL)
        code = sqlite_test_bind(statement, (int)nin + 1, type, filter->below);
    if (code != SQLITE_OK)
        rc = sqlite_test_fail(self, entity->table);
    if (rc == CS_OK)
        rc = sqlite_test_stream(self, entity, statement, each, arg);
    sqlite3_finalize(statement);
    return rc;
}

enum cs_rc sqlite_test_scan(void *arg, const struct cs_entity *entity,
                            const struct cs_filter *filter, cs_row_fn *each,
                            void *each_arg)
{
    static const struct cs_filter all = {.size = sizeof all};
    struct sqlite_test *self = arg;
    if (filter == NULL)
        filter = &all;
    enum cs_rc rc = sqlite_test_connect(self, false);
    if (rc != CS_OK)
        return rc;
    if (filter->in == NULL)
        return sqlite_test_select(self, entity, filter, NULL, 0, each,
                                  each_arg);
    if (filter->newest > 0 && filter->nin > SQLITE_TEST_CHUNK)
        return cs_fail(self->host, CS_E_FATAL,
                       "the newest rows are found among at most %d values",
                       SQLITE_TEST_CHUNK);
    for (size_t i = 0; rc == CS_OK && i < filter->nin; i += SQLITE_TEST_CHUNK) {
        size_t rest = filter->nin - i;
        rc = sqlite_test_select(self, entity, filter, filter->in + i,
                                rest < SQLITE_TEST_CHUNK ? rest
                                                         : SQLITE_TEST_CHUNK,
                                each, each_arg);
    }
    return rc;
}

/* ---- Writing ------------------------------------------------------------ */

/* The columns that a row writes.  The database gives identities; an update
 * does not write the key, which says where. */
static uint64_t sqlite_test_mask(const struct cs_batch *batch,
                                 const struct cs_value *row)
{
    uint64_t mask = 0;
    unsigned never = CS_AUTO | (batch->op == CS_UPDATE ? CS_KEY : 0u);
    if (batch->op == CS_DELETE)
        return 0;
    for (size_t i = 0; i < batch->entity->ncolumns; i++)
        if (row[i].state != CS_ABSENT &&
            !(batch->entity->columns[i].flags & never))
            mask |= UINT64_C(1) << i;
    return mask;
}

static char *sqlite_test_change(const struct cs_batch *batch, uint64_t mask,
                                size_t key)
{
    if (batch->op == CS_INSERT)
        return sqlite_test_sql_insert(batch->entity, mask);
    if (batch->op == CS_UPDATE)
        return sqlite_test_sql_update(batch->entity, mask, key);
    return sqlite_test_sql_delete(batch->entity, key);
}

static enum cs_rc sqlite_test_write(struct sqlite_test *self,
                                    const struct cs_entity *entity,
                                    sqlite3_stmt *statement, uint64_t mask,
                                    const struct cs_value *row)
{
    int code = SQLITE_OK;
    for (size_t i = 0; code == SQLITE_OK && i < entity->ncolumns; i++)
        if (mask >> i & 1)
            code = sqlite_test_bind(statement, (int)i + 1,
                                    entity->columns[i].type, &row[i]);
    enum cs_rc rc = CS_OK;
    if (code != SQLITE_OK || sqlite3_step(statement) != SQLITE_DONE)
        rc = sqlite_test_fail(self, entity->table);
    self->written++;
    sqlite3_reset(statement);
    sqlite3_clear_bindings(statement);
    return rc;
}

static enum cs_rc sqlite_test_rows(struct sqlite_test *self,
                                   struct cs_batch *batch, size_t key)
{
    const struct cs_entity *entity = batch->entity;
    sqlite3_stmt *statement = NULL;
    uint64_t last = 0;
    enum cs_rc rc = CS_OK;
    for (size_t i = 0; rc == CS_OK && i < batch->nrows; i++) {
        const struct cs_value *row = batch->rows[i];
        uint64_t mask = sqlite_test_mask(batch, row);
        if (row[key].state != CS_SET)
            return cs_fail(self->host, CS_E_DATA, "a row of %s has no key",
                           entity->table);
        if (batch->op == CS_UPDATE && mask == 0)
            continue; /* nothing to write */
        if (statement == NULL || mask != last)
            rc = sqlite_test_cached(
                self, entity, sqlite_test_change(batch, mask, key), &statement);
        if (rc == CS_OK)
            rc = sqlite_test_write(self, entity, statement,
                                   mask | UINT64_C(1) << key, row);
        if (rc == CS_OK)
            batch->affected += (size_t)sqlite3_changes(self->db);
        last = mask;
    }
    return rc;
}

enum cs_rc sqlite_test_apply(void *arg, struct cs_batch *batch)
{
    struct sqlite_test *self = arg;
    size_t key = sqlite_test_column(batch->entity, CS_KEY);
    batch->affected = 0;
    if (key == batch->entity->ncolumns ||
        batch->entity->ncolumns > SQLITE_TEST_COLUMNS)
        return cs_fail(self->host, CS_E_FATAL,
                       "table %s has no key, or more than %d columns",
                       batch->entity->table, SQLITE_TEST_COLUMNS);
    if (batch->nrows == 0)
        return CS_OK;
    bool outer;
    enum cs_rc rc = sqlite_test_connect(self, true);
    if (rc == CS_OK)
        rc = sqlite_test_enter(self, &outer);
    if (rc != CS_OK)
        return rc;
    rc = sqlite_test_leave(self, outer, sqlite_test_rows(self, batch, key));
    if (rc != CS_OK)
        batch->affected = 0;
    if (rc == CS_E_DATA && !outer && sqlite3_get_autocommit(self->db))
        return cs_fail(self->host, CS_E_FATAL,
                       "%s: the database undid the whole transaction because "
                       "of a row of %s",
                       self->path, batch->entity->table);
    return rc;
}
