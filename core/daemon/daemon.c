/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

#include "config.h"

#include "daemon/daemon.h"

#include "base/gate.h"
#include "health/health.h"
#include "base/log.h"
#include "base/memory.h"
#include "metrics/metrics.h"
#include "daemon/schedule.h"
#include "daemon/systemd.h"
#include "web/web.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* How often the rooms are looked after, unless the watchdog wants it more
 * often. */
#define ROUND CS_SECOND
/* Told to stop: schools that are being synced may go on for so long; then they
 * are cancelled, and have so long to roll back. */
#define FINISH (60 * CS_SECOND)
#define ROLL_BACK (30 * CS_SECOND)
/* How long the rooms that only tell have to end. */
#define FAREWELL (5 * CS_SECOND)

struct cs_daemon {
    struct cs_cancel *cancel; /* everybody's: ends what is being done */
    struct cs_generations *generations;
    struct cs_runs *runs;
    struct cs_schedule *schedule;
    struct cs_health *health;
    struct cs_metrics *metrics;
    struct cs_metrics_follower *follower; /* keeps them up with the history */
    struct cs_web *web;                   /* NULL: nothing is served */
    struct cs_gate gate;
    bool stop, reload; /* asked for; under the gate */
    /* The main thread's own. */
    int64_t round;    /* how often the rooms are looked after */
    bool watched;     /* by systemd's watchdog */
    bool hangs;       /* and it has been said */
    bool refused;     /* the last reload was */
    char status[160]; /* as it was said last */
};

/* ---- Signals ------------------------------------------------------------ */

static void ask_to_stop(void *arg)
{
    struct cs_daemon *daemon = arg;

    cs_gate_lock(&daemon->gate);
    daemon->stop = true;
    cs_gate_changed(&daemon->gate);
    cs_gate_unlock(&daemon->gate);
}

static void ask_to_reload(void *arg)
{
    struct cs_daemon *daemon = arg;

    cs_gate_lock(&daemon->gate);
    daemon->reload = true;
    cs_gate_changed(&daemon->gate);
    cs_gate_unlock(&daemon->gate);
}

/* ---- Watching over the rooms -------------------------------------------- */

/* A room that no longer moves is not fed for: systemd then ends the process
 * and starts it anew. */
static void feed(struct cs_daemon *daemon)
{
    bool runs_alive = cs_runs_alive(daemon->runs);
    bool hangs = !runs_alive || !cs_schedule_alive(daemon->schedule);

    if (hangs && !daemon->hangs)
        cs_log_write(CS_LOG_ERROR, NULL,
                     "the %s has not moved for too long: the daemon has to be "
                     "started anew",
                     runs_alive ? "schedule" : "supervision of a run");
    daemon->hangs = hangs;
    if (daemon->watched && !hangs)
        cs_systemd_feed();
}

static void say_status(struct cs_daemon *daemon, const char *text)
{
    if (strcmp(text, daemon->status) == 0)
        return;
    snprintf(daemon->status, sizeof(daemon->status), "%s", text);
    cs_systemd_status(text);
}

static void show_status(struct cs_daemon *daemon)
{
    size_t active = cs_runs_active(daemon->runs);
    struct cs_schedule_state state;
    char next[CS_CLOCK_ISO] = "never", text[sizeof(daemon->status)];

    cs_schedule_look(daemon->schedule, &state);
    if (state.next != 0)
        cs_clock_format(state.next, next);
    snprintf(text, sizeof(text), "%s%zu run%s on, the next is due: %s%s",
             daemon->refused
                 ? "the new configuration was refused, the old one stays; "
                 : "",
             active, active == 1 ? " is" : "s are", next,
             state.away ? "; the session database is away" : "");
    say_status(daemon, text);
}

/* ---- Reloading ---------------------------------------------------------- */

