/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* A folder of files for one unit test. */
#ifndef FOLDER_H
#define FOLDER_H

#include <stddef.h>

/* Makes the folder, and says where it is until the next call. */
const char *folder_new(void);
/* Writes a file in it; the path lives as long as the folder.  text NULL: the
 * file holds n times 'x'. */
const char *folder_file(const char *name, const char *text, size_t n);
const char *folder_text(const char *name, const char *text);
/* Removes everything. */
void folder_remove(void);

#endif
