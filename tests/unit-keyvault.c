/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* The credential plugin keyvault, alone against the fake host: every identity,
 * every answer of a vault, and to whom a token is shown. */
#include "config.h"

#include "fake-host.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

extern const struct cs_plugin cleversync_plugin;

#define VAULT "https://north.vault.azure.net"
#define ASKED "GET " VAULT "/secrets/A--B?api-version=7.4"
#define CHALLENGE                                             \
    "Bearer authorization=\"https://login.example/tenant\", " \
    "resource=\"https://vault.azure.net\""
#define TOKEN "{\"token_type\":\"Bearer\",\"expires_in\":3599,"
#define LOGIN TOKEN "\"access_token\":\"t0k\"}"
#define VALUE "{\"value\":\"s3cret\\n\",\"id\":\"x\",\"attributes\":{}}"
#define ERROR(CODE, INNER)         \
    "{\"error\":{\"code\":\"" CODE \
    "\",\"message\":\"Quill\",\"innererror\":{\"code\":\"" INNER "\"}}}"

static const struct fake_pair challenged[] = {{"WWW-Authenticate", CHALLENGE},
                                              {NULL, NULL}};
#define REFUSED                              \
    {                                        \
        .status = 401, .headers = challenged \
    }
#define LOGGED_IN                    \
    {                                \
        .status = 200, .body = LOGIN \
    }
#define GIVEN                        \
    {                                \
        .status = 200, .body = VALUE \
    }
static const struct fake_reply good[] = {REFUSED, LOGGED_IN, GIVEN, GIVEN};
static const char *const variables[] = {
    "AZURE_TENANT_ID",
    "AZURE_CLIENT_ID",
    "AZURE_CLIENT_SECRET",
    "AZURE_CLIENT_CERTIFICATE_PATH",
    "AZURE_CLIENT_CERTIFICATE_PASSWORD",
    "AZURE_FEDERATED_TOKEN_FILE",
    "AZURE_AUTHORITY_HOST",
    "IDENTITY_ENDPOINT",
    "IDENTITY_HEADER",
    "IMDS_ENDPOINT",
};

static struct fake_host fake;
static struct cs_secret secret;
static char directory[64];

static void start(const char *identity)
{
    static struct fake_pair options[] = {{"base_url", VAULT "/"},
                                         {"identity", NULL},
                                         {"arc_directory", directory},
                                         {NULL, NULL}};

    options[1].value = identity;
    fake_host_clear(&fake);
    fake_host_init(&fake, &cleversync_plugin);
    fake.options = options;
    fake.replies = good;
    fake.nreplies = 4;
    assert_int_equal(fake_host_open(&fake), CS_OK);
}

static void script(const struct fake_reply *replies, size_t n)
{
    start("vm");
    fake.replies = replies;
    fake.nreplies = n;
}

static void service(void)
{
    setenv("AZURE_TENANT_ID", "tenant", 1);
    setenv("AZURE_CLIENT_ID", "client", 1);
}

static int setup(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(variables) / sizeof(variables[0]); i++)
        unsetenv(variables[i]);
    strcpy(directory, "/tmp/cleversync-unit-keyvault.XXXXXX");
    return mkdtemp(directory) ? 0 : -1;
}

static int teardown(void **state)
{
    char command[128];

    (void)state;
    fake_secret_clear(&secret);
    fake_host_clear(&fake);
    snprintf(command, sizeof(command), "rm -rf '%s'", directory);
    return system(command) == 0 ? 0 : -1;
}

static const char *path_of(const char *name)
{
    static char path[256];

    snprintf(path, sizeof(path), "%s/%s", directory, name);
    return path;
}

