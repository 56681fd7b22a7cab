/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* UTF-8 and UTF-16. */
#include "config.h"

#include "odbc-script.h"

#include <stdlib.h>
#include <string.h>

void *text_need(void *memory)
{
    if (memory == NULL)
        abort();
    return memory;
}

static size_t text_put(char *to, unsigned long code)
{
    static const unsigned char lead[] = {0, 0, 0xc0, 0xe0, 0xf0};
    size_t n = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    if (n == 1)
        to[0] = (char)code;
    for (size_t i = n; n > 1 && i-- > 0; code >>= 6)
        to[i] = (char)(i > 0 ? 0x80 | (code & 0x3f) : lead[n] | code);
    return n;
}

char *text_utf8(const SQLWCHAR *text, SQLLEN length)
{
    size_t n = 0, used = 0;
    if (length == SQL_NTS)
        while (text[n] != 0)
            n++;
    else
        n = (size_t)length;
    char *made = text_need(malloc(3 * n + 1));
    for (size_t i = 0; i < n; i++) {
        unsigned long code = text[i];
        if (code >= 0xd800 && code < 0xdc00 && i + 1 < n &&
            text[i + 1] >= 0xdc00 && text[i + 1] < 0xe000)
            code = 0x10000 + ((code - 0xd800) << 10) + (text[++i] - 0xdc00u);
        else if (code == 0 || (code >= 0xd800 && code < 0xe000)) {
            free(made);
            return NULL;
        }
        used += text_put(made + used, code);
    }
    made[used] = '\0';
    return made;
}

/* Scripts are the tests' own: taken to be UTF-8. */
SQLWCHAR *text_utf16(const char *text, size_t *units)
{
    SQLWCHAR *made = text_need(calloc(strlen(text) + 1, sizeof *made));
    const unsigned char *byte = (const unsigned char *)text;
    size_t n = 0;
    while (*byte != '\0') {
        unsigned more = *byte < 0xc0   ? 0
                        : *byte < 0xe0 ? 1
                        : *byte < 0xf0 ? 2
                                       : 3;
        unsigned long code = more > 0 ? *byte & (0x3fu >> more) : *byte;
        for (byte++; more > 0 && *byte != '\0'; more--)
            code = code << 6 | (*byte++ & 0x3f);
        if (code >= 0x10000) {
            made[n++] = (SQLWCHAR)(0xd800 + ((code - 0x10000) >> 10));
            code = 0xdc00 + ((code - 0x10000) & 0x3ff);
        }
        made[n++] = (SQLWCHAR)code;
    }
    *units = n;
    return made;
}
