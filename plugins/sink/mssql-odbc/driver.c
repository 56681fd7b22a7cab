/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* A target in the words of the driver at hand.  The two drivers share few
 * keywords, quote differently and guard the connection differently. */
#include "config.h"

#include "mssql-odbc.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum {
    DRIVER_PORT = 1433,
    DRIVER_TEXT_MOST = 32000,  /* what a driver manager takes is 32767 */
    DRIVER_QUERY_SECONDS = 600 /* of FreeTDS, when nobody says; only a net */
};

/* ---- Which driver ------------------------------------------------------- */

/* "ODBC Driver 18 for SQL Server" */
static bool driver_is_microsoft(const char *name)
{
    const char *found = strcasestr(name, "ODBC Driver");
    return strncmp(name, "libmsodbcsql", strlen("libmsodbcsql")) == 0 ||
           (found != NULL && strcasestr(found, "SQL Server") != NULL);
}

static bool driver_is_freetds(const char *name)
{
    return strncmp(name, "libtdsodbc", strlen("libtdsodbc")) == 0 ||
           strcasestr(name, "freetds") != NULL;
}

enum cs_rc mssql_odbc_driver_find(const struct cs_host *host, const char *name,
                                  enum mssql_odbc_driver *driver)
{
    const char *slash = strrchr(name, '/');
    const char *last = slash != NULL ? slash + 1 : name;
    *driver =
        driver_is_microsoft(last) ? MSSQL_ODBC_MICROSOFT : MSSQL_ODBC_FREETDS;
    if ((*driver == MSSQL_ODBC_FREETDS && !driver_is_freetds(last)) ||
        strpbrk(name, "{};") != NULL)
        return cs_fail(host, CS_E_CONFIG,
                       "driver must be Microsoft's \"ODBC Driver 18 for SQL "
                       "Server\" or \"FreeTDS\", by its name in odbcinst.ini "
                       "or by its path");
    return CS_OK;
}

/* ---- Building ----------------------------------------------------------- */

struct driver_text {
    enum mssql_odbc_driver driver;
    const struct cs_host *host;
    char *bytes; /* of one size from the start: growing would leave copies */
    size_t length;
    enum cs_rc rc; /* of the first fault */
};

static void driver_add(struct driver_text *text, const char *more,
                       size_t length)
{
    if (text->rc == CS_OK && length >= DRIVER_TEXT_MOST - text->length)
        text->rc = cs_fail(text->host, CS_E_CONFIG,
                           "the connection string is too long for the driver");
    if (text->rc != CS_OK)
        return;
    memcpy(text->bytes + text->length, more, length);
    text->length += length;
    text->bytes[text->length] = '\0';
}

static void driver_say(struct driver_text *text, const char *more)
{
    driver_add(text, more, strlen(more));
}

/* Within braces a closing one is doubled. */
static void driver_say_doubled(struct driver_text *text, const char *value)
{
    for (; *value != '\0'; value++)
        driver_add(text, *value == '}' ? "}}" : value, *value == '}' ? 2 : 1);
}

/* FreeTDS 1.3 takes "}}" as it stands and ends a value at "};" alone, later
 * ones know the rule; without braces both take all but a semicolon.  An end
 * without a semicolon leaves the brace in the value. */
static void driver_say_freetds(struct driver_text *text, const char *keyword,
                               const char *value)
{
    bool closing = strchr(value, '}') != NULL;
    if (closing && (strchr(value, ';') != NULL || *value == '{')) {
        if (text->rc == CS_OK)
            text->rc = cs_fail(text->host, CS_E_CONFIG,
                               "FreeTDS cannot be given this %s: it has } "
                               "together with ; or with { in front",
                               keyword);
        return;
    }
    driver_say(text, closing ? "" : "{");
    driver_say(text, value);
    driver_say(text, closing ? "" : "}");
}

