/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

#include "config.h"

#include "sync/sync-inside.h"

#include "database/hold.h"
#include "base/log.h"
#include "base/memory.h"
#include "plugin/source.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Clever keeps events for 30 days; five are for clocks, holidays and doubt. */
#define FEED_KEPT (25 * 24 * 3600 * CS_SECOND)

const char *cs_sync_type(const struct cs_lane *lane)
{
    return lane->mode == CS_JUDGE_DATA || lane->mode == CS_JUDGE_EVENTS
               ? "Incremental"
               : "Full";
}

/* ---- Full or incremental ------------------------------------------------ */

/* Was there no full sync yet on the day that asks for one? */
static enum cs_rc is_full_day(struct cs_syncing *syncing, bool *due,
                              struct cs_error *error)
{
    struct cs_sync_wanted wanted = {.since = syncing->options->full_day,
                                    .full = true};
    char run[CS_SYNC_RUN];
    bool done = true;
    enum cs_rc rc = CS_OK;

    if (wanted.since > 0)
        rc = cs_sync_finished(syncing, &wanted, &done, run, error);
    *due = *due || !done;
    return rc;
}

static bool has_entity(const struct cs_syncing *syncing, const char *label)
{
    for (size_t i = 0; i < syncing->n; i++) {
        if (strcmp(syncing->lanes[i].schema->label, label) == 0)
            return true;
    }
    return false;
}

/* Only a full sync sees who of an approved hold is still absent. */
static enum cs_rc is_approved(struct cs_syncing *syncing, bool *due,
                              struct cs_error *error)
{
    struct cs_holds holds;
    enum cs_rc rc =
        cs_hold_load(syncing->session, syncing->school->id, &holds, error);

    for (size_t i = 0; i < holds.n; i++) {
        const struct cs_hold *hold = &holds.hold[i];

        if (!cs_hold_open(hold) || hold->approved == 0 ||
            !has_entity(syncing, hold->entity))
            continue;
        *due = true;
        cs_log_write(CS_LOG_INFO, &syncing->context,
                     "a full sync: hold %s is approved", hold->name);
    }
    cs_hold_clear(&holds);
    return rc;
}

/* Before it is known whether there are events. */
static enum cs_judge_mode first_mode(const struct cs_syncing *syncing)
{
    if (syncing->options->verify)
        return CS_JUDGE_VERIFY;
    if (syncing->asked)
        return CS_JUDGE_ASKED;
    return syncing->full ? CS_JUDGE_FULL : CS_JUDGE_DATA;
}

enum cs_rc cs_sync_decide(struct cs_syncing *syncing, struct cs_error *error)
{
    bool full =
        strcmp(cs_settings_text(syncing->app->settings, "sync", "default_mode"),
               "full") == 0;
    enum cs_rc rc = is_full_day(syncing, &full, error);

    if (rc == CS_OK)
        rc = is_approved(syncing, &full, error);
    syncing->asked = syncing->options->full || syncing->school->requires_full;
    for (size_t i = 0; rc == CS_OK && i < syncing->n; i++) {
        struct cs_lane *lane = &syncing->lanes[i];
        const struct cs_state_entry *entry =
            cs_state_find(&lane->state, lane->schema->label);

        rc = cs_sync_look(syncing, lane, error);
        full = full || !entry || entry->last_sync == 0 || !lane->has_table;
        lane->cursor = entry ? entry->cursor : NULL;
        lane->last_sync = entry ? entry->last_sync : 0;
    }
    syncing->full = full || syncing->asked;
    for (size_t i = 0; i < syncing->n; i++)
        syncing->lanes[i].mode = first_mode(syncing);
    return rc;
}

/* ---- By events, or why not ---------------------------------------------- */

/* CS_E_CURSOR: only a full sync will do. */
static enum cs_rc try_events(struct cs_syncing *syncing, struct cs_lane *lane,
                             struct cs_error *error)
{
    struct cs_whom whom = cs_sync_whom(syncing, lane->pipeline);
    enum cs_rc rc;

