/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* The sink mssql-odbc, alone with a host that plays the core, on an ODBC driver
 * that answers from a script (odbc-script/odbc-script.h).  What a server and
 * its drivers do when things go wrong is here; what the SQL means is not. */
#include "config.h"

#include "fake-host.h"
#include "folder.h"

#include <limits.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

/* ---- A table ------------------------------------------------------------ */

enum { ID, KEY, FIRST, NOTE, AGE, ACTIVE, SEEN, COLUMNS };
static const struct cs_column columns[COLUMNS] = {
    [ID] = {.name = "PersonId", .type = CS_INT, .flags = CS_AUTO},
    [KEY] = {.name = "Key", .type = CS_TEXT, .length = 50, .flags = CS_KEY},
    [FIRST] = {.name = "First",
               .type = CS_TEXT,
               .length = 20,
               .flags = CS_NOT_NULL | CS_CUT},
    [NOTE] = {.name = "Note", .type = CS_TEXT},
    [AGE] = {.name = "Age", .type = CS_INT},
    [ACTIVE] = {.name = "IsActive", .type = CS_BOOL, .flags = CS_NOT_NULL},
    [SEEN] = {.name = "Seen", .type = CS_TIME},
};
static const struct cs_entity person = {
    .name = "person",
    .table = "People",
    .columns = columns,
    .ncolumns = COLUMNS,
};
/* Without a text that may be long: read in blocks. */
static const struct cs_entity pupil = {
    .name = "pupil",
    .table = "Pupils",
    .columns = columns,
    .ncolumns = NOTE,
};

static struct cs_value text(const char *value)
{
    return (struct cs_value){.state = CS_SET, .as.text = value};
}

/* ---- A server ----------------------------------------------------------- */

static const char password[] = "open sesame; pa\xc3\x9fwort";
static const char *folder; /* of the driver's files */

/* What a server answers when nothing is wrong. */
static const char sound[] = "on SELECT COUNT(*) FROM OPENJSON\n"
                            "rows 1\n"
                            "row 1\n"
                            "on encrypt_option\n"
                            "rows 1\n"
                            "row 1\n"
                            "on SELECT 1\n"
                            "rows 1\n"
                            "row 1\n"
                            "on sys.columns\n"
                            "rows 4\n"
                            "row PersonId|int|4|\\N\n"
                            "row Key|nvarchar|100|Latin1_General_100_BIN2\n"
                            "row First|nvarchar|40|Latin1_General_CI_AS\n"
                            "row Note|nvarchar|-1|Latin1_General_CI_AS\n"
                            "row Age|int|4|\\N\n"
                            "row IsActive|bit|1|\\N\n"
                            "row Seen|datetime2|8|\\N\n"
                            "row Extra|xml|-1|\\N\n"
                            "on SELECT @@TRANCOUNT\n"
                            "trancount\n"
                            "on sp_getapplock\n"
                            "rows 1\n"
                            "row 0\n"
                            "on sp_releaseapplock\n"
                            "rows 1\n"
                            "row 0\n"
                            "on APPLOCK_MODE\n"
                            "rows 1\n"
                            "row 1\n"
                            "on SELECT @@ROWCOUNT\n"
                            "elements\n";

/* Its compatibility level hides what servers have since 2016. */
#define OLD_SERVER "on SELECT COUNT(*) FROM OPENJSON\nerror 42000 208\n"

extern const struct cs_plugin cleversync_plugin;
static const struct cs_sink_ops *ops; /* the plugin's */

struct lab {
    struct fake_pair options[5], secrets[2];
    char connection[512];
    struct fake_host fake;
    void *sink;
    char *journal;
    int fifo; /* readable as soon as a statement stalls; -1: none */
};

static const char *path(const char *name)
{
    static char made[PATH_MAX];
    snprintf(made, sizeof made, "%s/%s", folder, name);
    return made;
}

static void write_file(const char *name, const char *first, const char *second)
{
    FILE *file = fopen(path(name), "w");
    assert_non_null(file);
    fprintf(file, "%s%s", first, second);
    assert_int_equal(fclose(file), 0);
}

/* For connections from now on. */
static void rewrite(const char *rules)
{
    write_file("school.script", rules, sound);
}

/* A new instance on a server with these rules. */
static void serve(struct lab *lab, const char *rules)
{
    fake_host_clear(&lab->fake);
    remove(path("school.journal"));
    rewrite(rules);
    fake_host_init(&lab->fake, &cleversync_plugin);
    lab->fake.options = lab->options;
    lab->fake.secrets = lab->secrets;
    assert_int_equal(fake_host_open(&lab->fake), CS_OK);
    lab->sink = lab->fake.self;
}

/* FreeTDS needs more files than there are here to check certificates. */
static void use_driver(struct lab *lab, const char *name)
{
    bool freetds = strncmp(name, "FreeTDS", strlen("FreeTDS")) == 0;
    lab->options[1] = (struct fake_pair){"driver", name};
    lab->options[2] =
        (struct fake_pair){"verify_certificate", freetds ? "no" : "yes"};
}

static int setup(void **state)
{
    struct lab *lab = calloc(1, sizeof *lab);
    assert_non_null(lab);
    ops = cleversync_plugin.ops;
    lab->fifo = -1;
    snprintf(lab->connection, sizeof lab->connection,
             "Server=tcp:db.example.org,1533;Database=school;"
             "User Id=sync;Password=\"%s\"",
             password);
    lab->options[0] = (struct fake_pair){"connection", "the-secret's-name"};
    use_driver(lab, "FreeTDS");
    lab->secrets[0] = (struct fake_pair){"connection", lab->connection};
    fake_host_init(&lab->fake, &cleversync_plugin);
    *state = lab;
    return 0;
}

static const char *journal(struct lab *lab);
static size_t times(struct lab *lab, const char *words);

/* Is there a change that the server would store at once and for good? */
static bool something_is_bare(struct lab *lab)
{
    static const char *const words[] = {"INSERT INTO", "UPDATE t", "DELETE t"};
    const char *at, *open = "\n  transactions ";
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        for (at = journal(lab); (at = strstr(at, words[i])) != NULL;) {
            at = strstr(at, open) + strlen(open);
            if (*at == '0')
                return true;
        }
    return false;
}

static int teardown(void **state)
{
    struct lab *lab = *state;
    bool bare = something_is_bare(lab);
    size_t endless = times(lab, "\n  timeout 0\n");
    size_t misused = times(lab, "\nmisuse ");
    fake_host_clear(&lab->fake);
    if (lab->fifo >= 0) {
        close(lab->fifo);
        remove(path("school.stalled"));
    }
    free(lab->journal);
    free(lab);
    assert_false(bare);
    assert_int_equal(endless, 0);
    assert_int_equal(misused, 0);
    return 0;
}

/* ---- What it did -------------------------------------------------------- */

/* What drivers say, and what rows hold. */
static void assert_discreet(const char *said)
{
    assert_null(strstr(said, "sesame"));
    assert_null(strstr(said, "pa\xc3\x9fwort"));
    assert_null(strstr(said, "Wilhelmina"));
    assert_null(strstr(said, "Ferdinand"));
}

static enum cs_rc heard(struct lab *lab, enum cs_rc rc)
{
    assert_discreet(lab->fake.error);
    assert_discreet(lab->fake.log);
    if (rc < 0) { /* one failure, one sentence */
        assert_int_equal(lab->fake.rc, rc);
        assert_true(lab->fake.error[0] != '\0');
    }
    return rc;
}

static void assert_said(const struct lab *lab, const char *words)
{
    if (strstr(lab->fake.error, words) == NULL)
        fail_msg("no \"%s\" in: %s", words, lab->fake.error);
}

static const char *journal(struct lab *lab)
{
    FILE *file = fopen(path("school.journal"), "r");
    size_t size = 0;
    free(lab->journal);
    lab->journal = NULL;
    if (file != NULL) {
        if (getdelim(&lab->journal, &size, '\0', file) < 0)
            lab->journal[0] = '\0';
        fclose(file);
    }
    return lab->journal != NULL ? lab->journal : "";
}

static size_t times(struct lab *lab, const char *words)
{
    size_t n = 0;
    for (const char *at = journal(lab); (at = strstr(at, words)) != NULL; n++)
        at += strlen(words);
    return n;
}

