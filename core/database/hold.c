/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

#include "config.h"

#include "database/hold.h"

#include "sync/cell.h"
#include "base/digest.h"
#include "base/memory.h"
#include "database/schema.h"
#include "plugin/sink.h"
#include "base/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DAY (86400 * CS_SECOND)

static const char *const words[CS_HOLD_KINDS] = {
    [CS_HOLD_DELETE] = "delete", [CS_HOLD_UPDATE] = "update"};

const char *cs_hold_word(enum cs_hold_kind kind)
{
    return words[kind];
}

bool cs_hold_open(const struct cs_hold *hold)
{
    return hold->used == 0 && hold->expires > cs_clock_now();
}

/* ---- Reading ------------------------------------------------------------ */

void cs_hold_clear(struct cs_holds *holds)
{
    for (size_t i = 0; i < holds->n; i++) {
        free(holds->hold[i].name);
        free(holds->hold[i].entity);
        free(holds->hold[i].keys);
        free(holds->hold[i].by);
    }
    free(holds->hold);
    *holds = (struct cs_holds){0};
}

/* SetHash begins with the kind: "delete:" or "update:". */
static enum cs_hold_kind kind_of(const char *set)
{
    const char *word = words[CS_HOLD_UPDATE];

    return set != NULL && strncmp(set, word, strlen(word)) == 0
               ? CS_HOLD_UPDATE
               : CS_HOLD_DELETE;
}

static char *own_text(const struct cs_value *cell)
{
    const char *text = cs_cell_text(cell);

    return cs_memory_text(text != NULL ? text : "");
}

static enum cs_rc add(void *arg, const struct cs_value *row)
{
    struct cs_holds *holds = arg;

    holds->hold =
        cs_memory_grow(holds->hold, holds->n + 1, sizeof(*holds->hold));
    holds->hold[holds->n++] = (struct cs_hold){
        .name = own_text(&row[CS_HOLD_KEY]),
        .school = cs_cell_integer(&row[CS_HOLD_SCHOOL]),
        .entity = own_text(&row[CS_HOLD_ENTITY]),
        .kind = kind_of(cs_cell_text(&row[CS_HOLD_SET])),
        .keys = own_text(&row[CS_HOLD_KEYS]),
        .rows = cs_cell_integer(&row[CS_HOLD_ROWS]),
        .total = cs_cell_integer(&row[CS_HOLD_TOTAL]),
        .created = cs_cell_time(&row[CS_HOLD_CREATED]),
        .expires = cs_cell_time(&row[CS_HOLD_EXPIRES]),
        .approved = cs_cell_time(&row[CS_HOLD_APPROVED]),
        .by = cs_memory_text(cs_cell_text(&row[CS_HOLD_BY])),
        .used = cs_cell_time(&row[CS_HOLD_USED]),
    };
    return CS_OK;
}

static int oldest_first(const void *left, const void *right)
{
    const struct cs_hold *a = left, *b = right;
    int order = (a->created > b->created) - (a->created < b->created);

    return order != 0 ? order : strcmp(a->name, b->name);
}

/* Those whose column has this value; value NULL: all. */
static enum cs_rc scan(struct cs_instance *sink, size_t column,
                       const struct cs_value *value, struct cs_holds *holds,
                       struct cs_error *error)
{
    const struct cs_filter filter = {
        .size = sizeof(filter),
        .column = column,
        .in = value,
        .nin = value != NULL,
    };
    enum cs_rc rc;

    cs_hold_clear(holds);
    rc = cs_sink_scan(sink, &cs_schema_hold, &filter, add, holds, error);
    if (rc == CS_OK && holds->n > 0)
        qsort(holds->hold, holds->n, sizeof(*holds->hold), oldest_first);
    return rc;
}

struct loading {
    int64_t school;
    struct cs_holds *holds;
};

static enum cs_rc load(void *arg, struct cs_instance *sink,
                       struct cs_error *error)
{
    const struct loading *loading = arg;
    const struct cs_value school = cs_cell_of_integer(loading->school);