static void reload(struct cs_daemon *daemon)
{
    struct cs_problems problems = {0};

    cs_systemd_reloading();
    daemon->refused = !cs_generations_reload(daemon->generations, &problems);
    for (size_t i = 0; i < problems.n; i++)
        cs_log_write(CS_LOG_ERROR, NULL, "%s", problems.text[i]);
    if (daemon->refused)
        cs_log_write(CS_LOG_ERROR, NULL,
                     "the configuration was not reloaded: the old one stays");
    else
        cs_log_write(CS_LOG_INFO, NULL, "the configuration was reloaded");
    cs_problems_clear(&problems);
    show_status(daemon);
    cs_systemd_ready();
}

/* ---- Stopping ----------------------------------------------------------- */

/* False: time is up. */
static bool wait_for_runs(struct cs_daemon *daemon, int64_t limit)
{
    int64_t until = cs_clock_steady() + limit;

    while (!cs_runs_wait(daemon->runs, daemon->round)) {
        if (cs_clock_steady() >= until)
            return false;
        cs_systemd_extend(FINISH);
        feed(daemon);
    }
    return true;
}

static void end_runs(struct cs_daemon *daemon)
{
    size_t active = cs_runs_active(daemon->runs);

    cs_runs_stop(daemon->runs);
    if (active > 0) {
        cs_log_write(CS_LOG_INFO, NULL,
                     "stopping: no school is begun any more; those that are "
                     "being synced have %d seconds",
                     (int)(FINISH / CS_SECOND));
        if (!wait_for_runs(daemon, FINISH))
            cs_log_write(CS_LOG_WARN, NULL,
                         "stopping: what is being synced is rolled back");
    }
    cs_cancel_now(daemon->cancel);
    if (wait_for_runs(daemon, ROLL_BACK))
        return;
    cs_log_write(CS_LOG_ERROR, NULL,
                 "a run did not end when it was cancelled and is abandoned");
    _exit(CS_EXIT_FAILED);
}

/* ---- The rooms ---------------------------------------------------------- */

static bool alive(void *arg)
{
    struct cs_daemon *daemon = arg;

    return cs_runs_alive(daemon->runs) && cs_schedule_alive(daemon->schedule);
}

static void health_changed(void *arg, json_t *event)
{
    struct cs_daemon *daemon = arg;
    struct cs_app *app = cs_generations_borrow(daemon->generations);

    cs_notify_raise(cs_generations_notify(app), event);
    cs_generations_return(daemon->generations, app);
}

static void count_school(void *arg, const struct cs_run *run,
                         const struct cs_sync_school *school)
{
    cs_metrics_school(arg, run, school);
}

static void count_run(void *arg, const struct cs_run *run)
{
    cs_metrics_ended(arg, run);
}

static void count_none(void *arg, const char *id, const struct cs_error *error)
{
    (void)id;
    cs_metrics_no_run(arg, error);
}

/* In the order in which they need each other. */
static enum cs_rc open_rooms(struct cs_daemon *daemon, struct cs_error *error)
{
    const struct cs_health_watcher watcher = {
        .alive = alive, .changed = health_changed, .arg = daemon};
    struct cs_web_parts parts = {.generations = daemon->generations};
    struct cs_run_observer observer = {
        .school = count_school, .ended = count_run, .none = count_none};
    enum cs_rc rc;

    parts.metrics = daemon->metrics = observer.arg = cs_metrics_new();
    parts.runs = daemon->runs = cs_runs_new(daemon->generations, &observer);
    parts.schedule = daemon->schedule =
        cs_schedule_new(daemon->generations, daemon->runs);
    parts.health = daemon->health =
        cs_health_new(daemon->generations, &watcher);
    daemon->follower = cs_metrics_follow(daemon->metrics, daemon->generations);
    rc = cs_web_new(&daemon->web, &parts, error);
    if (rc == CS_OK) /* else no tick may be claimed */
        cs_schedule_start(daemon->schedule);
    return rc;
}

static bool told_to_stop(struct cs_daemon *daemon)
{
    bool stop;

    cs_gate_lock(&daemon->gate);
    stop = daemon->stop;
    cs_gate_unlock(&daemon->gate);
    return stop;
}

