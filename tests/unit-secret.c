/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* The chain of stores and the cache in front of it, with stores that say what
 * a test tells them to. */
#include "config.h"

#include "app.h"
#include "metrics/counters.h"
#include "plugin/instance.h"
#include "base/memory.h"
#include "secret/secret.h"

#include <openssl/crypto.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <cmocka.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#undef fail /* cmocka's; struct cs_host has a member of this name */

/* ---- Three stores -------------------------------------------------------- */

enum { STORES = 3, NAMES = 4, THREADS = 8 };

struct answer {
    const char *name; /* of the secret; NULL: any */
    enum cs_rc rc;
    const char *value;
    size_t size;  /* 0: the value's length */
    int64_t life; /* microseconds; 0: does not expire */
    bool used;
};

struct behaviour {
    struct answer answers[NAMES]; /* the first that fits; else absent */
    atomic_int asked, opened;
    atomic_int *wait_for;  /* the fetch goes on when this is not 0 */
    _Atomic int64_t takes; /* so long it takes, on the turned clock */
    atomic_long patience;  /* milliseconds left when it was last asked */
    char districts[64];    /* "d1 - " in the order of opening */
};

static struct behaviour behaviours[STORES];
static atomic_int fetched[128]; /* from a, by the first letter of a name */

static struct behaviour *behaviour_of(const struct cs_host *host)
{
    const struct cs_instance *instance = (const void *)host;

    return &behaviours[instance->request.part->name[0] - 'a'];
}

static enum cs_rc store_open(const struct cs_host *host, void **self)
{
    struct behaviour *behaviour = behaviour_of(host);
    const char *district = host->scope->district;

    behaviour->opened++;
    strcat(behaviour->districts, district ? district : "-");
    strcat(behaviour->districts, " ");
    *self = (void *)(uintptr_t)host;
    return CS_OK;
}

static void store_close(void *self)
{
    const struct cs_host *host = self;

    behaviour_of(host)->opened--;
}

static enum cs_rc store_fetch(void *self, const char *name,
                              struct cs_secret *secret)
{
    const struct cs_host *host = self;
    struct behaviour *behaviour = behaviour_of(host);
    const struct answer *answer = behaviour->answers;

    behaviour->asked++;
    if (behaviour == behaviours)
        fetched[(unsigned char)*name]++;
    behaviour->patience = host->remaining_ms(host);
    cs_clock_move(cs_clock_now() + behaviour->takes);
    if (host->remaining_ms(host) == 0)
        return cs_fail(host, CS_E_CANCELLED, "too late");
    while (behaviour->wait_for && !atomic_load(behaviour->wait_for)) {
        if (host->remaining_ms(host) == 0)
            return cs_fail(host, CS_E_CANCELLED, "cancelled");
        sched_yield();
    }
    for (size_t i = 0; i < NAMES; i++, answer++) {
        if (!answer->used || (answer->name && strcmp(answer->name, name) != 0))
            continue;
        if (answer->rc != CS_OK)
            return cs_fail(host, answer->rc, "store says %d for %s",
                           (int)answer->rc, name);
        host->reveal(secret, answer->value,
                     answer->size ? answer->size : strlen(answer->value),
                     answer->life ? host->now(host) + answer->life : 0);
        return CS_OK;
    }
    return CS_E_NOT_HERE;
}

static struct cs_module store_module = {
    .kind = CS_CREDENTIAL,
    .plugin = {.name = "store"},
    .ops.credential = {.life = {.open = store_open, .close = store_close},
                       .fetch = store_fetch},
};
static char sections[STORES][16] = {"credential.a", "credential.b",
                                    "credential.c"};
static const struct cs_part parts[STORES] = {
    {sections[0], "a", &store_module},
    {sections[1], "b", &store_module},
    {sections[2], "c", &store_module},
};

/* ---- The room under test ------------------------------------------------- */

static struct cs_app app;
static const struct cs_part *chain[STORES] = {&parts[0], &parts[1], &parts[2]};

static int setup(void **state)
{
    char path[] = "/tmp/cleversync-unit-secret.XXXXXX";
    struct cs_settings_request request = {.file = path};
    struct cs_problems problems = {NULL, 0};
    int fd = mkstemp(path);

    (void)state;
    if (fd < 0)
        return -1;
    close(fd);
    memset(behaviours, 0, sizeof(behaviours));
    memset(fetched, 0, sizeof(fetched));
    app = (struct cs_app){.settings = NULL};
    cs_settings_read(&app.settings, &request, &problems);
    unlink(path);
    cs_problems_clear(&problems);
    app.wiring.credentials = chain;
    app.wiring.ncredentials = STORES;
    app.secrets = cs_secrets_new(&app);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    cs_secrets_free(app.secrets);
    cs_settings_free(app.settings);
    for (size_t i = 0; i < STORES; i++)
        if (behaviours[i].opened != 0)
            return -1;
    return 0;
}

static void answers(char store, const char *name, enum cs_rc rc,
                    const char *value, int64_t life)
{
    struct answer *answer = behaviours[store - 'a'].answers;

    while (answer->used)
        answer++;
    *answer = (struct answer){name, rc, value, 0, life, true};
}

/* From now on the store gives this instead. */
static void changes(char store, enum cs_rc rc, const char *value, int64_t life)
{
    memset(behaviours[store - 'a'].answers, 0,
           sizeof(behaviours[store - 'a'].answers));
    answers(store, NULL, rc, value, life);
}

