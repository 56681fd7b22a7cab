/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */
#include "config.h"

#include "base/json.h"

#include "base/clock.h"
#include "base/json-scan.h"
#include "base/memory.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <yajl/yajl_parse.h>

/* The paths to build, as a tree. */
struct node {
    const char *name;
    size_t length;
    bool last; /* a path ends here: all below is built */
    struct node *child, *next;
};

static const struct node whole;    /* build everything below */
static const struct node the_rows; /* the member that may hold the rows */

enum place {
    TOP,    /* around the text's one value */
    OBJECT, /* in an object or array that is being built */
    ARRAY,
    ROWS,    /* in the rows' array */
    ELEMENT, /* in an element of it that wraps its row */
};

struct frame {
    enum place place;
    const struct node *node; /* what of its values to build */
    json_t *value;           /* owned by its parent, the reply or the row */
};

struct cs_json {
    yajl_handle yajl;
    struct cs_json_scan scan;
    const struct cs_json_rows *wanted; /* &rows, or NULL */
    struct cs_json_rows rows;
    char *paths; /* owned: all names in the tree */
    struct node *nodes;
    const char *outer, *inner; /* "data", and "data" or NULL */
    size_t outer_length, inner_length;
    const struct node *row_node;

    struct frame frames[CS_JSON_DEPTH + 1], *frame; /* frame: innermost */
    size_t depth;   /* containers open, skipped ones too */
    size_t skipped; /* of them: those in a subtree that nobody wants */
    const struct node *chosen; /* for the next value of an object; NULL: no */
    const char *key;           /* its name: in the tree, or in key_buffer */
    size_t key_length;
    char *key_buffer;
    size_t key_space;

    json_t *reply, *row;
    bool have_rows;
    size_t nrows;

    size_t fed;            /* bytes that yajl got in earlier calls */
    size_t heard;          /* where it was when it called back last */
    struct cs_error fault; /* the first; ends everything */
};

/* ---- The tree of wanted paths ------------------------------------------ */

static size_t count_names(const char *const *reads, size_t *bytes)
{
    size_t n = 0;
    *bytes = 0;
    for (; *reads; reads++) {
        n++;
        for (const char *c = *reads; *c; c++) {
            n += *c == '.';
        }
        *bytes += strlen(*reads) + 1;
    }
    return n;
}

static struct node *find(const struct node *parent, const char *name,
                         size_t length)
{
    struct node *node = parent->child;
    while (node &&
           (node->length != length || memcmp(node->name, name, length) != 0)) {
        node = node->next;
    }
    return node;
}

static void compile(struct cs_json *json, const char *const *reads)
{
    size_t bytes;
    size_t n = count_names(reads, &bytes);
    struct node *root = cs_memory_array(n + 1, sizeof(*root));
    struct node *unused = root + 1;
    char *text = cs_memory_new(bytes + 1);

    json->nodes = root;
    json->paths = text;
    json->row_node = root;
    for (; *reads; reads++) {
        struct node *parent = root;
        size_t length = strlen(*reads);
        memcpy(text, *reads, length + 1);
        for (const char *name = text; name <= text + length;) {
            size_t size = strcspn(name, ".");
            struct node *node = find(parent, name, size);
            if (!node) {
                node = unused++;
                node->name = name;
                node->length = size;
                node->next = parent->child;
                parent->child = node;
            }
            parent = node;
            name += size + 1;
        }
        parent->last = true;
        text += length + 1;
    }
}

/* ---- Faults ------------------------------------------------------------ */

/* Bytes are counted from 1. */
static void fault_at(struct cs_json *json, enum cs_rc rc, const char *what,
                     size_t offset)
{
    if (json->fault.rc == CS_OK) {
        cs_error_set(&json->fault, rc, "%s at byte %zu", what, offset);
    }
}

static size_t position(const struct cs_json *json)
{
    return json->fed + yajl_get_bytes_consumed(json->yajl);
}

/* Inside a callback: notes the fault and gives what stops yajl. */
static int stop(struct cs_json *json, enum cs_rc rc, const char *what)
{
    fault_at(json, rc, what, position(json));
    return 0;
}

/* What lies between two callbacks is one token, with a comma and blanks. */
static bool too_long(struct cs_json *json, size_t end)
{
    if (end - json->heard <= CS_JSON_TOKEN) {
        return false;
    }
    fault_at(json, CS_E_DATA, "holds a token longer than 1 MiB",
             json->heard + CS_JSON_TOKEN + 1);
    return true;
}

