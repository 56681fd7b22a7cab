/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* A sink that keeps a school as a folder of OneRoster 1.1 files, for programs
 * that read those: users.csv, orgs.csv and manifest.csv, made anew whenever
 * somebody changed. */
#include "oneroster.h"

#include <errno.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct cs_option oneroster_options[] = {
    {.name = "folder",
     .type = CS_OPT_TEXT | CS_OPT_TEMPLATE,
     .help = "the school's folder, such as "
             "/var/lib/cleversync/oneroster/{school_prefix}"},
    {.name = "school_name",
     .type = CS_OPT_TEXT | CS_OPT_TEMPLATE,
     .fallback = "{school_prefix}",
     .help = "the school's name in orgs.csv"},
    {.name = "district_name",
     .type = CS_OPT_TEXT | CS_OPT_TEMPLATE,
     .fallback = "{district_prefix}",
     .help = "the district's name in orgs.csv"},
    {.name = NULL},
};

static enum cs_rc oneroster_open(const struct cs_host *host, void **self)
{
    struct oneroster *made = calloc(1, sizeof *made);
    if (made != NULL)
        made->folder = strdup(host->text(host, "folder"));
    if (made == NULL || made->folder == NULL) {
        free(made);
        return cs_fail(host, CS_E_FATAL, "out of memory");
    }
    made->host = host;
    made->writing = -1;
    *self = made;
    return CS_OK;
}

static void oneroster_close(void *arg)
{
    struct oneroster *self = arg;
    oneroster_rollback(self);
    oneroster_unlock_all(self);
    oneroster_forget(self);
    free(self->folder);
    free(self);
}

/* Could a folder be made, or is there one to write to? */
static enum cs_rc oneroster_check(void *arg)
{
    struct oneroster *self = arg;
    if (access(self->folder, F_OK) == 0) {
        if (access(self->folder, W_OK | X_OK) != 0)
            return oneroster_refused(self, self->folder, errno);
        enum cs_rc rc = oneroster_load(self);
        return rc == CS_E_NOT_HERE ? CS_OK : rc;
    }
    char *copy = strdup(self->folder);
    if (copy == NULL)
        return oneroster_no_memory(self);
    int fault = access(dirname(copy), W_OK | X_OK) == 0 ? 0 : errno;
    free(copy);
    return fault == 0 ? CS_OK : oneroster_refused(self, self->folder, fault);
}

static const struct cs_sink_ops oneroster_ops = {
    .life = {.open = oneroster_open,
             .check = oneroster_check,
             .close = oneroster_close},
    .one_writer = true,
    .inspect = oneroster_inspect,
    .alter = oneroster_alter,
    .lock = oneroster_lock,
    .holds = oneroster_holds,
    .unlock = oneroster_unlock,
    .scan = oneroster_scan,
    .begin = oneroster_begin,
    .apply = oneroster_apply,
    .commit = oneroster_commit,
    .rollback = oneroster_rollback,
};

CS_SINK_PLUGIN("oneroster", oneroster_ops, .version = "1.0",
               .summary = "a folder of OneRoster 1.1 CSV files",
               .options = oneroster_options);
