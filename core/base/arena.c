/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

#include "config.h"

#include "base/arena.h"

#include "base/memory.h"

#include <stdlib.h>

/* Large enough to cost little, small enough to leave little unused. */
#define BLOCK_SIZE ((size_t)64 * 1024)

struct cs_arena_block {
    struct cs_arena_block *older;
    size_t size, used;
    char bytes[];
};

void *cs_arena_take(struct cs_arena *arena, size_t size)
{
    struct cs_arena_block *block = arena->blocks;
    void *taken;

    size = (size + sizeof(void *) - 1) / sizeof(void *) * sizeof(void *);
    if (!block || block->size - block->used < size) {
        size_t room = size > BLOCK_SIZE ? size : BLOCK_SIZE;

        /* Not zeroed: pages that are never used are never touched. */
        block = cs_memory_grow(NULL, 1, sizeof(*block) + room);
        block->older = arena->blocks;
        block->size = room;
        block->used = 0;
        arena->blocks = block;
    }
    taken = block->bytes + block->used;
    block->used += size;
    return taken;
}

struct cs_arena_mark cs_arena_mark(const struct cs_arena *arena)
{
    return (struct cs_arena_mark){arena->blocks,
                                  arena->blocks ? arena->blocks->used : 0};
}

void cs_arena_rewind(struct cs_arena *arena, struct cs_arena_mark mark)
{
    while (arena->blocks != mark.block) {
        struct cs_arena_block *newest = arena->blocks;

        arena->blocks = newest->older;
        free(newest);
    }
    if (mark.block)
        mark.block->used = mark.used;
}

void cs_arena_clear(struct cs_arena *arena)
{
    cs_arena_rewind(arena, (struct cs_arena_mark){NULL, 0});
}
