/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* Plugins on disk: what is loaded, and why the others are not. */
#include "config.h"

#include "folder.h"
#include "plugin/loader.h"
#include "base/memory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <link.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char *plugins; /* the directory of the plugins made for tests */
static struct cs_loader *loader;
static struct cs_error error;

static int setup(void **state)
{
    (void)state;
    folder_new();
    error = (struct cs_error){0};
    assert_int_equal(cs_loader_new(&loader, plugins, &error), CS_OK);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    cs_loader_free(loader);
    loader = NULL;
    folder_remove();
    return 0;
}

static void sound_plugins_are_loaded_once(void **state)
{
    const struct cs_module *module =
        cs_loader_get(loader, CS_MAPPER, "pupil", &error);

    (void)state;
    if (!module)
        fail_msg("%s", error.text);
    assert_int_equal(module->kind, CS_MAPPER);
    assert_string_equal(module->plugin.name, "pupil");
    assert_string_equal(module->plugin.version, "1.2");
    assert_string_equal(module->ops.mapper.entity->table, "Pupils");
    assert_non_null(module->ops.mapper.map);
    assert_ptr_equal(cs_loader_get(loader, CS_MAPPER, "pupil", &error), module);
    assert_ptr_equal(cs_loader_find(loader, "pupil", &error), module);
    assert_ptr_equal(cs_loader_find(loader, "mapper/pupil", &error), module);
    assert_non_null(cs_loader_get(loader, CS_SINK, "store", &error));
    assert_non_null(cs_loader_get(loader, CS_SOURCE, "feed", &error));
    assert_non_null(cs_loader_get(loader, CS_SOURCE, "listing", &error));
    assert_non_null(cs_loader_get(loader, CS_CREDENTIAL, "vault", &error));
}

static void every_refusal_has_its_reason(void **state)
{
    static const struct {
        enum cs_kind kind;
        const char *name, *reason;
    } refusals[] = {
        {CS_MAPPER, "abi-major",
         "is built for plugin interface 2.0, this cleversync has 1.0: rebuild "
         "the plugin"},
        {CS_MAPPER, "abi-minor", "interface 1.1, this cleversync has 1.0: a"},
        {CS_MAPPER, "small", "its descriptor does not have the"},
        {CS_MAPPER, "few-ops", "its callbacks do not have the"},
        {CS_MAPPER, "many-ops", "its callbacks do not have the"},
        {CS_MAPPER, "other-name", "calls itself pupil"},
        {CS_MAPPER, "other-kind", "is a source plugin"},
        {CS_MAPPER, "no-key", "has 0 keys, not one"},
        {CS_MAPPER, "no-descriptor", "does not define cleversync_plugin"},
        {CS_SINK, "no-commit", "lacks what a sink needs: commit, rollback"},
        {CS_SOURCE, "half-feed", "lacks what a source needs: mark, order"},
        {CS_SOURCE, "unbound", "undefined symbol: unbound_nowhere"},
        {CS_CREDENTIAL, "bad-option", "option 1 has a fallback"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(refusals) / sizeof(*refusals); i++) {
        error = (struct cs_error){0};
        assert_null(
            cs_loader_get(loader, refusals[i].kind, refusals[i].name, &error));
        assert_int_equal(error.rc, CS_E_CONFIG);
        if (!strstr(error.text, refusals[i].reason) ||
            !strstr(error.text, refusals[i].name))
            fail_msg("%s: %s", refusals[i].name, error.text);
    }
}

static void unknown_names_have_a_neighbour(void **state)
{
    (void)state;
    assert_null(cs_loader_get(loader, CS_MAPPER, "pupli", &error));
    assert_int_equal(error.rc, CS_E_NOT_HERE);
    assert_non_null(strstr(error.text, "mean pupil?"));
    assert_null(cs_loader_get(loader, CS_NOTIFIER, "pupil", &error));
    assert_int_equal(error.rc, CS_E_NOT_HERE);
    assert_null(cs_loader_find(loader, "pupli", &error));
    assert_non_null(strstr(error.text, "mean pupil?"));
    assert_null(cs_loader_get(loader, CS_MAPPER, "../mapper/pupil", &error));
    assert_null(cs_loader_find(loader, "mapper/../mapper/pupil", &error));
    assert_null(cs_loader_find(loader, "", &error));
}

static void list_one(void *arg, enum cs_kind kind, const char *name,
                     const struct cs_module *module, const struct cs_error *why)
{
    char **list = arg, *longer;

    assert_true(module || why->text[0]);
    longer = cs_memory_format("%s%s/%s%s ", *list, cs_loader_kind(kind), name,
                              module ? "" : "!");
    free(*list);
    *list = longer;
}

static void all_files_are_listed(void **state)
{
    char *list = cs_memory_text("");

    (void)state;
    cs_loader_each(loader, list_one, &list);
    assert_string_equal(list,
                        "credential/bad-option! credential/vault source/feed "
                        "source/half-feed! source/listing source/unbound! "
                        "mapper/abi-major! mapper/abi-minor! mapper/few-ops! "
                        "mapper/many-ops! mapper/no-descriptor! mapper/no-key! "
                        "mapper/other-kind! "
                        "mapper/other-name! mapper/pupil mapper/small! "
                        "sink/no-commit! sink/store notifier/teller ");
    free(list);
}

/* See unit-later.c for the other way round. */
static void a_plugin_of_a_later_time(void **state)
{
    char *dir = cs_memory_format("%s/../later", plugins);

    (void)state;
    cs_loader_free(loader);
    assert_int_equal(cs_loader_new(&loader, dir, &error), CS_OK);
    assert_null(cs_loader_get(loader, CS_MAPPER, "later", &error));
    if (!strstr(error.text, "interface 1.1, this cleversync has 1.0: a newer "
                            "cleversync is needed"))
        fail_msg("%s", error.text);
    free(dir);
}

static void refused_file(const char *name, const char *reason)
{
    error = (struct cs_error){0};
    assert_null(cs_loader_get(loader, CS_SINK, name, &error));
    if (!strstr(error.text, reason))
        fail_msg("%s: %s", name, error.text);
}

/* Also: plugins lie in DIR/KIND/ when they are installed. */
static void files_that_are_no_plugins(void **state)
{
    static const struct {
        ElfW(Ehdr) head;
        ElfW(Phdr) segment;
    } cut = {
        .head = {.e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3,
                             sizeof(void *) == 8 ? ELFCLASS64 : ELFCLASS32},
                 .e_phoff = sizeof(cut.head),
                 .e_phentsize = sizeof(cut.segment),
                 .e_phnum = 1},
        .segment = {.p_type = PT_LOAD, .p_filesz = 4096},
    };
    char *dir = cs_memory_text(folder_text("sink/text.so", "hello\n")), *path;

    (void)state;
    cs_loader_free(loader);
    dir[strlen(dir) - strlen("/sink/text.so")] = '\0';
    assert_int_equal(cs_loader_new(&loader, dir, &error), CS_OK);
    folder_text("sink/empty.so", "");
    folder_file("sink/head.so", (const char *)&cut, sizeof(cut.head));
    folder_file("sink/cut.so", (const char *)&cut, sizeof(cut));
    assert_int_equal(chmod(folder_text("sink/open.so", "x"), 0666), 0);
    path = cs_memory_format("%s/sink/folder.so", dir);
    assert_int_equal(mkdir(path, 0755), 0);
    refused_file("text", "is no shared object");
    refused_file("empty", "is no shared object");
    refused_file("head", "is cut short");
    refused_file("cut", "is cut short");
    refused_file("open", "written by everybody");
    refused_file("folder", "is no file");
    if (geteuid() != 0) { /* who reads everything */
        assert_int_equal(chmod(folder_text("sink/hidden.so", "x"), 0), 0);
        refused_file("hidden", "Permission denied");
    }
    free(path);
    free(dir);
}

