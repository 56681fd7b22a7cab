/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

#include "config.h"

#include "daemon/generations.h"

#include "base/gate.h"
#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

struct generation {
    struct cs_app app; /* first: it is what others hold */
    struct cs_notify *notify;
    size_t users;            /* one of them is `current` */
    struct generation *next; /* among those that are over */
};

struct cs_generations {
    const struct cs_arguments *arguments;
    struct cs_app_shared shared;
    pthread_t undertaker;
    struct cs_gate gate; /* guards all below, and users */
    struct generation *current;
    struct generation *over; /* everybody has given these back */
    bool closing;
    bool hangs; /* a notifier of an older one does */
};

/* ---- Ends --------------------------------------------------------------- */

/* heir: the one that takes its place, or NULL.  False: a notifier hangs. */
static bool end(struct generation *generation, struct cs_notify *heir)
{
    if (!cs_notify_replace(generation->notify, heir, CS_NOTIFY_FLUSH))
        return false;
    cs_app_close(&generation->app);
    free(generation);
    return true;
}

/* Its notifiers may take seconds to end, which nobody has who gives it back. */
static void *bury(void *arg)
{
    struct cs_generations *generations = arg;

    cs_gate_lock(&generations->gate);
    while (generations->over != NULL || !generations->closing) {
        struct generation *generation = generations->over;
        struct cs_app *heir;
        bool ended;

        if (generation == NULL) {
            cs_gate_wait_until(&generations->gate, INT64_MAX);
            continue;
        }
        generations->over = generation->next;
        cs_gate_unlock(&generations->gate);
        heir = cs_generations_borrow(generations);
        ended = end(generation, cs_generations_notify(heir));
        cs_generations_return(generations, heir);
        cs_gate_lock(&generations->gate);
        generations->hangs = generations->hangs || !ended;
    }
    cs_gate_unlock(&generations->gate);
    return NULL;
}

static void start_undertaker(struct cs_generations *generations)
{
    /* Without it no configuration would ever be let go of. */
    if (pthread_create(&generations->undertaker, NULL, bury, generations) != 0)
        abort();
}

static void stop_undertaker(struct cs_generations *generations)
{
    cs_gate_lock(&generations->gate);
    generations->closing = true;
    cs_gate_changed(&generations->gate);
    cs_gate_unlock(&generations->gate);
    pthread_join(generations->undertaker, NULL);
}

/* ---- Opening and closing ------------------------------------------------ */

/* Without these every run would fail. */
static void demand(const struct cs_app *app, struct cs_problems *problems)
{
    const char *file = cs_settings_file(app->settings);

    if (app->wiring.session == NULL)
        cs_problems_add(problems, file, 0,
                        "there is no session database: name its sink with "
                        "\"sink = NAME\" in [session]");
    if (app->wiring.npipelines == 0)
        cs_problems_add(problems, file, 0,
                        "there is no pipeline: enable one with \"cleversync "
                        "plugins enable\", such as student");
}

/* What cs_app_open_shared() opens, and fit for a daemon. */
static bool open_app(struct cs_app *app, const struct cs_arguments *arguments,
                     const struct cs_app_shared *shared,
                     struct cs_problems *problems)
{
    struct cs_loader *loader;

    if (!cs_app_open_shared(app, arguments, shared, problems))
        return false;
    demand(app, problems);
    if (problems->n == 0)
        return true;
    loader = app->loader;
    cs_app_close(app);
    if (shared->loader == NULL)
        cs_loader_free(loader);
    return false;
}

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
    if (!open_app(&first->app, arguments,
                  &(struct cs_app_shared){.cancel = cancel}, &problems)) {
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
    cs_gate_init(&all->gate);
    cs_app_setup_log(&first->app);
    cs_loader_seal(all->shared.loader);
    cs_signals_watch(signals);
    first->notify = cs_notify_new(&first->app);
    start_undertaker(all);
    *generations = all;
    return CS_EXIT_OK;
}

bool cs_generations_close(struct cs_generations *generations)
{
    if (generations == NULL)
        return true;
    stop_undertaker(generations);
    if (!end(generations->current, NULL))
        generations->hangs = true;
    cs_signals_stop();
    if (generations->hangs)
        return false;
    cs_loader_free(generations->shared.loader);
    cs_gate_clear(&generations->gate);
    free(generations);
    return true;
}

/* ---- Lending ------------------------------------------------------------ */

struct cs_app *cs_generations_borrow(struct cs_generations *generations)
{
    struct generation *current;

    cs_gate_lock(&generations->gate);
    current = generations->current;
    current->users++;
    cs_gate_unlock(&generations->gate);
    return &current->app;
}

void cs_generations_return(struct cs_generations *generations,
                           struct cs_app *app)
{
    struct generation *generation = (struct generation *)app;

    cs_gate_lock(&generations->gate);
    if (--generation->users == 0) {
        generation->next = generations->over;
        generations->over = generation;
        cs_gate_changed(&generations->gate);
    }
    cs_gate_unlock(&generations->gate);
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
    if (!open_app(&new->app, generations->arguments, &generations->shared,
                  problems)) {
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
    cs_gate_lock(&generations->gate);
    old = generations->current;
    generations->current = new;
    cs_gate_unlock(&generations->gate);
    cs_app_setup_log(&new->app);
    cs_generations_return(generations, &old->app);
    return true;
}