static int asked(char store)
{
    return behaviours[store - 'a'].asked;
}

static struct cs_secrets_request request_for(const char *names,
                                             const char *district)
{
    return (struct cs_secrets_request){
        .names = names,
        .whom = {.district_id = district, .district_prefix = district},
        .stores = STORES,
    };
}

static struct cs_error error;

static enum cs_rc borrow(const char *names, struct cs_loan **loan)
{
    struct cs_secrets_request request = request_for(names, "d1");

    error = (struct cs_error){.rc = CS_OK};
    return cs_secrets_borrow(app.secrets, &request, loan, &error);
}

static void give_back(struct cs_loan *loan)
{
    cs_secrets_return(app.secrets, loan);
}

static void expect(const char *names, const char *value, const char *store)
{
    struct cs_loan *loan;

    assert_int_equal(borrow(names, &loan), CS_OK);
    assert_string_equal(cs_secrets_bytes(loan), value);
    assert_string_equal(cs_secrets_store(loan), store);
    give_back(loan);
}

static void expect_failure(const char *names, enum cs_rc rc)
{
    struct cs_loan *loan;

    assert_int_equal(borrow(names, &loan), rc);
    assert_null(loan);
    assert_int_equal(error.rc, rc);
}

/* ---- The chain ----------------------------------------------------------- */

static void the_first_store_that_holds_it_answers(void **state)
{
    (void)state;
    answers('b', "X", CS_OK, "from b", 0);
    answers('c', "X", CS_OK, "from c", 0);
    expect("X", "from b", "credential.b");
    assert_int_equal(asked('a'), 1);
    assert_int_equal(asked('c'), 0);
}

static void trouble_asks_the_next(void **state)
{
    (void)state;
    answers('a', "X", CS_E_AUTH, NULL, 0);
    answers('b', "X", CS_E_RETRY, NULL, 0);
    answers('c', "X", CS_OK, "found", 0);
    expect("X", "found", "credential.c");
}

static void the_worst_counts_when_nobody_answers(void **state)
{
    (void)state;
    answers('a', "AR", CS_E_AUTH, NULL, 0);
    answers('b', "AR", CS_E_RETRY, NULL, 0);
    answers('c', "R", CS_E_RETRY, NULL, 0);
    expect_failure("N", CS_E_NOT_HERE);
    expect_failure("AR", CS_E_AUTH);
    assert_string_equal(error.text, "credential.a: store says -2 for AR");
    expect_failure("R", CS_E_RETRY);
}

static void what_nobody_holds_is_named(void **state)
{
    (void)state;
    expect_failure("CleverSync--X--A CleverSync--Y--A", CS_E_NOT_HERE);
    assert_string_equal(
        error.text,
        "no secret CleverSync--X--A or CleverSync--Y--A in a, b, c");
    assert_int_equal(cs_error_exit(&error), CS_EXIT_SECRET);
}

static void a_fault_stops_the_search(void **state)
{
    (void)state;
    answers('a', "X", CS_E_CONFIG, NULL, 0);
    answers('b', NULL, CS_OK, "found", 0);
    expect_failure("X Y", CS_E_CONFIG);
    assert_int_equal(asked('a'), 1);
    assert_int_equal(asked('b'), 0);
}

static void names_come_before_stores(void **state)
{
    (void)state;
    answers('a', "Second", CS_OK, "second", 0);
    answers('c', "First", CS_OK, "first", 0);
    expect("First Second", "first", "credential.c");
    expect("Third Second", "second", "credential.a");
}

static void only_the_first_stores_may_be_asked(void **state)
{
    struct cs_secrets_request request = request_for("X", "d1");
    struct cs_loan *loan;

    (void)state;
    answers('b', "X", CS_OK, "from b", 0);
    request.stores = 1;
    assert_int_equal(cs_secrets_borrow(app.secrets, &request, &loan, &error),
                     CS_E_NOT_HERE);
    assert_string_equal(error.text, "no secret X in a");
    expect("X", "from b", "credential.b");
    assert_int_equal(cs_secrets_borrow(app.secrets, &request, &loan, &error),
                     CS_E_NOT_HERE);
}

static void useless_bytes_are_refused(void **state)
{
    char *big = cs_memory_new(CS_SECRET_SIZE + 1);
    struct answer *answer = behaviours[0].answers;
    struct cs_loan *loan;

    (void)state;
    memset(big, 'x', CS_SECRET_SIZE + 1);
    answer[0] = (struct answer){"Big", CS_OK, big, CS_SECRET_SIZE + 1, 0, true};
    answer[1] = (struct answer){"Most", CS_OK, big, CS_SECRET_SIZE, 0, true};
    answer[2] = (struct answer){"Zero", CS_OK, "a\0b", 3, 0, true};
    answer[3] = (struct answer){"Empty", CS_OK, "", 0, 0, true};
    expect_failure("Big", CS_E_CONFIG);
    assert_string_equal(error.text,
                        "credential.a: the secret Big is longer than 64 KiB");
    expect_failure("Zero", CS_E_CONFIG);
    expect_failure("Empty", CS_E_CONFIG);
    assert_int_equal(borrow("Most", &loan), CS_OK);
    assert_int_equal(strlen(cs_secrets_bytes(loan)), CS_SECRET_SIZE);
    give_back(loan);
    free(big);
}

