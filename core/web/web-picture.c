/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

#include "config.h"

#include "web/web-picture.h"

#include "database/history.h"
#include "database/hold.h"
#include "base/json.h"
#include "base/memory.h"
#include "database/reject.h"
#include "database/session.h"

#include <stdlib.h>
#include <string.h>

/* Among the newest rows of the history so many a school are mostly the last
 * ones of its entities; a school without any is asked for by itself. */
enum { ROWS = 10, LEAST = 200, LOOK_BACK = 100 };

struct taking {
    struct cs_session *session;
    struct cs_registry registry;
    struct cs_web_picture *picture;
};

void cs_web_picture_free(struct cs_web_picture *picture)
{
    if (picture == NULL)
        return;
    json_decref(picture->districts);
    json_decref(picture->schools);
    json_decref(picture->holds);
    json_decref(picture->rejects);
    free(picture);
}

/* ---- Districts and schools ---------------------------------------------- */

static void add_registry(struct taking *taking)
{
    const struct cs_registry *registry = &taking->registry;

    for (size_t i = 0; i < registry->ndistricts; i++) {
        const struct cs_district *district = &registry->districts[i];

        json_array_append_new(
            taking->picture->districts,
            json_pack("{ss ss ss}", "district_id", district->clever_id, "name",
                      district->name, "prefix", district->prefix));
    }
    for (size_t i = 0; i < registry->nschools; i++) {
        const struct cs_school *school = &registry->schools[i];

        json_array_append_new(
            taking->picture->schools,
            json_pack("{ss ss ss ss sb sb si si s[]}", "school_id",
                      school->clever_id, "district_id",
                      school->district->clever_id, "name", school->name,
                      "prefix", school->prefix, "active", school->active,
                      "requires_full", school->requires_full, "holds", 0,
                      "rejects", 0, "entities"));
    }
}

/* By our own identity; the schools have the registry's order.  NULL: it is no
 * longer there. */
static json_t *find_school(const struct taking *taking, int64_t id)
{
    const struct cs_school *school =
        cs_registry_school_at(&taking->registry, id);

    return school != NULL
               ? json_array_get(taking->picture->schools,
                                (size_t)(school - taking->registry.schools))
               : NULL;
}

static void count(json_t *school, const char *member)
{
    json_t *number = json_object_get(school, member);

    json_integer_set(number, json_integer_value(number) + 1);
}

/* ---- Their last syncs --------------------------------------------------- */

static bool has_entity(const json_t *entities, const char *name)
{
    const json_t *entity;
    size_t i;

    json_array_foreach(entities, i, entity)
    {
        if (strcmp(json_string_value(json_object_get(entity, "entity")),
                   name) == 0)
            return true;
    }
    return false;
}

static bool is_entity(const char *name)
{
    return name != NULL && strcmp(name, CS_HISTORY_BASELINE) != 0 &&
           strcmp(name, CS_HISTORY_EVENT) != 0;
}

/* Rows come newest first, so the first of an entity is its last sync. */
static enum cs_rc add_sync(void *arg, const struct cs_history *row)
{
    json_t *entities =
        json_object_get(find_school(arg, row->school), "entities");

    if (entities == NULL || !is_entity(row->entity) ||
        has_entity(entities, row->entity))
        return CS_OK;
    json_array_append_new(
        entities,
        json_pack("{ss ss? ss? so so sI sI sI sI sI ss? ss?}", "entity",
                  row->entity, "status", row->status, "type", row->type,
                  "start", cs_json_time(row->start), "end",
                  cs_json_time(row->end), "read", (json_int_t)row->processed,
                  "inserted", (json_int_t)row->inserted, "changed",
                  (json_int_t)(row->updated - row->inserted), "deleted",
                  (json_int_t)row->deleted, "failed", (json_int_t)row->failed,
                  "run_id", row->run, "message", row->message));
    return CS_OK;
}