/* NULL: nothing is said. */
static void driver_pair(struct driver_text *text, const char *keyword,
                        const char *value)
{
    if (value == NULL)
        return;
    driver_say(text, keyword);
    driver_say(text, "=");
    if (text->driver == MSSQL_ODBC_FREETDS) {
        driver_say_freetds(text, keyword, value);
    } else {
        driver_say(text, "{");
        driver_say_doubled(text, value);
        driver_say(text, "}");
    }
    driver_say(text, ";");
}

static void driver_number(struct driver_text *text, const char *keyword,
                          long number)
{
    char pair[64];
    snprintf(pair, sizeof pair, "%s=%ld;", keyword, number);
    driver_say(text, pair);
}

/* HOST, HOST\INSTANCE; for Microsoft tcp:HOST,PORT. */
static void driver_server(struct driver_text *text,
                          const struct mssql_odbc_target *target)
{
    bool microsoft = text->driver == MSSQL_ODBC_MICROSOFT;
    char server[512], port[16] = "";
    /* Of an instance whose port is known the name is of no use. */
    const char *instance = target->port == 0 ? target->instance : NULL;
    if (microsoft && instance == NULL)
        snprintf(port, sizeof port, ",%u",
                 target->port != 0 ? target->port : DRIVER_PORT);
    int length =
        snprintf(server, sizeof server, "%s%s%s%s%s", microsoft ? "tcp:" : "",
                 target->server, instance != NULL ? "\\" : "",
                 instance != NULL ? instance : "", port);
    if (length < 0 || (size_t)length >= sizeof server) {
        text->rc = cs_fail(text->host, CS_E_CONFIG,
                           "the connection string's Server is too long");
        return;
    }
    driver_pair(text, "Server", server);
}

/* ---- Microsoft ---------------------------------------------------------- */

static void driver_microsoft(struct driver_text *text,
                             const struct mssql_odbc_target *target,
                             const struct mssql_odbc_security *security,
                             bool encrypted)
{
    if (text->rc == CS_OK && security->ca_file != NULL &&
        *security->ca_file != '\0')
        text->rc = cs_fail(text->host, CS_E_CONFIG,
                           "ca_file is for FreeTDS: Microsoft's driver trusts "
                           "the system's authorities, so add yours to them "
                           "and take ca_file out");
    driver_server(text, target);
    driver_pair(text, "Database", target->database);
    driver_pair(text, "Authentication", target->authentication);
    driver_pair(text, "UID", target->user);
    driver_pair(text, "PWD", target->password);
    driver_say(text, !encrypted             ? "Encrypt=no;"
                     : target->encrypt == 2 ? "Encrypt=strict;"
                                            : "Encrypt=yes;");
    driver_say(text, security->verify_certificate
                         ? "TrustServerCertificate=no;"
                         : "TrustServerCertificate=yes;");
    driver_pair(text, "HostNameInCertificate", target->host_in_certificate);
    /* Else it restores connections silently, and without their locks. */
    driver_say(text, "ConnectRetryCount=0;");
}

/* ---- FreeTDS ------------------------------------------------------------ */

/* What matters here of a freetds.conf for one server. */
struct driver_conf {
    bool section, address, any_host;
    char ca_file[256];
};

static bool driver_is_off(const char *value)
{
    return strcasecmp(value, "no") == 0 || strcasecmp(value, "off") == 0 ||
           strcasecmp(value, "false") == 0;
}

/* Blanks around are dropped and those within made one; ends before `ends`.
 * Returns where it ended. */
static char *driver_squeeze(char *text, const char *ends)
{
    char *to = text, *from = text;
    bool blank = false;
    for (; *from != '\0' && strchr(ends, *from) == NULL; from++) {
        if (isspace((unsigned char)*from)) {
            blank = to > text;
            continue;
        }
        if (blank)
            *to++ = ' ';
        blank = false;
        *to++ = *from;
    }
    bool more = *from != '\0';
    *to = '\0';
    return more ? from + 1 : from;
}

