/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* The command line: what is accepted, what is refused and in which words. */
#include "config.h"

#include "command/cli.h"
#include "base/error.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- A program with four commands -------------------------------------- */

static char seen[256]; /* what the last command found in its arguments */

static const char *or_none(const char *text)
{
    return text != NULL ? text : "none";
}

static int run(const struct cs_arguments *arguments)
{
    const char *const *sets = cs_arguments_list(arguments, "set");
    const char *const *operands = cs_arguments_operands(arguments);
    size_t nsets = 0, noperands = 0;

    while (sets[nsets] != NULL)
        nsets++;
    while (operands[noperands] != NULL)
        noperands++;
    snprintf(seen, sizeof(seen), "%s|%s|%d|%ld|%d|%zu%s|%zu%s",
             or_none(cs_arguments_config(arguments)),
             or_none(cs_arguments_text(arguments, "school")),
             cs_arguments_flag(arguments, "full"),
             cs_arguments_number(arguments, "limit", -1),
             cs_arguments_json(arguments), nsets,
             nsets > 0 ? sets[nsets - 1] : "", noperands,
             noperands > 0 ? operands[noperands - 1] : "");
    return 40;
}

static int run_raw(int argc, char *argv[])
{
    snprintf(seen, sizeof(seen), "%d %s %s", argc, argv[0],
             argc > 1 ? argv[1] : "");
    return 41;
}

static const struct cs_cli_option options[] = {
    {"school", 's', "ID", "only this school"},
    {"full", 0, NULL, "everything"},
    {"limit", 0, "N", "how many"},
    {"active", 0, "yes|no", "whether it is"},
    {.name = NULL},
};

static const struct cs_command commands[] = {
    {.name = "run", .summary = "Run", .options = options, .run = run},
    {.name = "school add",
     .operands = "NAME [OTHER]",
     .summary = "Add",
     .run = run},
    {.name = "school set", .operands = "ID...", .summary = "Set", .run = run},
    {.name = "lab", .summary = "Lab", .run_raw = run_raw},
    {.name = NULL},
};

/* ---- Calling it ---------------------------------------------------------- */

static char said[2][8192]; /* on standard output and error by the last call */

static void capture(FILE *stream, int *saved, FILE **file)
{
    fflush(stream);
    *file = tmpfile();
    assert_non_null(*file);
    *saved = dup(fileno(stream));
    dup2(fileno(*file), fileno(stream));
}

static void release(FILE *stream, int saved, FILE *file, char *text)
{
    size_t n;

    fflush(stream);
    dup2(saved, fileno(stream));
    close(saved);
    rewind(file);
    n = fread(text, 1, sizeof(said[0]) - 1, file);
    text[n] = '\0';
    fclose(file);
}

static int call(const char *first, ...)
{
    char *argv[16] = {(char *)"cleversync"};
    FILE *file[2];
    int saved[2], status, argc = 1;
    va_list words;

    va_start(words, first);
    for (const char *word = first; word != NULL; word = va_arg(words, char *))
        argv[argc++] = (char *)word;
    va_end(words);
    seen[0] = '\0';
    capture(stdout, &saved[0], &file[0]);
    capture(stderr, &saved[1], &file[1]);
    status = cs_cli_main(commands, argc, argv);
    release(stderr, saved[1], file[1], said[1]);
    release(stdout, saved[0], file[0], said[0]);
    return status;
}
#define CALL(...) call(__VA_ARGS__, (char *)NULL)

/* A call that is refused with this sentence, before the command runs. */
#define assert_refused(SENTENCE, ...)                               \
    do {                                                            \
        assert_int_equal(CALL(__VA_ARGS__), CS_EXIT_USAGE);         \
        assert_string_equal(said[1], "cleversync: " SENTENCE "\n"); \
        assert_string_equal(said[0], "");                           \
        assert_string_equal(seen, "");                              \
    } while (0)

/* ---- Tests --------------------------------------------------------------- */

static void values_arrive(void **state)
{
    (void)state;
    assert_int_equal(CALL("run"), 40);
    assert_string_equal(seen, "none|none|0|-1|0|0|0");
    assert_int_equal(CALL("--config", "a.conf", "run", "--school", "x",
                          "--full", "--limit=7", "-o", "json", "--set", "a.b=c",
                          "--set=d.e=f"),
                     40);
    assert_string_equal(seen, "a.conf|x|1|7|1|2d.e=f|0");
    assert_int_equal(CALL("run", "--config=b.conf", "-sx", "-ojson"), 40);
    assert_string_equal(seen, "b.conf|x|0|-1|1|0|0");
    assert_int_equal(CALL("run", "--school=--full", "-o", "text"), 40);
    assert_string_equal(seen, "none|--full|0|-1|0|0|0");
}

static void operands_arrive(void **state)
{
    (void)state;
    assert_int_equal(CALL("school", "add", "x"), 40);
    assert_string_equal(seen, "none|none|0|-1|0|0|1x");
    assert_int_equal(CALL("school", "add", "x", "--", "--set"), 40);
    assert_string_equal(seen, "none|none|0|-1|0|0|2--set");
    assert_int_equal(CALL("school", "set", "x", "y", "z"), 40);
    assert_string_equal(seen, "none|none|0|-1|0|0|3z");
    assert_refused("school add needs NAME", "school", "add");
    assert_refused("school set needs ID...", "school", "set");
    assert_refused("school add does not take \"z\"", "school", "add", "x", "y",
                   "z");
    assert_refused("run does not take \"x\"", "run", "x");
}

