/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* jsonl: records from files, a line of JSON for each.
 *
 * The file DIRECTORY/COLLECTION.ndjson holds all of a school's collection.  Who
 * is not in a listing has left, so it must not be taken for whole when the end
 * of the file is missing: the last line says how many records are above it,
 *
 *     {"id": "5f1", "serial": "C02"}
 *     {"id": "5f2", "serial": "C03"}
 *     {"records": 2}
 */
#define _POSIX_C_SOURCE 200809L

#include <cleversync/plugin.h>

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

enum { JSONL_PATH = 4096, JSONL_LINE = 64 * 1024 };

struct jsonl_reader {
    const struct cs_host *host;
    FILE *file; /* open from the first page to the last: whoever writes the
                   listing anew replaces it by rename() */
    char path[JSONL_PATH];
    char line[JSONL_LINE];
};

/* Where a page begins: what a cursor says, as text. */
struct jsonl_place {
    off_t offset;
    uint64_t records; /* above it */
};

static enum cs_rc jsonl_open(const struct cs_host *host, void **self)
{
    struct jsonl_reader *reader = malloc(sizeof *reader);
    if (reader == NULL)
        return cs_fail(host, CS_E_FATAL, "out of memory");
    reader->host = host;
    reader->file = NULL;
    *self = reader;
    return CS_OK;
}

static void jsonl_close_file(struct jsonl_reader *reader)
{
    if (reader->file != NULL)
        fclose(reader->file);
    reader->file = NULL;
}

static void jsonl_close(void *self)
{
    jsonl_close_file(self);
    free(self);
}

static enum cs_rc jsonl_check(void *self)
{
    const struct jsonl_reader *reader = self;
    const char *directory = reader->host->text(reader->host, "directory");

    if (access(directory, R_OK | X_OK) == 0)
        return CS_OK;
    return cs_fail(reader->host, CS_E_CONFIG, "%s cannot be read: %s",
                   directory, strerror(errno));
}

static enum cs_rc jsonl_open_file(struct jsonl_reader *reader,
                                  const struct cs_entity *entity)
{
    const struct cs_host *host = reader->host;
    int length = snprintf(reader->path, sizeof reader->path, "%s/%s.ndjson",
                          host->text(host, "directory"), entity->collection);

    if (length < 0 || (size_t)length >= sizeof reader->path)
        return cs_fail(host, CS_E_CONFIG, "directory is too long");
    jsonl_close_file(reader);
    reader->file = fopen(reader->path, "re");
    if (reader->file != NULL)
        return CS_OK;
    if (errno == ENOENT)
        return cs_fail(host, CS_E_NOT_HERE, "%s is not there", reader->path);
    return cs_fail(host, CS_E_CONFIG, "%s cannot be read: %s", reader->path,
                   strerror(errno));
}

static enum cs_rc jsonl_seek(struct jsonl_reader *reader, const char *cursor,
                             struct jsonl_place *place)
{
    long long offset = -1;
    char *rest = NULL;

    if (cursor != NULL) {
        offset = strtoll(cursor, &rest, 10);
        place->records = *rest == ' ' ? strtoull(rest, &rest, 10) : 0;
    }
    if (cursor == NULL)
        *place = (struct jsonl_place){0, 0};
    else if (offset > 0 && *rest == '\0')
        place->offset = (off_t)offset;
    else
        return cs_fail(reader->host, CS_E_CURSOR, "the cursor is no place");
    if (fseeko(reader->file, place->offset, SEEK_SET) != 0)
        return cs_fail(reader->host, CS_E_FATAL, "%s cannot be read: %s",
                       reader->path, strerror(errno));
    return CS_OK;
}

/* The next line as an object, yours.  Of what is wrong with it only its number
 * is told: the line may be about a child. */
static enum cs_rc jsonl_line(struct jsonl_reader *reader, uint64_t number,
                             json_t **object)
{
    const struct cs_host *host = reader->host;

    if (fgets(reader->line, sizeof reader->line, reader->file) == NULL)
        return cs_fail(host, CS_E_RETRY,
                       "%s ends at line %" PRIu64 " and does not say how many "
                       "records it has: is it being written?",
                       reader->path, number);
    if (strchr(reader->line, '\n') == NULL && !feof(reader->file))
        return cs_fail(host, CS_E_FATAL,
                       "%s: line %" PRIu64 " is longer than %d bytes, or has "
                       "one that is 0",
                       reader->path, number, JSONL_LINE - 2);
    *object = json_loads(reader->line, JSON_REJECT_DUPLICATES, NULL);
    if (json_is_object(*object))
        return CS_OK;
    json_decref(*object);
    return cs_fail(host, CS_E_FATAL, "%s: line %" PRIu64 " is no JSON object",
                   reader->path, number);
}

