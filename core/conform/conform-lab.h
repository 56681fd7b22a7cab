/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* A lab in this process for a plugin to talk to, with faults as cases want
 * them.  It knows the client id and secret that `cleversync lab` knows, and is
 * a Key Vault, too. */
#ifndef CS_CONFORM_LAB_H
#define CS_CONFORM_LAB_H

#include "base/error.h"
#include "config/scope.h"

#include <stdbool.h>

/* In a setting, or in a secret that a plugin asks for: the lab's address. */
#define CS_CONFORM_LAB "{lab}"

/* Secrets that the lab's vault has, and other stores may. */
#define CS_CONFORM_VALUE "CleverSyncSOS--Check--Value"
#define CS_CONFORM_EMPTY "CleverSyncSOS--Check--Empty"
#define CS_CONFORM_LARGE "CleverSyncSOS--Check--Large"

struct cs_conform_lab;

/* With signals blocked, which are not for its threads. */
enum cs_rc cs_conform_lab_new(struct cs_conform_lab **lab,
                              struct cs_error *error);
void cs_conform_lab_free(struct cs_conform_lab *lab); /* NULL: nothing */

const char *cs_conform_lab_url(const struct cs_conform_lab *lab);
/* Its district and that one's first school. */
struct cs_whom cs_conform_lab_whom(const struct cs_conform_lab *lab);

/* Without going over the network; false: it is refused. */
bool cs_conform_lab_post(struct cs_conform_lab *lab, const char *path);
/* GET, yours; NULL: it is refused, or no JSON. */
json_t *cs_conform_lab_get(struct cs_conform_lab *lab, const char *path);

#endif