    return scan(sink, CS_HOLD_SCHOOL, loading->school != 0 ? &school : NULL,
                loading->holds, error);
}

enum cs_rc cs_hold_load(struct cs_session *session, int64_t school,
                        struct cs_holds *holds, struct cs_error *error)
{
    struct loading loading = {school, holds};
    enum cs_rc rc;

    *holds = (struct cs_holds){0};
    rc = cs_session_use(session, load, &loading, error);
    if (rc != CS_OK)
        cs_hold_clear(holds);
    return rc;
}

/* A fault of usage.  What was typed is not repeated: it could be a name. */
static enum cs_rc not_there(const struct cs_holds *holds, const char *name,
                            struct cs_error *error)
{
    const char **known = cs_memory_array(holds->n + 1, sizeof(*known));
    const char *nearest;
    size_t n = 0;

    for (size_t i = 0; i < holds->n; i++)
        if (cs_hold_open(&holds->hold[i]))
            known[n++] = holds->hold[i].name;
    nearest = cs_text_nearest(name, known);
    if (nearest != NULL)
        cs_error_set(error, CS_E_CONFIG,
                     "there is no such hold (did you mean %s?)", nearest);
    else
        cs_error_set(error, CS_E_CONFIG,
                     "there is no such hold: \"cleversync holds\" shows those "
                     "that are");
    free(known);
    error->status = CS_EXIT_USAGE;
    return error->rc;
}

const struct cs_hold *cs_hold_find(const struct cs_holds *holds,
                                   const char *name, struct cs_error *error)
{
    for (size_t i = 0; i < holds->n; i++)
        if (strcmp(holds->hold[i].name, name) == 0)
            return &holds->hold[i];
    not_there(holds, name, error);
    return NULL;
}

void cs_hold_keys(const struct cs_hold *hold, struct cs_keys *into)
{
    char **keys = cs_text_words(hold->keys);

    for (char **key = keys; *key != NULL; key++)
        cs_keys_put(into, *key);
    free(keys);
}

/* ---- Names -------------------------------------------------------------- */

/* The same people of the same school always make the same hold. */
static void name_hold(const struct cs_hold_new *new, const char *set,
                      char name[CS_HOLD_NAME])
{
    char *whole =
        cs_memory_format("%s/%s/%s", new->school_id, new->entity, set);
    char hex[CS_DIGEST];

    cs_digest_text(whole, hex);
    memcpy(name, hex, CS_HOLD_NAME - 1);
    name[CS_HOLD_NAME - 1] = '\0';
    free(whole);
}

static int by_text(const void *left, const void *right)
{
    return strcmp(*(const char *const *)left, *(const char *const *)right);
}

/* In order, a blank between two; yours.  NULL: more than a hold can keep. */
static char *join(const struct cs_keys *keys)
{
    const char **sorted = cs_memory_array(keys->n, sizeof(*sorted));
    size_t size = 1, used = 0;
    char *text;

    for (size_t i = 0; i < keys->n; i++) {
        sorted[i] = cs_keys_at(keys, i)->key;
        size += strlen(sorted[i]) + 1;
    }
    text = size <= CS_HOLD_MOST ? cs_memory_new(size) : NULL;
    if (text != NULL && keys->n > 0)
        qsort(sorted, keys->n, sizeof(*sorted), by_text);
    for (size_t i = 0; text != NULL && i < keys->n; i++)
        used += (size_t)snprintf(text + used, size - used, "%s%s",
                                 used > 0 ? " " : "", sorted[i]);
    free(sorted);
    return text;
}

/* ---- Keeping ------------------------------------------------------------ */

struct keeping {
    const struct cs_hold_new *new;
    char *name;            /* room of the caller's */
    int64_t retention;     /* of what is past */
    struct cs_holds holds; /* the school's, so far */
};

/* Of the same school, entity and kind, and nobody's word on it yet. */
static bool replaceable(const struct keeping *keeping,
                        const struct cs_hold *hold)
{
    return hold->kind ==
               keeping->new->kind &&strcmp(hold->entity,
                                           keeping->new->entity) == 0 &&
           hold->approved == 0 && hold->used == 0;
}

