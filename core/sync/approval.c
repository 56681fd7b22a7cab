/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

#include "config.h"

#include "sync/approval.h"

#include <string.h>

/* By events or by data an approval waits: only a full sync sees who is still
 * absent. */
static bool is_full(const struct cs_approval *approval)
{
    return approval->mode == CS_JUDGE_FULL || approval->mode == CS_JUDGE_ASKED;
}

static bool is_mine(const struct cs_approval *approval,
                    const struct cs_hold *hold)
{
    return cs_hold_open(hold) && strcmp(hold->entity, approval->entity) == 0;
}

static bool is_approved(const struct cs_approval *approval,
                        const struct cs_hold *hold)
{
    return is_full(approval) && is_mine(approval, hold) && hold->approved != 0;
}

/* Did this pass meet everybody whom the hold is about? */
static bool met_all(const struct cs_approval *approval,
                    const struct cs_hold *hold)
{
    struct cs_keys keys;
    bool all = true;

    cs_keys_init(&keys, approval->diff->keys.seed);
    cs_hold_keys(hold, &keys);
    for (size_t i = 0; i < keys.n; i++) {
        const struct cs_keys_entry *entry =
            cs_keys_find(&approval->diff->keys, cs_keys_at(&keys, i)->key);

        all = all && entry && entry->flags & CS_KEYS_SEEN;
    }
    cs_keys_clear(&keys);
    return all;
}

/* Was everything of this hold dealt with that could be, so that nothing of it
 * is left for a person to decide? */
static bool is_done(const struct cs_approval *approval,
                    const struct cs_verdict *verdict,
                    const struct cs_hold *hold)
{
    if (hold->kind == CS_HOLD_UPDATE)
        return approval->mode != CS_JUDGE_EVENTS || met_all(approval, hold);
    return is_full(approval) && verdict->leavers != CS_WRITE_KEEP;
}

bool cs_approval_counts(const struct cs_approval *approval,
                        const struct cs_verdict *verdict,
                        const struct cs_hold *hold)
{
    return is_approved(approval, hold) && is_done(approval, verdict, hold);
}

enum cs_rc cs_approval_load(struct cs_approval *approval,
                            struct cs_error *error)
{
    enum cs_rc rc = cs_hold_load(approval->session, approval->school->id,
                                 &approval->holds, error);

    for (size_t kind = 0; kind < CS_HOLD_KINDS; kind++)
        cs_keys_init(&approval->may[kind], approval->diff->keys.seed);
    for (size_t i = 0; i < approval->holds.n; i++) {
        const struct cs_hold *hold = &approval->holds.hold[i];

        if (is_approved(approval, hold))
            cs_hold_keys(hold, &approval->may[hold->kind]);
    }
    return rc;
}

void cs_approval_clear(struct cs_approval *approval)
{
    for (size_t kind = 0; kind < CS_HOLD_KINDS; kind++)
        cs_keys_clear(&approval->may[kind]);
    cs_hold_clear(&approval->holds);
}

static bool concerns(enum cs_hold_kind kind, const struct cs_keys_entry *entry)
{
    return kind == CS_HOLD_DELETE ? cs_diff_leaves(entry)
                                  : cs_judge_changing(entry);
}

size_t cs_approval_rows(const struct cs_approval *approval,
                        const struct cs_hold *hold)
{
    struct cs_keys keys;
    size_t n = 0;

    cs_keys_init(&keys, approval->diff->keys.seed);
    cs_hold_keys(hold, &keys);
    for (size_t i = 0; i < keys.n; i++) {
        const struct cs_keys_entry *entry =
            cs_keys_find(&approval->diff->keys, cs_keys_at(&keys, i)->key);

        n += entry != NULL && concerns(hold->kind, entry);
    }
    cs_keys_clear(&keys);
    return n;
}

/* Keys that Clever made have no blanks; one that was in the database before
 * may have, and stays with the guard alone. */
static bool is_word(const char *key)
{
    return key[0] != '\0' && key[strcspn(key, " \t\r\n")] == '\0';
}

/* All who would change, as none was written; but of those who would leave the
 * approved ones go. */
static enum cs_rc keep_kind(const struct cs_approval *approval,
                            enum cs_hold_kind kind, size_t total, char *name,
                            struct cs_error *error)
{
    const struct cs_diff *diff = approval->diff;
    struct cs_keys keys;
    struct cs_hold_new hold = {.school = approval->school->id,
                               .school_id = approval->school->clever_id,
                               .entity = approval->entity,
                               .kind = kind,
                               .keys = &keys,
                               .total = total,
                               .partial = kind == CS_HOLD_DELETE &&
                                          !is_full(approval)};
    enum cs_rc rc = CS_OK;

    cs_keys_init(&keys, diff->keys.seed);
    for (size_t i = 0; i < diff->keys.n; i++) {
        const struct cs_keys_entry *entry = cs_keys_at(&diff->keys, i);

        if (concerns(kind, entry) && is_word(entry->key) &&
            (kind == CS_HOLD_UPDATE ||
             !cs_keys_find(&approval->may[kind], entry->key)))
            cs_keys_put(&keys, entry->key);
    }
    if (keys.n > 0)
        rc = cs_hold_keep(approval->session, &hold, name, error);
    cs_keys_clear(&keys);
    return rc;
}

enum cs_rc cs_approval_keep(const struct cs_approval *approval,
                            const struct cs_verdict *verdict,
                            char names[CS_HOLD_KINDS][CS_HOLD_NAME],
                            struct cs_error *error)
{
    const bool held[CS_HOLD_KINDS] = {[CS_HOLD_DELETE] = verdict->hold_deletes,
                                      [CS_HOLD_UPDATE] = verdict->hold_updates};
    enum cs_rc rc = CS_OK;

    for (size_t kind = 0; kind < CS_HOLD_KINDS; kind++) {
        names[kind][0] = '\0';
        if (rc == CS_OK && held[kind])
            rc = keep_kind(approval, (enum cs_hold_kind)kind, verdict->total,
                           names[kind], error);
    }
    return rc;
}

enum cs_rc cs_approval_settle(const struct cs_approval *approval,
                              const struct cs_verdict *verdict,
                              struct cs_error *error)
{
    enum cs_rc rc = CS_OK;

    for (size_t i = 0; rc == CS_OK && i < approval->holds.n; i++) {
        const struct cs_hold *hold = &approval->holds.hold[i];

        if (!is_mine(approval, hold) || !is_done(approval, verdict, hold))
            continue;
        if (is_approved(approval, hold))
            rc = cs_hold_use(approval->session, hold->name, error);
        else if (hold->approved == 0 &&
                 !(hold->kind == CS_HOLD_DELETE && verdict->hold_deletes))
            rc = cs_hold_remove(approval->session, hold->name, error);
    }
    return rc;
}
