/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* Tokens for the identity that Azure gave to where the program runs. */

#include "config.h"

#include "keyvault.h"

#include <fcntl.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

enum {
    MANAGED_PROBE_MS = 1000, /* off Azure nobody answers that address */
    MANAGED_MS = 5000,
    MANAGED_ARC_MOST = 4096 /* bytes of the challenge's file */
};

#define MANAGED_ARC_PROGRAM "/opt/azcmagent/bin/himds"
#define MANAGED_ARC_URL "http://127.0.0.1:40342/metadata/identity/oauth2/token"
#define MANAGED_REFUSAL                                                      \
    "no token is given to this machine: is an identity assigned to it, and " \
    "client_id, if set, one of them?"

bool keyvault_app_there(struct keyvault *vault)
{
    (void)vault;
    return keyvault_env("IDENTITY_ENDPOINT") && keyvault_env("IDENTITY_HEADER");
}

bool keyvault_arc_there(struct keyvault *vault)
{
    (void)vault;
    return (keyvault_env("IDENTITY_ENDPOINT") &&
            keyvault_env("IMDS_ENDPOINT")) ||
           access(MANAGED_ARC_PROGRAM, X_OK) == 0;
}

/* The endpoint may have a query of its own. */
static const char *managed_url(const struct keyvault *vault,
                               struct keyvault_text *url, const char *endpoint,
                               const char *version, const char *resource)
{
    const char *client = keyvault_client(vault);

    keyvault_text_add(url, endpoint);
    keyvault_text_add(url, strchr(endpoint, '?') ? "&" : "?");
    keyvault_text_pair(url, "api-version", version);
    keyvault_text_pair(url, "resource", resource);
    if (client)
        keyvault_text_pair(url, "client_id", client);
    return keyvault_text_end(url);
}

/* ---- A virtual machine --------------------------------------------------- */

/* Any answer will do; it will be 400, because a header is missing.  What has
 * answered once is there, however busy it may be later. */
bool keyvault_vm_there(struct keyvault *vault)
{
    struct cs_http http = {
        .size = sizeof(http),
        .url = vault->host->text(vault->host, "metadata_url"),
        .timeout_ms = MANAGED_PROBE_MS,
        .direct = true,
        .tries = 1,
    };

    if (!vault->machine) {
        vault->host->http(vault->host, &http);
        json_decref(http.reply);
        vault->machine = http.status != 0;
    }
    return vault->machine;
}

enum cs_rc keyvault_vm(struct keyvault *vault, const char *resource)
{
    static const char *const headers[] = {"Metadata: true", NULL};
    static const int retry[] = {404, 410, 501, 0}; /* busy; being updated */
    struct keyvault_text url = {.host = vault->host};
    struct cs_http http = {
        .size = sizeof(http),
        .headers = headers,
        .retry = retry,
        .timeout_ms = MANAGED_MS,
        .direct = true,
        .tries = 5, /* after 0, 2, 6, 14 and 30 seconds */
        .backoff_ms = 2000,
        .url = managed_url(vault, &url,
                           vault->host->text(vault->host, "metadata_url"),
                           "2018-02-01", resource),
    };
    enum cs_rc rc = http.url
                        ? keyvault_obtain(vault, &http, NULL, MANAGED_REFUSAL)
                        : CS_E_FATAL;

    if (http.status == 410) { /* the update may take 70 seconds */
        http.tries = 3;       /* after 30, 45 and 75 */
        http.backoff_ms = 15000;
        rc = keyvault_obtain(vault, &http, NULL, MANAGED_REFUSAL);
    }
    keyvault_text_clear(&url);
    return rc;
}

/* ---- App Service, Functions, Container Apps ------------------------------ */

/* Also for Arc: an agent on the machine itself. */
static struct cs_http managed_exchange(const char *const *headers)
{
    return (struct cs_http){
        .size = sizeof(struct cs_http),
        .headers = headers,
        .timeout_ms = MANAGED_MS,
        .direct = true,
        .tries = 3,
        .backoff_ms = 1000,
    };
}

enum cs_rc keyvault_app(struct keyvault *vault, const char *resource)
{
    const char *endpoint = keyvault_need(vault, "IDENTITY_ENDPOINT");
    const char *proof =
        endpoint ? keyvault_need(vault, "IDENTITY_HEADER") : NULL;
    struct keyvault_text url = {.host = vault->host};
    struct keyvault_text header = {.host = vault->host};
    const char *headers[] = {NULL, NULL};
    struct cs_http http = managed_exchange(headers);
    enum cs_rc rc = CS_E_FATAL;

