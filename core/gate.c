/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

#include "config.h"

#include "gate.h"

#include <time.h>

/* How often one who waits looks whether it was cancelled: a cancellation
 * signals only its own waiters. */
enum { GLANCE_NS = 50 * 1000 * 1000, SECOND_NS = 1000 * 1000 * 1000 };

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

bool cs_gate_wait(struct cs_gate *gate, struct cs_cancel *cancel)
{
    struct timespec end;

    if (cs_cancel_remaining_ms(cancel) == 0)
        return false;
    clock_gettime(CLOCK_MONOTONIC, &end);
    end.tv_nsec += GLANCE_NS;
    if (end.tv_nsec >= SECOND_NS) {
        end.tv_nsec -= SECOND_NS;
        end.tv_sec++;
    }
    pthread_cond_timedwait(&gate->changed, &gate->mutex, &end);
    return true;
}

void cs_gate_changed(struct cs_gate *gate)
{
    pthread_cond_broadcast(&gate->changed);
}
