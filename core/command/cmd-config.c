/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* check-config, config show, config sample. */

#include "config.h"

#include "command/cmd.h"

#include "app.h"
#include "base/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- check-config -------------------------------------------------------- */

/* What a run needs beyond a configuration without faults. */
static enum cs_rc check_complete(const struct cs_app *app,
                                 struct cs_error *error)
{
    const char *file = cs_settings_file(app->settings);

    if (!app->wiring.session)
        return cs_error_set(error, CS_E_CONFIG,
                            "%s: no session database is named: set sink in "
                            "[session]",
                            file);
    if (app->wiring.npipelines == 0)
        return cs_error_set(error, CS_E_CONFIG,
                            "%s: there is no pipeline: enable one with "
                            "\"cleversync plugins enable\", such as student",
                            file);
    return CS_OK;
}

static size_t count_plugins(const struct cs_wiring *wiring)
{
    size_t n = 0;

    for (size_t i = 0; i < wiring->nparts; i++) {
        size_t before = 0;

        while (wiring->parts[before]->module != wiring->parts[i]->module)
            before++;
        n += before == i;
    }
    return n;
}

static const char *plural(size_t n)
{
    return n == 1 ? "" : "s";
}

const struct cs_cli_option cs_cmd_check_config_options[] = {{.name = NULL}};

int cs_cmd_check_config(const struct cs_arguments *arguments)
{
    struct cs_app app;
    struct cs_error error = {0};
    int status = cs_app_open(&app, arguments);
    size_t pipelines, plugins;

    if (status != CS_EXIT_OK)
        return status;
    pipelines = app.wiring.npipelines;
    plugins = count_plugins(&app.wiring);
    if (check_complete(&app, &error) != CS_OK)
        status = cs_app_fail(arguments, &error);
    else if (cs_arguments_json(arguments))
        cs_cli_print(json_pack("{sb sI sI}", "valid", 1, "pipelines",
                               (json_int_t)pipelines, "plugins",
                               (json_int_t)plugins));
    else
        printf("configuration is valid: %zu pipeline%s, %zu plugin%s\n",
               pipelines, plural(pipelines), plugins, plural(plugins));
    cs_app_close(&app);
    return status;
}

/* ---- config show --------------------------------------------------------- */

const struct cs_cli_option cs_cmd_config_show_options[] = {
    {"origin", 0, NULL, "say where each value comes from"},
    {.name = NULL},
};

struct show {
    const struct cs_app *app;
    bool origin;
    json_t *json; /* an object of sections; NULL: text on standard output */
    bool begun;
};

/* Text for JSON; a file's name need not be UTF-8. */
static json_t *json_text(const char *text)
{
    json_t *json = text ? json_string(text) : NULL;

    return json ? json : json_null();
}

static char *origin_of(const struct cs_setting *setting, const char *value)
{
    if (!setting)
        return cs_memory_text(value ? "default" : "not set");
    if (setting->line == 0)
        return cs_memory_text(setting->file);
    return cs_memory_format("%s:%u", setting->file, setting->line);
}

/* The output is an INI file again. */
static void show_value(const struct show *show, json_t *section,
                       const char *key, const char *value,
                       const struct cs_setting *setting)
{
    char *origin = origin_of(setting, value);

    if (section) {
        json_object_set_new(section, key,
                            json_pack("{so so}", "value", json_text(value),
                                      "origin", json_text(origin)));
    } else {
        if (show->origin)
            printf("# %s\n", origin);
        if (value && value[0])
            printf("%s = %s\n", key, value);
        else
            printf("%s%s =\n", value ? "" : "#", key);
    }
    free(origin);
}

/* part NULL: a section that is no plugin's. */
static void show_section(struct show *show, const char *name,
                         const struct cs_option *option,
                         const struct cs_part *part)
{
    const struct cs_settings *settings = show->app->settings;
    json_t *section = NULL;

    if (show->json) {
        section = json_object();
        json_object_set_new(show->json, name, section);
    } else {
        printf("%s[%s]\n", show->begun ? "\n" : "", name);
    }
    show->begun = true;
    if (part)
        show_value(show, section, "plugin", part->module->plugin.name,
                   cs_settings_find(settings, name, "plugin"));
    for (; option && option->name; option++) {
        const struct cs_setting *setting =
            cs_settings_find(settings, name, option->name);

        show_value(show, section, option->name,
                   setting ? setting->value : option->fallback, setting);
    }
}

