/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* Health: a world of dependencies that go up and down, hang and come back, on a
 * turned clock. */
#include "config.h"

#include "app.h"
#include "folder.h"
#include "health/health.h"
#include "database/schema.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#undef fail /* cmocka's; struct cs_host has a member of this name */

#define NOW INT64_C(1767225600000000) /* 2026-01-01 */
#define PERIOD (30 * CS_SECOND)
#define MS (CS_SECOND / 1000)

/* ---- The world ----------------------------------------------------------- */

enum { SESSION, VAULT, PLAIN, CLEVER, FEED, THINGS };

static struct thing {
    enum cs_rc rc;   /* of its next calls */
    bool hangs;      /* they do not come back */
    bool polite;     /* unless they are told to */
    bool cancelled;  /* they were */
    int64_t takes;   /* how far a call moves the clock */
    unsigned lost;   /* so many calls find that the connection is lost */
    unsigned calls;  /* how many were begun */
    unsigned opened; /* how many instances there are */
} things[THINGS];
static const char *districts[3]; /* with schools, NULL ends */
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;

struct instance {
    const struct cs_host *host;
    struct thing *thing;
};

static struct thing *thing_of(const struct cs_host *host)
{
    static const char *const sections[THINGS] = {
        "sink.session", "credential.vault", "credential.plain", "source.clever",
        "source.feed"};
    const struct cs_instance *instance = (const struct cs_instance *)host;
    size_t i = 0;

    while (strcmp(sections[i], instance->request.part->section) != 0)
        i++;
    return &things[i];
}

static enum cs_rc fake_open(const struct cs_host *host, void **self)
{
    struct instance *instance = malloc(sizeof(*instance));

    *instance = (struct instance){host, thing_of(host)};
    pthread_mutex_lock(&mutex);
    instance->thing->opened++;
    instance->thing->cancelled = false;
    pthread_mutex_unlock(&mutex);
    *self = instance;
    return CS_OK;
}

static void fake_close(void *self)
{
    struct instance *instance = self;

    pthread_mutex_lock(&mutex);
    instance->thing->opened--;
    pthread_mutex_unlock(&mutex);
    free(instance);
}

static enum cs_rc fake_check(void *self)
{
    struct instance *instance = self;
    struct thing *thing = instance->thing;
    enum cs_rc rc;

    pthread_mutex_lock(&mutex);
    thing->calls++;
    pthread_cond_broadcast(&changed);
    while (thing->hangs && !(thing->polite && thing->cancelled))
        pthread_cond_wait(&changed, &mutex);
    if (thing->takes > 0)
        cs_clock_move(cs_clock_steady() + thing->takes);
    rc = thing->rc;
    if (thing->hangs)
        rc = CS_E_CANCELLED;
    if (thing->lost > 0) {
        thing->lost--;
        rc = CS_E_RETRY;
    }
    pthread_mutex_unlock(&mutex);
    return rc == CS_OK ? rc : cs_fail(instance->host, rc, "Quill said so");
}

/* It holds nothing, but says so only when it is well. */
static enum cs_rc fake_fetch(void *self, const char *name,
                             struct cs_secret *secret)
{
    enum cs_rc rc = fake_check(self);

    (void)name, (void)secret;
    return rc == CS_OK ? CS_E_NOT_HERE : rc;
}

static void fake_cancel(void *self)
{
    struct instance *instance = self;

    pthread_mutex_lock(&mutex);
    instance->thing->cancelled = true;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&mutex);
}

static enum cs_rc fake_mark(void *self, struct cs_page *page)
{
    struct instance *instance = self;
    enum cs_rc rc = fake_check(self);

    return rc == CS_OK ? instance->host->done(page, "e9") : rc;
}

