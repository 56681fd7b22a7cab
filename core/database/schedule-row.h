/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* How far the schedule has come: a row of SyncSchedule, which outlives the
 * process and is shared by all daemons of one session database.
 *
 * The first who sees a tick moves LastTick on to it and notes the newest
 * SyncId; the others run with the same one, and find done what another has
 * synced since.  LastRunId is empty until a run of that tick has given every
 * school its turn: whoever comes and finds it empty runs what is left.
 *
 * Of ticks that were missed the newest is run, once; the others count as
 * skipped, and so does one that comes while a run of everything is on.  So each
 * tick either was LastTick of a claim or is one of Skipped.  LastTick only
 * grows: what a clock that is set back brings again is not run again. */
#ifndef CS_SCHEDULE_ROW_H
#define CS_SCHEDULE_ROW_H

#include "daemon/cron.h"
#include "sync/run.h"

struct cs_schedule_row {
    int64_t last;        /* 0: there is no row yet */
    bool open;           /* a run of `last` is still to end */
    char run[CS_RUN_ID]; /* unless open: the one that ended */
    int64_t since, skipped, caught_up;
};

/* ---- The rules ---------------------------------------------------------- */

#define CS_SCHEDULE_ROW_DAY (24 * 3600 * CS_SECOND)

struct cs_schedule_due {
    int64_t tick; /* the newest that is due; 0: none */
    size_t n;     /* how many are */
};
/* After `last` and up to now; of a long time only the last 31 days. */
struct cs_schedule_due cs_schedule_row_due(const struct cs_cron *cron,
                                           int64_t last, int64_t now);
/* Later than a tick's own run begins. */
bool cs_schedule_row_late(const struct cs_schedule_due *due, int64_t now);

/* Changes of the row; false: it is to stay as it is.  claim, skip: another
 * daemon was faster. */
bool cs_schedule_row_claim(struct cs_schedule_row *row,
                           const struct cs_schedule_due *due, int64_t now,
                           int64_t newest);
bool cs_schedule_row_skip(struct cs_schedule_row *row,
                          const struct cs_schedule_due *due);
/* Run `run` with that `since` has ended. */
bool cs_schedule_row_end(struct cs_schedule_row *row, const char *run,
                         int64_t since);
/* The first time: what was before `now` does not count.  And when LastTick is
 * more than a day ahead: the clock was wrong then, and nothing would be run
 * until it is right. */
bool cs_schedule_row_begin(struct cs_schedule_row *row, int64_t now);

/* ---- In the session database -------------------------------------------- */

/* Reads the row, lets change() work on it, stores it if that gives true, with
 * no other daemon in between; *row is as it is stored then. */
typedef bool cs_schedule_change(void *arg, struct cs_schedule_row *row);
enum cs_rc cs_schedule_row_change(struct cs_session *session,
                                  cs_schedule_change *change, void *arg,
                                  struct cs_schedule_row *row,
                                  struct cs_error *error);

#endif
