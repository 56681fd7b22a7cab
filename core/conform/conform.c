/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

#include "config.h"

#include "conform/conform.h"

#include "base/gate.h"
#include "base/memory.h"
#include "base/text.h"
#include "conform/conform-lab.h"
#include "conform/probe.h"
#include "conform/process.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* How long a call may go on that was told to end. */
#define GRACE (10 * CS_SECOND)
/* How long the first look may take, before the cases. */
#define LOOK (20 * CS_SECOND)

/* ---- Within a case ------------------------------------------------------- */

bool cs_conform_over(const struct cs_conform *conform)
{
    return conform->outcome != CS_CONFORM_PASSED;
}

void cs_conform_about(struct cs_conform *conform, const char *format, ...)
{
    va_list arguments;

    if (cs_conform_over(conform))
        return;
    va_start(arguments, format);
    cs_gate_lock(conform->gate);
    vsnprintf(conform->about, sizeof(conform->about), format, arguments);
    if (conform->report)
        memcpy(conform->report->about, conform->about, sizeof(conform->about));
    cs_gate_unlock(conform->gate);
    va_end(arguments);
}

void cs_conform_fail(struct cs_conform *conform, const char *format, ...)
{
    struct cs_error sentence;
    va_list arguments;

    if (cs_conform_over(conform))
        return;
    va_start(arguments, format);
    cs_error_vset(&sentence, CS_E_FATAL, format, arguments);
    va_end(arguments);
    conform->outcome = CS_CONFORM_FAILED;
    cs_error_set(&conform->why, CS_E_FATAL, "%s%s%s", conform->about,
                 conform->about[0] ? ": " : "", sentence.text);
}

void cs_conform_skip(struct cs_conform *conform, const char *why)
{
    if (cs_conform_over(conform))
        return;
    conform->outcome = CS_CONFORM_SKIPPED;
    cs_error_set(&conform->why, CS_E_FATAL, "%s", why);
}

void cs_conform_patience(struct cs_conform *conform, int64_t duration)
{
    cs_gate_lock(conform->gate);
    conform->latest = cs_clock_steady() + duration;
    cs_gate_changed(conform->gate);
    cs_gate_unlock(conform->gate);
}

/* ---- Running ------------------------------------------------------------- */

static const struct cs_conform_kind *const kinds[] = {
    &cs_conform_credential, &cs_conform_source,   &cs_conform_mapper,
    &cs_conform_sink,       &cs_conform_notifier,
};

static const struct cs_conform_kind *kind_of(const struct cs_conform *conform)
{
    size_t i = 0;

    while (kinds[i]->kind != conform->part->module->kind)
        i++;
    return kinds[i];
}

/* One case and its thread; what it points to lives as long as either needs
 * it. */
struct turn {
    struct cs_conform conform;
    struct cs_gate gate;
    struct cs_probe probe;
    const struct cs_conform_case *one; /* NULL: the kind's ready() */
    enum cs_rc ready;                  /* what that gave, */
    struct cs_error error;             /* and why */
    bool own;                          /* a case of the kind's */
    bool over;
};

static struct turn *new_turn(const struct cs_conform *conform,
                             const struct cs_conform_kind *kind)
{
    struct turn *turn = cs_memory_new(sizeof(*turn));

    turn->conform = *conform;
    turn->conform.outcome = CS_CONFORM_PASSED;
    turn->conform.gate = &turn->gate;
    cs_gate_init(&turn->gate);
    cs_conform_patience(&turn->conform, kind->most + GRACE);
    cs_probe_begin_case(&turn->probe, &turn->conform, kind);
    return turn;
}

static void free_turn(struct turn *turn)
{
    cs_probe_end_case(&turn->probe);
    cs_gate_clear(&turn->gate);
    free(turn);
}

static void *run(void *arg)
{
    struct turn *turn = arg;
    struct cs_probe *probe = &turn->probe;
    const struct cs_conform_kind *kind = probe->kind;

    if (turn->own && kind->enter)
        kind->enter(probe);
    if (!turn->one)
        turn->ready = kind->ready(probe, &turn->error);
    else if (!cs_conform_over(&turn->conform))
        turn->one->run(probe);
    cs_probe_close_all(probe);
    cs_gate_lock(&turn->gate);
    turn->over = true;
    cs_gate_changed(&turn->gate);
    cs_gate_unlock(&turn->gate);
    return NULL;
}

/* False: it is not over, and will not be. */
static bool wait_for(struct turn *turn)
{
    bool over;

    cs_gate_lock(&turn->gate);
    while (!turn->over && cs_clock_steady() < turn->conform.latest)
        cs_gate_wait_until(&turn->gate, turn->conform.latest);
    over = turn->over;
    cs_gate_unlock(&turn->gate);
    return over;
}