static enum cs_rc give(cs_row_fn *each, void *arg, size_t i, bool school)
{
    struct cs_value row[CS_SCHOOL_COLUMNS] = {{.state = CS_ABSENT}};
    size_t id = school ? (size_t)CS_SCHOOL_ID : (size_t)CS_DISTRICT_ID;
    size_t key =
        school ? (size_t)CS_SCHOOL_CLEVER_ID : (size_t)CS_DISTRICT_CLEVER_ID;

    row[id] = (struct cs_value){.state = CS_SET, .as.integer = (int64_t)i};
    row[key] = (struct cs_value){.state = CS_SET, .as.text = districts[i]};
    if (school)
        row[CS_SCHOOL_DISTRICT] = row[id];
    return each(arg, row);
}

static enum cs_rc fake_scan(void *self, const struct cs_entity *entity,
                            const struct cs_filter *filter, cs_row_fn *each,
                            void *arg)
{
    enum cs_rc rc = CS_OK;

    (void)self, (void)filter;
    pthread_mutex_lock(&mutex);
    for (size_t i = 0; rc == CS_OK && districts[i] != NULL; i++)
        rc = give(each, arg, i, entity == &cs_schema_school);
    pthread_mutex_unlock(&mutex);
    return rc;
}

/* ---- The program around it ----------------------------------------------- */

#define LIFE(...)                                                      \
    {                                                                  \
        .open = fake_open, .cancel = fake_cancel, .close = fake_close, \
        __VA_ARGS__                                                    \
    }
static const struct cs_module sink_module = {
    .kind = CS_SINK,
    .ops.sink = {.life = LIFE(.check = fake_check), .scan = fake_scan}};
static const struct cs_module vault_module = {
    .kind = CS_CREDENTIAL,
    .ops.credential = {.life = LIFE(.check = fake_check)}};
static const struct cs_module plain_module = {
    .kind = CS_CREDENTIAL,
    .ops.credential = {.life = LIFE(.check = NULL), .fetch = fake_fetch}};
static const struct cs_module clever_module = {
    .kind = CS_SOURCE, .ops.source = {.life = LIFE(.check = fake_check)}};
static const struct cs_module feed_module = {
    .kind = CS_SOURCE,
    .ops.source = {
        .life = LIFE(.check = NULL), .delta = true, .mark = fake_mark}};

static char names[THINGS][24] = {"sink.session", "credential.vault",
                                 "credential.plain", "source.clever",
                                 "source.feed"};
static struct cs_part session = {names[SESSION], "session", &sink_module},
                      vault = {names[VAULT], "vault", &vault_module},
                      plain = {names[PLAIN], "plain", &plain_module},
                      clever = {names[CLEVER], "clever", &clever_module},
                      feed = {names[FEED], "feed", &feed_module};
static struct cs_part *parts[] = {&session, &vault, &plain, &clever, &feed};
static const struct cs_part *chain[] = {&plain, &vault};
static struct cs_pipeline pipelines[] = {
    {.name = "student", .source = &clever, .delta = &feed},
    {.name = "teacher", .source = &clever, .delta = &feed}};

static struct cs_app apps[2];
static struct cs_app *in_force;
static int borrowed;
static unsigned rounds; /* it was borrowed so often */

struct cs_app *cs_generations_borrow(struct cs_generations *generations)
{
    struct cs_app *app;

    (void)generations;
    pthread_mutex_lock(&mutex);
    borrowed++;
    rounds++;
    pthread_cond_broadcast(&changed);
    app = in_force;
    pthread_mutex_unlock(&mutex);
    return app;
}

void cs_generations_return(struct cs_generations *generations,
                           struct cs_app *app)
{
    (void)generations, (void)app;
    pthread_mutex_lock(&mutex);
    borrowed--;
    pthread_mutex_unlock(&mutex);
}

