/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* The sources clever-data and clever-events, with replies from a script. */
#include "config.h"

#include "fake-host.h"

#define cleversync_plugin data_plugin
#include "../plugins/source/clever-data/clever-data.c"
#undef cleversync_plugin
#define cleversync_plugin events_plugin
#include "../plugins/source/clever-events/clever-events.c"
#undef cleversync_plugin

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define BASE "http://127.0.0.1:9/v3.0"
#define USERS "/v3.0/schools/5c1/users"
#define DISTRICT "4fd43cc56d11340000000005"
#define NEXT(URI) "{\"data\":[" ROW("b1") "],\"links\":[" LINK(URI) "]}"
#define LINK(URI) "{\"rel\":\"next\",\"uri\":\"" URI "\"}"
#define ROW(ID) "{\"data\":{\"id\":\"" ID "\"}}"

static const struct cs_entity students = {.name = "student",
                                          .collection = "students"};
static const struct cs_entity teachers = {.name = "teacher",
                                          .collection = "teachers"};
static const struct cs_entity schools = {.name = "school",
                                         .collection = "schools"};
static const struct cs_entity sections = {.name = "section",
                                          .collection = "sections"};
static const struct cs_entity courses = {.name = "course",
                                         .collection = "courses"};

static const struct fake_pair options[] = {{"base_url", BASE}, {NULL, NULL}};
static const char *const reads[] = {"id", NULL};

static void start(struct fake_host *fake, const struct cs_plugin *plugin,
                  const struct fake_reply *replies, size_t n)
{
    fake_host_init(fake, plugin);
    fake->options = options;
    fake->host.reads = reads;
    fake->scope.district = DISTRICT;
    fake->scope.school = "5c1";
    fake->replies = replies;
    fake->nreplies = n;
    assert_int_equal(fake_host_open(fake), CS_OK);
}

/* ---- clever-data: one page ---------------------------------------------- */

enum end { CUT, MORE, ALL };

