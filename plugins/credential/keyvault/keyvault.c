/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* Secrets from Azure Key Vault. */

#include "config.h"

#include "keyvault.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    KEYVAULT_MOST = 25 * 1024, /* bytes */
    KEYVAULT_NAME = 127,
    KEYVAULT_MS = 10000, /* for one attempt: other stores may be waiting */
};

/* ---- Requests ------------------------------------------------------------ */

/* Other names the vault cannot have; nor must they change the address. */
static bool keyvault_named(const char *name)
{
    size_t length = strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                 "abcdefghijklmnopqrstuvwxyz"
                                 "0123456789-");

    return length > 0 && length <= KEYVAULT_NAME && name[length] == '\0';
}

void keyvault_patience(const struct keyvault *vault, struct cs_http *http)
{
    const struct cs_host *host = vault->host;
    long seconds = host->number(host, "retry_delay_seconds");

    http->timeout_ms = KEYVAULT_MS;
    http->tries = 1 + (unsigned)host->number(host, "retry_attempts");
    http->backoff_ms = seconds > 0 ? seconds * 1000 : 1;
}

/* GET; the reply is the caller's. */
static enum cs_rc keyvault_get(struct keyvault *vault, const char *kind,
                               const char *name, struct cs_http *http)
{
    const struct cs_host *host = vault->host;
    struct keyvault_text url = {.host = host}, bearer = {.host = host};
    const char *headers[] = {NULL, NULL};
    enum cs_rc rc = CS_E_FATAL;

    keyvault_text_add(&url, vault->url);
    keyvault_text_add(&url, kind);
    keyvault_text_add(&url, name);
    keyvault_text_add(&url, "?");
    keyvault_text_pair(&url, "api-version", host->text(host, "api_version"));
    if (vault->token) {
        keyvault_text_add(&bearer, "Authorization: Bearer ");
        keyvault_text_add(&bearer, vault->token);
        headers[0] = keyvault_text_end(&bearer);
    }
    *http = (struct cs_http){
        .size = sizeof(*http),
        .url = keyvault_text_end(&url),
        .headers = headers,
    };
    keyvault_patience(vault, http);
    if (!url.broken && !bearer.broken)
        rc = host->http(host, http);
    http->url = NULL;
    http->headers = NULL;
    keyvault_text_clear(&bearer);
    keyvault_text_clear(&url);
    return rc;
}

/* What Jansson frees, the core has wiped. */
static void keyvault_drop(struct cs_http *http)
{
    json_decref(http->reply);
    http->reply = NULL;
}

/* A 401 says which token is wanted. */
static enum cs_rc keyvault_renew(struct keyvault *vault,
                                 const struct cs_http *http)
{
    struct keyvault_text resource = {.host = vault->host};
    enum cs_rc rc = keyvault_challenge(
        vault->url, http->header(http, "WWW-Authenticate"), &resource);

    keyvault_forget(vault);
    if (rc == CS_OK)
        rc = keyvault_login(vault, resource.bytes);
    keyvault_text_clear(&resource);
    return rc;
}

/* Without a token the vault is asked all the same: its refusal says for what
 * one is to be fetched. */
static enum cs_rc keyvault_ask(struct keyvault *vault, const char *name,
                               struct cs_http *http)
{
    enum cs_rc rc;

    if (!keyvault_has_token(vault))
        keyvault_forget(vault);
    rc = keyvault_get(vault, "/secrets/", name, http);
    if (http->status != 401)
        return rc;
    keyvault_drop(http);
    rc = keyvault_renew(vault, http);
    http->status = 0;
    return rc == CS_OK ? keyvault_get(vault, "/secrets/", name, http) : rc;
}

/* ---- What the vault says ------------------------------------------------- */

/* The word for the error, or NULL; the inner one says more. */
static const char *keyvault_word(const json_t *reply)
{
    const json_t *error = json_object_get(reply, "error");
    const json_t *inner = json_object_get(error, "innererror");
    const char *word = json_string_value(json_object_get(inner, "code"));

    return word ? word : json_string_value(json_object_get(error, "code"));
}

