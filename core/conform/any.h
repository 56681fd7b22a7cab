/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* The topics for plugins of all kinds. */
#ifndef CS_CONFORM_ANY_H
#define CS_CONFORM_ANY_H

#include "conform/probe.h"

extern const struct cs_conform_case cs_conform_any_life[];
extern const struct cs_conform_case cs_conform_any_calls[];
extern const struct cs_conform_case cs_conform_any_process[];

#endif
