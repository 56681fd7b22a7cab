/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

#include "config.h"

/* bench-mssql CONNECTION DRIVER ROWS: how many rows a second the sink
 * mssql-odbc inserts, in batches of 1,000, and how many a prepared INSERT of
 * one row at a time does: the same rows into the same table over the same
 * connection, in one transaction each.  Prints "SINK ONE-AT-A-TIME". */

#include "fake-host.h"
#include "../plugins/sink/mssql-odbc/mssql-odbc.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { BATCH = 1000, MOST = 100000, TEXT = 64 };

/* What a new student is written with. */
enum {
    ID,
    KEY,
    FIRST,
    LAST,
    EMAIL,
    GRADE,
    NUMBER,
    MODIFIED,
    ACTIVE,
    CREATED,
    UPDATED,
    COLUMNS
};
static const struct cs_column columns[COLUMNS] = {
    [ID] = {.name = "StudentId", .type = CS_INT, .flags = CS_AUTO},
    [KEY] = {.name = "CleverStudentId",
             .type = CS_TEXT,
             .length = 50,
             .flags = CS_KEY | CS_NOT_NULL},
    [FIRST] = {.name = "FirstName",
               .type = CS_TEXT,
               .length = 100,
               .flags = CS_NOT_NULL},
    [LAST] = {.name = "LastName",
              .type = CS_TEXT,
              .length = 100,
              .flags = CS_NOT_NULL},
    [EMAIL] = {.name = "Email", .type = CS_TEXT, .length = 200},
    [GRADE] = {.name = "Grade", .type = CS_TEXT, .length = 32},
    [NUMBER] = {.name = "StudentNumber", .type = CS_TEXT, .length = 50},
    [MODIFIED] = {.name = "LastModifiedInClever", .type = CS_TIME},
    [ACTIVE] = {.name = "IsActive", .type = CS_BOOL, .flags = CS_NOT_NULL},
    [CREATED] = {.name = "CreatedAt", .type = CS_TIME, .flags = CS_NOT_NULL},
    [UPDATED] = {.name = "UpdatedAt", .type = CS_TIME, .flags = CS_NOT_NULL},
};
static const struct cs_entity student = {
    .name = "student",
    .table = "Students",
    .columns = columns,
    .ncolumns = COLUMNS,
};

extern const struct cs_plugin cleversync_plugin;

struct person {
    char key[TEXT], first[TEXT], email[TEXT], number[TEXT];
    struct cs_value row[COLUMNS];
};

static const char since[] = "2026-01-31T02:03:04.567Z";

static _Noreturn void give_up(const struct fake_host *fake, const char *what)
{
    fprintf(stderr, "bench-mssql: %s: %s\n", what, fake->error);
    exit(1);
}

static struct cs_value text(const char *value)
{
    return (struct cs_value){.state = CS_SET, .as.text = value};
}

static struct person *make_people(size_t n)
{
    struct person *people = calloc(n, sizeof(*people));

    if (!people)
        abort();
    for (size_t i = 0; i < n; i++) {
        struct person *p = &people[i];

        snprintf(p->key, TEXT, "5f%022zx", i * 7919);
        snprintf(p->first, TEXT, "Zo\xc3\xab %zu", i);
        snprintf(p->email, TEXT, "student%zu@example.edu", i);
        snprintf(p->number, TEXT, "%zu", 100000 + i);
        p->row[KEY] = text(p->key);
        p->row[FIRST] = text(p->first);
        p->row[LAST] = text("O'Brien-Nguy\xe1\xbb\x85n");
        p->row[EMAIL] = text(p->email);
        p->row[GRADE] = text("11");
        p->row[NUMBER] = text(p->number);
        p->row[MODIFIED] = text(since);
        p->row[ACTIVE] = (struct cs_value){.state = CS_SET, .as.boolean = true};
        p->row[CREATED] = text(since);
        p->row[UPDATED] = text(since);
    }
    return people;
}

static double now(void)
{
    struct timespec at;

    clock_gettime(CLOCK_MONOTONIC, &at);
    return (double)at.tv_sec + (double)at.tv_nsec / 1e9;
}

/* ---- The sink ------------------------------------------------------------ */

static void insert_by_sink(struct fake_host *fake, struct person *people,
                           size_t n)
{
    const struct cs_sink_ops *ops = cleversync_plugin.ops;

    if (ops->begin(fake->self) != CS_OK)
        give_up(fake, "no transaction");
    for (size_t done = 0; done < n; done += BATCH) {
        const struct cs_value *rows[BATCH];
        struct cs_batch batch = {
            .size = sizeof(batch),
            .entity = &student,
            .op = CS_INSERT,
            .rows = rows,
            .nrows = n - done < BATCH ? n - done : BATCH,
        };

        for (size_t i = 0; i < batch.nrows; i++)
            rows[i] = people[done + i].row;
        if (ops->apply(fake->self, &batch) != CS_OK ||
            batch.affected != batch.nrows)
            give_up(fake, "the sink does not insert");
    }
    if (ops->commit(fake->self) != CS_OK)
        give_up(fake, "the sink does not commit");
}

/* ---- One row at a time --------------------------------------------------- */

/* Room for a row's parameters, which the statement is bound to once. */
struct bound {
    SQLWCHAR text[COLUMNS][TEXT];
    SQLLEN length[COLUMNS];
    unsigned char active;
};

