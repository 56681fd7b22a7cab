/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* Takes the picture of the session database that the HTTP server shows. */
#ifndef CS_WEB_PICTURE_H
#define CS_WEB_PICTURE_H

#include "web/web-data.h"

#define CS_WEB_PICTURE_REJECTS 1000 /* most of them that are in it */

struct cs_session;

enum cs_rc cs_web_picture_take(struct cs_session *session,
                               struct cs_web_picture **picture,
                               struct cs_error *error);
void cs_web_picture_free(struct cs_web_picture *picture); /* NULL: nothing */

#endif
