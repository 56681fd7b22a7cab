/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

#include "config.h"
#include "lab/fault.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/base/memory.h"
#include "core/base/text.h"

#define HUGE_BYTES ((size_t)10 * 1000 * 1000)
#define DEEP_LEVELS ((size_t)10000)
#define ANY_NUMBER 1000000000ULL

/* A body that nobody may ever repeat: it quotes a (made-up) child. */
#define CANARY "refused for Quill Canary, quill.canary@example.edu"

/* The one table behind parsing, --help and --list-faults. */
static const struct {
    const char *name;
    unsigned status; /* of those that answer with one */
    const char *summary;
} kinds[CS_LAB_FAULT_KINDS] = {
    [CS_LAB_FAULT_STATUS_400] = {"status-400", 400, "answers 400"},
    [CS_LAB_FAULT_STATUS_401] = {"status-401", 401, "answers 401"},
    [CS_LAB_FAULT_STATUS_402] = {"status-402", 402, "answers 402"},
    [CS_LAB_FAULT_STATUS_403] = {"status-403", 403, "answers 403"},
    [CS_LAB_FAULT_STATUS_404] = {"status-404", 404, "answers 404"},
    [CS_LAB_FAULT_STATUS_500] = {"status-500", 500, "answers 500"},
    [CS_LAB_FAULT_STATUS_503] = {"status-503", 503,
                                 "answers 503, in HTML; with Retry-After "
                                 "where retry_after=SECONDS says so"},
    [CS_LAB_FAULT_STORM_429] = {"storm-429", 429,
                                "answers 429: wait until X-RateLimit-Reset "
                                "(reset=SECONDS) or for Retry-After "
                                "(retry_after=SECONDS)"},
    [CS_LAB_FAULT_HTML_200] = {"html-200", 200, "HTML with status 200"},
    [CS_LAB_FAULT_EMPTY_OBJECT] = {"empty-object", 200, "{} and no more"},
    [CS_LAB_FAULT_DATA_NULL] = {"data-null", 200, "data is null"},
    [CS_LAB_FAULT_RESET] = {"reset", 0,
                            "closes the connection without an answer"},
    [CS_LAB_FAULT_HANG] = {"hang", 0, "never answers"},
    [CS_LAB_FAULT_SLOW] = {"slow", 0, "answers late (ms=MILLISECONDS)"},
    [CS_LAB_FAULT_DIE_TOKEN] = {"die-token", 0,
                                "the district gets a new token, the old one "
                                "is dead (once, unless times= says more)"},
    [CS_LAB_FAULT_CUT_BODY] = {"cut-body", 0, "closes the connection half-way"},
    [CS_LAB_FAULT_EMPTY_LISTING] = {"empty-listing", 0, "a listing of nobody"},
    [CS_LAB_FAULT_SHORT_PAGE] = {"short-page", 0,
                                 "at most rows=N rows in a page, whatever "
                                 "limit says"},
    [CS_LAB_FAULT_REPEAT_PAGE] = {"repeat-page", 0,
                                  "next leads to the same page"},
    [CS_LAB_FAULT_BACKWARD_NEXT] = {"backward-next", 0,
                                    "next leads back to the start"},
    [CS_LAB_FAULT_FOREIGN_NEXT] = {"foreign-next", 0,
                                   "next leads to another host"},
    [CS_LAB_FAULT_BARE_NEXT] = {"bare-next", 0,
                                "next says starting_after and nothing else"},
    [CS_LAB_FAULT_MISSING_INNER] = {"missing-inner", 0,
                                    "rows without their data"},
    [CS_LAB_FAULT_DUPLICATE_ID] = {"duplicate-id", 0,
                                   "the first record comes twice"},
    [CS_LAB_FAULT_DUPLICATE_DIFFERS] = {"duplicate-differs", 0,
                                        "the first record comes twice, the "
                                        "second time with another name"},
    [CS_LAB_FAULT_WRONG_DISTRICT] = {"wrong-district", 0,
                                     "/districts tells another id"},
    [CS_LAB_FAULT_NO_ID] = {"no-id", 0, "the first record has no id"},
    [CS_LAB_FAULT_BAD_UTF8] = {"bad-utf8", 0,
                               "the first record's name is not UTF-8"},
    [CS_LAB_FAULT_NUL_BYTE] = {"nul-byte", 0,
                               "the first record's name holds a byte 0"},
    [CS_LAB_FAULT_ESCAPED_NUL] = {"escaped-nul", 0,
                                  "the first record's name holds \\u0000"},
    [CS_LAB_FAULT_LONE_SURROGATE] = {"lone-surrogate", 0,
                                     "the first record's name holds half a "
                                     "surrogate pair"},
    [CS_LAB_FAULT_NUMBER_FOR_TEXT] = {"number-for-text", 0,
                                      "the first record's name is a number"},
    [CS_LAB_FAULT_HUGE_STRING] = {"huge-string", 0,
                                  "the first record's name has 10 MB"},
    [CS_LAB_FAULT_DEEP] = {"deep", 0,
                           "the first record's name is 10,000 nested "
                           "arrays"},
    [CS_LAB_FAULT_VAULT_POLICY] = {"vault-policy", 0,
                                   "the vault's access policy forbids it"},
    [CS_LAB_FAULT_VAULT_ROLE] = {"vault-role", 0,
                                 "no role lets the vault be read"},
    [CS_LAB_FAULT_VAULT_FIREWALL] = {"vault-firewall", 0,
                                     "the vault's firewall forbids it"},
    [CS_LAB_FAULT_VAULT_RESOURCE] = {"vault-resource", 0,
                                     "the vault wants a token for another "
                                     "host"},
    [CS_LAB_FAULT_VAULT_STALE] = {"vault-stale", 0,
                                  "logins give a token that the vault "
                                  "refuses"},
    [CS_LAB_FAULT_REDIRECT] = {"redirect", 0,
                               "sends telemetry and webhooks on to localhost"},
    [CS_LAB_FAULT_PARTIAL] = {"partial", 0,
                              "accepts every second item of telemetry"},
};

