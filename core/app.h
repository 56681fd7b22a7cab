/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* What the program has open: handed to every command.  Rooms are filled from
 * left to right and torn down in reverse. */
#ifndef CS_APP_H
#define CS_APP_H

#include "command/cli.h"
#include "http/http.h"
#include "secret/secret.h"
#include "config/wiring.h"

struct cs_app {
    struct cs_settings *settings;
    struct cs_loader *loader;
    struct cs_wiring wiring;
    struct cs_http_client *http;
    struct cs_secrets *secrets;
    struct cs_cancel *cancel; /* the process's: a signal switches it */
    bool shares; /* loader and cancel are not its own, nor are the signals */
};

/* Reads the configuration, loads the plugins, makes ready and starts to watch
 * for signals; prints every problem.  0, or the exit code (nothing is open
 * then). */
int cs_app_open(struct cs_app *app, const struct cs_arguments *arguments);
/* The same with more settings, "section.key=value", that the command makes
 * itself and that count more than --set; NULL ends them, or none.  loader: with
 * what it has loaded, taken over; NULL: a new one. */
int cs_app_open_with(struct cs_app *app, const struct cs_arguments *arguments,
                     const char *const *more, struct cs_loader *loader);
void cs_app_close(struct cs_app *app);

/* For who lives on and has several of them, one after the other: loader and
 * cancel are the caller's, who watches the signals, too.  The first one makes
 * the loader, sets the process's zone, and comes before other threads exist.
 * False: problems say why, and nothing is open. */
struct cs_app_shared {
    struct cs_loader *loader; /* NULL: it is made, for the caller to free */
    struct cs_cancel *cancel;
};
bool cs_app_open_shared(struct cs_app *app,
                        const struct cs_arguments *arguments,
                        const struct cs_app_shared *shared,
                        struct cs_problems *problems);

/* The process's zone is the one of the settings: days begin in it, and the
 * schedule counts in it.  Before other threads exist. */
void cs_app_set_zone(const struct cs_app *app);
/* Has the log written as this configuration wants it. */
void cs_app_setup_log(const struct cs_app *app);

/* Prints "cleversync: SENTENCE" (with -o json an object) and returns the exit
 * code that the error asks for. */
int cs_app_fail(const struct cs_arguments *arguments,
                const struct cs_error *error);

/* The pieces of cs_app_open(), for commands that need less.  read: the
 * settings and a loader for their plugin_path.  Faults are added to problems,
 * and `app` is to be closed in any case. */
void cs_app_read(struct cs_app *app, const struct cs_arguments *arguments,
                 struct cs_problems *problems);
/* For a command about one plugin: reads, and finds the module that the word
 * means.  Gives an exit code; other than CS_EXIT_OK it has been explained. */
int cs_app_find(struct cs_app *app, const struct cs_arguments *arguments,
                const char *word, const struct cs_module **module);
/* Prints every problem, one a line (with -o json an object with an array);
 * gives CS_EXIT_CONFIG. */
int cs_app_problems(const struct cs_arguments *arguments,
                    const struct cs_problems *problems);

#endif
