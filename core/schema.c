/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

#include "config.h"

#include "schema.h"

#include "memory.h"
#include "sink.h"

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
    struct cs_schema *schema = cs_memory_new(sizeof *schema);
    size_t n = mapped->ncolumns;
    struct cs_column *columns =
        cs_memory_array(1 + n + sizeof own / sizeof own[0], sizeof *columns);

    schema->label = cs_schema_label(mapped->name);
    columns[0] = (struct cs_column){
        .name = cs_memory_format("%sId", schema->label),
        .type = CS_INT,
        .flags = CS_AUTO,
    };
    schema->first = 1;
    schema->mapped = n;
    memcpy(columns + 1, mapped->columns, n * sizeof *columns);
    memcpy(columns + 1 + n, own, sizeof own);
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
 * be there already. */
#define IDENTITY(NAME) {NAME, CS_INT, 0, CS_AUTO, NULL, NULL}
#define KEY(NAME, LENGTH) {NAME, CS_TEXT, LENGTH, CS_KEY | CS_NOT_NULL, NULL, NULL}
#define TEXT(NAME, LENGTH, FLAGS) {NAME, CS_TEXT, LENGTH, FLAGS, NULL, NULL}
#define TIME(NAME, FLAGS) {NAME, CS_TIME, 0, FLAGS, NULL, NULL}
#define NUMBER(NAME) {NAME, CS_INT, 0, CS_NOT_NULL, NULL, "0"}
#define FLAG(NAME, FALLBACK) {NAME, CS_BOOL, 0, CS_NOT_NULL, NULL, FALLBACK}
#define REFERENCE(NAME, TO) {NAME, CS_INT, 0, CS_NOT_NULL | CS_INDEX, TO, NULL}

static const struct cs_column state_columns[CS_STATE_COLUMNS] = {
    [CS_STATE_ENTITY] = KEY("Entity", 50),
    [CS_STATE_SCHOOL] = TEXT("CleverSchoolId", 50, CS_NOT_NULL),
    [CS_STATE_CURSOR] = TEXT("Cursor", 100, 0),
    [CS_STATE_LAST_SYNC] = TIME("LastSyncTimestamp", 0),
    [CS_STATE_RUN] = TEXT("RunId", 50, 0),
    [CS_STATE_SYNC] = {"SyncId", CS_INT, 0, 0, NULL, NULL},
};
const struct cs_entity cs_schema_state = {
    .name = "state",
    .table = "SyncState",
    .columns = state_columns,
    .ncolumns = CS_STATE_COLUMNS,
};

static const struct cs_column district_columns[CS_DISTRICT_COLUMNS] = {
    [CS_DISTRICT_ID] = IDENTITY("DistrictId"),
    [CS_DISTRICT_CLEVER_ID] = KEY("CleverDistrictId", 50),
    [CS_DISTRICT_NAME] = TEXT("Name", 200, CS_NOT_NULL),
    [CS_DISTRICT_PREFIX] = TEXT("DistrictPrefix", 100, CS_NOT_NULL | CS_INDEX),
    [CS_DISTRICT_SECRET_PREFIX] = TEXT("KeyVaultSecretPrefix", 100, 0),
    [CS_DISTRICT_CREATED] = TIME("CreatedAt", CS_NOT_NULL),
    [CS_DISTRICT_UPDATED] = TIME("UpdatedAt", CS_NOT_NULL),
};
const struct cs_entity cs_schema_district = {
    .name = "district",
    .table = "Districts",
    .columns = district_columns,
    .ncolumns = CS_DISTRICT_COLUMNS,
};

static const struct cs_column school_columns[CS_SCHOOL_COLUMNS] = {
    [CS_SCHOOL_ID] = IDENTITY("SchoolId"),
    [CS_SCHOOL_DISTRICT] = REFERENCE("DistrictId", "Districts.DistrictId"),
    [CS_SCHOOL_CLEVER_ID] = KEY("CleverSchoolId", 50),
    [CS_SCHOOL_NAME] = TEXT("Name", 200, CS_NOT_NULL),
    [CS_SCHOOL_DATABASE] = TEXT("DatabaseName", 100, CS_NOT_NULL),
    [CS_SCHOOL_PREFIX] = TEXT("SchoolPrefix", 100, CS_NOT_NULL | CS_INDEX),
    [CS_SCHOOL_SECRET_NAME] =
        TEXT("KeyVaultConnectionStringSecretName", 200, 0),
    [CS_SCHOOL_ACTIVE] = FLAG("IsActive", "1"),
    [CS_SCHOOL_REQUIRES_FULL] = FLAG("RequiresFullSync", "0"),
    [CS_SCHOOL_CREATED] = TIME("CreatedAt", CS_NOT_NULL),
    [CS_SCHOOL_UPDATED] = TIME("UpdatedAt", CS_NOT_NULL),
};
const struct cs_entity cs_schema_school = {
    .name = "school",
    .collection = "schools",
    .table = "Schools",
    .columns = school_columns,
    .ncolumns = CS_SCHOOL_COLUMNS,
};

