/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

#include "config.h"
#include "lab/model.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/memory.h"
#include "lab/names.h"

/* The first instant of every lab: a fixed one, so that the same seed makes
 * the same bytes on any day. */
#define EPOCH (INT64_C(1767600000) * 1000)

/* Texts are kept in blocks and freed together. */
struct cs_lab_texts {
    struct cs_lab_texts *older;
    size_t used, size;
    char text[];
};

static const struct {
    enum cs_lab_role role;
    const char *name;
} roles[] = {
    {CS_LAB_STUDENT, "student"},      {CS_LAB_TEACHER, "teacher"},
    {CS_LAB_STAFF, "staff"},          {CS_LAB_CONTACT, "contact"},
    {CS_LAB_ADMIN, "district_admin"},
};

const char *cs_lab_model_role_name(enum cs_lab_role role)
{
    size_t i = 0;

    while (roles[i].role != role)
        i++;
    return roles[i].name;
}

unsigned cs_lab_model_role(const char *name)
{
    for (size_t i = 0; i < sizeof roles / sizeof roles[0]; i++)
        if (strcmp(roles[i].name, name) == 0)
            return roles[i].role;
    return 0;
}

static uint64_t mix(uint64_t x)
{
    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    return x ^ x >> 31;
}

uint64_t cs_lab_dice_roll(struct cs_lab_dice *dice)
{
    dice->state += UINT64_C(0x9e3779b97f4a7c15);
    return mix(dice->state);
}

void cs_lab_model_id(char id[25], uint32_t rank, uint64_t salt)
{
    snprintf(id, 25, "%08x%016llx", rank,
             (unsigned long long)mix(mix(salt) + rank));
}

const char *cs_lab_model_keep(struct cs_lab_model *model, const char *text)
{
    size_t length = strlen(text) + 1;
    struct cs_lab_texts *block = model->texts;
    char *copy;

    if (!block || block->size - block->used < length) {
        size_t size = length > 65536 ? length : 65536;

        block = cs_memory_grow(NULL, sizeof *block + size, 1);
        *block = (struct cs_lab_texts){.older = model->texts, .size = size};
        model->texts = block;
    }
    copy = memcpy(block->text + block->used, text, length);
    block->used += length;
    return copy;
}

int64_t cs_lab_model_tick(struct cs_lab_district *district)
{
    district->clock += 1 + (int64_t)(cs_lab_dice_roll(&district->dice) % 999);
    return district->clock;
}

bool cs_lab_model_enrolled(const struct cs_lab_user *user, unsigned school)
{
    return user->schools[0] == school ||
           (user->school_count == 2 && user->schools[1] == school);
}

/* `usual`, but now and then one of the odd values. */
static const char *often(struct cs_lab_district *district, const char *usual)
{
    uint64_t roll = cs_lab_dice_roll(&district->dice);

    return roll % 8 == 0 ? cs_lab_names_odd(roll / 8) : usual;
}

static const char *first_name(struct cs_lab_district *district)
{
    uint64_t roll = cs_lab_dice_roll(&district->dice);
    const char *name = cs_lab_names_first(roll / 16);
    char text[80];

    if (roll % 16 != 0)
        return name;
    snprintf(text, sizeof text, " \u00a0%s\u2003\t", name);
    return cs_lab_model_keep(district->model, text);
}

static const char *number_text(struct cs_lab_district *district,
                               const char *before, unsigned number,
                               const char *behind)
{
    char text[40];

    snprintf(text, sizeof text, "%s%u%s", before, number, behind);
    return cs_lab_model_keep(district->model, text);
}

static const char *email(struct cs_lab_district *district, unsigned serial)
{
    if (cs_lab_dice_roll(&district->dice) % 32 == 0)
        return "shared@example.edu";
    return number_text(district, "p", serial, "@example.edu");
}

struct cs_lab_user *cs_lab_model_person(struct cs_lab_district *district,
                                        unsigned school, enum cs_lab_role role)
{
    static const char *const middles[] = {"", NULL, "Q", cs_lab_null};
    struct cs_lab_user *user;
    unsigned serial = (unsigned)district->user_count;
    uint64_t roll = cs_lab_dice_roll(&district->dice);

    if (district->user_count == district->user_size) {
        district->user_size = district->user_size * 2 + 64;
        district->users =
            cs_memory_grow(district->users, district->user_size, sizeof *user);
    }
    user = &district->users[district->user_count++];
    *user = (struct cs_lab_user){
        .roles = (unsigned char)role,
        .school_count = 1,
        .schools = {school},
        .serial = serial,
        .first = first_name(district),
        .middle = middles[roll % 4],
        .last = cs_lab_names_last(roll >> 8),
        .email = often(district, email(district, serial)),
        .number =
            often(district, number_text(district, "", 100000 + serial, "")),
    };
    if (role == CS_LAB_STUDENT)
        user->grade = often(district, cs_lab_names_grade(serial));
    else
        user->title = often(district, cs_lab_names_title(roll >> 16));
    user->null_roles =
        (unsigned char)(roll >> 32 &
                        (CS_LAB_STAFF | CS_LAB_CONTACT | CS_LAB_ADMIN));
    user->created = user->modified = cs_lab_model_tick(district);
    cs_lab_model_id(user->id, 0x50000000 + serial,
                    district->model->seed * 31 + district->index);
    cs_lab_model_id(user->section, 0x70000000 + serial,
                    district->model->seed * 31 + district->index);
    return user;
}

