/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

#include "config.h"

#include "conform/probe.h"

#include "base/memory.h"
#include "conform/conform-lab.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A secret that is shorter may be part of any sentence. */
enum { SECRET_LENGTH = 6 };

/* ---- What is said -------------------------------------------------------- */

static const char *keep(char ***list, size_t *n, const char *text)
{
    *list = cs_memory_grow(*list, *n + 1, sizeof(**list));
    (*list)[*n] = cs_memory_text(text);
    return (*list)[(*n)++];
}

static void hear(struct cs_probe *probe, const char *text)
{
    pthread_mutex_lock(&probe->mutex);
    keep(&probe->said, &probe->nsaid, text);
    pthread_mutex_unlock(&probe->mutex);
}

const char *cs_probe_keep_secret(struct cs_probe *probe, const char *text)
{
    const char *kept;

    pthread_mutex_lock(&probe->mutex);
    kept = keep(&probe->secrets, &probe->nsecrets, text);
    pthread_mutex_unlock(&probe->mutex);
    return kept;
}

bool cs_probe_heard(struct cs_probe *probe, const char *text)
{
    bool heard = false;

    pthread_mutex_lock(&probe->mutex);
    for (size_t i = 0; i < probe->nsaid; i++)
        heard = heard || strstr(probe->said[i], text);
    pthread_mutex_unlock(&probe->mutex);
    return heard;
}

void cs_probe_no_secret_heard(struct cs_probe *probe)
{
    for (size_t i = 0; i < probe->nsecrets; i++)
        if (strlen(probe->secrets[i]) >= SECRET_LENGTH &&
            cs_probe_heard(probe, probe->secrets[i]))
            cs_conform_fail(probe->conform,
                            "an error or a line of the log holds a secret");
}

static void forget(char **list, size_t n)
{
    for (size_t i = 0; i < n; i++)
        free(list[i]);
    free(list);
}

/* ---- The host that a plugin is offered ----------------------------------- */

static struct cs_instance *instance_of(const struct cs_host *host)
{
    return (struct cs_instance *)(uintptr_t)host; /* it is the first member */
}

static struct cs_probe *probe_of(const struct cs_host *host)
{
    return instance_of(host)->request.offer_arg;
}

CS_FORMAT static void tell_log(const struct cs_host *host, int level,
                               const char *format, ...)
{
    struct cs_error line;
    va_list arguments;

    va_start(arguments, format);
    cs_error_vset(&line, CS_E_FATAL, format, arguments);
    va_end(arguments);
    hear(probe_of(host), line.text);
    probe_of(host)->real.log(host, level, "%s", line.text);
}

/* What a sentence is not to be. */
static const char *fault_of(int rc, const char *text)
{
    size_t length = strlen(text);

    if (rc >= CS_OK || rc < CS_E_FATAL)
        return "has no class of errors";
    if (length == 0)
        return "is empty";
    if (strpbrk(text, "\r\n\t"))
        return "is more than one line";
    if (text[length - 1] == '.')
        return "ends in a full stop";
    return NULL;
}

CS_FORMAT static enum cs_rc tell_fail(const struct cs_host *host, int rc,
                                      const char *format, ...)
{
    struct cs_probe *probe = probe_of(host);
    struct cs_error error;
    va_list arguments;
    const char *fault;

    va_start(arguments, format);
    cs_error_vset(&error, rc, format, arguments);
    va_end(arguments);
    fault = fault_of(rc, error.text);
    hear(probe, error.text);
    pthread_mutex_lock(&probe->mutex);
    if (fault)
        probe->unsound = fault;
    pthread_mutex_unlock(&probe->mutex);
    return probe->real.fail(host, rc, "%s", error.text);
}

static const struct cs_option *option_of(const struct cs_host *host,
                                         const char *name)
{
    return cs_settings_option(instance_of(host)->module->plugin.options, name);
}