static int by_section(const void *a, const void *b)
{
    const struct cs_part *const *first = a, *const *second = b;

    return strcmp((*first)->section, (*second)->section);
}

static void show_all(struct show *show)
{
    const struct cs_wiring *wiring = &show->app->wiring;
    struct cs_part **parts = cs_memory_array(wiring->nparts, sizeof(*parts));

    for (const struct cs_settings_table *table = cs_settings_tables;
         table->section; table++)
        show_section(show, table->section, table->options, NULL);
    for (size_t i = 0; i < wiring->nparts; i++)
        parts[i] = wiring->parts[i];
    qsort(parts, wiring->nparts, sizeof(*parts), by_section);
    for (size_t i = 0; i < wiring->nparts; i++)
        show_section(show, parts[i]->section, parts[i]->module->plugin.options,
                     parts[i]);
    free(parts);
    for (size_t i = 0; i < wiring->npipelines; i++) {
        char *name = cs_memory_format("pipeline.%s", wiring->pipelines[i].name);

        show_section(show, name, cs_settings_pipeline, NULL);
        free(name);
    }
}

int cs_cmd_config_show(const struct cs_arguments *arguments)
{
    struct cs_app app;
    struct show show = {.app = &app};
    int status = cs_app_open(&app, arguments);

    if (status != CS_EXIT_OK)
        return status;
    show.origin = cs_arguments_flag(arguments, "origin");
    if (cs_arguments_json(arguments))
        show.json = json_object();
    show_all(&show);
    if (show.json)
        cs_cli_print(json_pack("{so}", "sections", show.json));
    cs_app_close(&app);
    return CS_EXIT_OK;
}

/* ---- config sample ------------------------------------------------------- */

static void sample_section(const char *section, const struct cs_option *option)
{
    printf("[%s]\n", section);
    for (; option && option->name; option++) {
        bool needed = !option->fallback && !(option->type & CS_OPT_OPTIONAL);
        bool empty = !option->fallback || !option->fallback[0];

        printf("# %s%s\n", option->help, needed ? " (must be set)" : "");
        if (option->allowed)
            printf("# allowed: %s\n", option->allowed);
        printf("#%s =%s%s\n", option->name, empty ? "" : " ",
               empty ? "" : option->fallback);
    }
    printf("\n");
}

static void sample_core(void)
{
    printf("# Every key with its default.  A line counts once the # at its "
           "beginning is gone.\n\n");
    for (const struct cs_settings_table *table = cs_settings_tables;
         table->section; table++)
        sample_section(table->section, table->options);
    printf("# A pipeline has a section [pipeline.NAME] with these keys:\n");
    for (const struct cs_option *option = cs_settings_pipeline; option->name;
         option++)
        printf("#   %s: %s\n", option->name, option->help);
}

static int sample_plugin(const struct cs_arguments *arguments, const char *word)
{
    struct cs_problems problems = {0};
    struct cs_error error = {0};
    const struct cs_module *module;
    int status = CS_EXIT_OK;
    struct cs_app app;
    char *section;

    cs_app_read(&app, arguments, &problems);
    if (!app.loader) {
        status = cs_app_problems(arguments, &problems);
    } else if (!(module = cs_loader_find(app.loader, word, &error))) {
        if (error.rc == CS_E_NOT_HERE)
            error.status = CS_EXIT_USAGE;
        status = cs_app_fail(arguments, &error);
    } else {
        section = cs_memory_format("%s.%s", cs_loader_kind(module->kind),
                                   module->plugin.name);
        printf("# %s\n", module->plugin.summary);
        sample_section(section, module->plugin.options);
        free(section);
    }
    cs_problems_clear(&problems);
    cs_app_close(&app);
    return status;
}

const struct cs_cli_option cs_cmd_config_sample_options[] = {{.name = NULL}};

int cs_cmd_config_sample(const struct cs_arguments *arguments)
{
    const char *word = cs_arguments_operands(arguments)[0];

    if (word)
        return sample_plugin(arguments, word);
    sample_core();
    return CS_EXIT_OK;
}
