/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* SIGINT and SIGTERM: the first one cancels, a second one ends the process. */
#ifndef CS_SIGNALS_H
#define CS_SIGNALS_H

#include "cancel.h"

/* Starts a thread that waits for the signals; before any other thread exists,
 * so that all of them leave the signals to it.  Once at a time. */
void cs_signals_watch(struct cs_cancel *cancel);
/* Ends the thread; the signals stay blocked. */
void cs_signals_stop(void);
/* The first signal that came, or 0. */
int cs_signals_caught(void);

#endif
