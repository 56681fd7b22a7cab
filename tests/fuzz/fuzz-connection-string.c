/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* Connection strings of the sink mssql-odbc.  First line: bits that say which
 * driver, which guards, and how a password is written; second line the
 * password; then the rest of the string.
 *
 * No sentence shows a piece of the password, a quoted one is read as it is, and
 * what a driver is told has the target's values under their keywords and
 * nothing else. */

#include "config.h"

#include "../../plugins/sink/mssql-odbc/mssql-odbc.h"
#include "fake-host.h"
#include "base/memory.h"
#include "fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MARK "Zq7xVault" /* all over each password */

enum {
    FREETDS = 1,
    NO_ENCRYPTION = 2,
    NO_CHECK = 4,
    AS_IT_IS = 8, /* no password but those in the text */
    BARE = 16,    /* the password is not quoted */
    IN_BRACES = 32,
    ALL = 63
};

/* ---- Making one ---------------------------------------------------------- */

static void quote(FILE *out, const char *value, char open, char close)
{
    putc(open, out);
    for (; *value != '\0'; value++) {
        if (*value == close)
            putc(close, out);
        putc(*value, out);
    }
    putc(close, out);
}

static char *make_text(unsigned long bits, const char *password, char *rest)
{
    char *text;
    size_t size;
    FILE *out = open_memstream(&text, &size);

    if (bits & BARE) { /* a quote that is open would take in the password */
        for (char *c = rest; *c != '\0'; c++)
            *c = strchr("\"'{", *c) != NULL ? '_' : *c;
    }
    fputs(rest, out);
    if (!(bits & AS_IT_IS)) {
        fputs(";Password=", out);
        if (bits & BARE)
            fputs(password, out);
        else if (bits & IN_BRACES)
            quote(out, password, '{', '}');
        else
            quote(out, password, '"', '"');
    }
    fclose(out);
    return text;
}

/* ---- What a driver makes of it ------------------------------------------- */

/* Takes a pair from the front.  Microsoft: braces, a closing one doubled.
 * FreeTDS: braces up to "};", or all up to a semicolon. */
static char *take_pair(const char **at, bool freetds, char **value)
{
    size_t n = strcspn(*at, "=");
    char *keyword = cs_memory_textn(*at, n);
    const char *from, *end;
    char *to;

    FUZZ_HOLDS((*at)[n] == '=');
    from = *at + n + 1;
    to = *value = cs_memory_new(strlen(from) + 1);
    if (*from != '{') {
        end = from + strcspn(from, ";");
        memcpy(to, from, (size_t)(end - from));
    } else if (freetds) {
        end = strstr(++from, "};");
        FUZZ_HOLDS(end != NULL);
        memcpy(to, from, (size_t)(end - from));
        end++;
    } else {
        for (end = from + 1; *end != '}' || end[1] == '}'; end++) {
            FUZZ_HOLDS(*end != '\0');
            end += *end == '}';
            *to++ = *end;
        }
        end++;
    }
    FUZZ_HOLDS(*end == ';');
    *at = end + 1;
    return keyword;
}

static void server_holds(const struct mssql_odbc_target *target,
                         const char *value, bool freetds)
{
    char expected[600];
    bool instance = target->instance != NULL && target->port == 0;

    if (freetds || instance)
        snprintf(expected, sizeof(expected), "%s%s%s%s",
                 freetds ? "" : "tcp:", target->server, instance ? "\\" : "",
                 instance ? target->instance : "");
    else
        snprintf(expected, sizeof(expected), "tcp:%s,%u", target->server,
                 target->port != 0 ? target->port : 1433);
    FUZZ_HOLDS(strcmp(value, expected) == 0);
}

