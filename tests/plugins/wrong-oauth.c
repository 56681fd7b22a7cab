/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* clever-oauth with a fault that is chosen by an option: what only a store at
 * the other end of a line can do wrong. */
#define cleversync_plugin clever_oauth_plugin
#include "../../plugins/credential/clever-oauth/clever-oauth.c"
#undef cleversync_plugin

#include <unistd.h>

static bool wrong_is(const struct cs_host *host, const char *fault)
{
    return strcmp(host->text(host, "fault"), fault) == 0;
}

/* "remembers": the first token is good for ever. */
static enum cs_rc wrong_remember(const struct cs_host *host, const char *name,
                                 struct cs_secret *secret)
{
    static const char kept[] = "canary-that-is-kept";
    enum cs_rc rc = oauth_fetch((void *)(uintptr_t)host, name, secret);

    return rc == CS_OK ? host->reveal(secret, kept, sizeof(kept) - 1, 0) : rc;
}

static enum cs_rc wrong_fetch(void *self, const char *name,
                              struct cs_secret *secret)
{
    const struct cs_host *host = self;
    enum cs_rc rc = wrong_is(host, "remembers")
                        ? wrong_remember(host, name, secret)
                        : oauth_fetch(self, name, secret);

    while (rc == CS_E_CANCELLED && wrong_is(host, "deaf"))
        pause();
    if (rc == CS_E_RETRY && wrong_is(host, "gives-up"))
        return cs_fail(host, CS_E_FATAL, "the store is away");
    if (rc == CS_E_AUTH && wrong_is(host, "misjudges"))
        return cs_fail(host, CS_E_RETRY, "the store refuses");
    return rc;
}

static const struct cs_option wrong_options[] = {
    {"fault", CS_OPT_TEXT, "none", NULL, "what goes wrong"},
    {"token_url", CS_OPT_TEXT, NULL, NULL, "where tokens are listed"},
    {"grant", CS_OPT_TEXT, "list", NULL, "list"},
    {"token_lifetime", CS_OPT_NUMBER, "86400", NULL, "seconds"},
    {"access_token", OAUTH_TEXT, "CleverSyncSOS--Check--Value", NULL, "a name"},
    {"client_id", OAUTH_SECRET, OAUTH_GLOBAL "ClientId", NULL, "the client"},
    {"client_secret", OAUTH_SECRET, OAUTH_GLOBAL "ClientSecret", NULL, "its"},
    {.name = NULL},
};

static const struct cs_credential_ops wrong_ops = {
    .life = {.open = oauth_open, .close = oauth_close},
    .fetch = wrong_fetch,
};

CS_CREDENTIAL_PLUGIN("wrong-oauth", wrong_ops, .version = "1.0",
                     .summary = "clever-oauth with a fault",
                     .options = wrong_options);