static void unknown_words_are_refused(void **state)
{
    (void)state;
    assert_refused("there is no command \"rum\" (did you mean \"run\"?)",
                   "rum");
    assert_refused("there is no command \"zzzzzzz\"", "zzzzzzz");
    assert_refused("there is no command \"school ad\" (did you mean \"school "
                   "add\"?)",
                   "school", "ad");
    assert_refused("run has no option --scool (did you mean --school?)", "run",
                   "--scool=x");
    assert_refused("run has no option \"-x\"", "run", "-x");
    assert_refused("there is no command \"(unreadable)\"", "a\033[2Jb");
    assert_refused("there is no command \"\"", "");
}

static void abbreviations_are_refused(void **state)
{
    (void)state;
    assert_refused("run has no option --schoo (did you mean --school?)", "run",
                   "--schoo", "x");
    assert_int_equal(CALL("run", "--ful"), CS_EXIT_USAGE);
    assert_int_equal(CALL("ru"), CS_EXIT_USAGE);
}

static void values_are_checked(void **state)
{
    (void)state;
    assert_refused("--school needs ID", "run", "--school");
    assert_refused("--school needs ID", "run", "--school", "--full");
    assert_refused("--school needs ID", "run", "--school=");
    assert_refused("-s needs ID", "run", "-s");
    assert_refused("--school is given twice", "run", "-sx", "--school=x");
    assert_refused("--full takes no value", "run", "--full=yes");
    assert_refused("--active takes yes|no, not \"maybe\"", "run",
                   "--active=maybe");
    assert_refused("--active takes yes|no, not \"ye\"", "run", "--active=ye");
    assert_refused("--output takes text|json, not \"xml\"", "run", "-oxml");
    assert_refused("--limit takes a whole number from 1 on, not \"0\"", "run",
                   "--limit=0");
    assert_refused("--limit takes a whole number from 1 on, not \"-1\"", "run",
                   "--limit=-1");
    assert_refused("--limit takes a whole number from 1 on, not \"7x\"", "run",
                   "--limit=7x");
    assert_refused("--limit takes a whole number from 1 on, not "
                   "\"99999999999999999999\"",
                   "run", "--limit=99999999999999999999");
    assert_refused("--config is given twice", "--config", "a", "run",
                   "--config", "b");
    assert_refused("--config needs FILE", "--config");
    assert_refused("--config needs FILE", "--config=", "run");
}

static void faults_can_be_json(void **state)
{
    json_t *object;

    (void)state;
    assert_int_equal(CALL("run", "--nope", "-o", "json"), CS_EXIT_USAGE);
    assert_string_equal(said[1], "");
    object = json_loads(said[0], 0, NULL);
    assert_non_null(object);
    assert_int_equal(json_integer_value(json_object_get(object, "code")), 2);
    assert_string_equal(json_string_value(json_object_get(object, "result")),
                        "usage");
    assert_string_equal(json_string_value(json_object_get(object, "message")),
                        "run has no option --nope");
    json_decref(object);
    assert_int_equal(CALL("nope", "--output=json"), CS_EXIT_USAGE);
    assert_string_equal(said[1], "");
}

static void help_comes_from_the_tables(void **state)
{
    (void)state;
    assert_int_equal(CALL("--help"), 0);
    assert_non_null(strstr(said[0], "  school add       Add\n"));
    assert_non_null(strstr(said[0], "  lab              Lab\n"));
    assert_int_equal(CALL("school", "--help"), 0);
    assert_non_null(strstr(said[0], "school set"));
    assert_null(strstr(said[0], "lab"));
    assert_int_equal(CALL("run", "--help"), 0);
    assert_non_null(strstr(said[0], "-s, --school ID"));
    assert_non_null(strstr(said[0], "--set SECTION.KEY=VALUE..."));
    assert_string_equal(seen, "");
    assert_string_equal(said[1], "");
    assert_int_equal(CALL("school", "add", "-h"), 0); /* NAME is not missed */
    assert_int_equal(CALL("--version"), 0);
    assert_string_equal(said[0], "cleversync " PACKAGE_VERSION "\n");
}

static void too_little_is_a_fault(void **state)
{
    (void)state;
    assert_int_equal(call(NULL), CS_EXIT_USAGE);
    assert_string_equal(said[0], "");
    assert_non_null(strstr(said[1], "Usage: cleversync"));
    assert_int_equal(CALL("school"), CS_EXIT_USAGE);
    assert_string_equal(said[0], "");
    assert_non_null(strstr(said[1], "school set"));
    assert_int_equal(CALL("--full", "run"), CS_EXIT_USAGE);
    assert_non_null(strstr(said[1], "\"--full\" is no option here"));
}

static void raw_commands_get_their_words(void **state)
{
    (void)state;
    assert_int_equal(CALL("lab", "--help"), 41);
    assert_string_equal(seen, "2 lab --help");
    assert_refused("lab reads no configuration: leave out --config", "--config",
                   "x", "lab");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_arrive),
        cmocka_unit_test(operands_arrive),
        cmocka_unit_test(unknown_words_are_refused),
        cmocka_unit_test(abbreviations_are_refused),
        cmocka_unit_test(values_are_checked),
        cmocka_unit_test(faults_can_be_json),
        cmocka_unit_test(help_comes_from_the_tables),
        cmocka_unit_test(too_little_is_a_fault),
        cmocka_unit_test(raw_commands_get_their_words),
    };

    return cmocka_run_group_tests_name("cli", tests, NULL, NULL);
}
