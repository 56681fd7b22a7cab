/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

#include "config.h"

#include "app.h"

#include "base/log.h"
#include "base/memory.h"
#include "base/signals.h"
#include "base/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* ---- Saying that it failed ---------------------------------------------- */

int cs_app_fail(const struct cs_arguments *arguments,
                const struct cs_error *error)
{
    return cs_cli_fail(cs_arguments_json(arguments), cs_error_exit(error),
                       error->text, NULL);
}

int cs_app_problems(const struct cs_arguments *arguments,
                    const struct cs_problems *problems)
{
    json_t *array;

    if (!cs_arguments_json(arguments)) {
        for (size_t i = 0; i < problems->n; i++)
            fprintf(stderr, "cleversync: %s\n", problems->text[i]);
        return CS_EXIT_CONFIG;
    }
    array = json_array();
    for (size_t i = 0; i < problems->n; i++) {
        const char *text = problems->text[i];

        /* A file's name in it need not be UTF-8; JSON has to be. */
        if (!cs_text_valid(text, strlen(text)))
            text = "the sentence is not UTF-8: ask again without -o json";
        json_array_append_new(array, json_string(text));
    }
    return cs_cli_fail(true, CS_EXIT_CONFIG, "the configuration has faults",
                       json_pack("{so}", "problems", array));
}

/* ---- Making ready ------------------------------------------------------- */

/* What --set gives, and behind it more unless that is NULL; free(). */
static const char **all_sets(const struct cs_arguments *arguments,
                             const char *const *more)
{
    const char *const *given = cs_arguments_list(arguments, "set");
    const char **sets;
    size_t n = 0, nmore = 0;

    while (given[n] != NULL)
        n++;
    while (more != NULL && more[nmore] != NULL)
        nmore++;
    sets = cs_memory_array(n + nmore + 1, sizeof(*sets));
    for (size_t i = 0; i < n; i++)
        sets[i] = given[i];
    for (size_t i = 0; i < nmore; i++) {
        /* cppcheck-suppress nullPointer ; without more nmore is 0 */
        sets[n + i] = more[i];
    }
    return sets;
}

static void read_settings(struct cs_app *app,
                          const struct cs_arguments *arguments,
                          const char *const *more, struct cs_problems *problems)
{
    const char **sets = all_sets(arguments, more);
    const struct cs_settings_request request = {
        .file = cs_arguments_config(arguments),
        .sets = sets,
        .environment = environ,
    };

    *app = (struct cs_app){0};
    cs_settings_read(&app->settings, &request, problems);
    free(sets);
}

static void make_loader(struct cs_app *app, struct cs_problems *problems)
{
    const struct cs_setting *path =
        cs_settings_find(app->settings, "cleversync", "plugin_path");
    struct cs_error error;

    if (cs_loader_new(&app->loader, path != NULL ? path->value : NULL,
                      &error) == CS_OK)
        return;
    app->loader = NULL;
    cs_problems_add(problems, path != NULL ? path->file : NULL,
                    path != NULL ? path->line : 0, "%s", error.text);
}

void cs_app_read(struct cs_app *app, const struct cs_arguments *arguments,
                 struct cs_problems *problems)
{
    read_settings(app, arguments, NULL, problems);
    make_loader(app, problems);
}

int cs_app_find(struct cs_app *app, const struct cs_arguments *arguments,
                const char *word, const struct cs_module **module)
{
    struct cs_problems problems = {0};
    struct cs_error error = {0};
    int status = CS_EXIT_OK;

    cs_app_read(app, arguments, &problems);
    if (!app->loader) {
        status = cs_app_problems(arguments, &problems);
    } else if (!(*module = cs_loader_find(app->loader, word, &error))) {
        if (error.rc == CS_E_NOT_HERE)
            error.status = CS_EXIT_USAGE;
        status = cs_app_fail(arguments, &error);
    }
    cs_problems_clear(&problems);
    return status;
}

void cs_app_setup_log(const struct cs_app *app)
{
    static const char *const levels[] = {
        [CS_LOG_ERROR] = "error",
        [CS_LOG_WARN] = "warning",
        [CS_LOG_INFO] = "information",
        [CS_LOG_DEBUG] = "debug",
    };
    const char *level = cs_settings_text(app->settings, "logging", "level");
    const char *format = cs_settings_text(app->settings, "logging", "format");
    enum cs_level most = CS_LOG_ERROR;

    while (most < CS_LOG_DEBUG && strcmp(levels[most], level) != 0)
        most++;
    cs_log_setup(most, strcmp(format, "json") == 0 ? CS_LOG_JSON : CS_LOG_TEXT);
}

