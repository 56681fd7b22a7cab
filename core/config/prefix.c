/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

#include "config.h"

#include "config/prefix.h"

#include "base/memory.h"
#include "base/text.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Not <ctype.h>: what a prefix may hold does not depend on a locale. */
static bool alphanumeric(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
           (c >= 'a' && c <= 'z');
}

const char *cs_prefix_fault(const char *prefix)
{
    static const char *const reserved[] = {"Clever", "SessionDb",
                                           "AdminPortal"};
    size_t length = strlen(prefix);

    if (length == 0)
        return "is empty";
    if (length > CS_PREFIX_MOST)
        return "is longer than 100 characters";
    for (size_t i = 0; i < length; i++)
        if (!alphanumeric(prefix[i]) && prefix[i] != '-')
            return "has other characters than A-Z, a-z, 0-9 and -";
    /* An outer '-' would make one with the "--" around a prefix. */
    if (strstr(prefix, "--") != NULL || prefix[0] == '-' ||
        prefix[length - 1] == '-')
        return "begins or ends with - or has -- inside";
    for (size_t i = 0; i < sizeof(reserved) / sizeof(reserved[0]); i++)
        if (strcasecmp(prefix, reserved[i]) == 0)
            return "is a word that names other secrets (Clever, SessionDb, "
                   "AdminPortal)";
    return NULL;
}

const char *cs_prefix_fault_id(const char *clever_id)
{
    size_t length = strlen(clever_id);

    if (length == 0)
        return "is empty";
    if (length > 50)
        return "is longer than 50 characters";
    for (size_t i = 0; i < length; i++)
        if (!alphanumeric(clever_id[i]) && strchr("-_", clever_id[i]) == NULL)
            return "has other characters than A-Z, a-z, 0-9, - and _";
    return NULL;
}

const char *cs_prefix_fault_name(const char *name)
{
    const unsigned char *bytes = (const unsigned char *)name;
    size_t length = strlen(name);

    if (cs_text_trim(name).length == 0)
        return "is empty";
    if (!cs_text_valid(name, length))
        return "is not UTF-8";
    if (cs_text_units(name, length) > 200)
        return "is longer than 200 characters";
    for (size_t i = 0; i < length; i++) /* C0, DEL; C1 is C2 80 to C2 9F */
        if (bytes[i] < ' ' || bytes[i] == 0x7F ||
            (bytes[i] == 0xC2 && bytes[i + 1] < 0xA0))
            return "has control characters";
    return NULL;
}

/* ---- A prefix from a name ----------------------------------------------- */

/* U+00C0 to U+017F without their marks; '-' where there is no letter. */
static const char letters[] = "AAAAAAACEEEEIIIIDNOOOOO-OUUUUYTs" /* U+00C0 */
                              "aaaaaaaceeeeiiiidnooooo-ouuuuyty" /* U+00E0 */
                              "AaAaAaCcCcCcCcDdDdEeEeEeEeEeGgGg" /* U+0100 */
                              "GgGgHhHhIiIiIiIiIiIiJjKkkLlLlLlL" /* U+0120 */
                              "lLlNnNnNnnNnOoOoOoOoRrRrRrSsSsSs" /* U+0140 */
                              "SsTtTtTtUuUuUuUuUuUuWwYyYZzZzZzs" /* U+0160 */;
_Static_assert(sizeof(letters) == 6 * 32 + 1, "a letter for each code point");

/* The ASCII character for the one at *at, which moves behind it; 0: none, as
 * for a combining mark or an apostrophe. */
static char fold(const unsigned char **at)
{
    const unsigned char *c = *at;
    unsigned point;

    if (c[0] < 0x80) {
        ++*at;
        return c[0] == '\'' ? 0 : alphanumeric((char)c[0]) ? (char)c[0] : '-';
    }
    for (++*at; (**at & 0xC0) == 0x80; ++*at)
        ;
    point = (c[0] & 0x1FU) << 6 | (c[1] & 0x3FU);
    if (c[0] >= 0xC3 && c[0] <= 0xC5)
        return letters[point - 0xC0];
    if (c[0] == 0xCC || (c[0] == 0xCD && c[1] < 0xB0)) /* U+0300 to U+036F */
        return 0;
    if (*at - c == 3 && memcmp(c, "\xE2\x80\x99", 3) == 0)
        return 0; /* the typographic apostrophe */
    return '-';
}

char *cs_prefix_make(const char *name, unsigned n)
{
    const unsigned char *at = (const unsigned char *)name;
    char plain[CS_PREFIX_MOST + 1];
    size_t length = 0;
    size_t most = CS_PREFIX_MOST - sizeof("-4294967295"); /* room for -N */

    while (*at != '\0' && length < most) {
        char c = fold(&at);

        if (c == '-' && (length == 0 || plain[length - 1] == '-'))
            continue;
        if (c != 0)
            plain[length++] = c;
    }
    while (length > 0 && plain[length - 1] == '-')
        length--;
    plain[length] = '\0';
    if (cs_prefix_fault(plain) != NULL) { /* nothing left, or reserved */
        char *longer = length > 0 ? cs_memory_format("%s-School", plain)
                                  : cs_memory_text("School");
        memcpy(plain, longer, strlen(longer) + 1);
        free(longer);
    }
    return n == 0 ? cs_memory_text(plain) : cs_memory_format("%s-%u", plain, n);
}
