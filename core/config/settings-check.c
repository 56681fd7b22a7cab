/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

#include "config.h"

#include "config/settings-check.h"

#include "daemon/cron.h"
#include "base/memory.h"
#include "base/text.h"
#include "config/value.h"
#include "web/web-address.h"

#include <assert.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { SHOWN = 40 }; /* longest value that a message quotes */

#define ZONES "/usr/share/zoneinfo/"

/* ---- Which sections there are -------------------------------------------- */

static const char *const kinds[] = {"credential", "source",   "mapper", "sink",
                                    "notifier",   "pipeline", NULL};

static bool is_kind(const char *word)
{
    for (size_t i = 0; kinds[i]; i++)
        if (strcmp(kinds[i], word) == 0)
            return true;
    return false;
}

static bool is_name(const char *name)
{
    size_t n = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-_");

    return n > 0 && name[n] == '\0';
}

/* [KIND.NAME] of a kind that there is not. */
static void unknown_kind(const struct cs_setting *heading, const char *kind,
                         const char *name, struct cs_problems *problems)
{
    const char *near = cs_text_nearest(kind, kinds);

    if (near)
        cs_problems_add(problems, heading->file, heading->line,
                        "there is no section [%s]: did you mean [%s.%s]?",
                        heading->section, near, name);
    else
        cs_problems_add(problems, heading->file, heading->line,
                        "there is no section [%s]", heading->section);
}

static void unknown_section(const struct cs_setting *heading,
                            struct cs_problems *problems)
{
    const char *names[32], *near;
    size_t n = 0;

    if (is_kind(heading->section)) {
        cs_problems_add(problems, heading->file, heading->line,
                        "section [%s] needs a name: [%s.NAME]",
                        heading->section, heading->section);
        return;
    }
    for (; cs_settings_tables[n].section; n++) {
        assert(n + 1 < sizeof(names) / sizeof(*names));
        names[n] = cs_settings_tables[n].section;
    }
    names[n] = NULL;
    near = cs_text_nearest(heading->section, names);
    cs_problems_add(problems, heading->file, heading->line,
                    "there is no section [%s]%s%s%s", heading->section,
                    near ? ": did you mean [" : "", near ? near : "",
                    near ? "]?" : "");
}

void cs_settings_check_section(const struct cs_setting *heading,
                               struct cs_problems *problems)
{
    const char *dot = strchr(heading->section, '.');
    char *kind;

    if (!dot) {
        if (!cs_settings_table(heading->section))
            unknown_section(heading, problems);
        return;
    }
    kind = cs_memory_textn(heading->section, (size_t)(dot - heading->section));
    if (!is_kind(kind))
        unknown_kind(heading, kind, dot + 1, problems);
    else if (!is_name(dot + 1))
        cs_problems_add(problems, heading->file, heading->line,
                        "the name in [%s] may only hold small letters, "
                        "digits, - and _",
                        heading->section);
    free(kind);
}

/* ---- Keys and values ----------------------------------------------------- */

static size_t names_of(const struct cs_option *options, const char **names)
{
    size_t n = 0;

    for (; options && options[n].name; n++)
        if (names)
            names[n] = options[n].name;
    return n;
}

static void unknown_key(const struct cs_setting *setting,
                        const struct cs_option *options,
                        const struct cs_option *more,
                        struct cs_problems *problems)
{
    size_t n = names_of(options, NULL);
    const char **names =
        cs_memory_array(n + names_of(more, NULL) + 1, sizeof(*names));
    const char *near;

    names_of(options, names);
    names_of(more, names + n);
    near = cs_text_nearest(setting->key, names);
    cs_problems_add(problems, setting->file, setting->line,
                    "[%s] has no key %s%s%s%s", setting->section, setting->key,
                    near ? ": did you mean " : "", near ? near : "",
                    near ? "?" : "");
    free(names);
}

bool cs_settings_check(const struct cs_option *option,
                       const struct cs_setting *setting,
                       struct cs_problems *problems)
{
    char *fault = cs_value_fault(option, setting->value);
    /* A secret may have been written where its name belongs, and long text
     * says nothing in a message. */
    bool show = (option->type & 0xFF) != CS_OPT_SECRET && setting->value[0] &&
                strlen(setting->value) <= SHOWN;

    if (!fault)
        return true;
    if (strncmp(fault, "must be", strlen("must be")) != 0)
        show = false;
    cs_problems_add(problems, setting->file, setting->line, "[%s] %s %s%s%s%s",
                    setting->section, setting->key, fault,
                    show ? ", not \"" : "", show ? setting->value : "",
                    show ? "\"" : "");
    free(fault);
    return false;
}

void cs_settings_check_key(const struct cs_setting *setting,
                           const struct cs_option *options,
                           const struct cs_option *more,
                           struct cs_problems *problems)
{
    const struct cs_option *option = cs_settings_option(options, setting->key);

