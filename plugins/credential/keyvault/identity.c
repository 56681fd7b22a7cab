/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* Who we are, and the token that shows it. */

#include "config.h"

#include "keyvault.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* A token is not used in its last minutes: it shall last until the vault has
 * looked at it, whatever its clock says. */
#define IDENTITY_MARGIN (INT64_C(300) * 1000000)

/* Where nobody was found, nobody is looked for again so soon. */
#define IDENTITY_REST (INT64_C(60) * 1000000)

const char *keyvault_env(const char *name)
{
    const char *value = getenv(name);

    return value && *value ? value : NULL;
}

const char *keyvault_need(const struct keyvault *vault, const char *name)
{
    const char *value = keyvault_env(name);

    if (!value)
        cs_fail(vault->host, CS_E_CONFIG,
                "the variable %s, which identity = %s needs, is not set", name,
                vault->host->text(vault->host, "identity"));
    return value;
}

const char *keyvault_client(const struct keyvault *vault)
{
    const char *client = vault->host->text(vault->host, "client_id");

    return client && *client ? client : keyvault_env("AZURE_CLIENT_ID");
}

/* ---- The token ----------------------------------------------------------- */

bool keyvault_has_token(const struct keyvault *vault)
{
    return vault->token &&
           vault->host->now(vault->host) + IDENTITY_MARGIN < vault->expires;
}

void keyvault_forget(struct keyvault *vault)
{
    if (vault->token)
        vault->host->wipe(vault->token, strlen(vault->token));
    free(vault->token);
    vault->token = NULL;
}

/* A count of seconds, which comes as a number or as text; -1: neither. */
static int64_t identity_seconds(const json_t *value)
{
    const int64_t most = INT64_C(1) << 40;
    const char *text = json_string_value(value);
    long long number = json_is_integer(value) ? json_integer_value(value) : -1;
    char *end;

    if (text && *text >= '0' && *text <= '9') {
        errno = 0;
        number = strtoll(text, &end, 10);
        if (errno != 0 || *end)
            return -1;
    }
    return number <= most ? number : -1;
}

static int64_t identity_end(const struct keyvault *vault, const json_t *reply)
{
    int64_t end = identity_seconds(json_object_get(reply, "expires_on"));
    int64_t life = identity_seconds(json_object_get(reply, "expires_in"));

    if (end >= 0)
        return end * 1000000;
    if (life >= 0)
        return vault->host->now(vault->host) + life * 1000000;
    return -1;
}

static enum cs_rc identity_keep(struct keyvault *vault, const json_t *reply)
{
    json_t *token = json_object_get(reply, "access_token");
    int64_t end = identity_end(vault, reply);

    keyvault_forget(vault);
    if (!json_is_string(token) || end < 0 ||
        strlen(json_string_value(token)) != json_string_length(token) ||
        !keyvault_plain(json_string_value(token)))
        return cs_fail(vault->host, CS_E_FATAL,
                       "the reply to the login holds no token, or not when "
                       "it expires");
    vault->token = strdup(json_string_value(token));
    vault->expires = end;
    return vault->token ? CS_OK
                        : cs_fail(vault->host, CS_E_FATAL, "out of memory");
}

static enum cs_rc identity_failed(const struct keyvault *vault,
                                  const struct cs_http *http, enum cs_rc rc,
                                  const char *refusal)
{
    const char *word = json_string_value(json_object_get(http->reply, "error"));

    if (word && strcmp(word, "temporarily_unavailable") == 0)
        return cs_fail(vault->host, CS_E_RETRY,
                       "the login service is not available for now");
    if (http->status == 400 || http->status == 401 || http->status == 403)
        return cs_fail(vault->host, CS_E_AUTH, "%s (status %ld)", refusal,
                       http->status);
    if (rc == CS_E_NOT_HERE) /* it would mean that the vault lacks the name */
        return cs_fail(vault->host, CS_E_CONFIG,
                       "there is nothing where a token should be had: is "
                       "identity = %s right here?",
                       vault->host->text(vault->host, "identity"));
    return rc;
}

/* An old agent gives the machine's own token, whoever was asked for. */
static bool identity_is(const json_t *reply, const char *client)
{
    const char *whose = json_string_value(json_object_get(reply, "client_id"));

    return !client || (whose && strcasecmp(whose, client) == 0);
}

enum cs_rc keyvault_obtain(struct keyvault *vault, struct cs_http *http,
                           const char *client, const char *refusal)
{
    enum cs_rc rc = vault->host->http(vault->host, http);

    if (rc != CS_OK)
        rc = identity_failed(vault, http, rc, refusal);
    else if (!identity_is(http->reply, client))
        rc = cs_fail(vault->host, CS_E_CONFIG,
                     "the token that came is not said to be that of client_id; "
                     "an older agent knows only the machine's own identity");
    else
        rc = identity_keep(vault, http->reply);
    json_decref(http->reply);
    http->reply = NULL;
    return rc;
}

/* ---- Who we are ---------------------------------------------------------- */

/* In the order in which Azure's libraries look. */
static const struct identity {
    const char *name;
    bool (*there)(struct keyvault *);
    enum cs_rc (*login)(struct keyvault *, const char *resource);
} identities[] = {
    {"client-secret", keyvault_secret_there, keyvault_secret},
    {"certificate", keyvault_certificate_there, keyvault_certificate},
    {"workload", keyvault_workload_there, keyvault_workload},
    {"app-service", keyvault_app_there, keyvault_app},
    {"arc", keyvault_arc_there, keyvault_arc},
    {"vm", keyvault_vm_there, keyvault_vm},
};

/* NULL: nobody. */
static const struct identity *identity_find(struct keyvault *vault)
{
    const char *wanted = vault->host->text(vault->host, "identity");
    bool any = strcmp(wanted, "auto") == 0;

    if (any && vault->host->now(vault->host) < vault->nobody)
        return NULL;
    for (size_t i = 0; i < sizeof(identities) / sizeof(identities[0]); i++)
        if (any ? identities[i].there(vault)
                : strcmp(identities[i].name, wanted) == 0)
            return &identities[i];
    vault->nobody = vault->host->now(vault->host) + IDENTITY_REST;
    return NULL;
}

/* What is configured and fails is not passed over for the next. */
enum cs_rc keyvault_login(struct keyvault *vault, const char *resource)
{
    const struct cs_host *host = vault->host;
    const struct identity *identity = identity_find(vault);

    if (!identity && host->remaining_ms(host) == 0)
        return cs_fail(host, CS_E_CANCELLED,
                       "the search for an identity was cut short");
    if (!identity)
        return cs_fail(host, CS_E_AUTH,
                       "no identity was found: no AZURE_CLIENT_SECRET, "
                       "AZURE_CLIENT_CERTIFICATE_PATH or "
                       "AZURE_FEDERATED_TOKEN_FILE (with AZURE_TENANT_ID and a "
                       "client id), no IDENTITY_ENDPOINT, no agent of Azure "
                       "Arc, and no answer from metadata_url");
    cs_log(host, CS_LOG_DEBUG, "logging in as identity = %s", identity->name);
    return identity->login(vault, resource);
}
