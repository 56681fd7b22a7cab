/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* Cases for sources that read the lab, as Clever. */

#include "config.h"

#include "conform/conform-lab.h"
#include "conform/source-probe.h"

#include "base/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool reads_lab(struct cs_probe *probe)
{
    if (!probe->conform->lab)
        cs_conform_skip(probe->conform,
                        "it takes the lab: let base_url be {lab}/v3.0");
    return !cs_conform_over(probe->conform);
}

/* ---- Faults -------------------------------------------------------------- */

static const struct fault {
    const char *name, *spec;
    int want[2];  /* one of them; 0 twice: all is read, as if nothing was */
    bool listing; /* of a listing alone */
} faults[] = {
    {"clever: 401 is CS_E_AUTH", "status-401", {CS_E_AUTH, CS_E_AUTH}, false},
    {"clever: 403 is CS_E_AUTH, or no feed",
     "status-403",
     {CS_E_AUTH, CS_E_NOT_HERE},
     false},
    {"clever: 404 is CS_E_NOT_HERE",
     "status-404",
     {CS_E_NOT_HERE, CS_E_NOT_HERE},
     false},
    {"clever: 500 is CS_E_RETRY",
     "status-500",
     {CS_E_RETRY, CS_E_RETRY},
     false},
    {"clever: 503 is CS_E_RETRY",
     "status-503",
     {CS_E_RETRY, CS_E_RETRY},
     false},
    {"clever: 429 is CS_E_RETRY",
     "storm-429,retry_after=0",
     {CS_E_RETRY, CS_E_RETRY},
     false},
    {"clever: a closed connection is CS_E_RETRY",
     "reset",
     {CS_E_RETRY, CS_E_RETRY},
     false},
    {"clever: half a body is CS_E_RETRY",
     "cut-body",
     {CS_E_RETRY, CS_E_RETRY},
     false},
    {"clever: HTML is no page", "html-200", {CS_E_FATAL, CS_E_FATAL}, false},
    {"clever: {} is no page", "empty-object", {CS_E_FATAL, CS_E_FATAL}, false},
    {"clever: data null is no page",
     "data-null",
     {CS_E_FATAL, CS_E_FATAL},
     false},
    {"clever: what is not UTF-8 is no page",
     "bad-utf8",
     {CS_E_FATAL, CS_E_FATAL},
     false},
    {"clever: what is nested deeply is no page",
     "deep",
     {CS_E_FATAL, CS_E_FATAL},
     false},
    {"clever: a name of 10 MB is no page",
     "huge-string",
     {CS_E_FATAL, CS_E_FATAL},
     false},
    {"clever: a link to the same page is no way on",
     "repeat-page,after=1",
     {CS_E_FATAL, CS_E_FATAL},
     true},
    {"clever: a link backwards is no way on",
     "backward-next,after=1",
     {CS_E_FATAL, CS_E_FATAL},
     true},
    {"clever: a link to another host is no way on",
     "foreign-next",
     {CS_E_FATAL, CS_E_FATAL},
     true},
    {"clever: a link that says only where to go on",
     "bare-next",
     {0, 0},
     false},
    {"clever: pages shorter than wanted", "short-page,rows=2", {0, 0}, false},
    {"clever: a token that dies between pages",
     "die-token,after=1",
     {0, 0},
     false},
};
enum { FAULTS = sizeof(faults) / sizeof(*faults) };

static const struct fault *fault_of(const char *name)
{
    size_t i = 0;

    while (strcmp(faults[i].name, name) != 0)
        i++;
    return &faults[i];
}

static void set_fault(struct cs_reading *reading, const char *spec)
{
    char *path = cs_memory_format("%s,path=/%s", spec,
                                  reading->entity ? "users" : "events");

    cs_probe_fault(reading->probe, path);
    free(path);
}

