/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* Writing batches, all or nothing each. */
#define _GNU_SOURCE 1 /* asprintf() */

#include "mssql-odbc.h"

#include <stdio.h>
#include <stdlib.h>

#define MSSQL_ODBC_SAVE "SAVE TRANSACTION cleversync_batch;\n"
#define MSSQL_ODBC_UNDO "IF @@TRANCOUNT > 0 ROLLBACK TRANSACTION"

/* ---- Before anything is sent -------------------------------------------- */

static enum cs_rc mssql_odbc_row_check(struct mssql_odbc *self,
                                       const struct mssql_odbc_table *table,
                                       const struct cs_value *row, size_t key)
{
    enum cs_rc rc = CS_OK;
    if (row[key].state != CS_SET)
        return cs_fail(self->host, CS_E_DATA, "a row of %s has no key",
                       table->entity->table);
    for (size_t i = 0; rc == CS_OK && i < table->entity->ncolumns; i++)
        rc = mssql_odbc_value_check(self, table, i, &row[i]);
    return rc;
}

/* ---- Writing ------------------------------------------------------------ */

static enum cs_rc mssql_odbc_step(struct mssql_odbc *self, const char *sql)
{
    return mssql_odbc_run(self, sql, NULL, 0, NULL, NULL, 0);
}

static char *mssql_odbc_change(const struct mssql_odbc_table *table,
                               const struct mssql_odbc_part *part)
{
    if (part->op == CS_INSERT)
        return mssql_odbc_sql_insert_json(table, part->mask);
    if (part->op == CS_UPDATE)
        return mssql_odbc_sql_update_json(table, part->mask, part->always,
                                          part->key);
    return mssql_odbc_sql_delete_json(table, part->key);
}

/* `save` is SQL to be sent before, or "". */
static enum cs_rc mssql_odbc_json(struct mssql_odbc *self,
                                  const struct mssql_odbc_table *table,
                                  const struct mssql_odbc_part *part,
                                  const char *save, size_t *affected)
{
    char *sql = NULL, *change = mssql_odbc_change(table, part);
    char *json = mssql_odbc_part_json(part, table->entity);
    enum cs_rc rc;
    int64_t changed = 0;
    if (change == NULL || json == NULL ||
        asprintf(&sql, "%s%s", save, change) < 0) {
        rc = mssql_odbc_out_of_memory(self);
    } else {
        self->written++;
        rc = mssql_odbc_run(self, sql, (const char *const[]){json}, 1,
                            table->entity->table, &changed, 1);
        free(sql);
    }
    if (rc == CS_OK)
        *affected += (size_t)changed;
    free(change);
    free(json);
    return rc;
}

static enum cs_rc mssql_odbc_write(struct mssql_odbc *self,
                                   const struct mssql_odbc_table *table,
                                   struct cs_batch *batch, size_t key,
                                   const char *save)
{
    struct mssql_odbc_parts parts;
    struct mssql_odbc_part part;
    enum cs_rc rc = CS_OK;
    if (!mssql_odbc_parts_start(&parts, batch, key, self->openjson))
        return mssql_odbc_out_of_memory(self);
    while (rc == CS_OK && mssql_odbc_parts_next(&parts, &part)) {
        if (part.json) {
            rc = mssql_odbc_json(self, table, &part, save, &batch->affected);
        } else {
            if (*save != '\0')
                rc = mssql_odbc_step(self, save);
            if (rc == CS_OK)
                rc = mssql_odbc_array(self, table, &part, &batch->affected);
        }
        save = ""; /* once, before the first of them */
    }
    mssql_odbc_parts_clear(&parts);
    return rc;
}

/* ---- Transactions ------------------------------------------------------- */

/* After a refused batch the transaction is as it was before it, unless the
 * database itself has undone or doomed all of it. */
static enum cs_rc mssql_odbc_undo(struct mssql_odbc *self, const char *table)
{
    int64_t state[2] = {0, 0};
    enum cs_rc rc = mssql_odbc_run(self, "SELECT @@TRANCOUNT, XACT_STATE()",
                                   NULL, 0, NULL, state, 2);
    if (rc == CS_OK && state[0] > 0 && state[1] == 1) {
        rc = mssql_odbc_step(self, "ROLLBACK TRANSACTION cleversync_batch");
        return rc == CS_OK ? CS_E_DATA : rc;
    }
    if (rc == CS_OK)
        rc = mssql_odbc_step(self, MSSQL_ODBC_UNDO);
    if (rc != CS_OK)
        return rc;
    self->transaction = false;
    return cs_fail(self->host, CS_E_FATAL,
                   "%s, table %s: the database undid the whole transaction "
                   "because of a row (a trigger, or XACT_ABORT)",
                   self->where, table);
}

static enum cs_rc mssql_odbc_inside(struct mssql_odbc *self,
                                    const struct mssql_odbc_table *table,
                                    struct cs_batch *batch, size_t key)
{
    enum cs_rc rc = mssql_odbc_write(self, table, batch, key, MSSQL_ODBC_SAVE);
    if (rc == CS_E_DATA)
        rc = mssql_odbc_undo(self, batch->entity->table);
    /* A deadlock ends it: what follows would be stored for good. */
    self->broken = rc != CS_OK && rc != CS_E_DATA;
    return rc;
}

/* In a transaction of its own. */
static enum cs_rc mssql_odbc_alone(struct mssql_odbc *self,
                                   const struct mssql_odbc_table *table,
                                   struct cs_batch *batch, size_t key)
{
    enum cs_rc undone = CS_OK, rc = mssql_odbc_step(self, "BEGIN TRANSACTION");
    self->transaction = rc == CS_OK; /* so that nothing connects anew */
    if (rc == CS_OK)
        rc = mssql_odbc_write(self, table, batch, key, "");
    if (rc == CS_OK)
        rc = mssql_odbc_step(self, "COMMIT TRANSACTION");
    if (rc != CS_OK && self->transaction && self->connection != NULL)
        undone = mssql_odbc_step(self, MSSQL_ODBC_UNDO);
    if (undone != CS_OK) {
        mssql_odbc_disconnect(self);
        rc = undone;
    }
    self->transaction = false;
    return rc;
}

enum cs_rc mssql_odbc_apply(void *arg, struct cs_batch *batch)
{
    struct mssql_odbc *self = arg;
    const struct mssql_odbc_table *table = NULL;
    size_t key = mssql_odbc_column(batch->entity, CS_KEY);
    batch->affected = 0;
    if (key == batch->entity->ncolumns ||
        batch->entity->ncolumns > MSSQL_ODBC_COLUMNS)
        return cs_fail(self->host, CS_E_FATAL,
                       "table %s has no key, or more than %d columns",
                       batch->entity->table, MSSQL_ODBC_COLUMNS);
    if (batch->nrows == 0)
        return CS_OK;
    if (self->transaction && self->broken)
        return mssql_odbc_failed_before(self);
    enum cs_rc rc = mssql_odbc_connect(self);
    if (rc == CS_OK)
        rc = mssql_odbc_find(self, batch->entity, &table);
    for (size_t i = 0; rc == CS_OK && i < batch->nrows; i++)
        rc = mssql_odbc_row_check(self, table, batch->rows[i], key);
    if (rc != CS_OK)
        return rc;
    rc = self->transaction ? mssql_odbc_inside(self, table, batch, key)
                           : mssql_odbc_alone(self, table, batch, key);
    if (rc != CS_OK)
        batch->affected = 0;
    return rc;
}
