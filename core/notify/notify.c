/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

#include "config.h"

#include "notify/notify.h"

#include "http/http-reply.h"
#include "http/http-retry.h"
#include "plugin/instance.h"
#include "base/log.h"
#include "base/memory.h"
#include "metrics/tally.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

/* The longest pause after failures in a row. */
#define LONGEST_PAUSE (300 * CS_SECOND)
/* How long a plugin may take to notice that it was cancelled. */
#define GRACE (2 * CS_SECOND)
/* How long the test of a notifier may take. */
#define TEST_LIMIT (30 * CS_SECOND)

/* Everything about one notifier. */
struct outlet {
    struct cs_app *app;
    const struct cs_part *part;
    int64_t interval;         /* of metrics */
    double backoff;           /* seconds before the first repetition */
    struct cs_cancel *cancel; /* of what its plugin does */
    pthread_t thread;

    /* The thread's own. */
    json_t *batch[CS_NOTIFY_BATCH]; /* being delivered */
    uint64_t told;                  /* how many losses the log knows of */

    pthread_mutex_t mutex; /* guards all below */
    pthread_cond_t changed;
    struct cs_instance *instance;   /* NULL until it could be opened */
    json_t *queue[CS_NOTIFY_QUEUE]; /* a ring */
    size_t first, n, nbatch;
    struct cs_tally *tally;
    int64_t flush;       /* when the tally is due, on the steady clock */
    int64_t retry;       /* when the batch may be tried again; 0: now */
    bool asked;          /* the receiver has named that time */
    int64_t give_up;     /* when to end, whatever is left; 0: it goes on */
    bool hurried;        /* what waited was tried once more, for the end */
    struct outlet *heir; /* of what is left at the end; or NULL */
    uint64_t sent, lost;
    unsigned failures; /* in a row */
    bool home;         /* the thread has ended */
};

struct cs_notify {
    struct outlet *outlets;
    size_t n;
};

/* ---- Events ------------------------------------------------------------- */

/* How grave an event is; what is not listed is only information. */
static const struct {
    const char *event, *level;
} levels[] = {
    {"alert", "error"},         {"school_failed", "error"},
    {"exception", "error"},     {"held", "warning"},
    {"cursor_lost", "warning"}, {"health_changed", "warning"},
};

static const char *level_of(const char *event)
{
    for (size_t i = 0; i < sizeof(levels) / sizeof(*levels); i++)
        if (strcmp(levels[i].event, event) == 0)
            return levels[i].level;
    return "information";
}

static void add_text(json_t *event, const char *member, const char *text)
{
    if (!json_object_get(event, member))
        json_object_set_new(event, member, json_string(text));
}

/* By the id a receiver knows an event that comes twice. */
static void stamp(json_t *event)
{
    const char *kind = json_string_value(json_object_get(event, "event"));
    unsigned char noise[16] = {0};
    char id[2 * sizeof(noise) + 1], now[CS_CLOCK_ISO];
    ssize_t got = getrandom(noise, sizeof(noise), 0);

    (void)got; /* so few bytes never fail */
    for (size_t i = 0; i < sizeof(noise); i++)
        snprintf(id + 2 * i, 3, "%02x", noise[i]);
    cs_clock_format(cs_clock_now(), now);
    add_text(event, "id", id);
    add_text(event, "time", now);
    add_text(event, "level", level_of(kind));
}

static bool is_metric(const json_t *event)
{
    return strcmp(json_string_value(json_object_get(event, "event")),
                  "metric") == 0;
}

/* Under the mutex.  The event is stolen. */
static void enqueue(struct outlet *outlet, json_t *event)
{
    if (outlet->n == CS_NOTIFY_QUEUE) {
        json_decref(outlet->queue[outlet->first]);
        outlet->first = (outlet->first + 1) % CS_NOTIFY_QUEUE;
        outlet->n--;
        outlet->lost++;
    }
    outlet->queue[(outlet->first + outlet->n++) % CS_NOTIFY_QUEUE] = event;
}

/* Under the mutex. */
static void count(struct outlet *outlet, const json_t *event)
{
    if (cs_tally_count(outlet->tally) == 0)
        outlet->flush = cs_clock_steady() + outlet->interval;
    if (!cs_tally_add(outlet->tally, event))
        outlet->lost++;
}

