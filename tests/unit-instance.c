/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* What a plugin gets from its host, and what becomes of its errors; pages, and
 * the framed calls of sources and sinks.  The HTTP client is played here. */
#include "config.h"

#include "app.h"
#include "plugin/instance.h"
#include "plugin/sink.h"
#include "plugin/source.h"

#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#undef fail /* cmocka's; struct cs_host has a member of this name */

/* ---- A client that asks for its secrets ---------------------------------- */

static struct {
    const char *token;    /* what the service accepts */
    const char *district; /* whose it is */
    int requests;
    bool link_local;
} service;

/* As the real one: a refused token is renewed once. */
enum cs_rc cs_http_perform(struct cs_http_client *client,
                           struct cs_http_call *call, struct cs_error *error)
{
    const struct cs_http_lender *lender = call->lender;

    (void)client;
    service.link_local = call->link_local;
    for (int i = 0; i < 2; i++) {
        const char *bytes;
        void *loan;
        enum cs_rc rc = lender->lend(lender->arg, call->exchange->bearer,
                                     &bytes, &loan, error);

        if (rc != CS_OK)
            return rc;
        service.requests++;
        call->exchange->status = strcmp(bytes, service.token) == 0 ? 200 : 401;
        if (call->exchange->status == 401)
            lender->refused(lender->arg, loan);
        lender->release(lender->arg, loan);
        if (call->exchange->status == 200)
            return CS_OK;
    }
    return cs_error_set(error, CS_E_AUTH, "status 401");
}

/* ---- A store, a source, a mapper, a sink --------------------------------- */

static const char *held[2]; /* what the two stores hold for any name */

static enum cs_rc plain_open(const struct cs_host *host, void **self)
{
    *self = (void *)(uintptr_t)host;
    return CS_OK;
}

static void plain_close(void *self)
{
    (void)self;
}

static enum cs_rc store_fetch(void *self, const char *name,
                              struct cs_secret *secret)
{
    const struct cs_instance *instance = self;
    const char *value = held[instance->request.part->name[0] - 'a'];

    if (!value || strstr(name, "Absent"))
        return CS_E_NOT_HERE;
    return instance->host.reveal(secret, value, strlen(value), 0);
}

static int opened, checked;
static enum cs_rc result; /* of the next call of the source or the sink */

static enum cs_rc source_open(const struct cs_host *host, void **self)
{
    opened++;
    return plain_open(host, self);
}

static void source_close(void *self)
{
    opened--;
    plain_close(self);
}

static enum cs_rc source_request(const struct cs_host *host)
{
    struct cs_http http = {.size = sizeof(http), .bearer = "token"};

    return host->http(host, &http);
}

static enum cs_rc source_check(void *self)
{
    const struct cs_host *host = self;
    enum cs_rc rc = source_request(host);

    checked++;
    if (rc == CS_OK && strcmp(host->scope->district, service.district) != 0)
        rc = cs_fail(host, CS_E_AUTH, "the token is not district %s's",
                     host->scope->district);
    return rc;
}

static enum cs_rc source_fetch(void *self, const struct cs_entity *entity,
                               const char *cursor, struct cs_page *page)
{
    const struct cs_host *host = self;
    enum cs_rc rc = host->emit(page, CS_UPSERT, cursor, json_object());

    (void)entity;
    if (rc != CS_OK)
        return cs_fail(host, rc, "stopped");
    if (result != CS_OK)
        return result;
    return host->next(page, "after");
}

static enum cs_rc source_mark(void *self, struct cs_page *page)
{
    const struct cs_host *host = self;

    return result == CS_OK ? host->done(page, "newest") : CS_OK;
}

static const struct cs_option options[] = {
    {"plain", CS_OPT_TEXT, "fallback", NULL, ""},
    {"count", CS_OPT_NUMBER, "7", NULL, ""},
    {"on", CS_OPT_FLAG, "true", NULL, ""},
    {"off", CS_OPT_FLAG, "false", NULL, ""},
    {"place", CS_OPT_TEXT | CS_OPT_TEMPLATE, "in {district_prefix}", NULL, ""},
    {"perhaps", CS_OPT_TEXT | CS_OPT_TEMPLATE | CS_OPT_OPTIONAL,
     "at {school_id}", NULL, ""},
    {"token", CS_OPT_SECRET | CS_OPT_TEMPLATE,
     "{secret_prefix}--{district_prefix}--Token", NULL, ""},
    {"missing", CS_OPT_SECRET | CS_OPT_TEMPLATE, "{secret_prefix}--Absent",
     NULL, ""},
    {"nowhere", CS_OPT_SECRET | CS_OPT_TEMPLATE, "{school_prefix}--X", NULL,
     ""},
    {"optional", CS_OPT_SECRET | CS_OPT_OPTIONAL, "Absent", NULL, ""},
    {"unset", CS_OPT_SECRET | CS_OPT_OPTIONAL, NULL, NULL, ""},
    {.name = NULL},
};

