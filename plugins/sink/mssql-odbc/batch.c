/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* A batch taken apart into what single statements write, and that as JSON.
 *
 * Rows with a value that cannot go as JSON are written as parameters, after the
 * others.  Only where a key comes a second time all rows before it are written
 * first: of two changes of one row the later has to win. */
#include "mssql-odbc.h"

#include <stdlib.h>
#include <string.h>

/* Bytes of text in a part that goes as JSON, which escapes none of them. */
enum { MSSQL_ODBC_PART = 8 << 20 };

struct mssql_odbc_row {
    uint64_t mask;  /* columns that it writes; 0: none, or it was in a part */
    size_t earlier; /* one more than the place of the last row before it with
                       this key; 0: there is none */
    bool json;
};

/* ---- Parts -------------------------------------------------------------- */

/* The columns that a row writes.  The database gives identities; an update
 * does not write the key, which says where. */
static uint64_t mssql_odbc_mask(const struct cs_batch *batch, size_t key,
                                const struct cs_value *row)
{
    uint64_t mask = 0;
    unsigned never = CS_AUTO | (batch->op == CS_UPDATE ? CS_KEY : 0u);
    if (batch->op == CS_DELETE)
        return UINT64_C(1) << key;
    for (size_t i = 0; i < batch->entity->ncolumns; i++)
        if (row[i].state != CS_ABSENT &&
            !(batch->entity->columns[i].flags & never))
            mask |= UINT64_C(1) << i;
    return mask;
}

static size_t mssql_odbc_row_bytes(const struct cs_entity *entity,
                                   const struct cs_value *row)
{
    size_t bytes = 0;
    for (size_t i = 0; i < entity->ncolumns; i++)
        bytes += row[i].state == CS_SET && entity->columns[i].type == CS_TEXT
                     ? strlen(row[i].as.text)
                     : MSSQL_ODBC_VALUE;
    return bytes;
}

struct mssql_odbc_place {
    const char *key;
    size_t row;
};

static int mssql_odbc_place_order(const void *a, const void *b)
{
    const struct mssql_odbc_place *one = a, *other = b;
    int order = strcmp(one->key, other->key);
    return order != 0 ? order : (one->row > other->row) * 2 - 1;
}

/* Finds the rows that have a key again; ENOMEM as false. */
static bool mssql_odbc_keys(struct mssql_odbc_parts *parts)
{
    const struct cs_batch *batch = parts->batch;
    struct mssql_odbc_place *places = calloc(batch->nrows, sizeof *places);
    if (places == NULL)
        return false;
    for (size_t i = 0; i < batch->nrows; i++)
        places[i] =
            (struct mssql_odbc_place){batch->rows[i][parts->key].as.text, i};
    qsort(places, batch->nrows, sizeof *places, mssql_odbc_place_order);
    for (size_t i = 1; i < batch->nrows; i++)
        if (strcmp(places[i - 1].key, places[i].key) == 0)
            parts->rows[places[i].row].earlier = places[i - 1].row + 1;
    free(places);
    return true;
}

/* Can all that the row has to send go as JSON? */
static bool mssql_odbc_fits_json(const struct cs_batch *batch, size_t key,
                                 const struct cs_value *row, uint64_t mask)
{
    const struct cs_entity *entity = batch->entity;
    mask |= batch->op == CS_INSERT ? 0 : UINT64_C(1) << key;
    for (size_t i = 0; i < entity->ncolumns; i++)
        if (mask >> i & 1 &&
            !mssql_odbc_value_fits_json(entity->columns[i].type, &row[i]))
            return false;
    return true;
}

bool mssql_odbc_parts_start(struct mssql_odbc_parts *parts,
                            const struct cs_batch *batch, size_t key, bool json)
{
    *parts = (struct mssql_odbc_parts){
        .batch = batch,
        .key = key,
        .rows = calloc(batch->nrows, sizeof *parts->rows),
        .chosen = calloc(batch->nrows, sizeof *parts->chosen),
    };
    if (parts->rows == NULL || parts->chosen == NULL ||
        !mssql_odbc_keys(parts)) {
        mssql_odbc_parts_clear(parts);
        return false;
    }
    for (size_t i = 0; i < batch->nrows; i++) {
        uint64_t mask = mssql_odbc_mask(batch, key, batch->rows[i]);
        parts->rows[i].mask = mask;
        parts->rows[i].json =
            json && mssql_odbc_fits_json(batch, key, batch->rows[i], mask);
    }
    return true;
}

