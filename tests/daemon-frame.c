/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

#include "config.h"

#include "daemon-frame.h"

#include "command/cli.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

int daemon_frame_listen(unsigned *port)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t size = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    if (bind(fd, (struct sockaddr *)&address, size) != 0 ||
        listen(fd, 64) != 0 ||
        getsockname(fd, (struct sockaddr *)&address, &size) != 0)
        abort();
    *port = ntohs(address.sin_port);
    return fd;
}

/* ---- As the daemon does -------------------------------------------------- */

static int (*run_tests)(struct cs_generations *generations,
                        struct cs_cancel *cancel);

static void on_stop(void *arg)
{
    cs_cancel_now(arg);
}

static int go(const struct cs_arguments *given)
{
    struct cs_cancel *cancel = cs_cancel_new(NULL, 0);
    const struct cs_signals signals = {.stop = on_stop, .arg = cancel};
    struct cs_generations *generations;
    int failed;

    if (cs_generations_open(&generations, given, cancel, &signals) != 0)
        return 1;
    failed = run_tests(generations, cancel);
    if (failed != 0 || !cs_generations_close(generations))
        return 1;
    cs_cancel_free(cancel);
    return 0;
}

int daemon_frame_run(const char *config,
                     int (*tests)(struct cs_generations *generations,
                                  struct cs_cancel *cancel))
{
    static const struct cs_cli_option none[] = {{.name = NULL}};
    const struct cs_command commands[] = {
        {.name = "go", .summary = "-", .options = none, .run = go},
        {.name = NULL},
    };
    char name[] = "tests", option[] = "--config", word[] = "go";
    char *path = strdup(config), *words[] = {name, option, path, word, NULL};
    int status;

    run_tests = tests;
    status = cs_cli_main(commands, 4, words);
    free(path);
    return status;
}
