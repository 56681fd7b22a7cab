/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* The plugin alone, with a fake host in the core's place. */
#define _POSIX_C_SOURCE 200809L

#include "fake-host.h"

#include <sys/stat.h>
#include <unistd.h>

extern const struct cs_plugin cleversync_plugin;

static char path[] = "/tmp/dotenv-XXXXXX";
static struct fake_host fake;

static void holds(const char *text, mode_t mode)
{
    FILE *file = fopen(path, "w");
    if (file == NULL || fputs(text, file) < 0 || fclose(file) != 0 ||
        chmod(path, mode) != 0)
        abort();
}

static void gives(enum cs_rc rc, const char *name, const char *want,
                  const char *what)
{
    const struct cs_credential_ops *ops = cleversync_plugin.ops;
    struct cs_secret secret = {0};
    enum cs_rc got = ops->fetch(fake.self, name, &secret);
    fake_ok(got == rc && (want == NULL ? secret.bytes == NULL
                                       : secret.bytes != NULL &&
                                             strcmp(secret.bytes, want) == 0),
            what);
    fake_secret_clear(&secret);
}

int main(void)
{
    const struct fake_pair options[] = {{"path", path}, {NULL, NULL}};
    int file = mkstemp(path);

    if (file < 0)
        abort();
    close(file);
    fake_host_init(&fake, &cleversync_plugin);
    fake.options = options;
    fake_ok(fake_host_open(&fake) == CS_OK, "it opens");

    holds("A=1\nAB=two\nC-D=x=y z\nEMPTY=\nLAST=end", 0600);
    gives(CS_OK, "A", "1", "a line");
    gives(CS_OK, "AB", "two", "not one whose name only begins so");
    gives(CS_OK, "C-D", "x=y z", "a value is all behind the first =");
    gives(CS_OK, "LAST", "end", "the last line needs no end");
    gives(CS_E_NOT_HERE, "B", NULL, "a name that is not there");
    gives(CS_E_NOT_HERE, "", NULL, "no name");
    gives(CS_E_CONFIG, "EMPTY", NULL, "nothing is no secret");
    holds("A=2\n", 0600);
    gives(CS_OK, "A", "2", "a change is seen");

    holds("A=1\n", 0644);
    gives(CS_E_CONFIG, "A", NULL, "a file for everybody is refused");
    fake_ok(strstr(fake.error, "open to every user") != NULL, "and why");
    unlink(path);
    gives(CS_E_CONFIG, "A", NULL, "a file that is not there");

    fake_host_clear(&fake);
    return fake_end_of_tests();
}
