/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* The plugin alone, with a fake host in the core's place. */
#define _DEFAULT_SOURCE 1

#include "fake-host.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

extern const struct cs_plugin cleversync_plugin;

static char directory[] = "/tmp/journal-XXXXXX", path[sizeof directory + 32];
static struct fake_host fake;

static enum cs_rc notify(const json_t *const *events, size_t n)
{
    const struct cs_notifier_ops *ops = cleversync_plugin.ops;
    bool again[8] = {false};
    struct cs_news news = {
        .size = sizeof news, .events = events, .n = n, .again = again};

    return ops->notify(fake.self, &news);
}

/* Whether the file has exactly these lines. */
static bool holds(const char *want)
{
    char text[1024] = "";
    FILE *file = fopen(path, "r");

    if (file == NULL)
        return false;
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    fclose(file);
    return strcmp(text, want) == 0;
}

int main(void)
{
    const struct fake_pair options[] = {{"path", path}, {NULL, NULL}};
    const json_t *events[] = {json_pack("{s:s}", "event", "alert"),
                              json_pack("{s:s}", "event", "recovered")};
    int other;

    if (mkdtemp(directory) == NULL)
        abort();
    snprintf(path, sizeof path, "%s/events", directory);
    fake_host_init(&fake, &cleversync_plugin);
    fake.options = options;
    fake_ok(fake_host_open(&fake) == CS_OK, "it opens");

    fake_ok(notify(events, 2) == CS_OK &&
                holds("{\"event\":\"alert\"}\n{\"event\":\"recovered\"}\n"),
            "a line for each event, oldest first");
    fake_ok(notify(events, 1) == CS_OK &&
                holds("{\"event\":\"alert\"}\n{\"event\":\"recovered\"}\n"
                      "{\"event\":\"alert\"}\n"),
            "later ones come behind");

    other = open(path, O_RDONLY);
    flock(other, LOCK_EX);
    fake.remaining = 0;
    fake_ok(notify(events, 1) == CS_E_CANCELLED,
            "a busy file is waited for as long as there is time");
    fake.remaining = 1000;
    close(other);
    fake_ok(notify(events + 1, 1) == CS_OK &&
                holds("{\"event\":\"alert\"}\n{\"event\":\"recovered\"}\n"
                      "{\"event\":\"alert\"}\n{\"event\":\"recovered\"}\n"),
            "and nothing comes twice");
    unlink(path);
    rmdir(directory);
    fake_ok(notify(events, 1) == CS_E_CONFIG, "a folder that is not there");
    fake_ok(strstr(fake.error, path) != NULL, "it is named");

    for (size_t i = 0; i < 2; i++)
        json_decref((json_t *)events[i]);
    fake_host_clear(&fake);
    return fake_end_of_tests();
}
