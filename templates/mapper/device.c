/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* device: what a school lends, a row of the table Devices for each. */
#include <cleversync/plugin.h>

#include <string.h>

enum {
    DEVICE_KEY,
    DEVICE_SERIAL,
    DEVICE_MODEL,
    DEVICE_LENT,
    DEVICE_PRICE,
    DEVICE_BOUGHT,
    DEVICE_COLUMNS
};

/* The core adds DeviceId, IsActive and what else it needs. */
static const struct cs_column device_columns[DEVICE_COLUMNS] = {
    [DEVICE_KEY] = {.name = "CleverDeviceId",
                    .type = CS_TEXT,
                    .length = 50,
                    .flags = CS_KEY | CS_NOT_NULL},
    [DEVICE_SERIAL] = {.name = "Serial", .type = CS_TEXT, .length = 40},
    [DEVICE_MODEL] = {.name = "Model",
                      .type = CS_TEXT,
                      .length = 100,
                      .flags = CS_CUT},
    [DEVICE_LENT] = {.name = "Lent", .type = CS_BOOL, .flags = CS_NOT_NULL},
    [DEVICE_PRICE] = {.name = "Price", .type = CS_INT},
    [DEVICE_BOUGHT] = {.name = "BoughtAt", .type = CS_TIME},
};

static const struct cs_entity device_entity = {
    .name = "device",
    .collection = "devices",
    .table = "Devices",
    .columns = device_columns,
    .ncolumns = DEVICE_COLUMNS,
};

/* The first ones fill the column of the same number. */
static const char *const device_reads[] = {
    [DEVICE_KEY] = "id",           [DEVICE_SERIAL] = "serial",
    [DEVICE_MODEL] = "model.name", [DEVICE_LENT] = "lent",
    [DEVICE_PRICE] = "price",      [DEVICE_BOUGHT] = "bought",
    [DEVICE_COLUMNS] = "schools",  NULL,
};

/* What is at "model.name"; NULL: the record does not say. */
static const json_t *device_at(const json_t *record, const char *path)
{
    for (; *path != '\0' && json_is_object(record); path += *path == '.') {
        size_t length = strcspn(path, ".");
        record = json_object_getn(record, path, length);
        path += length;
    }
    return *path == '\0' ? record : NULL;
}

/* Cells may point into the record. */
static enum cs_rc device_cell(const struct cs_host *host, const json_t *value,
                              enum cs_type type, const char *path,
                              struct cs_value *cell)
{
    if (value == NULL) /* a listing stores null, a feed leaves what is there */
        return CS_OK;
    cell->state = json_is_null(value) ? CS_NULL : CS_SET;
    if (cell->state == CS_NULL)
        return CS_OK;
    if (type == CS_BOOL && json_is_boolean(value))
        cell->as.boolean = json_is_true(value);
    else if (type == CS_INT && json_is_integer(value))
        cell->as.integer = json_integer_value(value);
    else if ((type == CS_TEXT || type == CS_TIME) && json_is_string(value))
        cell->as.text = json_string_value(value);
    else
        return cs_fail(host, CS_E_DATA, "%s is not of its type", path);
    return CS_OK;
}

/* Is it this school's?  A listing answers that itself, a feed may not. */
static enum cs_rc device_belongs(const struct cs_host *host,
                                 const json_t *record)
{
    const json_t *schools = json_object_get(record, "schools");
    bool here = host->scope->school == NULL; /* all are wanted */

    if (schools == NULL || json_is_null(schools))
        return here ? CS_OK : CS_MAYBE;
    if (!json_is_array(schools))
        return cs_fail(host, CS_E_DATA, "schools is no array");
    for (size_t i = 0; !here && i < json_array_size(schools); i++) {
        const char *id = json_string_value(json_array_get(schools, i));
        if (id == NULL)
            return cs_fail(host, CS_E_DATA, "schools has more than texts");
        here = strcmp(id, host->scope->school) == 0;
    }
    return here ? CS_OK : CS_LEFT;
}

static enum cs_rc device_map(const struct cs_host *host, const json_t *record,
                             struct cs_value *row)
{
    const char *id = json_string_value(json_object_get(record, "id"));
    enum cs_rc belongs, rc = CS_OK;

    if (id == NULL || *id == '\0')
        return cs_fail(host, CS_E_DATA, "id is no text, or empty");
    row[DEVICE_KEY].state = CS_SET; /* first: what follows may fail */
    row[DEVICE_KEY].as.text = id;
    belongs = device_belongs(host, record);
    if (belongs != CS_OK && belongs != CS_MAYBE)
        return belongs;
    for (size_t i = DEVICE_KEY + 1; rc == CS_OK && i < DEVICE_COLUMNS; i++)
        rc = device_cell(host, device_at(record, device_reads[i]),
                         device_columns[i].type, device_reads[i], &row[i]);
    return rc == CS_OK ? belongs : rc;
}

static const struct cs_mapper_ops device_ops = {
    .entity = &device_entity,
    .reads = device_reads,
    .map = device_map,
};

CS_MAPPER_PLUGIN("device", device_ops, .version = "1.0",
                 .summary = "what a school lends, as rows of Devices");
