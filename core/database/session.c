/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

#include "config.h"

#include "database/session.h"

#include "database/history.h"
#include "base/memory.h"
#include "database/migrate.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

struct cs_session {
    struct cs_app *app;
    struct cs_instance *sink;
    pthread_mutex_t mutex; /* held around each use of the sink */
};

/* ---- Opening ------------------------------------------------------------ */

enum cs_rc cs_session_connect(struct cs_session **session, struct cs_app *app,
                              struct cs_error *error)
{
    struct cs_instance_request request = {
        .part = app->wiring.session, .stores = app->wiring.ncredentials,
        /* No cancel: how a cancelled run ended is still to be written. */
    };
    struct cs_session *new;
    enum cs_rc rc;

    if (request.part == NULL)
        return cs_error_set(error, CS_E_CONFIG,
                            "there is no session database: name its sink "
                            "with \"sink = NAME\" in [session]");
    new = cs_memory_new(sizeof(*new));
    new->app = app;
    pthread_mutex_init(&new->mutex, NULL);
    rc = cs_instance_open(&new->sink, app, &request, error);
    for (unsigned n = 0; rc == CS_E_RETRY; n++) {
        if (!cs_sink_again(app->wiring.session, app->settings, app->cancel, n))
            break;
        rc = cs_instance_open(&new->sink, app, &request, error);
    }
    if (rc != CS_OK) {
        new->sink = NULL;
        cs_session_close(new);
        return rc;
    }
    *session = new;
    return CS_OK;
}

void cs_session_close(struct cs_session *session)
{
    if (session == NULL)
        return;
    cs_instance_close(session->sink);
    pthread_mutex_destroy(&session->mutex);
    free(session);
}

/* ---- Its tables --------------------------------------------------------- */

/* CS_E_NOT_HERE: it is to be made; CS_E_CONFIG: a column is missing. */
static enum cs_rc inspect(struct cs_instance *sink,
                          const struct cs_entity *entity,
                          struct cs_error *error)
{
    unsigned *lengths = cs_memory_array(entity->ncolumns, sizeof(*lengths));
    enum cs_rc rc = cs_sink_inspect(sink, entity, lengths, error);

    free(lengths);
    return rc == CS_E_CONFIG ? cs_migrate_explain(sink, entity, NULL, error)
                             : rc;
}

static enum cs_rc look(void *arg, struct cs_instance *sink,
                       struct cs_error *error)
{
    const struct cs_versions *versions = &cs_versions_session;
    enum cs_rc rc = cs_migrate_check(versions, 1, sink, error);

    (void)arg;
    for (size_t i = 0; i < versions->ntables && rc == CS_OK; i++) {
        rc = inspect(sink, versions->tables[i], error);
        if (rc == CS_E_NOT_HERE)
            rc = cs_error_set(error, CS_E_CONFIG,
                              "the session database has no table %s: run "
                              "\"cleversync db init\" first",
                              versions->tables[i]->table);
    }
    return rc;
}

enum cs_rc cs_session_look(struct cs_session *session, struct cs_error *error)
{
    return cs_session_use(session, look, NULL, error);
}

enum cs_rc cs_session_open(struct cs_session **session, struct cs_app *app,
                           struct cs_error *error)
{
    enum cs_rc rc = cs_session_connect(session, app, error);

    if (rc != CS_OK)
        return rc;
    rc = cs_session_look(*session, error);
    if (rc != CS_OK) {
        cs_session_close(*session);
        *session = NULL;
    }
    return rc;
}

/* How many tables are missing; the second try may find fewer than the first. */
static enum cs_rc count_missing(struct cs_instance *sink, size_t *missing,
                                struct cs_error *error)
{
    const struct cs_versions *versions = &cs_versions_session;
    size_t n = 0;
    enum cs_rc rc = inspect(sink, &cs_schema_version, error);

    n += rc == CS_E_NOT_HERE;
    for (size_t i = 0; i < versions->ntables; i++) {
        if (rc != CS_OK && rc != CS_E_NOT_HERE)
            return rc;
        rc = inspect(sink, versions->tables[i], error);
        n += rc == CS_E_NOT_HERE;
    }
    *missing = n > *missing ? n : *missing;
    return rc == CS_E_NOT_HERE ? CS_OK : rc;
}

/* Tables that lack columns are somebody else's, unless their versions are
 * noted: then another process may be making them at this moment. */
static enum cs_rc init(void *arg, struct cs_instance *sink,
                       struct cs_error *error)
{
    struct cs_migrate migrate = {
        .versions = &cs_versions_session,
        .nversions = 1,
        .wait_ms = CS_MIGRATE_WAIT,
    };
    struct cs_error ignored;
    enum cs_rc rc = count_missing(sink, arg, error);