static void open_app(struct cs_app *app, const char *settings)
{
    struct cs_settings_request request = {
        .file = folder_text("cleversync.conf", settings)};
    struct cs_problems problems = {0};

    *app = (struct cs_app){0};
    cs_settings_read(&app->settings, &request, &problems);
    assert_int_equal(problems.n, 0);
    app->wiring = (struct cs_wiring){.parts = parts,
                                     .nparts = THINGS,
                                     .credentials = chain,
                                     .ncredentials = 2,
                                     .session = &session,
                                     .pipelines = pipelines,
                                     .npipelines = 2};
    app->secrets = cs_secrets_new(app);
}

static void close_app(struct cs_app *app)
{
    if (app->settings == NULL)
        return;
    cs_secrets_free(app->secrets);
    cs_settings_free(app->settings);
    *app = (struct cs_app){0};
}

/* ---- The room under test ------------------------------------------------- */

static struct cs_health *health;
static bool alive;
static json_t *events;

static bool watch_alive(void *arg)
{
    return *(bool *)arg;
}

static void watch_changed(void *arg, json_t *stolen)
{
    (void)arg;
    pthread_mutex_lock(&mutex);
    json_array_append_new(events, stolen);
    pthread_mutex_unlock(&mutex);
}

static void start(const char *settings)
{
    const struct cs_health_watcher watcher = {watch_alive, watch_changed,
                                              &alive};

    open_app(&apps[0], settings);
    in_force = &apps[0];
    health = cs_health_new((struct cs_generations *)&apps, &watcher);
}

static int setup(void **state)
{
    (void)state;
    cs_clock_turn(NOW);
    folder_new();
    memset(things, 0, sizeof(things));
    districts[0] = "d1";
    districts[1] = NULL;
    alive = true;
    events = json_array();
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    assert_true(cs_health_free(health, 3600 * CS_SECOND));
    health = NULL;
    assert_int_equal(borrowed, 0);
    close_app(&apps[0]);
    close_app(&apps[1]);
    for (size_t i = 0; i < THINGS; i++)
        assert_int_equal(things[i].opened, 0);
    json_decref(events);
    folder_remove();
    return 0;
}

static void breathe(void)
{
    const struct timespec moment = {0, 1000000};

    nanosleep(&moment, NULL);
}

static void change(int thing, enum cs_rc rc, bool hangs)
{
    pthread_mutex_lock(&mutex);
    things[thing].rc = rc;
    things[thing].hangs = hangs;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&mutex);
}

static unsigned calls(int thing)
{
    unsigned n;

    pthread_mutex_lock(&mutex);
    n = things[thing].calls;
    pthread_mutex_unlock(&mutex);
    return n;
}

static void await_calls(int thing, unsigned n)
{
    pthread_mutex_lock(&mutex);
    while (things[thing].calls < n)
        pthread_cond_wait(&changed, &mutex);
    pthread_mutex_unlock(&mutex);
}

static size_t nevents(void)
{
    size_t n;

    pthread_mutex_lock(&mutex);
    n = json_array_size(events);
    pthread_mutex_unlock(&mutex);
    return n;
}

static void pass(int64_t duration)
{
    cs_clock_move(cs_clock_steady() + duration);
}

static json_t *show(enum cs_health_which which)
{
    enum cs_health_state state;
    json_t *answer = cs_health_show(health, which, &state);

    assert_string_equal(json_string_value(json_object_get(answer, "status")),
                        cs_health_word(state));
    return answer;
}

static const char *status(enum cs_health_which which)
{
    enum cs_health_state state;

    json_decref(cs_health_show(health, which, &state));
    return cs_health_word(state);
}

/* What is told of a dependency, yours; NULL: nothing. */
static json_t *told(int thing, const char *district)
{
    json_t *answer =
        show(thing == FEED ? CS_HEALTH_EVENTS : CS_HEALTH_CLEVER_AUTH);
    json_t *one, *found = NULL;
    size_t i;

    json_array_foreach(json_object_get(answer, "dependencies"), i, one)
    {
        const char *of = json_string_value(json_object_get(one, "district"));

        if (strcmp(json_string_value(json_object_get(one, "name")),
                   names[thing]) == 0 &&
            (district == NULL || (of && strcmp(of, district) == 0)))
            found = json_incref(one);
    }
    json_decref(answer);
    return found;
}