/* A copy, because the case's own thread may still come back. */
static void tell_hung(struct cs_conform_report *report, struct turn *turn)
{
    struct cs_conform copy = {.outcome = CS_CONFORM_PASSED};

    cs_gate_lock(&turn->gate);
    memcpy(copy.about, turn->conform.about, sizeof(copy.about));
    turn->conform.report = NULL; /* it is about other cases from now on */
    cs_gate_unlock(&turn->gate);
    cs_conform_fail(&copy, "a call of the plugin did not come back when it was "
                           "told to");
    report->hung = true;
    cs_process_speak(turn->conform.app, turn->conform.output,
                     turn->conform.log);
    cs_conform_tell(report, copy.outcome, copy.why.text);
}

/* False: it hangs, and is left behind. */
static bool run_turn(struct turn *turn)
{
    pthread_t thread;

    if (pthread_create(&thread, NULL, run, turn) != 0) {
        cs_conform_fail(&turn->conform, "there is no thread to be had");
        return true;
    }
    if (!wait_for(turn)) {
        pthread_detach(thread);
        return false;
    }
    pthread_join(thread, NULL);
    return true;
}

static void run_case(const struct cs_conform *conform,
                     const struct cs_conform_case *one, bool own,
                     struct cs_conform_report *report)
{
    struct turn *turn = new_turn(conform, kind_of(conform));

    turn->one = one;
    turn->own = own;
    turn->conform.name = one->name;
    cs_conform_turn_to(report, one);
    if (!run_turn(turn)) {
        tell_hung(report, turn);
        return;
    }
    cs_conform_tell(report, turn->conform.outcome, turn->conform.why.text);
    free_turn(turn);
}

/* ---- The lab ------------------------------------------------------------- */

static void try_work(struct cs_probe *probe)
{
    struct cs_instance *instance = cs_probe_try_open(probe, 0);

    if (instance)
        cs_probe_work(probe, instance);
}

/* What is tried before the cases. */
static const struct cs_conform_case first_call = {
    CS_CONFORM_WORKS, "plugin: a first call", try_work};

static bool was_asked(struct cs_conform_lab *lab)
{
    json_t *requests = cs_conform_lab_get(lab, "/lab/log");
    bool asked = json_array_size(requests) > 0;

    json_decref(requests);
    return asked;
}

/* A lab that the plugin does not ask is none of the cases'; it may be there for
 * a store of secrets. */
static void find_lab(struct cs_conform *conform,
                     struct cs_conform_report *report)
{
    struct turn *turn;

    if (!conform->lab || conform->named)
        return;
    turn = new_turn(conform, kind_of(conform));
    turn->one = &first_call;
    if (run_turn(turn))
        free_turn(turn);
    else
        report->hung = true;
    if (!was_asked(conform->lab))
        conform->lab = NULL;
}

/* ---- All cases ----------------------------------------------------------- */

static enum cs_rc run_topic(const struct cs_conform *conform,
                            const struct cs_conform_case *one, bool own,
                            struct cs_conform_report *report,
                            struct cs_error *error)
{
    for (; one->name; one++) {
        if (cs_cancel_remaining_ms(conform->app->cancel) == 0)
            return cs_error_set(error, CS_E_CANCELLED, "cancelled");
        if (one->level <= report->level)
            run_case(conform, one, own, report);
    }
    return CS_OK;
}

static enum cs_rc get_ready(const struct cs_conform *conform,
                            struct cs_conform_report *report,
                            struct cs_error *error)
{
    const struct cs_conform_kind *kind = kind_of(conform);
    struct turn *turn;
    enum cs_rc rc;

    if (!kind->ready)
        return CS_OK;
    turn = new_turn(conform, kind);
    cs_conform_patience(&turn->conform, LOOK + GRACE);
    if (!run_turn(turn)) {
        tell_hung(report, turn);
        return CS_OK;
    }
    rc = turn->ready;
    *error = turn->error;
    free_turn(turn);
    return rc;
}

static enum cs_rc run_all(struct cs_conform *conform,
                          struct cs_conform_report *report,
                          struct cs_error *error)
{
    const struct cs_conform_kind *kind = kind_of(conform);
    enum cs_rc rc = CS_OK;

    conform->process = cs_process_look();
    find_lab(conform, report);
    for (size_t i = 0; rc == CS_OK && cs_conform_any[i]; i++)
        rc = run_topic(conform, cs_conform_any[i], false, report, error);
    for (size_t i = 0; rc == CS_OK && kind->topics[i]; i++)
        if (!kind->concerns || kind->concerns(conform, kind->topics[i]))
            rc = run_topic(conform, kind->topics[i], true, report, error);
    if (!report->hung) /* else it may still be needed */
        cs_process_free(conform->process);
    return rc;
}

enum cs_rc cs_conform_run(struct cs_conform *conform,
                          struct cs_conform_report *report,
                          struct cs_error *error)
{
    enum cs_rc rc;

    conform->report = report;
    conform->output = dup(STDOUT_FILENO);
    conform->log = dup(STDERR_FILENO);
    cs_conform_turn_to(report, &first_call);
    rc = get_ready(conform, report, error);
    if (rc == CS_OK && !report->hung)
        rc = run_all(conform, report, error);
    if (!report->hung) {
        close(conform->output);
        close(conform->log);
    }
    return rc;
}
