/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* Passwords are kept as salted scrypt hashes, as text:
 *
 *     $scrypt$ln=15,r=8,p=1$SALT$HASH
 *
 * N is 2 to the power of ln; salt and hash are in base64 without "=". */
#ifndef CS_PASSWORD_H
#define CS_PASSWORD_H

#include "base/error.h"

#include <stdbool.h>

#define CS_PASSWORD_LEAST 12  /* characters */
#define CS_PASSWORD_MOST 1024 /* bytes */
#define CS_PASSWORD_HASH 128  /* bytes of the text that is made, with its NUL */

/* What is wrong with it, as a sentence's end ("is empty"); NULL: nothing. */
const char *cs_password_fault(const char *password);

/* With a new salt.  CS_E_FATAL: there is no memory or no noise for it. */
enum cs_rc cs_password_hash(const char *password, char text[CS_PASSWORD_HASH],
                            struct cs_error *error);

/* Takes its time: a tenth of a second and 32 MB with the hashes made here.
 * CS_OK: it is the password.  CS_E_AUTH: it is not.  CS_E_CONFIG: the text is
 * no such hash, or one that asks for more than 256 MB. */
enum cs_rc cs_password_check(const char *text, const char *password,
                             struct cs_error *error);

#endif
