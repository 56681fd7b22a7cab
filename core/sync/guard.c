/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

#include "config.h"

#include "sync/guard.h"

#define ALWAYS 10 /* small schools have small numbers */

static struct cs_guard_limit limit(const struct cs_settings *settings,
                                   const char *key)
{
    struct cs_guard_limit limit;

    limit.amount = cs_settings_limit(settings, "guard", key, &limit.percent);
    return limit;
}

struct cs_guard cs_guard_from(const struct cs_settings *settings)
{
    return (struct cs_guard){.deletes = limit(settings, "max_delete"),
                             .updates = limit(settings, "max_update"),
                             .rejects = limit(settings, "max_rejects")};
}

/* A count is taken at its word; a percentage of few rows is next to nothing,
 * so some are always allowed. */
static size_t most(const struct cs_guard_limit *limit, size_t rows,
                   size_t always)
{
    size_t share;

    if (!limit->percent)
        return (size_t)limit->amount;
    /* The small addend keeps 10 % of 30 at 3, whatever binary fractions say. */
    share = (size_t)((double)rows * limit->amount / 100 + 1e-9);
    return share > always ? share : always;
}

size_t cs_guard_deletes(const struct cs_guard *guard, size_t active)
{
    return most(&guard->deletes, active,
                active / 2 < ALWAYS ? active / 2 : ALWAYS);
}

size_t cs_guard_updates(const struct cs_guard *guard, size_t active)
{
    return most(&guard->updates, active, ALWAYS);
}

size_t cs_guard_rejects(const struct cs_guard *guard, size_t read)
{
    return most(&guard->rejects, read, ALWAYS);
}
