/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

#include "config.h"

#include "sync/delta.h"

#include "sync/map.h"
#include "base/memory.h"
#include "plugin/sink.h"

#include <stdlib.h>
#include <string.h>

#define LOOKUP ((size_t)500) /* keys asked for at once */

enum place { UNKNOWN, HERE, GONE };

struct person { /* what the feed says in sum */
    const char *key;
    enum place place;
    bool stored;     /* found in the database */
    const char *why; /* the newest record that tells of them is set aside */
    struct cs_value *row; /* the mapper's columns; text in the arena */
};

struct merging {
    const struct cs_delta *delta;
    struct cs_delta_result *result;
    struct cs_normal normal; /* in a feed, absent stays absent */
    struct cs_map map;
    struct cs_keys index; /* entry->number: which person, from 0 */
    struct person *persons;
    size_t n;
    struct cs_arena texts, scratch;
    struct cs_error *error;
};

static struct person *person_of(struct merging *merging, const char *key)
{
    struct cs_keys_entry *entry = cs_keys_put(&merging->index, key);
    struct person *person;

    if (entry->flags)
        return &merging->persons[entry->number];
    entry->flags = CS_KEYS_SEEN;
    entry->number = (uint32_t)merging->n;
    if ((merging->n & (merging->n - 1)) == 0) /* full at powers of two */
        merging->persons =
            cs_memory_grow(merging->persons, merging->n ? merging->n * 2 : 1,
                           sizeof(*merging->persons));
    person = &merging->persons[merging->n++];
    *person = (struct person){
        .key = entry->key,
        .row = cs_arena_take(&merging->texts,
                             merging->normal.ncolumns * sizeof(*person->row))};
    memset(person->row, 0, merging->normal.ncolumns * sizeof(*person->row));
    return person;
}

static bool is_text(const struct cs_column *column)
{
    return column->type == CS_TEXT || column->type == CS_TIME;
}

static const char *keep_text(struct merging *merging, const char *text)
{
    size_t size = strlen(text) + 1;

    return memcpy(cs_arena_take(&merging->texts, size), text, size);
}

/* What the record says counts from now on; what it does not say stays. */
static void merge_row(struct merging *merging, struct person *person,
                      const struct cs_value *row)
{
    for (size_t i = 0; i < merging->normal.ncolumns; i++) {
        if (row[i].state == CS_ABSENT)
            continue;
        person->row[i] = row[i];
        if (row[i].state == CS_SET && is_text(&merging->normal.columns[i]))
            person->row[i].as.text = keep_text(merging, row[i].as.text);
    }
}

/* key NULL: it has none. */
static void set_aside(struct merging *merging, const char *key, const char *why)
{
    if (key)
        person_of(merging, key)->why = keep_text(merging, why);
    else
        cs_diff_reject(merging->delta->diff, NULL, why);
}

/* A record that tells all makes good one that was set aside before. */
static void place(struct person *person, enum place where)
{
    person->place = where;
    person->why = NULL;
}

static enum cs_rc merge_record(struct merging *merging,
                               const struct cs_feed_record *record)
{
    struct cs_value *row = merging->map.row;
    bool keyed;
    enum cs_rc rc = cs_map_record(&merging->map, record->record, &keyed);
    const char *why = merging->map.why;
    struct cs_normal_note *notes = NULL;

    merging->result->handed++;
    if (rc < 0 && rc != CS_E_DATA) {
        *merging->error = merging->map.error;
        return rc;
    }
    keyed = keyed && cs_normal_key(&merging->normal, &row[merging->map.key]);
    if (record->op == CS_DELETE && keyed)
        rc = CS_LEFT; /* whatever else it says */
    if ((rc == CS_OK || rc == CS_MAYBE) && keyed &&
        cs_normal_row(&merging->normal, row, &merging->scratch, &notes,
                      &merging->map.error) != CS_OK) {
        rc = CS_E_DATA;
        why = merging->map.error.text;
    }
    if (rc == CS_E_DATA || (rc != CS_SKIP && !keyed)) {
        set_aside(merging, keyed ? row[merging->map.key].as.text : NULL,
                  rc == CS_E_DATA ? why : "it has no usable key");
    } else if (rc == CS_LEFT) {
        place(person_of(merging, row[merging->map.key].as.text), GONE);
    } else if (rc != CS_SKIP) {
        struct person *person =
            person_of(merging, row[merging->map.key].as.text);

        merge_row(merging, person, row);
        cs_diff_tell(merging->delta->diff, person->key, notes);
        if (rc == CS_OK)
            place(person, HERE);
    }
    cs_arena_clear(&merging->scratch);
    return CS_OK;
}

