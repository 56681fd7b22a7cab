/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

#include "config.h"

#include "daemon/turns.h"

void cs_turns_init(struct cs_turns *turns)
{
    cs_gate_init(&turns->gate);
    turns->taken = 0;
}

void cs_turns_clear(struct cs_turns *turns)
{
    cs_gate_clear(&turns->gate);
}

bool cs_turns_take(struct cs_turns *turns, size_t most, struct cs_cancel *one,
                   struct cs_cancel *other)
{
    bool taken;

    if (turns == NULL)
        return true;
    cs_gate_lock(&turns->gate);
    while (turns->taken >= most && cs_cancel_remaining_ms(other) > 0 &&
           cs_gate_wait(&turns->gate, one))
        ;
    taken = turns->taken < most;
    turns->taken += taken;
    cs_gate_unlock(&turns->gate);
    return taken;
}

void cs_turns_give(struct cs_turns *turns)
{
    if (turns == NULL)
        return;
    cs_gate_lock(&turns->gate);
    turns->taken--;
    cs_gate_changed(&turns->gate);
    cs_gate_unlock(&turns->gate);
}
