/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* A thread for what may take long, so that who waits for it can give up. */
#ifndef CS_WEB_WORKER_H
#define CS_WEB_WORKER_H

#include <stdbool.h>
#include <stdint.h>

struct cs_web_worker;

typedef void cs_web_work(void *arg);

/* idle(arg) is called on the thread when it had no work for a minute, and as
 * the last of all; NULL: nothing is. */
struct cs_web_worker *cs_web_worker_new(cs_web_work *idle, void *arg);
/* No work is begun any more; who waits is told so. */
void cs_web_worker_stop(struct cs_web_worker *worker);
/* When nobody waits any more, and the work that is on has ended within so many
 * microseconds.  False: it has not, and the process has to end by _exit(). */
bool cs_web_worker_free(struct cs_web_worker *worker, int64_t limit);

enum cs_web_done {
    CS_WEB_DONE,
    CS_WEB_LEFT, /* it was not begun in time, and never will be */
    CS_WEB_LATE, /* it is on, and will come to an end without us */
};

/* Has work(arg) done within so many microseconds.  After CS_WEB_LATE arg
 * belongs to the thread, which calls release(arg); else it is yours again. */
enum cs_web_done cs_web_worker_do(struct cs_web_worker *worker,
                                  cs_web_work *work, void *arg,
                                  cs_web_work *release, int64_t limit);
/* The same without waiting.  False: there is too much to do already, and arg
 * is yours. */
bool cs_web_worker_post(struct cs_web_worker *worker, cs_web_work *work,
                        void *arg, cs_web_work *release);

#endif
