/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

#include "config.h"

#include "sync/judge.h"

#include "sync/guard.h"
#include "plugin/sink.h"

#include <stdio.h>
#include <string.h>

typedef size_t limit_fn(const struct cs_guard *guard, size_t active);

struct judging {
    const struct cs_judge *judge;
    struct cs_verdict *verdict;
    struct cs_guard guard;
    struct cs_diff_totals totals;
    size_t may_leave, may_change; /* of them: approved, so not guarded */
};

__attribute__((format(printf, 2, 3))) static void say(struct judging *judging,
                                                      const char *format, ...)
{
    char *reason = judging->verdict->reason;
    size_t used = strlen(reason);
    va_list arguments;

    if (used > 0)
        used += (size_t)snprintf(reason + used,
                                 sizeof(judging->verdict->reason) - used, "; ");
    if (used >= sizeof(judging->verdict->reason))
        return;
    va_start(arguments, format);
    vsnprintf(reason + used, sizeof(judging->verdict->reason) - used, format,
              arguments);
    va_end(arguments);
}

/* ---- What was approved --------------------------------------------------- */

bool cs_judge_changing(const struct cs_keys_entry *entry)
{
    const unsigned change = CS_KEYS_STORED | CS_KEYS_ACTIVE | CS_KEYS_PACKED;

    return (entry->flags & (change | CS_KEYS_CONFLICT)) == change;
}

static size_t count_approved(const struct cs_judge *judge,
                             const struct cs_keys *approved,
                             bool is(const struct cs_keys_entry *entry))
{
    size_t n = 0;

    for (size_t i = 0; approved && i < approved->n; i++) {
        const struct cs_keys_entry *entry =
            cs_keys_find(&judge->diff->keys, cs_keys_at(approved, i)->key);

        n += entry && is(entry);
    }
    return n;
}

/* ---- How many rows a limit is a share of --------------------------------- */

struct counting {
    const struct judging *judging;
    limit_fn *limit;
    size_t rows, active;
};

/* Stops as soon as the table is large enough for all to be allowed. */
static enum cs_rc count(void *arg, const struct cs_value *row)
{
    struct counting *counting = arg;

    if (row[1].state == CS_SET && row[1].as.boolean)
        counting->active++;
    return counting->limit(&counting->judging->guard, counting->active) >=
                   counting->rows
               ? CS_SKIP
               : CS_OK;
}

/* A full read has seen every row.  By events only those concerned were looked
 * up, so the others are counted, but only as far as it takes. */
static enum cs_rc active_rows(const struct judging *judging, limit_fn *limit,
                              size_t rows, size_t *active)
{
    const struct cs_judge *judge = judging->judge;
    const struct cs_schema *schema = judge->diff->schema;
    struct counting counting = {judging, limit, rows, 0};
    const struct cs_column columns[] = {schema->entity.columns[schema->key],
                                        schema->entity.columns[schema->active]};
    struct cs_entity entity = schema->entity;
    enum cs_rc rc;

    *active = judging->totals.active;
    if (judge->mode != CS_JUDGE_EVENTS)
        return CS_OK;
    entity.columns = columns;
    entity.ncolumns = 2;
    rc = cs_sink_scan(judge->sink, &entity, NULL, count, &counting,
                      judge->error);
    *active = counting.active;
    return rc == CS_SKIP ? CS_OK : rc;
}

/* ---- The guards ---------------------------------------------------------- */

static void hold_deletes(struct judging *judging, size_t leaving, size_t active)
{
    judging->verdict->hold_deletes = true;
    judging->verdict->held += leaving;
    judging->verdict->total = active;
}

/* May anybody be missed in this listing?  If not, nobody leaves by it, whoever
 * approved it: the approval was of those who are truly absent. */
static bool is_reliable(struct judging *judging)
{
    const struct cs_judge *judge = judging->judge;
    size_t unkeyed = judge->diff->counts.unkeyed;
    size_t leaving = judging->totals.leaving;
    size_t stored = leaving;

    if (judging->verdict->leavers == CS_WRITE_DELETE)
        stored += judging->totals.inactive;
    if (stored == 0 || (unkeyed == 0 && judge->records > 0))
        return true;
    judging->verdict->leavers = CS_WRITE_KEEP;
    if (unkeyed == 0) {
        say(judging,
            "Clever lists nobody while %zu rows are stored: all are kept",
            stored);
        hold_deletes(judging, stored, judging->totals.active);
    } else if (leaving > 0) {
        say(judging,
            "%zu rows would leave, but %zu records came without a usable key, "
            "so nobody can be missed for sure: all are kept",
            leaving, unkeyed);
        hold_deletes(judging, leaving, judging->totals.active);
    }
    return false;
}

static enum cs_rc guard_deletes(struct judging *judging)
{
    const struct cs_judge *judge = judging->judge;
    size_t leaving = judging->totals.leaving - judging->may_leave;
    size_t active = judging->totals.active, most;
    enum cs_rc rc;

