/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

#include "config.h"

#include "session.h"

#include "history.h"
#include "memory.h"
#include "schema.h"
#include "sink.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

struct cs_session {
    struct cs_app *app;
    struct cs_instance *sink;
    pthread_mutex_t mutex; /* held around each use of the sink */
    unsigned attempts;     /* repetitions after the first try */
    double backoff_base;   /* seconds */
};

/* ---- Opening ------------------------------------------------------------ */

static enum cs_rc open_sink(struct cs_session **session, struct cs_app *app,
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
    new->attempts = (unsigned)cs_settings_number(app->settings, "retry",
                                                 "database_max_attempts");
    new->backoff_base =
        cs_settings_decimal(app->settings, "retry", "database_backoff_base");
    for (unsigned n = 0;; n++) {
        rc = cs_instance_open(&new->sink, app, &request, error);
        if (rc != CS_E_RETRY || n >= new->attempts ||
            !cs_cancel_wait(app->cancel, cs_http_backoff(new->backoff_base, n)))
            break;
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

/* Are all tables there? */
static enum cs_rc look(void *arg, struct cs_instance *sink,
                       struct cs_error *error)
{
    enum cs_rc rc = CS_OK;

    (void)arg;
    for (size_t i = 0; i < cs_schema_nsession && rc == CS_OK; i++) {
        const struct cs_entity *entity = cs_schema_session[i];
        unsigned *lengths = cs_memory_array(entity->ncolumns, sizeof(*lengths));

        rc = cs_sink_inspect(sink, entity, lengths, error);
        if (rc == CS_E_NOT_HERE)
            rc = cs_error_set(error, CS_E_CONFIG,
                              "the session database has no table %s: run "
                              "\"cleversync db init\" first",
                              entity->table);
        free(lengths);
    }
    return rc;
}

enum cs_rc cs_session_open(struct cs_session **session, struct cs_app *app,
                           struct cs_error *error)
{
    enum cs_rc rc = open_sink(session, app, error);

    if (rc != CS_OK)
        return rc;
    rc = cs_session_use(*session, look, NULL, error);
    if (rc != CS_OK) {
        cs_session_close(*session);
        *session = NULL;
    }
    return rc;
}

static enum cs_rc make(void *arg, struct cs_instance *sink,
                       struct cs_error *error)
{
    return cs_schema_make(sink, cs_schema_session, cs_schema_nsession, arg,
                          error);
}

enum cs_rc cs_session_init(struct cs_app *app, size_t *made,
                           struct cs_error *error)
{
    struct cs_session *session;
    enum cs_rc rc = open_sink(&session, app, error);

    if (rc != CS_OK)
        return rc;
    rc = cs_session_use(session, make, made, error);
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

static enum cs_rc repeat(struct cs_session *session, bool change,
                         cs_session_fn *work, void *arg, struct cs_error *error)
{
    enum cs_rc rc;

    for (unsigned n = 0;; n++) {
        pthread_mutex_lock(&session->mutex);
        rc = change ? transaction(session, work, arg, error)
                    : work(arg, session->sink, error);
        pthread_mutex_unlock(&session->mutex);
        if (rc != CS_E_RETRY || n >= session->attempts ||
            !cs_cancel_wait(session->app->cancel,
                            cs_http_backoff(session->backoff_base, n)))
            return rc;
    }
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
    return cs_session_use(session, holds, name, error);
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
