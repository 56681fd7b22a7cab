/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

#include "config.h"

#include "database/registry.h"

#include "sync/cell.h"
#include "base/memory.h"
#include "config/prefix.h"
#include "database/schema.h"
#include "database/session.h"
#include "plugin/sink.h"
#include "base/text.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* ---- Reading ------------------------------------------------------------ */

static void clear_district(struct cs_district *district)
{
    free(district->clever_id);
    free(district->name);
    free(district->prefix);
}

static void clear_school(struct cs_school *school)
{
    free(school->clever_id);
    free(school->name);
    free(school->prefix);
    free(school->database_name);
    free(school->secret_name);
}

void cs_registry_clear(struct cs_registry *registry)
{
    for (size_t i = 0; i < registry->ndistricts; i++)
        clear_district(&registry->districts[i]);
    for (size_t i = 0; i < registry->nschools; i++)
        clear_school(&registry->schools[i]);
    free(registry->districts);
    free(registry->schools);
    *registry = (struct cs_registry){0};
}

/* A column that should not be null, and in a foreign database may be. */
static char *own_text(const struct cs_value *cell)
{
    const char *text = cs_cell_text(cell);

    return cs_memory_text(text != NULL ? text : "");
}

static struct cs_district *grow_districts(struct cs_registry *registry)
{
    registry->districts =
        cs_memory_grow(registry->districts, registry->ndistricts + 1,
                       sizeof(*registry->districts));
    return &registry->districts[registry->ndistricts++];
}

static struct cs_school *grow_schools(struct cs_registry *registry)
{
    registry->schools = cs_memory_grow(
        registry->schools, registry->nschools + 1, sizeof(*registry->schools));
    return &registry->schools[registry->nschools++];
}

static enum cs_rc keep_district(void *arg, const struct cs_value *row)
{
    *grow_districts(arg) = (struct cs_district){
        .id = cs_cell_integer(&row[CS_DISTRICT_ID]),
        .clever_id = own_text(&row[CS_DISTRICT_CLEVER_ID]),
        .name = own_text(&row[CS_DISTRICT_NAME]),
        .prefix = own_text(&row[CS_DISTRICT_PREFIX]),
    };
    return CS_OK;
}

static const struct cs_district *by_id(const struct cs_registry *registry,
                                       int64_t id)
{
    for (size_t i = 0; i < registry->ndistricts; i++)
        if (registry->districts[i].id == id)
            return &registry->districts[i];
    return NULL;
}

struct loading {
    struct cs_registry *registry;
    bool stray; /* a school without a district was met */
};

static enum cs_rc keep_school(void *arg, const struct cs_value *row)
{
    struct loading *loading = arg;
    const struct cs_district *district =
        by_id(loading->registry, cs_cell_integer(&row[CS_SCHOOL_DISTRICT]));

    if (district == NULL) {
        loading->stray = true;
        return CS_OK;
    }
    *grow_schools(loading->registry) = (struct cs_school){
        .id = cs_cell_integer(&row[CS_SCHOOL_ID]),
        .district = district,
        .clever_id = own_text(&row[CS_SCHOOL_CLEVER_ID]),
        .name = own_text(&row[CS_SCHOOL_NAME]),
        .prefix = own_text(&row[CS_SCHOOL_PREFIX]),
        .database_name = own_text(&row[CS_SCHOOL_DATABASE]),
        .secret_name =
            cs_memory_text(cs_cell_text(&row[CS_SCHOOL_SECRET_NAME])),
        .active = cs_cell_flag(&row[CS_SCHOOL_ACTIVE], true),
        .requires_full = cs_cell_flag(&row[CS_SCHOOL_REQUIRES_FULL], false),
    };
    return CS_OK;
}

static int by_name(const char *a, const char *a_id, const char *b,
                   const char *b_id)
{
    int order = strcasecmp(a, b);

    return order != 0 ? order : strcmp(a_id, b_id);
}

static int district_order(const void *left, const void *right)
{
    const struct cs_district *a = left, *b = right;

    return by_name(a->name, a->clever_id, b->name, b->clever_id);
}

static int school_order(const void *left, const void *right)
{
    const struct cs_school *a = left, *b = right;

    return by_name(a->name, a->clever_id, b->name, b->clever_id);
}