static void put(const char *name, const char *text)
{
    FILE *file = fopen(path_of(name), "w");

    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static enum cs_rc fetch(const char *name)
{
    const struct cs_credential_ops *ops = cleversync_plugin.ops;

    fake_secret_clear(&secret);
    fake.error[0] = '\0';
    fake.log[0] = '\0';
    return ops->fetch(fake.self, name, &secret);
}

static void expect_secret(void)
{
    if (fetch("A--B") != CS_OK)
        fail_msg("%s", fake.error);
    assert_string_equal(secret.bytes, "s3cret\n"); /* not trimmed */
    assert_int_equal(secret.expires, 0);
}

static void has(const char *text, const char *words)
{
    if (!strstr(text, words))
        fail_msg("\"%s\" does not say \"%s\"", text, words);
}

/* No body is quoted, no token shown, nothing revealed. */
static void expect_failure(enum cs_rc rc, const char *words)
{
    assert_int_equal(fetch("A--B"), rc);
    assert_null(secret.bytes);
    has(fake.error, words);
    assert_null(strstr(fake.error, "Quill"));
    assert_null(strstr(fake.error, "t0k"));
}

/* ---- Identities ---------------------------------------------------------- */

#define METADATA "GET http://169.254.169.254/metadata/identity/oauth2/token"

static void vm(void **state)
{
    static const struct fake_reply replies[] = {
        REFUSED, {.status = 400}, LOGGED_IN, GIVEN,
        GIVEN,   REFUSED,         LOGGED_IN, GIVEN};

    (void)state;
    start("auto");
    fake.replies = replies;
    fake.nreplies = 8;
    assert_int_equal(fetch("A--B"), CS_OK);
    assert_string_equal(fake.requests[0], ASKED);
    assert_string_equal(fake.requests[1], METADATA);
    assert_string_equal(fake.requests[2],
                        METADATA "?api-version=2018-02-01&"
                                 "resource=https%3A%2F%2Fvault.azure.net");
    assert_string_equal(fake.requests[3], ASKED);
    assert_string_equal(fake.headers, "Authorization: Bearer t0k\n");
    expect_secret(); /* the token is kept */
    assert_int_equal(fake.asked, 5);
    fake.now += INT64_C(3600) * 1000000;
    expect_secret(); /* what the machine is was learnt once */
    assert_int_equal(fake.asked, 8);
    fake.replies = good;
}

/* Off Azure: one short look at the metadata's address, and no more of them for
 * a minute. */
static void nobody(void **state)
{
    static const struct fake_reply replies[] = {
        REFUSED, {.status = 0}, REFUSED, REFUSED, {.status = 0}};
    static const struct fake_reply late[] = {REFUSED, {.status = 0}};

    (void)state;
    start("auto");
    fake.replies = replies;
    fake.nreplies = 5;
    expect_failure(CS_E_AUTH, "no identity was found: no AZURE_CLIENT_SECRET");
    assert_int_equal(fake.asked, 2);
    assert_int_equal(fake.tries, 1);
    assert_int_equal(fake.timeout_ms, 1000);
    assert_true(fake.direct);
    assert_string_equal(fake.headers, "");
    expect_failure(CS_E_AUTH, "no identity was found");
    assert_int_equal(fake.asked, 3);
    fake.now += INT64_C(60) * 1000000;
    expect_failure(CS_E_AUTH, "no identity was found");
    assert_int_equal(fake.asked, 5);
    start("auto");
    fake.replies = late;
    fake.nreplies = 2;
    fake.remaining = 0;
    expect_failure(CS_E_CANCELLED, "cut short");
    fake.replies = good;
}

static void vm_is_asked_as_it_wants(void **state)
{
    static const struct fake_reply replies[] = {
        {.status = 401, .headers = challenged}, {.status = 404}};
    static const int again[] = {404, 410, 501, 0};

    (void)state;
    setenv("AZURE_CLIENT_ID", "mine", 1);
    script(replies, 2);
    expect_failure(CS_E_CONFIG, "nothing where a token");
    has(fake.requests[1], "&client_id=mine");
    assert_string_equal(fake.headers, "Metadata: true\n");
    assert_true(fake.direct);
    assert_true(fake.timeout_ms > 0 && fake.timeout_ms <= 5000);
    assert_int_equal(fake.tries, 5); /* at 0, 2, 6, 14 and 30 s */
    assert_int_equal(fake.backoff_ms, 2000);
    assert_memory_equal(fake.retry, again, sizeof(again));
}

/* A missing header and a missing identity both end it at once. */
static void vm_refuses(void **state)
{
    static const struct fake_reply replies[] = {
        REFUSED,
        {.status = 400,
         .body = "{\"error\":\"invalid_request\",\"error_description\":"
                 "\"Quill\"}"},
        REFUSED,
        {.status = 400,
         .body = "{\"error\":\"bad_request_102\",\"error_description\":"
                 "\"Quill\"}"},
        REFUSED,
        {.status = 429},
        REFUSED,
        {.status = 500}};

    (void)state;
    script(replies, 8);
    expect_failure(CS_E_AUTH, "no token is given to this machine");
    expect_failure(CS_E_AUTH, "no token is given to this machine");
    expect_failure(CS_E_RETRY, "429");
    expect_failure(CS_E_RETRY, "500");
    assert_int_equal(fake.asked, 8);
    fake.replies = good;
}

/* An update takes up to 70 seconds, of which 30 are over at the first end. */
static void vm_is_updated(void **state)
{
    static const struct fake_reply replies[] = {
        REFUSED, {.status = 410, .rc = CS_E_RETRY}, LOGGED_IN, GIVEN};
    static const struct fake_reply gone[] = {REFUSED,
                                             {.status = 410, .rc = CS_E_RETRY},
                                             {.status = 410, .rc = CS_E_RETRY}};

    (void)state;
    script(replies, 4);
    expect_secret();
    assert_string_equal(fake.requests[1], fake.requests[2]);
    script(gone, 3);
    expect_failure(CS_E_RETRY, "410");
    assert_int_equal(fake.asked, 3);
    assert_int_equal(fake.tries, 3); /* 15 and 30 s later */
    assert_int_equal(fake.backoff_ms, 15000);
    fake.replies = good;
}

static void patience(void **state)
{
    static const struct fake_pair options[] = {{"base_url", VAULT},
                                               {"identity", "client-secret"},
                                               {"retry_attempts", "7"},
                                               {"retry_delay_seconds", "0"},
                                               {NULL, NULL}};
    static const struct fake_reply away[] = {
        {.status = 503}, REFUSED, {.status = 503}};

    (void)state;
    service();
    setenv("AZURE_CLIENT_SECRET", "x", 1);
    script(away, 3);
    expect_failure(CS_E_RETRY, "503");
    assert_int_equal(fake.tries, 4); /* the first, and three more */
    assert_int_equal(fake.backoff_ms, 2000);
    fake.options = options;
    expect_failure(CS_E_RETRY, "503");
    assert_string_equal(fake.requests[2],
                        "POST https://login.microsoftonline.com/tenant/"
                        "oauth2/v2.0/token");
    assert_int_equal(fake.tries, 8);
    assert_int_equal(fake.backoff_ms, 1); /* 0 would be the core's */
    fake.replies = good;
}

static void client_secret(void **state)
{
    (void)state;
    service();
    setenv("AZURE_CLIENT_SECRET", "a&b=c", 1);
    start("auto");
    fake.nreplies = 2; /* so that the login is the last request but one */
    assert_int_equal(fetch("A--B"), CS_E_FATAL);
    assert_string_equal(
        fake.requests[1],
        "POST https://login.microsoftonline.com/tenant/oauth2/v2.0/token");
    start("client-secret");
    setenv("AZURE_AUTHORITY_HOST", "https://login.microsoftonline.us/", 1);
    expect_secret();
    assert_string_equal(
        fake.requests[1],
        "POST https://login.microsoftonline.us/tenant/oauth2/v2.0/token");
}

static void login_body(void **state)
{
    static const struct fake_reply replies[] = {
        {.status = 401, .headers = challenged},
        {.status = 401, .body = "{\"error\":\"invalid_client\"}"}};

    (void)state;
    service();
    setenv("AZURE_CLIENT_SECRET", "a&b=c", 1);
    start("auto");
    fake.replies = replies;
    fake.nreplies = 2;
    expect_failure(CS_E_AUTH, "refuses the client secret");
    assert_string_equal(fake.body,
                        "grant_type=client_credentials&client_id=client&"
                        "scope=https%3A%2F%2Fvault.azure.net%2F.default&"
                        "client_secret=a%26b%3Dc");
}

static void workload(void **state)
{
    static const struct fake_reply replies[] = {
        {.status = 401, .headers = challenged},
        {.status = 400, .body = "{\"error\":\"temporarily_unavailable\"}"},
        {.status = 401, .headers = challenged},
        {.status = 400, .body = "{\"error\":\"invalid_grant\"}"},
        {.status = 401, .headers = challenged},
        {.status = 400, .body = "{\"error\":\"unauthorized_client\"}"}};

    (void)state;
    service();
    put("token", "first.jwt.x\n");
    setenv("AZURE_FEDERATED_TOKEN_FILE", path_of("token"), 1);
    start("auto");
    fake.replies = replies;
    fake.nreplies = 6;
    expect_failure(CS_E_RETRY, "not available");
    has(fake.body, "assertion-type%3Ajwt-bearer&client_assertion=first.jwt.x");
    put("token", "second.jwt.x\n"); /* read anew each time */
    expect_failure(CS_E_AUTH, "refuses the cluster's token");
    has(fake.body, "client_assertion=second.jwt.x");
    expect_failure(CS_E_AUTH, "refuses the cluster's token");
    start("workload");
    unlink(path_of("token"));
    expect_failure(CS_E_CONFIG, "cannot be read");
}

static void app_service(void **state)
{
    (void)state;
    setenv("IDENTITY_ENDPOINT", "http://localhost:42356/msi/token?x=1", 1);
    setenv("IDENTITY_HEADER", "proof", 1);
    start("auto");
    fake.nreplies = 2;
    fetch("A--B");
    assert_string_equal(fake.requests[1],
                        "GET http://localhost:42356/msi/token?x=1&"
                        "api-version=2019-08-01&"
                        "resource=https%3A%2F%2Fvault.azure.net");
    static const struct fake_reply replies[] = {
        {.status = 401, .headers = challenged}, {.status = 400, .body = "{}"}};
    start("app-service");
    fake.replies = replies;
    fake.nreplies = 2;
    setenv("AZURE_CLIENT_ID", "mine", 1);
    expect_failure(CS_E_AUTH, "no token is given to this machine");
    has(fake.requests[1], "&client_id=mine");
    assert_string_equal(fake.headers, "X-IDENTITY-HEADER: proof\n");
    assert_true(fake.direct);
    assert_int_equal(fake.tries, 3);
    assert_int_equal(fake.backoff_ms, 1000);
}

static void arc_with(const char *realm, const char *words, size_t asked)
{
    char header[300];
    const struct fake_pair named[] = {{"WWW-Authenticate", header},
                                      {NULL, NULL}};
    const struct fake_reply replies[] = {
        {.status = 401, .headers = challenged},
        {.status = 401, .headers = named},
        {.status = 200,
         .body = "{\"access_token\":\"t0k\",\"expires_on\":\"2000000000\"}"},
        {.status = 200, .body = VALUE}};

    snprintf(header, sizeof(header), "Basic realm=%s", realm);
    start("auto");
    fake.replies = replies;
    fake.nreplies = 4;
    if (words)
        expect_failure(CS_E_AUTH, words);
    else
        expect_secret();
    assert_int_equal(fake.asked, asked);
    fake.replies = good; /* those above end here */
}

static void arc(void **state)
{
    char path[300];

    (void)state;
    setenv("IDENTITY_ENDPOINT", "http://127.0.0.1:40342/token", 1);
    setenv("IMDS_ENDPOINT", "http://127.0.0.1:40342", 1);
    put("a.key", "c2VjcmV0\n");
    put("a.txt", "x");
    arc_with(path_of("a.key"), NULL, 4);
    assert_string_equal(fake.requests[1],
                        "GET http://127.0.0.1:40342/token?"
                        "api-version=2020-06-01&"
                        "resource=https%3A%2F%2Fvault.azure.net");
    assert_string_equal(fake.requests[2], fake.requests[1]);
    arc_with(path_of("a.txt"), "does not name a key", 2);
    arc_with("/etc/ssl/a.key", "does not name a key", 2);
    arc_with("", "does not name a key", 2);
    snprintf(path, sizeof(path), "%s/../a.key", directory);
    arc_with(path, "does not name a key", 2);
    snprintf(path, sizeof(path), "%sx/a.key", directory);
    arc_with(path, "does not name a key", 2);
}

static void arc_keys(void **state)
{
    char big[4098];
    char header[300];
    const struct fake_pair named[] = {{"WWW-Authenticate", header},
                                      {NULL, NULL}};
    const struct fake_reply replies[] = {{.status = 401, .headers = challenged},
                                         {.status = 401, .headers = named},
                                         {.status = 401, .headers = challenged},
                                         {.status = 401, .headers = named},
                                         {.status = 401, .headers = challenged},
                                         {.status = 401, .headers = named},
                                         {.status = 401, .headers = challenged},
                                         {.status = 200, .body = "{}"}};

    (void)state;
    memset(big, 'x', sizeof(big) - 1);
    big[sizeof(big) - 1] = '\0';
    snprintf(header, sizeof(header), "Basic realm=%s", path_of("a.key"));
    start("arc");
    fake.replies = replies;
    fake.nreplies = 8;
    put("a.key", big);
    expect_failure(CS_E_CONFIG, "longer than 4096");
    has(fake.requests[1],
        "GET http://127.0.0.1:40342/metadata/identity/oauth2/token?");
    put("a.key", "one\r\nX-Two: header\n");
    expect_failure(CS_E_CONFIG, "not a line of plain text");
    put("target", "x");
    unlink(path_of("a.key"));
    assert_int_equal(symlink("target", path_of("a.key")), 0);
    expect_failure(CS_E_CONFIG, "cannot be read");
    expect_failure(CS_E_CONFIG, "does not answer as it should");
    fake.replies = good;
}

static void arc_gives_whom_was_asked_for(void **state)
{
    char header[300];
    const struct fake_pair named[] = {{"WWW-Authenticate", header},
                                      {NULL, NULL}};
    const struct fake_reply replies[] = {
        REFUSED,
        {.status = 401, .headers = named},
        LOGGED_IN,
        REFUSED,
        {.status = 401, .headers = named},
        {.status = 200,
         .body = TOKEN "\"access_token\":\"t0k\",\"client_id\":\"Mine\"}"},
        GIVEN};

    (void)state;
    put("a.key", "x");
    setenv("AZURE_CLIENT_ID", "mine", 1);
    snprintf(header, sizeof(header), "Basic realm=%s", path_of("a.key"));
    start("arc");
    fake.replies = replies;
    fake.nreplies = 7;
    expect_failure(CS_E_CONFIG, "not said to be that of client_id");
    assert_string_equal(fake.headers,
                        "Metadata: true\nAuthorization: Basic x\n");
    has(fake.requests[2], "&client_id=mine");
    expect_secret();
    fake.replies = good;
}

static void settings_are_missed(void **state)
{
    static const struct {
        const char *identity, *words;
    } cases[] = {
        {"client-secret", "AZURE_CLIENT_SECRET, which identity"},
        {"certificate", "AZURE_CLIENT_CERTIFICATE_PATH, which"},
        {"workload", "AZURE_FEDERATED_TOKEN_FILE, which"},
        {"app-service", "IDENTITY_ENDPOINT, which"},
    };

    (void)state;
    service();
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        start(cases[i].identity);
        expect_failure(CS_E_CONFIG, cases[i].words);
    }
    setenv("AZURE_TENANT_ID", "../x", 1);
    start("client-secret");
    expect_failure(CS_E_CONFIG, "neither an id nor a domain");
    unsetenv("AZURE_TENANT_ID");
    start("client-secret");
    expect_failure(CS_E_CONFIG, "AZURE_TENANT_ID, which");
    unsetenv("AZURE_CLIENT_ID");
    setenv("AZURE_TENANT_ID", "x", 1);
    start("client-secret");
    expect_failure(CS_E_CONFIG, "AZURE_CLIENT_ID, which");
}

