/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* A driver whose connections go to a pool is refused by the sink mssql-odbc. */
#include "config.h"

#include "fake-host.h"
#include "folder.h"
#include "../plugins/sink/mssql-odbc/mssql-odbc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#undef fail /* cmocka's; struct cs_host has a member of this name */

extern const struct cs_plugin cleversync_plugin;

/* In one file, because what was read of it is kept for a while. */
static const char settings[] =
    "[ODBC]\nPooling = Yes\n"
    "[FreeTDS pooled]\nDriver = /nowhere/libtdsodbc.so\nCPTimeout = 60\n"
    "[FreeTDS]\nDriver = /nowhere/libtdsodbc.so\nCPTimeout =\n";

static enum cs_rc check(struct fake_host *fake, const char *driver)
{
    const struct cs_sink_ops *ops = cleversync_plugin.ops;
    const struct fake_pair options[] = {
        {"driver", driver}, {"encrypt", "false"}, {NULL, NULL}};
    const struct fake_pair secrets[] = {
        {"connection", "Server=127.0.0.1;Database=d;User ID=u;Password=p"},
        {NULL, NULL}};
    enum cs_rc rc;

    fake_host_init(fake, &cleversync_plugin);
    fake->options = options;
    fake->secrets = secrets;
    assert_int_equal(fake_host_open(fake), CS_OK);
    rc = ops->life.check(fake->self);
    fake_host_close(fake);
    return rc;
}

static void pooled_connections_are_refused(void **state)
{
    struct fake_host fake;

    (void)state;
    setenv("ODBCSYSINI", folder_new(), 1);
    folder_text("odbcinst.ini", settings);
    assert_int_equal(check(&fake, "FreeTDS pooled"), CS_E_CONFIG);
    assert_non_null(strstr(fake.error, "pools its connections"));
    fake_host_clear(&fake);
    /* The other gets as far as its library, which is not there. */
    assert_int_equal(check(&fake, "FreeTDS"), CS_E_CONFIG);
    assert_non_null(strstr(fake.error, "cannot be loaded"));
    fake_host_clear(&fake);
    folder_remove();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pooled_connections_are_refused),
    };

    return cmocka_run_group_tests_name("mssql-pooling", tests, NULL, NULL);
}
