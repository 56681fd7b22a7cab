/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* The process that lives on: it opens the rooms that do the work, watches over
 * them, reloads, and stops in two stages. */
#ifndef CS_DAEMON_H
#define CS_DAEMON_H

#include "command/cli.h"

/* Until it is told to stop; gives the exit code. */
int cs_daemon_run(const struct cs_arguments *arguments);

#endif
