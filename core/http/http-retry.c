/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */
#include "config.h"

#include "http/http-retry.h"

#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define LONGEST_ASKED (120 * CS_SECOND) /* a wrong clock must not hold us */
#define LONGEST_BACKOFF (3600 * CS_SECOND)

int64_t cs_http_retry_jitter(int64_t most)
{
    uint32_t random;

    if (getrandom(&random, sizeof(random), 0) != sizeof(random)) {
        return 0;
    }
    return (int64_t)((double)random / UINT32_MAX * (double)most);
}

int64_t cs_http_backoff(double base, unsigned n)
{
    double seconds = base * (double)(UINT64_C(1) << (n < 32 ? n : 32));
    int64_t wait = seconds < LONGEST_BACKOFF / CS_SECOND
                       ? (int64_t)(seconds * CS_SECOND)
                       : LONGEST_BACKOFF;

    return wait + cs_http_retry_jitter(wait / 4);
}

/* Digits alone: seconds. */
static bool parse_seconds(const char *text, int64_t *seconds)
{
    size_t n = strspn(text, "0123456789");

    if (n == 0 || n > 15 || text[n + strspn(text + n, " \t")]) {
        return false;
    }
    *seconds = strtoll(text, NULL, 10);
    return true;
}

static int64_t clamp(int64_t wait)
{
    if (wait < 0) {
        return 0;
    }
    return wait < LONGEST_ASKED ? wait : LONGEST_ASKED;
}

int64_t cs_http_retry_asked(const char *retry_after, const char *reset,
                            int64_t now)
{
    int64_t seconds;

    if (retry_after && parse_seconds(retry_after, &seconds)) {
        return clamp(seconds < 1000 ? seconds * CS_SECOND : LONGEST_ASKED);
    }
    if (retry_after && (seconds = curl_getdate(retry_after, NULL)) != -1) {
        return clamp(seconds * CS_SECOND - now);
    }
    if (reset && parse_seconds(reset, &seconds) && seconds < INT32_MAX * 8LL) {
        return clamp(seconds * CS_SECOND - now);
    }
    return -1;
}
