/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* Secrets from files: one directory, a file for each, named like the secret.
 * systemd's credentials, Docker's and Kubernetes' mounts look like this. */

#include "config.h"

#include <cleversync/plugin.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* FILE_DIRECTORY, where secrets are when nobody says otherwise, is known when
 * make runs. */

enum { FILE_MOST = 64 * 1024 }; /* bytes */

struct file_store {
    const struct cs_host *host;
    const char *directory;
    bool chosen; /* by the option: then it has to exist */
};

static enum cs_rc file_open(const struct cs_host *host, void **self)
{
    struct file_store *store = malloc(sizeof(*store));
    const char *given = getenv("CREDENTIALS_DIRECTORY");

    if (!store)
        return cs_fail(host, CS_E_FATAL, "out of memory");
    store->host = host;
    store->directory = host->text(host, "directory");
    store->chosen = *store->directory;
    if (!store->chosen)
        store->directory = given && *given ? given : FILE_DIRECTORY;
    *self = store;
    return CS_OK;
}

static void file_close(void *self)
{
    free(self);
}

/* Names of secrets only: no path leads out of the directory. */
static bool file_named(const char *name)
{
    return *name && name[strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                      "abcdefghijklmnopqrstuvwxyz"
                                      "0123456789-")] == '\0';
}

/* Why the directory cannot be used.  Without one that somebody chose there is
 * simply nothing in it. */
static enum cs_rc file_no_directory(const struct file_store *store, int error)
{
    if (error == ENOENT && !store->chosen)
        return CS_E_NOT_HERE;
    if (error == EACCES || error == EPERM)
        return cs_fail(store->host, CS_E_AUTH,
                       "the directory %s may not be read by this user",
                       store->directory);
    return cs_fail(store->host, CS_E_CONFIG,
                   "the directory %s cannot be used: %s", store->directory,
                   strerror(error));
}

static enum cs_rc file_no_file(const struct file_store *store, const char *name,
                               int error)
{
    if (error == ENOENT)
        return CS_E_NOT_HERE;
    if (error == EACCES || error == EPERM)
        return cs_fail(store->host, CS_E_AUTH,
                       "%s/%s may not be read by this user", store->directory,
                       name);
    return cs_fail(store->host, CS_E_CONFIG, "%s/%s cannot be read: %s",
                   store->directory, name, strerror(error));
}

static enum cs_rc file_check(const struct file_store *store, const char *name,
                             int fd)
{
    struct stat status;

    if (fstat(fd, &status) != 0)
        return file_no_file(store, name, errno);
    if (!S_ISREG(status.st_mode))
        return cs_fail(store->host, CS_E_CONFIG, "%s/%s is not a regular file",
                       store->directory, name);
    if (status.st_mode & (S_IROTH | S_IWOTH))
        return cs_fail(store->host, CS_E_CONFIG,
                       "%s/%s is open to every user of this machine: "
                       "chmod 0640 %s/%s",
                       store->directory, name, store->directory, name);
    return CS_OK;
}

/* An editor ends the last line; that end is no part of the secret. */
static size_t file_without_line_end(const char *bytes, size_t size)
{
    if (size > 0 && bytes[size - 1] == '\n')
        size--;
    else
        return size;
    return size > 0 && bytes[size - 1] == '\r' ? size - 1 : size;
}

/* room: FILE_MOST + 3 bytes, for a line end and to see that there is more. */
static enum cs_rc file_read(const struct file_store *store, const char *name,
                            int fd, char *room, struct cs_secret *secret)
{
    const struct cs_host *host = store->host;
    size_t size = 0;
    ssize_t n;

    do {
        n = read(fd, room + size, FILE_MOST + 3 - size);
        if (n > 0)
            size += (size_t)n;
    } while (n > 0 || (n < 0 && errno == EINTR));
    if (n < 0)
        return file_no_file(store, name, errno);
    size = file_without_line_end(room, size);
    if (size > FILE_MOST)
        return cs_fail(host, CS_E_CONFIG, "%s/%s is longer than 64 KiB",
                       store->directory, name);
    if (size == 0)
        return cs_fail(host, CS_E_CONFIG, "%s/%s is empty", store->directory,
                       name);
    return host->reveal(secret, room, size, 0);
}

static enum cs_rc file_fetch(void *self, const char *name,
                             struct cs_secret *secret)
{
    const struct file_store *store = self;
    int directory = -1, fd = -1;
    char *room = NULL;
    enum cs_rc rc;

    if (!file_named(name))
        return CS_E_NOT_HERE;
    /* Each time anew: a mount replaces its files by replacing a link. */
    directory = open(store->directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (directory < 0)
        return file_no_directory(store, errno);
    /* Not waiting: opening a FIFO would. */
    fd = openat(directory, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    rc =
        fd < 0 ? file_no_file(store, name, errno) : file_check(store, name, fd);
    if (rc != CS_OK)
        goto out;
    room = malloc(FILE_MOST + 3);
    if (!room) {
        rc = cs_fail(store->host, CS_E_FATAL, "out of memory");
        goto out;
    }
    rc = file_read(store, name, fd, room, secret);
    store->host->wipe(room, FILE_MOST + 3);

out:
    free(room);
    if (fd >= 0)
        close(fd);
    close(directory);
    return rc;
}

static const struct cs_option file_options[] = {
    {"directory", CS_OPT_TEXT, "", NULL,
     "where the files are; empty: $CREDENTIALS_DIRECTORY, "
     "else " FILE_DIRECTORY},
    {.name = NULL},
};

static const struct cs_credential_ops file_ops = {
    .life = {.open = file_open, .close = file_close},
    .fetch = file_fetch,
};

CS_CREDENTIAL_PLUGIN("file", file_ops, .version = "1.0",
                     .summary = "secrets from a directory of files",
                     .options = file_options);