static enum cs_rc sink_scan(void *self, const struct cs_entity *entity,
                            const struct cs_filter *filter, cs_row_fn *each,
                            void *arg)
{
    enum cs_rc rc = each(arg, NULL);

    (void)self, (void)entity, (void)filter;
    return rc != CS_OK ? rc : result;
}

static size_t affected;

static enum cs_rc sink_apply(void *self, struct cs_batch *batch)
{
    (void)self;
    batch->affected = affected;
    return result;
}

/* A begin() that ends when it is cancelled, as a server's answer may. */
static struct {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    bool under_way, cancelled;
    int cancels;
    bool over; /* the last thing of cancel() */
} busy = {.mutex = PTHREAD_MUTEX_INITIALIZER,
          .changed = PTHREAD_COND_INITIALIZER};

static void busy_say(bool *what, bool value)
{
    pthread_mutex_lock(&busy.mutex);
    *what = value;
    pthread_cond_broadcast(&busy.changed);
    pthread_mutex_unlock(&busy.mutex);
}

static void busy_await(const bool *what)
{
    pthread_mutex_lock(&busy.mutex);
    while (!*what)
        pthread_cond_wait(&busy.changed, &busy.mutex);
    pthread_mutex_unlock(&busy.mutex);
}

static enum cs_rc sink_begin(void *self)
{
    if (((const struct cs_host *)self)->remaining_ms(self) == 0)
        return cs_fail((const struct cs_host *)self, CS_E_CANCELLED, "late");
    busy_say(&busy.under_way, true);
    busy_await(&busy.cancelled);
    return cs_fail((const struct cs_host *)self, CS_E_CANCELLED, "cancelled");
}

static struct cs_instance *busy_sink; /* what cancel() is called for */

static void sink_cancel(void *self)
{
    assert_ptr_equal(self, busy_sink);
    busy.cancels++;
    busy_say(&busy.cancelled, true);
    for (int i = 0; i < 1000; i++) /* the call is through now */
        sched_yield();
    busy.over = true;
}

static enum cs_rc sink_check(void *self)
{
    (void)self;
    return CS_OK;
}

/* Thrown while it runs, the switch must not reach it. */
static enum cs_rc sink_commit(void *self)
{
    const struct cs_instance *sink = self;

    cs_cancel_now(sink->request.cancel);
    return CS_OK;
}

static const struct cs_module store_module = {
    .kind = CS_CREDENTIAL,
    .plugin = {.name = "store", .options = options},
    .ops.credential = {.life = {.open = plain_open, .close = plain_close},
                       .fetch = store_fetch},
};
static const struct cs_module source_module = {
    .kind = CS_SOURCE,
    .plugin = {.name = "source", .options = options},
    .ops.source = {.life = {.open = source_open,
                            .check = source_check,
                            .close = source_close},
                   .mark = source_mark,
                   .fetch = source_fetch},
};
static const struct cs_module mapper_module = {
    .kind = CS_MAPPER,
    .plugin = {.name = "mapper", .options = options},
};
static const struct cs_option sink_options[] = {
    {"connection", CS_OPT_SECRET | CS_OPT_TEMPLATE,
     "Absent--{school_prefix}--C", NULL, ""},
    {"common", CS_OPT_SECRET, "Absent--C", NULL, ""},
    {.name = NULL},
};
static const struct cs_module sink_module = {
    .kind = CS_SINK,
    .plugin = {.name = "sink", .options = sink_options},
    .ops.sink = {.life = {.open = plain_open, .close = plain_close},
                 .scan = sink_scan,
                 .apply = sink_apply},
};
static const struct cs_module busy_module = {
    .kind = CS_SINK,
    .plugin = {.name = "busy"},
    .ops.sink = {.life = {.open = plain_open,
                          .check = sink_check,
                          .cancel = sink_cancel,
                          .close = plain_close},
                 .begin = sink_begin,
                 .commit = sink_commit},
};

