/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* The plugin alone, with a fake host in the core's place.  What a sink must do
 * beyond this, "cleversync plugins check" tries. */
#define _POSIX_C_SOURCE 200809L

#include "fake-host.h"

#include <sys/stat.h>
#include <unistd.h>

extern const struct cs_plugin cleversync_plugin;

enum { ID, KEY, NAME, COLUMNS };
static const struct cs_column columns[COLUMNS] = {
    [ID] = {.name = "ThingId", .type = CS_INT, .flags = CS_AUTO},
    [KEY] = {.name = "Key", .type = CS_TEXT, .length = 50, .flags = CS_KEY},
    [NAME] = {.name = "Name", .type = CS_TEXT, .length = 100},
};
static const struct cs_entity things = {.name = "thing",
                                        .collection = "things",
                                        .table = "Things",
                                        .columns = columns,
                                        .ncolumns = COLUMNS};

static char directory[] = "/tmp/jsonfile-XXXXXX", path[sizeof directory + 32];
static struct fake_host fake, other;

static const struct cs_sink_ops *ops(void)
{
    return cleversync_plugin.ops;
}

/* A batch of a row "a" and a row `key`, both with that name. */
static enum cs_rc apply(enum cs_op op, const char *key, const char *name,
                        size_t *affected)
{
    const struct cs_value a[COLUMNS] = {
        [KEY] = {.state = CS_SET, .as.text = "a"},
        [NAME] = {.state = CS_SET, .as.text = name}};
    const struct cs_value b[COLUMNS] = {
        [KEY] = {.state = CS_SET, .as.text = key},
        [NAME] = {.state = CS_SET, .as.text = name}};
    const struct cs_value *const rows[] = {a, b};
    struct cs_batch batch = {.size = sizeof batch,
                             .entity = &things,
                             .op = op,
                             .rows = rows,
                             .nrows = 2};
    enum cs_rc rc = ops()->apply(fake.self, &batch);

    *affected = batch.affected;
    return rc;
}

static enum cs_rc list(void *arg, const struct cs_value *row)
{
    char *text = arg;

    snprintf(text + strlen(text), 32, "%s=%s ", row[KEY].as.text,
             row[NAME].state == CS_SET ? row[NAME].as.text : "?");
    return CS_OK;
}

/* Whether an instance sees exactly these rows. */
static bool sees(struct fake_host *who, const char *want)
{
    char text[256] = "";

    return ops()->scan(who->self, &things, NULL, list, text) == CS_OK &&
           strcmp(text, want) == 0;
}

static void tables(void)
{
    const struct cs_step create = {
        .size = sizeof create, .change = CS_CREATE_TABLE, .entity = &things};
    unsigned lengths[COLUMNS];

    fake_ok(ops()->inspect(fake.self, &things, lengths) == CS_E_NOT_HERE,
            "there is no table");
    fake_ok(ops()->alter(fake.self, &create, NULL, NULL) == CS_OK,
            "it is made");
    fake_ok(ops()->alter(fake.self, &create, NULL, NULL) == CS_OK,
            "making it again is harmless");
    fake_ok(ops()->inspect(fake.self, &things, lengths) == CS_OK &&
                lengths[NAME] == 100,
            "it has its columns and their lengths");
}

static void rows(void)
{
    size_t n;

    fake_ok(apply(CS_INSERT, "b", "1", &n) == CS_OK && n == 2 &&
                sees(&fake, "a=1 b=1 "),
            "rows are stored");
    fake_ok(apply(CS_INSERT, "c", "2", &n) == CS_E_DATA && n == 0 &&
                sees(&fake, "a=1 b=1 "),
            "a key is there once");
    fake_ok(apply(CS_UPDATE, "c", "2", &n) == CS_OK && n == 1 &&
                sees(&fake, "a=2 b=1 "),
            "only what is there is changed, and counts");
    fake_ok(apply(CS_DELETE, "c", NULL, &n) == CS_OK && n == 1 &&
                sees(&fake, "b=1 "),
            "only what is there is deleted, and counts");
}

static void transactions(void)
{
    size_t n;

    fake_ok(ops()->begin(fake.self) == CS_OK &&
                apply(CS_INSERT, "c", "3", &n) == CS_OK &&
                sees(&fake, "b=1 a=3 c=3 ") && sees(&other, "b=1 "),
            "others do not see what is not committed");
    other.remaining = 0;
    fake_ok(ops()->begin(other.self) == CS_E_CANCELLED,
            "two cannot write, and no wait is for ever");
    other.remaining = 60000;
    ops()->rollback(fake.self);
    fake_ok(sees(&fake, "b=1 "), "it is undone");
    fake_ok(ops()->begin(fake.self) == CS_OK &&
                apply(CS_INSERT, "b", "3", &n) == CS_E_DATA && n == 0 &&
                sees(&fake, "b=1 "),
            "all of a batch or none of it");
    fake_ok(apply(CS_INSERT, "c", "3", &n) == CS_OK &&
                ops()->commit(fake.self) == CS_OK &&
                sees(&other, "b=1 a=3 c=3 "),
            "others see what is committed");
}

static void locks(void)
{
    fake_ok(ops()->lock(fake.self, "x", 0) == CS_OK &&
                ops()->holds(fake.self, "x") == CS_OK,
            "a lock");
    fake_ok(ops()->lock(other.self, "x", 0) == CS_E_BUSY, "has one holder");
    fake_host_close(&fake);
    fake_ok(ops()->lock(other.self, "x", 0) == CS_OK, "until it closes");
}

static void left_behind(const char *suffix)
{
    char file[sizeof path + 8];

    snprintf(file, sizeof file, "%s%s", path, suffix);
    unlink(file);
}

int main(void)
{
    const struct fake_pair options[] = {{"path", path}, {NULL, NULL}};
    struct stat status;

    if (mkdtemp(directory) == NULL)
        abort();
    snprintf(path, sizeof path, "%s/db.json", directory);
    fake_host_init(&fake, &cleversync_plugin);
    fake_host_init(&other, &cleversync_plugin);
    fake.options = other.options = options;
    fake_ok(fake_host_open(&fake) == CS_OK && fake_host_open(&other) == CS_OK,
            "two instances open");
    tables();
    rows();
    transactions();
    locks();
    fake_ok(stat(path, &status) == 0 && (status.st_mode & 077) == 0,
            "the file is nobody else's to read");

    fake_host_clear(&fake);
    fake_host_clear(&other);
    left_behind("");
    left_behind(".lock");
    fake_ok(rmdir(directory) == 0, "nothing else is left behind");
    return fake_end_of_tests();
}