void cs_notify_raise(struct cs_notify *notify, json_t *stolen)
{
    stamp(stolen);
    for (size_t i = 0; i < notify->n; i++) {
        struct outlet *outlet = &notify->outlets[i];
        /* Of its own: plugins run at the same time. */
        json_t *copy = is_metric(stolen) ? NULL : json_deep_copy(stolen);

        pthread_mutex_lock(&outlet->mutex);
        if (copy)
            enqueue(outlet, copy);
        else
            count(outlet, stolen);
        pthread_cond_broadcast(&outlet->changed);
        pthread_mutex_unlock(&outlet->mutex);
    }
    json_decref(stolen);
}

/* ---- What to deliver, and when: under the mutex ------------------------- */

static bool ends(const struct outlet *outlet)
{
    return outlet->give_up > 0;
}

/* Waits for a change or until a time on the steady clock; 0: only for that. */
static void wait_until(struct outlet *outlet, int64_t until)
{
    struct timespec time = {(time_t)(until / CS_SECOND),
                            (long)(until % CS_SECOND * 1000)};

    if (until > 0)
        pthread_cond_timedwait(&outlet->changed, &outlet->mutex, &time);
    else
        pthread_cond_wait(&outlet->changed, &outlet->mutex);
}

static bool tally_is_due(const struct outlet *outlet)
{
    return cs_tally_count(outlet->tally) > 0 &&
           (ends(outlet) || cs_clock_steady() >= outlet->flush);
}

/* What is to be tried again comes first, then news, then sums. */
static void fill_batch(struct outlet *outlet)
{
    bool sums = tally_is_due(outlet);
    json_t *sum;

    while (outlet->nbatch < CS_NOTIFY_BATCH && outlet->n > 0) {
        outlet->batch[outlet->nbatch++] = outlet->queue[outlet->first];
        outlet->first = (outlet->first + 1) % CS_NOTIFY_QUEUE;
        outlet->n--;
    }
    while (sums && outlet->nbatch < CS_NOTIFY_BATCH &&
           (sum = cs_tally_take(outlet->tally)) != NULL)
        outlet->batch[outlet->nbatch++] = sum;
}

/* Until there is a batch that may be delivered; false: it is over. */
static bool await(struct outlet *outlet)
{
    for (;;) {
        int64_t now = cs_clock_steady();

        if (ends(outlet) && outlet->heir)
            return false;
        /* At the end a pause of our own choice is cut short, once. */
        if (ends(outlet) && !outlet->hurried && !outlet->asked &&
            outlet->retry > 0) {
            outlet->hurried = true;
            outlet->retry = 0;
        }
        if (outlet->retry == 0)
            fill_batch(outlet);
        if (outlet->nbatch > 0 && now >= outlet->retry &&
            (!ends(outlet) || now < outlet->give_up)) {
            outlet->retry = 0;
            return true;
        }
        if (ends(outlet) && (outlet->nbatch == 0 || now >= outlet->give_up ||
                             outlet->retry >= outlet->give_up))
            return false;
        if (outlet->nbatch > 0)
            wait_until(outlet, outlet->retry);
        else if (cs_tally_count(outlet->tally) > 0)
            wait_until(outlet, outlet->flush);
        else
            wait_until(outlet, 0);
    }
}

/* ---- Delivering --------------------------------------------------------- */

#define SAY(outlet, level, ...)                                               \
    cs_log_write(                                                             \
        level, &(struct cs_log_context){.instance = (outlet)->part->section}, \
        __VA_ARGS__)

/* A notifier is opened when it is first needed: at the start its secrets may be
 * out of reach. */
static enum cs_rc open_instance(struct outlet *outlet, struct cs_error *error)
{
    const struct cs_instance_request request = {.part = outlet->part,
                                                .cancel = outlet->cancel};
    struct cs_instance *instance = NULL;
    enum cs_rc rc = CS_OK;

    if (outlet->instance)
        return CS_OK;
    rc = cs_instance_open(&instance, outlet->app, &request, error);
    pthread_mutex_lock(&outlet->mutex);
    outlet->instance = instance;
    pthread_mutex_unlock(&outlet->mutex);
    return rc;
}

