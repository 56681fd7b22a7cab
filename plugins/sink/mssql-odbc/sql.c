/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* The text of statements, for SQL Server 2016 and later, Azure SQL and
 * Babelfish.  Names come from plugins' entities and are quoted; values are
 * always parameters.
 *
 * In rows, t is the table and s is what was sent: its key is [k], column i is
 * [c<i>].  Text of s has the database's collation, and the table's column may
 * have another; whatever joins the two says which. */
#include "mssql-odbc.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    MSSQL_ODBC_NVARCHAR = 4000, /* the longest that is not MAX */
    MSSQL_ODBC_NAME = 128,      /* UTF-16 units of a name */
};

/* Keys, and whatever is compared byte for byte. */
#define MSSQL_ODBC_BINARY "Latin1_General_100_BIN2"

/* ---- Text under way ----------------------------------------------------- */

struct mssql_odbc_text {
    char *bytes;
    size_t size;
};

static FILE *mssql_odbc_text_open(struct mssql_odbc_text *text)
{
    *text = (struct mssql_odbc_text){.bytes = NULL};
    return open_memstream(&text->bytes, &text->size);
}

static char *mssql_odbc_text_close(struct mssql_odbc_text *text, FILE *sql)
{
    bool failed = ferror(sql) != 0;
    if (fclose(sql) == 0 && !failed)
        return text->bytes;
    free(text->bytes);
    return NULL;
}

/* ---- Names -------------------------------------------------------------- */

static void mssql_odbc_double(FILE *sql, const char *text, size_t length,
                              const char *marks)
{
    for (size_t i = 0; i < length; i++) {
        if (strchr(marks, text[i]) != NULL)
            putc(text[i], sql);
        putc(text[i], sql);
    }
}

static void mssql_odbc_bracketed(FILE *sql, const char *name, const char *marks)
{
    putc('[', sql);
    mssql_odbc_double(sql, name, strlen(name), marks);
    putc(']', sql);
}

static void mssql_odbc_name(FILE *sql, const char *name)
{
    mssql_odbc_bracketed(sql, name, "]");
}

static void mssql_odbc_literal(FILE *sql, const char *text)
{
    fputs("N'", sql);
    mssql_odbc_double(sql, text, strlen(text), "'");
    putc('\'', sql);
}

/* A name inside of a literal. */
static void mssql_odbc_name_in(FILE *sql, const char *name)
{
    mssql_odbc_bracketed(sql, name, "]'");
}

static void mssql_odbc_table_name(FILE *sql, const char *table)
{
    fputs("[dbo].", sql);
    mssql_odbc_name(sql, table);
}

static void mssql_odbc_object_id(FILE *sql, const char *table)
{
    fputs("OBJECT_ID(N'[dbo].", sql);
    mssql_odbc_name_in(sql, table);
    fputs("')", sql);
}

char *mssql_odbc_sql_table(const char *table)
{
    struct mssql_odbc_text text;
    FILE *sql = mssql_odbc_text_open(&text);
    if (sql == NULL)
        return NULL;
    mssql_odbc_table_name(sql, table);
    return mssql_odbc_text_close(&text, sql);
}

/* FNV-1a */
static uint64_t mssql_odbc_hash(uint64_t hash, const char *text)
{
    for (; *text != '\0'; text++)
        hash = (hash ^ (unsigned char)*text) * UINT64_C(0x100000001b3);
    return hash;
}

/* "UQ_Students_StudentId", or without a column "PK_Students".  A name that is
 * too long is cut and ends in a hash of the whole; a text has no more UTF-16
 * units than bytes. */
