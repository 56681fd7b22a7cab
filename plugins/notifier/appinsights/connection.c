/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

#include "config.h"

#include "appinsights.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#define INSIGHTS_DEFAULT "https://dc.services.visualstudio.com"
#define INSIGHTS_HEX "0123456789abcdefABCDEF-"

enum { INSIGHTS_STRING = 4096 };

/* Part of a string that is not ours to change. */
struct insights_span {
    const char *start;
    size_t length;
};

static struct insights_span insights_trim(const char *start, size_t length)
{
    while (length > 0 && (*start == ' ' || *start == '\t')) {
        start++;
        length--;
    }
    while (length > 0 && strchr(" \t\r\n", start[length - 1]))
        length--;
    return (struct insights_span){start, length};
}

/* The value of a key, however it is spelled; length 0: it is not set. */
static struct insights_span insights_value(const char *string, const char *key)
{
    while (*string) {
        size_t length = strcspn(string, ";");
        const char *equals = memchr(string, '=', length);
        size_t before = equals ? (size_t)(equals - string) : 0;
        struct insights_span name = insights_trim(string, before);

        if (name.length == strlen(key) &&
            strncasecmp(name.start, key, name.length) == 0)
            return insights_trim(equals + 1, length - before - 1);
        string += length;
        string += *string == ';';
    }
    return (struct insights_span){"", 0};
}

static enum cs_rc insights_set_key(const struct cs_host *host,
                                   const char *string,
                                   struct insights_connection *connection)
{
    struct insights_span key = insights_value(string, "InstrumentationKey");

    if (key.length == 0)
        return cs_fail(host, CS_E_CONFIG,
                       "the connection string has no InstrumentationKey");
    if (key.length >= sizeof(connection->key) ||
        strspn(key.start, INSIGHTS_HEX) < key.length)
        return cs_fail(host, CS_E_CONFIG,
                       "the InstrumentationKey of the connection string is "
                       "none: it has hexadecimal digits and dashes");
    snprintf(connection->key, sizeof(connection->key), "%.*s", (int)key.length,
             key.start);
    return CS_OK;
}

static enum cs_rc insights_set_endpoint(const struct cs_host *host,
                                        const char *string,
                                        struct insights_connection *connection)
{
    struct insights_span value = insights_value(string, "IngestionEndpoint");
    const char *before = "";

    if (value.length == 0) {
        value = insights_value(string, "EndpointSuffix");
        before = "https://dc.";
    }
    if (value.length == 0) {
        value = insights_trim(INSIGHTS_DEFAULT, strlen(INSIGHTS_DEFAULT));
        before = "";
    }
    while (value.length > 0 && value.start[value.length - 1] == '/')
        value.length--;
    if (strlen(before) + value.length >= sizeof(connection->endpoint))
        return cs_fail(host, CS_E_CONFIG,
                       "the endpoint in the connection string is too long");
    snprintf(connection->endpoint, sizeof(connection->endpoint), "%s%.*s",
             before, (int)value.length, value.start);
    return CS_OK;
}

enum cs_rc insights_connect(const struct cs_host *host, const char *string,
                            struct insights_connection *connection)
{
    struct insights_span way = insights_value(string, "Authorization");
    enum cs_rc rc;

    if (strlen(string) > INSIGHTS_STRING)
        return cs_fail(host, CS_E_CONFIG,
                       "the connection string has more than %d characters",
                       (int)INSIGHTS_STRING);
    if (way.length > 0 &&
        (way.length != 4 || strncasecmp(way.start, "ikey", 4) != 0))
        return cs_fail(host, CS_E_CONFIG,
                       "the connection string wants another Authorization "
                       "than ikey, which is the only one that is known");
    rc = insights_set_key(host, string, connection);
    if (rc == CS_OK)
        rc = insights_set_endpoint(host, string, connection);
    return rc;
}
