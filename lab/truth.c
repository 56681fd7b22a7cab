/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* What a correct sync leaves in a school's table.  Written apart from the
 * core's own rules on purpose: two that agree are worth more than one. */
#include "config.h"
#include "lab/model.h"

#include <string.h>

#include "lab/names.h"

/* A character of valid UTF-8 and how many bytes it has. */
struct character {
    unsigned long code;
    size_t length;
};

static struct character decode(const char *text)
{
    const unsigned char *c = (const unsigned char *)text;

    if (c[0] < 0x80)
        return (struct character){c[0], 1};
    if (c[0] < 0xe0)
        return (struct character){(c[0] & 0x1fUL) << 6 | (c[1] & 0x3fUL), 2};
    if (c[0] < 0xf0)
        return (struct character){
            (c[0] & 0x0fUL) << 12 | (c[1] & 0x3fUL) << 6 | (c[2] & 0x3fUL), 3};
    return (struct character){(c[0] & 0x07UL) << 18 | (c[1] & 0x3fUL) << 12 |
                                  (c[2] & 0x3fUL) << 6 | (c[3] & 0x3fUL),
                              4};
}

/* Unicode's White_Space. */
static bool white(unsigned long c)
{
    return (c >= 0x09 && c <= 0x0d) || c == 0x20 || c == 0x85 || c == 0xa0 ||
           c == 0x1680 || (c >= 0x2000 && c <= 0x200a) || c == 0x2028 ||
           c == 0x2029 || c == 0x202f || c == 0x205f || c == 0x3000;
}

/* What is done with a value that is longer than its column. */
enum overlong { CUT, DROP };

static void column(struct cs_lab_buffer *out, const char *name,
                   const char *value, size_t limit, enum overlong overlong)
{
    const char *start = NULL, *end = NULL, *fits = NULL;
    size_t units = 0;

    cs_lab_buffer_format(out, "\"%s\":", name);
    if (value == cs_lab_null)
        value = NULL;
    for (const char *c = value; c && *c;) {
        struct character at = decode(c);

        if (!start && !white(at.code))
            start = c;
        c += at.length;
        if (!start)
            continue;
        units += at.code > 0xffff ? 2 : 1;
        if (units <= limit)
            fits = c;
        if (!white(at.code)) {
            end = c;
        }
    }
    if (start && end > fits)
        end = overlong == CUT ? fits : NULL;
    if (start && end)
        cs_lab_buffer_quote(out, start, (size_t)(end - start));
    else
        cs_lab_buffer_text(out, "null");
}

static void person(struct cs_lab_buffer *out, const struct cs_lab_user *user,
                   enum cs_lab_role role)
{
    cs_lab_buffer_format(out, "\"%s\":{", user->id);
    column(out, "FirstName", user->first, 100, CUT);
    cs_lab_buffer_text(out, ",");
    column(out, "LastName", user->last, 100, CUT);
    cs_lab_buffer_text(out, ",");
    column(out, "Email", user->email, 200, DROP);
    cs_lab_buffer_text(out, ",");
    if (role == CS_LAB_STUDENT) {
        column(out, "Grade", user->grade, 32, CUT);
        cs_lab_buffer_text(out, ",");
        column(out, "StudentNumber", user->number, 50, DROP);
    } else {
        column(out, "Title", user->title, 100, CUT);
    }
    cs_lab_buffer_text(out, "}");
}

void cs_lab_truth(struct cs_lab_buffer *out,
                  const struct cs_lab_district *district, unsigned school,
                  enum cs_lab_role role)
{
    const char *comma = "";

    cs_lab_buffer_text(out, "{");
    for (size_t i = 0; i < district->user_count; i++) {
        const struct cs_lab_user *user = &district->users[i];

        if (user->gone || !(user->roles & role) ||
            !cs_lab_model_enrolled(user, school))
            continue;
        cs_lab_buffer_format(out, "%s\n", comma);
        person(out, user, role);
        comma = ",";
    }
    cs_lab_buffer_text(out, "\n}\n");
}
