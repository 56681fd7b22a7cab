/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* plugins list, info, enable, disable.  They work with a faulty configuration,
 * too: they may be what mends it. */

#include "config.h"

#include "command/cmd.h"

#include "app.h"
#include "base/memory.h"
#include "command/roff.h"
#include "command/table.h"
#include "base/text.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- list ---------------------------------------------------------------- */

static void list_row(void *arg, enum cs_kind kind, const char *name,
                     const struct cs_module *module,
                     const struct cs_error *error)
{
    struct cs_table *table = arg;
    char *interface =
        module ? cs_memory_format("%u.%u", (unsigned)module->plugin.abi_major,
                                  (unsigned)module->plugin.abi_minor)
               : NULL;
    char *about = module ? cs_memory_text(module->plugin.summary)
                         : cs_memory_format("refused: %s", error->text);

    cs_table_text(table, cs_loader_kind(kind));
    cs_table_text(table, name);
    cs_table_text(table, module ? module->plugin.version : NULL);
    cs_table_text(table, interface);
    cs_table_text(table, module ? "ok" : "refused");
    cs_table_text(table, about);
    free(interface);
    free(about);
}

const struct cs_cli_option cs_cmd_plugins_list_options[] = {{.name = NULL}};

int cs_cmd_plugins_list(const struct cs_arguments *arguments)
{
    static const struct cs_table_column columns[] = {
        {"KIND", "kind", false},       {"NAME", "name", false},
        {"VERSION", "version", false}, {"INTERFACE", "interface", false},
        {NULL, "state", false},        {"ABOUT", "about", false},
        {NULL, NULL, false},
    };
    struct cs_problems problems = {0};
    int status = CS_EXIT_OK;
    struct cs_table *table;
    struct cs_app app;

    cs_app_read(&app, arguments, &problems);
    if (app.loader) {
        table = cs_table_new(columns);
        cs_loader_each(app.loader, list_row, table);
        if (cs_arguments_json(arguments))
            cs_cli_print(json_pack("{so}", "plugins", cs_table_json(table)));
        else
            cs_table_print(table, stdout);
        cs_table_free(table);
    } else {
        status = cs_app_problems(arguments, &problems);
    }
    cs_problems_clear(&problems);
    cs_app_close(&app);
    return status;
}

/* ---- info ---------------------------------------------------------------- */

static const char *type_word(unsigned type)
{
    switch (type & 0xFF) {
    case CS_OPT_NUMBER:
        return "number";
    case CS_OPT_FLAG:
        return "flag";
    case CS_OPT_SECRET:
        return "name of a secret";
    default:
        return "text";
    }
}

static struct cs_table *options_table(const struct cs_option *option)
{
    static const struct cs_table_column columns[] = {
        {"OPTION", "name", false},       {"TYPE", "type", false},
        {"TEMPLATE", "template", false}, {"NEEDED", "needed", false},
        {"DEFAULT", "default", false},   {"ALLOWED", "allowed", false},
        {"ABOUT", "about", false},       {NULL, NULL, false},
    };
    struct cs_table *table = cs_table_new(columns);

    for (; option && option->name; option++) {
        cs_table_text(table, option->name);
        cs_table_text(table, type_word(option->type));
        cs_table_flag(table, option->type & CS_OPT_TEMPLATE);
        cs_table_flag(table,
                      !option->fallback && !(option->type & CS_OPT_OPTIONAL));
        cs_table_text(table, option->fallback);
        cs_table_text(table, option->allowed);
        cs_table_text(table, option->help);
    }
    return table;
}

static struct cs_table *columns_table(const struct cs_entity *entity)
{
    static const struct cs_table_column columns[] = {
        {"COLUMN", "name", false},  {"TYPE", "type", false},
        {"LENGTH", "length", true}, {"KEY", "key", false},
        {NULL, NULL, false},
    };
    static const char *const types[] = {
        [CS_BOOL] = "flag",
        [CS_INT] = "number",
        [CS_TEXT] = "text",
        [CS_TIME] = "time",
    };
    struct cs_table *table = cs_table_new(columns);

    for (size_t i = 0; i < entity->ncolumns; i++) {
        const struct cs_column *column = &entity->columns[i];

        cs_table_text(table, column->name);
        cs_table_text(table, types[column->type]);
        if (column->length > 0)
            cs_table_number(table, column->length);
        else
            cs_table_text(table, NULL);
        cs_table_flag(table, column->flags & CS_KEY);
    }
    return table;
}

