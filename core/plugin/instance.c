/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

#include "config.h"

#include "plugin/instance.h"

#include "app.h"
#include "base/log.h"
#include "base/memory.h"
#include "sync/page.h"

#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

static struct cs_instance *of(const struct cs_host *host)
{
    /* The host is the first member; plugins only see it as constant. */
    return (struct cs_instance *)(uintptr_t)host;
}

/* ---- Log, errors, time --------------------------------------------------- */

static struct cs_log_context context_of(const struct cs_instance *instance)
{
    return (struct cs_log_context){
        .instance = instance->request.part->section,
        .run = instance->request.whom.run,
        .district = instance->request.whom.district_id,
        .school = instance->request.whom.school_id,
        .entity = instance->request.entity,
    };
}

CS_FORMAT static void host_log(const struct cs_host *host, int level,
                               const char *format, ...)
{
    struct cs_log_context context = context_of(of(host));
    va_list arguments;

    if (level < CS_LOG_ERROR || level > CS_LOG_DEBUG)
        level = CS_LOG_ERROR;
    va_start(arguments, format);
    cs_log_vwrite((enum cs_level)level, &context, format, arguments);
    va_end(arguments);
}

CS_FORMAT static enum cs_rc host_fail(const struct cs_host *host, int rc,
                                      const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    cs_error_vset(&of(host)->error, rc, format, arguments);
    va_end(arguments);
    return (enum cs_rc)rc;
}

static long host_remaining_ms(const struct cs_host *host)
{
    return cs_cancel_remaining_ms(of(host)->request.cancel);
}

static int64_t host_now(const struct cs_host *host)
{
    (void)host;
    return cs_clock_now();
}

/* ---- Options ------------------------------------------------------------- */

static const struct cs_option *option_of(const struct cs_instance *instance,
                                         const char *name)
{
    return cs_settings_option(instance->module->plugin.options, name);
}

static const char *raw_of(const struct cs_instance *instance, const char *name)
{
    return cs_wiring_value(instance->app->settings, instance->request.part,
                           name);
}

static char *fill(const struct cs_instance *instance, const char *text,
                  struct cs_error *error)
{
    return cs_scope_fill(text, &instance->request.whom,
                         cs_settings_text(instance->app->settings, "cleversync",
                                          "secret_prefix"),
                         error);
}

/* Fills in all templates, so that asking for an option cannot fail later. */
static enum cs_rc fill_all(struct cs_instance *instance, struct cs_error *error)
{
    const struct cs_option *option = instance->module->plugin.options;
    struct cs_error why;
    size_t i, n = 0;

    while (option && option[n].name)
        n++;
    instance->filled = cs_memory_array(n + 1, sizeof(*instance->filled));
    for (i = 0; i < n; i++) {
        bool secret = (option[i].type & 0xff) == CS_OPT_SECRET;
        const char *raw = raw_of(instance, option[i].name);

        if (!(option[i].type & CS_OPT_TEMPLATE) || !raw)
            continue;
        instance->filled[i] = fill(instance, raw, &why);
        if (!instance->filled[i] && !secret &&
            !(option[i].type & CS_OPT_OPTIONAL))
            return cs_error_set(error, why.rc, "%s: %s: %s",
                                instance->request.part->section, option[i].name,
                                why.text);
    }
    return CS_OK;
}

static void forget_filled(struct cs_instance *instance)
{
    const struct cs_option *option = instance->module->plugin.options;

    for (size_t i = 0; instance->filled && option && option[i].name; i++)
        free(instance->filled[i]);
    free(instance->filled);
}

static const char *host_text(const struct cs_host *host, const char *name)
{
    struct cs_instance *instance = of(host);
    const struct cs_option *option = option_of(instance, name);

    if (option && option->type & CS_OPT_TEMPLATE)
        return instance->filled[option - instance->module->plugin.options];
    return raw_of(instance, name);
}