static void mssql_odbc_derive(char name[MSSQL_ODBC_NAME + 1], const char *kind,
                              const char *table, const char *column)
{
    const char *point = column != NULL ? "_" : "";
    if (column == NULL)
        column = "";
    int length = snprintf(name, MSSQL_ODBC_NAME + 1, "%s_%s%s%s", kind, table,
                          point, column);
    if (length <= MSSQL_ODBC_NAME)
        return;
    uint64_t hash = mssql_odbc_hash(UINT64_C(0xcbf29ce484222325), table);
    hash = mssql_odbc_hash(mssql_odbc_hash(hash, "."), column);
    size_t end = MSSQL_ODBC_NAME - strlen("_0123456789abcdef");
    while (((unsigned char)name[end] & 0xC0) == 0x80) /* inside a character */
        end--;
    snprintf(name + end, MSSQL_ODBC_NAME + 1 - end, "_%016" PRIx64, hash);
}

/* ---- Values on their way ------------------------------------------------ */

/* The type that a value of column i is sent as: wider than the column, so that
 * it is the table that refuses what does not fit, and nothing is cut. */
static void mssql_odbc_sent_type(FILE *sql,
                                 const struct mssql_odbc_table *table, size_t i)
{
    unsigned length = table->columns[i].length;
    switch (table->entity->columns[i].type) {
    case CS_BOOL:
        fputs("BIT", sql);
        break;
    case CS_INT:
        fputs("BIGINT", sql);
        break;
    case CS_TIME:
        fputs("DATETIME2", sql);
        break;
    case CS_TEXT:
        if (length > 0 && length <= MSSQL_ODBC_NVARCHAR / 2)
            fprintf(sql, "NVARCHAR(%d)", MSSQL_ODBC_NVARCHAR);
        else
            fputs("NVARCHAR(MAX)", sql);
        break;
    }
}

/* Parameters arrive as NTEXT, which converts to little else. */
static void mssql_odbc_parameter(FILE *sql,
                                 const struct mssql_odbc_table *table, size_t i)
{
    fputs("CAST(CAST(? AS NVARCHAR(MAX)) AS ", sql);
    mssql_odbc_sent_type(sql, table, i);
    putc(')', sql);
}

static void mssql_odbc_collate(FILE *sql, const struct mssql_odbc_table *table,
                               size_t i)
{
    if (table->columns[i].collation[0] != '\0')
        fprintf(sql, " COLLATE %s", table->columns[i].collation);
}

static void mssql_odbc_bytes(FILE *sql, const char *side, const char *name)
{
    fprintf(sql, "CONVERT(VARBINARY(MAX), CAST(%s.", side);
    mssql_odbc_name(sql, name);
    fputs(" AS NVARCHAR(MAX)))", sql);
}

/* Column i of t is what s has in [sent].  Text: "=" in the column's own type
 * and collation, for its index; equal bytes, because that takes "Ann" for
 * "ann" and for "Ann ". */
static void mssql_odbc_same(FILE *sql, const struct mssql_odbc_table *table,
                            size_t i, const char *sent)
{
    const char *name = table->entity->columns[i].name;
    fputs("t.", sql);
    mssql_odbc_name(sql, name);
    if (table->entity->columns[i].type != CS_TEXT) {
        fprintf(sql, " = s.[%s]", sent);
        return;
    }
    bool narrow = table->columns[i].type[0] != 'n'; /* varchar */
    fprintf(sql, " = %ss.[%s]", narrow ? "CAST(" : "", sent);
    mssql_odbc_collate(sql, table, i);
    fputs(narrow ? " AS VARCHAR(8000)) AND " : " AND ", sql);
    mssql_odbc_bytes(sql, "t", name);
    fputs(" = ", sql);
    mssql_odbc_bytes(sql, "s", sent);
}

/* ---- Rows: as JSON ------------------------------------------------------ */

static const char mssql_odbc_count[] =
    ";\nSELECT @@ROWCOUNT AS " MSSQL_ODBC_COUNT;
static const char mssql_odbc_json[] =
    "OPENJSON(CAST(? AS NVARCHAR(MAX))) WITH (";

/* ", [c2] NVARCHAR(4000) '$[2]'" for each column of the mask, the first one
 * at `place`. */
