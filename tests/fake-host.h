/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* A host that plays the core for one plugin, so that a test can run the plugin
 * alone: options, secrets and replies over HTTP are given by the test, and
 * everything the plugin says is recorded.
 *
 *     static const struct fake_pair options[] = {{"path", "x.db"}, {NULL}};
 *     struct fake_host fake;
 *     fake_host_init(&fake, &cleversync_plugin);
 *     fake.options = options;
 *     assert_int_equal(fake_host_open(&fake), CS_OK);
 *     ... ops->fetch(fake.self, ...) ...
 *     fake_host_clear(&fake);
 *
 * Needs nothing of core/. */
#ifndef FAKE_HOST_H
#define FAKE_HOST_H

#include <cleversync/plugin.h>

struct fake_pair { /* an array ends with a NULL name */
    const char *name, *value;
};

/* What one call of host->http() gives.  By default rc follows from status: 2xx
 * CS_OK, 401 and 403 CS_E_AUTH, 404 and 410 CS_E_NOT_HERE, 408, 429, 5xx and 0
 * CS_E_RETRY, else CS_E_FATAL. */
struct fake_reply {
    long status;
    const char *body;                /* JSON, else text; NULL: none */
    const struct fake_pair *headers; /* or NULL */
    enum cs_rc rc;                   /* not CS_OK: this, after all rows */
};

enum { FAKE_REQUESTS = 64, FAKE_TEXT = 4096 };

struct fake_host {
    struct cs_host host; /* first */

    /* Before open: what the test sets.  init() gives everything empty. */
    struct cs_scope scope;
    const struct fake_pair *options;  /* else the fallback of the plugin's
                     table; templates are not filled in */
    const struct fake_pair *secrets;  /* by option name; the bytes */
    const struct fake_reply *replies; /* used up in order */
    size_t nreplies;
    int64_t now;    /* 2026-01-31T00:00:00Z unless set */
    long remaining; /* what remaining_ms() says: 60000 unless set */

    /* Afterwards: what the plugin did. */
    void *self;
    enum cs_rc rc; /* of the last cs_fail(), and its sentence */
    char error[FAKE_TEXT];
    char log[FAKE_TEXT]; /* "LEVEL text\n" lines; the newest are kept */
    size_t asked;        /* requests over HTTP */
    char *requests[FAKE_REQUESTS];        /* "GET URL" */
    const char *bearer, *user, *password; /* option names of the last one */
    char *body;                           /* of the last one; NUL-terminated */
    size_t body_size;                     /* without that NUL */
    char *headers; /* of the last one: "Name: value\n" lines */
    bool direct;   /* the last one */
    long timeout_ms, backoff_ms;
    unsigned tries;
    const int *retry;

    const struct cs_plugin *plugin;
    bool open;
};

void fake_host_init(struct fake_host *fake, const struct cs_plugin *plugin);
enum cs_rc fake_host_open(struct fake_host *fake);
void fake_host_close(struct fake_host *fake); /* harmless when not open */
void fake_host_clear(struct fake_host *fake); /* closes first */

/* Where a credential plugin puts bytes. */
struct cs_secret {
    char *bytes; /* NUL-terminated; NULL: nothing was revealed */
    size_t size;
    int64_t expires;
};
void fake_secret_clear(struct cs_secret *secret);

/* Where a source puts records; start from a zeroed one. */
struct cs_page {
    size_t want;
    json_t *records; /* array of {"op": 1, "cursor": "x", "record": {...}} */
    bool next, done;
    char *cursor;      /* given with next or done; NULL: none */
    enum cs_rc refuse; /* what emit() returns; CS_OK: it takes everything */
};
void fake_page_clear(struct cs_page *page);

#endif