static void each_district_has_its_own(void **state)
{
    struct cs_secrets_request request = request_for("X", "d2");
    struct cs_loan *loan;

    (void)state;
    answers('a', "X", CS_OK, "value", 0);
    expect("X", "value", "credential.a");
    assert_int_equal(cs_secrets_borrow(app.secrets, &request, &loan, &error),
                     CS_OK);
    give_back(loan);
    request.whom.district_id = NULL;
    assert_int_equal(cs_secrets_borrow(app.secrets, &request, &loan, &error),
                     CS_OK);
    give_back(loan);
    assert_int_equal(asked('a'), 3);
    assert_string_equal(behaviours[0].districts, "d1 d2 - ");
}

/* ---- The cache ----------------------------------------------------------- */

static void what_was_found_is_remembered(void **state)
{
    (void)state;
    answers('b', "X", CS_OK, "value", 0);
    expect("X", "value", "credential.b");
    expect("X", "value", "credential.b");
    assert_int_equal(asked('a'), 1);
    assert_int_equal(asked('b'), 1);
}

static void absence_is_remembered_for_a_while(void **state)
{
    (void)state;
    expect_failure("X", CS_E_NOT_HERE);
    expect_failure("X", CS_E_NOT_HERE);
    assert_int_equal(asked('a'), 1);
    answers('a', "X", CS_OK, "new", 0);
    cs_clock_turn(cs_clock_now() + 600 * CS_SECOND);
    expect("X", "new", "credential.a");
}

static void passes(int64_t seconds)
{
    cs_clock_turn(cs_clock_now() + seconds * CS_SECOND);
}

static void trouble_is_soon_forgotten(void **state)
{
    (void)state;
    changes('a', CS_E_RETRY, NULL, 0);
    expect_failure("X", CS_E_RETRY);
    changes('a', CS_OK, "well again", 0);
    passes(5);
    expect("X", "well again", "credential.a");
}

/* Not each secret waits for it: neither for those that others hold, nor for
 * those that nobody else does. */
static void who_was_away_is_left_alone(void **state)
{
    int64_t start = cs_clock_now();

    (void)state;
    changes('a', CS_E_RETRY, NULL, 0);
    behaviours[0].takes = 15 * CS_SECOND;
    answers('b', "X", CS_OK, "from b", 0);
    answers('b', "Y", CS_OK, "from b", 0);
    expect("X", "from b", "credential.b");
    expect("Y", "from b", "credential.b");
    expect_failure("Z", CS_E_RETRY);
    assert_string_equal(error.text,
                        "credential.a could not be reached a moment ago");
    expect_failure("V", CS_E_RETRY);
    assert_int_equal(asked('a'), 1);
    assert_true(cs_clock_now() == start + 15 * CS_SECOND);
    behaviours[0].takes = 0;
    passes(5);
    changes('a', CS_OK, "from a", 0);
    expect("V", "from a", "credential.a");
    answers('b', "W", CS_OK, "from b", 0);
    expect("W", "from a", "credential.a"); /* it answers again */
}

/* For 5, 10, 20, 40 and then each time 60 seconds. */
static void who_stays_away_is_asked_ever_more_rarely(void **state)
{
    static const int rests[] = {5, 10, 20, 40, 60, 60, 60};
    int times = 1;

    (void)state;
    changes('a', CS_E_RETRY, NULL, 0);
    expect_failure("X", CS_E_RETRY);
    for (size_t i = 0; i < sizeof(rests) / sizeof(rests[0]); i++) {
        passes(rests[i] - 1);
        expect_failure("X", CS_E_RETRY);
        assert_int_equal(asked('a'), times);
        passes(1);
        expect_failure("X", CS_E_RETRY);
        assert_int_equal(asked('a'), ++times);
    }
    passes(60);
    changes('a', CS_OK, "back", 0);
    expect("X", "back", "credential.a");
    changes('a', CS_E_RETRY, NULL, 0); /* and everything begins anew */
    expect_failure("Y", CS_E_RETRY);
    passes(5);
    changes('a', CS_OK, "back", 0);
    expect("Y", "back", "credential.a");
}

/* What one district meets may be its own: others ask, but do not wait long. */
static void who_was_away_gets_little_time(void **state)
{
    struct cs_secrets_request other = request_for("X", "d2");
    int64_t start = cs_clock_now();
    struct cs_loan *loan;

    (void)state;
    changes('a', CS_E_RETRY, NULL, 0);
    answers('b', NULL, CS_OK, "from b", 0);
    expect("X", "from b", "credential.b");
    assert_true(behaviours[0].patience == LONG_MAX);
    behaviours[0].takes = 15 * CS_SECOND;
    assert_int_equal(cs_secrets_borrow(app.secrets, &other, &loan, &error),
                     CS_OK);
    give_back(loan);
    assert_int_equal(asked('a'), 2);
    assert_true(behaviours[0].patience == 5000);
    behaviours[0].takes = 0;
    changes('a', CS_OK, "from a", 0);
    other.names = "Y";
    assert_int_equal(cs_secrets_borrow(app.secrets, &other, &loan, &error),
                     CS_OK);
    assert_string_equal(cs_secrets_store(loan), "credential.b");
    give_back(loan);
    assert_int_equal(asked('a'), 2); /* nor does this one */
    cs_clock_turn(start + 20 * CS_SECOND);
    expect("Z", "from a", "credential.a"); /* it is back for all */
    other.names = "V";
    assert_int_equal(cs_secrets_borrow(app.secrets, &other, &loan, &error),
                     CS_OK);
    assert_string_equal(cs_secrets_store(loan), "credential.a");
    give_back(loan);
    assert_true(behaviours[0].patience == LONG_MAX);
}

