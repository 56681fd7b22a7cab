/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* How fast a token may be used.  A server counts the requests of a token, and
 * says "not before" to a token: both hold for everybody who uses it. */
#ifndef CS_HTTP_BUDGET_H
#define CS_HTTP_BUDGET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cs_http_budget;
struct cs_http_key { /* stands for a token, which it does not reveal */
    unsigned char hash[32];
};

struct cs_http_budget *cs_http_budget_new(unsigned per_minute); /* 0: any */
void cs_http_budget_free(struct cs_http_budget *budget);

struct cs_http_key cs_http_budget_key(const char *text);

/* 0: send now, it has been counted (if it should be); else how many
 * microseconds to wait before asking again. */
int64_t cs_http_budget_take(struct cs_http_budget *budget,
                            const struct cs_http_key *key, bool counted);
/* Nobody sends with this key for so many microseconds. */
void cs_http_budget_hold(struct cs_http_budget *budget,
                         const struct cs_http_key *key, int64_t duration);

#endif
