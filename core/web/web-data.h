/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* What the HTTP server knows from the session database: a picture of it,
 * hardly a second old, and the few changes that people make.  A database that
 * hangs keeps nobody waiting for long. */
#ifndef CS_WEB_DATA_H
#define CS_WEB_DATA_H

#include "daemon/generations.h"

#include <jansson.h>

struct cs_web_data;
/* The generations live longer. */
struct cs_web_data *cs_web_data_new(struct cs_generations *generations);
/* As with a worker (web-worker.h). */
void cs_web_data_stop(struct cs_web_data *data);
bool cs_web_data_free(struct cs_web_data *data, int64_t limit);

/* ---- The picture -------------------------------------------------------- */

struct cs_web_picture { /* not to be changed by anybody */
    json_t *districts;  /* [{"district_id", "name", "prefix"}] */
    json_t *schools;    /* [{"school_id", "district_id", "name", "prefix",
       "active", "requires_full", "holds", "rejects",
       "entities": [{"entity", "status", "type", "start", "end", "read",
         "inserted", "changed", "deleted", "failed", "run_id",
         "message"}]}] */
    json_t *holds;      /* [{"hold", "school_id", "name", "entity", "kind",
         "held", "total", "since", "expires", "approved", "approved_by"}] */
    json_t *rejects;  /* [{"school_id", "name", "entity", "clever_id", "reason",
         "first_seen", "last_seen", "run_id"}]; the first so many of them */
    int64_t nrejects; /* all of them */
    int64_t time;     /* when it was taken; UTC */
    int64_t steady;
    unsigned uses;
};

/* Borrowed until given back.  CS_E_RETRY: the session database does not answer
 * in time; other errors are what it said. */
enum cs_rc cs_web_data_look(struct cs_web_data *data,
                            struct cs_web_picture **picture,
                            struct cs_error *error);
/* The same, taken after this call. */
enum cs_rc cs_web_data_look_anew(struct cs_web_data *data,
                                 struct cs_web_picture **picture,
                                 struct cs_error *error);
void cs_web_data_return(struct cs_web_data *data,
                        struct cs_web_picture *picture); /* NULL: nothing */

/* ---- Changes ------------------------------------------------------------ */

enum cs_web_change {
    CS_WEB_REQUIRE_FULL, /* of a school, by Clever's id */
    CS_WEB_APPROVE,      /* of a hold; by: who says so */
    CS_WEB_REJECT,       /* of a hold */
    CS_WEB_KEYS,         /* of a hold; changes nothing: result is an array */
};

/* CS_E_NOT_HERE: there is no such school or hold.  CS_SKIP: it is approved
 * already.  CS_E_DATA: it is past.  CS_E_RETRY: the session database does not
 * answer in time; begun: the change may still be made.  result may be NULL,
 * else yours. */
struct cs_web_change_request {
    enum cs_web_change what;
    const char *id, *by;
    bool begun;
    json_t *result;
};
enum cs_rc cs_web_data_change(struct cs_web_data *data,
                              struct cs_web_change_request *request,
                              struct cs_error *error);

#endif
