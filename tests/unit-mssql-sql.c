/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* The text of statements of the sink mssql-odbc, word by word: what a server
 * makes of them is tried elsewhere. */
#include "config.h"

#include "../plugins/sink/mssql-odbc/mssql-odbc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* ---- Two tables --------------------------------------------------------- */

enum { ID, KEY, NAME, NOTE, AGE, ACTIVE, SEEN, GROUP, COLUMNS };
static const struct cs_column columns[COLUMNS] = {
    [ID] = {.name = "PupilId", .type = CS_INT, .flags = CS_AUTO},
    [KEY] = {.name = "Key", .type = CS_TEXT, .length = 50, .flags = CS_KEY},
    [NAME] = {.name = "Name",
              .type = CS_TEXT,
              .length = 100,
              .flags = CS_NOT_NULL | CS_CUT},
    [NOTE] = {.name = "Note", .type = CS_TEXT, .fallback = "it's"},
    [AGE] = {.name = "Age", .type = CS_INT, .fallback = "7"},
    [ACTIVE] = {.name = "IsActive",
                .type = CS_BOOL,
                .flags = CS_NOT_NULL,
                .fallback = "1"},
    [SEEN] = {.name = "Seen", .type = CS_TIME, .flags = CS_NOT_NULL | CS_INDEX},
    [GROUP] = {.name = "GroupId",
               .type = CS_INT,
               .flags = CS_NOT_NULL | CS_INDEX,
               .references = "Groups.GroupId"},
};
static const struct cs_entity pupil = {
    .name = "pupil",
    .table = "Pupils",
    .columns = columns,
    .ncolumns = COLUMNS,
};

/* Names that must not end what they are quoted by. */
static const struct cs_column odd_columns[] = {
    {.name = "o]d'd",
     .type = CS_TEXT,
     .length = 10,
     .flags = CS_KEY,
     .references = "T].C]"},
};
static const struct cs_entity odd = {
    .name = "odd",
    .table = "x]'; --",
    .columns = odd_columns,
    .ncolumns = 1,
};

/* As a database has it that this program made. */
static const struct mssql_odbc_table made = {
    .entity = &pupil,
    .columns = {[ID] = {.type = "int"},
                [KEY] = {.type = "nvarchar",
                         .length = 50,
                         .collation = "Latin1_General_100_BIN2"},
                [NAME] = {.type = "nvarchar",
                          .length = 100,
                          .collation = "Finnish_Swedish_CI_AS"},
                [NOTE] = {.type = "nvarchar",
                          .collation = "Finnish_Swedish_CI_AS"},
                [AGE] = {.type = "int"},
                [ACTIVE] = {.type = "bit"},
                [SEEN] = {.type = "datetime2"},
                [GROUP] = {.type = "int"}},
};

/* As another system may have made it. */
static struct mssql_odbc_table foreign_table(void)
{
    struct mssql_odbc_table table = made;
    table.columns[KEY] = (struct mssql_odbc_column){
        .type = "varchar", .length = 24, .collation = "Latin1_General_CI_AS"};
    table.columns[NAME].length = 2001;
    strcpy(table.columns[SEEN].type, "datetimeoffset");
    return table;
}

static uint64_t bits(size_t one, size_t other)
{
    return UINT64_C(1) << one | UINT64_C(1) << other;
}

/* Frees the text. */
static void check(char *text, const char *expected)
{
    assert_non_null(text);
    assert_string_equal(text, expected);
    free(text);
}

static char *step(const struct cs_entity *entity, enum cs_change change,
                  size_t column)
{
    const struct cs_step one = {.size = sizeof one,
                                .change = change,
                                .entity = entity,
                                .column = column};
    return mssql_odbc_sql_step(&one);
}

/* ---- Rows --------------------------------------------------------------- */

/* A batch that is one parameter. */
static void inserts(void **state)
{
    (void)state;
    check(mssql_odbc_sql_insert_json(&made, bits(KEY, NAME) | bits(NOTE, AGE) |
                                                bits(ACTIVE, SEEN)),
          "INSERT INTO [dbo].[Pupils] ([Key], [Name], [Note], [Age], "
          "[IsActive], [Seen])\n"
          "SELECT s.[c1], s.[c2], s.[c3], s.[c4], s.[c5], s.[c6]\n"
          "FROM OPENJSON(CAST(? AS NVARCHAR(MAX))) WITH ([c1] "
          "NVARCHAR(4000) '$[0]', [c2] NVARCHAR(4000) '$[1]', [c3] "
          "NVARCHAR(MAX) '$[2]', [c4] BIGINT '$[3]', [c5] BIT '$[4]', [c6] "
          "DATETIME2 '$[5]') AS s;\n"
          "SELECT @@ROWCOUNT AS cleversync_rows");
    check(mssql_odbc_sql_insert(&made, bits(KEY, SEEN) | bits(AGE, ACTIVE)),
          "INSERT INTO [dbo].[Pupils] ([Key], [Age], [IsActive], [Seen])\n"
          "VALUES (CAST(CAST(? AS NVARCHAR(MAX)) AS NVARCHAR(4000)), "
          "CAST(CAST(? AS NVARCHAR(MAX)) AS BIGINT), CAST(CAST(? AS "
          "NVARCHAR(MAX)) AS BIT), CAST(CAST(? AS NVARCHAR(MAX)) AS "
          "DATETIME2));\n"
          "SELECT @@ROWCOUNT AS cleversync_rows");
}