/* These stand in the journal, one after the other; NULL ends. */
static void assert_in_order(struct lab *lab, const char *const *words)
{
    const char *at = journal(lab);
    for (; *words != NULL; words++) {
        at = strstr(at, *words);
        if (at == NULL)
            fail_msg("no \"%s\" where it should be:\n%s", *words, lab->journal);
        at += strlen(*words);
    }
}
#define ASSERT_IN_ORDER(lab, ...) \
    assert_in_order(lab, (const char *const[]){__VA_ARGS__, NULL})

/* ---- Callbacks ---------------------------------------------------------- */

static enum cs_rc check(struct lab *lab)
{
    return heard(lab, ops->life.check(lab->sink));
}

static enum cs_rc begin(struct lab *lab)
{
    return heard(lab, ops->begin(lab->sink));
}

static enum cs_rc commit(struct lab *lab)
{
    return heard(lab, ops->commit(lab->sink));
}

static enum cs_rc apply(struct lab *lab, enum cs_op op,
                        const struct cs_value *const *rows, size_t n,
                        size_t *affected)
{
    struct cs_batch batch = {.size = sizeof batch,
                             .entity = &person,
                             .op = op,
                             .rows = rows,
                             .nrows = n,
                             .affected = 99};
    enum cs_rc rc = heard(lab, ops->apply(lab->sink, &batch));
    if (affected != NULL)
        *affected = batch.affected;
    return rc;
}

/* Ferdinand, by this key. */
static enum cs_rc put(struct lab *lab, const char *key)
{
    const struct cs_value row[COLUMNS] = {
        [KEY] = text(key), [FIRST] = text("Ferdinand")};
    return apply(lab, CS_INSERT, (const struct cs_value *const[]){row}, 1,
                 NULL);
}

/* n people, "00000", "00001", ... */
static enum cs_rc put_crowd(struct lab *lab, size_t n, size_t *affected)
{
    struct cs_value(*rows)[COLUMNS] = calloc(n, sizeof *rows);
    const struct cs_value **each = calloc(n, sizeof *each);
    char(*keys)[24] = calloc(n, sizeof *keys);
    assert_true(rows != NULL && each != NULL && keys != NULL);
    for (size_t i = 0; i < n; i++) {
        snprintf(keys[i], sizeof keys[i], "%05zu", i);
        rows[i][KEY] = rows[i][FIRST] = text(keys[i]);
        each[i] = rows[i];
    }
    enum cs_rc rc = apply(lab, CS_INSERT, each, n, affected);
    free(keys);
    free(each);
    free(rows);
    return rc;
}

/* ---- Connecting --------------------------------------------------------- */

static void freetds_gets_its_own_words(void **state)
{
    struct lab *lab = *state;
    serve(lab, "");
    assert_int_equal(check(lab), CS_OK);
    ASSERT_IN_ORDER(lab, "connect Driver={FreeTDS};Server={db.example.org};",
                    "Port=1533;Database={school};UID={sync};PWD={", password,
                    "};Encryption=require;TDS_Version=7.4;"
                    "ClientCharset=UTF-8;Timeout=",
                    "APP={cleversync};\n");
    assert_int_equal(times(lab, "Timeout=0;"), 0);
    assert_int_equal(times(lab, "login timeout 15\n"), 1);
}

static void microsoft_gets_its_own_words(void **state)
{
    struct lab *lab = *state;
    use_driver(lab, "ODBC Driver 18 for SQL Server");
    serve(lab, "");
    assert_int_equal(check(lab), CS_OK);
    ASSERT_IN_ORDER(lab,
                    "connect Driver={ODBC Driver 18 for SQL Server};"
                    "Server={tcp:db.example.org,1533};Database={school};"
                    "UID={sync};PWD={",
                    password, "};Encrypt=yes;TrustServerCertificate=no;",
                    "APP={cleversync};\n");
    assert_int_equal(times(lab, "Port="), 0);
    assert_int_equal(times(lab, "login timeout 15\n"), 1);
}

static void drivers_that_are_not_there(void **state)
{
    struct lab *lab = *state;
    use_driver(lab, "FreeTDS nowhere");
    serve(lab, "");
    assert_int_equal(check(lab), CS_E_CONFIG);
    assert_said(lab, "odbcinst");
    assert_said(lab, "driver");
    use_driver(lab, "FreeTDS broken");
    serve(lab, "");
    assert_int_equal(check(lab), CS_E_CONFIG);
    assert_said(lab, "ldd");
}

static void refused_connections(void **state)
{
    static const struct {
        const char *answer;
        enum cs_rc rc;
    } cases[] = {
        {"error 28000 18456\n", CS_E_AUTH},
        {"error 42000 18456\nalso 08001 0\n", CS_E_AUTH}, /* FreeTDS */
        {"error 08S01 20009\nalso 08001 0\n", CS_E_RETRY},
        {"error 08001 0\nalso 01000 20013\n", CS_E_RETRY},
        {"error 08001 258\n", CS_E_RETRY},
        {"error HYT00 0\nalso 08001 0\n", CS_E_RETRY},
        {"timeout\n", CS_E_RETRY},
        {"error 42000 40613\n", CS_E_RETRY}, /* Azure is busy */
    };
    struct lab *lab = *state;
    char rules[128];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        snprintf(rules, sizeof rules, "connect\n%s", cases[i].answer);
        serve(lab, rules);
        if (check(lab) != cases[i].rc)
            fail_msg("%s: %d, %s", cases[i].answer, lab->fake.rc,
                     lab->fake.error);
        assert_said(lab, "db.example.org");
        rewrite(""); /* and healed */
        assert_int_equal(check(lab), CS_OK);
    }
}

/* FreeTDS says of a certificate what it says of a server that is away. */
static void a_certificate_may_be_why(void **state)
{
    struct lab *lab = *state;
    serve(lab, "connect\nerror 08001 0\nalso 01000 20002\n");
    assert_int_equal(check(lab), CS_E_RETRY);
    assert_null(strstr(lab->fake.error, "certificate"));
    write_file("freetds.conf",
               "[db.example.org]\nhost = db.example.org\nport = 1533\n",
               "ca file = /some/ca.pem\n");
    assert_int_equal(setenv("FREETDSCONF", path("freetds.conf"), 1), 0);
    lab->options[2] = (struct fake_pair){"verify_certificate", "yes"};
    lab->options[3] = (struct fake_pair){"ca_file", "/some/ca.pem"};
    serve(lab, "connect\nerror 08001 0\nalso 01000 20002\n");
    assert_int_equal(check(lab), CS_E_RETRY);
    assert_said(lab, "ca_file does not trust its certificate");
    unsetenv("FREETDSCONF");
}

static void out_of_time_while_connecting(void **state)
{
    struct lab *lab = *state;
    serve(lab, "connect\ntimeout\n");
    lab->fake.remaining = 0;
    assert_int_equal(check(lab), CS_E_CANCELLED);
    assert_int_equal(times(lab, "connect"), 0);
    lab->fake.remaining = 2500; /* less than a login may take */
    assert_true(check(lab) < 0);
    assert_int_equal(times(lab, "login timeout 3\n"), 1);
    lab->fake.remaining = 30000; /* more than that */
    assert_int_equal(check(lab), CS_E_RETRY);
    assert_int_equal(times(lab, "login timeout 15\n"), 1);
}

/* ---- Encryption --------------------------------------------------------- */

static void plain_connections_are_refused(void **state)
{
    struct lab *lab = *state;
    serve(lab, "on encrypt_option\nrows 1\nrow 0\n");
    assert_int_equal(check(lab), CS_E_CONFIG);
    assert_said(lab, "not encrypted");
    ASSERT_IN_ORDER(lab, "connect", "encrypt_option", "disconnect");
    lab->options[3] = (struct fake_pair){"encrypt", "no"};
    serve(lab, "on encrypt_option\nrows 1\nrow 0\n");
    assert_int_equal(check(lab), CS_OK);
    assert_int_equal(times(lab, "Encryption=off;"), 1);
    strcat(lab->connection, ";Encrypt=yes");
    serve(lab, "on encrypt_option\nrows 1\nrow 0\n");
    assert_int_equal(check(lab), CS_E_CONFIG);
    assert_said(lab, "not encrypted");
}

