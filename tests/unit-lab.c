/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* The lab, asked without a network. */
#include "config.h"
#include "lab/inside.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <jansson.h>

#include "lab/names.h"

static struct cs_lab *make_lab(uint64_t seed)
{
    struct cs_lab_options options = cs_lab_defaults();
    struct cs_lab *lab;
    char error[200];

    options.seed = seed;
    options.students = 37;
    options.teachers = 5;
    lab = cs_lab_new(&options, error, sizeof error);
    assert_non_null(lab);
    return lab;
}

static int setup(void **state)
{
    *state = make_lab(1);
    return 0;
}

static int teardown(void **state)
{
    cs_lab_free(*state);
    return 0;
}

/* Yours: free() the body. */
static struct cs_lab_reply ask(struct cs_lab *lab, const char *method,
                               const char *uri)
{
    struct cs_lab_request request;
    struct cs_lab_reply reply = {0};
    char bearer[80];

    snprintf(bearer, sizeof bearer, "Bearer %s", lab->model.districts[0].token);
    assert_true(cs_lab_request_parse(&request, method, uri, bearer));
    cs_lab_answer(lab, &request, &reply);
    cs_lab_request_clear(&request);
    return reply;
}

static json_t *get(struct cs_lab *lab, const char *uri)
{
    struct cs_lab_reply reply = ask(lab, "GET", uri);
    json_t *json;

    assert_int_equal(reply.status, 200);
    json = json_loadb(reply.body.text, reply.body.length, 0, NULL);
    assert_non_null(json);
    free(reply.body.text);
    return json;
}

static unsigned status_of(struct cs_lab *lab, const char *method,
                          const char *uri)
{
    struct cs_lab_reply reply = ask(lab, method, uri);

    free(reply.body.text);
    return reply.status;
}

static const char *row_id(const json_t *reply, size_t row)
{
    json_t *record = json_array_get(json_object_get(reply, "data"), row);

    return json_string_value(
        json_object_get(json_object_get(record, "data"), "id"));
}

/* Copies the uri of a link; false when there is none. */
static bool link_of(const json_t *reply, const char *rel, char *uri,
                    size_t size)
{
    size_t i;
    json_t *link;

    json_array_foreach(json_object_get(reply, "links"), i, link)
    {
        if (strcmp(json_string_value(json_object_get(link, "rel")), rel) != 0)
            continue;
        snprintf(uri, size, "%s",
                 json_string_value(json_object_get(link, "uri")));
        return true;
    }
    return false;
}

static const struct cs_lab_school *school(const struct cs_lab *lab, size_t i)
{
    return &lab->model.districts[0].schools[i];
}

/* Walks along the next links; gives how many rows came, in order. */
static size_t walk(struct cs_lab *lab, const char *start)
{
    char uri[300], last[25] = "";
    size_t rows = 0, pages = 0;
    bool more = true;

    snprintf(uri, sizeof uri, "%s", start);
    while (more) {
        json_t *page = get(lab, uri);

        assert_true(++pages < 1000);
        for (size_t i = 0; row_id(page, i); i++, rows++) {
            assert_true(strcmp(row_id(page, i), last) > 0);
            snprintf(last, sizeof last, "%s", row_id(page, i));
        }
        more = link_of(page, "next", uri, sizeof uri);
        json_decref(page);
    }
    return rows;
}

static void test_paging_is_complete(void **state)
{
    static const unsigned limits[] = {1, 7, 37, 38, 39, 10000};
    struct cs_lab *lab = *state;
    char uri[200];

    for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++) {
        snprintf(uri, sizeof uri,
                 "/v3.0/schools/%s/users?role=student&limit=%u",
                 school(lab, 0)->id, limits[i]);
        assert_int_equal(walk(lab, uri), 37);
        /* The first student of the first school is in the second as well. */
        snprintf(uri, sizeof uri,
                 "/v3.1/schools/%s/users?role=student&limit=%u",
                 school(lab, 1)->id, limits[i]);
        assert_int_equal(walk(lab, uri), 38);
    }
    assert_int_equal(walk(lab, "/v3.0/users?limit=10"), 3 * (37 + 5));
    assert_int_equal(walk(lab, "/v3.0/users?role=staff"), 1);
}

