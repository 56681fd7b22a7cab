/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

#include "config.h"

#include "database/migrate.h"

#include "sync/cell.h"
#include "base/memory.h"
#include "plugin/sink.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LOCK "schema"
#define WHO "cleversync " PACKAGE_VERSION

const char *cs_migrate_word(enum cs_migrate_state state)
{
    static const char *const words[] = {
        [CS_MIGRATE_APPLIED] = "applied", [CS_MIGRATE_PENDING] = "pending",
        [CS_MIGRATE_LOST] = "lost",       [CS_MIGRATE_NEWER] = "newer",
        [CS_MIGRATE_CHANGED] = "changed",
    };

    return words[state];
}

bool cs_migrate_due(const struct cs_migrate_version *version)
{
    return version->state == CS_MIGRATE_PENDING ||
           version->state == CS_MIGRATE_LOST;
}

void cs_migrate_clear(struct cs_migrate *migrate)
{
    for (size_t i = 0; i < migrate->n; i++) {
        free(migrate->list[i].name);
        free(migrate->list[i].by);
        free(migrate->list[i].sql);
    }
    free(migrate->list);
    migrate->list = NULL;
    migrate->n = 0;
}

/* ---- What the database has noted ---------------------------------------- */

struct note {
    char *version, *checksum, *by;
    int64_t at;
};

struct notes {
    struct note *note;
    size_t n;
    bool there; /* the table is */
};

static void clear_notes(struct notes *notes)
{
    for (size_t i = 0; i < notes->n; i++) {
        free(notes->note[i].version);
        free(notes->note[i].checksum);
        free(notes->note[i].by);
    }
    free(notes->note);
    *notes = (struct notes){0};
}

static char *own_text(const struct cs_value *cell)
{
    const char *text = cs_cell_text(cell);

    return cs_memory_text(text != NULL ? text : "");
}

static enum cs_rc keep_note(void *arg, const struct cs_value *row)
{
    struct notes *notes = arg;

    notes->note =
        cs_memory_grow(notes->note, notes->n + 1, sizeof(*notes->note));
    notes->note[notes->n++] = (struct note){
        .version = own_text(&row[CS_VERSION_NAME]),
        .checksum = own_text(&row[CS_VERSION_CHECKSUM]),
        .by = cs_memory_text(cs_cell_text(&row[CS_VERSION_BY])),
        .at = cs_cell_time(&row[CS_VERSION_AT]),
    };
    return CS_OK;
}

static enum cs_rc read_notes(struct notes *notes, struct cs_instance *sink,
                             struct cs_error *error)
{
    enum cs_rc rc;

    *notes = (struct notes){0};
    rc = cs_sink_scan(sink, &cs_schema_version, NULL, keep_note, notes, error);
    notes->there = rc == CS_OK;
    if (rc != CS_OK)
        clear_notes(notes);
    return rc == CS_E_NOT_HERE ? CS_OK : rc;
}

/* Which version of these the note is about; 0: none. */
static size_t number_of(const struct note *note,
                        const struct cs_versions *versions)
{
    size_t length = strlen(versions->name);
    const char *digits = note->version + length + 1;
    char *end;
    unsigned long number;

    if (strncmp(note->version, versions->name, length) != 0 ||
        note->version[length] != '-' || digits[0] < '1' || digits[0] > '9')
        return 0;
    number = strtoul(digits, &end, 10);
    return *end == '\0' && number < UINT32_MAX ? number : 0;
}

static const struct note *find_note(const struct notes *notes, const char *name)
{
    for (size_t i = 0; i < notes->n; i++)
        if (strcmp(notes->note[i].version, name) == 0)
            return &notes->note[i];
    return NULL;
}

static size_t newest_noted(const struct notes *notes,
                           const struct cs_versions *versions)
{
    size_t newest = 0;

    for (size_t i = 0; i < notes->n; i++) {
        size_t number = number_of(&notes->note[i], versions);

        newest = number > newest ? number : newest;
    }
    return newest;
}

/* ---- What it says about the versions ------------------------------------ */

static void add(struct cs_migrate *migrate, const struct cs_versions *of,
                size_t number, const struct notes *notes,
                enum cs_migrate_state state)
{
    struct cs_migrate_version *version;
    const struct note *note;