static long host_number(const struct cs_host *host, const char *name)
{
    const char *value = host_text(host, name);

    return value ? strtol(value, NULL, 10) : 0;
}

static bool host_flag(const struct cs_host *host, const char *name)
{
    const char *value = host_text(host, name);

    return value && strcmp(value, "true") == 0;
}

/* ---- Secrets ------------------------------------------------------------- */

/* Shows the token to the service through an instance of its own, because the
 * asker is in the middle of a call. */
static enum cs_rc verify(void *arg, struct cs_error *error)
{
    const struct cs_instance *asker = arg;
    struct cs_instance_request request = asker->request;
    struct cs_instance *probe;
    enum cs_rc rc;

    request.probe = true;
    rc = cs_instance_open(&probe, asker->app, &request, error);
    if (rc != CS_OK)
        return rc;
    rc = cs_instance_check(probe, error);
    cs_instance_close(probe);
    return rc;
}

/* Borrows what the option names.  A missing secret is CS_E_NOT_HERE. */
static enum cs_rc borrow(struct cs_instance *instance, const char *name,
                         bool token, struct cs_loan **loan,
                         struct cs_error *error)
{
    struct cs_secrets_request request = {
        .names = host_text(&instance->host, name),
        .whom = instance->request.whom,
        .stores = instance->app->wiring.ncredentials,
        .cancel = instance->request.cancel,
        .quiet = instance->request.quiet,
    };
    const char *raw = raw_of(instance, name);
    struct cs_error why;
    char *filled;

    if (instance->module->kind == CS_CREDENTIAL)
        request.stores = instance->request.stores;
    if (instance->module->kind == CS_SINK && raw)
        request.old_name = cs_scope_old_name(raw, &request.whom);
    if (token && instance->module->kind == CS_SOURCE &&
        instance->request.whom.district_id && !instance->request.probe) {
        request.verify = verify;
        request.arg = instance;
    }
    if (request.names)
        return cs_secrets_borrow(instance->app->secrets, &request, loan, error);
    if (!raw)
        return cs_error_set(error, CS_E_NOT_HERE, "%s is not set", name);
    filled = fill(instance, raw, &why);
    free(filled);
    return cs_error_set(error, CS_E_NOT_HERE, "%s: %s", name, why.text);
}

/* To a plugin CS_E_NOT_HERE means something else; a secret that it needs and
 * nobody holds is a failed login. */
static enum cs_rc need(struct cs_error *error, enum cs_rc rc)
{
    if (rc == CS_E_NOT_HERE)
        error->rc = rc = CS_E_AUTH;
    return rc;
}

static const char *host_secret(const struct cs_host *host, const char *name)
{
    struct cs_instance *instance = of(host);
    const struct cs_option *option = option_of(instance, name);
    struct cs_error error = {0};
    struct cs_loan *loan;
    enum cs_rc rc = borrow(instance, name, false, &loan, &error);

    if (rc != CS_OK) {
        if (rc != CS_E_NOT_HERE || !option ||
            !(option->type & CS_OPT_OPTIONAL)) {
            need(&error, rc);
            instance->error = error;
        }
        return NULL;
    }
    instance->loans = cs_memory_grow(instance->loans, instance->nloans + 1,
                                     sizeof(struct cs_loan *));
    instance->loans[instance->nloans++] = loan;
    return cs_secrets_bytes(loan);
}

static void return_loans(struct cs_instance *instance)
{
    while (instance->nloans > 0)
        cs_secrets_return(instance->app->secrets,
                          instance->loans[--instance->nloans]);
}

/* ---- HTTP ---------------------------------------------------------------- */

/* A secret for one exchange. */
struct lender {
    struct cs_instance *instance;
    const struct cs_http *exchange;
};

/* A header or a login cannot carry control characters; most often it is a line
 * end that came along when the secret was stored. */
