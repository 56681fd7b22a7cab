/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* The plugin alone, with a fake host in the core's place. */
#include "fake-host.h"

extern const struct cs_plugin cleversync_plugin;

static struct fake_host fake;
static json_t *record;
static struct cs_value row[64];

static size_t column(const char *name)
{
    const struct cs_mapper_ops *ops = cleversync_plugin.ops;

    for (size_t i = 0; i < ops->entity->ncolumns; i++)
        if (strcmp(ops->entity->columns[i].name, name) == 0)
            return i;
    abort();
}

/* Maps a record; the row is in row, and points into record. */
static enum cs_rc map(const char *text)
{
    const struct cs_mapper_ops *ops = cleversync_plugin.ops;

    json_decref(record);
    record = json_loads(text, 0, NULL);
    if (record == NULL)
        abort();
    memset(row, 0, sizeof row);
    return ops->map(&fake.host, record, row);
}

static bool text_is(const char *name, const char *want)
{
    const struct cs_value *cell = &row[column(name)];
    return cell->state == CS_SET && strcmp(cell->as.text, want) == 0;
}

static bool all_are(enum cs_cell state) /* but the key */
{
    const struct cs_mapper_ops *ops = cleversync_plugin.ops;

    for (size_t i = 0; i < ops->entity->ncolumns; i++)
        if (!(ops->entity->columns[i].flags & CS_KEY) && row[i].state != state)
            return false;
    return true;
}

static void whole_record(void)
{
    fake_ok(map("{\"id\": \"d1\", \"schools\": [\"s1\"], \"serial\": \"C02\", "
                "\"model\": {\"name\": \"Book\"}, \"lent\": true, "
                "\"price\": 299, \"bought\": \"2026-01-31T00:00:00Z\"}") ==
                CS_OK,
            "a whole record");
    fake_ok(text_is("CleverDeviceId", "d1") && text_is("Serial", "C02") &&
                text_is("Model", "Book") &&
                text_is("BoughtAt", "2026-01-31T00:00:00Z"),
            "its texts");
    fake_ok(row[column("Lent")].state == CS_SET &&
                row[column("Lent")].as.boolean &&
                row[column("Price")].as.integer == 299,
            "its flag and its number");
}

int main(void)
{
    fake_host_init(&fake, &cleversync_plugin);
    fake.scope.school = "s1";

    whole_record();
    fake_ok(map("{\"id\": \"d1\", \"schools\": [\"s1\"]}") == CS_OK &&
                all_are(CS_ABSENT),
            "what a record does not say is absent");
    fake_ok(map("{\"id\": \"d1\", \"schools\": [\"s1\"], \"serial\": null, "
                "\"model\": {\"name\": null}, \"lent\": null, "
                "\"price\": null, \"bought\": null}") == CS_OK &&
                all_are(CS_NULL),
            "null is not absent");
    fake_ok(map("{\"id\": \"d1\", \"serial\": \"C02\"}") == CS_MAYBE &&
                text_is("Serial", "C02"),
            "it may be this school's");
    fake_ok(map("{\"id\": \"d1\", \"schools\": [\"s2\", \"s3\"]}") == CS_LEFT &&
                text_is("CleverDeviceId", "d1"),
            "another school's has left, and the key is set");
    fake.scope.school = NULL;
    fake_ok(map("{\"id\": \"d1\", \"schools\": [\"s2\", \"s3\"]}") == CS_OK,
            "without a school all are wanted");

    fake_ok(map("{\"serial\": \"secret\"}") == CS_E_DATA &&
                row[column("CleverDeviceId")].state == CS_ABSENT &&
                strstr(fake.error, "secret") == NULL,
            "a record without an id is unusable");
    fake_ok(map("{\"id\": \"d1\", \"price\": \"cheap\"}") == CS_E_DATA &&
                text_is("CleverDeviceId", "d1") &&
                strstr(fake.error, "price") != NULL &&
                strstr(fake.error, "cheap") == NULL,
            "so is one of the wrong type, whose key is known");

    json_decref(record);
    fake_host_clear(&fake);
    return fake_end_of_tests();
}
