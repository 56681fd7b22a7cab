/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

#include "config.h"

#include "import.h"

#include "json.h"
#include "memory.h"
#include "prefix.h"
#include "schema.h"
#include "source.h"

#include <stdlib.h>
#include <string.h>

enum { MOST_SCHOOLS = 20000, MOST_PAGES = 20000 };

struct reading {
    struct cs_import *import;
    struct cs_app *app;
    const struct cs_district *district;
    struct cs_instance *source;
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

/* A page that broke off is read again: what it brought is forgotten. */
static void forget(struct cs_import *import, size_t n, size_t unusable)
{
    for (; import->n > n; import->n--) {
        free((char *)import->schools[import->n - 1].clever_id);
        free((char *)import->schools[import->n - 1].name);
    }
    import->unusable = unusable;
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
                                         sizeof *import->schools);
        import->schools[import->n++] = (struct cs_school_new){
            .clever_id = cs_memory_text(id),
            .name = cs_memory_text(name),
            .district_clever_id = reading->district->clever_id,
        };
    }
    json_decref(stolen);
    return CS_OK;
}

static enum cs_rc read_page(struct reading *reading, const char *cursor,
                            struct cs_page *page, struct cs_error *error)
{
    static const struct cs_entity school = {
        .name = "school", .collection = "schools", .table = "Schools"};
    const struct cs_settings *settings = reading->app->settings;
    long attempts =
        cs_settings_number(settings, "retry", "clever_api_max_attempts");
    double base =
        cs_settings_decimal(settings, "retry", "clever_api_backoff_base");
    size_t n = reading->import->n, unusable = reading->import->unusable;

    for (unsigned try = 0;; try++) {
        enum cs_rc rc;

        cs_page_clear(page);
        cs_page_init(page, (size_t)cs_settings_number(settings, "sync",
                                                      "page_size"));
        page->take = take;
        page->arg = reading;
        rc = cs_source_fetch(reading->source, &school, cursor, page, error);
        if (rc == CS_OK)
            return rc;
        forget(reading->import, n, unusable);
        /* The HTTP client has repeated what it could; here are only those
         * that broke off in the middle of their records. */
        if (rc != CS_E_RETRY || page->emitted == 0 || try >= attempts ||
            !cs_cancel_wait(reading->app->cancel, cs_http_backoff(base, try)))
            return rc;
    }
}

static enum cs_rc read_all(struct reading *reading, struct cs_error *error)
{
    struct cs_page page;
    char *cursor = NULL;
    enum cs_rc rc = CS_OK;
    bool more = true;

    cs_page_init(&page, 1);
    for (size_t pages = 0; more && rc == CS_OK; pages++) {
        rc = read_page(reading, cursor, &page, error);
        if (rc != CS_OK)
            break;
        more = page.end == CS_PAGE_NEXT;
        if (page.end == CS_PAGE_CUT)
            rc = cs_error_set(error, CS_E_FATAL,
                              "the list of schools was cut short");
        else if (more && (page.cursor == NULL || pages >= MOST_PAGES ||
                          reading->import->n > MOST_SCHOOLS ||
                          (cursor != NULL &&
                           strcmp(cursor, page.cursor) == 0)))
            rc = cs_error_set(error, CS_E_FATAL,
                              "the list of schools does not come to an end");
        free(cursor);
        cursor = cs_memory_text(page.cursor);
    }
    free(cursor);
    cs_page_clear(&page);
    return rc;
}

enum cs_rc cs_import_read(struct cs_import *import, struct cs_app *app,
                          const struct cs_district *district,
                          struct cs_error *error)
{
    static const char *const reads[] = {"id", "name", NULL};
    struct reading reading = {
        .import = import, .app = app, .district = district};
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
    rc = cs_instance_open(&reading.source, app, &request, error);
    if (rc != CS_OK)
        return rc;
    rc = read_all(&reading, error);
    cs_instance_close(reading.source);
    return rc;
}
