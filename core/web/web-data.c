/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

#include "config.h"

#include "web/web-data.h"

#include "database/hold.h"
#include "base/memory.h"
#include "database/session.h"
#include "base/text.h"
#include "web/web-picture.h"
#include "web/web-worker.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define FRESH (CS_SECOND / 2) /* a picture that is older is taken anew */
/* How long a request waits. */
#define PATIENCE CS_SECOND
#define PATIENCE_CHANGE (3 * CS_SECOND)

struct cs_web_data {
    struct cs_generations *generations;
    struct cs_web_worker *worker;
    /* The worker's own. */
    struct cs_app *app;
    struct cs_session *session; /* opened with it; or NULL */
    pthread_mutex_t mutex;
    struct cs_web_picture *picture; /* under the mutex; or NULL */
};

/* ---- The session database, on the worker -------------------------------- */

/* Also what an idle worker does: a connection is not kept for nobody. */
static void close_session(void *arg)
{
    struct cs_web_data *data = arg;

    cs_session_close(data->session);
    data->session = NULL;
    if (data->app != NULL)
        cs_generations_return(data->generations, data->app);
    data->app = NULL;
}

/* With the configuration that is in force now. */
static enum cs_rc open_session(struct cs_web_data *data, struct cs_error *error)
{
    struct cs_app *app = cs_generations_borrow(data->generations);
    enum cs_rc rc = CS_OK;

    if (data->session != NULL && data->app == app) {
        cs_generations_return(data->generations, app);
        return CS_OK;
    }
    close_session(data);
    data->app = app;
    rc = cs_session_open(&data->session, app, error);
    if (rc != CS_OK) {
        data->session = NULL;
        close_session(data);
    }
    return rc;
}

/* ---- The picture -------------------------------------------------------- */

static void let_go(struct cs_web_picture *picture)
{
    if (picture != NULL && --picture->uses == 0)
        cs_web_picture_free(picture);
}

static void put_picture(struct cs_web_data *data, struct cs_web_picture *stolen)
{
    pthread_mutex_lock(&data->mutex);
    let_go(data->picture);
    data->picture = stolen;
    pthread_mutex_unlock(&data->mutex);
}

/* The one that is there, if it was taken since then. */
static struct cs_web_picture *get_picture(struct cs_web_data *data,
                                          int64_t since)
{
    struct cs_web_picture *picture;

    pthread_mutex_lock(&data->mutex);
    picture = data->picture;
    if (picture != NULL && picture->steady < since)
        picture = NULL;
    if (picture != NULL)
        picture->uses++;
    pthread_mutex_unlock(&data->mutex);
    return picture;
}

void cs_web_data_return(struct cs_web_data *data,
                        struct cs_web_picture *picture)
{
    pthread_mutex_lock(&data->mutex);
    let_go(picture);
    pthread_mutex_unlock(&data->mutex);
}

struct looking {
    struct cs_web_data *data;
    int64_t since;
    enum cs_rc rc;
    struct cs_error error;
};

static void look(void *arg)
{
    struct looking *looking = arg;
    struct cs_web_data *data = looking->data;
    struct cs_web_picture *picture = get_picture(data, looking->since);

    if (picture != NULL) { /* somebody else has asked */
        cs_web_data_return(data, picture);
        return;
    }
    looking->rc = open_session(data, &looking->error);
    if (looking->rc == CS_OK)
        looking->rc =
            cs_web_picture_take(data->session, &picture, &looking->error);
    if (looking->rc == CS_OK)
        put_picture(data, picture);
    else
        close_session(data);
}

static enum cs_rc away(struct cs_error *error)
{
    return cs_error_set(error, CS_E_RETRY,
                        "the session database does not answer");
}

static enum cs_rc look_since(struct cs_web_data *data, int64_t since,
                             struct cs_web_picture **picture,
                             struct cs_error *error)
{
    struct looking *looking;
    enum cs_web_done done;
    enum cs_rc rc;

    *picture = get_picture(data, since);
    if (*picture != NULL)
        return CS_OK;
    looking = cs_memory_new(sizeof(*looking));
    *looking = (struct looking){.data = data, .since = since};
    done = cs_web_worker_do(data->worker, look, looking, free, PATIENCE);
    if (done == CS_WEB_LATE)
        return away(error);
    rc = done == CS_WEB_DONE ? looking->rc : CS_E_RETRY;
    if (rc != CS_OK && rc != CS_E_RETRY)
        *error = looking->error;
    free(looking);
    if (rc == CS_OK)
        *picture = get_picture(data, since);
    if (rc == CS_E_RETRY || (rc == CS_OK && *picture == NULL))
        return away(error);
    return rc;
}

enum cs_rc cs_web_data_look(struct cs_web_data *data,
                            struct cs_web_picture **picture,
                            struct cs_error *error)
{
    return look_since(data, cs_clock_steady() - FRESH, picture, error);
}

enum cs_rc cs_web_data_look_anew(struct cs_web_data *data,
                                 struct cs_web_picture **picture,
                                 struct cs_error *error)
{
    return look_since(data, cs_clock_steady(), picture, error);
}

/* ---- Changes ------------------------------------------------------------ */

