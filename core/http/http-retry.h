/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* When to try again. */
#ifndef CS_HTTP_RETRY_H
#define CS_HTTP_RETRY_H

#include "http/http.h"

/* Up to `most` microseconds, at random. */
int64_t cs_http_retry_jitter(int64_t most);

/* What the headers of a 429 ask for, in microseconds from `now`, at least 0
 * and at most two minutes; -1: they do not say.  Each may be NULL.
 * retry_after: seconds or an HTTP date; reset: seconds since 1970. */
int64_t cs_http_retry_asked(const char *retry_after, const char *reset,
                            int64_t now);

#endif