    migrate->list =
        cs_memory_grow(migrate->list, migrate->n + 1, sizeof(*migrate->list));
    version = &migrate->list[migrate->n++];
    *version = (struct cs_migrate_version){
        .of = of,
        .number = number,
        .name = cs_memory_format("%s-%zu", of->name, number),
        .state = state,
    };
    if (of->nfrozen == 0 || number <= of->nfrozen)
        cs_versions_checksum(of, number, version->checksum);
    note = find_note(notes, version->name);
    if (note == NULL)
        return;
    version->at = note->at;
    version->by = cs_memory_text(note->by);
    if (state == CS_MIGRATE_PENDING)
        version->state = strcmp(note->checksum, version->checksum) == 0
                             ? CS_MIGRATE_APPLIED
                             : CS_MIGRATE_CHANGED;
}

/* What is not noted is pending. */
static void judge_frozen(struct cs_migrate *migrate,
                         const struct cs_versions *versions,
                         const struct notes *notes)
{
    size_t newest = newest_noted(notes, versions);

    for (size_t number = 1; number <= versions->nfrozen; number++)
        add(migrate, versions, number, notes, CS_MIGRATE_PENDING);
    if (newest > versions->nfrozen)
        add(migrate, versions, newest, notes, CS_MIGRATE_NEWER);
}

/* The newest note that is about what the table is declared as now; 0: none. */
static size_t declared(const struct cs_versions *versions,
                       const struct notes *notes)
{
    char checksum[CS_DIGEST];
    size_t newest = 0;

    cs_versions_checksum(versions, 1, checksum);
    for (size_t i = 0; i < notes->n; i++) {
        size_t number = number_of(&notes->note[i], versions);

        if (number > newest && strcmp(notes->note[i].checksum, checksum) == 0)
            newest = number;
    }
    return newest;
}

/* The versions before the newest are only the table's past. */
static void judge_mapped(struct cs_migrate *migrate,
                         const struct cs_versions *versions,
                         const struct notes *notes)
{
    size_t newest = newest_noted(notes, versions);
    size_t now = declared(versions, notes);

    if (now == 0)
        add(migrate, versions, newest + 1, notes, CS_MIGRATE_PENDING);
    else
        add(migrate, versions, newest, notes,
            now < newest ? CS_MIGRATE_NEWER : CS_MIGRATE_APPLIED);
}

static void judge(struct cs_migrate *migrate, const struct notes *notes)
{
    cs_migrate_clear(migrate);
    migrate->noted = notes->there;
    for (size_t i = 0; i < migrate->nversions; i++) {
        const struct cs_versions *versions = &migrate->versions[i];

        if (versions->nfrozen > 0)
            judge_frozen(migrate, versions, notes);
        else
            judge_mapped(migrate, versions, notes);
    }
}

/* ---- What is there ------------------------------------------------------ */

/* Is the table there, with these columns of it?  As inspect() of a sink. */
static enum cs_rc inspect(struct cs_instance *sink,
                          const struct cs_entity *entity, size_t first,
                          size_t ncolumns, struct cs_error *error)
{
    unsigned *lengths = cs_memory_array(ncolumns, sizeof(*lengths));
    struct cs_entity part = *entity;
    enum cs_rc rc;

    part.columns += first;
    part.ncolumns = ncolumns;
    rc = cs_sink_inspect(sink, &part, lengths, error);
    free(lengths);
    return rc;
}

static enum cs_rc inspect_all(struct cs_instance *sink,
                              const struct cs_entity *entity,
                              struct cs_error *error)
{
    return inspect(sink, entity, 0, entity->ncolumns, error);
}

/* Likewise, whatever the columns' types are. */
static enum cs_rc find(struct cs_instance *sink, const struct cs_entity *entity,
                       size_t first, size_t ncolumns)
{
    struct cs_entity part = *entity;
    struct cs_error ignored;

    part.columns += first;
    part.ncolumns = ncolumns;
    return cs_sink_inspect(sink, &part, NULL, &ignored);
}

/* A class that inspect() gives for a missing column, too: is it that?  The
 * first column tells, for it is in every table. */
static bool lacks_column(struct cs_instance *sink,
                         const struct cs_entity *entity)
{
    return find(sink, entity, 0, 1) == CS_OK &&
           find(sink, entity, 0, entity->ncolumns) == CS_E_CONFIG;
}

/* CS_SKIP: a table or a column is not there. */
static enum cs_rc is_complete(struct cs_instance *sink,
                              const struct cs_versions *versions,
                              struct cs_error *error)
{
    for (size_t i = 0; i < versions->ntables; i++) {
        enum cs_rc rc = inspect_all(sink, versions->tables[i], error);

        if (rc == CS_E_NOT_HERE ||
            (rc == CS_E_CONFIG && lacks_column(sink, versions->tables[i])))
            return CS_SKIP;
        if (rc != CS_OK)
            return rc;
    }
    return CS_OK;
}

