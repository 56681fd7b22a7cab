/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* Cases for stores of secrets.  Nobody can know what a store holds, so some
 * are made only if it holds secrets of these names:
 *
 *   CleverSyncSOS--Check--Value   any text
 *   CleverSyncSOS--Check--Empty   an empty one, if the store can
 *   CleverSyncSOS--Check--Large   25,000 bytes or more that end in "end" */

#include "config.h"

#include "conform/conform-lab.h"
#include "conform/probe.h"

#include "base/memory.h"
#include "secret/store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define VALUE CS_CONFORM_VALUE
#define EMPTY CS_CONFORM_EMPTY
#define HUGE_ONE CS_CONFORM_LARGE
#define NOBODY "CleverSyncSOS--Check--Nobody-Has-This"

enum { LARGE = 25000, READERS = 4, READS = 10 };

/* ---- Asking -------------------------------------------------------------- */

/* As the core does; secret->copy is yours. */
static enum cs_rc fetch(struct cs_instance *store, const char *name,
                        struct cs_secret *secret, struct cs_error *error)
{
    enum cs_rc rc;

    *secret = (struct cs_secret){.copy = NULL};
    cs_instance_enter(store);
    rc = store->module->ops.credential.fetch(store->self, name, secret);
    if (rc < CS_OK && store->error.rc == CS_OK && rc != CS_E_NOT_HERE)
        cs_error_set(&store->error, rc, "%s",
                     secret->fault ? secret->fault : "it did not say why");
    return cs_instance_leave(store, rc, error);
}

static enum cs_rc ask(struct cs_probe *probe, struct cs_instance *store,
                      const char *name, struct cs_secret *secret)
{
    enum cs_rc rc = CS_OK;

    *secret = (struct cs_secret){.copy = NULL};
    if (cs_conform_over(probe->conform))
        return rc;
    rc = fetch(store, name, secret, &probe->error);
    if (secret->copy)
        cs_probe_keep_secret(probe, secret->copy);
    return rc;
}

/* Asks and forgets what it was. */
static enum cs_rc ask_for(struct cs_probe *probe, struct cs_instance *store,
                          const char *name)
{
    struct cs_secret secret;
    enum cs_rc rc = ask(probe, store, name, &secret);

    if (rc != CS_OK && secret.copy)
        cs_conform_fail(probe->conform, "it gives bytes and %s",
                        cs_probe_word(rc));
    cs_secrets_wipe(secret.copy);
    return rc;
}

static enum cs_rc work(struct cs_probe *probe, struct cs_instance *store,
                       struct cs_error *error)
{
    struct cs_secret secret;
    enum cs_rc rc = fetch(store, VALUE, &secret, error);

    if (secret.copy)
        cs_probe_keep_secret(probe, secret.copy);
    cs_secrets_wipe(secret.copy);
    return rc;
}

/* The store, if it holds that name; NULL: the case is over. */
static struct cs_instance *holder(struct cs_probe *probe, const char *name)
{
    struct cs_instance *store = cs_probe_open(probe, 0);

    if (cs_conform_over(probe->conform))
        return NULL;
    if (ask_for(probe, store, name) == CS_E_NOT_HERE) {
        char *why = cs_memory_format("put a secret %s into the store", name);

        cs_conform_skip(probe->conform, why);
        free(why);
    }
    return cs_conform_over(probe->conform) ? NULL : store;
}

/* ---- What is there ------------------------------------------------------- */

static void found(struct cs_probe *probe)
{
    struct cs_instance *store = holder(probe, VALUE);
    struct cs_secret one, other;

    if (!store)
        return;
    cs_probe_wants(probe, "fetch", ask(probe, store, VALUE, &one), CS_OK);
    cs_probe_wants(probe, "fetch", ask(probe, store, VALUE, &other), CS_OK);
    if (!one.copy || !*one.copy)
        cs_conform_fail(probe->conform, "CS_OK, but nothing was revealed");
    else if (other.copy && strcmp(one.copy, other.copy) != 0)
        cs_conform_fail(probe->conform, "the second time it is another one");
    cs_secrets_wipe(one.copy);
    cs_secrets_wipe(other.copy);
}

static void missing(struct cs_probe *probe)
{
    struct cs_instance *store = cs_probe_open(probe, 0);

    cs_probe_wants(probe, "a name that nobody has",
                   ask_for(probe, store, NOBODY), CS_E_NOT_HERE);
}

static void empty(struct cs_probe *probe)
{
    struct cs_instance *store = holder(probe, EMPTY);

    if (store)
        cs_probe_wants(probe, "an empty secret", ask_for(probe, store, EMPTY),
                       CS_E_CONFIG);
}

static void large(struct cs_probe *probe)
{
    struct cs_instance *store = holder(probe, HUGE_ONE);
    struct cs_secret secret;
    size_t size;

    if (!store)
        return;
    cs_probe_wants(probe, "a large secret",
                   ask(probe, store, HUGE_ONE, &secret), CS_OK);
    size = secret.copy ? strlen(secret.copy) : 0;
    if (size < LARGE || strcmp(secret.copy + size - 3, "end") != 0)
        cs_conform_fail(probe->conform,
                        "of at least %d bytes that end in \"end\" it gives %zu",
                        (int)LARGE, size);
    cs_secrets_wipe(secret.copy);
}

