/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* Progress of a run: on a terminal a line for each school at work, redrawn in
 * place below the log; elsewhere a log line when a school is done. */
#ifndef CS_PROGRESS_H
#define CS_PROGRESS_H

#include "sync/sync.h"

struct cs_progress;

struct cs_progress *cs_progress_new(const struct cs_sync_school *schools,
                                    size_t n);
void cs_progress_draw(struct cs_progress *progress);
void cs_progress_free(struct cs_progress *progress); /* takes the lines away */

#endif
