/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* Numbers about this process and what it synced, and their text for
 * Prometheus.  Labels are sections, Clever's ids of districts and schools, and
 * entities; never anything of a person. */
#ifndef CS_METRICS_H
#define CS_METRICS_H

#include "health/health.h"
#include "notify/notify.h"
#include "daemon/schedule.h"

struct cs_metrics;

struct cs_metrics *cs_metrics_new(void);
void cs_metrics_free(struct cs_metrics *metrics); /* NULL: nothing */

/* The last success of each active school and entity, from the history: those of
 * other processes, too. */
enum cs_rc cs_metrics_learn(struct cs_metrics *metrics,
                            struct cs_session *session,
                            const struct cs_wiring *wiring,
                            struct cs_error *error);

/* Learns in the background, at once and every metric_flush_interval_seconds; a
 * session database that is away is tried again then. */
struct cs_metrics_follower;
struct cs_metrics_follower *
cs_metrics_follow(struct cs_metrics *metrics,
                  struct cs_generations *generations);
/* Waits for so many microseconds at most.  False: a plugin hangs, so nothing
 * that it may use can be freed, the metrics among it, and the process has to
 * end by _exit().  NULL: nothing, true. */
bool cs_metrics_unfollow(struct cs_metrics_follower *follower, int64_t limit);

/* What runs do, for a struct cs_run_observer; a dry run counts nothing. */
void cs_metrics_school(struct cs_metrics *metrics, const struct cs_run *run,
                       const struct cs_sync_school *school);
void cs_metrics_ended(struct cs_metrics *metrics, const struct cs_run *run);
/* A run that could not begin. */
void cs_metrics_no_run(struct cs_metrics *metrics,
                       const struct cs_error *error);

/* ---- Their text ---------------------------------------------------------- */

enum cs_metrics_format { CS_METRICS_PROMETHEUS, CS_METRICS_OPENMETRICS };

/* What else there is to tell of; each may be NULL. */
struct cs_metrics_rooms {
    struct cs_runs *runs;
    struct cs_health *health;
    struct cs_notify *notify;
    const struct cs_schedule_state *schedule;
};

/* By the value of an Accept header, which may be NULL. */
enum cs_metrics_format cs_metrics_choose(const char *accept);
const char *cs_metrics_type(enum cs_metrics_format format); /* Content-Type */
/* Yours to free(). */
char *cs_metrics_text(struct cs_metrics *metrics,
                      const struct cs_metrics_rooms *rooms,
                      enum cs_metrics_format format);

#endif