static bool has_pending(const struct cs_migrate *migrate,
                        const struct cs_versions *of)
{
    for (size_t i = 0; i < migrate->n; i++)
        if (migrate->list[i].of == of &&
            migrate->list[i].state == CS_MIGRATE_PENDING)
            return true;
    return false;
}

/* What was applied and is gone is applied once more. */
static enum cs_rc find_lost(struct cs_migrate *migrate,
                            const struct cs_versions *of,
                            struct cs_instance *sink, struct cs_error *error)
{
    enum cs_rc rc;

    if (has_pending(migrate, of))
        return CS_OK;
    rc = is_complete(sink, of, error);
    for (size_t i = 0; rc == CS_SKIP && i < migrate->n; i++)
        if (migrate->list[i].of == of &&
            migrate->list[i].state == CS_MIGRATE_APPLIED)
            migrate->list[i].state = CS_MIGRATE_LOST;
    return rc == CS_SKIP ? CS_OK : rc;
}

enum cs_rc cs_migrate_look(void *arg, struct cs_instance *sink,
                           struct cs_error *error)
{
    struct cs_migrate *migrate = arg;
    struct notes notes;
    enum cs_rc rc = read_notes(&notes, sink, error);

    if (rc == CS_OK)
        judge(migrate, &notes);
    clear_notes(&notes);
    for (size_t i = 0; i < migrate->nversions && rc == CS_OK; i++)
        rc = find_lost(migrate, &migrate->versions[i], sink, error);
    return rc;
}

/* ---- What is not touched ------------------------------------------------ */

static enum cs_rc refuse(const struct cs_migrate *migrate,
                         const struct cs_instance *sink, struct cs_error *error)
{
    const char *section = sink->request.part->section;

    for (size_t i = 0; i < migrate->n; i++) {
        const struct cs_migrate_version *version = &migrate->list[i];

        if (version->state == CS_MIGRATE_NEWER)
            return cs_error_set(error, CS_E_CONFIG,
                                "%s: the database has version %s, made by %s; "
                                "this program is older: use a newer one",
                                section, version->name,
                                version->by != NULL ? version->by : "somebody");
        if (version->state == CS_MIGRATE_CHANGED)
            return cs_error_set(error, CS_E_CONFIG,
                                "%s: version %s is not what this program knows "
                                "by that name: it was changed after it was "
                                "applied here; nothing is altered",
                                section, version->name);
    }
    return CS_OK;
}

enum cs_rc cs_migrate_check(const struct cs_versions *versions, size_t n,
                            struct cs_instance *sink, struct cs_error *error)
{
    struct cs_migrate migrate = {.versions = versions, .nversions = n};
    struct notes notes;
    enum cs_rc rc = read_notes(&notes, sink, error);

    if (rc == CS_OK && notes.n > 0) {
        judge(&migrate, &notes);
        rc = refuse(&migrate, sink, error);
    }
    cs_migrate_clear(&migrate);
    clear_notes(&notes);
    return rc;
}

/* ---- Steps -------------------------------------------------------------- */

/* CS_SKIP: what the step is for is there.  made: by a step before this one of
 * the same version, whether it was taken or only shown.  A column of the wrong
 * type is not added, and nothing can be noted as applied that has it. */
static enum cs_rc is_needed(const struct cs_step *step, bool made,
                            struct cs_instance *sink, struct cs_error *error)
{
    enum cs_rc rc;

    switch (step->change) {
    case CS_CREATE_TABLE:
        rc = inspect(sink, step->entity, 0, 1, error);
        if (rc == CS_E_NOT_HERE)
            return CS_OK;
        return rc == CS_OK || rc == CS_E_CONFIG ? CS_SKIP : rc;
    case CS_ADD_COLUMN:
        if (made)
            return CS_SKIP;
        rc = inspect(sink, step->entity, step->column, 1, error);
        if (rc == CS_E_NOT_HERE ||
            (rc == CS_E_CONFIG &&
             find(sink, step->entity, step->column, 1) == CS_E_CONFIG))
            return CS_OK;
        return rc == CS_OK ? CS_SKIP : rc;
    case CS_ADD_INDEX:
        return made ? CS_SKIP : CS_OK;
    case CS_WIDEN_COLUMN:
        break;
    }
    return CS_OK; /* the sink sees for itself what is settled */
}

/* Takes the step if need be, or shows its SQL. */
static enum cs_rc take(const struct cs_step *step, bool made,
                       struct cs_instance *sink, cs_sql_fn *show, void *arg,
                       struct cs_error *error)
{
    enum cs_rc rc = is_needed(step, made, sink, error);