static char sections[][16] = {"credential.a", "credential.b", "source.s",
                              "mapper.m",     "sink.k",       "sink.b"};
static const struct cs_part store_a = {sections[0], "a", &store_module};
static const struct cs_part store_b = {sections[1], "b", &store_module};
static const struct cs_part source_part = {sections[2], "s", &source_module};
static const struct cs_part mapper_part = {sections[3], "m", &mapper_module};
static const struct cs_part sink_part = {sections[4], "k", &sink_module};
static const struct cs_part busy_part = {sections[5], "b", &busy_module};

/* ---- The room under test ------------------------------------------------- */

static struct cs_app app;
static const struct cs_part *chain[] = {&store_a, &store_b};
static struct cs_error error;
static struct cs_instance *source;

static int setup(void **state)
{
    char path[] = "/tmp/cleversync-unit-instance.XXXXXX";
    struct cs_settings_request request = {.file = path};
    struct cs_instance_request opening = {
        .part = &source_part,
        .whom = {.district_id = "d1", .district_prefix = "North"},
    };
    struct cs_problems problems = {NULL, 0};
    int fd = mkstemp(path);

    (void)state;
    if (fd < 0)
        return -1;
    close(fd);
    held[0] = "token";
    held[1] = NULL;
    service.token = "token";
    service.district = "d1";
    service.requests = opened = checked = 0;
    result = CS_OK;
    app = (struct cs_app){.settings = NULL};
    cs_settings_read(&app.settings, &request, &problems);
    unlink(path);
    cs_problems_clear(&problems);
    app.wiring.credentials = chain;
    app.wiring.ncredentials = 2;
    app.secrets = cs_secrets_new(&app);
    return cs_instance_open(&source, &app, &opening, &error) == CS_OK ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    cs_instance_close(source);
    cs_secrets_free(app.secrets);
    cs_settings_free(app.settings);
    return opened == 0 ? 0 : -1;
}

/* Within one call of the source: a request with its token. */
static enum cs_rc request_as(struct cs_instance *instance)
{
    enum cs_rc rc;

    error = (struct cs_error){.rc = CS_OK};
    cs_instance_enter(instance);
    rc = source_request(&instance->host);
    return cs_instance_leave(instance, rc, &error);
}

/* ---- Options ------------------------------------------------------------- */

static void options_have_values(void **state)
{
    const struct cs_host *host = &source->host;

    (void)state;
    assert_string_equal(host->text(host, "plain"), "fallback");
    assert_int_equal(host->number(host, "count"), 7);
    assert_true(host->flag(host, "on"));
    assert_false(host->flag(host, "off"));
    assert_string_equal(host->text(host, "place"), "in North");
    assert_null(host->text(host, "perhaps")); /* there is no school here */
    assert_string_equal(host->text(host, "token"),
                        "CleverSyncSOS--North--Token");
    assert_string_equal(host->scope->district, "d1");
    assert_null(host->scope->school);
}

static void a_template_without_value_opens_nothing(void **state)
{
    struct cs_instance_request request = {.part = &source_part};
    struct cs_instance *instance;

    (void)state;
    assert_int_equal(cs_instance_open(&instance, &app, &request, &error),
                     CS_E_CONFIG);
    assert_null(instance);
    assert_string_equal(error.text,
                        "source.s: place: {district_prefix} has no value here");
}

/* ---- Secrets ------------------------------------------------------------- */

static void a_secret_is_lent_for_one_call(void **state)
{
    const struct cs_host *host = &source->host;

    (void)state;
    cs_instance_enter(source);
    assert_string_equal(host->secret(host, "token"), "token");
    assert_string_equal(host->secret(host, "token"), "token");
    assert_int_equal(source->nloans, 2);
    cs_instance_leave(source, CS_OK, &error);
    assert_int_equal(source->nloans, 0);
    assert_int_equal(checked, 0); /* only a bearer's token is shown */
}