static bool is_told(int thing, const char *district, const char *state,
                    const char *error)
{
    json_t *one = told(thing, district);
    const char *why = json_string_value(json_object_get(one, "error"));
    bool is =
        one != NULL &&
        strcmp(json_string_value(json_object_get(one, "state")), state) == 0 &&
        (error == NULL ? why == NULL : why && strcmp(why, error) == 0);

    json_decref(one);
    return is;
}

/* While the clock stands: what is found is told at once. */
static void await(int thing, const char *state, const char *error)
{
    while (!is_told(thing, NULL, state, error))
        breathe();
}

static void await_all(void)
{
    for (int i = 0; i < THINGS; i++)
        await(i, "Healthy", NULL);
}

static bool has_landed(int thing)
{
    json_t *one = told(thing, NULL);
    json_t *age = json_object_get(one, "age_seconds");
    bool has = json_is_real(age) && json_real_value(age) == 0;

    json_decref(one);
    return has;
}

/* A period passes, and all but one are looked at; THINGS: all. */
static void period(int but)
{
    pass(PERIOD);
    for (int i = 0; i < THINGS; i++)
        while (i != but && !has_landed(i))
            breathe();
}

/* ---- Up and down --------------------------------------------------------- */

static void answers_before_it_knows(void **state)
{
    json_t *answer, *one;

    (void)state;
    for (int i = 0; i < THINGS; i++)
        things[i].hangs = true;
    start("");
    answer = show(CS_HEALTH_CLEVER_AUTH);
    assert_string_equal(json_string_value(json_object_get(answer, "status")),
                        "Degraded");
    assert_true(json_is_null(json_object_get(answer, "last_success")));
    assert_string_equal(json_string_value(json_object_get(answer, "timestamp")),
                        "2026-01-01T00:00:00.000Z");
    json_decref(answer);
    one = told(SESSION, NULL);
    assert_true(json_is_null(json_object_get(one, "age_seconds")));
    assert_true(json_is_null(json_object_get(one, "latency_ms")));
    json_decref(one);
    assert_string_equal(status(CS_HEALTH_READY), "Unhealthy");
    assert_string_equal(status(CS_HEALTH_LIVE), "Healthy");
    for (int i = 0; i < THINGS; i++)
        change(i, CS_OK, false);
    await_all();
    assert_string_equal(status(CS_HEALTH_READY), "Healthy");
}

static void tells_what_it_found(void **state)
{
    json_t *answer, *one;

    (void)state;
    start("");
    await_all();
    pass(10 * CS_SECOND);
    answer = show(CS_HEALTH_CLEVER_AUTH);
    assert_string_equal(json_string_value(json_object_get(answer, "status")),
                        "Healthy");
    assert_string_equal(
        json_string_value(json_object_get(answer, "last_success")),
        "2026-01-01T00:00:00.000Z");
    assert_true(json_is_null(json_object_get(answer, "error")));
    assert_int_equal(json_array_size(json_object_get(answer, "dependencies")),
                     4);
    json_decref(answer);
    one = told(CLEVER, "d1");
    assert_string_equal(json_string_value(json_object_get(one, "kind")),
                        "clever");
    assert_true(json_real_value(json_object_get(one, "age_seconds")) == 10);
    assert_true(json_real_value(json_object_get(one, "latency_ms")) == 0);
    assert_string_equal(json_string_value(json_object_get(one, "since")),
                        "2026-01-01T00:00:00.000Z");
    json_decref(one);
    alive = false;
    assert_string_equal(status(CS_HEALTH_LIVE), "Unhealthy");
}

