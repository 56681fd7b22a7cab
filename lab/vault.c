/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* A Key Vault, and where tokens for it are had: the login service, a virtual
 * machine's metadata, App Service and Azure Arc. */
#include "config.h"
#include "lab/vault.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

#include "core/base/memory.h"

#define TOKEN "lab-vault-token-4f1d09c2e7a85b36d8e0a1"
#define STALE_TOKEN "lab-vault-stale"
#define PROOF "lab-identity-header"
#define ARC_KEY "lab-arc-key"
#define ARC_FILE "lab.key"
#define LOGIN_PATH "/lab-tenant/oauth2/v2.0/token"
#define LIFE 3600 /* seconds */

struct cs_lab_vault {
    char *client_id, *client_secret;
    char *arc_file;
    struct secret {
        char *name, *value, *state; /* "" or a word of /lab/secret */
    } * secrets;
    size_t count;
};

/* --- what it holds --- */

static struct secret *find(const struct cs_lab_vault *vault, const char *name)
{
    for (size_t i = 0; i < vault->count; i++)
        if (strcasecmp(vault->secrets[i].name, name) == 0)
            return &vault->secrets[i];
    return NULL;
}

bool cs_lab_vault_put(struct cs_lab_vault *vault, const char *name,
                      const char *value, const char *state)
{
    static const char *const states[] = {"", "disabled", "deleted", "expired",
                                         "early"};
    struct secret *secret = find(vault, name);
    bool known = false;

    for (size_t i = 0; i < sizeof states / sizeof states[0]; i++)
        known = known || strcmp(states[i], state) == 0;
    if (!known)
        return false;
    if (!secret) {
        vault->secrets = cs_memory_grow(vault->secrets, vault->count + 1,
                                        sizeof *vault->secrets);
        secret = &vault->secrets[vault->count++];
        *secret = (struct secret){.name = cs_memory_text(name)};
    }
    free(secret->value);
    free(secret->state);
    secret->value = cs_memory_text(value);
    secret->state = cs_memory_text(state);
    return true;
}

struct cs_lab_vault *cs_lab_vault_new(const char *directory,
                                      const char *client_id,
                                      const char *client_secret, char *error,
                                      size_t size)
{
    struct cs_lab_vault *vault = cs_memory_new(sizeof *vault);
    int fd;

    vault->client_id = cs_memory_text(client_id);
    vault->client_secret = cs_memory_text(client_secret);
    vault->arc_file = cs_memory_format("%s/" ARC_FILE, directory);
    cs_lab_vault_put(vault, "CleverSyncSOS--Clever--ClientId", client_id, "");
    cs_lab_vault_put(vault, "CleverSyncSOS--Clever--ClientSecret",
                     client_secret, "");
    if (!directory[0])
        return vault;
    fd = directory[0] == '/'
             ? open(vault->arc_file,
                    O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600)
             : -1;
    if (fd < 0 || write(fd, ARC_KEY, strlen(ARC_KEY)) < 0) {
        snprintf(error, size,
                 "--vault needs the whole path of a directory to "
                 "write to");
        if (fd >= 0)
            close(fd);
        cs_lab_vault_free(vault);
        return NULL;
    }
    close(fd);
    return vault;
}

void cs_lab_vault_free(struct cs_lab_vault *vault)
{
    if (!vault)
        return;
    for (size_t i = 0; i < vault->count; i++) {
        free(vault->secrets[i].name);
        free(vault->secrets[i].value);
        free(vault->secrets[i].state);
    }
    free(vault->secrets);
    free(vault->client_id);
    free(vault->client_secret);
    free(vault->arc_file);
    free(vault);
}

/* --- the vault --- */

static void refuse(struct cs_lab_reply *reply, unsigned status,
                   const char *code, const char *inner)
{
    reply->status = status;
    reply->body.length = 0;
    cs_lab_buffer_format(&reply->body,
                         "{\"error\":{\"code\":\"%s\",\"message\":"
                         "\"refused to Quill Canary\"",
                         code);
    if (inner)
        cs_lab_buffer_format(&reply->body, ",\"innererror\":{\"code\":\"%s\"}",
                             inner);
    cs_lab_buffer_text(&reply->body, "}}");
}

