/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

#include "config.h"

#include "sync/keys.h"

#include "base/memory.h"

#include <stdlib.h>
#include <string.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

#define CS_KEYS_BLOCK ((size_t)1024) /* entries in a block */

void cs_keys_init(struct cs_keys *keys, uint64_t seed)
{
    *keys = (struct cs_keys){.seed = seed};
}

void cs_keys_clear(struct cs_keys *keys)
{
    for (size_t i = 0; i * CS_KEYS_BLOCK < keys->n; i++)
        free(keys->blocks[i]);
    free(keys->blocks);
    free(keys->slots);
    cs_arena_clear(&keys->texts);
    cs_keys_init(keys, keys->seed);
}

struct cs_keys_entry *cs_keys_at(const struct cs_keys *keys, size_t i)
{
    return &keys->blocks[i / CS_KEYS_BLOCK][i % CS_KEYS_BLOCK];
}

/* The slot that holds the key, or the free one where it would go. */
static size_t slot_of(const struct cs_keys *keys, const char *key)
{
    size_t mask = keys->nslots - 1;
    size_t slot = XXH3_64bits_withSeed(key, strlen(key), keys->seed) & mask;

    while (keys->slots[slot] &&
           strcmp(cs_keys_at(keys, keys->slots[slot] - 1)->key, key) != 0)
        slot = (slot + 1) & mask;
    return slot;
}

struct cs_keys_entry *cs_keys_find(const struct cs_keys *keys, const char *key)
{
    uint32_t number = keys->nslots ? keys->slots[slot_of(keys, key)] : 0;

    return number ? cs_keys_at(keys, number - 1) : NULL;
}

/* Keeps a quarter of the slots free. */
static void grow(struct cs_keys *keys)
{
    size_t nslots = keys->nslots ? keys->nslots * 2 : 1024;

    free(keys->slots);
    keys->slots = cs_memory_array(nslots, sizeof(*keys->slots));
    keys->nslots = nslots;
    for (size_t i = 0; i < keys->n; i++)
        keys->slots[slot_of(keys, cs_keys_at(keys, i)->key)] = (uint32_t)i + 1;
}

struct cs_keys_entry *cs_keys_put(struct cs_keys *keys, const char *key)
{
    struct cs_keys_entry *entry;
    size_t size = strlen(key) + 1;
    size_t slot;

    if (keys->n >= keys->nslots / 4 * 3)
        grow(keys);
    slot = slot_of(keys, key);
    if (keys->slots[slot])
        return cs_keys_at(keys, keys->slots[slot] - 1);
    if (keys->n % CS_KEYS_BLOCK == 0) {
        size_t block = keys->n / CS_KEYS_BLOCK;

        keys->blocks =
            cs_memory_grow(keys->blocks, block + 1, sizeof(*keys->blocks));
        keys->blocks[block] =
            cs_memory_grow(NULL, CS_KEYS_BLOCK, sizeof(**keys->blocks));
    }
    entry = cs_keys_at(keys, keys->n);
    *entry = (struct cs_keys_entry){
        .key = memcpy(cs_arena_take(&keys->texts, size), key, size)};
    keys->slots[slot] = (uint32_t)++keys->n;
    return entry;
}
