/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

#include "config.h"

#include "daemon/schedule.h"

#include "base/gate.h"
#include "base/log.h"
#include "base/memory.h"
#include "database/schedule-row.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

/* How often the clock on the wall is looked at: it may be set. */
#define GLANCE CS_SECOND
/* The longest pause after failures. */
#define PAUSE (60 * CS_SECOND)
/* The thread comes by after this much at the latest, or after that much when
 * it works with the session database, whose sink has deadlines of its own. */
#define SOON (60 * CS_SECOND)
#define LATER (600 * CS_SECOND)

struct cs_schedule {
    struct cs_generations *generations;
    struct cs_runs *runs;
    struct cs_cancel *stop;
    pthread_t thread;
    _Atomic int64_t due; /* steady clock */
    struct cs_gate gate; /* guards both below */
    struct cs_schedule_state shown;
    bool home; /* the thread has ended */
    /* All below is the thread's own. */
    int64_t started; /* on the wall; 0: not yet */
    char *expression;
    struct cs_cron cron;
    int64_t last;        /* LastTick as far as we know; 0: not yet */
    bool open;           /* `last` is to be run, or is being run */
    int64_t since;       /* for that run */
    char run[CS_RUN_ID]; /* the one that is on, or "" */
    bool away;           /* the session database */
    unsigned failures;
    int64_t again; /* not before that; steady clock */
};

/* ---- Small things ------------------------------------------------------- */

static void pulse(struct cs_schedule *schedule, int64_t limit)
{
    atomic_store(&schedule->due, cs_clock_steady() + limit);
}

static void pause_a_while(struct cs_schedule *schedule)
{
    int64_t pause = CS_SECOND;

    for (unsigned i = 0; i < schedule->failures && pause < PAUSE; i++)
        pause *= 2;
    schedule->failures++;
    schedule->again = cs_clock_steady() + (pause < PAUSE ? pause : PAUSE);
}

static int64_t next_tick(const struct cs_schedule *schedule)
{
    int64_t now = cs_clock_now();

    if (schedule->expression[0] == '\0')
        return 0;
    return cs_cron_next(&schedule->cron,
                        schedule->last > now ? schedule->last : now);
}

static void say_next(const struct cs_schedule *schedule)
{
    int64_t next = next_tick(schedule);
    char text[CS_CLOCK_ISO];

    if (next == 0) {
        cs_log_write(CS_LOG_WARN, NULL, "the schedule never comes to run");
        return;
    }
    cs_clock_format(next, text);
    cs_log_write(CS_LOG_INFO, NULL, "the schedule is \"%s\"; next: %s",
                 schedule->expression, text);
}

/* An expression that was changed counts from now on. */
static void read_expression(struct cs_schedule *schedule)
{
    struct cs_app *app = cs_generations_borrow(schedule->generations);
    const char *text =
        cs_settings_text(app->settings, "schedule", "cron_expression");
    bool first = schedule->expression == NULL;
    int64_t now = cs_clock_now();

    if (first || strcmp(text, schedule->expression) != 0) {
        free(schedule->expression);
        schedule->expression = cs_memory_text(text);
        schedule->cron = (struct cs_cron){0};
        if (text[0] != '\0')
            cs_cron_parse(&schedule->cron, text, NULL); /* it was checked */
        if (!first && schedule->last != 0 && schedule->last < now)
            schedule->last = now;
        say_next(schedule);
    }
    cs_generations_return(schedule->generations, app);
}

static void show(struct cs_schedule *schedule,
                 const struct cs_schedule_row *row)
{
    cs_gate_lock(&schedule->gate);
    if (row != NULL) {
        schedule->shown.skipped = row->skipped;
        schedule->shown.caught_up = row->caught_up;
    }
    schedule->shown.away = schedule->away;
    schedule->shown.last = schedule->last;
    schedule->shown.next = next_tick(schedule);
    cs_gate_unlock(&schedule->gate);
}

/* ---- The row ------------------------------------------------------------ */

struct change {
    const struct cs_schedule *schedule;
    int64_t now, newest;
    struct cs_schedule_due due; /* what the row was changed for */
    bool made;
};

/* Another daemon may have done some of it.  What is due as far as we know was
 * counted before the row was locked, for it may be millions. */
static void count_due(struct change *change, const struct cs_schedule_row *row)
{
    const struct cs_schedule *schedule = change->schedule;

    if (row->last > schedule->last)
        change->due =
            cs_schedule_row_due(&schedule->cron, row->last, change->now);
}

static bool begin(void *arg, struct cs_schedule_row *row)
{
    struct change *change = arg;
    int64_t now = row->last == 0 ? change->schedule->started : change->now;

    return change->made = cs_schedule_row_begin(row, now);
}

static bool claim(void *arg, struct cs_schedule_row *row)
{
    struct change *change = arg;

    count_due(change, row);
    return change->made = cs_schedule_row_claim(row, &change->due, change->now,
                                                change->newest);
}

