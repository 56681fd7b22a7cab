/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* The plugin alone, with a fake host in the core's place. */
#define _POSIX_C_SOURCE 200809L

#include "fake-host.h"

#include <unistd.h>

extern const struct cs_plugin cleversync_plugin;

static const struct cs_entity things = {.name = "thing",
                                        .collection = "things"};
static const char *const reads[] = {"id", "name.first", NULL};

static char directory[] = "/tmp/jsonl-XXXXXX", path[sizeof directory + 32];
static struct fake_host fake;
static struct cs_page page;

static void holds(const char *text)
{
    FILE *file = fopen(path, "w");
    if (file == NULL || fputs(text, file) < 0 || fclose(file) != 0)
        abort();
}

/* Reads the page behind `cursor`; its records are in page. */
static enum cs_rc fetch(const char *cursor, size_t want)
{
    const struct cs_source_ops *ops = cleversync_plugin.ops;
    char *kept = cursor != NULL ? fake_copy(cursor) : NULL;
    enum cs_rc rc;

    fake_page_clear(&page);
    page.want = want;
    rc = ops->fetch(fake.self, &things, kept, &page);
    free(kept);
    return rc;
}

static const char *id(size_t i)
{
    const json_t *entry = json_array_get(page.records, i);
    const json_t *record = json_object_get(entry, "record");
    const char *text = json_string_value(json_object_get(record, "id"));
    return text != NULL ? text : "none";
}

static void refused(enum cs_rc rc, const char *text, const char *what)
{
    holds(text);
    fake_ok(fetch(NULL, 10) == rc && !page.done && !page.next, what);
}

static void in_pages(void)
{
    fake_ok(fetch(NULL, 2) == CS_OK && page.next &&
                json_array_size(page.records) == 2,
            "a page is as long as is wanted");
    fake_ok(strcmp(id(0), "a") == 0 && strcmp(id(1), "b") == 0, "in order");
    fake_ok(fetch(page.cursor, 2) == CS_OK && page.done &&
                json_array_size(page.records) == 1 && strcmp(id(0), "c") == 0,
            "the last page says that it is");
}

static void only_what_is_read(void)
{
    json_t *want = json_pack("{s:s, s:{s:s}}", "id", "a", "name", "first", "A");

    fetch(NULL, 1);
    fake_ok(
        json_equal(json_object_get(json_array_get(page.records, 0), "record"),
                   want),
        "a record holds what mappers read, and nothing else");
    json_decref(want);
}

int main(void)
{
    const struct fake_pair options[] = {{"directory", directory}, {NULL, NULL}};

    if (mkdtemp(directory) == NULL)
        abort();
    snprintf(path, sizeof path, "%s/things.ndjson", directory);
    fake_host_init(&fake, &cleversync_plugin);
    fake.options = options;
    fake.host.reads = reads;
    fake_ok(fake_host_open(&fake) == CS_OK, "it opens");

    fake_ok(fetch(NULL, 2) == CS_E_NOT_HERE, "a listing that is not there");
    holds("{\"id\": \"a\", \"name\": {\"first\": \"A\", \"last\": \"Z\"}, "
          "\"born\": \"2015\"}\n{\"id\": \"b\"}\n{\"id\": \"c\"}\n"
          "{\"records\": 3}\n");
    in_pages();
    only_what_is_read();
    fake.remaining = 0;
    fake_ok(fetch(NULL, 2) == CS_E_CANCELLED, "no time is left");
    fake.remaining = 1000;
    fake_ok(fetch("elsewhere", 2) == CS_E_CURSOR, "a cursor of another's");

    holds("{\"records\": 0}\n");
    fake_ok(fetch(NULL, 2) == CS_OK && page.done && page.records == NULL,
            "a school may have none");
    refused(CS_E_RETRY, "", "an empty file is not whole");
    refused(CS_E_RETRY, "{\"id\": \"a\"}\n", "nor one without an end");
    refused(CS_E_FATAL, "{\"id\": \"a\"}\n{\"records\": 2}\n",
            "nor one that lacks a record");
    refused(CS_E_FATAL, "{\"records\": 0}\n{\"id\": \"a\"}\n",
            "nor one that goes on");
    refused(CS_E_FATAL, "{\"id\": \"secret", "half a line is no record");
    fake_ok(strstr(fake.error, "line 1") && !strstr(fake.error, "secret"),
            "its number is told, and nothing of its text");

    unlink(path);
    rmdir(directory);
    fake_page_clear(&page);
    fake_host_clear(&fake);
    return fake_end_of_tests();
}