/* --- specs --- */

static const struct {
    const char *name;
    size_t offset;
    bool number;
} keys[] = {
    {"path", offsetof(struct cs_lab_fault, path), false},
    {"role", offsetof(struct cs_lab_fault, role), false},
    {"school", offsetof(struct cs_lab_fault, school), false},
    {"after", offsetof(struct cs_lab_fault, after), true},
    {"times", offsetof(struct cs_lab_fault, times), true},
    {"page", offsetof(struct cs_lab_fault, page), true},
    {"reset", offsetof(struct cs_lab_fault, reset), true},
    {"retry_after", offsetof(struct cs_lab_fault, retry_after), true},
    {"ms", offsetof(struct cs_lab_fault, ms), true},
    {"rows", offsetof(struct cs_lab_fault, rows), true},
};

static bool parse_name(struct cs_lab_fault *fault, const char *name,
                       char *error, size_t size)
{
    const char *known[CS_LAB_FAULT_KINDS + 1] = {NULL};
    const char *nearest;

    for (size_t i = 0; i < CS_LAB_FAULT_KINDS; i++) {
        known[i] = kinds[i].name;
        if (strcmp(kinds[i].name, name) == 0) {
            fault->kind = (enum cs_lab_fault_kind)i;
            return true;
        }
    }
    nearest = cs_text_nearest(name, known);
    snprintf(error, size,
             "no fault is called '%.40s'%s%s; --list-faults "
             "tells their names",
             name, nearest ? "; perhaps " : "", nearest ? nearest : "");
    return false;
}

static bool parse_key(struct cs_lab_fault *fault, char *part, char *error,
                      size_t size)
{
    char *value = strchr(part, '=');
    unsigned long long number;

    if (value)
        *value++ = '\0';
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        char *place = (char *)fault + keys[i].offset;

        if (strcmp(keys[i].name, part) != 0)
            continue;
        if (!value || (keys[i].number &&
                       !cs_lab_request_number(value, ANY_NUMBER, &number))) {
            snprintf(error, size, "'%s' in a fault needs a %s after '='", part,
                     keys[i].number ? "whole number" : "text");
            return false;
        }
        if (keys[i].number) {
            *(long long *)(void *)place = (long long)number;
        } else {
            free(*(char **)(void *)place);
            *(char **)(void *)place = cs_memory_text(value);
        }
        return true;
    }
    snprintf(error, size,
             "a fault has no key '%.40s'; there are path, role, "
             "school, after, times, page, reset, retry_after, ms, rows",
             part);
    return false;
}

static void free_fault(struct cs_lab_fault *fault)
{
    free(fault->path);
    free(fault->role);
    free(fault->school);
}