static const struct step {
    enum cs_rc rc;
    const char *hard, *soft,
        *error; /* its state, by what can be done without */
} steps[] = {
    {CS_E_RETRY, "Unhealthy", "Degraded", "unreachable"},
    {CS_OK, "Healthy", "Healthy", NULL},
    {CS_E_AUTH, "Unhealthy", "Degraded", "refused"},
    {CS_E_CONFIG, "Unhealthy", "Degraded", "wrongly configured"},
    {CS_OK, "Healthy", "Healthy", NULL},
    {CS_E_NOT_HERE, "Unhealthy", "Degraded", "not there"},
    {CS_E_FATAL, "Unhealthy", "Degraded", "failed"},
    {CS_OK, "Healthy", "Healthy", NULL},
};

/* After one period each change is told, and nothing of the others. */
static void follows(int thing)
{
    bool soft = thing == VAULT || thing == FEED;
    enum cs_health_which which =
        thing == FEED ? CS_HEALTH_EVENTS : CS_HEALTH_CLEVER_AUTH;

    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        const char *expected = soft ? steps[i].soft : steps[i].hard;

        change(thing, steps[i].rc, false);
        period(THINGS);
        await(thing, expected, steps[i].error);
        assert_string_equal(status(which), expected);
        for (int other = 0; other < THINGS; other++)
            if (other != thing)
                assert_true(is_told(other, NULL, "Healthy", NULL));
    }
}

static void follows_each(void **state)
{
    (void)state;
    start("");
    await_all();
    follows(SESSION);
    follows(VAULT);
    follows(CLEVER);
    follows(FEED);
}

static void need_a_secret(void)
{
    static unsigned n; /* another one each time: answers are kept */
    char name[32];
    const struct cs_secrets_request request = {.names = name, .stores = 1};
    struct cs_error error = {0};
    struct cs_loan *loan;

    snprintf(name, sizeof(name), "Secret--%u", n++);
    assert_int_not_equal(
        cs_secrets_borrow(apps[0].secrets, &request, &loan, &error), CS_OK);
}

/* A store that cannot be looked at is as it was when it was needed last. */
static void follows_who_asked(void **state)
{
    (void)state;
    start("");
    await_all();
    for (int turn = 0; turn < 3; turn++) {
        change(PLAIN, CS_E_RETRY, false);
        need_a_secret();
        period(THINGS);
        await(PLAIN, "Degraded", "unreachable");
        assert_string_equal(status(CS_HEALTH_CLEVER_AUTH), "Degraded");
        for (int other = 0; other < THINGS; other++)
            if (other != PLAIN)
                assert_true(is_told(other, NULL, "Healthy", NULL));
        change(PLAIN, CS_OK, false);
        need_a_secret();
        period(THINGS);
        await(PLAIN, "Healthy", NULL);
    }
}

static void readiness_is_the_database(void **state)
{
    (void)state;
    things[CLEVER].rc = CS_E_AUTH;
    start("");
    await(CLEVER, "Unhealthy", "refused");
    await(SESSION, "Healthy", NULL);
    await(FEED, "Healthy", NULL);
    assert_string_equal(status(CS_HEALTH_READY), "Healthy");
    assert_string_equal(status(CS_HEALTH_CLEVER_AUTH), "Unhealthy");
    assert_string_equal(status(CS_HEALTH_EVENTS), "Healthy");
    change(SESSION, CS_E_RETRY, false);
    period(THINGS);
    await(SESSION, "Unhealthy", "unreachable");
    assert_string_equal(status(CS_HEALTH_READY), "Unhealthy");
}

/* What plugins say stays in the log. */
static void no_raw_text(void **state)
{
    json_t *answer;
    char *text;

    (void)state;
    things[SESSION].rc = CS_E_FATAL;
    start("");
    await(SESSION, "Unhealthy", "failed");
    answer = show(CS_HEALTH_CLEVER_AUTH);
    assert_string_equal(json_string_value(json_object_get(answer, "error")),
                        "sink.session: failed");
    text = json_dumps(answer, 0);
    assert_null(strstr(text, "Quill"));
    free(text);
    json_decref(answer);
}

