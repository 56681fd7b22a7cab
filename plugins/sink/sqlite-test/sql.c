/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* The text of statements.  Names come from plugins' entities and are quoted;
 * values are always parameters. */
#include "sqlite-test.h"

#include <stdlib.h>
#include <string.h>

/* sqlite3_str takes note of a lack of memory and answers NULL at its end. */
static void sqlite_test_name(sqlite3_str *sql, const char *name)
{
    sqlite3_str_appendf(sql, "\"%w\"", name);
}

/* ---- Rows --------------------------------------------------------------- */

char *sqlite_test_sql_insert(const struct cs_entity *entity, uint64_t mask)
{
    sqlite3_str *sql = sqlite3_str_new(NULL);
    const char *comma = "";
    sqlite3_str_appendf(sql, "INSERT INTO \"%w\" (", entity->table);
    for (size_t i = 0; i < entity->ncolumns; i++)
        if (mask >> i & 1) {
            sqlite3_str_appendf(sql, "%s\"%w\"", comma,
                                entity->columns[i].name);
            comma = ", ";
        }
    sqlite3_str_appendall(sql, ") VALUES (");
    comma = "";
    for (size_t i = 0; i < entity->ncolumns; i++)
        if (mask >> i & 1) {
            sqlite3_str_appendf(sql, "%s?%d", comma, (int)i + 1);
            comma = ", ";
        }
    sqlite3_str_appendall(sql, ")");
    return sqlite3_str_finish(sql);
}

char *sqlite_test_sql_update(const struct cs_entity *entity, uint64_t mask,
                             size_t key)
{
    sqlite3_str *sql = sqlite3_str_new(NULL);
    const char *comma = "";
    sqlite3_str_appendf(sql, "UPDATE \"%w\" SET ", entity->table);
    for (size_t i = 0; i < entity->ncolumns; i++)
        if (mask >> i & 1) {
            sqlite3_str_appendf(sql, "%s\"%w\" = ?%d", comma,
                                entity->columns[i].name, (int)i + 1);
            comma = ", ";
        }
    sqlite3_str_appendf(sql, " WHERE \"%w\" = ?%d", entity->columns[key].name,
                        (int)key + 1);
    return sqlite3_str_finish(sql);
}

char *sqlite_test_sql_delete(const struct cs_entity *entity, size_t key)
{
    sqlite3_str *sql = sqlite3_str_new(NULL);
    sqlite3_str_appendf(sql, "DELETE FROM \"%w\" WHERE \"%w\" = ?%d",
                        entity->table, entity->columns[key].name, (int)key + 1);
    return sqlite3_str_finish(sql);
}

char *sqlite_test_sql_select(const struct cs_entity *entity,
                             const struct cs_filter *filter, size_t nin,
                             size_t identity)
{
    sqlite3_str *sql = sqlite3_str_new(NULL);
    const char *where = " WHERE ";
    for (size_t i = 0; i < entity->ncolumns; i++)
        sqlite3_str_appendf(sql, "%s\"%w\"", i == 0 ? "SELECT " : ", ",
                            entity->columns[i].name);
    sqlite3_str_appendf(sql, " FROM \"%w\"", entity->table);
    for (size_t i = 0; i < nin; i++) {
        if (i == 0)
            sqlite3_str_appendf(sql, " WHERE \"%w\" IN (",
                                entity->columns[filter->column].name);
        sqlite3_str_appendall(sql, i + 1 == nin ? "?)" : "?, ");
        where = " AND ";
    }
    if (filter->below != NULL)
        sqlite3_str_appendf(sql, "%s\"%w\" < ?", where,
                            entity->columns[filter->column].name);
    if (filter->newest > 0)
        sqlite3_str_appendf(sql, " ORDER BY \"%w\" DESC LIMIT %lld",
                            entity->columns[identity].name,
                            (long long)filter->newest);
    return sqlite3_str_finish(sql);
}

/* ---- Schema ------------------------------------------------------------- */

static void sqlite_test_type(sqlite3_str *sql, const struct cs_column *column)
{
    if (column->type == CS_INT)
        sqlite3_str_appendall(sql, "INTEGER");
    else if (column->type == CS_BOOL)
        sqlite3_str_appendall(sql, "BOOLEAN");
    else if (column->type == CS_TEXT && column->length > 0)
        /* SQLite does not mind the length; inspect() reads it back. */
        sqlite3_str_appendf(sql, "NVARCHAR(%u)", column->length);
    else
        sqlite3_str_appendall(sql, "TEXT");
}

char *sqlite_test_sql_type(const struct cs_column *column)
{
    sqlite3_str *sql = sqlite3_str_new(NULL);
    sqlite_test_type(sql, column);
    return sqlite3_str_finish(sql);
}

static void sqlite_test_fallback(sqlite3_str *sql,
                                 const struct cs_column *column)
{
    bool number = column->type == CS_INT || column->type == CS_BOOL;
    const char *value = column->fallback;
    if (value == NULL && column->flags & CS_NOT_NULL &&
        !(column->flags & CS_KEY))
        value = number ? "0" : "";
    if (value == NULL)
        return;
    if (number)
        sqlite3_str_appendf(sql, " DEFAULT %lld", strtoll(value, NULL, 10));
    else
        sqlite3_str_appendf(sql, " DEFAULT %Q", value);
}

