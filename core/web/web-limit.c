/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

#include "config.h"

#include "web/web-limit.h"

#include "base/memory.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define MINUTE (60 * CS_SECOND)
#define SHORTEST (CS_SECOND / 4) /* a wrong one is held back */

enum {
    ADDRESSES = 256, /* that are kept in mind; the eldest makes room */
    BYTES = 16       /* of an address */
};

/* The newest attempts, in a ring. */
struct attempts {
    unsigned char address[BYTES];
    int64_t at[CS_WEB_LIMIT_ALL]; /* 0: none yet */
    size_t next;
};

struct cs_web_limit {
    pthread_mutex_t mutex;
    struct attempts one[ADDRESSES], all;
    int64_t told; /* when it was; 0: never */
};

struct cs_web_limit *cs_web_limit_new(void)
{
    struct cs_web_limit *limit = cs_memory_new(sizeof(*limit));

    pthread_mutex_init(&limit->mutex, NULL);
    return limit;
}

void cs_web_limit_free(struct cs_web_limit *limit)
{
    if (limit == NULL)
        return;
    pthread_mutex_destroy(&limit->mutex);
    free(limit);
}

/* Whoever has one address of IPv6 has 2^64 of them. */
static void read_address(const char *text, unsigned char address[BYTES])
{
    memset(address, 0, BYTES);
    if (inet_pton(AF_INET6, text, address) == 1)
        memset(address + BYTES / 2, 0, BYTES / 2);
    else
        inet_pton(AF_INET, text, address);
}

static int64_t newest(const struct attempts *attempts, size_t size)
{
    return attempts->at[(attempts->next + size - 1) % size];
}

/* Its entry, or the eldest one. */
static struct attempts *find(struct cs_web_limit *limit, const char *text)
{
    struct attempts *eldest = &limit->one[0];
    unsigned char address[BYTES];

    read_address(text, address);
    for (size_t i = 0; i < ADDRESSES; i++) {
        struct attempts *one = &limit->one[i];

        if (memcmp(one->address, address, BYTES) == 0)
            return one;
        if (newest(one, CS_WEB_LIMIT_ONE) < newest(eldest, CS_WEB_LIMIT_ONE))
            eldest = one;
    }
    *eldest = (struct attempts){.next = 0};
    memcpy(eldest->address, address, BYTES);
    return eldest;
}

/* How many of the last minute. */
static size_t count(const struct attempts *attempts, size_t size, int64_t now)
{
    size_t n = 0;

    for (size_t i = 0; i < size; i++)
        n += attempts->at[i] != 0 && attempts->at[i] > now - MINUTE;
    return n;
}

static void add(struct attempts *attempts, size_t size, int64_t now)
{
    attempts->at[attempts->next] = now;
    attempts->next = (attempts->next + 1) % size;
}

bool cs_web_limit_try(struct cs_web_limit *limit, const char *address,
                      int64_t *wait)
{
    int64_t now = cs_clock_steady();
    struct attempts *one;
    size_t n;
    bool may;

    pthread_mutex_lock(&limit->mutex);
    one = find(limit, address);
    n = count(one, CS_WEB_LIMIT_ONE, now);
    may = n < CS_WEB_LIMIT_ONE &&
          count(&limit->all, CS_WEB_LIMIT_ALL, now) < CS_WEB_LIMIT_ALL;
    if (may) {
        add(one, CS_WEB_LIMIT_ONE, now);
        add(&limit->all, CS_WEB_LIMIT_ALL, now);
    }
    pthread_mutex_unlock(&limit->mutex);
    *wait = may ? SHORTEST << n : 0;
    return may;
}

bool cs_web_limit_tell(struct cs_web_limit *limit)
{
    int64_t now = cs_clock_steady();
    bool tell;

    pthread_mutex_lock(&limit->mutex);
    tell = limit->told == 0 || now - limit->told >= MINUTE;
    if (tell)
        limit->told = now;
    pthread_mutex_unlock(&limit->mutex);
    return tell;
}

void cs_web_limit_good(struct cs_web_limit *limit, const char *address)
{
    struct attempts *all = &limit->all;
    struct attempts *one;

    pthread_mutex_lock(&limit->mutex);
    one = find(limit, address);
    memset(one->at, 0, sizeof(one->at));
    all->next = (all->next + CS_WEB_LIMIT_ALL - 1) % CS_WEB_LIMIT_ALL;
    all->at[all->next] = 0;
    pthread_mutex_unlock(&limit->mutex);
}
