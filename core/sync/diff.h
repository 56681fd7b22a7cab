/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* The comparison: what the database holds against what a read brings.
 *
 * First every stored row is shown to cs_diff_stored(), then every record that
 * arrives to cs_diff_arrived(), page by page.  What remains in memory is a key
 * and two fingerprints for each person, and the rows that have to be written,
 * packed. */
#ifndef CS_DIFF_H
#define CS_DIFF_H

#include "sync/keys.h"
#include "sync/normal.h"
#include "database/schema.h"

enum cs_diff_kind {
    CS_DIFF_INSERT = 1,
    CS_DIFF_UPDATE,  /* stored, active, different */
    CS_DIFF_RESTORE, /* stored, inactive, back */
};

struct cs_diff_reject {
    const char *key; /* NULL: the record has no key */
    char *reason;    /* owned */
};

struct cs_diff_counts {
    size_t read;                         /* records that arrived */
    size_t skipped;                      /* not for this entity */
    size_t unkeyed;                      /* rejects without a key */
    size_t rejected;                     /* all rejects; length of the list */
    size_t changes[CS_DIFF_RESTORE + 1]; /* by kind */
};

struct cs_diff {
    const struct cs_schema *schema;
    struct cs_normal normal;
    cs_normal_fn *warn;
    void *arg;
    struct cs_keys keys;
    struct cs_arena scratch; /* of the record at hand */
    struct cs_arena packed;  /* changes */
    struct cs_diff_change *first, *last;
    struct cs_diff_reject *rejects;
    struct cs_diff_counts counts;
    /* Where the page under way began. */
    uint32_t page;
    struct cs_diff_counts page_counts;
    struct cs_arena_mark page_packed;
    struct cs_diff_change *page_last;
};

/* lengths: as the sink's inspect() gave them, for schema->entity. */
void cs_diff_init(struct cs_diff *diff, const struct cs_schema *schema,
                  const unsigned *lengths, cs_normal_fn *warn, void *arg);
void cs_diff_clear(struct cs_diff *diff);

/* One stored row, of schema->entity. */
void cs_diff_stored(struct cs_diff *diff, const struct cs_value *row);

/* A page begins; and: forget all that it brought. */
void cs_diff_page(struct cs_diff *diff);
void cs_diff_forget_page(struct cs_diff *diff);

/* One record of a listing, as the mapper left it: what it said (CS_OK, CS_SKIP,
 * CS_LEFT, CS_E_DATA) and, with CS_E_DATA, why.  row: the mapper's columns; it
 * is normalised in place. */
void cs_diff_arrived(struct cs_diff *diff, enum cs_rc said,
                     struct cs_value *row, const char *why);

/* ---- From a feed, where only some are looked up, each shown to
 * cs_diff_stored() before ---- */

/* What is known of a stored person now: cells that are absent stay as they
 * are.  Only who is surely in the school is restored. */
void cs_diff_changed(struct cs_diff *diff, const char *key,
                     const struct cs_value *row, const struct cs_value *stored,
                     bool here);
void cs_diff_left(struct cs_diff *diff, const char *key);
/* Tells of cells that are going to be written otherwise than they came. */
void cs_diff_tell(const struct cs_diff *diff, const char *key,
                  const struct cs_normal_note *notes);
/* A record is set aside; key NULL: it has none. */
void cs_diff_reject(struct cs_diff *diff, const char *key, const char *why);

/* In which of the mapped columns a row differs from the stored one: a bit for
 * each of them, from the first (there are 64 at most).  Cells that are absent
 * do not, nor do columns that are quiet. */
uint64_t cs_diff_columns(const struct cs_normal *normal,
                         const struct cs_value *row,
                         const struct cs_value *stored);

/* A record of a listing without a key that can be trusted. */
void cs_diff_unkeyed(struct cs_diff *diff, const char *why);

/* What the comparison amounts to so far. */
struct cs_diff_totals {
    size_t active;   /* active rows in the database */
    size_t matched;  /* of these, brought by the read */
    size_t leaving;  /* of these, not brought, or saying that they left */
    size_t inactive; /* inactive rows that the read did not bring */
};
struct cs_diff_totals cs_diff_totals(const struct cs_diff *diff);
bool cs_diff_leaves(const struct cs_keys_entry *entry);   /* see leaving */
bool cs_diff_inactive(const struct cs_keys_entry *entry); /* see inactive */

/* Walks the changes of one kind: start with a NULL position; row takes
 * schema->mapped cells, which live as long as the diff. */
bool cs_diff_next(const struct cs_diff *diff, enum cs_diff_kind kind,
                  const struct cs_diff_change **position, struct cs_value *row);
/* As cs_diff_columns(), of a change; 0: nobody has compared, because in a
 * listing only a fingerprint is left of the stored row. */
uint64_t cs_diff_change_columns(const struct cs_diff_change *change);

#endif
