/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* dotenv: secrets from one file of lines NAME=VALUE. */
#define _POSIX_C_SOURCE 200809L

#include <cleversync/plugin.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { DOTENV_MOST = 64 * 1024 }; /* bytes in the file */

struct dotenv_store {
    const struct cs_host *host;
    const char *path; /* the host's, as long as we are open */
};

static enum cs_rc dotenv_open(const struct cs_host *host, void **self)
{
    struct dotenv_store *made = malloc(sizeof *made);
    if (made == NULL)
        return cs_fail(host, CS_E_FATAL, "out of memory");
    made->host = host;
    made->path = host->text(host, "path");
    *self = made;
    return CS_OK;
}

static void dotenv_close(void *self)
{
    free(self);
}

/* Whose fault it is decides what becomes of it: an operator's is told once,
 * and asked about again only when the configuration has changed. */
static enum cs_rc dotenv_fault(const struct dotenv_store *store, int error)
{
    if (error == EACCES || error == EPERM)
        return cs_fail(store->host, CS_E_AUTH,
                       "%s may not be read by this user", store->path);
    return cs_fail(store->host, CS_E_CONFIG, "%s cannot be read: %s",
                   store->path, strerror(error));
}

static enum cs_rc dotenv_open_file(const struct dotenv_store *store, int *file)
{
    struct stat status;

    /* Without O_NONBLOCK a FIFO in its place would keep us waiting. */
    *file = open(store->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (*file < 0 || fstat(*file, &status) != 0)
        return dotenv_fault(store, errno);
    if (!S_ISREG(status.st_mode))
        return cs_fail(store->host, CS_E_CONFIG, "%s is not a regular file",
                       store->path);
    if (status.st_mode & (S_IROTH | S_IWOTH))
        return cs_fail(store->host, CS_E_CONFIG,
                       "%s is open to every user of this machine: chmod 0600 "
                       "it",
                       store->path);
    return CS_OK;
}

/* room: DOTENV_MOST + 1 bytes, so that one too many is seen. */
static enum cs_rc dotenv_read(const struct dotenv_store *store, int file,
                              char *room, size_t *size)
{
    ssize_t n;

    *size = 0;
    do {
        n = read(file, room + *size, DOTENV_MOST + 1 - *size);
        if (n > 0)
            *size += (size_t)n;
    } while (n > 0 || (n < 0 && errno == EINTR));
    if (n < 0)
        return dotenv_fault(store, errno);
    if (*size > DOTENV_MOST)
        return cs_fail(store->host, CS_E_CONFIG, "%s is longer than 64 KiB",
                       store->path);
    return CS_OK;
}

/* Reveals the value in the line of that name. */
static enum cs_rc dotenv_find(const struct dotenv_store *store,
                              const char *text, size_t size, const char *name,
                              struct cs_secret *secret)
{
    size_t length = strlen(name);

    for (const char *line = text, *end; line < text + size; line = end + 1) {
        end = memchr(line, '\n', size - (size_t)(line - text));
        if (end == NULL)
            end = text + size;
        if ((size_t)(end - line) <= length || line[length] != '=' ||
            memcmp(line, name, length) != 0)
            continue;
        line += length + 1;
        if (line == end)
            return cs_fail(store->host, CS_E_CONFIG,
                           "%s has nothing behind %s=", store->path, name);
        return store->host->reveal(secret, line, (size_t)(end - line), 0);
    }
    return CS_E_NOT_HERE; /* the core asks the next store */
}

/* The file is read anew each time, so a change needs no restart.  The core
 * keeps what it was given for a while. */
static enum cs_rc dotenv_fetch(void *self, const char *name,
                               struct cs_secret *secret)
{
    const struct dotenv_store *store = self;
    char *room = malloc(DOTENV_MOST + 1);
    size_t size;
    int file = -1;
    enum cs_rc rc;

    if (room == NULL)
        return cs_fail(store->host, CS_E_FATAL, "out of memory");
    rc = dotenv_open_file(store, &file);
    if (rc == CS_OK)
        rc = dotenv_read(store, file, room, &size);
    if (rc == CS_OK)
        rc = dotenv_find(store, room, size, name, secret);
    if (file >= 0)
        close(file);
    store->host->wipe(room, DOTENV_MOST + 1);
    free(room);
    return rc;
}

static const struct cs_option dotenv_options[] = {
    {.name = "path",
     .type = CS_OPT_TEXT,
     .help = "the file of lines NAME=VALUE, for nobody else to read"},
    {.name = NULL},
};

static const struct cs_credential_ops dotenv_ops = {
    .life = {.open = dotenv_open, .close = dotenv_close},
    .fetch = dotenv_fetch,
};

CS_CREDENTIAL_PLUGIN("dotenv", dotenv_ops, .version = "1.0",
                     .summary = "secrets from a file of lines NAME=VALUE",
                     .options = dotenv_options);
