/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* Secrets of an exchange, borrowed for one try, as its Authorization line. */
#ifndef CS_HTTP_AUTH_H
#define CS_HTTP_AUTH_H

#include "http/http.h"

struct cs_http_auth { /* starts zeroed */
    void *loans[3];
    size_t nloans;
    char *line; /* "Authorization: ..."; NULL: none */
};

/* Takes nothing when it fails. */
enum cs_rc cs_http_auth_take(struct cs_http_auth *auth,
                             const struct cs_http_call *call,
                             struct cs_error *error);
/* The server refused what was taken. */
void cs_http_auth_refused(struct cs_http_auth *auth,
                          const struct cs_http_lender *lender);
/* Wipes the line and gives the loans back. */
void cs_http_auth_return(struct cs_http_auth *auth,
                         const struct cs_http_lender *lender);

#endif
