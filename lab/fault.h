/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* Faults on demand: which there are, which are set, which ones a request
 * meets, and what they do to a reply. */
#ifndef CS_LAB_FAULT_H
#define CS_LAB_FAULT_H

#include <stdbool.h>
#include <stddef.h>

#include "lab/buffer.h"
#include "lab/request.h"

enum cs_lab_fault_kind {
    /* These answer by themselves; a request meets one of them at most. */
    CS_LAB_FAULT_STATUS_400,
    CS_LAB_FAULT_STATUS_401,
    CS_LAB_FAULT_STATUS_402,
    CS_LAB_FAULT_STATUS_403,
    CS_LAB_FAULT_STATUS_404,
    CS_LAB_FAULT_STATUS_500,
    CS_LAB_FAULT_STATUS_503,
    CS_LAB_FAULT_STORM_429,
    CS_LAB_FAULT_HTML_200,
    CS_LAB_FAULT_EMPTY_OBJECT,
    CS_LAB_FAULT_DATA_NULL,
    CS_LAB_FAULT_RESET,
    CS_LAB_FAULT_HANG,
    CS_LAB_FAULT_LAST_ANSWER = CS_LAB_FAULT_HANG,
    /* These bend the true answer. */
    CS_LAB_FAULT_SLOW,
    CS_LAB_FAULT_DIE_TOKEN,
    CS_LAB_FAULT_CUT_BODY,
    CS_LAB_FAULT_EMPTY_LISTING,
    CS_LAB_FAULT_SHORT_PAGE,
    CS_LAB_FAULT_REPEAT_PAGE,
    CS_LAB_FAULT_BACKWARD_NEXT,
    CS_LAB_FAULT_FOREIGN_NEXT,
    CS_LAB_FAULT_BARE_NEXT,
    CS_LAB_FAULT_MISSING_INNER,
    CS_LAB_FAULT_DUPLICATE_ID,
    CS_LAB_FAULT_DUPLICATE_DIFFERS,
    CS_LAB_FAULT_WRONG_DISTRICT,
    CS_LAB_FAULT_NO_ID,
    CS_LAB_FAULT_BAD_UTF8,
    CS_LAB_FAULT_NUL_BYTE,
    CS_LAB_FAULT_ESCAPED_NUL,
    CS_LAB_FAULT_LONE_SURROGATE,
    CS_LAB_FAULT_NUMBER_FOR_TEXT,
    CS_LAB_FAULT_HUGE_STRING,
    CS_LAB_FAULT_DEEP,
    /* These are the vault's. */
    CS_LAB_FAULT_VAULT_POLICY,
    CS_LAB_FAULT_VAULT_ROLE,
    CS_LAB_FAULT_VAULT_FIREWALL,
    CS_LAB_FAULT_VAULT_RESOURCE,
    CS_LAB_FAULT_VAULT_STALE,
    /* These are telemetry's. */
    CS_LAB_FAULT_REDIRECT,
    CS_LAB_FAULT_PARTIAL,
    CS_LAB_FAULT_KINDS
};

/* What a spec may say beside its name, all of them whole numbers or texts
 * without a comma. */
struct cs_lab_fault {
    enum cs_lab_fault_kind kind;
    char *path;            /* the request's path and query hold this */
    char *role;            /* the parameter role is this */
    char *school;          /* it is about this school */
    long long after;       /* matching requests let through first */
    long long times;       /* how many it hits; -1: until it is cleared */
    long long page;        /* only this page of a listing; 0: any */
    long long reset;       /* seconds ahead, for X-RateLimit-Reset */
    long long retry_after; /* seconds; -1: X-RateLimit-Reset instead */
    long long ms;
    long long rows;
};

struct cs_lab_faults {
    struct cs_lab_fault *list;
    size_t count;
};

/* Which faults a request meets, with their numbers. */
struct cs_lab_hits {
    bool on[CS_LAB_FAULT_KINDS];
    long long reset, retry_after, ms, rows;
};

/* Adds "NAME,key=value...".  False: the sentence why not is in `error`. */
bool cs_lab_faults_add(struct cs_lab_faults *faults, const char *spec,
                       char *error, size_t size);
void cs_lab_faults_clear(struct cs_lab_faults *faults);

/* Whether cs_lab_faults_meet() needs to be told the page. */
bool cs_lab_faults_want_page(const struct cs_lab_faults *faults);
/* Counts the request as met.  `page` starts from 1; 0: it is no listing. */
struct cs_lab_hits cs_lab_faults_meet(struct cs_lab_faults *faults,
                                      const struct cs_lab_request *request,
                                      size_t page);

/* Answers when a fault does so by itself; false otherwise. */
bool cs_lab_fault_answer(const struct cs_lab_hits *hits,
                         struct cs_lab_reply *reply);
/* Bends one record's JSON. */
void cs_lab_fault_bend(const struct cs_lab_hits *hits,
                       struct cs_lab_buffer *record);
/* Gives the record another name. */
void cs_lab_fault_rename(struct cs_lab_buffer *record);

/* A line for each: name, blanks, what it does. */
void cs_lab_faults_describe(struct cs_lab_buffer *out, const char *indent);

#endif
