/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* Records that were set aside: which and why, never what they said. */
#ifndef CS_REJECT_H
#define CS_REJECT_H

#include "base/error.h"

#include <stdbool.h>

struct cs_session;

struct cs_reject {
    int64_t school;
    const char *school_id; /* Clever's */
    const char *entity;
    const char *clever_id; /* NULL: the record has no key */
    const char *reason;    /* our words, no content */
    const char *run;
    int64_t first_seen, last_seen; /* read; written by themselves */
};

/* After a sync that did not see everybody: did this record go well? */
struct cs_reject_synced {
    bool (*is)(void *arg, const char *clever_id);
    void *arg;
};

/* Replaces the rejects of this school and entity by these; with `synced`, those
 * remain that it does not speak for.  When a record that
 * is still rejected was first seen is kept.  A key that is no Clever id
 * (prefix.h) is not stored: it could be anything. */
enum cs_rc cs_reject_replace(struct cs_session *session, int64_t school,
                             const char *entity,
                             const struct cs_reject *rejects, size_t n,
                             const struct cs_reject_synced *synced,
                             struct cs_error *error);

/* Each of a school (0: of all): by entity and key, those without one last.
 * Texts live until the callback returns. */
typedef enum cs_rc cs_reject_fn(void *arg, const struct cs_reject *reject);
enum cs_rc cs_reject_each(struct cs_session *session, int64_t school,
                          cs_reject_fn *each, void *arg,
                          struct cs_error *error);

#endif
