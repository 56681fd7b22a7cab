/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* A store without secrets that crashes outside of its callbacks: when it is
 * loaded or at the end of the program, as $WRONG_CRASH says. */
#include "plain.h"

#include <stdlib.h>
#include <string.h>

static void wrong_crash(const char *when)
{
    const char *wanted = getenv("WRONG_CRASH");
    if (wanted != NULL && strcmp(wanted, when) == 0)
        abort();
}

__attribute__((constructor)) static void wrong_begin(void)
{
    wrong_crash("load");
}

__attribute__((destructor)) static void wrong_end(void)
{
    wrong_crash("end");
}

static enum cs_rc wrong_fetch(void *self, const char *name,
                              struct cs_secret *secret)
{
    (void)self;
    (void)name;
    (void)secret;
    return CS_E_NOT_HERE;
}

static const struct cs_credential_ops wrong_ops = {
    .life = {.open = plain_open, .close = plain_close},
    .fetch = wrong_fetch,
};

CS_CREDENTIAL_PLUGIN("wrong-crash", wrong_ops, .version = "1.0",
                     .summary = "a store that crashes");
