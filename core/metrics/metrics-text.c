/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

#include "config.h"

#include "metrics/metrics-text.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* ---- Which format -------------------------------------------------------- */

/* The weight of one range of an Accept header; what cannot be read weighs
 * nothing. */
static double weight(const char *range, size_t length)
{
    for (const char *at = range; at < range + length; at++) {
        const char *parameter = at + 1 + strspn(at + 1, " \t");

        if (*at == ';' && strncasecmp(parameter, "q=", 2) == 0)
            return strtod(parameter + 2, NULL);
    }
    return 1;
}

static bool is_type(const char *range, size_t length, const char *type)
{
    size_t n = strlen(type);

    return length >= n && strncasecmp(range, type, n) == 0 &&
           (length == n || strchr("; \t", range[n]) != NULL);
}

/* Version 1.0.0, which is also what is meant when none is named. */
static bool is_our_version(const char *range, size_t length)
{
    const char *version = strcasestr(range, "version=");

    if (version == NULL || version >= range + length)
        return true;
    version += strlen("version=");
    version += *version == '"';
    return strncmp(version, "1.0.0", 5) == 0;
}

enum cs_metrics_format cs_metrics_choose(const char *accept)
{
    double open = 0, plain = 0;

    for (const char *at = accept != NULL ? accept : ""; *at;) {
        size_t length;

        at += strspn(at, ", \t");
        length = strcspn(at, ",");
        if (is_type(at, length, "application/openmetrics-text") &&
            is_our_version(at, length) && weight(at, length) > open)
            open = weight(at, length);
        if (is_type(at, length, "text/plain") && weight(at, length) > plain)
            plain = weight(at, length);
        at += length;
    }
    return open > 0 && open >= plain ? CS_METRICS_OPENMETRICS
                                     : CS_METRICS_PROMETHEUS;
}

const char *cs_metrics_type(enum cs_metrics_format format)
{
    return format == CS_METRICS_OPENMETRICS
               ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
               : "text/plain; version=0.0.4; charset=utf-8";
}

/* ---- Samples ------------------------------------------------------------- */

static const char *suffix_of(const struct cs_metrics_family *family)
{
    return family->kind == CS_METRICS_COUNTER ? "_total" : "";
}

void cs_metrics_text_family(struct cs_metrics_text *text,
                            const struct cs_metrics_family *family)
{
    text->family = family;
    text->begun = false;
}

/* Only the older format calls the family what its samples are called. */
static void begin(struct cs_metrics_text *text)
{
    static const char *const kinds[] = {
        [CS_METRICS_COUNTER] = "counter",
        [CS_METRICS_GAUGE] = "gauge",
        [CS_METRICS_SUMMARY] = "summary",
    };
    const struct cs_metrics_family *family = text->family;
    const char *suffix =
        text->format == CS_METRICS_PROMETHEUS ? suffix_of(family) : "";

    if (text->begun)
        return;
    text->begun = true;
    fprintf(text->out, "# HELP %s%s %s\n# TYPE %s%s %s\n", family->name, suffix,
            family->help, family->name, suffix, kinds[family->kind]);
}

static void put_value(FILE *out, const char *value)
{
    for (; *value; value++) {
        if (*value == '\n')
            fputs("\\n", out);
        else if (*value == '\\' || *value == '"')
            fprintf(out, "\\%c", *value);
        else
            putc(*value, out);
    }
}

static void put_labels(FILE *out, const struct cs_metrics_label *labels)
{
    char before = '{';

    for (; labels != NULL && labels->name != NULL; labels++) {
        fprintf(out, "%c%s=\"", before, labels->name);
        put_value(out, labels->value);
        putc('"', out);
        before = ',';
    }
    if (before == ',')
        putc('}', out);
}

static void put(struct cs_metrics_text *text, const char *suffix,
                const struct cs_metrics_label *labels, double value)
{
    begin(text);
    fprintf(text->out, "%s%s", text->family->name, suffix);
    put_labels(text->out, labels);
    fprintf(text->out, " %.16g\n", value);
}

void cs_metrics_text_sample(struct cs_metrics_text *text,
                            const struct cs_metrics_label *labels, double value)
{
    put(text, suffix_of(text->family), labels, value);
}

void cs_metrics_text_summary(struct cs_metrics_text *text,
                             const struct cs_metrics_label *labels, double sum,
                             double count)
{
    put(text, "_sum", labels, sum);
    put(text, "_count", labels, count);
}

void cs_metrics_text_one(struct cs_metrics_text *text,
                         const struct cs_metrics_family *family, double value)
{
    cs_metrics_text_family(text, family);
    cs_metrics_text_sample(text, NULL, value);
}

void cs_metrics_text_end(struct cs_metrics_text *text)
{
    if (text->format == CS_METRICS_OPENMETRICS)
        fputs("# EOF\n", text->out);
}
