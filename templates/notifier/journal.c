/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* journal: events, each as a line of JSON, at the end of a file. */
#define _DEFAULT_SOURCE 1 /* flock() */

#include <cleversync/plugin.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/types.h>
#include <unistd.h>

enum { JOURNAL_POLL_MS = 10 };

struct journal_file {
    const struct cs_host *host;
    const char *path;
};

static enum cs_rc journal_open(const struct cs_host *host, void **self)
{
    struct journal_file *made = malloc(sizeof *made);
    if (made == NULL)
        return cs_fail(host, CS_E_FATAL, "out of memory");
    made->host = host;
    made->path = host->text(host, "path");
    *self = made;
    return CS_OK;
}

static void journal_close(void *self)
{
    free(self);
}

/* A full disk may heal, so the events are kept. */
static enum cs_rc journal_fault(const struct journal_file *to, int error)
{
    bool heals = error == ENOSPC || error == EDQUOT || error == EIO;

    return cs_fail(to->host, heals ? CS_E_RETRY : CS_E_CONFIG,
                   "%s cannot be written: %s", to->path, strerror(error));
}

/* All lines as one text, yours; NULL: out of memory. */
static char *journal_text(const struct cs_news *news, size_t *size)
{
    char *text = NULL;

    *size = 0;
    for (size_t i = 0; i < news->n; i++) {
        char *line = json_dumps(news->events[i], JSON_COMPACT);
        size_t length = line != NULL ? strlen(line) : 0;
        char *more = realloc(text, *size + length + 1);

        if (line == NULL || more == NULL) {
            free(line);
            free(more != NULL ? more : text);
            return NULL;
        }
        text = more;
        memcpy(text + *size, line, length);
        *size += length;
        text[(*size)++] = '\n';
        free(line);
    }
    return text;
}

/* All or nothing: of a write that fails in the middle nothing stays. */
static enum cs_rc journal_append(const struct journal_file *to, int file,
                                 const char *text, size_t size)
{
    off_t end = lseek(file, 0, SEEK_END);
    size_t done = 0;
    int error = end < 0 ? errno : 0;

    while (error == 0 && done < size) {
        ssize_t n = write(file, text + done, size - done);

        if (n >= 0)
            done += (size_t)n;
        else if (errno != EINTR)
            error = errno;
    }
    if (error == 0)
        return CS_OK;
    if (done > 0 && ftruncate(file, end) != 0)
        cs_log(to->host, CS_LOG_WARN, "%s ends with half a line", to->path);
    return journal_fault(to, error);
}

/* Others may write, too: one at a time. */
static enum cs_rc journal_lock(const struct journal_file *to, int file)
{
    while (flock(file, LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK && errno != EINTR)
            return journal_fault(to, errno);
        if (to->host->remaining_ms(to->host) == 0)
            return cs_fail(to->host, CS_E_CANCELLED,
                           "%s is being written by somebody else", to->path);
        poll(NULL, 0, JOURNAL_POLL_MS);
    }
    return CS_OK;
}

static enum cs_rc journal_notify(void *self, struct cs_news *news)
{
    const struct journal_file *to = self;
    size_t size;
    char *text = journal_text(news, &size);
    enum cs_rc rc;
    int file;

    if (text == NULL && news->n > 0)
        return cs_fail(to->host, CS_E_FATAL, "out of memory");
    file = open(to->path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY,
                0640);
    rc = file < 0 ? journal_fault(to, errno) : journal_lock(to, file);
    if (rc == CS_OK)
        rc = journal_append(to, file, text, size);
    if (file >= 0)
        close(file); /* unlocks it */
    free(text);
    return rc;
}

static const struct cs_option journal_options[] = {
    {.name = "path",
     .type = CS_OPT_TEXT,
     .help = "the file that lines are added to"},
    {.name = NULL},
};

static const struct cs_notifier_ops journal_ops = {
    .life = {.open = journal_open, .close = journal_close},
    .notify = journal_notify,
};

CS_NOTIFIER_PLUGIN("journal", journal_ops, .version = "1.0",
                   .summary = "events as lines of JSON in a file",
                   .options = journal_options);
