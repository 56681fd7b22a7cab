/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* plugins check: the conformance cases of a plugin's kind. */

#include "config.h"

#include "command/cmd.h"

#include "base/memory.h"
#include "conform/conform-lab.h"
#include "conform/conform.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- What is checked, and with what -------------------------------------- */

/* What is known before the configuration that the cases run with is read. */
struct subject {
    struct cs_app app; /* only to learn the rest */
    const struct cs_module *module;
    struct cs_conform_lab *lab; /* or NULL */
    bool named;                 /* in the section of what is checked */
    char **sets;                /* owned; NULL ends */
    size_t nsets;
};

static void add_set(struct subject *subject, char *stolen)
{
    subject->sets = cs_memory_grow(subject->sets, subject->nsets + 2,
                                   sizeof(*subject->sets));
    subject->sets[subject->nsets++] = stolen;
    subject->sets[subject->nsets] = NULL;
}

/* The setting with the lab's address in place of the word. */
static char *with_lab(const struct cs_setting *setting, const char *url)
{
    const char *at = strstr(setting->value, CS_CONFORM_LAB);

    return cs_memory_format("%s.%s=%.*s%s%s", setting->section, setting->key,
                            (int)(at - setting->value), setting->value, url,
                            at + strlen(CS_CONFORM_LAB));
}

static bool wants_lab(const struct cs_setting *setting)
{
    return setting->value && strstr(setting->value, CS_CONFORM_LAB);
}

static void fill_in(struct subject *subject, const struct cs_setting *setting)
{
    char *section =
        cs_memory_format("%s.check", cs_loader_kind(subject->module->kind));

    if (wants_lab(setting)) {
        add_set(subject, with_lab(setting, cs_conform_lab_url(subject->lab)));
        subject->named |= strcmp(setting->section, section) == 0;
    }
    free(section);
}

/* One of them may hold the lab's address. */
static bool has_secrets(const struct cs_module *module)
{
    const struct cs_option *option = module->plugin.options;

    while (option && option->name && (option->type & 0xff) != CS_OPT_SECRET)
        option++;
    return option && option->name && module->kind != CS_SINK;
}

/* Its threads leave the signals to who watches for them. */
static enum cs_rc start_lab(struct subject *subject, struct cs_error *error)
{
    const struct cs_settings *settings = subject->app.settings;
    size_t n = cs_settings_count(settings), wanted = 0;
    enum cs_rc rc;
    sigset_t all, before;

    for (size_t i = 0; i < n; i++)
        wanted += wants_lab(cs_settings_at(settings, i));
    if (wanted == 0 && !has_secrets(subject->module))
        return CS_OK;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before);
    rc = cs_conform_lab_new(&subject->lab, error);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    for (size_t i = 0; rc == CS_OK && i < n; i++)
        fill_in(subject, cs_settings_at(settings, i));
    return rc;
}

/* Gives an exit code; other than CS_EXIT_OK it has been explained. */
static int look_up(struct subject *subject,
                   const struct cs_arguments *arguments)
{
    const char *word = cs_arguments_operands(arguments)[0];
    struct cs_error error = {0};
    int status = cs_app_find(&subject->app, arguments, word, &subject->module);

    if (status != CS_EXIT_OK)
        return status;
    add_set(subject, cs_memory_format("%s.check.plugin=%s",
                                      cs_loader_kind(subject->module->kind),
                                      subject->module->plugin.name));
    /* Cases want to see what fails, at once, also in other plugins. */
    add_set(subject, cs_memory_text("retry.clever_api_max_attempts=0"));
    if (start_lab(subject, &error) != CS_OK)
        return cs_app_fail(arguments, &error);
    return CS_EXIT_OK;
}

static void forget(struct subject *subject)
{
    cs_conform_lab_free(subject->lab);
    for (size_t i = 0; i < subject->nsets; i++)
        free(subject->sets[i]);
    free(subject->sets);
    cs_app_close(&subject->app);
}

/* ---- What sources may be asked for --------------------------------------- */

struct samples {
    const struct cs_entity **entities; /* NULL ends, likewise reads */
    const char *const **reads;
    size_t n;
};

static void add_sample(void *arg, enum cs_kind kind, const char *name,
                       const struct cs_module *module,
                       const struct cs_error *error)
{
    struct samples *samples = arg;

    (void)name;
    (void)error;
    if (kind != CS_MAPPER || !module)
        return;
    samples->entities[samples->n] = module->ops.mapper.entity;
    samples->reads[samples->n++] = module->ops.mapper.reads;
    samples->entities = cs_memory_grow(samples->entities, samples->n + 1,
                                       sizeof(*samples->entities));
    samples->reads =
        cs_memory_grow(samples->reads, samples->n + 1, sizeof(*samples->reads));
    samples->entities[samples->n] = NULL;
    samples->reads[samples->n] = NULL;
}

/* ---- The command --------------------------------------------------------- */

/* The part [KIND.check], which is there because its plugin was set. */
static const struct cs_part *part_of(const struct cs_app *app,
                                     enum cs_kind kind)
{
    size_t i = 0;

    while (app->wiring.parts[i]->module->kind != kind ||
           strcmp(app->wiring.parts[i]->name, "check") != 0)
        i++;
    return app->wiring.parts[i];
}

static int run(const struct subject *subject, struct cs_app *app,
               const struct cs_arguments *arguments,
               struct cs_conform_report *report)
{
    struct samples samples = {
        .entities = cs_memory_array(1, sizeof(*samples.entities)),
        .reads = cs_memory_array(1, sizeof(*samples.reads)),
    };
    struct cs_conform conform = {
        .app = app,
        .part = part_of(app, subject->module->kind),
        .lab = subject->lab,
        .named = subject->named,
    };
    struct cs_error error = {0};
    int status;

    if (subject->module->kind == CS_SOURCE)
        cs_loader_each(app->loader, add_sample, &samples);
    conform.samples = samples.entities;
    conform.reads = samples.reads;
    if (cs_conform_run(&conform, report, &error) == CS_OK)
        status = cs_conform_end(report);
    else
        status = cs_app_fail(arguments, &error);
    if (report->hung) {
        report->over = true;
        fflush(NULL);
        _exit(status);
    }
    free(samples.entities);
    free(samples.reads);
    return status;
}

const struct cs_cli_option cs_cmd_plugins_check_options[] = {
    {"level", 0, "1|2|3",
     "1: it works; 2: and is safe; 3: and is fast, and leaves nothing behind "
     "(3)"},
    {.name = NULL},
};

static int check(const struct cs_arguments *arguments,
                 struct cs_conform_report *report)
{
    struct subject subject = {.module = NULL};
    struct cs_loader *loader;
    struct cs_app app;
    int status;

    report->level = (enum cs_conform_level)cs_arguments_number(
        arguments, "level", CS_CONFORM_FAST);
    report->json = cs_arguments_json(arguments);
    status = look_up(&subject, arguments);
    if (status == CS_EXIT_OK) {
        loader = subject.app.loader; /* it has loaded what is checked */
        subject.app.loader = NULL;
        status = cs_app_open_with(&app, arguments,
                                  (const char *const *)subject.sets, loader);
        if (status == CS_EXIT_OK) {
            status = run(&subject, &app, arguments, report);
            cs_app_close(&app);
        }
    }
    forget(&subject);
    return status;
}

int cs_cmd_plugins_check(const struct cs_arguments *arguments)
{
    return cs_conform_apart(arguments, check);
}