static struct cs_http_client *make_http(const struct cs_settings *settings)
{
    const struct cs_http_policy policy = {
        .timeout_ms =
            1000 * cs_settings_number(settings, "http", "timeout_seconds"),
        .max_body =
            (size_t)cs_settings_number(settings, "http", "max_body_mb") * 1024 *
            1024,
        .ca_file = cs_settings_text(settings, "http", "ca_file"),
        .proxy = cs_settings_text(settings, "http", "proxy"),
        .attempts = (unsigned)cs_settings_number(settings, "retry",
                                                 "clever_api_max_attempts"),
        .backoff_base =
            cs_settings_decimal(settings, "retry", "clever_api_backoff_base"),
        .respect_retry_after = cs_settings_flag(
            settings, "retry", "rate_limit_respect_retry_after"),
        .requests_per_minute = (unsigned)cs_settings_number(
            settings, "http", "requests_per_minute"),
    };

    return cs_http_client_new(&policy);
}

int cs_app_open(struct cs_app *app, const struct cs_arguments *arguments)
{
    return cs_app_open_with(app, arguments, NULL, NULL);
}

/* What does nothing yet, but is there. */
static void make_rooms(struct cs_app *app)
{
    app->http = make_http(app->settings);
    app->secrets = cs_secrets_new(app);
}

/* Days and the schedule are counted in it. */
void cs_app_set_zone(const struct cs_app *app)
{
    setenv("TZ", cs_settings_text(app->settings, "sync", "time_zone"), 1);
    tzset();
}

static void stop(void *arg)
{
    cs_cancel_now(arg);
}

int cs_app_open_with(struct cs_app *app, const struct cs_arguments *arguments,
                     const char *const *more, struct cs_loader *loader)
{
    struct cs_problems problems = {0};
    int status = CS_EXIT_OK;

    read_settings(app, arguments, more, &problems);
    app->loader = loader;
    if (loader == NULL)
        make_loader(app, &problems);
    if (app->loader != NULL)
        cs_wiring_make(&app->wiring, app->settings, app->loader, &problems);
    if (problems.n > 0)
        status = cs_app_problems(arguments, &problems);
    cs_problems_clear(&problems);
    if (status != CS_EXIT_OK) {
        cs_app_close(app);
        return status;
    }
    cs_app_setup_log(app);
    cs_app_set_zone(app);
    app->cancel = cs_cancel_new(NULL, 0);
    cs_signals_watch(&(struct cs_signals){.stop = stop, .arg = app->cancel});
    make_rooms(app);
    return CS_EXIT_OK;
}

bool cs_app_open_shared(struct cs_app *app,
                        const struct cs_arguments *arguments,
                        const struct cs_app_shared *shared,
                        struct cs_problems *problems)
{
    bool first = shared->loader == NULL;
    struct cs_loader *made = NULL;

    read_settings(app, arguments, NULL, problems);
    app->shares = true;
    app->loader = shared->loader;
    app->cancel = shared->cancel;
    if (first)
        make_loader(app, problems);
    if (first)
        made = app->loader;
    if (app->loader != NULL)
        cs_wiring_make(&app->wiring, app->settings, app->loader, problems);
    if (problems->n > 0) {
        cs_app_close(app);
        cs_loader_free(made);
        return false;
    }
    if (first)
        cs_app_set_zone(app);
    make_rooms(app);
    return true;
}

void cs_app_close(struct cs_app *app)
{
    if (app->secrets != NULL)
        cs_secrets_free(app->secrets);
    if (app->http != NULL)
        cs_http_client_free(app->http);
    if (app->cancel != NULL && !app->shares) {
        cs_signals_stop();
        cs_cancel_free(app->cancel);
    }
    cs_wiring_clear(&app->wiring);
    if (app->loader != NULL && !app->shares)
        cs_loader_free(app->loader);
    if (app->settings != NULL)
        cs_settings_free(app->settings);
    *app = (struct cs_app){0};
}
