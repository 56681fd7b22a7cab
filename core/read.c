/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

#include "config.h"

#include "read.h"

#include "json.h"
#include "memory.h"
#include "pages.h"

#include <stdlib.h>
#include <string.h>

struct reading {
    struct cs_read *read;
    const struct cs_mapper_ops *mapper;
    struct cs_value *row;
    size_t ncolumns;
    struct cs_error *error;
};

/* The mapper's key is a C string: is it the whole of the record's text?  (A
 * text with U+0000 inside would pass for its first part.) */
static bool whole_text(const json_t *value, const char *text)
{
    const char *key;
    json_t *member;
    size_t i;

    if (json_is_string(value))
        return json_string_value(value) != text ||
               json_string_length(value) == strlen(text);
    json_object_foreach((json_t *)value, key, member) {
        if (!whole_text(member, text))
            return false;
    }
    json_array_foreach(value, i, member) {
        if (!whole_text(member, text))
            return false;
    }
    return true;
}

static enum cs_rc map(struct reading *reading, const json_t *record)
{
    struct cs_instance *mapper = reading->read->mapper;
    enum cs_rc rc;

    memset(reading->row, 0, reading->ncolumns * sizeof(*reading->row));
    cs_instance_enter(mapper);
    rc = reading->mapper->map(&mapper->host, record, reading->row);
    return cs_instance_leave(mapper, rc, reading->error);
}

static enum cs_rc take(void *arg, enum cs_op op, const char *cursor,
                       json_t *record)
{
    static const char odd[] = "it holds U+0000 or half a surrogate pair";
    struct reading *reading = arg;
    struct cs_diff *diff = reading->read->diff;
    const struct cs_value *key = &reading->row[diff->normal.key];
    enum cs_rc rc = map(reading, record);
    const char *why = reading->error->text;

    (void)op; /* a listing only knows what is there */
    (void)cursor;
    if (rc < 0 && rc != CS_E_DATA) {
        json_decref(record);
        return rc;
    }
    if (cs_json_has_nul(record)) {
        rc = CS_E_DATA;
        why = odd;
    }
    if (why == odd && (key->state != CS_SET ||
                       !whole_text(record, key->as.text)))
        cs_diff_unkeyed(diff, why);
    else
        cs_diff_arrived(diff, rc, reading->row, why);
    json_decref(record);
    if (reading->read->progress)
        atomic_store(reading->read->progress, diff->counts.read);
    return CS_OK;
}

static void begin_page(void *arg)
{
    struct reading *reading = arg;

    cs_diff_page(reading->read->diff);
}

static void forget_page(void *arg)
{
    struct reading *reading = arg;

    cs_diff_forget_page(reading->read->diff);
}

enum cs_rc cs_read_listing(struct cs_read *read, struct cs_error *error)
{
    const struct cs_mapper_ops *mapper = &read->mapper->module->ops.mapper;
    struct reading reading = {.read = read,
                              .mapper = mapper,
                              .ncolumns = mapper->entity->ncolumns,
                              .error = error};
    struct cs_pages pages = {.settings = read->settings,
                             .source = read->source,
                             .entity = mapper->entity,
                             .cancel = read->cancel,
                             .take = take,
                             .begin = begin_page,
                             .forget = forget_page,
                             .arg = &reading};
    enum cs_rc rc;

    reading.row = cs_memory_array(reading.ncolumns, sizeof(*reading.row));
    rc = cs_pages_read(&pages, NULL, NULL, error);
    free(reading.row);
    return rc;
}
