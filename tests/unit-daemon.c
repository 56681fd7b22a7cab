/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* systemd's watchdog, on a clock that leaps: it is fed by the loop that
 * looks whether work moves, and not fed for work that hangs. */
#include "config.h"

#include "daemon/daemon.h"

#include "app.h"
#include "daemon/generations.h"
#include "daemon/schedule.h"
#include "folder.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#undef fail /* cmocka's; struct cs_host has a member of this name */

#define STEP (30 * CS_SECOND)  /* every thread moves within a minute */
#define MOST (600 * CS_SECOND) /* with the session database: within this */

/* ---- What the linker puts in the place of the core's --------------------- */

static _Atomic int64_t leapt;

int64_t __real_cs_clock_steady(void);
int64_t __wrap_cs_clock_steady(void);
bool __wrap_cs_cancel_wait(struct cs_cancel *cancel, int64_t duration);

int64_t __wrap_cs_clock_steady(void)
{
    return __real_cs_clock_steady() + atomic_load(&leapt);
}

static void breathe(void)
{
    const struct timespec moment = {0, 1000000};

    nanosleep(&moment, NULL);
}

/* Nobody waits for long, so that who moves soon notices a leap. */
bool __wrap_cs_cancel_wait(struct cs_cancel *cancel, int64_t duration)
{
    (void)duration;
    breathe();
    return cs_cancel_remaining_ms(cancel) > 0;
}

/* ---- A session database that is away, or hangs --------------------------- */

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static bool hangs;

static void make(bool hang)
{
    pthread_mutex_lock(&mutex);
    hangs = hang;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&mutex);
}

static enum cs_rc away_open(const struct cs_host *host, void **self)
{
    (void)self;
    pthread_mutex_lock(&mutex);
    while (hangs)
        pthread_cond_wait(&changed, &mutex);
    pthread_mutex_unlock(&mutex);
    return cs_fail(host, CS_E_RETRY, "it is away");
}

static void away_close(void *self)
{
    (void)self;
}

static const struct cs_module module = {
    .kind = CS_SINK,
    .ops.sink = {.life = {.open = away_open, .close = away_close}}};

/* ---- The configuration, which stays as it is ----------------------------- */

static char section[] = "sink.session";
static struct cs_part session = {section, "session", &module};
static struct cs_part *parts[] = {&session};
static struct cs_app app;
static struct cs_notify *notify; /* has nobody to tell */
static struct cs_signals signals;

int cs_generations_open(struct cs_generations **generations,
                        const struct cs_arguments *arguments,
                        struct cs_cancel *cancel, const struct cs_signals *to)
{
    (void)arguments;
    app.cancel = cancel;
    signals = *to;
    *generations = (struct cs_generations *)&app;
    return CS_EXIT_OK;
}

bool cs_generations_close(struct cs_generations *generations)
{
    (void)generations;
    return true;
}

struct cs_app *cs_generations_borrow(struct cs_generations *generations)
{
    return (struct cs_app *)generations;
}

void cs_generations_return(struct cs_generations *generations,
                           struct cs_app *used)
{
    (void)generations, (void)used;
}

struct cs_notify *cs_generations_notify(struct cs_app *of)
{
    (void)of;
    return notify;
}

bool cs_generations_reload(struct cs_generations *generations,
                           struct cs_problems *problems)
{
    (void)generations, (void)problems;
    return true;
}

/* ---- What systemd is told ------------------------------------------------ */

static int place; /* the socket */

/* Waits until this is said; gives how often the watchdog was fed before. */
static unsigned await(const char *line)
{
    char message[256];
    unsigned fed = 0;

    for (;;) {
        ssize_t length = recv(place, message, sizeof(message) - 1, 0);

        assert_true(length > 0); /* within the socket's patience */
        message[length] = '\0';
        if (strncmp(message, line, strlen(line)) == 0)
            return fed;
        fed += strcmp(message, "WATCHDOG=1") == 0;
    }
}

/* How often it is fed in a round of the loop: between the ends of two reloads,
 * which are made by the same loop. */
static unsigned fed(void)
{
    signals.reload(signals.arg);
    await("READY=1");
    signals.reload(signals.arg);
    return await("READY=1");
}

/* Soon: who moves comes by many times meanwhile. */
static bool is_fed(void)
{
    for (int turn = 0; turn < 1000; turn++) {
        if (fed() > 0)
            return true;
        breathe();
    }
    return false;
}

/* ---- A daemon ------------------------------------------------------------ */

static pthread_t thread;
static int status = -1;

static void *run(void *arg)
{
    status = cs_daemon_run(arg);
    return NULL;
}

static int setup(void **state)
{
    const struct timeval patience = {.tv_sec = 60};
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct cs_settings_request request;
    struct cs_problems problems = {0};

    (void)state;
    app = (struct cs_app){0};
    folder_new();
    request = (struct cs_settings_request){
        .file = folder_text("cleversync.conf",
                            "[health]\nlisten =\n"
                            "[retry]\ndatabase_backoff_base = 0.001\n")};
    cs_settings_read(&app.settings, &request, &problems);
    assert_int_equal(problems.n, 0);
    app.wiring =
        (struct cs_wiring){.parts = parts, .nparts = 1, .session = &session};
    app.secrets = cs_secrets_new(&app);
    notify = cs_notify_new(&app);
    strcpy(address.sun_path, folder_text("notify", ""));
    unlink(address.sun_path);
    place = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    setsockopt(place, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    assert_int_equal(bind(place, (struct sockaddr *)&address, sizeof(address)),
                     0);
    setenv("NOTIFY_SOCKET", address.sun_path, 1);
    setenv("WATCHDOG_USEC", "2000000", 1);
    unsetenv("WATCHDOG_PID");
    assert_int_equal(pthread_create(&thread, NULL, run, NULL), 0);
    await("READY=1");
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    make(false);
    signals.stop(signals.arg);
    await("STOPPING=1");
    pthread_join(thread, NULL);
    assert_int_equal(status, CS_EXIT_OK);
    close(place);
    assert_true(cs_notify_free(notify, CS_SECOND));
    cs_secrets_free(app.secrets);
    cs_settings_free(app.settings);
    folder_remove();
    return 0;
}

/* A database that is away is no reason to be started anew. */
static void fed_while_it_moves(void **state)
{
    (void)state;
    for (int64_t gone = 0; gone < 2 * MOST; gone += STEP) {
        assert_true(is_fed());
        atomic_fetch_add(&leapt, STEP);
    }
}

/* The schedule tries again within a minute, and hangs from then on. */
static void starved_while_it_hangs(void **state)
{
    int64_t gone = 0;

    (void)state;
    make(true);
    for (; is_fed(); gone += STEP) {
        assert_true(gone < MOST + 4 * STEP);
        atomic_fetch_add(&leapt, STEP);
    }
    assert_true(gone >= MOST); /* drivers have long deadlines */
    make(false);
    assert_true(is_fed());
}

/* Nor does a stop wait for it. */
static void left_behind_while_it_hangs(void **state)
{
    struct cs_schedule *schedule =
        cs_schedule_new((struct cs_generations *)&app, NULL);

    (void)state;
    make(true);
    cs_schedule_start(schedule);
    assert_false(cs_schedule_free(schedule, CS_SECOND / 20));
    make(false);
    assert_true(cs_schedule_free(schedule, 60 * CS_SECOND));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(fed_while_it_moves, setup, teardown),
        cmocka_unit_test_setup_teardown(starved_while_it_hangs, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(left_behind_while_it_hangs, setup,
                                        teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
