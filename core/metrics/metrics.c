/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* What is remembered of schools and runs. */

#include "config.h"

#include "metrics/metrics.h"

#include "metrics/counters.h"
#include "database/history.h"
#include "base/memory.h"
#include "metrics/metrics-inside.h"
#include "database/schema.h"

#include <stdlib.h>
#include <string.h>

/* So many of the newest rows of history hold the last success of nearly every
 * school; for the others all of theirs are read, once. */
#define ROWS_A_SCHOOL 20

enum { SUCCESS, PARTIAL, FAILED };
const char *const cs_metrics_results[CS_METRICS_RESULTS] = {
    [SUCCESS] = "success", [PARTIAL] = "partial", [FAILED] = "failed"};
const char *const cs_metrics_outcomes[CS_METRICS_OUTCOMES] = {
    "read",        "inserted", "updated",  "restored",
    "deactivated", "deleted",  "rejected", "held"};

struct cs_metrics *cs_metrics_new(void)
{
    struct cs_metrics *metrics = cs_memory_new(sizeof(*metrics));

    pthread_mutex_init(&metrics->mutex, NULL);
    return metrics;
}

void cs_metrics_free(struct cs_metrics *metrics)
{
    if (metrics == NULL)
        return;
    for (size_t i = 0; i < metrics->nschools; i++) {
        free(metrics->schools[i].district);
        free(metrics->schools[i].school);
    }
    for (size_t i = 0; i < metrics->nentities; i++) {
        free(metrics->entities[i].district);
        free(metrics->entities[i].school);
        free(metrics->entities[i].entity);
    }
    free(metrics->schools);
    free(metrics->entities);
    pthread_mutex_destroy(&metrics->mutex);
    free(metrics);
}

/* ---- Schools and entities: with the mutex locked ------------------------- */

static bool is_school(const char *district, const char *clever_id,
                      const struct cs_school *school)
{
    return strcmp(clever_id, school->clever_id) == 0 &&
           strcmp(district, school->district->clever_id) == 0;
}

static struct cs_metrics_school *school_of(struct cs_metrics *metrics,
                                           const struct cs_school *school)
{
    struct cs_metrics_school *new;

    for (size_t i = 0; i < metrics->nschools; i++)
        if (is_school(metrics->schools[i].district, metrics->schools[i].school,
                      school))
            return &metrics->schools[i];
    metrics->schools = cs_memory_grow(metrics->schools, metrics->nschools + 1,
                                      sizeof(*metrics->schools));
    new = &metrics->schools[metrics->nschools++];
    *new = (struct cs_metrics_school){
        .district = cs_memory_text(school->district->clever_id),
        .school = cs_memory_text(school->clever_id)};
    return new;
}

static struct cs_metrics_entity *find_entity(struct cs_metrics *metrics,
                                             const struct cs_school *school,
                                             const char *label)
{
    for (size_t i = 0; i < metrics->nentities; i++) {
        struct cs_metrics_entity *entity = &metrics->entities[i];

        if (strcmp(entity->entity, label) == 0 &&
            is_school(entity->district, entity->school, school))
            return entity;
    }
    return NULL;
}

static struct cs_metrics_entity *entity_of(struct cs_metrics *metrics,
                                           const struct cs_school *school,
                                           const char *label)
{
    struct cs_metrics_entity *entity = find_entity(metrics, school, label);

    if (entity != NULL)
        return entity;
    metrics->entities = cs_memory_grow(
        metrics->entities, metrics->nentities + 1, sizeof(*metrics->entities));
    entity = &metrics->entities[metrics->nentities++];
    *entity = (struct cs_metrics_entity){
        .district = cs_memory_text(school->district->clever_id),
        .school = cs_memory_text(school->clever_id),
        .entity = cs_memory_text(label),
        .active = true};
    return entity;
}

/* ---- What the history knows ---------------------------------------------- */

struct learning {
    struct cs_metrics *metrics;
    struct cs_registry registry;
};

static enum cs_rc learn_row(void *arg, const struct cs_history *row)
{
    struct learning *learning = arg;
    const struct cs_school *school =
        cs_registry_school_at(&learning->registry, row->school);
    struct cs_metrics_entity *entity = NULL;

    if (school == NULL || strcmp(row->status, CS_HISTORY_SUCCESS) != 0)
        return CS_OK;
    pthread_mutex_lock(&learning->metrics->mutex);
    entity = find_entity(learning->metrics, school, row->entity);
    if (entity != NULL && row->end > entity->last)
        entity->last = row->end;
    pthread_mutex_unlock(&learning->metrics->mutex);
    return CS_OK;
}

static void expect_school(struct cs_metrics *metrics,
                          const struct cs_wiring *wiring,
                          const struct cs_school *school)
{
    school_of(metrics, school);
    for (size_t i = 0; i < wiring->npipelines; i++) {
        const struct cs_part *mapper = wiring->pipelines[i].mapper;
        char *label = cs_schema_label(mapper->module->ops.mapper.entity->name);

        entity_of(metrics, school, label)->active = true;
        free(label);
    }
}

