/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* Writing families of samples as Prometheus reads them, in one of two formats
 * that are almost the same. */
#ifndef CS_METRICS_TEXT_H
#define CS_METRICS_TEXT_H

#include "metrics/metrics.h"

#include <stdio.h>

struct cs_metrics_text {
    FILE *out;
    enum cs_metrics_format format;
    const struct cs_metrics_family *family;
    bool begun; /* a sample of the family has been written */
};

enum cs_metrics_kind {
    CS_METRICS_COUNTER, /* its samples are called NAME_total */
    CS_METRICS_GAUGE,
    CS_METRICS_SUMMARY /* only NAME_sum and NAME_count */
};
struct cs_metrics_family {
    const char *name;
    enum cs_metrics_kind kind;
    const char *help; /* without quotes, backslashes and line ends */
};

struct cs_metrics_label { /* an array ends with a NULL name */
    const char *name, *value;
};

/* A family without samples leaves no trace. */
void cs_metrics_text_family(struct cs_metrics_text *text,
                            const struct cs_metrics_family *family);
void cs_metrics_text_sample(struct cs_metrics_text *text,
                            const struct cs_metrics_label *labels,
                            double value);
void cs_metrics_text_summary(struct cs_metrics_text *text,
                             const struct cs_metrics_label *labels, double sum,
                             double count);
/* A family of one sample without labels. */
void cs_metrics_text_one(struct cs_metrics_text *text,
                         const struct cs_metrics_family *family, double value);
void cs_metrics_text_end(struct cs_metrics_text *text);

#endif
