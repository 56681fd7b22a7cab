/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

#include "config.h"

#include "plugin/descriptor.h"

#include "base/memory.h"
#include "config/settings.h"
#include "config/value.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SMALL "abcdefghijklmnopqrstuvwxyz"
#define DIGITS "0123456789"

enum {
    NAME_LENGTH = 32,
    MOST_OPTIONS = 64, /* a table without an end must not be read for ever */
    MOST_COLUMNS = 64,
};

/* What is wrong, behind the file's path. */
#define refuse(module, error, ...) \
    refuse_with((module), (error), cs_memory_format(__VA_ARGS__))

static enum cs_rc refuse_with(const struct cs_module *module,
                              struct cs_error *error, char *stolen)
{
    cs_error_set(error, CS_E_CONFIG, "%s %s", module->path, stolen);
    free(stolen);
    return CS_E_CONFIG;
}

static bool made_of(const char *text, const char *allowed, size_t most)
{
    size_t n;

    if (!text)
        return false;
    n = strspn(text, allowed);
    return n > 0 && n <= most && text[n] == '\0';
}

bool cs_descriptor_name(const char *name)
{
    return made_of(name, SMALL DIGITS "-", NAME_LENGTH);
}

/* ---- Callbacks ----------------------------------------------------------- */

struct callback {
    enum cs_kind kind;
    bool feed; /* only of a source of changes */
    const char *name;
    size_t offset; /* in the vtable */
};

#define CALLBACK(KIND, TYPE, NAME)                      \
    {                                                   \
        KIND, false, #NAME, offsetof(struct TYPE, NAME) \
    }
#define FEED(NAME)                                                   \
    {                                                                \
        CS_SOURCE, true, #NAME, offsetof(struct cs_source_ops, NAME) \
    }

static const struct callback callbacks[] = {
    CALLBACK(CS_CREDENTIAL, cs_credential_ops, life.open),
    CALLBACK(CS_CREDENTIAL, cs_credential_ops, life.close),
    CALLBACK(CS_CREDENTIAL, cs_credential_ops, fetch),
    CALLBACK(CS_SOURCE, cs_source_ops, life.open),
    CALLBACK(CS_SOURCE, cs_source_ops, life.close),
    CALLBACK(CS_SOURCE, cs_source_ops, fetch),
    FEED(mark),
    FEED(order),
    CALLBACK(CS_MAPPER, cs_mapper_ops, entity),
    CALLBACK(CS_MAPPER, cs_mapper_ops, reads),
    CALLBACK(CS_MAPPER, cs_mapper_ops, map),
    CALLBACK(CS_SINK, cs_sink_ops, life.open),
    CALLBACK(CS_SINK, cs_sink_ops, life.close),
    CALLBACK(CS_SINK, cs_sink_ops, inspect),
    CALLBACK(CS_SINK, cs_sink_ops, alter),
    CALLBACK(CS_SINK, cs_sink_ops, lock),
    CALLBACK(CS_SINK, cs_sink_ops, holds),
    CALLBACK(CS_SINK, cs_sink_ops, unlock),
    CALLBACK(CS_SINK, cs_sink_ops, scan),
    CALLBACK(CS_SINK, cs_sink_ops, begin),
    CALLBACK(CS_SINK, cs_sink_ops, apply),
    CALLBACK(CS_SINK, cs_sink_ops, commit),
    CALLBACK(CS_SINK, cs_sink_ops, rollback),
    CALLBACK(CS_NOTIFIER, cs_notifier_ops, life.open),
    CALLBACK(CS_NOTIFIER, cs_notifier_ops, life.close),
    CALLBACK(CS_NOTIFIER, cs_notifier_ops, notify),
};

static enum cs_rc check_callbacks(const struct cs_module *module,
                                  struct cs_error *error)
{
    static const char nothing[sizeof(void *)];
    char *lacking = NULL;