enum cs_rc cs_registry_read(void *arg, struct cs_instance *sink,
                            struct cs_error *error)
{
    struct cs_registry *registry = arg;
    struct loading loading = {.registry = registry};
    enum cs_rc rc;

    cs_registry_clear(registry);
    rc = cs_sink_scan(sink, &cs_schema_district, NULL, keep_district, registry,
                      error);
    if (rc != CS_OK)
        return rc;
    /* Schools point to their districts, so these stay where they are now. */
    if (registry->ndistricts > 0)
        qsort(registry->districts, registry->ndistricts,
              sizeof(*registry->districts), district_order);
    rc = cs_sink_scan(sink, &cs_schema_school, NULL, keep_school, &loading,
                      error);
    if (rc == CS_OK && loading.stray)
        return cs_error_set(error, CS_E_FATAL,
                            "Schools in the session database has a row whose "
                            "district is not in Districts");
    if (rc == CS_OK && registry->nschools > 0)
        qsort(registry->schools, registry->nschools, sizeof(*registry->schools),
              school_order);
    return rc;
}

enum cs_rc cs_registry_load(struct cs_session *session,
                            struct cs_registry *registry,
                            struct cs_error *error)
{
    enum cs_rc rc;

    *registry = (struct cs_registry){0};
    rc = cs_session_use(session, cs_registry_read, registry, error);
    if (rc != CS_OK)
        cs_registry_clear(registry);
    return rc;
}

/* ---- Finding ------------------------------------------------------------ */

const struct cs_district *
cs_registry_district(const struct cs_registry *registry, const char *clever_id)
{
    for (size_t i = 0; i < registry->ndistricts; i++)
        if (strcmp(registry->districts[i].clever_id, clever_id) == 0)
            return &registry->districts[i];
    return NULL;
}

const struct cs_school *cs_registry_school(const struct cs_registry *registry,
                                           const char *clever_id)
{
    for (size_t i = 0; i < registry->nschools; i++)
        if (strcmp(registry->schools[i].clever_id, clever_id) == 0)
            return &registry->schools[i];
    return NULL;
}

const struct cs_school *
cs_registry_school_at(const struct cs_registry *registry, int64_t id)
{
    for (size_t i = 0; i < registry->nschools; i++)
        if (registry->schools[i].id == id)
            return &registry->schools[i];
    return NULL;
}

/* An id given on the command line is not there: a fault of usage. */
static void not_there(struct cs_error *error, const char *what,
                      const char *clever_id, const char *const *known)
{
    const char *nearest = cs_text_nearest(clever_id, known);

    if (cs_prefix_fault_id(clever_id) != NULL)
        cs_error_set(error, CS_E_CONFIG, "this is no Clever id of a %s: it %s",
                     what, cs_prefix_fault_id(clever_id));
    else if (nearest != NULL)
        cs_error_set(error, CS_E_CONFIG, "there is no %s %s (did you mean %s?)",
                     what, clever_id, nearest);
    else
        cs_error_set(error, CS_E_CONFIG,
                     "there is no %s %s: \"cleversync %s list\" lists the "
                     "%ss there are",
                     what, clever_id, what, what);
    if (error != NULL)
        error->status = CS_EXIT_USAGE;
}

const struct cs_district *
cs_registry_find_district(const struct cs_registry *registry,
                          const char *clever_id, struct cs_error *error)
{
    const struct cs_district *district =
        cs_registry_district(registry, clever_id);
    const char **known;

    if (district != NULL)
        return district;
    known = cs_memory_array(registry->ndistricts + 1, sizeof(*known));
    for (size_t i = 0; i < registry->ndistricts; i++)
        known[i] = registry->districts[i].clever_id;
    not_there(error, "district", clever_id, known);
    free(known);
    return NULL;
}

const struct cs_school *
cs_registry_find_school(const struct cs_registry *registry,
                        const char *clever_id, struct cs_error *error)
{
    const struct cs_school *school = cs_registry_school(registry, clever_id);
    const char **known;

    if (school != NULL)
        return school;
    known = cs_memory_array(registry->nschools + 1, sizeof(*known));
    for (size_t i = 0; i < registry->nschools; i++)
        known[i] = registry->schools[i].clever_id;
    not_there(error, "school", clever_id, known);
    free(known);
    return NULL;
}