static void bind_row(SQLHSTMT statement, struct bound *bound)
{
    for (SQLUSMALLINT i = KEY; i < COLUMNS; i++) {
        SQLULEN size = columns[i].type == CS_TIME ? 30 : columns[i].length;

        if (i == ACTIVE)
            SQLBindParameter(statement, i, SQL_PARAM_INPUT, SQL_C_BIT, SQL_BIT,
                             1, 0, &bound->active, 1, &bound->length[i]);
        else
            SQLBindParameter(statement, i, SQL_PARAM_INPUT, SQL_C_WCHAR,
                             SQL_WVARCHAR, size, 0, bound->text[i],
                             sizeof(bound->text[i]), &bound->length[i]);
    }
}

static void fill(struct bound *bound, const struct cs_value *row)
{
    for (size_t i = KEY; i < COLUMNS; i++) {
        size_t units;
        SQLWCHAR *wide;

        if (i == ACTIVE) {
            bound->active = row[i].as.boolean;
            bound->length[i] = 1;
            continue;
        }
        wide = mssql_odbc_utf16(row[i].as.text, &units);
        if (!wide || units >= TEXT)
            abort();
        if (columns[i].type == CS_TIME)
            units--; /* DATETIME2 wants no "Z" */
        memcpy(bound->text[i], wide, units * sizeof(*wide));
        bound->length[i] = (SQLLEN)(units * sizeof(*wide));
        free(wide);
    }
}

static void insert_by_row(struct fake_host *fake, struct person *people,
                          size_t n)
{
    static const char insert[] =
        "INSERT INTO [dbo].[Students] ([CleverStudentId], [FirstName], "
        "[LastName], [Email], [Grade], [StudentNumber], "
        "[LastModifiedInClever], [IsActive], [CreatedAt], [UpdatedAt]) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
    const struct cs_sink_ops *ops = cleversync_plugin.ops;
    struct mssql_odbc *self = fake->self;
    struct bound bound;
    SQLHSTMT statement;
    size_t units;
    SQLWCHAR *wide = mssql_odbc_utf16(insert, &units);

    if (ops->begin(self) != CS_OK)
        give_up(fake, "no transaction");
    SQLAllocHandle(SQL_HANDLE_STMT, self->connection, &statement);
    if (!SQL_SUCCEEDED(SQLPrepareW(statement, wide, (SQLINTEGER)units)))
        give_up(fake, "the INSERT cannot be prepared");
    bind_row(statement, &bound);
    for (size_t i = 0; i < n; i++) {
        fill(&bound, people[i].row);
        if (!SQL_SUCCEEDED(SQLExecute(statement)))
            give_up(fake, "the INSERT fails");
    }
    SQLFreeHandle(SQL_HANDLE_STMT, statement);
    free(wide);
    if (ops->commit(self) != CS_OK)
        give_up(fake, "no commit");
}

/* ---- Both ---------------------------------------------------------------- */

typedef void insert_fn(struct fake_host *fake, struct person *people, size_t n);

static double rate(struct fake_host *fake, insert_fn *insert,
                   struct person *people, size_t n)
{
    int64_t stored = 0;
    double from, took;

    if (mssql_odbc_run(fake->self, "DELETE FROM [dbo].[Students]", NULL, 0,
                       NULL, NULL, 0) != CS_OK)
        give_up(fake, "the table cannot be emptied");
    from = now();
    insert(fake, people, n);
    took = now() - from;
    if (mssql_odbc_run(fake->self, "SELECT COUNT(*) FROM [dbo].[Students]",
                       NULL, 0, NULL, &stored, 1) != CS_OK ||
        stored != (int64_t)n)
        give_up(fake, "not all rows are there");
    return (double)n / took;
}

int main(int argc, char *argv[])
{
    struct cs_step step = {
        .size = sizeof(step), .change = CS_CREATE_TABLE, .entity = &student};
    const struct cs_sink_ops *ops = cleversync_plugin.ops;
    struct fake_pair options[] = {
        {"driver", argc > 2 ? argv[2] : NULL},
        {"verify_certificate", "false"},
        {NULL, NULL},
    };
    struct fake_pair secrets[] = {
        {"connection", argc > 1 ? argv[1] : NULL},
        {NULL, NULL},
    };
    struct person *people;
    struct fake_host fake;
    double sink, row;
    size_t n = argc == 4 ? strtoul(argv[3], NULL, 10) : 0;

    if (n == 0 || n > MOST) {
        fputs("usage: bench-mssql CONNECTION DRIVER ROWS\n", stderr);
        return 2;
    }
    fake_host_init(&fake, &cleversync_plugin);
    fake.options = options;
    fake.secrets = secrets;
    people = make_people(n);
    if (fake_host_open(&fake) != CS_OK ||
        ops->alter(fake.self, &step, NULL, NULL) != CS_OK)
        give_up(&fake, "no table");
    /* Whatever the server does only once is behind both. */
    rate(&fake, insert_by_sink, people, n < BATCH ? n : BATCH);
    rate(&fake, insert_by_row, people, n < BATCH ? n : BATCH);
    sink = rate(&fake, insert_by_sink, people, n);
    row = rate(&fake, insert_by_row, people, n);
    printf("%.0f %.0f\n", sink, row);
    fake_host_clear(&fake);
    free(people);
    return 0;
}
