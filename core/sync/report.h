/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* What came of a run, for a person or for a program. */
#ifndef CS_REPORT_H
#define CS_REPORT_H

#include "sync/run.h"

/* On standard output; a dry run's changes come before the table. */
void cs_report_print(const struct cs_run *run);
void cs_report_json(const struct cs_run *run);

#endif
