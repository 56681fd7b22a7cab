/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* How often somebody may guess a password: so many failures a minute from one
 * address, and so many in all. */
#ifndef CS_WEB_LIMIT_H
#define CS_WEB_LIMIT_H

#include "base/clock.h"

#include <stdbool.h>

#define CS_WEB_LIMIT_ONE 5  /* failures a minute from an address */
#define CS_WEB_LIMIT_ALL 20 /* from everywhere */

struct cs_web_limit;
struct cs_web_limit *cs_web_limit_new(void);
void cs_web_limit_free(struct cs_web_limit *limit); /* NULL: nothing */

/* From any thread.  False: this attempt must not be looked at.  It counts as a
 * failure until cs_web_limit_good() says otherwise, so that many at once are
 * not more than so many.  wait: how long the answer to a wrong one is to be
 * held back, in microseconds; it grows.  One that was not looked at is answered
 * at once, so that it takes nobody's place. */
bool cs_web_limit_try(struct cs_web_limit *limit, const char *address,
                      int64_t *wait);
/* Is one that must not be looked at worth a line?  Once a minute. */
bool cs_web_limit_tell(struct cs_web_limit *limit);
void cs_web_limit_good(struct cs_web_limit *limit, const char *address);

#endif
