/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* Clever's endpoints: which listing a path means, and whether it may be
 * seen. */
#include "config.h"
#include "lab/inside.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/base/memory.h"
#include "lab/listing.h"

#define WINDOW_SECONDS 60

/* --- what can be listed --- */

static bool always(const struct cs_lab_listing *listing, size_t row)
{
    (void)listing;
    (void)row;
    return true;
}

static const char *user_id(const struct cs_lab_listing *listing, size_t row)
{
    return listing->district->users[row].id;
}

static bool user_shown(const struct cs_lab_listing *listing, size_t row)
{
    const struct cs_lab_user *user = &listing->district->users[row];

    return !user->gone &&
           (listing->roles == 0 || (user->roles & listing->roles) != 0) &&
           (listing->school == CS_LAB_ANY_SCHOOL ||
            cs_lab_model_enrolled(user, listing->school));
}

static void user_render(const struct cs_lab_listing *listing, size_t row,
                        struct cs_lab_buffer *out)
{
    cs_lab_render_user(out, listing->district, &listing->district->users[row]);
}

static const char *section_id(const struct cs_lab_listing *listing, size_t row)
{
    return listing->district->users[row].section;
}

static bool section_shown(const struct cs_lab_listing *listing, size_t row)
{
    const struct cs_lab_user *user = &listing->district->users[row];

    return !user->gone && (user->roles & CS_LAB_TEACHER) != 0 &&
           (listing->school == CS_LAB_ANY_SCHOOL ||
            user->schools[0] == listing->school);
}

static void section_render(const struct cs_lab_listing *listing, size_t row,
                           struct cs_lab_buffer *out)
{
    cs_lab_render_section(out, listing->district,
                          &listing->district->users[row]);
}

static const char *school_id(const struct cs_lab_listing *listing, size_t row)
{
    return listing->district->schools[row].id;
}

static void school_render(const struct cs_lab_listing *listing, size_t row,
                          struct cs_lab_buffer *out)
{
    cs_lab_render_school(out, listing->district,
                         &listing->district->schools[row]);
}

static const char *district_id(const struct cs_lab_listing *listing, size_t row)
{
    (void)row;
    return listing->district->id;
}

static void district_render(const struct cs_lab_listing *listing, size_t row,
                            struct cs_lab_buffer *out)
{
    (void)row;
    cs_lab_render_district(out, listing->district);
}

static void wrong_district_render(const struct cs_lab_listing *listing,
                                  size_t row, struct cs_lab_buffer *out)
{
    struct cs_lab_district other = *listing->district;

    (void)row;
    cs_lab_model_id(other.id, 0x3fffffff, listing->model->seed);
    cs_lab_render_district(out, &other);
}

static const char *event_id(const struct cs_lab_listing *listing, size_t row)
{
    return listing->district->events[row].id;
}

/* An event is of a school when its record names it. */
static bool event_shown(const struct cs_lab_listing *listing, size_t row)
{
    const struct cs_lab_event *event = &listing->district->events[row];
    const struct cs_lab_request *request = listing->request;
    const char *school = cs_lab_request_param(request, "school");
    size_t type = strcspn(event->type, ".");
    bool named = false, same = false;

    for (size_t i = 0; i < request->param_count; i++) {
        const char *value = request->params[i].value;

        if (strcmp(request->params[i].name, "record_type") != 0)
            continue;
        named = true;
        if (strlen(value) == type && memcmp(value, event->type, type) == 0)
            same = true;
    }
    return (same || !named) &&
           (!school ||
            memmem(event->text, event->length, school, strlen(school)) != NULL);
}

static void event_render(const struct cs_lab_listing *listing, size_t row,
                         struct cs_lab_buffer *out)
{
    const struct cs_lab_event *event = &listing->district->events[row];

    cs_lab_buffer_add(out, event->text, event->length);
}

/* Rows of the token list are called as their districts are. */
static const char *token_id(const struct cs_lab_listing *listing, size_t row)
{
    return listing->model->districts[row].id;
}

static bool token_shown(const struct cs_lab_listing *listing, size_t row)
{
    const char *type = cs_lab_request_param(listing->request, "owner_type");
    const char *district = cs_lab_request_param(listing->request, "district");

    return (!type || strcmp(type, "district") == 0) &&
           (!district || strcmp(district, token_id(listing, row)) == 0);
}

static void token_render(const struct cs_lab_listing *listing, size_t row,
                         struct cs_lab_buffer *out)
{
    const struct cs_lab_district *district = &listing->model->districts[row];

