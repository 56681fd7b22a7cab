/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* Plugins on disk: DIR/KIND/NAME.so, loaded once, checked before any of their
 * code runs, never unloaded.  Everything here happens on the main thread
 * before any other exists (unixODBC uses libltdl, too). */
#ifndef CS_LOADER_H
#define CS_LOADER_H

#include "base/error.h"

struct cs_loader;

struct cs_module {
    enum cs_kind kind;
    char *path;
    struct cs_plugin plugin; /* copied; members beyond its size are NULL */
    union {                  /* copied likewise; the one of `kind` */
        struct cs_life life; /* first member of all but the mapper's */
        struct cs_credential_ops credential;
        struct cs_source_ops source;
        struct cs_mapper_ops mapper;
        struct cs_sink_ops sink;
        struct cs_notifier_ops notifier;
    } ops;
};

const char *cs_loader_kind(enum cs_kind kind); /* "credential", ... */
int cs_loader_kind_of(const char *word);       /* 0: no such kind */

/* dir NULL or empty: CLEVERSYNC_PLUGIN_DIR unless privileged, else the built-in
 * one; CS_E_CONFIG unless absolute, a directory, and not world-writable. */
enum cs_rc cs_loader_new(struct cs_loader **loader, const char *dir,
                         struct cs_error *error);
void cs_loader_free(struct cs_loader *loader); /* modules die; code stays */
/* Other threads exist from now on: what is not loaded stays so. */
void cs_loader_seal(struct cs_loader *loader);

/* The module, loading it on first use; borrowed.  NULL: error has the true
 * reason, with the nearest name when there is no such file. */
const struct cs_module *cs_loader_get(struct cs_loader *loader,
                                      enum cs_kind kind, const char *name,
                                      struct cs_error *error);

/* The module that "KIND/NAME" or, where only one kind has it, "NAME" means;
 * NULL: CS_E_NOT_HERE when there is none or more than one, else as above.
 * "...so" is the path of a file, whatever directory it is in; from then on it
 * stands for the plugin of its kind and name. */
const struct cs_module *cs_loader_find(struct cs_loader *loader,
                                       const char *word,
                                       struct cs_error *error);

/* Visits every plugin file in name order: module, or NULL and why not. */
typedef void cs_loader_fn(void *arg, enum cs_kind kind, const char *name,
                          const struct cs_module *module,
                          const struct cs_error *error);
void cs_loader_each(struct cs_loader *loader, cs_loader_fn *each, void *arg);

#endif