static void a_missing_secret_is_a_failed_login(void **state)
{
    const struct cs_host *host = &source->host;

    (void)state;
    cs_instance_enter(source);
    assert_null(host->secret(host, "missing"));
    assert_int_equal(cs_instance_leave(source, CS_E_FATAL, &error), CS_E_FATAL);
    assert_string_equal(error.text,
                        "source.s: no secret CleverSyncSOS--Absent in a, b");
    cs_instance_enter(source);
    assert_null(host->secret(host, "missing"));
    assert_int_equal(cs_instance_leave(source, CS_E_AUTH, &error), CS_E_AUTH);
    assert_int_equal(cs_error_exit(&error), CS_EXIT_SECRET);
    cs_instance_enter(source);
    assert_null(host->secret(host, "nowhere"));
    cs_instance_leave(source, CS_E_AUTH, &error);
    assert_string_equal(error.text,
                        "source.s: nowhere: {school_prefix} has no value here");
}

/* The lines on standard error that tell to rename a secret. */
static size_t renames_told(FILE *log)
{
    char line[1024];
    size_t n = 0;

    rewind(log);
    while (fgets(line, sizeof(line), log))
        n += strstr(line, "rename the secret") != NULL;
    return n;
}

/* What a sink that was opened for this school and run gets: a token, NULL. */
static const char *lent(const char *run, const char *old, const char *option)
{
    const struct cs_instance_request request = {
        .part = &sink_part,
        .whom = {.run = run,
                 .district_id = "d1",
                 .district_prefix = "North",
                 .school_id = "s1",
                 .school_prefix = "Adams",
                 .school_secret = old},
    };
    struct cs_instance *sink;
    const char *secret, *copy;

    assert_int_equal(cs_instance_open(&sink, &app, &request, &error), CS_OK);
    cs_instance_enter(sink);
    secret = sink->host.secret(&sink->host, option);
    copy = secret && strcmp(secret, "token") == 0 ? "token" : NULL;
    cs_instance_leave(sink, secret ? CS_OK : CS_E_AUTH, &error);
    cs_instance_close(sink);
    return copy;
}

/* The deprecated name counts only when nobody holds the right one. */
static void a_schools_old_name_is_asked_last(void **state)
{
    FILE *log = tmpfile();
    int saved = dup(STDERR_FILENO);
    const char *plain, *again, *next, *wrong, *common, *none;

    (void)state;
    dup2(fileno(log), STDERR_FILENO);
    cs_log_setup(CS_LOG_WARN, CS_LOG_TEXT);
    plain = lent("r1", "Old-Name", "connection");
    again = lent("r1", "Old-Name", "connection");
    next = lent("r2", "Old-Name", "connection");
    wrong = lent("r2", "../Old", "connection");
    common = lent("r2", "Old-Name", "common");
    none = lent("r2", NULL, "connection");
    cs_log_setup(0, CS_LOG_TEXT);
    dup2(saved, STDERR_FILENO);
    close(saved);
    assert_non_null(plain);
    assert_non_null(again);
    assert_non_null(next);
    assert_null(wrong);
    assert_null(common);
    assert_null(none);
    assert_string_equal(error.text,
                        "sink.k: no secret Absent--Adams--C in a, b");
    assert_int_equal(renames_told(log), 2); /* once in a run */
    fclose(log);
    assert_null(lent("r3", "Absent-Too", "connection"));
    assert_string_equal(error.text,
                        "sink.k: no secret Absent--Adams--C in a, b");
}

static void an_optional_secret_may_be_missing(void **state)
{
    const struct cs_host *host = &source->host;

    (void)state;
    cs_instance_enter(source);
    assert_null(host->secret(host, "optional"));
    assert_null(host->secret(host, "unset"));
    assert_int_equal(source->error.rc, CS_OK);
    cs_instance_leave(source, CS_OK, &error);
}

static void a_stores_secrets_come_from_those_before(void **state)
{
    struct cs_instance_request request = {.part = &store_b,
                                          .whom = source->request.whom};
    struct cs_instance *instance;

    (void)state;
    for (request.stores = 0; request.stores < 2; request.stores++) {
        assert_int_equal(cs_instance_open(&instance, &app, &request, &error),
                         CS_OK);
        cs_instance_enter(instance);
        if (request.stores == 0)
            assert_null(instance->host.secret(&instance->host, "token"));
        else
            assert_string_equal(instance->host.secret(&instance->host, "token"),
                                "token");
        cs_instance_leave(instance, CS_OK, &error);
        cs_instance_close(instance);
    }
}