/* Each callback begins with this; false: stop. */
static bool hear(struct cs_json *json)
{
    size_t at = position(json);
    bool fits = !too_long(json, at);

    json->heard = at;
    return fits;
}

/* ---- Building ---------------------------------------------------------- */

/* The value that begins now: what of it to build; NULL: nothing. */
static const struct node *chosen(const struct cs_json *json)
{
    switch (json->frame->place) {
    case TOP:
        return &whole;
    case ARRAY:
        return json->frame->node;
    case ROWS:
        return json->row_node;
    case OBJECT:
    case ELEMENT:
        break;
    }
    return json->chosen;
}

static void set_row(struct cs_json *json, json_t *stolen)
{
    json_decref(json->row);
    json->row = stolen;
}

/* Hands over the row that ends here. */
static int deliver(struct cs_json *json)
{
    json_t *row = json->row ? json->row : json_object();
    json->row = NULL;
    json->nrows++;
    json->fault.rc = json->wanted->each(json->wanted->arg, row);
    return json->fault.rc == CS_OK;
}

/* Puts a value where it belongs. */
static int attach(struct cs_json *json, json_t *stolen)
{
    int failed = 0;

    switch (json->frame->place) {
    case TOP:
        json->reply = stolen;
        failed = !stolen;
        break;
    case OBJECT:
        failed = json_object_setn_new_nocheck(json->frame->value, json->key,
                                              json->key_length, stolen);
        break;
    case ARRAY:
        failed = json_array_append_new(json->frame->value, stolen);
        break;
    case ROWS: /* neither of these two is a row */
        json_decref(stolen);
        return deliver(json);
    case ELEMENT:
        json_decref(stolen);
        set_row(json, NULL);
        break;
    }
    return failed ? stop(json, CS_E_FATAL, "needs more memory than there is")
                  : 1;
}

static void enter(struct cs_json *json, enum place place,
                  const struct node *node, json_t *value)
{
    json->frame++;
    *json->frame = (struct frame){place, node, value};
}

/* An object or array begins in the rows' array or around a row. */
static int begin_row(struct cs_json *json, bool object)
{
    enum place place = json->frame->place;

    if (!object) {
        json->skipped = 1;
        return attach(json, NULL);
    }
    if (place == ROWS && json->inner) {
        enter(json, ELEMENT, NULL, NULL);
    } else {
        set_row(json, json_object());
        enter(json, OBJECT, json->row_node, json->row);
    }
    return 1;
}

static int begin(struct cs_json *json, bool object)
{
    if (!hear(json)) {
        return 0;
    }
    if (json->depth == CS_JSON_DEPTH) {
        return stop(json, CS_E_DATA, "nests deeper than 64 levels");
    }
    json->depth++;
    const struct node *node = json->skipped ? NULL : chosen(json);
    if (!node) {
        json->skipped++;
        return 1;
    }
    if (json->frame->place == ROWS || json->frame->place == ELEMENT) {
        return begin_row(json, object);
    }
    if (node == &the_rows && !object) {
        if (json->have_rows) {
            return stop(json, CS_E_DATA, "has its rows twice");
        }
        json->have_rows = true;
        enter(json, ROWS, NULL, NULL);
        return 1;
    }
    json_t *value = object ? json_object() : json_array();
    if (!attach(json, value)) {
        return 0;
    }
    enter(json, object ? OBJECT : ARRAY, node == &the_rows ? &whole : node,
          value);
    return 1;
}

static int end(struct cs_json *json)
{
    if (!hear(json)) {
        return 0;
    }
    json->depth--;
    if (json->skipped) {
        json->skipped--;
        return 1;
    }
    json->frame--;
    return json->frame->place == ROWS ? deliver(json) : 1;
}

static json_t *number(const char *text, size_t n)
{
    char copy[19]; /* with so few characters nothing can overflow */

    if (n < sizeof(copy) && !memchr(text, '.', n) && !memchr(text, 'e', n) &&
        !memchr(text, 'E', n)) {
        memcpy(copy, text, n);
        copy[n] = '\0';
        return json_integer(strtoll(copy, NULL, 10));
    }
    /* Jansson's reading of the others does not depend on the locale. */
    json_t *value = json_loadb(text, n, JSON_DECODE_ANY, NULL);
    return value ? value
                 : json_loadb(text, n,
                              JSON_DECODE_ANY | JSON_DECODE_INT_AS_REAL, NULL);
}

/* ---- yajl's callbacks: 1 goes on, 0 stops ------------------------------ */

