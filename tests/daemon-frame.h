/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* What surrounds unit tests of a daemon's parts. */
#ifndef DAEMON_FRAME_H
#define DAEMON_FRAME_H

#include "daemon/generations.h"

/* A socket that listens on a free port of 127.0.0.1. */
int daemon_frame_listen(unsigned *port);

/* Reads that configuration as a daemon does, and calls tests(), which gives how
 * many failed; then something may still be on, and nothing is closed.  Gives 0
 * when all is well. */
int daemon_frame_run(const char *config,
                     int (*tests)(struct cs_generations *generations,
                                  struct cs_cancel *cancel));

#endif