/* What a page says, and what is made of it. */
static const struct {
    const char *cursor; /* asked for; NULL: the first page */
    long status;
    const char *body;
    enum cs_rc rc;
    size_t records;
    enum end end;
    const char *next, *error; /* a part of the sentence */
} pages[] = {
    /* No link: the end, whether or not there are records. */
    {NULL, 200, "{\"data\":[],\"links\":[]}", CS_OK, 0, ALL, NULL, ""},
    {NULL, 200, "{\"data\":[" ROW("a") "," ROW("b") "],\"links\":[]}", CS_OK, 2,
     ALL, NULL, ""},
    {"a1", 200,
     "{\"data\":[" ROW(
         "b") "],\"links\":[{\"rel\":\"self\",\"uri\":\"" USERS
              "?starting_after=z\"},{\"rel\":\"prev\",\"uri\":\"" USERS
              "?ending_before=b\"}]}",
     CS_OK, 1, ALL, NULL, ""},
    /* A link forward, in any dress. */
    {NULL, 200, NEXT(USERS "?starting_after=b1"), CS_OK, 1, MORE, "b1", ""},
    {NULL, 200, NEXT(USERS "?role=student&limit=7&starting_after=b1&x="), CS_OK,
     1, MORE, "b1", ""},
    {"a9", 200, NEXT("http://127.0.0.1:9" USERS "?starting_after=b1"), CS_OK, 1,
     MORE, "b1", ""},
    {"a9", 200,
     "{\"data\":[],\"links\":[" LINK(USERS "?starting_after=b1") "]}", CS_OK, 0,
     MORE, "b1", ""},
    {NULL, 200,
     "{\"data\":[{\"uri\":1},{\"data\":5}],\"links\":[" LINK(
         USERS "?starting_after=b1") "]}",
     CS_OK, 2, MORE, "b1", ""},
    /* An empty page may link to where it is: nothing follows. */
    {"b1", 200,
     "{\"data\":[],\"links\":[" LINK(USERS "?starting_after=b1") "]}", CS_OK, 0,
     ALL, NULL, ""},
    /* Backwards or round in circles. */
    {"b1", 200, NEXT(USERS "?starting_after=b1"), CS_E_FATAL, 1, CUT, NULL,
     "does not lead forward"},
    {"b2", 200, NEXT(USERS "?starting_after=b1"), CS_E_FATAL, 1, CUT, NULL,
     "does not lead forward"},
    /* Elsewhere. */
    {NULL, 200, NEXT("http://evil.example" USERS "?starting_after=b1"),
     CS_E_FATAL, 1, CUT, NULL, "leads out"},
    {NULL, 200, NEXT("https://127.0.0.1:9" USERS "?starting_after=b1"),
     CS_E_FATAL, 1, CUT, NULL, "leads out"},
    {NULL, 200, NEXT("//evil.example" USERS "?starting_after=b1"), CS_E_FATAL,
     1, CUT, NULL, "leads out"},
    {NULL, 200, NEXT("/v3.0/schools/5c2/users?starting_after=b1"), CS_E_FATAL,
     1, CUT, NULL, "leads out"},
    {NULL, 200, NEXT(USERS "x?starting_after=b1"), CS_E_FATAL, 1, CUT, NULL,
     "leads out"},
    {NULL, 200, NEXT("?starting_after=b1"), CS_E_FATAL, 1, CUT, NULL,
     "leads out"},
    {NULL, 200, NEXT(""), CS_E_FATAL, 1, CUT, NULL, "leads out"},
    {NULL, 200, NEXT(USERS), CS_E_FATAL, 1, CUT, NULL, "leads out"},
    /* Without a place to go on from. */
    {NULL, 200, NEXT(USERS "?page=2"), CS_E_FATAL, 1, CUT, NULL,
     "starting_after"},
    {NULL, 200, NEXT(USERS "?starting_after="), CS_E_FATAL, 1, CUT, NULL,
     "starting_after"},
    {NULL, 200, NEXT(USERS "?not_starting_after=b1"), CS_E_FATAL, 1, CUT, NULL,
     "starting_after"},
    {NULL, 200, NEXT(USERS "?starting_after=Mary%20Kowalski"), CS_E_FATAL, 1,
     CUT, NULL, "starting_after"},
    {NULL, 200,
     NEXT(USERS "?starting_after="
                "0123456789012345678901234567890123456789012345678901234567890"
                "0123456789012345678901234567890123456789012345678901234567890"
                "0123456789"),
     CS_E_FATAL, 1, CUT, NULL, "starting_after"},
    /* Pages that do not say whether more follow. */
    {NULL, 200, "{\"data\":[" ROW("b") "]}", CS_E_FATAL, 1, CUT, NULL,
     "without links"},
    {NULL, 200, "{\"data\":[],\"links\":null}", CS_E_FATAL, 0, CUT, NULL,
     "without links"},
    {NULL, 200, "{\"data\":[],\"links\":[5,{},{\"rel\":7}]}", CS_OK, 0, ALL,
     NULL, ""},
    /* The core has spoken about these. */
    {NULL, 200, "{}", CS_E_FATAL, 0, CUT, NULL, "status 200"},
    {NULL, 200, "<html>", CS_E_FATAL, 0, CUT, NULL, "status 200"},
    /* About these there is more to say. */
    {NULL, 401, NULL, CS_E_AUTH, 0, CUT, NULL,
     "/users answered 401: the token is refused"},
    {NULL, 403, NULL, CS_E_AUTH, 0, CUT, NULL,
     "answered 403: the app may not read this"},
    {NULL, 404, "{\"message\":\"m\"}", CS_E_NOT_HERE, 0, CUT, NULL,
     "answered 404: the school is not shared"},
    {NULL, 503, NULL, CS_E_RETRY, 0, CUT, NULL, "status 503"},
    {NULL, 0, NULL, CS_E_RETRY, 0, CUT, NULL, "status 0"},
    {NULL, 413, NULL, CS_E_CONFIG, 0, CUT, NULL,
     "pages of 7 records; lower page_size_max"},
};