static void who_lives_on_others_is_asked_all_the_same(void **state)
{
    static const struct cs_option options[] = {
        {.name = "key", .type = CS_OPT_SECRET}, {.name = NULL}};

    (void)state;
    store_module.plugin.options = options;
    answers('a', "X", CS_E_RETRY, NULL, 0);
    answers('a', "Y", CS_OK, "from a", 0);
    expect_failure("X", CS_E_RETRY);
    expect("X Y", "from a", "credential.a");
    assert_int_equal(asked('a'), 3);
    store_module.plugin.options = NULL;
}

/* That the asker had no time left says nothing of the store. */
static void who_was_cut_short_is_not_away(void **state)
{
    struct cs_secrets_request hasty = request_for("X", "d1");
    struct cs_loan *loan;

    (void)state;
    changes('a', CS_OK, "late", 0);
    behaviours[0].takes = 2 * CS_SECOND;
    hasty.cancel = cs_cancel_new(NULL, CS_SECOND);
    assert_int_equal(cs_secrets_borrow(app.secrets, &hasty, &loan, &error),
                     CS_E_CANCELLED);
    cs_cancel_free(hasty.cancel);
    expect("X", "late", "credential.a");
    assert_true(behaviours[0].patience == LONG_MAX);
}

static void an_outage_changes_no_absence(void **state)
{
    int64_t start = cs_clock_now();

    (void)state;
    expect_failure("X", CS_E_NOT_HERE);
    changes('a', CS_E_RETRY, NULL, 0);
    cs_clock_turn(start + 300 * CS_SECOND);
    expect_failure("X", CS_E_NOT_HERE);
    expect_failure("X", CS_E_NOT_HERE);
    assert_int_equal(asked('a'), 2);
    changes('a', CS_OK, "new", 0);
    cs_clock_turn(start + 600 * CS_SECOND);
    expect("X", "new", "credential.a");
}

static void a_fixed_secret_is_asked_for_again(void **state)
{
    int64_t start = cs_clock_now();

    (void)state;
    changes('a', CS_OK, "old", 0);
    expect("X", "old", "credential.a");
    changes('a', CS_OK, "rotated", 0);
    cs_clock_turn(start + 299 * CS_SECOND);
    expect("X", "old", "credential.a");
    cs_clock_turn(start + 300 * CS_SECOND);
    expect("X", "rotated", "credential.a");
    changes('a', CS_E_RETRY, NULL, 0); /* unreachable: the last one stays */
    cs_clock_turn(start + 600 * CS_SECOND);
    expect("X", "rotated", "credential.a");
    expect("X", "rotated", "credential.a");
    assert_int_equal(asked('a'), 3);
    changes('a', CS_OK, "back", 0);
    cs_clock_turn(start + 900 * CS_SECOND);
    expect("X", "back", "credential.a");
}

static void what_comes_expired_is_not_lent(void **state)
{
    (void)state;
    changes('a', CS_OK, "stale", -1);
    answers('b', "X", CS_OK, "fresh", 0);
    expect("X", "fresh", "credential.b");
    expect_failure("Y", CS_E_AUTH);
    assert_non_null(
        strstr(error.text, "the secret Y had expired when it came"));
}

/* ---- Renewal in the background ------------------------------------------- */

static int times(const char *name)
{
    return fetched[(unsigned char)*name];
}

/* Until the renewer has asked for the name so often; the clock stands. */
static void await(const char *name, int wanted)
{
    const struct timespec glance = {0, 1000000};

    for (int i = 0; i < 30000 && times(name) < wanted; i++)
        nanosleep(&glance, NULL);
    assert_int_equal(times(name), wanted);
}

/* Until what is lent is this. */
static void await_value(const char *name, const char *value)
{
    const struct timespec glance = {0, 1000000};
    struct cs_loan *loan;
    bool there = false;

    for (int i = 0; i < 30000 && !there; i++) {
        assert_int_equal(borrow(name, &loan), CS_OK);
        there = strcmp(cs_secrets_bytes(loan), value) == 0;
        give_back(loan);
        nanosleep(&glance, NULL);
    }
    assert_true(there);
}

/* Renewals are made in the order in which they are due: when the last one was
 * made, no other was missed. */
static void a_token_is_renewed_at_its_threshold_while_idle(void **state)
{
    int64_t start = cs_clock_now();

    (void)state;
    answers('a', "X", CS_OK, "one", 100 * CS_SECOND);
    answers('a', "Early", CS_OK, "early", 99 * CS_SECOND);
    answers('a', "Fixed", CS_OK, "fixed", 0);
    expect("X", "one", "credential.a");
    expect("Early", "early", "credential.a");
    expect("Fixed", "fixed", "credential.a");
    behaviours[0].answers[0].value = "two";
    cs_clock_turn(start + 75 * CS_SECOND - 1);
    await("Early", 2);
    assert_int_equal(times("X"), 1); /* not before */
    cs_clock_turn(start + 75 * CS_SECOND);
    await("X", 2);
    await_value("X", "two");
    assert_int_equal(times("X"), 2);
    cs_clock_turn(start + 150 * CS_SECOND - 1);
    await("Early", 3);
    assert_int_equal(times("X"), 2); /* from then on, it is young again */
    assert_int_equal(times("Fixed"), 1);
}

