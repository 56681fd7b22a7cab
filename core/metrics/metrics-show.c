/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* Everything that is told, family by family. */

#include "config.h"

#include "metrics/counters.h"
#include "metrics/metrics-inside.h"

#include <stdlib.h>

#define FAMILY(variable, ...) \
    static const struct cs_metrics_family variable = {__VA_ARGS__}
#define LABELS(...) \
    ((const struct cs_metrics_label[]){__VA_ARGS__, {NULL, NULL}})

/* ---- Schools ------------------------------------------------------------- */

static void put_results(struct cs_metrics_text *text,
                        const struct cs_metrics *metrics)
{
    FAMILY(family, "cleversync_syncs", CS_METRICS_COUNTER,
           "Syncs of an entity of a school, by their result.");

    cs_metrics_text_family(text, &family);
    for (size_t i = 0; i < metrics->nentities; i++) {
        const struct cs_metrics_entity *entity = &metrics->entities[i];

        for (size_t k = 0; k < CS_METRICS_RESULTS; k++)
            cs_metrics_text_sample(text,
                                   LABELS({"district", entity->district},
                                          {"school", entity->school},
                                          {"entity", entity->entity},
                                          {"result", cs_metrics_results[k]}),
                                   (double)entity->results[k]);
    }
}

static void put_outcomes(struct cs_metrics_text *text,
                         const struct cs_metrics *metrics)
{
    FAMILY(family, "cleversync_records", CS_METRICS_COUNTER,
           "Records, by what became of them.");

    cs_metrics_text_family(text, &family);
    for (size_t i = 0; i < metrics->nentities; i++) {
        const struct cs_metrics_entity *entity = &metrics->entities[i];

        for (size_t k = 0; k < CS_METRICS_OUTCOMES; k++)
            cs_metrics_text_sample(text,
                                   LABELS({"district", entity->district},
                                          {"school", entity->school},
                                          {"entity", entity->entity},
                                          {"outcome", cs_metrics_outcomes[k]}),
                                   (double)entity->outcomes[k]);
    }
}

static void put_last_success(struct cs_metrics_text *text,
                             const struct cs_metrics *metrics)
{
    FAMILY(family, "cleversync_last_success_timestamp_seconds",
           CS_METRICS_GAUGE,
           "When the last sync ended that succeeded wholly; 0: never.");

    cs_metrics_text_family(text, &family);
    for (size_t i = 0; i < metrics->nentities; i++) {
        const struct cs_metrics_entity *entity = &metrics->entities[i];

        if (entity->active)
            cs_metrics_text_sample(text,
                                   LABELS({"district", entity->district},
                                          {"school", entity->school},
                                          {"entity", entity->entity}),
                                   (double)entity->last / CS_SECOND);
    }
}

static void put_school_results(struct cs_metrics_text *text,
                               const struct cs_metrics *metrics)
{
    FAMILY(family, "cleversync_school_syncs", CS_METRICS_COUNTER,
           "Syncs of a school, by their result.");

    cs_metrics_text_family(text, &family);
    for (size_t i = 0; i < metrics->nschools; i++) {
        const struct cs_metrics_school *school = &metrics->schools[i];

        for (size_t k = 0; k < CS_METRICS_RESULTS; k++)
            cs_metrics_text_sample(text,
                                   LABELS({"district", school->district},
                                          {"school", school->school},
                                          {"result", cs_metrics_results[k]}),
                                   (double)school->results[k]);
    }
}

static void put_durations(struct cs_metrics_text *text,
                          const struct cs_metrics *metrics)
{
    FAMILY(all, "cleversync_school_sync_duration_seconds", CS_METRICS_SUMMARY,
           "How long syncs of a school took.");
    FAMILY(last, "cleversync_school_last_sync_duration_seconds",
           CS_METRICS_GAUGE, "How long the last sync of a school took.");

    cs_metrics_text_family(text, &all);
    for (size_t i = 0; i < metrics->nschools; i++) {
        const struct cs_metrics_school *school = &metrics->schools[i];

        cs_metrics_text_summary(
            text,
            LABELS({"district", school->district}, {"school", school->school}),
            school->seconds, (double)school->timed);
    }
    cs_metrics_text_family(text, &last);
    for (size_t i = 0; i < metrics->nschools; i++) {
        const struct cs_metrics_school *school = &metrics->schools[i];

        if (school->timed > 0)
            cs_metrics_text_sample(text,
                                   LABELS({"district", school->district},
                                          {"school", school->school}),
                                   school->last);
    }
}

