/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

#include "config.h"

#include "sync/read.h"

#include "sync/map.h"
#include "sync/pages.h"

struct reading {
    struct cs_read *read;
    struct cs_map map;
    struct cs_error *error;
};

static enum cs_rc take(void *arg, enum cs_op op, const char *cursor,
                       json_t *record)
{
    struct reading *reading = arg;
    struct cs_diff *diff = reading->read->diff;
    bool keyed;
    enum cs_rc rc = cs_map_record(&reading->map, record, &keyed);

    (void)op; /* a listing only knows what is there */
    (void)cursor;
    if (rc < 0 && rc != CS_E_DATA) {
        *reading->error = reading->map.error;
    } else {
        if (rc == CS_MAYBE)
            rc = CS_OK; /* that it is listed says it */
        if (rc == CS_E_DATA && !keyed)
            cs_diff_unkeyed(diff, reading->map.why);
        else
            cs_diff_arrived(diff, rc, reading->map.row, reading->map.why);
        if (reading->read->progress)
            atomic_fetch_add(reading->read->progress, 1);
        rc = CS_OK;
    }
    json_decref(record);
    return rc;
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
    struct reading reading = {.read = read, .error = error};
    struct cs_pages pages = {.settings = read->settings,
                             .source = read->source,
                             .entity = read->mapper->module->ops.mapper.entity,
                             .cancel = read->cancel,
                             .take = take,
                             .begin = begin_page,
                             .forget = forget_page,
                             .arg = &reading};
    enum cs_rc rc;

    cs_map_init(&reading.map, read->mapper);
    rc = cs_pages_read(&pages, NULL, NULL, error);
    cs_map_clear(&reading.map);
    return rc;
}
