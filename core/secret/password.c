/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

#include "config.h"

#include "secret/password.h"

#include "base/text.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LEAD "$scrypt$"
#define MOST_MEMORY ((uint64_t)256 * 1024 * 1024)

enum {
    SALT = 16,  /* bytes of a new one */
    HASH = 32,  /* likewise */
    LEAST = 16, /* bytes of a hash that is worth something */
    MOST = 64   /* bytes of salt or hash */
};

struct hash {
    unsigned ln, r, p;
    unsigned char salt[MOST], hash[MOST];
    size_t nsalt, nhash;
};

const char *cs_password_fault(const char *password)
{
    size_t length = strlen(password);

    if (length == 0)
        return "is empty";
    if (length > CS_PASSWORD_MOST)
        return "is longer than 1024 bytes";
    if (!cs_text_valid(password, length))
        return "is not UTF-8";
    for (const char *c = password; *c != '\0'; c++)
        if ((unsigned char)*c < ' ' || *c == 0x7F)
            return "has control characters";
    return cs_text_units(password, length) < CS_PASSWORD_LEAST
               ? "is shorter than 12 characters"
               : NULL;
}

/* ---- Base64 ------------------------------------------------------------- */

/* Room for four bytes a group of three, and a NUL. */
static void encode(const unsigned char *bytes, size_t n, char *text)
{
    EVP_EncodeBlock((unsigned char *)text, bytes, (int)n);
    text[strcspn(text, "=")] = '\0';
}

/* How many bytes the first `length` characters are; 0: they are none. */
static size_t decode(const char *text, size_t length, unsigned char bytes[MOST])
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                 "abcdefghijklmnopqrstuvwxyz0123456789+/";
    size_t size = length / 4 * 3 + (length % 4 > 0 ? length % 4 - 1 : 0);
    unsigned char padded[(MOST + 2) / 3 * 4], plain[MOST + 2];
    size_t whole = (length + 3) / 4 * 4;

    if (length == 0 || length % 4 == 1 || size > MOST ||
        strspn(text, digits) < length)
        return 0;
    memset(padded, '=', sizeof(padded));
    memcpy(padded, text, length);
    if (EVP_DecodeBlock(plain, padded, (int)whole) < (int)size)
        return 0;
    memcpy(bytes, plain, size);
    return size;
}

/* ---- The text of a hash ------------------------------------------------- */

/* "KEY=NUMBER" and what ends it; moves behind that. */
static bool read_number(const char **at, const char *key, char end,
                        unsigned most, unsigned *number)
{
    size_t n = strlen(key);

    if (strncmp(*at, key, n) != 0)
        return false;
    *at += n;
    n = strspn(*at, "0123456789");
    if (n == 0 || n > 3 || (*at)[n] != end)
        return false;
    *number = (unsigned)strtoul(*at, NULL, 10);
    *at += n + 1;
    return *number >= 1 && *number <= most;
}

/* A trailing line end does no harm: secrets are often kept in files. */
static bool parse(const char *text, struct hash *hash)
{
    const char *at = text, *salt;
    size_t nsalt, nhash;

    if (strncmp(at, LEAD, strlen(LEAD)) != 0)
        return false;
    at += strlen(LEAD);
    if (!read_number(&at, "ln=", ',', 30, &hash->ln) ||
        !read_number(&at, "r=", ',', 64, &hash->r) ||
        !read_number(&at, "p=", '$', 64, &hash->p))
        return false;
    salt = at;
    nsalt = strcspn(salt, "$");
    if (salt[nsalt] != '$')
        return false;
    at += nsalt + 1;
    nhash = strcspn(at, "\r\n");
    if (at[nhash + strspn(at + nhash, "\r\n")] != '\0')
        return false;
    hash->nsalt = decode(salt, nsalt, hash->salt);
    hash->nhash = decode(at, nhash, hash->hash);
    return hash->nsalt > 0 && hash->nhash >= LEAST;
}

static uint64_t memory_for(const struct hash *hash)
{
    return 128 * (uint64_t)hash->r * (((uint64_t)1 << hash->ln) + hash->p);
}

static enum cs_rc derive(const struct hash *hash, const char *password,
                         unsigned char *result, struct cs_error *error)
{
    /* OpenSSL wants some more than the algorithm. */
    uint64_t most = memory_for(hash) + 1024 * 1024;

    if (EVP_PBE_scrypt(password, strlen(password), hash->salt, hash->nsalt,
                       (uint64_t)1 << hash->ln, hash->r, hash->p, most, result,
                       hash->nhash) != 1)
        return cs_error_set(error, CS_E_FATAL,
                            "there is not enough memory to hash a password");
    return CS_OK;
}

/* ---- For others --------------------------------------------------------- */

enum cs_rc cs_password_hash(const char *password, char text[CS_PASSWORD_HASH],
                            struct cs_error *error)
{
    struct hash hash = {.ln = 15, .r = 8, .p = 1, .nsalt = SALT, .nhash = HASH};
    char salt[(SALT + 2) / 3 * 4 + 1], result[(HASH + 2) / 3 * 4 + 1];
    enum cs_rc rc;

    if (RAND_bytes(hash.salt, SALT) != 1)
        return cs_error_set(error, CS_E_FATAL,
                            "the system gives no random numbers");
    rc = derive(&hash, password, hash.hash, error);
    if (rc != CS_OK)
        return rc;
    encode(hash.salt, SALT, salt);
    encode(hash.hash, HASH, result);
    snprintf(text, CS_PASSWORD_HASH, LEAD "ln=%u,r=%u,p=%u$%s$%s", hash.ln,
             hash.r, hash.p, salt, result);
    OPENSSL_cleanse(&hash, sizeof(hash));
    return CS_OK;
}

enum cs_rc cs_password_check(const char *text, const char *password,
                             struct cs_error *error)
{
    struct hash hash;
    unsigned char result[MOST];
    enum cs_rc rc;

    if (!parse(text, &hash))
        return cs_error_set(error, CS_E_CONFIG,
                            "what is stored is no hash of a password: make one "
                            "with \"cleversync secrets hash-password\"");
    if (memory_for(&hash) > MOST_MEMORY)
        return cs_error_set(error, CS_E_CONFIG,
                            "the hash of the password asks for more than 256 "
                            "MB: make another with \"cleversync secrets "
                            "hash-password\"");
    rc = derive(&hash, password, result, error);
    if (rc == CS_OK && CRYPTO_memcmp(result, hash.hash, hash.nhash) != 0)
        rc = cs_error_set(error, CS_E_AUTH, "the password is wrong");
    OPENSSL_cleanse(&hash, sizeof(hash));
    OPENSSL_cleanse(result, sizeof(result));
    return rc;
}
