/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

#include "config.h"

#include "pass.h"

#include "guard.h"
#include "log.h"
#include "memory.h"
#include "reject.h"
#include "sink.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct passing {
    const struct cs_pass *pass;
    struct cs_pass_result *result;
    struct cs_diff diff;
    unsigned *lengths; /* the database's, for the diff */
    struct cs_log_context context;
    enum cs_write_leavers leavers;
    bool hold_updates; /* then nothing at all is written */
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

static void warn_cell(void *arg, const struct cs_column *column,
                      const char *key, const char *what)
{
    struct passing *passing = arg;

    cs_log_write(CS_LOG_WARN, &passing->context, "%s of %s %s", column->name,
                 key, what);
}

static enum cs_rc stored(void *arg, const struct cs_value *row)
{
    cs_diff_stored(arg, row);
    return CS_OK;
}

/* What the database holds.  A table that is not there yet holds nothing. */
static enum cs_rc scan(struct passing *passing)
{
    const struct cs_pass *pass = passing->pass;
    const struct cs_entity *entity = &pass->schema->entity;
    enum cs_rc rc;

    passing->lengths =
        cs_memory_array(entity->ncolumns, sizeof(*passing->lengths));
    rc = cs_sink_inspect(pass->sink, entity, passing->lengths,
                         passing->error);
    cs_diff_init(&passing->diff, pass->schema, passing->lengths, warn_cell,
                 passing);
    if (rc == CS_OK)
        rc = cs_sink_scan(pass->sink, entity, NULL, stored, &passing->diff,
                          passing->error);
    if (rc == CS_E_NOT_HERE)
        rc = CS_OK;
    return rc;
}

static enum cs_rc read_listing(struct passing *passing)
{
    const struct cs_pass *pass = passing->pass;
    struct cs_read read = {.settings = pass->settings,
                           .source = pass->source,
                           .mapper = pass->mapper,
                           .cancel = pass->cancel,
                           .diff = &passing->diff,
                           .progress = pass->progress};

    return cs_read_listing(&read, passing->error);
}

/* A database with people but without a stamp is taken over only when these
 * people are the school's. */
static enum cs_rc check_adoption(struct passing *passing,
                                 const struct cs_diff_totals *totals)
{
    if (totals->matched * 2 >= totals->active) {
        cs_log_write(CS_LOG_INFO, &passing->context,
                     "the database carries no stamp; adopted, because %zu of "
                     "its %zu active rows are in Clever; this run removes "
                     "nobody",
                     totals->matched, totals->active);
        passing->leavers = CS_WRITE_KEEP;
        return CS_OK;
    }
    cs_error_set(passing->error, CS_E_FATAL,
                 "the database carries no stamp and only %zu of its %zu "
                 "active rows are in Clever: is it this school's?  Nothing "
                 "was written",
                 totals->matched, totals->active);
    passing->error->status = CS_EXIT_PERSON;
    return passing->error->rc;
}

static void guard_deletes(struct passing *passing,
                          const struct cs_guard *guard,
                          const struct cs_diff_totals *totals)
{
    size_t most = cs_guard_deletes(guard, totals->active);
    size_t leaving = totals->leaving;
    char sentence[256];

    if (passing->leavers == CS_WRITE_DELETE &&
        passing->diff.counts.unkeyed > 0)
        leaving += totals->inactive;
    if (leaving == 0)
        return;
    if (passing->diff.counts.read == 0)
        snprintf(sentence, sizeof(sentence),
                 "Clever lists nobody while %zu active rows are stored: all "
                 "are kept",
                 leaving);
    else if (passing->diff.counts.unkeyed > 0)
        snprintf(sentence, sizeof(sentence),
                 "%zu rows would leave, but %zu records came without a "
                 "usable key, so nobody can be missed for sure: all are kept",
                 leaving, passing->diff.counts.unkeyed);
    else if (leaving > most)
        snprintf(sentence, sizeof(sentence),
                 "%zu of %zu active rows would leave, more than max_delete "
                 "allows (%zu): all are kept; if it is right, run again with "
                 "--set guard.max_delete=%zu",
                 leaving, totals->active, most, leaving);
    else
        return;
    passing->leavers = CS_WRITE_KEEP;
    passing->result->held += leaving;
    say(passing, sentence);
}

static void guard_updates(struct passing *passing,
                          const struct cs_guard *guard,
                          const struct cs_diff_totals *totals)
{
    size_t updates = passing->diff.counts.changes[CS_DIFF_UPDATE];
    size_t most = cs_guard_updates(guard, totals->active);
    char sentence[256];

    if (passing->pass->mode == CS_PASS_FULL_ASKED || updates <= most)
        return;
    snprintf(sentence, sizeof(sentence),
             "%zu of %zu active rows would change, more than max_update "
             "allows (%zu): nothing was written; if it is right, run again "
             "with --full or --set guard.max_update=%zu",
             updates, totals->active, most, updates);
    passing->hold_updates = true;
    passing->result->held += updates;
    say(passing, sentence);
}

