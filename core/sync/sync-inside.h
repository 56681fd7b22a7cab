/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* What the files of one school's sync share: sync.c (the order of things),
 * sync-mode.c (full, by events or by data), sync-history.c. */
#ifndef CS_SYNC_INSIDE_H
#define CS_SYNC_INSIDE_H

#include "database/history.h"
#include "sync/sync.h"

#include <pthread.h>

/* One pipeline at work for one school. */
struct cs_lane {
    const struct cs_pipeline *pipeline;
    struct cs_schema *schema;
    struct cs_instance *source, *mapper;
    struct cs_instance *sink;
    struct cs_state state; /* of its database */
    bool has_table, has_rows;
    struct cs_history history;
    char *history_key;
    bool open_history;
    /* How it goes about its entity. */
    enum cs_judge_mode mode;
    const char *cursor;         /* the place in the feed, so far; or NULL */
    const struct cs_feed *feed; /* by events: what was read of it */
    const char *next_cursor;    /* the place that goes into the new state */
    int64_t last_sync;          /* of the state; 0: never */
    bool cut;       /* the feed was closed, so its thread is broken */
    char note[600]; /* why it is full or by data, for the history; or "" */
    struct cs_sync_entity *entity;
};

struct cs_syncing {
    struct cs_app *app;
    struct cs_session *session;
    struct cs_feeds *feeds;
    const struct cs_sync_options *options;
    struct cs_cancel *cancel;
    struct cs_sync_school *result;
    const struct cs_school *school;
    struct cs_log_context context;
    struct cs_lane *lanes;
    pthread_mutex_t writing; /* one lane at a time */
    size_t n;
    bool full, asked;
    int64_t started; /* wall clock, before the first request */
    char *baseline;  /* the feed's end before reading; NULL: none */
    bool has_delta;
    bool closed; /* the feed is not there for this district */
};

/* Opens a part for this school and says in the result that it is at work. */
enum cs_rc cs_sync_open_part(struct cs_syncing *syncing,
                             const struct cs_lane *lane,
                             const struct cs_part *part,
                             struct cs_instance **instance,
                             struct cs_error *error);
struct cs_whom cs_sync_whom(const struct cs_syncing *syncing,
                            const struct cs_pipeline *pipeline);

/* Is there a table, are there rows? */
enum cs_rc cs_sync_look(const struct cs_syncing *syncing, struct cs_lane *lane,
                        struct cs_error *error);

/* Full or incremental, by what is asked, stored and set. */
enum cs_rc cs_sync_decide(struct cs_syncing *syncing, struct cs_error *error);
/* Before anything is read: the feed, or where it stands. */
enum cs_rc cs_sync_prepare(struct cs_syncing *syncing, struct cs_error *error);
const char *cs_sync_type(const struct cs_lane *lane); /* "Full", ... */

/* Which rows of the history count for cs_sync_finished(). */
struct cs_sync_wanted {
    size_t rows;   /* look at so many of the newest; 0: all */
    int64_t above; /* SyncId */
    int64_t since; /* start */
    bool full;     /* only full syncs */
    bool others;   /* only of other runs */
};
#define CS_SYNC_RUN 64
/* Has every entity a finished sync among them?  run: whose the last is. */
enum cs_rc cs_sync_finished(const struct cs_syncing *syncing,
                            const struct cs_sync_wanted *wanted, bool *all,
                            char run[CS_SYNC_RUN], struct cs_error *error);
/* Has another run that began after this one finished the school, in at least
 * the mode that is asked of us?  Then the result says so. */
bool cs_sync_done_elsewhere(struct cs_syncing *syncing);

/* A row for each lane, after closing what a dead run left open. */
enum cs_rc cs_sync_begin_history(struct cs_syncing *syncing,
                                 struct cs_error *error);
void cs_sync_end_history(struct cs_syncing *syncing, struct cs_lane *lane);
/* The rows "Baseline" and "Event": from where the next events will count. */
void cs_sync_note_cursor(struct cs_syncing *syncing);

#endif
