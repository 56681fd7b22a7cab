/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* Records that were set aside: which and why, never what they said. */
#ifndef CS_REJECT_H
#define CS_REJECT_H

#include "error.h"

struct cs_session;

struct cs_reject {
    int64_t school;
    const char *school_id; /* Clever's */
    const char *entity;
    const char *clever_id; /* NULL: the record has no key */
    const char *reason;    /* our words, no content */
    const char *run;
};

/* Replaces the rejects of this school and entity by these.  When a record that
 * is still rejected was first seen is kept.  A key that is no Clever id
 * (prefix.h) is not stored: it could be anything. */
enum cs_rc cs_reject_replace(struct cs_session *session, int64_t school,
                             const char *entity,
                             const struct cs_reject *rejects, size_t n,
                             struct cs_error *error);

#endif