    for (size_t i = 0; i < sizeof(callbacks) / sizeof(*callbacks); i++) {
        const struct callback *one = &callbacks[i];
        char *longer;

        if (one->kind != module->kind ||
            (one->feed && !module->ops.source.delta) ||
            memcmp((const char *)&module->ops + one->offset, nothing,
                   sizeof(nothing)) != 0)
            continue;
        longer = cs_memory_format("%s%s%s", lacking ? lacking : "",
                                  lacking ? ", " : "", one->name);
        free(lacking);
        lacking = longer;
    }
    if (!lacking)
        return CS_OK;
    refuse(module, error, "lacks what a %s needs: %s",
           cs_loader_kind(module->kind), lacking);
    free(lacking);
    return CS_E_CONFIG;
}

/* ---- Options ------------------------------------------------------------- */

static const char *option_fault(const struct cs_option *options, size_t at)
{
    const struct cs_option *option = &options[at];
    unsigned type = option->type & 0xFF;
    char *fault;

    if (!made_of(option->name, SMALL DIGITS "_", NAME_LENGTH))
        return "has a name that no key may have";
    if (strcmp(option->name, "plugin") == 0)
        return "has a name that is the core's";
    for (size_t i = 0; i < at; i++)
        if (strcmp(options[i].name, option->name) == 0)
            return "is declared twice";
    if (type < CS_OPT_TEXT || type > CS_OPT_SECRET ||
        option->type & ~(0xFFu | CS_OPT_TEMPLATE | CS_OPT_OPTIONAL))
        return "is of a type that there is not";
    if (!option->help)
        return "has no help";
    fault = option->fallback ? cs_value_fault(option, option->fallback) : NULL;
    free(fault);
    return fault ? "has a fallback that is not allowed" : NULL;
}

static enum cs_rc check_options(const struct cs_module *module,
                                struct cs_error *error)
{
    const struct cs_option *options = module->plugin.options;

    for (size_t i = 0; options && options[i].name; i++) {
        const char *fault = i < MOST_OPTIONS ? option_fault(options, i)
                                             : "is one more than may be";

        if (fault)
            return refuse(module, error, "is unsound: its option %zu %s", i + 1,
                          fault);
    }
    return CS_OK;
}

/* ---- Entities ------------------------------------------------------------ */

static bool is_identifier(const char *name)
{
    return made_of(name, SMALL "ABCDEFGHIJKLMNOPQRSTUVWXYZ" DIGITS "_", 64) &&
           !strchr(DIGITS, name[0]);
}

static const char *column_fault(const struct cs_entity *entity, size_t at)
{
    const struct cs_column *column = &entity->columns[at];

    if (!is_identifier(column->name))
        return "has no sound name";
    for (size_t i = 0; i < at; i++)
        if (strcasecmp(entity->columns[i].name, column->name) == 0)
            return "is declared twice";
    if (column->type < CS_BOOL || column->type > CS_TIME)
        return "is of a type that there is not";
    if (column->flags & CS_KEY && column->type != CS_TEXT)
        return "is the key, but no text";
    return NULL;
}

static enum cs_rc check_entity(const struct cs_module *module,
                               struct cs_error *error)
{
    const struct cs_entity *entity = module->ops.mapper.entity;
    size_t keys = 0;

    if (!made_of(entity->name, SMALL, NAME_LENGTH) ||
        !made_of(entity->collection, SMALL "_", NAME_LENGTH) ||
        !is_identifier(entity->table) || !entity->columns)
        return refuse(module, error,
                      "is unsound: its entity lacks a name, a collection, a "
                      "table or columns");
    if (entity->ncolumns > MOST_COLUMNS)
        return refuse(module, error,
                      "is unsound: its entity has more than %d columns",
                      MOST_COLUMNS);
    for (size_t i = 0; i < entity->ncolumns; i++) {
        const char *fault = column_fault(entity, i);

        if (fault)
            return refuse(module, error, "is unsound: its column %zu %s", i + 1,
                          fault);
        keys += (entity->columns[i].flags & CS_KEY) != 0;
    }
    if (keys != 1)
        return refuse(module, error,
                      "is unsound: its entity has %zu keys, not one", keys);
    return CS_OK;
}

/* ---- The whole ----------------------------------------------------------- */

/* What a plugin has is as long as in interface 1.0, or as ours, or between the
 * two; what it lacks stays NULL.  1.0 ends with these members. */
#define FIRST(TYPE, LAST) \
    (offsetof(struct TYPE, LAST) + sizeof(((struct TYPE *)NULL)->LAST))