/* What says nothing of OPENJSON or of encryption is no answer. */
static void questions_are_asked_again(void **state)
{
    static const char *const rules[] = {
        "on SELECT COUNT(*) FROM OPENJSON\nerror 42000 10928\n",
        "on SELECT COUNT(*) FROM OPENJSON\nerror 42000 1222\n",
        "on encrypt_option\nerror 42000 10928\n",
    };
    struct lab *lab = *state;
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
        serve(lab, rules[i]);
        assert_int_equal(check(lab), CS_E_RETRY);
        assert_int_equal(times(lab, "disconnect"), 1);
        assert_null(strstr(lab->fake.log, "warn "));
        rewrite("");
        assert_int_equal(begin(lab), CS_OK);
        assert_int_equal(put(lab, "a"), CS_OK);
        assert_int_equal(times(lab, "parameter [[\"a\""), 1);
    }
}

static void encryption_that_cannot_be_checked_is_a_warning(void **state)
{
    static const char *const answers[] = {"error 42000 300\n",
                                          "rows 1\nrow \\N\n", "none\n"};
    struct lab *lab = *state;
    char rules[128];
    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
        snprintf(rules, sizeof rules, "on encrypt_option\n%s", answers[i]);
        serve(lab, rules);
        assert_int_equal(check(lab), CS_OK);
        assert_non_null(strstr(lab->fake.log, "warn "));
    }
}

static void encryption_that_is_sound_is_no_warning(void **state)
{
    struct lab *lab = *state;
    serve(lab, "");
    assert_int_equal(check(lab), CS_OK);
    assert_null(strstr(lab->fake.log, "warn "));
}

/* ---- Transactions ------------------------------------------------------- */

static void a_transaction_is_text(void **state)
{
    struct lab *lab = *state;
    size_t affected = 0;
    serve(lab, "");
    assert_int_equal(begin(lab), CS_OK);
    assert_int_equal(begin(lab), CS_E_FATAL);
    assert_int_equal(put_crowd(lab, 3, &affected), CS_OK);
    assert_int_equal(affected, 3);
    assert_int_equal(commit(lab), CS_OK);
    assert_int_equal(commit(lab), CS_E_FATAL);
    assert_said(lab, "no transaction");
    ASSERT_IN_ORDER(lab, "connect", "execute BEGIN TRANSACTION",
                    "SAVE TRANSACTION", "INSERT INTO [dbo].[People]",
                    "parameter [[\"00000\",\"00000\"],[\"00001\"",
                    "execute COMMIT TRANSACTION");
    assert_int_equal(times(lab, "BEGIN TRANSACTION"), 1);
    assert_int_equal(times(lab, "COMMIT TRANSACTION"), 1);
}

/* What a trigger selects comes before the statement's own count. */
static void triggers_may_have_results(void **state)
{
    static const char *const results[] = {
        "rows 1\nrow 7\n", "rows 2\nrow Ann|\\N\nrow Bob|x\n", "rows 1\n",
        "done\nrows 1\nrow 5\ndone\n"};
    struct lab *lab = *state;
    size_t affected;
    char rules[160];
    for (size_t i = 0; i < sizeof results / sizeof *results; i++) {
        snprintf(rules, sizeof rules, "on INSERT INTO\n%selements\n",
                 results[i]);
        serve(lab, rules);
        assert_int_equal(begin(lab), CS_OK);
        assert_int_equal(put_crowd(lab, 3, &affected), CS_OK);
        assert_int_equal(affected, 3);
        assert_int_equal(commit(lab), CS_OK);
    }
}

static void a_rollback_is_sent_once(void **state)
{
    struct lab *lab = *state;
    serve(lab, "");
    ops->rollback(lab->sink);
    assert_int_equal(times(lab, "connect"), 0);
    assert_int_equal(begin(lab), CS_OK);
    ops->rollback(lab->sink);
    ops->rollback(lab->sink);
    assert_int_equal(times(lab, "ROLLBACK"), 1);
    assert_int_equal(commit(lab), CS_E_FATAL);
    assert_int_equal(begin(lab), CS_OK);
    fake_host_close(&lab->fake);
    ASSERT_IN_ORDER(lab, "ROLLBACK", "BEGIN", "disconnect");
}

static void no_data_is_success(void **state)
{
    struct lab *lab = *state;
    serve(lab, "on BEGIN TRANSACTION\nnone\n"
               "on COMMIT TRANSACTION\nnone\n"
               "on INSERT INTO\nnone\nelements\n");
    size_t affected = 0;
    assert_int_equal(begin(lab), CS_OK);
    assert_int_equal(put_crowd(lab, 2, &affected), CS_OK);
    assert_int_equal(affected, 2);
    assert_int_equal(commit(lab), CS_OK);
}

static void a_thousand_rows_are_one_statement(void **state)
{
    struct lab *lab = *state;
    size_t affected = 0, before;
    serve(lab, "");
    assert_int_equal(begin(lab), CS_OK);
    assert_int_equal(put_crowd(lab, 1, NULL), CS_OK); /* looks the table up */
    before = times(lab, "execute ");
    assert_int_equal(put_crowd(lab, 1000, &affected), CS_OK);
    assert_int_equal(affected, 1000);
    assert_int_equal(times(lab, "execute ") - before, 1);
}

static void text_arrives_as_it_is(void **state)
{
    static const char odd[] = "Z\xc3\xbc\xe2\x82\xac\xf0\x9f\x98\x80"
                              "\xf0\xa0\x80\x8b 'x'?";
    const struct cs_value row[COLUMNS] = {
        [KEY] = text("a"),
        [FIRST] = text(odd),
        [ACTIVE] = {.state = CS_SET, .as.boolean = true},
        [SEEN] = text("2026-01-31T02:03:04.5678901Z")};
    const struct cs_value *rows[] = {row};
    struct lab *lab = *state;
    char expected[128];
    serve(lab, "");
    assert_int_equal(apply(lab, CS_INSERT, rows, 1, NULL), CS_OK);
    snprintf(expected, sizeof expected,
             "[[\"a\",\"%s\",true,\"2026-01-31T02:03:04.5678901\"]]\n", odd);
    assert_int_equal(times(lab, expected), 1);
    serve(lab, OLD_SERVER);
    assert_int_equal(apply(lab, CS_INSERT, rows, 1, NULL), CS_OK);
    ASSERT_IN_ORDER(lab, "parameter a\n", "parameter ", odd, "parameter 1\n",
                    "parameter 2026-01-31T02:03:04.5678901\n");
}

/* Rows that say different columns. */
static void a_mixed_update_is_one_statement(void **state)
{
    const struct cs_value
        one[COLUMNS] = {[KEY] = text("a"), [FIRST] = text("b")},
        other[COLUMNS] = {[KEY] = text("c"), [NOTE] = {.state = CS_NULL}};
    const struct cs_value *const rows[] = {one, other};
    struct lab *lab = *state;
    size_t affected = 0;
    serve(lab, "");
    assert_int_equal(apply(lab, CS_UPDATE, rows, 2, &affected), CS_OK);
    assert_int_equal(affected, 2);
    assert_int_equal(times(lab, "UPDATE t"), 1);
    assert_int_equal(times(lab, "[[\"a\",4,\"b\",null],[\"c\",8,null,null]]"),
                     1);
    serve(lab, OLD_SERVER);
    assert_int_equal(apply(lab, CS_UPDATE, rows, 2, &affected), CS_OK);
    assert_int_equal(times(lab, "UPDATE t"), 2);
    ASSERT_IN_ORDER(lab, "parameter b\n", "parameter a\n", "parameter (null)\n",
                    "parameter c\n");
}

/* A batch without a transaction around it is all or nothing too. */
static void a_batch_alone_is_a_transaction(void **state)
{
    struct lab *lab = *state;
    serve(lab, "");
    assert_int_equal(put(lab, "a"), CS_OK);
    ASSERT_IN_ORDER(lab, "BEGIN TRANSACTION", "INSERT", "COMMIT TRANSACTION");
    serve(lab, "on INSERT INTO\nerror 23000 2627\n");
    assert_int_equal(put(lab, "a"), CS_E_DATA);
    ASSERT_IN_ORDER(lab, "BEGIN TRANSACTION", "INSERT", "ROLLBACK TRANSACTION");
    assert_int_equal(times(lab, "COMMIT TRANSACTION"), 0);
}

/* ---- Rows that are refused ---------------------------------------------- */