static void mssql_odbc_json_columns(FILE *sql,
                                    const struct mssql_odbc_table *table,
                                    uint64_t mask, size_t place)
{
    for (size_t i = 0; i < table->entity->ncolumns; i++)
        if (mask >> i & 1) {
            fprintf(sql, "%s[c%zu] ", place > 0 ? ", " : "", i);
            mssql_odbc_sent_type(sql, table, i);
            fprintf(sql, " '$[%zu]'", place++);
        }
}

static void mssql_odbc_insert_columns(FILE *sql,
                                      const struct mssql_odbc_table *table,
                                      uint64_t mask)
{
    const char *comma = "";
    fputs("INSERT INTO ", sql);
    mssql_odbc_table_name(sql, table->entity->table);
    fputs(" (", sql);
    for (size_t i = 0; i < table->entity->ncolumns; i++)
        if (mask >> i & 1) {
            fputs(comma, sql);
            mssql_odbc_name(sql, table->entity->columns[i].name);
            comma = ", ";
        }
    fputs(")\n", sql);
}

char *mssql_odbc_sql_insert_json(const struct mssql_odbc_table *table,
                                 uint64_t mask)
{
    struct mssql_odbc_text text;
    FILE *sql = mssql_odbc_text_open(&text);
    const char *comma = "SELECT ";
    if (sql == NULL)
        return NULL;
    mssql_odbc_insert_columns(sql, table, mask);
    for (size_t i = 0; i < table->entity->ncolumns; i++)
        if (mask >> i & 1) {
            fprintf(sql, "%ss.[c%zu]", comma, i);
            comma = ", ";
        }
    fprintf(sql, "\nFROM %s", mssql_odbc_json);
    mssql_odbc_json_columns(sql, table, mask, 0);
    fprintf(sql, ") AS s%s", mssql_odbc_count);
    return mssql_odbc_text_close(&text, sql);
}

/* What is not meant in a row stays as it is. */
static void mssql_odbc_assign_json(FILE *sql,
                                   const struct mssql_odbc_table *table,
                                   size_t i, bool always)
{
    const char *name = table->entity->columns[i].name;
    fputs("t.", sql);
    mssql_odbc_name(sql, name);
    if (always) {
        fprintf(sql, " = s.[c%zu]", i);
        return;
    }
    /* A large number would be DECIMAL, and the highest bit is the sign. */
    fprintf(sql,
            " = CASE WHEN s.[m] & CAST(%" PRId64 " AS BIGINT) <> 0"
            " THEN s.[c%zu]",
            (int64_t)(UINT64_C(1) << i), i);
    mssql_odbc_collate(sql, table, i);
    fputs(" ELSE t.", sql);
    mssql_odbc_name(sql, name);
    fputs(" END", sql);
}

char *mssql_odbc_sql_update_json(const struct mssql_odbc_table *table,
                                 uint64_t mask, uint64_t always, size_t key)
{
    struct mssql_odbc_text text;
    FILE *sql = mssql_odbc_text_open(&text);
    const char *comma = "UPDATE t SET ";
    if (sql == NULL)
        return NULL;
    for (size_t i = 0; i < table->entity->ncolumns; i++)
        if (mask >> i & 1) {
            fputs(comma, sql);
            mssql_odbc_assign_json(sql, table, i, always >> i & 1);
            comma = ",\n  ";
        }
    fprintf(sql, "\nFROM %s[k] ", mssql_odbc_json);
    mssql_odbc_sent_type(sql, table, key);
    fputs(" '$[0]', [m] BIGINT '$[1]'", sql);
    mssql_odbc_json_columns(sql, table, mask, 2);
    fputs(") AS s\nJOIN ", sql);
    mssql_odbc_table_name(sql, table->entity->table);
    fputs(" AS t ON ", sql);
    mssql_odbc_same(sql, table, key, "k");
    fputs(mssql_odbc_count, sql);
    return mssql_odbc_text_close(&text, sql);
}

