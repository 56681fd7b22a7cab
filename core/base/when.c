/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

#include "config.h"

#include "base/when.h"

#include "base/clock.h"

#include <stdio.h>
#include <string.h>

#define MOST 36500 /* of days, as in retention_days */

/* Digits up to five, and where they end; 0: none, or too many. */
static long count(const char *text, const char **end)
{
    size_t n = strspn(text, "0123456789");
    long value = 0;

    for (size_t i = 0; i < n && n <= 5; i++)
        value = 10 * value + (text[i] - '0');
    *end = text + n;
    return value;
}

bool cs_when_days(const char *text, long *days)
{
    const char *end;

    *days = count(text, &end);
    return *days >= 1 && *days <= MOST &&
           (*end == '\0' || strcmp(end, "d") == 0);
}

bool cs_when_parse(const char *text, int64_t *time)
{
    char midnight[CS_CLOCK_ISO];
    const char *end;
    long n = count(text, &end);

    if (n >= 1 && n <= MOST && strcmp(end, "d") == 0) {
        *time = cs_clock_now() - n * 86400 * CS_SECOND;
        return true;
    }
    if (n >= 1 && strcmp(end, "h") == 0) {
        *time = cs_clock_now() - n * 3600 * CS_SECOND;
        return true;
    }
    if (strlen(text) != strlen("2026-01-31"))
        return cs_clock_parse(text, time);
    snprintf(midnight, sizeof(midnight), "%sT00:00:00Z", text);
    return cs_clock_parse(midnight, time);
}
