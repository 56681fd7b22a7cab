/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* What drivers and servers complain about, in our words. */
#include "config.h"

#include "mssql-odbc.h"

#include <string.h>

enum { MSSQL_ODBC_RECORDS = 16, MSSQL_ODBC_MESSAGE = 512 };

/* From here on numbers are for RAISERROR and THROW; but Babelfish has this one
 * for every fault that it cannot name. */
enum { MSSQL_ODBC_USER = 50000, MSSQL_ODBC_NAMELESS = 33557097 };

/* One record of a handle. */
struct mssql_odbc_record {
    char state[6];
    SQLINTEGER native;
    char message[MSSQL_ODBC_MESSAGE]; /* to be looked at, never to be shown */
};

struct mssql_odbc_fault {
    SQLINTEGER native; /* 0: any; MSSQL_ODBC_USER: that and above */
    const char *state; /* how it begins; NULL: any */
    const char *hint;  /* a part of the message; NULL: any */
    enum cs_rc rc;
    const char *sentence;
};

#define MSSQL_ODBC_TWICE \
    "another row has this value where each must be different"
#define MSSQL_ODBC_REFERS                              \
    "the row refers to one that is not there, or one " \
    "refers to it, or a rule of the table refuses it"
#define MSSQL_ODBC_TRIGGER "a trigger of the table refuses the row"
#define MSSQL_ODBC_DOOMED \
    "the transaction cannot be committed after the failure before"
#define MSSQL_ODBC_BUSY "the server is too busy or moves the database just now"
#define MSSQL_ODBC_LOST "the connection was lost"
#define MSSQL_ODBC_FULL "the database or its log is full"
#define MSSQL_ODBC_DENIED "this login may not do what is needed"
#define MSSQL_ODBC_FOREIGN "a value does not fit its column's type"
#define MSSQL_ODBC_LONG "a value is too long for its column"
#define MSSQL_ODBC_GONE "no transaction is open; a failure may have undone it"
static const char mssql_odbc_away[] =
    "the server cannot be reached: are its name and its port right, and does a "
    "firewall let this machine through?";
/* FreeTDS has but one word for all of it. */
static const char mssql_odbc_untrusted[] =
    "the server cannot be reached, or ca_file does not trust its certificate: "
    "are its name and its port right, does a firewall let this machine "
    "through, and is ca_file the certificate's issuer?";
#define MSSQL_ODBC_LOGIN \
    "the login failed: is the user and the password of the connection right?"

/* The more telling come first: of several records the one decides that is
 * found here first.  Numbers of the server come before SQLSTATEs, because
 * FreeTDS says 42000 for most of them. */