    if (!lane->cursor)
        rc = cs_error_set(error, CS_E_NOT_HERE,
                          "no place in the feed of events is known yet");
    else if (cs_clock_now() - lane->last_sync > FEED_KEPT)
        rc = cs_error_set(error, CS_E_CURSOR,
                          "the last success is more than 25 days old");
    else
        rc = cs_feed_read(syncing->feeds, lane->pipeline->delta, &whom,
                          lane->cursor, &lane->feed, error);
    if (rc == CS_OK) {
        lane->mode = CS_JUDGE_EVENTS;
        lane->next_cursor = lane->feed->end;
        /* What was read for all may end before where this school stands. */
        if (cs_feed_order(lane->pipeline->delta, lane->next_cursor,
                          lane->cursor) < 0)
            lane->next_cursor = lane->cursor;
    } else if (rc == CS_E_NOT_HERE || rc == CS_E_RETRY || rc == CS_E_FATAL) {
        lane->feed = NULL;
        lane->cut = rc == CS_E_NOT_HERE;
        snprintf(lane->note, sizeof(lane->note),
                 "by data, where nobody leaves: %s", error->text);
        cs_log_write(CS_LOG_INFO, &syncing->context, "%s %s",
                     lane->schema->label, lane->note);
        rc = CS_OK;
    }
    return rc;
}

static void make_full(struct cs_syncing *syncing, const char *why)
{
    cs_log_write(CS_LOG_WARN, &syncing->context, "a full sync: %s", why);
    syncing->full = true;
    for (size_t i = 0; i < syncing->n; i++) {
        struct cs_lane *lane = &syncing->lanes[i];

        lane->mode = CS_JUDGE_FULL;
        lane->feed = NULL;
        snprintf(lane->note, sizeof(lane->note), "a full sync: %s", why);
    }
}

/* ---- The baseline ------------------------------------------------------- */

static enum cs_rc mark(struct cs_syncing *syncing, struct cs_instance *feed,
                       struct cs_error *error)
{
    struct cs_page page;
    enum cs_rc rc;

    cs_page_init(&page, 1);
    rc = cs_source_mark(feed, &page, error);
    if (rc == CS_OK)
        syncing->baseline = cs_memory_text(page.cursor);
    cs_page_clear(&page);
    return rc;
}

/* Where the feed stands now, before anything is read.  Without it the sync is
 * as good; only the next one cannot go by events. */
static enum cs_rc take_baseline(struct cs_syncing *syncing,
                                const struct cs_lane *lane,
                                struct cs_error *error)
{
    struct cs_instance *feed = NULL;
    struct cs_error why = {0};
    enum cs_rc rc;

    rc = cs_sync_open_part(syncing, lane, lane->pipeline->delta, &feed, &why);
    if (rc == CS_OK)
        rc = mark(syncing, feed, &why);
    cs_instance_close(feed);
    if (rc == CS_E_CANCELLED) {
        *error = why;
        return rc;
    }
    syncing->closed = rc == CS_E_NOT_HERE;
    if (rc != CS_OK)
        cs_log_write(rc == CS_E_NOT_HERE ? CS_LOG_INFO : CS_LOG_WARN,
                     &syncing->context, "no baseline: %s", why.text);
    return CS_OK;
}

/* The place in the feed that goes into the new state.  A run by data does not
 * learn who left, so the place from which that is still to be learnt stays;
 * unless the feed is closed, when nobody knows what it will lack. */
static void continue_from(const struct cs_syncing *syncing,
                          struct cs_lane *lane)
{
    if (lane->feed)
        return;
    lane->next_cursor = lane->cut || syncing->closed ? NULL : lane->cursor;
    if (syncing->full && syncing->baseline)
        lane->next_cursor = syncing->baseline;
}

enum cs_rc cs_sync_prepare(struct cs_syncing *syncing, struct cs_error *error)
{
    const struct cs_lane *wants_baseline = NULL;
    enum cs_rc rc = CS_OK;

    if (syncing->options->verify)
        return CS_OK;
    for (size_t i = 0; rc == CS_OK && !syncing->full && i < syncing->n; i++) {
        struct cs_lane *lane = &syncing->lanes[i];

        if (lane->pipeline->delta)
            rc = try_events(syncing, lane, error);
        if (rc == CS_E_CURSOR) {
            lane->entity->cursor_lost = true;
            make_full(syncing, error->text);
            rc = CS_OK;
        }
    }
    for (size_t i = 0; i < syncing->n; i++) {
        const struct cs_lane *lane = &syncing->lanes[i];

        if (!lane->pipeline->delta)
            continue;
        syncing->has_delta = true;
        if (syncing->full || !lane->cursor)
            wants_baseline = lane;
    }
    if (rc == CS_OK && wants_baseline)
        rc = take_baseline(syncing, wants_baseline, error);
    if (rc == CS_OK && !syncing->full && syncing->baseline)
        make_full(syncing, "there are events now, but who left before them "
                           "only the listing shows");
    for (size_t i = 0; i < syncing->n; i++)
        continue_from(syncing, &syncing->lanes[i]);
    return rc;
}