/* Those that are held already; more than once changes nothing. */
static void add_held(const struct keeping *keeping)
{
    for (size_t i = 0; i < keeping->holds.n; i++)
        if (replaceable(keeping, &keeping->holds.hold[i]))
            cs_hold_keys(&keeping->holds.hold[i], keeping->new->keys);
}

static enum cs_rc forget(struct cs_instance *sink, const struct cs_hold *hold,
                         struct cs_error *error)
{
    struct cs_value row[CS_HOLD_COLUMNS] = {{0}};

    row[CS_HOLD_KEY] = cs_cell_of_text(hold->name);
    return cs_sink_put(sink, &cs_schema_hold, CS_DELETE, row, error);
}

static enum cs_rc put(const struct keeping *keeping, const char *set,
                      const char *keys, const struct cs_hold *old,
                      struct cs_instance *sink, struct cs_error *error)
{
    const struct cs_hold_new *new = keeping->new;
    struct cs_value row[CS_HOLD_COLUMNS] = {{0}};
    char created[CS_CLOCK_ISO], expires[CS_CLOCK_ISO];
    int64_t now = cs_clock_now();

    row[CS_HOLD_KEY] = cs_cell_of_text(keeping->name);
    row[CS_HOLD_TOTAL] = cs_cell_of_integer((int64_t) new->total);
    row[CS_HOLD_EXPIRES] = cs_cell_of_time(now + CS_HOLD_DAYS * DAY, expires);
    if (old == NULL || !cs_hold_open(old)) { /* a new one, or it begins anew */
        row[CS_HOLD_SCHOOL] = cs_cell_of_integer(new->school);
        row[CS_HOLD_ENTITY] = cs_cell_of_text(new->entity);
        row[CS_HOLD_SET] = cs_cell_of_text(set);
        row[CS_HOLD_KEYS] = cs_cell_of_text(keys);
        row[CS_HOLD_ROWS] = cs_cell_of_integer((int64_t) new->keys->n);
        row[CS_HOLD_CREATED] = cs_cell_of_time(now, created);
        row[CS_HOLD_APPROVED].state = CS_NULL;
        row[CS_HOLD_BY].state = CS_NULL;
        row[CS_HOLD_USED].state = CS_NULL;
    }
    return cs_sink_put(sink, &cs_schema_hold,
                       old != NULL ? CS_UPDATE : CS_INSERT, row, error);
}

/* Replaces what the new hold makes superfluous, and forgets what is long
 * past. */
static enum cs_rc replace(const struct keeping *keeping, const char *set,
                          const char *keys, struct cs_instance *sink,
                          struct cs_error *error)
{
    int64_t oldest = cs_clock_now() - keeping->retention;
    const struct cs_hold *same = NULL;
    enum cs_rc rc = CS_OK;

    for (size_t i = 0; i < keeping->holds.n && rc == CS_OK; i++) {
        const struct cs_hold *hold = &keeping->holds.hold[i];

        if (strcmp(hold->name, keeping->name) == 0)
            same = hold;
        else if (replaceable(keeping, hold) || hold->expires < oldest)
            rc = forget(sink, hold, error);
    }
    return rc == CS_OK ? put(keeping, set, keys, same, sink, error) : rc;
}

static enum cs_rc keep(void *arg, struct cs_instance *sink,
                       struct cs_error *error)
{
    struct keeping *keeping = arg;
    const struct cs_hold_new *new = keeping->new;
    const struct cs_value school = cs_cell_of_integer(new->school);
    char set[sizeof("delete:") - 1 + CS_DIGEST];
    char *keys;
    int used;
    enum cs_rc rc = scan(sink, CS_HOLD_SCHOOL, &school, &keeping->holds, error);

