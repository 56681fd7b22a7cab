/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* Tokens from Microsoft's login service, for an application of the directory
 * that shows a secret, a certificate or its cluster's word. */

#include "config.h"

#include "keyvault.h"

#include <string.h>

enum { LOGIN_MOST = 32 * 1024 }; /* bytes of a federated token */

static bool login_there(const struct keyvault *vault, const char *variable)
{
    return keyvault_env("AZURE_TENANT_ID") && keyvault_client(vault) &&
           keyvault_env(variable);
}

bool keyvault_secret_there(struct keyvault *vault)
{
    return login_there(vault, "AZURE_CLIENT_SECRET");
}

bool keyvault_certificate_there(struct keyvault *vault)
{
    return login_there(vault, "AZURE_CLIENT_CERTIFICATE_PATH");
}

bool keyvault_workload_there(struct keyvault *vault)
{
    return login_there(vault, "AZURE_FEDERATED_TOKEN_FILE");
}

/* What every login needs. */
struct login {
    struct keyvault_text url, body;
};

static void login_clear(struct login *login)
{
    keyvault_text_clear(&login->url);
    keyvault_text_clear(&login->body);
}

static const char *login_authority(const struct keyvault *vault)
{
    const char *given = vault->host->text(vault->host, "authority_host");

    if (given && *given)
        return given;
    given = keyvault_env("AZURE_AUTHORITY_HOST");
    return given ? given : "https://login.microsoftonline.com";
}

/* A tenant is an id or a domain: it stays in its place of the address. */
static bool login_is_tenant(const char *tenant)
{
    return tenant[strspn(tenant, "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                 "abcdefghijklmnopqrstuvwxyz"
                                 "0123456789-._")] == '\0';
}

static enum cs_rc login_begin(const struct keyvault *vault, struct login *login,
                              const char *resource)
{
    const char *authority = login_authority(vault);
    const char *tenant = keyvault_need(vault, "AZURE_TENANT_ID");
    const char *client = keyvault_client(vault);
    size_t length = strlen(authority);
    struct keyvault_text scope = {.host = vault->host};

    *login = (struct login){{.host = vault->host}, {.host = vault->host}};
    if (!tenant)
        return CS_E_CONFIG;
    if (!client) {
        keyvault_need(vault, "AZURE_CLIENT_ID");
        return CS_E_CONFIG;
    }
    if (!login_is_tenant(tenant))
        return cs_fail(vault->host, CS_E_CONFIG,
                       "AZURE_TENANT_ID is neither an id nor a domain");
    while (length > 0 && authority[length - 1] == '/')
        length--;
    keyvault_text_bytes(&login->url, authority, length);
    keyvault_text_add(&login->url, "/");
    keyvault_text_add(&login->url, tenant);
    keyvault_text_add(&login->url, "/oauth2/v2.0/token");
    keyvault_text_add(&scope, resource);
    keyvault_text_add(&scope, "/.default");
    keyvault_text_pair(&login->body, "grant_type", "client_credentials");
    keyvault_text_pair(&login->body, "client_id", client);
    if (keyvault_text_end(&scope))
        keyvault_text_pair(&login->body, "scope", scope.bytes);
    login->body.broken |= scope.broken;
    keyvault_text_clear(&scope);
    return keyvault_text_end(&login->url) ? CS_OK : CS_E_FATAL;
}

static enum cs_rc login_send(struct keyvault *vault, struct login *login,
                             const char *refusal)
{
    struct cs_http http = {
        .size = sizeof(http),
        .method = "POST",
        .url = login->url.bytes,
        .content_type = "application/x-www-form-urlencoded",
        .body = keyvault_text_end(&login->body),
        .body_size = login->body.length,
    };

    keyvault_patience(vault, &http);
    return http.body ? keyvault_obtain(vault, &http, NULL, refusal)
                     : CS_E_FATAL;
}

enum cs_rc keyvault_secret(struct keyvault *vault, const char *resource)
{
    struct login login;
    enum cs_rc rc = login_begin(vault, &login, resource);
    const char *secret =
        rc == CS_OK ? keyvault_need(vault, "AZURE_CLIENT_SECRET") : NULL;

    if (rc == CS_OK && !secret)
        rc = CS_E_CONFIG;
    if (rc == CS_OK) {
        keyvault_text_pair(&login.body, "client_secret", secret);
        rc = login_send(vault, &login,
                        "the login service refuses the client secret: are "
                        "AZURE_TENANT_ID, the client id and "
                        "AZURE_CLIENT_SECRET right and not expired?");
    }
    login_clear(&login);
    return rc;
}

static enum cs_rc login_assert(struct keyvault *vault, struct login *login,
                               struct keyvault_text *jwt, const char *refusal)
{
    static const char type[] =
        "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

    if (!keyvault_text_end(jwt))
        return CS_E_FATAL;
    keyvault_text_pair(&login->body, "client_assertion_type", type);
    keyvault_text_pair(&login->body, "client_assertion", jwt->bytes);
    return login_send(vault, login, refusal);
}

enum cs_rc keyvault_certificate(struct keyvault *vault, const char *resource)
{
    struct keyvault_text jwt = {.host = vault->host};
    struct login login;
    enum cs_rc rc = login_begin(vault, &login, resource);
    const char *path =
        rc == CS_OK ? keyvault_need(vault, "AZURE_CLIENT_CERTIFICATE_PATH")
                    : NULL;

    if (rc == CS_OK && !path)
        rc = CS_E_CONFIG;
    if (rc == CS_OK)
        rc = keyvault_assertion(vault, path, keyvault_client(vault),
                                login.url.bytes, &jwt);
    if (rc == CS_OK)
        rc = login_assert(vault, &login, &jwt,
                          "the login service refuses the certificate: does "
                          "the application have it, and is it current?");
    keyvault_text_clear(&jwt);
    login_clear(&login);
    return rc;
}

enum cs_rc keyvault_workload(struct keyvault *vault, const char *resource)
{
    struct keyvault_text jwt = {.host = vault->host};
    struct login login;
    enum cs_rc rc = login_begin(vault, &login, resource);
    const char *path =
        rc == CS_OK ? keyvault_need(vault, "AZURE_FEDERATED_TOKEN_FILE") : NULL;

    if (rc == CS_OK && !path)
        rc = CS_E_CONFIG;
    if (rc == CS_OK) /* each time anew: the cluster replaces it */
        rc = keyvault_text_file(&jwt, path, 0, LOGIN_MOST);
    keyvault_text_trim(&jwt, 0);
    if (rc == CS_OK)
        rc = login_assert(vault, &login, &jwt,
                          "the login service refuses the cluster's token: is "
                          "the application federated with this account?");
    keyvault_text_clear(&jwt);
    login_clear(&login);
    return rc;
}
