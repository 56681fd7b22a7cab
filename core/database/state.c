/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

#include "config.h"

#include "database/state.h"

#include "sync/cell.h"
#include "base/memory.h"
#include "plugin/sink.h"

#include <stdlib.h>
#include <string.h>

static enum cs_rc add(void *arg, const struct cs_value *row)
{
    struct cs_state *state = arg;
    struct cs_state_entry *entry;

    state->entries =
        cs_memory_grow(state->entries, state->n + 1, sizeof(*state->entries));
    entry = &state->entries[state->n++];
    *entry = (struct cs_state_entry){
        .entity = cs_memory_text(cs_cell_text(&row[CS_STATE_ENTITY])),
        .cursor = cs_memory_text(cs_cell_text(&row[CS_STATE_CURSOR])),
        .run = cs_memory_text(cs_cell_text(&row[CS_STATE_RUN])),
        .last_sync = cs_cell_time(&row[CS_STATE_LAST_SYNC])};
    if (!state->stamp)
        state->stamp = cs_memory_text(cs_cell_text(&row[CS_STATE_SCHOOL]));
    return CS_OK;
}

enum cs_rc cs_state_load(struct cs_state *state, struct cs_instance *sink,
                         const char *school_id, struct cs_error *error)
{
    enum cs_rc rc;

    *state = (struct cs_state){0};
    rc = cs_sink_scan(sink, &cs_schema_state, NULL, add, state, error);
    if (rc == CS_E_NOT_HERE)
        return CS_OK;
    if (rc != CS_OK) {
        cs_state_clear(state);
        return rc;
    }
    if (state->stamp && school_id && strcmp(state->stamp, school_id) != 0) {
        cs_error_set(error, CS_E_FATAL,
                     "the database belongs to school %s, not to %s: nothing "
                     "was written; give each school a database of its own, or, "
                     "if this one was renumbered, use \"cleversync school "
                     "restamp\"",
                     state->stamp, school_id);
        error->status = CS_EXIT_PERSON;
        cs_state_clear(state);
        return error->rc;
    }
    return CS_OK;
}

void cs_state_clear(struct cs_state *state)
{
    for (size_t i = 0; i < state->n; i++) {
        free(state->entries[i].entity);
        free(state->entries[i].cursor);
        free(state->entries[i].run);
    }
    free(state->entries);
    free(state->stamp);
    *state = (struct cs_state){0};
}

const struct cs_state_entry *cs_state_find(const struct cs_state *state,
                                           const char *entity)
{
    for (size_t i = 0; i < state->n; i++) {
        if (state->entries[i].entity &&
            strcmp(state->entries[i].entity, entity) == 0)
            return &state->entries[i];
    }
    return NULL;
}

enum cs_rc cs_state_store(const struct cs_state *state,
                          struct cs_instance *sink,
                          const struct cs_state_new *entry,
                          struct cs_error *error)
{
    struct cs_value row[CS_STATE_COLUMNS] = {0};
    char time[CS_CLOCK_ISO];

    row[CS_STATE_ENTITY] = cs_cell_of_text(entry->entity);
    row[CS_STATE_SCHOOL] = cs_cell_of_text(entry->school_id);
    row[CS_STATE_CURSOR] = cs_cell_of_text(entry->cursor);
    row[CS_STATE_LAST_SYNC] = cs_cell_of_time(entry->last_sync, time);
    row[CS_STATE_RUN] = cs_cell_of_text(entry->run);
    row[CS_STATE_SYNC] = cs_cell_of_integer(entry->sync_id);
    return cs_sink_put(sink, &cs_schema_state,
                       cs_state_find(state, entry->entity) ? CS_UPDATE
                                                           : CS_INSERT,
                       row, error);
}
