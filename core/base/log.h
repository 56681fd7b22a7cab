/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* The log: lines on standard error, as text or as JSON objects; text that the
 * systemd journal reads begins with its priority, "<4>".
 *
 * A line carries keys, counts and column names; never a name, an address, a
 * secret or text that came from outside. */
#ifndef CS_LOG_H
#define CS_LOG_H

#include <cleversync/plugin.h>
#include <stdarg.h>
#include <stdbool.h>

enum cs_log_format { CS_LOG_TEXT, CS_LOG_JSON };

/* Who speaks and for whom; every member may be NULL. */
struct cs_log_context {
    const char *instance; /* "source.clever-data" */
    const char *run, *district, *school, *entity;
};

/* From any thread, at any time. */
void cs_log_setup(enum cs_level most, enum cs_log_format format);
bool cs_log_wants(enum cs_level level);
void cs_log_write(enum cs_level level, const struct cs_log_context *context,
                  const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void cs_log_vwrite(enum cs_level level, const struct cs_log_context *context,
                   const char *format, va_list arguments)
    __attribute__((format(printf, 3, 0)));

/* Progress lines share the terminal with the log: draw() and clear() are
 * called under the log's lock around each line.  NULL: none. */
struct cs_log_screen {
    void (*clear)(void *arg);
    void (*draw)(void *arg);
    void *arg;
};
void cs_log_screen(const struct cs_log_screen *screen);
/* Runs the screen's clear() and draw() now, under the log's lock. */
void cs_log_redraw(void);

#endif