static void sqlite_test_references(sqlite3_str *sql, const char *target)
{
    int table = (int)strcspn(target, ".");
    sqlite3_str_appendf(sql, " REFERENCES \"%.*w\"", table, target);
    if (target[table] == '.')
        sqlite3_str_appendf(sql, " (\"%w\")", target + table + 1);
}

static void sqlite_test_define(sqlite3_str *sql, const struct cs_column *column)
{
    sqlite_test_name(sql, column->name);
    if (column->flags & CS_AUTO) {
        sqlite3_str_appendall(sql, " INTEGER PRIMARY KEY AUTOINCREMENT");
        return;
    }
    sqlite3_str_appendall(sql, " ");
    sqlite_test_type(sql, column);
    if (column->flags & (CS_NOT_NULL | CS_KEY))
        sqlite3_str_appendall(sql, " NOT NULL");
    if (column->flags & CS_KEY)
        sqlite3_str_appendall(sql, " UNIQUE");
    sqlite_test_fallback(sql, column);
    if (column->references != NULL)
        sqlite_test_references(sql, column->references);
}

static void sqlite_test_index(sqlite3_str *sql, const char *table,
                              const struct cs_column *column)
{
    sqlite3_str_appendf(
        sql, "CREATE %sINDEX IF NOT EXISTS \"IX_%w_%w\" ON \"%w\" (\"%w\");\n",
        column->flags & CS_KEY ? "UNIQUE " : "", table, column->name, table,
        column->name);
}

static void sqlite_test_create(sqlite3_str *sql, const struct cs_entity *entity)
{
    sqlite3_str_appendf(sql, "CREATE TABLE IF NOT EXISTS \"%w\" (",
                        entity->table);
    for (size_t i = 0; i < entity->ncolumns; i++) {
        sqlite3_str_appendall(sql, i == 0 ? "\n  " : ",\n  ");
        sqlite_test_define(sql, &entity->columns[i]);
    }
    sqlite3_str_appendall(sql, "\n);\n");
    for (size_t i = 0; i < entity->ncolumns; i++)
        if (entity->columns[i].flags & CS_INDEX)
            sqlite_test_index(sql, entity->table, &entity->columns[i]);
}

/* Rows are there already: a key cannot be distinct nor a reference right in
 * them, so both start as null, and a key gets its index beside the table. */
static void sqlite_test_add(sqlite3_str *sql, const char *table,
                            const struct cs_column *column)
{
    sqlite3_str_appendf(sql, "ALTER TABLE \"%w\" ADD COLUMN ", table);
    if (column->flags & CS_KEY || column->references != NULL) {
        sqlite_test_name(sql, column->name);
        sqlite3_str_appendall(sql, " ");
        sqlite_test_type(sql, column);
        if (column->references != NULL)
            sqlite_test_references(sql, column->references);
    } else {
        sqlite_test_define(sql, column);
    }
    sqlite3_str_appendall(sql, ";\n");
    if (column->flags & (CS_KEY | CS_INDEX))
        sqlite_test_index(sql, table, column);
}

/* SQLite cannot change a column's type: a new one takes its place. */
static void sqlite_test_widen(sqlite3_str *sql, const char *table,
                              const struct cs_column *column)
{
    struct cs_column wide = *column;
    wide.name = "cleversync_wide";
    wide.flags &= ~(unsigned)CS_INDEX;
    if (column->flags & CS_INDEX)
        sqlite3_str_appendf(sql, "DROP INDEX IF EXISTS \"IX_%w_%w\";\n", table,
                            column->name);
    sqlite_test_add(sql, table, &wide);
    sqlite3_str_appendf(sql,
                        "UPDATE \"%w\" SET \"%w\" = \"%w\";\n"
                        "ALTER TABLE \"%w\" DROP COLUMN \"%w\";\n"
                        "ALTER TABLE \"%w\" RENAME COLUMN \"%w\" TO \"%w\";\n",
                        table, wide.name, column->name, table, column->name,
                        table, wide.name, column->name);
    if (column->flags & CS_INDEX)
        sqlite_test_index(sql, table, column);
}

char *sqlite_test_sql_step(const struct cs_step *step)
{
    sqlite3_str *sql = sqlite3_str_new(NULL);
    const char *table = step->entity->table;
    const struct cs_column *column = &step->entity->columns[step->column];
    switch (step->change) {
    case CS_CREATE_TABLE:
        sqlite_test_create(sql, step->entity);
        break;
    case CS_ADD_COLUMN:
        sqlite_test_add(sql, table, column);
        break;
    case CS_WIDEN_COLUMN:
        sqlite_test_widen(sql, table, column);
        break;
    case CS_ADD_INDEX:
        sqlite_test_index(sql, table, column);
        break;
    }
    return sqlite3_str_finish(sql);
}
