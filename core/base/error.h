/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* Errors: a class, and one sentence for the operator.
 *
 * A function that can fail returns enum cs_rc and fills a struct cs_error where
 * it detects the fault; callers pass both on untouched. */
#ifndef CS_ERROR_H
#define CS_ERROR_H

#include <cleversync/plugin.h>
#include <stdarg.h>
#include <stddef.h>

struct cs_error {
    enum cs_rc rc; /* CS_OK: no error */
    int status;    /* exit code that this error asks for; 0: by its class */
    char text[512];
};

/* What the program ends with (expectations: also listed in cleversync(1)). */
enum cs_exit {
    CS_EXIT_OK = 0,
    CS_EXIT_FAILED = 1,
    CS_EXIT_USAGE = 2,
    CS_EXIT_PARTIAL = 3,
    CS_EXIT_TRANSIENT = 5,
    CS_EXIT_PERSON = 7, /* state cannot be trusted until somebody looked */
    CS_EXIT_BUSY = 11,
    CS_EXIT_SECRET = 12, /* a secret or a login */
    CS_EXIT_HELD = 20,
    CS_EXIT_DIFFERENT = 22, /* verify: not as in Clever */
    CS_EXIT_CONFIG = 78,
};

/* Sets class and text (no full stop); returns rc.  Text beyond the struct's
 * space is cut at a character's end; error may be NULL. */
enum cs_rc cs_error_set(struct cs_error *error, int rc, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
enum cs_rc cs_error_vset(struct cs_error *error, int rc, const char *format,
                         va_list arguments)
    __attribute__((format(printf, 3, 0)));

/* The exit code for an error: its status, else the one of its class. */
int cs_error_exit(const struct cs_error *error);

/* The more severe of two exit codes (78, 7, 12, 20, 3, 5, any other, 0). */
int cs_error_worst(int one, int other);
/* The exit code of a whole of n parts, `good` of which ended with 0: as soon as
 * some are right and some are not it is "partial"; a code of its own only when
 * nothing else happened. */
int cs_error_sum(size_t good, size_t n, int worst);

/* One stable word for an exit code ("partial", "held"), for -o json. */
const char *cs_error_word(int status);

/* Faults found while reading the configuration: all are collected and shown
 * together, each as "FILE:LINE: sentence". */
struct cs_problems {
    char **text; /* owned */
    size_t n;
};
void cs_problems_add(struct cs_problems *problems, const char *file,
                     unsigned line, const char *format, ...)
    __attribute__((format(printf, 4, 5))); /* file NULL: no place; line 0 */
void cs_problems_clear(struct cs_problems *problems);

#endif