    if (rc == CS_E_CONFIG &&
        cs_migrate_look(&migrate, sink, &ignored) == CS_OK && migrate.noted)
        rc = CS_OK;
    if (rc == CS_OK)
        rc = cs_migrate_all(&migrate, sink, error);
    cs_migrate_clear(&migrate);
    return rc;
}

enum cs_rc cs_session_init(struct cs_app *app, size_t *made,
                           struct cs_error *error)
{
    struct cs_session *session;
    enum cs_rc rc = cs_session_connect(&session, app, error);

    *made = 0;
    if (rc != CS_OK)
        return rc;
    rc = cs_session_use(session, init, made, error);
    cs_session_close(session);
    return rc;
}

/* ---- Using the sink ----------------------------------------------------- */

static enum cs_rc transaction(struct cs_session *session, cs_session_fn *work,
                              void *arg, struct cs_error *error)
{
    enum cs_rc rc = cs_sink_begin(session->sink, error);

    if (rc != CS_OK)
        return rc;
    rc = work(arg, session->sink, error);
    if (rc == CS_OK)
        rc = cs_sink_commit(session->sink, error);
    if (rc != CS_OK)
        cs_sink_rollback(session->sink);
    return rc;
}

static enum cs_rc once(struct cs_session *session, bool change,
                       cs_session_fn *work, void *arg, struct cs_error *error)
{
    enum cs_rc rc;

    pthread_mutex_lock(&session->mutex);
    rc = change ? transaction(session, work, arg, error)
                : work(arg, session->sink, error);
    pthread_mutex_unlock(&session->mutex);
    return rc;
}

static enum cs_rc repeat(struct cs_session *session, bool change,
                         cs_session_fn *work, void *arg, struct cs_error *error)
{
    const struct cs_app *app = session->app;
    enum cs_rc rc = once(session, change, work, arg, error);

    for (unsigned n = 0; rc == CS_E_RETRY; n++) {
        if (!cs_sink_again(app->wiring.session, app->settings, app->cancel, n))
            break;
        rc = once(session, change, work, arg, error);
    }
    return rc;
}

enum cs_rc cs_session_use(struct cs_session *session, cs_session_fn *work,
                          void *arg, struct cs_error *error)
{
    return repeat(session, false, work, arg, error);
}

enum cs_rc cs_session_change(struct cs_session *session, cs_session_fn *work,
                             void *arg, struct cs_error *error)
{
    return repeat(session, true, work, arg, error);
}

const struct cs_settings *cs_session_settings(const struct cs_session *session)
{
    return session->app->settings;
}

/* ---- The lock of a school ----------------------------------------------- */

enum { LOCK_NAME = sizeof("school/") + 50 };

static void lock_name(const struct cs_school *school, char name[LOCK_NAME])
{
    snprintf(name, LOCK_NAME, "school/%s", school->clever_id);
}

static enum cs_rc lock(void *arg, struct cs_instance *sink,
                       struct cs_error *error)
{
    return cs_sink_lock(sink, arg, 0, error);
}

static enum cs_rc holds(void *arg, struct cs_instance *sink,
                        struct cs_error *error)
{
    return cs_sink_holds(sink, arg, error);
}

static enum cs_rc relock(void *arg, struct cs_instance *sink,
                         struct cs_error *error)
{
    cs_sink_unlock(sink, arg);
    return cs_sink_lock(sink, arg, 0, error);
}

enum cs_rc cs_session_lock(struct cs_session *session,
                           const struct cs_school *school,
                           struct cs_error *error)
{
    char name[LOCK_NAME];
    enum cs_rc rc;

    lock_name(school, name);
    rc = cs_session_use(session, lock, name, error);
    if (rc == CS_E_BUSY)
        cs_history_blame(session, school->id, error);
    return rc;
}

enum cs_rc cs_session_holds(struct cs_session *session,
                            const struct cs_school *school,
                            struct cs_error *error)
{
    char name[LOCK_NAME];

    lock_name(school, name);
    return once(session, false, holds, name, error);
}

enum cs_rc cs_session_relock(struct cs_session *session,
                             const struct cs_school *school,
                             struct cs_error *error)
{
    char name[LOCK_NAME];

    lock_name(school, name);
    return once(session, false, relock, name, error);
}

void cs_session_unlock(struct cs_session *session,
                       const struct cs_school *school)
{
    char name[LOCK_NAME];

    lock_name(school, name);
    pthread_mutex_lock(&session->mutex);
    cs_sink_unlock(session->sink, name);
    pthread_mutex_unlock(&session->mutex);
}