/* Copies what is at "name.first", with the objects on the way there; 0, or -1
 * when there is no memory for it. */
static int jsonl_take(const json_t *from, json_t *to, const char *path)
{
    size_t length = strcspn(path, ".");
    json_t *value = json_object_getn(from, path, length);

    if (value == NULL)
        return 0;
    if (path[length] == '\0' || !json_is_object(value))
        return json_object_setn(to, path, length, value);
    if (json_object_getn(to, path, length) == NULL &&
        json_object_setn_new(to, path, length, json_object()) != 0)
        return -1;
    return jsonl_take(value, json_object_getn(to, path, length),
                      path + length + 1);
}

/* Hands over what mappers look at, and nothing else; when no mapper has asked,
 * all of it. */
static enum cs_rc jsonl_emit(struct jsonl_reader *reader, json_t *object,
                             struct cs_page *page)
{
    const struct cs_host *host = reader->host;
    json_t *record = json_object();
    int fault = 0;

    if (host->reads == NULL)
        fault = json_object_update(record, object);
    for (size_t i = 0; host->reads != NULL && host->reads[i] != NULL; i++)
        fault |= jsonl_take(object, record, host->reads[i]);
    if (fault == 0)
        return host->emit(page, CS_UPSERT, NULL, record);
    json_decref(record);
    return cs_fail(host, CS_E_FATAL, "out of memory");
}

/* The last line: is it, and are all records there? */
static enum cs_rc jsonl_end(struct jsonl_reader *reader, json_int_t said,
                            uint64_t records, struct cs_page *page)
{
    const struct cs_host *host = reader->host;

    if (said < 0 || (uint64_t)said != records || fgetc(reader->file) != EOF)
        return cs_fail(host, CS_E_FATAL,
                       "%s has %" PRIu64 " records, not as many as its last "
                       "line says, or goes on behind it",
                       reader->path, records);
    return host->done(page, NULL);
}

static enum cs_rc jsonl_page(struct jsonl_reader *reader,
                             struct jsonl_place place, struct cs_page *page)
{
    const struct cs_host *host = reader->host;
    char cursor[64];

    for (size_t want = host->want(page); want > 0; want--) {
        json_t *object = NULL, *said;
        bool last;
        enum cs_rc rc = jsonl_line(reader, place.records + 1, &object);

        if (rc != CS_OK)
            return rc;
        said = json_object_get(object, "records");
        last = json_is_integer(said);
        if (last)
            rc = jsonl_end(reader, json_integer_value(said), place.records,
                           page);
        else
            rc = jsonl_emit(reader, object, page);
        json_decref(object);
        if (rc != CS_OK || last)
            return rc;
        place.records++;
    }
    snprintf(cursor, sizeof cursor, "%lld %" PRIu64,
             (long long)ftello(reader->file), place.records);
    return host->next(page, cursor);
}

static enum cs_rc jsonl_fetch(void *self, const struct cs_entity *entity,
                              const char *cursor, struct cs_page *page)
{
    struct jsonl_reader *reader = self;
    struct jsonl_place place;
    enum cs_rc rc = CS_OK;

    if (reader->host->remaining_ms(reader->host) == 0)
        return cs_fail(reader->host, CS_E_CANCELLED, "there is no time left");
    if (cursor == NULL || reader->file == NULL)
        rc = jsonl_open_file(reader, entity);
    if (rc == CS_OK)
        rc = jsonl_seek(reader, cursor, &place);
    return rc == CS_OK ? jsonl_page(reader, place, page) : rc;
}

static const struct cs_option jsonl_options[] = {
    {.name = "directory",
     .type = CS_OPT_TEXT | CS_OPT_TEMPLATE,
     .help = "where a school's listings are, such as "
             "/var/lib/lists/{school_id}"},
    {.name = NULL},
};

static const struct cs_source_ops jsonl_ops = {
    .life = {.open = jsonl_open, .check = jsonl_check, .close = jsonl_close},
    .delta = false,
    .fetch = jsonl_fetch,
};

CS_SOURCE_PLUGIN("jsonl", jsonl_ops, .version = "1.0",
                 .summary = "records from files, a line of JSON for each",
                 .options = jsonl_options);
