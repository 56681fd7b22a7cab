/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

#include "config.h"

#include "sync/plan.h"

#include "base/memory.h"
#include "plugin/sink.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LOOKUP 100 /* keys asked for at once */

struct planning {
    struct cs_plan *plan;
    const struct cs_diff *diff;
    FILE *text;
    bool show_values;
    /* The updates being looked up. */
    struct cs_value keys[LOOKUP];
    struct cs_value *rows; /* LOOKUP rows of schema->mapped cells */
    size_t n;
};

static void add(struct planning *planning, const char *sign, const char *op,
                const char *key, json_t *columns)
{
    json_array_append_new(planning->plan->changes,
                          json_pack("{s:s, s:s, s:o*}", "op", op, "key", key,
                                    "columns", columns));
    fprintf(planning->text, "  %s %s", sign, key);
}

static void print_value(FILE *text, const struct cs_column *column,
                        const struct cs_value *cell)
{
    if (cell->state != CS_SET)
        fputs("(nothing)", text);
    else if (column->type == CS_BOOL)
        fputs(cell->as.boolean ? "yes" : "no", text);
    else if (column->type == CS_INT)
        fprintf(text, "%" PRId64, cell->as.integer);
    else
        fprintf(text, "\"%s\"", cell->as.text);
}

static void print_row(struct planning *planning, const struct cs_value *row)
{
    const struct cs_normal *normal = &planning->diff->normal;

    for (size_t i = 0; planning->show_values && i < normal->ncolumns; i++) {
        if (i == normal->key || row[i].state != CS_SET)
            continue;
        fprintf(planning->text, " %s=", normal->columns[i].name);
        print_value(planning->text, &normal->columns[i], &row[i]);
    }
    fputc('\n', planning->text);
}

/* An update, beside the row as it is stored now. */
static void add_update(struct planning *planning, const struct cs_value *new,
                       const struct cs_value *stored)
{
    const struct cs_normal *normal = &planning->diff->normal;
    uint64_t differing = cs_diff_columns(normal, new, stored);
    json_t *columns = json_array();

    add(planning, "*", "update", new[normal->key].as.text, columns);
    for (size_t i = 0; i < normal->ncolumns; i++) {
        const struct cs_column *column = &normal->columns[i];

        if (!(differing >> i & 1))
            continue;
        json_array_append_new(columns, json_string(column->name));
        fprintf(planning->text, " %s", column->name);
        if (planning->show_values) {
            fputc('=', planning->text);
            print_value(planning->text, column, &stored[i]);
            fputs("->", planning->text);
            print_value(planning->text, column, &new[i]);
        }
    }
    fputc('\n', planning->text);
}

static enum cs_rc found(void *arg, const struct cs_value *row)
{
    struct planning *planning = arg;
    const struct cs_schema *schema = planning->diff->schema;

    for (size_t i = 0; i < planning->n; i++) {
        if (strcmp(planning->keys[i].as.text, row[schema->key].as.text) == 0)
            add_update(planning, planning->rows + i * schema->mapped,
                       row + schema->first);
    }
    return CS_OK;
}

static enum cs_rc look_up(struct planning *planning, struct cs_instance *sink,
                          struct cs_error *error)
{
    const struct cs_schema *schema = planning->diff->schema;
    struct cs_filter filter = {.size = sizeof(filter),
                               .column = schema->key,
                               .in = planning->keys,
                               .nin = planning->n};
    enum cs_rc rc = CS_OK;

    if (planning->n > 0)
        rc = cs_sink_scan(sink, &schema->entity, &filter, found, planning,
                          error);
    planning->n = 0;
    return rc;
}

static enum cs_rc plan_updates(struct planning *planning,
                               struct cs_instance *sink, struct cs_error *error)
{
    const struct cs_diff *diff = planning->diff;
    size_t mapped = diff->schema->mapped;
    const struct cs_diff_change *position = NULL;
    enum cs_rc rc = CS_OK;

    planning->rows = cs_memory_array(LOOKUP * mapped, sizeof(*planning->rows));
    while (rc == CS_OK && cs_diff_next(diff, CS_DIFF_UPDATE, &position,
                                       planning->rows + planning->n * mapped)) {
        planning->keys[planning->n] =
            planning->rows[planning->n * mapped + diff->normal.key];
        if (++planning->n == LOOKUP)
            rc = look_up(planning, sink, error);
    }
    if (rc == CS_OK)
        rc = look_up(planning, sink, error);
    free(planning->rows);
    return rc;
}

static void plan_rows(struct planning *planning, enum cs_diff_kind kind,
                      const char *sign, const char *op)
{
    const struct cs_diff *diff = planning->diff;
    struct cs_value *row = cs_memory_array(diff->schema->mapped, sizeof(*row));
    const struct cs_diff_change *position = NULL;

    while (cs_diff_next(diff, kind, &position, row)) {
        add(planning, sign, op, row[diff->normal.key].as.text, NULL);
        print_row(planning, row);
    }
    free(row);
}

static void plan_leavers(struct planning *planning,
                         enum cs_write_leavers leavers,
                         const struct cs_keys *only)
{
    const struct cs_keys *keys = &planning->diff->keys;
    bool delete = leavers == CS_WRITE_DELETE;

    for (size_t i = 0; i < keys->n; i++) {
        const struct cs_keys_entry *entry = cs_keys_at(keys, i);

        if (!cs_write_goes(entry, leavers, only))
            continue;
        add(planning, "-", delete ? "delete" : "deactivate", entry->key, NULL);
        fputs(delete ? " delete\n" : " deactivate\n", planning->text);
    }
}

enum cs_rc cs_plan_make(struct cs_plan *plan, const struct cs_diff *diff,
                        struct cs_instance *sink, enum cs_write_leavers leavers,
                        const struct cs_keys *only, bool show_values,
                        struct cs_error *error)
{
    struct planning *planning = cs_memory_new(sizeof(*planning));
    size_t size;
    enum cs_rc rc;

    *plan = (struct cs_plan){.changes = json_array()};
    planning->plan = plan;
    planning->diff = diff;
    planning->show_values = show_values;
    planning->text = open_memstream(&plan->text, &size);
    if (!planning->text) {
        free(planning);
        return cs_error_set(error, CS_E_FATAL, "out of memory for the plan");
    }
    plan_rows(planning, CS_DIFF_INSERT, "+", "insert");
    rc = plan_updates(planning, sink, error);
    plan_rows(planning, CS_DIFF_RESTORE, "^", "restore");
    plan_leavers(planning, leavers, only);
    fclose(planning->text);
    free(planning);
    return rc;
}

void cs_plan_clear(struct cs_plan *plan)
{
    free(plan->text);
    json_decref(plan->changes);
    *plan = (struct cs_plan){0};
}
