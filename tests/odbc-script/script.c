/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* Reads a script and finds the rule for a statement. */
#include "config.h"

#include "odbc-script.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- Lines -------------------------------------------------------------- */

/* Cuts the first word off; *rest is what follows it. */
static char *script_word(char **rest)
{
    char *word = *rest + strspn(*rest, " ");
    char *end = word + strcspn(word, " ");
    *rest = end + strspn(end, " ");
    *end = '\0';
    return word;
}

static char *script_copy(const char *text)
{
    return text_need(strdup(text));
}

static void script_cells(struct script_result *result, char *row)
{
    char *cell;
    while ((cell = strsep(&row, "|")) != NULL) {
        size_t size = (result->ncells + 1) * sizeof *result->cells;
        result->cells = text_need(realloc(result->cells, size));
        result->cells[result->ncells++] =
            strcmp(cell, "\\N") == 0 ? NULL : script_copy(cell);
    }
}

static bool script_fault(struct script_result *result, char *rest)
{
    if (result->nfaults == SCRIPT_FAULTS)
        return false;
    struct script_fault *fault = &result->faults[result->nfaults++];
    const char *state = script_word(&rest);
    snprintf(fault->state, sizeof fault->state, "%s", state);
    fault->native = atoi(rest);
    return strlen(state) == 5 && *rest != '\0';
}

/* ---- Rules -------------------------------------------------------------- */

static const struct {
    const char *word;
    enum script_kind kind;
} script_kinds[] = {
    {"done", SCRIPT_DONE},
    {"none", SCRIPT_NONE},
    {"rows", SCRIPT_ROWS},
    {"elements", SCRIPT_ELEMENTS},
    {"trancount", SCRIPT_TRANCOUNT},
    {"error", SCRIPT_ERROR},
    {"bad", SCRIPT_BAD},
    {"late", SCRIPT_LATE},
    {"stall", SCRIPT_STALL},
    {"early", SCRIPT_EARLY},
    {"hang", SCRIPT_HANG},
    {"timeout", SCRIPT_TIMEOUT},
};

static bool script_kind(const char *word, enum script_kind *kind)
{
    for (size_t i = 0; i < sizeof script_kinds / sizeof *script_kinds; i++)
        if (strcmp(script_kinds[i].word, word) == 0) {
            *kind = script_kinds[i].kind;
            return true;
        }
    return false;
}

static bool script_result(struct script_rule *rule, enum script_kind kind,
                          char *rest)
{
    size_t size = (rule->nresults + 1) * sizeof *rule->results;
    rule->results = text_need(realloc(rule->results, size));
    struct script_result *result = &rule->results[rule->nresults++];
    *result = (struct script_result){.kind = kind};
    bool bad = kind == SCRIPT_BAD || kind == SCRIPT_LATE;
    if (bad)
        result->number = atol(script_word(&rest));
    if (kind == SCRIPT_ROWS)
        result->columns = (size_t)atol(rest);
    else if (kind == SCRIPT_ELEMENTS || bad)
        result->columns = 1;
    else if (kind == SCRIPT_TRANCOUNT)
        result->columns = 2;
    if (kind == SCRIPT_ERROR || bad)
        return script_fault(result, rest);
    return true;
}

/* About the last result. */
static bool script_detail(struct script_result *result, const char *word,
                          char *rest)
{
    if (strcmp(word, "row") == 0)
        script_cells(result, rest);
    else if (strcmp(word, "also") == 0)
        return script_fault(result, rest);
    else if (strcmp(word, "fetch") == 0)
        return script_kind(script_word(&rest), &result->fetch) &&
               (result->fetch != SCRIPT_ERROR || script_fault(result, rest));
    else if (strcmp(word, "unknown") == 0)
        result->unknown = true;
    else if (strcmp(word, "dead") == 0)
        result->dead = true;
    else if (strcmp(word, "lost") == 0)
        result->lost = true;
    else if (strcmp(word, "undone") == 0)
        result->undone = true;
    else
        return false;
    return true;
}

static void script_begin(struct script *script, const char *text)
{
    size_t size = (script->nrules + 1) * sizeof *script->rules;
    script->rules = text_need(realloc(script->rules, size));
    struct script_rule *rule = &script->rules[script->nrules++];
    *rule = (struct script_rule){.text = text ? script_copy(text) : NULL};
}

static bool script_line(struct script *script, char *line)
{
    enum script_kind kind;
    const char *word = script_word(&line);
    if (*word == '\0' || *word == '#')
        return true;
    if (strcmp(word, "connect") == 0 || strcmp(word, "on") == 0) {
        script_begin(script, *word == 'o' ? line : NULL);
        return true;
    }
    if (script->nrules == 0)
        return false;
    struct script_rule *rule = &script->rules[script->nrules - 1];
    if (script_kind(word, &kind))
        return script_result(rule, kind, line);
    if (strcmp(word, "at") == 0) {
        rule->at = atol(line);
        return true;
    }
    if (strcmp(word, "after") == 0) {
        rule->after = script_copy(line);
        rule->waits = true;
        return true;
    }
    return rule->nresults > 0 &&
           script_detail(&rule->results[rule->nresults - 1], word, line);
}

bool script_read(struct script *script, const char *path)
{
    FILE *file = fopen(path, "r");
    char *line = NULL;
    size_t size = 0;
    ssize_t n;
    bool good = file != NULL;
    *script = (struct script){0};
    while (good && (n = getline(&line, &size, file)) >= 0) {
        while (n > 0 && strchr("\n ", line[n - 1]) != NULL)
            line[--n] = '\0';
        good = script_line(script, line);
        if (!good)
            fprintf(stderr, "# %s: no good: %s\n", path, line);
    }
    free(line);
    if (file != NULL)
        fclose(file);
    if (!good)
        script_clear(script);
    return good;
}

void script_clear(struct script *script)
{
    for (size_t i = 0; i < script->nrules; i++) {
        struct script_rule *rule = &script->rules[i];
        for (size_t j = 0; j < rule->nresults; j++) {
            for (size_t k = 0; k < rule->results[j].ncells; k++)
                free(rule->results[j].cells[k]);
            free(rule->results[j].cells);
        }
        free(rule->results);
        free(rule->after);
        free(rule->text);
    }
    free(script->rules);
    *script = (struct script){0};
}

/* ---- Fitting ------------------------------------------------------------ */

static bool script_fits(const struct script_rule *rule, const char *statement)
{
    if (rule->text == NULL || statement == NULL)
        return rule->text == statement;
    return strstr(statement, rule->text) != NULL && !rule->waits;
}

/* For the statements that follow. */
static void script_note(struct script *script, const char *statement)
{
    for (size_t i = 0; statement != NULL && i < script->nrules; i++) {
        struct script_rule *rule = &script->rules[i];
        if (rule->waits && strstr(statement, rule->after) != NULL)
            rule->waits = false;
    }
}

static const struct script_rule *script_first(struct script *script,
                                              const char *statement)
{
    for (size_t i = 0; i < script->nrules; i++) {
        struct script_rule *rule = &script->rules[i];
        if (!script_fits(rule, statement))
            continue;
        rule->seen++;
        if (rule->at == 0 || rule->at == rule->seen)
            return rule;
    }
    return NULL;
}

const struct script_rule *script_find(struct script *script,
                                      const char *statement)
{
    const struct script_rule *rule = script_first(script, statement);
    script_note(script, statement);
    return rule;
}
