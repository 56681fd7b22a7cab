/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

#include "config.h"

#include "metrics/tally.h"

#include "base/memory.h"

#include <math.h>
#include <stdlib.h>

struct cs_tally {
    json_t *series; /* the first event of each, which becomes the sum */
};

/* Gathered beside the sum, for the deviation. */
#define SQUARES "squares"

struct cs_tally *cs_tally_new(void)
{
    struct cs_tally *tally = cs_memory_new(sizeof(*tally));

    tally->series = json_object();
    return tally;
}

void cs_tally_free(struct cs_tally *tally)
{
    json_decref(tally->series);
    free(tally);
}

static const char *text_of(const json_t *event, const char *member)
{
    const char *text = json_string_value(json_object_get(event, member));

    return text ? text : "";
}

static double number_of(const json_t *event, const char *member)
{
    return json_number_value(json_object_get(event, member));
}

static void set(json_t *event, const char *member, double number)
{
    json_object_set_new(event, member, json_real(number));
}

static void add_first(json_t *series, const char *key, const json_t *event)
{
    json_t *sum = json_deep_copy(event);
    double value = number_of(event, "value");

    set(sum, "value", value);
    set(sum, "min", value);
    set(sum, "max", value);
    set(sum, SQUARES, value * value);
    json_object_set_new(sum, "count", json_integer(1));
    json_object_set_new(series, key, sum);
}

static void add_to(json_t *sum, double value)
{
    json_int_t count = json_integer_value(json_object_get(sum, "count"));

    set(sum, "value", number_of(sum, "value") + value);
    set(sum, "min", fmin(number_of(sum, "min"), value));
    set(sum, "max", fmax(number_of(sum, "max"), value));
    set(sum, SQUARES, number_of(sum, SQUARES) + value * value);
    json_object_set_new(sum, "count", json_integer(count + 1));
}

bool cs_tally_add(struct cs_tally *tally, const json_t *event)
{
    char *key = cs_memory_format(
        "%s/%s/%s/%s", text_of(event, "name"), text_of(event, "district"),
        text_of(event, "school"), text_of(event, "entity"));
    json_t *sum = json_object_get(tally->series, key);
    bool fits = sum || json_object_size(tally->series) < CS_TALLY_SERIES;

    if (sum)
        add_to(sum, number_of(event, "value"));
    else if (fits)
        add_first(tally->series, key, event);
    free(key);
    return fits;
}

size_t cs_tally_count(const struct cs_tally *tally)
{
    return json_object_size(tally->series);
}

json_t *cs_tally_take(struct cs_tally *tally)
{
    void *first = json_object_iter(tally->series);
    double count, mean, variance;
    json_t *sum;

    if (!first)
        return NULL;
    sum = json_incref(json_object_iter_value(first));
    json_object_del(tally->series, json_object_iter_key(first));
    count = number_of(sum, "count");
    mean = number_of(sum, "value") / count;
    variance = number_of(sum, SQUARES) / count - mean * mean;
    set(sum, "deviation", sqrt(fmax(variance, 0))); /* it may be rounded */
    json_object_del(sum, SQUARES);
    return sum;
}