    return rc == CS_OK ? cs_sink_alter(sink, step, show, arg, error) : rc;
}

static enum cs_rc take_all(const struct cs_migrate_version *version,
                           struct cs_instance *sink, cs_sql_fn *show, void *arg,
                           struct cs_error *error)
{
    struct cs_step *steps;
    size_t n = cs_versions_steps(version->of, version->number, &steps);
    const char *made = ""; /* the table that was made last */
    enum cs_rc rc = CS_OK;

    for (size_t i = 0; i < n && rc >= CS_OK; i++) {
        const char *table = steps[i].entity->table;

        rc = take(&steps[i], strcmp(table, made) == 0, sink, show, arg, error);
        if (rc == CS_OK && steps[i].change == CS_CREATE_TABLE)
            made = table;
    }
    free(steps);
    return rc == CS_SKIP ? CS_OK : rc;
}

static enum cs_rc make_notes(struct cs_instance *sink, cs_sql_fn *show,
                             void *arg, struct cs_error *error)
{
    const struct cs_step step = {
        .size = sizeof(step),
        .change = CS_CREATE_TABLE,
        .entity = &cs_schema_version,
    };

    return cs_sink_alter(sink, &step, show, arg, error);
}

/* ---- Applying ----------------------------------------------------------- */

static enum cs_rc note(const struct cs_migrate_version *version,
                       struct cs_instance *sink, struct cs_error *error)
{
    struct cs_value row[CS_VERSION_COLUMNS] = {{0}};
    char now[CS_CLOCK_ISO];

    row[CS_VERSION_NAME] = cs_cell_of_text(version->name);
    row[CS_VERSION_CHECKSUM] = cs_cell_of_text(version->checksum);
    row[CS_VERSION_AT] = cs_cell_of_time(cs_clock_now(), now);
    row[CS_VERSION_BY] = cs_cell_of_text(WHO);
    return cs_sink_put(sink, &cs_schema_version, CS_INSERT, row, error);
}

/* In the transaction, where nobody else is at it: is it as it was when we
 * looked?  CS_SKIP: it is applied by now. */
static enum cs_rc look_again(const struct cs_migrate_version *version,
                             const struct notes *notes,
                             struct cs_instance *sink, struct cs_error *error)
{
    const struct note *note = find_note(notes, version->name);

    if (note == NULL || version->state == CS_MIGRATE_LOST)
        return CS_OK;
    if (strcmp(note->checksum, version->checksum) == 0)
        return CS_SKIP;
    return cs_error_set(error, CS_E_CONFIG,
                        "%s: another program made a version %s of its own at "
                        "the same time; nothing is altered",
                        sink->request.part->section, version->name);
}

static enum cs_rc apply(const struct cs_migrate_version *version,
                        struct cs_instance *sink, struct cs_error *error)
{
    struct notes notes;
    enum cs_rc rc = read_notes(&notes, sink, error);

    if (rc == CS_OK)
        rc = look_again(version, &notes, sink, error);
    if (rc == CS_OK && !notes.there)
        rc = make_notes(sink, NULL, NULL, error);
    if (rc == CS_OK)
        rc = take_all(version, sink, NULL, NULL, error);
    if (rc == CS_OK && find_note(&notes, version->name) == NULL)
        rc = note(version, sink, error);
    clear_notes(&notes);
    return rc;
}

static enum cs_rc apply_locked(const struct cs_migrate_version *version,
                               struct cs_instance *sink, struct cs_error *error)
{
    enum cs_rc rc = cs_sink_begin(sink, error);

    if (rc != CS_OK)
        return rc;
    rc = apply(version, sink, error);
    if (rc == CS_OK)
        rc = cs_sink_commit(sink, error);
    if (rc != CS_OK)
        cs_sink_rollback(sink);
    return rc == CS_SKIP ? CS_OK : rc;
}

static enum cs_rc lock_and_apply(struct cs_migrate *migrate,
                                 struct cs_migrate_version *version,
                                 struct cs_instance *sink,
                                 struct cs_error *error)
{
    enum cs_rc rc = cs_sink_lock(sink, LOCK, migrate->wait_ms, error);

    if (rc != CS_OK)
        return rc;
    rc = apply_locked(version, sink, error);
    cs_sink_unlock(sink, LOCK);
    return rc;
}

