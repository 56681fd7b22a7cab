/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

#include "config.h"

#include "sync/pass.h"

#include "sync/approval.h"
#include "sync/delta.h"
#include "sync/guard.h"
#include "base/log.h"
#include "base/memory.h"
#include "config/prefix.h"
#include "database/reject.h"
#include "plugin/sink.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct passing {
    const struct cs_pass *pass;
    struct cs_pass_result *result;
    struct cs_diff diff;
    unsigned *lengths; /* the database's, for the diff */
    struct cs_log_context context;
    struct cs_approval approval;
    struct cs_verdict verdict;
    struct cs_error *error;
};

/* Adds a sentence to the result's message, as far as there is room. */
static void say(struct passing *passing, const char *sentence)
{
    char *message = passing->result->message;
    size_t room = sizeof(passing->result->message);
    size_t used = strlen(message);

    snprintf(message + used, room - used, "%s%s", used ? "; " : "", sentence);
    cs_log_write(CS_LOG_WARN, &passing->context, "%s", sentence);
}

static void warn_cell(void *arg, const char *key,
                      const struct cs_normal_note *note)
{
    struct passing *passing = arg;

    cs_log_write(CS_LOG_WARN, &passing->context, "%s of %s %s",
                 note->column->name, key, note->what);
}

static enum cs_rc stored(void *arg, const struct cs_value *row)
{
    cs_diff_stored(arg, row);
    return CS_OK;
}

/* What is repeated begins from nothing each time. */
static enum cs_rc repeat(struct passing *passing, cs_sink_work *work)
{
    const struct cs_pass *pass = passing->pass;

    return cs_sink_repeat(pass->sink->request.part, pass->settings,
                          pass->cancel, work, passing, passing->error);
}

/* Ready to compare, afresh.  CS_E_NOT_HERE: there is no table yet. */
static enum cs_rc inspect(struct passing *passing)
{
    const struct cs_entity *entity = &passing->pass->schema->entity;

    cs_diff_clear(&passing->diff);
    free(passing->lengths);
    passing->lengths =
        cs_memory_array(entity->ncolumns, sizeof(*passing->lengths));
    cs_diff_init(&passing->diff, passing->pass->schema, passing->lengths,
                 warn_cell, passing);
    return cs_sink_inspect(passing->pass->sink, entity, passing->lengths,
                           passing->error);
}

static enum cs_rc load_stored(void *arg, struct cs_error *error)
{
    struct passing *passing = arg;
    const struct cs_pass *pass = passing->pass;
    enum cs_rc rc = inspect(passing);

    return rc == CS_OK ? cs_sink_scan(pass->sink, &pass->schema->entity, NULL,
                                      stored, &passing->diff, error)
                       : rc;
}

/* All of the table beside all of the listing. */
static enum cs_rc compare_listing(struct passing *passing)
{
    const struct cs_pass *pass = passing->pass;
    struct cs_read read = {.settings = pass->settings,
                           .source = pass->source,
                           .mapper = pass->mapper,
                           .cancel = pass->cancel,
                           .diff = &passing->diff,
                           .progress = pass->progress};
    enum cs_rc rc = repeat(passing, load_stored);

    if (rc == CS_OK || rc == CS_E_NOT_HERE)
        rc = cs_read_listing(&read, passing->error);
    passing->result->read = passing->diff.counts.read;
    return rc;
}

/* Those of the table that the feed speaks of, beside what it says. */
static enum cs_rc compare_feed(void *arg, struct cs_error *error)
{
    struct passing *passing = arg;
    const struct cs_pass *pass = passing->pass;
    struct cs_delta delta = {.part = pass->delta,
                             .feed = pass->feed,
                             .cursor = pass->feed_from,
                             .mapper = pass->mapper,
                             .sink = pass->sink,
                             .diff = &passing->diff};
    struct cs_delta_result merged;
    enum cs_rc rc = inspect(passing);

    if (rc != CS_OK)
        return rc;
    rc = cs_delta_merge(&delta, &merged, error);
    passing->result->read = merged.handed;
    passing->result->incomplete = merged.incomplete;
    return rc;
}