static void refused_rows_leave_the_transaction_usable(void **state)
{
    static const char *const answers[] = {
        "23000 2627", "23000 2601", "23000 547",  "23000 515",
        "42000 2628", "22001 2628", "22001 8152", "22001 0",
    };
    struct lab *lab = *state;
    char rules[128];
    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
        snprintf(rules, sizeof rules, "on INSERT INTO\nat 1\nerror %s\n",
                 answers[i]);
        serve(lab, rules);
        assert_int_equal(begin(lab), CS_OK);
        if (put(lab, "a") != CS_E_DATA)
            fail_msg("%s: %d, %s", answers[i], lab->fake.rc, lab->fake.error);
        assert_said(lab, "People");
        assert_int_equal(put(lab, "b"), CS_OK);
        assert_int_equal(commit(lab), CS_OK);
        ASSERT_IN_ORDER(lab, "SAVE TRANSACTION", "INSERT", "@@TRANCOUNT",
                        "ROLLBACK TRANSACTION cleversync_batch",
                        "SAVE TRANSACTION", "INSERT", "COMMIT");
        assert_int_equal(times(lab, "connect Driver="), 1);
    }
}

/* The second result of the batch is the one that fails. */
static void errors_behind_a_result_are_seen(void **state)
{
    struct lab *lab = *state;
    serve(lab, "on INSERT INTO\nat 1\nelements\nerror 23000 547\n"
               "on COMMIT TRANSACTION\ndone\nerror 42000 3998\n");
    assert_int_equal(begin(lab), CS_OK);
    assert_int_equal(put(lab, "a"), CS_E_DATA);
    assert_int_equal(times(lab, "ROLLBACK TRANSACTION cleversync_batch"), 1);
    assert_int_equal(put(lab, "b"), CS_OK);
    assert_int_equal(commit(lab), CS_E_FATAL);
    assert_said(lab, "3998");
}

static void a_server_that_undoes_everything(void **state)
{
    static const char *const answers[] = {
        "undone\n", /* by a trigger */
        /* by XACT_ABORT: nothing but a rollback is possible */
        "on XACT_STATE\nrows 2\nrow 1|-1\n",
    };
    struct lab *lab = *state;
    char rules[128];
    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
        snprintf(rules, sizeof rules, "on INSERT INTO\nerror 23000 547\n%s",
                 answers[i]);
        serve(lab, rules);
        assert_int_equal(begin(lab), CS_OK);
        assert_int_equal(put(lab, "a"), CS_E_FATAL);
        assert_int_equal(times(lab, "ROLLBACK TRANSACTION cleversync_batch"),
                         0);
        assert_int_equal(commit(lab), CS_E_FATAL);
        assert_int_equal(times(lab, "COMMIT TRANSACTION"), 0);
    }
}

static void unsuitable_cells_are_not_sent(void **state)
{
    struct lab *lab = *state;
    const struct cs_value rows[][COLUMNS] = {
        {[KEY] = text("a"), [FIRST] = text("Ferdinand the Twenty-First")},
        {[KEY] = text("a"), [FIRST] = text("Ferdinand\xff")},
        {[KEY] = text("a"), [SEEN] = text("2026-02-30T00:00:00Z")},
        {[KEY] = text("a"),
         [AGE] = {.state = CS_SET, .as.integer = INT64_C(3000000000)}},
    };
    serve(lab, "");
    assert_int_equal(begin(lab), CS_OK);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct cs_value *row = rows[i];
        assert_int_equal(apply(lab, CS_INSERT, &row, 1, NULL), CS_E_DATA);
    }
    assert_int_equal(times(lab, "INSERT"), 0);
    assert_int_equal(put(lab, "b"), CS_OK);
}

/* ---- Arrays, for old servers -------------------------------------------- */

static void old_servers_get_arrays(void **state)
{
    struct lab *lab = *state;
    size_t affected = 0;
    serve(lab, OLD_SERVER);
    assert_int_equal(begin(lab), CS_OK);
    assert_int_equal(put_crowd(lab, 1000, &affected), CS_OK);
    assert_int_equal(affected, 1000);
    assert_int_equal(commit(lab), CS_OK);
    assert_int_equal(times(lab, "OPENJSON"), 1); /* which was asked for */
    assert_true(times(lab, "INSERT INTO") <= 10);
    ASSERT_IN_ORDER(lab, "SAVE TRANSACTION", "INSERT INTO", "  array ",
                    "  parameter 00000\n", "  parameter 00999\n", "COMMIT");
}

static void one_refused_row_of_an_array_refuses_all(void **state)
{
    static const char *const answers[] = {"bad 7 23000 2627",
                                          "late 7 23000 2627"};
    struct lab *lab = *state;
    char rules[256];
    size_t affected = 99;
    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
        snprintf(rules, sizeof rules, OLD_SERVER "on INSERT INTO\nat 1\n%s\n",
                 answers[i]);
        serve(lab, rules);
        assert_int_equal(begin(lab), CS_OK);
        assert_int_equal(put_crowd(lab, 10, &affected), CS_E_DATA);
        assert_int_equal(affected, 0);
        ASSERT_IN_ORDER(lab, "SAVE TRANSACTION", "INSERT INTO",
                        "ROLLBACK TRANSACTION cleversync_batch");
        assert_int_equal(put_crowd(lab, 10, &affected), CS_OK);
        assert_int_equal(affected, 10);
        assert_int_equal(commit(lab), CS_OK);
    }
}

/* Which come before the count, and may be numbers, too. */
static void triggers_results_are_not_counted(void **state)
{
    static const char *const results[] = {
        "rows 1\nrow 7\n", "rows 2\nrow Ann|\\N\nrow Bob|x\n", "rows 1\n",
        "done\nrows 1\nrow 5\ndone\n"};
    struct lab *lab = *state;
    size_t affected;
    char rules[160];
    for (size_t i = 0; i < sizeof results / sizeof *results; i++) {
        snprintf(rules, sizeof rules, OLD_SERVER "on INSERT INTO\n%selements\n",
                 results[i]);
        serve(lab, rules);
        assert_int_equal(begin(lab), CS_OK);
        assert_int_equal(put_crowd(lab, 3, &affected), CS_OK);
        assert_int_equal(affected, 3);
        assert_int_equal(commit(lab), CS_OK);
    }
}

static void a_deadlock_in_an_array_is_no_fault_of_a_row(void **state)
{
    struct lab *lab = *state;
    serve(lab, OLD_SERVER "on INSERT INTO\nbad 7 42000 1205\nundone\n");
    assert_int_equal(begin(lab), CS_OK);
    assert_int_equal(put_crowd(lab, 10, NULL), CS_E_RETRY);
    /* The rows behind the bad one were tried, too. */
    assert_int_equal(times(lab, "IF @@TRANCOUNT > 0 INSERT INTO"), 1);
    assert_true(commit(lab) < 0);
}

/* ---- What may heal ------------------------------------------------------ */

/* As many connections as that, and the last one is of use. */
static void assert_heals(struct lab *lab, size_t connections)
{
    rewrite("");
    ops->rollback(lab->sink);
    assert_int_equal(begin(lab), CS_OK);
    assert_int_equal(put(lab, "z"), CS_OK);
    assert_int_equal(commit(lab), CS_OK);
    assert_int_equal(times(lab, "connect Driver="), connections);
}

static void a_deadlock_ends_the_transaction(void **state)
{
    static const char *const answers[] = {"42000 1205", "40001 1205"};
    struct lab *lab = *state;
    char rules[128];
    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
        snprintf(rules, sizeof rules,
                 "on INSERT INTO\nat 1\nerror %s\nundone\n", answers[i]);
        serve(lab, rules);
        assert_int_equal(begin(lab), CS_OK);
        assert_int_equal(put(lab, "a"), CS_E_RETRY);
        assert_said(lab, "1205");
        assert_true(commit(lab) < 0);
        assert_heals(lab, 1);
    }
}

/* What is written next would otherwise be written for good. */
static void nothing_is_written_after_a_deadlock(void **state)
{
    struct lab *lab = *state;
    serve(lab, "on INSERT INTO\nat 1\nerror 40001 1205\nundone\n");
    assert_int_equal(begin(lab), CS_OK);
    assert_int_equal(put(lab, "a"), CS_E_RETRY);
    put(lab, "b"); /* at most in a transaction of its own */
    assert_false(something_is_bare(lab));
}

/* Nothing is written outside of the transaction that was meant. */
static void assert_lost(struct lab *lab)
{
    size_t sent = times(lab, "execute ");
    assert_int_equal(times(lab, "disconnect"), 1);
    assert_true(put(lab, "b") < 0);
    assert_true(commit(lab) < 0);
    assert_int_equal(times(lab, "execute "), sent);
    assert_int_equal(times(lab, "connect Driver="), 1);
    assert_heals(lab, 2);
}