/* ---- Slow, and hanging --------------------------------------------------- */

/* A look has ended less than a second ago. */
static void await_fresh(int thing)
{
    bool fresh = false;

    for (; !fresh; breathe()) {
        json_t *one = told(thing, NULL);
        json_t *age = json_object_get(one, "age_seconds");

        fresh = json_is_real(age) && json_real_value(age) < 1;
        json_decref(one);
    }
}

static void first_call_is_no_measure(void **state)
{
    (void)state;
    things[VAULT].takes = 250 * MS;
    start("");
    await(VAULT, "Degraded", "slow");
    assert_int_equal(calls(VAULT), 2);
    for (int i = 0; i < THINGS; i++)
        await_fresh(i);
    pthread_mutex_lock(&mutex);
    things[VAULT].takes = 101 * MS;
    pthread_mutex_unlock(&mutex);
    pass(PERIOD);
    for (int i = 0; i < THINGS; i++)
        await_fresh(i);
    assert_int_equal(calls(VAULT), 3);
    await(VAULT, "Degraded", "slow");
    pthread_mutex_lock(&mutex);
    things[VAULT].takes = 99 * MS;
    pthread_mutex_unlock(&mutex);
    pass(PERIOD);
    await(VAULT, "Healthy", NULL);
    assert_int_equal(calls(VAULT), 4);
    assert_int_equal(nevents(), 0); /* nobody is woken for it */
}

static void lost_connection_is_no_news(void **state)
{
    (void)state;
    start("");
    await_all();
    pthread_mutex_lock(&mutex);
    things[SESSION].lost = 1;
    pthread_mutex_unlock(&mutex);
    period(THINGS);
    assert_int_equal(calls(SESSION), 3);
    await_all();
    assert_int_equal(nevents(), 0);
    pthread_mutex_lock(&mutex);
    things[SESSION].lost = 2;
    pthread_mutex_unlock(&mutex);
    pass(PERIOD);
    await(SESSION, "Unhealthy", "unreachable");
}

static double seconds_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static int compare(const void *one, const void *other)
{
    double a = *(const double *)one, b = *(const double *)other;

    return (a > b) - (a < b);
}

/* The 99th percentile of asking, on the real clock. */
static double percentile(void)
{
    enum { N = 10000 };
    static double took[N];

    for (size_t i = 0; i < N; i++) {
        double begun = seconds_now();

        json_decref(show(CS_HEALTH_CLEVER_AUTH));
        took[i] = seconds_now() - begun;
    }
    qsort(took, N, sizeof(took[0]), compare);
    return took[N * 99 / 100];
}

static void hanging_holds_up_nobody(void **state)
{
    (void)state;
    start("");
    await_all();
    change(CLEVER, CS_OK, true);
    period(CLEVER);
    await_calls(CLEVER, 2);
    assert_true(is_told(CLEVER, NULL, "Healthy", NULL)); /* for 100 ms */
    pass(100 * MS + 1);
    await(CLEVER, "Degraded", "no answer yet");
    assert_string_equal(status(CS_HEALTH_CLEVER_AUTH), "Degraded");
    for (unsigned i = 3; i < 7; i++) {
        period(CLEVER);
        assert_int_equal(calls(SESSION), i);
        assert_int_equal(calls(FEED), i);
        assert_int_equal(calls(CLEVER), 2);
    }
    assert_true(percentile() < 0.02);
    change(CLEVER, CS_OK, false);
    await(CLEVER, "Healthy", NULL); /* the look that was due long ago */
    assert_int_equal(calls(CLEVER), 3);
}

static void hanging_is_told_to_end(void **state)
{
    (void)state;
    things[VAULT].polite = true;
    things[VAULT].hangs = true;
    start("");
    await_calls(VAULT, 1);
    await(SESSION, "Healthy", NULL);
    await(FEED, "Healthy", NULL);
    pass(PERIOD + 1);
    /* The next one began at once, for a period had passed. */
    await_calls(VAULT, 2);
    await(VAULT, "Degraded", "no answer in time");
    change(VAULT, CS_OK, false);
    pass(PERIOD);
    await(VAULT, "Healthy", NULL);
}

