/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* Time.  All reading of clocks goes through cs_clock_now() and
 * cs_clock_steady(), all waiting through cancel.h; tests replace both with a
 * clock that only waiting moves. */
#ifndef CS_CLOCK_H
#define CS_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

#define CS_SECOND INT64_C(1000000) /* all times are in microseconds */
#define CS_CLOCK_ISO 25            /* "2026-01-31T02:03:04.567Z" and NUL */

int64_t cs_clock_now(void);    /* UTC, since 1970 */
int64_t cs_clock_steady(void); /* since some instant; never jumps */

void cs_clock_format(int64_t time, char text[CS_CLOCK_ISO]);
/* Is it what cs_clock_format() writes?  Cheaper than to parse it. */
bool cs_clock_is_format(const char *text);
/* Accepts what cs_clock_format() writes, and the same with another number of
 * fraction digits, without them, or with ' ' for 'T' and without 'Z'. */
bool cs_clock_parse(const char *text, int64_t *time);

/* Tests of the whole program: the environment's CLEVERSYNC_TEST_CLOCK_OFFSET is
 * a number of seconds that cs_clock_now() is ahead of (or, below 0, behind) the
 * system's clock; cs_clock_steady() is not changed.  An absolute path is a file
 * with that number, which is read each time: so the clock of a program that
 * runs can be set. */

/* Tests: from now on both clocks stand at `now` and move only by waiting. */
void cs_clock_turn(int64_t now);
bool cs_clock_turned(void);
void cs_clock_move(int64_t until); /* a turned one; forward only */

#endif
