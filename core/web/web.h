/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* The daemon's HTTP server: health, metrics, an API, and a page for people, as
 * cleversync(1) describes them.
 *
 * Who listens on loopback speaks plain HTTP; on any other address there is TLS,
 * and every request but the two probes needs the API key or a sign-in. */
#ifndef CS_WEB_H
#define CS_WEB_H

#include "daemon/generations.h"

struct cs_health;
struct cs_metrics;
struct cs_runs;
struct cs_schedule;
struct cs_web;

/* What is shown and begun; all of it outlives the server. */
struct cs_web_parts {
    struct cs_generations *generations;
    struct cs_runs *runs;
    struct cs_health *health;
    struct cs_metrics *metrics;
    struct cs_schedule *schedule;
};

/* Listens as [health] says from now on.  CS_OK with *web NULL: it says that
 * nothing is served.  CS_E_CONFIG: the address or the certificate cannot be
 * used. */
enum cs_rc cs_web_new(struct cs_web **web, const struct cs_web_parts *parts,
                      struct cs_error *error);
/* Who is being answered gets the answer first, within so many microseconds.
 * False: a plugin hangs, so nothing of the parts must be freed, and the process
 * has to end by _exit().  NULL: nothing, true. */
bool cs_web_free(struct cs_web *web, int64_t limit);

const char *cs_web_url(const struct cs_web *web); /* "http://127.0.0.1:8480" */

#endif
