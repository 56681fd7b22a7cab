/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* Ends connections that take too long to say what they want, byte by byte or
 * not at all; and when there are too many, at once the one of them that has
 * waited longest, so that a crowd of idle ones keeps nobody out. */
#ifndef CS_WEB_PATIENCE_H
#define CS_WEB_PATIENCE_H

#include <stddef.h>

struct cs_web_patience;
struct cs_web_wait; /* of one connection */

/* most: connections that there should be at once. */
struct cs_web_patience *cs_web_patience_new(size_t most);
/* When there are none any more; NULL: nothing. */
void cs_web_patience_free(struct cs_web_patience *patience);

/* All from any thread.  The socket is open until remove() was called. */
struct cs_web_wait *cs_web_patience_add(struct cs_web_patience *patience,
                                        int socket);
void cs_web_patience_remove(struct cs_web_patience *patience,
                            struct cs_web_wait *wait);
/* It has said what it wants: from now on it is us who take time. */
void cs_web_patience_rest(struct cs_web_patience *patience,
                          struct cs_web_wait *wait);
/* It has its answer to take now, and may then ask for something else. */
void cs_web_patience_begin(struct cs_web_patience *patience,
                           struct cs_web_wait *wait);

#endif
