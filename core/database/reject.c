/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

#include "config.h"

#include "database/reject.h"

#include "sync/cell.h"
#include "base/memory.h"
#include "config/prefix.h"
#include "database/schema.h"
#include "database/session.h"
#include "plugin/sink.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct stored { /* a reject of an earlier run */
    char *key, *clever_id;
    int64_t first_seen;
};

struct work {
    int64_t school;
    const char *entity;
    const struct cs_reject *rejects;
    size_t n;
    const struct cs_reject_synced *synced; /* NULL: all that are not named */
    struct stored *stored;
    size_t nstored;
};

static void clear(struct work *work)
{
    for (size_t i = 0; i < work->nstored; i++) {
        free(work->stored[i].key);
        free(work->stored[i].clever_id);
    }
    free(work->stored);
    work->stored = NULL;
    work->nstored = 0;
}

static enum cs_rc keep(void *arg, const struct cs_value *row)
{
    struct work *work = arg;
    const char *entity = cs_cell_text(&row[CS_REJECT_ENTITY]);
    const char *key = cs_cell_text(&row[CS_REJECT_KEY]);

    if (key == NULL || entity == NULL || strcmp(entity, work->entity) != 0)
        return CS_OK;
    work->stored =
        cs_memory_grow(work->stored, work->nstored + 1, sizeof(*work->stored));
    work->stored[work->nstored++] = (struct stored){
        .key = cs_memory_text(key),
        .clever_id = cs_memory_text(cs_cell_text(&row[CS_REJECT_CLEVER_ID])),
        .first_seen = cs_cell_time(&row[CS_REJECT_FIRST_SEEN]),
    };
    return CS_OK;
}

static enum cs_rc scan(struct work *work, struct cs_instance *sink,
                       struct cs_error *error)
{
    const struct cs_value school = cs_cell_of_integer(work->school);
    const struct cs_filter filter = {
        .size = sizeof(filter),
        .column = CS_REJECT_SCHOOL,
        .in = &school,
        .nin = 1,
    };

    clear(work);
    return cs_sink_scan(sink, &cs_schema_reject, &filter, keep, work, error);
}

static enum cs_rc delete (struct cs_instance *sink, const char *key,
                          struct cs_error *error) {
    struct cs_value row[CS_REJECT_COLUMNS] = {{0}};

    row[CS_REJECT_KEY] = cs_cell_of_text(key);
    return cs_sink_put(sink, &cs_schema_reject, CS_DELETE, row, error);
}

/* What came as a key, if it is one: anything else could be a name. */
static const char *clever_id(const struct cs_reject *reject)
{
    const char *id = reject->clever_id;

    return id != NULL && cs_prefix_fault_id(id) == NULL ? id : NULL;
}

static int64_t first_seen(const struct work *work, const char *id,
                          int64_t otherwise)
{
    for (size_t i = 0; i < work->nstored && id != NULL; i++)
        if (work->stored[i].clever_id != NULL &&
            strcmp(work->stored[i].clever_id, id) == 0)
            return work->stored[i].first_seen;
    return otherwise;
}

/* Has one of the first i rejects the same key? */
static bool repeated(const struct work *work, size_t i)
{
    const char *id = clever_id(&work->rejects[i]);

    for (size_t j = 0; j < i && id != NULL; j++) {
        const char *other = clever_id(&work->rejects[j]);

        if (other != NULL && strcmp(id, other) == 0)
            return true;
    }
    return false;
}

static enum cs_rc insert(const struct work *work, size_t i,
                         struct cs_instance *sink, struct cs_error *error)
{
    const struct cs_reject *reject = &work->rejects[i];
    const char *id = clever_id(reject);
    int64_t now = cs_clock_now();
    struct cs_value row[CS_REJECT_COLUMNS];
    char first[CS_CLOCK_ISO], last[CS_CLOCK_ISO], number[24], *key;
    enum cs_rc rc;

    snprintf(number, sizeof(number), "#%zu", i + 1);
    key = cs_memory_format("%s/%s/%s/%s", reject->run, reject->school_id,
                           work->entity, id != NULL ? id : number);
    row[CS_REJECT_KEY] = cs_cell_of_text(key);
    row[CS_REJECT_SCHOOL] = cs_cell_of_integer(work->school);
    row[CS_REJECT_ENTITY] = cs_cell_of_text(work->entity);
    row[CS_REJECT_CLEVER_ID] = cs_cell_of_text(id);
    row[CS_REJECT_REASON] = cs_cell_of_text(reject->reason);
    row[CS_REJECT_RUN] = cs_cell_of_text(reject->run);
    row[CS_REJECT_FIRST_SEEN] =
        cs_cell_of_time(first_seen(work, id, now), first);
    row[CS_REJECT_LAST_SEEN] = cs_cell_of_time(now, last);
    rc = cs_sink_put(sink, &cs_schema_reject, CS_INSERT, row, error);
    free(key);
    return rc;
}