/* A column that not every row says keeps what is stored. */
static void updates(void **state)
{
    (void)state;
    check(mssql_odbc_sql_update_json(&made, bits(NAME, SEEN) | bits(AGE, NOTE),
                                     bits(AGE, SEEN), KEY),
          "UPDATE t SET t.[Name] = CASE WHEN s.[m] & CAST(4 AS BIGINT) <> "
          "0 THEN s.[c2] COLLATE Finnish_Swedish_CI_AS ELSE t.[Name] END,\n"
          "  t.[Note] = CASE WHEN s.[m] & CAST(8 AS BIGINT) <> 0 THEN "
          "s.[c3] COLLATE Finnish_Swedish_CI_AS ELSE t.[Note] END,\n"
          "  t.[Age] = s.[c4],\n"
          "  t.[Seen] = s.[c6]\n"
          "FROM OPENJSON(CAST(? AS NVARCHAR(MAX))) WITH ([k] "
          "NVARCHAR(4000) '$[0]', [m] BIGINT '$[1]', [c2] NVARCHAR(4000) "
          "'$[2]', [c3] NVARCHAR(MAX) '$[3]', [c4] BIGINT '$[4]', [c6] "
          "DATETIME2 '$[5]') AS s\n"
          "JOIN [dbo].[Pupils] AS t ON t.[Key] = s.[k] COLLATE "
          "Latin1_General_100_BIN2 AND CONVERT(VARBINARY(MAX), "
          "CAST(t.[Key] AS NVARCHAR(MAX))) = CONVERT(VARBINARY(MAX), "
          "CAST(s.[k] AS NVARCHAR(MAX)));\n"
          "SELECT @@ROWCOUNT AS cleversync_rows");
    check(mssql_odbc_sql_update(&made, bits(NAME, SEEN), KEY),
          "UPDATE t SET t.[Name] = CAST(CAST(? AS NVARCHAR(MAX)) AS "
          "NVARCHAR(4000)),\n"
          "  t.[Seen] = CAST(CAST(? AS NVARCHAR(MAX)) AS DATETIME2)\n"
          "FROM [dbo].[Pupils] AS t\n"
          "WHERE t.[Key] = CAST(CAST(? AS NVARCHAR(MAX)) AS NVARCHAR(4000)) "
          "COLLATE Latin1_General_100_BIN2 AND CONVERT(VARBINARY(MAX), "
          "CAST(t.[Key] AS NVARCHAR(MAX))) = CONVERT(VARBINARY(MAX), "
          "CAST(? AS NVARCHAR(MAX)));\n"
          "SELECT @@ROWCOUNT AS cleversync_rows");
}

static void deletes(void **state)
{
    (void)state;
    check(mssql_odbc_sql_delete_json(&made, KEY),
          "DELETE t\n"
          "FROM OPENJSON(CAST(? AS NVARCHAR(MAX))) WITH ([k] "
          "NVARCHAR(4000) '$') AS s\n"
          "JOIN [dbo].[Pupils] AS t ON t.[Key] = s.[k] COLLATE "
          "Latin1_General_100_BIN2 AND CONVERT(VARBINARY(MAX), "
          "CAST(t.[Key] AS NVARCHAR(MAX))) = CONVERT(VARBINARY(MAX), "
          "CAST(s.[k] AS NVARCHAR(MAX)));\n"
          "SELECT @@ROWCOUNT AS cleversync_rows");
    check(mssql_odbc_sql_delete(&made, KEY),
          "DELETE t\n"
          "FROM [dbo].[Pupils] AS t\n"
          "WHERE t.[Key] = CAST(CAST(? AS NVARCHAR(MAX)) AS NVARCHAR(4000)) "
          "COLLATE Latin1_General_100_BIN2 AND CONVERT(VARBINARY(MAX), "
          "CAST(t.[Key] AS NVARCHAR(MAX))) = CONVERT(VARBINARY(MAX), "
          "CAST(? AS NVARCHAR(MAX)));\n"
          "SELECT @@ROWCOUNT AS cleversync_rows");
}

