/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* Clever's data API: the people of a school by role, its sections, and the
 * schools of a district, as full listings.
 *
 * A cursor is the id after which the next page starts.  Of a link to the next
 * page only that id is taken, and only if the link leads to the same listing
 * and forward: Clever lists by ascending id. */
#include <cleversync/plugin.h>

#include <stdio.h>
#include <string.h>

enum { CLEVER_DATA_URL = 2048 };

static const struct cs_option clever_data_options[] = {
    {.name = "base_url",
     .type = CS_OPT_TEXT,
     .fallback = "https://api.clever.com/v3.0",
     .help = "address of Clever's API, with its version"},
    {.name = "access_token",
     .type = CS_OPT_SECRET | CS_OPT_TEMPLATE,
     .fallback = "{secret_prefix}--{district_prefix}--AccessToken "
                 "{secret_prefix}--Clever--AccessToken",
     .help = "the district's access token"},
    {.name = NULL},
};

/* What is listed under which name. */
static const struct clever_data_listing {
    const char *collection;
    const char *of_school; /* its path below a school; NULL: the district's */
    const char *role;      /* those of this role only, or NULL */
} clever_data_listings[] = {
    {"students", "users", "student"},
    {"teachers", "users", "teacher"},
    {"sections", "sections", NULL},
    {"schools", NULL, NULL},
};

/* All that an instance knows is in its host. */
static enum cs_rc clever_data_open(const struct cs_host *host, void **self)
{
    *self = (void *)host;
    return CS_OK;
}

static void clever_data_close(void *self)
{
    (void)self;
}

static bool clever_data_is_id(const char *id)
{
    return *id != '\0' && id[strspn(id, "0123456789_-abcdefghijklmnopqrstuvwxyz"
                                        "ABCDEFGHIJKLMNOPQRSTUVWXYZ")] == '\0';
}

/* Adds what a refusal may mean, where the core can only say that it was one;
 * returns rc. */
static enum cs_rc clever_data_refused(const struct cs_host *host,
                                      const char *address, enum cs_rc rc,
                                      long status, bool of_school)
{
    const char *hint = NULL;
    if (rc == CS_E_AUTH && status == 401)
        hint = "the token is refused: does the district still authorise the "
               "app?";
    else if (rc == CS_E_AUTH && status == 403)
        hint = "the app may not read this";
    else if (rc == CS_E_NOT_HERE && status == 404 && of_school)
        hint = "the school is not shared with the app, or not any more";
    if (hint == NULL)
        return rc;
    return cs_fail(host, rc, "GET %s answered %ld: %s", address, status, hint);
}

/* ---- Is the token this district's? ------------------------------------- */

struct clever_data_districts {
    const char *expected;
    size_t n, unfit, other;
};

static enum cs_rc clever_data_district(void *arg, json_t *stolen)
{
    struct clever_data_districts *districts = arg;
    const char *id = json_string_value(json_object_get(stolen, "id"));
    districts->n++;
    if (id == NULL || !clever_data_is_id(id))
        districts->unfit++;
    else if (!districts->expected || strcmp(id, districts->expected) != 0)
        districts->other++;
    json_decref(stolen);
    return CS_OK;
}

static enum cs_rc clever_data_check(void *self)
{
    static const char *const reads[] = {"id", NULL};
    const struct cs_host *host = self;
    struct clever_data_districts districts = {host->scope->district, 0, 0, 0};
    char url[CLEVER_DATA_URL];
    int length =
        snprintf(url, sizeof url, "%s/districts", host->text(host, "base_url"));
    if (length >= (int)sizeof url)
        return cs_fail(host, CS_E_CONFIG, "base_url is too long");
    struct cs_http http = {
        .size = sizeof http,
        .url = url,
        .bearer = "access_token",
        .rows = "data[].data",
        .reads = reads,
        .each = clever_data_district,
        .arg = &districts,
    };
    enum cs_rc rc = host->http(host, &http);
    json_decref(http.reply);
    if (rc != CS_OK)
        return clever_data_refused(host, url, rc, http.status, false);
    if (districts.n != 1 || districts.unfit != 0)
        return cs_fail(host, CS_E_FATAL,
                       "Clever does not say whose the access token is: one "
                       "district with an id is expected from %s",
                       url);
    if (districts.other != 0)
        return cs_fail(host, CS_E_AUTH,
                       "the access token belongs to another district");
    return CS_OK;
}

/* ---- Pages ------------------------------------------------------------- */

/* The address of a listing, without a query. */
static enum cs_rc clever_data_address(const struct cs_host *host,
                                      const struct clever_data_listing *listing,
                                      char url[CLEVER_DATA_URL])
{
    const char *base = host->text(host, "base_url");
    const char *school = host->scope->school;
    int length;
    if (listing->of_school == NULL) {
        length = snprintf(url, CLEVER_DATA_URL, "%s/schools", base);
    } else if (school == NULL || !clever_data_is_id(school)) {
        return cs_fail(host, CS_E_CONFIG,
                       "%s are listed by school, and there is no school "
                       "with a Clever id of letters and digits",
                       listing->collection);
    } else {
        length = snprintf(url, CLEVER_DATA_URL, "%s/schools/%s/%s", base,
                          school, listing->of_school);
    }
    /* Leaves room for the query, which is short. */
    if (length >= CLEVER_DATA_URL / 2)
        return cs_fail(host, CS_E_CONFIG, "base_url is too long");
    return CS_OK;
}

/* The part of `link` behind `address`, which it may name in full or from the
 * root of the same host; NULL: it leads elsewhere. */