static bool skip(void *arg, struct cs_schedule_row *row)
{
    struct change *change = arg;

    count_due(change, row);
    return change->made = cs_schedule_row_skip(row, &change->due);
}

static bool end(void *arg, struct cs_schedule_row *row)
{
    struct change *change = arg;

    return change->made = cs_schedule_row_end(row, change->schedule->run,
                                              change->schedule->since);
}

static enum cs_rc change_row(struct cs_app *app, cs_schedule_change *how,
                             struct change *change, struct cs_schedule_row *row,
                             struct cs_error *error)
{
    struct cs_session *session = NULL;
    enum cs_rc rc = cs_session_open(&session, app, error);

    if (rc == CS_OK && how == claim)
        rc = cs_run_newest(session, &change->newest, error);
    if (rc == CS_OK)
        rc = cs_schedule_row_change(session, how, change, row, error);
    cs_session_close(session);
    return rc;
}

/* False: the session database is away. */
static bool change_shown(struct cs_schedule *schedule, cs_schedule_change *how,
                         struct change *change, struct cs_schedule_row *row)
{
    struct cs_app *app = cs_generations_borrow(schedule->generations);
    struct cs_error error = {0};
    enum cs_rc rc;

    pulse(schedule, LATER);
    change->schedule = schedule;
    change->now = cs_clock_now();
    if (how == claim || how == skip)
        change->due =
            cs_schedule_row_due(&schedule->cron, schedule->last, change->now);
    rc = change_row(app, how, change, row, &error);
    pulse(schedule, SOON);
    cs_generations_return(schedule->generations, app);
    if (rc != CS_OK) {
        if (!schedule->away)
            cs_log_write(CS_LOG_ERROR, NULL,
                         "the schedule cannot be looked up and is tried again "
                         "until it can: %s",
                         error.text);
        pause_a_while(schedule);
        schedule->away = true;
        return false;
    }
    if (schedule->away)
        cs_log_write(CS_LOG_INFO, NULL, "the schedule can be looked up again");
    schedule->away = false;
    schedule->failures = 0;
    return true;
}

/* ---- Ticks -------------------------------------------------------------- */

static void say(enum cs_level level, int64_t tick, const char *what,
                const char *more)
{
    char text[CS_CLOCK_ISO];

    cs_clock_format(tick, text);
    cs_log_write(level, NULL, "tick %s %s%s", text, what, more);
}

/* Takes over what the row says. */
static void follow(struct cs_schedule *schedule,
                   const struct cs_schedule_row *row)
{
    schedule->last = row->last;
    schedule->since = row->since;
    schedule->open = row->open;
    show(schedule, row);
}

static void look_up(struct cs_schedule *schedule)
{
    struct change change = {0};
    struct cs_schedule_row row;

    if (!change_shown(schedule, begin, &change, &row))
        return;
    if (change.made && schedule->last != 0)
        cs_log_write(CS_LOG_WARN, NULL,
                     "the schedule was more than a day ahead of the clock, "
                     "which must have been wrong: it goes on from now");
    follow(schedule, &row);
}

static void start(struct cs_schedule *schedule, const char *why)
{
    const struct cs_runs_request request = {.cause = CS_RUNS_SCHEDULE,
                                            .since = &schedule->since};
    struct cs_error error = {0};

    if (cs_runs_start(schedule->runs, &request, schedule->run, &error) ==
        CS_OK) {
        schedule->failures = 0;
        say(CS_LOG_INFO, schedule->last, why, schedule->run);
        return;
    }
    schedule->run[0] = '\0';
    if (schedule->failures == 0)
        say(CS_LOG_WARN, schedule->last, "has to wait: ", error.text);
    pause_a_while(schedule);
}

static void say_missed(const struct change *change)
{
    if (change->made && change->due.n > 1)
        cs_log_write(CS_LOG_WARN, NULL, "%zu ticks were missed and are skipped",
                     change->due.n - 1);
}

static void skip_due(struct cs_schedule *schedule)
{
    struct change change = {0};
    struct cs_schedule_row row;

    if (!change_shown(schedule, skip, &change, &row))
        return;
    schedule->last = row.last;
    show(schedule, &row);
    say_missed(&change);
    say(CS_LOG_WARN, schedule->last,
        change.made ? "is skipped: a run is on"
                    : "is left to another daemon: a run is on",
        "");
}

static void claim_due(struct cs_schedule *schedule)
{
    struct change change = {0};
    struct cs_schedule_row row;

    if (!change_shown(schedule, claim, &change, &row))
        return;
    follow(schedule, &row);
    say_missed(&change);
    if (!schedule->open)
        say(CS_LOG_INFO, schedule->last,
            "was run by another daemon: ", row.run);
    else if (!change.made)
        start(schedule, "is shared with another daemon: run ");
    else if (cs_schedule_row_late(&change.due, change.now))
        start(schedule, "was missed and is caught up: run ");
    else
        start(schedule, "is there: run ");
}

