/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

#include "config.h"

#include "secret/slot.h"

#include "http/http.h"
#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

#define BACKOFF 2 /* seconds before a failed renewal is tried again */
#define LONGEST_LIFE (365 * 86400 * CS_SECOND)

struct cs_slot *cs_slot_new(const char *name, const struct cs_whom *whom,
                            size_t nstores)
{
    struct cs_slot *slot = cs_memory_new(sizeof(*slot));

    slot->name = cs_memory_text(name);
    slot->district = cs_memory_text(whom->district_id ? whom->district_id : "");
    slot->prefix = cs_memory_text(whom->district_prefix);
    slot->nstores = nstores;
    slot->passed_over = cs_memory_array(nstores, sizeof(*slot->passed_over));
    slot->answers = cs_memory_array(nstores, sizeof(*slot->answers));
    return slot;
}

void cs_slot_return(struct cs_loan *loan)
{
    if (--loan->users > 0)
        return;
    cs_secrets_wipe(loan->bytes);
    free(loan);
}

static void forget(struct cs_loan **loan)
{
    if (*loan)
        cs_slot_return(*loan);
    *loan = NULL;
}

void cs_slot_free(struct cs_slot *slot)
{
    forget(&slot->current);
    forget(&slot->renewed);
    free(slot->name);
    free(slot->district);
    free(slot->prefix);
    free(slot->passed_over);
    free(slot->answers);
    free(slot->told);
    free(slot);
}

struct cs_loan *cs_slot_newest(const struct cs_slot *slot)
{
    return slot->renewed ? slot->renewed : slot->current;
}

/* The current one makes room for what waits to replace it, if anything. */
static void advance(struct cs_slot *slot)
{
    forget(&slot->current);
    slot->current = slot->renewed;
    slot->renewed = NULL;
}

void cs_slot_tidy(struct cs_slot *slot)
{
    int64_t now = cs_clock_steady();

    if (slot->renewed && now >= slot->renewed->expires)
        forget(&slot->renewed);
    if (slot->current && now >= slot->current->expires)
        advance(slot);
}

/* ---- Something new ------------------------------------------------------- */

static bool is(const struct cs_loan *loan, size_t index, const char *bytes)
{
    return loan && loan->index == index && strcmp(loan->bytes, bytes) == 0;
}

static void schedule(struct cs_loan *loan, int64_t expires, double threshold)
{
    int64_t now = cs_clock_steady();
    int64_t life = expires ? expires - cs_clock_now() : 0;

    loan->expires = CS_SLOT_NEVER;
    loan->refresh = now + CS_SLOT_QUIET;
    if (!expires)
        return;
    if (life > LONGEST_LIFE)
        life = LONGEST_LIFE;
    loan->expires = now + life;
    loan->refresh = now + (int64_t)((double)life * threshold);
}

static struct cs_loan *make_loan(struct cs_slot *slot,
                                 const struct cs_part *store, size_t index,
                                 char *bytes)
{
    struct cs_loan *loan = cs_memory_new(sizeof(*loan));

    loan->slot = slot;
    loan->store = store;
    loan->index = index;
    loan->bytes = bytes;
    loan->users = 1;
    return loan;
}

void cs_slot_put(struct cs_slot *slot, const struct cs_part *store,
                 size_t index, const struct cs_secret *secret, double threshold)
{
    struct cs_loan *loan;

    if (is(slot->renewed, index, secret->copy)) {
        loan = slot->renewed;
        cs_secrets_wipe(secret->copy);
    } else if (is(slot->current, index, secret->copy)) {
        loan = slot->current;
        slot->refused = false; /* it was good until now */
        forget(&slot->renewed);
        cs_secrets_wipe(secret->copy);
    } else {
        loan = make_loan(slot, store, index, secret->copy);
        forget(&slot->renewed);
        if (slot->current && slot->current->verified) {
            slot->renewed = loan;
        } else {
            forget(&slot->current);
            slot->current = loan;
        }
    }
    schedule(loan, secret->expires, threshold);
    slot->absent = 0;
    if (loan == slot->current)
        slot->failures = 0;
}

void cs_slot_accept(struct cs_slot *slot)
{
    if (slot->renewed)
        advance(slot);
    slot->current->verified = true;
    slot->refused = false;
    slot->failures = 0;
}

/* ---- Something of no use ------------------------------------------------- */

bool cs_slot_drop(struct cs_slot *slot, struct cs_loan *loan)
{
    if (loan == slot->current) {
        advance(slot);
        return true;
    }
    if (loan != slot->renewed)
        return false;
    forget(&slot->renewed);
    return true;
}

bool cs_slot_postpone(struct cs_slot *slot)
{
    struct cs_loan *loan = cs_slot_newest(slot);
    int64_t wait = cs_http_backoff(BACKOFF, slot->failures);

    if (loan->expires == CS_SLOT_NEVER || wait > CS_SLOT_QUIET)
        wait = CS_SLOT_QUIET;
    loan->refresh = cs_clock_steady() + wait;
    return slot->failures++ == 0;
}

void cs_slot_ask_anew(struct cs_slot *slot)
{
    if (slot->absent != 0)
        slot->absent = cs_clock_steady(); /* that it was is still known */
    for (size_t i = 0; i < slot->nstores; i++)
        slot->passed_over[i] = 0;
}
