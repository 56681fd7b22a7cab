/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

#include "config.h"

#include "database/schema.h"

#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

/* ---- A mapped entity as it is stored ----------------------------------- */

char *cs_schema_label(const char *name)
{
    char *label = cs_memory_text(name);

    if (label[0] >= 'a' && label[0] <= 'z')
        label[0] = (char)(label[0] - 'a' + 'A');
    return label;
}

struct cs_schema *cs_schema_new(const struct cs_entity *mapped)
{
    static const struct cs_column own[] = {
        {.name = "IsActive",
         .type = CS_BOOL,
         .flags = CS_NOT_NULL,
         .fallback = "1"},
        {.name = "DeactivatedAt", .type = CS_TIME},
        {.name = "CreatedAt", .type = CS_TIME, .flags = CS_NOT_NULL},
        {.name = "UpdatedAt", .type = CS_TIME, .flags = CS_NOT_NULL},
    };
    struct cs_schema *schema = cs_memory_new(sizeof(*schema));
    size_t n = mapped->ncolumns;
    struct cs_column *columns =
        cs_memory_array(1 + n + sizeof(own) / sizeof(own[0]), sizeof(*columns));

    schema->label = cs_schema_label(mapped->name);
    columns[0] = (struct cs_column){
        .name = cs_memory_format("%sId", schema->label),
        .type = CS_INT,
        .flags = CS_AUTO,
    };
    schema->first = 1;
    schema->mapped = n;
    memcpy(columns + 1, mapped->columns, n * sizeof(*columns));
    memcpy(columns + 1 + n, own, sizeof(own));
    while (schema->key < n && !(columns[schema->key].flags & CS_KEY))
        schema->key++;
    schema->active = 1 + n;
    schema->deactivated = 2 + n;
    schema->created = 3 + n;
    schema->updated = 4 + n;
    schema->entity = *mapped;
    schema->entity.columns = columns;
    schema->entity.ncolumns = 5 + n;
    return schema;
}

void cs_schema_free(struct cs_schema *schema)
{
    if (schema == NULL)
        return;
    free((char *)schema->entity.columns[0].name);
    free((struct cs_column *)schema->entity.columns);
    free(schema->label);
    free(schema);
}

/* ---- The core's own tables ---------------------------------------------- */

/* Identifiers, types and lengths are those of the system whose databases may
 * be there already.  A table grows at its end, and what is above stays as it
 * is: versions.c is made of it. */

static const struct cs_column state_columns[CS_STATE_COLUMNS] = {
    [CS_STATE_ENTITY] = {.name = "Entity",
                         .type = CS_TEXT,
                         .length = 50,
                         .flags = CS_KEY | CS_NOT_NULL},
    [CS_STATE_SCHOOL] = {.name = "CleverSchoolId",
                         .type = CS_TEXT,
                         .length = 50,
                         .flags = CS_NOT_NULL},
    [CS_STATE_CURSOR] = {.name = "Cursor", .type = CS_TEXT, .length = 100},
    [CS_STATE_LAST_SYNC] = {.name = "LastSyncTimestamp", .type = CS_TIME},
    [CS_STATE_RUN] = {.name = "RunId", .type = CS_TEXT, .length = 50},
    [CS_STATE_SYNC] = {.name = "SyncId", .type = CS_INT},
};
const struct cs_entity cs_schema_state = {
    .name = "state",
    .table = "SyncState",
    .columns = state_columns,
    .ncolumns = CS_STATE_COLUMNS,
};

static const struct cs_column district_columns[CS_DISTRICT_COLUMNS] = {
    [CS_DISTRICT_ID] = {.name = "DistrictId", .type = CS_INT, .flags = CS_AUTO},
    [CS_DISTRICT_CLEVER_ID] = {.name = "CleverDistrictId",
                               .type = CS_TEXT,
                               .length = 50,
                               .flags = CS_KEY | CS_NOT_NULL},
    [CS_DISTRICT_NAME] = {.name = "Name",
                          .type = CS_TEXT,
                          .length = 200,
                          .flags = CS_NOT_NULL},
    [CS_DISTRICT_PREFIX] = {.name = "DistrictPrefix",
                            .type = CS_TEXT,
                            .length = 100,
                            .flags = CS_NOT_NULL | CS_INDEX},
    [CS_DISTRICT_SECRET_PREFIX] = {.name = "KeyVaultSecretPrefix",
                                   .type = CS_TEXT,
                                   .length = 100},
    [CS_DISTRICT_CREATED] = {.name = "CreatedAt",
                             .type = CS_TIME,
                             .flags = CS_NOT_NULL},
    [CS_DISTRICT_UPDATED] = {.name = "UpdatedAt",
                             .type = CS_TIME,
                             .flags = CS_NOT_NULL},
};
const struct cs_entity cs_schema_district = {
    .name = "district",
    .table = "Districts",
    .columns = district_columns,
    .ncolumns = CS_DISTRICT_COLUMNS,
};

