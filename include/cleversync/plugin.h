/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* The contract between cleversync and its plugins; the only installed header.
 *
 * A plugin is one shared object that exports one constant, the descriptor
 * `cleversync_plugin`, defined with the macro for its kind at the end of this
 * file.  It links against nothing of cleversync: everything it may ask of the
 * core is reached through the struct cs_host that open() receives.
 *
 * Compatibility.  Structs that begin with (or contain) a `size` member grow
 * only at their end, and the minor number counts each growth; members beyond
 * the size that the other side knows do not exist for it.  Structs that are
 * elements of arrays (cs_column, cs_value, cs_option) never change within a
 * major number.  The core loads a plugin when the major numbers are equal and
 * the plugin's minor is not above its own.
 *
 * Threads.  The core runs at most one callback of an instance at a time, from
 * any thread, and different instances at once: a plugin keeps its state in
 * `self` and has no mutable file-scope data.  Only cancel() may come while
 * another callback of the instance runs.
 *
 * People.  Records and database rows describe children.  Never put text that
 * came from outside (a body, a driver's message, a cell) into a log line or an
 * error: name keys, columns, status codes and offsets instead. */
#ifndef CLEVERSYNC_PLUGIN_H
#define CLEVERSYNC_PLUGIN_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define CS_ABI_MAJOR 1
#define CS_ABI_MINOR 0

/* ---- Results ----------------------------------------------------------- */

/* What every callback returns.  A negative result is an error: describe it
 * once with cs_fail() where it is detected and return its class.  The class is
 * all that a plugin decides; trying again, setting aside and stopping are the
 * core's business, so plugins neither sleep nor repeat. */
enum cs_rc {
    CS_OK = 0,
    CS_SKIP = 1,  /* mapper: not for this entity, or cannot tell; no change */
    CS_LEFT = 2,  /* mapper: the record itself shows that this person is no
                    longer in the school or role; the key is set */
    CS_MAYBE = 3, /* mapper: the record does not say whether this person is in
                     the school and role; the row holds what it does say.  A
                     listing answers that itself; in a feed only a person who
                     is stored and active is changed */
    CS_E_CONFIG = -1,    /* an operator has to change something */
    CS_E_AUTH = -2,      /* credentials were refused */
    CS_E_RETRY = -3,     /* may heal: timeout, deadlock, 429, 5xx */
    CS_E_DATA = -4,      /* this record is unusable; others may be fine */
    CS_E_CURSOR = -5,    /* source: this cursor is no longer served */
    CS_E_NOT_HERE = -6,  /* credential: I do not hold this name; source: this
                            feed does not exist; sink: no such table */
    CS_E_BUSY = -7,      /* sink: somebody else holds the lock */
    CS_E_CANCELLED = -8, /* the deadline passed or somebody cancelled */
    CS_E_FATAL = -9,     /* anything else */
};

/* ---- Entities: a table, its columns, its key --------------------------- */

enum cs_type { CS_BOOL = 1, CS_INT, CS_TEXT, CS_TIME };

enum {
    CS_KEY = 1 << 0,      /* unique, compared byte for byte; one per entity */
    CS_NOT_NULL = 1 << 1, /* an empty text or 0 is stored instead of null */
    CS_QUIET = 1 << 2,    /* written along, never the reason for a write */
    CS_AUTO = 1 << 3,     /* identity given by the database; only read */
    CS_INDEX = 1 << 4,    /* searched by: worth an index */
    CS_CUT = 1 << 5,      /* overlong text is cut; without it, becomes null */
};

struct cs_column {
    const char *name;
    enum cs_type type;
    unsigned length;        /* CS_TEXT: most UTF-16 units; 0: no limit */
    unsigned flags;         /* CS_KEY and so on, or-ed */
    const char *references; /* "Table.Column" of a foreign key, or NULL */
    const char *fallback;   /* default for rows that do not say, or NULL */
};

struct cs_entity {
    const char *name;                /* "student": in pipelines and logs */
    const char *collection;          /* "students": what a source is asked */
    const char *table;               /* "Students" */
    const struct cs_column *columns; /* every row has this order */
    size_t ncolumns;
};

/* One cell of a row.  ABSENT: the record does not say; NULL: it says nothing;
 * SET: `as` holds the value.  Text is UTF-8; a time is text in ISO 8601, UTC,
 * "2026-01-31T02:03:04.567Z". */
enum cs_cell { CS_ABSENT = 0, CS_NULL, CS_SET };
struct cs_value {
    enum cs_cell state;
    union {
        bool boolean;
        int64_t integer;
        const char *text;
    } as;
};

enum cs_op { CS_INSERT = 1, CS_UPDATE, CS_DELETE, CS_UPSERT };

/* Rows for a sink: one entity and one operation, so one prepared statement. */
struct cs_batch {
    size_t size;
    const struct cs_entity *entity;
    enum cs_op op; /* INSERT, UPDATE or DELETE; never UPSERT */
    const struct cs_value *const *rows; /* nrows rows of ncolumns cells.
                       UPDATE: absent cells keep what is stored;
                       DELETE: only the key is set */
    size_t nrows;
    size_t affected; /* set by the sink: rows that the database reports */
};

/* Which rows to scan; NULL or a zeroed one: all of them, in any order. */
struct cs_filter {
    size_t size;
    size_t column;             /* index into entity->columns for in, below */
    const struct cs_value *in; /* the column equals one of these `nin` */
    size_t nin;
    const struct cs_value *below; /* the column is less than this */
    size_t newest; /* at most this many, highest identity first; 0: all */
};

enum cs_change {
    CS_CREATE_TABLE = 1, /* with its indexes and foreign keys */
    CS_ADD_COLUMN,
    CS_WIDEN_COLUMN,
    CS_ADD_INDEX,
};
struct cs_step { /* one change of a schema */
    size_t size;
    enum cs_change change;
    const struct cs_entity *entity;
    size_t column; /* the column to add, widen or index */
};

/* ---- What the core offers ---------------------------------------------- */

enum cs_level { CS_LOG_ERROR = 1, CS_LOG_WARN, CS_LOG_INFO, CS_LOG_DEBUG };

struct cs_page;   /* where a source puts records */
struct cs_secret; /* where a credential plugin puts bytes */

struct cs_scope { /* whom an instance works for; Clever's ids, or NULL */
    size_t size;
    const char *run, *pipeline, *district, *school;
};

/* One exchange over HTTP.  Zero the struct, set size and the first group,
 * call host->http(), read the second group.
 *
 * The core owns policy: TLS 1.2 or later and verified, plain http to loopback
 * only, timeouts, one renewal of a refused token, repetition of what can heal
 * with back-off, Retry-After, and a cap on body size and JSON depth.  The
 * result is CS_OK for a 2xx reply that is whole; CS_E_AUTH for 401 and 403;
 * CS_E_NOT_HERE for 404 and 410; CS_E_RETRY when repetition did not help;
 * CS_E_CANCELLED at the deadline; CS_E_FATAL for every other status and for a
 * 2xx reply that is not the JSON it should be.  status is set in each case,
 * and cs_fail() has been called.
 *
 * With `rows`, the array at that path is not built but handed to each() row by
 * row as it arrives, holding only the paths in `reads`; a reply without that
 * array is an error.  Should the connection break after rows were handed over,
 * the result is CS_E_RETRY: return it, and the core forgets what this fetch
 * emitted and calls fetch() again. */
struct cs_http {
    size_t size;
    const char *method, *url, *content_type; /* NULL method: GET */
    const void *body;
    size_t body_size;
    const char *const *headers;  /* "Name: value" ..., NULL; or NULL */
    const char *bearer;          /* name of a CS_OPT_SECRET option, or NULL */
    const char *user, *password; /* likewise, for HTTP Basic */
    const int *retry;            /* more statuses to repeat, 0 ends; or NULL */
    long timeout_ms;             /* 0: the core's */
    bool direct;                 /* past any proxy */
    const char *rows;            /* "data[].data", or NULL */
    const char *const *reads;    /* paths to build in a row, NULL ends */
    enum cs_rc (*each)(void *arg, json_t *stolen);
    void *arg;
    unsigned tries;  /* requests at most, one renewal aside; 0: the core's */
    long backoff_ms; /* before the second one, then doubled; 0: the core's */

    long status;      /* 0: no reply at all */
    json_t *reply;    /* all but the rows, yours to json_decref(); or NULL */
    const char *text; /* a reply that is not JSON; like what header() gives,
                         until the next request */
    const char *(*header)(const struct cs_http *, const char *name);

    const void *core; /* the core's own: do not touch */
};

#define CS_FORMAT __attribute__((format(printf, 3, 4)))

/* One host per instance; valid until close() has returned. */
struct cs_host {
    size_t size;
    const struct cs_scope *scope;
    const char *const *reads; /* source: the paths its mappers look at */

    /* A line in the log, prefixed with the instance and its scope. */
    void (*log)(const struct cs_host *, int level, const char *, ...) CS_FORMAT;
    /* Records why a callback fails, one sentence without a full stop, and
     * returns `rc`.  The last call before the callback returns wins. */
    enum cs_rc (*fail)(const struct cs_host *, int rc, const char *,
                       ...) CS_FORMAT;
    long (*remaining_ms)(const struct cs_host *); /* 0: cancelled or late */
    int64_t (*now)(const struct cs_host *); /* UTC, microseconds since 1970 */

    /* Options, by the names in the plugin's table; templates are filled in.
     * text() never gives NULL for an option with a fallback. */
    const char *(*text)(const struct cs_host *, const char *option);
    long (*number)(const struct cs_host *, const char *option);
    bool (*flag)(const struct cs_host *, const char *option);
    /* The secret that the option names: NUL-terminated, borrowed until the
     * callback returns, then wiped.  NULL when it cannot be had; cs_fail() has
     * then been called, except for an optional one that nobody holds. */
    const char *(*secret)(const struct cs_host *, const char *option);

    enum cs_rc (*http)(const struct cs_host *, struct cs_http *);

    /* Source: how many records the core would like on this page. */
    size_t (*want)(const struct cs_page *);
    /* Source: one record; cursor: its place in a feed, NULL in a listing. */
    enum cs_rc (*emit)(struct cs_page *, enum cs_op, const char *cursor,
                       json_t *stolen);
    /* Source: this page is whole and more follow from `cursor`. */
    enum cs_rc (*next)(struct cs_page *, const char *cursor);
    /* Source: this page is whole and was the last.  `cursor` is where a feed
     * continues later, NULL in a listing. */
    enum cs_rc (*done)(struct cs_page *, const char *cursor);

    /* Credential: the bytes of the secret, copied; expires as now(), 0: not. */
    enum cs_rc (*reveal)(struct cs_secret *, const void *bytes, size_t size,
                         int64_t expires);
    void (*wipe)(void *bytes, size_t size);
};
#define cs_log(host, ...) ((host)->log((host), __VA_ARGS__))
#define cs_fail(host, ...) ((host)->fail((host), __VA_ARGS__))

/* ---- The kinds --------------------------------------------------------- */

/* The first member of every vtable but the mapper's.  A close() follows each
 * open() that returned CS_OK.  check() and cancel() may be NULL. */
struct cs_life {
    enum cs_rc (*open)(const struct cs_host *, void **self);
    enum cs_rc (*check)(void *self); /* reachable, permitted, and (source) is
                     this the scope's district?  Writes nothing */
    void (*cancel)(void *self); /* from another thread: make the callback that
                     is under way return soon.  Never during open(), commit()
                     and close(), and over before the next callback begins */
    void (*close)(void *self);
};

struct cs_credential_ops { /* a name in, bytes out */
    struct cs_life life;
    /* reveal() the secret and return CS_OK; CS_E_NOT_HERE when this store does
     * not hold the name. */
    enum cs_rc (*fetch)(void *self, const char *name, struct cs_secret *);
};

struct cs_source_ops { /* a cursor in, a page out */
    struct cs_life life;
    /* false: a full listing of one school's collection, where what is absent
     * is gone.  true: a district's feed of changes; fetch() gets no entity. */
    bool delta;
    /* Feed: done(page, cursor) with the place behind the newest change. */
    enum cs_rc (*mark)(void *self, struct cs_page *);
    /* Feed: which cursor is the older one; negative, 0, positive as strcmp. */
    int (*order)(const char *cursor, const char *other);
    /* One page from `cursor` (NULL: the first), ended by next() or done().
     * When neither was called the read counts as cut short. */
    enum cs_rc (*fetch)(void *self, const struct cs_entity *,
                        const char *cursor, struct cs_page *);
};

struct cs_mapper_ops { /* pure: no I/O and no state */
    const struct cs_entity *entity;
    /* The paths that map() looks at, "roles.student.grade"; NULL ends.  The
     * record holds nothing else. */
    const char *const *reads;
    /* Fills row, which arrives all absent; sets the key first.  Cells may
     * point into the record. */
    enum cs_rc (*map)(const struct cs_host *, const json_t *record,
                      struct cs_value *row);
};

typedef enum cs_rc cs_row_fn(void *arg, const struct cs_value *row);
typedef void cs_sql_fn(void *arg, const char *sql);

struct cs_sink_ops { /* thin: the core has worked out what changes */
    struct cs_life life;
    bool one_writer; /* instances on one database must not write at once */
    /* Is the table there with these columns, which may be some of it only?
     * CS_E_NOT_HERE: no such table; CS_E_CONFIG: a column is missing, or is of
     * a type that cannot hold what it must.  lengths[i]: the real length of
     * column i in UTF-16 units, 0 for no limit.  Without `lengths` types do
     * not matter: only what is missing is an error. */
    enum cs_rc (*inspect)(void *self, const struct cs_entity *,
                          unsigned *lengths);
    /* One step of a schema; nothing where the thing is there already.  With
     * `show`, hand over the SQL and do nothing. */
    enum cs_rc (*alter)(void *self, const struct cs_step *, cs_sql_fn *show,
                        void *arg);
    /* A lock that dies with the process.  CS_E_BUSY after wait_ms. */
    enum cs_rc (*lock)(void *self, const char *name, long wait_ms);
    enum cs_rc (*holds)(void *self, const char *name); /* CS_OK: still mine */
    void (*unlock)(void *self, const char *name);
    /* Streams rows; stops with the callback's result when that is not CS_OK.
     * Cells die with the call. */
    enum cs_rc (*scan)(void *self, const struct cs_entity *,
                       const struct cs_filter *, cs_row_fn *, void *arg);
    enum cs_rc (*begin)(void *self);
    /* All of the batch or none of it; after CS_E_DATA the transaction is as
     * it was before this call and usable. */
    enum cs_rc (*apply)(void *self, struct cs_batch *);
    enum cs_rc (*commit)(void *self);
    void (*rollback)(void *self); /* does nothing outside a transaction */
    /* What belongs around a script of steps for it to be run by hand: whole or
     * not at all, and where SQL can ask for the lock "schema" under that lock.
     * Both end in a line feed; both may be NULL. */
    const char *script_begin, *script_end;
};

/* Events, oldest first; cleversync-plugin(7) has their members.  They die with
 * the call. */
struct cs_news {
    size_t size;
    const json_t *const *events;
    size_t n;
    bool *again; /* n of them, all false: see notify() */
};

struct cs_notifier_ops { /* hears of runs and failures; never blocks one */
    struct cs_life life;
    /* CS_E_RETRY and CS_E_AUTH: the core hands the same events over again,
     * when the last reply's Retry-After says or after a pause.  After any other
     * error they are lost.  If again[] is true for some, both is about those
     * only.  What was delivered may come once more: each event has an id. */
    enum cs_rc (*notify)(void *self, struct cs_news *news);
};

/* ---- The one exported constant ----------------------------------------- */

enum cs_kind { CS_CREDENTIAL = 1, CS_SOURCE, CS_MAPPER, CS_SINK, CS_NOTIFIER };

enum cs_opt {
    CS_OPT_TEXT = 1,
    CS_OPT_NUMBER,
    CS_OPT_FLAG,
    CS_OPT_SECRET,            /* the file holds the secret's name */
    CS_OPT_TEMPLATE = 1 << 8, /* or-ed in: {school_prefix}, {school_id},
                     {district_prefix}, {district_id}, {secret_prefix} */
    CS_OPT_OPTIONAL = 1 << 9, /* or-ed in: may stay unset */
};
struct cs_option { /* a table ends with a NULL name */
    const char *name;
    unsigned type;
    const char *fallback; /* NULL and not optional: the operator must set it */
    const char *allowed;  /* number: "1..10000"; text: "a b c"; or NULL */
    const char *help;
};

struct cs_plugin {
    uint16_t abi_major, abi_minor; /* these two never move */
    uint32_t size, ops_size, kind;
    const char *name, *version, *summary;
    const struct cs_option *options; /* or NULL: none */
    const void *ops;
};

/* CS_SINK_PLUGIN("mysink", mysink_ops, .version = "1.0", .summary = "...") */
/* clang-format off */
#define CS_PLUGIN(KIND, TYPE, NAME, OPS, ...)                                \
    __attribute__((visibility("default")))                                   \
    extern const struct cs_plugin cleversync_plugin;                         \
    const struct cs_plugin cleversync_plugin = {                             \
        .abi_major = CS_ABI_MAJOR,                                           \
        .abi_minor = CS_ABI_MINOR,                                           \
        .size = sizeof(struct cs_plugin),                                    \
        .ops_size = sizeof(struct TYPE),                                     \
        .kind = KIND,                                                        \
        .name = NAME,                                                        \
        __VA_ARGS__,                                                         \
        .ops = 1 ? &(OPS) : (const struct TYPE *)0}
/* clang-format on */
#define CS_CREDENTIAL_PLUGIN(...) \
    CS_PLUGIN(CS_CREDENTIAL, cs_credential_ops, __VA_ARGS__)
#define CS_SOURCE_PLUGIN(...) CS_PLUGIN(CS_SOURCE, cs_source_ops, __VA_ARGS__)
#define CS_MAPPER_PLUGIN(...) CS_PLUGIN(CS_MAPPER, cs_mapper_ops, __VA_ARGS__)
#define CS_SINK_PLUGIN(...) CS_PLUGIN(CS_SINK, cs_sink_ops, __VA_ARGS__)
#define CS_NOTIFIER_PLUGIN(...) \
    CS_PLUGIN(CS_NOTIFIER, cs_notifier_ops, __VA_ARGS__)

#ifdef __cplusplus
}
#endif

#endif /* CLEVERSYNC_PLUGIN_H */
