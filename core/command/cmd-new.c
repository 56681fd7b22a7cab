/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* plugins new: a plugin to start from, with a test, in a folder of its own. */

#include "config.h"

#include "command/cmd.h"

#include "app.h"
#include "command/template.h"
#include "base/memory.h"
#include "base/text.h"
#include "plugin/descriptor.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- Names --------------------------------------------------------------- */

/* What stands for the words of a template. */
struct forms {
    const char *kind, *name; /* "source", "my-list2" */
    char *word, *WORD;       /* "my_list2", "MY_LIST2", for C */
    char *entity, *Entity;   /* "mylist", "Mylist": letters only */
};

static struct forms forms_of(const char *kind, const char *name)
{
    struct forms forms = {kind,
                          name,
                          cs_memory_text(name),
                          cs_memory_text(name),
                          cs_memory_text(name),
                          NULL};
    size_t n = 0;

    for (size_t i = 0; name[i]; i++) {
        if (name[i] == '-')
            forms.word[i] = '_';
        forms.WORD[i] = (char)toupper((unsigned char)forms.word[i]);
        if (islower((unsigned char)name[i]))
            forms.entity[n++] = name[i];
    }
    forms.entity[n] = '\0';
    forms.Entity = cs_memory_text(forms.entity);
    forms.Entity[0] = (char)toupper((unsigned char)forms.Entity[0]);
    return forms;
}

static void forms_clear(struct forms *forms)
{
    free(forms->word);
    free(forms->WORD);
    free(forms->entity);
    free(forms->Entity);
}

/* The text behind the word that `text` begins with, *form what stands for it;
 * NULL: there is none. */
static const char *word_at(const struct forms *forms, const char *text,
                           const char **form)
{
    const struct {
        const char *word, *form;
    } words[] = {
        {"@kind@", forms->kind},     {"@name@", forms->name},
        {"@word@", forms->word},     {"@WORD@", forms->WORD},
        {"@entity@", forms->entity}, {"@Entity@", forms->Entity},
    };

    for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
        size_t length = strlen(words[i].word);

        if (strncmp(text, words[i].word, length) == 0) {
            *form = words[i].form;
            return text + length;
        }
    }
    return NULL;
}

static void fill_in(FILE *file, const struct forms *forms, const char *text)
{
    while (*text) {
        const char *form, *behind = word_at(forms, text, &form);

        if (behind)
            fputs(form, file);
        else
            fputc(*text, file);
        text = behind ? behind : text + 1;
    }
}

/* ---- Files --------------------------------------------------------------- */

static char *path_of(const struct forms *forms, const char *file)
{
    char *text = NULL, *path;
    size_t size;
    FILE *stream = open_memstream(&text, &size);

    if (!stream)
        abort();
    fill_in(stream, forms, file);
    fclose(stream);
    path = cs_memory_format("%s/%s", forms->name, text);
    free(text);
    return path;
}

static bool write_file(const struct forms *forms, const struct cs_template *one)
{
    char *path = path_of(forms, one->name);
    FILE *file = fopen(path, "wxe");
    bool good;
    int why;

    free(path);
    if (file == NULL)
        return false;
    fill_in(file, forms, (const char *)one->bytes);
    good = fflush(file) == 0 && !ferror(file);
    why = errno;
    fclose(file);
    errno = why;
    return good;
}

static bool is_wanted(const struct forms *forms, const struct cs_template *one)
{
    return !*one->kind || strcmp(one->kind, forms->kind) == 0;
}

static void remove_all(const struct forms *forms)
{
    for (const struct cs_template *one = cs_templates; one->name; one++) {
        char *path = path_of(forms, one->name);

        if (is_wanted(forms, one))
            unlink(path);
        free(path);
    }
    rmdir(forms->name);
}

/* All files or none. */
static int write_all(const struct cs_arguments *arguments,
                     const struct forms *forms)
{
    struct cs_error error = {0};
    bool good = true;

    if (mkdir(forms->name, 0777) != 0) {
        if (errno == EEXIST)
            return cs_cli_misuse(arguments,
                                 "%s is here already, and left as it is",
                                 forms->name);
        cs_error_set(&error, CS_E_FATAL, "the folder %s cannot be made: %s",
                     forms->name, strerror(errno));
        return cs_app_fail(arguments, &error);
    }
    for (const struct cs_template *one = cs_templates; good && one->name; one++)
        if (is_wanted(forms, one))
            good = write_file(forms, one);
    if (good)
        return CS_EXIT_OK;
    cs_error_set(&error, CS_E_FATAL, "the files in %s cannot be written: %s",
                 forms->name, strerror(errno));
    remove_all(forms);
    return cs_app_fail(arguments, &error);
}

static void say(const struct cs_arguments *arguments, const struct forms *forms)
{
    json_t *files;

    if (!cs_arguments_json(arguments)) {
        printf("%s is a new %s plugin; \"make check\" in its folder builds and "
               "tries it\n",
               forms->name, forms->kind);
        return;
    }
    files = json_array();
    for (const struct cs_template *one = cs_templates; one->name; one++) {
        char *path = path_of(forms, one->name);

        if (is_wanted(forms, one))
            json_array_append_new(files, json_string(path));
        free(path);
    }
    cs_cli_print(json_pack("{ss ss so}", "kind", forms->kind, "name",
                           forms->name, "files", files));
}

/* ---- The command --------------------------------------------------------- */

static int unknown_kind(const struct cs_arguments *arguments, const char *kind)
{
    static const char *const kinds[] = {"credential", "source",   "mapper",
                                        "sink",       "notifier", NULL};
    const char *near = cs_text_nearest(kind, kinds);

    return cs_cli_misuse(arguments,
                         "there is no such kind of plugin%s%s%s; there are "
                         "credential, source, mapper, sink and notifier",
                         near ? ": did you mean " : "", near ? near : "",
                         near ? "?" : "");
}

const struct cs_cli_option cs_cmd_plugins_new_options[] = {{.name = NULL}};

int cs_cmd_plugins_new(const struct cs_arguments *arguments)
{
    const char *const *operands = cs_arguments_operands(arguments);
    const char *kind = operands[0], *name = operands[1];
    struct forms forms;
    int status;

    if (!cs_loader_kind_of(kind))
        return unknown_kind(arguments, kind);
    if (!cs_descriptor_name(name) || !islower((unsigned char)*name))
        return cs_cli_misuse(arguments,
                             "a plugin's name has small letters, digits and -, "
                             "at most 32 of them, and begins with a letter");
    forms = forms_of(kind, name);
    status = write_all(arguments, &forms);
    if (status == CS_EXIT_OK)
        say(arguments, &forms);
    forms_clear(&forms);
    return status;
}