static bool authorized(const char *url, const struct cs_lab_request *request,
                       const struct cs_lab_hits *hits,
                       struct cs_lab_reply *reply)
{
    const char *header = request->authorization;
    char challenge[200];

    if (header && strcmp(header, "Bearer " TOKEN) == 0 &&
        !hits->on[CS_LAB_FAULT_VAULT_STALE])
        return true;
    snprintf(challenge, sizeof challenge,
             "Bearer authorization=\"%s/lab-tenant\", resource=\"%s\"", url,
             hits->on[CS_LAB_FAULT_VAULT_RESOURCE] ? "https://elsewhere.invalid"
                                                   : url);
    cs_lab_reply_text(reply, "WWW-Authenticate", challenge);
    refuse(reply, 401, "Unauthorized", NULL);
    return false;
}

static void show(const char *url, const struct secret *secret,
                 struct cs_lab_reply *reply)
{
    long long now = (long long)time(NULL);

    reply->status = 200;
    cs_lab_buffer_text(&reply->body, "{\"value\":");
    cs_lab_buffer_quote(&reply->body, secret->value, strlen(secret->value));
    cs_lab_buffer_format(&reply->body,
                         ",\"id\":\"%s/secrets/%s/%032d\","
                         "\"attributes\":{\"enabled\":true",
                         url, secret->name, 1);
    if (strcmp(secret->state, "expired") == 0)
        cs_lab_buffer_format(&reply->body, ",\"exp\":%lld", now - LIFE);
    if (strcmp(secret->state, "early") == 0)
        cs_lab_buffer_format(&reply->body, ",\"nbf\":%lld", now + LIFE);
    cs_lab_buffer_text(&reply->body, "}}");
}

/* Answers when a fault forbids it. */
static bool forbidden(const struct secret *secret,
                      const struct cs_lab_hits *hits,
                      struct cs_lab_reply *reply)
{
    static const struct {
        enum cs_lab_fault_kind kind;
        const char *code;
    } reasons[] = {
        {CS_LAB_FAULT_VAULT_POLICY, "AccessDenied"},
        {CS_LAB_FAULT_VAULT_ROLE, "ForbiddenByRbac"},
        {CS_LAB_FAULT_VAULT_FIREWALL, "ForbiddenByFirewall"},
    };
    const char *code = NULL;

    if (secret && strcmp(secret->state, "disabled") == 0)
        code = "SecretDisabled";
    for (size_t i = 0; i < sizeof reasons / sizeof reasons[0]; i++)
        if (hits->on[reasons[i].kind])
            code = reasons[i].code;
    if (code)
        refuse(reply, 403, "Forbidden", code);
    return code != NULL;
}

static void answer_secret(const struct cs_lab_vault *vault, const char *url,
                          const char *name, bool want_deleted,
                          const struct cs_lab_request *request,
                          const struct cs_lab_hits *hits,
                          struct cs_lab_reply *reply)
{
    const struct secret *secret = find(vault, name);
    bool deleted = secret && strcmp(secret->state, "deleted") == 0;

    if (!authorized(url, request, hits, reply))
        return;
    if (!cs_lab_request_param(request, "api-version"))
        refuse(reply, 400, "BadParameter", NULL);
    else if (forbidden(secret, hits, reply))
        return;
    else if (!secret || deleted != want_deleted)
        refuse(reply, 404, "SecretNotFound", NULL);
    else
        show(url, secret, reply);
}

/* --- tokens --- */

static void refuse_login(struct cs_lab_reply *reply, unsigned status,
                         const char *word)
{
    reply->status = status;
    cs_lab_buffer_format(&reply->body,
                         "{\"error\":\"%s\",\"error_description\":"
                         "\"AADSTS0: refused to Quill Canary\"}",
                         word);
}

/* The login service counts in numbers, the others in texts. */
static void give(const struct cs_lab_hits *hits, bool numbers,
                 struct cs_lab_reply *reply)
{
    const char *token =
        hits->on[CS_LAB_FAULT_VAULT_STALE] ? STALE_TOKEN : TOKEN;