    if (rc != CS_OK)
        return rc;
    if (new->partial)
        add_held(keeping);
    keys = join(new->keys);
    if (keys == NULL)
        return cs_error_set(error, CS_E_FATAL,
                            "the guard holds so many rows that their keys "
                            "have more than %zu bytes, which is more than a "
                            "hold can keep; nothing was written",
                            CS_HOLD_MOST);
    used = snprintf(set, sizeof(set), "%s:", words[new->kind]);
    cs_digest_text(keys, set + used);
    name_hold(new, set, keeping->name);
    rc = replace(keeping, set, keys, sink, error);
    free(keys);
    return rc;
}

enum cs_rc cs_hold_keep(struct cs_session *session,
                        const struct cs_hold_new *hold, char name[CS_HOLD_NAME],
                        struct cs_error *error)
{
    struct keeping keeping = {
        .new = hold,
        .name = name,
        .retention = DAY *cs_settings_number(cs_session_settings(session),
                                             "history", "retention_days")};
    enum cs_rc rc = cs_session_change(session, keep, &keeping, error);

    cs_hold_clear(&keeping.holds);
    return rc;
}

/* ---- A word on one of them ---------------------------------------------- */

struct word {
    const char *name, *by;
    enum { APPROVE, USE, REMOVE } what;
};

static enum cs_rc approve(struct cs_instance *sink, const struct cs_hold *hold,
                          const char *by, struct cs_error *error)
{
    struct cs_value row[CS_HOLD_COLUMNS] = {{0}};
    char now[CS_CLOCK_ISO];

    if (!cs_hold_open(hold)) {
        cs_error_set(error, CS_E_FATAL,
                     hold->used != 0
                         ? "hold %s was used: an approval works once"
                         : "hold %s is expired: if it is still so, the next "
                           "full sync holds the rows again",
                     hold->name);
        error->status = CS_EXIT_PERSON;
        return error->rc;
    }
    if (hold->approved != 0)
        return CS_SKIP;
    row[CS_HOLD_KEY] = cs_cell_of_text(hold->name);
    row[CS_HOLD_APPROVED] = cs_cell_of_time(cs_clock_now(), now);
    row[CS_HOLD_BY] = cs_cell_of_text(by);
    return cs_sink_put(sink, &cs_schema_hold, CS_UPDATE, row, error);
}

static enum cs_rc use(struct cs_instance *sink, const struct cs_hold *hold,
                      struct cs_error *error)
{
    struct cs_value row[CS_HOLD_COLUMNS] = {{0}};
    char now[CS_CLOCK_ISO];

    row[CS_HOLD_KEY] = cs_cell_of_text(hold->name);
    row[CS_HOLD_USED] = cs_cell_of_time(cs_clock_now(), now);
    return cs_sink_put(sink, &cs_schema_hold, CS_UPDATE, row, error);
}

static enum cs_rc speak(void *arg, struct cs_instance *sink,
                        struct cs_error *error)
{
    const struct word *word = arg;
    const struct cs_value name = cs_cell_of_text(word->name);
    struct cs_holds holds = {0};
    enum cs_rc rc = scan(sink, CS_HOLD_KEY, &name, &holds, error);

    if (rc == CS_OK && holds.n == 0)
        rc = word->what == APPROVE ? not_there(&holds, word->name, error)
                                   : CS_OK;
    else if (rc == CS_OK && word->what == APPROVE)
        rc = approve(sink, holds.hold, word->by, error);
    else if (rc == CS_OK && word->what == USE)
        rc = use(sink, holds.hold, error);
    else if (rc == CS_OK)
        rc = forget(sink, holds.hold, error);
    cs_hold_clear(&holds);
    return rc;
}

enum cs_rc cs_hold_approve(struct cs_session *session, const char *name,
                           const char *by, struct cs_error *error)
{
    struct word word = {name, by, APPROVE};

    return cs_session_change(session, speak, &word, error);
}

enum cs_rc cs_hold_use(struct cs_session *session, const char *name,
                       struct cs_error *error)
{
    struct word word = {name, NULL, USE};

    return cs_session_change(session, speak, &word, error);
}

enum cs_rc cs_hold_remove(struct cs_session *session, const char *name,
                          struct cs_error *error)
{
    struct word word = {name, NULL, REMOVE};

    return cs_session_change(session, speak, &word, error);
}
