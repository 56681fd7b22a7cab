/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

#include "config.h"

#include "appinsights.h"

#include <stdio.h>
#include <string.h>

#define INSIGHTS_NAME "Microsoft.ApplicationInsights."

static const char *insights_text(const json_t *event, const char *member)
{
    return json_string_value(json_object_get(event, member));
}

static double insights_number(const json_t *event, const char *member)
{
    return json_number_value(json_object_get(event, member));
}

/* ---- What every kind has ------------------------------------------------ */

/* Members that have a place of their own in the envelope. */
static bool insights_is_placed(const char *member)
{
    static const char *const placed[] = {"event", "id",    "time",
                                         "name",  "value", "count",
                                         "min",   "max",   "deviation"};

    for (size_t i = 0; i < sizeof(placed) / sizeof(*placed); i++)
        if (strcmp(placed[i], member) == 0)
            return true;
    return false;
}

/* Texts become properties, whose values are texts whatever they say; numbers
 * become measurements. */
static void insights_add_members(json_t *data, const json_t *event,
                                 bool measurements)
{
    json_t *properties = json_object(), *numbers = json_object(), *value;
    const char *member;

    json_object_foreach((json_t *)(uintptr_t)event, member, value)
    {
        if (insights_is_placed(member))
            continue;
        if (json_is_string(value))
            json_object_set(properties, member, value);
        else if (json_is_boolean(value))
            json_object_set_new(
                properties, member,
                json_string(json_is_true(value) ? "true" : "false"));
        else if (json_is_number(value))
            json_object_set(numbers, member, value);
    }
    json_object_set_new(data, "properties", properties);
    if (measurements && json_object_size(numbers) > 0)
        json_object_set(data, "measurements", numbers);
    json_decref(numbers);
}

/* "DD.HH:MM:SS.ffffff", which ends before a thousand days. */
static json_t *insights_duration(const json_t *event)
{
    const double longest = 999 * 86400.0;
    double seconds = insights_number(event, "seconds");
    long long micro, whole;
    char text[40];

    if (!(seconds > 0))
        seconds = 0;
    if (seconds > longest)
        seconds = longest;
    micro = (long long)(seconds * 1e6 + 0.5);
    whole = micro / 1000000;
    snprintf(text, sizeof(text), "%02lld.%02lld:%02lld:%02lld.%06lld",
             whole / 86400, whole / 3600 % 24, whole / 60 % 60, whole % 60,
             micro % 1000000);
    return json_string(text);
}

static json_t *insights_code(const json_t *event)
{
    char text[24];

    snprintf(text, sizeof(text), "%lld",
             (long long)json_integer_value(json_object_get(event, "code")));
    return json_string(text);
}

/* ---- The kinds: baseData ------------------------------------------------ */

static json_t *insights_event(const json_t *event)
{
    json_t *data = json_pack("{s:i, s:s}", "ver", 2, "name",
                             insights_text(event, "event"));

    insights_add_members(data, event, true);
    return data;
}

/* Exactly one in an envelope: the service passes over a second. */
static json_t *insights_metric(const json_t *event)
{
    bool sum = json_object_get(event, "count") != NULL;
    json_t *metric =
        json_pack("{s:s, s:f, s:s}", "name", insights_text(event, "name"),
                  "value", insights_number(event, "value"), "kind",
                  sum ? "Aggregation" : "Measurement");
    json_t *data = json_pack("{s:i, s:[O]}", "ver", 2, "metrics", metric);

    if (sum) {
        json_object_set(metric, "count", json_object_get(event, "count"));
        json_object_set(metric, "min", json_object_get(event, "min"));
        json_object_set(metric, "max", json_object_get(event, "max"));
        json_object_set(metric, "stdDev", json_object_get(event, "deviation"));
    }
    json_decref(metric);
    insights_add_members(data, event, false);
    return data;
}