/* A plugin still runs, so nothing may be freed.  Who told us to stop gets what
 * he wanted; else status says why the daemon ends, if it is not for this. */
static void leave_behind(struct cs_daemon *daemon, int status)
{
    struct cs_app *app = cs_generations_borrow(daemon->generations);

    cs_notify_flush(cs_generations_notify(app), CS_NOTIFY_FLUSH);
    if (told_to_stop(daemon)) {
        cs_log_write(CS_LOG_WARN, NULL,
                     "stopping: a plugin does not answer and is abandoned");
        _exit(status);
    }
    cs_log_write(CS_LOG_ERROR, NULL,
                 "a plugin hangs: the daemon ends, and has to be started anew");
    _exit(status != CS_EXIT_OK ? status : CS_EXIT_FAILED);
}

/* What was opened last is asked by nobody any more, so it goes first. */
static void close_rooms(struct cs_daemon *daemon, int status)
{
    bool ended;

    end_runs(daemon);
    ended = cs_web_free(daemon->web, FAREWELL) &&
            cs_metrics_unfollow(daemon->follower, FAREWELL) &&
            cs_health_free(daemon->health, FAREWELL) &&
            cs_schedule_free(daemon->schedule, FAREWELL) &&
            !cs_runs_abandoned(daemon->runs);
    if (!ended)
        leave_behind(daemon, status);
    cs_runs_free(daemon->runs);
    cs_metrics_free(daemon->metrics);
}

static void live(struct cs_daemon *daemon)
{
    bool stop = false, anew;

    while (!stop && !cs_runs_abandoned(daemon->runs)) {
        feed(daemon);
        show_status(daemon);
        cs_gate_lock(&daemon->gate);
        if (!daemon->stop && !daemon->reload)
            cs_gate_wait_until(&daemon->gate,
                               cs_clock_steady() + daemon->round);
        stop = daemon->stop;
        anew = daemon->reload;
        daemon->reload = false;
        cs_gate_unlock(&daemon->gate);
        if (anew && !stop)
            reload(daemon);
    }
}

static void work(struct cs_daemon *daemon)
{
    show_status(daemon);
    cs_systemd_ready();
    cs_log_write(CS_LOG_INFO, NULL, "the daemon is ready%s%s",
                 daemon->web ? ", at " : "",
                 daemon->web ? cs_web_url(daemon->web) : "");
    live(daemon);
    cs_systemd_stopping();
    say_status(daemon, "stopping");
}

static int open_and_work(struct cs_daemon *daemon,
                         const struct cs_arguments *arguments)
{
    int64_t watchdog = cs_systemd_watchdog();
    int status = CS_EXIT_OK;
    struct cs_error error;

    daemon->watched = watchdog > 0;
    daemon->round = daemon->watched && watchdog < ROUND ? watchdog : ROUND;
    if (open_rooms(daemon, &error) == CS_OK)
        work(daemon);
    else
        status = cs_app_fail(arguments, &error);
    close_rooms(daemon, status);
    return status;
}

int cs_daemon_run(const struct cs_arguments *arguments)
{
    struct cs_daemon daemon = {.cancel = cs_cancel_new(NULL, 0)};
    const struct cs_signals signals = {.stop = ask_to_stop,
                                       .reload = ask_to_reload,
                                       .arg = &daemon,
                                       .wanted = true};
    int status;

    cs_gate_init(&daemon.gate);
    status = cs_generations_open(&daemon.generations, arguments, daemon.cancel,
                                 &signals);
    if (status == CS_EXIT_OK) {
        status = open_and_work(&daemon, arguments);
        cs_log_write(CS_LOG_INFO, NULL, "the daemon has stopped");
    }
    if (!cs_generations_close(daemon.generations)) {
        cs_log_write(CS_LOG_ERROR, NULL, "a notifier hangs and is abandoned");
        _exit(status);
    }
    cs_gate_clear(&daemon.gate);
    cs_cancel_free(daemon.cancel);
    return status;
}