static bool has_control(const char *bytes)
{
    while (*bytes && (unsigned char)*bytes >= ' ' && *bytes != 0x7f)
        bytes++;
    return *bytes;
}

static enum cs_rc lend(void *arg, const char *name, const char **bytes,
                       void **lent, struct cs_error *error)
{
    struct lender *lender = arg;
    const char *bearer = lender->exchange->bearer;
    struct cs_instance *instance = lender->instance;
    struct cs_loan *loan;
    enum cs_rc rc = borrow(instance, name, bearer && strcmp(bearer, name) == 0,
                           &loan, error);

    if (rc != CS_OK)
        return need(error, rc);
    if (has_control(cs_secrets_bytes(loan))) {
        rc = cs_error_set(error, CS_E_CONFIG,
                          "the secret %s in %s holds a control character, "
                          "perhaps a line end: store it anew without it",
                          cs_secrets_name(loan), cs_secrets_store(loan));
        cs_secrets_return(instance->app->secrets, loan);
        return rc;
    }
    *bytes = cs_secrets_bytes(loan);
    *lent = loan;
    return CS_OK;
}

static void refused(void *arg, void *loan)
{
    struct lender *lender = arg;

    cs_secrets_refused(lender->instance->app->secrets, loan,
                       lender->instance->request.quiet);
}

static void release(void *arg, void *loan)
{
    struct lender *lender = arg;

    cs_secrets_return(lender->instance->app->secrets, loan);
}

static enum cs_rc host_http(const struct cs_host *host,
                            struct cs_http *exchange)
{
    struct cs_instance *instance = of(host);
    struct lender arg = {instance, exchange};
    struct cs_http_lender lender = {lend, refused, release, &arg};
    struct cs_log_context context = context_of(instance);
    struct cs_http_call call = {
        .exchange = exchange,
        .reply = &instance->reply,
        .lender = &lender,
        .cancel = instance->request.cancel,
        .context = &context,
        .link_local = instance->module->kind == CS_CREDENTIAL,
        .once = instance->request.once,
    };
    struct cs_error error = {0};
    enum cs_rc rc;

    /* Nobody could tell later which members such a plugin knows. */
    if (exchange->size <
        offsetof(struct cs_http, core) + sizeof(exchange->core))
        return cs_fail(host, CS_E_FATAL,
                       "the plugin did not set the size of its struct cs_http");
    rc = cs_http_perform(instance->app->http, &call, &error);
    if (error.rc != CS_OK) /* not when each() stopped it and said why */
        instance->error = error;
    return rc;
}

/* ---- Open and close ------------------------------------------------------ */

static void wipe(void *bytes, size_t size)
{
    OPENSSL_cleanse(bytes, size);
}

static void make_host(struct cs_instance *instance)
{
    const struct cs_whom *whom = &instance->request.whom;

    instance->scope = (struct cs_scope){
        .size = sizeof(instance->scope),
        .run = whom->run,
        .pipeline = whom->pipeline,
        .district = whom->district_id,
        .school = whom->school_id,
    };
    instance->host = (struct cs_host){
        .size = sizeof(instance->host),
        .scope = &instance->scope,
        .reads = instance->request.reads,
        .log = host_log,
        .fail = host_fail,
        .remaining_ms = host_remaining_ms,
        .now = host_now,
        .text = host_text,
        .number = host_number,
        .flag = host_flag,
        .secret = host_secret,
        .http = host_http,
        .want = cs_page_want,
        .emit = cs_page_emit,
        .next = cs_page_next,
        .done = cs_page_done,
        .reveal = cs_secrets_reveal,
        .wipe = wipe,
    };
}

static void free_instance(struct cs_instance *instance)
{
    forget_filled(instance);
    free(instance->loans);
    cs_http_reply_free(instance->reply);
    free(instance);
}

static const struct cs_life *life_of(const struct cs_instance *instance)
{
    return instance->module->kind == CS_MAPPER ? NULL
                                               : &instance->module->ops.life;
}