static const struct mssql_odbc_fault mssql_odbc_faults[] = {
    /* The driver manager, before there is a driver. */
    {0, "01000", "Can't open lib", CS_E_CONFIG,
     "the driver cannot be loaded: the option driver must be a path or a name "
     "that odbcinst.ini knows; run ldd on the driver, a library that it needs "
     "may be missing"},
    {0, "IM002", NULL, CS_E_CONFIG,
     "the driver that the option driver names is not in odbcinst.ini; "
     "\"odbcinst -q -d\" lists those that are"},
    {0, "IM003", NULL, CS_E_CONFIG,
     "the driver cannot be loaded: run ldd on it, a library that it needs may "
     "be missing"},
    {0, "IM004", NULL, CS_E_CONFIG, "the driver cannot be started"},
    /* Certificates; both drivers use OpenSSL or GnuTLS and quote them. */
    {0, "08", "does not match", CS_E_CONFIG,
     "the server's certificate is for another name"},
    {0, "08", "certificate", CS_E_CONFIG,
     "the server's certificate cannot be verified: is its issuer among the "
     "trusted ones?"},
    {0, "08", "SSL Provider", CS_E_CONFIG,
     "no encrypted connection can be agreed on with the server"},
    /* Logging in.  4060 comes with 18456.  Azure calls it transient, but there
     * a database that comes back says 40613: this one is a matter of names. */
    {4060, NULL, NULL, CS_E_CONFIG,
     "the database does not exist, or this login may not open it"},
    {911, NULL, NULL, CS_E_CONFIG, "the database does not exist"},
    {916, NULL, NULL, CS_E_CONFIG, "this login may not open the database"},
    {40532, NULL, NULL, CS_E_CONFIG,
     "the server does not know this user; some want USER@SERVER"},
    {40615, NULL, NULL, CS_E_CONFIG,
     "the server's firewall does not admit this machine's address"},
    {40914, NULL, NULL, CS_E_CONFIG,
     "the server's firewall does not admit this machine's network"},
    {47073, NULL, NULL, CS_E_CONFIG,
     "the server admits nobody from the public network"},
    {18452, NULL, NULL, CS_E_AUTH,
     "the login failed: the server does not trust the login's domain, or "
     "admits no logins by password"},
    {18470, NULL, NULL, CS_E_AUTH, "the login failed: it is switched off"},
    {18486, NULL, NULL, CS_E_AUTH, "the login failed: it is locked"},
    {18487, NULL, NULL, CS_E_AUTH, "the login failed: its password expired"},
    {18488, NULL, NULL, CS_E_AUTH,
     "the login failed: its password must be changed"},
    {4064, NULL, NULL, CS_E_AUTH,
     "the login failed: its default database cannot be opened; name one in the "
     "connection"},
    {18456, NULL, NULL, CS_E_AUTH, MSSQL_ODBC_LOGIN},
    /* One row's fault. */
    {2627, NULL, NULL, CS_E_DATA, MSSQL_ODBC_TWICE},
    {2601, NULL, NULL, CS_E_DATA, MSSQL_ODBC_TWICE},
    {547, NULL, NULL, CS_E_DATA, MSSQL_ODBC_REFERS},
    {515, NULL, NULL, CS_E_DATA,
     "a column that must not be null would become so"},
    {2628, NULL, NULL, CS_E_DATA, MSSQL_ODBC_LONG},
    {8152, NULL, NULL, CS_E_DATA, MSSQL_ODBC_LONG},
    {220, NULL, NULL, CS_E_DATA, MSSQL_ODBC_FOREIGN},
    {241, NULL, NULL, CS_E_DATA, MSSQL_ODBC_FOREIGN},
    {242, NULL, NULL, CS_E_DATA, MSSQL_ODBC_FOREIGN},
    {245, NULL, NULL, CS_E_DATA, MSSQL_ODBC_FOREIGN},
    {248, NULL, NULL, CS_E_DATA, MSSQL_ODBC_FOREIGN},
    {8114, NULL, NULL, CS_E_DATA, MSSQL_ODBC_FOREIGN},
    {8115, NULL, NULL, CS_E_DATA, MSSQL_ODBC_FOREIGN},
    /* What heals by itself. */
    {1205, NULL, NULL, CS_E_RETRY,
     "the server chose this transaction to end a deadlock"},
    {1222, NULL, NULL, CS_E_RETRY,
     "another program holds locks on the table for too long"},
    {3960, NULL, NULL, CS_E_RETRY, "another program changed the same rows"},
    {3961, NULL, NULL, CS_E_RETRY, "another program changed the table"},
    {701, NULL, NULL, CS_E_RETRY, "the server is out of memory"},
    {1204, NULL, NULL, CS_E_RETRY, "the server is out of locks"},
    {8645, NULL, NULL, CS_E_RETRY, "the server is short of memory"},
    {596, NULL, NULL, CS_E_RETRY, MSSQL_ODBC_LOST},
    {6005, NULL, NULL, CS_E_RETRY, "the server is shutting down"},
    {10928, NULL, NULL, CS_E_RETRY, MSSQL_ODBC_BUSY},
    {10929, NULL, NULL, CS_E_RETRY, MSSQL_ODBC_BUSY},
    {40143, NULL, NULL, CS_E_RETRY, MSSQL_ODBC_BUSY},
    {40197, NULL, NULL, CS_E_RETRY, MSSQL_ODBC_BUSY},
    {40501, NULL, NULL, CS_E_RETRY, MSSQL_ODBC_BUSY},
    {40540, NULL, NULL, CS_E_RETRY, MSSQL_ODBC_BUSY},
    {40613, NULL, NULL, CS_E_RETRY, MSSQL_ODBC_BUSY},
    {49918, NULL, NULL, CS_E_RETRY, MSSQL_ODBC_BUSY},
    {49919, NULL, NULL, CS_E_RETRY, MSSQL_ODBC_BUSY},
    {49920, NULL, NULL, CS_E_RETRY, MSSQL_ODBC_BUSY},
    /* The tables' own rules; behind what heals, which may be their reason. */
    {3609, NULL, NULL, CS_E_DATA, MSSQL_ODBC_TRIGGER},
    {3616, NULL, NULL, CS_E_DATA, MSSQL_ODBC_TRIGGER},
    {MSSQL_ODBC_USER, NULL, NULL, CS_E_DATA, MSSQL_ODBC_TRIGGER},
    /* What a person must change. */
    {229, NULL, NULL, CS_E_CONFIG, MSSQL_ODBC_DENIED},
    {230, NULL, NULL, CS_E_CONFIG, MSSQL_ODBC_DENIED},
    {262, NULL, NULL, CS_E_CONFIG, MSSQL_ODBC_DENIED},
    {297, NULL, NULL, CS_E_CONFIG, MSSQL_ODBC_DENIED},
    {300, NULL, NULL, CS_E_CONFIG, MSSQL_ODBC_DENIED},
    {1088, NULL, NULL, CS_E_CONFIG, MSSQL_ODBC_DENIED},
    {15151, NULL, NULL, CS_E_CONFIG, MSSQL_ODBC_DENIED},
    {15247, NULL, NULL, CS_E_CONFIG, MSSQL_ODBC_DENIED},
    {208, NULL, NULL, CS_E_CONFIG, "there is no such table"},
    {207, NULL, NULL, CS_E_CONFIG, "a column is missing"},
    {3906, NULL, NULL, CS_E_CONFIG, "the database may only be read"},
    {1101, NULL, NULL, CS_E_FATAL, MSSQL_ODBC_FULL},
    {1105, NULL, NULL, CS_E_FATAL, MSSQL_ODBC_FULL},
    {9002, NULL, NULL, CS_E_FATAL, MSSQL_ODBC_FULL},
    {40544, NULL, NULL, CS_E_FATAL, MSSQL_ODBC_FULL},
    {3930, NULL, NULL, CS_E_FATAL, MSSQL_ODBC_DOOMED},
    {3998, NULL, NULL, CS_E_FATAL, MSSQL_ODBC_DOOMED},
    {3902, NULL, NULL, CS_E_FATAL, MSSQL_ODBC_GONE},
    {3903, NULL, NULL, CS_E_FATAL, MSSQL_ODBC_GONE},
    /* Everything else by SQLSTATE. */
    {0, "23", NULL, CS_E_DATA, MSSQL_ODBC_REFERS},
    {0, "22001", NULL, CS_E_DATA, MSSQL_ODBC_LONG},
    {0, "22", NULL, CS_E_DATA, MSSQL_ODBC_FOREIGN},
    {0, "28000", NULL, CS_E_AUTH, MSSQL_ODBC_LOGIN},
    {0, "40001", NULL, CS_E_RETRY,
     "the server chose this transaction to end a deadlock"},
    {0, "42S02", NULL, CS_E_CONFIG, "there is no such table"},
    {0, "42S22", NULL, CS_E_CONFIG, "a column is missing"},
    {0, "HYT00", NULL, CS_E_RETRY, "the server did not answer in time"},
    {0, "HYT01", NULL, CS_E_RETRY, "the server did not answer in time"},
    {0, "HY008", NULL, CS_E_CANCELLED, "cancelled, or out of time"},
    {0, "08001", NULL, CS_E_RETRY, mssql_odbc_away},
    {0, "08", NULL, CS_E_RETRY, MSSQL_ODBC_LOST},
    {0, "HY001", NULL, CS_E_FATAL, "the driver is out of memory"},
};