/* ---- What other rooms count ---------------------------------------------- */

static const struct counted {
    enum cs_counter counter;
    struct cs_metrics_family family;
    const char *who, *how; /* names of labels; how may be NULL */
} counted[] = {
    {CS_COUNTER_RUNS,
     {"cleversync_runs", CS_METRICS_COUNTER, "Runs, by their result."},
     "result",
     NULL},
    {CS_COUNTER_REQUESTS,
     {"cleversync_http_requests", CS_METRICS_COUNTER,
      "Requests sent, by the status of the answer."},
     "section",
     "status"},
    {CS_COUNTER_REPEATS,
     {"cleversync_http_repeats", CS_METRICS_COUNTER,
      "Requests that failed and were repeated."},
     "section",
     NULL},
    {CS_COUNTER_WAITS,
     {"cleversync_http_limit_waits", CS_METRICS_COUNTER,
      "Waits for a limit of requests."},
     "section",
     NULL},
    {CS_COUNTER_WAITED,
     {"cleversync_http_limit_wait_seconds", CS_METRICS_COUNTER,
      "Time spent waiting for a limit of requests."},
     "section",
     NULL},
    {CS_COUNTER_SECRETS,
     {"cleversync_secret_reads", CS_METRICS_COUNTER,
      "Secrets asked of a store, by what it answered."},
     "store",
     "outcome"},
    {CS_COUNTER_DATABASE,
     {"cleversync_database_repeats", CS_METRICS_COUNTER,
      "Work on a database that failed and was repeated."},
     "section",
     NULL},
};

struct counting {
    struct cs_metrics_text *text;
    const struct counted *counted;
};

static void put_count(void *arg, const char *who, const char *how, double n)
{
    const struct counting *counting = arg;

    cs_metrics_text_sample(
        counting->text,
        LABELS({counting->counted->who, who}, {counting->counted->how, how}),
        n);
}

static void put_counted(struct cs_metrics_text *text)
{
    for (size_t i = 0; i < sizeof(counted) / sizeof(counted[0]); i++) {
        struct counting counting = {text, &counted[i]};

        cs_metrics_text_family(text, &counted[i].family);
        cs_counters_each(counted[i].counter, put_count, &counting);
    }
}

/* ---- The process --------------------------------------------------------- */

#define TEXT_(number) #number
#define TEXT(number) TEXT_(number)

static void put_build(struct cs_metrics_text *text)
{
    FAMILY(family, "cleversync_build_info", CS_METRICS_GAUGE,
           "Always 1; the labels say what this is.");

    cs_metrics_text_family(text, &family);
    cs_metrics_text_sample(
        text,
        LABELS({"version", PACKAGE_VERSION},
               {"plugin_abi", TEXT(CS_ABI_MAJOR) "." TEXT(CS_ABI_MINOR)}),
        1);
}

static void put_runs(struct cs_metrics_text *text,
                     const struct cs_metrics *metrics)
{
    FAMILY(duration, "cleversync_run_duration_seconds", CS_METRICS_SUMMARY,
           "How long runs took.");

    cs_metrics_text_family(text, &duration);
    cs_metrics_text_summary(text, NULL, metrics->run_seconds,
                            (double)metrics->runs);
}

static void put_active(struct cs_metrics_text *text, struct cs_runs *runs)
{
    FAMILY(active, "cleversync_runs_active", CS_METRICS_GAUGE,
           "Runs that are on.");

    cs_metrics_text_one(text, &active, (double)cs_runs_active(runs));
}

static void put_schedule(struct cs_metrics_text *text,
                         const struct cs_schedule_state *schedule)
{
    FAMILY(next, "cleversync_schedule_next_timestamp_seconds", CS_METRICS_GAUGE,
           "When the next run is due.");
    FAMILY(skipped, "cleversync_schedule_skipped_ticks", CS_METRICS_COUNTER,
           "Times of the schedule at which no run began.");
    FAMILY(caught_up, "cleversync_schedule_caught_up_ticks", CS_METRICS_COUNTER,
           "Runs of the schedule that began later than they were due.");

    if (schedule->next != 0)
        cs_metrics_text_one(text, &next, (double)schedule->next / CS_SECOND);
    cs_metrics_text_one(text, &skipped, (double)schedule->skipped);
    cs_metrics_text_one(text, &caught_up, (double)schedule->caught_up);
}