static void a_page(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof pages / sizeof *pages; i++) {
        struct fake_reply reply = {.status = pages[i].status,
                                   .body = pages[i].body};
        struct fake_host fake;
        struct cs_page page = {.want = 7};
        start(&fake, &data_plugin, &reply, 1);
        enum cs_rc rc =
            clever_data_ops.fetch(fake.self, &students, pages[i].cursor, &page);
        if (rc != pages[i].rc)
            print_error("page %zu: %d, %s\n", i, rc, fake.error);
        assert_int_equal(rc, pages[i].rc);
        assert_int_equal(json_array_size(page.records), pages[i].records);
        assert_int_equal(page.next, pages[i].end == MORE);
        assert_int_equal(page.done, pages[i].end == ALL);
        assert_string_equal(page.cursor ? page.cursor : "",
                            pages[i].next ? pages[i].next : "");
        assert_non_null(strstr(fake.error, pages[i].error));
        assert_null(strstr(fake.error, "Mary"));
        assert_int_equal(fake.asked, 1);
        assert_string_equal(fake.bearer, "access_token");
        fake_page_clear(&page);
        fake_host_clear(&fake);
    }
}

static const struct {
    const struct cs_entity *entity;
    const char *cursor, *request;
} addresses[] = {
    {&students, NULL, "GET " BASE "/schools/5c1/users?role=student&limit=7"},
    {&students, "a-_Z9",
     "GET " BASE
     "/schools/5c1/users?role=student&limit=7&starting_after=a-_Z9"},
    {&teachers, NULL, "GET " BASE "/schools/5c1/users?role=teacher&limit=7"},
    {&sections, NULL, "GET " BASE "/schools/5c1/sections?limit=7"},
    {&schools, NULL, "GET " BASE "/schools?limit=7"},
    {&schools, "5c1", "GET " BASE "/schools?limit=7&starting_after=5c1"},
};

static void what_is_asked_for(void **state)
{
    (void)state;
    static const struct fake_reply reply = {
        .status = 200,
        .body = "{\"data\":[{\"data\":{\"id\":\"a\"},\"uri\":\"/x\"}],"
                "\"links\":[]}"};
    for (size_t i = 0; i < sizeof addresses / sizeof *addresses; i++) {
        struct fake_host fake;
        struct cs_page page = {.want = 7};
        start(&fake, &data_plugin, &reply, 1);
        if (addresses[i].entity == &schools)
            fake.scope.school = NULL;
        assert_int_equal(clever_data_ops.fetch(fake.self, addresses[i].entity,
                                               addresses[i].cursor, &page),
                         CS_OK);
        assert_string_equal(fake.requests[0], addresses[i].request);
        char *records = json_dumps(page.records, JSON_SORT_KEYS | JSON_COMPACT);
        assert_string_equal(
            records, "[{\"cursor\":null,\"op\":4,\"record\":{\"id\":\"a\"}}]");
        free(records);
        fake_page_clear(&page);
        fake_host_clear(&fake);
    }
}

/* Reading page after page gives all of it, once. */
static void to_the_end(void **state)
{
    (void)state;
    static const struct fake_reply replies[] = {
        {.status = 200, .body = NEXT(USERS "?starting_after=b1")},
        {.status = 200, .body = NEXT(USERS "?starting_after=b2")},
        {.status = 200, .body = "{\"data\":[],\"links\":[]}"},
    };
    struct fake_host fake;
    struct cs_page page = {.want = 1};
    char cursor[16];
    start(&fake, &data_plugin, replies, 3);
    assert_int_equal(clever_data_ops.fetch(fake.self, &students, NULL, &page),
                     CS_OK);
    while (page.next) {
        snprintf(cursor, sizeof cursor, "%s", page.cursor);
        fake_page_clear(&page);
        assert_int_equal(
            clever_data_ops.fetch(fake.self, &students, cursor, &page), CS_OK);
    }
    assert_true(page.done);
    assert_null(page.cursor);
    assert_int_equal(fake.asked, 3);
    assert_string_equal(cursor, "b2");
    fake_page_clear(&page);
    fake_host_clear(&fake);
}

