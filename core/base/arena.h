/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* Memory that only grows, in blocks that never move, and can be taken back to
 * a mark: for keys and for changes that wait to be written. */
#ifndef CS_ARENA_H
#define CS_ARENA_H

#include <stddef.h>

struct cs_arena {
    struct cs_arena_block *blocks; /* newest first */
};
struct cs_arena_mark {
    struct cs_arena_block *block;
    size_t used;
};

/* size bytes, aligned for any pointer, until rewound or cleared. */
void *cs_arena_take(struct cs_arena *arena, size_t size);
struct cs_arena_mark cs_arena_mark(const struct cs_arena *arena);
/* Frees all that was taken since the mark. */
void cs_arena_rewind(struct cs_arena *arena, struct cs_arena_mark mark);
void cs_arena_clear(struct cs_arena *arena);

#endif
