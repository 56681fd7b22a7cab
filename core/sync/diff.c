/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

#include "config.h"

#include "sync/diff.h"

#include "base/memory.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

/* A row that has to be written; its cells follow, packed: a byte for the
 * state, then the value; text ends with NUL. */
struct cs_diff_change {
    struct cs_diff_change *next;
    struct cs_keys_entry *entry;
    enum cs_diff_kind kind;
    uint64_t columns; /* that differ; 0: not known */
    char cells[];
};

void cs_diff_init(struct cs_diff *diff, const struct cs_schema *schema,
                  const unsigned *lengths, cs_normal_fn *warn, void *arg)
{
    uint64_t seed = 0;

    if (getrandom(&seed, sizeof(seed), 0) != (ssize_t)sizeof(seed))
        seed ^= (uintptr_t)diff; /* cannot happen for 8 bytes */
    *diff = (struct cs_diff){
        .schema = schema,
        .normal = {.columns = schema->entity.columns + schema->first,
                   .ncolumns = schema->mapped,
                   .key = schema->key - schema->first,
                   .lengths = lengths ? lengths + schema->first : NULL,
                   .seed = seed,
                   .listing = true},
        .warn = warn,
        .arg = arg};
    cs_keys_init(&diff->keys, seed);
}

/* What writing this person would be. */
static enum cs_diff_kind kind_of(const struct cs_keys_entry *entry)
{
    if (!(entry->flags & CS_KEYS_STORED))
        return CS_DIFF_INSERT;
    return entry->flags & CS_KEYS_ACTIVE ? CS_DIFF_UPDATE : CS_DIFF_RESTORE;
}

static void drop_rejects(struct cs_diff *diff, size_t keep)
{
    for (size_t i = keep; i < diff->counts.rejected; i++)
        free(diff->rejects[i].reason);
}

void cs_diff_clear(struct cs_diff *diff)
{
    drop_rejects(diff, 0);
    free(diff->rejects);
    cs_keys_clear(&diff->keys);
    cs_arena_clear(&diff->scratch);
    cs_arena_clear(&diff->packed);
    *diff = (struct cs_diff){0};
}

void cs_diff_stored(struct cs_diff *diff, const struct cs_value *row)
{
    const struct cs_schema *schema = diff->schema;
    const struct cs_value *active = &row[schema->active];
    struct cs_keys_entry *entry;

    if (row[schema->key].state != CS_SET)
        return; /* somebody else's row: not ours to judge */
    entry = cs_keys_put(&diff->keys, row[schema->key].as.text);
    entry->flags = CS_KEYS_STORED;
    if (active->state == CS_SET && active->as.boolean)
        entry->flags |= CS_KEYS_ACTIVE;
    entry->stored = cs_normal_fingerprint(&diff->normal, row + schema->first);
}

void cs_diff_page(struct cs_diff *diff)
{
    diff->page++;
    diff->page_counts = diff->counts;
    diff->page_packed = cs_arena_mark(&diff->packed);
    diff->page_last = diff->last;
}

void cs_diff_forget_page(struct cs_diff *diff)
{
    for (size_t i = 0; i < diff->keys.n; i++) {
        struct cs_keys_entry *entry = cs_keys_at(&diff->keys, i);

        if (entry->number == diff->page)
            entry->flags &= CS_KEYS_STORED | CS_KEYS_ACTIVE;
    }
    for (size_t i = diff->page_counts.rejected; i < diff->counts.rejected;
         i++) {
        /* An earlier page's record that this page's contradicted. */
        if (diff->rejects[i].key)
            cs_keys_find(&diff->keys, diff->rejects[i].key)->flags &=
                ~(unsigned)CS_KEYS_CONFLICT;
    }
    drop_rejects(diff, diff->page_counts.rejected);
    diff->counts = diff->page_counts;
    cs_arena_rewind(&diff->packed, diff->page_packed);
    diff->last = diff->page_last;
    if (diff->last)
        diff->last->next = NULL;
    else
        diff->first = NULL;
}

static void reject(struct cs_diff *diff, const char *key, const char *why)
{
    size_t n = diff->counts.rejected++;

    diff->rejects =
        cs_memory_grow(diff->rejects, n + 1, sizeof(*diff->rejects));
    diff->rejects[n] = (struct cs_diff_reject){key, cs_memory_text(why)};
}