bool cs_lab_faults_add(struct cs_lab_faults *faults, const char *spec,
                       char *error, size_t size)
{
    struct cs_lab_fault fault = {
        .times = -1,
        .reset = 1,
        .retry_after = -1,
        .ms = 1000,
        .rows = 1,
    };
    char *copy = cs_memory_text(spec), *save = NULL;
    char *part = strtok_r(copy, ",", &save);
    bool good = parse_name(&fault, part ? part : "", error, size);

    if (good && fault.kind == CS_LAB_FAULT_DIE_TOKEN)
        fault.times = 1;
    while (good && (part = strtok_r(NULL, ",", &save)) != NULL)
        good = parse_key(&fault, part, error, size);
    free(copy);
    if (!good) {
        free_fault(&fault);
        return false;
    }
    faults->list =
        cs_memory_grow(faults->list, faults->count + 1, sizeof fault);
    faults->list[faults->count++] = fault;
    return true;
}

void cs_lab_faults_clear(struct cs_lab_faults *faults)
{
    for (size_t i = 0; i < faults->count; i++)
        free_fault(&faults->list[i]);
    free(faults->list);
    *faults = (struct cs_lab_faults){0};
}

void cs_lab_faults_describe(struct cs_lab_buffer *out, const char *indent)
{
    for (size_t i = 0; i < CS_LAB_FAULT_KINDS; i++)
        cs_lab_buffer_format(out, "%s%-18s %s\n", indent, kinds[i].name,
                             kinds[i].summary);
}

/* --- matching --- */

bool cs_lab_faults_want_page(const struct cs_lab_faults *faults)
{
    for (size_t i = 0; i < faults->count; i++)
        if (faults->list[i].page > 0)
            return true;
    return false;
}

/* A fault of records or pages is meant for people and their events, not for
 * the district or its schools, unless it says path= itself. */
static bool about_people(const struct cs_lab_fault *fault, const char *path)
{
    return fault->kind < CS_LAB_FAULT_EMPTY_LISTING ||
           fault->kind >= CS_LAB_FAULT_VAULT_POLICY ||
           fault->kind == CS_LAB_FAULT_WRONG_DISTRICT || fault->path ||
           strstr(path, "/users") || strstr(path, "/events");
}

static bool matches(const struct cs_lab_fault *fault,
                    const struct cs_lab_request *request, size_t page)
{
    const char *role = cs_lab_request_param(request, "role");

    /* Only what uses a token can wear it out. */
    if (fault->kind == CS_LAB_FAULT_DIE_TOKEN &&
        (!request->authorization ||
         strncmp(request->authorization, "Bearer ", 7) != 0))
        return false;
    return about_people(fault, request->path) &&
           (!fault->path || strstr(request->uri, fault->path)) &&
           (!fault->role || (role && strcmp(fault->role, role) == 0)) &&
           (!fault->school || strstr(request->uri, fault->school)) &&
           (fault->page == 0 || (size_t)fault->page == page);
}

struct cs_lab_hits cs_lab_faults_meet(struct cs_lab_faults *faults,
                                      const struct cs_lab_request *request,
                                      size_t page)
{
    struct cs_lab_hits hits = {.retry_after = -1};
    bool answered = false;

    for (size_t i = 0; i < faults->count; i++) {
        struct cs_lab_fault *fault = &faults->list[i];
        bool answers = fault->kind <= CS_LAB_FAULT_LAST_ANSWER;

        /* The next one that answers waits for its turn. */
        if ((answers && answered) || fault->times == 0 ||
            !matches(fault, request, page))
            continue;
        if (fault->after > 0) {
            fault->after--;
            continue;
        }
        if (fault->times > 0)
            fault->times--;
        answered = answered || answers;
        hits.on[fault->kind] = true;
        if (fault->kind == CS_LAB_FAULT_STORM_429 ||
            fault->kind == CS_LAB_FAULT_STATUS_503) {
            hits.reset = fault->reset;
            hits.retry_after = fault->retry_after;
        } else if (fault->kind == CS_LAB_FAULT_SLOW) {
            hits.ms = fault->ms;
        } else if (fault->kind == CS_LAB_FAULT_SHORT_PAGE) {
            hits.rows = fault->rows;
        }
    }
    return hits;
}

/* --- what they do --- */

static void storm(const struct cs_lab_hits *hits, struct cs_lab_reply *reply)
{
    if (hits->retry_after >= 0) {
        cs_lab_reply_header(reply, "Retry-After", hits->retry_after);
        return;
    }
    cs_lab_reply_header(reply, "X-RateLimit-Limit", 1200);
    cs_lab_reply_header(reply, "X-RateLimit-Remaining", 0);
    cs_lab_reply_header(reply, "X-RateLimit-Reset",
                        (long long)time(NULL) + hits->reset);
}

static void html(struct cs_lab_reply *reply)
{
    reply->type = "text/html; charset=utf-8";
    cs_lab_buffer_text(&reply->body, "<!DOCTYPE html><title>Sign in</title>"
                                     "<p>" CANARY "\n");
}

