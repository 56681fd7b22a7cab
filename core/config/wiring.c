/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

#include "config.h"

#include "config/wiring.h"

#include "http/http-target.h"
#include "base/memory.h"
#include "base/text.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct work { /* what is passed around while the wiring is made */
    struct cs_wiring *wiring;
    struct cs_settings *settings;
    struct cs_loader *loader;
    struct cs_problems *problems;
    bool lacking; /* some plugin could not be loaded */
};

/* What every section of a plugin has beside the plugin's own options. */
static const struct cs_option common[] = {
    {"plugin", CS_OPT_TEXT, NULL, NULL,
     "the plugin, unless the section has its name"},
    {NULL, 0, NULL, NULL, NULL},
};

/* place NULL: a default speaks, nobody wrote it anywhere. */
#define complain(work, place, ...)                                    \
    cs_problems_add((work)->problems, (place) ? (place)->file : NULL, \
                    (place) ? (place)->line : 0, __VA_ARGS__)

/* ---- Parts --------------------------------------------------------------- */

static struct cs_part *part_find(const struct work *work, const char *section)
{
    for (size_t i = 0; i < work->wiring->nparts; i++)
        if (strcmp(work->wiring->parts[i]->section, section) == 0)
            return work->wiring->parts[i];
    return NULL;
}

/* A section of that kind whose name is near, or NULL. */
static const char *near_section(const struct work *work, enum cs_kind kind,
                                const char *name)
{
    const char *const *sections = cs_settings_sections(work->settings);
    size_t length = strlen(cs_loader_kind(kind)), n = 0;
    const char **names, *near;

    while (sections[n])
        n++;
    names = cs_memory_array(n + 1, sizeof(*names));
    n = 0;
    for (; *sections; sections++)
        if (strncmp(*sections, cs_loader_kind(kind), length) == 0 &&
            (*sections)[length] == '.')
            names[n++] = *sections + length + 1;
    near = cs_text_nearest(name, names);
    free(names);
    return near;
}

/* Says why a part has no plugin, where somebody can mend it: at the key that
 * names the plugin, else at the section's heading, else at the key that names
 * the part.  place NULL: a default names it. */
static void say_lacking(struct work *work, enum cs_kind kind,
                        const struct cs_part *part,
                        const struct cs_setting *place,
                        const struct cs_error *error)
{
    bool absent = error->rc == CS_E_NOT_HERE;
    const char *near;

    if (!place) {
        complain(work, place, "[%s] is wanted by default, but %s",
                 part->section, error->text);
        return;
    }
    if (!place->key) {
        complain(
            work, place, "[%s] %s%s", part->section,
            absent ? "names no plugin, and " : "cannot be used: ", error->text);
        return;
    }
    if (!absent || strcmp(place->section, part->section) == 0) {
        complain(work, place, "[%s] %s: %s", place->section, place->key,
                 error->text);
        return;
    }
    near = near_section(work, kind, part->name);
    if (near)
        complain(work, place,
                 "[%s] %s: there is neither a section [%s] nor a plugin of "
                 "that name: did you mean %s?",
                 place->section, place->key, part->section, near);
    else
        complain(work, place, "[%s] %s: there is no section [%s], and %s",
                 place->section, place->key, part->section, error->text);
}

static const struct cs_module *module_of(struct work *work, enum cs_kind kind,
                                         const struct cs_part *part,
                                         const struct cs_setting *place)
{
    const struct cs_setting *plugin =
        cs_settings_find(work->settings, part->section, "plugin");
    const char *name = plugin ? plugin->value : part->name;
    struct cs_error error = {0};
    const struct cs_module *module =
        cs_loader_get(work->loader, kind, name, &error);

    if (!module) {
        work->lacking = true;
        say_lacking(work, kind, part, plugin ? plugin : place, &error);
    }
    return module;
}

/* An option that the operator must set is set. */
static void check_required(struct work *work, const struct cs_part *part,
                           const struct cs_setting *place)
{
    const struct cs_option *option = part->module->plugin.options;

    for (; option && option->name; option++)
        if (!option->fallback && !(option->type & CS_OPT_OPTIONAL) &&
            !cs_settings_find(work->settings, part->section, option->name))
            complain(work, place, "[%s] %s must be set: %s", part->section,
                     option->name, option->help);
}

