/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

#include "config.h"

#include "database/visit.h"

#include "database/migrate.h"
#include "sync/write.h"

static enum cs_rc visit_sink(const struct cs_visit *template,
                             const struct cs_part *part, cs_visit_fn *each,
                             void *arg, struct cs_error *error)
{
    struct cs_visit visit = *template;
    const struct cs_school *school = visit.school;
    const struct cs_instance_request request = {
        .part = part,
        .whom = {.run = visit.run,
                 .district_id = school->district->clever_id,
                 .district_prefix = school->district->prefix,
                 .school_id = school->clever_id,
                 .school_prefix = school->prefix,
                 .school_secret = school->secret_name},
        .cancel = visit.app->cancel,
        .stores = visit.app->wiring.ncredentials,
    };
    enum cs_rc rc = cs_instance_open(&visit.sink, visit.app, &request, error);

    if (rc != CS_OK)
        return rc;
    visit.part = part;
    rc = cs_migrate_check(&cs_versions_school, 1, visit.sink, error);
    if (rc == CS_OK)
        rc = each(arg, &visit, error);
    cs_instance_close(visit.sink);
    return rc;
}

enum cs_rc cs_visit_sinks(const struct cs_visit *visit, cs_visit_fn *each,
                          void *arg, struct cs_error *error)
{
    const struct cs_wiring *wiring = &visit->app->wiring;
    enum cs_rc rc = CS_OK;

    for (size_t i = 0; i < wiring->npipelines && rc == CS_OK; i++) {
        size_t first = 0;

        while (wiring->pipelines[first].sink != wiring->pipelines[i].sink)
            first++;
        if (first == i)
            rc = visit_sink(visit, wiring->pipelines[i].sink, each, arg, error);
    }
    return rc;
}

static enum cs_rc transaction(const struct cs_visit *visit, cs_sink_fn *work,
                              void *arg, struct cs_error *error)
{
    enum cs_rc rc = cs_sink_begin(visit->sink, error);

    if (rc != CS_OK)
        return rc;
    rc = work(arg, visit->sink, error);
    if (rc == CS_OK)
        rc = cs_session_holds(visit->session, visit->school, error);
    if (rc == CS_OK)
        rc = cs_sink_commit(visit->sink, error);
    if (rc != CS_OK)
        cs_sink_rollback(visit->sink);
    return rc;
}

static enum cs_rc once(const struct cs_visit *visit, cs_sink_fn *work,
                       void *arg, struct cs_error *error)
{
    enum cs_rc rc =
        cs_sink_lock(visit->sink, CS_WRITE_LOCK,
                     cs_cancel_remaining_ms(visit->app->cancel), error);

    if (rc != CS_OK)
        return rc;
    rc = transaction(visit, work, arg, error);
    cs_sink_unlock(visit->sink, CS_WRITE_LOCK);
    return rc;
}

enum cs_rc cs_visit_change(const struct cs_visit *visit, cs_sink_fn *work,
                           void *arg, struct cs_error *error)
{
    enum cs_rc rc = once(visit, work, arg, error);

    for (unsigned n = 0; rc == CS_E_RETRY; n++) {
        if (!cs_sink_again(visit->part, visit->app->settings,
                           visit->app->cancel, n))
            break;
        rc = once(visit, work, arg, error);
    }
    return rc;
}