static const struct cs_column history_columns[CS_HISTORY_COLUMNS] = {
    [CS_HISTORY_ID] = IDENTITY("SyncId"),
    [CS_HISTORY_SCHOOL] = REFERENCE("SchoolId", "Schools.SchoolId"),
    [CS_HISTORY_ENTITY] = TEXT("EntityType", 50, CS_NOT_NULL),
    [CS_HISTORY_TYPE] = TEXT("SyncType", 20, CS_NOT_NULL),
    [CS_HISTORY_START] = TIME("SyncStartTime", CS_NOT_NULL | CS_INDEX),
    [CS_HISTORY_END] = TIME("SyncEndTime", 0),
    [CS_HISTORY_STATUS] = TEXT("Status", 20, CS_NOT_NULL | CS_INDEX),
    [CS_HISTORY_PROCESSED] = NUMBER("RecordsProcessed"),
    [CS_HISTORY_UPDATED] = NUMBER("RecordsUpdated"),
    [CS_HISTORY_ROWS_FAILED] = NUMBER("RecordsFailed"),
    [CS_HISTORY_MESSAGE] = TEXT("ErrorMessage", 0, 0),
    [CS_HISTORY_LAST_SYNC] = TIME("LastSyncTimestamp", 0),
    [CS_HISTORY_LAST_EVENT] = TEXT("LastEventId", 100, 0),
    [CS_HISTORY_RUN] = TEXT("RunId", 50, 0),
    [CS_HISTORY_INSERTED] = NUMBER("RecordsInserted"),
    [CS_HISTORY_DELETED] = NUMBER("RecordsDeleted"),
    [CS_HISTORY_KEY] = KEY("SyncKey", 200),
};
const struct cs_entity cs_schema_history = {
    .name = "history",
    .table = "SyncHistory",
    .columns = history_columns,
    .ncolumns = CS_HISTORY_COLUMNS,
};

static const struct cs_column reject_columns[CS_REJECT_COLUMNS] = {
    [CS_REJECT_KEY] = KEY("RejectKey", 250),
    [CS_REJECT_SCHOOL] = REFERENCE("SchoolId", "Schools.SchoolId"),
    [CS_REJECT_ENTITY] = TEXT("EntityType", 50, CS_NOT_NULL),
    [CS_REJECT_CLEVER_ID] = TEXT("CleverId", 50, 0),
    [CS_REJECT_REASON] = TEXT("Reason", 500, CS_NOT_NULL),
    [CS_REJECT_RUN] = TEXT("RunId", 50, 0),
    [CS_REJECT_FIRST_SEEN] = TIME("FirstSeen", CS_NOT_NULL),
    [CS_REJECT_LAST_SEEN] = TIME("LastSeen", CS_NOT_NULL),
};
const struct cs_entity cs_schema_reject = {
    .name = "reject",
    .table = "SyncReject",
    .columns = reject_columns,
    .ncolumns = CS_REJECT_COLUMNS,
};

const struct cs_entity *const cs_schema_session[] = {
    &cs_schema_district,
    &cs_schema_school,
    &cs_schema_history,
    &cs_schema_reject,
};
const size_t cs_schema_nsession =
    sizeof cs_schema_session / sizeof cs_schema_session[0];

/* ---- Making them -------------------------------------------------------- */

/* The real lengths of columns are of no interest here. */
static enum cs_rc inspect(struct cs_instance *sink,
                          const struct cs_entity *entity,
                          struct cs_error *error)
{
    unsigned *lengths = cs_memory_array(entity->ncolumns, sizeof *lengths);
    enum cs_rc rc = cs_sink_inspect(sink, entity, lengths, error);

    free(lengths);
    return rc;
}

static enum cs_rc create(struct cs_instance *sink,
                         const struct cs_entity *const *entities, size_t n,
                         size_t *made, struct cs_error *error)
{
    enum cs_rc rc = CS_OK;

    for (size_t i = 0; i < n && rc == CS_OK; i++) {
        const struct cs_step step = {
            .size = sizeof step,
            .change = CS_CREATE_TABLE,
            .entity = entities[i],
        };

        rc = inspect(sink, entities[i], error);
        if (rc != CS_E_NOT_HERE)
            continue;
        rc = cs_sink_alter(sink, &step, NULL, NULL, error);
        *made += rc == CS_OK;
    }
    return rc;
}

/* CS_E_NOT_HERE: at least one of them is missing. */
static enum cs_rc look(struct cs_instance *sink,
                       const struct cs_entity *const *entities, size_t n,
                       struct cs_error *error)
{
    enum cs_rc rc = CS_OK;

    for (size_t i = 0; i < n && rc == CS_OK; i++)
        rc = inspect(sink, entities[i], error);
    return rc;
}

enum cs_rc cs_schema_make(struct cs_instance *sink,
                          const struct cs_entity *const *entities, size_t n,
                          size_t *made, struct cs_error *error)
{
    enum cs_rc rc = look(sink, entities, n, error);

    *made = 0;
    if (rc != CS_E_NOT_HERE) /* mostly all are there: no need to lock */
        return rc;
    rc = cs_sink_begin(sink, error);
    if (rc != CS_OK)
        return rc;
    rc = create(sink, entities, n, made, error);
    if (rc == CS_OK)
        rc = cs_sink_commit(sink, error);
    if (rc != CS_OK) {
        cs_sink_rollback(sink);
        *made = 0;
    }
    return rc;
}
