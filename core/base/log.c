/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

#include "config.h"

#include "base/log.h"

#include "base/clock.h"

#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The process has one standard error, so this is the one room with state of
 * its own; the mutex guards it all. */
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static _Atomic(enum cs_level) most_wanted = CS_LOG_INFO;
static _Atomic(enum cs_log_format) format = CS_LOG_TEXT;
static _Atomic bool journal; /* reads standard error, and asks for priorities */
static struct cs_log_screen screen;

static const char *level_word(enum cs_level level)
{
    switch (level) {
    case CS_LOG_ERROR:
        return "error";
    case CS_LOG_WARN:
        return "warning";
    case CS_LOG_INFO:
        return "information";
    case CS_LOG_DEBUG:
        break;
    }
    return "debug";
}

/* systemd says which file its journal's end is: "DEVICE:INODE". */
static bool is_journal(void)
{
    const char *stream = getenv("JOURNAL_STREAM");
    char mine[64];
    struct stat file;

    if (stream == NULL || fstat(STDERR_FILENO, &file) != 0)
        return false;
    snprintf(mine, sizeof(mine), "%ju:%ju", (uintmax_t)file.st_dev,
             (uintmax_t)file.st_ino);
    return strcmp(stream, mine) == 0;
}

/* As syslog counts them. */
static int priority(enum cs_level level)
{
    switch (level) {
    case CS_LOG_ERROR:
        return 3;
    case CS_LOG_WARN:
        return 4;
    case CS_LOG_INFO:
        return 6;
    case CS_LOG_DEBUG:
        break;
    }
    return 7;
}

void cs_log_setup(enum cs_level most, enum cs_log_format wanted)
{
    journal = is_journal();
    most_wanted = most;
    format = wanted;
}

bool cs_log_wants(enum cs_level level)
{
    return level <= most_wanted;
}

static void write_text(const char *time, enum cs_level level,
                       const struct cs_log_context *context,
                       const char *message)
{
    if (journal)
        fprintf(stderr, "<%d>", priority(level));
    fprintf(stderr, "%s %s", time, level_word(level));
    if (context->run)
        fprintf(stderr, " run=%s", context->run);
    if (context->district)
        fprintf(stderr, " district=%s", context->district);
    if (context->school)
        fprintf(stderr, " school=%s", context->school);
    if (context->entity)
        fprintf(stderr, " entity=%s", context->entity);
    if (context->instance)
        fprintf(stderr, " %s", context->instance);
    fprintf(stderr, ": %s\n", message);
}

static void write_json(const char *time, enum cs_level level,
                       const struct cs_log_context *context,
                       const char *message)
{
    json_t *line = json_pack(
        "{s:s, s:s, s:s*, s:s*, s:s*, s:s*, s:s*, s:s*}", "time", time, "level",
        level_word(level), "run", context->run, "district", context->district,
        "school", context->school, "entity", context->entity, "instance",
        context->instance, "message", message);
    char *text = line ? json_dumps(line, JSON_COMPACT) : NULL;

    if (text)
        fprintf(stderr, "%s\n", text);
    free(text);
    json_decref(line);
}

void cs_log_vwrite(enum cs_level level, const struct cs_log_context *context,
                   const char *message_format, va_list arguments)
{
    static const struct cs_log_context nobody;
    char time[CS_CLOCK_ISO];
    char message[1024];

    if (!cs_log_wants(level))
        return;
    cs_clock_format(cs_clock_now(), time);
    vsnprintf(message, sizeof(message), message_format, arguments);
    pthread_mutex_lock(&mutex);
    if (screen.clear)
        screen.clear(screen.arg);
    if (format == CS_LOG_JSON)
        write_json(time, level, context ? context : &nobody, message);
    else
        write_text(time, level, context ? context : &nobody, message);
    if (screen.draw)
        screen.draw(screen.arg);
    pthread_mutex_unlock(&mutex);
}

void cs_log_write(enum cs_level level, const struct cs_log_context *context,
                  const char *message_format, ...)
{
    va_list arguments;

    va_start(arguments, message_format);
    cs_log_vwrite(level, context, message_format, arguments);
    va_end(arguments);
}

void cs_log_screen(const struct cs_log_screen *new_screen)
{
    pthread_mutex_lock(&mutex);
    screen = new_screen ? *new_screen : (struct cs_log_screen){0};
    pthread_mutex_unlock(&mutex);
}

void cs_log_redraw(void)
{
    pthread_mutex_lock(&mutex);
    if (screen.clear)
        screen.clear(screen.arg);
    if (screen.draw)
        screen.draw(screen.arg);
    pthread_mutex_unlock(&mutex);
}