static void info_json(const struct cs_module *module,
                      const struct cs_table *options,
                      const struct cs_table *columns)
{
    const struct cs_plugin *plugin = &module->plugin;
    json_t *info = json_object(), *reads = json_array();

    json_object_set_new(info, "kind",
                        json_string(cs_loader_kind(module->kind)));
    json_object_set_new(info, "name", json_string(plugin->name));
    json_object_set_new(info, "version", json_string(plugin->version));
    json_object_set_new(info, "summary", json_string(plugin->summary));
    json_object_set_new(info, "file", json_string(module->path));
    json_object_set_new(info, "options", cs_table_json(options));
    if (columns) {
        const struct cs_mapper_ops *mapper = &module->ops.mapper;

        for (size_t i = 0; mapper->reads[i]; i++)
            json_array_append_new(reads, json_string(mapper->reads[i]));
        json_object_set_new(info, "table", json_string(mapper->entity->table));
        json_object_set_new(info, "columns", cs_table_json(columns));
        json_object_set(info, "reads", reads);
    }
    json_decref(reads);
    cs_cli_print(info);
}

static void info_text(const struct cs_module *module,
                      const struct cs_table *options,
                      const struct cs_table *columns)
{
    const struct cs_plugin *plugin = &module->plugin;

    printf("%s/%s %s: %s\ninterface %u.%u, %s\n", cs_loader_kind(module->kind),
           plugin->name, plugin->version, plugin->summary,
           (unsigned)plugin->abi_major, (unsigned)plugin->abi_minor,
           module->path);
    if (cs_table_rows(options) > 0) {
        printf("\n");
        cs_table_print(options, stdout);
    } else {
        printf("no options\n");
    }
    if (columns) {
        const struct cs_mapper_ops *mapper = &module->ops.mapper;

        printf("\nwrites table %s\n", mapper->entity->table);
        cs_table_print(columns, stdout);
        printf("\nreads");
        for (size_t i = 0; mapper->reads[i]; i++)
            printf("%s %s", i > 0 ? "," : "", mapper->reads[i]);
        printf("\n");
    }
}

static void info_tables(const struct cs_arguments *arguments,
                        const struct cs_module *module)
{
    struct cs_table *options = options_table(module->plugin.options);
    struct cs_table *columns = module->kind == CS_MAPPER
                                   ? columns_table(module->ops.mapper.entity)
                                   : NULL;

    if (cs_arguments_json(arguments))
        info_json(module, options, columns);
    else
        info_text(module, options, columns);
    cs_table_free(options);
    if (columns)
        cs_table_free(columns);
}

static void info_roff(const struct cs_module *module)
{
    cs_roff_options(module->plugin.options);
    if (module->kind == CS_MAPPER)
        cs_roff_mapper(&module->ops.mapper);
}

const struct cs_cli_option cs_cmd_plugins_info_options[] = {
    {"roff", 0, NULL, "as a manual page has it, for mdoc(7)"},
    {.name = NULL},
};

int cs_cmd_plugins_info(const struct cs_arguments *arguments)
{
    const char *word = cs_arguments_operands(arguments)[0];
    bool roff = cs_arguments_flag(arguments, "roff");
    const struct cs_module *module;
    struct cs_app app;
    int status;

    if (roff && cs_arguments_json(arguments))
        return cs_cli_misuse(arguments, "--roff and -o json exclude each "
                                        "other");
    status = cs_app_find(&app, arguments, word, &module);
    if (status == CS_EXIT_OK && roff)
        info_roff(module);
    else if (status == CS_EXIT_OK)
        info_tables(arguments, module);
    cs_app_close(&app);
    return status;
}

/* ---- enable and disable -------------------------------------------------- */

struct change {
    const struct cs_arguments *arguments;
    const char *dropins; /* conf.d */
    const char *name;
    char *sample, *link; /* what is linked, and where */
    json_t *done;        /* an array; NULL: text */
};

static const char *available(void)
{
    const char *dir = secure_getenv("CLEVERSYNC_CONF_AVAILABLE");

    return dir ? dir : CS_CONF_AVAILABLE;
}

static int is_conf(const struct dirent *entry)
{
    size_t length = strlen(entry->d_name);

    return entry->d_name[0] != '.' && length > 5 &&
           strcmp(entry->d_name + length - 5, ".conf") == 0;
}

/* The names of the files in `dir`, without ".conf", and NULL. */
static char **names_in(const char *dir)
{
    struct dirent **entries = NULL;
    int n = scandir(dir, &entries, is_conf, alphasort);
    char **names = cs_memory_array(n > 0 ? (size_t)n + 1 : 1, sizeof(*names));

    for (int i = 0; i < n; i++) {
        names[i] =
            cs_memory_textn(entries[i]->d_name, strlen(entries[i]->d_name) - 5);
        free(entries[i]);
    }
    free(entries);
    return names;
}

static void names_free(char **names)
{
    for (char **name = names; *name; name++)
        free(*name);
    free(names);
}

