/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* What a case has in its hands: instances of the plugin, all that they say, and
 * what they are offered otherwise than usual.  Once the case is over, these
 * calls do nothing. */
#ifndef CS_PROBE_H
#define CS_PROBE_H

#include "conform/conform.h"
#include "plugin/instance.h"

enum { CS_PROBE_OTHERS = 5 };

struct cs_probe {
    struct cs_conform *conform;
    const struct cs_conform_kind *kind;
    struct cs_cancel *cancel; /* a case does not last for ever */
    struct cs_whom whom;      /* for whom instances are opened */
    const char *const *reads; /* of instances of a source; or NULL */
    struct cs_error error;    /* of the last call */
    struct cs_host real;      /* the core's services, for all instances alike */

    struct cs_instance *sink; /* a sink's cases: open, its two tables empty */
    struct cs_instance *other[CS_PROBE_OTHERS];
    struct cs_cancel *limit[CS_PROBE_OTHERS]; /* of the others; or NULL */

    /* What the next instances are offered. */
    const char *option, *value; /* this option has this value; NULL: none */
    bool unset;                 /* options that may be unset are */
    bool no_secrets;            /* none can be had */
    bool longer;                /* a host that has grown */

    /* What they said, lent to them or gave; under the mutex. */
    pthread_mutex_t mutex;
    char **said; /* lines of the log and errors */
    size_t nsaid;
    char **secrets;
    size_t nsecrets;
    const char *unsound; /* what is wrong with a sentence; NULL: nothing */
};

/* Before and after: nothing is open, all said is forgotten. */
void cs_probe_begin_case(struct cs_probe *probe, struct cs_conform *conform,
                         const struct cs_conform_kind *kind);
void cs_probe_end_case(struct cs_probe *probe);

/* ---- Instances ----------------------------------------------------------- */

/* limit: microseconds that all its calls together may take; 0: as long as the
 * case.  NULL: the case is over. */
struct cs_instance *cs_probe_open(struct cs_probe *probe, int64_t limit);
/* The same, but it may fail, with probe->error; NULL then, too. */
struct cs_instance *cs_probe_try_open(struct cs_probe *probe, int64_t limit);
void cs_probe_close(struct cs_probe *probe, struct cs_instance *other);
void cs_probe_close_all(struct cs_probe *probe);
/* From now on its calls have no time left. */
void cs_probe_stop(struct cs_probe *probe, struct cs_instance *other);

/* ---- Calls and what must come of them ------------------------------------ */

/* The name of a result, "CS_OK". */
const char *cs_probe_word(enum cs_rc rc);
/* The result of a call, with its error in probe->error. */
void cs_probe_wants(struct cs_probe *probe, const char *call, enum cs_rc got,
                    enum cs_rc want);
/* The kind's ordinary call, with its error in probe->error. */
enum cs_rc cs_probe_work(struct cs_probe *probe, struct cs_instance *instance);

/* Was this text said in the log or in an error? */
bool cs_probe_heard(struct cs_probe *probe, const char *text);
/* A text that must not be heard; gives a copy that lives as long as the
 * case. */
const char *cs_probe_keep_secret(struct cs_probe *probe, const char *text);
/* Fails if any of them was. */
void cs_probe_no_secret_heard(struct cs_probe *probe);

/* ---- The lab ------------------------------------------------------------- */

/* False: there is none, and the case is skipped. */
bool cs_probe_has_lab(struct cs_probe *probe);
/* Posts to it, "/lab/fault?spec=hang". */
void cs_probe_lab(struct cs_probe *probe, const char *path);
/* Only this fault from now on; NULL: none. */
void cs_probe_fault(struct cs_probe *probe, const char *spec);

#endif
