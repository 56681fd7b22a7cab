/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* For those who watch over the program. */

#include "config.h"

#include "web/web-inside.h"

#include "metrics/metrics.h"

#include <string.h>

static void show(struct cs_web *web, enum cs_health_which which,
                 struct cs_web_reply *reply)
{
    enum cs_health_state state;
    json_t *text = cs_health_show(web->parts.health, which, &state);

    cs_web_reply_json(reply, state == CS_HEALTH_UNHEALTHY ? 503 : 200, text);
}

void cs_web_health(struct cs_web *web, const struct cs_web_request *request,
                   struct cs_web_reply *reply)
{
    (void)request;
    show(web, CS_HEALTH_CLEVER_AUTH, reply);
}

void cs_web_health_live(struct cs_web *web,
                        const struct cs_web_request *request,
                        struct cs_web_reply *reply)
{
    (void)request;
    show(web, CS_HEALTH_LIVE, reply);
}

void cs_web_health_ready(struct cs_web *web,
                         const struct cs_web_request *request,
                         struct cs_web_reply *reply)
{
    (void)request;
    show(web, CS_HEALTH_READY, reply);
}

void cs_web_health_events(struct cs_web *web,
                          const struct cs_web_request *request,
                          struct cs_web_reply *reply)
{
    (void)request;
    show(web, CS_HEALTH_EVENTS, reply);
}

void cs_web_metrics(struct cs_web *web, const struct cs_web_request *request,
                    struct cs_web_reply *reply)
{
    enum cs_metrics_format format = cs_metrics_choose(request->accept);
    struct cs_app *app = cs_generations_borrow(web->parts.generations);
    struct cs_schedule_state schedule;
    const struct cs_metrics_rooms rooms = {
        .runs = web->parts.runs,
        .health = web->parts.health,
        .notify = cs_generations_notify(app),
        .schedule = &schedule,
    };

    cs_schedule_look(web->parts.schedule, &schedule);
    reply->status = 200;
    reply->type = cs_metrics_type(format);
    reply->body = cs_metrics_text(web->parts.metrics, &rooms, format);
    reply->size = strlen(reply->body);
    cs_generations_return(web->parts.generations, app);
}
