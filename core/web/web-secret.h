/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* The two secrets that let somebody in: the API key, and the hash of the
 * page's password.  A store of secrets that hangs keeps nobody waiting for
 * long: while it does, the key that was known last counts. */
#ifndef CS_WEB_SECRET_H
#define CS_WEB_SECRET_H

#include "daemon/generations.h"

struct cs_web_secret;
/* The generations live longer. */
struct cs_web_secret *cs_web_secret_new(struct cs_generations *generations);
/* As with a worker (web-worker.h). */
void cs_web_secret_stop(struct cs_web_secret *secret);
bool cs_web_secret_free(struct cs_web_secret *secret, int64_t limit);

/* Both from any thread.  CS_OK: it is the one.  CS_E_AUTH: it is not, or there
 * is none.  CS_E_RETRY: the stores of secrets did not answer in time. */
enum cs_rc cs_web_secret_key(struct cs_web_secret *secret, const char *key,
                             struct cs_error *error);
enum cs_rc cs_web_secret_password(struct cs_web_secret *secret,
                                  const char *password, struct cs_error *error);

#endif