int cs_cmd_plugins_names(const struct cs_arguments *arguments, bool enabled)
{
    struct cs_problems problems = {0};
    struct cs_app app;
    char **names;

    cs_app_read(&app, arguments, &problems);
    names = names_in(enabled ? cs_settings_dropins(app.settings) : available());
    for (char **name = names; *name; name++)
        puts(*name);
    names_free(names);
    cs_problems_clear(&problems);
    cs_app_close(&app);
    return CS_EXIT_OK;
}

/* "a, b, c"; yours. */
static char *joined(const char *const *names)
{
    char *text = cs_memory_text(*names ? *names : "nothing");

    for (size_t i = 1; *names && names[i]; i++) {
        char *longer = cs_memory_format("%s, %s", text, names[i]);

        free(text);
        text = longer;
    }
    return text;
}

/* Says that nothing of that name is in `dir`, and what is. */
static int unknown_name(const struct change *change, const char *dir)
{
    char **names = names_in(dir);
    const char *const *known = (const char *const *)names;
    const char *near = cs_text_nearest(change->name, known);
    char *there = joined(known);
    int status = cs_cli_misuse(change->arguments,
                               "there is no %s.conf in %s%s%s%s; there is %s",
                               change->name, dir, near ? ": did you mean " : "",
                               near ? near : "", near ? "?" : "", there);

    names_free(names);
    free(there);
    return status;
}

/* Gives CS_EXIT_OK; with -o json all that was done is printed at the end. */
static int say(const struct change *change, bool enabled, bool changed)
{
    if (change->done)
        json_array_append_new(
            change->done, json_pack("{ss sb sb}", "name", change->name,
                                    "enabled", enabled, "changed", changed));
    else
        printf("%s is %s%s: %s\n", change->name, changed ? "now " : "already ",
               enabled ? "enabled" : "disabled", change->link);
    return CS_EXIT_OK;
}

static int fail(const struct change *change, enum cs_rc rc, const char *what,
                const char *why)
{
    struct cs_error error = {0};

    cs_error_set(&error, rc, "%s %s%s", change->link, what, why);
    return cs_app_fail(change->arguments, &error);
}

static int enable(const struct change *change)
{
    char *target = realpath(change->sample, NULL);
    int status;

    if (!target)
        status = unknown_name(change, available());
    else if ((mkdir(change->dropins, 0755) == 0 || errno == EEXIST) &&
             symlink(target, change->link) == 0)
        status = say(change, true, true);
    else if (errno == EEXIST)
        status = say(change, true, false);
    else
        status = fail(change, CS_E_FATAL, "cannot be made: ", strerror(errno));
    free(target);
    return status;
}

static int disable(const struct change *change)
{
    struct stat status;

    if (lstat(change->link, &status) != 0)
        return access(change->sample, F_OK) == 0
                   ? say(change, false, false)
                   : unknown_name(change, change->dropins);
    if (!S_ISLNK(status.st_mode))
        return fail(change, CS_E_CONFIG,
                    "is a file of your own, not a link: move it away yourself",
                    "");
    if (unlink(change->link) != 0)
        return fail(change, CS_E_FATAL, "cannot be removed: ", strerror(errno));
    return say(change, false, true);
}

static int change_one(const struct cs_arguments *arguments, const char *dropins,
                      const char *name, json_t *done,
                      int (*how)(const struct change *))
{
    struct change change = {arguments, dropins, name, NULL, NULL, done};
    int status;

    if (strchr(name, '/'))
        return cs_cli_misuse(arguments, "a name without / is expected");
    change.sample = cs_memory_format("%s/%s.conf", available(), name);
    change.link = cs_memory_format("%s/%s.conf", dropins, name);
    status = how(&change);
    free(change.sample);
    free(change.link);
    return status;
}

static int change_all(const struct cs_arguments *arguments,
                      int (*how)(const struct change *))
{
    const char *const *names = cs_arguments_operands(arguments);
    json_t *done = cs_arguments_json(arguments) ? json_array() : NULL;
    struct cs_problems problems = {0};
    int status = CS_EXIT_OK;
    struct cs_app app;

    cs_app_read(&app, arguments, &problems);
    for (; *names && status == CS_EXIT_OK; names++)
        status = change_one(arguments, cs_settings_dropins(app.settings),
                            *names, done, how);
    if (done && status == CS_EXIT_OK)
        cs_cli_print(json_pack("{sO}", "changes", done));
    json_decref(done);
    cs_problems_clear(&problems);
    cs_app_close(&app);
    return status;
}

const struct cs_cli_option cs_cmd_plugins_enable_options[] = {{.name = NULL}};

int cs_cmd_plugins_enable(const struct cs_arguments *arguments)
{
    return change_all(arguments, enable);
}

const struct cs_cli_option cs_cmd_plugins_disable_options[] = {{.name = NULL}};

int cs_cmd_plugins_disable(const struct cs_arguments *arguments)
{
    return change_all(arguments, disable);
}
