/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* What a manual page of a plugin has from the plugin itself, on standard
 * output: its options; of a mapper, what it reads and writes. */
#ifndef CS_ROFF_H
#define CS_ROFF_H

#include <cleversync/plugin.h>

void cs_roff_options(const struct cs_option *options);
void cs_roff_mapper(const struct cs_mapper_ops *mapper);

#endif