/* What is set up and fails does not make way for the next. */
static void order(void **state)
{
    (void)state;
    service();
    setenv("AZURE_CLIENT_SECRET", "x", 1);
    setenv("AZURE_CLIENT_CERTIFICATE_PATH", "/nonexistent", 1);
    setenv("AZURE_FEDERATED_TOKEN_FILE", "/nonexistent", 1);
    setenv("IDENTITY_ENDPOINT", "http://localhost/", 1);
    setenv("IDENTITY_HEADER", "x", 1);
    setenv("IMDS_ENDPOINT", "http://localhost/", 1);
    start("auto");
    fetch("A--B");
    has(fake.log, "identity = client-secret");
    unsetenv("AZURE_CLIENT_SECRET");
    start("auto");
    expect_failure(CS_E_CONFIG, "/nonexistent cannot be read");
    has(fake.log, "identity = certificate");
    unsetenv("AZURE_CLIENT_CERTIFICATE_PATH");
    start("auto");
    fetch("A--B");
    has(fake.log, "identity = workload");
    unsetenv("AZURE_FEDERATED_TOKEN_FILE");
    start("auto");
    fetch("A--B");
    has(fake.log, "identity = app-service");
    unsetenv("IDENTITY_HEADER");
    start("auto");
    fetch("A--B");
    has(fake.log, "identity = arc");
}

