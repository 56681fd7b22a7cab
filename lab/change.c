/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* What happens to a district, and the events that tell of it. */
#include "config.h"
#include "lab/model.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/memory.h"
#include "lab/names.h"

const char *const cs_lab_field_names[CS_LAB_FIELDS + 1] = {
    [CS_LAB_FIRST] = "first", [CS_LAB_LAST] = "last",
    [CS_LAB_EMAIL] = "email", [CS_LAB_GRADE] = "grade",
    [CS_LAB_TITLE] = "title", [CS_LAB_NUMBER] = "student_number",
};

/* --- the log --- */

/* Takes over both texts; `previous` may be empty.  The buffers are used up. */
static void log_event(struct cs_lab_district *district, const char *type,
                      struct cs_lab_buffer *object,
                      struct cs_lab_buffer *previous)
{
    int64_t now = cs_lab_model_tick(district);
    struct cs_lab_buffer text = {0};
    struct cs_lab_event *event;

    if (!district->model->events_enabled)
        goto out;
    if (district->event_count == district->event_size) {
        district->event_size = district->event_size * 2 + 16;
        district->events = cs_memory_grow(district->events,
                                          district->event_size, sizeof *event);
    }
    event = &district->events[district->event_count++];
    event->type = type;
    snprintf(event->id, sizeof event->id, "%08x%08x%08x",
             (unsigned)(now / 1000), ++district->event_serial,
             (unsigned)cs_lab_dice_roll(&district->dice));

    cs_lab_buffer_format(
        &text, "{\"id\":\"%s\",\"type\":\"%s\",\"created\":", event->id, type);
    cs_lab_render_time(&text, now);
    cs_lab_buffer_text(&text, ",\"data\":{\"object\":");
    cs_lab_buffer_add(&text, object->text, object->length);
    if (previous->length > 0) {
        cs_lab_buffer_text(&text, ",\"previous_attributes\":");
        cs_lab_buffer_add(&text, previous->text, previous->length);
    }
    cs_lab_buffer_text(&text, "}}");
    event->text = cs_memory_grow(text.text, text.length, 1);
    event->length = text.length;
out:
    cs_lab_buffer_clear(object);
    cs_lab_buffer_clear(previous);
}

static void log_user(struct cs_lab_district *district, const char *type,
                     const struct cs_lab_user *user,
                     struct cs_lab_buffer *previous)
{
    struct cs_lab_buffer object = {0};

    cs_lab_render_user(&object, district, user);
    log_event(district, type, &object, previous);
}

static void log_update(struct cs_lab_district *district,
                       struct cs_lab_user *user, struct cs_lab_buffer *previous)
{
    user->modified = cs_lab_model_tick(district);
    log_user(district, "users.updated", user, previous);
}

void cs_lab_change_forget(struct cs_lab_district *district, size_t keep)
{
    size_t drop;

    if (keep >= district->event_count)
        return;
    drop = district->event_count - keep;
    for (size_t i = 0; i < drop; i++)
        free(district->events[i].text);
    memmove(district->events, district->events + drop,
            keep * sizeof *district->events);
    district->event_count = keep;
}

/* --- one person --- */

/* The role that the person's own fields belong to, 0 when it is lost. */
static unsigned main_role(const struct cs_lab_user *user)
{
    return user->roles & (CS_LAB_STUDENT | CS_LAB_TEACHER);
}

static const char **field_of(struct cs_lab_user *user, enum cs_lab_field field)
{
    switch (field) {
    case CS_LAB_FIRST:
        return &user->first;
    case CS_LAB_LAST:
        return &user->last;
    case CS_LAB_EMAIL:
        return &user->email;
    case CS_LAB_GRADE:
        return user->roles & CS_LAB_STUDENT ? &user->grade : NULL;
    case CS_LAB_NUMBER:
        return user->roles & CS_LAB_STUDENT ? &user->number : NULL;
    case CS_LAB_TITLE:
        return user->roles & CS_LAB_TEACHER ? &user->title : NULL;
    case CS_LAB_FIELDS:
        break;
    }
    return NULL;
}