    if (judge->mode != CS_JUDGE_EVENTS && !is_reliable(judging))
        return CS_OK;
    if (leaving == 0)
        return CS_OK;
    rc = active_rows(judging, cs_guard_deletes, leaving, &active);
    if (rc != CS_OK)
        return rc;
    most = cs_guard_deletes(&judging->guard, active - judging->may_leave);
    if (leaving > most) {
        say(judging,
            "%zu of %zu active rows would leave, more than max_delete allows "
            "(%zu): all are kept",
            leaving, active, most);
        hold_deletes(judging, leaving, active);
    }
    return CS_OK;
}

static enum cs_rc guard_updates(struct judging *judging)
{
    size_t updates = judging->judge->diff->counts.changes[CS_DIFF_UPDATE];
    size_t guarded = updates - judging->may_change;
    size_t active, most;
    enum cs_rc rc;

    if (guarded == 0)
        return CS_OK;
    rc = active_rows(judging, cs_guard_updates, guarded, &active);
    if (rc != CS_OK)
        return rc;
    most = cs_guard_updates(&judging->guard, active - judging->may_change);
    if (guarded > most) {
        say(judging,
            "%zu of %zu active rows would change, more than max_update allows "
            "(%zu): nothing was written",
            updates, active, most);
        judging->verdict->hold_updates = true;
        judging->verdict->held += updates;
        judging->verdict->total = active;
    }
    return CS_OK;
}

/* A table with people whom no sync of ours brought is taken over only when
 * these people are the school's, or when somebody said so. */
static enum cs_rc judge_adoption(struct judging *judging)
{
    const struct cs_diff_totals *totals = &judging->totals;
    struct cs_error *error = judging->judge->error;

    if (judging->judge->known || totals->active == 0)
        return CS_OK;
    judging->verdict->matched = totals->matched;
    judging->verdict->active = totals->active;
    if (judging->judge->vouched || totals->matched * 2 >= totals->active) {
        judging->verdict->adopted = true;
        judging->verdict->leavers = CS_WRITE_KEEP;
        return CS_OK;
    }
    cs_error_set(error, CS_E_FATAL,
                 "the database carries no stamp and only %zu of its %zu "
                 "active rows are in Clever: is it this school's?  Nothing "
                 "was written; if it is, use \"cleversync school adopt\"",
                 totals->matched, totals->active);
    error->status = CS_EXIT_PERSON;
    return error->rc;
}

static enum cs_rc judge_rejects(const struct judging *judging)
{
    const struct cs_judge *judge = judging->judge;
    size_t rejected = judge->diff->counts.rejected;
    size_t most = cs_guard_rejects(&judging->guard, judge->records);

    if (rejected <= most)
        return CS_OK;
    if (judge->mode == CS_JUDGE_EVENTS) {
        /* The feed goes on; the listing is where such people are found. */
        judging->verdict->unsure = true;
        return CS_OK;
    }
    return cs_error_set(judge->error, CS_E_FATAL,
                        "%zu of %zu records are unusable, more than "
                        "max_rejects allows (%zu); nothing was written; the "
                        "first: %s",
                        rejected, judge->records, most,
                        judge->diff->rejects[0].reason);
}

static enum cs_write_leavers leavers(const struct cs_judge *judge)
{
    switch (judge->mode) {
    case CS_JUDGE_DATA:
        break;
    case CS_JUDGE_VERIFY:
    case CS_JUDGE_EVENTS:
    case CS_JUDGE_FULL:
        return CS_WRITE_DEACTIVATE;
    case CS_JUDGE_ASKED:
        return strcmp(cs_settings_text(judge->settings, "sync", "delete"),
                      "hard") == 0
                   ? CS_WRITE_DELETE
                   : CS_WRITE_DEACTIVATE;
    }
    return CS_WRITE_KEEP;
}

enum cs_rc cs_judge_changes(const struct cs_judge *judge,
                            struct cs_verdict *verdict)
{
    struct judging judging = {.judge = judge,
                              .verdict = verdict,
                              .guard = cs_guard_from(judge->settings),
                              .totals = cs_diff_totals(judge->diff)};
    enum cs_rc rc;

    judging.may_leave = count_approved(judge, judge->may_leave, cs_diff_leaves);
    judging.may_change =
        count_approved(judge, judge->may_change, cs_judge_changing);
    *verdict = (struct cs_verdict){.leavers = leavers(judge)};
    if (judge->mode == CS_JUDGE_VERIFY)
        return CS_OK;
    rc = judge_rejects(&judging);
    if (rc == CS_OK)
        rc = judge_adoption(&judging);
    if (rc == CS_OK && verdict->leavers != CS_WRITE_KEEP)
        rc = guard_deletes(&judging);
    if (rc == CS_OK && judge->mode != CS_JUDGE_ASKED)
        rc = guard_updates(&judging);
    return rc;
}
