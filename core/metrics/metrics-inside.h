/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* What the files of metrics share. */
#ifndef CS_METRICS_INSIDE_H
#define CS_METRICS_INSIDE_H

#include "metrics/metrics-text.h"

#include <pthread.h>

enum { CS_METRICS_OUTCOMES = 8, CS_METRICS_RESULTS = 3 };
extern const char *const cs_metrics_outcomes[CS_METRICS_OUTCOMES];
extern const char *const cs_metrics_results[CS_METRICS_RESULTS];

struct cs_metrics_school {
    char *district, *school;
    uint64_t results[CS_METRICS_RESULTS];
    double seconds, last; /* of its syncs: in all, and of the last one */
    uint64_t timed;       /* how many these were */
};

struct cs_metrics_entity {
    char *district, *school, *entity;
    bool active;   /* it is to be synced; else it has no last success */
    bool searched; /* the whole history was, for a last success */
    int64_t last;  /* success, since 1970; 0: never */
    uint64_t results[CS_METRICS_RESULTS];
    uint64_t outcomes[CS_METRICS_OUTCOMES]; /* records */
};

struct cs_metrics {
    pthread_mutex_t mutex; /* guards all below */
    struct cs_metrics_school *schools;
    size_t nschools;
    struct cs_metrics_entity *entities;
    size_t nentities;
    double run_seconds; /* of all that have ended */
    uint64_t runs;
};

/* metrics-process.c: of the process, as the system counts. */
void cs_metrics_process(struct cs_metrics_text *text);

#endif