/* ---- HTTP ---------------------------------------------------------------- */

static void a_token_is_verified_once(void **state)
{
    (void)state;
    assert_int_equal(request_as(source), CS_OK);
    assert_int_equal(request_as(source), CS_OK);
    assert_int_equal(checked, 1);
    assert_int_equal(service.requests, 3);
    assert_int_equal(opened, 1); /* the probe is closed */
    assert_false(service.link_local);
}

/* So that the struct can grow. */
static void a_request_says_how_long_it_is(void **state)
{
    struct cs_http http = {.size = 0, .bearer = "token"};
    enum cs_rc rc;

    (void)state;
    cs_instance_enter(source);
    rc = source->host.http(&source->host, &http);
    assert_int_equal(cs_instance_leave(source, rc, &error), CS_E_FATAL);
    assert_non_null(strstr(error.text, "did not set the size"));
    assert_int_equal(service.requests, 0);
}

static void anothers_token_is_never_used(void **state)
{
    (void)state;
    service.district = "d2";
    assert_int_equal(request_as(source), CS_E_AUTH);
    assert_string_equal(error.text, "source.s: the token is not district d1's");
    assert_int_equal(cs_error_exit(&error), CS_EXIT_SECRET);
    assert_int_equal(service.requests, 1); /* the probe's */
}

static void a_refused_token_makes_way_for_the_next(void **state)
{
    (void)state;
    held[0] = "stale";
    held[1] = "token";
    assert_int_equal(request_as(source), CS_OK);
    assert_int_equal(checked, 2);
    assert_int_equal(request_as(source), CS_OK);
    assert_int_equal(checked, 2);
}

static void when_all_are_refused_it_is_a_failed_login(void **state)
{
    (void)state;
    held[0] = "stale";
    held[1] = "stale, too";
    assert_int_equal(request_as(source), CS_E_AUTH);
    assert_int_equal(cs_error_exit(&error), CS_EXIT_SECRET);
}

static void a_line_end_is_no_part_of_a_token(void **state)
{
    (void)state;
    held[0] = "token\n";
    assert_int_equal(request_as(source), CS_E_CONFIG);
    assert_non_null(strstr(error.text, "CleverSyncSOS--North--Token"));
    assert_null(strchr(error.text, '\n'));
    assert_int_equal(service.requests, 0);
}

static void only_stores_reach_link_local_addresses(void **state)
{
    struct cs_instance_request request = {
        .part = &store_b, .whom = source->request.whom, .stores = 1};
    struct cs_instance *instance;

    (void)state;
    assert_int_equal(cs_instance_open(&instance, &app, &request, &error),
                     CS_OK);
    assert_int_equal(request_as(instance), CS_OK);
    assert_true(service.link_local);
    cs_instance_close(instance);
}

/* ---- Calls --------------------------------------------------------------- */

static enum cs_rc leave_with(enum cs_rc rc, enum cs_rc said)
{
    error = (struct cs_error){.rc = CS_OK};
    cs_instance_enter(source);
    if (said != CS_OK)
        cs_fail(&source->host, said, "what %s", "happened");
    return cs_instance_leave(source, rc, &error);
}

static void errors_are_named(void **state)
{
    (void)state;
    assert_int_equal(leave_with(CS_E_RETRY, CS_E_RETRY), CS_E_RETRY);
    assert_string_equal(error.text, "source.s: what happened");
    assert_int_equal(leave_with(CS_SKIP, CS_E_RETRY), CS_SKIP);
    assert_int_equal(error.rc, CS_OK);
    assert_int_equal(leave_with(CS_E_DATA, CS_OK), CS_E_DATA);
    assert_non_null(strstr(error.text, "did not say why"));
    assert_int_equal(leave_with((enum cs_rc) - 99, CS_OK), CS_E_FATAL);
    assert_int_equal(leave_with((enum cs_rc)99, CS_OK), CS_E_FATAL);
    assert_int_equal(error.rc, CS_E_FATAL);
}

static void a_mapper_has_a_host_and_no_life(void **state)
{
    struct cs_instance_request request = {.part = &mapper_part,
                                          .whom = source->request.whom};
    struct cs_instance *mapper;

    (void)state;
    assert_int_equal(cs_instance_open(&mapper, &app, &request, &error), CS_OK);
    assert_string_equal(mapper->host.text(&mapper->host, "place"), "in North");
    assert_int_equal(cs_instance_check(mapper, &error), CS_OK);
    cs_instance_close(mapper);
}

