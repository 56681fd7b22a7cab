/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

#include "config.h"

#include "daemon/cron.h"

#include "base/clock.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>

enum { DAY = 24 * 60 * 60, HORIZON_DAYS = 100 * 366 };

#define NEVER INT64_MIN /* where a time is expected */

static const char *const months[] = {
    "January", "February", "March",     "April",   "May",      "June",
    "July",    "August",   "September", "October", "November", "December"};
static const char *const weekdays[] = {"Sunday",    "Monday",   "Tuesday",
                                       "Wednesday", "Thursday", "Friday",
                                       "Saturday"};

static const struct part {
    const char *name;
    unsigned least, most;
    const char *const *names; /* of the values from `least` on; or NULL */
} parts[CS_CRON_PARTS] = {
    [CS_CRON_SECOND] = {"second", 0, 59, NULL},
    [CS_CRON_MINUTE] = {"minute", 0, 59, NULL},
    [CS_CRON_HOUR] = {"hour", 0, 23, NULL},
    [CS_CRON_DAY] = {"day", 1, 31, NULL},
    [CS_CRON_MONTH] = {"month", 1, 12, months},
    [CS_CRON_WEEKDAY] = {"weekday", 0, 6, weekdays},
};

/* ---- Reading ------------------------------------------------------------ */

/* One field of an expression, being read. */
struct reader {
    const char *at, *end;
    const struct part *part;
    struct cs_error *error;
};

static enum cs_rc refuse(struct reader *reader, const char *why)
{
    return cs_error_set(reader->error, CS_E_CONFIG,
                        "a cron expression's %s %s (it goes from %u to %u)",
                        reader->part->name, why, reader->part->least,
                        reader->part->most);
}

static bool take(struct reader *reader, char sign)
{
    if (reader->at == reader->end || *reader->at != sign)
        return false;
    reader->at++;
    return true;
}

static bool letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static enum cs_rc read_number(struct reader *reader, unsigned *number)
{
    const char *start = reader->at;

    *number = 0;
    while (reader->at < reader->end && *reader->at >= '0' &&
           *reader->at <= '9' && *number < 1000)
        *number = *number * 10 + (unsigned)(*reader->at++ - '0');
    return reader->at > start ? CS_OK : refuse(reader, "lacks a number");
}

static enum cs_rc read_name(struct reader *reader, unsigned *value)
{
    const struct part *part = reader->part;
    const char *start = reader->at;
    size_t n;

    while (reader->at < reader->end && letter(*reader->at))
        reader->at++;
    n = (size_t)(reader->at - start);
    for (unsigned i = 0; part->names && i <= part->most - part->least; i++) {
        if (strncasecmp(part->names[i], start, n) == 0) {
            *value = part->least + i;
            return CS_OK;
        }
    }
    return refuse(reader, "has a name that is not known");
}

static enum cs_rc read_value(struct reader *reader, unsigned *value)
{
    enum cs_rc rc;

    if (reader->at < reader->end && letter(*reader->at))
        return read_name(reader, value);
    rc = read_number(reader, value);
    if (rc == CS_OK &&
        (*value < reader->part->least || *value > reader->part->most))
        rc = refuse(reader, "is out of range");
    return rc;
}

/* "*", "a" or "a-b": from where to where; alone: it was only "a". */
static enum cs_rc read_range(struct reader *reader, unsigned *from,
                             unsigned *to, bool *alone)
{
    enum cs_rc rc;

    *from = reader->part->least;
    *to = reader->part->most;
    *alone = false;
    if (take(reader, '*'))
        return CS_OK;
    rc = read_value(reader, from);
    *to = *from;
    *alone = !take(reader, '-');
    if (rc == CS_OK && !*alone)
        rc = read_value(reader, to);
    if (*from > *to) {
        unsigned swap = *from;

        *from = *to;
        *to = swap;
    }
    return rc;
}

static enum cs_rc read_item(struct reader *reader, uint64_t *bits)
{
    unsigned from, to, step = 1;
    bool alone;
    enum cs_rc rc = read_range(reader, &from, &to, &alone);

    if (rc == CS_OK && take(reader, '/')) {
        if (alone)
            to = reader->part->most;
        rc = read_number(reader, &step);
        if (rc == CS_OK && step == 0)
            rc = refuse(reader, "has a step of 0");
    }
    for (unsigned value = from; rc == CS_OK && value <= to; value += step)
        *bits |= UINT64_C(1) << value;
    return rc;
}

static enum cs_rc read_field(struct reader *reader, uint64_t *bits)
{
    enum cs_rc rc;

    *bits = 0;
    do
        rc = read_item(reader, bits);
    while (rc == CS_OK && take(reader, ','));
    if (rc == CS_OK && reader->at < reader->end)
        rc = refuse(reader, "holds something that has no meaning there");
    return rc;
}

/* Do two values follow each other without a gap? */
static bool dense(uint64_t bits)
{
    return (bits & bits >> 1) != 0;
}

/* Fields end at a blank and nowhere else.  How many there are; those beyond the
 * last are counted and forgotten. */
static size_t split(const char *text, struct reader *readers)
{
    size_t n = 0;

    while (*(text += strspn(text, " ")) != '\0') {
        size_t length = strcspn(text, " ");

        if (n < CS_CRON_PARTS)
            readers[n] = (struct reader){.at = text, .end = text + length};
        n++;
        text += length;
    }
    return n;
}

enum cs_rc cs_cron_parse(struct cs_cron *cron, const char *text,
                         struct cs_error *error)
{
    struct reader readers[CS_CRON_PARTS];
    size_t n = split(text, readers);
    size_t first = CS_CRON_PARTS - n; /* without seconds: the minute */