static bool is_wanted(const struct cs_json *json)
{
    return json->skipped == 0 && chosen(json);
}

static int on_null(void *arg)
{
    struct cs_json *json = arg;
    if (!hear(json)) {
        return 0;
    }
    return is_wanted(json) ? attach(json, json_null()) : 1;
}

static int on_boolean(void *arg, int value)
{
    struct cs_json *json = arg;
    if (!hear(json)) {
        return 0;
    }
    return is_wanted(json) ? attach(json, json_boolean(value)) : 1;
}

static int on_number(void *arg, const char *text, size_t n)
{
    struct cs_json *json = arg;
    if (!hear(json)) {
        return 0;
    }
    if (!is_wanted(json)) {
        return 1;
    }
    json_t *value = number(text, n);
    return value ? attach(json, value)
                 : stop(json, CS_E_DATA, "holds a number out of range");
}

static int on_string(void *arg, const unsigned char *text, size_t n)
{
    struct cs_json *json = arg;
    if (!hear(json)) {
        return 0;
    }
    if (!is_wanted(json)) {
        return 1;
    }
    return attach(json, json_stringn_nocheck((const char *)text, n));
}

/* A name that is not in the tree is gone when its value comes. */
static void keep_key(struct cs_json *json, const char *key, size_t n)
{
    if (json->key_space <= n) { /* so that it is there for "", too */
        json->key_space = 2 * n + 1;
        json->key_buffer = cs_memory_grow(json->key_buffer, json->key_space, 1);
    }
    memcpy(json->key_buffer, key, n);
    json->key = json->key_buffer;
    json->key_length = n;
}

static bool is_outer(const struct cs_json *json, const char *key, size_t n)
{
    return json->wanted && json->frame == json->frames + 1 &&
           n == json->outer_length && memcmp(key, json->outer, n) == 0;
}

static void choose(struct cs_json *json, const char *key, size_t n)
{
    const struct frame *frame = json->frame;

    if (frame->place == ELEMENT) {
        bool row = n == json->inner_length && memcmp(key, json->inner, n) == 0;
        json->chosen = row ? json->row_node : NULL;
    } else if (frame->node == &whole) {
        json->chosen = is_outer(json, key, n) ? &the_rows : &whole;
        keep_key(json, key, n);
    } else {
        const struct node *node = find(frame->node, key, n);
        json->chosen = node && node->last ? &whole : node;
        json->key = node ? node->name : NULL;
        json->key_length = n;
    }
}

static int on_key(void *arg, const unsigned char *text, size_t n)
{
    struct cs_json *json = arg;
    const char *key = (const char *)text;

    if (!hear(json)) {
        return 0;
    }
    if (json->skipped) {
        return 1;
    }
    if (memchr(key, '\0', n)) {
        return stop(json, CS_E_DATA, "has U+0000 in a member's name");
    }
    choose(json, key, n);
    return 1;
}

static int on_start_object(void *arg)
{
    return begin(arg, true);
}

static int on_start_array(void *arg)
{
    return begin(arg, false);
}

static int on_end(void *arg)
{
    return end(arg);
}

static const yajl_callbacks callbacks = {
    .yajl_null = on_null,
    .yajl_boolean = on_boolean,
    .yajl_number = on_number,
    .yajl_string = on_string,
    .yajl_start_map = on_start_object,
    .yajl_map_key = on_key,
    .yajl_end_map = on_end,
    .yajl_start_array = on_start_array,
    .yajl_end_array = on_end,
};

/* ---- The stream -------------------------------------------------------- */

/* yajl does not look at what its allocator gives. */
static void *yajl_new(void *arg, size_t size)
{
    (void)arg;
    return cs_memory_grow(NULL, size, 1);
}

static void *yajl_grow(void *arg, void *old, size_t size)
{
    (void)arg;
    return cs_memory_grow_wiped(old, size);
}

static void yajl_release(void *arg, void *old)
{
    (void)arg;
    cs_memory_wipe(old);
}

static void want(struct cs_json *json, const struct cs_json_rows *rows)
{
    json->rows = *rows;
    json->wanted = &json->rows;
    json->outer = rows->path;
    json->outer_length = strcspn(rows->path, "[");
    const char *wrapper = strchr(rows->path, '.');
    if (wrapper) {
        json->inner = wrapper + 1;
        json->inner_length = strlen(json->inner);
    }
    json->row_node = &whole;
    if (rows->reads) {
        compile(json, rows->reads);
    }
}

