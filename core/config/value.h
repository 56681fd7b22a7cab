/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* What the text of a setting means, by the type that its table declares. */
#ifndef CS_VALUE_H
#define CS_VALUE_H

#include <cleversync/plugin.h>

/* "12", "-3", "0.75": up to 15 digits before and 9 behind the point, in every
 * locale; false: something else. */
bool cs_value_number(const char *text, double *number);
/* "10%": the percentage, from 0 to 100; "25": the whole number. */
bool cs_value_limit(const char *text, double *limit, bool *percent);

/* What the value should be ("must be true or false"), yours; NULL: it is as
 * the option's declaration asks. */
char *cs_value_fault(const struct cs_option *option, const char *value);

#endif