/* ---- The certificate ----------------------------------------------------- */

static EVP_PKEY *write_certificate(int bits, X509 **certificate)
{
    EVP_PKEY *key = EVP_RSA_gen((unsigned)bits);
    FILE *file = fopen(path_of("both.pem"), "w");

    *certificate = X509_new();
    assert_non_null(key);
    assert_non_null(file);
    X509_gmtime_adj(X509_getm_notBefore(*certificate), 0);
    X509_gmtime_adj(X509_getm_notAfter(*certificate), 3600);
    X509_set_pubkey(*certificate, key);
    assert_true(X509_sign(*certificate, key, EVP_sha256()) > 0);
    PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL);
    PEM_write_X509(file, *certificate);
    fclose(file);
    return key;
}

/* In place; gives the length. */
static size_t decode(char *text, unsigned char *room)
{
    size_t length = strlen(text), padded = (length + 3) / 4 * 4;
    char copy[4096] = "";

    assert_true(padded < sizeof(copy));
    for (size_t i = 0; i < padded; i++)
        copy[i] = (char)(i >= length      ? '='
                         : text[i] == '-' ? '+'
                         : text[i] == '_' ? '/'
                                          : text[i]);
    assert_int_equal(EVP_DecodeBlock(room, (unsigned char *)copy, (int)padded),
                     padded / 4 * 3);
    return padded / 4 * 3 - (padded - length);
}