static const struct mssql_odbc_fault mssql_odbc_unknown = {
    0, NULL, NULL, CS_E_FATAL, "the server or its driver refuses a statement"};

static bool mssql_odbc_same(SQLINTEGER wanted, SQLINTEGER native)
{
    return wanted == 0 || wanted == native ||
           (wanted == MSSQL_ODBC_USER && native > MSSQL_ODBC_USER &&
            native != MSSQL_ODBC_NAMELESS);
}

static bool mssql_odbc_matches(const struct mssql_odbc_fault *fault,
                               const struct mssql_odbc_record *record)
{
    return mssql_odbc_same(fault->native, record->native) &&
           (fault->state == NULL ||
            strncmp(fault->state, record->state, strlen(fault->state)) == 0) &&
           (fault->hint == NULL ||
            strstr(record->message, fault->hint) != NULL);
}

/* n: how many faults there are if none matches. */
static size_t mssql_odbc_rank(const struct mssql_odbc_record *record, size_t n)
{
    size_t i = 0;
    while (i < n && !mssql_odbc_matches(&mssql_odbc_faults[i], record))
        i++;
    return i;
}

/* States after which a connection works no more, or not as it should.  HY000
 * with 0 is how FreeTDS first says that the connection is gone; after 2402, a
 * text that is not Unicode, it is stuck. */
