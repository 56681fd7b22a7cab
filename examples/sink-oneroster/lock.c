/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* Locks that die with the process: flock(2) on a file for each name.  They
 * belong to the open file, so two instances of one process exclude each other
 * as well.  The files stay: whoever removed one would leave two holders. */
#include "oneroster.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

enum { ONEROSTER_PAUSE_MS = 20 };

/* Nothing tells when a lock becomes free within a time, so this looks. */
static enum cs_rc oneroster_wait(struct oneroster *self, const char *name,
                                 int file, long wait_ms)
{
    const struct cs_host *host = self->host;
    while (flock(file, LOCK_EX | LOCK_NB) != 0) {
        if (errno == EINTR)
            continue;
        if (errno != EWOULDBLOCK)
            return oneroster_refused(self, self->folder, errno);
        if (wait_ms <= 0)
            return cs_fail(host, CS_E_BUSY,
                           "%s: another process holds the lock %s",
                           self->folder, name);
        if (host->remaining_ms(host) == 0)
            return oneroster_late(self);
        poll(NULL, 0, ONEROSTER_PAUSE_MS);
        wait_ms -= ONEROSTER_PAUSE_MS;
    }
    return CS_OK;
}

/* A file's name of a lock's: "school/5f0c" becomes ".lock-school%2F5f0c". */
static void oneroster_lock_name(const char *name, char *to, size_t size)
{
    size_t n = (size_t)snprintf(to, size, ".lock-");
    for (; *name != '\0' && n + 4 < size; name++)
        n += (size_t)snprintf(to + n, size - n,
                              *name == '/' || *name == '%' ? "%%%02X" : "%c",
                              (unsigned char)*name);
}

enum cs_rc oneroster_lock_file(struct oneroster *self, const char *name,
                               long wait_ms, int *file)
{
    char lock[200], path[ONEROSTER_PATH];
    if (mkdir(self->folder, S_IRWXU) != 0 && errno != EEXIST)
        return oneroster_refused(self, self->folder, errno);
    if (strlen(name) * 3 + sizeof ".lock-" > sizeof lock)
        return cs_fail(self->host, CS_E_FATAL, "the lock's name is too long");
    oneroster_lock_name(name, lock, sizeof lock);
    enum cs_rc rc = oneroster_path(self, lock, path);
    if (rc != CS_OK)
        return rc;
    *file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, S_IRUSR | S_IWUSR);
    if (*file < 0)
        return oneroster_refused(self, path, errno);
    rc = oneroster_wait(self, name, *file, wait_ms);
    if (rc != CS_OK) {
        close(*file);
        *file = -1;
    }
    return rc;
}

static size_t oneroster_lock_index(const struct oneroster *self,
                                   const char *name)
{
    size_t i = 0;
    while (i < self->nlocks && strcmp(self->locks[i].name, name) != 0)
        i++;
    return i;
}

enum cs_rc oneroster_lock(void *arg, const char *name, long wait_ms)
{
    struct oneroster *self = arg;
    struct oneroster_lock *locks;
    if (oneroster_lock_index(self, name) < self->nlocks)
        return cs_fail(self->host, CS_E_BUSY,
                       "%s: this process holds the lock %s already",
                       self->folder, name);
    locks = realloc(self->locks, (self->nlocks + 1) * sizeof *locks);
    if (locks == NULL)
        return oneroster_no_memory(self);
    self->locks = locks;
    struct oneroster_lock lock = {.name = strdup(name)};
    if (lock.name == NULL)
        return oneroster_no_memory(self);
    enum cs_rc rc = oneroster_lock_file(self, name, wait_ms, &lock.file);
    if (rc == CS_OK)
        self->locks[self->nlocks++] = lock;
    else
        free(lock.name);
    return rc;
}

enum cs_rc oneroster_holds(void *arg, const char *name)
{
    const struct oneroster *self = arg;
    if (oneroster_lock_index(self, name) < self->nlocks)
        return CS_OK;
    return cs_fail(self->host, CS_E_BUSY, "%s: the lock %s is not held",
                   self->folder, name);
}

void oneroster_unlock(void *arg, const char *name)
{
    struct oneroster *self = arg;
    size_t i = oneroster_lock_index(self, name);
    if (i == self->nlocks)
        return;
    close(self->locks[i].file);
    free(self->locks[i].name);
    self->locks[i] = self->locks[--self->nlocks];
}

void oneroster_unlock_all(struct oneroster *self)
{
    while (self->nlocks > 0)
        oneroster_unlock(self, self->locks[0].name);
    free(self->locks);
}