static size_t cell_size(enum cs_type type, const struct cs_value *cell)
{
    if (cell->state != CS_SET)
        return 1;
    switch (type) {
    case CS_BOOL:
        return 1 + sizeof(cell->as.boolean);
    case CS_INT:
        return 1 + sizeof(cell->as.integer);
    case CS_TEXT:
    case CS_TIME:
        break;
    }
    return 1 + strlen(cell->as.text) + 1;
}

static const void *cell_bytes(enum cs_type type, const struct cs_value *cell)
{
    if (type == CS_BOOL)
        return &cell->as.boolean;
    if (type == CS_INT)
        return &cell->as.integer;
    return cell->as.text;
}

static void pack(struct cs_diff *diff, struct cs_keys_entry *entry,
                 const struct cs_value *row)
{
    const struct cs_column *columns = diff->normal.columns;
    enum cs_diff_kind kind = kind_of(entry);
    struct cs_diff_change *change;
    size_t size = 0;
    char *end;

    for (size_t i = 0; i < diff->normal.ncolumns; i++)
        size += cell_size(columns[i].type, &row[i]);
    change = cs_arena_take(&diff->packed, sizeof(*change) + size);
    *change = (struct cs_diff_change){.entry = entry, .kind = kind};
    end = change->cells;
    for (size_t i = 0; i < diff->normal.ncolumns; i++) {
        size_t n = cell_size(columns[i].type, &row[i]);

        *end = (char)row[i].state;
        if (n > 1)
            memcpy(end + 1, cell_bytes(columns[i].type, &row[i]), n - 1);
        end += n;
    }
    if (diff->last)
        diff->last->next = change;
    else
        diff->first = change;
    diff->last = change;
    entry->flags |= CS_KEYS_PACKED;
    diff->counts.changes[kind]++;
}

/* Paging can bring a record twice; two that differ leave no way to tell which
 * is right, so neither is written. */
static void contradict(struct cs_diff *diff, struct cs_keys_entry *entry)
{
    if (entry->flags & CS_KEYS_CONFLICT)
        return;
    entry->flags |= CS_KEYS_CONFLICT;
    if (entry->flags & CS_KEYS_PACKED)
        diff->counts.changes[kind_of(entry)]--;
    reject(diff, entry->key, "it came twice and not the same");
}

/* The record has a good key and is about this person. */
static struct cs_keys_entry *see(struct cs_diff *diff, const char *key,
                                 unsigned flags)
{
    struct cs_keys_entry *entry = cs_keys_put(&diff->keys, key);

    if (!(entry->flags & CS_KEYS_SEEN))
        entry->number = diff->page;
    entry->flags |= CS_KEYS_SEEN | flags;
    return entry;
}

void cs_diff_tell(const struct cs_diff *diff, const char *key,
                  const struct cs_normal_note *notes)
{
    for (; notes; notes = notes->next)
        diff->warn(diff->arg, key, notes);
}

static void compare(struct cs_diff *diff, const char *key,
                    const struct cs_value *row,
                    const struct cs_normal_note *notes)
{
    uint64_t arrived = cs_normal_fingerprint(&diff->normal, row);
    struct cs_keys_entry *entry = cs_keys_put(&diff->keys, key);

    if (entry->flags & CS_KEYS_SEEN) {
        if (entry->arrived != arrived)
            contradict(diff, entry);
        return;
    }
    see(diff, key, 0)->arrived = arrived;
    if (kind_of(entry) != CS_DIFF_UPDATE || entry->stored != arrived) {
        pack(diff, entry, row);
        cs_diff_tell(diff, key, notes); /* once, not with every run */
    }
}

uint64_t cs_diff_columns(const struct cs_normal *normal,
                         const struct cs_value *row,
                         const struct cs_value *stored)
{
    uint64_t columns = 0;

    for (size_t i = 0; i < normal->ncolumns; i++) {
        const struct cs_column *column = &normal->columns[i];

        if (row[i].state != CS_ABSENT && !(column->flags & CS_QUIET) &&
            !cs_normal_equal(column, &row[i], &stored[i]))
            columns |= UINT64_C(1) << i;
    }
    return columns;
}

