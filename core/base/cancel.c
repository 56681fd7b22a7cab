/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

#include "config.h"

#include "base/cancel.h"

#include "base/memory.h"

#include <limits.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

struct cs_cancel {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    bool cancelled;
    int64_t deadline; /* on the steady clock; INT64_MAX: none */
    struct cs_cancel *parent;
    struct cs_cancel *children, *next, *previous; /* under parent's mutex */
    struct cs_listener *listeners;
};

struct cs_cancel *cs_cancel_new(struct cs_cancel *parent, int64_t limit)
{
    struct cs_cancel *cancel = cs_memory_new(sizeof(*cancel));
    pthread_condattr_t attributes;

    pthread_mutex_init(&cancel->mutex, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&cancel->changed, &attributes);
    pthread_condattr_destroy(&attributes);
    cancel->deadline = limit > 0 ? cs_clock_steady() + limit : INT64_MAX;
    cancel->parent = parent;
    if (parent) {
        pthread_mutex_lock(&parent->mutex);
        cancel->cancelled = parent->cancelled;
        if (parent->deadline < cancel->deadline)
            cancel->deadline = parent->deadline;
        cancel->next = parent->children;
        if (cancel->next)
            cancel->next->previous = cancel;
        parent->children = cancel;
        pthread_mutex_unlock(&parent->mutex);
    }
    return cancel;
}

void cs_cancel_free(struct cs_cancel *cancel)
{
    if (!cancel)
        return;
    if (cancel->parent) {
        pthread_mutex_lock(&cancel->parent->mutex);
        if (cancel->previous)
            cancel->previous->next = cancel->next;
        else
            cancel->parent->children = cancel->next;
        if (cancel->next)
            cancel->next->previous = cancel->previous;
        pthread_mutex_unlock(&cancel->parent->mutex);
    }
    pthread_cond_destroy(&cancel->changed);
    pthread_mutex_destroy(&cancel->mutex);
    free(cancel);
}

/* Locks go from parent to child, as in cs_cancel_new(), so never in a ring. */
void cs_cancel_now(struct cs_cancel *cancel)
{
    pthread_mutex_lock(&cancel->mutex);
    if (!cancel->cancelled) { /* else all children are, too */
        cancel->cancelled = true;
        pthread_cond_broadcast(&cancel->changed);
        for (struct cs_listener *l = cancel->listeners; l; l = l->next)
            l->tell(l->arg);
        for (struct cs_cancel *c = cancel->children; c; c = c->next)
            cs_cancel_now(c);
    }
    pthread_mutex_unlock(&cancel->mutex);
}

void cs_cancel_listen(struct cs_cancel *cancel, struct cs_listener *listener)
{
    pthread_mutex_lock(&cancel->mutex);
    listener->cancel = cancel;
    listener->previous = NULL;
    listener->next = cancel->listeners;
    if (listener->next)
        listener->next->previous = listener;
    cancel->listeners = listener;
    pthread_mutex_unlock(&cancel->mutex);
}

void cs_cancel_unlisten(struct cs_listener *listener)
{
    struct cs_cancel *cancel = listener->cancel;

    if (!cancel)
        return;
    pthread_mutex_lock(&cancel->mutex);
    if (listener->previous)
        listener->previous->next = listener->next;
    else
        cancel->listeners = listener->next;
    if (listener->next)
        listener->next->previous = listener->previous;
    listener->cancel = NULL;
    pthread_mutex_unlock(&cancel->mutex);
}

bool cs_cancel_late(struct cs_cancel *cancel)
{
    return cancel && cs_clock_steady() >= cancel->deadline;
}

long cs_cancel_remaining_ms(struct cs_cancel *cancel)
{
    bool cancelled;
    int64_t left;

    if (!cancel)
        return LONG_MAX;
    pthread_mutex_lock(&cancel->mutex);
    cancelled = cancel->cancelled;
    pthread_mutex_unlock(&cancel->mutex);
    if (cancelled)
        return 0;
    if (cancel->deadline == INT64_MAX)
        return LONG_MAX;
    left = cancel->deadline - cs_clock_steady();
    /* Rounded up: 0 is for "none left". */
    return left > 0 ? (long)((left + 999) / 1000) : 0;
}

/* With a turned clock, waiting is moving it. */
static bool turn_wait(struct cs_cancel *cancel, int64_t duration)
{
    int64_t until = cs_clock_steady() + duration;
    bool cancelled = false;

    if (cancel) {
        pthread_mutex_lock(&cancel->mutex);
        cancelled = cancel->cancelled;
        pthread_mutex_unlock(&cancel->mutex);
        if (until > cancel->deadline)
            until = cancel->deadline;
    }
    if (cancelled)
        return false;
    cs_clock_move(until);
    return !cs_cancel_late(cancel);
}

bool cs_cancel_wait(struct cs_cancel *cancel, int64_t duration)
{
    struct timespec end;
    int64_t until;
    bool whole;

    if (cs_clock_turned())
        return turn_wait(cancel, duration);
    if (!cancel) {
        struct timespec rest = {(time_t)(duration / CS_SECOND),
                                (long)(duration % CS_SECOND * 1000)};

        while (nanosleep(&rest, &rest) != 0)
            ;
        return true;
    }
    until = cs_clock_steady() + duration;
    whole = until < cancel->deadline;
    if (!whole)
        until = cancel->deadline;
    end.tv_sec = (time_t)(until / CS_SECOND);
    end.tv_nsec = (long)(until % CS_SECOND * 1000);
    pthread_mutex_lock(&cancel->mutex);
    while (!cancel->cancelled && cs_clock_steady() < until)
        pthread_cond_timedwait(&cancel->changed, &cancel->mutex, &end);
    whole = whole && !cancel->cancelled;
    pthread_mutex_unlock(&cancel->mutex);
    return whole;
}