struct changing {
    struct cs_web_data *data;
    enum cs_web_change what;
    char *id, *by;
    json_t *result;
    enum cs_rc rc;
    struct cs_error error;
};

static void free_changing(void *arg)
{
    struct changing *changing = arg;

    free(changing->id);
    free(changing->by);
    json_decref(changing->result);
    free(changing);
}

static enum cs_rc require_full(const struct changing *changing,
                               struct cs_session *session,
                               struct cs_error *error)
{
    const struct cs_school_change change = {.requires_full = &(bool){true}};
    struct cs_registry registry = {0};
    const struct cs_school *school;
    enum cs_rc rc = cs_registry_load(session, &registry, error);

    if (rc == CS_OK) {
        school = cs_registry_school(&registry, changing->id);
        rc =
            school != NULL
                ? cs_registry_set_school(session, school, &change, error)
                : cs_error_set(error, CS_E_NOT_HERE, "there is no such school");
    }
    cs_registry_clear(&registry);
    return rc;
}

static void list_keys(struct changing *changing, const struct cs_hold *hold)
{
    char **keys = cs_text_words(hold->keys);

    changing->result = json_array();
    for (char **key = keys; *key != NULL; key++)
        json_array_append_new(changing->result, json_string(*key));
    free(keys);
}

static enum cs_rc speak(struct changing *changing, struct cs_session *session,
                        const struct cs_hold *hold, struct cs_error *error)
{
    switch (changing->what) {
    case CS_WEB_APPROVE:
        if (!cs_hold_open(hold))
            return cs_error_set(error, CS_E_DATA,
                                "this hold was used or is expired");
        return cs_hold_approve(session, hold->name, changing->by, error);
    case CS_WEB_REJECT:
        return cs_hold_remove(session, hold->name, error);
    case CS_WEB_KEYS:
        list_keys(changing, hold);
        return CS_OK;
    case CS_WEB_REQUIRE_FULL:
        break;
    }
    return CS_OK;
}

static const struct cs_hold *find_hold(const struct cs_holds *holds,
                                       const char *name)
{
    for (size_t i = 0; i < holds->n; i++)
        if (strcmp(holds->hold[i].name, name) == 0)
            return &holds->hold[i];
    return NULL;
}

static enum cs_rc change_hold(struct changing *changing,
                              struct cs_session *session,
                              struct cs_error *error)
{
    struct cs_holds holds;
    enum cs_rc rc = cs_hold_load(session, 0, &holds, error);
    const struct cs_hold *hold = find_hold(&holds, changing->id);

    if (rc == CS_OK)
        rc = hold != NULL
                 ? speak(changing, session, hold, error)
                 : cs_error_set(error, CS_E_NOT_HERE, "there is no such hold");
    cs_hold_clear(&holds);
    return rc;
}

static bool is_change(enum cs_web_change what)
{
    return what != CS_WEB_KEYS;
}

static void change(void *arg)
{
    struct changing *changing = arg;
    struct cs_web_data *data = changing->data;
    struct cs_error *error = &changing->error;

    changing->rc = open_session(data, error);
    if (changing->rc != CS_OK)
        return;
    changing->rc = changing->what == CS_WEB_REQUIRE_FULL
                       ? require_full(changing, data->session, error)
                       : change_hold(changing, data->session, error);
    if (is_change(changing->what))
        put_picture(data, NULL); /* it shows what was before */
    if (changing->rc == CS_E_RETRY || changing->rc == CS_E_FATAL)
        close_session(data);
}

enum cs_rc cs_web_data_change(struct cs_web_data *data,
                              struct cs_web_change_request *request,
                              struct cs_error *error)
{
    struct changing *changing = cs_memory_new(sizeof(*changing));
    enum cs_web_done done;
    enum cs_rc rc = CS_E_RETRY;

    changing->data = data;
    changing->what = request->what;
    changing->id = cs_memory_text(request->id);
    changing->by = cs_memory_text(request->by);
    done = cs_web_worker_do(data->worker, change, changing, free_changing,
                            PATIENCE_CHANGE);
    request->begun = done == CS_WEB_LATE && is_change(request->what);
    request->result = NULL;
    if (done == CS_WEB_LATE)
        return away(error);
    if (done == CS_WEB_DONE) {
        rc = changing->rc;
        *error = changing->error;
        request->result = changing->result;
        changing->result = NULL;
    }
    free_changing(changing);
    return rc == CS_E_RETRY ? away(error) : rc;
}

/* ---- Life --------------------------------------------------------------- */

struct cs_web_data *cs_web_data_new(struct cs_generations *generations)
{
    struct cs_web_data *data = cs_memory_new(sizeof(*data));

    data->generations = generations;
    pthread_mutex_init(&data->mutex, NULL);
    data->worker = cs_web_worker_new(close_session, data);
    return data;
}

void cs_web_data_stop(struct cs_web_data *data)
{
    cs_web_worker_stop(data->worker);
}

bool cs_web_data_free(struct cs_web_data *data, int64_t limit)
{
    if (!cs_web_worker_free(data->worker, limit))
        return false;
    let_go(data->picture);
    pthread_mutex_destroy(&data->mutex);
    free(data);
    return true;
}