static void driver_conf_set(struct driver_conf *conf, const char *name,
                            const char *value)
{
    if (strcasecmp(name, "ca file") == 0)
        snprintf(conf->ca_file, sizeof conf->ca_file, "%s", value);
    else if (strcasecmp(name, "check certificate hostname") == 0)
        conf->any_host = driver_is_off(value);
    else if (strcasecmp(name, "host") == 0)
        conf->address = *value != '\0';
}

/* Reads as FreeTDS does, with its length of a line, so that both see the
 * same. */
static bool driver_conf_section(FILE *file, const char *section,
                                struct driver_conf *conf)
{
    char line[256];
    bool inside = false, found = false;
    rewind(file);
    while (fgets(line, sizeof line, file) != NULL) {
        char *name = line + strspn(line, " \t\r\n\v\f");
        if (*name == ';' || *name == '#')
            continue;
        char *value = driver_squeeze(name, "=");
        driver_squeeze(value, ";#");
        if (*name == '[') {
            name[strcspn(name, "]")] = '\0';
            inside = strcasecmp(name + 1, section) == 0;
            found |= inside;
        } else if (inside) {
            driver_conf_set(conf, name, value);
        }
    }
    return found;
}

static bool driver_conf_read(const char *path, const char *server,
                             struct driver_conf *conf)
{
    FILE *file = path != NULL ? fopen(path, "re") : NULL;
    if (file == NULL)
        return false;
    driver_conf_section(file, "global", conf);
    conf->address = false;
    conf->section = driver_conf_section(file, server, conf);
    bool whole = ferror(file) == 0;
    fclose(file);
    return whole;
}

/* FreeTDS checks a certificate only when a file of authorities is named, and
 * that can be said in its freetds.conf alone, in a section for the server.  It
 * looks at several such files; the one that FREETDSCONF names comes first and,
 * having the section, is the last one, too. */
static enum cs_rc driver_conf_check(const struct cs_host *host,
                                    const struct mssql_odbc_target *target,
                                    const char *ca_file)
{
    struct driver_conf conf = {0};
    const char *path = getenv("FREETDSCONF");
    const char *fault = NULL;
    if (path == NULL || *path == '\0')
        fault = "the environment's FREETDSCONF names no freetds.conf";
    else if (!driver_conf_read(path, target->server, &conf))
        fault = "the file that FREETDSCONF names cannot be read";
    else if (!conf.section || !conf.address)
        fault = "FREETDSCONF's file has no such section with a host";
    else if (strcmp(conf.ca_file, ca_file) != 0)
        fault = "FREETDSCONF's file names another ca file, or none";
    else if (conf.any_host)
        fault = "FREETDSCONF's file switches check certificate hostname off";
    if (fault == NULL)
        return CS_OK;
    return cs_fail(host, CS_E_CONFIG,
                   "FreeTDS would not check the server's certificate, because "
                   "%s; it needs there: [%s] with host = %s and ca file = %s",
                   fault, target->server, target->server, ca_file);
}

static enum cs_rc driver_conf_need(const struct cs_host *host,
                                   const struct mssql_odbc_target *target,
                                   const struct mssql_odbc_security *security)
{
    const char *ca_file = security->ca_file;
    if (ca_file == NULL || *ca_file == '\0')
        return cs_fail(host, CS_E_CONFIG,
                       "FreeTDS checks no certificate without ca_file; set "
                       "it, or verify_certificate = false, or use Microsoft's "
                       "driver");
    if (target->instance != NULL && target->port == 0)
        return cs_fail(host, CS_E_CONFIG,
                       "FreeTDS cannot check the certificate of a named "
                       "instance; give its port in the connection string");
    if (target->host_in_certificate != NULL &&
        strcasecmp(target->host_in_certificate, target->server) != 0)
        return cs_fail(host, CS_E_CONFIG,
                       "FreeTDS has no HostNameInCertificate; take it out of "
                       "the connection string and let the section of "
                       "freetds.conf name the host as the certificate does");
    return driver_conf_check(host, target, ca_file);
}

