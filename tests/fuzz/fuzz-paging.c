/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* Pages and their links, as the sources follow them: first line the source and
 * collection, second line the cursor that it starts from, then replies, each
 * ended by a line "--".  Kind 4 is a URL alone, as an operator writes it.
 *
 * No link leads anywhere but to the same listing of the same server, each step
 * leads forward, and no sentence shows what a reply held. */

#include "config.h"

#include "fake-host.h"

#define cleversync_plugin data_plugin
#include "../../plugins/source/clever-data/clever-data.c"
#undef cleversync_plugin
#define cleversync_plugin events_plugin
#include "../../plugins/source/clever-events/clever-events.c"
#undef cleversync_plugin

#include "base/json.h"
#include "fuzz.h"
#include "http/http-target.h"

#include <stdlib.h>

#define BASE "http://127.0.0.1:9/v3.0"
#define MARK "Zq7x" /* a piece of all ids and names in the corpus */

enum { DATA_STUDENTS, DATA_SCHOOLS, EVENTS, EVENTS_MARK, URL };

static const struct fake_pair options[] = {{"base_url", BASE}, {NULL, NULL}};
static const char *const paths[] = {"id", "name.first", NULL};
static const struct cs_entity students = {.name = "student",
                                          .collection = "students"};
static const struct cs_entity schools = {.name = "school",
                                         .collection = "schools"};

/* A host with the core's reader of JSON. */
struct play {
    struct fake_host fake; /* first */
    unsigned long kind;
    struct fuzz_input replies;
    size_t requests;
};

/* ---- Where a request goes ------------------------------------------------ */

static bool is_id(const char *text)
{
    return text[strspn(text, "0123456789_-abcdefghijklmnopqrstuvwxyz"
                             "ABCDEFGHIJKLMNOPQRSTUVWXYZ")] == '\0';
}

static void url_holds(const struct play *play, const char *url)
{
    static const char *const starts[] = {
        [DATA_STUDENTS] = BASE "/schools/5c1/users?role=student&limit=7",
        [DATA_SCHOOLS] = BASE "/schools?limit=7",
        [EVENTS] = BASE "/events?limit=7",
        [EVENTS_MARK] = BASE "/events?ending_before=last&limit=1",
    };
    static const char after[] = "&starting_after=";
    const char *start = starts[play->kind];
    const char *rest = url + strlen(start);
    struct cs_http_target target;
    struct cs_error error;

    FUZZ_HOLDS(cs_http_target_set(&target, url, false, &error) == CS_OK);
    FUZZ_HOLDS(strcmp(target.authority, "127.0.0.1:9") == 0);
    cs_http_target_clear(&target);
    if (strcmp(url, BASE "/events?limit=1") == 0) /* is the cursor served? */
        return;
    FUZZ_HOLDS(strncmp(url, start, strlen(start)) == 0);
    if (*rest == '\0')
        return;
    FUZZ_HOLDS(strncmp(rest, after, strlen(after)) == 0);
    FUZZ_HOLDS(is_id(rest + strlen(after)));
}

/* ---- The host ------------------------------------------------------------ */

/* Up to the next line "--"; false: there is none left. */
static bool next_reply(struct fuzz_input *replies, struct fuzz_input *reply)
{
    if (replies->size == 0)
        return false;
    *reply = *replies;
    for (reply->size = 0; replies->size > 0;) {
        char *line = fuzz_line(replies);
        bool last = strcmp(line, "--") == 0;

        free(line);
        if (last)
            break;
        reply->size = (size_t)(replies->at - reply->at);
    }
    return true;
}

static enum cs_rc read_reply(struct cs_http *http, struct fuzz_input *reply)
{
    const struct cs_json_rows rows = {.path = http->rows,
                                      .reads = http->reads,
                                      .each = http->each,
                                      .arg = http->arg};
    struct cs_json *json = cs_json_new(&rows);
    struct cs_error error = {.rc = CS_OK};
    enum cs_rc rc = cs_json_feed(json, reply->at, reply->size, &error);

    if (rc == CS_OK)
        rc = cs_json_finish(json, &http->reply, &error);
    FUZZ_HOLDS(strstr(error.text, MARK) == NULL);
    cs_json_free(json);
    return rc;
}

/* A reply that begins with "!" is that status without a body. */
static enum cs_rc answer(const struct cs_host *host, struct cs_http *http)
{
    struct play *play = (struct play *)host;
    struct fuzz_input reply;
    enum cs_rc rc;

    FUZZ_HOLDS(http->size == sizeof(*http) && http->bearer != NULL);
    FUZZ_HOLDS(strcmp(http->bearer, "access_token") == 0);
    url_holds(play, http->url);
    play->requests++;
    if (!next_reply(&play->replies, &reply))
        return host->fail(host, CS_E_RETRY, "the server does not answer");
    if (reply.size > 0 && *reply.at == '!') {
        reply.at++;
        reply.size--;
        http->status = (long)fuzz_number(&reply, 599);
        return host->fail(host, CS_E_FATAL, "status %ld", http->status);
    }
    http->status = 200;
    rc = read_reply(http, &reply);
    return rc == CS_OK ? rc : host->fail(host, rc, "the reply cannot be read");
}

