/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* A client's assertion: a JSON Web Token, signed PS256 with the key of a
 * certificate that the login service knows. */

#include "config.h"

#include "keyvault.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    ASSERTION_LIFE = 600,       /* seconds */
    ASSERTION_MOST = 64 * 1024, /* bytes of the file */
    ASSERTION_BITS = 2048,      /* of the key, at least */
};

#define ASSERTION_PASSWORD "AZURE_CLIENT_CERTIFICATE_PASSWORD"

struct pair { /* as in the file */
    X509 *certificate;
    EVP_PKEY *key;
};

/* Without it OpenSSL would ask on the terminal. */
static int assertion_password(char *room, int size, int writing, void *unused)
{
    const char *password = keyvault_env(ASSERTION_PASSWORD);
    size_t length = password ? strlen(password) : 0;

    (void)writing;
    (void)unused;
    if (length == 0 || length > (size_t)size)
        return -1;
    memcpy(room, password, length);
    return (int)length;
}

static void assertion_pem(const struct keyvault_text *pem, struct pair *pair)
{
    BIO *first = BIO_new_mem_buf(pem->bytes, (int)pem->length);
    BIO *second = BIO_new_mem_buf(pem->bytes, (int)pem->length);

    if (first && second) {
        pair->certificate =
            PEM_read_bio_X509(first, NULL, assertion_password, NULL);
        pair->key =
            PEM_read_bio_PrivateKey(second, NULL, assertion_password, NULL);
    }
    BIO_free(first);
    BIO_free(second);
}

static enum cs_rc assertion_pkcs12(const struct keyvault_text *file,
                                   const char *path, struct pair *pair)
{
    BIO *bytes = BIO_new_mem_buf(file->bytes, (int)file->length);
    PKCS12 *box = bytes ? d2i_PKCS12_bio(bytes, NULL) : NULL;
    enum cs_rc rc = CS_OK;

    if (!box)
        rc = cs_fail(file->host, CS_E_CONFIG, "%s is neither PEM nor PKCS#12",
                     path);
    else if (PKCS12_parse(box, keyvault_env(ASSERTION_PASSWORD), &pair->key,
                          &pair->certificate, NULL) != 1)
        rc = cs_fail(
            file->host, CS_E_CONFIG,
            "the PKCS#12 file %s cannot be opened: is " ASSERTION_PASSWORD
            " right?  (One encrypted with RC2 has to be "
            "exported anew)",
            path);
    PKCS12_free(box);
    BIO_free(bytes);
    return rc;
}

static enum cs_rc assertion_parse(const struct keyvault_text *file,
                                  const char *path, struct pair *pair)
{
    if (!strstr(file->bytes, "-----BEGIN "))
        return assertion_pkcs12(file, path, pair);
    assertion_pem(file, pair);
    return CS_OK;
}

static enum cs_rc assertion_check(const struct cs_host *host, const char *path,
                                  const struct pair *pair)
{
    if (!pair->certificate)
        return cs_fail(host, CS_E_CONFIG, "%s holds no certificate", path);
    if (!pair->key)
        return cs_fail(
            host, CS_E_CONFIG,
            "%s holds no private key that can be read; is " ASSERTION_PASSWORD
            " needed?",
            path);
    if (EVP_PKEY_base_id(pair->key) != EVP_PKEY_RSA ||
        EVP_PKEY_bits(pair->key) < ASSERTION_BITS)
        return cs_fail(host, CS_E_CONFIG,
                       "the key in %s is not RSA of at least %d bits", path,
                       ASSERTION_BITS);
    if (X509_check_private_key(pair->certificate, pair->key) != 1)
        return cs_fail(host, CS_E_CONFIG,
                       "the key in %s is not that of its first certificate",
                       path);
    return CS_OK;
}

/* An object, encoded; it is taken over. */
static void assertion_part(struct keyvault_text *jwt, json_t *stolen)
{
    char *text = stolen ? json_dumps(stolen, JSON_COMPACT) : NULL;

    if (text)
        keyvault_text_base64(jwt, text, strlen(text));
    jwt->broken |= !text;
    free(text);
    json_decref(stolen);
}

