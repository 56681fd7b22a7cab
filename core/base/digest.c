/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

#include "config.h"

#include "base/digest.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

void cs_digest_text(const char *text, char hex[CS_DIGEST])
{
    unsigned char bytes[CS_DIGEST / 2];

    EVP_Digest(text, strlen(text), bytes, NULL, EVP_sha256(), NULL);
    for (size_t i = 0; i < sizeof(bytes); i++)
        snprintf(hex + 2 * i, 3, "%02x", bytes[i]);
}
