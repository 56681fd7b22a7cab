/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

#include "config.h"

/* bench-floor BASE-URL TOKEN SCHOOL LEAST MOST DATABASE: the least that a sync
 * can do when it parses each page as a whole: fetch the same pages (of LEAST
 * records, then twice as many each time up to MOST) over one connection,
 * json_loadb() each, insert the rows in one transaction.  No comparison, no
 * guards, no checks, no history. */

#include <curl/curl.h>
#include <jansson.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct body {
    char *bytes;
    size_t size;
};

static size_t collect(char *bytes, size_t one, size_t n, void *arg)
{
    struct body *body = arg;
    char *grown = realloc(body->bytes, body->size + n);

    if (!grown)
        return 0;
    body->bytes = grown;
    memcpy(body->bytes + body->size, bytes, n);
    body->size += n;
    return one * n;
}

static void bind_text(sqlite3_stmt *insert, int column, const json_t *value)
{
    sqlite3_bind_text(insert, column, json_string_value(value), -1,
                      SQLITE_TRANSIENT);
}

static void insert_row(sqlite3_stmt *insert, json_t *user, const char *role)
{
    json_t *name = json_object_get(user, "name");
    json_t *body = json_object_get(json_object_get(user, "roles"), role);
    bool student = strcmp(role, "student") == 0;

    bind_text(insert, 1, json_object_get(user, "id"));
    bind_text(insert, 2, json_object_get(name, "first"));
    bind_text(insert, 3, json_object_get(name, "last"));
    bind_text(insert, 4, json_object_get(user, "email"));
    bind_text(insert, 5, json_object_get(body, student ? "grade" : "title"));
    bind_text(insert, 6, json_object_get(body, "student_number"));
    bind_text(insert, 7, json_object_get(user, "last_modified"));
    sqlite3_step(insert);
    sqlite3_reset(insert);
}

/* One page; the next one's place in `after`, or "" at the end. */
static bool load_page(CURL *curl, const char *url, sqlite3_stmt *insert,
                      const char *role, char after[64], size_t *rows)
{
    struct body body = {NULL, 0};
    json_t *page, *row, *link;
    size_t i;

    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, &body);
    if (curl_easy_perform(curl) != CURLE_OK)
        return false;
    page = json_loadb(body.bytes, body.size, 0, NULL);
    free(body.bytes);
    json_array_foreach(json_object_get(page, "data"), i, row)
    {
        insert_row(insert, json_object_get(row, "data"), role);
        ++*rows;
    }
    after[0] = '\0';
    json_array_foreach(json_object_get(page, "links"), i, link)
    {
        const char *rel = json_string_value(json_object_get(link, "rel"));
        const char *uri = json_string_value(json_object_get(link, "uri"));
        const char *at = uri ? strstr(uri, "starting_after=") : NULL;

        if (rel && strcmp(rel, "next") == 0 && at)
            snprintf(after, 64, "%.24s", at + strlen("starting_after="));
    }
    json_decref(page);
    return true;
}

int main(int argc, char *argv[])
{
    static const char *const roles[] = {"student", "teacher"};
    struct curl_slist *headers = NULL;
    char authorization[512], url[1024], after[64];
    sqlite3_stmt *insert;
    sqlite3 *db;
    size_t rows = 0;
    CURL *curl;

    if (argc != 7)
        return 2;
    curl_global_init(CURL_GLOBAL_DEFAULT);
    curl = curl_easy_init();
    snprintf(authorization, sizeof(authorization), "Authorization: Bearer %s",
             argv[2]);
    headers = curl_slist_append(headers, authorization);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, collect);
    if (sqlite3_open(argv[6], &db) != SQLITE_OK)
        return 1;
    sqlite3_exec(db,
                 "PRAGMA journal_mode=WAL;"
                 "CREATE TABLE People(Id INTEGER PRIMARY KEY, CleverId TEXT "
                 "UNIQUE, FirstName TEXT, LastName TEXT, Email TEXT, Grade "
                 "TEXT, Number TEXT, LastModified TEXT, IsActive INT DEFAULT "
                 "1, DeactivatedAt TEXT, CreatedAt TEXT, UpdatedAt TEXT);"
                 "BEGIN",
                 NULL, NULL, NULL);
    sqlite3_prepare_v2(db,
                       "INSERT INTO People(CleverId, FirstName, LastName, "
                       "Email, Grade, Number, LastModified, CreatedAt, "
                       "UpdatedAt) VALUES(?,?,?,?,?,?,?,"
                       "'2026-01-01T00:00:00.000Z','2026-01-01T00:00:00.000Z')",
                       -1, &insert, NULL);
    for (int i = 0; i < 2; i++) {
        long limit = atol(argv[4]), most = atol(argv[5]);

        after[0] = '\0';
        do {
            snprintf(url, sizeof(url),
                     "%s/schools/%s/users?role=%s&limit=%ld%s%s", argv[1],
                     argv[3], roles[i], limit,
                     after[0] ? "&starting_after=" : "", after);
            limit = limit * 2 < most ? limit * 2 : most;
            if (!load_page(curl, url, insert, roles[i], after, &rows))
                return 1;
        } while (after[0]);
    }
    sqlite3_exec(db, "COMMIT", NULL, NULL, NULL);
    sqlite3_finalize(insert);
    sqlite3_close(db);
    curl_easy_cleanup(curl);
    curl_slist_free_all(headers);
    curl_global_cleanup();
    printf("%zu rows\n", rows);
    return 0;
}