static json_t *insights_request(const json_t *event)
{
    json_t *data = json_pack(
        "{s:i, s:s, s:s, s:o, s:o, s:O}", "ver", 2, "id",
        insights_text(event, "id"), "name", insights_text(event, "name"),
        "duration", insights_duration(event), "responseCode",
        insights_code(event), "success", json_object_get(event, "success"));

    insights_add_members(data, event, true);
    return data;
}

static json_t *insights_dependency(const json_t *event)
{
    json_t *data = json_pack(
        "{s:i, s:s, s:s, s:s*, s:s, s:o, s:o, s:O}", "ver", 2, "id",
        insights_text(event, "id"), "name", insights_text(event, "name"),
        "target", insights_text(event, "school"), "type", "cleversync",
        "duration", insights_duration(event), "resultCode",
        insights_code(event), "success", json_object_get(event, "success"));

    insights_add_members(data, event, true);
    return data;
}

/* Its message is made of our own words and of what the event has: no text of a
 * database or a service is in either. */
static json_t *insights_exception(const json_t *event)
{
    const char *result = insights_text(event, "result");
    const char *entity = insights_text(event, "entity");
    char type[80], message[200];
    json_t *data;

    snprintf(type, sizeof(type), "cleversync.%s", result);
    snprintf(message, sizeof(message), "%s failed: %s (exit code %lld)", entity,
             result,
             (long long)json_integer_value(json_object_get(event, "code")));
    data = json_pack("{s:i, s:[{s:s, s:s, s:b}], s:s}", "ver", 2, "exceptions",
                     "typeName", type, "message", message, "hasFullStack", 0,
                     "severityLevel", "Error");
    insights_add_members(data, event, true);
    return data;
}

/* ---- The envelope ------------------------------------------------------- */

static const struct insights_kind {
    const char *event; /* NULL: every other */
    const char *name, *type;
    json_t *(*data)(const json_t *event);
} insights_kinds[] = {
    {"metric", INSIGHTS_NAME "Metric", "MetricData", insights_metric},
    {"request", INSIGHTS_NAME "Request", "RequestData", insights_request},
    {"dependency", INSIGHTS_NAME "RemoteDependency", "RemoteDependencyData",
     insights_dependency},
    {"exception", INSIGHTS_NAME "Exception", "ExceptionData",
     insights_exception},
    {NULL, INSIGHTS_NAME "Event", "EventData", insights_event},
};

static const struct insights_kind *insights_kind_of(const char *event)
{
    const struct insights_kind *kind = insights_kinds;

    while (kind->event && strcmp(kind->event, event) != 0)
        kind++;
    return kind;
}

static json_t *insights_tags(const struct insights_sender *sender,
                             const json_t *event)
{
    const char *run = insights_text(event, "run");
    json_t *tags =
        json_pack("{s:s, s:s, s:s, s:s}", "ai.cloud.role", sender->role,
                  "ai.cloud.roleInstance", sender->instance,
                  "ai.application.ver", PACKAGE_VERSION,
                  "ai.internal.sdkVersion", "cleversync:" PACKAGE_VERSION);

    if (run) {
        json_object_set_new(tags, "ai.operation.id", json_string(run));
        json_object_set_new(tags, "ai.operation.name", json_string("run"));
    }
    return tags;
}

json_t *insights_envelope(const struct insights_sender *sender,
                          const json_t *event)
{
    const struct insights_kind *kind =
        insights_kind_of(insights_text(event, "event"));
    json_t *data = kind->data(event);

    if (!data)
        return NULL;
    return json_pack("{s:i, s:s, s:s, s:s, s:i, s:o, s:{s:s, s:o}}", "ver", 1,
                     "name", kind->name, "time", insights_text(event, "time"),
                     "iKey", sender->key, "sampleRate", 100, "tags",
                     insights_tags(sender, event), "data", "baseType",
                     kind->type, "baseData", data);
}
