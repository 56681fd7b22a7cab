/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* Cron expressions as Azure Functions reads them (NCRONTAB), in the process's
 * time zone.
 *
 * Six fields: second, minute, hour, day, month, weekday (0-6, Sunday is 0);
 * five: the second is 0.  A field is a list of "*", "a", "a-b" or one of these
 * with "/n"; "a/n" reaches to the field's end, a range may be written the wrong
 * way round, months and weekdays have English names that any prefix stands for.
 * Day and weekday must both be right.
 *
 * When the clock goes forward, a time that does not exist is taken as much
 * later as the clock moved.  When it goes back, an "interval" (whose seconds,
 * minutes or hours follow each other without a gap somewhere) goes on through
 * both passes; any other happens in the first pass only.  Facts: NCrontab
 * (CrontabFieldImpl.cs) and azure-webjobs-sdk-extensions (CronSchedule.cs). */
#ifndef CS_CRON_H
#define CS_CRON_H

#include "base/error.h"

#include <stdbool.h>

enum cs_cron_part { /* of an expression, in its order */
                    CS_CRON_SECOND,
                    CS_CRON_MINUTE,
                    CS_CRON_HOUR,
                    CS_CRON_DAY,
                    CS_CRON_MONTH,
                    CS_CRON_WEEKDAY,
                    CS_CRON_PARTS
};

struct cs_cron {
    uint64_t bits[CS_CRON_PARTS]; /* bit n: the value n counts */
    bool interval;
};

/* CS_E_CONFIG: what is wrong, and in which field. */
enum cs_rc cs_cron_parse(struct cs_cron *cron, const char *text,
                         struct cs_error *error);
/* The first time after `after`, both in microseconds since 1970; 0: there is
 * none within a hundred years. */
int64_t cs_cron_next(const struct cs_cron *cron, int64_t after);

#endif
