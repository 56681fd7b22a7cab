/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* Who is signed in at the page.  A browser has a cookie that nobody can guess;
 * of it only a digest is kept here.  Its pages have a second word, which they
 * send with all that changes something: other sites cannot know that one. */
#ifndef CS_WEB_SIGN_H
#define CS_WEB_SIGN_H

#include "base/clock.h"

#include <stdbool.h>

#define CS_WEB_SIGN_WORD 65 /* 64 digits and the NUL */
#define CS_WEB_SIGN_MOST 64 /* at once; the eldest makes room */
#define CS_WEB_SIGN_IDLE (30 * 60 * CS_SECOND)
#define CS_WEB_SIGN_LIFE (12 * 3600 * CS_SECOND)

struct cs_web_sign;
struct cs_web_sign *cs_web_sign_new(void);
void cs_web_sign_free(struct cs_web_sign *sign); /* NULL: nothing */

/* All from any thread.  False: the system gives no random numbers. */
bool cs_web_sign_in(struct cs_web_sign *sign, char cookie[CS_WEB_SIGN_WORD],
                    char csrf[CS_WEB_SIGN_WORD]);
void cs_web_sign_out(struct cs_web_sign *sign, const char *cookie);
/* Is this cookie somebody's?  busy: the person does something, so is not idle.
 * csrf may be NULL. */
bool cs_web_sign_look(struct cs_web_sign *sign, const char *cookie, bool busy,
                      char csrf[CS_WEB_SIGN_WORD]);
/* Is this the second word that belongs to the cookie? */
bool cs_web_sign_csrf(struct cs_web_sign *sign, const char *cookie,
                      const char *csrf);

#endif