    *cron = (struct cs_cron){.bits[CS_CRON_SECOND] = 1};
    if (n != CS_CRON_PARTS && n != CS_CRON_PARTS - 1)
        return cs_error_set(
            error, CS_E_CONFIG,
            "a cron expression has six fields (second minute hour day month "
            "weekday) with blanks between them, or five without the second; "
            "this one has %zu",
            n);
    for (size_t i = 0; i < n; i++) {
        enum cs_rc rc;

        readers[i].part = &parts[first + i];
        readers[i].error = error;
        rc = read_field(&readers[i], &cron->bits[first + i]);
        if (rc != CS_OK)
            return rc;
    }
    for (size_t i = CS_CRON_SECOND; i <= CS_CRON_HOUR; i++)
        cron->interval = cron->interval || dense(cron->bits[i]);
    return CS_OK;
}

/* ---- Times on the wall -------------------------------------------------- */

/* A time on the wall is counted as if it were UTC, in seconds. */

static long offset_at(int64_t instant)
{
    time_t time = (time_t)instant;
    struct tm local;

    return localtime_r(&time, &local) ? local.tm_gmtoff : 0;
}

static bool has(const struct cs_cron *cron, enum cs_cron_part part, int value)
{
    return cron->bits[part] >> value & 1;
}

/* The least value from `from` on; or -1. */
static int least(const struct cs_cron *cron, enum cs_cron_part part, int from)
{
    for (int value = from; value <= (int)parts[part].most; value++) {
        if (has(cron, part, value))
            return value;
    }
    return -1;
}

static bool day_counts(const struct cs_cron *cron, int64_t wall)
{
    time_t time = (time_t)wall;
    struct tm day;

    return gmtime_r(&time, &day) && has(cron, CS_CRON_DAY, day.tm_mday) &&
           has(cron, CS_CRON_MONTH, day.tm_mon + 1) &&
           has(cron, CS_CRON_WEEKDAY, day.tm_wday);
}

/* The first time of a day that is not before second `from` of it; or -1. */
static int time_of_day(const struct cs_cron *cron, int from)
{
    int hour = least(cron, CS_CRON_HOUR, from / 3600), minute, second;

    for (; hour >= 0; hour = least(cron, CS_CRON_HOUR, hour + 1)) {
        int rest = hour == from / 3600 ? from % 3600 : 0;

        minute = least(cron, CS_CRON_MINUTE, rest / 60);
        for (; minute >= 0; minute = least(cron, CS_CRON_MINUTE, minute + 1)) {
            second = least(cron, CS_CRON_SECOND,
                           minute == rest / 60 ? rest % 60 : 0);
            if (second >= 0)
                return hour * 3600 + minute * 60 + second;
        }
    }
    return -1;
}

/* The first one that is not before `wall`; or NEVER. */
static int64_t next_on_wall(const struct cs_cron *cron, int64_t wall)
{
    /* Also before 1970, where a clock may stand that was never set. */
    int from = (int)((wall % DAY + DAY) % DAY);
    int64_t midnight = wall - from;

    for (int i = 0; i < HORIZON_DAYS; i++, midnight += DAY, from = 0) {
        int time = day_counts(cron, midnight) ? time_of_day(cron, from) : -1;

        if (time >= 0)
            return midnight + time;
    }
    return NEVER;
}

/* ---- Instants ----------------------------------------------------------- */

/* When the wall shows this: the two differ when the clock goes back over it;
 * when it jumps over it, both are as much later as it jumps. */
static void instants(int64_t wall, int64_t *first, int64_t *second)
{
    long before = offset_at(wall - DAY), after = offset_at(wall + DAY);
    bool early = offset_at(wall - before) == before;
    bool late = offset_at(wall - after) == after;

    *first = early || !late ? wall - before : wall - after;
    *second = late ? wall - after : *first;
}

/* Of two instants with different offsets: the first one that has the later
 * one's. */
static int64_t change_between(int64_t from, int64_t to)
{
    long offset = offset_at(to);

    while (to - from > 1) {
        int64_t middle = from + (to - from) / 2;

        if (offset_at(middle) == offset)
            to = middle;
        else
            from = middle;
    }
    return to;
}

/* An interval goes on after the clock went back before the wall shows the time
 * that was found. */
static int64_t second_pass(const struct cs_cron *cron, int64_t after,
                           int64_t found)
{
    int64_t tomorrow = found < after + DAY ? found : after + DAY;
    int64_t change, wall, first, second;

    if (offset_at(tomorrow) >= offset_at(after))
        return found;
    change = change_between(after, tomorrow);
    wall = next_on_wall(cron, change + offset_at(change));
    instants(wall, &first, &second);
    return second < found ? second : found;
}

static int64_t next_interval(const struct cs_cron *cron, int64_t after)
{
    int64_t wall = next_on_wall(cron, after + offset_at(after) + 1);
    int64_t first, second;

    if (wall == NEVER)
        return 0;
    instants(wall, &first, &second);
    return second_pass(cron, after, first > after ? first : second);
}

/* What may have happened in the first pass does not happen in the second. */
static int64_t next_point(const struct cs_cron *cron, int64_t after)
{
    int64_t wall = after + offset_at(after), first, second;

    do {
        wall = next_on_wall(cron, wall + 1);
        if (wall == NEVER)
            return 0;
        instants(wall, &first, &second);
    } while (first <= after);
    return first;
}

int64_t cs_cron_next(const struct cs_cron *cron, int64_t after)
{
    int64_t seconds = after / CS_SECOND;

    return CS_SECOND * (cron->interval ? next_interval(cron, seconds)
                                       : next_point(cron, seconds));
}