/* Texts are compared as the column has them, and a long one is not cut on its
 * way. */
static void uses_tables_of_others(void **state)
{
    (void)state;
    struct mssql_odbc_table table = foreign_table();
    check(mssql_odbc_sql_delete_json(&table, KEY),
          "DELETE t\n"
          "FROM OPENJSON(CAST(? AS NVARCHAR(MAX))) WITH ([k] "
          "NVARCHAR(4000) '$') AS s\n"
          "JOIN [dbo].[Pupils] AS t ON t.[Key] = CAST(s.[k] COLLATE "
          "Latin1_General_CI_AS AS VARCHAR(8000)) AND "
          "CONVERT(VARBINARY(MAX), CAST(t.[Key] AS NVARCHAR(MAX))) = "
          "CONVERT(VARBINARY(MAX), CAST(s.[k] AS NVARCHAR(MAX)));\n"
          "SELECT @@ROWCOUNT AS cleversync_rows");
    check(mssql_odbc_sql_delete(&table, KEY),
          "DELETE t\n"
          "FROM [dbo].[Pupils] AS t\n"
          "WHERE t.[Key] = CAST(CAST(CAST(? AS NVARCHAR(MAX)) AS "
          "NVARCHAR(4000)) COLLATE Latin1_General_CI_AS AS VARCHAR(8000)) "
          "AND CONVERT(VARBINARY(MAX), CAST(t.[Key] AS NVARCHAR(MAX))) = "
          "CONVERT(VARBINARY(MAX), CAST(? AS NVARCHAR(MAX)));\n"
          "SELECT @@ROWCOUNT AS cleversync_rows");
    check(mssql_odbc_sql_update_json(&table, bits(NAME, NAME), 0, KEY),
          "UPDATE t SET t.[Name] = CASE WHEN s.[m] & CAST(4 AS BIGINT) <> "
          "0 THEN s.[c2] COLLATE Finnish_Swedish_CI_AS ELSE t.[Name] END\n"
          "FROM OPENJSON(CAST(? AS NVARCHAR(MAX))) WITH ([k] "
          "NVARCHAR(4000) '$[0]', [m] BIGINT '$[1]', [c2] NVARCHAR(MAX) "
          "'$[2]') AS s\n"
          "JOIN [dbo].[Pupils] AS t ON t.[Key] = CAST(s.[k] COLLATE "
          "Latin1_General_CI_AS AS VARCHAR(8000)) AND "
          "CONVERT(VARBINARY(MAX), CAST(t.[Key] AS NVARCHAR(MAX))) = "
          "CONVERT(VARBINARY(MAX), CAST(s.[k] AS NVARCHAR(MAX)));\n"
          "SELECT @@ROWCOUNT AS cleversync_rows");
}

static void reads_everything(void **state)
{
    (void)state;
    check(mssql_odbc_sql_select(
              &made, &(struct cs_filter){.size = sizeof(struct cs_filter)}, 0,
              true),
          "SELECT t.[PupilId], t.[Key], t.[Name], t.[Note], t.[Age], "
          "t.[IsActive], t.[Seen], t.[GroupId]\n"
          "FROM [dbo].[Pupils] AS t");
}

static void reads_offsets_as_utc(void **state)
{
    (void)state;
    struct mssql_odbc_table table = foreign_table();
    check(mssql_odbc_sql_select(
              &table, &(struct cs_filter){.size = sizeof(struct cs_filter)}, 0,
              true),
          "SELECT t.[PupilId], t.[Key], t.[Name], t.[Note], t.[Age], "
          "t.[IsActive], CAST(SWITCHOFFSET(t.[Seen], '+00:00') AS "
          "DATETIME2), t.[GroupId]\n"
          "FROM [dbo].[Pupils] AS t");
}