static void take_due(struct cs_schedule *schedule)
{
    const struct cs_runs_request all = {.cause = CS_RUNS_SCHEDULE};
    struct cs_error error = {0};

    if (schedule->run[0] != '\0' ||
        cs_runs_check(schedule->runs, &all, &error) == CS_E_BUSY)
        skip_due(schedule);
    else
        claim_due(schedule);
}

/* Has the run ended? */
static void watch(struct cs_schedule *schedule)
{
    struct cs_runs_state state = {.whole = true};
    struct change change = {0};
    struct cs_schedule_row row;

    if (cs_runs_state(schedule->runs, schedule->run, &state) && state.running)
        return;
    /* What takes a person will not be better in a minute. */
    if (!state.whole && state.status_code != CS_EXIT_CONFIG) {
        say(CS_LOG_WARN, schedule->last, "is not finished by run ",
            schedule->run);
        schedule->run[0] = '\0';
        pause_a_while(schedule);
        return;
    }
    if (!change_shown(schedule, end, &change, &row))
        return;
    schedule->run[0] = '\0';
    schedule->open = row.open && row.since == schedule->since;
    show(schedule, &row);
}

/* ---- The thread --------------------------------------------------------- */

static bool is_due(const struct cs_schedule *schedule)
{
    int64_t tick = cs_cron_next(&schedule->cron, schedule->last);

    return tick != 0 && tick <= cs_clock_now();
}

static void step(struct cs_schedule *schedule)
{
    read_expression(schedule);
    if (cs_clock_steady() < schedule->again)
        return;
    if (schedule->run[0] != '\0')
        watch(schedule);
    if (schedule->expression[0] == '\0')
        return;
    if (schedule->last == 0 ||
        schedule->last > cs_clock_now() + CS_SCHEDULE_ROW_DAY)
        look_up(schedule);
    if (cs_clock_steady() < schedule->again)
        return;
    if (is_due(schedule))
        take_due(schedule);
    else if (schedule->open && schedule->run[0] == '\0')
        start(schedule, "was not finished and goes on: run ");
}

static int64_t until_next(const struct cs_schedule *schedule)
{
    int64_t left = next_tick(schedule) - cs_clock_now();

    return left > 0 && left < GLANCE ? left : GLANCE;
}

static void *work(void *arg)
{
    struct cs_schedule *schedule = arg;

    do {
        pulse(schedule, SOON);
        step(schedule);
        show(schedule, NULL);
    } while (cs_cancel_wait(schedule->stop, until_next(schedule)));
    if (schedule->run[0] != '\0')
        watch(schedule);
    cs_gate_lock(&schedule->gate);
    schedule->home = true;
    cs_gate_changed(&schedule->gate);
    cs_gate_unlock(&schedule->gate);
    return NULL;
}

struct cs_schedule *cs_schedule_new(struct cs_generations *generations,
                                    struct cs_runs *runs)
{
    struct cs_schedule *schedule = cs_memory_new(sizeof(*schedule));

    schedule->generations = generations;
    schedule->runs = runs;
    schedule->stop = cs_cancel_new(NULL, 0);
    cs_gate_init(&schedule->gate);
    pulse(schedule, SOON);
    return schedule;
}

void cs_schedule_start(struct cs_schedule *schedule)
{
    schedule->started = cs_clock_now();
    pulse(schedule, SOON);
    /* Without the thread nothing would ever be synced. */
    if (pthread_create(&schedule->thread, NULL, work, schedule) != 0)
        abort();
}

static bool wait_home(struct cs_schedule *schedule, int64_t limit)
{
    int64_t until = cs_clock_steady() + limit;
    bool home;

    cs_gate_lock(&schedule->gate);
    while (!schedule->home && cs_clock_steady() < until)
        cs_gate_wait_until(&schedule->gate, until);
    home = schedule->home;
    cs_gate_unlock(&schedule->gate);
    return home;
}

bool cs_schedule_free(struct cs_schedule *schedule, int64_t limit)
{
    if (schedule == NULL)
        return true;
    cs_cancel_now(schedule->stop);
    if (schedule->started != 0) {
        if (!wait_home(schedule, limit))
            return false;
        pthread_join(schedule->thread, NULL);
    }
    cs_cancel_free(schedule->stop);
    cs_gate_clear(&schedule->gate);
    free(schedule->expression);
    free(schedule);
    return true;
}

void cs_schedule_look(struct cs_schedule *schedule,
                      struct cs_schedule_state *state)
{
    cs_gate_lock(&schedule->gate);
    *state = schedule->shown;
    cs_gate_unlock(&schedule->gate);
}

bool cs_schedule_alive(struct cs_schedule *schedule)
{
    return cs_clock_steady() < atomic_load(&schedule->due);
}