static void nothing_is_asked_for(void **state)
{
    (void)state;
    char longest[4000];
    static const char *const ids[] = {"",    "a/b",   "a b",      "..",
                                      "a?b", "a\x01", "\xc3\xa9", NULL};
    struct fake_host fake;
    struct cs_page page = {.want = 7};
    start(&fake, &data_plugin, NULL, 0);
    void *self = fake.self;
    for (size_t i = 0; i < sizeof ids / sizeof *ids; i++) {
        fake.scope.school = ids[i];
        assert_int_equal(clever_data_ops.fetch(self, &students, NULL, &page),
                         CS_E_CONFIG);
        assert_non_null(strstr(fake.error, "students are listed by school"));
        fake.scope.school = "5c1";
        if (ids[i] != NULL)
            assert_int_equal(
                clever_data_ops.fetch(self, &students, ids[i], &page),
                CS_E_CURSOR);
    }
    assert_int_equal(clever_data_ops.fetch(self, &courses, NULL, &page),
                     CS_E_CONFIG);
    assert_non_null(strstr(fake.error, "no collection courses"));

    memset(longest, 'a', sizeof longest);
    longest[sizeof longest - 1] = '\0';
    assert_int_equal(clever_data_ops.fetch(self, &students, longest, &page),
                     CS_E_FATAL);
    const struct fake_pair far[] = {{"base_url", longest}, {NULL, NULL}};
    fake.options = far;
    assert_int_equal(clever_data_ops.fetch(self, &students, NULL, &page),
                     CS_E_CONFIG);
    assert_int_equal(clever_data_ops.life.check(self), CS_E_CONFIG);
    assert_int_equal(fake.asked, 0);
    fake_page_clear(&page);
    fake_host_clear(&fake);
}

/* The core does not want more: that ends it. */
static void a_record_is_refused(void **state)
{
    (void)state;
    static const struct fake_reply reply = {
        .status = 200,
        .body = "{\"data\":[" ROW("a") "," ROW("b") "],"
                                                    "\"links\":[]}"};
    struct fake_host fake;
    struct cs_page page = {.want = 7, .refuse = CS_E_CANCELLED};
    start(&fake, &data_plugin, &reply, 1);
    assert_int_equal(clever_data_ops.fetch(fake.self, &students, NULL, &page),
                     CS_E_CANCELLED);
    assert_int_equal(json_array_size(page.records), 1);
    assert_false(page.done);
    fake_page_clear(&page);
    fake_host_clear(&fake);
}

/* ---- Whose token is it? ------------------------------------------------- */

static const struct {
    long status;
    const char *body;
    enum cs_rc rc;
} districts[] = {
    {200, "{\"data\":[" ROW(DISTRICT) "],\"links\":[]}", CS_OK},
    {200, "{\"data\":[" ROW(DISTRICT) "]}", CS_OK},
    {200, "{\"data\":[" ROW("4fd43cc56d11340000000006") "]}", CS_E_AUTH},
    {200, "{\"data\":[" ROW(DISTRICT "0") "]}", CS_E_AUTH},
    {200, "{\"data\":[" ROW(DISTRICT) "," ROW("4f") "]}", CS_E_FATAL},
    {200, "{\"data\":[" ROW("4f") "," ROW(DISTRICT) "]}", CS_E_FATAL},
    {200, "{\"data\":[" ROW(DISTRICT) "," ROW(DISTRICT) "]}", CS_E_FATAL},
    {200, "{\"data\":[]}", CS_E_FATAL},
    {200, "{\"data\":[{}]}", CS_E_FATAL},
    {200, "{\"data\":[{\"data\":{\"id\":5}}]}", CS_E_FATAL},
    {200, "{\"data\":[" ROW("a b") "]}", CS_E_FATAL},
    {200, "{}", CS_E_FATAL},
    {401, NULL, CS_E_AUTH},
    {500, NULL, CS_E_RETRY},
};