static void reads_by_values(void **state)
{
    (void)state;
    static const struct cs_value values[2];
    check(mssql_odbc_sql_select(
              &made,
              &(struct cs_filter){.size = sizeof(struct cs_filter),
                                  .column = KEY,
                                  .in = values,
                                  .nin = 2},
              2, true),
          "SELECT t.[PupilId], t.[Key], t.[Name], t.[Note], t.[Age], "
          "t.[IsActive], t.[Seen], t.[GroupId]\n"
          "FROM [dbo].[Pupils] AS t\n"
          "JOIN (SELECT DISTINCT j.[v], CONVERT(VARBINARY(MAX), CAST(j.[v] "
          "AS NVARCHAR(MAX))) AS [b] FROM OPENJSON(CAST(? AS "
          "NVARCHAR(MAX))) WITH ([v] NVARCHAR(4000) '$') AS j) AS s ON "
          "t.[Key] = s.[v] COLLATE Latin1_General_100_BIN2 AND "
          "CONVERT(VARBINARY(MAX), CAST(t.[Key] AS NVARCHAR(MAX))) = "
          "CONVERT(VARBINARY(MAX), CAST(s.[v] AS NVARCHAR(MAX)))");
    check(mssql_odbc_sql_select(
              &made,
              &(struct cs_filter){.size = sizeof(struct cs_filter),
                                  .column = KEY,
                                  .in = values,
                                  .nin = 2},
              2, false),
          "SELECT t.[PupilId], t.[Key], t.[Name], t.[Note], t.[Age], "
          "t.[IsActive], t.[Seen], t.[GroupId]\n"
          "FROM [dbo].[Pupils] AS t\n"
          "JOIN (SELECT DISTINCT j.[v], CONVERT(VARBINARY(MAX), CAST(j.[v] "
          "AS NVARCHAR(MAX))) AS [b] FROM (VALUES (CAST(CAST(? AS "
          "NVARCHAR(MAX)) AS NVARCHAR(4000))), (CAST(CAST(? AS "
          "NVARCHAR(MAX)) AS NVARCHAR(4000)))) AS j ([v])) AS s ON t.[Key] "
          "= s.[v] COLLATE Latin1_General_100_BIN2 AND "
          "CONVERT(VARBINARY(MAX), CAST(t.[Key] AS NVARCHAR(MAX))) = "
          "CONVERT(VARBINARY(MAX), CAST(s.[v] AS NVARCHAR(MAX)))");
    check(mssql_odbc_sql_select(
              &made,
              &(struct cs_filter){.size = sizeof(struct cs_filter),
                                  .column = AGE,
                                  .in = values,
                                  .nin = 1,
                                  .newest = 3},
              1, true),
          "SELECT TOP (3) t.[PupilId], t.[Key], t.[Name], t.[Note], "
          "t.[Age], t.[IsActive], t.[Seen], t.[GroupId]\n"
          "FROM [dbo].[Pupils] AS t\n"
          "JOIN (SELECT DISTINCT j.[v] FROM OPENJSON(CAST(? AS "
          "NVARCHAR(MAX))) WITH ([v] BIGINT '$') AS j) AS s ON t.[Age] = "
          "s.[v]\n"
          "ORDER BY t.[PupilId] DESC");
}

static void reads_below(void **state)
{
    (void)state;
    static const struct cs_value values[2];
    check(mssql_odbc_sql_select(
              &made,
              &(struct cs_filter){.size = sizeof(struct cs_filter),
                                  .column = SEEN,
                                  .below = values},
              0, true),
          "SELECT t.[PupilId], t.[Key], t.[Name], t.[Note], t.[Age], "
          "t.[IsActive], t.[Seen], t.[GroupId]\n"
          "FROM [dbo].[Pupils] AS t\n"
          "WHERE t.[Seen] < CAST(CAST(? AS NVARCHAR(MAX)) AS DATETIME2)");
    check(mssql_odbc_sql_select(
              &made,
              &(struct cs_filter){.size = sizeof(struct cs_filter),
                                  .column = KEY,
                                  .below = values,
                                  .in = values,
                                  .nin = 1,
                                  .newest = 10},
              1, true),
          "SELECT TOP (10) t.[PupilId], t.[Key], t.[Name], t.[Note], "
          "t.[Age], t.[IsActive], t.[Seen], t.[GroupId]\n"
          "FROM [dbo].[Pupils] AS t\n"
          "JOIN (SELECT DISTINCT j.[v], CONVERT(VARBINARY(MAX), CAST(j.[v] "
          "AS NVARCHAR(MAX))) AS [b] FROM OPENJSON(CAST(? AS "
          "NVARCHAR(MAX))) WITH ([v] NVARCHAR(4000) '$') AS j) AS s ON "
          "t.[Key] = s.[v] COLLATE Latin1_General_100_BIN2 AND "
          "CONVERT(VARBINARY(MAX), CAST(t.[Key] AS NVARCHAR(MAX))) = "
          "CONVERT(VARBINARY(MAX), CAST(s.[v] AS NVARCHAR(MAX)))\n"
          "WHERE t.[Key] COLLATE Latin1_General_100_BIN2 < CAST(CAST(? AS "
          "NVARCHAR(MAX)) AS NVARCHAR(4000))\n"
          "ORDER BY t.[PupilId] DESC");
}

/* ---- Schema ------------------------------------------------------------- */

