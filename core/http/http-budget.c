/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */
#include "config.h"

#include "http/http-budget.h"

#include "base/clock.h"
#include "base/memory.h"

#include <openssl/evp.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define MINUTE (60 * CS_SECOND)

struct entry {
    struct cs_http_key key;
    int64_t not_before;
    int64_t *sent; /* a ring of the last requests' times; 0: none yet */
    unsigned next; /* the oldest of them, to be overwritten */
    int64_t newest;
};

struct cs_http_budget {
    pthread_mutex_t mutex;
    unsigned per_minute;
    struct entry *entries;
    size_t n;
};

struct cs_http_budget *cs_http_budget_new(unsigned per_minute)
{
    struct cs_http_budget *budget = cs_memory_new(sizeof(*budget));

    pthread_mutex_init(&budget->mutex, NULL);
    budget->per_minute = per_minute;
    return budget;
}

void cs_http_budget_free(struct cs_http_budget *budget)
{
    if (!budget) {
        return;
    }
    for (size_t i = 0; i < budget->n; i++) {
        free(budget->entries[i].sent);
    }
    free(budget->entries);
    pthread_mutex_destroy(&budget->mutex);
    free(budget);
}

struct cs_http_key cs_http_budget_key(const char *text)
{
    struct cs_http_key key = {{0}};

    EVP_Digest(text, strlen(text), key.hash, NULL, EVP_sha256(), NULL);
    return key;
}

static bool is_idle(const struct entry *entry, int64_t now)
{
    return entry->not_before <= now && entry->newest + MINUTE <= now;
}

static void begin(struct entry *entry, const struct cs_http_key *key,
                  unsigned per_minute)
{
    int64_t *sent =
        entry->sent ? entry->sent : cs_memory_array(per_minute, sizeof(*sent));
    memset(sent, 0, per_minute * sizeof(*sent));
    *entry = (struct entry){.key = *key, .sent = sent};
}

/* Tokens come and go as they are renewed: an entry that says nothing any more
 * is taken for the new one. */
static struct entry *find(struct cs_http_budget *budget,
                          const struct cs_http_key *key, int64_t now)
{
    struct entry *idle = NULL;

    for (size_t i = 0; i < budget->n; i++) {
        struct entry *entry = &budget->entries[i];
        if (memcmp(&entry->key, key, sizeof(*key)) == 0) {
            return entry;
        }
        if (is_idle(entry, now)) {
            idle = entry;
        }
    }
    if (!idle) {
        budget->entries = cs_memory_grow(budget->entries, budget->n + 1,
                                         sizeof(*budget->entries));
        idle = &budget->entries[budget->n++];
        *idle = (struct entry){0};
    }
    begin(idle, key, budget->per_minute);
    return idle;
}

static int64_t take(struct entry *entry, unsigned per_minute, int64_t now)
{
    if (entry->not_before > now) {
        return entry->not_before - now;
    }
    if (per_minute == 0) {
        return 0;
    }
    int64_t oldest = entry->sent[entry->next];
    if (oldest && oldest + MINUTE > now) {
        return oldest + MINUTE - now;
    }
    entry->sent[entry->next] = now;
    entry->next = (entry->next + 1) % per_minute;
    entry->newest = now;
    return 0;
}

int64_t cs_http_budget_take(struct cs_http_budget *budget,
                            const struct cs_http_key *key, bool counted)
{
    pthread_mutex_lock(&budget->mutex);
    int64_t now = cs_clock_steady();
    int64_t wait =
        take(find(budget, key, now), counted ? budget->per_minute : 0, now);
    pthread_mutex_unlock(&budget->mutex);
    return wait;
}

void cs_http_budget_hold(struct cs_http_budget *budget,
                         const struct cs_http_key *key, int64_t duration)
{
    pthread_mutex_lock(&budget->mutex);
    int64_t now = cs_clock_steady();
    struct entry *entry = find(budget, key, now);
    if (entry->not_before < now + duration) {
        entry->not_before = now + duration;
    }
    pthread_mutex_unlock(&budget->mutex);
}
