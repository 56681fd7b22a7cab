/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* What the files of this plugin share: appinsights.c (its life, and the
 * exchange with the service), connection.c (the connection string), envelope.c
 * (an event as the service wants it), batch.c (many of them, compressed). */
#ifndef INSIGHTS_H
#define INSIGHTS_H

#include <cleversync/plugin.h>

/* ---- The connection string ----------------------------------------------- */

struct insights_connection {
    char key[64];       /* the instrumentation key, which is no secret */
    char endpoint[512]; /* without a slash at its end */
};

/* CS_E_CONFIG: host->fail() has the reason, which never quotes the string. */
enum cs_rc insights_connect(const struct cs_host *host, const char *string,
                            struct insights_connection *connection);

/* ---- An envelope --------------------------------------------------------- */

struct insights_sender {
    const char *key; /* the instrumentation key */
    const char *role, *instance;
};

/* Yours; NULL: an event that this plugin does not know how to say. */
json_t *insights_envelope(const struct insights_sender *sender,
                          const json_t *event);

/* ---- A batch ------------------------------------------------------------- */

/* The most that the service takes of one item. */
#define INSIGHTS_ITEM 65536

struct insights_batch {
    char *lines; /* an envelope on each */
    size_t size;
    size_t *index; /* the event that each line came from */
    size_t n;
    void *packed; /* gzip of lines */
    size_t packed_size;
};

/* false: it is beyond INSIGHTS_ITEM. */
bool insights_batch_add(struct insights_batch *batch, const json_t *envelope,
                        size_t index);
bool insights_batch_pack(struct insights_batch *batch); /* false: no memory */
void insights_batch_clear(struct insights_batch *batch);

#endif