/* ---- Rules -------------------------------------------------------------- */

/* "the prefix of school ID has ..."; nothing that breaks a rule is quoted. */
static enum cs_rc fault(struct cs_error *error, const char *part,
                        const char *what, const char *clever_id,
                        const char *text)
{
    cs_error_set(error, CS_E_CONFIG, "the %s of %s %s %s", part, what,
                 clever_id, text);
    if (error != NULL)
        error->status = CS_EXIT_USAGE;
    return CS_E_CONFIG;
}

/* Members that are NULL are not checked. */
static enum cs_rc check(const char *what, const char *clever_id,
                        const char *name, const char *prefix,
                        const char *database, struct cs_error *error)
{
    const char *text = cs_prefix_fault_id(clever_id);

    if (text != NULL)
        return fault(error, "id", "a", what, text);
    if (name != NULL && (text = cs_prefix_fault_name(name)) != NULL)
        return fault(error, "name", what, clever_id, text);
    if (prefix != NULL && (text = cs_prefix_fault(prefix)) != NULL)
        return fault(error, "prefix", what, clever_id, text);
    if (database == NULL)
        return CS_OK;
    text = cs_prefix_fault_name(database);
    if (text == NULL && cs_text_units(database, strlen(database)) > 100)
        text = "is longer than 100 characters";
    return text == NULL ? CS_OK
                        : fault(error, "database", what, clever_id, text);
}

/* Who has this prefix, as "school ID"; yours, or NULL.  One namespace for
 * districts and schools: secrets' names tell them apart by nothing else. */
static char *holder(const struct cs_registry *registry, const char *prefix,
                    const char *but_for)
{
    for (size_t i = 0; i < registry->ndistricts; i++)
        if (strcasecmp(registry->districts[i].prefix, prefix) == 0)
            return cs_memory_format("district %s",
                                    registry->districts[i].clever_id);
    for (size_t i = 0; i < registry->nschools; i++)
        if (strcasecmp(registry->schools[i].prefix, prefix) == 0 &&
            (but_for == NULL ||
             strcmp(registry->schools[i].clever_id, but_for) != 0))
            return cs_memory_format("school %s",
                                    registry->schools[i].clever_id);
    return NULL;
}

static enum cs_rc check_free(const struct cs_registry *registry,
                             const char *prefix, const char *but_for,
                             struct cs_error *error)
{
    char *who = holder(registry, prefix, but_for);

    if (who == NULL)
        return CS_OK;
    cs_error_set(error, CS_E_FATAL,
                 "the prefix %s is taken by %s (upper and lower case are the "
                 "same here)",
                 prefix, who);
    free(who);
    return CS_E_FATAL;
}

/* ---- Adding a district -------------------------------------------------- */

struct new_district {
    const char *clever_id, *name, *prefix;
    bool there;
};

static enum cs_rc insert_district(struct cs_instance *sink,
                                  const struct new_district *new,
                                  struct cs_error *error)
{
    struct cs_value row[CS_DISTRICT_COLUMNS] = {{0}};
    char now[CS_CLOCK_ISO];

    row[CS_DISTRICT_CLEVER_ID] = cs_cell_of_text(new->clever_id);
    row[CS_DISTRICT_NAME] = cs_cell_of_text(new->name);
    row[CS_DISTRICT_PREFIX] = cs_cell_of_text(new->prefix);
    row[CS_DISTRICT_CREATED] = row[CS_DISTRICT_UPDATED] =
        cs_cell_of_time(cs_clock_now(), now);
    return cs_sink_put(sink, &cs_schema_district, CS_INSERT, row, error);
}

static enum cs_rc add_district(void *arg, struct cs_instance *sink,
                               struct cs_error *error)
{
    struct new_district *new = arg;
    struct cs_registry registry = {0};
    const struct cs_district *old;
    enum cs_rc rc = cs_registry_read(&registry, sink, error);