static json_t *assertion_header(const struct keyvault_text *jwt, X509 *from)
{
    struct keyvault_text print = {.host = jwt->host};
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    json_t *header = NULL;

    if (X509_digest(from, EVP_sha256(), digest, &size) == 1)
        keyvault_text_base64(&print, digest, size);
    if (print.bytes)
        header = json_pack("{s:s, s:s, s:s}", "alg", "PS256", "typ", "JWT",
                           "x5t#S256", print.bytes);
    keyvault_text_clear(&print);
    return header;
}

static json_t *assertion_claims(const struct cs_host *host, const char *client,
                                const char *audience)
{
    json_int_t now = host->now(host) / 1000000;
    unsigned char r[16];
    char id[2 * sizeof(r) + 5];

    if (RAND_bytes(r, sizeof(r)) != 1)
        return NULL;
    r[6] = (unsigned char)((r[6] & 0x0F) | 0x40); /* a random UUID */
    r[8] = (unsigned char)((r[8] & 0x3F) | 0x80);
    snprintf(id, sizeof(id),
             "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-"
             "%02x%02x%02x%02x%02x%02x",
             r[0], r[1], r[2], r[3], r[4], r[5], r[6], r[7], r[8], r[9], r[10],
             r[11], r[12], r[13], r[14], r[15]);
    return json_pack("{s:s, s:s, s:s, s:s, s:I, s:I, s:I}", "aud", audience,
                     "iss", client, "sub", client, "jti", id, "iat", now, "nbf",
                     now, "exp", now + ASSERTION_LIFE);
}

static bool assertion_sign(struct keyvault_text *jwt, EVP_PKEY *key)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    EVP_PKEY_CTX *how = NULL;
    unsigned char signature[2048]; /* a key of 16384 bits */
    size_t size = sizeof(signature);
    bool good =
        context &&
        EVP_DigestSignInit(context, &how, EVP_sha256(), NULL, key) == 1 &&
        EVP_PKEY_CTX_set_rsa_padding(how, RSA_PKCS1_PSS_PADDING) == 1 &&
        EVP_PKEY_CTX_set_rsa_pss_saltlen(how, RSA_PSS_SALTLEN_DIGEST) == 1 &&
        EVP_DigestSign(context, signature, &size,
                       (const unsigned char *)jwt->bytes, jwt->length) == 1;

    EVP_MD_CTX_free(context);
    if (good) {
        keyvault_text_add(jwt, ".");
        keyvault_text_base64(jwt, signature, size);
    }
    return good;
}

static enum cs_rc assertion_write(const struct pair *pair, const char *client,
                                  const char *audience,
                                  struct keyvault_text *jwt)
{
    assertion_part(jwt, assertion_header(jwt, pair->certificate));
    keyvault_text_add(jwt, ".");
    assertion_part(jwt, assertion_claims(jwt->host, client, audience));
    if (!keyvault_text_end(jwt))
        return CS_E_FATAL;
    if (!assertion_sign(jwt, pair->key))
        return cs_fail(jwt->host, CS_E_FATAL,
                       "the certificate's key cannot sign the login");
    return CS_OK;
}

enum cs_rc keyvault_assertion(const struct keyvault *vault, const char *path,
                              const char *client, const char *audience,
                              struct keyvault_text *jwt)
{
    struct keyvault_text file = {.host = vault->host};
    struct pair pair = {NULL, NULL};
    enum cs_rc rc = keyvault_text_file(&file, path, 0, ASSERTION_MOST);

    if (rc == CS_OK)
        rc = assertion_parse(&file, path, &pair);
    if (rc == CS_OK)
        rc = assertion_check(vault->host, path, &pair);
    if (rc == CS_OK)
        rc = assertion_write(&pair, client, audience, jwt);
    X509_free(pair.certificate);
    EVP_PKEY_free(pair.key);
    ERR_clear_error(); /* it has been said in our words */
    keyvault_text_clear(&file);
    return rc;
}
