/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* What is committed, what is undone, and what others see of it. */

#include "config.h"

#include "conform/sink-probe.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

static const struct cs_value anne[PERSON_COLUMNS] = {
    [PERSON_KEY] = TEXT("anne"), [PERSON_NAME] = TEXT("1")};
static const struct cs_value anne_changed[PERSON_COLUMNS] = {
    [PERSON_KEY] = TEXT("anne"), [PERSON_NAME] = TEXT("2")};
static const struct cs_value bert[PERSON_COLUMNS] = {
    [PERSON_KEY] = TEXT("bert"), [PERSON_NAME] = TEXT("1")};

/* ---- One instance -------------------------------------------------------- */

static void commits(struct cs_probe *probe)
{
    cs_probe_begin(probe, probe->sink);
    cs_probe_put(probe, CS_INSERT, anne);
    cs_probe_person_is(probe, anne); /* its own writes are seen */
    cs_probe_commit(probe, probe->sink);
    cs_probe_rollback(probe, probe->sink); /* too late */
    cs_probe_person_is(probe, anne);
}

static void undoes(struct cs_probe *probe)
{
    cs_probe_put(probe, CS_INSERT, anne);
    cs_probe_begin(probe, probe->sink);
    cs_probe_put(probe, CS_INSERT, bert);
    cs_probe_put(probe, CS_UPDATE, anne_changed);
    cs_probe_rollback(probe, probe->sink);
    cs_probe_person_is(probe, anne);
    cs_probe_begin(probe, probe->sink);
    cs_probe_put(probe, CS_DELETE, anne);
    cs_probe_nobody(probe, probe->sink);
    cs_probe_rollback(probe, probe->sink);
    cs_probe_rollback(probe, probe->sink); /* twice is harmless */
    cs_probe_person_is(probe, anne);
}

static void expect_refusal(struct cs_probe *probe, const char *call,
                           enum cs_rc rc)
{
    if (rc >= CS_OK)
        cs_conform_fail(probe->conform, "%s: expected an error, got none",
                        call);
}

static void out_of_order(struct cs_probe *probe)
{
    struct cs_error *error = &probe->error;

    expect_refusal(probe, "commit without begin",
                   cs_sink_commit(probe->sink, error));
    cs_probe_rollback(probe, probe->sink);
    cs_probe_put(probe, CS_INSERT, anne);
    cs_probe_begin(probe, probe->sink);
    expect_refusal(probe, "begin twice", cs_sink_begin(probe->sink, error));
    cs_probe_rollback(probe, probe->sink);
    cs_probe_begin(probe, probe->sink);
    cs_probe_put(probe, CS_INSERT, bert);
    cs_probe_commit(probe, probe->sink);
    expect_refusal(probe, "commit twice", cs_sink_commit(probe->sink, error));
    cs_probe_people(probe, probe->sink,
                    (const struct cs_value *const[]){anne, bert}, 2);
}

static void put_state(struct cs_probe *probe, enum cs_op op, const char *cursor)
{
    const struct cs_value row[GROUP_COLUMNS] = {
        [GROUP_KEY] = TEXT("state"), [GROUP_NAME] = TEXT(cursor)};
    const struct cs_value *rows = row;

    cs_probe_apply(probe, probe->sink, BATCH(op, &cs_probe_group, &rows, 1), 1);
}

static void expect_state(struct cs_probe *probe, const char *cursor)
{
    const struct cs_value row[GROUP_COLUMNS] = {
        [GROUP_KEY] = TEXT("state"), [GROUP_NAME] = TEXT(cursor)};
    const struct cs_value *rows = row;

    cs_probe_scan(probe, probe->sink, &cs_probe_group, NULL, &rows, 1);
}

/* The cursor is committed with the rows that it speaks of. */
static void state_goes_along(struct cs_probe *probe)
{
    put_state(probe, CS_INSERT, "1");
    cs_probe_begin(probe, probe->sink);
    cs_probe_put(probe, CS_INSERT, anne);
    put_state(probe, CS_UPDATE, "2");
    cs_probe_rollback(probe, probe->sink);
    cs_probe_nobody(probe, probe->sink);
    expect_state(probe, "1");
    cs_probe_begin(probe, probe->sink);
    cs_probe_put(probe, CS_INSERT, anne);
    put_state(probe, CS_UPDATE, "2");
    cs_probe_commit(probe, probe->sink);
    cs_probe_person_is(probe, anne);
    expect_state(probe, "2");
}

/* ---- Two instances ------------------------------------------------------- */

static void others_see_it(struct cs_probe *probe)
{
    const struct cs_value *rows = anne;
    struct cs_instance *other = cs_probe_open(probe, 0);

    cs_probe_nobody(probe, other);
    cs_probe_begin(probe, probe->sink);
    cs_probe_put(probe, CS_INSERT, anne);
    cs_probe_commit(probe, probe->sink);
    cs_probe_people(probe, other, &rows, 1);
    rows = anne_changed;
    cs_probe_apply(probe, other, PEOPLE(CS_UPDATE, &rows, 1), 1);
    cs_probe_person_is(probe, anne_changed);
}

static enum cs_rc count_row(void *arg, const struct cs_value *row)
{
    (void)row;
    ++*(size_t *)arg;
    return CS_OK;
}