static void close_instance(struct outlet *outlet)
{
    struct cs_instance *instance = outlet->instance;

    pthread_mutex_lock(&outlet->mutex);
    outlet->instance = NULL;
    pthread_mutex_unlock(&outlet->mutex);
    cs_instance_close(instance);
}

static enum cs_rc tell(struct cs_instance *instance, json_t *const *events,
                       size_t n, bool *again, struct cs_error *error)
{
    struct cs_news news = {.size = sizeof(news),
                           .events = (const json_t *const *)events,
                           .n = n,
                           .again = again};
    const struct cs_notifier_ops *ops = &instance->module->ops.notifier;

    cs_instance_enter(instance);
    return cs_instance_leave(instance, ops->notify(instance->self, &news),
                             error);
}

static bool comes_again(enum cs_rc rc)
{
    return rc == CS_E_RETRY || rc == CS_E_AUTH || rc == CS_E_CANCELLED;
}

/* How long the last reply asks us to wait; -1: it does not. */
static int64_t asked_pause(const struct outlet *outlet)
{
    const struct cs_http_reply *reply =
        outlet->instance ? outlet->instance->reply : NULL;

    if (!reply)
        return -1;
    return cs_http_retry_asked(cs_http_reply_header(reply, "Retry-After"), NULL,
                               cs_clock_now());
}

static void set_pause(struct outlet *outlet)
{
    int64_t pause = asked_pause(outlet);

    outlet->asked = pause >= 0;
    if (!outlet->asked)
        pause = cs_http_backoff(outlet->backoff,
                                outlet->failures < 10 ? outlet->failures : 10);
    if (!outlet->asked && pause > LONGEST_PAUSE)
        pause = LONGEST_PAUSE;
    outlet->failures++;
    outlet->retry = cs_clock_steady() + pause;
}

/* Under the mutex: keeps what comes again, forgets the rest.  An error is about
 * all, or about those that are marked. */
static void settle(struct outlet *outlet, enum cs_rc rc, const bool *again)
{
    size_t kept = 0;
    bool some = false;

    for (size_t i = 0; i < outlet->nbatch; i++)
        some = some || again[i];
    for (size_t i = 0; i < outlet->nbatch; i++) {
        bool failed = rc != CS_OK && (!some || again[i]);

        if (failed && comes_again(rc)) {
            outlet->batch[kept++] = outlet->batch[i];
            continue;
        }
        json_decref(outlet->batch[i]);
        if (failed)
            outlet->lost++;
        else
            outlet->sent++;
    }
    outlet->nbatch = kept;
    if (comes_again(rc))
        set_pause(outlet);
    else
        outlet->failures = 0;
}

/* Each change for the worse or the better once, not each try. */
static void report(struct outlet *outlet, enum cs_rc rc, unsigned before,
                   uint64_t lost, const struct cs_error *error)
{
    if (comes_again(rc) && before == 0)
        SAY(outlet, CS_LOG_WARN, "events wait, and are tried again: %s",
            error->text);
    else if (rc != CS_OK && !comes_again(rc))
        SAY(outlet, CS_LOG_WARN, "events are lost: %s", error->text);
    else if (rc == CS_OK && before > 0)
        SAY(outlet, CS_LOG_INFO,
            "events are delivered again; tries that failed: %u", before);
    if (lost > outlet->told)
        SAY(outlet, CS_LOG_WARN, "%llu events were lost so far",
            (unsigned long long)lost);
    outlet->told = lost;
}

static void deliver(struct outlet *outlet)
{
    bool again[CS_NOTIFY_BATCH] = {false};
    struct cs_error error = {0};
    enum cs_rc rc = open_instance(outlet, &error);
    unsigned before;
    uint64_t lost;

    if (rc == CS_OK)
        rc = tell(outlet->instance, outlet->batch, outlet->nbatch, again,
                  &error);
    pthread_mutex_lock(&outlet->mutex);
    before = outlet->failures;
    settle(outlet, rc, again);
    lost = outlet->lost;
    pthread_cond_broadcast(&outlet->changed);
    pthread_mutex_unlock(&outlet->mutex);
    report(outlet, rc, before, lost, &error);
}

