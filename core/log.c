/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

#include "config.h"

#include "log.h"

#include "clock.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

/* The process has one standard error, so this is the one room with state of
 * its own; the mutex guards it all. */
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static enum cs_level most_wanted = CS_LOG_INFO;
static enum cs_log_format format = CS_LOG_TEXT;
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

void cs_log_setup(enum cs_level most, enum cs_log_format wanted)
{
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
    fprintf(stderr, "%s %s", time, level_word(level));
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
