/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* A store of three secrets with a fault that is chosen by an option: each must
 * be found by the conformance cases.  Many are faults that plugins of any kind
 * can have. */
#include "config.h"

#include "plain.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define WRONG_NAME "CleverSyncSOS--Check--"
enum { WRONG_LARGE = 30000 };

struct wrong {
    const struct cs_host *host;
    pthread_t opener;
    unsigned fetched;
};

static bool wrong_is(const struct cs_host *host, const char *fault)
{
    return strcmp(host->text(host, "fault"), fault) == 0;
}

/* ---- Life --------------------------------------------------------------- */

static void *wrong_stay(void *arg)
{
    for (;;)
        pause();
    return arg;
}

static void wrong_leave_thread(void)
{
    pthread_attr_t attributes;
    pthread_t thread;
    pthread_attr_init(&attributes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    pthread_attr_setstacksize(&attributes, 256 * 1024);
    pthread_create(&thread, &attributes, wrong_stay, NULL);
    pthread_attr_destroy(&attributes);
}

static void wrong_do_harm(const struct cs_host *host)
{
    if (wrong_is(host, "chatty"))
        printf("here I am\n");
    if (wrong_is(host, "environment"))
        setenv("CLEVERSYNC_WRONG", "1", 1);
    if (wrong_is(host, "signals"))
        signal(SIGUSR1, SIG_IGN);
    if (wrong_is(host, "files") && dup(STDIN_FILENO) < 0)
        abort();
    if (wrong_is(host, "threads"))
        wrong_leave_thread();
    if (wrong_is(host, "crashes") && host->number(host, "number") == 10)
        raise(SIGKILL); /* of all signals the one that no sanitizer catches */
}

static enum cs_rc wrong_open(const struct cs_host *host, void **out)
{
    struct wrong *self = calloc(1, sizeof *self);
    wrong_do_harm(host);
    if ((wrong_is(host, "strict") && host->size != sizeof *host) ||
        (wrong_is(host, "range") && host->number(host, "number") == 10) ||
        (wrong_is(host, "needs") && host->text(host, "spare") == NULL)) {
        free(self);
        return cs_fail(host, CS_E_FATAL, "it is not as it was expected");
    }
    self->host = host;
    self->opener = pthread_self();
    *out = self;
    return CS_OK;
}

static void wrong_close(void *arg)
{
    free(arg);
}

static enum cs_rc wrong_check(void *arg)
{
    const struct wrong *self = arg;
    const struct cs_host *host = self->host;
    const char *key = host->secret(host, "key");
    if (key != NULL && wrong_is(host, "tells"))
        cs_log(host, CS_LOG_INFO, "the key is %s", key);
    if (wrong_is(host, "silent"))
        return CS_E_AUTH;
    if (wrong_is(host, "wordy"))
        return cs_fail(host, CS_E_AUTH, "not now.\nPerhaps later.");
    return CS_OK;
}

/* ---- Secrets ------------------------------------------------------------ */

static enum cs_rc wrong_reveal(struct wrong *self, const char *text,
                               struct cs_secret *secret)
{
    const struct cs_host *host = self->host;
    int64_t expires = wrong_is(host, "past") ? host->now(host) - 1000000 : 0;
    if (wrong_is(host, "quotes"))
        cs_log(host, CS_LOG_DEBUG, "it is %s", text);
    return host->reveal(secret, text, strlen(text), expires);
}

static enum cs_rc wrong_large(struct wrong *self, struct cs_secret *secret)
{
    size_t size = wrong_is(self->host, "cuts") ? 4096 : WRONG_LARGE;
    char *text = malloc(size + 1);
    memset(text, 'x', size);
    strcpy(text + size - 3, size == WRONG_LARGE ? "end" : "xxx");
    enum cs_rc rc = wrong_reveal(self, text, secret);
    free(text);
    return rc;
}

static enum cs_rc wrong_value(struct wrong *self, struct cs_secret *secret)
{
    char text[40] = "canary-of-the-wrong";
    self->fetched++;
    if (wrong_is(self->host, "changes"))
        snprintf(text, sizeof text, "canary-%u", self->fetched);
    return wrong_reveal(self, text, secret);
}

static enum cs_rc wrong_fetch(void *arg, const char *name,
                              struct cs_secret *secret)
{
    struct wrong *self = arg;
    const struct cs_host *host = self->host;
    size_t length = strlen(name);
    if (wrong_is(host, "loose"))
        length -= length > 0 && name[length - 1] == ' ';
    while (wrong_is(host, "deaf") && host->remaining_ms(host) == 0)
        pause();
    if (wrong_is(host, "exits"))
        exit(EXIT_SUCCESS);
    if (wrong_is(host, "bound") && !pthread_equal(self->opener, pthread_self()))
        return cs_fail(host, CS_E_FATAL, "another thread is calling");
    if (strncmp(name, WRONG_NAME "Value", length) == 0 &&
        length == strlen(WRONG_NAME "Value"))
        return wrong_value(self, secret);
    if (strcmp(name, WRONG_NAME "Large") == 0)
        return wrong_large(self, secret);
    if (strcmp(name, WRONG_NAME "Empty") == 0)
        return wrong_is(host, "void")
                   ? CS_OK
                   : cs_fail(host, CS_E_CONFIG, "it is empty");
    if (strstr(name, "Nobody") != NULL && wrong_is(host, "empty"))
        return host->reveal(secret, "", 0, 0);
    return CS_E_NOT_HERE;
}

static const struct cs_option wrong_options[] = {
    {"fault", CS_OPT_TEXT, "none", NULL, "what goes wrong"},
    {"number", CS_OPT_NUMBER, "5", "1..10", "a number"},
    {"spare", CS_OPT_TEXT | CS_OPT_OPTIONAL, "x", NULL, "may be unset"},
    {"key", CS_OPT_SECRET | CS_OPT_OPTIONAL, WRONG_NAME "Key", NULL, "a key"},
    {NULL, 0, NULL, NULL, NULL},
};

static const struct cs_credential_ops wrong_ops = {
    .life = {.open = wrong_open, .check = wrong_check, .close = wrong_close},
    .fetch = wrong_fetch,
};

CS_CREDENTIAL_PLUGIN("wrong", wrong_ops, .version = "1.0",
                     .summary = "a store with a fault",
                     .options = wrong_options);