/* Options that are called so hold addresses that HTTP has to accept. */
static bool is_address(const struct cs_option *option)
{
    static const char end[] = "url";
    size_t length = strlen(option->name);
    size_t before = length - strlen(end);

    return length >= strlen(end) && !(option->type & CS_OPT_TEMPLATE) &&
           strcmp(option->name + before, end) == 0 &&
           (before == 0 || option->name[before - 1] == '_');
}

/* What a run would refuse at its first request is refused before. */
static void check_addresses(struct work *work, const struct cs_part *part)
{
    const struct cs_option *option = part->module->plugin.options;

    for (; option && option->name; option++) {
        const struct cs_setting *setting =
            cs_settings_find(work->settings, part->section, option->name);
        struct cs_http_target target;
        struct cs_error error = {0};

        if (!setting || !setting->value[0] || !is_address(option))
            continue;
        if (cs_http_target_set(&target, setting->value, false, &error) != CS_OK)
            complain(work, setting, "[%s] %s: %s", part->section, option->name,
                     error.text);
        cs_http_target_clear(&target);
    }
}

/* The part that `name` stands for, made and checked when it is first named;
 * NULL when its plugin cannot be had, which has been said then. */
static const struct cs_part *part_get(struct work *work, enum cs_kind kind,
                                      const char *name,
                                      const struct cs_setting *place)
{
    char *section = cs_memory_format("%s.%s", cs_loader_kind(kind), name);
    struct cs_part *part = part_find(work, section);
    const struct cs_setting *heading;

    if (part) {
        free(section);
        return part->module ? part : NULL;
    }
    part = cs_memory_new(sizeof(*part));
    part->section = section;
    part->name = strchr(section, '.') + 1;
    work->wiring->parts =
        cs_memory_grow(work->wiring->parts, work->wiring->nparts + 1,
                       sizeof(*work->wiring->parts));
    work->wiring->parts[work->wiring->nparts++] = part;
    heading = cs_settings_heading(work->settings, section);
    if (heading)
        place = heading;
    cs_settings_claim(work->settings, section, "plugin", work->problems);
    part->module = module_of(work, kind, part, place);
    if (!part->module)
        return NULL;
    cs_settings_know(work->settings, section, part->module->plugin.options,
                     common, work->problems);
    check_required(work, part, place);
    check_addresses(work, part);
    return part;
}

/* ---- Who uses them ------------------------------------------------------- */

/* The parts that a key lists, in its order. */
static void make_list(struct work *work, const char *section, const char *key,
                      enum cs_kind kind, const struct cs_part ***list,
                      size_t *n)
{
    const struct cs_setting *place =
        cs_settings_find(work->settings, section, key);
    const char *value = cs_settings_text(work->settings, section, key);
    char **names = cs_text_words(value ? value : "");

    for (size_t i = 0; names[i]; i++) {
        const struct cs_part *part = part_get(work, kind, names[i], place);
        size_t before = 0;

        while (before < i && strcmp(names[before], names[i]) != 0)
            before++;
        if (before < i)
            complain(work, place, "[%s] %s has %s twice", section, key,
                     names[i]);
        else if (part) {
            *list = cs_memory_grow(*list, *n + 1, sizeof(**list));
            (*list)[(*n)++] = part;
        }
    }
    free(names);
}

static void make_session(struct work *work)
{
    const char *name = cs_settings_text(work->settings, "session", "sink");

    if (name)
        work->wiring->session =
            part_get(work, CS_SINK, name,
                     cs_settings_find(work->settings, "session", "sink"));
}

/* One key of a pipeline; NULL when it is unset or its part is not to be had. */
static const struct cs_part *joint(struct work *work, const char *section,
                                   const char *key, enum cs_kind kind,
                                   bool needed)
{
    const struct cs_setting *setting =
        cs_settings_find(work->settings, section, key);

    if (setting && setting->value[0])
        return part_get(work, kind, setting->value, setting);
    if (needed && !setting)
        complain(work, cs_settings_heading(work->settings, section),
                 "[%s] %s must be set", section, key);
    return NULL;
}

