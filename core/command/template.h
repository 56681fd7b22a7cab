/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* The files that `plugins new` writes, out of templates/. */
#ifndef CS_TEMPLATE_H
#define CS_TEMPLATE_H

struct cs_template {
    const char *kind;           /* "source", ...; "": of all kinds */
    const char *name;           /* of the file; NULL ends the table */
    const unsigned char *bytes; /* text with such words; 0 ends it */
};
extern const struct cs_template cs_templates[];

#endif
