/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* What ids, names and prefixes of districts and schools may look like.
 *
 * A prefix is part of secrets' names and of file names, so it is letters,
 * digits and '-', without "--", and not a word that names another secret. */
#ifndef CS_PREFIX_H
#define CS_PREFIX_H

#include <stdbool.h>
#include <stddef.h>

#define CS_PREFIX_MOST 100 /* characters */

/* What is wrong with it, as the end of a sentence ("has --"); NULL: nothing. */
const char *cs_prefix_fault(const char *prefix);
const char *cs_prefix_fault_id(const char *clever_id);
const char *cs_prefix_fault_name(const char *name);

/* A valid prefix from a name: letters lose their marks, all else becomes '-'.
 * n: 0 for the plain one, 2, 3 ... to append "-2".  Yours. */
char *cs_prefix_make(const char *name, unsigned n);

#endif