static void a_lost_connection_is_thrown_away(void **state)
{
    static const char *const answers[] = {
        "error 08S01 0\ndead\n", /* ... and says so */
        "error HY000 0\ndead\n", /* killed while idle: FreeTDS */
        "error HY000 0\n",
        "error HY000 2402\n", /* stuck: FreeTDS */
        "error HYT00 0\n",
        "error 42000 596\ndead\n",
        "error 42000 9999\ndead\n", /* only the attribute says so */
        "timeout\n",
    };
    struct lab *lab = *state;
    char rules[128];
    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
        snprintf(rules, sizeof rules, "on INSERT INTO\n%s", answers[i]);
        serve(lab, rules);
        assert_int_equal(begin(lab), CS_OK);
        if (put(lab, "a") != CS_E_RETRY)
            fail_msg("%s: %d, %s", answers[i], lab->fake.rc, lab->fake.error);
        assert_lost(lab);
    }
}

static void a_connection_lost_when_beginning(void **state)
{
    struct lab *lab = *state;
    serve(lab, "on BEGIN TRANSACTION\nerror HY000 0\ndead\n");
    assert_int_equal(begin(lab), CS_E_RETRY);
    assert_true(commit(lab) < 0);
    assert_int_equal(times(lab, "COMMIT TRANSACTION"), 0);
    assert_heals(lab, 2);
}

static void a_connection_lost_in_commit(void **state)
{
    struct lab *lab = *state;
    serve(lab, "on COMMIT TRANSACTION\nerror 08S01 0\ndead\n");
    assert_int_equal(begin(lab), CS_OK);
    assert_int_equal(put(lab, "a"), CS_OK);
    assert_int_equal(commit(lab), CS_E_RETRY);
    assert_int_equal(times(lab, "COMMIT TRANSACTION"), 1);
    assert_int_equal(times(lab, "connect Driver="), 1);
    assert_heals(lab, 2);
}

static void a_connection_lost_after_commit(void **state)
{
    struct lab *lab = *state;
    serve(lab, "on COMMIT TRANSACTION\ndone\nlost\n");
    assert_int_equal(begin(lab), CS_OK);
    assert_int_equal(put(lab, "a"), CS_OK);
    assert_int_equal(commit(lab), CS_OK);
    assert_int_equal(begin(lab), CS_E_RETRY);
    assert_heals(lab, 2);
    /* where the driver knows, nothing fails */
    serve(lab, "on COMMIT TRANSACTION\ndone\ndead\n");
    assert_int_equal(begin(lab), CS_OK);
    assert_int_equal(commit(lab), CS_OK);
    assert_heals(lab, 2);
}

static void a_connection_lost_while_rolling_back(void **state)
{
    struct lab *lab = *state;
    serve(lab, "on ROLLBACK\nerror 08S01 0\ndead\n");
    assert_int_equal(begin(lab), CS_OK);
    ops->rollback(lab->sink);
    heard(lab, CS_OK);
    assert_int_equal(times(lab, "disconnect"), 1);
    assert_heals(lab, 2);
}

/* ---- What does not heal by itself ---------------------------------------- */

/* Nothing more is sent to a full log than that all is to be undone. */
static void a_full_log_undoes_the_transaction(void **state)
{
    static const char *const answers[] = {
        "42000 9002", "HY000 9002", "42000 1105", "42000 1101", "42000 40544"};
    struct lab *lab = *state;
    char rules[64];
    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
        snprintf(rules, sizeof rules, "on INSERT INTO\nat 1\nerror %s\n",
                 answers[i]);
        serve(lab, rules);
        assert_int_equal(begin(lab), CS_OK);
        if (put(lab, "a") != CS_E_FATAL)
            fail_msg("%s: %d, %s", answers[i], lab->fake.rc, lab->fake.error);
        assert_said(lab, "table People: the database or its log is full");
        assert_said(lab, strchr(answers[i], ' '));
        assert_int_equal(put(lab, "b"), CS_E_RETRY);
        assert_int_equal(commit(lab), CS_E_RETRY);
        assert_int_equal(times(lab, "INSERT INTO"), 1);
        assert_int_equal(times(lab, "COMMIT TRANSACTION"), 0);
        assert_int_equal(times(lab, "disconnect"), 0);
        assert_heals(lab, 1);
        ASSERT_IN_ORDER(lab, "INSERT INTO",
                        "IF @@TRANCOUNT > 0 ROLLBACK TRANSACTION",
                        "BEGIN TRANSACTION", "INSERT INTO", "COMMIT");
    }
}

static void a_log_that_is_full_when_committing(void **state)
{
    struct lab *lab = *state;
    serve(lab, "on COMMIT TRANSACTION\nat 1\nerror 42000 9002\n");
    assert_int_equal(begin(lab), CS_OK);
    assert_int_equal(put(lab, "a"), CS_OK);
    assert_int_equal(commit(lab), CS_E_FATAL);
    assert_said(lab, "the database or its log is full");
    assert_int_equal(times(lab, "COMMIT TRANSACTION"), 1);
    assert_heals(lab, 1);
    ASSERT_IN_ORDER(lab, "COMMIT TRANSACTION",
                    "IF @@TRANCOUNT > 0 ROLLBACK TRANSACTION",
                    "BEGIN TRANSACTION", "INSERT INTO", "COMMIT");
    /* and outside of one: a batch alone is undone as a whole */
    serve(lab, "on INSERT INTO\nat 1\nerror 42000 9002\n");
    assert_int_equal(put(lab, "a"), CS_E_FATAL);
    ASSERT_IN_ORDER(lab, "BEGIN TRANSACTION", "INSERT INTO",
                    "ROLLBACK TRANSACTION");
    assert_int_equal(times(lab, "COMMIT TRANSACTION"), 0);
    assert_int_equal(put(lab, "a"), CS_OK);
}

/* ---- Deadlines and cancellation ----------------------------------------- */

static void watch_stalls(struct lab *lab)
{
    assert_int_equal(mkfifo(path("school.stalled"), 0600), 0);
    lab->fifo = open(path("school.stalled"), O_RDWR | O_CLOEXEC);
    assert_true(lab->fifo >= 0);
}

static bool stalls(int fifo, int wait_ms)
{
    struct pollfd look = {.fd = fifo, .events = POLLIN};
    return poll(&look, 1, wait_ms) == 1;
}

static void *cancel_a_stall(void *arg)
{
    struct lab *lab = arg;
    char byte;
    if (stalls(lab->fifo, 30000) && read(lab->fifo, &byte, 1) == 1)
        ops->life.cancel(lab->sink);
    return NULL;
}

/* The second driver has not begun when it is told first, the third one is deaf
 * and keeps who tells it waiting; its query timeout ends that. */
static void cancel_ends_what_stalls(void **state)
{
    static const char *const answers[] = {"stall\n", "early\n", "hang\n"};
    static const char *const ends[] = {"  cancelled\n", "  cancelled\n",
                                       "  timed out\n"};
    struct lab *lab = *state;
    pthread_t thread;
    char rules[64];
    watch_stalls(lab);
    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
        snprintf(rules, sizeof rules, "on INSERT INTO\n%s", answers[i]);
        serve(lab, rules);
        lab->fake.remaining = i < 2 ? 60000 : 1000;
        assert_int_equal(begin(lab), CS_OK);
        assert_int_equal(pthread_create(&thread, NULL, cancel_a_stall, lab), 0);
        assert_int_equal(put(lab, "a"), CS_E_CANCELLED);
        assert_int_equal(pthread_join(thread, NULL), 0);
        assert_int_equal(times(lab, ends[i]), 1);
        assert_true(put(lab, "b") < 0);
        assert_int_equal(times(lab, "INSERT INTO"), 1);
        assert_int_equal(times(lab, "disconnect"), 1);
        ops->rollback(lab->sink);
    }
}

/* All time is over as soon as a statement stalls. */
static int stalling = -1;

static long until_it_stalls(const struct cs_host *host)
{
    (void)host;
    return stalls(stalling, 0) ? 0 : 2000;
}

static void the_deadline_ends_what_stalls(void **state)
{
    struct lab *lab = *state;
    watch_stalls(lab);
    serve(lab, "on INSERT INTO\ntimeout\n");
    stalling = lab->fifo;
    lab->fake.host.remaining_ms = until_it_stalls;
    assert_int_equal(begin(lab), CS_OK);
    assert_int_equal(put(lab, "a"), CS_E_CANCELLED);
    assert_int_equal(times(lab, "disconnect"), 1);
    /* FreeTDS waits twice as long as it is told to. */
    ASSERT_IN_ORDER(lab, "INSERT INTO", "timeout 1\n");
}