static void expect_rest(struct cs_reading *reading, size_t want)
{
    if (!cs_conform_over(reading->probe->conform) &&
        json_array_size(reading->records) != want)
        cs_conform_fail(reading->probe->conform, "%zu records, not %zu",
                        json_array_size(reading->records), want);
}

static void a_fault(struct cs_probe *probe)
{
    const struct fault *fault = fault_of(probe->conform->name);
    struct cs_reading reading;
    size_t whole;
    enum cs_rc rc;

    if (!reads_lab(probe))
        return;
    cs_reading_begin(&reading, probe);
    if (fault->listing && !reading.entity)
        cs_conform_skip(probe->conform, "a feed follows no link");
    cs_reading_whole(&reading, NULL);
    whole = json_array_size(reading.records);
    cs_reading_again(&reading);
    set_fault(&reading, fault->spec);
    if (!cs_conform_over(probe->conform)) {
        rc = cs_reading_all(&reading, NULL);
        if (rc != (enum cs_rc)fault->want[0])
            cs_probe_wants(probe, "reading to the end", rc,
                           (enum cs_rc)fault->want[1]);
        if (rc == CS_OK)
            expect_rest(&reading, whole);
    }
    cs_reading_end(&reading);
}

/* ---- Cut short ----------------------------------------------------------- */

/* Nobody may count as gone who only was not told of. */
static void cut(struct cs_probe *probe)
{
    struct cs_reading reading;
    size_t pages;

    if (!reads_lab(probe))
        return;
    cs_reading_begin(&reading, probe);
    cs_reading_whole(&reading, NULL);
    pages = reading.ncursors + 1;
    for (size_t page = 0; page < pages; page++) {
        char spec[40];

        cs_conform_about(probe->conform, "page %zu", page + 1);
        cs_reading_again(&reading);
        snprintf(spec, sizeof(spec), "cut-body,after=%zu", page);
        set_fault(&reading, spec);
        if (!cs_conform_over(probe->conform))
            cs_probe_wants(probe, "reading to the end",
                           cs_reading_all(&reading, NULL), CS_E_RETRY);
    }
    cs_reading_end(&reading);
}

/* ---- Whose it is --------------------------------------------------------- */

static void other_district(struct cs_probe *probe)
{
    struct cs_instance *source;

    if (!reads_lab(probe))
        return;
    source = cs_probe_open(probe, 0);
    if (cs_conform_over(probe->conform))
        return;
    cs_probe_wants(probe, "check", cs_instance_check(source, &probe->error),
                   CS_OK);
    cs_conform_about(probe->conform, "with the token of another district");
    cs_probe_fault(probe, "wrong-district");
    if (!cs_conform_over(probe->conform))
        cs_probe_wants(probe, "check", cs_instance_check(source, &probe->error),
                       CS_E_AUTH);
}

/* Everybody of the school, in the order of their ids, and nobody else. */
static void school(struct cs_probe *probe)
{
    struct cs_reading reading;
    const char *role;
    json_t *truth, *entry;
    char *path;
    size_t i;

    if (!reads_lab(probe))
        return;
    cs_reading_begin(&reading, probe);
    role = reading.entity ? reading.entity->collection : "";
    if (strcmp(role, "students") != 0 && strcmp(role, "teachers") != 0)
        cs_conform_skip(probe->conform, "it lists no people of a school");
    cs_reading_whole(&reading, NULL);
    path = cs_memory_format("/lab/truth?school=%s&role=%.7s",
                            probe->whom.school_id, role);
    truth = cs_conform_lab_get(probe->conform->lab, path);
    expect_rest(&reading, json_object_size(truth));
    json_array_foreach(reading.records, i, entry)
    {
        const char *id = json_string_value(
            json_object_get(json_object_get(entry, "record"), "id"));

        if (!id || !json_object_get(truth, id))
            cs_conform_fail(probe->conform,
                            "record %zu is none of the school's", i + 1);
    }
    free(path);
    json_decref(truth);
    cs_reading_end(&reading);
}