static void directories_are_checked(void **state)
{
    const char *file = folder_text("sink/file", "");
    struct cs_loader *none;
    char *dir = cs_memory_textn(file, strlen(file) - strlen("/file"));

    (void)state;
    assert_int_equal(cs_loader_new(&none, "plugins", &error), CS_E_CONFIG);
    assert_null(none);
    assert_non_null(strstr(error.text, "absolute"));
    assert_int_equal(cs_loader_new(&none, file, &error), CS_E_CONFIG);
    assert_non_null(strstr(error.text, "no directory"));
    assert_int_equal(cs_loader_new(&none, "/nonexistent", &error), CS_E_CONFIG);
    assert_non_null(strstr(error.text, "No such file"));
    assert_int_equal(chmod(dir, 0777), 0);
    assert_int_equal(cs_loader_new(&none, dir, &error), CS_E_CONFIG);
    assert_non_null(strstr(error.text, "everybody"));
    free(dir);
}

static void kinds_have_words(void **state)
{
    (void)state;
    for (int kind = CS_CREDENTIAL; kind <= CS_NOTIFIER; kind++)
        assert_int_equal(cs_loader_kind_of(cs_loader_kind((enum cs_kind)kind)),
                         kind);
    assert_int_equal(cs_loader_kind_of("pipeline"), 0);
}

#define TEST(NAME) cmocka_unit_test_setup_teardown(NAME, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(sound_plugins_are_loaded_once),
        TEST(every_refusal_has_its_reason),
        TEST(unknown_names_have_a_neighbour),
        TEST(all_files_are_listed),
        TEST(a_plugin_of_a_later_time),
        TEST(files_that_are_no_plugins),
        TEST(directories_are_checked),
        TEST(kinds_have_words),
    };
    const char *build = getenv("builddir");
    int status;

    plugins = cs_memory_format("%s/tests/plugins", build ? build : ".");
    status = cmocka_run_group_tests(tests, NULL, NULL);
    free(plugins);
    return status;
}