/* Each keyword once; those that carry text have the target's. */
static void told_holds(const struct mssql_odbc_target *target,
                       const char *driver, const char *text, bool freetds,
                       const struct mssql_odbc_security *security)
{
    const struct {
        const char *keyword, *value; /* NULL: ours, whatever it says */
    } known[] = {
        {"Driver", driver},
        {"Server", NULL},
        {"Port", NULL},
        {"Database", target->database},
        {"Authentication", target->authentication},
        {"UID", target->user},
        {"PWD", target->password},
        {"Encrypt", NULL},
        {"Encryption", NULL},
        {"TrustServerCertificate", NULL},
        {"HostNameInCertificate", target->host_in_certificate},
        {"ConnectRetryCount", NULL},
        {"TDS_Version", NULL},
        {"ClientCharset", NULL},
        {"Timeout", NULL},
        {"APP", target->application ? target->application : "cleversync"},
    };
    enum { KNOWN = sizeof(known) / sizeof(*known) };
    bool seen[KNOWN] = {false};

    while (*text != '\0') {
        char *value, *keyword = take_pair(&text, freetds, &value);
        size_t i = 0;

        while (i < KNOWN && strcmp(known[i].keyword, keyword) != 0)
            i++;
        FUZZ_HOLDS(i < KNOWN && !seen[i]);
        seen[i] = true;
        if (strcmp(keyword, "Server") == 0)
            server_holds(target, value, freetds);
        if (security->encrypt && strncmp(keyword, "Encrypt", 7) == 0)
            FUZZ_HOLDS(strcmp(value, "no") != 0 && strcmp(value, "off") != 0);
        if (security->verify_certificate && strncmp(keyword, "Trust", 5) == 0)
            FUZZ_HOLDS(strcmp(value, "no") == 0);
        FUZZ_HOLDS(known[i].value == NULL ||
                   strcmp(known[i].value, value) == 0);
        free(keyword);
        free(value);
    }
    FUZZ_HOLDS(seen[0] && seen[1] && seen[3]);
    FUZZ_HOLDS(target->password == NULL || seen[6]);
}

static void sentence_holds(const struct fake_host *fake, enum cs_rc rc)
{
    FUZZ_HOLDS(rc == CS_E_CONFIG && fake->rc == rc);
    FUZZ_HOLDS(fake->error[0] != '\0' && strchr(fake->error, '\n') == NULL);
    FUZZ_HOLDS(strstr(fake->error, MARK) == NULL);
}

static void drive(struct fake_host *fake, unsigned long bits,
                  const struct mssql_odbc_target *target)
{
    const struct mssql_odbc_security security = {
        .encrypt = !(bits & NO_ENCRYPTION),
        .verify_certificate = !(bits & NO_CHECK)};
    bool freetds = bits & FREETDS;
    const char *driver = freetds ? "FreeTDS" : "ODBC Driver 18 for SQL Server";
    char *text;
    enum cs_rc rc =
        mssql_odbc_driver_text(&fake->host, driver, target, &security, &text);

    if (rc != CS_OK) {
        FUZZ_HOLDS(text == NULL);
        if (!(bits & BARE)) /* else pieces of it are other values */
            sentence_holds(fake, rc);
        return;
    }
    told_holds(target, driver, text, freetds, &security);
    free(text);
}

static void read_text(unsigned long bits, const char *text,
                      const char *password)
{
    struct mssql_odbc_target target;
    struct fake_host fake;
    enum cs_rc rc;

    fake_host_init(&fake, NULL);
    unsetenv("FREETDSCONF");
    rc = mssql_odbc_target_read(&fake.host, text, &target);
    if (rc != CS_OK) {
        FUZZ_HOLDS(target.password == NULL && target.server == NULL);
        sentence_holds(&fake, rc);
    } else {
        FUZZ_HOLDS(target.server != NULL && target.database != NULL);
        if (!(bits & (AS_IT_IS | BARE)) && target.password != NULL &&
            strstr(target.password, MARK) == target.password)
            FUZZ_HOLDS(strcmp(target.password, password) == 0);
        drive(&fake, bits, &target);
        mssql_odbc_target_clear(&fake.host, &target);
    }
    fake_host_clear(&fake);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct fuzz_input input = {(const char *)bytes, size};
    unsigned long bits = fuzz_number(&input, ALL);
    char *middle = fuzz_line(&input), *rest = fuzz_rest(&input);
    char *password = cs_memory_format(MARK "%s" MARK "=" MARK, middle);
    char *text = make_text(bits, password, rest);

    if (strstr(rest, MARK) == NULL)
        read_text(bits, text, password);
    free(middle);
    free(rest);
    free(password);
    free(text);
    return 0;
}
