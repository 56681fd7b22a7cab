/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* What the guards held, as the session database keeps it: the keys of the
 * people concerned, never what is known of them.
 *
 * A hold is open until it is used, removed or expired.  A person may approve
 * it; the next full sync of that school then lets exactly these people go (or
 * change), once. */
#ifndef CS_HOLD_H
#define CS_HOLD_H

#include "sync/keys.h"
#include "database/session.h"

#define CS_HOLD_NAME 13 /* 12 hexadecimal digits and NUL */
/* Bytes of keys, separators included: some 40,000 people of one school. */
#define CS_HOLD_MOST ((size_t)1000000)
#define CS_HOLD_DAYS 7 /* from the last time that it was held */

enum cs_hold_kind {
    CS_HOLD_DELETE, /* they would have left */
    CS_HOLD_UPDATE, /* they would have changed */
    CS_HOLD_KINDS
};

struct cs_hold {
    char *name; /* what people type */
    int64_t school;
    char *entity;
    enum cs_hold_kind kind;
    char *keys;    /* in order, a blank between two */
    int64_t rows;  /* how many */
    int64_t total; /* active rows at that time */
    int64_t created, expires;
    int64_t approved; /* 0: not */
    char *by;         /* who approved; or NULL */
    int64_t used;     /* 0: not */
};
struct cs_holds { /* oldest first; clearing a zeroed one is fine */
    struct cs_hold *hold;
    size_t n;
};

/* Those of a school (0: of all), the past ones too. */
enum cs_rc cs_hold_load(struct cs_session *session, int64_t school,
                        struct cs_holds *holds, struct cs_error *error);
void cs_hold_clear(struct cs_holds *holds);
bool cs_hold_open(const struct cs_hold *hold);
/* NULL: error has the sentence, with the nearest name that is open. */
const struct cs_hold *cs_hold_find(const struct cs_holds *holds,
                                   const char *name, struct cs_error *error);
void cs_hold_keys(const struct cs_hold *hold, struct cs_keys *into);
const char *cs_hold_word(enum cs_hold_kind kind); /* "delete", "update" */

struct cs_hold_new {
    int64_t school;
    const char *school_id; /* Clever's */
    const char *entity;
    enum cs_hold_kind kind;
    struct cs_keys *keys; /* words */
    size_t total;         /* active rows */
    bool partial; /* on top of those held already, which the call adds */
};
/* The hold of these keys is open afterwards, for CS_HOLD_DAYS, and replaces
 * those of its school, entity and kind that nobody approved. */
enum cs_rc cs_hold_keep(struct cs_session *session,
                        const struct cs_hold_new *hold, char name[CS_HOLD_NAME],
                        struct cs_error *error);

/* CS_SKIP: it is approved already.  CS_E_FATAL with the exit code for "needs
 * a person" when it is past. */
enum cs_rc cs_hold_approve(struct cs_session *session, const char *name,
                           const char *by, struct cs_error *error);
/* These two do nothing when it is no longer there. */
enum cs_rc cs_hold_use(struct cs_session *session, const char *name,
                       struct cs_error *error);
enum cs_rc cs_hold_remove(struct cs_session *session, const char *name,
                          struct cs_error *error);

#endif
