/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* Waiting that somebody can end: a deadline and a switch, shared by everything
 * that works for one purpose. */
#ifndef CS_CANCEL_H
#define CS_CANCEL_H

#include "base/clock.h"

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

/* For what waits elsewhere: tell(arg) is called once when the switch is thrown
 * here or at a parent, never for a switch thrown before, and not when a
 * deadline passes: who waits elsewhere was told how long it may.  tell() has
 * to return at once and must not touch the cancel; after unlisten() it is
 * neither called nor under way. */
struct cs_listener {
    void (*tell)(void *arg);
    void *arg;
    struct cs_cancel *cancel; /* these are cancel.c's */
    struct cs_listener *next, *previous;
};
void cs_cancel_listen(struct cs_cancel *cancel, struct cs_listener *listener);
/* Nothing for one that does not listen. */
void cs_cancel_unlisten(struct cs_listener *listener);

#endif
