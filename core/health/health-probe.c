/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

#include "config.h"

#include "health/health-probe.h"

#include "app.h"
#include "plugin/source.h"

#include <string.h>

void cs_health_probe_init(struct cs_health_probe *probe,
                          const struct cs_health_target *target)
{
    *probe = (struct cs_health_probe){.target = *target};
}

/* ---- The instance -------------------------------------------------------- */

static void close_instance(struct cs_health_probe *probe)
{
    struct cs_instance *instance = probe->instance;

    probe->instance = NULL;
    cs_instance_close(instance);
}

static void put_away(struct cs_health_probe *probe,
                     struct cs_generations *generations)
{
    close_instance(probe);
    if (probe->app != NULL)
        cs_generations_return(generations, probe->app);
    probe->app = NULL;
}

void cs_health_probe_clear(struct cs_health_probe *probe,
                           struct cs_generations *generations)
{
    put_away(probe, generations);
}

/* An older configuration is let go of. */
static void renew_app(struct cs_health_probe *probe,
                      struct cs_generations *generations)
{
    struct cs_app *app = cs_generations_borrow(generations);

    if (app == probe->app) {
        cs_generations_return(generations, app);
        return;
    }
    put_away(probe, generations);
    probe->app = app;
}

static const struct cs_part *part_of(const struct cs_wiring *wiring,
                                     const char *section)
{
    for (size_t i = 0; i < wiring->nparts; i++)
        if (strcmp(wiring->parts[i]->section, section) == 0)
            return wiring->parts[i];
    return NULL;
}

/* Where a store stands in the chain. */
static size_t place_of(const struct cs_wiring *wiring,
                       const struct cs_part *store)
{
    size_t i = 0;

    while (i < wiring->ncredentials && wiring->credentials[i] != store)
        i++;
    return i;
}

static enum cs_rc open_instance(struct cs_health_probe *probe,
                                struct cs_cancel *cancel,
                                struct cs_error *error)
{
    const struct cs_wiring *wiring = &probe->app->wiring;
    const struct cs_health_target *target = &probe->target;
    const struct cs_part *part = part_of(wiring, target->section);
    const struct cs_instance_request request = {
        .part = part,
        .whom = {.district_id = target->district,
                 .district_prefix = target->prefix},
        .cancel = cancel,
        .stores = place_of(wiring, part),
        .once = true, /* it is looked at again soon */
        .quiet = true,
    };
    struct cs_instance *instance;
    enum cs_rc rc;

    if (part == NULL)
        return cs_error_set(error, CS_E_CONFIG,
                            "%s is not in the configuration any more",
                            target->section);
    rc = cs_instance_open(&instance, probe->app, &request, error);
    if (rc != CS_OK)
        return rc;
    probe->instance = instance;
    return CS_OK;
}

/* ---- What to ask --------------------------------------------------------- */

/* The tables, too: who needs to know which districts there are. */
static enum cs_rc look_at_session(struct cs_health_probe *probe,
                                  struct cs_health_finding *finding)
{
    enum cs_rc rc = cs_instance_check(probe->instance, &finding->error);

    if (rc != CS_OK)
        return rc;
    return cs_registry_read(&finding->registry, probe->instance,
                            &finding->error);
}

/* One that cannot be looked at is what those say who asked it for secrets. */
static enum cs_rc look_at_store(struct cs_health_probe *probe,
                                struct cs_error *error)
{
    const struct cs_instance *store = probe->instance;
    size_t place = place_of(&probe->app->wiring, store->request.part);

    if (store->module->ops.life.check != NULL)
        return cs_instance_check(probe->instance, error);
    if (!cs_secrets_away(probe->app->secrets, place))
        return CS_OK;
    return cs_error_set(error, CS_E_RETRY, "%s: it gives no secrets for now",
                        store->request.part->section);
}

/* Where the feed ends is all that is asked of it. */
static enum cs_rc look_at_feed(struct cs_health_probe *probe,
                               struct cs_error *error)
{
    struct cs_page page;
    enum cs_rc rc;

    cs_page_init(&page, 1);
    rc = cs_source_mark(probe->instance, &page, error);
    cs_page_clear(&page);
    return rc;
}

static enum cs_rc ask(struct cs_health_probe *probe,
                      struct cs_health_finding *finding)
{
    switch (probe->target.kind) {
    case CS_HEALTH_SESSION:
        return look_at_session(probe, finding);
    case CS_HEALTH_STORE:
        return look_at_store(probe, &finding->error);
    case CS_HEALTH_FEED:
        return look_at_feed(probe, &finding->error);
    case CS_HEALTH_CLEVER: /* also whether the token is the district's own */
        break;
    }
    return cs_instance_check(probe->instance, &finding->error);
}

/* ---- A look -------------------------------------------------------------- */

static void try(struct cs_health_probe *probe, struct cs_cancel *cancel,
                struct cs_health_finding *finding)
{
    int64_t start = cs_clock_steady();

    cs_registry_clear(&finding->registry);
    finding->rc = CS_OK;
    if (probe->instance == NULL)
        finding->rc = open_instance(probe, cancel, &finding->error);
    if (finding->rc == CS_OK) {
        probe->instance->request.cancel = cancel;
        finding->rc = ask(probe, finding);
        probe->instance->request.cancel = NULL;
    }
    finding->latency = cs_clock_steady() - start;
    finding->late = cs_cancel_late(cancel);
}

/* A connection that was kept may have been lost long ago, and says nothing of
 * today; making a new one takes its time. */
static bool is_no_measure(const struct cs_health_probe *probe, bool kept,
                          int64_t slow, const struct cs_health_finding *finding)
{
    if (finding->late)
        return false;
    if (kept)
        return finding->rc == CS_E_RETRY &&
               probe->target.kind == CS_HEALTH_SESSION;
    return finding->rc == CS_OK && finding->latency > slow;
}

void cs_health_probe_look(struct cs_health_probe *probe,
                          struct cs_generations *generations,
                          struct cs_cancel *cancel, int64_t slow,
                          struct cs_health_finding *finding)
{
    bool kept;

    *finding = (struct cs_health_finding){.rc = CS_OK};
    renew_app(probe, generations);
    kept = probe->instance != NULL;
    try(probe, cancel, finding);
    if (is_no_measure(probe, kept, slow, finding)) {
        if (kept)
            close_instance(probe);
        try(probe, cancel, finding);
    }
    /* What it was refused holds up neither a run nor the next look. */
    if (finding->rc == CS_E_AUTH)
        cs_secrets_ask_anew(probe->app->secrets, probe->target.district);
    if (finding->rc != CS_OK || finding->late)
        put_away(probe, generations);
}