/* No name leads out of the store, or to another secret. */
static void odd_names(struct cs_probe *probe)
{
    char overlong[2001] = "";
    const char *const names[] = {
        "",
        ".",
        "..",
        "../passwd",
        "/etc/passwd",
        "Check/Value",
        "Check\\Value",
        "Check Value",
        VALUE " ",
        " " VALUE,
        VALUE "/",
        VALUE "?x",
        "%2e%2e",
        "Ren\xC3\xA9",
        "\xF0\x9F\x98\x80",
        "a\nb",
        "--",
        "*",
        "$HOME",
        overlong,
    };
    struct cs_instance *store = cs_probe_open(probe, 0);

    memset(overlong, 'x', sizeof(overlong) - 1);
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        enum cs_rc rc;

        cs_conform_about(probe->conform, "odd name %zu", i + 1);
        rc = ask_for(probe, store, names[i]);
        if (rc != CS_E_CONFIG)
            cs_probe_wants(probe, "fetch", rc, CS_E_NOT_HERE);
    }
}

/* One that has expired would be fetched again and again. */
static void expiry(struct cs_probe *probe)
{
    struct cs_instance *store = holder(probe, VALUE);
    struct cs_secret secret;

    if (!store)
        return;
    cs_probe_wants(probe, "fetch", ask(probe, store, VALUE, &secret), CS_OK);
    if (secret.expires != 0 && secret.expires <= cs_clock_now())
        cs_conform_fail(probe->conform, "it has expired already");
    cs_secrets_wipe(secret.copy);
}

/* ---- What changes -------------------------------------------------------- */

static void rotation(struct cs_probe *probe)
{
    struct cs_instance *store = holder(probe, VALUE);
    struct cs_secret one, other;
    char *token;

    if (!store || !cs_probe_has_lab(probe))
        return;
    ask(probe, store, VALUE, &one);
    token = cs_memory_format("/lab/token?district=%s", probe->whom.district_id);
    cs_probe_lab(probe, token);
    free(token);
    cs_probe_lab(probe, "/lab/secret?name=" VALUE "&value=canary-of-the-lab-2");
    cs_probe_wants(probe, "fetch", ask(probe, store, VALUE, &other), CS_OK);
    if (one.copy && other.copy && strcmp(one.copy, other.copy) == 0)
        cs_conform_fail(probe->conform,
                        "it changed in the store, and the old one is given");
    cs_secrets_wipe(one.copy);
    cs_secrets_wipe(other.copy);
}

static void away(struct cs_probe *probe)
{
    static const char *const faults[] = {"status-503", "reset", "cut-body"};
    struct cs_instance *store = holder(probe, VALUE);

    if (!store || !cs_probe_has_lab(probe))
        return;
    for (size_t i = 0; i < sizeof(faults) / sizeof(*faults); i++) {
        cs_conform_about(probe->conform, "%s", faults[i]);
        cs_probe_fault(probe, faults[i]);
        cs_probe_wants(probe, "fetch", ask_for(probe, store, VALUE),
                       CS_E_RETRY);
    }
    cs_conform_about(probe->conform, "when it is back");
    cs_probe_fault(probe, NULL);
    cs_probe_wants(probe, "fetch", ask_for(probe, store, VALUE), CS_OK);
}

static void refuses(struct cs_probe *probe)
{
    struct cs_instance *store = holder(probe, VALUE);

    if (!store || !cs_probe_has_lab(probe))
        return;
    cs_probe_fault(probe, "status-403");
    cs_probe_wants(probe, "fetch", ask_for(probe, store, VALUE), CS_E_AUTH);
}

/* ---- Several at once ----------------------------------------------------- */

struct reader {
    struct cs_instance *store;
    const char *want;
    bool other;
    pthread_t thread;
};

static void *read_often(void *arg)
{
    struct reader *reader = arg;

    for (int i = 0; i < READS; i++) {
        struct cs_secret secret;
        struct cs_error error;

        fetch(reader->store, VALUE, &secret, &error);
        if (!secret.copy || strcmp(secret.copy, reader->want) != 0)
            reader->other = true;
        cs_secrets_wipe(secret.copy);
    }
    return NULL;
}

static void parallel(struct cs_probe *probe)
{
    struct cs_instance *store = holder(probe, VALUE);
    struct reader readers[READERS] = {{.store = NULL}};
    struct cs_secret secret;
    bool other = false;
    int n = 0;

    if (!store || ask(probe, store, VALUE, &secret) != CS_OK)
        return;
    for (; n < READERS; n++) {
        readers[n].store = cs_probe_open(probe, 0);
        readers[n].want = secret.copy;
        if (cs_conform_over(probe->conform) ||
            pthread_create(&readers[n].thread, NULL, read_often, &readers[n]))
            break;
    }
    while (n > 0) {
        pthread_join(readers[--n].thread, NULL);
        other = other || readers[n].other;
    }
    if (other)
        cs_conform_fail(probe->conform,
                        "of several who ask at once some get another one");
    cs_secrets_wipe(secret.copy);
}

static const struct cs_conform_case cases[] = {
    {CS_CONFORM_WORKS, "secrets: found, and the same again", found},
    {CS_CONFORM_WORKS, "secrets: missing is not empty", missing},
    {CS_CONFORM_WORKS, "secrets: empty is the operator's fault", empty},
    {CS_CONFORM_WORKS, "secrets: a large one is whole", large},
    {CS_CONFORM_WORKS, "secrets: none expires before it is used", expiry},
    {CS_CONFORM_SAFE, "secrets: odd names lead nowhere", odd_names},
    {CS_CONFORM_SAFE, "secrets: a changed one is given", rotation},
    {CS_CONFORM_SAFE, "secrets: a store that is away is CS_E_RETRY", away},
    {CS_CONFORM_SAFE, "secrets: one that refuses is CS_E_AUTH", refuses},
    {CS_CONFORM_FAST, "secrets: several ask at once", parallel},
    {.name = NULL},
};

static const struct cs_conform_case *const topics[] = {cases, NULL};

const struct cs_conform_kind cs_conform_credential = {
    .kind = CS_CREDENTIAL,
    .most = 30 * CS_SECOND,
    .work = work,
    .topics = topics,
};
