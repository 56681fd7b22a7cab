/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* Secrets from environment variables: CleverSyncSOS--Clever--ClientId is
 * CLEVERSYNCSOS__CLEVER__CLIENTID. */

#include "config.h"

#include <cleversync/plugin.h>

#include <stdlib.h>
#include <string.h>

static enum cs_rc env_open(const struct cs_host *host, void **self)
{
    *self = (void *)(uintptr_t)host; /* all it needs; handed back as const */
    return CS_OK;
}

static void env_close(void *self)
{
    (void)self;
}

/* A letter becomes upper case and a dash an underscore.  0: the character
 * belongs into no variable. */
static char env_letter(char c)
{
    if (c >= 'a' && c <= 'z')
        return (char)(c - 'a' + 'A');
    if ((c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'))
        return c;
    return c == '-' ? '_' : '\0';
}

/* The variable's name, to be freed; NULL: the name has none, or no memory. */
static char *env_variable(const char *name)
{
    char *variable = strdup(name);

    for (char *c = variable; c && *c; c++) {
        *c = env_letter(*c);
        if (!*c) {
            free(variable);
            return NULL;
        }
    }
    return variable;
}

static enum cs_rc env_fetch(void *self, const char *name,
                            struct cs_secret *secret)
{
    const struct cs_host *host = self;
    char *variable = env_variable(name);
    const char *value = variable ? getenv(variable) : NULL;
    enum cs_rc rc;

    if (!value)
        rc = CS_E_NOT_HERE;
    else if (!*value)
        rc = cs_fail(host, CS_E_CONFIG,
                     "the environment variable %s is set but empty: give it "
                     "the secret or unset it",
                     variable);
    else
        rc = host->reveal(secret, value, strlen(value), 0);
    free(variable);
    return rc;
}

static const struct cs_credential_ops env_ops = {
    .life = {.open = env_open, .close = env_close},
    .fetch = env_fetch,
};

CS_CREDENTIAL_PLUGIN("env", env_ops, .version = "1.0",
                     .summary = "secrets from environment variables");