    if (rc != CS_OK)
        goto out;
    old = cs_registry_district(&registry, new->clever_id);
    new->there = old != NULL &&strcmp(old->name, new->name) == 0 &&
                 strcmp(old->prefix, new->prefix) == 0;
    if (new->there)
        goto out;
    if (old != NULL)
        rc = cs_error_set(error, CS_E_FATAL,
                          "district %s is there already, with another name or "
                          "prefix",
                          new->clever_id);
    if (rc == CS_OK)
        rc = check_free(&registry, new->prefix, NULL, error);
    if (rc == CS_OK)
        rc = insert_district(sink, new, error);
out:
    cs_registry_clear(&registry);
    return rc;
}

enum cs_rc cs_registry_add_district(struct cs_session *session,
                                    const char *clever_id, const char *name,
                                    const char *prefix, struct cs_error *error)
{
    struct new_district new = {
        .clever_id = clever_id, .name = name, .prefix = prefix};
    enum cs_rc rc = check("district", clever_id, name, prefix, NULL, error);

    if (rc == CS_OK)
        rc = cs_session_change(session, add_district, &new, error);
    return rc == CS_OK && new.there ? CS_SKIP : rc;
}

/* ---- Adding schools ----------------------------------------------------- */

static enum cs_rc insert_school(struct cs_instance *sink,
                                const struct cs_school *school,
                                struct cs_error *error)
{
    struct cs_value row[CS_SCHOOL_COLUMNS] = {{0}};
    char now[CS_CLOCK_ISO];

    row[CS_SCHOOL_DISTRICT] = cs_cell_of_integer(school->district->id);
    row[CS_SCHOOL_CLEVER_ID] = cs_cell_of_text(school->clever_id);
    row[CS_SCHOOL_NAME] = cs_cell_of_text(school->name);
    row[CS_SCHOOL_DATABASE] = cs_cell_of_text(school->database_name);
    row[CS_SCHOOL_PREFIX] = cs_cell_of_text(school->prefix);
    row[CS_SCHOOL_ACTIVE] = cs_cell_of_flag(school->active);
    row[CS_SCHOOL_REQUIRES_FULL] = cs_cell_of_flag(false);
    row[CS_SCHOOL_CREATED] = row[CS_SCHOOL_UPDATED] =
        cs_cell_of_time(cs_clock_now(), now);
    return cs_sink_put(sink, &cs_schema_school, CS_INSERT, row, error);
}

/* The first free prefix that the name gives. */
static char *make_prefix(const struct cs_registry *registry, const char *name)
{
    for (unsigned n = 0;; n = n == 0 ? 2 : n + 1) {
        char *prefix = cs_prefix_make(name, n);
        char *who = holder(registry, prefix, NULL);

        if (who == NULL)
            return prefix;
        free(who);
        free(prefix);
    }
}

/* Is the school that is there the one that is to be added? */
static enum cs_rc compare(const struct cs_school *old,
                          const struct cs_school_new *new,
                          struct cs_error *error)
{
    if (strcmp(old->district->clever_id, new->district_clever_id) != 0)
        return cs_error_set(error, CS_E_FATAL,
                            "school %s is there already, in district %s",
                            new->clever_id, old->district->clever_id);
    if (new->prefix == NULL)
        return CS_OK;
    if (strcmp(old->name, new->name) != 0 ||
        strcmp(old->prefix, new->prefix) != 0 ||
        (new->database_name !=
         NULL &&strcmp(old->database_name, new->database_name) != 0))
        return cs_error_set(error, CS_E_FATAL,
                            "school %s is there already, with another name, "
                            "prefix or database: \"cleversync school set\" "
                            "changes them",
                            new->clever_id);
    return CS_OK;
}

static enum cs_rc add_school(struct cs_registry *registry,
                             struct cs_instance *sink,
                             struct cs_school_new *new, struct cs_error *error)
{
    const struct cs_school *old = cs_registry_school(registry, new->clever_id);
    const struct cs_district *district;
    struct cs_school *school;
    char *prefix;
    enum cs_rc rc;