static const char *give_text(const struct cs_host *host, const char *name)
{
    const struct cs_probe *probe = probe_of(host);
    const struct cs_option *option = option_of(host, name);

    if (probe->option && strcmp(probe->option, name) == 0)
        return probe->value;
    if (probe->unset && option && option->type & CS_OPT_OPTIONAL)
        return NULL;
    return probe->real.text(host, name);
}

static long give_number(const struct cs_host *host, const char *name)
{
    const char *value = give_text(host, name);

    return value ? strtol(value, NULL, 10) : 0;
}

static bool give_flag(const struct cs_host *host, const char *name)
{
    const char *value = give_text(host, name);

    return value && strcmp(value, "true") == 0;
}

/* The address of a lab may be in a connection string.  Lives as long as the
 * case. */
static const char *with_lab(struct cs_probe *probe, const char *secret)
{
    const char *at = strstr(secret, CS_CONFORM_LAB);
    char *filled;

    cs_probe_keep_secret(probe, secret);
    if (!at || !probe->conform->lab)
        return secret;
    filled = cs_memory_format("%.*s%s%s", (int)(at - secret), secret,
                              cs_conform_lab_url(probe->conform->lab),
                              at + strlen(CS_CONFORM_LAB));
    secret = cs_probe_keep_secret(probe, filled);
    free(filled);
    return secret;
}

static const char *give_secret(const struct cs_host *host, const char *name)
{
    struct cs_probe *probe = probe_of(host);
    const struct cs_option *option = option_of(host, name);
    const char *secret;

    if (probe->unset && option && option->type & CS_OPT_OPTIONAL)
        return NULL;
    if (probe->no_secrets) {
        probe->real.fail(host, CS_E_AUTH, "no store holds what %s names", name);
        return NULL;
    }
    secret = probe->real.secret(host, name);
    return secret ? with_lab(probe, secret) : NULL;
}

static void offer(void *arg, struct cs_host *host)
{
    struct cs_probe *probe = arg;

    if (probe->real.size == 0)
        probe->real = *host;
    host->log = tell_log;
    host->fail = tell_fail;
    host->text = give_text;
    host->number = give_number;
    host->flag = give_flag;
    host->secret = give_secret;
    if (probe->longer)
        host->size += sizeof(void *);
    if (probe->kind->offer)
        probe->kind->offer(host);
}

/* ---- Instances ----------------------------------------------------------- */

struct cs_instance *cs_probe_try_open(struct cs_probe *probe, int64_t limit)
{
    struct cs_instance_request request = {
        .part = probe->conform->part,
        .whom = probe->whom,
        .reads = probe->reads,
        .stores = probe->conform->app->wiring.ncredentials,
        .once = true,
        .offer = offer,
        .offer_arg = probe,
    };
    size_t i = 0;

    if (cs_conform_over(probe->conform))
        return NULL;
    while (probe->other[i])
        i++;
    request.cancel = probe->limit[i] = cs_cancel_new(probe->cancel, limit);
    if (cs_instance_open(&probe->other[i], probe->conform->app, &request,
                         &probe->error) != CS_OK) {
        cs_cancel_free(probe->limit[i]);
        probe->limit[i] = NULL;
    }
    return probe->other[i];
}

struct cs_instance *cs_probe_open(struct cs_probe *probe, int64_t limit)
{
    struct cs_instance *instance = cs_probe_try_open(probe, limit);

    if (!instance && !cs_conform_over(probe->conform))
        cs_probe_wants(probe, "open", probe->error.rc, CS_OK);
    return instance;
}

static size_t place_of(const struct cs_probe *probe,
                       const struct cs_instance *other)
{
    size_t i = 0;

    while (probe->other[i] != other)
        i++;
    return i;
}

static void close_at(struct cs_probe *probe, size_t i)
{
    cs_instance_close(probe->other[i]);
    if (probe->limit[i])
        cs_cancel_free(probe->limit[i]);
    probe->other[i] = NULL;
    probe->limit[i] = NULL;
}

