/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* SHA-256 of a text, as people write it. */
#ifndef CS_DIGEST_H
#define CS_DIGEST_H

#define CS_DIGEST 65 /* 64 digits and the NUL */

void cs_digest_text(const char *text, char hex[CS_DIGEST]);

#endif