void cs_diff_changed(struct cs_diff *diff, const char *key,
                     const struct cs_value *row, const struct cs_value *stored,
                     bool here)
{
    struct cs_keys_entry *entry = see(diff, key, 0);
    uint64_t columns = cs_diff_columns(&diff->normal, row, stored);

    if (entry->flags & CS_KEYS_ACTIVE ? columns != 0 : here) {
        pack(diff, entry, row);
        diff->last->columns = columns;
    }
}

void cs_diff_left(struct cs_diff *diff, const char *key)
{
    see(diff, key, CS_KEYS_LEFT);
}

void cs_diff_reject(struct cs_diff *diff, const char *key, const char *why)
{
    reject(diff, key ? cs_keys_put(&diff->keys, key)->key : NULL, why);
}

void cs_diff_unkeyed(struct cs_diff *diff, const char *why)
{
    diff->counts.read++;
    diff->counts.unkeyed++;
    reject(diff, NULL, why);
}

void cs_diff_arrived(struct cs_diff *diff, enum cs_rc said,
                     struct cs_value *row, const char *why)
{
    const struct cs_value *key = &row[diff->normal.key];
    bool keyed = cs_normal_key(&diff->normal, key);
    struct cs_normal_note *notes = NULL;
    struct cs_error error;

    if (said == CS_OK) {
        said =
            cs_normal_row(&diff->normal, row, &diff->scratch, &notes, &error);
        why = error.text;
    }
    if (said == CS_E_DATA && !keyed) {
        cs_diff_unkeyed(diff, why);
        return;
    }
    diff->counts.read++;
    if (said == CS_E_DATA)
        reject(diff, see(diff, key->as.text, CS_KEYS_REJECT)->key, why);
    else if (said == CS_OK)
        compare(diff, key->as.text, row, notes);
    else if (said == CS_LEFT && keyed)
        see(diff, key->as.text, CS_KEYS_LEFT);
    else if (keyed)
        see(diff, key->as.text, 0);
    if (said == CS_SKIP)
        diff->counts.skipped++;
    cs_arena_clear(&diff->scratch);
}

bool cs_diff_leaves(const struct cs_keys_entry *entry)
{
    return entry->flags & CS_KEYS_ACTIVE &&
           (!(entry->flags & CS_KEYS_SEEN) || entry->flags & CS_KEYS_LEFT);
}

bool cs_diff_inactive(const struct cs_keys_entry *entry)
{
    return (entry->flags & (CS_KEYS_STORED | CS_KEYS_ACTIVE | CS_KEYS_SEEN)) ==
           CS_KEYS_STORED;
}

struct cs_diff_totals cs_diff_totals(const struct cs_diff *diff)
{
    struct cs_diff_totals totals = {0};

    for (size_t i = 0; i < diff->keys.n; i++) {
        const struct cs_keys_entry *entry = cs_keys_at(&diff->keys, i);

        totals.inactive += cs_diff_inactive(entry);
        if (!(entry->flags & CS_KEYS_ACTIVE))
            continue;
        totals.active++;
        totals.matched += (entry->flags & CS_KEYS_SEEN) != 0;
        totals.leaving += cs_diff_leaves(entry);
    }
    return totals;
}

static void unpack(const struct cs_diff *diff,
                   const struct cs_diff_change *change, struct cs_value *row)
{
    const char *at = change->cells;

    for (size_t i = 0; i < diff->normal.ncolumns; i++) {
        enum cs_type type = diff->normal.columns[i].type;

        row[i] = (struct cs_value){.state = (enum cs_cell) * at};
        if (row[i].state == CS_SET) {
            if (type == CS_BOOL)
                memcpy(&row[i].as.boolean, at + 1, sizeof(bool));
            else if (type == CS_INT)
                memcpy(&row[i].as.integer, at + 1, sizeof(int64_t));
            else
                row[i].as.text = at + 1;
        }
        at += cell_size(type, &row[i]);
    }
}

bool cs_diff_next(const struct cs_diff *diff, enum cs_diff_kind kind,
                  const struct cs_diff_change **position, struct cs_value *row)
{
    const struct cs_diff_change *change =
        *position ? (*position)->next : diff->first;

    while (change &&
           (change->kind != kind || change->entry->flags & CS_KEYS_CONFLICT))
        change = change->next;
    if (!change)
        return false;
    *position = change;
    unpack(diff, change, row);
    return true;
}

uint64_t cs_diff_change_columns(const struct cs_diff_change *change)
{
    return change->columns;
}