static void open_role(struct cs_lab_buffer *out, unsigned role)
{
    cs_lab_buffer_format(out,
                         "{\"roles\":{\"%s\":", cs_lab_model_role_name(role));
}

bool cs_lab_change_field(struct cs_lab_district *district,
                         struct cs_lab_user *user, enum cs_lab_field field,
                         const char *value)
{
    const char **place = field_of(user, field);
    struct cs_lab_buffer previous = {0};

    if (user->gone || !place)
        return false;
    if (field == CS_LAB_FIRST || field == CS_LAB_LAST) {
        cs_lab_buffer_text(&previous, "{\"name\":");
        cs_lab_render_name(&previous, user);
        cs_lab_buffer_text(&previous, "}");
    } else if (field == CS_LAB_EMAIL) {
        cs_lab_buffer_text(&previous, "{\"email\":");
        cs_lab_render_value(&previous, user->email);
        cs_lab_buffer_text(&previous, "}");
    } else {
        open_role(&previous, main_role(user));
        cs_lab_buffer_format(&previous, "{\"%s\":", cs_lab_field_names[field]);
        cs_lab_render_value(&previous, *place);
        cs_lab_buffer_text(&previous, "}}}");
    }
    *place = value == cs_lab_null ? value
                                  : cs_lab_model_keep(district->model, value);
    log_update(district, user, &previous);
    return true;
}

bool cs_lab_change_touch(struct cs_lab_district *district,
                         struct cs_lab_user *user)
{
    struct cs_lab_buffer previous = {0};

    if (user->gone || main_role(user) == 0)
        return false;
    open_role(&previous, main_role(user));
    cs_lab_buffer_format(&previous, "{\"ext\":{\"touched\":\"%u\"}}}}",
                         user->touched++);
    log_update(district, user, &previous);
    return true;
}

bool cs_lab_change_move(struct cs_lab_district *district,
                        struct cs_lab_user *user, unsigned school)
{
    struct cs_lab_buffer previous = {0};

    if (user->gone || main_role(user) == 0)
        return false;
    open_role(&previous, main_role(user));
    cs_lab_buffer_text(&previous, "{");
    cs_lab_render_schools(&previous, district, user);
    cs_lab_buffer_text(&previous, "}}}");
    user->school_count = 1;
    user->schools[0] = school;
    log_update(district, user, &previous);
    return true;
}

bool cs_lab_change_drop_role(struct cs_lab_district *district,
                             struct cs_lab_user *user, enum cs_lab_role role)
{
    struct cs_lab_buffer previous = {0};

    if (user->gone || !(user->roles & role))
        return false;
    open_role(&previous, role);
    cs_lab_render_role(&previous, district, user, role);
    cs_lab_buffer_text(&previous, "}}");
    user->roles &= (unsigned char)~role;
    user->null_roles &= (unsigned char)~role;
    log_update(district, user, &previous);
    return true;
}

bool cs_lab_change_delete(struct cs_lab_district *district,
                          struct cs_lab_user *user)
{
    if (user->gone)
        return false;
    user->gone = true;
    log_user(district, "users.deleted", user, &(struct cs_lab_buffer){0});
    return true;
}

bool cs_lab_change_restore(struct cs_lab_district *district,
                           struct cs_lab_user *user)
{
    if (!user->gone)
        return false;
    user->gone = false;
    log_user(district, "users.created", user, &(struct cs_lab_buffer){0});
    return true;
}

bool cs_lab_change_narrow(struct cs_lab_district *district,
                          struct cs_lab_user *user)
{
    struct cs_lab_buffer object = {0}, previous = {0};

    if (user->gone || main_role(user) == 0)
        return false;
    cs_lab_buffer_format(&object,
                         "{\"id\":\"%s\",\"district\":\"%s\","
                         "\"last_modified\":",
                         user->id, district->id);
    cs_lab_render_time(&object, user->modified);
    cs_lab_buffer_text(&object, "}");
    open_role(&previous, main_role(user));
    cs_lab_render_role(&previous, district, user, main_role(user));
    cs_lab_buffer_text(&previous, "},\"email\":");
    cs_lab_render_value(&previous, user->email);
    cs_lab_buffer_text(&previous, "}");
    log_event(district, "users.updated", &object, &previous);
    return true;
}

