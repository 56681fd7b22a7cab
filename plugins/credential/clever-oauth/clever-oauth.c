/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* Access tokens from Clever, for the client id and secret that the stores
 * before this one hold.  Clever made a token when the district authorised the
 * app; it is looked up in the list of the app's tokens.  Only a token that the
 * list says is the district's own is ever given. */

#include "config.h"

#include <cleversync/plugin.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { OAUTH_PAGES = 50 };

/* An app, by the names of its options. */
struct oauth_app {
    const char *token, *id, *secret;
};

static const struct oauth_app oauth_apps[] = {
    {"district_access_token", "district_client_id", "district_client_secret"},
    {"access_token", "client_id", "client_secret"},
};

static enum cs_rc oauth_open(const struct cs_host *host, void **self)
{
    *self = (void *)(uintptr_t)host; /* all it needs; handed back as const */
    return CS_OK;
}

static void oauth_close(void *self)
{
    (void)self;
}

/* ---- What Clever says ---------------------------------------------------- */

static enum cs_rc oauth_reveal(const struct cs_host *host,
                               struct cs_secret *secret, const char *token)
{
    int64_t life = host->number(host, "token_lifetime");

    return host->reveal(secret, token, strlen(token),
                        host->now(host) + life * 1000000);
}

/* The newest token of this district on a page of the list, or NULL. */
static const char *oauth_find(const json_t *reply, const char *district)
{
    const char *token = NULL, *newest = "";
    json_t *entry;
    size_t i;

    json_array_foreach(json_object_get(reply, "data"), i, entry)
    {
        const char *type = "district", *owner, *candidate, *created = "";

        if (json_unpack(entry, "{s:{s?s, s:s}, s:s, s?s}", "owner", "type",
                        &type, "id", &owner, "access_token", &candidate,
                        "created", &created) != 0)
            continue; /* whatever it is, it is no token of a district */
        if (strcmp(owner, district) != 0 || strcmp(type, "district") != 0 ||
            !*candidate || (token && strcmp(created, newest) <= 0))
            continue;
        token = candidate;
        newest = created;
    }
    return token;
}

static const char *oauth_next_link(const json_t *reply)
{
    json_t *entry;
    size_t i;

    json_array_foreach(json_object_get(reply, "links"), i, entry)
    {
        const char *rel, *uri;

        if (json_unpack(entry, "{s:s, s:s}", "rel", &rel, "uri", &uri) == 0 &&
            strcmp(rel, "next") == 0)
            return uri;
    }
    return NULL;
}

/* The address that a link leads to, to be freed; NULL: it leads elsewhere, and
 * elsewhere must not see the client's secret. */
static char *oauth_follow(const char *url, const char *link)
{
    const char *host = strstr(url, "://");
    size_t origin = host ? (size_t)(host - url) + 3 : 0;
    bool relative = link[0] == '/' && link[1] != '/';
    char *next = NULL;

    origin += strcspn(url + origin, "/?#");
    if (!relative && (strncmp(link, url, origin) != 0 || link[origin] != '/'))
        return NULL;
    if (asprintf(&next, "%.*s%s", relative ? (int)origin : 0, url, link) < 0)
        return NULL;
    return next;
}

/* ---- The list ------------------------------------------------------------ */

struct oauth_list {
    const struct cs_host *host;
    const struct oauth_app *app;
    char *url; /* of the next page; NULL: there is none */
    bool found;
};

static enum cs_rc oauth_read(struct oauth_list *list, const json_t *reply,
                             struct cs_secret *secret)
{
    const struct cs_host *host = list->host;
    const char *token = oauth_find(reply, host->scope->district);
    const char *link = oauth_next_link(reply);
    char *next = NULL;

    if (!json_is_array(json_object_get(reply, "data")))
        return cs_fail(host, CS_E_FATAL,
                       "the reply of token_url is no list of tokens");
    list->found = token != NULL;
    if (token)
        return oauth_reveal(host, secret, token);
    if (link) {
        next = oauth_follow(list->url, link);
        if (!next)
            return cs_fail(host, CS_E_FATAL,
                           "the list of tokens goes on at another server, "
                           "which must not see the client's secret");
    }
    free(list->url);
    list->url = next;
    return CS_OK;
}

static enum cs_rc oauth_page(struct oauth_list *list, struct cs_secret *secret)
{
    struct cs_http http = {
        .size = sizeof(http),
        .url = list->url,
        .user = list->app->id,
        .password = list->app->secret,
    };
    enum cs_rc rc = list->host->http(list->host, &http);

    if (rc == CS_OK)
        rc = oauth_read(list, http.reply, secret);
    json_decref(http.reply);
    return rc;
}

static enum cs_rc oauth_list(const struct cs_host *host,
                             const struct oauth_app *app,
                             struct cs_secret *secret)
{
    struct oauth_list list = {.host = host, .app = app};
    const char *district = host->scope->district;
    enum cs_rc rc = CS_OK;

