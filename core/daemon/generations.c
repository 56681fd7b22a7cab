/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

#include "config.h"

#include "daemon/generations.h"

#include "base/memory.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct generation {
    struct cs_app app; /* first: it is what others hold */
    struct cs_notify *notify;
    size_t users; /* one of them is `current` */
};

struct cs_generations {
    const struct cs_arguments *arguments;
    struct cs_app_shared shared;
    pthread_mutex_t mutex; /* guards all below, and users */
    struct generation *current;
    bool hangs; /* a notifier of an older one does */
};

/* ---- Opening and closing ------------------------------------------------ */

int cs_generations_open(struct cs_generations **generations,
                        const struct cs_arguments *arguments,
                        struct cs_cancel *cancel,
                        const struct cs_signals *signals)
{
    struct cs_problems problems = {0};
    struct generation *first = cs_memory_new(sizeof(*first));
    struct cs_generations *all;
    int status;

    *generations = NULL;
    if (!cs_app_open_shared(&first->app, arguments,
                            &(struct cs_app_shared){.cancel = cancel},
                            &problems)) {
        status = cs_app_problems(arguments, &problems);
        cs_problems_clear(&problems);
        free(first);
        return status;
    }
    first->users = 1;
    all = cs_memory_new(sizeof(*all));
    all->arguments = arguments;
    all->shared = (struct cs_app_shared){first->app.loader, cancel};
    all->current = first;
    pthread_mutex_init(&all->mutex, NULL);
    cs_app_setup_log(&first->app);
    cs_loader_seal(all->shared.loader);
    cs_signals_watch(signals);
    first->notify = cs_notify_new(&first->app);
    *generations = all;
    return CS_EXIT_OK;
}

bool cs_generations_close(struct cs_generations *generations)
{
    if (generations == NULL)
        return true;
    cs_generations_return(generations, &generations->current->app);
    cs_signals_stop();
    if (generations->hangs)
        return false;
    cs_loader_free(generations->shared.loader);
    pthread_mutex_destroy(&generations->mutex);
    free(generations);
    return true;
}

/* ---- Lending ------------------------------------------------------------ */

struct cs_app *cs_generations_borrow(struct cs_generations *generations)
{
    struct generation *current;

    pthread_mutex_lock(&generations->mutex);
    current = generations->current;
    current->users++;
    pthread_mutex_unlock(&generations->mutex);
    return &current->app;
}

void cs_generations_return(struct cs_generations *generations,
                           struct cs_app *app)
{
    struct generation *generation = (struct generation *)app;
    bool last;

    pthread_mutex_lock(&generations->mutex);
    last = --generation->users == 0;
    pthread_mutex_unlock(&generations->mutex);
    if (!last)
        return;
    if (cs_notify_free(generation->notify, CS_NOTIFY_FLUSH)) {
        cs_app_close(app);
        free(generation);
    } else {
        pthread_mutex_lock(&generations->mutex);
        generations->hangs = true;
        pthread_mutex_unlock(&generations->mutex);
    }
}

struct cs_notify *cs_generations_notify(struct cs_app *app)
{
    return ((struct generation *)app)->notify;
}

/* ---- Reading anew ------------------------------------------------------- */

/* What the process has built on and cannot change while it lives. */
static const struct {
    const char *section, *key;
} fixed[] = {
    {"cleversync", "plugin_path"}, {"sync", "time_zone"}, {"health", "listen"},
    {"health", "tls_certificate"}, {"health", "tls_key"},
};

static const char *value_of(const struct cs_settings *settings,
                            const char *section, const char *key)
{
    const struct cs_setting *set = cs_settings_find(settings, section, key);
    const struct cs_option *option =
        cs_settings_option(cs_settings_table(section), key);
    const char *value = set != NULL ? set->value : NULL;

    if (value == NULL && option != NULL)
        value = option->fallback;
    return value != NULL ? value : "";
}

static void compare(const struct cs_settings *old,
                    const struct cs_settings *new, struct cs_problems *problems)
{
    for (size_t i = 0; i < sizeof(fixed) / sizeof(fixed[0]); i++) {
        const char *section = fixed[i].section, *key = fixed[i].key;
        const struct cs_setting *set = cs_settings_find(new, section, key);

        if (strcmp(value_of(old, section, key), value_of(new, section, key)) !=
            0)
            cs_problems_add(problems, set != NULL ? set->file : NULL,
                            set != NULL ? set->line : 0,
                            "[%s] %s was changed: restart needed", section,
                            key);
    }
}

bool cs_generations_reload(struct cs_generations *generations,
                           struct cs_problems *problems)
{
    struct generation *new = cs_memory_new(sizeof(*new)), *old;

    new->users = 1;
    if (!cs_app_open_shared(&new->app, generations->arguments,
                            &generations->shared, problems)) {
        free(new);
        return false;
    }
    compare(generations->current->app.settings, new->app.settings, problems);
    if (problems->n > 0) {
        cs_app_close(&new->app);
        free(new);
        return false;
    }
    new->notify = cs_notify_new(&new->app);
    pthread_mutex_lock(&generations->mutex);
    old = generations->current;
    generations->current = new;
    pthread_mutex_unlock(&generations->mutex);
    cs_app_setup_log(&new->app);
    cs_generations_return(generations, &old->app);
    return true;
}
