/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* Taking a school out of the registry: foreign keys want that nothing speaks
 * of it any more. */

#include "config.h"

#include "database/registry.h"

#include "sync/cell.h"
#include "database/forget.h"
#include "database/schema.h"
#include "plugin/sink.h"

enum { HISTORY, CHANGES, REJECTS, HOLDS, TABLES };

static const struct {
    const struct cs_entity *entity;
    size_t school, key; /* columns */
} tables[TABLES] = {
    [HISTORY] = {&cs_schema_history, CS_HISTORY_SCHOOL, CS_HISTORY_KEY},
    [CHANGES] = {&cs_schema_changes, CS_CHANGES_SCHOOL, CS_CHANGES_KEY},
    [REJECTS] = {&cs_schema_reject, CS_REJECT_SCHOOL, CS_REJECT_KEY},
    [HOLDS] = {&cs_schema_hold, CS_HOLD_SCHOOL, CS_HOLD_KEY},
};

struct counting {
    int64_t school;
    size_t table;
    size_t rows[TABLES];
    size_t foreign;
};

static enum cs_rc count_row(void *arg, const struct cs_value *row)
{
    struct counting *counting = arg;

    if (row[tables[counting->table].key].state == CS_SET)
        counting->rows[counting->table]++;
    else
        counting->foreign++;
    return CS_OK;
}

static enum cs_rc count_rows(void *arg, struct cs_instance *sink,
                             struct cs_error *error)
{
    struct counting *counting = arg;
    const struct cs_value school = cs_cell_of_integer(counting->school);
    enum cs_rc rc = CS_OK;

    *counting = (struct counting){.school = counting->school};
    for (size_t i = 0; i < TABLES && rc == CS_OK; i++) {
        const struct cs_filter filter = {.size = sizeof(filter),
                                         .column = tables[i].school,
                                         .in = &school,
                                         .nin = 1};

        counting->table = i;
        rc = cs_sink_scan(sink, tables[i].entity, &filter, count_row, counting,
                          error);
    }
    return rc;
}

enum cs_rc cs_registry_count(struct cs_session *session,
                             const struct cs_school *school,
                             struct cs_registry_rows *rows,
                             struct cs_error *error)
{
    struct counting counting = {.school = school->id};
    enum cs_rc rc = cs_session_use(session, count_rows, &counting, error);

    *rows = (struct cs_registry_rows){.history = counting.rows[HISTORY],
                                      .changes = counting.rows[CHANGES],
                                      .rejects = counting.rows[REJECTS],
                                      .holds = counting.rows[HOLDS],
                                      .foreign = counting.foreign};
    return rc;
}

static enum cs_rc remove_row(void *arg, struct cs_instance *sink,
                             struct cs_error *error)
{
    const struct cs_school *school = arg;
    struct cs_value row[CS_SCHOOL_COLUMNS] = {{0}};

    row[CS_SCHOOL_CLEVER_ID] = cs_cell_of_text(school->clever_id);
    return cs_sink_put(sink, &cs_schema_school, CS_DELETE, row, error);
}

enum cs_rc cs_registry_remove_school(struct cs_session *session,
                                     const struct cs_school *school,
                                     struct cs_error *error)
{
    const struct cs_value id = cs_cell_of_integer(school->id);
    struct cs_school copy = *school;
    enum cs_rc rc = CS_OK;

    for (size_t i = 0; i < TABLES && rc == CS_OK; i++) {
        const struct cs_filter filter = {.size = sizeof(filter),
                                         .column = tables[i].school,
                                         .in = &id,
                                         .nin = 1};

        rc = cs_forget_rows(session, tables[i].entity, &filter, NULL, error);
    }
    return rc == CS_OK ? cs_session_change(session, remove_row, &copy, error)
                       : rc;
}