/* Reading beside a writer: the old rows, or a wait that the deadline ends. */
static void others_do_not_see_yet(struct cs_probe *probe)
{
    const struct cs_value *rows = anne;
    struct cs_instance *other = cs_probe_open(probe, 2 * CS_SECOND);
    int64_t start = cs_clock_steady();
    size_t n = 0;
    enum cs_rc rc;

    cs_probe_begin(probe, probe->sink);
    cs_probe_put(probe, CS_INSERT, anne);
    if (cs_conform_over(probe->conform))
        return;
    rc = cs_sink_scan(other, &cs_probe_person, NULL, count_row, &n,
                      &probe->error);
    if (rc != CS_E_CANCELLED && rc != CS_E_RETRY)
        cs_probe_wants(probe, "scan beside a writer", rc, CS_OK);
    if (n > 0)
        cs_conform_fail(probe->conform, "a row was seen that is not committed");
    if (cs_clock_steady() - start > 20 * CS_SECOND)
        cs_conform_fail(probe->conform,
                        "a scan with 2 seconds left took more than 20");
    cs_probe_commit(probe, probe->sink);
    cs_probe_close(probe, other);
    other = cs_probe_open(probe, 0);
    cs_probe_people(probe, other, &rows, 1);
}

static void closing_undoes(struct cs_probe *probe)
{
    struct cs_instance *other = cs_probe_open(probe, 0);
    const struct cs_value *rows = anne;

    cs_probe_begin(probe, other);
    cs_probe_apply(probe, other, PEOPLE(CS_INSERT, &rows, 1), 1);
    cs_probe_close(probe, other);
    cs_probe_nobody(probe, probe->sink);
    cs_probe_put(probe, CS_INSERT, bert);
    cs_probe_person_is(probe, bert);
}

/* ---- Reading while another writes ---------------------------------------- */

enum { TURNS = 20, CROWD = 200 };

struct writer {
    struct cs_instance *sink;
    struct cs_crowd crowd;
    atomic_bool stop;
    struct cs_error error;
    enum cs_rc rc;
};

/* A database may end a deadlock at one side's cost, who then tries again. */
static enum cs_rc unless_deadlocked(enum cs_rc rc)
{
    return rc == CS_E_RETRY ? CS_OK : rc;
}

/* Name and note of a row are always the same text. */
static void *write_turns(void *arg)
{
    static const char *const texts[] = {"even", "odd"};
    struct writer *writer = arg;

    for (int turn = 0; !writer->stop && writer->rc == CS_OK; turn++) {
        struct cs_batch batch = PEOPLE(CS_UPDATE, writer->crowd.rows, CROWD);

        for (size_t i = 0; i < CROWD; i++) {
            struct cs_value *row = writer->crowd.cells[i];

            row[PERSON_NAME] = (struct cs_value)TEXT(texts[turn % 2]);
            row[PERSON_NOTE] = row[PERSON_NAME];
        }
        writer->rc = unless_deadlocked(
            cs_sink_apply(writer->sink, &batch, &writer->error));
    }
    return NULL;
}

static enum cs_rc whole_row(void *arg, const struct cs_value *row)
{
    const struct cs_value *name = &row[PERSON_NAME], *note = &row[PERSON_NOTE];
    size_t *torn = arg;

    if (name->state != CS_SET || note->state != CS_SET ||
        strcmp(name->as.text, note->as.text) != 0)
        ++*torn;
    return CS_OK;
}

static void no_torn_rows(struct cs_probe *probe)
{
    struct writer writer = {.sink = cs_probe_open(probe, 0), .rc = CS_OK};
    pthread_t thread;
    size_t torn = 0;

    cs_crowd_make(&writer.crowd, CROWD);
    for (size_t i = 0; i < CROWD; i++)
        writer.crowd.cells[i][PERSON_NOTE] = writer.crowd.cells[i][PERSON_NAME];
    cs_probe_apply(probe, probe->sink,
                   PEOPLE(CS_INSERT, writer.crowd.rows, CROWD), CROWD);
    if (!cs_conform_over(probe->conform) &&
        pthread_create(&thread, NULL, write_turns, &writer) == 0) {
        for (int i = 0; i < TURNS && !cs_conform_over(probe->conform); i++)
            cs_probe_wants(probe, "scan",
                           unless_deadlocked(
                               cs_sink_scan(probe->sink, &cs_probe_person, NULL,
                                            whole_row, &torn, &probe->error)),
                           CS_OK);
        writer.stop = true;
        pthread_join(thread, NULL);
        cs_conform_about(probe->conform, "the writer");
        probe->error = writer.error;
        cs_probe_wants(probe, "update", writer.rc, CS_OK);
    }
    if (torn > 0)
        cs_conform_fail(probe->conform, "%zu rows were seen half written",
                        torn);
    cs_crowd_clear(&writer.crowd);
}

const struct cs_conform_case cs_conform_sink_transactions[] = {
    {CS_CONFORM_WORKS, "transactions: commit", commits},
    {CS_CONFORM_WORKS, "transactions: rollback undoes", undoes},
    {CS_CONFORM_SAFE, "transactions: calls out of order are refused",
     out_of_order},
    {CS_CONFORM_SAFE, "transactions: state goes along with rows",
     state_goes_along},
    {CS_CONFORM_SAFE, "transactions: what is committed is seen by others",
     others_see_it},
    {CS_CONFORM_SAFE, "transactions: what is not committed is not",
     others_do_not_see_yet},
    {CS_CONFORM_SAFE, "transactions: closing undoes", closing_undoes},
    {CS_CONFORM_FAST, "transactions: no torn rows beside a writer",
     no_torn_rows},
    {.name = NULL},
};