    if (!proof)
        return CS_E_CONFIG;
    http.url = managed_url(vault, &url, endpoint, "2019-08-01", resource);
    keyvault_text_add(&header, "X-IDENTITY-HEADER: ");
    keyvault_text_add(&header, proof);
    headers[0] = keyvault_text_end(&header);
    if (http.url && headers[0])
        rc = keyvault_obtain(vault, &http, NULL, MANAGED_REFUSAL);
    keyvault_text_clear(&header);
    keyvault_text_clear(&url);
    return rc;
}

/* ---- Azure Arc ----------------------------------------------------------- */

/* Whether the path is that of a key right in Arc's own directory: the agent's
 * name for a file is only believed there. */
static bool managed_is_key(const struct keyvault *vault, const char *path)
{
    const char *directory = vault->host->text(vault->host, "arc_directory");
    size_t length = strlen(directory), rest;

    while (length > 1 && directory[length - 1] == '/')
        length--;
    if (strncmp(path, directory, length) != 0 || path[length] != '/')
        return false;
    path += length + 1;
    rest = strlen(path);
    return rest > strlen(".key") && path[0] != '.' && !strchr(path, '/') &&
           strcmp(path + rest - strlen(".key"), ".key") == 0;
}

/* Adds the header that answers the agent's challenge: that we may read a file
 * which it wrote. */
static enum cs_rc managed_answer(const struct keyvault *vault,
                                 const char *challenge,
                                 struct keyvault_text *header)
{
    static const char start[] = "Basic realm=";
    static const char scheme[] = "Authorization: Basic ";
    const char *path = challenge ? challenge : "";
    enum cs_rc rc;

    if (strncasecmp(path, start, strlen(start)) != 0 ||
        !managed_is_key(vault, path + strlen(start)))
        return cs_fail(vault->host, CS_E_AUTH,
                       "Azure Arc's agent does not name a key in %s; none was "
                       "read or shown",
                       vault->host->text(vault->host, "arc_directory"));
    keyvault_text_add(header, scheme);
    rc = keyvault_text_file(header, path + strlen(start), O_NOFOLLOW,
                            MANAGED_ARC_MOST);
    keyvault_text_trim(header, strlen(scheme));
    if (rc == CS_OK && !keyvault_plain(header->bytes + strlen(scheme)))
        rc = cs_fail(vault->host, CS_E_CONFIG,
                     "Azure Arc's key is not a line of plain text");
    return rc;
}

/* The first request: its refusal names the file. */
static enum cs_rc managed_challenge(const struct keyvault *vault,
                                    struct cs_http *http,
                                    struct keyvault_text *header)
{
    enum cs_rc rc = vault->host->http(vault->host, http);

    json_decref(http->reply);
    http->reply = NULL;
    if (http->status == 401)
        return managed_answer(vault, http->header(http, "WWW-Authenticate"),
                              header);
    if (rc == CS_OK || rc == CS_E_NOT_HERE)
        return cs_fail(vault->host, CS_E_CONFIG,
                       "Azure Arc's agent does not answer as it should "
                       "(status %ld)",
                       http->status);
    return rc;
}

enum cs_rc keyvault_arc(struct keyvault *vault, const char *resource)
{
    const char *endpoint = keyvault_env("IDENTITY_ENDPOINT");
    struct keyvault_text url = {.host = vault->host};
    struct keyvault_text header = {.host = vault->host};
    const char *headers[] = {"Metadata: true", NULL, NULL};
    struct cs_http http = managed_exchange(headers);
    enum cs_rc rc;

    http.url = managed_url(vault, &url, endpoint ? endpoint : MANAGED_ARC_URL,
                           "2020-06-01", resource);
    rc = http.url ? managed_challenge(vault, &http, &header) : CS_E_FATAL;
    if (rc == CS_OK) {
        headers[1] = header.bytes;
        rc = keyvault_obtain(vault, &http, keyvault_client(vault),
                             MANAGED_REFUSAL);
    }
    keyvault_text_clear(&header);
    keyvault_text_clear(&url);
    return rc;
}
