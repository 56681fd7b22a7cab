/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* Cases for notifiers: events as cleversync-plugin(7) describes them. */

#include "config.h"

#include "conform/conform-lab.h"
#include "conform/probe.h"

#include "base/json.h"
#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

enum { BATCH = 100 }; /* as many as the core hands over at once */

/* ---- Events -------------------------------------------------------------- */

#define IDS                                                           \
    "\"run\":\"0192b7c0\",\"district\":\"5f00000000000000000000dd\"," \
    "\"school\":\"5f00000000000000000000aa\","
#define ENDED "\"code\":0,\"result\":\"ok\",\"seconds\":12.5,"

/* Each kind with what it has beside id, time and level. */
static const char *const events[] = {
    "{" ENDED "\"run\":\"0192b7c0\",\"schools\":3,\"right\":3,\"read\":900,"
    "\"inserted\":1,\"updated\":2,\"restored\":0,\"deactivated\":4,"
    "\"deleted\":0,\"held\":0,\"rejected\":1,\"event\":\"run_finished\"}",
    "{\"code\":78,\"result\":\"configuration\",\"schools\":0,"
    "\"event\":\"run_finished\",\"level\":\"error\"}",
    "{" IDS "\"code\":5,\"result\":\"transient\",\"seconds\":3.0,"
    "\"level\":\"error\",\"event\":\"school_failed\"}",
    "{" IDS "\"failures\":3,\"level\":\"error\",\"event\":\"alert\"}",
    "{" IDS "\"failures\":3,\"event\":\"recovered\"}",
    "{" IDS "\"entity\":\"Student\",\"held\":17,\"level\":\"warning\","
    "\"event\":\"held\"}",
    "{" IDS "\"entity\":\"Student\",\"level\":\"warning\","
    "\"event\":\"cursor_lost\"}",
    "{\"dependency\":\"database\",\"from\":\"Healthy\",\"to\":\"Unhealthy\","
    "\"level\":\"error\",\"event\":\"health_changed\"}",
    "{\"event\":\"test\"}",
    "{" ENDED "\"run\":\"0192b7c0\",\"name\":\"run\",\"success\":true,"
    "\"event\":\"request\"}",
    "{" IDS ENDED "\"name\":\"sync\",\"success\":true,"
    "\"event\":\"dependency\"}",
    "{" IDS "\"entity\":\"Student\",\"code\":5,\"result\":\"transient\","
    "\"level\":\"error\",\"event\":\"exception\"}",
    "{" IDS "\"name\":\"rows_inserted\",\"entity\":\"Student\",\"value\":7,"
    "\"count\":2,\"min\":3,\"max\":4,\"deviation\":0.5,\"event\":\"metric\"}",
};
enum { EVENTS = sizeof(events) / sizeof(*events) };

/* What every event has, unless it has it already. */
static json_t *event_of(const char *text)
{
    json_t *event = json_loads(text, 0, NULL);
    json_t *common = json_pack(
        "{s:s, s:o, s:s}", "id", "c0ffee00-0000-4000-8000-000000000000", "time",
        cs_json_time(cs_clock_now()), "level", "information");

    json_object_update_missing(event, common);
    json_decref(common);
    return event;
}

/* ---- Telling ------------------------------------------------------------- */

struct telling {
    json_t *list[BATCH];
    struct cs_news news;
    bool again[BATCH];
};

static void add(struct telling *telling, json_t *stolen)
{
    telling->list[telling->news.n++] = stolen;
}

/* Hands over and forgets what was added. */
static enum cs_rc tell(struct telling *telling, struct cs_instance *notifier,
                       struct cs_error *error)
{
    enum cs_rc rc;

    telling->news.size = sizeof(telling->news);
    telling->news.events = (const json_t *const *)telling->list;
    telling->news.again = telling->again;
    memset(telling->again, 0, sizeof(telling->again));
    cs_instance_enter(notifier);
    rc = notifier->module->ops.notifier.notify(notifier->self, &telling->news);
    rc = cs_instance_leave(notifier, rc, error);
    for (size_t i = 0; i < telling->news.n; i++)
        json_decref(telling->list[i]);
    telling->news.n = 0;
    return rc;
}

static enum cs_rc tell_one(struct cs_probe *probe, struct cs_instance *notifier,
                           const char *text)
{
    struct telling telling = {.news = {.n = 0}};

    if (cs_conform_over(probe->conform))
        return CS_OK;
    add(&telling, event_of(text));
    return tell(&telling, notifier, &probe->error);
}

