/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* A sink that lives in memory, has transactions and a lock, and fails when it
 * is told to.  There is one; any number of tests may use it in turn, with
 * fake_sink_clear() between them. */
#ifndef FAKE_SINK_H
#define FAKE_SINK_H

#include "config/wiring.h"

enum { FAKE_COLUMNS = 20, FAKE_ROWS = 400, FAKE_TABLES = 12 };

struct fake_row {
    struct cs_value cells[FAKE_COLUMNS]; /* texts are owned */
};
struct fake_table {
    const struct cs_entity *entity;
    struct fake_row rows[FAKE_ROWS];
    size_t n;
    int64_t identity;
};
struct fake_base {
    struct fake_table tables[FAKE_TABLES];
    size_t n;
};

struct fake_sink {
    struct fake_base now, before; /* before: the transaction */
    const struct cs_host *host;
    bool open;      /* a transaction is */
    size_t calls;   /* that could have failed */
    size_t locks;   /* of these: how often it was asked for a lock, but for
                  that of who changes tables */
    char lock[100]; /* who has it; "": nobody */
    char schema_lock[100];
    long wait_ms; /* of the last lock */

    /* What the test sets: */
    size_t fail_at;    /* the call that fails for a while; 0: none */
    size_t failures;   /* how often, from there on */
    enum cs_rc rc;     /* and how; 0: CS_E_RETRY */
    bool after_commit; /* the failing commit does commit */
    bool cut;          /* a failure takes the transaction and the lock along */
    bool taken;        /* somebody else has every lock */
    bool (*refuses)(enum cs_op op, const char *key); /* a row; or NULL */
};
extern struct fake_sink fake_sink;
extern const struct cs_module fake_sink_module;

/* The next `times` calls that can fail, from the nth on. */
void fake_sink_fail(size_t nth, size_t times);
/* Each gives NULL when there is none. */
struct fake_table *fake_sink_table(const struct cs_entity *entity);
struct fake_row *fake_sink_row(struct fake_table *table, const char *key);
/* While the entities of the tables still live. */
void fake_sink_clear(void);

#endif
