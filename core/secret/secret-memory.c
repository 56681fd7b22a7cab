/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

#include "config.h"

#include "secret/secret.h"

#include "base/log.h"

#include <openssl/crypto.h>
#include <pthread.h>
#include <string.h>

/* The size is kept in front of the bytes, because memory beyond the secure
 * heap is only wiped as far as one says. */
struct copy {
    size_t size;
    char bytes[];
};

static void make_heap(void)
{
    if (CRYPTO_secure_malloc_init((size_t)1024 * 1024, 32) != 1)
        cs_log_write(CS_LOG_DEBUG, NULL,
                     "the memory for secrets cannot be locked");
}

char *cs_secrets_copy(const void *bytes, size_t size)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    struct copy *copy;

    pthread_once(&once, make_heap);
    copy = OPENSSL_secure_zalloc(sizeof(*copy) + size + 1);
    if (!copy)
        return NULL;
    copy->size = size;
    memcpy(copy->bytes, bytes, size);
    return copy->bytes;
}

void cs_secrets_wipe(char *copy)
{
    struct copy *whole;

    if (!copy)
        return;
    whole = (struct copy *)(void *)(copy - offsetof(struct copy, bytes));
    OPENSSL_secure_clear_free(whole, sizeof(*whole) + whole->size + 1);
}