static void driver_freetds(struct driver_text *text,
                           const struct mssql_odbc_target *target,
                           const struct mssql_odbc_security *security,
                           bool encrypted)
{
    const struct cs_host *host = text->host;
    bool verified = encrypted && security->verify_certificate;
    if (text->rc == CS_OK && target->authentication != NULL &&
        strcmp(target->authentication, "SqlPassword") != 0)
        text->rc = cs_fail(host, CS_E_CONFIG,
                           "FreeTDS knows logins by User ID and Password "
                           "only; Authentication=%s needs Microsoft's driver",
                           target->authentication);
    if (text->rc == CS_OK && target->encrypt == 2)
        text->rc = cs_fail(host, CS_E_CONFIG,
                           "FreeTDS has no Encrypt=strict; use Microsoft's "
                           "driver, or Encrypt=yes");
    if (text->rc == CS_OK && verified)
        text->rc = driver_conf_need(host, target, security);
    if (verified) /* the section of that name, or no connection at all */
        driver_pair(text, "Servername", target->server);
    else
        driver_server(text, target);
    if (target->port != 0 || target->instance == NULL)
        driver_number(text, "Port",
                      target->port != 0 ? (long)target->port : DRIVER_PORT);
    driver_pair(text, "Database", target->database);
    driver_pair(text, "UID", target->user);
    driver_pair(text, "PWD", target->password);
    driver_say(text, encrypted ? "Encryption=require;" : "Encryption=off;");
    driver_say(text, "TDS_Version=7.4;ClientCharset=UTF-8;");
    driver_number(text, "Timeout",
                  target->query_seconds != 0 ? target->query_seconds
                                             : DRIVER_QUERY_SECONDS);
}

/* ---- Both --------------------------------------------------------------- */

/* Who switches a guard off says so in the configuration, by name. */
static enum cs_rc driver_guard(const struct cs_host *host,
                               const struct mssql_odbc_target *target,
                               const struct mssql_odbc_security *security)
{
    if (security->encrypt && target->encrypt == 0)
        return cs_fail(
            host, CS_E_CONFIG,
            "the connection string's Encrypt asks for no "
            "encryption; take it out, or say encrypt = false in this "
            "section");
    if (security->verify_certificate && target->trust == 1)
        return cs_fail(host, CS_E_CONFIG,
                       "the connection string's TrustServerCertificate asks "
                       "not to check the server's certificate; take it out, "
                       "or say verify_certificate = false in this section");
    return CS_OK;
}

enum cs_rc mssql_odbc_driver_text(const struct cs_host *host,
                                  const char *driver_name,
                                  const struct mssql_odbc_target *target,
                                  const struct mssql_odbc_security *security,
                                  char **bytes)
{
    struct driver_text text = {.host = host};
    bool encrypted = security->encrypt || target->encrypt > 0;
    *bytes = NULL;
    text.rc = mssql_odbc_driver_find(host, driver_name, &text.driver);
    if (text.rc == CS_OK)
        text.rc = driver_guard(host, target, security);
    if (text.rc != CS_OK)
        return text.rc;
    text.bytes = calloc(1, DRIVER_TEXT_MOST);
    if (text.bytes == NULL)
        return cs_fail(host, CS_E_FATAL,
                       "the connection string: out of memory");
    /* First: a driver manager looks no further for it. */
    driver_pair(&text, "Driver", driver_name);
    if (text.driver == MSSQL_ODBC_MICROSOFT)
        driver_microsoft(&text, target, security, encrypted);
    else
        driver_freetds(&text, target, security, encrypted);
    driver_pair(&text, "APP",
                target->application != NULL ? target->application
                                            : "cleversync");
    if (text.rc == CS_OK) {
        *bytes = text.bytes;
    } else {
        host->wipe(text.bytes, text.length);
        free(text.bytes);
    }
    return text.rc;
}
