/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

#include "config.h"

#include "web/web-patience.h"

#include "base/gate.h"
#include "base/memory.h"

#include <stdlib.h>
#include <sys/socket.h>

#define LIMIT (10 * CS_SECOND)
#define ROUND (CS_SECOND / 2)

struct cs_web_wait {
    struct cs_web_wait *next, *previous;
    int socket;
    int64_t since; /* on the steady clock; INT64_MAX: it rests */
};

struct cs_web_patience {
    pthread_t thread;
    size_t most;
    struct cs_gate gate; /* around all below */
    struct cs_web_wait *first;
    size_t n;
    bool stop;
};

static void end(struct cs_web_wait *wait)
{
    shutdown(wait->socket, SHUT_RDWR);
    wait->since = INT64_MAX; /* once */
}

static void end_late_ones(struct cs_web_patience *patience)
{
    int64_t before = cs_clock_steady() - LIMIT;

    for (struct cs_web_wait *wait = patience->first; wait; wait = wait->next)
        if (wait->since < before)
            end(wait);
}

static void end_eldest(struct cs_web_patience *patience)
{
    struct cs_web_wait *eldest = patience->first;

    for (struct cs_web_wait *wait = eldest; wait; wait = wait->next)
        if (wait->since <= eldest->since)
            eldest = wait;
    if (eldest != NULL && eldest->since != INT64_MAX)
        end(eldest);
}

static void *watch(void *arg)
{
    struct cs_web_patience *patience = arg;

    cs_gate_lock(&patience->gate);
    while (!patience->stop) {
        if (patience->n == 0)
            cs_gate_wait_until(&patience->gate, INT64_MAX);
        else
            cs_gate_wait_until(&patience->gate, cs_clock_steady() + ROUND);
        end_late_ones(patience);
    }
    cs_gate_unlock(&patience->gate);
    return NULL;
}

struct cs_web_patience *cs_web_patience_new(size_t most)
{
    struct cs_web_patience *patience = cs_memory_new(sizeof(*patience));

    patience->most = most;
    cs_gate_init(&patience->gate);
    /* Without it anybody could take all places for ever. */
    if (pthread_create(&patience->thread, NULL, watch, patience) != 0)
        abort();
    return patience;
}

void cs_web_patience_free(struct cs_web_patience *patience)
{
    if (patience == NULL)
        return;
    cs_gate_lock(&patience->gate);
    patience->stop = true;
    cs_gate_changed(&patience->gate);
    cs_gate_unlock(&patience->gate);
    pthread_join(patience->thread, NULL);
    cs_gate_clear(&patience->gate);
    free(patience);
}

struct cs_web_wait *cs_web_patience_add(struct cs_web_patience *patience,
                                        int socket)
{
    struct cs_web_wait *wait = cs_memory_new(sizeof(*wait));

    wait->socket = socket;
    wait->since = cs_clock_steady();
    cs_gate_lock(&patience->gate);
    if (patience->n >= patience->most)
        end_eldest(patience);
    wait->next = patience->first;
    if (wait->next != NULL)
        wait->next->previous = wait;
    patience->first = wait;
    if (patience->n++ == 0)
        cs_gate_changed(&patience->gate);
    cs_gate_unlock(&patience->gate);
    return wait;
}

void cs_web_patience_remove(struct cs_web_patience *patience,
                            struct cs_web_wait *wait)
{
    cs_gate_lock(&patience->gate);
    if (wait->previous != NULL)
        wait->previous->next = wait->next;
    else
        patience->first = wait->next;
    if (wait->next != NULL)
        wait->next->previous = wait->previous;
    patience->n--;
    cs_gate_unlock(&patience->gate);
    free(wait);
}

static void set(struct cs_web_patience *patience, struct cs_web_wait *wait,
                int64_t since)
{
    cs_gate_lock(&patience->gate);
    wait->since = since;
    cs_gate_unlock(&patience->gate);
}

void cs_web_patience_rest(struct cs_web_patience *patience,
                          struct cs_web_wait *wait)
{
    set(patience, wait, INT64_MAX);
}

void cs_web_patience_begin(struct cs_web_patience *patience,
                           struct cs_web_wait *wait)
{
    set(patience, wait, cs_clock_steady());
}
