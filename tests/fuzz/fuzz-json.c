/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* JSON as a stream: first line which rows (0 none, 1 and 2 two kinds, 3 and 4
 * the same with paths), second line how the text is cut, then the text.  Cut or
 * not it says the same, and that is what Jansson says of it. */

#include "config.h"

#include "base/json.h"

#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

static const char *const paths[] = {"id", "name.first", "roles.student.grade",
                                    NULL};

struct result {
    enum cs_rc rc;
    struct cs_error error;
    json_t *rows, *reply;
};

static enum cs_rc keep_row(void *arg, json_t *stolen)
{
    FUZZ_HOLDS(json_is_object(stolen));
    json_array_append_new(arg, stolen);
    return CS_OK;
}

/* seed 0: in one piece. */
static void read_text(struct result *result, unsigned long kind, unsigned seed,
                      const char *text, size_t size)
{
    const struct cs_json_rows rows = {
        .path = kind % 2 == 1 ? "data[]" : "data[].data",
        .reads = kind > 2 ? paths : NULL,
        .each = keep_row,
        .arg = result->rows = json_array(),
    };
    struct cs_json *json = cs_json_new(kind > 0 ? &rows : NULL);
    enum cs_rc rc = CS_OK;

    while (size > 0 && rc == CS_OK) {
        size_t n = seed == 0 ? size : 1 + fuzz_random(&seed, 9);
        char *piece;

        n = n < size ? n : size;
        piece = malloc(n); /* of its size: no step beyond goes unseen */
        memcpy(piece, text, n);
        rc = cs_json_feed(json, piece, n, &result->error);
        free(piece);
        text += n;
        size -= n;
    }
    result->rc = rc;
    if (rc == CS_OK)
        result->rc = cs_json_finish(json, &result->reply, &result->error);
    FUZZ_HOLDS(cs_json_nrows(json) == json_array_size(result->rows));
    FUZZ_HOLDS((result->rc == CS_OK) == (result->error.rc == CS_OK));
    FUZZ_HOLDS((result->rc == CS_OK) == (result->reply != NULL));
    cs_json_free(json);
}

static void result_clear(struct result *result)
{
    json_decref(result->rows);
    json_decref(result->reply);
}

static bool same(const json_t *one, const json_t *other)
{
    return one == NULL || other == NULL ? one == other
                                        : json_equal(one, other) != 0;
}

/* The byte that is named may be the one before or behind: how far the tokenizer
 * looks ahead depends on the pieces. */
static bool same_fault(const struct cs_error *one, const struct cs_error *other)
{
    const char *end = strstr(one->text, " at byte ");
    size_t n = end != NULL ? (size_t)(end - one->text) : sizeof(one->text);

    return one->rc == other->rc && strncmp(one->text, other->text, n) == 0;
}

/* ---- What Jansson says -------------------------------------------------- */

static json_t *pick(const json_t *value, const char *const *reads)
{
    json_t *some, *member;
    const char *key;
    size_t i;

    if (json_is_array(value)) {
        some = json_array();
        json_array_foreach(value, i, member)
        {
            json_array_append_new(some, pick(member, reads));
        }
        return some;
    }
    if (!json_is_object(value))
        return json_deep_copy(value);
    some = json_object();
    json_object_foreach((json_t *)value, key, member)
    {
        const char *below[4] = {NULL};
        size_t n = 0, length = strlen(key);
        bool whole = false;

        for (const char *const *path = reads; *path != NULL; path++) {
            if (strncmp(*path, key, length) != 0 || strchr(key, '.') != NULL)
                continue; /* a dot in a name is none between names */
            whole = whole || (*path)[length] == '\0';
            if ((*path)[length] == '.')
                below[n++] = *path + length + 1;
        }
        if (whole)
            json_object_set_new(some, key, json_deep_copy(member));
        else if (n > 0)
            json_object_set_new(some, key, pick(member, below));
    }
    return some;
}

