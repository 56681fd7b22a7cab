/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* Conformance: does a plugin do what cleversync/plugin.h asks of its kind?
 *
 * Cases are gone through one by one, each on a thread of its own: one whose
 * plugin does not come back is named, left behind, and the others go on.  What
 * a case finds first counts: from then on it is over, and whatever asks or
 * tells the plugin for it does nothing any more.  So cases are written straight
 * on, as if nothing could fail. */
#ifndef CS_CONFORM_H
#define CS_CONFORM_H

#include "app.h"

/* How much is asked of a plugin: each level includes those before it. */
enum cs_conform_level {
    CS_CONFORM_WORKS = 1, /* loads and behaves */
    CS_CONFORM_SAFE,      /* does no harm when something goes wrong */
    CS_CONFORM_FAST,      /* fast, and leaves nothing behind */
};

struct cs_conform;
struct cs_conform_lab;
struct cs_gate;
struct cs_instance;
struct cs_probe;

struct cs_conform_case {
    enum cs_conform_level level;
    const char *name; /* NULL ends a list */
    void (*run)(struct cs_probe *probe);
};

/* What is particular to a kind of plugins. */
struct cs_conform_kind {
    enum cs_kind kind;
    int64_t most; /* microseconds that a case may take */
    /* An ordinary call, from any thread. */
    enum cs_rc (*work)(struct cs_probe *probe, struct cs_instance *instance,
                       struct cs_error *error);
    const struct cs_conform_case *const *topics; /* NULL ends */
    /* Is a topic about this plugin?  NULL: all are. */
    bool (*concerns)(const struct cs_conform *conform,
                     const struct cs_conform_case *topic);
    /* Before all cases, and around each of these topics; or NULL. */
    enum cs_rc (*ready)(struct cs_probe *probe, struct cs_error *error);
    void (*enter)(struct cs_probe *probe);
    /* Changes what instances are offered; or NULL. */
    void (*offer)(struct cs_host *host);
};
extern const struct cs_conform_kind cs_conform_credential, cs_conform_source,
    cs_conform_mapper, cs_conform_sink, cs_conform_notifier;
/* The cases for all kinds. */
extern const struct cs_conform_case *const cs_conform_any[];

/* ---- A case under way ---------------------------------------------------- */

struct cs_conform {
    struct cs_app *app;
    const struct cs_part *part; /* whose plugin is checked */
    struct cs_conform_lab *lab; /* or NULL */
    bool named;                 /* the plugin's own settings name the lab */
    const struct cs_entity **samples; /* of all mappers that there are; a
                            source may serve their collections; NULL ends */
    const char *const **reads;        /* of each, the paths it reads */
    struct cs_process *process;       /* as it was before the plugin ran */
    int output, log; /* standard output and error, when they lead elsewhere */

    const char *name;
    const char *outcome;  /* "passed", "failed", "skipped" */
    char about[64];       /* what it is just looking at, or empty */
    struct cs_error why;  /* it failed or was skipped */
    struct cs_gate *gate; /* for `about` and `latest` */
    int64_t latest;       /* when it has to be over, on the steady clock */
};

/* Within one: how the sentence begins, and that it failed, or cannot be made
 * with this plugin.  Texts are our own or the plugin's sentences, never what
 * was stored by others. */
void cs_conform_about(struct cs_conform *conform, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void cs_conform_fail(struct cs_conform *conform, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void cs_conform_skip(struct cs_conform *conform, const char *why);
bool cs_conform_over(const struct cs_conform *conform);
/* From now on it may last so long, in microseconds, and no longer. */
void cs_conform_patience(struct cs_conform *conform, int64_t duration);

/* ---- The whole ----------------------------------------------------------- */

struct cs_conform_report {
    enum cs_conform_level level; /* cases up to this one */
    json_t *cases;               /* an array of what was found; NULL: as TAP */
    size_t passed, failed, skipped;
    bool hung; /* a plugin did not come back: nothing may be closed, and the
                 process has to end by _exit() */
};

/* Runs the cases; an error says that there is nothing to run them on.  A lab
 * that the plugin does not ask is taken out of it. */
enum cs_rc cs_conform_run(struct cs_conform *conform,
                          struct cs_conform_report *report,
                          struct cs_error *error);
/* The end of the report; gives the exit code. */
int cs_conform_end(struct cs_conform_report *report);

#endif