static void creates_a_table(void **state)
{
    (void)state;
    check(step(&pupil, CS_CREATE_TABLE, 0),
          "IF OBJECT_ID(N'[dbo].[Pupils]') IS NULL\n"
          "BEGIN\n"
          "CREATE TABLE [dbo].[Pupils] (\n"
          "  [PupilId] INT IDENTITY(1,1) NOT NULL CONSTRAINT [PK_Pupils] "
          "PRIMARY KEY,\n"
          "  [Key] NVARCHAR(50) COLLATE Latin1_General_100_BIN2 NOT NULL "
          "CONSTRAINT [UQ_Pupils_Key] UNIQUE,\n"
          "  [Name] NVARCHAR(100) NOT NULL CONSTRAINT [DF_Pupils_Name] "
          "DEFAULT N'',\n"
          "  [Note] NVARCHAR(MAX) NULL CONSTRAINT [DF_Pupils_Note] DEFAULT "
          "N'it''s',\n"
          "  [Age] INT NULL CONSTRAINT [DF_Pupils_Age] DEFAULT 7,\n"
          "  [IsActive] BIT NOT NULL CONSTRAINT [DF_Pupils_IsActive] "
          "DEFAULT 1,\n"
          "  [Seen] DATETIME2 NOT NULL CONSTRAINT [DF_Pupils_Seen] DEFAULT "
          "SYSUTCDATETIME(),\n"
          "  [GroupId] INT NOT NULL CONSTRAINT [FK_Pupils_GroupId] "
          "REFERENCES [dbo].[Groups] ([GroupId])\n"
          ");\n"
          "IF NOT EXISTS (SELECT 1 FROM sys.index_columns AS k\n"
          "  JOIN sys.indexes AS i ON i.object_id = k.object_id AND "
          "i.index_id = k.index_id\n"
          "  JOIN sys.columns AS c ON c.object_id = k.object_id AND "
          "c.column_id = k.column_id\n"
          "  WHERE k.key_ordinal = 1 AND k.object_id = "
          "OBJECT_ID(N'[dbo].[Pupils]') AND c.name = N'Seen')\n"
          "  EXEC(N'CREATE INDEX [IX_Pupils_Seen] ON [dbo].[Pupils] "
          "([Seen])');\n"
          "IF NOT EXISTS (SELECT 1 FROM sys.index_columns AS k\n"
          "  JOIN sys.indexes AS i ON i.object_id = k.object_id AND "
          "i.index_id = k.index_id\n"
          "  JOIN sys.columns AS c ON c.object_id = k.object_id AND "
          "c.column_id = k.column_id\n"
          "  WHERE k.key_ordinal = 1 AND k.object_id = "
          "OBJECT_ID(N'[dbo].[Pupils]') AND c.name = N'GroupId')\n"
          "  EXEC(N'CREATE INDEX [IX_Pupils_GroupId] ON [dbo].[Pupils] "
          "([GroupId])');\n"
          "END;\n");
}

/* Rows are there already: a key and a reference start as null. */
static void adds_columns(void **state)
{
    (void)state;
    check(step(&pupil, CS_ADD_COLUMN, ID),
          "IF COL_LENGTH(N'[dbo].[Pupils]', N'PupilId') IS NULL\n"
          "  ALTER TABLE [dbo].[Pupils] ADD [PupilId] INT IDENTITY(1,1) "
          "NOT NULL CONSTRAINT [UQ_Pupils_PupilId] UNIQUE;\n");
    check(step(&pupil, CS_ADD_COLUMN, KEY),
          "IF COL_LENGTH(N'[dbo].[Pupils]', N'Key') IS NULL\n"
          "  ALTER TABLE [dbo].[Pupils] ADD [Key] NVARCHAR(50) COLLATE "
          "Latin1_General_100_BIN2 NULL;\n"
          "IF NOT EXISTS (SELECT 1 FROM sys.index_columns AS k\n"
          "  JOIN sys.indexes AS i ON i.object_id = k.object_id AND "
          "i.index_id = k.index_id\n"
          "  JOIN sys.columns AS c ON c.object_id = k.object_id AND "
          "c.column_id = k.column_id\n"
          "  WHERE k.key_ordinal = 1 AND k.object_id = "
          "OBJECT_ID(N'[dbo].[Pupils]') AND c.name = N'Key'\n"
          "  AND i.is_unique = 1 AND NOT EXISTS (SELECT 1 FROM "
          "sys.index_columns AS o\n"
          "    WHERE o.object_id = k.object_id AND o.index_id = k.index_id "
          "AND o.key_ordinal = 2))\n"
          "  EXEC(N'SET QUOTED_IDENTIFIER ON; CREATE UNIQUE INDEX "
          "[UQ_Pupils_Key] ON [dbo].[Pupils] ([Key]) WHERE [Key] IS NOT "
          "NULL');\n");
    check(step(&pupil, CS_ADD_COLUMN, NAME),
          "IF COL_LENGTH(N'[dbo].[Pupils]', N'Name') IS NULL\n"
          "  ALTER TABLE [dbo].[Pupils] ADD [Name] NVARCHAR(100) NOT NULL "
          "CONSTRAINT [DF_Pupils_Name] DEFAULT N'';\n");
    check(step(&pupil, CS_ADD_COLUMN, GROUP),
          "IF COL_LENGTH(N'[dbo].[Pupils]', N'GroupId') IS NULL\n"
          "  ALTER TABLE [dbo].[Pupils] ADD [GroupId] INT NULL CONSTRAINT "
          "[FK_Pupils_GroupId] REFERENCES [dbo].[Groups] ([GroupId]);\n"
          "IF NOT EXISTS (SELECT 1 FROM sys.index_columns AS k\n"
          "  JOIN sys.indexes AS i ON i.object_id = k.object_id AND "
          "i.index_id = k.index_id\n"
          "  JOIN sys.columns AS c ON c.object_id = k.object_id AND "
          "c.column_id = k.column_id\n"
          "  WHERE k.key_ordinal = 1 AND k.object_id = "
          "OBJECT_ID(N'[dbo].[Pupils]') AND c.name = N'GroupId')\n"
          "  EXEC(N'CREATE INDEX [IX_Pupils_GroupId] ON [dbo].[Pupils] "
          "([GroupId])');\n");
}