static void only_a_token_of_this_district(void **state)
{
    (void)state;
    const struct cs_plugin *const plugins[] = {&data_plugin, &events_plugin};
    for (size_t i = 0; i < sizeof districts / sizeof *districts; i++)
        for (size_t p = 0; p < 2; p++) {
            const struct cs_source_ops *ops = plugins[p]->ops;
            struct fake_reply reply = {.status = districts[i].status,
                                       .body = districts[i].body};
            struct fake_host fake;
            start(&fake, plugins[p], &reply, 1);
            enum cs_rc rc = ops->life.check(fake.self);
            if (rc != districts[i].rc)
                print_error("district %zu of %s\n", i, plugins[p]->name);
            assert_int_equal(rc, districts[i].rc);
            assert_int_equal(rc == CS_E_AUTH && districts[i].status == 200,
                             strstr(fake.error, "another district") != NULL);
            assert_string_equal(fake.requests[0], "GET " BASE "/districts");
            assert_string_equal(fake.bearer, "access_token");
            fake_host_clear(&fake);

            start(&fake, plugins[p], &reply, 1);
            fake.scope.district = NULL; /* whose is it, then? */
            assert_int_not_equal(ops->life.check(fake.self), CS_OK);
            fake_host_clear(&fake);
        }
}

/* ---- clever-events ------------------------------------------------------ */

static const struct {
    long status;
    const char *body;
    enum cs_rc rc;
    const char *mark;
} marks[] = {
    {200, "{\"data\":[" ROW("5e1") "],\"links\":[]}", CS_OK, "5e1"},
    {200, "{\"data\":[],\"links\":[]}", CS_OK, ""},
    {200, "{\"data\":[{}],\"links\":[]}", CS_E_FATAL, NULL},
    {200, "{\"data\":[" ROW("Mary K") "]}", CS_E_FATAL, NULL},
    {200, "{\"data\":[{\"data\":{\"id\":7}}]}", CS_E_FATAL, NULL},
    {200, "{\"data\":[{\"data\":{\"id\":\"\\u0000\"}}]}", CS_E_FATAL, NULL},
    {200, "{}", CS_E_FATAL, NULL},
    {400, NULL, CS_E_NOT_HERE, NULL},
    {403, NULL, CS_E_NOT_HERE, NULL},
    {404, "{\"message\":\"m\"}", CS_E_NOT_HERE, NULL},
    {410, NULL, CS_E_NOT_HERE, NULL},
    {401, NULL, CS_E_AUTH, NULL},
    {500, NULL, CS_E_RETRY, NULL},
};

static void the_mark(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++) {
        struct fake_reply reply = {.status = marks[i].status,
                                   .body = marks[i].body};
        struct fake_host fake;
        struct cs_page page = {.want = 1};
        start(&fake, &events_plugin, &reply, 1);
        enum cs_rc rc = clever_events_ops.mark(fake.self, &page);
        if (rc != marks[i].rc)
            print_error("mark %zu: %d, %s\n", i, rc, fake.error);
        assert_int_equal(rc, marks[i].rc);
        assert_string_equal(fake.requests[0],
                            "GET " BASE "/events?ending_before=last&limit=1");
        assert_int_equal(page.done, rc == CS_OK);
        assert_false(page.next);
        assert_int_equal(json_array_size(page.records), 0);
        assert_null(strstr(fake.error, "Mary"));
        if (rc == CS_OK)
            assert_string_equal(page.cursor, marks[i].mark);
        if (rc == CS_E_NOT_HERE)
            assert_non_null(strstr(fake.error, "events are not available"));
        fake_page_clear(&page);
        fake_host_clear(&fake);
    }
}

static void the_order_of_cursors(void **state)
{
    (void)state;
    assert_true(clever_events_ops.order("", "5e1") < 0);
    assert_true(clever_events_ops.order("5e1", "") > 0);
    assert_true(clever_events_ops.order("5e1", "5e2") < 0);
    assert_int_equal(clever_events_ops.order("5e1", "5e1"), 0);
}

/* An event about a person. */
#define EVENT(ID, TYPE, USER)                       \
    "{\"data\":{\"id\":\"" ID "\",\"type\":\"" TYPE \
    "\",\"data\":{\"object\":{\"id\":\"" USER       \
    "\",\"name\":\"Zoe\"},\"previous_attributes\":{}}}}"