void mssql_odbc_parts_clear(struct mssql_odbc_parts *parts)
{
    free(parts->rows);
    free(parts->chosen);
    parts->rows = NULL;
    parts->chosen = NULL;
}

/* Goes on to the next rows, up to a key that is there already or to what is too
 * much for one parameter. */
static void mssql_odbc_advance(struct mssql_odbc_parts *parts)
{
    const struct cs_batch *batch = parts->batch;
    size_t bytes = 0, i;
    parts->first = parts->end;
    for (i = parts->first; i < batch->nrows; i++) {
        if (parts->rows[i].json)
            bytes += mssql_odbc_row_bytes(batch->entity, batch->rows[i]);
        if (i > parts->first &&
            (bytes > MSSQL_ODBC_PART || parts->rows[i].earlier > parts->first))
            break;
    }
    parts->end = i;
}

/* A row that is in no part yet, or NULL: those that go as JSON come first. */
static const struct mssql_odbc_row *
mssql_odbc_next_row(const struct mssql_odbc_parts *parts)
{
    const struct mssql_odbc_row *next = NULL;
    for (size_t i = parts->first; i < parts->end; i++) {
        const struct mssql_odbc_row *row = &parts->rows[i];
        if (row->mask != 0 && row->json)
            return row;
        if (row->mask != 0 && next == NULL)
            next = row;
    }
    return next;
}

/* Can one statement write both? */
static bool mssql_odbc_alike(const struct mssql_odbc_parts *parts,
                             const struct mssql_odbc_row *one,
                             const struct mssql_odbc_row *other)
{
    if (one->mask == 0 || other->mask == 0 || one->json != other->json)
        return false;
    return one->mask == other->mask ||
           (one->json && parts->batch->op == CS_UPDATE);
}

bool mssql_odbc_parts_next(struct mssql_odbc_parts *parts,
                           struct mssql_odbc_part *part)
{
    const struct mssql_odbc_row *next;
    while ((next = mssql_odbc_next_row(parts)) == NULL) {
        if (parts->end == parts->batch->nrows)
            return false;
        mssql_odbc_advance(parts);
    }
    const struct mssql_odbc_row like = *next;
    *part = (struct mssql_odbc_part){.op = parts->batch->op,
                                     .json = like.json,
                                     .rows = parts->chosen,
                                     .key = parts->key,
                                     .always = like.mask};
    for (size_t i = parts->first; i < parts->end; i++) {
        struct mssql_odbc_row *row = &parts->rows[i];
        if (!mssql_odbc_alike(parts, &like, row))
            continue;
        part->mask |= row->mask;
        part->always &= row->mask;
        parts->chosen[part->nrows++] = parts->batch->rows[i];
        row->mask = 0;
    }
    return true;
}

/* ---- JSON --------------------------------------------------------------- */

/* One row as sql.c wants it; NULL: out of memory. */
static json_t *mssql_odbc_row_json(const struct mssql_odbc_part *part,
                                   const struct cs_entity *entity,
                                   const struct cs_value *row)
{
    enum cs_type key = entity->columns[part->key].type;
    if (part->op == CS_DELETE)
        return mssql_odbc_value_json(key, &row[part->key]);
    uint64_t said = 0;
    json_t *cells = json_array();
    int failed = cells == NULL;
    for (size_t i = 0; i < entity->ncolumns; i++)
        if (row[i].state != CS_ABSENT)
            said |= part->mask & UINT64_C(1) << i;
    if (part->op == CS_UPDATE) {
        failed |= json_array_append_new(
            cells, mssql_odbc_value_json(key, &row[part->key]));
        failed |= json_array_append_new(cells, json_integer((json_int_t)said));
    }
    for (size_t i = 0; i < entity->ncolumns; i++)
        if (part->mask >> i & 1)
            failed |= json_array_append_new(
                cells, mssql_odbc_value_json(entity->columns[i].type, &row[i]));
    if (!failed)
        return cells;
    json_decref(cells);
    return NULL;
}

char *mssql_odbc_part_json(const struct mssql_odbc_part *part,
                           const struct cs_entity *entity)
{
    json_t *rows = json_array();
    int failed = rows == NULL;
    for (size_t i = 0; !failed && i < part->nrows; i++)
        failed = json_array_append_new(
            rows, mssql_odbc_row_json(part, entity, part->rows[i]));
    char *text = failed ? NULL : json_dumps(rows, JSON_COMPACT);
    json_decref(rows);
    return text;
}