static json_t *decode_json(char *text)
{
    unsigned char room[4096];
    size_t size = decode(text, room);

    return json_loadb((char *)room, size, 0, NULL);
}

static void check_signature(EVP_PKEY *key, char *jwt, char *signature)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    EVP_PKEY_CTX *how;
    unsigned char bytes[1024];
    size_t size = decode(signature, bytes);

    EVP_DigestVerifyInit(context, &how, EVP_sha256(), NULL, key);
    EVP_PKEY_CTX_set_rsa_padding(how, RSA_PKCS1_PSS_PADDING);
    EVP_PKEY_CTX_set_rsa_pss_saltlen(how, 32);
    assert_int_equal(EVP_DigestVerify(context, bytes, size,
                                      (unsigned char *)jwt, strlen(jwt)),
                     1);
    EVP_MD_CTX_free(context);
}

static void check_jwt(EVP_PKEY *key, X509 *certificate, char *jwt)
{
    char *claims = strchr(jwt, '.') + 1, *signature = strchr(claims, '.');
    unsigned char print[36], digest[32]; /* base64 goes by three */
    json_t *header, *body;
    unsigned size;

    *signature++ = '\0';
    check_signature(key, jwt, signature);
    claims[-1] = '\0';
    header = decode_json(jwt);
    body = decode_json(claims);
    assert_string_equal(json_string_value(json_object_get(header, "alg")),
                        "PS256");
    assert_string_equal(json_string_value(json_object_get(header, "typ")),
                        "JWT");
    X509_digest(certificate, EVP_sha256(), digest, &size);
    assert_int_equal(decode((char *)(uintptr_t)json_string_value(
                                json_object_get(header, "x5t#S256")),
                            print),
                     32);
    assert_memory_equal(print, digest, 32);
    assert_string_equal(
        json_string_value(json_object_get(body, "aud")),
        "https://login.microsoftonline.com/tenant/oauth2/v2.0/token");
    assert_string_equal(json_string_value(json_object_get(body, "iss")),
                        "client");
    assert_string_equal(json_string_value(json_object_get(body, "sub")),
                        "client");
    assert_int_equal(json_string_length(json_object_get(body, "jti")), 36);
    assert_int_equal(json_integer_value(json_object_get(body, "nbf")),
                     fake.now / 1000000);
    assert_int_equal(json_integer_value(json_object_get(body, "exp")),
                     fake.now / 1000000 + 600);
    json_decref(header);
    json_decref(body);
}

static void certificate(void **state)
{
    static const struct fake_reply replies[] = {
        {.status = 401, .headers = challenged}, {.status = 401}};
    X509 *made;
    EVP_PKEY *key = write_certificate(2048, &made);

    (void)state;
    service();
    setenv("AZURE_CLIENT_CERTIFICATE_PATH", path_of("both.pem"), 1);
    start("auto");
    fake.replies = replies;
    fake.nreplies = 2;
    expect_failure(CS_E_AUTH, "refuses the certificate");
    has(fake.body, "&client_assertion=");
    check_jwt(key, made, strstr(fake.body, "&client_assertion=") + 18);
    EVP_PKEY_free(key);
    X509_free(made);
}

static void certificates_that_will_not_do(void **state)
{
    X509 *made;
    EVP_PKEY *key = write_certificate(1024, &made);

    (void)state;
    EVP_PKEY_free(key);
    X509_free(made);
    service();
    setenv("AZURE_CLIENT_CERTIFICATE_PATH", path_of("both.pem"), 1);
    start("certificate");
    expect_failure(CS_E_CONFIG, "not RSA of at least 2048");
    put("both.pem", "nothing");
    start("certificate");
    expect_failure(CS_E_CONFIG, "is neither PEM nor PKCS#12");
    put("both.pem", "");
    start("certificate");
    expect_failure(CS_E_CONFIG, "is neither PEM nor PKCS#12");
    put("both.pem", "-----BEGIN CERTIFICATE-----\nA\n");
    start("certificate");
    expect_failure(CS_E_CONFIG, "holds no certificate");
}

static void write_pkcs12(EVP_PKEY *key, X509 *certificate, const char *password)
{
    FILE *file = fopen(path_of("both.pem"), "w");
    PKCS12 *box =
        PKCS12_create(password, NULL, key, certificate, NULL, 0, 0, 0, 0, 0);

    assert_non_null(file);
    assert_non_null(box);
    assert_int_equal(i2d_PKCS12_fp(file, box), 1);
    fclose(file);
    PKCS12_free(box);
}

/* As Azure's portal gives it: binary, with or without a password. */
static void certificate_in_pkcs12(void **state)
{
    static const char *const passwords[] = {"w0rd", NULL};
    static const struct fake_reply replies[] = {
        {.status = 401, .headers = challenged}, {.status = 401}};
    X509 *made;
    EVP_PKEY *key = write_certificate(2048, &made);

    (void)state;
    service();
    setenv("AZURE_CLIENT_CERTIFICATE_PATH", path_of("both.pem"), 1);
    for (size_t i = 0; i < 2; i++) {
        write_pkcs12(key, made, passwords[i]);
        if (passwords[i])
            setenv("AZURE_CLIENT_CERTIFICATE_PASSWORD", passwords[i], 1);
        else
            unsetenv("AZURE_CLIENT_CERTIFICATE_PASSWORD");
        start("auto");
        fake.replies = replies;
        fake.nreplies = 2;
        expect_failure(CS_E_AUTH, "refuses the certificate");
        check_jwt(key, made, strstr(fake.body, "&client_assertion=") + 18);
        fake.replies = good;
    }
    setenv("AZURE_CLIENT_CERTIFICATE_PASSWORD", "wrong", 1);
    write_pkcs12(key, made, "w0rd");
    start("auto");
    expect_failure(CS_E_CONFIG, "is AZURE_CLIENT_CERTIFICATE_PASSWORD right");
    EVP_PKEY_free(key);
    X509_free(made);
}