    new->added = false;
    if (old != NULL)
        return compare(old, new, error);
    district =
        cs_registry_find_district(registry, new->district_clever_id, error);
    if (district == NULL)
        return CS_E_CONFIG;
    if (new->prefix != NULL) {
        rc = check_free(registry, new->prefix, NULL, error);
        if (rc != CS_OK)
            return rc;
        prefix = cs_memory_text(new->prefix);
    } else {
        prefix = make_prefix(registry, new->name);
    }
    /* The registry grows along, so that the next one sees this prefix. */
    school = grow_schools(registry);
    *school = (struct cs_school){
        .district = district,
        .clever_id = cs_memory_text(new->clever_id),
        .name = cs_memory_text(new->name),
        .prefix = prefix,
        .database_name = cs_memory_text(
            new->database_name != NULL ? new->database_name : prefix),
        .active = new->active,
    };
    rc = insert_school(sink, school, error);
    new->added = rc == CS_OK;
    return rc;
}

struct new_schools {
    struct cs_school_new *schools;
    size_t n;
    size_t added;
};

static enum cs_rc add_schools(void *arg, struct cs_instance *sink,
                              struct cs_error *error)
{
    struct new_schools *new = arg;
    struct cs_registry registry = {0};
    enum cs_rc rc = cs_registry_read(&registry, sink, error);

    new->added = 0;
    for (size_t i = 0; i < new->n &&rc == CS_OK; i++) {
        rc = add_school(&registry, sink, &new->schools[i], error);
        new->added += new->schools[i].added;
    }
    cs_registry_clear(&registry);
    return rc;
}

enum cs_rc cs_registry_add_schools(struct cs_session *session,
                                   struct cs_school_new *schools, size_t n,
                                   struct cs_error *error)
{
    struct new_schools new = {.schools = schools, .n = n};
    enum cs_rc rc = CS_OK;

    for (size_t i = 0; i < n && rc == CS_OK; i++)
        rc = check("school", schools[i].clever_id, schools[i].name,
                   schools[i].prefix, schools[i].database_name, error);
    if (rc == CS_OK)
        rc = cs_session_change(session, add_schools, &new, error);
    return rc == CS_OK && new.added == 0 ? CS_SKIP : rc;
}

/* ---- Changing a school -------------------------------------------------- */

struct changed_school {
    const struct cs_school *school;
    const struct cs_school_change *change;
};

static void set_text(struct cs_value *cell, const char *text)
{
    if (text != NULL)
        *cell = cs_cell_of_text(text);
}

static void set_flag(struct cs_value *cell, const bool *flag)
{
    if (flag != NULL)
        *cell = cs_cell_of_flag(*flag);
}

static enum cs_rc set_school(void *arg, struct cs_instance *sink,
                             struct cs_error *error)
{
    const struct changed_school *changed = arg;
    const struct cs_school_change *change = changed->change;
    struct cs_value row[CS_SCHOOL_COLUMNS] = {{0}};
    struct cs_registry registry = {0};
    char now[CS_CLOCK_ISO];
    enum cs_rc rc = CS_OK;

    if (change->prefix != NULL) {
        rc = cs_registry_read(&registry, sink, error);
        if (rc == CS_OK)
            rc = check_free(&registry, change->prefix,
                            changed->school->clever_id, error);
        cs_registry_clear(&registry);
    }
    if (rc != CS_OK)
        return rc;
    row[CS_SCHOOL_CLEVER_ID] = cs_cell_of_text(changed->school->clever_id);
    set_text(&row[CS_SCHOOL_NAME], change->name);
    set_text(&row[CS_SCHOOL_PREFIX], change->prefix);
    set_text(&row[CS_SCHOOL_DATABASE], change->database_name);
    set_flag(&row[CS_SCHOOL_ACTIVE], change->active);
    set_flag(&row[CS_SCHOOL_REQUIRES_FULL], change->requires_full);
    row[CS_SCHOOL_UPDATED] = cs_cell_of_time(cs_clock_now(), now);
    return cs_sink_put(sink, &cs_schema_school, CS_UPDATE, row, error);
}

enum cs_rc cs_registry_set_school(struct cs_session *session,
                                  const struct cs_school *school,
                                  const struct cs_school_change *change,
                                  struct cs_error *error)
{
    struct changed_school changed = {.school = school, .change = change};
    enum cs_rc rc = check("school", school->clever_id, change->name,
                          change->prefix, change->database_name, error);

    if (rc == CS_OK)
        rc = cs_session_change(session, set_school, &changed, error);
    return rc;
}
