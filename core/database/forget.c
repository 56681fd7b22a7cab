/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

#include "config.h"

#include "database/forget.h"

#include "sync/cell.h"
#include "database/history.h"
#include "base/log.h"
#include "base/memory.h"
#include "database/schema.h"
#include "plugin/sink.h"

#include <stdlib.h>

struct forgetting {
    const struct cs_entity *entity;
    const struct cs_filter *filter;
    size_t key;   /* which column that is */
    char **found; /* keys of the batch; owned */
    size_t n, most;
};

static size_t key_of(const struct cs_entity *entity)
{
    size_t i = 0;

    while (!(entity->columns[i].flags & CS_KEY))
        i++;
    return i;
}

static void clear(struct forgetting *forgetting)
{
    while (forgetting->n > 0)
        free(forgetting->found[--forgetting->n]);
}

static enum cs_rc find(void *arg, const struct cs_value *row)
{
    struct forgetting *forgetting = arg;
    const char *key = cs_cell_text(&row[forgetting->key]);

    if (key != NULL)
        forgetting->found[forgetting->n++] = cs_memory_text(key);
    return forgetting->n < forgetting->most ? CS_OK : CS_SKIP;
}

static enum cs_rc delete_found(const struct forgetting *forgetting,
                               struct cs_instance *sink, struct cs_error *error)
{
    const struct cs_entity *entity = forgetting->entity;
    size_t n = forgetting->n;
    struct cs_value *cells =
        cs_memory_array(n * entity->ncolumns, sizeof(*cells));
    const struct cs_value **rows = cs_memory_array(n, sizeof(*rows));
    struct cs_batch batch = {.size = sizeof(batch),
                             .entity = entity,
                             .op = CS_DELETE,
                             .rows = rows,
                             .nrows = n};
    enum cs_rc rc;

    for (size_t i = 0; i < n; i++) {
        rows[i] = cells + i * entity->ncolumns;
        cells[i * entity->ncolumns + forgetting->key] =
            cs_cell_of_text(forgetting->found[i]);
    }
    rc = cs_sink_apply(sink, &batch, error);
    if (rc == CS_OK && batch.affected == 0) /* or this would never end */
        rc = cs_error_set(error, CS_E_FATAL,
                          "%s: rows of %s were to go and none went",
                          sink->request.part->section, entity->table);
    free(rows);
    free(cells);
    return rc;
}

static enum cs_rc forget_batch(void *arg, struct cs_instance *sink,
                               struct cs_error *error)
{
    struct forgetting *forgetting = arg;
    enum cs_rc rc;

    clear(forgetting);
    rc = cs_sink_scan(sink, forgetting->entity, forgetting->filter, find,
                      forgetting, error);
    if ((rc == CS_OK || rc == CS_SKIP) && forgetting->n > 0)
        rc = delete_found(forgetting, sink, error);
    return rc == CS_SKIP ? CS_OK : rc;
}

enum cs_rc cs_forget_rows(struct cs_session *session,
                          const struct cs_entity *entity,
                          const struct cs_filter *filter, size_t *gone,
                          struct cs_error *error)
{
    struct forgetting forgetting = {
        .entity = entity,
        .filter = filter,
        .key = key_of(entity),
        .most = (size_t)cs_settings_number(cs_session_settings(session), "sync",
                                           "batch_size")};
    size_t sum = 0;
    enum cs_rc rc;

    forgetting.found = cs_memory_array(forgetting.most, sizeof(char *));
    do {
        rc = cs_session_change(session, forget_batch, &forgetting, error);
        sum += rc == CS_OK ? forgetting.n : 0;
    } while (rc == CS_OK && forgetting.n == forgetting.most);
    clear(&forgetting);
    free(forgetting.found);
    if (gone != NULL)
        *gone = sum;
    return rc;
}

enum cs_rc cs_forget_old(struct cs_session *session, struct cs_error *error)
{
    static const struct {
        const struct cs_entity *entity;
        size_t column;
    } past[] = {
        {&cs_schema_changes, CS_CHANGES_AT},
        {&cs_schema_hold, CS_HOLD_EXPIRES},
        {&cs_schema_reject, CS_REJECT_LAST_SEEN},
    };
    long days = cs_settings_number(cs_session_settings(session), "history",
                                   "retention_days");
    char room[CS_CLOCK_ISO];
    const struct cs_value before =
        cs_cell_of_time(cs_clock_now() - days * 86400 * CS_SECOND, room);
    enum cs_rc rc = cs_history_purge(session, error);

    for (size_t i = 0; rc == CS_OK && i < sizeof(past) / sizeof(past[0]); i++) {
        const struct cs_filter filter = {
            .size = sizeof(filter), .column = past[i].column, .below = &before};

        rc = cs_forget_rows(session, past[i].entity, &filter, NULL, error);
    }
    return rc;
}

void cs_forget_after_run(struct cs_session *session, const char *run)
{
    const struct cs_log_context context = {.run = run};
    struct cs_error error = {0};

    if (cs_forget_old(session, &error) != CS_OK)
        cs_log_write(CS_LOG_WARN, &context, "old history was not purged: %s",
                     error.text);
}
