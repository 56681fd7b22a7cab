/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

#include "config.h"

#include "config/ini.h"

#include "base/memory.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <ini.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    FILE_SIZE = 1024 * 1024,
    FILE_LINES = 10000,
    LINE_LENGTH = 8192,
    NAME_LENGTH = 49, /* libinih cuts longer section names in silence */
};

struct names { /* seen so far */
    char **text;
    size_t n;
};

struct reader {
    const char *file;
    unsigned line;
    cs_ini_fn *each;
    void *arg;
    struct cs_problems *problems;
    char *section;               /* the one we are in; NULL before the first */
    struct names sections, keys; /* of the file; of this section */
};

/* ---- What was seen ----------------------------------------------------- */

/* False when it was there already. */
static bool names_add(struct names *names, const char *name)
{
    for (size_t i = 0; i < names->n; i++)
        if (strcmp(names->text[i], name) == 0)
            return false;
    names->text =
        cs_memory_grow(names->text, names->n + 1, sizeof(*names->text));
    names->text[names->n++] = cs_memory_text(name);
    return true;
}

static void names_clear(struct names *names)
{
    for (size_t i = 0; i < names->n; i++)
        free(names->text[i]);
    free(names->text);
    *names = (struct names){NULL, 0};
}

/* ---- What text may hold ------------------------------------------------- */

static bool printable(const char *text)
{
    for (; *text; text++)
        if (((unsigned char)*text < ' ' && *text != '\t') || *text == 0x7F)
            return false;
    return true;
}

bool cs_ini_storable(const char *value)
{
    size_t length = strlen(value);

    return length <= LINE_LENGTH && cs_text_valid(value, length) &&
           printable(value);
}

/* ---- One line ---------------------------------------------------------- */

#define complain(reader, ...)                                           \
    cs_problems_add((reader)->problems, (reader)->file, (reader)->line, \
                    __VA_ARGS__)

struct parsed {
    char section[NAME_LENGTH + 1], key[NAME_LENGTH + 1];
    bool found;
};

static int parsed_one(void *user, const char *section, const char *key,
                      const char *value)
{
    struct parsed *parsed = user;

    (void)value;
    /* Both fit: take_heading() and take_key() have looked. */
    strcpy(parsed->section, section);
    strcpy(parsed->key, key);
    parsed->found = true;
    return 1;
}

/* What libinih makes of the structure of a line: a heading with a key behind
 * it, because it never shows a section without keys, or a key up to its `='.
 *
 * The value never passes through libinih: Debian's build would cut the line at
 * 199 bytes, take the rest for another line, and drop what follows " ;".  As
 * a value is simply what stands between `=' and the end of the line, nothing
 * is lost by that. */
static bool parse(const char *structure, size_t length, const char *more,
                  struct parsed *parsed)
{
    char *text = cs_memory_format("%.*s%s", (int)length, structure, more);
    int status;

    parsed->found = false;
    status = ini_parse_string(text, parsed_one, parsed);
    free(text);
    return status == 0 && parsed->found;
}

static void take_heading(struct reader *reader, const char *line)
{
    size_t length = strcspn(line, "]");
    struct parsed parsed;

    if (length > NAME_LENGTH + 1) {
        complain(reader, "the section's name is longer than %d bytes",
                 NAME_LENGTH);
        return;
    }
    if (!line[length] || cs_text_trim(line + length + 1).length > 0 ||
        !parse(line, length + 1, "\nkey =\n", &parsed) || !parsed.section[0]) {
        complain(reader, "this is no section: [NAME] is expected");
        return;
    }
    if (!names_add(&reader->sections, parsed.section))
        complain(reader, "section [%s] is in this file twice", parsed.section);
    names_clear(&reader->keys);
    free(reader->section);
    reader->section = cs_memory_text(parsed.section);
    reader->each(reader->arg, reader->section, NULL, NULL, reader->file,
                 reader->line);
}