    cs_lab_buffer_format(out,
                         "{\"id\":\"%s\","
                         "\"created\":\"2025-07-01T00:00:00.000Z\","
                         "\"owner\":{\"type\":\"district\",\"id\":\"%s\"},"
                         "\"access_token\":\"%s\",\"scopes\":[\"read:sis\"]}",
                         district->id, district->id, district->token);
}

/* --- paths --- */

struct target {
    struct cs_lab_listing listing; /* no kind: there is nothing */
    const char *one;               /* an id; NULL: the listing itself */
    bool tokens;
};

/* "/v3.0" or "/v3.1"; gives what follows, or NULL. */
static const char *behind_version(const char *path)
{
    if (strncmp(path, "/v3.0/", 6) == 0 || strncmp(path, "/v3.1/", 6) == 0)
        return path + 6;
    return NULL;
}

static void route_tokens(struct target *target, struct cs_lab *lab)
{
    target->tokens = true;
    target->listing.kind = "";
    target->listing.count = lab->model.district_count;
    target->listing.id = token_id;
    target->listing.shown = token_shown;
    target->listing.render = token_render;
}

static void route_users(struct cs_lab_listing *listing)
{
    listing->kind = "users";
    listing->count = listing->district->user_count;
    listing->id = user_id;
    listing->shown = user_shown;
    listing->render = user_render;
}

static void route_sections(struct cs_lab_listing *listing)
{
    listing->kind = "sections";
    listing->count = listing->district->user_count;
    listing->id = section_id;
    listing->shown = section_shown;
    listing->render = section_render;
}

/* The words behind schools/ID/; its users are everybody but contacts. */
static void route_of_school(struct cs_lab_listing *listing, const char *id,
                            const char *words)
{
    const struct cs_lab_district *district = listing->district;
    size_t length = (size_t)(words - id) - 1;

    for (unsigned i = 0; i < district->school_count; i++) {
        if (strlen(district->schools[i].id) != length ||
            memcmp(district->schools[i].id, id, length) != 0)
            continue;
        listing->school = i;
        if (strcmp(words, "users") == 0) {
            route_users(listing);
            if (listing->roles == 0)
                listing->roles = CS_LAB_STUDENT | CS_LAB_TEACHER | CS_LAB_STAFF;
        } else if (strcmp(words, "sections") == 0) {
            route_sections(listing);
        }
    }
}

/* "users", "users/ID": gives false when the words do not begin so. */
static bool begins(const char *words, const char *kind, const char **one)
{
    size_t length = strlen(kind);

    if (strncmp(words, kind, length) != 0)
        return false;
    if (words[length] == '/')
        *one = words + length + 1;
    return words[length] == '\0' || words[length] == '/';
}

static void route_data(struct target *target, const struct cs_lab *lab,
                       const char *words)
{
    struct cs_lab_listing *listing = &target->listing;
    const struct cs_lab_district *district = listing->district;
    const char *slash;

    listing->shown = always;
    if (begins(words, "users", &target->one)) {
        route_users(listing);
    } else if (begins(words, "sections", &target->one)) {
        route_sections(listing);
    } else if (begins(words, "schools", &target->one)) {
        slash = target->one ? strchr(target->one, '/') : NULL;
        if (slash) {
            route_of_school(listing, target->one, slash + 1);
            target->one = NULL;
            return;
        }
        listing->kind = "schools";
        listing->count = district->school_count;
        listing->id = school_id;
        listing->render = school_render;
    } else if (begins(words, "districts", &target->one)) {
        listing->kind = "districts";
        listing->count = 1;
        listing->id = district_id;
        listing->render = district_render;
    } else if (lab->model.events_enabled &&
               begins(words, "events", &target->one)) {
        listing->kind = "events";
        listing->count = district->event_count;
        listing->id = event_id;
        listing->shown = event_shown;
        listing->render = event_render;
    }
}

static struct target route(struct cs_lab *lab,
                           const struct cs_lab_district *district,
                           const struct cs_lab_request *request)
{
    const char *role = cs_lab_request_param(request, "role");
    const char *words = behind_version(request->path);
    struct target target = {.listing = {
                                .model = &lab->model,
                                .district = district,
                                .request = request,
                                .school = CS_LAB_ANY_SCHOOL,
                                .roles = role ? cs_lab_model_role(role) : 0,
                            }};

    if (strcmp(request->path, "/oauth/tokens") == 0)
        route_tokens(&target, lab);
    else if (district && words)
        route_data(&target, lab, words);
    return target;
}

/* --- who may see it --- */

static struct cs_lab_district *bearer(const struct cs_lab *lab,
                                      const struct cs_lab_request *request)
{
    const char *header = request->authorization;

    if (!header || strncmp(header, "Bearer ", 7) != 0)
        return NULL;
    return cs_lab_model_token(&lab->model, header + 7);
}

