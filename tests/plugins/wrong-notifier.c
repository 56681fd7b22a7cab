/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* The webhook with a fault that is chosen by an option: each must be found by
 * the conformance cases. */
#define cleversync_plugin webhook_plugin
#include "../../plugins/notifier/webhook/webhook.c"
#undef cleversync_plugin

#include <unistd.h>

static bool wrong_is(const struct cs_host *host, const char *fault)
{
    return strcmp(host->text(host, "fault"), fault) == 0;
}

static const char *wrong_kind(const json_t *event)
{
    return json_string_value(json_object_get(event, "event"));
}

/* Before anything is sent; CS_OK: go on. */
static enum cs_rc wrong_refuse(const struct cs_host *host,
                               const struct cs_news *news)
{
    if (wrong_is(host, "few") && news->n > 50)
        return cs_fail(host, CS_E_FATAL, "too many events");
    if (wrong_is(host, "some") && news->n == 0)
        return cs_fail(host, CS_E_FATAL, "no events");
    for (size_t i = 0; i < news->n; i++) {
        const char *kind = wrong_kind(news->events[i]);

        if (wrong_is(host, "narrow") && strcmp(kind, "moon_phase") == 0)
            return cs_fail(host, CS_E_FATAL, "an unknown event");
        if (wrong_is(host, "blind") && strcmp(kind, "recovered") == 0)
            return cs_fail(host, CS_E_FATAL, "an unknown event");
        if (wrong_is(host, "scribbles"))
            json_object_set_new((json_t *)(uintptr_t)news->events[i], "seen",
                                json_true());
    }
    return CS_OK;
}

static enum cs_rc wrong_send_secret(const struct cs_host *host)
{
    const char *secret = host->secret(host, "secret");

    return secret ? webhook_post(host, secret) : CS_OK;
}

static enum cs_rc wrong_judge(const struct cs_host *host, enum cs_rc rc)
{
    while (rc == CS_E_CANCELLED && wrong_is(host, "deaf"))
        pause();
    if (rc == CS_E_RETRY && wrong_is(host, "gives-up"))
        return cs_fail(host, CS_E_FATAL, "it was not delivered");
    if ((rc == CS_E_CONFIG || rc == CS_E_FATAL) && wrong_is(host, "insists"))
        return cs_fail(host, CS_E_RETRY, "it was not delivered");
    return rc;
}

static enum cs_rc wrong_notify(void *self, struct cs_news *news)
{
    const struct cs_host *host = self;
    enum cs_rc rc = wrong_refuse(host, news);

    if (rc != CS_OK)
        return rc;
    if (wrong_is(host, "again") && news->n > 50)
        news->again[7] = true;
    if (wrong_is(host, "forgets"))
        return CS_OK;
    if (wrong_is(host, "sends"))
        rc = wrong_send_secret(host);
    return rc == CS_OK ? wrong_judge(host, webhook_notify(self, news)) : rc;
}

static const struct cs_option wrong_options[] = {
    {"fault", CS_OPT_TEXT, "none", NULL, "what goes wrong"},
    {"url", CS_OPT_TEXT, NULL, NULL, "where events are posted to"},
    {"secret", CS_OPT_SECRET | CS_OPT_TEMPLATE,
     "{secret_prefix}--Webhook--Secret", NULL, "the key of the signature"},
    {"events", CS_OPT_TEXT, WEBHOOK_EVENTS, NULL, "which events are sent"},
    {.name = NULL},
};

static const struct cs_notifier_ops wrong_ops = {
    .life = {.open = webhook_open, .close = webhook_close},
    .notify = wrong_notify,
};

CS_NOTIFIER_PLUGIN("wrong", wrong_ops, .version = "1.0",
                   .summary = "the webhook with a fault",
                   .options = wrong_options);