    if (!option)
        option = cs_settings_option(more, setting->key);
    if (option)
        cs_settings_check(option, setting, problems);
    else
        unknown_key(setting, options, more, problems);
}

/* ---- What tables cannot say ---------------------------------------------- */

static void check_pages(const struct cs_settings *settings,
                        struct cs_problems *problems)
{
    const struct cs_setting *most =
        cs_settings_find(settings, "sync", "page_size_max");
    const struct cs_setting *least =
        cs_settings_find(settings, "sync", "page_size");
    const struct cs_setting *place = most ? most : least;

    if (place && cs_settings_number(settings, "sync", "page_size_max") <
                     cs_settings_number(settings, "sync", "page_size"))
        cs_problems_add(problems, place->file, place->line,
                        "[sync] page_size_max must not be less than "
                        "page_size");
}

static void check_zone(const struct cs_settings *settings,
                       struct cs_problems *problems)
{
    const struct cs_setting *zone =
        cs_settings_find(settings, "sync", "time_zone");
    struct stat status;
    char *path;

    if (!zone || strcmp(zone->value, "UTC") == 0)
        return;
    path = cs_memory_format("%s%s", ZONES, zone->value);
    if (!isalpha((unsigned char)zone->value[0]) || strchr(zone->value, '.') ||
        stat(path, &status) != 0 || !S_ISREG(status.st_mode))
        cs_problems_add(problems, zone->file, zone->line,
                        "[sync] time_zone must be UTC or a name under "
                        "%s such as America/Chicago",
                        ZONES);
    free(path);
}

static void check_schedule(const struct cs_settings *settings,
                           struct cs_problems *problems)
{
    const struct cs_setting *set =
        cs_settings_find(settings, "schedule", "cron_expression");
    struct cs_error error;
    struct cs_cron cron;

    if (set && set->value[0] &&
        cs_cron_parse(&cron, set->value, &error) != CS_OK)
        cs_problems_add(problems, set->file, set->line,
                        "[schedule] cron_expression: %s", error.text);
}

static void check_prefix(const struct cs_settings *settings,
                         struct cs_problems *problems)
{
    const struct cs_setting *prefix =
        cs_settings_find(settings, "cleversync", "secret_prefix");
    size_t n = 0;

    if (!prefix)
        return;
    while (isalnum((unsigned char)prefix->value[n]) || prefix->value[n] == '-')
        n++;
    if (prefix->value[n] || strstr(prefix->value, "--"))
        cs_problems_add(problems, prefix->file, prefix->line,
                        "[cleversync] secret_prefix may only hold letters, "
                        "digits and single -");
}

static const struct cs_setting *find_set(const struct cs_settings *settings,
                                         const char *key)
{
    const struct cs_setting *set = cs_settings_find(settings, "health", key);

    return set && set->value[0] ? set : NULL;
}

/* Beyond this machine nothing is said in the clear. */
static void check_listen(const struct cs_settings *settings,
                         struct cs_problems *problems)
{
    const struct cs_setting *listen = find_set(settings, "listen");
    const struct cs_setting *certificate =
        find_set(settings, "tls_certificate");
    const struct cs_setting *key = find_set(settings, "tls_key");
    struct cs_web_address address;

    if (!certificate != !key)
        cs_problems_add(problems, (certificate ? certificate : key)->file,
                        (certificate ? certificate : key)->line,
                        "[health] tls_certificate and tls_key need each other");
    if (!listen)
        return;
    if (!cs_web_address_parse(listen->value, &address))
        cs_problems_add(problems, listen->file, listen->line,
                        "[health] listen must be an address and a port such as "
                        "127.0.0.1:8480 or [::1]:8480");
    else if (!address.loopback && !certificate && !key)
        cs_problems_add(problems, listen->file, listen->line,
                        "[health] listen needs tls_certificate and tls_key, "
                        "because it is not a loopback address");
}

/* What is set is shown by "config show", so a password must not be. */
static void check_proxy(const struct cs_settings *settings,
                        struct cs_problems *problems)
{
    const struct cs_setting *proxy =
        cs_settings_find(settings, "http", "proxy");

    if (proxy && strchr(proxy->value, '@'))
        cs_problems_add(problems, proxy->file, proxy->line,
                        "[http] proxy must not hold a user or a password: "
                        "leave it unset and put them into the environment's "
                        "https_proxy");
}

void cs_settings_check_whole(const struct cs_settings *settings,
                             struct cs_problems *problems)
{
    check_pages(settings, problems);
    check_zone(settings, problems);
    check_schedule(settings, problems);
    check_prefix(settings, problems);
    check_listen(settings, problems);
    check_proxy(settings, problems);
}
