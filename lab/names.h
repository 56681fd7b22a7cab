/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* What people, schools and districts of the lab may be called, and the odd
 * values that real rosters hold. */
#ifndef CS_LAB_NAMES_H
#define CS_LAB_NAMES_H

#include <stddef.h>
#include <stdint.h>

/* A JSON null where the record's field is text; compare the address.  NULL
 * stands for a field that the record does not have. */
extern const char cs_lab_null[];

/* One of a table, chosen by any number. */
const char *cs_lab_names_first(uint64_t choice);
const char *cs_lab_names_last(uint64_t choice);
const char *cs_lab_names_grade(uint64_t choice); /* every grade in turn */
const char *cs_lab_names_title(uint64_t choice);
const char *cs_lab_names_odd(uint64_t choice); /* blank, null or absent */

/* First name of 99 UTF-16 units, a character of two, and more. */
const char *cs_lab_names_overlong(void);

/* Unique per index; at most 47 bytes.  The prefix is the name with '-' for
 * each blank. */
void cs_lab_names_school(char *name, size_t size, unsigned index);
void cs_lab_names_district(char *name, size_t size, unsigned index);

#endif