static enum cs_rc add_syncs(struct taking *taking, struct cs_error *error)
{
    const struct cs_registry *registry = &taking->registry;
    size_t most = LEAST + ROWS * registry->nschools;
    enum cs_rc rc =
        cs_history_each(taking->session, 0, most, add_sync, taking, error);

    for (size_t i = 0; i < registry->nschools && rc == CS_OK; i++) {
        const json_t *school = json_array_get(taking->picture->schools, i);

        if (json_array_size(json_object_get(school, "entities")) == 0)
            rc = cs_history_each(taking->session, registry->schools[i].id,
                                 LOOK_BACK, add_sync, taking, error);
    }
    return rc;
}

/* ---- What waits for a person -------------------------------------------- */

static void add_hold(struct taking *taking, const struct cs_hold *hold)
{
    json_t *school = find_school(taking, hold->school);

    if (school == NULL || !cs_hold_open(hold))
        return;
    count(school, "holds");
    json_array_append_new(
        taking->picture->holds,
        json_pack("{ss sO sO ss ss sI sI so so so ss?}", "hold", hold->name,
                  "school_id", json_object_get(school, "school_id"), "name",
                  json_object_get(school, "name"), "entity", hold->entity,
                  "kind", cs_hold_word(hold->kind), "held",
                  (json_int_t)hold->rows, "total", (json_int_t)hold->total,
                  "since", cs_json_time(hold->created), "expires",
                  cs_json_time(hold->expires), "approved",
                  cs_json_time(hold->approved), "approved_by", hold->by));
}

static enum cs_rc add_holds(struct taking *taking, struct cs_error *error)
{
    struct cs_holds holds;
    enum cs_rc rc = cs_hold_load(taking->session, 0, &holds, error);

    for (size_t i = 0; i < holds.n; i++)
        add_hold(taking, &holds.hold[i]);
    cs_hold_clear(&holds);
    return rc;
}

static enum cs_rc add_reject(void *arg, const struct cs_reject *reject)
{
    struct taking *taking = arg;
    struct cs_web_picture *picture = taking->picture;
    json_t *school = find_school(taking, reject->school);

    if (school == NULL)
        return CS_OK;
    count(school, "rejects");
    if (picture->nrejects++ >= CS_WEB_PICTURE_REJECTS)
        return CS_OK;
    json_array_append_new(
        picture->rejects,
        json_pack("{sO sO ss? ss? ss? so so ss?}", "school_id",
                  json_object_get(school, "school_id"), "name",
                  json_object_get(school, "name"), "entity", reject->entity,
                  "clever_id", reject->clever_id, "reason", reject->reason,
                  "first_seen", cs_json_time(reject->first_seen), "last_seen",
                  cs_json_time(reject->last_seen), "run_id", reject->run));
    return CS_OK;
}

/* ---- The picture -------------------------------------------------------- */

static enum cs_rc take(struct taking *taking, struct cs_error *error)
{
    enum cs_rc rc = cs_registry_load(taking->session, &taking->registry, error);

    if (rc != CS_OK)
        return rc;
    add_registry(taking);
    rc = add_syncs(taking, error);
    if (rc == CS_OK)
        rc = add_holds(taking, error);
    if (rc == CS_OK)
        rc = cs_reject_each(taking->session, 0, add_reject, taking, error);
    return rc;
}

enum cs_rc cs_web_picture_take(struct cs_session *session,
                               struct cs_web_picture **picture,
                               struct cs_error *error)
{
    struct cs_web_picture *new = cs_memory_new(sizeof(*new));
    struct taking taking = {.session = session, .picture = new};
    enum cs_rc rc;

    *new = (struct cs_web_picture){
        .districts = json_array(),
        .schools = json_array(),
        .holds = json_array(),
        .rejects = json_array(),
        .time = cs_clock_now(),
        .steady = cs_clock_steady(),
        .uses = 1,
    };
    rc = take(&taking, error);
    cs_registry_clear(&taking.registry);
    if (rc == CS_OK)
        *picture = new;
    else
        cs_web_picture_free(new);
    return rc;
}