struct cs_lab_user *cs_lab_change_add(struct cs_lab_district *district,
                                      unsigned school, enum cs_lab_role role)
{
    struct cs_lab_user *user = cs_lab_model_person(district, school, role);

    log_user(district, "users.created", user, &(struct cs_lab_buffer){0});
    return user;
}

/* --- the district --- */

void cs_lab_change_noise(struct cs_lab_district *district)
{
    struct cs_lab_buffer object = {0}, nothing = {0};
    const struct cs_lab_school *school = &district->schools[0];
    char id[25];

    cs_lab_model_id(id, 0x60000000 + district->event_serial,
                    district->model->seed);
    cs_lab_buffer_format(&object,
                         "{\"id\":\"%s\",\"district\":\"%s\","
                         "\"school\":\"%s\",\"name\":\"Algebra\","
                         "\"students\":[],\"teachers\":[]}",
                         id, district->id, school->id);
    log_event(district, "sections.updated", &object, &nothing);
    cs_lab_render_school(&object, district, school);
    log_event(district, "schools.updated", &object, &nothing);
    id[0] = '7';
    cs_lab_buffer_format(&object,
                         "{\"id\":\"%s\",\"district\":\"%s\","
                         "\"name\":{\"first\":\"\",\"last\":\"A Parent\"},"
                         "\"roles\":{\"contact\":{"
                         "\"student_relationships\":[]}}}",
                         id, district->id);
    log_event(district, "users.created", &object, &nothing);
}

/* Somebody who is not gone, or NULL when the dice meet nobody. */
static struct cs_lab_user *anybody(struct cs_lab_district *district,
                                   uint64_t roll)
{
    for (size_t i = 0; i < district->user_count; i++) {
        struct cs_lab_user *user =
            &district->users[(roll + i) % district->user_count];

        if (!user->gone)
            return user;
    }
    return NULL;
}

static void drift_field(struct cs_lab_district *district,
                        struct cs_lab_user *user, uint64_t roll)
{
    enum cs_lab_field field = roll % CS_LAB_FIELDS;
    uint64_t choice = roll / CS_LAB_FIELDS;
    const char *value;

    switch (field) {
    case CS_LAB_FIRST:
        value = cs_lab_names_first(choice);
        break;
    case CS_LAB_LAST:
        value = cs_lab_names_last(choice);
        break;
    case CS_LAB_GRADE:
        value = cs_lab_names_grade(choice);
        break;
    case CS_LAB_TITLE:
        value = cs_lab_names_title(choice);
        break;
    default:
        value = cs_lab_names_odd(choice);
        break;
    }
    cs_lab_change_field(district, user, field, value ? value : cs_lab_null);
}

static void drift_once(struct cs_lab_district *district,
                       struct cs_lab_dice *dice)
{
    uint64_t kind = cs_lab_dice_roll(dice) % 20;
    uint64_t roll = cs_lab_dice_roll(dice);
    unsigned school = (unsigned)(roll % district->school_count);
    struct cs_lab_user *user = anybody(district, roll >> 16);

    if (kind < 2 || !user)
        cs_lab_change_add(district, school,
                          roll >> 63 ? CS_LAB_TEACHER : CS_LAB_STUDENT);
    else if (kind == 2)
        cs_lab_change_delete(district, user);
    else if (kind < 5)
        cs_lab_change_move(district, user, school);
    else if (kind < 7)
        cs_lab_change_touch(district, user);
    else if (kind == 7)
        cs_lab_change_noise(district);
    else if (kind == 8)
        cs_lab_change_drop_role(district, user, CS_LAB_TEACHER);
    else
        drift_field(district, user, roll >> 8);
}

void cs_lab_change_drift(struct cs_lab_model *model, uint64_t seed, size_t n)
{
    struct cs_lab_dice dice = {seed};

    for (size_t i = 0; i < n; i++) {
        uint64_t roll = cs_lab_dice_roll(&dice);

        drift_once(&model->districts[roll % model->district_count], &dice);
    }
}
