/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

#include "config.h"

#include "config/settings.h"

#include "config/ini.h"
#include "base/memory.h"
#include "config/settings-check.h"
#include "base/text.h"
#include "config/value.h"

#include <assert.h>
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define PREFIX "CLEVERSYNC_"
#define PREFIX_TEST "CLEVERSYNC_TEST_" /* the test suite's own */
#define SET "--set"

struct variable { /* CLEVERSYNC_SECTION__KEY=value */
    char *name, *value;
    char *section, *key; /* whose it turned out to be; NULL: nobody's */
};

struct cs_settings {
    char *file, *dropins;
    struct cs_setting **items; /* sorted by section */
    size_t nitems;
    struct cs_setting **headings; /* sorted */
    const char **sections;        /* their names, and NULL */
    size_t nheadings;
    struct variable *variables;
    size_t nvariables;
    char **known; /* names of variables for all keys that are known */
    size_t nknown;
};

/* ---- The list of what is set --------------------------------------------- */

static struct cs_setting *setting_new(const char *section, const char *key,
                                      const char *value, const char *file,
                                      unsigned line)
{
    struct cs_setting *setting = cs_memory_new(sizeof(*setting));

    setting->section = cs_memory_text(section);
    setting->key = cs_memory_text(key);
    setting->value = cs_memory_text(value);
    setting->file = cs_memory_text(file);
    setting->line = line;
    return setting;
}

static void setting_free(struct cs_setting *setting)
{
    free(setting->section);
    free(setting->key);
    free(setting->value);
    free(setting->file);
    free(setting);
}

/* Behind all of its own section and of those that sort before. */
static void insert(struct cs_setting ***list, size_t *n,
                   struct cs_setting *setting)
{
    size_t at = *n;

    *list = cs_memory_grow(*list, *n + 1, sizeof(**list));
    while (at > 0 && strcmp((*list)[at - 1]->section, setting->section) > 0) {
        (*list)[at] = (*list)[at - 1];
        at--;
    }
    (*list)[at] = setting;
    (*n)++;
}

static struct cs_setting **slot(const struct cs_settings *settings,
                                const char *section, const char *key)
{
    for (size_t i = 0; i < settings->nitems; i++)
        if (strcmp(settings->items[i]->section, section) == 0 &&
            strcmp(settings->items[i]->key, key) == 0)
            return &settings->items[i];
    return NULL;
}

/* Later wins: what was set before is forgotten, but for its rank. */
static void put(struct cs_settings *settings, struct cs_setting *setting)
{
    struct cs_setting **old = slot(settings, setting->section, setting->key);

    if (!old) {
        insert(&settings->items, &settings->nitems, setting);
        return;
    }
    setting_free(*old);
    *old = setting;
}

static void enter_section(struct cs_settings *settings, const char *section,
                          const char *file, unsigned line)
{
    if (!cs_settings_heading(settings, section))
        insert(&settings->headings, &settings->nheadings,
               setting_new(section, NULL, NULL, file, line));
}

/* ---- Files --------------------------------------------------------------- */

static void take_file(void *arg, const char *section, const char *key,
                      const char *value, const char *file, unsigned line)
{
    if (key)
        put(arg, setting_new(section, key, value, file, line));
    else
        enter_section(arg, section, file, line);
}

static int is_dropin(const struct dirent *entry)
{
    size_t length = strlen(entry->d_name);

    return entry->d_name[0] != '.' && length > 5 &&
           strcmp(entry->d_name + length - 5, ".conf") == 0;
}