static enum cs_rc merge_all(struct merging *merging)
{
    const struct cs_delta *delta = merging->delta;
    enum cs_rc rc = CS_OK;

    for (size_t i = 0; rc == CS_OK && i < delta->feed->n; i++) {
        const struct cs_feed_record *record = &delta->feed->records[i];

        if (cs_feed_order(delta->part, record->cursor, delta->cursor) > 0)
            rc = merge_record(merging, record);
    }
    return rc;
}

/* ---- Who of them is stored ----------------------------------------------- */

/* A stored row of one of the persons. */
static enum cs_rc found(void *arg, const struct cs_value *row)
{
    struct merging *merging = arg;
    struct cs_diff *diff = merging->delta->diff;
    const struct cs_schema *schema = diff->schema;
    const struct cs_keys_entry *entry =
        cs_keys_find(&merging->index, row[schema->key].as.text);
    struct person *person;

    if (!entry)
        return CS_OK; /* not asked for */
    person = &merging->persons[entry->number];
    person->stored = true;
    cs_diff_stored(diff, row);
    if (person->place == GONE)
        cs_diff_left(diff, person->key);
    else
        cs_diff_changed(diff, person->key, person->row, row + schema->first,
                        person->place == HERE);
    return CS_OK;
}

static enum cs_rc look_up(struct merging *merging)
{
    const struct cs_schema *schema = merging->delta->diff->schema;
    struct cs_value *keys = cs_memory_array(LOOKUP, sizeof(*keys));
    struct cs_filter filter = {
        .size = sizeof(filter), .column = schema->key, .in = keys};
    enum cs_rc rc = CS_OK;

    for (size_t i = 0; rc == CS_OK && i < merging->n; i += filter.nin) {
        filter.nin = merging->n - i < LOOKUP ? merging->n - i : LOOKUP;
        for (size_t j = 0; j < filter.nin; j++) {
            keys[j] = (struct cs_value){.state = CS_SET};
            keys[j].as.text = merging->persons[i + j].key;
        }
        rc = cs_sink_scan(merging->delta->sink, &schema->entity, &filter, found,
                          merging, merging->error);
    }
    free(keys);
    return rc;
}

/* Is there enough to store?  Something that must be there has to be said. */
static bool complete(const struct merging *merging, const struct person *person)
{
    bool needed = false;

    for (size_t i = 0; i < merging->normal.ncolumns; i++) {
        if (i == merging->normal.key ||
            !(merging->normal.columns[i].flags & CS_NOT_NULL))
            continue;
        if (person->row[i].state != CS_ABSENT)
            return true;
        needed = true;
    }
    return !needed;
}

/* A person of this school whom we do not have yet. */
static void add_new(struct merging *merging, struct person *person)
{
    if (complete(merging, person)) {
        cs_diff_arrived(merging->delta->diff, CS_OK, person->row, NULL);
    } else {
        merging->result->incomplete = true;
        person->why = "it is not stored and came without a name; the next run "
                      "of this school is a full one";
    }
}

static void finish(struct merging *merging)
{
    for (size_t i = 0; i < merging->n; i++) {
        struct person *person = &merging->persons[i];

        if (!person->stored && person->place == HERE)
            add_new(merging, person);
        if (person->why)
            cs_diff_reject(merging->delta->diff, person->key, person->why);
    }
}

enum cs_rc cs_delta_merge(const struct cs_delta *delta,
                          struct cs_delta_result *result,
                          struct cs_error *error)
{
    struct merging merging = {.delta = delta,
                              .result = result,
                              .normal = delta->diff->normal,
                              .error = error};
    enum cs_rc rc;

    *result = (struct cs_delta_result){0};
    merging.normal.listing = false;
    cs_map_init(&merging.map, delta->mapper);
    cs_keys_init(&merging.index, merging.normal.seed);
    rc = merge_all(&merging);
    if (rc == CS_OK)
        rc = look_up(&merging);
    if (rc == CS_OK)
        finish(&merging);
    free(merging.persons);
    cs_keys_clear(&merging.index);
    cs_arena_clear(&merging.texts);
    cs_arena_clear(&merging.scratch);
    cs_map_clear(&merging.map);
    return rc;
}
