/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

#include "config.h"

#include "plugin/source.h"

enum cs_rc cs_source_mark(struct cs_instance *source, struct cs_page *page,
                          struct cs_error *error)
{
    enum cs_rc rc;

    cs_instance_enter(source);
    rc = source->module->ops.source.mark(source->self, page);
    rc = cs_instance_leave(source, rc, error);
    if (rc != CS_OK || page->end == CS_PAGE_DONE)
        return rc;
    return cs_error_set(error, CS_E_RETRY,
                        "%s: the source did not say where its feed stands",
                        source->request.part->section);
}

enum cs_rc cs_source_fetch(struct cs_instance *source,
                           const struct cs_entity *entity, const char *cursor,
                           struct cs_page *page, struct cs_error *error)
{
    enum cs_rc rc;

    cs_instance_enter(source);
    rc = source->module->ops.source.fetch(source->self, entity, cursor, page);
    if (page->refused != CS_OK) {
        cs_instance_leave(source, rc, NULL);
        return page->refused;
    }
    return cs_instance_leave(source, rc, error);
}
