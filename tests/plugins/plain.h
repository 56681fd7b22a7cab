/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* Callbacks that do nothing, for plugins that exist to be looked at.  Not in
 * CS_PLUGIN's words where a descriptor has to be wrong. */
#ifndef PLAIN_H
#define PLAIN_H

#include <cleversync/plugin.h>

#define PLAIN_DESCRIPTOR(...)                                         \
    __attribute__((visibility(                                        \
        "default"))) extern const struct cs_plugin cleversync_plugin; \
    const struct cs_plugin cleversync_plugin = {__VA_ARGS__}

static inline enum cs_rc plain_open(const struct cs_host *host, void **self)
{
    *self = (void *)host;
    return CS_OK;
}

static inline void plain_close(void *self)
{
    (void)self;
}

static inline enum cs_rc plain_map(const struct cs_host *host,
                                   const json_t *record, struct cs_value *row)
{
    (void)host;
    (void)record;
    (void)row;
    return CS_SKIP;
}

static inline enum cs_rc plain_source(void *self,
                                      const struct cs_entity *entity,
                                      const char *cursor, struct cs_page *page)
{
    (void)self;
    (void)entity;
    (void)cursor;
    (void)page;
    return CS_E_NOT_HERE;
}

static inline enum cs_rc plain_mark(void *self, struct cs_page *page)
{
    (void)self;
    (void)page;
    return CS_E_NOT_HERE;
}

static inline int plain_order(const char *cursor, const char *other)
{
    (void)cursor;
    (void)other;
    return 0;
}

static inline enum cs_rc plain_secret(void *self, const char *name,
                                      struct cs_secret *secret)
{
    (void)self;
    (void)name;
    (void)secret;
    return CS_E_NOT_HERE;
}

static inline enum cs_rc
plain_inspect(void *self, const struct cs_entity *entity, unsigned *lengths)
{
    (void)self;
    (void)entity;
    (void)lengths;
    return CS_E_NOT_HERE;
}

static inline enum cs_rc plain_alter(void *self, const struct cs_step *step,
                                     cs_sql_fn *show, void *arg)
{
    (void)self;
    (void)step;
    (void)show;
    (void)arg;
    return CS_E_FATAL;
}

static inline enum cs_rc plain_lock(void *self, const char *name, long wait_ms)
{
    (void)self;
    (void)name;
    (void)wait_ms;
    return CS_OK;
}

static inline enum cs_rc plain_holds(void *self, const char *name)
{
    (void)self;
    (void)name;
    return CS_OK;
}

static inline void plain_unlock(void *self, const char *name)
{
    (void)self;
    (void)name;
}

static inline enum cs_rc plain_scan(void *self, const struct cs_entity *entity,
                                    const struct cs_filter *filter,
                                    cs_row_fn *each, void *arg)
{
    (void)self;
    (void)entity;
    (void)filter;
    (void)each;
    (void)arg;
    return CS_OK;
}

static inline enum cs_rc plain_begin(void *self)
{
    (void)self;
    return CS_OK;
}

static inline enum cs_rc plain_apply(void *self, struct cs_batch *batch)
{
    (void)self;
    (void)batch;
    return CS_E_FATAL;
}

static const struct cs_column plain_columns[] = {
    {"CleverPupilId", CS_TEXT, 50, CS_KEY, NULL, NULL},
    {"FirstName", CS_TEXT, 100, CS_CUT, NULL, NULL},
};
static const struct cs_entity plain_entity = {"pupil", "students", "Pupils",
                                              plain_columns, 2};
static const char *const plain_reads[] = {"id", "name.first", NULL};

#endif