char *mssql_odbc_sql_delete_json(const struct mssql_odbc_table *table,
                                 size_t key)
{
    struct mssql_odbc_text text;
    FILE *sql = mssql_odbc_text_open(&text);
    if (sql == NULL)
        return NULL;
    fprintf(sql, "DELETE t\nFROM %s[k] ", mssql_odbc_json);
    mssql_odbc_sent_type(sql, table, key);
    fputs(" '$') AS s\nJOIN ", sql);
    mssql_odbc_table_name(sql, table->entity->table);
    fputs(" AS t ON ", sql);
    mssql_odbc_same(sql, table, key, "k");
    fputs(mssql_odbc_count, sql);
    return mssql_odbc_text_close(&text, sql);
}

/* ---- Rows: a parameter a column ----------------------------------------- */

char *mssql_odbc_sql_insert(const struct mssql_odbc_table *table, uint64_t mask)
{
    struct mssql_odbc_text text;
    FILE *sql = mssql_odbc_text_open(&text);
    const char *comma = "VALUES (";
    if (sql == NULL)
        return NULL;
    mssql_odbc_insert_columns(sql, table, mask);
    for (size_t i = 0; i < table->entity->ncolumns; i++)
        if (mask >> i & 1) {
            fputs(comma, sql);
            mssql_odbc_parameter(sql, table, i);
            comma = ", ";
        }
    fprintf(sql, ")%s", mssql_odbc_count);
    return mssql_odbc_text_close(&text, sql);
}

/* The row with this key, by two parameters.  The "=" is for the key's index, as
 * in mssql_odbc_same(). */
static void mssql_odbc_by_key(FILE *sql, const struct mssql_odbc_table *table,
                              size_t key)
{
    const char *name = table->entity->columns[key].name;
    bool narrow = table->columns[key].type[0] != 'n'; /* varchar */
    fputs("\nFROM ", sql);
    mssql_odbc_table_name(sql, table->entity->table);
    fputs(" AS t\nWHERE t.", sql);
    mssql_odbc_name(sql, name);
    fputs(narrow ? " = CAST(" : " = ", sql);
    mssql_odbc_parameter(sql, table, key);
    mssql_odbc_collate(sql, table, key);
    fputs(narrow ? " AS VARCHAR(8000)) AND " : " AND ", sql);
    mssql_odbc_bytes(sql, "t", name);
    fputs(" = CONVERT(VARBINARY(MAX), CAST(? AS NVARCHAR(MAX)))", sql);
    fputs(mssql_odbc_count, sql);
}

char *mssql_odbc_sql_update(const struct mssql_odbc_table *table, uint64_t mask,
                            size_t key)
{
    struct mssql_odbc_text text;
    FILE *sql = mssql_odbc_text_open(&text);
    const char *comma = "UPDATE t SET ";
    if (sql == NULL)
        return NULL;
    for (size_t i = 0; i < table->entity->ncolumns; i++)
        if (mask >> i & 1) {
            fprintf(sql, "%st.", comma);
            mssql_odbc_name(sql, table->entity->columns[i].name);
            fputs(" = ", sql);
            mssql_odbc_parameter(sql, table, i);
            comma = ",\n  ";
        }
    mssql_odbc_by_key(sql, table, key);
    return mssql_odbc_text_close(&text, sql);
}

char *mssql_odbc_sql_delete(const struct mssql_odbc_table *table, size_t key)
{
    struct mssql_odbc_text text;
    FILE *sql = mssql_odbc_text_open(&text);
    if (sql == NULL)
        return NULL;
    fputs("DELETE t", sql);
    mssql_odbc_by_key(sql, table, key);
    return mssql_odbc_text_close(&text, sql);
}

/* ---- Rows: reading ------------------------------------------------------ */

/* A time with an offset is read as the UTC that it means. */
static void mssql_odbc_read_column(FILE *sql,
                                   const struct mssql_odbc_table *table,
                                   size_t i)
{
    bool offset = strcmp(table->columns[i].type, "datetimeoffset") == 0;
    fputs(offset ? "CAST(SWITCHOFFSET(t." : "t.", sql);
    mssql_odbc_name(sql, table->entity->columns[i].name);
    fputs(offset ? ", '+00:00') AS DATETIME2)" : "", sql);
}