/* Looks, and calls for each version that is due. */
static enum cs_rc
each_due(struct cs_migrate *migrate, struct cs_instance *sink,
         enum cs_rc (*call)(struct cs_migrate *, struct cs_migrate_version *,
                            struct cs_instance *, struct cs_error *),
         struct cs_error *error)
{
    enum cs_rc rc = cs_migrate_look(migrate, sink, error);

    if (rc == CS_OK)
        rc = refuse(migrate, sink, error);
    for (size_t i = 0; i < migrate->n && rc == CS_OK; i++)
        if (cs_migrate_due(&migrate->list[i]))
            rc = call(migrate, &migrate->list[i], sink, error);
    return rc;
}

enum cs_rc cs_migrate_all(void *arg, struct cs_instance *sink,
                          struct cs_error *error)
{
    return each_due(arg, sink, lock_and_apply, error);
}

/* ---- Showing ------------------------------------------------------------ */

static void append(void *arg, const char *sql)
{
    char **text = arg, *whole;
    size_t length = strlen(sql);
    bool ended = length > 0 && sql[length - 1] == '\n';

    whole = cs_memory_format("%s%s%s", *text, sql, ended ? "" : "\n");
    free(*text);
    *text = whole;
}

/* In words that every database has: a sink puts only steps into its own. */
static void append_note(struct cs_migrate_version *version)
{
    char now[CS_CLOCK_ISO], *sql;

    cs_clock_format(cs_clock_now(), now);
    sql =
        cs_memory_format("INSERT INTO SchemaVersion (Version, Checksum, "
                         "AppliedAt, AppliedBy)\n"
                         "SELECT '%s', '%s', '%s', '" WHO ", by hand'\n"
                         "WHERE NOT EXISTS (SELECT 1 FROM SchemaVersion "
                         "WHERE Version = '%s');\n",
                         version->name, version->checksum, now, version->name);
    append(&version->sql, sql);
    free(sql);
}

static void frame(struct cs_migrate_version *version,
                  const struct cs_sink_ops *ops)
{
    char *inner = version->sql;

    if (*inner == '\0' || ops->script_begin == NULL)
        return;
    version->sql =
        cs_memory_format("%s%s%s", ops->script_begin, inner, ops->script_end);
    free(inner);
}

static enum cs_rc show_version(struct cs_migrate *migrate,
                               struct cs_migrate_version *version,
                               struct cs_instance *sink, struct cs_error *error)
{
    enum cs_rc rc = CS_OK;

    version->sql = cs_memory_text("");
    if (!migrate->noted)
        rc = make_notes(sink, append, &version->sql, error);
    migrate->noted = true; /* by this one, for those behind it */
    if (rc == CS_OK)
        rc = take_all(version, sink, append, &version->sql, error);
    if (rc == CS_OK && version->state == CS_MIGRATE_PENDING)
        append_note(version);
    if (rc == CS_OK)
        frame(version, &sink->module->ops.sink);
    return rc;
}

enum cs_rc cs_migrate_script(void *arg, struct cs_instance *sink,
                             struct cs_error *error)
{
    return each_due(arg, sink, show_version, error);
}

/* ---- During a sync ------------------------------------------------------ */

enum cs_rc cs_migrate_make(const struct cs_versions *versions, long wait_ms,
                           struct cs_instance *sink, bool *made,
                           struct cs_error *error)
{
    struct cs_migrate migrate = {
        .versions = versions, .nversions = 1, .wait_ms = wait_ms};
    bool missing = false;
    enum cs_rc rc = CS_OK;

    for (size_t i = 0; i < versions->ntables && rc == CS_OK; i++) {
        rc = inspect_all(sink, versions->tables[i], error);
        missing = missing || rc == CS_E_NOT_HERE;
        if (rc == CS_E_NOT_HERE)
            rc = CS_OK;
    }
    *made = rc == CS_OK && missing;
    if (*made) /* mostly all are there: no need to look further */
        rc = cs_migrate_all(&migrate, sink, error);
    cs_migrate_clear(&migrate);
    return rc;
}

enum cs_rc cs_migrate_explain(struct cs_instance *sink,
                              const struct cs_entity *entity,
                              const char *school, struct cs_error *error)
{
    struct cs_error why = {0};

    if (inspect_all(sink, entity, &why) != CS_E_CONFIG ||
        !lacks_column(sink, entity))
        return error->rc;
    return cs_error_set(error, CS_E_CONFIG,
                        "a table is not as it should be; \"cleversync db "
                        "migrate%s%s\" adds what is missing (with --sql it "
                        "only shows how): %s",
                        school != NULL ? " --school " : "",
                        school != NULL ? school : "", why.text);
}