static void take_key(struct reader *reader, char *line)
{
    size_t equals = strcspn(line, "=:");
    struct parsed parsed;
    struct cs_span key, trimmed;
    char *value;

    if (line[equals] != '=') {
        complain(reader, "this is no setting: KEY = VALUE is expected");
        return;
    }
    line[equals] = '\0';
    key = cs_text_trim(line);
    if (key.length > NAME_LENGTH) {
        complain(reader, "the key's name is longer than %d bytes", NAME_LENGTH);
        return;
    }
    if (!parse(key.start, key.length, "=\n", &parsed) || !parsed.key[0]) {
        complain(reader, "this is no setting: KEY = VALUE is expected");
        return;
    }
    if (!reader->section) {
        complain(reader, "%s stands before the first [SECTION]", parsed.key);
        return;
    }
    if (!names_add(&reader->keys, parsed.key)) {
        complain(reader, "%s is set twice in [%s]", parsed.key,
                 reader->section);
        return;
    }
    trimmed = cs_text_trim(line + equals + 1);
    value = cs_memory_textn(trimmed.start, trimmed.length);
    reader->each(reader->arg, reader->section, parsed.key, value, reader->file,
                 reader->line);
    free(value);
}

static void take_line(struct reader *reader, char *line, size_t length)
{
    if (length > 0 && line[length - 1] == '\r')
        line[--length] = '\0';
    if (length > LINE_LENGTH) {
        complain(reader, "the line is longer than %d bytes", LINE_LENGTH);
        return;
    }
    if (!printable(line)) {
        complain(reader, "the line holds a control character");
        return;
    }
    /* Indented or not makes no difference: nothing goes on from a line
     * before. */
    line += strspn(line, " \t");
    if (*line == '[')
        take_heading(reader, line);
    else if (*line && *line != '#' && *line != ';')
        take_key(reader, line);
}

/* ---- The file ---------------------------------------------------------- */

/* All bytes with a NUL behind them, or NULL with a problem added. */
static char *contents(struct reader *reader, size_t *size)
{
    /* O_NONBLOCK: a FIFO must not make us wait. */
    int fd = open(reader->file, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct stat status;
    char *bytes = NULL;
    size_t used = 0;
    ssize_t n;

    if (fd < 0 || fstat(fd, &status) != 0) {
        complain(reader, "the file cannot be read: %s", strerror(errno));
        goto out;
    }
    if (!S_ISREG(status.st_mode)) {
        complain(reader, "this is %s, not a file",
                 S_ISDIR(status.st_mode) ? "a directory" : "a device or pipe");
        goto out;
    }
    bytes = cs_memory_new(FILE_SIZE + 2);
    do {
        n = read(fd, bytes + used, FILE_SIZE + 1 - used);
        if (n > 0)
            used += (size_t)n;
    } while (n > 0 || (n < 0 && errno == EINTR));
    if (n < 0)
        complain(reader, "the file cannot be read: %s", strerror(errno));
    else if (used > FILE_SIZE)
        complain(reader, "the file is larger than %d bytes", FILE_SIZE);
    if (n < 0 || used > FILE_SIZE) {
        free(bytes);
        bytes = NULL;
    }
    *size = used;

out:
    if (fd >= 0)
        close(fd);
    return bytes;
}

static void take_lines(struct reader *reader, char *at, char *end)
{
    while (at < end) {
        char *stop = memchr(at, '\n', (size_t)(end - at));
        size_t length;

        if (!stop)
            stop = end;
        length = (size_t)(stop - at);
        *stop = '\0';
        if (++reader->line > FILE_LINES) {
            complain(reader, "the file has more than %d lines", FILE_LINES);
            return;
        }
        /* A file that is no text is said so once, not line by line. */
        if (strlen(at) < length || !cs_text_valid(at, length)) {
            complain(reader, "this is not UTF-8 text");
            return;
        }
        take_line(reader, at, length);
        at = stop + 1;
    }
}

void cs_ini_read(const char *file, cs_ini_fn *each, void *arg,
                 struct cs_problems *problems)
{
    struct reader reader = {
        .file = file, .each = each, .arg = arg, .problems = problems};
    size_t size = 0;
    char *bytes = contents(&reader, &size);

    if (bytes) {
        bool marked = size >= 3 && memcmp(bytes, "\xEF\xBB\xBF", 3) == 0;

        take_lines(&reader, bytes + (marked ? 3 : 0), bytes + size);
    }
    free(bytes);
    free(reader.section);
    names_clear(&reader.sections);
    names_clear(&reader.keys);
}