struct cs_json *cs_json_new(const struct cs_json_rows *rows)
{
    struct cs_json *json = cs_memory_new(sizeof(*json));
    yajl_alloc_funcs memory = {yajl_new, yajl_grow, yajl_release, NULL};

    json->yajl = yajl_alloc(&callbacks, &memory, json);
    yajl_config(json->yajl, yajl_dont_validate_strings, 1); /* scan does */
    json->frame = json->frames;
    if (rows) {
        want(json, rows);
    }
    return json;
}

void cs_json_free(struct cs_json *json)
{
    if (!json) {
        return;
    }
    yajl_free(json->yajl);
    cs_json_scan_clear(&json->scan);
    json_decref(json->reply);
    json_decref(json->row);
    free(json->nodes);
    free(json->paths);
    free(json->key_buffer);
    free(json);
}

/* yajl takes the beginning of a token behind the text's one value for its end.
 * How many of the bytes it may really have. */
static size_t allowed(const struct cs_json *json, const char *bytes, size_t n)
{
    bool ended = json->heard > 0 && json->depth == 0;
    size_t at = json->heard > json->fed ? json->heard - json->fed : 0;

    while (ended && at < n && memchr(" \t\r\n\v\f", bytes[at], 6)) {
        at++;
    }
    return ended ? at : n;
}

static void feed(struct cs_json *json, const char *bytes, size_t n)
{
    size_t most;

    if (n == 0 || json->fault.rc != CS_OK) {
        return;
    }
    if (yajl_parse(json->yajl, (const unsigned char *)bytes, n) !=
        yajl_status_ok) {
        /* Unless it was a callback that stopped it. */
        stop(json, CS_E_DATA, "is not JSON: unexpected token");
        return;
    }
    most = allowed(json, bytes, n);
    if (most < n) {
        fault_at(json, CS_E_DATA, "is not JSON: unexpected token",
                 json->fed + most + 1);
        return;
    }
    json->fed += n;
    too_long(json, json->fed);
}

static enum cs_rc verdict(const struct cs_json *json, struct cs_error *error)
{
    if (json->fault.text[0] && error) { /* not what each() says itself */
        *error = json->fault;
    }
    return json->fault.rc;
}

enum cs_rc cs_json_feed(struct cs_json *json, const char *bytes, size_t n,
                        struct cs_error *error)
{
    if (json->fault.rc == CS_OK) {
        size_t valid = cs_json_scan_utf8(&json->scan, bytes, n);
        bool broken = valid < n;
        cs_json_scan_escapes(&json->scan, &bytes, &valid);
        feed(json, bytes, valid);
        if (broken) {
            fault_at(json, CS_E_DATA, "is not JSON: invalid UTF-8",
                     json->fed + json->scan.nheld + 1);
        }
    }
    return verdict(json, error);
}

enum cs_rc cs_json_finish(struct cs_json *json, json_t **reply,
                          struct cs_error *error)
{
    feed(json, json->scan.held, json->scan.nheld);
    json->scan.nheld = 0;
    if (json->fault.rc == CS_OK &&
        yajl_complete_parse(json->yajl) != yajl_status_ok) {
        fault_at(json, CS_E_RETRY, "ends in the middle of its JSON", json->fed);
    }
    if (json->fault.rc == CS_OK && json->wanted && !json->have_rows) {
        cs_error_set(&json->fault, CS_E_DATA, "lacks the array %.*s",
                     (int)json->outer_length, json->outer);
    }
    if (json->fault.rc == CS_OK) {
        *reply = json->reply;
        json->reply = NULL;
    }
    return verdict(json, error);
}

size_t cs_json_nrows(const struct cs_json *json)
{
    return json->nrows;
}

bool cs_json_has_nul(const json_t *value)
{
    const char *key;
    const json_t *member;
    size_t i;

    switch (json_typeof(value)) {
    case JSON_STRING:
        return strlen(json_string_value(value)) < json_string_length(value);
    case JSON_ARRAY:
        json_array_foreach(value, i, member)
        {
            if (cs_json_has_nul(member)) {
                return true;
            }
        }
        return false;
    case JSON_OBJECT:
        json_object_foreach((json_t *)value, key, member)
        {
            if (cs_json_has_nul(member)) {
                return true;
            }
        }
        return false;
    default:
        return false;
    }
}

json_t *cs_json_time(int64_t time)
{
    char text[CS_CLOCK_ISO];

    if (time == 0)
        return json_null();
    cs_clock_format(time, text);
    return json_string(text);
}