/* ---- Pages --------------------------------------------------------------- */

static enum cs_rc taking; /* what the consumer says */
static int taken;

static enum cs_rc take(void *arg, enum cs_op op, const char *cursor,
                       json_t *stolen)
{
    struct cs_error *why = arg;

    assert_int_equal(op, CS_UPSERT);
    assert_string_equal(cursor, "here");
    json_decref(stolen);
    taken++;
    return taking == CS_OK ? CS_OK : cs_error_set(why, taking, "enough");
}

static enum cs_rc fetch_page(struct cs_page *page)
{
    error = (struct cs_error){.rc = CS_OK};
    taken = 0;
    cs_page_init(page, 100);
    page->take = take;
    page->arg = &error;
    return cs_source_fetch(source, NULL, "here", page, &error);
}

static void a_page_is_handed_on_at_once(void **state)
{
    struct cs_page page;

    (void)state;
    taking = CS_OK;
    assert_int_equal(fetch_page(&page), CS_OK);
    assert_int_equal(taken, 1);
    assert_int_equal(page.emitted, 1);
    assert_int_equal(page.end, CS_PAGE_NEXT);
    assert_string_equal(page.cursor, "after");
    assert_int_equal(cs_page_want(&page), 100);
    /* Nothing comes behind the end. */
    assert_int_equal(cs_page_emit(&page, CS_UPSERT, NULL, json_object()),
                     CS_E_FATAL);
    assert_int_equal(cs_page_done(&page, NULL), CS_E_FATAL);
    assert_int_equal(taken, 1);
    cs_page_clear(&page);
}

static void a_page_may_be_cut_short(void **state)
{
    struct cs_page page;

    (void)state;
    taking = CS_OK;
    result = CS_E_RETRY;
    assert_int_equal(fetch_page(&page), CS_E_RETRY);
    assert_int_equal(page.end, CS_PAGE_CUT);
    assert_int_equal(cs_page_next(&page, NULL), CS_E_FATAL);
    cs_page_clear(&page);
}

static void the_consumers_error_stays_its_own(void **state)
{
    struct cs_page page;

    (void)state;
    taking = CS_E_DATA;
    assert_int_equal(fetch_page(&page), CS_E_DATA);
    assert_string_equal(error.text, "enough");
    assert_int_equal(page.end, CS_PAGE_CUT);
    cs_page_clear(&page);
}

static void a_feed_has_to_say_where_it_stands(void **state)
{
    struct cs_page page;

    (void)state;
    cs_page_init(&page, 0);
    assert_int_equal(cs_source_mark(source, &page, &error), CS_OK);
    assert_string_equal(page.cursor, "newest");
    cs_page_clear(&page);
    cs_page_init(&page, 0);
    result = CS_E_DATA;
    assert_int_equal(cs_source_mark(source, &page, &error), CS_E_RETRY);
    cs_page_clear(&page);
}

/* ---- Sinks --------------------------------------------------------------- */

static enum cs_rc stop_at_once(void *arg, const struct cs_value *row)
{
    (void)row;
    return cs_error_set(arg, CS_E_DATA, "enough");
}

static enum cs_rc go_on(void *arg, const struct cs_value *row)
{
    (void)arg, (void)row;
    return CS_OK;
}

static void sinks_are_called_in_a_frame(void **state)
{
    struct cs_instance_request request = {.part = &sink_part};
    const struct cs_entity entity = {.table = "Students"};
    const struct cs_value row = {.state = CS_NULL};
    struct cs_instance *sink;

    (void)state;
    assert_int_equal(cs_instance_open(&sink, &app, &request, &error), CS_OK);
    affected = 1;
    assert_int_equal(cs_sink_put(sink, &entity, CS_INSERT, &row, &error),
                     CS_OK);
    affected = 0;
    assert_int_equal(cs_sink_put(sink, &entity, CS_UPDATE, &row, &error),
                     CS_E_FATAL);
    assert_string_equal(error.text,
                        "sink.k: one row of Students was to change and 0 did");
    assert_int_equal(
        cs_sink_scan(sink, &entity, NULL, stop_at_once, &error, &error),
        CS_E_DATA);
    assert_string_equal(error.text, "enough");
    result = CS_E_RETRY;
    assert_int_equal(cs_sink_scan(sink, &entity, NULL, go_on, NULL, &error),
                     CS_E_RETRY);
    assert_non_null(strstr(error.text, "sink.k: "));
    cs_instance_close(sink);
}