/* The values of an in-list as rows of one column [v], each but once: a value
 * that is said twice must not give its rows twice. */
static void mssql_odbc_in_list(FILE *sql, const struct mssql_odbc_table *table,
                               size_t column, size_t nin, bool json)
{
    fputs("\nJOIN (SELECT DISTINCT j.[v]", sql);
    if (table->entity->columns[column].type == CS_TEXT) {
        fputs(", ", sql);
        mssql_odbc_bytes(sql, "j", "v");
        fputs(" AS [b]", sql);
    }
    fputs(" FROM ", sql);
    if (json) {
        fprintf(sql, "%s[v] ", mssql_odbc_json);
        mssql_odbc_sent_type(sql, table, column);
        fputs(" '$') AS j", sql);
    } else {
        for (size_t i = 0; i < nin; i++) {
            fputs(i == 0 ? "(VALUES (" : ", (", sql);
            mssql_odbc_parameter(sql, table, column);
            putc(')', sql);
        }
        fputs(") AS j ([v])", sql);
    }
    fputs(") AS s ON ", sql);
    mssql_odbc_same(sql, table, column, "v");
}

static void mssql_odbc_below(FILE *sql, const struct mssql_odbc_table *table,
                             size_t column)
{
    fputs("\nWHERE t.", sql);
    mssql_odbc_name(sql, table->entity->columns[column].name);
    if (table->entity->columns[column].type == CS_TEXT)
        fputs(" COLLATE " MSSQL_ODBC_BINARY, sql);
    fputs(" < ", sql);
    mssql_odbc_parameter(sql, table, column);
}

static void mssql_odbc_newest(FILE *sql, const struct cs_entity *entity)
{
    for (size_t i = 0; i < entity->ncolumns; i++)
        if (entity->columns[i].flags & CS_AUTO) {
            fputs("\nORDER BY t.", sql);
            mssql_odbc_name(sql, entity->columns[i].name);
            fputs(" DESC", sql);
        }
}

char *mssql_odbc_sql_select(const struct mssql_odbc_table *table,
                            const struct cs_filter *filter, size_t nin,
                            bool json)
{
    struct mssql_odbc_text text;
    FILE *sql = mssql_odbc_text_open(&text);
    if (sql == NULL)
        return NULL;
    fputs("SELECT ", sql);
    if (filter->newest > 0)
        fprintf(sql, "TOP (%zu) ", filter->newest);
    for (size_t i = 0; i < table->entity->ncolumns; i++) {
        fputs(i == 0 ? "" : ", ", sql);
        mssql_odbc_read_column(sql, table, i);
    }
    fputs("\nFROM ", sql);
    mssql_odbc_table_name(sql, table->entity->table);
    fputs(" AS t", sql);
    if (nin > 0)
        mssql_odbc_in_list(sql, table, filter->column, nin, json);
    if (filter->below != NULL)
        mssql_odbc_below(sql, table, filter->column);
    if (filter->newest > 0)
        mssql_odbc_newest(sql, table->entity);
    return mssql_odbc_text_close(&text, sql);
}

/* ---- Schema: columns ---------------------------------------------------- */

static void mssql_odbc_type(FILE *sql, const struct cs_column *column)
{
    switch (column->type) {
    case CS_BOOL:
        fputs("BIT", sql);
        break;
    case CS_INT:
        fputs("INT", sql);
        break;
    case CS_TIME:
        fputs("DATETIME2", sql);
        break;
    case CS_TEXT:
        if (column->length > 0 && column->length <= MSSQL_ODBC_NVARCHAR)
            fprintf(sql, "NVARCHAR(%u)", column->length);
        else
            fputs("NVARCHAR(MAX)", sql);
        break;
    }
}

char *mssql_odbc_sql_type(const struct cs_column *column)
{
    struct mssql_odbc_text text;
    FILE *sql = mssql_odbc_text_open(&text);
    if (sql == NULL)
        return NULL;
    mssql_odbc_type(sql, column);
    return mssql_odbc_text_close(&text, sql);
}