#define SIZES(TYPE, LAST)                      \
    {                                          \
        FIRST(TYPE, LAST), sizeof(struct TYPE) \
    }

struct sizes {
    size_t least, most;
};
static const struct sizes descriptor = SIZES(cs_plugin, ops);
static const struct sizes vtables[] = {
    [CS_CREDENTIAL] = SIZES(cs_credential_ops, fetch),
    [CS_SOURCE] = SIZES(cs_source_ops, fetch),
    [CS_MAPPER] = SIZES(cs_mapper_ops, map),
    [CS_SINK] = SIZES(cs_sink_ops, script_end),
    [CS_NOTIFIER] = SIZES(cs_notifier_ops, notify),
};

static bool fits(const struct sizes *sizes, size_t size)
{
    return size >= sizes->least && size <= sizes->most;
}

/* The first two numbers never move: they tell how to read the rest. */
static enum cs_rc check_version(const struct cs_module *module,
                                const struct cs_plugin *found, size_t size,
                                struct cs_error *error)
{
    if (size < offsetof(struct cs_plugin, size))
        return refuse(module, error, "is unsound: its descriptor is too small");
    if (found->abi_major == CS_ABI_MAJOR && found->abi_minor <= CS_ABI_MINOR)
        return CS_OK;
    return refuse(module, error,
                  "is built for plugin interface %u.%u, this cleversync has "
                  "%d.%d: %s",
                  (unsigned)found->abi_major, (unsigned)found->abi_minor,
                  CS_ABI_MAJOR, CS_ABI_MINOR,
                  found->abi_major == CS_ABI_MAJOR
                      ? "a newer cleversync is needed"
                      : "rebuild the plugin");
}

static enum cs_rc check_descriptor(const struct cs_module *module,
                                   const struct cs_plugin *found, size_t size,
                                   const char *name, struct cs_error *error)
{
    enum cs_rc rc = check_version(module, found, size, error);

    if (rc != CS_OK)
        return rc;
    if (size < descriptor.least || !fits(&descriptor, found->size) ||
        size < found->size)
        return refuse(module, error,
                      "is unsound: its descriptor does not have the %zu bytes "
                      "of interface %d.%d",
                      descriptor.most, CS_ABI_MAJOR, CS_ABI_MINOR);
    if (found->kind < CS_CREDENTIAL || found->kind > CS_NOTIFIER)
        return refuse(module, error, "is a plugin of a kind that there is not");
    if (module->kind && found->kind != module->kind)
        return refuse(module, error,
                      "is a %s plugin: it does not belong among those of the "
                      "kind %s",
                      cs_loader_kind((enum cs_kind)found->kind),
                      cs_loader_kind(module->kind));
    if (!cs_descriptor_name(found->name))
        return refuse(module, error, "is unsound: it has no name");
    if (strcmp(found->name, name) != 0)
        return refuse(module, error,
                      "calls itself %s: a plugin's file must have its name",
                      found->name);
    if (!found->version || !found->summary)
        return refuse(module, error,
                      "is unsound: it has no version or no summary");
    if (!found->ops || !fits(&vtables[found->kind], found->ops_size))
        return refuse(module, error,
                      "is unsound: its callbacks do not have the %zu bytes of "
                      "interface %d.%d",
                      vtables[found->kind].most, CS_ABI_MAJOR, CS_ABI_MINOR);
    return CS_OK;
}

enum cs_rc cs_descriptor_take(struct cs_module *module, const void *found,
                              size_t size, const char *name,
                              struct cs_error *error)
{
    enum cs_rc rc = check_descriptor(module, found, size, name, error);

    if (rc != CS_OK)
        return rc;
    memcpy(&module->plugin, found, ((const struct cs_plugin *)found)->size);
    module->kind = (enum cs_kind)module->plugin.kind;
    memcpy(&module->ops, module->plugin.ops, module->plugin.ops_size);
    rc = check_callbacks(module, error);
    if (rc == CS_OK)
        rc = check_options(module, error);
    if (rc == CS_OK && module->kind == CS_MAPPER)
        rc = check_entity(module, error);
    return rc;
}