static enum cs_rc work(struct cs_probe *probe, struct cs_instance *notifier,
                       struct cs_error *error)
{
    struct telling telling = {.news = {.n = 0}};

    (void)probe;
    add(&telling, event_of("{\"event\":\"test\"}"));
    return tell(&telling, notifier, error);
}

/* One that can deliver; NULL: the case is over. */
static struct cs_instance *able(struct cs_probe *probe)
{
    struct cs_instance *notifier = cs_probe_open(probe, 0);
    enum cs_rc rc = cs_probe_work(probe, notifier);

    if (cs_conform_over(probe->conform))
        return NULL;
    if (probe->conform->lab)
        cs_probe_wants(probe, "notify", rc, CS_OK);
    else if (rc != CS_OK)
        cs_conform_skip(probe->conform,
                        "a test event cannot be delivered: give it an address "
                        "that takes events, perhaps {lab}/hook");
    return cs_conform_over(probe->conform) ? NULL : notifier;
}

/* ---- What is told -------------------------------------------------------- */

static void each_kind(struct cs_probe *probe)
{
    struct cs_instance *notifier = able(probe);

    for (size_t i = 0; notifier && i < EVENTS; i++) {
        cs_conform_about(probe->conform, "event %s",
                         strstr(events[i], "\"event\":") + 8);
        cs_probe_wants(probe, "notify", tell_one(probe, notifier, events[i]),
                       CS_OK);
    }
}

static void all_at_once(struct cs_probe *probe)
{
    struct cs_instance *notifier = able(probe);
    struct telling telling = {.news = {.n = 0}};

    if (!notifier)
        return;
    for (size_t i = 0; i < BATCH; i++)
        add(&telling, event_of(events[i % EVENTS]));
    cs_probe_wants(probe, "notify", tell(&telling, notifier, &probe->error),
                   CS_OK);
    for (size_t i = 0; i < BATCH; i++)
        if (telling.again[i])
            cs_conform_fail(probe->conform,
                            "it asks for event %zu again with CS_OK", i + 1);
}

static void none(struct cs_probe *probe)
{
    struct cs_instance *notifier = able(probe);
    struct telling telling = {.news = {.n = 0}};

    if (notifier)
        cs_probe_wants(probe, "notify", tell(&telling, notifier, &probe->error),
                       CS_OK);
}

/* Of a later version of the core. */
static void unknown(struct cs_probe *probe)
{
    struct cs_instance *notifier = able(probe);

    if (!notifier)
        return;
    cs_conform_about(probe->conform, "an event of a later version");
    cs_probe_wants(
        probe, "notify",
        tell_one(probe, notifier, "{\"event\":\"moon_phase\",\"moon\":[1,{}]}"),
        CS_OK);
    cs_conform_about(probe->conform, "a member of a later version");
    cs_probe_wants(probe, "notify",
                   tell_one(probe, notifier,
                            "{\"event\":\"alert\",\"moon\":{\"phase\":null}}"),
                   CS_OK);
}

/* Events belong to all notifiers. */
static void untouched(struct cs_probe *probe)
{
    struct cs_instance *notifier = able(probe);
    struct telling telling = {.news = {.n = 0}};
    json_t *event, *before;

    if (!notifier)
        return;
    event = event_of(events[0]);
    before = json_deep_copy(event);
    add(&telling, json_incref(event));
    tell(&telling, notifier, &probe->error);
    if (!json_equal(event, before))
        cs_conform_fail(probe->conform, "it changes the event");
    if (event->refcount != 1)
        cs_conform_fail(probe->conform, "it keeps the event, or drops it");
    json_decref(event);
    json_decref(before);
}

/* ---- Whom it tells ------------------------------------------------------- */

static size_t received(struct cs_probe *probe)
{
    json_t *all = cs_conform_lab_get(probe->conform->lab, "/lab/telemetry");
    size_t n = json_array_size(all);

    json_decref(all);
    return n;
}

/* The core takes CS_OK for delivered. */
static void delivered(struct cs_probe *probe)
{
    struct cs_instance *notifier = cs_probe_open(probe, 0);

    if (!cs_probe_has_lab(probe))
        return;
    cs_probe_lab(probe, "/lab/telemetry/clear");
    cs_probe_wants(probe, "notify", cs_probe_work(probe, notifier), CS_OK);
    cs_probe_close(probe, notifier);
    if (!cs_conform_over(probe->conform) && received(probe) == 0)
        cs_conform_fail(probe->conform,
                        "CS_OK and closed, but nothing has arrived");
}