/* ---- Challenges ---------------------------------------------------------- */

static void challenges(void **state)
{
    static const struct {
        const char *header;
        bool good;
    } cases[] = {
        {"Bearer resource=\"https://vault.azure.net\"", true},
        {"bearer authorization_uri=\"https://x/t\" "
         "resource=\"https://vault.azure.net/\"",
         true},
        {"Bearer scope=\"https://vault.azure.net/.default\", "
         "resource=\"https://evil.test\"",
         true},
        {"Bearer resource=https://VAULT.azure.net", true},
        {"Bearer resource=\"https://north.vault.azure.net\"", true},
        {"Bearer resource=\"https://vault.keyvault.net\"", false},
        {"Bearer resource=\"https://evil.test\"", false},
        {"Bearer resource=\"https://ault.azure.net\"", false},
        {"Bearer resource=\"https://vault.azure.net.evil.test\"", false},
        {"Bearer resource=\"https://vault.azure.net@evil.test\"", false},
        {"Bearer resource=\"https://south.vault.azure.net\"", false},
        {"Bearer resource=\"https://net\"", false},
        {"Bearer resource=\"https://\"", false},
        {"Bearer resource=\"vault.azure.net\"", false},
        {"Bearer resource=\"\"", false},
        {"Bearer resource", false},
        {"Bearer ", false},
        {"Basic resource=\"https://vault.azure.net\"", false},
        {NULL, false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct fake_pair header[] = {
            {"WWW-Authenticate", cases[i].header}, {NULL, NULL}};
        const struct fake_reply replies[] = {
            {.status = 401, .headers = header}, LOGGED_IN, GIVEN};

        start("vm");
        fake.replies = replies;
        fake.nreplies = 3;
        if (cases[i].good) {
            expect_secret();
            assert_null(strstr(fake.requests[1], "net%2F"));
        } else {
            expect_failure(CS_E_AUTH, "the vault");
        }
        assert_int_equal(fake.asked, cases[i].good ? 3 : 1);
        assert_string_equal(fake.headers,
                            cases[i].good ? "Authorization: Bearer t0k\n" : "");
        fake.replies = good;
    }
}

/* A token of one cloud is of no use in another. */
static void clouds(void **state)
{
    static const struct {
        const char *domain, *login;
    } all[] = {
        {"vault.azure.net", "https://login.microsoftonline.com"},
        {"vault.usgovcloudapi.net", "https://login.microsoftonline.us"},
        {"vault.azure.cn", "https://login.partner.microsoftonline.cn"},
        {"vault.azure.cn", "https://login.chinacloudapi.cn"},
    };
    char url[64], resource[64], login[96], scope[96];
    const struct fake_pair options[] = {{"base_url", url}, {NULL, NULL}};
    const struct fake_pair header[] = {{"WWW-Authenticate", resource},
                                       {NULL, NULL}};
    const struct fake_reply replies[] = {{.status = 401, .headers = header},
                                         {.status = 401},
                                         {.status = 401, .headers = challenged},
                                         {.status = 401}};

    (void)state;
    service();
    setenv("AZURE_CLIENT_SECRET", "x", 1);
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        snprintf(url, sizeof(url), "https://north.%s", all[i].domain);
        snprintf(resource, sizeof(resource), "Bearer resource=\"https://%s\"",
                 all[i].domain);
        snprintf(login, sizeof(login), "POST %s/tenant/oauth2/v2.0/token",
                 all[i].login);
        snprintf(scope, sizeof(scope),
                 "&scope=https%%3A%%2F%%2F%s%%2F.default&", all[i].domain);
        setenv("AZURE_AUTHORITY_HOST", all[i].login, 1);
        fake_host_clear(&fake);
        fake_host_init(&fake, &cleversync_plugin);
        fake.options = options;
        fake.replies = replies;
        fake.nreplies = 4;
        assert_int_equal(fake_host_open(&fake), CS_OK);
        expect_failure(CS_E_AUTH, "refuses the client secret");
        assert_string_equal(fake.requests[1], login);
        has(fake.body, scope);
        if (i > 0) { /* its challenge is that of the first */
            expect_failure(CS_E_AUTH, "something else than itself");
            assert_int_equal(fake.asked, 3);
        }
    }
    fake_host_clear(&fake);
}

/* ---- The life of a token ------------------------------------------------- */

/* Each service writes it in its own way; the vault is asked with the token
 * until five minutes before its end. */
static void lives(void **state)
{
    static const char *const bodies[] = {
        "{\"access_token\":\"t0k\",\"expires_in\":3599}",
        "{\"access_token\":\"t0k\",\"expires_in\":\"3599\"}",
        "{\"access_token\":\"t0k\",\"expires_on\":1769821199}",
        "{\"access_token\":\"t0k\",\"expires_on\":\"1769821199\","
        "\"not_before\":\"1\",\"resource\":\"x\",\"client_id\":\"x\"}",
        "{\"access_token\":\"t0k\",\"expires_on\":\"1769821199\","
        "\"expires_in\":\"60\"}",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
        const struct fake_reply replies[] = {
            REFUSED, {.status = 200, .body = bodies[i]}, GIVEN, GIVEN, GIVEN};

        script(replies, 5);
        expect_secret();
        fake.now += INT64_C(3298) * 1000000;
        expect_secret();
        assert_string_equal(fake.headers, "Authorization: Bearer t0k\n");
        fake.now += INT64_C(1) * 1000000;
        expect_secret();
        assert_string_equal(fake.headers, "");
        fake.replies = good;
    }
}

