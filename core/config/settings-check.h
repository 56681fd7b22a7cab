/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* Settings held against their tables; each fault is a problem with its place
 * and, where one is near, the name that may have been meant. */
#ifndef CS_SETTINGS_CHECK_H
#define CS_SETTINGS_CHECK_H

#include "config/settings.h"

/* Is this a section of ours, or may it be a plugin's or a pipeline's? */
void cs_settings_check_section(const struct cs_setting *heading,
                               struct cs_problems *problems);
/* Is the key in one of the tables (each may be NULL), and its value sound? */
void cs_settings_check_key(const struct cs_setting *setting,
                           const struct cs_option *options,
                           const struct cs_option *more,
                           struct cs_problems *problems);
/* What no table can say; only for values that are sound, each for itself. */
void cs_settings_check_whole(const struct cs_settings *settings,
                             struct cs_problems *problems);

#endif