/* What was approved counts before the guards do. */
static enum cs_rc load_approval(struct passing *passing)
{
    const struct cs_pass *pass = passing->pass;

    passing->approval = (struct cs_approval){.session = pass->session,
                                             .school = pass->school,
                                             .entity = pass->schema->label,
                                             .diff = &passing->diff,
                                             .mode = pass->mode};
    return cs_approval_load(&passing->approval, passing->error);
}

static enum cs_rc judge_changes(void *arg, struct cs_error *error)
{
    struct passing *passing = arg;
    const struct cs_pass *pass = passing->pass;
    const struct cs_keys *may = passing->approval.may;
    const struct cs_state_entry *entry =
        cs_state_find(pass->state, pass->schema->label);
    struct cs_judge judge = {.settings = pass->settings,
                             .diff = &passing->diff,
                             .sink = pass->sink,
                             .mode = pass->mode,
                             .records = passing->result->read,
                             .known = entry && entry->last_sync != 0,
                             .vouched = entry,
                             .may_leave = &may[CS_HOLD_DELETE],
                             .may_change = &may[CS_HOLD_UPDATE],
                             .error = error};

    return cs_judge_changes(&judge, &passing->verdict);
}

/* Decides what of the comparison may be written. */
static enum cs_rc judge(struct passing *passing)
{
    const struct cs_verdict *verdict = &passing->verdict;
    enum cs_rc rc = repeat(passing, judge_changes);

    if (rc != CS_OK)
        return rc;
    if (verdict->adopted)
        cs_log_write(
            CS_LOG_INFO, &passing->context,
            "%s; %zu of its %zu active rows are in Clever; this run "
            "removes nobody",
            cs_state_find(passing->pass->state, passing->pass->schema->label)
                ? "the database is adopted by a person's word"
                : "the database carries no stamp and is adopted",
            verdict->matched, verdict->active);
    passing->result->held = verdict->held;
    if (verdict->reason[0])
        say(passing, verdict->reason);
    if (verdict->unsure) {
        passing->result->incomplete = true;
        say(passing, "more events are unusable than max_rejects allows: the "
                     "next run of this school is a full one");
    }
    return CS_OK;
}

/* What an approval did, or in a dry run would. */
static void say_approved(struct passing *passing, const char *left,
                         const char *changed)
{
    const struct cs_approval *approval = &passing->approval;

    for (size_t i = 0; i < approval->holds.n; i++) {
        const struct cs_hold *hold = &approval->holds.hold[i];
        char sentence[256];

        if (!cs_approval_counts(approval, &passing->verdict, hold))
            continue;
        snprintf(sentence, sizeof(sentence),
                 "%zu rows %s by the approval of %s by %s",
                 cs_approval_rows(approval, hold),
                 hold->kind == CS_HOLD_DELETE ? left : changed, hold->name,
                 hold->by ? hold->by : "somebody");
        say(passing, sentence);
    }
}

/* Before anything is written; from then on the held rows may be past. */
static enum cs_rc keep_holds(struct passing *passing)
{
    static const char *const what[CS_HOLD_KINDS] = {
        [CS_HOLD_DELETE] = "go", [CS_HOLD_UPDATE] = "change"};
    char names[CS_HOLD_KINDS][CS_HOLD_NAME];
    enum cs_rc rc = cs_approval_keep(&passing->approval, &passing->verdict,
                                     names, passing->error);

    for (size_t kind = 0; rc == CS_OK && kind < CS_HOLD_KINDS; kind++) {
        char sentence[128];

        if (!names[kind][0])
            continue;
        snprintf(sentence, sizeof(sentence),
                 "to let exactly these %s: cleversync approve %s", what[kind],
                 names[kind]);
        say(passing, sentence);
    }
    return rc;
}

/* The rows are committed by now, so a failure here is no longer the sync's. */
static void settle_holds(struct passing *passing)
{
    struct cs_error error = {0};

    say_approved(passing, "left", "changed");
    if (cs_approval_settle(&passing->approval, &passing->verdict, &error) !=
        CS_OK)
        cs_log_write(CS_LOG_ERROR, &passing->context,
                     "what became of the holds could not be noted: %s",
                     error.text);
}