/* ---- How often ----------------------------------------------------------- */

static void *ask_often(void *arg)
{
    for (int i = 0; i < 2000; i++) {
        enum cs_health_state state;

        json_decref(cs_health_show(arg, (enum cs_health_which)(i % 4), &state));
    }
    return NULL;
}

static void once_a_period_under_load(void **state)
{
    pthread_t threads[4];

    (void)state;
    start("");
    await_all();
    for (int round = 1; round <= 3; round++) {
        for (size_t i = 0; i < 4; i++)
            pthread_create(&threads[i], NULL, ask_often, health);
        for (size_t i = 0; i < 4; i++)
            pthread_join(threads[i], NULL);
        pass(PERIOD - 1);
        for (int i = 0; i < THINGS; i++)
            if (i != PLAIN)
                assert_int_equal(calls(i), round);
        pass(1);
        for (int i = 0; i < THINGS; i++)
            if (i != PLAIN)
                await_calls(i, (unsigned)round + 1);
    }
}

/* ---- Events -------------------------------------------------------------- */

static void is_event(size_t i, int thing, const char *from, const char *to,
                     const char *reason)
{
    const char *why;
    json_t *event;

    while (nevents() <= i)
        breathe();
    pthread_mutex_lock(&mutex);
    event = json_deep_copy(json_array_get(events, i));
    pthread_mutex_unlock(&mutex);
    assert_string_equal(json_string_value(json_object_get(event, "event")),
                        "health_changed");
    assert_string_equal(json_string_value(json_object_get(event, "dependency")),
                        names[thing]);
    assert_string_equal(json_string_value(json_object_get(event, "from")),
                        from);
    assert_string_equal(json_string_value(json_object_get(event, "to")), to);
    why = json_string_value(json_object_get(event, "reason"));
    if (reason == NULL)
        assert_null(why);
    else
        assert_string_equal(why, reason);
    json_decref(event);
}

static void changes_are_told(void **state)
{
    unsigned before;

    (void)state;
    start("");
    await_all();
    assert_int_equal(nevents(), 0); /* that all is well is no news */
    change(CLEVER, CS_E_AUTH, false);
    period(THINGS);
    is_event(0, CLEVER, "Healthy", "Unhealthy", "refused");
    period(THINGS);
    change(CLEVER, CS_OK, true);
    period(CLEVER);
    await_calls(CLEVER, 4);
    period(CLEVER);
    period(CLEVER); /* while it hangs, it is as bad as it was */
    assert_int_equal(nevents(), 1);
    change(CLEVER, CS_OK, false);
    is_event(1, CLEVER, "Unhealthy", "Degraded", "no answer in time");
    is_event(2, CLEVER, "Degraded", "Healthy", NULL);
    change(FEED, CS_OK, true);
    await(CLEVER, "Healthy", NULL);
    before = calls(FEED);
    period(FEED);
    await_calls(FEED, before + 1);
    period(FEED);
    pass(1);
    is_event(3, FEED, "Healthy", "Degraded", "no answer in time");
    change(FEED, CS_OK, false);
    is_event(4, FEED, "Degraded", "Healthy", NULL);
}

/* ---- What there is to look at -------------------------------------------- */

static void nothing_is_looked_at(void **state)
{
    json_t *answer;

    (void)state;
    start("[health]\ninclude_dependency_checks = false\n");
    answer = show(CS_HEALTH_CLEVER_AUTH);
    assert_null(json_object_get(answer, "dependencies"));
    json_decref(answer);
    assert_string_equal(status(CS_HEALTH_CLEVER_AUTH), "Healthy");
    assert_string_equal(status(CS_HEALTH_READY), "Healthy");
    pass(10 * PERIOD);
    pthread_mutex_lock(&mutex);
    for (unsigned enough = rounds + 3; rounds < enough;)
        pthread_cond_wait(&changed, &mutex);
    pthread_mutex_unlock(&mutex);
    for (int i = 0; i < THINGS; i++)
        assert_int_equal(calls(i), 0);
}