static const char *clever_data_query(const char *link, const char *address)
{
    const char *host = strstr(address, "://");
    const char *root = strchr(host ? host + 3 : address, '/');
    const char *same = *link == '/' ? root : address;
    size_t length = strlen(same);
    if (strncmp(link, same, length) != 0 || link[length] != '?')
        return NULL;
    return link + length + 1;
}

/* Copies the parameter starting_after of a query; false when it is not there
 * or not an id. */
static bool clever_data_after(const char *query, char *id, size_t size)
{
    static const char name[] = "starting_after=";
    while (strncmp(query, name, sizeof name - 1) != 0) {
        query = strchr(query, '&');
        if (query == NULL)
            return false;
        query++;
    }
    query += sizeof name - 1;
    size_t length = strcspn(query, "&");
    if (length >= size)
        return false;
    memcpy(id, query, length);
    id[length] = '\0';
    return clever_data_is_id(id);
}

static const char *clever_data_link(const json_t *links)
{
    for (size_t i = 0; i < json_array_size(links); i++) {
        const json_t *link = json_array_get(links, i);
        const char *rel = json_string_value(json_object_get(link, "rel"));
        if (rel != NULL && strcmp(rel, "next") == 0)
            return json_string_value(json_object_get(link, "uri"));
    }
    return NULL;
}

struct clever_data_page {
    const struct cs_host *host;
    struct cs_page *page;
    size_t records;
};

static enum cs_rc clever_data_record(void *arg, json_t *stolen)
{
    struct clever_data_page *to = arg;
    to->records++;
    return to->host->emit(to->page, CS_UPSERT, NULL, stolen);
}

/* Says what follows the page that was just read. */
static enum cs_rc clever_data_end(const struct clever_data_page *from,
                                  const json_t *reply, const char *address,
                                  const char *cursor)
{
    const struct cs_host *host = from->host;
    const json_t *links = json_object_get(reply, "links");
    if (!json_is_array(links))
        return cs_fail(host, CS_E_FATAL,
                       "a page without links does not say whether more "
                       "follow");
    const char *link = clever_data_link(links);
    if (link == NULL)
        return host->done(from->page, NULL);
    const char *query = clever_data_query(link, address);
    if (query == NULL)
        return cs_fail(host, CS_E_FATAL,
                       "the link to the next page leads out of the listing");
    char next[128];
    if (!clever_data_after(query, next, sizeof next))
        return cs_fail(host, CS_E_FATAL,
                       "the link to the next page has no starting_after "
                       "that is an id");
    if (cursor != NULL && strcmp(next, cursor) <= 0) {
        if (from->records == 0) /* Clever links to where nothing follows */
            return host->done(from->page, NULL);
        return cs_fail(host, CS_E_FATAL,
                       "the link to the next page does not lead forward");
    }
    return host->next(from->page, next);
}

static enum cs_rc clever_data_read(const struct cs_host *host,
                                   const struct clever_data_listing *listing,
                                   const char *cursor, struct cs_page *page)
{
    char address[CLEVER_DATA_URL], url[CLEVER_DATA_URL];
    enum cs_rc rc = clever_data_address(host, listing, address);
    if (rc != CS_OK)
        return rc;
    size_t want = host->want(page);
    int length =
        snprintf(url, sizeof url, "%s?%s%s%slimit=%zu%s%s", address,
                 listing->role ? "role=" : "",
                 listing->role ? listing->role : "", listing->role ? "&" : "",
                 want, cursor ? "&starting_after=" : "", cursor ? cursor : "");
    if (length >= (int)sizeof url)
        return cs_fail(host, CS_E_FATAL, "the cursor is too long");
    struct clever_data_page to = {host, page, 0};
    struct cs_http http = {
        .size = sizeof http,
        .url = url,
        .bearer = "access_token",
        .rows = "data[].data",
        .reads = host->reads,
        .each = clever_data_record,
        .arg = &to,
    };
    rc = host->http(host, &http);
    if (rc == CS_OK)
        rc = clever_data_end(&to, http.reply, address, cursor);
    else if (http.status == 413)
        rc = cs_fail(host, CS_E_CONFIG,
                     "Clever refuses pages of %zu records; lower "
                     "page_size_max in [sync]",
                     want);
    else
        rc = clever_data_refused(host, address, rc, http.status,
                                 listing->of_school != NULL);
    json_decref(http.reply);
    return rc;
}

static enum cs_rc clever_data_fetch(void *self, const struct cs_entity *entity,
                                    const char *cursor, struct cs_page *page)
{
    const struct cs_host *host = self;
    size_t n = sizeof clever_data_listings / sizeof *clever_data_listings;
    if (cursor != NULL && !clever_data_is_id(cursor))
        return cs_fail(host, CS_E_CURSOR, "the cursor is not an id");
    for (size_t i = 0; i < n; i++)
        if (strcmp(entity->collection, clever_data_listings[i].collection) == 0)
            return clever_data_read(host, &clever_data_listings[i], cursor,
                                    page);
    return cs_fail(host, CS_E_CONFIG,
                   "Clever's data has no collection %s; it has students, "
                   "teachers, sections and schools",
                   entity->collection);
}

static const struct cs_source_ops clever_data_ops = {
    .life = {.open = clever_data_open,
             .check = clever_data_check,
             .close = clever_data_close},
    .delta = false,
    .fetch = clever_data_fetch,
};

CS_SOURCE_PLUGIN("clever-data", clever_data_ops, .version = "1.0",
                 .summary = "schools and people from Clever's data API",
                 .options = clever_data_options);