enum cs_rc cs_instance_open(struct cs_instance **instance, struct cs_app *app,
                            const struct cs_instance_request *request,
                            struct cs_error *error)
{
    struct cs_instance *new = cs_memory_new(sizeof(*new));
    enum cs_rc rc;

    new->app = app;
    new->request = *request;
    new->module = request->part->module;
    make_host(new);
    if (request->offer)
        request->offer(request->offer_arg, &new->host);
    rc = fill_all(new, error);
    if (rc == CS_OK && life_of(new)) {
        cs_instance_enter_undisturbed(new); /* there is no self yet */
        rc = life_of(new)->open(&new->host, &new->self);
        rc = cs_instance_leave(new, rc, error);
    }
    *instance = new;
    if (rc != CS_OK) {
        free_instance(new);
        *instance = NULL;
    }
    return rc;
}

void cs_instance_close(struct cs_instance *instance)
{
    if (!instance)
        return;
    if (life_of(instance)) {
        cs_instance_enter_undisturbed(instance);
        life_of(instance)->close(instance->self);
        cs_instance_leave(instance, CS_OK, NULL);
    }
    free_instance(instance);
}

/* ---- Cancelling ---------------------------------------------------------- */

static void *cancel_call(void *arg)
{
    struct cs_instance *instance = arg;

    life_of(instance)->cancel(instance->self);
    return NULL;
}

/* Without a thread to be had the call ends by itself, at its deadline. */
static void start_canceller(void *arg)
{
    struct cs_instance *instance = arg;

    instance->cancelling =
        pthread_create(&instance->canceller, NULL, cancel_call, instance) == 0;
}

static void listen_to_cancel(struct cs_instance *instance)
{
    const struct cs_life *life = life_of(instance);

    if (!life || !life->cancel || !instance->request.cancel)
        return;
    instance->listener.tell = start_canceller;
    instance->listener.arg = instance;
    cs_cancel_listen(instance->request.cancel, &instance->listener);
}

static void end_cancelling(struct cs_instance *instance)
{
    cs_cancel_unlisten(&instance->listener);
    if (instance->cancelling)
        pthread_join(instance->canceller, NULL);
    instance->cancelling = false;
}

/* ---- Calls --------------------------------------------------------------- */

void cs_instance_enter_undisturbed(struct cs_instance *instance)
{
    instance->error = (struct cs_error){.rc = CS_OK};
}

void cs_instance_enter(struct cs_instance *instance)
{
    cs_instance_enter_undisturbed(instance);
    listen_to_cancel(instance);
}

enum cs_rc cs_instance_leave(struct cs_instance *instance, enum cs_rc rc,
                             struct cs_error *error)
{
    const char *section = instance->request.part->section;
    const struct cs_error *said = &instance->error;
    size_t length = strlen(section);

    end_cancelling(instance);
    return_loans(instance);
    if (rc > CS_MAYBE || rc < CS_E_FATAL)
        return cs_error_set(error, CS_E_FATAL,
                            "%s: the plugin gave a result that has no "
                            "meaning (%d)",
                            section, (int)rc);
    if (rc >= CS_OK)
        return rc;
    if (said->rc == CS_OK)
        return cs_error_set(error, rc,
                            "%s: the plugin failed and did not say why (%d)",
                            section, (int)rc);
    if (strncmp(said->text, section, length) == 0 && said->text[length] == ':')
        cs_error_set(error, rc, "%s", said->text); /* from its own probe */
    else
        cs_error_set(error, rc, "%s: %s", section, said->text);
    if (error && said->rc == rc)
        error->status = said->status;
    return rc;
}

enum cs_rc cs_instance_check(struct cs_instance *instance,
                             struct cs_error *error)
{
    const struct cs_life *life = life_of(instance);

    if (!life || !life->check)
        return CS_OK;
    cs_instance_enter(instance);
    return cs_instance_leave(instance, life->check(instance->self), error);
}