static const struct cs_column school_columns[CS_SCHOOL_COLUMNS] = {
    [CS_SCHOOL_ID] = {.name = "SchoolId", .type = CS_INT, .flags = CS_AUTO},
    [CS_SCHOOL_DISTRICT] = {.name = "DistrictId",
                            .type = CS_INT,
                            .flags = CS_NOT_NULL | CS_INDEX,
                            .references = "Districts.DistrictId"},
    [CS_SCHOOL_CLEVER_ID] = {.name = "CleverSchoolId",
                             .type = CS_TEXT,
                             .length = 50,
                             .flags = CS_KEY | CS_NOT_NULL},
    [CS_SCHOOL_NAME] = {.name = "Name",
                        .type = CS_TEXT,
                        .length = 200,
                        .flags = CS_NOT_NULL},
    [CS_SCHOOL_DATABASE] = {.name = "DatabaseName",
                            .type = CS_TEXT,
                            .length = 100,
                            .flags = CS_NOT_NULL},
    [CS_SCHOOL_PREFIX] = {.name = "SchoolPrefix",
                          .type = CS_TEXT,
                          .length = 100,
                          .flags = CS_NOT_NULL | CS_INDEX},
    [CS_SCHOOL_SECRET_NAME] = {.name = "KeyVaultConnectionStringSecretName",
                               .type = CS_TEXT,
                               .length = 200},
    [CS_SCHOOL_ACTIVE] = {.name = "IsActive",
                          .type = CS_BOOL,
                          .flags = CS_NOT_NULL,
                          .fallback = "1"},
    [CS_SCHOOL_CREATED] = {.name = "CreatedAt",
                           .type = CS_TIME,
                           .flags = CS_NOT_NULL},
    [CS_SCHOOL_UPDATED] = {.name = "UpdatedAt",
                           .type = CS_TIME,
                           .flags = CS_NOT_NULL},
    [CS_SCHOOL_REQUIRES_FULL] = {.name = "RequiresFullSync",
                                 .type = CS_BOOL,
                                 .flags = CS_NOT_NULL,
                                 .fallback = "0"},
};
const struct cs_entity cs_schema_school = {
    .name = "school",
    .collection = "schools",
    .table = "Schools",
    .columns = school_columns,
    .ncolumns = CS_SCHOOL_COLUMNS,
};
const struct cs_entity cs_schema_school_1 = {
    .name = "school",
    .table = "Schools",
    .columns = school_columns,
    .ncolumns = CS_SCHOOL_REQUIRES_FULL,
};

static const struct cs_column history_columns[CS_HISTORY_COLUMNS] = {
    [CS_HISTORY_ID] = {.name = "SyncId", .type = CS_INT, .flags = CS_AUTO},
    [CS_HISTORY_SCHOOL] = {.name = "SchoolId",
                           .type = CS_INT,
                           .flags = CS_NOT_NULL | CS_INDEX,
                           .references = "Schools.SchoolId"},
    [CS_HISTORY_ENTITY] = {.name = "EntityType",
                           .type = CS_TEXT,
                           .length = 50,
                           .flags = CS_NOT_NULL},
    [CS_HISTORY_TYPE] = {.name = "SyncType",
                         .type = CS_TEXT,
                         .length = 20,
                         .flags = CS_NOT_NULL},
    [CS_HISTORY_START] = {.name = "SyncStartTime",
                          .type = CS_TIME,
                          .flags = CS_NOT_NULL | CS_INDEX},
    [CS_HISTORY_END] = {.name = "SyncEndTime", .type = CS_TIME},
    [CS_HISTORY_STATUS] = {.name = "Status",
                           .type = CS_TEXT,
                           .length = 20,
                           .flags = CS_NOT_NULL | CS_INDEX},
    [CS_HISTORY_PROCESSED] = {.name = "RecordsProcessed",
                              .type = CS_INT,
                              .flags = CS_NOT_NULL,
                              .fallback = "0"},
    [CS_HISTORY_UPDATED] = {.name = "RecordsUpdated",
                            .type = CS_INT,
                            .flags = CS_NOT_NULL,
                            .fallback = "0"},
    [CS_HISTORY_ROWS_FAILED] = {.name = "RecordsFailed",
                                .type = CS_INT,
                                .flags = CS_NOT_NULL,
                                .fallback = "0"},
    [CS_HISTORY_MESSAGE] = {.name = "ErrorMessage", .type = CS_TEXT},
    [CS_HISTORY_LAST_SYNC] = {.name = "LastSyncTimestamp", .type = CS_TIME},
    [CS_HISTORY_LAST_EVENT] = {.name = "LastEventId",
                               .type = CS_TEXT,
                               .length = 100},
    [CS_HISTORY_RUN] = {.name = "RunId", .type = CS_TEXT, .length = 50},
    [CS_HISTORY_INSERTED] = {.name = "RecordsInserted",
                             .type = CS_INT,
                             .flags = CS_NOT_NULL,
                             .fallback = "0"},
    [CS_HISTORY_DELETED] = {.name = "RecordsDeleted",
                            .type = CS_INT,
                            .flags = CS_NOT_NULL,
                            .fallback = "0"},
    [CS_HISTORY_KEY] = {.name = "SyncKey",
                        .type = CS_TEXT,
                        .length = 200,
                        .flags = CS_KEY | CS_NOT_NULL},
};
const struct cs_entity cs_schema_history = {
    .name = "history",
    .table = "SyncHistory",
    .columns = history_columns,
    .ncolumns = CS_HISTORY_COLUMNS,
};
const struct cs_entity cs_schema_history_1 = {
    .name = "history",
    .table = "SyncHistory",
    .columns = history_columns,
    .ncolumns = CS_HISTORY_RUN,
};