    if (asprintf(&list.url, "%s?owner_type=district&district=%s",
                 host->text(host, "token_url"), district) < 0)
        return cs_fail(host, CS_E_FATAL, "out of memory");
    for (int i = 0; i < OAUTH_PAGES && rc == CS_OK && list.url; i++) {
        rc = oauth_page(&list, secret);
        if (list.found)
            break;
    }
    if (rc == CS_OK && !list.found && list.url)
        rc = cs_fail(host, CS_E_FATAL,
                     "the list of tokens does not end after %d pages",
                     OAUTH_PAGES);
    else if (rc == CS_OK && !list.found)
        rc = cs_fail(host, CS_E_AUTH,
                     "Clever lists no token for district %s: has the district "
                     "authorised the app?",
                     district);
    free(list.url);
    return rc;
}

/* ---- The other grant ----------------------------------------------------- */

static enum cs_rc oauth_mint(const struct cs_host *host,
                             const struct oauth_app *app,
                             struct cs_secret *secret)
{
    static const char body[] = "grant_type=client_credentials";
    struct cs_http http = {
        .size = sizeof(http),
        .method = "POST",
        .url = host->text(host, "token_url"),
        .content_type = "application/x-www-form-urlencoded",
        .body = body,
        .body_size = sizeof(body) - 1,
        .user = app->id,
        .password = app->secret,
    };
    enum cs_rc rc = host->http(host, &http);
    json_t *token = json_object_get(http.reply, "access_token");

    if (rc == CS_OK && json_string_length(token) == 0)
        rc = cs_fail(host, CS_E_FATAL, "the reply of token_url has no token");
    if (rc == CS_OK)
        rc = oauth_reveal(host, secret, json_string_value(token));
    json_decref(http.reply);
    return rc;
}

/* ---- The plugin ---------------------------------------------------------- */

/* The app that `name` is the token of; NULL: none. */
static const struct oauth_app *oauth_app_of(const struct cs_host *host,
                                            const char *name)
{
    size_t napps = sizeof(oauth_apps) / sizeof(oauth_apps[0]);

    for (size_t i = 0; i < napps; i++) {
        const char *token = host->text(host, oauth_apps[i].token);

        if (token && strcmp(token, name) == 0)
            return &oauth_apps[i];
    }
    return NULL;
}

/* A district need not have an app of its own, but half of one is a mistake; the
 * common one is what is left to hope for. */
static void oauth_tell_absence(const struct cs_host *host,
                               const struct oauth_app *app)
{
    bool common = strcmp(app->id, "client_id") == 0;

    if (common || host->secret(host, app->secret))
        cs_log(host, CS_LOG_WARN,
               "there is no %s, so no access token can be fetched with it",
               host->text(host, app->id));
}

static enum cs_rc oauth_fetch(void *self, const char *name,
                              struct cs_secret *secret)
{
    const struct cs_host *host = self;
    const struct oauth_app *app = oauth_app_of(host, name);
    bool list = strcmp(host->text(host, "grant"), "list") == 0;
    enum cs_rc rc;

    if (!app || !host->scope->district)
        return CS_E_NOT_HERE;
    if (!host->secret(host, app->id)) {
        oauth_tell_absence(host, app);
        return CS_E_NOT_HERE;
    }
    rc = list ? oauth_list(host, app, secret) : oauth_mint(host, app, secret);
    if (rc == CS_E_NOT_HERE) /* it would mean that this store lacks the name */
        rc = cs_fail(host, CS_E_CONFIG,
                     "there is nothing at token_url: is the address right?");
    return rc;
}

#define OAUTH_DISTRICT "{secret_prefix}--{district_prefix}--"
#define OAUTH_GLOBAL "{secret_prefix}--Clever--"
#define OAUTH_TEXT CS_OPT_TEXT | CS_OPT_TEMPLATE | CS_OPT_OPTIONAL
#define OAUTH_SECRET CS_OPT_SECRET | CS_OPT_TEMPLATE | CS_OPT_OPTIONAL

static const struct cs_option oauth_options[] = {
    {"token_url", CS_OPT_TEXT, "https://clever.com/oauth/tokens", NULL,
     "where Clever lists an app's tokens"},
    {"grant", CS_OPT_TEXT, "list", "list client_credentials",
     "list: look the district's token up; client_credentials: ask for one"},
    {"token_lifetime", CS_OPT_NUMBER, "86400", "1..31536000",
     "seconds until a token is looked up anew; Clever names no life"},
    {"district_access_token", OAUTH_TEXT, OAUTH_DISTRICT "AccessToken", NULL,
     "the name that a token of a district's own app answers to"},
    {"district_client_id", OAUTH_SECRET, OAUTH_DISTRICT "ClientId", NULL,
     "the client id of a district's own app"},
    {"district_client_secret", OAUTH_SECRET, OAUTH_DISTRICT "ClientSecret",
     NULL, "the client secret of a district's own app"},
    {"access_token", OAUTH_TEXT, OAUTH_GLOBAL "AccessToken", NULL,
     "the name that a token of the app of all districts answers to"},
    {"client_id", OAUTH_SECRET, OAUTH_GLOBAL "ClientId", NULL,
     "the client id of the app of all districts"},
    {"client_secret", OAUTH_SECRET, OAUTH_GLOBAL "ClientSecret", NULL,
     "the client secret of the app of all districts"},
    {.name = NULL},
};

static const struct cs_credential_ops oauth_ops = {
    .life = {.open = oauth_open, .close = oauth_close},
    .fetch = oauth_fetch,
};

CS_CREDENTIAL_PLUGIN("clever-oauth", oauth_ops, .version = "1.0",
                     .summary = "access tokens from Clever",
                     .options = oauth_options);