static int by_bytes(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static void read_files(struct cs_settings *settings,
                       struct cs_problems *problems)
{
    struct dirent **entries = NULL;
    int n;

    cs_ini_read(settings->file, take_file, settings, problems);
    n = scandir(settings->dropins, &entries, is_dropin, by_bytes);
    if (n < 0 && errno != ENOENT)
        cs_problems_add(problems, settings->dropins, 0,
                        "the directory cannot be read: %s", strerror(errno));
    for (int i = 0; i < n; i++) {
        char *file =
            cs_memory_format("%s/%s", settings->dropins, entries[i]->d_name);

        cs_ini_read(file, take_file, settings, problems);
        free(file);
        free(entries[i]);
    }
    free(entries);
}

/* ---- The command line ---------------------------------------------------- */

static void read_set(struct cs_settings *settings, const char *set,
                     struct cs_problems *problems)
{
    size_t length = strcspn(set, "=");
    const char *dot = memrchr(set, '.', length);
    char *section, *key;

    if (!set[length] || !dot || dot == set || dot + 1 == set + length) {
        cs_problems_add(problems, SET, 0, "SECTION.KEY=VALUE is expected");
        return;
    }
    if (!cs_ini_storable(set)) {
        cs_problems_add(problems, SET, 0,
                        "the text is no line of UTF-8 that a file could hold");
        return;
    }
    section = cs_memory_textn(set, (size_t)(dot - set));
    key = cs_memory_textn(dot + 1, (size_t)(set + length - dot - 1));
    enter_section(settings, section, SET, 0);
    put(settings, setting_new(section, key, set + length + 1, SET, 0));
    free(section);
    free(key);
}

/* ---- The environment ----------------------------------------------------- */

static void read_variable(struct cs_settings *settings, const char *entry,
                          struct cs_problems *problems)
{
    const char *equals = strchr(entry, '=');
    struct variable variable = {0};

    if (!equals || strncmp(entry, PREFIX, strlen(PREFIX)) != 0 ||
        strncmp(entry, PREFIX_TEST, strlen(PREFIX_TEST)) == 0)
        return;
    variable.name = cs_memory_textn(entry, (size_t)(equals - entry));
    if (!strstr(variable.name + strlen(PREFIX), "__")) {
        free(variable.name); /* CLEVERSYNC_PLUGIN_DIR and the like */
        return;
    }
    if (!cs_ini_storable(entry)) {
        cs_problems_add(problems, "environment", 0,
                        "a variable %s... is no line of UTF-8 that a file "
                        "could hold",
                        PREFIX);
        free(variable.name);
        return;
    }
    variable.value = cs_memory_text(equals + 1);
    settings->variables =
        cs_memory_grow(settings->variables, settings->nvariables + 1,
                       sizeof(*settings->variables));
    settings->variables[settings->nvariables++] = variable;
}

static char *variable_name(const char *section, const char *key)
{
    char *name = cs_memory_format("%s%s__%s", PREFIX, section, key);

    for (char *at = name; *at; at++)
        *at = isalnum((unsigned char)*at) ? (char)toupper((unsigned char)*at)
                                          : '_';
    return name;
}

static void know_name(struct cs_settings *settings, char *stolen)
{
    settings->known = cs_memory_grow(settings->known, settings->nknown + 1,
                                     sizeof(*settings->known));
    settings->known[settings->nknown++] = stolen;
}

static void take_variable(struct cs_settings *settings,
                          struct variable *variable, const char *section,
                          const char *key, struct cs_problems *problems)
{
    struct cs_setting **old = slot(settings, section, key);
    char *file;

    if (variable->key && (strcmp(variable->key, key) != 0 ||
                          strcmp(variable->section, section) != 0)) {
        cs_problems_add(problems, "environment", 0,
                        "%s could mean [%s] %s and [%s] %s: set it in a file",
                        variable->name, variable->section, variable->key,
                        section, key);
        return;
    }
    if (variable->key)
        return;
    variable->section = cs_memory_text(section);
    variable->key = cs_memory_text(key);
    if (old && strcmp((*old)->file, SET) == 0)
        return;
    file = cs_memory_format("environment %s", variable->name);
    put(settings, setting_new(section, key, variable->value, file, 0));
    free(file);
}

void cs_settings_claim(struct cs_settings *settings, const char *section,
                       const char *key, struct cs_problems *problems)
{
    char *name = variable_name(section, key);

    for (size_t i = 0; i < settings->nvariables; i++)
        if (strcmp(settings->variables[i].name, name) == 0)
            take_variable(settings, &settings->variables[i], section, key,
                          problems);
    know_name(settings, name);
}

void cs_settings_unclaimed(const struct cs_settings *settings,
                           struct cs_problems *problems)
{
    const char **known = cs_memory_array(settings->nknown + 1, sizeof(*known));

    for (size_t i = 0; i < settings->nknown; i++)
        known[i] = settings->known[i];
    for (size_t i = 0; i < settings->nvariables; i++) {
        const struct variable *variable = &settings->variables[i];
        const char *near;

        if (variable->key)
            continue;
        near = cs_text_nearest(variable->name, known);
        cs_problems_add(problems, "environment", 0,
                        "%s belongs to no setting%s%s%s", variable->name,
                        near ? ": did you mean " : "", near ? near : "",
                        near ? "?" : "");
    }
    free(known);
}

/* ---- Settings against their tables --------------------------------------- */

static void claim_all(struct cs_settings *settings, const char *section,
                      const struct cs_option *options,
                      struct cs_problems *problems)
{
    for (; options && options->name; options++)
        cs_settings_claim(settings, section, options->name, problems);
}

void cs_settings_know(struct cs_settings *settings, const char *section,
                      const struct cs_option *options,
                      const struct cs_option *more,
                      struct cs_problems *problems)
{
    claim_all(settings, section, options, problems);
    claim_all(settings, section, more, problems);
    for (size_t i = 0; i < settings->nitems; i++)
        if (strcmp(settings->items[i]->section, section) == 0)
            cs_settings_check_key(settings->items[i], options, more, problems);
}

/* ---- Reading it all ------------------------------------------------------ */

static void list_sections(struct cs_settings *settings)
{
    settings->sections =
        cs_memory_array(settings->nheadings + 1, sizeof(*settings->sections));
    for (size_t i = 0; i < settings->nheadings; i++)
        settings->sections[i] = settings->headings[i]->section;
}

/* Sections that only wiring understands stay unchecked. */
static void check_core(struct cs_settings *settings,
                       struct cs_problems *problems)
{
    size_t before = problems->n;

    for (size_t i = 0; i < settings->nheadings; i++) {
        cs_settings_check_section(settings->headings[i], problems);
        if (strncmp(settings->headings[i]->section, "pipeline.", 9) == 0)
            cs_settings_know(settings, settings->headings[i]->section,
                             cs_settings_pipeline, NULL, problems);
    }
    for (const struct cs_settings_table *table = cs_settings_tables;
         table->section; table++)
        cs_settings_know(settings, table->section, table->options, NULL,
                         problems);
    if (problems->n > before)
        return; /* values have to be sound before they can be compared */
    cs_settings_check_whole(settings, problems);
}

void cs_settings_read(struct cs_settings **settings,
                      const struct cs_settings_request *request,
                      struct cs_problems *problems)
{
    struct cs_settings *made = cs_memory_new(sizeof(*made));
    const char *slash;

    made->file = cs_memory_text(request->file ? request->file : CS_CONF_FILE);
    slash = strrchr(made->file, '/');
    made->dropins =
        slash ? cs_memory_format("%.*s/conf.d", (int)(slash - made->file),
                                 made->file)
              : cs_memory_text("conf.d");
    read_files(made, problems);
    for (char *const *entry = request->environment; entry && *entry; entry++)
        read_variable(made, *entry, problems);
    for (const char *const *set = request->sets; set && *set; set++)
        read_set(made, *set, problems);
    list_sections(made);
    check_core(made, problems);
    *settings = made;
}

void cs_settings_free(struct cs_settings *settings)
{
    if (!settings)
        return;
    for (size_t i = 0; i < settings->nitems; i++)
        setting_free(settings->items[i]);
    for (size_t i = 0; i < settings->nheadings; i++)
        setting_free(settings->headings[i]);
    for (size_t i = 0; i < settings->nvariables; i++) {
        free(settings->variables[i].name);
        free(settings->variables[i].value);
        free(settings->variables[i].section);
        free(settings->variables[i].key);
    }
    for (size_t i = 0; i < settings->nknown; i++)
        free(settings->known[i]);
    free(settings->items);
    free(settings->headings);
    free(settings->sections);
    free(settings->variables);
    free(settings->known);
    free(settings->file);
    free(settings->dropins);
    free(settings);
}

/* ---- Asking -------------------------------------------------------------- */

const struct cs_option *cs_settings_table(const char *section)
{
    for (const struct cs_settings_table *table = cs_settings_tables;
         table->section; table++)
        if (strcmp(table->section, section) == 0)
            return table->options;
    return NULL;
}

const struct cs_option *cs_settings_option(const struct cs_option *options,
                                           const char *key)
{
    for (; options && options->name; options++)
        if (strcmp(options->name, key) == 0)
            return options;
    return NULL;
}

const char *cs_settings_text(const struct cs_settings *settings,
                             const char *section, const char *key)
{
    const struct cs_option *option =
        cs_settings_option(cs_settings_table(section), key);
    const struct cs_setting *setting = cs_settings_find(settings, section, key);

    assert(option);
    if (!setting)
        return option->fallback;
    return setting->value[0] || option->fallback ? setting->value : NULL;
}

long cs_settings_number(const struct cs_settings *settings, const char *section,
                        const char *key)
{
    return (long)cs_settings_decimal(settings, section, key);
}

double cs_settings_decimal(const struct cs_settings *settings,
                           const char *section, const char *key)
{
    double value = 0;

    cs_value_number(cs_settings_text(settings, section, key), &value);
    return value;
}

bool cs_settings_flag(const struct cs_settings *settings, const char *section,
                      const char *key)
{
    return strcmp(cs_settings_text(settings, section, key), "true") == 0;
}

double cs_settings_limit(const struct cs_settings *settings,
                         const char *section, const char *key, bool *percent)
{
    double value = 0;

    cs_value_limit(cs_settings_text(settings, section, key), &value, percent);
    return value;
}

const struct cs_setting *cs_settings_find(const struct cs_settings *settings,
                                          const char *section, const char *key)
{
    struct cs_setting **found = slot(settings, section, key);

    return found ? *found : NULL;
}

size_t cs_settings_count(const struct cs_settings *settings)
{
    return settings->nitems;
}

const struct cs_setting *cs_settings_at(const struct cs_settings *settings,
                                        size_t i)
{
    return settings->items[i];
}

const char *const *cs_settings_sections(const struct cs_settings *settings)
{
    return settings->sections;
}

const struct cs_setting *cs_settings_heading(const struct cs_settings *settings,
                                             const char *section)
{
    for (size_t i = 0; i < settings->nheadings; i++)
        if (strcmp(settings->headings[i]->section, section) == 0)
            return settings->headings[i];
    return NULL;
}

const char *cs_settings_dropins(const struct cs_settings *settings)
{
    return settings->dropins;
}

const char *cs_settings_file(const struct cs_settings *settings)
{
    return settings->file;
}
