/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

#include "config.h"

#include "metrics/counters.h"

#include "base/memory.h"

#include <pthread.h>
#include <string.h>

struct count {
    struct count *next;
    char *who, *how;
    double n;
};

/* There are as many as sections and words for an outcome: few, and none is ever
 * forgotten. */
static struct count *counts[CS_COUNTER_KINDS];
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

/* The place of the one with these labels, or the end of the list. */
static struct count **find(enum cs_counter counter, const char *who,
                           const char *how)
{
    struct count **place = &counts[counter];

    while (*place != NULL &&
           (strcmp((*place)->who, who) != 0 || strcmp((*place)->how, how) != 0))
        place = &(*place)->next;
    return place;
}

void cs_counters_add(enum cs_counter counter, const char *who, const char *how,
                     double n)
{
    struct count **place;

    if (how == NULL)
        how = "";
    pthread_mutex_lock(&mutex);
    place = find(counter, who, how);
    if (*place == NULL) {
        *place = cs_memory_new(sizeof(**place));
        (*place)->who = cs_memory_text(who);
        (*place)->how = cs_memory_text(how);
    }
    (*place)->n += n;
    pthread_mutex_unlock(&mutex);
}

void cs_counters_each(enum cs_counter counter, cs_counters_fn *each, void *arg)
{
    pthread_mutex_lock(&mutex);
    for (const struct count *count = counts[counter]; count != NULL;
         count = count->next)
        each(arg, count->who, count->how, count->n);
    pthread_mutex_unlock(&mutex);
}
