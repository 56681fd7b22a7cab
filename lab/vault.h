/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* A stand-in for Azure Key Vault at the lab's own address, which is also the
 * resource that its tokens are for. */
#ifndef CS_LAB_VAULT_H
#define CS_LAB_VAULT_H

#include "lab/fault.h"
#include "lab/request.h"

struct cs_lab_vault;

/* Holds the client's id and secret for Clever; the same two are its
 * application's.  Writes the key of Azure Arc's challenge into the directory,
 * unless that is "".
 * NULL when that fails: see `error`. */
struct cs_lab_vault *cs_lab_vault_new(const char *directory,
                                      const char *client_id,
                                      const char *client_secret, char *error,
                                      size_t size);
void cs_lab_vault_free(struct cs_lab_vault *vault); /* NULL is fine */

/* Adds a secret or replaces it.  State: "", disabled, deleted, expired or
 * early; false: it is none of them. */
bool cs_lab_vault_put(struct cs_lab_vault *vault, const char *name,
                      const char *value, const char *state);

/* False: the path is none of the vault's. */
bool cs_lab_vault_answer(const struct cs_lab_vault *vault, const char *url,
                         const struct cs_lab_request *request,
                         const struct cs_lab_hits *hits,
                         struct cs_lab_reply *reply);

#endif
