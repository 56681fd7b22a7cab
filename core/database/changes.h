/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* The log of changes: which key was inserted, updated and so on by which run,
 * and why; keys and names of columns, never what is in them.
 *
 * It is written into the session database once a school's rows are committed,
 * never before, so it holds nothing that did not happen; a process that dies
 * between the two leaves that commit without its log. */
#ifndef CS_CHANGES_H
#define CS_CHANGES_H

#include "sync/keys.h"
#include "database/registry.h"

enum cs_changes_what {
    CS_CHANGES_INSERT,
    CS_CHANGES_UPDATE,
    CS_CHANGES_RESTORE,
    CS_CHANGES_DEACTIVATE,
    CS_CHANGES_DELETE,
    CS_CHANGES_KINDS
};
enum cs_changes_why {
    CS_CHANGES_LISTING,
    CS_CHANGES_FEED,
    CS_CHANGES_APPROVAL, /* a person let what a guard held go */
    CS_CHANGES_PURGE,
    CS_CHANGES_REASONS
};

/* ---- What one commit did ------------------------------------------------ */

struct cs_changes_row {
    const char *key;     /* borrowed */
    const char *columns; /* their names, a blank between two; NULL: none */
    enum cs_changes_what what;
};
struct cs_changes { /* clearing a zeroed one is fine */
    struct cs_changes_row *row;
    size_t n;
    struct cs_keys columns; /* each combination of names once */
};

/* The list's own copy of such names, the same one for the same names. */
const char *cs_changes_names(struct cs_changes *changes, const char *columns);
/* key: outlives the list; columns: of cs_changes_names(), or NULL. */
void cs_changes_add(struct cs_changes *changes, enum cs_changes_what what,
                    const char *key, const char *columns);
void cs_changes_clear(struct cs_changes *changes);

/* ---- The log ------------------------------------------------------------ */

struct cs_changes_source {
    const struct cs_school *school;
    const char *entity, *run;
    int64_t sync; /* SyncId of the history's row; 0: there is none */
    enum cs_changes_why why;
    /* Whose leaving and whose change a person approved; NULL: nobody's. */
    const struct cs_keys *may_leave, *may_change;
};
/* All of them or none, in one transaction.  A key that is no Clever id
 * (prefix.h) is not stored: it could be anything. */
enum cs_rc cs_changes_log(struct cs_session *session,
                          const struct cs_changes_source *source,
                          const struct cs_changes *changes,
                          struct cs_error *error);

struct cs_changes_entry {
    int64_t id, school, at;
    const char *entity;
    const char *clever_id; /* NULL: the key was no Clever id */
    const char *what, *columns, *why, *run;
};
struct cs_changes_query {
    int64_t school;        /* 0: of all */
    const char *clever_id; /* NULL: of all */
    int64_t since;         /* 0: from the beginning */
    size_t most;           /* of the newest */
};
/* Newest first.  Texts live until the callback returns; it runs after the rows
 * were read.  more: there are older ones than `most` of the newest. */
typedef enum cs_rc cs_changes_fn(void *arg, const struct cs_changes_entry *);
enum cs_rc cs_changes_each(struct cs_session *session,
                           const struct cs_changes_query *query,
                           cs_changes_fn *each, void *arg, bool *more,
                           struct cs_error *error);

#endif