#define FEED(EVENTS, LINKS) "{\"data\":[" EVENTS "],\"links\":[" LINKS "]}"

/* What a page of the feed, read from 5e1 on, becomes. */
static const struct {
    long status;
    const char *body;
    enum cs_rc rc;
    const char *records; /* "op cursor id;" of each */
    enum end end;
    const char *cursor;
} feeds[] = {
    {200, FEED("", ""), CS_OK, "", ALL, "5e1"},
    {200, FEED("", LINK("/v3.0/events?starting_after=5e9")), CS_OK, "", ALL,
     "5e1"},
    {200,
     FEED(EVENT("5e2", "users.created",
                "u1") "," EVENT("5e3", "users.updated",
                                "u2") "," EVENT("5e4", "users.deleted", "u1"),
          ""),
     CS_OK, "4 5e2 u1;4 5e3 u2;3 5e4 u1;", ALL, "5e4"},
    {200,
     FEED(EVENT("5e2", "users.updated", "u1") "," EVENT("5e3", "terms.updated",
                                                        "t1"),
          LINK("/v3.0/events?starting_after=5e3")),
     CS_OK, "4 5e2 u1;", MORE, "5e3"},
    /* About something else, or of a kind that nobody knows. */
    {200,
     FEED(EVENT("5e2", "sections.updated", "s1") "," EVENT(
              "5e3", "users.merged", "u1") "," EVENT("5e4", "users", "u1"),
          ""),
     CS_OK, "", ALL, "5e4"},
    {200, FEED("{\"data\":{\"id\":\"5e2\",\"type\":7}}", ""), CS_OK, "", ALL,
     "5e2"},
    /* Without a record: for the mapper to refuse, so that it is counted. */
    {200, FEED("{\"data\":{\"id\":\"5e2\",\"type\":\"users.updated\"}}", ""),
     CS_OK, "4 5e2 -;", ALL, "5e2"},
    /* Ids that do not ascend leave no place to continue from. */
    {200, FEED(EVENT("5e1", "users.updated", "u1"), ""), CS_E_FATAL, "", CUT,
     NULL},
    {200,
     FEED(EVENT("5e3", "users.updated", "u1") "," EVENT("5e2", "users.updated",
                                                        "u2"),
          ""),
     CS_E_FATAL, "4 5e3 u1;", CUT, NULL},
    {200, FEED("{\"data\":{\"type\":\"users.updated\"}}", ""), CS_E_FATAL, "",
     CUT, NULL},
    {200, "{\"data\":[]}", CS_E_FATAL, "", CUT, NULL},
    {404, NULL, CS_E_NOT_HERE, "", CUT, NULL},
    {503, NULL, CS_E_RETRY, "", CUT, NULL},
};

static const char *emitted(const struct cs_page *page)
{
    static char text[256];
    size_t used = 0;
    *text = '\0';
    for (size_t i = 0; i < json_array_size(page->records); i++) {
        const json_t *entry = json_array_get(page->records, i);
        const char *id = json_string_value(
            json_object_get(json_object_get(entry, "record"), "id"));
        used += (size_t)snprintf(
            text + used, sizeof text - used, "%d %s %s;",
            (int)json_integer_value(json_object_get(entry, "op")),
            json_string_value(json_object_get(entry, "cursor")), id ? id : "-");
    }
    return text;
}

