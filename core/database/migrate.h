/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* Bringing a database to the versions that it should have.
 *
 * A version is applied in one transaction, under the lock "schema" of the
 * database, and noted in SchemaVersion with it.  Only those of its steps are
 * taken that are needed, so a database that somebody else made keeps what it
 * has.  No error is repeated here. */
#ifndef CS_MIGRATE_H
#define CS_MIGRATE_H

#include "plugin/instance.h"
#include "database/versions.h"

enum cs_migrate_state {
    CS_MIGRATE_APPLIED,
    CS_MIGRATE_PENDING,
    CS_MIGRATE_LOST,    /* applied, but a table or column is gone again */
    CS_MIGRATE_NEWER,   /* the program does not know it */
    CS_MIGRATE_CHANGED, /* what was applied under this name is another one */
};
const char *cs_migrate_word(enum cs_migrate_state state); /* "applied", ... */

struct cs_migrate_version {
    const struct cs_versions *of;
    size_t number;
    char *name; /* "session-2" */
    char checksum[CS_DIGEST];
    enum cs_migrate_state state;
    int64_t at; /* 0: not applied */
    char *by;
    char *sql; /* what would be run, after cs_migrate_script(); else NULL */
};

struct cs_migrate { /* a database */
    const struct cs_versions *versions;
    size_t nversions;
    long wait_ms; /* for the lock; 0: not at all */

    struct cs_migrate_version *list; /* as last looked at; in order */
    size_t n;
    bool noted; /* there is a table SchemaVersion */
};
void cs_migrate_clear(struct cs_migrate *migrate);

#define CS_MIGRATE_WAIT 60000 /* ms: longer than a migration should take */

/* Is this to be applied? */
bool cs_migrate_due(const struct cs_migrate_version *version);

/* These take a struct cs_migrate, and may be called again after CS_E_RETRY. */

/* Fills the list; changes nothing. */
enum cs_rc cs_migrate_look(void *migrate, struct cs_instance *sink,
                           struct cs_error *error);
/* Looks, and applies what is due, version by version; what was applied before
 * an error stays.  Like the next one it refuses what cs_migrate_check()
 * does. */
enum cs_rc cs_migrate_all(void *migrate, struct cs_instance *sink,
                          struct cs_error *error);

/* Looks, and adds the SQL of what is due, that which notes it included.  Run by
 * hand a version's is run whole or not at all, as far as the sink knows how to
 * say that. */
enum cs_rc cs_migrate_script(void *migrate, struct cs_instance *sink,
                             struct cs_error *error);

/* CS_E_CONFIG when the database has noted a version that is newer than this
 * program, or that was changed since; reads nothing else. */
enum cs_rc cs_migrate_check(const struct cs_versions *versions, size_t n,
                            struct cs_instance *sink, struct cs_error *error);

/* Makes what is not there at all; made: something was.  CS_E_CONFIG when a
 * table that is there lacks a column. */
enum cs_rc cs_migrate_make(const struct cs_versions *versions, long wait_ms,
                           struct cs_instance *sink, bool *made,
                           struct cs_error *error);

/* After a failed call about `entity`: if a column is missing (not: is of the
 * wrong type, which no command mends), the error becomes that, and names the
 * command that adds it.  school: Clever's id; NULL: the session database.
 * Gives the class that the error has then. */
enum cs_rc cs_migrate_explain(struct cs_instance *sink,
                              const struct cs_entity *entity,
                              const char *school, struct cs_error *error);

#endif