bool cs_lab_fault_answer(const struct cs_lab_hits *hits,
                         struct cs_lab_reply *reply)
{
    enum cs_lab_fault_kind kind = 0;

    while (kind <= CS_LAB_FAULT_LAST_ANSWER && !hits->on[kind])
        kind++;
    if (kind > CS_LAB_FAULT_LAST_ANSWER)
        return false;
    reply->status = kinds[kind].status;
    switch (kind) {
    case CS_LAB_FAULT_STORM_429:
        storm(hits, reply); /* Clever's 429 has no body */
        break;
    case CS_LAB_FAULT_STATUS_503:
        if (hits->retry_after >= 0)
            cs_lab_reply_header(reply, "Retry-After", hits->retry_after);
        html(reply);
        break;
    case CS_LAB_FAULT_HTML_200:
        html(reply);
        break;
    case CS_LAB_FAULT_EMPTY_OBJECT:
        cs_lab_buffer_text(&reply->body, "{}");
        break;
    case CS_LAB_FAULT_DATA_NULL:
        cs_lab_buffer_text(&reply->body, "{\"data\":null,\"links\":[]}");
        break;
    case CS_LAB_FAULT_HANG:
        reply->wait = -1;
        reply->drop = true;
        break;
    case CS_LAB_FAULT_RESET:
        reply->drop = true;
        break;
    default:
        cs_lab_reply_error(reply, kinds[kind].status, CANARY);
        break;
    }
    return true;
}

/* Where `words` begin in the record, or its length. */
static size_t find(const struct cs_lab_buffer *record, const char *words)
{
    const char *at = memmem(record->text, record->length, words, strlen(words));

    return at ? (size_t)(at - record->text) : record->length;
}

/* Puts a value in place of the name: a person's first name, or the name that
 * a record of another kind has. */
static void set_name(struct cs_lab_buffer *record, const void *value,
                     size_t length)
{
    static const char *const names[] = {"\"first\":", "\"name\":\""};

    for (size_t i = 0; i < 2; i++) {
        size_t start = find(record, names[i]), end;

        if (start == record->length)
            continue;
        start = end = start + strlen(names[i]) - i; /* not the quote */
        if (record->text[end] == '"')
            for (end++; record->text[end] != '"'; end++)
                end += record->text[end] == '\\';
        else
            end += strlen("nul");
        cs_lab_buffer_replace(record, start, end + 1 - start, value, length);
        return;
    }
}

void cs_lab_fault_rename(struct cs_lab_buffer *record)
{
    set_name(record, "\"Somebody Else\"", strlen("\"Somebody Else\""));
}

static void set_big_name(struct cs_lab_buffer *record, bool deep)
{
    struct cs_lab_buffer big = {0};

    if (deep) {
        cs_lab_buffer_fill(&big, '[', DEEP_LEVELS);
        cs_lab_buffer_fill(&big, ']', DEEP_LEVELS);
    } else {
        cs_lab_buffer_fill(&big, '"', 1);
        cs_lab_buffer_fill(&big, 'x', HUGE_BYTES);
        cs_lab_buffer_fill(&big, '"', 1);
    }
    set_name(record, big.text, big.length);
    cs_lab_buffer_clear(&big);
}

void cs_lab_fault_bend(const struct cs_lab_hits *hits,
                       struct cs_lab_buffer *record)
{
    static const struct {
        enum cs_lab_fault_kind kind;
        const char *value;
        size_t length;
    } names[] = {
        {CS_LAB_FAULT_BAD_UTF8, "\"Ren\xe9\xff\"", 7},
        {CS_LAB_FAULT_NUL_BYTE, "\"A\0a\"", 5},
        {CS_LAB_FAULT_ESCAPED_NUL, "\"A\\u0000a\"", 10},
        {CS_LAB_FAULT_LONE_SURROGATE, "\"A\\ud83da\"", 10},
        {CS_LAB_FAULT_NUMBER_FOR_TEXT, "12345", 5},
    };

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (hits->on[names[i].kind])
            set_name(record, names[i].value, names[i].length);
    if (hits->on[CS_LAB_FAULT_HUGE_STRING] || hits->on[CS_LAB_FAULT_DEEP])
        set_big_name(record, hits->on[CS_LAB_FAULT_DEEP]);
    if (hits->on[CS_LAB_FAULT_NO_ID]) /* {"id":"24 digits", */
        cs_lab_buffer_replace(record, 1, strlen("\"id\":\"\",") + 24, "", 0);
}
