/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* Locks that die with the process: ranges of one byte in the file PATH-lock,
 * at a place that is made from the lock's name.
 *
 * They are locks of the open file description, so two instances in one process
 * exclude each other as well.  The file stays: whoever removed it would leave
 * two holders of one lock. */
#define _GNU_SOURCE 1 /* F_OFD_SETLK */

#include "sqlite-test.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SQLITE_TEST_POLL_MS = 20 };

/* FNV-1a; positive, and with room for a byte behind it. */
static off_t sqlite_test_place(const char *name)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (; *name != '\0'; name++)
        hash = (hash ^ (unsigned char)*name) * UINT64_C(0x100000001b3);
    return (off_t)(hash >> 2);
}

static size_t sqlite_test_lock_index(const struct sqlite_test *self,
                                     off_t place)
{
    size_t i = 0;
    while (i < self->nlocks && self->locks[i] != place)
        i++;
    return i;
}

/* Is the file that is open still the one that others would open? */
static bool sqlite_test_lock_file_same(const struct sqlite_test *self)
{
    struct stat ours, theirs;
    return fstat(self->lock_file, &ours) == 0 &&
           stat(self->lock_path, &theirs) == 0 &&
           ours.st_dev == theirs.st_dev && ours.st_ino == theirs.st_ino;
}

static enum cs_rc sqlite_test_lock_file_open(struct sqlite_test *self)
{
    if (self->lock_file >= 0 && self->nlocks == 0 &&
        !sqlite_test_lock_file_same(self)) {
        close(self->lock_file);
        self->lock_file = -1;
    }
    if (self->lock_file < 0)
        self->lock_file = open(self->lock_path, O_RDWR | O_CREAT | O_CLOEXEC,
                               S_IRUSR | S_IWUSR);
    if (self->lock_file < 0)
        return sqlite_test_refused(self, self->lock_path, errno);
    return CS_OK;
}

static int sqlite_test_lock_set(const struct sqlite_test *self, short type,
                                off_t place)
{
    struct flock lock = {
        .l_type = type, .l_whence = SEEK_SET, .l_start = place, .l_len = 1};
    return fcntl(self->lock_file, F_OFD_SETLK, &lock) == 0 ? 0 : errno;
}

/* Nothing tells when a lock becomes free within a time, so this looks. */
static enum cs_rc sqlite_test_lock_wait(struct sqlite_test *self,
                                        const char *name, off_t place,
                                        long wait_ms)
{
    const struct cs_host *host = self->host;
    int fault;
    while ((fault = sqlite_test_lock_set(self, F_WRLCK, place)) != 0) {
        if (fault == EINTR)
            continue;
        if (fault != EAGAIN && fault != EACCES)
            return sqlite_test_refused(self, self->lock_path, fault);
        if (wait_ms <= 0)
            return cs_fail(host, CS_E_BUSY,
                           "%s: another process holds the lock %s", self->path,
                           name);
        if (host->remaining_ms(host) == 0)
            return cs_fail(host, CS_E_CANCELLED,
                           "%s: cancelled while waiting for the lock %s",
                           self->path, name);
        poll(NULL, 0, SQLITE_TEST_POLL_MS);
        wait_ms -= SQLITE_TEST_POLL_MS;
    }
    return CS_OK;
}

enum cs_rc sqlite_test_lock(void *arg, const char *name, long wait_ms)
{
    struct sqlite_test *self = arg;
    off_t place = sqlite_test_place(name);
    if (sqlite_test_lock_index(self, place) < self->nlocks)
        return cs_fail(self->host, CS_E_BUSY,
                       "%s: this process holds the lock %s already", self->path,
                       name);
    off_t *locks = realloc(self->locks, (self->nlocks + 1) * sizeof *locks);
    if (locks == NULL)
        return sqlite_test_out_of_memory(self);
    self->locks = locks;
    enum cs_rc rc = sqlite_test_lock_file_open(self);
    if (rc == CS_OK)
        rc = sqlite_test_lock_wait(self, name, place, wait_ms);
    if (rc != CS_OK)
        return rc;
    if (!sqlite_test_lock_file_same(self)) {
        sqlite_test_lock_set(self, F_UNLCK, place);
        return cs_fail(self->host, CS_E_RETRY,
                       "%s was removed or replaced while it was in use",
                       self->lock_path);
    }
    self->locks[self->nlocks++] = place;
    return CS_OK;
}

enum cs_rc sqlite_test_holds(void *arg, const char *name)
{
    const struct sqlite_test *self = arg;
    off_t place = sqlite_test_place(name);
    if (sqlite_test_lock_index(self, place) == self->nlocks)
        return cs_fail(self->host, CS_E_BUSY, "%s: the lock %s is not held",
                       self->path, name);
    if (!sqlite_test_lock_file_same(self))
        return cs_fail(self->host, CS_E_BUSY,
                       "%s was removed or replaced while it was in use",
                       self->lock_path);
    return CS_OK;
}

void sqlite_test_unlock(void *arg, const char *name)
{
    struct sqlite_test *self = arg;
    off_t place = sqlite_test_place(name);
    size_t i = sqlite_test_lock_index(self, place);
    if (i == self->nlocks)
        return;
    sqlite_test_lock_set(self, F_UNLCK, place);
    self->locks[i] = self->locks[--self->nlocks];
}