void cs_probe_close(struct cs_probe *probe, struct cs_instance *other)
{
    if (!cs_conform_over(probe->conform))
        close_at(probe, place_of(probe, other));
}

/* The others first: one of them may hold what the sink waits for. */
void cs_probe_close_all(struct cs_probe *probe)
{
    for (size_t i = CS_PROBE_OTHERS; i > 0; i--)
        close_at(probe, i - 1);
    probe->sink = NULL;
}

void cs_probe_stop(struct cs_probe *probe, struct cs_instance *other)
{
    if (!cs_conform_over(probe->conform))
        cs_cancel_now(probe->limit[place_of(probe, other)]);
}

/* ---- Around a case ------------------------------------------------------- */

void cs_probe_begin_case(struct cs_probe *probe, struct cs_conform *conform,
                         const struct cs_conform_kind *kind)
{
    *probe = (struct cs_probe){
        .conform = conform,
        .kind = kind,
        .cancel = cs_cancel_new(conform->app->cancel, kind->most),
        .whom = {.run = "check",
                 .pipeline = "check",
                 .district_id = "5f00000000000000000000dd",
                 .district_prefix = "Check-District",
                 .school_id = "5f00000000000000000000aa",
                 .school_prefix = "Check-School"},
    };
    pthread_mutex_init(&probe->mutex, NULL);
    if (conform->lab) {
        probe->whom = cs_conform_lab_whom(conform->lab);
        cs_conform_lab_post(conform->lab, "/lab/faults/clear");
    }
}

void cs_probe_end_case(struct cs_probe *probe)
{
    cs_cancel_free(probe->cancel);
    forget(probe->said, probe->nsaid);
    forget(probe->secrets, probe->nsecrets);
    pthread_mutex_destroy(&probe->mutex);
}

/* ---- Calls --------------------------------------------------------------- */

const char *cs_probe_word(enum cs_rc rc)
{
    static const char *const good[] = {"CS_OK", "CS_SKIP", "CS_LEFT",
                                       "CS_MAYBE"};
    static const char *const bad[] = {
        "CS_E_CONFIG", "CS_E_AUTH",      "CS_E_RETRY",
        "CS_E_DATA",   "CS_E_CURSOR",    "CS_E_NOT_HERE",
        "CS_E_BUSY",   "CS_E_CANCELLED", "CS_E_FATAL",
    };

    return rc >= CS_OK ? good[rc] : bad[-rc - 1];
}

void cs_probe_wants(struct cs_probe *probe, const char *call, enum cs_rc got,
                    enum cs_rc want)
{
    if (got != want)
        cs_conform_fail(
            probe->conform, "%s: expected %s, got %s%s%s%s", call,
            cs_probe_word(want), cs_probe_word(got), got < CS_OK ? " (" : "",
            got < CS_OK ? probe->error.text : "", got < CS_OK ? ")" : "");
}

enum cs_rc cs_probe_work(struct cs_probe *probe, struct cs_instance *instance)
{
    if (cs_conform_over(probe->conform))
        return CS_OK;
    return probe->kind->work(probe, instance, &probe->error);
}

/* ---- The lab ------------------------------------------------------------- */

bool cs_probe_has_lab(struct cs_probe *probe)
{
    if (!probe->conform->lab)
        cs_conform_skip(probe->conform,
                        "it takes the lab: let an address of the plugin begin "
                        "with " CS_CONFORM_LAB);
    return !cs_conform_over(probe->conform);
}

void cs_probe_lab(struct cs_probe *probe, const char *path)
{
    if (!cs_conform_over(probe->conform) &&
        !cs_conform_lab_post(probe->conform->lab, path))
        cs_conform_fail(probe->conform, "the lab refuses %s", path);
}

void cs_probe_fault(struct cs_probe *probe, const char *spec)
{
    cs_probe_lab(probe, "/lab/faults/clear");
    if (spec) {
        char *path = cs_memory_format("/lab/fault?spec=%s", spec);

        cs_probe_lab(probe, path);
        free(path);
    }
}
