/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* Waiting that somebody can end: a deadline and a switch, shared by everything
 * that works for one purpose. */
#ifndef CS_CANCEL_H
#define CS_CANCEL_H

#include "clock.h"

struct cs_cancel;
/* limit: microseconds from now, 0: none.  parent may be NULL; cancelling it or
 * its deadline counts here too; it must live longer. */
struct cs_cancel *cs_cancel_new(struct cs_cancel *parent, int64_t limit);
void cs_cancel_free(struct cs_cancel *cancel);
void cs_cancel_now(struct cs_cancel *cancel);  /* from any thread */
bool cs_cancel_late(struct cs_cancel *cancel); /* its deadline has passed */
/* Milliseconds left; 0 when cancelled or late; LONG_MAX without a deadline.
 * cancel may be NULL: LONG_MAX. */
long cs_cancel_remaining_ms(struct cs_cancel *cancel);
/* Sleeps for so many microseconds; false when ended before by the switch or
 * the deadline. */
bool cs_cancel_wait(struct cs_cancel *cancel, int64_t duration);

#endif