static bool mssql_odbc_breaks(const struct mssql_odbc_record *record)
{
    return strncmp(record->state, "08", 2) == 0 ||
           strncmp(record->state, "HYT", 3) == 0 ||
           strcmp(record->state, "24000") == 0 ||
           (strcmp(record->state, "HY000") == 0 &&
            (record->native == 0 || record->native == 2402));
}

bool mssql_odbc_dead(const struct mssql_odbc *self)
{
    SQLUINTEGER dead = SQL_CD_FALSE;
    return SQL_SUCCEEDED(SQLGetConnectAttr(self->connection,
                                           SQL_ATTR_CONNECTION_DEAD, &dead,
                                           SQL_IS_UINTEGER, NULL)) &&
           dead == SQL_CD_TRUE;
}

bool mssql_odbc_late(struct mssql_odbc *self)
{
    pthread_mutex_lock(&self->mutex);
    bool cancelled = self->cancelled;
    pthread_mutex_unlock(&self->mutex);
    return cancelled || self->host->remaining_ms(self->host) == 0;
}

enum cs_rc mssql_odbc_cancelled(struct mssql_odbc *self)
{
    return cs_fail(self->host, CS_E_CANCELLED, "%s: cancelled, or out of time",
                   self->where);
}

enum cs_rc mssql_odbc_out_of_memory(struct mssql_odbc *self)
{
    return cs_fail(self->host, CS_E_FATAL, "%s: out of memory", self->where);
}

/* The record that tells most, into `best`; its place among the faults. */
static size_t mssql_odbc_read(struct mssql_odbc *self, SQLSMALLINT type,
                              SQLHANDLE handle, struct mssql_odbc_record *best)
{
    size_t n = sizeof mssql_odbc_faults / sizeof *mssql_odbc_faults, rank = n;
    *best = (struct mssql_odbc_record){.state = "HY000"};
    for (SQLSMALLINT i = 1; i <= MSSQL_ODBC_RECORDS; i++) {
        struct mssql_odbc_record record = {.native = 0};
        if (!SQL_SUCCEEDED(SQLGetDiagRec(
                type, handle, i, (SQLCHAR *)record.state, &record.native,
                (SQLCHAR *)record.message, sizeof record.message, NULL)))
            break;
        size_t found = mssql_odbc_rank(&record, n);
        if (mssql_odbc_breaks(&record))
            self->doubtful = true;
        if (i == 1 || found < rank) {
            *best = record;
            rank = found;
        }
    }
    return rank;
}

/* A statement that took too long had less than its usual time, or there is no
 * such time left. */
static bool mssql_odbc_ended(const struct mssql_odbc *self,
                             const struct mssql_odbc_record *record)
{
    return strcmp(record->state, "HYT00") == 0 &&
           self->host->remaining_ms(self->host) / 1000 < self->query_seconds;
}

enum cs_rc mssql_odbc_fail(struct mssql_odbc *self, SQLSMALLINT type,
                           SQLHANDLE handle, const char *table)
{
    size_t n = sizeof mssql_odbc_faults / sizeof *mssql_odbc_faults;
    struct mssql_odbc_record record;
    size_t rank = mssql_odbc_read(self, type, handle, &record);
    struct mssql_odbc_fault fault =
        rank < n ? mssql_odbc_faults[rank] : mssql_odbc_unknown;
    if (mssql_odbc_dead(self))
        self->doubtful = true;
    if (rank == n && self->doubtful) {
        fault.rc = CS_E_RETRY;
        fault.sentence = MSSQL_ODBC_LOST;
    }
    if (fault.sentence == mssql_odbc_away &&
        self->driver == MSSQL_ODBC_FREETDS && self->encrypted &&
        self->host->flag(self->host, "verify_certificate"))
        fault.sentence = mssql_odbc_untrusted;
    if (fault.rc == CS_E_CANCELLED ||
        (type == SQL_HANDLE_STMT && mssql_odbc_ended(self, &record)) ||
        ((fault.rc == CS_E_RETRY || rank == n) && mssql_odbc_late(self)))
        return mssql_odbc_cancelled(self);
    if (strncmp(record.state, "IM", 2) == 0 ||
        (rank < n && fault.state != NULL && strcmp(fault.state, "01000") == 0))
        return cs_fail(self->host, fault.rc, "driver \"%s\": %s (SQLSTATE %s)",
                       self->host->text(self->host, "driver"), fault.sentence,
                       record.state);
    return cs_fail(self->host, fault.rc, "%s%s%s: %s (SQLSTATE %s, native %ld)",
                   self->where, table ? ", table " : "", table ? table : "",
                   fault.sentence, record.state, (long)record.native);
}
