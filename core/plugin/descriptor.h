/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* A plugin's descriptor, looked at before any of the plugin's code runs. */
#ifndef CS_DESCRIPTOR_H
#define CS_DESCRIPTOR_H

#include "plugin/loader.h"

/* [a-z0-9-]+, and not longer than a section's name may be */
bool cs_descriptor_name(const char *name);

/* Checks what a file of `size` bytes exports and copies it into module, which
 * is zeroed but for kind (0: any, and then set) and path; name: the file's. */
enum cs_rc cs_descriptor_take(struct cs_module *module, const void *found,
                              size_t size, const char *name,
                              struct cs_error *error);

#endif