static void nobody_waits_for_a_renewal(void **state)
{
    atomic_int wait = 0;
    int64_t start = cs_clock_now();

    (void)state;
    changes('a', CS_OK, "one", 100 * CS_SECOND);
    expect("X", "one", "credential.a");
    changes('a', CS_OK, "two", 100 * CS_SECOND);
    behaviours[0].wait_for = &wait;
    cs_clock_turn(start + 80 * CS_SECOND);
    await("X", 2);
    expect("X", "one", "credential.a");
    expect("X", "one", "credential.a");
    wait = 1;
    await_value("X", "two");
    assert_int_equal(times("X"), 2);
}

static void a_failed_renewal_is_tried_again_later(void **state)
{
    int64_t start = cs_clock_now();

    (void)state;
    changes('a', CS_OK, "one", 1000 * CS_SECOND);
    expect("X", "one", "credential.a");
    changes('a', CS_E_AUTH, NULL, 0);
    cs_clock_turn(start + 750 * CS_SECOND);
    await("X", 2);
    await_value("X", "one");                /* the old one is still good */
    cs_clock_turn(start + 753 * CS_SECOND); /* 2 s and jitter are over */
    await("X", 3);
    await_value("X", "one");
    cs_clock_turn(start + 753 * CS_SECOND + 4 * CS_SECOND - 1);
    expect("X", "one", "credential.a");
    assert_int_equal(times("X"), 3);
    cs_clock_turn(start + 753 * CS_SECOND + 5 * CS_SECOND);
    await("X", 4);
    await_value("X", "one");
    cs_clock_turn(start + 1000 * CS_SECOND);
    expect_failure("X", CS_E_AUTH);
    changes('a', CS_OK, "two", 1000 * CS_SECOND);
    expect("X", "two", "credential.a");
}

/* As a virtual machine's metadata do while they are updated. */
static void a_slow_renewal_is_seen_through(void **state)
{
    (void)state;
    changes('a', CS_OK, "one", 1000 * CS_SECOND);
    expect("X", "one", "credential.a");
    changes('a', CS_OK, "two", 1000 * CS_SECOND);
    behaviours[0].takes = 100 * CS_SECOND;
    cs_clock_turn(cs_clock_now() + 750 * CS_SECOND);
    await_value("X", "two");
    assert_int_equal(times("X"), 2);
}

/* Whoever ends the program does not wait for a store. */
static void a_renewal_under_way_is_cut_short(void **state)
{
    atomic_int never = 0;

    (void)state;
    changes('a', CS_OK, "one", 100 * CS_SECOND);
    expect("X", "one", "credential.a");
    behaviours[0].wait_for = &never;
    cs_clock_turn(cs_clock_now() + 80 * CS_SECOND);
    await("X", 2);
    cs_secrets_free(app.secrets);
    app.secrets = cs_secrets_new(&app);
}

/* ---- Refusal ------------------------------------------------------------- */

static void a_refused_token_is_fetched_anew(void **state)
{
    struct cs_loan *first, *same, *second;

    (void)state;
    changes('a', CS_OK, "one", 1000 * CS_SECOND);
    assert_int_equal(borrow("X", &first), CS_OK);
    assert_int_equal(borrow("X", &same), CS_OK);
    changes('a', CS_OK, "two", 1000 * CS_SECOND);
    cs_secrets_refused(app.secrets, first, false);
    assert_string_equal(cs_secrets_bytes(first), "one"); /* until returned */
    assert_int_equal(borrow("X", &second), CS_OK);
    assert_string_equal(cs_secrets_bytes(second), "two");
    cs_secrets_refused(app.secrets, same,
                       false); /* too late: it is gone already */
    expect("X", "two", "credential.a");
    assert_int_equal(asked('a'), 2);
    give_back(first);
    give_back(same);
    give_back(second);
}

static void a_refused_fixed_secret_passes_its_store_over(void **state)
{
    struct cs_loan *loan;

    (void)state;
    answers('a', NULL, CS_OK, "wrong", 0);
    answers('b', "X", CS_OK, "right", 0);
    assert_int_equal(borrow("X", &loan), CS_OK);
    cs_secrets_refused(app.secrets, loan, false);
    give_back(loan);
    expect("X", "right", "credential.b");
    expect("Y", "wrong", "credential.a"); /* only for that name */
    assert_int_equal(borrow("X", &loan), CS_OK);
    cs_secrets_refused(app.secrets, loan, false);
    give_back(loan);
    expect_failure("X", CS_E_AUTH);
    assert_string_equal(error.text,
                        "the service refused the secret X of credential.a");
    changes('a', CS_OK, "rotated", 0);
    cs_clock_turn(cs_clock_now() + 299 * CS_SECOND);
    expect_failure("X", CS_E_AUTH);
    cs_clock_turn(cs_clock_now() + CS_SECOND);
    expect("X", "rotated", "credential.a");
}

