/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* Stand-ins for those who are told of runs: Application Insights' ingestion at
 * /v2.1/track, and a receiver of webhooks at /hook.  What they are told is
 * kept, and shown at /lab/telemetry. */
#ifndef CS_LAB_TELEMETRY_H
#define CS_LAB_TELEMETRY_H

#include "lab/fault.h"
#include "lab/request.h"

#define CS_LAB_MAX_TELEMETRY 10000

struct cs_lab_telemetry { /* zeroed is empty */
    char **told;          /* a JSON object each */
    size_t count;
    bool full;
};

/* False: the path is none of theirs. */
bool cs_lab_telemetry_answer(struct cs_lab_telemetry *telemetry,
                             const char *url,
                             const struct cs_lab_request *request,
                             const struct cs_lab_hits *hits,
                             struct cs_lab_reply *reply);
/* An array of {"path", "type", "encoding", "signature": or null, "status": what
 * was answered, 0: nothing, "body": as text, decompressed, or null}. */
void cs_lab_telemetry_show(const struct cs_lab_telemetry *telemetry,
                           struct cs_lab_buffer *out);
void cs_lab_telemetry_clear(struct cs_lab_telemetry *telemetry);

#endif
