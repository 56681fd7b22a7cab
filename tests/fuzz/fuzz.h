/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* What the fuzzers share.  An input is text, so that a corpus can be read and
 * written by hand: the first lines say how to run, the rest is what is read. */
#ifndef FUZZ_H
#define FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* libFuzzer calls it. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

/* What has to be true of every input; the process ends where it is not. */
#define FUZZ_HOLDS(CONDITION) \
    ((CONDITION) ? (void)0 : fuzz_broken(__FILE__, __LINE__, #CONDITION))
void fuzz_broken(const char *file, int line, const char *condition)
    __attribute__((noreturn));

struct fuzz_input { /* what is left of it */
    const char *at;
    size_t size;
};

/* Each is of just its size on the heap, where a step too far is seen; yours. */
char *fuzz_line(struct fuzz_input *input); /* without its line feed; "": none */
char *fuzz_rest(struct fuzz_input *input); /* up to a NUL in it, as text */

/* The line as a number of digits, at most `most`. */
unsigned long fuzz_number(struct fuzz_input *input, unsigned long most);

/* Small numbers that follow from a seed. */
unsigned fuzz_random(unsigned *seed, unsigned below);

#endif