static enum cs_rc keyvault_forbidden(const struct keyvault *vault,
                                     const char *name, const json_t *reply)
{
    static const struct {
        const char *word, *sentence;
    } reasons[] = {
        {"SecretDisabled", "it is disabled"},
        {"AccessDenied", "no access policy lets this identity get secrets"},
        {"ForbiddenByPolicy",
         "no access policy lets this identity get secrets"},
        {"ForbiddenByRbac",
         "this identity has no role on the vault that lets it read secrets, "
         "such as Key Vault Secrets User (a new one takes minutes to count)"},
        {"ForbiddenByFirewall", "the vault's firewall shuts this machine out"},
    };
    const char *word = keyvault_word(reply);

    for (size_t i = 0; word && i < sizeof(reasons) / sizeof(reasons[0]); i++)
        if (strcmp(reasons[i].word, word) == 0)
            return cs_fail(vault->host, CS_E_AUTH,
                           "secret %s cannot be read: %s", name,
                           reasons[i].sentence);
    return cs_fail(vault->host, CS_E_AUTH,
                   "secret %s cannot be read: the vault forbids it, and gives "
                   "no reason that is known here",
                   name);
}

/* A deleted secret answers as one that never was, except here, to those who
 * may look. */
static void keyvault_tell_deleted(struct keyvault *vault, const char *name)
{
    struct cs_http http;
    enum cs_rc rc = keyvault_get(vault, "/deletedsecrets/", name, &http);

    if (rc == CS_OK)
        cs_log(vault->host, CS_LOG_WARN,
               "secret %s was deleted from the vault; it can be recovered "
               "there",
               name);
    vault->blind = http.status == 401 || http.status == 403;
    keyvault_drop(&http);
}

static enum cs_rc keyvault_missing(struct keyvault *vault, const char *name,
                                   const json_t *reply)
{
    if (!keyvault_word(reply))
        return cs_fail(vault->host, CS_E_CONFIG,
                       "no Key Vault answers at base_url: is the address "
                       "right?");
    if (!vault->blind)
        keyvault_tell_deleted(vault, name);
    return cs_fail(vault->host, CS_E_NOT_HERE, "the vault holds no secret %s",
                   name); /* whatever became of that look */
}

static enum cs_rc keyvault_failed(struct keyvault *vault, const char *name,
                                  const struct cs_http *http, enum cs_rc rc)
{
    switch (http->status) {
    case 401:
        keyvault_forget(vault);
        return cs_fail(vault->host, CS_E_AUTH,
                       "the vault refuses the token of this identity: is it "
                       "of the vault's own directory?");
    case 403:
        return keyvault_forbidden(vault, name, http->reply);
    case 404:
    case 410:
        return keyvault_missing(vault, name, http->reply);
    default:
        return rc;
    }
}

/* ---- The secret ---------------------------------------------------------- */

/* The vault hands out what has expired: those times are for us to heed. */
static void keyvault_warn(const struct keyvault *vault, const char *name,
                          const json_t *reply)
{
    const json_t *attributes = json_object_get(reply, "attributes");
    const json_t *end = json_object_get(attributes, "exp");
    const json_t *start = json_object_get(attributes, "nbf");
    int64_t now = vault->host->now(vault->host) / 1000000;

    if (json_is_integer(end) && json_integer_value(end) <= now)
        cs_log(vault->host, CS_LOG_WARN,
               "secret %s has expired in the vault; it is used all the same",
               name);
    if (json_is_integer(start) && json_integer_value(start) > now)
        cs_log(vault->host, CS_LOG_WARN,
               "secret %s is not valid yet in the vault; it is used all the "
               "same",
               name);
}

static enum cs_rc keyvault_reveal(const struct keyvault *vault,
                                  const char *name, const json_t *reply,
                                  struct cs_secret *secret)
{
    const struct cs_host *host = vault->host;
    const json_t *value = json_object_get(reply, "value");
    const char *bytes = json_string_value(value);
    size_t size = json_string_length(value);

    if (!bytes)
        return cs_fail(host, CS_E_FATAL,
                       "the vault's reply for secret %s holds no value", name);
    if (size == 0 || strlen(bytes) != size)
        return cs_fail(host, CS_E_CONFIG, "secret %s is empty or not text",
                       name);
    if (size > KEYVAULT_MOST)
        return cs_fail(host, CS_E_CONFIG, "secret %s is longer than 25 KiB",
                       name);
    keyvault_warn(vault, name, reply);
    return host->reveal(secret, bytes, size, 0);
}