static void test_backward_paging(void **state)
{
    struct cs_lab *lab = *state;
    json_t *all = get(lab, "/v3.0/events"), *page;
    char uri[200];

    page = get(lab, "/v3.0/events?ending_before=last&limit=1");
    assert_string_equal(row_id(page, 0), row_id(all, 2));
    assert_null(row_id(page, 1));
    assert_true(link_of(page, "prev", uri, sizeof uri));
    json_decref(page);
    page = get(lab, uri);
    assert_string_equal(row_id(page, 0), row_id(all, 1));
    json_decref(page);
    json_decref(all);
}

static void test_limits_are_checked(void **state)
{
    struct cs_lab *lab = *state;

    assert_int_equal(status_of(lab, "GET", "/v3.0/users?limit=10001"), 413);
    assert_int_equal(status_of(lab, "GET", "/v3.0/users?limit=0"), 400);
    assert_int_equal(status_of(lab, "GET", "/v3.0/users?limit=ten"), 400);
    assert_int_equal(status_of(lab, "GET", "/v3.0/users?role=pupil"), 400);
    assert_int_equal(status_of(lab, "GET", "/v3.0/users/x"), 404);
    assert_int_equal(status_of(lab, "GET", "/v2.0/users"), 404);
    assert_int_equal(status_of(lab, "POST", "/v3.0/users"), 405);
}

static void compare_replies(struct cs_lab *one, struct cs_lab *other,
                            const char *uri, bool same)
{
    struct cs_lab_reply a = ask(one, "GET", uri), b = ask(other, "GET", uri);
    bool equal = a.body.length == b.body.length &&
                 memcmp(a.body.text, b.body.text, a.body.length) == 0;

    assert_int_equal(a.status, 200);
    assert_true(equal == same);
    free(a.body.text);
    free(b.body.text);
}

static void test_seed_decides(void **state)
{
    struct cs_lab *lab = *state, *same = make_lab(1), *other = make_lab(2);
    struct cs_lab *labs[] = {lab, same, other};

    for (size_t i = 0; i < 3; i++)
        assert_int_equal(status_of(labs[i], "POST", "/lab/drift?seed=5&n=300"),
                         200);
    compare_replies(lab, same, "/v3.0/users?limit=10000", true);
    compare_replies(lab, same, "/v3.0/events?limit=10000", true);
    compare_replies(lab, other, "/v3.0/users?limit=10000", false);
    cs_lab_free(same);
    cs_lab_free(other);
}

/* The newest event's body; yours. */
static json_t *newest(struct cs_lab *lab, const char *type)
{
    json_t *page = get(lab, "/v3.0/events?ending_before=last&limit=1");
    json_t *event = json_object_get(
        json_array_get(json_object_get(page, "data"), 0), "data");
    json_t *body = json_incref(json_object_get(event, "data"));

    assert_string_equal(json_string_value(json_object_get(event, "type")),
                        type);
    json_decref(page);
    return body;
}

static const char *text_at(const json_t *json, const char *a, const char *b)
{
    return json_string_value(json_object_get(json_object_get(json, a), b));
}

static void post(struct cs_lab *lab, const char *format, const char *id,
                 const char *more)
{
    char uri[400];
    int length = snprintf(uri, sizeof uri, "/lab/%s?id=%s%s", format, id, more);

    assert_true(length > 0 && (size_t)length < sizeof uri);
    assert_int_equal(status_of(lab, "POST", uri), 200);
}

static void test_changes_make_events(void **state)
{
    struct cs_lab *lab = *state;
    struct cs_lab_user *user = &lab->model.districts[0].users[3];
    char id[25], more[100];
    json_t *event, *previous;

    snprintf(id, sizeof id, "%s", user->id);
    post(lab, "change", id, "&field=last&value=N%C3%A9w");
    event = newest(lab, "users.updated");
    assert_string_equal(text_at(event, "object", "id"), id);
    assert_string_equal(
        text_at(json_object_get(event, "object"), "name", "last"), "N\u00e9w");
    previous = json_object_get(event, "previous_attributes");
    assert_non_null(text_at(previous, "name", "last"));
    json_decref(event);

    snprintf(more, sizeof more, "&school=%s", school(lab, 2)->id);
    post(lab, "move", id, more);
    event = newest(lab, "users.updated");
    previous = json_object_get(event, "previous_attributes");
    assert_string_equal(
        text_at(json_object_get(previous, "roles"), "student", "school"),
        school(lab, 0)->id);
    json_decref(event);

    post(lab, "narrow", id, "");
    event = newest(lab, "users.updated");
    assert_null(json_object_get(json_object_get(event, "object"), "name"));
    json_decref(event);

    post(lab, "delete", id, "");
    event = newest(lab, "users.deleted");
    assert_string_equal(text_at(event, "object", "id"), id);
    json_decref(event);
    snprintf(more, sizeof more, "/v3.0/users/%s", id);
    assert_int_equal(status_of(lab, "GET", more), 404);

    post(lab, "restore", id, "");
    json_decref(newest(lab, "users.created"));
    assert_int_equal(status_of(lab, "GET", more), 200);
}

