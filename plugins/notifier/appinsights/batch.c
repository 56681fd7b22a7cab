/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

#include "config.h"

#include "appinsights.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

/* zlib writes a gzip header when 16 is added to the size of its window. */
enum { INSIGHTS_WINDOW = 15 + 16, INSIGHTS_MEMORY = 8 };

bool insights_batch_add(struct insights_batch *batch, const json_t *envelope,
                        size_t index)
{
    size_t length = json_dumpb(envelope, NULL, 0, JSON_COMPACT);
    char *lines;
    size_t *indices;

    if (length == 0 || length > INSIGHTS_ITEM)
        return false;
    lines = realloc(batch->lines, batch->size + length + 1);
    if (lines)
        batch->lines = lines;
    indices = realloc(batch->index, (batch->n + 1) * sizeof(*indices));
    if (indices)
        batch->index = indices;
    if (!lines || !indices)
        abort(); /* as the core does */
    json_dumpb(envelope, lines + batch->size, length, JSON_COMPACT);
    batch->size += length;
    batch->lines[batch->size++] = '\n';
    batch->index[batch->n++] = index;
    return true;
}

bool insights_batch_pack(struct insights_batch *batch)
{
    z_stream stream = {.next_in = (Bytef *)batch->lines,
                       .avail_in = (uInt)batch->size};
    size_t bound;
    bool done;

    if (deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED,
                     INSIGHTS_WINDOW, INSIGHTS_MEMORY,
                     Z_DEFAULT_STRATEGY) != Z_OK)
        return false;
    bound = deflateBound(&stream, (uLong)batch->size);
    free(batch->packed);
    batch->packed = malloc(bound);
    stream.next_out = batch->packed;
    stream.avail_out = (uInt)bound;
    done = batch->packed && deflate(&stream, Z_FINISH) == Z_STREAM_END;
    batch->packed_size = stream.total_out;
    deflateEnd(&stream);
    return done;
}

void insights_batch_clear(struct insights_batch *batch)
{
    free(batch->lines);
    free(batch->index);
    free(batch->packed);
    *batch = (struct insights_batch){0};
}