char *mssql_odbc_sql_columns(const char *table)
{
    struct mssql_odbc_text text;
    FILE *sql = mssql_odbc_text_open(&text);
    if (sql == NULL)
        return NULL;
    /* A type that somebody defined is shown as the one that it is made of. */
    fputs("SELECT c.name, b.name, c.max_length, c.collation_name\n"
          "FROM sys.columns AS c\n"
          "LEFT JOIN sys.types AS b ON b.user_type_id = c.system_type_id\n"
          "WHERE c.object_id = ",
          sql);
    mssql_odbc_object_id(sql, table);
    return mssql_odbc_text_close(&text, sql);
}

static void mssql_odbc_constraint(FILE *sql, const char *kind,
                                  const char *table, const char *column)
{
    char name[MSSQL_ODBC_NAME + 1];
    mssql_odbc_derive(name, kind, table, column);
    fputs(" CONSTRAINT ", sql);
    mssql_odbc_name(sql, name);
}

static void mssql_odbc_fallback(FILE *sql, const char *table,
                                const struct cs_column *column)
{
    const char *value = column->fallback;
    if (value == NULL && !(column->flags & CS_NOT_NULL))
        return;
    mssql_odbc_constraint(sql, "DF", table, column->name);
    fputs(" DEFAULT ", sql);
    if (column->type == CS_INT || column->type == CS_BOOL)
        fprintf(sql, "%lld", value != NULL ? strtoll(value, NULL, 10) : 0);
    else if (value == NULL && column->type == CS_TIME)
        fputs("SYSUTCDATETIME()", sql);
    else
        mssql_odbc_literal(sql, value != NULL ? value : "");
}

/* target: "Table.Column" */
static void mssql_odbc_references(FILE *sql, const char *target)
{
    size_t table = strcspn(target, ".");
    fputs(" REFERENCES [dbo].[", sql);
    mssql_odbc_double(sql, target, table, "]");
    putc(']', sql);
    if (target[table] == '.') {
        fputs(" (", sql);
        mssql_odbc_name(sql, target + table + 1);
        putc(')', sql);
    }
}

/* Rows that are there already cannot have distinct keys nor right references:
 * in a column that is added both start as null. */
static void mssql_odbc_define(FILE *sql, const char *table,
                              const struct cs_column *column, bool added)
{
    bool key = column->flags & CS_KEY, reference = column->references != NULL;
    bool empty = added && (key || reference);
    mssql_odbc_name(sql, column->name);
    putc(' ', sql);
    mssql_odbc_type(sql, column);
    if (column->flags & CS_AUTO) {
        /* The table that it is added to may have a primary key. */
        fputs(" IDENTITY(1,1) NOT NULL", sql);
        mssql_odbc_constraint(sql, added ? "UQ" : "PK", table,
                              added ? column->name : NULL);
        fputs(added ? " UNIQUE" : " PRIMARY KEY", sql);
        return;
    }
    if (key)
        fputs(" COLLATE " MSSQL_ODBC_BINARY, sql);
    if (!empty && column->flags & (CS_KEY | CS_NOT_NULL))
        fputs(" NOT NULL", sql);
    else
        fputs(" NULL", sql);
    if (key && !added) {
        mssql_odbc_constraint(sql, "UQ", table, column->name);
        fputs(" UNIQUE", sql);
    }
    if (reference) {
        mssql_odbc_constraint(sql, "FK", table, column->name);
        mssql_odbc_references(sql, column->references);
    } else if (!key) {
        mssql_odbc_fallback(sql, table, column);
    }
}

/* ---- Schema: steps ------------------------------------------------------ */

/* What a step has done before, or somebody else, it does not do again.  An
 * index counts by what it is of, because Babelfish changes names. */
