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

enum cs_conform_outcome {
    CS_CONFORM_PASSED,
    CS_CONFORM_FAILED,
    CS_CONFORM_SKIPPED,
    CS_CONFORM_OUTCOMES,
};

struct cs_conform;
struct cs_conform_lab;
struct cs_conform_report;
struct cs_gate;
struct cs_instance;
struct cs_probe;

struct cs_conform_case {
    enum cs_conform_level level;
    const char *name; /* NULL ends a list */
    void (*run)(struct cs_probe *probe);
};

enum { CS_CONFORM_ABOUT = 64 };

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
    enum cs_conform_outcome outcome;
    struct cs_conform_report *report; /* is told `about`, too; or NULL */
    char about[CS_CONFORM_ABOUT];     /* what it is just looking at, or empty */
    struct cs_error why;              /* it failed or was skipped */
    struct cs_gate *gate;             /* for `about`, `report` and `latest` */
    int64_t latest; /* when it has to be over, on the steady clock */
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

/* ---- The report ---------------------------------------------------------- */

/* How a case ended. */
struct cs_conform_result {
    const struct cs_conform_case *one;
    enum cs_conform_outcome outcome;
    char why[512]; /* it failed or was skipped; or empty */
};

/* It is in memory that two processes share (cs_conform_apart()), and so has all
 * in itself but what is constant. */
struct cs_conform_report {
    enum cs_conform_level level; /* cases up to this one */
    bool json;                   /* at the end; else as TAP, line by line */
    bool hung; /* a plugin did not come back: nothing may be closed, and the
                 process has to end by _exit() */
    bool over; /* all that there is to tell was told */
    const struct cs_conform_case *now; /* what is tried */
    char about[CS_CONFORM_ABOUT];
    size_t count[CS_CONFORM_OUTCOMES], n; /* n: their sum */
    struct cs_conform_result results[128];
};

/* This one is tried from now on, and so it ended. */
void cs_conform_turn_to(struct cs_conform_report *report,
                        const struct cs_conform_case *one);
void cs_conform_tell(struct cs_conform_report *report,
                     enum cs_conform_outcome outcome, const char *why);
/* The end of the report; gives the exit code. */
int cs_conform_end(struct cs_conform_report *report);

/* ---- The whole ----------------------------------------------------------- */

/* Runs the cases; an error says that there is nothing to run them on.  A lab
 * that the plugin does not ask is taken out of it. */
enum cs_rc cs_conform_run(struct cs_conform *conform,
                          struct cs_conform_report *report,
                          struct cs_error *error);

/* Calls check(), which gives an exit code, in a process of its own, because
 * plugins may end the one that they are in: then the case that was tried has
 * failed, and is the last one.  Two processes return.  Call it while the
 * program has one thread. */
int cs_conform_apart(const struct cs_arguments *arguments,
                     int (*check)(const struct cs_arguments *arguments,
                                  struct cs_conform_report *report));

#endif
