/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* Who is known: one small record per person, found by key.
 *
 * This is what memory grows with in a sync, some 70 bytes a person. */
#ifndef CS_KEYS_H
#define CS_KEYS_H

#include "base/arena.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    CS_KEYS_STORED = 1 << 0,   /* the database has it ... */
    CS_KEYS_ACTIVE = 1 << 1,   /* ... as active */
    CS_KEYS_SEEN = 1 << 2,     /* the read brought it */
    CS_KEYS_LEFT = 1 << 3,     /* ... saying that it left */
    CS_KEYS_REJECT = 1 << 4,   /* ... and it is set aside */
    CS_KEYS_CONFLICT = 1 << 5, /* ... twice, and not the same */
    CS_KEYS_PACKED = 1 << 6,   /* ... other than it is stored: a change */
};

struct cs_keys_entry {
    const char *key;
    uint64_t stored;  /* fingerprint of what the database has */
    uint64_t arrived; /* fingerprint of what the read brought */
    uint32_t number;  /* the owner's: which page brought it, or an index */
    uint32_t flags;
};

struct cs_keys {
    struct cs_keys_entry **blocks; /* CS_KEYS_BLOCK entries each; stable */
    size_t n;
    uint32_t *slots; /* open addressing: number of the entry + 1; 0: free */
    size_t nslots;   /* a power of two */
    struct cs_arena texts;
    uint64_t seed;
};

/* seed: unguessable, so that nobody can choose keys that collide. */
void cs_keys_init(struct cs_keys *keys, uint64_t seed);
void cs_keys_clear(struct cs_keys *keys);
struct cs_keys_entry *cs_keys_find(const struct cs_keys *keys, const char *key);
/* The entry, made (with no flags) when it was not there. */
struct cs_keys_entry *cs_keys_put(struct cs_keys *keys, const char *key);
struct cs_keys_entry *cs_keys_at(const struct cs_keys *keys, size_t i);

#endif
