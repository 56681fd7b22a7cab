/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* The vault's answer to a request without a token says what to ask a token
 * for:  Bearer authorization="https://LOGIN/TENANT", resource="https://HOST".
 * The login in it is not used: our secrets go where the configuration says. */

#include "config.h"

#include "keyvault.h"

#include <string.h>
#include <strings.h>

/* A piece of somebody else's text. */
struct span {
    const char *at;
    size_t length;
};

/* The value of a parameter, in quotes or not; empty: there is none. */
static struct span challenge_find(const char *at, const char *name)
{
    for (;;) {
        struct span key, value;

        at += strspn(at, ", \t");
        key = (struct span){at, strcspn(at, "=, \t")};
        at += key.length;
        if (*at == '\0')
            return (struct span){at, 0};
        if (*at != '=')
            continue;
        at++;
        value = *at == '"' ? (struct span){at + 1, strcspn(at + 1, "\"")}
                           : (struct span){at, strcspn(at, ", \t")};
        at = value.at + value.length;
        at += *at == '"';
        if (key.length == strlen(name) &&
            strncasecmp(key.at, name, key.length) == 0)
            return value;
    }
}

/* Of an address; empty: it is none. */
static struct span challenge_host(struct span url)
{
    static const char *const schemes[] = {"https://", "http://"};
    char end = '\0';

    for (size_t i = 0; i < 2; i++) {
        size_t n = strlen(schemes[i]);
        struct span host = {url.at + n, 0};

        if (url.length <= n || strncasecmp(url.at, schemes[i], n) != 0)
            continue;
        while (host.length < url.length - n &&
               !strchr("/:?#@", host.at[host.length]))
            host.length++;
        if (host.length < url.length - n)
            end = host.at[host.length];
        if (end == '@') /* a user's name: not a resource */
            break;
        return host;
    }
    return (struct span){url.at, 0};
}

/* Whether the host is the owner itself, or lies in its domain, which has to be
 * one of at least two words. */
static bool challenge_covers(struct span owner, struct span host)
{
    size_t rest = host.length - owner.length;

    if (owner.length == 0 || owner.length > host.length ||
        strncasecmp(host.at + rest, owner.at, owner.length) != 0)
        return false;
    return rest == 0 ||
           (host.at[rest - 1] == '.' && memchr(owner.at, '.', owner.length));
}

/* "https://HOST/.default" and "https://HOST/" mean "https://HOST". */
static struct span challenge_trim(struct span resource)
{
    static const char *const ends[] = {"/.default", "/"};

    for (size_t i = 0; i < 2; i++) {
        size_t n = strlen(ends[i]);

        if (resource.length > n &&
            strncmp(resource.at + resource.length - n, ends[i], n) == 0)
            resource.length -= n;
    }
    return resource;
}

enum cs_rc keyvault_challenge(const char *url, const char *challenge,
                              struct keyvault_text *resource)
{
    struct span found = {"", 0};

    if (challenge && strncasecmp(challenge, "Bearer ", 7) == 0) {
        found = challenge_find(challenge + 7, "scope");
        if (found.length == 0)
            found = challenge_find(challenge + 7, "resource");
    }
    if (found.length == 0)
        return cs_fail(resource->host, CS_E_AUTH,
                       "the vault does not say what token it wants: is "
                       "base_url the address of a Key Vault?");
    if (!challenge_covers(challenge_host(found),
                          challenge_host((struct span){url, strlen(url)})))
        return cs_fail(resource->host, CS_E_AUTH,
                       "the vault wants a token for something else than "
                       "itself; none was fetched or shown");
    found = challenge_trim(found);
    keyvault_text_bytes(resource, found.at, found.length);
    return keyvault_text_end(resource) ? CS_OK : CS_E_FATAL;
}