static void out_of_time(void **state)
{
    struct lab *lab = *state;
    serve(lab, "");
    assert_int_equal(begin(lab), CS_OK);
    lab->fake.remaining = 0;
    assert_int_equal(put(lab, "a"), CS_E_CANCELLED);
    assert_int_equal(times(lab, "INSERT"), 0);
    ops->rollback(lab->sink); /* which still happens, one way or another */
    assert_true(times(lab, "ROLLBACK") + times(lab, "disconnect") > 0);
}

/* ---- Locks -------------------------------------------------------------- */

static enum cs_rc lock(struct lab *lab, long wait_ms)
{
    return heard(lab, ops->lock(lab->sink, "school/1", wait_ms));
}

static enum cs_rc holds(struct lab *lab)
{
    return heard(lab, ops->holds(lab->sink, "school/1"));
}

static void locks_are_the_servers(void **state)
{
    struct lab *lab = *state;
    serve(lab, "");
    assert_int_equal(holds(lab), CS_E_BUSY);
    assert_int_equal(lock(lab, 0), CS_OK);
    assert_int_equal(holds(lab), CS_OK);
    assert_int_equal(lock(lab, 0), CS_E_BUSY);
    ops->unlock(lab->sink, "school/1");
    assert_int_equal(holds(lab), CS_E_BUSY);
    ASSERT_IN_ORDER(lab, "sp_getapplock", "parameter school/1\n",
                    "APPLOCK_MODE", "sp_releaseapplock",
                    "parameter school/1\n");
}

static void what_becomes_of_a_lock(void **state)
{
    static const struct {
        int result;
        enum cs_rc rc;
    } cases[] = {
        {0, CS_OK},       {1, CS_OK},         {-1, CS_E_BUSY},
        {-3, CS_E_RETRY}, {-999, CS_E_FATAL},
    };
    struct lab *lab = *state;
    char rules[64];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        snprintf(rules, sizeof rules, "on sp_getapplock\nrows 1\nrow %d\n",
                 cases[i].result);
        serve(lab, rules);
        assert_int_equal(lock(lab, 0), cases[i].rc);
        assert_int_equal(holds(lab), cases[i].rc == CS_OK ? CS_OK : CS_E_BUSY);
    }
}

/* The wait is the server's, in slices that leave room to look around. */
static void a_lock_is_waited_for(void **state)
{
    struct lab *lab = *state;
    serve(lab, "on sp_getapplock\nat 1\nrows 1\nrow -1\n");
    assert_int_equal(lock(lab, 3000), CS_OK);
    assert_int_equal(times(lab, "sp_getapplock"), 2);
    serve(lab, "on sp_getapplock\nrows 1\nrow -1\n");
    assert_int_equal(lock(lab, 5000), CS_E_BUSY);
    assert_in_range(times(lab, "sp_getapplock"), 2, 10);
    lab->fake.remaining = 0;
    assert_int_equal(lock(lab, 5000), CS_E_CANCELLED);
}

static void a_lock_dies_with_its_connection(void **state)
{
    static const char *const answers[] = {"error 08S01 0\ndead\n",
                                          "error HY000 0\ndead\n", "timeout\n"};
    struct lab *lab = *state;
    char rules[128];
    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
        snprintf(rules, sizeof rules, "on INSERT INTO\n%s", answers[i]);
        serve(lab, rules);
        assert_int_equal(lock(lab, 0), CS_OK);
        assert_int_equal(begin(lab), CS_OK);
        assert_int_equal(put(lab, "a"), CS_E_RETRY);
        assert_int_equal(holds(lab), CS_E_BUSY);
        assert_non_null(strstr(lab->fake.error, "was lost"));
        ops->rollback(lab->sink);
        assert_int_equal(begin(lab), CS_OK); /* a new connection */
        assert_int_equal(holds(lab), CS_E_BUSY);
    }
    /* and when asking is what shows that it is lost */
    serve(lab, "on APPLOCK_MODE\nerror HY000 0\ndead\n");
    assert_int_equal(lock(lab, 0), CS_OK);
    assert_int_equal(holds(lab), CS_E_RETRY);
    assert_non_null(strstr(lab->fake.error, "connection was lost"));
    assert_int_equal(holds(lab), CS_E_BUSY);
    assert_int_equal(lock(lab, 0), CS_OK);
    /* or the server knows nothing of it */
    serve(lab, "on APPLOCK_MODE\nrows 1\nrow 0\n");
    assert_int_equal(lock(lab, 0), CS_OK);
    assert_int_equal(holds(lab), CS_E_BUSY);
}

/* A lock that cannot be given back is given up. */
static void a_release_that_fails(void **state)
{
    struct lab *lab = *state;
    serve(lab, "on sp_releaseapplock\nrows 1\nrow -999\n");
    assert_int_equal(lock(lab, 0), CS_OK);
    ops->unlock(lab->sink, "school/1");
    assert_int_equal(times(lab, "disconnect"), 1);
}

/* ---- Reading ------------------------------------------------------------ */

struct dump {
    char text[1024]; /* of the first rows */
    size_t rows, longest;
    size_t stop; /* answer CS_LEFT at this row; 0: never */
    const struct cs_entity *entity;
};

static void dump_cell(struct dump *dump, const struct cs_column *column,
                      const struct cs_value *cell)
{
    size_t used = strlen(dump->text), room = sizeof dump->text - used;
    bool text = column->type == CS_TEXT || column->type == CS_TIME;
    if (cell->state == CS_NULL)
        snprintf(dump->text + used, room, "-|");
    else if (column->type == CS_BOOL)
        snprintf(dump->text + used, room, "%s|",
                 cell->as.boolean ? "yes" : "no");
    else if (column->type == CS_INT)
        snprintf(dump->text + used, room, "%lld|", (long long)cell->as.integer);
    else if (strlen(cell->as.text) < 100)
        snprintf(dump->text + used, room, "%s|", cell->as.text);
    if (text && cell->state == CS_SET && strlen(cell->as.text) > dump->longest)
        dump->longest = strlen(cell->as.text);
}

static enum cs_rc dump_row(void *arg, const struct cs_value *row)
{
    struct dump *dump = arg;
    for (size_t i = 0; dump->rows < 3 && i < dump->entity->ncolumns; i++)
        dump_cell(dump, &dump->entity->columns[i], &row[i]);
    dump->rows++;
    return dump->rows == dump->stop ? CS_LEFT : CS_OK;
}

static enum cs_rc scan(struct lab *lab, const struct cs_entity *entity,
                       struct dump *dump)
{
    *dump = (struct dump){.entity = entity, .stop = dump->stop};
    return heard(lab, ops->scan(lab->sink, entity, NULL, dump_row, dump));
}

static void rows_are_read_in_blocks(void **state)
{
    enum { ROWS = 2500 };
    struct lab *lab = *state;
    struct dump dump = {.stop = 0};
    size_t size = ROWS * 32 + 256, used;
    char *rules = calloc(1, size);
    assert_non_null(rules);
    used = (size_t)snprintf(rules, size,
                            "on FROM [dbo].[Pupils]\nrows 3\n"
                            "row 7|ab|Z\xc3\xbc\xe2\x82\xac\xf0\x9f\x98\x80\n"
                            "row \\N|cd|\\N\n");
    for (size_t i = 2; i < ROWS; i++)
        used += (size_t)snprintf(rules + used, size - used, "row %zu|k%zu|x\n",
                                 i, i);
    serve(lab, rules);
    free(rules);
    assert_int_equal(scan(lab, &pupil, &dump), CS_OK);
    assert_string_equal(dump.text, "7|ab|Z\xc3\xbc\xe2\x82\xac\xf0\x9f\x98\x80|"
                                   "-|cd|-|2|k2|x|");
    assert_int_equal(dump.rows, ROWS);
    assert_in_range(times(lab, "fetch of "), 2, ROWS / 100);
    dump.stop = 2;
    assert_int_equal(scan(lab, &pupil, &dump), CS_LEFT);
    assert_int_equal(dump.rows, 2);
    dump.stop = 0;
    assert_int_equal(scan(lab, &pupil, &dump), CS_OK);
    assert_int_equal(dump.rows, ROWS);
}