static void test_lost_role(void **state)
{
    struct cs_lab *lab = *state;
    /* The second teacher of the first school is staff as well. */
    struct cs_lab_user *user = &lab->model.districts[0].users[37 + 1];
    json_t *event, *roles;

    post(lab, "drop-role", user->id, "&role=teacher");
    event = newest(lab, "users.updated");
    roles = json_object_get(json_object_get(event, "object"), "roles");
    assert_null(json_object_get(roles, "teacher"));
    assert_non_null(json_object_get(roles, "staff"));
    json_decref(event);
}

static void test_events_can_be_off(void **state)
{
    struct cs_lab *lab = *state;

    assert_int_equal(status_of(lab, "POST", "/lab/events?keep=1"), 200);
    assert_int_equal(walk(lab, "/v3.0/events"), 1);
    assert_int_equal(status_of(lab, "POST", "/lab/events?enabled=0"), 200);
    assert_int_equal(status_of(lab, "POST", "/lab/noise"), 200);
    assert_int_equal(status_of(lab, "GET", "/v3.0/events"), 404);
    assert_int_equal(status_of(lab, "POST", "/lab/events?enabled=1"), 200);
    assert_int_equal(walk(lab, "/v3.0/events"), 1);
}

/* What the truth says of a column after the field was set; yours. */
static json_t *truth_of(struct cs_lab *lab, size_t row, enum cs_lab_field field,
                        const char *value, const char *column)
{
    struct cs_lab_district *district = &lab->model.districts[0];
    struct cs_lab_user *user = &district->users[row];
    char uri[100];
    json_t *truth, *found;

    assert_true(cs_lab_change_field(district, user, field, value));
    snprintf(uri, sizeof uri, "/lab/truth?school=%s&role=%s",
             school(lab, 0)->id, row < 37 ? "student" : "teacher");
    truth = get(lab, uri);
    found =
        json_incref(json_object_get(json_object_get(truth, user->id), column));
    json_decref(truth);
    return found;
}

static void expect(struct cs_lab *lab, size_t row, enum cs_lab_field field,
                   const char *value, const char *column, const char *want)
{
    json_t *found = truth_of(lab, row, field, value, column);

    assert_non_null(found);
    if (want)
        assert_string_equal(json_string_value(found), want);
    else
        assert_true(json_is_null(found));
    json_decref(found);
}

#define TEN "0123456789"
#define FIFTY TEN TEN TEN TEN TEN
#define HUNDRED FIFTY FIFTY

static void test_truth(void **state)
{
    struct cs_lab *lab = *state;
    char overlong[100];

    expect(lab, 2, CS_LAB_FIRST, "\u2003\t A B\u00a0\u3000", "FirstName",
           "A B");
    expect(lab, 2, CS_LAB_FIRST, "\u200bA", "FirstName", "\u200bA");
    expect(lab, 2, CS_LAB_EMAIL, " \u2029", "Email", NULL);
    expect(lab, 2, CS_LAB_EMAIL, cs_lab_null, "Email", NULL);
    expect(lab, 2, CS_LAB_LAST, HUNDRED "x", "LastName", HUNDRED);
    expect(lab, 2, CS_LAB_LAST, " " HUNDRED " ", "LastName", HUNDRED);
    expect(lab, 2, CS_LAB_LAST, FIFTY TEN TEN TEN TEN "012345678\U0001F600y",
           "LastName", FIFTY TEN TEN TEN TEN "012345678");
    expect(lab, 2, CS_LAB_LAST, FIFTY TEN TEN TEN TEN "01234567\U0001F600y",
           "LastName", FIFTY TEN TEN TEN TEN "01234567\U0001F600");
    expect(lab, 2, CS_LAB_EMAIL, HUNDRED HUNDRED, "Email", HUNDRED HUNDRED);
    expect(lab, 2, CS_LAB_EMAIL, HUNDRED HUNDRED "x", "Email", NULL);
    expect(lab, 2, CS_LAB_NUMBER, FIFTY, "StudentNumber", FIFTY);
    expect(lab, 2, CS_LAB_NUMBER, FIFTY "x", "StudentNumber", NULL);
    expect(lab, 2, CS_LAB_GRADE, TEN TEN TEN "ab\u00e9", "Grade",
           TEN TEN TEN "ab");
    expect(lab, 37, CS_LAB_TITLE, HUNDRED "x", "Title", HUNDRED);
    /* The made name has 99 units, then a pair that does not fit. */
    memcpy(overlong, cs_lab_names_overlong(), 99);
    overlong[99] = '\0';
    expect(lab, 1, CS_LAB_LAST, "Z", "FirstName", overlong);
}