void cs_lab_model_new_token(struct cs_lab_district *district)
{
    char id[25];

    cs_lab_model_id(id, district->tokens++,
                    ~district->model->seed * 31 + district->index);
    snprintf(district->token, sizeof district->token, "lab-token-%s", id);
}

static void make_prefix(char *prefix, const char *name)
{
    strcpy(prefix, name);
    for (char *c = strchr(prefix, ' '); c; c = strchr(c, ' '))
        *c = '-';
}

static void make_schools(struct cs_lab_district *district, size_t n)
{
    district->schools = cs_memory_array(n, sizeof *district->schools);
    district->school_count = n;
    for (size_t i = 0; i < n; i++) {
        struct cs_lab_school *school = &district->schools[i];
        unsigned rank = (unsigned)(district->index * n + i);

        cs_lab_model_id(school->id, 0x40000000 + rank, district->model->seed);
        cs_lab_names_school(school->name, sizeof school->name, rank);
        make_prefix(school->prefix, school->name);
    }
}

static void share(struct cs_lab_user *user)
{
    user->school_count = 2;
    user->schools[1] = 1;
}

/* What every district has, whatever the dice say: in its first school the
 * first student and teacher are in the second school as well, the second
 * student's name is too long, the second teacher is staff too. */
static void make_special(struct cs_lab_user *user, size_t place, size_t schools)
{
    if (place == 0 && schools > 1)
        share(user);
    if (place == 1 && user->roles & CS_LAB_STUDENT)
        user->first = cs_lab_names_overlong();
    if (place == 1 && user->roles & CS_LAB_TEACHER)
        user->roles |= CS_LAB_STAFF;
}

static void make_people(struct cs_lab_district *district, unsigned school,
                        enum cs_lab_role role, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct cs_lab_user *user = cs_lab_model_person(district, school, role);

        if (school == 0)
            make_special(user, i, district->school_count);
    }
}

static void make_district(struct cs_lab_model *model, unsigned index,
                          const struct cs_lab_options *options)
{
    struct cs_lab_district *district = &model->districts[index];

    *district = (struct cs_lab_district){
        .model = model,
        .index = index,
        .clock = EPOCH,
        .dice = {mix(model->seed) + index},
    };
    cs_lab_model_id(district->id, 0x30000000 + index, model->seed);
    cs_lab_names_district(district->name, sizeof district->name, index);
    make_prefix(district->prefix, district->name);
    cs_lab_model_new_token(district);
    make_schools(district, options->schools);
    for (unsigned i = 0; i < options->schools; i++) {
        make_people(district, i, CS_LAB_STUDENT, options->students);
        make_people(district, i, CS_LAB_TEACHER, options->teachers);
    }
    cs_lab_change_noise(district); /* so that there is a newest event */
}

void cs_lab_model_init(struct cs_lab_model *model,
                       const struct cs_lab_options *options)
{
    *model = (struct cs_lab_model){
        .seed = options->seed,
        .events_enabled = true,
        .districts =
            cs_memory_array(options->districts, sizeof *model->districts),
        .district_count = options->districts,
    };
    for (unsigned i = 0; i < options->districts; i++)
        make_district(model, i, options);
    model->events_enabled = !options->no_events;
}

void cs_lab_model_clear(struct cs_lab_model *model)
{
    for (size_t i = 0; i < model->district_count; i++) {
        cs_lab_change_forget(&model->districts[i], 0);
        free(model->districts[i].events);
        free(model->districts[i].users);
        free(model->districts[i].schools);
    }
    free(model->districts);
    while (model->texts) {
        struct cs_lab_texts *older = model->texts->older;

        free(model->texts);
        model->texts = older;
    }
}

static int compare_user(const void *id, const void *user)
{
    return strcmp(id, ((const struct cs_lab_user *)user)->id);
}

struct cs_lab_user *cs_lab_model_user(const struct cs_lab_model *model,
                                      const char *id,
                                      struct cs_lab_district **district)
{
    for (size_t i = 0; i < model->district_count; i++) {
        struct cs_lab_user *user;

        *district = &model->districts[i];
        if ((*district)->user_count == 0)
            continue;
        user = bsearch(id, (*district)->users, (*district)->user_count,
                       sizeof *user, compare_user);
        if (user)
            return user;
    }
    return NULL;
}

struct cs_lab_school *cs_lab_model_school(const struct cs_lab_model *model,
                                          const char *id,
                                          struct cs_lab_district **district)
{
    for (size_t i = 0; i < model->district_count; i++) {
        *district = &model->districts[i];
        for (size_t j = 0; j < (*district)->school_count; j++)
            if (strcmp((*district)->schools[j].id, id) == 0)
                return &(*district)->schools[j];
    }
    return NULL;
}

struct cs_lab_district *cs_lab_model_district(const struct cs_lab_model *model,
                                              const char *id)
{
    for (size_t i = 0; i < model->district_count; i++)
        if (strcmp(model->districts[i].id, id) == 0)
            return &model->districts[i];
    return NULL;
}

struct cs_lab_district *cs_lab_model_token(const struct cs_lab_model *model,
                                           const char *token)
{
    for (size_t i = 0; i < model->district_count; i++)
        if (strcmp(model->districts[i].token, token) == 0)
            return &model->districts[i];
    return NULL;
}