static enum cs_rc keyvault_fetch(void *self, const char *name,
                                 struct cs_secret *secret)
{
    struct keyvault *vault = self;
    struct cs_http http;
    enum cs_rc rc;

    if (!keyvault_named(name)) {
        cs_log(vault->host, CS_LOG_WARN,
               "secret %s was not asked for: names in a Key Vault are at most "
               "%d letters, digits and dashes",
               name, KEYVAULT_NAME);
        return CS_E_NOT_HERE;
    }
    rc = keyvault_ask(vault, name, &http);
    rc = rc == CS_OK ? keyvault_reveal(vault, name, http.reply, secret)
                     : keyvault_failed(vault, name, &http, rc);
    keyvault_drop(&http);
    return rc;
}

/* A name that no vault holds: the vault says so only to who may read there, and
 * nothing is read. */
static enum cs_rc keyvault_check(void *self)
{
    static const char name[] = "CleverSync--Health--Check";
    struct keyvault *vault = self;
    struct cs_http http;
    enum cs_rc rc = keyvault_ask(vault, name, &http);

    if (http.status == 404 && keyvault_word(http.reply))
        rc = CS_OK;
    else if (rc != CS_OK)
        rc = keyvault_failed(vault, name, &http, rc);
    keyvault_drop(&http);
    return rc;
}

/* ---- The plugin ---------------------------------------------------------- */

static enum cs_rc keyvault_open(const struct cs_host *host, void **self)
{
    const char *url = host->text(host, "base_url");
    size_t length = strlen(url);
    struct keyvault *vault;

    while (length > 0 && url[length - 1] == '/')
        length--;
    if (strcspn(url, "?#@") < length)
        return cs_fail(host, CS_E_CONFIG,
                       "base_url is not the address of a vault, such as "
                       "https://NAME.vault.azure.net");
    vault = calloc(1, sizeof(*vault));
    if (vault)
        vault->url = strndup(url, length);
    if (!vault || !vault->url) {
        free(vault);
        return cs_fail(host, CS_E_FATAL, "out of memory");
    }
    vault->host = host;
    *self = vault;
    return CS_OK;
}

static void keyvault_close(void *self)
{
    struct keyvault *vault = self;

    keyvault_forget(vault);
    free(vault->url);
    free(vault);
}

static const struct cs_option keyvault_options[] = {
    {"base_url", CS_OPT_TEXT, NULL, NULL,
     "the vault's address, https://NAME.vault.azure.net"},
    {"api_version", CS_OPT_TEXT, "7.4", NULL, "the version of its interface"},
    {"identity", CS_OPT_TEXT, "auto",
     "auto client-secret certificate workload app-service arc vm",
     "who reads; auto: the first of the others that is set up here"},
    {"client_id", CS_OPT_TEXT, "", NULL,
     "of the application or user-assigned identity; empty: $AZURE_CLIENT_ID, "
     "else the machine's own identity"},
    {"authority_host", CS_OPT_TEXT, "", NULL,
     "the login service; empty: $AZURE_AUTHORITY_HOST, else "
     "https://login.microsoftonline.com"},
    {"retry_attempts", CS_OPT_NUMBER, "3", "0..10",
     "how often the vault and the login service are asked again after a "
     "failure"},
    {"retry_delay_seconds", CS_OPT_NUMBER, "2", "0..60",
     "the wait before the first of them, then doubled each time"},
    {"metadata_url", CS_OPT_TEXT,
     "http://169.254.169.254/metadata/identity/oauth2/token", NULL,
     "where a virtual machine gets its tokens"},
    {"arc_directory", CS_OPT_TEXT, "/var/opt/azcmagent/tokens", NULL,
     "the only place where a key that Azure Arc names is read"},
    {.name = NULL},
};

static const struct cs_credential_ops keyvault_ops = {
    .life = {.open = keyvault_open,
             .check = keyvault_check,
             .close = keyvault_close},
    .fetch = keyvault_fetch,
};

CS_CREDENTIAL_PLUGIN("keyvault", keyvault_ops, .version = "1.0",
                     .summary = "secrets from Azure Key Vault",
                     .options = keyvault_options);
