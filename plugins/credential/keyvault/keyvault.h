/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* What the files of this plugin share.  keyvault.c reads secrets; identity.c
 * says who we are and keeps the token; login.c and managed.c fetch one, from
 * Microsoft's login service or from where the program runs. */
#ifndef KEYVAULT_H
#define KEYVAULT_H

#include <cleversync/plugin.h>

struct keyvault {
    const struct cs_host *host;
    char *url;       /* the vault's, without a slash at its end */
    char *token;     /* NULL: none was fetched yet; wiped before it is freed */
    int64_t expires; /* the token, as host->now() */
    bool blind;      /* this identity may not see deleted secrets */
    bool machine;    /* a virtual machine's metadata answered here */
    int64_t nobody;  /* no identity is looked for until then */
};

/* How patient to be with the vault and the login service. */
void keyvault_patience(const struct keyvault *vault, struct cs_http *http);

/* ---- text.c: text that grows and is wiped -------------------------------- */

struct keyvault_text { /* zeroed but for host is empty */
    const struct cs_host *host;
    char *bytes; /* NUL-terminated; NULL while empty */
    size_t length, room;
    bool broken; /* memory ran out */
};

void keyvault_text_bytes(struct keyvault_text *text, const void *bytes,
                         size_t size);
void keyvault_text_add(struct keyvault_text *text, const char *more);
/* "name=value", percent-encoded, with a & where one is needed. */
void keyvault_text_pair(struct keyvault_text *text, const char *name,
                        const char *value);
/* base64url without padding. */
void keyvault_text_base64(struct keyvault_text *text, const void *bytes,
                          size_t size);
/* All that was added, or NULL: then cs_fail() has been called. */
const char *keyvault_text_end(struct keyvault_text *text);
void keyvault_text_clear(struct keyvault_text *text);

/* Adds a file's content.  flags: more for open(). */
enum cs_rc keyvault_text_file(struct keyvault_text *text, const char *path,
                              int flags, size_t most);
/* Takes blanks off the end, but keeps the first `least` bytes. */
void keyvault_text_trim(struct keyvault_text *text, size_t least);

/* Whether it may stand in a header: visible ASCII, and some of it. */
bool keyvault_plain(const char *text);

/* ---- challenge.c --------------------------------------------------------- */

/* Adds the resource that the vault at `url` wants a token for.  CS_E_AUTH when
 * the challenge has none, or one that is not the vault's own: whoever sent it
 * would get a token that opens other people's vaults. */
enum cs_rc keyvault_challenge(const char *url, const char *challenge,
                              struct keyvault_text *resource);

/* ---- identity.c ---------------------------------------------------------- */

bool keyvault_has_token(const struct keyvault *vault);
/* Fetches a token for the resource, as whoever we are. */
enum cs_rc keyvault_login(struct keyvault *vault, const char *resource);
void keyvault_forget(struct keyvault *vault); /* the token */

/* A variable of the environment; NULL: it is not set, or empty. */
const char *keyvault_env(const char *name);
/* The same, but its absence is an error: cs_fail() has then been called. */
const char *keyvault_need(const struct keyvault *vault, const char *name);
/* The option's, or the environment's, or NULL. */
const char *keyvault_client(const struct keyvault *vault);

/* Sends and keeps the token that comes.  `refusal` says what a refusal means;
 * `client`, if not NULL, is whose token the reply has to say it is.  Replies
 * that are no token are described, and no reply outlives this. */
enum cs_rc keyvault_obtain(struct keyvault *vault, struct cs_http *http,
                           const char *client, const char *refusal);

/* ---- login.c ------------------------------------------------------------- */

bool keyvault_secret_there(struct keyvault *vault);
enum cs_rc keyvault_secret(struct keyvault *vault, const char *resource);
bool keyvault_certificate_there(struct keyvault *vault);
enum cs_rc keyvault_certificate(struct keyvault *vault, const char *resource);
bool keyvault_workload_there(struct keyvault *vault);
enum cs_rc keyvault_workload(struct keyvault *vault, const char *resource);

/* ---- assertion.c --------------------------------------------------------- */

/* Adds a JWT by which `client` shows `audience` that it has the key of the
 * certificate in the file at `path`, which is PEM or PKCS#12. */
enum cs_rc keyvault_assertion(const struct keyvault *vault, const char *path,
                              const char *client, const char *audience,
                              struct keyvault_text *jwt);

/* ---- managed.c ----------------------------------------------------------- */

bool keyvault_app_there(struct keyvault *vault);
enum cs_rc keyvault_app(struct keyvault *vault, const char *resource);
bool keyvault_arc_there(struct keyvault *vault);
enum cs_rc keyvault_arc(struct keyvault *vault, const char *resource);
bool keyvault_vm_there(struct keyvault *vault); /* asks once, for a second */
enum cs_rc keyvault_vm(struct keyvault *vault, const char *resource);

#endif
