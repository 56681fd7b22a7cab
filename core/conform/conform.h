/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* Conformance: does a plugin do what cleversync/plugin.h asks of its kind?
 *
 * A suite goes through its cases one by one.  What a case finds first counts:
 * from then on it is over, and whatever asks or tells the sink, the source and
 * so on for it does nothing any more.  So cases are written straight on, as if
 * nothing could fail. */
#ifndef CS_CONFORM_H
#define CS_CONFORM_H

#include "app.h"

struct cs_conform {
    struct cs_app *app;
    const struct cs_part *part; /* whose plugin is checked */
    json_t *cases;              /* an array of what was found; NULL: as TAP */
    size_t passed, failed, skipped;

    /* The case under way. */
    const char *name;
    const char *outcome; /* "passed", "failed", "skipped" */
    char about[64];      /* what it is just looking at, or empty */
    struct cs_error why; /* it failed or was skipped */
};

/* Runs all cases; an error says that there is nothing to run them on. */
typedef enum cs_rc cs_conform_suite(struct cs_conform *conform,
                                    struct cs_error *error);
cs_conform_suite cs_conform_sink;

/* Around a case: end() counts it and prints what was found. */
void cs_conform_begin(struct cs_conform *conform, const char *name);
void cs_conform_end(struct cs_conform *conform);

/* Within one: how the sentence begins, and that it failed, or cannot be made
 * with this plugin.  Texts are our own or the plugin's sentences, never what
 * was stored by others. */
void cs_conform_about(struct cs_conform *conform, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void cs_conform_fail(struct cs_conform *conform, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void cs_conform_skip(struct cs_conform *conform, const char *why);
bool cs_conform_over(const struct cs_conform *conform);

/* The end of the report; gives the exit code. */
int cs_conform_report(struct cs_conform *conform);

#endif
