/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* The runs that [schedule] cron_expression asks for, begun by a thread of this
 * room; what has happened is kept in the session database (schedule-row.h). */
#ifndef CS_SCHEDULE_H
#define CS_SCHEDULE_H

#include "daemon/runs.h"

struct cs_schedule;

/* Nothing is begun before it is started. */
struct cs_schedule *cs_schedule_new(struct cs_generations *generations,
                                    struct cs_runs *runs);
void cs_schedule_start(struct cs_schedule *schedule);
/* When the runs have ended.  False: the session database hangs for so many
 * microseconds, so that the process has to end by _exit().  NULL: nothing,
 * true. */
bool cs_schedule_free(struct cs_schedule *schedule, int64_t limit);

/* From any thread. */
struct cs_schedule_state {
    int64_t next;               /* the coming tick; 0: there is none */
    int64_t last;               /* LastTick; 0: not known yet */
    int64_t skipped, caught_up; /* as in the row */
    bool away; /* the session database could not be used the last time */
};
void cs_schedule_look(struct cs_schedule *schedule,
                      struct cs_schedule_state *state);
bool cs_schedule_alive(struct cs_schedule *schedule); /* its thread moves */

#endif