static void token_expires(void **state)
{
    static const struct fake_reply replies[] = {REFUSED, LOGGED_IN, GIVEN,
                                                REFUSED, LOGGED_IN, GIVEN};

    (void)state;
    script(replies, 6);
    expect_secret();
    fake.now += INT64_C(3200) * 1000000; /* not yet, but in 7 minutes */
    fake.nreplies = 3;
    fetch("A--B");
    assert_string_equal(fake.headers, "Authorization: Bearer t0k\n");
    script(replies, 6);
    expect_secret();
    fake.now += INT64_C(3400) * 1000000;
    expect_secret();
    assert_int_equal(fake.asked, 6);
}

static void token_refused(void **state)
{
    static const struct fake_reply replies[] = {REFUSED, LOGGED_IN, GIVEN,
                                                REFUSED, LOGGED_IN, REFUSED};

    (void)state;
    script(replies, 6);
    expect_secret();
    expect_failure(CS_E_AUTH, "refuses the token"); /* anew, once */
    assert_int_equal(fake.asked, 6);
}

static void tokens_that_are_none(void **state)
{
    static const char *const bodies[] = {
        "{}",
        "[]",
        "{\"access_token\":\"t0k\"}",
        TOKEN "\"access_token\":\"\"}",
        TOKEN "\"access_token\":7}",
        TOKEN "\"access_token\":\"a\\r\\nX: b\"}",
        TOKEN "\"access_token\":\"a\\u0000b\"}",
        "{\"access_token\":\"t0k\",\"expires_on\":\"31/01/2026\"}",
        "{\"access_token\":\"t0k\",\"expires_on\":\"99999999999999999999\"}",
        "text",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
        const struct fake_reply replies[] = {
            REFUSED, {.status = 200, .body = bodies[i]}};

        start("vm");
        fake.replies = replies;
        fake.nreplies = 2;
        expect_failure(CS_E_FATAL, "holds no token");
        fake.replies = good;
    }
}

/* ---- What a vault says --------------------------------------------------- */