/* ---- Reading on and on --------------------------------------------------- */

static void records_hold(const struct play *play, const struct cs_page *page)
{
    const char *before = "";
    const json_t *entry;
    size_t i;

    json_array_foreach(page->records, i, entry)
    {
        const char *cursor =
            json_string_value(json_object_get(entry, "cursor"));

        FUZZ_HOLDS(json_is_object(json_object_get(entry, "record")));
        FUZZ_HOLDS((play->kind == EVENTS) == (cursor != NULL));
        if (cursor == NULL)
            continue;
        FUZZ_HOLDS(is_id(cursor) && strcmp(cursor, before) > 0);
        before = cursor;
    }
}

static enum cs_rc read_page(struct play *play, const char *cursor,
                            struct cs_page *page)
{
    const struct cs_source_ops *ops = play->fake.plugin->ops;

    if (play->kind == EVENTS_MARK)
        return ops->mark(play->fake.self, page);
    return ops->fetch(play->fake.self,
                      play->kind == DATA_SCHOOLS ? &schools : &students, cursor,
                      page);
}

static void page_holds(const struct play *play, enum cs_rc rc,
                       const struct cs_page *page, const char *cursor)
{
    records_hold(play, page);
    FUZZ_HOLDS(strstr(play->fake.error, MARK) == NULL);
    FUZZ_HOLDS(strstr(play->fake.log, MARK) == NULL);
    if (rc != CS_OK) {
        FUZZ_HOLDS(!page->next && !page->done);
        FUZZ_HOLDS(play->fake.error[0] != '\0');
        return;
    }
    FUZZ_HOLDS(page->next != page->done);
    FUZZ_HOLDS(!page->next || play->kind != EVENTS_MARK);
    FUZZ_HOLDS(!page->next || (page->cursor[0] != '\0' && is_id(page->cursor)));
    FUZZ_HOLDS(!page->next || cursor == NULL ||
               strcmp(page->cursor, cursor) > 0);
    FUZZ_HOLDS(!page->done || (play->kind >= EVENTS) == (page->cursor != NULL));
    FUZZ_HOLDS(page->cursor == NULL || is_id(page->cursor));
}

static void read_on(struct play *play, char *cursor)
{
    struct cs_page page = {.want = 7};
    size_t pages = 1 + play->replies.size; /* each takes a byte, at least */
    bool more = true;

    while (more) {
        enum cs_rc rc = read_page(play, cursor, &page);

        page_holds(play, rc, &page, cursor);
        more = rc == CS_OK && page.next;
        free(cursor);
        cursor = page.cursor;
        page.cursor = NULL;
        fake_page_clear(&page);
        FUZZ_HOLDS(pages-- > 0);
    }
    free(cursor);
}

/* ---- A URL --------------------------------------------------------------- */

static void url_alone_holds(const char *url)
{
    struct cs_http_target target, again;
    struct cs_error error = {.rc = CS_OK};
    char *text;

    if (cs_http_target_set(&target, url, false, &error) != CS_OK) {
        FUZZ_HOLDS(error.rc == CS_E_CONFIG && error.text[0] != '\0');
        cs_http_target_clear(&target);
        return;
    }
    FUZZ_HOLDS(!target.plain || target.local);
    FUZZ_HOLDS(curl_url_get(target.url, CURLUPART_USER, &text, 0) ==
               CURLUE_NO_USER);
    FUZZ_HOLDS(curl_url_get(target.url, CURLUPART_URL, &text, 0) == CURLUE_OK);
    FUZZ_HOLDS(cs_http_target_set(&again, text, false, &error) == CS_OK);
    FUZZ_HOLDS(strcmp(target.authority, again.authority) == 0);
    FUZZ_HOLDS(target.plain == again.plain && target.local == again.local);
    curl_free(text);
    cs_http_target_clear(&target);
    cs_http_target_clear(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct fuzz_input input = {(const char *)bytes, size};
    struct play play = {.kind = fuzz_number(&input, URL)};
    char *cursor = fuzz_line(&input);

    if (play.kind == URL) {
        url_alone_holds(cursor);
        free(cursor);
        return 0;
    }
    play.replies = input;
    fake_host_init(&play.fake,
                   play.kind >= EVENTS ? &events_plugin : &data_plugin);
    play.fake.host.http = answer;
    play.fake.host.reads = paths;
    play.fake.options = options;
    play.fake.scope.district = "4fd43cc56d11340000000005";
    play.fake.scope.school = "5c1";
    FUZZ_HOLDS(fake_host_open(&play.fake) == CS_OK);
    if (*cursor == '\0') {
        free(cursor);
        cursor = NULL;
    }
    read_on(&play, cursor);
    fake_host_clear(&play.fake);
    return 0;
}