static void test_faults_match(void **state)
{
    struct cs_lab *lab = *state;
    char uri[200];

    assert_int_equal(
        status_of(lab, "POST",
                  "/lab/fault?spec=status-500,path=/users,after=1,times=1"),
        200);
    assert_int_equal(
        status_of(lab, "POST", "/lab/fault?spec=status-403,page=3"), 200);
    assert_int_equal(status_of(lab, "GET", "/v3.0/schools"), 200);
    assert_int_equal(status_of(lab, "GET", "/v3.0/users?limit=5"), 200);
    assert_int_equal(status_of(lab, "GET", "/v3.0/users?limit=5"), 500);
    assert_int_equal(status_of(lab, "GET", "/v3.0/users?limit=5"), 200);
    snprintf(uri, sizeof uri, "/v3.0/users?limit=5&starting_after=%s",
             lab->model.districts[0].users[9].id);
    assert_int_equal(status_of(lab, "GET", uri), 403);
    assert_int_equal(status_of(lab, "POST", "/lab/faults/clear"), 200);
    assert_int_equal(status_of(lab, "GET", uri), 200);
    assert_int_equal(status_of(lab, "POST", "/lab/fault?spec=slow,ms=x"), 400);
    assert_int_equal(status_of(lab, "POST", "/lab/fault?spec=no-such"), 400);
}

/* How many of a listing's records have an id. */
static size_t ids_of(struct cs_lab *lab, const char *uri)
{
    json_t *reply = get(lab, uri), *row;
    size_t i, n = 0;

    json_array_foreach(json_object_get(reply, "data"), i, row)
    {
        n += json_object_get(json_object_get(row, "data"), "id") != NULL;
    }
    json_decref(reply);
    return n;
}

/* So that a fault meets a sync, not the look at whose token it is. */
static void test_faults_of_records_are_about_people(void **state)
{
    struct cs_lab *lab = *state;

    assert_int_equal(status_of(lab, "POST", "/lab/fault?spec=no-id"), 200);
    assert_int_equal(ids_of(lab, "/v3.0/districts"), 1);
    assert_int_equal(ids_of(lab, "/v3.0/schools"), 3);
    assert_int_equal(ids_of(lab, "/v3.0/users?limit=5"), 4);
    assert_int_equal(
        status_of(lab, "POST", "/lab/fault?spec=no-id,path=/schools"), 200);
    assert_int_equal(ids_of(lab, "/v3.0/schools"), 2);
}

static void test_rate_limit(void **state)
{
    struct cs_lab *lab = *state;

    lab->rate_limit = 2;
    assert_int_equal(status_of(lab, "GET", "/v3.0/districts"), 200);
    assert_int_equal(status_of(lab, "GET", "/v3.0/districts"), 200);
    assert_int_equal(status_of(lab, "GET", "/v3.0/districts"), 429);
    lab->windows[0].until = 0; /* the minute is over */
    assert_int_equal(status_of(lab, "GET", "/v3.0/districts"), 200);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_paging_is_complete, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_backward_paging, setup, teardown),
        cmocka_unit_test_setup_teardown(test_limits_are_checked, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_seed_decides, setup, teardown),
        cmocka_unit_test_setup_teardown(test_changes_make_events, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_lost_role, setup, teardown),
        cmocka_unit_test_setup_teardown(test_events_can_be_off, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_truth, setup, teardown),
        cmocka_unit_test_setup_teardown(test_faults_match, setup, teardown),
        cmocka_unit_test_setup_teardown(test_faults_of_records_are_about_people,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(test_rate_limit, setup, teardown),
    };

    return cmocka_run_group_tests_name("lab", tests, NULL, NULL);
}
