/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* An open plugin: its host table, its `self`, its last error.
 *
 * Whoever opened an instance serialises the calls to it.  Each call is framed
 * by cs_instance_enter() and cs_instance_leave(); the wrappers in sink.h and
 * source.h do that.  A mapper is opened like the others, for its options, its
 * log and its errors, although it has no life of its own.
 *
 * When the request's cancel is switched during a call, the plugin's cancel()
 * runs in a thread of its own: it may wait for a server, which must keep
 * neither the others from being cancelled nor a second signal from being seen.
 * It is over before the call counts as ended, so it never meets another call
 * or close(). */
#ifndef CS_INSTANCE_H
#define CS_INSTANCE_H

#include "base/cancel.h"
#include "config/scope.h"
#include "config/wiring.h"

#include <pthread.h>

struct cs_app;
struct cs_http_reply;
struct cs_loan;

struct cs_instance_request {
    const struct cs_part *part;
    struct cs_whom whom;      /* strings outlive the instance */
    struct cs_cancel *cancel; /* may be NULL; outlives the instance */
    const char *const *reads; /* sources only */
    size_t stores;      /* credential plugins only: how many stores of the chain
                      their own secrets may come from */
    const char *entity; /* for the log; may be NULL */
    bool probe;         /* opened to verify a token: lends it unverified */
    bool once;          /* a request that fails is not repeated */
    bool quiet; /* the log is told of secrets only what it does not know */
    /* For who tries a plugin out: changes what it is offered, before it opens;
     * or NULL. */
    void (*offer)(void *arg, struct cs_host *host);
    void *offer_arg;
};

struct cs_instance {
    struct cs_host host; /* first: plugins hand it back to the core */
    struct cs_app *app;
    struct cs_instance_request request;
    const struct cs_module *module;
    void *self;
    struct cs_error error; /* what cs_fail() said in the last call */
    struct cs_scope scope;
    char **filled;          /* values of templates, by option; or NULL */
    struct cs_loan **loans; /* secrets lent to the call under way */
    size_t nloans;
    struct cs_http_reply *reply; /* of the last exchange */
    struct cs_listener listener; /* for the length of a call */
    pthread_t canceller;         /* that runs the plugin's cancel() */
    bool cancelling;             /* there is one */
};

/* A template that is optional or names a secret, and has no value for `whom`,
 * counts as unset; any other makes opening fail. */
enum cs_rc cs_instance_open(struct cs_instance **instance, struct cs_app *app,
                            const struct cs_instance_request *request,
                            struct cs_error *error);
void cs_instance_close(struct cs_instance *instance); /* NULL: nothing */

/* Around each callback: forget the last error; afterwards take back the
 * secrets, and when rc is an error copy the sentence (prefixed with the
 * section's name) into `error`.  Returns rc; an unknown value is CS_E_FATAL. */
void cs_instance_enter(struct cs_instance *instance);
/* The same for a call that cancel() is kept from: when interrupted it would
 * leave in doubt what it did. */
void cs_instance_enter_undisturbed(struct cs_instance *instance);
enum cs_rc cs_instance_leave(struct cs_instance *instance, enum cs_rc rc,
                             struct cs_error *error);

/* life.check(), CS_OK where the plugin has none. */
enum cs_rc cs_instance_check(struct cs_instance *instance,
                             struct cs_error *error);

#endif
