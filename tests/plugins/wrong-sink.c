/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* sqlite-test with a fault that is chosen by an option: each must be found by
 * the conformance cases. */
#define cleversync_plugin sqlite_test_plugin
#include "../../plugins/sink/sqlite-test/sqlite-test.c"
#undef cleversync_plugin

#include <fcntl.h>

static bool wrong_is(const struct sqlite_test *self, const char *fault)
{
    return strcmp(self->host->text(self->host, "fault"), fault) == 0;
}

/* "away": each kind of call fails the first time that it meets a table; a file
 * beside the database tells that it did. */
static enum cs_rc wrong_away(struct sqlite_test *self, const char *call,
                             const char *table)
{
    char *path;
    if (!wrong_is(self, "away"))
        return CS_OK;
    if (asprintf(&path, "%s-away-%s-%s", self->path, call, table) < 0)
        return sqlite_test_out_of_memory(self);
    int file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, S_IRUSR);
    free(path);
    if (file < 0)
        return CS_OK;
    close(file);
    return cs_fail(self->host, CS_E_RETRY, "the database is away");
}

/* ---- Cells -------------------------------------------------------------- */

/* Leaves `length` characters. */
static void wrong_cut(char *text, unsigned length)
{
    for (; *text != '\0'; text++)
        if (((unsigned char)*text & 0xC0) != 0x80 && length-- == 0) {
            *text = '\0';
            return;
        }
}

static void wrong_text(const struct sqlite_test *self,
                       const struct cs_column *column, char *text)
{
    size_t length = strlen(text);
    if (wrong_is(self, "cuts") && column->length > 0)
        wrong_cut(text, column->length);
    if (wrong_is(self, "trims"))
        while (length > 0 && text[length - 1] == ' ')
            text[--length] = '\0';
}

static void wrong_time(const struct sqlite_test *self, char *text)
{
    char *point = strchr(text, '.');
    if (wrong_is(self, "seconds") && point != NULL)
        strcpy(point, "Z");
}

/* `copy` has the cell's text in memory of its own. */
static void wrong_cell(const struct sqlite_test *self,
                       const struct cs_column *column, struct cs_value *cell,
                       char *copy)
{
    if (column->type == CS_INT && wrong_is(self, "narrows"))
        cell->as.integer = (int32_t)cell->as.integer;
    if (copy == NULL)
        return;
    if (column->type == CS_TEXT)
        wrong_text(self, column, copy);
    else
        wrong_time(self, copy);
    cell->as.text = copy;
    if (*copy == '\0' && wrong_is(self, "empties") && !(column->flags & CS_KEY))
        cell->state = CS_NULL;
}

/* False: it has no letters, so it is the same. */
static bool wrong_swap_case(char *text)
{
    bool swapped = false;
    for (; *text != '\0'; text++)
        if ((*text >= 'A' && *text <= 'Z') || (*text >= 'a' && *text <= 'z')) {
            *text ^= 'a' ^ 'A';
            swapped = true;
        }
    return swapped;
}

/* ---- Rows --------------------------------------------------------------- */

/* One row, as if it were the batch. */
static enum cs_rc wrong_row(struct sqlite_test *self, struct cs_batch *batch,
                            size_t at)
{
    const struct cs_entity *entity = batch->entity;
    struct cs_value row[32];
    char *copies[32] = {NULL};
    const struct cs_value *rows = row;
    struct cs_batch one = *batch;
    for (size_t i = 0; i < entity->ncolumns; i++) {
        enum cs_type type = entity->columns[i].type;
        row[i] = batch->rows[at][i];
        if (row[i].state != CS_SET)
            continue;
        if (type == CS_TEXT || type == CS_TIME)
            copies[i] = strdup(row[i].as.text);
        wrong_cell(self, &entity->columns[i], &row[i], copies[i]);
    }
    one.rows = &rows;
    one.nrows = 1;
    enum cs_rc rc = sqlite_test_apply(self, &one);
    batch->affected += one.affected;
    char *key = copies[sqlite_test_column(entity, CS_KEY)];
    if (rc == CS_OK && batch->op != CS_INSERT && wrong_is(self, "folds") &&
        wrong_swap_case(key)) {
        rc = sqlite_test_apply(self, &one);
        batch->affected += one.affected;
    }
    for (size_t i = 0; i < entity->ncolumns; i++)
        free(copies[i]);
    return rc;
}

