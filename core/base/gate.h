/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* A mutex, and waiting under it for what others do, which the deadline or the
 * switch of whoever waits can end. */
#ifndef CS_GATE_H
#define CS_GATE_H

#include "base/cancel.h"

#include <pthread.h>

struct cs_gate {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
};

void cs_gate_init(struct cs_gate *gate);
void cs_gate_clear(struct cs_gate *gate);
void cs_gate_lock(struct cs_gate *gate);
void cs_gate_unlock(struct cs_gate *gate);

/* All with the mutex held.  Both waits return when something may have changed,
 * so belong into a loop.  False: at once, because `cancel` (may be NULL) ends
 * it. */
bool cs_gate_wait(struct cs_gate *gate, struct cs_cancel *cancel);
/* No longer than to that time on the steady clock. */
void cs_gate_wait_until(struct cs_gate *gate, int64_t until);
void cs_gate_changed(struct cs_gate *gate);

#endif