static void adds_an_index(void **state)
{
    (void)state;
    check(step(&pupil, CS_ADD_INDEX, SEEN),
          "IF NOT EXISTS (SELECT 1 FROM sys.index_columns AS k\n"
          "  JOIN sys.indexes AS i ON i.object_id = k.object_id AND "
          "i.index_id = k.index_id\n"
          "  JOIN sys.columns AS c ON c.object_id = k.object_id AND "
          "c.column_id = k.column_id\n"
          "  WHERE k.key_ordinal = 1 AND k.object_id = "
          "OBJECT_ID(N'[dbo].[Pupils]') AND c.name = N'Seen')\n"
          "  EXEC(N'CREATE INDEX [IX_Pupils_Seen] ON [dbo].[Pupils] "
          "([Seen])');\n");
}

static void widens_columns(void **state)
{
    (void)state;
    check(step(&pupil, CS_WIDEN_COLUMN, NAME),
          "EXEC(N'DECLARE @sql NVARCHAR(MAX);\n"
          "SELECT @sql = N''ALTER TABLE [dbo].[Pupils] ALTER COLUMN [Name] "
          "'' + b.name + N''(100)''\n"
          "  + CASE WHEN CONVERT(INT, SERVERPROPERTY(N''Babelfish'')) = 1 "
          "THEN N'''' ELSE\n"
          "    N'' COLLATE '' + c.collation_name\n"
          "    + CASE c.is_nullable WHEN 1 THEN N'' NULL'' ELSE N'' NOT "
          "NULL'' END END\n"
          "FROM sys.columns AS c\n"
          "JOIN sys.types AS b ON b.user_type_id = c.system_type_id\n"
          "WHERE c.object_id = OBJECT_ID(N''[dbo].[Pupils]'') AND c.name = "
          "N''Name''\n"
          "  AND b.name IN (N''nvarchar'', N''varchar'') AND c.max_length "
          "<> -1\n"
          "  AND c.max_length < 100 * CASE b.name WHEN N''nvarchar'' THEN "
          "2 ELSE 1 END;\n"
          "EXEC(@sql);');\n");
    check(step(&pupil, CS_WIDEN_COLUMN, NOTE),
          "EXEC(N'DECLARE @sql NVARCHAR(MAX);\n"
          "SELECT @sql = N''ALTER TABLE [dbo].[Pupils] ALTER COLUMN [Note] "
          "'' + b.name + N''(MAX)''\n"
          "  + CASE WHEN CONVERT(INT, SERVERPROPERTY(N''Babelfish'')) = 1 "
          "THEN N'''' ELSE\n"
          "    N'' COLLATE '' + c.collation_name\n"
          "    + CASE c.is_nullable WHEN 1 THEN N'' NULL'' ELSE N'' NOT "
          "NULL'' END END\n"
          "FROM sys.columns AS c\n"
          "JOIN sys.types AS b ON b.user_type_id = c.system_type_id\n"
          "WHERE c.object_id = OBJECT_ID(N''[dbo].[Pupils]'') AND c.name = "
          "N''Note''\n"
          "  AND b.name IN (N''nvarchar'', N''varchar'') AND c.max_length "
          "<> -1;\n"
          "EXEC(@sql);');\n");
}