static enum cs_rc wrong_apply(void *arg, struct cs_batch *batch)
{
    struct sqlite_test *self = arg;
    bool outer;
    batch->affected = 0;
    enum cs_rc rc = wrong_away(self, "apply", batch->entity->table);
    if (rc == CS_OK)
        rc = sqlite_test_connect(self, true);
    if (rc == CS_OK)
        rc = sqlite_test_enter(self, &outer);
    if (rc != CS_OK)
        return rc;
    for (size_t i = 0; rc == CS_OK && i < batch->nrows; i++)
        rc = wrong_row(self, batch, i);
    sqlite_test_leave(self, outer, wrong_is(self, "halves") ? CS_OK : rc);
    if (rc != CS_OK)
        batch->affected = 0;
    else if (wrong_is(self, "counts"))
        batch->affected = batch->nrows;
    return rc;
}

struct wrong_reader {
    cs_row_fn *each;
    void *arg;
    bool deaf;
};

static enum cs_rc wrong_read(void *arg, const struct cs_value *row)
{
    struct wrong_reader *reader = arg;
    enum cs_rc rc = reader->each(reader->arg, row);
    return reader->deaf ? CS_OK : rc;
}

static enum cs_rc wrong_scan(void *arg, const struct cs_entity *entity,
                             const struct cs_filter *filter, cs_row_fn *each,
                             void *each_arg)
{
    struct sqlite_test *self = arg;
    struct wrong_reader reader = {each, each_arg, wrong_is(self, "deaf")};
    struct cs_filter other = {.size = sizeof other};
    if (filter != NULL)
        other = *filter;
    if (wrong_is(self, "oldest"))
        other.newest = 0;
    enum cs_rc rc = wrong_away(self, "scan", entity->table);
    if (rc == CS_OK)
        rc = sqlite_test_scan(self, entity, &other, wrong_read, &reader);
    if (rc == CS_OK) /* all rows were handed over */
        rc = wrong_away(self, "end", entity->table);
    return rc == CS_E_CANCELLED && wrong_is(self, "late") ? CS_OK : rc;
}

/* ---- The rest ----------------------------------------------------------- */

static void wrong_rollback(void *arg)
{
    if (wrong_is(arg, "keeps"))
        sqlite_test_commit(arg);
    sqlite_test_rollback(arg);
}

static enum cs_rc wrong_lock(void *arg, const char *name, long wait_ms)
{
    enum cs_rc rc = sqlite_test_lock(arg, name, wait_ms);
    return rc == CS_E_BUSY && wrong_is(arg, "shares") ? CS_OK : rc;
}

/* A lock goes with its connection. */
static enum cs_rc wrong_holds(void *arg, const char *name)
{
    enum cs_rc rc = wrong_away(arg, "holds", "lock");
    if (rc == CS_OK)
        return sqlite_test_holds(arg, name);
    sqlite_test_unlock(arg, name);
    return rc;
}

static enum cs_rc wrong_inspect(void *arg, const struct cs_entity *entity,
                                unsigned *lengths)
{
    enum cs_rc rc = wrong_away(arg, "inspect", entity->table);
    if (wrong_is(arg, "crashes"))
        abort();
    while (wrong_is(arg, "stuck"))
        pause();
    if (rc == CS_OK)
        rc = sqlite_test_inspect(arg, entity, lengths);
    if (wrong_is(arg, "bytes") && rc == CS_OK && lengths != NULL)
        for (size_t i = 0; i < entity->ncolumns; i++)
            lengths[i] *= 2;
    return rc;
}

static enum cs_rc wrong_alter(void *arg, const struct cs_step *step,
                              cs_sql_fn *show, void *show_arg)
{
    enum cs_rc rc = sqlite_test_alter(arg, step, show, show_arg);
    if (rc == CS_OK && show != NULL && wrong_is(arg, "does"))
        rc = sqlite_test_alter(arg, step, NULL, NULL);
    return rc;
}

static const struct cs_option wrong_options[] = {
    {"path", CS_OPT_TEXT | CS_OPT_TEMPLATE, NULL, NULL, "the database's file"},
    {"fault", CS_OPT_TEXT, "none", NULL, "what goes wrong"},
    {NULL, 0, NULL, NULL, NULL},
};

static const struct cs_sink_ops wrong_ops = {
    .life = {.open = sqlite_test_open,
             .check = sqlite_test_check,
             .close = sqlite_test_close},
    .one_writer = true,
    .inspect = wrong_inspect,
    .alter = wrong_alter,
    .lock = wrong_lock,
    .holds = wrong_holds,
    .unlock = sqlite_test_unlock,
    .scan = wrong_scan,
    .begin = sqlite_test_begin,
    .apply = wrong_apply,
    .commit = sqlite_test_commit,
    .rollback = wrong_rollback,
};

CS_SINK_PLUGIN("wrong", wrong_ops, .version = "1.0",
               .summary = "sqlite-test with a fault", .options = wrong_options);
