/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* The schools of a district, as Clever lists them. */
#ifndef CS_IMPORT_H
#define CS_IMPORT_H

#include "app.h"
#include "database/registry.h"

struct cs_import {
    struct cs_school_new *schools; /* ready to be added; strings are owned */
    size_t n;
    size_t unusable; /* records without a proper id or name */
};

/* Reads them with the source of the first pipeline.  The import is to be
 * cleared in any case. */
enum cs_rc cs_import_read(struct cs_import *import, struct cs_app *app,
                          const struct cs_district *district,
                          struct cs_error *error);
void cs_import_clear(struct cs_import *import);

#endif