static void expect(struct cs_probe *probe, struct cs_instance *notifier,
                   const char *fault, enum cs_rc want)
{
    cs_conform_about(probe->conform, "a peer with %s", fault);
    cs_probe_fault(probe, fault);
    cs_probe_wants(probe, "notify", cs_probe_work(probe, notifier), want);
}

/* They come again. */
static void may_heal(struct cs_probe *probe)
{
    struct cs_instance *notifier = cs_probe_open(probe, 0);

    if (!cs_probe_has_lab(probe))
        return;
    expect(probe, notifier, "status-503", CS_E_RETRY);
    expect(probe, notifier, "storm-429,retry_after=0", CS_E_RETRY);
    expect(probe, notifier, "reset", CS_E_RETRY);
    expect(probe, notifier, "status-401", CS_E_AUTH);
    cs_conform_about(probe->conform, "afterwards");
    cs_probe_fault(probe, NULL);
    cs_probe_wants(probe, "notify", cs_probe_work(probe, notifier), CS_OK);
}

/* They would come for ever. */
static void never_heals(struct cs_probe *probe)
{
    static const char *const faults[] = {"status-400", "status-404"};
    struct cs_instance *notifier = cs_probe_open(probe, 0);

    if (!cs_probe_has_lab(probe))
        return;
    for (size_t i = 0; i < sizeof(faults) / sizeof(*faults); i++) {
        enum cs_rc rc;

        cs_conform_about(probe->conform, "a peer with %s", faults[i]);
        cs_probe_fault(probe, faults[i]);
        rc = cs_probe_work(probe, notifier);
        if (rc != CS_E_CONFIG)
            cs_probe_wants(probe, "notify", rc, CS_E_FATAL);
    }
}

/* Nobody's sync waits, but the thread and the queue do. */
static void hangs(struct cs_probe *probe)
{
    struct cs_instance *notifier = cs_probe_open(probe, CS_SECOND);
    enum cs_rc rc;

    if (!cs_probe_has_lab(probe))
        return;
    cs_conform_about(probe->conform, "a peer that hangs, and a second");
    cs_conform_patience(probe->conform, 10 * CS_SECOND);
    cs_probe_fault(probe, "hang");
    rc = cs_probe_work(probe, notifier);
    if (rc != CS_E_RETRY)
        cs_probe_wants(probe, "notify", rc, CS_E_CANCELLED);
}

/* What it sends is kept by others. */
static void sends_no_secret(struct cs_probe *probe)
{
    struct cs_instance *notifier = cs_probe_open(probe, 0);
    json_t *all;
    char *text;

    if (!cs_probe_has_lab(probe))
        return;
    cs_probe_lab(probe, "/lab/telemetry/clear");
    cs_probe_work(probe, notifier);
    all = cs_conform_lab_get(probe->conform->lab, "/lab/telemetry");
    text = json_dumps(all, 0);
    for (size_t i = 0; text && i < probe->nsecrets; i++)
        if (*probe->secrets[i] && strstr(text, probe->secrets[i]))
            cs_conform_fail(probe->conform, "a body holds a secret");
    free(text);
    json_decref(all);
}

static const struct cs_conform_case cases[] = {
    {CS_CONFORM_WORKS, "events: each kind is taken", each_kind},
    {CS_CONFORM_WORKS, "events: a hundred at once", all_at_once},
    {CS_CONFORM_WORKS, "events: none at once", none},
    {CS_CONFORM_WORKS, "events: those of a later version are no error",
     unknown},
    {CS_CONFORM_WORKS, "events: CS_OK is delivered", delivered},
    {CS_CONFORM_SAFE, "events: they stay as they are", untouched},
    {CS_CONFORM_SAFE, "peers: what may heal comes again", may_heal},
    {CS_CONFORM_SAFE, "peers: what never heals does not", never_heals},
    {CS_CONFORM_SAFE, "peers: one that hangs", hangs},
    {CS_CONFORM_SAFE, "peers: no secret in what is sent", sends_no_secret},
    {.name = NULL},
};

static const struct cs_conform_case *const topics[] = {cases, NULL};

const struct cs_conform_kind cs_conform_notifier = {
    .kind = CS_NOTIFIER,
    .most = 30 * CS_SECOND,
    .work = work,
    .topics = topics,
};