static void check_feed(struct work *work, const char *section, const char *key,
                       const struct cs_part *part, bool feed)
{
    const struct cs_setting *place =
        cs_settings_find(work->settings, section, key);

    if (part && part->module->ops.source.delta != feed)
        complain(work, place, "[%s] %s: %s gives %s, not %s", section, key,
                 part->section, feed ? "full listings" : "a feed of changes",
                 feed ? "a feed of changes" : "full listings");
}

static void check_table(struct work *work, const char *section,
                        const struct cs_pipeline *pipeline)
{
    const struct cs_wiring *wiring = work->wiring;
    const char *table = pipeline->mapper->module->ops.mapper.entity->table;

    for (size_t i = 0; i < wiring->npipelines; i++) {
        const struct cs_pipeline *other = &wiring->pipelines[i];

        if (other->sink == pipeline->sink &&
            strcasecmp(other->mapper->module->ops.mapper.entity->table,
                       table) == 0)
            complain(work, cs_settings_find(work->settings, section, "sink"),
                     "[%s] and [pipeline.%s] both write %s of [%s]", section,
                     other->name, table, pipeline->sink->section);
    }
}

static void make_pipeline(struct work *work, const char *section)
{
    struct cs_wiring *wiring = work->wiring;
    struct cs_pipeline pipeline = {
        .name = strchr(section, '.') + 1,
        .source = joint(work, section, "source", CS_SOURCE, true),
        .delta = joint(work, section, "delta", CS_SOURCE, false),
        .mapper = joint(work, section, "mapper", CS_MAPPER, true),
        .sink = joint(work, section, "sink", CS_SINK, true),
    };

    check_feed(work, section, "source", pipeline.source, false);
    check_feed(work, section, "delta", pipeline.delta, true);
    if (!pipeline.source || !pipeline.mapper || !pipeline.sink)
        return;
    check_table(work, section, &pipeline);
    wiring->pipelines = cs_memory_grow(
        wiring->pipelines, wiring->npipelines + 1, sizeof(*wiring->pipelines));
    wiring->pipelines[wiring->npipelines++] = pipeline;
}

/* Sections that nothing uses are checked as well: a slip in one should not
 * wait until somebody does. */
static void make_unused(struct work *work, const char *section)
{
    const char *dot = strchr(section, '.');
    char *word = dot ? cs_memory_textn(section, (size_t)(dot - section)) : NULL;
    int kind = word ? cs_loader_kind_of(word) : 0;

    if (kind)
        part_get(work, (enum cs_kind)kind, dot + 1,
                 cs_settings_heading(work->settings, section));
    free(word);
}

void cs_wiring_make(struct cs_wiring *wiring, struct cs_settings *settings,
                    struct cs_loader *loader, struct cs_problems *problems)
{
    struct work work = {wiring, settings, loader, problems, false};
    const char *const *sections = cs_settings_sections(settings);

    *wiring = (struct cs_wiring){0};
    make_list(&work, "cleversync", "credentials", CS_CREDENTIAL,
              &wiring->credentials, &wiring->ncredentials);
    make_list(&work, "monitoring", "notifiers", CS_NOTIFIER, &wiring->notifiers,
              &wiring->nnotifiers);
    make_session(&work);
    for (size_t i = 0; sections[i]; i++)
        if (strncmp(sections[i], "pipeline.", strlen("pipeline.")) == 0)
            make_pipeline(&work, sections[i]);
    for (size_t i = 0; sections[i]; i++)
        make_unused(&work, sections[i]);
    /* A plugin that is lacking may be the one that knows the variable. */
    if (!work.lacking)
        cs_settings_unclaimed(settings, problems);
}

void cs_wiring_clear(struct cs_wiring *wiring)
{
    for (size_t i = 0; i < wiring->nparts; i++) {
        free(wiring->parts[i]->section);
        free(wiring->parts[i]);
    }
    free(wiring->parts);
    free(wiring->credentials);
    free(wiring->notifiers);
    free(wiring->pipelines);
    *wiring = (struct cs_wiring){0};
}

const char *cs_wiring_value(const struct cs_settings *settings,
                            const struct cs_part *part, const char *key)
{
    const struct cs_option *option =
        cs_settings_option(part->module->plugin.options, key);
    const struct cs_setting *setting;

    if (!option)
        return NULL;
    setting = cs_settings_find(settings, part->section, key);
    if (!setting)
        return option->fallback;
    return setting->value[0] || option->fallback ? setting->value : NULL;
}