/* Decides what of the comparison may be written. */
static enum cs_rc judge(struct passing *passing)
{
    const struct cs_pass *pass = passing->pass;
    const struct cs_diff_counts *counts = &passing->diff.counts;
    struct cs_guard guard = cs_guard_from(pass->settings);
    struct cs_diff_totals totals = cs_diff_totals(&passing->diff);
    size_t most_rejects = cs_guard_rejects(&guard, counts->read);

    if (counts->rejected > most_rejects)
        return cs_error_set(passing->error, CS_E_FATAL,
                            "%zu of %zu records are unusable, more than "
                            "max_rejects allows (%zu); nothing was written; "
                            "the first: %s",
                            counts->rejected, counts->read, most_rejects,
                            passing->diff.rejects[0].reason);
    passing->leavers = CS_WRITE_KEEP;
    if (pass->mode == CS_PASS_FULL)
        passing->leavers = CS_WRITE_DEACTIVATE;
    else if (pass->mode == CS_PASS_FULL_ASKED)
        passing->leavers =
            strcmp(cs_settings_text(pass->settings, "sync", "delete"),
                   "hard") == 0
                ? CS_WRITE_DELETE
                : CS_WRITE_DEACTIVATE;
    if (!pass->state->stamp && totals.active > 0) {
        enum cs_rc rc = check_adoption(passing, &totals);

        if (rc != CS_OK)
            return rc;
    }
    if (passing->leavers != CS_WRITE_KEEP)
        guard_deletes(passing, &guard, &totals);
    guard_updates(passing, &guard, &totals);
    return CS_OK;
}

static enum cs_rc plan(struct passing *passing)
{
    const struct cs_diff *diff = &passing->diff;
    struct cs_diff_totals totals = cs_diff_totals(diff);
    struct cs_pass_result *result = passing->result;

    if (passing->hold_updates)
        return CS_OK;
    result->inserted = diff->counts.changes[CS_DIFF_INSERT];
    result->updated = diff->counts.changes[CS_DIFF_UPDATE];
    result->restored = diff->counts.changes[CS_DIFF_RESTORE];
    if (passing->leavers == CS_WRITE_DEACTIVATE)
        result->deactivated = totals.leaving;
    if (passing->leavers == CS_WRITE_DELETE)
        result->deleted = totals.leaving + totals.inactive;
    return cs_plan_make(&result->plan, diff, passing->pass->sink,
                        passing->leavers, passing->pass->show_values,
                        passing->error);
}

/* Rows of both the reading and the writing, as the session keeps them. */
static enum cs_rc keep_rejects(struct passing *passing,
                               const struct cs_write_result *written)
{
    const struct cs_pass *pass = passing->pass;
    size_t nread = passing->diff.counts.rejected;
    size_t n = nread + written->nrejects;
    struct cs_reject *rejects = cs_memory_array(n, sizeof(*rejects));
    enum cs_rc rc;

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
    rc = cs_reject_replace(pass->session, pass->school->id,
                           pass->schema->label, rejects, n, passing->error);
    free(rejects);
    return rc;
}

static enum cs_rc write_all(struct passing *passing)
{
    const struct cs_pass *pass = passing->pass;
    struct cs_guard guard = cs_guard_from(pass->settings);
    struct cs_pass_result *result = passing->result;
    struct cs_state_new state = {.entity = pass->schema->label,
                                 .school_id = pass->school->clever_id,
                                 .run = pass->run,
                                 .cursor = pass->cursor,
                                 .last_sync = pass->started,
                                 .sync_id = pass->sync_id};
    struct cs_write write = {
        .settings = pass->settings,
        .session = pass->session,
        .school = pass->school,
        .sink = pass->sink,
        .diff = &passing->diff,
        .leavers = passing->leavers,
        .state = &state,
        .most_rejects = cs_guard_rejects(&guard, passing->diff.counts.read) -
                        passing->diff.counts.rejected,
        .cancel = pass->cancel};
    struct cs_write_result written = {0};
    enum cs_rc rc = CS_OK;

    if (!passing->hold_updates)
        rc = cs_write_all(&write, &written, passing->error);
    if (rc == CS_OK) {
        result->inserted = written.inserted;
        result->updated = written.updated;
        result->restored = written.restored;
        result->deactivated = written.deactivated;
        result->deleted = written.deleted;
        result->rejected += written.nrejects;
        rc = keep_rejects(passing, &written);
    }
    cs_write_clear(&written);
    return rc;
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
    rc = scan(&passing);
    if (rc == CS_OK)
        rc = read_listing(&passing);
    result->read = passing.diff.counts.read;
    result->rejected = passing.diff.counts.rejected;
    if (rc == CS_OK)
        rc = judge(&passing);
    if (rc == CS_OK)
        rc = pass->dry ? plan(&passing) : write_all(&passing);
    if (rc == CS_OK && result->rejected > 0) {
        char sentence[128];

        snprintf(sentence, sizeof(sentence),
                 "%zu records were set aside, the first because %s",
                 result->rejected,
                 passing.diff.counts.rejected
                     ? passing.diff.rejects[0].reason
                     : "the database refuses it");
        say(&passing, sentence);
    }
    cs_diff_clear(&passing.diff);
    free(passing.lengths);
    return rc;
}

void cs_pass_clear(struct cs_pass_result *result)
{
    cs_plan_clear(&result->plan);
    *result = (struct cs_pass_result){0};
}