static void be_refused_once(const char *names)
{
    struct cs_loan *loan;

    assert_int_equal(borrow(names, &loan), CS_OK);
    cs_secrets_refused(app.secrets, loan, false);
    give_back(loan);
}

static void who_begins_anew_need_not_wait(void **state)
{
    (void)state;
    answers('a', "X", CS_OK, "mended", 0);
    be_refused_once("X");
    expect_failure("X", CS_E_AUTH);
    expect_failure("Y", CS_E_NOT_HERE);
    answers('b', "Y", CS_OK, "added", 0);
    cs_secrets_ask_anew(app.secrets, "d2"); /* somebody else's */
    expect_failure("X", CS_E_AUTH);
    expect_failure("Y", CS_E_NOT_HERE);
    cs_secrets_ask_anew(app.secrets, "d1");
    expect("X", "mended", "credential.a");
    expect("Y", "added", "credential.b");
    be_refused_once("X");
    cs_secrets_ask_anew(app.secrets, NULL);
    expect("X", "mended", "credential.a");
}

static void an_outage_changes_no_absence_for_who_begins_anew(void **state)
{
    (void)state;
    expect_failure("X", CS_E_NOT_HERE);
    answers('a', NULL, CS_E_RETRY, NULL, 0);
    cs_secrets_ask_anew(app.secrets, NULL);
    expect_failure("X", CS_E_NOT_HERE);
}

/* ---- Counts -------------------------------------------------------------- */

static void note_count(void *arg, const char *who, const char *how, double n)
{
    if (strcmp(who, "credential.fresh") == 0 && n == 0)
        strcat(strcat(arg, how), " ");
}

static void counts_are_there_before_they_rise(void **state)
{
    static char section[] = "credential.fresh";
    static const struct cs_part part = {section, "fresh", &store_module};
    static const struct cs_part *fresh[] = {&part};
    char seen[100] = "";

    (void)state;
    app.wiring.credentials = fresh;
    app.wiring.ncredentials = 1;
    cs_secrets_free(cs_secrets_new(&app));
    cs_counters_each(CS_COUNTER_SECRETS, note_count, seen);
    assert_string_equal(seen, "found absent denied unreachable failed ");
}

/* ---- Verification -------------------------------------------------------- */

struct service {
    int shown;
    enum cs_rc says;
    int replaced; /* so often the token is replaced while it is shown */
};

static enum cs_rc show(void *arg, struct cs_error *why)
{
    struct service *service = arg;
    struct cs_loan *loan;

    service->shown++;
    assert_int_equal(borrow("X", &loan), CS_OK); /* unverified */
    if (service->replaced-- > 0)
        cs_secrets_refused(app.secrets, loan, false);
    give_back(loan);
    if (service->says != CS_OK)
        cs_error_set(why, service->says, "of another district");
    return service->says;
}

static enum cs_rc borrow_token(struct service *service, struct cs_loan **loan)
{
    struct cs_secrets_request request = request_for("X", "d1");

    request.verify = show;
    request.arg = service;
    return cs_secrets_borrow(app.secrets, &request, loan, &error);
}

static void a_token_is_shown_once(void **state)
{
    struct service service = {0, CS_OK, 0};
    struct cs_loan *loan;

    (void)state;
    changes('a', CS_OK, "token", 1000 * CS_SECOND);
    assert_int_equal(borrow_token(&service, &loan), CS_OK);
    give_back(loan);
    assert_int_equal(borrow_token(&service, &loan), CS_OK);
    assert_int_equal(service.shown, 1);
    cs_secrets_refused(app.secrets, loan, false);
    give_back(loan);
    assert_int_equal(borrow_token(&service, &loan), CS_OK);
    give_back(loan);
    assert_int_equal(service.shown, 2); /* the new one, too */
}

static void a_wrong_token_is_not_lent(void **state)
{
    struct service service = {0, CS_E_AUTH, 0};
    struct cs_loan *loan;

    (void)state;
    changes('a', CS_OK, "token", 0);
    answers('b', NULL, CS_OK, "another", 0);
    assert_int_equal(borrow_token(&service, &loan), CS_E_AUTH);
    assert_null(loan);
    assert_string_equal(error.text, "of another district");
    assert_int_equal(service.shown, 1);
    assert_int_equal(asked('b'), 0);
}

static void what_replaces_a_token_is_shown_as_well(void **state)
{
    struct service service = {0, CS_OK, 1};
    struct cs_loan *loan;

    (void)state;
    changes('a', CS_OK, "wrong", 0);
    answers('b', "X", CS_OK, "right", 0);
    assert_int_equal(borrow_token(&service, &loan), CS_OK);
    assert_string_equal(cs_secrets_bytes(loan), "right");
    assert_int_equal(service.shown, 2);
    give_back(loan);
}

static void endless_replacement_ends(void **state)
{
    struct service service = {0, CS_OK, 1000};
    struct cs_loan *loan;

    (void)state;
    changes('a', CS_OK, "token", 1000 * CS_SECOND);
    assert_int_equal(borrow_token(&service, &loan), CS_E_AUTH);
    assert_true(service.shown < 10);
}

/* The first is lent and verified; the clock then goes to where the second is
 * there and waits to be shown. */