static const struct cs_column reject_columns[CS_REJECT_COLUMNS] = {
    [CS_REJECT_KEY] = {.name = "RejectKey",
                       .type = CS_TEXT,
                       .length = 250,
                       .flags = CS_KEY | CS_NOT_NULL},
    [CS_REJECT_SCHOOL] = {.name = "SchoolId",
                          .type = CS_INT,
                          .flags = CS_NOT_NULL | CS_INDEX,
                          .references = "Schools.SchoolId"},
    [CS_REJECT_ENTITY] = {.name = "EntityType",
                          .type = CS_TEXT,
                          .length = 50,
                          .flags = CS_NOT_NULL},
    [CS_REJECT_CLEVER_ID] = {.name = "CleverId", .type = CS_TEXT, .length = 50},
    [CS_REJECT_REASON] = {.name = "Reason",
                          .type = CS_TEXT,
                          .length = 500,
                          .flags = CS_NOT_NULL},
    [CS_REJECT_RUN] = {.name = "RunId", .type = CS_TEXT, .length = 50},
    [CS_REJECT_FIRST_SEEN] = {.name = "FirstSeen",
                              .type = CS_TIME,
                              .flags = CS_NOT_NULL},
    [CS_REJECT_LAST_SEEN] = {.name = "LastSeen",
                             .type = CS_TIME,
                             .flags = CS_NOT_NULL},
};
const struct cs_entity cs_schema_reject = {
    .name = "reject",
    .table = "SyncReject",
    .columns = reject_columns,
    .ncolumns = CS_REJECT_COLUMNS,
};

static const struct cs_column hold_columns[CS_HOLD_COLUMNS] = {
    [CS_HOLD_KEY] = {.name = "HoldKey",
                     .type = CS_TEXT,
                     .length = 50,
                     .flags = CS_KEY | CS_NOT_NULL},
    [CS_HOLD_SCHOOL] = {.name = "SchoolId",
                        .type = CS_INT,
                        .flags = CS_NOT_NULL | CS_INDEX,
                        .references = "Schools.SchoolId"},
    [CS_HOLD_ENTITY] = {.name = "EntityType",
                        .type = CS_TEXT,
                        .length = 50,
                        .flags = CS_NOT_NULL},
    [CS_HOLD_SET] = {.name = "SetHash",
                     .type = CS_TEXT,
                     .length = 100,
                     .flags = CS_NOT_NULL},
    [CS_HOLD_KEYS] = {.name = "Keys", .type = CS_TEXT, .flags = CS_NOT_NULL},
    [CS_HOLD_ROWS] = {.name = "RowsHeld", .type = CS_INT, .flags = CS_NOT_NULL},
    [CS_HOLD_TOTAL] = {.name = "RowsTotal",
                       .type = CS_INT,
                       .flags = CS_NOT_NULL},
    [CS_HOLD_CREATED] = {.name = "CreatedAt",
                         .type = CS_TIME,
                         .flags = CS_NOT_NULL},
    [CS_HOLD_EXPIRES] = {.name = "ExpiresAt",
                         .type = CS_TIME,
                         .flags = CS_NOT_NULL},
    [CS_HOLD_APPROVED] = {.name = "ApprovedAt", .type = CS_TIME},
    [CS_HOLD_BY] = {.name = "ApprovedBy", .type = CS_TEXT, .length = 100},
    [CS_HOLD_USED] = {.name = "UsedAt", .type = CS_TIME},
};
const struct cs_entity cs_schema_hold = {
    .name = "hold",
    .table = "SyncHold",
    .columns = hold_columns,
    .ncolumns = CS_HOLD_COLUMNS,
};

