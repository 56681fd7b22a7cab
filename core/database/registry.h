/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* Districts and schools, as the session database knows them. */
#ifndef CS_REGISTRY_H
#define CS_REGISTRY_H

#include "base/error.h"

struct cs_instance;
struct cs_session;

struct cs_district {
    int64_t id; /* our identity, not Clever's */
    char *clever_id, *name, *prefix;
};
struct cs_school {
    int64_t id;
    const struct cs_district *district;
    char *clever_id, *name, *prefix, *database_name;
    char *secret_name; /* deprecated column; mostly NULL */
    bool active, requires_full;
};
struct cs_registry { /* sorted by name; clearing a zeroed one is fine */
    struct cs_district *districts;
    size_t ndistricts;
    struct cs_school *schools;
    size_t nschools;
};

enum cs_rc cs_registry_load(struct cs_session *session,
                            struct cs_registry *registry,
                            struct cs_error *error);
/* The same over a sink of one's own, in the way of cs_sink_fn: arg is the
 * registry, a zeroed one at first, to be cleared after an error, too. */
enum cs_rc cs_registry_read(void *arg, struct cs_instance *sink,
                            struct cs_error *error);
void cs_registry_clear(struct cs_registry *registry);

/* By Clever's id, or NULL.  find: error has the sentence then, with the
 * nearest id that is known. */
const struct cs_district *cs_registry_district(const struct cs_registry *,
                                               const char *clever_id);
const struct cs_school *cs_registry_school(const struct cs_registry *,
                                           const char *clever_id);
/* By our own identity, as other tables name it; or NULL. */
const struct cs_school *cs_registry_school_at(const struct cs_registry *,
                                              int64_t id);
const struct cs_district *cs_registry_find_district(const struct cs_registry *,
                                                    const char *clever_id,
                                                    struct cs_error *error);
const struct cs_school *cs_registry_find_school(const struct cs_registry *,
                                                const char *clever_id,
                                                struct cs_error *error);

/* The three below refuse ids, names and prefixes that break the rules
 * (prefix.h; unique regardless of case among districts and schools).  What is
 * there already, exactly so, gives CS_SKIP and changes nothing. */
enum cs_rc cs_registry_add_district(struct cs_session *session,
                                    const char *clever_id, const char *name,
                                    const char *prefix, struct cs_error *error);

struct cs_school_new {
    const char *clever_id, *district_clever_id, *name;
    const char *prefix;        /* NULL: made from the name, and a school that
                                  is there already may be called otherwise */
    const char *database_name; /* NULL: the prefix */
    bool active;
    bool added; /* set by the call; false: it was there */
};
/* All or none, in one transaction; CS_SKIP when none had to be added. */
enum cs_rc cs_registry_add_schools(struct cs_session *session,
                                   struct cs_school_new *schools, size_t n,
                                   struct cs_error *error);

/* Changes what is not NULL. */
struct cs_school_change {
    const char *name, *prefix, *database_name;
    const bool *active, *requires_full;
};
enum cs_rc cs_registry_set_school(struct cs_session *session,
                                  const struct cs_school *school,
                                  const struct cs_school_change *change,
                                  struct cs_error *error);

/* ---- registry-remove.c -------------------------------------------------- */

/* Rows of other tables that are about a school, and go with it. */
struct cs_registry_rows {
    size_t history, changes, rejects, holds;
    size_t foreign; /* of the history: made by the system that was here before,
                       so they stay, and the school with them */
};
enum cs_rc cs_registry_count(struct cs_session *session,
                             const struct cs_school *school,
                             struct cs_registry_rows *rows,
                             struct cs_error *error);
/* With the school's lock held.  Its own database is not touched.  What an
 * error interrupts is continued by the next call. */
enum cs_rc cs_registry_remove_school(struct cs_session *session,
                                     const struct cs_school *school,
                                     struct cs_error *error);

#endif