static void renew_verified(struct service *service, const char *second)
{
    struct cs_loan *loan;

    changes('a', CS_OK, "one", 1000 * CS_SECOND);
    assert_int_equal(borrow_token(service, &loan), CS_OK);
    give_back(loan);
    changes('a', CS_OK, second, 1000 * CS_SECOND);
    cs_clock_turn(cs_clock_now() + 750 * CS_SECOND);
    await("X", 2);
    await_value("X", second); /* who shows it gets it */
}

static void expect_token(struct service *service, const char *value)
{
    struct cs_loan *loan;

    assert_int_equal(borrow_token(service, &loan), CS_OK);
    assert_string_equal(cs_secrets_bytes(loan), value);
    give_back(loan);
}

static void a_renewed_token_is_shown_before_it_is_lent(void **state)
{
    struct service service = {0, CS_OK, 0};

    (void)state;
    renew_verified(&service, "two");
    assert_int_equal(service.shown, 1);
    expect_token(&service, "one"); /* and shows the other */
    assert_int_equal(service.shown, 2);
    expect_token(&service, "two");
    assert_int_equal(service.shown, 2);
    assert_int_equal(times("X"), 2);
}

static void the_same_token_need_not_be_shown_again(void **state)
{
    struct service service = {0, CS_OK, 0};

    (void)state;
    renew_verified(&service, "one");
    cs_clock_turn(cs_clock_now() + 300 * CS_SECOND); /* beyond its first life */
    expect_token(&service, "one");
    assert_int_equal(service.shown, 1);
    assert_int_equal(times("X"), 2);
}

static void a_wrong_renewal_leaves_the_old_token(void **state)
{
    struct service service = {0, CS_OK, 0};

    (void)state;
    renew_verified(&service, "anothers");
    service.says = CS_E_AUTH;
    expect_token(&service, "one");
    assert_int_equal(service.shown, 2);
    expect_token(&service, "one");
    assert_int_equal(service.shown, 2); /* it is gone */
    cs_clock_turn(cs_clock_now() + 3 * CS_SECOND);
    await("X", 3); /* another is looked for, later */
}

static void a_renewal_that_is_refused_leaves_the_old_token(void **state)
{
    struct service service = {0, CS_OK, 0};

    (void)state;
    renew_verified(&service, "two");
    service.replaced = 1; /* it is refused while it is shown */
    expect_token(&service, "one");
    expect_token(&service, "one");
    assert_int_equal(service.shown, 2);
    behaviours[0].answers[0].name = "X";
    answers('a', "Later", CS_OK, "later", CS_SECOND);
    expect("Later", "later", "credential.a");
    cs_clock_turn(cs_clock_now() + CS_SECOND * 9 / 10);
    await("Later", 2);
    assert_int_equal(times("X"), 2); /* not at once */
}

static void the_old_token_may_die_before_the_new_one_was_shown(void **state)
{
    struct service service = {0, CS_OK, 0};
    struct cs_loan *loan;

    (void)state;
    renew_verified(&service, "two");
    assert_int_equal(borrow_token(&service, &loan), CS_OK); /* shows it */
    cs_secrets_refused(app.secrets, loan,
                       false); /* had been replaced already */
    give_back(loan);
    expect_token(&service, "two");
    cs_clock_turn(cs_clock_now() + 750 * CS_SECOND);
    await("X", 3); /* the same again */
    expect_token(&service, "two");
    assert_int_equal(service.shown, 2);
    changes('a', CS_OK, "three", 1000 * CS_SECOND);
    cs_clock_turn(cs_clock_now() + 750 * CS_SECOND);
    await("X", 4);
    await_value("X", "three");
    cs_clock_turn(cs_clock_now() + 251 * CS_SECOND); /* "two" has expired */
    expect_token(&service, "three");
    assert_int_equal(service.shown, 3);
    assert_int_equal(times("X"), 4);
}

/* ---- Many askers --------------------------------------------------------- */

struct asker {
    pthread_t thread;
    struct cs_cancel *cancel;
    enum cs_rc rc;
    char value[16];
};
static atomic_int started, go;

static void *ask(void *arg)
{
    struct asker *asker = arg;
    struct cs_secrets_request request = request_for("X", "d1");
    struct cs_error why;
    struct cs_loan *loan;

    request.cancel = asker->cancel;
    if (++started == THREADS)
        go = 1;
    asker->rc = cs_secrets_borrow(app.secrets, &request, &loan, &why);
    if (asker->rc == CS_OK) {
        strcpy(asker->value, cs_secrets_bytes(loan));
        give_back(loan);
    }
    return NULL;
}

static void many_share_one_fetch(void **state)
{
    struct asker askers[THREADS] = {{.rc = CS_OK}};

    (void)state;
    started = 0;
    go = 0;
    changes('a', CS_OK, "shared", 1000 * CS_SECOND);
    behaviours[0].wait_for = &go;
    for (size_t i = 0; i < THREADS; i++)
        pthread_create(&askers[i].thread, NULL, ask, &askers[i]);
    for (size_t i = 0; i < THREADS; i++) {
        pthread_join(askers[i].thread, NULL);
        assert_int_equal(askers[i].rc, CS_OK);
        assert_string_equal(askers[i].value, "shared");
    }
    assert_int_equal(asked('a'), 1);
}

