/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* Rows in ascending order of id, and pages of them as Clever cuts them. */
#ifndef CS_LAB_LISTING_H
#define CS_LAB_LISTING_H

#include "lab/fault.h"
#include "lab/model.h"
#include "lab/request.h"

#define CS_LAB_ANY_SCHOOL ((unsigned)-1)

/* Rows are numbered 0 .. count - 1; some of them are not shown. */
struct cs_lab_listing {
    const char *kind; /* "users"; "" when the rows are not wrapped */
    size_t count;
    const char *(*id)(const struct cs_lab_listing *listing, size_t row);
    bool (*shown)(const struct cs_lab_listing *listing, size_t row);
    void (*render)(const struct cs_lab_listing *listing, size_t row,
                   struct cs_lab_buffer *out);
    /* what those three look at */
    const struct cs_lab_model *model;
    const struct cs_lab_district *district;
    const struct cs_lab_request *request;
    unsigned school;
    unsigned roles; /* 0: all */
};

/* The number of the page that the request asks for, counted from 1 in pages
 * of its own limit. */
size_t cs_lab_listing_page(const struct cs_lab_listing *listing,
                           const struct cs_lab_request *request);
void cs_lab_listing_answer(const struct cs_lab_listing *listing,
                           const struct cs_lab_request *request,
                           const struct cs_lab_hits *hits,
                           struct cs_lab_reply *reply);
/* One record. */
void cs_lab_listing_one(const struct cs_lab_listing *listing, const char *id,
                        const struct cs_lab_request *request,
                        struct cs_lab_reply *reply);

#endif