/* Under the mutex. */
static size_t waiting(const struct outlet *outlet)
{
    return outlet->nbatch + outlet->n + cs_tally_count(outlet->tally);
}

static void tell_left(const struct outlet *outlet, size_t left)
{
    if (left > 0)
        SAY(outlet, CS_LOG_WARN, "%zu events could not be delivered in time",
            left);
}

static void *work(void *arg)
{
    struct outlet *outlet = arg;
    size_t left;

    pthread_mutex_lock(&outlet->mutex);
    while (await(outlet)) {
        pthread_mutex_unlock(&outlet->mutex);
        deliver(outlet);
        pthread_mutex_lock(&outlet->mutex);
    }
    left = outlet->heir ? 0 : waiting(outlet);
    pthread_mutex_unlock(&outlet->mutex);
    tell_left(outlet, left);
    close_instance(outlet);
    pthread_mutex_lock(&outlet->mutex);
    outlet->home = true;
    pthread_cond_broadcast(&outlet->changed);
    pthread_mutex_unlock(&outlet->mutex);
    return NULL;
}

/* ---- Life --------------------------------------------------------------- */

static void start(struct outlet *outlet, struct cs_app *app,
                  const struct cs_part *part)
{
    pthread_condattr_t attributes;

    outlet->app = app;
    outlet->part = part;
    outlet->interval = cs_settings_number(app->settings, "monitoring",
                                          "metric_flush_interval_seconds") *
                       CS_SECOND;
    outlet->backoff =
        cs_settings_decimal(app->settings, "retry", "clever_api_backoff_base");
    outlet->cancel = cs_cancel_new(NULL, 0);
    outlet->tally = cs_tally_new();
    pthread_mutex_init(&outlet->mutex, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&outlet->changed, &attributes);
    pthread_condattr_destroy(&attributes);
    /* Without its thread it would be silent, and nobody would know. */
    if (pthread_create(&outlet->thread, NULL, work, outlet) != 0)
        abort();
}

struct cs_notify *cs_notify_new(struct cs_app *app)
{
    struct cs_notify *notify = cs_memory_new(sizeof(*notify));

    notify->n = app->wiring.nnotifiers;
    notify->outlets = cs_memory_array(notify->n, sizeof(*notify->outlets));
    for (size_t i = 0; i < notify->n; i++)
        start(&notify->outlets[i], app, app->wiring.notifiers[i]);
    return notify;
}

static struct outlet *find_heir(const struct cs_notify *heir,
                                const char *section)
{
    for (size_t i = 0; heir && i < heir->n; i++)
        if (strcmp(heir->outlets[i].part->section, section) == 0)
            return &heir->outlets[i];
    return NULL;
}

static void stop(struct outlet *outlet, const struct cs_notify *heir,
                 int64_t until)
{
    pthread_mutex_lock(&outlet->mutex);
    outlet->give_up = until;
    outlet->heir = find_heir(heir, outlet->part->section);
    pthread_cond_broadcast(&outlet->changed);
    pthread_mutex_unlock(&outlet->mutex);
}

static bool wait_home(struct outlet *outlet, int64_t until)
{
    bool home;

    pthread_mutex_lock(&outlet->mutex);
    while (!outlet->home && cs_clock_steady() < until)
        wait_until(outlet, until);
    home = outlet->home;
    pthread_mutex_unlock(&outlet->mutex);
    return home;
}

/* Under the mutex.  The event is stolen, and older than all that wait. */
static void put_first(struct outlet *outlet, json_t *event)
{
    if (outlet->n == CS_NOTIFY_QUEUE) {
        json_decref(event);
        outlet->lost++;
        return;
    }
    outlet->first = (outlet->first + CS_NOTIFY_QUEUE - 1) % CS_NOTIFY_QUEUE;
    outlet->queue[outlet->first] = event;
    outlet->n++;
}

