/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* A program of the next minor number, in which all structs that may grow have
 * grown, and the plugins of today.  It is built with tests/abi/grow.awk's
 * header, as are the loader and what looks at descriptors. */
#include "config.h"

#include "base/memory.h"
#include "plugin/loader.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

static struct cs_error error;

static struct cs_loader *loader_of(const char *folder)
{
    const char *build = getenv("builddir");
    char *here = realpath(build ? build : ".", NULL);
    char *dir = cs_memory_format("%s/tests/%s", here, folder);
    struct cs_loader *loader;

    assert_int_equal(cs_loader_new(&loader, dir, &error), CS_OK);
    free(here);
    free(dir);
    return loader;
}

static const struct cs_module *get(struct cs_loader *loader, enum cs_kind kind,
                                   const char *name)
{
    const struct cs_module *module = cs_loader_get(loader, kind, name, &error);

    if (!module)
        fail_msg("%s", error.text);
    return module;
}

/* Of today's plugins each member is what it was; later ones are not there. */
static void todays_plugins_are_loaded(void **state)
{
    struct cs_loader *loader = loader_of("plugins");
    const struct cs_module *module;

    (void)state;
    assert_int_equal(CS_ABI_MINOR, 1);
    module = get(loader, CS_MAPPER, "pupil");
    assert_int_equal(module->plugin.abi_minor, 0);
    assert_string_equal(module->plugin.version, "1.2");
    assert_null(module->plugin.later);
    assert_string_equal(module->ops.mapper.entity->table, "Pupils");
    assert_non_null(module->ops.mapper.map);
    assert_null(module->ops.mapper.later);

    module = get(loader, CS_CREDENTIAL, "vault");
    assert_non_null(module->ops.credential.fetch);
    assert_null(module->ops.credential.later);
    module = get(loader, CS_SOURCE, "feed");
    assert_non_null(module->ops.source.fetch);
    assert_null(module->ops.source.later);
    module = get(loader, CS_SINK, "store");
    assert_string_equal(module->plugin.options[0].name, "path");
    assert_non_null(module->ops.sink.rollback);
    assert_null(module->ops.sink.later);
    module = get(loader, CS_NOTIFIER, "teller");
    assert_non_null(module->ops.notifier.notify);
    assert_null(module->ops.notifier.later);
    cs_loader_free(loader);
}

static void unsound_plugins_stay_unsound(void **state)
{
    struct cs_loader *loader = loader_of("plugins");

    (void)state;
    assert_null(cs_loader_get(loader, CS_MAPPER, "small", &error));
    assert_non_null(strstr(error.text, "its descriptor does not have"));
    assert_null(cs_loader_get(loader, CS_MAPPER, "few-ops", &error));
    assert_non_null(strstr(error.text, "its callbacks do not have"));
    cs_loader_free(loader);
}

static void plugins_of_its_own_time_are_loaded(void **state)
{
    struct cs_loader *loader = loader_of("later");
    const struct cs_module *module = get(loader, CS_MAPPER, "later");

    (void)state;
    assert_int_equal(module->plugin.abi_minor, 1);
    assert_non_null(module->ops.mapper.later);
    cs_loader_free(loader);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(todays_plugins_are_loaded),
        cmocka_unit_test(unsound_plugins_stay_unsound),
        cmocka_unit_test(plugins_of_its_own_time_are_loaded),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