static void long_lists_are_asked_for_in_parts(void **state)
{
    enum { VALUES = 20001, OLD_VALUES = 1001 };
    struct lab *lab = *state;
    struct dump dump = {.entity = &pupil};
    struct cs_value *in = calloc(VALUES, sizeof *in);
    struct cs_filter filter = {
        .size = sizeof filter, .column = KEY, .in = in, .nin = VALUES};
    assert_non_null(in);
    for (size_t i = 0; i < VALUES; i++)
        in[i] = text(i < VALUES - 1 ? "k" : "z");
    serve(lab, "on FROM [dbo].[Pupils]\nrows 3\nrow 1|a|b\n");
    assert_int_equal(
        heard(lab, ops->scan(lab->sink, &pupil, &filter, dump_row, &dump)),
        CS_OK);
    assert_int_equal(dump.rows, 3);
    assert_int_equal(times(lab, "\"k\""), VALUES - 1);
    assert_int_equal(times(lab, "  parameter [\"z\"]\n"), 1);
    serve(lab, OLD_SERVER "on FROM [dbo].[Pupils]\nrows 3\nrow 1|a|b\n");
    filter.nin = OLD_VALUES;
    dump = (struct dump){.entity = &pupil};
    assert_int_equal(
        heard(lab, ops->scan(lab->sink, &pupil, &filter, dump_row, &dump)),
        CS_OK);
    assert_int_equal(dump.rows, 3);
    assert_int_equal(times(lab, "  parameter k\n"), OLD_VALUES);
    free(in);
}

/* As it is when somebody has widened the column. */
static void a_bound_text_that_is_too_long(void **state)
{
    static const char *const ends[] = {"", "unknown\n"};
    struct lab *lab = *state;
    struct dump dump = {.stop = 0};
    char rules[128];
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        snprintf(rules, sizeof rules,
                 "on FROM [dbo].[Pupils]\nrows 3\n"
                 "row 1|a|Ferdinand of the 20th\n%s",
                 ends[i]);
        serve(lab, rules);
        assert_int_equal(scan(lab, &pupil, &dump), CS_E_RETRY);
        assert_said(lab, "longer");
        assert_int_equal(dump.rows, 0);
        assert_int_equal(times(lab, "FROM sys.columns"), 1);
        assert_int_equal(scan(lab, &pupil, &dump), CS_E_RETRY);
        assert_int_equal(times(lab, "FROM sys.columns"), 2);
    }
    serve(lab, "on FROM [dbo].[Pupils]\nrows 3\n"
               "row 1|a|Ferdinand of the 20t\n"); /* just fits */
    assert_int_equal(scan(lab, &pupil, &dump), CS_OK);
}

static void long_texts_are_read_in_pieces(void **state)
{
    enum { LONG = 300000 };
    static const char *const ends[] = {"", "unknown\n"};
    struct lab *lab = *state;
    struct dump dump = {.stop = 0};
    char *rules = calloc(1, LONG + 512);
    assert_non_null(rules);
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        size_t used = (size_t)sprintf(
            rules, "on FROM [dbo].[People]\nrows 7\nrow 1|a|b|");
        for (size_t n = 0; n < LONG / 5; n++, used += 5)
            memcpy(rules + used, "x\xf0\x9f\x98\x80", 5);
        sprintf(rules + used,
                "|5|1|2026-01-31 02:03:04.5670000\n"
                "row 2|c|d||\\N|0|2026-01-31 02:03:04.1234567\n"
                "row 3|e|\\N|\\N|-1|1|\\N\n%s",
                ends[i]);
        serve(lab, rules);
        assert_int_equal(scan(lab, &person, &dump), CS_OK);
        assert_string_equal(dump.text,
                            "1|a|b|5|yes|2026-01-31T02:03:04.567Z|"
                            "2|c|d||-|no|2026-01-31T02:03:04.1234567Z|"
                            "3|e|-|-|-1|yes|-|");
        assert_int_equal(dump.rows, 3);
        assert_int_equal(dump.longest, LONG);
    }
    free(rules);
}

static void a_scan_that_breaks_off(void **state)
{
    static const struct {
        const char *answer;
        enum cs_rc rc;
        size_t disconnected;
    } cases[] = {
        {"fetch error 42000 1205\n", CS_E_RETRY, 0},
        {"fetch error 08S01 0\ndead\n", CS_E_RETRY, 1},
        {"fetch error HY000 0\n", CS_E_RETRY, 1},
        {"fetch timeout\n", CS_E_RETRY, 1},
        {"error 40001 1205\n", CS_E_RETRY, 0}, /* behind all rows */
        {"error 42000 823\n", CS_E_FATAL, 0},
    };
    struct lab *lab = *state;
    struct dump dump = {.stop = 0};
    char rules[128];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        snprintf(rules, sizeof rules,
                 "on FROM [dbo].[Pupils]\nat 1\nrows 3\nrow 1|a|b\n%s",
                 cases[i].answer);
        serve(lab, rules);
        if (scan(lab, &pupil, &dump) != cases[i].rc)
            fail_msg("%s: %d, %s", cases[i].answer, lab->fake.rc,
                     lab->fake.error);
        assert_int_equal(times(lab, "disconnect"), cases[i].disconnected);
        rewrite("on FROM [dbo].[Pupils]\nrows 3\nrow 1|a|b\n");
        if (cases[i].disconnected > 0)
            assert_int_equal(scan(lab, &pupil, &dump), CS_OK);
    }
}

static void cancel_ends_a_scan(void **state)
{
    struct lab *lab = *state;
    struct dump dump = {.stop = 0};
    pthread_t thread;
    watch_stalls(lab);
    serve(lab, "on FROM [dbo].[Pupils]\nrows 3\nrow 1|a|b\nfetch stall\n");
    assert_int_equal(pthread_create(&thread, NULL, cancel_a_stall, lab), 0);
    lab->fake.remaining = 2000; /* in case that it does not */
    assert_int_equal(scan(lab, &pupil, &dump), CS_E_CANCELLED);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(times(lab, "  cancelled\n"), 1);
}

/* A code page spoils names; with UTF-8 as one, lengths are bytes. */
static void code_pages_are_for_keys(void **state)
{
    static const struct {
        const char *type, *collation;
        enum cs_rc rc;
    } cases[] = {
        {"varchar|20", "Latin1_General_CI_AS", CS_E_CONFIG},
        {"char|20", "Cyrillic_General_CI_AS", CS_E_CONFIG},
        {"char|20", "Latin1_General_100_CI_AS_SC_UTF8", CS_OK},
        {"varchar|20", "Latin1_General_100_CI_AS_SC_UTF8", CS_OK},
    };
    struct lab *lab = *state;
    struct dump dump = {.stop = 0};
    char rules[320], name[24] = "12345678901234567\xc3\xa9";
    const struct cs_value row[COLUMNS] = {
        [KEY] = text("k"), [FIRST] = text(name)};
    const struct cs_value odd[COLUMNS] = {
        [KEY] = text("\xc3\xa9"), [FIRST] = text("a")};
    const struct cs_value *one = row, *two = odd;
    unsigned lengths[COLUMNS];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        snprintf(rules, sizeof rules,
                 "on FROM [dbo].[Pupils]\nrows 3\non sys.columns\nrows 4\nrow "
                 "PersonId|int|4|\\N\n"
                 "row Key|varchar|24|Latin1_General_CI_AS\nrow First|%s|%s\n",
                 cases[i].type, cases[i].collation);
        serve(lab, rules);
        assert_int_equal(scan(lab, &pupil, &dump), cases[i].rc);
        if (cases[i].rc != CS_OK) {
            assert_said(lab, "column First of table Pupils");
            assert_said(lab, "ALTER TABLE to nvarchar");
        }
    }
    assert_int_equal(heard(lab, ops->inspect(lab->sink, &pupil, lengths)),
                     CS_OK);
    assert_int_equal(lengths[FIRST], 20);
    struct cs_batch batch = {.size = sizeof batch,
                             .entity = &pupil,
                             .op = CS_INSERT,
                             .rows = &one,
                             .nrows = 1};
    assert_int_equal(heard(lab, ops->apply(lab->sink, &batch)), CS_OK);
    strcat(name, "12"); /* 20 units, 21 bytes */
    assert_int_equal(heard(lab, ops->apply(lab->sink, &batch)), CS_E_DATA);
    assert_said(lab, "longer than its 20 bytes");
    batch.rows = &two;
    assert_int_equal(heard(lab, ops->apply(lab->sink, &batch)), CS_E_DATA);
    assert_said(lab, "column Key has letters");
}

