/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

#include "config.h"

#include "base/gate.h"

#include <time.h>

/* How often one who waits looks up by itself: a cancellation signals only its
 * own waiters, and whoever turns the clock signals nobody. */
#define GLANCE (CS_SECOND / 20)
#define LONGEST (3600 * CS_SECOND) /* so that no sum overflows */

enum { SECOND_NS = 1000 * 1000 * 1000 };

void cs_gate_init(struct cs_gate *gate)
{
    pthread_condattr_t attributes;

    pthread_mutex_init(&gate->mutex, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&gate->changed, &attributes);
    pthread_condattr_destroy(&attributes);
}

void cs_gate_clear(struct cs_gate *gate)
{
    pthread_cond_destroy(&gate->changed);
    pthread_mutex_destroy(&gate->mutex);
}

void cs_gate_lock(struct cs_gate *gate)
{
    pthread_mutex_lock(&gate->mutex);
}

void cs_gate_unlock(struct cs_gate *gate)
{
    pthread_mutex_unlock(&gate->mutex);
}

static void wait_for(struct cs_gate *gate, int64_t duration)
{
    struct timespec end;

    clock_gettime(CLOCK_MONOTONIC, &end);
    end.tv_sec += (time_t)(duration / CS_SECOND);
    end.tv_nsec += (long)(duration % CS_SECOND * 1000);
    if (end.tv_nsec >= SECOND_NS) {
        end.tv_nsec -= SECOND_NS;
        end.tv_sec++;
    }
    pthread_cond_timedwait(&gate->changed, &gate->mutex, &end);
}

bool cs_gate_wait(struct cs_gate *gate, struct cs_cancel *cancel)
{
    if (cs_cancel_remaining_ms(cancel) == 0)
        return false;
    wait_for(gate, GLANCE);
    return true;
}

void cs_gate_wait_until(struct cs_gate *gate, int64_t until)
{
    int64_t most = cs_clock_turned() ? GLANCE : LONGEST;
    int64_t left = until - cs_clock_steady();

    if (left > 0)
        wait_for(gate, left < most ? left : most);
}

void cs_gate_changed(struct cs_gate *gate)
{
    pthread_cond_broadcast(&gate->changed);
}
