/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* SIGINT and SIGTERM: the first one asks to stop, a second one ends the
 * process.  SIGHUP, for who wants it. */
#ifndef CS_SIGNALS_H
#define CS_SIGNALS_H

#include <stdbool.h>

/* Called on a thread of this room. */
struct cs_signals {
    void (*stop)(void *arg);   /* once */
    void (*reload)(void *arg); /* at each SIGHUP; NULL: that is left alone */
    void *arg;
    bool wanted; /* to be stopped is a good end: it counts as not caught */
};

/* Starts a thread that waits for the signals; before any other thread exists,
 * so that all of them leave the signals to it.  Once at a time. */
void cs_signals_watch(const struct cs_signals *signals);
/* Ends the thread; the signals stay blocked. */
void cs_signals_stop(void);
/* The first signal to stop that came, or 0. */
int cs_signals_caught(void);

#endif
