/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* So many at once and no more: the schools that are being synced, in all runs
 * of a process together. */
#ifndef CS_TURNS_H
#define CS_TURNS_H

#include "base/gate.h"

struct cs_turns {
    struct cs_gate gate;
    size_t taken; /* under the gate */
};

void cs_turns_init(struct cs_turns *turns);
void cs_turns_clear(struct cs_turns *turns);

/* Waits until fewer than `most` are taken, and takes one; false: one of the two
 * switches (NULL: none) ended the wait.  turns NULL: at once, always. */
bool cs_turns_take(struct cs_turns *turns, size_t most, struct cs_cancel *one,
                   struct cs_cancel *other);
void cs_turns_give(struct cs_turns *turns);

#endif
