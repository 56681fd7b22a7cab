/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* Counts of the process that rooms far inside keep: they only rise, and live
 * as long as the process, across reloads. */
#ifndef CS_COUNTERS_H
#define CS_COUNTERS_H

enum cs_counter {
    CS_COUNTER_REQUESTS, /* over HTTP: by section, by status or "none" */
    CS_COUNTER_REPEATS,  /* of them, repeated: by section */
    CS_COUNTER_WAITS,    /* for a limit of requests: by section */
    CS_COUNTER_WAITED,   /* seconds of it: by section */
    CS_COUNTER_SECRETS,  /* stores asked for a secret: by section, by outcome */
    CS_COUNTER_DATABASE, /* work on databases that was repeated: by section */
    CS_COUNTER_RUNS,     /* that have ended: by the word of their exit code */
    CS_COUNTER_KINDS
};

/* From any thread.  who and how are copied; how may be NULL.  n may be 0, so
 * that the count is there before it rises. */
void cs_counters_add(enum cs_counter counter, const char *who, const char *how,
                     double n);

/* Each that was ever added to, in the order of first appearance; how "": none.
 * Strings live on; the call must not count. */
typedef void cs_counters_fn(void *arg, const char *who, const char *how,
                            double n);
void cs_counters_each(enum cs_counter counter, cs_counters_fn *each, void *arg);

#endif
