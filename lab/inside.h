/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* The lab from inside: what its rooms share.  Unit tests use it to ask the
 * lab without a network. */
#ifndef CS_LAB_INSIDE_H
#define CS_LAB_INSIDE_H

#include <pthread.h>

#include "lab/fault.h"
#include "lab/model.h"
#include "lab/request.h"
#include "lab/telemetry.h"
#include "lab/vault.h"

struct MHD_Daemon;

/* Requests in the log; one more and the log says that it is full. */
#define CS_LAB_MAX_LOG 200000

struct cs_lab {
    pthread_mutex_t lock; /* for all down to `window` */
    struct cs_lab_model model;
    struct cs_lab_faults faults;
    char **log;
    size_t log_count, log_size;
    bool log_full;
    struct cs_lab_telemetry telemetry;
    /* Requests in the minute that ends at `until`, one for each district. */
    struct cs_lab_window {
        long long until;
        unsigned used;
    } * windows;

    struct cs_lab_vault *vault; /* NULL: there is none */
    char *basic;                /* the Authorization header that lists tokens */
    unsigned rate_limit;
    unsigned port; /* the wanted one, then the real one */
    char url[40];
    struct MHD_Daemon *daemon;
    int stop[2]; /* a pipe; its writing end is closed to end all waiting */
};

/* Answers any request; fills a zeroed reply. */
void cs_lab_answer(struct cs_lab *lab, const struct cs_lab_request *request,
                   struct cs_lab_reply *reply);

/* The /lab/ endpoints; the lock is held. */
void cs_lab_control(struct cs_lab *lab, const struct cs_lab_request *request,
                    struct cs_lab_reply *reply);

#endif