/* ---- Notifiers ----------------------------------------------------------- */

static void put_notifiers(struct cs_metrics_text *text,
                          struct cs_notify *notify)
{
    FAMILY(events, "cleversync_notifier_events", CS_METRICS_COUNTER,
           "Events for a notifier, by what became of them.");
    FAMILY(waiting, "cleversync_notifier_waiting_events", CS_METRICS_GAUGE,
           "Events that are not delivered yet.");
    struct cs_notify_state state;

    cs_metrics_text_family(text, &events);
    for (size_t i = 0; cs_notify_state(notify, i, &state); i++) {
        cs_metrics_text_sample(
            text, LABELS({"notifier", state.section}, {"outcome", "sent"}),
            (double)state.sent);
        cs_metrics_text_sample(
            text, LABELS({"notifier", state.section}, {"outcome", "lost"}),
            (double)state.lost);
    }
    cs_metrics_text_family(text, &waiting);
    for (size_t i = 0; cs_notify_state(notify, i, &state); i++)
        cs_metrics_text_sample(text, LABELS({"notifier", state.section}),
                               (double)state.waiting);
}

/* ---- Health -------------------------------------------------------------- */

static void put_state(void *arg, const struct cs_health_dependency *dependency)
{
    for (int state = CS_HEALTH_HEALTHY; state <= CS_HEALTH_UNHEALTHY; state++)
        cs_metrics_text_sample(
            arg,
            LABELS({"dependency", dependency->name}, {"kind", dependency->kind},
                   {"district", dependency->district},
                   {"state", cs_health_word((enum cs_health_state)state)}),
            dependency->state == (enum cs_health_state)state);
}

static void put_latency(void *arg,
                        const struct cs_health_dependency *dependency)
{
    if (dependency->latency >= 0)
        cs_metrics_text_sample(arg,
                               LABELS({"dependency", dependency->name},
                                      {"kind", dependency->kind},
                                      {"district", dependency->district}),
                               dependency->latency);
}

static void put_health(struct cs_metrics_text *text, struct cs_health *health)
{
    FAMILY(state, "cleversync_dependency_state", CS_METRICS_GAUGE,
           "1 for the state that a dependency is in, else 0.");
    FAMILY(latency, "cleversync_dependency_latency_seconds", CS_METRICS_GAUGE,
           "How long a dependency took to answer the last time.");

    cs_metrics_text_family(text, &state);
    cs_health_each(health, put_state, text);
    cs_metrics_text_family(text, &latency);
    cs_health_each(health, put_latency, text);
}

/* ---- All ----------------------------------------------------------------- */

static void put_own(struct cs_metrics_text *text, struct cs_metrics *metrics)
{
    pthread_mutex_lock(&metrics->mutex);
    put_last_success(text, metrics);
    put_results(text, metrics);
    put_outcomes(text, metrics);
    put_school_results(text, metrics);
    put_durations(text, metrics);
    put_runs(text, metrics);
    pthread_mutex_unlock(&metrics->mutex);
}

char *cs_metrics_text(struct cs_metrics *metrics,
                      const struct cs_metrics_rooms *rooms,
                      enum cs_metrics_format format)
{
    char *bytes = NULL;
    size_t size;
    struct cs_metrics_text text = {.out = open_memstream(&bytes, &size),
                                   .format = format};

    if (text.out == NULL)
        abort(); /* as all of cs_memory does */
    put_build(&text);
    put_own(&text, metrics);
    put_counted(&text);
    if (rooms->runs != NULL)
        put_active(&text, rooms->runs);
    if (rooms->schedule != NULL)
        put_schedule(&text, rooms->schedule);
    if (rooms->notify != NULL)
        put_notifiers(&text, rooms->notify);
    if (rooms->health != NULL)
        put_health(&text, rooms->health);
    cs_metrics_process(&text);
    cs_metrics_text_end(&text);
    if (fclose(text.out) != 0)
        abort();
    return bytes;
}