/* When a guard holds, only who was approved goes. */
static const struct cs_keys *only(const struct passing *passing)
{
    return passing->verdict.hold_deletes
               ? &passing->approval.may[CS_HOLD_DELETE]
               : NULL;
}

static size_t count_leavers(const struct passing *passing)
{
    const struct cs_keys *keys = &passing->diff.keys;
    size_t n = 0;

    for (size_t i = 0; i < keys->n; i++)
        n += cs_write_goes(cs_keys_at(keys, i), passing->verdict.leavers,
                           only(passing));
    return n;
}

static enum cs_rc make_plan(void *arg, struct cs_error *error)
{
    struct passing *passing = arg;

    cs_plan_clear(&passing->result->plan);
    return cs_plan_make(&passing->result->plan, &passing->diff,
                        passing->pass->sink, passing->verdict.leavers,
                        only(passing), passing->pass->show_values, error);
}

static enum cs_rc plan(struct passing *passing)
{
    const struct cs_diff *diff = &passing->diff;
    struct cs_pass_result *result = passing->result;

    if (passing->verdict.hold_updates)
        return CS_OK;
    say_approved(passing, "would leave", "would change");
    result->inserted = diff->counts.changes[CS_DIFF_INSERT];
    result->updated = diff->counts.changes[CS_DIFF_UPDATE];
    result->restored = diff->counts.changes[CS_DIFF_RESTORE];
    if (passing->verdict.leavers == CS_WRITE_DEACTIVATE)
        result->deactivated = count_leavers(passing);
    if (passing->verdict.leavers == CS_WRITE_DELETE)
        result->deleted = count_leavers(passing);
    return repeat(passing, make_plan);
}

static bool synced(void *arg, const char *key)
{
    const struct cs_keys_entry *entry = cs_keys_find(arg, key);

    return entry && entry->flags & CS_KEYS_SEEN;
}

/* Rows of both the reading and the writing, as the session keeps them.  The
 * rows are committed by now, so a failure here is no longer the sync's. */
static void keep_rejects(struct passing *passing,
                         const struct cs_write_result *written)
{
    const struct cs_pass *pass = passing->pass;
    size_t nread = passing->diff.counts.rejected;
    size_t n = nread + written->nrejects;
    struct cs_reject *rejects = cs_memory_array(n, sizeof(*rejects));
    struct cs_reject_synced seen = {synced, &passing->diff.keys};
    struct cs_error error = {0};

    for (size_t i = 0; i < n; i++) {
        const struct cs_diff_reject *from = i < nread
                                                ? &passing->diff.rejects[i]
                                                : &written->rejects[i - nread];

        rejects[i] = (struct cs_reject){.school = pass->school->id,
                                        .school_id = pass->school->clever_id,
                                        .entity = pass->schema->label,
                                        .clever_id = from->key,
                                        .reason = from->reason,
                                        .run = pass->run};
    }
    if (cs_reject_replace(pass->session, pass->school->id, pass->schema->label,
                          rejects, n, pass->feed ? &seen : NULL,
                          &error) != CS_OK)
        cs_log_write(CS_LOG_ERROR, &passing->context,
                     "what was set aside could not be noted: %s", error.text);
    free(rejects);
}

/* Who was changed and why.  As with the rejects, a failure here is no longer
 * the sync's. */
static void keep_changes(struct passing *passing,
                         const struct cs_changes *changes)
{
    const struct cs_pass *pass = passing->pass;
    const struct cs_keys *may = passing->approval.may;
    const struct cs_changes_source source = {
        .school = pass->school,
        .entity = pass->schema->label,
        .run = pass->run,
        .sync = pass->sync_id,
        .why = pass->feed ? CS_CHANGES_FEED : CS_CHANGES_LISTING,
        .may_leave = &may[CS_HOLD_DELETE],
        .may_change = &may[CS_HOLD_UPDATE]};
    struct cs_error error = {0};

    if (cs_changes_log(pass->session, &source, changes, &error) != CS_OK)
        cs_log_write(CS_LOG_ERROR, &passing->context,
                     "%zu changes were made, but could not be logged: %s",
                     changes->n, error.text);
}