static void mssql_odbc_unless_indexed(FILE *sql, const char *table,
                                      const struct cs_column *column)
{
    fputs("IF NOT EXISTS (SELECT 1 FROM sys.index_columns AS k\n"
          "  JOIN sys.indexes AS i"
          " ON i.object_id = k.object_id AND i.index_id = k.index_id\n"
          "  JOIN sys.columns AS c"
          " ON c.object_id = k.object_id AND c.column_id = k.column_id\n"
          "  WHERE k.key_ordinal = 1 AND k.object_id = ",
          sql);
    mssql_odbc_object_id(sql, table);
    fputs(" AND c.name = ", sql);
    mssql_odbc_literal(sql, column->name);
    if (column->flags & CS_KEY)
        fputs("\n  AND i.is_unique = 1"
              " AND NOT EXISTS (SELECT 1 FROM sys.index_columns AS o\n"
              "    WHERE o.object_id = k.object_id"
              " AND o.index_id = k.index_id AND o.key_ordinal = 2)",
              sql);
    fputs(")\n", sql);
}

/* A batch is compiled before it runs, when the column may not be there yet:
 * hence EXEC.  An administrator's tool may have set quoting otherwise than a
 * filtered index wants it. */
static void mssql_odbc_index(FILE *sql, const char *table,
                             const struct cs_column *column)
{
    char name[MSSQL_ODBC_NAME + 1];
    bool key = column->flags & CS_KEY;
    mssql_odbc_derive(name, key ? "UQ" : "IX", table, column->name);
    mssql_odbc_unless_indexed(sql, table, column);
    fprintf(sql, "  EXEC(N'%s INDEX ",
            key ? "SET QUOTED_IDENTIFIER ON; CREATE UNIQUE" : "CREATE");
    mssql_odbc_name_in(sql, name);
    fputs(" ON [dbo].", sql);
    mssql_odbc_name_in(sql, table);
    fputs(" (", sql);
    mssql_odbc_name_in(sql, column->name);
    putc(')', sql);
    if (key) {
        fputs(" WHERE ", sql);
        mssql_odbc_name_in(sql, column->name);
        fputs(" IS NOT NULL", sql);
    }
    fputs("');\n", sql);
}

static void mssql_odbc_create(FILE *sql, const struct cs_entity *entity)
{
    fputs("IF ", sql);
    mssql_odbc_object_id(sql, entity->table);
    fputs(" IS NULL\nBEGIN\nCREATE TABLE ", sql);
    mssql_odbc_table_name(sql, entity->table);
    fputs(" (", sql);
    for (size_t i = 0; i < entity->ncolumns; i++) {
        fputs(i == 0 ? "\n  " : ",\n  ", sql);
        mssql_odbc_define(sql, entity->table, &entity->columns[i], false);
    }
    fputs("\n);\n", sql);
    for (size_t i = 0; i < entity->ncolumns; i++)
        if (entity->columns[i].flags & CS_INDEX &&
            !(entity->columns[i].flags & CS_KEY)) /* a constraint has one */
            mssql_odbc_index(sql, entity->table, &entity->columns[i]);
    fputs("END;\n", sql);
}

static void mssql_odbc_add(FILE *sql, const char *table,
                           const struct cs_column *column)
{
    fputs("IF COL_LENGTH(N'[dbo].", sql);
    mssql_odbc_name_in(sql, table);
    fputs("', ", sql);
    mssql_odbc_literal(sql, column->name);
    fputs(") IS NULL\n  ALTER TABLE ", sql);
    mssql_odbc_table_name(sql, table);
    fputs(" ADD ", sql);
    mssql_odbc_define(sql, table, column, true);
    fputs(";\n", sql);
    if (column->flags & (CS_KEY | CS_INDEX))
        mssql_odbc_index(sql, table, column);
}

/* ALTER COLUMN has to repeat the type, the collation and whether null is
 * allowed, which only the database knows; Babelfish keeps the last two and
 * does not want to hear of them.  Nothing happens to a column that is long
 * enough. */