static json_t *expected_row(const json_t *element, unsigned long kind)
{
    const json_t *row =
        kind % 2 == 1 ? element : json_object_get(element, "data");

    if (!json_is_object(row))
        return json_object();
    return kind > 2 ? pick(row, paths) : json_deep_copy(row);
}

static void rows_hold(const struct result *result, json_t *whole,
                      unsigned long kind)
{
    json_t *data = json_object_get(whole, "data"), *element;
    size_t i;

    if (!json_is_array(data)) {
        FUZZ_HOLDS(result->rc == CS_E_DATA);
        return;
    }
    FUZZ_HOLDS(result->rc == CS_OK);
    FUZZ_HOLDS(json_array_size(data) == json_array_size(result->rows));
    json_array_foreach(data, i, element)
    {
        json_t *row = expected_row(element, kind);

        FUZZ_HOLDS(json_equal(row, json_array_get(result->rows, i)));
        json_decref(row);
    }
    json_object_del(whole, "data");
    FUZZ_HOLDS(json_equal(whole, result->reply));
}

static size_t depth_of(const json_t *value)
{
    const char *key;
    json_t *member;
    size_t i, most = 0;

    if (json_is_array(value)) {
        json_array_foreach(value, i, member)
        {
            size_t depth = depth_of(member);

            most = depth > most ? depth : most;
        }
    }
    json_object_foreach((json_t *)value, key, member)
    {
        size_t depth = depth_of(member);

        most = depth > most ? depth : most;
    }
    return json_is_array(value) || json_is_object(value) ? most + 1 : 0;
}

static void compare(const struct result *result, unsigned long kind,
                    const char *text, size_t size)
{
    json_t *whole = json_loadb(
        text, size, JSON_DECODE_ANY | JSON_ALLOW_NUL | JSON_REJECT_DUPLICATES,
        NULL);

    if (whole == NULL)
        return;
    if (depth_of(whole) > CS_JSON_DEPTH || memchr(text, '\0', size) != NULL)
        FUZZ_HOLDS(result->rc == CS_E_DATA); /* Jansson overlooks a NUL */
    else if (kind > 0)
        rows_hold(result, whole, kind);
    else
        FUZZ_HOLDS(result->rc == CS_OK && json_equal(whole, result->reply));
    json_decref(whole);
}

/* What is right for us is right for Jansson, but for three things: a lone
 * surrogate, a whole number beyond 64 bits, and more kinds of blanks. */
static void strictness_holds(const char *text, size_t size)
{
    char *plain = malloc(size + 1);
    json_t *whole;
    size_t flags = JSON_DECODE_ANY | JSON_ALLOW_NUL | JSON_DECODE_INT_AS_REAL;

    memcpy(plain, text, size);
    plain[size] = '\0';
    for (size_t i = 0; i < size; i++)
        plain[i] = plain[i] == '\v' || plain[i] == '\f' ? ' ' : plain[i];
    whole = json_loadb(plain, size, flags, NULL);
    FUZZ_HOLDS(whole != NULL || strstr(plain, "\\u") != NULL);
    json_decref(whole);
    free(plain);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct fuzz_input input = {(const char *)bytes, size};
    unsigned long kind = fuzz_number(&input, 4);
    unsigned seed = 1 + (unsigned)fuzz_number(&input, 99999);
    struct result whole = {.rc = CS_OK}, cut = {.rc = CS_OK};

    read_text(&whole, kind, 0, input.at, input.size);
    read_text(&cut, kind, seed, input.at, input.size);
    FUZZ_HOLDS(whole.rc == cut.rc);
    FUZZ_HOLDS(same_fault(&whole.error, &cut.error));
    FUZZ_HOLDS(same(whole.rows, cut.rows) && same(whole.reply, cut.reply));
    compare(&whole, kind, input.at, input.size);
    if (whole.rc == CS_OK && kind == 0)
        strictness_holds(input.at, input.size);
    result_clear(&whole);
    result_clear(&cut);
    return 0;
}
