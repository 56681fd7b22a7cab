/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* No call goes on without time left. */

#include "config.h"

#include "conform/sink-probe.h"

#define PROMPTLY (20 * CS_SECOND) /* on a slow server far away, too */

enum { CROWD = 2000 };

static void expect_prompt(struct cs_probe *probe, int64_t start)
{
    int64_t took = cs_clock_steady() - start;

    if (took > PROMPTLY)
        cs_conform_fail(probe->conform, "it took %.1f seconds to stop",
                        (double)took / CS_SECOND);
}

static enum cs_rc pass_over(void *arg, const struct cs_value *row)
{
    (void)arg;
    (void)row;
    return CS_OK;
}

static void no_time_to_scan(struct cs_probe *probe)
{
    struct cs_instance *other = cs_probe_open(probe, 0);
    int64_t start = cs_clock_steady();
    struct cs_crowd crowd;

    cs_crowd_make(&crowd, CROWD);
    cs_probe_apply(probe, probe->sink, PEOPLE(CS_INSERT, crowd.rows, CROWD),
                   CROWD);
    cs_probe_stop(probe, other);
    if (!cs_conform_over(probe->conform))
        cs_probe_wants(probe, "scan",
                       cs_sink_scan(other, &cs_probe_person, NULL, pass_over,
                                    NULL, &probe->error),
                       CS_E_CANCELLED);
    expect_prompt(probe, start);
    cs_probe_people(probe, probe->sink, crowd.rows, CROWD);
    cs_crowd_clear(&crowd);
}

struct reader {
    struct cs_probe *probe;
    struct cs_instance *sink;
    size_t rows;
};

static enum cs_rc stop_at_once(void *arg, const struct cs_value *row)
{
    struct reader *reader = arg;

    (void)row;
    if (reader->rows++ == 0)
        cs_probe_stop(reader->probe, reader->sink);
    return CS_OK;
}

static void stopped_in_a_scan(struct cs_probe *probe)
{
    struct reader reader = {probe, cs_probe_open(probe, 0), 0};
    struct cs_crowd crowd;

    cs_crowd_make(&crowd, CROWD);
    cs_probe_apply(probe, probe->sink, PEOPLE(CS_INSERT, crowd.rows, CROWD),
                   CROWD);
    if (!cs_conform_over(probe->conform))
        cs_probe_wants(probe, "a scan that was cancelled at its first row",
                       cs_sink_scan(reader.sink, &cs_probe_person, NULL,
                                    stop_at_once, &reader, &probe->error),
                       CS_E_CANCELLED);
    cs_crowd_clear(&crowd);
}

static void no_time_to_write(struct cs_probe *probe)
{
    struct cs_instance *other = cs_probe_open(probe, 0);
    struct cs_crowd crowd;
    struct cs_batch batch;
    int64_t start;

    cs_crowd_make(&crowd, CROWD);
    batch = PEOPLE(CS_DELETE, crowd.rows, CROWD);
    cs_probe_apply(probe, probe->sink, PEOPLE(CS_INSERT, crowd.rows, CROWD),
                   CROWD);
    cs_probe_begin(probe, other);
    cs_probe_stop(probe, other);
    start = cs_clock_steady();
    if (!cs_conform_over(probe->conform))
        cs_probe_wants(probe, "delete of 2000 rows",
                       cs_sink_apply(other, &batch, &probe->error),
                       CS_E_CANCELLED);
    expect_prompt(probe, start);
    cs_probe_rollback(probe, other);
    cs_probe_close(probe, other);
    cs_probe_people(probe, probe->sink, crowd.rows, CROWD);
    cs_crowd_clear(&crowd);
}

static void no_time_to_wait(struct cs_probe *probe)
{
    static const char name[] = "cleversync-conform-late";
    struct cs_instance *other = cs_probe_open(probe, CS_SECOND / 2);
    int64_t start = cs_clock_steady();

    if (cs_conform_over(probe->conform))
        return;
    cs_probe_wants(probe, "lock",
                   cs_sink_lock(probe->sink, name, 0, &probe->error), CS_OK);
    cs_probe_wants(probe, "lock with half a second left",
                   cs_sink_lock(other, name, 120000, &probe->error),
                   CS_E_CANCELLED);
    expect_prompt(probe, start);
    cs_sink_unlock(probe->sink, name);
}

const struct cs_conform_case cs_conform_sink_deadlines[] = {
    {CS_CONFORM_SAFE, "deadlines: a scan without time left", no_time_to_scan},
    {CS_CONFORM_SAFE, "deadlines: a scan that is cancelled", stopped_in_a_scan},
    {CS_CONFORM_SAFE, "deadlines: a write without time left", no_time_to_write},
    {CS_CONFORM_SAFE, "deadlines: waiting for a lock", no_time_to_wait},
    {.name = NULL},
};