/* No index on SchoolId and none on RunId: most of these rows are written and
 * never read, and who asks for a school's can wait for a scan. */
static const struct cs_column changes_columns[CS_CHANGES_COLUMNS] = {
    [CS_CHANGES_ID] = {.name = "ChangeId", .type = CS_INT, .flags = CS_AUTO},
    [CS_CHANGES_KEY] = {.name = "ChangeKey",
                        .type = CS_TEXT,
                        .length = 250,
                        .flags = CS_KEY | CS_NOT_NULL},
    [CS_CHANGES_SCHOOL] = {.name = "SchoolId",
                           .type = CS_INT,
                           .flags = CS_NOT_NULL,
                           .references = "Schools.SchoolId"},
    [CS_CHANGES_ENTITY] = {.name = "EntityType",
                           .type = CS_TEXT,
                           .length = 50,
                           .flags = CS_NOT_NULL},
    [CS_CHANGES_CLEVER_ID] = {.name = "CleverId",
                              .type = CS_TEXT,
                              .length = 50,
                              .flags = CS_INDEX},
    [CS_CHANGES_WHAT] = {.name = "Change",
                         .type = CS_TEXT,
                         .length = 20,
                         .flags = CS_NOT_NULL},
    [CS_CHANGES_NAMES] = {.name = "ChangedColumns", .type = CS_TEXT},
    [CS_CHANGES_WHY] = {.name = "Why",
                        .type = CS_TEXT,
                        .length = 20,
                        .flags = CS_NOT_NULL},
    [CS_CHANGES_RUN] = {.name = "RunId", .type = CS_TEXT, .length = 50},
    [CS_CHANGES_AT] = {.name = "ChangedAt",
                       .type = CS_TIME,
                       .flags = CS_NOT_NULL | CS_INDEX},
};
const struct cs_entity cs_schema_changes = {
    .name = "change",
    .table = "SyncChange",
    .columns = changes_columns,
    .ncolumns = CS_CHANGES_COLUMNS,
};

static const struct cs_column schedule_columns[CS_SCHEDULE_COLUMNS] = {
    [CS_SCHEDULE_KEY] = {.name = "ScheduleKey",
                         .type = CS_TEXT,
                         .length = 50,
                         .flags = CS_KEY | CS_NOT_NULL},
    [CS_SCHEDULE_LAST_TICK] = {.name = "LastTick", .type = CS_TIME},
    [CS_SCHEDULE_LAST_RUN] = {.name = "LastRunId",
                              .type = CS_TEXT,
                              .length = 50},
    [CS_SCHEDULE_SINCE_SYNC] = {.name = "SinceSyncId", .type = CS_INT},
    [CS_SCHEDULE_SKIPPED] = {.name = "Skipped",
                             .type = CS_INT,
                             .flags = CS_NOT_NULL,
                             .fallback = "0"},
    [CS_SCHEDULE_CAUGHT_UP] = {.name = "CaughtUp",
                               .type = CS_INT,
                               .flags = CS_NOT_NULL,
                               .fallback = "0"},
    [CS_SCHEDULE_UPDATED] = {.name = "UpdatedAt",
                             .type = CS_TIME,
                             .flags = CS_NOT_NULL},
};
const struct cs_entity cs_schema_schedule = {
    .name = "schedule",
    .table = "SyncSchedule",
    .columns = schedule_columns,
    .ncolumns = CS_SCHEDULE_COLUMNS,
};

static const struct cs_column version_columns[CS_VERSION_COLUMNS] = {
    [CS_VERSION_NAME] = {.name = "Version",
                         .type = CS_TEXT,
                         .length = 100, /* a table's name, and a number */
                         .flags = CS_KEY | CS_NOT_NULL},
    [CS_VERSION_CHECKSUM] = {.name = "Checksum",
                             .type = CS_TEXT,
                             .length = 64,
                             .flags = CS_NOT_NULL},
    [CS_VERSION_AT] = {.name = "AppliedAt",
                       .type = CS_TIME,
                       .flags = CS_NOT_NULL},
    [CS_VERSION_BY] = {.name = "AppliedBy", .type = CS_TEXT, .length = 100},
};
const struct cs_entity cs_schema_version = {
    .name = "version",
    .table = "SchemaVersion",
    .columns = version_columns,
    .ncolumns = CS_VERSION_COLUMNS,
};