/* ---- Cancelling ---------------------------------------------------------- */

static void open_busy(struct cs_cancel *cancel)
{
    struct cs_instance_request request = {.part = &busy_part, .cancel = cancel};

    busy.under_way = busy.cancelled = busy.over = false;
    busy.cancels = 0;
    assert_int_equal(cs_instance_open(&busy_sink, &app, &request, &error),
                     CS_OK);
}

static void *cancel_when_busy(void *cancel)
{
    busy_await(&busy.under_way);
    cs_cancel_now(cancel);
    return NULL;
}

static void a_call_under_way_is_cancelled(void **state)
{
    struct cs_cancel *all = cs_cancel_new(NULL, 0);
    struct cs_cancel *one = cs_cancel_new(all, 0);
    pthread_t thread;

    (void)state;
    open_busy(one);
    pthread_create(&thread, NULL, cancel_when_busy, all);
    assert_int_equal(cs_sink_begin(busy_sink, &error), CS_E_CANCELLED);
    assert_true(busy.over);
    assert_string_equal(error.text, "sink.b: cancelled");
    pthread_join(thread, NULL);
    assert_int_equal(busy.cancels, 1);
    /* The next one sees it for itself. */
    cs_cancel_now(one);
    assert_int_equal(cs_sink_begin(busy_sink, &error), CS_E_CANCELLED);
    assert_string_equal(error.text, "sink.b: late");
    cs_instance_close(busy_sink);
    assert_int_equal(busy.cancels, 1);
    cs_cancel_free(one);
    cs_cancel_free(all);
}

static void between_calls_nothing_is_cancelled(void **state)
{
    struct cs_cancel *cancel = cs_cancel_new(NULL, 0);

    (void)state;
    open_busy(cancel);
    assert_int_equal(cs_instance_check(busy_sink, &error), CS_OK);
    cs_cancel_now(cancel);
    assert_int_equal(cs_sink_begin(busy_sink, &error), CS_E_CANCELLED);
    cs_instance_close(busy_sink);
    assert_int_equal(busy.cancels, 0);
    cs_cancel_free(cancel);
}

static void a_commit_is_not_cancelled(void **state)
{
    struct cs_cancel *cancel = cs_cancel_new(NULL, 0);

    (void)state;
    open_busy(cancel);
    assert_int_equal(cs_sink_commit(busy_sink, &error), CS_OK);
    cs_instance_close(busy_sink);
    assert_int_equal(busy.cancels, 0);
    cs_cancel_free(cancel);
}

#define TEST(function) \
    cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(options_have_values),
        TEST(a_template_without_value_opens_nothing),
        TEST(a_secret_is_lent_for_one_call),
        TEST(a_missing_secret_is_a_failed_login),
        TEST(a_schools_old_name_is_asked_last),
        TEST(an_optional_secret_may_be_missing),
        TEST(a_stores_secrets_come_from_those_before),
        TEST(a_token_is_verified_once),
        TEST(a_request_says_how_long_it_is),
        TEST(anothers_token_is_never_used),
        TEST(a_refused_token_makes_way_for_the_next),
        TEST(when_all_are_refused_it_is_a_failed_login),
        TEST(a_line_end_is_no_part_of_a_token),
        TEST(only_stores_reach_link_local_addresses),
        TEST(errors_are_named),
        TEST(a_mapper_has_a_host_and_no_life),
        TEST(a_page_is_handed_on_at_once),
        TEST(a_page_may_be_cut_short),
        TEST(the_consumers_error_stays_its_own),
        TEST(a_feed_has_to_say_where_it_stands),
        TEST(sinks_are_called_in_a_frame),
        TEST(a_call_under_way_is_cancelled),
        TEST(between_calls_nothing_is_cancelled),
        TEST(a_commit_is_not_cancelled),
    };

    cs_log_setup(0, CS_LOG_TEXT); /* warnings are part of what is tested */
    return cmocka_run_group_tests_name("instance", tests, NULL, NULL);
}