/* By one whose thread has ended. */
static void bequeath(struct outlet *outlet)
{
    struct outlet *heir = outlet->heir;
    json_t *sum;

    pthread_mutex_lock(&heir->mutex);
    while ((sum = cs_tally_take(outlet->tally)) != NULL)
        put_first(heir, sum);
    while (outlet->n > 0)
        put_first(
            heir,
            outlet->queue[(outlet->first + --outlet->n) % CS_NOTIFY_QUEUE]);
    while (outlet->nbatch > 0)
        put_first(heir, outlet->batch[--outlet->nbatch]);
    pthread_cond_broadcast(&heir->changed);
    pthread_mutex_unlock(&heir->mutex);
}

static void clear(struct outlet *outlet)
{
    pthread_join(outlet->thread, NULL);
    for (size_t i = 0; i < outlet->nbatch; i++)
        json_decref(outlet->batch[i]);
    for (size_t i = 0; i < outlet->n; i++)
        json_decref(outlet->queue[(outlet->first + i) % CS_NOTIFY_QUEUE]);
    cs_tally_free(outlet->tally);
    cs_cancel_free(outlet->cancel);
    pthread_cond_destroy(&outlet->changed);
    pthread_mutex_destroy(&outlet->mutex);
}

bool cs_notify_free(struct cs_notify *notify, int64_t limit)
{
    return cs_notify_replace(notify, NULL, limit);
}

bool cs_notify_replace(struct cs_notify *notify, struct cs_notify *heir,
                       int64_t limit)
{
    int64_t until = cs_clock_steady() + (limit > 0 ? limit : 1);
    size_t hanging = 0;

    if (!notify)
        return true;
    for (size_t i = 0; i < notify->n; i++)
        stop(&notify->outlets[i], heir, until);
    for (size_t i = 0; i < notify->n; i++)
        if (!wait_home(&notify->outlets[i], until))
            cs_cancel_now(notify->outlets[i].cancel);
    for (size_t i = 0; i < notify->n; i++) {
        struct outlet *outlet = &notify->outlets[i];

        if (wait_home(outlet, until + GRACE)) {
            if (outlet->heir)
                bequeath(outlet);
            continue;
        }
        hanging++;
        SAY(outlet, CS_LOG_ERROR, "hangs past its deadline and is abandoned");
    }
    if (hanging > 0)
        return false;
    for (size_t i = 0; i < notify->n; i++)
        clear(&notify->outlets[i]);
    free(notify->outlets);
    free(notify);
    return true;
}

void cs_notify_flush(struct cs_notify *notify, int64_t limit)
{
    int64_t until = cs_clock_steady() + limit;

    for (size_t i = 0; i < notify->n; i++) {
        struct outlet *outlet = &notify->outlets[i];
        size_t left;

        pthread_mutex_lock(&outlet->mutex);
        while ((left = outlet->nbatch + outlet->n) > 0 &&
               cs_clock_steady() < until)
            wait_until(outlet, until);
        pthread_mutex_unlock(&outlet->mutex);
        tell_left(outlet, left);
    }
}

bool cs_notify_state(struct cs_notify *notify, size_t i,
                     struct cs_notify_state *state)
{
    struct outlet *outlet;

    if (i >= notify->n)
        return false;
    outlet = &notify->outlets[i];
    pthread_mutex_lock(&outlet->mutex);
    *state = (struct cs_notify_state){.section = outlet->part->section,
                                      .waiting = waiting(outlet),
                                      .sent = outlet->sent,
                                      .lost = outlet->lost,
                                      .failures = outlet->failures};
    pthread_mutex_unlock(&outlet->mutex);
    return true;
}

/* ---- A test ------------------------------------------------------------- */

enum cs_rc cs_notify_test(struct cs_app *app, const struct cs_part *part,
                          struct cs_error *error)
{
    struct cs_cancel *cancel = cs_cancel_new(app->cancel, TEST_LIMIT);
    const struct cs_instance_request request = {.part = part, .cancel = cancel};
    json_t *event = json_pack("{s:s}", "event", "test");
    struct cs_instance *instance = NULL;
    bool again = false;
    enum cs_rc rc = cs_instance_open(&instance, app, &request, error);

    stamp(event);
    if (rc == CS_OK)
        rc = tell(instance, &event, 1, &again, error);
    cs_instance_close(instance);
    cs_cancel_free(cancel);
    json_decref(event);
    return rc;
}
