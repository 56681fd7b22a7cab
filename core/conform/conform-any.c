/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* Cases for plugins of all kinds: what it says of itself, its options, how it
 * is opened and closed. */

#include "config.h"

#include "conform/any.h"

#include "base/memory.h"
#include "base/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const struct cs_conform_case *const cs_conform_any[] = {
    cs_conform_any_life,
    cs_conform_any_calls,
    cs_conform_any_process,
    NULL,
};

/* ---- What it says of itself ---------------------------------------------- */

/* It is shown in a list, on one line. */
static bool is_line(const char *text, size_t most)
{
    size_t length = strlen(text);

    return length > 0 && length <= most && cs_text_valid(text, length) &&
           !strpbrk(text, "\r\n\t");
}

static void itself(struct cs_probe *probe)
{
    const struct cs_plugin *plugin = &probe->conform->part->module->plugin;

    if (!is_line(plugin->version, 32))
        cs_conform_fail(probe->conform, "the version is no short text");
    if (!is_line(plugin->summary, 80))
        cs_conform_fail(probe->conform,
                        "the summary is not a line of at most 80 bytes");
}

/* ---- Options ------------------------------------------------------------- */

static void check_option(struct cs_probe *probe, const struct cs_option *option)
{
    const char *fallback = option->fallback;

    if (!is_line(option->help, 200))
        cs_conform_fail(probe->conform, "its help is not a line of text");
    if (fallback && !is_line(fallback, 400) && *fallback)
        cs_conform_fail(probe->conform, "its default is not a line of text");
    if (fallback && option->type & CS_OPT_TEMPLATE &&
        cs_scope_unknown(fallback))
        cs_conform_fail(probe->conform,
                        "its default has a {word} that is no template");
    if (fallback && !(option->type & CS_OPT_TEMPLATE) && strchr(fallback, '{'))
        cs_conform_fail(probe->conform,
                        "its default has a { but it is no template");
}

static void options(struct cs_probe *probe)
{
    const struct cs_option *option =
        probe->conform->part->module->plugin.options;

    for (; option && option->name; option++) {
        cs_conform_about(probe->conform, "option %s", option->name);
        check_option(probe, option);
    }
}

/* As the core does with a configuration file. */
static void expect_refusal(struct cs_probe *probe,
                           const struct cs_option *option, const char *value)
{
    struct cs_setting setting = {
        .section = probe->conform->part->section,
        .key = (char *)(uintptr_t)option->name,
        .value = (char *)(uintptr_t)value,
    };
    struct cs_problems problems = {0};

    if (cs_settings_check(option, &setting, &problems))
        cs_conform_fail(probe->conform, "\"%s\" is taken", value);
    cs_problems_clear(&problems);
}

static void wrong_options(struct cs_probe *probe)
{
    const struct cs_option *table =
        probe->conform->part->module->plugin.options;

    for (const struct cs_option *option = table; option && option->name;
         option++) {
        unsigned type = option->type & 0xff;

        cs_conform_about(probe->conform, "option %s", option->name);
        if (type == CS_OPT_NUMBER || type == CS_OPT_FLAG || option->allowed)
            expect_refusal(probe, option, "neither_this_nor_that");
        if (!option->fallback && !(option->type & CS_OPT_OPTIONAL))
            expect_refusal(probe, option, "");
    }
    cs_conform_about(probe->conform, "%s", "");
    if (cs_settings_option(table, "neither_this_nor_that"))
        cs_conform_fail(probe->conform, "there is a key that nobody expects");
}

/* Opening may show that a value does not suit; that is the operator's. */
static void opens(struct cs_probe *probe)
{
    struct cs_instance *instance = cs_probe_try_open(probe, 0);

    if (instance)
        cs_probe_close(probe, instance);
    else if (!cs_conform_over(probe->conform) &&
             probe->error.rc != CS_E_CONFIG && probe->error.rc != CS_E_AUTH)
        cs_probe_wants(probe, "open", probe->error.rc, CS_E_CONFIG);
}

static void try_value(struct cs_probe *probe, const struct cs_option *option,
                      const char *value)
{
    cs_conform_about(probe->conform, "%s = %s", option->name, value);
    probe->option = option->name;
    probe->value = value;
    opens(probe);
    probe->option = NULL;
}