static void districts_come_and_go(void **state)
{
    json_t *one;

    (void)state;
    start("");
    await_all();
    pthread_mutex_lock(&mutex);
    districts[0] = "d2";
    districts[1] = "d3";
    pthread_mutex_unlock(&mutex);
    pass(PERIOD);
    while (!is_told(CLEVER, "d3", "Healthy", NULL) ||
           !is_told(FEED, "d2", "Healthy", NULL))
        breathe();
    while ((one = told(CLEVER, "d1")) != NULL) {
        json_decref(one);
        breathe();
    }
}

static void reload_counts(void **state)
{
    json_t *one;

    (void)state;
    start("");
    await_all();
    open_app(&apps[1], "[health]\ncache_duration_seconds = 5\n");
    apps[1].wiring.ncredentials = 1;
    pthread_mutex_lock(&mutex);
    in_force = &apps[1];
    pthread_mutex_unlock(&mutex);
    while ((one = told(VAULT, NULL)) != NULL) {
        json_decref(one);
        pass(CS_SECOND);
        breathe();
    }
    for (unsigned before = calls(SESSION), i = 1; i < 4; i++) {
        pass(5 * CS_SECOND);
        await_calls(SESSION, before + i);
        await(SESSION, "Healthy", NULL);
    }
}

/* ---- The end ------------------------------------------------------------- */

static void polite_ones_let_it_end(void **state)
{
    (void)state;
    things[SESSION].hangs = things[SESSION].polite = true;
    start("");
    await_calls(SESSION, 1);
} /* and teardown() finds that it does */

static struct cs_health *abandoned; /* what hangs may still use it */

/* Lets the time run out when the others are home. */
static void *run_out(void *arg)
{
    unsigned left = 2, rest = 100;

    (void)arg;
    while (left > 1 || rest-- > 0) {
        left = 0;
        pthread_mutex_lock(&mutex);
        for (int i = 0; i < THINGS; i++)
            left += things[i].opened;
        pthread_mutex_unlock(&mutex);
        breathe();
    }
    pass(CS_SECOND);
    return NULL;
}

static void who_hangs_is_abandoned(void **state)
{
    pthread_t thread;

    (void)state;
    things[SESSION].hangs = true;
    start("");
    await_calls(SESSION, 1);
    await(VAULT, "Healthy", NULL);
    await(PLAIN, "Healthy", NULL);
    abandoned = health;
    assert_int_equal(pthread_create(&thread, NULL, run_out, NULL), 0);
    assert_false(cs_health_free(health, CS_SECOND));
    pthread_join(thread, NULL);
}

/* Threads that are abandoned are not joined, and that is no finding of
 * ThreadSanitizer's. */
const char *__tsan_default_options(void);
const char *__tsan_default_options(void)
{
    return "report_thread_leaks=0";
}

int main(void)
{
#define TEST(function) \
    cmocka_unit_test_setup_teardown(function, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(answers_before_it_knows),
        TEST(tells_what_it_found),
        TEST(follows_each),
        TEST(follows_who_asked),
        TEST(readiness_is_the_database),
        TEST(no_raw_text),
        TEST(first_call_is_no_measure),
        TEST(lost_connection_is_no_news),
        TEST(hanging_holds_up_nobody),
        TEST(hanging_is_told_to_end),
        TEST(once_a_period_under_load),
        TEST(changes_are_told),
        TEST(nothing_is_looked_at),
        TEST(districts_come_and_go),
        TEST(reload_counts),
        TEST(polite_ones_let_it_end),
        cmocka_unit_test_setup(who_hangs_is_abandoned, setup),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
