/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* One INI file, line by line.
 *
 * The dialect: UTF-8 with optional byte order mark, LF or CRLF; `[section]`,
 * `key = value`, comments (# or ;) only at the start of a line; no continued
 * lines, no quotes, no duplicate sections or keys.  libinih parses each line,
 * one at a time and already checked, because Debian's build cuts lines at 199
 * bytes and takes " ;" inside a value for a comment. */
#ifndef CS_INI_H
#define CS_INI_H

#include "base/error.h"

#include <stdbool.h>

/* Called for each section heading (key and value NULL) and each key, in the
 * file's order; strings die with the call. */
typedef void cs_ini_fn(void *arg, const char *section, const char *key,
                       const char *value, const char *file, unsigned line);

/* Adds every fault to `problems` with its place.  Values are never quoted in
 * a problem. */
void cs_ini_read(const char *file, cs_ini_fn *each, void *arg,
                 struct cs_problems *problems);

/* Could this text be a value in a file?  UTF-8 without control characters, not
 * longer than a line. */
bool cs_ini_storable(const char *value);

#endif