    reply->status = 200;
    cs_lab_buffer_format(&reply->body,
                         "{\"token_type\":\"Bearer\",\"access_token\":\"%s\",",
                         token);
    if (numbers)
        cs_lab_buffer_format(&reply->body, "\"expires_in\":%d}", LIFE - 1);
    else
        cs_lab_buffer_format(&reply->body, "\"expires_on\":\"%lld\"}",
                             (long long)time(NULL) + LIFE);
}

static bool is(const char *value, const char *wanted)
{
    return value && strcmp(value, wanted) == 0;
}

static void answer_login(const struct cs_lab_vault *vault, const char *url,
                         const struct cs_lab_request *request,
                         const struct cs_lab_hits *hits,
                         struct cs_lab_reply *reply)
{
    char *uri = cs_memory_format("/?%s", request->body ? request->body : "");
    char *scope = cs_memory_format("%s/.default", url);
    struct cs_lab_request form;
    bool good = cs_lab_request_parse(&form, "POST", uri, NULL);
    bool known =
        good &&
        is(cs_lab_request_param(&form, "client_id"), vault->client_id) &&
        (is(cs_lab_request_param(&form, "client_secret"),
            vault->client_secret) ||
         is(cs_lab_request_param(&form, "client_assertion_type"),
            "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"));

    if (strcmp(request->method, "POST") != 0)
        refuse_login(reply, 405, "invalid_request");
    else if (!good || !is(cs_lab_request_param(&form, "grant_type"),
                          "client_credentials"))
        refuse_login(reply, 400, "unsupported_grant_type");
    else if (!known)
        refuse_login(reply, 401, "invalid_client");
    else if (!is(cs_lab_request_param(&form, "scope"), scope))
        refuse_login(reply, 400, "invalid_scope");
    else
        give(hits, true, reply);
    cs_lab_request_clear(&form);
    free(uri);
    free(scope);
}

/* Machines' endpoints: each wants a header of its own. */
static void answer_machine(const struct cs_lab_vault *vault, const char *url,
                           const struct cs_lab_request *request,
                           const struct cs_lab_hits *hits,
                           struct cs_lab_reply *reply)
{
    bool app = strcmp(request->path, "/msi/token") == 0;
    bool arc = strcmp(request->path, "/arc/token") == 0;
    char challenge[sizeof reply->headers[0].value];

    if (app ? !is(request->proof, PROOF) : !is(request->metadata, "true")) {
        refuse_login(reply, app ? 401 : 400, "bad_request_102");
    } else if (arc && !is(request->authorization, "Basic " ARC_KEY)) {
        snprintf(challenge, sizeof challenge, "Basic realm=%s",
                 vault->arc_file);
        cs_lab_reply_text(reply, "WWW-Authenticate", challenge);
        refuse_login(reply, 401, "unauthorized");
    } else if (!is(cs_lab_request_param(request, "resource"), url)) {
        refuse_login(reply, 400, "invalid_resource");
    } else {
        give(hits, false, reply);
    }
}

bool cs_lab_vault_answer(const struct cs_lab_vault *vault, const char *url,
                         const struct cs_lab_request *request,
                         const struct cs_lab_hits *hits,
                         struct cs_lab_reply *reply)
{
    static const char secrets[] = "/secrets/", deleted[] = "/deletedsecrets/";
    const char *path = request->path;

    if (strncmp(path, secrets, strlen(secrets)) == 0)
        answer_secret(vault, url, path + strlen(secrets), false, request, hits,
                      reply);
    else if (strncmp(path, deleted, strlen(deleted)) == 0)
        answer_secret(vault, url, path + strlen(deleted), true, request, hits,
                      reply);
    else if (strcmp(path, LOGIN_PATH) == 0)
        answer_login(vault, url, request, hits, reply);
    else if (strcmp(path, "/metadata/identity/oauth2/token") == 0 ||
             strcmp(path, "/msi/token") == 0 || strcmp(path, "/arc/token") == 0)
        answer_machine(vault, url, request, hits, reply);
    else
        return false;
    return true;
}
