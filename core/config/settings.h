/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* The configuration: every value that is set, where it came from, and what it
 * means by the table that declares it.
 *
 * Layers, later wins key by key: defaults, the main file, the *.conf of conf.d
 * beside it in name order, CLEVERSYNC_SECTION__KEY in the environment, --set.
 * (Named settings.h because config.h is autoconf's.) */
#ifndef CS_SETTINGS_H
#define CS_SETTINGS_H

#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>

/* Types that only the core's own tables use, beside enum cs_opt. */
enum {
    CS_OPT_DECIMAL = 32, /* "0.75" */
    CS_OPT_LIMIT,        /* "10%" or "25" */
};

struct cs_setting {
    char *section, *key, *value; /* owned */
    char *file;    /* file, "environment NAME" or "--set"; owned */
    unsigned line; /* 0 outside files */
};

struct cs_settings;

struct cs_settings_request {
    const char *file;         /* --config, or NULL: the built-in path */
    const char *const *sets;  /* "section.key=value", NULL ends; or NULL */
    char *const *environment; /* as environ; NULL: none */
};

/* Reads all layers and checks the core's own sections against their tables
 * (unknown section or key with the nearest name, type, range).  Sections of
 * plugin instances are checked by wiring.h, with the functions below.  With
 * problems, settings is still made, so that wiring can add its own complaints
 * to the list. */
void cs_settings_read(struct cs_settings **settings,
                      const struct cs_settings_request *request,
                      struct cs_problems *problems);
void cs_settings_free(struct cs_settings *settings);

/* ---- Sections that only plugins can explain ----------------------------- */

/* A variable of the environment says nothing about where its section's name
 * ends; it is matched against the keys that are known.  So whoever knows of a
 * key says so: if there is a variable for it, that becomes its setting, unless
 * --set has given one. */
void cs_settings_claim(struct cs_settings *settings, const char *section,
                       const char *key, struct cs_problems *problems);
/* The same for every key of a section, whose settings are then checked: an
 * unknown key and an unsound value are problems.  more: a second table, for
 * keys that every section of its kind has; both may be NULL. */
void cs_settings_know(struct cs_settings *settings, const char *section,
                      const struct cs_option *options,
                      const struct cs_option *more,
                      struct cs_problems *problems);
/* At the end: variables that nobody claimed, each with the nearest one. */
void cs_settings_unclaimed(const struct cs_settings *settings,
                           struct cs_problems *problems);

/* The tables of the core's own sections ("sync", ...); section NULL ends. */
struct cs_settings_table {
    const char *section;
    const struct cs_option *options;
};
extern const struct cs_settings_table cs_settings_tables[];
extern const struct cs_option cs_settings_pipeline[]; /* [pipeline.NAME] */

const struct cs_option *cs_settings_table(const char *section); /* or NULL */
/* The option of that name in a table, which may be NULL; or NULL. */
const struct cs_option *cs_settings_option(const struct cs_option *options,
                                           const char *key);

/* A core key's value or default.  An unknown section or key is our own bug. */
const char *cs_settings_text(const struct cs_settings *settings,
                             const char *section, const char *key);
long cs_settings_number(const struct cs_settings *settings, const char *section,
                        const char *key);
double cs_settings_decimal(const struct cs_settings *settings,
                           const char *section, const char *key);
bool cs_settings_flag(const struct cs_settings *settings, const char *section,
                      const char *key);
/* "10%" gives the percentage with *percent true; "25" the count. */
double cs_settings_limit(const struct cs_settings *settings,
                         const char *section, const char *key, bool *percent);

/* What is set for a key, or NULL when only the default speaks. */
const struct cs_setting *cs_settings_find(const struct cs_settings *settings,
                                          const char *section, const char *key);
/* All that is set, sorted by section, then by first appearance. */
size_t cs_settings_count(const struct cs_settings *settings);
const struct cs_setting *cs_settings_at(const struct cs_settings *settings,
                                        size_t i);
/* Every section named anywhere, even an empty one: NULL-terminated names in
 * strcmp()'s order. */
const char *const *cs_settings_sections(const struct cs_settings *settings);
/* Where a section is first named (key and value NULL), or NULL. */
const struct cs_setting *cs_settings_heading(const struct cs_settings *settings,
                                             const char *section);
/* The directory of drop-ins that was read (for plugins enable). */
const char *cs_settings_dropins(const struct cs_settings *settings);
const char *cs_settings_file(const struct cs_settings *settings);

/* Checks one value against its declaration; false adds a problem that names
 * key, place and what is expected.  An empty value is sound only where the
 * option may stay unset or is empty by default. */
bool cs_settings_check(const struct cs_option *option,
                       const struct cs_setting *setting,
                       struct cs_problems *problems);

#endif
