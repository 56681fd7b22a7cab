/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* A cron expression: first line the zone's number, second line seconds since
 * 1970, then the expression.  Times ascend, lie within a hundred years, are
 * those that the expression names, and none is left out. */

#include "config.h"

#include "daemon/cron.h"

#include "base/clock.h"
#include "fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define DAY (24 * 60 * 60)
#define CENTURY (INT64_C(101) * 366 * DAY)
#define LATEST UINT64_C(7258118400) /* the year 2200 */

static const struct {
    unsigned least, most;
} bounds[CS_CRON_PARTS] = {{0, 59}, {0, 59}, {0, 23}, {1, 31}, {1, 12}, {0, 6}};

static void choose_zone(unsigned long number)
{
    static const char *const zones[] = {
        "UTC",
        "Europe/Berlin",
        "America/New_York",
        "Australia/Lord_Howe", /* half an hour of summer time */
        "Pacific/Apia",        /* a day left out */
        "America/Caracas",
    };

    setenv("TZ", zones[number], 1);
    tzset();
}

/* As an expression again, value by value. */
static char *write_out(const struct cs_cron *cron)
{
    size_t size;
    char *text;
    FILE *out = open_memstream(&text, &size);

    for (size_t i = 0; i < CS_CRON_PARTS; i++) {
        const char *comma = "";

        for (unsigned n = bounds[i].least; n <= bounds[i].most; n++) {
            if (cron->bits[i] >> n & 1) {
                fprintf(out, "%s%u", comma, n);
                comma = ",";
            }
        }
        fputs(" ", out);
    }
    fclose(out);
    return text;
}

static void parts_hold(const struct cs_cron *cron)
{
    char *text = write_out(cron);
    struct cs_error error = {.rc = CS_OK};
    struct cs_cron again;

    for (size_t i = 0; i < CS_CRON_PARTS; i++) {
        uint64_t all = (UINT64_C(2) << bounds[i].most) - 1;

        all &= ~((UINT64_C(1) << bounds[i].least) - 1);
        FUZZ_HOLDS(cron->bits[i] != 0 && (cron->bits[i] & ~all) == 0);
    }
    FUZZ_HOLDS(cs_cron_parse(&again, text, &error) == CS_OK);
    FUZZ_HOLDS(memcmp(cron->bits, again.bits, sizeof(again.bits)) == 0);
    FUZZ_HOLDS(cron->interval == again.interval);
    free(text);
}

static struct tm wall(int64_t seconds)
{
    time_t time = (time_t)seconds;
    struct tm local;

    FUZZ_HOLDS(localtime_r(&time, &local) != NULL);
    return local;
}

static bool names(const struct cs_cron *cron, int64_t seconds)
{
    struct tm now = wall(seconds);

    return cron->bits[CS_CRON_SECOND] >> now.tm_sec & 1 &&
           cron->bits[CS_CRON_MINUTE] >> now.tm_min & 1 &&
           cron->bits[CS_CRON_HOUR] >> now.tm_hour & 1 &&
           cron->bits[CS_CRON_DAY] >> now.tm_mday & 1 &&
           cron->bits[CS_CRON_MONTH] >> (now.tm_mon + 1) & 1 &&
           cron->bits[CS_CRON_WEEKDAY] >> now.tm_wday & 1;
}

/* The clock is not turned within a day and a half of this. */
static bool is_calm(int64_t seconds)
{
    long offset = wall(seconds - 2 * DAY).tm_gmtoff;

    for (int hours = -36; hours <= 36; hours++) {
        if (wall(seconds + hours * 3600).tm_gmtoff != offset)
            return false;
    }
    return true;
}

static void step_holds(const struct cs_cron *cron, int64_t after, int64_t next,
                       unsigned seed)
{
    FUZZ_HOLDS(next > after && next - after <= CENTURY);
    FUZZ_HOLDS(!is_calm(next) || names(cron, next));
    for (int i = 0; i < 50 && is_calm(after); i++) { /* near, and anywhere */
        int64_t other = after + 1 + i;

        if (i >= 25 && next - after > 1)
            other = after + 1 +
                    fuzz_random(&seed, next - after - 1 < 86400
                                           ? (unsigned)(next - after - 1)
                                           : 86400);
        if (other < next && is_calm(other))
            FUZZ_HOLDS(!names(cron, other));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct fuzz_input input = {(const char *)bytes, size};
    unsigned long zone = fuzz_number(&input, 5);
    int64_t after = (int64_t)fuzz_number(&input, LATEST);
    char *text = fuzz_line(&input);
    struct cs_error error = {.rc = CS_OK};
    struct cs_cron cron;
    enum cs_rc rc;

    choose_zone(zone);
    rc = cs_cron_parse(&cron, text, &error);
    FUZZ_HOLDS(rc == CS_OK || (rc == CS_E_CONFIG && error.text[0] != '\0'));
    if (rc == CS_OK)
        parts_hold(&cron);
    for (int i = 0; rc == CS_OK && i < 5; i++) {
        int64_t next = cs_cron_next(&cron, after * CS_SECOND + 1);
        int64_t later = cs_cron_next(&cron, (after + 1) * CS_SECOND);

        FUZZ_HOLDS(next % CS_SECOND == 0);
        next /= CS_SECOND;
        if (next == 0)
            break;
        step_holds(&cron, after, next, (unsigned)after);
        FUZZ_HOLDS(later / CS_SECOND >= next);
        FUZZ_HOLDS(next == after + 1 || later / CS_SECOND == next);
        after = next;
    }
    free(text);
    return 0;
}
