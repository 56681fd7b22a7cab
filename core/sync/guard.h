/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* Guards: how much may change in one school's table without a person's word. */
#ifndef CS_GUARD_H
#define CS_GUARD_H

#include "config/settings.h"

struct cs_guard_limit {
    double amount;
    bool percent; /* of the active rows; else a count */
};
struct cs_guard {
    struct cs_guard_limit deletes, updates, rejects;
};

struct cs_guard cs_guard_from(const struct cs_settings *settings);

/* The most rows that may leave, change, be set aside.  A percentage always
 * allows 10 of them, for those who leave never more than half the table. */
size_t cs_guard_deletes(const struct cs_guard *guard, size_t active);
size_t cs_guard_updates(const struct cs_guard *guard, size_t active);
size_t cs_guard_rejects(const struct cs_guard *guard, size_t read);

#endif