/* Before the place in the feed moves on: only a full sync can tell about
 * somebody whom the feed has named. */
static enum cs_rc require_full(struct passing *passing)
{
    static const bool yes = true;
    struct cs_school_change change = {.requires_full = &yes};

    return cs_registry_set_school(passing->pass->session, passing->pass->school,
                                  &change, passing->error);
}

static enum cs_rc write_all(struct passing *passing)
{
    const struct cs_pass *pass = passing->pass;
    struct cs_guard guard = cs_guard_from(pass->settings);
    struct cs_pass_result *result = passing->result;
    size_t most = cs_guard_rejects(&guard, result->read);
    size_t rejected = passing->diff.counts.rejected;
    struct cs_state_new state = {.entity = pass->schema->label,
                                 .school_id = pass->school->clever_id,
                                 .run = pass->run,
                                 .cursor = pass->cursor,
                                 .last_sync = pass->started,
                                 .sync_id = pass->sync_id};
    struct cs_write write = {.settings = pass->settings,
                             .session = pass->session,
                             .school = pass->school,
                             .sink = pass->sink,
                             .diff = &passing->diff,
                             .leavers = passing->verdict.leavers,
                             .only = only(passing),
                             .state = &state,
                             .most_rejects =
                                 most > rejected ? most - rejected : 0,
                             .cancel = pass->cancel};
    struct cs_write_result written = {0};
    bool held = passing->verdict.hold_updates; /* all of it */
    enum cs_rc rc = keep_holds(passing);

    if (rc == CS_OK && result->incomplete)
        rc = require_full(passing);
    if (rc == CS_OK && !held) {
        pthread_mutex_lock(pass->writing);
        rc = cs_write_all(&write, &written, passing->error);
        pthread_mutex_unlock(pass->writing);
    }
    if (rc == CS_OK) {
        result->inserted = written.inserted;
        result->updated = written.updated;
        result->restored = written.restored;
        result->deactivated = written.deactivated;
        result->deleted = written.deleted;
        result->rejected += written.nrejects;
        keep_changes(passing, &written.changes);
        keep_rejects(passing, &written);
    }
    if (rc == CS_OK && !held)
        settle_holds(passing);
    cs_write_clear(&written);
    return rc;
}

static void tell_rejects(struct passing *passing)
{
    const struct cs_diff *diff = &passing->diff;
    size_t n = passing->result->rejected;
    const char *key = NULL, *why = "the database refuses it";
    char sentence[256];

    if (diff->counts.rejected > 0) {
        key = diff->rejects[0].key;
        if (key && cs_prefix_fault_id(key))
            key = NULL; /* it could be anything */
        why = diff->rejects[0].reason;
    }
    snprintf(sentence, sizeof(sentence),
             "%zu %s set aside (cleversync rejects), the first%s%s because %s",
             n, n == 1 ? "record was" : "records were", key ? ", " : "",
             key ? key : "", why);
    say(passing, sentence);
}

enum cs_rc cs_pass_run(const struct cs_pass *pass,
                       struct cs_pass_result *result, struct cs_error *error)
{
    struct passing passing = {
        .pass = pass,
        .result = result,
        .context = {.run = pass->run,
                    .district = pass->school->district->clever_id,
                    .school = pass->school->clever_id,
                    .entity = pass->schema->label},
        .error = error};
    enum cs_rc rc;

    *result = (struct cs_pass_result){0};
    rc =
        pass->feed ? repeat(&passing, compare_feed) : compare_listing(&passing);
    result->rejected = passing.diff.counts.rejected;
    if (rc == CS_OK)
        rc = load_approval(&passing);
    if (rc == CS_OK)
        rc = judge(&passing);
    if (rc == CS_OK)
        rc = pass->dry ? plan(&passing) : write_all(&passing);
    if (rc == CS_OK && result->rejected > 0)
        tell_rejects(&passing);
    cs_approval_clear(&passing.approval);
    cs_diff_clear(&passing.diff);
    free(passing.lengths);
    return rc;
}

void cs_pass_clear(struct cs_pass_result *result)
{
    cs_plan_clear(&result->plan);
    *result = (struct cs_pass_result){0};
}
