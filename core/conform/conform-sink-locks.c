/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* Locks by name: one holder, until it lets go or closes. */

#include "config.h"

#include "conform/sink-probe.h"

#include <pthread.h>

#define ONE "cleversync-conform-one"
#define TWO "cleversync-conform-two"

static void lock(struct cs_probe *probe, struct cs_instance *sink,
                 const char *name, long wait_ms, enum cs_rc want)
{
    if (!cs_conform_over(probe->conform))
        cs_probe_wants(probe, "lock",
                       cs_sink_lock(sink, name, wait_ms, &probe->error), want);
}

static void holds(struct cs_probe *probe, struct cs_instance *sink,
                  const char *name, enum cs_rc want)
{
    if (!cs_conform_over(probe->conform))
        cs_probe_wants(probe, "holds", cs_sink_holds(sink, name, &probe->error),
                       want);
}

static void unlock(struct cs_probe *probe, struct cs_instance *sink,
                   const char *name)
{
    if (!cs_conform_over(probe->conform))
        cs_sink_unlock(sink, name);
}

static void one_holder(struct cs_probe *probe)
{
    struct cs_instance *other = cs_probe_open(probe, 0);

    cs_conform_about(probe->conform, "nobody holds it");
    holds(probe, probe->sink, ONE, CS_E_BUSY);
    unlock(probe, probe->sink, ONE);
    lock(probe, probe->sink, ONE, 0, CS_OK);
    cs_conform_about(probe->conform, "another holds it");
    lock(probe, other, ONE, 0, CS_E_BUSY);
    holds(probe, other, ONE, CS_E_BUSY);
    unlock(probe, other, ONE); /* not the other's */
    cs_conform_about(probe->conform, "it is held");
    holds(probe, probe->sink, ONE, CS_OK);
    lock(probe, other, ONE, 0, CS_E_BUSY);
    unlock(probe, probe->sink, ONE);
    cs_conform_about(probe->conform, "it was let go");
    holds(probe, probe->sink, ONE, CS_E_BUSY);
    lock(probe, other, ONE, 0, CS_OK);
    holds(probe, other, ONE, CS_OK);
    unlock(probe, other, ONE);
}

static void other_names(struct cs_probe *probe)
{
    struct cs_instance *other = cs_probe_open(probe, 0);

    lock(probe, probe->sink, ONE, 0, CS_OK);
    lock(probe, other, TWO, 0, CS_OK);
    lock(probe, probe->sink, TWO, 0, CS_E_BUSY);
    unlock(probe, probe->sink, ONE);
    holds(probe, other, TWO, CS_OK);
    unlock(probe, other, TWO);
    lock(probe, probe->sink, ONE, 0, CS_OK);
    lock(probe, probe->sink, TWO, 0, CS_OK);
    unlock(probe, probe->sink, ONE);
    unlock(probe, probe->sink, TWO);
}

static void twice(struct cs_probe *probe)
{
    lock(probe, probe->sink, ONE, 0, CS_OK);
    lock(probe, probe->sink, ONE, 0, CS_E_BUSY);
    holds(probe, probe->sink, ONE, CS_OK);
    unlock(probe, probe->sink, ONE); /* once is enough */
    holds(probe, probe->sink, ONE, CS_E_BUSY);
}

static void waits_in_vain(struct cs_probe *probe)
{
    struct cs_instance *other = cs_probe_open(probe, 0);
    int64_t start, took;

    lock(probe, probe->sink, ONE, 0, CS_OK);
    start = cs_clock_steady();
    lock(probe, other, ONE, 400, CS_E_BUSY);
    took = cs_clock_steady() - start;
    if (took < CS_SECOND * 3 / 10 || took > 20 * CS_SECOND)
        cs_conform_fail(probe->conform, "waiting for 0.4 seconds took %.1f",
                        (double)took / CS_SECOND);
    unlock(probe, probe->sink, ONE);
}

/* As a run asks for a school that another one has. */
static void refused_often(struct cs_probe *probe)
{
    struct cs_instance *other = cs_probe_open(probe, 0);

    lock(probe, probe->sink, ONE, 0, CS_OK);
    for (int i = 0; i < 20; i++)
        lock(probe, other, ONE, 0, CS_E_BUSY);
    holds(probe, probe->sink, ONE, CS_OK);
    unlock(probe, probe->sink, ONE);
    lock(probe, other, ONE, 0, CS_OK);
    unlock(probe, other, ONE);
}

static void *let_go(void *arg)
{
    cs_sink_unlock(arg, ONE);
    return NULL;
}

static void waits_until_free(struct cs_probe *probe)
{
    struct cs_instance *other = cs_probe_open(probe, 0);
    pthread_t thread;

    lock(probe, other, ONE, 0, CS_OK);
    lock(probe, probe->sink, ONE, 0, CS_E_BUSY);
    if (cs_conform_over(probe->conform) ||
        pthread_create(&thread, NULL, let_go, other) != 0)
        return;
    lock(probe, probe->sink, ONE, 60000, CS_OK);
    pthread_join(thread, NULL);
    holds(probe, probe->sink, ONE, CS_OK);
    unlock(probe, probe->sink, ONE);
}

static void closing_frees(struct cs_probe *probe)
{
    struct cs_instance *other = cs_probe_open(probe, 0);

    lock(probe, other, ONE, 0, CS_OK);
    lock(probe, other, TWO, 0, CS_OK);
    cs_probe_close(probe, other);
    lock(probe, probe->sink, ONE, 10000, CS_OK);
    lock(probe, probe->sink, TWO, 10000, CS_OK);
    unlock(probe, probe->sink, ONE);
    unlock(probe, probe->sink, TWO);
}

/* A lock is held across transactions, whichever way they end. */
static void outlives_transactions(struct cs_probe *probe)
{
    struct cs_instance *other = cs_probe_open(probe, 0);
    static const struct cs_value row[PERSON_COLUMNS] = {[PERSON_KEY] =
                                                            TEXT("k")};

    lock(probe, probe->sink, ONE, 0, CS_OK);
    cs_probe_begin(probe, probe->sink);
    cs_probe_put(probe, CS_INSERT, row);
    cs_probe_rollback(probe, probe->sink);
    holds(probe, probe->sink, ONE, CS_OK);
    cs_probe_begin(probe, probe->sink);
    cs_probe_put(probe, CS_INSERT, row);
    cs_probe_commit(probe, probe->sink);
    holds(probe, probe->sink, ONE, CS_OK);
    lock(probe, other, ONE, 0, CS_E_BUSY);
    unlock(probe, probe->sink, ONE);
}

const struct cs_conform_case cs_conform_sink_locks[] = {
    {CS_CONFORM_WORKS, "locks: one holder", one_holder},
    {CS_CONFORM_WORKS, "locks: other names are free", other_names},
    {CS_CONFORM_SAFE, "locks: the holder cannot take it again", twice},
    {CS_CONFORM_SAFE, "locks: a wait in vain ends in time", waits_in_vain},
    {CS_CONFORM_SAFE, "locks: who is refused may ask again and again",
     refused_often},
    {CS_CONFORM_SAFE, "locks: a wait ends when the lock is free",
     waits_until_free},
    {CS_CONFORM_SAFE, "locks: closing frees them", closing_frees},
    {CS_CONFORM_SAFE, "locks: they outlive transactions",
     outlives_transactions},
    {.name = NULL},
};
