/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* Configurations of a daemon that follow each other, with a webhook whose
 * receiver we are: it answers when we want it to. */
#include "config.h"

#include "daemon/generations.h"

#include "daemon-frame.h"
#include "folder.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

static struct cs_generations *generations;
static int receiver;      /* listens */
static char config[2048]; /* but for these */
static const char session[] = "[session]\nsink = session\n";
static const char pipeline[] = "[pipeline.student]\nsource = clever-data\n"
                               "mapper = student\nsink = schools\n";

/* ---- The receiver -------------------------------------------------------- */

/* A delivery that is waited for: its connection. */
static int await_delivery(const char *event)
{
    char text[4096];
    size_t n = 0;
    int connection = accept(receiver, NULL, NULL);

    assert_true(connection >= 0);
    do {
        ssize_t got = recv(connection, text + n, sizeof(text) - 1 - n, 0);

        assert_true(got > 0);
        n += (size_t)got;
        text[n] = '\0';
    } while (strstr(text, event) == NULL);
    return connection;
}

static bool is_open(int connection)
{
    char byte;

    return recv(connection, &byte, 1, MSG_DONTWAIT | MSG_PEEK) != 0;
}

static void take(int connection)
{
    static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n"
                                 "Connection: close\r\n\r\n";

    assert_int_equal(send(connection, answer, sizeof(answer) - 1, 0),
                     sizeof(answer) - 1);
    close(connection);
}

/* ---- The configuration --------------------------------------------------- */

static const char *write_config(const char *one, const char *other)
{
    char text[sizeof(config) + sizeof(session) + sizeof(pipeline)];

    snprintf(text, sizeof(text), "%s%s%s", config, one, other);
    return folder_text("cleversync.conf", text);
}

static void make_config(unsigned port)
{
    snprintf(config, sizeof(config),
             "[cleversync]\ncredentials = env\n"
             "[sink.session]\nplugin = sqlite-test\npath = session.db\n"
             "[sink.schools]\nplugin = sqlite-test\npath = {school_prefix}.db\n"
             "[logging]\nlevel = error\n"
             "[monitoring]\nnotifiers = webhook\n"
             "[notifier.webhook]\nurl = http://127.0.0.1:%u/\n",
             port);
}

static bool reload(void)
{
    struct cs_problems problems = {0};
    bool done = cs_generations_reload(generations, &problems);

    assert_true(done == (problems.n == 0));
    cs_problems_clear(&problems);
    return done;
}

static void raise_event(int number)
{
    struct cs_app *app = cs_generations_borrow(generations);

    cs_notify_raise(cs_generations_notify(app),
                    json_pack("{ss, si}", "event", "held", "held", number));
    cs_generations_return(generations, app);
}

/* ---- Tests --------------------------------------------------------------- */

static void nobody_waits_for_what_is_over(void **state)
{
    int connection;

    (void)state;
    raise_event(1);
    connection = await_delivery("\"held\":1");
    assert_true(reload());            /* its thread gives the old one back */
    assert_true(is_open(connection)); /* whose notifier is still at it */
    close(connection);
    take(await_delivery("\"held\":1")); /* by the new one's */
}

static void what_would_not_start_is_not_reloaded(void **state)
{
    (void)state;
    write_config("", pipeline);
    assert_false(reload());
    write_config(session, "");
    assert_false(reload());
    write_config(session, pipeline);
    assert_true(reload());
}

/* ---- Around them --------------------------------------------------------- */

static int run_all_tests(struct cs_generations *of, struct cs_cancel *cancel)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nobody_waits_for_what_is_over),
        cmocka_unit_test(what_would_not_start_is_not_reloaded),
    };

    (void)cancel;
    generations = of;
    return cmocka_run_group_tests(tests, NULL, NULL);
}

int main(void)
{
    unsigned port;
    int status;

    receiver = daemon_frame_listen(&port);
    make_config(port);
    folder_new();
    setenv("CLEVERSYNCSOS__WEBHOOK__SECRET", "secret", 1);
    status = daemon_frame_run(write_config(session, pipeline), run_all_tests);
    close(receiver);
    folder_remove();
    return status;
}