/* Is this stored reject past: named anew, or its record synced since? */
static bool past(const struct work *work, const struct stored *stored)
{
    if (work->synced == NULL)
        return true;
    for (size_t i = 0; i < work->n && stored->clever_id != NULL; i++) {
        const char *id = clever_id(&work->rejects[i]);

        if (id != NULL && strcmp(id, stored->clever_id) == 0)
            return true;
    }
    return stored->clever_id != NULL &&
           work->synced->is(work->synced->arg, stored->clever_id);
}

static enum cs_rc replace(void *arg, struct cs_instance *sink,
                          struct cs_error *error)
{
    struct work *work = arg;
    enum cs_rc rc = scan(work, sink, error);

    for (size_t i = 0; i < work->nstored && rc == CS_OK; i++)
        if (past(work, &work->stored[i]))
            rc = delete (sink, work->stored[i].key, error);
    for (size_t i = 0; i < work->n && rc == CS_OK; i++)
        if (!repeated(work, i))
            rc = insert(work, i, sink, error);
    return rc;
}

enum cs_rc cs_reject_replace(struct cs_session *session, int64_t school,
                             const char *entity,
                             const struct cs_reject *rejects, size_t n,
                             const struct cs_reject_synced *synced,
                             struct cs_error *error)
{
    struct work work = {.school = school,
                        .entity = entity,
                        .rejects = rejects,
                        .n = n,
                        .synced = synced};
    enum cs_rc rc = cs_session_change(session, replace, &work, error);

    clear(&work);
    return rc;
}

/* ---- Reading ------------------------------------------------------------ */

struct reading {
    int64_t school;
    struct cs_reject *reject; /* texts are owned */
    size_t n;
};

static void clear_reading(struct reading *reading)
{
    for (size_t i = 0; i < reading->n; i++) {
        free((char *)reading->reject[i].entity);
        free((char *)reading->reject[i].clever_id);
        free((char *)reading->reject[i].reason);
        free((char *)reading->reject[i].run);
    }
    free(reading->reject);
    reading->reject = NULL;
    reading->n = 0;
}

static enum cs_rc read_row(void *arg, const struct cs_value *row)
{
    struct reading *reading = arg;

    reading->reject = cs_memory_grow(reading->reject, reading->n + 1,
                                     sizeof(*reading->reject));
    reading->reject[reading->n++] = (struct cs_reject){
        .school = cs_cell_integer(&row[CS_REJECT_SCHOOL]),
        .entity = cs_memory_text(cs_cell_text(&row[CS_REJECT_ENTITY])),
        .clever_id = cs_memory_text(cs_cell_text(&row[CS_REJECT_CLEVER_ID])),
        .reason = cs_memory_text(cs_cell_text(&row[CS_REJECT_REASON])),
        .run = cs_memory_text(cs_cell_text(&row[CS_REJECT_RUN])),
        .first_seen = cs_cell_time(&row[CS_REJECT_FIRST_SEEN]),
        .last_seen = cs_cell_time(&row[CS_REJECT_LAST_SEEN]),
    };
    return CS_OK;
}

/* NULL comes last. */
static int text_order(const char *a, const char *b)
{
    if (a == NULL || b == NULL)
        return (a == NULL) - (b == NULL);
    return strcmp(a, b);
}

static int reject_order(const void *left, const void *right)
{
    const struct cs_reject *a = left, *b = right;
    int order = (a->school > b->school) - (a->school < b->school);

    if (order == 0)
        order = text_order(a->entity, b->entity);
    return order != 0 ? order : text_order(a->clever_id, b->clever_id);
}

static enum cs_rc read_rejects(void *arg, struct cs_instance *sink,
                               struct cs_error *error)
{
    struct reading *reading = arg;
    const struct cs_value school = cs_cell_of_integer(reading->school);
    const struct cs_filter filter = {
        .size = sizeof(filter),
        .column = CS_REJECT_SCHOOL,
        .in = reading->school != 0 ? &school : NULL,
        .nin = reading->school != 0,
    };

    clear_reading(reading);
    return cs_sink_scan(sink, &cs_schema_reject, &filter, read_row, reading,
                        error);
}

enum cs_rc cs_reject_each(struct cs_session *session, int64_t school,
                          cs_reject_fn *each, void *arg, struct cs_error *error)
{
    struct reading reading = {.school = school};
    enum cs_rc rc = cs_session_use(session, read_rejects, &reading, error);

    if (rc == CS_OK && reading.n > 0)
        qsort(reading.reject, reading.n, sizeof(*reading.reject), reject_order);
    for (size_t i = 0; i < reading.n && rc == CS_OK; i++)
        rc = each(arg, &reading.reject[i]);
    clear_reading(&reading);
    return rc;
}
