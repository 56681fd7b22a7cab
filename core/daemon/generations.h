/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* The configuration of a process that lives on.  A reload puts another one in
 * force; who works with an older one keeps it until it is given back. */
#ifndef CS_GENERATIONS_H
#define CS_GENERATIONS_H

#include "app.h"
#include "notify/notify.h"
#include "base/signals.h"

struct cs_generations;

/* Reads the configuration for the first time, before other threads exist: all
 * plugins are loaded now, and the signals are watched from now on.  0, or the
 * exit code, with every problem printed.  cancel is everybody's who works with
 * any generation, and outlives them. */
int cs_generations_open(struct cs_generations **generations,
                        const struct cs_arguments *arguments,
                        struct cs_cancel *cancel,
                        const struct cs_signals *signals);
/* When everything was given back; NULL: nothing, true.  False: a notifier
 * hangs, so that the process has to end by _exit(). */
bool cs_generations_close(struct cs_generations *generations);

/* From any thread: the configuration in force. */
struct cs_app *cs_generations_borrow(struct cs_generations *generations);
void cs_generations_return(struct cs_generations *generations,
                           struct cs_app *app);
/* Its notifiers; as long as it is borrowed. */
struct cs_notify *cs_generations_notify(struct cs_app *app);

/* Reads the configuration anew.  False: it has faults, or what it changes takes
 * a restart; all is as it was, and problems say why. */
bool cs_generations_reload(struct cs_generations *generations,
                           struct cs_problems *problems);

#endif
