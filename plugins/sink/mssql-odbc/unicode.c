/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* Between UTF-8 and the driver's UTF-16.  Strict: what is not well-formed would
 * reach the table as something else, or leave a connection stuck. */
#include "config.h"

#include "mssql-odbc.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* What no text holds, and longer than any. */
#define MSSQL_ODBC_NOT UINT32_MAX

static bool mssql_odbc_surrogate(uint32_t code)
{
    return code >= 0xd800 && code <= 0xdfff;
}

/* The character at *at, which moves behind it; or MSSQL_ODBC_NOT. */
static uint32_t mssql_odbc_decode(const unsigned char **at)
{
    static const uint32_t least[] = {0, 0x80, 0x800, 0x10000};
    unsigned char lead = *(*at)++;
    size_t more = lead < 0x80 ? 0 : lead < 0xe0 ? 1 : lead < 0xf0 ? 2 : 3;
    if ((lead >= 0x80 && lead < 0xc2) || lead > 0xf4)
        return MSSQL_ODBC_NOT;
    uint32_t code = more == 0 ? lead : lead & (0x3fu >> more);
    for (size_t i = 0; i < more; i++) {
        if ((**at & 0xc0) != 0x80)
            return MSSQL_ODBC_NOT;
        code = code << 6 | (*(*at)++ & 0x3fu);
    }
    if (code < least[more] || code > 0x10ffff || mssql_odbc_surrogate(code))
        return MSSQL_ODBC_NOT;
    return code;
}

size_t mssql_odbc_units(const char *text)
{
    const unsigned char *at = (const unsigned char *)text;
    size_t units = 0;
    while (*at != '\0') {
        uint32_t code = mssql_odbc_decode(&at);
        if (code == MSSQL_ODBC_NOT)
            return SIZE_MAX;
        units += code > 0xffff ? 2 : 1;
    }
    return units;
}

SQLWCHAR *mssql_odbc_utf16(const char *text, size_t *units)
{
    const unsigned char *at = (const unsigned char *)text;
    *units = mssql_odbc_units(text);
    if (*units == SIZE_MAX) {
        errno = EILSEQ;
        return NULL;
    }
    SQLWCHAR *wide = calloc(*units + 1, sizeof *wide);
    if (wide == NULL)
        return NULL;
    for (SQLWCHAR *to = wide; *at != '\0';) {
        uint32_t code = mssql_odbc_decode(&at);
        if (code > 0xffff) {
            code -= 0x10000;
            *to++ = (SQLWCHAR)(0xd800 | code >> 10);
            code = 0xdc00 | (code & 0x3ff);
        }
        *to++ = (SQLWCHAR)code;
    }
    return wide;
}

static char *mssql_odbc_encode(char *to, uint32_t code)
{
    if (code < 0x80) {
        *to++ = (char)code;
        return to;
    }
    if (code < 0x800) {
        *to++ = (char)(0xc0 | code >> 6);
    } else {
        if (code < 0x10000) {
            *to++ = (char)(0xe0 | code >> 12);
        } else {
            *to++ = (char)(0xf0 | code >> 18);
            *to++ = (char)(0x80 | (code >> 12 & 0x3f));
        }
        *to++ = (char)(0x80 | (code >> 6 & 0x3f));
    }
    *to++ = (char)(0x80 | (code & 0x3f));
    return to;
}

char *mssql_odbc_utf8(const SQLWCHAR *text, size_t units)
{
    char *narrow = malloc(units * 3 + 1), *to = narrow;
    if (narrow == NULL)
        return NULL;
    for (size_t i = 0; i < units; i++) {
        uint32_t code = text[i];
        if (code <= 0xdbff && mssql_odbc_surrogate(code) && i + 1 < units &&
            text[i + 1] >= 0xdc00 && text[i + 1] <= 0xdfff)
            code = 0x10000 + ((code & 0x3ff) << 10) + (text[++i] & 0x3ffu);
        if (mssql_odbc_surrogate(code)) {
            free(narrow);
            errno = EILSEQ;
            return NULL;
        }
        to = mssql_odbc_encode(to, code);
    }
    *to = '\0';
    return narrow;
}
