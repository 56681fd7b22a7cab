/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* From a feed to a comparison: records of a person are merged in the order of
 * the feed, the persons concerned looked up, and what differs put into a diff
 * as if a listing had brought it. */
#ifndef CS_DELTA_H
#define CS_DELTA_H

#include "sync/diff.h"
#include "sync/feed.h"

struct cs_delta {
    const struct cs_part *part; /* the feed's plugin: it knows the order */
    const struct cs_feed *feed;
    const char *cursor; /* only what comes after it */
    struct cs_instance *mapper, *sink;
    struct cs_diff *diff;
};

struct cs_delta_result {
    size_t handed;   /* records that came after the cursor */
    bool incomplete; /* a person we do not have came without enough to store:
                        only a full sync can tell */
};

/* Afterwards the diff holds the changes; who left is marked so. */
enum cs_rc cs_delta_merge(const struct cs_delta *delta,
                          struct cs_delta_result *result,
                          struct cs_error *error);

#endif
