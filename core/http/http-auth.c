/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */
#include "config.h"

#include "http/http-auth.h"

#include "base/memory.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

/* NULL bytes without an error: an optional secret that nobody holds. */
static enum cs_rc lend(struct cs_http_auth *auth,
                       const struct cs_http_lender *lender, const char *option,
                       const char **bytes, struct cs_error *error)
{
    void *loan = NULL;
    enum cs_rc rc = lender->lend(lender->arg, option, bytes, &loan, error);

    if (rc == CS_OK && loan) {
        auth->loans[auth->nloans++] = loan;
    }
    return rc;
}

static enum cs_rc take_bearer(struct cs_http_auth *auth,
                              const struct cs_http_call *call,
                              struct cs_error *error)
{
    static const char start[] = "Authorization: Bearer ";
    const char *token = NULL;
    enum cs_rc rc =
        lend(auth, call->lender, call->exchange->bearer, &token, error);

    if (rc != CS_OK || !token) {
        return rc;
    }
    size_t size = sizeof(start) + strlen(token);
    auth->line = cs_memory_new(size);
    snprintf(auth->line, size, "%s%s", start, token);
    return CS_OK;
}

static void make_basic(struct cs_http_auth *auth, const char *user,
                       const char *password)
{
    static const char start[] = "Authorization: Basic ";
    size_t size = strlen(user) + strlen(password) + 2;
    char *pair = cs_memory_new(size);

    snprintf(pair, size, "%s:%s", user, password);
    auth->line = cs_memory_new(sizeof(start) + (size + 2) / 3 * 4);
    memcpy(auth->line, start, sizeof(start) - 1);
    EVP_EncodeBlock((unsigned char *)auth->line + sizeof(start) - 1,
                    (const unsigned char *)pair, (int)size - 1);
    cs_memory_wipe(pair);
}

static enum cs_rc take_basic(struct cs_http_auth *auth,
                             const struct cs_http_call *call,
                             struct cs_error *error)
{
    const struct cs_http *exchange = call->exchange;
    const char *user = NULL, *password = NULL;
    enum cs_rc rc = lend(auth, call->lender, exchange->user, &user, error);

    if (rc == CS_OK && exchange->password) {
        rc = lend(auth, call->lender, exchange->password, &password, error);
    }
    if (rc == CS_OK && user) {
        make_basic(auth, user, password ? password : "");
    }
    return rc;
}

enum cs_rc cs_http_auth_take(struct cs_http_auth *auth,
                             const struct cs_http_call *call,
                             struct cs_error *error)
{
    enum cs_rc rc = CS_OK;

    if (call->lender && call->exchange->bearer) {
        rc = take_bearer(auth, call, error);
    } else if (call->lender && call->exchange->user) {
        rc = take_basic(auth, call, error);
    }
    if (rc != CS_OK) {
        cs_http_auth_return(auth, call->lender);
    }
    return rc;
}

void cs_http_auth_refused(struct cs_http_auth *auth,
                          const struct cs_http_lender *lender)
{
    for (size_t i = 0; i < auth->nloans; i++) {
        lender->refused(lender->arg, auth->loans[i]);
    }
}

void cs_http_auth_return(struct cs_http_auth *auth,
                         const struct cs_http_lender *lender)
{
    cs_memory_wipe(auth->line);
    for (size_t i = 0; i < auth->nloans; i++) {
        lender->release(lender->arg, auth->loans[i]);
    }
    *auth = (struct cs_http_auth){0};
}