/* Counts the request against its token's minute; false: it is answered. */
static bool within_rate(struct cs_lab *lab,
                        const struct cs_lab_district *district,
                        struct cs_lab_reply *reply)
{
    struct cs_lab_window *window = &lab->windows[district->index];
    long long now = (long long)time(NULL);
    bool within;

    if (lab->rate_limit == 0)
        return true;
    if (now >= window->until)
        *window = (struct cs_lab_window){.until = now + WINDOW_SECONDS};
    within = window->used < lab->rate_limit;
    window->used += within;
    cs_lab_reply_header(reply, "X-RateLimit-Limit", lab->rate_limit);
    cs_lab_reply_header(reply, "X-RateLimit-Remaining",
                        lab->rate_limit - window->used);
    cs_lab_reply_header(reply, "X-RateLimit-Reset", window->until);
    if (!within)
        reply->status = 429; /* and no body, as Clever's */
    return within;
}

static bool allowed(struct cs_lab *lab, const struct target *target,
                    const struct cs_lab_request *request,
                    struct cs_lab_reply *reply)
{
    const struct cs_lab_district *district = target->listing.district;

    if (target->tokens) {
        if (request->authorization &&
            strcmp(request->authorization, lab->basic) == 0)
            return true;
    } else if (district) {
        return within_rate(lab, district, reply);
    }
    cs_lab_reply_error(reply, 401, "Unauthorized");
    return false;
}

static void answer_target(struct target *target,
                          const struct cs_lab_request *request,
                          const struct cs_lab_hits *hits,
                          struct cs_lab_reply *reply)
{
    const char *role = cs_lab_request_param(request, "role");

    if (!target->listing.kind) {
        cs_lab_reply_error(reply, 404, "Resource not found");
        return;
    }
    if (role && cs_lab_model_role(role) == 0) {
        cs_lab_reply_error(reply, 400, "there is no such role");
        return;
    }
    if (hits->on[CS_LAB_FAULT_WRONG_DISTRICT] &&
        target->listing.render == district_render)
        target->listing.render = wrong_district_render;
    if (target->one)
        cs_lab_listing_one(&target->listing, target->one, request, reply);
    else
        cs_lab_listing_answer(&target->listing, request, hits, reply);
}

static void answer_clever(struct cs_lab *lab,
                          const struct cs_lab_request *request,
                          struct cs_lab_reply *reply)
{
    struct cs_lab_district *district = bearer(lab, request);
    struct target target = route(lab, district, request);
    struct cs_lab_hits hits;
    size_t page = 0;

    if (target.listing.kind && !target.one &&
        cs_lab_faults_want_page(&lab->faults))
        page = cs_lab_listing_page(&target.listing, request);
    hits = cs_lab_faults_meet(&lab->faults, request, page);
    if (hits.on[CS_LAB_FAULT_DIE_TOKEN] && district) {
        cs_lab_model_new_token(district);
        target.listing.district = NULL; /* so that it is refused */
    }
    if (hits.on[CS_LAB_FAULT_SLOW])
        reply->wait = (int)hits.ms;
    reply->cut = hits.on[CS_LAB_FAULT_CUT_BODY];
    if (cs_lab_telemetry_answer(&lab->telemetry, lab->url, request, &hits,
                                reply))
        return;
    if (cs_lab_fault_answer(&hits, reply))
        return;
    if (lab->vault &&
        cs_lab_vault_answer(lab->vault, lab->url, request, &hits, reply))
        return;
    if (strcmp(request->method, "GET") != 0)
        cs_lab_reply_error(reply, 405, "only GET is served");
    else if (allowed(lab, &target, request, reply))
        answer_target(&target, request, &hits, reply);
}

/* --- the log --- */

static void log_request(struct cs_lab *lab, const char *uri)
{
    if (lab->log_count == CS_LAB_MAX_LOG) {
        lab->log_full = true;
        return;
    }
    if (lab->log_count == lab->log_size) {
        lab->log_size = lab->log_size * 2 + 64;
        lab->log = cs_memory_grow(lab->log, lab->log_size, sizeof *lab->log);
    }
    lab->log[lab->log_count++] = cs_memory_text(uri);
}

void cs_lab_answer(struct cs_lab *lab, const struct cs_lab_request *request,
                   struct cs_lab_reply *reply)
{
    pthread_mutex_lock(&lab->lock);
    if (strncmp(request->path, "/lab/", 5) == 0) {
        cs_lab_control(lab, request, reply);
    } else {
        log_request(lab, request->uri);
        answer_clever(lab, request, reply);
    }
    pthread_mutex_unlock(&lab->lock);
}