static void outcomes(void **state)
{
    static const struct {
        long status;
        const char *body;
        enum cs_rc rc;
        const char *words;
    } cases[] = {
        {403, ERROR("Forbidden", "SecretDisabled"), CS_E_AUTH, "is disabled"},
        {403, ERROR("Forbidden", "AccessDenied"), CS_E_AUTH, "access policy"},
        {403, ERROR("Forbidden", "ForbiddenByRbac"), CS_E_AUTH, "no role"},
        {403, ERROR("Forbidden", "ForbiddenByFirewall"), CS_E_AUTH, "firewall"},
        {403, "{\"error\":{\"code\":\"SecretDisabled\"}}", CS_E_AUTH,
         "is disabled"},
        {403, ERROR("Forbidden", "Quill"), CS_E_AUTH, "no reason that is"},
        {403, "text", CS_E_AUTH, "no reason that is"},
        {404, "<html>", CS_E_CONFIG, "no Key Vault answers"},
        {410, NULL, CS_E_CONFIG, "no Key Vault answers"},
        {429, NULL, CS_E_RETRY, "429"},
        {500, NULL, CS_E_RETRY, "500"},
        {0, NULL, CS_E_RETRY, "0"},
        {302, NULL, CS_E_FATAL, "302"},
        {200, "{}", CS_E_FATAL, "holds no value"},
        {200, "{\"value\":7}", CS_E_FATAL, "holds no value"},
        {200, "{\"value\":\"\"}", CS_E_CONFIG, "is empty"},
        {200, "{\"value\":\"a\\u0000b\"}", CS_E_CONFIG, "not text"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct fake_reply replies[] = {
            REFUSED,
            LOGGED_IN,
            {.status = cases[i].status, .body = cases[i].body}};

        start("vm");
        fake.replies = replies;
        fake.nreplies = 3;
        expect_failure(cases[i].rc, cases[i].words);
        fake.replies = good;
    }
}

static void missing(void **state)
{
    static const struct fake_reply replies[] = {
        REFUSED,
        LOGGED_IN,
        {.status = 404, .body = ERROR("SecretNotFound", "")},
        {.status = 404, .body = ERROR("SecretNotFound", "")},
        {.status = 404, .body = ERROR("SecretNotFound", "")},
        {.status = 200, .body = VALUE}, /* of the deleted ones */
        {.status = 404, .body = ERROR("SecretNotFound", "")},
        {.status = 403, .body = ERROR("Forbidden", "")},
        {.status = 404, .body = ERROR("SecretNotFound", "")}};

    (void)state;
    script(replies, 9);
    assert_int_equal(fetch("A--B"), CS_E_NOT_HERE);
    assert_string_equal(fake.requests[3],
                        "GET " VAULT "/deletedsecrets/A--B?api-version=7.4");
    assert_null(strstr(fake.log, "deleted"));
    assert_int_equal(fetch("A--B"), CS_E_NOT_HERE);
    has(fake.log, "warn secret A--B was deleted");
    assert_int_equal(fetch("A--B"), CS_E_NOT_HERE);
    assert_int_equal(fetch("A--B"), CS_E_NOT_HERE); /* may not look: no more */
    assert_int_equal(fake.rc, CS_E_NOT_HERE);       /* not that of the look */
    assert_int_equal(fake.asked, 9);
}

/* Nothing is read, and no deleted secret looked for. */
static void check(void **state)
{
    static const struct fake_reply replies[] = {
        REFUSED,
        LOGGED_IN,
        {.status = 404, .body = ERROR("SecretNotFound", "")},
        {.status = 403, .body = ERROR("Forbidden", "ForbiddenByRbac")},
        {.status = 503},
        {.status = 404, .body = "<html>"}};
    const struct cs_credential_ops *ops = cleversync_plugin.ops;

    (void)state;
    script(replies, 6);
    assert_int_equal(ops->life.check(fake.self), CS_OK);
    assert_int_equal(fake.asked, 3);
    assert_string_equal(fake.requests[2],
                        "GET " VAULT
                        "/secrets/CleverSync--Health--Check?api-version=7.4");
    assert_int_equal(ops->life.check(fake.self), CS_E_AUTH);
    assert_int_equal(ops->life.check(fake.self), CS_E_RETRY);
    assert_int_equal(ops->life.check(fake.self), CS_E_CONFIG);
    assert_int_equal(fake.asked, 6);
}

static void times(void **state)
{
    static const struct fake_reply replies[] = {
        REFUSED,
        LOGGED_IN,
        {.status = 200,
         .body = "{\"value\":\"v\",\"attributes\":{\"exp\":1769817600,"
                 "\"recoveryLevel\":\"Purgeable\"}}"},
        {.status = 200,
         .body = "{\"value\":\"v\",\"attributes\":{\"nbf\":1769817601}}"},
        {.status = 200,
         .body = "{\"value\":\"v\",\"attributes\":{\"nbf\":1769817600,"
                 "\"exp\":1769817601}}"}};

    (void)state;
    script(replies, 5);
    assert_int_equal(fetch("A--B"), CS_OK);
    has(fake.log, "warn secret A--B has expired");
    assert_int_equal(fetch("A--B"), CS_OK);
    has(fake.log, "warn secret A--B is not valid yet");
    assert_int_equal(fetch("A--B"), CS_OK);
    assert_string_equal(fake.log, "");
}

static void names(void **state)
{
    char name[129];

    (void)state;
    start("vm");
    memset(name, 'x', sizeof(name) - 1);
    name[128] = '\0';
    assert_int_equal(fetch(name), CS_E_NOT_HERE);
    assert_int_equal(fetch(""), CS_E_NOT_HERE);
    assert_int_equal(fetch("A_B"), CS_E_NOT_HERE);
    assert_int_equal(fetch("A/B"), CS_E_NOT_HERE);
    assert_int_equal(fetch("../x"), CS_E_NOT_HERE);
    assert_int_equal(fetch("A?"), CS_E_NOT_HERE);
    assert_int_equal(fake.asked, 0);
    has(fake.log, "warn secret A? was not asked for: names in a Key Vault");
    name[127] = '\0';
    assert_int_equal(fetch(name), CS_OK);
}

static void limits(void **state)
{
    size_t most = (size_t)25 * 1024;
    char *body = calloc(1, most + 64);
    const struct fake_reply replies[] = {
        REFUSED, LOGGED_IN, {.status = 200, .body = body}};

    (void)state;
    assert_non_null(body);
    for (size_t more = 0; more < 2; more++) {
        strcpy(body, "{\"value\":\"");
        memset(body + strlen(body), 'x', most + more);
        strcat(body, "\"}");
        script(replies, 3);
        if (more)
            expect_failure(CS_E_CONFIG, "longer than 25 KiB");
        else
            assert_int_equal(fetch("A--B"), CS_OK);
        memset(body, 0, most + 64);
    }
    fake.replies = good;
    free(body);
}

static void versions(void **state)
{
    static const struct fake_pair options[] = {
        {"base_url", VAULT}, {"api_version", "2025-07-01"}, {NULL, NULL}};

    (void)state;
    start("vm");
    fake.options = options;
    fetch("A--B");
    assert_string_equal(fake.requests[0],
                        "GET " VAULT "/secrets/A--B?api-version=2025-07-01");
}

static void addresses(void **state)
{
    static const struct fake_pair user[] = {
        {"base_url", "https://vault.azure.net@evil.test"}, {NULL, NULL}};
    static const struct fake_pair query[] = {
        {"base_url", "https://x.vault.azure.net/?a=b"}, {NULL, NULL}};

    (void)state;
    fake_host_init(&fake, &cleversync_plugin);
    fake.options = user;
    assert_int_equal(fake_host_open(&fake), CS_E_CONFIG);
    fake.options = query;
    assert_int_equal(fake_host_open(&fake), CS_E_CONFIG);
}

#define TEST(function) \
    cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(vm),
        TEST(nobody),
        TEST(vm_is_asked_as_it_wants),
        TEST(vm_refuses),
        TEST(vm_is_updated),
        TEST(patience),
        TEST(client_secret),
        TEST(login_body),
        TEST(workload),
        TEST(app_service),
        TEST(arc),
        TEST(arc_keys),
        TEST(arc_gives_whom_was_asked_for),
        TEST(settings_are_missed),
        TEST(order),
        TEST(certificate),
        TEST(certificates_that_will_not_do),
        TEST(certificate_in_pkcs12),
        TEST(challenges),
        TEST(clouds),
        TEST(lives),
        TEST(token_expires),
        TEST(token_refused),
        TEST(tokens_that_are_none),
        TEST(outcomes),
        TEST(missing),
        TEST(check),
        TEST(times),
        TEST(names),
        TEST(limits),
        TEST(versions),
        TEST(addresses),
    };

    return cmocka_run_group_tests_name("keyvault", tests, NULL, NULL);
}
