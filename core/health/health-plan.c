/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* What the process depends on, by its configuration and by the districts that
 * have schools to sync. */

#include "config.h"

#include "app.h"
#include "health/health-inside.h"
#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

static bool same(const char *one, const char *other)
{
    return one == NULL || other == NULL ? one == other
                                        : strcmp(one, other) == 0;
}

static bool is_of(const struct cs_health_node *node,
                  const struct cs_health_target *target)
{
    return node->probe.target.kind == target->kind && !node->leaving &&
           same(node->section, target->section) &&
           same(node->district, target->district) &&
           same(node->prefix, target->prefix);
}

static struct cs_health_node *make(struct cs_health *health,
                                   const struct cs_health_target *target)
{
    struct cs_health_node *node = cs_memory_new(sizeof(*node));

    node->health = health;
    node->section = cs_memory_text(target->section);
    node->district = cs_memory_text(target->district);
    node->prefix = cs_memory_text(target->prefix);
    cs_health_probe_init(
        &node->probe, &(struct cs_health_target){target->kind, node->section,
                                                 node->district, node->prefix});
    node->found = (struct cs_health_verdict){CS_HEALTH_DEGRADED, "not known"};
    node->shown = node->found;
    node->since = cs_clock_now();
    return node;
}

void cs_health_plan_forget(struct cs_health_node *node)
{
    free(node->section);
    free(node->district);
    free(node->prefix);
    free(node->sentence);
    free(node);
}

static void want(struct cs_health *health,
                 const struct cs_health_target *target)
{
    struct cs_health_node **place = &health->nodes;

    while (*place != NULL && !is_of(*place, target))
        place = &(*place)->next;
    if (*place == NULL)
        *place = make(health, target);
    (*place)->wanted = true;
}

static bool has_schools(const struct cs_registry *registry,
                        const struct cs_district *district)
{
    for (size_t i = 0; i < registry->nschools; i++)
        if (registry->schools[i].district == district &&
            registry->schools[i].active)
            return true;
    return false;
}

static void want_source(struct cs_health *health, enum cs_health_kind kind,
                        const struct cs_part *part)
{
    const struct cs_registry *registry = &health->registry;

    for (size_t i = 0; part != NULL && i < registry->ndistricts; i++) {
        const struct cs_district *district = &registry->districts[i];

        if (has_schools(registry, district))
            want(health, &(struct cs_health_target){kind, part->section,
                                                    district->clever_id,
                                                    district->prefix});
    }
}

static void want_all(struct cs_health *health)
{
    const struct cs_wiring *wiring = &health->app->wiring;
    struct cs_health_target target = {.kind = CS_HEALTH_SESSION,
                                      .section = "session"};

    if (wiring->session != NULL)
        target.section = wiring->session->section;
    want(health, &target);
    target.kind = CS_HEALTH_STORE;
    for (size_t i = 0; i < wiring->ncredentials; i++) {
        target.section = wiring->credentials[i]->section;
        want(health, &target);
    }
    for (size_t i = 0; i < wiring->npipelines; i++)
        want_source(health, CS_HEALTH_CLEVER, wiring->pipelines[i].source);
    for (size_t i = 0; i < wiring->npipelines; i++)
        want_source(health, CS_HEALTH_FEED, wiring->pipelines[i].delta);
}

void cs_health_plan(struct cs_health *health)
{
    const struct cs_settings *settings = health->app->settings;

    health->dependencies =
        cs_settings_flag(settings, "health", "include_dependency_checks");
    health->period =
        cs_settings_number(settings, "health", "cache_duration_seconds") *
        CS_SECOND;
    health->slow =
        cs_settings_number(settings, "health", "timeout_milliseconds") *
        (CS_SECOND / 1000);
    for (struct cs_health_node *node = health->nodes; node != NULL;
         node = node->next)
        node->wanted = false;
    if (health->dependencies && !health->closing)
        want_all(health);
}
