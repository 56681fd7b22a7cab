/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

#include "config.h"

#include "web/web-sign.h"

#include "base/digest.h"
#include "base/memory.h"

#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BYTES = (CS_WEB_SIGN_WORD - 1) / 2 };

struct person {
    char digest[CS_DIGEST]; /* of the cookie; "": a free place */
    char csrf[CS_WEB_SIGN_WORD];
    int64_t begun, used;
};

struct cs_web_sign {
    pthread_mutex_t mutex;
    struct person person[CS_WEB_SIGN_MOST];
};

struct cs_web_sign *cs_web_sign_new(void)
{
    struct cs_web_sign *sign = cs_memory_new(sizeof(*sign));

    pthread_mutex_init(&sign->mutex, NULL);
    return sign;
}

void cs_web_sign_free(struct cs_web_sign *sign)
{
    if (sign == NULL)
        return;
    pthread_mutex_destroy(&sign->mutex);
    cs_memory_wipe(sign);
}

static bool make_word(char word[CS_WEB_SIGN_WORD])
{
    unsigned char bytes[BYTES];

    if (RAND_bytes(bytes, BYTES) != 1)
        return false;
    for (size_t i = 0; i < BYTES; i++)
        snprintf(word + 2 * i, 3, "%02x", bytes[i]);
    return true;
}

static bool same(const char *one, const char *other)
{
    size_t n = strlen(one);

    return n == strlen(other) && CRYPTO_memcmp(one, other, n) == 0;
}

static bool is_over(const struct person *person, int64_t now)
{
    return now - person->used > CS_WEB_SIGN_IDLE ||
           now - person->begun > CS_WEB_SIGN_LIFE;
}

/* Under the mutex. */
static struct person *find(struct cs_web_sign *sign, const char *cookie)
{
    int64_t now = cs_clock_steady();
    struct person *found = NULL;
    char digest[CS_DIGEST];

    cs_digest_text(cookie, digest);
    for (size_t i = 0; i < CS_WEB_SIGN_MOST; i++) {
        struct person *person = &sign->person[i];

        if (person->digest[0] != '\0' && is_over(person, now))
            *person = (struct person){.begun = 0};
        if (same(person->digest, digest))
            found = person;
    }
    return found;
}

bool cs_web_sign_in(struct cs_web_sign *sign, char cookie[CS_WEB_SIGN_WORD],
                    char csrf[CS_WEB_SIGN_WORD])
{
    struct person *place = &sign->person[0];

    if (!make_word(cookie) || !make_word(csrf))
        return false;
    pthread_mutex_lock(&sign->mutex);
    find(sign, cookie); /* those whose time is over make room */
    for (size_t i = 0; i < CS_WEB_SIGN_MOST; i++)
        if (sign->person[i].used < place->used)
            place = &sign->person[i];
    cs_digest_text(cookie, place->digest);
    memcpy(place->csrf, csrf, CS_WEB_SIGN_WORD);
    place->begun = place->used = cs_clock_steady();
    pthread_mutex_unlock(&sign->mutex);
    return true;
}

void cs_web_sign_out(struct cs_web_sign *sign, const char *cookie)
{
    struct person *person;

    pthread_mutex_lock(&sign->mutex);
    person = find(sign, cookie);
    if (person != NULL)
        *person = (struct person){.begun = 0};
    pthread_mutex_unlock(&sign->mutex);
}

bool cs_web_sign_look(struct cs_web_sign *sign, const char *cookie, bool busy,
                      char csrf[CS_WEB_SIGN_WORD])
{
    struct person *person;

    pthread_mutex_lock(&sign->mutex);
    person = find(sign, cookie);
    if (person != NULL && busy)
        person->used = cs_clock_steady();
    if (person != NULL && csrf != NULL)
        memcpy(csrf, person->csrf, CS_WEB_SIGN_WORD);
    pthread_mutex_unlock(&sign->mutex);
    return person != NULL;
}

bool cs_web_sign_csrf(struct cs_web_sign *sign, const char *cookie,
                      const char *csrf)
{
    const struct person *person;
    bool right;

    pthread_mutex_lock(&sign->mutex);
    person = find(sign, cookie);
    right = person != NULL && same(person->csrf, csrf);
    pthread_mutex_unlock(&sign->mutex);
    return right;
}