static void the_feed(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof feeds / sizeof *feeds; i++) {
        struct fake_reply replies[] = {
            {.status = feeds[i].status, .body = feeds[i].body},
            {.status = 200, .body = FEED(ROW("5e1"), "")}};
        struct fake_host fake;
        struct cs_page page = {.want = 7};
        start(&fake, &events_plugin, replies, 2);
        enum cs_rc rc = clever_events_ops.fetch(fake.self, NULL, "5e1", &page);
        if (rc != feeds[i].rc)
            print_error("feed %zu: %d, %s\n", i, rc, fake.error);
        assert_int_equal(rc, feeds[i].rc);
        assert_string_equal(fake.requests[0],
                            "GET " BASE "/events?limit=7&starting_after=5e1");
        if (rc == CS_OK)
            assert_string_equal(fake.requests[1],
                                "GET " BASE "/events?limit=1");
        assert_string_equal(emitted(&page), feeds[i].records);
        assert_int_equal(page.done, feeds[i].end == ALL);
        assert_int_equal(page.next, feeds[i].end == MORE);
        if (feeds[i].cursor)
            assert_string_equal(page.cursor, feeds[i].cursor);
        assert_null(strstr(fake.error, "Zoe"));
        fake_page_clear(&page);
        fake_host_clear(&fake);
    }
}

/* Only the first page asks how far back the feed reaches, and only when there
 * is a place to continue from. */
static void the_reach_of_the_feed(void **state)
{
    static const struct {
        long status;
        const char *body;
        enum cs_rc rc;
    } reaches[] = {
        {200, FEED(ROW("5e1"), ""), CS_OK},
        {200, FEED(ROW("5e0"), ""), CS_OK},
        {200, FEED(ROW("5e2"), ""), CS_E_CURSOR},
        {200, FEED("", ""), CS_E_CURSOR},
        {403, NULL, CS_E_NOT_HERE},
        {500, NULL, CS_E_RETRY},
    };
    (void)state;
    for (size_t i = 0; i < sizeof reaches / sizeof *reaches; i++) {
        struct fake_reply replies[] = {
            {.status = 200, .body = FEED("", "")},
            {.status = reaches[i].status, .body = reaches[i].body},
            {.status = 200, .body = FEED("", "")}};
        struct fake_host fake;
        struct cs_page first = {.want = 7}, second = {.want = 7};
        start(&fake, &events_plugin, replies, 3);
        assert_int_equal(
            clever_events_ops.fetch(fake.self, NULL, "5e1", &first),
            reaches[i].rc);
        assert_int_equal(first.done, reaches[i].rc == CS_OK);
        if (reaches[i].rc == CS_OK) {
            assert_int_equal(
                clever_events_ops.fetch(fake.self, NULL, "5e1", &second),
                CS_OK);
            assert_int_equal(fake.asked, 3);
        }
        fake_page_clear(&first);
        fake_page_clear(&second);
        fake_host_clear(&fake);
    }
}

static void the_feed_from_its_beginning(void **state)
{
    struct fake_reply reply = {.status = 200, .body = FEED("", "")};
    struct fake_host fake;
    struct cs_page page = {.want = 7};
    (void)state;
    start(&fake, &events_plugin, &reply, 1);
    assert_int_equal(clever_events_ops.fetch(fake.self, NULL, "", &page),
                     CS_OK);
    assert_string_equal(fake.requests[0], "GET " BASE "/events?limit=7");
    assert_string_equal(page.cursor, "");
    assert_int_equal(fake.asked, 1);
    assert_int_equal(clever_events_ops.fetch(fake.self, NULL, "a b", &page),
                     CS_E_CURSOR);
    fake_page_clear(&page);
    fake_host_clear(&fake);
}

static void what_they_are(void **state)
{
    (void)state;
    assert_int_equal(data_plugin.kind, CS_SOURCE);
    assert_false(clever_data_ops.delta);
    assert_int_equal(events_plugin.kind, CS_SOURCE);
    assert_true(clever_events_ops.delta);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_page),
        cmocka_unit_test(what_is_asked_for),
        cmocka_unit_test(to_the_end),
        cmocka_unit_test(nothing_is_asked_for),
        cmocka_unit_test(a_record_is_refused),
        cmocka_unit_test(only_a_token_of_this_district),
        cmocka_unit_test(the_mark),
        cmocka_unit_test(the_order_of_cursors),
        cmocka_unit_test(the_feed),
        cmocka_unit_test(the_reach_of_the_feed),
        cmocka_unit_test(the_feed_from_its_beginning),
        cmocka_unit_test(what_they_are),
    };
    return cmocka_run_group_tests_name("sources", tests, NULL, NULL);
}
