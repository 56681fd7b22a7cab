/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

#include "config.h"

#include "base/clock.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* A turned clock: both clocks stand here and only waiting moves them. */
static _Atomic bool turned;
static _Atomic int64_t turned_now;

static int64_t read_clock(clockid_t id)
{
    struct timespec time;

    clock_gettime(id, &time);
    return (int64_t)time.tv_sec * CS_SECOND + time.tv_nsec / 1000;
}

/* See CLEVERSYNC_TEST_CLOCK_OFFSET in the header. */
static int64_t offset;
static const char *offset_file;

static void read_offset(void)
{
    const char *text = secure_getenv("CLEVERSYNC_TEST_CLOCK_OFFSET");

    if (text && text[0] == '/')
        offset_file = text;
    else if (text)
        offset = strtoll(text, NULL, 10) * CS_SECOND;
}

static int64_t offset_now(void)
{
    FILE *file = offset_file ? fopen(offset_file, "re") : NULL;
    long long seconds = 0;

    if (!file)
        return offset;
    if (fscanf(file, "%lld", &seconds) != 1)
        seconds = 0;
    fclose(file);
    return seconds * CS_SECOND;
}

int64_t cs_clock_now(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    if (atomic_load(&turned))
        return atomic_load(&turned_now);
    pthread_once(&once, read_offset);
    return read_clock(CLOCK_REALTIME) + offset_now();
}

int64_t cs_clock_steady(void)
{
    return atomic_load(&turned) ? atomic_load(&turned_now)
                                : read_clock(CLOCK_MONOTONIC);
}

void cs_clock_turn(int64_t now)
{
    atomic_store(&turned_now, now);
    atomic_store(&turned, true);
}

bool cs_clock_turned(void)
{
    return atomic_load(&turned);
}

void cs_clock_move(int64_t until)
{
    int64_t now = atomic_load(&turned_now);

    /* Never back: another thread may have moved it further. */
    while (now < until &&
           !atomic_compare_exchange_weak(&turned_now, &now, until))
        ;
}

void cs_clock_format(int64_t time, char text[CS_CLOCK_ISO])
{
    time_t seconds = (time_t)(time / CS_SECOND);
    int milliseconds = (int)(time % CS_SECOND / 1000);
    struct tm parts;
    size_t n;

    gmtime_r(&seconds, &parts);
    n = strftime(text, CS_CLOCK_ISO, "%Y-%m-%dT%H:%M:%S", &parts);
    snprintf(text + n, CS_CLOCK_ISO - n, ".%03dZ", milliseconds);
}

static bool two_digits(const char *text, int least, int most)
{
    int number;

    if (text[0] < '0' || text[0] > '9' || text[1] < '0' || text[1] > '9')
        return false;
    number = (text[0] - '0') * 10 + text[1] - '0';
    return number >= least && number <= most;
}

bool cs_clock_is_format(const char *text)
{
    static const char form[CS_CLOCK_ISO] = "yyyy-mm-ddThh:mm:ss.fffZ";

    for (size_t i = 0; i < CS_CLOCK_ISO; i++) {
        bool digit = form[i] >= 'a' && form[i] <= 'z';

        if (digit ? text[i] < '0' || text[i] > '9' : text[i] != form[i])
            return false;
    }
    /* Up to the 28th every month has; later days are left to the parser. */
    return two_digits(text + 5, 1, 12) && two_digits(text + 8, 1, 28) &&
           two_digits(text + 11, 0, 23) && two_digits(text + 14, 0, 59) &&
           two_digits(text + 17, 0, 59);
}

bool cs_clock_parse(const char *text, int64_t *time)
{
    struct tm parts = {0};
    const char *rest = strptime(text, "%Y-%m-%d", &parts);
    int64_t fraction = 0, unit = CS_SECOND;
    int day;

    if (!rest || (*rest != 'T' && *rest != ' '))
        return false;
    rest = strptime(rest + 1, "%H:%M:%S", &parts);
    if (!rest)
        return false;
    if (*rest == '.') {
        for (rest++; *rest >= '0' && *rest <= '9'; rest++) {
            unit /= 10;
            fraction += (*rest - '0') * unit;
        }
    }
    if (*rest == 'Z')
        rest++;
    if (*rest)
        return false;
    day = parts.tm_mday;
    *time = (int64_t)timegm(&parts) * CS_SECOND + fraction;
    return parts.tm_mday == day; /* else the month has no such day */
}