/* People come and go while a listing is read. */
static void changing(struct cs_probe *probe)
{
    struct cs_reading reading;

    if (!reads_lab(probe))
        return;
    cs_reading_begin(&reading, probe);
    if (!cs_conform_over(probe->conform))
        cs_probe_wants(probe, "fetch", cs_reading_page(&reading, NULL), CS_OK);
    if (reading.page.end == CS_PAGE_NEXT) {
        char *cursor = cs_memory_text(reading.page.cursor);

        cs_probe_lab(probe, "/lab/drift?seed=11&n=40");
        cs_reading_whole(&reading, cursor);
        free(cursor);
    }
    cs_reading_end(&reading);
}

/* ---- Privacy ------------------------------------------------------------- */

/* What the lab's errors say about a child who does not exist. */
static void quotes_nobody(struct cs_probe *probe)
{
    struct cs_reading reading;

    if (!reads_lab(probe))
        return;
    cs_reading_begin(&reading, probe);
    for (size_t i = 0; i < FAULTS && !cs_conform_over(probe->conform); i++) {
        cs_reading_again(&reading);
        set_fault(&reading, faults[i].spec);
        cs_reading_all(&reading, NULL);
        cs_conform_about(probe->conform, "%s", faults[i].spec);
        if (cs_probe_heard(probe, "Quill") ||
            strstr(probe->error.text, "Quill"))
            cs_conform_fail(probe->conform, "what was said quotes a reply");
    }
    cs_reading_end(&reading);
}

const struct cs_conform_case cs_conform_source_clever[] = {
    {CS_CONFORM_WORKS, "clever: everybody of the school, and nobody else",
     school},
    {CS_CONFORM_WORKS, "clever: the check knows the district", other_district},
    {CS_CONFORM_SAFE, "clever: 401 is CS_E_AUTH", a_fault},
    {CS_CONFORM_SAFE, "clever: 403 is CS_E_AUTH, or no feed", a_fault},
    {CS_CONFORM_SAFE, "clever: 404 is CS_E_NOT_HERE", a_fault},
    {CS_CONFORM_SAFE, "clever: 500 is CS_E_RETRY", a_fault},
    {CS_CONFORM_SAFE, "clever: 503 is CS_E_RETRY", a_fault},
    {CS_CONFORM_SAFE, "clever: 429 is CS_E_RETRY", a_fault},
    {CS_CONFORM_SAFE, "clever: a closed connection is CS_E_RETRY", a_fault},
    {CS_CONFORM_SAFE, "clever: half a body is CS_E_RETRY", a_fault},
    {CS_CONFORM_SAFE, "clever: HTML is no page", a_fault},
    {CS_CONFORM_SAFE, "clever: {} is no page", a_fault},
    {CS_CONFORM_SAFE, "clever: data null is no page", a_fault},
    {CS_CONFORM_SAFE, "clever: what is not UTF-8 is no page", a_fault},
    {CS_CONFORM_SAFE, "clever: what is nested deeply is no page", a_fault},
    {CS_CONFORM_SAFE, "clever: a name of 10 MB is no page", a_fault},
    {CS_CONFORM_SAFE, "clever: a link to the same page is no way on", a_fault},
    {CS_CONFORM_SAFE, "clever: a link backwards is no way on", a_fault},
    {CS_CONFORM_SAFE, "clever: a link to another host is no way on", a_fault},
    {CS_CONFORM_SAFE, "clever: a link that says only where to go on", a_fault},
    {CS_CONFORM_SAFE, "clever: pages shorter than wanted", a_fault},
    {CS_CONFORM_SAFE, "clever: a token that dies between pages", a_fault},
    {CS_CONFORM_SAFE, "clever: a page that is cut short, any of them", cut},
    {CS_CONFORM_SAFE, "clever: people who come and go meanwhile", changing},
    {CS_CONFORM_SAFE, "clever: nothing of a reply in errors or in the log",
     quotes_nobody},
    {.name = NULL},
};
