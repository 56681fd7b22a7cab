/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

#include "config.h"

#include "database/import.h"

#include "base/json.h"
#include "base/memory.h"
#include "config/prefix.h"
#include "sync/pages.h"

#include <stdlib.h>
#include <string.h>

enum { MOST_SCHOOLS = 20000 };

struct reading {
    struct cs_import *import;
    const struct cs_district *district;
    size_t n, unusable; /* of the import, when this page began */
};

void cs_import_clear(struct cs_import *import)
{
    for (size_t i = 0; i < import->n; i++) {
        free((char *)import->schools[i].clever_id);
        free((char *)import->schools[i].name);
    }
    free(import->schools);
    *import = (struct cs_import){0};
}

static void begin_page(void *arg)
{
    struct reading *reading = arg;

    reading->n = reading->import->n;
    reading->unusable = reading->import->unusable;
}

static void forget_page(void *arg)
{
    struct reading *reading = arg;
    struct cs_import *import = reading->import;

    for (; import->n > reading->n; import->n--) {
        free((char *)import->schools[import->n - 1].clever_id);
        free((char *)import->schools[import->n - 1].name);
    }
    import->unusable = reading->unusable;
}

static bool known(const struct cs_import *import, const char *id)
{
    for (size_t i = 0; i < import->n; i++)
        if (strcmp(import->schools[i].clever_id, id) == 0)
            return true;
    return false;
}

static enum cs_rc take(void *arg, enum cs_op op, const char *cursor,
                       json_t *stolen)
{
    struct reading *reading = arg;
    struct cs_import *import = reading->import;
    const char *id = json_string_value(json_object_get(stolen, "id"));
    const char *name = json_string_value(json_object_get(stolen, "name"));

    (void)op; /* a listing only knows what is there */
    (void)cursor;
    if (id == NULL || name == NULL || cs_json_has_nul(stolen) ||
        cs_prefix_fault_id(id) != NULL || cs_prefix_fault_name(name) != NULL) {
        import->unusable++;
    } else if (!known(import, id)) {
        import->schools = cs_memory_grow(import->schools, import->n + 1,
                                         sizeof(*import->schools));
        import->schools[import->n++] = (struct cs_school_new){
            .clever_id = cs_memory_text(id),
            .name = cs_memory_text(name),
            .district_clever_id = reading->district->clever_id,
        };
    }
    json_decref(stolen);
    return CS_OK;
}

enum cs_rc cs_import_read(struct cs_import *import, struct cs_app *app,
                          const struct cs_district *district,
                          struct cs_error *error)
{
    static const char *const reads[] = {"id", "name", NULL};
    static const struct cs_entity school = {
        .name = "school", .collection = "schools", .table = "Schools"};
    struct reading reading = {.import = import, .district = district};
    struct cs_pages pages = {.settings = app->settings,
                             .entity = &school,
                             .cancel = app->cancel,
                             .most = MOST_SCHOOLS,
                             .take = take,
                             .begin = begin_page,
                             .forget = forget_page,
                             .arg = &reading};
    struct cs_instance_request request = {
        .whom = {.district_id = district->clever_id,
                 .district_prefix = district->prefix},
        .cancel = app->cancel,
        .reads = reads,
        .stores = app->wiring.ncredentials,
        .entity = "school",
    };
    enum cs_rc rc;

    *import = (struct cs_import){0};
    if (app->wiring.npipelines == 0)
        return cs_error_set(error, CS_E_CONFIG,
                            "there is no [pipeline.NAME] whose source could "
                            "list the schools");
    request.part = app->wiring.pipelines[0].source;
    rc = cs_instance_open(&pages.source, app, &request, error);
    if (rc != CS_OK)
        return rc;
    rc = cs_pages_read(&pages, NULL, NULL, error);
    cs_instance_close(pages.source);
    return rc;
}