static void try_range(struct cs_probe *probe, const struct cs_option *option)
{
    char *least = cs_memory_text(option->allowed);
    char *dots = strstr(least, "..");

    if (dots) {
        *dots = '\0';
        try_value(probe, option, least);
        try_value(probe, option, dots + 2);
    }
    free(least);
}

static void try_words(struct cs_probe *probe, const struct cs_option *option)
{
    char **words = cs_text_words(option->allowed);

    for (size_t i = 0; words[i]; i++)
        try_value(probe, option, words[i]);
    free(words);
}

static void allowed_options(struct cs_probe *probe)
{
    const struct cs_option *option =
        probe->conform->part->module->plugin.options;

    for (; option && option->name; option++) {
        unsigned type = option->type & 0xff;

        if (type == CS_OPT_FLAG) {
            try_value(probe, option, "true");
            try_value(probe, option, "false");
        } else if (type == CS_OPT_NUMBER && option->allowed) {
            try_range(probe, option);
        } else if (option->allowed) {
            try_words(probe, option);
        }
    }
}

static void unset_options(struct cs_probe *probe)
{
    struct cs_instance *instance;

    probe->unset = true;
    instance = cs_probe_try_open(probe, 0);
    if (instance)
        cs_probe_work(probe, instance);
    else
        opens(probe);
}

/* ---- Open and close ------------------------------------------------------ */

static void twice(struct cs_probe *probe)
{
    struct cs_instance *instance = cs_probe_open(probe, 0);
    enum cs_rc rc = cs_probe_work(probe, instance);

    cs_probe_close(probe, instance);
    cs_conform_about(probe->conform, "the second time");
    instance = cs_probe_open(probe, 0);
    cs_probe_wants(probe, "the same call", cs_probe_work(probe, instance), rc);
}

/* What one of them does is nothing to the other. */
static void two_at_once(struct cs_probe *probe)
{
    struct cs_instance *one = cs_probe_open(probe, 0);
    struct cs_instance *other = cs_probe_open(probe, 0);
    enum cs_rc rc = cs_probe_work(probe, one);

    cs_probe_wants(probe, "the other's call", cs_probe_work(probe, other), rc);
    cs_probe_close(probe, one);
    cs_conform_about(probe->conform, "after the first was closed");
    cs_probe_wants(probe, "the other's call", cs_probe_work(probe, other), rc);
}

/* Without secrets and without time it may or may not open. */
static void failed_open(struct cs_probe *probe)
{
    struct cs_instance *instance;

    probe->no_secrets = true;
    for (int i = 0; i < 3; i++) {
        instance = cs_probe_try_open(probe, 1);
        if (instance)
            cs_probe_close(probe, instance);
    }
    probe->no_secrets = false;
    cs_conform_about(probe->conform, "afterwards");
    cs_probe_open(probe, 0);
}

static void check(struct cs_probe *probe)
{
    struct cs_instance *instance = cs_probe_open(probe, 0);
    enum cs_rc rc;

    if (cs_conform_over(probe->conform))
        return;
    rc = cs_instance_check(instance, &probe->error);
    if (rc > CS_OK || rc == CS_E_DATA || rc == CS_E_CURSOR || rc == CS_E_BUSY)
        cs_probe_wants(probe, "check", rc, CS_OK);
    if (rc != CS_OK && instance->error.rc == CS_OK)
        cs_conform_fail(probe->conform, "check failed and did not say why");
}

const struct cs_conform_case cs_conform_any_life[] = {
    {CS_CONFORM_WORKS, "plugin: says what it is", itself},
    {CS_CONFORM_WORKS, "options: each has help and a sound default", options},
    {CS_CONFORM_WORKS, "options: missing, wrong and unknown are refused",
     wrong_options},
    {CS_CONFORM_WORKS, "options: each allowed value opens or is refused",
     allowed_options},
    {CS_CONFORM_WORKS, "options: what may be unset is", unset_options},
    {CS_CONFORM_WORKS, "life: opened and closed twice", twice},
    {CS_CONFORM_WORKS, "life: two at once", two_at_once},
    {CS_CONFORM_WORKS, "life: opened after it could not be", failed_open},
    {CS_CONFORM_WORKS, "life: the check", check},
    {.name = NULL},
};
