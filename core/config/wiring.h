/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* What the configuration wires together: sections become instances of loaded
 * plugins, pipelines join them. */
#ifndef CS_WIRING_H
#define CS_WIRING_H

#include "plugin/loader.h"
#include "config/settings.h"

/* A section [KIND.NAME], or the plugin NAME used with its defaults. */
struct cs_part {
    char *section;    /* "sink.schools" */
    const char *name; /* "schools", inside section */
    const struct cs_module *module;
};

struct cs_pipeline {
    const char *name;
    const struct cs_part *source;
    const struct cs_part *delta; /* NULL: none */
    const struct cs_part *mapper;
    const struct cs_part *sink;
};

struct cs_wiring {
    struct cs_part **parts; /* owned; every part used or configured */
    size_t nparts;
    const struct cs_part **credentials; /* the chain, in order */
    size_t ncredentials;
    const struct cs_part **notifiers; /* told of runs and failures */
    size_t nnotifiers;
    const struct cs_part *session; /* the session database's sink; or NULL */
    struct cs_pipeline *pipelines; /* by name */
    size_t npipelines;
};

/* Loads each plugin named anywhere, checks every instance section against its
 * plugin's table, and the pipelines: parts exist and are of the right kind
 * (delta a feed, source a listing), no two write one table of one sink. */
void cs_wiring_make(struct cs_wiring *wiring, struct cs_settings *settings,
                    struct cs_loader *loader, struct cs_problems *problems);
void cs_wiring_clear(struct cs_wiring *wiring);

/* The raw value of an instance's option: what is set, else its fallback, else
 * NULL.  An option that the plugin did not declare is NULL. */
const char *cs_wiring_value(const struct cs_settings *settings,
                            const struct cs_part *part, const char *option);

#endif
