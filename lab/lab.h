/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* The lab: a made-up school district and a stand-in for the Clever API that
 * serves it on loopback, with faults on demand.  For rehearsals, for authors
 * of plugins and for our own tests. */
#ifndef CS_LAB_H
#define CS_LAB_H

#include "core/command/cli.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cs_lab;

struct cs_lab_options {
    unsigned districts;
    unsigned schools;    /* in a district */
    unsigned students;   /* in a school */
    unsigned teachers;   /* in a school */
    uint64_t seed;       /* the same seed makes the same bytes */
    unsigned port;       /* 0: any free one */
    unsigned rate_limit; /* requests a minute and token; 0: no limit */
    bool no_events;
    const char *client_id;
    const char *client_secret;
    const char *vault;         /* a Key Vault too, and where Arc's key goes ("":
                     nowhere); or NULL */
    const char *const *faults; /* specs; NULL ends the list, NULL: none */
};

/* What the command starts from when no option is given. */
struct cs_lab_options cs_lab_defaults(void);

/* Makes the districts, without serving them.  NULL when an option is out of
 * range or a fault spec is wrong; then `error` holds a sentence. */
struct cs_lab *cs_lab_new(const struct cs_lab_options *options, char *error,
                          size_t size);

/* Serves on 127.0.0.1, in threads of its own, until cs_lab_free().  Signals
 * that the caller waits for must be blocked before.  False: see `error`. */
bool cs_lab_serve(struct cs_lab *lab, char *error, size_t size);

/* "http://127.0.0.1:PORT", the lab's; valid once it serves. */
const char *cs_lab_url(const struct cs_lab *lab);

/* Stops serving, answers nobody any more; NULL is fine. */
void cs_lab_free(struct cs_lab *lab);

/* `cleversync lab`: argv[0] is the command's name.  Serves until SIGINT or
 * SIGTERM; gives the exit code. */
int cs_lab_command(int argc, char *argv[]);
extern const struct cs_cli_option cs_lab_command_options[];

#endif
