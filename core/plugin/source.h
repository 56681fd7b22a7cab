/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* Calls to a source: each framed for its instance, each with its error. */
#ifndef CS_SOURCE_H
#define CS_SOURCE_H

#include "plugin/instance.h"
#include "sync/page.h"

/* CS_E_RETRY when the source ended well but did not say where the feed
 * stands. */
enum cs_rc cs_source_mark(struct cs_instance *source, struct cs_page *page,
                          struct cs_error *error);

/* One page.  When the page's consumer stopped it, its own result is returned
 * and error is as the consumer left it. */
enum cs_rc cs_source_fetch(struct cs_instance *source,
                           const struct cs_entity *entity, const char *cursor,
                           struct cs_page *page, struct cs_error *error);

#endif