/* Twice in one batch, and whatever fails undoes all of it. */
static void frames_scripts(void **state)
{
    static const char begin[] =
        "SET XACT_ABORT ON;\n"
        "BEGIN TRY\n"
        "BEGIN TRANSACTION;\n"
        "EXEC(N'DECLARE @result INT;\n"
        "  EXEC @result = sp_getapplock @Resource = N''schema'', "
        "@LockMode = ''Exclusive'',\n"
        "    @LockOwner = ''Transaction'', @LockTimeout = 60000;\n"
        "  IF @result < 0\n"
        "    THROW 50001, N''another process is changing the schema'', "
        "1;');\n";
    static const char end[] = "COMMIT TRANSACTION;\n"
                              "END TRY\n"
                              "BEGIN CATCH\n"
                              "  IF @@TRANCOUNT > 0 ROLLBACK TRANSACTION;\n"
                              "  THROW;\n"
                              "END CATCH;\n";
    (void)state;
    assert_string_equal(mssql_odbc_sql_begin, begin);
    assert_string_equal(mssql_odbc_sql_end, end);
}

static void looks_at_columns(void **state)
{
    (void)state;
    check(mssql_odbc_sql_columns("Pupils"),
          "SELECT c.name, b.name, c.max_length, c.collation_name\n"
          "FROM sys.columns AS c\n"
          "LEFT JOIN sys.types AS b ON b.user_type_id = c.system_type_id\n"
          "WHERE c.object_id = OBJECT_ID(N'[dbo].[Pupils]')");
}

/* In a name, in a text, and in a text inside of a text. */
static void quotes_names(void **state)
{
    (void)state;
    check(mssql_odbc_sql_table(odd.table), "[dbo].[x]]'; --]");
    check(step(&odd, CS_CREATE_TABLE, 0),
          "IF OBJECT_ID(N'[dbo].[x]]''; --]') IS NULL\n"
          "BEGIN\n"
          "CREATE TABLE [dbo].[x]]'; --] (\n"
          "  [o]]d'd] NVARCHAR(10) COLLATE Latin1_General_100_BIN2 NOT "
          "NULL CONSTRAINT [UQ_x]]'; --_o]]d'd] UNIQUE CONSTRAINT "
          "[FK_x]]'; --_o]]d'd] REFERENCES [dbo].[T]]] ([C]]])\n"
          ");\n"
          "END;\n");
    check(step(&odd, CS_ADD_COLUMN, 0),
          "IF COL_LENGTH(N'[dbo].[x]]''; --]', N'o]d''d') IS NULL\n"
          "  ALTER TABLE [dbo].[x]]'; --] ADD [o]]d'd] NVARCHAR(10) "
          "COLLATE Latin1_General_100_BIN2 NULL CONSTRAINT [FK_x]]'; "
          "--_o]]d'd] REFERENCES [dbo].[T]]] ([C]]]);\n"
          "IF NOT EXISTS (SELECT 1 FROM sys.index_columns AS k\n"
          "  JOIN sys.indexes AS i ON i.object_id = k.object_id AND "
          "i.index_id = k.index_id\n"
          "  JOIN sys.columns AS c ON c.object_id = k.object_id AND "
          "c.column_id = k.column_id\n"
          "  WHERE k.key_ordinal = 1 AND k.object_id = "
          "OBJECT_ID(N'[dbo].[x]]''; --]') AND c.name = N'o]d''d'\n"
          "  AND i.is_unique = 1 AND NOT EXISTS (SELECT 1 FROM "
          "sys.index_columns AS o\n"
          "    WHERE o.object_id = k.object_id AND o.index_id = k.index_id "
          "AND o.key_ordinal = 2))\n"
          "  EXEC(N'SET QUOTED_IDENTIFIER ON; CREATE UNIQUE INDEX "
          "[UQ_x]]''; --_o]]d''d] ON [dbo].[x]]''; --] ([o]]d''d]) WHERE "
          "[o]]d''d] IS NOT NULL');\n");
    check(step(&odd, CS_WIDEN_COLUMN, 0),
          "EXEC(N'DECLARE @sql NVARCHAR(MAX);\n"
          "SELECT @sql = N''ALTER TABLE [dbo].[x]]''''; --] ALTER COLUMN "
          "[o]]d''''d] '' + b.name + N''(10)''\n"
          "  + CASE WHEN CONVERT(INT, SERVERPROPERTY(N''Babelfish'')) = 1 "
          "THEN N'''' ELSE\n"
          "    N'' COLLATE '' + c.collation_name\n"
          "    + CASE c.is_nullable WHEN 1 THEN N'' NULL'' ELSE N'' NOT "
          "NULL'' END END\n"
          "FROM sys.columns AS c\n"
          "JOIN sys.types AS b ON b.user_type_id = c.system_type_id\n"
          "WHERE c.object_id = OBJECT_ID(N''[dbo].[x]]''''; --]'') AND "
          "c.name = N''o]d''''d''\n"
          "  AND b.name IN (N''nvarchar'', N''varchar'') AND c.max_length "
          "<> -1\n"
          "  AND c.max_length < 10 * CASE b.name WHEN N''nvarchar'' THEN 2 "
          "ELSE 1 END;\n"
          "EXEC(@sql);');\n");
}

