/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* Reading one listing: source, page by page, through the mapper into the
 * comparison. */
#ifndef CS_READ_H
#define CS_READ_H

#include "sync/diff.h"
#include "plugin/instance.h"

#include <stdatomic.h>

struct cs_read {
    const struct cs_settings *settings;
    struct cs_instance *source, *mapper;
    struct cs_cancel *cancel;
    struct cs_diff *diff;
    _Atomic size_t *progress; /* records so far, for who watches; or NULL */
};

/* CS_OK only when the source said that this was the whole listing.  Pages that
 * break off after some records are read again as [retry] says. */
enum cs_rc cs_read_listing(struct cs_read *read, struct cs_error *error);

#endif
