/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* The districts as they really are: schools, people, and the log of events
 * that tells what happened to them. */
#ifndef CS_LAB_MODEL_H
#define CS_LAB_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lab/buffer.h"
#include "lab/lab.h"

enum cs_lab_role {
    CS_LAB_STUDENT = 1,
    CS_LAB_TEACHER = 2,
    CS_LAB_STAFF = 4,
    CS_LAB_CONTACT = 8,
    CS_LAB_ADMIN = 16
};

struct cs_lab_user {
    char id[25];
    char section[25]; /* what a teacher teaches; else unused */
    bool gone;
    unsigned char roles;               /* held */
    unsigned char null_roles;          /* shown as null */
    unsigned char school_count;        /* 1 or 2 */
    unsigned schools[2];               /* indexes in the district */
    unsigned serial;                   /* of the district, from 0 */
    unsigned touched;                  /* a field that nobody stores */
    int64_t created, modified;         /* milliseconds of Unix time */
    const char *first, *middle, *last; /* the model's; see cs_lab_null */
    const char *email, *grade, *number, *title;
};

struct cs_lab_school {
    char id[25];
    char name[48];
    char prefix[48];
};

struct cs_lab_event {
    char id[25];
    const char *type;
    char *text; /* the whole event as JSON */
    size_t length;
};

/* splitmix64: small, and the same everywhere. */
struct cs_lab_dice {
    uint64_t state;
};
uint64_t cs_lab_dice_roll(struct cs_lab_dice *dice);

struct cs_lab_model;

struct cs_lab_district {
    struct cs_lab_model *model;
    unsigned index;
    char id[25];
    char name[48];
    char prefix[48];
    char token[48];
    unsigned tokens;               /* made so far */
    struct cs_lab_school *schools; /* ascending by id, as all below */
    size_t school_count;
    struct cs_lab_user *users; /* the gone ones too */
    size_t user_count, user_size;
    struct cs_lab_event *events;
    size_t event_count, event_size;
    unsigned event_serial;
    int64_t clock; /* milliseconds; only ever forward */
    struct cs_lab_dice dice;
};

struct cs_lab_texts;

struct cs_lab_model {
    uint64_t seed;
    bool events_enabled; /* off: nothing is logged */
    struct cs_lab_district *districts;
    size_t district_count;
    struct cs_lab_texts *texts;
};

void cs_lab_model_init(struct cs_lab_model *model,
                       const struct cs_lab_options *options);
void cs_lab_model_clear(struct cs_lab_model *model);

/* NULL when there is none (gone people are found). */
struct cs_lab_user *cs_lab_model_user(const struct cs_lab_model *model,
                                      const char *id,
                                      struct cs_lab_district **district);
struct cs_lab_school *cs_lab_model_school(const struct cs_lab_model *model,
                                          const char *id,
                                          struct cs_lab_district **district);
struct cs_lab_district *cs_lab_model_district(const struct cs_lab_model *model,
                                              const char *id);
struct cs_lab_district *cs_lab_model_token(const struct cs_lab_model *model,
                                           const char *token);

bool cs_lab_model_enrolled(const struct cs_lab_user *user, unsigned school);

/* Clever's name of a role, and the other way round (0: no role). */
const char *cs_lab_model_role_name(enum cs_lab_role role);
unsigned cs_lab_model_role(const char *name);

/* A new person of random make, not in the event log. */
struct cs_lab_user *cs_lab_model_person(struct cs_lab_district *district,
                                        unsigned school, enum cs_lab_role role);
/* A copy that lives as long as the model. */
const char *cs_lab_model_keep(struct cs_lab_model *model, const char *text);
int64_t cs_lab_model_tick(struct cs_lab_district *district);
/* 24 hexadecimal digits that ascend with `rank`. */
void cs_lab_model_id(char id[25], uint32_t rank, uint64_t salt);
void cs_lab_model_new_token(struct cs_lab_district *district);

/* --- records as JSON (render.c) --- */

void cs_lab_render_time(struct cs_lab_buffer *out, int64_t time);
void cs_lab_render_value(struct cs_lab_buffer *out, const char *value);
void cs_lab_render_name(struct cs_lab_buffer *out,
                        const struct cs_lab_user *user);
void cs_lab_render_schools(struct cs_lab_buffer *out,
                           const struct cs_lab_district *district,
                           const struct cs_lab_user *user);
void cs_lab_render_role(struct cs_lab_buffer *out,
                        const struct cs_lab_district *district,
                        const struct cs_lab_user *user, enum cs_lab_role role);
void cs_lab_render_user(struct cs_lab_buffer *out,
                        const struct cs_lab_district *district,
                        const struct cs_lab_user *user);
/* The section that a teacher teaches at the first of his or her schools; what
 * cs_lab_change_touch() touches is its period. */
void cs_lab_render_section(struct cs_lab_buffer *out,
                           const struct cs_lab_district *district,
                           const struct cs_lab_user *teacher);
void cs_lab_render_school(struct cs_lab_buffer *out,
                          const struct cs_lab_district *district,
                          const struct cs_lab_school *school);
void cs_lab_render_district(struct cs_lab_buffer *out,
                            const struct cs_lab_district *district);

/* --- what happens, each with the event that Clever would send (change.c);
 * false: that cannot happen to this person, and nothing did --- */

enum cs_lab_field {
    CS_LAB_FIRST,
    CS_LAB_LAST,
    CS_LAB_EMAIL,
    CS_LAB_GRADE,
    CS_LAB_TITLE,
    CS_LAB_NUMBER,
    CS_LAB_FIELDS
};
extern const char *const cs_lab_field_names[CS_LAB_FIELDS + 1];

bool cs_lab_change_field(struct cs_lab_district *district,
                         struct cs_lab_user *user, enum cs_lab_field field,
                         const char *value); /* copied; may be cs_lab_null */
bool cs_lab_change_touch(struct cs_lab_district *district,
                         struct cs_lab_user *user);
bool cs_lab_change_move(struct cs_lab_district *district,
                        struct cs_lab_user *user, unsigned school);
bool cs_lab_change_drop_role(struct cs_lab_district *district,
                             struct cs_lab_user *user, enum cs_lab_role role);
bool cs_lab_change_delete(struct cs_lab_district *district,
                          struct cs_lab_user *user);
bool cs_lab_change_restore(struct cs_lab_district *district,
                           struct cs_lab_user *user);
/* An update that shows less than before: sharing was narrowed. */
bool cs_lab_change_narrow(struct cs_lab_district *district,
                          struct cs_lab_user *user);
struct cs_lab_user *cs_lab_change_add(struct cs_lab_district *district,
                                      unsigned school, enum cs_lab_role role);
/* Events that are none of our business. */
void cs_lab_change_noise(struct cs_lab_district *district);
/* Drops all events but the newest `keep`. */
void cs_lab_change_forget(struct cs_lab_district *district, size_t keep);
/* `n` of the above, as the dice say. */
void cs_lab_change_drift(struct cs_lab_model *model, uint64_t seed, size_t n);

/* --- what a correct sync leaves of it (truth.c) --- */

/* {"CLEVER ID":{"FirstName":...},...}, a person a line; role is student or
 * teacher. */
void cs_lab_truth(struct cs_lab_buffer *out,
                  const struct cs_lab_district *district, unsigned school,
                  enum cs_lab_role role);

#endif