static void tables_that_are_not_there(void **state)
{
    struct lab *lab = *state;
    struct dump dump = {.stop = 0};
    unsigned lengths[COLUMNS];
    serve(lab, "on sys.columns\nrows 4\n");
    assert_int_equal(scan(lab, &pupil, &dump), CS_E_NOT_HERE);
    assert_said(lab, "Pupils");
    assert_int_equal(heard(lab, ops->inspect(lab->sink, &person, lengths)),
                     CS_E_NOT_HERE);
    serve(lab, "on sys.columns\nrows 4\n"
               "row PersonId|int|4|\\N\n"
               "row Key|nvarchar|100|Latin1_General_100_BIN2\n");
    assert_int_equal(scan(lab, &pupil, &dump), CS_E_CONFIG);
    assert_said(lab, "First");
    serve(lab, "");
    assert_int_equal(heard(lab, ops->inspect(lab->sink, &person, lengths)),
                     CS_OK);
    assert_int_equal(lengths[KEY], 50);
    assert_int_equal(lengths[FIRST], 20);
    assert_int_equal(lengths[NOTE], 0);
}

/* ---- Changing the schema ------------------------------------------------ */

static void keep_sql(void *arg, const char *sql)
{
    snprintf(arg, 4096, "%s", sql);
}

static void a_step_is_done_or_not(void **state)
{
    static const struct cs_step step = {
        .size = sizeof step, .change = CS_CREATE_TABLE, .entity = &person};
    struct lab *lab = *state;
    char sql[4096] = "";
    serve(lab, "");
    assert_int_equal(ops->alter(lab->sink, &step, keep_sql, sql), CS_OK);
    assert_non_null(strstr(sql, "CREATE TABLE [dbo].[People]"));
    assert_int_equal(times(lab, "connect"), 0);
    assert_int_equal(heard(lab, ops->alter(lab->sink, &step, NULL, NULL)),
                     CS_OK);
    ASSERT_IN_ORDER(lab, "BEGIN TRANSACTION", "CREATE TABLE", "COMMIT TRAN");
    serve(lab, "on CREATE TABLE\ndone\nerror 42000 262\n"
               "on ROLLBACK TRANSACTION\nrows 1\nrow 0\n");
    assert_int_equal(heard(lab, ops->alter(lab->sink, &step, NULL, NULL)),
                     CS_E_CONFIG);
    ASSERT_IN_ORDER(lab, "BEGIN TRANSACTION", "CREATE", "ROLLBACK TRANSACTION");
    assert_int_equal(times(lab, "COMMIT TRANSACTION"), 0);
}

/* ---- Many at once ------------------------------------------------------- */

static void *one_school(void *arg)
{
    struct fake_host *fake = arg;
    const struct cs_value row[COLUMNS] = {
        [KEY] = text("a"), [FIRST] = text("b")};
    const struct cs_value *rows[] = {row};
    struct cs_batch batch = {.size = sizeof batch,
                             .entity = &person,
                             .op = CS_INSERT,
                             .rows = rows,
                             .nrows = 1};
    struct dump dump = {.entity = &pupil};
    size_t good = 0;
    for (size_t i = 0; i < 20; i++)
        good += ops->begin(fake->self) == CS_OK &&
                ops->apply(fake->self, &batch) == CS_OK &&
                ops->scan(fake->self, &pupil, NULL, dump_row, &dump) == CS_OK &&
                ops->commit(fake->self) == CS_OK;
    return good == 20 ? NULL : fake;
}

static void instances_run_side_by_side(void **state)
{
    enum { SCHOOLS = 4 };
    struct lab *lab = *state;
    struct fake_host fakes[SCHOOLS];
    pthread_t threads[SCHOOLS];
    serve(lab, "on FROM [dbo].[Pupils]\nrows 3\nrow 1|a|b\n");
    for (size_t i = 0; i < SCHOOLS; i++) {
        fake_host_init(&fakes[i], &cleversync_plugin);
        fakes[i].options = lab->options;
        fakes[i].secrets = lab->secrets;
        assert_int_equal(fake_host_open(&fakes[i]), CS_OK);
    }
    for (size_t i = 0; i < SCHOOLS; i++)
        assert_int_equal(
            pthread_create(&threads[i], NULL, one_school, &fakes[i]), 0);
    for (size_t i = 0; i < SCHOOLS; i++) {
        void *failed;
        assert_int_equal(pthread_join(threads[i], &failed), 0);
        if (failed != NULL)
            fail_msg("school %zu: %s", i, fakes[i].error);
        fake_host_clear(&fakes[i]);
    }
    assert_int_equal(times(lab, "execute COMMIT"), SCHOOLS * 20);
}

/* ---- All of it ---------------------------------------------------------- */

static void register_drivers(void)
{
    const char *build = getenv("builddir");
    char library[PATH_MAX], found[PATH_MAX];
    snprintf(library, sizeof library, "%s/tests/odbc-script/.libs/%s",
             build != NULL ? build : ".", "odbc-script.so");
    assert_non_null(realpath(library, found));
    FILE *file = fopen(path("odbcinst.ini"), "w");
    assert_non_null(file);
    fprintf(file,
            "[FreeTDS]\nDriver = %s\n"
            "[ODBC Driver 18 for SQL Server]\nDriver = %s\n"
            "[FreeTDS broken]\nDriver = %s/none.so\n",
            found, found, folder);
    assert_int_equal(fclose(file), 0);
}

/* Before the driver manager looks at its environment for the first time. */
static int set_up_drivers(void **state)
{
    (void)state;
    folder = folder_new();
    register_drivers();
    setenv("ODBC_SCRIPT", folder, 1);
    setenv("ODBCSYSINI", folder, 1);
    unsetenv("ODBCINSTINI");
    return 0;
}

static int remove_drivers(void **state)
{
    (void)state;
    folder_remove();
    return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(freetds_gets_its_own_words),
        TEST(microsoft_gets_its_own_words),
        TEST(drivers_that_are_not_there),
        TEST(refused_connections),
        TEST(a_certificate_may_be_why),
        TEST(out_of_time_while_connecting),
        TEST(plain_connections_are_refused),
        TEST(encryption_that_cannot_be_checked_is_a_warning),
        TEST(questions_are_asked_again),
        TEST(encryption_that_is_sound_is_no_warning),
        TEST(a_transaction_is_text),
        TEST(triggers_may_have_results),
        TEST(a_rollback_is_sent_once),
        TEST(no_data_is_success),
        TEST(a_thousand_rows_are_one_statement),
        TEST(text_arrives_as_it_is),
        TEST(a_mixed_update_is_one_statement),
        TEST(a_batch_alone_is_a_transaction),
        TEST(refused_rows_leave_the_transaction_usable),
        TEST(errors_behind_a_result_are_seen),
        TEST(a_server_that_undoes_everything),
        TEST(unsuitable_cells_are_not_sent),
        TEST(old_servers_get_arrays),
        TEST(one_refused_row_of_an_array_refuses_all),
        TEST(triggers_results_are_not_counted),
        TEST(a_deadlock_in_an_array_is_no_fault_of_a_row),
        TEST(a_deadlock_ends_the_transaction),
        TEST(nothing_is_written_after_a_deadlock),
        TEST(a_lost_connection_is_thrown_away),
        TEST(a_connection_lost_when_beginning),
        TEST(a_connection_lost_in_commit),
        TEST(a_connection_lost_after_commit),
        TEST(a_connection_lost_while_rolling_back),
        TEST(a_full_log_undoes_the_transaction),
        TEST(a_log_that_is_full_when_committing),
        TEST(cancel_ends_what_stalls),
        TEST(the_deadline_ends_what_stalls),
        TEST(out_of_time),
        TEST(locks_are_the_servers),
        TEST(what_becomes_of_a_lock),
        TEST(a_lock_is_waited_for),
        TEST(a_lock_dies_with_its_connection),
        TEST(a_release_that_fails),
        TEST(rows_are_read_in_blocks),
        TEST(long_lists_are_asked_for_in_parts),
        TEST(a_bound_text_that_is_too_long),
        TEST(long_texts_are_read_in_pieces),
        TEST(a_scan_that_breaks_off),
        TEST(cancel_ends_a_scan),
        TEST(code_pages_are_for_keys),
        TEST(tables_that_are_not_there),
        TEST(a_step_is_done_or_not),
        TEST(instances_run_side_by_side),
    };
    return cmocka_run_group_tests(tests, set_up_drivers, remove_drivers);
}