static char *mssql_odbc_widening(const char *table,
                                 const struct cs_column *column)
{
    struct mssql_odbc_text text;
    FILE *sql = mssql_odbc_text_open(&text);
    bool limited = column->length > 0 && column->length <= MSSQL_ODBC_NVARCHAR;
    if (sql == NULL)
        return NULL;
    fputs("DECLARE @sql NVARCHAR(MAX);\n"
          "SELECT @sql = N'ALTER TABLE [dbo].",
          sql);
    mssql_odbc_name_in(sql, table);
    fputs(" ALTER COLUMN ", sql);
    mssql_odbc_name_in(sql, column->name);
    fputs(" ' + b.name + N'(", sql);
    if (limited)
        fprintf(sql, "%u", column->length);
    else
        fputs("MAX", sql);
    fputs(")'\n"
          "  + CASE WHEN CONVERT(INT, SERVERPROPERTY(N'Babelfish')) = 1"
          " THEN N'' ELSE\n"
          "    N' COLLATE ' + c.collation_name\n"
          "    + CASE c.is_nullable WHEN 1 THEN N' NULL' ELSE N' NOT NULL' END"
          " END\n"
          "FROM sys.columns AS c\n"
          "JOIN sys.types AS b ON b.user_type_id = c.system_type_id\n"
          "WHERE c.object_id = ",
          sql);
    mssql_odbc_object_id(sql, table);
    fputs(" AND c.name = ", sql);
    mssql_odbc_literal(sql, column->name);
    fputs("\n  AND b.name IN (N'nvarchar', N'varchar')"
          " AND c.max_length <> -1",
          sql);
    if (limited)
        fprintf(sql,
                "\n  AND c.max_length < %u *"
                " CASE b.name WHEN N'nvarchar' THEN 2 ELSE 1 END",
                column->length);
    fputs(";\nEXEC(@sql);", sql);
    return mssql_odbc_text_close(&text, sql);
}

/* Several steps may be pasted as one batch, which knows a variable but once:
 * hence EXEC. */
static bool mssql_odbc_widen(FILE *sql, const char *table,
                             const struct cs_column *column)
{
    char *widening = mssql_odbc_widening(table, column);
    if (widening == NULL)
        return false;
    fputs("EXEC(", sql);
    mssql_odbc_literal(sql, widening);
    fputs(");\n", sql);
    free(widening);
    return true;
}

char *mssql_odbc_sql_step(const struct cs_step *step)
{
    struct mssql_odbc_text text;
    FILE *sql = mssql_odbc_text_open(&text);
    const char *table = step->entity->table;
    const struct cs_column *column = &step->entity->columns[step->column];
    bool whole = true;
    if (sql == NULL)
        return NULL;
    switch (step->change) {
    case CS_CREATE_TABLE:
        mssql_odbc_create(sql, step->entity);
        break;
    case CS_ADD_COLUMN:
        mssql_odbc_add(sql, table, column);
        break;
    case CS_WIDEN_COLUMN:
        whole = mssql_odbc_widen(sql, table, column);
        break;
    case CS_ADD_INDEX:
        mssql_odbc_index(sql, table, column);
        break;
    }
    char *made = mssql_odbc_text_close(&text, sql);
    if (whole)
        return made;
    free(made);
    return NULL;
}

/* ---- Schema: scripts ---------------------------------------------------- */

/* All versions of a database may be pasted as one batch: hence no GO, and EXEC
 * around the variable.  XACT_ABORT alone does not stop at every error. */
const char mssql_odbc_sql_begin[] =
    "SET XACT_ABORT ON;\n"
    "BEGIN TRY\n"
    "BEGIN TRANSACTION;\n"
    "EXEC(N'DECLARE @result INT;\n"
    "  EXEC @result = sp_getapplock @Resource = N''schema'',"
    " @LockMode = ''Exclusive'',\n"
    "    @LockOwner = ''Transaction'', @LockTimeout = 60000;\n"
    "  IF @result < 0\n"
    "    THROW 50001, N''another process is changing the schema'', 1;');\n";
const char mssql_odbc_sql_end[] = "COMMIT TRANSACTION;\n"
                                  "END TRY\n"
                                  "BEGIN CATCH\n"
                                  "  IF @@TRANCOUNT > 0 ROLLBACK TRANSACTION;\n"
                                  "  THROW;\n"
                                  "END CATCH;\n";