/* The two differ in what is cut. */
static void shortens_names(void **state)
{
    (void)state;
    /* One character of one byte, and 60 of two: the cut would halve one. */
    static const char table[] = "x"
                                "\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9"
                                "\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9"
                                "\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9"
                                "\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9"
                                "\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9"
                                "\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9"
                                "\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9"
                                "\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9"
                                "\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9"
                                "\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9"
                                "\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9"
                                "\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9";
    static const struct cs_column long_columns[] = {
        {.name = "Number1", .type = CS_INT, .fallback = "1"},
        {.name = "Number2", .type = CS_INT, .fallback = "1"},
    };
    const struct cs_entity entity = {
        .name = "long", .table = table, .columns = long_columns, .ncolumns = 2};
    char names[2][256];
    for (size_t i = 0; i < 2; i++) {
        char *text = step(&entity, CS_ADD_COLUMN, i);
        assert_non_null(text);
        const char *start = strstr(text, "[DF_");
        assert_non_null(start);
        size_t length = strcspn(start + 1, "]");
        assert_in_range(length, 100, 128);
        memcpy(names[i], start + 1, length);
        names[i][length] = '\0';
        /* Whole characters, "_" and 16 digits. */
        assert_int_equal((length - strlen("DF_x") - 17) % 2, 0);
        assert_memory_equal(names[i] + 3, table, length - 3 - 17);
        free(text);
    }
    assert_string_not_equal(names[0], names[1]);
}

/* The sign of a BIGINT is a column like the others. */
static void tells_64_columns_apart(void **state)
{
    (void)state;
    static struct cs_column many[MSSQL_ODBC_COLUMNS];
    static struct mssql_odbc_table table;
    const struct cs_entity entity = {.name = "many",
                                     .table = "Many",
                                     .columns = many,
                                     .ncolumns = MSSQL_ODBC_COLUMNS};
    for (size_t i = 0; i < MSSQL_ODBC_COLUMNS; i++)
        many[i] = (struct cs_column){.name = "N", .type = CS_INT};
    table.entity = &entity;
    char *text = mssql_odbc_sql_update_json(&table, bits(62, 63), 0, 0);
    assert_non_null(text);
    assert_non_null(
        strstr(text, "s.[m] & CAST(4611686018427387904 AS BIGINT) <> 0 THEN "
                     "s.[c62]"));
    assert_non_null(
        strstr(text, "s.[m] & CAST(-9223372036854775808 AS BIGINT) <> 0 THEN "
                     "s.[c63]"));
    free(text);
}

static void names_types(void **state)
{
    (void)state;
    struct cs_column column = {.name = "C", .type = CS_TEXT, .length = 4000};
    check(mssql_odbc_sql_type(&column), "NVARCHAR(4000)");
    column.length = 4001;
    check(mssql_odbc_sql_type(&column), "NVARCHAR(MAX)");
    column.length = 0;
    check(mssql_odbc_sql_type(&column), "NVARCHAR(MAX)");
    column.type = CS_TIME;
    check(mssql_odbc_sql_type(&column), "DATETIME2");
    column.type = CS_INT;
    check(mssql_odbc_sql_type(&column), "INT");
    column.type = CS_BOOL;
    check(mssql_odbc_sql_type(&column), "BIT");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(inserts),
        cmocka_unit_test(updates),
        cmocka_unit_test(deletes),
        cmocka_unit_test(uses_tables_of_others),
        cmocka_unit_test(reads_everything),
        cmocka_unit_test(reads_offsets_as_utc),
        cmocka_unit_test(reads_by_values),
        cmocka_unit_test(reads_below),
        cmocka_unit_test(creates_a_table),
        cmocka_unit_test(adds_columns),
        cmocka_unit_test(adds_an_index),
        cmocka_unit_test(widens_columns),
        cmocka_unit_test(frames_scripts),
        cmocka_unit_test(looks_at_columns),
        cmocka_unit_test(quotes_names),
        cmocka_unit_test(shortens_names),
        cmocka_unit_test(tells_64_columns_apart),
        cmocka_unit_test(names_types),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