/* Holds the token until all have been refused it. */
static void *be_refused(void *arg)
{
    struct asker *asker = arg;
    struct cs_secrets_request request = request_for("X", "d1");
    struct cs_error why;
    struct cs_loan *loan;

    asker->rc = cs_secrets_borrow(app.secrets, &request, &loan, &why);
    if (asker->rc != CS_OK)
        return NULL;
    started++;
    while (started < THREADS)
        sched_yield();
    cs_secrets_refused(app.secrets, loan, false);
    give_back(loan);
    return ask(arg);
}

static void many_who_are_refused_share_one_renewal(void **state)
{
    struct asker askers[THREADS] = {{.rc = CS_OK}};

    (void)state;
    started = 0;
    changes('a', CS_OK, "dead", 1000 * CS_SECOND);
    expect("X", "dead", "credential.a");
    behaviours[0].answers[0].value = "alive";
    for (size_t i = 0; i < THREADS; i++)
        pthread_create(&askers[i].thread, NULL, be_refused, &askers[i]);
    for (size_t i = 0; i < THREADS; i++) {
        pthread_join(askers[i].thread, NULL);
        assert_int_equal(askers[i].rc, CS_OK);
        assert_string_equal(askers[i].value, "alive");
    }
    assert_int_equal(times("X"), 2);
}

static void who_is_cancelled_waits_no_longer(void **state)
{
    struct asker asker = {.rc = CS_OK};
    struct cs_cancel *cancel = cs_cancel_new(NULL, 0);
    struct cs_secrets_request request = request_for("X", "d1");
    struct cs_secrets_request other = request_for("Y", "d1");
    struct cs_loan *loan;

    (void)state;
    started = 0;
    go = 0;
    changes('a', CS_OK, "late", 0);
    behaviours[0].wait_for = &go;
    pthread_create(&asker.thread, NULL, ask, &asker);
    while (asked('a') == 0)
        sched_yield();
    cs_cancel_now(cancel);
    request.cancel = other.cancel = cancel;
    assert_int_equal(cs_secrets_borrow(app.secrets, &request, &loan, &error),
                     CS_E_CANCELLED); /* waits for the fetch */
    assert_int_equal(cs_secrets_borrow(app.secrets, &other, &loan, &error),
                     CS_E_CANCELLED); /* waits for the store */
    go = 1;
    pthread_join(asker.thread, NULL);
    assert_int_equal(asker.rc, CS_OK);
    cs_cancel_free(cancel);
}

/* ---- Memory -------------------------------------------------------------- */

static void copies_are_in_the_secure_heap(void **state)
{
    char *copy = cs_secrets_copy("top secret", 3);

    (void)state;
    assert_string_equal(copy, "top");
    if (CRYPTO_secure_malloc_initialized())
        assert_true(CRYPTO_secure_allocated(copy));
    cs_secrets_wipe(copy);
    cs_secrets_wipe(NULL);
}

#define TEST(function) \
    cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_first_store_that_holds_it_answers),
        TEST(trouble_asks_the_next),
        TEST(the_worst_counts_when_nobody_answers),
        TEST(what_nobody_holds_is_named),
        TEST(a_fault_stops_the_search),
        TEST(names_come_before_stores),
        TEST(only_the_first_stores_may_be_asked),
        TEST(useless_bytes_are_refused),
        TEST(each_district_has_its_own),
        TEST(what_was_found_is_remembered),
        TEST(absence_is_remembered_for_a_while),
        TEST(trouble_is_soon_forgotten),
        TEST(who_was_away_is_left_alone),
        TEST(who_stays_away_is_asked_ever_more_rarely),
        TEST(who_was_away_gets_little_time),
        TEST(who_lives_on_others_is_asked_all_the_same),
        TEST(who_was_cut_short_is_not_away),
        TEST(an_outage_changes_no_absence),
        TEST(a_fixed_secret_is_asked_for_again),
        TEST(what_comes_expired_is_not_lent),
        TEST(a_token_is_renewed_at_its_threshold_while_idle),
        TEST(nobody_waits_for_a_renewal),
        TEST(a_failed_renewal_is_tried_again_later),
        TEST(a_slow_renewal_is_seen_through),
        TEST(a_renewal_under_way_is_cut_short),
        TEST(a_refused_token_is_fetched_anew),
        TEST(a_refused_fixed_secret_passes_its_store_over),
        TEST(who_begins_anew_need_not_wait),
        TEST(an_outage_changes_no_absence_for_who_begins_anew),
        TEST(counts_are_there_before_they_rise),
        TEST(a_token_is_shown_once),
        TEST(a_wrong_token_is_not_lent),
        TEST(what_replaces_a_token_is_shown_as_well),
        TEST(endless_replacement_ends),
        TEST(a_renewed_token_is_shown_before_it_is_lent),
        TEST(the_same_token_need_not_be_shown_again),
        TEST(a_wrong_renewal_leaves_the_old_token),
        TEST(a_renewal_that_is_refused_leaves_the_old_token),
        TEST(the_old_token_may_die_before_the_new_one_was_shown),
        TEST(many_share_one_fetch),
        TEST(many_who_are_refused_share_one_renewal),
        TEST(who_is_cancelled_waits_no_longer),
        cmocka_unit_test(copies_are_in_the_secure_heap),
    };

    cs_log_setup(0, CS_LOG_TEXT); /* warnings are part of what is tested */
    cs_clock_turn(INT64_C(1769817600) * CS_SECOND);
    return cmocka_run_group_tests_name("secret", tests, NULL, NULL);
}