/* From now on there is a line for each of them, and for no other. */
static void expect(struct cs_metrics *metrics, const struct cs_wiring *wiring,
                   const struct cs_registry *registry)
{
    pthread_mutex_lock(&metrics->mutex);
    for (size_t i = 0; i < metrics->nentities; i++)
        metrics->entities[i].active = false;
    for (size_t i = 0; i < registry->nschools; i++)
        if (registry->schools[i].active)
            expect_school(metrics, wiring, &registry->schools[i]);
    pthread_mutex_unlock(&metrics->mutex);
}

/* Whether one of the school's entities has no last success and was not looked
 * for yet; from now on it was. */
static bool is_to_search(struct cs_metrics *metrics,
                         const struct cs_school *school)
{
    bool lacking = false;

    pthread_mutex_lock(&metrics->mutex);
    for (size_t i = 0; i < metrics->nentities; i++) {
        struct cs_metrics_entity *entity = &metrics->entities[i];

        if (!entity->active || entity->searched ||
            !is_school(entity->district, entity->school, school))
            continue;
        lacking = lacking || entity->last == 0;
        entity->searched = true;
    }
    pthread_mutex_unlock(&metrics->mutex);
    return lacking;
}

static enum cs_rc learn(struct learning *learning, struct cs_session *session,
                        struct cs_error *error)
{
    const struct cs_registry *registry = &learning->registry;
    enum cs_rc rc = CS_OK;

    if (registry->nschools > 0)
        rc = cs_history_each(session, 0, ROWS_A_SCHOOL * registry->nschools,
                             learn_row, learning, error);
    for (size_t i = 0; i < registry->nschools && rc == CS_OK; i++)
        if (is_to_search(learning->metrics, &registry->schools[i]))
            rc = cs_history_each(session, registry->schools[i].id, 0, learn_row,
                                 learning, error);
    return rc;
}

enum cs_rc cs_metrics_learn(struct cs_metrics *metrics,
                            struct cs_session *session,
                            const struct cs_wiring *wiring,
                            struct cs_error *error)
{
    struct learning learning = {.metrics = metrics};
    enum cs_rc rc = cs_registry_load(session, &learning.registry, error);

    if (rc != CS_OK)
        return rc;
    expect(metrics, wiring, &learning.registry);
    rc = learn(&learning, session, error);
    cs_registry_clear(&learning.registry);
    return rc;
}

/* ---- What runs do -------------------------------------------------------- */

void cs_metrics_ended(struct cs_metrics *metrics, const struct cs_run *run)
{
    if (run->dry)
        return;
    pthread_mutex_lock(&metrics->mutex);
    metrics->runs++;
    metrics->run_seconds += (double)run->took / CS_SECOND;
    pthread_mutex_unlock(&metrics->mutex);
    cs_counters_add(CS_COUNTER_RUNS, cs_error_word(run->status_code), NULL, 1);
}

void cs_metrics_no_run(struct cs_metrics *metrics, const struct cs_error *error)
{
    (void)metrics;
    cs_counters_add(CS_COUNTER_RUNS, cs_error_word(cs_error_exit(error)), NULL,
                    1);
}

static size_t result_of(int status_code)
{
    if (status_code == CS_EXIT_OK)
        return SUCCESS;
    return status_code == CS_EXIT_PARTIAL || status_code == CS_EXIT_HELD
               ? PARTIAL
               : FAILED;
}

static void add_outcomes(struct cs_metrics_entity *entity,
                         const struct cs_pass_result *result)
{
    /* In the order of cs_metrics_outcomes. */
    const size_t counts[CS_METRICS_OUTCOMES] = {
        result->read,     result->inserted,    result->updated,
        result->restored, result->deactivated, result->deleted,
        result->rejected, result->held};

    for (size_t i = 0; i < CS_METRICS_OUTCOMES; i++)
        entity->outcomes[i] += counts[i];
}

static void add_entity(struct cs_metrics *metrics,
                       const struct cs_school *school,
                       const struct cs_sync_entity *done)
{
    struct cs_metrics_entity *entity = entity_of(metrics, school, done->label);

    entity->results[result_of(done->status_code)]++;
    add_outcomes(entity, &done->result);
    if (done->status_code == CS_EXIT_OK)
        entity->last = cs_clock_now();
}

/* When another run had the school, or has synced it already, it has not been
 * synced by this one. */
void cs_metrics_school(struct cs_metrics *metrics, const struct cs_run *run,
                       const struct cs_sync_school *done)
{
    struct cs_metrics_school *school;

    if (run->dry || done->busy ||
        (done->nentities == 0 && done->status_code == CS_EXIT_OK))
        return;
    pthread_mutex_lock(&metrics->mutex);
    school = school_of(metrics, done->school);
    school->results[result_of(done->status_code)]++;
    school->last = (double)(done->ended - done->started) / CS_SECOND;
    school->seconds += school->last;
    school->timed++;
    for (size_t i = 0; i < done->nentities; i++)
        add_entity(metrics, done->school, &done->entities[i]);
    pthread_mutex_unlock(&metrics->mutex);
}
