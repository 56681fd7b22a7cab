/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* What of a comparison may be written: mode, adoption and guards. */
#ifndef CS_JUDGE_H
#define CS_JUDGE_H

#include "sync/write.h"

enum cs_judge_mode {
    CS_JUDGE_VERIFY, /* nothing is written: all that differs counts */
    CS_JUDGE_DATA,   /* incremental by data: nobody leaves */
    CS_JUDGE_EVENTS, /* incremental by events: who left is deactivated */
    CS_JUDGE_FULL,   /* likewise, by the listing */
    CS_JUDGE_ASKED,  /* a full sync that was asked for: who left is deleted */
};

struct cs_judge {
    const struct cs_settings *settings;
    struct cs_diff *diff;
    struct cs_instance *sink; /* by events: to count the table's rows */
    enum cs_judge_mode mode;
    size_t records; /* that were read */
    bool known;     /* a sync of ours has filled the table */
    bool vouched;   /* a person said that it is this school's */
    /* People whose leaving, or change, a person approved: no guard counts
     * them.  NULL: none. */
    const struct cs_keys *may_leave, *may_change;
    struct cs_error *error;
};

struct cs_verdict {
    enum cs_write_leavers leavers;
    bool hold_updates; /* then nothing at all is to be written */
    bool hold_deletes; /* then only those of `may_leave` go */
    bool unsure;  /* too many events are unusable: only a listing can tell */
    size_t held;  /* rows */
    size_t total; /* if any: active rows */
    char reason[512];       /* why; "": nothing is held */
    bool adopted;           /* the table had people, but no sync of ours */
    size_t matched, active; /* if so: how many of them are in Clever */
};

/* An error: nothing may be written, and why. */
enum cs_rc cs_judge_changes(const struct cs_judge *judge,
                            struct cs_verdict *verdict);

/* Is this one of the rows that guard.max_update is about? */
bool cs_judge_changing(const struct cs_keys_entry *entry);

#endif
